"""What would explain a difference: one pass through all entries, for all steps at once.

A step is a difference that came about between two moments; see `_locate`.  Whatever alone would
make up for it is named, the most telling first.
"""

import datetime as dt
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Final

import attrs

from bitstamp_ledger.ledger._checkpoints import BalanceCheckpoint
from bitstamp_ledger.ledger._instants import from_micros
from bitstamp_ledger.ledger._proof import Cause, CauseKind, Located
from bitstamp_ledger.model import Entry, StakingMovement, Transfer, UnknownEntry, exact_sum

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


class CauseCollector:
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
