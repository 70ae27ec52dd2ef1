"""What a statement leaves open, decided once from all of its rows: zone, fee, order of dates.

The evidence are pairs of a row and a known entry that share everything but, perhaps, the time,
where neither has another such partner within the reach of any clock.  A bot that does the same
every hour gives none, so it can never match itself.
"""

import datetime as dt
import functools
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final

import attrs

from bitstamp_ledger.files import Statement
from bitstamp_ledger.model import (
    UTC,
    Amount,
    Entry,
    FeePlace,
    Precision,
    RowGrain,
    UnknownEntry,
    exact_difference,
)
from bitstamp_ledger.reconcile._index import TimeIndex
from bitstamp_ledger.reconcile._observe import Field, Fit, Observation, in_order, observe
from bitstamp_ledger.reconcile._orders import orders
from bitstamp_ledger.reconcile._result import StatementReading, StatementZone, Suspect
from bitstamp_ledger.reconcile._zones import (
    LEAD,
    QUARTER,
    REACH,
    Election,
    Settling,
    Vote,
    by_week,
    elect,
    leads,
    the_world,
)

PER_WEEK: Final = 8
"""So many rows of each week are asked; more say nothing new."""

UNDECIDED: Final = "undecided"

_NOTHING: Final = dt.timedelta()
_UTC_ONLY: Final[Mapping[str, dt.tzinfo]] = MappingProxyType({"UTC": UTC})
_ANY_TWO: Final = MappingProxyType({"UTC": UTC, "UTC+01:00": dt.timezone(dt.timedelta(hours=1))})


@attrs.frozen(kw_only=True)
class Settled:
    """A statement's rows as they are to be compared."""

    rows: list[Observation]
    """In order.  Of those that are not settled, nobody knows which instant they mean."""

    zone: StatementZone
    readings: tuple[StatementReading, ...] = ()
    may_mean: "Callable[[Partners], bool]" = lambda _: False
    """Whether the zones that are left allow a row to mean its only partner's time."""

    hints: tuple[Suspect, ...] = ()
    """Rows that would be a known entry in the reading that was not taken."""

    partners: "tuple[Partners, ...]" = ()
    """For rows that are not settled, the only known entry that each may be."""


@attrs.frozen(kw_only=True)
class Partners:
    """A row and a known entry that have no other partner but each other."""

    row: Observation
    known: Observation
    offset: dt.timedelta | None
    """How much the row's clock is ahead; None where the times do not tell one offset."""


class Pool:
    """Known entries, in which partners of rows are looked for."""

    def __init__(self, known: Sequence[Observation], *, of_orders: bool) -> None:
        """Take in known entries; for a statement of orders, orders in the place of their fills."""
        candidates = [
            each for each in known if each.settled and not isinstance(each.entry, UnknownEntry)
        ]
        if of_orders:
            sums = orders(candidates)
            joined = {id(fill) for order in sums for fill in order.fills}
            candidates = in_order([*(each for each in candidates if id(each) not in joined), *sums])
        self.known = candidates
        self._index = TimeIndex(candidates)

    def partners(
        self, rows: Sequence[Observation], asked: Iterable[Observation]
    ) -> Iterator[Partners]:
        """Yield, for the rows that are asked, the only partner that each may have.

        Args:
            rows: all rows of the statement, in order.
            asked: some of them.
        """
        of_rows = TimeIndex(rows)
        for row in asked:
            position = _only(self._index, _widened(row))
            if position is None:
                continue
            known = self.known[position]
            back = _only(of_rows, _widened(known))
            if back is not None and rows[back] is row:
                yield Partners(row=row, known=known, offset=_offset(row, known))


def _only(index: TimeIndex, wanted: Observation) -> int | None:
    """Return the position of the only entry that fits; None where there is another, or none."""
    found = list(itertools.islice(index.fitting(wanted), 2))
    if len(found) != 1 or found[0][1] is Fit.UNPROVEN:
        return None
    return found[0][0]


def _widened(each: Observation) -> Observation:
    return attrs.evolve(
        each, start=_moved(each.start, -REACH), end=_moved(each.end, REACH), other_start=None
    )


def _moved(time: dt.datetime, by: dt.timedelta) -> dt.datetime:
    try:
        return time + by
    except OverflowError:  # A hostile file may state the last minute of the year 9999.
        return time


def _offset(row: Observation, known: Observation) -> dt.timedelta | None:
    """Return the one offset at which the times agree."""
    first = (row.start - known.end) // QUARTER + 1
    last = -((known.start - row.end) // QUARTER) - 1
    return first * QUARTER if first == last else None


@attrs.frozen(kw_only=True)
class _Reading:
    """One way to read a statement, and what speaks for it."""

    statement: Statement
    fee: FeePlace | None
    rows: list[Observation]
    partners: list[Partners]
    election: Election

    @property
    def fees(self) -> frozenset[Vote]:
        """The votes that the place of the fee makes a difference to."""
        return frozenset(vote for vote in self.election.agreeing if vote.fee_stated)


def settle(known: Sequence[Observation], statement: Statement) -> Settled:
    """Decide what a statement leaves open, as far as the known entries tell."""
    precision = statement.precision
    fee_open = precision.fee_place is FeePlace.OPEN
    if not (precision.zone_open or fee_open or statement.alternatives):
        return Settled(
            rows=in_order(map(observe, statement.entries)), zone=_zone_as_read(statement)
        )
    pool = Pool(known, of_orders=precision.grain is RowGrain.ORDER)
    fees = (FeePlace.FOLDED, FeePlace.APART) if fee_open else (None,)
    by_date = [
        [_read(pool, each, fee) for fee in fees] for each in (statement, *statement.alternatives)
    ]
    said: list[StatementReading] = []
    dates = _better_dates(by_date, said)
    date_open = dates is None
    taken = _better_fee(statement, dates or by_date[0], said)
    rows, zone = _placed(taken, statement)
    if date_open:
        same = {(entry.source.row, entry.time) for entry in by_date[1][0].statement.entries}
        rows = [
            row
            if (row.entry.source.row, row.entry.time) in same
            else attrs.evolve(row, settled=False)
            for row in rows
        ]
    rows = in_order(rows)
    unsettled = [row for row in rows if not row.settled]
    return Settled(
        rows=rows,
        partners=tuple(pool.partners(rows, unsettled)) if unsettled else (),
        zone=zone,
        readings=tuple(said),
        may_mean=functools.partial(_may_mean, taken.election),
        hints=tuple(_hints(taken, by_date[1:])) if date_open else (),
    )


def _may_mean(election: Election, each: Partners) -> bool:
    """Say whether a zone that is left shows the known entry's time as the row prints it.

    Where too few rows tell to rule out any zone, only UTC counts, which most tools print.
    """
    if each.offset is None:
        return False
    if not each.row.precision.zone_open:
        return each.offset == _NOTHING
    supported = election.times >= LEAD
    return any(
        each.offset in clock.offsets(each.row.start.replace(tzinfo=None))
        for clock in election.left
        if supported or clock.name == "UTC"
    )


def _read(pool: Pool, statement: Statement, fee: FeePlace | None) -> _Reading:
    entries: Iterable[Entry] = statement.entries
    if fee is not None:
        entries = map(_Apart().read, entries) if fee is FeePlace.APART else entries
    rows = in_order(map(observe, entries))
    chosen = by_week(((row.start, number) for number, row in enumerate(rows)), PER_WEEK)
    partners = list(pool.partners(rows, [rows[number] for number in chosen]))
    zone_open = statement.precision.zone_open
    votes = [
        Vote(each.row.start.replace(tzinfo=None), each.offset, each.row.entry.fee is not None)
        for each in partners
        if each.offset is not None and _may_vote(each, zone_open=zone_open)
    ]
    election = elect(votes, the_world() if zone_open and votes else _world(zone_open=zone_open))
    return _Reading(statement=statement, fee=fee, rows=rows, partners=partners, election=election)


def _may_vote(each: Partners, *, zone_open: bool) -> bool:
    return not each.row.settled if zone_open else each.offset == _NOTHING


def _world(*, zone_open: bool) -> Mapping[str, dt.tzinfo]:
    """Return zones where no vote was cast: enough to disagree, without loading them all."""
    return _ANY_TWO if zone_open else _UTC_ONLY


class _Apart:
    """Reads entries as if their printed amounts had been without the fee."""

    def __init__(self) -> None:
        self._precisions: dict[int, tuple[Precision, Precision]] = {}

    def read(self, entry: Entry) -> Entry:
        """Undo what was taken out; the leg that the fee's currency names first was changed."""
        precision, fee = entry.source.precision, entry.fee
        if precision is None or precision.fee_place is not FeePlace.OPEN or fee is None:
            return entry
        changed = min(
            (leg for leg in entry.legs if leg.currency == fee.currency),
            key=lambda leg: leg.value,
            default=None,
        )
        if changed is None:
            return entry
        value = exact_difference(changed.value, fee.value)
        if (value > 0) is not (changed.value > 0):
            return entry
        legs = tuple(Amount(value, leg.currency) if leg is changed else leg for leg in entry.legs)
        known = self._precisions.get(id(precision))
        if known is None:
            plain = attrs.evolve(
                precision,
                fee_place=FeePlace.APART,
                base_decimals_max=None,
                quote_decimals_max=None,
            )
            known = self._precisions[id(precision)] = precision, plain
        return attrs.evolve(entry, legs=legs, source=attrs.evolve(entry.source, precision=known[1]))


def _better_dates(
    by_date: Sequence[Sequence[_Reading]], said: list[StatementReading]
) -> Sequence[_Reading] | None:
    """Return the readings in the order of dates that clearly explains more; None where none."""
    if len(by_date) == 1:
        return by_date[0]
    as_read, other = (
        max((each.election for each in readings), key=lambda election: election.times)
        for readings in by_date[:2]
    )
    better = None
    if leads(as_read.agreeing, other.agreeing):
        better = 0
    elif leads(other.agreeing, as_read.agreeing):
        better = 1
    answer = UNDECIDED if better is None else ("as read", "the other order")[better]
    said.append(
        StatementReading(
            path=by_date[0][0].statement.path,
            question=Field.DATE_ORDER.value,
            answer=answer,
            evidence=f"{as_read.times} rows fit as read, "
            f"{other.times} with days and months exchanged",
        )
    )
    return None if better is None else by_date[better]


def _better_fee(
    statement: Statement, readings: Sequence[_Reading], said: list[StatementReading]
) -> _Reading:
    """Return the reading of fees that clearly explains more, else that of the format's rule."""
    if len(readings) == 1:
        return readings[0]
    folded, apart = readings
    taken, answer = folded, UNDECIDED
    if leads(folded.fees, apart.fees):
        answer = "inside the amounts"
    elif leads(apart.fees, folded.fees):
        taken, answer = apart, "on top of the amounts"
    said.append(
        StatementReading(
            path=statement.path,
            question="fee",
            answer=answer,
            evidence=f"{len(folded.fees)} rows fit with the fee inside the amounts, "
            f"{len(apart.fees)} with the fee on top",
        )
    )
    return taken


def _placed(taken: _Reading, statement: Statement) -> tuple[list[Observation], StatementZone]:
    """Give each row the instant that all zones left agree on, where they do."""
    if not statement.precision.zone_open:
        return taken.rows, _zone_as_read(statement)
    settling = Settling(taken.election)
    precisions: dict[int, tuple[Precision, Precision]] = {}
    rows: list[Observation] = []
    open_rows = 0
    for row in taken.rows:
        if row.settled:
            rows.append(row)
            continue
        offsets = settling.offsets(row.start.replace(tzinfo=None))
        if not offsets or not taken.election.agreeing:
            open_rows += 1
            rows.append(row)
            continue
        precision = row.precision
        if id(precision) not in precisions:
            precisions[id(precision)] = precision, attrs.evolve(precision, zone_open=False)
        rows.append(observe(_at(row.entry, offsets, precisions[id(precision)][1])))
    votes = taken.election.times
    considered = sum(each.offset is not None for each in taken.partners)
    decided = open_rows < len(rows)
    evidence = (
        f"{votes} of {considered} rows that tell agree, at different times; "
        f"{open_rows} of {len(rows)} rows stay open, and as read"
    )
    return rows, StatementZone(
        path=statement.path,
        format=statement.format,
        zone=settling.name if decided else UNDECIDED,
        evidence=evidence,
    )


def _at(entry: Entry, offsets: Sequence[dt.timedelta], precision: Precision) -> Entry:
    time = _moved(entry.time, -offsets[0])
    other = _moved(entry.time, -offsets[1]) if len(offsets) > 1 else None
    source = attrs.evolve(entry.source, precision=precision, other_time=other)
    return attrs.evolve(entry, time=time, source=source)


def _hints(taken: _Reading, others: Iterable[Sequence[_Reading]]) -> Iterator[Suspect]:
    """Yield rows that are a known entry in another order of dates."""
    by_row = {row.entry.source.row: row.entry for row in taken.rows}
    said: set[int | None] = set()
    for readings in others:
        for reading in readings:
            for each in reading.partners:
                number = each.row.entry.source.row
                if each.offset == _NOTHING and number in by_row and number not in said:
                    said.add(number)
                    field = Field.DATE_ORDER.value
                    yield Suspect(row=by_row[number], near=each.known.entry, field=field)


def _zone_as_read(statement: Statement) -> StatementZone:
    zone = statement.zone
    return StatementZone(
        path=statement.path,
        format=statement.format,
        zone=zone.name,
        evidence=zone.basis.value,
    )
