"""Read a file row by row, in memory that does not grow with it.

Rules:

1. Only formats whose rows are independent are streamed (`StatementFormat.rows`); only text in UTF-8
   or UTF-16 is, plain or gzip.  Everything else is read whole, and then handed out.
2. The entries, their identities included, are those of `read_statement`.
3. The file is read up to three times: to check its text, to see what only the whole can tell, and
   to read the rows.
"""

import array
import codecs
import contextlib
import csv
import datetime as dt
import gzip
import hashlib
import io
import itertools
import os
import zlib
from collections.abc import Callable, Iterator
from typing import IO, TYPE_CHECKING, Final, Literal, Self, cast

import attrs

from bitstamp_ledger._collector import collector_paused
from bitstamp_ledger.errors import StatementError
from bitstamp_ledger.files._content import (
    BYTE_ORDER_MARK,
    UTF16_ENCODING,
    StatementSource,
    bytes_of,
)
from bitstamp_ledger.files._format import Reading, RowsReader
from bitstamp_ledger.files._grids import Opened, TextGrid, open_source
from bitstamp_ledger.files._json_rows import JSON_STARTS
from bitstamp_ledger.files._limits import LINE_MAX
from bitstamp_ledger.files._packed import GZIP
from bitstamp_ledger.files._read import (
    Settings,
    read_opened,
    settings_of,
)
from bitstamp_ledger.files._recognise import recognise
from bitstamp_ledger.files._statement import Problem, RowCounts, Statement
from bitstamp_ledger.files._table import (
    Layout,
    Lines,
    Noted,
    Table,
    fitted_rows,
    note_layout,
    separator_of,
)
from bitstamp_ledger.model import Entry

if TYPE_CHECKING:
    from bitstamp_ledger.files._mapping import ColumnMapping

_BATCH: Final = 1_000
"""Lines that are parsed at once."""

_BATCHES_JOINED_MAX: Final = 16
"""How many batches an open quote may span before the rest of the file is read whole."""

_CHUNK: Final = 2**20
_UTF16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_SENTINEL: Final = "\u241e"


class StatementStream(Iterator[Entry]):
    """The entries of a file, one after the other; and what is known about the file so far."""

    def __init__(self, entries: Iterator[Entry], summary: Callable[[], Statement]) -> None:
        self._entries = entries
        self._summary = summary

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Entry:
        return next(self._entries)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; a stream that is read to its end closes by itself."""
        if (close := getattr(self._entries, "close", None)) is not None:
            close()

    @property
    def statement(self) -> Statement:
        """The statement as far as it was read, without its entries."""
        return self._summary()

    @property
    def problems(self) -> tuple[Problem, ...]:
        """The rows so far that could not be read."""
        return self._summary().problems

    @property
    def counts(self) -> RowCounts:
        """Where the rows so far ended."""
        return self._summary().counts


def iter_statement(
    path: StatementSource,
    *,
    format: str | None = None,  # noqa: A002 - as in `read_statement`
    timezone: str | dt.tzinfo | None = None,
    account: str | None = None,
    date_order: Literal["day-first", "month-first"] | None = None,
    part: str | None = None,
    columns: "ColumnMapping | None" = None,
) -> StatementStream:
    """Read a trade file entry by entry, as `read_statement` does but without holding it whole.

    Bitstamp's own exports are streamed; so are plug-in formats that set ``rows``.  Other formats
    need all rows to read one (to tell days from months, to join legs), so they are read whole.

    Rows that cannot be read do not stop the others; look at ``problems`` and ``counts`` of the
    stream once it has ended.  Memory grows by 16 bytes a row, which tell equal rows apart, and with
    the number of problems.

    Args:
        path: As for `read_statement`; a path is best, since an open file is read whole.
        format: As for `read_statement`, like all further ones.
        timezone: The zone of printed times that do not state one.
        account: The account of rows that do not state one.
        date_order: Which of day and month comes first.
        part: The file in an archive, or the sheet of a workbook.
        columns: Which column is what, in a table of no known format.

    Raises:
        UnknownFormatError: its header is that of no known format, or not that of ``format``.
        StatementError: as `read_statement`; while iterating too, if the file changes meanwhile.
        PluginError: ``format`` names no format, or a plug-in does not load.
    """
    settings = settings_of(format, timezone, account, date_order, columns)
    file = _File.of(path)
    streamed = None if file is None else _streamed(file, settings)
    if streamed is not None:
        return streamed
    source: StatementSource = path if file is None else file.source
    statement = read_opened(open_source(source, part), settings)
    without = attrs.evolve(statement, entries=())
    return StatementStream(iter(statement.entries), lambda: without)


@attrs.frozen
class _File:
    """A file that can be read again from its start."""

    source: str | bytes
    path: str | None
    zipped: bool

    @classmethod
    def of(cls, source: StatementSource) -> "Self | None":
        """Return ``source`` as such a file; None where it cannot be opened that way."""
        if isinstance(source, str | os.PathLike):
            path = os.fsdecode(source)
            try:
                with open(path, "rb") as file:  # noqa: PTH123 - as in _content
                    start = file.read(2)
            except (OSError, ValueError):
                return None  # Reading it whole says why.
            return cls(path, path, start == GZIP)
        data, _ = bytes_of(source)
        return cls(data, None, data.startswith(GZIP))

    @contextlib.contextmanager
    def open(self) -> Iterator[IO[bytes]]:
        """Open it anew, unpacked."""
        with contextlib.ExitStack() as stack:
            if isinstance(self.source, bytes):
                file: IO[bytes] = io.BytesIO(self.source)
            else:
                file = stack.enter_context(open(self.source, "rb"))  # noqa: PTH123
            if self.zipped:
                file = cast("IO[bytes]", stack.enter_context(gzip.GzipFile(fileobj=file)))
            yield file

    @contextlib.contextmanager
    def lines(self, encoding: str) -> Iterator[Iterator[str]]:
        """Open it as lines with equal ends, from its start."""
        with self.open() as file, io.TextIOWrapper(file, encoding, newline=None) as text:
            yield iter(lambda: text.readline(LINE_MAX + 1), "")


@attrs.frozen(kw_only=True)
class _Text:
    """What a first look at all bytes tells."""

    encoding: str
    digest: str
    repairs: tuple[str, ...]


def _text_of(file: _File) -> _Text | None:
    """Look at all bytes; None where the file has to be read whole, or cannot be read."""
    digest = hashlib.sha256()
    try:
        with file.open() as data:
            chunk = data.read(_CHUNK)
            encoding, repairs = _encoding(chunk)
            decoder = codecs.getincrementaldecoder(encoding)()
            while chunk:
                digest.update(chunk)
                if "\0" in decoder.decode(chunk):
                    return None
                chunk = data.read(_CHUNK)
            decoder.decode(b"", final=True)
    except (OSError, EOFError, ValueError, zlib.error):
        return None
    return _Text(encoding=encoding, digest=digest.hexdigest(), repairs=repairs)


def _encoding(start: bytes) -> tuple[str, tuple[str, ...]]:
    if start.startswith(_UTF16) and not start.startswith(codecs.BOM_UTF32_LE):
        return "utf-16", (UTF16_ENCODING,)
    return "utf-8-sig", (BYTE_ORDER_MARK,) if start.startswith(codecs.BOM_UTF8) else ()


def _streamed(file: _File, settings: Settings) -> StatementStream | None:
    """Return a stream; None where the file has to be read whole."""
    text = _text_of(file)
    if text is None:
        return None
    with file.lines(text.encoding) as lines:
        header, separator, skipped = _header(lines)
    if header is None or header.lstrip().startswith(JSON_STARTS) or len(header) > LINE_MAX:
        return None
    opened = Opened(
        grids=(TextGrid(Lines([header], separator)),),
        path=file.path,
        digest=text.digest,
        repairs=text.repairs,
    )
    known = recognise(opened, settings.candidates())
    if known.form.rows is None:
        return None
    reading = Reading(
        known.form,
        path=file.path,
        timezone=settings.timezone,
        account=settings.account,
        second_look=True,  # Entries that are handed out cannot be taken back.
    )
    for repair in opened.repairs:
        reading.repaired(repair)
    note_layout(known.layout, separator, reading.repaired)
    pieces = _Pieces(file, text.encoding, known.layout, skipped)
    stream = _Stream(reading, pieces, known.form.rows, text.digest)
    return StatementStream(stream.entries(), stream.summary)


def _header(lines: Iterator[str]) -> tuple[str | None, str | None, int]:
    """Return the header, the delimiter that a line above it states, and how many lines they are."""
    first: tuple[str, int] | None = None
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        if first is not None:
            return line, separator_of(first[0]), number
        if separator_of(line) is None:
            return line, None, number
        first = line, number
    return (None, None, 0) if first is None else (first[0], None, first[1])


@attrs.frozen
class _Pieces:
    """The rows of a file, piece by piece; iterating opens the file anew."""

    file: _File
    encoding: str
    layout: Layout
    skipped: int

    def tables(self, noted: Noted) -> Iterator[Table]:
        """Yield all rows; their numbers go on from piece to piece."""
        first = 1
        with self.file.lines(self.encoding) as lines:
            for batch in _whole_records(itertools.islice(lines, self.skipped, None), self.layout):
                rows = fitted_rows(batch, self.layout, first, noted)
                yield Table(columns=self.layout.columns, rows=rows, first=first)
                first += len(rows)

    def __iter__(self) -> Iterator[list[str]]:
        for table in self.tables(lambda _what, _row: None):
            yield from table.rows


def _whole_records(lines: Iterator[str], layout: Layout) -> Iterator[list[str]]:
    """Yield lines in batches that no quoted cell spans; blank lines at the end are left out."""
    batch: list[str] = []
    blank: list[str] = []
    joined = 0
    for number, line in enumerate(lines, 1):
        if len(line) > LINE_MAX:
            raise StatementError(
                f"Row {number} is a line of more than {LINE_MAX:,} characters.",
                row=number,
                hint="Look at the line in an editor, or export the history again.",
            )
        if not line.strip():
            blank.append(line)
            continue
        batch += blank
        blank = []
        batch.append(line)
        if joined < _BATCHES_JOINED_MAX and len(batch) >= _BATCH * (joined + 1):
            if _is_closed(batch, layout):
                yield batch
                batch = []
                joined = 0
            else:
                joined += 1
    if batch:
        yield batch


def _is_closed(batch: list[str], layout: Layout) -> bool:
    """Say whether every record is one line, so that none goes on in the next batch."""
    try:
        rows = list(csv.reader([*batch, _SENTINEL], delimiter=layout.delimiter))
    except csv.Error:
        return False
    return len(rows) == len(batch) + 1 and rows[-1] == [_SENTINEL]


class _Stream:
    """The run of one stream."""

    def __init__(self, reading: Reading, pieces: _Pieces, rows: RowsReader, digest: str) -> None:
        self._reading = reading
        self._pieces = pieces
        self._rows = rows
        self._digest = digest
        self._count = 0
        reading.count_compactly(CompactCounts())

    def entries(self) -> Iterator[Entry]:
        """Yield every entry."""
        reading = self._reading
        read_row = self._rows(self._pieces.layout.columns, self._pieces, reading)
        for table in self._pieces.tables(reading.repaired):
            with collector_paused():
                reading.each_row(table, read_row)
            self._count += len(table.rows)
            entries = reading.drained(table)
            del table  # Its rows are not needed while the entries are handed out.
            yield from entries
            del entries

    def summary(self) -> Statement:
        """Return the books so far."""
        return self._reading.summary(self._count, digest=self._digest)


_FILL_MAX: Final = 0.6
_HASH_DIGITS: Final = 16


class CompactCounts:
    """Counts of digests in 16 bytes or less each, as long as few of them repeat.

    Holds the first 64 bits of a digest: among a million rows, two that differ share them once in 37
    million files.
    """

    def __init__(self) -> None:
        self._slots = array.array("Q", bytes(8 * 1024))
        self._used = 0
        self._repeats: dict[int, int] = {}

    def get(self, digest: str, default: int) -> int:
        """Return how often ``digest`` was met."""
        key = _key(digest)
        if (count := self._repeats.get(key)) is not None:
            return count
        return 1 if self._slots[self._find(key)] == key else default

    def __setitem__(self, digest: str, count: int) -> None:
        key = _key(digest)
        if count > 1:
            self._repeats[key] = count
            return
        at = self._find(key)
        if self._slots[at] != key:
            self._slots[at] = key
            self._used += 1
            if self._used > len(self._slots) * _FILL_MAX:
                self._grow()

    def _find(self, key: int) -> int:
        slots = self._slots
        mask = len(slots) - 1
        at = key & mask
        while slots[at] and slots[at] != key:
            at = (at + 1) & mask
        return at

    def _grow(self) -> None:
        old = self._slots
        self._slots = array.array("Q", bytes(8 * 2 * len(old)))
        for key in old:
            if key:
                self._slots[self._find(key)] = key


def _key(digest: str) -> int:
    return int(digest[:_HASH_DIGITS], 16) or 1  # 0 marks an empty slot.
