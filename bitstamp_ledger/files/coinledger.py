"""CoinLedger: the template for imports, and the export, which has one row for each leg.

Facts: docs/facts/files.md, "CoinLedger".
"""

import datetime as dt
from decimal import Decimal
from types import MappingProxyType
from typing import Final

import attrs

from bitstamp_ledger.files._clock import DateOrder
from bitstamp_ledger.files._entries import (
    DEPOSIT,
    REWARD,
    STAKING,
    TRADE,
    WITHDRAWAL,
    EntryBuilder,
    Legs,
    labels,
)
from bitstamp_ledger.files._format import Reading, RowError, Shape, StatementFormat
from bitstamp_ledger.files._groups import Group, each_group
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
from bitstamp_ledger.model import Amount, Entry, exact_sum

LABELS: Final = labels(
    {
        TRADE: "trade",
        DEPOSIT: "deposit, airdrop, gift received, mining, hard fork",
        WITHDRAWAL: "withdrawal, gift sent, merchant payment, theft loss, casualty loss, "
        "investment loss",
        REWARD: "income, interest, interest payment, staking, staking reward, rebate, "
        "miscellaneous reward",
        STAKING: "staking lockup, staking return",
    }
)
"""By the type, in the template and in the export."""

LAYOUT: Final = SentReceived(
    columns=MappingProxyType(
        {
            Field.TIME: ("Date (UTC)",),
            Field.EXCHANGE: ("Platform (Optional)",),
            Field.SENT: ("Amount Sent",),
            Field.SENT_CODE: ("Asset Sent",),
            Field.RECEIVED: ("Amount Received",),
            Field.RECEIVED_CODE: ("Asset Received",),
            Field.FEE: ("Fee Amount (Optional)",),
            Field.FEE_CODE: ("Fee Currency (Optional)",),
            Field.LABEL: ("Type",),
        }
    ),
    labels=LABELS,
    date_order=DateOrder.MONTH_FIRST,
)

FORMAT: Final = StatementFormat(
    name="coinledger",
    title="CoinLedger template",
    shapes=(
        Shape(
            required=(
                "Date (UTC)",
                "Platform (Optional)",
                "Asset Sent",
                "Amount Sent",
                "Asset Received",
                "Amount Received",
                "Fee Currency (Optional)",
                "Fee Amount (Optional)",
                "Type",
            ),
            optional=frozenset({"Description (Optional)", "TxHash (Optional)"}),
        ),
    ),
    precision=AS_MADE,
    zone=ZoneBasis.DOCUMENTED,
    notes=(AS_MADE_NOTE, ZERO_FEE_NOTE),
    read=reader(LAYOUT),
)

EXPORT_COLUMNS: Final = (
    "Timestamp (UTC)",
    "Type",
    "Internal Id",
    "Platform",
    "Account Name",
    "Platform Id",
    "Blockchain Id",
    "Record Type",
    "Asset",
    "Amount",
    "Description",
)

_FEES: Final = frozenset({"platform fee", "network fee", "fee"})


def _read_export(table: Table, reading: Reading) -> None:
    at = {name: table.columns.index(name) for name in EXPORT_COLUMNS}
    builder = EntryBuilder(reading, table.columns)
    builder.weigh_numbers(cells[at["Amount"]].lstrip("-") for cells in table.rows)
    times = [cells[at["Timestamp (UTC)"]] for cells in table.rows]
    moments = MomentReader(reading, times, times, column="Timestamp (UTC)")

    def key(cells: list[str]) -> str:
        return cells[at["Internal Id"]].strip()

    def read_group(group: Group) -> Entry:
        cells = group.first
        for other in group.rows:
            builder.require_bitstamp(other[at["Platform"]])
        sums: dict[str, Amount] = {}
        for other in group.rows:
            side = _side(other[at["Record Type"]])
            value = builder.number(other[at["Amount"]].strip().lstrip("-\u2212"), "Amount")
            if value is None:
                raise RowError("Amount", "the number is missing")
            amount = Amount(value, builder.currency(other[at["Asset"]], "Asset"))
            sums[side] = amount if side not in sums else _added(sums[side], amount)
        kind = " ".join(cells[at["Type"]].split())
        return builder.entry(
            group.row,
            cells,
            moments.read(cells[at["Timestamp (UTC)"]]),
            Legs(sent=sums.get("debit"), received=sums.get("credit"), fee=sums.get("fee")),
            LABELS.get(kind.casefold()),
            code=kind,
            transaction_id=builder.identifier(cells[at["Platform Id"]]),
        )

    each_group(reading, table, key, read_group)


def _side(record_type: str) -> str:
    side = " ".join(record_type.split()).casefold()
    if side in _FEES:
        return "fee"
    if side not in {"debit", "credit"}:
        raise RowError("Record Type", "neither a credit, a debit nor a fee")
    return side


def _added(one: Amount, other: Amount) -> Amount:
    if one.currency != other.currency:
        raise RowError("Asset", "one side of the transaction is in two currencies")
    total: Decimal = exact_sum(one.value, other.value)
    return Amount(total, one.currency)


EXPORT: Final = StatementFormat(
    name="coinledger-export",
    title="CoinLedger export of transactions",
    shapes=(Shape(required=EXPORT_COLUMNS),),
    precision=attrs.evolve(AS_MADE, time_step=dt.timedelta(seconds=1), exchange_ids=True),
    zone=ZoneBasis.DOCUMENTED,
    notes=(AS_MADE_NOTE, ZERO_FEE_NOTE, "The legs of a transaction are rows of their own."),
    read=_read_export,
)
