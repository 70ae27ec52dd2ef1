"""Numbers as files print them, and as spreadsheets alter them.

Exports print plain decimals.  Everything else below comes from a spreadsheet or another tool; it
is read only where it can mean one number (docs/facts/files.md, "Numbers").
"""

import re
from collections.abc import Callable, Iterable
from decimal import Context, Decimal
from typing import Final, NamedTuple

DECIMAL_COMMA: Final = "decimal comma"
THOUSANDS: Final = "thousands separated"
SCIENTIFIC: Final = "number in scientific notation"
OPEN_POINT: Final = (
    "Nothing shows whether a point in its numbers, as in {text!r}, stands before decimals or "
    "between thousands; they were read as decimals."
)
FLOAT_NOISE: Final = "noise of binary arithmetic in the last digits"

ABSENT: Final = frozenset({"", "-", "\u2013", "\u2014"})
"""What a cell holds that states no number, or no name."""

is_plain = re.compile(r"-?(?:[0-9]{1,24}(?:\.[0-9]{0,30})?|\.[0-9]{1,30})").fullmatch
"""Match what `Decimal` may be given directly.

`Decimal` itself takes ``NaN``, ``1_000``, digits of other scripts and exponents of any size.
"""

_EXPORT_DECIMALS_MAX: Final = 8
_ZEROS_OF_NOISE: Final = 3
_FLOAT_DIGITS: Final = (16, 17)
_FLOAT_HOLDS: Final = Context(prec=15)

_BLANKS: Final = "[ \u00a0\u2009\u202f'\u2019]"
_HEAD: Final = "-?[1-9][0-9]{0,2}"


class _Reading(NamedTuple):
    matches: Callable[[str], re.Match[str] | None]
    drop: str
    comma: bool
    repairs: tuple[str, ...]


def _reading(pattern: str, drop: str, *repairs: str) -> _Reading:
    return _Reading(re.compile(pattern).fullmatch, drop, DECIMAL_COMMA in repairs, repairs)


# In order; the first that matches is the reading.
_READINGS: Final = (
    _reading(rf"{_HEAD}(?:{_BLANKS}[0-9]{{3}})+(?:\.[0-9]+)?", _BLANKS, THOUSANDS),
    _reading(rf"{_HEAD}(?:{_BLANKS}[0-9]{{3}})+,[0-9]+", _BLANKS, THOUSANDS, DECIMAL_COMMA),
    _reading(rf"{_HEAD}(?:\.[0-9]{{3}})+,[0-9]+", r"\.", THOUSANDS, DECIMAL_COMMA),
    _reading(rf"{_HEAD}(?:,[0-9]{{3}})+\.[0-9]+", ",", THOUSANDS),
    _reading(rf"{_HEAD}(?:,[0-9]{{3}}){{2,}}", ",", THOUSANDS),
    _reading(rf"{_HEAD}(?:\.[0-9]{{3}}){{2,}}", r"\.", THOUSANDS),
    _reading(r"-?[0-9]+,[0-9]+", "", DECIMAL_COMMA),
)


def _decimals_behind(sign: str, other: str) -> Callable[[str], re.Match[str] | None]:
    """Return what matches a number in which ``sign`` can only stand before decimals.

    Args:
        sign: Comma or point.
        other: The other of the two; with it between thousands, decimals come behind the first.
    """
    between = _BLANKS.replace("[", rf"[{other}")
    return re.compile(
        rf"\s*-?(?:(?:[0-9{other} ]*[0-9])?{sign}(?:[0-9]{{1,2}}|[0-9]{{4,}})"  # Not three.
        rf"|(?:0|[0-9]{{4,}}){sign}[0-9]+"
        rf"|[1-9][0-9]{{0,2}}(?:{between}[0-9]{{3}})+{sign}[0-9]+"
        rf"|[1-9][0-9]{{0,2}}(?:{other}[0-9]{{3}}){{2,}})\s*"
    ).fullmatch


shows_comma: Final = _decimals_behind(",", r"\.")
_shows_point: Final = _decimals_behind(r"\.", ",")
_may_be_thousands: Final = re.compile(r"-?[1-9][0-9]{0,2}[.,][0-9]{3}").fullmatch
_AMBIGUOUS: Final = re.compile(rf"{_HEAD},[0-9]{{3}}").fullmatch
_EXPONENT: Final = re.compile(r"(-?[0-9](?:[.,][0-9]{1,30})?)[eE]([+-]?[0-9]{1,2})").fullmatch


def read_number(text: str, repaired: Callable[[str], None]) -> Decimal:
    """Read a number, reporting every repair.

    Raises:
        ValueError: it is no number, or can mean two; the message is the reason.
    """
    text = text.strip().replace("\u2212", "-").removeprefix("+")
    if is_plain(text):
        return Decimal(text)
    if match := _EXPONENT(text):
        return _scientific(match, repaired)
    if _AMBIGUOUS(text):
        raise ValueError("the comma can mean thousands or decimals")
    for reading in _READINGS:
        if reading.matches(text):
            return _rewritten(text, reading, repaired)
    raise ValueError("not a number")


def without_float_noise(value: Decimal) -> Decimal:
    """Return ``9.983930000000001`` as what it was before binary arithmetic; else ``value`` itself.

    A binary number printed in full has 16 or 17 digits, of which it holds 15.  No amount of the
    exchange has as many.  Zeros at the end are left out: nothing says that they were printed.
    """
    if len(value.as_tuple().digits) not in _FLOAT_DIGITS:
        return value
    return Decimal(format(_FLOAT_HOLDS.normalize(value), "f"))


def noise_removed(value: Decimal) -> Decimal:
    """Do as `without_float_noise`, for the exchange's own files, whose numbers can be as long.

    Coins of little worth are traded by the million, with 8 decimals.  What has more decimals than
    the exchange prints, or three and more zeros before its last digits, has met binary arithmetic.
    """
    short = without_float_noise(value)
    if short is value:
        return value
    decimals = -int(value.as_tuple().exponent)
    dropped = decimals + int(short.normalize(_FLOAT_HOLDS).as_tuple().exponent)
    return short if decimals > _EXPORT_DECIMALS_MAX or dropped >= _ZEROS_OF_NOISE else value


class NumberStyle:
    """What commas and points mean in the numbers of one file: each number is a witness."""

    def __init__(self) -> None:
        self.commas = False
        """Whether some number shows a decimal comma, or points between thousands."""

        self.points = False
        """Whether some number shows a decimal point."""

        self.open: str | None = None
        """A number whose point can stand between thousands, where no other says what it means."""

    def weigh(self, texts: Iterable[str], *, to_the_end: bool = True) -> None:
        """Look at the numbers of the file, before any is read.

        Args:
            texts: The cells of all numbers.
            to_the_end: Whether to look at all of them even if the first shows a decimal point.
        """
        may_be = None
        for text in texts:
            if not self.commas and shows_comma(text):
                self.commas = True
            elif not self.points and _shows_point(text):
                self.points = True
                if not to_the_end and not self.commas:
                    return
            elif may_be is None and "." in text and _may_be_thousands(text.strip()):
                may_be = text
        if not self.commas and not self.points:
            self.open = may_be

    def read(self, text: str, repaired: Callable[[str], None]) -> Decimal:
        """Read a number as this file means it, reporting every repair.

        Raises:
            ValueError: it is no number, or can mean two; the message is the reason.
        """
        if self.commas and _may_be_thousands(text.strip()):
            if "." in text or self.points:
                raise ValueError("the comma or point can mean thousands or decimals")
            repaired(DECIMAL_COMMA)
            return Decimal(text.strip().replace(",", "."))
        return Decimal(text) if is_plain(text) else read_number(text, repaired)


def plain_text(value: Decimal) -> str:
    """Return ``value`` as digits that do not depend on how many zeros were printed."""
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def _scientific(match: re.Match[str], repaired: Callable[[str], None]) -> Decimal:
    digits, exponent = match.groups()
    value = Decimal(f"{digits.replace(',', '.')}E{exponent}")
    text = format(value, "f")
    if not is_plain(text):
        raise ValueError("not an amount that can occur")
    repaired(SCIENTIFIC)
    if "," in digits:
        repaired(DECIMAL_COMMA)
    return Decimal(text)


def _rewritten(text: str, reading: _Reading, repaired: Callable[[str], None]) -> Decimal:
    digits = re.sub(reading.drop, "", text) if reading.drop else text
    if reading.comma:
        digits = digits.replace(",", ".")
    if not is_plain(digits):
        raise ValueError("more digits than an amount can have")
    for repair in reading.repairs:
        repaired(repair)
    return Decimal(digits)
