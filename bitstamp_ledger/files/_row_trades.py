"""Trades of rows whose cells were checked before, without the constructors.

The constructor of a frozen value converts and checks each field and sets it past its lock, and the
trade of a row is made of five such values: that takes longer than reading the row.  Here the five
are drafts while their fields are set.
"""

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from bitstamp_ledger.model import Amount, Precision, Source, Trade


def _draft_of(kind: type[object]) -> type[Any]:
    """Return a class with the fields of ``kind``, which can be set, and no constructor.

    The two have one layout in memory, so that a draft becomes the value by taking its class.
    """
    unlocked = {
        "__slots__": (),
        "__init__": object.__init__,
        "__setattr__": object.__setattr__,
        "__delattr__": object.__delattr__,
    }
    return type(f"_{kind.__name__}Draft", (kind,), unlocked)


_AmountDraft: Final = _draft_of(Amount)
_SourceDraft: Final = _draft_of(Source)
_TradeDraft: Final = _draft_of(Trade)


def row_trade(
    *,
    identity: str,
    transaction_id: int | None,
    time: dt.datetime,
    base: Decimal,
    base_currency: str,
    quote: Decimal,
    quote_currency: str,
    fee: Decimal | None,
    account: str,
    price: Decimal,
    order_id: int | None,
    path: str | None,
    row: int,
    raw: Mapping[str, object],
    precision: Precision,
) -> Trade:
    """Make a trade of a row, whose fee is in the quote currency.

    The caller answers for the parts: the model would take each of them as it is.
    """
    base_leg = _AmountDraft()
    base_leg.value = base
    base_leg.currency = base_currency
    base_leg.__class__ = Amount

    quote_leg = _AmountDraft()
    quote_leg.value = quote
    quote_leg.currency = quote_currency
    quote_leg.__class__ = Amount

    paid = None
    if fee is not None:
        paid = _AmountDraft()
        paid.value = fee
        paid.currency = quote_currency
        paid.__class__ = Amount

    source = _SourceDraft()
    source.endpoint = source.other_time = None
    source.path = path
    source.row = row
    source.raw = raw
    source.precision = precision
    source.__class__ = Source

    trade = _TradeDraft()
    trade.id = identity
    trade.transaction_id = transaction_id
    trade.time = time
    trade.legs = (base_leg, quote_leg)
    trade.fee = paid
    trade.account = account
    trade.code = trade.self_trade = None
    trade.source = source
    trade.price = price
    trade.order_id = order_id
    trade.__class__ = Trade
    return trade  # type: ignore[no-any-return]  # a trade, since the line above
