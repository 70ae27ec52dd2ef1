"""Pairs of what fits within the intervals, one-to-one, and what stays open among them."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence

import attrs

from bitstamp_ledger.model import Entry
from bitstamp_ledger.reconcile._assign import assign, interchangeable
from bitstamp_ledger.reconcile._ids import is_from_api
from bitstamp_ledger.reconcile._index import TimeIndex
from bitstamp_ledger.reconcile._observe import Fit, Observation
from bitstamp_ledger.reconcile._result import Grade, Rule


@attrs.frozen
class Pair:
    """One known entry and one row that are the same event."""

    known: Entry
    row: Entry
    rule: Rule
    grade: Grade
    further: tuple[Entry, ...] = ()
    """Where the row is a whole order, its executions but the first."""

    fee_row: Entry | None = None
    """Another row of the statement, which states this event's fee and nothing else."""

    @property
    def all_known(self) -> tuple[Entry, ...]:
        """The known entries: one, or all executions of an order."""
        return (self.known, *self.further)

    @property
    def rows(self) -> tuple[Entry, ...]:
        """The rows: one, and where it stands apart, that of the fee."""
        return (self.row,) if self.fee_row is None else (self.row, self.fee_row)


@attrs.frozen
class Fitting:
    """What fits."""

    pairs: list[Pair]
    undecided: list[tuple[list[Observation], list[Observation]]]
    """Known entries, and rows of which it is open which are left over."""


def fitting_pairs(
    free: Sequence[Observation],
    row_classes: Sequence[list[Observation]],
    may_pair: Callable[[Observation, Observation], bool],
) -> Fitting:
    """Pair what is left one-to-one, as many as possible.

    Args:
        free: known entries, by time.
        row_classes: rows, those that are interchangeable together.
        may_pair: says of a known entry and a row that fit whether they may be one at all.
    """
    index = TimeIndex(free)
    fits: dict[int, list[tuple[int, Fit]]] = defaultdict(list)
    for number, (row, *_) in enumerate(row_classes):
        for position, fit in index.fitting(row):
            if fit is not Fit.UNPROVEN and may_pair(free[position], row):
                fits[position].append((number, fit))
    by_reach: dict[tuple[bool, tuple[tuple[int, Fit], ...]], list[Observation]]
    by_reach = defaultdict(list)
    for position in sorted(fits):
        known = free[position]
        by_reach[is_from_api(known), tuple(fits[position])].append(known)
    known_classes = list(by_reach.values())
    # Records come first: so another file cannot take a record's witness away.
    edges = {
        (number, row_class): int(fit) + (0 if from_api else len(Fit))
        for number, (from_api, reach) in enumerate(by_reach)
        for row_class, fit in reach
    }
    amounts = assign(
        [len(members) for members in known_classes],
        [len(members) for members in row_classes],
        edges,
    )
    undecided = _undecided(edges, amounts, row_classes)
    not_told = {row_class for group in undecided for row_class in group}
    pairs: list[Pair] = []
    left_known = [iter(members) for members in known_classes]
    left_rows = [iter(members) for members in row_classes]
    for known_class, row_class in sorted(amounts):
        if row_class in not_told:
            continue
        sure = edges[known_class, row_class] % len(Fit) <= Fit.WITHIN
        grade = Grade.STRONG if sure else Grade.WEAK
        for _ in range(amounts[known_class, row_class]):
            known, row = next(left_known[known_class]), next(left_rows[row_class])
            pairs.append(Pair(known.entry, row.entry, Rule.INTERVALS, grade))
    return Fitting(
        pairs,
        [
            (
                [
                    known
                    for known_class in sorted({one for one, other in amounts if other in group})
                    for known in known_classes[known_class]
                ],
                [row for row_class in group for row in row_classes[row_class]],
            )
            for group in undecided
        ],
    )


def _undecided(
    edges: Mapping[tuple[int, int], int],
    amounts: Mapping[tuple[int, int], int],
    row_classes: Sequence[list[Observation]],
) -> list[list[int]]:
    """Return groups of row classes of which it is open which row is left over.

    More rows than known entries is fine while the rows are alike: whichever is kept, the
    ledger is the same.  Where they state different facts it is not, and nothing is guessed.
    """
    used: Counter[int] = Counter()
    for (_, row_class), amount in amounts.items():
        used[row_class] += amount
    left_over = [
        row_class
        for row_class in {row for _, row in edges}
        if used[row_class] < len(row_classes[row_class])
    ]
    return [
        group
        for group in (interchangeable(edges, amounts, left_over) if left_over else ())
        if len({_ledger_facts(row_classes[row_class][0]) for row_class in group}) > 1
    ]


def _ledger_facts(row: Observation) -> tuple[object, ...]:
    """Return what a ledger would hold of a row."""
    return row.entry.legs, row.start, row.end, row.entry.fee
