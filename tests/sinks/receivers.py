"""What tests of following write to."""

from bitstamp_ledger.model import Entry
from bitstamp_ledger.sinks import Batch, BatchSink, Upsert


class Receiver:
    """Keeps batches, and what is stored after all of them; keeps no checkpoint."""

    def __init__(self) -> None:
        self.batches: list[Batch] = []
        self.fails = False

    def __call__(self, batch: Batch) -> None:
        self.batches.append(batch)
        if self.fails:
            raise ConnectionError("the answer was lost")

    @property
    def sink(self) -> BatchSink:
        return BatchSink(self, name="receiver", target="a receiver")

    @property
    def held(self) -> dict[str, Entry]:
        """What a receiver holds that goes by revisions."""
        held: dict[str, Entry] = {}
        for operation in (each for batch in self.batches for each in batch.operations):
            if isinstance(operation, Upsert):
                held[operation.entry.id] = operation.entry
            else:
                held.pop(operation.entry_id, None)
        return held
