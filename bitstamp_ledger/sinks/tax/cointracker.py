"""CoinTracker's import layout.

Facts: docs/facts/files.md, "CoinTracker".
"""

from types import MappingProxyType
from typing import ClassVar, Final

from bitstamp_ledger.files._sent_received import Field
from bitstamp_ledger.files.cointracker import LAYOUT
from bitstamp_ledger.sinks._contract import Loss
from bitstamp_ledger.sinks.tax._lines import FeeFolding, What
from bitstamp_ledger.sinks.tax._sink import TaxSink
from bitstamp_ledger.sinks.tax._tables import Table, Tool, columns_of, month_first

TOOL: Final = Tool(
    name="cointracker",
    title="CoinTracker",
    tables=(
        Table(
            columns=columns_of(
                LAYOUT,
                Field.TIME,
                Field.RECEIVED,
                Field.RECEIVED_CODE,
                Field.SENT,
                Field.SENT_CODE,
                Field.FEE,
                Field.FEE_CODE,
                Field.LABEL,
            ),
            labels=MappingProxyType(
                {
                    What.BUY: "",
                    What.SELL: "",
                    What.CONVERSION: "",
                    What.REWARD: "staked",
                    What.OTHER_IN: "",
                    What.OTHER_OUT: "",
                }
            ),
            clock=month_first,
            folding=FeeFolding.SENDS,
            decimals_max=8,
        ),
    ),
    beside=(),
    losses=(
        Loss("Date", "microseconds are cut off"),
        Loss("Received Quantity", "digits behind the eighth decimal are rounded"),
        Loss("Sent Quantity", "so they are here; what is sent contains its fee"),
        Loss("Fee Amount", "so they are here"),
        Loss("Tag", "transfers, staking, settlements, fees and unknown records have none"),
        Loss("(no column)", "accounts, ids, orders, prices, and which currency is the base"),
    ),
)


class CoinTrackerSink(TaxSink):
    """Writes CoinTracker's import layout, which has no place for ids and notes."""

    tool: ClassVar[Tool] = TOOL
