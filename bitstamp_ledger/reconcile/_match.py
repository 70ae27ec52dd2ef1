"""Pair the rows of one statement with what is known so far.

Known are the records of the API, and the rows of statements that were read before and that no
record explains.  Every rule works on what the stronger ones left, and uses each entry once.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final

import attrs

from bitstamp_ledger.model import Entry, RowGrain, UnknownEntry
from bitstamp_ledger.reconcile._assign import assign, interchangeable
from bitstamp_ledger.reconcile._explain import name_of
from bitstamp_ledger.reconcile._index import REACH, NearIndex, TimeIndex
from bitstamp_ledger.reconcile._observe import (
    Field,
    Fit,
    Observation,
    differences,
    differences_but_time,
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

SYSTEMATIC: Final = 3
"""So many disagreements between ids and contents are no accident: the ids are of another kind.

Equal fills of one order, some of which the API lacks, disagree too, all at one moment; so
agreeing contents count once for each time.
"""

EXCHANGE_ID: Final = "exchange id"
ROW_NUMBER: Final = "row number"


@attrs.frozen
class Pair:
    """One known entry and one row that are the same event."""

    known: Entry
    row: Entry
    rule: Rule
    grade: Grade
    further: tuple[Entry, ...] = ()
    """Where the row is a whole order, its executions but the first."""

    @property
    def all_known(self) -> tuple[Entry, ...]:
        """The known entries: one, or all executions of an order."""
        return (self.known, *self.further)


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
    """Pairs that were found before, the short way."""

    def with_plain(self, plain: list[Match]) -> "Pairing":
        """Return this outcome, and pairs beside it that were found before."""
        after = self.known_after

        def known_after() -> list[Observation]:
            paired = (observe(match.api[0]).witnessed_by(observe(match.file[0])) for match in plain)
            return in_order([*after(), *paired])

        return attrs.evolve(self, plain=plain, known_after=known_after)


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
    matcher.look_for_near_misses()
    matcher.look_for_repeated_ids(observed)
    new = in_order([*matcher.set_apart, *matcher.rows])
    return Pairing(
        trust=_trust(path, agreeing, contradicting, matcher),
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
            if (record_id, row_id) in self.rejected:
                continue
            if record_id in free and row_id in rows:
                self._join(free.pop(record_id), rows.pop(row_id), Rule.DECISION, Grade.CERTAIN)
        self._sweep()

    def by_id(self) -> tuple[int, int]:
        """Pair rows that carry the id of a known entry with the same content.

        Whether ids are the exchange's is shown by its records; that rows of two files share ids
        shows no more than that both come from one source.

        Returns:
            How many rows agree with the entry of their id, and how many contradict it.
        """
        by_id = self._known_by_id()
        of_api = self._evidence(by_id, from_api=True)
        of_files = self._evidence(by_id, from_api=False)
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

    def _evidence(
        self, by_id: Mapping["ExchangeId | None", list[Observation]], *, from_api: bool
    ) -> "_Evidence":
        """Compare every row with the entries of its id, of the API or of other files."""
        evidence = _Evidence()
        taken: set[int] = set()
        for row in self.rows if by_id else ():
            candidates = [
                known
                for known in by_id.get(_exchange_id(row), ())
                if _is_from_api(known) is from_api
                and id(known) not in taken
                and not self._is_rejected(known, row)
            ]
            fitting = [known for known in candidates if _same_content(known, row)]
            if fitting:
                taken.add(id(fitting[0]))
                evidence.agreeing.append((fitting[0], row))
            elif clashing := [known for known in candidates if _same_place(known, row)]:
                evidence.contradicting.append((row, clashing))
        return evidence

    def _known_by_id(self) -> Mapping["ExchangeId | None", list[Observation]]:
        """Return the known entries whose id some row carries, by id."""
        wanted = {_exchange_id(row) for row in self.rows} - {None}
        found: dict[ExchangeId | None, list[Observation]] = defaultdict(list)
        for known in self.free if wanted else ():
            identity = _exchange_id(known)
            if identity in wanted:
                found[identity].append(known)
        return found

    def by_cells(self, *, is_copy: bool) -> None:
        """Pair rows that are not understood with the same rows of a file read before.

        Their content proves nothing, but the same cells, as often as the fuller file has them, do.

        Rows of which nobody knows the zone are paired so where the whole file is a copy.  Where it
        only overlaps with another, somebody may have changed the tool's zone in between, and then
        a bot's nine o'clock of one file is its ten o'clock of the other, in cells alike.
        """
        seen = {
            known.entry.id: known
            for known in self.free
            if known.entry.source.row is not None
            and (isinstance(known.entry, UnknownEntry) or not known.settled)
        }
        for row in self.rows if seen else ():
            known = seen.get(row.entry.id)
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
        if not may_be_unlike or all(_exchange_id(row) is None for row in self.rows):
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
        """Return pairs of what is left, one-to-one, as many as possible."""
        row_classes = self._row_classes(rows)
        index = TimeIndex(free)
        fits: dict[int, list[tuple[int, Fit]]] = defaultdict(list)
        for number, (row, *_) in enumerate(row_classes):
            for position, fit in index.fitting(row):
                if fit is not Fit.UNPROVEN and self._may_pair(
                    free[position], row, despite_ids=despite_ids
                ):
                    fits[position].append((number, fit))
        by_reach: dict[tuple[bool, tuple[tuple[int, Fit], ...]], list[Observation]]
        by_reach = defaultdict(list)
        for position in sorted(fits):
            known = free[position]
            by_reach[_is_from_api(known), tuple(fits[position])].append(known)
        known_classes = list(by_reach.values())
        # Records come first: so another file cannot take a record's witness away.
        edges = {
            (number, row_class): int(fit) + (0 if from_api else len(Fit))
            for number, (from_api, reach) in enumerate(by_reach)
            for row_class, fit in reach
        }
        amounts = assign(
            [len(members) for members in known_classes],
            [len(members) for members in row_classes],
            edges,
        )
        undecided = self._undecided(edges, amounts, known_classes, row_classes)
        pairs: list[Pair] = []
        left_known = [iter(members) for members in known_classes]
        left_rows = [iter(members) for members in row_classes]
        for known_class, row_class in sorted(amounts):
            if row_class in undecided:
                continue
            sure = edges[known_class, row_class] % len(Fit) <= Fit.WITHIN
            grade = Grade.STRONG if sure else Grade.WEAK
            for _ in range(amounts[known_class, row_class]):
                known, row = next(left_known[known_class]), next(left_rows[row_class])
                pairs.append(Pair(known.entry, row.entry, Rule.INTERVALS, grade))
        return pairs

    def _undecided(
        self,
        edges: Mapping[tuple[int, int], int],
        amounts: Mapping[tuple[int, int], int],
        known_classes: Sequence[list[Observation]],
        row_classes: Sequence[list[Observation]],
    ) -> set[int]:
        """Return the row classes of which it is open which row is left over, and report them.

        More rows than known entries is fine while the rows are alike: whichever is kept, the
        ledger is the same.  Where they state different facts it is not, and nothing is guessed.
        """
        used: Counter[int] = Counter()
        for (_, row_class), amount in amounts.items():
            used[row_class] += amount
        left_over = [
            row_class
            for row_class in {row for _, row in edges}
            if used[row_class] < len(row_classes[row_class])
        ]
        undecided: set[int] = set()
        for group in interchangeable(edges, amounts, left_over) if left_over else ():
            if len({_ledger_facts(row_classes[row_class][0]) for row_class in group}) == 1:
                continue
            undecided.update(group)
            fitting = {known_class for known_class, row_class in amounts if row_class in group}
            self.conflicts.append(
                _conflict(
                    [
                        each
                        for known_class in sorted(fitting)
                        for each in known_classes[known_class]
                    ],
                    [row for row_class in group for row in row_classes[row_class]],
                    "more rows fit than there are entries, and they differ",
                )
            )
        return undecided

    def look_for_near_misses(self) -> None:
        """For rows left over, find the known entry left over that misses by one field."""
        if not self.rows:
            return
        sums = orders(self.free) if any(map(may_be_order, self.rows)) else []
        index = NearIndex(in_order([*self.free, *sums]) if sums else self.free)
        disputed = {id(row) for conflict in self.conflicts for row in conflict.file}
        disputed.update(id(suspect.row) for suspect in self.suspects)
        for rows in self._row_classes(self.rows):
            near = next(
                (
                    (known, field)
                    for known, field in index.nearest(rows[0])
                    if not self._is_rejected(known, rows[0])
                ),
                None,
            )
            for row in rows if near is not None else ():
                if near is not None and id(row.entry) not in disputed:
                    known, field = near
                    first = known.fills[0].entry if known.fills else known.entry
                    self.suspects.append(Suspect(row=row.entry, near=first, field=field.value))

    def look_for_repeated_ids(self, rows: Iterable[Observation]) -> None:
        """Report rows that repeat the id and the content of a row of their own statement.

        A file that was pasted together from two exports holds such rows.  Nothing inside one file
        is ever merged, so they are kept, and shown.
        """
        if self.ids_unlike:
            return
        left_over = {id(row) for row in self.rows}
        first: dict[ExchangeId, Observation] = {}
        for row in rows:
            identity = _exchange_id(row)
            if identity is None:
                continue
            earlier = first.setdefault(identity, row)
            if earlier is not row and id(row) in left_over and _same_content(earlier, row):
                self.suspects.append(Suspect(row=row.entry, near=earlier.entry, field=ROW_NUMBER))

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
        if _exchange_id(row) is None or _exchange_id(known) is None:
            return True
        is_one_kind = self.ids_trusted if _is_from_api(known) else self.file_ids_trusted
        return despite_ids and not is_one_kind

    def _row_classes(self, of: Iterable[Observation]) -> list[list[Observation]]:
        """Group the rows that are interchangeable, each group in the order of the file.

        A row of which people rejected a pair is not interchangeable with its twins.
        """
        found: dict[object, list[Observation]] = defaultdict(list)
        for row in of:
            own_id = row.entry.id if row.entry.id in self.rejected_rows else None
            key = row.content, row.start, _exchange_id(row) is None, own_id
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
        done = {id(pair.row) for pair in self.pairs} | {id(row.entry) for row in self.set_apart}
        self.free = [known for known in self.free if id(known.entry) not in paired]
        self.rows = [row for row in self.rows if id(row.entry) not in done]


ExchangeId = tuple[str, int]


@attrs.define
class _Evidence:
    """What the ids of a statement say when they are held against known entries."""

    agreeing: list[tuple[Observation, Observation]] = attrs.field(factory=list)
    """Known entries and rows with one id and one content."""

    contradicting: list[tuple[Observation, list[Observation]]] = attrs.field(factory=list)
    """Rows, and the known entries of the same id that are of other content."""

    @property
    def unlike(self) -> bool:
        """Whether the ids are of two kinds."""
        return len(self.contradicting) >= max(SYSTEMATIC, len(self.agreeing) + 1)

    @property
    def trusted(self) -> bool:
        """Whether the ids are of one kind."""
        return bool(self.agreeing) and not self.unlike


def _is_from_api(observation: Observation) -> bool:
    return observation.entry.source.row is None


def _exchange_id(observation: Observation) -> ExchangeId | None:
    entry = observation.entry
    if entry.transaction_id is None or not observation.precision.exchange_ids:
        return None
    return entry.account, entry.transaction_id


def _ledger_facts(row: Observation) -> tuple[object, ...]:
    """Return what a ledger would hold of a row."""
    return row.entry.legs, row.start, row.end, row.entry.fee


def _same_content(known: Observation, row: Observation) -> bool:
    if isinstance(known.entry, UnknownEntry) or isinstance(row.entry, UnknownEntry):
        # What one side does not understand is compared by its amounts alone.
        return _sizes(known.entry) == _sizes(row.entry) and Field.TIME not in differences(
            known, row
        )
    if not (known.settled and row.settled):
        # Nobody knows the hour; a clock is never further off than this.
        near = abs(known.start - row.start) <= REACH + (row.end - row.start)
        return near and next(differences_but_time(known, row), None) is None
    return next(differences(known, row), None) is None


def _sizes(entry: Entry) -> list[tuple[str, object]]:
    return sorted((leg.currency, abs(leg.value)) for leg in entry.legs)


def _same_place(known: Observation, row: Observation) -> bool:
    """Say whether one id can only mean one event.

    Records of two kinds may share an id, and so do both sides of a trade
    (docs/facts/exchange.md, "Ids").
    """
    return known.group.family == row.group.family and (
        known.group.received == row.group.received or known.group.currencies != row.group.currencies
    )


def _trust(path: str | None, agreeing: int, contradicting: int, matcher: _Matcher) -> IdTrust:
    if matcher.ids_unlike:
        explanation = (
            "ids and contents disagree throughout, so these are not the exchange's ids; "
            "rows were compared by content"
        )
    elif matcher.ids_trusted:
        explanation = f"{agreeing} rows have both the id and the content of a known entry"
    else:
        explanation = "no row showed whether its id is the exchange's"
    return IdTrust(
        path=path,
        trusted=matcher.ids_trusted,
        agreeing=agreeing,
        contradicting=contradicting,
        explanation=explanation,
    )


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
