"""Things that go wrong on purpose, for rehearsals.

A fault is a value; `Faults` holds a queue of them and a few switches.  Whatever happens, the call
is first handled as always (so nonces are spent and rows are counted), then its reply is spoilt:
what a client must survive is not knowing how far its call got.
"""

import threading
from typing import Final

import attrs

from bitstamp_ledger.sandbox._calls import Reply, html_reply, json_reply
from bitstamp_ledger.sandbox._refusals import rate_limited

MAINTENANCE: Final = "Bitstamp.net is under scheduled maintenance. We'll be back soon."


@attrs.frozen(kw_only=True)
class Fault:
    """One way to spoil a reply.  Build these with the methods of `Faults`."""

    name: str
    replacement: Reply | None = None
    """Sent, unsigned, instead of the reply."""

    body: bytes | None = None
    """Takes the place of the body before it is signed."""

    truncate: bool = False
    """Send half of the body, complete as far as HTTP can tell, and signed as such."""

    cut_after_bytes: int | None = None
    stall_s: float | None = None
    """Keep the client waiting for so long, then hang up."""

    signed: bool = True
    signature: str | None = None

    def spoil(self, reply: Reply) -> Reply:
        """Return the reply as it will be sent; cutting and stalling are up to the server."""
        if self.replacement is not None:
            return self.replacement
        if self.body is not None:
            return attrs.evolve(reply, body=self.body)
        if self.truncate:
            return attrs.evolve(reply, body=reply.body[: len(reply.body) // 2])
        return reply


@attrs.define(kw_only=True)
class _Planned:
    fault: Fault
    left: int | None
    path: str | None


class Faults:
    """A queue of faults, and switches that stay as they are set.

    Every method that plans a fault takes ``count``, how many replies to spoil (None: all until
    `clear`), and ``path``, a part of the path that a call must have to be hit.  Faults are used in
    the order in which they were planned.
    """

    def __init__(self) -> None:
        self.latency_s = 0.0
        """How long every reply takes at least."""

        self.clock_offset_s = 0.0
        """How far the server's clock is ahead of the true time."""

        self.limit_cap: int | None = None
        """The server sends no more rows of user_transactions than this, whatever was asked."""

        self.rows_appended_per_page = 0
        """How many new rows arrive after each page of user_transactions."""

        self.denial_in_words = False
        """Refuse a missing permission as ``{"error": ...}``, without its code."""

        self._lock = threading.Lock()
        self._planned: list[_Planned] = []

    def plan(self, fault: Fault, *, count: int | None = 1, path: str | None = None) -> None:
        """Queue ``fault``."""
        with self._lock:
            self._planned.append(_Planned(fault=fault, left=count, path=path))

    def cut_next(self, after_bytes: int, *, count: int | None = 1, path: str | None = None) -> None:
        """Close the connection after so many bytes of the body."""
        self.plan(Fault(name="cut", cut_after_bytes=after_bytes), count=count, path=path)

    def stall_next(self, seconds: float, *, count: int | None = 1, path: str | None = None) -> None:
        """Send nothing for so long, then close the connection."""
        self.plan(Fault(name="stall", stall_s=seconds), count=count, path=path)

    def html_next(self, status: int, *, count: int | None = 1, path: str | None = None) -> None:
        """Answer with a page of HTML: 500, 502, 503."""
        fault = Fault(name=f"html {status}", replacement=html_reply(status), signed=False)
        self.plan(fault, count=count, path=path)

    def too_many_next(
        self,
        *,
        retry_after_s: int | None = None,
        count: int | None = 1,
        path: str | None = None,
    ) -> None:
        """Answer with HTTP 429, with a ``Retry-After`` if one is given."""
        reply = rate_limited(status=429)
        if retry_after_s is not None:
            reply = attrs.evolve(reply, headers=(("Retry-After", str(retry_after_s)),))
        self.plan(Fault(name="429", replacement=reply, signed=False), count=count, path=path)

    def rate_limit_next(
        self,
        response_code: str = "400.002",
        *,
        count: int | None = 1,
        path: str | None = None,
    ) -> None:
        """Answer with HTTP 400 and one of ``400.002``, ``400.067``, ``400.068``."""
        reply = rate_limited(response_code)
        fault = Fault(name=response_code, replacement=reply, signed=False)
        self.plan(fault, count=count, path=path)

    def maintenance_next(self, *, count: int | None = 1, path: str | None = None) -> None:
        """Answer with the maintenance note and HTTP 200."""
        reply = json_reply({"error": MAINTENANCE})
        fault = Fault(name="maintenance", replacement=reply, signed=False)
        self.plan(fault, count=count, path=path)

    def truncate_next(self, *, count: int | None = 1, path: str | None = None) -> None:
        """Send half of the JSON as if it were all."""
        self.plan(Fault(name="truncated", truncate=True), count=count, path=path)

    def object_next(self, *, count: int | None = 1, path: str | None = None) -> None:
        """Send an object where a list is expected."""
        self.plan(Fault(name="object", body=b'{"data": "not a list"}'), count=count, path=path)

    def list_next(self, *, count: int | None = 1, path: str | None = None) -> None:
        """Send a list where an object is expected."""
        self.plan(Fault(name="list", body=b'["not an object"]'), count=count, path=path)

    def unsigned_next(self, *, count: int | None = 1, path: str | None = None) -> None:
        """Leave out the signature of the reply."""
        self.plan(Fault(name="unsigned", signed=False), count=count, path=path)

    def wrong_signature_next(self, *, count: int | None = 1, path: str | None = None) -> None:
        """Sign the reply wrongly."""
        self.plan(Fault(name="wrong signature", signature="0" * 64), count=count, path=path)

    def clear(self) -> None:
        """Forget all planned faults; the switches stay."""
        with self._lock:
            self._planned.clear()

    @property
    def pending(self) -> tuple[str, ...]:
        """The names of faults that are still to come, one for each reply that has a number."""
        with self._lock:
            return tuple(
                name for plan in self._planned for name in [plan.fault.name] * (plan.left or 1)
            )

    def take(self, path: str) -> Fault | None:
        """Return the fault for a call to ``path``, and use it up."""
        with self._lock:
            for plan in self._planned:
                if plan.path is None or plan.path in path:
                    self._use(plan)
                    return plan.fault
        return None

    def _use(self, plan: _Planned) -> None:
        if plan.left is None:
            return
        plan.left -= 1
        if plan.left <= 0:
            self._planned.remove(plan)
