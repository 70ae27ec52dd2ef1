"""How the exchange writes a record, with the habits that readers trip over.

Each habit is from docs/facts/exchange.md, "Quirks of the wire".
"""

import datetime as dt
import random
from collections.abc import Iterator
from typing import Final

import attrs

from bitstamp_ledger.model import UTC
from bitstamp_ledger.sandbox._listing import Market
from bitstamp_ledger.sandbox._units import float_text, text

_OLD_UNTIL: Final = dt.datetime(2017, 9, 1, tzinfo=UTC)
_FRACTIONS_FROM: Final = dt.datetime(2018, 6, 1, tzinfo=UTC)
_SELF_TRADE_KEYS_FROM: Final = dt.datetime(2023, 1, 1, tzinfo=UTC)
_USUAL_KEYS: Final = ("usd", "btc", "eur")


@attrs.frozen(kw_only=True)
class Leg:
    """A signed amount, and the digits after the point to print."""

    currency: str
    number: int
    decimals: int


@attrs.frozen(kw_only=True)
class Draft:
    """A record before it is written."""

    id: int
    type: int
    time: dt.datetime
    legs: tuple[Leg, ...]
    fee: int = 0
    fee_decimals: int = 8
    order_id: int | None = None
    market: Market | None = None
    rate: int = 0
    self_trade: bool = False


def write(draft: Draft, rng: random.Random) -> bytes:
    """Return the record's JSON, with habits of its era drawn from ``rng``."""
    pairs = [*_identity(draft), *_legs(draft, rng), *_rate(draft), ("fee", _fee(draft, rng))]
    rng.shuffle(pairs)
    pairs[:0] = _self_trade(draft)
    return ("{" + ", ".join(f'"{key}": {value}' for key, value in pairs) + "}").encode()


def _identity(draft: Draft) -> Iterator[tuple[str, str]]:
    old = draft.time < _OLD_UNTIL
    yield "id", str(draft.id)
    yield "type", str(draft.type) if old else f'"{draft.type}"'
    fraction = draft.time.microsecond and draft.time >= _FRACTIONS_FROM
    naive = draft.time.replace(tzinfo=None)
    yield "datetime", f'"{naive.isoformat(" ", "microseconds" if fraction else "seconds")}"'
    if draft.order_id is not None:
        yield "order_id", str(draft.order_id)
    elif old:
        yield "order_id", "null"


def _legs(draft: Draft, rng: random.Random) -> Iterator[tuple[str, str]]:
    old = draft.time < _OLD_UNTIL
    named = set()
    for leg in draft.legs:
        named.add(leg.currency)
        printed = text(leg.number, leg.decimals)
        yield leg.currency, f'"{printed}"' if leg.number or old else "0.0"
    for key in _USUAL_KEYS:
        # Rewards come without the euro key.
        if key in named or (draft.type == 27 and key == "eur"):  # noqa: PLR2004 - a type code
            continue
        yield key, '"0.00"' if old else rng.choice(("0.0", "0.0", "0"))


def _rate(draft: Draft) -> Iterator[tuple[str, str]]:
    if draft.market is None:
        yield "btc_usd", '"0.00"'
    elif draft.time < _OLD_UNTIL:
        yield draft.market.rate_key, f'"{text(draft.rate, draft.market.price_decimals)}"'
    else:
        yield draft.market.rate_key, float_text(draft.rate)


def _fee(draft: Draft, rng: random.Random) -> str:
    if not draft.fee and rng.random() < 0.05:  # noqa: PLR2004 - a rare habit
        return '"None"'
    return f'"{text(draft.fee, draft.fee_decimals)}"'


def _self_trade(draft: Draft) -> list[tuple[str, str]]:
    if draft.order_id is None or draft.time < _SELF_TRADE_KEYS_FROM:
        return []
    other = str(draft.order_id + 1) if draft.self_trade else "null"
    stated = "true" if draft.self_trade else "false"
    return [("self_trade", stated), ("self_trade_order_id", other)]
