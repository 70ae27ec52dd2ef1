"""How long a Parquet sink takes, against pyarrow that writes the ready table of the same columns.

The table is the least that any writer has to do: its arrays are made already.  The sink gets
entries in batches and makes the arrays.  Both run in one process, in turn, and are compared by
processor time; the digests of the batches are taken before, since the engine takes them whatever
the sink is.

Run from the top of the repository: ``python -m benchmarks.sinks_parquet [--entries 1000000]``.
"""

import argparse
import gc
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import attrs
import pyarrow as pa  # type: ignore[import-untyped]  # it has no types
import pyarrow.parquet as pq  # type: ignore[import-untyped]  # as above

from benchmarks.reconcile_speed import trades
from bitstamp_ledger.sinks import Batch, Completed, RunInfo
from bitstamp_ledger.sinks.arrow import arrow
from bitstamp_ledger.sinks.parquet import ROW_GROUP_ROWS, ParquetSink

FULL = 1_000_000
ROUNDS = 3
BATCH_ROWS = 1_000
RATIO_GOAL = 4.0


@attrs.frozen(kw_only=True)
class Outcome:
    """Processor seconds of both sides, the best of several rounds in turn."""

    entries: int
    ready_s: float
    sink_s: float

    @property
    def ratio(self) -> float:
        """How many times longer the sink takes."""
        return self.sink_s / self.ready_s

    @property
    def holds(self) -> bool:
        """Whether the goal is reached."""
        return self.ratio <= RATIO_GOAL

    def __str__(self) -> str:
        return (
            f"Parquet of {self.entries:,} entries: sink {self.sink_s:.2f} s, pyarrow with the "
            f"table ready {self.ready_s:.2f} s, {self.ratio:.1f}x (goal {RATIO_GOAL}x)"
        )


def measure(entries: int = FULL, *, rounds: int = ROUNDS) -> Outcome:
    """Write made-up trades both ways."""
    history, _ = trades(entries)
    batches = [
        Batch.of(history[start : start + BATCH_ROWS]) for start in range(0, entries, BATCH_ROWS)
    ]
    for batch in batches:
        _ = batch.id  # Kept by the batch from now on.
    table = pa.table(arrow(history))
    gc.freeze()  # What is being written is no garbage; both sides are spared the search.

    with tempfile.TemporaryDirectory() as folder:

        def ready() -> None:
            pq.write_table(table, Path(folder, "ready.parquet"), row_group_size=ROW_GROUP_ROWS)

        def sink() -> None:
            writer = ParquetSink(Path(folder, "sink.parquet"))
            writer.open(RunInfo(sink="parquet"))
            for batch in batches:
                writer.write(batch)
            writer.close(Completed())

        pairs = [(_seconds(ready), _seconds(sink)) for _ in range(rounds)]
    best_ready, best_sink = (min(side) for side in zip(*pairs, strict=True))
    return Outcome(entries=entries, ready_s=best_ready, sink_s=best_sink)


def _seconds(work: Callable[[], None]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def main() -> None:
    """Measure and say whether the goal is reached."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=FULL)
    outcome = measure(parser.parse_args().entries)
    print(outcome)
    sys.exit(0 if outcome.holds else 1)


if __name__ == "__main__":
    main()
