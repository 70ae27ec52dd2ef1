"""Drives a sink: batches, identities, and the promise that a failed run leaves nothing behind."""

import contextlib
import enum
import inspect
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Final, Self

import attrs

from bitstamp_ledger.errors import BitstampLedgerError, PluginError, SinkError
from bitstamp_ledger.model import Entry
from bitstamp_ledger.sinks._callables import CallableSink, EntriesFunction
from bitstamp_ledger.sinks._contract import (
    Batch,
    Capabilities,
    Completed,
    Failed,
    RunInfo,
    Sink,
)
from bitstamp_ledger.sinks._identities import Identities
from bitstamp_ledger.sinks._registry import GROUP, SinkFactory, load

BATCH_ROWS: Final = 1_000
"""Entries to a batch: enough that a commit per batch is cheap, few enough to hold in memory."""


@attrs.frozen(kw_only=True)
class SinkReport:
    """What a completed run wrote.  Entries given = ``rows`` + ``repeats``."""

    rows: int
    """Rows that the sink confirmed."""

    repeats: int
    """Entries skipped because an equal one had been written in the same run."""

    conflicts: int
    """Of the rows, those written as ``<id>~<digest>``: another content had that id already."""

    paths: tuple[str, ...]
    """Where they are, each once, in the order of writing."""


class _State(enum.Enum):
    NEW = "has not been entered"
    OPEN = "is open"
    BROKEN = "failed earlier"
    COMPLETED = "is closed"
    ABANDONED = "was given up"


class SinkHandle:
    """Writes entries to one sink, inside a ``with`` block.

    When the block ends normally the output is made durable.  When it ends by an exception, or when
    an earlier ``write`` failed, the output is given up: a file that stood there before is as it
    was, and no part of a new one remains.
    """

    def __init__(self, sink: Sink, *, name: str, batch_rows: int = BATCH_ROWS) -> None:
        self._sink = sink
        self._name = name
        self._batch_rows = batch_rows
        self._state = _State.NEW
        self._identities = Identities()
        self._pending: list[Entry] = []
        self._batches = 0
        self._rows = 0
        self._paths: dict[str, None] = {}
        self._report: SinkReport | None = None

    def __repr__(self) -> str:
        return f"<SinkHandle {self._name!r} {self._state.value}>"

    def __enter__(self) -> Self:
        if self._state is not _State.NEW:
            raise self._misuse("A handle serves one run; open another.")
        with _translated(self._name):
            self._sink.open(RunInfo(sink=self._name))
        self._state = _State.OPEN
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is not None:
            self._abandon(error)
            return
        if self._state is _State.BROKEN:
            passed_over = self._misuse("Nothing was kept of this run; run it again.")
            self._abandon(passed_over)
            raise passed_over
        self._complete()

    def write(self, entries: Iterable[Entry]) -> None:
        """Write ``entries``, in order; may be called several times.

        They are streamed: no more than a batch is held.  An equal repeat is skipped, and an entry
        whose id was written with other content is written beside it as ``<id>~<digest>``; where it
        was read (path, row number) is no part of the content.

        Raises:
            SinkError: the sink cannot take them, or this is not inside the ``with`` block.
            TypeError: something among them is no entry.
        """
        if self._state is not _State.OPEN:
            raise self._misuse("Write inside the with block of a handle that has not failed.")
        try:
            for entry in entries:
                self._take(entry)
        except BaseException:
            # Also when the iterable raised: half a history must not pass for a whole one because
            # the caller went on.
            self._state = _State.BROKEN
            raise

    @property
    def report(self) -> SinkReport:
        """What was written.

        Raises:
            SinkError: the run has not completed.
        """
        if self._report is None:
            raise self._misuse("There is a report once the with block has ended without an error.")
        return self._report

    def _take(self, entry: Entry) -> None:
        if not isinstance(entry, Entry):
            raise TypeError(f"a sink takes entries, not {type(entry).__name__}")
        try:
            admitted = self._identities.admit(entry)
        except ValueError as exc:
            raise SinkError(
                f"Entry {entry.id!r} cannot be written: {exc}.",
                sink=self._name,
                hint="Leave that entry out, and report it: no real record should look like this.",
            ) from exc
        if admitted is None:
            return
        self._pending.append(admitted)
        if len(self._pending) >= self._batch_rows:
            self._flush()

    def _flush(self) -> None:
        batch = Batch.of(self._pending)
        with _translated(self._name):
            receipt = self._sink.write(batch)
        if receipt.batch_id != batch.id:
            raise SinkError(
                f"The sink {self._name!r} did not confirm the batch that it was sent.",
                sink=self._name,
                hint="That is a fault of the sink; tell its author.",
            )
        self._pending.clear()
        self._batches += 1
        self._rows += receipt.rows
        self._paths |= dict.fromkeys(receipt.places)

    def _complete(self) -> None:
        try:
            if self._pending or not self._batches:
                self._flush()  # Of no entries, too: the receipt says where the empty file is.
        except BaseException as exc:
            self._abandon(exc)
            raise
        self._state = _State.ABANDONED  # Unless closing succeeds: it is called exactly once.
        self._identities.forget()
        with _translated(self._name):
            self._sink.close(Completed())
        self._state = _State.COMPLETED
        self._report = SinkReport(
            rows=self._rows,
            repeats=self._identities.repeats,
            conflicts=self._identities.conflicts,
            paths=tuple(self._paths),
        )

    def _abandon(self, error: BaseException) -> None:
        self._state = _State.ABANDONED
        self._identities.forget()
        # Only our own messages are known to hold no secret.
        ours = isinstance(error, BitstampLedgerError)
        reason = str(error) if ours else type(error).__name__
        try:
            self._sink.close(Failed(reason))
        except Exception as exc:  # noqa: BLE001 - the first error is the one to see
            error.add_note(f"Giving up the sink {self._name!r} failed too: {type(exc).__name__}.")

    def _misuse(self, hint: str) -> SinkError:
        return SinkError(
            f"The sink {self._name!r} {self._state.value}.", sink=self._name, hint=hint
        )


def open(name: str, *, lossy: bool = False, **options: object) -> SinkHandle:  # noqa: A001 - read as sinks.open
    """Return a handle on the sink registered as ``name``.  Nothing is opened before ``with``.

    Args:
        name: one of ``names()``.
        lossy: agree to a sink that cannot hold all digits or the seconds.
        options: what the sink itself needs, such as ``path``.

    Raises:
        PluginError: nobody or several registered the name, or what they registered is no sink.
        SinkError: the sink does not know these options, or is lossy and nobody agreed.

    Example:
        >>> with open("csv", path="ledger.csv") as out:  # doctest: +SKIP
        ...     out.write(entries)
        >>> out.report.rows  # doctest: +SKIP
        2
    """
    sink = _made(name, load(name), options)
    _require_consent(sink.capabilities, name=name, lossy=lossy)
    return SinkHandle(sink, name=name)


def handle_for(
    sink: Sink | EntriesFunction, *, name: str | None = None, lossy: bool = False
) -> SinkHandle:
    """Return a handle on a sink that the caller made, or on a function that takes entries.

    Args:
        sink: a sink, not its class; or a function, called with a tuple of entries at a time.
        name: how errors call it; its class's or its own name unless given.
        lossy: agree to a sink that cannot hold all digits or the seconds.

    Raises:
        TypeError: it is neither.
        SinkError: it is lossy and nobody agreed.
    """
    if isinstance(sink, type) or not (isinstance(sink, Sink) or callable(sink)):
        raise TypeError(f"neither a sink nor a function that takes entries: {sink!r}")
    if not name:
        name = str(getattr(sink, "name", "") or getattr(sink, "__name__", type(sink).__name__))
    made = sink if isinstance(sink, Sink) else CallableSink(sink)
    _require_consent(made.capabilities, name=name, lossy=lossy)
    return SinkHandle(made, name=name)


def _made(name: str, factory: SinkFactory, options: dict[str, object]) -> Sink:
    _require_options(name, factory, options)
    with _translated(name):
        sink: object = factory(**options)
    if isinstance(sink, Sink):
        return sink
    raise PluginError(
        f"What is registered as the sink {name!r} makes a {type(sink).__name__}, which is no sink.",
        group=GROUP,
        name=name,
        hint="A sink has capabilities, open, write and close.",
    )


def _require_options(name: str, factory: SinkFactory, options: dict[str, object]) -> None:
    try:
        signature = inspect.signature(factory)
    except (TypeError, ValueError):  # Written in C; its own complaint has to do.
        return
    try:
        signature.bind(**options)
    except TypeError as exc:
        known = ", ".join(signature.parameters) or "none"
        raise SinkError(
            f"The sink {name!r} cannot be made with these options: {exc}.",
            sink=name,
            hint=f"Its options are: {known}.",
        ) from exc


def _require_consent(capabilities: Capabilities, *, name: str, lossy: bool) -> None:
    if lossy or not capabilities.lossy:
        return
    losses = "; ".join(map(str, capabilities.losses))
    raise SinkError(
        f"The sink {name!r} cannot hold everything that entries state. It loses {losses}.",
        sink=name,
        hint="Pass lossy=True if you agree to that.",
    )


@contextlib.contextmanager
def _translated(name: str) -> Iterator[None]:
    """Let no foreign exception out: callers catch ours, and a plug-in's drivers are not theirs."""
    try:
        yield
    except BitstampLedgerError:
        raise
    except Exception as exc:
        raise SinkError(
            f"The sink {name!r} failed: {type(exc).__name__}: {exc}.",
            sink=name,
            hint="Run it again once the cause is repaired.",
        ) from exc
