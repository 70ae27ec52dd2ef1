"""The sandbox over real HTTP: endpoints, life cycle, several at once."""

import socket
import sys
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from bitstamp_ledger.errors import MissingExtraError
from bitstamp_ledger.sandbox import Sandbox, generate_account
from bitstamp_ledger.sandbox._runner import serve
from tests.sandbox.signed_calls import clock, fetch, send


@pytest.fixture(scope="module")
def reader() -> Iterator[Sandbox]:
    """A sandbox that all tests of this module share, since they leave it as it was."""
    with Sandbox(seed=1, transactions=300, clock=clock) as running:
        yield running


def test_a_history_is_read_page_by_page_without_loss() -> None:
    """since_id is inclusive, so every page but the first begins with a known row."""
    with Sandbox(seed=2, transactions=2_500, clock=clock) as sandbox:
        seen: dict[int, Any] = {}
        since = 1
        for _ in range(5):
            body = f"since_id={since}&sort=asc&limit=1000"
            rows = send(sandbox, "POST", "user_transactions/", body=body).json()
            seen |= {row["id"]: row for row in rows}
            since = rows[-1]["id"]

        assert list(seen) == [record["id"] for record in sandbox.records]
        assert sandbox.writes == []
        assert {request.status for request in sandbox.requests} == {200}


def test_balances_list_every_currency(reader: Sandbox) -> None:
    """Zeros included, all as text, total = available + reserved."""
    rows = send(reader, "POST", "account_balances/").json()
    one = send(reader, "POST", "account_balances/eur/").json()

    assert {"currency", "total", "available", "reserved"} == set(rows[0])
    assert one in rows
    assert any(row["total"] == "0.00000000" for row in rows)
    assert any(row["reserved"] not in {"0.00", "0.00000000", "0.000000"} for row in rows)
    for row in rows:
        parts = float(row["available"]) + float(row["reserved"])
        assert float(row["total"]) == pytest.approx(parts)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "balance/"),
        ("POST", "crypto-transactions/"),
        ("GET", "crypto-transactions/deposits/"),
        ("POST", "withdrawal-requests/"),
        ("POST", "open_orders/"),
        ("POST", "open_orders/all/"),
        ("POST", "open_orders/btceur/"),
        ("POST", "fees/trading/"),
        ("POST", "fees/trading/btceur/"),
        ("POST", "fees/withdrawal/"),
        ("POST", "fees/withdrawal/btc/"),
        ("POST", "my_markets/"),
        ("GET", "my_markets/"),
        ("GET", "earn/subscriptions/"),
        ("GET", "earn/transactions/"),
    ],
)
def test_every_other_read_is_answered_and_signed(reader: Sandbox, method: str, path: str) -> None:
    """With something in it, and the signature of the exchange."""
    reply = send(reader, method, path)

    assert reply.status_code == 200
    assert reply.json()
    assert len(reply.headers["x-server-auth-signature"]) == 64


@pytest.mark.parametrize(
    "path",
    [
        "trade_history/",
        "trade_history/btcusd-perp/",
        "position_history/",
        "position_settlement_transactions/",
        "open_positions/",
        "margin_info/",
    ],
)
def test_derivatives_are_refused_unless_the_account_has_them(reader: Sandbox, path: str) -> None:
    """With the code that means: does not apply."""
    without = send(reader, "GET", path)
    reader.account.derivatives = True
    having = send(reader, "GET", path)
    reader.account.derivatives = False

    assert (without.status_code, without.json()["code"]) == (400, "API5506")
    assert having.status_code == (400 if path == "trade_history/" else 200)


def test_crypto_transactions_complete_the_records() -> None:
    """Withdrawals are gross here, and net with an extra fee in the record."""
    with Sandbox(seed=3, transactions=1_000, clock=clock) as sandbox:
        reply = send(sandbox, "POST", "crypto-transactions/", body="limit=1000").json()
        gross = sorted(row["amount"] for row in reply["withdrawals"])
        expected = sorted(
            float(abs(event.legs[0].value) + event.fee.value)
            for event in sandbox.truth.events
            if event.type == "1" and event.fee and event.legs[0].currency not in {"EUR", "USD"}
        )

        assert set(reply) == {"ripple_iou_transactions", "deposits", "withdrawals"}
        assert gross == expected
        assert all(row["status"] == "FINALIZED" for row in reply["deposits"])


def test_a_recent_order_shows_its_fills(served: Sandbox) -> None:
    """Unsigned legs, int types, and the ids of the records."""
    served.append(
        {
            "id": 900_000_001,
            "order_id": 77,
            "type": "2",
            "datetime": "2025-11-30 10:00:00",
            "eth": "-0.5",
            "eur": "1000.00",
            "eth_eur": "2000",
            "fee": "4.00000",
        }
    )
    order = send(served, "POST", "order_status/", body="id=77").json()
    old = next(record["order_id"] for record in served.records if record.get("order_id"))

    assert (order["status"], order["market"], order["type"]) == ("Finished", "ETH/EUR", "1")
    assert order["transactions"] == [
        {
            "tid": 900_000_001,
            "price": "2000",
            "eth": "0.50000000",
            "eur": "1000.00000000",
            "fee": "4.00000",
            "datetime": "2025-11-30 10:00:00.000000",
            "type": 2,
        }
    ]
    assert send(served, "POST", "order_status/", body=f"id={old}").status_code == 404


def get(sandbox: Sandbox, path: str) -> Any:
    return fetch(f"{sandbox.url}/api/v2/{path}").json()


def test_public_endpoints_are_answered_without_a_key(reader: Sandbox) -> None:
    """The ones that a ledger uses, and what other clients load first."""
    assert {row["currency"] for row in get(reader, "currencies/")} > {"EUR", "BTC", "1INCH"}
    assert {row["market_symbol"] for row in get(reader, "markets/")} > {"btceur", "ethbtc"}
    assert get(reader, "trading-pairs-info/")[0]["url_symbol"] == "btceur"
    assert get(reader, "ticker/btceur/")["last"]
    assert len(get(reader, "ticker/")) == len(get(reader, "markets/"))
    assert set(get(reader, "eur_usd/")) == {"buy", "sell"}
    assert get(reader, "transactions/btceur/")[0]["tid"]
    assert get(reader, "order_book/btceur/")["bids"]


def test_a_ticker_of_no_market_is_the_list_of_all(reader: Sandbox) -> None:
    """Status 200: the type tells."""
    assert isinstance(get(reader, "ticker/nilnil/"), list)
    assert get(reader, "ticker/?limit=1")["response_code"] == "400.018"


def test_candles_end_where_they_should(reader: Sandbox) -> None:
    """If both ends are given, the end wins."""

    def stamps(query: str) -> list[int]:
        reply = get(reader, f"ohlc/btceur/?step=3600&{query}")
        return [int(candle["timestamp"]) for candle in reply["data"]["ohlc"]]

    assert stamps("limit=2") == [1_764_630_000, 1_764_633_600]
    assert stamps("limit=2&exclude_current_candle=true") == [1_764_626_400, 1_764_630_000]
    assert stamps("limit=2&start=1700000000") == [1_700_002_800, 1_700_006_400]
    assert stamps("limit=2&start=1700000000&end=1600000000") == [1_599_994_800, 1_599_998_400]
    assert get(reader, "ohlc/btceur/?step=61&limit=2")["status"] == "error"


def test_it_leaves_no_thread_and_no_socket_behind() -> None:
    """The port is free at once, with a connection still open."""
    before = threading.active_count()
    with httpx.Client() as client, Sandbox(seed=1, transactions=5, clock=clock) as sandbox:
        client.get(f"{sandbox.url}/api/v2/eur_usd/")
        host, _, port = sandbox.url.removeprefix("http://").partition(":")
        sandbox.stop()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((host, int(port)))

    assert threading.active_count() == before


def test_it_serves_on_a_socket_that_was_bound_before() -> None:
    """So that nobody can take the port in between."""
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    with Sandbox(seed=1, transactions=5, listener=listener) as sandbox:
        assert sandbox.url == f"http://127.0.0.1:{port}"
        assert fetch(f"{sandbox.url}/api/v2/eur_usd/").status_code == 200

    assert listener.fileno() == -1


def test_several_run_side_by_side() -> None:
    """With nothing in common."""
    with (
        Sandbox(seed=1, transactions=5, clock=clock) as first,
        Sandbox(seed=2, transactions=9, clock=clock) as second,
    ):
        rows = [len(send(each, "POST", "user_transactions/").json()) for each in (first, second)]

        assert rows == [5, 9]
        assert len(first.requests) == len(second.requests) == 1


def test_a_stopped_sandbox_says_so() -> None:
    """And can be started again."""
    sandbox = Sandbox(seed=1, transactions=5)
    with pytest.raises(RuntimeError, match="with statement"):
        _ = sandbox.url
    with sandbox, pytest.raises(RuntimeError, match="already"):
        sandbox.start()
    with sandbox:
        assert get(sandbox, "eur_usd/")


def test_serving_in_the_foreground_announces_itself() -> None:
    """Until it is interrupted, which the announcement does here at once."""
    announced: list[str] = []

    def announce(sandbox: Sandbox) -> None:
        announced.append(sandbox.url)
        assert get(sandbox, "eur_usd/")
        raise KeyboardInterrupt

    serve(seed=1, transactions=5, announce=announce)

    assert len(announced) == 1


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Serving needs packages that reading a ledger does not."""
    monkeypatch.setitem(sys.modules, "bitstamp_ledger.sandbox._server", None)

    with pytest.raises(MissingExtraError, match=r"pip install 'bitstamp-ledger\[sandbox\]'"):
        Sandbox(seed=1, transactions=5).start()


def test_there_is_no_client_in_here() -> None:
    """The sandbox cannot share the mistakes of the client that it tests."""
    assert not hasattr(Sandbox, "client")


def test_one_account_and_one_file_are_too_many() -> None:
    """Which one should win?"""
    with pytest.raises(ValueError, match="not both"):
        Sandbox(account=generate_account(1, 1), account_file="x.json")
