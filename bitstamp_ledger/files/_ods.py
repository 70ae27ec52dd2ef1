"""Read the sheets of an ODS workbook.

Facts: docs/facts/files.md, "Spreadsheets".
"""

import re
from collections.abc import Mapping
from typing import Final

from bitstamp_ledger.files._limits import (
    LINE_MAX,
)
from bitstamp_ledger.files._packed import Archive
from bitstamp_ledger.files._sheets import (
    SAVE,
    Cells,
    Sheet,
    number_text,
    parse,
    whole,
)

_ODS_TYPE: Final = "application/vnd.oasis.opendocument.spreadsheet"
_ODS_CONTENT: Final = "content.xml"
_ODS_MANIFEST: Final = "META-INF/manifest.xml"

_TIME: Final = re.compile(r"PT([0-9]{1,6})H([0-9]{1,2})M([0-9]{1,2})(?:[.,]([0-9]+))?S").fullmatch
_NUMBERS: Final = frozenset({"float", "currency", "percentage"})


class _OdsContent:
    """The cells of all sheets."""

    texts = frozenset({"p"})

    def __init__(self, archive: Archive) -> None:
        self.sheets: list[Sheet] = []
        self._archive = archive
        self._cells: Cells | None = None
        self._used = 0
        self._blank_rows = 0
        self._row: list[str] = []
        self._cut = False
        self._column = 0
        self._row_repeated = 1
        self._cell: Mapping[str, str] | None = None
        self._paragraphs: list[str] = []
        self._parts: list[str] = []
        self._skipping = 0

    def start(self, name: str, attributes: Mapping[str, str]) -> str:
        match name:
            case "annotation" | "shapes":
                self._skipping += 1
            case "table":
                self._cells = Cells(self._archive, attributes.get("name", ""), self._used)
                self._blank_rows = 0
            case "table-row":
                self._row, self._cut, self._column = [], False, 0
                self._row_repeated = whole(attributes.get("number-rows-repeated")) or 1
            case "table-cell" | "covered-table-cell":
                self._cell = attributes
                self._paragraphs = []
            case "s":
                return " " * min(whole(attributes.get("c")) or 1, LINE_MAX)
            case "tab":
                return "\t"
            case "line-break":
                return "\n"
            case _:
                pass
        return ""

    def end(self, name: str, text: str) -> None:
        match name:
            case "annotation" | "shapes":
                self._skipping -= 1
            case "p" if self._cell is not None and not self._skipping:
                self._paragraphs.append(text)
            case "table-cell" | "covered-table-cell":
                self._end_cell()
            case "table-row":
                self._end_row()
            case "table" if self._cells is not None:
                self._used = self._cells.used
                self.sheets.append(self._cells.sheet())
                self._cells = None
            case _:
                pass

    def _end_cell(self) -> None:
        attributes = self._cell or {}
        repeated = whole(attributes.get("number-columns-repeated")) or 1
        shown = self._shown(attributes)
        if shown and self._cells is not None:
            self._cells.put(self._row, self._column, shown, repeated)
        self._column += repeated
        self._cell = None

    def _end_row(self) -> None:
        if self._cells is None:
            return
        if not self._row:
            self._blank_rows += self._row_repeated
            return
        self._cells.skip(self._blank_rows)
        self._blank_rows = 0
        self._cells.add(self._row, cut=self._cut, repeated=self._row_repeated)

    def _shown(self, attributes: Mapping[str, str]) -> str:
        kind = attributes.get("value-type", "")
        if kind in _NUMBERS and "value" in attributes:
            text, cut = number_text(attributes["value"])
            self._cut |= cut
            return text
        if kind == "date" and "date-value" in attributes:
            return _ods_date(attributes["date-value"])
        if kind == "time" and (match := _TIME(attributes.get("time-value", ""))):
            hours, minutes, seconds, fraction = match.groups()
            return f"{hours:0>2}:{minutes:0>2}:{seconds:0>2}{_fraction(fraction)}"
        if kind == "boolean":
            return attributes.get("boolean-value", "").upper()
        return "\n".join(self._paragraphs) or attributes.get("string-value", "")


def _ods_date(text: str) -> str:
    head, point, fraction = text.replace("T", " ").partition(".")
    return head + (_fraction(fraction) if point else "")


def _fraction(digits: str | None) -> str:
    kept = (digits or "")[:6].rstrip("0")
    return f".{kept}" if kept else ""


def sheets_of_ods(archive: Archive) -> list[Sheet]:
    """Return every sheet that has a cell."""
    if _ODS_TYPE.encode() not in archive.read("mimetype")[:200]:
        raise archive.refused("is an office document, but no spreadsheet", SAVE)
    if _ODS_MANIFEST in archive and b"encryption-data" in archive.read(_ODS_MANIFEST):
        raise archive.refused("is encrypted", "Open it and save it without a password.")
    content = _OdsContent(archive)
    parse(archive, _ODS_CONTENT, content)
    return [sheet for sheet in content.sheets if sheet.rows]


def is_ods(archive: Archive) -> bool:
    """Say whether a ZIP archive is such a workbook, or another office document."""
    return "mimetype" in archive and _ODS_CONTENT in archive
