"""Answers of the private endpoints that only read (docs/facts/exchange.md, their sections)."""

import datetime as dt
import hashlib
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Final

import attrs
import msgspec

from bitstamp_ledger.model import UTC, Amount
from bitstamp_ledger.sandbox._account import Account
from bitstamp_ledger.sandbox._calls import Reply, json_reply, rows_reply
from bitstamp_ledger.sandbox._derivatives import (
    NO_MARGIN,
    Derivatives,
    of_market,
    positions_asked_for,
    row_with,
    settlements_asked_for,
    trades_asked_for,
)
from bitstamp_ledger.sandbox._faults import Faults
from bitstamp_ledger.sandbox._listing import CURRENCIES, MARKETS, Currency, price
from bitstamp_ledger.sandbox._parameters import (
    Slice,
    limit_of,
    offset_of,
    selection_of,
    slice_of,
    withdrawal_query_of,
)
from bitstamp_ledger.sandbox._records import Event, decode_record
from bitstamp_ledger.sandbox._refusals import (
    derivatives_refused,
    earn_refused,
    invalid,
    unavailable,
)
from bitstamp_ledger.sandbox._units import decimal, text

_ORDERS_KEPT: Final = dt.timedelta(days=30)
_BUY, _SELL = "0", "1"


@attrs.frozen(kw_only=True)
class Question:
    """A call that passed all checks."""

    account: Account
    parts: Mapping[str, str]
    """What the path names: ``market``, ``currency``."""

    form: Mapping[str, str]
    now: float
    faults: Faults
    """Its switches: how the exchange behaves where nobody knows, or where it misbehaves."""


Answer = Callable[[Question], Reply]


def account_balances(question: Question) -> Reply:
    """State every listed currency, zeros included, and every other one that the account moved."""
    return json_reply(_balance_rows(question.account))


def account_balance(question: Question) -> Reply:
    """State one currency."""
    wanted = question.parts["currency"]
    for row in _balance_rows(question.account):
        if row["currency"] == wanted:
            return json_reply(row)
    raise invalid("Currency not found", "404.006", status=404)


def _balance_rows(account: Account) -> list[dict[str, str]]:
    totals = account.balances
    reserved = _reserved(account)
    codes = [*CURRENCIES, *(code.lower() for code in totals if code.lower() not in CURRENCIES)]
    rows = []
    for code in codes:
        total = totals.get(code.upper(), Decimal(0))
        locked = reserved.get(code, Decimal(0))
        decimals = CURRENCIES[code].decimals if code in CURRENCIES else 8
        rows.append(
            {
                "currency": code,
                "total": _printed(total, decimals),
                "available": _printed(total - locked, decimals),
                "reserved": _printed(locked, decimals),
            }
        )
    return rows


def _printed(number: Decimal, decimals_min: int) -> str:
    """Print all digits, and at least the usual ones: fees have more decimals than cents."""
    usual = Decimal(1).scaleb(-decimals_min)
    at_least = number.quantize(usual) if number == number.quantize(usual) else number.normalize()
    return format(at_least, "f")


def _reserved(account: Account) -> dict[str, Decimal]:
    """Return what open orders lock: the base of a sale, the quote of a purchase."""
    locked: dict[str, Decimal] = {}
    for raw in account.open_orders:
        order = decode_record(raw)
        base, _, counter = str(order.get("market", "")).lower().partition("/")
        amount = Decimal(str(order.get("amount", "0")))
        code = base
        if str(order.get("type")) == _BUY:
            code = counter
            amount = round(amount * Decimal(str(order.get("price", "0"))), 2)
        locked[code] = locked.get(code, Decimal(0)) + amount
    return locked


def balance(question: Question) -> Reply:
    """Answer in the flat legacy shape."""
    flat: dict[str, str] = {}
    for row in _balance_rows(question.account):
        code = row["currency"]
        flat[f"{code}_available"] = row["available"]
        flat[f"{code}_balance"] = row["total"]
        flat[f"{code}_reserved"] = row["reserved"]
        if code in CURRENCIES and CURRENCIES[code].networks:
            flat[f"{code}_withdrawal_fee"] = text(CURRENCIES[code].withdrawal_fee, 8)
    for symbol in MARKETS:
        flat[f"{symbol}_fee"] = "0.400"
    return json_reply(flat)


def user_transactions(question: Question) -> Reply:
    """Send rows as they are stored; one market's are its trades only."""
    market = question.parts.get("market")
    selection = selection_of(question.form, now=question.now, limit_cap=question.faults.limit_cap)
    rows = question.account.page(selection, market=market)
    if market is not None and market not in MARKETS and not rows:
        raise invalid("Currency pair not found", "404.003", status=404)
    return rows_reply(rows)


# Deposits and withdrawals


def crypto_transactions(question: Question) -> Reply:
    """Send three arrays, cut one by one or, by a switch, all together.

    How the exchange cuts three arrays by one limit is not known
    (docs/facts/exchange.md, "Not known").
    """
    wanted = slice_of(question.form, now=question.now)
    account = question.account
    with_ious = question.form.get("include_ious", "").lower() in {"true", "1"}
    arrays = {
        "ripple_iou_transactions": [_iou(event) for event in account.events("3", "4")]
        if with_ious
        else [],
        "deposits": [_deposit(event) for event in _crypto(account, "0")],
        "withdrawals": [_withdrawal(event) for event in _crypto(account, "1")],
    }
    if question.faults.crypto_pages_merged:
        return json_reply(_cut_together(arrays, wanted))
    return json_reply({name: _cut(rows, wanted) for name, rows in arrays.items()})


def _cut_together(
    arrays: Mapping[str, list[dict[str, object]]], wanted: Slice
) -> dict[str, list[dict[str, object]]]:
    merged = [row | {"array": name} for name, rows in arrays.items() for row in rows]
    merged.sort(key=lambda row: int(str(row["datetime"])), reverse=True)
    cut: dict[str, list[dict[str, object]]] = {name: [] for name in arrays}
    for row in _cut(merged, wanted):
        cut[str(row.pop("array"))].append(row)
    return cut


def crypto_deposits(question: Question) -> Reply:
    """Send the deposits alone, under the newer field names."""
    wanted = slice_of(question.form, now=question.now)
    status = question.form.get("status", "").upper()
    rows = []
    for event in _crypto(question.account, "0"):
        row = _deposit(event)
        row["destination_address"] = row.pop("destinationAddress")
        if status in {"", row["status"]}:
            rows.append(row)
    return json_reply(_cut(rows, wanted))


def _crypto(account: Account, kind: str) -> list[Event]:
    """Return movements of coins, newest first; money of states does not appear here."""
    return [
        event
        for event in reversed(account.events(kind))
        if event.legs and not _currency_of(event).is_fiat
    ]


def _currency_of(event: Event) -> Currency:
    code = event.legs[0].currency.lower()
    unlisted = Currency(code=code, name=code, decimals=8, networks=(code,), withdrawal_type=100)
    return CURRENCIES.get(code, unlisted)


def _cut(rows: Iterable[dict[str, object]], wanted: Slice) -> list[dict[str, object]]:
    fitting = [
        row
        for row in rows
        if (wanted.since_s is None or int(str(row["datetime"])) >= wanted.since_s)
        and (wanted.until_s is None or int(str(row["datetime"])) <= wanted.until_s)
    ]
    return fitting[wanted.offset : wanted.offset + wanted.limit]


def _made_up(event: Event, what: str) -> str:
    """Return hex digits that belong to this event for good."""
    return hashlib.sha256(f"{what}/{event.id}".encode()).hexdigest()


def _address(event: Event) -> str:
    digits = _made_up(event, "address")
    if _currency_of(event).code == "xrp":
        return f"r{digits[:33]}?dt={int(digits[:6], 16)}"
    return f"0x{digits[:40]}"


def _float(value: Decimal) -> msgspec.Raw:
    """Return a JSON number as float printing shows it: such fields are numbers on the wire."""
    return msgspec.Raw(repr(float(value)).encode())


def _deposit(event: Event) -> dict[str, object]:
    currency = _currency_of(event)
    return {
        "id": event.id % 10_000_000,
        "currency": currency.code.upper(),
        "network": currency.networks[0],
        "destinationAddress": _address(event),
        "txid": _made_up(event, "txid"),
        "amount": _float(event.legs[0].value),
        "datetime": int(event.time.timestamp()) - _minutes_apart(event) * 60,
        "status": "FINALIZED",
        "pending_reason": "",
    }


def _withdrawal(event: Event) -> dict[str, object]:
    currency = _currency_of(event)
    # Gross here, while the record's leg is net (docs/facts/exchange.md, "Crypto transactions").
    fee = event.fee.value if event.fee else Decimal(0)
    return {
        "currency": currency.code.upper(),
        "network": currency.networks[0],
        "destinationAddress": _address(event),
        "txid": _made_up(event, "txid"),
        "amount": _float(abs(event.legs[0].value) + fee),
        "datetime": int(event.time.timestamp()) + _minutes_apart(event) * 60,
    }


def _minutes_apart(event: Event) -> int:
    """Return by how much the two endpoints disagree: up to an hour has been seen."""
    return int(_made_up(event, "minutes")[:2], 16) % 60


def _iou(event: Event) -> dict[str, object]:
    return {
        "currency": event.legs[0].currency,
        "network": "xrpl",
        "destinationAddress": _address(event),
        "txid": _made_up(event, "txid"),
        "amount": _float(abs(event.legs[0].value)),
        "datetime": int(event.time.timestamp()),
        "type": "withdrawal" if event.legs[0].value < 0 else "deposit",
    }


def withdrawal_requests(question: Question) -> Reply:
    """Send withdrawals of coins and of money, newest first."""
    query = withdrawal_query_of(question.form)
    rows = []
    for event in reversed(question.account.events("1")):
        too_old = query.age_max_s is not None and (
            event.time.timestamp() < question.now - query.age_max_s
        )
        if event.legs and not too_old and query.id in {None, _request_id(event)}:
            rows.append(_withdrawal_request(event))
    return json_reply(rows[query.offset : query.offset + query.limit])


def _request_id(event: Event) -> int:
    return event.id % 10_000_000


def _withdrawal_request(event: Event) -> dict[str, object]:
    currency = _currency_of(event)
    row: dict[str, object] = {
        "id": _request_id(event),
        "datetime": f"{event.time:%Y-%m-%d %H:%M:%S}",
        "type": currency.withdrawal_type,
        "currency": currency.code.upper(),
        "amount": format(abs(event.legs[0].value), "f"),
        "status": 2,
        "txid": event.id,
    }
    if currency.is_fiat:
        return row | {"address": "SANDBOX BANK ACCOUNT"}
    return row | {
        "network": currency.networks[0],
        "address": _address(event),
        "transaction_id": _made_up(event, "txid"),
    }


# Orders


def open_orders(question: Question) -> Reply:
    """Send resting orders, of one market if the path names it."""
    market = question.parts.get("market")
    if market is not None and market not in MARKETS:
        raise invalid("Currency pair not found", "404.003", status=404)
    rows = question.account.open_orders
    if market is None:
        return rows_reply(list(rows))
    name = MARKETS[market].name
    return rows_reply([row for row in rows if decode_record(row).get("market") == name])


def order_status(question: Question) -> Reply:
    """Send an open order, or one that was filled within the last 30 days."""
    form, account = question.form, question.account
    if "id" not in form and "client_order_id" not in form:
        raise invalid("Missing id POST param.", "400.035")
    stated, named = form.get("id", ""), form.get("client_order_id", "")
    for raw in account.open_orders:
        order = decode_record(raw)
        if stated == order.get("id") or (named and named == order.get("client_order_id")):
            return json_reply(_status_of_open(order))
    oldest = dt.datetime.fromtimestamp(question.now, UTC) - _ORDERS_KEPT
    order_id = int(stated) if stated.isascii() and stated.isdigit() else account.order_named(named)
    known = () if order_id is None else account.fills(order_id)
    if order_id is None or not known or known[-1].time < oldest:
        raise invalid("Order not found", "404.002", status=404)
    status = _status_of_filled(known, omit=form.get("omit_transactions") == "True")
    return json_reply(status | {"client_order_id": account.name_of_order(order_id)})


def _status_of_open(order: Mapping[str, object]) -> dict[str, object]:
    return {
        "id": int(str(order["id"])),
        "datetime": order.get("datetime"),
        "type": order.get("type"),
        "status": "Open",
        "market": order.get("market"),
        "amount_remaining": order.get("amount"),
        "client_order_id": order.get("client_order_id"),
        "transactions": [],
    }


def _status_of_filled(fills: tuple[Event, ...], *, omit: bool) -> dict[str, object]:
    first = fills[0]
    status: dict[str, object] = {
        "id": first.order_id,
        "datetime": f"{first.time:%Y-%m-%d %H:%M:%S.%f}",
        "type": _BUY if first.legs[0].value > 0 else _SELL,
        "status": "Finished",
        "market": "/".join(first.pair or ()),
        "amount_remaining": "0.00000000",
    }
    return status if omit else status | {"transactions": [_transaction(fill) for fill in fills]}


def _transaction(fill: Event) -> dict[str, object]:
    """Return a fill as order_status shows it: unsigned legs, an int as type."""
    return {
        "tid": fill.id,
        "price": format(fill.rate or Decimal(0), "f"),
        **{leg.currency.lower(): _eight(leg) for leg in fill.legs},
        "fee": format(fill.fee.value, "f") if fill.fee else "0.00000",
        "datetime": f"{fill.time:%Y-%m-%d %H:%M:%S.%f}",
        "type": int(fill.type),
    }


def _eight(leg: Amount) -> str:
    return format(abs(leg.value).quantize(Decimal(1).scaleb(-8)), "f")


# Fees and markets


def fees_trading(_: Question) -> Reply:
    """Send the fees of every market, in percent."""
    return json_reply([_trading_fee(symbol) for symbol in MARKETS])


def fees_trading_of(question: Question) -> Reply:
    """Send the fees of one market."""
    if question.parts["market"] not in MARKETS:
        raise invalid("Currency pair not found", "404.003", status=404)
    return json_reply(_trading_fee(question.parts["market"]))


def _trading_fee(symbol: str) -> dict[str, object]:
    fees = {"maker": "0.300", "taker": "0.400"}
    return {"currency_pair": symbol, "market": symbol, "fees": fees}


def fees_withdrawal(_: Question) -> Reply:
    """Send the withdrawal fees, one row for each network."""
    return json_reply(
        [row for currency in CURRENCIES.values() for row in _withdrawal_fees(currency)]
    )


def fees_withdrawal_of(question: Question) -> Reply:
    """Send the withdrawal fee of one currency."""
    currency = CURRENCIES.get(question.parts["currency"])
    if currency is None:
        raise invalid("Currency not found", "404.006", status=404)
    rows = _withdrawal_fees(currency)
    wanted = question.form.get("network", rows[0]["network"])
    for row in rows:
        if row["network"] == wanted:
            return json_reply(row)
    raise invalid("Invalid network", "400.001")


def _withdrawal_fees(currency: Currency) -> list[dict[str, str]]:
    fee = format(decimal(currency.withdrawal_fee).quantize(Decimal(1).scaleb(-8)), "f")
    networks = currency.networks or (currency.code,)
    return [{"currency": currency.code, "fee": fee, "network": network} for network in networks]


def my_markets(_: Question) -> Reply:
    """Send the markets that this account may trade."""
    return json_reply([{"name": m.name, "url_symbol": m.symbol} for m in MARKETS.values()])


# Earn


def _need_earn(question: Question) -> None:
    if question.faults.earn_refusal is not None:
        raise earn_refused(question.faults.earn_refusal)


def earn_subscriptions(question: Question) -> Reply:
    """Send one subscription for each currency that was sent to staking."""
    _need_earn(question)
    staked: dict[str, Decimal] = {}
    for event in question.account.events("26"):
        for leg in event.legs:
            staked[leg.currency] = staked.get(leg.currency, Decimal(0)) - leg.value
    return json_reply(
        [
            {
                "currency": currency,
                "type": "STAKING",
                "term": "FLEXIBLE",
                "estimated_annual_yield": Decimal("3.5"),
                "distribution_period": "Weekly",
                "activation_period": "1 day",
                "minimum_subscription_amount": Decimal("0.01"),
                "amount": _float(amount),
                "available_amount": _float(amount),
                "amount_earned": 0,
            }
            for currency, amount in staked.items()
        ]
    )


def earn_transactions(question: Question) -> Reply:
    """Send staking rewards, newest first, in the one place with ISO times."""
    _need_earn(question)
    offset, limit = offset_of(question.form), limit_of(question.form)
    currency = question.form.get("currency", "").upper()
    rows = [
        _earn_transaction(event, question.form.get("quote_currency", "EUR").upper())
        for event in reversed(question.account.events("27"))
        if event.legs and currency in {"", event.legs[0].currency}
    ]
    return json_reply(rows[offset : offset + limit])


def _earn_transaction(event: Event, quote: str) -> dict[str, object]:
    leg = event.legs[0]
    market = MARKETS.get(f"{leg.currency}{quote}".lower())
    worth = price(market, int(event.time.timestamp())) if market else 0
    return {
        "datetime": event.time.replace(microsecond=0).isoformat(),
        "type": "REWARD",
        "amount": _float(leg.value),
        "currency": leg.currency,
        "value": _float(round(leg.value * decimal(worth), 2)),
        "quote_currency": quote,
        "status": "COMPLETED",
    }


# Derivatives


def _derivatives_of(question: Question) -> Derivatives:
    if not question.account.derivatives:
        raise derivatives_refused(question.faults.derivatives_refusal)
    return question.account.derivatives_rows


def trade_history(question: Question) -> Reply:
    """Send trades; without a market in the path an order is needed."""
    data, market = _derivatives_of(question), question.parts.get("market")
    if market is None and "order_id" not in question.form:
        raise unavailable("API5501", "Market or order_id is required.", "order_id")
    return json_reply(trades_asked_for(data.trades, question.form, market))


def position_history(question: Question) -> Reply:
    """Send closed positions, of one market if the path names it."""
    data, market = _derivatives_of(question), question.parts.get("market")
    return json_reply(positions_asked_for(data.positions, question.form, market))


def open_positions(question: Question) -> Reply:
    """Send open positions, of one market if the path names it."""
    data = _derivatives_of(question)
    return json_reply(of_market(data.open_positions, question.parts.get("market")))


def position_status(question: Question) -> Reply:
    """Send one position, open or closed."""
    data = _derivatives_of(question)
    rows = (*data.open_positions, *data.positions)
    return json_reply(row_with(rows, "id", question.parts["id"]))


def position_settlements(question: Question) -> Reply:
    """Send settlements."""
    data = _derivatives_of(question)
    return json_reply(settlements_asked_for(data.settlements, question.form, question.now))


def position_settlement(question: Question) -> Reply:
    """Send one settlement."""
    data = _derivatives_of(question)
    return json_reply(row_with(data.settlements, "transaction_id", question.parts["id"]))


def collateral_currencies(question: Question) -> Reply:
    """Send an empty list: the fields of its rows are not needed by a ledger."""
    _derivatives_of(question)
    return json_reply([])


def margin_info(question: Question) -> Reply:
    """Send the margin."""
    return json_reply(_derivatives_of(question).margin or NO_MARGIN)


READ_ANSWERS: Final[Mapping[str, Answer]] = MappingProxyType(
    {
        answer.__name__: answer
        for answer in (
            account_balance,
            account_balances,
            balance,
            collateral_currencies,
            crypto_deposits,
            crypto_transactions,
            earn_subscriptions,
            earn_transactions,
            fees_trading,
            fees_trading_of,
            fees_withdrawal,
            fees_withdrawal_of,
            margin_info,
            my_markets,
            open_orders,
            open_positions,
            order_status,
            position_history,
            position_settlement,
            position_settlements,
            position_status,
            trade_history,
            user_transactions,
            withdrawal_requests,
        )
    }
)
