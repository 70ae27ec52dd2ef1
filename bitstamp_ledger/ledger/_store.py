"""The database: connections, transactions, and errors in words.

1. Whatever is committed is complete: every change to a ledger is one transaction.
2. On SQLite, one writer at a time, and any number of readers beside it (WAL).
3. No exception of a driver and no password leaves this module.
"""

import contextlib
import os
import re
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import unquote

import sqlalchemy as sa
from sqlalchemy import exc as sa_exc
from sqlalchemy.pool import StaticPool

from bitstamp_ledger.errors import LedgerBusyError, LedgerError, MissingExtraError
from bitstamp_ledger.ledger import _migrations
from bitstamp_ledger.ledger._schema import counters, meta
from bitstamp_ledger.sinks._secrets import masked, secrets_in

BUSY_TIMEOUT_MS: Final = 30_000
_LOOK_AGAIN_S: Final = 0.01
_VIEW_LOCK: Final = 0x626C7677
"""An arbitrary number that stands for "the views" among PostgreSQL's advisory locks."""

_HINTS: Final = (
    ("disk is full", "The disk is full.", "Free some space and try again."),
    ("No space left", "The disk is full.", "Free some space and try again."),
    ("readonly", "It can be read but not written.", "Check the rights of file and folder."),
    (
        "read-only",
        "It can be read but not written.",
        "Check the rights of file and folder.",
    ),
    ("locked", "Another program keeps it locked.", "Close the other program, or try again."),
    ("not a database", "It is a file, but no database.", "Check the name of the file."),
    ("malformed", "The file is damaged.", "Restore it from a backup."),
    ("unable to open", "It cannot be opened.", "Check that its folder exists and may be written."),
    ("disk I/O error", "The disk does not take or give the data.", "Check the disk and its space."),
    ("onnection", "The server does not answer.", "Check that it runs, and the address."),
)


_PASSWORD: Final = re.compile(r":[^@/\\]+@")

_MAKING: Final = threading.Lock()
"""Held while a file is made: closing it would take away the locks of another that opens it."""

_NEW_FILE: Final = os.O_CREAT | os.O_EXCL | os.O_RDWR
_OWNER_ONLY: Final = 0o600


class Store:
    """One database that holds a ledger.  Safe to use from several threads."""

    def __init__(self, engine: sa.Engine, *, path: Path | None, name: str) -> None:
        self.engine = engine
        self.path = path
        """The file of a SQLite ledger; None for another database, or one in memory."""

        self.name = name
        self.is_sqlite = engine.dialect.name == "sqlite"
        # A database in memory has one connection, which threads must take in turn.
        in_memory = self.is_sqlite and path is None
        self._turn = threading.RLock() if in_memory else contextlib.nullcontext()

    @classmethod
    def open(cls, place: str | os.PathLike[str]) -> Self:
        """Open the ledger at ``place``, make it if there is none, and migrate it if it is old.

        A new file can be read by its owner only, and SQLite gives the files that it keeps beside
        it the same mode.  A file that is there keeps its mode: who shared it may have meant it.

        Raises:
            LedgerError: it cannot be opened, or is no ledger of this or an older release.
            MissingExtraError: the database's driver is not installed.
        """
        engine, path, name = _engine_for(place)
        store = cls(engine, path=path, name=name)
        if path is not None:
            _make_private(path, engine.url)
        try:
            if store._is_current():
                return store
            with store.write() as connection:
                lock_views(connection)  # Two that open a new ledger must not both make the tables.
                _migrations.prepare(connection)
        except BaseException:
            engine.dispose()
            raise
        return store

    def _is_current(self) -> bool:
        try:
            with self.read() as connection:
                return _migrations.is_current(connection)
        except (TypeError, ValueError):  # A driver's own, for what stands in an address.
            raise _no_address() from None

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    @contextlib.contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """Look at one state of the database."""
        with self._transaction(write=False) as connection:
            yield connection

    @contextlib.contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """Change the database, all or nothing."""
        with self._transaction(write=True) as connection:
            yield connection

    @contextlib.contextmanager
    def _transaction(self, *, write: bool) -> Iterator[sa.Connection]:
        with self.translated(), self._turn, self.engine.connect() as plain:
            connection = plain.execution_options(ledger_writes=write)
            with connection.begin():
                yield connection

    @contextlib.contextmanager
    def translated(self) -> Iterator[None]:
        """Turn what the driver raises into errors that say what to do."""
        try:
            yield
        except sa_exc.SQLAlchemyError as exc:
            raise self._error(exc) from None

    def _error(self, exc: sa_exc.SQLAlchemyError) -> LedgerError:
        said = str(getattr(exc, "orig", None) or exc).strip().partition("\n")[0]
        said = _without_secrets(said, self.engine.url)
        for part, what, hint in _HINTS:
            if part in said:
                kind = LedgerBusyError if part == "locked" else LedgerError
                return kind(
                    f"The ledger {self.name}: {what} ({said})",
                    hint=f"{hint} What was committed before is kept.",
                )
        return LedgerError(
            f"The ledger {self.name} could not be used: {said}.",
            hint="What was committed before is kept.",
        )


def _make_private(path: Path, url: sa.URL) -> None:
    """Make the file of a new ledger, empty, for its owner only, before SQLite makes it for all."""
    if "vfs" in url.query or url.query.get("mode", "rwc") != "rwc":
        return  # Another kind of storage, or an address that says to make nothing.
    # What is wrong with a path, SQLite says.
    with _MAKING, contextlib.suppress(OSError, ValueError):
        os.close(os.open(os.path.realpath(path), _NEW_FILE, _OWNER_ONLY))


def lock_views(connection: sa.Connection) -> None:
    """Let nobody else make views or sums until this transaction ends."""
    if connection.dialect.name != "sqlite":  # There, a writer is alone anyway.
        # Locks belong to a whole database, where each schema may hold a ledger of its own.
        schema = sa.func.hashtext(sa.func.current_schema())
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_VIEW_LOCK, schema)))


def allocate(connection: sa.Connection, name: str, count: int = 1) -> int:
    """Return the first of ``count`` fresh ids; they rise with the order of commits."""
    counted = {"of": name, "count": count}
    return int(connection.execute(_COUNT, counted).scalar_one()) - count


# Built once: SQLAlchemy takes longer to build a statement than SQLite to run it.
_COUNT: Final = (
    sa.update(counters)
    .where(counters.c.name == sa.bindparam("of"))
    .values(next=counters.c.next + sa.bindparam("count", type_=sa.BigInteger))
    .returning(counters.c.next)
)


def insert_many(
    connection: sa.Connection, table: sa.Table, rows: Sequence[tuple[object, ...]]
) -> None:
    """Insert rows that state every column, in the order of the table.

    Straight to the driver: turning each row into named parameters takes longer than storing it.
    """
    if not rows:
        return
    connection.exec_driver_sql(_insertion(table, connection.dialect.name), list(rows))


@cache
def _insertion(table: sa.Table, dialect: str) -> str:
    mark = "?" if dialect == "sqlite" else "%s"
    columns = ", ".join(f'"{column.name}"' for column in table.columns)
    marks = ", ".join([mark] * len(table.columns))
    return f"INSERT INTO {table.name} ({columns}) VALUES ({marks})"  # noqa: S608 - our own names


def note(connection: sa.Connection, key: str) -> str | None:
    """Return what is noted under ``key``."""
    value = connection.execute(sa.select(meta.c.value).where(meta.c.key == key)).scalar()
    return str(value) if value else None


def put_note(connection: sa.Connection, key: str, value: str | None) -> None:
    """Note ``value`` under ``key``; None takes the note away."""
    connection.execute(sa.update(meta).where(meta.c.key == key).values(value=value or ""))


def _engine_for(place: str | os.PathLike[str]) -> tuple[sa.Engine, Path | None, str]:
    text = os.fspath(place)
    if text == ":memory:":  # SQLite's own word for it; as a path it would leave lock files behind.
        return _engine_at(sa.make_url("sqlite://"))
    if "://" not in text:
        path = Path(text)
        # An address with a slash too few is a path, and may hold a password all the same.
        name = repr(masked(_PASSWORD.sub(":***@", text)))
        return _sqlite(sa.URL.create("sqlite", database=text)), path, name
    try:
        return _engine_at(sa.make_url(text))
    except (sa_exc.ArgumentError, TypeError, ValueError):
        raise _no_address() from None


def _no_address() -> LedgerError:
    return LedgerError(
        "The address of the ledger is not the address of a database.",
        hint="Give the path of a file, or postgresql+psycopg://user@host/database.",
    )


def _engine_at(url: sa.URL) -> tuple[sa.Engine, Path | None, str]:
    name = repr(_without_secrets(url.render_as_string(hide_password=True), url))
    if url.drivername in {"sqlite", "sqlite+pysqlite"}:  # Others await, or need a key.
        memory = url.database in {None, "", ":memory:"}
        is_uri = bool(url.database and url.database.startswith("file:"))
        path_of = None if memory else _path_in(str(url.database))
        return _sqlite(url, memory=memory and not is_uri), path_of, name
    if url.get_backend_name() != "postgresql":
        raise LedgerError(
            f"A ledger cannot be kept in {url.drivername}.",
            hint="Use the path of a file, or postgresql+psycopg://user@host/database.",
        )
    if url.drivername == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    try:
        engine = sa.create_engine(url, hide_parameters=True, pool_pre_ping=True)
    except ModuleNotFoundError:
        raise MissingExtraError("A ledger in PostgreSQL", extra="postgres") from None
    return engine, None, name


def _use_wal(cursor: Any) -> None:  # noqa: ANN401 - the driver's own
    """Let readers and a writer not wait for each other.

    While two connections turn a new file over at once, SQLite refuses one of them without waiting
    for its busy timeout.
    """
    until = time.monotonic() + BUSY_TIMEOUT_MS / 1_000
    while True:
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as refused:
            if "locked" not in str(refused) or time.monotonic() > until:
                raise
            time.sleep(_LOOK_AGAIN_S)
        else:
            return


def _path_in(database: str) -> Path:
    """Return the path that an address states, which SQLite may be given as a URI of its own."""
    if not database.startswith("file:"):
        return Path(database)
    written = database.removeprefix("file:").removeprefix("//localhost")
    return Path(unquote(written.removeprefix("//")))


def _without_secrets(text: str, url: sa.URL) -> str:
    """Return a text without the passwords of an address, wherever in it they stand."""
    return masked(text, secrets_in({"url": url.render_as_string(hide_password=False)}))


def _sqlite(url: sa.URL, *, memory: bool = False) -> sa.Engine:
    options: dict[str, Any] = {"hide_parameters": True}
    if memory:
        options |= {"poolclass": StaticPool, "connect_args": {"check_same_thread": False}}
    engine = sa.create_engine(url, **options)

    def connected(connection: Any, _: object) -> None:  # noqa: ANN401 - the driver's own
        connection.isolation_level = None  # We begin transactions ourselves, below.
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.execute("PRAGMA page_size = 8192")  # Of a new file: fewer pages to a record.
        _use_wal(cursor)
        cursor.execute(
            "PRAGMA cache_size = -16000"
        )  # In KiB; the default of 2 MB is soon too small.
        cursor.close()

    def begun(connection: sa.Connection) -> None:
        # A reader that became a writer later could find the database changed meanwhile.
        writes = connection.get_execution_options().get("ledger_writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    sa.event.listen(engine, "connect", connected)
    sa.event.listen(engine, "begin", begun)
    return engine
