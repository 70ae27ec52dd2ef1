"""The short way from a record to a trade.

Nearly all records of a history are trades of two legs with their rate and their fee.  Those are
made here, just as the long way (``_decode``) would make them, in a fourth of the time; whatever is
in doubt is left to the long way.

1. Which keys of a record are its legs and its rate follows from the keys alone, and is found out
   once for each set of keys: a history of a million records has a few dozen sets.
2. All else is in one function, since a call costs as much as reading a number; for the same reason
   what is as the exchange writes it now is read here, and its other spellings by ``_fields``.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from bitstamp_ledger.api._fields import (
    NO_FEE,
    WHOLE_NUMBERS_END,
    code_of,
    currency_of,
    time_of,
    whole_number,
)
from bitstamp_ledger.api._record_types import RECORD_TYPES
from bitstamp_ledger.model import Amount, Trade, plain_number, plain_trade, read_number

TRADE: Final = "2"
_PREFIX: Final = f"/{RECORD_TYPES[TRADE].family}/"

_LAYOUTS_MAX: Final = 10_000
_KEYS_MAX: Final = 40
_KEY_LENGTH_MAX: Final = 32


class _Layout(NamedTuple):
    """What the keys of a trade's record stand for."""

    base_key: str
    quote_key: str
    rate_key: str
    base_currency: str
    quote_currency: str
    zeros: tuple[str, ...]
    """The other currencies, which must be zero."""


_layouts: dict[frozenset[str], _Layout | None] = {}
"""By the keys of a record; None for what is left to the long way."""


def trade_of(  # noqa: C901, PLR0911, PLR0912 - flat, see rule 2
    record: dict[str, object], account: str, endpoint: str
) -> Trade | None:
    """Return the trade that a record plainly is, or None to have it looked at closely.

    Every doubt is a None: what this returns, the long way would return.
    """
    code = record.get("type")
    if code != TRADE and code_of(code) != TRADE:
        return None
    keys = frozenset(record)
    try:
        layout = _layouts[keys]
    except KeyError:
        layout = _layout_of(keys, record)
    if layout is None:
        return None
    base_key, quote_key, rate_key, base_currency, quote_currency, zeros = layout
    for key in zeros:
        if (stated := record[key]) and plain_number(stated) != 0:
            return None  # A third leg, or not plain.
    base_text, quote_text, fee_text = record[base_key], record[quote_key], record.get("fee")
    if (
        type(base_text) is not str
        or type(quote_text) is not str
        or not base_text.isascii()  # Python reads other scripts' digits; the exchange writes none.
        or not quote_text.isascii()
    ):
        return None
    fee = None
    try:
        base = read_number(base_text)
        quote = read_number(quote_text)
        if fee_text not in NO_FEE:
            if type(fee_text) is str and fee_text.isascii():
                fee = read_number(fee_text)
            else:
                fee = plain_number(fee_text)
            if fee is None or fee.is_signed() or not fee.is_finite():
                return None
    except ArithmeticError:
        return None
    price = plain_number(record[rate_key])
    transaction_id = record.get("id")
    if type(transaction_id) is not int or not 0 <= transaction_id < WHOLE_NUMBERS_END:
        transaction_id = whole_number(transaction_id)
    order_id = record.get("order_id")
    if type(order_id) is not int or not 0 <= order_id < WHOLE_NUMBERS_END:
        order_id = whole_number(order_id)
    time = time_of(record.get("datetime"))
    self_trade = record.get("self_trade")
    if (
        not base
        or not quote
        or price is None
        or price.is_signed()
        or base.is_signed() == quote.is_signed()
        or not (base.is_finite() and quote.is_finite())
        or transaction_id is None
        or time is None
        or not (self_trade is None or self_trade is False)
        or record.get("fee_currency") is not None
    ):
        return None
    return plain_trade(
        f"{account}{_PREFIX}{transaction_id}",
        transaction_id,
        time,
        base,
        base_currency,
        quote,
        quote_currency,
        fee,
        price or None,  # As in the long way.
        account,
        TRADE,
        order_id,
        self_trade,
        endpoint,
        record,
    )


def _layout_of(keys: frozenset[str], record: Mapping[str, object]) -> _Layout | None:
    """Find out what the keys stand for; remember it if they alone tell."""
    currencies = {key: code for key in record if (code := currency_of(key)) is not None}
    rates = [
        key for key in record if key.count("_") == 1 and set(key.split("_")) <= currencies.keys()
    ]
    if len(rates) > 1:  # Perhaps all but one are null.
        stated = [key for key in rates if record[key] is not None]
        return _layout_with(stated[0], currencies) if len(stated) == 1 else None
    layout = _layout_with(rates[0], currencies) if rates else None
    if (
        len(_layouts) < _LAYOUTS_MAX
        and len(keys) <= _KEYS_MAX
        and all(len(key) <= _KEY_LENGTH_MAX for key in keys)
    ):
        _layouts[keys] = layout
    return layout


def _layout_with(rate_key: str, currencies: Mapping[str, str]) -> _Layout | None:
    base_key, quote_key = rate_key.split("_")
    base_currency, quote_currency = currencies[base_key], currencies[quote_key]
    try:
        Amount(0, base_currency), Amount(0, quote_currency)
    except ValueError:
        return None  # A key that is no code of a currency.
    return _Layout(
        base_key=base_key,
        quote_key=quote_key,
        rate_key=rate_key,
        base_currency=base_currency,
        quote_currency=quote_currency,
        zeros=tuple(key for key in currencies if key not in {base_key, quote_key}),
    )
