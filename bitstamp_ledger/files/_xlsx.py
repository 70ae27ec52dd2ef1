"""Read the sheets of an XLSX workbook.

Facts: docs/facts/files.md, "Spreadsheets".
"""

import datetime as dt
import functools
import posixpath
import re
from collections.abc import Mapping
from typing import Final

import attrs

from bitstamp_ledger.files._limits import (
    COLUMNS_MAX,
)
from bitstamp_ledger.files._packed import Archive
from bitstamp_ledger.files._sheets import (
    SAVE,
    Cells,
    Sheet,
    date_text,
    number_text,
    parse,
    whole,
)

_XLSX_PARTS: Final = "xl/"


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
            self._custom[whole(attributes.get("numFmtId"))] = attributes.get("formatCode", "")
        elif name == "cellXfs":
            self._inside = True
        elif name == "xf" and self._inside:
            found = _date_format(whole(attributes.get("numFmtId")), self._custom)
            if found is not None:
                self.dates[str(self._count)] = found
            self._count += 1
        return ""

    def end(self, name: str, text: str) -> None:
        del text
        if name == "cellXfs":
            self._inside = False


class _XlsxSheet:
    """The cells of one sheet."""

    texts = frozenset({"v", "t"})

    def __init__(
        self,
        cells: Cells,
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
                self._number = whole(attributes.get("r")) or self._number + 1
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
                index = whole(value)
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


def sheets_of_xlsx(archive: Archive) -> list[Sheet]:
    """Return every sheet that has a cell."""
    root = _Relations()
    if "_rels/.rels" in archive:
        parse(archive, "_rels/.rels", root)
    home = root.workbook or "xl/workbook.xml"
    if home not in archive or not home.endswith(".xml"):
        raise archive.refused("is a workbook in a binary format", f"{SAVE[:-1]} or XLSX.")
    folder, file = posixpath.split(home)
    book, relations, strings, styles = _Workbook(), _Relations(), _Strings(), _Styles()
    parse(archive, home, book)
    parse(archive, f"{folder}/_rels/{file}.rels", relations)
    for member, handler in (("sharedStrings.xml", strings), ("styles.xml", styles)):
        place = f"{folder}/{member}"
        if place in archive:
            parse(archive, place, handler)
    sheets = []
    used = 0
    for name, relation in book.sheets:
        target = relations.targets.get(relation, "")
        place = target.lstrip("/") if target.startswith("/") else f"{folder}/{target}"
        if place not in archive or "chartsheets/" in place:
            continue
        cells = Cells(archive, name, used)
        parse(archive, place, _XlsxSheet(cells, strings.table, styles.dates, book.epoch))
        used = cells.used
        sheets.append(cells.sheet())
    return [sheet for sheet in sheets if sheet.rows]


def is_xlsx(archive: Archive) -> bool:
    """Say whether a ZIP archive is such a workbook."""
    return "[Content_Types].xml" in archive and any(
        info.filename.startswith(_XLSX_PARTS) for info in archive.members
    )
