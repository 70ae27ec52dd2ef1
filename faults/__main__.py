"""Go the whole road through storms: ``python -m faults --seed 1 --runs 100``.

Each run is drawn from its seed, so one that fails can be had again: ``--seed N --runs 1``.
``--minutes 30`` goes on for so long (a soak) and also fails when memory, files, threads or
processes are left behind.
"""

import argparse
import contextlib
import itertools
import os
import secrets
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from faults._run import LOSSES, Result, Workers, run

GROWTH_MAX_BYTES: Final = 48 * 2**20
"""How much more memory a soak may hold at its end than after it has warmed up."""

WARM_UP_RUNS: Final = 10


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the command line and run; return 1 if anything was wrong."""
    parser = argparse.ArgumentParser(prog="python -m faults", description=__doc__.split("\n")[0])
    parser.add_argument("--seed", type=int, help="of the first run; else another each time")
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--minutes", type=float, help="go on for so long, whatever --runs says")
    parser.add_argument("--journal", action="store_true", help="tell also of runs that are sound")
    parser.add_argument("--postgres", action="store_true", help="keep the ledger on a server")
    parser.add_argument("--lose", choices=LOSSES, default="", help="lose something on purpose")
    options = parser.parse_args(arguments)
    first = secrets.randbelow(10**9) if options.seed is None else options.seed
    ends = None if options.minutes is None else time.monotonic() + 60 * options.minutes
    seeds = itertools.count(first) if ends else range(first, first + options.runs)
    _say(f"first seed {first}")
    with _places(on_server=options.postgres) as new_place:
        results = _runs(seeds, ends, new_place=new_place, options=options)
    wrong = results.failed + len(results.left)
    for what in results.left:
        _say(f"LEFT BEHIND: {what}")
    _say(
        f"{results.runs} runs, {results.failed} failed; {results.lives} lives, {results.killed}"
        f" ended by a signal, {results.refused} steps refused; {results.memory_told()}"
    )
    return 1 if wrong else 0


class _Totals:
    """What all runs did, and what they left behind."""

    def __init__(self) -> None:
        self.runs = self.failed = self.lives = self.killed = self.refused = 0
        self.left: list[str] = []
        self.warm = self.last = 0

    def add(self, result: Result) -> None:
        self.runs += 1
        self.failed += bool(result.wrong)
        self.lives += result.lives
        self.killed += result.killed
        self.refused += result.refused
        self.last = _memory()
        if self.runs <= WARM_UP_RUNS:
            self.warm = self.last

    def memory_told(self) -> str:
        return f"memory {self.warm / 2**20:.0f} MB when warm, {self.last / 2**20:.0f} MB at the end"


def _runs(
    seeds: Iterator[int] | range,
    ends: float | None,
    *,
    new_place: Callable[[], str] | None,
    options: argparse.Namespace,
) -> _Totals:
    totals = _Totals()
    before = _held()
    with Workers() as workers:
        for seed in seeds:
            if ends is not None and time.monotonic() > ends:
                break
            result = run(seed, workers, lose=options.lose, new_place=new_place)
            totals.add(result)
            _say(result.line())
            if result.wrong or options.journal:
                _say(*(f"  {line}" for line in (*result.journal, *result.wrong)))
    totals.left = [
        f"{after - there} {what}"
        for what, there, after in zip(before, before.values(), _held().values(), strict=True)
        if after > there
    ]
    if totals.last - totals.warm > GROWTH_MAX_BYTES:
        totals.left.append(totals.memory_told())
    return totals


def _held() -> dict[str, int]:
    """Return how much of everything this process holds."""
    children = Path("/proc/self/task", str(os.getpid()), "children")
    files = Path("/proc/self/fd")
    return {
        "threads": threading.active_count(),
        "open files": sum(1 for _ in files.iterdir()) if files.exists() else 0,
        "processes": len(children.read_text().split()) if children.exists() else 0,
        "folders": sum(1 for _ in Path(tempfile.gettempdir()).glob("ledger-faults-*")),
    }


def _memory() -> int:
    """Return how many bytes this process holds; 0 where nobody says."""
    stated = Path("/proc/self/statm")
    if not stated.exists():
        return 0
    return int(stated.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@contextlib.contextmanager
def _places(*, on_server: bool) -> Iterator[Callable[[], str] | None]:
    if not on_server:
        yield None
        return
    from tests.ledger import postgres  # noqa: PLC0415 - a server is seldom wanted

    with postgres.running() as server:
        yield server.new_place


def _say(*lines: str) -> None:
    for line in lines:
        sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main())
