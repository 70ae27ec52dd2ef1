"""The ledger for programs that must not wait: the same, in worker threads.

Everything is `Ledger`; only a sync has a shell of its own, since an async client is read with
``async for``.
"""

import contextlib
import datetime as dt
import itertools
import os
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from decimal import Decimal
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, ParamSpec, Protocol, Self, TypeVar

import anyio
import anyio.from_thread
import anyio.to_thread

from bitstamp_ledger._page import LISTED, HasSection, PathName, Report
from bitstamp_ledger.api import KeyReport, Probes
from bitstamp_ledger.client import AsyncClient, check_key
from bitstamp_ledger.files import StatementSource
from bitstamp_ledger.ledger import _keys
from bitstamp_ledger.ledger._base import system_clock
from bitstamp_ledger.ledger._checkpoints import stated_totals
from bitstamp_ledger.ledger._following import bring_up_to_date, reports_of
from bitstamp_ledger.ledger._ledger import Ledger
from bitstamp_ledger.ledger._locks import account_lock
from bitstamp_ledger.ledger._proof import Proof
from bitstamp_ledger.ledger._reading import (
    ATTEMPTS_STEADY,
    Progress,
    requests_between,
    requests_of,
)
from bitstamp_ledger.ledger._records import PAGE_RECORDS
from bitstamp_ledger.ledger._reports import FollowReport, ImportReport, SyncReport
from bitstamp_ledger.ledger._sync import SyncJob, SyncMode
from bitstamp_ledger.ledger._values import (
    Annotation,
    EntryState,
    HistoryEvent,
    ImportedFile,
    LedgerAccount,
    RecordedDecision,
    Run,
    SealedChange,
)
from bitstamp_ledger.model import Amount, Balance, Entry
from bitstamp_ledger.reconcile import Counts, Match, Reconciliation
from bitstamp_ledger.sinks import (
    AnySink,
    AsyncSink,
    AsyncSinkHandle,
    EntryStep,
    SinkHandle,
    SinkReport,
)
from bitstamp_ledger.sinks import Progress as SinkProgressCallback
from bitstamp_ledger.sinks._flows import Step
from bitstamp_ledger.sinks._opening import async_handle_of

if TYPE_CHECKING:
    from bitstamp_ledger.files._mapping import ColumnMapping
    from bitstamp_ledger.ledger._files import DateOrderName

P = ParamSpec("P")
T = TypeVar("T")


class AsyncHistoryReader(Protocol):
    """What a sync needs of an async client."""

    @property
    def account(self) -> str:
        """The name of the account that it reads."""

    async def balances(self) -> tuple[Balance, ...]:
        """What the account holds now."""

    def entries(self, since_id: int | None = None) -> AsyncIterator[Entry]:
        """The history from an id on, oldest first."""


async def _in_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    return await anyio.to_thread.run_sync(partial(function, *args, **kwargs))


class AsyncLedger:
    """A `Ledger` whose methods are awaited, and whose entries are iterated with ``async for``.

    Open one with ``await AsyncLedger.open(...)``; use it as an async context manager, or close it.
    """

    def __init__(self, ledger: Ledger) -> None:
        self.blocking = ledger
        """The same ledger, for code that may wait."""

    @classmethod
    async def open(
        cls, place: str | os.PathLike[str], *, clock: Callable[[], dt.datetime] = system_clock
    ) -> Self:
        """Open a ledger as `Ledger.open` does."""
        return cls(await _in_thread(Ledger.open, place, clock=clock))

    @property
    def schema_version(self) -> int:
        """The version of the tables that the ledger lies in."""
        return self.blocking.schema_version

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.blocking!r}>"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections.  Safe to call twice."""
        with anyio.CancelScope(shield=True):
            await _in_thread(self.blocking.close)

    async def sync(
        self,
        client: AsyncHistoryReader,
        mode: SyncMode = "resume",
        progress: Progress | None = None,
        *,
        require_checked: bool = False,
        allow_overprivileged: bool = False,
        wait_s: float = 0.0,
    ) -> SyncReport:
        """Read an account as `Ledger.sync` does, with an async client."""
        rules = _keys.KeyRules(
            require_checked=require_checked, allow_overprivileged=allow_overprivileged
        )
        lock = account_lock(self.blocking.store, client.account, wait_s=wait_s)
        await _in_thread(lock.__enter__)
        try:
            job = await _in_thread(self.blocking.begin_sync, client, mode, rules)
            try:
                return await self._read(client, job, progress)
            except BaseException as error:
                with anyio.CancelScope(shield=True):
                    await _in_thread(self.blocking.fail_sync, job, error)
                raise
        finally:
            with anyio.CancelScope(shield=True):
                await _in_thread(lock.__exit__, None, None, None)

    async def _read(
        self, client: AsyncHistoryReader, job: SyncJob, progress: Progress | None
    ) -> SyncReport:
        sent = requests_of(client)
        before = stated_totals(await client.balances())
        page: list[Entry] = []

        async def commit() -> None:
            if page:
                await _in_thread(job.take, tuple(page))
                page.clear()
                if progress is not None:
                    progress(job.progress)

        async with _closed(client.entries(since_id=job.since_id)) as reading:
            async for entry in reading:
                page.append(entry)
                if len(page) == PAGE_RECORDS:
                    await commit()
            await commit()
        after = stated_totals(await client.balances())
        requests = requests_between(sent, requests_of(client))
        return await _in_thread(self.blocking.finish_sync, job, before, after, requests)

    async def check_key(
        self, client: AsyncClient, probes: Probes = Probes.EMPTY_WRITES
    ) -> KeyReport:
        """Check a key and remember the verdict, as `Ledger.check_key` does."""
        earlier = await _in_thread(self.blocking.last_check, client)
        report = await check_key(client, probes, earlier=earlier)
        await self.remember_check(client, report)
        return report

    async def remember_check(self, client: object, report: KeyReport) -> None:
        """Remember the verdict of a check that was made elsewhere."""
        await _in_thread(self.blocking.remember_check, client, report)

    async def last_check(self, client: object) -> KeyReport | None:
        """Return the last verdict on a client's key; None where it was never checked."""
        return await _in_thread(self.blocking.last_check, client)

    async def import_file(
        self,
        path: StatementSource,
        *,
        format: str | None = None,  # noqa: A002 - as in `read_statement`
        timezone: str | dt.tzinfo | None = None,
        account: str | None = None,
        date_order: "DateOrderName | None" = None,
        part: str | None = None,
        columns: "ColumnMapping | None" = None,
    ) -> ImportReport:
        """Take in a trade file, as `Ledger.import_file` does."""
        return await _in_thread(
            self.blocking.import_file,
            path,
            format=format,
            timezone=timezone,
            account=account,
            date_order=date_order,
            part=part,
            columns=columns,
        )

    async def remove_import(self, file_id: int) -> None:
        """Take the rows of a file out again."""
        await _in_thread(self.blocking.remove_import, file_id)

    async def reconcile(self) -> Reconciliation:
        """Return which rows of files are which records."""
        return await _in_thread(self.blocking.reconcile)

    async def entries(
        self,
        *,
        since: dt.datetime | None = None,
        until: dt.datetime | None = None,
        kinds: Iterable[str | type[Entry]] | str | type[Entry] | None = None,
        currency: str | None = None,
        account: str | None = None,
        state: EntryState | Iterable[EntryState] | None = None,
    ) -> AsyncIterator[Entry]:
        """Yield entries in the order of time, as `Ledger.entries` does."""
        found = await _in_thread(
            self.blocking.entries,
            since=since,
            until=until,
            kinds=kinds,
            currency=currency,
            account=account,
            state=state,
        )
        while page := await _in_thread(_some, found):
            for entry in page:
                yield entry

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Hand the entries to a data frame, as `Ledger` does; the event loop waits for it."""
        return self.blocking.__arrow_c_stream__(requested_schema)

    async def balances(
        self, at: dt.datetime | None = None, *, account: str | None = None
    ) -> dict[str, Decimal]:
        """Return what the entries add up to."""
        return await _in_thread(self.blocking.balances, at, account=account)

    async def counts(self) -> Counts:
        """Say where every record and every row has gone."""
        return await _in_thread(self.blocking.counts)

    async def accounts(self) -> tuple[LedgerAccount, ...]:
        """Return the accounts that the ledger has heard of."""
        return await _in_thread(self.blocking.accounts)

    async def imports(self) -> tuple[ImportedFile, ...]:
        """Return the files that were imported."""
        return await _in_thread(self.blocking.imports)

    async def file_content(self, file_id: int) -> bytes:
        """Return the bytes of a file that was imported."""
        return await _in_thread(self.blocking.file_content, file_id)

    async def runs(self) -> tuple[Run, ...]:
        """Return the manifests of all syncs, imports and removals."""
        return await _in_thread(self.blocking.runs)

    async def history(self, entry_id: str) -> tuple[HistoryEvent, ...]:
        """Tell an entry's whole story."""
        return await _in_thread(self.blocking.history, entry_id)

    async def annotate(
        self,
        entry_id: str,
        *,
        label: str | None = None,
        note: str | None = None,
        price: Decimal | Amount | int | str | None = None,
        author: str | None = None,
        reason: str | None = None,
    ) -> RecordedDecision:
        """Say something about an entry."""
        return await _in_thread(
            self.blocking.annotate,
            entry_id,
            label=label,
            note=note,
            price=price,
            author=author,
            reason=reason,
        )

    async def annotation(self, entry_id: str) -> Annotation | None:
        """Return what people said about an entry."""
        return await _in_thread(self.blocking.annotation, entry_id)

    async def hide(
        self, entry_id: str, *, author: str | None = None, reason: str | None = None
    ) -> RecordedDecision:
        """Leave an entry out of entries and balances."""
        return await _in_thread(self.blocking.hide, entry_id, author=author, reason=reason)

    async def unhide(
        self, entry_id: str, *, author: str | None = None, reason: str | None = None
    ) -> RecordedDecision:
        """Show an entry again."""
        return await _in_thread(self.blocking.unhide, entry_id, author=author, reason=reason)

    async def confirm(
        self, match: Match, *, author: str | None = None, reason: str | None = None
    ) -> tuple[RecordedDecision, ...]:
        """Say that a match is right."""
        return await _in_thread(self.blocking.confirm, match, author=author, reason=reason)

    async def reject(
        self, match: Match, *, author: str | None = None, reason: str | None = None
    ) -> tuple[RecordedDecision, ...]:
        """Say that a match is wrong."""
        return await _in_thread(self.blocking.reject, match, author=author, reason=reason)

    async def merge(
        self, entry_id: str, row_id: str, *, author: str | None = None, reason: str | None = None
    ) -> RecordedDecision:
        """Say that a row of a file is this entry."""
        return await _in_thread(self.blocking.merge, entry_id, row_id, author=author, reason=reason)

    async def split(
        self, entry_id: str, row_id: str, *, author: str | None = None, reason: str | None = None
    ) -> RecordedDecision:
        """Say that a row of a file is not this entry."""
        return await _in_thread(self.blocking.split, entry_id, row_id, author=author, reason=reason)

    async def undo(
        self,
        decision: int | RecordedDecision,
        *,
        author: str | None = None,
        reason: str | None = None,
    ) -> RecordedDecision:
        """Take a decision back."""
        return await _in_thread(self.blocking.undo, decision, author=author, reason=reason)

    async def decisions(self) -> tuple[RecordedDecision, ...]:
        """Return everything that people said."""
        return await _in_thread(self.blocking.decisions)

    async def prove(self, client: AsyncHistoryReader, *, wait_s: float = 0.0) -> Proof:
        """Read balances, resume the sync, read balances again, and compare."""
        report = await self.sync(client, wait_s=wait_s)
        for _ in range(ATTEMPTS_STEADY - 1):
            if report.balances_steady:
                break
            report = await self.sync(client, wait_s=wait_s)
        return await _in_thread(
            self.blocking.proof_of, report.account, steady=report.balances_steady
        )

    async def seal(
        self, year: int, *, author: str | None = None, reason: str | None = None
    ) -> tuple[SealedChange, ...]:
        """Freeze a calendar year as it shows now."""
        return await _in_thread(self.blocking.seal, year, author=author, reason=reason)

    async def seals(self) -> tuple[int, ...]:
        """Return the sealed years."""
        return await _in_thread(self.blocking.seals)

    async def sealed_changes(self, year: int | None = None) -> tuple[SealedChange, ...]:
        """Return what sealed years would show differently now."""
        return await _in_thread(self.blocking.sealed_changes, year)

    async def accept(
        self, year: int, *, author: str | None = None, reason: str | None = None
    ) -> tuple[SealedChange, ...]:
        """Let a sealed year show what the facts say now."""
        return await _in_thread(self.blocking.accept, year, author=author, reason=reason)

    async def export(
        self,
        out: AsyncSinkHandle | SinkHandle | AnySink | AsyncSink | str,
        *,
        lossy: bool = False,
        steps: Iterable[EntryStep] = (),
        progress: SinkProgressCallback | None = None,
        **filters: object,
    ) -> SinkReport | None:
        """Write the ledger to a sink as `Ledger.export` does; the sink may be an awaited one."""
        if isinstance(out, SinkHandle):
            return await _in_thread(self.blocking.export, out, **filters)  # type: ignore[arg-type]
        handle = async_handle_of(out, lossy=lossy, steps=steps, progress=progress)
        entries = self.entries(**filters)  # type: ignore[arg-type]  # it checks them
        said = await _in_thread(self.blocking.followed.annotations) or None
        if handle.is_open:
            await handle.write(entries, annotations=said)
            return None
        async with handle:
            await handle.write(entries, annotations=said)
        return handle.report

    async def follow(
        self,
        out: AsyncSinkHandle | AnySink | AsyncSink | str,
        *,
        lossy: bool = False,
        steps: Iterable[EntryStep] = (),
        progress: SinkProgressCallback | None = None,
        known_as: str | None = None,
        anew: bool = False,
        wait_s: float = 0.0,
    ) -> FollowReport:
        """Bring a sink up to date as `Ledger.follow` does; the sink may be an awaited one."""
        handle = async_handle_of(out, lossy=lossy, steps=steps, progress=progress)
        return await self._bring(handle, known_as=known_as, anew=anew, wait_s=wait_s)

    async def follow_all(
        self,
        outs: Iterable[AsyncSinkHandle | SinkHandle | AnySink | AsyncSink | str],
        *,
        wait_s: float = 0.0,
    ) -> tuple[FollowReport, ...]:
        """Bring several sinks up to date at once, awaited ones and others; each reads for itself.

        Raises:
            SinkError: some failed, as its ``failures`` say; the others are up to date.
        """
        handles = [out if isinstance(out, SinkHandle) else async_handle_of(out) for out in outs]
        outcomes: dict[int, FollowReport | Exception] = {}

        async def one(at: int, handle: AsyncSinkHandle | SinkHandle) -> None:
            try:
                outcomes[at] = await self._bring(handle, wait_s=wait_s)
            except Exception as exc:  # noqa: BLE001 - the others go on; it is raised at the end
                outcomes[at] = exc

        async with anyio.create_task_group() as tasks:
            for at, handle in enumerate(handles):
                tasks.start_soon(one, at, handle)
        return reports_of([outcomes[at] for at in range(len(handles))])

    async def _bring(
        self,
        handle: AsyncSinkHandle | SinkHandle,
        *,
        known_as: str | None = None,
        anew: bool = False,
        wait_s: float,
    ) -> FollowReport:
        perform: Callable[[Step], object] | None = None
        if isinstance(handle, AsyncSinkHandle):
            ask = handle.perform
            perform = lambda step: anyio.from_thread.run(ask, step)  # noqa: E731 - typed above
        bring = partial(
            bring_up_to_date,
            self.blocking.followed,
            handle,
            known_as=known_as,
            anew=anew,
            wait_s=wait_s,
            perform=perform,
        )
        # A plain sink works in a thread of the common pool, and this one waits for it: it must not
        # be of the same pool, which many such would fill.
        return await anyio.to_thread.run_sync(bring, limiter=anyio.CapacityLimiter(1))

    async def report(
        self,
        path: PathName | None = None,
        *,
        limit: int | None = LISTED,
        also: Iterable[HasSection] = (),
    ) -> Report:
        """Tell all that is held, for people who keep books; written as one page to ``path``."""
        return await _in_thread(self.blocking.report, path, limit=limit, also=also)

    async def rebuild(self) -> None:
        """Drop all views and make them again."""
        await _in_thread(self.blocking.rebuild)


@contextlib.asynccontextmanager
async def _closed(reading: AsyncIterator[Entry]) -> AsyncIterator[AsyncIterator[Entry]]:
    """Stop requests that are still under way when the reading ends early."""
    try:
        yield reading
    finally:
        close = getattr(reading, "aclose", None)
        if close is not None:
            with anyio.CancelScope(shield=True):
                await close()


def _some(found: Iterator[Entry]) -> list[Entry]:
    return list(itertools.islice(found, PAGE_RECORDS))
