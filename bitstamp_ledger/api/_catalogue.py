"""The closed table of endpoints.

Whatever is not in `Endpoint` cannot be asked for: a `Call` takes nothing else, and the transport
looks every request up here again before it leaves.  All of them read; none has a body that could
change anything.  Facts and sources: docs/facts/exchange.md, "Endpoints".
"""

import enum
import re
from collections.abc import Mapping
from typing import Final, Literal

import attrs

PREFIX: Final = "/api/v2/"

Method = Literal["GET", "POST"]


class Permission(enum.Enum):
    """What a key may be allowed to do, as far as reading needs it.

    The exchange publishes no list; the names follow its settings page
    (docs/facts/exchange.md, "Permissions").
    """

    ACCOUNT_BALANCE = "view account balances"
    USER_TRANSACTIONS = "view your transactions"
    OPEN_ORDERS = "open orders"
    WITHDRAWAL_REQUESTS = "list withdrawal requests"
    NOT_KNOWN = "not known"
    """Some permission is needed; no source says which."""


class Scope(enum.Enum):
    """Whose data an endpoint shows."""

    PUBLIC = "public"
    KEY = "the account that the key is bound to"
    MAIN = "main account keys only"


@attrs.frozen(kw_only=True)
class EndpointSpec:
    """One row of the catalogue."""

    method: Method
    path: str
    """Template below `PREFIX`; names in braces are filled from `PATH_VALUES`."""

    scope: Scope
    permission: Permission | None = None
    parameters: frozenset[str] = frozenset()
    """Sent as a form (POST) or as a query (GET)."""

    retry_safe: bool = True
    """Whether asking twice has no more effect than asking once; so for every read."""


PATH_VALUES: Final[Mapping[str, re.Pattern[str]]] = {
    "market": re.compile(r"[a-z0-9]{2,24}(-[a-z0-9]{1,12})?"),
    "currency": re.compile(r"[a-z0-9]{1,24}"),
    "id": re.compile(r"[A-Za-z0-9-]{1,64}"),
}
"""What may stand in the place of a name in braces; never a slash or a dot."""

_PAGED: Final = frozenset({"offset", "limit"})
_SINCE_UNTIL: Final = frozenset({"since_timestamp", "until_timestamp"})
_TRANSACTIONS: Final = _PAGED | _SINCE_UNTIL | {"sort", "since_id"}


def _public(path: str, *parameters: str) -> EndpointSpec:
    return EndpointSpec(
        method="GET", path=path, scope=Scope.PUBLIC, parameters=frozenset(parameters)
    )


def _signed(
    method: Method,
    path: str,
    permission: Permission = Permission.NOT_KNOWN,
    parameters: frozenset[str] = frozenset(),
    scope: Scope = Scope.KEY,
) -> EndpointSpec:
    return EndpointSpec(
        method=method, path=path, scope=scope, permission=permission, parameters=parameters
    )


class Endpoint(enum.Enum):
    """Every endpoint that this library can ask, and no other."""

    ACCOUNT_BALANCES = _signed("POST", "account_balances/", Permission.ACCOUNT_BALANCE)
    ACCOUNT_BALANCES_OF_CURRENCY = _signed(
        "POST", "account_balances/{currency}/", Permission.ACCOUNT_BALANCE
    )
    USER_TRANSACTIONS = _signed(
        "POST", "user_transactions/", Permission.USER_TRANSACTIONS, _TRANSACTIONS
    )
    USER_TRANSACTIONS_OF_MARKET = _signed(
        "POST", "user_transactions/{market}/", Permission.USER_TRANSACTIONS, _TRANSACTIONS
    )
    CRYPTO_TRANSACTIONS = _signed(
        "POST",
        "crypto-transactions/",
        Permission.USER_TRANSACTIONS,
        _PAGED | _SINCE_UNTIL | {"include_ious"},
        scope=Scope.MAIN,
    )
    CRYPTO_DEPOSITS = _signed(
        "GET",
        "crypto-transactions/deposits/",
        parameters=_PAGED | _SINCE_UNTIL | {"status"},
        scope=Scope.MAIN,
    )
    WITHDRAWAL_REQUESTS = _signed(
        "POST",
        "withdrawal-requests/",
        Permission.WITHDRAWAL_REQUESTS,
        _PAGED | {"id", "timedelta"},
    )
    OPEN_ORDERS = _signed("POST", "open_orders/", Permission.OPEN_ORDERS)
    OPEN_ORDERS_OF_MARKET = _signed("POST", "open_orders/{market}/", Permission.OPEN_ORDERS)
    ORDER_STATUS = _signed(
        "POST",
        "order_status/",
        Permission.OPEN_ORDERS,
        frozenset({"id", "client_order_id", "omit_transactions"}),
    )
    FEES_TRADING = _signed("POST", "fees/trading/")
    FEES_TRADING_OF_MARKET = _signed("POST", "fees/trading/{market}/")
    FEES_WITHDRAWAL = _signed("POST", "fees/withdrawal/")
    FEES_WITHDRAWAL_OF_CURRENCY = _signed(
        "POST", "fees/withdrawal/{currency}/", parameters=frozenset({"network"})
    )
    MY_MARKETS = _signed("POST", "my_markets/")
    MY_MARKETS_BY_GET = _signed("GET", "my_markets/")
    """As documented; whoever tried it found that only POST works."""

    EARN_SUBSCRIPTIONS = _signed("GET", "earn/subscriptions/")
    EARN_TRANSACTIONS = _signed(
        "GET", "earn/transactions/", parameters=_PAGED | {"currency", "quote_currency"}
    )
    TRADE_HISTORY = _signed(
        "GET",
        "trade_history/",
        parameters=_SINCE_UNTIL | {"limit", "sort", "order_id", "after_id"},
    )
    TRADE_HISTORY_OF_MARKET = _signed(
        "GET",
        "trade_history/{market}/",
        parameters=_SINCE_UNTIL | {"limit", "sort", "order_id", "after_id"},
    )
    POSITION_HISTORY = _signed("GET", "position_history/", parameters=_PAGED | {"since_id", "sort"})
    POSITION_SETTLEMENTS = _signed(
        "GET", "position_settlement_transactions/", parameters=_TRANSACTIONS
    )
    OPEN_POSITIONS = _signed("GET", "open_positions/")
    MARGIN_INFO = _signed("GET", "margin_info/")

    CURRENCIES = _public("currencies/")
    MARKETS = _public("markets/")
    TICKER = _public("ticker/{market}/")
    CANDLES = _public("ohlc/{market}/", "step", "limit", "start", "end", "exclude_current_candle")
    EUR_USD = _public("eur_usd/")

    @property
    def label(self) -> str:
        """The name used in messages, errors and sources."""
        return self.name.lower()


def _copy(mapping: Mapping[str, str]) -> dict[str, str]:
    # What was checked must not change under our hands.
    return dict(mapping)


@attrs.frozen(kw_only=True)
class Call:
    """One request to one endpoint of the catalogue, not yet signed.

    Raises:
        TypeError: ``endpoint`` is no member of the catalogue.
        ValueError: a parameter or a path value that the endpoint does not take.
    """

    endpoint: Endpoint = attrs.field(validator=attrs.validators.instance_of(Endpoint))
    parameters: Mapping[str, str] = attrs.field(factory=dict, converter=_copy, hash=False)
    path_values: Mapping[str, str] = attrs.field(factory=dict, converter=_copy, hash=False)

    query_mark_signed: bool = True
    """Whether the question mark before a query is part of what is signed.  Sources contradict each
    other (docs/facts/exchange.md, "Signing"); what is sent has it either way."""

    def __attrs_post_init__(self) -> None:
        spec = self.endpoint.value
        label = self.endpoint.label
        if unknown := set(self.parameters) - spec.parameters:
            raise ValueError(f"{label} takes no {', '.join(sorted(unknown))}")
        names = set(re.findall(r"{(\w+)}", spec.path))
        if names != set(self.path_values):
            raise ValueError(f"the path of {label} needs exactly {sorted(names) or 'nothing'}")
        for name, value in self.path_values.items():
            if not PATH_VALUES[name].fullmatch(value):
                raise ValueError(f"not a {name} in a path: {value!r}")

    @property
    def method(self) -> Method:
        """``GET`` or ``POST``, as HTTP has it."""
        return self.endpoint.value.method

    @property
    def path(self) -> str:
        """The path from the first slash, without a query."""
        return PREFIX + self.endpoint.value.path.format_map(self.path_values)

    @property
    def signed(self) -> bool:
        """Whether the request must carry the key's signature."""
        return self.endpoint.value.scope is not Scope.PUBLIC


def _pattern(template: str) -> re.Pattern[str]:
    literal_and_names = re.split(r"{(\w+)}", template)
    literals, names = literal_and_names[::2], literal_and_names[1::2]
    pattern = re.escape(literals[0])
    for name, literal in zip(names, literals[1:], strict=True):
        pattern += f"(?:{PATH_VALUES[name].pattern})" + re.escape(literal)
    return re.compile(re.escape(PREFIX) + pattern)


_PATTERNS: Final = tuple(
    (endpoint, endpoint.value.method, _pattern(endpoint.value.path)) for endpoint in Endpoint
)


def recognise(method: str, path: str) -> Endpoint | None:
    """Return the endpoint that a request goes to, or None when the catalogue has none.

    Args:
        method: the HTTP method.
        path: the raw path, from the first slash, without the query.
    """
    for endpoint, its_method, pattern in _PATTERNS:
        if method == its_method and pattern.fullmatch(path):
            return endpoint
    return None
