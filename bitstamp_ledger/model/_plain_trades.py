"""Plain trades: made of parts that were checked before, without the constructors.

Nearly all of a history are trades of two legs.  The constructor of a frozen value converts and
checks each field and sets it past its lock, and a trade is made of five such values: that takes
longer than all the reading before it.  Here the five are drafts while their fields are set.
"""

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from bitstamp_ledger.model._amounts import Amount
from bitstamp_ledger.model._entries import Trade
from bitstamp_ledger.model._sources import RAW_SLOT, Source


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
_SourceDraft.raw = RAW_SLOT
_TradeDraft: Final = _draft_of(Trade)


def plain_trade(  # noqa: PLR0917 - names take a tenth of the time
    identity: str,
    transaction_id: int,
    time: dt.datetime,
    base: Decimal,
    base_currency: str,
    quote: Decimal,
    quote_currency: str,
    fee: Decimal | None,
    price: Decimal | None,
    account: str,
    code: str,
    order_id: int | None,
    self_trade: bool | None,
    endpoint: str,
    record: Mapping[str, object],
) -> Trade:
    """Make a trade of a record of the API, whose fee is in the quote currency.

    The caller answers for the parts: all numbers are such as `plain_number` or `exact` return, the
    fee is not negative, `Amount` takes the currency codes, and the time is in UTC.
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
    source.endpoint = endpoint
    source.path = source.row = source.precision = source.other_time = None
    source.raw = record
    source.__class__ = Source

    trade = _TradeDraft()
    trade.id = identity
    trade.transaction_id = transaction_id
    trade.time = time
    trade.legs = (base_leg, quote_leg)
    trade.fee = paid
    trade.account = account
    trade.code = code
    trade.source = source
    trade.price = price
    trade.order_id = order_id
    trade.self_trade = self_trade
    trade.__class__ = Trade
    return trade  # type: ignore[no-any-return]  # a trade, since the line above
