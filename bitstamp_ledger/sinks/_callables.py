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
        del run
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
