"""One sync of one account, without a socket: the shells read, this commits.

    job = SyncJob.begin(...)          # who reads, from where
    job.take(entries)                 # a page: facts and the next position, in one transaction
    job.finish(before, after)         # what vanished, the checkpoint of balances, the report
    job.fail(error)                   # or why it ended early; what was committed stays

Where a resume begins: once a walk has reached the end, at the first of the `OVERLAP` largest ids,
by the rule of the client (`bitstamp_ledger.api.first_of_overlap`); before that, at the lowest id
among the last records committed, since the sort is by time and what comes next may have a lower id.
What is read again is compared with what is held, so that records which were changed or withdrawn
meanwhile are found; so a position needs no digests, as the client's checkpoint does.
"""

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from operator import itemgetter
from typing import Final, Literal, Self

import attrs
import sqlalchemy as sa

from bitstamp_ledger.api import FIRST_ID, condition_of, first_of_overlap
from bitstamp_ledger.errors import BitstampLedgerError, KeyRefusedError, PermissionDeniedError
from bitstamp_ledger.ledger import _accounts, _decisions, _keys, _runs
from bitstamp_ledger.ledger._checkpoints import store_checkpoint
from bitstamp_ledger.ledger._instants import micros
from bitstamp_ledger.ledger._intake import Intake, PageOutcome, take_page
from bitstamp_ledger.ledger._matching import (
    FilesHeld,
    held_between,
    mark_stale,
    numbers_stated,
)
from bitstamp_ledger.ledger._records import (
    PAGE_RECORDS,
    AccountRef,
    gone_records,
    note_sighting,
)
from bitstamp_ledger.ledger._reports import ChangedRecord, SyncProgress, SyncReport
from bitstamp_ledger.ledger._schema import records, view_records
from bitstamp_ledger.ledger._store import Store
from bitstamp_ledger.ledger._values import AccountCondition
from bitstamp_ledger.model import Entry, UnknownEntry
from bitstamp_ledger.reconcile import Counts

SyncMode = Literal["resume", "full"]

OVERLAP: Final = 800
"""So many records are read again by a resume; fewer than a page, so that one page shows them."""

_TAIL: Final = 900
"""Of so many records that were read last, ids are kept: some may be far below the others."""


@attrs.frozen(kw_only=True)
class Position:
    """How far an account was read."""

    since_id: int
    since_us: int
    """No record from ``since_id`` on lies before this."""

    high: int
    """The highest id held."""

    whole: bool
    """Whether a walk has reached the end once."""


@attrs.define(kw_only=True)
class SyncJob:
    """A sync that has begun."""

    store: Store
    intake: Intake
    mode: SyncMode
    started_at: dt.datetime
    since_id: int | None
    """Where the shell begins to read; None for the beginning."""

    notices: tuple[str, ...]
    hidden: frozenset[str]
    start: Position | None
    high_before: int
    """Records up to this one were held before; only they can have vanished."""

    _tail: list[tuple[int, int]] = attrs.field(factory=list)
    """Id and time of the last records that have an id."""

    _first_us: int | None = None
    _numbers_stated: tuple[str | None, frozenset[int]] = ("", frozenset())
    _counts: Counts = attrs.field(
        factory=lambda: Counts(received=0, kept=0, witnessed=0, quarantined=0)
    )
    _changed: list[ChangedRecord] = attrs.field(factory=list)
    _returned: list[str] = attrs.field(factory=list)

    @classmethod
    def begin(
        cls,
        store: Store,
        account_name: str,
        mode: SyncMode,
        at: dt.datetime,
        *,
        fingerprint: str | None,
        rules: _keys.KeyRules,
    ) -> Self:
        """Look at the key, and at how far the account was read.

        Raises:
            OverprivilegedKeyError: the key can do more than read, and nobody allowed it.
            UnprovenKeyError: the key was never checked, and should have been.
        """
        with store.write() as connection:
            report = _keys.last_report(connection, fingerprint)
            notices = _keys.admit(report, rules)
            account = _accounts.ensure_account(connection, account_name)
            text = _accounts.position_of(connection, account)
            position = None if text is None else Position(**json.loads(text))
            run_id = _runs.begin_run(connection, "sync", at, account=account, mode=mode)
            high_before = connection.execute(
                sa.select(sa.func.coalesce(sa.func.max(records.c.id), 0))
            ).scalar_one()
            resumed = mode == "resume" and position is not None
            return cls(
                store=store,
                intake=Intake(
                    account=account,
                    run_id=run_id,
                    gone=gone_records(connection),
                    high=0 if position is None else position.high,
                ),
                mode=mode,
                started_at=at,
                since_id=position.since_id if resumed and position is not None else None,
                notices=notices,
                hidden=_decisions.hidden_now(connection).names,
                start=position if resumed else None,
                high_before=high_before,
            )

    @property
    def progress(self) -> SyncProgress:
        """How far the sync has come."""
        counts = self._counts
        added = counts.received - counts.witnessed - counts.suppressed
        return SyncProgress(account=self.intake.account.name, records=counts.received, added=added)

    def take(self, entries: Sequence[Entry]) -> None:
        """Commit some records and the position after them."""
        if not entries:
            return
        times = [micros(entry.time) for entry in entries]
        with self.store.write() as connection:
            outcome = take_page(connection, self.intake, entries, times)
            # An id of 0 stands for none, and is none of the exchange's.
            numbers = [entry.transaction_id or 0 for entry in entries]
            shown = [*self._tail, *filter(itemgetter(0), zip(numbers, times, strict=True))]
            self._tail = shown[-_TAIL:]
            self._set_position(connection, whole=self.start is not None and self.start.whole)
            moved = [*times, *(micros(before.time) for before, _ in outcome.changed)]
            if outcome.added or outcome.changed:
                held = FilesHeld.now(connection)
                # While the views are stale, nobody knows what they will be made of.
                if (
                    not held.fresh
                    or held.are_near(min(moved), max(moved))
                    or not self._stated(connection, held.generation).isdisjoint(numbers)
                ):
                    mark_stale(connection)
        first = min(times)
        self._first_us = first if self._first_us is None else min(self._first_us, first)
        self._count(entries, outcome)

    def finish(
        self,
        before: Mapping[str, Decimal] | None,
        after: Mapping[str, Decimal] | None,
        at: dt.datetime,
        *,
        requests: int | None,
    ) -> SyncReport:
        """Note what vanished, keep the balances, and report.

        Args:
            before: what the exchange stated before the records were read.
            after: and after; None where it did not say.
            at: when that was.
            requests: how many requests the shell sent, where it knows.
        """
        steady = before is not None and before == after
        account, run_id = self.intake.account, self.intake.run_id
        with self.store.write() as connection:
            vanished = self._vanished(connection)
            note_sighting(connection, run_id, list(vanished), listed=False)
            self._set_position(connection, whole=True)
            if after is not None and steady:
                store_checkpoint(connection, account, run_id, at, after)
            _accounts.set_condition(connection, account, AccountCondition.ACTIVE, at)
            counts = attrs.asdict(self._counts)
            if requests is not None:
                counts["requests"] = requests
            _runs.end_run(connection, run_id, at, counts=counts)
        return SyncReport(
            account=account.name,
            mode=self.mode,
            run_id=run_id,
            started_at=self.started_at,
            finished_at=at,
            counts=self._counts,
            pages=self.intake.page_count,
            requests=requests,
            changed=tuple(self._changed),
            vanished=tuple(vanished.values()),
            returned=tuple(self._returned),
            balances_steady=steady,
            notices=self.notices,
        )

    def fail(self, error: BaseException, at: dt.datetime) -> None:
        """Write down why the sync ended early; a key that does not work pauses the account."""
        ours = isinstance(error, BitstampLedgerError)
        # Only our own messages are known to hold no secret.
        reason = str(error.args[0]) if ours and error.args else type(error).__name__
        with self.store.write() as connection:
            if isinstance(error, KeyRefusedError | PermissionDeniedError):
                condition = condition_of(error).diagnosis
                _accounts.set_condition(
                    connection,
                    self.intake.account,
                    AccountCondition.PAUSED,
                    at,
                    reason=f"{condition.state.value}: {reason}",
                    advice=" ".join(filter(None, (condition.summary, condition.next_step))),
                )
            _runs.end_run(
                connection,
                self.intake.run_id,
                at,
                counts=attrs.asdict(self._counts),
                outcome=_runs.outcome_of(error),
                reason=reason,
            )

    def _count(self, entries: Sequence[Entry], outcome: PageOutcome) -> None:
        hidden = unknown = 0
        for at, entry in enumerate(entries):
            if self.hidden and entry.id in self.hidden:
                hidden += 1
            elif type(entry) is UnknownEntry and at not in outcome.known:
                unknown += 1
        known = len(outcome.known)
        if hidden and known:
            known = sum(entries[at].id not in self.hidden for at in outcome.known)
        self._counts += Counts(
            received=len(entries),
            kept=len(entries) - known - hidden - unknown,
            witnessed=known,
            quarantined=unknown,
            suppressed=hidden,
        )
        self._changed.extend(ChangedRecord(before=old, after=new) for old, new in outcome.changed)
        self._returned.extend(outcome.returned)

    def _stated(self, connection: sa.Connection, generation: str | None) -> frozenset[int]:
        """Return the ids that rows of files state; looked up again only after a matching."""
        known, numbers = self._numbers_stated
        if known != generation:
            numbers = numbers_stated(connection, self.intake.account)
            self._numbers_stated = generation, numbers
        return numbers

    def _set_position(self, connection: sa.Connection, *, whole: bool) -> None:
        """Note where a resume begins after what was read so far."""
        ids = [number for number, _ in self._tail]
        since_id = first_of_overlap(ids, OVERLAP if whole else _TAIL)
        if since_id is None:
            return
        if self.start is not None and len(ids) < _TAIL:
            # A resume that brought little must not make the next overlap small.
            since_id = min(since_id, self.start.since_id)
        elif not whole and len(ids) < _TAIL:
            since_id = FIRST_ID  # Records with lower ids than these few may still come.
        times = [at for number, at in self._tail if number >= since_id]
        if self.start is not None and since_id <= self.start.since_id:
            times.append(self.start.since_us)
        position = Position(
            since_id=since_id, since_us=min(times), high=self.intake.high, whole=whole
        )
        _accounts.set_position(connection, self.intake.account, json.dumps(attrs.asdict(position)))

    def _vanished(self, connection: sa.Connection) -> dict[int, str]:
        """Return records that were held before, and that the exchange did not list just now."""
        account = self.intake.account
        if self.start is None:
            since_us, base = None, 0
        else:
            firsts = [self.start.since_us, *([] if self._first_us is None else [self._first_us])]
            since_us, base = min(firsts), self.start.since_id
        missing = self._unseen(connection, account, since_us, base)
        if not missing:
            return {}
        return {
            held.record_id: held.entry.id
            for held in held_between(connection, account, since_us)
            if held.record_id in missing
        }

    def _unseen(
        self, connection: sa.Connection, account: AccountRef, since_us: int | None, base: int
    ) -> set[int]:
        query = sa.select(view_records.c.record_id).where(
            view_records.c.account_id == account.id,
            view_records.c.exchange_id >= base,
            view_records.c.record_id <= self.high_before,
        )
        if since_us is not None:
            query = query.where(view_records.c.time_us >= since_us)
        found: set[int] = set()
        rows = connection.execute(query, execution_options={"yield_per": PAGE_RECORDS})
        for row in rows:
            if row.record_id not in self.intake.seen and row.record_id not in self.intake.gone:
                found.add(row.record_id)
        return found
