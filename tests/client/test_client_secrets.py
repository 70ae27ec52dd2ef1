"""The secret is nowhere that a log, a traceback, a pickle or a notebook could show it."""

import contextlib
import copy
import http.server
import json
import logging
import pickle
import threading
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from bitstamp_ledger import RetryPolicy
from bitstamp_ledger.client import Client, Credentials
from bitstamp_ledger.errors import BitstampLedgerError, CredentialsError, MissingExtraError
from tests.client.exchange import (
    KEY,
    SECRET,
    Exchange,
    broken,
    credentials,
    refused,
    signed_reply,
    wrongly_signed,
)

ONCE = RetryPolicy(attempts_max=1)


def everything_said_of(error: BaseException) -> str:
    """Render an error as the most talkative tools do: causes, and all variables of all frames."""
    rendered = traceback.TracebackException.from_exception(error, capture_locals=True)
    lines = [*rendered.format(), repr(error), str(error), repr(vars(error))]
    with contextlib.suppress(TypeError):
        lines.append(repr(pickle.dumps(error)))
    return "\n".join(lines)


def test_credentials_show_the_end_of_the_key_and_nothing_of_the_secret() -> None:
    """People tell their keys apart by it."""
    shown = repr(credentials())
    assert shown == "Credentials(key='…WXYZ', secret='…')"
    assert str(credentials()) == shown
    assert f"{credentials()}" == shown


def test_a_client_shows_what_its_credentials_show() -> None:
    """In notebooks, the last expression of a cell is printed."""
    with Client(credentials()) as client:
        assert repr(client) == "Client(www.bitstamp.net, Credentials(key='…WXYZ', secret='…'))"
        for thing in (client._shell, client._http, vars(client)):
            assert SECRET not in repr(thing)


@pytest.mark.parametrize("refuse", [pickle.dumps, copy.deepcopy, hash, vars, json.dumps])
def test_credentials_cannot_be_taken_along(refuse: Callable[[Credentials], object]) -> None:
    """Not into a pool of processes, a cache, a dump."""
    with pytest.raises(TypeError):
        refuse(credentials())


def test_no_attribute_of_credentials_holds_the_secret() -> None:
    """It is not kept; only the hash made of it is."""
    mine = credentials()
    for name in dir(mine):
        with contextlib.suppress(AttributeError):
            assert SECRET not in repr(getattr(mine, name))


ANSWERS: dict[str, Callable[[httpx.Request], httpx.Response]] = {
    "refused": refused("API0005"),
    "unavailable": refused("500.001", 503),
    "unreadable": lambda request: signed_reply(request, b"{"),
    "not signed": lambda _: httpx.Response(200, json=[]),
    "wrongly signed": wrongly_signed,
    "broken": broken,
    "echo of the headers": lambda request: httpx.Response(
        400, json={"error": str(request.headers.raw)}
    ),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_no_error_of_a_call_says_the_secret(name: str) -> None:
    """Whatever the tool that prints it."""
    exchange = Exchange(first=[ANSWERS[name]])
    transport = httpx.MockTransport(exchange)
    with (
        Client(credentials(), transport=transport, retry=ONCE) as client,
        pytest.raises(BitstampLedgerError) as caught,
    ):
        client.balances()
    assert SECRET not in everything_said_of(caught.value)


def test_an_accident_in_a_transport_does_not_say_the_secret() -> None:
    """An exception that is nobody's plan goes through all our frames."""

    def accident(_: httpx.Request) -> httpx.Response:
        raise KeyError("accident")

    transport = httpx.MockTransport(Exchange(first=[accident]))
    with (
        Client(credentials(), transport=transport) as client,
        pytest.raises(KeyError) as caught,
    ):
        client.balances()
    assert SECRET not in everything_said_of(caught.value)


ODD = {
    "empty key": lambda: Credentials(key="", secret=SECRET),
    "no key": lambda: Credentials(key=None, secret=SECRET),  # type: ignore[arg-type]
    "odd key": lambda: Credentials(key="a b", secret=SECRET),
    "swapped in a hurry": lambda: Credentials(key=f" {SECRET}", secret="x"),
    "secret with a line break": lambda: Credentials(key=KEY, secret=f"{SECRET}\n"),
    "secret beyond ASCII": lambda: Credentials(key=KEY, secret=f"{SECRET}é"),
    "secret with stray bytes": lambda: Credentials(key=KEY, secret=f"{SECRET}\udcff"),
    "secret in a list": lambda: Credentials(key=KEY, secret=[SECRET]),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("name", ODD)
def test_no_error_of_making_credentials_says_the_secret(name: str) -> None:
    """The moment when a mistake is likeliest."""
    with pytest.raises(CredentialsError) as caught:
        ODD[name]()
    assert SECRET not in everything_said_of(caught.value)


def test_the_environment_gives_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Under the two names that the page says."""
    monkeypatch.setenv("BITSTAMP_API_KEY", KEY)
    monkeypatch.setenv("BITSTAMP_API_SECRET", SECRET)
    assert Credentials.from_env() == credentials()


@pytest.mark.parametrize(
    ("key", "secret", "missing"),
    [
        (None, None, "BITSTAMP_API_KEY and BITSTAMP_API_SECRET"),
        ("", SECRET, "BITSTAMP_API_KEY"),
        (KEY, None, "BITSTAMP_API_SECRET"),
    ],
)
def test_what_the_environment_lacks_is_named(
    monkeypatch: pytest.MonkeyPatch, key: str | None, secret: str | None, missing: str
) -> None:
    """Both at once, so that nobody has to come twice."""
    for name, value in (("BITSTAMP_API_KEY", key), ("BITSTAMP_API_SECRET", secret)):
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)
    with pytest.raises(CredentialsError) as caught:
        Credentials.from_env()
    assert f"Not set in the environment: {missing}." in str(caught.value)


def test_a_bad_secret_of_the_environment_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bytes that are no text become surrogates, and the codec's error would quote all of it."""
    monkeypatch.setenv("BITSTAMP_API_KEY", KEY)
    monkeypatch.setenv("BITSTAMP_API_SECRET", f"{SECRET}\udcff")
    with pytest.raises(CredentialsError) as caught:
        Credentials.from_env()
    assert SECRET not in everything_said_of(caught.value)


@pytest.fixture
def ring() -> Iterator[dict[str, str]]:
    """Put a keyring in memory in place of the system's."""
    keyring = pytest.importorskip("keyring")
    errors = pytest.importorskip("keyring.errors")
    stored: dict[str, str] = {}

    class Memory(keyring.backend.KeyringBackend):  # type: ignore[misc,name-defined]
        priority = 1

        def get_password(self, service: str, username: str) -> str | None:
            if "locked" in stored:
                raise errors.KeyringLocked("the ring is locked")
            return stored.get(f"{service}:{username}")

        def set_password(self, service: str, username: str, password: str) -> None:
            stored[f"{service}:{username}"] = password

        def delete_password(self, service: str, username: str) -> None:
            del stored[f"{service}:{username}"]

    before = keyring.get_keyring()
    keyring.set_keyring(Memory())
    yield stored
    keyring.set_keyring(before)


def test_the_keyring_gives_credentials(ring: dict[str, str]) -> None:
    """Under the names that its docstring says."""
    ring["bitstamp_ledger:home/key"] = KEY
    ring["bitstamp_ledger:home/secret"] = SECRET
    assert Credentials.from_keyring("home") == credentials()


@pytest.mark.parametrize(
    ("stored", "said"),
    [
        ({}, "holds no key and secret for the profile 'home'"),
        ({"bitstamp_ledger:home/key": KEY}, "holds no key and secret"),
        ({"bitstamp_ledger:home/secret": SECRET}, "holds no key and secret"),
        ({"locked": "yes"}, "the ring is locked"),
        (
            {"bitstamp_ledger:home/key": "a b", "bitstamp_ledger:home/secret": SECRET},
            "characters that no API key has",
        ),
    ],
)
def test_what_is_wrong_with_the_keyring_is_said_without_the_secret(
    ring: dict[str, str], stored: dict[str, str], said: str
) -> None:
    """The frames of the keyring reader hold both halves."""
    ring.update(stored)
    with pytest.raises(CredentialsError, match=said) as caught:
        Credentials.from_keyring("home")
    frames = traceback.TracebackException.from_exception(caught.value, capture_locals=True).stack
    ours = [frame for frame in frames if "_credentials" in frame.filename]
    assert SECRET not in repr([frame.locals for frame in ours])


def test_without_keyring_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """An optional package."""
    import sys  # noqa: PLC0415 - only here

    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(MissingExtraError, match=r"bitstamp-ledger\[keyring\]"):
        Credentials.from_keyring("home")


class _Handler(http.server.BaseHTTPRequestHandler):
    """A real exchange on a real socket, so that the HTTP library's own logging is heard."""

    def do_POST(self) -> None:
        """Answer signed."""
        self.rfile.read(int(self.headers["Content-Length"]))
        url = f"http://{self.headers['Host']}{self.path}"
        request = httpx.Request("POST", url, headers=dict(self.headers.items()))
        reply = signed_reply(request, [])
        self.send_response(200)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(reply.content)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def address() -> Iterator[str]:
    """Serve on this machine."""
    with http.server.HTTPServer(("127.0.0.1", 0), _Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_nothing_of_the_key_is_logged_even_at_the_finest_level(
    caplog: pytest.LogCaptureFixture, address: str
) -> None:
    """Ours, httpx's and httpcore's: neither key, nor secret, nor what signs a request."""
    caplog.set_level(logging.DEBUG)
    for name in ("httpx", "httpcore", "hpack", "bitstamp_ledger"):
        caplog.set_level(logging.DEBUG, logger=name)
    with Client(credentials(), base_url=address) as client:
        assert client.balances() == ()
    said = caplog.text
    assert "account_balances" in said  # The library does log; it was heard.
    assert "receive_response_headers" in said
    assert KEY not in said
    assert SECRET not in said
    assert "X-Auth" not in said
    assert "x-auth" not in said.replace("X-Server-Auth-Signature", "").lower()
