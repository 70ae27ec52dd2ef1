"""A program that keeps a sink up to date until it kills itself; run by the tests, for many lives.

It imports everything, then forks a worker whenever it reads a line of JSON, and says how that
ended; starting Python anew for each worker would take longer than all the work.  A worker dies at
a moment that is counted in what it does, not in time: a busy machine would die in other places.
"""

import json
import os
import random
import signal
import sys
from pathlib import Path
from typing import NoReturn

import sqlalchemy as sa

from bitstamp_ledger.ledger import FollowReport, Ledger
from bitstamp_ledger.sinks import Batch, BatchSink, Delivery, SinkHandle, Upsert, load
from tests.ledger.books import Book, deposit, trade

BATCH_ROWS = 10


class _Life:
    """How many moments are left."""

    moments: int | None = None


def moment(*_: object) -> None:
    """Die, if it is time."""
    if _Life.moments is None:
        return
    _Life.moments -= 1
    if _Life.moments < 0:
        os.kill(os.getpid(), signal.SIGKILL)


def handle_on(target: str) -> SinkHandle:
    """Return a handle with small batches, so that a run has many moments to be killed at."""
    delivery = Delivery(batch_rows=BATCH_ROWS)
    if "://" in target:
        return SinkHandle(load("sql")(url=target), name="sql", delivery=delivery)
    sink = BatchSink(Log(Path(target)), name="log", target=target)
    return SinkHandle(sink, name="log", delivery=delivery)


class Log:
    """A receiver that keeps no checkpoint: it appends what it is told, a line for each batch."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __call__(self, batch: Batch) -> None:
        operations = [
            ["upsert", each.entry.id, each.revision, str(each.entry.legs)]
            if isinstance(each, Upsert)
            else ["retract", each.entry_id, each.revision, each.reason]
            for each in batch.operations
        ]
        moment()
        with self.path.open("a", encoding="utf-8") as file:
            file.write(f"{json.dumps([batch.id, operations])}\n")
        moment()


def change(ledger: Ledger, draw: random.Random) -> None:
    """Let the ledger grow, and change or lose something."""
    held = sum(1 for _ in ledger.entries())
    book = Book(
        [deposit(1), *(trade(number) for number in range(2, held + draw.randrange(15, 40)))]
    )
    what = draw.randrange(8)
    if what == 0:
        book.change(draw.randrange(2, 20), fee=f"0.{draw.randrange(10, 99)}")
    ledger.sync(book, "full" if what == 0 else "resume")
    entry_id = f"Main Account/trade/{draw.randrange(2, 20)}"
    if what == 1:
        ledger.hide(entry_id)
    elif what == 2:
        ledger.unhide(entry_id)


def follow(ledger: Ledger, target: str) -> FollowReport:
    """Bring the target up to date."""
    return ledger.follow(handle_on(target), wait_s=10)


def work(task: dict[str, str]) -> NoReturn:
    """Follow until it is time, or to the end, and die."""
    with Ledger.open(task["place"]) as ledger:
        for name in ("before_cursor_execute", "after_cursor_execute", "commit"):
            sa.event.listen(sa.Engine, name, moment)
        _Life.moments = int(task["moments"])
        follow(ledger, task["target"])
    os.kill(os.getpid(), signal.SIGKILL)
    raise RuntimeError


def main() -> None:
    """Fork a worker for each line."""
    for line in sys.stdin:
        task = json.loads(line)
        child = os.fork()
        if not child:
            try:
                work(task)
            except BaseException as exc:  # noqa: BLE001 - the parent must see it, whatever it is
                sys.stderr.write(f"worker: {exc!r}\n")
                sys.stderr.flush()
            finally:
                os._exit(1)
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
