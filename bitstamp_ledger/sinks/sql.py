"""SQL: a table in SQLite, PostgreSQL or MariaDB that holds what the ledger shows.

1. Rows and checkpoint are one transaction: after a crash the database is before a batch or after.
2. Numbers are NUMERIC in PostgreSQL and DECIMAL(65,18) in MariaDB; in SQLite, which has no exact
   type, they are text.  Never a float.  A number that would be rounded is refused.
3. Beside ``entries`` lie ``entries_retracted``, the revisions of what was taken back, so that an
   old word cannot bring it back, and ``entries_checkpoints``, how far each ledger has come.
4. Times are UTC: ``timestamptz`` in PostgreSQL, ``DATETIME(6)`` in MariaDB, ISO 8601 in SQLite.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, Final

from bitstamp_ledger.errors import MissingExtraError, SinkError
from bitstamp_ledger.sinks._contract import Checkpoint, Retract, Upsert
from bitstamp_ledger.sinks._secrets import masked, secrets_in
from bitstamp_ledger.sinks._table import Values
from bitstamp_ledger.sinks._table_sink import TableSink

try:
    import sqlalchemy as sa
    from sqlalchemy import exc as sa_exc

    from bitstamp_ledger.sinks._sql_tables import Dialect, MariaDb, PostgreSql, Sqlite, Tables
except ModuleNotFoundError as missing:
    if missing.name != "sqlalchemy":
        raise
    raise MissingExtraError("A sink in an SQL database", extra="sql") from None

BUSY_TIMEOUT_S: Final = 30
_DRIVERS: Final = {
    "postgresql": ("postgresql+psycopg", "postgres"),
    "mysql": ("mysql+pymysql", "mariadb"),
    "mariadb": ("mysql+pymysql", "mariadb"),
}
_PASSING_STATES: Final = ("08", "40001", "40P01", "53", "55P03", "57P")
"""Beginnings of the SQLSTATEs of PostgreSQL that pass by themselves."""

_PASSING_CODES: Final = frozenset({1040, 1053, 1205, 1213, 2002, 2003, 2006, 2013})
"""The same of MariaDB: too many connections, lock wait, deadlock, connection lost."""


class SqlSink(TableSink["sa.Connection"]):
    """Keeps a table of a database up to date.

    Args:
        url: as SQLAlchemy takes it: ``sqlite:///out.db``, ``postgresql://user@host/database``,
            ``mariadb://user@host/database``.
        table: the table's name; made if there is none.
    """

    name: ClassVar[str] = "sql"
    _failures = (sa_exc.SQLAlchemyError,)

    def __init__(self, url: str, table: str = "entries") -> None:
        super().__init__(table)
        self._secrets = secrets_in({"url": url})
        self._url = _parsed(url)
        self._dialect = _dialect_of(self._url)
        self._tables = Tables(table, self._dialect)
        self.target = f"{self._url.render_as_string(hide_password=True)} {table}"
        self._engine: sa.Engine | None = None

    @property
    def _place(self) -> str:
        return self.target

    def _connect(self, ledger: str | None) -> Checkpoint | None:
        engine = self._engine = _engine(self._url)
        self._tables.make(engine, self.name)
        with engine.connect() as connection:
            return self._tables.checkpoint(connection, ledger)

    def _disconnect(self) -> None:
        if self._engine is not None:
            self._engine.dispose()
        self._engine = None

    def _prepared(self, values: Values) -> Values:
        return self._dialect.prepare(values)

    @contextmanager
    def _transaction(self) -> Iterator["sa.Connection"]:
        if self._engine is None:
            raise SinkError("The table is not open.", sink=self.name, hint="Open it first.")
        with self._engine.connect() as plain:
            connection = plain.execution_options(sink_writes=True)
            with connection.begin():
                yield connection

    def _store(
        self,
        connection: "sa.Connection",
        rows: Sequence[Values],
        upserts: Sequence[Upsert],
        retractions: Sequence[Retract],
    ) -> None:
        self._tables.write(connection, rows, upserts, retractions)

    def _note(self, connection: "sa.Connection", ledger: str, checkpoint: Checkpoint) -> None:
        self._tables.put_checkpoint(connection, ledger, checkpoint)

    def _error(self, exc: Exception) -> SinkError:
        cause = getattr(exc, "orig", None) or exc
        said = masked(str(cause).strip().partition("\n")[0], self._secrets)
        return SinkError(
            f"The database {self.target} could not be used: {said}.",
            sink=self.name,
            hint="What was written before is kept.",
            retryable=_passes(exc, cause),
        )


def _passes(exc: Exception, cause: BaseException) -> bool:
    if isinstance(exc, sa_exc.DBAPIError) and exc.connection_invalidated:
        return True
    state = getattr(cause, "sqlstate", None)
    if isinstance(state, str):
        return state.startswith(_PASSING_STATES)
    code = cause.args[0] if cause.args else None
    if isinstance(code, int):
        return code in _PASSING_CODES
    said = str(cause)
    # Without a state: SQLite, and PostgreSQL before there is a connection.
    return "database is locked" in said or "onnection refused" in said or "timeout expired" in said


def _parsed(url: str) -> "sa.URL":
    try:
        parsed = sa.make_url(url)
    except (sa_exc.ArgumentError, ValueError):
        parsed = None
    if parsed is None or parsed.get_backend_name() not in {"sqlite", *_DRIVERS}:
        raise SinkError(
            "That is not the address of a database that is known.",
            sink=SqlSink.name,
            hint="Known are sqlite:///file, postgresql://user@host/database and "
            "mariadb://user@host/database.",
        )
    driver, _ = _DRIVERS.get(parsed.drivername, (parsed.drivername, ""))
    return parsed.set(drivername=driver)


def _dialect_of(url: "sa.URL") -> Dialect:
    match url.get_backend_name():
        case "sqlite":
            return Sqlite()
        case "postgresql":
            return PostgreSql()
        case _:
            return MariaDb()


def _engine(url: "sa.URL") -> "sa.Engine":
    backend = url.get_backend_name()
    options: dict[str, Any] = {"hide_parameters": True}
    if backend == "sqlite":
        options["connect_args"] = {"timeout": BUSY_TIMEOUT_S, "check_same_thread": False}
        if url.database in {None, "", ":memory:"}:
            options["poolclass"] = sa.StaticPool
    if backend in {"mysql", "mariadb"}:
        options["connect_args"] = {
            "charset": "utf8mb4",
            "init_command": "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_BACKSLASH_ESCAPES'",
        }
    try:
        engine = sa.create_engine(url, **options)
    except ModuleNotFoundError:
        extra = "postgres" if backend == "postgresql" else "mariadb"
        raise MissingExtraError(f"A sink in {backend}", extra=extra) from None
    if backend == "sqlite":
        sa.event.listen(engine, "connect", _begin_ourselves)
        sa.event.listen(engine, "begin", _begin)
    return engine


def _begin_ourselves(connection: Any, _: object) -> None:  # noqa: ANN401 - the driver's own
    connection.isolation_level = None


def _begin(connection: "sa.Connection") -> None:
    # A reader that became a writer later could find the database changed meanwhile.
    writes = connection.get_execution_options().get("sink_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
