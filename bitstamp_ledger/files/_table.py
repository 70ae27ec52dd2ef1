"""From text to rows of cells, undoing what browsers and spreadsheets do to delimited text.

Rules:

1. Every line below the header is a data row and counts, except blank lines at the very end.
2. A row that cannot be brought to the width of the header is handed on as it is, never dropped.
3. An unclosed quote spoils its own line only, not the rest of the file.

Facts: docs/facts/files.md, "Recognition".
"""

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import repeat
from typing import Final

import attrs

from bitstamp_ledger.errors import StatementError
from bitstamp_ledger.files._limits import COLUMNS_MAX, LINE_MAX

DELIMITERS: Final = (",", ";", "\t")

WHOLE_LINE_QUOTED: Final = "whole line wrapped in quotes"
TRAILING_DELIMITER: Final = "empty cell after the last column"
SHORT_ROW: Final = "row cut short at its last cells"
OTHER_DELIMITER: Final = {
    ";": "semicolons instead of commas",
    "\t": "tabs instead of commas",
}
SEPARATOR_LINE: Final = "separator line of a spreadsheet"
NUMBER_CUT: Final = "number in a spreadsheet cell that may have been cut to 15 digits"

# A line this long may hold more cells than all others of the file together.
_REGULAR_MAX: Final = 2**16

# So many rows are split at once: their cells still are in the processor's cache when they are read.
_PIECE: Final = 500

Noted = Callable[[str, int | None], None]
"""Takes a repair and the row it was made in."""


@attrs.frozen(kw_only=True)
class Layout:
    """One way to read the first line: the column names under one delimiter."""

    delimiter: str
    columns: tuple[str, ...]
    quoted: bool
    """Whether the whole line was wrapped in quotes."""


@attrs.frozen
class PlainLines:
    """Lines that only have to be split: no cell is quoted, and all are as wide as the header."""

    lines: list[str]
    delimiter: str

    def __iter__(self) -> Iterator[list[str]]:
        delimiter = self.delimiter
        return (line.rstrip("\n").split(delimiter) for line in self.lines)

    def split(self) -> list[list[str]]:
        """Return the cells of every line."""
        delimiter = self.delimiter
        return [line.rstrip("\n").split(delimiter) for line in self.lines]


@attrs.frozen(kw_only=True)
class Table:
    """Rows of cells under unique column names.

    A row has at least as many cells as there are columns; more of them only where the surplus
    cells are not empty.  In a blank row every cell is.
    """

    columns: tuple[str, ...]
    _rows: list[list[str]] | PlainLines = attrs.field(alias="rows")
    cut: frozenset[int] = frozenset()
    """The numbers of the rows in which a number may have been cut by a spreadsheet."""

    first: int = 1
    """The number of the first of these rows; above 1 where a file is read in pieces."""

    @property
    def rows(self) -> list[list[str]]:
        """All rows, split into cells when they are first asked for."""
        if isinstance(self._rows, PlainLines):
            object.__setattr__(self, "_rows", self._rows.split())
        return self._rows  # type: ignore[return-value]  # a list since the line above

    @property
    def each(self) -> Iterable[list[str]]:
        """The rows, to be gone through as often as wanted; they are not kept."""
        return self._rows

    @property
    def numbers(self) -> range:
        """Where each row stands among the data rows of the file; the first of all is 1."""
        rows = self._rows
        count = len(rows.lines if isinstance(rows, PlainLines) else rows)
        return range(self.first, self.first + count)

    def pieces(self) -> "Iterator[Table]":
        """Yield the rows in tables small enough to be read quickly, or all in one."""
        whole = self._rows
        if not isinstance(whole, PlainLines):
            yield self
            return
        for start in range(0, len(whole.lines), _PIECE):
            lines = PlainLines(whole.lines[start : start + _PIECE], whole.delimiter)
            yield attrs.evolve(self, rows=lines, first=self.first + start)

    def is_header(self, cells: list[str]) -> bool:
        """Say whether a row repeats the header, as in files that were joined."""
        return _unique([cell.strip() for cell in cells]) == self.columns


@attrs.frozen
class Lines:
    """The lines of a file from its header on, with their line ends made equal."""

    lines: list[str]
    separator: str | None
    """The delimiter, where a line above the header states it."""

    @property
    def header(self) -> str:
        """The first line that is not blank."""
        return self.lines[0]


def lines_of(text: str, *, path: str | None = None) -> Lines:
    """Split ``text``, which is not blank, and find its header: the first line with a cell.

    Raises:
        StatementError: a line is longer than that of any table.
    """
    lines = split_lines(text)
    if max(map(len, lines)) > LINE_MAX:
        _refuse_long_line(lines, path)
    first = next(at for at, line in enumerate(lines) if line.strip())
    last = next(at for at in range(len(lines) - 1, -1, -1) if lines[at].strip())
    separator = separator_of(lines[first]) if first < last else None
    if separator is not None:
        first = next(at for at in range(first + 1, len(lines)) if lines[at].strip())
    return Lines(lines[first : last + 1], separator)


# Where str.splitlines() cuts besides at CR and LF: inside a cell.
_CUTS: Final = ("\v", "\f", "\x1c", "\x1d", "\x1e")


def split_lines(text: str) -> list[str]:
    """Split at CR, LF and CRLF and nowhere else; every line but perhaps the last ends in LF."""
    if not text.isascii() or any(cut in text for cut in _CUTS):
        return io.StringIO(text, newline=None).readlines()
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text.splitlines(keepends=True)  # In a fifth of the time.


def _refuse_long_line(lines: list[str], path: str | None) -> None:
    number, line = next((at, line) for at, line in enumerate(lines, 1) if len(line) > LINE_MAX)
    raise StatementError(
        f"Line {number} has {len(line):,} characters, more than any table has.",
        path=path,
        row=max(number - 1, 0) or None,
        hint="Look at the line in an editor, or export the history again.",
    )


def layouts(lines: Lines) -> Iterator[Layout]:
    """Yield how the header reads under each delimiter."""
    for delimiter in [lines.separator] if lines.separator else DELIMITERS:
        cells = _parse(lines.header, delimiter)
        if cells is None:
            continue
        inner = _unwrapped(cells, delimiter)
        columns = _unique([cell.strip() for cell in inner or cells])
        yield Layout(delimiter=delimiter, columns=columns, quoted=inner is not None)


def table_of(lines: Lines, layout: Layout, noted: Noted) -> Table:
    """Read all rows under the header, and report what was undone."""
    note_layout(layout, lines.separator, noted)
    rows = lines.lines[1:]
    if _is_plain(rows, layout):
        return Table(columns=layout.columns, rows=PlainLines(rows, layout.delimiter))
    return Table(columns=layout.columns, rows=fitted_rows(rows, layout, 1, noted))


def note_layout(layout: Layout, separator: str | None, noted: Noted) -> None:
    """Report what the header alone shows to have been undone."""
    if separator is not None:
        noted(SEPARATOR_LINE, None)
    if layout.delimiter in OTHER_DELIMITER:
        noted(OTHER_DELIMITER[layout.delimiter], None)
    if layout.quoted:
        noted(WHOLE_LINE_QUOTED, None)


def fitted_rows(lines: list[str], layout: Layout, first: int, noted: Noted) -> list[list[str]]:
    """Split lines into cells, and bring the rows to the width of the header.

    Args:
        lines: Below the header.
        layout: The header.
        first: The number of the first row.
        noted: Takes repairs.
    """
    if _is_plain(lines, layout):
        return PlainLines(lines, layout.delimiter).split()
    width = len(layout.columns)
    rows = _regular(lines, layout.delimiter, width)
    if rows is None:
        rows = []
        for cells in _records(lines, layout.delimiter, width):
            rows.append(_fitted(cells, layout.delimiter, width, first + len(rows), noted))
    return rows


def sheet_layout(header: list[str]) -> Layout:
    """Return the column names of a sheet whose first row is ``header``."""
    return Layout(delimiter="", columns=_unique([cell.strip() for cell in header]), quoted=False)


def fitted_sheet(rows: list[list[str]], cut: frozenset[int], layout: Layout, noted: Noted) -> Table:
    """Bring the rows of a sheet to the width of its header.

    Sheets leave out the cells at the end of a row, so short rows are nothing to report.

    Args:
        rows: Those below the header.
        cut: The numbers of the rows that hold a number which may have been cut.
        layout: The header.
        noted: Takes repairs.
    """
    width = len(layout.columns)
    fitted = []
    for row in rows:
        if not any(cell.strip() for cell in row):
            fitted.append([""] * width)
        elif len(row) > width and not any(cell.strip() for cell in row[width:]):
            fitted.append(row[:width])
        else:
            fitted.append(row + [""] * (width - len(row)))
    for row_number in sorted(cut):
        noted(NUMBER_CUT, row_number)
    return Table(columns=layout.columns, rows=fitted, cut=cut)


def separator_of(line: str) -> str | None:
    """Return the delimiter that a line above the header states; None for any other line."""
    # Spreadsheets write and obey a first line such as "sep=;".
    text = line.strip(" \r\n").strip('"')  # A tab at its end is what it states.
    name, _, separator = text.partition("=")
    return separator if name.casefold() == "sep" and separator in DELIMITERS else None


def _is_plain(lines: list[str], layout: Layout) -> bool:
    """Say whether no row needs repair, and splitting is all that csv would do.

    It takes csv three times as long.
    """
    inner = len(layout.columns) - 1
    return (
        max(map(len, lines), default=0) <= _REGULAR_MAX
        and {inner}.issuperset(map(str.count, lines, repeat(layout.delimiter)))
        and True not in map(str.__contains__, lines, repeat('"'))
    )


def _regular(lines: list[str], delimiter: str, width: int) -> list[list[str]] | None:
    """Return all rows of a file that needs no repair but may have quotes; else None."""
    if max(map(len, lines), default=0) > _REGULAR_MAX:
        return None
    try:
        rows = list(csv.reader(lines, delimiter=delimiter))
    except csv.Error:
        return None
    one_line_each = len(rows) == len(lines)
    return rows if one_line_each and {width}.issuperset(map(len, rows)) else None


def _records(lines: list[str], delimiter: str, width: int) -> Iterator[list[str]]:
    reader = csv.reader(lines, delimiter=delimiter)
    end = 0
    while True:
        start = end
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            # A cell above csv.field_size_limit, which belongs to the host program.
            end = reader.line_num
            yield from (_alone(line, delimiter) for line in lines[start:end])
            continue
        end = reader.line_num
        if end - start == 1 or len(cells) == width:
            yield cells
        else:
            yield from (_alone(line, delimiter) for line in lines[start:end])


def _alone(line: str, delimiter: str) -> list[str]:
    """Split one line; a line that cannot be split is one cell."""
    return _parse(line, delimiter) or [line.rstrip("\n")]


def _parse(line: str, delimiter: str) -> list[str] | None:
    try:
        return next(csv.reader([line.rstrip("\n")], delimiter=delimiter), [])
    except csv.Error:
        return None


def _unwrapped(cells: list[str], delimiter: str) -> list[str] | None:
    """Return the cells inside a line that was quoted as a whole, else None."""
    if len(cells) != 1 or delimiter not in cells[0]:
        return None
    inner = _parse(cells[0], delimiter)
    return inner if inner is not None and len(inner) > 1 else None


def _fitted(cells: list[str], delimiter: str, width: int, row: int, noted: Noted) -> list[str]:
    if (inner := _unwrapped(cells, delimiter)) is not None:
        noted(WHOLE_LINE_QUOTED, row)
        cells = inner
    if not any(cell.strip() for cell in cells):
        return [""] * width
    if len(cells) > width and not any(cell.strip() for cell in cells[width:]):
        noted(TRAILING_DELIMITER, row)
        return cells[:width]
    if len(cells) > COLUMNS_MAX:
        raise StatementError(
            f"Row {row} has {len(cells):,} cells, more than any table has.",
            row=row,
            hint="Look at the row in an editor, or export the history again.",
        )
    if len(cells) < width:
        noted(SHORT_ROW, row)
        return cells + [""] * (width - len(cells))
    return cells


def _unique(names: list[str]) -> tuple[str, ...]:
    """Number repeated names, as in ``Cur.``, ``Cur. (2)``; drop unnamed columns at the end."""
    while names and not names[-1]:
        names.pop()
    seen: Counter[str] = Counter()
    unique = []
    for name in names:
        seen[name] += 1
        unique.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return tuple(unique)
