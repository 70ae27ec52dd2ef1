"""The webhook: what is sent, how it is signed, and what becomes of every answer."""

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import attrs
import pytest

from bitstamp_ledger import sinks
from bitstamp_ledger.errors import SinkError
from bitstamp_ledger.sinks import Batch, Retract, Retries, RunInfo, Upsert, document_of
from bitstamp_ledger.sinks.webhook import Reply, WebhookSink
from tests.sinks.examples import TRADE, deposit

SECRET = "a secret of many more letters"


class Receiver:
    """Answers what it is told to, and remembers what it got."""

    def __init__(self, *replies: Reply | Exception) -> None:
        self.replies = list(replies)
        self.requests: list[tuple[bytes, Mapping[str, str]]] = []

    def __call__(self, body: bytes, headers: Mapping[str, str]) -> Reply:
        self.requests.append((body, headers))
        reply = self.replies.pop(0) if self.replies else Reply(status=204)
        if isinstance(reply, Exception):
            raise reply
        return reply

    @property
    def events(self) -> list[dict[str, Any]]:
        return [event for body, _ in self.requests for event in json.loads(body)]


def sink_for(receiver: Receiver, url: str = "https://example.com/hook") -> WebhookSink:
    return WebhookSink(url, SECRET, transport=receiver, clock=lambda: 1_700_000_000.9)


def test_a_batch_is_one_request_of_events() -> None:
    """With all that JSON Lines says, and the reason of what was taken back."""
    receiver = Receiver()
    sink = sink_for(receiver)
    sink.open(RunInfo(sink="webhook", ledger="5e1f"))
    sink.write(Batch(operations=(Upsert(TRADE, revision=7), Retract("x/1", "hidden", revision=7))))

    upserted, retracted = receiver.events
    assert len(receiver.requests) == 1
    assert upserted["specversion"] == "1.0"
    assert upserted["type"] == "bitstamp_ledger.entry.upserted"
    assert upserted["source"] == "bitstamp_ledger/5e1f"
    assert upserted["subject"] == TRADE.id
    assert upserted["revision"] == 7
    assert upserted["data"] == document_of(TRADE)
    assert retracted["type"] == "bitstamp_ledger.entry.retracted"
    assert retracted["data"] == {"id": "x/1", "reason": "hidden"}


def test_a_request_is_signed_over_id_time_and_body() -> None:
    """By another road than the code under test: the receiver's."""
    receiver = Receiver()
    sink = sink_for(receiver)
    batch = Batch.of([TRADE])
    sink.write(batch)

    ((body, headers),) = receiver.requests
    signed = f"{batch.id}.1700000000.".encode() + body
    expected = base64.b64encode(hmac.new(SECRET.encode(), signed, hashlib.sha256).digest())
    assert headers["webhook-id"] == batch.id
    assert headers["webhook-timestamp"] == "1700000000"
    assert headers["webhook-signature"] == f"v1,{expected.decode()}"


def test_a_repeat_has_the_same_ids() -> None:
    """So that a receiver can drop it."""
    receiver = Receiver()
    for _ in range(2):
        sink_for(receiver).write(Batch.of([TRADE, deposit()]))

    first, second = receiver.requests
    assert first == second
    assert len({event["id"] for event in receiver.events}) == 2


@pytest.mark.parametrize(
    ("answer", "retryable", "after"),
    [
        (Reply(status=503, retry_after="7"), True, 7.0),
        (Reply(status=429, retry_after="Wed, 21 Oct 2026 07:28:00 GMT"), True, None),
        (Reply(status=500), True, None),
        (ConnectionResetError("gone"), True, None),
        (Reply(status=400), False, None),
        (Reply(status=401), False, None),
        (Reply(status=308), False, None),
    ],
)
def test_an_answer_says_whether_to_try_again(
    answer: Reply | Exception, retryable: bool, after: float | None
) -> None:
    """What a person must repair is not hammered."""
    with pytest.raises(SinkError) as caught:
        sink_for(Receiver(answer)).write(Batch.of([TRADE]))

    assert (caught.value.retryable, caught.value.retry_after_s) == (retryable, after)


def test_the_engine_tries_again() -> None:
    """And the report says how often."""
    receiver = Receiver(Reply(status=503), ConnectionRefusedError())
    retries = Retries(first_s=0.0)
    with sinks.handle_for(sink_for(receiver), retries=retries) as out:
        out.write([TRADE])

    assert (out.report.rows, out.report.retries) == (1, 2)
    assert len({headers["webhook-id"] for _, headers in receiver.requests}) == 1


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/hook",
        "https://user:hunter2@example.com/",
        "ftp://example.com",
        "https://",
        "https://example.com:port/",
        "nonsense",
    ],
)
def test_an_address_that_would_tell_is_refused(url: str) -> None:
    """And the password in it is not repeated."""
    with pytest.raises(SinkError) as caught:
        WebhookSink(url, SECRET)

    assert "hunter2" not in str(caught.value)


def test_a_short_secret_is_refused() -> None:
    """A signature with a guessable key is none."""
    for secret in ("short", "whsec_c2hvcnQ=", "whsec_not base64"):
        with pytest.raises(SinkError, match="too short"):
            WebhookSink("https://example.com", secret)


def test_nothing_secret_is_shown() -> None:
    """Many receivers know their senders by a token in the path."""
    sink = WebhookSink("https://example.com/token/hunter2?key=hunter3", SECRET)

    for text in (repr(sink), sink.target):
        assert "hunter" not in text
        assert SECRET not in text


@attrs.define
class Server:
    url: str
    got: list[tuple[str, bytes]]


@pytest.fixture
def server() -> Iterator[Server]:
    """A receiver over real HTTP."""
    got: list[tuple[str, bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            got.append((self.path, body))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as inherited
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as listening:
        thread = threading.Thread(target=listening.serve_forever)
        thread.start()
        yield Server(f"http://127.0.0.1:{listening.server_port}/hook?x=1", got)
        listening.shutdown()
        thread.join()


def test_it_goes_over_http(server: Server) -> None:
    """By its name, and by the standard library."""
    with sinks.open("webhook", url=server.url, secret=SECRET) as out:
        out.write([TRADE])

    ((path, body),) = server.got
    assert path == "/hook?x=1"
    assert json.loads(body)[0]["subject"] == TRADE.id
