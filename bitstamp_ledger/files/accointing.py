"""Accointing: the import template, and the export.

Facts: docs/facts/files.md, "Accointing".
"""

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
    NO_EXCHANGE_NOTE,
    ZERO_FEE_NOTE,
    Field,
    SentReceived,
    reader,
)
from bitstamp_ledger.files._statement import ZoneBasis

_LABELS: Final = labels(
    {
        TRADE: "order, trade",
        DEPOSIT: "deposit",
        WITHDRAWAL: "withdraw, withdrawal",
    }
)
_CLASSES: Final = labels(
    {
        REWARD: "staked, bounty, income, interest, interest_income, reward, staking, cashback, "
        "rewards, referral",
        DEPOSIT: "airdrop, hard_fork, hard fork, mined, gift_received, internal deposit",
        MAYBE_FEE: "fee",
    }
)

TEMPLATE: Final = StatementFormat(
    name="accointing",
    title="Accointing template",
    shapes=(
        Shape(
            required=(
                *("transactionType", "date", "inBuyAmount", "inBuyAsset"),
                *("outSellAmount", "outSellAsset", "feeAmount (optional)", "feeAsset (optional)"),
            ),
            optional=frozenset(
                {"classification (optional)", "operationId (optional)", "comments (optional)"}
            ),
        ),
    ),
    precision=attrs.evolve(AS_MADE, exchange_ids=True),
    zone=ZoneBasis.DOCUMENTED,
    notes=(AS_MADE_NOTE, ZERO_FEE_NOTE, NO_EXCHANGE_NOTE),
    read=reader(
        SentReceived(
            columns=MappingProxyType(
                {
                    Field.TIME: ("date",),
                    Field.RECEIVED: ("inBuyAmount",),
                    Field.RECEIVED_CODE: ("inBuyAsset",),
                    Field.SENT: ("outSellAmount",),
                    Field.SENT_CODE: ("outSellAsset",),
                    Field.FEE: ("feeAmount (optional)",),
                    Field.FEE_CODE: ("feeAsset (optional)",),
                    Field.LABEL: ("transactionType",),
                    Field.TAG: ("classification (optional)",),
                    Field.ID: ("operationId (optional)",),
                }
            ),
            labels=_LABELS,
            tags=_CLASSES,
            date_order=DateOrder.MONTH_FIRST,
        )
    ),
)

EXPORT: Final = StatementFormat(
    name="accointing-export",
    title="Accointing export",
    shapes=(
        Shape(
            required=(
                *("timeExecuted", "type", "boughtQuantity", "boughtCurrency", "soldQuantity"),
                *("soldCurrency", "feeQuantity", "feeCurrency"),
            ),
            others=True,  # Which further columns there are has changed over the years.
        ),
    ),
    precision=AS_MADE,
    zone=ZoneBasis.DOCUMENTED,
    notes=(AS_MADE_NOTE, ZERO_FEE_NOTE),
    read=named_reader(
        NamedLayout(
            columns=NamedColumns(
                time=("timeExecuted",),
                label="type",
                tag="classification",
                received=Place(amount="boughtQuantity", currency="boughtCurrency"),
                sent=Place(amount="soldQuantity", currency="soldCurrency"),
                fee=Place(amount="feeQuantity", currency="feeCurrency"),
                exchange=("walletName", "walletProvider"),
            ),
            kinds=_LABELS,
            tags=_CLASSES,
            date_order=DateOrder.MONTH_FIRST,
        )
    ),
)
