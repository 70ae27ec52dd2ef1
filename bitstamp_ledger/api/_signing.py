"""Sign a call, verify a reply.  Source: docs/facts/exchange.md, "Signing"."""

import enum
import hashlib
import hmac
from collections.abc import Mapping
from typing import Final, NoReturn, Self, SupportsIndex
from urllib.parse import urlencode

import attrs

from bitstamp_ledger.api._catalogue import Call
from bitstamp_ledger.errors import CredentialsError

FORM_TYPE: Final = "application/x-www-form-urlencoded"
VERSION: Final = "v2"
CLOCK_BOUND_S: Final = 150
"""How far the clock may be off, either way (docs/facts/exchange.md, "Signing"; documented)."""


class SigningKey:
    """An API key and the means to sign with its secret, which cannot be read back.

    The secret itself is not kept, only the keyed hash made of it.  Never printed, pickled, copied
    or hashed; two keys are compared in constant time.
    """

    __slots__ = ("_hash", "_key")

    def __init__(self, *, key: str, secret: str) -> None:
        self._key = ""  # Tracebacks show even what was never finished.
        problem = _problem_of(key, "key") or _problem_of(secret, "secret")
        if problem:
            key = secret = ""  # A traceback may show the variables of this frame.
            raise CredentialsError(
                problem,
                hint="Copy the key and the secret again, without quotes, blanks or line breaks.",
            )
        self._key = key
        self._hash = hmac.new(secret.encode(), digestmod=hashlib.sha256)

    @property
    def key(self) -> str:
        """The API key, as sent to the exchange."""
        return self._key

    @property
    def masked_key(self) -> str:
        """The last four characters, as people tell their keys apart."""
        return f"…{self._key[-4:]}" if len(self._key) > 8 else "…"  # noqa: PLR2004 - half is enough

    @property
    def fingerprint(self) -> str:
        """What tells keys apart where the key itself must not be kept: 32 hex digits."""
        told = hashlib.sha256(b"bitstamp_ledger key fingerprint:" + self._key.encode())
        return told.hexdigest()[:32]

    def sign(self, message: bytes) -> str:
        """Return the HMAC-SHA256 of ``message`` in lower-case hex."""
        keyed = self._hash.copy()
        keyed.update(message)
        return keyed.hexdigest()

    def __repr__(self) -> str:
        return f"{type(self).__name__}(key='{self.masked_key}', secret='…')"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SigningKey):
            return NotImplemented
        same_key = hmac.compare_digest(self._key, other._key)
        return hmac.compare_digest(self._hash.digest(), other._hash.digest()) and same_key

    __hash__ = None  # type: ignore[assignment]  # a hash could end in a log or a cache key

    def __reduce_ex__(self, _: SupportsIndex) -> NoReturn:
        raise TypeError("credentials cannot be pickled or copied; make them where they are used")

    def __copy__(self) -> Self:
        return self


def _problem_of(stated: object, name: str) -> str | None:
    """Return what is wrong with a key or a secret, never quoting it."""
    if not isinstance(stated, str) or not stated.strip():
        return f"The API {name} is empty."
    if not (stated.isascii() and stated.isprintable() and " " not in stated):
        return f"The API {name} holds characters that no API {name} has."
    return None


@attrs.frozen(kw_only=True)
class SignedCall:
    """What goes over the wire, and what is needed to verify the reply to it."""

    method: str
    target: str
    """Path and query, exactly as signed."""

    headers: Mapping[str, str] = attrs.field(repr=False)
    body: bytes = b""
    nonce: str = attrs.field(default="", repr=False)
    timestamp_ms: int = 0


def unsigned(call: Call) -> SignedCall:
    """Prepare a call to a public endpoint."""
    return SignedCall(method=call.method, target=_target(call), headers={})


def sign(call: Call, key: SigningKey, *, host: str, nonce: str, timestamp_ms: int) -> SignedCall:
    """Sign ``call`` for one single sending; a retry needs a new nonce.

    Args:
        call: what to ask.
        key: whose signature.
        host: as in the HTTP ``Host`` header, with the port only where it is not the default.
        nonce: 36 characters, lower case, never used before.
        timestamp_ms: Unix time in milliseconds, within `CLOCK_BOUND_S` of the exchange's clock.
    """
    target = _target(call)
    # Whether the question mark belongs to the signed string is contradicted between sources; the
    # exchange's own prose has it (docs/facts/exchange.md, "Signing").
    signed_target = target if call.query_mark_signed else target.replace("?", "", 1)
    body = urlencode(call.parameters).encode() if call.method == "POST" else b""
    return sign_parts(
        key,
        method=call.method,
        target=target,
        signed_target=signed_target,
        content_type=FORM_TYPE,
        body=body,
        host=host,
        nonce=nonce,
        timestamp_ms=timestamp_ms,
    )


def sign_parts(
    key: SigningKey,
    *,
    method: str,
    target: str,
    signed_target: str,
    content_type: str,
    body: bytes,
    host: str,
    nonce: str,
    timestamp_ms: int,
) -> SignedCall:
    """Sign a request given by its parts: the one place that knows the signed string.

    Args:
        key: whose signature.
        method: the HTTP method.
        target: path and query, as sent.
        signed_target: path and query, as they stand in the signed string.
        content_type: of the body; not sent, and not signed, where the body is empty.
        body: exactly as sent.
        host: see `sign`.
        nonce: see `sign`.
        timestamp_ms: see `sign`.
    """
    content_type = content_type if body else ""  # An empty body must announce no type (API0020).
    identity = f"BITSTAMP {key.key}"
    head = f"{identity}{method}{host}{signed_target}{content_type}{nonce}{timestamp_ms}{VERSION}"
    headers = {
        "X-Auth": identity,
        "X-Auth-Signature": key.sign(head.encode() + body),
        "X-Auth-Nonce": nonce,
        "X-Auth-Timestamp": str(timestamp_ms),
        "X-Auth-Version": VERSION,
    }
    if content_type:
        headers["Content-Type"] = content_type
    return SignedCall(
        method=method,
        target=target,
        headers=headers,
        body=body,
        nonce=nonce,
        timestamp_ms=timestamp_ms,
    )


def _target(call: Call) -> str:
    query = urlencode(call.parameters) if call.method == "GET" else ""
    return f"{call.path}?{query}" if query else call.path


class Seal(enum.Enum):
    """What the signature of a reply is worth."""

    VALID = "valid"
    ABSENT = "absent"
    WRONG = "wrong"
    NOT_EXPECTED = "not expected"
    """The endpoint is public, or nothing was signed."""


def verify(sent: SignedCall, key: SigningKey, *, headers: Mapping[str, str], body: bytes) -> Seal:
    """Check the exchange's signature of a reply.

    Args:
        sent: the call that was answered.
        key: the key that signed it.
        headers: of the reply, names in lower case.
        body: of the reply, after content decoding.
    """
    claimed = headers.get("x-server-auth-signature")
    if claimed is None:
        return Seal.ABSENT
    content_type = headers.get("content-type", "")
    prefix = f"{sent.nonce}{sent.timestamp_ms}{content_type}".encode()
    expected = key.sign(prefix + body)
    genuine = hmac.compare_digest(claimed.strip().lower().encode(), expected.encode())
    return Seal.VALID if genuine else Seal.WRONG
