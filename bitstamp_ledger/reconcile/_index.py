"""Known entries, found by what a row states.

An index only narrows down; what fits is decided by `differences` alone.  It keeps the work for a
row small even where one minute holds a hundred thousand entries, equal or all different.
"""

import datetime as dt
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Final

import attrs

from bitstamp_ledger.model import UnknownEntry, exact_difference, exact_sum
from bitstamp_ledger.reconcile._observe import (
    SURE_STEP,
    Field,
    Fit,
    Group,
    Observation,
    differences,
    differences_but_time,
    fit_of,
    times_meet,
)

SCANNED_MAX: Final = 8
"""So few are looked at one by one; more are worth sorting."""


@attrs.define(eq=False)
class _Content:
    """Known entries that only their place and their time tell apart."""

    example: Observation
    positions: list[int] = attrs.field(factory=list)
    """By time."""

    def fits(self, row: Observation) -> bool:
        """Say whether nothing but, perhaps, the time contradicts ``row``."""
        return all(
            next(differences_but_time(each, row), None) is None
            and (each is self.example or times_meet(each, row))
            for each in (self.example, *self.example.witnesses)
        )


@attrs.define(eq=False)
class _Amounts:
    """Contents by one of their amounts."""

    position: int
    """Which amount."""

    base: int | None
    """Which amount is the base; None where these contents do not know it."""

    by_value: dict[Decimal, list[_Content]] = attrs.field(factory=lambda: defaultdict(list))
    _values: list[Decimal] | None = None
    _widest: Decimal = Decimal(0)

    def near(self, row: Observation, *, exact: bool) -> Iterator[_Content]:
        """Yield all contents whose amount may be that of ``row``, and perhaps some others.

        Args:
            row: what is looked for.
            exact: whether all these amounts stand for themselves only.
        """
        base = row.base if row.knows_base else self.base
        if exact and row.is_exact(self.position, base):
            yield from self.by_value.get(row.amounts[self.position], ())
            return
        if self._values is None:
            self._values = sorted(self.by_value)
            self._widest = max(
                _width(content.example, self.position, self.base)
                for contents in self.by_value.values()
                for content in contents
            )
        interval = row.interval(self.position, base)
        low = exact_difference(interval.low, self._widest)
        high = exact_sum(interval.high, self._widest)
        first = bisect_left(self._values, low)
        last = bisect_right(self._values, high)
        for value in self._values[first:last]:
            yield from self.by_value[value]


def _width(observation: Observation, position: int, base: int | None) -> Decimal:
    interval = observation.interval(position, base)
    return exact_difference(interval.high, interval.low)


_Slot = tuple[int, int | None, bool]
"""The position sorted by, the base where it is known, and whether it stands for itself only."""


class TimeIndex:
    """Known entries by group, base amount, quote amount and time."""

    def __init__(self, known: Sequence[Observation]) -> None:
        """Take in known entries, which are sorted by time."""
        self._known = known
        self._by_base: dict[Group, dict[_Slot, _Amounts]] = defaultdict(dict)
        self._by_quote: dict[int, _Amounts] = {}
        contents: dict[object, _Content] = {}
        for position, observation in enumerate(known):
            if observation.group.family == UnknownEntry.kind:
                continue  # Not understood: its content proves nothing.
            key = observation.content
            content = contents.get(key)
            if content is None:
                content = contents[key] = _Content(observation)
                self._place(content)
            content.positions.append(position)

    def _place(self, content: _Content) -> None:
        observation = content.example
        base = observation.base
        known_base = base if observation.knows_base else None
        exact = observation.is_exact(base, known_base) if observation.amounts else True
        slot = base, known_base, exact
        bases = self._by_base[observation.group]
        if slot not in bases:
            bases[slot] = _Amounts(base, known_base)
        value = observation.amounts[base] if observation.amounts else Decimal(0)
        bases[slot].by_value[value].append(content)

    def fitting(self, row: Observation) -> Iterator[tuple[int, Fit]]:
        """Yield the positions of the known entries that contradict ``row`` in nothing."""
        known = self._known
        windows = row.windows
        for content in self._candidates(row):
            positions = content.positions
            if content.example.other_start is not None:  # Alone in its content.
                if times_meet(content.example, row) and content.fits(row):
                    yield positions[0], fit_of(content.example, row)
                continue
            for start, end in windows:
                first = bisect_right(positions, start, key=lambda each: known[each].end)
                last = bisect_left(positions, end, first, key=lambda each: known[each].start)
                if first < last and content.fits(row):
                    fit = fit_of(content.example, row)
                    for position in positions[first:last]:
                        yield position, fit

    def _candidates(self, row: Observation) -> Iterator[_Content]:
        if not row.amounts:
            for bases in self._by_base.get(row.group, {}).values():
                for contents in bases.by_value.values():
                    yield from contents
            return
        for (_, known_base, exact), bases in self._by_base.get(row.group, {}).items():
            base = row.base if row.knows_base else known_base
            if exact and row.is_exact(bases.position, base):
                yield from self._of_one_base(bases, row)
            else:
                yield from bases.near(row, exact=exact)

    def _of_one_base(self, bases: _Amounts, row: Observation) -> Iterator[_Content]:
        contents = bases.by_value.get(row.amounts[bases.position], ())
        if len(contents) <= SCANNED_MAX or len(row.amounts) == 1:
            yield from contents
            return
        quotes = self._by_quote.get(id(contents))
        if quotes is None:
            position = 1 - bases.position
            quotes = self._by_quote[id(contents)] = _Amounts(position, bases.base)
            for content in contents:
                quotes.by_value[content.example.amounts[position]].append(content)
        yield from quotes.near(row, exact=False)


NEAR: Final = dt.timedelta(minutes=1)
"""How far the time may be off to be called the one field that differs."""

REACH: Final = dt.timedelta(hours=14)
"""No clock differs from UTC by more."""


class NearIndex:
    """Known entries by what a row that misses by one field still shares with them."""

    TRIED_MAX: Final = 32
    """So many entries before the row and after it are looked at, the nearest in time."""

    def __init__(self, known: Sequence[Observation]) -> None:
        """Take in known entries, which are sorted by time."""
        self._known = known
        self._places: dict[object, list[int]] = defaultdict(list)
        for position, observation in enumerate(known):
            for key in _shared_keys(observation):
                self._places[key].append(position)

    def nearest(self, row: Observation) -> Iterator[tuple[Observation, Field]]:
        """Yield the entries that differ from ``row`` in one field, the nearest in time first."""
        found: dict[int, tuple[dt.timedelta, int, Field]] = {}
        for key in _shared_keys(row):
            places = self._places.get(key, [])
            here = bisect_left(places, row.start, key=lambda each: self._known[each].start)
            for position in places[max(here - self.TRIED_MAX, 0) : here + self.TRIED_MAX]:
                known = self._known[position]
                distance = abs(known.start - row.start)
                if distance < near(known, row) and _may_be_one(known, row):
                    field = _one_difference(*_of_as_many_currencies(known, row))
                    if field is not None:
                        found[position] = distance, position, field
        for _, position, field in sorted(found.values(), key=lambda each: each[:2]):
            yield self._known[position], field


def near(known: Observation, row: Observation) -> dt.timedelta:
    """Return how far the times may be off for a pair to be shown."""
    step = row.end - row.start
    if known.clock == row.clock:
        return NEAR + step
    return step + (REACH if known.settled or row.settled else 2 * REACH)


def _one_difference(known: Observation, row: Observation) -> Field | None:
    if known.clock != row.clock:
        if next(differences_but_time(known, row), None) is not None:
            return None
        zone_open = known.precision.zone_open or row.precision.zone_open
        return Field.ZONE if zone_open else Field.DATE_ORDER
    contradicted = list(differences(known, row))
    if not contradicted and UnknownEntry.kind in {known.group.family, row.group.family}:
        return Field.KIND  # One kind of not understood says nothing of the other.
    if not contradicted and fit_of(known, row) is Fit.UNPROVEN:
        step = max(known.precision.time_step, row.precision.time_step)
        return Field.TIME if step > SURE_STEP else Field.BASE
    return contradicted[0] if len(contradicted) == 1 else None


def _shared_keys(observation: Observation) -> Iterator[object]:
    """Yield what two entries have in common, one or the other, that differ in one field only."""
    currencies = observation.group.currencies
    if len(currencies) == 1:
        yield currencies
        return
    moved = _moved(observation)
    if len(moved) == 1:
        yield (currencies[moved[0]],)
    for position, amount in enumerate(observation.amounts):
        yield currencies, position, amount


def _moved(observation: Observation) -> list[int]:
    """Return the positions of what is not zero: of a reward typed as a trade, only one."""
    return [position for position, amount in enumerate(observation.amounts) if amount]


def _of_as_many_currencies(known: Observation, row: Observation) -> tuple[Observation, Observation]:
    """Return two entries; beside one of a single currency, the other without a leg of zero."""
    if len(known.amounts) == len(row.amounts):
        return known, row
    return _without_nothing(known), _without_nothing(row)


def _without_nothing(observation: Observation) -> Observation:
    moved = _moved(observation)
    if len(moved) != 1 or len(observation.amounts) == 1:
        return observation
    currencies = (observation.group.currencies[moved[0]],)
    return attrs.evolve(
        observation,
        group=attrs.evolve(observation.group, currencies=currencies),
        amounts=(observation.amounts[moved[0]],),
        base=0,
    )


def _may_be_one(known: Observation, row: Observation) -> bool:
    """Say whether the direction is the same, as far as it is understood."""
    if UnknownEntry.kind in {known.group.family, row.group.family}:
        return True
    return known.group.received == row.group.received
