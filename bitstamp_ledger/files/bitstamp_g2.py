"""Bitstamp's export "RFC 4180": seconds, ids, one column for each number and currency.

Facts: docs/facts/files.md, "G2 columns".
"""

import datetime as dt
from collections.abc import Iterable
from operator import itemgetter
from typing import Final

import attrs

from bitstamp_ledger.files._bitstamp import ORDER_ID, ExportReader
from bitstamp_ledger.files._format import Reading, RowReader, Shape, StatementFormat
from bitstamp_ledger.files._statement import ZoneBasis
from bitstamp_ledger.files._table import Table
from bitstamp_ledger.files._times import read_iso, read_iso_second
from bitstamp_ledger.model import UTC, Entry, Precision

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


def _rows(columns: tuple[str, ...], rows: Iterable[list[str]], reading: Reading) -> RowReader:
    places = [columns.index(name) for name in COLUMNS]
    in_order = places == list(range(len(columns)))
    pick = itemgetter(*places)

    def read_time(text: str) -> tuple[dt.datetime, str, Precision]:
        exact = read_iso_second(text)
        return (exact, text, PRECISION) if exact is not None else _variant(text, reading)

    export = ExportReader(reading, columns=columns, names=COLUMNS, read_time=read_time)
    width = len(columns)
    export.distrust_zeroed_ids(cells[places[ORDER_ID]] for cells in rows if len(cells) == width)

    def read_row(row: int, cells: list[str]) -> Entry:
        return export.read(row, cells, cells if in_order else pick(cells))

    return read_row


def _read(table: Table, reading: Reading) -> None:
    reading.each_row(table, _rows(table.columns, table.rows, reading))


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
