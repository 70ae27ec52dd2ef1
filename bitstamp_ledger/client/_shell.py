"""What both clients share: everything but moving bytes and waiting."""

import random
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
from bitstamp_ledger.client._credentials import Credentials
from bitstamp_ledger.client._gate import ProbeGate
from bitstamp_ledger.errors import ForbiddenCallError
from bitstamp_ledger.model import Account

PRODUCTION_URL: Final = "https://www.bitstamp.net"
PORT_MAX: Final = 65535
LOOPBACK_HOSTS: Final = frozenset({"localhost", "127.0.0.1", "::1"})
HARMLESS_EXTENSIONS: Final = frozenset({"timeout", "trace"})
HEADERS: Final[Mapping[str, str]] = {
    "User-Agent": f"bitstamp_ledger/{__version__}",
    "Accept": "application/json",
    "Accept-Encoding": "gzip, deflate",
}


@attrs.frozen(kw_only=True)
class Shell:
    """Signs calls and reads replies, with a clock and nonces of its own."""

    credentials: Credentials | None
    base_url: httpx.URL
    account: str
    manners: Manners
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
            timestamp_ms=time.time_ns() // 1_000_000,
        )

    def request(self, sent: SignedCall) -> httpx.Request:
        """Build exactly the request that was signed, with no header added that matters."""
        url = self.base_url.copy_with(raw_path=sent.target.encode("ascii"))
        return httpx.Request(
            sent.method, url, headers={**HEADERS, **sent.headers}, content=sent.body or None
        )

    def reply(self, sent: SignedCall, response: httpx.Response) -> Reply:
        """Turn a whole response into a reply, with what its signature is worth."""
        headers = {name.lower(): value for name, value in response.headers.items()}
        seal = Seal.NOT_EXPECTED
        if sent.nonce and self.credentials is not None:
            seal = verify(sent, self.credentials, headers=headers, body=response.content)
        return Reply(status=response.status_code, headers=headers, body=response.content, seal=seal)

    def drawn(self, pause: Pause) -> float:
        """Draw a pause in seconds."""
        return random.uniform(pause.seconds_min, pause.seconds_max)  # noqa: S311 - only spreads


def make_shell(
    credentials: Credentials | None,
    *,
    base_url: str,
    account: str | Account,
    manners: Manners,
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
