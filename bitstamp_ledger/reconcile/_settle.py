"""What a statement leaves open, decided once from all of its rows: zone, fee, order of dates.

The evidence are pairs of a row and a known entry that share everything but, perhaps, the time,
where neither has another such partner within the reach of any clock.  A bot that does the same
every hour gives none, so it can never match itself.
"""

import datetime as dt
import functools
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final, TypeVar

import attrs

from bitstamp_ledger.files import Statement, ZoneBasis
from bitstamp_ledger.model import (
    UTC,
    Amount,
    Entry,
    FeePlace,
    Precision,
    Rounding,
    RowGrain,
    UnknownEntry,
    exact_difference,
)
from bitstamp_ledger.reconcile._index import REACH, TimeIndex
from bitstamp_ledger.reconcile._observe import (
    OPEN_CLOCK,
    UTC_CLOCK,
    Field,
    Fit,
    Observation,
    in_order,
    observe,
)
from bitstamp_ledger.reconcile._orders import orders
from bitstamp_ledger.reconcile._result import StatementReading, StatementZone, Suspect
from bitstamp_ledger.reconcile._zones import (
    QUARTER,
    Clock,
    Election,
    Settling,
    Vote,
    by_week,
    elect,
    leads,
    share_a_clock,
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
    hints: tuple[Suspect, ...] = ()
    """Rows that would be a known entry in the reading that was not taken."""

    zones_left: tuple[Clock, ...] = ()
    """The zones in which the rows that are not settled may have been printed."""

    @property
    def open_rows(self) -> int:
        """How many rows are not settled."""
        return sum(not row.settled for row in self.rows)


@attrs.frozen(kw_only=True)
class Partners:
    """A row and a known entry that have no other partner but each other."""

    row: Observation
    known: Observation
    offset: dt.timedelta | None
    """How much the row's clock is ahead; None where the times do not tell one offset."""


class Pool:
    """Known entries, in which partners of rows are looked for."""

    def __init__(
        self,
        known: Iterable[Observation],
        *,
        of_orders: bool = False,
        clock: int = UTC_CLOCK,
    ) -> None:
        """Take in known entries; for a statement of orders, orders in the place of their fills.

        Args:
            known: entries in order.
            of_orders: whether a row stands for an order.
            clock: whose times are compared; no two clocks differ by more than twice the reach of
                one.
        """
        self._reach = REACH if clock == UTC_CLOCK else 2 * REACH
        candidates = [
            each
            for each in known
            if each.clock == clock and not isinstance(each.entry, UnknownEntry)
        ]
        if of_orders:
            sums = orders(candidates)
            joined = {id(fill) for order in sums for fill in order.fills}
            candidates = in_order([*(each for each in candidates if id(each) not in joined), *sums])
        self.known = candidates

    def partners(
        self, rows: Sequence[Observation], asked: Iterable[Observation]
    ) -> Iterator[Partners]:
        """Yield, for the rows that are asked, the only partner that each may have.

        Args:
            rows: all rows of the statement, in order.
            asked: some of them.
        """
        asked = list(asked)
        entries, rows = _about(asked, self.known, rows)
        of_known, of_rows = TimeIndex(entries), TimeIndex(rows)
        for row in asked:
            position = _only(of_known, _widened(row, self._reach))
            if position is None:
                continue
            known = entries[position]
            back = _only(of_rows, _widened(known, self._reach))
            if back is not None and rows[back] is row:
                yield Partners(row=row, known=known, offset=_offset(row, known))


def _about(
    asked: Iterable[Observation], known: Sequence[Observation], rows: Sequence[Observation]
) -> tuple[Sequence[Observation], Sequence[Observation]]:
    """Leave out what has nothing to do with the rows that are asked: other base amounts.

    Where an amount does not say of itself alone, everything stays.
    """
    precisions = {id(each.precision): each.precision for each in (*known, *rows)}
    bases = {
        (each.group.currencies, each.base)
        for entries in (known, rows)
        for each in entries
        if each.knows_base
    }
    one_way = len(bases) == len({currencies for currencies, _ in bases})
    if not (one_way and all(map(_is_exact, precisions.values()))):
        return known, rows
    wanted = {key for row in asked for key in _keys(row)}
    return (
        [each for each in known if not wanted.isdisjoint(_keys(each))],
        [each for each in rows if not wanted.isdisjoint(_keys(each))],
    )


def _is_exact(precision: Precision) -> bool:
    return precision.base is Rounding.EXACT and precision.base_decimals_max is None


def _keys(each: Observation) -> list[tuple[tuple[str, ...], int, Decimal]]:
    """Return the base amount, or all where nobody says which it is."""
    currencies = each.group.currencies
    positions = (each.base,) if each.knows_base and each.amounts else range(len(each.amounts))
    return [(currencies, position, each.amounts[position]) for position in positions]


def _only(index: TimeIndex, wanted: Observation) -> int | None:
    """Return the position of the only entry that fits; None where there is another, or none."""
    found = list(itertools.islice(index.fitting(wanted), 2))
    if len(found) != 1 or found[0][1] is Fit.UNPROVEN:
        return None
    return found[0][0]


def _widened(each: Observation, reach: dt.timedelta) -> Observation:
    return attrs.evolve(
        each, start=_moved(each.start, -reach), end=_moved(each.end, reach), other_start=None
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


def settle(
    known: Sequence[Observation],
    statement: Statement,
    *,
    number: int,
    clocks: Mapping[int, Sequence[Clock]],
) -> Settled:
    """Decide what a statement leaves open, as far as the known entries tell.

    Args:
        known: entries in order.
        statement: what was read.
        number: the statement's own, by which its clock is known.
        clocks: for the statements read before that stayed open, the zones left for each.
    """
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
            else attrs.evolve(row, clock=OPEN_CLOCK)
            for row in rows
        ]
    rows = in_order(rows)
    zones_left = taken.election.left
    if precision.zone_open and not taken.election.agreeing:
        zones_left = ()  # Not asked yet: each of the world's.
    if clocks and not date_open:
        rows = _on_known_clocks(known, rows, zones_left, clocks)
    return Settled(
        rows=[attrs.evolve(row, clock=number) if row.clock == OPEN_CLOCK else row for row in rows],
        zone=zone,
        readings=tuple(said),
        hints=tuple(_hints(rows, by_date[1:])) if date_open else (),
        zones_left=zones_left,
    )


def _on_known_clocks(
    known: Sequence[Observation],
    rows: list[Observation],
    zones_left: Sequence[Clock],
    clocks: Mapping[int, Sequence[Clock]],
) -> list[Observation]:
    """Find rows that were printed by the clock of another statement, whatever its zone.

    Two files that print one history alike, row by row, are in one zone, or in two that agree at
    those times; no zone is needed to compare such times.
    """
    for clock, others_left in clocks.items():
        unsettled = [row for row in rows if row.clock == OPEN_CLOCK]
        pool = Pool(known, clock=clock)
        if not unsettled or not pool.known:
            continue
        asked = _some_of_each_week(unsettled)
        votes = [
            Vote.of(each.row, each.known, each.offset)
            for each in pool.partners(unsettled, asked)
            if each.offset is not None
        ]
        shared = share_a_clock(votes, others_left, zones_left)
        if shared is not None:
            rows = [
                attrs.evolve(row, clock=clock)
                if row.clock == OPEN_CLOCK and shared.agrees(row.printed)
                else row
                for row in rows
            ]
    return rows


def _some_of_each_week(rows: Sequence[Observation]) -> list[Observation]:
    chosen = by_week(((row.start, number) for number, row in enumerate(rows)), PER_WEEK)
    return [rows[number] for number in chosen]


def _read(pool: Pool, statement: Statement, fee: FeePlace | None) -> _Reading:
    entries: Iterable[Entry] = statement.entries
    if fee is not None:
        entries = map(_Apart().read, entries) if fee is FeePlace.APART else entries
    rows = in_order(map(observe, entries))
    partners = list(pool.partners(rows, _some_of_each_week(rows)))
    zone_open = statement.precision.zone_open
    votes = [
        Vote.of(each.row, each.known, each.offset)
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
            evidence=_fits_in_words(
                (as_read.times, "as read"), (other.times, "with days and months exchanged")
            ),
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
            evidence=_fits_in_words(
                (len(folded.fees), "with the fee inside the amounts"),
                (len(apart.fees), "with the fee on top"),
            ),
        )
    )
    return taken


def _fits_in_words(one: tuple[int, str], other: tuple[int, str]) -> str:
    """Say how many rows speak for each of two readings."""
    (number, reading), (other_number, other_reading) = one, other
    if not number and not other_number:
        return "no row fits a known entry in one reading only"
    fit = "row fits" if number == 1 else "rows fit"
    return f"{number} {fit} {reading}, {other_number} {other_reading}"


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
        offsets = settling.offsets(row.printed)
        if not offsets or not taken.election.agreeing:
            open_rows += 1
            rows.append(row)
            continue
        precision = row.precision
        if id(precision) not in precisions:
            precisions[id(precision)] = precision, attrs.evolve(precision, zone_open=False)
        rows.append(_at(row, offsets, precisions[id(precision)][1]))
    votes = taken.election.times
    considered = sum(each.offset is not None for each in taken.partners)
    decided = open_rows < len(rows)
    return rows, StatementZone(
        path=statement.path,
        format=statement.format,
        zone=settling.name if decided else UNDECIDED,
        evidence=f"{_votes_in_words(votes, considered, decided=decided)}"
        f"{_left_open_in_words(open_rows, len(rows))}",
    )


def _votes_in_words(votes: int, considered: int, *, decided: bool) -> str:
    if not considered:
        return "no row shares all but its time with one known entry only, so none tells the zone"
    agree = f"{votes} of {_rows(considered)} that {'tells' if considered == 1 else 'tell'} it agree"
    return agree if decided else f"only {agree}, too few to be sure"


def _left_open_in_words(open_rows: int, rows: int) -> str:
    if not open_rows:
        return ""
    stay = "stays" if open_rows == 1 else "stay"
    return f"; {open_rows} of {_rows(rows)} {stay} open, as the file prints them"


def _rows(number: int) -> str:
    return f"{number} row" if number == 1 else f"{number} rows"


def _at(row: Observation, offsets: Sequence[dt.timedelta], precision: Precision) -> Observation:
    entry, source = row.entry, row.entry.source
    time = _moved(entry.time, -offsets[0])
    other = _moved(entry.time, -offsets[1]) if len(offsets) > 1 else None
    placed = copied(
        entry,
        time=time,
        source=copied(source, precision=precision, other_time=other),
    )
    return copied(
        row,
        entry=placed,
        start=time,
        end=_moved(row.end, -offsets[0]),
        precision=precision,
        other_start=other,
        clock=UTC_CLOCK,
    )


_Value = TypeVar("_Value")


def copied(value: _Value, **changes: object) -> _Value:
    """Return a frozen value with some fields changed to what is known to be good.

    What `attrs.evolve` does, for a million values: nothing is converted and checked again.
    """
    kind: type[Any] = type(value)
    copy = object.__new__(kind)
    for name in _names_of(kind):  # type: ignore[arg-type]  # every class is hashable
        changed = changes.get(name, _SAME)
        object.__setattr__(copy, name, getattr(value, name) if changed is _SAME else changed)
    return copy  # type: ignore[no-any-return]  # of the kind that was given


_SAME: Final = object()


@functools.cache
def _names_of(kind: type[Any]) -> tuple[str, ...]:
    return tuple(field.name for field in attrs.fields(kind))


def _hints(rows: Iterable[Observation], others: Iterable[Sequence[_Reading]]) -> Iterator[Suspect]:
    """Yield rows that are a known entry in another order of dates."""
    by_row = {row.entry.source.row: row.entry for row in rows}
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
        evidence=_BASES[zone.basis],
    )


_BASES: Final = MappingProxyType(
    {
        ZoneBasis.STATED: "the file states it",
        ZoneBasis.DOCUMENTED: "the file does not state it; its format is in this zone",
        ZoneBasis.GIVEN: "named by whoever read the file",
        ZoneBasis.ASSUMED: "nobody states it",
    }
)
"""Who says in which zone a statement was read."""
