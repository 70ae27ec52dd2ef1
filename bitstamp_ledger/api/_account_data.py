"""What an account has beside its history: orders, fees, markets, Earn.

Each ``read_…`` is a flow for one answer, each ``open_…`` one for a list that is read page by page.
What the exchange does not show to this key is a `NotAvailable`.
"""

import datetime as dt
from collections.abc import Callable, Hashable, Mapping
from decimal import Decimal
from functools import partial
from typing import Final

import attrs

from bitstamp_ledger.api._catalogue import Call, Endpoint
from bitstamp_ledger.api._decode import parse_balances
from bitstamp_ledger.api._effects import Flow, T
from bitstamp_ledger.api._exchange import Manners, ask
from bitstamp_ledger.api._fields import NOT_CURRENCIES
from bitstamp_ledger.api._not_available import NotAvailable, if_available
from bitstamp_ledger.api._paged import PAGE_LIMIT, Asker, Opened, Page, open_pages, page_of
from bitstamp_ledger.api._readings import (
    NOT_ON_THE_WIRE,
    R,
    Reading,
    capitals,
    number_or_none,
    payload_of,
    read_one,
    read_rows,
    structure,
    unreadable,
    wire,
)
from bitstamp_ledger.errors import InvalidCallError
from bitstamp_ledger.model import Amount, Balance, Side

Maybe = Flow[T | NotAvailable]
"""A flow that ends with an answer, or with why there is none."""

_WRONG_METHOD: Final = frozenset({404, 405})


@attrs.frozen(kw_only=True)
class OpenOrder(Reading):
    """An order that rests in the book.  The exchange's answer may be 10 seconds old.

    Source: docs/facts/exchange.md, "Orders".
    """

    id: int
    time: dt.datetime = attrs.field(metadata=wire("datetime"))
    """UTC, when it was made."""

    price: Decimal
    """So much of the quote currency for one of the base."""

    amount: Decimal
    """What is left to be filled, in the base currency."""

    side: Side | None = attrs.field(default=None, metadata=wire("type"))
    market: str | None = attrs.field(default=None, metadata=wire("market", "currency_pair"))
    """Such as ``BTC/EUR``."""

    amount_at_create: Decimal | None = None
    limit_price: Decimal | None = None
    client_order_id: str | None = None
    subtype: str | None = None
    stop_price: Decimal | None = None
    trigger: str | None = None
    activation_price: Decimal | None = None
    trailing_delta: Decimal | None = None
    margin_mode: str | None = None
    leverage: Decimal | None = None
    reserved_margin: Decimal | None = None
    reduce_only: bool | None = None


@attrs.frozen(kw_only=True)
class OrderFill(Reading):
    """One execution of an order, as ``order_status`` tells it.

    The history may differ in the last digits; book what the history says.
    """

    transaction_id: int = attrs.field(metadata=wire("tid"))
    """The ``transaction_id`` of the trade in the history."""

    price: Decimal
    time: dt.datetime = attrs.field(metadata=wire("datetime"))
    fee: Decimal | None = None
    """In the quote currency."""

    code: str | None = attrs.field(default=None, metadata=wire("type"))
    """The type code, as in the history: ``"2"`` for a trade."""

    amounts: tuple[Amount, ...] = attrs.field(default=(), metadata=NOT_ON_THE_WIRE)
    """What moved in each currency, unsigned, in the order of the reply."""


@attrs.frozen(kw_only=True)
class OrderStatus(Reading):
    """One order and its executions.  The exchange keeps closed orders for 30 days.

    Source: docs/facts/exchange.md, "Orders".
    """

    id: int
    status: str
    """``Open``, ``Finished``, ``Canceled``, ``Expired``; others have been seen."""

    time: dt.datetime | None = attrs.field(default=None, metadata=wire("datetime"))
    side: Side | None = attrs.field(default=None, metadata=wire("type"))
    market: str | None = None
    amount_remaining: Decimal | None = None
    """In the base currency."""

    client_order_id: str | None = None
    transactions: tuple[OrderFill, ...] = ()


@attrs.frozen(kw_only=True)
class TradingFee(Reading):
    """What a trade in one market costs now; never what it cost in the past.

    Source: docs/facts/exchange.md, "Fees".
    """

    market: str = attrs.field(metadata=wire("market", "currency_pair"))
    """Such as ``btceur``."""

    maker: Decimal = attrs.field(metadata=wire("fees.maker", "maker"))
    """Percent: 0.3 is three thousandths of the quote."""

    taker: Decimal = attrs.field(metadata=wire("fees.taker", "taker"))


@attrs.frozen(kw_only=True)
class WithdrawalFee(Reading):
    """What a withdrawal over one network costs now.

    Source: docs/facts/exchange.md, "Fees".
    """

    currency: str = attrs.field(metadata=wire(read_by=capitals))
    """In capitals."""

    fee: Decimal
    """In that currency."""

    network: str | None = None


@attrs.frozen(kw_only=True)
class Fees:
    """The fees that hold for this account now.  Each half may be refused for itself."""

    trading: tuple[TradingFee, ...] | NotAvailable
    """One for each market."""

    withdrawal: tuple[WithdrawalFee, ...] | NotAvailable
    """One for each currency and network."""


@attrs.frozen(kw_only=True)
class MyMarket(Reading):
    """A market that this account may trade in."""

    name: str
    """Such as ``BTC/EUR``."""

    symbol: str = attrs.field(metadata=wire("url_symbol", "market_symbol"))
    """Such as ``btceur``."""


@attrs.frozen(kw_only=True)
class EarnSubscription(Reading):
    """Coins that work in Earn: staking or lending.

    Source: docs/facts/exchange.md, "Earn".
    """

    currency: str = attrs.field(metadata=wire(read_by=capitals))
    """In capitals."""

    type: str | None = None
    """``STAKING`` or ``LENDING``."""

    term: str | None = None
    """``FLEXIBLE`` or ``FIXED``."""

    amount: Decimal | None = None
    available_amount: Decimal | None = None
    amount_earned: Decimal | None = None
    estimated_annual_yield: Decimal | None = None
    minimum_subscription_amount: Decimal | None = None
    distribution_period: str | None = None
    activation_period: str | None = None


@attrs.frozen(kw_only=True)
class EarnTransaction(Reading):
    """One movement of Earn.  To check the history by, never to be booked beside it.

    Source: docs/facts/exchange.md, "Earn".
    """

    time: dt.datetime = attrs.field(metadata=wire("datetime"))
    """UTC."""

    currency: str = attrs.field(metadata=wire(read_by=capitals))
    """In capitals."""

    amount: Decimal
    type: str | None = None
    """``REWARD``; which others there are is not known."""

    value: Decimal | None = None
    """What it was worth, in ``quote_currency``, rounded by the exchange."""

    quote_currency: str | None = attrs.field(default=None, metadata=wire(read_by=capitals))
    status: str | None = None


def read_balance(currency: str, manners: Manners) -> Flow[Balance]:
    """Ask what the account holds of one currency."""
    call = Call(
        endpoint=Endpoint.ACCOUNT_BALANCES_OF_CURRENCY,
        path_values={"currency": currency.lower()},
    )
    return ask(call, _balance_in, manners)


def _balance_in(body: bytes) -> Balance:
    label = Endpoint.ACCOUNT_BALANCES_OF_CURRENCY.label
    rows = body if body.lstrip()[:1] == b"[" else b"[" + body + b"]"
    found = parse_balances(rows, endpoint=label)
    if len(found) != 1:
        raise unreadable(label, f"{len(found)} balances where one belongs")
    return found[0]


def read_open_orders(market: str | None, manners: Manners) -> Maybe[tuple[OpenOrder, ...]]:
    """Ask for resting orders, of one market or of all."""
    call = _of_market(Endpoint.OPEN_ORDERS, Endpoint.OPEN_ORDERS_OF_MARKET, market)
    return read_list(call, OpenOrder, manners)


def read_order_status(
    order_id: int | None, client_order_id: str | None, manners: Manners
) -> Maybe[OrderStatus]:
    """Ask for one order.

    Raises:
        ValueError: not exactly one of the two ids is given.
    """
    if (order_id is None) == (client_order_id is None):
        raise ValueError("give the exchange's id of the order or your own, one of the two")
    named = {"id": str(order_id)} if order_id is not None else {}
    if client_order_id is not None:
        named = {"client_order_id": client_order_id}
    call = Call(endpoint=Endpoint.ORDER_STATUS, parameters=named)
    return if_available(call, ask(call, _order_status_in, manners))


def _order_status_in(body: bytes) -> OrderStatus:
    status = read_one(body, OrderStatus, endpoint=Endpoint.ORDER_STATUS.label)
    fills = (attrs.evolve(fill, amounts=_amounts_in(fill.raw)) for fill in status.transactions)
    return attrs.evolve(status, transactions=tuple(fills))


_FILL_KEYS: Final = NOT_CURRENCIES | {"tid", "price"}


def _amounts_in(record: Mapping[str, object]) -> tuple[Amount, ...]:
    """Return the amounts of a fill: its keys are currencies where they are nothing else.

    Source: docs/facts/exchange.md, "Legs and rates".
    """
    stated = {key: number_or_none(record[key]) for key in record if key not in _FILL_KEYS}
    return tuple(
        Amount(value.copy_abs(), key.upper())
        for key, value in stated.items()
        if value is not None and "_" not in key and key.isascii()
    )


def read_trading_fees(market: str | None, manners: Manners) -> Maybe[tuple[TradingFee, ...]]:
    """Ask for the trading fees of one market, or of all."""
    call = _of_market(Endpoint.FEES_TRADING, Endpoint.FEES_TRADING_OF_MARKET, market)
    return read_list(call, TradingFee, manners)


def read_withdrawal_fees(
    currency: str | None, network: str | None, manners: Manners
) -> Maybe[tuple[WithdrawalFee, ...]]:
    """Ask for the withdrawal fees of one currency, or of all.

    Raises:
        ValueError: a network without a currency.
    """
    if currency is None:
        if network is not None:
            raise ValueError("a network is asked for together with a currency")
        return read_list(Call(endpoint=Endpoint.FEES_WITHDRAWAL), WithdrawalFee, manners)
    call = Call(
        endpoint=Endpoint.FEES_WITHDRAWAL_OF_CURRENCY,
        path_values={"currency": currency.lower()},
        parameters={"network": network} if network else {},
    )
    return read_list(call, WithdrawalFee, manners)


def read_fees(manners: Manners) -> Flow[Fees]:
    """Ask for the fees of trading on every market, and of withdrawing every currency."""
    trading = yield from read_trading_fees(None, manners)
    withdrawal = yield from read_withdrawal_fees(None, None, manners)
    return Fees(trading=trading, withdrawal=withdrawal)


def read_my_markets(manners: Manners) -> Maybe[tuple[MyMarket, ...]]:
    """Ask for the markets of this account: by POST, which works, or by GET, as documented.

    Source: docs/facts/exchange.md, "Endpoints".
    """
    call = Call(endpoint=Endpoint.MY_MARKETS)
    return if_available(call, _ask_my_markets(call, manners))


def _ask_my_markets(call: Call, manners: Manners) -> Flow[tuple[MyMarket, ...]]:
    try:
        return (yield from ask(call, _rows_reader(call, MyMarket), manners))
    except InvalidCallError as refused:
        if refused.status not in _WRONG_METHOD:
            raise
        error = refused
    call = Call(endpoint=Endpoint.MY_MARKETS_BY_GET)
    try:
        return (yield from ask(call, _rows_reader(call, MyMarket), manners))
    except InvalidCallError:
        raise error from None  # It was not the method.


def read_earn_subscriptions(manners: Manners) -> Maybe[tuple[EarnSubscription, ...]]:
    """Ask what works in Earn now."""
    return read_list(Call(endpoint=Endpoint.EARN_SUBSCRIPTIONS), EarnSubscription, manners)


def open_earn_transactions(
    currency: str | None, quote_currency: str | None, manners: Manners
) -> Opened[EarnTransaction]:
    """Read ``earn/transactions`` whole."""
    parameters = {"limit": str(PAGE_LIMIT), "offset": "0"}
    if currency is not None:
        parameters["currency"] = currency.upper()
    if quote_currency is not None:
        parameters["quote_currency"] = quote_currency.upper()
    call = Call(endpoint=Endpoint.EARN_TRANSACTIONS, parameters=parameters)
    return open_pages(call, _earn_transactions_in, _key_of_earn, manners)


def _earn_transactions_in(body: bytes) -> Page[EarnTransaction]:
    return page_of(read_rows(body, EarnTransaction, endpoint=Endpoint.EARN_TRANSACTIONS.label))


def _key_of_earn(row: EarnTransaction) -> Hashable:
    # Without what can change between two pages: the status, and what it is worth.
    return row.time, row.type, row.currency, row.amount


def read_list(call: Call, row: type[R], manners: Manners) -> Maybe[tuple[R, ...]]:
    """Ask for a list that comes in one reply; where one object comes, it is the only row."""
    return if_available(call, Asker(manners).ask(call, _rows_reader(call, row)))


def _rows_reader(call: Call, row: type[R]) -> Callable[[bytes], tuple[R, ...]]:
    return partial(_rows_in, call.endpoint, row)


def _rows_in(endpoint: Endpoint, row: type[R], body: bytes) -> tuple[R, ...]:
    payload = payload_of(body, endpoint=endpoint.label)
    rows = [payload] if isinstance(payload, dict) else payload
    return structure(rows, row, endpoint=endpoint.label)


def _of_market(all_of_them: Endpoint, of_one: Endpoint, market: str | None) -> Call:
    if market is None:
        return Call(endpoint=all_of_them)
    return Call(endpoint=of_one, path_values={"market": market_path(market)})


def market_path(market: str) -> str:
    """Return a market as it stands in paths: ``BTC/EUR`` and ``btceur`` are ``btceur``."""
    return market.replace("/", "").lower()
