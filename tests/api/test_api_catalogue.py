"""The catalogue is closed: nothing that writes can be asked for."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitstamp_ledger.api import Call, Endpoint, Permission, Scope, recognise

WRITES = (
    "adjust_position_collateral/",
    "api/",
    "bch_withdrawal/",
    "btc_address/",
    "btc_withdrawal/",
    "buy/",
    "cancel_all_orders/",
    "cancel_order/",
    "close_position/",
    "close_positions/",
    "crypto-transactions/deposits/1/",
    "crypto-transactions/deposits/1/reject/",
    "earn/subscribe/",
    "earn/subscriptions/setting/",
    "earn/unsubscribe/",
    "instant_convert_address/new/",
    "liquidation_address/new/",
    "replace_order/",
    "revoke_all_api_keys/",
    "ripple_address/",
    "ripple_withdrawal/",
    "sell/",
    "transfer-from-main/",
    "transfer-to-main/",
    "travel_rule/",
    "websockets_token/",
    "withdrawal/",
)
"""How the paths begin that change something, hand something out or lead to it."""

READS = {
    "account_balances": ("POST", "account_balances/"),
    "account_balances_of_currency": ("POST", "account_balances/{currency}/"),
    "user_transactions": ("POST", "user_transactions/"),
    "user_transactions_of_market": ("POST", "user_transactions/{market}/"),
    "crypto_transactions": ("POST", "crypto-transactions/"),
    "crypto_deposits": ("GET", "crypto-transactions/deposits/"),
    "withdrawal_requests": ("POST", "withdrawal-requests/"),
    "open_orders": ("POST", "open_orders/"),
    "open_orders_of_market": ("POST", "open_orders/{market}/"),
    "order_status": ("POST", "order_status/"),
    "fees_trading": ("POST", "fees/trading/"),
    "fees_trading_of_market": ("POST", "fees/trading/{market}/"),
    "fees_withdrawal": ("POST", "fees/withdrawal/"),
    "fees_withdrawal_of_currency": ("POST", "fees/withdrawal/{currency}/"),
    "my_markets": ("POST", "my_markets/"),
    "my_markets_by_get": ("GET", "my_markets/"),
    "earn_subscriptions": ("GET", "earn/subscriptions/"),
    "earn_transactions": ("GET", "earn/transactions/"),
    "trade_history": ("GET", "trade_history/"),
    "trade_history_of_market": ("GET", "trade_history/{market}/"),
    "position_history": ("GET", "position_history/"),
    "position_settlements": ("GET", "position_settlement_transactions/"),
    "open_positions": ("GET", "open_positions/"),
    "margin_info": ("GET", "margin_info/"),
    "currencies": ("GET", "currencies/"),
    "markets": ("GET", "markets/"),
    "ticker": ("GET", "ticker/{market}/"),
    "candles": ("GET", "ohlc/{market}/"),
    "eur_usd": ("GET", "eur_usd/"),
}
"""The whole surface.  A new line is a decision that a reviewer must see twice."""

PUBLIC = {"currencies", "markets", "ticker", "candles", "eur_usd"}


def test_the_catalogue_holds_these_endpoints_and_no_other() -> None:
    """Adding an endpoint by mistake must fail somewhere."""
    assert {e.label: (e.value.method, e.value.path) for e in Endpoint} == READS


def test_only_market_data_goes_unsigned() -> None:
    """A private endpoint that went unsigned would be refused; a signed public one shows the key."""
    assert {e.label for e in Endpoint if e.value.scope is Scope.PUBLIC} == PUBLIC


def test_every_private_endpoint_names_a_permission_and_no_public_one_does() -> None:
    """An unknown permission is said to be unknown, not left out."""
    for endpoint in Endpoint:
        private = endpoint.value.scope is not Scope.PUBLIC
        assert isinstance(endpoint.value.permission, Permission) == private


def test_every_endpoint_may_be_asked_twice() -> None:
    """Retries are only right because everything here reads."""
    assert all(endpoint.value.retry_safe for endpoint in Endpoint)


@pytest.mark.parametrize("endpoint", ["user_transactions/", None, object(), Endpoint])
def test_a_call_takes_nothing_but_a_member(endpoint: Any) -> None:
    """A string would be a path."""
    with pytest.raises(TypeError):
        Call(endpoint=endpoint)


@pytest.mark.parametrize(
    ("endpoint", "parameters"),
    [
        (Endpoint.ACCOUNT_BALANCES, {"foo": "bar"}),
        (Endpoint.USER_TRANSACTIONS, {"limit": "1", "subAccount": "2"}),
        (Endpoint.TICKER, {"step": "60"}),
        (Endpoint.ORDER_STATUS, {"amount": "1"}),
    ],
)
def test_a_parameter_that_the_endpoint_does_not_take_is_refused(
    endpoint: Endpoint, parameters: dict[str, str]
) -> None:
    """A parameter can turn a question into something else."""
    values = {"market": "btceur"} if endpoint is Endpoint.TICKER else {}
    with pytest.raises(ValueError, match="takes no"):
        Call(endpoint=endpoint, parameters=parameters, path_values=values)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "..",
        "../buy",
        "btc/usd",
        "btc.usd",
        "btc%2fusd",
        "btc\\usd",
        "BTCUSD",
        "btc_usd",
        "btc usd",
        "btcusd\n",
        "btcusd?x=1",
        "btcusd#x",
        "\N{FULLWIDTH LATIN SMALL LETTER B}tcusd",
        "btcusd-",
        "-perp",
        "b" * 25,
    ],
)
def test_a_path_value_that_could_leave_its_place_is_refused(value: str) -> None:
    """Slash, dot, percent, capitals, look-alikes: none has a place in a market's name."""
    with pytest.raises(ValueError, match="not a market"):
        Call(endpoint=Endpoint.TICKER, path_values={"market": value})


@pytest.mark.parametrize("values", [{}, {"currency": "btc"}, {"market": "btceur", "id": "1"}])
def test_the_path_values_are_exactly_those_of_the_template(values: dict[str, str]) -> None:
    """A missing one would leave braces in the path."""
    with pytest.raises(ValueError, match="needs exactly"):
        Call(endpoint=Endpoint.TICKER, path_values=values)


@pytest.mark.parametrize("market", ["btcusd", "1inchusd", "btcusd-perp", "all"])
def test_every_kind_of_market_can_be_named(market: str) -> None:
    """Digits, perpetuals, and the alias for all of them."""
    call = Call(endpoint=Endpoint.OPEN_ORDERS_OF_MARKET, path_values={"market": market})
    assert call.path == f"/api/v2/open_orders/{market}/"


def test_what_was_checked_cannot_be_changed_from_outside() -> None:
    """The caller keeps its dict; the call has its own."""
    values = {"market": "btceur"}
    call = Call(endpoint=Endpoint.TICKER, path_values=values)
    values["market"] = "../revoke_all_api_keys"
    assert call.path == "/api/v2/ticker/btceur/"


def _call(endpoint: Endpoint, value: str) -> Call | None:
    names = re.findall(r"{(\w+)}", endpoint.value.path)
    try:
        return Call(endpoint=endpoint, path_values=dict.fromkeys(names, value))
    except ValueError:
        return None


VALUES = st.one_of(
    st.text(max_size=30),
    st.text("abz019-", min_size=1, max_size=30),
    st.sampled_from([write.strip("/") for write in WRITES]),
    st.sampled_from(["..", ".", "%2e%2e", "buy/btceur", "a/../b", "all", "btcusd-perp"]),
)


@given(st.sampled_from(Endpoint), VALUES)
def test_whatever_can_be_asked_is_recognised_and_never_writes(
    endpoint: Endpoint, value: str
) -> None:
    """The law of the library: a `Call` exists, so its path is one that reads."""
    call = _call(endpoint, value)
    if call is None:
        return
    found = recognise(call.method, call.path)
    assert found is not None
    assert (found.value.method, found.value.scope) == (endpoint.value.method, endpoint.value.scope)
    assert call.path.startswith("/api/v2/")
    assert not any(call.path.startswith(f"/api/v2/{write}") for write in WRITES)
    assert not re.search(r"_(address|withdrawal)/", call.path)
    assert ".." not in call.path
    assert call.path.isascii()
    assert call.path.endswith("/")


@given(
    st.sampled_from(["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "get", ""]),
    st.sampled_from(WRITES),
    st.sampled_from(["", "btceur/", "market/btceur/", "open/", "cancel/", "status/", "btceur"]),
)
def test_no_write_path_is_recognised(method: str, write: str, rest: str) -> None:
    """The transport asks this question last."""
    assert recognise(method, f"/api/v2/{write}{rest}") is None


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/v2/user_transactions/"),
        ("POST", "/api/v2/crypto-transactions/deposits/"),
        ("POST", "/api/v2/currencies/"),
        ("post", "/api/v2/user_transactions/"),
        ("POST", "/api/v2/user_transactions"),
        ("POST", "/api/v2/user_transactions//"),
        ("POST", "/api/v2//user_transactions/"),
        ("POST", "//api/v2/user_transactions/"),
        ("POST", "/API/v2/user_transactions/"),
        ("POST", "/api/v2/user_transactions/\n"),
        ("POST", "/api/v2/user_transactions/?limit=1"),
        ("POST", "/api/v2/user_transactions/../cancel_all_orders/"),
        ("POST", "/api/user_transactions/"),
        ("POST", "/x/api/v2/user_transactions/"),
        ("POST", "/api/v2/"),
    ],
)
def test_a_path_that_is_only_nearly_right_is_not_recognised(method: str, path: str) -> None:
    """Servers normalise paths in many ways; we know only one spelling."""
    assert recognise(method, path) is None
