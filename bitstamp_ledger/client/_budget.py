"""The rate budget: how many requests may leave, shared by all clients of a process.

The documented limits are 400 requests in a second and 10,000 in ten minutes; whether they count by
address, key or user is not known (docs/facts/exchange.md, "Rate limits").  The default stays well
below both, for all clients of the process that talk to one exchange.
"""

import threading
from typing import TYPE_CHECKING, Final, Protocol, runtime_checkable

from bitstamp_ledger.api import Reply, refusal_of
from bitstamp_ledger.errors import RateLimitedError

if TYPE_CHECKING:
    from pyrate_limiter import AbstractBucket

PER_SECOND: Final = 100
PER_TEN_MINUTES: Final = 6_000
SECOND_MS: Final = 1_000
TEN_MINUTES_MS: Final = 600_000
LOOK_AGAIN_S: Final = 0.02
"""How long to wait before asking a full budget again."""


class Budget(Protocol):
    """Says whether a request may leave now."""

    def take(self) -> float:
        """Take one request out of the budget.

        Returns:
            0 when it may leave; else how many seconds to wait before asking again.
        """


@runtime_checkable
class LearningBudget(Budget, Protocol):
    """A budget that wants to hear when the exchange finds us too fast all the same."""

    def refused(self, asked_for_s: float | None) -> None:
        """Learn that a request was refused for coming too soon.

        Args:
            asked_for_s: how long the exchange asked to be left alone, where it said so.
        """


REFUSAL_BYTES_MAX: Final = 4_096
"""A good reply that is longer is not looked at twice; no refusal has been seen that long."""


def tell(budget: Budget, reply: Reply, endpoint: str) -> None:
    """Let a budget learn from a reply that refuses for coming too soon."""
    good = reply.status == 200 and len(reply.body) > REFUSAL_BYTES_MAX  # noqa: PLR2004 - HTTP's OK
    if good or not isinstance(budget, LearningBudget):
        return
    refusal = refusal_of(reply, endpoint=endpoint)
    if isinstance(refusal, RateLimitedError):
        budget.refused(refusal.retry_after_s)


class RateBudget:
    """A budget over several windows at once, kept by pyrate-limiter.

    Args:
        per_second: requests in any second.
        per_ten_minutes: requests in any ten minutes.
        bucket: where the requests are counted in place of this process's memory, with rates of
            its own: a bucket of pyrate-limiter that answers at once, such as those on SQLite,
            PostgreSQL or Redis, for a fleet.
    """

    def __init__(
        self,
        *,
        per_second: int = PER_SECOND,
        per_ten_minutes: int = PER_TEN_MINUTES,
        bucket: "AbstractBucket | None" = None,
    ) -> None:
        from pyrate_limiter import (  # noqa: PLC0415 - slow to import, and not needed to parse
            InMemoryBucket,
            Limiter,
            Rate,
            SingleBucketFactory,
        )

        if bucket is None:
            rates = [Rate(per_second, SECOND_MS), Rate(per_ten_minutes, TEN_MINUTES_MS)]
            bucket = InMemoryBucket(rates)
        self._bucket = bucket
        # No thread of its own: what has left the windows is dropped when the next request asks.
        self._limiter: Limiter = Limiter(SingleBucketFactory(bucket, schedule_leak=False))

    def take(self, name: str = "bitstamp") -> float:
        """See `Budget.take`.

        Args:
            name: what a bucket is told of the request, for one that looks at it.
        """
        now: object = self._bucket.now()  # type: ignore[no-untyped-call]  # not typed there
        if isinstance(now, int):
            self._bucket.leak(now)
        return 0.0 if self._limiter.try_acquire(name, blocking=False) else LOOK_AGAIN_S


_shared: dict[str, RateBudget] = {}
_lock = threading.Lock()


def shared_budget(exchange: str) -> RateBudget:
    """Return the budget of all clients of this process that talk to one exchange.

    Args:
        exchange: its host and port.
    """
    with _lock:
        if exchange not in _shared:
            _shared[exchange] = RateBudget()
        return _shared[exchange]
