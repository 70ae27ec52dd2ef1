"""What flows ask of their driver, and what they get back.

A flow is a generator without clock, randomness or socket: it yields what it wants done and is sent
what came of it.  The drivers in `bitstamp_ledger.client` do it, blocking or not.
"""

from collections.abc import Generator, Mapping
from typing import Any, Generic, TypeVar

import attrs

from bitstamp_ledger.api._catalogue import Call
from bitstamp_ledger.api._signing import Seal

T = TypeVar("T")


@attrs.frozen
class Send:
    """Sign and send a call, with a fresh nonce and timestamp; answered by Reply or NoReply."""

    call: Call


@attrs.frozen
class Pause:
    """Wait for a time between these bounds, drawn at random so that clients do not march in step.

    Answered by None.
    """

    seconds_min: float
    seconds_max: float


@attrs.frozen
class CorrectClock:
    """From now on, sign with the exchange's clock; answered by None."""

    date: str
    """The ``Date`` header of the reply that refused our timestamp."""


@attrs.frozen
class Begin:
    """Do this in the background, under a ticket; answered by None, at once."""

    ticket: int
    effect: "Effect"


@attrs.frozen
class Await:
    """Wait until something that was begun is done; answered by Done."""


@attrs.frozen
class Done:
    """What came of something that was begun."""

    ticket: int
    answer: "Reply | NoReply | None"


@attrs.frozen
class Emit(Generic[T]):
    """Hand these to whoever iterates; answered by None."""

    items: tuple[T, ...]


@attrs.frozen(kw_only=True)
class Reply:
    """An HTTP answer, whole."""

    status: int
    headers: Mapping[str, str] = attrs.field(repr=False)
    """Names in lower case."""

    body: bytes = attrs.field(repr=False)
    seal: Seal = Seal.NOT_EXPECTED


@attrs.frozen
class NoReply:
    """No whole answer came: refused, reset, timed out."""

    reason: str


Effect = Send | Pause | CorrectClock
"""What a single call can need."""

Flow = Generator[Effect, Reply | NoReply | None, T]
"""A flow that ends with one result."""

Step = Effect | Begin | Await
Answer = Reply | NoReply | Done | None

PoolFlow = Generator[Step, Answer, T]
"""A flow that does several things side by side, and ends with one result."""

EmittingFlow = Generator[Step | Emit[Any], Answer, T]
"""A part of a flow that emits items, and ends with a result for the rest of it."""

StreamFlow = Generator[Step | Emit[T], Answer, None]
"""A flow that emits items as they come."""
