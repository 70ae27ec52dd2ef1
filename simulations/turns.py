"""Fleets of any size, turn by turn and without events: what is simulated is one saturated address.

`simulations.fleet` plays each request with its answer, which takes hours for a million accounts.
Here only the turns are played: accounts that are under way take one request each in turn, and the
time of the k-th request follows from the windows.  That holds while there is always somebody who
waits, and leaves out latency; `tests/fleet/test_fleet_turns.py` holds both against each other.
"""

import math
from collections import deque
from collections.abc import Iterable
from typing import Final

import attrs

TEN_MINUTES_S: Final = 600.0


@attrs.frozen(kw_only=True)
class Pace:
    """When requests leave that always find a next one waiting."""

    per_second: float
    per_ten_minutes: float

    def at(self, number: int) -> float:
        """Return when the request with this number leaves, counted from 0.

        A window that was empty is filled as fast as the second allows, then waited for.
        """
        windows, within = divmod(number, int(self.per_ten_minutes))
        return windows * TEN_MINUTES_S + within / self.per_second


def budget_pace(per_second: int, per_ten_minutes: int, ceiling: float) -> Pace:
    """Return the pace of a budget of which a class may fill a part."""
    return Pace(
        per_second=int(per_second * ceiling), per_ten_minutes=int(per_ten_minutes * ceiling)
    )


@attrs.frozen(kw_only=True)
class Whole:
    """When accounts were whole, in seconds from the beginning, earliest first."""

    times: list[float]
    small_times: list[float]
    requests: int

    def when(self, part: float) -> float:
        """Return when this part of the accounts was whole."""
        return _quantile(self.times, part)

    def small_when(self, part: float) -> float:
        """Return when this part of the small accounts was whole."""
        return _quantile(self.small_times, part)


def _quantile(ordered: list[float], part: float) -> float:
    return ordered[max(0, math.ceil(part * len(ordered)) - 1)]


def play(
    requests: Iterable[int],
    pace: Pace,
    *,
    slots: int,
    small: int,
    slice_requests: int | None = None,
    slice_costs: int = 4,
) -> Whole:
    """Let accounts take turns until all are whole.

    Args:
        requests: how many each account needs, in the order of the jobs.
        pace: when requests leave.
        slots: how many accounts are under way at once.
        small: an account of so many requests at most is a small one.
        slice_requests: after how many an account gives its place to the next that waits.
        slice_costs: requests that going on costs: balances, and pages that are read again.
    """
    waiting = deque((each, each <= small) for each in requests)
    slice_length = slice_requests or 1 << 60
    under_way: deque[tuple[int, int, bool]] = deque()
    ends: list[int] = []
    small_ends: list[int] = []
    number = 0

    def fill() -> None:
        if waiting:
            left, is_small = waiting.popleft()
            under_way.append((left, slice_length, is_small))

    for _ in range(slots):
        fill()
    while under_way:
        left, of_slice, is_small = under_way.popleft()
        number += 1
        if left == 1:
            ends.append(number - 1)
            if is_small:
                small_ends.append(number - 1)
            fill()
        elif of_slice == 1 and waiting:
            waiting.append((left - 1 + slice_costs, is_small))
            fill()
        else:
            under_way.append((left - 1, of_slice - 1, is_small))
    return Whole(
        times=[pace.at(each) for each in ends],
        small_times=[pace.at(each) for each in small_ends],
        requests=number,
    )
