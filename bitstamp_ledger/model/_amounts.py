"""Amounts: exact decimals with a currency, and the intervals that printed numbers stand for."""

from decimal import Clamped, Context, Decimal, Inexact, InvalidOperation, Overflow, Rounded
from typing import Final, Self

import attrs

_RANGE: Final = Context(prec=120, Emax=60, Emin=-60, traps=[Clamped, Inexact, Overflow])
"""No amount of money has more digits than this; what has was not meant to be computed with."""

_within_range: Final = _RANGE.plus

read_number: Final = Context(
    prec=_RANGE.prec,
    Emax=_RANGE.Emax,
    Emin=_RANGE.Emin,
    traps=[Clamped, Inexact, InvalidOperation, Overflow, Rounded],
).create_decimal
"""Reads text within the same range: ArithmeticError where it would change as much as a zero.

NaN and infinity are read as well, and the digits of other scripts; see `plain_number`."""

_SUM: Final = Context(prec=320, traps=[Inexact])
"""Holds every digit of a sum of two numbers that are within `_RANGE`, and of many of them."""


def exact_sum(one: Decimal, other: Decimal) -> Decimal:
    """Add two exact numbers without rounding, whatever the host program's decimal context."""
    return _SUM.add(one, other)


def exact_difference(one: Decimal, other: Decimal) -> Decimal:
    """Subtract ``other`` from ``one`` without rounding."""
    return _SUM.subtract(one, other)


def exact(value: object) -> Decimal:
    """Return ``value`` as a finite Decimal, refusing what has already lost digits.

    Raises:
        TypeError: ``value`` is a float, a bool, or no number at all.
        ValueError: it is not a number, not finite, or beyond all amounts of money.
    """
    if type(value) is not Decimal:
        if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
            message = f"not an exact number: {value!r}"
            raise TypeError(message)
        try:
            if isinstance(value, str) and "_" in value:
                raise ValueError(f"not a number: {value!r}")  # Python would read "1_0" as ten.
            value = Decimal(value)
        except ArithmeticError as exc:
            message = f"not a number: {value!r}"
            raise ValueError(message) from exc
    if not value.is_finite():  # NaN != NaN would defeat every comparison downstream.
        message = f"not finite: {value!r}"
        raise ValueError(message)
    try:
        _within_range(value)  # Zero counts as well: "0E-999999999" would print for ever.
    except ArithmeticError as exc:
        raise ValueError("a number with more digits than any amount of money") from exc
    return value


def plain_number(stated: object) -> Decimal | None:
    """Return the number that a text or a Decimal states, if it plainly is one that `exact` takes.

    None does not mean that it is none: spaces around it, whole numbers, and whatever else is rare
    are left to `exact`.
    """
    try:
        if type(stated) is str:
            number = read_number(stated)  # Takes no underscore, unlike Decimal().
            return number if number.is_finite() and stated.isascii() else None
        if type(stated) is Decimal and stated.is_finite():
            _within_range(stated)
            return stated
    except ArithmeticError:
        pass
    return None


_CODES_MAX: Final = 10_000
codes_seen: set[str] = set()
"""Codes that were found good; a history names a handful of them a million times."""


def check_code(currency: object) -> None:
    """Raise when ``currency`` is not text in capitals."""
    if not isinstance(currency, str):
        raise TypeError(f"a currency code must be text, not {currency!r}")
    if (
        not currency.isascii()
        or currency != currency.upper()
        or not currency.isprintable()
        or not currency
    ):
        raise ValueError(f"not a currency code in capitals: {currency!r}")
    if len(codes_seen) < _CODES_MAX:
        codes_seen.add(currency)


def _code(_: object, __: "attrs.Attribute[str]", currency: str) -> None:
    check_code(currency)


@attrs.frozen(init=False)
class Amount:
    """So much of one currency; negative when it left the account.

    Codes are text in capitals.  They may contain digits (``1INCH``, ``ETH2R``); which codes exist
    is not checked, since a history holds currencies that are no longer listed.

    Args:
        value: a Decimal, a whole number, or the text of a number; never a float.
        currency: the code.

    Raises:
        TypeError: ``value`` is no exact number, or ``currency`` is no text.
        ValueError: ``value`` is not finite or beyond all amounts of money, or ``currency`` is not
            in capitals.
    """

    value: Decimal
    currency: str

    def __init__(self, value: Decimal | int | str, currency: str) -> None:
        # By hand: what attrs generates for a converter and a validator takes twice as long.
        number = exact(value)
        if currency not in codes_seen:
            check_code(currency)
        _set_value(self, number)
        _set_currency(self, currency)

    def __neg__(self) -> Self:
        return type(self)(self.value.copy_negate(), self.currency)

    def __abs__(self) -> Self:
        return type(self)(self.value.copy_abs(), self.currency)

    def __str__(self) -> str:
        return f"{self.value:f} {self.currency}"


# A frozen class forbids assignment; its slots can still be filled, once, while it is made.
_set_value = Amount.value.__set__  # type: ignore[attr-defined]  # a slot, to the interpreter
_set_currency = Amount.currency.__set__  # type: ignore[attr-defined]  # as above


@attrs.frozen
class DecimalInterval:
    """All values that a printed number can stand for: ``low <= value <= high``.

    Both ends belong to it: how the exchange rounds an exact tie is not known
    (docs/facts/files.md, "Rounding").
    """

    low: Decimal = attrs.field(converter=exact)
    high: Decimal = attrs.field(converter=exact)

    def __attrs_post_init__(self) -> None:
        if self.low > self.high:
            raise ValueError(f"an interval cannot end before it begins: {self.low} > {self.high}")

    def __contains__(self, value: Decimal) -> bool:
        return self.low <= value <= self.high

    def overlaps(self, other: "DecimalInterval") -> bool:
        """Say whether some value lies in both."""
        return self.low <= other.high and other.low <= self.high


@attrs.frozen(kw_only=True)
class Balance:
    """What the exchange says that an account holds of one currency, at the moment of the reply.

    ``total`` includes ``reserved``, which open orders have locked (docs/facts/exchange.md,
    "Balances").  Nothing says whether ``total`` includes funds in Earn.
    """

    currency: str = attrs.field(validator=_code)
    total: Decimal = attrs.field(converter=exact)
    available: Decimal = attrs.field(converter=exact)
    reserved: Decimal = attrs.field(converter=exact)
