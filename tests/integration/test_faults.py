"""Every fault of the network and the exchange, against both clients, over real HTTP.

A fault that passes costs time and no record.  One that stays ends in one typed error, and what was
delivered before it is good.
"""

import datetime as dt
import logging
import time
from collections.abc import Callable, Iterator

import anyio
import pytest

import bitstamp_ledger as bl
from bitstamp_ledger.client import ClientEvent, PageRead, RequestDone
from bitstamp_ledger.sandbox import Faults, Limits, Sandbox

RECORDS = 2_500
QUICK = bl.RetryPolicy(attempts_max=4, delay_first_s=0.01)

Fault = Callable[[Faults, int | None], object]
Read = Callable[..., list[bl.Entry]]

FAULTS: dict[str, tuple[Fault, type[bl.BitstampLedgerError]]] = {
    "reset in mid-body": (lambda f, n: f.cut_next(1_000, count=n), bl.NoAnswerError),
    "reset before the body": (lambda f, n: f.cut_next(0, count=n), bl.NoAnswerError),
    "time-out": (lambda f, n: f.stall_next(1.5, count=n), bl.NoAnswerError),
    "500": (lambda f, n: f.html_next(500, count=n), bl.ExchangeUnavailableError),
    "502": (lambda f, n: f.html_next(502, count=n), bl.ExchangeUnavailableError),
    "503": (lambda f, n: f.html_next(503, count=n), bl.ExchangeUnavailableError),
    "edge block": (lambda f, n: f.html_next(403, count=n), bl.ExchangeUnavailableError),
    "429": (lambda f, n: f.too_many_next(count=n), bl.RateLimitedError),
    "429 with Retry-After": (
        lambda f, n: f.too_many_next(retry_after_s=0, count=n),
        bl.RateLimitedError,
    ),
    "400.002": (lambda f, n: f.rate_limit_next("400.002", count=n), bl.RateLimitedError),
    "400.067": (lambda f, n: f.rate_limit_next("400.067", count=n), bl.RateLimitedError),
    "400.068": (lambda f, n: f.rate_limit_next("400.068", count=n), bl.RateLimitedError),
    "maintenance with status 200": (
        lambda f, n: f.maintenance_next(count=n),
        bl.ExchangeUnavailableError,
    ),
    "truncated JSON": (lambda f, n: f.truncate_next(count=n), bl.UnreadableReplyError),
    "object for list": (lambda f, n: f.object_next(count=n), bl.UnreadableReplyError),
    "unsigned": (lambda f, n: f.unsigned_next(count=n), bl.ReplySignatureError),
    "wrongly signed": (lambda f, n: f.wrong_signature_next(count=n), bl.ReplySignatureError),
}


def read_blocking(sandbox: Sandbox, **settings: object) -> list[bl.Entry]:
    key = bl.Credentials(key=sandbox.key, secret=sandbox.secret)
    options = {"retry": QUICK, "timeout_s": 0.5, **settings}
    with bl.Client(key, base_url=sandbox.url, **options) as client:  # type: ignore[arg-type]
        return list(client.entries())


def read_async(sandbox: Sandbox, **settings: object) -> list[bl.Entry]:
    async def read() -> list[bl.Entry]:
        key = bl.Credentials(key=sandbox.key, secret=sandbox.secret)
        options = {"retry": QUICK, "timeout_s": 0.5, **settings}
        async with bl.AsyncClient(
            key,
            base_url=sandbox.url,
            **options,  # type: ignore[arg-type]
        ) as client:
            return [entry async for entry in client.entries()]

    return anyio.run(read)


@pytest.fixture(params=[read_blocking, read_async], ids=["blocking", "async"])
def read(request: pytest.FixtureRequest) -> Read:
    reader: Read = request.param
    return reader


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with Sandbox(seed=5, transactions=RECORDS, limits=Limits(per_1s=10**6, per_600s=10**6)) as it:
        yield it


@pytest.fixture
def sandbox(running: Sandbox) -> Iterator[Sandbox]:
    yield running
    running.faults.clear()
    running.faults.clock_offset_s = 0
    running.faults.limit_cap = None


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_that_passes_costs_no_record(sandbox: Sandbox, read: Read, name: str) -> None:
    """Two bad answers in a row; each call has tries of its own, with a fresh nonce."""
    FAULTS[name][0](sandbox.faults, 2)

    assert len({entry.id for entry in read(sandbox)}) == RECORDS
    assert sandbox.writes == []


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_that_stays_is_one_typed_error(sandbox: Sandbox, read: Read, name: str) -> None:
    """It names the endpoint and what to do next."""
    fault, raises = FAULTS[name]
    fault(sandbox.faults, None)

    with pytest.raises(raises) as caught:
        read(sandbox)

    assert getattr(caught.value, "endpoint", None) == "user_transactions"
    assert caught.value.hint


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

    assert len({entry.id for entry in read(sandbox, budget=Unlimited())}) == RECORDS


class Unlimited:
    """A budget for tests of something else."""

    def take(self) -> float:
        return 0.0


@pytest.mark.parametrize("offset_s", [-3_600, 1_000])
def test_a_wrong_clock_is_made_up_for_once_and_reported(sandbox: Sandbox, offset_s: int) -> None:
    """The exchange refuses our time and tells its own; after that, requests carry that."""
    sandbox.faults.clock_offset_s = offset_s
    key = bl.Credentials(key=sandbox.key, secret=sandbox.secret)

    with bl.Client(key, base_url=sandbox.url, retry=QUICK) as client:
        assert len(list(client.entries())) == RECORDS
        assert abs(client.clock_skew_s - offset_s) < 10


def test_rows_that_appear_while_reading_are_read(read: Read) -> None:
    """The history grows by a record with every page."""
    with Sandbox(seed=6, transactions=2_000) as growing:
        growing.faults.rows_appended_per_page = 1
        entries = read(growing)

        assert len({entry.id for entry in entries}) >= 2_000
        assert len({entry.id for entry in entries}) == len(entries)


def test_the_documented_limits_are_kept_by_the_default_budget() -> None:
    """Counted by the exchange, for all clients of the process together.

    Requests leave at the budget's pace, and may arrive a little closer together.
    """
    with Sandbox(seed=7, transactions=100) as limited:
        limited.faults.limit_cap = 2
        read_blocking(limited)

        assert len(limited.requests) > 100
        assert limited.limits.peak_1s <= 150


def test_breaking_off_leaves_no_thread_behind(sandbox: Sandbox) -> None:
    """A caller that has seen enough closes the iterator; what was in flight ends."""
    import threading  # noqa: PLC0415 - only here

    key = bl.Credentials(key=sandbox.key, secret=sandbox.secret)
    with bl.Client(key, base_url=sandbox.url, retry=QUICK) as client:
        entries = client.entries()
        next(entries)
        entries.close()  # type: ignore[attr-defined]  # it is a generator

    left = [each.name for each in threading.enumerate() if "bitstamp_ledger" in each.name]
    assert left == []


def test_cancelling_an_async_reader_leaves_nothing_behind(sandbox: Sandbox) -> None:
    """A web application's time-out in the middle of a stalled page."""
    sandbox.faults.stall_next(0.5, count=3)

    async def cancelled() -> float:
        key = bl.Credentials(key=sandbox.key, secret=sandbox.secret)
        began = time.monotonic()
        async with bl.AsyncClient(key, base_url=sandbox.url, timeout_s=5) as client:
            with anyio.move_on_after(0.1):
                async for _ in client.entries():
                    pass
        return time.monotonic() - began

    assert anyio.run(cancelled) < 0.5


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
