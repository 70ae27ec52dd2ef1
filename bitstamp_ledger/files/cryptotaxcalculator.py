"""CryptoTaxCalculator, now Summ: the template in its versions with 12, 14 and 15 columns.

Facts: docs/facts/files.md, "CryptoTaxCalculator".
"""

from types import MappingProxyType
from typing import Final

import attrs

from bitstamp_ledger.files._entries import (
    DEPOSIT,
    MAYBE_FEE,
    REWARD,
    STAKING,
    TRADE,
    WITHDRAWAL,
    labels,
)
from bitstamp_ledger.files._format import Shape, StatementFormat
from bitstamp_ledger.files._named_columns import (
    NamedColumns,
    NamedLayout,
    Place,
    Way,
    named_reader,
)
from bitstamp_ledger.files._sent_received import AS_MADE, ZERO_FEE_NOTE
from bitstamp_ledger.files._statement import ZoneBasis

_KINDS: Final = labels(
    {
        TRADE: "buy, sell",
        DEPOSIT: "fiat-deposit, receive, transfer-in, airdrop, chain-split, mining, bridge-in",
        WITHDRAWAL: "fiat-withdrawal, send, transfer-out, expense, stolen, lost, burn, gift, "
        "personal-use, bridge-out",
        REWARD: "income, interest, staking, staking-reward, cash-back, cashback, referral, "
        "royalties",
        STAKING: "staking-deposit, staking-withdrawal",
        MAYBE_FEE: "fee",
    }
)

_OUT: Final = (
    *("sell", "fiat-withdrawal", "send", "transfer-out", "expense", "stolen", "lost", "burn"),
    *("gift", "personal-use", "bridge-out", "staking-deposit", "fee"),
)

LAYOUT: Final = NamedLayout(
    columns=NamedColumns(
        time=("Timestamp (UTC)",),
        label="Type",
        base=Place(amount="Base Amount", currency="Base Currency"),
        quote=Place(amount="Quote Amount (Optional)", currency="Quote Currency (Optional)"),
        fee=Place(amount="Fee Amount (Optional)", currency="Fee Currency (Optional)"),
        exchange=("From (Optional)", "To (Optional)"),
        id="ID (Optional)",
    ),
    kinds=_KINDS,
    ways=MappingProxyType(dict.fromkeys(_KINDS, Way.IN) | dict.fromkeys(_OUT, Way.OUT)),
)

FORMAT: Final = StatementFormat(
    name="cryptotaxcalculator",
    title="CryptoTaxCalculator (Summ) template",
    shapes=(
        Shape(
            required=(
                "Timestamp (UTC)",
                "Type",
                "Base Currency",
                "Base Amount",
                "Quote Currency (Optional)",
                "Quote Amount (Optional)",
                "Fee Currency (Optional)",
                "Fee Amount (Optional)",
                "From (Optional)",
                "To (Optional)",
            ),
            optional=frozenset(
                {
                    "Blockchain (Optional)",
                    "ID (Optional)",
                    "Description (Optional)",
                    "Reference Price Per Unit (Optional)",
                    "Reference Price Currency (Optional)",
                }
            ),
        ),
    ),
    precision=attrs.evolve(AS_MADE, orientation_open=False, exchange_ids=True),
    zone=ZoneBasis.DOCUMENTED,
    notes=(
        "A row may be the sum of all trades of an asset within one second.",
        ZERO_FEE_NOTE,
    ),
    read=named_reader(LAYOUT),
)
