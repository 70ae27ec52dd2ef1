"""The whole story of an entry: where it came from, what it was matched with, who said what."""

from collections.abc import Iterator, Sequence

import sqlalchemy as sa

from bitstamp_ledger.ledger._decisions import Kin, about
from bitstamp_ledger.ledger._instants import from_text
from bitstamp_ledger.ledger._lookup import versions_by_id
from bitstamp_ledger.ledger._matching import row_entry
from bitstamp_ledger.ledger._names import Names, is_row
from bitstamp_ledger.ledger._records import AccountRef, decode_page
from bitstamp_ledger.ledger._schema import (
    aliases,
    changes,
    files,
    imports,
    records,
    runs,
    sightings,
    view_rows,
)
from bitstamp_ledger.ledger._values import HistoryEvent, RecordedDecision
from bitstamp_ledger.model import split_row_name
from bitstamp_ledger.reconcile import Grade, Rule


def history_of(connection: sa.Connection, entry_id: str) -> tuple[HistoryEvent, ...]:
    """Return all that is known of an entry, under all its identities, in the order of time."""
    kin = Kin.of(connection)
    called = kin.names_of(kin.names.canonical(entry_id))
    events = [
        *(event for each in called for event in _record_events(connection, each)),
        *_row_events(connection, kin.names, called),
        *_match_events(connection, called),
        *(_decision_event(each) for each in about(connection, called)),
    ]
    return tuple(sorted(events, key=lambda event: event.at))


def _record_events(connection: sa.Connection, entry_id: str) -> Iterator[HistoryEvent]:
    found = versions_by_id(connection, entry_id)
    if found is None:
        return
    yield from _versions(connection, found.account, found.record_ids)
    yield from _changes(connection, found.record_ids)
    seen = (
        sa.select(sightings.c.listed, sightings.c.run_id, runs.c.started_at)
        .join(runs, runs.c.id == sightings.c.run_id)
        .where(sightings.c.record_id.in_(found.record_ids))
        .order_by(sightings.c.id)
    )
    for row in connection.execute(seen):
        yield HistoryEvent(
            at=from_text(row.started_at),
            what="returned" if row.listed else "vanished",
            text="The exchange lists it again." if row.listed else "The exchange lists it no more.",
            run_id=row.run_id,
        )


def _versions(
    connection: sa.Connection, account: AccountRef, record_ids: tuple[int, ...]
) -> Iterator[HistoryEvent]:
    rows = connection.execute(
        sa.select(records.c.raw, records.c.run_id, runs.c.started_at)
        .join(runs, runs.c.id == records.c.run_id)
        .where(records.c.id.in_(record_ids))
        .order_by(records.c.id)
    )
    for row in rows:
        (entry,) = decode_page([bytes(row.raw)], account.name)
        yield HistoryEvent(
            at=from_text(row.started_at),
            what="received",
            text=f"The exchange sent it ({entry.source.endpoint}): {entry}.",
            run_id=row.run_id,
            raw=entry.source.raw,
        )


def _changes(connection: sa.Connection, record_ids: tuple[int, ...]) -> Iterator[HistoryEvent]:
    rows = connection.execute(
        sa.select(changes.c.run_id, runs.c.started_at)
        .join(runs, runs.c.id == changes.c.run_id)
        .where(changes.c.record_id.in_(record_ids))
        .order_by(changes.c.id)
    )
    for row in rows:
        yield HistoryEvent(
            at=from_text(row.started_at),
            what="changed",
            text="The exchange stated it differently; both versions are kept.",
            run_id=row.run_id,
        )


def _row_events(
    connection: sa.Connection, names: Names, called: Sequence[str]
) -> Iterator[HistoryEvent]:
    shown = {
        (row.shown, row.file_id)
        for identity in {split_row_name(name)[0] for name in called if is_row(name)}
        for row in names.rows(identity)
        if row.name in called
    }
    rows = connection.execute(
        sa.select(
            view_rows.c.entry_id,
            view_rows.c.kind,
            view_rows.c.data,
            view_rows.c.row,
            view_rows.c.file_id,
            files.c.name,
            imports.c.present,
            imports.c.run_id,
            runs.c.started_at,
        )
        .join(files, files.c.id == view_rows.c.file_id)
        .join(imports, imports.c.file_id == files.c.id)
        .join(runs, runs.c.id == imports.c.run_id)
        .where(view_rows.c.entry_id.in_({entry_id for entry_id, _ in shown}))
        .order_by(imports.c.id, view_rows.c.row)
    )
    for row in rows:
        if (row.entry_id, row.file_id) not in shown:
            continue
        place = f"row {row.row} of {row.name or 'a file without a name'}"
        yield HistoryEvent(
            at=from_text(row.started_at),
            what="imported" if row.present else "removed",
            text=f"It is {place}." if row.present else f"The file of {place} was removed.",
            run_id=row.run_id,
            raw=row_entry(row.kind, row.data).source.raw if row.present else None,
        )


def _match_events(connection: sa.Connection, called: Sequence[str]) -> Iterator[HistoryEvent]:
    rows = connection.execute(
        sa.select(aliases)
        .where(sa.or_(aliases.c.row_id.in_(called), aliases.c.known_id.in_(called)))
        .order_by(aliases.c.row_id, aliases.c.known_id)
    )
    told: set[tuple[str, str]] = set()
    for row in rows:  # An identity sorts before the names that begin with it.
        identities = split_row_name(row.row_id)[0], split_row_name(row.known_id)[0]
        if identities in told:
            continue  # An earlier release found it, and called the row by its identity alone.
        if identities == (row.row_id, row.known_id):
            told.add(identities)
        rule, grade = Rule[row.rule], Grade[row.grade]
        yield HistoryEvent(
            at=from_text(row.found_at),
            what="matched",
            text=f"{row.row_id} was recognised as {row.known_id}: {rule.value} ({grade.value}).",
        )


def _decision_event(decision: RecordedDecision) -> HistoryEvent:
    said = ", ".join(f"{name} {value!r}" for name, value in decision.content.items())
    parts = [
        decision.kind.value,
        said,
        "" if decision.undoes is None else f"decision {decision.undoes}",
        "" if decision.other_id is None else f"{decision.entry_id} and {decision.other_id}",
        "" if decision.reason is None else f"because: {decision.reason}",
        "(undone)" if decision.undone else "",
    ]
    return HistoryEvent(
        at=decision.at,
        what=decision.kind.value,
        text=" ".join(filter(None, parts)),
        decision_id=decision.id,
        author=decision.author,
    )
