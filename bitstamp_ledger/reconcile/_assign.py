"""One-to-one assignment, with counts.

Records that fit the same rows are interchangeable, and so are equal rows; what is assigned are
classes of them, each with a number.  That keeps ten thousand equal fills in one minute as cheap as
one, and makes the outcome independent of the order of the input.
"""

from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence

import attrs

Edge = tuple[int, int]
"""A record class and a row class."""


@attrs.define
class _Flow:
    """How many of each record class go to each row class."""

    records: list[int]
    """Not yet assigned, per record class."""

    rows: list[int]
    """Not yet assigned, per row class."""

    assigned: dict[int, dict[int, int]] = attrs.field(factory=lambda: defaultdict(dict))
    """Row class -> record class -> how many; never zero."""

    def move(self, edge: Edge, change: int) -> None:
        record, row = edge
        holders = self.assigned[row]
        amount = holders.get(record, 0) + change
        if amount:
            holders[record] = amount
        else:
            del holders[record]


def assign(
    record_counts: Sequence[int], row_counts: Sequence[int], edges: Mapping[Edge, int]
) -> dict[Edge, int]:
    """Pair as many as possible, beginning with the best edges.

    What the better edges alone can pair stays paired, though perhaps otherwise, when the lesser
    ones join in.

    Args:
        record_counts: how many records each record class holds.
        row_counts: how many rows each row class holds.
        edges: which classes fit, and how well; a lower number is a better fit.

    Returns:
        How many pairs each edge carries; never more than either class holds.
    """
    flow = _Flow(list(record_counts), list(row_counts))
    admitted: list[Edge] = []
    lonely = {edge: min(record_counts[edge[0]], row_counts[edge[1]]) for edge in _lonely(edges)}
    ordered = sorted(edge for edge in edges if edge not in lonely)
    for tier in sorted({edges[edge] for edge in ordered}):
        joining = [edge for edge in ordered if edges[edge] == tier]
        admitted.extend(joining)
        _augment(flow, admitted, joining)
    assigned = {
        (record, row): amount
        for row, holders in flow.assigned.items()
        for record, amount in holders.items()
    }
    return lonely | assigned


def _lonely(edges: Iterable[Edge]) -> list[Edge]:
    """Return the edges beside which neither end has another: nearly all, and nothing to solve."""
    of_record = Counter(record for record, _ in edges)
    of_row = Counter(row for _, row in edges)
    return [(record, row) for record, row in edges if of_record[record] == of_row[row] == 1]


def _augment(flow: _Flow, edges: Iterable[Edge], joining: Iterable[Edge]) -> None:
    for edge in joining:
        _push(flow, [edge])
    rows_of: dict[int, list[int]] = defaultdict(list)
    for record, row in edges:
        rows_of[record].append(row)
    exhausted: set[int] = set()
    for record in rows_of:
        while flow.records[record] and (path := _path(flow, record, rows_of, exhausted)):
            _push(flow, path)


def _path(
    flow: _Flow, start: int, rows_of: Mapping[int, list[int]], exhausted: set[int]
) -> list[Edge]:
    """Return a shortest alternating path from a record class to a row class with room.

    The edges at even positions gain, those at odd positions give back.  Row classes from which a
    search has found no room are remembered as exhausted: no later path can lead from them to any.
    """
    came_from: dict[int, int] = {}
    reached: dict[int, int | None] = {start: None}
    queue = deque([start])
    while queue:
        record = queue.popleft()
        for row in rows_of[record]:
            if row in came_from or row in exhausted:
                continue
            came_from[row] = record
            if flow.rows[row]:
                return _edges_to(row, came_from, reached)
            for other in flow.assigned[row]:
                if other not in reached:
                    reached[other] = row
                    queue.append(other)
    exhausted.update(came_from)
    return []


def _edges_to(
    last: int, came_from: Mapping[int, int], reached: Mapping[int, int | None]
) -> list[Edge]:
    path: list[Edge] = []
    row: int | None = last
    while row is not None:
        record = came_from[row]
        path.append((record, row))
        row = reached[record]
        if row is not None:
            path.append((record, row))
    path.reverse()
    return path


def _push(flow: _Flow, path: Sequence[Edge]) -> None:
    first, last = path[0][0], path[-1][1]
    gives_back = (flow.assigned[row][record] for record, row in path[1::2])
    amount = min([flow.records[first], flow.rows[last], *gives_back])
    if not amount:
        return
    flow.records[first] -= amount
    flow.rows[last] -= amount
    for position, edge in enumerate(path):
        flow.move(edge, amount if position % 2 == 0 else -amount)


def interchangeable(
    edges: Mapping[Edge, int], amounts: Mapping[Edge, int], left_over: Iterable[int]
) -> list[list[int]]:
    """Return, for row classes left over, the row classes that might be left over in their stead.

    Taking a row that is left over for one that is paired is as good wherever the record fits it
    no worse.

    Args:
        edges: which classes fit, and how well, as for `assign`.
        amounts: what `assign` returned.
        left_over: row classes of which not all are paired.

    Returns:
        Sorted groups of row classes, one of them left over, each class in one group at most.
    """
    records_of: dict[int, list[int]] = defaultdict(list)
    for record, row in sorted(edges):
        records_of[row].append(record)
    paired_with: dict[int, list[int]] = defaultdict(list)
    for record, row in sorted(amounts):
        paired_with[record].append(row)
    groups: list[list[int]] = []
    grouped: dict[int, int] = {}
    for start in sorted(left_over):
        if start in grouped or start not in records_of:
            continue
        group = [start]
        seen = {start}
        for row in group:  # grows while it is read
            for record in records_of[row]:
                for other in paired_with[record]:
                    if other not in seen and edges[record, other] >= edges[record, row]:
                        seen.add(other)
                        group.append(other)
        joined = {grouped[row] for row in group if row in grouped}
        for number in joined:
            group.extend(row for row in groups[number] if row not in seen)
            seen.update(groups[number])
            groups[number] = []
        grouped.update(dict.fromkeys(group, len(groups)))
        groups.append(group)
    return [sorted(group) for group in groups if group]
