"""dlt: entries as a resource for a pipeline, and a sink that runs one.

Rows are merged by ``id``; amounts are decimals with 38 digits, 18 of them after the point, and one
that has more is refused.  What is taken back is deleted by dlt's hint ``hard_delete``.

dlt sends usage data to its makers unless told not to: set ``RUNTIME__DLTHUB_TELEMETRY=false``, or
``dlthub_telemetry = false`` under ``[runtime]`` of its ``config.toml``.  This module sends nothing.
"""

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any, ClassVar, Final

from bitstamp_ledger.errors import MissingExtraError, SinkError
from bitstamp_ledger.model import Entry
from bitstamp_ledger.sinks._contract import (
    Batch,
    Capabilities,
    Checkpoint,
    Outcome,
    Receipt,
    RunInfo,
)
from bitstamp_ledger.sinks._table import COLUMNS, ColumnType, folded, require_digits, values_of

try:
    import dlt
except ModuleNotFoundError as missing:
    if missing.name != "dlt":
        raise
    raise MissingExtraError("A pipeline of dlt", extra="dlt") from None

WHOLE, DECIMALS = 20, 18
"""Digits before and after the point of a DECIMAL(38,18)."""

DELETED: Final = "deleted"
"""The column by which dlt knows what to delete; it is never true in the destination."""

_TYPES: Final[Mapping[ColumnType, dict[str, object]]] = {
    **{each: {"data_type": "text"} for each in ColumnType},
    ColumnType.NUMBER: {
        "data_type": "decimal",
        "precision": WHOLE + DECIMALS,
        "scale": DECIMALS,
    },
    ColumnType.INTEGER: {"data_type": "bigint"},
    ColumnType.BOOLEAN: {"data_type": "bool"},
    ColumnType.TIME: {"data_type": "timestamp", "precision": 6},
}

HINTS: Final[Mapping[str, Mapping[str, object]]] = {
    **{column.name: {**_TYPES[column.type], "nullable": not column.required} for column in COLUMNS},
    # A row that is taken back has an id and a revision only.
    **{
        column.name: {**_TYPES[column.type], "nullable": True}
        for column in COLUMNS
        if column.required and column.type is not ColumnType.KEY
    },
    DELETED: {"data_type": "bool", "hard_delete": True, "nullable": True},
}
"""What dlt is told of each column."""


def entries_resource(entries: Iterable[Entry], *, name: str = "entries") -> Any:  # noqa: ANN401 - dlt.sources.DltResource, which not everybody has
    """Return entries as a resource for ``pipeline.run``; they are read as the pipeline runs.

    Args:
        entries: such as ``ledger.entries()``.
        name: of the resource, and so of its table.
    """
    return _resource((_row(entry, 0) for entry in entries), name)


class DltSink:
    """Runs a pipeline for each batch; for a ledger that follows.

    Revisions are stored, and order the words within one load.  Across loads the last one holds,
    which is what following sends: leave the table to one writer.

    Args:
        pipeline: from ``dlt.pipeline(...)``.
        table: the table's name.
    """

    name: ClassVar[str] = "dlt"
    capabilities = Capabilities(upsert=True, retract=True, decimals="exact")

    def __init__(self, pipeline: "dlt.Pipeline", table: str = "entries") -> None:
        self._pipeline = pipeline
        self._table = table
        self.target = f"{pipeline.pipeline_name} {pipeline.dataset_name} {table}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.target!r})"

    def open(self, run: RunInfo) -> Checkpoint | None:
        """Do nothing: a pipeline makes its tables when it runs."""
        run.require_schema(1)
        return None

    def write(self, batch: Batch) -> Receipt:
        """Run the pipeline; it returns once the destination has committed."""
        upserts, retractions = folded(batch)
        rows = [_row(each.entry, each.revision) for each in upserts]
        rows += [
            {"id": each.entry_id, "revision": each.revision, DELETED: True} for each in retractions
        ]
        if rows:
            self._pipeline.run(_resource(iter(rows), self._table)).raise_on_failed_jobs()
        return Receipt(
            batch_id=batch.id, rows=len(batch.entries), durable=True, places=(self.target,)
        )

    def close(self, outcome: Outcome) -> None:
        """Do nothing: every batch was a load of its own."""


def _resource(rows: Iterator[dict[str, object]], name: str) -> Any:  # noqa: ANN401 - as above
    make: Any = dlt.resource  # Its types want a dictionary of a class of its own for hints.
    return make(
        rows,
        name=name,
        primary_key="id",
        write_disposition="merge",
        columns={column: dict(hints) for column, hints in HINTS.items()},
    )


def _row(entry: Entry, revision: int) -> dict[str, object]:
    values = values_of(entry, revision)
    try:
        require_digits(values, whole=WHOLE, decimals=DECIMALS, sink=DltSink.name)
    except SinkError as exc:
        exc.hint = "Leave that entry out by a step."
        raise
    row: dict[str, object] = {}
    for column, value in zip(COLUMNS, values, strict=True):
        if column.type is ColumnType.NUMBER and isinstance(value, str):
            row[column.name] = Decimal(value)
        elif column.type is ColumnType.TIME:
            row[column.name] = dt.datetime.fromisoformat(str(value))
        else:
            row[column.name] = value
    return row
