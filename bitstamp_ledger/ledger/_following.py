"""Brings a sink up to date: what was added or changed, and what is no longer shown.

1. A sink that writes its target anew in every run gets everything.
2. Any other is sent what differs from what it is known to hold.  Where records were merely added
   since, only those are looked at.
3. Nothing is taken back on the word of a reading during which the ledger changed.
"""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any, Final

import attrs
import sqlalchemy as sa

from bitstamp_ledger.errors import LedgerBusyError, SinkError
from bitstamp_ledger.ledger._accounts import account_refs
from bitstamp_ledger.ledger._locks import account_lock
from bitstamp_ledger.ledger._matching import sort_key
from bitstamp_ledger.ledger._records import PAGE_RECORDS, record_pages
from bitstamp_ledger.ledger._reports import FollowReport
from bitstamp_ledger.ledger._schema import decisions, view_rows
from bitstamp_ledger.ledger._sink_memory import (
    Change,
    Mark,
    SinkMemory,
    content_digest,
)
from bitstamp_ledger.ledger._store import Store
from bitstamp_ledger.ledger._values import DecisionKind
from bitstamp_ledger.model import Entry
from bitstamp_ledger.sinks import (
    Annotations,
    AsyncSinkHandle,
    Checkpoint,
    Completed,
    Delivery,
    EntryAnnotation,
    Failed,
    Receipt,
    Retract,
    RunInfo,
    SinkHandle,
    SinkProgress,
    SinkReport,
    Upsert,
)
from bitstamp_ledger.sinks._engine import Run, require_receipt, stored_by, unwritable
from bitstamp_ledger.sinks._fan_out import raise_together
from bitstamp_ledger.sinks._flows import (
    CloseSink,
    Flow,
    OpenSink,
    Step,
    WriteBatch,
    drive,
    persistent,
)
from bitstamp_ledger.sinks._identities import Identities

READINGS_MAX: Final = 3
"""How often a ledger that changes meanwhile is read from the start."""


@attrs.frozen(kw_only=True)
class Source:
    """What is asked of a ledger that is followed."""

    store: Store
    entries: Callable[[], Iterator[Entry]]
    """Everything that is shown; views are brought up to date."""

    refresh: Callable[[], object]

    annotations: Callable[[], Annotations]
    """What people said about them."""


def key_of(handle: SinkHandle | AsyncSinkHandle, known_as: str | None) -> str:
    """Return what a ledger knows a sink by.

    Raises:
        SinkError: nothing tells it from another sink of its kind.
    """
    target = getattr(handle.sink, "target", "")
    if known_as or target:
        return known_as or f"{handle.name} {target}"
    if handle.sink.capabilities.replaces:  # Nothing is remembered of it.
        return handle.name
    raise SinkError(
        f"Nothing tells the sink {handle.name!r} from others like it.",
        sink=handle.name,
        hint="Pass known_as=, the same in every run, or give the sink a target.",
    )


@contextlib.contextmanager
def sink_lock(store: Store, key: str, *, wait_s: float) -> Iterator[None]:
    """Hold the right to bring one sink up to date.

    Raises:
        LedgerBusyError: another program is doing so.
    """
    lock = account_lock(store, f"sink {key}", wait_s=wait_s)
    try:
        lock.__enter__()
    except LedgerBusyError:
        raise LedgerBusyError(
            f"The sink {key!r} is being brought up to date already, by this program or another.",
            hint="Wait until that has ended, or pass wait_s= to wait for it.",
        ) from None
    try:
        yield
    finally:
        lock.__exit__(None, None, None)


def bring_up_to_date(
    source: Source,
    handle: SinkHandle | AsyncSinkHandle,
    *,
    known_as: str | None,
    anew: bool,
    wait_s: float,
    perform: Callable[[Step], object] | None = None,
) -> FollowReport:
    """Bring the sink of a handle up to date, alone.

    Args:
        source: the ledger.
        handle: the sink, and how entries are brought to it.
        known_as: what the ledger knows the sink by, where its name and target are not it.
        anew: send everything, whatever the sink is known to hold.
        wait_s: how long to wait for another who does the same.
        perform: asks the sink; the handle itself unless given.
    """
    key = key_of(handle, known_as)
    with sink_lock(source.store, key, wait_s=wait_s):
        flow = following(source, handle, key=key, anew=anew)
        return drive(flow, perform or handle.perform)


def bring_all_up_to_date(
    source: Source, handles: Sequence[SinkHandle], *, wait_s: float
) -> tuple[FollowReport, ...]:
    """Bring several sinks up to date, each in a thread of its own.

    Raises:
        SinkError: some failed; the others are up to date.
    """

    def one(handle: SinkHandle) -> FollowReport:
        return bring_up_to_date(source, handle, known_as=None, anew=False, wait_s=wait_s)

    with ThreadPoolExecutor(max_workers=max(1, len(handles))) as pool:
        started = [pool.submit(one, handle) for handle in handles]
    return reports_of([each.exception() or each.result() for each in started])


def reports_of(outcomes: Sequence[FollowReport | BaseException]) -> tuple[FollowReport, ...]:
    """Return the reports of several sinks that were brought up to date at once.

    Raises:
        SinkError: some failed; the others are up to date.
    """
    failures: list[SinkError] = []
    for each in outcomes:
        match each:
            case SinkError():
                failures.append(each)
            case BaseException():  # No sink's fault; a lock, or the ledger's own database.
                raise each
            case FollowReport():
                continue
    raise_together(failures, of=len(outcomes))
    return tuple(each for each in outcomes if isinstance(each, FollowReport))


def export(
    handle: SinkHandle,
    entries: Callable[[], Iterator[Entry]],
    annotations: Callable[[], Annotations],
) -> SinkReport | None:
    """Write all entries to a handle; open and close it, unless the caller has opened it."""
    if handle.is_open:
        handle.write(entries(), annotations=annotations() or None)
        return None
    with handle:
        handle.write(entries(), annotations=annotations() or None)
    return handle.report


def following(
    source: Source, handle: SinkHandle | AsyncSinkHandle, *, key: str, anew: bool
) -> Flow[FollowReport]:
    """Bring the sink of a handle up to date.

    Args:
        source: the ledger.
        handle: the sink, and how entries are brought to it.
        key: what the ledger knows the sink by.
        anew: send everything, whatever the sink is known to hold.
    """
    if handle.sink.capabilities.replaces:
        return _whole(source, handle)
    return _Follower(source, handle, key).follow(anew=anew)


def _whole(source: Source, handle: SinkHandle | AsyncSinkHandle) -> Flow[FollowReport]:
    run = Run(handle.name, handle.delivery)
    yield from run.begin()
    try:
        source.refresh()
        said = source.annotations() or None
        yield from run.take(source.entries(), stored_by(handle.sink, said))
    except BaseException as exc:
        yield from run.abandon(exc)
        raise
    yield from run.finish()
    report = run.report
    return FollowReport(
        sink=handle.name,
        upserts=report.rows,
        left_out=report.left_out,
        retries=report.retries,
        anew=True,
        places=report.paths,
    )


class _Follower:
    """One run for a sink that is sent changes."""

    def __init__(self, source: Source, handle: SinkHandle | AsyncSinkHandle, key: str) -> None:
        self._source = source
        self._name = handle.name
        self._capabilities = handle.sink.capabilities
        self._delivery: Delivery = handle.delivery
        self._memory = SinkMemory(source.store, key)
        self._said: Annotations = {}
        self._changes: list[Change] = []
        self._report = FollowReport(sink=handle.name)
        self._places: dict[str, None] = {}

    def follow(self, *, anew: bool) -> Flow[FollowReport]:
        run = RunInfo(sink=self._name, ledger=self._memory.ledger_id)
        stated: Checkpoint | None = yield from self._persistent(OpenSink(run))
        try:
            yield from self._agree(stated, anew=anew)
            yield from self._send_differences()
        except BaseException as exc:
            ours = isinstance(exc, SinkError)
            yield CloseSink(Failed(str(exc) if ours else type(exc).__name__))
            raise
        yield CloseSink(Completed())
        return attrs.evolve(self._report, places=tuple(self._places))

    # -- where the sink stands

    def _agree(self, stated: Checkpoint | None, *, anew: bool) -> Flow[None]:
        """Find out what became of the batch that was on its way, if any was."""
        memory = self._memory
        position = _position(stated)
        if anew:
            memory.reset(position)
        elif self._capabilities.stores_checkpoint:
            if memory.pending is not None and position == memory.pending.position:
                memory.confirm()
            elif position == memory.position:
                memory.drop()
            else:  # It is new, was emptied, or was put back from a backup.
                memory.reset(position)
        elif memory.pending is not None:
            self._report = attrs.evolve(self._report, resent=True)
            yield from self._write_pending()
        self._report = attrs.evolve(self._report, anew=memory.mark is None)

    # -- what is to be sent

    def _send_differences(self) -> Flow[None]:
        has_steps = bool(self._delivery.steps)  # What they do cannot be seen from here.
        for _ in range(READINGS_MAX):
            self._source.refresh()
            self._said = self._source.annotations() if self._capabilities.annotations else {}
            now, before = self._mark(), self._memory.mark
            if before == now and not has_steps:
                return
            done = False
            if before is not None and not has_steps and _merely_grown(before, now):
                done = yield from self._send_added(before)
            if not done:
                yield from self._send_all(now)
            if self._mark().rest == now.rest:
                self._memory.settle(now)
                return
        self._report = attrs.evolve(self._report, settled=False)

    def _mark(self) -> Mark:
        depends = ["steps"] if self._delivery.steps else []
        if self._said:  # Said, perhaps, before they were sent at all.
            depends.append(" annotations")
        with self._source.store.read() as connection:
            return Mark.of(connection, also="".join(depends))

    def _send_added(self, since: Mark) -> Flow[bool]:
        """Send the records that were added; return False where that is not all there is to do."""
        with self._source.store.read() as connection:
            accounts = account_refs(connection)
            if _anything_hidden(connection):
                return False
        for account in accounts:
            high = since.records - 1
            while True:
                with self._source.store.read() as connection:
                    page = next(record_pages(connection, account, after_id=high), None)
                if page is None:
                    break
                high = page[-1][0]
                entries = sorted((entry for _, entry in page), key=sort_key)
                known = self._memory.contents([entry.id for entry in entries])
                for entry in entries:
                    said = self._said.get(entry.id)
                    digest, held = self._digest_of(entry, said), known.get(entry.id)
                    if held == digest:
                        continue
                    if held is not None:  # Another entry has this identity.
                        yield from self._flush()
                        return False
                    yield from self._upsert(entry, said, digest, held)
        yield from self._flush()
        return True

    def _send_all(self, now: Mark) -> Flow[None]:
        """Send what differs from what the sink holds, then take back what is no longer shown."""
        seen = Identities()
        left_out = 0
        shown = self._source.entries()
        while page := list(islice(shown, PAGE_RECORDS)):
            prepared = [
                (each, self._said.get(entry.id))
                for entry in page
                if (each := self._delivery.prepared(entry))
            ]
            left_out += len(page) - len(prepared)
            admitted = [
                (each, said) for entry, said in prepared if (each := self._admitted(entry, seen))
            ]
            known = self._memory.contents([entry.id for entry, _ in admitted])
            for entry, said in admitted:
                digest, held = self._digest_of(entry, said), known.get(entry.id)
                if held != digest:
                    yield from self._upsert(entry, said, digest, held)
        if self._mark().rest == now.rest:
            for ids in self._memory.held_ids():
                gone = [entry_id for entry_id in ids if not seen.knows(entry_id)]
                yield from self._retract(gone)
        yield from self._flush()
        seen.forget()
        self._report = attrs.evolve(self._report, left_out=left_out)

    def _admitted(self, entry: Entry, seen: Identities) -> Entry | None:
        try:
            return seen.admit(entry)
        except ValueError as exc:
            raise unwritable(entry, exc, self._name) from exc

    def _digest_of(self, entry: Entry, said: EntryAnnotation | None) -> bytes:
        try:
            return content_digest(entry, said)
        except ValueError as exc:
            raise unwritable(entry, exc, self._name) from exc

    def _upsert(
        self, entry: Entry, said: EntryAnnotation | None, digest: bytes, held: bytes | None
    ) -> Flow[None]:
        if held and not self._capabilities.upsert:
            raise self._cannot(f"replace {entry.id!r}, which the ledger now states differently")
        operation = Upsert(entry, revision=self._memory.position + 1)
        yield from self._queue(Change(operation=operation, content=digest, annotation=said))

    def _retract(self, ids: Sequence[str]) -> Flow[None]:
        if not ids:
            return
        if not self._capabilities.retract:
            raise self._cannot(f"take {ids[0]!r} back, which the ledger no longer shows")
        with self._source.store.read() as connection:
            reasons = _reasons(connection, ids)
        for entry_id in ids:
            reason = reasons.get(entry_id, "the ledger does not show it any more")
            operation = Retract(entry_id, reason, revision=self._memory.position + 1)
            yield from self._queue(Change(operation=operation, content=None))

    def _cannot(self, what: str) -> SinkError:
        return SinkError(
            f"The sink {self._name!r} cannot {what}.",
            sink=self._name,
            hint="Follow with a sink that can (a function: sinks.BatchSink), or export anew.",
        )

    # -- sending

    def _queue(self, change: Change) -> Flow[None]:
        self._changes.append(change)
        if len(self._changes) >= self._delivery.batch_rows:
            yield from self._flush()

    def _flush(self) -> Flow[None]:
        if not self._changes:
            return
        self._memory.send(self._changes, with_content=not self._capabilities.stores_checkpoint)
        self._changes.clear()
        yield from self._write_pending()

    def _write_pending(self) -> Flow[None]:
        pending = self._memory.pending
        if pending is None:
            return
        batch = pending.batch
        try:
            receipt: Receipt = yield from self._persistent(WriteBatch(batch))
        except Exception:
            if not self._capabilities.stores_checkpoint:  # It may have it, or a part of it.
                self._memory.doubt()
            raise
        require_receipt(receipt, batch, self._name)
        if not receipt.durable:
            raise self._cannot("be followed with: it does not make each batch durable")
        self._memory.confirm()
        self._places |= dict.fromkeys(receipt.places)
        report = self._report
        self._report = attrs.evolve(
            report,
            upserts=report.upserts + len(batch.entries),
            retractions=report.retractions + len(batch.retractions),
            batches=report.batches + 1,
        )
        if self._delivery.progress is not None:
            self._delivery.progress(
                SinkProgress(
                    sink=self._name,
                    batches=self._report.batches,
                    rows=self._report.upserts,
                    retries=self._report.retries,
                )
            )

    def _persistent(self, step: OpenSink | WriteBatch) -> Flow[Any]:
        return persistent(step, self._delivery.retries, self._note_retry)

    def _note_retry(self) -> None:
        self._report = attrs.evolve(self._report, retries=self._report.retries + 1)


def _position(stated: Checkpoint | None) -> int:
    """Return the number of the last batch that a sink made durable; 0 for none of ours."""
    if stated is None or not (stated.position.isascii() and stated.position.isdigit()):
        return 0
    return int(stated.position)


def _merely_grown(before: Mark, now: Mark) -> bool:
    return before.rest == now.rest and not now.sealed


def _anything_hidden(connection: sa.Connection) -> bool:
    kinds = [DecisionKind.HIDE.value]
    query = sa.select(decisions.c.id).where(decisions.c.kind.in_(kinds)).limit(1)
    return connection.execute(query).scalar() is not None


def _reasons(connection: sa.Connection, ids: Sequence[str]) -> dict[str, str]:
    """Say why these are no longer shown, as far as a look at each can tell."""
    rows = connection.execute(
        sa.select(view_rows.c.entry_id).where(view_rows.c.entry_id.in_(ids), view_rows.c.kept == 0)
    )
    found = dict.fromkeys(
        (row.entry_id for row in rows), "it was recognised as a second witness of another entry"
    )
    said = connection.execute(
        sa.select(decisions.c.entry_id).where(
            decisions.c.entry_id.in_(ids), decisions.c.kind == DecisionKind.HIDE.value
        )
    )
    return found | dict.fromkeys((row.entry_id for row in said), "a person hid it")
