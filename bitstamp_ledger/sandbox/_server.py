"""HTTP around the exchange: a Starlette application that passes bytes on, and a uvicorn to run it.

Needs the optional packages of the extra ``sandbox``; nothing else here imports them.
"""

import asyncio
import contextlib
import socket
import struct
import threading
from typing import Final

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send
from uvicorn import Config, Server
from uvicorn.protocols.http.h11_impl import H11Protocol

from bitstamp_ledger.sandbox._calls import Call
from bitstamp_ledger.sandbox._exchange import Exchange, Outcome

_SLICE_S: Final = 0.02
_TICKS: Final = 4
"""After so many turns of its loop a connection that was accepted is made, and one that was aborted
is gone."""

_METHODS: Final = ["GET", "POST", "PUT", "DELETE", "PATCH"]

Transports = dict[tuple[str, int], asyncio.Transport]
"""Open connections by the caller's address and port: the only way to hang up on one."""


class _Spoilt(Response):
    """A reply that never arrives whole."""

    def __init__(self, outcome: Outcome, transports: Transports, stopping: threading.Event) -> None:
        reply = outcome.reply
        super().__init__(content=reply.body, status_code=reply.status)
        self._fault = outcome.fault
        self._transports = transports
        self._stopping = stopping

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self._fault.says_nothing:
            await self._send_part(send)
        if self._fault.stall_s is not None:
            await _wait(self._fault.stall_s, receive, self._stopping)
        transport = self._transports.get(scope["client"])
        if transport is not None and self._fault.reset:
            await asyncio.sleep(0)  # What was sent must have left before.
            _reset(transport)
        elif transport is not None:
            transport.close()  # What was written is still flushed.
        while (await receive())["type"] != "http.disconnect":
            pass

    async def _send_part(self, send: Send) -> None:
        part = self.body[: self._fault.cut_after_bytes]
        # The length promises the whole body, so that the client can tell that it is short.
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(max(len(self.body), len(part) + 1)).encode()),
        ]
        await send({"type": "http.response.start", "status": self.status_code, "headers": headers})
        await send({"type": "http.response.body", "body": part, "more_body": True})


def _reset(transport: asyncio.Transport) -> None:
    """Hang up with a reset in place of a farewell."""
    open_socket = transport.get_extra_info("socket")
    if open_socket is not None:
        linger = struct.pack("ii", 1, 0)  # On, for no time.
        open_socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    transport.abort()


async def _wait(seconds: float, receive: Receive, stopping: threading.Event) -> None:
    """Wait until the time is over, the client has gone, or the server stops."""
    gone = asyncio.ensure_future(_until_disconnect(receive))
    while seconds > 0 and not stopping.is_set() and not gone.done():
        await asyncio.sleep(min(_SLICE_S, seconds))
        seconds -= _SLICE_S
    gone.cancel()


async def _until_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _application(
    exchange: Exchange, transports: Transports, stopping: threading.Event
) -> Starlette:
    async def answer(request: Request) -> Response:
        try:
            call = await _call_of(request)
        except ClientDisconnect:
            return Response()  # The caller hung up before it had asked; nobody reads this.
        outcome = exchange.handle(call)
        await _sleep(exchange.faults.latency_s, stopping)
        if outcome.fault.hangs_up:
            return _Spoilt(outcome, transports, stopping)
        reply = outcome.reply
        response = Response(content=reply.body, status_code=reply.status)
        for name, value in (("Content-Type", reply.content_type), *reply.headers):
            response.headers[name] = value
        return response

    return Starlette(routes=[Route("/{path:path}", answer, methods=_METHODS)])


async def _sleep(seconds: float, stopping: threading.Event) -> None:
    if seconds > 0 and not stopping.is_set():
        await asyncio.sleep(seconds)


async def _call_of(request: Request) -> Call:
    return Call(
        method=request.method,
        path=request.scope["raw_path"].decode("ascii"),
        query=request.scope["query_string"].decode("ascii"),
        host=request.headers.get("host", ""),
        headers=dict(request.headers),
        body=await request.body(),
    )


def _protocol(transports: Transports) -> type[H11Protocol]:
    class Protocol(H11Protocol):
        """Remembers its connection while it is open."""

        _peer: tuple[str, int] | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self._peer = self.client
            if self._peer is not None:
                transports[self._peer] = transport

        def connection_lost(self, exc: Exception | None) -> None:
            if self._peer is not None:
                transports.pop(self._peer, None)
            super().connection_lost(exc)

    return Protocol


class _Uvicorn(Server):
    """A uvicorn that says when it is ready, and stops when told instead of by polling."""

    def __init__(self, config: Config, ready: threading.Event, transports: Transports) -> None:
        super().__init__(config)
        self._ready = ready
        self._transports = transports
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._loop = asyncio.get_running_loop()
        self._ready.set()

    async def main_loop(self) -> None:
        await self.on_tick(0)
        await self._stop.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # What was accepted but is no connection yet when a server closes is lost by asyncio with a
        # warning; or nobody tells it to close, and it keeps the server from ever ending.
        self._accept_no_more()
        for _ in range(_TICKS):
            await asyncio.sleep(0)
        await super().shutdown(sockets)
        for _ in range(_TICKS):
            for transport in [*self._transports.values()]:
                transport.abort()
            await asyncio.sleep(0)

    def _accept_no_more(self) -> None:
        loop = asyncio.get_running_loop()
        for server in self.servers:
            for listener in server.sockets:
                with contextlib.suppress(NotImplementedError):  # Not every loop has readers.
                    loop.remove_reader(listener.fileno())

    def stop(self) -> None:
        """End the main loop; callable from any thread, once `startup` is over."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)


class HttpServer:
    """Serves an exchange from a background thread.

    Args:
        exchange: what answers.
        listener: a bound socket; it is closed with the server.
    """

    def __init__(self, exchange: Exchange, listener: socket.socket) -> None:
        self._listener = listener
        self._ready = threading.Event()
        self._stopping = threading.Event()
        self._transports: Transports = {}
        config = Config(
            _application(exchange, self._transports, self._stopping),
            http=_protocol(self._transports),
            loop="asyncio",
            ws="none",
            lifespan="off",
            log_config=None,  # The loggers belong to the host program.
            date_header=False,
            server_header=False,
            timeout_keep_alive=60,
        )
        self._server = _Uvicorn(config, self._ready, self._transports)
        self._thread = threading.Thread(target=self._run, name="bitstamp-sandbox", daemon=True)
        self._failure: BaseException | None = None

    def start(self) -> None:
        """Return once requests are answered."""
        self._thread.start()
        self._ready.wait()
        if self._failure is not None:
            self._thread.join()
            raise self._failure

    def stop(self) -> None:
        """Return once the thread and its sockets are gone."""
        self._stopping.set()
        self._server.stop()
        self._thread.join()
        self._listener.close()

    def _run(self) -> None:
        try:
            self._server.run(sockets=[self._listener])
        except BaseException as exc:  # noqa: BLE001 - carried over to the caller's thread
            self._failure = exc
        finally:
            self._ready.set()
