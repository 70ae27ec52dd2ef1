"""One rate budget for a whole fleet: the client's limiter, counting in Redis.

1. Each public address and each key has both documented windows, counted by pyrate-limiter's own
   Redis backend.  What is kept beside them is only who waits, in which order.
2. Accounts take turns: whoever was served goes to the end of the queue, however many requests it
   still has.  A person's account is served before a routine one, and that before a bulk one; each
   tenth turn also goes to the last of them, so that nobody starves.
3. A lower class may fill less of a window, so that a person who comes late still finds room.
4. A refusal for coming too soon, met by one worker, pauses all that share the address, and halves
   their rate; it comes back slowly, half of a budget in an hour.
5. Where Redis cannot be reached, a worker goes on with its share of what the documented limits
   leave above the budget: all such shares and the budget together stay within the limits.
"""

import random
import threading
import time
from collections.abc import Callable
from typing import Final

import attrs

from bitstamp_ledger.client import RateBudget
from bitstamp_ledger.fleet._desk import LOOK_AGAIN_FIRST_S, Desk, desk_of
from bitstamp_ledger.fleet._jobs import Priority, no_password
from bitstamp_ledger.fleet._policy import (
    DOCUMENTED_PER_SECOND,
    DOCUMENTED_PER_TEN_MINUTES,
    TEN_MINUTES_MS,
    local_budget,
    share_of,
)

LOOK_AGAIN_S: Final = 0.02
LOOK_AGAIN_MAX_S: Final = 1.0


def _redis_address(address: str | None) -> str | None:
    return None if address is None else no_password(address, "Redis")


@attrs.frozen(kw_only=True)
class SharedRate:
    """How fast a fleet may be, and where its workers count together.

    Without ``redis`` each process keeps to its own share, ``1 / workers`` of the whole.
    """

    redis: str | None = attrs.field(default=None, converter=_redis_address)
    """``redis://host:6379/0`` or ``unix:///path``; without a password."""

    password_variable: str | None = None
    """The environment variable in which workers find the password of Redis."""

    per_second: int = attrs.field(
        default=100,
        validator=[attrs.validators.ge(1), attrs.validators.lt(DOCUMENTED_PER_SECOND)],
    )
    per_ten_minutes: int = attrs.field(
        default=6_000,
        validator=[attrs.validators.ge(1), attrs.validators.lt(DOCUMENTED_PER_TEN_MINUTES)],
    )
    workers: int = attrs.field(default=1, validator=attrs.validators.ge(1))
    """How many worker processes leave by one address, at most."""

    exchange: str = "bitstamp"
    """A name for what is shared: fleets with equal names share one budget."""

    def budget(
        self,
        account: str,
        *,
        egress: str = "default",
        priority: Priority = Priority.ROUTINE,
        key: str | None = None,
    ) -> "SharedBudget":
        """Return the budget for one account's client: ``Client(..., budget=...)``.

        Args:
            account: what takes turns with others; a digest will do.
            egress: a name for the public address that the requests leave from.
            priority: who waits for it.
            key: the fingerprint of the API key; None to count by address alone.
        """
        return SharedBudget(desk_of(self, egress), account=account, priority=priority, key=key)

    def local_share(self) -> RateBudget:
        """Return what one process may do by itself: all such shares together are safe."""
        return local_budget(*self._for_all_shares(), self.workers)

    def local_limit(self) -> tuple[int, int]:
        """Return the steady rate of such a share: requests, and in how many milliseconds."""
        return share_of(self._for_all_shares()[1], TEN_MINUTES_MS, self.workers)

    def _for_all_shares(self) -> tuple[int, int]:
        if self.redis is None:
            return self.per_second, self.per_ten_minutes
        return (
            DOCUMENTED_PER_SECOND - self.per_second,
            DOCUMENTED_PER_TEN_MINUTES - self.per_ten_minutes,
        )


@attrs.define(kw_only=True)
class BudgetCounts:
    """What one account's requests met."""

    waited_s: float = 0.0
    shared: int = 0
    """Requests that were counted in Redis."""

    local: int = 0
    """Requests that left on this worker's own share."""

    refusals: int = 0
    """How often the exchange said that requests come too fast."""

    slowest: float = 1.0
    """The least part of the budget that refusals, whoever met them, left to these requests."""


class SharedBudget:
    """The budget of one account.  Used from several threads; see `SharedRate.budget`."""

    def __init__(self, desk: "Desk", *, account: str, priority: Priority, key: str | None) -> None:
        self._desk = desk
        self._account = account
        self._priority = priority
        self._key = key
        self._key_in_hand = False
        self._asking = threading.Lock()
        self._ask_again_at = 0.0
        self.interrupted: Callable[[], object] | None = None
        """Called before each request; what it raises ends the waiting."""

        self.counts = BudgetCounts()

    def __repr__(self) -> str:
        return f"<SharedBudget {self._desk.name}, {self._priority.name}>"

    def take(self) -> float:
        """See `bitstamp_ledger.client.Budget.take`."""
        if self.interrupted is not None:
            self.interrupted()
        # One thread of an account asks for all, no more often than that of an account with one:
        # who asks more often would be served more often.
        early_s = self._ask_again_at - time.monotonic()
        if early_s > 0 or not self._asking.acquire(blocking=False):
            return max(early_s, LOOK_AGAIN_S)
        try:
            wait_s = self._take()
            self._ask_again_at = time.monotonic() + wait_s if wait_s else 0.0
        finally:
            self._asking.release()
        self.counts.waited_s += wait_s
        return wait_s

    def refused(self, asked_for_s: float | None) -> None:
        """Pause everybody who shares the address; see `LearningBudget.refused`."""
        self.counts.refusals += 1
        self._desk.pause(asked_for_s)

    @property
    def notices(self) -> tuple[str, ...]:
        """What a person should hear of how these requests were counted."""
        told = []
        if self.counts.local and self._desk.shared:
            told.append(
                f"The shared budget could not be reached: {self.counts.local} requests left on "
                "this worker's own share, which is slower."
            )
        if self.counts.refusals:
            told.append(
                f"The exchange found requests too fast {self.counts.refusals} times; all that "
                "leave by the same address paused."
            )
        if self.counts.slowest < 1:
            told.append(
                f"After refusals for coming too fast, {self._desk.name} has part of its budget, "
                "which grows back within hours."
            )
        return tuple(told)

    def _take(self) -> float:
        desk = self._desk
        if (paused_s := desk.paused_s()) > 0:
            self._met(desk.local_part())
            return min(paused_s, LOOK_AGAIN_MAX_S)
        if desk.reachable():
            try:
                wait_s = self._take_shared()
            except desk.errors as exc:
                desk.lost(exc)
            else:
                if wait_s is not None:
                    self.counts.shared += wait_s == 0
                    return wait_s
        self._met(desk.local_part())
        wait_s = desk.take_local()
        self.counts.local += wait_s == 0
        return wait_s

    def _met(self, part: float) -> None:
        self.counts.slowest = min(self.counts.slowest, part)

    def _take_shared(self) -> float | None:
        """Ask Redis; None where it says that everybody is on his own share."""
        desk = self._desk
        # The key first: who waits for his key's window must not stand in others' way.
        if self._key is not None and not self._key_in_hand:
            if wait_s := desk.take_of_key(self._key):
                return wait_s * 5
            self._key_in_hand = True
        pause_ms, cold_ms, ahead, part, held = desk.join(self._account, self._priority)
        self._met(part)
        if cold_ms > 0:
            return None
        if pause_ms > 0:
            return min(pause_ms / 1_000, LOOK_AGAIN_MAX_S)
        if held or not desk.take_of_address(self._priority, ahead):
            # About when those ahead have had their turns.
            turns_s = 0.0 if held else ahead / (desk.per_second * part)
            wait_s = min(LOOK_AGAIN_MAX_S, LOOK_AGAIN_FIRST_S + turns_s)
            return wait_s * random.uniform(0.75, 1.0)  # noqa: S311 - only spreads
        desk.leave(self._account, self._priority)
        self._key_in_hand = False
        return 0.0
