"""What a caller sees: entries in the order of time, and what they add up to.

Nothing here holds a history in memory, or a transaction open while a caller thinks: entries are
read a page at a time, and a change that is committed in between shows from the next page on.
"""

import heapq
import json
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from typing import Final

import attrs
import sqlalchemy as sa

from bitstamp_ledger.ledger._accounts import account_refs
from bitstamp_ledger.ledger._instants import micros, year_span
from bitstamp_ledger.ledger._lookup import held_by_id
from bitstamp_ledger.ledger._matching import file_counts, row_entry, sort_key
from bitstamp_ledger.ledger._names import Hidden
from bitstamp_ledger.ledger._records import (
    BEFORE_ALL,
    PAGE_RECORDS,
    AccountRef,
    decode_page,
    held_pages,
    record_pages,
    superseded_ids,
)
from bitstamp_ledger.ledger._schema import (
    records,
    sealed_records,
    sealed_rows,
    seals,
    view_records,
    view_rows,
    view_sums,
)
from bitstamp_ledger.ledger._store import Store, lock_views
from bitstamp_ledger.ledger._values import VISIBLE, EntryState
from bitstamp_ledger.model import Entry, UnknownEntry, exact_difference, exact_sum
from bitstamp_ledger.reconcile import Counts

FAR_FUTURE_US: Final = 2**62

Totals = dict[str, Decimal]


@attrs.frozen(kw_only=True)
class Filter:
    """Which entries are wanted; what is None does not matter."""

    since_us: int | None = None
    until_us: int | None = None
    """Exclusive."""

    kinds: frozenset[str] | None = None
    currency: str | None = None
    account: str | None = None
    states: frozenset[EntryState] = VISIBLE
    hidden: Hidden = attrs.field(factory=Hidden)

    def state_of(self, entry: Entry, file_id: int | None = None) -> EntryState:
        """Return the state of an entry that is no witness and no old version."""
        if self.hidden.hides(entry.id, file_id):
            return EntryState.SUPPRESSED
        return EntryState.QUARANTINED if isinstance(entry, UnknownEntry) else EntryState.KEPT

    def takes(self, entry: Entry, state: EntryState) -> bool:
        """Say whether an entry is wanted; time, account and kind were seen to before."""
        return state in self.states and (
            self.currency is None
            or any(leg.currency == self.currency for leg in entry.legs)
            or (entry.fee is not None and entry.fee.currency == self.currency)
        )


@attrs.frozen
class Span:
    """A stretch of time that is read from one place: what is held now, or a seal."""

    since_us: int | None
    until_us: int | None
    seal_id: int | None


def iter_entries(store: Store, wanted: Filter) -> Iterator[Entry]:
    """Yield entries in the order of time."""
    with store.read() as connection:
        accounts = [
            each
            for each in account_refs(connection)
            if wanted.account is None or each.name == wanted.account
        ]
        spans = list(_spans(connection, wanted))
    for span in spans:
        streams = [
            stream for account in accounts for stream in _streams(store, account, span, wanted)
        ]
        if len(streams) == 1:
            yield from streams[0]
        else:
            yield from heapq.merge(*streams, key=sort_key)


def current_seals(connection: sa.Connection) -> dict[int, int]:
    """Return the seal that holds for each sealed year."""
    rows = connection.execute(sa.select(seals.c.year, seals.c.id).order_by(seals.c.id))
    return {row.year: row.id for row in rows}


def _spans(connection: sa.Connection, wanted: Filter) -> Iterator[Span]:
    low = -FAR_FUTURE_US if wanted.since_us is None else wanted.since_us
    high = FAR_FUTURE_US if wanted.until_us is None else wanted.until_us
    for year, seal_id in sorted(current_seals(connection).items()):
        first, end = (min(max(each, low), high) for each in year_span(year))
        if low < first:
            yield Span(low, first, None)
        if first < end:
            yield Span(first, end, seal_id)
        low = max(low, end)
    if low < high:
        yield Span(
            None if low == -FAR_FUTURE_US else low, None if high == FAR_FUTURE_US else high, None
        )


def _streams(
    store: Store, account: AccountRef, span: Span, wanted: Filter
) -> Iterator[Iterator[Entry]]:
    states = wanted.states
    plain = bool(states & {*VISIBLE, EntryState.SUPPRESSED})
    if plain:
        yield _record_stream(store, account, span, wanted)
    if plain or EntryState.WITNESSED in states:
        yield _row_stream(store, account, span, wanted)
    if EntryState.SUPERSEDED in states:
        yield _old_stream(store, account, span, wanted)


def _record_stream(
    store: Store, account: AccountRef, span: Span, wanted: Filter
) -> Iterator[Entry]:
    table = view_records if span.seal_id is None else sealed_records
    after = BEFORE_ALL
    while True:
        with store.read() as connection:
            page = held_pages(
                connection,
                account,
                since_us=span.since_us,
                until_us=span.until_us,
                kinds=wanted.kinds,
                table=table,
                seal_id=span.seal_id,
                after=after,
            )
        for held in page:
            if wanted.takes(held.entry, wanted.state_of(held.entry)):
                yield held.entry
        if len(page) < PAGE_RECORDS:
            return
        after = page[-1].place


def _row_stream(store: Store, account: AccountRef, span: Span, wanted: Filter) -> Iterator[Entry]:
    columns = (view_rows if span.seal_id is None else sealed_rows).c
    order = (columns.time_us, columns.exchange_id, columns.row, columns.entry_id, columns.file_id)
    query = (
        sa.select(*order, columns.kind, columns.kept, columns.data)
        .where(columns.account_id == account.id, *_row_conditions(span, wanted))
        .order_by(*order)
        .limit(PAGE_RECORDS)
    )
    page = query
    while True:
        with store.read() as connection:
            rows = connection.execute(page).all()
        for row in rows:
            entry = row_entry(row.kind, row.data)
            state = wanted.state_of(entry, row.file_id) if row.kept else EntryState.WITNESSED
            if wanted.takes(entry, state):
                yield entry
        if len(rows) < PAGE_RECORDS:
            return
        last = map(sa.literal, rows[-1][: len(order)])
        page = query.where(sa.tuple_(*order) > sa.tuple_(*last))


def _row_conditions(span: Span, wanted: Filter) -> Iterator[sa.ColumnElement[bool]]:
    columns = (view_rows if span.seal_id is None else sealed_rows).c
    if span.seal_id is not None:
        yield columns.seal_id == span.seal_id
    if span.since_us is not None:
        yield columns.time_us >= span.since_us
    if span.until_us is not None:
        yield columns.time_us < span.until_us
    if wanted.kinds is not None:
        yield columns.kind.in_(sorted(wanted.kinds))
    if EntryState.WITNESSED not in wanted.states:
        yield columns.kept == 1


def _old_stream(store: Store, account: AccountRef, span: Span, wanted: Filter) -> Iterator[Entry]:
    """Yield versions that were replaced; there are few, so they are sorted in memory."""
    if span.seal_id is not None:
        return
    found: list[Entry] = []
    with store.read() as connection:
        replaced = sorted(superseded_ids(connection))
        for at in range(0, len(replaced), PAGE_RECORDS):
            rows = connection.execute(
                sa.select(records.c.raw).where(
                    records.c.account_id == account.id,
                    records.c.id.in_(replaced[at : at + PAGE_RECORDS]),
                )
            )
            found.extend(decode_page((bytes(row.raw) for row in rows), account.name))
    for entry in sorted(found, key=sort_key):
        at_us = micros(entry.time)
        if (
            (span.since_us is None or span.since_us <= at_us)
            and (span.until_us is None or at_us < span.until_us)
            and (wanted.kinds is None or entry.kind in wanted.kinds)
            and wanted.takes(entry, EntryState.SUPERSEDED)
        ):
            yield entry


# -- sums


@attrs.frozen(kw_only=True)
class Sums:
    """What entries add up to, and how sure that is."""

    totals: Totals = attrs.field(factory=dict)
    entries: int = 0
    without_fee: int = 0
    unknown: int = 0

    def plus(self, entries: Iterable[Entry], sign: int = 1) -> "Sums":
        """Return the sums with more entries in them, or with so many taken out."""
        totals = dict(self.totals)
        count = without_fee = unknown = 0
        add: Callable[[Decimal, Decimal], Decimal] = exact_sum if sign > 0 else exact_difference
        for entry in entries:
            count += 1
            without_fee += entry.fee is None
            unknown += isinstance(entry, UnknownEntry)
            for currency, change in entry.effect.items():
                totals[currency] = add(totals.get(currency, Decimal(0)), change)
        return Sums(
            totals=totals,
            entries=self.entries + sign * count,
            without_fee=self.without_fee + sign * without_fee,
            unknown=self.unknown + sign * unknown,
        )

    def joined(self, other: "Sums") -> "Sums":
        """Return both together."""
        totals = dict(self.totals)
        for currency, total in other.totals.items():
            totals[currency] = exact_sum(totals.get(currency, Decimal(0)), total)
        return Sums(
            totals=totals,
            entries=self.entries + other.entries,
            without_fee=self.without_fee + other.without_fee,
            unknown=self.unknown + other.unknown,
        )

    @property
    def shown(self) -> Totals:
        """The totals in the order of currencies, zeros left out."""
        return {currency: total for currency, total in sorted(self.totals.items()) if total}


def sums_of(connection: sa.Connection, account: AccountRef, hidden: Hidden) -> Sums:
    """Return what the ledger holds of one account now; records summed before are not read again.

    Args:
        connection: a writing transaction; the sum is kept for the next time.
        account: whose entries.
        hidden: what people have hidden.
    """
    lock_views(connection)
    sums = _record_sums(connection, account)
    rows = connection.execute(
        sa.select(
            view_rows.c.kind, view_rows.c.data, view_rows.c.entry_id, view_rows.c.file_id
        ).where(view_rows.c.account_id == account.id, view_rows.c.kept == 1)
    )
    sums = sums.plus(
        row_entry(row.kind, row.data) for row in rows if not hidden.hides(row.entry_id, row.file_id)
    )
    start = f"{account.name}/"
    suppressed = (held_by_id(connection, each) for each in hidden.records if each.startswith(start))
    return sums.plus((held.entry for held in suppressed if held is not None), -1)


def _record_sums(connection: sa.Connection, account: AccountRef) -> Sums:
    row = connection.execute(
        sa.select(view_sums).where(view_sums.c.account_id == account.id)
    ).one_or_none()
    sums, high = Sums(), 0
    if row is not None:
        high = row.record_high
        sums = Sums(
            totals={code: Decimal(text) for code, text in json.loads(row.totals).items()},
            entries=row.entries,
            without_fee=row.without_fee,
            unknown=row.unknown,
        )
    replaced: set[int] | None = None
    before = high
    for page in record_pages(connection, account, after_id=high):
        if replaced is None:
            replaced = superseded_ids(connection)
        sums = sums.plus(entry for record_id, entry in page if record_id not in replaced)
        high = page[-1][0]
    if high != before:
        connection.execute(sa.delete(view_sums).where(view_sums.c.account_id == account.id))
        connection.execute(
            sa.insert(view_sums).values(
                account_id=account.id,
                record_high=high,
                entries=sums.entries,
                without_fee=sums.without_fee,
                unknown=sums.unknown,
                totals=json.dumps({code: str(total) for code, total in sums.totals.items()}),
            )
        )
    return sums


def counts_of(connection: sa.Connection, hidden: Hidden) -> Counts:
    """Say where every record and every row has gone."""
    facts = connection.execute(sa.select(sa.func.count()).select_from(records)).scalar_one()
    replaced = len(superseded_ids(connection))
    kept_rows = connection.execute(
        sa.select(sa.func.count()).select_from(view_rows).where(view_rows.c.kept == 1)
    ).scalar_one()
    rows = file_counts(connection)
    shown = Sums()
    for account in account_refs(connection):
        shown = shown.joined(sums_of(connection, account, hidden))
    unreadable = rows.received - rows.witnessed - kept_rows
    return Counts(
        received=facts + rows.received,
        kept=shown.entries - shown.unknown,
        witnessed=replaced + rows.witnessed,
        quarantined=shown.unknown + unreadable,
        suppressed=facts - replaced + kept_rows - shown.entries,
    )
