"""The accounts that a ledger has heard of, and whether they can be read."""

import datetime as dt

import sqlalchemy as sa

from bitstamp_ledger.ledger._instants import from_text, to_text
from bitstamp_ledger.ledger._records import AccountRef
from bitstamp_ledger.ledger._schema import accounts, runs
from bitstamp_ledger.ledger._store import allocate, lock_views
from bitstamp_ledger.ledger._values import AccountCondition, LedgerAccount


def account_refs(connection: sa.Connection) -> list[AccountRef]:
    """Return all accounts, in the order in which the ledger heard of them."""
    rows = connection.execute(sa.select(accounts.c.id, accounts.c.name).order_by(accounts.c.id))
    return [AccountRef(id=row.id, name=row.name) for row in rows]


def find_account(connection: sa.Connection, name: str) -> AccountRef | None:
    """Return the account of this name, if the ledger has heard of it."""
    number = connection.execute(sa.select(accounts.c.id).where(accounts.c.name == name)).scalar()
    return None if number is None else AccountRef(id=number, name=name)


def ensure_account(connection: sa.Connection, name: str) -> AccountRef:
    """Return the account of this name; note it if it is new."""
    known = find_account(connection, name)
    if known is not None:
        return known
    lock_views(connection)  # Somebody else may have noted it since.
    known = find_account(connection, name)
    if known is not None:
        return known
    number = allocate(connection, "accounts")
    connection.execute(
        sa.insert(accounts).values(id=number, name=name, state=AccountCondition.ACTIVE.value)
    )
    return AccountRef(id=number, name=name)


def position_of(connection: sa.Connection, account: AccountRef) -> str | None:
    """Return where the next resume begins, or None before the first page was committed."""
    return connection.execute(
        sa.select(accounts.c.position).where(accounts.c.id == account.id)
    ).scalar()


def set_position(connection: sa.Connection, account: AccountRef, position: str) -> None:
    """Say where the next resume begins."""
    connection.execute(_SET_POSITION, {"account": account.id, "reached": position})


_SET_POSITION = (
    sa.update(accounts)
    .where(accounts.c.id == sa.bindparam("account"))
    .values(position=sa.bindparam("reached"))
)


def set_condition(
    connection: sa.Connection,
    account: AccountRef,
    condition: AccountCondition,
    at: dt.datetime,
    *,
    reason: str | None = None,
    advice: str | None = None,
) -> None:
    """Say whether the account can be read; ``since`` keeps its time while nothing changes."""
    present = connection.execute(
        sa.select(accounts.c.state, accounts.c.since).where(accounts.c.id == account.id)
    ).one()
    same = present.state == condition.value and present.since is not None
    connection.execute(
        sa.update(accounts)
        .where(accounts.c.id == account.id)
        .values(
            state=condition.value,
            reason=reason,
            advice=advice,
            since=present.since if same else to_text(at),
        )
    )


def described(connection: sa.Connection) -> tuple[LedgerAccount, ...]:
    """Return all accounts as callers see them."""
    synced = (
        sa.select(sa.func.max(runs.c.finished_at))
        .where(runs.c.account_id == accounts.c.id, runs.c.kind == "sync", runs.c.outcome == "done")
        .scalar_subquery()
    )
    rows = connection.execute(sa.select(accounts, synced.label("synced")).order_by(accounts.c.id))
    return tuple(
        LedgerAccount(
            name=row.name,
            condition=AccountCondition(row.state),
            reason=row.reason,
            advice=row.advice,
            since=None if row.since is None else from_text(row.since),
            synced_at=None if row.synced is None else from_text(row.synced),
        )
        for row in rows
    )
