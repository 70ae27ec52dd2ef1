"""Sealed years: what they showed when a person sealed them, until a person accepts something else.

A seal copies which records and rows made up the year.  Facts that come in later are stored as
always; the year goes on showing what was copied, and the differences are a list with reasons.
"""

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any, Final

import attrs
import sqlalchemy as sa

from bitstamp_ledger.errors import LedgerError
from bitstamp_ledger.ledger._accounts import account_refs
from bitstamp_ledger.ledger._instants import to_text, year_span
from bitstamp_ledger.ledger._matching import row_entry
from bitstamp_ledger.ledger._names import digits_of_files
from bitstamp_ledger.ledger._records import AccountRef, entry_of
from bitstamp_ledger.ledger._schema import (
    records,
    sealed_records,
    sealed_rows,
    seals,
    view_pairs,
    view_records,
    view_rows,
)
from bitstamp_ledger.ledger._store import allocate
from bitstamp_ledger.ledger._values import SealedChange, SealedChangeKind
from bitstamp_ledger.ledger._view import current_seals
from bitstamp_ledger.model import UTC, row_name, split_row_name

_YEAR_MIN: Final = 2011
"""The exchange opened in that year."""


def seal_year(
    connection: sa.Connection,
    year: int,
    at: dt.datetime,
    *,
    author: str | None = None,
    reason: str | None = None,
) -> int:
    """Keep what a year shows now.

    Raises:
        LedgerError: the year has not ended, or is no year of the exchange.
    """
    if not _YEAR_MIN <= year <= at.astimezone(UTC).year - 1:
        raise LedgerError(
            f"The year {year} cannot be sealed.",
            hint=f"Seal a year from {_YEAR_MIN} on, once it has ended.",
        )
    number = allocate(connection, "seals")
    connection.execute(
        sa.insert(seals).values(id=number, year=year, at=to_text(at), author=author, reason=reason)
    )
    for source, target in ((view_records, sealed_records), (view_rows, sealed_rows)):
        names = [column.name for column in source.columns]
        connection.execute(
            sa.insert(target).from_select(
                ["seal_id", *names],
                sa.select(sa.literal(number), *source.columns).where(_within(source, year)),
            )
        )
    return number


def changes_in(connection: sa.Connection, year: int) -> tuple[SealedChange, ...]:
    """Return what a sealed year would show differently now; empty for a year without a seal."""
    seal_id = current_seals(connection).get(year)
    if seal_id is None:
        return ()
    found = [
        change
        for account in account_refs(connection)
        for change in _record_changes(connection, account, seal_id, year)
    ]
    found.extend(_row_changes(connection, seal_id, year))
    return tuple(sorted(found, key=lambda change: (change.entry_id, change.kind.value)))


def all_changes(connection: sa.Connection) -> tuple[SealedChange, ...]:
    """Return what all sealed years would show differently now."""
    return tuple(
        change
        for year in sorted(current_seals(connection))
        for change in changes_in(connection, year)
    )


def _within(table: sa.Table, year: int) -> sa.ColumnElement[bool]:
    first, end = year_span(year)
    return sa.and_(table.c.time_us >= first, table.c.time_us < end)


def _record_changes(
    connection: sa.Connection, account: AccountRef, seal_id: int, year: int
) -> Iterator[SealedChange]:
    own = sealed_records.c
    sealed = sa.select(own.record_id).where(own.seal_id == seal_id, own.account_id == account.id)
    live = sa.select(view_records.c.record_id).where(
        view_records.c.account_id == account.id, _within(view_records, year)
    )
    was = _by_key(connection, sealed.except_(live))
    now = _by_key(connection, live.except_(sealed))
    for key in sorted(was.keys() | now.keys()):
        record_id = now.get(key, was.get(key, 0))
        entry_id = entry_of(connection, account, record_id).id
        if key not in was:
            kind, reason = SealedChangeKind.ADDED, "a record that was not held when it was sealed"
        elif key in now:
            kind, reason = SealedChangeKind.ALTERED, "the exchange now states it differently"
        else:
            kind, reason = SealedChangeKind.REMOVED, "it now lies in another year"
        yield SealedChange(year=year, entry_id=entry_id, kind=kind, reason=reason)


def _by_key(connection: sa.Connection, ids: sa.CompoundSelect[int]) -> dict[str, int]:
    rows = connection.execute(sa.select(records.c.key, records.c.id).where(records.c.id.in_(ids)))
    return {row.key: row.id for row in rows}


def _row_changes(connection: sa.Connection, seal_id: int, year: int) -> Iterator[SealedChange]:
    digits = digits_of_files(connection)
    was, now = (
        {row_name(row.entry_id, digits[row.file_id]): row for row in connection.execute(query)}
        for query in (
            sa.select(sealed_rows).where(sealed_rows.c.seal_id == seal_id, sealed_rows.c.kept == 1),
            sa.select(view_rows).where(_within(view_rows, year), view_rows.c.kept == 1),
        )
    )
    matched = _matched(connection)
    for name in sorted(was.keys() | now.keys()):
        if name not in was:
            kind = SealedChangeKind.ADDED
            reason = "a row of a file that was not an entry of its own when it was sealed"
        elif name not in now:
            kind = SealedChangeKind.REMOVED
            known = matched.get(name)
            reason = (
                "its file was removed"
                if known is None
                else f"it was recognised as a second witness of {known}"
            )
        elif _content(was[name]) != _content(now[name]):
            kind, reason = SealedChangeKind.ALTERED, "the row is now read differently"
        else:
            continue
        entry_id = (now.get(name) or was[name]).entry_id
        yield SealedChange(year=year, entry_id=entry_id, kind=kind, reason=reason)


def _content(row: sa.Row[Any]) -> object:
    """Return what a row says; an equal row of another file may have changed its identity."""
    entry = row_entry(row.kind, row.data)
    return attrs.evolve(entry, id=split_row_name(entry.id)[0])


def _matched(connection: sa.Connection) -> Mapping[str, str]:
    rows = connection.execute(sa.select(view_pairs.c.row_id, view_pairs.c.known_id))
    return {row.row_id: row.known_id for row in rows}
