"""The key check: asks what a key may do, and reports it.

1. Reads come first; where they fail, nothing else is asked.
2. Probes go out one at a time, the most harmless first, each at most once.  The first permission
   found and the first unexpected answer end them.
3. The verdict is never better than the findings carry.

What may be sent: ``_probes``.  What an answer to it proves: ``_probe_answers``.
"""

import datetime as dt
import email.utils
from collections.abc import Callable, Generator, Iterable
from functools import partial
from typing import Final, TypeVar

import attrs

from bitstamp_ledger.api._catalogue import Call, Endpoint
from bitstamp_ledger.api._decode import parse_balances, parse_user_transactions, records_in
from bitstamp_ledger.api._effects import Effect, Flow, NoReply, Reply
from bitstamp_ledger.api._exchange import Manners, ask
from bitstamp_ledger.api._key_conditions import KeyCondition, KeyState, condition_of
from bitstamp_ledger.api._key_permissions import KeyPermission
from bitstamp_ledger.api._key_report import (
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
from bitstamp_ledger.api._probe_answers import (
    HTTP_REFUSALS,
    Course,
    Judgement,
    denies,
    judge,
    object_in,
)
from bitstamp_ledger.api._probes import CURRENCY, ProbeCall, planned
from bitstamp_ledger.api._refusals import refusal_of
from bitstamp_ledger.errors import ApiError, BitstampLedgerError, UnreadableReplyError
from bitstamp_ledger.model import TIME_NOT_STATED, Balance

T = TypeVar("T")

MONEY_OF_STATES: Final = frozenset({"AUD", "CAD", "CHF", "EUR", "GBP", "JPY", "SGD", "USD"})
"""Leaves by bank; there is no crypto withdrawal to ask about."""


@attrs.frozen
class SendProbe:
    """Sign and send a probe, once; answered by Reply or NoReply."""

    call: ProbeCall


@attrs.frozen
class TellTime:
    """Say what this machine's clock shows; answered by an aware datetime."""


KeyCheckFlow = Generator[Effect | SendProbe | TellTime, Reply | NoReply | dt.datetime | None, T]
"""A flow that may also probe."""


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
        sound = object_in(last.body) is not None and last.status in HTTP_REFUSALS
        if sound and denies(error):
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
    payload = object_in(body)
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
        if judgement.course is Course.STOP:
            _list_the_rest(notes, judgement, calls[position + 1 :])
            return


def _list_the_rest(notes: _Notes, last: Judgement, calls: Iterable[ProbeCall]) -> None:
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
