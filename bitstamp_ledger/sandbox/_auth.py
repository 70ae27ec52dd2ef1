"""Who is calling: the exchange's side of the signing scheme, and its memory of nonces.

The order of the checks is that of docs/facts/exchange.md, "Order of checks"; the account's state
comes after the signature, the permission after that.
"""

import enum
import hashlib
import hmac
import re
from collections.abc import Callable
from typing import Final

import attrs

from bitstamp_ledger.sandbox._calls import FORM, JSON, Call
from bitstamp_ledger.sandbox._refusals import RefusedCall, access_off, refused

TIMESTAMP_WINDOW_S: Final = 150
NONCE_MEMORY_S: Final = 300  # The longer of the two documented windows.
URL_LENGTH_MAX: Final = 2_000

_REQUIRED_HEADERS: Final = (
    ("x-auth", "API0012"),
    ("x-auth-signature", "API0013"),
    ("x-auth-nonce", "API0014"),
    ("x-auth-timestamp", "API0015"),
    ("x-auth-version", "API0016"),
)
_KEY_SHAPE: Final = re.compile(r"[A-Za-z0-9]{32}")
_NONCE_SHAPE: Final = re.compile(r"[0-9a-z-]{36}")


class Flag(enum.Enum):
    """What can be wrong with a key or with the account behind it."""

    NOT_ACTIVATED = "API0001"
    DELETED = "API0001 deleted"
    IP_REFUSED = "API0002"
    NO_CUSTOMER = "API0008"
    FROZEN = "API0006"
    FATCA_MISSING = "API0009"
    API_ACCESS_OFF = ""
    """Told in words, without a code."""

    @property
    def code(self) -> str:
        """The code of the refusal that it leads to."""
        return self.value.partition(" ")[0]

    @property
    def refusal(self) -> RefusedCall:
        """The refusal that it leads to."""
        return refused(self.code) if self.code else access_off()


_BEFORE_SIGNATURE: Final = (Flag.DELETED, Flag.NOT_ACTIVATED, Flag.NO_CUSTOMER, Flag.IP_REFUSED)
_AFTER_SIGNATURE: Final = (Flag.API_ACCESS_OFF, Flag.FROZEN, Flag.FATCA_MISSING)


@attrs.frozen(kw_only=True)
class SandboxKey:
    """An API key that the sandbox takes, with its rights; worth nothing anywhere else."""

    key: str
    secret: str = attrs.field(repr=False)
    permissions: frozenset[str] = frozenset()
    account: str
    flags: frozenset[Flag] = frozenset()


def message_of(call: Call, *, query_mark: bool = True) -> bytes:
    """Return the bytes that the signature of ``call`` is made over.

    Everything is taken as received: the Host header with its port, the path and the query as
    written.

    Args:
        call: as it came.
        query_mark: whether the question mark before a query belongs to it.
    """
    headers = call.headers
    mark = "?" if query_mark else ""
    query = f"{mark}{call.query}" if call.query else ""
    content_type = headers.get("content-type", "") if call.body else ""
    head = (
        headers["x-auth"],
        call.method,
        call.host,
        call.path,
        query,
        content_type,
        headers["x-auth-nonce"],
        headers["x-auth-timestamp"],
        headers["x-auth-version"],
    )
    return "".join(head).encode() + call.body


def sign_message(secret: str, message: bytes) -> str:
    """Return the signature of ``message`` in lower-case hex."""
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


def sign_reply(secret: str, *, nonce: str, timestamp: str, content_type: str, body: bytes) -> str:
    """Return what ``X-Server-Auth-Signature`` holds for a reply with exactly this body."""
    return sign_message(secret, f"{nonce}{timestamp}{content_type}".encode() + body)


class Gate:
    """Lets signed calls in.

    Args:
        keys: finds a key by its name.
        now: the server's clock, in Unix seconds.
        query_mark_signed: whether the question mark of a query is part of what is signed.
    """

    def __init__(
        self,
        keys: Callable[[str], SandboxKey | None],
        now: Callable[[], float],
        query_mark_signed: Callable[[], bool],
    ) -> None:
        self._keys = keys
        self._now = now
        self._query_mark_signed = query_mark_signed
        self._nonces: dict[tuple[str, str], float] = {}

    def admit(self, call: Call, *, json_body: bool = False) -> SandboxKey:
        """Return the key that signed ``call``.

        Raises:
            RefusedCall: the first check that fails.
        """
        self._check_headers(call)
        key = self._find_key(call)
        self._check_timestamp(call)
        self._use_nonce(key, call)
        _check_content_type(call, JSON if json_body else FORM)
        _check_signature(key, call, query_mark=self._query_mark_signed())
        for flag in _AFTER_SIGNATURE:
            if flag in key.flags:
                raise flag.refusal
        return key

    def _check_headers(self, call: Call) -> None:
        for name, code in _REQUIRED_HEADERS:
            if not call.headers.get(name):
                raise refused(code)
        if call.headers["x-auth-version"] != "v2":
            raise refused("API0010")

    def _find_key(self, call: Call) -> SandboxKey:
        scheme, _, name = call.headers["x-auth"].partition(" ")
        key = self._keys(name)
        if scheme != "BITSTAMP" or (key is None and not _KEY_SHAPE.fullmatch(name)):
            raise refused("API0011")
        if key is None:
            raise refused("API0001")
        for flag in _BEFORE_SIGNATURE:
            if flag in key.flags:
                raise flag.refusal
        return key

    def _check_timestamp(self, call: Call) -> None:
        stated = call.headers["x-auth-timestamp"]
        if not (stated.isascii() and stated.isdigit()):
            raise refused("API0018")
        if abs(int(stated) / 1_000 - self._now()) > TIMESTAMP_WINDOW_S:
            raise refused("API0017")

    def _use_nonce(self, key: SandboxKey, call: Call) -> None:
        # Remembered even if a later check fails: a retry that repeats its nonce must be noticed.
        nonce = call.headers["x-auth-nonce"]
        if not _NONCE_SHAPE.fullmatch(nonce) or (key.key, nonce) in self._nonces:
            raise refused("API0004")
        now = self._now()
        self._nonces[key.key, nonce] = now
        while self._nonces:  # In the order of use, so the oldest comes first.
            oldest = next(iter(self._nonces))
            if now - self._nonces[oldest] <= NONCE_MEMORY_S:
                return
            del self._nonces[oldest]


def _check_content_type(call: Call, accepted: str) -> None:
    content_type = call.headers.get("content-type")
    if not call.body and content_type is not None:
        raise refused("API0020")
    if call.body and content_type != accepted:
        raise refused("API0019")
    url = f"http://{call.host}{call.path}" + (f"?{call.query}" if call.query else "")
    if len(url) > URL_LENGTH_MAX:
        raise refused("API0021")


def _check_signature(key: SandboxKey, call: Call, *, query_mark: bool) -> None:
    expected = sign_message(key.secret, message_of(call, query_mark=query_mark))
    stated = call.headers["x-auth-signature"].lower()
    if not hmac.compare_digest(expected.encode(), stated.encode()):
        raise refused("API0005")
