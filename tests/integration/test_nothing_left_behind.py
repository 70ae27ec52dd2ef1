"""Breaking off, cancelling, closing in mid-flight: nothing of a client outlives it.

No thread, no task, no socket; a ResourceWarning is an error here as everywhere.  The exchange runs
in this process too, so its own connections must be gone as well.
"""

import asyncio
import contextlib
import gc
import threading
import time
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, aclosing
from pathlib import Path
from typing import Any

import anyio
import anyio.abc
import pytest

import bitstamp_ledger as bl
from bitstamp_ledger.sandbox import Sandbox

RECORDS = 900
PAGE = 100
STALL_S = 0.4
PATIENCE_S = 5.0
QUICK = bl.RetryPolicy(attempts_max=2, delay_first_s=0.01)
DESCRIPTORS = Path("/proc/self/fd")

Scenario = Callable[[Sandbox, bl.AsyncClient], Awaitable[None]]


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with Sandbox(seed=8, transactions=RECORDS) as it:
        yield it


@pytest.fixture
def sandbox(running: Sandbox) -> Iterator[Sandbox]:
    running.faults.limit_cap = PAGE
    yield running
    running.faults.clear()


def sockets_open() -> int:
    """Return how many sockets this process holds; 0 where the system does not tell."""
    found = 0
    for descriptor in DESCRIPTORS.iterdir() if DESCRIPTORS.exists() else ():
        with contextlib.suppress(OSError):
            found += str(descriptor.readlink()).startswith("socket:")
    return found


@contextlib.contextmanager
def nothing_left() -> Iterator[None]:
    """Fail if threads, sockets or unclosed things are left at the end of the block."""
    gc.collect()
    threads, sockets = set(threading.enumerate()), sockets_open()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
        gc.collect()
    assert [str(warning.message) for warning in caught] == []
    assert set(threading.enumerate()) - threads == set()
    until = time.monotonic() + PATIENCE_S
    while sockets_open() > sockets and time.monotonic() < until:
        time.sleep(0.01)  # The exchange notices a moment later that its callers have gone.
    assert sockets_open() <= sockets


def stall_later_pages(sandbox: Sandbox) -> None:
    """The first page is well; those that are asked for together then hang."""
    sandbox.faults.pass_next(count=2)
    sandbox.faults.stall_next(STALL_S, count=None)


def client_of(sandbox: Sandbox) -> bl.Client:
    key = bl.Credentials(key=sandbox.key, secret=sandbox.secret)
    return bl.Client(key, base_url=sandbox.url, retry=QUICK, timeout_s=2)


# Blocking


def break_off(client: bl.Client) -> None:
    entries: Any = client.entries()
    next(entries)
    entries.close()


def drop_the_iterator(client: bl.Client) -> None:
    for _ in client.entries():
        break


def fail_while_iterating(client: bl.Client) -> None:
    with pytest.raises(ZeroDivisionError):
        _fail_at_the_150th(client)


def _fail_at_the_150th(client: bl.Client) -> None:
    for number, _ in enumerate(client.entries()):
        1 / (150 - number)


def never_iterate(client: bl.Client) -> None:
    assert client.entries() is not None
    assert not isinstance(client.withdrawal_requests(), bl.NotAvailable)


def two_at_once(client: bl.Client) -> None:
    first, second = client.entries(), client.entries()
    for _ in range(250):
        assert next(first) == next(second)


BREAKING_OFF = (break_off, drop_the_iterator, fail_while_iterating, never_iterate, two_at_once)


@pytest.mark.parametrize("use", BREAKING_OFF, ids=lambda use: use.__name__)
def test_a_history_that_is_not_read_to_its_end_leaves_nothing(
    sandbox: Sandbox, use: Callable[[bl.Client], None]
) -> None:
    """However the caller goes away from it."""
    with nothing_left(), client_of(sandbox) as client:
        use(client)


def test_breaking_off_in_mid_flight_waits_for_no_answer_longer_than_its_time_out(
    sandbox: Sandbox,
) -> None:
    """Pages are on their way and hang; a thread that waits for one cannot be interrupted."""
    stall_later_pages(sandbox)
    began = time.monotonic()
    with nothing_left(), client_of(sandbox) as client:
        entries: Any = client.entries()
        for _ in range(PAGE + 1):
            next(entries)
        entries.close()

    assert time.monotonic() - began < 2 + STALL_S


def test_closing_a_client_in_mid_flight_ends_its_readers(sandbox: Sandbox) -> None:
    """By an error in the thread that reads, and not by silence."""
    stall_later_pages(sandbox)
    outcome: list[BaseException | None] = []

    def read(client: bl.Client) -> None:
        try:
            list(client.entries())
        except (bl.BitstampLedgerError, RuntimeError) as exc:
            outcome.append(exc)

    with nothing_left():
        client = client_of(sandbox)
        reader = threading.Thread(target=read, args=(client,))
        reader.start()
        asked = len(sandbox.requests)
        wait_for(lambda: len(sandbox.requests) > asked)
        client.close()
        reader.join(PATIENCE_S)
        assert not reader.is_alive()

    assert len(outcome) == 1


def test_a_failing_read_leaves_nothing(sandbox: Sandbox) -> None:
    """The first error ends the pages that are in flight with it."""
    sandbox.faults.pass_next(count=2)
    sandbox.faults.object_next(count=None)
    with nothing_left(), client_of(sandbox) as client, pytest.raises(bl.UnreadableReplyError):
        list(client.entries())


def wait_for(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE_S
    while not condition() and time.monotonic() < until:
        time.sleep(0.005)
    assert condition()


# Async


async def break_off_async(_: Sandbox, client: bl.AsyncClient) -> None:
    async with closing(client.entries()) as entries:
        async for _entry in entries:
            break


async def fail_while_iterating_async(_: Sandbox, client: bl.AsyncClient) -> None:
    with pytest.raises(ZeroDivisionError):
        await _fail_at_the_150th_async(client)


async def _fail_at_the_150th_async(client: bl.AsyncClient) -> None:
    number = 0
    async with closing(client.entries()) as entries:
        async for _ in entries:
            1 / (150 - number)
            number += 1


async def cancel_in_mid_flight(sandbox: Sandbox, client: bl.AsyncClient) -> None:
    stall_later_pages(sandbox)
    with anyio.move_on_after(0.1) as scope:
        async for _ in client.entries():
            pass
    assert scope.cancelled_caught


async def cancel_a_single_call(sandbox: Sandbox, client: bl.AsyncClient) -> None:
    sandbox.faults.stall_next(STALL_S)
    with anyio.move_on_after(0.05) as scope:
        await client.balances()
    assert scope.cancelled_caught
    sandbox.faults.clear()
    assert await client.balances()  # The client works on.


async def cancel_while_waiting_to_try_again(sandbox: Sandbox, client: bl.AsyncClient) -> None:
    sandbox.faults.too_many_next(retry_after_s=20, count=None)
    with anyio.move_on_after(0.1) as scope:
        await client.balances()
    assert scope.cancelled_caught


async def close_in_mid_flight(sandbox: Sandbox, client: bl.AsyncClient) -> None:
    stall_later_pages(sandbox)

    async def close_soon() -> None:
        await anyio.sleep(0.1)
        await client.close()

    async with anyio.create_task_group() as group:
        group.start_soon(close_soon)
        with pytest.raises((bl.BitstampLedgerError, RuntimeError)):
            await _read_all(client)


async def _read_all(client: bl.AsyncClient) -> None:
    async with closing(client.entries()) as entries:
        async for _ in entries:
            pass


async def fail_by_the_exchange(sandbox: Sandbox, client: bl.AsyncClient) -> None:
    sandbox.faults.pass_next(count=2)
    sandbox.faults.object_next(count=None)
    with pytest.raises(bl.UnreadableReplyError):
        async for _ in client.entries():
            pass


async def two_at_once_async(_: Sandbox, client: bl.AsyncClient) -> None:
    async with closing(client.entries()) as first, closing(client.entries()) as second:
        for _number in range(250):
            assert await anext(first) == await anext(second)


def closing(entries: Any) -> AbstractAsyncContextManager[AsyncIterator[bl.Entry]]:
    return aclosing(entries)


SCENARIOS: tuple[Scenario, ...] = (
    break_off_async,
    fail_while_iterating_async,
    cancel_in_mid_flight,
    cancel_a_single_call,
    cancel_while_waiting_to_try_again,
    close_in_mid_flight,
    fail_by_the_exchange,
    two_at_once_async,
)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_an_async_client_leaves_nothing_however_its_use_ends(
    sandbox: Sandbox, backend: str, scenario: Scenario
) -> None:
    """On both event loops; and all of it within the time that the caller gave."""
    if backend == "trio":
        pytest.importorskip("trio")

    async def main() -> None:
        key = bl.Credentials(key=sandbox.key, secret=sandbox.secret)
        async with bl.AsyncClient(key, base_url=sandbox.url, retry=QUICK, timeout_s=2) as client:
            await scenario(sandbox, client)
        if backend == "asyncio":
            assert asyncio.all_tasks() == {asyncio.current_task()}

    with nothing_left():
        began = time.monotonic()
        anyio.run(main, backend=backend)
        assert time.monotonic() - began < 2


def test_an_async_iterator_that_is_dropped_leaves_nothing_on_asyncio(sandbox: Sandbox) -> None:
    """An asyncio loop ends dropped generators by itself; on trio a caller has to close them."""

    async def main() -> None:
        key = bl.Credentials(key=sandbox.key, secret=sandbox.secret)
        async with bl.AsyncClient(key, base_url=sandbox.url, retry=QUICK) as client:
            async for _ in client.entries():
                break

    with nothing_left():
        asyncio.run(main())


def test_a_task_that_is_cancelled_leaves_nothing(sandbox: Sandbox) -> None:
    """As a web application does that shuts down."""
    stall_later_pages(sandbox)

    async def read() -> None:
        key = bl.Credentials(key=sandbox.key, secret=sandbox.secret)
        async with bl.AsyncClient(key, base_url=sandbox.url, retry=QUICK) as client:
            async for _ in client.entries():
                pass

    async def main() -> None:
        task = asyncio.create_task(read())
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert asyncio.all_tasks() == {asyncio.current_task()}

    with nothing_left():
        asyncio.run(main())
