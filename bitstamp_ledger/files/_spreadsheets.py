"""Read the cells of XLSX and ODS workbooks: stored values only, no formula is ever evaluated.

The XML is streamed through expat without building a tree, so that memory grows with the cells that
are kept and not with the markup, and nothing is held for a document type, which neither format has
and every entity bomb needs.

Facts: docs/facts/files.md, "Spreadsheets".
"""

import datetime as dt
import functools
import math
import posixpath
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Final, Protocol
from xml.parsers import expat

import attrs

from bitstamp_ledger.files._limits import (
    CELLS_MAX,
    COLUMNS_MAX,
    ELEMENTS_MAX,
    LINE_MAX,
    ROWS_MAX,
)
from bitstamp_ledger.files._packed import Archive

DIGITS: Final = 15
"""A spreadsheet keeps so many digits of a number, and shows zeros or noise behind them."""

_ODS_TYPE: Final = "application/vnd.oasis.opendocument.spreadsheet"
_XLSX_PARTS: Final = "xl/"
_ODS_CONTENT: Final = "content.xml"
_ODS_MANIFEST: Final = "META-INF/manifest.xml"
_SAVE: Final = "Open it in a spreadsheet program and save the sheet as CSV."


@attrs.frozen
class Sheet:
    """One sheet: its cells as text, blank rows at the end left out."""

    name: str
    rows: list[list[str]]
    cut: frozenset[int]
    """Which of the rows, counted from 0, hold a number that may have been cut to 15 digits."""


def is_workbook(archive: Archive) -> bool:
    """Say whether a ZIP archive is a spreadsheet."""
    return _is_xlsx(archive) or _is_ods(archive)


def sheets_of(archive: Archive) -> list[Sheet]:
    """Return every sheet that has a cell.

    Raises:
        StatementError: encrypted, damaged, of a kind that is not read, or too large.
    """
    try:
        return _xlsx(archive) if _is_xlsx(archive) else _ods(archive)
    except expat.ExpatError as exc:
        raise archive.damaged(exc) from exc


def _is_xlsx(archive: Archive) -> bool:
    return "[Content_Types].xml" in archive and any(
        info.filename.startswith(_XLSX_PARTS) for info in archive.members
    )


def _is_ods(archive: Archive) -> bool:
    return "mimetype" in archive and _ODS_CONTENT in archive


class _Handler(Protocol):
    """What is told of every element, by its name without prefix."""

    texts: frozenset[str]
    """The elements whose text is wanted."""

    def start(self, name: str, attributes: Mapping[str, str]) -> str:
        """Take an element's start; return what it stands for inside a text."""
        ...

    def end(self, name: str, text: str) -> None:
        """Take an element's end, and its text where that is wanted."""
        ...


def _parse(archive: Archive, member: str, handler: _Handler) -> None:
    """Send one XML file through ``handler``."""
    _Parser(archive, handler).run(member)


class _Parser:
    """Collects the text of the elements that a handler wants, within limits."""

    def __init__(self, archive: Archive, handler: _Handler) -> None:
        self._archive = archive
        self._handler = handler
        self._names = _Names()
        self._text: list[str] = []
        self._length = 0
        self._elements = 0

    def run(self, member: str) -> None:
        """Parse one file of the archive."""
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = self._started
        parser.CharacterDataHandler = self._met
        parser.EndElementHandler = self._ended
        parser.StartDoctypeDeclHandler = self._declared
        parser.EntityDeclHandler = self._declared
        for chunk in self._archive.chunks(member):
            parser.Parse(chunk, False)  # noqa: FBT003 - expat takes no keyword
        parser.Parse(b"", True)  # noqa: FBT003

    def _started(self, name: str, attributes: dict[str, str]) -> None:
        self._elements += 1
        if self._elements > ELEMENTS_MAX:
            raise self._archive.refused("has more cells than are read from a workbook", _SAVE)
        names = self._names
        name = names[name]
        if name in self._handler.texts:
            self._text.clear()
            self._length = 0
        if attributes:
            attributes = {names[key]: value for key, value in attributes.items()}
        if inserted := self._handler.start(name, attributes):
            self._met(inserted)

    def _met(self, data: str) -> None:
        self._length += len(data)
        if self._length > LINE_MAX:
            raise self._archive.refused("holds a longer cell than any spreadsheet can", _SAVE)
        self._text.append(data)

    def _ended(self, name: str) -> None:
        name = self._names[name]
        self._handler.end(name, "".join(self._text) if name in self._handler.texts else "")

    def _declared(self, *_: object) -> None:
        raise self._archive.refused(
            "holds an XML document type, which no spreadsheet program writes",
            "Do not open it; it may be built to do harm.",
        )


class _Names(dict[str, str]):
    """Names without their prefix; few are met, and very often."""

    def __missing__(self, name: str) -> str:
        plain = name.rpartition(":")[2]
        if len(self) < COLUMNS_MAX:
            self[name] = plain
        return plain


class _Cells:
    """Collects the rows of one sheet, within limits."""

    def __init__(self, archive: Archive, name: str, used: int) -> None:
        self.name = name
        self.used = used
        """Cells of all sheets so far."""

        self._archive = archive
        self._rows: list[list[str]] = []
        self._cut: set[int] = set()

    def add(self, row: list[str], *, cut: bool, repeated: int = 1) -> None:
        """Append a row with something in it."""
        self._require(len(self._rows) + repeated <= ROWS_MAX, "rows")
        self.used += (len(row) + 1) * repeated
        self._require(self.used <= CELLS_MAX, "cells")
        if cut:
            self._cut.update(range(len(self._rows), len(self._rows) + repeated))
        self._rows.extend(row.copy() for _ in range(repeated))

    def skip(self, rows: int) -> None:
        """Append blank rows, because one with something in it follows."""
        if rows > 0:
            self.add([], cut=False, repeated=rows)

    def sheet(self) -> Sheet:
        """Return what was collected."""
        return Sheet(self.name, self._rows, frozenset(self._cut))

    @property
    def count(self) -> int:
        """How many rows there are so far."""
        return len(self._rows)

    def _require(self, within: bool, what: str) -> None:
        if not within:
            raise self._archive.refused(f"has more {what} than are read from a workbook", _SAVE)

    def put(self, row: list[str], column: int, text: str, repeated: int = 1) -> None:
        """Set a cell of a row that is being read."""
        self._require(column + repeated <= COLUMNS_MAX, "columns")
        row.extend([""] * (column - len(row)))
        row[column : column + repeated] = [text] * repeated


# --- numbers and dates ---------------------------------------------------------------------------


def number_text(text: str) -> tuple[str, bool]:
    """Return a stored number as digits, and whether it may have lost some.

    A spreadsheet stores binary floats.  Up to 15 digits they give back the decimal that was typed;
    what has more was either cut before, or is the noise of a computation.
    """
    try:
        value = float(text)
    except ValueError:
        return text, False
    if not math.isfinite(value):
        return text, False
    shortest = Decimal(repr(value))
    digits = len(shortest.as_tuple().digits)
    if value == int(value):
        whole = format(shortest, "f").removesuffix(".0")
        return whole, False  # Long whole numbers are ids; amounts end before.
    if digits < DIGITS:
        return format(shortest, "f"), False
    # Zeros are kept: they say up to which digit the number is known.
    return format(Decimal(f"{value:.{DIGITS - 1}e}"), "f"), True


_SECONDS: Final = 86_400
_MICROSECONDS: Final = 1_000_000
# A float of days is good to a microsecond; a time typed to the second lies so close to it.
_SNAP: Final = 5


def date_text(days: float, epoch: dt.datetime, *, has_date: bool, has_time: bool) -> str | None:
    """Return a stored date as ISO text without zone, or None where it is beyond the calendar."""
    microseconds = round(days * _SECONDS * _MICROSECONDS)
    seconds, rest = divmod(microseconds + _SNAP, _MICROSECONDS)
    rest = 0 if rest <= 2 * _SNAP else rest - _SNAP
    if 0 <= seconds < _SECONDS and has_time and not has_date:
        clock = (epoch + dt.timedelta(seconds=seconds, microseconds=rest)).time()
        return clock.isoformat()
    try:
        when = epoch + dt.timedelta(seconds=seconds, microseconds=rest)
    except OverflowError:
        return None
    if not has_time and not seconds % _SECONDS:
        return when.date().isoformat()
    return when.isoformat(sep=" ")


# --- XLSX ----------------------------------------------------------------------------------------

_EPOCH_1900: Final = dt.datetime(1899, 12, 30)  # noqa: DTZ001 - cells have no zone
_EPOCH_1904: Final = dt.datetime(1904, 1, 1)  # noqa: DTZ001
_DATE_ONLY: Final = frozenset({14, 15, 16, 17})
_TIME_ONLY: Final = frozenset({18, 19, 20, 21, 45, 46, 47})
_BOTH: Final = frozenset({22})
_LITERALS: Final = re.compile(r'"[^"]*"|\\.|\[(?!h+\]|m+\]|s+\])[^\]]*\]|_.|\*.', re.IGNORECASE)
_is_letters: Final = re.compile(r"[A-Z]{1,3}").fullmatch


@attrs.frozen
class _DateFormat:
    has_date: bool
    has_time: bool


def _date_format(number: int, custom: Mapping[int, str]) -> _DateFormat | None:
    if number in _DATE_ONLY:
        return _DateFormat(has_date=True, has_time=False)
    if number in _TIME_ONLY:
        return _DateFormat(has_date=False, has_time=True)
    if number in _BOTH:
        return _DateFormat(has_date=True, has_time=True)
    code = _LITERALS.sub("", custom.get(number, "")).lower().partition(";")[0]
    has_date = any(letter in code for letter in "yd")
    has_time = any(letter in code for letter in "hs")
    if has_date or has_time:
        return _DateFormat(has_date=has_date, has_time=has_time)
    return None


class _Workbook:
    """The sheets' names and where they are; whether days are counted from 1904."""

    texts: frozenset[str] = frozenset()

    def __init__(self) -> None:
        self.sheets: list[tuple[str, str]] = []
        self.epoch = _EPOCH_1900

    def start(self, name: str, attributes: Mapping[str, str]) -> str:
        if name == "sheet":
            self.sheets.append((attributes.get("name", ""), attributes.get("id", "")))
        elif name == "workbookPr" and attributes.get("date1904") in {"1", "true"}:
            self.epoch = _EPOCH_1904
        return ""

    def end(self, name: str, text: str) -> None:
        pass


class _Relations:
    """Where the parts of a workbook are, by the names under which it speaks of them."""

    texts: frozenset[str] = frozenset()

    def __init__(self) -> None:
        self.targets: dict[str, str] = {}
        self.workbook = ""

    def start(self, name: str, attributes: Mapping[str, str]) -> str:
        if name != "Relationship":
            return ""
        target = attributes.get("Target", "")
        self.targets[attributes.get("Id", "")] = target
        if attributes.get("Type", "").endswith("/officeDocument"):
            self.workbook = target.lstrip("/")
        return ""

    def end(self, name: str, text: str) -> None:
        pass


class _Strings:
    """The table of texts that cells point into."""

    texts = frozenset({"t"})

    def __init__(self) -> None:
        self.table: list[str] = []
        self._parts: list[str] = []
        self._phonetic = False

    def start(self, name: str, attributes: Mapping[str, str]) -> str:
        del attributes
        if name == "si":
            self._parts = []
        elif name == "rPh":
            self._phonetic = True
        return ""

    def end(self, name: str, text: str) -> None:
        if name == "t" and not self._phonetic:
            self._parts.append(text)
        elif name == "rPh":
            self._phonetic = False
        elif name == "si":
            self.table.append(_unescaped("".join(self._parts)))


_ESCAPE: Final = re.compile(r"_x([0-9A-Fa-f]{4})_")


def _unescaped(text: str) -> str:
    # XLSX writes characters that XML cannot hold, such as a carriage return, as _x000D_.
    return _ESCAPE.sub(lambda match: chr(int(match[1], 16)), text) if "_x" in text else text


class _Styles:
    """Which cell styles are dates."""

    texts: frozenset[str] = frozenset()

    def __init__(self) -> None:
        self.dates: dict[str, _DateFormat] = {}
        self._custom: dict[int, str] = {}
        self._inside = False
        self._count = 0

    def start(self, name: str, attributes: Mapping[str, str]) -> str:
        if name == "numFmt":
            self._custom[_whole(attributes.get("numFmtId"))] = attributes.get("formatCode", "")
        elif name == "cellXfs":
            self._inside = True
        elif name == "xf" and self._inside:
            found = _date_format(_whole(attributes.get("numFmtId")), self._custom)
            if found is not None:
                self.dates[str(self._count)] = found
            self._count += 1
        return ""

    def end(self, name: str, text: str) -> None:
        del text
        if name == "cellXfs":
            self._inside = False


def _whole(text: str | None) -> int:
    return int(text) if text is not None and text.isascii() and text.isdigit() else 0


class _XlsxSheet:
    """The cells of one sheet."""

    texts = frozenset({"v", "t"})

    def __init__(
        self,
        cells: _Cells,
        strings: list[str],
        dates: Mapping[str, _DateFormat],
        epoch: dt.datetime,
    ) -> None:
        self._cells = cells
        self._strings = strings
        self._dates = dates
        self._epoch = epoch
        self._number = 0
        self._row: list[str] = []
        self._cut = False
        self._column = -1
        self._type = "n"
        self._style: _DateFormat | None = None
        self._value = ""
        self._inline: list[str] = []
        self._phonetic = False

    def start(self, name: str, attributes: Mapping[str, str]) -> str:
        match name:
            case "c":
                get = attributes.get
                self._column = _column(get("r"), self._column + 1)
                self._type = get("t", "n")
                self._style = self._dates.get(get("s", "0"))
                self._value = ""
                if self._inline:
                    self._inline = []
            case "v":
                pass
            case "row":
                self._number = _whole(attributes.get("r")) or self._number + 1
                self._row, self._cut, self._column = [], False, -1
            case "rPh":
                self._phonetic = True
            case _:
                pass
        return ""

    def end(self, name: str, text: str) -> None:
        match name:
            case "v":
                self._value = text
            case "t" if not self._phonetic:
                self._inline.append(text)
            case "rPh":
                self._phonetic = False
            case "c":
                shown = self._shown()
                if shown:
                    self._cells.put(self._row, self._column, shown)
            case "row" if self._row:
                self._cells.skip(self._number - 1 - self._cells.count)
                self._cells.add(self._row, cut=self._cut)
            case _:
                pass

    def _shown(self) -> str:
        value = self._value
        match self._type:
            case "inlineStr":
                return _unescaped("".join(self._inline))
            case "s":
                index = _whole(value)
                return self._strings[index] if index < len(self._strings) else value
            case "n" if value:
                return self._number_shown(value)
            case "b":
                return {"1": "TRUE", "0": "FALSE"}.get(value, value)
            case "str":
                return _unescaped(value)
            case _:
                return value  # "e", an error such as #N/A; "d", a date in ISO.

    def _number_shown(self, value: str) -> str:
        style = self._style
        if style is not None and _is_float(value):
            shown = date_text(
                float(value), self._epoch, has_date=style.has_date, has_time=style.has_time
            )
            if shown is not None:
                return shown
        text, cut = number_text(value)
        self._cut |= cut
        return text


_is_float: Final = re.compile(r"-?[0-9]{1,20}(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,2})?").fullmatch


def _column(reference: str | None, following: int) -> int:
    if reference is None:
        return following
    letters = reference.rstrip("0123456789")
    return _letters(letters) if _is_letters(letters) else following


@functools.lru_cache(maxsize=COLUMNS_MAX)
def _letters(letters: str) -> int:
    column = 0
    for letter in letters:
        column = column * 26 + ord(letter) - ord("A") + 1
    return column - 1


def _xlsx(archive: Archive) -> list[Sheet]:
    root = _Relations()
    if "_rels/.rels" in archive:
        _parse(archive, "_rels/.rels", root)
    home = root.workbook or "xl/workbook.xml"
    if home not in archive or not home.endswith(".xml"):
        raise archive.refused("is a workbook in a binary format", f"{_SAVE[:-1]} or XLSX.")
    folder, file = posixpath.split(home)
    book, relations, strings, styles = _Workbook(), _Relations(), _Strings(), _Styles()
    _parse(archive, home, book)
    _parse(archive, f"{folder}/_rels/{file}.rels", relations)
    for member, handler in (("sharedStrings.xml", strings), ("styles.xml", styles)):
        place = f"{folder}/{member}"
        if place in archive:
            _parse(archive, place, handler)
    sheets = []
    used = 0
    for name, relation in book.sheets:
        target = relations.targets.get(relation, "")
        place = target.lstrip("/") if target.startswith("/") else f"{folder}/{target}"
        if place not in archive or "chartsheets/" in place:
            continue
        cells = _Cells(archive, name, used)
        _parse(archive, place, _XlsxSheet(cells, strings.table, styles.dates, book.epoch))
        used = cells.used
        sheets.append(cells.sheet())
    return [sheet for sheet in sheets if sheet.rows]


# --- ODS -----------------------------------------------------------------------------------------

_TIME: Final = re.compile(r"PT([0-9]{1,6})H([0-9]{1,2})M([0-9]{1,2})(?:[.,]([0-9]+))?S").fullmatch
_NUMBERS: Final = frozenset({"float", "currency", "percentage"})


class _OdsContent:
    """The cells of all sheets."""

    texts = frozenset({"p"})

    def __init__(self, archive: Archive) -> None:
        self.sheets: list[Sheet] = []
        self._archive = archive
        self._cells: _Cells | None = None
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
                self._cells = _Cells(self._archive, attributes.get("name", ""), self._used)
                self._blank_rows = 0
            case "table-row":
                self._row, self._cut, self._column = [], False, 0
                self._row_repeated = _whole(attributes.get("number-rows-repeated")) or 1
            case "table-cell" | "covered-table-cell":
                self._cell = attributes
                self._paragraphs = []
            case "s":
                return " " * min(_whole(attributes.get("c")) or 1, LINE_MAX)
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
        repeated = _whole(attributes.get("number-columns-repeated")) or 1
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


def _ods(archive: Archive) -> list[Sheet]:
    if _ODS_TYPE.encode() not in archive.read("mimetype")[:200]:
        raise archive.refused("is an office document, but no spreadsheet", _SAVE)
    if _ODS_MANIFEST in archive and b"encryption-data" in archive.read(_ODS_MANIFEST):
        raise archive.refused("is encrypted", "Open it and save it without a password.")
    content = _OdsContent(archive)
    _parse(archive, _ODS_CONTENT, content)
    return [sheet for sheet in content.sheets if sheet.rows]
