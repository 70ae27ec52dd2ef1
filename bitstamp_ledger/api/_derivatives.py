"""Derivatives: trades, positions, settlements, margin.

An account without derivatives answers with a code, and what is handed back is a `NotAvailable`.
Settlements are part of the history (`bitstamp_ledger.Settlement`); what they consist of is here.

Source for all of it: docs/facts/exchange.md, "Derivatives".
"""

import datetime as dt
from collections.abc import Hashable
from decimal import Decimal
from functools import partial

import attrs

from bitstamp_ledger.api._account_data import Maybe, market_path, read_list
from bitstamp_ledger.api._catalogue import Call, Endpoint
from bitstamp_ledger.api._exchange import Manners
from bitstamp_ledger.api._not_available import if_available
from bitstamp_ledger.api._paged import (
    PAGE_LIMIT,
    Asker,
    Opened,
    Page,
    open_by_cursor,
    open_pages,
    page_of,
)
from bitstamp_ledger.api._readings import R, Reading, capitals, read_one, read_rows, wire


@attrs.frozen(kw_only=True)
class DerivativeTrade(Reading):
    """One execution of an order for a derivative."""

    trade_id: str
    price: Decimal
    amount: Decimal
    """In contracts or in the base currency; the exchange does not say."""

    time: dt.datetime = attrs.field(metadata=wire("datetime"))
    """UTC."""

    order_id: str | None = None
    market: str | None = None
    """Such as ``BTC/USD-PERP``."""

    side: str | None = None
    type: str | None = None
    fee: Decimal | None = None
    liquidation_fee: Decimal | None = None
    fee_currency: str | None = attrs.field(default=None, metadata=wire(read_by=capitals))
    """In capitals."""

    leverage: Decimal | None = None
    margin_mode: str | None = None
    self_trade_order_id: str | None = None
    self_trade_type: str | None = None


@attrs.frozen(kw_only=True)
class Position(Reading):
    """A position, open or closed."""

    id: str
    market: str
    """Such as ``BTC/USD-PERP``."""

    market_type: str | None = None
    margin_mode: str | None = None
    status: str | None = None
    side: str | None = None
    size: Decimal | None = None
    amount_delta: Decimal | None = None
    time_opened: dt.datetime | None = None
    """UTC, to the microsecond."""

    time_closed: dt.datetime | None = None
    entry_price: Decimal | None = None
    exit_price: Decimal | None = None
    settlement_price: Decimal | None = None
    mark_price: Decimal | None = None
    leverage: Decimal | None = None
    pnl_currency: str | None = attrs.field(default=None, metadata=wire(read_by=capitals))
    """In capitals; profit or loss and all that has accumulated is in it."""

    pnl: Decimal | None = None
    pnl_percentage: Decimal | None = None
    pnl_realized: Decimal | None = None
    pnl_unrealized: Decimal | None = None
    pnl_settled: Decimal | None = None
    cumulative_price_pnl: Decimal | None = None
    cumulative_trading_fees: Decimal | None = None
    cumulative_liquidation_fees: Decimal | None = None
    cumulative_funding: Decimal | None = None
    cumulative_socialized_loss: Decimal | None = None


@attrs.frozen(kw_only=True)
class PositionSettlement(Reading):
    """A settlement of a position, and what its profit or loss consists of.

    Funding has no endpoint of its own: it is ``pnl_component_funding``.
    """

    transaction_id: str
    time: dt.datetime = attrs.field(metadata=wire("settlement_time"))
    """UTC."""

    position_id: str | None = None
    settlement_type: str | None = None
    """``PERIODIC`` or ``CLOSED``."""

    settlement_price: Decimal | None = None
    market: str | None = None
    market_type: str | None = None
    margin_mode: str | None = None
    size: Decimal | None = None
    strike_price: Decimal | None = None
    pnl_currency: str | None = attrs.field(default=None, metadata=wire(read_by=capitals))
    """In capitals; the amounts below are in it."""

    pnl_settled: Decimal | None = None
    pnl_component_price: Decimal | None = None
    pnl_component_fees: Decimal | None = None
    pnl_component_funding: Decimal | None = None
    pnl_component_socialized_loss: Decimal | None = None
    fees_component_trading: Decimal | None = None
    fees_component_liquidation: Decimal | None = None


@attrs.frozen(kw_only=True)
class MarginAsset(Reading):
    """What one currency adds to the margin."""

    asset: str = attrs.field(metadata=wire(read_by=capitals))
    """The currency, in capitals."""

    total_amount: Decimal | None = None
    available: Decimal | None = None
    reserved: Decimal | None = None
    margin_available: Decimal | None = None


@attrs.frozen(kw_only=True)
class MarginInfo(Reading):
    """The margin of the account.  In which currency it is counted, the exchange does not say."""

    account_margin: Decimal | None = None
    account_margin_available: Decimal | None = None
    account_margin_reserved: Decimal | None = None
    assets: tuple[MarginAsset, ...] = ()
    initial_margin_ratio: Decimal | None = None
    maintenance_margin_ratio: Decimal | None = None


def open_trade_history(
    market: str | None, order_id: str | None, manners: Manners
) -> Opened[DerivativeTrade]:
    """Read ``trade_history`` whole, oldest first.

    Raises:
        ValueError: neither a market nor an order is given.
    """
    parameters = {"sort": "asc", "limit": str(PAGE_LIMIT)}
    if order_id is not None:
        parameters["order_id"] = order_id
    if market is not None:
        call = Call(
            endpoint=Endpoint.TRADE_HISTORY_OF_MARKET,
            parameters=parameters,
            path_values={"market": market_path(market)},
        )
    elif order_id is not None:
        call = Call(endpoint=Endpoint.TRADE_HISTORY, parameters=parameters)
    else:
        raise ValueError("give a market or an order; the exchange lists no trades without one")
    read = partial(_rows_in, call.endpoint, DerivativeTrade)
    return open_by_cursor(call, read, _trade_id, manners, cursor="after_id")


def open_position_history(manners: Manners) -> Opened[Position]:
    """Read ``position_history`` whole."""
    call = _listing(Endpoint.POSITION_HISTORY)
    return open_pages(call, partial(_page_in, call.endpoint, Position), _position_id, manners)


def open_position_settlements(manners: Manners) -> Opened[PositionSettlement]:
    """Read ``position_settlement_transactions`` whole."""
    call = _listing(Endpoint.POSITION_SETTLEMENTS)
    read = partial(_page_in, call.endpoint, PositionSettlement)
    return open_pages(call, read, _settlement_id, manners)


def read_open_positions(manners: Manners) -> Maybe[tuple[Position, ...]]:
    """Ask for the positions that are open now."""
    return read_list(Call(endpoint=Endpoint.OPEN_POSITIONS), Position, manners)


def read_margin_info(manners: Manners) -> Maybe[MarginInfo]:
    """Ask for what secures the open positions, and how much of it is free."""
    call = Call(endpoint=Endpoint.MARGIN_INFO)
    return if_available(call, Asker(manners).ask(call, _margin_info_in))


def _margin_info_in(body: bytes) -> MarginInfo:
    return read_one(body, MarginInfo, endpoint=Endpoint.MARGIN_INFO.label)


def _listing(endpoint: Endpoint) -> Call:
    # Oldest first: what comes while the list is read then comes at its end.
    parameters = {"sort": "asc", "limit": str(PAGE_LIMIT), "offset": "0"}
    return Call(endpoint=endpoint, parameters=parameters)


def _rows_in(endpoint: Endpoint, row: type[R], body: bytes) -> tuple[R, ...]:
    return read_rows(body, row, endpoint=endpoint.label)


def _page_in(endpoint: Endpoint, row: type[R], body: bytes) -> Page[R]:
    return page_of(read_rows(body, row, endpoint=endpoint.label))


def _trade_id(row: DerivativeTrade) -> str:
    return row.trade_id


def _position_id(row: Position) -> Hashable:
    return row.id


def _settlement_id(row: PositionSettlement) -> Hashable:
    return row.transaction_id
