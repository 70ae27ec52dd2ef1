"""Every read of the catalogue against the sandbox, over real HTTP, by both clients."""

import datetime as dt
import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import attrs
import msgspec
import pytest

import bitstamp_ledger as bl
from bitstamp_ledger.api import Endpoint, recognise
from bitstamp_ledger.sandbox import Account, Derivatives, Sandbox, generate_account
from tests.reads.readers import Read, say

HOUR = dt.timedelta(hours=1)
START = dt.datetime(2024, 3, 1, tzinfo=dt.UTC)

LISTS = (
    "open_orders",
    "trading_fees",
    "withdrawal_fees",
    "my_markets",
    "earn_subscriptions",
    "earn_transactions",
    "crypto_transactions",
    "crypto_deposits",
    "withdrawal_requests",
    "position_history",
    "position_settlements",
    "open_positions",
    "currencies",
    "markets",
)


def records_of(sandbox: Sandbox, *types: str) -> list[dict[str, object]]:
    return [record for record in sandbox.records if str(record["type"]) in types]


def test_the_balance_of_one_currency_is_that_of_all_balances(sandbox: Sandbox, read: Read) -> None:
    """Asked for in either case."""
    every = {balance.currency: balance for balance in read(sandbox, "balances")}

    assert read(sandbox, "balance", "eur") == every["EUR"]
    assert read(sandbox, "balance", "BTC") == every["BTC"]


def test_the_entries_of_one_market_are_its_trades(sandbox: Sandbox, read: Read) -> None:
    """The same entries, with the same identities, as in the whole history."""
    every = read(sandbox, "entries")
    of_market = read(sandbox, "entries", market="BTC/EUR")

    expected = [
        entry
        for entry in every
        if isinstance(entry, bl.Trade)
        and (entry.base.currency, entry.quote.currency) == ("BTC", "EUR")
    ]
    assert 10 < len(of_market) < len(every)
    assert [entry.id for entry in of_market] == [entry.id for entry in expected]


@pytest.mark.parametrize(
    ("method", "keywords", "endpoint"),
    [
        ("entries", {}, "user_transactions"),
        ("entries", {"market": "btceur"}, "user_transactions_of_market"),
        ("crypto_transactions", {}, "crypto_transactions"),
        ("crypto_deposits", {}, "crypto_deposits"),
        ("withdrawal_requests", {}, "withdrawal_requests"),
        ("earn_transactions", {}, "earn_transactions"),
    ],
)
def test_a_progress_bar_sees_every_row_under_its_endpoint(
    sandbox: Sandbox, read: Read, method: str, keywords: dict[str, Any], endpoint: str
) -> None:
    """The observer is told of each page."""
    events: list[object] = []
    rows = read(sandbox, method, observer=events.append, **keywords)

    pages = [event for event in events if isinstance(event, bl.PageRead)]
    assert {page.endpoint for page in pages} == {endpoint}
    assert sum(page.records for page in pages) == len(rows) > 0


def test_crypto_transactions_hold_every_movement_of_coins_once(
    sandbox: Sandbox, read: Read
) -> None:
    """Deposits and withdrawals of money do not appear there."""
    rows = read(sandbox, "crypto_transactions")

    deposits = [row for row in rows if row.kind is bl.CryptoKind.DEPOSIT]
    withdrawals = [row for row in rows if row.kind is bl.CryptoKind.WITHDRAWAL]
    events = [event for event in sandbox.truth.events if event.type in {"0", "1"} and event.legs]
    fiat = {"EUR", "USD", "GBP"}
    coins = [event for event in events if event.legs[0].currency not in fiat]
    assert len(deposits) == sum(event.type == "0" for event in coins) > 3
    assert len(withdrawals) == sum(event.type == "1" for event in coins) > 3
    assert all(row.address and row.chain_hash and row.network for row in rows)
    assert all(row.amount > 0 and type(row.amount) is Decimal for row in rows)


def test_the_deposits_alone_are_those_of_the_three_arrays(sandbox: Sandbox, read: Read) -> None:
    """Field for field, although they are spelt otherwise there."""
    together = [
        row for row in read(sandbox, "crypto_transactions") if row.kind is bl.CryptoKind.DEPOSIT
    ]
    alone = read(sandbox, "crypto_deposits")

    assert [attrs.evolve(row, raw={}) for row in alone] == [
        attrs.evolve(row, raw={}) for row in together
    ]
    assert read(sandbox, "crypto_deposits", status="PENDING") == []


def test_withdrawal_requests_hold_every_withdrawal_once(sandbox: Sandbox, read: Read) -> None:
    """Those of money as well, which have no hash."""
    rows = read(sandbox, "withdrawal_requests")

    assert len(rows) == len(records_of(sandbox, "1"))
    assert len({row.id for row in rows}) == len(rows)
    assert {row.chain_hash is None for row in rows} == {True, False}
    assert all(
        {"limit", "offset"} <= request.parameters.keys()
        for request in sandbox.requests
        if "withdrawal-requests" in request.path
    )


def test_open_orders_are_read_for_all_markets_and_for_one(sandbox: Sandbox, read: Read) -> None:
    """The market may be written either way."""
    every = read(sandbox, "open_orders")

    assert len(every) == len(sandbox.account.open_orders) > 0
    assert all(isinstance(order.side, bl.Side) and order.price > 0 for order in every)
    of_one = read(sandbox, "open_orders", "BTC/EUR")
    assert of_one == tuple(order for order in every if order.market == "BTC/EUR")
    assert of_one == read(sandbox, "open_orders", "btceur")


def test_an_open_order_has_no_fills_yet(sandbox: Sandbox, read: Read) -> None:
    """Its side and its id are those of the list."""
    order = read(sandbox, "open_orders")[0]
    status = read(sandbox, "order_status", order.id)

    assert (status.id, status.status, status.side) == (order.id, "Open", order.side)
    assert status.transactions == ()


def test_an_order_that_is_not_there_is_an_error(sandbox: Sandbox, read: Read) -> None:
    """The endpoint is available; it is the order that is not."""
    with pytest.raises(bl.InvalidCallError) as refused:
        read(sandbox, "order_status", 1)
    assert refused.value.code == "404.002"


def test_fees_are_percent_and_coins(sandbox: Sandbox, read: Read) -> None:
    """Both halves in one value, and each by itself."""
    fees = read(sandbox, "fees")

    assert {fee.market for fee in fees.trading} >= {"btceur", "btcusd"}
    (btceur,) = read(sandbox, "trading_fees", "BTC/EUR")
    assert btceur in fees.trading
    assert btceur.taker == Decimal("0.400")
    (bitcoin,) = read(sandbox, "withdrawal_fees", "BTC")
    assert bitcoin in fees.withdrawal
    assert (bitcoin.currency, bitcoin.fee, bitcoin.network) == (
        "BTC",
        Decimal("0.00050000"),
        "bitcoin",
    )


def test_my_markets_are_asked_for_by_post(sandbox: Sandbox, read: Read) -> None:
    """Documented as GET; those who tried say that only POST works."""
    markets = read(sandbox, "my_markets")

    assert {"btceur": "BTC/EUR", "btcusd": "BTC/USD"}.items() <= {
        market.symbol: market.name for market in markets
    }.items()
    assert [request.method for request in sandbox.requests] == ["POST"]


def test_earn_is_read_with_iso_times_and_decimals(sandbox: Sandbox, read: Read) -> None:
    """The one place with such times."""
    rows = read(sandbox, "earn_transactions")

    assert len(rows) == len(records_of(sandbox, "27")) > 0
    assert all(row.time.utcoffset() == dt.timedelta(0) for row in rows)
    assert all(type(row.amount) is Decimal for row in rows)
    one = rows[0].currency
    of_one = read(sandbox, "earn_transactions", currency=one.lower())
    assert of_one == [row for row in rows if row.currency == one]
    subscriptions = read(sandbox, "earn_subscriptions")
    assert {row.term for row in subscriptions} == {"FLEXIBLE"}


def test_derivatives_are_read_where_the_account_has_them(sandbox: Sandbox, read: Read) -> None:
    """Settlements are records of the history, taken apart."""
    settlements = read(sandbox, "position_settlements")
    records = {str(record["id"]): record for record in records_of(sandbox, "58")}

    assert {row.transaction_id for row in settlements} == records.keys()
    for row in settlements:
        assert row.pnl_currency == "EUR"
        assert row.pnl_settled == Decimal(str(records[row.transaction_id]["eur"]))
        assert row.pnl_settled == (
            row.pnl_component_price + row.pnl_component_fees + row.pnl_component_funding
        )
        assert row.time.tzinfo is dt.UTC


def test_positions_and_their_fills_agree(sandbox: Sandbox, read: Read) -> None:
    """Open and closed ones, and the trades of one market or of one order."""
    (still_open,) = read(sandbox, "open_positions")
    closed = read(sandbox, "position_history")
    fills = read(sandbox, "trade_history", "BTC/USD-PERP")
    of_order = read(sandbox, "trade_history", order_id=fills[0].order_id)

    assert [position.status for position in closed] == ["CLOSED"]
    assert closed[0].time_closed - closed[0].time_opened == dt.timedelta(days=4)
    signed = {"BUY": 1, "SELL": -1}
    assert sum(fill.amount * signed[fill.side] for fill in fills) == still_open.size
    assert of_order == [fill for fill in fills if fill.order_id == fills[0].order_id]
    assert [fill.time for fill in fills] == sorted(fill.time for fill in fills)
    assert read(sandbox, "trade_history", "ETH/USD-PERP") == []


def test_the_margin_is_read_with_its_assets(sandbox: Sandbox, read: Read) -> None:
    """What is not stated is None."""
    margin = read(sandbox, "margin_info")

    assert margin.account_margin == round(sandbox.balances["EUR"], 2)
    assert margin.account_margin == margin.account_margin_available + Decimal("100.00")
    assert (margin.initial_margin_ratio, margin.maintenance_margin_ratio) == (Decimal("0.10"), None)
    assert [asset.asset for asset in margin.assets] == ["EUR"]


MANY = Derivatives(
    trades=tuple(
        {
            "trade_id": str(number),
            "market": "BTC/USD-PERP",
            "datetime": "2025-11-01 00:00:00.5",
            "price": "1",
            "amount": "2",
        }
        for number in range(1, 2_202)
    ),
    positions=tuple(
        {"id": str(number), "market": "BTC/USD-PERP", "time_opened": str(number * 10**9)}
        for number in range(1, 2_202)
    ),
    settlements=tuple(
        {"transaction_id": str(number), "settlement_time": 1_700_000_000 + number}
        for number in range(1, 2_202)
    ),
)


@pytest.mark.parametrize(
    ("method", "args", "name"),
    [
        ("trade_history", ("btcusd-perp",), "trade_id"),
        ("position_history", (), "id"),
        ("position_settlements", (), "transaction_id"),
    ],
)
def test_long_lists_of_derivatives_are_read_whole(
    read: Read, method: str, args: tuple[str, ...], name: str
) -> None:
    """By an inclusive cursor, or by offset; each row once, oldest first."""
    with Sandbox(account=Account(derivatives=MANY)) as sandbox:
        rows = read(sandbox, method, *args)

        assert [int(getattr(row, name)) for row in rows] == list(range(1, 2_202))
        assert len(sandbox.requests) <= 5


@pytest.mark.parametrize("merged", [False, True], ids=["each", "merged"])
def test_crypto_transactions_are_read_whole_however_three_arrays_are_cut(
    read: Read, *, merged: bool
) -> None:
    """Nobody knows whether the limit counts in each array or in all of them together."""
    moves = [
        {
            "id": number,
            "type": str(number % 5 // 3),
            "datetime": f"2025-0{1 + number // 500}-01 00:{number % 60:02}:00",
            "btc": f"{'-' if number % 5 // 3 else ''}0.{number:04}",
            "fee": "0",
        }
        for number in range(1, 3_001)
    ]
    with Sandbox(account=Account([json.dumps(move).encode() for move in moves])) as sandbox:
        sandbox.faults.crypto_pages_merged = merged
        rows = read(sandbox, "crypto_transactions")

        assert len(rows) == 3_000
        assert len({row.chain_hash for row in rows}) == 3_000
        assert sum(row.kind is bl.CryptoKind.WITHDRAWAL for row in rows) == 1_200


def test_a_signed_query_may_lack_its_question_mark(sandbox: Sandbox, read: Read) -> None:
    """What the exchange takes is found by a second try, with a fresh nonce."""
    expected = read(sandbox, "earn_transactions")
    asked = len(sandbox.requests)
    sandbox.faults.query_mark_signed = False

    assert read(sandbox, "earn_transactions") == expected
    assert len(read(sandbox, "crypto_deposits")) > 0
    assert len(read(sandbox, "trade_history", "BTC/USD-PERP")) > 0
    refused = [request for request in sandbox.requests[asked:] if request.status == 403]
    assert len(refused) == 3  # Once for each list, and not once for each page.


def test_a_filled_order_shows_its_fills(read: Read) -> None:
    """By the ids of the history; the newest entries of it."""
    with Sandbox(seed=11, transactions=300) as sandbox:
        order = read(sandbox, "open_orders")[0]
        sandbox.fill_order(order.id, fills=3)
        status = read(sandbox, "order_status", order.id)
        entries = read(sandbox, "entries")

        assert (status.status, status.market) == ("Finished", order.market)
        assert [fill.transaction_id for fill in status.transactions] == [
            entry.transaction_id for entry in entries[-3:]
        ]
        assert {entry.order_id for entry in entries[-3:]} == {order.id}
        assert bl.prove(entries, read(sandbox, "balances")).holds


def test_what_is_listed_is_read_without_a_key(sandbox: Sandbox, read: Read) -> None:
    """Public data goes unsigned, by both clients."""
    currencies = {each.currency: each for each in read(sandbox, "currencies")}
    markets = {each.symbol: each for each in read(sandbox, "markets")}
    ticker = read(sandbox, "ticker", "BTC/EUR")
    rate = read(sandbox, "eur_usd")

    assert (currencies["EUR"].type, currencies["EUR"].networks) == ("fiat", ())
    assert [each.network for each in currencies["BTC"].networks] == ["bitcoin"]
    btceur = markets["btceur"]
    assert (btceur.name, btceur.base_currency, btceur.counter_currency) == (
        "BTC/EUR",
        "BTC",
        "EUR",
    )
    assert ticker.last > 0
    assert ticker.side is bl.Side.BUY
    assert rate.buy > rate.sell
    assert all(request.account is None for request in sandbox.requests)
    with bl.Client(base_url=sandbox.url) as nobody:
        assert nobody.eur_usd().buy > 0


HELD_BACK = ("close", "account", "counts", "clock_skew_s", "key_fingerprint")
"""What a client has besides reads."""

READS: dict[str, tuple[tuple[object, ...], dict[str, Any], type]] = {
    "balances": ((), {}, bl.Balance),
    "balance": (("btc",), {}, bl.Balance),
    "entries": ((), {}, bl.Entry),
    "crypto_transactions": ((), {}, bl.CryptoTransaction),
    "crypto_deposits": ((), {}, bl.CryptoTransaction),
    "withdrawal_requests": ((), {}, bl.WithdrawalRequest),
    "open_orders": ((), {}, bl.OpenOrder),
    "order_status": ((), {"client_order_id": "mine"}, bl.OrderStatus),
    "fees": ((), {}, bl.Fees),
    "trading_fees": ((), {}, bl.TradingFee),
    "withdrawal_fees": (("usdc",), {"network": "solana"}, bl.WithdrawalFee),
    "my_markets": ((), {}, bl.MyMarket),
    "earn_subscriptions": ((), {}, bl.EarnSubscription),
    "earn_transactions": ((), {}, bl.EarnTransaction),
    "trade_history": (("btcusd-perp",), {}, bl.DerivativeTrade),
    "position_history": ((), {}, bl.Position),
    "position_settlements": ((), {}, bl.PositionSettlement),
    "open_positions": ((), {}, bl.Position),
    "margin_info": ((), {}, bl.MarginInfo),
    "currencies": ((), {}, bl.Currency),
    "markets": ((), {}, bl.Market),
    "ticker": (("btceur",), {}, bl.Ticker),
    "candles": (("btceur", 86_400), {"start": START, "end": START + 24 * HOUR}, bl.Candle),
    "eur_usd": ((), {}, bl.EurUsd),
}


@pytest.fixture(scope="module")
def with_everything() -> Iterator[Sandbox]:
    account = generate_account(11, 900, derivatives=True)
    order = msgspec.json.decode(account.open_orders[0]) | {"client_order_id": "mine"}
    account.open_orders = (msgspec.json.encode(order), *account.open_orders[1:])
    with Sandbox(account=account) as sandbox:
        yield sandbox


def test_every_read_of_a_client_is_in_the_table() -> None:
    """A read that nobody tries over HTTP is not offered."""
    for kind in (bl.Client, bl.AsyncClient):
        reads = {
            name
            for name, member in vars(kind).items()
            if not name.startswith("_") and not isinstance(member, property)
        }
        assert reads - {"close"} == READS.keys()


@pytest.mark.parametrize("method", READS)
def test_every_read_brings_values_of_its_type(
    with_everything: Sandbox, read: Read, method: str
) -> None:
    """None of them is empty, and none is anything but an attrs value."""
    args, keywords, kind = READS[method]
    answer = read(with_everything, method, *args, **keywords)
    rows = answer if isinstance(answer, list | tuple) else [answer]

    assert rows
    assert all(isinstance(row, kind) for row in rows)
    assert all(attrs.has(type(row)) for row in rows)


def test_every_endpoint_of_the_catalogue_is_asked_by_some_read(
    with_everything: Sandbox, read: Read
) -> None:
    """Over real HTTP, and answered; the GET form of my_markets only where POST is refused."""
    with_everything._exchange.requests.clear()
    for method, (args, keywords, _) in READS.items():
        read(with_everything, method, *args, **keywords)
    read(with_everything, "entries", market="btceur")
    read(with_everything, "open_orders", "btceur")
    read(with_everything, "trading_fees", "btceur")
    read(with_everything, "withdrawal_fees")
    read(with_everything, "trade_history", order_id="1")
    with_everything.faults.empty_next(405, path="my_markets")
    read(with_everything, "my_markets")
    requests = with_everything.requests

    assert {recognise(request.method, request.path) for request in requests} == set(Endpoint)
    assert [request.status for request in requests if request.status != 200] == [405]
    assert with_everything.writes == []


def test_a_market_that_is_not_listed_has_no_ticker(sandbox: Sandbox, read: Read) -> None:
    """The exchange answers with all others, and status 200."""
    with pytest.raises(bl.InvalidCallError, match="no market xyzeur"):
        read(sandbox, "ticker", "xyzeur")
    assert len(sandbox.requests) == 1  # Asking again is pointless.


def test_candles_come_page_by_page_up_to_the_end(sandbox: Sandbox, read: Read) -> None:
    """The start is inclusive, the end exclusive."""
    candles = read(sandbox, "candles", "btceur", 3600, start=START, end=START + 2_500 * HOUR)

    assert [candle.time for candle in candles] == [START + number * HOUR for number in range(2_500)]
    assert len(sandbox.requests) == 3


def test_candles_without_an_end_reach_the_newest(sandbox: Sandbox, read: Read) -> None:
    """Which the exchange is asked for first: the library has no clock of its own here."""
    day = dt.timedelta(days=1)
    newest = read(sandbox, "ticker", "btceur").time.replace(hour=0, minute=0, second=0)
    candles = read(sandbox, "candles", "btceur", 86_400, start=newest - 4 * day)

    assert [candle.time for candle in candles][:5] == [newest - n * day for n in (4, 3, 2, 1, 0)]


@pytest.mark.parametrize(
    ("method", "args", "keywords"),
    [
        ("candles", ("btceur", 61), {"start": START}),
        ("candles", ("btceur", 60), {"start": START.replace(tzinfo=None)}),
        ("candles", ("../buy", 60), {"start": START}),
        ("order_status", (), {}),
        ("order_status", (1,), {"client_order_id": "x"}),
        ("withdrawal_fees", (), {"network": "bitcoin"}),
        ("trade_history", (), {}),
        ("balance", ("btc/../../buy",), {}),
        ("entries", (), {"market": "btc.eur"}),
    ],
)
def test_what_cannot_be_asked_is_a_value_error_and_nothing_is_sent(
    sandbox: Sandbox, read: Read, method: str, args: tuple[Any, ...], keywords: dict[str, Any]
) -> None:
    """A mistake in the program, not of the exchange."""
    with pytest.raises(ValueError, match=r"\w"):
        read(sandbox, method, *args, **keywords)
    assert sandbox.requests == []


@pytest.mark.parametrize("method", LISTS)
def test_an_object_where_a_list_belongs_is_unreadable(
    sandbox: Sandbox, read: Read, method: str
) -> None:
    """And never an empty list."""
    say(sandbox, b'{"surprise": []}', path="/", count=None)

    with pytest.raises(bl.UnreadableReplyError) as failed:
        read(sandbox, method)
    assert failed.value.problems


@pytest.mark.parametrize("method", LISTS)
def test_an_element_without_needed_fields_is_named_by_its_path(
    sandbox: Sandbox, read: Read, method: str
) -> None:
    """So that whoever reports it can say what is new."""
    rows = b'[{"surprise": 1}]'
    if method == "crypto_transactions":
        rows = b'{"deposits": [], "withdrawals": [{"surprise": 1}]}'
    say(sandbox, rows, path="/", count=None)

    with pytest.raises(bl.UnreadableReplyError) as failed:
        read(sandbox, method)
    assert any("@ $[0]." in problem for problem in failed.value.problems)


def test_one_key_reads_one_account_and_names_it(sandbox: Sandbox) -> None:
    """Two keys of one account under two names are found out by what they bring."""
    settings: dict[str, Any] = {"base_url": sandbox.url}
    first = bl.Credentials(key=sandbox.key, secret=sandbox.secret)
    again = sandbox.add_key()
    second = bl.Credentials(key=again.key, secret=again.secret)
    with (
        bl.Client(first, **settings) as one,
        bl.Client(second, account="savings", **settings) as other,
    ):
        entries, entries_too = list(one.entries()), list(other.entries())

    assert {entry.account for entry in entries_too} == {"savings"}
    comparison = bl.same_account(entries, entries_too)
    assert comparison.verdict is bl.SameAccount.YES
    assert (comparison.shared, comparison.only_a, comparison.only_b) == (len(entries), 0, 0)


def test_the_sandbox_history_is_enriched_without_doubt_or_contradiction(
    sandbox: Sandbox, read: Read
) -> None:
    """Withdrawals are gross in one place and net in the other, and up to an hour apart."""
    entries = read(sandbox, "entries")
    enrichment = bl.enrich(
        entries, read(sandbox, "crypto_transactions"), read(sandbox, "withdrawal_requests")
    )

    assert enrichment.ambiguous == ()
    assert enrichment.rows_left == ()
    assert not any(details.contradictions for details in enrichment.details.values())
    by_id = {entry.id: entry for entry in entries}
    for entry_id, details in enrichment.details.items():
        entry = by_id[entry_id]
        assert isinstance(entry, bl.Deposit | bl.Withdrawal)
        if details.crypto_transaction is not None:
            assert details.chain_hash == details.crypto_transaction.chain_hash
    assert len(enrichment.details) > 10
    # Deposits of money stand nowhere else.
    assert {entry.legs[0].currency for entry in enrichment.entries_left} <= {"EUR", "USD", "GBP"}
