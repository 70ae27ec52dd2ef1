"""CoinTracking's import layout: fees inside the amounts, times in the zone of the user's account.

Facts: docs/facts/files.md, "CoinTracking".
"""

import datetime as dt
import os
from types import MappingProxyType
from typing import ClassVar, Final

from bitstamp_ledger.files import zone_of
from bitstamp_ledger.files._sent_received import Field
from bitstamp_ledger.files.cointracking import LAYOUT
from bitstamp_ledger.sinks._contract import Loss
from bitstamp_ledger.sinks.tax._lines import FeeFolding, What
from bitstamp_ledger.sinks.tax._sink import TaxSink
from bitstamp_ledger.sinks.tax._tables import WALLET, Cell, Table, Tool, columns_of, iso

TOOL: Final = Tool(
    name="cointracking",
    title="CoinTracking",
    tables=(
        Table(
            columns=columns_of(
                LAYOUT,
                Field.LABEL,
                Field.RECEIVED,
                Field.RECEIVED_CODE,
                Field.SENT,
                Field.SENT_CODE,
                Field.FEE,
                Field.FEE_CODE,
                Field.EXCHANGE,
                ("Trade-Group", Cell.EMPTY),
                ("Comment", Cell.NOTE),
                Field.TIME,
                Field.ID,
            ),
            labels=MappingProxyType(
                {
                    What.BUY: "Trade",
                    What.SELL: "Trade",
                    What.CONVERSION: "Trade",
                    What.REWARD: "Reward / Bonus",
                    What.FEE: "Other Fee",
                    What.OTHER_IN: "Deposit",
                    What.OTHER_OUT: "Withdrawal",
                }
            ),
            clock=iso,
            folding=FeeFolding.ALWAYS,
            all_quoted=True,
        ),
    ),
    beside=(
        Loss("Date", "seconds, without zone; UTC and the microseconds are in Comment"),
        Loss("Type", "transfers, staking, settlements and unknown records have none"),
        Loss("Buy Amount", "a fee in the same currency is taken off"),
        Loss("Sell Amount", "a fee in the same currency is added; base and quote are not stated"),
    ),
)


class CoinTrackingSink(TaxSink):
    """Writes CoinTracking's import layout; every fact that has no column is in ``Comment``.

    Args:
        path: the file.
        wallet: what the tool calls the main account; a sub-account has its own name behind.
        timezone: the zone of the user's CoinTracking account: its name, such as
            ``Europe/Paris``.  In autumn an hour is shown twice; ``Comment`` tells them apart.
    """

    tool: ClassVar[Tool] = TOOL

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        wallet: str = WALLET,
        timezone: str | dt.tzinfo = "UTC",
    ) -> None:
        self._make(path, wallet=wallet, zone=zone_of(timezone))
