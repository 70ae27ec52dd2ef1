"""A webhook: every batch is one signed POST of CloudEvents, sent at least once.

1. The body is a JSON array of events (``application/cloudevents-batch+json``, CloudEvents 1.0).  An
   event's ``type`` is ``bitstamp_ledger.entry.upserted`` or ``bitstamp_ledger.entry.retracted``,
   its ``subject`` the entry's id, its ``data`` a line of JSON Lines (`document_of`) or
   ``{"id", "reason"}``.  ``revision`` tells which of two words on one entry is the newer one.
2. The same operation has the same event ``id``, and the same batch the same ``webhook-id``: a
   receiver that remembers one or the other is not confused by a repeat.
3. ``webhook-signature`` is ``v1,`` and the Base64 of HMAC-SHA256 over
   ``<webhook-id>.<webhook-timestamp>.<body>`` with the secret as key (the scheme of Standard
   Webhooks, for which receivers have libraries).
4. Only https, except to this machine itself; a redirect is refused, since it would carry the
   history elsewhere.  2xx is a receipt.  408, 425, 429 and 5xx, and no answer, are tried again.
"""

import base64
import hashlib
import hmac
import http.client
import ssl
import time
from collections.abc import Callable, Mapping
from typing import ClassVar, Final, Protocol
from urllib.parse import urlsplit

import attrs
import msgspec

from bitstamp_ledger.errors import SinkError
from bitstamp_ledger.sinks._contract import (
    Batch,
    Capabilities,
    Checkpoint,
    Operation,
    Outcome,
    Receipt,
    Retract,
    RunInfo,
    Upsert,
)
from bitstamp_ledger.sinks._row import SCHEMA_VERSION, document_of, time_text

_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_TRY_AGAIN: Final = frozenset({408, 425, 429})
_SECRET_PREFIX: Final = "whsec_"  # noqa: S105 - how one begins, not one
_SECRET_BYTES_MIN: Final = 24
_REDIRECTS: Final = range(300, 400)
_ACCEPTED: Final = range(200, 300)
_FAULTS: Final = range(500, 600)
_RETRY_AFTER_MAX_CHARS: Final = 9


@attrs.frozen(kw_only=True)
class Reply:
    """What a receiver answered."""

    status: int
    retry_after: str | None = None
    """The header of that name."""


class Transport(Protocol):
    """Sends one POST; raises OSError where there is no answer."""

    def __call__(self, body: bytes, headers: Mapping[str, str]) -> Reply:
        """Send ``body``, and return what came back."""


class WebhookSink:
    """Posts what changes to an address of yours.

    Args:
        url: where to; https, or http to this machine itself.
        secret: what the receiver checks signatures with: 24 bytes or more, as text, or as Base64
            after ``whsec_``.
        timeout_s: how long an answer may take.
        transport: sends the requests; the standard library unless given.
        clock: tells the seconds since 1970 that are signed with each request.
    """

    name: ClassVar[str] = "webhook"
    capabilities = Capabilities(upsert=True, retract=True, decimals="text")

    def __init__(
        self,
        url: str,
        secret: str,
        timeout_s: float = 30.0,
        transport: Transport | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._place = _checked(url)
        self._key = _key_of(secret)
        self._transport = transport or _Http(url, timeout_s)
        self._clock = clock
        self.target = f"{self._place} {hashlib.sha256(url.encode()).hexdigest()[:8]}"
        self._source = "bitstamp_ledger"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._place!r})"

    def open(self, run: RunInfo) -> Checkpoint | None:
        """Note which ledger the events come from; nothing is sent."""
        run.require_schema(1)
        self._source = f"bitstamp_ledger/{run.ledger}" if run.ledger else "bitstamp_ledger"
        return None

    def write(self, batch: Batch) -> Receipt:
        """Post a batch; one without operations is not sent."""
        if batch.operations:
            self._post(batch)
        return Receipt(
            batch_id=batch.id, rows=len(batch.entries), durable=True, places=(self._place,)
        )

    def close(self, outcome: Outcome) -> None:
        """Do nothing: what was accepted cannot be called back."""

    def _post(self, batch: Batch) -> None:
        body = msgspec.json.encode([self._event(each) for each in batch.operations])
        stamp = str(int(self._clock()))
        signed = b".".join((batch.id.encode(), stamp.encode(), body))
        signature = base64.b64encode(hmac.digest(self._key, signed, "sha256")).decode()
        headers = {
            "content-type": "application/cloudevents-batch+json; charset=utf-8",
            "webhook-id": batch.id,
            "webhook-timestamp": stamp,
            "webhook-signature": f"v1,{signature}",
        }
        try:
            reply = self._transport(body, headers)
        except (OSError, http.client.HTTPException) as exc:
            raise self._error(f"did not answer ({type(exc).__name__})", retryable=True) from None
        self._require_acceptance(reply)

    def _event(self, operation: Operation) -> dict[str, object]:
        event: dict[str, object] = {
            "specversion": "1.0",
            "source": self._source,
            "datacontenttype": "application/json",
            "schemaversion": SCHEMA_VERSION,
            "revision": operation.revision,
        }
        match operation:
            case Upsert(entry):
                event |= {
                    "type": "bitstamp_ledger.entry.upserted",
                    "subject": entry.id,
                    "time": time_text(entry.time),
                    "data": document_of(entry),
                }
            case Retract(entry_id, reason):
                event |= {
                    "type": "bitstamp_ledger.entry.retracted",
                    "subject": entry_id,
                    "data": {"id": entry_id, "reason": reason},
                }
        return {"id": hashlib.sha256(msgspec.json.encode(event)).hexdigest()[:32], **event}

    def _require_acceptance(self, reply: Reply) -> None:
        if reply.status in _ACCEPTED:
            return
        if reply.status in _REDIRECTS:
            raise self._error(
                f"wants the events elsewhere ({reply.status})",
                hint="Give the final address; redirects are not followed.",
            )
        passing = reply.status in _TRY_AGAIN or reply.status in _FAULTS
        raise self._error(
            f"answered {reply.status}",
            retryable=passing,
            retry_after_s=_seconds(reply.retry_after),
        )

    def _error(
        self,
        what: str,
        *,
        hint: str = "Look at the receiver; nothing is lost, the batch is sent again next time.",
        retryable: bool = False,
        retry_after_s: float | None = None,
    ) -> SinkError:
        return SinkError(
            f"The webhook at {self._place} {what}.",
            sink=self.name,
            hint=hint,
            retryable=retryable,
            retry_after_s=retry_after_s,
        )


def _checked(url: str) -> str:
    """Return the address without what may be secret: user, path, query."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
        parts = urlsplit("")
    if not host or parts.scheme not in {"http", "https"} or parts.username is not None:
        raise SinkError(
            "That is no address that events can be posted to.",
            sink=WebhookSink.name,
            hint="Give https://host/path, without a user or a password in it.",
        )
    if parts.scheme == "http" and host not in _LOOPBACK:
        raise SinkError(
            f"The history would go to {host} unencrypted.",
            sink=WebhookSink.name,
            hint="Use https; http is for this machine itself only.",
        )
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}" + ("" if port is None else f":{port}")


def _key_of(secret: str) -> bytes:
    key = secret.encode()
    if secret.startswith(_SECRET_PREFIX):
        try:
            key = base64.b64decode(secret.removeprefix(_SECRET_PREFIX), validate=True)
        except ValueError:
            key = b""
    if len(key) < _SECRET_BYTES_MIN:
        raise SinkError(
            "The secret of the webhook is too short, or not Base64 after whsec_.",
            sink=WebhookSink.name,
            hint=f"Make one of {_SECRET_BYTES_MIN} random bytes or more: secrets.token_urlsafe().",
        )
    return key


def _seconds(retry_after: str | None) -> float | None:
    """Return what a receiver asks for in seconds; a date would need a clock that agrees."""
    text = (retry_after or "").strip()
    if not text.isascii() or not text.isdigit() or len(text) > _RETRY_AFTER_MAX_CHARS:
        return None
    return float(text)


class _Http:
    """POST by the standard library: no proxy, no redirect, a connection to each request."""

    def __init__(self, url: str, timeout_s: float) -> None:
        self._parts = urlsplit(url)
        self._timeout_s = timeout_s

    def __call__(self, body: bytes, headers: Mapping[str, str]) -> Reply:
        connection = self._connection()
        try:
            path = self._parts.path or "/"
            query = f"?{self._parts.query}" if self._parts.query else ""
            connection.request("POST", f"{path}{query}", body=body, headers=dict(headers))
            answer = connection.getresponse()
            return Reply(status=answer.status, retry_after=answer.headers.get("retry-after"))
        finally:
            connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        host, port = self._parts.hostname or "", self._parts.port
        if self._parts.scheme == "http":
            return http.client.HTTPConnection(host, port, timeout=self._timeout_s)
        return http.client.HTTPSConnection(
            host, port, timeout=self._timeout_s, context=ssl.create_default_context()
        )
