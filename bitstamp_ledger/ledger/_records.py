"""Facts of the API: records as received, their versions, and where they stand in time.

1. A record is stored once for each content that the exchange has stated for it.  The same content
   in other words (keys in another order, one more zero) is not another content.
2. Which version holds is what the last row of ``ledger_changes`` says, else the only one there is.
3. ``ledger_view_records`` holds the present version of every record, in the order of time.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import attrs
import sqlalchemy as sa

from bitstamp_ledger.api import RECORD_TYPES, parse_user_transactions
from bitstamp_ledger.ledger._instants import micros
from bitstamp_ledger.ledger._schema import (
    changes,
    records,
    sightings,
    view_records,
    view_sums,
)
from bitstamp_ledger.ledger._store import allocate, insert_many, lock_views
from bitstamp_ledger.model import Entry, UnknownEntry

PAGE_RECORDS: Final = 1_000
"""Records to a commit."""


Place = tuple[int, int, int]
"""Time, exchange id and record number: how the records of one account are sorted."""

BEFORE_ALL: Final[Place] = (-(2**62), -1, -1)


@attrs.frozen(kw_only=True)
class AccountRef:
    """An account's number in the database, and its name."""

    id: int
    name: str


@attrs.frozen(kw_only=True)
class Held:
    """The present version of a record."""

    place: Place
    entry: Entry

    @property
    def record_id(self) -> int:
        """The number of this version."""
        return self.place[-1]


def key_of(entry: Entry, account: str) -> str:
    """Return what all versions of a record share: its identity without account and content."""
    rest = entry.id[len(account) + 1 :]
    if isinstance(entry, UnknownEntry) and entry.transaction_id is not None:
        # A digest follows where the type is known but not this shape of it.
        family, _, tail = rest.partition("/")
        return f"{family}/{tail.partition('/')[0]}"
    return rest


def decode_page(raws: Iterable[bytes], account: str) -> list[Entry]:
    """Return the entries of raw records, as the rules of this release read them."""
    return parse_user_transactions(b"[" + b",".join(raws) + b"]", account=account)


def place_row(account_id: int, record_id: int, entry: Entry) -> tuple[int, int, int, int, str]:
    """Return the row of the view that says where a record stands."""
    return account_id, micros(entry.time), entry.transaction_id or 0, record_id, entry.kind


def delete_place(
    connection: sa.Connection, account: AccountRef, record_id: int, entry: Entry
) -> None:
    """Take a record out of the view."""
    columns = view_records.c
    connection.execute(
        sa.delete(view_records).where(
            columns.account_id == account.id,
            columns.time_us == micros(entry.time),
            columns.exchange_id == (entry.transaction_id or 0),
            columns.record_id == record_id,
        )
    )


@attrs.frozen
class Version:
    """One content of a record."""

    record_id: int
    digest: bytes


def versions_by_key(
    connection: sa.Connection, account: AccountRef, keys: Iterable[str]
) -> dict[str, list[Version]]:
    found: dict[str, list[Version]] = {}
    wanted = sorted(keys)
    if not wanted:
        return found
    rows = connection.execute(
        sa.select(records.c.key, records.c.id, records.c.digest)
        .where(records.c.account_id == account.id, records.c.key.in_(wanted))
        .order_by(records.c.id)
    )
    for key, record_id, digest in rows:
        found.setdefault(key, []).append(Version(record_id, bytes(digest)))
    return found


def present_version(connection: sa.Connection, record_ids: Sequence[int]) -> int:
    """Return which of the versions of one record holds."""
    if len(record_ids) == 1:
        return record_ids[0]
    last = connection.execute(
        sa.select(changes.c.record_id)
        .where(changes.c.record_id.in_(record_ids))
        .order_by(changes.c.id.desc())
        .limit(1)
    ).scalar()
    return min(record_ids) if last is None else int(last)


def versions_of(connection: sa.Connection, account: AccountRef, key: str) -> list[int]:
    """Return the versions of a record, in the order in which they were first stored."""
    return [each.record_id for each in versions_by_key(connection, account, [key]).get(key, [])]


def entry_of(connection: sa.Connection, account: AccountRef, record_id: int) -> Entry:
    """Return one version of a record as an entry."""
    raw = connection.execute(sa.select(records.c.raw).where(records.c.id == record_id)).scalar_one()
    return decode_page([bytes(raw)], account.name)[0]


def entries_by_number(
    connection: sa.Connection, account: AccountRef, numbers: Iterable[int]
) -> Iterator[Entry]:
    """Yield the present versions of the records of an account that have one of these exchange ids.

    A record of a type that is not known cannot be found so.
    """
    wanted = sorted(numbers)
    for at in range(0, len(wanted), _NUMBERS_AT_ONCE):
        keys = [
            f"{family}/{number}"
            for number in wanted[at : at + _NUMBERS_AT_ONCE]
            for family in _FAMILIES
        ]
        found = versions_by_key(connection, account, keys)
        present = [
            present_version(connection, [each.record_id for each in versions])
            for versions in found.values()
        ]
        rows = connection.execute(
            sa.select(records.c.raw).where(records.c.id.in_(present)).order_by(records.c.id)
        )
        yield from decode_page((bytes(row.raw) for row in rows), account.name)


_NUMBERS_AT_ONCE: Final = 50

# Of a trade with oneself, each side has a family of its own (docs/facts/exchange.md, "Ids").
_FAMILIES: Final = sorted(
    {rule.family for rule in RECORD_TYPES.values()} | {"trade-buy", "trade-sell"}
)


def same_content(one: Entry, other: Entry) -> bool:
    """Say whether two records state the same, in whatever words."""
    return attrs.evolve(one, source=other.source, id=other.id) == other


def note_sighting(
    connection: sa.Connection, run_id: int, record_ids: Sequence[int], *, listed: bool
) -> None:
    """Write down that the exchange lists records no more, or again."""
    if not record_ids:
        return
    first = allocate(connection, "sightings", len(record_ids))
    connection.execute(
        sa.insert(sightings),
        [
            {"id": first + at, "record_id": each, "run_id": run_id, "listed": int(listed)}
            for at, each in enumerate(record_ids)
        ],
    )


def gone_records(connection: sa.Connection) -> set[int]:
    """Return the records that the exchange, when last asked, did not list."""
    gone: set[int] = set()
    rows = connection.execute(
        sa.select(sightings.c.record_id, sightings.c.listed).order_by(sightings.c.id)
    )
    for record_id, listed in rows:
        (gone.discard if listed else gone.add)(record_id)
    return gone


def forget_sums(connection: sa.Connection, account: AccountRef) -> None:
    """Drop the sum of an account, because a record that it holds was replaced."""
    lock_views(connection)
    connection.execute(sa.delete(view_sums).where(view_sums.c.account_id == account.id))


def held_pages(
    connection: sa.Connection,
    account: AccountRef,
    *,
    after: Place = BEFORE_ALL,
    since_us: int | None = None,
    until_us: int | None = None,
    kinds: Iterable[str] | None = None,
    table: sa.Table = view_records,
    seal_id: int | None = None,
) -> list[Held]:
    """Return the next stretch of the records of an account, in the order of time."""
    columns = table.c
    order = (columns.time_us, columns.exchange_id, columns.record_id)
    query = (
        sa.select(*order, records.c.raw)
        .join(records, records.c.id == columns.record_id)
        .where(
            columns.account_id == account.id, sa.tuple_(*order) > sa.tuple_(*map(sa.literal, after))
        )
        .order_by(*order)
        .limit(PAGE_RECORDS)
    )
    if seal_id is not None:
        query = query.where(columns.seal_id == seal_id)
    if since_us is not None:
        query = query.where(columns.time_us >= since_us)
    if until_us is not None:
        query = query.where(columns.time_us < until_us)
    if kinds is not None:
        query = query.where(columns.kind.in_(sorted(kinds)))
    rows = connection.execute(query).all()
    entries = decode_page((bytes(row.raw) for row in rows), account.name)
    return [
        Held(place=tuple(row[:3]), entry=entry) for row, entry in zip(rows, entries, strict=True)
    ]


def superseded_ids(connection: sa.Connection) -> set[int]:
    """Return the versions that were replaced by others."""
    replaced: set[int] = set()
    rows = connection.execute(
        sa.select(changes.c.record_id, changes.c.replaced_id).order_by(changes.c.id)
    )
    for record_id, replaced_id in rows:
        replaced.add(replaced_id)
        replaced.discard(record_id)
    return replaced


def record_pages(
    connection: sa.Connection, account: AccountRef, *, after_id: int = 0
) -> Iterator[list[tuple[int, Entry]]]:
    """Yield all versions of all records of an account, in the order in which they were stored."""
    while True:
        rows = connection.execute(
            sa.select(records.c.id, records.c.raw)
            # Plus zero: an index over the account alone would be sorted anew for every page.
            .where(records.c.account_id + 0 == account.id, records.c.id > after_id)
            .order_by(records.c.id)
            .limit(PAGE_RECORDS)
        ).all()
        if not rows:
            return
        after_id = rows[-1].id
        entries = decode_page((bytes(row.raw) for row in rows), account.name)
        yield [(row.id, entry) for row, entry in zip(rows, entries, strict=True)]


def rebuild_places(connection: sa.Connection, accounts: Iterable[AccountRef]) -> None:
    """Make the view of the records anew."""
    replaced = superseded_ids(connection)
    connection.execute(sa.delete(view_records))
    connection.execute(sa.delete(view_sums))
    for account in accounts:
        for page in record_pages(connection, account):
            rows = [
                place_row(account.id, record_id, entry)
                for record_id, entry in page
                if record_id not in replaced
            ]
            insert_many(connection, view_records, rows)
