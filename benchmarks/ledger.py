"""What keeping a history costs: storing it, reading it back, and asking for news.

Each figure is a ratio of processor time against a named floor, both measured in this run, the best
of several alternations.  What grows with the history, and what must not, is measured on histories
of several lengths, each in a process of its own.
"""

import gc
import json
import resource
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

import msgspec

import bitstamp_ledger as bl
from bitstamp_ledger.ledger import Ledger
from bitstamp_ledger.sandbox import generate_account

RECORDS = 100_000
PAGE = 1_000
ROUNDS = 3
LENGTHS = (10_000, 100_000, 1_000_000)
RESUMES = 15

Raws = list[bytes]


def raw_records(count: int) -> Raws:
    """Return a made-up history as the exchange sends it, oldest first."""
    stored = msgspec.json.decode(generate_account(7, count).dump(), type=dict[str, msgspec.Raw])
    return list(map(bytes, msgspec.json.decode(stored["records"], type=list[msgspec.Raw])))


def endless_pages(count: int) -> Iterator[bytes]:
    """Make up a history of plain trades, page by page."""
    for first in range(1, count + 1, PAGE):
        yield msgspec.json.encode([_trade(number) for number in range(first, first + PAGE)])


def _trade(number: int) -> dict[str, object]:
    minute, second = divmod(number, 60)
    day, minute = divmod(minute, 1_440)
    return {
        "id": number,
        "datetime": f"{2020 + day // 336}-{day % 336 // 28 + 1:02}-{day % 28 + 1:02} "
        f"{minute // 60:02}:{minute % 60:02}:{second:02}",
        "type": "2",
        "btc": f"0.{number:08}",
        "eur": f"-{number % 9_000 + 1}.00",
        "btc_eur": 30_000.5,
        "fee": "0.10",
        "usd": 0.0,
        "order_id": number,
    }


def pages_of(raws: Raws) -> Iterator[bytes]:
    """Cut a history into pages."""
    for at in range(0, len(raws), PAGE):
        yield b"[" + b",".join(raws[at : at + PAGE]) + b"]"


class Shelf:
    """Stands in for a client: hands over entries that are there already, without a network."""

    account = bl.MAIN_ACCOUNT

    def __init__(self, entries: Callable[[int | None], Iterable[bl.Entry]]) -> None:
        self._entries = entries

    def balances(self) -> tuple[bl.Balance, ...]:
        """State nothing."""
        return ()

    def entries(self, since_id: int | None = None) -> Iterator[bl.Entry]:
        """Yield what is not older."""
        yield from self._entries(since_id)


def cpu(work: Callable[[], object]) -> float:
    """Return the processor time that some work takes."""
    began = time.process_time()
    work()
    return time.process_time() - began


def store_plainly(path: Path, raws: Raws) -> None:
    """Store raw rows with sqlite3 alone: one table, write-ahead log, a commit per page."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("CREATE TABLE records (id INTEGER PRIMARY KEY, raw BLOB NOT NULL)")
    for at in range(0, len(raws), PAGE):
        rows = [(raw,) for raw in raws[at : at + PAGE]]
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("INSERT INTO records (raw) VALUES (?)", rows)
        connection.execute("COMMIT")
    connection.close()


def measure_costs(folder: Path, raws: Raws) -> Iterator[str]:
    """Yield one line for storing and one for reading."""
    entries = [entry for page in pages_of(raws) for entry in bl.parse_user_transactions(page)]
    gc.collect()
    gc.freeze()  # The entries at hand are no garbage, and no part of what is measured.
    floor_s: list[float] = []
    sync_s: list[float] = []
    decode_s: list[float] = []
    view_s: list[float] = []
    for number in range(ROUNDS):
        floor_s.append(cpu(partial(store_plainly, folder / f"floor{number}.db", raws)))
        with Ledger.open(folder / f"ledger{number}.db") as ledger:
            sync_s.append(cpu(partial(ledger.sync, Shelf(lambda _: entries))))
        decode_s.append(cpu(lambda: [bl.parse_user_transactions(page) for page in pages_of(raws)]))
        with Ledger.open(folder / f"ledger{number}.db") as ledger:
            view_s.append(cpu(partial(deque, ledger.entries(), maxlen=0)))
    sync, floor, view, decode = map(min, (sync_s, floor_s, view_s, decode_s))
    yield (
        f"sync of {len(raws):,} records, a commit per {PAGE:,}: "
        f"{sync / floor:.1f} x sqlite3.executemany of the raw rows (goal 5)"
    )
    yield (
        f"view of {len(raws):,} entries from cold: "
        f"{view / decode:.2f} x decoding their raw records (goal 3)"
    )


def live_long(path: Path, count: int) -> dict[str, float]:
    """Sync a history of so many records, iterate it, and ask for news; say what it took."""
    last: list[bl.Entry] = []

    def whole(since_id: int | None) -> Iterator[bl.Entry]:
        if since_id is not None:
            yield from (entry for entry in last if (entry.transaction_id or 0) >= since_id)
            return
        for page in endless_pages(count):
            last[:] = bl.parse_user_transactions(page)
            yield from last

    with Ledger.open(path) as ledger:
        ledger.sync(Shelf(whole))
        resume_s = min(cpu(lambda: ledger.sync(Shelf(whole))) for _ in range(RESUMES))
        held = sum(1 for _ in ledger.entries())
    return {
        "held": held,
        "resume_ms": resume_s * 1000,
        "peak_mb": peak_mb(),
    }


def peak_mb() -> float:
    """Return the most memory that this process has held.

    What `getrusage` says on Linux is never less than what the parent held when it forked.
    """
    status = Path("/proc/self/status")
    if status.exists():
        (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure_lengths(folder: Path) -> Iterator[str]:
    """Yield one line for news and one for memory."""
    found = {}
    for count in LENGTHS:
        place = folder / f"long{count}.db"
        done = subprocess.run(
            [sys.executable, __file__, str(place), str(count)],
            check=True,
            capture_output=True,
            text=True,
        )
        found[count] = json.loads(done.stdout)
        if found[count]["held"] != count:
            raise RuntimeError(f"{found[count]['held']} of {count} records were held")
    first, *_, last = LENGTHS
    lengths = ", ".join(f"{each['resume_ms']:.0f} ms" for each in found.values())
    growth = found[last]["resume_ms"] / found[first]["resume_ms"]
    yield (
        f"resume with nothing new at {', '.join(f'{count:,}' for count in LENGTHS)} records held: "
        f"{lengths}; {growth:.2f} x from the first to the last (goal: the same)"
    )
    peaks = ", ".join(f"{each['peak_mb']:.0f} MB" for each in found.values())
    yield f"peak memory of the process that synced and iterated them: {peaks} (goal: flat)"


def main() -> None:
    """Print the figures."""
    if len(sys.argv) > 1:
        print(json.dumps(live_long(Path(sys.argv[1]), int(sys.argv[2]))))
        return
    folder = Path(tempfile.mkdtemp(prefix="ledger-bench-"))
    try:
        for line in measure_costs(folder, raw_records(RECORDS)):
            print(line, flush=True)
        for line in measure_lengths(folder):
            print(line, flush=True)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
