"""Drives a sink: batches, identities, and the promise that a failed run leaves nothing behind."""

import enum
import time
from collections.abc import AsyncIterable, Awaitable, Callable, Iterable
from types import TracebackType
from typing import Final, Self, TypeAlias

import attrs

from bitstamp_ledger.errors import BitstampLedgerError, SinkError
from bitstamp_ledger.model import Entry
from bitstamp_ledger.sinks._annotations import Annotations, EntryAnnotation
from bitstamp_ledger.sinks._contract import (
    AsyncSink,
    Batch,
    Completed,
    Failed,
    Receipt,
    RunInfo,
    Sink,
    batch_of,
)
from bitstamp_ledger.sinks._flows import (
    Caller,
    CloseSink,
    Flow,
    OpenSink,
    Pause,
    Retries,
    Step,
    T,
    WriteBatch,
    drive,
    drive_async,
    persistent,
    shielded,
    sleep_async,
)
from bitstamp_ledger.sinks._identities import Identities
from bitstamp_ledger.sinks._row import content_bytes

BATCH_ROWS: Final = 1_000
"""Entries to a batch: enough that a commit per batch is cheap, few enough to hold in memory."""

EntryStep: TypeAlias = Callable[[Entry], Entry | None]
"""Changes an entry on its way to a sink, or leaves it out by returning None; a pure function."""


@attrs.frozen(kw_only=True)
class SinkReport:
    """What a completed run wrote.  Entries given = ``rows`` + ``repeats`` + ``left_out``."""

    rows: int
    """Rows that the sink confirmed."""

    repeats: int
    """Entries skipped because an equal one had been written in the same run."""

    conflicts: int
    """Of the rows, those written as ``<id>~<digest>``: another content had that id already."""

    paths: tuple[str, ...]
    """Where they are, each once, in the order of writing."""

    left_out: int = 0
    """Entries that a step left out."""

    retries: int = 0
    """How often the sink had to be asked again."""


@attrs.frozen(kw_only=True)
class SinkProgress:
    """How far a run has come; told after each batch."""

    sink: str
    batches: int
    rows: int
    """Rows that the sink has confirmed."""

    retries: int = 0


Progress: TypeAlias = Callable[[SinkProgress], object]


@attrs.frozen(kw_only=True)
class Delivery:
    """How entries are brought to a sink, whichever it is."""

    steps: tuple[EntryStep, ...] = ()
    progress: Progress | None = None
    retries: Retries = attrs.field(factory=Retries)
    batch_rows: int = BATCH_ROWS

    def prepared(self, entry: Entry) -> Entry | None:
        """Return what the steps make of an entry."""
        for step in self.steps:
            changed = step(entry)
            if changed is None:
                return None
            entry = _an_entry(changed, "a step returns an entry or None")
        return entry


def _an_entry(value: object, rule: str) -> Entry:
    if not isinstance(value, Entry):
        raise TypeError(f"{rule}, not {type(value).__name__}")
    return value


class _State(enum.Enum):
    NEW = "has not been entered"
    OPEN = "is open"
    BROKEN = "failed earlier"
    COMPLETED = "is closed"
    ABANDONED = "was given up"


class Run:
    """One run of one sink, as flows: all that a handle does, but for calling the sink."""

    def __init__(self, name: str, delivery: Delivery) -> None:
        self.name = name
        self.state = _State.NEW
        self._delivery = delivery
        self._identities = Identities()
        self._pending: list[Entry] = []
        self._contents: list[bytes] = []
        self._said: dict[str, EntryAnnotation] | None = None
        self._batches = 0
        self._rows = 0
        self._left_out = 0
        self._retries = 0
        self._paths: dict[str, None] = {}
        self._report: SinkReport | None = None

    def begin(self) -> Flow[None]:
        """Open the sink."""
        if self.state is not _State.NEW:
            raise self.misuse("A handle serves one run; open another.")
        yield from self._persistent(OpenSink(RunInfo(sink=self.name)))
        self.state = _State.OPEN

    def take(self, entries: Iterable[Entry], annotations: Annotations | None = None) -> Flow[None]:
        """Write entries, with what people said of them; a batch goes out whenever it is full."""
        self.require_open()
        try:
            if annotations is not None and self._said is None:
                self._said = {}
            yield from self._take(entries, annotations or {})
        except BaseException:
            # Also when the iterable raised: half a history must not pass for a whole one because
            # the caller went on.
            self.break_off()
            raise

    def require_open(self) -> None:
        """Refuse to write at the wrong time."""
        if self.state is not _State.OPEN:
            raise self.misuse("Write inside the with block of a handle that has not failed.")

    def break_off(self) -> None:
        """Note that something failed, so that the run will not be completed."""
        self.state = _State.BROKEN

    def finish(self) -> Flow[None]:
        """Write what is left, and have it made durable."""
        if self.state is _State.BROKEN:
            passed_over = self.misuse("Nothing was kept of this run; run it again.")
            yield from self.abandon(passed_over)
            raise passed_over
        try:
            if self._pending or not self._batches:
                yield from self._flush()  # Of no entries, too: the receipt says where the file is.
        except BaseException as exc:
            yield from self.abandon(exc)
            raise
        self.state = _State.ABANDONED  # Unless closing succeeds: it is called exactly once.
        self._identities.forget()
        yield CloseSink(Completed())
        self.state = _State.COMPLETED
        self._report = SinkReport(
            rows=self._rows,
            repeats=self._identities.repeats,
            conflicts=self._identities.conflicts,
            paths=tuple(self._paths),
            left_out=self._left_out,
            retries=self._retries,
        )

    def abandon(self, error: BaseException) -> Flow[None]:
        """Close the sink in such a way that nothing of the run remains."""
        self.state = _State.ABANDONED
        self._pending.clear()
        self._contents.clear()
        self._identities.forget()
        # Errors of ours are made for people; the text of others may hold what nobody should see.
        ours = isinstance(error, BitstampLedgerError)
        reason = str(error) if ours else type(error).__name__
        try:
            yield CloseSink(Failed(reason))
        except BitstampLedgerError as exc:  # The first error is the one to see.
            kind = type(exc.__cause__ or exc).__name__
            error.add_note(f"Giving up the sink {self.name!r} failed too: {kind}.")

    @property
    def report(self) -> SinkReport:
        """What was written."""
        if self._report is None:
            raise self.misuse("There is a report once the with block has ended without an error.")
        return self._report

    def _take(self, entries: Iterable[Entry], annotations: Annotations) -> Flow[None]:
        batch_rows, prepare = self._delivery.batch_rows, self._delivery.prepared
        has_steps = bool(self._delivery.steps)
        pending, contents, admit = self._pending, self._contents, self._identities.admit
        for entry in entries:
            prepared: Entry | None = entry
            if has_steps or not isinstance(entry, Entry):
                prepared = prepare(_an_entry(entry, "a sink takes entries"))
            if prepared is None:
                self._left_out += 1
                continue
            try:
                content = content_bytes(prepared)
            except ValueError as exc:
                raise unwritable(entry, exc, self.name) from exc
            admitted = admit(prepared, is_valid=True)
            if admitted is None:
                continue
            pending.append(admitted)
            contents.append(content if admitted is prepared else content_bytes(admitted))
            if annotations and self._said is not None and entry.id in annotations:
                self._said[admitted.id] = annotations[entry.id]
            if len(pending) >= batch_rows:
                yield from self._flush()

    def _flush(self) -> Flow[None]:
        batch = batch_of(self._pending, self._contents, self._said)
        receipt: Receipt = yield from self._persistent(WriteBatch(batch))
        require_receipt(receipt, batch, self.name)
        self._pending.clear()
        self._contents.clear()
        self._said = None if self._said is None else {}
        self._batches += 1
        self._rows += receipt.rows
        self._paths |= dict.fromkeys(receipt.places)
        if self._delivery.progress is not None:
            self._delivery.progress(
                SinkProgress(
                    sink=self.name, batches=self._batches, rows=self._rows, retries=self._retries
                )
            )

    def _persistent(self, step: OpenSink | WriteBatch) -> Flow[Receipt]:
        return persistent(step, self._delivery.retries, self._note_retry)

    def _note_retry(self) -> None:
        self._retries += 1

    def misuse(self, hint: str) -> SinkError:
        """Return the error of a handle that is used at the wrong time."""
        return SinkError(f"The sink {self.name!r} {self.state.value}.", sink=self.name, hint=hint)


def stored_by(sink: Sink | AsyncSink, annotations: Annotations | None) -> Annotations | None:
    """Return what a sink is told of what people said."""
    return annotations if sink.capabilities.annotations else None


def unwritable(entry: Entry, why: ValueError, name: str) -> SinkError:
    """Return the error of an entry that no sink could hold."""
    return SinkError(
        f"Entry {entry.id!r} cannot be written: {why}.",
        sink=name,
        hint="Leave that entry out, and report it: no real record should look like this.",
    )


def require_receipt(receipt: object, batch: Batch, name: str) -> None:
    """Refuse the word of a sink on another batch than the one that it was sent."""
    if not isinstance(receipt, Receipt) or receipt.batch_id != batch.id:
        raise SinkError(
            f"The sink {name!r} did not confirm the batch that it was sent.",
            sink=name,
            hint="That is a fault of the sink; tell its author.",
        )


class SinkHandle:
    """Writes entries to one sink, inside a ``with`` block.

    When the block ends normally the output is made durable.  When it ends by an exception, or when
    an earlier ``write`` failed, the output is given up: a file that stood there before is as it
    was, and no part of a new one remains.
    """

    def __init__(
        self,
        sink: Sink,
        *,
        name: str,
        delivery: Delivery | None = None,
        secrets: tuple[str, ...] = (),
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self.sink = sink
        """What is written to."""

        self.name = name
        """What errors call it."""

        self.delivery = delivery or Delivery()
        """How it is written to."""

        self._caller = Caller(sink=sink, name=name, secrets=secrets)
        self._sleep = sleep
        self._run = Run(name, self.delivery)

    def __repr__(self) -> str:
        return f"<SinkHandle {self.name!r} {self._run.state.value}>"

    def __enter__(self) -> Self:
        self.drive(self._run.begin())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.drive(self._run.finish() if error is None else self._run.abandon(error))

    @property
    def is_open(self) -> bool:
        """Whether this is inside the ``with`` block, and nothing has failed."""
        return self._run.state is _State.OPEN

    def write(self, entries: Iterable[Entry], *, annotations: Annotations | None = None) -> None:
        """Write ``entries``, in order; may be called several times.

        They are streamed: no more than a batch is held.  An equal repeat is skipped, and an entry
        whose id was written with other content is written beside it as ``<id>~<digest>``; where it
        was read (path, row number) is no part of the content.

        Args:
            entries: what to write.
            annotations: what people said about them, by id; for a sink that stores it.

        Raises:
            SinkError: the sink cannot take them, or this is not inside the ``with`` block.
            TypeError: something among them is no entry.
        """
        self.drive(self._run.take(entries, stored_by(self.sink, annotations)))

    @property
    def report(self) -> SinkReport:
        """What was written.

        Raises:
            SinkError: the run has not completed.
        """
        return self._run.report

    def drive(self, flow: Flow[T]) -> T:
        """Do what a flow asks of this sink; for who drives it by rules of its own."""
        return drive(flow, self.perform)

    def perform(self, step: Step) -> object:
        """Do one step of a flow."""
        if isinstance(step, Pause):
            return self._sleep(step.seconds)
        return self._caller.perform(step)


class AsyncSinkHandle:
    """A `SinkHandle` for ``async with``: its sink may be awaited, and so may its entries.

    A sink with plain methods works in a thread, so that the event loop is never held up.
    """

    def __init__(
        self,
        sink: Sink | AsyncSink,
        *,
        name: str,
        delivery: Delivery | None = None,
        secrets: tuple[str, ...] = (),
        sleep: Callable[[float], Awaitable[object]] = sleep_async,
    ) -> None:
        self.sink = sink
        """What is written to."""

        self.name = name
        """What errors call it."""

        self.delivery = delivery or Delivery()
        """How it is written to."""

        self._caller = Caller(sink=sink, name=name, secrets=secrets)
        self._sleep = sleep
        self._run = Run(name, self.delivery)

    def __repr__(self) -> str:
        return f"<AsyncSinkHandle {self.name!r} {self._run.state.value}>"

    async def __aenter__(self) -> Self:
        await self.drive(self._run.begin())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is None:
            await self.drive(self._run.finish())
            return
        with shielded():  # A cancelled run must still be cleaned up.
            await self.drive(self._run.abandon(error))

    @property
    def is_open(self) -> bool:
        """Whether this is inside the ``async with`` block, and nothing has failed."""
        return self._run.state is _State.OPEN

    async def write(
        self,
        entries: Iterable[Entry] | AsyncIterable[Entry],
        *,
        annotations: Annotations | None = None,
    ) -> None:
        """Write ``entries`` as `SinkHandle.write` does; they may be iterated with ``async for``."""
        said = stored_by(self.sink, annotations)
        if not isinstance(entries, AsyncIterable):
            await self.drive(self._run.take(entries, said))
            return
        self._run.require_open()
        try:
            some: list[Entry] = []
            async for entry in entries:
                some.append(entry)
                if len(some) >= self.delivery.batch_rows:
                    await self.drive(self._run.take(some, said))
                    some = []
            await self.drive(self._run.take(some, said))
        except BaseException:
            self._run.break_off()
            raise

    @property
    def report(self) -> SinkReport:
        """What was written.

        Raises:
            SinkError: the run has not completed.
        """
        return self._run.report

    async def drive(self, flow: Flow[T]) -> T:
        """Do what a flow asks of this sink; for who drives it by rules of its own."""
        return await drive_async(flow, self.perform)

    async def perform(self, step: Step) -> object:
        """Do one step of a flow."""
        if isinstance(step, Pause):
            return await self._sleep(step.seconds)
        if not isinstance(step, CloseSink):
            return await self._caller.perform_async(step)
        with shielded():  # Also at the end of a run that is cancelled.
            await self._caller.perform_async(step)
        return None
