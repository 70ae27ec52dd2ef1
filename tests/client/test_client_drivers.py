"""Both clients: what goes over the wire, what comes back, and that they are the same."""

import inspect
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import httpx
import pytest

from bitstamp_ledger import RetryPolicy
from bitstamp_ledger.client import AsyncClient, Client
from bitstamp_ledger.errors import (
    BitstampLedgerError,
    KeyRefusedError,
    NoAnswerError,
    ReplySignatureError,
)
from bitstamp_ledger.model import Account, Entry
from tests.client.exchange import (
    BALANCES,
    KEY,
    ROWS,
    Exchange,
    broken,
    credentials,
    expected_signature,
    refused,
    signed_reply,
    wrongly_signed,
)

AT_ONCE = RetryPolicy(attempts_max=3, delay_first_s=0.0)
BACKENDS = ("asyncio", "trio")


def blocking(exchange: Exchange, **settings: Any) -> Client:
    """Return a client of this exchange."""
    transport = httpx.MockTransport(exchange)
    return Client(credentials(), transport=transport, retry=AT_ONCE, **settings)


def run_async(
    backend: str, exchange: Exchange, use: Callable[[AsyncClient], Awaitable[Any]]
) -> Any:
    """Run ``use`` with an asynchronous client of this exchange."""
    if backend == "trio":
        pytest.importorskip("trio")

    async def main() -> Any:
        transport = httpx.MockTransport(exchange)
        async with AsyncClient(credentials(), transport=transport, retry=AT_ONCE) as client:
            return await use(client)

    return anyio.run(main, backend=backend)


async def _all(client: AsyncClient) -> list[Entry]:
    return [entry async for entry in client.entries()]


async def _balances(client: AsyncClient) -> object:
    return await client.balances()


def balances_by(backend: str, exchange: Exchange) -> Any:
    """Ask for balances, blocking or on an event loop."""
    if backend != "blocking":
        return run_async(backend, exchange, _balances)
    with blocking(exchange) as client:
        return client.balances()


def test_every_request_is_signed_as_received() -> None:
    """The server's own arithmetic agrees, header by header."""
    exchange = Exchange()
    with blocking(exchange) as client:
        assert len(client.balances()) == 1
        assert len(list(client.entries())) == len(ROWS)
    for request in exchange.requests:
        assert request.headers["X-Auth"] == f"BITSTAMP {KEY}"
        assert request.headers["X-Auth-Signature"] == expected_signature(request)
        assert request.headers["X-Auth-Version"] == "v2"
        assert request.method == "POST"


def test_an_empty_body_goes_without_type_and_a_form_with_exactly_one() -> None:
    """API0020 and API0019 are what the exchange says otherwise."""
    exchange = Exchange()
    with blocking(exchange) as client:
        client.balances()
        list(client.entries())
    empty, form, *_ = exchange.requests
    assert (empty.content, "Content-Type" in empty.headers) == (b"", False)
    assert form.headers.get_list("Content-Type") == ["application/x-www-form-urlencoded"]
    assert form.content == b"sort=asc&limit=1000&since_id=1"


@pytest.mark.parametrize("backend", ["blocking", *BACKENDS])
def test_every_attempt_has_a_nonce_of_its_own(backend: str) -> None:
    """The exchange refuses a nonce that comes twice."""
    unavailable = refused("500.001", 503)
    exchange = Exchange(first=[broken, unavailable])
    balances_by(backend, exchange)
    nonces = [request.headers["X-Auth-Nonce"] for request in exchange.requests]
    assert len(set(nonces)) == 3
    for nonce in nonces:
        assert len(nonce) == 36
        assert nonce == str(uuid.UUID(nonce))
    stamps = [int(request.headers["X-Auth-Timestamp"]) for request in exchange.requests]
    assert stamps == sorted(stamps)
    assert len(str(stamps[0])) == 13  # Milliseconds.


@pytest.mark.parametrize("backend", BACKENDS)
def test_both_clients_bring_the_same(backend: str) -> None:
    """They differ in how they wait, and in nothing else."""
    exchange, exchange_too = Exchange(), Exchange()
    with blocking(exchange) as client:
        entries, balances = list(client.entries()), client.balances()
    assert run_async(backend, exchange_too, _all) == entries
    assert run_async(backend, exchange_too, _balances) == balances
    paths = [(request.method, request.url, request.content) for request in exchange.requests]
    assert [
        (request.method, request.url, request.content) for request in exchange_too.requests
    ] == paths


FAILURES: dict[str, tuple[Callable[[httpx.Request], httpx.Response], type[BitstampLedgerError]]] = {
    "wrong secret": (refused("API0005"), KeyRefusedError),
    "connection lost": (broken, NoAnswerError),
    "signed by another": (wrongly_signed, ReplySignatureError),
    "refusal signed by another": (
        lambda request: signed_reply(
            request, {"status": "error", "reason": "x", "code": "API0005"}, 403, secret="other"
        ),
        KeyRefusedError,
    ),
    "gzip that is none": (
        lambda _: httpx.Response(
            200, headers={"Content-Encoding": "gzip"}, stream=httpx.ByteStream(b"no gzip")
        ),
        NoAnswerError,
    ),
}


@pytest.mark.parametrize(
    ("backend", "name"),
    [
        (backend, name)
        for backend in ("blocking", *BACKENDS)
        for name in FAILURES
        # httpx leaves generators to the collector there, and trio warns of it.
        if (backend, "gzip" in name) != ("trio", True)
    ],
)
def test_a_failure_is_one_of_our_errors(name: str, backend: str) -> None:
    """No exception of the HTTP library crosses the door, not even as a cause."""
    bad, raises = FAILURES[name]
    exchange = Exchange(first=[bad] * 3)
    with pytest.raises(raises) as caught:
        balances_by(backend, exchange)
    error: BaseException | None = caught.value
    while error is not None:
        assert not isinstance(error, httpx.HTTPError)
        error = error.__cause__ or error.__context__


@pytest.mark.parametrize(
    "failure",
    [
        httpx.ConnectTimeout,
        httpx.ReadTimeout,
        httpx.PoolTimeout,
        httpx.ConnectError,
        httpx.ReadError,
        httpx.WriteError,
        httpx.CloseError,
        httpx.RemoteProtocolError,
        httpx.LocalProtocolError,
        httpx.ProxyError,
        httpx.UnsupportedProtocol,
    ],
)
def test_every_failure_of_the_transport_is_no_answer(failure: type[httpx.TransportError]) -> None:
    """And its name is told in words."""

    def fails(_: httpx.Request) -> httpx.Response:
        raise failure("")

    exchange = Exchange(first=[fails] * 3)
    with blocking(exchange) as client, pytest.raises(NoAnswerError) as caught:
        client.balances()
    assert caught.value.attempts == 3
    assert failure.__name__.replace("Error", "").lower()[:5] in str(caught.value).replace(" ", "")


def test_entries_come_page_by_page_and_not_before_they_are_wanted() -> None:
    """An iterator that nobody iterates asks nothing."""
    exchange = Exchange()
    with blocking(exchange) as client:
        entries = client.entries()
        assert exchange.requests == []
        next(entries)
        assert len(exchange.requests) == 1


def test_the_first_id_wanted_is_asked_for() -> None:
    """Inclusive."""
    exchange = Exchange()
    with blocking(exchange) as client:
        assert [entry.transaction_id for entry in client.entries(since_id=24)] == [24, 25]
    assert b"since_id=24" in exchange.requests[0].content


@pytest.mark.parametrize("account", ["savings", Account("savings")])
def test_entries_carry_the_account_of_the_client(account: str | Account) -> None:
    """The exchange does not say whose history it sends."""
    with blocking(Exchange(), account=account) as client:
        assert client.account == "savings"
        assert next(client.entries()).account == "savings"


def _public(kind: type) -> dict[str, inspect.Signature]:
    return {
        name: inspect.signature(member)
        for name, member in vars(kind).items()
        if not name.startswith("_") and callable(member)
    }


def test_both_clients_have_the_same_methods_and_parameters() -> None:
    """Whoever knows one knows the other."""
    one, other = _public(Client), _public(AsyncClient)
    assert one.keys() == other.keys()
    for name, signature in one.items():
        assert list(signature.parameters.values()) == list(other[name].parameters.values())
    first, second = (inspect.signature(kind.__init__) for kind in (Client, AsyncClient))
    assert list(first.parameters) == list(second.parameters)
    for name, parameter in first.parameters.items():
        assert parameter.default == second.parameters[name].default
        assert parameter.kind == second.parameters[name].kind


def test_both_clients_say_the_same_of_themselves() -> None:
    """Docstrings are part of the parity."""
    for name in _public(Client):
        one, other = (getattr(kind, name).__doc__ for kind in (Client, AsyncClient))
        assert one == other


@pytest.mark.parametrize("backend", BACKENDS)
def test_closing_twice_is_harmless(backend: str) -> None:
    """Context managers and finally blocks meet."""
    with blocking(Exchange()) as client:
        client.close()
    client.close()

    async def close(client: AsyncClient) -> None:
        await client.close()
        await client.close()

    run_async(backend, Exchange(), close)


def test_balances_keep_what_the_exchange_states() -> None:
    """Through the whole client, digit by digit."""
    with blocking(Exchange()) as client:
        (balance,) = client.balances()
    assert (balance.currency, str(balance.total)) == ("EUR", BALANCES[0]["total"])
