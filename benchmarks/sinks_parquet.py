"""How long a Parquet sink takes, against pyarrow that writes the ready table of the same columns.

The table is the least that any writer has to do: its arrays are made already.  The sink gets
entries in batches and makes the arrays.  Both run in one process, in turn on each row group, and
are compared by processor time; the digests of the batches are taken before, since the engine takes
them whatever the sink is.

The peer writes with pyarrow's default options.  The sink makes dictionaries only of columns that
repeat themselves, which is faster; a second peer with the same options shows what that is worth.

Run from the top of the repository: ``python -m benchmarks.sinks_parquet [--full]``; ``--full`` is
a history of 1,000,000 entries instead of 131,072, and memory.
"""

import argparse
import gc
import resource
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import attrs
import pyarrow as pa  # type: ignore[import-untyped]  # it has no types
import pyarrow.parquet as pq  # type: ignore[import-untyped]  # as above

from benchmarks.sinks import FULL, memory, met, ours, pieces, trades
from bitstamp_ledger.model import Entry
from bitstamp_ledger.sinks import Batch, Completed, RunInfo
from bitstamp_ledger.sinks.arrow import arrow
from bitstamp_ledger.sinks.parquet import ROW_GROUP_ROWS, WRITER_OPTIONS, ParquetSink

BATCH_ROWS: Final = 1_000
RATIO_GOAL: Final = 4.0


@attrs.define(kw_only=True)
class Outcome:
    """Processor seconds of all sides."""

    entries: int
    default_s: float = 0.0
    alike_s: float = 0.0
    sink_s: float = 0.0

    @property
    def ratio(self) -> float:
        """How many times longer the sink takes than pyarrow as it is."""
        return self.sink_s / self.default_s

    @property
    def holds(self) -> bool:
        """Whether the goal is reached."""
        return self.ratio <= RATIO_GOAL

    def __str__(self) -> str:
        return (
            f"Parquet of {self.entries:,} entries: sink {self.sink_s:.2f} s, pyarrow with the "
            f"table ready and its default options {self.default_s:.2f} s, {self.ratio:.1f}x "
            f"(goal at most {RATIO_GOAL:g}: {met(self.holds)})\n"
            f"with the same options as the sink {self.alike_s:.2f} s, "
            f"{self.sink_s / self.alike_s:.1f}x (no goal)"
        )

    @contextmanager
    def timed(self, side: str) -> Iterator[None]:
        """Add what the block takes to a side."""
        began = time.process_time()
        yield
        setattr(self, side, getattr(self, side) + time.process_time() - began)


def measure(entries: int) -> Outcome:
    """Write a history in all ways, a row group of each in turn."""
    outcome = Outcome(entries=entries)
    with tempfile.TemporaryDirectory() as folder:
        writers: dict[str, Any] = {}
        columns = pa.table(arrow([])).schema
        for side, options in (("default_s", {}), ("alike_s", WRITER_OPTIONS)):
            with outcome.timed(side):
                place = Path(folder, f"{side}.parquet")
                writers[side] = pq.ParquetWriter(place, columns, **options)
        sink = ParquetSink(Path(folder, "sink.parquet"))
        sink.open(RunInfo(sink="parquet"))
        for turn, first in enumerate(range(1, entries + 1, ROW_GROUP_ROWS)):
            some = trades(first, min(ROW_GROUP_ROWS, entries + 1 - first))
            table = pa.table(arrow(some)).combine_chunks()
            batches = _batches(some)
            gc.freeze()  # What is being written is no garbage; all are spared the search.
            for side in ("default_s", "alike_s", "sink_s")[:: 1 if turn % 2 else -1]:
                with outcome.timed(side):
                    if side == "sink_s":
                        for batch in batches:
                            sink.write(batch)
                    else:
                        writers[side].write_table(table, row_group_size=ROW_GROUP_ROWS)
        for side, writer in writers.items():
            with outcome.timed(side):
                writer.close()
        with outcome.timed("sink_s"):
            sink.close(Completed())
    return outcome


def _batches(entries: Sequence[Entry]) -> list[Batch]:
    batches = [
        Batch.of(entries[start : start + BATCH_ROWS])
        for start in range(0, len(entries), BATCH_ROWS)
    ]
    for batch in batches:
        _ = batch.id  # Kept by the batch from now on.
    return batches


def stream(rows: int) -> None:
    """Stream a history to a file; print the peak of memory, in MiB."""
    with (
        tempfile.TemporaryDirectory() as folder,
        ours(f"parquet:{Path(folder, 'a.parquet')}") as feed,
    ):
        for some in pieces(rows):
            feed(some)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def main() -> int:
    """Measure; return 1 where a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int)
    parser.add_argument("--full", action="store_true", help=f"{FULL:,} entries, and memory")
    parser.add_argument("--stream", type=int, metavar="ROWS", help="only print the peak of memory")
    chosen = parser.parse_args()
    if chosen.stream:
        stream(chosen.stream)
        return 0
    outcome = measure(chosen.entries or (FULL if chosen.full else ROW_GROUP_ROWS))
    print(outcome)
    holds = outcome.holds
    if chosen.full:
        holds &= memory("benchmarks.sinks_parquet", "parquet")
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
