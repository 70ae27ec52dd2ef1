"""Switches: how the exchange behaves where nobody knows, or for accounts of other kinds."""

import itertools
import json
from typing import Any

import pytest

from bitstamp_ledger.sandbox import Account, Faults, Flag, Limits, Sandbox, generate_account
from tests.sandbox.signed_calls import ask, clock, code_of, reason_of

EARN = "earn/transactions/"


def rows_of(sandbox: Sandbox, method: str, path: str, **how: Any) -> Any:
    reply = ask(sandbox, method, path, **how)
    assert reply.status == 200, reply.body
    return json.loads(reply.body)


def test_every_switch_can_be_set_at_the_start_and_at_any_time() -> None:
    """A rehearsal may begin in the middle of an outage."""
    faults = Faults(query_mark_signed=False, earn_refusal="403")
    faults.html_next(503)
    sandbox = Sandbox(seed=1, transactions=60, clock=clock, faults=faults)

    assert ask(sandbox, "GET", EARN).status == 503
    assert code_of(ask(sandbox, "GET", EARN, query="limit=1")) == "API0005"
    assert ask(sandbox, "GET", EARN).body == b'{"message":"Forbidden"}'
    sandbox.faults.query_mark_signed = True
    sandbox.faults.earn_refusal = None
    assert ask(sandbox, "GET", EARN, query="limit=1").status == 200


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("latency_s", -1),
        ("limit_cap", 0),
        ("earn_refusal", "API9999"),
        ("derivatives_refusal", "404.001"),
        ("rows_appended_per_page", -1),
    ],
)
def test_a_value_that_a_switch_does_not_have_is_refused(name: str, value: object) -> None:
    """At the start and later: a typo would rehearse nothing."""
    with pytest.raises(ValueError, match=name):
        Faults(**{name: value})  # type: ignore[arg-type]
    faults = Faults()
    with pytest.raises(ValueError, match=name):
        setattr(faults, name, value)


def test_the_question_mark_of_a_query_is_signed_or_is_not(sandbox: Sandbox) -> None:
    """Sources contradict each other; each reading refuses the other."""
    assert ask(sandbox, "GET", EARN, query="limit=1").status == 200
    assert code_of(ask(sandbox, "GET", EARN, query="limit=1", mark="")) == "API0005"
    sandbox.faults.query_mark_signed = False
    assert ask(sandbox, "GET", EARN, query="limit=1", mark="").status == 200
    assert code_of(ask(sandbox, "GET", EARN, query="limit=1")) == "API0005"
    assert ask(sandbox, "GET", "earn/subscriptions/").status == 200  # There is no mark to miss.


def moves(sandbox: Sandbox, offset: int, limit: int) -> dict[str, list[dict[str, Any]]]:
    body = f"limit={limit}&offset={offset}&include_ious=True"
    found: dict[str, list[dict[str, Any]]] = rows_of(
        sandbox, "POST", "crypto-transactions/", body=body
    )
    return found


def test_three_arrays_are_cut_one_by_one_or_all_together() -> None:
    """Either way, walking by the size of what came brings each row once."""
    sandbox = Sandbox(seed=11, transactions=900, clock=clock)
    whole = moves(sandbox, 0, 1000)
    total = sum(map(len, whole.values()))
    each = moves(sandbox, 0, 4)
    sandbox.faults.crypto_pages_merged = True
    merged = [moves(sandbox, offset, 4) for offset in range(0, total, 4)]

    assert [len(each[name]) for name in ("deposits", "withdrawals")] == [4, 4]
    assert {sum(map(len, page.values())) for page in merged[:-1]} == {4}
    for name, rows in whole.items():
        walked = [row for page in merged for row in page[name]]
        assert sorted(walked, key=json.dumps) == sorted(rows, key=json.dumps)
    assert "array" not in str(merged)
    times = [[row["datetime"] for rows in page.values() for row in rows] for page in merged]
    assert all(min(one) >= max(next_) for one, next_ in itertools.pairwise(times))


@pytest.mark.parametrize(
    ("refusal", "status", "code"),
    [("403", 403, None), ("API5007", 400, "API5007"), ("API5009", 400, "API5009")],
)
def test_earn_may_not_be_offered(
    sandbox: Sandbox, refusal: str, status: int, code: str | None
) -> None:
    """By a code, or by a bare 403."""
    sandbox.faults.earn_refusal = refusal
    for path in (EARN, "earn/subscriptions/"):
        reply = ask(sandbox, "GET", path)
        assert (reply.status, code_of(reply)) == (status, code)


@pytest.mark.parametrize(
    ("refusal", "status"), [("API5506", 400), ("API5507", 400), ("403.005", 403), ("403.010", 403)]
)
def test_derivatives_are_refused_in_one_of_several_ways(
    sandbox: Sandbox, refusal: str, status: int
) -> None:
    """A code of the newer endpoints, or one of the older kind."""
    sandbox.faults.derivatives_refusal = refusal
    reply = ask(sandbox, "GET", "margin_info/")

    assert (reply.status, code_of(reply)) == (status, refusal)


def test_a_user_may_have_switched_the_api_off(sandbox: Sandbox) -> None:
    """In words, and only to who can sign."""
    sandbox.set_flags(sandbox.key, Flag.API_ACCESS_OFF)
    reply = ask(sandbox, "POST", "account_balances/")

    assert reply.status == 403
    assert json.loads(reply.body) == {
        "status": "error",
        "reason": "API access disabled. Check your user settings.",
    }
    assert code_of(ask(sandbox, "POST", "account_balances/", secret="wrong")) == "API0005"


def test_deposits_of_coins_are_for_the_main_account(sandbox: Sandbox) -> None:
    """Like the three arrays."""
    sandbox.add_account("Bot", Account())
    key = sandbox.add_key(account="Bot")
    reply = ask(sandbox, "GET", "crypto-transactions/deposits/", key=key.key, secret=key.secret)

    assert reply.status == 400
    assert "not supported" in str(reason_of(reply))


def test_the_refusal_of_too_many_may_say_when_to_come_back() -> None:
    """No such advice has been seen, so there is none by default."""
    limits = Limits(per_1s=0)
    sandbox = Sandbox(seed=1, transactions=5, clock=clock, limits=limits)
    silent = ask(sandbox, "POST", "account_balances/").headers
    limits.retry_after_s = 3
    advice = ask(sandbox, "POST", "account_balances/").headers

    assert "Retry-After" not in dict(silent)
    assert dict(advice)["Retry-After"] == "3"


class TestFilledOrders:
    """An open order becomes a filled one, and its fills become records."""

    def test_it_leaves_the_book_and_shows_its_fills(self, sandbox: Sandbox) -> None:
        """Under the ids of the records; ids and times go on where the history ended."""
        order = rows_of(sandbox, "POST", "open_orders/")[0]
        newest = sandbox.records[-1]
        records = sandbox.fill_order(fills=3)
        status = rows_of(sandbox, "POST", "order_status/", body=f"id={order['id']}")

        assert sandbox.records[-3:] == records
        assert records[0]["id"] == int(str(newest["id"])) + 1
        assert (status["status"], status["market"]) == ("Finished", order["market"])
        assert [fill["tid"] for fill in status["transactions"]] == [r["id"] for r in records]
        assert order not in rows_of(sandbox, "POST", "open_orders/")
        base = order["market"].split("/")[0].lower()
        filled = sum(float(fill[base]) for fill in status["transactions"])
        assert filled == pytest.approx(float(order["amount"]))

    def test_the_balances_follow_and_nothing_is_spent_that_is_not_there(
        self, sandbox: Sandbox
    ) -> None:
        """Whatever was reserved for it is free again."""
        for _ in sandbox.account.open_orders:
            sandbox.fill_order(fills=1)
        rows = rows_of(sandbox, "POST", "account_balances/")

        assert all(float(row["total"]) >= 0 == float(row["reserved"]) for row in rows)

    def test_the_name_that_its_maker_gave_it_finds_it(self) -> None:
        """Open or filled."""
        order = json.dumps(
            {
                "id": "77",
                "type": "1",
                "price": "100.00",
                "amount": "0.5",
                "market": "BTC/EUR",
                "client_order_id": "mine",
            }
        )
        account = Account(open_orders=[order.encode()])
        sandbox = Sandbox(account=account, clock=clock)
        before = rows_of(sandbox, "POST", "order_status/", body="client_order_id=mine")
        sandbox.fill_order(77)
        after = rows_of(sandbox, "POST", "order_status/", body="client_order_id=mine")

        assert [each["id"] for each in (before, after)] == [77, 77]
        assert [each["status"] for each in (before, after)] == ["Open", "Finished"]
        assert after["client_order_id"] == "mine"
        assert code_of(ask(sandbox, "POST", "order_status/", body="client_order_id=x")) == "404.002"

    def test_what_is_not_open_cannot_be_filled(self, sandbox: Sandbox) -> None:
        """A test that means another order must hear of it."""
        with pytest.raises(KeyError):
            sandbox.fill_order(1)


def test_two_rows_may_share_an_id(sandbox: Sandbox) -> None:
    """If they are of different kinds."""
    row = sandbox.insert_same_id()
    twins = [record["type"] for record in sandbox.records if record["id"] == row["id"]]

    assert len(twins) == 2
    assert len(set(twins)) == 2


def test_rows_may_come_late_while_pages_are_read(sandbox: Sandbox) -> None:
    """After each page, below the cursor of whoever reads it."""
    sandbox.faults.late_rows_per_page = 2
    newest = sandbox.records[-1]
    ask(sandbox, "POST", "user_transactions/")

    assert len(sandbox.records) == 302
    assert sandbox.records[-1] == newest
    empty = Sandbox(account=Account(), faults=Faults(late_rows_per_page=1), clock=clock)
    assert rows_of(empty, "POST", "user_transactions/") == []


def test_the_same_seed_has_the_same_derivatives() -> None:
    """And the history is that of an account without them."""
    plain, first, again = (
        generate_account(5, 300, derivatives=wanted) for wanted in (False, True, True)
    )

    assert first.dump() == again.dump()
    assert first.records == plain.records
