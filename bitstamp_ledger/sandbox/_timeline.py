"""The rows of an account in the order of time, ready to be cut into pages.

The exchange sorts by time while its cursor is an id (docs/facts/exchange.md, "Paging").  Mostly
these agree; a row that came late may have a lower id than rows before it, so two more numbers are
kept beside each row.  Everything before the first place where the highest id so far reaches the
cursor is out, and everything from the first place on where the lowest id to come does is in; only
the rows between the two are looked at one by one.
"""

import bisect
import itertools
from collections.abc import Iterable, Sequence

import attrs


@attrs.frozen(kw_only=True)
class Row:
    """One record, encoded once."""

    micros: int
    id: int
    json: bytes


@attrs.frozen(kw_only=True)
class Selection:
    """Which rows a caller asks for."""

    since_id: int | None = None
    since_micros: int | None = None
    """Inclusive."""

    until_micros: int | None = None
    """Inclusive."""

    offset: int = 0
    limit: int = 100
    newest_first: bool = True


class Timeline:
    """An immutable sequence of rows, oldest first."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self.rows = sorted(rows, key=lambda row: (row.micros, row.id))
        self._micros = [row.micros for row in self.rows]
        self._ids_max = list(itertools.accumulate((row.id for row in self.rows), max))
        self._ids_min = list(itertools.accumulate((row.id for row in reversed(self.rows)), min))
        self._ids_min.reverse()

    def page(self, selection: Selection) -> list[bytes]:
        """Return the rows that ``selection`` asks for, in its order."""
        low, high = self._window(selection)
        mixed, rest = self._from_id(selection.since_id, low, high)
        start, stop = selection.offset, selection.offset + selection.limit
        if selection.newest_first:
            mixed.reverse()
            places = _parts(range(high - 1, rest - 1, -1), mixed, start, stop)
        else:
            places = _parts(mixed, range(rest, high), start, stop)
        return [self.rows[at].json for at in places]

    def _window(self, selection: Selection) -> tuple[int, int]:
        low, high = 0, len(self.rows)
        if selection.since_micros is not None:
            low = bisect.bisect_left(self._micros, selection.since_micros)
        if selection.until_micros is not None:
            high = bisect.bisect_right(self._micros, selection.until_micros)
        if selection.since_id is not None:
            low = max(low, bisect.bisect_left(self._ids_max, selection.since_id))
        return low, max(low, high)

    def _from_id(self, since_id: int | None, low: int, high: int) -> tuple[list[int], int]:
        """Return the places of rows from the cursor on, and from where on all rows are."""
        if since_id is None:
            return [], low
        rest = max(low, min(high, bisect.bisect_left(self._ids_min, since_id)))
        return [at for at in range(low, rest) if self.rows[at].id >= since_id], rest


def _parts(one: Sequence[int], other: Sequence[int], start: int, stop: int) -> list[int]:
    """Return ``(one + other)[start:stop]`` without adding them up."""
    after = len(one)
    return [*one[start:stop], *other[max(start - after, 0) : max(stop - after, 0)]]
