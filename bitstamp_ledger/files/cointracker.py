"""CoinTracker's import layout.

Facts: docs/facts/files.md, "CoinTracker".
"""

from types import MappingProxyType
from typing import Final

from bitstamp_ledger.files._clock import DateOrder
from bitstamp_ledger.files._entries import DEPOSIT, REWARD, TRADE, UNLABELLED, WITHDRAWAL, labels
from bitstamp_ledger.files._format import Shape, StatementFormat
from bitstamp_ledger.files._sent_received import (
    AS_MADE,
    AS_MADE_NOTE,
    NO_EXCHANGE_NOTE,
    ZERO_FEE_NOTE,
    Field,
    SentReceived,
    reader,
)
from bitstamp_ledger.files._statement import ZoneBasis
from bitstamp_ledger.model import FeePlace, Withdrawal

LAYOUT: Final = SentReceived(
    columns=MappingProxyType(
        {
            Field.TIME: ("Date",),
            Field.RECEIVED: ("Received Quantity",),
            Field.RECEIVED_CODE: ("Received Currency",),
            Field.SENT: ("Sent Quantity",),
            Field.SENT_CODE: ("Sent Currency",),
            Field.FEE: ("Fee Amount",),
            Field.FEE_CODE: ("Fee Currency",),
            Field.LABEL: ("Tag",),
        }
    ),
    labels=MappingProxyType(
        {
            "": UNLABELLED,
            **labels(
                {
                    TRADE: "trade",
                    DEPOSIT: "airdrop, fork, mined, mining, deposit, receive",
                    WITHDRAWAL: "gift, lost, donation, payment, withdrawal, send",
                    REWARD: "staked, staking reward, reward, interest payment, other income",
                }
            ),
        }
    ),
    date_order=DateOrder.MONTH_FIRST,
    fee_places=MappingProxyType({Withdrawal: FeePlace.FOLDED}),
)

FORMAT: Final = StatementFormat(
    name="cointracker",
    title="CoinTracker import layout",
    shapes=(
        Shape(
            required=(
                "Date",
                *("Received Quantity", "Received Currency", "Sent Quantity", "Sent Currency"),
            ),
            optional=frozenset({"Fee Amount", "Fee Currency", "Tag"}),
        ),
    ),
    precision=AS_MADE,
    zone=ZoneBasis.DOCUMENTED,
    notes=(
        AS_MADE_NOTE,
        ZERO_FEE_NOTE,
        "Amounts have eight decimals at most.",
        NO_EXCHANGE_NOTE,
    ),
    read=reader(LAYOUT),
)
