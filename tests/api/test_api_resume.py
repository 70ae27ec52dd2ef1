"""Going on with a history: against a model that adds, changes and removes records in between."""

import copy
import itertools
from collections.abc import Iterator
from typing import Final

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from bitstamp_ledger.api import HistoryCheckpoint, HistoryProgress
from bitstamp_ledger.api._decode import decode_record
from bitstamp_ledger.errors import CheckpointError
from bitstamp_ledger.model import Entry

OVERLAP: Final = 5


@attrs.frozen(order=True)
class Record:
    """Sorted as the exchange sorts: by time, then by id; the two need not agree."""

    second: int
    id: int
    euros: int = attrs.field(default=1, order=False)

    @property
    def entry(self) -> Entry:
        return decode_record(
            {
                "id": self.id,
                "datetime": f"2024-01-01 {self.second // 3600:02}:{self.second // 60 % 60:02}"
                f":{self.second % 60:02}",
                "type": "0",
                "eur": f"{self.euros}.00",
                "fee": "0.00",
            },
            account="main",
        )


def reading(
    records: list[Record], after: HistoryCheckpoint | None
) -> tuple[Iterator[Entry], HistoryProgress]:
    """Read what a model exchange holds, as a client would."""
    progress = HistoryProgress(after, account="main", overlap_records=OVERLAP)
    since = progress.since_id or 0

    def entries() -> Iterator[Entry]:
        for record in sorted(records):
            if record.id >= since and progress.take(record.entry):
                yield record.entry
        progress.end()

    return entries(), progress


class Resuming(RuleBasedStateMachine):
    """A reader that keeps what it is given and its checkpoint as text, and is interrupted."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[Record] = []
        self.held: dict[str, Entry] = {}
        self.given: list[str] = []
        self.stored: str | None = None
        self.second = self.newest = 0
        self.complete = True

    @rule(count=st.integers(1, 8), step=st.integers(1, 3), swap=st.booleans())
    def add(self, count: int, step: int, swap: bool) -> None:
        """Records arrive; ids can disagree with time by one place."""
        fresh = []
        for _ in range(count):
            self.second, self.newest = self.second + 1, self.newest + 2 * step
            fresh.append(Record(self.second, self.newest))
        if swap and count > 1:
            fresh[-1], fresh[-2] = (
                attrs.evolve(fresh[-1], id=fresh[-2].id),
                attrs.evolve(fresh[-2], id=fresh[-1].id),
            )
        self.records += fresh
        self.complete = False

    @rule(stop_after=st.one_of(st.none(), st.integers(0, 12)))
    def read(self, stop_after: int | None) -> None:
        after = HistoryCheckpoint.from_json(self.stored) if self.stored else None
        entries, progress = reading(self.records, after)
        for count, entry in enumerate(entries):
            if stop_after is not None and count == stop_after:
                break  # What was handed out as this one is lost with the process.
            self.held[entry.id] = entry
            self.given.append(entry.id)
            self.stored = progress.checkpoint.to_json()
        else:
            self.stored = progress.checkpoint.to_json()
            self.complete = True

    @rule(data=st.data())
    def change(self, data: st.DataObject) -> None:
        """Only what a checkpoint remembers can be seen to change."""
        if not (self.complete and self.records):
            return
        recent = sorted(self.records, key=lambda record: record.id)[-OVERLAP:]
        old = data.draw(st.sampled_from(recent))
        new = attrs.evolve(old, euros=old.euros + 1)
        self.records[self.records.index(old)] = new
        entries, progress = reading(self.records, HistoryCheckpoint.from_json(self.stored or ""))
        shown = list(entries)
        assert shown == [new.entry]
        assert progress.changed == [new.entry]
        assert not progress.late
        assert not progress.vanished
        self.held[new.entry.id] = new.entry
        self.stored = progress.checkpoint.to_json()

    @rule(data=st.data())
    def come_late(self, data: st.DataObject) -> None:
        """A record turns up between those that the checkpoint remembers."""
        if not (self.complete and len(self.records) > 1):
            return
        recent = sorted(record.id for record in self.records)[-OVERLAP:]
        free = sorted(set(range(recent[0], recent[-1])) - set(recent))
        if not free:
            return
        late = Record(self.second, data.draw(st.sampled_from(free)))
        self.records.append(late)
        entries, progress = reading(self.records, HistoryCheckpoint.from_json(self.stored or ""))
        assert list(entries) == [late.entry]
        assert progress.late == [late.entry]
        assert not progress.changed
        self.held[late.entry.id] = late.entry
        self.stored = progress.checkpoint.to_json()

    @rule(data=st.data())
    def vanish(self, data: st.DataObject) -> None:
        if not (self.complete and self.records):
            return
        recent = sorted(self.records, key=lambda record: record.id)[-OVERLAP:]
        gone = data.draw(st.sampled_from(recent))
        without = [record for record in self.records if record != gone]
        entries, progress = reading(without, HistoryCheckpoint.from_json(self.stored or ""))
        assert list(entries) == []
        assert progress.vanished == (gone.entry.id,)

    @invariant()
    def nothing_is_lost(self) -> None:
        if self.complete:
            assert self.held == {record.entry.id: record.entry for record in self.records}

    @invariant()
    def nothing_is_given_twice(self) -> None:
        assert len(self.given) == len(set(self.given))


TestResuming = Resuming.TestCase
TestResuming.settings = settings(max_examples=300, stateful_step_count=20, deadline=None)


def test_nothing_new_gives_nothing_and_the_same_checkpoint() -> None:
    """A weekly refresh of a quiet account leaves no trace."""
    records = [Record(number, 10 * number) for number in range(1, 30)]
    entries, first = reading(records, None)
    list(entries)
    entries, second = reading(records, first.checkpoint)
    assert list(entries) == []
    assert second.checkpoint == first.checkpoint
    assert first.checkpoint.since_id == 250
    assert first.checkpoint.newest_id == 290


def test_a_reading_that_is_interrupted_early_misses_no_lower_id() -> None:
    """Ids need not rise with time: what comes next may have a lower one than all before."""
    records = [Record(1, 40), Record(2, 20), Record(3, 60)]
    entries, progress = reading(records, None)
    assert next(entries).transaction_id == 40
    entries, _ = reading(records, progress.checkpoint)
    assert [entry.transaction_id for entry in entries] == [20, 60]


def test_a_reading_from_an_id_on_goes_on_from_there() -> None:
    """Whoever asked for no more must not be given more."""
    progress = HistoryProgress(account="main", overlap_records=OVERLAP, begins_at=30)
    assert progress.take(Record(1, 40).entry)
    assert progress.checkpoint.since_id == 30


def test_a_resumed_reading_that_is_interrupted_early_gives_nothing_twice() -> None:
    """Its checkpoint reaches as far back as the one before, and knows all from there on."""
    records = [Record(number, 2 * number) for number in range(1, 6)]
    entries, progress = reading(records, None)
    list(entries)
    records += [Record(number, 2 * number) for number in range(6, 8)]
    entries, progress = reading(records, progress.checkpoint)
    assert next(entries).transaction_id == 12
    entries, _ = reading(records, progress.checkpoint)
    assert [entry.transaction_id for entry in entries] == [14]


def test_an_account_without_records_can_be_gone_on_with() -> None:
    """Its checkpoint says that nothing was read yet."""
    entries, progress = reading([], None)
    assert list(entries) == []
    resumed, _ = reading([Record(1, 7)], HistoryCheckpoint.from_json(progress.checkpoint.to_json()))
    assert [entry.transaction_id for entry in resumed] == [7]


@given(
    st.one_of(
        st.text(max_size=20),
        st.sampled_from(
            [
                "", "[]", "null", "{}", '{"version": 2}', '{"version": 1, "seen": 3}',
                '{"version": 1, "since_id": "7"}', '{"version": 1, "account": null}',
                '{"version": 1, "more": 1}', '{"version": 1, "seen": {"a": 1}}', "[" * 100_000,
            ]
        ),
    )
)  # fmt: skip
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    """With one of our errors: it comes from a file or a database of the user's."""
    with pytest.raises(CheckpointError, match="no checkpoint"):
        HistoryCheckpoint.from_json(text)


@pytest.mark.parametrize(
    "other", [HistoryCheckpoint(account="savings"), HistoryCheckpoint(market="btceur")]
)
def test_a_checkpoint_serves_one_account_and_market(other: HistoryCheckpoint) -> None:
    """Two accounts have ids of their own: going on with the other's would skip records."""
    other = attrs.evolve(other, account="savings" if other.account == "savings" else "main")
    with pytest.raises(CheckpointError, match="Keep one checkpoint"):
        HistoryProgress(other, account="main")
    assert copy.copy(other) == other


@given(
    st.lists(st.builds(Record, st.integers(0, 9), st.integers(1, 60)), max_size=40),
    st.integers(1, 9),
    st.integers(0, 40),
)
def test_taking_pages_is_like_taking_entries(
    records: list[Record], page_size: int, count: int
) -> None:
    """A checkpoint is of what was taken from a page, not of the page."""
    entries = [record.entry for record in records]
    one_by_one = HistoryProgress(account="main", overlap_records=OVERLAP)
    by_page = HistoryProgress(account="main", overlap_records=OVERLAP)
    pages = (entries[at : at + page_size] for at in range(0, len(entries), page_size))
    taken = itertools.chain.from_iterable(map(by_page.pass_on, pages))

    for entry in itertools.islice(entries, count):
        assert one_by_one.take(entry)
        assert next(taken) is entry
        assert by_page.checkpoint == one_by_one.checkpoint
