"""What reconciliation says: every record and every row in exactly one part."""

import datetime as dt
import enum
from collections.abc import Iterable, Iterator
from typing import Self

import attrs

from bitstamp_ledger._page import LISTED, HasSection, PathName, Report, Section, Table
from bitstamp_ledger.model import Entry
from bitstamp_ledger.reconcile._explain import explain
from bitstamp_ledger.reconcile._reasons import (
    Reasons,
    explain_entry,
    explain_statement,
    explain_suspect,
)
from bitstamp_ledger.reconcile._report import counts_section, notebook_of, report_of
from bitstamp_ledger.reconcile._tables import tables_of


class Rule(enum.Enum):
    """Why a record and a row are held to be the same event, strongest first."""

    DECISION = "a person's decision"
    EXCHANGE_ID = "same exchange id, same content"
    SAME_CELLS = "same cells in another file"
    INTERVALS = "same content within what the row states"
    ORDERS = "the sum of all executions of one order"


class Grade(enum.Enum):
    """How sure a match is."""

    CERTAIN = "certain"
    """By id, or because a person said so."""

    STRONG = "strong"
    """Everything agrees, the fee included."""

    WEAK = "weak"
    """Everything that is stated agrees, but one side does not state the fee."""


class Verdict(enum.Enum):
    """What a person said about a pair."""

    CONFIRM = "confirm"
    REJECT = "reject"


@attrs.frozen(kw_only=True)
class Decision:
    """A person's word on one pair; later runs obey it."""

    verdict: Verdict
    record_id: str
    """The identity of the one entry, usually of the API's."""

    row_id: str
    """The identity of the other, a row of a file."""


@attrs.frozen(kw_only=True)
class Match:
    """A claim that these entries of the API and these rows of a file are the same events."""

    api: tuple[Entry, ...]
    """One or more records; empty where a row repeats a row of another file."""

    file: tuple[Entry, ...]
    """One or more rows; where ``api`` is empty, the row that is kept comes first."""

    rule: Rule
    grade: Grade

    def explain(self) -> str:
        """Say in words what agrees, within which interval, and what was not stated."""
        return explain(self.api, self.file, f"{self.rule.value} ({self.grade.value})")


@attrs.frozen(kw_only=True)
class Conflict:
    """Sources that contradict each other.  Nothing was merged; a person must look."""

    api: tuple[Entry, ...]
    file: tuple[Entry, ...]
    reason: str


@attrs.frozen(kw_only=True)
class Suspect:
    """A row that misses one entry by exactly one field.  It is kept in the ledger."""

    row: Entry
    near: Entry
    field: str
    """The one field that differs, or that is not known: ``time zone``, ``date order``."""

    def explain(self) -> str:
        """Say in words what the two have in common, and what not."""
        return explain_suspect(self)


@attrs.frozen(kw_only=True)
class StatementZone:
    """In which zone a statement was read, and why."""

    path: str | None
    format: str
    zone: str
    """An IANA name, an offset from UTC, or UTC; ``undecided`` where the rows do not tell."""

    evidence: str
    """Who says so, or how many rows do."""


@attrs.frozen(kw_only=True)
class StatementReading:
    """How a statement was read in something that its format leaves open."""

    path: str | None
    question: str
    """What was open: ``fee`` or ``date order``."""

    answer: str
    """The reading; ``undecided`` where the rows do not tell and it was left as it was read."""

    evidence: str
    """How many rows speak for each reading."""


@attrs.frozen(kw_only=True)
class IdTrust:
    """Whether the ids of a statement are the exchange's, and what showed it."""

    path: str | None
    trusted: bool
    agreeing: int
    """Rows whose id and content both fit a known entry."""

    contradicting: int
    """Rows whose id is that of a known entry with other content."""

    explanation: str


@attrs.frozen(kw_only=True)
class Counts:
    """Where everything that came in has gone; the four parts add up to it."""

    received: int
    kept: int
    witnessed: int
    """A second source of a known entry."""

    quarantined: int
    """Not understood, kept as received."""

    suppressed: int = 0
    """Left out because a person said so."""

    @property
    def adds_up(self) -> bool:
        """Whether every input is accounted for exactly once."""
        return self.received == self.kept + self.witnessed + self.quarantined + self.suppressed

    def section(self) -> Section:
        """Return where everything went as a part of a page."""
        return counts_section(self)

    def __add__(self, other: "Counts") -> Self:
        return type(self)(
            received=self.received + other.received,
            kept=self.kept + other.kept,
            witnessed=self.witnessed + other.witnessed,
            quarantined=self.quarantined + other.quarantined,
            suppressed=self.suppressed + other.suppressed,
        )


def _touches(row: Entry, span: tuple[dt.datetime, dt.datetime]) -> bool:
    """Say whether some instant that the row's time stands for lies in the span."""
    first, last = span
    precision = row.source.precision
    step = precision.time_step if precision is not None else dt.timedelta(0)
    return row.time <= last and (row.time >= first or first - row.time < step)


@attrs.frozen(kw_only=True)
class Reconciliation:
    """Which rows of files are which records of the API."""

    entries: tuple[Entry, ...]
    """The ledger: every record of the API, and every row that is not a second witness; by time."""

    matches: tuple[Match, ...]
    file_matches: tuple[Match, ...]
    """Rows that repeat a row of another file, where the API holds neither."""

    api_only: tuple[Entry, ...]
    """Records that no row is a witness of."""

    new: tuple[Entry, ...]
    """Rows that the API does not hold; they are in ``entries``."""

    conflicts: tuple[Conflict, ...]
    suspects: tuple[Suspect, ...]
    zones: tuple[StatementZone, ...]
    ids: tuple[IdTrust, ...]
    counts: Counts
    """Records and rows together."""

    readings: tuple[StatementReading, ...] = ()
    """What else was decided for a statement as a whole."""

    @property
    def unexplained(self) -> tuple[Entry, ...]:
        """The new rows that the API should hold: of an account that it covers, inside its span.

        Such a row may have been edited, belong to another exchange, or stand under a wrong
        account; a new row outside the span is only older or younger than what was read.
        """
        spans: dict[str, tuple[dt.datetime, dt.datetime]] = {}
        for entry in self.entries:
            if entry.source.row is None:
                first, _ = spans.get(entry.account, (entry.time, entry.time))
                spans[entry.account] = (first, entry.time)
        return tuple(
            row for row in self.new if row.account in spans and _touches(row, spans[row.account])
        )

    def explain(self, entry: Entry) -> str:
        """Say in words what became of an entry and why.

        For one that matched nothing, that is what it came nearest to, and what excluded each.

        Args:
            entry: one of ``entries``, or a row of a match.

        Raises:
            BitstampLedgerError: this result does not speak of the entry.
        """
        return explain_entry(self, entry)

    def explain_each(self, entries: Iterable[Entry]) -> Iterator[str]:
        """Yield what `explain` says of each entry; what it looks up is sorted out once for all.

        Raises:
            BitstampLedgerError: this result does not speak of one of them.
        """
        return map(Reasons(self).of, entries)

    def explain_statement(self, path: str | None = None) -> str:
        """Say in words how a statement was read, and what became of its rows.

        Args:
            path: the file as it was given; None for what had no path.

        Raises:
            BitstampLedgerError: there was no such statement.
        """
        return explain_statement(self, path)

    def tables(self, *, limit: int | None = None) -> tuple[Table, ...]:
        """Return all of this as tables of text, for a terminal, a page or a notebook.

        Args:
            limit: show at most so many rows of each kind; None shows all.
        """
        return tables_of(self, limit)

    def report(
        self,
        *,
        also: Iterable[HasSection] = (),
        limit: int | None = LISTED,
        made_at: dt.datetime | None = None,
    ) -> Report:
        """Return all of this as a page for people who keep books: as data, before it is written.

        Args:
            also: what else the page tells, such as a `Proof` and the statements.
            limit: list at most so many rows of each table; all are counted. None lists all.
            made_at: when, if that is to stand on the page.
        """
        return report_of(self, also=also, limit=limit, made_at=made_at)

    def to_html(
        self,
        path: PathName,
        *,
        also: Iterable[HasSection] = (),
        limit: int | None = LISTED,
        made_at: dt.datetime | None = None,
    ) -> None:
        """Write `report` as one page that needs no server, and loads nothing.

        Raises:
            BitstampLedgerError: the file cannot be written.
            MissingExtraError: the extra ``report`` is not installed.
        """
        self.report(also=also, limit=limit, made_at=made_at).write(path)

    def _repr_html_(self) -> str:
        return notebook_of(self)

    def to_json(self) -> bytes:
        """Return all of this as JSON that keeps every digit; the same bytes for the same result.

        Raises:
            BitstampLedgerError: a record as received holds what no JSON value stands for.
        """
        from bitstamp_ledger.reconcile import _portable  # noqa: PLC0415 - it needs this class

        return _portable.to_json(self)

    @classmethod
    def from_json(cls, raw: bytes | str) -> "Reconciliation":
        """Read what `to_json` wrote; safe for bytes that somebody else may have written.

        Raises:
            BitstampLedgerError: it is something else, damaged, or of a later version.
        """
        from bitstamp_ledger.reconcile import _portable  # noqa: PLC0415 - it needs this class

        return _portable.from_json(raw)
