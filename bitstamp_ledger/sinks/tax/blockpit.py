"""Blockpit's import template.

Facts: docs/facts/files.md, "Blockpit".
"""

from types import MappingProxyType
from typing import ClassVar, Final

from bitstamp_ledger.files._sent_received import Field
from bitstamp_ledger.files.blockpit import LAYOUT
from bitstamp_ledger.sinks._contract import Loss
from bitstamp_ledger.sinks.tax._lines import What
from bitstamp_ledger.sinks.tax._sink import TaxSink
from bitstamp_ledger.sinks.tax._tables import CODES_FIRST, Cell, Table, Tool, columns_of, dotted

TOOL: Final = Tool(
    name="blockpit",
    title="Blockpit",
    tables=(
        Table(
            columns=columns_of(
                LAYOUT,
                Field.TIME,
                Field.EXCHANGE,
                Field.LABEL,
                *CODES_FIRST,
                ("Comment (optional)", Cell.NOTE),
                Field.ID,
            ),
            labels=MappingProxyType(
                {
                    What.BUY: "Trade",
                    What.SELL: "Trade",
                    What.CONVERSION: "Trade",
                    What.REWARD: "Income",
                    What.STAKED: "Non-Taxable Out",
                    What.UNSTAKED: "Non-Taxable In",
                    What.FEE: "Fee",
                    What.OTHER_IN: "Deposit",
                    What.OTHER_OUT: "Withdrawal",
                }
            ),
            clock=dotted,
        ),
    ),
    beside=(
        Loss("Date (UTC)", "seconds; the microseconds are in the comment"),
        Loss("Label", "transfers, settlements and unknown records have none"),
        Loss("Outgoing Asset", "what is base and what is quote is not stated"),
    ),
)


class BlockpitSink(TaxSink):
    """Writes the columns of Blockpit's template; what has no column is in its comment."""

    tool: ClassVar[Tool] = TOOL
