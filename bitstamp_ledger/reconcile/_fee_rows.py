"""Rows that state the fee of something else, and nothing else.

Some layouts print a trade's fee in a row of its own (docs/facts/files.md, "CoinTracking").
"""

import functools
from collections.abc import Sequence
from typing import Final

from bitstamp_ledger.model import Amount, Entry, UnknownEntry, exact_sum
from bitstamp_ledger.reconcile._observe import Observation, canonical

FEE_CODES: Final = frozenset(
    {"fee", "fees", "other fee", "trading fee", "misc_fee", "cost", "expense"}
)
"""What rows call themselves that state a fee, small letters; fees of loans are no trade's."""


def stated_fee(entry: Entry) -> Amount | None:
    """Return the fee that a row states and nothing else; None for everything else."""
    code = entry.code
    if not isinstance(entry, UnknownEntry) or code is None or entry.source.row is None:
        return None
    if code.strip().casefold() not in FEE_CODES:
        return None
    paid = [leg for leg in entry.legs if leg.value]
    if entry.fee is not None and entry.fee.value:
        return None if paid else entry.fee
    return abs(paid[0]) if len(paid) == 1 and paid[0].value < 0 else None


def known_fee(known: Sequence[Entry]) -> Amount | None:
    """Return what entries cost together; None where one does not say, or they cost nothing."""
    fees = [entry.fee for entry in known]
    stated = [fee for fee in fees if fee is not None]
    if len(stated) < len(fees) or len({fee.currency for fee in stated}) != 1:
        return None
    total = functools.reduce(exact_sum, (fee.value for fee in stated))
    return Amount(total, stated[0].currency) if total else None


def moment(row: Observation) -> object:
    """Return what rows of one statement share that were printed under one time and account."""
    return row.start, row.end, row.other_start, row.clock, row.account


def key_of(fee: Amount) -> tuple[object, ...]:
    """Return what equal fees share, however they were spelled."""
    return canonical(fee.currency, ""), fee.value
