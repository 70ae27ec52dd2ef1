"""Damages: what browsers, spreadsheets and people do to files, drawn at random.

Each takes a `File` and returns it damaged.  None of them changes what happened: a reader may say
less than before, or that it cannot read a row, but nothing else.
"""

import codecs
import math
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

import attrs
from hypothesis import strategies as st

from tests.files.renderers import american_sheet, british_sheet, dotted, iso_minute
from tests.files.samples import Fill, cell


@attrs.frozen(kw_only=True)
class File:
    """A table of cells, and how it is written down."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    truths: tuple[Fill | None, ...]
    """What each row states; None for a row that states nothing true."""

    numbers: frozenset[int]
    """Where the numbers stand, with or without a currency behind them."""

    times: int | None
    """Where the time stands; None where it is not one cell that a spreadsheet knows as a date."""

    clock: Callable[[Fill, Callable[..., str]], str]
    """Prints a trade's time as the file's maker would, by another clock."""

    ids: frozenset[int]
    codes: frozenset[int]
    fees: frozenset[int]
    exchanges: frozenset[int]
    delimiter: str = ","
    line_end: str = "\n"
    encoding: str = "utf-8"
    mark: bytes = b""
    above: str = ""
    wrapped: bool = False
    quoted: bool = False
    trailing: str = ""

    @property
    def content(self) -> bytes:
        """The file as it lies on a disk."""
        lines = [self._line(row) for row in (self.columns, *self.rows)]
        if self.wrapped:
            lines = ['"' + line.replace('"', '""') + '"' for line in lines]
        lines = [lines[0], *(line + self.trailing for line in lines[1:])]
        text = "".join(line + self.line_end for line in (*filter(None, [self.above]), *lines))
        return self.mark + text.encode(self.encoding)

    def _line(self, row: Sequence[str]) -> str:
        if self.quoted:
            return self.delimiter.join('"' + text.replace('"', '""') + '"' for text in row)
        return self.delimiter.join(cell(text, self.delimiter) for text in row)


Draw = Callable[[st.SearchStrategy[Any]], Any]
Damage = Callable[[Draw, File], File]


Places = Callable[[File], frozenset[int]]


def _cells(places: Places, change: Callable[[str], str]) -> Damage:
    """Change every cell of some columns."""

    def damage(draw: Draw, file: File) -> File:
        del draw
        chosen = places(file)
        rows = tuple(
            row
            if truth is None
            else tuple(change(text) if at in chosen else text for at, text in enumerate(row))
            for row, truth in zip(file.rows, file.truths, strict=True)
        )
        return attrs.evolve(file, rows=rows)

    return damage


def _number(change: Callable[[str], str]) -> Damage:
    """Change the number in every cell that holds one, whatever stands behind it."""

    def changed(text: str) -> str:
        number, blank, code = text.partition(" ")
        return change(number) + blank + code if number.strip("-") else text

    return _cells(lambda file: file.numbers, changed)


def grouped(blank: str, comma: str) -> Callable[[str], str]:
    """Return what puts blanks between thousands."""

    def change(text: str) -> str:
        whole, point, fraction = text.lstrip("-").partition(".")
        groups: list[str] = []
        while len(whole) > 3:
            groups.insert(0, whole[-3:])
            whole = whole[:-3]
        sign = "-" if text.startswith("-") else ""
        return sign + blank.join([whole, *groups]) + point.replace(".", comma) + fraction

    return change


def _noisy(text: str) -> str:
    return repr(math.nextafter(float(text), math.inf))


def _shortest(text: str) -> str:
    return format(Decimal(text).normalize(), "f") if Decimal(text) else "0"


def _ids(change: Callable[[str], str]) -> Damage:
    """Change ids as a spreadsheet does, which shows no zeros at the end of numbers either."""
    shortened = _number(_shortest)
    changed = _cells(lambda file: file.ids, change)

    def damage(draw: Draw, file: File) -> File:
        return changed(draw, shortened(draw, file))

    return damage


def _zeroed(text: str) -> str:
    return text if len(text) < 16 else text[:15] + "0" * (len(text) - 15)


def _scientific_id(text: str) -> str:
    return f"{int(text):.5E}" if text.isdigit() and len(text) > 11 else text


def _comma_id(text: str) -> str:
    return _scientific_id(text).replace(".", ",")


def _renamed(names: Mapping[str, str]) -> Damage:
    def change(text: str) -> str:
        number, blank, code = text.rpartition(" ")
        return number + blank + names.get(code, code)

    return _cells(lambda file: file.codes, change)


def _exchange(name: str) -> Damage:
    return _cells(lambda file: file.exchanges, lambda text: name if text else text)


def _clock(print_: Callable[..., str]) -> Damage:
    """Show every time as a spreadsheet of some country does."""

    def damage(draw: Draw, file: File) -> File:
        del draw
        if file.times is None:
            return file
        rows = tuple(
            row
            if truth is None
            else (*row[: file.times], file.clock(truth, print_), *row[file.times + 1 :])
            for row, truth in zip(file.rows, file.truths, strict=True)
        )
        return attrs.evolve(file, rows=rows)

    return damage


def _inserted(make: Callable[[File], tuple[str, ...]]) -> Damage:
    """Insert a row, though not at the end, where a blank one is no row."""

    def damage(draw: Draw, file: File) -> File:
        at = draw(st.integers(0, len(file.rows) - 1))
        return attrs.evolve(
            file,
            rows=(*file.rows[:at], make(file), *file.rows[at:]),
            truths=(*file.truths[:at], None, *file.truths[at:]),
        )

    return damage


def _cut_short(draw: Draw, file: File) -> File:
    at = draw(st.integers(0, len(file.rows) - 1))
    width = draw(st.integers(1, len(file.columns)))
    rows = (*file.rows[:at], file.rows[at][:width], *file.rows[at + 1 :])
    return attrs.evolve(file, rows=rows)


def _written(**how: Any) -> Damage:
    def damage(draw: Draw, file: File) -> File:
        del draw
        changed = attrs.evolve(file, **how)
        try:
            _ = changed.content
        except UnicodeEncodeError:  # Letters that this encoding does not have.
            return file
        return changed

    return damage


def _trailing(draw: Draw, file: File) -> File:
    del draw
    return file if file.wrapped else attrs.evolve(file, trailing=file.delimiter)


def _wrapped(draw: Draw, file: File) -> File:
    del draw
    return file if file.trailing or file.quoted else attrs.evolve(file, wrapped=True)


def _separator_line(draw: Draw, file: File) -> File:
    del draw
    return attrs.evolve(file, above="" if file.wrapped else f"sep={file.delimiter}")


OF_DATES: Final[Mapping[str, Damage]] = MappingProxyType(
    {
        "D7 dates, American": _clock(american_sheet),
        "D7 dates, British": _clock(british_sheet),
        "D7 dates, German": _clock(dotted),
        "D8 seconds dropped": _clock(iso_minute),
        "D9 day only": _clock(lambda t: iso_minute(t)[:10]),
    }
)
"""By the catalogue's number where it has one; so below."""

OF_NUMBERS: Final[Mapping[str, Damage]] = MappingProxyType(
    {
        "D15 noise": _number(_noisy),
        "D19 comma": _number(lambda text: text.replace(".", ",")),
        "D19 blanks": _number(grouped("\u00a0", ",")),
        "D19 narrow blanks": _number(grouped("\u202f", ",")),
        "D19 apostrophes": _number(grouped("'", ".")),
        "D19 English": _number(grouped(",", ".")),
        "D19 German": _number(grouped(".", ",")),
        "D19 zeros left out": _number(_shortest),
        "D19 German, zeros left out": _number(lambda text: grouped(".", ",")(_shortest(text))),
        "D20 exponent": _number(lambda text: f"{Decimal(text):E}"),
        "D21 last digits zeroed": _ids(_zeroed),
        "D21 exponent": _ids(_scientific_id),
        "D21 exponent with comma": _ids(_comma_id),
        "formula": _number(lambda text: f"={text}"),
    }
)

OTHERS: Final[Mapping[str, Damage]] = MappingProxyType(
    {
        "D16 no fee": _cells(lambda file: file.fees, lambda _text: ""),
        "D26 XBT": _renamed({"BTC": "XBT"}),
        "D26 small letters": _renamed({"BTC": "btc", "EUR": "eur", "ETH": "Eth"}),
        "D27 exchange": _exchange("Bitstamp.net"),
        "header again": _inserted(lambda file: file.columns),
        "blank row": _inserted(lambda file: ("",) * len(file.columns)),
        "line of sums": _inserted(lambda file: ("Total", *["12.5"] * (len(file.columns) - 1))),
        "row cut short": _cut_short,
        "trailing delimiter": _trailing,
        "lines wrapped": _wrapped,
        "cells quoted": _written(quoted=True, wrapped=False),
        "semicolons": _written(delimiter=";", trailing="", above=""),
        "tabs": _written(delimiter="\t", trailing="", above=""),
        "separator line": _separator_line,
        "CRLF": _written(line_end="\r\n"),
        "CR": _written(line_end="\r"),
        "mark": _written(mark=codecs.BOM_UTF8, encoding="utf-8"),
        "UTF-16": _written(encoding="utf-16", mark=b""),
        "Windows-1252": _written(encoding="cp1252", mark=b""),
    }
)


def undecidable(file: File) -> bool:
    """Say whether points stand between thousands, and nothing in the file shows it.

    ``1.250`` alone is one and a quarter as well as twelve hundred and fifty.
    """
    numbers = [
        text.partition(" ")[0]
        for row, truth in zip(file.rows, file.truths, strict=True)
        if truth is not None
        for at, text in enumerate(row)
        if at in file.numbers
    ]
    return not any(map(_is_witness, numbers))


_is_witness = re.compile(
    r".*\..*,.*|.*,.*\..*|.*\..*\..*|.*,.*,.*|-?0,.*|.*,(?:[0-9]{1,2}|[0-9]{4,})"
).fullmatch
