"""Takers of a shared budget, in threads and in processes of their own."""

import threading
import time
from collections.abc import Mapping

import attrs

from bitstamp_ledger.fleet import Priority, SharedBudget, SharedRate


def take_for(budget: SharedBudget, seconds: float) -> list[float]:
    """Take as often as the budget allows; return the instants, by the machine's clock."""
    taken = []
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        wait_s = budget.take()
        if wait_s:
            time.sleep(wait_s)
        else:
            taken.append(time.time())
    return taken


def most_within(instants: list[float], window_s: float) -> int:
    """Return the most instants in any window of this length."""
    ordered, most, first = sorted(instants), 0, 0
    for last, at in enumerate(ordered):
        while ordered[first] <= at - window_s:
            first += 1
        most = max(most, last - first + 1)
    return most


def take_as(rate: SharedRate, account: str, seconds: float) -> int:
    """Take for an account, in a process of its own; return how often it could."""
    # What a process imports and opens at first takes longer than a busy machine has here.
    attrs.evolve(rate, exchange=f"{rate.exchange} before").budget(account).take()
    return len(take_for(rate.budget(account, priority=Priority.PERSON), seconds))


def take_together(
    rate: SharedRate, threads_of: Mapping[str, int], total: int
) -> list[tuple[int, str]]:
    """Take for several accounts at once until so many have left in all; return who took which.

    Another process must do the same: neither begins before the other is there.
    """
    import redis  # noqa: PLC0415 - optional

    assert rate.redis is not None
    server = redis.Redis.from_url(rate.redis)
    budgets = {name: rate.budget(name) for name in threads_of}
    taken: list[tuple[int, str]] = []

    def take(name: str) -> None:
        number = 0
        while number < total:
            wait_s = budgets[name].take()
            if wait_s:
                time.sleep(wait_s)
                number = int(server.get(f"{rate.exchange} taken") or 0)
            else:
                number = int(server.incr(f"{rate.exchange} taken"))
                taken.append((number, name))

    threads = [
        threading.Thread(target=take, args=(name,))
        for name, count in threads_of.items()
        for _ in range(count)
    ]
    server.incr(f"{rate.exchange} there")
    while int(server.get(f"{rate.exchange} there") or 0) < 2:
        time.sleep(0.001)
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    server.close()
    return taken
