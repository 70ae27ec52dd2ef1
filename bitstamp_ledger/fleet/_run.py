"""The coordinator: hands jobs to an executor, streams what comes back, and can be replaced.

1. Jobs are handed over a few at a time, the most urgent first; a job that is added later waits for
   one free place, not for all that came before.
2. Two jobs of one account never run at the same time: here by waiting, across coordinators by a
   lock in the ledger that dies with its worker.
3. A long sync is set aside between two pages, and waits again at the end of its class: a million
   records hold no place for hours.
4. Nothing but the journal knows what is finished.  What was under way when a coordinator or a
   worker died is done again; every task may be, since ledgers commit page by page.
"""

import contextlib
import heapq
import queue
import threading
import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import CancelledError, Executor, Future, wait
from pickle import PicklingError
from types import TracebackType
from typing import Final, Self

import attrs

from bitstamp_ledger.api import RetryPolicy
from bitstamp_ledger.client import PRODUCTION_URL
from bitstamp_ledger.fleet._budget import SharedRate
from bitstamp_ledger.fleet._context import CredentialsProvider, Setup
from bitstamp_ledger.fleet._jobs import Failure, Job, Result, Status, Summary
from bitstamp_ledger.fleet._journal import Journal
from bitstamp_ledger.fleet._metrics import Metrics
from bitstamp_ledger.fleet._report import RunReport, Tally
from bitstamp_ledger.fleet._slices import give_up
from bitstamp_ledger.fleet._tasks import Task, name_of
from bitstamp_ledger.fleet._worker import work

IN_FLIGHT_MAX: Final = 64
ATTEMPTS_MAX: Final = 5
"""How often a job is begun whose worker dies; a pool that dies whole counts for all in it."""

SLICE_RECORDS: Final = 50_000
"""About a minute of one account's pages; the few requests that each slice costs are then little."""

Executors = Executor | Callable[[], Executor]


@attrs.frozen
class _Ended:
    job: Job
    future: "Future[Result]"


class Run(Iterator[Result]):
    """A run under way: iterate to get each result as it comes.

    Closing it, or leaving its ``with`` block, gives up what has not begun; the journal knows what
    is finished.
    """

    def __init__(
        self,
        jobs: Iterable[Job],
        task: Task,
        setup: Setup,
        *,
        executor: Executors,
        journal: Journal | None,
        in_flight_max: int,
        progress: Callable[[RunReport], object] | None,
    ) -> None:
        self._task = task
        self._name = name_of(task)
        self._setup = setup
        self._made = executor if not isinstance(executor, Executor) else None
        self._executor = executor if isinstance(executor, Executor) else executor()
        self._journal = journal
        self._in_flight_max = in_flight_max
        self._progress = progress
        self._finished = frozenset[str]() if journal is None else journal.finished(self._name)
        self._lock = threading.Lock()
        self._waiting: list[tuple[int, int, Job]] = []
        self._number = 0
        self._tally = Tally(task=self._name)
        self._metrics = Metrics(self._name)
        # What has ended, and None for "look again": jobs were added, or the run was closed.
        self._ended: queue.SimpleQueue[_Ended | None] = queue.SimpleQueue()
        self._running: dict[str, Future[Result]] = {}
        self._held: defaultdict[str, list[Job]] = defaultdict(list)
        self._slices: dict[str, Result] = {}
        """What the parts of jobs that were set aside add up to."""

        self._attempts: Counter[str] = Counter()
        self._replaced = 0
        """How many executors broke since the last result."""

        self._closed = False
        self._stopped = False
        self.add(*jobs)
        self._results = self._stream()

    def __repr__(self) -> str:
        return f"<Run {self.report}>"

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Result:
        return next(self._results)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def add(self, *jobs: Job) -> None:
        """Add jobs while it runs: a person's account goes before all that is still waiting.

        May be called from any thread.
        """
        with self._lock:
            for job in jobs:
                self._number += 1
                heapq.heappush(self._waiting, (job.priority, self._number, job))
            self._tally.total += len(jobs)
        self._ended.put(None)

    def close(self) -> None:
        """Give up what has not begun.  Safe to call twice."""
        self.give_up(running=False)
        self._results.close()
        self._end()

    def give_up(self, *, running: bool = True) -> None:
        """Begin nothing any more, and let whoever iterates come to the end.  From any thread.

        Args:
            running: also let jobs that are under way in this process end at their next page; those
                in other processes go on to the end of theirs.
        """
        self._closed = True
        if running:
            give_up(self._setup.run)
        for future in list(self._running.values()):
            future.cancel()
        self._ended.put(None)

    def close_and_wait(self) -> None:
        """Give up also what is under way, and return when nothing runs any more."""
        self.give_up()
        # One that was cancelled before it began is not always called done by its executor.
        wait([each for each in self._running.values() if not each.cancelled()])
        self.close()

    def _end(self) -> None:
        self._tally.end()
        if self._made is not None:  # Another's executor is another's to end.
            self._executor.shutdown(wait=True, cancel_futures=True)

    @property
    def report(self) -> RunReport:
        """What it adds up to so far."""
        self._tally.running = len(self._running)
        return self._tally.report()

    def finish(self) -> RunReport:
        """Go through all results that are left, and return the report."""
        for _ in self:
            pass
        return self.report

    # -- one round: hand over what fits, wait for something to end

    def _stream(self) -> Generator[Result, None, None]:
        while not self._closed:
            for already in self._hand_over():
                yield self._told(already)
            if not self._running:
                with self._lock:
                    if self._stopped or not self._waiting:
                        break
                continue
            ended = self._ended.get()
            if ended is None:
                continue
            result = self._result_of(ended)
            if result is not None:
                yield self._told(result)
        self._end()

    def _hand_over(self) -> Iterator[Result]:
        while len(self._running) < self._in_flight_max and not self._stopped:
            with self._lock:
                if not self._waiting:
                    return
                _, _, job = heapq.heappop(self._waiting)
            if job.key in self._finished:
                yield Result(job=job, status=Status.ALREADY)
            elif job.key in self._running:
                self._held[job.key].append(job)
            else:
                self._begin(job)

    def _begin(self, job: Job) -> None:
        try:
            future = self._executor.submit(work, job, self._task, self._setup, uuid.uuid4().hex)
        except RuntimeError as exc:  # Broken, or shut down: no executor takes anything any more.
            self._wait_again(job)
            self._replace_executor(exc)
            return
        self._running[job.key] = future
        self._metrics.running(1)
        future.add_done_callback(lambda done: self._ended.put(_Ended(job, done)))

    def _replace_executor(self, error: BaseException) -> None:
        self._replaced += 1
        if self._made is None or self._replaced > ATTEMPTS_MAX:
            self._stopped = True
            self._tally.notice(
                f"The executor takes no more jobs ({type(error).__name__}). Start the run again "
                "with the same journal to go on."
            )
            return
        with contextlib.suppress(Exception):
            self._executor.shutdown(wait=False, cancel_futures=True)
        self._executor = self._made()

    def _wait_again(self, job: Job) -> None:
        with self._lock:
            self._number += 1
            heapq.heappush(self._waiting, (job.priority, self._number, job))

    def _result_of(self, ended: _Ended) -> Result | None:
        """Return the result, or None where its worker was lost and the job waits again."""
        job = ended.job
        del self._running[job.key]
        self._metrics.running(-1)
        for held in self._held.pop(job.key, ()):
            self._wait_again(held)
        try:
            result = ended.future.result()
        except (CancelledError, Exception) as exc:  # noqa: BLE001 - whatever an executor may raise
            return self._without_result(job, exc)
        self._replaced = 0
        if result.status is Status.SET_ASIDE:
            self._slices[job.key] = self._with_slices(result)
            self._wait_again(job)
            return None
        return self._with_slices(result)

    def _with_slices(self, result: Result) -> Result:
        """Add what earlier slices of the same job did."""
        earlier = self._slices.pop(result.job.key, None)
        if earlier is None:
            return result
        value = result.value
        if isinstance(value, Summary) and isinstance(earlier.value, Summary):
            counts = Counter(value.counts)
            # A proof counts no records, so the slices of its sync have no place in it.
            before = earlier.value.counts
            counts.update({name: before[name] for name in before if name in value.counts})
            value = attrs.evolve(value, counts=dict(counts))
        elif value is None and result.status is Status.SET_ASIDE:
            value = earlier.value
        return attrs.evolve(
            result,
            value=value,
            began_at=earlier.began_at,
            seconds=result.seconds + earlier.seconds,
            requests=result.requests + earlier.requests,
            waited_s=result.waited_s + earlier.waited_s,
            refusals=result.refusals + earlier.refusals,
            slowest=min(result.slowest, earlier.slowest),
            slices=result.slices + earlier.slices,
            notices=tuple(dict.fromkeys((*earlier.notices, *result.notices))),
        )

    def _without_result(self, job: Job, exc: BaseException) -> Result | None:
        unreturnable = isinstance(exc, PicklingError | TypeError | AttributeError)
        if not unreturnable:
            self._attempts[job.key] += 1
            if self._attempts[job.key] < ATTEMPTS_MAX and not self._closed:
                self._wait_again(job)
                return None
        kind = type(exc).__name__
        message = (
            f"The task, or what it returned, cannot be sent between processes ({kind})."
            if unreturnable
            else f"The worker was lost {self._attempts[job.key]} times ({kind})."
        )
        failure = Failure(kind=kind, message=message, retryable=not unreturnable)
        return Result(job=job, status=Status.FAILED, failure=failure)

    def _told(self, result: Result) -> Result:
        """Write a result down before anybody sees it."""
        if self._journal is not None and result.status is not Status.ALREADY:
            self._journal.note(self._name, result)
            if result.status is Status.DONE:
                self._finished |= {result.job.key}
        self._tally.add(result)
        self._metrics.ended(result)
        if self._progress is not None:
            self._progress(self.report)
        return result


def run(
    jobs: Iterable[Job],
    task: Task,
    *,
    executor: Executors,
    credentials: CredentialsProvider | None = None,
    rate: SharedRate | None = None,
    journal: Journal | None = None,
    base_url: str = PRODUCTION_URL,
    retry: RetryPolicy | None = None,
    in_flight_max: int = IN_FLIGHT_MAX,
    pages_in_flight_max: int = 4,
    wait_s: float = 30.0,
    slice_records: int | None = SLICE_RECORDS,
    progress: Callable[[RunReport], object] | None = None,
) -> Run:
    """Do one task for many accounts; results stream as they come, failures among them.

    So it is used::

        with fleet.run(jobs, fleet.Sync(), executor=pool, credentials=vault) as results:
            for result in results:
                ...
        print(results.report)

    Args:
        jobs: the accounts.  Of two jobs of one account the second waits for the first.
        task: `Sync`, `Import`, `Reconcile`, `Prove`, `Export`, or a function of yours that the
            workers can import; it takes a `Context`.
        executor: threads, processes, ``dask.distributed.Client.get_executor()``, or what has their
            interface.  A function that makes one allows to go on after a pool broke.
        credentials: fetches a job's key, in the worker.
        rate: the budget that all workers share; by default each process is taken for the only one.
        journal: where it is written down what is finished; jobs that are get `Status.ALREADY`.
        base_url: see `bitstamp_ledger.Client`.
        retry: see `bitstamp_ledger.Client`.
        in_flight_max: how many jobs the executor holds at once: twice its workers keeps them busy.
        pages_in_flight_max: how many pages of one account may be asked for at once.
        wait_s: how long a worker waits for an account that another one holds.
        slice_records: after how many new records a sync is set aside, to go on when others of its
            class had their turn; None for never.  `Sync` with ``mode="full"`` is never.
        progress: called with the report so far after each result.

    Raises:
        LedgerError: the journal cannot be read.
        ValueError: a slice without records.
    """
    if slice_records is not None and slice_records < 1:
        raise ValueError("a slice has at least one record")
    setup = Setup(
        credentials=credentials,
        rate=rate or SharedRate(),
        base_url=base_url,
        retry=retry or RetryPolicy(),
        in_flight_max=pages_in_flight_max,
        wait_s=wait_s,
        slice_records=slice_records,
        run=uuid.uuid4().hex,
    )
    return Run(
        jobs,
        task,
        setup,
        executor=executor,
        journal=journal,
        in_flight_max=in_flight_max,
        progress=progress,
    )
