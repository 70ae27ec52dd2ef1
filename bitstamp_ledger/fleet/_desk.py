"""Where the workers of a fleet count together: one desk for each process and public address."""

import logging
import math
import os
import threading
import time
import uuid
from collections import OrderedDict
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any, Final

from bitstamp_ledger.client import RateBudget
from bitstamp_ledger.errors import MissingExtraError
from bitstamp_ledger.fleet import _lua
from bitstamp_ledger.fleet._jobs import Priority
from bitstamp_ledger.fleet._policy import (
    CEILINGS,
    PAUSE_FIRST_MS,
    PAUSE_MAX_MS,
    TEN_MINUTES_MS,
    Learned,
    rates_of,
)

if TYPE_CHECKING:
    from bitstamp_ledger.fleet._budget import SharedRate

log: Final = logging.getLogger("bitstamp_ledger.fleet")

FORGOTTEN_AFTER_MS: Final = 3_000
"""Who waits asks again at least each second; who has not, has left."""

THERE_MS: Final = 300
"""Who has not asked for so long may have left; room is not held back for it."""

AWAY_S: Final = 5.0
"""How long not to try Redis again once it was away."""

LOOK_AGAIN_FIRST_S: Final = 0.04
"""How soon the first in the line asks again; what leaves meanwhile, others may have."""

LEARNED: Final = "address:learned"
"""What the limiter's script looks for beside the windows of the address."""

DRIFT_MS: Final = 60_000
REDIS_TIMEOUT_S: Final = 1.0
KEYS_REMEMBERED: Final = 1_024


class Desk:
    """What all accounts of one process share that leave by one address."""

    def __init__(self, rate: "SharedRate", egress: str) -> None:
        self.name = f"{rate.exchange}/{egress}"
        self.shared = rate.redis is not None
        self.per_second = rate.per_second
        self._lead = math.ceil(rate.per_second * LOOK_AGAIN_FIRST_S)
        self.errors: tuple[type[Exception], ...] = ()
        self._rate = rate
        # The braces keep all of them on one machine of a Redis cluster.
        self._prefix = f"bitstamp_ledger:{{{self.name}}}:"
        self._local = rate.local_share()
        self._learned = Learned()
        self._next_local = 0.0
        self._redis: Any = None
        self._connected = False
        self._born: str | None = None
        self._away = False
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
        self._away = True
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
        self._join = connection.register_script(_lua.JOIN)
        self._leave = connection.register_script(_lua.LEAVE)
        self._pause = connection.register_script(_lua.PAUSE)
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
        if self._away:
            self._away = False
            log.warning("the shared budget of %s is back: all count together again", self.name)

    # -- the windows

    def _counting(self, name: str, connection: Any, part: float) -> RateBudget:  # noqa: ANN401
        rates = rates_of(self._rate.per_second * part, self._rate.per_ten_minutes * part)
        bucket = _bucket_class()(rates, connection, name, self._put_script)
        bucket.offset_ms = self._offset_ms
        return RateBudget(bucket=bucket)

    def take_of_address(self, priority: Priority, ahead: int) -> bool:
        """Take a request out of the windows of the address; say whether there was room.

        Args:
            priority: how far the windows may be filled.
            ahead: for how many others there must be room as well.
        """
        return self._address_budgets[priority].take(f"{ahead} ahead") == 0

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
        now = time.monotonic()
        part = self.local_part()
        if part < 1 and now < self._next_local:
            return self._next_local - now
        wait_s = self._local.take()
        if not wait_s and part < 1:
            # One after the other, at a part of the steady rate, until the whole is regained.
            requests, window_ms = self._rate.local_limit()
            self._next_local = now + window_ms / 1_000 / requests / part
        return wait_s

    def local_part(self) -> float:
        """Return the part of its own share that refusals left to this process."""
        return self._learned.part(time.monotonic() * 1_000)

    # -- turns and pauses

    def join(self, account: str, priority: Priority) -> tuple[int, int, int, float, bool]:
        """Wait in line.

        Returns:
            Pause and cold time (in ms, or negative), how many are ahead, the part of the budget
            that refusals left, and whether to let the first go before whatever room there is.
        """
        names = ("pause", "cold", "seen", "turns", "waiting0", "waiting1", "waiting2", LEARNED)
        keys = [self._key(name) for name in (*names, f"served{int(priority)}")]
        args = [account, int(priority), FORGOTTEN_AFTER_MS, self._lead, THERE_MS]
        pause_ms, cold_ms, ahead, part, held = map(int, self._join(keys=keys, args=args))
        return pause_ms, cold_ms, ahead, part / 1_000, held == 1

    def leave(self, account: str, priority: Priority) -> None:
        """Leave the line, having been served."""
        names = ("seen", "turns", "waiting0", "waiting1", "waiting2", "address")
        keys = [self._key(name) for name in (*names, f"served{int(priority)}")]
        self._leave(keys=keys, args=[account, int(priority)])

    def pause(self, asked_for_s: float | None) -> None:
        """Let nobody send for a while, and then at half the rate, which grows back slowly.

        The pause doubles with each refusal within ten minutes.
        """
        if not self.reachable() or not self._pause_all(asked_for_s or 0.0):
            self._pause_here(asked_for_s or 0.0)

    def _pause_all(self, asked_for_s: float) -> bool:
        keys = [self._key("pause"), self._key("strikes"), self._key(LEARNED)]
        try:
            paused_ms, left = map(int, self._pause(keys=keys, args=[asked_for_s * 1_000]))
        except self.errors as exc:
            self.lost(exc)
            return False
        if paused_ms:
            log.warning(
                "%s is paused for %.0f s: too fast; it goes on with %.0f %% of its budget",
                self.name,
                paused_ms / 1_000,
                left / 10,
            )
            # Should Redis be away next, this process has learned as well.
            self._learned.refused(time.monotonic() * 1_000, paused_ms)
        return True

    def _pause_here(self, asked_for_s: float) -> None:
        if self.paused_s() > 0:
            return
        self._strikes += 1
        pause_ms = min(PAUSE_FIRST_MS * 2.0 ** min(self._strikes - 1, 10), PAUSE_MAX_MS)
        pause_s = max(pause_ms / 1_000, asked_for_s)
        now = time.monotonic()
        self._paused_until = now + pause_s
        left = self._learned.refused(now * 1_000, pause_s * 1_000)
        log.warning(
            "this worker pauses for %.0f s: too fast; it goes on with %.0f %% of its share",
            pause_s,
            left * 100,
        )

    def paused_s(self) -> float:
        """Return how long this process pauses by itself."""
        return self._paused_until - time.monotonic()

    def _key(self, name: str) -> str:
        return self._prefix + name


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

    return _lua.BY_THE_CLOCK_OF_REDIS + str(LuaScript.PUT_ITEM)


def _bucket_class() -> Any:  # noqa: ANN401 - made of a class that is imported late
    from pyrate_limiter import RedisBucket  # noqa: PLC0415 - slow to import

    class Bucket(RedisBucket):
        """The limiter's bucket; see `BY_THE_CLOCK_OF_REDIS`."""

        offset_ms = 0

        def leak(self, current_timestamp: int | None = None) -> int | Awaitable[int]:
            # Only tidying up; clocks may have drifted apart since they were compared.
            at = (current_timestamp or 0) + self.offset_ms - DRIFT_MS
            return super().leak(at)

    return Bucket


_desks: dict[tuple["SharedRate", str], Desk] = {}
_desks_lock = threading.Lock()


def desk_of(rate: "SharedRate", egress: str) -> Desk:
    with _desks_lock:
        if (rate, egress) not in _desks:
            _desks[rate, egress] = Desk(rate, egress)
        return _desks[rate, egress]


def _forget_desks() -> None:
    """Begin anew in a forked process: its parent's locks may be held for ever."""
    global _desks, _desks_lock
    _desks, _desks_lock = {}, threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_desks)
