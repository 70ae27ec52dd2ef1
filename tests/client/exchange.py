"""The exchange's side of the wire, written without our signing code, so that no mistake cancels."""

import hashlib
import hmac
import json
from collections.abc import Callable

import attrs
import httpx

from bitstamp_ledger.client import Credentials

KEY = "CanaryKey00000000000000000WXYZ"
SECRET = "CanarySecret000000000000000000042"
OTHER_SECRET = "AnotherCanarySecret00000000000043"


def credentials() -> Credentials:
    """Return working credentials."""
    return Credentials(key=KEY, secret=SECRET)


def _hmac(message: bytes, secret: str = SECRET) -> str:
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


def expected_signature(request: httpx.Request, secret: str = SECRET) -> str:
    """Return the signature that a request as received must carry."""
    headers = request.headers
    target = request.url.raw_path.decode()
    parts = (
        f"BITSTAMP {KEY}",
        request.method,
        headers["Host"],
        target,
        headers.get("Content-Type", ""),
        headers["X-Auth-Nonce"],
        headers["X-Auth-Timestamp"],
        "v2",
    )
    return _hmac("".join(parts).encode() + request.read(), secret)


def signed_reply(
    request: httpx.Request, payload: object, status: int = 200, *, secret: str = SECRET
) -> httpx.Response:
    """Answer as the exchange would, signature included."""
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    content_type = "application/json"
    nonce, stamp = request.headers["X-Auth-Nonce"], request.headers["X-Auth-Timestamp"]
    seal = _hmac(f"{nonce}{stamp}{content_type}".encode() + body, secret)
    headers = {"Content-Type": content_type, "X-Server-Auth-Signature": seal}
    return httpx.Response(status, content=body, headers=headers)


ROWS = [
    {
        "id": number,
        "datetime": f"2024-01-01 00:00:{number:02}",
        "type": "0",
        "eur": "1.00",
        "fee": "0.00",
    }
    for number in range(1, 26)
]
BALANCES = [{"currency": "eur", "total": "25.00", "available": "25.00", "reserved": "0.00"}]


@attrs.define
class Exchange:
    """Checks every signature, counts nonces, and keeps what it was asked."""

    requests: list[httpx.Request] = attrs.field(factory=list)
    first: list[Callable[[httpx.Request], httpx.Response]] = attrs.field(factory=list)
    """Answers given in place of the first ones."""

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        request.read()
        self.requests.append(request)
        if self.first:
            return self.first.pop(0)(request)
        if request.headers["X-Auth-Signature"] != expected_signature(request):
            return httpx.Response(403, json={"status": "error", "reason": "x", "code": "API0005"})
        if request.url.path == "/api/v2/account_balances/":
            return signed_reply(request, BALANCES)
        form = dict(pair.split("=") for pair in request.content.decode().split("&"))
        rows = [row for row in ROWS if int(str(row["id"])) >= int(form["since_id"])]
        offset = int(form.get("offset", "0"))
        return signed_reply(request, rows[offset : offset + int(form["limit"])])


def wrongly_signed(request: httpx.Request) -> httpx.Response:
    """Answer well, but with another secret."""
    return signed_reply(request, BALANCES, secret=OTHER_SECRET)


def refused(code: str, status: int = 403) -> Callable[[httpx.Request], httpx.Response]:
    """Return an answer that says no."""
    payload = {"status": "error", "reason": "no", "code": code}
    return lambda _: httpx.Response(status, json=payload)


def broken(_: httpx.Request) -> httpx.Response:
    """Lose the connection."""
    raise httpx.ReadError("reset by peer")
