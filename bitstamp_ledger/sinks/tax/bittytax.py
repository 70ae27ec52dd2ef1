"""BittyTax's transaction records.

Facts: docs/facts/files.md, "BittyTax".
"""

from types import MappingProxyType
from typing import ClassVar, Final

from bitstamp_ledger.files._sent_received import Field
from bitstamp_ledger.files.bittytax import LAYOUT
from bitstamp_ledger.sinks._contract import Loss
from bitstamp_ledger.sinks.tax._lines import What
from bitstamp_ledger.sinks.tax._sink import TaxSink
from bitstamp_ledger.sinks.tax._tables import Cell, Table, Tool, columns_of, iso_micro_utc

TOOL: Final = Tool(
    name="bittytax",
    title="BittyTax",
    tables=(
        Table(
            columns=columns_of(
                LAYOUT,
                Field.LABEL,
                Field.RECEIVED,
                Field.RECEIVED_CODE,
                ("Buy Value in GBP", Cell.EMPTY),
                Field.SENT,
                Field.SENT_CODE,
                ("Sell Value in GBP", Cell.EMPTY),
                Field.FEE,
                Field.FEE_CODE,
                ("Fee Value in GBP", Cell.EMPTY),
                Field.EXCHANGE,
                Field.TIME,
                ("Note", Cell.NOTE),
            ),
            labels=MappingProxyType(
                {
                    What.BUY: "Trade",
                    What.SELL: "Trade",
                    What.CONVERSION: "Trade",
                    What.REWARD: "Income",
                    What.FEE: "Spend",
                    What.OTHER_IN: "Deposit",
                    What.OTHER_OUT: "Withdrawal",
                }
            ),
            clock=iso_micro_utc,
        ),
    ),
    beside=(
        Loss("Type", "transfers, staking, settlements and unknown records have none"),
        Loss("Sell Asset", "what is base and what is quote is not stated"),
    ),
)


class BittyTaxSink(TaxSink):
    """Writes BittyTax's transaction records; every fact that has no column is in ``Note``."""

    tool: ClassVar[Tool] = TOOL
