"""Which endpoint needs which permission: one table, which also is the list of private endpoints.

The exchange publishes no list of permissions (docs/facts/exchange.md, "Permissions"); the names
here are the sandbox's own, one for each right that a key can have apart from the others.
"""

import re
from collections.abc import Iterable
from typing import Final

import attrs

READ_PERMISSIONS: Final = frozenset(
    {
        "account_balance",
        "user_transactions",
        "crypto_deposits",
        "derivatives_view",
        "earn_view",
        "fees",
        "open_orders",
        "withdrawal_requests",
    }
)
"""What a key can have without being able to change anything."""

WRITE_PERMISSIONS: Final = frozenset(
    {
        "bank_withdrawal",
        "buy_instant_order",
        "buy_limit_order",
        "buy_market_order",
        "cancel_order",
        "crypto_withdrawal",
        "deposit_address",
        "derivatives_trade",
        "earn_manage",
        "revoke_keys",
        "sell_instant_order",
        "sell_limit_order",
        "sell_market_order",
        "sub_account_transfer",
        "travel_rule",
        "websockets_token",
    }
)
"""What no read-only key has; ``crypto_withdrawal:btc`` is the right for one currency only."""

_ONE_CURRENCY: Final = re.compile(r"crypto_withdrawal:[a-z0-9]+")


@attrs.frozen(kw_only=True)
class Endpoint:
    """One private endpoint."""

    methods: frozenset[str]
    template: str
    """Below ``/api/v2/``; a name in braces stands for one part of the path."""

    permission: str
    handler: str
    """The name of its answer in `_private` or `_writes`."""

    main_only: bool = False
    json_body: bool = False
    checks_first: bool = False
    """Whether parameters are checked before the permission."""

    pattern: re.Pattern[str] = attrs.field(init=False, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        expression = re.sub(r"\{(\w+)\}", r"(?P<\1>[a-z0-9-]+)", self.template)
        object.__setattr__(self, "pattern", re.compile(expression))

    def permits(self, granted: frozenset[str], parts: dict[str, str]) -> bool:
        """Say whether a key with these permissions may call it."""
        if self.permission in granted:
            return True
        return f"{self.permission}:{parts.get('currency')}" in granted


def _endpoint(
    methods: str,
    template: str,
    permission: str,
    handler: str,
    *,
    main_only: bool = False,
    json_body: bool = False,
    checks_first: bool = False,
) -> Endpoint:
    return Endpoint(
        methods=frozenset(methods.split()),
        template=template,
        permission=permission,
        handler=handler,
        main_only=main_only,
        json_body=json_body,
        checks_first=checks_first,
    )


ENDPOINTS: Final = (
    _endpoint("POST", "account_balances/", "account_balance", "account_balances"),
    _endpoint("POST", "account_balances/{currency}/", "account_balance", "account_balance"),
    _endpoint("POST", "balance/", "account_balance", "balance"),
    _endpoint("POST", "balance/{market}/", "account_balance", "balance"),
    _endpoint("POST", "user_transactions/", "user_transactions", "user_transactions"),
    _endpoint("POST", "user_transactions/{market}/", "user_transactions", "user_transactions"),
    _endpoint(
        "POST", "crypto-transactions/", "user_transactions", "crypto_transactions", main_only=True
    ),
    _endpoint(
        "GET",
        "crypto-transactions/deposits/",
        "crypto_deposits",
        "crypto_deposits",
        main_only=True,
    ),
    _endpoint("POST", "withdrawal-requests/", "withdrawal_requests", "withdrawal_requests"),
    _endpoint("POST", "open_orders/", "open_orders", "open_orders"),
    _endpoint("POST", "open_orders/all/", "open_orders", "open_orders"),
    _endpoint("POST", "open_orders/{market}/", "open_orders", "open_orders"),
    _endpoint("POST", "order_status/", "open_orders", "order_status"),
    _endpoint("POST", "fees/trading/", "fees", "fees_trading"),
    _endpoint("POST", "fees/trading/{market}/", "fees", "fees_trading_of"),
    _endpoint("POST", "fees/withdrawal/", "fees", "fees_withdrawal"),
    _endpoint("POST", "fees/withdrawal/{currency}/", "fees", "fees_withdrawal_of"),
    # The documentation says GET, what people tried says POST (docs/facts/exchange.md, "Not known").
    _endpoint("GET POST", "my_markets/", "fees", "my_markets"),
    _endpoint("GET", "earn/subscriptions/", "earn_view", "earn_subscriptions"),
    _endpoint("GET", "earn/transactions/", "earn_view", "earn_transactions"),
    _endpoint("GET", "trade_history/", "derivatives_view", "trade_history"),
    _endpoint("GET", "trade_history/{market}/", "derivatives_view", "trade_history"),
    _endpoint("GET", "position_history/", "derivatives_view", "position_history"),
    _endpoint("GET", "position_history/{market}/", "derivatives_view", "position_history"),
    _endpoint(
        "GET", "position_settlement_transactions/", "derivatives_view", "position_settlements"
    ),
    _endpoint(
        "GET", "position_settlement_transactions/{id}/", "derivatives_view", "position_settlement"
    ),
    _endpoint("GET", "position_status/{id}/", "derivatives_view", "position_status"),
    _endpoint("GET", "open_positions/", "derivatives_view", "open_positions"),
    _endpoint("GET", "open_positions/{market}/", "derivatives_view", "open_positions"),
    _endpoint("GET", "margin_info/", "derivatives_view", "margin_info"),
    _endpoint("GET", "collateral_currencies/", "derivatives_view", "collateral_currencies"),
    # From here on: what a reader must never call.
    _endpoint("POST", "buy/{market}/", "buy_limit_order", "limit_order"),
    _endpoint("POST", "sell/{market}/", "sell_limit_order", "limit_order"),
    _endpoint("POST", "buy/market/{market}/", "buy_market_order", "market_order"),
    _endpoint("POST", "sell/market/{market}/", "sell_market_order", "market_order"),
    _endpoint("POST", "buy/instant/{market}/", "buy_instant_order", "market_order"),
    _endpoint("POST", "sell/instant/{market}/", "sell_instant_order", "market_order"),
    # Its permission depends on the order, so the order is looked for first.
    _endpoint("POST", "replace_order/", "cancel_order", "replace_order", checks_first=True),
    _endpoint("POST", "cancel_order/", "cancel_order", "cancel_order"),
    _endpoint("POST", "cancel_all_orders/", "cancel_order", "cancel_all_orders"),
    _endpoint("POST", "cancel_all_orders/{market}/", "cancel_order", "cancel_all_orders"),
    _endpoint("POST", "{currency}_withdrawal/", "crypto_withdrawal", "crypto_withdrawal"),
    _endpoint("POST", "withdrawal/status/", "bank_withdrawal", "bank_withdrawal_status"),
    _endpoint("POST", "withdrawal/open/", "bank_withdrawal", "bank_withdrawal_open"),
    _endpoint("POST", "withdrawal/cancel/", "bank_withdrawal", "bank_withdrawal_cancel"),
    _endpoint("POST", "{currency}_address/", "deposit_address", "deposit_address"),
    _endpoint("POST", "transfer-to-main/", "sub_account_transfer", "transfer_to_main"),
    _endpoint("POST", "transfer-from-main/", "sub_account_transfer", "transfer_from_main"),
    _endpoint("POST", "earn/subscribe/", "earn_manage", "earn_change", json_body=True),
    _endpoint("POST", "earn/unsubscribe/", "earn_manage", "earn_change", json_body=True),
    _endpoint("POST", "earn/subscriptions/setting/", "earn_manage", "earn_change", json_body=True),
    _endpoint(
        "POST", "close_positions/", "derivatives_trade", "derivatives_change", json_body=True
    ),
    _endpoint("POST", "close_position/", "derivatives_trade", "derivatives_change", json_body=True),
    _endpoint(
        "POST",
        "adjust_position_collateral/",
        "derivatives_trade",
        "derivatives_change",
        json_body=True,
    ),
    _endpoint("GET", "travel_rule/contacts/", "travel_rule", "travel_rule_contacts"),
    _endpoint("POST", "websockets_token/", "websockets_token", "websockets_token"),
    _endpoint("POST", "revoke_all_api_keys/", "revoke_keys", "revoke_all_api_keys"),
)


def checked_permissions(names: Iterable[str]) -> frozenset[str]:
    """Return ``names`` as a set.

    Raises:
        ValueError: a name is not in the table; a typo would silently deny.
    """
    granted = frozenset(names)
    known = READ_PERMISSIONS | WRITE_PERMISSIONS
    unknown = {name for name in granted - known if not _ONE_CURRENCY.fullmatch(name)}
    if unknown:
        raise ValueError(f"no such permission: {sorted(unknown)}; known: {sorted(known)}")
    return granted


def find_endpoint(path: str, method: str) -> tuple[Endpoint, dict[str, str]] | None:
    """Return the endpoint at ``path`` and the parts of the path that its template names.

    Args:
        path: below ``/api/v2/``.
        method: preferred where two endpoints share a path; one of another method is still found.
    """
    fitting = [
        (endpoint, match.groupdict())
        for endpoint in ENDPOINTS
        if (match := endpoint.pattern.fullmatch(path))
    ]
    fitting.sort(key=lambda found: (len(found[1]), method not in found[0].methods))
    return fitting[0] if fitting else None
