"""What the sandbox lists: currencies, markets, and what each was worth over the years.

Prices are rough year-start values in EUR, straight lines between them: enough for a history that
looks like one, and useless as market data.
"""

import bisect
import datetime as dt
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import attrs

from bitstamp_ledger.sandbox._units import SCALE, rounded, units


@attrs.frozen(kw_only=True)
class Currency:
    """One listed currency."""

    code: str
    """Lower case, as in the keys of records."""

    name: str
    decimals: int
    networks: tuple[str, ...] = ()
    withdrawal_type: int = 0
    """The number in ``withdrawal-requests`` (docs/facts/exchange.md, "Withdrawal requests")."""

    withdrawal_fee: int = 0
    eur_by_year: tuple[int, ...] = ()
    """Worth in EUR at each January since `FIRST_YEAR`; 0 before it was listed."""

    @property
    def is_fiat(self) -> bool:
        """Whether it is money of a state."""
        return not self.networks


@attrs.frozen(kw_only=True)
class Market:
    """One listed pair."""

    base: Currency
    counter: Currency
    base_decimals: int
    price_decimals: int

    @property
    def symbol(self) -> str:
        """As in paths: ``btceur``."""
        return self.base.code + self.counter.code

    @property
    def rate_key(self) -> str:
        """As in records: ``btc_eur``."""
        return f"{self.base.code}_{self.counter.code}"

    @property
    def name(self) -> str:
        """As people write it: ``BTC/EUR``."""
        return f"{self.base.code}/{self.counter.code}".upper()


FIRST_YEAR: Final = 2017
LAST_YEAR: Final = 2027
_YEAR_STARTS: Final = tuple(
    int(dt.datetime(year, 1, 1, tzinfo=dt.UTC).timestamp())
    for year in range(FIRST_YEAR, LAST_YEAR + 1)
)


def _currency(
    code: str,
    name: str,
    decimals: int,
    eur: str,
    *networks: str,
    number: int = 0,
    fee: str = "0",
) -> Currency:
    return Currency(
        code=code,
        name=name,
        decimals=decimals,
        networks=networks,
        withdrawal_type=number,
        withdrawal_fee=units(fee),
        eur_by_year=tuple(map(units, eur.split())),
    )


_TABLE = (
    _currency("eur", "Euro", 2, "1 1 1 1 1 1 1 1 1 1 1", fee="3.00"),
    _currency(
        "usd",
        "U.S. dollar",
        2,
        "0.95 0.84 0.87 0.89 0.82 0.88 0.93 0.91 0.97 0.86 0.86",
        number=2,
        fee="7.50",
    ),
    _currency(
        "gbp", "British pound", 2, "1.17 1.13 1.11 1.18 1.11 1.19 1.13 1.15 1.2 1.15 1.15", number=2
    ),
    _currency(
        "btc",
        "Bitcoin",
        8,
        "950 11500 3300 6400 24000 41000 15500 38000 90000 80000 80000",
        "bitcoin",
        number=1,
        fee="0.0005",
    ),
    _currency(
        "eth",
        "Ethereum",
        8,
        "8 640 120 117 610 3300 1130 2090 3230 2700 2700",
        "ethereum",
        number=16,
        fee="0.0035",
    ),
    _currency(
        "xrp",
        "XRP",
        8,
        "0.006 1.9 0.31 0.17 0.19 0.74 0.32 0.56 2.1 1.8 1.8",
        "xrpl",
        number=14,
        fee="0.02",
    ),
    _currency(
        "ltc",
        "Litecoin",
        8,
        "4 190 27 37 104 130 66 66 100 75 75",
        "litecoin",
        number=15,
        fee="0.001",
    ),
    _currency(
        "algo",
        "Algorand",
        8,
        "0 0 0 0.21 0.3 1.45 0.16 0.2 0.32 0.15 0.15",
        "algorand",
        number=32,
        fee="0.1",
    ),
    _currency(
        "1inch",
        "1inch",
        8,
        "0 0 0 0 1.1 2.1 0.36 0.4 0.37 0.2 0.2",
        "ethereum",
        number=80,
        fee="2.5",
    ),
    _currency(
        "shib",
        "Shiba Inu",
        8,
        "0 0 0 0 0 0.00003 0.000008 0.00001 0.00002 0.00001 0.00001",
        "ethereum",
        number=67,
        fee="100000",
    ),
    _currency(
        "usdc",
        "USD Coin",
        6,
        "0 0 0 0.89 0.82 0.88 0.93 0.91 0.97 0.86 0.86",
        "ethereum",
        "solana",
        number=22,
        fee="5",
    ),
    _currency(
        "usdt",
        "Tether",
        6,
        "0 0 0 0 0.82 0.88 0.93 0.91 0.97 0.86 0.86",
        "ethereum",
        number=42,
        fee="5",
    ),
    _currency(
        "eth2",
        "Ethereum 2",
        8,
        "0 0 0 0 610 3300 1130 2090 3230 2700 2700",
        "ethereum",
        number=81,
        fee="0.0035",
    ),
)

# Listed, and never held: balances state hundreds of zeros.
_NEVER_HELD = tuple(
    _currency(code, name, 8, " ".join("0" * (LAST_YEAR - FIRST_YEAR + 1)), network)
    for code, name, network in (
        ("aave", "Aave", "ethereum"),
        ("ada", "Cardano", "cardano"),
        ("bch", "Bitcoin Cash", "bitcoin-cash"),
        ("doge", "Dogecoin", "dogecoin"),
        ("dot", "Polkadot", "polkadot"),
        ("link", "Chainlink", "ethereum"),
        ("sol", "Solana", "solana"),
        ("uni", "Uniswap", "ethereum"),
        ("xlm", "Stellar Lumens", "stellar"),
    )
)

CURRENCIES: Final[Mapping[str, Currency]] = MappingProxyType(
    {currency.code: currency for currency in (*_TABLE, *_NEVER_HELD)}
)


def _market(base: str, counter: str, base_decimals: int, price_decimals: int) -> Market:
    return Market(
        base=CURRENCIES[base],
        counter=CURRENCIES[counter],
        base_decimals=base_decimals,
        price_decimals=price_decimals,
    )


MARKETS: Final[Mapping[str, Market]] = MappingProxyType(
    {
        market.symbol: market
        for market in (
            _market("btc", "eur", 8, 2),
            _market("btc", "usd", 8, 2),
            _market("eth", "eur", 8, 2),
            _market("eth", "usd", 8, 2),
            _market("eth", "btc", 8, 8),
            _market("xrp", "eur", 8, 5),
            _market("xrp", "usd", 8, 5),
            _market("xrp", "btc", 8, 8),
            _market("ltc", "eur", 8, 2),
            _market("ltc", "btc", 8, 8),
            _market("algo", "eur", 8, 5),
            _market("1inch", "eur", 8, 5),
            _market("1inch", "usd", 8, 5),
            _market("shib", "eur", 8, 8),
            _market("shib", "usd", 8, 6),
            _market("usdc", "eur", 6, 5),
            _market("usdt", "eur", 6, 5),
            _market("eur", "usd", 5, 5),
            _market("gbp", "eur", 5, 5),
        )
    }
)


def worth_eur(currency: Currency, second: int) -> int:
    """Return the worth in EUR at a Unix second, or 0 when it was not listed yet."""
    at = bisect.bisect_right(_YEAR_STARTS, second) - 1
    if at < 0:
        return currency.eur_by_year[0]
    if at + 1 >= len(_YEAR_STARTS):
        return currency.eur_by_year[-1]
    before, after = currency.eur_by_year[at : at + 2]
    if not before:
        return 0
    span = _YEAR_STARTS[at + 1] - _YEAR_STARTS[at]
    return before + (after - before) * (second - _YEAR_STARTS[at]) // span


def price(market: Market, second: int) -> int:
    """Return the market's reference price at a Unix second, or 0 when it was not listed yet."""
    base = worth_eur(market.base, second)
    counter = worth_eur(market.counter, second)
    if not base or not counter:
        return 0
    return rounded(base * SCALE // counter, market.price_decimals)
