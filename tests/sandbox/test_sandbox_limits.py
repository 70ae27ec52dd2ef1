"""Counting requests."""

import json

from hypothesis import given
from hypothesis import strategies as st

from bitstamp_ledger.sandbox import Limits, Sandbox
from tests.sandbox.signed_calls import ask, clock, code_of


@given(gaps=st.lists(st.sampled_from([0.0, 0.25, 0.5, 1.0, 300.0]), min_size=1, max_size=40))
def test_the_peaks_are_the_fullest_windows(gaps: list[float]) -> None:
    """A window ends at a request and reaches back so far, its far end not included."""
    limits = Limits()
    arrivals = []
    now = 0.0
    for gap in gaps:
        now += gap
        arrivals.append(now)
        limits.count(now)

    def fullest(length: float) -> int:
        return max(sum(end - length < at <= end for at in arrivals) for end in arrivals)

    assert limits.peak_1s == fullest(1.0)
    assert limits.peak_600s == fullest(600.0)


def test_the_documented_limits_hold_by_default() -> None:
    """400 in a second, 10,000 in ten minutes."""
    limits = Limits()
    burst = [limits.count(0.0) for _ in range(401)]
    steady = Limits()
    crowd = [steady.count(number * 0.05) for number in range(10_001)]

    assert burst == [True] * 400 + [False]
    assert crowd == [True] * 10_000 + [False]


def test_too_many_requests_are_refused_and_counted() -> None:
    """A refused request was sent too."""
    limits = Limits(per_1s=2, per_600s=3)
    seen = [limits.count(at) for at in (0.0, 0.1, 0.2, 5.0, 700.0)]

    assert seen == [True, True, False, False, True]
    assert (limits.peak_1s, limits.peak_600s) == (3, 4)


def test_the_refusal_can_have_either_status() -> None:
    """The documentation says 400, others have met 429."""
    sandbox = Sandbox(seed=1, transactions=5, clock=clock, limits=Limits(per_1s=1))
    first = ask(sandbox, "POST", "account_balances/")
    second = ask(sandbox, "POST", "account_balances/")
    sandbox.limits.status = 429
    third = ask(sandbox, "POST", "account_balances/")

    assert first.status == 200
    assert (second.status, code_of(second)) == (400, "400.002")
    assert (third.status, json.loads(third.body)["response_code"]) == (429, "400.002")
    assert sandbox.limits.peak_1s == 3
