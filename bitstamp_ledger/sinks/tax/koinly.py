"""Koinly's universal template.

Facts: docs/facts/files.md, "Koinly".
"""

from types import MappingProxyType
from typing import ClassVar, Final

from bitstamp_ledger.files._sent_received import Field
from bitstamp_ledger.files.koinly import LAYOUT
from bitstamp_ledger.sinks._contract import Loss
from bitstamp_ledger.sinks.tax._lines import What
from bitstamp_ledger.sinks.tax._sink import TaxSink
from bitstamp_ledger.sinks.tax._tables import Cell, Table, Tool, columns_of, iso_utc

TOOL: Final = Tool(
    name="koinly",
    title="Koinly",
    tables=(
        Table(
            columns=columns_of(
                LAYOUT,
                ("Date", Field.TIME),  # "Koinly Date" is in the other templates.
                Field.SENT,
                Field.SENT_CODE,
                Field.RECEIVED,
                Field.RECEIVED_CODE,
                Field.FEE,
                Field.FEE_CODE,
                ("Net Worth Amount", Cell.EMPTY),
                ("Net Worth Currency", Cell.EMPTY),
                Field.LABEL,
                ("Description", Cell.NOTE),
                # Koinly drops rows that are equal in time, amounts and this.
                ("TxHash", Cell.REFERENCE),
            ),
            labels=MappingProxyType(
                {
                    What.BUY: "",
                    What.SELL: "",
                    What.CONVERSION: "",
                    What.REWARD: "reward",
                    What.FEE: "cost",
                    What.OTHER_IN: "",
                    What.OTHER_OUT: "",
                }
            ),
            clock=iso_utc,
        ),
    ),
    beside=(
        Loss("Date", "seconds; the microseconds are in Description"),
        Loss("Label", "transfers, staking, settlements and unknown records have none"),
        Loss("Sent Currency", "what is base and what is quote is not stated"),
    ),
)


class KoinlySink(TaxSink):
    """Writes Koinly's universal template; every fact that has no column is in ``Description``."""

    tool: ClassVar[Tool] = TOOL
