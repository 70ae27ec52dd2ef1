"""One account of the sandbox, read over HTTP and proved; what every reader has to arrive at."""

import datetime as dt
from decimal import Decimal

import attrs
import pytest

import bitstamp_ledger as bl
from bitstamp_ledger.sandbox import Sandbox, generate_account


@attrs.frozen
class History:
    """A whole history, and the balances that it was proved against."""

    entries: tuple[bl.Entry, ...]
    proof: bl.Proof

    @property
    def balances(self) -> dict[str, Decimal]:
        """What is held, by currency, zeros left out."""
        return dict(self.proof.balances)


@pytest.fixture(scope="session")
def history() -> History:
    """Read 1,000 records of every documented type, one that is not, and derivatives."""
    account = generate_account(5, 1_000, derivatives=True)
    with Sandbox(seed=5, account=account) as sandbox:
        credentials = bl.Credentials(key=sandbox.key, secret=sandbox.secret)
        with bl.Client(credentials, base_url=sandbox.url) as client:
            entries = tuple(client.entries())
            proof = bl.prove(entries, client.balances())
    assert proof.holds
    assert len(entries) == 1_000
    return History(entries, attrs.evolve(proof, read_at=dt.datetime(2026, 1, 2, tzinfo=dt.UTC)))
