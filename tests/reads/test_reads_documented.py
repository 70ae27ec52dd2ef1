"""Documented samples with their values changed, and what else the wire is known to hold.

The flows are played without a network; docs/facts/exchange.md names the sections.
"""

import datetime as dt
import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitstamp_ledger.api import (
    CryptoKind,
    Manners,
    NotAvailable,
    Reading,
    RetryPolicy,
    open_crypto_deposits,
    open_crypto_transactions,
    open_earn_transactions,
    open_position_history,
    open_position_settlements,
    open_trade_history,
    open_withdrawal_requests,
    read_balance,
    read_currencies,
    read_earn_subscriptions,
    read_eur_usd,
    read_margin_info,
    read_markets,
    read_my_markets,
    read_open_orders,
    read_open_positions,
    read_order_status,
    read_ticker,
    read_trading_fees,
    read_withdrawal_fees,
    walk_candles,
)
from bitstamp_ledger.errors import InvalidCallError, UnreadableReplyError
from bitstamp_ledger.model import UTC, Amount, Side
from tests.api.scripts import answer, good, play, script

MANNERS = Manners(retry=RetryPolicy(attempts_max=1))
ONE_DAY = dt.timedelta(days=1)


def at(*parts: int) -> dt.datetime:
    year, month, day, hour, minute, second, micros = (*parts, 0, 0, 0, 0)[:7]
    return dt.datetime(year, month, day, hour, minute, second, micros, tzinfo=UTC)


def read(flow: Any, payload: object) -> Any:
    """Play a flow against one reply."""
    return play(flow, lambda _: good(payload)).result


def listed(opening: Any, *pages: object) -> list[Any]:
    """Play a list to its end against these pages, and empty ones after them."""
    rest = [good(page) for page in pages]

    def server(_: object) -> Any:
        return rest.pop(0) if rest else good(EMPTY_ARRAYS if arrays else [])

    arrays = isinstance(pages[0], dict | str) and "deposits" in str(pages[0])
    opened = play(opening, server).result
    assert not isinstance(opened, NotAvailable)
    return play(opened, server).emitted


EMPTY_ARRAYS: dict[str, list[object]] = {
    "ripple_iou_transactions": [],
    "deposits": [],
    "withdrawals": [],
}


def test_crypto_transactions_have_numbers_unix_times_and_camel_case() -> None:
    """Amounts are printed floats: their digits are taken, in exponent form too."""
    page = """{"ripple_iou_transactions": [],
      "deposits": [{"id": 712001, "currency": "BTC", "network": "bitcoin",
        "destinationAddress": "bc1qdeposit", "txid": "aa12", "amount": 1e-8,
        "datetime": 1731412001, "status": "FINALIZED", "pending_reason": "", "new_key": [1]}],
      "withdrawals": [{"currency": "ETH", "network": "ethereum", "destinationAddress": "0xabc",
        "txid": "0xbb23", "amount": 1.2005, "datetime": 1731500001}]}"""
    deposit, withdrawal = listed(open_crypto_transactions(MANNERS), page)

    assert (deposit.kind, withdrawal.kind) == (CryptoKind.DEPOSIT, CryptoKind.WITHDRAWAL)
    assert (deposit.id, deposit.currency, deposit.amount) == (712001, "BTC", Decimal("1E-8"))
    assert deposit.time == at(2024, 11, 12, 11, 46, 41)
    assert (deposit.address, deposit.chain_hash) == ("bc1qdeposit", "aa12")
    assert (deposit.status, deposit.pending_reason) == ("FINALIZED", None)
    assert deposit.raw["new_key"] == [1]
    assert (withdrawal.amount, withdrawal.id, withdrawal.status) == (Decimal("1.2005"), None, None)


@pytest.mark.parametrize("spelt", ["destinationAddress", "destination_address"])
def test_an_address_is_found_under_either_spelling(spelt: str) -> None:
    """Camel case in one endpoint, snake case in the other."""
    row = {"currency": "XRP", "amount": 5, "datetime": "1731412001", spelt: "r9?dt=7"}
    (deposit,) = listed(open_crypto_deposits(MANNERS), [row])

    assert (deposit.address, deposit.network, deposit.amount) == ("r9?dt=7", None, Decimal(5))
    assert deposit.time == at(2024, 11, 12, 11, 46, 41)


def test_withdrawal_requests_are_read_in_both_generations() -> None:
    """Newer ones with numbers and a hash; those recorded in 2017 with texts and gaps."""
    newer = {
        "id": 4455001,
        "datetime": "2025-03-04 10:11:13",
        "type": 1,
        "currency": "BTC",
        "network": "bitcoin",
        "amount": "0.03500000",
        "status": 2,
        "txid": 99887001,
        "address": "bc1qother",
        "transaction_id": "cc34",
    }
    older = {"id": 901, "datetime": "2017-01-02 03:04:05", "type": 0, "amount": "70.00"}
    older |= {"status": "8", "data": "", "address": "", "transaction_id": None}
    new, old = listed(open_withdrawal_requests(MANNERS), [newer, older])

    assert (new.id, new.internal_id, new.chain_hash) == (4455001, 99887001, "cc34")
    assert (new.time, new.amount) == (at(2025, 3, 4, 10, 11, 13), Decimal("0.03500000"))
    assert (old.status, old.currency, old.address, old.chain_hash) == (8, None, None, None)


def test_open_orders_keep_what_derivatives_add() -> None:
    """Market orders have no limit; most keys are optional."""
    row = {
        "id": "1920000000000007",
        "datetime": "2025-11-02 08:15:31",
        "type": "1",
        "price": "3100.50",
        "amount": "0.20000000",
        "amount_at_create": "0.50000000",
        "currency_pair": "ETH/EUR",
        "market": "ETH/USD-PERP",
        "leverage": "3.0",
        "reduce_only": True,
        "stop_price": None,
    }
    (order,) = read(read_open_orders(None, MANNERS), [row])

    assert (order.id, order.side, order.market) == (1920000000000007, Side.SELL, "ETH/USD-PERP")
    assert (order.price, order.amount) == (Decimal("3100.50"), Decimal("0.20000000"))
    assert (order.leverage, order.reduce_only, order.stop_price) == (Decimal("3.0"), True, None)
    assert order.unread == ()


def test_an_order_tells_its_fills_in_unsigned_amounts() -> None:
    """The type is a number there, and a newer key is no currency."""
    fill = {
        "tid": 501000222,
        "price": "3100.00",
        "eth": "0.20000000",
        "eur": "620.00000000",
        "fee": "2.48000",
        "datetime": "2025-11-02 08:15:30.322000",
        "type": 2,
        "trade_uti": "5493",
    }
    status = {
        "id": 1920000000000007,
        "datetime": "2025-11-02 08:15:30.120000",
        "type": "0",
        "status": "Finished",
        "market": "ETH/EUR",
        "amount_remaining": "0.00000000",
        "client_order_id": "",
        "transactions": [fill],
    }
    order = read(read_order_status(1920000000000007, None, MANNERS), status)

    (execution,) = order.transactions
    assert (order.status, order.side, order.client_order_id) == ("Finished", Side.BUY, None)
    assert (execution.transaction_id, execution.code) == (501000222, "2")
    assert execution.amounts == (Amount("0.20000000", "ETH"), Amount("620.00000000", "EUR"))
    assert execution.time == at(2025, 11, 2, 8, 15, 30, 322000)
    assert execution.fee == Decimal("2.48000")


def test_an_order_is_asked_for_by_one_id() -> None:
    """The exchange's, or the client's."""
    asked = play(
        read_order_status(None, "mine-1", MANNERS), lambda _: good({"id": 5, "status": "Open"})
    )
    assert asked.calls[0].parameters == {"client_order_id": "mine-1"}
    assert asked.result.time is None


def test_trading_fees_are_percent() -> None:
    """One object for one market, an array for all; the newer name of the market counts."""
    row = {
        "currency_pair": "btcusd",
        "market": "btcusd",
        "fees": {"maker": "0.300", "taker": 0.4},
    }
    for payload in (row, [row]):
        (fee,) = read(read_trading_fees("btcusd", MANNERS), payload)
        assert (fee.market, fee.maker, fee.taker) == ("btcusd", Decimal("0.300"), Decimal("0.4"))


def test_withdrawal_fees_name_currency_and_network() -> None:
    """One row for each network."""
    rows = [{"currency": "usdc", "fee": "5.50000000", "network": "stellar"}]
    (fee,) = read(read_withdrawal_fees(None, None, MANNERS), rows)
    assert (fee.currency, fee.fee, fee.network) == ("USDC", Decimal("5.50000000"), "stellar")


def test_earn_has_numbers_and_iso_times() -> None:
    """Times with their own offset are turned to UTC."""
    row = {
        "datetime": "2025-11-15T04:09:14+02:00",
        "type": "REWARD",
        "amount": 0.135003,
        "currency": "ALGO",
        "value": 0.02,
        "quote_currency": "EUR",
        "status": "COMPLETED",
    }
    (reward,) = listed(open_earn_transactions(None, None, MANNERS), {"data": [row]})
    assert reward.time == at(2025, 11, 15, 2, 9, 14)
    assert (reward.amount, reward.value) == (Decimal("0.135003"), Decimal("0.02"))

    subscription = {"currency": "ETH", "type": "STAKING", "term": "FLEXIBLE", "amount": 1.50}
    (staked,) = read(read_earn_subscriptions(MANNERS), {"data": [subscription], "pagination": {}})
    assert (staked.currency, staked.amount, staked.amount_earned) == ("ETH", Decimal("1.5"), None)


def test_derivatives_have_microseconds_and_nulls() -> None:
    """All numbers are texts there, and ids too."""
    position = {
        "id": "77",
        "market": "BTC/USD-PERP",
        "market_type": "PERPETUAL",
        "pnl_currency": "usd",
        "pnl": "-12.50",
        "cumulative_funding": "0.75",
        "cumulative_socialized_loss": None,
        "time_opened": "1750000000123456",
        "time_closed": "1750003600000000",
    }
    (closed,) = listed(open_position_history(MANNERS), [position])
    assert closed.time_opened == at(2025, 6, 15, 15, 6, 40, 123456)
    assert (closed.pnl, closed.pnl_currency) == (Decimal("-12.50"), "USD")
    assert closed.cumulative_socialized_loss is None
    (opened,) = read(read_open_positions(MANNERS), [position | {"time_closed": ""}])
    assert (opened.id, opened.time_closed) == ("77", None)

    settlement = {
        "transaction_id": "9001",
        "settlement_time": 1750003600,
        "settlement_type": "PERIODIC",
        "pnl_component_funding": "-0.25",
    }
    (settled,) = listed(open_position_settlements(MANNERS), [settlement])
    assert settled.time == at(2025, 6, 15, 16, 6, 40)
    assert settled.pnl_component_funding == Decimal("-0.25")

    trade = {"trade_id": 31, "datetime": "2025-06-15 16:00:00", "price": "9", "amount": "0.1"}
    (fill,) = listed(open_trade_history("btcusd-perp", None, MANNERS), [trade], [trade])
    assert (fill.trade_id, fill.price, fill.fee) == ("31", Decimal(9), None)

    info = {"account_margin": "10.00", "assets": [{"asset": "usd", "total_amount": "10.00"}]}
    margin = read(read_margin_info(MANNERS), {"data": info})
    assert (margin.account_margin, margin.assets[0].asset) == (Decimal("10.00"), "USD")
    assert margin.maintenance_margin_ratio is None


def test_currencies_and_markets_keep_their_decimals() -> None:
    """A documented field may be missing on the wire."""
    currency = {
        "name": "Bitcoin",
        "currency": "BTC",
        "type": "crypto",
        "decimals": 8,
        "networks": [{"network": "bitcoin", "withdrawal_minimum_amount": "0.0002"}],
    }
    (bitcoin,) = read(read_currencies(MANNERS), [currency])
    assert bitcoin.networks[0].withdrawal_minimum_amount == Decimal("0.0002")
    assert (bitcoin.decimals, bitcoin.deposit) == (8, None)

    market = {"name": "1INCH/USD", "market_symbol": "1inchusd", "base_currency": "1INCH"}
    (inch,) = read(read_markets(MANNERS), [market | {"minimum_order_value": 10, "isin": ""}])
    assert (inch.symbol, inch.base_currency, inch.tick_size) == ("1inchusd", "1INCH", None)
    assert inch.minimum_order_value == Decimal(10)


def test_a_ticker_is_found_among_all_of_them() -> None:
    """An array where one was asked for is looked through before it is taken for a refusal."""
    rows = [
        {"timestamp": "1731369600", "last": "1.5", "market": "ADA/EUR"},
        {"timestamp": "1731369600", "last": "80000", "pair": "BTC/EUR", "percent_change_24": None},
    ]
    ticker = read(read_ticker("BTC/EUR", MANNERS), rows)
    assert (ticker.last, ticker.market) == (Decimal(80000), "BTC/EUR")
    with pytest.raises(InvalidCallError):
        read(read_ticker("ETH/EUR", MANNERS), rows)


def test_the_rate_of_euros_is_two_numbers() -> None:
    """As texts."""
    rate = read(read_eur_usd(MANNERS), {"buy": "1.0877", "sell": "1.0855"})
    assert (rate.buy, rate.sell) == (Decimal("1.0877"), Decimal("1.0855"))


@pytest.mark.parametrize("shape", ["object", "array"])
def test_the_balance_of_one_currency_is_one_object(shape: str) -> None:
    """An array of one is the same."""
    row = {"currency": "btc", "total": "1.50", "available": "1.00", "reserved": "0.50"}
    balance = read(read_balance("BTC", MANNERS), row if shape == "object" else [row])
    assert (balance.currency, balance.reserved) == ("BTC", Decimal("0.50"))
    with pytest.raises(UnreadableReplyError):
        read(read_balance("BTC", MANNERS), [row, row])


class TestMyMarkets:
    """The documentation says GET; those who tried say that only POST works."""

    ROWS = ({"name": "BTC/EUR", "url_symbol": "btceur"},)

    @pytest.mark.parametrize(("status", "body"), [(405, b""), (404, b"<html>not found</html>")])
    def test_the_other_method_is_tried_where_the_first_is_refused(
        self, status: int, body: bytes
    ) -> None:
        """By a status that says so."""
        server = script(answer(status, body), good(list(self.ROWS)))
        played = play(read_my_markets(MANNERS), server)
        assert [market.symbol for market in played.result] == ["btceur"]
        assert [call.method for call in played.calls] == ["POST", "GET"]

    def test_where_neither_works_the_endpoint_is_not_there(self) -> None:
        """It is told with the first refusal."""
        server = script(answer(404, b""), answer(400, b"POST Only Endpoint"))
        played = play(read_my_markets(MANNERS), server)
        assert isinstance(played.result, NotAvailable)
        assert played.result.endpoint == "my_markets"

    def test_a_refusal_of_another_kind_is_about_more_than_the_method(self) -> None:
        """It is raised at once."""
        invalid = {"status": "error", "reason": "x", "response_code": "400.001"}
        with pytest.raises(InvalidCallError):
            play(read_my_markets(MANNERS), script(answer(400, invalid)))

    def test_a_refused_key_is_not_asked_twice(self) -> None:
        """The method has nothing to do with it."""
        denied = {"status": "error", "reason": "No permission found", "code": "API0003"}
        played = play(read_my_markets(MANNERS), lambda _: answer(403, denied))
        assert isinstance(played.result, NotAvailable)
        assert len(played.calls) == 1


class TestCandles:
    """Walked by their start; where start and end are sent, the exchange looks at the end alone."""

    START = at(2024, 1, 1)

    @staticmethod
    def candle(day: int) -> dict[str, str]:
        names = ("open", "high", "low", "close", "volume")
        time = int((TestCandles.START + day * ONE_DAY).timestamp())
        return {"timestamp": str(time)} | dict.fromkeys(names, "1.50")

    def server(self, listed_days: set[int], cap: int = 1000) -> Any:
        def respond(call: Any) -> Any:
            assert "end" not in call.parameters
            days = sorted(listed_days)
            if "start" in call.parameters:
                first = (int(call.parameters["start"]) - int(self.START.timestamp())) // 86_400
                days = [day for day in days if first <= day < first + 1000][:cap]
            else:
                days = days[-1:]
            rows = [self.candle(day) for day in days]
            return good({"data": {"market": "BTC/EUR", "pair": "BTC/EUR", "ohlc": rows[::-1]}})

        return respond

    def walk(self, server: Any, start: int, end: int | None) -> list[int]:
        flow = walk_candles(
            "btceur",
            step_s=86_400,
            start=self.START + start * ONE_DAY,
            end=None if end is None else self.START + end * ONE_DAY,
            manners=MANNERS,
        )
        return [(candle.time - self.START).days for candle in play(flow, server).emitted]

    def test_a_time_before_the_market_was_listed_ends_nothing(self) -> None:
        """Empty pages are passed over."""
        assert self.walk(self.server({2500, 2501, 2502}), 0, 2502) == [2500, 2501]

    def test_a_candle_beyond_the_end_shows_that_there_is_no_more(self) -> None:
        """No further request is spent on a gap before the end."""
        server, asked = self.server({0, 10}), []

        def counting(call: Any) -> Any:
            asked.append(call)
            return server(call)

        assert self.walk(counting, 0, 5) == [0]
        assert len(asked) == 1

    def test_a_market_without_candles_has_none(self) -> None:
        """Nor an end."""
        assert self.walk(self.server(set()), 0, None) == []

    @given(
        days=st.sets(st.integers(0, 60), max_size=30),
        cap=st.integers(1, 5),
        start=st.integers(-5, 50),
        end=st.none() | st.integers(-5, 70),
    )
    def test_every_candle_within_the_times_comes_once_in_order(
        self, days: set[int], cap: int, start: int, end: int | None
    ) -> None:
        """Whatever the pages hold, gaps and all."""
        expected = [day for day in sorted(days) if day >= start and (end is None or day < end)]
        assert self.walk(self.server(days, cap), start, end) == expected


class TestStrictness:
    """What the converter takes, and what it does not (docs/facts/exchange.md, "Quirks")."""

    ROW = {"id": 1, "datetime": "2025-01-01 00:00:00", "amount": "1.50"}  # noqa: RUF012

    def request(self, **changed: Any) -> Any:
        body = json.dumps([self.ROW | changed])
        return listed(open_withdrawal_requests(MANNERS), body)[0]

    @pytest.mark.parametrize(
        ("name", "stated"),
        [
            ("amount", True),
            ("amount", None),
            ("amount", ""),
            ("amount", "1_0"),
            ("amount", " 1"),
            ("amount", "\N{ARABIC-INDIC DIGIT ONE}"),
            ("amount", "NaN"),
            ("amount", "Infinity"),
            ("amount", [1]),
            ("amount", {"value": 1}),
            ("id", 1.5),
            ("id", True),
            ("id", "one"),
            ("datetime", "soon"),
            ("datetime", True),
            ("datetime", 10**30),
            ("datetime", "9" * 19),
        ],
    )
    def test_a_needed_field_that_cannot_be_read_names_its_path(
        self, name: str, stated: object
    ) -> None:
        """As it stands on the wire."""
        with pytest.raises(UnreadableReplyError) as failed:
            self.request(**{name: stated})
        (problem,) = failed.value.problems
        assert problem.endswith(f"@ $[0].{name}")

    @pytest.mark.parametrize(
        ("name", "attribute", "stated"),
        [
            ("status", "status", "done"),
            ("status", "status", 1.5),
            ("txid", "internal_id", "0xabc"),
            ("currency", "currency", {"code": "BTC"}),
            ("address", "address", False),
        ],
    )
    def test_an_optional_field_that_cannot_be_read_is_named_and_kept(
        self, name: str, attribute: str, stated: object
    ) -> None:
        """The other fields of the row still count."""
        row = self.request(**{name: stated})
        assert getattr(row, attribute) is None
        assert row.unread == (attribute,)
        assert name in row.raw

    @pytest.mark.parametrize("nothing", [None, "", "None"])
    def test_what_states_nothing_is_none_and_not_unread(self, nothing: object) -> None:
        """Not stated is None, never zero."""
        row = self.request(status=nothing, txid=nothing)
        assert (row.status, row.internal_id, row.unread) == (None, None, ())

    @pytest.mark.parametrize(
        ("stated", "expected"),
        [
            ('"0.10"', "0.10"),
            ("0.10", "0.10"),
            ("1e-8", "1E-8"),
            ("5", "5"),
            ("12345678901234567890.123456789012345678", "12345678901234567890.123456789012345678"),
        ],
    )
    def test_a_number_keeps_its_digits_as_text_or_as_number(
        self, stated: str, expected: str
    ) -> None:
        """None passes through a binary float."""
        body = json.dumps([self.ROW]).replace('"1.50"', stated)
        (row,) = listed(open_withdrawal_requests(MANNERS), body)
        assert str(row.amount) == expected

    @given(st.text(max_size=10) | st.integers() | st.booleans() | st.none() | st.floats())
    def test_any_value_anywhere_is_read_or_is_our_error(self, stated: object) -> None:
        """Nothing else leaves the converter."""
        for name in ("id", "datetime", "amount", "currency", "status"):
            try:
                row = self.request(**{name: stated})
            except UnreadableReplyError:
                continue
            assert isinstance(row, Reading)

    @pytest.mark.parametrize(
        "body", [b"", b"[", b"null", b"7", b'"text"', b"[null]", b"[[]]", b"[" * 100_000]
    )
    def test_what_is_no_array_of_objects_is_unreadable(self, body: bytes) -> None:
        """And never an empty list."""
        with pytest.raises(UnreadableReplyError):
            listed(open_withdrawal_requests(MANNERS), body)
        with pytest.raises(UnreadableReplyError):
            listed(open_crypto_transactions(MANNERS), body)

    @pytest.mark.parametrize(
        "payload",
        [
            {"deposits": {}},
            {"deposits": None},
            {"deposits": [], "withdrawals": "none"},
            {"unknown": []},
            [],
        ],
    )
    def test_three_arrays_must_be_arrays(self, payload: object) -> None:
        """An object would give its keys as rows."""
        with pytest.raises(UnreadableReplyError):
            read(open_crypto_transactions(MANNERS), payload)
