"""Things done in the background by threads, for the blocking client."""

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Self

from bitstamp_ledger.api import Done, Effect, NoReply, Reply

Perform = Callable[[Effect, threading.Event], Reply | NoReply | None]
"""Does one effect; given up early when the event is set."""


class Threads:
    """Begins effects and waits for whichever is done first.  One for each stream."""

    def __init__(self, perform: Perform, *, workers: int) -> None:
        self._perform = perform
        self._executor = ThreadPoolExecutor(workers, thread_name_prefix="bitstamp_ledger")
        self._finished: queue.SimpleQueue[tuple[int, Future[Reply | NoReply | None]]]
        self._finished = queue.SimpleQueue()
        self._stopping = threading.Event()

    def begin(self, ticket: int, effect: Effect) -> None:
        """Do ``effect`` in the background."""
        future = self._executor.submit(self._perform, effect, self._stopping)
        future.add_done_callback(lambda done: self._finished.put((ticket, done)))

    def first_done(self) -> Done:
        """Wait for the first that is done, and raise what it raised."""
        ticket, future = self._finished.get()
        return Done(ticket, future.result())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Give up what has not begun, and wait for the requests that are on their way."""
        self._stopping.set()
        self._executor.shutdown(wait=True, cancel_futures=True)
