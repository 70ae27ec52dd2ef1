"""Calls a method of either client by its name, and lists what it streams."""

from collections.abc import AsyncIterator, Awaitable, Iterator
from typing import Any, Protocol

import anyio

import bitstamp_ledger as bl
from bitstamp_ledger.sandbox import Fault, Sandbox

QUICK = bl.RetryPolicy(attempts_max=2, delay_first_s=0.0)


class Read(Protocol):
    """One method of one client, driven to its end; ``observer`` is the client's."""

    def __call__(
        self,
        sandbox: Sandbox,
        method: str,
        *args: Any,
        key: bl.Credentials | None = None,
        **kw: Any,
    ) -> Any: ...


def credentials(sandbox: Sandbox) -> bl.Credentials:
    return bl.Credentials(key=sandbox.key, secret=sandbox.secret)


def read_blocking(
    sandbox: Sandbox, method: str, *args: Any, key: bl.Credentials | None = None, **kw: Any
) -> Any:
    key, observer = key or credentials(sandbox), kw.pop("observer", None)
    with bl.Client(key, base_url=sandbox.url, retry=QUICK, observer=observer) as client:
        answer = getattr(client, method)(*args, **kw)
        return list(answer) if isinstance(answer, Iterator) else answer


def read_async(
    sandbox: Sandbox, method: str, *args: Any, key: bl.Credentials | None = None, **kw: Any
) -> Any:
    async def read() -> Any:
        used, observer = key or credentials(sandbox), kw.pop("observer", None)
        async with bl.AsyncClient(
            used, base_url=sandbox.url, retry=QUICK, observer=observer
        ) as client:
            answer = getattr(client, method)(*args, **kw)
            if isinstance(answer, Awaitable):
                answer = await answer
            if isinstance(answer, AsyncIterator):
                return [row async for row in answer]
            return answer

    return anyio.run(read)


def say(sandbox: Sandbox, body: bytes, *, path: str, count: int | None = 1) -> None:
    """Let the sandbox answer with this body, signed as if it were its own."""
    sandbox.faults.plan(Fault(name="said", body=body), path=path, count=count)
