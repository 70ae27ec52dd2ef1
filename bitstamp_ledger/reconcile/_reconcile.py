"""Reconcile: all records and all statements -> one ledger, with reasons."""

import datetime as dt
import itertools
import operator
import zlib
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from typing import Final, TypeVar

import attrs

from bitstamp_ledger._collector import collector_paused
from bitstamp_ledger.files import Statement
from bitstamp_ledger.model import Entry, Trade, UnknownEntry, digest_of, split_row_name
from bitstamp_ledger.reconcile._fitting import Pair
from bitstamp_ledger.reconcile._match import Pairing, pair_rows
from bitstamp_ledger.reconcile._misses import still_open
from bitstamp_ledger.reconcile._names import place_in_ledger, rows_as_called, with_own_ids
from bitstamp_ledger.reconcile._observe import (
    Observation,
    in_order,
    observe,
    place,
    sorted_by_time,
)
from bitstamp_ledger.reconcile._plain import is_plain, plain_pairs
from bitstamp_ledger.reconcile._result import (
    Conflict,
    Counts,
    Decision,
    Match,
    Reconciliation,
)
from bitstamp_ledger.reconcile._settle import Settled, settle
from bitstamp_ledger.reconcile._zones import Clock


def reconcile(
    api: Iterable[Entry],
    statements: Iterable[Statement],
    *,
    decisions: Iterable[Decision] = (),
) -> Reconciliation:
    """Decide, row by row, which rows of files are records of the API.

    Rows are paired one-to-one: k equal records and m equal rows make min(k, m) pairs.  No record
    is ever removed; a row is left out of the ledger only as the second witness of one entry.  The
    order of the inputs does not matter, and neither is changed.

    Statements are read one after the other, the most precise first.  What no record explains is
    known to the next statement, so that two files that overlap count each trade once, and equal
    trades as often as the file that holds most of them.

    Args:
        api: records of one or more accounts, as the client or `parse_user_transactions` gives
            them.
        statements: what `read_statement` returned; each row stands for the intervals that its
            format can express (see ``Statement.lossy``).
        decisions: what people said about pairs; obeyed before any rule.

    Returns:
        A result in which every record and every row is in exactly one part.

    Source: docs/facts/files.md, "Rounding", "Ids", "Equal rows".
    """
    received, given, said = list(api), list(statements), tuple(decisions)
    with collector_paused():
        return _reconciled(received, given, said)


def _reconciled(
    received: Sequence[Entry], given: Sequence[Statement], decisions: Sequence[Decision]
) -> Reconciliation:
    records = _Records.of(received)
    ranked = _ranked(given, records.kept)
    called, said = rows_as_called(ranked, decisions)
    reading = _Readings(records.kept, said)
    reading.read(called)
    outcomes = reading.outcomes
    matches, file_matches = reading.matches()
    new = [row for _, pairing in outcomes for row in pairing.new]
    result = Reconciliation(
        entries=_joined(records.kept, new),
        matches=tuple(matches),
        file_matches=tuple(file_matches),
        api_only=tuple(reading.not_paired()),
        new=tuple(sorted_by_time(new, place_in_ledger)),
        conflicts=(
            *records.conflicts,
            *(conflict for _, pairing in outcomes for conflict in pairing.conflicts),
        ),
        suspects=still_open(
            [suspect for _, pairing in outcomes for suspect in pairing.suspects],
            (pairing.told for _, pairing in outcomes),
        ),
        zones=tuple(settled.zone for settled in reading.settled),
        readings=tuple(each for settled in reading.settled for each in settled.readings),
        ids=tuple(pairing.trust for _, pairing in outcomes),
        counts=sum(
            (_row_counts(statement, pairing) for statement, pairing in outcomes),
            start=records.counts,
        ),
    )
    kept = [(statement, pairing.new) for statement, pairing in outcomes]
    return with_own_ids(result, kept, were_called=called is not ranked)


def _joined(records: tuple[Entry, ...], rows: Sequence[Entry]) -> tuple[Entry, ...]:
    return tuple(_merged(records, rows, place_in_ledger, _time_of)) if rows else records


_T = TypeVar("_T")

_time_of: Final = operator.attrgetter("time")

FEW: Final = 32
"""It takes so many times as many to make sorting all of them the longer way."""


def _merged(
    ordered: Sequence[_T],
    others: Sequence[_T],
    place_of: Callable[[_T], tuple[object, ...]],
    time_of: Callable[[_T], dt.datetime],
) -> Sequence[_T]:
    """Return things in order together with others; their place begins with their time."""
    if len(others) * FEW > len(ordered):
        return sorted_by_time([*ordered, *others], place_of, time_of)
    merged: list[_T] = []
    begin = 0
    for each in sorted_by_time(others, place_of, time_of):
        end = bisect_right(ordered, place_of(each), begin, key=place_of)
        merged.extend(ordered[begin:end])
        merged.append(each)
        begin = end
    merged.extend(ordered[begin:])
    return merged


@attrs.define
class _Readings:
    """Reads statements one after the other, each in the light of those before."""

    records: Sequence[Entry]
    decisions: Sequence[Decision]
    outcomes: list[tuple[Statement, Pairing]] = attrs.field(factory=list)
    settled: list[Settled] = attrs.field(factory=list)
    _proven: set[str] = attrs.field(factory=set)
    """Formats whose ids have proved themselves."""

    _clocks: dict[int, Sequence[Clock]] = attrs.field(factory=dict)
    """For each statement that stayed open, the zones that are left."""

    _open: set[frozenset[str] | None] = attrs.field(factory=set)
    """For each of these, its rows by identity, which says what a row states."""

    _known: list[Observation] | None = None

    @property
    def known(self) -> list[Observation]:
        """All records, and the rows of the statements read so far that no record explains."""
        if self._known is None:
            after = self.outcomes[-1][1].known_after if self.outcomes else None
            self._known = in_order(map(observe, self.records)) if after is None else after()
        return self._known

    def read(self, statements: Iterable[Statement]) -> None:
        """Read statements in this order, but those that stay open as late as can be.

        What is read in between may be what tells how to read them.
        """
        waiting = list(statements)
        if waiting and not self.decisions and self._take_plainly(waiting[0]):
            waiting.pop(0)
        numbers = {id(statement): number for number, statement in enumerate(waiting, 1)}
        while waiting:
            least = None
            passed = []
            for statement in waiting:
                number = numbers[id(statement)]
                settled = settle(self.known, statement, number=number, clocks=self._clocks)
                open_rows = settled.open_rows
                if not open_rows:
                    self._take(statement, settled, number)
                    continue
                passed.append(statement)
                if least is None or open_rows < least[0]:
                    least = open_rows, statement, settled, number
            if least is not None and len(passed) == len(waiting):
                _, statement, settled, number = least
                self._take(statement, settled, number)
                passed.remove(statement)
            waiting = passed

    def not_paired(self) -> Iterator[Entry]:
        """Yield every record that no row is a witness of."""
        records, outcomes = self.records, self.outcomes
        if outcomes and outcomes[0][1].left is not None:
            records = outcomes[0][1].left
        seen = {
            id(entry)
            for number, (_, pairing) in enumerate(outcomes)
            for entry in pairing.known_paired(plain=number > 0)
        }
        return (entry for entry in records if id(entry) not in seen)

    def matches(self) -> tuple[list[Match], list[Match]]:
        """Return the pairs with records, and those of two rows; by statement and time of row."""
        of_records: list[Match] = []
        of_files: list[Match] = []
        for _, pairing in self.outcomes:
            found = list(map(_match, pairing.pairs))
            with_records = [match for match in found if match.api]
            of_records.extend(_merged(pairing.plain, with_records, _place_of_row, _time_of_row))
            of_files.extend(match for match in found if not match.api)
        return of_records, of_files

    def _take_plainly(self, statement: Statement) -> bool:
        """Read the first statement, if it can be read the short way."""
        plain = plain_pairs(self.records, statement.entries) if is_plain(statement) else None
        if plain is None:
            return False
        known = in_order(map(observe, plain.records))
        rest = attrs.evolve(statement, entries=tuple(plain.rows))
        settled = settle(known, rest, number=1, clocks={})
        pairing = pair_rows(known, settled, path=statement.path)
        self._note(statement, settled, pairing.with_plain(plain.matches, plain.records))
        return True

    def _note(self, statement: Statement, settled: Settled, pairing: Pairing) -> None:
        if pairing.trust.trusted:
            self._proven.add(statement.format)
        self.outcomes.append((statement, pairing))
        self.settled.append(settled)
        self._known = None

    def _take_settled_plainly(self, statement: Statement, settled: Settled) -> bool:
        """Read the first statement the short way, now that its zone is known."""
        if self.outcomes or self.decisions or settled.open_rows:
            return False
        plain = plain_pairs(self.records, [row.entry for row in settled.rows])
        if plain is None:
            return False
        left = set(map(id, plain.records)) | set(map(id, plain.rows))
        known = [each for each in self.known if id(each.entry) in left]
        rest = attrs.evolve(settled, rows=[row for row in settled.rows if id(row.entry) in left])
        pairing = pair_rows(known, rest, path=statement.path)
        self._note(statement, settled, pairing.with_plain(plain.matches, plain.records))
        return True

    def _take(self, statement: Statement, settled: Settled, number: int) -> None:
        if self._take_settled_plainly(statement, settled):
            return
        ids = (split_row_name(row.entry.id)[0] for row in settled.rows)
        rows = frozenset(ids) if settled.open_rows else None
        pairing = pair_rows(
            self.known,
            settled,
            path=statement.path,
            decisions=self.decisions,
            ids_proven=statement.format in self._proven,
            is_copy=rows in self._open,
        )
        if rows is not None:
            self._open.add(rows)
            self._clocks[number] = settled.zones_left
        self._note(statement, settled, pairing)


@attrs.frozen(kw_only=True)
class _Records:
    """The records of the API, each once."""

    kept: tuple[Entry, ...]
    conflicts: tuple[Conflict, ...]
    counts: Counts

    @classmethod
    def of(cls, api: Iterable[Entry]) -> "_Records":
        """Sort out records that were handed over twice, and those that contradict each other.

        An equal repeat is a second witness.  Records of one type and id with other content are
        all kept, each under an identity of its own, and are a conflict.
        """
        received = list(api)
        numbers = [entry.transaction_id for entry in received]
        known = [number for number in numbers if number is not None]
        rising = len(known) == len(numbers) and all(
            map(operator.lt, known, itertools.islice(known, 1, None))
        )
        once = numbers if rising else set(numbers)
        often: set[int | None] = set()
        if None in once:
            often.add(None)
        if len(once) < len(numbers):
            often.update(number for number, count in Counter(numbers).items() if count > 1)
        kept = (
            [entry for entry in received if entry.transaction_id not in often]
            if often
            else received
        )
        versions: dict[object, list[Entry]] = defaultdict(list)
        for entry in received if often else ():
            if entry.transaction_id in often:
                same = versions[_record_key(entry)]
                if all(_content(entry) != _content(other) for other in same):
                    same.append(entry)
        conflicts: list[Conflict] = []
        for same in versions.values():
            apart = _told_apart(same)
            kept.extend(apart)
            if len(apart) > 1:
                conflicts.append(
                    Conflict(
                        api=apart,
                        file=(),
                        reason=f"the exchange sent record {apart[0].transaction_id} "
                        f"with {len(apart)} different contents",
                    )
                )
        quarantined = sum(isinstance(entry, UnknownEntry) for entry in kept)
        return cls(
            kept=tuple(sorted_by_time(kept, place_in_ledger)),
            conflicts=tuple(sorted(conflicts, key=lambda each: place_in_ledger(each.api[0]))),
            counts=Counts(
                received=len(received),
                kept=len(kept) - quarantined,
                witnessed=len(received) - len(kept),
                quarantined=quarantined,
            ),
        )


def _record_key(entry: Entry) -> object:
    if entry.transaction_id is None:
        return entry.id
    # Both sides of a self-trade carry one id.
    side = entry.side if isinstance(entry, Trade) and entry.self_trade else None
    return entry.account, entry.code, entry.transaction_id, side


def _content(entry: Entry) -> object:
    return attrs.evolve(entry, source=attrs.evolve(entry.source, raw={}), id="")


def _told_apart(versions: Sequence[Entry]) -> tuple[Entry, ...]:
    """Return versions of one record under identities that differ.

    The first that was understood keeps the plain one, so that it does not depend on the order.
    """
    ranked = sorted(
        versions, key=lambda entry: (isinstance(entry, UnknownEntry), digest_of(entry.source.raw))
    )
    taken: set[str] = set()
    apart = []
    for entry in ranked:
        if entry.id in taken:
            apart.append(attrs.evolve(entry, id=f"{entry.id}/{digest_of(entry.source.raw)}"))
        else:
            apart.append(entry)
        taken.add(entry.id)
    return tuple(apart)


def _ranked(statements: Iterable[Statement], records: Iterable[Entry]) -> list[Statement]:
    given = list(statements)
    if len(given) > 1:
        api_ids = {entry.transaction_id for entry in records} - {None}
        given.sort(key=lambda statement: _rank(statement, api_ids))
    return given


def _rank(statement: Statement, api_ids: AbstractSet[int | None]) -> tuple[object, ...]:
    """Return the place of a statement among others; the same for the same rows in any order.

    Those that leave nothing open tell how to read the others.  The most precise first; of one
    format, first those whose ids can prove themselves on the API.
    """
    precision = statement.precision
    has_ids = precision.exchange_ids
    shares_ids = has_ids and any(row.transaction_id in api_ids for row in statement.entries)
    return (
        precision.zone_open or bool(statement.alternatives),
        not has_ids,
        precision.time_step,
        statement.format,
        not shares_ids,
        sum(zlib.crc32(row.id.encode()) for row in statement.entries),
        statement.digest,
        statement.path or "",
    )


def _match(pair: Pair) -> Match:
    from_api = pair.known.source.row is None
    return Match(
        api=pair.all_known if from_api else (),
        file=pair.rows if from_api else (pair.known, *pair.rows),
        rule=pair.rule,
        grade=pair.grade,
    )


def _place_of_row(match: Match) -> tuple[object, ...]:
    return place(match.file[0])


def _time_of_row(match: Match) -> dt.datetime:
    return match.file[0].time


def _row_counts(statement: Statement, pairing: Pairing) -> Counts:
    counts = statement.counts
    quarantined = sum(isinstance(row, UnknownEntry) for row in pairing.new)
    return Counts(
        received=counts.rows - counts.set_aside,
        kept=len(pairing.new) - quarantined,
        witnessed=sum(len(pair.rows) for pair in pairing.pairs) + len(pairing.plain),
        quarantined=quarantined + counts.unreadable,
    )
