"""The program that things happen to: ``python -m faults.worker`` forks one for each line of JSON.

It imports everything once; starting Python anew for each life would take longer than the life.
What a life has done it writes line by line, so that the harness knows what was acknowledged.
"""

import contextlib
import datetime as dt
import json
import logging
import os
import signal
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any, Final

import attrs
import sqlalchemy as sa

import bitstamp_ledger as bl
from bitstamp_ledger.ledger import Ledger
from bitstamp_ledger.sinks import Delivery, SinkHandle, load

try:
    import resource
except ImportError:  # Not on Windows, where nothing forks either.
    resource = None  # type: ignore[assignment]

PATIENCE: Final = bl.RetryPolicy(attempts_max=3, delay_first_s=0.01, delay_max_s=0.02)
TIMEOUT_S: Final = 0.3
CALM_TIMEOUT_S: Final = 10.0
BATCH_ROWS: Final = 25
SINK, LINES, LABEL = "sink.db", "lines.jsonl", "seen"
_monotonic: Final = time.monotonic


@attrs.define(kw_only=True)
class Life:
    """What is known of this life."""

    task: dict[str, Any]
    moments: int = 0
    jumped_s: float = 0.0
    began: float = attrs.field(factory=_monotonic)
    guard: Any = attrs.field(factory=threading.Lock)

    def now(self) -> float:
        """Return the time by a clock that jumps."""
        return float(self.task["now"]) + _monotonic() - self.began + self.jumped_s

    def moment(self, *_: object) -> None:
        """Let happen what is due; called from any thread."""
        with self.guard:
            self.moments += 1
            events = self.task["events"]
            due = []
            while events and events[0]["at"] <= self.moments:
                due.append(events.pop(0))
        for event in due:
            self._happen(event["what"], event["value"])

    def _happen(self, what: str, value: int) -> None:
        if what == "signal":
            os.kill(os.getpid(), value)
        elif what == "clock":
            self.jumped_s += value
        elif what == "locked":
            threading.Thread(target=self._lock, args=(value / 1000,), daemon=True).start()
        else:
            self._limit_files(value if what == "full disk" else None)

    def _limit_files(self, kilobytes: int | None) -> None:
        """Let no file grow beyond so much, as on a full disk."""
        _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        soft = hard if kilobytes is None else 65_536 + 1024 * kilobytes
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    def _lock(self, seconds: float) -> None:
        """Hold the database as another program does."""
        place = self.task["file"]
        if place is None:
            return
        with (
            contextlib.suppress(sqlite3.Error),
            contextlib.closing(sqlite3.connect(place, timeout=0, isolation_level=None)) as other,
        ):
            other.execute("BEGIN IMMEDIATE")
            time.sleep(seconds)


def road(life: Life, say: Callable[..., None]) -> None:
    """Go the whole way once; what fails in our own words is told, and the next step tried."""
    task = life.task
    key = bl.Credentials(key=task["key"], secret=task["secret"])
    clock = lambda: dt.datetime.fromtimestamp(life.now(), dt.UTC)  # noqa: E731 - two words
    timeout_s = CALM_TIMEOUT_S if task["calm"] else TIMEOUT_S

    @contextlib.contextmanager
    def step(name: str) -> Iterator[None]:
        life.moment()
        try:
            yield
        except bl.BitstampLedgerError as exc:
            say(step=name, refused=f"{type(exc).__name__}: {exc}", secret=_tells(exc, task))

    def passed(event: object) -> None:
        life.moment(event)

    with contextlib.ExitStack() as stack:
        with step("open"):
            stack.callback((ledger := Ledger.open(task["place"], clock=clock)).close)
            ledger._page_records = task["page"]  # noqa: SLF001 - more commits to be killed at
        if "ledger" not in locals():
            return
        client = stack.enter_context(
            bl.Client(
                key,
                base_url=task["url"],
                retry=PATIENCE,
                timeout_s=timeout_s,
                observer=passed,
                budget=_Unlimited(),
            )
        )
        reader: Any = _Forgetful(client) if task["lose"] == "ledger" else client
        with step("check"):
            report = ledger.check_key(client)
            say(step="check", state=report.state.name)
        with step("sync"):
            done = ledger.sync(reader, task["mode"], wait_s=5)
            say(step="sync", received=done.counts.received, adds_up=done.counts.adds_up)
        for path in task["files"]:
            with step("import"):
                rows = ledger.import_file(path)
                say(step="import", received=rows.counts.received, adds_up=rows.counts.adds_up)
        with step("annotate"):
            entry = next(ledger.entries(), None)
            if entry is not None:
                ledger.annotate(entry.id, label=LABEL)
                say(step="annotate", entry=entry.id)
        with step("reconcile"):
            found = ledger.reconcile()
            say(step="reconcile", new=len(found.new), conflicts=len(found.conflicts))
        with step("prove"):
            proof = ledger.prove(reader, wait_s=5)
            say(step="prove", holds=proof.holds, steady=proof.steady, of=str(proof.differences))
        with step("follow sql"):
            sink = ledger.follow(_handle(task), wait_s=5)
            say(step="follow sql", upserts=sink.upserts)
        with step("follow jsonl"):
            path = str(Path(task["folder"], LINES))
            ledger.follow(bl.sinks.open("jsonl", path=path), wait_s=5)
            say(step="follow jsonl")
        say(step="end", moments=life.moments)


def _handle(task: dict[str, Any]) -> SinkHandle:
    losing = [_Losing()] if task["lose"] == "sink" else []
    delivery = Delivery(batch_rows=BATCH_ROWS, steps=tuple(losing))
    sink = load("sql")(url=f"sqlite:///{task['folder']}/{SINK}")
    return SinkHandle(sink, name="sql", delivery=delivery)


class _Losing:
    """A step that loses one entry: what the harness must notice."""

    lost: str | None = None

    def __call__(self, entry: bl.Entry) -> bl.Entry | None:
        self.lost = self.lost or entry.id
        return None if entry.id == self.lost else entry


class _Forgetful:
    """A client that forgets one record: what the harness must notice."""

    def __init__(self, client: bl.Client) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the client has
        return getattr(self._client, name)

    def entries(self, since_id: int | None = None) -> Iterator[bl.Entry]:
        """Return all but the third."""
        for number, entry in enumerate(self._client.entries(since_id)):
            if number != 2:  # noqa: PLR2004
                yield entry


class _Unlimited:
    """No need to spare an exchange of our own."""

    def take(self) -> float:
        return 0.0


def _tells(error: BaseException, task: dict[str, Any]) -> bool:
    shown = f"{error!r} {error} {error.__cause__!r} {getattr(error, 'hint', '')}"
    return task["secret"] in shown or task["key"] in shown


def live(task: dict[str, Any]) -> int:
    """Go the road in this process, with the clock and the signals of the task."""
    life = Life(task=task)
    time.time = life.now
    time.time_ns = lambda: int(life.now() * 1e9)
    os.environ["TZ"] = task["zone"]
    time.tzset()
    signal.signal(signal.SIGTERM, _leave)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for name in ("before_cursor_execute", "after_cursor_execute", "commit"):
        sa.event.listen(sa.Engine, name, life.moment)
    with Path(task["log"]).open("a", encoding="utf-8", buffering=1) as log:

        def say(**what: object) -> None:
            log.write(f"{json.dumps(what)}\n")

        try:
            road(life, say)
        except (KeyboardInterrupt, SystemExit) as exc:
            say(step="left", by=type(exc).__name__)
        except BaseException as exc:  # noqa: BLE001 - the harness judges it
            say(step="crash", error=repr(exc)[:2_000], traceback=_where(exc))
            return 1
    return 0


def _where(error: BaseException) -> list[str]:
    at = error.__traceback__
    found = []
    while at is not None:
        found.append(f"{at.tb_frame.f_code.co_filename}:{at.tb_lineno}")
        at = at.tb_next
    return found[-12:]


def _leave(number: int, _: FrameType | None) -> None:
    raise SystemExit(128 + number)


def main() -> None:
    """Fork a life for each line; say its process, and how it ended."""
    logging.disable()  # What is wrong is told by the harness.
    for line in sys.stdin:
        task = json.loads(line)
        child = os.fork()
        if not child:
            code = 1
            try:
                code = live(task)
            finally:
                os._exit(code)
        _say(child)
        _, status = os.waitpid(child, 0)
        _say(os.waitstatus_to_exitcode(status))


def _say(number: int) -> None:
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
