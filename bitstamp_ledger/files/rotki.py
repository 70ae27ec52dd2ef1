"""rotki's generic import layouts: trades, and everything else.  Times are epoch milliseconds.

Facts: docs/facts/files.md, "rotki".
"""

import datetime as dt
from types import MappingProxyType
from typing import Final

import attrs

from bitstamp_ledger.files._clock import read_epoch
from bitstamp_ledger.files._currencies import is_bitstamp
from bitstamp_ledger.files._entries import (
    DEPOSIT,
    MAYBE_FEE,
    REWARD,
    TRADE,
    WITHDRAWAL,
    EntryBuilder,
    Legs,
    labels,
)
from bitstamp_ledger.files._format import Reading, Shape, StatementFormat
from bitstamp_ledger.files._moments import MomentReader
from bitstamp_ledger.files._sent_received import (
    AS_MADE,
    AS_MADE_NOTE,
    ZERO_FEE_NOTE,
    Field,
    SentReceived,
    reader,
)
from bitstamp_ledger.files._statement import ZoneBasis
from bitstamp_ledger.files._table import Table
from bitstamp_ledger.model import Entry

_PRECISION: Final = attrs.evolve(AS_MADE, time_step=dt.timedelta(milliseconds=1))

LAYOUT: Final = SentReceived(
    columns=MappingProxyType(
        {
            Field.EXCHANGE: ("Location",),
            Field.SENT: ("Spend Amount",),
            Field.SENT_CODE: ("Spend Currency",),
            Field.RECEIVED: ("Receive Amount",),
            Field.RECEIVED_CODE: ("Receive Currency",),
            Field.FEE: ("Fee",),
            Field.FEE_CODE: ("Fee Currency",),
            Field.TIME: ("Timestamp",),
        }
    ),
    labels=MappingProxyType({"": TRADE}),
    read_clock=read_epoch,
)

TRADES: Final = StatementFormat(
    name="rotki",
    title="rotki generic trades",
    shapes=(
        Shape(
            required=(
                *("Location", "Timestamp"),
                *("Spend Currency", "Receive Currency", "Receive Amount", "Spend Amount"),
            ),
            optional=frozenset({"Fee", "Fee Currency", "Description"}),
        ),
    ),
    precision=_PRECISION,
    zone=ZoneBasis.STATED,
    notes=(AS_MADE_NOTE, ZERO_FEE_NOTE),
    read=reader(LAYOUT),
)

EVENT_COLUMNS: Final = ("Type", "Location", "Currency", "Amount", "Timestamp")
_EVENTS: Final = labels(
    {
        DEPOSIT: "deposit, airdrop",
        WITHDRAWAL: "withdrawal, spend, loss, lost, donate, donation, gift",
        REWARD: "income, staking, staking reward, reward, interest, cashback",
        MAYBE_FEE: "fee",
    }
)


def _read_events(table: Table, reading: Reading) -> None:
    columns = table.columns
    type_, place, currency, amount, when = (columns.index(name) for name in EVENT_COLUMNS)
    fee, fee_code = (
        columns.index(name) if name in columns else None for name in ("Fee", "Fee Currency")
    )
    builder = EntryBuilder(reading, columns)
    builder.weigh_numbers(cells[amount] for cells in table.rows)
    moments = MomentReader(
        reading,
        [cells[when] for cells in table.rows],
        [cells[when] for cells in table.rows if is_bitstamp(cells[place])],
        column="Timestamp",
        read=read_epoch,
    )

    def read_row(row: int, cells: list[str]) -> Entry:
        if not table.is_header(cells):
            builder.require_bitstamp(cells[place])
        moment = moments.read(cells[when])
        code = " ".join(cells[type_].split())
        kinds = _EVENTS.get(code.casefold())
        moved = builder.amount(cells[amount], cells[currency], "Amount", "Currency")
        cost = builder.amount(
            "" if fee is None else cells[fee],
            "" if fee_code is None else cells[fee_code],
            "Fee",
            "Fee Currency",
        )
        out = kinds is not None and kinds.sent is not None
        legs = Legs(sent=moved, fee=cost) if out else Legs(received=moved, fee=cost)
        return builder.entry(row, cells, moment, legs, kinds, code=code)

    reading.each_row(table, read_row)


EVENTS: Final = StatementFormat(
    name="rotki-events",
    title="rotki generic events",
    shapes=(
        Shape(
            required=EVENT_COLUMNS,
            optional=frozenset({"Fee", "Fee Currency", "Description"}),
        ),
    ),
    precision=attrs.evolve(_PRECISION, orientation_open=False),
    zone=ZoneBasis.STATED,
    notes=("It cannot hold trades.", ZERO_FEE_NOTE),
    read=_read_events,
)
