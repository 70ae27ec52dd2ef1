"""Pair the rows of one statement with what is known so far.

Known are the records of the API, and the rows of statements that were read before and that no
record explains.  Every rule works on what the stronger ones left, and uses each entry once.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence

import attrs

from bitstamp_ledger._page import name_of
from bitstamp_ledger.model import Entry, RowGrain, UnknownEntry, split_row_name
from bitstamp_ledger.reconcile._fee_rows import stated_fee
from bitstamp_ledger.reconcile._fees import join_fee_rows, with_fee_row
from bitstamp_ledger.reconcile._fitting import Pair, fitting_pairs
from bitstamp_ledger.reconcile._ids import (
    SYSTEMATIC,
    evidence_of,
    exchange_id,
    ids_differ,
    is_from_api,
    known_by_id,
    trust_of,
)
from bitstamp_ledger.reconcile._misses import EXCHANGE_ID, lonely_fees, near_misses, repeated_ids
from bitstamp_ledger.reconcile._observe import (
    Field,
    Observation,
    in_order,
    observe,
    place,
    sorted_by_time,
)
from bitstamp_ledger.reconcile._orders import may_be_order, orders
from bitstamp_ledger.reconcile._result import (
    Conflict,
    Decision,
    Grade,
    IdTrust,
    Match,
    Rule,
    Suspect,
    Verdict,
)
from bitstamp_ledger.reconcile._settle import Settled


@attrs.frozen(kw_only=True)
class Pairing:
    """The outcome for one statement."""

    trust: IdTrust
    pairs: list[Pair]
    conflicts: list[Conflict]
    suspects: list[Suspect]
    new: list[Entry]
    """Rows that are no second witness, those of conflicts and suspects included."""

    known_after: Callable[[], list[Observation]]
    """What is known now: the entries known before, with their new witnesses, and the new rows."""

    plain: list[Match] = attrs.field(factory=list)
    """Pairs that were found before, the short way; in the order of their rows."""

    left: Sequence[Entry] | None = None
    """The records that were left then, in order; None where it was all of them."""

    def known_paired(self, *, plain: bool = True) -> Iterator[Entry]:
        """Yield every entry that some row is a witness of; perhaps not those of plain pairs."""
        for pair in self.pairs:
            yield from pair.all_known
        for match in self.plain if plain else ():
            yield from match.api

    @property
    def told(self) -> Iterator[Entry]:
        """The entries that the rows of the statement are, or are second witnesses of."""
        yield from self.new
        yield from self.known_paired()

    def with_plain(self, plain: list[Match], left: Sequence[Entry]) -> "Pairing":
        """Return this outcome, and pairs beside it that were found before, and what was left."""
        after = self.known_after

        def known_after() -> list[Observation]:
            paired = (observe(match.api[0]).witnessed_by(observe(match.file[0])) for match in plain)
            return in_order([*after(), *paired])

        return attrs.evolve(self, plain=plain, left=left, known_after=known_after)


def pair_rows(
    known: Sequence[Observation],
    settled: Settled,
    *,
    path: str | None,
    decisions: Iterable[Decision] = (),
    ids_proven: bool = False,
    is_copy: bool = False,
) -> Pairing:
    """Pair the rows of one statement with known entries.

    The outcome does not depend on the order of either input.

    Args:
        known: entries of one or more accounts, as `in_order` returns them.
        settled: the rows of the statement, and what is known of their readings.
        path: the statement's path, for what is said about it.
        decisions: what people said about pairs; obeyed before any rule.
        ids_proven: whether another statement of this format has shown that its ids are the
            exchange's.
        is_copy: whether the statement is another one, saved again.
    """
    observed = settled.rows
    matcher = _Matcher(free=list(known), rows=observed, ids_proven=ids_proven)
    matcher.know_orders(known)
    matcher.obey(decisions)
    agreeing, contradicting = matcher.by_id()
    matcher.by_cells(is_copy=is_copy)
    matcher.by_intervals()
    matcher.tell_of_other_readings(settled.hints)
    matcher.by_orders()
    matcher.by_fees(observed)
    matcher.look_for_lonely_fees(known, observed)
    matcher.look_for_near_misses()
    matcher.look_for_repeated_ids(observed)
    new = in_order([*matcher.set_apart, *matcher.rows])
    return Pairing(
        trust=trust_of(
            path,
            agreeing,
            contradicting,
            trusted=matcher.ids_trusted,
            unlike=matcher.ids_unlike,
        ),
        pairs=sorted_by_time(
            matcher.pairs, lambda pair: place(pair.row), lambda pair: pair.row.time
        ),
        conflicts=matcher.conflicts,
        suspects=sorted(matcher.suspects, key=lambda suspect: place(suspect.row)),
        new=[row.entry for row in new],
        known_after=lambda: in_order([*_witnessed(known, observed, matcher.pairs), *new]),
    )


def _place_among_twins(row: Observation) -> tuple[object, ...]:
    """Return what equal rows are sorted by: what their cells state, then where they stand."""
    entry = row.entry
    content, _, _ = entry.id.rpartition("-")
    return entry.transaction_id or 0, content, entry.source.row or 0


def _witnessed(
    known: Iterable[Observation], rows: Iterable[Observation], pairs: Iterable[Pair]
) -> Iterator[Observation]:
    row_of = {id(row.entry): row for row in rows}
    # A row that is a whole order says nothing of one of its executions.
    witness_of = {id(pair.known): row_of[id(pair.row)] for pair in pairs if not pair.further}
    for observation in known:
        witness = witness_of.get(id(observation.entry))
        yield observation if witness is None else observation.witnessed_by(witness)


@attrs.define
class _Matcher:
    free: list[Observation]
    """Known entries not yet paired, by time."""

    rows: list[Observation]
    """Rows not yet paired, by time."""

    ids_proven: bool = False
    """Whether ids of this format have proved themselves elsewhere."""

    parts: set[int] = attrs.field(factory=set)
    """Executions of orders that have several; a row that is a whole order is none of them."""

    rejected: set[tuple[str, str]] = attrs.field(factory=set)
    rejected_rows: set[str] = attrs.field(factory=set)
    confirmed_fees: list[tuple[str, str]] = attrs.field(factory=list)
    """Known entries and rows of fees of which people said that they are one."""

    ids_trusted: bool = False
    """Whether ids have proved themselves on this statement."""

    file_ids_trusted: bool = False
    """Whether ids have shown to be of one kind with those of the files read before."""

    ids_unlike: bool = False
    """Whether ids have shown to be of another kind."""

    pairs: list[Pair] = attrs.field(factory=list)
    conflicts: list[Conflict] = attrs.field(factory=list)
    suspects: list[Suspect] = attrs.field(factory=list)
    set_apart: list[Observation] = attrs.field(factory=list)
    """Rows that contradict a known entry; no further rule may touch them."""

    def know_orders(self, known: Iterable[Observation]) -> None:
        """Note which known entries are but a part of an order, if any row stands for an order."""
        if any(row.precision.grain is RowGrain.ORDER for row in self.rows):
            self.parts = {id(fill.entry) for order in orders(known) for fill in order.fills}

    def obey(self, decisions: Iterable[Decision]) -> None:
        """Apply what people said: confirmed pairs are made, rejected ones can never be.

        Of a pair that is both, the rejection holds: it removes nothing.
        """
        confirmed: list[tuple[str, str]] = []
        for decision in decisions:
            pair = (decision.record_id, decision.row_id)
            if decision.verdict is Verdict.REJECT:
                self.rejected.add(pair)
                self.rejected_rows.add(decision.row_id)
            else:
                confirmed.append(pair)
        if not confirmed:
            return
        free = {known.entry.id: known for known in self.free}
        rows = {row.entry.id: row for row in self.rows}
        for record_id, row_id in confirmed:
            if (record_id, row_id) in self.rejected or row_id not in rows:
                continue
            if stated_fee(rows[row_id].entry) is not None:
                self.confirmed_fees.append((record_id, row_id))
            elif record_id in free:
                self._join(free.pop(record_id), rows.pop(row_id), Rule.DECISION, Grade.CERTAIN)
        self._sweep()

    def by_id(self) -> tuple[int, int]:
        """Pair rows that carry the id of a known entry with the same content.

        Whether ids are the exchange's is shown by its records; that rows of two files share ids
        shows no more than that both come from one source.

        Returns:
            How many rows agree with the entry of their id, and how many contradict it.
        """
        by_id = known_by_id(self.free, self.rows)
        of_api, of_files = (
            evidence_of(self.rows, by_id, self._is_rejected, from_api=from_api)
            for from_api in (True, False)
        )
        self.ids_unlike = of_api.unlike or of_files.unlike
        self.ids_trusted = of_api.trusted
        self.file_ids_trusted = of_files.trusted
        joined: set[int] = set()
        for evidence in (of_api, of_files):
            for known, row in () if evidence.unlike else evidence.agreeing:
                if id(row) not in joined:
                    joined.add(id(row))
                    self._join(known, row, Rule.EXCHANGE_ID, Grade.CERTAIN)
        clashes: dict[int, tuple[Observation, list[Observation]]] = {}
        for evidence in (of_api, of_files):
            for row, clashing in () if evidence.unlike else evidence.contradicting:
                if id(row) not in joined:
                    clashes.setdefault(id(row), (row, []))[1].extend(clashing)
        for row, clashing in clashes.values():
            self._set_apart(row, clashing, "the same exchange id, but other content")
        self._sweep()
        agreeing = {id(row) for _, row in (*of_api.agreeing, *of_files.agreeing)}
        contradicting = {id(row) for row, _ in (*of_api.contradicting, *of_files.contradicting)}
        return len(agreeing), len(contradicting - agreeing)

    def by_cells(self, *, is_copy: bool) -> None:
        """Pair rows that are not understood with the same rows of a file read before.

        Their content proves nothing, but the same cells, as often as the fuller file has them, do.

        Rows of which nobody knows the zone are paired so where the whole file is a copy.  Where it
        only overlaps with another, somebody may have changed the tool's zone in between, and then
        a bot's nine o'clock of one file is its ten o'clock of the other, in cells alike.
        """
        seen = {
            split_row_name(known.entry.id)[0]: known
            for known in self.free
            if known.entry.source.row is not None
            and (isinstance(known.entry, UnknownEntry) or not known.settled)
        }
        for row in self.rows if seen else ():
            known = seen.get(split_row_name(row.entry.id)[0])
            if (
                known is not None
                and (is_copy or isinstance(row.entry, UnknownEntry))
                and known.entry.source.raw == row.entry.source.raw
                and not self._is_rejected(known, row)
            ):
                self._join(known, row, Rule.SAME_CELLS, Grade.STRONG)
        self._sweep()

    def by_intervals(self) -> None:
        """Pair what fits within the intervals, one-to-one, as many as possible.

        Two ids of one kind that differ name two events, whatever the content.  So entries whose
        ids differ are tried last, and only where the ids may be of two kinds.
        """
        self.pairs.extend(self._fitting_pairs(self.free, self.rows, despite_ids=self.ids_unlike))
        self._sweep()
        may_be_unlike = not (self.ids_unlike or self.ids_trusted or self.ids_proven)
        if not may_be_unlike or all(exchange_id(row) is None for row in self.rows):
            return
        pairs = self._fitting_pairs(self.free, self.rows, despite_ids=True)
        if len({pair.row.time for pair in pairs}) >= SYSTEMATIC:
            self.ids_unlike = True
            self.pairs.extend(pairs)
            self._sweep()
            return
        # Too few to say that the ids of this statement are of another kind; and if they are
        # the exchange's, these are different events.  Nothing is merged on that.
        self.suspects.extend(
            Suspect(row=pair.row, near=pair.known, field=EXCHANGE_ID) for pair in pairs
        )

    def tell_of_other_readings(self, hints: Iterable[Suspect]) -> None:
        """Show rows that would be a known entry in a reading that was not taken."""
        free = {id(known.entry) for known in self.free}
        left = {id(row.entry) for row in self.rows}
        self.suspects.extend(
            hint for hint in hints if id(hint.row) in left and id(hint.near) in free
        )

    def by_orders(self) -> None:
        """Pair rows that stand for a whole order with all that is left of one order."""
        told = {id(suspect.row) for suspect in self.suspects}
        rows = [row for row in self.rows if may_be_order(row) and id(row.entry) not in told]
        if not rows:
            return
        sums = orders(known for known in self.free if known.settled)
        if not sums:
            return
        fills_of = {id(order.entry): order.fills for order in sums}
        for pair in self._fitting_pairs(sums, rows, despite_ids=True):
            first, *further = (fill.entry for fill in fills_of[id(pair.known)])
            self.pairs.append(
                attrs.evolve(pair, known=first, further=tuple(further), rule=Rule.ORDERS)
            )
        self._sweep()

    def _fitting_pairs(
        self, free: Sequence[Observation], rows: Iterable[Observation], *, despite_ids: bool
    ) -> list[Pair]:
        """Return pairs of what is left, one-to-one, and report what cannot be decided."""
        fitting = fitting_pairs(
            free,
            self._row_classes(rows),
            lambda known, row: self._may_pair(known, row, despite_ids=despite_ids),
        )
        self.conflicts.extend(
            _conflict(known, rows, "more rows fit than there are entries, and they differ")
            for known, rows in fitting.undecided
        )
        return fitting.pairs

    def by_fees(self, rows: Iterable[Observation]) -> None:
        """Add to a pair whose row states no fee the row that states it, and nothing else."""
        if not any(stated_fee(row.entry) is not None for row in self.rows):
            return
        self._obey_on_fees()
        row_of = {id(row.entry): row for row in rows}
        self.pairs = join_fee_rows(
            self.pairs,
            self.rows,
            row_of,
            lambda known, row: (known.id, row.id) in self.rejected,
        )
        self._sweep()

    def _obey_on_fees(self) -> None:
        """Add the rows of fees of which people said whose they are."""
        fee_rows = {row.entry.id: row for row in self.rows if stated_fee(row.entry) is not None}
        free = {known.entry.id: known for known in self.free}
        for record_id, row_id in self.confirmed_fees:
            fee_row = fee_rows.pop(row_id, None)
            number = next(
                (
                    number
                    for number, pair in enumerate(self.pairs)
                    if pair.fee_row is None and record_id in {each.id for each in pair.all_known}
                ),
                None,
            )
            if fee_row is None:
                continue
            if number is not None:
                self.pairs[number] = with_fee_row(self.pairs[number], fee_row.entry)
            elif record_id in free:
                self._join(free.pop(record_id), fee_row, Rule.DECISION, Grade.CERTAIN)
        self._sweep()

    def look_for_lonely_fees(
        self, known: Sequence[Observation], rows: Sequence[Observation]
    ) -> None:
        """Show rows that may be the fee of a known entry, and are not surely so."""
        self.suspects.extend(
            suspect
            for suspect in lonely_fees(known, rows, self._undisputed(), self.pairs)
            if (suspect.near.id, suspect.row.id) not in self.rejected
        )

    def look_for_near_misses(self) -> None:
        """For rows left over, find the known entry left over that misses by one field."""
        told = {id(row.entry) for row in self._undisputed()}
        self.suspects.extend(
            suspect
            for suspect in near_misses(self.free, self._row_classes(self.rows), self._obstacle)
            if id(suspect.row) in told
        )

    def _undisputed(self) -> list[Observation]:
        """Return the rows left over of which nothing has been said yet."""
        disputed = {id(row) for conflict in self.conflicts for row in conflict.file}
        disputed.update(id(suspect.row) for suspect in self.suspects)
        return [row for row in self.rows if id(row.entry) not in disputed]

    def _obstacle(self, known: Observation, row: Observation, field: Field) -> str | None:
        """Return what differs between two that miss each other by a field; None where all does."""
        if self._is_rejected(known, row):
            return None
        if known.clock != row.clock and not self.ids_unlike and ids_differ(known, row):
            # Of a time that nobody knows, no zone makes two ids one.
            is_one_kind = self.ids_trusted if is_from_api(known) else self.file_ids_trusted
            return None if is_one_kind else EXCHANGE_ID
        return field.value

    def look_for_repeated_ids(self, rows: Iterable[Observation]) -> None:
        """Report rows that repeat the id and the content of a row of their own statement."""
        if not self.ids_unlike:
            self.suspects.extend(repeated_ids(rows, self.rows))

    def _may_pair(self, known: Observation, row: Observation, *, despite_ids: bool) -> bool:
        if row.clock != known.clock:
            return False
        if (
            self.parts
            and row.precision.grain is RowGrain.ORDER
            and not known.fills
            and id(known.entry) in self.parts
        ):
            return False
        return self._ids_allow(known, row, despite_ids=despite_ids)

    def _ids_allow(self, known: Observation, row: Observation, *, despite_ids: bool) -> bool:
        if self.rejected and self._is_rejected(known, row):
            return False
        if exchange_id(row) is None or exchange_id(known) is None:
            return True
        is_one_kind = self.ids_trusted if is_from_api(known) else self.file_ids_trusted
        return despite_ids and not is_one_kind

    def _row_classes(self, of: Iterable[Observation]) -> list[list[Observation]]:
        """Group the rows that are interchangeable, each group in the order of the file.

        A row of which people rejected a pair is not interchangeable with its twins.
        """
        found: dict[object, list[Observation]] = defaultdict(list)
        for row in of:
            own_id = row.entry.id if row.entry.id in self.rejected_rows else None
            key = row.content, row.start, exchange_id(row) is None, own_id
            found[key].append(row)
        for rows in found.values():
            if len(rows) > 1:
                rows.sort(key=_place_among_twins)
        return list(found.values())

    def _is_rejected(self, known: Observation, row: Observation) -> bool:
        if known.fills:
            return any(self._is_rejected(fill, row) for fill in known.fills)
        return (known.entry.id, row.entry.id) in self.rejected

    def _join(self, known: Observation, row: Observation, rule: Rule, grade: Grade) -> None:
        self.pairs.append(Pair(known.entry, row.entry, rule, grade))

    def _set_apart(self, row: Observation, clashing: list[Observation], reason: str) -> None:
        self.set_apart.append(row)
        self.conflicts.append(_conflict(clashing, [row], reason))

    def _sweep(self) -> None:
        """Drop what is paired or set apart from what the next rule sees."""
        paired = {id(pair.known) for pair in self.pairs}
        paired.update(id(entry) for pair in self.pairs for entry in pair.further)
        done = {id(row) for pair in self.pairs for row in pair.rows}
        done.update(id(row.entry) for row in self.set_apart)
        self.free = [known for known in self.free if id(known.entry) not in paired]
        self.rows = [row for row in self.rows if id(row.entry) not in done]


def _conflict(known: Iterable[Observation], rows: Iterable[Observation], reason: str) -> Conflict:
    entries = [each.entry for each in known]
    names = ", ".join(name_of(entry) for entry in entries)
    return Conflict(
        api=tuple(entry for entry in entries if entry.source.row is None),
        file=(
            *(entry for entry in entries if entry.source.row is not None),
            *(row.entry for row in rows),
        ),
        reason=f"{reason}: {names}",
    )
