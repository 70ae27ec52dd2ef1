"""The tables of the sink `sql`, and what differs between databases."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

import sqlalchemy as sa
from sqlalchemy import exc as sa_exc
from sqlalchemy.dialects import mysql

from bitstamp_ledger.errors import SinkError
from bitstamp_ledger.sinks._contract import Checkpoint, Retract, Upsert
from bitstamp_ledger.sinks._table import (
    COLUMNS,
    NAMES,
    ColumnType,
    Values,
    news_of,
    require_digits,
    stones_of,
)

MARIADB_WHOLE, DECIMALS = 47, 18
"""Digits before and after the point of a DECIMAL(65,18)."""

_ID_CHARS: Final = 512
_TIME_AT: Final = NAMES.index("time")

Rows = Sequence[Values]


class Dialect(Protocol):
    """What differs between databases."""

    def types(self) -> Mapping[ColumnType, Any]:
        """The type of each kind of column."""

    def prepare(self, values: Values) -> Values:
        """Make a row of the values that the driver takes."""

    def upsert(self, connection: sa.Connection, table: sa.Table, rows: Rows) -> None:
        """Store rows, unless a row of a higher revision stands there."""


_MARIADB_TABLE: Final[dict[str, Any]] = {
    "mysql_engine": "InnoDB",
    "mysql_charset": "utf8mb4",
    # Compares letter by letter, spaces at the end included: ids are not words.
    "mysql_collate": "utf8mb4_nopad_bin",
    "mariadb_engine": "InnoDB",
    "mariadb_charset": "utf8mb4",
    "mariadb_collate": "utf8mb4_nopad_bin",
}


class Tables:
    """The three tables of a sink, and what is done with them inside a transaction."""

    def __init__(self, name: str, dialect: Dialect) -> None:
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

    def make(self, engine: sa.Engine, sink: str) -> None:
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
        if missing := [column for column in NAMES if column not in found]:
            raise SinkError(
                f"There is a table {self.entries.name!r} without {', '.join(missing)}.",
                sink=sink,
                hint="Choose another table=, or drop that one.",
            )

    def checkpoint(self, connection: sa.Connection, ledger: str | None) -> Checkpoint | None:
        """Return how far a ledger has come."""
        if ledger is None:
            return None
        columns = self._checkpoints.c
        position = connection.execute(
            sa.select(columns.position).where(columns.ledger == ledger)
        ).scalar()
        return None if position is None else Checkpoint(str(position))

    def put_checkpoint(
        self, connection: sa.Connection, ledger: str, checkpoint: Checkpoint
    ) -> None:
        """Note how far a ledger has come."""
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
        connection: sa.Connection,
        rows: Rows,
        upserts: Sequence[Upsert],
        retractions: Sequence[Retract],
    ) -> None:
        """Store and take back, each unless a higher revision was heard of."""
        gone = self._revisions_gone(
            connection,
            [each.entry.id for each in upserts] + [each.entry_id for each in retractions],
        )
        news = news_of(rows, upserts, gone)
        revived = [str(row[0]) for row in news if row[0] in gone]
        if revived:
            self._forget_gone(connection, revived)
        if news:
            self._dialect.upsert(connection, self.entries, news)
        if retractions:
            self._retract(connection, retractions, gone)

    def _revisions_gone(self, connection: sa.Connection, ids: Sequence[str]) -> dict[str, int]:
        columns = self._retracted.c
        if connection.execute(sa.select(columns.id).limit(1)).scalar() is None:
            return {}
        rows = connection.execute(
            sa.select(columns.id, columns.revision).where(columns.id.in_(ids))
        )
        return {row.id: int(row.revision) for row in rows}

    def _forget_gone(self, connection: sa.Connection, ids: Sequence[str]) -> None:
        connection.execute(sa.delete(self._retracted).where(self._retracted.c.id.in_(ids)))

    def _retract(
        self, connection: sa.Connection, operations: Sequence[Retract], gone: Mapping[str, int]
    ) -> None:
        columns = self.entries.c
        found = connection.execute(
            sa.select(columns.id, columns.revision).where(
                columns.id.in_([each.entry_id for each in operations])
            )
        )
        known = {**gone, **{row.id: int(row.revision) for row in found}}
        stones = stones_of(operations, known)
        ids = [entry_id for entry_id, _, _ in stones]
        connection.execute(sa.delete(self.entries).where(columns.id.in_(ids)))
        self._forget_gone(connection, ids)
        if stones:
            connection.execute(
                sa.insert(self._retracted),
                [dict(zip(("id", "revision", "reason"), each, strict=True)) for each in stones],
            )


class Sqlite:
    """Everything that has no exact type is text."""

    def types(self) -> Mapping[ColumnType, Any]:
        return {
            **dict.fromkeys(ColumnType, sa.Text),
            ColumnType.INTEGER: sa.BigInteger,
            ColumnType.BOOLEAN: sa.Boolean,
        }

    def prepare(self, values: Values) -> Values:
        return values

    def upsert(self, connection: sa.Connection, table: sa.Table, rows: Rows) -> None:
        connection.exec_driver_sql(_conflict_sql(table, "?"), list(rows))


class PostgreSql:
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

    def upsert(self, connection: sa.Connection, table: sa.Table, rows: Rows) -> None:
        incoming = f'"{table.name}_incoming"'
        names = ", ".join(f'"{name}"' for name in NAMES)
        connection.exec_driver_sql(
            f'CREATE TEMPORARY TABLE {incoming} (LIKE "{table.name}") ON COMMIT DROP'
        )
        driver: Any = connection.connection.driver_connection
        with driver.cursor() as cursor, cursor.copy(f"COPY {incoming} FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        source = f"SELECT {names} FROM {incoming} ORDER BY id"  # noqa: S608 - our own names
        connection.exec_driver_sql(_conflict_sql(table, source=source, larger="greatest"))


class MariaDb:
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
        require_digits(values, whole=MARIADB_WHOLE, decimals=DECIMALS, sink="sql")
        time = str(values[_TIME_AT]).removesuffix("Z")
        return (*values[:_TIME_AT], time, *values[_TIME_AT + 1 :])

    def upsert(self, connection: sa.Connection, table: sa.Table, rows: Rows) -> None:
        names = ", ".join(f"`{name}`" for name in NAMES)
        marks = ", ".join(["%s"] * len(NAMES))
        # The revision is set last: until then, `revision` is the one that stands there.
        ordered = [name for name in NAMES[1:] if name != "revision"]
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


def _conflict_sql(table: sa.Table, mark: str = "", *, source: str = "", larger: str = "max") -> str:
    """Return a statement that inserts, or updates what has no higher revision."""
    names = ", ".join(f'"{name}"' for name in NAMES)
    marks = ", ".join([mark] * len(NAMES))
    there = f'"{table.name}".revision'
    changes = ", ".join(f'"{name}" = excluded."{name}"' for name in NAMES[1:] if name != "revision")
    rows = source or f"VALUES ({marks})"
    return (
        f'INSERT INTO "{table.name}" ({names}) {rows} ON CONFLICT (id) DO UPDATE SET {changes}, '
        f"revision = {larger}(excluded.revision, {there}) "
        f"WHERE excluded.revision = 0 OR excluded.revision >= {there}"
    )
