"""What is known of keys.  A key itself is never stored, only a digest that it can be known by."""

import attrs
import sqlalchemy as sa

from bitstamp_ledger.api import KeyReport, KeyState
from bitstamp_ledger.errors import OverprivilegedKeyError, UnprovenKeyError
from bitstamp_ledger.ledger._instants import to_text
from bitstamp_ledger.ledger._schema import verdicts
from bitstamp_ledger.ledger._store import allocate


@attrs.frozen(kw_only=True)
class KeyRules:
    """What a sync asks of a key."""

    require_checked: bool = False
    allow_overprivileged: bool = False


def fingerprint_of(client: object) -> str | None:
    """Return what the ledger knows a client's key by; None for a client without a key.

    A key has 32 random characters, so its digest tells nobody what it is.
    """
    stated = getattr(client, "key_fingerprint", None)
    return stated if isinstance(stated, str) else None


def remember(connection: sa.Connection, fingerprint: str, report: KeyReport) -> None:
    """Keep the verdict of a check."""
    connection.execute(
        sa.insert(verdicts).values(
            id=allocate(connection, "verdicts"),
            fingerprint=fingerprint,
            state=report.state.value,
            checked_at=to_text(report.checked_at),
            report=report.to_json(),
        )
    )


def last_report(connection: sa.Connection, fingerprint: str | None) -> KeyReport | None:
    """Return the last verdict on a key, or None where it was never checked."""
    if fingerprint is None:
        return None
    text = connection.execute(
        sa.select(verdicts.c.report)
        .where(verdicts.c.fingerprint == fingerprint)
        .order_by(verdicts.c.id.desc())
        .limit(1)
    ).scalar()
    return None if text is None else KeyReport.from_json(text)


def admit(report: KeyReport | None, rules: KeyRules) -> tuple[str, ...]:
    """Refuse a key that must not be used; return what the caller should hear of another.

    Nothing is asked of the exchange: a sync never probes.

    Raises:
        OverprivilegedKeyError: the last check found that it can do more than read.
        UnprovenKeyError: it was never checked, and the caller wants it to be.
    """
    if report is None:
        if rules.require_checked:
            raise UnprovenKeyError(
                "This key was never checked, so nothing says that it only reads.",
                state=KeyState.UNPROVEN.value,
                hint="Call ledger.check_key(client) once, or sync without require_checked.",
            )
        return ("This key was never checked; ledger.check_key(client) finds out what it may do.",)
    if report.state is KeyState.OVERPRIVILEGED:
        if rules.allow_overprivileged:
            return (f"This key can do more than read, and was allowed by name. {report.advice}",)
        raise OverprivilegedKeyError(
            "The last check found that this key can do more than read, so it was not used.",
            state=report.state.value,
            report=report,
            hint=f"{report.advice} To use it all the same, pass allow_overprivileged=True.",
        )
    if report.state is not KeyState.READ_ONLY:
        return (f"The last check of this key said {report.state.value}. {report.advice}",)
    return ()
