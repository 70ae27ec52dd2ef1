"""Several sinks at once, each in a thread or a task of its own.

1. Each has its own run: one that fails is given up, and the others are completed.
2. Between reader and sink lie a few batches, no more: memory does not grow with the history.  A
   slow sink holds the reader up only once it is so many batches behind.
3. What becomes of one sink is one flow; only how its next entries are waited for differs.
"""

import queue
import threading
from collections.abc import AsyncIterable, Generator, Iterable, Sequence
from itertools import islice
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Generic, Self, TypeAlias, TypeVar

from bitstamp_ledger.errors import SinkError
from bitstamp_ledger.model import Entry
from bitstamp_ledger.sinks._engine import BATCH_ROWS, AsyncSinkHandle, SinkHandle, SinkReport
from bitstamp_ledger.sinks._flows import Step, drive, drive_async

if TYPE_CHECKING:
    from anyio.abc import TaskGroup
    from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

BATCHES_AHEAD: Final = 4

HandleT = TypeVar("HandleT", bound=SinkHandle | AsyncSinkHandle)


class _End:
    """No more entries: complete the run."""


class _Next:
    """Wait for what comes next; the answer is a message."""


_END: Final = _End()
_NEXT: Final = _Next()
_Message: TypeAlias = tuple[Entry, ...] | _End | BaseException
"""Entries to write, the end, or the error that ends it early."""


class _EndedEarlyError(SinkError):
    """The reader failed, not the sink."""


class _Lane(Generic[HandleT]):
    """One sink, and what became of it."""

    def __init__(self, handle: HandleT) -> None:
        self.handle = handle
        self.error: BaseException | None = None
        self.report: SinkReport | None = None
        self._ended = False

    def follow(self) -> Generator[Step | _Next, Any, None]:
        """Write whatever comes, up to the end; an error is kept, and raised where it is seen."""
        try:
            yield from self._write()
            self.report = self.handle.report
        except BaseException as exc:  # noqa: BLE001 - the caller's to see, not the thread's
            self.error = exc
            while not self._ended:  # The reader must never wait for a sink that is broken.
                yield from self._next()

    def _write(self) -> Generator[Step | _Next, Any, None]:
        run = self.handle._run  # noqa: SLF001 - what a with block does, with waiting in between
        yield from run.begin()
        try:
            while (entries := (yield from self._next())) is not None:
                yield from run.take(entries)
        except BaseException as exc:
            yield from run.abandon(exc)
            raise
        yield from run.finish()

    def _next(self) -> Generator[_Next, Any, tuple[Entry, ...] | None]:
        message: _Message = yield _NEXT
        if isinstance(message, tuple):
            return message
        self._ended = True
        if isinstance(message, BaseException) and self.error is None:
            raise _EndedEarlyError("The run was given up elsewhere.", sink=self.handle.name)
        return None


class _Several(Generic[HandleT]):
    """What is known of all lanes."""

    _lanes: Sequence[_Lane[HandleT]]

    def __init__(self, handles: Sequence[HandleT]) -> None:
        if not handles:
            raise ValueError("give at least one sink")
        self._broken: BaseException | None = None
        self._entered = False
        self._names = ", ".join(handle.name for handle in handles)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} to {self._names}>"

    @property
    def reports(self) -> tuple[SinkReport | None, ...]:
        """What each sink wrote, in the order of the handles; None for one that failed."""
        return tuple(lane.report for lane in self._lanes)

    @property
    def failures(self) -> tuple[SinkError, ...]:
        """The errors of the sinks that failed."""
        return tuple(
            lane.error
            for lane in self._lanes
            if isinstance(lane.error, SinkError) and not isinstance(lane.error, _EndedEarlyError)
        )

    def _begin(self) -> None:
        if self._entered:
            raise self._error("serves one run", hint="Make another.")
        self._entered = True

    def _require_open(self) -> None:
        if not self._entered:
            raise self._error("has not been entered", hint="Write inside the with block.")
        if self._broken is not None:
            raise self._error("failed earlier", hint="Nothing was kept of this run; run it again.")

    def _require_some(self) -> None:
        """Refuse to go on once every sink has failed."""
        if all(lane.error is not None for lane in self._lanes):
            self._raise_failures()

    def _end(self) -> None:
        """Raise what the caller has not seen yet."""
        self._require_open()
        self._raise_failures()

    def _raise_failures(self) -> None:
        for lane in self._lanes:
            if lane.error is not None and not isinstance(lane.error, SinkError):
                raise lane.error
        raise_together(self.failures, of=len(self._lanes))

    def _error(self, what: str, *, hint: str) -> SinkError:
        return SinkError(f"The fan-out to {self._names} {what}.", sink=self._names, hint=hint)


class _ThreadLane(_Lane[SinkHandle]):
    """A lane in a thread."""

    def __init__(self, handle: SinkHandle, batches_ahead: int) -> None:
        super().__init__(handle)
        self.queue: queue.Queue[_Message] = queue.Queue(maxsize=batches_ahead)
        self.thread = threading.Thread(target=self._work, name=f"sink {handle.name}", daemon=True)

    def _work(self) -> None:
        drive(self.follow(), self._perform)

    def _perform(self, step: Step | _Next) -> object:
        return self.queue.get() if isinstance(step, _Next) else self.handle.perform(step)


class FanOut(_Several[SinkHandle]):
    """Writes entries to several sinks, inside a ``with`` block.

    When the block ends normally, every sink that took all entries is completed, whatever became of
    the others; then, if any failed, a `SinkError` says which, its ``failures`` one by one.  When
    the block ends by an exception, every output is given up.

    Args:
        handles: what to write to; none was entered yet.
        batches_ahead: so many batches may wait for a slow sink.
    """

    def __init__(
        self, handles: Sequence[SinkHandle], *, batches_ahead: int = BATCHES_AHEAD
    ) -> None:
        super().__init__(handles)
        self._lanes: list[_ThreadLane] = [_ThreadLane(each, batches_ahead) for each in handles]

    def __enter__(self) -> Self:
        self._begin()
        for lane in self._lanes:
            lane.thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        ended = error or self._broken
        for lane in self._lanes:
            lane.queue.put(_END if ended is None else ended)
        for lane in self._lanes:
            lane.thread.join()
        if error is None:
            self._end()

    def write(self, entries: Iterable[Entry]) -> None:
        """Write ``entries`` to every sink, in order; may be called several times.

        Raises:
            SinkError: every sink has failed, or this is not inside the ``with`` block.
        """
        self._require_open()
        rest = iter(entries)
        try:
            while some := tuple(islice(rest, BATCH_ROWS)):
                self._require_some()
                for lane in self._lanes:
                    if lane.error is None:
                        lane.queue.put(some)
        except BaseException as exc:
            self._broken = exc
            raise


class _TaskLane(_Lane[AsyncSinkHandle]):
    """A lane in a task."""

    put: "MemoryObjectSendStream[_Message]"
    _take: "MemoryObjectReceiveStream[_Message]"

    def begin(self, batches_ahead: int) -> None:
        """Make what the entries come through."""
        import anyio  # noqa: PLC0415 - who writes to plain sinks needs no event loop

        self.put, self._take = anyio.create_memory_object_stream[_Message](batches_ahead)

    def end(self) -> None:
        """Close it."""
        self.put.close()
        self._take.close()

    async def work(self) -> None:
        """Do the work of this task."""
        await drive_async(self.follow(), self._perform)

    async def _perform(self, step: Step | _Next) -> object:
        if isinstance(step, _Next):
            return await self._take.receive()
        return await self.handle.perform(step)


class AsyncFanOut(_Several[AsyncSinkHandle]):
    """A `FanOut` for ``async with``: its sinks may be awaited or plain ones, and so its entries.

    Each sink has a task of its own; a plain one works in threads.  A block that is cancelled gives
    every output up.

    Args:
        handles: what to write to; none was entered yet.
        batches_ahead: so many batches may wait for a slow sink.
    """

    def __init__(
        self, handles: Sequence[AsyncSinkHandle], *, batches_ahead: int = BATCHES_AHEAD
    ) -> None:
        super().__init__(handles)
        self._batches_ahead = batches_ahead
        self._lanes: list[_TaskLane] = [_TaskLane(each) for each in handles]
        self._tasks: TaskGroup

    async def __aenter__(self) -> Self:
        import anyio  # noqa: PLC0415 - as above

        self._begin()
        self._tasks = anyio.create_task_group()
        await self._tasks.__aenter__()
        for lane in self._lanes:
            lane.begin(self._batches_ahead)
            self._tasks.start_soon(lane.work, name=f"sink {lane.handle.name}")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        ended = error or self._broken
        try:
            for lane in self._lanes:  # Where this is cancelled, so are the tasks.
                await lane.put.send(_END if ended is None else ended)
        except BaseException as exc:
            await self._tasks.__aexit__(type(exc), exc, exc.__traceback__)
            raise
        else:
            await self._tasks.__aexit__(None, None, None)
        finally:
            for lane in self._lanes:
                lane.end()
        if error is None:
            self._end()

    async def write(self, entries: Iterable[Entry] | AsyncIterable[Entry]) -> None:
        """Write ``entries`` as `FanOut.write` does; they may be iterated with ``async for``."""
        self._require_open()
        try:
            if isinstance(entries, AsyncIterable):
                await self._write_awaited(entries)
                return
            rest = iter(entries)
            while some := tuple(islice(rest, BATCH_ROWS)):
                await self._hand_on(some)
        except BaseException as exc:
            self._broken = exc
            raise

    async def _write_awaited(self, entries: AsyncIterable[Entry]) -> None:
        some: list[Entry] = []
        async for entry in entries:
            some.append(entry)
            if len(some) >= BATCH_ROWS:
                await self._hand_on((*some,))
                some = []
        if some:
            await self._hand_on((*some,))

    async def _hand_on(self, entries: tuple[Entry, ...]) -> None:
        self._require_some()
        for lane in self._lanes:
            if lane.error is None:
                await lane.put.send(entries)


def raise_together(failures: Sequence[SinkError], *, of: int) -> None:
    """Raise one error for those of several sinks; do nothing where there is none."""
    if not failures:
        return
    told = " ".join(f"{error.sink}: {error.args[0]}" for error in failures)
    raise SinkError(
        f"{len(failures)} of {of} sinks failed. {told}",
        sink=", ".join(error.sink for error in failures),
        hint="The others were completed; run the failed ones again.",
        failures=tuple(failures),
    )


def fan_out(*handles: SinkHandle, batches_ahead: int = BATCHES_AHEAD) -> FanOut:
    """Return what writes to several sinks at once, each in a thread of its own.

    Args:
        handles: from `open` or `handle_for`, none entered yet.
        batches_ahead: so many batches may wait for a slow sink before the others wait, too.

    Example:
        >>> with fan_out(open("csv:out.csv"), open("sqlite:///out.db")) as out:  # doctest: +SKIP
        ...     out.write(entries)
    """
    return FanOut(handles, batches_ahead=batches_ahead)


def async_fan_out(*handles: AsyncSinkHandle, batches_ahead: int = BATCHES_AHEAD) -> AsyncFanOut:
    """Return what `fan_out` does, for ``async with``: awaited and plain sinks side by side.

    Args:
        handles: from `open_async` or `async_handle_for`, none entered yet.
        batches_ahead: so many batches may wait for a slow sink before the others wait, too.
    """
    return AsyncFanOut(handles, batches_ahead=batches_ahead)
