"""One call with retries: what comes back is read, or the reason why not is raised.

1. Whatever decides whether an answer is good, and whether to ask again, lives in this file.
2. This file never waits and never draws a random number; it says how long to wait.
"""

from collections.abc import Callable
from typing import Final

import attrs

from bitstamp_ledger.api._catalogue import Call
from bitstamp_ledger.api._effects import CorrectClock, Flow, NoReply, Pause, Reply, Send, T
from bitstamp_ledger.api._refusals import refusal_of
from bitstamp_ledger.api._signing import Seal
from bitstamp_ledger.errors import (
    ApiError,
    BitstampLedgerError,
    InvalidCallError,
    NoAnswerError,
    ReplySignatureError,
    UnreadableReplyError,
)

HTTP_OK: Final = 200
IN_FLIGHT_MAX: Final = 16
"""At a tenth of a second a page that is less than half of what the documented limits allow."""

CLOCK_REFUSED: Final = "API0017"
HTTP_REDIRECTS: Final = range(300, 400)


@attrs.frozen(kw_only=True)
class RetryPolicy:
    """How often and how patiently a call is repeated.

    The pause before attempt n + 1 lies between half and all of
    ``min(delay_max_s, delay_first_s * 2 ** (n - 1))``.
    """

    attempts_max: int = attrs.field(default=5, validator=attrs.validators.ge(1))
    delay_first_s: float = attrs.field(default=0.5, validator=attrs.validators.ge(0))
    delay_max_s: float = attrs.field(default=30.0, validator=attrs.validators.ge(0))
    pauses_max_s: float = attrs.field(default=300.0, validator=attrs.validators.ge(0))
    """How long all pauses for one call may take together."""

    def pause(self, attempt: int, *, asked_for_s: float | None) -> Pause:
        """Return the pause after the failed attempt of this number, counted from 1.

        Args:
            attempt: the number of the attempt that failed.
            asked_for_s: how long the exchange asked to be left alone.
        """
        longest = min(self.delay_max_s, self.delay_first_s * 2.0 ** min(attempt - 1, 30))
        least = asked_for_s or 0.0
        return Pause(max(least, longest / 2), max(least, longest))


@attrs.frozen(kw_only=True)
class Manners:
    """How a client talks to the exchange."""

    retry: RetryPolicy = attrs.field(factory=RetryPolicy)
    in_flight_max: int = attrs.field(default=IN_FLIGHT_MAX, validator=attrs.validators.ge(1))
    """How many requests may be on their way at once."""

    clock_corrected: bool = True
    """Whether a wrong clock of this machine is made up for, once, by the exchange's own."""

    signed_replies_required: bool = True
    """Whether a successful reply to a signed call must carry the exchange's signature.  A wrong
    signature is never accepted; a refusal is believed without one."""


def ask(call: Call, read: Callable[[bytes], T], manners: Manners) -> Flow[T]:
    """Send ``call`` until an answer can be read, or asking again is pointless.

    Args:
        call: what to ask.
        read: turns the body of a good reply into the result; raises UnreadableReplyError.
        manners: how often to try, and what to accept.

    Raises:
        ApiError: the exchange refused.
        NoAnswerError: nothing whole came back.
        ReplySignatureError: the answer was not signed, or not by the exchange.
        UnreadableReplyError: the answer made no sense.
    """
    policy = manners.retry
    attempt = 1
    corrected = False
    paused_s = 0.0
    while True:
        answer = yield Send(call)
        error: BitstampLedgerError
        try:
            return read(_good_body(answer, call, manners, attempt))
        except (NoAnswerError, ReplySignatureError, UnreadableReplyError) as exc:
            error = exc
        except ApiError as exc:
            date = answer.headers.get("date") if isinstance(answer, Reply) else None
            if exc.code == CLOCK_REFUSED and date and manners.clock_corrected and not corrected:
                corrected = True
                yield CorrectClock(date)
                continue
            if not exc.retryable:
                raise
            error = exc
        if attempt >= policy.attempts_max:
            raise error
        asked_for_s = error.retry_after_s if isinstance(error, ApiError) else None
        if asked_for_s is not None and asked_for_s > policy.delay_max_s:
            raise error  # Asking again sooner would be rude, and waiting that long is not ours.
        pause = policy.pause(attempt, asked_for_s=asked_for_s)
        paused_s += pause.seconds_max
        if paused_s > policy.pauses_max_s:
            raise error
        yield pause
        attempt += 1


def _good_body(answer: Reply | NoReply | None, call: Call, manners: Manners, attempt: int) -> bytes:
    label = call.endpoint.label
    if not isinstance(answer, Reply):
        reason = answer.reason if answer is not None else "no answer"
        raise NoAnswerError(
            f"{label}: no answer from the exchange ({reason}), attempt {attempt}.",
            endpoint=label,
            attempts=attempt,
            hint="Check the network connection and the address, then try again.",
        )
    # A refusal is taken without a seal: whether refusals are signed is not known, and with a wrong
    # secret no signature fits, although API0005 is what its owner must be told.
    refusal = refusal_of(answer, endpoint=label)
    if refusal is not None:
        raise refusal
    if answer.seal is Seal.WRONG:
        raise ReplySignatureError(
            f"{label}: the reply carries a signature that is not the exchange's.",
            endpoint=label,
            hint="Something between you and the exchange may have changed it; it was not used.",
        )
    if answer.status in HTTP_REDIRECTS:
        raise InvalidCallError(
            f"{label}: the address redirects elsewhere (HTTP status {answer.status}).",
            code=None,
            endpoint=label,
            status=answer.status,
            hint="Check the address; a signed request is never sent to another one.",
        )
    if answer.status != HTTP_OK:
        raise UnreadableReplyError(
            f"{label}: unexpected HTTP status {answer.status}.",
            endpoint=label,
            hint="Check that the address is the exchange's.",
        )
    if answer.seal is Seal.ABSENT and manners.signed_replies_required:
        raise ReplySignatureError(
            f"{label}: the reply is not signed.",
            endpoint=label,
            hint="It was not used; a proxy may answer in the exchange's place.",
        )
    return answer.body
