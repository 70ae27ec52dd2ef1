"""Files of further tools; all are known from their headers only.

Facts: docs/facts/files.md, "Further tools".
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
    Way,
    named_reader,
)
from bitstamp_ledger.files._sent_received import (
    AS_MADE,
    AS_MADE_NOTE,
    NO_EXCHANGE_NOTE,
    ZERO_FEE_NOTE,
)
from bitstamp_ledger.files._statement import ZoneBasis

_KINDS: Final = labels(
    {
        TRADE: "trade, buy, sell, swap",
        DEPOSIT: "deposit, receive, transfer in, airdrop, gift received, mining, fork",
        WITHDRAWAL: "withdrawal, withdraw, send, transfer out, gift, gift sent, spend, expense, "
        "lost, stolen, donation, donation_sent, payment",
        REWARD: "income, staking, staking_reward, staking reward, interest, reward, "
        "interest_received, misc_reward",
        MAYBE_FEE: "fee, misc_fee",
    }
)

TAXBIT: Final = StatementFormat(
    name="taxbit",
    title="TaxBit (consumer) template",
    shapes=(
        Shape(
            required=(
                *("Date and Time", "Transaction Type", "Sent Quantity", "Sent Currency"),
                *("Sending Source", "Received Quantity", "Received Currency"),
                *("Receiving Destination", "Fee", "Fee Currency"),
            ),
            optional=frozenset({"Exchange Transaction ID", "Blockchain Transaction Hash"}),
        ),
    ),
    precision=attrs.evolve(AS_MADE, exchange_ids=True),
    zone=ZoneBasis.ASSUMED,
    notes=(AS_MADE_NOTE, ZERO_FEE_NOTE),
    read=named_reader(
        NamedLayout(
            columns=NamedColumns(
                time=("Date and Time",),
                label="Transaction Type",
                sent=Place(amount="Sent Quantity", currency="Sent Currency"),
                received=Place(amount="Received Quantity", currency="Received Currency"),
                fee=Place(amount="Fee", currency="Fee Currency"),
                exchange=("Sending Source", "Receiving Destination"),
                id="Exchange Transaction ID",
            ),
            kinds=_KINDS,
        )
    ),
)

ZENLEDGER: Final = StatementFormat(
    name="zenledger",
    title="ZenLedger template",
    shapes=(
        Shape(
            required=(
                *("Timestamp", "Type", "IN Amount", "IN Currency", "Out Amount", "Out Currency"),
                *("Fee Amount", "Fee Currency", "Exchange(optional)"),
            ),
            optional=frozenset({"US Based"}),
        ),
    ),
    precision=AS_MADE,
    zone=ZoneBasis.ASSUMED,
    notes=(AS_MADE_NOTE, ZERO_FEE_NOTE),
    read=named_reader(
        NamedLayout(
            columns=NamedColumns(
                time=("Timestamp",),
                label="Type",
                received=Place(amount="IN Amount", currency="IN Currency"),
                sent=Place(amount="Out Amount", currency="Out Currency"),
                fee=Place(amount="Fee Amount", currency="Fee Currency"),
                exchange=("Exchange(optional)",),
            ),
            kinds=_KINDS,
            date_order=DateOrder.MONTH_FIRST,
        )
    ),
)

TOKENTAX: Final = StatementFormat(
    name="tokentax",
    title="TokenTax template",
    shapes=(
        Shape(
            required=(
                *("Type", "BuyAmount", "BuyCurrency", "SellAmount", "SellCurrency", "FeeAmount"),
                *("FeeCurrency", "Exchange", "Group", "Comment", "Date"),
            ),
        ),
    ),
    precision=AS_MADE,
    zone=ZoneBasis.ASSUMED,
    notes=(AS_MADE_NOTE, ZERO_FEE_NOTE),
    read=named_reader(
        NamedLayout(
            columns=NamedColumns(
                time=("Date",),
                label="Type",
                received=Place(amount="BuyAmount", currency="BuyCurrency"),
                sent=Place(amount="SellAmount", currency="SellCurrency"),
                fee=Place(amount="FeeAmount", currency="FeeCurrency"),
                exchange=("Exchange",),
            ),
            kinds=_KINDS,
            date_order=DateOrder.MONTH_FIRST,
        )
    ),
)

RECAP: Final = StatementFormat(
    name="recap",
    title="Recap template",
    shapes=(
        Shape(
            required=(
                *("Type", "Date", "InOrBuyAmount", "InOrBuyCurrency"),
                *("OutOrSellAmount", "OutOrSellCurrency", "FeeAmount", "FeeCurrency"),
            ),
        ),
    ),
    precision=AS_MADE,
    zone=ZoneBasis.ASSUMED,
    notes=(AS_MADE_NOTE, ZERO_FEE_NOTE, NO_EXCHANGE_NOTE),
    read=named_reader(
        NamedLayout(
            columns=NamedColumns(
                time=("Date",),
                label="Type",
                received=Place(amount="InOrBuyAmount", currency="InOrBuyCurrency"),
                sent=Place(amount="OutOrSellAmount", currency="OutOrSellCurrency"),
                fee=Place(amount="FeeAmount", currency="FeeCurrency"),
            ),
            kinds=_KINDS,
        )
    ),
)

BITCOIN_TAX: Final = StatementFormat(
    name="bitcoin-tax",
    title="bitcoin.tax trades",
    shapes=(
        Shape(
            required=("Date", "Action", "Symbol", "Volume", "Currency", "Fee", "FeeCurrency"),
            optional=frozenset({"Source", "Account", "Price", "Total", "Memo"}),
        ),
    ),
    precision=attrs.evolve(AS_MADE, orientation_open=False),
    zone=ZoneBasis.ASSUMED,
    notes=(AS_MADE_NOTE, ZERO_FEE_NOTE, "Without a total, it is computed from price and volume."),
    read=named_reader(
        NamedLayout(
            columns=NamedColumns(
                time=("Date",),
                label="Action",
                base=Place(amount="Volume", currency="Symbol"),
                quote=Place(amount="Total", currency="Currency"),
                price="Price",
                fee=Place(amount="Fee", currency="FeeCurrency"),
                exchange=("Source", "Account"),
            ),
            kinds=labels(
                {TRADE: "buy, sell", REWARD: "income", WITHDRAWAL: "spend, gift, donation"}
            ),
            ways=MappingProxyType({"buy": Way.IN, "sell": Way.OUT, "income": Way.IN}),
        )
    ),
)
