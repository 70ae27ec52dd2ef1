"""What reading a file gives: entries, problems, repairs, and counts that add up."""

import datetime as dt
import enum
from collections.abc import Mapping

import attrs

from bitstamp_ledger._page import Section
from bitstamp_ledger.files._shown import notebook_of, section_of
from bitstamp_ledger.model import Entry, Precision, digest_of


class ZoneBasis(enum.Enum):
    """How the zone of the printed times is known."""

    STATED = "stated"
    """The cells state it."""

    DOCUMENTED = "documented"
    """The cells do not state it; the format is known to print it."""

    GIVEN = "given"
    """The caller named it."""

    ASSUMED = "assumed"
    """Nobody says; other zones are possible."""


@attrs.frozen
class Zone:
    """The zone in which the printed times were read."""

    name: str
    basis: ZoneBasis

    def __str__(self) -> str:
        return f"{self.name} ({self.basis.value})"


@attrs.frozen(kw_only=True)
class Problem:
    """A row that could not be read.  It is not among the entries; all other rows are."""

    row: int
    """1-based number of the data row, the header not counted."""

    column: str | None
    """The column to blame; None where it is the row as a whole."""

    text: str
    """The cell as it stands in the file, or the whole row."""

    reason: str

    advice: str
    """What a person can do about it."""

    raw: Mapping[str, str] = attrs.field(factory=dict, hash=False, repr=False)
    """The cells by column name, so that the row is not lost."""

    def __str__(self) -> str:
        place = f"row {self.row}" if self.column is None else f"row {self.row}, {self.column}"
        return f"{place}: {self.reason}: {self.text!r}. {self.advice}"


@attrs.frozen(kw_only=True)
class Repair:
    """Something that another program did to the file, and that was undone while reading."""

    what: str
    count: int
    row: int | None = None
    """The first data row it was met in; None where it concerns the whole file."""

    def __str__(self) -> str:
        where = "" if self.row is None else f", first in row {self.row}"
        return f"{self.what} ({self.count}x{where})"


@attrs.frozen(kw_only=True)
class SetAside:
    """A row that states nothing to keep, such as a blank one."""

    row: int
    reason: str


@attrs.frozen(kw_only=True)
class RowCounts:
    """Where the data rows ended; each in exactly one place."""

    rows: int
    kept: int
    """Rows that became entries of a known kind."""

    quarantined: int
    """Rows that became an `UnknownEntry`: readable, but not understood."""

    unreadable: int
    """Rows that became a `Problem`."""

    set_aside: int
    """Rows that state nothing, such as blank ones."""

    @property
    def balanced(self) -> bool:
        """Whether every row is accounted for, once."""
        return self.rows == self.kept + self.quarantined + self.unreadable + self.set_aside


@attrs.frozen(kw_only=True)
class Statement:
    """A trade file, as read."""

    entries: tuple[Entry, ...] = attrs.field(repr=False)
    """In the order of the file."""

    problems: tuple[Problem, ...] = attrs.field(default=(), repr=False)
    repairs: tuple[Repair, ...] = ()
    set_aside: tuple[SetAside, ...] = attrs.field(default=(), repr=False)
    counts: RowCounts

    format: str
    """The name of the format, such as ``bitstamp-g2``."""

    precision: Precision = attrs.field(repr=False)
    """How precisely rows of this format state their facts."""

    lossy: tuple[str, ...] = attrs.field(default=(), repr=False)
    """What this format keeps and what it loses, one sentence each."""

    doubts: tuple[str, ...] = attrs.field(default=(), repr=False)
    """What is not certain about this file, one sentence each."""

    alternatives: "tuple[Statement, ...]" = attrs.field(default=(), repr=False)
    """The file in its other reading, where days and months can be swapped and nothing in the file
    says which come first; ``date_order`` of `read_statement` settles it."""

    zone: Zone
    accounts: tuple[str, ...] = ()
    """The accounts met, in the order of their first row."""

    path: str | None = None
    """The file as it was given; None for content that had no path."""

    part: str | None = None
    """The archive's file or the workbook's sheet that was read."""

    digest: str
    """SHA-256 of the bytes, in hexadecimal digits: equal for the same file under another name."""

    _rows_digest: str | None = attrs.field(default=None, eq=False, repr=False)

    @property
    def rows_digest(self) -> str:
        """A digest of what the rows state: equal for a file that was saved again.

        It tells equal rows of two files apart, and so is what it was when the file was first read,
        where somebody remembered that (argument ``rows_digest``).
        """
        if self._rows_digest is not None:
            return self._rows_digest
        problems = [[each.row, each.text] for each in self.problems]
        entries = [[entry.id, entry.time.isoformat()] for entry in self.entries]
        return digest_of([self.format, entries, problems])

    @property
    def rows(self) -> int:
        """How many data rows the file has."""
        return self.counts.rows

    @property
    def span(self) -> tuple[dt.datetime, dt.datetime] | None:
        """The earliest and the latest time of an entry; None where there is no entry."""
        times = [entry.time for entry in self.entries]
        return (min(times), max(times)) if times else None

    def section(self) -> Section:
        """Return how the file was read, and which rows could not be, as a part of a page."""
        return section_of(self)

    def _repr_html_(self) -> str:
        return notebook_of(self)

    def __str__(self) -> str:
        counts = self.counts
        parts = [f"{counts.rows} rows", f"{counts.kept} kept"]
        if counts.quarantined:
            parts.append(f"{counts.quarantined} not understood")
        if counts.unreadable:
            parts.append(f"{counts.unreadable} not readable")
        if counts.set_aside:
            parts.append(f"{counts.set_aside} set aside")
        return f"{self.path or 'statement'} ({self.format}): {', '.join(parts)}"
