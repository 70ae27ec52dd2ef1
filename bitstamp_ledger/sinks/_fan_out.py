"""Several sinks at once, each in a thread of its own.

1. Each has its own run: one that fails is given up, and the others are completed.
2. Between reader and sink lie a few batches, no more: memory does not grow with the history.  A
   slow sink holds the reader up only once it is so many batches behind.
"""

import queue
import threading
from collections.abc import Iterable, Sequence
from itertools import islice
from types import TracebackType
from typing import Final, Self, TypeAlias

from bitstamp_ledger.errors import SinkError
from bitstamp_ledger.model import Entry
from bitstamp_ledger.sinks._engine import BATCH_ROWS, SinkHandle, SinkReport

BATCHES_AHEAD: Final = 4


class _End:
    """No more entries: complete the run."""


_END: Final = _End()
_Message: TypeAlias = tuple[Entry, ...] | _End | BaseException
"""Entries to write, the end, or the error that ends it early."""


class _Lane:
    """One sink, its queue, and the thread that takes from it."""

    def __init__(self, handle: SinkHandle, batches_ahead: int) -> None:
        self.handle = handle
        self.error: BaseException | None = None
        self.report: SinkReport | None = None
        self._ended = False
        self.queue: queue.Queue[_Message] = queue.Queue(maxsize=batches_ahead)
        self.thread = threading.Thread(target=self._work, name=f"sink {handle.name}", daemon=True)

    def _work(self) -> None:
        try:
            with self.handle:
                self._write_all()
            self.report = self.handle.report
        except BaseException as exc:  # noqa: BLE001 - kept, and raised where the caller sees it
            self.error = exc
            self._discard()

    def _write_all(self) -> None:
        while True:
            message = self.queue.get()
            match message:
                case _End():
                    self._ended = True
                    return
                case BaseException():
                    self._ended = True
                    raise _EndedEarlyError("The run was given up elsewhere.", sink=self.handle.name)
                case entries:
                    self.handle.write(entries)

    def _discard(self) -> None:
        """Keep taking, so that the reader never waits for a sink that is broken."""
        while not self._ended:
            self._ended = not isinstance(self.queue.get(), tuple)


class _EndedEarlyError(SinkError):
    """The reader failed, not the sink."""


class FanOut:
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
        if not handles:
            raise ValueError("give at least one sink")
        self._lanes = [_Lane(handle, batches_ahead) for handle in handles]
        self._broken: BaseException | None = None
        self._entered = False

    def __repr__(self) -> str:
        names = ", ".join(lane.handle.name for lane in self._lanes)
        return f"<FanOut to {names}>"

    def __enter__(self) -> Self:
        if self._entered:
            raise self._error("serves one run", hint="Make another.")
        self._entered = True
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
        if error is not None:
            return
        if self._broken is not None:
            raise self._error("failed earlier", hint="Nothing was kept of this run; run it again.")
        self._raise_failures()

    def write(self, entries: Iterable[Entry]) -> None:
        """Write ``entries`` to every sink, in order; may be called several times.

        Raises:
            SinkError: every sink has failed, or this is not inside the ``with`` block.
        """
        if not self._entered:
            raise self._error("has not been entered", hint="Write inside the with block.")
        if self._broken is not None:
            raise self._error("failed earlier", hint="Nothing was kept of this run; run it again.")
        rest = iter(entries)
        try:
            while some := tuple(islice(rest, BATCH_ROWS)):
                self._hand_on(some)
        except BaseException as exc:
            self._broken = exc
            raise

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

    def _hand_on(self, entries: tuple[Entry, ...]) -> None:
        working = [lane for lane in self._lanes if lane.error is None]
        if not working:
            self._raise_failures()
        for lane in working:
            lane.queue.put(entries)

    def _raise_failures(self) -> None:
        for lane in self._lanes:
            if lane.error is not None and not isinstance(lane.error, SinkError):
                raise lane.error
        raise_together(self.failures, of=len(self._lanes))

    def _error(self, what: str, *, hint: str) -> SinkError:
        names = ", ".join(lane.handle.name for lane in self._lanes)
        return SinkError(f"The fan-out to {names} {what}.", sink=names, hint=hint)


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
