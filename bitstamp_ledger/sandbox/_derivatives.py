"""Derivatives of an account: its trades, positions and settlements, and the answers about them.

Fields and parameters are documented (docs/facts/exchange.md, "Derivatives").  These are the
sandbox's own assumptions, where nothing is known:

1. A settlement's ``transaction_id`` is the id of its record in ``user_transactions``, and its four
   components, fees and losses being negative, add up to what the record moved.
2. ``after_id`` and ``since_id`` are inclusive, and without ``sort`` the newest come first.
"""

import datetime as dt
import random
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Final

import attrs

from bitstamp_ledger.model import UTC
from bitstamp_ledger.sandbox._parameters import (
    LIMIT_MAX,
    id_of_form,
    limit_of,
    newest_first_of,
    offset_of,
    second_of,
    timestamp_of,
)
from bitstamp_ledger.sandbox._records import Event
from bitstamp_ledger.sandbox._refusals import invalid

WireRow = Mapping[str, object]
"""A row as it is sent; numbers are text."""

SETTLEMENT_TYPE: Final = "58"
MARKET: Final = "BTC/USD-PERP"
_LEVERAGE: Final = "3.00"
_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = dt.timedelta(microseconds=1)
_IDS_FROM: Final = 7_000_000
_MADE_UP: Final = dt.datetime(2025, 11, 20, 9, 0, tzinfo=UTC)
"""When the one position of an account without settlements was opened."""


@attrs.frozen(kw_only=True)
class Derivatives:
    """Rows of an account that has derivatives, as they are sent, oldest first."""

    trades: tuple[WireRow, ...] = ()
    """Rows of ``trade_history``; ``trade_id`` and ``market`` are needed."""

    positions: tuple[WireRow, ...] = ()
    """Closed ones; ``id`` and ``market`` are needed."""

    open_positions: tuple[WireRow, ...] = ()
    settlements: tuple[WireRow, ...] = ()
    """``transaction_id`` and ``settlement_time`` are needed."""

    margin: WireRow | None = None
    """What ``margin_info`` states; that of an account without positions if None."""


NO_MARGIN: Final[WireRow] = {
    "account_margin": "0.00",
    "account_margin_available": "0.00",
    "account_margin_reserved": "0.00",
    "assets": [],
    "initial_margin_ratio": None,
    "maintenance_margin_ratio": None,
}


# Making them up


def make_up(seed: int, events: Iterable[Event], balances: Mapping[str, Decimal]) -> Derivatives:
    """Make up positions, one for each settlement of a history, the last of them still open.

    Args:
        seed: the same seed and history give the same rows.
        events: what the history's records mean.
        balances: what the account holds.
    """
    rng = random.Random(f"derivatives/{seed}")
    plans = [_plan_for(rng, event) for event in events if event.type == SETTLEMENT_TYPE]
    plans = plans or [_Plan(rng=rng, opened=_MADE_UP, settlement=None)]
    trades = [fill for plan in plans for fill in plan.fills(is_open=plan is plans[-1])]
    trades.sort(key=lambda fill: str(fill["datetime"]))
    return Derivatives(
        trades=tuple(
            {"trade_id": str(_IDS_FROM + number), **fill} for number, fill in enumerate(trades)
        ),
        positions=tuple(plan.closed_row() for plan in plans[:-1]),
        open_positions=(plans[-1].open_row(),),
        settlements=tuple(plan.settlement_row() for plan in plans if plan.settlement),
        margin=_margin(balances.get("EUR", Decimal(0))),
    )


def _plan_for(rng: random.Random, event: Event) -> "_Plan":
    return _Plan(rng=rng, opened=event.time - dt.timedelta(days=3), settlement=event)


@attrs.define(kw_only=True)
class _Plan:
    """One position before it is written."""

    rng: random.Random
    opened: dt.datetime
    settlement: Event | None
    id: int = attrs.field(init=False)
    price: Decimal = attrs.field(init=False)
    size: Decimal = attrs.field(init=False)
    trading_fees: Decimal = attrs.field(init=False)
    funding: Decimal = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.id = _IDS_FROM + (self.settlement.id if self.settlement else 0)
        self.price = Decimal(self.rng.randint(4_000_000, 9_000_000)).scaleb(-2)
        self.size = Decimal(self.rng.randint(4, 400)).scaleb(-3)
        self.trading_fees = -Decimal(self.rng.randint(1, 500)).scaleb(-2)
        self.funding = Decimal(self.rng.randint(-300, 300)).scaleb(-2)

    @property
    def settled(self) -> Decimal:
        return self.settlement.legs[0].value if self.settlement else Decimal(0)

    @property
    def currency(self) -> str:
        return self.settlement.legs[0].currency if self.settlement else "EUR"

    @property
    def closed(self) -> dt.datetime:
        return self.opened + dt.timedelta(days=4)

    def fills(self, *, is_open: bool) -> list[dict[str, object]]:
        """Return the fills that opened the position, and the one that closed it."""
        parts = self.rng.randint(2, 4)
        first = self.size / 2
        sizes = [first, *[(self.size - first) / (parts - 1)] * (parts - 1)]
        fills = [
            self._fill(self.opened + dt.timedelta(seconds=at), "BUY", size, order=1)
            for at, size in enumerate(sizes)
        ]
        if not is_open:
            fills.append(self._fill(self.closed, "SELL", self.size, order=2))
        return fills

    def _fill(self, at: dt.datetime, side: str, size: Decimal, *, order: int) -> dict[str, object]:
        return {
            "order_id": str(self.id * 10 + order),
            "self_trade_order_id": None,
            "datetime": f"{at:%Y-%m-%d %H:%M:%S.%f}",
            "fee": "0.15000",
            "liquidation_fee": "0.00000",
            "fee_currency": self.currency,
            "market": MARKET,
            "margin_mode": "CROSS",
            "leverage": _LEVERAGE,
            "side": side,
            "type": "MARKET",
            "self_trade_type": None,
            "price": _text(self.price, 2),
            "amount": _text(size, 8),
        }

    def _row(self) -> dict[str, object]:
        return {
            "id": str(self.id),
            "market": MARKET,
            "market_type": "PERPETUAL",
            "margin_mode": "CROSS",
            "pnl_currency": self.currency,
            "entry_price": _text(self.price, 2),
            "settlement_price": _text(self.price, 2),
            "pnl_settled": _text(self.settled, 8),
            "leverage": _LEVERAGE,
            "cumulative_price_pnl": _text(self.settled - self.trading_fees - self.funding, 8),
            "cumulative_trading_fees": _text(self.trading_fees, 8),
            "cumulative_liquidation_fees": "0.00000000",
            "cumulative_funding": _text(self.funding, 8),
            "cumulative_socialized_loss": None,
            "time_opened": _micros(self.opened),
        }

    def closed_row(self) -> WireRow:
        """Return the row of ``position_history``."""
        return self._row() | {
            "exit_price": _text(self.price, 2),
            "pnl": _text(self.settled, 8),
            "pnl_percentage": "1.25",
            "pnl_realized": _text(self.settled, 8),
            "amount_delta": _text(-self.size, 8),
            "time_closed": _micros(self.closed),
            "status": "CLOSED",
        }

    def open_row(self) -> WireRow:
        """Return the row of ``open_positions``."""
        return self._row() | {
            "side": "LONG",
            "size": _text(self.size, 8),
            "mark_price": _text(self.price, 2),
            "pnl_unrealized": "0.00000000",
            "initial_margin": _text(self.size * self.price / 3, 2),
            "status": "OPEN",
        }

    def settlement_row(self) -> WireRow:
        """Return the row of ``position_settlement_transactions``."""
        event = self.settlement
        if event is None:
            raise ValueError("a position without a settlement has no such row")
        return {
            "transaction_id": str(event.id),
            "position_id": str(self.id),
            "settlement_time": int(event.time.timestamp()),
            "settlement_type": "PERIODIC",
            "settlement_price": _text(self.price, 2),
            "market": MARKET,
            "market_type": "PERPETUAL",
            "pnl_currency": self.currency,
            "pnl_settled": _text(self.settled, 8),
            "pnl_component_price": _text(self.settled - self.trading_fees - self.funding, 8),
            "pnl_component_fees": _text(self.trading_fees, 8),
            "pnl_component_funding": _text(self.funding, 8),
            "pnl_component_socialized_loss": "0.00000000",
            "margin_mode": "CROSS",
            "size": _text(self.size, 8),
            "strike_price": None,
            "fees_component_trading": _text(self.trading_fees, 8),
            "fees_component_liquidation": "0.00000000",
        }


def _margin(held: Decimal) -> WireRow:
    reserved = min(held, Decimal(100))
    return {
        "account_margin": _text(held, 2),
        "account_margin_available": _text(held - reserved, 2),
        "account_margin_reserved": _text(reserved, 2),
        "assets": [
            {
                "asset": "EUR",
                "total_amount": _text(held, 2),
                "available": _text(held - reserved, 2),
                "reserved": _text(reserved, 2),
                "margin_available": _text(held - reserved, 2),
            }
        ],
        "initial_margin_ratio": "0.10",
        "maintenance_margin_ratio": None,
    }


def _text(number: Decimal, decimals: int) -> str:
    return format(number.quantize(Decimal(1).scaleb(-decimals)), "f")


def _micros(at: dt.datetime) -> str:
    return str((at - _EPOCH) // _MICROSECOND)


# Selecting


def trades_asked_for(
    rows: Iterable[WireRow], form: Mapping[str, str], market: str | None
) -> list[WireRow]:
    """Return the rows of ``trade_history`` that a form asks for."""
    after = id_of_form(form, "after_id")
    since, until = second_of(form, "since_timestamp"), second_of(form, "until_timestamp")
    order = form.get("order_id")

    def fits(row: WireRow) -> bool:
        at = _seconds_of_text(row.get("datetime"))
        return (
            (after is None or int(str(row["trade_id"])) >= after)
            and (order is None or str(row.get("order_id")) == order)
            and (since is None or at >= since)
            and (until is None or at <= until)
        )

    return _cut(of_market(rows, market), form, fits, offset=0, forced=after is not None)


def positions_asked_for(
    rows: Iterable[WireRow], form: Mapping[str, str], market: str | None
) -> list[WireRow]:
    """Return the rows of ``position_history`` that a form asks for."""
    since = id_of_form(form, "since_id")

    def fits(row: WireRow) -> bool:
        return since is None or int(str(row["id"])) >= since

    offset = offset_of(form)
    return _cut(of_market(rows, market), form, fits, offset=offset, forced=since is not None)


def settlements_asked_for(
    rows: Iterable[WireRow], form: Mapping[str, str], now: float
) -> list[WireRow]:
    """Return the rows of ``position_settlement_transactions`` that a form asks for."""
    since_id = id_of_form(form, "since_id")
    since = timestamp_of(form, "since_timestamp", now)
    until = timestamp_of(form, "until_timestamp", now)

    def fits(row: WireRow) -> bool:
        at = int(str(row["settlement_time"]))
        return (
            (since_id is None or int(str(row["transaction_id"])) >= since_id)
            and (since is None or at >= since)
            and (until is None or at <= until)
        )

    return _cut(rows, form, fits, offset=offset_of(form), forced=since_id is not None)


def of_market(rows: Iterable[WireRow], market: str | None) -> list[WireRow]:
    """Return the rows of one market as paths write it (``btcusd-perp``); all rows for None."""
    return [
        row
        for row in rows
        if market is None or str(row.get("market")).replace("/", "").lower() == market
    ]


def row_with(rows: Iterable[WireRow], name: str, value: str) -> WireRow:
    """Return the row whose field is this.

    Raises:
        RefusedCall: there is none.
    """
    for row in rows:
        if str(row.get(name)) == value:
            return row
    raise invalid("Not found.", "404.001", status=404)


def _cut(
    rows: Iterable[WireRow],
    form: Mapping[str, str],
    fits: Callable[[WireRow], bool],
    *,
    offset: int,
    forced: bool,
) -> list[WireRow]:
    limit = limit_of(form)
    if forced:
        limit = LIMIT_MAX
    fitting = [row for row in rows if fits(row)]
    if newest_first_of(form):
        fitting.reverse()
    return fitting[offset : offset + limit]


def _seconds_of_text(stated: object) -> float:
    return dt.datetime.fromisoformat(str(stated)).replace(tzinfo=UTC).timestamp()
