"""What a ledger entry is: no JSON, no HTTP, no clock."""

from bitstamp_ledger.model._accounts import MAIN_ACCOUNT, Account
from bitstamp_ledger.model._amounts import (
    Amount,
    Balance,
    DecimalInterval,
    exact,
    exact_difference,
    exact_sum,
    plain_number,
)
from bitstamp_ledger.model._entries import (
    ENTRY_KINDS,
    Conversion,
    Deposit,
    Entry,
    Reward,
    Settlement,
    Side,
    StakingMovement,
    Trade,
    Transfer,
    UnknownEntry,
    Withdrawal,
    digest_of,
    record_identity,
    row_identity,
)
from bitstamp_ledger.model._instants import TIME_NOT_STATED, UTC, TimeInterval, utc
from bitstamp_ledger.model._plain_trades import plain_trade
from bitstamp_ledger.model._sources import FeePlace, Precision, Rounding, RowGrain, Source

__all__ = [
    "ENTRY_KINDS",
    "MAIN_ACCOUNT",
    "TIME_NOT_STATED",
    "UTC",
    "Account",
    "Amount",
    "Balance",
    "Conversion",
    "DecimalInterval",
    "Deposit",
    "Entry",
    "FeePlace",
    "Precision",
    "Reward",
    "Rounding",
    "RowGrain",
    "Settlement",
    "Side",
    "Source",
    "StakingMovement",
    "TimeInterval",
    "Trade",
    "Transfer",
    "UnknownEntry",
    "Withdrawal",
    "digest_of",
    "exact",
    "exact_difference",
    "exact_sum",
    "plain_number",
    "plain_trade",
    "record_identity",
    "row_identity",
    "utc",
]
