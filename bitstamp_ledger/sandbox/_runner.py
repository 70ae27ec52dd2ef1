"""Running a sandbox: as a context manager in a test, or in the foreground for a person."""

import contextlib
import datetime as dt
import os
import random
import secrets
import socket
import string
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Final, Protocol, Self

import attrs

from bitstamp_ledger.errors import MissingExtraError
from bitstamp_ledger.model import MAIN_ACCOUNT, UTC
from bitstamp_ledger.sandbox._account import Account, Truth
from bitstamp_ledger.sandbox._auth import Flag, SandboxKey
from bitstamp_ledger.sandbox._exchange import Exchange, RequestLog, WriteAttempt
from bitstamp_ledger.sandbox._faults import Faults
from bitstamp_ledger.sandbox._generate import generate_account
from bitstamp_ledger.sandbox._limits import Limits
from bitstamp_ledger.sandbox._permissions import READ_PERMISSIONS, checked_permissions
from bitstamp_ledger.sandbox._records import WireRecord, time_of

_LETTERS: Final = string.ascii_letters + string.digits
_CREDENTIAL_LENGTH: Final = 32


class _Draw(Protocol):
    def choice(self, seq: str, /) -> str: ...


class _Server(Protocol):
    def stop(self) -> None: ...


class Sandbox:
    """A local exchange on a loopback port.

    Example:
        >>> with Sandbox(seed=1, transactions=500) as sandbox:
        ...     print(sandbox.url)

    Args:
        seed: makes the account, the key and the secret the same at every start.  Without it the
            account is that of seed 0, and key and secret are new.
        transactions: how many records to make up.
        account: the main account; made up if there is none.
        account_file: where to load the main account from (see `Account.load`).
        key: the default key; made up if there is none.
        secret: its secret.
        permissions: what the default key may do.
        clock: the time in Unix seconds.
        faults: what goes wrong; can be changed at any time.
        limits: how many requests are allowed; the documented limits if None.
        derivatives: whether an account that is made up has derivatives.
        connections_refused: whether nobody listens at first; see `refuse_connections`.
        listener: a bound socket to serve on; the sandbox closes it.
        port: a loopback port, 0 for any free one.
    """

    def __init__(
        self,
        *,
        seed: int | None = None,
        transactions: int = 500,
        account: Account | None = None,
        account_file: str | Path | None = None,
        key: str | None = None,
        secret: str | None = None,
        permissions: Iterable[str] = READ_PERMISSIONS,
        clock: Callable[[], float] = time.time,
        faults: Faults | None = None,
        limits: Limits | None = None,
        derivatives: bool = False,
        connections_refused: bool = False,
        listener: socket.socket | None = None,
        port: int = 0,
    ) -> None:
        if account is not None and account_file is not None:
            raise ValueError("give an account or an account file, not both")
        if account_file is not None:
            account = Account.load(account_file)
        if account is None:
            account = generate_account(seed or 0, transactions, derivatives=derivatives)
        self._draw: _Draw = secrets if seed is None else random.Random(f"key/{seed}")
        self._exchange = Exchange(
            clock=clock,
            faults=faults or Faults(),
            limits=limits or Limits(),
            on_page=self._after_page,
        )
        self._exchange.accounts[MAIN_ACCOUNT] = account
        self._account = account
        self._listener = listener
        self._port = port
        self._url: str | None = None
        self._server: _Server | None = None
        self._refused = connections_refused
        self._default = self.add_key(permissions=permissions, key=key, secret=secret)

    def __repr__(self) -> str:
        state = self._url or "not running"
        return f"<Sandbox {state}, {len(self._account)} records>"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    # Running

    def start(self) -> None:
        """Serve; return once requests are answered.

        Raises:
            MissingExtraError: the packages of the extra ``sandbox`` are not installed.
        """
        if self._url is not None:
            raise RuntimeError("this sandbox runs already")
        listener = self._listener or _bound(self._port)
        self._listener = None
        host, port = listener.getsockname()[:2]
        _ = self._account.balances  # Replayed now, so that no caller has to wait for it.
        if self._refused:
            self._listener = listener
        else:
            self._serve(listener)
        self._url = f"http://{host}:{port}"

    def _serve(self, listener: socket.socket) -> None:
        try:
            from bitstamp_ledger.sandbox._server import HttpServer  # noqa: PLC0415 - optional
        except ImportError:
            listener.close()
            raise MissingExtraError("The sandbox", extra="sandbox") from None
        # Head and body of an answer are two segments; without this each waits for an ACK, 40 ms.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        server = HttpServer(self._exchange, listener)
        try:
            server.start()
        except BaseException:
            listener.close()
            raise
        self._server = server

    def stop(self) -> None:
        """Stop serving; return once the thread and the sockets are gone.  Idempotent."""
        if self._server is not None:
            self._server.stop()
        if self._listener is not None and self._url is not None:
            self._listener.close()
            self._listener = None
        self._server = self._url = None

    def refuse_connections(self) -> None:
        """Hang up on everybody and let nobody in, as if no exchange were there.  Idempotent.

        The address stays the sandbox's own.  Works before the start as well.
        """
        self._refused = True
        if self._server is None or self._url is None:
            return
        self._server.stop()
        self._server = None
        self._listener = _bound(int(self._url.rpartition(":")[2]))

    def accept_connections(self) -> None:
        """Let callers in again.  Idempotent."""
        self._refused = False
        if self._url is not None and self._listener is not None:
            listener, self._listener = self._listener, None
            self._serve(listener)

    @property
    def url(self) -> str:
        """The base URL, without a slash at its end."""
        if self._url is None:
            raise RuntimeError("this sandbox does not run: use it in a with statement")
        return self._url

    # Keys

    @property
    def key(self) -> str:
        """The key that is there from the beginning, with the rights that were asked for."""
        return self._default.key

    @property
    def secret(self) -> str:
        """The default key's secret."""
        return self._default.secret

    def add_key(
        self,
        *,
        permissions: Iterable[str] = READ_PERMISSIONS,
        account: str = MAIN_ACCOUNT,
        flags: Iterable[Flag] = (),
        key: str | None = None,
        secret: str | None = None,
    ) -> SandboxKey:
        """Make a key.

        Args:
            permissions: names from `READ_PERMISSIONS` and `WRITE_PERMISSIONS`;
                ``crypto_withdrawal:btc`` is the right for one currency.
            account: the account that it is bound to.
            flags: what is wrong with it.
            key: made up if there is none.
            secret: made up if there is none.

        Raises:
            ValueError: no such permission.
            KeyError: no such account.
        """
        if account not in self._exchange.accounts:
            raise KeyError(account)
        made = SandboxKey(
            key=key or self._credential(),
            secret=secret or self._credential(),
            permissions=checked_permissions(permissions),
            account=account,
            flags=frozenset(flags),
        )
        self._exchange.keys[made.key] = made
        return made

    def set_flags(self, key: str, *flags: Flag) -> None:
        """Replace what is wrong with a key; without flags it works again."""
        made = self._exchange.keys[key]
        self._exchange.keys[key] = attrs.evolve(made, flags=frozenset(flags))

    def set_permissions(self, key: str, *permissions: str) -> None:
        """Replace what a key may do."""
        made = self._exchange.keys[key]
        granted = checked_permissions(permissions)
        self._exchange.keys[key] = attrs.evolve(made, permissions=granted)

    def _credential(self) -> str:
        return "".join(self._draw.choice(_LETTERS) for _ in range(_CREDENTIAL_LENGTH))

    # Accounts

    def add_account(self, name: str, account: Account) -> Account:
        """Add a sub-account under ``name``; keys can be bound to it."""
        account.name = name
        self._exchange.accounts[name] = account
        return account

    @property
    def account(self) -> Account:
        """What the main account holds, as the made-up exchange keeps it."""
        return self._account

    @property
    def records(self) -> list[dict[str, object]]:
        """The main account's records as sent, oldest first, numbers exact."""
        return self._account.records

    @property
    def balances(self) -> dict[str, Decimal]:
        """The totals that the main account states, by currency in capitals."""
        return self._account.balances

    @property
    def truth(self) -> Truth:
        """What the main account's records mean, as the sandbox itself reads them."""
        return self._account.truth

    def append(self, *records: WireRecord) -> None:
        """Add records to the main account while it is read."""
        self._account.append(*records)

    def append_deposits(self, count: int = 1) -> list[dict[str, object]]:
        """Add new deposits of one euro at the end of the main account; return them."""
        return _append_deposits(self._account, count)

    def insert_late_row(self, index: int = -2) -> dict[str, object]:
        """Add a deposit that belongs before the row at ``index`` of the main account; return it.

        Its id is lower than the row's: a reader that has passed it never sees it by cursor.
        """
        return _insert_late_row(self._account, index)

    def insert_same_id(self, index: int = -1) -> dict[str, object]:
        """Add a deposit with the id of the main account's row at ``index``; return it.

        Rows of different kinds may share an id (docs/facts/exchange.md, "Ids").
        """
        twin = self._account.records[index]
        record = _deposit(int(str(twin["id"])), time_of(twin))
        self._account.append(record)
        return record

    def fill_order(self, order_id: int | None = None, *, fills: int = 2) -> list[dict[str, object]]:
        """Fill an open order of the main account now, in so many parts; return their records.

        ``order_status`` shows it for 30 days then.

        Args:
            order_id: which; the first open order if None.
            fills: how many records it leaves.

        Raises:
            KeyError: no such order is open.
        """
        now = dt.datetime.fromtimestamp(self._exchange.now(), UTC)
        return self._account.fill_order(order_id, now, fills=fills)

    def change(self, record_id: int, **fields: object) -> None:
        """Change a record of the main account that may have been read already."""
        self._account.change(record_id, **fields)

    def _after_page(self, account: Account) -> None:
        if self.faults.rows_appended_per_page > 0:
            _append_deposits(account, self.faults.rows_appended_per_page)
        if len(account) > 1:
            for _ in range(self.faults.late_rows_per_page):
                _insert_late_row(account, -2)

    # What happened

    @property
    def faults(self) -> Faults:
        """What goes wrong, and what shall go wrong next."""
        return self._exchange.faults

    @property
    def limits(self) -> Limits:
        """How many requests came, and how many are allowed."""
        return self._exchange.limits

    @property
    def requests(self) -> list[RequestLog]:
        """Every request so far, oldest first."""
        return list(self._exchange.requests)

    @property
    def writes(self) -> list[WriteAttempt]:
        """Every request that would have changed something; a reader's is empty."""
        return list(self._exchange.writes)


def serve(
    *,
    port: int = 0,
    seed: int | None = None,
    transactions: int = 500,
    account_file: str | Path | None = None,
    derivatives: bool = False,
    faults: Faults | None = None,
    limits: Limits | None = None,
    announce: Callable[[Sandbox], object],
) -> None:
    """Serve in the foreground until Ctrl-C.

    Args:
        port: a loopback port, 0 for any free one.
        seed: see `Sandbox`.
        transactions: see `Sandbox`.
        account_file: see `Sandbox`.
        derivatives: see `Sandbox`.
        faults: see `Sandbox`.
        limits: see `Sandbox`.
        announce: called once with the running sandbox, to tell the user its address and key.
    """
    sandbox = Sandbox(
        port=port,
        seed=seed,
        transactions=transactions,
        account_file=account_file,
        derivatives=derivatives,
        faults=faults,
        limits=limits,
    )
    with contextlib.suppress(KeyboardInterrupt), sandbox:
        announce(sandbox)
        threading.Event().wait()


def _bound(port: int) -> socket.socket:
    """Return a socket that holds a loopback port, and does not listen yet."""
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        if os.name == "posix":  # Elsewhere the option would let others take the port as well.
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(("127.0.0.1", port))
    except BaseException:
        made.close()
        raise
    return made


def _insert_late_row(account: Account, index: int) -> dict[str, object]:
    number, micros = account.free_id_before(index)
    record = _deposit(number, dt.datetime.fromtimestamp(micros // 1_000_000, UTC))
    account.append(record)
    return record


def _append_deposits(account: Account, count: int) -> list[dict[str, object]]:
    last = account.last() or _deposit(1, dt.datetime(2025, 1, 1, tzinfo=UTC))
    number, at = int(str(last["id"])), time_of(last)
    records = [
        _deposit(number + step, at + dt.timedelta(seconds=step)) for step in range(1, count + 1)
    ]
    account.append(*records)
    return records


def _deposit(number: int, at: dt.datetime) -> dict[str, object]:
    record: Mapping[str, object] = {
        "id": number,
        "datetime": f"{at:%Y-%m-%d %H:%M:%S}",
        "type": "0",
        "fee": "0.00",
        "eur": "1.00",
        "btc_usd": "0.00",
        "usd": Decimal("0.0"),
        "btc": Decimal("0.0"),
    }
    return dict(record)
