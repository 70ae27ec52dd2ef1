"""One rate budget for a whole fleet: the client's limiter, counting in Redis.

1. Each public address and each key has both documented windows, counted by pyrate-limiter's own
   Redis backend.  What is kept beside them is only who waits, in which order.
2. Accounts take turns: whoever was served goes to the end of the queue, however many requests it
   still has.  A person's account is served before a routine one, and that before a bulk one; each
   tenth turn also goes to the last of them, so that nobody starves.
3. A lower class may fill less of a window, so that a person who comes late still finds room.
4. A refusal for coming too soon, met by one worker, pauses all that share the address.
5. Where Redis cannot be reached, a worker goes on with its share of what the documented limits
   leave above the budget: all such shares and the budget together stay within the limits.
"""

import logging
import os
import random
import threading
import time
import uuid
from collections import OrderedDict
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any, Final

import attrs

from bitstamp_ledger.client import RateBudget
from bitstamp_ledger.errors import MissingExtraError
from bitstamp_ledger.fleet._jobs import Priority, no_password

if TYPE_CHECKING:
    from pyrate_limiter import Rate

log: Final = logging.getLogger("bitstamp_ledger.fleet")

DOCUMENTED_PER_SECOND: Final = 400
DOCUMENTED_PER_TEN_MINUTES: Final = 10_000
SECOND_MS: Final = 1_000
TEN_MINUTES_MS: Final = 600_000

CEILINGS: Final = {Priority.PERSON: 1.0, Priority.ROUTINE: 0.9, Priority.BULK: 0.8}
"""Which part of a window each class may fill."""

AT_THE_HEAD: Final = 8
"""So many accounts may ask the windows at once; more than one, since asking takes time."""

LOOK_AGAIN_S: Final = 0.02
LOOK_AGAIN_MAX_S: Final = 1.0
FORGOTTEN_AFTER_MS: Final = 3_000
"""Who waits asks again at least each second; who has not, has left."""

AWAY_S: Final = 5.0
"""How long not to try Redis again once it was away."""

DRIFT_MS: Final = 60_000
REDIS_TIMEOUT_S: Final = 1.0
PAUSE_FIRST_S: Final = 5.0
PAUSE_MAX_S: Final = 300.0
KEYS_REMEMBERED: Final = 1_024

_BY_THE_CLOCK_OF_REDIS: Final = """
local clock = redis.call('TIME')
local here = clock[1] * 1000 + math.floor(clock[2] / 1000)
local late = here - tonumber(ARGV[1])
ARGV[1] = here
for rate = 1, tonumber(ARGV[4]) do
    ARGV[2 + 3 * rate] = tonumber(ARGV[2 + 3 * rate]) + late
end
"""
"""Put before the limiter's own script: it takes the time from whoever asks, so that of two workers
the slower one, or the one whose clock is behind, would not see what the other has just counted."""

_JOIN: Final = """
local pause, cold = redis.call('PTTL', KEYS[1]), redis.call('PTTL', KEYS[2])
local seen, turns = KEYS[3], KEYS[4]
local who, class = ARGV[1], tonumber(ARGV[2])
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
for _, left in ipairs(redis.call('ZRANGEBYSCORE', seen, '-inf', now - ARGV[3] * 1000)) do
    redis.call('ZREM', seen, left)
    for queue = 5, 7 do redis.call('ZREM', KEYS[queue], left) end
end
redis.call('ZADD', seen, now, who)
redis.call('ZADD', KEYS[5 + class], 'NX', now, who)
for key = 3, 7 do redis.call('PEXPIRE', KEYS[key], 600000) end
local rank = redis.call('ZRANK', KEYS[5 + class], who)
local ahead = rank
for queue = 5, 4 + class do ahead = ahead + redis.call('ZCARD', KEYS[queue]) end
local below = 0
for queue = 6 + class, 7 do below = below + redis.call('ZCARD', KEYS[queue]) end
if below == 0 and tonumber(redis.call('GET', turns) or '0') % 10 == 9 then ahead = rank end
return {pause, cold, ahead}
"""

_LEAVE: Final = """
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('INCR', KEYS[3])
redis.call('PEXPIRE', KEYS[3], 600000)
redis.call('PEXPIRE', KEYS[4], 600000)
return 1
"""

_PAUSE: Final = """
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
local strikes = redis.call('INCR', KEYS[2])
redis.call('PEXPIRE', KEYS[2], 600000)
local pause = math.min(ARGV[1] * 2 ^ (strikes - 1), tonumber(ARGV[2]))
pause = math.floor(math.max(pause, tonumber(ARGV[3])))
redis.call('SET', KEYS[1], strikes, 'PX', pause)
return pause
"""


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
        return SharedBudget(_desk(self, egress), account=account, priority=priority, key=key)

    def local_share(self) -> "RateBudget":
        """Return what one process may do by itself: all such shares together are safe."""
        if self.redis is None:
            second, ten_minutes = self.per_second, self.per_ten_minutes
        else:
            second = DOCUMENTED_PER_SECOND - self.per_second
            ten_minutes = DOCUMENTED_PER_TEN_MINUTES - self.per_ten_minutes
        return _local_budget(second, ten_minutes, self.workers)


def _local_budget(per_second: int, per_ten_minutes: int, workers: int) -> RateBudget:
    from pyrate_limiter import InMemoryBucket, Rate  # noqa: PLC0415 - slow to import

    long = _share(per_ten_minutes, TEN_MINUTES_MS, workers)
    short = _share(per_second, SECOND_MS, workers)
    rates = [Rate(*short), Rate(*long)]
    # The limiter wants the longer window to be the stricter one.
    if short[1] >= long[1] or long[0] / long[1] >= short[0] / short[1] or long[0] <= short[0]:
        rates = [Rate(*min(long, short, key=lambda each: each[0] / each[1]))]
    return RateBudget(bucket=InMemoryBucket(rates))


def _share(limit: int, window_ms: int, workers: int) -> tuple[int, int]:
    """Return requests and window for one of so many; less than one becomes one in longer time."""
    if limit >= workers:
        return limit // workers, window_ms
    return 1, -(-window_ms * workers // limit)


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


class SharedBudget:
    """The budget of one account.  Used from several threads; see `SharedRate.budget`."""

    def __init__(self, desk: "_Desk", *, account: str, priority: Priority, key: str | None) -> None:
        self._desk = desk
        self._account = account
        self._priority = priority
        self._key = key
        self._key_in_hand = False
        self._asking = threading.Lock()
        self._ask_again_at = 0.0
        self.counts = BudgetCounts()

    def __repr__(self) -> str:
        return f"<SharedBudget {self._desk.name}, {self._priority.name}>"

    def take(self) -> float:
        """See `bitstamp_ledger.client.Budget.take`."""
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
        return tuple(told)

    def _take(self) -> float:
        desk = self._desk
        if (paused_s := desk.paused_s()) > 0:
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
        wait_s = desk.take_local()
        self.counts.local += wait_s == 0
        return wait_s

    def _take_shared(self) -> float | None:
        """Ask Redis; None where it says that everybody is on his own share."""
        desk = self._desk
        # The key first: who waits for his key's window must not stand in others' way.
        if self._key is not None and not self._key_in_hand:
            if wait_s := desk.take_of_key(self._key):
                return wait_s * 5
            self._key_in_hand = True
        pause_ms, cold_ms, ahead = desk.join(self._account, self._priority)
        if cold_ms > 0:
            return None
        if pause_ms > 0:
            return min(pause_ms / 1_000, LOOK_AGAIN_MAX_S)
        if ahead >= AT_THE_HEAD:
            wait_s = min(LOOK_AGAIN_MAX_S, LOOK_AGAIN_S * (2 + ahead - AT_THE_HEAD))
            return wait_s * random.uniform(0.75, 1.0)  # noqa: S311 - only spreads
        if wait_s := desk.address_budget(self._priority).take():
            return wait_s * 2
        desk.leave(self._account, self._priority)
        self._key_in_hand = False
        return 0.0


class _Desk:
    """What all accounts of one process share that leave by one address."""

    def __init__(self, rate: SharedRate, egress: str) -> None:
        self.name = f"{rate.exchange}/{egress}"
        self.shared = rate.redis is not None
        self.errors: tuple[type[Exception], ...] = ()
        self._rate = rate
        # The braces keep all of them on one machine of a Redis cluster.
        self._prefix = f"bitstamp_ledger:{{{self.name}}}:"
        self._local = rate.local_share()
        self._redis: Any = None
        self._connected = False
        self._born: str | None = None
        self._away_until = 0.0
        self._paused_until = 0.0
        self._strikes = 0
        self._connecting = threading.Lock()
        self._address_budgets: dict[Priority, RateBudget] = {}
        self._key_budgets: OrderedDict[str, RateBudget] = OrderedDict()
        self._offset_ms = 0

    # -- whether Redis is there

    def reachable(self) -> bool:
        """Say whether to ask Redis; connect to it where that is due."""
        if not self.shared or time.monotonic() < self._away_until:
            return False
        if self._connected:
            return True
        with self._connecting:
            return self._is_connected()

    def _is_connected(self) -> bool:
        if not self._connected and time.monotonic() >= self._away_until:
            self._connect()
        return self._connected

    def lost(self, error: Exception) -> None:
        """Go on without Redis for a while, and say so."""
        self._connected = False
        self._away_until = time.monotonic() + AWAY_S
        log.warning(
            "the shared budget of %s cannot be reached (%s): this worker has its own share",
            self.name,
            type(error).__name__,
        )

    def _connect(self) -> None:
        redis = _redis_package()
        self.errors = (redis.RedisError, OSError)
        variable = self._rate.password_variable
        connection = redis.Redis.from_url(
            self._rate.redis,
            password=os.environ.get(variable) if variable else None,
            socket_timeout=REDIS_TIMEOUT_S,
            socket_connect_timeout=REDIS_TIMEOUT_S,
            retry=redis.retry.Retry(redis.backoff.NoBackoff(), 0),
        )
        try:
            self._begin(connection)
        except self.errors as exc:
            self.lost(exc)

    def _begin(self, connection: Any) -> None:  # noqa: ANN401 - its package is optional
        self._join = connection.register_script(_JOIN)
        self._leave = connection.register_script(_LEAVE)
        self._pause = connection.register_script(_PAUSE)
        put = connection.script_load(_bucket_script())
        seconds, _ = connection.time()
        self._offset_ms = seconds * 1_000 - time.time_ns() // 1_000_000
        mine = uuid.uuid4().hex
        connection.set(self._key("born"), mine, nx=True)
        born = connection.get(self._key("born")).decode()
        if self._born is not None and born != self._born:
            # It was restarted empty: nobody knows what has left in the last ten minutes.
            connection.set(self._key("cold"), "1", nx=True, px=TEN_MINUTES_MS)
            log.warning("Redis has forgotten what left by %s: own shares for a while", self.name)
        self._born = born
        self._put_script = put
        self._address_budgets = {
            each: self._counting(self._key("address"), connection, CEILINGS[each])
            for each in Priority
        }
        self._key_budgets = OrderedDict()
        self._redis = connection
        self._connected = True

    # -- the windows

    def _counting(self, name: str, connection: Any, part: float) -> RateBudget:  # noqa: ANN401
        rates = _rates(self._rate.per_second * part, self._rate.per_ten_minutes * part)
        bucket = _bucket_class()(rates, connection, name, self._put_script)
        bucket.offset_ms = self._offset_ms
        return RateBudget(bucket=bucket)

    def address_budget(self, priority: Priority) -> RateBudget:
        """Return the windows of the address, as far as this class may fill them."""
        return self._address_budgets[priority]

    def take_of_key(self, key: str) -> float:
        """Take a request out of the windows of a key; see `Budget.take`."""
        # A key may leave by several addresses, so the address is no part of its name.
        name = f"bitstamp_ledger:{{{self._rate.exchange}:key:{key}}}"
        with self._connecting:
            found = self._key_budgets.pop(key, None) or self._counting(name, self._redis, 1.0)
            self._key_budgets[key] = found
            while len(self._key_budgets) > KEYS_REMEMBERED:
                self._key_budgets.popitem(last=False)
        wait_s = found.take()
        if not wait_s:
            self._redis.pexpire(name, TEN_MINUTES_MS)
        return wait_s

    def take_local(self) -> float:
        """Take a request out of this process's own share."""
        return self._local.take()

    # -- turns and pauses

    def join(self, account: str, priority: Priority) -> tuple[int, int, int]:
        """Wait in line; return pause and cold time (in ms, or negative), and who is ahead."""
        names = ("pause", "cold", "seen", "turns", "waiting0", "waiting1", "waiting2")
        keys = [self._key(name) for name in names]
        found = self._join(keys=keys, args=[account, int(priority), FORGOTTEN_AFTER_MS])
        return int(found[0]), int(found[1]), int(found[2])

    def leave(self, account: str, priority: Priority) -> None:
        """Leave the line, having been served."""
        names = (f"waiting{int(priority)}", "seen", "turns", "address")
        keys = [self._key(name) for name in names]
        self._leave(keys=keys, args=[account])

    def pause(self, asked_for_s: float | None) -> None:
        """Let nobody send for a while; doubled with each refusal within ten minutes."""
        if self.reachable():
            args = [PAUSE_FIRST_S * 1_000, PAUSE_MAX_S * 1_000, (asked_for_s or 0.0) * 1_000]
            keys = [self._key("pause"), self._key("strikes")]
            try:
                paused_ms = int(self._pause(keys=keys, args=args))
            except self.errors as exc:
                self.lost(exc)
            else:
                if paused_ms:
                    log.warning("%s is paused for %.0f s: too fast", self.name, paused_ms / 1_000)
                return
        if self.paused_s() <= 0:
            self._strikes += 1
            pause_s = min(PAUSE_FIRST_S * 2.0 ** min(self._strikes - 1, 10), PAUSE_MAX_S)
            self._paused_until = time.monotonic() + max(pause_s, asked_for_s or 0.0)
            log.warning("this worker pauses for %.0f s: too fast", pause_s)

    def paused_s(self) -> float:
        """Return how long this process pauses by itself."""
        return self._paused_until - time.monotonic()

    def _key(self, name: str) -> str:
        return self._prefix + name


def _rates(per_second: float, per_ten_minutes: float) -> "list[Rate]":
    from pyrate_limiter import Rate  # noqa: PLC0415 - slow to import

    second, ten_minutes = max(1, int(per_second)), max(1, int(per_ten_minutes))
    if ten_minutes <= second:  # The limiter wants the longer window to hold more.
        return [Rate(ten_minutes, TEN_MINUTES_MS)]
    return [Rate(second, SECOND_MS), Rate(ten_minutes, TEN_MINUTES_MS)]


def _redis_package() -> Any:  # noqa: ANN401 - its package is optional
    try:
        import redis  # noqa: PLC0415 - optional
        import redis.backoff  # noqa: PLC0415 - optional
        import redis.retry  # noqa: PLC0415 - optional
    except ImportError:
        raise MissingExtraError("A budget that machines share", extra="fleet") from None
    return redis


def _bucket_script() -> str:
    from pyrate_limiter.buckets.redis_bucket import LuaScript  # noqa: PLC0415 - slow to import

    return _BY_THE_CLOCK_OF_REDIS + str(LuaScript.PUT_ITEM)


def _bucket_class() -> Any:  # noqa: ANN401 - made of a class that is imported late
    from pyrate_limiter import RedisBucket  # noqa: PLC0415 - slow to import

    class Bucket(RedisBucket):
        """The limiter's bucket; see `_BY_THE_CLOCK_OF_REDIS`."""

        offset_ms = 0

        def leak(self, current_timestamp: int | None = None) -> int | Awaitable[int]:
            # Only tidying up; clocks may have drifted apart since they were compared.
            at = (current_timestamp or 0) + self.offset_ms - DRIFT_MS
            return super().leak(at)

    return Bucket


_desks: dict[tuple[SharedRate, str], _Desk] = {}
_desks_lock = threading.Lock()


def _desk(rate: SharedRate, egress: str) -> _Desk:
    with _desks_lock:
        if (rate, egress) not in _desks:
            _desks[rate, egress] = _Desk(rate, egress)
        return _desks[rate, egress]


def _forget_desks() -> None:
    """Begin anew in a forked process: its parent's locks may be held for ever."""
    global _desks, _desks_lock
    _desks, _desks_lock = {}, threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_desks)
