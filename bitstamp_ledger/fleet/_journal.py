"""Which jobs of a run are finished, written down so that another coordinator can go on."""

import json
from collections.abc import Iterator
from types import TracebackType
from typing import Final, Self

import attrs
import sqlalchemy as sa

from bitstamp_ledger.errors import LedgerError
from bitstamp_ledger.fleet._databases import engine_for, said_by
from bitstamp_ledger.fleet._jobs import Result, Status, Summary, no_password

_metadata: Final = sa.MetaData()
_results: Final = sa.Table(
    "fleet_results",
    _metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
    sa.Column("run", sa.Text, nullable=False),
    sa.Column("task", sa.Text, nullable=False),
    sa.Column("job", sa.Text, nullable=False),  # The key: a digest, which names nobody.
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("began_at", sa.Text),
    sa.Column("seconds", sa.Float, nullable=False),
    sa.Column("requests", sa.Integer, nullable=False),
    sa.Column("failure", sa.Text),
    sa.Column("key_state", sa.Text),
    sa.Column("counts", sa.Text),
    sa.Index("fleet_results_of_run", "run", "task", "job"),
)
_JOURNAL_LOCK: Final = 0x626C666A
"""An arbitrary number that stands for making the table, among PostgreSQL's advisory locks."""


@attrs.frozen(kw_only=True)
class Noted:
    """One line of a journal."""

    task: str
    job: str
    status: str
    failure: str | None
    key_state: str | None
    counts: dict[str, int] = attrs.field(factory=dict, hash=False)


class Journal:
    """The results of one run.  Open it with `Journal.open`; use it as a context manager.

    It holds no account's name, no amount and no secret: accounts are known by ``Job.key``.
    """

    def __init__(self, engine: sa.Engine, run: str) -> None:
        self._engine = engine
        self.run = run

    @classmethod
    def open(cls, place: str, run: str) -> Self:
        """Open the journal of a run; make it if there is none.

        Args:
            place: a path, or the address of a PostgreSQL database without a password.
            run: the run's name, such as ``"weekly 2026-48"``.  Whoever starts a run with the name
                of one that was broken off goes on with it.

        Raises:
            LedgerError: the journal cannot be opened.
        """
        address = no_password(str(place), "the journal")
        engine = engine_for(address, what="the journal")
        try:
            with engine.begin() as connection:
                if connection.dialect.name == "postgresql":
                    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_JOURNAL_LOCK)))
                _metadata.create_all(connection)
        except sa.exc.SQLAlchemyError as exc:
            raise _unusable(exc) from None
        return cls(engine, run)

    def __repr__(self) -> str:
        return f"<Journal of {self.run!r}>"

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
        self._engine.dispose()

    def finished(self, task: str) -> frozenset[str]:
        """Return the keys of the jobs for which this task was done in this run."""
        query = (
            sa.select(_results.c.job)
            .distinct()
            .where(
                _results.c.run == self.run,
                _results.c.task == task,
                _results.c.status == Status.DONE.value,
            )
        )
        try:
            with self._engine.connect() as connection:
                return frozenset(connection.execute(query).scalars())
        except sa.exc.SQLAlchemyError as exc:
            raise _unusable(exc) from None

    def note(self, task: str, result: Result) -> None:
        """Write down a result."""
        failure, value = result.failure, result.value
        row = {
            "run": self.run,
            "task": task,
            "job": result.job.key,
            "status": result.status.value,
            "began_at": None if result.began_at is None else result.began_at.isoformat(),
            "seconds": result.seconds,
            "requests": result.requests,
            "failure": None if failure is None else failure.kind,
            "key_state": None if failure is None else failure.key_state,
            "counts": json.dumps(dict(value.counts)) if isinstance(value, Summary) else None,
        }
        try:
            with self._engine.begin() as connection:
                connection.execute(sa.insert(_results).values(row))
        except sa.exc.SQLAlchemyError as exc:
            raise _unusable(exc) from None

    def lines(self) -> Iterator[Noted]:
        """Yield what was written down of this run, oldest first."""
        query = sa.select(_results).where(_results.c.run == self.run).order_by(_results.c.id)
        with self._engine.connect() as connection:
            for row in connection.execute(query):
                yield Noted(
                    task=row.task,
                    job=row.job,
                    status=row.status,
                    failure=row.failure,
                    key_state=row.key_state,
                    counts=json.loads(row.counts) if row.counts else {},
                )


def _unusable(exc: sa.exc.SQLAlchemyError) -> LedgerError:
    return LedgerError(
        f"The journal of the run cannot be used: {said_by(exc)}.",
        hint="Check its address; the ledgers themselves are not touched by this.",
    )
