"""The key check: the only requests to write endpoints, and what their answers prove.

1. Only this module can name a write endpoint.  `Probe` is closed, and a `ProbeCall` has no place
   for a parameter: what is sent is the table's empty body, or its ``{}``.
2. Probes go out one at a time, the most harmless first, each at most once.  The first permission
   found and the first unexpected answer end them.
3. `BANNED` is looked at before signing and again before bytes move.
4. Whatever decides what an answer proves lives here: "No permission found" proves absence, a
   complaint about missing content is evidence of presence, anything else is unknown.

Facts, sources and doubts: docs/facts/exchange.md, "Key check" and "Probes of the key check".
"""

import datetime as dt
import email.utils
import enum
import re
from collections.abc import Callable, Generator, Iterable
from functools import partial
from typing import Final, NoReturn, TypeVar, final
from urllib.parse import unquote

import attrs

from bitstamp_ledger.api._catalogue import PREFIX, Call, Endpoint, Method
from bitstamp_ledger.api._decode import (
    parse_balances,
    parse_user_transactions,
    records_in,
)
from bitstamp_ledger.api._effects import Effect, Flow, NoReply, Reply
from bitstamp_ledger.api._exchange import Manners, ask
from bitstamp_ledger.api._key_conditions import KeyCondition, KeyState, condition_of
from bitstamp_ledger.api._key_permissions import KeyPermission
from bitstamp_ledger.api._key_report import (
    ALWAYS_ASKED,
    DEAD_AFTER,
    NEEDED,
    TO_BE_DENIED,
    WRITES,
    Finding,
    Grant,
    KeyEvidence,
    KeyReport,
    KeyScope,
    NotProbed,
    Probes,
    read_only_follows,
)
from bitstamp_ledger.api._refusals import refusal_of
from bitstamp_ledger.api._signing import Seal, SignedCall, SigningKey, sign_parts
from bitstamp_ledger.api._wire import parse_json
from bitstamp_ledger.errors import (
    ApiError,
    BitstampLedgerError,
    ExchangeUnavailableError,
    ForbiddenCallError,
    PermissionDeniedError,
    RateLimitedError,
    UnreadableReplyError,
)
from bitstamp_ledger.model import TIME_NOT_STATED, Balance

T = TypeVar("T")

JSON_TYPE: Final = "application/json"
HTTP_SUCCESS: Final = range(200, 300)
HTTP_FORBIDDEN: Final = 403
HTTP_REFUSALS: Final = frozenset(range(200, 500)) - set(range(300, 400)) - {401, 408, 429}
"""Statuses under which a refusal has been seen; outside them, an answer proves nothing."""

CURRENCY: Final = re.compile(r"[a-z0-9]{2,24}")
MONEY_OF_STATES: Final = frozenset({"AUD", "CAD", "CHF", "EUR", "GBP", "JPY", "SGD", "USD"})
"""Leaves by bank; there is no crypto withdrawal to ask about."""


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
        """The HTTP method."""
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


# -- what an answer proves


@attrs.frozen
class SendProbe:
    """Sign and send a probe, once; answered by Reply or NoReply."""

    call: ProbeCall


@attrs.frozen
class TellTime:
    """Say what this machine's clock shows; answered by an aware datetime."""


KeyCheckFlow = Generator[Effect | SendProbe | TellTime, Reply | NoReply | dt.datetime | None, T]
"""A flow that may also probe."""


class _Course(enum.Enum):
    """How the check goes on after an answer."""

    ON = enum.auto()
    STOP = enum.auto()


@attrs.frozen(kw_only=True)
class _Judgement:
    """What the answer to a probe proves."""

    grant: Grant
    course: _Course = _Course.STOP
    trouble: KeyCondition | None = None


_DENIED: Final = _Judgement(grant=Grant.DENIED, course=_Course.ON)
_GRANTED: Final = _Judgement(grant=Grant.GRANTED)
_KNOWN_BUT_UNDECIDED: Final = _Judgement(
    grant=Grant.UNKNOWN, course=_Course.ON, trouble=KeyCondition.PROBE_UNDECIDED
)


def _unknown(trouble: KeyCondition) -> _Judgement:
    return _Judgement(grant=Grant.UNKNOWN, trouble=trouble)


def judge(call: ProbeCall, answer: Reply | NoReply) -> _Judgement:
    """Decide what an answer to a probe proves; in doubt, nothing."""
    if isinstance(answer, NoReply):
        return _unknown(KeyCondition.PROBE_INTERRUPTED)
    if answer.seal is Seal.WRONG:
        return _unknown(KeyCondition.NOT_GENUINE)
    refusal = refusal_of(answer, endpoint=call.probe.label)
    if refusal is None:
        return _judge_success(call, answer)
    return _judge_refusal(call, answer, refusal)


def _judge_refusal(call: ProbeCall, answer: Reply, refusal: ApiError) -> _Judgement:
    payload = _object_in(answer.body)
    if isinstance(refusal, RateLimitedError | ExchangeUnavailableError):
        return _unknown(KeyCondition.PROBE_INTERRUPTED)
    if payload is None or answer.status not in HTTP_REFUSALS:
        return _unknown(KeyCondition.PROBE_UNDECIDED)
    complains = _complains_of_missing(call.spec, refusal, payload)
    if complains:
        return _GRANTED
    if _denies(refusal):
        return _DENIED
    bare = answer.status == HTTP_FORBIDDEN and not _is_of_the_key(refusal)
    if (call.spec.bare_403_is_known and bare) or "sub account" in refusal.reason.casefold():
        return _KNOWN_BUT_UNDECIDED
    return _unknown(KeyCondition.PROBE_UNDECIDED)


def _judge_success(call: ProbeCall, reply: Reply) -> _Judgement:
    readable = _is_json(reply.body)
    if call.spec.reads and readable and reply.status in HTTP_SUCCESS:
        return _GRANTED
    if reply.status in HTTP_SUCCESS and (readable or not reply.body):
        return _unknown(KeyCondition.PROBE_ACCEPTED)
    return _unknown(KeyCondition.PROBE_UNDECIDED)


_COMPLAINT: Final = re.compile(r"\bmissing\b|\brequired\b", re.IGNORECASE)


def _denies(refusal: ApiError) -> bool:
    """Say whether the exchange itself named the missing permission, by code or by its words."""
    if not isinstance(refusal, PermissionDeniedError):
        return False
    if refusal.code is not None:
        return refusal.code == "API0003" and not _COMPLAINT.search(refusal.reason)
    return refusal.reason.casefold() == "no permission found"


def _complains_of_missing(spec: ProbeSpec, refusal: ApiError, payload: dict[str, object]) -> bool:
    """Say whether the answer complains of content that this very probe lacks."""
    if _is_of_the_key(refusal):
        return False
    if refusal.code in spec.missing_codes:
        return True
    if refusal.reason.casefold() == "this field is required" and not payload.get("field"):
        return True  # It does not say which; this probe lacks all of them.
    said = f"{refusal.reason} {payload.get('field', '')}".casefold()
    if not _COMPLAINT.search(said):
        return False
    return any(re.search(rf"\b{name}\b", said) for name in spec.lacks)


def _is_of_the_key(refusal: ApiError) -> bool:
    return refusal.code is not None and refusal.code.startswith("API00")


def _object_in(body: bytes) -> dict[str, object] | None:
    try:
        payload = parse_json(body)
    except ValueError:
        return None
    return payload if isinstance(payload, dict) else None


def _is_json(body: bytes) -> bool:
    try:
        parse_json(body)
    except ValueError:
        return False
    return True


# -- the check


@attrs.frozen(kw_only=True)
class KeySubject:
    """Which key is checked, as far as a report may show it."""

    key: str
    account: str
    exchange: str
    hide: Callable[[str], str] = attrs.field(default=str, repr=False, eq=False)
    """Takes the key out of a text, should the exchange quote it."""


@attrs.define(kw_only=True)
class _Notes:
    """What was found so far."""

    subject: KeySubject
    manners: Manners
    findings: list[Finding] = attrs.field(factory=list)
    not_probed: list[NotProbed] = attrs.field(factory=list)
    read_trouble: KeyCondition | None = None
    probe_trouble: KeyCondition | None = None
    bound_to: KeyScope = KeyScope.NOT_KNOWN
    skew_s: float | None = None
    now: dt.datetime = TIME_NOT_STATED

    def measure(self, answer: Reply | NoReply | None) -> None:
        """Compare this machine's clock with the exchange's, which signs its replies with a date."""
        stated = _date_of(answer) if isinstance(answer, Reply) else None
        if stated is not None:
            self.skew_s = (self.now - stated).total_seconds()

    def note(
        self,
        question: Call | ProbeCall,
        permission: KeyPermission,
        grant: Grant,
        answer: Reply | NoReply | None,
        error: BitstampLedgerError | None,
    ) -> None:
        """Add a finding."""
        if isinstance(question, ProbeCall):
            label, asset = question.probe.label, question.asset
        else:
            label, asset = question.endpoint.label, None
        evidence = KeyEvidence(
            endpoint=label,
            request=f"{question.method} {question.path}",
            status=answer.status if isinstance(answer, Reply) else None,
            code=error.code and self.subject.hide(error.code)
            if isinstance(error, ApiError)
            else None,
            text=self.subject.hide(_words(answer, error)),
            time=self.now,
        )
        self.findings.append(
            Finding(permission=permission, asset=asset, grant=grant, evidence=evidence)
        )

    def grants(self, permission: KeyPermission) -> set[Grant]:
        """Return what the findings say of a permission."""
        return {each.grant for each in self.findings if each.permission is permission}


def _words(answer: Reply | NoReply | None, error: BitstampLedgerError | None) -> str:
    if isinstance(answer, NoReply):
        return answer.reason
    if isinstance(error, ApiError):
        return error.reason
    return str(error.args[0]) if error is not None else ""


def _date_of(reply: Reply) -> dt.datetime | None:
    try:
        stated = email.utils.parsedate_to_datetime(reply.headers.get("date", ""))
    except (ValueError, OverflowError):
        return None
    return stated if stated.tzinfo is not None else None


def check_key_flow(
    subject: KeySubject,
    probes: Probes,
    *,
    manners: Manners,
    worked_before: bool | None = None,
    earlier: KeyReport | None = None,
) -> KeyCheckFlow[KeyReport]:
    """Ask what a key may do, and report it.

    Args:
        subject: the key.
        probes: how much to ask about writing.
        manners: how often reads are repeated; a probe never is.
        worked_before: whether the key ever worked, where the caller knows.
        earlier: an earlier report on the same key; one on another key is not considered.
    """
    if earlier is not None and earlier.key != subject.key:
        earlier = None
    notes = _Notes(subject=subject, manners=manners)
    balances = yield from _read(
        notes,
        Call(endpoint=Endpoint.ACCOUNT_BALANCES),
        KeyPermission.ACCOUNT_BALANCE,
        parse_balances,
    )
    if notes.read_trouble is None:
        yield from _read(
            notes,
            Call(
                endpoint=Endpoint.USER_TRANSACTIONS,
                parameters={"limit": "1", "sort": "desc"},
            ),
            KeyPermission.USER_TRANSACTIONS,
            parse_user_transactions,
        )
    if notes.read_trouble is None:
        yield from _read_the_rest(notes)
        held, nameless = _held(balances or ())
        yield from _send_probes(notes, planned(probes, held))
        if nameless:
            reason = f"not to be named in a request: {', '.join(nameless)}"
            notes.not_probed.append(
                NotProbed(permission=KeyPermission.CRYPTO_WITHDRAWAL, reason=reason)
            )
    else:
        nameless = ()
    _list_the_unasked(notes, probes)
    condition = _conclude(
        notes, probes, complete=not nameless, earlier=earlier, worked_before=worked_before
    )
    return KeyReport(
        condition=condition,
        probes=probes,
        findings=tuple(notes.findings),
        not_probed=tuple(notes.not_probed),
        key=subject.key,
        account=subject.account,
        exchange=subject.exchange,
        bound_to=notes.bound_to,
        clock_skew_s=notes.skew_s,
        checked_at=notes.now,
    )


def _read(
    notes: _Notes,
    call: Call,
    permission: KeyPermission,
    read: Callable[[bytes], T],
    *,
    manners: Manners | None = None,
) -> KeyCheckFlow[T | None]:
    """Put a question that reads; note what the answer proves."""
    seen: list[Reply | NoReply] = []
    value: T | None = None
    error: BitstampLedgerError | None = None
    try:
        value = yield from _observed(ask(call, read, manners or notes.manners), seen)
    except BitstampLedgerError as exc:
        error = exc
    last = seen[-1] if seen else None
    notes.now = _instant((yield TellTime()))
    notes.measure(last)
    grant = Grant.GRANTED if error is None else Grant.UNKNOWN
    if isinstance(error, ApiError) and isinstance(last, Reply):
        sound = _object_in(last.body) is not None and last.status in HTTP_REFUSALS
        if sound and _denies(error):
            grant = Grant.DENIED
    if error is not None and grant is Grant.UNKNOWN and permission in NEEDED:
        notes.read_trouble = condition_of(error)
    notes.note(call, permission, grant, last, error)
    return value


def _observed(flow: Flow[T], seen: list[Reply | NoReply]) -> KeyCheckFlow[T]:
    """Run a flow, and keep what it was answered."""
    answer: Reply | NoReply | None = None
    while True:
        try:
            effect = flow.send(answer)
        except StopIteration as finished:
            result: T = finished.value
            return result
        got = yield effect
        answer = got if isinstance(got, Reply | NoReply) else None
        if answer is not None:
            seen.append(answer)


def _instant(answer: object) -> dt.datetime:
    if not isinstance(answer, dt.datetime):
        raise TypeError(f"the driver must tell the time, not {answer!r}")
    return answer


def _read_the_rest(notes: _Notes) -> KeyCheckFlow[None]:
    """Ask what is good to know; each only once, since the verdict does not hang on it."""
    once = attrs.evolve(notes.manners, retry=attrs.evolve(notes.manners.retry, attempts_max=1))
    for call, permission in (
        (Call(endpoint=Endpoint.OPEN_ORDERS), KeyPermission.OPEN_ORDERS),
        (
            Call(
                endpoint=Endpoint.WITHDRAWAL_REQUESTS,
                parameters={"limit": "1", "offset": "0"},  # One without the other is refused.
            ),
            KeyPermission.WITHDRAWAL_REQUESTS,
        ),
    ):
        read = partial(records_in, endpoint=call.endpoint.label)
        yield from _read(notes, call, permission, read, manners=once)
    scope = Call(endpoint=Endpoint.CRYPTO_TRANSACTIONS, parameters={"limit": "1"})
    try:
        yield from _observed(ask(scope, _an_object, once), [])
    except ApiError as error:
        if "sub account" in error.reason.casefold():
            notes.bound_to = KeyScope.SUB_ACCOUNT
    except BitstampLedgerError:
        pass  # What the key is bound to stays unknown.
    else:
        notes.bound_to = KeyScope.MAIN


def _an_object(body: bytes) -> dict[str, object]:
    payload = _object_in(body)
    if payload is None:
        raise UnreadableReplyError(
            "The reply is no JSON object.", endpoint=Endpoint.CRYPTO_TRANSACTIONS.label
        )
    return payload


def _held(balances: Iterable[Balance]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the coins that the account holds: those that a path can name, and the others."""
    coins = [
        balance.currency
        for balance in balances
        if balance.total and balance.currency not in MONEY_OF_STATES
    ]
    nameable = tuple(coin for coin in coins if CURRENCY.fullmatch(coin.lower()))
    return nameable, tuple(coin for coin in coins if coin not in nameable)


def _send_probes(notes: _Notes, calls: tuple[ProbeCall, ...]) -> KeyCheckFlow[None]:
    for position, call in enumerate(calls):
        answer = yield SendProbe(call)
        if not isinstance(answer, Reply | NoReply):
            raise TypeError(f"the driver must answer a probe, not {answer!r}")
        notes.now = _instant((yield TellTime()))
        judgement = judge(call, answer)
        error = refusal_of(answer, endpoint=call.probe.label) if isinstance(answer, Reply) else None
        notes.note(call, call.spec.permission, judgement.grant, answer, error)
        notes.probe_trouble = judgement.trouble or notes.probe_trouble
        if judgement.course is _Course.STOP:
            _list_the_rest(notes, judgement, calls[position + 1 :])
            return


def _list_the_rest(notes: _Notes, last: _Judgement, calls: Iterable[ProbeCall]) -> None:
    why = "a permission to write was found" if last.grant is Grant.GRANTED else "an answer was odd"
    asked = {(each.permission, each.asset) for each in notes.findings}
    for call in calls:
        if (call.spec.permission, call.asset) not in asked:
            notes.not_probed.append(
                NotProbed(
                    permission=call.spec.permission,
                    asset=call.asset,
                    reason=f"the check stopped before, because {why}",
                )
            )


def _list_the_unasked(notes: _Notes, probes: Probes) -> None:
    """Name every write that this check says nothing about."""
    known = {each.permission for each in notes.findings}
    known |= {each.permission for each in notes.not_probed}
    for permission in WRITES:
        reason = permission.fact.why_not_probed
        if permission in TO_BE_DENIED and permission not in known:
            reason = (
                "reading failed, so nothing else was asked"
                if notes.read_trouble is not None
                else f"the probes {probes.name} do not ask about it"
            )
        if reason is not None:
            notes.not_probed.append(NotProbed(permission=permission, reason=reason))
    asked = [each.asset for each in notes.findings if each.asset is not None]
    if asked:
        notes.not_probed.append(
            NotProbed(
                permission=KeyPermission.CRYPTO_WITHDRAWAL,
                reason=f"currencies other than {', '.join(asked)}; each can be permitted alone",
            )
        )


def _conclude(
    notes: _Notes,
    probes: Probes,
    *,
    complete: bool,
    earlier: KeyReport | None,
    worked_before: bool | None,
) -> KeyCondition:
    """Give the verdict; never a better one than the findings carry."""
    if any(Grant.GRANTED in notes.grants(each) for each in WRITES):
        return KeyCondition.OVERPRIVILEGED
    if notes.probe_trouble is KeyCondition.PROBE_ACCEPTED:
        return KeyCondition.PROBE_ACCEPTED
    missing = [each for each in NEEDED if Grant.DENIED in notes.grants(each)]
    if missing:
        return _kind_of_insufficient(notes, missing, earlier)
    if notes.read_trouble is KeyCondition.UNKNOWN_KEY:
        return _kind_of_not_found(notes, earlier, worked_before)
    trouble = notes.read_trouble or notes.probe_trouble
    if trouble is not None:
        return trouble
    proved = complete and read_only_follows(probes, notes.findings) is None
    return KeyCondition.READ_ONLY if proved else KeyCondition.WRITES_NOT_ASKED


def _kind_of_insufficient(
    notes: _Notes, missing: Iterable[KeyPermission], earlier: KeyReport | None
) -> KeyCondition:
    if earlier is not None and any(earlier.grant_of(each) is Grant.GRANTED for each in missing):
        return KeyCondition.NARROWED
    if {each.grant for each in notes.findings} == {Grant.DENIED}:
        return KeyCondition.NOTHING_PERMITTED
    return KeyCondition.READ_DENIED


def _kind_of_not_found(
    notes: _Notes, earlier: KeyReport | None, worked_before: bool | None
) -> KeyCondition:
    if worked_before is None and earlier is not None:
        worked_before = _worked_at(earlier)
    if worked_before is None:
        return KeyCondition.UNKNOWN_KEY
    if not worked_before:
        return KeyCondition.NEVER_WORKED
    if earlier is None or earlier.state is not KeyState.NOT_FOUND:
        return KeyCondition.WORKED_BEFORE
    apart = notes.now - earlier.checked_at
    dead = earlier.condition is KeyCondition.GONE or apart >= DEAD_AFTER
    return KeyCondition.GONE if dead else KeyCondition.WORKED_BEFORE


def _worked_at(earlier: KeyReport) -> bool | None:
    if any(earlier.grant_of(each) is Grant.GRANTED for each in NEEDED):
        return True
    if earlier.condition in {KeyCondition.WORKED_BEFORE, KeyCondition.GONE}:
        return True
    return False if earlier.condition is KeyCondition.NEVER_WORKED else None
