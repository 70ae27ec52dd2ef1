"""Reconcile: all records and all statements -> one ledger, with reasons."""

import zlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet

import attrs

from bitstamp_ledger.files import Statement
from bitstamp_ledger.model import Entry, Trade, UnknownEntry, digest_of
from bitstamp_ledger.reconcile._match import Pair, Pairing, pair_rows
from bitstamp_ledger.reconcile._observe import in_order, observe
from bitstamp_ledger.reconcile._result import (
    Conflict,
    Counts,
    Decision,
    Match,
    Reconciliation,
    StatementReading,
    StatementZone,
)
from bitstamp_ledger.reconcile._settle import settle


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
    said = tuple(decisions)
    records = _Records.of(api)
    api_ids = {entry.transaction_id for entry in records.kept} - {None}
    ordered = sorted(statements, key=lambda statement: _rank(statement, api_ids))
    of_api = {id(entry) for entry in records.kept}
    known = in_order(map(observe, records.kept))
    proven: set[str] = set()
    outcomes: list[tuple[Statement, Pairing]] = []
    zones: list[StatementZone] = []
    readings: list[StatementReading] = []
    for statement in ordered:
        if outcomes:
            known = outcomes[-1][1].known_after()
        settled = settle(known, statement)
        zones.append(settled.zone)
        readings.extend(settled.readings)
        pairing = pair_rows(
            known,
            settled,
            path=statement.path,
            decisions=said,
            ids_proven=statement.format in proven,
        )
        if pairing.trust.trusted:
            proven.add(statement.format)
        outcomes.append((statement, pairing))
    pairs = [pair for _, pairing in outcomes for pair in pairing.pairs]
    seen = {id(known) for pair in pairs for known in pair.all_known}
    new = [row for _, pairing in outcomes for row in pairing.new]
    return Reconciliation(
        entries=tuple(sorted([*records.kept, *new], key=_place)),
        matches=tuple(_match(pair, of_api) for pair in pairs if id(pair.known) in of_api),
        file_matches=tuple(_match(pair, of_api) for pair in pairs if id(pair.known) not in of_api),
        api_only=tuple(entry for entry in records.kept if id(entry) not in seen),
        new=tuple(sorted(new, key=_place)),
        conflicts=(
            *records.conflicts,
            *(conflict for _, pairing in outcomes for conflict in pairing.conflicts),
        ),
        suspects=tuple(suspect for _, pairing in outcomes for suspect in pairing.suspects),
        zones=tuple(zones),
        readings=tuple(readings),
        ids=tuple(pairing.trust for _, pairing in outcomes),
        counts=sum(
            (_row_counts(statement, pairing) for statement, pairing in outcomes),
            start=records.counts,
        ),
    )


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
        received = 0
        versions: dict[object, list[Entry]] = defaultdict(list)
        for entry in api:
            received += 1
            same = versions[_record_key(entry)]
            if all(_content(entry) != _content(other) for other in same):
                same.append(entry)
        kept: list[Entry] = []
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
            kept=tuple(sorted(kept, key=_place)),
            conflicts=tuple(sorted(conflicts, key=lambda conflict: _place(conflict.api[0]))),
            counts=Counts(
                received=received,
                kept=len(kept) - quarantined,
                witnessed=received - len(kept),
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


def _place(entry: Entry) -> tuple[object, ...]:
    return entry.time, entry.transaction_id or 0, entry.source.row or 0, entry.id


def _match(pair: Pair, of_api: set[int]) -> Match:
    from_api = id(pair.known) in of_api
    return Match(
        api=pair.all_known if from_api else (),
        file=(pair.row,) if from_api else (pair.known, pair.row),
        rule=pair.rule,
        grade=pair.grade,
    )


def _row_counts(statement: Statement, pairing: Pairing) -> Counts:
    counts = statement.counts
    quarantined = sum(isinstance(row, UnknownEntry) for row in pairing.new)
    return Counts(
        received=counts.rows - counts.set_aside,
        kept=len(pairing.new) - quarantined,
        witnessed=len(pairing.pairs),
        quarantined=quarantined + counts.unreadable,
    )
