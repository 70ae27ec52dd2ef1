"""BittyTax's transaction records.  The zone of each time is written in its cell.

Facts: docs/facts/files.md, "BittyTax".
"""

import datetime as dt
from types import MappingProxyType
from typing import Final

import attrs

from bitstamp_ledger.files._entries import DEPOSIT, REWARD, STAKING, TRADE, WITHDRAWAL, labels
from bitstamp_ledger.files._format import Shape, StatementFormat
from bitstamp_ledger.files._sent_received import (
    AS_MADE,
    AS_MADE_NOTE,
    ZERO_FEE_NOTE,
    Field,
    SentReceived,
    reader,
)
from bitstamp_ledger.files._statement import ZoneBasis

LAYOUT: Final = SentReceived(
    columns=MappingProxyType(
        {
            Field.LABEL: ("Type",),
            Field.RECEIVED: ("Buy Quantity",),
            Field.RECEIVED_CODE: ("Buy Asset",),
            Field.SENT: ("Sell Quantity",),
            Field.SENT_CODE: ("Sell Asset",),
            Field.FEE: ("Fee Quantity",),
            Field.FEE_CODE: ("Fee Asset",),
            Field.EXCHANGE: ("Wallet",),
            Field.TIME: ("Timestamp",),
            Field.ID: ("Note",),
        }
    ),
    labels=labels(
        {
            TRADE: "trade, swap",
            DEPOSIT: "deposit, airdrop, fork, mining, gift-received",
            WITHDRAWAL: "withdrawal, spend, gift-sent, gift-spouse, charity-sent, lost",
            REWARD: "staking, staking-reward, interest, dividend, income, referral, cashback",
            STAKING: "stake, unstake",
        }
    ),
)

FORMAT: Final = StatementFormat(
    name="bittytax",
    title="BittyTax transaction records",
    shapes=(
        Shape(
            required=(
                *("Type", "Timestamp"),
                *("Buy Quantity", "Buy Asset", "Sell Quantity", "Sell Asset"),
            ),
            optional=frozenset({"Fee Quantity", "Fee Asset", "Wallet", "Note"}),
            patterns=(r"(?:Buy|Sell|Fee) Value(?: in [A-Z]{3})?",),
        ),
    ),
    precision=attrs.evolve(AS_MADE, time_step=dt.timedelta(microseconds=1), exchange_ids=True),
    zone=ZoneBasis.STATED,
    notes=(AS_MADE_NOTE, ZERO_FEE_NOTE),
    read=reader(LAYOUT),
)
