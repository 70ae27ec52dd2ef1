"""What a key check found: values that can be compared, stored and shown.

1. A report cannot be built whose verdict is better than its findings: `KeyReport` refuses it.
2. Nothing here asks anything or knows the time.
"""

import datetime as dt
import enum
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Final, Self

import attrs
import msgspec

from bitstamp_ledger._page import Table, to_notebook
from bitstamp_ledger.api._key_conditions import (
    Actor,
    Diagnosis,
    KeyCondition,
    KeyState,
    Severity,
)
from bitstamp_ledger.api._key_permissions import (
    KEY_PERMISSIONS,
    KeyPermission,
    PermissionKind,
    permissions_of,
)
from bitstamp_ledger.errors import (
    BitstampLedgerError,
    InsufficientKeyError,
    KeyNotSafeError,
    OverprivilegedKeyError,
    UnprovenKeyError,
    UnusableKeyError,
)
from bitstamp_ledger.model import utc

TEXT_LENGTH_MAX: Final = 300
SCHEMA: Final = 1
DEAD_AFTER: Final = dt.timedelta(hours=1)
"""Two refusals at least so far apart, and nothing less, make a key that worked a dead one."""

ALWAYS_ASKED: Final = ("BTC", "ETH")
"""Coins whose withdrawal is asked about whether the account holds them or not."""

NEEDED: Final = permissions_of(PermissionKind.NEEDED_READ)
WRITES: Final = permissions_of(PermissionKind.WRITE)
TO_BE_DENIED: Final = tuple(each for each in WRITES if KEY_PERMISSIONS[each].why_not_probed is None)
"""Writes that must all be denied before a key is called read-only."""


class Probes(enum.Enum):
    """How much a check may ask about writing."""

    NONE = "none"
    """Reads only; the best verdict is UNPROVEN."""

    READS = "reads"
    """Also read endpoints that share a write permission; the best verdict is UNPROVEN."""

    EMPTY_WRITES = "empty-writes"
    """Also write endpoints, each by a request without content, which cannot take effect."""


class Grant(enum.Enum):
    """What the evidence says of one permission."""

    GRANTED = "GRANTED"
    DENIED = "DENIED"
    UNKNOWN = "UNKNOWN"


class KeyScope(enum.Enum):
    """What a key is bound to."""

    MAIN = "main account"
    SUB_ACCOUNT = "sub-account"
    NOT_KNOWN = "not known"


def _shown(text: str) -> str:
    """Return text of the exchange as one short line that no terminal obeys."""
    printable = "".join(char if char.isprintable() else " " for char in text)
    return " ".join(printable.split())[:TEXT_LENGTH_MAX]


@attrs.frozen(kw_only=True)
class KeyEvidence:
    """What was asked, and what came back.  Two of different times are equal if all else is."""

    endpoint: str
    """The endpoint's name in the catalogue, or the probe's."""

    request: str
    """Method and path."""

    status: int | None
    """The HTTP status; None where no answer came."""

    code: str | None = None
    """The exchange's code, such as ``"API0003"``."""

    text: str = attrs.field(default="", converter=_shown)
    """The exchange's words, shortened; empty on success."""

    time: dt.datetime = attrs.field(eq=False, converter=utc)
    """When the answer came, by this machine's clock."""

    def __str__(self) -> str:
        status = "no answer" if self.status is None else f"HTTP {self.status}"
        said = f' "{self.text}"' if self.text else ""
        return f"{self.request}: {status}{f' {self.code}' if self.code else ''}{said}"


@attrs.frozen(kw_only=True)
class Finding:
    """What is known of one permission, and why."""

    permission: KeyPermission
    asset: str | None = None
    """For crypto withdrawals: the currency that was asked about."""

    grant: Grant
    evidence: KeyEvidence

    @property
    def subject(self) -> str:
        """The permission, for people; with the currency where it matters."""
        return _subject(self.permission, self.asset)

    def __str__(self) -> str:
        return f"{self.grant.value}: {self.subject} ({self.evidence})"


@attrs.frozen(kw_only=True)
class NotProbed:
    """A permission that was not asked about, so that nothing is claimed of it."""

    permission: KeyPermission
    asset: str | None = None
    reason: str = attrs.field(converter=_shown)

    @property
    def subject(self) -> str:
        """The permission, for people."""
        return _subject(self.permission, self.asset)

    def __str__(self) -> str:
        return f"{self.subject}: {self.reason}"


def _subject(permission: KeyPermission, asset: str | None) -> str:
    return f"{permission.label} ({asset})" if asset else permission.label


class Direction(enum.Enum):
    """Whether a key can do more than before."""

    WIDENED = "widened"
    NARROWED = "narrowed"
    CHANGED = "changed"
    """Neither: something became known or unknown, or the verdict changed."""


@attrs.frozen(kw_only=True)
class KeyChange:
    """One difference between two reports on a key."""

    subject: str
    before: str
    after: str
    direction: Direction

    def __str__(self) -> str:
        return f"{self.subject}: {self.before} -> {self.after} ({self.direction.value})"


@attrs.frozen(kw_only=True)
class KeyReport:
    """The outcome of one check of one key.

    Two reports are equal if they found the same; when, and how far the clocks were apart, does not
    count.

    Raises:
        ValueError: the verdict does not follow from the findings.
    """

    condition: KeyCondition
    probes: Probes
    findings: tuple[Finding, ...] = ()
    """In the order in which the questions were put."""

    not_probed: tuple[NotProbed, ...] = ()
    key: str
    """The last characters of the key."""

    account: str
    """The account's name, as the client was told."""

    exchange: str
    """The host that was asked."""

    bound_to: KeyScope = KeyScope.NOT_KNOWN
    clock_skew_s: float | None = attrs.field(default=None, eq=False)
    """How far this machine's clock is ahead of the exchange's (negative: behind); None if unknown.
    The exchange states whole seconds."""

    checked_at: dt.datetime = attrs.field(eq=False, converter=utc)

    def __attrs_post_init__(self) -> None:
        if problem := _overstated(self.state, self.probes, self.findings):
            raise ValueError(f"{self.state.value} does not follow from the findings: {problem}")

    # -- what it means

    @property
    def diagnosis(self) -> Diagnosis:
        """The row of the table of conditions."""
        return self.condition.diagnosis

    @property
    def state(self) -> KeyState:
        """The verdict, for programs; `advice` tells it to people."""
        return self.diagnosis.state

    @property
    def severity(self) -> Severity:
        """How much it matters."""
        return self.diagnosis.severity

    @property
    def data_usable(self) -> bool:
        """Whether what was stored before stays good."""
        return self.diagnosis.data_usable

    @property
    def actor(self) -> Actor:
        """Who must act."""
        return self.diagnosis.actor

    @property
    def retry_after_s(self) -> int | None:
        """After how long to check again if nobody acts; None: only after they did."""
        return self.diagnosis.retry_after_s

    @property
    def advice(self) -> str:
        """What happened and what to do next, in plain words."""
        row = self.diagnosis
        details = [*self._details()]
        return " ".join([row.summary, *details, row.next_step])

    def _details(self) -> Iterator[str]:
        if self.condition is KeyCondition.CLOCK_SKEW and self.clock_skew_s is not None:
            side = "ahead of" if self.clock_skew_s > 0 else "behind"
            yield f"It is {abs(self.clock_skew_s):.0f} seconds {side} the exchange's."
        for finding in self.findings:
            if finding.permission in WRITES and finding.grant is Grant.GRANTED:
                allows = finding.permission.fact.allows
                yield f"It has the permission: {finding.subject} ({allows})."
        if self.state is KeyState.INSUFFICIENT:
            missing = [each.subject for each in self.findings if _is_missing(each)]
            yield f"Missing: {', '.join(missing)}."
        if self.bound_to is KeyScope.SUB_ACCOUNT:
            yield (
                "It is bound to a sub-account and reads that alone; the main account and every "
                "other sub-account need keys of their own."
            )

    def grant_of(self, permission: KeyPermission, asset: str | None = None) -> Grant:
        """Return what is known of a permission; UNKNOWN where it was not asked about."""
        said = {
            each.grant
            for each in self.findings
            if each.permission is permission and each.asset == asset
        }
        for grant in (Grant.GRANTED, Grant.UNKNOWN, Grant.DENIED):
            if grant in said:
                return grant
        return Grant.UNKNOWN

    def require_read_only(self) -> None:
        """Do nothing if the key is proved read-only; raise with the finding otherwise.

        Raises:
            OverprivilegedKeyError: it can do more than read.
            InsufficientKeyError: it cannot read all that the history needs.
            UnprovenKeyError: the evidence does not decide.
            UnusableKeyError: the key, its account or the exchange does not work at present.
        """
        if self.state is KeyState.READ_ONLY:
            return
        decisive = self._decisive()
        because = f" {decisive}." if decisive else ""
        raise _ERRORS.get(self.state, UnusableKeyError)(
            f"The key {self.key} is not proved read-only: {self.state.value}.{because}",
            state=self.state.value,
            permission=decisive.permission.value if decisive else None,
            report=self,
            hint=self.advice,
        )

    def _decisive(self) -> Finding | None:
        """Return the finding that keeps the verdict from READ_ONLY."""
        for decides in _DECIDING:
            for finding in self.findings:
                if decides(finding):
                    return finding
        return None

    # -- what changed

    def diff(self, earlier: "KeyReport") -> tuple[KeyChange, ...]:
        """Return what changed since an earlier report: the verdict, and single permissions.

        A question that was put only the earlier time is no change: nothing new is known of it.
        """
        changes = []
        if self.state is not earlier.state or self.condition is not earlier.condition:
            changes.append(_verdict_change(earlier, self))
        before = {_question(each): each for each in earlier.findings}
        changes += filter(
            None, (_grant_change(each, before.get(_question(each))) for each in self.findings)
        )
        if self.bound_to is not earlier.bound_to:
            changes.append(
                KeyChange(
                    subject="bound to",
                    before=earlier.bound_to.value,
                    after=self.bound_to.value,
                    direction=Direction.CHANGED,
                )
            )
        return tuple(changes)

    # -- shown and stored

    def __str__(self) -> str:
        row = self.diagnosis
        whose = f"Key {self.key} of {_shown(self.account)} at {_shown(self.exchange)}"
        lines = [
            f"{whose}: {self.state.value} ({self.severity.value})",
            self.advice,
            f"Who must act: {row.actor.value}. Check again: {row.retry}",
            _usable(self.data_usable),
        ]
        if self.findings:
            lines += ["Findings:", *(f"  {finding}" for finding in self.findings)]
        if self.not_probed:
            lines += ["Not asked, and not claimed:", *(f"  {each}" for each in self.not_probed)]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        row = self.diagnosis
        sentences = (
            (
                f"{self.state.value} ({self.severity.value}): "
                f"key {self.key} of {_shown(self.account)} at {_shown(self.exchange)}"
            ),
            self.advice,
            (
                f"Who must act: {row.actor.value}. Check again: {row.retry} "
                f"{_usable(self.data_usable)}"
            ),
        )
        findings = Table(
            name="findings",
            title="Findings",
            columns=("permission", "finding", "evidence"),
            rows=tuple(
                (each.subject, each.grant.value, str(each.evidence)) for each in self.findings
            ),
        )
        rest = Table(
            name="not probed",
            title="Not asked, and not claimed",
            columns=("permission", "why"),
            rows=tuple((each.subject, each.reason) for each in self.not_probed),
        )
        return to_notebook(sentences, (findings, rest))

    def to_json(self) -> str:
        """Return the report as JSON; `from_json` reads it back.

        What follows from the rest (state, severity, advice, labels) is written for other programs,
        and not read back.
        """
        row = self.diagnosis
        document = {
            "schema": SCHEMA,
            "state": self.state.value,
            "severity": row.severity.value,
            "advice": self.advice,
            "actor": row.actor.value,
            "data_usable": row.data_usable,
            "retry": row.retry,
            "retry_after_s": row.retry_after_s,
            **msgspec.to_builtins(self),
        }
        return msgspec.json.encode(document).decode()

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Read what `to_json` wrote.

        Raises:
            BitstampLedgerError: it is no report, or its verdict does not follow from its findings.
        """
        try:
            stored = msgspec.json.decode(text, type=cls)
            # Built once more, so that every check of a new report is made of a stored one.
            return attrs.evolve(
                stored,
                findings=tuple(
                    attrs.evolve(each, evidence=attrs.evolve(each.evidence))
                    for each in stored.findings
                ),
                not_probed=tuple(map(attrs.evolve, stored.not_probed)),
            )
        except (msgspec.DecodeError, UnicodeError, ValueError, RecursionError) as exc:
            raise BitstampLedgerError(
                f"Not the report of a key check: {_shown(str(exc))}.",
                hint="Give what KeyReport.to_json() wrote.",
            ) from None


_ERRORS: Final[Mapping[KeyState, type[KeyNotSafeError]]] = MappingProxyType(
    {
        KeyState.OVERPRIVILEGED: OverprivilegedKeyError,
        KeyState.INSUFFICIENT: InsufficientKeyError,
        KeyState.UNPROVEN: UnprovenKeyError,
    }
)


def _is_missing(finding: Finding) -> bool:
    return finding.permission in NEEDED and finding.grant is Grant.DENIED


_DECIDING: Final[tuple[Callable[[Finding], bool], ...]] = (
    lambda finding: finding.permission in WRITES and finding.grant is Grant.GRANTED,
    _is_missing,
    lambda finding: finding.permission in NEEDED and finding.grant is Grant.UNKNOWN,
    lambda finding: finding.permission in WRITES and finding.grant is Grant.UNKNOWN,
)
"""Which findings decide, the strongest first."""


def read_only_follows(probes: Probes, findings: Iterable[Finding]) -> str | None:
    """Return why these findings do not prove a key read-only, or None when they do."""
    findings = tuple(findings)
    found = {(each.permission, each.asset) for each in findings}
    for permission in NEEDED:
        said = {each.grant for each in findings if each.permission is permission}
        if said != {Grant.GRANTED}:
            return f"{permission.label} is not shown to work"
    if probes is not Probes.EMPTY_WRITES:
        return "writes were not asked about"
    for permission in TO_BE_DENIED:
        coins = ALWAYS_ASKED if permission is KeyPermission.CRYPTO_WITHDRAWAL else (None,)
        for coin in coins:
            if (permission, coin) not in found:
                return f"{_subject(permission, coin)} was not asked about"
    for each in findings:
        if each.permission in WRITES and each.grant is not Grant.DENIED:
            return f"{each.subject} is {each.grant.value}"
    return None


def _overstated(state: KeyState, probes: Probes, findings: tuple[Finding, ...]) -> str | None:
    granted = any(each.permission in WRITES and each.grant is Grant.GRANTED for each in findings)
    if granted != (state is KeyState.OVERPRIVILEGED):
        return "a write is granted" if granted else "no write is granted"
    if state is KeyState.READ_ONLY:
        return read_only_follows(probes, findings)
    if state is KeyState.INSUFFICIENT and not any(map(_is_missing, findings)):
        return "no needed read is denied"
    return None


def _verdict_change(before: KeyReport, after: KeyReport) -> KeyChange:
    return KeyChange(
        subject="verdict",
        before=_verdict(before),
        after=_verdict(after),
        direction=Direction.CHANGED,
    )


def _verdict(report: KeyReport) -> str:
    precise = report.condition.value.replace("_", " ")
    same = precise == report.state.value.casefold().replace("_", " ")
    return report.state.value if same else f"{report.state.value}, {precise}"


def _question(finding: Finding) -> tuple[KeyPermission, str | None, str]:
    return finding.permission, finding.asset, finding.evidence.endpoint


def _grant_change(now: Finding, was: Finding | None) -> KeyChange | None:
    before, after = was.grant.value if was else "not asked", now.grant.value
    if before == after:
        return None
    return KeyChange(
        subject=now.subject,
        before=before,
        after=after,
        direction=_DIRECTIONS.get((before, after), Direction.CHANGED),
    )


_DIRECTIONS: Final[Mapping[tuple[str, str], Direction]] = MappingProxyType(
    {
        (Grant.DENIED.value, Grant.GRANTED.value): Direction.WIDENED,
        (Grant.GRANTED.value, Grant.DENIED.value): Direction.NARROWED,
    }
)


def _usable(usable: bool) -> str:
    if usable:
        return "What was stored before stays usable."
    return "What was stored before may not have come from the exchange."
