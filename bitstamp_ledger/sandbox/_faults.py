"""Things that go wrong on purpose, for rehearsals.

A fault is a value; `Faults` holds a queue of them and a few switches.  Whatever happens, the call
is first handled as always (so nonces are spent and rows are counted), then its reply is spoilt:
what a client must survive is not knowing how far its call got.
"""

import threading
from typing import Final

import attrs
import msgspec
from attrs.validators import ge, in_, instance_of, optional

from bitstamp_ledger.sandbox._calls import Reply, html_reply, json_reply
from bitstamp_ledger.sandbox._refusals import DERIVATIVES_REFUSALS, EARN_REFUSALS, rate_limited

MAINTENANCE: Final = "Bitstamp.net is under scheduled maintenance. We'll be back soon."
INVALID_JSON: Final = b'[{"id": NaN, "datetime": \'2025-01-01\',}]'


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

    repeat_last: bool = False
    """Send the last row of a list twice."""

    cut_after_bytes: int | None = None
    """Hang up after so many bytes of the body."""

    reset: bool = False
    """Hang up by a reset of the connection, which also loses what was on its way."""

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
        if self.repeat_last:
            return attrs.evolve(reply, body=_with_last_twice(reply.body))
        return reply

    @property
    def hangs_up(self) -> bool:
        """Whether the reply never arrives whole."""
        return self.stall_s is not None or self.cut_after_bytes is not None

    @property
    def says_nothing(self) -> bool:
        """Whether not even a status is sent."""
        return self.stall_s is not None and self.cut_after_bytes is None


def _with_last_twice(body: bytes) -> bytes:
    try:
        rows = msgspec.json.decode(body, type=list[msgspec.Raw])
    except msgspec.DecodeError:
        return body  # Nothing that has rows.
    return msgspec.json.encode([*rows, *rows[-1:]])


@attrs.define(kw_only=True)
class _Planned:
    fault: Fault
    left: int | None
    path: str | None


@attrs.define(kw_only=True)
class Faults:
    """A queue of faults, and switches that stay as they are set: at the start or at any time.

    Every method that plans a fault takes ``count``, how many replies to spoil (None: all until
    `clear`), and ``path``, a part of the path that a call must have to be hit.  Faults are used in
    the order in which they were planned.

    Connections that are refused altogether are the sandbox's own matter
    (``Sandbox.refuse_connections``), and so are rows that come late or change
    (``Sandbox.insert_late_row``, ``Sandbox.change``).

    Raises:
        ValueError: a switch is set to a value that it does not have.
    """

    latency_s: float = attrs.field(default=0.0, validator=ge(0))
    """How long every reply takes at least."""

    clock_offset_s: float = 0.0
    """How far the server's clock is ahead of the true time."""

    limit_cap: int | None = attrs.field(default=None, validator=optional(ge(1)))
    """The server sends no more rows of user_transactions than this, whatever was asked."""

    rows_appended_per_page: int = attrs.field(default=0, validator=ge(0))
    """How many new rows arrive after each page of user_transactions."""

    late_rows_per_page: int = attrs.field(default=0, validator=ge(0))
    """How many rows with lower ids arrive late, after each page, just before the last row."""

    denial_in_words: bool = False
    """Refuse a missing permission as ``{"error": ...}``, without its code."""

    query_mark_signed: bool = attrs.field(default=True, validator=instance_of(bool))
    """Whether the question mark of a query is part of what is signed; sources contradict each
    other (docs/facts/exchange.md, "Signing")."""

    crypto_pages_merged: bool = attrs.field(default=False, validator=instance_of(bool))
    """Whether limit and offset of crypto-transactions count in all arrays together, in place of in
    each (docs/facts/exchange.md, "Crypto transactions")."""

    earn_refusal: str | None = attrs.field(default=None, validator=optional(in_(EARN_REFUSALS)))
    """How Earn is refused to this account: a code such as ``"API5007"``, or ``"403"`` for a bare
    one without code; None where it is offered."""

    derivatives_refusal: str = attrs.field(default="API5506", validator=in_(DERIVATIVES_REFUSALS))
    """How an account without derivatives is told so: such as ``"API5507"`` or ``"403.005"``."""

    _lock: threading.Lock = attrs.field(factory=threading.Lock, init=False, repr=False, eq=False)
    _planned: list[_Planned] = attrs.field(factory=list, init=False, repr=False, eq=False)

    def plan(self, fault: Fault, *, count: int | None = 1, path: str | None = None) -> None:
        """Queue ``fault``."""
        with self._lock:
            self._planned.append(_Planned(fault=fault, left=count, path=path))

    def pass_next(self, *, count: int = 1, path: str | None = None) -> None:
        """Leave replies as they are, so that what is planned after this hits later ones."""
        self.plan(Fault(name=""), count=count, path=path)

    def cut_next(self, after_bytes: int, *, count: int | None = 1, path: str | None = None) -> None:
        """Close the connection after so many bytes of the body."""
        self.plan(Fault(name="cut", cut_after_bytes=after_bytes), count=count, path=path)

    def reset_next(
        self, after_bytes: int = 0, *, count: int | None = 1, path: str | None = None
    ) -> None:
        """Reset the connection after so many bytes of the body."""
        fault = Fault(name="reset", cut_after_bytes=after_bytes, reset=True)
        self.plan(fault, count=count, path=path)

    def stall_next(
        self,
        seconds: float,
        *,
        after_bytes: int | None = None,
        count: int | None = 1,
        path: str | None = None,
    ) -> None:
        """Send nothing, or so many bytes of the body and no more, for so long; then hang up."""
        fault = Fault(name="stall", stall_s=seconds, cut_after_bytes=after_bytes)
        self.plan(fault, count=count, path=path)

    def html_next(self, status: int, *, count: int | None = 1, path: str | None = None) -> None:
        """Answer with a page of HTML: 500, 502, 503; or as the edge does, 403, even 200."""
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
        reply = rate_limited(status=429, retry_after_s=retry_after_s)
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

    def server_error_next(
        self, response_code: str = "500.001", *, count: int | None = 1, path: str | None = None
    ) -> None:
        """Answer with HTTP 500 and one of ``500.001``, ``500.002``, ``500.007``, ``500.009``."""
        reply = json_reply(
            {"status": "error", "reason": "Internal error", "response_code": response_code},
            status=500,
        )
        fault = Fault(name=response_code, replacement=reply, signed=False)
        self.plan(fault, count=count, path=path)

    def empty_next(
        self, status: int = 200, *, count: int | None = 1, path: str | None = None
    ) -> None:
        """Answer without a body, unsigned."""
        fault = Fault(name=f"empty {status}", replacement=Reply(status=status), signed=False)
        self.plan(fault, count=count, path=path)

    def maintenance_next(
        self, *, status: int = 200, count: int | None = 1, path: str | None = None
    ) -> None:
        """Answer with the maintenance note, and HTTP 200 or 503."""
        reply = json_reply({"error": MAINTENANCE}, status=status)
        fault = Fault(name="maintenance", replacement=reply, signed=False)
        self.plan(fault, count=count, path=path)

    def truncate_next(self, *, count: int | None = 1, path: str | None = None) -> None:
        """Send half of the JSON as if it were all."""
        self.plan(Fault(name="truncated", truncate=True), count=count, path=path)

    def invalid_json_next(self, *, count: int | None = 1, path: str | None = None) -> None:
        """Send, signed, what looks like JSON and is none."""
        self.plan(Fault(name="invalid JSON", body=INVALID_JSON), count=count, path=path)

    def repeat_next(self, *, count: int | None = 1, path: str | None = None) -> None:
        """Send the last row of a list twice."""
        self.plan(Fault(name="repeated", repeat_last=True), count=count, path=path)

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
