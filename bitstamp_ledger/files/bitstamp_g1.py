"""Bitstamp's export "Old format": minutes, no ids, number and currency in one cell.

Facts: docs/facts/files.md, "G1 columns and times".
"""

import datetime as dt
from collections.abc import Iterable
from operator import itemgetter
from typing import Final

from bitstamp_ledger.files._bitstamp import TRANSFER_ARROW, ExportReader
from bitstamp_ledger.files._format import Reading, RowReader, Shape, StatementFormat
from bitstamp_ledger.files._statement import ZoneBasis
from bitstamp_ledger.files._table import Table
from bitstamp_ledger.files._times import read_printed_minute
from bitstamp_ledger.model import Entry, Precision

COLUMNS: Final = ("Type", "Datetime", "Account", "Amount", "Value", "Rate", "Fee", "Sub Type")

PRECISION: Final = Precision(time_step=dt.timedelta(minutes=1))

# The column of each field that `ExportReader` takes.
_NAMES: Final = (
    "",
    "Account",
    "Type",
    "Sub Type",
    "Datetime",
    *("Amount", "Amount"),
    *("Value", "Value"),
    *("Rate", "Rate"),
    *("Fee", "Fee"),
    "",
)


def _rows(columns: tuple[str, ...], rows: Iterable[list[str]], reading: Reading) -> RowReader:
    pick = itemgetter(*(columns.index(name) for name in COLUMNS))
    known: dict[str, tuple[dt.datetime, str, Precision]] = {}

    def read_time(text: str) -> tuple[dt.datetime, str, Precision]:
        found = known.get(text)
        if found is None:
            printed = read_printed_minute(text)
            found = known[text] = reading.instant(printed), printed.isoformat(), PRECISION
        return found

    export = ExportReader(
        reading,
        names=_NAMES,
        read_time=read_time,
        columns=columns,
        numbers=lambda: (
            _split(cell)[0]
            for cells in rows
            if len(cells) == len(columns)
            for cell in pick(cells)[3:7]
        ),
    )

    def read_row(row: int, cells: list[str]) -> Entry:
        type_, time, account, amount, value, rate, fee, side = pick(cells)
        texts = (
            *("", account, type_, side, time),
            *_split(amount),
            *_split(value),
            *_split(rate),
            *_split(fee),
            "",
        )
        return export.read(row, cells, texts)

    return read_row


def _read(table: Table, reading: Reading) -> None:
    reading.each_piece(table, _rows)


def _split(cell: str) -> tuple[str, str]:
    """Split ``NUMBER CODE``; the number itself may hold blanks."""
    if not cell:
        return "", ""
    parts = cell.rsplit(None, 1)
    if len(parts) != 2 or TRANSFER_ARROW in cell:  # noqa: PLR2004 - number and code
        return cell, ""
    return parts[0], parts[1]


FORMAT: Final = StatementFormat(
    name="bitstamp-g1",
    title='Bitstamp transactions, "Old format"',
    shapes=(Shape(required=COLUMNS),),
    precision=PRECISION,
    zone=ZoneBasis.DOCUMENTED,
    notes=(
        "An empty fee is either no fee or a fee that is not known.",
        "No order is named.",
    ),
    read=_read,
    rows=_rows,
)
