"""DuckDB: a table in a file for analysis, numbers exact.

Numbers are DECIMAL(38,18), which every sum and average understands; one with more digits is refused
(``legs`` and ``raw``, which are JSON, hold any).  Times are TIMESTAMP in UTC.  Rows and checkpoint
are one transaction.  One program at a time may have a file open to write.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, Final

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
from bitstamp_ledger.sinks._table import (
    COLUMNS,
    IDENTIFIER,
    ColumnType,
    Values,
    at_least,
    folded,
    holds,
    require_digits,
    values_of,
)

try:
    import duckdb
except ModuleNotFoundError as missing:
    if missing.name != "duckdb":
        raise
    raise MissingExtraError("A sink in DuckDB", extra="duckdb") from None

WHOLE, DECIMALS = 20, 18
"""Digits before and after the point of a DECIMAL(38,18)."""

_SCHEMA: Final = 1
_TYPES: Final = {
    **dict.fromkeys(ColumnType, "VARCHAR"),
    ColumnType.NUMBER: f"DECIMAL({WHOLE + DECIMALS},{DECIMALS})",
    ColumnType.INTEGER: "BIGINT",
    ColumnType.BOOLEAN: "BOOLEAN",
    ColumnType.TIME: "TIMESTAMP",
}
_NAMES: Final = tuple(column.name for column in COLUMNS)


class DuckDbSink:
    """Keeps a table of a DuckDB file up to date.

    Args:
        path: the file; made if there is none.
        table: the table's name; made if there is none.
    """

    name: ClassVar[str] = "duckdb"
    capabilities = Capabilities(upsert=True, retract=True, stores_checkpoint=True, decimals="exact")

    def __init__(self, path: str | os.PathLike[str], table: str = "entries") -> None:
        if not IDENTIFIER.fullmatch(table):
            raise SinkError(
                f"{table!r} is no name of a table.",
                sink=self.name,
                hint="Use letters, digits and underscores, a letter first, at most 41 of them.",
            )
        self._path = os.fspath(path)
        self._table = table
        self.target = f"{os.path.abspath(self._path)} {table}"  # noqa: PTH100 - a link stays one
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._run: RunInfo | None = None

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.target!r})"

    def open(self, run: RunInfo) -> Checkpoint | None:
        """Make the tables unless they are there; return how far this ledger has come."""
        run.require_schema(_SCHEMA)
        if self._connection is not None:
            raise SinkError("The table is open already.", sink=self.name, hint="Close it first.")
        with self._translated():
            self._connection = duckdb.connect(self._path)
        self._run = run
        try:
            with self._translated():
                self._make_tables(self._connection)
                found = self._connection.execute(
                    f'SELECT position FROM "{self._table}_checkpoints" WHERE ledger = ?',  # noqa: S608 - our own names
                    [run.ledger or ""],
                ).fetchone()
        except BaseException:
            self._disconnect()
            raise
        return None if found is None else Checkpoint(str(found[0]))

    def write(self, batch: Batch) -> Receipt:
        """Store a batch and its checkpoint, in one transaction."""
        connection = self._connection
        if connection is None or self._run is None:
            raise SinkError("The table is not open.", sink=self.name, hint="Open it first.")
        upserts, retractions = folded(batch)
        rows = [values_of(each.entry, each.revision) for each in upserts]
        for row in rows:
            require_digits(row, whole=WHOLE, decimals=DECIMALS, sink=self.name)
        with self._translated(), _transaction(connection):
            self._write(connection, rows, upserts, retractions)
            if batch.checkpoint is not None and self._run.ledger is not None:
                connection.execute(
                    f'INSERT OR REPLACE INTO "{self._table}_checkpoints" VALUES (?, ?)',  # noqa: S608 - our own names
                    [self._run.ledger, batch.checkpoint.position],
                )
        return Receipt(
            batch_id=batch.id, rows=len(batch.entries), durable=True, places=(self._path,)
        )

    def close(self, outcome: Outcome) -> None:
        """Close the file; what was written is durable already."""
        del outcome
        self._disconnect()

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = self._run = None

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

    def _write(
        self,
        connection: "duckdb.DuckDBPyConnection",
        rows: Sequence[Values],
        upserts: Sequence[Upsert],
        retractions: Sequence[Retract],
    ) -> None:
        ids = [each.entry.id for each in upserts] + [each.entry_id for each in retractions]
        gone = self._revisions(connection, f"{self._table}_retracted", ids)
        known = {**gone, **self._revisions(connection, self._table, ids)}
        news = [
            at_least(row, known.get(each.entry.id, 0))
            for row, each in zip(rows, upserts, strict=True)
            if holds(each.revision, known.get(each.entry.id, 0))
        ]
        held = [each for each in retractions if holds(each.revision, known.get(each.entry_id, 0))]
        touched = [str(row[0]) for row in news] + [each.entry_id for each in held]
        replaced = [each for each in touched if each in known]
        if replaced:
            for table in (self._table, f"{self._table}_retracted"):
                connection.execute(
                    f'DELETE FROM "{table}" WHERE id IN (SELECT unnest(?::VARCHAR[]))',  # noqa: S608 - our own names
                    [replaced],
                )
        if news:
            connection.execute(self._insertion, [list(each) for each in zip(*news, strict=True)])
        if held:
            connection.execute(
                f'INSERT INTO "{self._table}_retracted" '
                "SELECT unnest(?::VARCHAR[]), unnest(?::BIGINT[]), unnest(?::VARCHAR[])",
                [
                    [each.entry_id for each in held],
                    [max(each.revision, known.get(each.entry_id, 0)) for each in held],
                    [each.reason for each in held],
                ],
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

    @contextmanager
    def _translated(self) -> Iterator[None]:
        error: SinkError | None = None
        try:
            yield
        except duckdb.Error as exc:
            said = str(exc).strip().partition("\n")[0]
            error = SinkError(
                f"The file {self._path} could not be used: {said}.",
                sink=self.name,
                hint="What was written before is kept.",
                retryable="lock" in said,
            )
        if error is not None:
            raise error from None


_LISTS: Final = {ColumnType.INTEGER: "BIGINT", ColumnType.BOOLEAN: "BOOLEAN"}


@contextmanager
def _transaction(connection: Any) -> Iterator[None]:  # noqa: ANN401 - the driver's own
    connection.begin()
    try:
        yield
    except BaseException:
        connection.rollback()
        raise
    connection.commit()
