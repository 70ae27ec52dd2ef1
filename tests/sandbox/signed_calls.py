"""Signed calls made by hand: this file's own signing, independent of the sandbox's."""

import hashlib
import hmac
import json
import ssl
import uuid
from collections.abc import Mapping
from typing import Any

import httpx

from bitstamp_ledger.sandbox import Sandbox
from bitstamp_ledger.sandbox._calls import Call, Reply

FORM = "application/x-www-form-urlencoded"
NOW = 1_764_633_600.0  # 2025-12-02T00:00:00Z, two days after the last generated record.
HOST = "127.0.0.1:1"


def clock() -> float:
    return NOW


def headers_for(
    method: str,
    path: str,
    *,
    key: str,
    secret: str,
    host: str = HOST,
    query: str = "",
    body: str = "",
    now: float = NOW,
    content_type: str = FORM,
    nonce: str | None = None,
    mark: str = "?",
) -> dict[str, str]:
    """Return the headers of a correct call, names in lower case."""
    nonce = nonce or str(uuid.uuid4())
    timestamp = str(int(now * 1000))
    kind = content_type if body else ""
    signed = f"{mark}{query}" if query else ""
    message = f"BITSTAMP {key}{method}{host}{path}{signed}{kind}{nonce}{timestamp}v2{body}"
    found = {
        "x-auth": f"BITSTAMP {key}",
        "x-auth-signature": hmac.new(secret.encode(), message.encode(), hashlib.sha256).hexdigest(),
        "x-auth-nonce": nonce,
        "x-auth-timestamp": timestamp,
        "x-auth-version": "v2",
    }
    return found | ({"content-type": kind} if kind else {})


def call_for(
    sandbox: Sandbox,
    method: str,
    path: str,
    *,
    query: str = "",
    body: str = "",
    key: str | None = None,
    secret: str | None = None,
    changes: Mapping[str, str | None] | None = None,
    mark: str = "?",
) -> Call:
    """Return a signed call; ``changes`` overwrite headers, None removes one."""
    full = f"/api/v2/{path}"
    headers: dict[str, str | None] = dict(
        headers_for(
            method,
            full,
            key=key or sandbox.key,
            secret=secret or sandbox.secret,
            query=query,
            body=body,
            mark=mark,
        )
    )
    headers |= changes or {}
    return Call(
        method=method,
        path=full,
        query=query,
        host=HOST,
        headers={name: value for name, value in headers.items() if value is not None},
        body=body.encode(),
    )


def ask(sandbox: Sandbox, method: str, path: str, **how: Any) -> Reply:
    """Return the reply to a signed call, without HTTP."""
    return sandbox._exchange.handle(call_for(sandbox, method, path, **how)).reply


def code_of(reply: Reply) -> object:
    """Return the code of a refusal."""
    content = json.loads(reply.body)
    return content.get("code") or content.get("response_code")


def reason_of(reply: Reply) -> object:
    """Return the words of a refusal."""
    return json.loads(reply.body)["reason"]


def send(
    sandbox: Sandbox,
    method: str,
    path: str,
    *,
    body: str = "",
    query: str = "",
    timeout_s: float = 5.0,
) -> httpx.Response:
    """Return the reply to a signed call over HTTP, by a connection of its own."""
    full = f"/api/v2/{path}"
    headers = headers_for(
        method,
        full,
        key=sandbox.key,
        secret=sandbox.secret,
        host=sandbox.url.removeprefix("http://"),
        body=body,
        query=query,
    )
    url = sandbox.url + full + (f"?{query}" if query else "")
    return fetch(url, method, content=body.encode(), headers=headers, timeout=timeout_s)


def fetch(url: str, method: str = "GET", **how: Any) -> httpx.Response:
    """Return the reply to a call by a connection of its own."""
    # A TLS context without certificates: loading them costs more than the call.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return httpx.request(method, url, verify=context, trust_env=False, **how)
