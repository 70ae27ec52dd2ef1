"""Trades whose fee their statement prints in a row of its own.

Such a row is a witness of the record beside the trade's row where nothing is left to guess: it
names itself a fee, stands at the very time of a row without a fee, and states the known fee to the
last digit.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

import attrs

from bitstamp_ledger.model import Amount, Entry, UnknownEntry
from bitstamp_ledger.reconcile._fee_rows import key_of, known_fee, moment, stated_fee
from bitstamp_ledger.reconcile._fitting import Pair
from bitstamp_ledger.reconcile._observe import Observation, in_order, place
from bitstamp_ledger.reconcile._result import Grade


def join_fee_rows(
    pairs: Sequence[Pair],
    rows: Iterable[Observation],
    row_of: Mapping[int, Observation],
    is_rejected: Callable[[Entry, Entry], bool],
) -> list[Pair]:
    """Return the pairs, each with the row that states its fee, where there is exactly such a one.

    Args:
        pairs: of this statement.
        rows: its rows that are no part of a pair.
        row_of: what each row of a pair states, by the address of its entry.
        is_rejected: says whether a person said of a known entry and a row that they are not one.
    """
    fees: dict[object, list[Observation]] = defaultdict(list)
    for row in in_order(rows):
        fee = stated_fee(row.entry)
        if fee is not None:
            fees[moment(row), key_of(fee)].append(row)
    if not fees:
        return list(pairs)
    joined: list[Pair] = []
    for pair in sorted(pairs, key=lambda each: place(each.row)):
        fee = wanted_fee(pair)
        waiting = [] if fee is None else fees.get((moment(row_of[id(pair.row)]), key_of(fee)), [])
        fee_row = next(
            (
                each
                for each in waiting
                if not any(is_rejected(known, each.entry) for known in pair.all_known)
            ),
            None,
        )
        if fee_row is None:
            joined.append(pair)
            continue
        waiting.remove(fee_row)
        joined.append(with_fee_row(pair, fee_row.entry))
    return joined


def wanted_fee(pair: Pair) -> Amount | None:
    """Return the fee of a pair whose row does not state it; None where nothing is missing."""
    if pair.fee_row is not None or pair.row.fee is not None or isinstance(pair.row, UnknownEntry):
        return None
    return known_fee(pair.all_known)


def with_fee_row(pair: Pair, fee_row: Entry) -> Pair:
    """Return a pair with its fee: where that alone was not stated, nothing is missing now."""
    grade = Grade.STRONG if pair.grade is Grade.WEAK else pair.grade
    return attrs.evolve(pair, fee_row=fee_row, grade=grade)
