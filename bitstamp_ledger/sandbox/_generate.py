"""A made-up account with a long history, the same for the same seed.

It plays a person who pays in, trades, and pays out.  Nothing is spent that is not there, so the
replayed balances are never negative at any moment.  Every documented type code occurs once the
history is long enough (some 200 records), together with one code that is documented nowhere.
"""

import datetime as dt
import random
from collections.abc import Callable, Iterator
from typing import Final

import attrs
import msgspec

from bitstamp_ledger.model import UTC
from bitstamp_ledger.sandbox._account import Account
from bitstamp_ledger.sandbox._derivatives import SETTLEMENT_TYPE, make_up
from bitstamp_ledger.sandbox._listing import CURRENCIES, MARKETS, Currency, Market, price, worth_eur
from bitstamp_ledger.sandbox._units import SCALE, product, rounded, step_of, text, units
from bitstamp_ledger.sandbox._wire import Draft, Leg, write

STARTS: Final = dt.datetime(2017, 3, 1, tzinfo=UTC)
ENDS: Final = dt.datetime(2025, 11, 30, tzinfo=UTC)
"""No generated record is younger."""

_STARTS_SECOND: Final = int(STARTS.timestamp())
_SPAN_MICROS: Final = (ENDS - STARTS) // dt.timedelta(microseconds=1)
_IDS: Final = (15_000_000, 540_000_000)  # From docs/facts/files.md, "Ids": 2017 and 2026.
_FIAT_FEE_DECIMALS: Final = 5
_MARKET_SIDES: Final = tuple((m, m.base.code, m.counter.code) for m in MARKETS.values())
_FILLS_MAX: Final = 7
_SECOND: Final = 1_000_000
_WHOLE_SECOND_CHANCE: Final = 0.03
_TWIN_CHANCE: Final = 0.2
_DUST_CHANCE: Final = 0.02
_SELF_TRADE_CHANCE: Final = 0.008
_SMALLEST_ORDER: Final = 20 * SCALE  # in EUR


def generate_account(seed: int, transactions: int = 1_000, *, derivatives: bool = False) -> Account:
    """Make up an account.

    Args:
        seed: the same seed and number give the same account, byte for byte.
        transactions: how many records it has.
        derivatives: whether it has derivatives, with positions to match its settlements.
    """
    simulation = _Simulation(random.Random(f"account/{seed}"), transactions)
    rows = simulation.run()
    account = Account(rows, open_orders=simulation.open_orders(), derivatives=derivatives)
    if derivatives:
        settled = account.events(SETTLEMENT_TYPE)
        account.derivatives_rows = make_up(seed, settled, account.balances)
    return account


@attrs.frozen(kw_only=True)
class _Special:
    """A rare event that each history holds once or more."""

    type: int
    year: int
    """Not before this year, unless the history is too short to wait."""

    play: Callable[["_Simulation", int], bool]
    """Returns False when the holdings do not allow it yet."""


class _Simulation:
    def __init__(self, rng: random.Random, transactions: int) -> None:
        self.rng = rng
        self.target = transactions
        self.rows: list[bytes] = []
        self.book: dict[str, int] = {}
        self._micros = 0
        self._written = 0
        self._id = _IDS[0]
        self._order_id = 500_000_000
        self._id_step_max = max(1, 2 * (_IDS[1] - _IDS[0]) // max(transactions, 1))
        self._due = sorted(_SPECIALS, key=lambda special: special.year)
        self._specials_total = len(self._due)

    def run(self) -> list[bytes]:
        while len(self.rows) < self.target:
            self._advance()
            if not (self._play_special() or self._play_usual()):
                self.deposit_fiat()
        return self.rows

    def now(self) -> dt.datetime:
        return STARTS + dt.timedelta(microseconds=self._micros)

    @property
    def second(self) -> int:
        return _STARTS_SECOND + self._micros // _SECOND

    def _advance(self) -> None:
        # Spread over the years by the number of records, so that any length covers them all.
        step = _SPAN_MICROS // (self.target + 1)
        planned = step * len(self.rows) + self.rng.randrange(step)
        self._micros = max(self._micros, planned)

    def _written_time(self) -> dt.datetime:
        """Return the time to write: now and then without a fraction, but never going back."""
        whole = self._micros // _SECOND * _SECOND
        if whole > self._written and self.rng.random() < _WHOLE_SECOND_CHANCE:
            self._written = whole
        else:
            self._written = self._micros
        return STARTS + dt.timedelta(microseconds=self._written)

    def _wait(self, micros: int) -> None:
        """Let a little time pass, but never beyond the slot of the next record."""
        step = _SPAN_MICROS // (self.target + 1)
        self._micros = min(self._micros + micros, step * (len(self.rows) + 1))

    def record(
        self,
        type_: int,
        *legs: Leg,
        fee: int = 0,
        fee_decimals: int = 8,
        order_id: int | None = None,
        market: Market | None = None,
        rate: int = 0,
        self_trade: bool = False,
    ) -> None:
        """Book and write one record; the fee is in the currency of the last leg."""
        self._id += self.rng.randint(1, self._id_step_max)
        draft = Draft(
            id=self._id,
            type=type_,
            time=self._written_time(),
            legs=legs,
            fee=fee,
            fee_decimals=fee_decimals,
            order_id=order_id,
            market=market,
            rate=rate,
            self_trade=self_trade,
        )
        for leg in legs:
            self.book[leg.currency] = self.book.get(leg.currency, 0) + leg.number
        self.book[legs[-1].currency] -= fee
        self.rows.append(write(draft, self.rng))

    def held(self, currency: Currency) -> int:
        return self.book.get(currency.code, 0)

    def leg(self, currency: Currency, number: int) -> Leg:
        return Leg(currency=currency.code, number=number, decimals=currency.decimals)

    def single(self, type_: int, currency: Currency, number: int, fee: int = 0) -> bool:
        """Record a movement of one currency, unless it would leave too little."""
        number = rounded(number, currency.decimals)
        if not number or self.held(currency) + number - fee < 0:
            return False
        decimals = 2 if currency.is_fiat else currency.decimals
        self.record(type_, self.leg(currency, number), fee=fee, fee_decimals=decimals)
        return True

    def share(self, currency: Currency, per_mille_max: int) -> int:
        """Return up to so much of what is held."""
        part = self.held(currency) * self.rng.randint(1, per_mille_max) // 1_000
        step = step_of(currency.decimals)
        return part // step * step

    def richest_coin(self) -> Currency | None:
        coins = [c for c in CURRENCIES.values() if not c.is_fiat and self.held(c)]
        return max(coins, key=self._worth, default=None)

    def _worth(self, currency: Currency | None) -> int:
        if currency is None:  # not listed, so not worth anything
            return 0
        return self.held(currency) * worth_eur(currency, self.second) // SCALE

    # Everyday events

    def _play_usual(self) -> bool:
        if self._poor():
            return self.deposit_fiat()
        roll = self.rng.random()
        for play, chance in _USUAL:
            if roll < chance:
                return play(self)
            roll -= chance
        return self.order()

    def _poor(self) -> bool:
        return all(self._worth(CURRENCIES.get(code)) < _SMALLEST_ORDER for code in self.book)

    def deposit_fiat(self) -> bool:
        currency = CURRENCIES[self.rng.choice(("eur", "eur", "usd"))]
        amount = self.rng.randint(50_000, 2_000_000) * SCALE // 100
        fee = units("7.50") if currency.code == "usd" else 0
        return self.single(0, currency, amount, fee)

    def deposit_coin(self) -> bool:
        coins = [c for c in CURRENCIES.values() if c.networks and worth_eur(c, self.second)]
        coin = self.rng.choice(coins)
        eur = self.rng.randint(20, 3_000) * SCALE
        return self.single(0, coin, eur * SCALE // worth_eur(coin, self.second))

    def withdraw_coin(self) -> bool:
        coin = self.richest_coin()
        return coin is not None and self.single(
            1, coin, -self.share(coin, 300), coin.withdrawal_fee
        )

    def withdraw_fiat(self) -> bool:
        currency = CURRENCIES[self.rng.choice(("eur", "usd"))]
        return self.single(1, currency, -self.share(currency, 300), currency.withdrawal_fee)

    def reward(self) -> bool:
        coin = CURRENCIES[self.rng.choice(("algo", "eth2"))]
        if not worth_eur(coin, self.second):
            return False
        return self.single(27, coin, self.rng.randint(1_000, 20_000_000))

    # Orders

    def order(self) -> bool:
        market, buying = self._choose_market()
        if market is None:
            return False
        self._order_id = self._next_order_id()
        price_now = self._price(market)
        spent = market.counter if buying else market.base
        budget = self.share(spent, 400)
        base = budget * SCALE // price_now if buying else budget
        fills = min(self.rng.randint(1, _FILLS_MAX), self.target - len(self.rows))
        fee_points = self.rng.choice((0, 25, 30, 40, 50))
        done = 0
        size, at = 0, price_now
        for _ in range(fills):
            if done and self.rng.random() < _TWIN_CHANCE:
                self._wait(self.rng.choice((0, 0, 1, 150_000)))  # a twin of the fill before
            else:
                self._wait(self.rng.randint(0, 4_000_000))
                size = self._fill_size(market, base // fills)
                at = self._nudged(market, price_now)
            done += self._fill(market, size if buying else -size, at, fee_points)
        return done > 0

    def _choose_market(self) -> tuple[Market | None, bool]:
        rich = {code for code in self.book if self._worth(CURRENCIES.get(code)) > _SMALLEST_ORDER}
        choices = [
            (market, buying)
            for market, base, counter in _MARKET_SIDES
            for buying in (True, False)
            if (counter if buying else base) in rich
        ]
        while choices:
            market, buying = choices.pop(self.rng.randrange(len(choices)))
            if price(market, self.second):
                return market, buying
        return None, False

    def _next_order_id(self) -> int:
        # Nine digits, then ten, then sixteen since about 2021 (docs/facts/files.md, "Ids").
        if self.now().year >= 2021:  # noqa: PLR2004 - the year just named
            return 1_300_000_000_000_000 + self._micros * 2
        return self._order_id + self.rng.randint(1, 100_000)

    def _price(self, market: Market) -> int:
        return self._nudged(market, price(market, self.second), per_mille=20)

    def _nudged(self, market: Market, number: int, per_mille: int = 1) -> int:
        moved = number * (100_000 + self.rng.randint(-100, 100) * per_mille) // 100_000
        return max(rounded(moved, market.price_decimals), step_of(market.price_decimals))

    def _fill_size(self, market: Market, around: int) -> int:
        step = step_of(market.base_decimals)
        if self.rng.random() < _DUST_CHANCE:  # worth less than half a cent
            return step
        part = around * self.rng.randint(100, 1_000) // 1_000
        return max(part // step, 1) * step

    def _fill(self, market: Market, base: int, at: int, fee_points: int) -> int:
        """Record one fill; ``base`` is signed.  Returns 1, or 0 if it could not be paid."""
        counter_decimals = 2 if market.counter.is_fiat else 8
        fee_decimals = _FIAT_FEE_DECIMALS if market.counter.is_fiat else 8
        quote = -product(base, at, counter_decimals)
        # The fee comes from the quote before it was rounded (docs/facts/files.md, "Ids").
        fee = rounded(abs(base) * at * fee_points // (SCALE * 10_000), fee_decimals)
        if self.held(market.base) + base < 0 or self.held(market.counter) + quote - fee < 0:
            return 0
        own = self.rng.random() < _SELF_TRADE_CHANCE
        self.record(
            2,
            Leg(currency=market.base.code, number=base, decimals=market.base_decimals),
            Leg(currency=market.counter.code, number=quote, decimals=counter_decimals),
            fee=0 if own else fee,
            fee_decimals=fee_decimals,
            order_id=self._order_id,
            market=market,
            rate=at,
            self_trade=own,
        )
        return 1

    def convert(self, type_: int, market: Market, base: int) -> bool:
        """Record a conversion without an order, at the price of the moment."""
        at = price(market, self.second)
        quote = -product(base, at, market.counter.decimals) if at else 0
        enough = self.held(market.base) + base >= 0 and self.held(market.counter) + quote >= 0
        if not (base and quote and enough):
            return False
        self.record(
            type_,
            self.leg(market.base, base),
            self.leg(market.counter, quote),
            fee_decimals=6,
            market=market,
            rate=at,
        )
        return True

    # Rare events

    def _play_special(self) -> bool:
        if not self._due:
            return False
        played = self._specials_total - len(self._due)
        behind = len(self.rows) * (self._specials_total + 1) >= (played + 1) * self.target
        hurry = len(self.rows) * 10 > self.target * 9
        if not (behind or hurry):
            return False
        for special in self._due:
            if (hurry or self.now().year >= special.year) and special.play(self, special.type):
                self._due.remove(special)
                return True
        return False

    # Open orders

    def open_orders(self) -> Iterator[bytes]:
        """Yield up to two resting orders that the holdings can pay for."""
        coin = self.richest_coin()
        if coin is not None and (market := MARKETS.get(f"{coin.code}eur")) is not None:
            yield self._open_order(
                market, buying=False, amount=self.held(coin) // 10, at_percent=150
            )
        market = MARKETS["btceur"]
        budget = self.held(market.counter) // 20
        if budget > _SMALLEST_ORDER:
            amount = budget * SCALE // price(market, self.second)
            yield self._open_order(market, buying=True, amount=amount, at_percent=50)

    def _open_order(self, market: Market, *, buying: bool, amount: int, at_percent: int) -> bytes:
        self._order_id = self._next_order_id() + 10 + at_percent
        at = rounded(price(market, self.second) * at_percent // 100, market.price_decimals)
        printed = text(amount, market.base_decimals)
        return msgspec.json.encode(
            {
                "id": str(self._order_id),
                "datetime": f"{self.now():%Y-%m-%d %H:%M:%S}",
                "type": "0" if buying else "1",
                "subtype": "0",
                "price": text(at, market.price_decimals),
                "limit_price": text(at, market.price_decimals),
                "amount": printed,
                "amount_at_create": printed,
                "currency_pair": market.name,
                "market": market.name,
                "client_order_id": "",
            }
        )


def _move(code: str, amount: str) -> Callable[[_Simulation, int], bool]:
    return lambda simulation, type_: simulation.single(type_, CURRENCIES[code], units(amount))


def _send(code: str, per_mille: int) -> Callable[[_Simulation, int], bool]:
    def play(simulation: _Simulation, type_: int) -> bool:
        currency = CURRENCIES[code]
        return simulation.single(type_, currency, -simulation.share(currency, per_mille))

    return play


def _send_coin(simulation: _Simulation, type_: int) -> bool:
    coin = simulation.richest_coin()
    return coin is not None and simulation.single(type_, coin, -simulation.share(coin, 20))


def _reward(simulation: _Simulation, _: int) -> bool:
    return simulation.reward()


def _simple_buy(simulation: _Simulation, type_: int) -> bool:
    market = MARKETS["usdceur"]
    return simulation.convert(type_, market, units("46.5116"))


def _simple_sell(simulation: _Simulation, type_: int) -> bool:
    market = MARKETS["btceur"]
    return simulation.convert(type_, market, -simulation.share(market.base, 50))


def _convert_small(simulation: _Simulation, type_: int) -> bool:
    choices = [
        market
        for market in MARKETS.values()
        if market.counter.code == "eur" and simulation.held(market.base)
    ]
    simulation.rng.shuffle(choices)
    return any(
        simulation.convert(type_, market, -simulation.share(market.base, 30)) for market in choices
    )


def _unlisted(simulation: _Simulation, type_: int) -> bool:
    """Move a currency that the listing does not have, such as an airdrop of former days."""
    leg = Leg(currency="sgb", number=units("12.34567891"), decimals=8)
    simulation.record(type_, leg)
    return True


_USUAL: Final = (
    (_Simulation.deposit_fiat, 0.03),
    (_Simulation.deposit_coin, 0.015),
    (_Simulation.withdraw_coin, 0.015),
    (_Simulation.withdraw_fiat, 0.01),
    (_Simulation.reward, 0.01),
)
"""What happens besides orders, and how often."""

_SPECIALS: Final = (
    _Special(type=0, year=2017, play=_move("usd", "1500")),
    _Special(type=4, year=2017, play=_move("usd", "25")),
    _Special(type=3, year=2017, play=_move("usd", "-10")),
    _Special(type=14, year=2018, play=_send_coin),
    _Special(type=14, year=2018, play=_move("btc", "0.025")),
    _Special(type=32, year=2019, play=_move("eur", "10")),
    _Special(type=35, year=2019, play=_send("eur", 100)),
    _Special(type=35, year=2019, play=_move("eur", "75.5")),
    _Special(type=0, year=2021, play=_unlisted),
    _Special(type=26, year=2021, play=_send_coin),
    _Special(type=25, year=2021, play=_move("eth2", "0.5")),
    _Special(type=27, year=2021, play=_reward),
    _Special(type=33, year=2022, play=_send("eur", 50)),
    _Special(type=33, year=2022, play=_move("eur", "40.25")),
    _Special(type=36, year=2022, play=_simple_buy),
    _Special(type=36, year=2023, play=_simple_sell),
    _Special(type=53, year=2023, play=_convert_small),
    _Special(type=55, year=2023, play=_send_coin),
    _Special(type=57, year=2024, play=_unlisted),
    _Special(type=58, year=2025, play=_move("eur", "31.07")),
    _Special(type=58, year=2025, play=_send("eur", 30)),
    _Special(type=59, year=2025, play=_move("eur", "4.2")),
    _Special(type=60, year=2025, play=_send("eur", 10)),
    _Special(type=61, year=2025, play=_send_coin),
)
