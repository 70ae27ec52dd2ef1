"""One rate budget for all workers: windows, turns, priorities, pauses, and Redis away."""

import logging
import threading
import time
import uuid
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import pytest

import bitstamp_ledger as bl
from bitstamp_ledger.fleet import Priority, SharedBudget, SharedRate, _budget
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
    assert len(counted) >= 20


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


def test_a_large_account_does_not_starve_small_ones(redis_server: RedisServer) -> None:
    """Whoever was served goes to the end of the line, however many threads it waits with."""
    rate = rate_of(redis_server, per_second=60)
    large = rate.budget("large")
    took: Counter[str] = Counter()
    adding = threading.Lock()

    def take(name: str, budget: SharedBudget) -> None:
        count = len(takers.take_for(budget, 2.0))
        with adding:
            took[name] += count

    with ThreadPoolExecutor(32) as pool:
        for _ in range(16):
            pool.submit(take, "large", large)
        for number in range(12):
            pool.submit(take, f"small {number}", rate.budget(f"small {number}"))
    small = [count for name, count in took.items() if name != "large"]
    assert len(small) == 12
    # Thirteen accounts, some hundred requests: each gets its part.  With its sixteen threads the
    # large one would take more than all others together; a slow machine may give it a few more.
    assert min(small) >= 4
    assert took["large"] < sum(small)


def take_in_threads(rate: SharedRate, takers_of: dict[Priority, int]) -> Counter[Priority]:
    """Let accounts of each class take side by side; return how often each class could."""
    budgets = [
        (priority, rate.budget(f"{priority.name} {number}", priority=priority))
        for priority, count in takers_of.items()
        for number in range(count)
    ]
    took: Counter[Priority] = Counter()
    with ThreadPoolExecutor(len(budgets)) as pool:
        taken = [
            (priority, pool.submit(takers.take_for, budget, 2.0)) for priority, budget in budgets
        ]
        for priority, instants in taken:
            took[priority] += len(instants.result())
    return took


def test_people_are_served_first_and_nobody_starves(redis_server: RedisServer) -> None:
    """Routine work waits while people do, but each tenth turn is its own."""
    rate = rate_of(redis_server, per_second=40)
    took = take_in_threads(rate, {Priority.PERSON: 12, Priority.ROUTINE: 24})
    assert took[Priority.PERSON] > 4 * took[Priority.ROUTINE]
    enough_turns = took[Priority.PERSON] >= 20  # A machine that is busy otherwise has fewer.
    assert took[Priority.ROUTINE] > 0 or not enough_turns


def test_each_tenth_turn_is_for_who_waits_last(redis_server: RedisServer) -> None:
    """Only for the lowest class that waits: the others have their turns."""
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
    assert ahead_of(10) == in_line


def test_a_person_who_comes_late_does_not_wait_for_bulk_work(redis_server: RedisServer) -> None:
    """Thirty accounts keep the window of the second full when the person comes."""
    rate = rate_of(redis_server, per_second=40)

    def waited() -> float:
        time.sleep(1.1)
        budget = rate.budget("person", priority=Priority.PERSON)
        began = time.monotonic()
        while budget.take():
            time.sleep(0.005)
        return time.monotonic() - began

    with ThreadPoolExecutor(1) as pool:
        person = pool.submit(waited)
        took = take_in_threads(rate, {Priority.BULK: 30})
        assert person.result() < 1.0
    assert took[Priority.BULK] > 40


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
    monkeypatch.setattr(_budget, "FORGOTTEN_AFTER_MS", 200)
    rate = rate_of(redis_server)
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
