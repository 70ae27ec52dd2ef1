"""The permission matrix: every endpoint, with and without what it needs."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitstamp_ledger.sandbox import READ_PERMISSIONS, WRITE_PERMISSIONS, Account, Sandbox
from bitstamp_ledger.sandbox._permissions import ENDPOINTS, Endpoint, find_endpoint
from bitstamp_ledger.sandbox._private import READ_ANSWERS
from bitstamp_ledger.sandbox._writes import WRITE_ATTEMPTS
from tests.sandbox.signed_calls import ask, clock, code_of, reason_of

SANDBOX = Sandbox(seed=5, transactions=200, clock=clock)
WRITERS = [endpoint for endpoint in ENDPOINTS if endpoint.permission in WRITE_PERMISSIONS]
EFFECTIVE_WHEN_EMPTY = {
    "cancel_all_orders/",
    "cancel_all_orders/{market}/",
    "revoke_all_api_keys/",
    "websockets_token/",
    "{currency}_address/",
}

permission_sets = st.frozensets(st.sampled_from(sorted(READ_PERMISSIONS | WRITE_PERMISSIONS)))


def path_of(endpoint: Endpoint) -> str:
    parts = {"market": "btceur", "currency": "btc", "id": "1"}
    return endpoint.template.format_map(parts)


@given(granted=permission_sets, endpoint=st.sampled_from(ENDPOINTS))
def test_a_call_is_denied_exactly_when_its_permission_is_missing(
    granted: frozenset[str], endpoint: Endpoint
) -> None:
    """For every set of permissions and every endpoint, whatever else the call lacks."""
    key = SANDBOX.add_key(permissions=granted)
    method = min(endpoint.methods)
    reply = ask(SANDBOX, method, path_of(endpoint), key=key.key, secret=key.secret)
    denied = b"API0003" in reply.body

    if endpoint.checks_first:
        assert not denied
    else:
        assert denied == (endpoint.permission not in granted)


@given(granted=st.frozensets(st.sampled_from(sorted(READ_PERMISSIONS))))
def test_no_reading_key_ever_writes(granted: frozenset[str]) -> None:
    """Whatever a reader calls, nothing would have changed."""
    sandbox = Sandbox(seed=5, transactions=10, clock=clock, permissions=granted)
    for endpoint in ENDPOINTS:
        ask(sandbox, min(endpoint.methods), path_of(endpoint))

    assert sandbox.writes == []
    assert len(sandbox.requests) == len(ENDPOINTS)


def test_only_calls_that_need_no_parameter_write_when_they_are_empty() -> None:
    """The probes of a key check send empty bodies: these are the endpoints that it must avoid."""
    sandbox = Sandbox(seed=5, transactions=10, clock=clock, permissions=WRITE_PERMISSIONS)
    written = set()
    for endpoint in WRITERS:
        before = len(sandbox.writes)
        ask(sandbox, min(endpoint.methods), path_of(endpoint))
        if len(sandbox.writes) > before:
            written.add(endpoint.template)

    assert written == EFFECTIVE_WHEN_EMPTY


def test_every_endpoint_has_one_answer() -> None:
    """The table and the answers name the same things."""
    named = {endpoint.handler for endpoint in ENDPOINTS}

    assert named == READ_ANSWERS.keys() | WRITE_ATTEMPTS.keys()
    assert READ_ANSWERS.keys().isdisjoint(WRITE_ATTEMPTS)


def test_every_path_leads_back_to_its_endpoint() -> None:
    """A literal path wins over one with a placeholder."""
    for endpoint in ENDPOINTS:
        found = find_endpoint(path_of(endpoint), min(endpoint.methods))

        assert found is not None
        assert found[0] is endpoint


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("buy/btceur/", "Missing amount and/or price POST parameters"),
        ("sell/btceur/", "Missing amount and/or price POST parameters"),
        ("buy/market/btceur/", {"amount": ["This field is required."]}),
        ("sell/instant/btceur/", {"amount": ["This field is required."]}),
        ("cancel_order/", "Missing id POST param."),
        ("btc_withdrawal/", "Missing amount and/or address POST parameters"),
        ("withdrawal/status/", "Missing parameters: ['id']"),
        (
            "transfer-to-main/",
            {"amount": ["This field is required."], "currency": ["This field is required."]},
        ),
    ],
)
def test_with_the_permission_the_missing_parameters_are_named(
    sandbox: Sandbox, path: str, reason: object
) -> None:
    """What a probe of an over-privileged key gets to see; and nothing was written."""
    sandbox.set_permissions(sandbox.key, *WRITE_PERMISSIONS)
    reply = ask(sandbox, "POST", path, body="foo=bar")

    assert (reply.status, reason_of(reply)) == (400, reason)
    assert sandbox.writes == []


def test_a_complete_order_is_recorded_and_not_executed(sandbox: Sandbox) -> None:
    """A test that asserts ``writes == []`` must see it."""
    sandbox.set_permissions(sandbox.key, "buy_limit_order")
    ask(sandbox, "POST", "buy/btceur/", body="amount=1&price=2")
    before = sandbox.balances

    assert [(write.path, write.parameters) for write in sandbox.writes] == [
        ("/api/v2/buy/btceur/", {"amount": "1", "price": "2"})
    ]
    assert sandbox.balances == before


def test_crypto_withdrawal_can_be_allowed_for_one_currency(sandbox: Sandbox) -> None:
    """Absence for one coin proves nothing about another."""
    sandbox.set_permissions(sandbox.key, "crypto_withdrawal:eth")
    btc = ask(sandbox, "POST", "btc_withdrawal/")
    eth = ask(sandbox, "POST", "eth_withdrawal/")

    assert code_of(btc) == "API0003"
    assert reason_of(eth) == "Missing amount and/or address POST parameters"


def test_earn_changes_take_json(sandbox: Sandbox) -> None:
    """And refuse a form before they look at its signature."""
    sandbox.set_permissions(sandbox.key, "earn_manage")
    form = ask(sandbox, "POST", "earn/subscribe/", body="foo=bar")
    empty = ask(sandbox, "POST", "earn/subscribe/")

    assert code_of(form) == "API0019"
    assert code_of(empty) == "400.004"


def test_replacing_an_order_looks_for_the_order_first(sandbox: Sandbox) -> None:
    """Its permission depends on the order, so a reader meets the parameter errors."""
    missing = ask(sandbox, "POST", "replace_order/")
    unknown = ask(sandbox, "POST", "replace_order/", body="id=1&amount=1&price=1")

    assert reason_of(missing) == "Missing id POST param."
    assert code_of(unknown) == "404.002"


class TestSubAccounts:
    def test_a_key_reads_the_account_that_it_is_bound_to(self, sandbox: Sandbox) -> None:
        """Main and sub-account have different records."""
        sandbox.add_account("Bot", Account([b'{"id": 1, "datetime": "2020-01-01 00:00:00"}']))
        key = sandbox.add_key(account="Bot")
        reply = ask(sandbox, "POST", "user_transactions/", key=key.key, secret=key.secret)

        assert [row["id"] for row in json.loads(reply.body)] == [1]
        assert sandbox.requests[-1].account == "Bot"

    def test_crypto_transactions_are_for_the_main_account(self, sandbox: Sandbox) -> None:
        """An error object where arrays are expected."""
        sandbox.add_account("Bot", Account())
        key = sandbox.add_key(account="Bot")
        reply = ask(sandbox, "POST", "crypto-transactions/", key=key.key, secret=key.secret)

        assert reply.status == 400
        assert "not supported" in str(reason_of(reply))

    def test_a_key_needs_an_account_that_exists(self, sandbox: Sandbox) -> None:
        """A typo would fail only when the key is used."""
        with pytest.raises(KeyError):
            sandbox.add_key(account="Nobody")
