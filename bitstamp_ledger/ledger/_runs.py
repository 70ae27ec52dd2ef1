"""The manifest of every sync, import and removal."""

import datetime as dt
import json
import platform
from collections.abc import Mapping
from typing import Final

import sqlalchemy as sa

from bitstamp_ledger._version import __version__
from bitstamp_ledger.errors import BitstampLedgerError
from bitstamp_ledger.ledger._instants import from_text, to_text
from bitstamp_ledger.ledger._records import AccountRef
from bitstamp_ledger.ledger._schema import SCHEMA_VERSION, accounts, pages, runs
from bitstamp_ledger.ledger._store import allocate
from bitstamp_ledger.ledger._values import PageManifest, Run

RUNNING: Final = "running"
DONE: Final = "done"
FAILED: Final = "failed"
STOPPED: Final = "stopped"


class StoppedError(BitstampLedgerError):
    """Raised by who reads on purpose, to break a sync off between two pages.

    Raise it, or a subclass, from the ``progress`` of ``Ledger.sync``: it goes through, and the run
    is noted as stopped, not as failed.  The next sync goes on after the last page.
    """


def outcome_of(error: BaseException) -> str:
    """Return what a run is noted as that ended with this error."""
    return STOPPED if isinstance(error, StoppedError) else FAILED


def begin_run(
    connection: sa.Connection,
    kind: str,
    at: dt.datetime,
    *,
    account: AccountRef | None = None,
    mode: str | None = None,
) -> int:
    """Open the manifest of a run; return its number."""
    number = allocate(connection, "runs")
    versions = {
        "bitstamp_ledger": __version__,
        "python": platform.python_version(),
        "schema": str(SCHEMA_VERSION),
    }
    connection.execute(
        sa.insert(runs).values(
            id=number,
            kind=kind,
            account_id=None if account is None else account.id,
            mode=mode,
            started_at=to_text(at),
            outcome=RUNNING,
            versions=json.dumps(versions),
        )
    )
    return number


def end_run(
    connection: sa.Connection,
    number: int,
    at: dt.datetime,
    *,
    counts: Mapping[str, int],
    outcome: str = DONE,
    reason: str | None = None,
) -> None:
    """Close the manifest of a run."""
    connection.execute(
        sa.update(runs)
        .where(runs.c.id == number)
        .values(
            finished_at=to_text(at), outcome=outcome, reason=reason, counts=json.dumps(dict(counts))
        )
    )


def listed(connection: sa.Connection) -> tuple[Run, ...]:
    """Return all manifests, oldest first."""
    stretches: dict[int, list[PageManifest]] = {}
    for row in connection.execute(sa.select(pages).order_by(pages.c.run_id, pages.c.number)):
        stretches.setdefault(row.run_id, []).append(
            PageManifest(
                number=row.number,
                records=row.records,
                added=row.added,
                first=row.first_key,
                last=row.last_key,
                digest=row.digest,
            )
        )
    rows = connection.execute(
        sa.select(runs, accounts.c.name)
        .outerjoin(accounts, accounts.c.id == runs.c.account_id)
        .order_by(runs.c.id)
    )
    return tuple(
        Run(
            id=row.id,
            kind=row.kind,
            account=row.name,
            mode=row.mode,
            started_at=from_text(row.started_at),
            finished_at=None if row.finished_at is None else from_text(row.finished_at),
            outcome=row.outcome,
            reason=row.reason,
            versions=json.loads(row.versions),
            counts=json.loads(row.counts) if row.counts else {},
            pages=tuple(stretches.get(row.id, ())),
        )
        for row in rows
    )
