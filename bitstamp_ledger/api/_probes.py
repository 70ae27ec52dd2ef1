"""The only requests to write endpoints, as two tables: what must never be sent, and what may be.

1. Only this module can name a write endpoint.  `Probe` is closed, and a `ProbeCall` has no place
   for a parameter: what is sent is the table's empty body, or its ``{}``.
2. `BANNED` is looked at before signing and again before bytes move.

What the answers prove: ``_probe_answers``.  When they are sent: ``_key_check``.  Facts, sources and
doubts: docs/facts/exchange.md, "Key check" and "Probes of the key check".
"""

import enum
import re
from collections.abc import Iterable
from typing import Final, NoReturn, final
from urllib.parse import unquote

import attrs

from bitstamp_ledger.api._catalogue import PREFIX, Method
from bitstamp_ledger.api._key_permissions import KeyPermission
from bitstamp_ledger.api._key_report import ALWAYS_ASKED, Probes
from bitstamp_ledger.api._signing import SignedCall, SigningKey, sign_parts
from bitstamp_ledger.errors import ForbiddenCallError

JSON_TYPE: Final = "application/json"
CURRENCY: Final = re.compile(r"[a-z0-9]{2,24}")
"""What can stand for a currency in a path."""


# -- what must never be called


@attrs.frozen(kw_only=True)
class Ban:
    """One row of the ban list."""

    path: re.Pattern[str]
    """Below ``/api/v2/``, normalised."""

    why: str
    methods: frozenset[str] = frozenset()
    """Empty: every method."""


def _ban(path: str, why: str, *methods: str) -> Ban:
    return Ban(path=re.compile(path), why=why, methods=frozenset(methods))


BANNED: Final = (
    _ban(r"cancel_all_orders/([^/]+/)?", "an empty request cancels every order"),
    _ban(r"revoke_all_api_keys/", "an empty request ends every key of every account"),
    _ban(r"close_positions?/([^/]+/)?", "an empty request may close positions"),
    _ban(r"adjust_position_collateral/", "moves collateral"),
    _ban(r"leverage_settings/([^/]+/)?", "changes risk", "POST"),
    _ban(r"[^/]*_address/", "may allot a new address"),
    _ban(r"(instant_convert|liquidation)_address/new/", "makes a new address"),
    _ban(r"websockets_token/", "an empty request makes a credential"),
    _ban(r"crypto-transactions/deposits/.+", "alters or rejects a deposit"),
    _ban(r"withdrawal/cancel/", "acts on a real withdrawal"),
    _ban(r"replace_order/", "looks for the order before it looks at the permission"),
    _ban(r"travel_rule/.*", "stores personal data", "POST", "PUT", "PATCH", "DELETE"),
    _ban(r"earn/(subscriptions/setting|unsubscribe)/", "changes Earn"),
)
"""Not even an empty request may go there (docs/facts/exchange.md, "Key check")."""

_SCHEMELESS_ROOT: Final = "api/"
_VERSION_ROOT: Final = "api/v2/"


def ban_of(method: str, path: str) -> str | None:
    """Return why a request must never be sent, or None.

    The path is looked at as the most lenient server would: decoded, in lower case, without empty
    or dotted parts, and with a slash at its end.
    """
    plain = _plain(path)
    if plain.startswith(_SCHEMELESS_ROOT) and not plain.startswith(_VERSION_ROOT):
        return "the first version of the API is not known well enough"
    below = plain.removeprefix(_VERSION_ROOT)
    for ban in BANNED:
        if (not ban.methods or method.upper() in ban.methods) and ban.path.fullmatch(below):
            return ban.why
    return None


def _plain(path: str) -> str:
    decoded = path.partition("?")[0]
    while (further := unquote(decoded)) != decoded:
        decoded = further
    parts: list[str] = []
    for part in decoded.casefold().replace("\\", "/").split("/"):
        name = part.partition(";")[0].strip()
        if name == "..":
            del parts[-1:]
        elif name not in {"", "."}:
            parts.append(name)
    return "".join(f"{part}/" for part in parts)


# -- the probes


@attrs.frozen(kw_only=True)
class ProbeSpec:
    """One row of the table of probes."""

    path: str
    """Below ``/api/v2/``; ``{currency}`` is the only name that can be filled in."""

    permission: KeyPermission
    lacks: tuple[str, ...]
    """Content without which the endpoint cannot act, and of which nothing is sent."""

    harmless: str
    """Why the request cannot take effect."""

    method: Method = "POST"
    json: bool = False
    """Whether the endpoint takes JSON; then ``{}`` is sent."""

    reads: bool = False
    """Whether the endpoint only reads, whatever it is sent."""

    missing_codes: frozenset[str] = frozenset({"400.004", "400.005", "400.006"})
    """Codes of a complaint about missing content."""

    bare_403_is_known: bool = False
    """Whether a 403 without code is documented here: for a missing permission as well as for a
    product that the account has not.  It proves neither, and is no surprise."""

    @property
    def body(self) -> bytes:
        """All that is ever sent."""
        return b"{}" if self.json else b""


def _order(path: str, permission: KeyPermission) -> ProbeSpec:
    return ProbeSpec(
        path=path,
        permission=permission,
        lacks=("amount", "price"),
        harmless="an order without an amount cannot be placed",
    )


@final
class Probe(enum.Enum):
    """Every request that may be sent to a write endpoint, in the order of sending."""

    WITHDRAWAL_STATUS = ProbeSpec(
        path="withdrawal/status/",
        permission=KeyPermission.BANK_WITHDRAWAL,
        lacks=("id",),
        reads=True,
        harmless="the endpoint only reads, and shares its permission with opening withdrawals",
    )
    CANCEL_ORDER = ProbeSpec(
        path="cancel_order/",
        permission=KeyPermission.CANCEL_ORDER,
        lacks=("id",),
        missing_codes=frozenset({"400.004", "400.035", "400.072"}),
        harmless="no order is named, so none can be cancelled",
    )
    EARN_SUBSCRIBE = ProbeSpec(
        path="earn/subscribe/",
        permission=KeyPermission.EARN_MANAGE,
        lacks=("currency", "amount", "type", "term"),
        json=True,
        bare_403_is_known=True,
        harmless="neither a currency nor an amount is named, so nothing can be subscribed",
    )
    TRANSFER_TO_MAIN = ProbeSpec(
        path="transfer-to-main/",
        permission=KeyPermission.SUB_ACCOUNT_TRANSFER,
        lacks=("amount", "currency", "subaccount"),
        harmless="neither an amount nor a currency is named, so nothing can be moved",
    )
    BUY_LIMIT_ORDER = _order("buy/btceur/", KeyPermission.BUY_LIMIT_ORDER)
    SELL_LIMIT_ORDER = _order("sell/btceur/", KeyPermission.SELL_LIMIT_ORDER)
    BUY_INSTANT_ORDER = _order("buy/instant/btceur/", KeyPermission.BUY_INSTANT_ORDER)
    SELL_INSTANT_ORDER = _order("sell/instant/btceur/", KeyPermission.SELL_INSTANT_ORDER)
    BUY_MARKET_ORDER = _order("buy/market/btceur/", KeyPermission.BUY_MARKET_ORDER)
    SELL_MARKET_ORDER = _order("sell/market/btceur/", KeyPermission.SELL_MARKET_ORDER)
    WITHDRAWAL_OPEN = ProbeSpec(
        path="withdrawal/open/",
        permission=KeyPermission.BANK_WITHDRAWAL,
        lacks=("amount", "account_currency", "name", "iban", "bic", "address", "type"),
        harmless="neither an amount nor a bank account is named, so nothing can be sent",
    )
    CRYPTO_WITHDRAWAL = ProbeSpec(
        path="{currency}_withdrawal/",
        permission=KeyPermission.CRYPTO_WITHDRAWAL,
        lacks=("amount", "address"),
        harmless="neither an amount nor an address is named, so nothing can be sent",
    )

    @property
    def label(self) -> str:
        """The name used in evidence."""
        return self.name.lower()

    @property
    def per_currency(self) -> bool:
        """Whether the path names a currency."""
        return "{currency}" in self.value.path


@final
@attrs.frozen(kw_only=True)
class ProbeCall:
    """One probe, not yet signed.  It has no place for a parameter.

    Raises:
        TypeError: ``probe`` is no member of the table.
        ValueError: a currency where none belongs, or none where one does, or no currency.
        ForbiddenCallError: the path is on the ban list.
    """

    probe: Probe = attrs.field(validator=attrs.validators.instance_of(Probe))
    currency: str | None = None
    """In lower case, for the probe whose path names one."""

    def __init_subclass__(cls) -> NoReturn:
        raise TypeError("a probe cannot be extended")

    def __attrs_post_init__(self) -> None:
        if self.probe.per_currency != (self.currency is not None):
            raise ValueError(f"{self.probe.label}: a currency exactly where the path names one")
        if self.currency is not None and not CURRENCY.fullmatch(self.currency):
            raise ValueError(f"not a currency in a path: {self.currency!r}")
        _refuse_banned(self.method, self.path)

    @property
    def spec(self) -> ProbeSpec:
        """The row of the table."""
        return self.probe.value

    @property
    def method(self) -> Method:
        """``GET`` or ``POST``, as HTTP has it."""
        return self.spec.method

    @property
    def path(self) -> str:
        """The path from the first slash; there never is a query."""
        return PREFIX + self.spec.path.format(currency=self.currency)

    @property
    def asset(self) -> str | None:
        """The currency in capitals."""
        return None if self.currency is None else self.currency.upper()

    def __str__(self) -> str:
        content = "the JSON {}" if self.spec.json else "no content"
        return f"{self.method} {self.path} with {content}: {self.spec.harmless}"


def _refuse_banned(method: str, path: str) -> None:
    if why := ban_of(method, path):
        raise ForbiddenCallError(f"{method} {path} must never be called: {why}.")


_PATTERNS: Final = tuple(
    (
        probe,
        re.compile(
            re.escape(PREFIX)
            + re.escape(probe.value.path).replace(re.escape("{currency}"), CURRENCY.pattern)
        ),
    )
    for probe in Probe
)


def recognise_probe(method: str, target: str, body: bytes) -> Probe | None:
    """Return the probe that a request is, or None when it is none, or carries anything.

    Args:
        method: the HTTP method.
        target: the raw path with its query, if it has one; a probe has none.
        body: what would be sent.
    """
    if ban_of(method, target):
        return None
    for probe, pattern in _PATTERNS:
        spec = probe.value
        if method == spec.method and body == spec.body and pattern.fullmatch(target):
            return probe
    return None


def sign_probe(
    call: ProbeCall, key: SigningKey, *, host: str, nonce: str, timestamp_ms: int
) -> SignedCall:
    """Sign a probe for its one sending.  Arguments are those of `sign`.

    Raises:
        ForbiddenCallError: it is on the ban list, or no probe at all.
    """
    method, path, body = call.method, call.path, call.spec.body
    _refuse_banned(method, path)
    if recognise_probe(method, path, body) is None:
        raise ForbiddenCallError("Only a probe of the table can be signed; nothing was sent.")
    return sign_parts(
        key,
        method=method,
        target=path,
        signed_target=path,
        content_type=JSON_TYPE,
        body=body,
        host=host,
        nonce=nonce,
        timestamp_ms=timestamp_ms,
    )


def planned(probes: Probes, held: Iterable[str] = ()) -> tuple[ProbeCall, ...]:
    """Return the probes of a check, in the order of sending.

    Args:
        probes: how much the check may ask.
        held: currencies that the account holds, in capitals, beside those always asked about.

    Raises:
        ValueError: a currency that cannot stand in a path.
    """
    calls: list[ProbeCall] = []
    coins = dict.fromkeys((*ALWAYS_ASKED, *held))
    for probe in Probe:
        if probes is Probes.NONE or (probes is Probes.READS and not probe.value.reads):
            continue
        if probe.per_currency:
            calls += [ProbeCall(probe=probe, currency=coin.lower()) for coin in coins]
        else:
            calls.append(ProbeCall(probe=probe))
    return tuple(calls)
