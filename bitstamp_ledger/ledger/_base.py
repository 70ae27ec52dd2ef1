"""What all parts of a ledger share: the database, the clock, and views that are up to date."""

import datetime as dt
import os
from collections.abc import Callable
from types import TracebackType
from typing import Self

import sqlalchemy as sa

from bitstamp_ledger.ledger import _decisions, _matching, _migrations, _seals
from bitstamp_ledger.ledger._names import Hidden
from bitstamp_ledger.ledger._records import PAGE_RECORDS
from bitstamp_ledger.ledger._schema import decisions
from bitstamp_ledger.ledger._store import Store
from bitstamp_ledger.ledger._values import SealedChange
from bitstamp_ledger.reconcile import reconcile


def system_clock() -> dt.datetime:
    """Return the time by this machine's clock."""
    return dt.datetime.now(dt.UTC)  # noqa: TID251 - the shell's own clock


class LedgerBase:
    """An open ledger, without anything to do with it."""

    def __init__(self, store: Store, clock: Callable[[], dt.datetime] = system_clock) -> None:
        self._store = store
        self._clock = clock
        self._matcher: _matching.Matcher = reconcile
        self._page_records = PAGE_RECORDS
        self._hidden: tuple[object, Hidden] = (None, Hidden())

    @classmethod
    def open(
        cls,
        place: str | os.PathLike[str],
        *,
        clock: Callable[[], dt.datetime] = system_clock,
    ) -> Self:
        """Open a ledger; make it if there is none, and bring an older one up to date.

        Args:
            place: the path of a file, or the address of a database:
                ``postgresql+psycopg://user@host/database`` (extra ``postgres``).
            clock: tells the time that decisions and runs are written down with.

        Raises:
            LedgerError: it cannot be opened or written, or a newer release wrote it.
            MissingExtraError: the database's driver is not installed.
        """
        return cls(Store.open(place), clock)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._store.name}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections.  Safe to call twice."""
        self._store.close()

    @property
    def store(self) -> Store:
        """The database; for the rest of this package."""
        return self._store

    @property
    def schema_version(self) -> int:
        """The version of the tables that the ledger lies in; opening it brought it up to date."""
        with self._store.read() as connection:
            return _migrations.version_of(connection)

    def sealed_changes(self, year: int | None = None) -> tuple[SealedChange, ...]:
        """Return what a sealed year, or all of them, would show differently now."""
        self._refresh()
        with self._store.read() as connection:
            if year is None:
                return _seals.all_changes(connection)
            return _seals.changes_in(connection, year)

    def _refresh(self) -> _matching.Matched | None:
        return _matching.refresh(self._store, self._clock(), self._matcher)

    def _hidden_now(self) -> Hidden:
        """Return what is hidden; looked up again only after a decision or a new matching."""
        with self._store.read() as connection:
            last = connection.execute(sa.select(sa.func.max(decisions.c.id))).scalar()
            mark = (last, _matching.generation(connection))
            known, hidden = self._hidden
            if known == mark:
                return hidden
            hidden = _decisions.hidden_now(connection)
        self._hidden = (mark, hidden)
        return hidden
