"""Filling an order that rests in the book: the records that it leaves behind."""

import datetime as dt
from decimal import Decimal
from typing import Final

from bitstamp_ledger.model import UTC
from bitstamp_ledger.sandbox._records import WireRecord

BUY: Final = "0"
FEE_RATE: Final = Decimal("0.004")
_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=UTC)
_MONEY_DECIMALS: Final = 2
_COIN_DECIMALS: Final = 8
_MONEY: Final = frozenset({"eur", "usd", "gbp"})


def fills_of(
    order: WireRecord, *, newest_id: int, micros: int, fills: int
) -> list[dict[str, object]]:
    """Return the records of an order that is filled in so many equal parts.

    Args:
        order: a row of ``open_orders``.
        newest_id: the highest id of the account so far.
        micros: when the last part was filled; the others a microsecond apart.
        fills: how many parts.
    """
    base, _, quote = str(order["market"]).lower().partition("/")
    whole = Decimal(str(order["amount"]))
    part = _cut(whole / fills, _COIN_DECIMALS)
    parts = [part] * (fills - 1) + [whole - part * (fills - 1)]
    sign = 1 if str(order["type"]) == BUY else -1
    price = Decimal(str(order["price"]))
    decimals = _MONEY_DECIMALS if quote in _MONEY else _COIN_DECIMALS
    records: list[dict[str, object]] = []
    for number, amount in enumerate(parts):
        at = _EPOCH + dt.timedelta(microseconds=micros - (fills - 1 - number))
        records.append(
            {
                # First, as in made-up records: there are readers that take what comes last.
                "self_trade": False,
                "self_trade_order_id": None,
                "id": newest_id + 1 + number,
                "datetime": f"{at:%Y-%m-%d %H:%M:%S.%f}",
                "type": "2",
                "order_id": int(str(order["id"])),
                base: format(sign * amount, "f"),
                quote: format(-sign * _cut(amount * price, decimals), "f"),
                f"{base}_{quote}": price,
                "fee": format(_cut(amount * price * FEE_RATE, 5), "f"),
            }
        )
    return records


def _cut(number: Decimal, decimals: int) -> Decimal:
    return number.quantize(Decimal(1).scaleb(-decimals))
