"""Public endpoints: made up from the listing, the same at the same second."""

import datetime as dt
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import attrs

from bitstamp_ledger.model import UTC
from bitstamp_ledger.sandbox._calls import Call, Reply, html_reply, json_reply
from bitstamp_ledger.sandbox._listing import CURRENCIES, MARKETS, Currency, Market, price
from bitstamp_ledger.sandbox._parameters import LIMIT_MAX
from bitstamp_ledger.sandbox._refusals import invalid
from bitstamp_ledger.sandbox._units import text

STEPS_S: Final = frozenset(
    {60, 180, 300, 900, 1_800, 3_600, 7_200, 14_400, 21_600, 43_200, 86_400, 259_200}
)


@attrs.frozen(kw_only=True)
class PublicQuestion:
    """A public call."""

    now: int
    query: Mapping[str, str]
    market: str = ""


def currencies(_: PublicQuestion) -> Reply:
    """Send what is listed now; a history may hold others."""
    return json_reply([_currency_row(currency) for currency in CURRENCIES.values()])


def _currency_row(currency: Currency) -> dict[str, object]:
    networks = [
        {
            "network": network,
            "withdrawal_minimum_amount": "0.00000001",
            "withdrawal_decimals": currency.decimals,
            "deposit": "Enabled",
            "withdrawal": "Enabled",
        }
        for network in currency.networks
    ]
    return {
        "name": currency.name,
        "currency": currency.code.upper(),
        "type": "fiat" if currency.is_fiat else "crypto",
        "symbol": currency.code.upper(),
        "decimals": currency.decimals,
        "logo": "",
        "available_supply": "0",
        "deposit": "Enabled",
        "withdrawal": "Enabled",
        "networks": networks,
    }


def markets(_: PublicQuestion) -> Reply:
    """Send what can be traded now."""
    return json_reply([_market_row(market) for market in MARKETS.values()])


def _market_row(market: Market) -> dict[str, object]:
    return {
        "name": market.name,
        "market_symbol": market.symbol,
        "base_currency": market.base.code.upper(),
        "base_decimals": market.base_decimals,
        "counter_currency": market.counter.code.upper(),
        "counter_decimals": market.price_decimals,
        "minimum_order_value": "10",
        "maximum_order_value": "1000000",
        "minimum_order_amount": text(1, market.base_decimals),
        "maximum_order_amount": "1000000",
        "trading": "Enabled",
        "instant_order_counter_decimals": market.counter.decimals,
        "instant_and_market_orders": "Enabled",
        "description": f"{market.base.name} / {market.counter.name}",
        "market_type": "SPOT",
    }


def trading_pairs_info(_: PublicQuestion) -> Reply:
    """Send the older form of the markets."""
    return json_reply(
        [
            {
                "name": market.name,
                "url_symbol": market.symbol,
                "base_decimals": market.base_decimals,
                "counter_decimals": market.price_decimals,
                "minimum_order": f"10.0 {market.counter.code.upper()}",
                "trading": "Enabled",
                "instant_and_market_orders": "Enabled",
                "instant_order_counter_decimals": market.counter.decimals,
                "description": f"{market.base.name} / {market.counter.name}",
            }
            for market in MARKETS.values()
        ]
    )


def ticker(question: PublicQuestion) -> Reply:
    """Send one market, or all of them: also for a symbol that is not listed."""
    if question.query:
        raise invalid("GET parameters are not allowed.", "400.018")
    market = MARKETS.get(question.market)
    if market is not None:
        return json_reply(_ticker_row(market, question.now))
    return json_reply(
        [
            {**_ticker_row(market, question.now), "pair": market.name, "market": market.name}
            for market in MARKETS.values()
        ]
    )


def _ticker_row(market: Market, now: int) -> dict[str, object]:
    at = _prices(market, now)
    return {
        "timestamp": str(now),
        "open": at(1_000),
        "high": at(1_010),
        "low": at(990),
        "last": at(1_001),
        "volume": "123.45678901",
        "vwap": at(1_000),
        "bid": at(1_000),
        "ask": at(1_002),
        "side": "0",
        "open_24": at(999),
        "percent_change_24": "0.20",
        "market_type": "SPOT",
    }


def _prices(market: Market, second: int) -> Callable[[int], str]:
    reference = price(market, second)
    return lambda per_mille: text(reference * per_mille // 1_000, market.price_decimals)


def ohlc(question: PublicQuestion) -> Reply:
    """Send candles; if both ends are given, the end wins."""
    market = _listed(question)
    step = _whole(question.query.get("step", ""))
    if step not in STEPS_S:
        raise invalid("Invalid step parameter", "400.001")
    limit = _whole(question.query.get("limit", ""))
    if not 1 <= limit <= LIMIT_MAX:
        raise invalid("Invalid limit", "400.011")
    first = _first_candle(question, step, limit)
    candles = [
        _candle(market, second)
        for second in range(first, first + step * limit, step)
        if second <= question.now
    ]
    return json_reply({"data": {"pair": market.name, "market": market.name, "ohlc": candles}})


def _first_candle(question: PublicQuestion, step: int, limit: int) -> int:
    if "start" in question.query and "end" not in question.query:
        return -(-_whole(question.query["start"]) // step) * step
    end = _whole(question.query.get("end", str(question.now)))
    last = end // step * step
    if question.query.get("exclude_current_candle", "").lower() == "true":
        last = min(last, question.now // step * step - step)
    return last - step * (limit - 1)


def _candle(market: Market, second: int) -> dict[str, str]:
    at = _prices(market, second)
    return {
        "timestamp": str(second),
        "open": at(1_000),
        "high": at(1_030),
        "low": at(970),
        "close": at(1_001),
        "volume": "12.34567890",
    }


def _whole(value: str) -> int:
    if not (value.isascii() and value.isdigit()):
        raise invalid("Invalid parameters", "400.001")
    return int(value)


def eur_usd(question: PublicQuestion) -> Reply:
    """Send the rate of the two."""
    at = _prices(MARKETS["eurusd"], question.now)
    return json_reply({"buy": at(1_001), "sell": at(999)})


def transactions(question: PublicQuestion) -> Reply:
    """Send a few trades of the market, newest first."""
    market = _listed(question)
    span = {"minute": 60, "hour": 3_600, "day": 86_400}.get(question.query.get("time", "hour"))
    if span is None:
        raise invalid("Invalid time parameter", "400.001")
    return json_reply(
        [
            {
                "date": str(question.now - ago),
                "tid": str(600_000_000 + question.now - ago),
                "price": _prices(market, question.now - ago)(1_000),
                "amount": "0.10000000",
                "type": str(ago % 2),
            }
            for ago in range(1, span, max(span // 20, 1))
        ]
    )


def order_book(question: PublicQuestion) -> Reply:
    """Send a few levels; an unknown market is a page of the edge."""
    market = MARKETS.get(question.market)
    if market is None:
        return html_reply(404)
    at = _prices(market, question.now)
    return json_reply(
        {
            "timestamp": str(question.now),
            "microtimestamp": str(question.now * 1_000_000),
            "bids": [[at(999 - level), "1.00000000"] for level in range(10)],
            "asks": [[at(1_002 + level), "1.00000000"] for level in range(10)],
        }
    )


def status(question: PublicQuestion) -> Reply:
    """Send the clock (not documented, but in use)."""
    return json_reply({"server_time": question.now * 1_000})


def vasps(_: PublicQuestion) -> Reply:
    """Send no providers."""
    return json_reply({"data": [], "pagination": {"page": 1, "size": 0, "count": 0}})


def _listed(question: PublicQuestion) -> Market:
    market = MARKETS.get(question.market)
    if market is None:
        raise invalid("Currency pair not found", "404.003", status=404)
    return market


PUBLIC_ANSWERS: Final[Mapping[str, Callable[[PublicQuestion], Reply]]] = MappingProxyType(
    {
        "currencies/": currencies,
        "eur_usd/": eur_usd,
        "markets/": markets,
        "ohlc/{market}/": ohlc,
        "order_book/{market}/": order_book,
        "status/": status,
        "ticker/": ticker,
        "ticker/{market}/": ticker,
        "ticker_hour/{market}/": ticker,
        "trading-pairs-info/": trading_pairs_info,
        "transactions/{market}/": transactions,
        "travel_rule/vasps/": vasps,
    }
)
_WITH_MARKET: Final = re.compile(r"(?P<head>[a-z_]+/)(?P<market>[a-z0-9-]+)/")


def answer_public(path: str, call: Call, now: float) -> Reply | None:
    """Return the answer of a public endpoint, or None if there is none at this path."""
    template, market = path, ""
    if path not in PUBLIC_ANSWERS and (match := _WITH_MARKET.fullmatch(path)):
        template, market = f"{match['head']}{{market}}/", match["market"]
    answer = PUBLIC_ANSWERS.get(template)
    if answer is None or call.method != "GET":
        return None
    now_s = int(dt.datetime.fromtimestamp(now, UTC).timestamp())
    return answer(PublicQuestion(now=now_s, query=call.parameters, market=market))
