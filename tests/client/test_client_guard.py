"""No request leaves a client that is not one of the catalogue, to its own exchange."""

from typing import Any

import anyio
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitstamp_ledger.api import RetryPolicy, recognise
from bitstamp_ledger.client import AsyncClient, Client
from bitstamp_ledger.errors import ForbiddenCallError, InvalidCallError
from tests.client.exchange import Exchange, credentials, signed_reply

PATHS = st.one_of(
    st.sampled_from(
        [
            "/api/v2/account_balances/",
            "/api/v2/user_transactions/",
            "/api/v2/user_transactions/btceur/",
            "/api/v2/ticker/btceur/",
            "/api/v2/ticker/btceur/?x=1",
            "/api/v2/cancel_all_orders/",
            "/api/v2/revoke_all_api_keys/",
            "/api/v2/buy/btceur/",
            "/api/v2/ticker/../cancel_all_orders/",
            "/api/v2/ticker/%2e%2e/cancel_all_orders/",
            "/api/v2/ticker/..%2fbuy/",
            "/api/v2/user_transactions/#x",
            "/api/v2/user_transactions/;x/",
            "//api/v2/user_transactions/",
            "/api/user_transactions/",
            "",
        ]
    ),
    st.text("abc_/.%?#2e-", max_size=30).map(lambda text: f"/api/v2/{text}"),
    st.text(max_size=20).map(lambda text: f"/{text}"),
)
HOSTS = st.sampled_from(
    [
        "https://www.bitstamp.net",
        "https://www.bitstamp.net:443",
        "https://www.bitstamp.net:444",
        "https://WWW.bitstamp.net",
        "http://www.bitstamp.net",
        "https://user:pass@www.bitstamp.net",
        "https://www.bitstamp.net@evil.example",
        "https://www.bitstamp.net.evil.example",
        "https://bitstamp.net",
        "https://evil.example",
        "ws://www.bitstamp.net",
        "https://[::1]",
    ]
)
METHODS = st.sampled_from(["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "get", "X"])
EXTENSIONS = st.sampled_from(
    [{}, {}, {"timeout": {}}, {"target": b"/api/v2/cancel_all_orders/"}, {"sni_hostname": "evil"}]
)


class _Inner(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Stands where the socket would be."""

    def __init__(self) -> None:
        self.seen: list[httpx.Request] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(request)
        return httpx.Response(200)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return self.handle_request(request)


def _request(method: str, url: str, extensions: dict[str, Any]) -> httpx.Request | None:
    try:
        return httpx.Request(method, url, extensions=extensions)
    except (httpx.InvalidURL, UnicodeError, ValueError):
        return None


def _harmless(request: httpx.Request) -> bool:
    path = request.url.raw_path.decode().partition("?")[0]
    return (
        str(request.url).startswith("https://")
        and request.url.host == "www.bitstamp.net"
        and request.url.port is None
        and not set(request.extensions) & {"target", "sni_hostname"}
        and recognise(request.method, path) is not None
    )


@given(METHODS, HOSTS, PATHS, EXTENSIONS)
def test_nothing_but_the_catalogue_reaches_the_socket(
    method: str, host: str, path: str, extensions: dict[str, Any]
) -> None:
    """Whoever holds the client's innermost parts still cannot make it write."""
    request = _request(method, f"{host}{path}", extensions)
    if request is None:
        return
    inner, inner_too = _Inner(), _Inner()
    client = Client(credentials(), transport=inner)
    async_client = AsyncClient(credentials(), transport=inner_too)

    def send() -> None:
        client._http.send(request)

    async def send_too() -> None:
        await async_client._http.send(request)

    if _harmless(request):
        send()
        anyio.run(send_too)
        assert inner.seen == inner_too.seen == [request]
        return
    with pytest.raises(ForbiddenCallError):
        send()
    with pytest.raises(ForbiddenCallError):
        anyio.run(send_too)
    assert inner.seen == inner_too.seen == []


@pytest.mark.parametrize(
    "elsewhere",
    [
        "http://www.bitstamp.net",
        "https://www.bitstamp.net:444",
        "https://www.bitstamp.net.evil.example",
        "https://www.bitstamp.net@evil.example",
        "https://bitstamp.net",
        "https://sandbox.bitstamp.net",
        "ws://www.bitstamp.net",
    ],
)
def test_a_path_of_the_catalogue_on_another_host_is_stopped(elsewhere: str) -> None:
    """Scheme, host and port are those of the client, all three."""
    inner = _Inner()
    request = httpx.Request("GET", f"{elsewhere}/api/v2/currencies/")
    with Client(transport=inner) as client, pytest.raises(ForbiddenCallError, match="only"):
        client._http.send(request)
    assert inner.seen == []


def test_the_real_path_cannot_be_hidden_behind_a_harmless_one() -> None:
    """The HTTP library would send the extension's target in place of the path."""
    inner = _Inner()
    with Client(credentials(), transport=inner) as client, pytest.raises(ForbiddenCallError):
        client._http.get(
            "https://www.bitstamp.net/api/v2/currencies/",
            extensions={"target": b"/api/v2/revoke_all_api_keys/"},
        )
    assert inner.seen == []


@pytest.mark.parametrize(
    "location",
    [
        "/api/v2/account_balances/",
        "https://evil.example/",
        "http://www.bitstamp.net/api/v2/markets/",
    ],
)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(status: int, location: str) -> None:
    """Host and path are signed; a redirect leads the signature elsewhere."""
    exchange = Exchange(first=[lambda _: httpx.Response(status, headers={"Location": location})])

    with (
        Client(
            credentials(),
            transport=httpx.MockTransport(exchange),
            retry=RetryPolicy(attempts_max=1),
        ) as client,
        pytest.raises(InvalidCallError, match=str(status)),
    ):
        client.balances()
    assert len(exchange.requests) == 1


@pytest.mark.parametrize("kind", [Client, AsyncClient])
@pytest.mark.parametrize(
    "address",
    [
        "http://www.bitstamp.net",
        "http://localhost.evil.example",
        "http://127.0.0.1.evil.example",
        "http://10.0.0.1",
        "ftp://localhost",
        "file:///etc/passwd",
        "www.bitstamp.net",
        "",
        "https://",
        "https://www.bitstamp.net/api",
        "https://www.bitstamp.net/?x=1",
        "https://user:word@www.bitstamp.net",
        "https://www.bitstamp.net@evil.example",
        "::",
        "https://x:99999999",
        "https://[::1",
    ],
)
def test_an_unsafe_address_is_refused(kind: type[Client | AsyncClient], address: str) -> None:
    """Signed requests travel encrypted, and only to the host that was named."""
    with pytest.raises(ForbiddenCallError) as caught:
        kind(base_url=address)
    assert caught.value.hint
    assert "word" not in str(caught.value)


@pytest.mark.parametrize(
    "address",
    [
        "https://www.bitstamp.net",
        "https://www.bitstamp.net/",
        "https://sandbox.bitstamp.net",
        "http://localhost:8080",
        "http://127.0.0.1:1",
        "http://[::1]:8080",
        "HTTPS://WWW.BITSTAMP.NET",
    ],
)
def test_a_safe_address_is_taken(address: str) -> None:
    """Plain http only to this machine itself."""
    with Client(base_url=address) as client:
        assert client.account == "Main Account"


def test_a_call_that_needs_a_key_is_not_sent_without_one() -> None:
    """And the hint says what to do."""
    inner = _Inner()
    with Client(transport=inner) as client, pytest.raises(ForbiddenCallError) as caught:
        client.balances()
    assert inner.seen == []
    assert caught.value.hint == "Give the client credentials."


def test_the_port_is_part_of_the_signature() -> None:
    """As the server sees it in the Host header."""
    exchange = Exchange()
    with Client(
        credentials(),
        base_url="http://localhost:8080",
        transport=httpx.MockTransport(exchange),
    ) as client:
        assert len(client.balances()) == 1
    assert exchange.requests[0].headers["Host"] == "localhost:8080"


def test_a_cookie_of_the_edge_is_not_sent_back() -> None:
    """It would tie the calls of a key together, and is nobody's business."""

    def with_cookie(request: httpx.Request) -> httpx.Response:
        response = signed_reply(request, [])
        response.headers["Set-Cookie"] = "visid_incap=1; path=/"
        return response

    exchange = Exchange(first=[with_cookie])
    with Client(credentials(), transport=httpx.MockTransport(exchange)) as client:
        client.balances()
        client.balances()
    assert "Cookie" not in exchange.requests[1].headers
