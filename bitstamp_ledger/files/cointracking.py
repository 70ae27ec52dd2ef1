"""CoinTracking: its import layout, its trade table as exported, and the German web table.

Amounts contain the fee by CoinTracking's rule, and times are in the zone of the user's account.

Facts: docs/facts/files.md, "CoinTracking".
"""

from types import MappingProxyType
from typing import Final

import attrs

from bitstamp_ledger.files._entries import DEPOSIT, MAYBE_FEE, REWARD, TRADE, WITHDRAWAL, labels
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
from bitstamp_ledger.model import FeePlace

PRECISION: Final = attrs.evolve(AS_MADE, fee_place=FeePlace.OPEN, zone_open=True, exchange_ids=True)

_TYPES: Final = labels(
    {
        TRADE: "trade, kauf, swap (non taxable)",
        DEPOSIT: "deposit, einzahlung, airdrop, airdrop (non taxable), hard fork, gift/tip, mining",
        WITHDRAWAL: "withdrawal, auszahlung, spend, donation, gift, stolen, lost, other expense, "
        "expense (non taxable)",
        REWARD: "staking, reward / bonus, reward/bonus, interest income, lending income, income, "
        "other income, income (non taxable), dividends income, masternode, minting",
        MAYBE_FEE: "other fee, borrowing fee, settlement fee, margin fee",
    }
)
_IDS: Final = ("Tx-ID", "Trade ID", "Trade-ID", "TX-ID")

_FOLDED_NOTE: Final = (
    "By CoinTracking's rule amounts contain the fee, which is taken out here; not all makers of "
    "such files follow it."
)
_NOTES: Final = (AS_MADE_NOTE, ZERO_FEE_NOTE, _FOLDED_NOTE)

LAYOUT: Final = SentReceived(
    columns=MappingProxyType(
        {
            Field.LABEL: ("Type",),
            Field.RECEIVED: ("Buy Amount",),
            Field.RECEIVED_CODE: ("Buy Currency",),
            Field.SENT: ("Sell Amount",),
            Field.SENT_CODE: ("Sell Currency",),
            Field.FEE: ("Fee", "Fee Amount"),
            Field.FEE_CODE: ("Fee Currency",),
            Field.EXCHANGE: ("Exchange",),
            Field.TIME: ("Date",),
            Field.ID: _IDS,
        }
    ),
    labels=_TYPES,
)

IMPORT: Final = StatementFormat(
    name="cointracking-import",
    title="CoinTracking import layout",
    shapes=(
        Shape(
            required=(
                *("Type", "Date"),
                *("Buy Amount", "Buy Currency", "Sell Amount", "Sell Currency"),
            ),
            optional=frozenset(
                {
                    *("Fee", "Fee Amount", "Fee Currency", "Exchange"),
                    *("Trade-Group", "Trade Group", "Group", "Comment", *_IDS),
                    *("Buy Value in Account Currency", "Sell Value in Account Currency"),
                    "Liquidity pool",
                }
            ),
        ),
    ),
    precision=PRECISION,
    zone=ZoneBasis.ASSUMED,
    notes=_NOTES,
    read=reader(LAYOUT),
)

_EXPORT: Final = attrs.evolve(
    LAYOUT,
    columns=MappingProxyType(
        {
            Field.LABEL: ("Type",),
            Field.RECEIVED: ("Buy",),
            Field.SENT: ("Sell",),
            Field.FEE: ("Fee",),
            Field.EXCHANGE: ("Exchange",),
            Field.TIME: ("Date", "Trade Date"),
            Field.ID: _IDS,
        }
    ),
    # "Cur." occurs three times; each belongs to the amount on its left.
    beside=MappingProxyType(
        {
            Field.RECEIVED_CODE: Field.RECEIVED,
            Field.SENT_CODE: Field.SENT,
            Field.FEE_CODE: Field.FEE,
        }
    ),
)

EXPORT: Final = StatementFormat(
    name="cointracking-export",
    title="CoinTracking trade table",
    shapes=tuple(
        Shape(
            required=("Type", "Buy", "Cur.", "Sell", "Cur. (2)", "Fee", "Cur. (3)", date),
            optional=frozenset(
                {"Exchange", "Group", "Trade Group", "Trade-Group", "Comment", *_IDS}
            ),
            patterns=(r"(?:Buy|Sell|Fee)? ?[Vv]alue in .{3,20}", "Liquidity pool"),
        )
        for date in ("Date", "Trade Date")
    ),
    precision=PRECISION,
    zone=ZoneBasis.ASSUMED,
    notes=_NOTES,
    read=reader(_EXPORT),
)

_WEB_TABLE: Final = SentReceived(
    columns=MappingProxyType(
        {
            Field.LABEL: ("Typ",),
            Field.RECEIVED: ("Kauf",),
            Field.SENT: ("Verkauf",),
            Field.FEE: ("Gebühr",),
            Field.EXCHANGE: ("Börse",),
            Field.TIME: ("Trade Datum",),
        }
    ),
    labels=_TYPES,
    joined=True,
)

WEB_TABLE: Final = StatementFormat(
    name="cointracking-web-de",
    title="CoinTracking web table in German, as copied",
    shapes=(
        Shape(
            required=("Typ", "Kauf", "Verkauf", "Gebühr", "Trade Datum"),
            optional=frozenset({"Börse", "Gruppe", "Kommentar"}),
        ),
    ),
    precision=attrs.evolve(PRECISION, exchange_ids=False),
    zone=ZoneBasis.ASSUMED,
    notes=(
        *_NOTES,
        "Amounts of money are rounded to two decimals.",
        NO_EXCHANGE_NOTE,
    ),
    read=reader(_WEB_TABLE),
)
