"""Every fault, seen from the other end of the wire."""

import hashlib
import hmac
import json
import socket
import time
from collections.abc import Callable

import httpx
import pytest

from bitstamp_ledger.sandbox import Faults, Sandbox
from tests.sandbox.signed_calls import NOW, fetch, headers_for, send

BALANCES = "account_balances/"


def test_a_cut_connection_loses_the_end_of_the_body(served: Sandbox) -> None:
    """The length is promised, the bytes do not come; the next call is answered as always."""
    served.faults.cut_next(100)

    with pytest.raises(httpx.RemoteProtocolError, match="received 100 bytes"):
        send(served, "POST", BALANCES)

    assert send(served, "POST", BALANCES).status_code == 200
    assert [request.fault for request in served.requests] == ["cut", None]


def test_a_cut_before_the_first_byte_is_possible(served: Sandbox) -> None:
    """Headers only."""
    served.faults.cut_next(0)

    with pytest.raises(httpx.RemoteProtocolError):
        send(served, "POST", BALANCES)


def test_a_stalled_call_times_out(served: Sandbox) -> None:
    """And is logged without a status, since there was none."""
    served.faults.stall_next(30.0)

    with pytest.raises(httpx.ReadTimeout):
        send(served, "POST", BALANCES, timeout_s=0.1)

    assert served.requests[-1].status is None


def test_a_stall_ends_with_the_connection_closed(served: Sandbox) -> None:
    """For clients that wait longer."""
    served.faults.stall_next(0.05)

    with pytest.raises(httpx.RemoteProtocolError):
        send(served, "POST", BALANCES)


def test_a_sandbox_stops_while_a_call_is_stalled() -> None:
    """A test that is over must not wait for its faults."""
    began = time.monotonic()
    with Sandbox(seed=1, transactions=5, clock=lambda: NOW) as sandbox:
        sandbox.faults.stall_next(60.0)
        with pytest.raises(httpx.ReadTimeout):
            send(sandbox, "POST", BALANCES, timeout_s=0.1)

    assert time.monotonic() - began < 5.0


@pytest.mark.parametrize("status", [500, 502, 503])
def test_pages_of_html(served: Sandbox, status: int) -> None:
    """From the edge, so not signed."""
    served.faults.html_next(status)
    reply = send(served, "POST", BALANCES)

    assert reply.status_code == status
    assert reply.headers["content-type"] == "text/html"
    assert "x-server-auth-signature" not in reply.headers


def test_too_many_requests(served: Sandbox) -> None:
    """With and without an advice on when to come back."""
    served.faults.too_many_next(retry_after_s=7)
    served.faults.too_many_next()
    with_advice = send(served, "POST", BALANCES)
    without = send(served, "POST", BALANCES)

    assert (with_advice.status_code, with_advice.headers["retry-after"]) == (429, "7")
    assert (without.status_code, without.headers.get("retry-after")) == (429, None)


@pytest.mark.parametrize("code", ["400.002", "400.067", "400.068"])
def test_rate_limits_by_code(served: Sandbox, code: str) -> None:
    """HTTP 400, and the code says what it is."""
    served.faults.rate_limit_next(code)
    reply = send(served, "POST", BALANCES)

    assert (reply.status_code, reply.json()["response_code"]) == (400, code)


def test_maintenance_comes_with_status_200(served: Sandbox) -> None:
    """The body decides."""
    served.faults.maintenance_next()
    reply = send(served, "POST", BALANCES)

    assert reply.status_code == 200
    assert reply.json() == {
        "error": "Bitstamp.net is under scheduled maintenance. We'll be back soon."
    }


@pytest.mark.parametrize(("plan", "kind"), [(Faults.object_next, dict), (Faults.list_next, list)])
def test_the_wrong_container(served: Sandbox, plan: Callable[[Faults], None], kind: type) -> None:
    """Signed, so nothing but its type is wrong."""
    plan(served.faults)
    reply = send(served, "POST", BALANCES)

    assert type(reply.json()) is kind
    assert reply.headers["x-server-auth-signature"]


def test_truncated_json_is_complete_as_far_as_http_can_tell(served: Sandbox) -> None:
    """The length is that of what was sent, and the signature fits."""
    served.faults.truncate_next()
    reply = send(served, "POST", BALANCES)

    assert reply.text.startswith('[{"currency":')
    assert not reply.text.endswith("]")


def test_signatures_go_missing_or_wrong(served: Sandbox) -> None:
    """Only for as many replies as planned."""
    served.faults.unsigned_next()
    served.faults.wrong_signature_next()
    replies = [send(served, "POST", BALANCES) for _ in range(3)]
    signatures = [reply.headers.get("x-server-auth-signature") for reply in replies]

    assert signatures[:2] == [None, "0" * 64]
    assert signatures[2] not in signatures[:2]


def test_a_reply_is_signed_over_the_bytes_that_were_sent(served: Sandbox) -> None:
    """Nonce, time, Content-Type and body, by the secret of the caller."""
    path = "/api/v2/user_transactions/"
    host = served.url.removeprefix("http://")
    headers = headers_for("POST", path, key=served.key, secret=served.secret, host=host)
    reply = fetch(served.url + path, "POST", headers=headers | {"accept-encoding": "gzip"})
    message = headers["x-auth-nonce"] + headers["x-auth-timestamp"] + "application/json"
    expected = hmac.new(served.secret.encode(), message.encode() + reply.content, hashlib.sha256)

    assert reply.headers["x-server-auth-signature"] == expected.hexdigest()
    assert "content-encoding" not in reply.headers


def test_a_fault_can_wait_for_a_path(served: Sandbox) -> None:
    """And for a number of calls."""
    served.faults.html_next(500, count=2, path="user_transactions")
    seen = [
        send(served, "POST", path).status_code
        for path in (BALANCES, "user_transactions/", "user_transactions/", "user_transactions/")
    ]

    assert seen == [200, 500, 500, 200]


def test_faults_without_a_number_last_until_they_are_cleared(served: Sandbox) -> None:
    """For outages."""
    served.faults.html_next(503, count=None)
    during = [send(served, "POST", BALANCES).status_code for _ in range(3)]
    pending = served.faults.pending
    served.faults.clear()

    assert during == [503, 503, 503]
    assert pending == ("html 503",)
    assert send(served, "POST", BALANCES).status_code == 200


def test_latency_delays_every_reply(served: Sandbox) -> None:
    """At least so long."""
    served.faults.latency_s = 0.08
    began = time.monotonic()
    send(served, "POST", BALANCES)

    assert time.monotonic() - began >= 0.08


def test_a_clock_that_is_off_shows_in_the_date(served: Sandbox) -> None:
    """So that a client can measure it on any reply."""
    served.faults.clock_offset_s = 3_600
    reply = fetch(f"{served.url}/api/v2/eur_usd/")

    assert reply.headers["date"] == "Tue, 02 Dec 2025 01:00:00 GMT"
    assert send(served, "POST", BALANCES).json()["code"] == "API0017"


def test_a_spoilt_call_has_used_its_nonce(served: Sandbox) -> None:
    """A retry that repeats it is refused: the first call may have got through."""
    path = "/api/v2/account_balances/"
    host = served.url.removeprefix("http://")
    headers = headers_for("POST", path, key=served.key, secret=served.secret, host=host)
    served.faults.html_next(502)
    first = fetch(served.url + path, "POST", headers=headers)
    second = fetch(served.url + path, "POST", headers=headers)

    assert first.status_code == 502
    assert second.json()["code"] == "API0004"


def test_a_reset_is_no_farewell(served: Sandbox) -> None:
    """The connection is torn down in the middle of the body."""
    served.faults.reset_next(100)

    with pytest.raises(httpx.ReadError):
        send(served, "POST", BALANCES)

    assert served.requests[-1].fault == "reset"


def test_a_body_may_stop_in_its_middle(served: Sandbox) -> None:
    """Headers and some bytes came; then nothing does."""
    served.faults.stall_next(30.0, after_bytes=50)

    with pytest.raises(httpx.ReadTimeout):
        send(served, "POST", BALANCES, timeout_s=0.1)

    assert served.requests[-1].status == 200


@pytest.mark.parametrize("status", [200, 403])
def test_the_edge_speaks_html(served: Sandbox, status: int) -> None:
    """A challenge comes with status 200."""
    served.faults.html_next(status)
    reply = send(served, "POST", BALANCES)

    assert (reply.status_code, reply.headers["content-type"]) == (status, "text/html")


@pytest.mark.parametrize("code", ["500.001", "500.002", "500.007", "500.009"])
def test_the_server_fails_by_code(served: Sandbox, code: str) -> None:
    """In the exchange's own form."""
    served.faults.server_error_next(code)
    reply = send(served, "POST", BALANCES)

    assert (reply.status_code, reply.json()["response_code"]) == (500, code)


@pytest.mark.parametrize("status", [200, 404])
def test_a_reply_may_be_empty(served: Sandbox, status: int) -> None:
    """And is not signed then."""
    served.faults.empty_next(status)
    reply = send(served, "POST", BALANCES)

    assert (reply.status_code, reply.content) == (status, b"")
    assert "x-server-auth-signature" not in reply.headers


def test_maintenance_may_come_with_status_503(served: Sandbox) -> None:
    """Both have been met."""
    served.faults.maintenance_next(status=503)

    assert send(served, "POST", BALANCES).status_code == 503


def test_what_looks_like_json_may_be_none(served: Sandbox) -> None:
    """Signed, so only a parser finds out."""
    served.faults.invalid_json_next()
    reply = send(served, "POST", BALANCES)

    assert reply.text.startswith("[{")
    assert reply.headers["x-server-auth-signature"]
    with pytest.raises(json.JSONDecodeError):
        reply.json()


def test_a_row_may_come_twice(served: Sandbox) -> None:
    """On one page; what is no list stays as it is."""
    served.faults.repeat_next(count=2)
    rows = send(served, "POST", "user_transactions/", body="limit=3").json()
    one = send(served, "POST", "account_balances/eur/").json()

    assert len(rows) == 4
    assert rows[2] == rows[3]
    assert one["currency"] == "eur"


def test_connections_are_refused_and_accepted_again(served: Sandbox) -> None:
    """At one and the same address; a second call changes nothing."""
    address = served.url
    assert send(served, "POST", BALANCES).status_code == 200
    for _ in range(2):
        served.refuse_connections()
    with pytest.raises(httpx.ConnectError):
        send(served, "POST", BALANCES)
    for _ in range(2):
        served.accept_connections()

    assert served.url == address
    assert send(served, "POST", BALANCES).status_code == 200
    assert len(served.requests) == 2


def test_a_sandbox_may_start_unreachable() -> None:
    """And stop so."""
    with Sandbox(seed=1, transactions=5, clock=lambda: NOW, connections_refused=True) as sandbox:
        with pytest.raises(httpx.ConnectError):
            send(sandbox, "POST", BALANCES)
        sandbox.accept_connections()
        assert send(sandbox, "POST", BALANCES).status_code == 200
        sandbox.refuse_connections()


def test_a_fault_can_wait_for_its_turn(served: Sandbox) -> None:
    """So that it hits a page in the middle."""
    served.faults.pass_next(count=2)
    served.faults.html_next(500)
    seen = [send(served, "POST", BALANCES).status_code for _ in range(4)]

    assert seen == [200, 200, 500, 200]
    assert [request.fault for request in served.requests] == [None, None, "html 500", None]


def test_a_caller_that_hangs_up_is_no_error_of_the_server(
    served: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    """Clients give up in the middle of a request; the host program's log stays clean."""
    host, _, port = served.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port))) as caller:
        caller.sendall(b"POST /api/v2/account_balances/ HTTP/1.1\r\nHost: x\r\n")
        caller.sendall(b"Content-Length: 10\r\n\r\nhalf")
    assert send(served, "POST", BALANCES).status_code == 200
    served.stop()  # Whatever was still on its way has ended then.

    assert [each.message for each in caplog.records if each.levelname == "ERROR"] == []
    assert len(served.requests) == 1
