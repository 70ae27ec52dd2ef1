"""The simulation of docs/explanation/capacity.md: its laws, on fleets small enough to wait for."""

import attrs
import pytest

pytest.importorskip("simpy", reason="SimPy is not installed")
from simulations import fleet as simulation

FLEET = simulation.Setting(accounts=400, per_ten_minutes=3_000, person_every_s=10.0)
NAIVE = attrs.evolve(simulation.NAIVE, accounts=1_500, person_every_s=10.0)


@pytest.fixture(scope="module")
def fleet() -> object:
    return simulation.simulate(FLEET)


@pytest.fixture(scope="module")
def naive() -> object:
    return simulation.simulate(NAIVE)


def test_a_fleet_never_exceeds_its_windows(fleet: simulation.Outcome) -> None:
    """And so is never refused."""
    assert fleet.refused == 0
    assert fleet.peak_1s <= 100
    assert fleet.peak_600s <= 3_000


def test_a_naive_queue_runs_into_the_limits(naive: simulation.Outcome) -> None:
    """The documented ones, which are higher than the fleet's budget; and people wait with all."""
    assert naive.refused > 0
    assert naive.peak_600s > 10_000
    assert naive.person_wait(0.5) > 60


def test_a_person_does_not_wait_for_the_fleet(fleet: simulation.Outcome) -> None:
    """Four requests, one after the other where they must be, and no queue before them."""
    assert len(fleet.person_waits) > 10
    assert fleet.person_wait(0.95) < 2.0


def test_large_accounts_do_not_starve_small_ones(fleet: simulation.Outcome) -> None:
    """Accounts that take few requests are whole long before the last."""
    small = fleet.when(0.95, requests_at_most=simulation.SMALL)
    assert small < fleet.whole_s / 2


def test_a_first_sync_takes_as_many_requests_as_pages_and_what_goes_with_them() -> None:
    """The same numbers that a real sync of a sandbox shows."""
    assert [simulation.requests_for(size) for size in (1, 900, 901, 1_000_000)] == [4, 4, 5, 1_115]
