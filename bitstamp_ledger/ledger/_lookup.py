"""From an identity to what the ledger holds under it."""

import attrs
import sqlalchemy as sa

from bitstamp_ledger.ledger._accounts import account_refs
from bitstamp_ledger.ledger._names import Names
from bitstamp_ledger.ledger._records import (
    AccountRef,
    Held,
    entry_of,
    place_row,
    present_version,
    versions_of,
)
from bitstamp_ledger.ledger._schema import aliases, decisions, sealed_rows
from bitstamp_ledger.model import split_row_name


@attrs.frozen(kw_only=True)
class Versions:
    """All versions of one record of the API, oldest first."""

    account: AccountRef
    key: str
    record_ids: tuple[int, ...]
    present: int


def versions_by_id(connection: sa.Connection, entry_id: str) -> Versions | None:
    """Return the versions of the record that has, or had, this identity."""
    for account in account_refs(connection):
        if not entry_id.startswith(f"{account.name}/"):
            continue
        rest = entry_id[len(account.name) + 1 :]
        # Where a record was not understood, its identity may end with a digest of its content.
        for key in dict.fromkeys((rest, rest.rpartition("/")[0])):
            found = versions_of(connection, account, key) if key else []
            if found:
                return Versions(
                    account=account,
                    key=key,
                    record_ids=tuple(found),
                    present=present_version(connection, found),
                )
    return None


def held_by_id(connection: sa.Connection, entry_id: str) -> Held | None:
    """Return the record that has this identity now, or None."""
    found = versions_by_id(connection, entry_id)
    if found is None:
        return None
    entry = entry_of(connection, found.account, found.present)
    if entry.id != entry_id:
        return None
    place = place_row(found.account.id, found.present, entry)[1:4]
    return Held(place=place, entry=entry)


def is_known(connection: sa.Connection, name: str) -> bool:
    """Say whether the ledger has ever heard of this identity, or name of a row."""
    if versions_by_id(connection, name) is not None:
        return True
    names = Names(connection)
    identity, digits = split_row_name(name)
    if any(digits is None or row.name == name for row in names.rows(identity)):
        return True
    called = names.all_names(identity) if digits is None else [name]
    for column in (
        sealed_rows.c.entry_id,
        aliases.c.row_id,
        aliases.c.known_id,
        decisions.c.entry_id,
        decisions.c.other_id,
    ):
        query = sa.select(sa.literal(1)).where(column.in_(called)).limit(1)
        if connection.execute(query).scalar() is not None:
            return True
    return False
