"""Schedules: regular, spread, the same for every coordinator; and metrics of what was done."""

import datetime as dt
import itertools
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitstamp_ledger import fleet

START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
JOBS = [fleet.Job(account=f"a{number}", ledger="l.db") for number in range(300)]
WEEK = dt.timedelta(days=7)


def test_each_account_is_due_once_in_each_period_and_they_are_spread() -> None:
    """A tenth of the accounts comes in a tenth of the period, more or less."""
    plan = fleet.plan(JOBS, every=WEEK, jitter=0)
    due = plan.between(START, START + WEEK)
    assert Counter(each.job.account for each in due) == {job.account: 1 for job in JOBS}
    in_tenths = Counter((each.at - START) // (WEEK / 10) for each in due)
    assert all(15 <= in_tenths[tenth] <= 50 for tenth in range(10))
    assert list(due) == sorted(due, key=lambda each: each.at)


def test_the_times_of_an_account_vary_by_the_jitter_and_no_more() -> None:
    """So that no pattern of load builds up, and no account is forgotten for long."""
    plan = fleet.plan(JOBS[:20], every=dt.timedelta(hours=10), jitter=0.2)
    due = plan.between(START, START + dt.timedelta(hours=1_000))
    for job in JOBS[:20]:
        times = [each.at for each in due if each.job is job]
        gaps = {after - before for before, after in itertools.pairwise(times)}
        assert len(gaps) > 50
        assert all(dt.timedelta(hours=8) <= gap <= dt.timedelta(hours=12) for gap in gaps)


@given(
    cuts=st.lists(st.integers(0, 400), max_size=6),
    jitter=st.sampled_from([0.0, 0.1, 0.99]),
    hours=st.integers(5, 90),
)
def test_stretches_that_join_miss_nothing_and_double_nothing(
    cuts: list[int], jitter: float, hours: int
) -> None:
    """Wherever a coordinator was stopped and another one began."""
    plan = fleet.plan(JOBS[:4], every=dt.timedelta(hours=hours), jitter=jitter)
    at = [START + dt.timedelta(hours=each) for each in sorted({0, 400, *cuts})]
    pieces = [each for a, b in itertools.pairwise(at) for each in plan.between(a, b)]
    assert tuple(pieces) == plan.between(at[0], at[-1])


def test_what_cannot_be_a_plan_is_refused() -> None:
    """Clearly, and before anything is due."""
    with pytest.raises(ValueError, match="a period"):
        fleet.plan(JOBS, every=dt.timedelta(0))
    with pytest.raises(ValueError, match="below 1"):
        fleet.plan(JOBS, every=WEEK, jitter=1)
    with pytest.raises(ValueError, match="with a zone"):
        fleet.plan(JOBS, every=WEEK).between(START.replace(tzinfo=None), START)


def test_a_plan_says_what_it_costs() -> None:
    """To be compared with the capacity of an address."""
    assert fleet.plan(JOBS, every=dt.timedelta(minutes=5)).requests_per_second(4) == 4.0


def test_results_are_told_to_open_telemetry(monkeypatch: pytest.MonkeyPatch) -> None:
    """With what alerts need: state of the key, kind of the error; and nothing private."""
    metrics = pytest.importorskip("opentelemetry.metrics", reason="the API is not installed")
    told: list[tuple[str, float, dict[str, object]]] = []

    class Instrument:
        def __init__(self, name: str) -> None:
            self.name = name

        def add(self, amount: float, attributes: dict[str, object]) -> None:
            told.append((self.name, amount, attributes))

        record = add

    class Meter:
        def __getattr__(self, kind: str) -> Any:
            return lambda name, **_: Instrument(name)

    monkeypatch.setattr(metrics, "get_meter", lambda *_: Meter())
    job = fleet.Job(account="customer 17", ledger="sqlite://")
    with ThreadPoolExecutor(1) as pool:
        fleet.run([job], fleet.Sync(), executor=pool).finish()
    names = {name for name, _, _ in told}
    assert names == {
        "bitstamp_ledger.fleet.jobs",
        "bitstamp_ledger.fleet.job.duration",
        "bitstamp_ledger.fleet.requests",
        "bitstamp_ledger.fleet.budget.wait",
        "bitstamp_ledger.fleet.running",
    }
    (ended,) = [attributes for name, _, attributes in told if name.endswith(".jobs")]
    assert ended["status"] == "failed"
    assert ended["error"] == "CredentialsError"
    assert ended["key_state"] == "none"
    assert "customer 17" not in repr(told)
    assert sum(amount for name, amount, _ in told if name.endswith("running")) == 0


def test_without_open_telemetry_nothing_is_counted_and_nothing_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The package is optional."""
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    job = fleet.Job(account="a", ledger="sqlite://")
    with ThreadPoolExecutor(1) as pool:
        run = fleet.run([job], fleet.Reconcile(), executor=pool)
        assert run.finish().ok
    assert run._metrics._instruments == {}


def test_the_api_package_alone_takes_what_is_told() -> None:
    """Without a provider its instruments count nothing, and complain of nothing."""
    pytest.importorskip("opentelemetry.metrics", reason="the API is not installed")
    job = fleet.Job(account="a", ledger="sqlite://")
    with ThreadPoolExecutor(1) as pool:
        run = fleet.run([job], fleet.Reconcile(), executor=pool)
        assert run.finish().ok
    assert len(run._metrics._instruments) == 5
