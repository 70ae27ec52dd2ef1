from collections.abc import Iterator

import pytest

from bitstamp_ledger.sandbox import READ_PERMISSIONS, Sandbox, generate_account
from tests.reads.readers import Read, read_async, read_blocking


@pytest.fixture(params=[read_blocking, read_async], ids=["blocking", "async"])
def read(request: pytest.FixtureRequest) -> Read:
    """A read by either client."""
    reader: Read = request.param
    return reader


@pytest.fixture(scope="session")
def served() -> Iterator[Sandbox]:
    """A local exchange; starting one for each test would take too long."""
    account = generate_account(11, 900, derivatives=True)
    with Sandbox(seed=11, account=account) as running:
        yield running


@pytest.fixture
def sandbox(served: Sandbox) -> Sandbox:
    """The local exchange as if it had just been started."""
    served.faults.clear()
    served.faults.denial_in_words = False
    served.faults.query_mark_signed = True
    served.faults.earn_refusal = None
    served.faults.derivatives_refusal = "API5506"
    served.account.derivatives = True
    served.set_permissions(served.key, *READ_PERMISSIONS)
    served._exchange.requests.clear()
    return served
