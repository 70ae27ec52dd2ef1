"""What is safe, and what a refusal teaches: numbers and rules without Redis and without a clock."""

from typing import TYPE_CHECKING, Final

import attrs

from bitstamp_ledger.client import RateBudget
from bitstamp_ledger.fleet._jobs import Priority

if TYPE_CHECKING:
    from pyrate_limiter import Rate

DOCUMENTED_PER_SECOND: Final = 400
DOCUMENTED_PER_TEN_MINUTES: Final = 10_000
SECOND_MS: Final = 1_000
TEN_MINUTES_MS: Final = 600_000

CEILINGS: Final = {Priority.PERSON: 1.0, Priority.ROUTINE: 0.9, Priority.BULK: 0.8}
"""Which part of a window each class may fill."""

PAUSE_FIRST_MS: Final = 5_000
PAUSE_MAX_MS: Final = 300_000

LEFT_BY_A_REFUSAL: Final = 0.5
"""Which part of the rate is left after a refusal: down at once, ..."""

REGAINED_AFTER_MS: Final = 7_200_000
"""... and up again slowly: a whole budget in two hours, so half of one in an hour."""

SLOWEST: Final = 1 / 32
PACE_MS: Final = 10_000
"""The window in which a lower rate is kept."""


@attrs.define
class Learned:
    """What refusals taught: which part of the budget is used.  Instants are the caller's, in ms."""

    _part: float = 1.0
    _at_ms: float = 0.0

    def part(self, now_ms: float) -> float:
        """Return the part that may be used now."""
        return min(1.0, self._part + max(0.0, now_ms - self._at_ms) / REGAINED_AFTER_MS)

    def refused(self, now_ms: float, pause_ms: float) -> float:
        """Learn of a refusal that is followed by a pause; return the part that is left."""
        self._part = max(SLOWEST, self.part(now_ms) * LEFT_BY_A_REFUSAL)
        self._at_ms = now_ms + pause_ms
        return self._part


def local_budget(per_second: int, per_ten_minutes: int, workers: int) -> RateBudget:
    """Return the share of one of so many workers."""
    from pyrate_limiter import InMemoryBucket, Rate  # noqa: PLC0415 - slow to import

    long = share_of(per_ten_minutes, TEN_MINUTES_MS, workers)
    short = share_of(per_second, SECOND_MS, workers)
    rates = [Rate(*short), Rate(*long)]
    # The limiter wants the longer window to be the stricter one.
    if short[1] >= long[1] or long[0] / long[1] >= short[0] / short[1] or long[0] <= short[0]:
        rates = [Rate(*min(long, short, key=lambda each: each[0] / each[1]))]
    return RateBudget(bucket=InMemoryBucket(rates))


def share_of(limit: int, window_ms: int, workers: int) -> tuple[int, int]:
    """Return requests and window for one of so many; less than one becomes one in longer time."""
    if limit >= workers:
        return limit // workers, window_ms
    return 1, -(-window_ms * workers // limit)


def rates_of(per_second: float, per_ten_minutes: float) -> "list[Rate]":
    """Return the windows of a budget as the limiter wants them."""
    from pyrate_limiter import Rate  # noqa: PLC0415 - slow to import

    second, ten_minutes = max(1, int(per_second)), max(1, int(per_ten_minutes))
    if ten_minutes <= second:  # The limiter wants the longer window to hold more.
        return [Rate(ten_minutes, TEN_MINUTES_MS)]
    return [Rate(second, SECOND_MS), Rate(ten_minutes, TEN_MINUTES_MS)]
