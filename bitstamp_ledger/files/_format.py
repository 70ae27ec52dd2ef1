"""The contract of a file format, and the book-keeping that every format shares.

A format is declared data and one function:

    FORMAT = StatementFormat(name=..., title=..., shapes=(...,), precision=..., read=_read)

``read`` takes a `Table` and a `Reading`, and must account for every row of the table exactly once:
through `Reading.keep`, `Reading.problem` or `Reading.set_aside`.  A format in which one row is one
entry leaves that to `Reading.each_row`; one that spreads an entry over several rows, or that has
to see all rows first, does it itself.  `Reading.statement` refuses a result that does not add up.
"""

import datetime as dt
import functools
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from typing import Final, TypeAlias

import attrs

from bitstamp_ledger.errors import PluginError
from bitstamp_ledger.files._clock import DateOrder
from bitstamp_ledger.files._identities import Occurrences, identities_of
from bitstamp_ledger.files._lossy import losses
from bitstamp_ledger.files._statement import (
    Problem,
    Repair,
    RowCounts,
    SetAside,
    Statement,
    Zone,
    ZoneBasis,
)
from bitstamp_ledger.files._table import Table
from bitstamp_ledger.files._times import in_zone, zone_name
from bitstamp_ledger.model import (
    MAIN_ACCOUNT,
    UTC,
    Account,
    Entry,
    FeePlace,
    Precision,
    Rounding,
    UnknownEntry,
)

GROUP: Final = "bitstamp_ledger.statements"
"""The entry-point group in which plug-ins register a `StatementFormat`."""

_account: Final = attrgetter("account")

DEFAULT_ADVICE: Final = "Correct the cell, or export the file again."


class RowError(Exception):
    """Raised by a format where a row cannot be read; becomes a `Problem` of the statement."""

    def __init__(self, column: str | None, reason: str, advice: str = DEFAULT_ADVICE) -> None:
        super().__init__(reason)
        self.column = column
        self.reason = reason
        self.advice = advice


class RowSetAside(Exception):  # noqa: N818 - not an error: the row states nothing to keep
    """Raised by a format for a row that is none of its own, such as one of another exchange."""


class SecondLook(Exception):  # noqa: N818 - not an error: what was read so far may mean otherwise
    """Raised by a format that meets what changes the meaning of the rows before it.

    The file is read anew, with `Reading.second_look` set; then all rows are to be looked at first.
    """


@attrs.frozen(kw_only=True)
class Shape:
    """The column names by which a format is recognised, in any order, case kept.

    Repeated names are numbered: ``Cur.``, ``Cur. (2)``.
    """

    required: tuple[str, ...]
    optional: frozenset[str] = frozenset()
    others: bool = False
    """Whether any further columns may stand beside these."""

    patterns: tuple[str, ...] = ()
    """Regular expressions of further names, such as those that hold the user's own currency."""

    def fits(self, columns: Sequence[str]) -> bool:
        """Say whether ``columns`` are these."""
        return not self.missing(columns) and not self.surplus(columns)

    def missing(self, columns: Sequence[str]) -> tuple[str, ...]:
        """Return the required names that ``columns`` lack."""
        return tuple(name for name in self.required if name not in columns)

    def surplus(self, columns: Sequence[str]) -> tuple[str, ...]:
        """Return the names that do not belong here."""
        if self.others:
            return ()
        known = self.optional.union(self.required)
        return tuple(
            name
            for name in columns
            if name not in known
            and not any(re.fullmatch(pattern, name) for pattern in self.patterns)
        )


RowReader = Callable[[int, list[str]], Entry]
"""Takes the row's number and cells; raises `RowError` where the row cannot be read."""


RowsReader: TypeAlias = "Callable[[tuple[str, ...], Iterable[list[str]], Reading], RowReader]"
"""Takes the columns, all rows and the reading; returns what reads one row.

It may go through all rows once, to see what only the whole file can tell.
"""


@attrs.frozen(kw_only=True)
class StatementFormat:
    """One file format: how it is recognised, what it keeps, and how it is read."""

    name: str
    title: str
    """What a person calls it."""

    shapes: tuple[Shape, ...]
    """The headers that it is known to have had."""

    precision: Precision
    zone: ZoneBasis
    """How the zone of its times is known where the caller does not name one."""

    notes: tuple[str, ...] = ()
    """What it loses beyond what `precision` can say, one sentence each."""

    read: "Callable[[Table, Reading], None]"

    rows: "RowsReader | None" = None
    """Set where each row is an entry of its own and can be read without the others; then a file
    can be streamed."""


class Reading:
    """One file being read: its settings, and where every row ended."""

    def __init__(
        self,
        form: StatementFormat,
        *,
        path: str | None = None,
        timezone: dt.tzinfo | None = None,
        account: str | None = None,
        date_order: DateOrder | None = None,
        second_look: bool = False,
    ) -> None:
        self.format = form
        self.path = path
        self.timezone = timezone
        self.date_order = date_order
        """The order of day and month that the caller named."""

        self.date_order_used: DateOrder | None = None
        """Set by the format where nothing in the file decides the order: the one it was read in."""

        self.second_look = second_look
        """Whether a format has to look at all rows before it reads the first: see `SecondLook`."""

        self.precision = form.precision
        """Replaced by the format where the file as a whole states less than the format can."""

        self.doubts: dict[str, None] = {}
        """What is not certain about this file, one sentence each, in order."""

        self.row: int | None = None
        """The row that is being read, for repairs; None before the first and after the last."""

        self._name = form.name
        self._default_account = MAIN_ACCOUNT if account is None else Account(account).name
        self.known_accounts: dict[str, str] = {}
        """What `account_of` has answered so far."""

        self._met: dict[str, None] = {}
        self._entries: list[Entry] = []
        self._problems: list[Problem] = []
        self._set_aside: list[SetAside] = []
        self._ended: Counter[int] = Counter()
        self._done: list[range] = []
        self._quarantined = 0
        self._occurrences: Occurrences | None = None
        self._identities: dict[str, Callable[[str, str], str]] = {}
        self._repairs: dict[str, tuple[int, int | None]] = {}

    def account_of(self, cell: str) -> str:
        """Return the account's one name; the caller's default where the cell states none."""
        name = self.known_accounts.get(cell)
        if name is None:
            name = Account(cell).name if cell.strip() else self._default_account
            self.known_accounts[cell] = name
        return name

    def instant(self, naive: dt.datetime) -> dt.datetime:
        """Return a printed time without zone as an instant.

        Raises:
            ValueError: the clocks of the zone never showed it; the message is the reason.
        """
        if self.timezone is None or self.timezone is UTC:
            return naive.replace(tzinfo=UTC)
        return in_zone(naive, self.timezone)

    def instants(
        self, naive: dt.datetime, zone: dt.tzinfo | None = None
    ) -> tuple[dt.datetime, dt.datetime | None]:
        """Return the instants that a printed time can mean: one, or two in a repeated hour.

        Args:
            naive: The time as printed.
            zone: The zone that the row states; None for the file's.

        Raises:
            ValueError: the clocks of the zone never showed it; the message is the reason.
        """
        zone = self.timezone if zone is None else zone
        if zone is None or zone is UTC:
            return naive.replace(tzinfo=UTC), None
        first = in_zone(naive, zone)
        second = naive.replace(tzinfo=zone, fold=1).astimezone(UTC)
        return first, (second if second != first else None)

    def identity(self, account: str, family: str, content: str) -> str:
        """Return the identity of a row: its content, and the how-manieth of that content it is.

        Args:
            account: The account's name.
            family: The kind family, such as ``trade``.
            content: What the row states, parsed, so that spelling plays no part.  Times belong in
                it as printed: a file that is read again in another zone keeps its identities.
        """
        return self.identities(family)(account, f"{self.identity_start(family)}{content}|{account}")

    def identity_start(self, family: str) -> str:
        """Return what the text of an identity begins with; the content and the account follow."""
        return f"{self._name}|{family}|"

    def identities(self, family: str) -> Callable[[str, str], str]:
        """Return what makes the identities of rows of one kind family.

        It takes the account, and the text that `identity` makes of content and account: a format
        that has many rows writes it at once.
        """
        made = self._identities.get(family)
        if made is None:
            made = self._identities[family] = identities_of(family, self._occurrences)
        return made

    def repaired(self, what: str, row: int | None = None) -> None:
        """Record that something another program did was undone, by default in the current row."""
        row = self.row if row is None else row
        count, first = self._repairs.get(what, (0, row))
        self._repairs[what] = (count + 1, first)

    def keep(self, entry: Entry, *further_rows: int) -> None:
        """Take in an entry; its ``source.row`` and ``further_rows`` end here."""
        rows = [row for row in (entry.source.row, *further_rows) if row is not None]
        self._entries.append(entry)
        self._met[entry.account] = None
        self._ended.update(rows)
        if isinstance(entry, UnknownEntry):
            self._quarantined += len(rows)

    def problem(self, row: int, table: Table, error: RowError) -> None:
        """Record that a row could not be read."""
        self._ended[row] += 1
        self._add_problem(row, table, error)

    def _add_problem(self, row: int, table: Table, error: RowError) -> None:
        cells = table.rows[row - table.first]
        raw = dict(zip(table.columns, cells, strict=False))
        text = raw.get(error.column, "") if error.column is not None else ",".join(cells)
        self._problems.append(
            Problem(
                row=row,
                column=error.column,
                text=text,
                reason=error.reason,
                advice=error.advice,
                raw=raw,
            )
        )

    def set_aside(self, row: int, reason: str) -> None:
        """Record that a row states nothing to keep."""
        self._ended[row] += 1
        self._set_aside.append(SetAside(row=row, reason=reason))

    def each_row(self, table: Table, read_row: RowReader) -> None:
        """Read row by row; each ends as one entry, one problem, or blank."""
        width = len(table.columns)
        aside = self._set_aside
        start = len(self._entries)
        append = self._entries.append
        for row, cells in enumerate(table.rows, table.first):
            if not cells[0] and not any(cells):
                aside.append(SetAside(row=row, reason="blank"))
                continue
            self.row = row
            try:
                if len(cells) != width:
                    raise too_wide(len(cells), width)
                entry = read_row(row, cells)
            except RowSetAside as exc:
                aside.append(SetAside(row=row, reason=str(exc)))
            except RowError as exc:
                if table.is_header(cells):
                    aside.append(SetAside(row=row, reason="the header again"))
                else:
                    self._add_problem(row, table, exc)
            except (ValueError, ArithmeticError) as exc:
                # The model refused a value that the format let through.
                self._add_problem(row, table, RowError(None, str(exc)))
            else:
                # As keep(), without its cost: this loop is most of the time of reading a file.
                append(entry)
                if type(entry) is UnknownEntry:
                    self._quarantined += 1
        self.row = None
        self._finish(table.numbers)
        self._met.update(dict.fromkeys(map(_account, self._entries[start:])))

    def each_piece(self, table: Table, rows: RowsReader) -> None:
        """Read row by row, as `each_row` does, without splitting the whole table beforehand."""
        read_row = rows(table.columns, table.each, self)
        for piece in table.pieces():
            self.each_row(piece, read_row)

    def _finish(self, numbers: range) -> None:
        """Take in that these rows have ended, each once."""
        if self._done and self._done[-1].stop == numbers.start:
            numbers = range(self._done.pop().start, numbers.stop)
        self._done.append(numbers)

    def statement(self, table: Table, *, digest: str) -> Statement:
        """Close the books.

        Raises:
            PluginError: the format lost a row, or used one twice.
        """
        self._require_balance(table)
        entries = tuple(self._entries)
        if table.cut:
            entries = tuple(
                less_sure(entry) if entry.source.row in table.cut else entry for entry in entries
            )
        return self._closed(len(table.numbers), entries, digest)

    def drained(self, table: Table) -> list[Entry]:
        """Hand over the entries of one piece of a file, and forget its rows.

        Raises:
            PluginError: the format lost a row, or used one twice.
        """
        self._require_balance(table)
        entries, self._entries = self._entries, []
        self._ended.clear()
        self._done.clear()
        return entries

    def summary(self, rows: int, *, digest: str) -> Statement:
        """Return the books of a file that is streamed, without its entries."""
        return self._closed(rows, (), digest)

    def count_compactly(self, occurrences: Occurrences) -> None:
        """Count equal rows in ``occurrences`` instead of a dict."""
        self._occurrences = occurrences
        self._identities.clear()

    def _closed(self, rows: int, entries: tuple[Entry, ...], digest: str) -> Statement:
        unreadable = len(self._problems)
        set_aside = len(self._set_aside)
        counts = RowCounts(
            rows=rows,
            kept=rows - unreadable - set_aside - self._quarantined,
            quarantined=self._quarantined,
            unreadable=unreadable,
            set_aside=set_aside,
        )
        form = self.format
        return Statement(
            entries=entries,
            problems=tuple(self._problems),
            repairs=tuple(
                Repair(what=what, count=count, row=row)
                for what, (count, row) in self._repairs.items()
            ),
            set_aside=tuple(self._set_aside),
            counts=counts,
            format=form.name,
            precision=self.precision,
            lossy=losses(self.precision, form.notes),
            doubts=tuple(self.doubts),
            zone=self._zone(),
            accounts=tuple(self._met),
            path=self.path,
            digest=digest,
        )

    def _zone(self) -> Zone:
        if self.timezone is None or self.format.zone is ZoneBasis.STATED:
            return Zone("UTC", self.format.zone)
        return Zone(zone_name(self.timezone), ZoneBasis.GIVEN)

    def _require_balance(self, table: Table) -> None:
        rows = table.numbers
        if self._done == [rows] and not self._ended:
            return
        ended = Counter(self._ended)
        for done in self._done:
            ended.update(done)
        if len(ended) == ended.total() == len(rows) and all(row in ended for row in rows):
            return
        lost = _listed(row for row in rows if not ended[row])
        twice = _listed(row for row, count in ended.items() if count > 1)
        raise PluginError(
            f"The format {self.format.name!r} does not account for every row once "
            f"(rows lost: {lost}; used more than once: {twice}).",
            group=GROUP,
            name=self.format.name,
            hint="This is a fault of the format; report it to its author.",
        )


@functools.lru_cache(maxsize=4096)
def precision_for(
    precision: Precision,
    *,
    time_step: dt.timedelta,
    zone_open: bool = False,
    orientation_open: bool | None = None,
    fee_place: FeePlace | None = None,
    base_decimals_max: int | None = None,
    quote_decimals_max: int | None = None,
) -> Precision:
    """Return ``precision`` for rows that state less; the same object for the same arguments."""
    return attrs.evolve(
        precision,
        time_step=time_step,
        zone_open=zone_open,
        orientation_open=(
            precision.orientation_open if orientation_open is None else orientation_open
        ),
        fee_place=precision.fee_place if fee_place is None else fee_place,
        base_decimals_max=base_decimals_max,
        quote_decimals_max=quote_decimals_max,
    )


def less_sure(entry: Entry) -> Entry:
    """Widen what an entry states, because its row holds a number that may have been cut."""
    precision = entry.source.precision
    if precision is None:
        return entry
    return attrs.evolve(entry, source=attrs.evolve(entry.source, precision=_wider(precision)))


@functools.lru_cache(maxsize=1024)
def _wider(precision: Precision) -> Precision:
    return attrs.evolve(precision, base=Rounding.UNIT, quote=Rounding.UNIT, fee=Rounding.UNIT)


def too_wide(found: int, width: int) -> RowError:
    return RowError(
        None,
        f"it has {found} cells under {width} column names",
        "Look for a comma inside a number or name, which needs quotes around the cell.",
    )


def _listed(rows: Iterable[int], limit: int = 5) -> str:
    found = list(rows)
    more = "" if len(found) <= limit else f" and {len(found) - limit} more"
    return (", ".join(map(str, found[:limit])) or "none") + more
