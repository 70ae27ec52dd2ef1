"""Wire records -> entries.

1. A record that is not understood becomes an UnknownEntry; no record is dropped, and none raises.
2. Only what is no record at all (not an object in an array) makes a reply unreadable.
3. Which keys are currencies is read from the record itself: listed currencies come and go
   (docs/facts/exchange.md, "Legs and rates").
4. Nearly every record of a history is a trade of two legs with its rate and its fee.  Those take a
   short way, `_plain_trade`, which builds what the long way would; all others take the long way.
"""

import datetime as dt
from collections.abc import Iterable, Mapping
from decimal import Context, Decimal, InvalidOperation
from typing import Final

import cattrs
from cattrs import transform_error

from bitstamp_ledger.api._record_types import RECORD_TYPES, Legs, RecordType, family_of
from bitstamp_ledger.api._wire import dump_json, parse_json
from bitstamp_ledger.errors import UnreadableReplyError
from bitstamp_ledger.model import (
    MAIN_ACCOUNT,
    TIME_NOT_STATED,
    UTC,
    Amount,
    Balance,
    Conversion,
    Entry,
    Source,
    Trade,
    UnknownEntry,
    digest_of,
    exact,
    plain_number,
    plain_trade,
    record_identity,
)

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

ENDPOINT: Final = "user_transactions"
TIME_LENGTH_MIN: Final = len("2025-01-01 00:00:00")
TWO: Final = 2
WHOLE_NUMBERS_END: Final = 2**63
"""No id is as large; what is would not fit where ids are stored."""

_ZERO: Final = Decimal(0)
_DIGITS_MAX: Final = 19
_STRICT: Final = Context(traps=[InvalidOperation])
"""Reads texts, since the host program's context may take anything for a NaN.  It rounds nothing."""

_NO_FEE: Final = (None, "None")
"""How a record says that it states no fee."""

_TRADE: Final = "2"
_TRADE_FAMILY: Final = RECORD_TYPES[_TRADE].family

_KEYS_MAX: Final = 10_000
_KEY_LENGTH_MAX: Final = 32
_currencies_seen: dict[str, str | None] = {}
"""What `_currency_of` said of keys; a history repeats a handful of them a million times."""

_instant_of = dt.datetime.fromisoformat


def parse_user_transactions(raw: bytes | str, *, account: str = MAIN_ACCOUNT) -> list[Entry]:
    """Parse a page of ``user_transactions``, as the exchange sends it.

    Every record of the page gives exactly one entry, in the order of the page.  What is not
    understood is an `UnknownEntry` with its reason.

    Args:
        raw: the JSON text; both generations of types and of zero legs are read.
        account: the account that the page belongs to; the page itself does not say.

    Raises:
        UnreadableReplyError: not JSON, not an array, or an element that is no object.

    Source: docs/facts/exchange.md, "Records of user_transactions".
    """
    return entries_of(records_in(raw), account=account)


def entries_of(records: Iterable[dict[str, object]], *, account: str) -> list[Entry]:
    """Turn records, as `records_in` returns them, into entries.

    Raises:
        UnreadableReplyError: one is nested too deeply.
    """
    try:
        return [
            _plain_trade(record, account, ENDPOINT) or _decode_any(record, account, ENDPOINT)
            for record in records
        ]
    except RecursionError:
        raise _unreadable(ENDPOINT, "nested too deeply") from None


def records_in(raw: bytes | str, *, endpoint: str = ENDPOINT) -> list[dict[str, object]]:
    """Return the objects of a JSON array, exact.

    Raises:
        UnreadableReplyError: not JSON, not an array, or an element that is no object.
    """
    try:
        page = parse_json(raw)
    except ValueError as exc:
        raise _unreadable(endpoint, f"not JSON: {exc}") from exc
    if not isinstance(page, list):
        said = f": {page['reason']}" if isinstance(page, dict) and "reason" in page else ""
        raise _unreadable(endpoint, f"{_json_name(page)} where an array belongs{said}")
    for position, record in enumerate(page):
        if not isinstance(record, dict):
            raise _unreadable(
                endpoint, f"{_json_name(record)} where an object belongs, element {position}"
            )
    return page


def encode_user_transactions(entries: Iterable[Entry]) -> bytes:
    """Write entries of the API as the page that they came from, digit by digit."""
    return dump_json([entry.source.raw for entry in entries])


def parse_balances(raw: bytes | str, *, endpoint: str = "account_balances") -> tuple[Balance, ...]:
    """Parse a reply of ``account_balances``: one balance per currency, zeros included.

    Raises:
        UnreadableReplyError: not JSON, or not an array of balances.
    """
    rows = records_in(raw, endpoint=endpoint)
    try:
        return _balance_converter().structure(rows, tuple[Balance, ...])
    except cattrs.BaseValidationError as exc:
        problems = transform_error(exc, format_exception=lambda error, _: str(error))
        raise _unreadable(endpoint, *problems) from exc


def _balance_converter() -> cattrs.Converter:
    converter = cattrs.Converter()
    converter.register_structure_hook(Decimal, lambda value, _: _exact_number(value))
    converter.register_structure_hook(str, lambda value, _: _capitals(value))
    return converter


def _capitals(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"not text: {value!r}")
    return value.upper()


def _exact_number(value: object) -> Decimal:
    number = _number(value)
    if number is None:
        raise TypeError(f"not a number: {value!r}")
    return exact(number)


def _unreadable(endpoint: str, *problems: str) -> UnreadableReplyError:
    return UnreadableReplyError(
        f"{endpoint}: the reply has an unknown shape ({problems[0]}).",
        endpoint=endpoint,
        problems=problems,
        hint="Nothing of it was used.",
    )


def _json_name(value: object) -> str:
    names = {dict: "an object", list: "an array", str: "a text", type(None): "null"}
    return names.get(type(value), "a number" if not isinstance(value, bool) else "a boolean")


class _OddRecordError(Exception):
    """Why a record is not understood, in words; never leaves this module."""


_Leg = tuple[str, Amount]
"""A key of the record, and the amount under it, which is not zero."""


def decode_record(record: dict[str, object], *, account: str, endpoint: str = ENDPOINT) -> Entry:
    """Turn one record into an entry, whatever it holds."""
    return _plain_trade(record, account, endpoint) or _decode_any(record, account, endpoint)


def _plain_trade(  # noqa: C901, PLR0911, PLR0912 - flat, since each call per record is felt
    record: dict[str, object], account: str, endpoint: str
) -> Trade | None:
    """Return the trade that a record plainly is, or None to have it looked at closely.

    Every doubt is a None: what this returns, `_decode_any` would return, after three times as long.
    """
    code = record.get("type")
    if code != _TRADE and _code_of(code) != _TRADE:
        return None
    base_key = quote_key = base_currency = quote_currency = ""
    base = quote = _ZERO
    for key, stated in record.items():
        # Most keys of most records are zeros of other currencies, sent as numbers: none of them
        # goes further than this line.
        if not stated:
            continue
        try:
            currency = _currencies_seen[key]
        except KeyError:
            currency = _currency_of(key)
        if currency is None:
            continue
        value = plain_number(stated)
        if value is None or (value and base):
            return None  # Not plain, or a third leg.
        if value:
            # Until the rate is known, the first leg is taken for the base.
            base_key, base, base_currency = quote_key, quote, quote_currency
            quote_key, quote, quote_currency = key, value, currency
    if not base:
        return None
    stated = record.get(f"{base_key}_{quote_key}")
    if stated is None:
        stated = record.get(f"{quote_key}_{base_key}")
        base, base_currency, quote, quote_currency = quote, quote_currency, base, base_currency
    price = plain_number(stated)
    if price is None or price.is_signed():
        return None
    stated = record.get("fee")
    fee = None
    if stated not in _NO_FEE:
        fee = plain_number(stated)
        if fee is None or fee.is_signed():
            return None
    transaction_id = _whole_number(record.get("id"))
    time = _time_of(record.get("datetime"))
    self_trade = record.get("self_trade")
    if (
        base.is_signed() == quote.is_signed()
        or transaction_id is None
        or time is None
        or not (self_trade is None or self_trade is False)
        or record.get("fee_currency") is not None
    ):
        return None
    try:
        return plain_trade(
            account=account,
            family=_TRADE_FAMILY,
            transaction_id=transaction_id,
            time=time,
            base=base,
            base_currency=base_currency,
            quote=quote,
            quote_currency=quote_currency,
            fee=fee,
            price=price or None,  # As in `_understood`.
            code=_TRADE,
            order_id=_whole_number(record.get("order_id")),
            self_trade=self_trade,
            endpoint=endpoint,
            record=record,
        )
    except ValueError:
        return None  # A key that is no code of a currency.


def _decode_any(record: dict[str, object], account: str, endpoint: str) -> Entry:
    """Turn a record of any shape into an entry."""
    source = Source(endpoint=endpoint, raw=record)
    code = _code_of(record.get("type"))
    legs: list[_Leg] = []
    try:
        _collect_legs(record, legs)
        return _understood(record, code, legs, account=account, source=source)
    except _OddRecordError as odd:
        return _unknown(record, code, legs, str(odd), account=account, source=source)
    except ValueError as odd:  # The model refuses it: a fee or a rate beyond all money.
        return _unknown(record, code, legs, str(odd), account=account, source=source)


def _understood(
    record: dict[str, object],
    code: str | None,
    legs: list[_Leg],
    *,
    account: str,
    source: Source,
) -> Entry:
    transaction_id = _whole_number(record.get("id"))
    if transaction_id is None:
        raise _OddRecordError("the record has no id")
    if code is None:
        raise _OddRecordError("the record has no type")
    rule = RECORD_TYPES.get(code)
    if rule is None:
        raise _OddRecordError(f"type {code} is not known")
    time = _time_of(record.get("datetime"))
    if time is None:
        raise _OddRecordError(f"the time cannot be read: {record.get('datetime')!r}")
    family = rule.family
    if rule.kind is Trade:
        base, quote, price = _pair(record, legs)
        if record.get("self_trade") is True:
            # Both sides of a trade carry one id; two records of a self-trade would collide.
            family = f"{family}-{'buy' if _bought(base[1], quote[1]) else 'sell'}"
        return Trade(
            id=record_identity(account, family, transaction_id),
            transaction_id=transaction_id,
            time=time,
            legs=(base[1], quote[1]),
            fee=_fee(record, quote[0]),
            account=account,
            code=code,
            source=source,
            price=price or None,  # A price of zero was rounded away, or is the dummy rate.
            order_id=_whole_number(record.get("order_id")),
            self_trade=_flag(record.get("self_trade")),
        )
    _require(rule, legs)
    rate = _rate(record, legs[0][0], legs[-1][0]) if len(legs) == TWO else None
    identity = record_identity(account, family, transaction_id)
    amounts = tuple(amount for _, amount in legs)
    fee = _fee(record, _fee_key(legs, rate))
    if rule.kind is Conversion:
        return Conversion(
            id=identity,
            transaction_id=transaction_id,
            time=time,
            legs=amounts,
            fee=fee,
            account=account,
            code=code,
            source=source,
            price=(rate[2] or None) if rate else None,
        )
    return rule.kind(
        id=identity,
        transaction_id=transaction_id,
        time=time,
        legs=amounts,
        fee=fee,
        account=account,
        code=code,
        source=source,
    )


def _unknown(
    record: dict[str, object],
    code: str | None,
    legs: list[_Leg],
    reason: str,
    *,
    account: str,
    source: Source,
) -> UnknownEntry:
    """Keep a record whole.

    Where its type or its id is known to us, but not its shape, the identity holds a digest of the
    content: the exchange may have sent another record with that id that we do understand.
    """
    transaction_id = _whole_number(record.get("id"))
    digest = digest_of(record)
    if transaction_id is None:
        identity = f"{account}/{family_of(code)}/{digest}"
    else:
        identity = record_identity(account, family_of(code), transaction_id)
        if code in RECORD_TYPES:
            identity = f"{identity}/{digest}"
    rate = _rate(record, legs[0][0], legs[1][0]) if len(legs) == TWO else None
    try:
        fee = _fee(record, _fee_key(legs, rate))
    except (_OddRecordError, ValueError):
        fee = None
    return UnknownEntry(
        id=identity,
        transaction_id=transaction_id,
        time=_time_of(record.get("datetime")) or TIME_NOT_STATED,
        legs=tuple(amount for _, amount in legs),
        fee=fee,
        account=account,
        source=source,
        code=code,
        reason=reason,
    )


def _collect_legs(record: Mapping[str, object], legs: list[_Leg]) -> None:
    """Append the non-zero amounts of a record to ``legs``.

    What can be read is collected even when something else cannot.
    """
    odd = None
    for key, stated in record.items():
        if not stated or (currency := _currency_of(key)) is None:
            continue
        value = _number(stated)
        if not value:
            continue
        try:
            legs.append((key, Amount(value, currency)))
        except ValueError as exc:
            odd = odd or _OddRecordError(f"an amount cannot be read, {key!r}: {exc}")
    if odd is not None:
        raise odd


def _currency_of(key: str) -> str | None:
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


def _bought(base: Amount, quote: Amount) -> bool:
    # The base of a dust trade can be zero; then the quote tells the side.
    return base.value > 0 or (not base.value and quote.value < 0)


def _pair(record: Mapping[str, object], legs: list[_Leg]) -> tuple[_Leg, _Leg, Decimal]:
    """Return the base leg, the quote leg and the price of a trade."""
    if len(legs) == 1:
        return _dust_pair(record, legs[0])
    if len(legs) != TWO:
        raise _OddRecordError(f"a trade has two legs, this has {len(legs)}")
    first, second = legs
    rate = _rate(record, first[0], second[0])
    if rate is None:
        raise _OddRecordError("no rate names both legs of the trade")
    if (first[1].value > 0) == (second[1].value > 0):
        raise _OddRecordError("the legs of a trade have opposite signs, these have one")
    base_key, _, price = rate
    return (first, second, price) if base_key == first[0] else (second, first, price)


def _dust_pair(record: Mapping[str, object], leg: _Leg) -> tuple[_Leg, _Leg, Decimal]:
    """Return the legs of a trade so small that one of them was rounded to zero.

    The exchange rounds quotes to cents (docs/facts/exchange.md, "Legs and rates"); the rate still
    names the pair.  The dummy ``btc_usd`` of other records is zero and so is never taken for one.
    """
    key = leg[0]
    found = []
    for name, stated in record.items():
        base_key, _, quote_key = name.partition("_")
        pair = {base_key, quote_key}
        if key not in pair or not pair <= record.keys() or pair & NOT_CURRENCIES:
            continue
        rounded = _number(record[quote_key if key == base_key else base_key])
        if rounded is None or rounded:
            continue  # Not zero, but something that cannot be read.
        price = _number(stated)
        if price and price.is_finite():
            found.append((base_key, quote_key, price.copy_abs()))
    if len(found) != 1:
        raise _OddRecordError("a trade has two legs, this has one")
    base_key, quote_key, price = found[0]
    if key == base_key:
        return leg, (quote_key, Amount(Decimal(0), quote_key.upper())), price
    return (base_key, Amount(Decimal(0), base_key.upper())), leg, price


def _rate(record: Mapping[str, object], one: str, other: str) -> tuple[str, str, Decimal] | None:
    """Return base key, quote key and price of the rate that names both keys, if there is one."""
    for base_key, quote_key in ((one, other), (other, one)):
        price = _number(record.get(f"{base_key}_{quote_key}"))
        if price is not None and price.is_finite():
            return base_key, quote_key, price.copy_abs()
    return None


def _require(rule: RecordType, legs: list[_Leg]) -> None:
    signs = [amount.value > 0 for _, amount in legs]
    if signs not in _PATTERNS[rule.legs]:
        raise _OddRecordError(
            f"a {rule.meaning} has {rule.legs.value} leg, this record has "
            f"{', '.join(str(amount) for _, amount in legs) or 'none'}"
        )


_IN, _OUT = [True], [False]
_TWO_OPPOSITE = [[True, False], [False, True]]
_PATTERNS: Final[Mapping[Legs, list[list[bool]]]] = {
    Legs.ONE_IN: [_IN],
    Legs.ONE_OUT: [_OUT],
    Legs.ONE: [_IN, _OUT],
    Legs.TWO: _TWO_OPPOSITE,
    Legs.ONE_OUT_OR_TWO: [_OUT, *_TWO_OPPOSITE],
    Legs.ONE_OR_TWO: [_IN, _OUT, *_TWO_OPPOSITE],
}
"""The permitted signs of the legs; True is positive."""


def _fee_key(legs: list[_Leg], rate: tuple[str, str, Decimal] | None) -> str | None:
    """Return the key of the currency of the fee: the quote's, or that of the only leg."""
    if rate is not None:
        return rate[1]
    return legs[0][0] if len(legs) == 1 else None


def _fee(record: Mapping[str, object], key: str | None) -> Amount | None:
    stated = record.get("fee")
    if stated in _NO_FEE:
        return None
    value = _number(stated)
    if value is None or not value.is_finite() or value < 0:
        raise _OddRecordError(f"the fee cannot be read: {stated}")
    named = record.get("fee_currency")
    if isinstance(named, str) and named.isascii() and named.isalnum():
        return Amount(value, named.upper())
    if key is not None:
        return Amount(value, key.upper())
    if value:
        raise _OddRecordError(f"nothing says in which currency the fee of {value:f} was paid")
    return None


def _number(stated: object) -> Decimal | None:
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


def _whole_number(stated: object) -> int | None:
    if type(stated) is not int:
        if isinstance(stated, Decimal):
            return _without_exponent(stated)
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
    number = int(stated)
    return number if 0 <= number < WHOLE_NUMBERS_END else None


def _code_of(stated: object) -> str | None:
    if isinstance(stated, str):
        return stated
    if isinstance(stated, Decimal):
        stated = _without_exponent(stated)
    return str(stated) if type(stated) is int else None


def _flag(stated: object) -> bool | None:
    return stated if isinstance(stated, bool) else None


def _time_of(stated: object) -> dt.datetime | None:
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
