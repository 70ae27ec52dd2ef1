"""Several flows side by side, within one flow.

1. A flow in the pool is begun when it is added; whichever is done first is handed back first.
2. This file decides nothing about what is asked: it only keeps the books of what is under way.
"""

from collections import deque
from typing import Generic, TypeVar

import attrs

from bitstamp_ledger.api._effects import (
    Await,
    Begin,
    Done,
    Flow,
    NoReply,
    Pause,
    PoolFlow,
    Reply,
    T,
)

K = TypeVar("K")


@attrs.define
class Pool(Generic[K, T]):
    """Runs flows side by side; each is known by a key of the caller's."""

    troubled: bool = False
    """Whether a flow had to pause since this was last looked at; the caller may slow down."""

    _running: dict[int, tuple[K, Flow[T]]] = attrs.field(factory=dict, init=False)
    _forgotten: int = attrs.field(default=0, init=False)
    _finished: deque[tuple[K, T]] = attrs.field(factory=deque, init=False)
    _tickets: int = attrs.field(default=0, init=False)

    def __len__(self) -> int:
        """How many are under way, the forgotten ones included: they still use the line."""
        return len(self._running) + self._forgotten + len(self._finished)

    def start(self, key: K, flow: Flow[T]) -> PoolFlow[None]:
        """Begin ``flow``."""
        yield from self._go_on(key, flow, None)

    def wait(self) -> PoolFlow[tuple[K, T] | None]:
        """Wait for something; return the key and the result of a flow that is done, if one is.

        What a flow raises is raised here.
        """
        if not self._finished:
            done = yield Await()
            if not isinstance(done, Done):
                raise TypeError(f"a driver must answer Await by Done, not {done!r}")
            if done.ticket in self._running:
                key, flow = self._running.pop(done.ticket)
                yield from self._go_on(key, flow, done.answer)
            else:
                self._forgotten -= 1
        return self._finished.popleft() if self._finished else None

    def forget(self) -> None:
        """Drop whatever is under way; answers that still come are ignored."""
        for _, flow in self._running.values():
            flow.close()
        self._forgotten += len(self._running)
        self._running.clear()
        self._finished.clear()

    def _go_on(self, key: K, flow: Flow[T], answer: Reply | NoReply | None) -> PoolFlow[None]:
        try:
            effect = flow.send(answer)
        except StopIteration as finished:
            self._finished.append((key, finished.value))
            return
        if isinstance(effect, Pause):
            self.troubled = True
        ticket = self._tickets
        self._tickets += 1
        self._running[ticket] = key, flow
        yield Begin(ticket, effect)
