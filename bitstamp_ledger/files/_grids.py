"""From a source to grids: whatever can be read as column names with rows below them.

A text file is one grid, a workbook one for each sheet, a JSON dump one.  Which grid holds the
history is for recognition to say.
"""

import hashlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol

import attrs

from bitstamp_ledger.errors import StatementError
from bitstamp_ledger.files._content import (
    StatementSource,
    bytes_of,
    decode,
    encode,
    name_of,
)
from bitstamp_ledger.files._json_rows import JSON_STARTS, json_table
from bitstamp_ledger.files._packed import GZIP, ZIP, unpack
from bitstamp_ledger.files._table import (
    Layout,
    Lines,
    Noted,
    Table,
    fitted_sheet,
    layouts,
    lines_of,
    sheet_layout,
    table_of,
)

if TYPE_CHECKING:
    from bitstamp_ledger.files._sheets import Sheet


class Grid(Protocol):
    """Column names, and the rows below them."""

    @property
    def part(self) -> str | None:
        """The archive's member or the workbook's sheet; None where there is no such thing."""
        ...

    @property
    def opening(self) -> str:
        """How it begins, for messages."""
        ...

    def layouts(self) -> Iterator[Layout]:
        """Yield every way in which the header can be read."""
        ...

    def table(self, layout: Layout, noted: Noted) -> Table:
        """Read all rows, and report what was undone."""
        ...


@attrs.frozen
class TextGrid:
    """Delimited text."""

    lines: Lines
    part: str | None = None

    @property
    def opening(self) -> str:
        """The header as it stands."""
        return self.lines.header

    def layouts(self) -> Iterator[Layout]:
        """Yield how the header reads under each delimiter."""
        return layouts(self.lines)

    def table(self, layout: Layout, noted: Noted) -> Table:
        """Read all rows below the header."""
        return table_of(self.lines, layout, noted)


@attrs.frozen
class SheetGrid:
    """A sheet of a workbook; its first row with a cell is the header.

    ``cut`` counts as in `Table`: the first row below the header is 1.
    """

    rows: list[list[str]]
    cut: frozenset[int]
    part: str | None

    @property
    def opening(self) -> str:
        """The header as it stands."""
        return ", ".join(self.rows[0])

    def layouts(self) -> Iterator[Layout]:
        """Yield the header."""
        yield sheet_layout(self.rows[0])

    def table(self, layout: Layout, noted: Noted) -> Table:
        """Bring all rows to the width of the header."""
        return fitted_sheet(self.rows[1:], self.cut, layout, noted)


@attrs.frozen
class JsonGrid:
    """A list of JSON objects."""

    whole: Table
    opening: str
    part: str | None = None

    def layouts(self) -> Iterator[Layout]:
        """Yield the keys."""
        yield Layout(delimiter="", columns=self.whole.columns, quoted=False)

    def table(self, layout: Layout, noted: Noted) -> Table:
        """Return the objects."""
        del layout, noted
        return self.whole


@attrs.frozen(kw_only=True)
class Opened:
    """A file, unpacked and split into grids."""

    grids: tuple[Grid, ...]
    path: str | None
    digest: str
    repairs: tuple[str, ...] = ()


def open_source(source: StatementSource, part: str | None) -> Opened:
    """Read ``source`` completely and find its grids.

    Args:
        source: What the caller gave.
        part: The member of an archive, or the sheet of a workbook, where there are several.

    Raises:
        StatementError: it cannot be read, or holds nothing that could be a history.
    """
    data, path = bytes_of(source)
    if data.startswith((GZIP, ZIP, b"PK\x05\x06")):
        return _unpacked(data, path, part)
    return _text(data, path, None)


def open_text(text: str) -> Opened:
    """Do as `open_source`, for text at hand."""
    return _text(encode(text), None, None)


def _unpacked(data: bytes, path: str | None, part: str | None) -> Opened:
    # Only packed files pay for the import.
    from bitstamp_ledger.files._spreadsheets import (  # noqa: PLC0415
        is_workbook,
        sheets_of,
    )

    name = name_of(path)
    inner = unpack(data, name=name, path=path, part=part, is_workbook=is_workbook)
    if inner.workbook is None:
        return _text(inner.data, path, inner.part)
    sheets = [
        sheet
        for sheet in sheets_of(inner.workbook)
        if any(cell.strip() for row in sheet.rows for cell in row)
    ]
    digest = hashlib.sha256(inner.data).hexdigest()
    if len(sheets) > 1 and part in {sheet.name for sheet in sheets}:
        # Two sheets of one file are two statements.
        sheets = [sheet for sheet in sheets if sheet.name == part]
        digest = hashlib.sha256(inner.data + b"\0" + str(part).encode()).hexdigest()
    if not sheets:
        raise StatementError(
            f"{name} is a spreadsheet without a cell.",
            path=path,
            hint="Export the history again; check the download.",
        )
    return Opened(
        grids=tuple(map(_sheet_grid, sheets)),
        path=path,
        digest=digest,
    )


def _sheet_grid(sheet: "Sheet") -> SheetGrid:
    header = next(at for at, row in enumerate(sheet.rows) if any(cell.strip() for cell in row))
    return SheetGrid(
        sheet.rows[header:],
        frozenset(row - header for row in sheet.cut if row > header),
        sheet.name,
    )


def _text(data: bytes, path: str | None, part: str | None) -> Opened:
    content = decode(data, path=path)
    grid: Grid
    if content.text.lstrip().startswith(JSON_STARTS):
        table = json_table(content.text, name=name_of(path), path=path)
        grid = JsonGrid(table, content.text.lstrip()[:200], part)
    else:
        grid = TextGrid(lines_of(content.text, path=path), part)
    return Opened(grids=(grid,), path=path, digest=content.digest, repairs=content.repairs)
