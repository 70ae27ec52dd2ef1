from collections.abc import Iterator

import pytest

from bitstamp_ledger.sandbox import READ_PERMISSIONS, Sandbox
from tests.keycheck.players import Check, check_async, check_blocking, quick_sandbox


@pytest.fixture(params=[check_blocking, check_async], ids=["blocking", "async"])
def check(request: pytest.FixtureRequest) -> Check:
    """A check by either client."""
    checker: Check = request.param
    return checker


@pytest.fixture(scope="session")
def served() -> Iterator[Sandbox]:
    """A local exchange with a short history; starting one for each test would take too long."""
    with quick_sandbox() as running:
        yield running


@pytest.fixture
def sandbox(served: Sandbox) -> Sandbox:
    """The local exchange as if it had just been started."""
    served.faults.clear()
    served.faults.clock_offset_s = 0.0
    served.faults.denial_in_words = False
    served.set_flags(served.key)
    served.set_permissions(served.key, *READ_PERMISSIONS)
    served._exchange.requests.clear()
    served._exchange.writes.clear()
    return served
