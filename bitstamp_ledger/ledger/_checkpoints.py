"""Balances as the exchange stated them, kept with what was held at that moment."""

import datetime as dt
import json
from collections.abc import Iterable, Mapping
from decimal import Decimal

import attrs
import sqlalchemy as sa

from bitstamp_ledger.ledger._instants import from_text, to_text
from bitstamp_ledger.ledger._records import AccountRef
from bitstamp_ledger.ledger._schema import balances, counters, view_records
from bitstamp_ledger.ledger._store import allocate
from bitstamp_ledger.model import Balance, exact_sum


@attrs.frozen(kw_only=True)
class BalanceCheckpoint:
    """What the exchange stated right after a sync."""

    id: int
    run_id: int
    read_at: dt.datetime
    totals: Mapping[str, Decimal]
    record_high: int
    """The last record that was held then."""

    newest_us: int | None
    """When the newest of them happened."""


def stated_totals(read: Iterable[Balance]) -> dict[str, Decimal]:
    """Return totals by currency; one that is listed twice counts twice."""
    totals: dict[str, Decimal] = {}
    for balance in read:
        before = totals.get(balance.currency, Decimal(0))
        totals[balance.currency] = exact_sum(before, balance.total)
    return totals


def store_checkpoint(
    connection: sa.Connection,
    account: AccountRef,
    run_id: int,
    at: dt.datetime,
    totals: Mapping[str, Decimal],
) -> None:
    """Keep the balances that were stated after a sync.  Zeros of unused currencies are left out."""
    high = connection.execute(
        sa.select(counters.c.next).where(counters.c.name == "records")
    ).scalar()
    newest = connection.execute(
        sa.select(sa.func.max(view_records.c.time_us)).where(
            view_records.c.account_id == account.id
        )
    ).scalar()
    connection.execute(
        sa.insert(balances).values(
            id=allocate(connection, "balances"),
            account_id=account.id,
            run_id=run_id,
            read_at=to_text(at),
            totals=json.dumps({code: str(total) for code, total in totals.items() if total}),
            record_high=0 if high is None else high - 1,
            newest_us=newest,
        )
    )


def checkpoints_of(connection: sa.Connection, account: AccountRef) -> list[BalanceCheckpoint]:
    """Return the checkpoints of an account, oldest first."""
    rows = connection.execute(
        sa.select(balances).where(balances.c.account_id == account.id).order_by(balances.c.id)
    )
    return [
        BalanceCheckpoint(
            id=row.id,
            run_id=row.run_id,
            read_at=from_text(row.read_at),
            totals={code: Decimal(text) for code, text in json.loads(row.totals).items()},
            record_high=row.record_high,
            newest_us=row.newest_us,
        )
        for row in rows
    ]
