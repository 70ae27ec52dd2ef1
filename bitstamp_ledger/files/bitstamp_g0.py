"""Bitstamp's exports until about 2013: bitcoin and dollars only, signed, types by number.

Facts: docs/facts/files.md, "G0".
"""

import datetime as dt
from decimal import Decimal
from types import MappingProxyType
from typing import Final

import attrs

from bitstamp_ledger.files._entries import DEPOSIT, TRADE, WITHDRAWAL, EntryBuilder, Kinds, Legs
from bitstamp_ledger.files._format import Reading, Shape, StatementFormat
from bitstamp_ledger.files._moments import MomentReader
from bitstamp_ledger.files._statement import ZoneBasis
from bitstamp_ledger.files._table import Table
from bitstamp_ledger.model import Amount, Entry, Precision, Rounding

COLUMNS: Final = ("Type", "Datetime", "BTC", "USD", "BTC Price", "FEE")
SIDE_COLUMN: Final = "Sub Type"

PRECISION: Final = Precision(
    time_step=dt.timedelta(seconds=1),
    base=Rounding.EXACT,
    quote=Rounding.NEAREST,
    account_stated=False,
    zone_open=True,
)

_KINDS: Final = MappingProxyType({"0": DEPOSIT, "1": WITHDRAWAL, "2": TRADE})


def _read(table: Table, reading: Reading) -> None:
    places = [table.columns.index(name) for name in COLUMNS]
    builder = EntryBuilder(reading, table.columns)
    builder.zero_fee_stated = True
    builder.weigh_numbers(cells[at] for cells in table.rows for at in places[2:])
    times = [cells[places[1]] for cells in table.rows]
    moments = MomentReader(reading, times, times, column="Datetime")

    def amount(text: str, code: str) -> Amount:
        value = builder.signed(text, code)
        return Amount(Decimal(0) if value is None else value, code)

    def read_row(row: int, cells: list[str]) -> Entry:
        type_, time, btc, usd, price, fee = (cells[at] for at in places)
        moment = moments.read(time)
        code = type_.strip()
        amounts = [amount(btc, "BTC"), amount(usd, "USD")]
        fee_value = builder.number(fee, "FEE")
        legs, plausible = _legs([amount for amount in amounts if amount.value])
        return builder.entry(
            row,
            cells,
            moment,
            attrs.evolve(legs, fee=None if fee_value is None else Amount(fee_value, "USD")),
            _KINDS.get(code) if plausible else Kinds(reason="Both amounts have one sign."),
            code=code,
            base="BTC",
            price=builder.number(price, "BTC Price") if code == "2" else None,
        )

    reading.each_row(table, read_row)


def _legs(amounts: list[Amount]) -> tuple[Legs, bool]:
    """Return what came in and what went out, and whether each is one amount at most."""
    sent = [abs(amount) for amount in amounts if amount.value < 0]
    received = [amount for amount in amounts if amount.value > 0]
    legs = Legs(
        sent=sent[0] if sent else None,
        received=received[0] if received else None,
    )
    return legs, len(sent) <= 1 and len(received) <= 1


def _format(name: str, title: str, shape: Shape) -> StatementFormat:
    return StatementFormat(
        name=name,
        title=title,
        shapes=(shape,),
        precision=PRECISION,
        zone=ZoneBasis.ASSUMED,
        notes=("No order is named.", "Bitcoin and dollars are the only currencies."),
        read=_read,
    )


G0A: Final = _format("bitstamp-g0a", "Bitstamp transactions, before 2013", Shape(required=COLUMNS))
G0B: Final = _format(
    "bitstamp-g0b", "Bitstamp transactions of 2013", Shape(required=(*COLUMNS, SIDE_COLUMN))
)
