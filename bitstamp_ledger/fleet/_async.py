"""A run for programs that must not wait: the same flow, in a thread of its own."""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Self

from bitstamp_ledger.fleet._jobs import Job, Result
from bitstamp_ledger.fleet._report import RunReport
from bitstamp_ledger.fleet._run import Run


class AsyncRun(AsyncIterator[Result]):
    """A `Run` that is iterated with ``async for``, for asyncio.

        async with fleet.AsyncRun(fleet.run(jobs, task, executor=pool)) as results:
            async for result in results:
                ...

    Leaving its block, also by cancellation, gives up what is left, and returns when nothing runs
    any more: jobs in this process end at their next page, those in other processes with what they
    are doing.  An ``await`` for one result may be cancelled without losing it.
    """

    def __init__(self, run: Run) -> None:
        self.blocking = run
        """The same run, for code that may wait."""

        self._thread = ThreadPoolExecutor(1, thread_name_prefix="bitstamp_ledger.fleet")
        self._next: asyncio.Future[Result | None] | None = None
        self._ended = False

    def __repr__(self) -> str:
        return f"<AsyncRun {self.blocking.report}>"

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Result:
        if self._ended:
            raise StopAsyncIteration
        if self._next is None:
            self._next = asyncio.wrap_future(self._thread.submit(next, self.blocking, None))
        # Whoever is cancelled leaves the result to who asks next.
        result = await asyncio.shield(self._next)
        self._next = None
        if result is None:
            await self.close()
            raise StopAsyncIteration
        return result

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    def add(self, *jobs: Job) -> None:
        """Add jobs while it runs; see `Run.add`."""
        self.blocking.add(*jobs)

    @property
    def report(self) -> RunReport:
        """What it adds up to so far."""
        return self.blocking.report

    async def finish(self) -> RunReport:
        """Go through all results that are left, and return the report."""
        async for _ in self:
            pass
        return self.report

    async def close(self) -> None:
        """Give up what is left, and wait until nothing runs any more.  Safe to call twice."""
        if self._ended:
            return
        self._ended = True
        self.blocking.give_up()
        # In the thread that may still wait for a result, so after it.
        closing = asyncio.wrap_future(self._thread.submit(self.blocking.close_and_wait))
        cancelled = False
        while not closing.done():
            try:
                await asyncio.shield(closing)
            except asyncio.CancelledError:
                cancelled = True
        self._thread.shutdown()
        if self._next is not None and not self._next.cancelled():
            self._next.exception()  # Whatever it was: nobody asks any more.
        closing.result()
        if cancelled:
            raise asyncio.CancelledError
