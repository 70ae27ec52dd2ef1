"""Requests go to the host that was named and over no detour."""

import http.server
import threading
from collections.abc import Iterator

import pytest

import bitstamp_ledger as bl
from bitstamp_ledger.client import AsyncClient, Client
from bitstamp_ledger.client import _shell as shell
from bitstamp_ledger.errors import BitstampLedgerError
from bitstamp_ledger.sandbox import Sandbox


@pytest.fixture
def proxy() -> Iterator[tuple[str, list[str]]]:
    """Listen as a proxy would, and note who comes."""
    seen: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            seen.append(self.path)
            self.send_error(502)

        do_CONNECT = do_GET = do_POST  # noqa: N815 - the names that the server calls

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", seen
        server.shutdown()
        thread.join()


def test_a_proxy_of_the_environment_is_not_used(
    proxy: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would see every signed request, and could answer in the exchange's place."""
    address, seen = proxy
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, address)
        monkeypatch.setenv(name.lower(), address)
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("no_proxy", "")
    with Sandbox(seed=1) as sandbox, Client(base_url=sandbox.url) as client:
        assert client.markets()
    assert seen == []


@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_a_detour_cannot_come_from_the_environment(kind: type[Client | AsyncClient]) -> None:
    """Neither a proxy, nor the file of passwords that other tools keep."""
    client = kind()
    assert client._http.trust_env is False
    assert client._http.follow_redirects is False


def test_a_reply_without_an_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bounded in bytes; here, by a bound that a small reply reaches."""
    monkeypatch.setattr(shell, "REPLY_BYTES_MAX", 100)
    once = bl.RetryPolicy(attempts_max=1)
    with (
        Sandbox(seed=1) as sandbox,
        Client(base_url=sandbox.url, retry=once) as client,
        pytest.raises(BitstampLedgerError, match="longer than 100 bytes"),
    ):
        client.markets()
