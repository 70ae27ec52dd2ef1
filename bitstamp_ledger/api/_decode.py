"""Wire records -> entries.

1. A record that is not understood becomes an UnknownEntry; no record is dropped, and none raises.
2. Only what is no record at all (not an object in an array) makes a reply unreadable.
3. Which keys are currencies is read from the record itself: listed currencies come and go
   (docs/facts/exchange.md, "Legs and rates").
4. Nearly every record of a history is a trade of two legs with its rate and its fee.  Those take a
   short way (``_plain_trades``), which makes what the long way would; all others take the long way.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Final

import cattrs
from cattrs import transform_error

from bitstamp_ledger._collector import collector_paused
from bitstamp_ledger.api._fields import (
    NO_FEE,
    NOT_CURRENCIES,
    code_of,
    currency_of,
    flag_of,
    number_of,
    time_of,
    whole_number,
)
from bitstamp_ledger.api._plain_trades import trade_of
from bitstamp_ledger.api._record_types import RECORD_TYPES, Legs, RecordType, family_of
from bitstamp_ledger.api._wire import dump_json, parse_json
from bitstamp_ledger.errors import UnreadableReplyError
from bitstamp_ledger.model import (
    MAIN_ACCOUNT,
    TIME_NOT_STATED,
    Amount,
    Balance,
    Conversion,
    Entry,
    Source,
    Trade,
    UnknownEntry,
    digest_of,
    exact,
    record_identity,
)

ENDPOINT: Final = "user_transactions"
TWO: Final = 2


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
        with collector_paused():  # A page makes thousands of values, and no cycle.
            return [
                trade_of(record, account, ENDPOINT) or _decode_any(record, account, ENDPOINT)
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
    number = number_of(value)
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
    return trade_of(record, account, endpoint) or _decode_any(record, account, endpoint)


def _decode_any(record: dict[str, object], account: str, endpoint: str) -> Entry:
    """Turn a record of any shape into an entry."""
    source = Source(endpoint=endpoint, raw=record)
    code = code_of(record.get("type"))
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
    transaction_id = whole_number(record.get("id"))
    if transaction_id is None:
        raise _OddRecordError("the record has no id")
    if code is None:
        raise _OddRecordError("the record has no type")
    rule = RECORD_TYPES.get(code)
    if rule is None:
        raise _OddRecordError(f"type {code} is not known")
    time = time_of(record.get("datetime"))
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
            order_id=whole_number(record.get("order_id")),
            self_trade=flag_of(record.get("self_trade")),
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
    transaction_id = whole_number(record.get("id"))
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
        time=time_of(record.get("datetime")) or TIME_NOT_STATED,
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
        if not stated or (currency := currency_of(key)) is None:
            continue
        value = number_of(stated)
        if not value:
            continue
        try:
            legs.append((key, Amount(value, currency)))
        except ValueError as exc:
            odd = odd or _OddRecordError(f"an amount cannot be read, {key!r}: {exc}")
    if odd is not None:
        raise odd


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
        rounded = number_of(record[quote_key if key == base_key else base_key])
        if rounded is None or rounded:
            continue  # Not zero, but something that cannot be read.
        price = number_of(stated)
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
        price = number_of(record.get(f"{base_key}_{quote_key}"))
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
    if stated in NO_FEE:
        return None
    value = number_of(stated)
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
