from collections.abc import Iterator

import pytest

from bitstamp_ledger.sandbox import Sandbox
from tests.sandbox.signed_calls import clock


@pytest.fixture
def sandbox() -> Sandbox:
    """A sandbox that does not serve; its clock stands still just after the history's end."""
    return Sandbox(seed=1, transactions=300, clock=clock)


@pytest.fixture
def served() -> Iterator[Sandbox]:
    """A sandbox that serves."""
    with Sandbox(seed=1, transactions=300, clock=clock) as running:
        yield running
