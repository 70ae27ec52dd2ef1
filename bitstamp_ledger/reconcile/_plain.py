"""Plain pairs: a record and a row that fit each other, and that nothing else is anywhere near.

Nearly all of a history are such.  They are found by one look at the base amount, before anything is
made of the entries; what is left goes the long way, which would have paired these alike: nothing
that fits either of the two is taken from it.
"""

import datetime as dt
import operator
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Final, TypeVar

import attrs

from bitstamp_ledger.files import Statement
from bitstamp_ledger.model import (
    Conversion,
    Entry,
    FeePlace,
    Precision,
    Rounding,
    RowGrain,
    Trade,
)
from bitstamp_ledger.reconcile._fee_rows import stated_fee
from bitstamp_ledger.reconcile._observe import (
    Fit,
    canonical,
    differences,
    fit_of,
    observe,
    place,
    sorted_by_time,
)
from bitstamp_ledger.reconcile._result import Grade, Match, Rule

MINUTE: Final = dt.timedelta(minutes=1)

WINDOW: Final = 4_096
"""So many records and their rows stay in the processor's cache; it is no more than that."""

_time_of: Final = operator.attrgetter("time")


@attrs.frozen
class Plain:
    """What is paired the short way, and what is left for the long one."""

    matches: list[Match]
    """In the order of their rows."""

    records: list[Entry]
    """In order."""

    rows: list[Entry]


@attrs.define
class _Several:
    """Entries of one base amount, in whatever pairs of currencies: none that may fit is missing."""

    records: list[Entry]
    rows: list[Entry] = attrs.field(factory=list)


_Key = TypeVar("_Key")
_Found = Entry | Match | _Several
"""What there is of one base amount: a record, that and the one row, or all of either."""


def is_plain(statement: Statement) -> bool:
    """Say whether rows of a statement can be paired the short way, as far as its format tells."""
    precision = statement.precision
    return not (
        precision.zone_open
        or statement.alternatives
        or precision.fee_place is FeePlace.OPEN
        or precision.grain is RowGrain.ORDER
    )


def plain_pairs(
    records: Sequence[Entry], rows: Sequence[Entry], *, window: int = WINDOW
) -> Plain | None:
    """Pair what is alone with what it fits.

    Args:
        records: what the API sent, in order.
        rows: of one statement, for which `is_plain` holds.
        window: so many records are looked at together, and all others of their last minute.

    Returns:
        The pairs and the rest; None where the rows, or the records, are not all as simple as this
        needs.
    """
    plain = Plain([], [], [])
    seen = _Seen()
    carried: list[Entry] = []
    for some_records, some_rows, edge in _windows(records, rows, window):
        these = _Window(edge)
        for row in carried:
            these.poison(row)
        if not (these.add_records(some_records, seen) and these.add_rows(some_rows, seen)):
            return None
        carried = these.crossing
        _sort_out(plain, these.found, some_records, some_rows)
    return plain if seen.simple else None


def _windows(
    records: Sequence[Entry], rows: Sequence[Entry], window: int
) -> Iterator[tuple[Sequence[Entry], Sequence[Entry], dt.datetime | None]]:
    """Yield records and rows of one time after the other, and where the next begins.

    So few are at work at once that what is looked up stays where the processor has it at hand.
    Windows begin with a minute, so few rows can belong to records of two.
    """
    edges, places = _edges(records, window)
    buckets: list[list[Entry]] = [[] for _ in range(len(edges) + 1)]
    if edges:
        for row in rows:
            buckets[bisect_right(edges, row.time)].append(row)
    some_rows: Sequence[Entry]
    for number, some_rows in enumerate(buckets if edges else [rows]):
        yield (
            records[places[number] : places[number + 1]],
            some_rows,
            edges[number] if number < len(edges) else None,
        )


def _edges(records: Sequence[Entry], window: int) -> tuple[list[dt.datetime], list[int]]:
    """Return where windows end, in time, and where they begin among the records."""
    edges: list[dt.datetime] = []
    places = [0]
    while places[-1] + window < len(records):
        time = records[places[-1] + window].time
        edge = time.replace(second=0, microsecond=0) + MINUTE
        place = bisect_left(records, edge, places[-1], key=_time_of)
        if place == len(records):
            break
        edges.append(edge)
        places.append(place)
    return edges, [*places, len(records)]


@attrs.define
class _Seen:
    """What all records and rows show together, whatever their time."""

    precisions: dict[int, Precision] = attrs.field(factory=dict)
    pairs_of_currencies: set[tuple[str, str]] = attrs.field(factory=set)

    @property
    def simple(self) -> bool:
        """Whether the short way leads to where the long one does."""
        return all(map(_is_simple, self.precisions.values())) and _one_way(self.pairs_of_currencies)


@attrs.define
class _Window:
    """Records and rows of some time, by their base amounts."""

    edge: dt.datetime | None
    """Where the next window begins."""

    found: dict[Decimal, _Found] = attrs.field(factory=dict)
    crossing: list[Entry] = attrs.field(factory=list)
    """Rows whose time may be of the next window."""

    def poison(self, row: Entry) -> None:
        """Note a row of the window before that may be of this one."""
        several = self.found.setdefault(row.legs[0].value, _Several([]))
        if isinstance(several, _Several):
            several.rows.append(row)

    def add_records(self, records: Iterable[Entry], seen: _Seen) -> bool:
        """Take in records; say whether they are simple enough."""
        pairs, found = seen.pairs_of_currencies, self.found
        for record in records:
            if record.source.precision is not None:
                return False
            kind = type(record)
            if (kind is not Trade and kind is not Conversion) or len(record.legs) != 2:  # noqa: PLR2004
                continue
            base, quote = record.legs
            pairs.add((base.currency, quote.currency))
            _add_record(found, base.value, record)
        return True

    def add_rows(self, rows: Iterable[Entry], seen: _Seen) -> bool:
        """Take in rows; say whether they are simple enough."""
        precisions, pairs, found = seen.precisions, seen.pairs_of_currencies, self.found
        late = None if self.edge is None else self.edge - MINUTE
        for row in rows:
            source = row.source
            precision = source.precision
            if precision is None or source.other_time is not None:
                return False
            precisions[id(precision)] = precision
            if row.transaction_id is not None and precision.exchange_ids:
                return False
            kind = type(row)
            if (kind is not Trade and kind is not Conversion) or len(row.legs) != 2:  # noqa: PLR2004
                continue
            base, quote = row.legs
            pairs.add((base.currency, quote.currency))
            if late is not None and row.time > late and _crosses(row.time, precision.time_step):
                self.crossing.append(row)
                _add_doubtful(found, base.value, row)
            else:
                _add_row(found, base.value, row)
        return True


def _is_simple(precision: Precision) -> bool:
    """Say whether a base amount stands for itself, and a time for no more than a minute."""
    return (
        precision.base is Rounding.EXACT
        and precision.base_decimals_max is None
        and precision.fee_place is not FeePlace.OPEN
        and precision.grain is RowGrain.FILL
        and not precision.orientation_open
        and not precision.zone_open
        and precision.time_step <= MINUTE
    )


def _one_way(pairs: Iterable[tuple[str, str]]) -> bool:
    """Say whether no two currencies are stated both ways round: then the base is the base."""
    known = {(canonical(base, ""), canonical(quote, "")) for base, quote in pairs}
    return all((quote, base) not in known for base, quote in known)


def _sort_out(
    plain: Plain, found: dict[Decimal, _Found], records: Sequence[Entry], rows: Sequence[Entry]
) -> None:
    """Add what is paired in a window, but for trades beside which a fee stands in its own row."""
    matches: list[Match] = []
    for each in found.values():
        if isinstance(each, Match):
            matches.append(each)
        elif isinstance(each, _Several) and each.rows:
            matches.extend(_alone_in_their_minute(each))
    left = _others(rows, [match.file[0] for match in matches])
    when_paid = {row.time for row in left if stated_fee(row) is not None}
    if when_paid:
        matches = [
            match
            for match in matches
            if match.file[0].fee is not None or match.file[0].time not in when_paid
        ]
        left = _others(rows, [match.file[0] for match in matches])
    plain.matches.extend(
        sorted_by_time(
            matches, lambda match: place(match.file[0]), lambda match: match.file[0].time
        )
    )
    plain.records.extend(_others(records, [match.api[0] for match in matches]))
    plain.rows.extend(left)


def _others(entries: Sequence[Entry], done: Sequence[Entry]) -> list[Entry]:
    if len(done) == len(entries):
        return []
    known = set(map(id, done))
    return [entry for entry in entries if id(entry) not in known]


def _alone_in_their_minute(several: _Several) -> Iterator[Match]:
    found: dict[dt.datetime, _Found] = {}
    for record in several.records:
        _add_record(found, record.time.replace(second=0, microsecond=0), record)
    for row in several.rows:
        time = row.time
        minute = time.replace(second=0, microsecond=0)
        precision = row.source.precision
        if time != minute and precision is not None and _crosses(time, precision.time_step):
            found[minute] = found[minute + MINUTE] = _Several([])
        _add_row(found, minute, row)
    for each in found.values():
        if isinstance(each, Match):
            yield each


def _add_record(found: dict[_Key, _Found], key: _Key, record: Entry) -> None:
    first = found.setdefault(key, record)
    if first is record:
        return
    if isinstance(first, _Several):
        first.records.append(record)
    elif isinstance(first, Entry):
        found[key] = _Several([first, record])


def _add_row(found: dict[_Key, _Found], key: _Key, row: Entry) -> None:
    other = found.get(key)
    if other is None:
        return
    if isinstance(other, _Several):
        other.rows.append(row)
    elif isinstance(other, Match):
        found[key] = _Several(list(other.api), [*other.file, row])
    else:
        found[key] = _match(other, row) or _Several([other], [row])


def _add_doubtful(found: dict[Decimal, _Found], key: Decimal, row: Entry) -> None:
    """Add a row that may be a record of the next window too."""
    other = found.get(key)
    if isinstance(other, Match):
        found[key] = _Several(list(other.api), [*other.file, row])
    elif isinstance(other, _Several):
        other.rows.append(row)
    elif other is not None:
        found[key] = _Several([other], [row])


def _crosses(time: dt.datetime, step: dt.timedelta) -> bool:
    """Say whether a time and all that it stands for are not in one minute."""
    since = dt.timedelta(seconds=time.second, microseconds=time.microsecond)
    return since + step > MINUTE


def _match(record: Entry, row: Entry) -> Match | None:
    """Return two entries of one base amount as one event, if nothing contradicts it."""
    (base, quote), (row_base, row_quote) = record.legs, row.legs
    precision = row.source.precision
    start = row.time
    if (
        precision is None
        or not base.value
        or not start <= record.time
        or not record.time - start < precision.time_step
    ):
        return None
    fee, row_fee = record.fee, row.fee
    if (
        quote.value == row_quote.value
        and base.currency == row_base.currency
        and quote.currency == row_quote.currency
        and (record.account == row.account or not precision.account_stated)
        and fee is not None
        and row_fee is not None
        and fee.value == row_fee.value
        and fee.currency == row_fee.currency
    ):
        sure = True
    else:
        known, observed = observe(record), observe(row)
        if next(differences(known, observed), None) is not None:
            return None
        fit = fit_of(known, observed)
        if fit is Fit.UNPROVEN:
            return None
        sure = fit <= Fit.WITHIN
    grade = Grade.STRONG if sure else Grade.WEAK
    return Match(api=(record,), file=(row,), rule=Rule.INTERVALS, grade=grade)
