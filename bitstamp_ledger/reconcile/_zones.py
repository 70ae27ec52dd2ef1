"""Which zone's clocks printed the times of a statement: told by all of its rows together.

A row and a record that share everything but their time name the hours between them.  One such
pair may be chance; a zone is only ruled out by several, at different times, and rows whose
meaning the zones that are left do not agree on stay undecided (docs/facts/files.md, "Times of
other tools").
"""

import datetime as dt
import functools
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from types import MappingProxyType
from typing import Final, Self

import attrs

from bitstamp_ledger.model import UTC
from bitstamp_ledger.reconcile._index import REACH
from bitstamp_ledger.reconcile._observe import Observation

QUARTER: Final = dt.timedelta(minutes=15)
"""All clocks differ from UTC by a multiple of it, since long before the exchange began."""

LEAD: Final = 3
"""So many pairs at different times it takes to rule a reading out."""

FAMILIAR: Final = (
    *("UTC", "Europe/London", "Europe/Paris", "America/New_York", "America/Chicago"),
    *("America/Denver", "America/Los_Angeles", "Asia/Tokyo", "Australia/Sydney"),
)
"""Of zones whose clocks agree in all that matters, the first of these gives the name."""

_SPAN: Final = dt.timedelta(days=21)
"""No zone has ever put its clocks forward and back again in less."""

_EDGES: Final = (dt.MINYEAR, dt.MAXYEAR)
"""Years in which one cannot look so far ahead; a hostile file may name them."""


@attrs.frozen(cache_hash=True)
class Vote:
    """A pair that shares everything but, perhaps, the time."""

    printed: dt.datetime
    """What the row's clock showed, without a zone."""

    offset: dt.timedelta
    """By how much that clock was ahead of UTC."""

    content: object = None
    """What was traded: a pair that trades the same again and again is one witness, not many."""

    fee_stated: bool = True

    @classmethod
    def of(cls, row: Observation, known: Observation, offset: dt.timedelta) -> Self:
        """Return the vote of a row whose clock was ahead by ``offset`` of the known entry."""
        fee = known.entry.fee
        content = known.group, known.amounts, fee and fee.value
        return cls(row.printed, offset, content, row.entry.fee is not None)


def span_of(printed: dt.datetime) -> int:
    """Return the number of the span that a time lies in."""
    return printed.toordinal() // _SPAN.days


@attrs.define(eq=False)
class Clock:
    """The clocks of one zone, remembering the spans in which they did not change."""

    name: str
    zone: dt.tzinfo
    _spans: dict[int, tuple[dt.timedelta, ...] | None] = attrs.field(factory=dict)

    def offsets(self, printed: dt.datetime) -> tuple[dt.timedelta, ...]:
        """Return by how much the clock was ahead when it showed ``printed``.

        Two, the earlier instant first, where it showed that hour twice; none where it never did.
        """
        return self.steady(span_of(printed)) or _offsets(self.zone, printed)

    def steady(self, span: int) -> tuple[dt.timedelta, ...] | None:
        """Return by how much the clock was ahead in all of a span; None where it changed."""
        if span not in self._spans:
            start = dt.datetime.fromordinal(max(span * _SPAN.days, 1))
            steady = None
            if start.year not in _EDGES:
                steady = _offsets(self.zone, start)
                if len(steady) != 1 or steady != _offsets(self.zone, start + _SPAN):
                    steady = None
            self._spans[span] = steady
        return self._spans[span]


def _offsets(zone: dt.tzinfo, printed: dt.datetime) -> tuple[dt.timedelta, ...]:
    first = printed.replace(tzinfo=zone).utcoffset()
    second = printed.replace(tzinfo=zone, fold=1).utcoffset()
    if first is None or second is None or first < second:
        return ()
    return (first,) if first == second else (first, second)


@functools.cache
def the_world() -> Mapping[str, dt.tzinfo]:
    """Return every zone that is known here, and every plain offset, by name."""
    import zoneinfo  # noqa: PLC0415 - slow to import, and few statements need it

    zones: dict[str, dt.tzinfo] = {"UTC": UTC}
    steps = REACH // QUARTER
    for step in range(-steps, steps + 1):
        if step:
            zone = dt.timezone(step * QUARTER)
            zones[str(zone)] = zone
    for name in sorted(zoneinfo.available_timezones()):
        if "/" in name and not name.startswith("Etc/"):
            zones[name] = zoneinfo.ZoneInfo(name)
    return MappingProxyType(zones)


@attrs.frozen(kw_only=True)
class Election:
    """What the votes say."""

    left: tuple[Clock, ...]
    """The zones that are not ruled out, the best supported first."""

    agreeing: frozenset[Vote]
    """Votes that the best supported zone agrees with."""

    @property
    def times(self) -> int:
        """How many of those votes are independent."""
        return weight(self.agreeing)


def elect(votes: Sequence[Vote], zones: Mapping[str, dt.tzinfo]) -> Election:
    """Rule out the zones that several votes speak against, and none nearly as many for."""
    clocks = [Clock(name, zone) for name, zone in zones.items()]
    if not votes:
        return Election(left=tuple(clocks), agreeing=frozenset())
    satisfied = _satisfied(votes, clocks)
    clocks.sort(key=lambda clock: (-len(satisfied[clock.name]), _plainness(clock.name)))
    best = satisfied[clocks[0].name]
    ruled_out = {each for each in set(satisfied.values()) if leads(best, each)}
    left = [clock for clock in clocks if satisfied[clock.name] not in ruled_out]
    return Election(left=tuple(left), agreeing=best)


def _satisfied(votes: Iterable[Vote], clocks: Iterable[Clock]) -> dict[str, frozenset[Vote]]:
    """Return, for each zone, the votes that it agrees with."""
    by_span: dict[int, dict[dt.timedelta, list[Vote]]] = defaultdict(lambda: defaultdict(list))
    for vote in votes:
        by_span[span_of(vote.printed)][vote.offset].append(vote)
    found: dict[str, frozenset[Vote]] = {}
    for clock in clocks:
        agreed: list[Vote] = []
        for span, by_offset in by_span.items():
            steady = clock.steady(span)
            if steady is not None:
                agreed.extend(by_offset.get(steady[0], ()))
                continue
            for offset, voted in by_offset.items():
                agreed.extend(vote for vote in voted if offset in clock.offsets(vote.printed))
        found[clock.name] = frozenset(agreed)
    return found


def leads(these: AbstractSet[Vote], those: AbstractSet[Vote]) -> bool:
    """Say whether one reading explains clearly more than another."""
    more, less = weight(these - those), weight(those - these)
    return more >= max(LEAD, LEAD * less)


def weight(votes: AbstractSet[Vote]) -> int:
    """Return how many votes are independent: at different times, and of different contents."""
    return min(len({vote.printed for vote in votes}), len({vote.content for vote in votes}))


def _plainness(name: str) -> tuple[int, bool, str]:
    place = FAMILIAR.index(name) if name in FAMILIAR else len(FAMILIAR)
    if name.startswith("UTC"):
        place = -1
    return place, name != "UTC", name


@attrs.define
class Settling:
    """What the zones that are left make of printed times."""

    election: Election
    _spans: dict[int, tuple[dt.timedelta, ...] | None] = attrs.field(factory=dict)

    def offsets(self, printed: dt.datetime) -> tuple[dt.timedelta, ...]:
        """Return the offsets on which all zones agree; none where they do not."""
        span = span_of(printed)
        if span not in self._spans:
            steady, *others = {clock.steady(span) for clock in self.election.left}
            self._spans[span] = None if others else steady
        known = self._spans[span]
        if known is not None:
            return known
        found = {clock.offsets(printed) for clock in self.election.left}
        return found.pop() if len(found) == 1 else ()

    @property
    def name(self) -> str:
        """The plainest name of a zone that is left; all agree on the rows that are decided."""
        return min((clock.name for clock in self.election.left), key=_plainness)


@attrs.define
class SharedClock:
    """Two clocks of unknown zones that showed the same at several times."""

    _possible: list[tuple[tuple[Clock, ...], tuple[Clock, ...]]]
    """The one clock may show any zone of the first, and then the other any of the second."""

    _spans: dict[int, bool] = attrs.field(factory=dict)

    def agrees(self, printed: dt.datetime) -> bool:
        """Say whether both clocks mean one instant by ``printed``, whichever zones they show."""
        span = span_of(printed)
        if span not in self._spans:
            self._spans[span] = self._agrees(lambda clock: clock.steady(span))
        return self._spans[span] or self._agrees(lambda clock: clock.offsets(printed))

    def _agrees(self, ahead: Callable[[Clock], tuple[dt.timedelta, ...] | None]) -> bool:
        found: dict[int, set[tuple[dt.timedelta, ...] | None]] = {}
        for pair in self._possible:
            for clocks in pair:
                if id(clocks) not in found:
                    found[id(clocks)] = set(map(ahead, clocks))
            both = found[id(pair[0])] | found[id(pair[1])]
            if len(both) > 1 or None in both:
                return False
        return True


def share_a_clock(
    votes: Sequence[Vote], one_left: Sequence[Clock], other_left: Sequence[Clock]
) -> SharedClock | None:
    """Say when two clocks show the same, if the votes clearly say that they do at all.

    As with the zone of one clock, no two zones are ruled out on a vote or two.

    Args:
        votes: rows of one statement, and by how much its clock is ahead of the other's.
        one_left: zones that the one clock may show; empty for any.
        other_left: zones that the other may show.
    """
    same = {vote for vote in votes if not vote.offset}
    if not leads(same, set(votes) - same):
        return None
    if not (one_left and other_left):
        world = [Clock(name, zone) for name, zone in the_world().items()]
        one_left, other_left = one_left or world, other_left or world
    asked = list(_some_of_each_span(same))
    ones, others = _by_behaviour(one_left, asked), _by_behaviour(other_left, asked)
    weights: dict[frozenset[Vote], int] = {}
    possible = []
    for mine, clocks in ones.items():
        for theirs, other_clocks in others.items():
            against = frozenset(
                vote for vote, one, other in zip(asked, mine, theirs, strict=True) if one != other
            )
            if against not in weights:
                weights[against] = weight(against)
            if weights[against] < LEAD:
                possible.append((clocks, other_clocks))
    return SharedClock(possible)


def _some_of_each_span(votes: Iterable[Vote]) -> Iterator[Vote]:
    """Yield as many independent votes of each span as it takes to rule something out."""
    heard: dict[int, set[object]] = defaultdict(set)
    for vote in sorted(votes, key=lambda vote: vote.printed):
        contents = heard[span_of(vote.printed)]
        if len(contents) < LEAD and vote.content not in contents:
            contents.add(vote.content)
            yield vote


def _by_behaviour(
    clocks: Iterable[Clock], votes: Sequence[Vote]
) -> dict[tuple[tuple[dt.timedelta, ...], ...], tuple[Clock, ...]]:
    """Group zones by what their clocks showed at the times of these votes."""
    found: dict[tuple[tuple[dt.timedelta, ...], ...], list[Clock]] = defaultdict(list)
    for clock in clocks:
        found[tuple([clock.offsets(vote.printed) for vote in votes])].append(clock)
    return {behaviour: tuple(alike) for behaviour, alike in found.items()}


def by_week(times: Iterable[tuple[dt.datetime, int]], per_week: int) -> list[int]:
    """Choose some of many, evenly from every week, so that no season goes unheard.

    Args:
        times: printed times, each with a number.
        per_week: how many to choose of each week at most.

    Returns:
        The numbers chosen.
    """
    weeks: dict[int, list[int]] = defaultdict(list)
    for time, number in times:
        weeks[time.toordinal() // 7].append(number)
    return [
        number
        for numbers in weeks.values()
        for number in numbers[:: max(1, -(-len(numbers) // per_week))]
    ]
