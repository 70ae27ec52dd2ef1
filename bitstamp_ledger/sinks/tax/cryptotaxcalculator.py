"""The template of CryptoTaxCalculator, now Summ, with all of its columns.

Facts: docs/facts/files.md, "CryptoTaxCalculator".
"""

from types import MappingProxyType
from typing import ClassVar, Final

from bitstamp_ledger.files._sent_received import Field
from bitstamp_ledger.files.cryptotaxcalculator import LAYOUT
from bitstamp_ledger.sinks._contract import Loss
from bitstamp_ledger.sinks.tax._lines import What
from bitstamp_ledger.sinks.tax._sink import TaxSink
from bitstamp_ledger.sinks.tax._tables import Cell, Column, Table, Tool, iso

_NAMES: Final = LAYOUT.columns
_NAMED: Final[tuple[tuple[str | None, Field | Cell], ...]] = (
    (_NAMES.time[0], Field.TIME),
    (_NAMES.label, Field.LABEL),
    (_NAMES.base.currency, Cell.BASE_CODE),
    (_NAMES.base.amount, Cell.BASE),
    (_NAMES.quote.currency, Cell.QUOTE_CODE),
    (_NAMES.quote.amount, Cell.QUOTE),
    (_NAMES.fee.currency, Field.FEE_CODE),
    (_NAMES.fee.amount, Field.FEE),
    (_NAMES.exchange[0], Cell.FROM),
    (_NAMES.exchange[1], Cell.TO),
    ("Blockchain (Optional)", Cell.EMPTY),
    (_NAMES.id, Field.ID),
    ("Description (Optional)", Cell.NOTE),
    ("Reference Price Per Unit (Optional)", Cell.EMPTY),
    ("Reference Price Currency (Optional)", Cell.EMPTY),
)
_COLUMNS: Final[tuple[Column, ...]] = tuple(
    (name, what) for name, what in _NAMED if name is not None
)

TOOL: Final = Tool(
    name="cryptotaxcalculator",
    title="CryptoTaxCalculator (Summ)",
    tables=(
        Table(
            columns=_COLUMNS,
            labels=MappingProxyType(
                {
                    What.BUY: "buy",
                    What.SELL: "sell",
                    What.CONVERSION: "buy",
                    What.REWARD: "income",
                    What.TRANSFER_IN: "transfer-in",
                    What.TRANSFER_OUT: "transfer-out",
                    What.STAKED: "staking-deposit",
                    What.UNSTAKED: "staking-withdrawal",
                    What.FEE: "fee",
                    What.OTHER_IN: "receive",
                    What.OTHER_OUT: "send",
                }
            ),
            fiat_labels=MappingProxyType(
                {What.DEPOSIT: "fiat-deposit", What.WITHDRAWAL: "fiat-withdrawal"}
            ),
            clock=iso,
        ),
    ),
    beside=(
        Loss("Timestamp (UTC)", "seconds; the microseconds are in the description"),
        Loss("Type", "settlements and unknown records have none"),
    ),
)


class CryptoTaxCalculatorSink(TaxSink):
    """Writes the template of CryptoTaxCalculator; what has no column is in its description."""

    tool: ClassVar[Tool] = TOOL
