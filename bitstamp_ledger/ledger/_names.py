"""Which entry a name means: of two files that hold equal rows, which of the rows.

The id of a row says what it states, and equal rows of two files can be two events.  So what is
written down of a row names its file as well: ``<id>@<digest of the file's rows>``.  Read again,

1. such a name means its row while a file of these rows is there;
2. otherwise an equal row of a file that was never there together with that one, or that was found
   to tell of the same event: a label survives that a file is removed, and saved anew or longer;
3. an id alone, as earlier releases wrote it, means of equal rows that of the oldest file.

So nothing that was said of one of two equal rows ever falls on the other.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Final

import attrs
import sqlalchemy as sa

from bitstamp_ledger.ledger._schema import (
    aliases,
    files,
    imports,
    sealed_rows,
    seals,
    view_pairs,
    view_rows,
)
from bitstamp_ledger.model import NAME_DIGITS, row_name, split_row_name


@attrs.frozen(kw_only=True)
class NamedRow:
    """A row of a file that is in the ledger."""

    name: str
    file_id: int
    shown: str
    """Its identity in the lists of the ledger."""

    kept: bool
    """Whether it is an entry of its own."""

    time: dt.datetime | None = None
    """When it happened, where that is asked for and known."""


RowsOf = Callable[[str], Sequence[NamedRow]]
"""Returns all present rows of an identity, those of the oldest file first."""


def is_row(name: str) -> bool:
    """Say whether an identity or a name is that of a row of a file."""
    return name.rpartition("/")[2].startswith("row-")


def digits_of_files(connection: sa.Connection) -> dict[int, str]:
    """Return what the rows of each file are called by, of all files that ever were there."""
    rows = connection.execute(sa.select(files.c.id, files.c.rows_digest).order_by(files.c.id))
    return {row.id: row.rows_digest[:NAME_DIGITS] for row in rows}


class Names:
    """Looks up names, in one state of the ledger.

    Args:
        connection: any transaction.
        rows_of: where the rows are looked up; the view, if it is not given.
    """

    def __init__(self, connection: sa.Connection, rows_of: RowsOf | None = None) -> None:
        self.connection = connection
        self.digits = digits_of_files(connection)
        self._distinct = list(dict.fromkeys(self.digits.values()))
        self._rows_of = rows_of or self._viewed
        self._known: dict[str, list[NamedRow]] = {}
        self._linked: dict[str, dict[str, set[str]]] = {}

    def all_names(self, identity: str) -> list[str]:
        """Return every name that a row of this identity may have been called by."""
        return [identity, *(f"{identity}@{digits}" for digits in self._distinct)]

    def name_of(self, shown: str, file_id: int) -> str:
        """Return the name of a row of a file."""
        return row_name(shown, self.digits[file_id])

    def rows(self, identity: str) -> list[NamedRow]:
        """Return all present rows of an identity, those of the oldest file first."""
        if identity not in self._known:
            self._known[identity] = list(self._rows_of(identity))
        return self._known[identity]

    def meant(self, name: str) -> NamedRow | None:
        """Return the present row that a name means; None where it means none, or a record."""
        if not is_row(name):
            return None
        identity, digits = split_row_name(name)
        rows = self.rows(identity)
        if digits is None:
            return rows[0] if rows else None
        exact = next((row for row in rows if row.name == name), None)
        return exact or next((row for row in rows if self._may_be(name, row.name)), None)

    def canonical(self, shown: str) -> str:
        """Return what to write down for an entry that a person sees under this identity."""
        identity, digits = split_row_name(shown)
        if not is_row(shown) or digits is not None:
            return shown
        rows = self.rows(identity)
        file_id = self._sealed_file(shown)
        if file_id is None:
            # Of equal rows, the one that is an entry of its own is shown under the identity.
            seen = [row for row in rows if row.shown == shown]
            row = next((row for row in seen if row.kept), next(iter(rows), None))
            return shown if row is None else row.name
        return self.name_of(shown, file_id)

    def same(self, name: str) -> list[str]:
        """Return all names of the row that a name means."""
        if not is_row(name):
            return [name]
        identity, digits = split_row_name(name)
        row = self.meant(name)
        others = self._names_left(identity)
        if row is not None:
            found = [row.name, *(each for each in others if self.meant(each) == row)]
        elif digits is None:
            found = others  # No file with such a row is there.
        else:
            found = [each for each in others if self.meant(each) is None]
            found = [name, *(each for each in found if self._may_be(name, each))]
        return list(dict.fromkeys(found))

    def _names_left(self, identity: str) -> list[str]:
        """Return the names that a row of an identity has, or had in a file that is gone.

        A file that is there without such a row never had one.
        """
        gone = (each for each in self._distinct if each not in self._met.present)
        return [
            identity,
            *(row.name for row in self.rows(identity)),
            *(f"{identity}@{digits}" for digits in gone),
        ]

    def are_one(self, name: str, other: str) -> bool:
        """Say whether two names mean one row."""
        if name == other:
            return True
        row, other_row = self.meant(name), self.meant(other)
        if row is None and other_row is None:
            return split_row_name(name)[0] == split_row_name(other)[0] and self._may_be(name, other)
        return row == other_row

    def are_linked(self, name: str, other: str) -> bool:
        """Say whether two names of one identity were ever found to tell of one event."""
        mine, others = self._partners(name), self._partners(other)
        return other in mine or not mine.isdisjoint(others)

    def _may_be(self, name: str, other: str) -> bool:
        """Say whether two names of one identity can mean one row, saved in two files."""
        digits, others = split_row_name(name)[1], split_row_name(other)[1]
        if digits is None or others is None or digits == others:
            return True
        return not self._met.were_together(digits, others) or self.are_linked(name, other)

    @cached_property
    def _met(self) -> "_Met":
        return _Met.of(self.connection, self.digits)

    def _partners(self, name: str) -> set[str]:
        """Return what the row of a name was ever found to be."""
        identity, _ = split_row_name(name)
        if identity not in self._linked:
            links: dict[str, set[str]] = defaultdict(set)
            self._linked[identity] = links
            for table in (view_pairs, aliases):
                for row in pairs_with(self.connection, table, self.all_names(identity)):
                    links[row.row_id].add(row.known_id)
                    links[row.known_id].add(row.row_id)
        return self._linked[identity].get(name, set())

    def _viewed(self, identity: str) -> list[NamedRow]:
        rows = self.connection.execute(_ROWS, {"names": self.all_names(identity)})
        return [
            NamedRow(
                name=self.name_of(row.entry_id, row.file_id),
                file_id=row.file_id,
                shown=row.entry_id,
                kept=bool(row.kept),
            )
            for row in rows
        ]

    def _sealed_file(self, shown: str) -> int | None:
        """Return the file of a row that a sealed year shows under this identity."""
        newest = sa.select(sa.func.max(seals.c.id)).group_by(seals.c.year)
        columns = sealed_rows.c
        return self.connection.execute(
            sa.select(columns.file_id).where(
                columns.entry_id == shown, columns.kept == 1, columns.seal_id.in_(newest)
            )
        ).scalar()


@attrs.define
class _Met:
    """Which files are in the ledger, and which were there at one time; by their digits."""

    present: set[str] = attrs.field(factory=set)
    _together: set[frozenset[str]] = attrs.field(factory=set)

    @classmethod
    def of(cls, connection: sa.Connection, digits: Mapping[int, str]) -> "_Met":
        """Go through all imports and removals."""
        met = cls()
        for row in connection.execute(_IMPORTS):
            own = digits[row.file_id]
            if row.present:
                met._together.update(frozenset((own, other)) for other in met.present)
                met.present.add(own)
            else:
                met.present.discard(own)
        return met

    def were_together(self, one: str, other: str) -> bool:
        """Say whether two files were ever in the ledger at one time."""
        return frozenset((one, other)) in self._together


_IMPORTS: Final = sa.select(imports.c.file_id, imports.c.present).order_by(imports.c.id)

# Built once: SQLAlchemy takes longer to build a statement than SQLite to run it.
_ROWS: Final = (
    sa.select(view_rows.c.entry_id, view_rows.c.file_id, view_rows.c.kept)
    .where(view_rows.c.entry_id.in_(sa.bindparam("names", expanding=True)))
    .order_by(view_rows.c.file_id)
)
_PAIRS: Final = {
    table: sa.select(table.c.row_id, table.c.known_id)
    .where(
        sa.or_(
            table.c.row_id.in_(sa.bindparam("names", expanding=True)),
            table.c.known_id.in_(sa.bindparam("names", expanding=True)),
        )
    )
    .order_by(table.c.row_id, table.c.known_id)
    for table in (view_pairs, aliases)
}


def pairs_with(
    connection: sa.Connection, table: sa.Table, names: Iterable[str]
) -> Iterable[sa.Row[tuple[str, str]]]:
    """Return the pairs that one of the names is a side of."""
    return connection.execute(_PAIRS[table], {"names": list(names)})


@attrs.frozen
class Hidden:
    """What people have hidden."""

    names: frozenset[str] = frozenset()
    """Identities of records, and names of rows."""

    digits: dict[int, str] = attrs.field(factory=dict)
    """By file, what its rows are called by."""

    _identities: frozenset[str] = attrs.field(init=False)

    @_identities.default
    def _rows_hidden(self) -> frozenset[str]:
        return frozenset(split_row_name(name)[0] for name in self.names if is_row(name))

    @property
    def records(self) -> list[str]:
        """The identities of hidden records."""
        return sorted(name for name in self.names if not is_row(name))

    def hides(self, entry_id: str, file_id: int | None = None) -> bool:
        """Say whether a record, or a row of a file, is hidden."""
        if file_id is None or not self._identities:
            return entry_id in self.names
        if split_row_name(entry_id)[0] not in self._identities:
            return False
        return row_name(entry_id, self.digits[file_id]) in self.names
