"""Layouts that state what was sent and what was received, and no more.

A format in such a layout is nearly all data:

    FORMAT = StatementFormat(..., read=reader(SentReceived(columns={...}, labels={...})))

One whose rows need more than that builds its entries with `EntryBuilder` itself.
"""

import datetime as dt
import enum
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

import attrs

from bitstamp_ledger.files._clock import (
    ClockReader,
    DateOrder,
    read_clock,
)
from bitstamp_ledger.files._currencies import (
    is_bitstamp,
)
from bitstamp_ledger.files._entries import EntryBuilder, Kinds, Legs
from bitstamp_ledger.files._format import Reading
from bitstamp_ledger.files._moments import MomentReader
from bitstamp_ledger.files._numbers import (
    ABSENT,
)
from bitstamp_ledger.files._table import Table
from bitstamp_ledger.model import (
    Amount,
    Entry,
    FeePlace,
    Precision,
    Rounding,
)

AS_MADE: Final = Precision(
    time_step=dt.timedelta(seconds=1),
    base=Rounding.UNIT,
    quote=Rounding.UNIT,
    account_stated=False,
    orientation_open=True,
)
"""What a tool's file can be trusted with: its numbers may be rounded, cut or recomputed."""

ZERO_FEE_NOTE: Final = (
    "An empty fee, or one of 0, is either no fee or a fee that the tool did not know."
)
NO_EXCHANGE_NOTE: Final = (
    "No column names the exchange, so rows of other exchanges cannot be told apart."
)
AS_MADE_NOTE: Final = (
    "A row may be one execution or a whole order, as whoever made the file had it."
)


class Field(enum.Enum):
    """What a column of a sent-and-received layout holds."""

    TIME = "time"
    ZONE = "zone"
    LABEL = "label"
    TAG = "tag"
    SENT = "sent"
    SENT_CODE = "sent currency"
    RECEIVED = "received"
    RECEIVED_CODE = "received currency"
    FEE = "fee"
    FEE_CODE = "fee currency"
    EXCHANGE = "exchange"
    ID = "id"
    ORDER_ID = "order id"

    # That of Enum is written in Python, and a row asks for some twenty fields.
    __hash__ = object.__hash__


@attrs.frozen(kw_only=True)
class SentReceived:
    """What a layout's columns are and how its rows are to be read."""

    columns: Mapping[Field, tuple[str, ...]]
    """For each field, the names that its column has had; the first that a header has is read."""

    labels: Mapping[str, Kinds]
    """By the label, case folded.  The empty label too, where it can be empty."""

    tags: Mapping[str, Kinds] = MappingProxyType({})
    """By the text of a second column, which goes before the label where it is known."""

    beside: Mapping[Field, Field] = MappingProxyType({})
    """Fields whose column has no name of its own: it stands to the right of another's."""

    joined: bool = False
    """Whether number and currency are in one cell, as in ``2.5 BTC``."""

    read_clock: ClockReader = read_clock
    date_order: DateOrder | None = None
    """The order of day and month that the format is known to print."""

    fee_places: Mapping[type[Entry], FeePlace] = MappingProxyType({})
    """Where the fee is in entries of some kinds, unlike in trades."""


def reader(layout: SentReceived) -> Callable[[Table, Reading], None]:
    """Return the ``read`` of a format whose rows are in ``layout``."""

    def read(table: Table, reading: Reading) -> None:
        places = places_of(layout, table.columns)
        builder = EntryBuilder(reading, table.columns, layout.fee_places)

        def cell(cells: Sequence[str], field: Field) -> str:
            at = places.get(field)
            return cells[at] if at is not None and at < len(cells) else ""

        def name(field: Field) -> str:
            at = places.get(field)
            return field.value if at is None else table.columns[at]

        exchange = Field.EXCHANGE in places
        moments = MomentReader(
            reading,
            [cell(cells, Field.TIME) for cells in table.rows],
            [
                cell(cells, Field.TIME)
                for cells in table.rows
                if not exchange or _may_be_ours(cell(cells, Field.EXCHANGE))
            ],
            column=name(Field.TIME),
            read=layout.read_clock,
            date_order=layout.date_order,
        )
        builder.distrust_zeroed_ids(cell(cells, Field.ORDER_ID) for cells in table.rows)

        builder.weigh_numbers(
            split_amount(cell(cells, field))[0] if layout.joined else cell(cells, field)
            for field in (Field.SENT, Field.RECEIVED, Field.FEE)
            for cells in table.rows
        )

        def amount(cells: Sequence[str], value: Field, code: Field) -> Amount | None:
            if layout.joined:
                number, currency = split_amount(cell(cells, value))
                return builder.amount(number, currency, name(value), name(value))
            return builder.amount(cell(cells, value), cell(cells, code), name(value), name(code))

        def read_row(row: int, cells: list[str]) -> Entry:
            if exchange and not table.is_header(cells):
                builder.require_bitstamp(cell(cells, Field.EXCHANGE))
            moment = moments.read(
                cell(cells, Field.TIME), cell(cells, Field.ZONE), name(Field.ZONE)
            )
            label = " ".join(cell(cells, Field.LABEL).split())
            tag = " ".join(cell(cells, Field.TAG).split())
            return builder.entry(
                row,
                cells,
                moment,
                Legs(
                    sent=amount(cells, Field.SENT, Field.SENT_CODE),
                    received=amount(cells, Field.RECEIVED, Field.RECEIVED_CODE),
                    fee=amount(cells, Field.FEE, Field.FEE_CODE),
                ),
                layout.tags.get(tag.casefold()) or layout.labels.get(label.casefold()),
                code=label or tag,
                transaction_id=builder.identifier(cell(cells, Field.ID)),
                order_id=builder.identifier(cell(cells, Field.ORDER_ID)),
            )

        reading.each_row(table, read_row)

    return read


def places_of(layout: SentReceived, header: Sequence[str]) -> dict[Field, int]:
    """Return where each field stands, for the fields that the header has."""
    places = {}
    for field, names in layout.columns.items():
        found = next((name for name in names if name in header), None)
        if found is not None:
            places[field] = header.index(found)
    for field, neighbour in layout.beside.items():
        if neighbour in places:
            places[field] = places[neighbour] + 1
    return places


def split_amount(cell: str) -> tuple[str, str]:
    """Split ``NUMBER CODE``; the number itself may hold blanks."""
    number, _, code = " ".join(cell.split()).rpartition(" ")
    return (number, code) if number else (code, "")


def _may_be_ours(name: str) -> bool:
    return name.strip() in ABSENT or is_bitstamp(name)
