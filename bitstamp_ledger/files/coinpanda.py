"""Coinpanda's template.

Facts: docs/facts/files.md, "Coinpanda and Divly".
"""

from types import MappingProxyType
from typing import Final

from bitstamp_ledger.files._entries import (
    DEPOSIT,
    MAYBE_FEE,
    MOVEMENT,
    REWARD,
    TRADE,
    UNLABELLED,
    WITHDRAWAL,
    labels,
)
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

TYPES: Final = MappingProxyType(
    {
        "": UNLABELLED,
        **labels(
            {
                TRADE: "trade, buy, sell, exchange",
                DEPOSIT: "receive, deposit",
                WITHDRAWAL: "send, withdrawal, withdraw",
                MOVEMENT: "transfer",
            }
        ),
    }
)
TAGS: Final = labels(
    {
        REWARD: "reward, staking, staking reward, income, other income, interest, "
        "lending interest, cashback, referral, bounty",
        DEPOSIT: "airdrop, fork, hard fork, mining, salary, gift received",
        WITHDRAWAL: "gift, gift sent, lost, stolen, donation, payment",
        MAYBE_FEE: "cost, fee, expense",
    }
)

FORMAT: Final = StatementFormat(
    name="coinpanda",
    title="Coinpanda template",
    shapes=(
        Shape(
            required=(
                *("Timestamp (UTC)", "Type", "Sent Amount", "Sent Currency"),
                *("Received Amount", "Received Currency", "Fee Amount", "Fee Currency"),
            ),
            optional=frozenset(
                {"Net Worth Amount", "Net Worth Currency", "Label", "Description", "TxHash"}
            ),
        ),
    ),
    precision=AS_MADE,
    zone=ZoneBasis.DOCUMENTED,
    notes=(AS_MADE_NOTE, ZERO_FEE_NOTE, NO_EXCHANGE_NOTE),
    read=reader(
        SentReceived(
            columns=MappingProxyType(
                {
                    Field.TIME: ("Timestamp (UTC)",),
                    Field.LABEL: ("Type",),
                    Field.TAG: ("Label",),
                    Field.SENT: ("Sent Amount",),
                    Field.SENT_CODE: ("Sent Currency",),
                    Field.RECEIVED: ("Received Amount",),
                    Field.RECEIVED_CODE: ("Received Currency",),
                    Field.FEE: ("Fee Amount",),
                    Field.FEE_CODE: ("Fee Currency",),
                }
            ),
            labels=TYPES,
            tags=TAGS,
        )
    ),
)
