"""The rows of an account in the order of time, ready to be cut into pages.

The exchange sorts by time while its cursor is an id (docs/facts/exchange.md, "Paging").  Mostly
these agree; a row that came late may have a lower id than rows before it, so the highest id so far
is kept beside each row: everything before the first place where it reaches the cursor is out.
"""

import bisect
import itertools
from collections.abc import Iterable, Iterator

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

    def page(self, selection: Selection) -> list[bytes]:
        """Return the rows that ``selection`` asks for, in its order."""
        low, high = self._window(selection)
        wanted = self._from_id(selection, range(low, high))
        stop = selection.offset + selection.limit
        return [self.rows[at].json for at in itertools.islice(wanted, selection.offset, stop)]

    def _window(self, selection: Selection) -> tuple[int, int]:
        low, high = 0, len(self.rows)
        if selection.since_micros is not None:
            low = bisect.bisect_left(self._micros, selection.since_micros)
        if selection.until_micros is not None:
            high = bisect.bisect_right(self._micros, selection.until_micros)
        if selection.since_id is not None:
            low = max(low, bisect.bisect_left(self._ids_max, selection.since_id))
        return low, max(low, high)

    def _from_id(self, selection: Selection, places: range) -> Iterator[int]:
        ordered = reversed(places) if selection.newest_first else iter(places)
        since_id = selection.since_id
        if since_id is None:
            return ordered
        return (at for at in ordered if self.rows[at].id >= since_id)
