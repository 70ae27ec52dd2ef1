"""One rate budget for all workers: windows, turns, priorities, pauses, and Redis away."""

import logging
import os
import signal
import threading
import time
import uuid
from collections import Counter
from concurrent.futures import ProcessPoolExecutor

import pytest

import bitstamp_ledger as bl
from bitstamp_ledger.fleet import Priority, SharedBudget, SharedRate, _desk
from bitstamp_ledger.fleet._policy import Learned
from bitstamp_ledger.sandbox import Sandbox
from tests.fleet import takers
from tests.fleet.conftest import RedisServer


def rate_of(
    server: RedisServer, *, per_second: int = 50, per_ten_minutes: int = 6_000
) -> SharedRate:
    return SharedRate(
        redis=server.url,
        per_second=per_second,
        per_ten_minutes=per_ten_minutes,
        workers=2,
        exchange=uuid.uuid4().hex,
    )


@pytest.mark.parametrize(("per_second", "per_ten_minutes"), [(40, 6_000), (300, 60)])
def test_processes_share_both_windows(
    redis_server: RedisServer,
    pool: ProcessPoolExecutor,
    per_second: int,
    per_ten_minutes: int,
) -> None:
    """Two processes that know nothing of each other stay below the limits together."""
    rate = rate_of(redis_server, per_second=per_second, per_ten_minutes=per_ten_minutes)
    both = [pool.submit(takers.take_as, rate, account, 1.5) for account in ("one", "two")]
    taken = [each.result(timeout=30) for each in both]
    counted = redis_server.client.zrange(
        f"bitstamp_ledger:{{{rate.exchange}/default}}:address", 0, -1, withscores=True
    )
    assert all(taken)
    instants_s = [score / 1_000 for _, score in counted]
    assert takers.most_within(instants_s, 1.0) <= per_second
    assert takers.most_within(instants_s, 600.0) <= per_ten_minutes
    assert len(counted) == sum(taken)


def test_a_worker_whose_clock_is_behind_counts_what_others_sent(
    redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock is that of Redis: by its own, the others' requests would lie in the future."""
    rate = rate_of(redis_server, per_second=300, per_ten_minutes=20)
    budget = rate.budget("a", priority=Priority.PERSON)
    assert [budget.take() for _ in range(12)] == [0.0] * 12
    late = time.time_ns() - 30_000_000_000
    monkeypatch.setattr("pyrate_limiter.buckets.redis_bucket.time_ns", lambda: late)
    assert [budget.take() for _ in range(8)] == [0.0] * 8
    assert budget.take() > 0


def test_a_key_has_windows_of_its_own(redis_server: RedisServer) -> None:
    """Whichever addresses its requests leave from."""
    rate = rate_of(redis_server, per_second=10)
    here = rate.budget("a", egress="here", key="k", priority=Priority.PERSON)
    there = rate.budget("b", egress="there", key="k", priority=Priority.PERSON)
    other = rate.budget("c", egress="there", key="another", priority=Priority.PERSON)
    assert [here.take() for _ in range(6)] == [0.0] * 6
    assert [there.take() for _ in range(4)] == [0.0] * 4
    assert there.take() > 0
    assert other.take() == 0
    assert redis_server.client.pttl(f"bitstamp_ledger:{{{rate.exchange}:key:k}}") > 0


def desk_in_touch(rate: SharedRate) -> _desk.Desk:
    desk = rate.budget("any")._desk
    assert desk.reachable()
    return desk


class Line:
    """Accounts that always want more, in one line; turns are counted, and no time passes."""

    def __init__(self, rate: SharedRate, takers_of: dict[str, Priority]) -> None:
        self._desk = desk_in_touch(rate)
        self._takers = takers_of

    def first(self) -> str:
        """Let everybody ask; return who is at the head: in the tenth turn, of the last class."""
        # Twice: who asked before another had come is told anew.
        for name, each in self._takers.items():
            self._desk.join(name, each)
        ahead = {name: self._desk.join(name, each)[2] for name, each in self._takers.items()}
        heads = [name for name, others in ahead.items() if others == 0]
        return max(heads, key=lambda name: self._takers[name])

    def turns(self, count: int) -> Counter[str]:
        """Give so many turns, each to who is at the head."""
        took: Counter[str] = Counter()
        for _ in range(count):
            name = self.first()
            self._desk.leave(name, self._takers[name])
            took[name] += 1
        return took


def test_a_large_account_does_not_starve_small_ones(redis_server: RedisServer) -> None:
    """Whoever was served goes to the end of the line, however many threads it waits with."""
    names = ["large", *(f"small {number}" for number in range(12))]
    line = Line(rate_of(redis_server), dict.fromkeys(names, Priority.ROUTINE))
    assert line.turns(65) == dict.fromkeys(names, 5)


def test_accounts_that_wait_at_once_have_equal_shares(
    redis_server: RedisServer, pool: ProcessPoolExecutor
) -> None:
    """Two processes of threads that compete; counted from when the first window was full."""
    per_second, total = 60, 360
    rate = rate_of(redis_server, per_second=per_second)
    threads_of = {"large": 12, "a": 1, "b": 1}, {"c": 1, "d": 4, "e": 1}
    both = [pool.submit(takers.take_together, rate, each, total) for each in threads_of]
    took = [name for _, name in sorted(takes for each in both for takes in each.result(timeout=60))]
    counted = Counter(took[per_second:total])
    assert set(counted) == {"large", *"abcde"}
    # 50 each.  By chance, one had three times what another had.
    assert max(counted.values()) <= 70, counted
    assert min(counted.values()) >= 30, counted


def test_the_threads_of_an_account_wait_as_one(redis_server: RedisServer) -> None:
    """Sixteen that ask for a large account are one in the line, as is one of a small account."""
    desk = desk_in_touch(rate_of(redis_server))
    for _ in range(16):
        desk.join("large", Priority.ROUTINE)
    assert desk.join("small", Priority.ROUTINE)[2] == 1


def test_people_are_served_first_and_nobody_starves(redis_server: RedisServer) -> None:
    """Routine work waits while people do, but each tenth turn is its own."""
    people = {f"person {number}": Priority.PERSON for number in range(6)}
    others = {f"routine {number}": Priority.ROUTINE for number in range(12)}
    took = Line(rate_of(redis_server), people | others).turns(60)
    assert sum(took[name] for name in people) == 54
    assert sum(took[name] for name in others) == 6


def test_each_tenth_turn_is_for_who_waits_last(redis_server: RedisServer) -> None:
    """Only for the lowest class that waits, and until it comes: the others have their turns."""
    rate = rate_of(redis_server)
    desk = rate.budget("a")._desk
    assert desk.reachable()

    def ahead_of(turn: int) -> dict[Priority, int]:
        redis_server.client.set(f"bitstamp_ledger:{{{rate.exchange}/default}}:turns", turn)
        return {each: desk.join(f"last of {each.name}", each)[2] for each in Priority}

    for priority in Priority:
        for number in range(20):
            desk.join(f"{priority.name} {number}", priority)
    in_line = {Priority.PERSON: 20, Priority.ROUTINE: 41, Priority.BULK: 62}
    assert ahead_of(8) == in_line
    assert ahead_of(9) == in_line | {Priority.BULK: 20}
    # It asks too seldom to be there just in its turn.
    assert ahead_of(10) == in_line | {Priority.BULK: 20}
    for number in range(10):
        desk.leave(f"PERSON {number}", Priority.PERSON)
    assert int(redis_server.client.get(f"bitstamp_ledger:{{{rate.exchange}/default}}:turns")) == 20
    desk.leave("BULK 0", Priority.BULK)
    assert int(redis_server.client.get(f"bitstamp_ledger:{{{rate.exchange}/default}}:turns")) == 11


def test_turns_that_nobody_waits_for_are_not_owed(redis_server: RedisServer) -> None:
    """A class that comes after hours of others' work has a tenth, and not all that it missed."""
    rate = rate_of(redis_server)
    desk = desk_in_touch(rate)
    turns = f"bitstamp_ledger:{{{rate.exchange}/default}}:turns"
    for _ in range(30):
        desk.join("person", Priority.PERSON)
        desk.leave("person", Priority.PERSON)
    assert redis_server.client.get(turns) == b"0"
    desk.join("bulk", Priority.BULK)
    for _ in range(150):
        desk.join("person", Priority.PERSON)
        desk.leave("person", Priority.PERSON)
    assert redis_server.client.get(turns) == b"100"


def test_room_for_those_ahead_is_left_to_them(redis_server: RedisServer) -> None:
    """Even if they do not ask just then: who is quicker takes no more than its share."""
    rate = rate_of(redis_server, per_second=300, per_ten_minutes=10)
    budget = {name: rate.budget(name, priority=Priority.PERSON) for name in "abcd"}
    desk = desk_in_touch(rate)
    for name in "abc":
        desk.join(name, Priority.PERSON)
    assert taken_at_once(budget["d"]) == 7
    assert [budget[name].take() for name in "abc"] == [0.0] * 3
    assert budget["d"].take() > 0


def test_who_is_quicker_waits_for_the_first_also_where_there_is_room(
    redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be ahead by what leaves while the first sleeps; but who is gone holds nobody up."""
    monkeypatch.setattr(_desk, "THERE_MS", 60_000)
    rate = rate_of(redis_server)
    quick = rate.budget("quick", priority=Priority.PERSON)
    desk = desk_in_touch(rate)
    desk.join("second", Priority.PERSON)
    for first, second in (("second", "first"), ("first", "second"), ("second", "first")):
        desk.join(second, Priority.PERSON)
        assert taken_at_once(quick) == 2
        desk.leave(first, Priority.PERSON)
    monkeypatch.setattr(_desk, "THERE_MS", 0)
    assert taken_at_once(quick) > 2


def test_a_person_who_comes_late_does_not_wait_for_bulk_work(redis_server: RedisServer) -> None:
    """Thirty wait already; whoever comes for a person is at the head."""
    desk = desk_in_touch(rate_of(redis_server))
    for number in range(30):
        assert desk.join(f"bulk {number}", Priority.BULK)[2] == number
    assert desk.join("person", Priority.PERSON)[2] == 0
    assert desk.join("bulk 0", Priority.BULK)[2] == 1


def test_people_find_room_that_bulk_work_must_leave(redis_server: RedisServer) -> None:
    """Even when bulk work has used all of its ten minutes."""
    rate = rate_of(redis_server, per_second=300, per_ten_minutes=50)
    bulk = rate.budget("bulk", priority=Priority.BULK)
    routine = rate.budget("routine", priority=Priority.ROUTINE)
    person = rate.budget("person", priority=Priority.PERSON)
    assert [bulk.take() for _ in range(40)] == [0.0] * 40
    assert bulk.take() > 0
    assert [routine.take() for _ in range(5)] == [0.0] * 5
    assert routine.take() > 0
    assert [person.take() for _ in range(5)] == [0.0] * 5
    assert person.take() > 0


def test_a_refusal_that_one_worker_met_pauses_all(redis_server: RedisServer) -> None:
    """Over real HTTP: the exchange says 400.002 to one client, and the other waits as well."""
    rate = rate_of(redis_server)
    first, second = rate.budget("first"), rate.budget("second")
    elsewhere = rate.budget("third", egress="elsewhere")
    with Sandbox(seed=1, transactions=5) as sandbox:
        sandbox.faults.rate_limit_next()
        key = bl.Credentials(key=sandbox.key, secret=sandbox.secret)
        once = bl.RetryPolicy(attempts_max=1)
        with (
            bl.Client(key, base_url=sandbox.url, budget=first, retry=once) as client,
            pytest.raises(bl.RateLimitedError),
        ):
            client.balances()
    assert first.counts.refusals == 1
    assert "all that leave by the same address paused" in first.notices[0]
    assert second.take() > 0.5
    assert elsewhere.take() == 0
    # A second refusal of those that were under way is not a second offence; a later one is.
    second.refused(None)
    prefix = f"bitstamp_ledger:{{{rate.exchange}/default}}:"
    assert redis_server.client.pttl(f"{prefix}pause") <= 5_000
    redis_server.client.delete(f"{prefix}pause")
    second.refused(None)
    assert 9_000 < redis_server.client.pttl(f"{prefix}pause") <= 10_000
    redis_server.client.delete(f"{prefix}pause")
    second.refused(90.0)
    assert 80_000 < redis_server.client.pttl(f"{prefix}pause") <= 90_000


def learned(rate: SharedRate) -> str:
    return f"bitstamp_ledger:{{{rate.exchange}/default}}:address:learned"


def later(server: RedisServer, rate: SharedRate, hours: float) -> None:
    """Let the refusal, its pause and what was counted since be that much longer ago."""
    prefix = f"bitstamp_ledger:{{{rate.exchange}/default}}:"
    server.client.delete(f"{prefix}pause", f"{prefix}address")
    at = float(server.client.hget(learned(rate), "at"))
    server.client.hset(learned(rate), "at", f"{at - hours * 3_600_000:.0f}")


def taken_at_once(budget: SharedBudget) -> int:
    """How many requests may leave before the first must wait."""
    for number in range(1_000):
        if budget.take():
            # It has had its turns, and does not wait for more.
            budget._desk.leave(budget._account, budget._priority)
            budget._ask_again_at = 0.0
            return number
    raise AssertionError("there is no end")


def test_a_refusal_teaches_all_a_lower_rate_that_grows_back(redis_server: RedisServer) -> None:
    """Half of it at once, in any ten seconds; all of it only after an hour; and it is told."""
    # 60 in ten seconds are the steady rate of 3,600 in ten minutes.
    rate = rate_of(redis_server, per_second=390, per_ten_minutes=3_600)
    before = rate.budget("before", priority=Priority.PERSON)
    assert [before.take() for _ in range(90)] == [0.0] * 90
    rate.budget("who met it").refused(None)
    later(redis_server, rate, 5 / 3_600)
    second = rate.budget("another", priority=Priority.PERSON)
    assert taken_at_once(second) == 30
    assert second.counts.slowest == 0.5
    assert "has part of its budget" in second.notices[0]
    later(redis_server, rate, 0.5)
    assert taken_at_once(rate.budget("half an hour later", priority=Priority.PERSON)) == 45
    later(redis_server, rate, 0.5)
    healed = rate.budget("an hour later", priority=Priority.PERSON)
    assert [healed.take() for _ in range(90)] == [0.0] * 90
    assert healed.counts.slowest == 1.0
    assert healed.notices == ()


def test_each_further_refusal_halves_what_is_left(redis_server: RedisServer) -> None:
    """Down to a thirty-second of the budget, and not to nothing."""
    rate = rate_of(redis_server, per_second=390, per_ten_minutes=9_600)
    budget = rate.budget("a", priority=Priority.PERSON)
    found = []
    for _ in range(7):
        budget.refused(None)
        later(redis_server, rate, 0.0)
        found.append(taken_at_once(budget))
    assert found == [80, 40, 20, 10, 5, 5, 5]


def learned_elsewhere(rate: SharedRate) -> tuple[int, float]:
    budget = rate.budget("elsewhere", priority=Priority.PERSON)
    return taken_at_once(budget), budget.counts.slowest


def test_other_processes_have_learned_it_too(
    redis_server: RedisServer, pool: ProcessPoolExecutor
) -> None:
    """What one met, a process that knows nothing of it keeps to."""
    rate = rate_of(redis_server, per_second=390, per_ten_minutes=3_600)
    rate.budget("a").refused(None)
    later(redis_server, rate, 5 / 3_600)
    assert pool.submit(learned_elsewhere, rate).result(timeout=30) == (30, 0.5)


def test_what_refusals_teach_follows_the_clock_it_is_given() -> None:
    """The same rule as in Redis, for a worker by itself."""
    learned = Learned()
    assert learned.part(0) == 1
    assert learned.refused(1_000, 5_000) == 0.5
    assert learned.part(6_000) == 0.5
    assert learned.part(6_000 + 1_800_000) == 0.75
    assert learned.refused(6_000 + 1_800_000, 0) == 0.375
    assert learned.part(6_000 + 1_800_000 + 7_200_000) == 1
    assert [learned.refused(0, 0) for _ in range(9)][-1] == 1 / 32


def test_a_worker_by_itself_slows_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without Redis; one request after the other at half of its share."""
    now = [1_000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    rate = SharedRate(per_ten_minutes=6_000, exchange=uuid.uuid4().hex)
    budget = rate.budget("a")
    budget.refused(None)
    assert budget.take() > 0
    now[0] += 5.001
    assert [budget.take(), budget.take()] == [0.0, pytest.approx(0.2, abs=0.01)]
    assert budget.counts.slowest == pytest.approx(0.5, abs=0.001)


def test_redis_that_comes_back_is_used_again(
    redis_server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    """It still knows what left before, so nobody waits ten minutes; and both changes are told."""
    rate = rate_of(redis_server)
    budget = rate.budget("a", priority=Priority.PERSON)
    assert budget.take() == 0
    caplog.set_level(logging.WARNING)
    os.kill(redis_server.process.pid, signal.SIGSTOP)
    try:
        assert budget.take() == 0
    finally:
        os.kill(redis_server.process.pid, signal.SIGCONT)
    assert (budget.counts.shared, budget.counts.local) == (1, 1)
    assert budget.take() == 0  # It is not asked at once: a worker must not stumble each time.
    assert budget.counts.local == 2
    budget._desk._away_until = 0.0
    assert budget.take() == 0
    assert (budget.counts.shared, budget.counts.local) == (2, 2)
    assert [word in caplog.text for word in ("cannot be reached", "is back")] == [True, True]
    assert budget._desk.join("a", Priority.PERSON)[1] < 0


def test_without_redis_a_worker_slows_to_a_safe_share_and_says_so(
    redis_server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    """All shares and the budget together stay within what the exchange documents."""
    rate = rate_of(redis_server, per_second=390, per_ten_minutes=9_980)
    budget = rate.budget("a", priority=Priority.PERSON)
    assert budget.take() == 0
    redis_server.stop()
    caplog.set_level(logging.WARNING)
    taken = [budget.take() for _ in range(8)]
    # Ten a second are left above the budget, and there are two workers.
    assert taken[:5] == [0.0] * 5
    assert all(wait_s > 0 for wait_s in taken[5:])
    assert budget.counts.local == 5
    assert "could not be reached: 5 requests left on this worker's own share" in budget.notices[0]
    assert caplog.text.count("cannot be reached") == 1


def test_a_redis_that_was_never_there_is_no_error() -> None:
    """The work begins on the local share."""
    rate = SharedRate(redis="unix:///nowhere/redis.socket", workers=4)
    budget = rate.budget("a")
    assert budget.take() == 0
    assert budget.counts.local == 1


def test_a_redis_that_forgot_is_not_trusted_for_ten_minutes(redis_server: RedisServer) -> None:
    """It was started anew: what left before is in nobody's windows."""
    rate = rate_of(redis_server)
    budget = rate.budget("a")
    assert budget.take() == 0
    redis_server.client.flushall()
    budget._desk.lost(OSError())
    budget._desk._away_until = 0.0
    other = rate.budget("b")
    assert [budget.take(), other.take()] == [0.0, 0.0]
    assert (budget.counts.local, other.counts.local) == (1, 1)
    assert redis_server.client.pttl(f"bitstamp_ledger:{{{rate.exchange}/default}}:cold") > 590_000


def test_who_gave_up_waiting_does_not_hold_others_up(
    redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that was killed in the line is forgotten."""
    monkeypatch.setattr(_desk, "FORGOTTEN_AFTER_MS", 200)
    rate = rate_of(redis_server, per_second=10)
    dead = rate.budget("dead")
    assert dead.take() == 0
    for number in range(20):
        dead._desk.join(f"dead {number}", Priority.PERSON)
    alive = rate.budget("alive")
    assert alive.take() > 0
    until = time.monotonic() + 10
    while alive.take():
        assert time.monotonic() < until
        time.sleep(0.02)


@pytest.mark.parametrize("workers", [1, 2, 40, 390, 1_000, 20_000])
@pytest.mark.parametrize("redis", [None, "unix:///nowhere"])
def test_local_shares_add_up_to_less_than_the_limit(redis: str | None, workers: int) -> None:
    """However many workers there are; one of less than a request waits longer than a window."""
    rate = SharedRate(redis=redis, workers=workers)
    above = {
        1_000: 400 - rate.per_second if redis else rate.per_second,
        600_000: 10_000 - rate.per_ten_minutes if redis else rate.per_ten_minutes,
    }
    rates = rate.local_share()._bucket.rates
    for window_ms, limit in above.items():
        # Of several rates all must hold, so the strictest one says what can leave in a window.
        most = min(each.limit * -(-window_ms // each.interval) for each in rates)
        assert most * workers <= max(limit, workers)
        steady = min(each.limit / each.interval for each in rates) * workers
        assert steady <= limit / window_ms * 1.0001


def test_a_budget_serves_one_thread_of_an_account_at_a_time(redis_server: RedisServer) -> None:
    """The others come back a moment later; none of them waits in a lock."""
    budget = rate_of(redis_server).budget("a")
    budget._asking.acquire()
    try:
        began = time.monotonic()
        assert budget.take() > 0
        assert time.monotonic() - began < 0.05
    finally:
        budget._asking.release()
    assert threading.active_count() >= 1
    assert budget.take() == 0
