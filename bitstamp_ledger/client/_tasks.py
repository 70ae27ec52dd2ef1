"""Things done in the background, for the async client.

On asyncio they are tasks.  Elsewhere (trio has no task that outlives the block it was started in)
they are done one after the other, when they are waited for: slower, and right.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Protocol

from bitstamp_ledger.api import Done, Effect, NoReply, Reply

Perform = Callable[[Effect], Coroutine[None, None, Reply | NoReply | None]]


class Background(Protocol):
    """Begins effects and waits for whichever is done first.  One for each stream."""

    def begin(self, ticket: int, effect: Effect) -> None:
        """Do ``effect`` in the background."""

    async def first_done(self) -> Done:
        """Wait for the first that is done, and raise what it raised."""


@contextlib.asynccontextmanager
async def background_for(perform: Perform) -> AsyncIterator[Background]:
    """Provide what suits the event loop that is running; nothing of it outlives the block."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        yield InTurn(perform)
        return
    tasks = Tasks(perform)
    try:
        yield tasks
    finally:
        await tasks.cancel()


class InTurn:
    """Does things when they are waited for."""

    def __init__(self, perform: Perform) -> None:
        self._perform = perform
        self._begun: deque[tuple[int, Effect]] = deque()

    def begin(self, ticket: int, effect: Effect) -> None:
        """Remember it."""
        self._begun.append((ticket, effect))

    async def first_done(self) -> Done:
        """Do the oldest."""
        ticket, effect = self._begun.popleft()
        return Done(ticket, await self._perform(effect))


class Tasks:
    """Does things at once."""

    def __init__(self, perform: Perform) -> None:
        self._perform = perform
        self._tickets: dict[asyncio.Task[Reply | NoReply | None], int] = {}

    def begin(self, ticket: int, effect: Effect) -> None:
        """Start a task."""
        self._tickets[asyncio.create_task(self._perform(effect))] = ticket

    async def first_done(self) -> Done:
        """Wait for any task."""
        await asyncio.wait(self._tickets, return_when=asyncio.FIRST_COMPLETED)
        task = next(task for task in self._tickets if task.done())
        return Done(self._tickets.pop(task), task.result())

    async def cancel(self) -> None:
        """Cancel all tasks, and wait until they have ended."""
        for task in self._tickets:
            task.cancel()
        await asyncio.gather(*self._tickets, return_exceptions=True)
        self._tickets.clear()
