"""Plays flows without a socket and without waiting."""

import json
from collections import deque
from collections.abc import Callable, Generator
from typing import Any, TypeVar

import attrs

from bitstamp_ledger.api import (
    Call,
    CorrectClock,
    Emit,
    Flow,
    NoReply,
    Pause,
    Reply,
    Seal,
    Send,
    StreamFlow,
)
from bitstamp_ledger.api._effects import Await, Begin, Done

T = TypeVar("T")

Answer = Reply | NoReply
Server = Callable[[Call], Answer]

CALLS_MAX = 2000
"""No flow of a test needs as many; one that does will never end."""


@attrs.define
class Played:
    """What a flow did: its calls, its pauses, and what it emitted."""

    calls: list[Call] = attrs.field(factory=list)
    pauses: list[Pause] = attrs.field(factory=list)
    clocks: list[str] = attrs.field(factory=list)
    emitted: list[Any] = attrs.field(factory=list)
    result: Any = None


def good(payload: object, *, seal: Seal = Seal.VALID) -> Reply:
    """Return a good reply; text and bytes are sent as they are."""
    return Reply(status=200, headers={}, body=_body(payload), seal=seal)


def answer(
    status: int, payload: object = b"", *, seal: Seal = Seal.ABSENT, **headers: str
) -> Reply:
    """Return any reply."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status=status, headers=named, body=_body(payload), seal=seal)


def _body(payload: object) -> bytes:
    if isinstance(payload, bytes):
        return payload
    return payload.encode() if isinstance(payload, str) else json.dumps(payload).encode()


def script(*answers: Answer) -> Server:
    """Return a server that gives these answers, one after the other."""
    rest = iter(answers)
    return lambda _: next(rest)


def play(flow: Flow[T] | StreamFlow[T], server: Server, played: Played | None = None) -> Played:
    """Run ``flow`` to its end against ``server``; what it did so far survives its exceptions.

    What is begun in the background is done when it is awaited, first come first served.
    """
    played = played if played is not None else Played()
    steps: Generator[Any, Any, Any] = flow
    begun: deque[Begin] = deque()
    sent: Answer | Done | None = None
    while True:
        try:
            effect = steps.send(sent)
        except StopIteration as finished:
            played.result = finished.value
            return played
        sent = None
        if isinstance(effect, Begin):
            begun.append(effect)
        elif isinstance(effect, Await):
            first = begun.popleft()
            sent = Done(first.ticket, _performed(first.effect, server, played))
        elif isinstance(effect, Emit):
            played.emitted.extend(effect.items)
        else:
            sent = _performed(effect, server, played)


def _performed(effect: object, server: Server, played: Played) -> Answer | None:
    if isinstance(effect, Pause):
        played.pauses.append(effect)
        return None
    if isinstance(effect, CorrectClock):
        played.clocks.append(effect.date)
        return None
    if not isinstance(effect, Send):
        raise TypeError(f"not an effect: {effect!r}")
    played.calls.append(effect.call)
    if len(played.calls) > CALLS_MAX:
        raise AssertionError("the flow does not end")
    return server(effect.call)
