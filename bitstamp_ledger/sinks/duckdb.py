"""DuckDB: a table in a file for analysis, numbers exact.

Numbers are DECIMAL(38,18), which every sum and average understands; one with more digits is refused
(``legs`` and ``raw``, which are JSON, hold any).  Times are TIMESTAMP in UTC.  Rows and checkpoint
are one transaction.  One program at a time may have a file open to write.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import ClassVar, Final

from bitstamp_ledger.errors import MissingExtraError, SinkError
from bitstamp_ledger.sinks._contract import Checkpoint, Retract, Upsert
from bitstamp_ledger.sinks._table import (
    COLUMNS,
    ColumnType,
    Values,
    news_of,
    require_digits,
    stones_of,
)
from bitstamp_ledger.sinks._table_sink import TableSink

try:
    import duckdb
except ModuleNotFoundError as missing:
    if missing.name != "duckdb":
        raise
    raise MissingExtraError("A sink in DuckDB", extra="duckdb") from None

WHOLE, DECIMALS = 20, 18
"""Digits before and after the point of a DECIMAL(38,18)."""

_TYPES: Final = {
    **dict.fromkeys(ColumnType, "VARCHAR"),
    ColumnType.NUMBER: f"DECIMAL({WHOLE + DECIMALS},{DECIMALS})",
    ColumnType.INTEGER: "BIGINT",
    ColumnType.BOOLEAN: "BOOLEAN",
    ColumnType.TIME: "TIMESTAMP",
}
_LISTS: Final = {ColumnType.INTEGER: "BIGINT", ColumnType.BOOLEAN: "BOOLEAN"}


class DuckDbSink(TableSink["duckdb.DuckDBPyConnection"]):
    """Keeps a table of a DuckDB file up to date.

    Args:
        path: the file; made if there is none.
        table: the table's name; made if there is none.
    """

    name: ClassVar[str] = "duckdb"
    _failures = (duckdb.Error,)

    def __init__(self, path: str | os.PathLike[str], table: str = "entries") -> None:
        super().__init__(table)
        self._path = os.fspath(path)
        self.target = f"{os.path.abspath(self._path)} {table}"  # noqa: PTH100 - a link stays one
        self._connection: duckdb.DuckDBPyConnection | None = None

    @property
    def _place(self) -> str:
        return self._path

    def _connect(self, ledger: str | None) -> Checkpoint | None:
        connection = self._connection = duckdb.connect(self._path)
        self._make_tables(connection)
        found = connection.execute(
            f'SELECT position FROM "{self._table}_checkpoints" WHERE ledger = ?',  # noqa: S608 - our own names
            [ledger or ""],
        ).fetchone()
        return None if found is None else Checkpoint(str(found[0]))

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def _prepared(self, values: Values) -> Values:
        require_digits(values, whole=WHOLE, decimals=DECIMALS, sink=self.name)
        return values

    @contextmanager
    def _transaction(self) -> Iterator["duckdb.DuckDBPyConnection"]:
        connection = self._connection
        if connection is None:
            raise SinkError("The table is not open.", sink=self.name, hint="Open it first.")
        connection.begin()
        try:
            yield connection
        except BaseException:
            connection.rollback()
            raise
        connection.commit()

    def _make_tables(self, connection: "duckdb.DuckDBPyConnection") -> None:
        columns = ", ".join(
            f'"{column.name}" {_TYPES[column.type]}'
            + (" PRIMARY KEY" if column.type is ColumnType.KEY else "")
            + (" NOT NULL" if column.required else "")
            for column in COLUMNS
        )
        connection.execute(f'CREATE TABLE IF NOT EXISTS "{self._table}" ({columns})')
        connection.execute(
            f'CREATE TABLE IF NOT EXISTS "{self._table}_retracted" '
            "(id VARCHAR PRIMARY KEY, revision BIGINT NOT NULL, reason VARCHAR NOT NULL)"
        )
        connection.execute(
            f'CREATE TABLE IF NOT EXISTS "{self._table}_checkpoints" '
            "(ledger VARCHAR PRIMARY KEY, position VARCHAR NOT NULL)"
        )

    def _store(
        self,
        connection: "duckdb.DuckDBPyConnection",
        rows: Sequence[Values],
        upserts: Sequence[Upsert],
        retractions: Sequence[Retract],
    ) -> None:
        ids = [each.entry.id for each in upserts] + [each.entry_id for each in retractions]
        gone = self._revisions(connection, f"{self._table}_retracted", ids)
        known = {**gone, **self._revisions(connection, self._table, ids)}
        news = news_of(rows, upserts, known)
        stones = stones_of(retractions, known)
        touched = [str(row[0]) for row in news] + [entry_id for entry_id, _, _ in stones]
        replaced = [each for each in touched if each in known]
        if replaced:
            for table in (self._table, f"{self._table}_retracted"):
                connection.execute(
                    f'DELETE FROM "{table}" WHERE id IN (SELECT unnest(?::VARCHAR[]))',  # noqa: S608 - our own names
                    [replaced],
                )
        if news:
            connection.execute(self._insertion, [list(each) for each in zip(*news, strict=True)])
        if stones:
            connection.execute(
                f'INSERT INTO "{self._table}_retracted" '
                "SELECT unnest(?::VARCHAR[]), unnest(?::BIGINT[]), unnest(?::VARCHAR[])",
                [list(each) for each in zip(*stones, strict=True)],
            )

    def _note(
        self, connection: "duckdb.DuckDBPyConnection", ledger: str, checkpoint: Checkpoint
    ) -> None:
        connection.execute(
            f'INSERT OR REPLACE INTO "{self._table}_checkpoints" VALUES (?, ?)',  # noqa: S608 - our own names
            [ledger, checkpoint.position],
        )

    @property
    def _insertion(self) -> str:
        # Whole columns as lists: a call for each row would take a hundred times as long.
        values = ", ".join(
            f"unnest(?::{_LISTS.get(column.type, 'VARCHAR')}[])::{_TYPES[column.type]}"
            for column in COLUMNS
        )
        return f'INSERT INTO "{self._table}" SELECT {values}'

    def _revisions(
        self, connection: "duckdb.DuckDBPyConnection", table: str, ids: Sequence[str]
    ) -> dict[str, int]:
        rows = connection.execute(
            f'SELECT id, revision FROM "{table}" '  # noqa: S608 - our own names
            "WHERE id IN (SELECT unnest(?::VARCHAR[]))",
            [list(ids)],
        )
        return {str(entry_id): int(revision) for entry_id, revision in rows.fetchall()}

    def _error(self, exc: Exception) -> SinkError:
        said = str(exc).strip().partition("\n")[0]
        return SinkError(
            f"The file {self._path} could not be used: {said}.",
            sink=self.name,
            hint="What was written before is kept.",
            retryable="lock" in said,
        )
