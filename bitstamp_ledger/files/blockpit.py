"""Blockpit: the import template, and the export with its minutes and semicolons.

Facts: docs/facts/files.md, "Blockpit".
"""

import datetime as dt
from types import MappingProxyType
from typing import Final

import attrs

from bitstamp_ledger.files._clock import DateOrder
from bitstamp_ledger.files._entries import DEPOSIT, MAYBE_FEE, REWARD, TRADE, WITHDRAWAL, labels
from bitstamp_ledger.files._format import Shape, StatementFormat
from bitstamp_ledger.files._named_columns import (
    NamedColumns,
    NamedLayout,
    Place,
    named_reader,
)
from bitstamp_ledger.files._sent_received import (
    AS_MADE,
    AS_MADE_NOTE,
    ZERO_FEE_NOTE,
    Field,
    SentReceived,
    reader,
)
from bitstamp_ledger.files._statement import ZoneBasis

_LABELS: Final = labels(
    {
        TRADE: "trade",
        DEPOSIT: "deposit, non-taxable in, airdrop, hardfork, hard fork, gift received, mining",
        WITHDRAWAL: "withdrawal, non-taxable out, gift, gift sent, donation, payment, lost",
        REWARD: "staking, income, lending, interest, cashback, bounty, bounties, reward, "
        "other income, masternode",
        MAYBE_FEE: "fee",
    }
)

LAYOUT: Final = SentReceived(
    columns=MappingProxyType(
        {
            Field.TIME: ("Date (UTC)",),
            Field.EXCHANGE: ("Integration Name",),
            Field.LABEL: ("Label",),
            Field.SENT: ("Outgoing Amount",),
            Field.SENT_CODE: ("Outgoing Asset",),
            Field.RECEIVED: ("Incoming Amount",),
            Field.RECEIVED_CODE: ("Incoming Asset",),
            Field.FEE: ("Fee Amount (optional)",),
            Field.FEE_CODE: ("Fee Asset (optional)",),
            Field.ID: ("Trx. ID (optional)",),
        }
    ),
    labels=_LABELS,
    date_order=DateOrder.DAY_FIRST,
)

IMPORT: Final = StatementFormat(
    name="blockpit-import",
    title="Blockpit template",
    shapes=(
        Shape(
            required=(
                *("Date (UTC)", "Integration Name", "Label", "Outgoing Asset"),
                *("Outgoing Amount", "Incoming Asset", "Incoming Amount"),
            ),
            optional=frozenset(
                {
                    "Fee Asset (optional)",
                    "Fee Amount (optional)",
                    "Comment (optional)",
                    "Trx. ID (optional)",
                }
            ),
        ),
    ),
    precision=attrs.evolve(AS_MADE, exchange_ids=True),
    zone=ZoneBasis.DOCUMENTED,
    notes=(AS_MADE_NOTE, ZERO_FEE_NOTE),
    read=reader(LAYOUT),
)

EXPORT: Final = StatementFormat(
    name="blockpit-export",
    title="Blockpit export",
    shapes=(
        Shape(
            required=(
                *("Blockpit ID", "Timestamp", "Source Type", "Source Name", "Integration"),
                *("Transaction Type", "Outgoing Asset", "Outgoing Amount", "Incoming Asset"),
                *("Incoming Amount", "Fee Asset", "Fee Amount"),
            ),
            optional=frozenset({"Transaction ID", "Note", "Merge ID"}),
        ),
    ),
    precision=attrs.evolve(AS_MADE, time_step=dt.timedelta(minutes=1), exchange_ids=True),
    zone=ZoneBasis.ASSUMED,
    notes=(AS_MADE_NOTE, ZERO_FEE_NOTE, "In which zone its times are is not documented."),
    read=named_reader(
        NamedLayout(
            columns=NamedColumns(
                time=("Timestamp",),
                label="Transaction Type",
                sent=Place(amount="Outgoing Amount", currency="Outgoing Asset"),
                received=Place(amount="Incoming Amount", currency="Incoming Asset"),
                fee=Place(amount="Fee Amount", currency="Fee Asset"),
                exchange=("Source Name", "Integration"),
                id="Transaction ID",
            ),
            kinds=_LABELS,
            date_order=DateOrder.DAY_FIRST,
        )
    ),
)
