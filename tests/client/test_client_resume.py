"""`entries(after=...)` over both clients."""

from collections.abc import Iterator

import anyio
import httpx
import pytest

from bitstamp_ledger import AsyncClient, Client, HistoryCheckpoint
from tests.client.exchange import Exchange, credentials


@pytest.fixture
def exchange() -> Exchange:
    return Exchange()


@pytest.fixture
def client(exchange: Exchange) -> Iterator[Client]:
    transport = httpx.MockTransport(exchange)
    with Client(credentials(), transport=transport, account="main") as made:
        yield made


def test_a_history_goes_on_where_it_was_left(client: Client) -> None:
    """The checkpoint is of what was handed out, not of what was fetched."""
    history = client.entries()
    first = [next(history).transaction_id for _ in range(10)]
    stored = history.checkpoint.to_json()
    history.close()
    resumed = client.entries(after=HistoryCheckpoint.from_json(stored))
    rest = [entry.transaction_id for entry in resumed]
    assert first + rest == list(range(1, 26))
    assert (resumed.changed, resumed.late, resumed.vanished) == ((), (), ())


def test_nothing_new_costs_two_requests(client: Client, exchange: Exchange) -> None:
    """One shows the overlap, one that nothing follows."""
    history = client.entries()
    assert len(list(history)) == 25
    before = len(exchange.requests)
    assert list(client.entries(after=history.checkpoint)) == []
    assert len(exchange.requests) - before <= 2


def test_the_async_client_goes_on_as_well(exchange: Exchange) -> None:
    """Both speak the same flows."""

    async def read() -> list[int | None]:
        transport = httpx.MockTransport(exchange)
        async with AsyncClient(credentials(), transport=transport, account="main") as client:
            history = client.entries()
            first = [(await anext(history)).transaction_id for _ in range(10)]
            checkpoint = history.checkpoint
            await history.aclose()
            return first + [
                entry.transaction_id async for entry in client.entries(after=checkpoint)
            ]

    assert anyio.run(read) == list(range(1, 26))


def test_two_beginnings_are_refused(client: Client) -> None:
    """They would contradict each other."""
    with pytest.raises(ValueError, match="give one of them"):
        client.entries(since_id=1, after=HistoryCheckpoint(account="main"))
