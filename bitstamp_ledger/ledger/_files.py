"""Facts of files: the bytes as they came, and how to read them again.

The rows are not stored one by one: whoever has the bytes has every row, and a rule that reads them
better tomorrow finds all that it needs.
"""

import datetime as dt
import json
import os
import tomllib
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final, Literal

import attrs
import sqlalchemy as sa

from bitstamp_ledger.errors import LedgerError, StatementError
from bitstamp_ledger.files import (
    Statement,
    StatementSource,
    bytes_of,
    read_statement,
    zone_name,
    zone_of,
)
from bitstamp_ledger.ledger._instants import from_text, micros
from bitstamp_ledger.ledger._schema import files, imports, runs
from bitstamp_ledger.ledger._store import allocate
from bitstamp_ledger.ledger._values import ImportedFile
from bitstamp_ledger.model import Entry

DateOrderName = Literal["day-first", "month-first"]
_LEVEL: Final = 6


@attrs.frozen(kw_only=True)
class ReadSettings:
    """What was said about a file when it was imported; as plain as JSON."""

    format: str | None = None
    timezone: str | None = None
    account: str | None = None
    date_order: DateOrderName | None = None
    part: str | None = None
    columns: Mapping[str, object] | None = attrs.field(default=None, hash=False)

    def to_json(self) -> str:
        """Write them; equal settings give equal text."""
        return json.dumps(attrs.asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "ReadSettings":
        """Read what `to_json` wrote."""
        return cls(**json.loads(text))


@attrs.frozen(kw_only=True)
class FileFact:
    """A file that was read and is about to be stored, or was stored."""

    content: bytes
    name: str | None
    settings: ReadSettings
    statement: Statement

    @property
    def rows_digest(self) -> str:
        """Return a digest of what the rows state: equal for a file that was saved again."""
        return self.statement.rows_digest


def settings_for(
    *,
    format_name: str | None,
    timezone: str | dt.tzinfo | None,
    account: str | None,
    date_order: DateOrderName | None,
    part: str | None,
    columns: Mapping[str, object] | str | os.PathLike[str] | None,
) -> ReadSettings:
    """Bring what the caller said into a form that can be stored.

    Raises:
        StatementError: a zone that is not known, or a mapping that cannot be read.
    """
    zone = None if timezone is None else zone_name(zone_of(timezone))
    if zone is not None:
        zone_of(zone)  # An offset without a name could not be stored.
    return ReadSettings(
        format=format_name,
        timezone=zone,
        account=account,
        date_order=date_order,
        part=part,
        columns=None if columns is None else json.loads(json.dumps(_mapping(columns))),
    )


def _mapping(columns: Mapping[str, object] | str | os.PathLike[str]) -> dict[str, object]:
    if isinstance(columns, Mapping):
        return dict(columns)
    try:
        return tomllib.loads(Path(columns).read_text("utf-8"))
    except (OSError, ValueError) as exc:
        raise StatementError(
            f"The mapping {os.fspath(columns)!r} cannot be read: {exc}.",
            hint="Give the path of a TOML file, or a dict.",
        ) from exc


def read_fact(source: StatementSource, settings: ReadSettings) -> FileFact:
    """Read a file once, bytes and rows.

    Raises:
        StatementError: it cannot be read.
    """
    content, path = bytes_of(source)
    return FileFact(
        content=content, name=path, settings=settings, statement=_read(content, path, settings)
    )


def _read(content: bytes, name: str | None, settings: ReadSettings) -> Statement:
    statement = read_statement(
        content,
        format=settings.format,
        timezone=settings.timezone,
        account=settings.account,
        date_order=settings.date_order,
        part=settings.part,
        columns=settings.columns,
    )
    return _named(statement, name)


def _named(statement: Statement, name: str | None) -> Statement:
    """Put the file's name back, which the bytes do not have."""
    if name is None:
        return statement
    return attrs.evolve(
        statement,
        path=name,
        entries=tuple(_named_entry(entry, name) for entry in statement.entries),
        alternatives=tuple(_named(other, name) for other in statement.alternatives),
    )


def _named_entry(entry: Entry, name: str) -> Entry:
    return attrs.evolve(entry, source=attrs.evolve(entry.source, path=name))


def same_file(connection: sa.Connection, fact: FileFact) -> int | None:
    """Return the file that holds these bytes, read in this way, or None."""
    return connection.execute(
        sa.select(files.c.id).where(
            files.c.digest == fact.statement.digest, files.c.settings == fact.settings.to_json()
        )
    ).scalar()


def same_rows(connection: sa.Connection, fact: FileFact, present: Iterable[int]) -> int | None:
    """Return a file in the ledger that states the same rows under other bytes, or None."""
    return connection.execute(
        sa.select(files.c.id)
        .where(files.c.rows_digest == fact.rows_digest, files.c.id.in_(list(present)))
        .order_by(files.c.id)
    ).scalar()


def read_otherwise(
    connection: sa.Connection, fact: FileFact, present: Iterable[int]
) -> ImportedFile | None:
    """Return a file in the ledger that is these bytes, but says something else as it was read."""
    for each in imported(connection):
        if each.id in present and each.digest == fact.statement.digest:
            other = statement_of(connection, each.id)
            if other.part == fact.statement.part and _reading(other) != _reading(fact.statement):
                return each
    return None


def _reading(statement: Statement) -> object:
    """Return what can differ between two readings of the same bytes."""
    rows = [[row.id, row.time, row.account] for row in statement.entries]
    others = [_reading(other) for other in statement.alternatives]
    return statement.format, statement.precision, rows, others


def spans_of(statement: Statement) -> list[tuple[int, int]]:
    """Return the earliest and the latest time of each reading of a file, in microseconds.

    Where days and months may be swapped, the other reading can lie months away.
    """
    readings = (statement, *statement.alternatives)
    return [(micros(each.span[0]), micros(each.span[1])) for each in readings if each.span]


def store(connection: sa.Connection, fact: FileFact) -> int:
    """Keep a file."""
    number = allocate(connection, "files")
    spans = spans_of(fact.statement)
    connection.execute(
        sa.insert(files).values(
            id=number,
            digest=fact.statement.digest,
            rows_digest=fact.rows_digest,
            name=fact.name,
            format=fact.statement.format,
            settings=fact.settings.to_json(),
            content=zlib.compress(fact.content, _LEVEL),
            first_us=min((first for first, _ in spans), default=None),
            last_us=max((last for _, last in spans), default=None),
        )
    )
    return number


def note_import(connection: sa.Connection, file_id: int, run_id: int, *, present: bool) -> None:
    """Write down that a file came in, or was removed."""
    connection.execute(
        sa.insert(imports).values(
            id=allocate(connection, "imports"),
            file_id=file_id,
            run_id=run_id,
            present=int(present),
        )
    )


def imported(connection: sa.Connection) -> list[ImportedFile]:
    """Return every file that was ever imported, in that order."""
    rows = connection.execute(
        sa.select(
            files.c.id,
            files.c.name,
            files.c.format,
            files.c.digest,
            imports.c.present,
            runs.c.started_at,
        )
        .join(imports, imports.c.file_id == files.c.id)
        .join(runs, runs.c.id == imports.c.run_id)
        .order_by(imports.c.id)
    )
    found: dict[int, ImportedFile] = {}
    for row in rows:
        at = from_text(row.started_at)
        if not row.present and row.id in found:
            at = found[row.id].imported_at
        found[row.id] = ImportedFile(
            id=row.id,
            name=row.name,
            format=row.format,
            digest=row.digest,
            imported_at=at,
            present=bool(row.present),
        )
    return list(found.values())


def present_ids(connection: sa.Connection) -> list[int]:
    """Return the files whose rows are in the ledger."""
    return [each.id for each in imported(connection) if each.present]


def statement_of(connection: sa.Connection, file_id: int, *, name: str | None = None) -> Statement:
    """Read a stored file again.

    Args:
        connection: any transaction.
        file_id: which file.
        name: what to call it, where its own name does not tell it from others.

    Raises:
        LedgerError: this release cannot read it any more.
    """
    row = connection.execute(sa.select(files).where(files.c.id == file_id)).one()
    content = zlib.decompress(row.content)
    try:
        statement = _read(content, name or row.name, ReadSettings.from_json(row.settings))
    except StatementError as exc:
        raise LedgerError(
            f"The file {row.name!r}, imported earlier, can no longer be read: {exc}",
            hint="Remove it with remove_import, or install the release that imported it.",
        ) from exc
    # Decisions name rows by it: it must not change with how a release reads the file.
    return attrs.evolve(statement, rows_digest=row.rows_digest)


def content_of(connection: sa.Connection, file_id: int) -> bytes:
    """Return the bytes of a stored file."""
    row = connection.execute(sa.select(files.c.content).where(files.c.id == file_id)).one()
    return zlib.decompress(row.content)
