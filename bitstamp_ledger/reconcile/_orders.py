"""Orders as the sum of their executions, for rows that stand for a whole order.

Only all executions of one order that are left are summed, never some that happen to fit: among a
thousand fills, some always do (docs/facts/files.md, "Generations").
"""

import datetime as dt
import functools
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import attrs

from bitstamp_ledger.model import Amount, Entry, Rounding, RowGrain, Trade, exact_sum
from bitstamp_ledger.reconcile._observe import Observation, in_order

CLOSED_WITHIN: Final = dt.timedelta(seconds=1)
"""An order is closed with its last execution, or in the second after it."""


def may_be_order(row: Observation) -> bool:
    """Say whether a row may stand for a whole order: by its format, or by a tool's custom."""
    if not isinstance(row.entry, Trade):
        return False
    return row.precision.grain is RowGrain.ORDER or row.precision.base is not Rounding.EXACT


def order_key(entry: Entry) -> object:
    """Return what executions of one order share; None for everything else."""
    if not isinstance(entry, Trade) or entry.order_id is None:
        return None
    if entry.source.row is not None:
        return None
    currencies = tuple(leg.currency for leg in entry.legs)
    return entry.account, entry.order_id, currencies, entry.side


def orders(fills: Iterable[Observation]) -> list[Observation]:
    """Return the orders that have several executions among ``fills``, each as one observation."""
    found: dict[object, list[Observation]] = defaultdict(list)
    for fill in fills:
        key = order_key(fill.entry)
        if key is not None:
            found[key].append(fill)
    return in_order(_order(each) for each in found.values() if len(each) > 1)


def _order(fills: Sequence[Observation]) -> Observation:
    first = fills[0]
    entry = attrs.evolve(
        first.entry,
        legs=tuple(_sums(fills)),
        fee=_fee(fills),
        id="+".join(fill.entry.id for fill in fills),
    )
    step = first.precision.time_step
    return attrs.evolve(
        first,
        entry=entry,
        amounts=tuple(
            functools.reduce(exact_sum, (fill.amounts[position] for fill in fills))
            for position in range(len(first.amounts))
        ),
        end=max(fill.start for fill in fills) + step + CLOSED_WITHIN,
        fills=tuple(fills),
        witnesses=(),
    )


def _sums(fills: Sequence[Observation]) -> Iterator[Amount]:
    for legs in zip(*(fill.entry.legs for fill in fills), strict=True):
        total = functools.reduce(exact_sum, (leg.value for leg in legs))
        yield Amount(total, legs[0].currency)


def _fee(fills: Sequence[Observation]) -> Amount | None:
    """Return the sum of the fees; None where one is not stated, or they are of two currencies."""
    fees = [fill.entry.fee for fill in fills]
    stated = [fee for fee in fees if fee is not None]
    if len(stated) < len(fees) or len({fee.currency for fee in stated}) != 1:
        return None
    return Amount(functools.reduce(exact_sum, (fee.value for fee in stated)), stated[0].currency)
