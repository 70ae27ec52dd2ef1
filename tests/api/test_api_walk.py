"""The walk by cursor, against a model of the exchange and against servers gone mad."""

import json
from collections.abc import Sequence
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitstamp_ledger.api import Call, Endpoint, Manners, NoReply, Reply, RetryPolicy
from bitstamp_ledger.api._walk import walk_by_cursor as walk
from bitstamp_ledger.errors import NoAnswerError
from tests.api.scripts import Answer, Played, answer, good, play

ONCE = Manners(retry=RetryPolicy(attempts_max=1))
PATIENT = Manners(retry=RetryPolicy(attempts_max=3, delay_first_s=0.0))
INVERSION_MAX = 8
"""How many places id and time may disagree by, as the facts page says: a few records."""


@attrs.frozen
class Row:
    """One record of the model, in the exchange's own order."""

    time: int
    id: int

    def as_json(self) -> dict[str, Any]:
        """Return the record as sent."""
        minutes, seconds = divmod(self.time, 60)
        return {
            "id": self.id,
            "datetime": f"2024-01-01 {minutes // 60:02}:{minutes % 60:02}:{seconds:02}",
            "type": "0",
            "eur": "1.00",
            "fee": "0.00",
        }


@attrs.define
class ModelExchange:
    """Filters by id, sorts by time, cuts; and its account goes on living."""

    rows: list[Row]
    page_max: int = 1000
    later: list[list[Row]] = attrs.field(factory=list)
    """What is appended before each call."""

    pages: list[list[int]] = attrs.field(factory=list)

    def __call__(self, call: Call) -> Answer:
        """Answer one call."""
        if self.later:
            self.rows += self.later.pop(0)
        since_id = int(call.parameters["since_id"])
        limit = min(int(call.parameters["limit"]), self.page_max)
        assert call.endpoint is Endpoint.USER_TRANSACTIONS
        assert call.parameters["sort"] == "asc"
        shown = sorted((row for row in self.rows if row.id >= since_id), key=_order)[:limit]
        self.pages.append([row.id for row in shown])
        return good([row.as_json() for row in shown])


def _order(row: Row) -> tuple[int, int]:
    return (row.time, row.id)


def walked(server: Any, since_id: int | None = None, manners: Manners = ONCE) -> Played:
    """Play the whole walk."""
    return play(walk(since_id=since_id, manners=manners), server)


def ids(played: Played) -> list[int]:
    """Return the ids that were emitted."""
    return [entry.transaction_id for entry in played.emitted]


@st.composite
def histories(draw: st.DrawFn) -> list[Row]:
    """Sparse ids; times that tie; ids and times that disagree by a few places."""
    count = draw(st.integers(0, 30) | st.integers(60, 150))
    inversion_max = draw(st.sampled_from([0, INVERSION_MAX]))
    chance = draw(st.randoms(use_true_random=False))
    number, time = draw(st.integers(0, 10**9)), 0
    numbers, times = [], []
    for _ in range(count):
        number, time = number + chance.choice([1, 1, 2, 1000]), time + chance.choice([0, 1, 5])
        numbers.append(number)
        times.append(time)
    moved = sorted(range(count), key=lambda place: place + chance.randint(0, inversion_max))
    return [Row(time, numbers[place]) for time, place in zip(times, moved, strict=True)]


@given(
    histories(),
    st.integers(20, 30),
    st.lists(st.integers(0, 8), max_size=8),
)
def test_every_record_is_emitted_once_whatever_the_order_the_cut_and_the_growth(
    rows: list[Row], page_max: int, growth: list[int]
) -> None:
    """The law of the walk.  Records appended in the meantime have the newest ids and times."""
    time = max((row.time for row in rows), default=0)
    number = max((row.id for row in rows), default=0)
    later = []
    for count in growth:
        later.append([Row(time + 1 + n // 2, number + 1 + 3 * n) for n in range(count)])
        time, number = time + 1 + count, number + 1 + 3 * count
    server = ModelExchange(rows=list(rows), page_max=page_max, later=later)
    played = walked(server)
    emitted = ids(played)
    assert len(emitted) == len(set(emitted))
    assert set(emitted) == {row.id for row in server.rows}
    assert len(played.calls) <= 3 + len(growth) + len(server.rows) // (page_max - 14)


@given(histories(), st.integers(0, 100))
def test_a_walk_from_an_id_brings_that_record_and_all_newer_ones(
    rows: list[Row], place: int
) -> None:
    """The bound is inclusive."""
    since_id = sorted(row.id for row in rows)[place % len(rows)] if rows else 5
    played = walked(ModelExchange(rows=rows), since_id=since_id)
    assert sorted(ids(played)) == sorted(row.id for row in rows if row.id >= since_id)
    assert played.calls[0].parameters["since_id"] == str(since_id)


def test_an_empty_history_takes_one_call() -> None:
    """And begins at id 1, the first that there can be."""
    played = walked(ModelExchange(rows=[]))
    assert (played.emitted, len(played.calls)) == ([], 1)
    assert played.calls[0].parameters == {"sort": "asc", "limit": "1000", "since_id": "1"}


@pytest.mark.parametrize(("count", "calls"), [(1, 2), (2, 3), (10, 3), (11, 2), (999, 2), (1000, 2),
                                              (1001, 3), (2500, 4)])  # fmt: skip
def test_a_history_takes_a_call_or_two_more_than_it_has_pages(count: int, calls: int) -> None:
    """The last one says that nothing new came; a short page alone proves nothing."""
    played = walked(ModelExchange(rows=[Row(n, 5 + n) for n in range(count)]))
    assert ids(played) == list(range(5, 5 + count))
    assert len(played.calls) == calls


def test_a_record_that_changed_between_two_pages_is_emitted_again() -> None:
    """Both versions are facts; which one holds is for the ledger to say."""
    first = [Row(n, n + 1).as_json() for n in range(30)]
    second = [*({**row, "fee": "0.50"} if row["id"] == 25 else row for row in first[20:])]
    pages = iter([first, second, []])
    played = walked(lambda _: good(next(pages)))
    assert [n for n in ids(played) if n == 25] == [25, 25]


def test_a_record_without_id_is_emitted_and_moves_no_cursor() -> None:
    """It is kept as unknown; the walk goes on by the others."""
    odd = {"type": "0", "eur": "1"}
    pages = iter([[Row(1, 3).as_json(), odd], [Row(1, 3).as_json()], []])
    played = walked(lambda _: good(next(pages)))
    assert ids(played) == [3, None]


def test_what_was_emitted_before_a_failure_was_whole() -> None:
    """The walk raises after the attempts, not before what it has."""
    exchange = ModelExchange(rows=[Row(n, n + 1) for n in range(50)], page_max=20)
    played = Played()

    def fails_at_the_third(call: Call) -> Answer:
        return exchange(call) if len(played.calls) < 3 else NoReply("reset")

    with pytest.raises(NoAnswerError):
        play(walk(manners=PATIENT), fails_at_the_third, played)
    assert ids(played) == list(range(1, 31))
    assert len(played.calls) == 5


@given(histories(), st.lists(st.booleans(), max_size=40))
def test_bad_answers_in_between_change_nothing(rows: list[Row], bad: list[bool]) -> None:
    """Every page is asked for until it comes; no page is skipped and none counts twice."""
    exchange = ModelExchange(rows=rows, page_max=30)
    patient = Manners(retry=RetryPolicy(attempts_max=50, delay_first_s=0.0))
    fails = iter(bad)

    def flaky(call: Call) -> Answer:
        return answer(503) if next(fails, False) else exchange(call)

    assert sorted(ids(walked(flaky, manners=patient))) == sorted(row.id for row in rows)


PAGES = st.lists(st.lists(st.integers(0, 60), max_size=14), min_size=1, max_size=5)


@given(PAGES, st.none() | st.integers(0, 60))
def test_a_server_that_ignores_the_cursor_cannot_keep_the_walk_busy(
    pages: Sequence[Sequence[int]], since_id: int | None
) -> None:
    """Pages of anything, over and over: the cursor moves up or the walk ends."""
    played = Played()

    def mad(_: Call) -> Reply:
        page = pages[len(played.calls) % len(pages)]
        return good([Row(number, number).as_json() for number in page])

    play(walk(since_id=since_id, manners=ONCE), mad, played)
    assert len(played.calls) <= 2 + len({number for page in pages for number in page})
    assert set(ids(played)) <= {number for page in pages for number in page}


@pytest.mark.parametrize("starts", [[1], [1, 501], [501, 1], [1, 1001, 1]])
def test_full_pages_over_and_over_end_too(starts: list[int]) -> None:
    """A full page looks as if more followed."""
    played = Played()
    bodies = {
        start: json.dumps([Row(n, start + n).as_json() for n in range(1000)]) for start in starts
    }

    def mad(_: Call) -> Reply:
        return good(bodies[starts[len(played.calls) % len(starts)]])

    play(walk(manners=ONCE), mad, played)
    assert len(played.calls) <= 8


def test_a_full_page_of_one_id_is_passed() -> None:
    """The same record a thousand times is one record, and not the end of the history."""
    same = [Row(1, 7).as_json()] * 1000

    def server(call: Call) -> Reply:
        return good(same if int(call.parameters["since_id"]) <= 7 else [Row(2, 8).as_json()])

    assert ids(walked(server)) == [7, 8]
