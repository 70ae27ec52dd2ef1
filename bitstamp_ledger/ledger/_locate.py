"""From a difference to the window in which it came about, and to what would explain it.

Every steady sync left the balances that the exchange stated, and which records were held then.  The
difference at each of those moments is computed by the rules of today; where it changes, and does
not change back, something is missing, altered or too much.
"""

import datetime as dt
import itertools
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Final

import attrs
import sqlalchemy as sa

from bitstamp_ledger.ledger._accounts import account_refs
from bitstamp_ledger.ledger._checkpoints import BalanceCheckpoint
from bitstamp_ledger.ledger._instants import from_micros
from bitstamp_ledger.ledger._lookup import held_by_id
from bitstamp_ledger.ledger._matching import held_between, row_entry, sort_key
from bitstamp_ledger.ledger._proof import Cause, CauseKind, Located
from bitstamp_ledger.ledger._records import (
    AccountRef,
    entry_of,
    gone_records,
    record_pages,
    superseded_ids,
)
from bitstamp_ledger.ledger._schema import changes, imports, runs, view_rows
from bitstamp_ledger.model import (
    Entry,
    StakingMovement,
    Transfer,
    UnknownEntry,
    exact_difference,
    exact_sum,
)

ENTRIES_MAX: Final = 5
"""So many entries are named for one cause, and on each side of a moment."""

_NOTHING: Final = Decimal(0)


@attrs.frozen(kw_only=True)
class Item:
    """An entry that counts, and since when the ledger holds it."""

    entry: Entry
    record_id: int | None
    """None for a row of a file."""

    run_id: int = 0
    """For a row: the import that brought it."""

    def held_at(self, checkpoint: BalanceCheckpoint) -> bool:
        """Say whether the ledger held it when these balances were read."""
        if self.record_id is not None:
            return self.record_id <= checkpoint.record_high
        return self.run_id <= checkpoint.run_id


@attrs.define
class Step:
    """A difference in one currency that came about between two checkpoints."""

    currency: str
    amount: Decimal
    before: BalanceCheckpoint | None
    after: BalanceCheckpoint
    first_negative: dt.datetime | None = None
    nearby: tuple[str, ...] = ()

    def covers(self, item: Item) -> bool:
        """Say whether an entry came in between."""
        return item.held_at(self.after) and (self.before is None or not item.held_at(self.before))

    @property
    def located(self) -> Located:
        """The step as callers see it."""

        def newest(checkpoint: BalanceCheckpoint | None) -> dt.datetime | None:
            if checkpoint is None or checkpoint.newest_us is None:
                return None
            return from_micros(checkpoint.newest_us)

        return Located(
            currency=self.currency,
            amount=self.amount,
            since=None if self.before is None else self.before.read_at,
            until=self.after.read_at,
            entries_since=newest(self.before),
            entries_until=newest(self.after),
            first_negative=self.first_negative,
            nearby=self.nearby,
        )


def explain(
    connection: sa.Connection,
    account: AccountRef,
    differences: Mapping[str, Decimal],
    checkpoints: Sequence[BalanceCheckpoint],
    hidden: frozenset[str],
) -> tuple[tuple[Located, ...], tuple[Cause, ...]]:
    """Locate differences, and say what would explain them.

    Args:
        connection: any transaction.
        account: whose balances do not agree.
        differences: stated minus replayed, by currency.
        checkpoints: all balances that were stated so far, the last ones included.
        hidden: identities that people have hidden.
    """
    if not checkpoints:
        return (), ()
    items = list(_rows(connection, account, hidden))
    arrivals = (
        arrival for arrival in _arrivals(connection, account) if arrival[1].id not in hidden
    )
    residues = _residues(arrivals, checkpoints, set(differences), items)
    steps = [
        step
        for currency in sorted(differences)
        for step in _steps(currency, [each[currency] for each in residues], checkpoints)
    ]
    collector = _Collector(steps, gone=gone_records(connection))
    for item in _in_time(connection, account, items, hidden):
        collector.take(item)
    collector.end()
    collector.take_hidden(
        held.entry for each in sorted(hidden) if (held := held_by_id(connection, each)) is not None
    )
    unread = _unread_accounts(connection)
    causes = [cause for step in steps for cause in collector.causes(step, unread)]
    return tuple(step.located for step in steps), tuple(causes)


# -- where


def _residues(
    arrivals: Iterable[tuple[int, Entry, int]],
    checkpoints: Sequence[BalanceCheckpoint],
    currencies: set[str],
    rows: Sequence[Item],
) -> list[dict[str, Decimal]]:
    """Return the difference at each checkpoint, by today's rules."""
    sums = dict.fromkeys(currencies, _NOTHING)
    found: list[dict[str, Decimal]] = []
    waiting = deque(checkpoints)

    def pass_until(record_id: int | None) -> None:
        while waiting and (record_id is None or waiting[0].record_high < record_id):
            found.append(_residue(waiting.popleft(), sums, rows))

    for record_id, entry, sign in arrivals:
        pass_until(record_id)
        _add(sums, entry, sign)
    pass_until(None)
    return found


def _residue(
    checkpoint: BalanceCheckpoint, sums: Mapping[str, Decimal], rows: Sequence[Item]
) -> dict[str, Decimal]:
    totals = dict(sums)
    for item in rows:
        if item.held_at(checkpoint):
            _add(totals, item.entry, 1)
    return {
        currency: exact_difference(checkpoint.totals.get(currency, _NOTHING), total)
        for currency, total in totals.items()
    }


def _add(sums: dict[str, Decimal], entry: Entry, sign: int) -> None:
    for currency, change in entry.effect.items():
        if currency in sums:
            combine = exact_sum if sign > 0 else exact_difference
            sums[currency] = combine(sums[currency], change)


def _arrivals(connection: sa.Connection, account: AccountRef) -> Iterator[tuple[int, Entry, int]]:
    """Yield what came in, in that order: entries to add, and replaced ones to take off."""
    replaced = superseded_ids(connection)
    successors: dict[int, int] = {}
    for row in connection.execute(sa.select(changes.c.record_id, changes.c.replaced_id)):
        if row.record_id > row.replaced_id:
            successors[row.record_id] = row.replaced_id
    # What was replaced by an older version again counts as if it had never been.
    outlived = set(successors.values())
    for page in record_pages(connection, account):
        for record_id, entry in page:
            if record_id in replaced and record_id not in outlived:
                continue
            if record_id in successors:
                yield record_id, entry_of(connection, account, successors[record_id]), -1
            yield record_id, entry, 1


def _steps(
    currency: str, residues: Sequence[Decimal], checkpoints: Sequence[BalanceCheckpoint]
) -> Iterator[Step]:
    """Yield the changes of a difference that lasted."""
    lasting: list[tuple[Decimal, int]] = [(_NOTHING, -1)]
    for at, value in enumerate(residues):
        if any(value == each for each, _ in lasting):
            while lasting[-1][0] != value:
                lasting.pop()
        else:
            lasting.append((value, at))
    for (before, _), (value, at) in itertools.pairwise(lasting):
        yield Step(
            currency=currency,
            amount=exact_difference(value, before),
            before=checkpoints[at - 1] if at else None,
            after=checkpoints[at],
        )


# -- why


def _rows(connection: sa.Connection, account: AccountRef, hidden: frozenset[str]) -> Iterator[Item]:
    first_run = sa.select(imports.c.file_id, sa.func.max(imports.c.run_id).label("run_id"))
    came = {
        row.file_id: row.run_id
        for row in connection.execute(
            first_run.where(imports.c.present == 1).group_by(imports.c.file_id)
        )
    }
    rows = connection.execute(
        sa.select(view_rows).where(view_rows.c.account_id == account.id, view_rows.c.kept == 1)
    )
    for row in rows:
        if row.entry_id not in hidden:
            yield Item(
                entry=row_entry(row.kind, row.data), record_id=None, run_id=came[row.file_id]
            )


def _in_time(
    connection: sa.Connection, account: AccountRef, rows: Sequence[Item], hidden: frozenset[str]
) -> Iterator[Item]:
    """Yield all that counts, in the order of time."""
    waiting = deque(sorted(rows, key=lambda item: sort_key(item.entry)))
    for held in held_between(connection, account):
        while waiting and sort_key(waiting[0].entry) <= sort_key(held.entry):
            yield waiting.popleft()
        if held.entry.id not in hidden:
            yield Item(entry=held.entry, record_id=held.record_id)
    yield from waiting


def _unread_accounts(connection: sa.Connection) -> list[str]:
    read = {
        row.account_id
        for row in connection.execute(
            sa.select(runs.c.account_id).where(runs.c.kind == "sync", runs.c.outcome == "done")
        )
    }
    return [each.name for each in account_refs(connection) if each.id not in read]


@attrs.define
class _Found:
    """What one step has met on the way through the entries."""

    entries: dict[CauseKind, list[str]] = attrs.field(factory=dict)
    staked: Decimal = _NOTHING
    transferred: Decimal = _NOTHING
    last: "deque[str]" = attrs.field(factory=lambda: deque(maxlen=ENTRIES_MAX))
    after_negative: int | None = None
    """How many entries after the first negative moment are still to be named."""

    def note(self, kind: CauseKind, entry_id: str) -> None:
        """Name an entry for a cause, if not too many are named already."""
        named = self.entries.setdefault(kind, [])
        if len(named) < ENTRIES_MAX:
            named.append(entry_id)


class _Collector:
    """Goes once through all entries, in the order of time, for all steps."""

    def __init__(self, steps: Sequence[Step], *, gone: set[int]) -> None:
        self._steps = steps
        self._gone = gone
        self._found = [_Found() for _ in steps]
        self._running: dict[str, Decimal] = {step.currency: _NOTHING for step in steps}

    def take(self, item: Item) -> None:
        """Look at the next entry."""
        effect = {
            currency: change
            for currency, change in item.entry.effect.items()
            if currency in self._running
        }
        for currency, change in effect.items():
            self._running[currency] = exact_sum(self._running[currency], change)
        for step, found in zip(self._steps, self._found, strict=True):
            if step.currency in effect or isinstance(item.entry, UnknownEntry):
                change = effect.get(step.currency, _NOTHING)
                self._near(step, found, item)
                if item.record_id in self._gone and change == -step.amount:
                    found.note(CauseKind.VANISHED, item.entry.id)
                elif step.covers(item):
                    self._weigh(step, found, item, change)

    def _near(self, step: Step, found: _Found, item: Item) -> None:
        """Note the first moment at which the running balance is negative."""
        if found.after_negative is not None:
            if found.after_negative:
                found.after_negative -= 1
                step.nearby += (item.entry.id,)
            return
        if not step.covers(item):
            found.last.append(item.entry.id)
            return
        found.last.append(item.entry.id)
        if self._running[step.currency] < 0:
            step.first_negative = item.entry.time
            step.nearby = tuple(found.last)
            found.after_negative = ENTRIES_MAX

    def _weigh(self, step: Step, found: _Found, item: Item, change: Decimal) -> None:
        """Note whether this entry alone would explain the step."""
        entry, amount = item.entry, step.amount
        if change == -amount:
            of_file = item.record_id is None
            found.note(CauseKind.FILE_ROW if of_file else CauseKind.EXTRA_ENTRY, entry.id)
        if exact_sum(change, change) == -amount:
            found.note(CauseKind.WRONG_SIGN, entry.id)
        if amount < 0 and entry.fee is None and change:
            found.note(CauseKind.UNSTATED_FEE, entry.id)
        if isinstance(entry, StakingMovement):
            found.staked = exact_sum(found.staked, change)
            if abs(change) == abs(amount):
                found.note(CauseKind.EARN, entry.id)
        if isinstance(entry, Transfer):
            found.transferred = exact_sum(found.transferred, change)
            if abs(change) == abs(amount):
                found.note(CauseKind.SUB_ACCOUNT_TRANSFER, entry.id)
        if isinstance(entry, UnknownEntry):
            found.note(CauseKind.UNKNOWN_TYPE, entry.id)

    def end(self) -> None:
        """Name the last entries of windows in which nothing went below zero."""
        for step, found in zip(self._steps, self._found, strict=True):
            if step.first_negative is None:
                step.nearby = tuple(found.last)

    def take_hidden(self, entries: Iterator[Entry]) -> None:
        """Look at what people have hidden."""
        for entry in entries:
            effect = entry.effect
            for step, found in zip(self._steps, self._found, strict=True):
                if effect.get(step.currency) == step.amount:
                    found.note(CauseKind.HIDDEN, entry.id)

    def causes(self, step: Step, unread: Sequence[str]) -> Iterator[Cause]:
        """Yield what would explain a step, the most telling first."""
        found = self._found[self._steps.index(step)]
        shown = f"{abs(step.amount):f} {step.currency}"

        def cause(kind: CauseKind, text: str, entries: Sequence[str] = ()) -> Cause:
            return Cause(
                kind=kind,
                currency=step.currency,
                amount=step.amount,
                entries=tuple(entries),
                text=text,
            )

        for kind in _NAMED:
            if named := found.entries.get(kind):
                yield cause(kind, _TEXTS[kind].format(amount=shown), named)
        total = abs(step.amount)
        if abs(found.staked) == total and CauseKind.EARN not in found.entries:
            yield cause(CauseKind.EARN, f"All that went into staking and came back is {shown}.")
        if abs(found.transferred) == total and CauseKind.SUB_ACCOUNT_TRANSFER not in found.entries:
            yield cause(
                CauseKind.SUB_ACCOUNT_TRANSFER, f"All transfers between accounts are {shown}."
            )
        if unread:
            names = ", ".join(map(repr, unread))
            yield cause(
                CauseKind.UNREAD_SUB_ACCOUNT,
                f"{names} is known from files, but was never read; it needs a key of its own.",
            )
        if step.amount > 0:
            yield cause(CauseKind.MISSING_DEPOSIT, f"{shown} came in that no entry states.")
        else:
            yield cause(CauseKind.MISSING_WITHDRAWAL, f"{shown} went out that no entry states.")


_TEXTS: Final[Mapping[CauseKind, str]] = {
    CauseKind.VANISHED: "The exchange no longer lists an entry over {amount}.",
    CauseKind.HIDDEN: "An entry over {amount} is hidden.",
    CauseKind.FILE_ROW: "A row of a file over {amount} is no record of the exchange.",
    CauseKind.EXTRA_ENTRY: "Without one entry over {amount} it would agree.",
    CauseKind.WRONG_SIGN: "With one entry the other way round it would agree.",
    CauseKind.UNKNOWN_TYPE: "A record is not understood; it may stand for {amount}.",
    CauseKind.EARN: "A movement of Earn is over {amount}.",
    CauseKind.SUB_ACCOUNT_TRANSFER: "A transfer between accounts is over {amount}.",
    CauseKind.UNSTATED_FEE: "These entries state no fee; one of {amount} would explain it.",
}
_NAMED: Final = tuple(_TEXTS)
