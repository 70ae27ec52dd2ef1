"""What everybody may see: currencies, markets, prices.  No key is needed.

Source for all of it: docs/facts/exchange.md, "Public data".
"""

import datetime as dt
from decimal import Decimal
from functools import partial
from typing import Final

import attrs

from bitstamp_ledger.api._account_data import market_path
from bitstamp_ledger.api._catalogue import Call, Endpoint
from bitstamp_ledger.api._effects import Emit, Flow, StreamFlow
from bitstamp_ledger.api._exchange import Manners, ask
from bitstamp_ledger.api._readings import (
    R,
    Reading,
    capitals,
    json_name,
    payload_of,
    read_one,
    read_rows,
    structure,
    unreadable,
    wire,
)
from bitstamp_ledger.errors import InvalidCallError
from bitstamp_ledger.model import Side, utc

CANDLE_STEPS_S: Final = frozenset(
    {60, 180, 300, 900, 1_800, 3_600, 7_200, 14_400, 21_600, 43_200, 86_400, 259_200}
)
"""How long a candle may last, in seconds."""

CANDLES_MAX: Final = 1000
"""The most candles that come at once."""


@attrs.frozen(kw_only=True)
class CurrencyNetwork(Reading):
    """A network over which a currency comes and goes."""

    network: str
    """Such as ``bitcoin``."""

    withdrawal_minimum_amount: Decimal | None = None
    withdrawal_decimals: int | None = None
    deposit: str | None = None
    """``Enabled`` or something else."""

    withdrawal: str | None = None


@attrs.frozen(kw_only=True)
class Currency(Reading):
    """A currency that is listed now; a history may hold others."""

    currency: str = attrs.field(metadata=wire(read_by=capitals))
    """The code, in capitals."""

    name: str | None = None
    type: str | None = None
    """``fiat`` or ``crypto``; stablecoins are crypto."""

    decimals: int | None = None
    """Digits after the point that the exchange works with."""

    deposit: str | None = None
    """``Enabled`` or something else."""

    withdrawal: str | None = None
    networks: tuple[CurrencyNetwork, ...] = ()


@attrs.frozen(kw_only=True)
class Market(Reading):
    """A market that is listed now; a history may hold others."""

    symbol: str = attrs.field(metadata=wire("market_symbol", "url_symbol"))
    """As in paths: ``btceur``."""

    name: str
    """As people write it: ``BTC/EUR``."""

    base_currency: str | None = attrs.field(default=None, metadata=wire(read_by=capitals))
    """In capitals."""

    counter_currency: str | None = attrs.field(default=None, metadata=wire(read_by=capitals))
    """The quote, in capitals."""

    base_decimals: int | None = None
    counter_decimals: int | None = None
    market_type: str | None = None
    """``SPOT`` or ``PERPETUAL``."""

    trading: str | None = None
    """``Enabled`` or ``Disabled``."""

    minimum_order_value: Decimal | None = None
    maximum_order_value: Decimal | None = None
    minimum_order_amount: Decimal | None = None
    maximum_order_amount: Decimal | None = None
    tick_size: Decimal | None = None
    contract_size: Decimal | None = None
    underlying_asset: str | None = None
    description: str | None = None


@attrs.frozen(kw_only=True)
class Ticker(Reading):
    """Prices of one market now, and of the last 24 hours."""

    time: dt.datetime = attrs.field(metadata=wire("timestamp"))
    """UTC, in whole seconds."""

    last: Decimal
    bid: Decimal | None = None
    ask: Decimal | None = None
    high: Decimal | None = None
    low: Decimal | None = None
    open: Decimal | None = None
    """The first price of the day."""

    open_24: Decimal | None = None
    percent_change_24: Decimal | None = None
    volume: Decimal | None = None
    """In the base currency."""

    vwap: Decimal | None = None
    """Mean price, weighted by volume."""

    side: Side | None = None
    """Of the last trade."""

    market: str | None = attrs.field(default=None, metadata=wire("market", "pair"))
    """Such as ``BTC/EUR``, where the exchange says it."""


@attrs.frozen(kw_only=True)
class Candle(Reading):
    """Prices of one market within one step of time."""

    time: dt.datetime = attrs.field(metadata=wire("timestamp"))
    """UTC, the start of the step."""

    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal | None = None
    """In the base currency."""


@attrs.frozen(kw_only=True)
class EurUsd(Reading):
    """The exchange's rate for euros in U.S. dollars now."""

    buy: Decimal
    sell: Decimal


def read_currencies(manners: Manners) -> Flow[tuple[Currency, ...]]:
    """Ask for the listed currencies."""
    return _read_list(Endpoint.CURRENCIES, Currency, manners)


def read_markets(manners: Manners) -> Flow[tuple[Market, ...]]:
    """Ask for the listed markets."""
    return _read_list(Endpoint.MARKETS, Market, manners)


def _read_list(endpoint: Endpoint, row: type[R], manners: Manners) -> Flow[tuple[R, ...]]:
    return ask(Call(endpoint=endpoint), partial(_rows_in, endpoint, row), manners)


def _rows_in(endpoint: Endpoint, row: type[R], body: bytes) -> tuple[R, ...]:
    return read_rows(body, row, endpoint=endpoint.label)


def read_ticker(market: str, manners: Manners) -> Flow[Ticker]:
    """Ask for the prices of one market."""
    symbol = market_path(market)
    call = Call(endpoint=Endpoint.TICKER, path_values={"market": symbol})
    return ask(call, partial(_ticker_in, symbol), manners)


def _ticker_in(symbol: str, body: bytes) -> Ticker:
    label = Endpoint.TICKER.label
    if not isinstance(payload_of(body, endpoint=label), list):
        return read_one(body, Ticker, endpoint=label)
    # An unknown market is answered with all of them, and status 200.
    for ticker in read_rows(body, Ticker, endpoint=label):
        if ticker.market is not None and market_path(ticker.market) == symbol:
            return ticker
    raise InvalidCallError(
        f"{label}: the exchange knows no market {symbol}.",
        code=None,
        endpoint=label,
        status=200,
        hint="The markets that it lists are those of markets().",
    )


def read_eur_usd(manners: Manners) -> Flow[EurUsd]:
    """Ask for the rate of the two."""
    return ask(Call(endpoint=Endpoint.EUR_USD), _eur_usd_in, manners)


def _eur_usd_in(body: bytes) -> EurUsd:
    return read_one(body, EurUsd, endpoint=Endpoint.EUR_USD.label)


def walk_candles(
    market: str,
    *,
    step_s: int,
    start: dt.datetime,
    end: dt.datetime | None,
    manners: Manners,
) -> StreamFlow[Candle]:
    """Emit the candles of a market that begin in ``start <= time < end``, oldest first.

    Args:
        market: ``btceur`` or ``BTC/EUR``.
        step_s: how long a candle lasts, in seconds; one of `CANDLE_STEPS_S`.
        start: the earliest beginning of a candle.
        end: None for the newest candle, which may still grow.
        manners: how to talk to the exchange.

    Raises:
        ValueError: no such step, or a time without zone.
    """
    if step_s not in CANDLE_STEPS_S:
        raise ValueError(f"candles last one of {sorted(CANDLE_STEPS_S)} seconds, not {step_s}")
    symbol, start_s = market_path(market), _unix_s(start)
    return _candles(symbol, step_s, start_s, None if end is None else _unix_s(end), manners)


def _candles(
    symbol: str, step_s: int, start_s: int, end_s: int | None, manners: Manners
) -> StreamFlow[Candle]:
    if end_s is None:
        newest = yield from _ask_candles(symbol, {"step": str(step_s), "limit": "1"}, manners)
        if not newest:
            return
        end_s = _unix_s(newest[-1].time) + 1
    next_s = start_s
    while next_s < end_s:
        # Only the start is sent: where both ends are, the exchange looks at the later one alone.
        asked = {"step": str(step_s), "limit": str(CANDLES_MAX), "start": str(next_s)}
        page = yield from _ask_candles(symbol, asked, manners)
        fresh = tuple(candle for candle in page if next_s <= _unix_s(candle.time) < end_s)
        if fresh:
            yield Emit(fresh)
        beyond = any(_unix_s(candle.time) >= end_s for candle in page)
        if beyond:
            return
        if fresh:
            next_s = _unix_s(fresh[-1].time) + step_s
        else:
            next_s += step_s * CANDLES_MAX  # Perhaps the market was not listed yet.


def _ask_candles(
    symbol: str, parameters: dict[str, str], manners: Manners
) -> Flow[tuple[Candle, ...]]:
    call = Call(endpoint=Endpoint.CANDLES, parameters=parameters, path_values={"market": symbol})
    return ask(call, _candles_in, manners)


def _candles_in(body: bytes) -> tuple[Candle, ...]:
    label = Endpoint.CANDLES.label
    payload = payload_of(body, endpoint=label)
    if not isinstance(payload, dict) or "ohlc" not in payload:
        raise unreadable(label, f"{json_name(payload)} where candles belong")
    candles = structure(payload["ohlc"], Candle, endpoint=label)
    return tuple(sorted(candles, key=_time_of))


def _time_of(candle: Candle) -> dt.datetime:
    return candle.time


def _unix_s(instant: dt.datetime) -> int:
    return (utc(instant) - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) // dt.timedelta(seconds=1)
