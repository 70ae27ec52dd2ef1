"""What a key may be allowed to do: one table, as far as the exchange lets anybody know.

The exchange publishes no list of permissions, and no endpoint tells a key its own; the names follow
its settings page and the endpoints (docs/facts/exchange.md, "Permissions" and "Key check").
"""

import enum
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import attrs


class KeyPermission(enum.Enum):
    """One right that a key can have apart from the others."""

    ACCOUNT_BALANCE = "account_balance"
    USER_TRANSACTIONS = "user_transactions"
    OPEN_ORDERS = "open_orders"
    WITHDRAWAL_REQUESTS = "withdrawal_requests"

    BANK_WITHDRAWAL = "bank_withdrawal"
    CRYPTO_WITHDRAWAL = "crypto_withdrawal"
    BUY_LIMIT_ORDER = "buy_limit_order"
    SELL_LIMIT_ORDER = "sell_limit_order"
    BUY_MARKET_ORDER = "buy_market_order"
    SELL_MARKET_ORDER = "sell_market_order"
    BUY_INSTANT_ORDER = "buy_instant_order"
    SELL_INSTANT_ORDER = "sell_instant_order"
    CANCEL_ORDER = "cancel_order"
    SUB_ACCOUNT_TRANSFER = "sub_account_transfer"
    EARN_MANAGE = "earn_manage"

    DEPOSIT_ADDRESS = "deposit_address"
    DEPOSIT_DECISION = "deposit_decision"
    DERIVATIVES_TRADE = "derivatives_trade"
    TRAVEL_RULE = "travel_rule"
    WEBSOCKETS_TOKEN = "websockets_token"  # noqa: S105 - a permission, no secret
    REVOKE_KEYS = "revoke_keys"

    @property
    def fact(self) -> "PermissionFact":
        """What is known about it."""
        return KEY_PERMISSIONS[self]

    @property
    def label(self) -> str:
        """Its name for people."""
        return self.fact.label


class PermissionKind(enum.Enum):
    """What a permission means for a reader of the history."""

    NEEDED_READ = "needed to read the history"
    USEFUL_READ = "reads, and is not needed"
    WRITE = "can change something"


@attrs.frozen(kw_only=True)
class PermissionFact:
    """One row of the table."""

    label: str
    kind: PermissionKind
    allows: str
    """What whoever holds the key can do with it."""

    certainty: str
    """How sure we are that it exists under this name, and apart from the others."""

    why_not_probed: str | None = None
    """For a permission that no harmless request can tell."""


_NEEDED, _USEFUL, _WRITE = PermissionKind
_DOCUMENTED: Final = "named by the exchange's documentation"
_SETTINGS: Final = "seen on the exchange's settings page by one source"
_INFERRED: Final = "inferred from the endpoints"


def _order(label: str, allows: str) -> PermissionFact:
    return PermissionFact(label=label, kind=_WRITE, allows=allows, certainty=_DOCUMENTED)


KEY_PERMISSIONS: Final[Mapping[KeyPermission, PermissionFact]] = MappingProxyType(
    {
        KeyPermission.ACCOUNT_BALANCE: PermissionFact(
            label="view account balances",
            kind=_NEEDED,
            allows="read what the account holds",
            certainty="seen on the exchange's settings page by several sources",
        ),
        KeyPermission.USER_TRANSACTIONS: PermissionFact(
            label="view your transactions",
            kind=_NEEDED,
            allows="read the history",
            certainty="seen on the exchange's settings page by several sources",
        ),
        KeyPermission.OPEN_ORDERS: PermissionFact(
            label="view open orders",
            kind=_USEFUL,
            allows="read orders that are not yet filled",
            certainty="seen on an older settings page",
        ),
        KeyPermission.WITHDRAWAL_REQUESTS: PermissionFact(
            label="list withdrawal requests",
            kind=_USEFUL,
            allows="read withdrawals and where they went",
            certainty=_SETTINGS,
        ),
        KeyPermission.BANK_WITHDRAWAL: PermissionFact(
            label="open, cancel and view bank withdrawals",
            kind=_WRITE,
            allows="send money to a bank account, without a confirmation by e-mail",
            certainty=_SETTINGS,
        ),
        KeyPermission.CRYPTO_WITHDRAWAL: PermissionFact(
            label="create crypto withdrawals",
            kind=_WRITE,
            allows="send coins away; it can be given for single currencies",
            certainty=_SETTINGS,
        ),
        KeyPermission.BUY_LIMIT_ORDER: _order("buy by limit order", "buy"),
        KeyPermission.SELL_LIMIT_ORDER: _order("sell by limit order", "sell"),
        KeyPermission.BUY_MARKET_ORDER: _order("buy at market", "buy at any price"),
        KeyPermission.SELL_MARKET_ORDER: _order("sell at market", "sell at any price"),
        KeyPermission.BUY_INSTANT_ORDER: _order("buy instantly", "buy at any price"),
        KeyPermission.SELL_INSTANT_ORDER: _order("sell instantly", "sell at any price"),
        KeyPermission.CANCEL_ORDER: _order("cancel orders", "cancel or replace open orders"),
        KeyPermission.SUB_ACCOUNT_TRANSFER: PermissionFact(
            label="transfer between main account and sub-accounts",
            kind=_WRITE,
            allows="move money between accounts of the same owner",
            certainty=_DOCUMENTED,
        ),
        KeyPermission.EARN_MANAGE: PermissionFact(
            label="manage staking and lending",
            kind=_WRITE,
            allows="lock funds in Earn, or release them",
            certainty=_INFERRED,
        ),
        KeyPermission.DEPOSIT_ADDRESS: PermissionFact(
            label="deposit addresses",
            kind=_WRITE,
            allows="have a new deposit address made",
            certainty="refused by name in the field",
            why_not_probed="even an empty request may allot an address",
        ),
        KeyPermission.DEPOSIT_DECISION: PermissionFact(
            label="decide on crypto deposits",
            kind=_WRITE,
            allows="complete or reject a deposit that waits for information",
            certainty=_DOCUMENTED,
            why_not_probed="a request names a real deposit and acts on it",
        ),
        KeyPermission.DERIVATIVES_TRADE: PermissionFact(
            label="trade derivatives",
            kind=_WRITE,
            allows="close positions, move collateral, change leverage",
            certainty=_INFERRED,
            why_not_probed="an empty request may close positions",
        ),
        KeyPermission.TRAVEL_RULE: PermissionFact(
            label="travel-rule contacts",
            kind=_WRITE,
            allows="read and store personal data of contacts",
            certainty=_DOCUMENTED,
            why_not_probed="the only harmless request would bring personal data of others",
        ),
        KeyPermission.WEBSOCKETS_TOKEN: PermissionFact(
            label="private live feed",
            kind=_WRITE,
            allows="have a credential made for the live feed of own orders",
            certainty=_INFERRED,
            why_not_probed="an empty request makes a credential",
        ),
        KeyPermission.REVOKE_KEYS: PermissionFact(
            label="revoke all API keys",
            kind=_WRITE,
            allows="end every key of every account of the owner",
            certainty=_INFERRED,
            why_not_probed="an empty request ends every key",
        ),
    }
)
"""In the order in which a report shows them."""


def permissions_of(*kinds: PermissionKind) -> tuple[KeyPermission, ...]:
    """Return the permissions of these kinds, in the order of the table."""
    return tuple(each for each, fact in KEY_PERMISSIONS.items() if fact.kind in kinds)
