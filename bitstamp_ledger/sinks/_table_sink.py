"""What sinks that keep a table have in common, whichever database it is in.

Beside ``<table>`` lie ``<table>_retracted``, the revisions of what was taken back, so that an old
word cannot bring it back, and ``<table>_checkpoints``, how far each ledger has come.
"""

import abc
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import ClassVar, Generic, TypeVar

from bitstamp_ledger.errors import SinkError
from bitstamp_ledger.sinks._contract import (
    Batch,
    Capabilities,
    Checkpoint,
    Outcome,
    Receipt,
    Retract,
    RunInfo,
    Upsert,
)
from bitstamp_ledger.sinks._table import IDENTIFIER, Values, folded, values_of

ConnectionT = TypeVar("ConnectionT")


class TableSink(abc.ABC, Generic[ConnectionT]):
    """Keeps a table up to date; rows and checkpoint are one transaction.

    Args:
        table: the table's name; made if there is none.
    """

    name: ClassVar[str]
    capabilities = Capabilities(upsert=True, retract=True, stores_checkpoint=True, decimals="exact")
    target: str

    _failures: ClassVar[tuple[type[Exception], ...]]
    """What the driver raises."""

    def __init__(self, table: str) -> None:
        if not IDENTIFIER.fullmatch(table):
            raise SinkError(
                f"{table!r} is no name of a table.",
                sink=self.name,
                hint="Use letters, digits and underscores, a letter first, at most 41 of them.",
            )
        self._table = table
        self._run: RunInfo | None = None

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.target!r})"

    def open(self, run: RunInfo) -> Checkpoint | None:
        """Make the tables unless they are there; return how far this ledger has come."""
        run.require_schema(1)
        if self._run is not None:
            raise SinkError("The table is open already.", sink=self.name, hint="Close it first.")
        self._run = run
        try:
            with self._translated():
                return self._connect(run.ledger)
        except BaseException:
            self._dispose()
            raise

    def write(self, batch: Batch) -> Receipt:
        """Store a batch and its checkpoint, in one transaction."""
        if self._run is None:
            raise SinkError("The table is not open.", sink=self.name, hint="Open it first.")
        upserts, retractions = folded(batch)
        rows = [self._prepared(values_of(each.entry, each.revision)) for each in upserts]
        ledger = self._run.ledger
        with self._translated(), self._transaction() as connection:
            self._store(connection, rows, upserts, retractions)
            if batch.checkpoint is not None and ledger is not None:
                self._note(connection, ledger, batch.checkpoint)
        return Receipt(
            batch_id=batch.id, rows=len(batch.entries), durable=True, places=(self._place,)
        )

    def close(self, outcome: Outcome) -> None:
        """Close the connections; what was written is durable already."""
        del outcome
        self._dispose()

    @property
    @abc.abstractmethod
    def _place(self) -> str:
        """Where a person finds the rows."""

    @abc.abstractmethod
    def _connect(self, ledger: str | None) -> Checkpoint | None:
        """Connect, make the tables, and return how far a ledger has come."""

    @abc.abstractmethod
    def _disconnect(self) -> None:
        """Close whatever is open."""

    @abc.abstractmethod
    def _prepared(self, values: Values) -> Values:
        """Make a row of the values that the driver takes, or refuse it."""

    @abc.abstractmethod
    def _transaction(self) -> AbstractContextManager[ConnectionT]:
        """Give a connection, and commit at the end unless something is raised."""

    @abc.abstractmethod
    def _store(
        self,
        connection: ConnectionT,
        rows: Sequence[Values],
        upserts: Sequence[Upsert],
        retractions: Sequence[Retract],
    ) -> None:
        """Store and take back, each unless a higher revision was heard of."""

    @abc.abstractmethod
    def _note(self, connection: ConnectionT, ledger: str, checkpoint: Checkpoint) -> None:
        """Note how far a ledger has come."""

    @abc.abstractmethod
    def _error(self, exc: Exception) -> SinkError:
        """Say what the driver raised, and whether it passes by itself."""

    def _dispose(self) -> None:
        self._run = None
        self._disconnect()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        error: SinkError | None = None
        try:
            yield
        except self._failures as exc:
            error = self._error(exc)
        if error is not None:
            raise error from None
