"""A plain function as a sink."""

from collections.abc import Callable
from typing import TypeAlias

from bitstamp_ledger.model import Entry
from bitstamp_ledger.sinks._contract import (
    Batch,
    Capabilities,
    Checkpoint,
    Outcome,
    Receipt,
    RunInfo,
)

EntriesFunction: TypeAlias = Callable[[tuple[Entry, ...]], object]
"""Takes some entries at a time, never none; what it returns is ignored."""

BatchFunction: TypeAlias = Callable[[Batch], object]
"""Takes a batch with at least one operation; what it returns is ignored."""


class CallableSink:
    """Hands every batch's entries to a function.

    What the function has done when a later step fails is done: it cannot be told to undo it.
    """

    capabilities = Capabilities(append_only=True, decimals="exact")

    def __init__(self, function: EntriesFunction) -> None:
        self._function = function
        self._receipts: dict[str, Receipt] = {}

    def open(self, run: RunInfo) -> Checkpoint | None:
        """Forget the batches of an earlier run."""
        run.require_schema(1)
        self._receipts = {}
        return None

    def write(self, batch: Batch) -> Receipt:
        """Call the function, unless it has had this batch."""
        if batch.id in self._receipts:
            return self._receipts[batch.id]
        entries = batch.entries
        if entries:
            self._function(entries)
        receipt = Receipt(batch_id=batch.id, rows=len(entries), durable=True)
        self._receipts[batch.id] = receipt
        return receipt

    def close(self, outcome: Outcome) -> None:
        """Do nothing: a function has no end."""


class BatchSink:
    """Hands whole batches to a function: what is stored, and what is taken back.

    The same batch may come twice after a crash; its ``id`` tells, and so does each ``revision``.

    Args:
        function: called with a batch at a time; returns once what it did survives a crash.
        name: how errors call it.
        target: where it goes, without a password: a ledger that follows remembers by it.
    """

    capabilities = Capabilities(upsert=True, retract=True, annotations=True, decimals="exact")

    def __init__(self, function: BatchFunction, *, name: str = "", target: str = "") -> None:
        self._function = function
        self.name = name or getattr(function, "__name__", "batches")
        self.target = target

    def open(self, run: RunInfo) -> Checkpoint | None:
        """Do nothing: a function has no beginning."""
        run.require_schema(1)
        return None

    def write(self, batch: Batch) -> Receipt:
        """Call the function."""
        if batch.operations:
            self._function(batch)
        return Receipt(batch_id=batch.id, rows=len(batch.entries), durable=True)

    def close(self, outcome: Outcome) -> None:
        """Do nothing: a function has no end."""
