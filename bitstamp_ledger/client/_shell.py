"""What both clients share: everything but moving bytes and waiting."""

import email.utils
import functools
import random
import ssl
import time
import uuid
from collections.abc import Mapping
from typing import Final

import attrs
import httpx

from bitstamp_ledger._version import __version__
from bitstamp_ledger.api import (
    Call,
    Manners,
    NoReply,
    Pause,
    Reply,
    Seal,
    SignedCall,
    ban_of,
    recognise,
    sign,
    unsigned,
    verify,
)
from bitstamp_ledger.client._budget import Budget, shared_budget, tell
from bitstamp_ledger.client._credentials import Credentials
from bitstamp_ledger.client._gate import ProbeGate
from bitstamp_ledger.client._watching import Observer, Watch, log
from bitstamp_ledger.errors import ForbiddenCallError
from bitstamp_ledger.model import Account

PRODUCTION_URL: Final = "https://www.bitstamp.net"
PORT_MAX: Final = 65535
LOOPBACK_HOSTS: Final = frozenset({"localhost", "127.0.0.1", "::1"})
HARMLESS_EXTENSIONS: Final = frozenset({"timeout", "trace"})
REPLY_BYTES_MAX: Final = 64 * 1024 * 1024
"""A page of 1,000 records has a few hundred kilobytes."""

REPLY_SECONDS_MAX: Final = 120.0
"""A server that sends a byte now and then would otherwise hold a client for ever."""

HEADERS: Final[Mapping[str, str]] = {
    "User-Agent": f"bitstamp_ledger/{__version__}",
    "Accept": "application/json",
    "Accept-Encoding": "gzip, deflate",
}


@attrs.define
class Clock:
    """This machine's clock, and how far it is off where the exchange said so."""

    skew_s: float = 0.0
    """What must be added to this machine's clock to get the exchange's."""

    seen: tuple[str, float] | None = None
    """The ``Date`` of the latest reply, and when it came by this machine's clock."""

    def now_ms(self) -> int:
        """Return the Unix time in milliseconds, by the exchange's clock as far as it is known."""
        return time.time_ns() // 1_000_000 + round(self.skew_s * 1000)

    def behind_s(self) -> float | None:
        """Return how far this machine's clock was behind at the latest reply that tells."""
        return None if self.seen is None else _seconds_between(*self.seen)

    def correct(self, date: str) -> None:
        """Take the exchange's clock from the ``Date`` header of a reply; it shows whole seconds."""
        skew_s = _seconds_between(date, time.time())
        if skew_s is None:
            return  # Not readable: our own clock stays, and the refusal will be told.
        self.skew_s = skew_s
        log.warning("this machine's clock is %.0f s off the exchange's", self.skew_s)


def _seconds_between(date: str, ours: float) -> float | None:
    """Return how far a ``Date`` header is ahead of our time; None where it cannot be read."""
    try:
        return email.utils.parsedate_to_datetime(date).timestamp() - ours
    except ValueError:
        return None


@attrs.frozen(kw_only=True)
class Shell:
    """Signs calls and reads replies, with a clock and nonces of its own."""

    credentials: Credentials | None
    base_url: httpx.URL
    account: str
    manners: Manners
    budget: Budget
    watch: Watch
    clock: Clock = attrs.field(factory=Clock)
    gate: ProbeGate = attrs.field(factory=ProbeGate, eq=False, repr=False)

    def prepare(self, call: Call) -> SignedCall:
        """Sign a call for one sending; a public one goes unsigned.

        Raises:
            ForbiddenCallError: the call needs a key and there is none.
        """
        if not call.signed:
            return unsigned(call)
        if self.credentials is None:
            raise ForbiddenCallError(
                f"{call.endpoint.label} needs an API key, and this client has none.",
                hint="Give the client credentials.",
            )
        return sign(
            call,
            self.credentials,
            host=self.base_url.netloc.decode("ascii"),
            nonce=str(uuid.uuid4()),
            timestamp_ms=self.clock.now_ms(),
        )

    def request(self, sent: SignedCall) -> httpx.Request:
        """Build exactly the request that was signed, with no header added that matters."""
        url = self.base_url.copy_with(raw_path=sent.target.encode("ascii"))
        return httpx.Request(
            sent.method, url, headers={**HEADERS, **sent.headers}, content=sent.body or None
        )

    def receiving(self, label: str, sent: SignedCall) -> "Receiving":
        """Begin to wait for the answer to ``sent``."""
        return Receiving(self, label, sent)

    def drawn(self, pause: Pause) -> float:
        """Draw a pause in seconds."""
        return random.uniform(pause.seconds_min, pause.seconds_max)  # noqa: S311 - only spreads


class ReplyEndlessError(Exception):
    """An answer grows or lasts beyond all that is expected; never leaves the client."""


@attrs.define
class Receiving:
    """Takes in one answer, piece by piece, within bounds of size and time."""

    _shell: Shell
    _label: str
    _sent: SignedCall
    _body: bytearray = attrs.field(factory=bytearray, init=False)
    _began: float = attrs.field(factory=time.monotonic, init=False)

    def add(self, chunk: bytes) -> None:
        """Take a piece of the body, after content decoding.

        Raises:
            ReplyEndlessError: there is too much of it, or it takes too long.
        """
        self._body += chunk
        if len(self._body) > REPLY_BYTES_MAX:
            raise ReplyEndlessError(f"the reply is longer than {REPLY_BYTES_MAX:,} bytes")
        if time.monotonic() - self._began > REPLY_SECONDS_MAX:
            raise ReplyEndlessError(f"the reply took longer than {REPLY_SECONDS_MAX} seconds")

    def failed(self, reason: str) -> NoReply:
        """Say that no whole answer came."""
        self._done(None)
        return NoReply(reason)

    def reply(self, response: httpx.Response) -> Reply:
        """Return the whole answer, with what its signature is worth."""
        self._done(response.status_code)
        headers = {name.lower(): value for name, value in response.headers.items()}
        if "date" in headers:
            self._shell.clock.seen = headers["date"], time.time()
        body = bytes(self._body)
        seal = Seal.NOT_EXPECTED
        if self._sent.nonce and self._shell.credentials is not None:
            seal = verify(self._sent, self._shell.credentials, headers=headers, body=body)
        reply = Reply(status=response.status_code, headers=headers, body=body, seal=seal)
        tell(self._shell.budget, reply, self._label)
        return reply

    def _done(self, status: int | None) -> None:
        self._shell.watch.request_done(self._label, status, time.monotonic() - self._began)


@functools.cache
def tls() -> ssl.SSLContext:
    """Return what all clients of this process trust; to load it takes longer than a request."""
    return httpx.create_ssl_context()


def closed() -> ForbiddenCallError:
    """Return the error of a call on a client that was closed."""
    return ForbiddenCallError(
        "The client is closed; nothing was sent.",
        hint="Make another, and close it when all is done.",
    )


def repr_of(client: object) -> str:
    """Describe a client, also one whose settings were refused."""
    shell = getattr(client, "_shell", None)
    told = f"{shell.base_url.host}, {shell.credentials!r}" if isinstance(shell, Shell) else ""
    return f"{type(client).__name__}({told})"


def make_shell(
    credentials: Credentials | None,
    *,
    base_url: str,
    account: str | Account,
    manners: Manners,
    budget: Budget | None,
    observer: Observer | None,
) -> Shell:
    """Check the settings of a client.

    Raises:
        ForbiddenCallError: the address is not https, and not this machine's own.
    """
    try:
        url = httpx.URL(base_url)
    except httpx.InvalidURL as exc:
        raise ForbiddenCallError(
            f"Not the address of an exchange: {exc}.",
            hint=f"Give only scheme and host, such as {PRODUCTION_URL}.",
        ) from None
    odd_port = url.port is not None and url.port > PORT_MAX
    if not url.host or odd_port or url.path not in {"", "/"} or url.query or url.userinfo:
        raise ForbiddenCallError(
            f"Not the address of an exchange: {url.copy_with(username=None, password=None)!s}.",
            hint=f"Give only scheme and host, such as {PRODUCTION_URL}.",
        )
    if url.scheme != "https" and not (url.scheme == "http" and url.host in LOOPBACK_HOSTS):
        raise ForbiddenCallError(
            f"{url.scheme}://{url.host} would send signed requests in the clear.",
            hint="Use https; http is allowed only to this machine itself.",
        )
    name = account.name if isinstance(account, Account) else Account(account).name
    return Shell(
        credentials=credentials,
        base_url=url.copy_with(path="/"),
        account=name,
        manners=manners,
        budget=budget or shared_budget(url.netloc.decode("ascii")),
        watch=Watch(observer),
    )


def guard(request: httpx.Request, base_url: httpx.URL, gate: ProbeGate | None = None) -> None:
    """Refuse whatever is not a request of the catalogue to the client's own exchange.

    The last look before bytes move: it trusts nobody, neither the flows nor the program that
    embeds the client.

    Raises:
        ForbiddenCallError: another host, another scheme, or a path outside the catalogue.
    """
    url = request.url
    if odd := set(request.extensions) - HARMLESS_EXTENSIONS:
        # "target" would replace the path, "sni_hostname" the host that the certificate is for.
        raise ForbiddenCallError(
            f"A request with {', '.join(sorted(odd))} was stopped; the address must be the URL's."
        )
    if (url.scheme, url.netloc) != (base_url.scheme, base_url.netloc):
        raise ForbiddenCallError(
            f"A request to {url.scheme}://{url.host} was stopped; "
            f"this client talks to {base_url.host} only."
        )
    path = url.raw_path.partition(b"?")[0].decode("ascii", "replace")
    if why := ban_of(request.method, path):
        raise ForbiddenCallError(f"{request.method} {path} must never be called: {why}.")
    probing = gate is not None and gate.takes(request)
    if not probing and recognise(request.method, path) is None:
        raise ForbiddenCallError(
            f"{request.method} {path} is not in the catalogue of read endpoints; it was not sent."
        )


def reason_of(error: httpx.RequestError) -> str:
    """Describe a transport failure without the request, whose headers must not be shown."""
    name = type(error).__name__
    spaced = "".join(f" {char.lower()}" if char.isupper() else char for char in name).strip()
    return f"{spaced}: {error}" if str(error) else spaced
