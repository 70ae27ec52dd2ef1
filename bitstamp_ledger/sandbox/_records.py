"""What a record of ``user_transactions`` says: the sandbox's own reading of its own wire.

1. A key with an underscore whose halves are both keys of the row is a rate; the one that names all
   non-zero legs is the traded pair.  Non-trades carry a dummy ``btc_usd``.
2. What is neither a rate nor one of the fixed keys, and holds a number, is a currency leg.
3. The effect is the legs minus the fee; the fee is in the quote currency of the pair, or in the
   one currency that moved (docs/facts/exchange.md, "Balance effect").
"""

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Final

import attrs
import msgspec

from bitstamp_ledger.model import UTC, Amount

FIXED_KEYS: Final = frozenset(
    {
        "client_order_id",
        "datetime",
        "fee",
        "fee_currency",
        "id",
        "leverage_rate",
        "margin_mode",
        "market",
        "order_id",
        "self_trade",
        "self_trade_order_id",
        "trade-uti",
        "trade_uti",
        "type",
    }
)
"""Keys that are never a currency."""

WireRecord = Mapping[str, object]
"""A record as sent: text, int, bool, None; numbers with a fraction as Decimal of the same text."""

_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = dt.timedelta(microseconds=1)
_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")
_DECODER: Final = msgspec.json.Decoder(dict[str, object], float_hook=Decimal)


@attrs.frozen(kw_only=True)
class Event:
    """What one record means."""

    id: int
    type: str
    time: dt.datetime
    legs: tuple[Amount, ...]
    """The base comes first where there is a pair.  Zero legs are kept only for a traded pair."""

    fee: Amount | None
    """None where no currency can be told for it; it is zero then."""

    order_id: int | None
    pair: tuple[str, str] | None
    """Base and quote in capitals, on trades and conversions that state a rate."""

    rate: Decimal | None

    @property
    def effect(self) -> dict[str, Decimal]:
        """What it did to the balances, by currency in capitals."""
        total: dict[str, Decimal] = {}
        for leg in self.legs:
            total[leg.currency] = total.get(leg.currency, Decimal(0)) + leg.value
        if self.fee is not None and self.fee.value:
            currency = self.fee.currency
            total[currency] = total.get(currency, Decimal(0)) - self.fee.value
        return total


def decode_record(raw: bytes) -> dict[str, object]:
    """Return the record in ``raw``, numbers exact."""
    return _DECODER.decode(raw)


def encode_record(record: WireRecord) -> bytes:
    """Return the JSON of ``record``, its keys in the order given."""
    return _ENCODER.encode(record)


def id_of(record: WireRecord) -> int:
    """Return the exchange's id of ``record``."""
    number = record.get("id")
    if isinstance(number, int) and not isinstance(number, bool):
        return number
    raise ValueError(f"a record needs a whole number as id, not {number!r}")


def micros_of(record: WireRecord) -> int:
    """Return the record's time in microseconds since 1970."""
    return (time_of(record) - _EPOCH) // _MICROSECOND


def time_of(record: WireRecord) -> dt.datetime:
    """Return the record's time; the wire writes UTC without saying so."""
    stated = record.get("datetime")
    if not isinstance(stated, str):
        raise ValueError(f"a record needs a datetime as text, not {stated!r}")  # noqa: TRY004
    return dt.datetime.fromisoformat(stated).replace(tzinfo=UTC)


def _number(value: object) -> Decimal | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, Decimal):
        return value
    if not isinstance(value, str | int):
        return None
    try:
        number = Decimal(value)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _split_keys(record: WireRecord) -> tuple[dict[str, Decimal], dict[tuple[str, str], Decimal]]:
    legs: dict[str, Decimal] = {}
    rates: dict[tuple[str, str], Decimal] = {}
    for key, value in record.items():
        if key in FIXED_KEYS or (number := _number(value)) is None:
            continue
        base, underscore, quote = key.partition("_")
        if underscore and base in record and quote in record:
            rates[base, quote] = number
        elif not underscore:
            legs[key] = number
    return legs, rates


def _pair_of(
    legs: dict[str, Decimal], rates: dict[tuple[str, str], Decimal]
) -> tuple[str, str] | None:
    moved = {currency for currency, value in legs.items() if value}
    fitting = [pair for pair in rates if moved and moved <= set(pair)]
    # A dust fill moves one currency only; the dummy btc_usd is zero and never its pair.
    fitting.sort(key=lambda pair: rates[pair] == 0)
    return fitting[0] if fitting and (rates[fitting[0]] or len(moved) > 1) else None


def market_of(record: WireRecord) -> str | None:
    """Return the market of a trade as paths write it (``btceur``); None for anything else."""
    if str(record.get("type")) != "2":
        return None
    pair = _pair_of(*_split_keys(record))
    return pair[0] + pair[1] if pair else None


def event_of(record: WireRecord) -> Event:
    """Read ``record``.

    Raises:
        ValueError: it lacks an id or a time, or has a fee whose currency nobody could tell.
    """
    legs, rates = _split_keys(record)
    pair = _pair_of(legs, rates)
    moved = [currency for currency, value in legs.items() if value]
    shown = pair or tuple(moved)
    order_id = record.get("order_id")
    return Event(
        id=id_of(record),
        type=str(record.get("type")),
        time=time_of(record),
        legs=tuple(Amount(legs[currency], currency.upper()) for currency in shown),
        fee=_fee_of(record, pair, moved),
        order_id=order_id if isinstance(order_id, int) else None,
        pair=(pair[0].upper(), pair[1].upper()) if pair else None,
        rate=rates[pair] if pair else None,
    )


def effect_of(record: WireRecord) -> list[tuple[str, Decimal]]:
    """Return what ``record`` did to the balances, currencies as written; faster than an event."""
    legs, rates = _split_keys(record)
    effect = [(currency, value) for currency, value in legs.items() if value]
    fee = _number(record.get("fee"))
    if not fee:
        return effect
    pair = _pair_of(legs, rates)
    if pair is None and len(effect) != 1:
        raise ValueError(f"record {record.get('id')}: the currency of its fee cannot be told")
    effect.append((pair[1] if pair else effect[0][0], -fee))
    return effect


def _fee_of(record: WireRecord, pair: tuple[str, str] | None, moved: list[str]) -> Amount | None:
    value = _number(record.get("fee"))  # "None" and null are no fee.
    if value is None:
        return None
    if pair is not None:
        return Amount(value, pair[1].upper())
    if len(moved) == 1:
        return Amount(value, moved[0].upper())
    if value:
        raise ValueError(f"record {record.get('id')}: the currency of its fee cannot be told")
    return None
