"""Waltio's import layout.

Facts: docs/facts/files.md, "Waltio".
"""

from types import MappingProxyType
from typing import ClassVar, Final

from bitstamp_ledger.files._sent_received import Field
from bitstamp_ledger.files.waltio import LAYOUT
from bitstamp_ledger.sinks._contract import Loss
from bitstamp_ledger.sinks.tax._lines import What
from bitstamp_ledger.sinks.tax._sink import TaxSink
from bitstamp_ledger.sinks.tax._tables import Cell, Table, Tool, columns_of, day_first

TOOL: Final = Tool(
    name="waltio",
    title="Waltio",
    tables=(
        Table(
            columns=columns_of(
                LAYOUT,
                Field.LABEL,
                Field.TIME,
                Field.ZONE,
                Field.RECEIVED,
                Field.RECEIVED_CODE,
                Field.SENT,
                Field.SENT_CODE,
                Field.FEE,
                Field.FEE_CODE,
                Field.EXCHANGE,
                ("Description", Cell.NOTE),
                Field.TAG,
                ("Prix du jeton du montant envoyé", Cell.EMPTY),
                ("Prix du jeton du montant recu", Cell.EMPTY),
                ("Prix du jeton des frais", Cell.EMPTY),
                ("Adresse", Cell.EMPTY),
                ("Transaction hash", Cell.EMPTY),
                Field.ID,
            ),
            labels=MappingProxyType(
                {
                    What.BUY: "Échange",
                    What.SELL: "Échange",
                    What.CONVERSION: "Échange",
                    What.OTHER_IN: "Dépôt",
                    What.OTHER_OUT: "Retrait",
                }
            ),
            tags=MappingProxyType({What.REWARD: "Reward"}),
            clock=day_first,
            wallet=str.upper,
        ),
    ),
    beside=(
        Loss("Date", "seconds; the microseconds are in Description"),
        Loss("Type", "transfers, staking, settlements, fees and unknown records have none"),
        Loss("Montant envoyé", "what is base and what is quote is not stated"),
    ),
)


class WaltioSink(TaxSink):
    """Writes Waltio's import layout; every fact that has no column is in ``Description``."""

    tool: ClassVar[Tool] = TOOL
