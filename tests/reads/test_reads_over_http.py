"""Every read of the catalogue against the sandbox, over real HTTP, by both clients."""

import datetime as dt
from decimal import Decimal
from typing import Any

import attrs
import pytest

import bitstamp_ledger as bl
from bitstamp_ledger.sandbox import Sandbox
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


def test_an_order_shows_its_fills_by_the_ids_of_the_history(sandbox: Sandbox, read: Read) -> None:
    """Only orders of the last 30 days are known; so an open one is asked for."""
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
    """The sandbox has an account for them, and nothing in it."""
    assert read(sandbox, "trade_history", "BTC/USD-PERP") == []
    assert read(sandbox, "trade_history", order_id="17") == []
    assert read(sandbox, "position_history") == []
    assert read(sandbox, "position_settlements") == []
    assert read(sandbox, "open_positions") == ()
    margin = read(sandbox, "margin_info")
    assert (margin.account_margin, margin.initial_margin_ratio) == (Decimal("0.00"), None)


def test_what_is_listed_is_read_without_a_key(sandbox: Sandbox) -> None:
    """Public data goes unsigned."""
    with bl.Client(base_url=sandbox.url) as client:
        currencies = {each.currency: each for each in client.currencies()}
        markets = {each.symbol: each for each in client.markets()}
        ticker = client.ticker("BTC/EUR")
        rate = client.eur_usd()

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
