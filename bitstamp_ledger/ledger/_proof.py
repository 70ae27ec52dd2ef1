"""The proof: replaying every leg and every fee must give the balances that the exchange states."""

from collections.abc import Iterable, Mapping
from decimal import Decimal

import attrs

from bitstamp_ledger.model import (
    Balance,
    Entry,
    UnknownEntry,
    exact_difference,
    exact_sum,
)


@attrs.frozen(kw_only=True)
class Difference:
    """One currency in which the replay and the exchange disagree."""

    currency: str
    stated: Decimal | None
    """What the exchange states; None where it states nothing for this currency."""

    replayed: Decimal
    amount: Decimal
    """Stated minus replayed: what the entries lack, or, if negative, hold too much."""


@attrs.frozen(kw_only=True)
class Proof:
    """Whether the entries explain the balances, exactly."""

    holds: bool
    differences: tuple[Difference, ...]
    balances: Mapping[str, Decimal] = attrs.field(hash=False)
    """What the replay gives, by currency, zeros left out."""

    entries: int
    """How many entries were replayed."""

    without_fee: int
    """How many of them do not state a fee; a fee that was paid and not stated would show as a
    difference."""

    unknown: int
    """How many of them are not understood; their legs were replayed as stated."""


def replay(entries: Iterable[Entry]) -> dict[str, Decimal]:
    """Return what entries add up to, by currency, exactly; zeros are left out.

    Source: docs/facts/exchange.md, "Balance effect".
    """
    totals: dict[str, Decimal] = {}
    for entry in entries:
        for currency, change in entry.effect.items():
            totals[currency] = exact_sum(totals.get(currency, Decimal(0)), change)
    return {currency: total for currency, total in sorted(totals.items()) if total}


def prove(entries: Iterable[Entry], balances: Iterable[Balance]) -> Proof:
    """Compare the replay of ``entries`` with the balances that the exchange states.

    There is no tolerance.  Balances and entries are read at different instants; a proof means most
    when the balances were the same before and after the entries were read.

    Args:
        entries: the whole history of one account, from its first record on.
        balances: what the exchange states for that account; a currency that it does not list must
            come out as zero, and one that it lists twice counts twice.
    """
    replayed_entries = tuple(entries)
    replayed = replay(replayed_entries)
    stated: dict[str, Decimal] = {}
    for balance in balances:
        before = stated.get(balance.currency, Decimal(0))
        stated[balance.currency] = exact_sum(before, balance.total)
    differences = []
    for currency in sorted(stated.keys() | replayed.keys()):
        mine, theirs = replayed.get(currency, Decimal(0)), stated.get(currency)
        gap = exact_difference(theirs if theirs is not None else Decimal(0), mine)
        if gap:
            differences.append(
                Difference(currency=currency, stated=theirs, replayed=mine, amount=gap)
            )
    return Proof(
        holds=not differences,
        differences=tuple(differences),
        balances=replayed,
        entries=len(replayed_entries),
        without_fee=sum(entry.fee is None for entry in replayed_entries),
        unknown=sum(isinstance(entry, UnknownEntry) for entry in replayed_entries),
    )
