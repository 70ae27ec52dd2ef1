"""Takers of a shared budget, in threads and in processes of their own."""

import time

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
