"""A client that was never finished, or is closed: it can be shown, and says what is wrong."""

import httpx
import pytest

import bitstamp_ledger as bl
from tests.client.exchange import Exchange, credentials


@pytest.mark.parametrize("kind", [bl.Client, bl.AsyncClient])
def test_a_client_that_could_not_be_made_can_be_shown(kind: type) -> None:
    """Tools that print the variables of frames meet it; a second error would hide the first."""
    with pytest.raises(bl.ForbiddenCallError) as refused:
        kind(credentials(), base_url="http://example.org")

    trace = refused.value.__traceback__
    while trace is not None:
        assert repr(trace.tb_frame.f_locals)
        trace = trace.tb_next


def test_a_closed_client_refuses_with_an_error_of_ours() -> None:
    """No exception of the HTTP library crosses the door."""
    client = bl.Client(credentials(), transport=httpx.MockTransport(Exchange()))
    client.close()
    with pytest.raises(bl.BitstampLedgerError):
        client.balances()
