"""Single fields of a record: currencies, numbers, ids, times.

Each reader returns None for what is not as it must be; what that means is for the caller to say.
"""

import datetime as dt
from decimal import Context, Decimal, InvalidOperation
from typing import Final

from bitstamp_ledger.model import UTC

NOT_CURRENCIES: Final = frozenset(
    {
        "id",
        "datetime",
        "type",
        "fee",
        "order_id",
        "self_trade",
        "self_trade_order_id",
        "trade_uti",
        "trade-uti",
        "margin_mode",
        "leverage_rate",
        "client_order_id",
        "fee_currency",
        "market",
    }
)
"""Keys of a record that are known to be neither a currency nor a rate."""

NO_FEE: Final = (None, "None")
"""How a record says that it states no fee."""

TIME_LENGTH_MIN: Final = len("2025-01-01 00:00:00")
WHOLE_NUMBERS_END: Final = 2**63
"""No id is as large; what is would not fit where ids are stored."""

_DIGITS_MAX: Final = 19
_STRICT: Final = Context(traps=[InvalidOperation])
"""Reads texts, since the host program's context may take anything for a NaN.  It rounds nothing."""

_KEYS_MAX: Final = 10_000
_KEY_LENGTH_MAX: Final = 32
_currencies_seen: dict[str, str | None] = {}
"""What `currency_of` said of keys; a history repeats a handful of them a million times."""

_instant_of = dt.datetime.fromisoformat


def currency_of(key: str) -> str | None:
    """Return the currency that a key of a record stands for; None when it stands for none.

    A key is no currency when it is known for something else, or holds an underscore (rates, and
    whatever the exchange adds).
    """
    try:
        return _currencies_seen[key]
    except KeyError:
        currency = None if "_" in key or key in NOT_CURRENCIES else key.upper()
    if len(_currencies_seen) < _KEYS_MAX and len(key) <= _KEY_LENGTH_MAX:
        _currencies_seen[key] = currency
    return currency


def number_of(stated: object) -> Decimal | None:
    """Return a JSON value as a number; None when it is none."""
    if isinstance(stated, Decimal):
        return stated
    if isinstance(stated, str):
        if "_" in stated or not stated.isascii():
            return None  # Python reads 1_0 and other scripts' digits; the exchange writes neither.
        try:
            return Decimal(stated, _STRICT)
        except InvalidOperation:
            return None
    return Decimal(stated) if type(stated) is int else None  # Not for a bool.


def whole_number(stated: object) -> int | None:
    """Return an id, or the like: a whole number that is not negative, in any of its spellings."""
    if type(stated) is not int:
        if isinstance(stated, Decimal):
            number = _without_exponent(stated)
            return number if number is not None and 0 <= number < WHOLE_NUMBERS_END else None
        if not isinstance(stated, str) or len(stated) > _DIGITS_MAX:
            return None
        if not stated.isascii() or not stated.isdigit():
            return None
        stated = int(stated)
    return stated if 0 <= stated < WHOLE_NUMBERS_END else None


def _without_exponent(stated: Decimal) -> int | None:
    """Return the whole number that was written with an exponent, such as ``4.5e3``.

    Written again it has none, and must not be read as something else then.
    """
    exponent = stated.as_tuple().exponent
    if not isinstance(exponent, int) or not 0 <= exponent < _DIGITS_MAX:
        return None
    return int(stated)


def code_of(stated: object) -> str | None:
    """Return a type as text; old records state it as a number."""
    if isinstance(stated, str):
        return stated
    if isinstance(stated, Decimal):
        stated = _without_exponent(stated)
    return str(stated) if type(stated) is int else None


def flag_of(stated: object) -> bool | None:
    """Return a boolean that is one."""
    return stated if isinstance(stated, bool) else None


def time_of(stated: object) -> dt.datetime | None:
    """Read ``YYYY-MM-DD HH:MM:SS[.ffffff]``, UTC by all evidence, or a time with an offset."""
    if not isinstance(stated, str) or len(stated) < TIME_LENGTH_MIN:
        return None
    try:
        return _instant_of(f"{stated}+00:00")
    except ValueError:
        pass  # It has an offset of its own, or is no time.
    try:
        return _instant_of(stated).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
