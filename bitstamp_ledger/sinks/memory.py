"""A list: the entries as objects, for programs and notebooks."""

from typing import ClassVar

from bitstamp_ledger.errors import SinkError
from bitstamp_ledger.model import Entry
from bitstamp_ledger.sinks._annotations import Annotations, EntryAnnotation
from bitstamp_ledger.sinks._contract import (
    Batch,
    Capabilities,
    Checkpoint,
    Completed,
    Failed,
    Outcome,
    Receipt,
    Retract,
    RunInfo,
    Upsert,
)


class ListSink:
    """Keeps the entries themselves, in the order in which they first came.

    A run that fails leaves the list as its last confirmed batch left it.  The list dies with its
    program; a checkpoint is kept beside it, so that a ledger that follows fills a new one anew.

    Args:
        into: the list to keep them in; a new one unless given, as ``entries`` of the sink.
    """

    name: ClassVar[str] = "list"
    capabilities = Capabilities(
        upsert=True, retract=True, stores_checkpoint=True, annotations=True, decimals="exact"
    )

    def __init__(self, into: list[Entry] | None = None) -> None:
        self.entries: list[Entry] = [] if into is None else into
        """What was written, ours to change."""

        self.annotations: dict[str, EntryAnnotation] = {}
        """What people said about them, by id."""

        self.target = "in memory"
        self._places = {entry.id: place for place, entry in enumerate(self.entries)}
        self._revisions: dict[str, int] = {}
        self._checkpoints: dict[str | None, Checkpoint] = {}
        self._run: RunInfo | None = None

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self.entries)} entries)"

    def open(self, run: RunInfo) -> Checkpoint | None:
        """Go on where the last run ended."""
        run.require_schema(1)
        self._run = run
        return self._checkpoints.get(run.ledger)

    def write(self, batch: Batch) -> Receipt:
        """Put the entries into the list, and take out what is taken back."""
        if self._run is None:
            raise SinkError("The list is not open.", sink=self.name, hint="Open it first.")
        for operation in batch.operations:
            self._take(operation, batch.annotations or {})
        if batch.checkpoint is not None:
            self._checkpoints[self._run.ledger] = batch.checkpoint
        return Receipt(batch_id=batch.id, rows=len(batch.entries), durable=True)

    def close(self, outcome: Outcome) -> None:
        """End the run; the list stays."""
        match outcome:
            case Completed() | Failed():
                self._run = None

    def _take(self, operation: Upsert | Retract, annotations: Annotations) -> None:
        entry_id = operation.entry.id if isinstance(operation, Upsert) else operation.entry_id
        if operation.revision:
            if operation.revision < self._revisions.get(entry_id, 0):
                return
            self._revisions[entry_id] = operation.revision
        place = self._places.get(entry_id)
        self.annotations.pop(entry_id, None)
        if isinstance(operation, Upsert) and entry_id in annotations:
            self.annotations[entry_id] = annotations[entry_id]
        if isinstance(operation, Upsert):
            if place is None:
                self._places[entry_id] = len(self.entries)
                self.entries.append(operation.entry)
            else:
                self.entries[place] = operation.entry
        elif place is not None:
            del self.entries[place]
            self._places = {entry.id: at for at, entry in enumerate(self.entries)}
