"""Every rule and every text about parameters (docs/facts/exchange.md)."""

import json

import pytest

from bitstamp_ledger.sandbox import Sandbox
from tests.sandbox.signed_calls import ask, code_of, reason_of

THIRTY_DAYS_AGO = 1_764_633_600 - 30 * 24 * 3_600


@pytest.mark.parametrize(
    ("body", "reason", "code"),
    [
        ("offset=-1", "Invalid offset", "400.010"),
        ("offset=x", "Invalid offset", "400.010"),
        ("offset=200001", "Invalid offset", "400.010"),
        ("limit=1001", "Limit too large", "400.011"),
        ("limit=0", "Invalid limit", "400.011"),
        ("limit=-5", "Invalid limit", "400.011"),
        ("limit=ten", "Invalid limit", "400.011"),
        ("limit=", "Invalid limit", "400.011"),
        ("sort=up", "Invalid sort parameter", "400.012"),
        ("since_timestamp=x", "Invalid since_timestamp parameter", "400.013"),
        ("until_timestamp=x", "Invalid until_timestamp parameter", "400.034"),
        (
            "since_timestamp=99999999999999999999",
            "Failed to convert since_timestamp parameter",
            "400.013",
        ),
        (
            f"since_timestamp={THIRTY_DAYS_AGO - 1}",
            f"since_timestamp parameter must be higher than {THIRTY_DAYS_AGO}",
            "400.013",
        ),
        (
            f"until_timestamp={THIRTY_DAYS_AGO - 1}",
            f"until_timestamp parameter must be higher than {THIRTY_DAYS_AGO}",
            "400.034",
        ),
    ],
)
@pytest.mark.parametrize("path", ["user_transactions/", "crypto-transactions/"])
def test_bad_parameters_are_refused_in_the_documented_words(
    sandbox: Sandbox, path: str, body: str, reason: str, code: str
) -> None:
    """The same rules for both endpoints, but that only one of them sorts."""
    if path == "crypto-transactions/" and body.startswith("sort"):
        return
    reply = ask(sandbox, "POST", path, body=body)

    assert (reply.status, reason_of(reply), code_of(reply)) == (400, reason, code)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("limit=5", "Both limit and offset must be present"),
        ("offset=0", "Both limit and offset must be present"),
        ("id=1&timedelta=5", "Too many parameters"),
        ("id=1&limit=5&offset=0", "Too many parameters"),
        ("timedelta=50000001", "Timedelta too large"),
        ("timedelta=soon", "Invalid timedelta"),
        ("limit=0&offset=0", "Invalid limit"),
        ("limit=1001&offset=0", "Invalid limit"),
        ("limit=5&offset=200001", "Invalid offset"),
    ],
)
def test_withdrawal_requests_have_rules_of_their_own(
    sandbox: Sandbox, body: str, reason: str
) -> None:
    """Limit and offset come together or not at all."""
    assert reason_of(ask(sandbox, "POST", "withdrawal-requests/", body=body)) == reason


def ids(sandbox: Sandbox, body: str) -> list[int]:
    reply = ask(sandbox, "POST", "user_transactions/", body=body)
    assert reply.status == 200
    return [row["id"] for row in json.loads(reply.body)]


class TestUserTransactions:
    def test_the_newest_hundred_come_by_default(self, sandbox: Sandbox) -> None:
        """Limit 100, newest first."""
        newest = [record["id"] for record in sandbox.records][::-1][:100]

        assert ids(sandbox, "foo=bar") == newest

    def test_since_id_is_inclusive_and_forces_the_limit(self, sandbox: Sandbox) -> None:
        """A small limit is not honoured together with since_id."""
        known = [record["id"] for record in sandbox.records]

        assert ids(sandbox, f"since_id={known[7]}&sort=asc&limit=5") == known[7:]
        assert ids(sandbox, "since_id=1&sort=asc&offset=290") == known[290:]
        assert ids(sandbox, f"since_id={known[-1]}") == known[-1:]

    def test_nothing_is_an_empty_list(self, sandbox: Sandbox) -> None:
        """The page after the last one."""
        assert ids(sandbox, "since_id=999999999") == []
        assert ids(sandbox, "offset=300") == []

    def test_a_market_gives_its_trades_only(self, sandbox: Sandbox) -> None:
        """Rows of type 2 that name the pair."""
        reply = ask(sandbox, "POST", "user_transactions/btceur/", body="limit=1000")
        rows = json.loads(reply.body)

        assert rows
        assert all("btc_eur" in row and str(row["type"]) == "2" for row in rows)

    def test_an_unknown_market_is_not_found(self, sandbox: Sandbox) -> None:
        """With the code that says pair."""
        reply = ask(sandbox, "POST", "user_transactions/nilnil/")

        assert (reply.status, code_of(reply)) == (404, "404.003")

    def test_parameters_in_the_url_are_refused(self, sandbox: Sandbox) -> None:
        """They belong into the body."""
        reply = ask(sandbox, "POST", "user_transactions/", query="limit=5")

        assert (reply.status, code_of(reply)) == (400, "400.018")

    def test_the_server_can_send_fewer_rows_than_asked(self, sandbox: Sandbox) -> None:
        """So that nobody takes a short page for the last one without thinking."""
        sandbox.faults.limit_cap = 7

        assert len(ids(sandbox, "since_id=1&sort=asc")) == 7

    def test_timestamps_cut_the_last_thirty_days(self, sandbox: Sandbox) -> None:
        """Both ends belong to it."""
        sandbox.append(
            {"id": 900_000_001, "datetime": "2025-11-30 00:00:00", "type": "0", "eur": "1"},
            {"id": 900_000_002, "datetime": "2025-11-30 00:00:01", "type": "0", "eur": "1"},
            {"id": 900_000_003, "datetime": "2025-11-30 00:00:02", "type": "0", "eur": "1"},
        )
        first = 1_764_460_800

        assert ids(sandbox, f"since_timestamp={first + 1}&sort=asc") == [900_000_002, 900_000_003]
        assert ids(sandbox, f"until_timestamp={first + 1}&limit=2") == [900_000_002, 900_000_001]
        assert ids(sandbox, f"since_timestamp={first + 3}") == []


def test_the_wrong_method_is_refused_before_anything_else(sandbox: Sandbox) -> None:
    """Plain text for a GET on a POST endpoint, a code the other way round."""
    get = ask(sandbox, "GET", "user_transactions/", changes={"x-auth": None})
    post = ask(sandbox, "POST", "earn/subscriptions/")

    assert (get.status, get.body) == (400, b"POST Only Endpoint")
    assert (post.status, code_of(post)) == (405, "405.001")


@pytest.mark.parametrize("path", ["user_transactions", "sub_accounts/", "../user_transactions/"])
def test_what_does_not_exist_is_a_page_of_html(sandbox: Sandbox, path: str) -> None:
    """A forgotten slash included."""
    reply = ask(sandbox, "POST", path)

    assert (reply.status, reply.content_type) == (404, "text/html")
