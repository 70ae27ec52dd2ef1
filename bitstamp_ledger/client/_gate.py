"""The one opening in the guard: a key check's probe, by identity, once."""

import contextlib
import threading
from collections.abc import Iterator

import httpx

from bitstamp_ledger.api import recognise_probe


class ProbeGate:
    """Lets single requests through that no endpoint of the catalogue covers.

    It is shut unless the driver of a key check holds it open, and then only for the very request
    object that this driver made, once.  Whatever passes is still looked up in the table of probes,
    with its query and its body.
    """

    def __init__(self) -> None:
        self._awaited: dict[int, httpx.Request] = {}
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def opened_for(self, request: httpx.Request) -> Iterator[None]:
        """Await ``request``, and nothing else, until it has passed or the block ends."""
        with self._lock:
            self._awaited[id(request)] = request
        try:
            yield
        finally:
            with self._lock:
                self._awaited.pop(id(request), None)

    def takes(self, request: httpx.Request) -> bool:
        """Say whether ``request`` is awaited and a probe; it passes only this once."""
        with self._lock:
            awaited = self._awaited.pop(id(request), None)
        if awaited is not request:
            return False
        try:
            body = request.content
        except httpx.RequestNotRead:
            return False
        target = request.url.raw_path.decode("ascii", "replace")
        return recognise_probe(request.method, target, body) is not None
