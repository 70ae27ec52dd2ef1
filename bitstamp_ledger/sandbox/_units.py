"""Fixed-point numbers: whole multiples of 1e-8, which is fast and cannot round by accident."""

from decimal import Decimal
from typing import Final

DIGITS: Final = 8
SCALE: Final = 10**DIGITS
_POWERS: Final[tuple[int, ...]] = tuple(10**power for power in range(2 * DIGITS + 1))


def step_of(decimals: int) -> int:
    """Return the smallest number with so many digits after the point."""
    return _POWERS[DIGITS - decimals]


def units(text: str) -> int:
    """Return the number in ``text`` as multiples of 1e-8, which it must be."""
    sign, digits, exponent = Decimal(text).as_tuple()
    shift = DIGITS + int(exponent)
    if shift < 0:
        raise ValueError(f"more than {DIGITS} decimals: {text!r}")
    number = int("".join(map(str, digits)) + "0" * shift)
    return -number if sign else number


def rounded(number: int, decimals: int) -> int:
    """Return ``number`` rounded to ``decimals`` digits after the point, ties away from zero."""
    step = step_of(decimals)
    whole = (abs(number) + step // 2) // step * step
    return -whole if number < 0 else whole


def product(left: int, right: int, decimals: int) -> int:
    """Return ``left * right`` rounded once, to ``decimals`` digits after the point."""
    step = _POWERS[2 * DIGITS - decimals]
    whole = (abs(left * right) + step // 2) // step * step_of(decimals)
    return -whole if (left < 0) != (right < 0) else whole


def text(number: int, decimals: int) -> str:
    """Return ``number`` with exactly ``decimals`` digits after the point, cutting what is left."""
    whole, fraction = divmod(abs(number) // step_of(decimals), _POWERS[decimals])
    sign = "-" if number < 0 else ""
    return f"{sign}{whole}.{fraction:0{decimals}d}" if decimals else f"{sign}{whole}"


def float_text(number: int) -> str:
    """Return ``number`` as the exchange's float printing shows it: ``2200.5``, ``1e-05``.

    The float is the point here: JSON numbers on the wire are printed floats
    (docs/facts/exchange.md, "Quirks of the wire").  Nothing computes with it.
    """
    return repr(float(Decimal(number).scaleb(-DIGITS)))


def decimal(number: int) -> Decimal:
    """Return ``number`` as an exact Decimal."""
    return Decimal(number).scaleb(-DIGITS)
