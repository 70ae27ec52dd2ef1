"""Open ledgers, kept open: a worker meets the same database again and again.

1. A ledger is lent to one job at a time, so that a process never holds more connections than two
   for each job that runs in it: one to work, one that locks the account.
2. A ledger that was migrated while it lay here is opened anew, and refused if it is too new.
3. A forked process leaves its parent's connections alone.
"""

import contextlib
import os
import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from typing import Final

import attrs
import sqlalchemy as sa

from bitstamp_ledger.errors import LedgerError
from bitstamp_ledger.fleet._databases import engine_for, said_by
from bitstamp_ledger.ledger import Ledger

IDLE_MAX: Final = 16
"""So many ledgers at most lie open and unused in a process."""


@attrs.define
class _Shelf:
    """The ledgers of one process that nobody uses just now; the longest unused first."""

    idle: OrderedDict[int, tuple[str, int, Ledger]] = attrs.field(factory=OrderedDict)
    lock: threading.Lock = attrs.field(factory=threading.Lock)
    stretch: int = 0

    def take(self, place: str) -> tuple[int, Ledger] | None:
        with self.lock:
            for number in reversed(self.idle):
                if self.idle[number][0] == place:
                    _, version, ledger = self.idle.pop(number)
                    return version, ledger
        return None

    def put(self, place: str, version: int, ledger: Ledger) -> None:
        with self.lock:
            self.stretch += 1
            self.idle[self.stretch] = (place, version, ledger)
            surplus = [
                self.idle.popitem(last=False)[1][2] for _ in range(len(self.idle) - IDLE_MAX)
            ]
        for each in surplus:
            each.close()

    def clear(self) -> None:
        with self.lock:
            left, self.idle = self.idle, OrderedDict()
        for _, _, ledger in left.values():
            ledger.close()


@contextlib.contextmanager
def borrowed(place: str) -> Iterator[Ledger]:
    """Lend the ledger at ``place``; open it if none lies here.

    Raises:
        LedgerError: it cannot be opened, or a newer release wrote it.
    """
    version, ledger = _present(place)
    try:
        yield ledger
    except BaseException:
        ledger.close()  # Whatever went wrong, its connections are not used again.
        raise
    _shelf.put(place, version, ledger)


def _present(place: str) -> tuple[int, Ledger]:
    found = _shelf.take(place)
    if found is not None:
        version, ledger = found
        with contextlib.suppress(LedgerError):
            if ledger.schema_version == version:
                return version, ledger
        ledger.close()
    ledger = Ledger.open(place)
    try:
        return ledger.schema_version, ledger
    except BaseException:
        ledger.close()
        raise


def close_idle() -> None:
    """Close the ledgers that this process keeps open between jobs."""
    _shelf.clear()


def prepare(places: Iterable[str]) -> int:
    """Make ledgers that are not there, and bring older ones up to date; return how many.

    Call it once from one place before workers of a new release start.  Workers of the release
    before may go on meanwhile: a migration only adds, and who meets a schema that is newer than
    itself stops using it.

    Args:
        places: as in `Job.ledger`.  Where an address names a PostgreSQL schema by
            ``options=-csearch_path=NAME``, the schema is made as well; see `own_schema`.

    Raises:
        LedgerError: one cannot be opened; those before it are done.
    """
    done = 0
    for place in dict.fromkeys(places):
        _make_schema(place)
        Ledger.open(place).close()
        done += 1
    return done


def own_schema(database: str, name: str) -> str:
    """Return the address of a ledger in a schema of its own within a PostgreSQL database.

    Args:
        database: ``postgresql+psycopg://user@host/database``, without a password.
        name: the schema: lower-case letters, digits and ``_``.

    Raises:
        ValueError: the name is another.
    """
    if not name.isascii() or not name.isidentifier() or name != name.lower():
        raise ValueError(f"no name of a schema: {name!r}; use lower-case letters, digits and _")
    url = sa.make_url(database).update_query_dict({"options": f"-csearch_path={name}"})
    return url.render_as_string(hide_password=False)


def _make_schema(place: str) -> None:
    name = _schema_in(place)
    if name is None:
        return
    engine = engine_for(place, what="a ledger")
    try:
        with engine.begin() as connection:
            # Two that make one schema at once: the second is told that it is there.
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtext(name))))
            connection.execute(sa.schema.CreateSchema(name, if_not_exists=True))
    except sa.exc.SQLAlchemyError as exc:
        raise LedgerError(
            f"The schema {name} could not be made: {said_by(exc)}.",
            hint="Check the address, and that the user may create schemas.",
        ) from None
    finally:
        engine.dispose()


def _schema_in(place: str) -> str | None:
    """Return the schema that an address names; None for files, and where it names none."""
    if not place.startswith("postgresql"):
        return None
    options = sa.make_url(place).query.get("options", "")
    _, _, name = (options if isinstance(options, str) else "").partition("-csearch_path=")
    return name if name.isidentifier() else None


_shelf = _Shelf()
_of_parents: Final[list[_Shelf]] = []


def _leave_parents_connections() -> None:
    global _shelf  # noqa: PLW0603 - the shelf is the process's own
    # Kept, never closed: closing would say goodbye on a connection that the parent still uses.
    _of_parents.append(_shelf)
    _shelf = _Shelf()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave_parents_connections)
