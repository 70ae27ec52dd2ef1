"""What both kinds of workbook share: parsing XML within limits, and cells on their way to text.

The XML is streamed through expat without building a tree, so that memory grows with the cells that
are kept and not with the markup, and nothing is held for a document type, which neither format has
and every entity bomb needs.

Facts: docs/facts/files.md, "Spreadsheets".
"""

import datetime as dt
import math
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

SAVE: Final = "Open it in a spreadsheet program and save the sheet as CSV."


@attrs.frozen
class Sheet:
    """One sheet: its cells as text, blank rows at the end left out."""

    name: str
    rows: list[list[str]]
    cut: frozenset[int]
    """Which of the rows, counted from 0, hold a number that may have been cut to 15 digits."""


class Handler(Protocol):
    """What is told of every element, by its name without prefix."""

    texts: frozenset[str]
    """The elements whose text is wanted."""

    def start(self, name: str, attributes: Mapping[str, str]) -> str:
        """Take an element's start; return what it stands for inside a text."""
        ...

    def end(self, name: str, text: str) -> None:
        """Take an element's end, and its text where that is wanted."""
        ...


def parse(archive: Archive, member: str, handler: Handler) -> None:
    """Send one XML file through ``handler``."""
    _Parser(archive, handler).run(member)


class _Parser:
    """Collects the text of the elements that a handler wants, within limits."""

    def __init__(self, archive: Archive, handler: Handler) -> None:
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
            raise self._archive.refused("has more cells than are read from a workbook", SAVE)
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
            raise self._archive.refused("holds a longer cell than any spreadsheet can", SAVE)
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


class Cells:
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
            raise self._archive.refused(f"has more {what} than are read from a workbook", SAVE)

    def put(self, row: list[str], column: int, text: str, repeated: int = 1) -> None:
        """Set a cell of a row that is being read."""
        self._require(column + repeated <= COLUMNS_MAX, "columns")
        row.extend([""] * (column - len(row)))
        row[column : column + repeated] = [text] * repeated


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


def whole(text: str | None) -> int:
    """Return a whole number that an attribute states; 0 where it states none."""
    return int(text) if text is not None and text.isascii() and text.isdigit() else 0
