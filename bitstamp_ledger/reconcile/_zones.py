"""Which zone's clocks printed the times of a statement: told by all of its rows together.

A row and a record that share everything but their time name the hours between them.  One such
pair may be chance; a zone is only ruled out by several, at different times, and rows whose
meaning the zones that are left do not agree on stay undecided (docs/facts/files.md, "Times of
other tools").
"""

import datetime as dt
import functools
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

import attrs

from bitstamp_ledger.model import UTC

QUARTER: Final = dt.timedelta(minutes=15)
"""All clocks differ from UTC by a multiple of it, since long before the exchange began."""

REACH: Final = dt.timedelta(hours=14)
"""No clock differs by more."""

LEAD: Final = 3
"""So many pairs at different times it takes to rule a reading out."""

FAMILIAR: Final = (
    *("UTC", "Europe/London", "Europe/Paris", "America/New_York", "America/Chicago"),
    *("America/Denver", "America/Los_Angeles", "Asia/Tokyo", "Australia/Sydney"),
)
"""Of zones whose clocks agree in all that matters, the first of these gives the name."""

_WEEK: Final = dt.timedelta(days=7)
_EDGES: Final = (dt.MINYEAR, dt.MAXYEAR)
"""Years in which one cannot look a week ahead or back; a hostile file may name them."""


@attrs.frozen
class Vote:
    """A pair that shares everything but, perhaps, the time."""

    printed: dt.datetime
    """What the row's clock showed, without a zone."""

    offset: dt.timedelta
    """By how much that clock was ahead of UTC."""

    fee_stated: bool = True


@attrs.define(eq=False)
class Clock:
    """The clocks of one zone, remembering the weeks in which they did not change."""

    name: str
    zone: dt.tzinfo
    _weeks: dict[int, tuple[dt.timedelta, ...] | None] = attrs.field(factory=dict)

    def offsets(self, printed: dt.datetime) -> tuple[dt.timedelta, ...]:
        """Return by how much the clock was ahead when it showed ``printed``.

        Two, the earlier instant first, where it showed that hour twice; none where it never did.
        """
        if printed.year in _EDGES:
            return _offsets(self.zone, printed)
        week = printed.toordinal() // 7
        if week not in self._weeks:
            start = dt.datetime.fromordinal(max(week * 7, 1))
            steady = _offsets(self.zone, start)
            same = len(steady) == 1 and steady == _offsets(self.zone, start + _WEEK)
            self._weeks[week] = steady if same else None
        return self._weeks[week] or _offsets(self.zone, printed)


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
        """At how many different times those votes were."""
        return len({vote.printed for vote in self.agreeing})


def elect(votes: Sequence[Vote], zones: Mapping[str, dt.tzinfo]) -> Election:
    """Rule out the zones that several votes speak against, and none nearly as many for."""
    clocks = [Clock(name, zone) for name, zone in zones.items()]
    if not votes:
        return Election(left=tuple(clocks), agreeing=frozenset())
    satisfied = {
        clock.name: frozenset(vote for vote in votes if vote.offset in clock.offsets(vote.printed))
        for clock in clocks
    }
    clocks.sort(key=lambda clock: (-len(satisfied[clock.name]), _plainness(clock.name)))
    best = satisfied[clocks[0].name]
    left = [clock for clock in clocks if not leads(best, satisfied[clock.name])]
    return Election(left=tuple(left), agreeing=best)


def leads(these: frozenset[Vote], those: frozenset[Vote]) -> bool:
    """Say whether one reading explains clearly more than another."""
    more = len({vote.printed for vote in these - those})
    less = len({vote.printed for vote in those - these})
    return more >= max(LEAD, LEAD * less)


def _plainness(name: str) -> tuple[int, bool, str]:
    place = FAMILIAR.index(name) if name in FAMILIAR else len(FAMILIAR)
    if name.startswith("UTC"):
        place = -1
    return place, name != "UTC", name


@attrs.define
class Settling:
    """What the zones that are left make of printed times."""

    election: Election
    _weeks: dict[int, tuple[dt.timedelta, ...] | None] = attrs.field(factory=dict)

    def offsets(self, printed: dt.datetime) -> tuple[dt.timedelta, ...]:
        """Return the offsets on which all zones agree; none where they do not."""
        week = printed.toordinal() // 7
        if week not in self._weeks and printed.year not in _EDGES:
            start = dt.datetime.fromordinal(week * 7)
            end = start + _WEEK
            (first, last), *others = {
                (clock.offsets(start), clock.offsets(end)) for clock in self.election.left
            }
            steady = not others and first == last and len(first) == 1
            self._weeks[week] = first if steady else None
        known = self._weeks.get(week)
        if known is not None:
            return known
        found = {clock.offsets(printed) for clock in self.election.left}
        return found.pop() if len(found) == 1 else ()

    @property
    def name(self) -> str:
        """The plainest name of a zone that is left; all agree on the rows that are decided."""
        return min((clock.name for clock in self.election.left), key=_plainness)


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
