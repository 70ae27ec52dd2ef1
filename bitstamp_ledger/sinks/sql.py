"""SQL: a table in SQLite, PostgreSQL or MariaDB that holds what the ledger shows.

1. Rows and checkpoint are one transaction: after a crash the database is before a batch or after.
2. Numbers are NUMERIC in PostgreSQL and DECIMAL(65,18) in MariaDB; in SQLite, which has no exact
   type, they are text.  Never a float.  A number that would be rounded is refused.
3. Beside ``entries`` lie ``entries_retracted``, the revisions of what was taken back, so that an
   old word cannot bring it back, and ``entries_checkpoints``, how far each ledger has come.
4. Times are UTC: ``timestamptz`` in PostgreSQL, ``DATETIME(6)`` in MariaDB, ISO 8601 in SQLite.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, Final, Protocol

from bitstamp_ledger.errors import MissingExtraError, SinkError
from bitstamp_ledger.sinks._contract import (
    Batch,
    Capabilities,
    Checkpoint,
    Outcome,
    Receipt,
    Retract,
    RunInfo,
    Upsert,
)
from bitstamp_ledger.sinks._secrets import masked, secrets_in
from bitstamp_ledger.sinks._table import (
    COLUMNS,
    IDENTIFIER,
    ColumnType,
    Value,
    Values,
    at_least,
    folded,
    holds,
    require_digits,
    values_of,
)

try:
    import sqlalchemy as sa
    from sqlalchemy import exc as sa_exc
    from sqlalchemy.dialects import mysql
except ModuleNotFoundError as missing:
    if missing.name != "sqlalchemy":
        raise
    raise MissingExtraError("A sink in an SQL database", extra="sql") from None

BUSY_TIMEOUT_S: Final = 30
MARIADB_WHOLE, DECIMALS = 47, 18
"""Digits before and after the point of a DECIMAL(65,18)."""

_ID_CHARS: Final = 512
_SCHEMA: Final = 1
_NAMES: Final = tuple(column.name for column in COLUMNS)
_DRIVERS: Final = {
    "postgresql": ("postgresql+psycopg", "postgres"),
    "mysql": ("mysql+pymysql", "mariadb"),
    "mariadb": ("mysql+pymysql", "mariadb"),
}
_PASSING_STATES: Final = ("08", "40001", "40P01", "53", "55P03", "57P")
"""Beginnings of the SQLSTATEs of PostgreSQL that pass by themselves."""

_PASSING_CODES: Final = frozenset({1040, 1053, 1205, 1213, 2002, 2003, 2006, 2013})
"""The same of MariaDB: too many connections, lock wait, deadlock, connection lost."""

Rows = Sequence[tuple[Value, ...]]


class _Dialect(Protocol):
    """What differs between databases."""

    def types(self) -> Mapping[ColumnType, Any]:
        """The type of each kind of column."""

    def prepare(self, values: Values) -> Values:
        """Make a row of the values that the driver takes."""

    def upsert(self, connection: "sa.Connection", table: "sa.Table", rows: Rows) -> None:
        """Store rows, unless a row of a higher revision stands there."""


class SqlSink:
    """Keeps a table of a database up to date.

    Args:
        url: as SQLAlchemy takes it: ``sqlite:///out.db``, ``postgresql://user@host/database``,
            ``mariadb://user@host/database``.
        table: the table's name; made if there is none.
    """

    name: ClassVar[str] = "sql"
    capabilities = Capabilities(upsert=True, retract=True, stores_checkpoint=True, decimals="exact")

    def __init__(self, url: str, table: str = "entries") -> None:
        if not IDENTIFIER.fullmatch(table):
            raise SinkError(
                f"{table!r} is no name of a table.",
                sink=self.name,
                hint="Use letters, digits and underscores, a letter first, at most 41 of them.",
            )
        self._secrets = secrets_in({"url": url})
        self._url = _parsed(url)
        self._dialect = _dialect_of(self._url)
        self._tables = _Tables(table, self._dialect)
        self.target = f"{self._url.render_as_string(hide_password=True)} {table}"
        self._engine: sa.Engine | None = None
        self._run: RunInfo | None = None

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.target!r})"

    def open(self, run: RunInfo) -> Checkpoint | None:
        """Make the tables unless they are there; return how far this ledger has come."""
        run.require_schema(_SCHEMA)
        if self._engine is not None:
            raise SinkError("The table is open already.", sink=self.name, hint="Close it first.")
        engine = self._engine = _engine(self._url)
        self._run = run
        try:
            with self._translated():
                self._tables.make(engine, self.name)
                with engine.connect() as connection:
                    return self._tables.checkpoint(connection, run.ledger)
        except BaseException:
            self._dispose()
            raise

    def write(self, batch: Batch) -> Receipt:
        """Store a batch and its checkpoint, in one transaction."""
        if self._engine is None or self._run is None:
            raise SinkError("The table is not open.", sink=self.name, hint="Open it first.")
        upserts, retractions = folded(batch)
        rows = [self._row(each) for each in upserts]
        with self._translated(), self._engine.connect() as plain:
            connection = plain.execution_options(sink_writes=True)
            with connection.begin():
                self._tables.write(connection, rows, upserts, retractions)
                if batch.checkpoint is not None:
                    self._tables.put_checkpoint(connection, self._run.ledger, batch.checkpoint)
        place = self.target
        return Receipt(batch_id=batch.id, rows=len(batch.entries), durable=True, places=(place,))

    def close(self, outcome: Outcome) -> None:
        """Close the connections; what was written is durable already."""
        del outcome
        self._dispose()

    def _row(self, operation: Upsert) -> Values:
        return self._dialect.prepare(values_of(operation.entry, operation.revision))

    def _dispose(self) -> None:
        if self._engine is not None:
            self._engine.dispose()
        self._engine = self._run = None

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Turn what the driver raises into an error that says whether it passes by itself."""
        error: SinkError | None = None
        try:
            yield
        except sa_exc.SQLAlchemyError as exc:
            error = self._error(exc)
        if error is not None:
            raise error from None

    def _error(self, exc: "sa_exc.SQLAlchemyError") -> SinkError:
        cause = getattr(exc, "orig", None) or exc
        said = masked(str(cause).strip().partition("\n")[0], self._secrets)
        passing = _passes(exc, cause)
        return SinkError(
            f"The database {self.target} could not be used: {said}.",
            sink=self.name,
            hint="What was written before is kept.",
            retryable=passing,
        )


def _passes(exc: "sa_exc.SQLAlchemyError", cause: BaseException) -> bool:
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


def _dialect_of(url: "sa.URL") -> _Dialect:
    match url.get_backend_name():
        case "sqlite":
            return _Sqlite()
        case "postgresql":
            return _PostgreSql()
        case _:
            return _MariaDb()


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


class _Tables:
    """The three tables of a sink, and what is done with them inside a transaction."""

    def __init__(self, name: str, dialect: _Dialect) -> None:
        types = dialect.types()
        key = types[ColumnType.KEY]
        self._dialect = dialect
        self._metadata = sa.MetaData()
        self.entries = sa.Table(
            name,
            self._metadata,
            *(
                sa.Column(
                    column.name,
                    types[column.type],
                    primary_key=column.type is ColumnType.KEY,
                    nullable=not column.required,
                )
                for column in COLUMNS
            ),
            **_MARIADB_TABLE,
        )
        self._retracted = sa.Table(
            f"{name}_retracted",
            self._metadata,
            sa.Column("id", key, primary_key=True),
            sa.Column("revision", sa.BigInteger, nullable=False),
            sa.Column("reason", types[ColumnType.TEXT], nullable=False),
            **_MARIADB_TABLE,
        )
        self._checkpoints = sa.Table(
            f"{name}_checkpoints",
            self._metadata,
            sa.Column("ledger", key, primary_key=True),
            sa.Column("position", types[ColumnType.TEXT], nullable=False),
            **_MARIADB_TABLE,
        )

    def make(self, engine: "sa.Engine", sink: str) -> None:
        """Make what is not there.

        Raises:
            SinkError: a table of this name is there, and not ours.
        """
        try:
            with engine.begin() as connection:
                self._metadata.create_all(connection)
        except sa_exc.DBAPIError:  # Another made them at the same moment, or nobody may.
            with engine.begin() as connection:
                self._metadata.create_all(connection)
        found = {column["name"] for column in sa.inspect(engine).get_columns(self.entries.name)}
        if missing := [column for column in _NAMES if column not in found]:
            raise SinkError(
                f"There is a table {self.entries.name!r} without {', '.join(missing)}.",
                sink=sink,
                hint="Choose another table=, or drop that one.",
            )

    def checkpoint(self, connection: "sa.Connection", ledger: str | None) -> Checkpoint | None:
        """Return how far a ledger has come."""
        if ledger is None:
            return None
        columns = self._checkpoints.c
        position = connection.execute(
            sa.select(columns.position).where(columns.ledger == ledger)
        ).scalar()
        return None if position is None else Checkpoint(str(position))

    def put_checkpoint(
        self, connection: "sa.Connection", ledger: str | None, checkpoint: Checkpoint
    ) -> None:
        """Note how far a ledger has come."""
        if ledger is None:
            return
        columns = self._checkpoints.c
        changed = connection.execute(
            sa.update(self._checkpoints)
            .where(columns.ledger == ledger)
            .values(position=checkpoint.position)
        )
        if not changed.rowcount and self.checkpoint(connection, ledger) is None:
            connection.execute(
                sa.insert(self._checkpoints).values(ledger=ledger, position=checkpoint.position)
            )

    def write(
        self,
        connection: "sa.Connection",
        rows: Rows,
        upserts: Sequence[Upsert],
        retractions: Sequence[Retract],
    ) -> None:
        """Store and take back, each unless a higher revision was heard of."""
        gone = self._revisions_gone(
            connection,
            [each.entry.id for each in upserts] + [each.entry_id for each in retractions],
        )
        news = [
            row
            for row, each in zip(rows, upserts, strict=True)
            if holds(each.revision, gone.get(each.entry.id, 0))
        ]
        revived = [str(row[0]) for row in news if row[0] in gone]
        if revived:
            self._forget_gone(connection, revived)
            news = [at_least(row, gone.get(str(row[0]), 0)) for row in news]
        if news:
            self._dialect.upsert(connection, self.entries, news)
        if retractions:
            self._retract(connection, retractions, gone)

    def _revisions_gone(self, connection: "sa.Connection", ids: Sequence[str]) -> dict[str, int]:
        columns = self._retracted.c
        if connection.execute(sa.select(columns.id).limit(1)).scalar() is None:
            return {}
        rows = connection.execute(
            sa.select(columns.id, columns.revision).where(columns.id.in_(ids))
        )
        return {row.id: int(row.revision) for row in rows}

    def _forget_gone(self, connection: "sa.Connection", ids: Sequence[str]) -> None:
        connection.execute(sa.delete(self._retracted).where(self._retracted.c.id.in_(ids)))

    def _retract(
        self, connection: "sa.Connection", operations: Sequence[Retract], gone: Mapping[str, int]
    ) -> None:
        columns = self.entries.c
        found = connection.execute(
            sa.select(columns.id, columns.revision).where(
                columns.id.in_([each.entry_id for each in operations])
            )
        )
        known = {**gone, **{row.id: int(row.revision) for row in found}}
        held = [each for each in operations if holds(each.revision, known.get(each.entry_id, 0))]
        ids = [each.entry_id for each in held]
        connection.execute(sa.delete(self.entries).where(columns.id.in_(ids)))
        self._forget_gone(connection, ids)
        stones = [
            {
                "id": each.entry_id,
                "revision": max(each.revision, known.get(each.entry_id, 0)),
                "reason": each.reason,
            }
            for each in held
        ]
        if stones:
            connection.execute(sa.insert(self._retracted), stones)


_MARIADB_TABLE: Final[dict[str, Any]] = {
    "mysql_engine": "InnoDB",
    "mysql_charset": "utf8mb4",
    # Compares letter by letter, spaces at the end included: ids are not words.
    "mysql_collate": "utf8mb4_nopad_bin",
    "mariadb_engine": "InnoDB",
    "mariadb_charset": "utf8mb4",
    "mariadb_collate": "utf8mb4_nopad_bin",
}


class _Sqlite:
    """Everything that has no exact type is text."""

    def types(self) -> Mapping[ColumnType, Any]:
        return {
            **dict.fromkeys(ColumnType, sa.Text),
            ColumnType.INTEGER: sa.BigInteger,
            ColumnType.BOOLEAN: sa.Boolean,
        }

    def prepare(self, values: Values) -> Values:
        return values

    def upsert(self, connection: "sa.Connection", table: "sa.Table", rows: Rows) -> None:
        connection.exec_driver_sql(_conflict_sql(table, "?"), list(rows))


class _PostgreSql:
    """Rows come in by COPY, the way of the driver that is fast."""

    def types(self) -> Mapping[ColumnType, Any]:
        return {
            **dict.fromkeys(ColumnType, sa.Text),
            ColumnType.NUMBER: sa.Numeric,
            ColumnType.INTEGER: sa.BigInteger,
            ColumnType.BOOLEAN: sa.Boolean,
            ColumnType.TIME: sa.DateTime(timezone=True),
        }

    def prepare(self, values: Values) -> Values:
        return values

    def upsert(self, connection: "sa.Connection", table: "sa.Table", rows: Rows) -> None:
        incoming = f'"{table.name}_incoming"'
        names = ", ".join(f'"{name}"' for name in _NAMES)
        connection.exec_driver_sql(
            f'CREATE TEMPORARY TABLE {incoming} (LIKE "{table.name}") ON COMMIT DROP'
        )
        driver: Any = connection.connection.driver_connection
        with driver.cursor() as cursor, cursor.copy(f"COPY {incoming} FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        source = f"SELECT {names} FROM {incoming} ORDER BY id"  # noqa: S608 - our own names
        connection.exec_driver_sql(_conflict_sql(table, source=source, larger="greatest"))


class _MariaDb:
    """The driver makes one long statement of many rows."""

    def types(self) -> Mapping[ColumnType, Any]:
        collation = {"charset": "utf8mb4", "collation": "utf8mb4_nopad_bin"}
        text = mysql.LONGTEXT(**collation)
        return {
            **dict.fromkeys(ColumnType, text),
            ColumnType.KEY: mysql.VARCHAR(_ID_CHARS, **collation),
            ColumnType.NUMBER: mysql.DECIMAL(MARIADB_WHOLE + DECIMALS, DECIMALS),
            ColumnType.INTEGER: sa.BigInteger,
            ColumnType.BOOLEAN: sa.Boolean,
            ColumnType.TIME: mysql.DATETIME(fsp=6),
        }

    def prepare(self, values: Values) -> Values:
        require_digits(values, whole=MARIADB_WHOLE, decimals=DECIMALS, sink=SqlSink.name)
        time = str(values[_TIME_AT]).removesuffix("Z")
        return (*values[:_TIME_AT], time, *values[_TIME_AT + 1 :])

    def upsert(self, connection: "sa.Connection", table: "sa.Table", rows: Rows) -> None:
        names = ", ".join(f"`{name}`" for name in _NAMES)
        marks = ", ".join(["%s"] * len(_NAMES))
        # The revision is set last: until then, `revision` is the one that stands there.
        ordered = [name for name in _NAMES[1:] if name != "revision"]
        holds = "VALUES(`revision`) = 0 OR VALUES(`revision`) >= `revision`"
        changes = ", ".join(
            f"`{name}` = IF({holds}, VALUES(`{name}`), `{name}`)" for name in ordered
        )
        changes += ", `revision` = GREATEST(VALUES(`revision`), `revision`)"
        connection.exec_driver_sql(
            f"INSERT INTO `{table.name}` ({names}) VALUES ({marks}) "  # noqa: S608 - our own names
            f"ON DUPLICATE KEY UPDATE {changes}",
            list(rows),
        )


_TIME_AT: Final = _NAMES.index("time")


def _conflict_sql(
    table: "sa.Table", mark: str = "", *, source: str = "", larger: str = "max"
) -> str:
    """Return a statement that inserts, or updates what has no higher revision."""
    names = ", ".join(f'"{name}"' for name in _NAMES)
    marks = ", ".join([mark] * len(_NAMES))
    there = f'"{table.name}".revision'
    changes = ", ".join(
        f'"{name}" = excluded."{name}"' for name in _NAMES[1:] if name != "revision"
    )
    rows = source or f"VALUES ({marks})"
    return (
        f'INSERT INTO "{table.name}" ({names}) {rows} ON CONFLICT (id) DO UPDATE SET {changes}, '
        f"revision = {larger}(excluded.revision, {there}) "
        f"WHERE excluded.revision = 0 OR excluded.revision >= {there}"
    )
