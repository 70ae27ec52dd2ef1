"""Every fault of the network and the exchange, against both clients, over real HTTP.

A fault that passes costs time and no record.  One that stays ends in one typed error, and what was
delivered before it is good.
"""

import datetime as dt
import logging
import ssl
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any, Protocol

import anyio
import httpx
import pytest

import bitstamp_ledger as bl
from bitstamp_ledger.client import ClientEvent, PageRead, RequestDone
from bitstamp_ledger.sandbox import Faults, Limits, Sandbox

RECORDS = 600
PAGE = 120  # The sandbox sends no more at once, so that several pages are in flight.
QUICK = bl.RetryPolicy(attempts_max=4, delay_first_s=0.01)

Fault = Callable[[Faults, int | None], object]


class Unlimited:
    """A budget for tests of something else."""

    def take(self) -> float:
        return 0.0


class Read(Protocol):
    """One method of one client, driven to its end."""

    def __call__(
        self, sandbox: Sandbox, method: str = "entries", *args: Any, **settings: Any
    ) -> Any: ...


FAULTS: dict[str, tuple[Fault, type[bl.BitstampLedgerError]]] = {
    "reset in mid-body": (lambda f, n: f.reset_next(1_000, count=n), bl.NoAnswerError),
    "hung up in mid-body": (lambda f, n: f.cut_next(1_000, count=n), bl.NoAnswerError),
    "hung up before the body": (lambda f, n: f.cut_next(0, count=n), bl.NoAnswerError),
    "time-out": (lambda f, n: f.stall_next(1.5, count=n), bl.NoAnswerError),
    "time-out in mid-body": (
        lambda f, n: f.stall_next(1.5, after_bytes=1_000, count=n),
        bl.NoAnswerError,
    ),
    "429": (lambda f, n: f.too_many_next(count=n), bl.RateLimitedError),
    "429 with Retry-After": (
        lambda f, n: f.too_many_next(retry_after_s=0, count=n),
        bl.RateLimitedError,
    ),
    "400.002": (lambda f, n: f.rate_limit_next("400.002", count=n), bl.RateLimitedError),
    "400.067": (lambda f, n: f.rate_limit_next("400.067", count=n), bl.RateLimitedError),
    "400.068": (lambda f, n: f.rate_limit_next("400.068", count=n), bl.RateLimitedError),
    "500": (lambda f, n: f.html_next(500, count=n), bl.ExchangeUnavailableError),
    "502": (lambda f, n: f.html_next(502, count=n), bl.ExchangeUnavailableError),
    "503": (lambda f, n: f.html_next(503, count=n), bl.ExchangeUnavailableError),
    "500.001": (lambda f, n: f.server_error_next("500.001", count=n), bl.ExchangeUnavailableError),
    "500.009": (lambda f, n: f.server_error_next("500.009", count=n), bl.ExchangeUnavailableError),
    "HTML from the edge": (lambda f, n: f.html_next(403, count=n), bl.ExchangeUnavailableError),
    "HTML from the edge with status 200": (
        lambda f, n: f.html_next(200, count=n),
        bl.ReplySignatureError,
    ),
    "maintenance with status 200": (
        lambda f, n: f.maintenance_next(count=n),
        bl.ExchangeUnavailableError,
    ),
    "maintenance with status 503": (
        lambda f, n: f.maintenance_next(status=503, count=n),
        bl.ExchangeUnavailableError,
    ),
    "truncated JSON": (lambda f, n: f.truncate_next(count=n), bl.UnreadableReplyError),
    "invalid JSON": (lambda f, n: f.invalid_json_next(count=n), bl.UnreadableReplyError),
    "no body": (lambda f, n: f.empty_next(count=n), bl.ReplySignatureError),
    "object for list": (lambda f, n: f.object_next(count=n), bl.UnreadableReplyError),
    "missing signature": (lambda f, n: f.unsigned_next(count=n), bl.ReplySignatureError),
    "wrong signature": (lambda f, n: f.wrong_signature_next(count=n), bl.ReplySignatureError),
}
"""Every fault that a list of records can meet; the others have tests of their own below."""

TIME_OUTS = {name: 0.2 for name in FAULTS if "time-out" in name}
"""Shorter than for other faults, where a slow machine must not make one of its own."""

OBJECTS = {
    "balance": ("btc",),
    "margin_info": (),
    "crypto_transactions": (),
    "ticker": ("btceur",),
    "eur_usd": (),
}


NO_CERTIFICATES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Loading certificates takes longer than all requests of a test."""

USUAL: dict[str, Any] = {"retry": QUICK, "timeout_s": 0.4, "budget": Unlimited()}


def read_blocking(sandbox: Sandbox, method: str = "entries", *args: Any, **settings: Any) -> Any:
    key = bl.Credentials(key=sandbox.key, secret=sandbox.secret)
    transport = httpx.HTTPTransport(verify=NO_CERTIFICATES)
    options = {**USUAL, "transport": transport, **settings}
    with bl.Client(key, base_url=sandbox.url, **options) as client:
        answer = getattr(client, method)(*args)
        return list(answer) if isinstance(answer, Iterator) else answer


def read_async(sandbox: Sandbox, method: str = "entries", *args: Any, **settings: Any) -> Any:
    async def read() -> Any:
        key = bl.Credentials(key=sandbox.key, secret=sandbox.secret)
        transport = httpx.AsyncHTTPTransport(verify=NO_CERTIFICATES)
        options = {**USUAL, "transport": transport, **settings}
        async with bl.AsyncClient(key, base_url=sandbox.url, **options) as client:
            answer = getattr(client, method)(*args)
            if isinstance(answer, Awaitable):
                answer = await answer
            if isinstance(answer, AsyncIterator):
                return [row async for row in answer]
            return answer

    return anyio.run(read)


@pytest.fixture(params=[read_blocking, read_async], ids=["blocking", "async"])
def read(request: pytest.FixtureRequest) -> Read:
    reader: Read = request.param
    return reader


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    limits = Limits(per_1s=10**6, per_600s=10**6)
    with Sandbox(seed=5, transactions=RECORDS, derivatives=True, limits=limits) as it:
        yield it


@pytest.fixture
def sandbox(running: Sandbox) -> Iterator[Sandbox]:
    running.faults.limit_cap = PAGE
    yield running
    running.accept_connections()
    running.faults.clear()
    running.faults.clock_offset_s = 0
    running.faults.latency_s = 0


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_that_passes_costs_no_record(sandbox: Sandbox, read: Read, name: str) -> None:
    """Two bad answers in a row; each call has tries of its own, with a fresh nonce."""
    FAULTS[name][0](sandbox.faults, 2)

    entries = read(sandbox, timeout_s=TIME_OUTS.get(name, 0.4))

    assert len({entry.id for entry in entries}) == RECORDS
    assert sandbox.faults.pending == ()
    assert sandbox.writes == []


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_among_pages_in_flight_costs_no_record(
    sandbox: Sandbox, read: Read, name: str
) -> None:
    """The first page is well; then two of those that were begun together are not."""
    sandbox.faults.pass_next()
    FAULTS[name][0](sandbox.faults, 2)
    entries = read(sandbox, timeout_s=TIME_OUTS.get(name, 0.4))

    assert len(entries) == len({entry.id for entry in entries}) == RECORDS
    assert sandbox.faults.pending == ()


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_that_stays_is_one_typed_error(sandbox: Sandbox, read: Read, name: str) -> None:
    """It names the endpoint and what to do next."""
    fault, raises = FAULTS[name]
    fault(sandbox.faults, None)

    with pytest.raises(raises) as caught:
        read(sandbox, timeout_s=TIME_OUTS.get(name, 0.4))

    assert getattr(caught.value, "endpoint", None) == "user_transactions"
    assert caught.value.hint


@pytest.mark.parametrize("method", OBJECTS)
def test_a_list_where_an_object_belongs_passes_or_is_one_typed_error(
    sandbox: Sandbox, read: Read, method: str
) -> None:
    """The other way round, on every endpoint that sends an object."""
    sandbox.faults.list_next(count=2)
    assert read(sandbox, method, *OBJECTS[method])

    sandbox.faults.list_next(count=None)
    with pytest.raises(bl.UnreadableReplyError):
        read(sandbox, method, *OBJECTS[method])


def test_refused_connections_pass(sandbox: Sandbox, read: Read) -> None:
    """The exchange is away for two tries, and back for the third."""
    failed = 0

    def come_back(event: object) -> None:
        nonlocal failed
        failed += isinstance(event, RequestDone) and event.status is None
        if failed == 2:
            sandbox.accept_connections()

    sandbox.refuse_connections()

    assert len({entry.id for entry in read(sandbox, observer=come_back)}) == RECORDS
    assert failed == 2


def test_connections_refused_in_the_middle_pass(sandbox: Sandbox, read: Read) -> None:
    """The connections that were kept open are gone as well."""
    failed = 0

    def go_and_come_back(event: object) -> None:
        nonlocal failed
        if isinstance(event, PageRead) and failed == 0:
            sandbox.refuse_connections()
            failed = 1
        elif isinstance(event, RequestDone) and event.status is None:
            failed += 1
            sandbox.accept_connections()

    entries = read(sandbox, "withdrawal_requests", observer=go_and_come_back)

    assert len(entries) == sum(str(record["type"]) == "1" for record in sandbox.records)
    assert failed > 1


def test_refused_connections_that_stay_are_one_typed_error(sandbox: Sandbox, read: Read) -> None:
    """After all tries."""
    sandbox.refuse_connections()

    with pytest.raises(bl.NoAnswerError) as caught:
        read(sandbox)

    assert (caught.value.endpoint, caught.value.attempts) == ("user_transactions", 4)
    assert caught.value.hint


def test_retry_after_is_kept(sandbox: Sandbox, read: Read) -> None:
    """One second is longer than the client would have waited by itself."""
    sandbox.faults.too_many_next(retry_after_s=1)
    began = time.monotonic()
    read(sandbox, "balances")

    assert time.monotonic() - began >= 1


def test_latency_is_borne(sandbox: Sandbox, read: Read) -> None:
    """As long as it is shorter than the time-out."""
    sandbox.faults.latency_s = 0.05
    assert len(read(sandbox)) == RECORDS

    sandbox.faults.latency_s = 0.6
    with pytest.raises(bl.NoAnswerError):
        read(sandbox, "balances", retry=bl.RetryPolicy(attempts_max=1))


def test_limits_that_are_met_are_borne(read: Read) -> None:
    """The exchange allows less than this client's budget, and says so; every record comes."""
    with Sandbox(seed=6, transactions=200, limits=Limits(per_1s=15)) as limited:
        limited.faults.limit_cap = 10
        patient = bl.RetryPolicy(attempts_max=10, delay_first_s=0.2)
        entries = read(limited, retry=patient)

        assert len({entry.id for entry in entries}) == len(entries) == 200
        assert any(request.status == 400 for request in limited.requests)


def test_each_fault_of_the_list_has_its_tests() -> None:
    """What a client must survive, by its names; a fault without a test is a promise only."""
    here = {name for name in globals() if name.startswith("test_")}
    alone = {
        "connect refused": "test_refused_connections_pass",
        "list for object": "test_a_list_where_an_object_belongs_passes_or_is_one_typed_error",
        "clock skew": "test_a_wrong_clock_is_made_up_for_once_and_reported",
        "latency": "test_latency_is_borne",
        "limits": "test_limits_that_are_met_are_borne",
        "late rows": "test_rows_that_come_late_while_reading_cost_no_record",
        "duplicate ids": "test_rows_that_share_an_id_are_both_read",
        "repeated rows": "test_a_row_that_comes_twice_is_read_once",
        "changed content": "test_a_record_that_changes_while_reading_is_read_once",
    }
    assert set(alone.values()) <= here
    planned = {name for name in vars(Faults) if name.endswith("_next")}
    used = set()

    class Listening(Faults):
        def __getattribute__(self, name: str) -> Any:
            used.add(name)
            return super().__getattribute__(name)

    for fault, _ in FAULTS.values():
        fault(Listening(), 1)
    assert planned - used == {"list_next", "pass_next", "repeat_next"}


def test_unsigned_replies_are_taken_where_the_program_says_so(sandbox: Sandbox, read: Read) -> None:
    """A setting for proxies that strip headers; a wrong signature is never taken."""
    sandbox.faults.unsigned_next(count=None)

    assert len(read(sandbox, signed_replies_required=False)) == RECORDS

    sandbox.faults.clear()
    sandbox.faults.wrong_signature_next(count=None)
    with pytest.raises(bl.ReplySignatureError):
        read(sandbox, signed_replies_required=False)


@pytest.mark.parametrize("cap", [7, 100, 999])
def test_a_server_that_sends_smaller_pages_is_read_whole(
    sandbox: Sandbox, read: Read, cap: int
) -> None:
    """The limit that was asked for is not trusted."""
    sandbox.faults.limit_cap = cap

    assert len({entry.id for entry in read(sandbox)}) == RECORDS


@pytest.mark.parametrize("offset_s", [-3_600, 1_000])
@pytest.mark.parametrize("colour", ["blocking", "async"])
def test_a_wrong_clock_is_made_up_for_once_and_reported(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture, offset_s: int, colour: str
) -> None:
    """The exchange refuses our time and tells its own; after that, requests carry that."""
    sandbox.faults.clock_offset_s = offset_s
    key = bl.Credentials(key=sandbox.key, secret=sandbox.secret)
    # Told by the client: the exchange may still be answering a client that was closed before.
    done: list[ClientEvent] = []

    def blocking() -> tuple[int, float]:
        with bl.Client(key, base_url=sandbox.url, retry=QUICK, observer=done.append) as client:
            return len(list(client.entries())), client.clock_skew_s

    async def asynchronous() -> tuple[int, float]:
        async with bl.AsyncClient(
            key, base_url=sandbox.url, retry=QUICK, observer=done.append
        ) as client:
            return len([entry async for entry in client.entries()]), client.clock_skew_s

    count, skew_s = blocking() if colour == "blocking" else anyio.run(asynchronous)
    assert count == RECORDS
    assert abs(skew_s - offset_s) < 10
    statuses = [each.status for each in done if isinstance(each, RequestDone)]
    assert statuses.count(403) == 1
    warned = [
        each
        for each in caplog.records
        if each.levelno >= logging.WARNING and each.name.startswith("bitstamp_ledger")
    ]
    assert len(warned) == 1
    assert "clock" in warned[0].message


def test_rows_that_appear_while_reading_are_read(read: Read) -> None:
    """The history grows by a record with every page."""
    with Sandbox(seed=6, transactions=2_000) as growing:
        growing.faults.rows_appended_per_page = 1
        entries = read(growing)

        assert len({entry.id for entry in entries}) >= 2_000
        assert len({entry.id for entry in entries}) == len(entries)


def raw_ids(entries: list[bl.Entry]) -> Counter[tuple[object, str]]:
    return Counter((entry.source.raw["id"], str(entry.source.raw["type"])) for entry in entries)


def test_rows_that_come_late_while_reading_cost_no_record(read: Read) -> None:
    """They shift what follows by a place; whatever was there at first comes, each once."""
    with Sandbox(seed=6, transactions=500) as growing:
        there = {record["id"] for record in growing.records}
        growing.faults.limit_cap = 50
        growing.faults.late_rows_per_page = 1
        found = raw_ids(read(growing))

        assert set(found.values()) == {1}
        assert there <= {number for number, _ in found}


def test_rows_that_share_an_id_are_both_read(read: Read) -> None:
    """At the seam of two pages as well: the kind of a row tells them apart."""
    with Sandbox(seed=6, transactions=300) as twins:
        twins.faults.limit_cap = 25
        for index in (24, 27, 60, -1):
            twins.insert_same_id(index)
        found = raw_ids(read(twins))

        assert found == Counter((r["id"], str(r["type"])) for r in twins.records)
        assert sum(found.values()) == 304


def test_a_row_that_comes_twice_is_read_once(sandbox: Sandbox, read: Read) -> None:
    """Whatever makes a server do so."""
    sandbox.faults.repeat_next(count=3)

    assert set(raw_ids(read(sandbox)).values()) == {1}


def test_a_record_that_changes_while_reading_is_read_once(read: Read) -> None:
    """It stands on two pages that overlap, with another fee on the second."""
    with Sandbox(seed=6, transactions=300) as changing:
        changing.faults.limit_cap = 50
        seam = changing.records[49]["id"]
        assert isinstance(seam, int)

        def change(event: object) -> None:
            if isinstance(event, PageRead):
                changing.change(seam, fee="0.01")

        found = raw_ids(read(changing, observer=change))

        assert {number for number, _ in found} == {r["id"] for r in changing.records}
        assert set(found.values()) == {1}


def test_the_documented_limits_are_kept_by_the_default_budget() -> None:
    """Counted by the exchange, for all clients of the process together.

    Requests leave at the budget's pace, and may arrive a little closer together.
    """
    with Sandbox(seed=7, transactions=100) as limited:
        limited.faults.limit_cap = 2
        read_blocking(limited, budget=None)

        assert len(limited.requests) > 100
        assert limited.limits.peak_1s <= 150


def test_events_and_counts_tell_of_every_request_and_page(sandbox: Sandbox) -> None:
    """For progress bars; from whichever thread did it."""
    events: list[ClientEvent] = []
    key = bl.Credentials(key=sandbox.key, secret=sandbox.secret)
    sandbox.faults.html_next(503, count=1)
    with bl.Client(key, base_url=sandbox.url, retry=QUICK, observer=events.append) as client:
        list(client.entries())
        counts = client.counts

    requests = [event for event in events if isinstance(event, RequestDone)]
    pages = [event for event in events if isinstance(event, PageRead)]
    assert sum(event.records for event in pages) == counts.records == RECORDS
    assert len(requests) == counts.requests
    assert counts.failed == sum(event.status == 503 for event in requests) == 1


def test_the_log_tells_of_pages_and_holds_no_secret(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    """At debug level, the library's and the HTTP libraries' together."""
    caplog.set_level(logging.DEBUG)
    read_blocking(sandbox)

    assert "user_transactions" in caplog.text
    assert sandbox.secret not in caplog.text
    assert sandbox.key not in caplog.text


def test_every_time_is_aware_and_utc(sandbox: Sandbox, read: Read) -> None:
    """Nothing naive, nothing in a zone of this machine."""
    assert all(entry.time.tzinfo is dt.UTC for entry in read(sandbox))
