"""Derivatives: made up to match a history, declared in a file, asked for page by page."""

import json
import pathlib
from decimal import Decimal
from typing import Any

import pytest

from bitstamp_ledger.sandbox import Account, Derivatives, Sandbox, generate_account
from tests.sandbox.signed_calls import ask, clock, code_of

MANY = Derivatives(
    trades=tuple(
        {
            "trade_id": str(100 + number),
            "order_id": str(number % 2),
            "market": "BTC/USD-PERP" if number % 3 else "ETH/USD-PERP",
            "datetime": f"2025-11-01 00:00:{number:02}",
        }
        for number in range(30)
    ),
    positions=tuple({"id": str(number), "market": "BTC/USD-PERP"} for number in range(1, 31)),
    settlements=tuple(
        {"transaction_id": str(number), "settlement_time": 1_764_600_000 + number}
        for number in range(1, 31)
    ),
)


@pytest.fixture
def many() -> Sandbox:
    """A sandbox that does not serve, with more rows than a page of ten."""
    return Sandbox(account=Account(derivatives=MANY), clock=clock)


@pytest.fixture(scope="module")
def made_up() -> Sandbox:
    """A sandbox that does not serve, with a made-up history and what belongs to it."""
    return Sandbox(seed=11, transactions=900, derivatives=True, clock=clock)


def got(sandbox: Sandbox, path: str, query: str = "") -> Any:
    reply = ask(sandbox, "GET", path, query=query)
    assert reply.status == 200, reply.body
    return json.loads(reply.body)


def test_settlements_are_those_of_the_history(made_up: Sandbox) -> None:
    """Same id, same amount; and the four components add up to it."""
    rows = got(made_up, "position_settlement_transactions/", "sort=asc")
    events = made_up.account.events("58")

    assert [row["transaction_id"] for row in rows] == [str(event.id) for event in events]
    assert [Decimal(row["pnl_settled"]) for row in rows] == [e.legs[0].value for e in events]
    for row in rows:
        components = [
            Decimal(row[f"pnl_component_{name}"])
            for name in ("price", "fees", "funding", "socialized_loss")
        ]
        assert sum(components) == Decimal(row["pnl_settled"])


def test_each_position_was_opened_and_closed_by_its_fills(made_up: Sandbox) -> None:
    """One is still open."""
    closed = got(made_up, "position_history/")
    still_open = got(made_up, "open_positions/")
    fills = got(made_up, "trade_history/btcusd-perp/")

    assert (len(closed), len(still_open)) == (1, 1)
    bought = sum(Decimal(fill["amount"]) for fill in fills if fill["side"] == "BUY")
    sold = sum(Decimal(fill["amount"]) for fill in fills if fill["side"] == "SELL")
    assert bought - sold == Decimal(still_open[0]["size"])
    assert int(closed[0]["time_closed"]) > int(closed[0]["time_opened"]) > 10**15
    assert got(made_up, f"position_status/{still_open[0]['id']}/") == still_open[0]
    assert got(made_up, f"position_status/{closed[0]['id']}/") == closed[0]


def test_all_numbers_and_ids_are_text_but_one(made_up: Sandbox) -> None:
    """As documented; ``settlement_time`` is an integer."""
    rows = [
        *got(made_up, "trade_history/btcusd-perp/"),
        *got(made_up, "position_history/"),
        *got(made_up, "open_positions/"),
        *got(made_up, "position_settlement_transactions/"),
    ]
    kinds = {name: type(value) for row in rows for name, value in row.items() if value is not None}

    assert {name for name, kind in kinds.items() if kind is not str} == {"settlement_time"}


def test_the_margin_is_what_the_account_holds(made_up: Sandbox) -> None:
    """In the one currency that settles."""
    margin = got(made_up, "margin_info/")

    assert Decimal(margin["account_margin"]) == round(made_up.balances["EUR"], 2)
    assert [asset["asset"] for asset in margin["assets"]] == ["EUR"]


def test_a_short_history_has_an_open_position_at_least() -> None:
    """So that there is something to read."""
    rows = generate_account(1, 5, derivatives=True).derivatives_rows

    assert (len(rows.open_positions), rows.settlements) == (1, ())


def ids(rows: list[dict[str, str]], name: str) -> list[int]:
    return [int(row[name]) for row in rows]


def test_trades_are_walked_by_an_inclusive_cursor(many: Sandbox) -> None:
    """Which forces the limit; without one the limit counts, newest first."""
    path = "trade_history/btcusd-perp/"

    assert ids(got(many, path, "limit=3"), "trade_id") == [129 - n for n in (0, 1, 3)]
    assert ids(got(many, path, "limit=3&sort=asc"), "trade_id") == [101, 102, 104]
    assert ids(got(many, path, "limit=3&sort=asc&after_id=120"), "trade_id") == [
        *(120 + n for n in (0, 2, 3, 5, 6, 8, 9) if (20 + n) % 3),
    ]


def test_trades_are_chosen_by_order_and_time(many: Sandbox) -> None:
    """An order's trades need no market."""
    of_order = got(many, "trade_history/", "order_id=1&limit=1000")
    since = got(many, "trade_history/ethusd-perp/", "since_timestamp=1761955215")
    until = got(many, "trade_history/ethusd-perp/", "until_timestamp=1761955203")

    assert {row["order_id"] for row in of_order} == {"1"}
    assert len(of_order) == 15
    assert sorted(ids(since, "trade_id")) == [115, 118, 121, 124, 127]
    assert sorted(ids(until, "trade_id")) == [100, 103]
    assert code_of(ask(many, "GET", "trade_history/")) == "API5501"
    assert code_of(ask(many, "GET", "trade_history/", query="order_id=1&after_id=x")) == "400.001"
    bad = ask(many, "GET", "trade_history/", query="order_id=1&since_timestamp=x")
    assert code_of(bad) == "400.013"


@pytest.mark.parametrize(
    ("path", "name"),
    [("position_history/", "id"), ("position_settlement_transactions/", "transaction_id")],
)
def test_positions_and_settlements_are_walked_by_offset_or_id(
    many: Sandbox, path: str, name: str
) -> None:
    """Newest first unless asked otherwise."""
    assert ids(got(many, path, "limit=2&offset=1"), name) == [29, 28]
    assert ids(got(many, path, "limit=2&offset=28&sort=asc"), name) == [29, 30]
    assert ids(got(many, path, "limit=2&since_id=25&sort=asc"), name) == [25, 26, 27, 28, 29, 30]
    assert got(many, path, "offset=30") == []
    assert code_of(ask(many, "GET", path, query="limit=1001")) == "400.011"


def test_settlements_are_chosen_by_time(many: Sandbox) -> None:
    """At most 30 days back."""
    path = "position_settlement_transactions/"
    rows = got(many, path, "since_timestamp=1764600029&until_timestamp=1764600029")

    assert ids(rows, "transaction_id") == [29]
    assert code_of(ask(many, "GET", path, query="since_timestamp=1")) == "400.013"


def test_one_is_asked_for_by_its_id(many: Sandbox) -> None:
    """And none by another's."""
    assert got(many, "position_settlement_transactions/7/")["transaction_id"] == "7"
    assert got(many, "position_status/9/")["id"] == "9"
    for path in ("position_settlement_transactions/99/", "position_status/99/"):
        assert code_of(ask(many, "GET", path)) == "404.001"


def test_they_are_declared_in_an_account_file(tmp_path: pathlib.Path) -> None:
    """And kept when it is written again."""
    path = tmp_path / "account.json"
    path.write_bytes(Account(derivatives=MANY).dump())
    account = Account.load(path)

    assert account.derivatives
    assert account.derivatives_rows == MANY
    account.derivatives = False
    path.write_bytes(account.dump())
    assert not Account.load(path).derivatives
