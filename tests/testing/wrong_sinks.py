"""A right sink of each sort, and sinks that are wrong in one way each.

Targets live in memory, by their place; a sink that is not closed leaves its target as a program
that died would.
"""

import itertools
import json
from collections.abc import Callable, Iterable
from decimal import Context, Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import attrs

from bitstamp_ledger.errors import SinkError
from bitstamp_ledger.model import Entry
from bitstamp_ledger.sinks import (
    Batch,
    Capabilities,
    Checkpoint,
    Completed,
    Outcome,
    Receipt,
    Retract,
    RunInfo,
    Sink,
    Upsert,
)
from bitstamp_ledger.testing import SinkContract, StoredRow


@attrs.define
class Target:
    """What a table holds."""

    rows: dict[str, StoredRow] = attrs.field(factory=dict)
    revisions: dict[str, int] = attrs.field(factory=dict)
    checkpoints: dict[str | None, Checkpoint] = attrs.field(factory=dict)
    is_locked: bool = False


def row_of(entry: Entry) -> StoredRow:
    return StoredRow(
        id=entry.id,
        amounts=tuple(leg.value for leg in entry.legs),
        account=entry.account,
        time=entry.time,
    )


class TableSink:
    """Right in all things: upserts, retracts, and stores the checkpoint with the rows."""

    capabilities = Capabilities(upsert=True, retract=True, stores_checkpoint=True, decimals="exact")
    targets: ClassVar[dict[Path, Target]] = {}

    def __init__(self, place: Path) -> None:
        self.target_ = self.targets.setdefault(place, Target())
        self.ledger: str | None = None

    def open(self, run: RunInfo) -> Checkpoint | None:
        run.require_schema(1)
        self.ledger = run.ledger
        return self.target_.checkpoints.get(self.checkpoint_key())

    def checkpoint_key(self) -> str | None:
        return self.ledger

    def write(self, batch: Batch) -> Receipt:
        for operation in batch.operations:
            if isinstance(operation, Upsert):
                self.upsert(operation.entry, operation.revision)
            else:
                self.retract(operation)
        if batch.checkpoint is not None:
            self.target_.checkpoints[self.checkpoint_key()] = batch.checkpoint
        return Receipt(batch_id=batch.id, rows=len(batch.entries), durable=True)

    def close(self, outcome: Outcome) -> None:
        pass

    def upsert(self, entry: Entry, revision: int) -> None:
        row = row_of(entry)
        if self.is_news(row.id, revision):
            self.target_.rows[row.id] = row

    def retract(self, operation: Retract) -> None:
        if self.is_news(operation.entry_id, operation.revision):
            self.target_.rows.pop(operation.entry_id, None)

    def is_news(self, entry_id: str, revision: int) -> bool:
        if revision and revision < self.target_.revisions.get(entry_id, 0):
            return False
        self.target_.revisions[entry_id] = revision or self.target_.revisions.get(entry_id, 0)
        return True


class PageSink:
    """Right in all things: one file that is written whole, and replaced at the end."""

    capabilities = Capabilities(decimals="text")

    def __init__(self, place: Path) -> None:
        self.path = place / "page.json"
        self.rows: dict[str, dict[str, object]] = {}

    def open(self, run: RunInfo) -> Checkpoint | None:
        run.require_schema(1)
        return None

    def write(self, batch: Batch) -> Receipt:
        if batch.retractions:
            raise SinkError("A page cannot take entries back.", sink="page")
        self.rows |= {entry.id: self.cells(entry) for entry in batch.entries}
        return Receipt(batch_id=batch.id, rows=len(batch.entries), durable=False)

    def close(self, outcome: Outcome) -> None:
        if isinstance(outcome, Completed):
            self.path.write_text(json.dumps(self.rows))

    def cells(self, entry: Entry) -> dict[str, object]:
        return {
            "amounts": [str(leg.value) for leg in entry.legs],
            "account": entry.account,
        }


class ContractOfTables(SinkContract):
    def __init__(self, kind: Callable[[Path], Sink] = TableSink) -> None:
        self.kind = kind

    def make(self, place: Path) -> Sink:
        return self.kind(place)

    def stored(self, place: Path) -> Iterable[StoredRow]:
        return list(TableSink.targets.get(place, Target()).rows.values())


class ContractOfPages(SinkContract):
    def __init__(self, kind: Callable[[Path], Sink] = PageSink) -> None:
        self.kind = kind

    def make(self, place: Path) -> Sink:
        return self.kind(place)

    def stored(self, place: Path) -> Iterable[StoredRow]:
        path = place / "page.json"
        if not path.exists():
            return
        for entry_id, cells in json.loads(path.read_text()).items():
            amounts = tuple(map(Decimal, cells["amounts"]))
            yield StoredRow(id=entry_id, amounts=amounts, account=cells["account"])


# -- wrong in one way each, and the rule that catches it


class StatesItLoosely(TableSink):
    breaks = "test_capabilities_are_stated"

    capabilities = SimpleNamespace(  # type: ignore[assignment]  # the mistake
        upsert=True,
        retract=True,
        stores_checkpoint=True,
        append_only=False,
        replaces=False,
        decimals="exact",
        times="exact",
    )


class CountsWrongly(TableSink):
    breaks = "test_a_run_stores_what_was_written"

    def write(self, batch: Batch) -> Receipt:
        receipt = super().write(batch)
        # Only where one batch follows another, so that no other rule sees it.
        return attrs.evolve(receipt, rows=2) if len(batch.entries) == 1 == self.count() else receipt

    def count(self) -> int:
        return len(self.target_.rows) - 2


class ConfirmsAnother(TableSink):
    breaks = "test_a_receipt_names_its_batch"

    def write(self, batch: Batch) -> Receipt:
        return attrs.evolve(super().write(batch), batch_id="another")


class AddsRepeats(PageSink):
    breaks = "test_the_same_batch_again_changes_nothing"

    def write(self, batch: Batch) -> Receipt:
        again = any(entry.id in self.rows for entry in batch.entries)
        receipt = super().write(batch)
        return attrs.evolve(receipt, rows=0) if again else receipt


class AddsAgain(TableSink):
    breaks = "test_the_same_run_again_changes_nothing"

    def __init__(self, place: Path) -> None:
        super().__init__(place)
        self.mine: set[str] = set()

    def write(self, batch: Batch) -> Receipt:
        for entry in batch.entries:
            known = self.target_.rows.get(entry.id)
            if batch.checkpoint is None and entry.id not in self.mine and known == row_of(entry):
                self.target_.rows[f"{entry.id} again"] = attrs.evolve(known, id=f"{entry.id} again")
            self.mine.add(entry.id)
        return super().write(batch)


class SaysDurableTooEarly(TableSink):
    breaks = "test_a_crash_before_the_receipt_loses_and_doubles_nothing"

    def __init__(self, place: Path) -> None:
        super().__init__(place)
        self.late: list[Batch] = []

    def write(self, batch: Batch) -> Receipt:
        if batch.checkpoint == Checkpoint("2") and len(batch.entries) > 1:
            self.late.append(batch)
            return Receipt(batch_id=batch.id, rows=len(batch.entries), durable=True)
        return super().write(batch)

    def close(self, outcome: Outcome) -> None:
        del outcome
        for batch in self.late:
            super().write(batch)


class MixesLedgers(TableSink):
    breaks = "test_a_checkpoint_is_that_of_the_last_batch_and_of_its_ledger"

    def checkpoint_key(self) -> str | None:
        return "one for all"


class ThroughAFloat(TableSink):
    breaks = "test_digits_are_exact_or_refused"

    def upsert(self, entry: Entry, revision: int) -> None:
        legs = tuple(
            attrs.evolve(leg, value=Context(prec=16).plus(leg.value)) for leg in entry.legs
        )
        super().upsert(attrs.evolve(entry, legs=legs), revision)


class CutsTimes(TableSink):
    breaks = "test_microseconds_survive"

    def upsert(self, entry: Entry, revision: int) -> None:
        time = entry.time.replace(microsecond=entry.time.microsecond // 1000 * 1000)
        if entry.time.microsecond != 512:
            entry = attrs.evolve(entry, time=time)
        super().upsert(entry, revision)


class KeepsTheFirst(TableSink):
    breaks = "test_an_upsert_replaces_what_is_stored"

    def upsert(self, entry: Entry, revision: int) -> None:
        # Where revisions are stated it is right.
        if revision or self.target_.revisions.get(entry.id) or (entry.id not in self.target_.rows):
            super().upsert(entry, revision)


class LastOneWins(TableSink):
    breaks = "test_the_higher_revision_holds_in_whatever_order"

    def is_news(self, entry_id: str, revision: int) -> bool:
        is_there = entry_id in self.target_.rows
        return super().is_news(entry_id, revision) or is_there


class PassesRetractionsOver(PageSink):
    breaks = "test_what_is_taken_back_is_gone_and_can_return"

    def write(self, batch: Batch) -> Receipt:
        return super().write(Batch.of(batch.entries)) if batch.retractions else super().write(batch)


class NeverRevives(TableSink):
    breaks = "test_what_is_taken_back_is_gone_and_can_return"

    def retract(self, operation: Retract) -> None:
        super().retract(operation)
        if operation.revision:
            self.target_.revisions[operation.entry_id] = 1_000


class ForgetsWhatIsGone(TableSink):
    breaks = "test_an_old_word_does_not_revive_what_was_taken_back"

    def retract(self, operation: Retract) -> None:
        super().retract(operation)
        self.target_.revisions.pop(operation.entry_id, None)


class MissesWhatIsNotThere(TableSink):
    breaks = "test_taking_back_what_is_not_there_does_nothing"

    def retract(self, operation: Retract) -> None:
        if operation.entry_id not in self.target_.rows:
            raise SinkError("no such row", sink="wrong")
        super().retract(operation)


class KeysByNumber(TableSink):
    breaks = "test_two_accounts_with_the_same_ids_are_kept_apart"

    def upsert(self, entry: Entry, revision: int) -> None:
        for row in list(self.target_.rows.values()):
            same = row.id.partition("/")[2] == entry.id.partition("/")[2]
            if same and row.account == "One" and entry.account == "Two":
                del self.target_.rows[row.id]
        super().upsert(entry, revision)


class ComparesLoosely(TableSink):
    breaks = "test_ids_that_differ_in_case_or_a_space_are_kept_apart"

    def upsert(self, entry: Entry, revision: int) -> None:
        for known in list(self.target_.rows):
            if known != entry.id and known.casefold().strip() == entry.id.casefold().strip():
                return
        super().upsert(entry, revision)


class SkipsUnknowns(TableSink):
    breaks = "test_records_that_nobody_understood_are_stored"

    def upsert(self, entry: Entry, revision: int) -> None:
        if entry.legs:
            super().upsert(entry, revision)


class WantsEntries(TableSink):
    breaks = "test_a_run_without_entries_completes"

    def write(self, batch: Batch) -> Receipt:
        if not batch.operations:
            raise SinkError("nothing to write", sink="wrong")
        return super().write(batch)


class TakesAnySchema(TableSink):
    breaks = "test_a_newer_schema_is_refused"

    def open(self, run: RunInfo) -> Checkpoint | None:
        return super().open(attrs.evolve(run, schema_version=1))


class TrimsText(PageSink):
    breaks = "test_text_comes_back_as_it_was"

    def cells(self, entry: Entry) -> dict[str, object]:
        return super().cells(entry) | {"account": entry.account.strip()}


class OneEmptiesTheOther(TableSink):
    breaks = "test_two_writers_do_not_spoil_each_other"

    opened: ClassVar[dict[Path, int]] = {}

    def __init__(self, place: Path) -> None:
        super().__init__(place)
        self.place = place

    def open(self, run: RunInfo) -> Checkpoint | None:
        self.opened[self.place] = self.opened.get(self.place, 0) + 1
        return super().open(run)

    def write(self, batch: Batch) -> Receipt:
        if self.opened[self.place] > 1 and batch.checkpoint is None:
            self.target_.rows.clear()
        return super().write(batch)

    def close(self, outcome: Outcome) -> None:
        del outcome
        self.opened[self.place] -= 1


class StampsIt(PageSink):
    breaks = "test_the_same_entries_give_the_same_bytes"

    numbers: ClassVar = itertools.count()

    def cells(self, entry: Entry) -> dict[str, object]:
        return super().cells(entry) | {"written": next(self.numbers)}


class WritesInPlace(PageSink):
    breaks = "test_a_run_that_fails_leaves_what_was_durable_and_no_more"

    def close(self, outcome: Outcome) -> None:
        super().close(Completed() if self.rows else outcome)


class StaysLocked(TableSink):
    breaks = "test_a_run_that_fails_can_be_followed_by_another"

    def open(self, run: RunInfo) -> Checkpoint | None:
        if self.target_.is_locked:
            raise SinkError("somebody writes", sink="wrong")
        return super().open(run)

    def close(self, outcome: Outcome) -> None:
        nothing_written = not self.target_.rows and not self.target_.checkpoints
        self.target_.is_locked = (
            not isinstance(outcome, Completed)
            and nothing_written
            and outcome.reason == "the reader gave up"
        )


WRONG = (
    *(StatesItLoosely, CountsWrongly, ConfirmsAnother, AddsRepeats, AddsAgain),
    *(SaysDurableTooEarly, MixesLedgers, ThroughAFloat, CutsTimes, KeepsTheFirst, LastOneWins),
    *(PassesRetractionsOver, NeverRevives, ForgetsWhatIsGone, MissesWhatIsNotThere),
    *(KeysByNumber, ComparesLoosely, SkipsUnknowns, WantsEntries, TakesAnySchema, TrimsText),
    *(OneEmptiesTheOther, StampsIt, WritesInPlace, StaysLocked),
)
