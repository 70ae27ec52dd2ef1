"""An entry as one row of a table, for sinks that have types.

The names are those of `document_of`, flat.  Numbers are their digits as text: whoever has an exact
type for them reads it, and nobody goes through a float.  ``legs``, ``source_precision`` and ``raw``
are JSON; ``amount`` and ``currency`` are the signed leg of entries that have exactly one.
"""

import enum
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final, TypeAlias

import attrs
import msgspec

from bitstamp_ledger.errors import SinkError
from bitstamp_ledger.model import Amount, Conversion, Entry, Trade, Transfer, UnknownEntry
from bitstamp_ledger.sinks._contract import Batch, Operation, Retract, Upsert
from bitstamp_ledger.sinks._row import decimal_text, document_of, path_text, raw_json, time_text


class ColumnType(enum.Enum):
    """What a column holds."""

    KEY = "key"
    """Text by which rows are found."""

    TEXT = "text"
    NUMBER = "number"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    TIME = "time"
    JSON = "json"


@attrs.frozen
class Column:
    """One column; all but the first four may be empty."""

    name: str
    type: ColumnType
    required: bool = False


_TEXT, _NUMBER, _INTEGER = ColumnType.TEXT, ColumnType.NUMBER, ColumnType.INTEGER

COLUMNS: Final = (
    Column("id", ColumnType.KEY, required=True),
    Column("revision", _INTEGER, required=True),
    Column("kind", _TEXT, required=True),
    Column("time", ColumnType.TIME, required=True),
    Column("account", _TEXT, required=True),
    Column("side", _TEXT),
    Column("base_amount", _NUMBER),
    Column("base_currency", _TEXT),
    Column("quote_amount", _NUMBER),
    Column("quote_currency", _TEXT),
    Column("amount", _NUMBER),
    Column("currency", _TEXT),
    Column("fee_amount", _NUMBER),
    Column("fee_currency", _TEXT),
    Column("price", _NUMBER),
    Column("legs", ColumnType.JSON),
    Column("order_id", _INTEGER),
    Column("transaction_id", _INTEGER),
    Column("self_trade", ColumnType.BOOLEAN),
    Column("counterparty", _TEXT),
    Column("code", _TEXT),
    Column("reason", _TEXT),
    Column("source_endpoint", _TEXT),
    Column("source_path", _TEXT),
    Column("source_row", _INTEGER),
    Column("source_precision", ColumnType.JSON),
    Column("raw", ColumnType.JSON),
)

NUMBERS: Final = tuple(at for at, column in enumerate(COLUMNS) if column.type is ColumnType.NUMBER)
"""Where the numbers stand in a row."""

NAMES: Final = tuple(column.name for column in COLUMNS)

_REVISION_AT: Final = NAMES.index("revision")

IDENTIFIER: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,40}")
"""What a table may be called: whatever every database takes, with room for a suffix."""

Value: TypeAlias = str | int | bool | None
Values: TypeAlias = tuple[Value, ...]


def values_of(entry: Entry, revision: int) -> Values:
    """Return the row of an entry.

    Raises:
        ValueError: a number would take more than a thousand digits.
    """
    trade = entry if isinstance(entry, Trade) else None
    legs, fee, source = entry.legs, entry.fee, entry.source
    price = entry.price if isinstance(entry, Trade | Conversion) else None
    base = quote = None
    if trade is not None:
        base, quote = legs[0], legs[1]
    only = legs[0] if len(legs) == 1 else None
    return (
        entry.id,
        revision,
        entry.kind,
        time_text(entry.time),
        entry.account,
        None if trade is None else trade.side.value,
        None if base is None else _unsigned(base.value),
        None if base is None else base.currency,
        None if quote is None else _unsigned(quote.value),
        None if quote is None else quote.currency,
        None if only is None else decimal_text(only.value),
        None if only is None else only.currency,
        None if fee is None else decimal_text(fee.value),
        None if fee is None else fee.currency,
        None if price is None else decimal_text(price),
        _legs(legs),
        None if trade is None else trade.order_id,
        entry.transaction_id,
        None if trade is None else trade.self_trade,
        entry.counterparty if isinstance(entry, Transfer) else None,
        entry.code,
        entry.reason if isinstance(entry, UnknownEntry) else None,
        source.endpoint,
        None if source.path is None else path_text(source.path),
        source.row,
        None if source.precision is None else _precision(entry),
        raw_json(source.raw).decode(),
    )


def _unsigned(value: Decimal) -> str:
    return decimal_text(value.copy_abs())


def _legs(legs: tuple[Amount, ...]) -> str:
    stated = [{"currency": leg.currency, "value": decimal_text(leg.value)} for leg in legs]
    return msgspec.json.encode(stated).decode()


def _precision(entry: Entry) -> str:
    source = document_of(entry)["source"]
    return msgspec.json.encode(source["precision"] if isinstance(source, dict) else None).decode()


def folded(batch: Batch) -> tuple[list[Upsert], list[Retract]]:
    """Return the last word of a batch on each id, in the order of ids.

    In one order, so that two who write at once do not wait for each other in a ring.
    """
    last: dict[str, Operation] = {}
    for operation in batch.operations:
        entry_id = operation.entry.id if isinstance(operation, Upsert) else operation.entry_id
        known = last.get(entry_id)
        if known is None or operation.revision >= known.revision:
            last[entry_id] = operation
    ordered = [last[entry_id] for entry_id in sorted(last)]
    return (
        [each for each in ordered if isinstance(each, Upsert)],
        [each for each in ordered if isinstance(each, Retract)],
    )


def holds(revision: int, known: int) -> bool:
    """Say whether a word holds against an earlier one; one that states no revision does."""
    return not revision or revision >= known


def news_of(
    rows: Sequence[Values], upserts: Sequence[Upsert], known: Mapping[str, int]
) -> list[Values]:
    """Return the rows that hold against what is known.

    Args:
        rows: a row for each of ``upserts``.
        upserts: what they say.
        known: by id, the revision of the latest word.
    """
    return [
        at_least(row, known.get(each.entry.id, 0))
        for row, each in zip(rows, upserts, strict=True)
        if holds(each.revision, known.get(each.entry.id, 0))
    ]


def stones_of(
    retractions: Sequence[Retract], known: Mapping[str, int]
) -> list[tuple[str, int, str]]:
    """Return id, revision and reason of what is to be taken back, as ``<table>_retracted`` has it.

    Args:
        retractions: what is said.
        known: by id, the revision of the latest word.
    """
    return [
        (each.entry_id, max(each.revision, known.get(each.entry_id, 0)), each.reason)
        for each in retractions
        if holds(each.revision, known.get(each.entry_id, 0))
    ]


def at_least(row: Values, revision: int) -> Values:
    """Return a row whose revision is no lower than that of what it takes the place of."""
    stated = row[_REVISION_AT]
    if isinstance(stated, int) and stated < revision:
        return (*row[:_REVISION_AT], revision, *row[_REVISION_AT + 1 :])
    return row


def require_digits(values: Values, *, whole: int, decimals: int, sink: str) -> None:
    """Refuse a row with a number that a database would round, or not take.

    Args:
        values: the row.
        whole: how many digits may stand before the point.
        decimals: how many after it.
        sink: the sink's name.

    Raises:
        SinkError: a number has more.
    """
    for at in NUMBERS:
        text = values[at]
        if not isinstance(text, str):
            continue
        before, _, after = text.lstrip("-").partition(".")
        if len(before) > whole or len(after.rstrip("0")) > decimals:
            raise SinkError(
                f"Entry {values[0]!r} states {text} as {COLUMNS[at].name}, which has more digits "
                f"than this database keeps: {whole} before the point, {decimals} after it.",
                sink=sink,
                hint="Leave that entry out by a step, or use SQLite or PostgreSQL.",
            )
