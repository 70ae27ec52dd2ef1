"""The blocking client."""

import threading
from collections.abc import Iterator
from types import TracebackType
from typing import Self

import httpx

from bitstamp_ledger.api import (
    Answer,
    Await,
    Begin,
    Call,
    Emit,
    Endpoint,
    Flow,
    Manners,
    NoReply,
    Pause,
    Reply,
    RetryPolicy,
    Send,
    StreamFlow,
    ask,
    parse_balances,
    walk_user_transactions,
)
from bitstamp_ledger.api._effects import T
from bitstamp_ledger.client._credentials import Credentials
from bitstamp_ledger.client._shell import (
    PRODUCTION_URL,
    Shell,
    guard,
    make_shell,
    reason_of,
)
from bitstamp_ledger.client._threads import Threads
from bitstamp_ledger.model import MAIN_ACCOUNT, Account, Balance, Entry


class _GuardedTransport(httpx.BaseTransport):
    def __init__(self, inner: httpx.BaseTransport, shell: Shell) -> None:
        self._inner = inner
        self._shell = shell

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        guard(request, self._shell.base_url, self._shell.gate)
        return self._inner.handle_request(request)

    def close(self) -> None:
        self._inner.close()


class Client:
    """Reads one Bitstamp account.  It cannot trade, withdraw or change anything.

    Use it as a context manager, or close it.  One client may be used from several threads.

    Args:
        credentials: the account's API key; None for public endpoints only.
        base_url: the exchange; https, or http to this machine itself.
        account: the name of the account that the key is bound to.
        timeout_s: the longest wait for a connection, and for each part of an answer.
        retry: how often and how patiently a call is repeated.
        in_flight_max: how many pages of the history may be asked for at once.
        signed_replies_required: whether replies must carry the exchange's signature; a wrong
            signature is never accepted.
        transport: sends the requests in place of httpx's own; every request is still checked
            against the catalogue first.

    Raises:
        ForbiddenCallError: ``base_url`` is not a safe address.
    """

    def __init__(
        self,
        credentials: Credentials | None = None,
        *,
        base_url: str = PRODUCTION_URL,
        account: str | Account = MAIN_ACCOUNT,
        timeout_s: float = 30.0,
        retry: RetryPolicy | None = None,
        in_flight_max: int = 8,
        signed_replies_required: bool = True,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._shell = make_shell(
            credentials,
            base_url=base_url,
            account=account,
            manners=Manners(
                retry=retry or RetryPolicy(),
                in_flight_max=in_flight_max,
                signed_replies_required=signed_replies_required,
            ),
        )
        self._http = httpx.Client(
            transport=_GuardedTransport(transport or httpx.HTTPTransport(), self._shell),
            timeout=timeout_s,
            follow_redirects=False,  # Host and path are part of the signature.
            trust_env=False,  # A proxy from the environment would go round the guard.
        )

    @property
    def account(self) -> str:
        """The name of the account that this client reads."""
        return self._shell.account

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._shell.base_url.host}, {self._shell.credentials!r})"

    def close(self) -> None:
        """Close the connections.  Safe to call twice."""
        self._http.close()

    def balances(self) -> tuple[Balance, ...]:
        """Ask what the account holds now: one balance per currency, zeros included.

        Raises:
            BitstampLedgerError: see `bitstamp_ledger.errors`.
        """
        call = Call(endpoint=Endpoint.ACCOUNT_BALANCES)
        return self._drive(ask(call, parse_balances, self._shell.manners))

    def entries(self, since_id: int | None = None) -> Iterator[Entry]:
        """Read the account's history, oldest first, each record once, page by page.

        Args:
            since_id: the first exchange id wanted, inclusive; None for the whole history.

        Raises:
            BitstampLedgerError: see `bitstamp_ledger.errors`; what was yielded before is good.
        """
        return self._stream(
            walk_user_transactions(
                since_id=since_id, account=self._shell.account, manners=self._shell.manners
            )
        )

    def _drive(self, flow: Flow[T]) -> T:
        answer: Reply | NoReply | None = None
        while True:
            try:
                effect = flow.send(answer)
            except StopIteration as finished:
                result: T = finished.value
                return result
            answer = self._perform(effect)

    def _stream(self, flow: StreamFlow[T]) -> Iterator[T]:
        answer: Answer = None
        with Threads(self._perform, workers=self._shell.manners.in_flight_max) as background:
            while True:
                try:
                    effect = flow.send(answer)
                except StopIteration:
                    return
                answer = None
                match effect:
                    case Emit(items):
                        yield from items
                    case Begin(ticket, begun):
                        background.begin(ticket, begun)
                    case Await():
                        answer = background.first_done()
                    case Send() | Pause():
                        answer = self._perform(effect)

    def _perform(
        self, effect: Send | Pause, stopping: threading.Event | None = None
    ) -> Reply | NoReply | None:
        if isinstance(effect, Pause):
            (stopping or threading.Event()).wait(self._shell.drawn(effect))
            return None
        sent = self._shell.prepare(effect.call)
        try:
            response = self._http.send(self._shell.request(sent))
        except (httpx.TransportError, httpx.DecodingError) as exc:
            return NoReply(reason_of(exc))
        return self._shell.reply(sent, response)
