"""From an older schema to the present one, in place.

``STEPS[n]`` turns a ledger of version ``n`` into one of version ``n + 1``.  A step only ever adds:
tables, columns with a default, indexes.  Steps are never edited once they were released; a ledger
of each released version is kept in the tests and must open.  All steps of one opening are one
transaction, so that a ledger is of one version or the other, never between.
"""

from collections.abc import Callable, Mapping
from typing import Final

from sqlalchemy import Connection, insert, inspect, select, update

from bitstamp_ledger.errors import LedgerError
from bitstamp_ledger.ledger._schema import (
    COUNTERS,
    NOTES,
    SCHEMA_VERSION,
    counters,
    meta,
    metadata,
    sink_entries,
    sinks,
)

Step = Callable[[Connection], None]


def _remember_sinks(connection: Connection) -> None:
    """Schema 2: what each followed sink holds, and an id that sinks tell ledgers apart by."""
    metadata.create_all(connection, tables=[sinks, sink_entries])
    connection.execute(insert(counters), [{"name": "sinks", "next": 1}])
    connection.execute(insert(meta), [{"key": "ledger_id", "value": ""}])


STEPS: Final[Mapping[int, Step]] = {1: _remember_sinks}

VERSION_KEY: Final = "schema_version"


def is_current(connection: Connection) -> bool:
    """Say whether there is nothing to do, without writing or waiting for a writer."""
    return inspect(connection).has_table(meta.name) and version_of(connection) == SCHEMA_VERSION


def prepare(
    connection: Connection, *, steps: Mapping[int, Step] = STEPS, version: int = SCHEMA_VERSION
) -> None:
    """Make the tables, or bring those of an older version up to date.

    Raises:
        LedgerError: a newer release wrote this ledger, or a step is missing.
    """
    if not inspect(connection).has_table(meta.name):
        metadata.create_all(connection)
        notes = [{"key": key, "value": ""} for key in NOTES]
        connection.execute(insert(meta), [{"key": VERSION_KEY, "value": str(version)}, *notes])
        connection.execute(insert(counters), [{"name": name, "next": 1} for name in COUNTERS])
        return
    found = version_of(connection)
    if found > version:
        raise LedgerError(
            f"A newer release wrote this ledger: schema {found}, where this one knows {version}.",
            hint="Install that release, or a later one; nothing was changed.",
        )
    for older in range(found, version):
        step = steps.get(older)
        if step is None:
            raise LedgerError(
                f"No step leads from schema {older} to {older + 1}.",
                hint="This is a fault of the release; nothing was changed.",
            )
        step(connection)
    if found != version:
        connection.execute(update(meta).where(meta.c.key == VERSION_KEY).values(value=str(version)))


def version_of(connection: Connection) -> int:
    """Return the schema version that a ledger says it has.

    Raises:
        LedgerError: it says none.
    """
    value = connection.execute(select(meta.c.value).where(meta.c.key == VERSION_KEY)).scalar()
    if value is None or not value.isdigit():
        raise LedgerError(
            "The database has a table of a ledger, but no schema version.",
            hint="Restore it from a backup; nothing was changed.",
        )
    return int(value)
