"""One-to-one assignment against trying everything."""

import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from hypothesis import example, given
from hypothesis import strategies as st

from bitstamp_ledger.reconcile._assign import Edge, assign, interchangeable

Problem = tuple[list[int], list[int], dict[Edge, int]]


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    """Up to four classes of up to three on each side, and some edges of three qualities."""
    records = draw(st.lists(st.integers(1, 3), min_size=1, max_size=4))
    rows = draw(st.lists(st.integers(1, 3), min_size=1, max_size=4))
    pairs = st.tuples(st.integers(0, len(records) - 1), st.integers(0, len(rows) - 1))
    return records, rows, draw(st.dictionaries(pairs, st.integers(0, 2), max_size=12))


def most(records: Sequence[int], rows: Sequence[int], edges: Sequence[Edge]) -> int:
    """Try, edge by edge, every number of pairs that it can carry."""
    if not edges:
        return 0
    (record, row), rest = edges[0], edges[1:]
    best = 0
    for amount in range(min(records[record], rows[row]) + 1):
        left_records, left_rows = list(records), list(rows)
        left_records[record] -= amount
        left_rows[row] -= amount
        best = max(best, amount + most(left_records, left_rows, rest))
    return best


def most_by_single_steps(records: Sequence[int], rows: Sequence[int], edges: Iterable[Edge]) -> int:
    """Pair one by one: each row in turn takes a record, from another row if need be."""
    partner: dict[tuple[int, int], tuple[int, int]] = {}

    def found(row: tuple[int, int], tried: set[tuple[int, int]]) -> bool:
        for record in (
            (one, copy) for one, other in edges if other == row[0] for copy in range(records[one])
        ):
            if record not in tried:
                tried.add(record)
                if record not in partner or found(partner[record], tried):
                    partner[record] = row
                    return True
        return False

    singles = [(number, copy) for number, count in enumerate(rows) for copy in range(count)]
    return sum(found(row, set()) for row in singles)


@given(
    st.lists(st.integers(1, 3), min_size=7, max_size=7),
    st.lists(st.integers(1, 3), min_size=7, max_size=7),
    st.dictionaries(st.tuples(st.integers(0, 6), st.integers(0, 6)), st.integers(0, 2), min_size=6),
)
def test_many_classes_are_assigned_as_well(
    records: list[int], rows: list[int], edges: dict[Edge, int]
) -> None:
    """Long chains of exchanges, which a few classes do not need."""
    paired = sum(assign(records, rows, edges).values())
    assert paired == most_by_single_steps(records, rows, sorted(edges))


def upto(edges: Mapping[Edge, int], tier: int) -> list[Edge]:
    """Return the edges that are no worse."""
    return sorted(edge for edge, worth in edges.items() if worth <= tier)


CHAIN: Problem = (
    [1, 1, 4],
    [1, 1, 4],
    {(0, 0): 0, (0, 2): 1, (1, 0): 1, (1, 1): 0, (2, 1): 1},
)
"""A way on which two classes give back, the second of them less than the first could."""


@given(problems())
@example(CHAIN)
def test_as_many_are_assigned_as_can_be(problem: Problem) -> None:
    """And only along edges, and no class beyond what it holds."""
    records, rows, edges = problem
    amounts = assign(records, rows, edges)
    assert sum(amounts.values()) == most(records, rows, sorted(edges))
    assert amounts.keys() <= edges.keys()
    assert all(amount > 0 for amount in amounts.values())
    for number, count in enumerate(records):
        assert sum(amount for (one, _), amount in amounts.items() if one == number) <= count
    for number, count in enumerate(rows):
        assert sum(amount for (_, one), amount in amounts.items() if one == number) <= count


@given(problems())
def test_lesser_edges_are_used_only_where_they_pair_more(problem: Problem) -> None:
    """If the better edges alone make as many pairs, the lesser ones carry none."""
    records, rows, edges = problem
    total = most(records, rows, sorted(edges))
    used = {edges[edge] for edge in assign(records, rows, edges)}
    sufficient = next(
        tier for tier in range(-1, 3) if most(records, rows, upto(edges, tier)) == total
    )
    assert all(tier <= sufficient for tier in used)


@given(problems())
def test_what_the_better_edges_pair_stays_paired(problem: Problem) -> None:
    """Lesser edges may change partners, but leave no one alone who had one."""
    records, rows, edges = problem
    better = {edge: worth for edge, worth in edges.items() if worth == 0}
    before, after = assign(records, rows, better), assign(records, rows, edges)
    for side in (0, 1):
        had: Counter[int] = Counter()
        has: Counter[int] = Counter()
        for edge, amount in before.items():
            had[edge[side]] += amount
        for edge, amount in after.items():
            has[edge[side]] += amount
        assert had <= has


@given(problems())
def test_row_classes_that_may_be_left_over_instead_are_found(problem: Problem) -> None:
    """One exchange away: a record takes the row left over, and frees one it fits no better."""
    records, rows, edges = problem
    amounts = assign(records, rows, edges)
    used: Counter[int] = Counter()
    for (_, row), amount in amounts.items():
        used[row] += amount
    left_over = [row for row, count in enumerate(rows) if used[row] < count]
    groups = interchangeable(edges, amounts, left_over)
    assert all(len(group) == len(set(group)) for group in groups)
    members = [row for group in groups for row in group]
    assert len(members) == len(set(members))
    for record, row in edges:
        for other_record, other in amounts:
            if (
                row in left_over
                and record == other_record
                and edges[record, other] >= edges[record, row]
            ):
                (group,) = (group for group in groups if row in group)
                assert other in group


def test_a_class_that_is_grouped_does_not_hide_those_after_it() -> None:
    """Two left over that one record fits are one group; the next pair has its own."""
    edges = {(0, 0): 0, (0, 1): 0, (0, 2): 0, (1, 3): 0, (1, 4): 0}
    groups = interchangeable(edges, {(0, 2): 1, (1, 4): 1}, [0, 2, 3])
    assert sorted(groups) == [[0, 2], [3, 4]]


def test_a_hundred_thousand_equal_ones_are_one_step() -> None:
    """Classes are assigned, not their members."""
    assert assign([100_000], [100_000], {(0, 0): 0}) == {(0, 0): 100_000}


def test_a_long_chain_takes_no_time() -> None:
    """Each record fits its own row and the next; records without room search once, not each."""
    size = 3000
    edges = {(number, number): 1 for number in range(size)}
    edges |= {(number + 1, number): 0 for number in range(size - 1)}
    began = time.process_time()
    amounts = assign([2] * size, [1] * size, edges)
    assert sum(amounts.values()) == size
    assert time.process_time() - began < 2
