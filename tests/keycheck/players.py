"""Checks a key in either colour, against the sandbox or against a server that misbehaves."""

import hashlib
import hmac
import json
import socket
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import anyio
import attrs
import httpx

import bitstamp_ledger as bl
from bitstamp_ledger.sandbox import Sandbox

KEY = "CanaryKey000000000000000000wxyz0"
SECRET = "CanarySecret00000000000000abcd00"
QUICK = bl.RetryPolicy(attempts_max=2, delay_first_s=0.0)

DENIED = (403, {"status": "error", "reason": "No permission found", "code": "API0003"})

READS = {
    "account_balances/": (
        200,
        [{"currency": "btc", "total": "0", "available": "0", "reserved": "0"}],
    ),
    "user_transactions/": (200, []),
    "open_orders/": (200, []),
    "withdrawal-requests/": (200, []),
    "crypto-transactions/": (
        200,
        {"ripple_iou_transactions": [], "deposits": [], "withdrawals": []},
    ),
}

Answer = tuple[int, Any]
Answers = Mapping[str, Answer | Exception]


class Check(Protocol):
    """One check, driven to its end."""

    def __call__(
        self,
        *,
        base_url: str,
        key: str = KEY,
        secret: str = SECRET,
        transport: httpx.MockTransport | None = None,
        probes: bl.Probes = bl.Probes.EMPTY_WRITES,
        worked_before: bool | None = None,
        earlier: bl.KeyReport | None = None,
        retry: bl.RetryPolicy = QUICK,
    ) -> bl.KeyReport: ...


def check_blocking(
    *,
    base_url: str,
    key: str = KEY,
    secret: str = SECRET,
    transport: httpx.MockTransport | None = None,
    probes: bl.Probes = bl.Probes.EMPTY_WRITES,
    worked_before: bool | None = None,
    earlier: bl.KeyReport | None = None,
    retry: bl.RetryPolicy = QUICK,
) -> bl.KeyReport:
    credentials = bl.Credentials(key=key, secret=secret)
    with bl.Client(credentials, base_url=base_url, retry=retry, transport=transport) as client:
        return bl.check_key(client, probes, worked_before=worked_before, earlier=earlier)


def check_async(
    *,
    base_url: str,
    key: str = KEY,
    secret: str = SECRET,
    transport: httpx.MockTransport | None = None,
    probes: bl.Probes = bl.Probes.EMPTY_WRITES,
    worked_before: bool | None = None,
    earlier: bl.KeyReport | None = None,
    retry: bl.RetryPolicy = QUICK,
) -> bl.KeyReport:
    async def check() -> bl.KeyReport:
        credentials = bl.Credentials(key=key, secret=secret)
        async with bl.AsyncClient(
            credentials, base_url=base_url, retry=retry, transport=transport
        ) as client:
            return await bl.check_key(client, probes, worked_before=worked_before, earlier=earlier)

    return anyio.run(check)


@attrs.define
class Exchange:
    """Answers by path, signs what it should, and remembers what it was asked.

    A path without an answer of its own is denied.
    """

    answers: dict[str, Answer | Exception] = attrs.field(factory=dict)
    asked: list[httpx.Request] = attrs.field(factory=list)
    rewrite: Callable[[str, Answer | Exception], Answer | Exception] | None = None
    date: str | None = None

    @property
    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self.answer)

    @property
    def paths(self) -> list[str]:
        return [path_of(request) for request in self.asked]

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        path = path_of(request)
        found: Answer | Exception = {**READS, **self.answers}.get(path, DENIED)
        if self.rewrite is not None:
            found = self.rewrite(path, found)
        if isinstance(found, Exception):
            raise found
        status, content = found
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        kind = "text/html" if body.startswith(b"<") else "application/json"
        headers = {"Content-Type": kind}
        if self.date is not None:
            headers["Date"] = self.date
        if status == 200:
            headers["X-Server-Auth-Signature"] = seal(request, kind, body)
        return httpx.Response(status, headers=headers, content=body)


def path_of(request: httpx.Request) -> str:
    return request.url.raw_path.decode().removeprefix("/api/v2/")


def seal(request: httpx.Request, kind: str, body: bytes) -> str:
    """Sign a reply as the exchange does."""
    head = f"{request.headers['X-Auth-Nonce']}{request.headers['X-Auth-Timestamp']}{kind}"
    return hmac.new(SECRET.encode(), head.encode() + body, hashlib.sha256).hexdigest()


def check_against(
    exchange: Exchange,
    *,
    check: Check = check_blocking,
    probes: bl.Probes = bl.Probes.EMPTY_WRITES,
    worked_before: bool | None = None,
    earlier: bl.KeyReport | None = None,
) -> bl.KeyReport:
    return check(
        base_url="https://exchange.example",
        transport=exchange.transport,
        probes=probes,
        worked_before=worked_before,
        earlier=earlier,
    )


def grants(report: bl.KeyReport) -> dict[tuple[str, str | None], str]:
    """Return what the report says, by permission and currency."""
    return {(each.permission.value, each.asset): each.grant.value for each in report.findings}


def quick_sandbox() -> Sandbox:
    """Make a local exchange that sends small replies at once."""
    listener = socket.create_server(("127.0.0.1", 0))
    # Inherited by every connection; a check is many small replies on one of them.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return Sandbox(seed=1, transactions=60, listener=listener)
