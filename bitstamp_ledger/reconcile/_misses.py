"""Rows that are kept, and miss a known entry by one field: what a person should look at."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from bitstamp_ledger.model import Entry
from bitstamp_ledger.reconcile._fee_rows import key_of, known_fee, moment, stated_fee
from bitstamp_ledger.reconcile._fees import wanted_fee
from bitstamp_ledger.reconcile._fitting import Pair
from bitstamp_ledger.reconcile._ids import exchange_id, same_content
from bitstamp_ledger.reconcile._index import NearIndex, near
from bitstamp_ledger.reconcile._observe import Field, Observation, in_order, times_meet
from bitstamp_ledger.reconcile._orders import may_be_order, orders
from bitstamp_ledger.reconcile._result import Suspect

EXCHANGE_ID: Final = "exchange id"
ROW_NUMBER: Final = "row number"


def near_misses(
    free: Sequence[Observation],
    row_classes: Iterable[Sequence[Observation]],
    obstacle_of: Callable[[Observation, Observation, Field], str | None],
) -> Iterator[Suspect]:
    """Find, for rows left over, the known entry left over that misses by one field.

    Args:
        free: known entries left over, by time.
        row_classes: rows left over, those that are interchangeable together.
        obstacle_of: returns what differs between a known entry and a row that miss each other by a
            field; None where they are known to be two.
    """
    row_classes = list(row_classes)
    if not row_classes:
        return
    sums = orders(free) if any(may_be_order(rows[0]) for rows in row_classes) else []
    index = NearIndex(in_order([*free, *sums]) if sums else free)
    for rows in row_classes:
        found = next(
            (
                (known, obstacle)
                for known, field in index.nearest(rows[0])
                if (obstacle := obstacle_of(known, rows[0], field)) is not None
            ),
            None,
        )
        if found is not None:
            known, obstacle = found
            first = known.fills[0].entry if known.fills else known.entry
            for row in rows:
                yield Suspect(row=row.entry, near=first, field=obstacle)


def repeated_ids(
    rows: Iterable[Observation], left_over: Iterable[Observation]
) -> Iterator[Suspect]:
    """Find rows that repeat the id and the content of a row of their own statement.

    A file that was pasted together from two exports holds such rows.  Nothing inside one file
    is ever merged, so they are kept, and shown.
    """
    left = {id(row) for row in left_over}
    first: dict[tuple[str, int], Observation] = {}
    for row in rows:
        identity = exchange_id(row)
        if identity is None:
            continue
        earlier = first.setdefault(identity, row)
        if earlier is not row and id(row) in left and same_content(earlier, row):
            yield Suspect(row=row.entry, near=earlier.entry, field=ROW_NUMBER)


def lonely_fees(
    known: Sequence[Observation],
    rows: Sequence[Observation],
    left_over: Iterable[Observation],
    pairs: Sequence[Pair],
) -> Iterator[Suspect]:
    """Find rows left over that may be the fee of an event whose fee another row states, or none.

    Either the row stands at the time of a trade's row without a fee, and states another fee than
    is known; or it states what is known of an event, and no row without a fee that is this event
    stands beside it.

    Args:
        known: all known entries, by time.
        rows: all rows of the statement.
        left_over: its rows that are no part of a pair.
        pairs: of the statement.
    """
    left_over = list(left_over)
    fee_rows = [(row, fee) for row in left_over if (fee := stated_fee(row.entry)) is not None]
    if not fee_rows:
        return
    row_of = {id(row.entry): row for row in rows}
    silent: dict[object, Pair] = {}
    for pair in pairs:
        fee = wanted_fee(pair)
        if fee is not None:
            where = moment(row_of[id(pair.row)]), key_of(fee)[0]
            silent.setdefault(where, pair)
    paid = {id(entry) for pair in pairs if pair.fee_row is not None for entry in pair.all_known}
    unpaid = (each for each in known if id(each.entry) not in paid)
    by_fee = _by_fee(unpaid, {key_of(fee) for _, fee in fee_rows})
    for row, fee in fee_rows:
        pair_beside = silent.get((moment(row), key_of(fee)[0]))
        if pair_beside is not None:
            yield Suspect(row=row.entry, near=pair_beside.known, field=Field.FEE.value)
        elif found := _nearest(by_fee.get(key_of(fee), []), row):
            yield Suspect(row=row.entry, near=found.entry, field=_why_apart(found, row))


def _by_fee(
    known: Iterable[Observation], wanted: set[tuple[object, ...]]
) -> dict[tuple[object, ...], list[Observation]]:
    found: dict[tuple[object, ...], list[Observation]] = defaultdict(list)
    for each in known:
        fee = known_fee([each.entry])
        if fee is not None and key_of(fee) in wanted:
            found[key_of(fee)].append(each)
    return found


def _nearest(candidates: Sequence[Observation], row: Observation) -> Observation | None:
    """Return the nearest in time of some entries that may have happened when the row says."""
    here = bisect_left(candidates, row.start, key=lambda each: each.start)
    tried = candidates[max(here - NearIndex.TRIED_MAX, 0) : here + NearIndex.TRIED_MAX]
    may_be = [
        each
        for each in tried
        if (
            times_meet(each, row)
            if each.clock == row.clock
            else abs(each.start - row.start) < near(each, row)
        )
    ]
    return min(may_be, key=lambda each: abs(each.start - row.start), default=None)


def _why_apart(known: Observation, row: Observation) -> str:
    if known.clock == row.clock:
        return Field.KIND.value
    zone_open = known.precision.zone_open or row.precision.zone_open
    return Field.ZONE.value if zone_open else Field.DATE_ORDER.value


def still_open(suspects: Sequence[Suspect], told: Iterable[Iterable[Entry]]) -> tuple[Suspect, ...]:
    """Leave out suspects of which some statement tells both entries apart.

    Rows of one statement are never one event, so what two of its rows are witnesses of are two.
    That some other file is a witness of the one entry says nothing of the suspect: the row may
    have been edited in this file, and not in that.

    Args:
        suspects: of all statements.
        told: for each statement, the entries of the ledger that its rows are, or witness.
    """
    asked = {id(each) for suspect in suspects for each in (suspect.row, suspect.near)}
    if not asked:
        return ()
    tellers: dict[int, set[int]] = defaultdict(set)
    for number, entries in enumerate(told):
        for entry in entries:
            if id(entry) in asked:
                tellers[id(entry)].add(number)
    return tuple(
        suspect
        for suspect in suspects
        if suspect.field == ROW_NUMBER
        or stated_fee(suspect.row) is not None  # A fee and its trade are two rows, and one event.
        or tellers[id(suspect.row)].isdisjoint(tellers[id(suspect.near)])
    )
