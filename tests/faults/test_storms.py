"""The whole road through a few storms; ``python -m faults`` goes through as many as one likes."""

import os
from collections.abc import Iterator

import pytest

from bitstamp_ledger.sandbox import Faults
from faults._plan import ANSWERS, plan
from faults._run import Workers, run

SEEDS = (2, 6)
LIVES = 1
"""Of each seed; the soak goes on for longer."""

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="lives are forked")


@pytest.fixture(scope="module")
def workers() -> Iterator[Workers]:
    """One program that forks all lives."""
    with Workers() as started:
        yield started


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_is_lost_doubled_or_changed(workers: Workers, seed: int) -> None:
    """Whatever the network, the exchange, the disk, the clock and the system did."""
    result = run(seed, workers, lives_max=LIVES)
    assert result.wrong == (), "\n".join(result.journal)


@pytest.mark.parametrize(("lost", "noticed"), [("ledger", "lost: 1 of"), ("sink", "lack: 1 of")])
def test_a_record_that_is_lost_is_noticed(workers: Workers, lost: str, noticed: str) -> None:
    """A harness that cannot fail is a defect."""
    result = run(6, workers, lose=lost, lives_max=0)
    assert any(noticed in each for each in result.wrong)


def test_a_seed_says_all() -> None:
    """So that a run that failed can be had again."""
    assert plan(17) == plan(17)
    assert plan(17) != plan(18)


def test_each_fault_of_an_answer_is_drawn_sometime() -> None:
    """Those that the sandbox can make, and no less."""
    made = {name for name in vars(Faults) if name.endswith("_next")} - {"pass_next"}
    assert len(ANSWERS) == len(made) + 1  # A stall comes in two ways.
    drawn = {name for seed in range(300) for life in plan(seed).lives for name, *_ in life.spoilt}
    assert drawn == set(ANSWERS)
