"""rotki's generic import: one file of trades, one of everything else.

Facts: docs/facts/files.md, "rotki".
"""

from types import MappingProxyType
from typing import ClassVar, Final

from bitstamp_ledger.files._sent_received import Field
from bitstamp_ledger.files.rotki import EVENT_COLUMNS, LAYOUT
from bitstamp_ledger.sinks._contract import Loss
from bitstamp_ledger.sinks.tax._lines import EXCHANGES, What
from bitstamp_ledger.sinks.tax._sink import TaxSink
from bitstamp_ledger.sinks.tax._tables import Cell, Table, Tool, columns_of, epoch_ms

_TYPE, _LOCATION, _CURRENCY, _AMOUNT, _TIMESTAMP = EVENT_COLUMNS


def _location(wallet: str) -> str:
    """Return rotki's own name of the exchange, which has no sub-accounts."""
    return "bitstamp" if "bitstamp" in wallet.casefold() else wallet


TOOL: Final = Tool(
    name="rotki",
    title="rotki",
    tables=(
        Table(
            columns=columns_of(
                LAYOUT,
                Field.EXCHANGE,
                Field.SENT_CODE,
                Field.RECEIVED_CODE,
                Field.RECEIVED,
                Field.SENT,
                Field.FEE,
                Field.FEE_CODE,
                ("Description", Cell.NOTE),
                Field.TIME,
            ),
            labels=MappingProxyType({}),
            clock=epoch_ms,
            wallet=_location,
            takes=EXCHANGES,
        ),
        Table(
            columns=(
                (_TYPE, Field.LABEL),
                (_LOCATION, Field.EXCHANGE),
                (_CURRENCY, Cell.BASE_CODE),
                (_AMOUNT, Cell.BASE),
                *columns_of(LAYOUT, Field.FEE, Field.FEE_CODE),
                ("Description", Cell.NOTE),
                (_TIMESTAMP, Field.TIME),
            ),
            labels=MappingProxyType(
                {
                    What.REWARD: "Income",
                    What.FEE: "Spend",
                    What.OTHER_IN: "Deposit",
                    What.OTHER_OUT: "Withdrawal",
                }
            ),
            clock=epoch_ms,
            wallet=_location,
            takes=frozenset(What) - EXCHANGES,
            suffix="-events",
        ),
    ),
    beside=(
        Loss("Timestamp", "milliseconds; the microseconds are in Description"),
        Loss("Type", "transfers, staking, settlements and unknown records have none"),
        Loss("Location", "sub-accounts are named in Description only"),
        Loss("Spend Currency", "what is base and what is quote is not stated"),
    ),
)


class RotkiSink(TaxSink):
    """Writes rotki's generic trades to ``path``, and its generic events beside it.

    The second file has ``-events`` behind its stem: ``rotki.csv`` and ``rotki-events.csv``.
    """

    tool: ClassVar[Tool] = TOOL
