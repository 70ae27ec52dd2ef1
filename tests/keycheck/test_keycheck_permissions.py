"""Every combination of permissions gives the right findings, the right verdict, and no harm."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import bitstamp_ledger as bl
from bitstamp_ledger.sandbox import READ_PERMISSIONS, WRITE_PERMISSIONS, Sandbox
from tests.keycheck.players import Check, check_async, check_blocking, grants

IN_ORDER = [
    "bank_withdrawal",
    "cancel_order",
    "earn_manage",
    "sub_account_transfer",
    "buy_limit_order",
    "sell_limit_order",
    "buy_instant_order",
    "sell_instant_order",
    "buy_market_order",
    "sell_market_order",
]
"""How writes are asked about, crypto withdrawals last."""

READS_HERE = {"account_balance", "user_transactions", "open_orders", "withdrawal_requests"}
NEVER_ASKED = {
    "deposit_address",
    "derivatives_trade",
    "revoke_keys",
    "travel_rule",
    "websockets_token",
}
WRITE_PATHS = ("withdrawal/", "buy/", "sell/", "cancel_order/", "transfer-", "earn/subscribe/")


def coins_of(sandbox: Sandbox, granted: frozenset[str]) -> list[str]:
    """Return the coins that a check asks about, in order."""
    coins = ["BTC", "ETH"]
    if "account_balance" in granted:
        held = [code for code, total in sandbox.balances.items() if total]
        coins += [code for code in held if code not in {"BTC", "ETH", "EUR", "USD", "GBP"}]
    return coins


def expected(
    granted: frozenset[str], coins: list[str]
) -> tuple[str, dict[tuple[str, str | None], str]]:
    """Return verdict and findings, from the rules and not from the code."""
    said: dict[tuple[str, str | None], str] = {
        (name, None): "GRANTED" if name in granted else "DENIED" for name in READS_HERE
    }
    questions: list[tuple[str, str | None]] = [(name, None) for name in IN_ORDER]
    questions += [("crypto_withdrawal", coin) for coin in coins]
    for name, coin in questions:
        allowed = name in granted or f"{name}:{(coin or '').lower()}" in granted
        said[name, coin] = "GRANTED" if allowed else "DENIED"
        if allowed:
            return "OVERPRIVILEGED", said
    if not {"account_balance", "user_transactions"} <= granted:
        return "INSUFFICIENT", said
    return "READ_ONLY", said


def assert_right(sandbox: Sandbox, check: Check, granted: frozenset[str]) -> bl.KeyReport:
    before = sandbox.account.dump(), len(sandbox.requests)
    key = sandbox.add_key(permissions=granted)
    report = check(base_url=sandbox.url, key=key.key, secret=key.secret)
    verdict, said = expected(granted, coins_of(sandbox, granted))

    assert report.state.value == verdict
    assert grants(report) == said
    assert {each.permission.value for each in report.not_probed} >= NEVER_ASKED
    assert sandbox.writes == []
    assert sandbox.account.dump() == before[0]
    for request in sandbox.requests[before[1] :]:
        below = request.path.removeprefix("/api/v2/")
        if below.startswith(WRITE_PATHS) or below.endswith("_withdrawal/"):
            assert request.parameters == {}
    return report


permissions = st.frozensets(
    st.sampled_from(
        [
            *sorted(READ_PERMISSIONS | WRITE_PERMISSIONS),
            "crypto_withdrawal:btc",
            "crypto_withdrawal:eth",
            "crypto_withdrawal:xrp",
        ]
    )
)


class TestCombinations:
    @settings(
        max_examples=40,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )
    @given(granted=st.one_of(permissions, permissions.map(lambda some: some | READ_PERMISSIONS)))
    def test_any_subset_of_the_permissions_is_told_right(
        self, served: Sandbox, granted: frozenset[str]
    ) -> None:
        """Findings, verdict, an untouched account, and no parameter sent to a write endpoint."""
        assert_right(served, check_blocking, granted)

    @pytest.mark.parametrize("extra", sorted(WRITE_PERMISSIONS))
    def test_each_single_write_beside_all_reads_is_told_right(
        self, served: Sandbox, extra: str
    ) -> None:
        """So that no permission is found only by luck of the draw; here by the async client."""
        assert_right(served, check_async, READ_PERMISSIONS | {extra})

    @pytest.mark.parametrize("missing", sorted(READ_PERMISSIONS))
    def test_each_single_missing_read_is_told_right(self, served: Sandbox, missing: str) -> None:
        """Only the two that the history needs change the verdict."""
        assert_right(served, check_async, READ_PERMISSIONS - {missing})

    def test_denials_in_the_older_words_are_denials(self, sandbox: Sandbox, check: Check) -> None:
        """``{"error": "No permission found"}`` comes without a code."""
        sandbox.faults.denial_in_words = True
        report = check(base_url=sandbox.url, key=sandbox.key, secret=sandbox.secret)

        assert report.state is bl.KeyState.READ_ONLY


class TestModes:
    def test_without_probes_nothing_is_sent_to_a_write_endpoint(
        self, sandbox: Sandbox, check: Check
    ) -> None:
        """The best verdict is then UNPROVEN, and says so."""
        report = check(
            base_url=sandbox.url, key=sandbox.key, secret=sandbox.secret, probes=bl.Probes.NONE
        )

        assert report.state is bl.KeyState.UNPROVEN
        assert [request.path for request in sandbox.requests] == [
            "/api/v2/account_balances/",
            "/api/v2/user_transactions/",
            "/api/v2/open_orders/",
            "/api/v2/withdrawal-requests/",
            "/api/v2/crypto-transactions/",
        ]
        assert "EMPTY_WRITES" in report.advice

    def test_with_probes_of_reads_one_more_read_is_sent(
        self, sandbox: Sandbox, check: Check
    ) -> None:
        """It asks about bank withdrawals only, so it cannot prove a key read-only."""
        report = check(
            base_url=sandbox.url, key=sandbox.key, secret=sandbox.secret, probes=bl.Probes.READS
        )

        assert report.state is bl.KeyState.UNPROVEN
        assert sandbox.requests[-1].path == "/api/v2/withdrawal/status/"
        assert report.grant_of(bl.KeyPermission.BANK_WITHDRAWAL) is bl.Grant.DENIED

    def test_with_probes_of_reads_a_bank_permission_is_found(
        self, sandbox: Sandbox, check: Check
    ) -> None:
        """Viewing and opening share one permission."""
        key = sandbox.add_key(permissions=READ_PERMISSIONS | {"bank_withdrawal"})
        report = check(base_url=sandbox.url, key=key.key, secret=key.secret, probes=bl.Probes.READS)

        assert report.state is bl.KeyState.OVERPRIVILEGED


def test_what_was_not_asked_is_named(sandbox: Sandbox) -> None:
    """Nothing is claimed of it, and the reason is given."""
    report = check_blocking(base_url=sandbox.url, key=sandbox.key, secret=sandbox.secret)
    named = [str(each) for each in report.not_probed]

    assert "revoke all API keys: an empty request ends every key" in named
    assert any("currencies other than BTC, ETH" in each for each in named)


def test_the_check_stops_at_the_first_permission_to_write(sandbox: Sandbox) -> None:
    """An over-privileged key sees one request pass its permission check, and no second."""
    key = sandbox.add_key(permissions=READ_PERMISSIONS | {"bank_withdrawal", "buy_limit_order"})
    report = check_blocking(base_url=sandbox.url, key=key.key, secret=key.secret)

    assert sandbox.requests[-1].path == "/api/v2/withdrawal/status/"
    assert report.grant_of(bl.KeyPermission.BUY_LIMIT_ORDER) is bl.Grant.UNKNOWN
    assert any("a permission to write was found" in str(each) for each in report.not_probed)
