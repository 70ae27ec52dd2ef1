"""CoinLedger's universal template.

Facts: docs/facts/files.md, "CoinLedger".
"""

from types import MappingProxyType
from typing import ClassVar, Final

from bitstamp_ledger.files._sent_received import Field
from bitstamp_ledger.files.coinledger import LAYOUT
from bitstamp_ledger.sinks._contract import Loss
from bitstamp_ledger.sinks.tax._lines import What
from bitstamp_ledger.sinks.tax._sink import TaxSink
from bitstamp_ledger.sinks.tax._tables import (
    CODES_FIRST,
    Cell,
    Table,
    Tool,
    columns_of,
    month_first,
)

TOOL: Final = Tool(
    name="coinledger",
    title="CoinLedger",
    tables=(
        Table(
            columns=columns_of(
                LAYOUT,
                Field.TIME,
                Field.EXCHANGE,
                *CODES_FIRST,
                Field.LABEL,
                ("Description (Optional)", Cell.NOTE),
                ("TxHash (Optional)", Cell.REFERENCE),
            ),
            labels=MappingProxyType(
                {
                    What.BUY: "Trade",
                    What.SELL: "Trade",
                    What.CONVERSION: "Trade",
                    What.REWARD: "Income",
                    What.OTHER_IN: "Deposit",
                    What.OTHER_OUT: "Withdrawal",
                }
            ),
            clock=month_first,
        ),
    ),
    beside=(
        Loss("Date (UTC)", "seconds; the microseconds are in the description"),
        Loss("Type", "transfers, staking, settlements, fees and unknown records have none"),
        Loss("Asset Sent", "what is base and what is quote is not stated"),
    ),
)


class CoinLedgerSink(TaxSink):
    """Writes CoinLedger's template; every fact that has no column is in its description."""

    tool: ClassVar[Tool] = TOOL
