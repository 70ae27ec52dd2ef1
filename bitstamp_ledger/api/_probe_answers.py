"""What the answer to a probe proves.

"No permission found" proves absence, a complaint about missing content is evidence of presence,
anything else is unknown (docs/facts/exchange.md, "Key check").
"""

import enum
import re
from typing import Final

import attrs

from bitstamp_ledger.api._effects import NoReply, Reply
from bitstamp_ledger.api._key_conditions import KeyCondition
from bitstamp_ledger.api._key_report import Grant
from bitstamp_ledger.api._probes import ProbeCall, ProbeSpec
from bitstamp_ledger.api._refusals import refusal_of
from bitstamp_ledger.api._signing import Seal
from bitstamp_ledger.api._wire import parse_json
from bitstamp_ledger.errors import (
    ApiError,
    ExchangeUnavailableError,
    PermissionDeniedError,
    RateLimitedError,
)

HTTP_SUCCESS: Final = range(200, 300)
HTTP_FORBIDDEN: Final = 403
HTTP_REFUSALS: Final = frozenset(range(200, 500)) - set(range(300, 400)) - {401, 408, 429}
"""Statuses under which a refusal has been seen; outside them, an answer proves nothing."""


class Course(enum.Enum):
    """How the check goes on after an answer."""

    ON = enum.auto()
    STOP = enum.auto()


@attrs.frozen(kw_only=True)
class Judgement:
    """What the answer to a probe proves."""

    grant: Grant
    course: Course = Course.STOP
    trouble: KeyCondition | None = None


_DENIED: Final = Judgement(grant=Grant.DENIED, course=Course.ON)
_GRANTED: Final = Judgement(grant=Grant.GRANTED)
_KNOWN_BUT_UNDECIDED: Final = Judgement(
    grant=Grant.UNKNOWN, course=Course.ON, trouble=KeyCondition.PROBE_UNDECIDED
)


def _unknown(trouble: KeyCondition) -> Judgement:
    return Judgement(grant=Grant.UNKNOWN, trouble=trouble)


def judge(call: ProbeCall, answer: Reply | NoReply) -> Judgement:
    """Decide what an answer to a probe proves; in doubt, nothing."""
    if isinstance(answer, NoReply):
        return _unknown(KeyCondition.PROBE_INTERRUPTED)
    if answer.seal is Seal.WRONG:
        return _unknown(KeyCondition.NOT_GENUINE)
    refusal = refusal_of(answer, endpoint=call.probe.label)
    if refusal is None:
        return _judge_success(call, answer)
    return _judge_refusal(call, answer, refusal)


def _judge_refusal(call: ProbeCall, answer: Reply, refusal: ApiError) -> Judgement:
    payload = object_in(answer.body)
    if isinstance(refusal, RateLimitedError | ExchangeUnavailableError):
        return _unknown(KeyCondition.PROBE_INTERRUPTED)
    if payload is None or answer.status not in HTTP_REFUSALS:
        return _unknown(KeyCondition.PROBE_UNDECIDED)
    complains = _complains_of_missing(call.spec, refusal, payload)
    if complains:
        return _GRANTED
    if denies(refusal):
        return _DENIED
    bare = answer.status == HTTP_FORBIDDEN and not _is_of_the_key(refusal)
    if (call.spec.bare_403_is_known and bare) or "sub account" in refusal.reason.casefold():
        return _KNOWN_BUT_UNDECIDED
    return _unknown(KeyCondition.PROBE_UNDECIDED)


def _judge_success(call: ProbeCall, reply: Reply) -> Judgement:
    readable = _is_json(reply.body)
    if call.spec.reads and readable and reply.status in HTTP_SUCCESS:
        return _GRANTED
    if reply.status in HTTP_SUCCESS and (readable or not reply.body):
        return _unknown(KeyCondition.PROBE_ACCEPTED)
    return _unknown(KeyCondition.PROBE_UNDECIDED)


_COMPLAINT: Final = re.compile(r"\bmissing\b|\brequired\b", re.IGNORECASE)


def denies(refusal: ApiError) -> bool:
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


def object_in(body: bytes) -> dict[str, object] | None:
    """Return the JSON object that a body is, if it is one."""
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
