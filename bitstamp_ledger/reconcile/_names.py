"""Equal rows of several statements, each under an id of its own.

The id of a row says what it states, so that a file that was saved again has the same ids.  Two
files can print two events alike, though: then both are kept, and the ids must tell them apart.

1. Of the kept rows of one id, that of the statement with the lowest digest keeps it; the others are
   called by the digest of their statement as well.  Neither depends on the order of the input.
2. Decisions may call any row so, whichever name the result shows.
"""

from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence

import attrs

from bitstamp_ledger.files import Statement
from bitstamp_ledger.model import Entry, row_name, split_row_name
from bitstamp_ledger.reconcile._observe import sorted_by_time
from bitstamp_ledger.reconcile._result import Conflict, Decision, Match, Reconciliation, Suspect


def rows_as_called(
    statements: Sequence[Statement], decisions: Sequence[Decision]
) -> tuple[Sequence[Statement], Sequence[Decision]]:
    """Give rows that a decision calls by their statement that name while they are read.

    A decision that calls them by what they state alone is about all of them.  Of two rows, either
    may be the one that is known when the other is read.
    """
    called = {name for each in decisions for name in (each.record_id, each.row_id)}
    wanted = {identity for identity, digits in map(split_row_name, called) if digits is not None}
    if not wanted:
        return statements, decisions
    names: dict[str, list[str]] = defaultdict(list)
    renamed = [_renamed(statement, wanted, names) for statement in statements]

    def all_names(name: str) -> list[str]:
        return names.get(name, [name])

    said = [
        Decision(verdict=each.verdict, record_id=record_id, row_id=row_id)
        for each in decisions
        for one in all_names(each.record_id)
        for other in all_names(each.row_id)
        for record_id, row_id in ((one, other), (other, one))
    ]
    return renamed, said


def _renamed(
    statement: Statement, wanted: Container[str], names: dict[str, list[str]]
) -> Statement:
    """Return a statement in which some rows have their name for an id, and note those names."""
    here = {row.id for row in statement.entries if row.id in wanted}
    if not here:
        return statement
    digest = statement.rows_digest
    for identity in sorted(here):
        names[identity].append(row_name(identity, digest))

    def renamed(reading: Statement) -> Statement:
        return attrs.evolve(
            reading,
            rows_digest=digest,
            entries=tuple(
                attrs.evolve(row, id=row_name(row.id, digest)) if row.id in here else row
                for row in reading.entries
            ),
            alternatives=tuple(map(renamed, reading.alternatives)),
        )

    return renamed(statement)


def with_own_ids(
    result: Reconciliation,
    kept: Sequence[tuple[Statement, Sequence[Entry]]],
    *,
    were_called: bool,
) -> Reconciliation:
    """Return the result with ids of kept rows that are all different.

    Args:
        result: what was found.
        kept: the rows of each statement that are entries of their own; within one statement, no
            two have one id.
        were_called: whether `rows_as_called` gave names to some.
    """
    with_rows = [(statement, rows) for statement, rows in kept if rows]
    own: Mapping[int, Entry] = {}
    if were_called:
        own = _final(result, with_rows)
    elif len(with_rows) > 1:
        own = _told_apart(with_rows)
    if not own:
        return result

    def all_own(entries: Iterable[Entry]) -> tuple[Entry, ...]:
        return tuple(own.get(id(entry), entry) for entry in entries)

    def match(each: Match) -> Match:
        return attrs.evolve(each, file=all_own(each.file))

    def conflict(each: Conflict) -> Conflict:
        return attrs.evolve(each, file=all_own(each.file))

    def suspect(each: Suspect) -> Suspect:
        row, near = all_own((each.row, each.near))
        return attrs.evolve(each, row=row, near=near)

    return attrs.evolve(
        result,
        entries=tuple(sorted_by_time(all_own(result.entries), place_in_ledger)),
        new=tuple(sorted_by_time(all_own(result.new), place_in_ledger)),
        matches=tuple(map(match, result.matches)),
        file_matches=tuple(map(match, result.file_matches)),
        conflicts=tuple(map(conflict, result.conflicts)),
        suspects=tuple(map(suspect, result.suspects)),
    )


def place_in_ledger(entry: Entry) -> tuple[object, ...]:
    """Return what the entries of a result are sorted by."""
    return entry.time, entry.transaction_id or 0, entry.source.row or 0, entry.id


def _final(
    result: Reconciliation, kept: Sequence[tuple[Statement, Sequence[Entry]]]
) -> Mapping[int, Entry]:
    """Return all rows that have another id now than they shall have, by the `id` of the row."""
    own: dict[int, Entry] = {}
    for match in (*result.matches, *result.file_matches):
        for row in match.file:
            identity, digits = split_row_name(row.id)
            if digits is not None:
                own[id(row)] = attrs.evolve(row, id=identity)
    for _, rows in kept:
        for row in rows:
            own[id(row)] = attrs.evolve(row, id=split_row_name(row.id)[0])
    plain = [(statement, [own[id(row)] for row in rows]) for statement, rows in kept]
    apart = _told_apart(plain)
    return {number: apart.get(id(row), row) for number, row in own.items()}


def _told_apart(kept: Sequence[tuple[Statement, Sequence[Entry]]]) -> Mapping[int, Entry]:
    """Return the rows that need another id than that of what they state, by the `id` of the row."""
    often = Counter(row.id for _, rows in kept for row in rows)
    if len(often) == often.total():
        return {}
    alike: dict[str, list[tuple[tuple[object, ...], str, Entry]]] = defaultdict(list)
    for statement, rows in kept:
        twins = [row for row in rows if often[row.id] > 1]
        digest = statement.rows_digest if twins else ""
        for row in twins:
            place = digest, statement.path or "", row.source.row or 0
            alike[row.id].append((place, digest, row))
    apart: dict[int, Entry] = {}
    for identity, found in alike.items():
        taken = {identity}
        for _, digest, row in sorted(found, key=lambda each: each[0])[1:]:
            name = first = row_name(identity, digest)
            while name in taken:  # A statement that was handed over twice.
                name = f"{first}-{len(taken)}"
            taken.add(name)
            apart[id(row)] = attrs.evolve(row, id=name)
    return apart
