"""Bitstamp's export "RFC 4180": seconds, ids, one column for each number and currency.

Facts: docs/facts/files.md, "G2 columns".
"""

import datetime as dt
from collections.abc import Iterable
from operator import itemgetter
from typing import Final

import attrs

from bitstamp_ledger.files._bitstamp import ExportReader
from bitstamp_ledger.files._export_cells import ORDER_ID
from bitstamp_ledger.files._format import Reading, RowReader, Shape, StatementFormat
from bitstamp_ledger.files._statement import ZoneBasis
from bitstamp_ledger.files._table import Table
from bitstamp_ledger.files._times import ISO_LENGTH, ISO_SIGNS, read_iso
from bitstamp_ledger.model import UTC, Precision

# In the order of the fields that `ExportReader` takes.
COLUMNS: Final = (
    "ID",
    "Account",
    "Type",
    "Subtype",
    "Datetime",
    "Amount",
    "Amount currency",
    "Value",
    "Value currency",
    "Rate",
    "Rate currency",
    "Fee",
    "Fee currency",
    "Order ID",
)

PRECISION: Final = Precision(time_step=dt.timedelta(seconds=1), exchange_ids=True)

# For rows whose seconds a spreadsheet has dropped.
_MINUTE: Final = attrs.evolve(PRECISION, time_step=dt.timedelta(minutes=1))

SECONDS_MISSING: Final = "seconds dropped from a time"
ZONE_MISSING: Final = "zone missing from a time"


_NUMBERS: Final = ("Amount", "Value", "Rate", "Fee")


def _rows(columns: tuple[str, ...], rows: Iterable[list[str]], reading: Reading) -> RowReader:
    places = [columns.index(name) for name in COLUMNS]
    pick = itemgetter(*places)
    numbers = itemgetter(*(columns.index(name) for name in _NUMBERS))
    width = len(columns)

    def read_time(text: str) -> tuple[dt.datetime, str, Precision]:
        if len(text) == ISO_LENGTH and text[4::3] == ISO_SIGNS:
            return dt.datetime.fromisoformat(text), text, PRECISION
        return _variant(text, reading)

    export = ExportReader(
        reading,
        names=COLUMNS,
        read_time=read_time,
        iso_precision=PRECISION,
        columns=columns,
        numbers=lambda: (text for cells in rows if len(cells) == width for text in numbers(cells)),
        order_ids=(cells[places[ORDER_ID]] for cells in rows if len(cells) == width),
    )

    if columns == COLUMNS:
        return export.read
    return lambda row, cells: export.read(row, cells, pick(cells))


def _read(table: Table, reading: Reading) -> None:
    reading.each_piece(table, _rows)


def _variant(text: str, reading: Reading) -> tuple[dt.datetime, str, Precision]:
    time, has_seconds = read_iso(text)
    if not has_seconds:
        reading.repaired(SECONDS_MISSING)
    if time.tzinfo is None:
        reading.repaired(ZONE_MISSING)
        instant = reading.instant(time)
        # UTC unless the caller knows better, and then the same row keeps its identity.
        printed = time.replace(tzinfo=UTC)
    else:
        instant = printed = time.astimezone(UTC)
    precision = PRECISION if has_seconds else _MINUTE
    return instant, f"{printed.isoformat().removesuffix('+00:00')}Z", precision


FORMAT: Final = StatementFormat(
    name="bitstamp-g2",
    title='Bitstamp transactions, "RFC 4180"',
    shapes=(Shape(required=COLUMNS),),
    precision=PRECISION,
    zone=ZoneBasis.STATED,
    notes=(
        "An empty fee is either no fee or a fee that is not known.",
        "The order of each trade is named, except for the trades of the first years.",
    ),
    read=_read,
    rows=_rows,
)
