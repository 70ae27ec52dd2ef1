"""One sync of an account at a time: a lock that dies with its process.

PostgreSQL has advisory locks, which end with their connection.  Beside a SQLite ledger lies a small
file for each account, itself a database, that is locked while the account is read; the file says
nothing and may be deleted while nothing runs.
"""

import contextlib
import hashlib
import sqlite3
import threading
import time
from collections.abc import Iterator
from typing import Final

import sqlalchemy as sa

from bitstamp_ledger.errors import LedgerBusyError, LedgerError
from bitstamp_ledger.ledger._store import Store

_in_memory: Final[dict[tuple[int, str], threading.Lock]] = {}
_in_memory_guard: Final = threading.Lock()
_POLL_S: Final = 0.05


@contextlib.contextmanager
def account_lock(store: Store, account: str, *, wait_s: float) -> Iterator[None]:
    """Hold the right to sync ``account``.

    Args:
        store: the ledger.
        account: the account's name.
        wait_s: how long to wait for another sync of it.

    Raises:
        LedgerBusyError: another sync of the account still runs.
    """
    if not store.is_sqlite:
        held = _advisory(store, account, wait_s)
    elif store.path is None:
        held = _thread_lock(store, account, wait_s)
    else:
        held = _lock_file(store, account, wait_s)
    with held:
        yield


def _busy(account: str) -> LedgerBusyError:
    return LedgerBusyError(
        f"The account {account!r} is being synced already, by this program or another.",
        hint="Wait until that sync has ended, or pass wait_s= to wait for it.",
    )


@contextlib.contextmanager
def _lock_file(store: Store, account: str, wait_s: float) -> Iterator[None]:
    name = hashlib.sha256(account.encode()).hexdigest()[:12]
    path = f"{store.path}-sync-{name}"
    try:
        lock = sqlite3.connect(path, timeout=wait_s, isolation_level=None, check_same_thread=False)
    except sqlite3.Error as exc:
        raise _unlockable(store, exc) from None
    with contextlib.closing(lock):
        try:
            lock.execute("BEGIN EXCLUSIVE")
        except sqlite3.Error as exc:
            if "locked" in str(exc):
                raise _busy(account) from None
            raise _unlockable(store, exc) from None
        yield


def _unlockable(store: Store, exc: sqlite3.Error) -> LedgerError:
    return LedgerError(
        f"The ledger {store.name} cannot be locked for a sync: {exc}.",
        hint="Check that its folder may be written and the disk is not full.",
    )


@contextlib.contextmanager
def _thread_lock(store: Store, account: str, wait_s: float) -> Iterator[None]:
    with _in_memory_guard:
        lock = _in_memory.setdefault((id(store), account), threading.Lock())
    if not lock.acquire(timeout=wait_s):
        raise _busy(account)
    try:
        yield
    finally:
        lock.release()


@contextlib.contextmanager
def _advisory(store: Store, account: str, wait_s: float) -> Iterator[None]:
    deadline = time.monotonic() + wait_s
    with (
        store.translated(),
        store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection,
    ):
        # Locks belong to a whole database, where each schema may hold a ledger of its own.
        schema = connection.execute(sa.select(sa.func.current_schema())).scalar()
        digest = hashlib.sha256(f"bitstamp_ledger sync {schema} {account}".encode()).digest()
        number = int.from_bytes(digest[:8], "big", signed=True)
        while not connection.execute(sa.select(sa.func.pg_try_advisory_lock(number))).scalar():
            if time.monotonic() >= deadline:
                raise _busy(account)
            time.sleep(_POLL_S)
        try:
            yield
        finally:
            with contextlib.suppress(sa.exc.SQLAlchemyError):
                connection.execute(sa.select(sa.func.pg_advisory_unlock(number)))
