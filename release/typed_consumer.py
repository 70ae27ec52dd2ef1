"""A small program that uses the public names, for type checkers to read: it must be silent.

`nox -s package` checks it with mypy and basedpyright, both strict, against the installed wheel.
"""

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from typing import assert_type

import bitstamp_ledger as bl


def road(key: str, secret: str) -> bool:
    """From a key and a file to a proved ledger."""
    credentials = bl.Credentials(key=key, secret=secret)
    with bl.Client(credentials) as client, bl.Ledger.open("history.db") as ledger:
        report = bl.check_key(client)
        assert_type(report, bl.KeyReport)
        report.require_read_only()
        synced = ledger.sync(client, mode="full", progress=told)
        assert_type(synced.new, int)
        imported = ledger.import_file("export.csv")
        assert_type(imported.suspects, tuple[bl.Suspect, ...])
        for match in ledger.reconcile().matches:
            ledger.confirm(match)
        with bl.sinks.open("csv", path="out.csv") as out:
            ledger.export(out)
        totals = ledger.balances(at=dt.datetime(2025, 1, 1, tzinfo=dt.UTC))
        assert_type(totals, dict[str, Decimal])
        return ledger.prove(client).holds


def told(progress: bl.SyncProgress) -> None:
    """See how far a sync has come."""
    assert_type(progress.records, int)


def fees(entries: Iterator[bl.Entry]) -> Decimal:
    """Add up what trades cost; what is not stated is None, and a type checker says so."""
    total = Decimal(0)
    for entry in entries:
        match entry:
            case bl.Trade(fee=bl.Amount(value=value)):
                total += value
            case bl.Trade() | bl.Conversion():
                assert_type(entry.price, Decimal | None)
            case _:
                assert_type(entry.legs, tuple[bl.Amount, ...])
    return total


async def same_in_async(credentials: bl.Credentials) -> list[bl.Balance]:
    """Use the other colour."""
    async with bl.AsyncClient(credentials) as client:
        async for entry in client.entries():
            assert_type(entry, bl.Entry)
        return list(await client.balances())


def read(path: str) -> bl.Reconciliation:
    """Reconcile without a ledger."""
    statement = bl.read_statement(path, timezone="Europe/Paris")
    assert_type(statement.problems, tuple[bl.Problem, ...])
    return bl.reconcile(bl.parse_user_transactions(b"[]"), [statement])
