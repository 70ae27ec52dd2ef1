"""The walk with several pages in flight, against a model of the exchange that moves while read.

The driver answers what was begun in any order, and just before an answer the model may change: new
records, late records with low ids, ties in time, sparse ids.  Whatever happens, the walk delivers
what stands in the model, each record once.
"""

import json
from collections import Counter
from collections.abc import Callable
from typing import Final

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitstamp_ledger.api import (
    Await,
    Begin,
    Call,
    CorrectClock,
    Done,
    Effect,
    Emit,
    Manners,
    NoReply,
    Pause,
    Reply,
    RetryPolicy,
    Seal,
    Send,
    walk_user_transactions,
)
from bitstamp_ledger.model import Entry

STEPS_MAX: Final = 3_000
"""An endless walk fails; it does not hang."""


@attrs.frozen(order=True)
class Record:
    """A record is sorted by its time, in minutes, and then by its id."""

    minute: int
    id: int

    @property
    def wire(self) -> dict[str, object]:
        return {
            "id": self.id,
            "datetime": f"2024-01-{1 + self.minute // 1440:02} "
            f"{self.minute // 60 % 24:02}:{self.minute % 60:02}:00",
            "type": "0",
            "eur": "1.00",
            "fee": "0.00",
        }


@attrs.define
class Exchange:
    """Answers pages the way the documentation says, from whatever stands in it now."""

    records: list[Record]
    cap: int = 3
    takes_offset: bool = True
    refuses_offset: bool = False
    calls: list[Call] = attrs.field(factory=list)

    def answer(self, call: Call) -> Reply:
        self.calls.append(call)
        offset = int(call.parameters.get("offset", "0"))
        if offset and self.refuses_offset:
            body = b'{"status": "error", "reason": "Invalid offset"}'
            return Reply(status=400, headers={}, body=body)
        if not self.takes_offset:
            offset = 0
        since = int(call.parameters["since_id"])
        visible = sorted(record for record in self.records if record.id >= since)
        page = [record.wire for record in visible[offset : offset + self.cap]]
        return Reply(status=200, headers={}, body=json.dumps(page).encode(), seal=Seal.VALID)

    def add(self, minute: int, number: int) -> None:
        if all(record.id != number for record in self.records):
            self.records.append(Record(minute, number))


Choose = Callable[[int], int]
"""Chooses one of so many."""

MANNERS: Final = Manners(retry=RetryPolicy(attempts_max=20), in_flight_max=4)
DOWN: Final = Reply(status=503, headers={}, body=b"<html>busy</html>")


def deliver(
    exchange: Exchange,
    *,
    choose: Choose = lambda _: 0,
    before_answer: Callable[[Call], Reply | NoReply | None] = lambda _: None,
    since_id: int | None = None,
    offset_max: int = 200_000,
) -> list[Entry]:
    """Drive a walk to its end; ``before_answer`` may change the exchange, or answer instead."""
    flow = walk_user_transactions(since_id=since_id, manners=MANNERS, offset_max=offset_max)
    begun: list[Begin] = []
    delivered: list[Entry] = []
    answer: Reply | NoReply | Done | None = None

    def perform(effect: Effect) -> Reply | NoReply | None:
        if not isinstance(effect, Send):
            return None
        return before_answer(effect.call) or exchange.answer(effect.call)

    for _ in range(STEPS_MAX):
        try:
            effect = flow.send(answer)
        except StopIteration:
            return delivered
        answer = None
        match effect:
            case Emit(items):
                delivered.extend(items)
            case Begin():
                begun.append(effect)
            case Await():
                chosen = begun.pop(choose(len(begun)))
                answer = Done(chosen.ticket, perform(chosen.effect))
            case Send() | Pause() | CorrectClock():
                answer = perform(effect)
    pytest.fail("the walk does not end")


def ids(entries: list[Entry]) -> Counter[int | None]:
    return Counter(entry.transaction_id for entry in entries)


def expected(exchange: Exchange, since_id: int = 0) -> Counter[int | None]:
    return Counter(record.id for record in exchange.records if record.id >= since_id)


minutes = st.integers(0, 9)  # Few, so that ties are common.
numbers = st.integers(1, 60)
histories = st.lists(
    st.builds(Record, minutes, numbers), max_size=40, unique_by=lambda record: record.id
)
caps = st.integers(1, 6)


@given(histories, caps, st.data())
def test_every_record_is_delivered_once_in_any_order_of_answers(
    records: list[Record], cap: int, data: st.DataObject
) -> None:
    """Ids need not rise with time, and the server may send fewer records than it was asked for."""
    exchange = Exchange(records, cap=cap)
    entries = deliver(exchange, choose=lambda many: data.draw(st.integers(0, many - 1)))

    assert ids(entries) == expected(exchange)
    assert [entry.time for entry in entries] == sorted(entry.time for entry in entries)


@settings(max_examples=300)
@given(histories, st.integers(2, 6), st.data())
def test_records_that_appear_while_reading_are_delivered_once(
    records: list[Record], cap: int, data: st.DataObject
) -> None:
    """New ones, and late ones with any free id at any time: what moved is found and read again."""
    exchange = Exchange(list(records), cap=cap)
    changes = data.draw(st.lists(st.tuples(minutes, numbers), max_size=6))

    def maybe_change(_: Call) -> None:
        while changes:
            if not data.draw(st.booleans()):
                return
            exchange.add(*changes.pop())

    entries = deliver(
        exchange,
        choose=lambda many: data.draw(st.integers(0, many - 1)),
        before_answer=maybe_change,
    )

    assert ids(entries) == expected(exchange)


@given(histories, caps, st.integers(2, 8), st.data())
def test_a_history_longer_than_the_largest_offset_is_read_in_segments(
    records: list[Record], cap: int, offset_max: int, data: st.DataObject
) -> None:
    """The next segment begins low enough; late records of the first are found at the end.

    Ids rise with time here: how far they may disagree across the seam is a page.
    """
    ordered = [
        Record(minute, number)
        for minute, number in zip(
            sorted(record.minute for record in records),
            sorted(record.id for record in records),
            strict=True,
        )
    ]
    exchange = Exchange(ordered, cap=cap)

    entries = deliver(
        exchange,
        choose=lambda many: data.draw(st.integers(0, many - 1)),
        offset_max=offset_max,
    )

    assert ids(entries) == expected(exchange)


@given(histories, st.integers(2, 6), st.booleans(), st.data())
def test_a_server_that_does_not_take_offsets_is_read_by_the_cursor(
    records: list[Record], cap: int, refuses: bool, data: st.DataObject
) -> None:
    """Whether it refuses them or does not look at them."""
    times = sorted(record.minute for record in records)
    ordered = [
        Record(minute, number)
        for minute, number in zip(times, sorted(record.id for record in records), strict=True)
    ]
    exchange = Exchange(ordered, cap=cap, takes_offset=False, refuses_offset=refuses)

    entries = deliver(exchange, choose=lambda many: data.draw(st.integers(0, many - 1)))

    assert ids(entries) == expected(exchange)


@given(histories, caps, numbers)
def test_reading_on_from_an_id_delivers_what_is_at_or_above_it(
    records: list[Record], cap: int, since_id: int
) -> None:
    """``since_id`` is inclusive."""
    exchange = Exchange(records, cap=cap)

    assert ids(deliver(exchange, since_id=since_id)) == expected(exchange, since_id)


@given(histories, st.lists(st.sampled_from([DOWN, NoReply("reset"), None]), max_size=12))
def test_faults_cost_time_and_no_record(
    records: list[Record], faults: list[Reply | NoReply | None]
) -> None:
    """Each page has its own tries; the others go on."""
    exchange = Exchange(records)
    left = iter(faults)

    entries = deliver(exchange, before_answer=lambda _: next(left, None))

    assert ids(entries) == expected(exchange)


def test_resuming_with_nothing_new_costs_two_requests() -> None:
    """Page and proof: the last records again, and that nothing follows them."""
    exchange = Exchange([Record(minute, minute + 1) for minute in range(50)], cap=1000)

    assert len(deliver(exchange, since_id=40)) == 11
    assert len(exchange.calls) == 2


def test_more_pages_are_asked_for_at_once_while_all_goes_well() -> None:
    """Up to the limit, and no further; on trouble fewer."""
    exchange = Exchange([Record(minute, minute + 1) for minute in range(60)], cap=2)
    under_way: list[int] = []

    def choose(many: int) -> int:
        under_way.append(many)
        return 0

    deliver(exchange, choose=choose)

    assert max(under_way) == MANNERS.in_flight_max
    assert under_way[0] == 1


def test_pages_overlap_by_one_record() -> None:
    """So that each proves that it follows the one before."""
    exchange = Exchange([Record(minute, minute + 1) for minute in range(3_000)], cap=1000)
    deliver(exchange)
    offsets = [int(call.parameters.get("offset", "0")) for call in exchange.calls]

    assert offsets[:3] == [0, 999, 1998]


def test_the_end_is_proved_by_one_look() -> None:
    """Pages after the last one would be asked for in vain."""
    exchange = Exchange([Record(minute, minute + 1) for minute in range(3_000)], cap=1000)
    deliver(exchange)
    offsets = [int(call.parameters.get("offset", "0")) for call in exchange.calls]

    assert offsets[-1] == 2999
    assert all(offset % 999 == 0 for offset in offsets[:-1])


def test_more_that_came_meanwhile_is_read_side_by_side_again() -> None:
    """The look at the end may find that it was none."""
    exchange = Exchange([Record(minute, minute + 1) for minute in range(5)], cap=3)
    under_way: list[int] = []

    def grow(call: Call) -> None:
        if call.parameters.get("offset") == "4":
            for number in range(40):
                exchange.add(100 + number, 100 + number)

    def choose(many: int) -> int:
        under_way.append(many)
        return 0

    entries = deliver(exchange, choose=choose, before_answer=grow)

    assert ids(entries) == expected(exchange)
    assert len(entries) == 45
    assert under_way[-10:].count(MANNERS.in_flight_max) > 1


@given(histories, st.integers(2, 6))
def test_a_repeated_record_is_delivered_once_and_a_contradicting_one_as_well(
    records: list[Record], cap: int
) -> None:
    """One id may come twice with different contents; both are facts."""
    contradicting = [attrs.evolve(record, minute=record.minute + 1) for record in records[:2]]
    exchange = Exchange([*records, *records[:2], *contradicting], cap=cap)

    assert ids(deliver(exchange)) == Counter(record.id for record in set(exchange.records))


def test_a_server_that_begins_to_send_larger_pages_is_read_whole() -> None:
    """The offsets that were planned for small pages lead nowhere then."""
    exchange = Exchange([Record(0, 1), Record(0, 3)], cap=4)

    def grow(_: Call) -> None:
        if exchange.calls:
            for minute, number in ((0, 4), (0, 5), (0, 6), (1, 2)):
                exchange.add(minute, number)

    entries = deliver(exchange, choose=lambda many: many - 1, before_answer=grow)

    assert ids(entries) == expected(exchange)
