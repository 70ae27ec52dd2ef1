"""Whatever happens to the process or the disk, what was committed stays and nothing is doubled."""

import contextlib
import itertools
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import attrs
import pytest
import sqlalchemy as sa

import bitstamp_ledger as bl
from bitstamp_ledger.ledger import EntryState, Ledger, LedgerError
from bitstamp_ledger.sandbox import Sandbox, render_g2
from tests.ledger import postgres
from tests.ledger.books import Book, deposit, entries_of, statement, trade

KILLS = [40, pytest.param(200, marks=pytest.mark.lengthy)]
LIVES = 20
"""For each ledger."""

RECORDS = 300
FIRST_KILL_S, LAST_KILL_S = 0.005, 0.12

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="workers are forked")


@attrs.define
class Killer:
    """Starts workers and kills them."""

    process: "subprocess.Popen[str]"

    def life(self, task: dict[str, str], seconds: float) -> None:
        """Let a worker work for so long."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{json.dumps(task)}\n")
        self.process.stdin.flush()
        child = int(self.process.stdout.readline())
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
        assert self.process.stdout.readline().strip() == str(-signal.SIGKILL)


@pytest.fixture
def killer() -> Iterator[Killer]:
    """The program that forks workers."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.ledger.killed"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    with process:
        yield Killer(process)
        assert process.stdin is not None
        process.stdin.close()


@pytest.mark.thorough
@pytest.mark.parametrize("kills", KILLS)
def test_it_survives_being_killed_at_any_moment(killer: Killer, folder: Path, kills: int) -> None:
    """After each kill it opens and proves; in the end it equals one that was never killed."""
    count = itertools.count()
    survive(killer, folder, lambda: str(folder / f"{next(count)}.db"), ledgers=kills // LIVES)


@pytest.mark.thorough
def test_it_survives_being_killed_on_a_server(
    killer: Killer, folder: Path, server: postgres.Server
) -> None:
    """Where the lock of a killed sync ends with its connection."""
    survive(killer, folder, server.new_place, ledgers=1)


def survive(killer: Killer, folder: Path, new_place: Callable[[], str], *, ledgers: int) -> None:
    draw = random.Random(7)  # noqa: S311 - moments, not secrets
    with Sandbox(seed=3, transactions=RECORDS) as sandbox:
        export = folder / "export.csv"
        export.write_text(render_g2(sandbox.records).text)
        key = bl.Credentials(key=sandbox.key, secret=sandbox.secret)
        task = {"url": sandbox.url, "key": sandbox.key, "secret": sandbox.secret}
        with bl.Client(key, base_url=sandbox.url) as client:
            calm = story(new_place(), client, export)
            for _ in range(ledgers):
                place = new_place()
                for _ in range(LIVES):
                    killer.life(
                        {**task, "place": place, "file": str(export)},
                        draw.uniform(FIRST_KILL_S, LAST_KILL_S),
                    )
                    with Ledger.open(place) as ledger:
                        ids = [entry.id for entry in ledger.entries()]
                        assert len(ids) == len(set(ids))
                        assert ledger.counts().adds_up
                        assert ledger.prove(client, wait_s=5).holds
                assert story(place, client, export) == calm


def story(place: str, client: bl.Client, export: Path) -> object:
    """Bring a ledger to its end, and return all that it shows."""
    with Ledger.open(place) as ledger:
        ledger.sync(client)
        ledger.import_file(export)
        assert ledger.prove(client).holds
        states = [[entry.id for entry in ledger.entries(state=state)] for state in EntryState]
        return list(ledger.entries()), states, ledger.balances(), ledger.counts()


def test_a_sync_that_ends_early_keeps_what_was_committed(ledger: Ledger) -> None:
    """The next resume goes on from there and ends in the same ledger."""
    book = Book([deposit(1), *(trade(number) for number in range(2, 151))])
    ledger._page_records = 40

    def stop_at(limit: int) -> Callable[[bl.Entry], None]:
        def check(entry: bl.Entry) -> None:
            if entry.transaction_id == limit:
                raise bl.NoAnswerError("gone", endpoint="user_transactions", attempts=1)

        return check

    for limit in (100, 150):
        book.before_each = stop_at(limit)
        with pytest.raises(bl.NoAnswerError):
            ledger.sync(book)
        assert ledger.runs()[-1].outcome == "failed"
    assert len(list(ledger.entries())) == 120
    book.before_each = lambda _: None
    ledger.sync(book)
    assert list(ledger.entries()) == entries_of(book.records)
    assert ledger.prove(book).holds


@contextlib.contextmanager
def full_disk(ledger: Ledger) -> Iterator[None]:
    """Let the file of a ledger grow no more."""

    def limit(connection: sa.Connection) -> None:
        used = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {used}")

    engine = ledger.store.engine
    engine.dispose()
    sa.event.listen(engine, "begin", limit)
    try:
        yield
    finally:
        sa.event.remove(engine, "begin", limit)
        engine.dispose()


def test_a_full_disk_is_told_and_loses_nothing(new_place: Callable[[], str]) -> None:
    """And the sync goes on once there is space."""
    book = Book([deposit(1), *(trade(number) for number in range(2, 101))])
    with Ledger.open(new_place()) as ledger:
        ledger.sync(book)
        ledger.annotate("Main Account/trade/2", label="kept")
        book.records += [trade(number) for number in range(101, 3_001)]
        before = list(ledger.entries())
        with full_disk(ledger):
            with pytest.raises(LedgerError, match="disk is full"):
                ledger.sync(book)
            with pytest.raises(LedgerError, match="disk is full"):
                ledger.import_file(statement(book.records))
            shown = list(ledger.entries())
        assert shown[: len(before)] == before
        ledger.sync(book)
        assert list(ledger.entries()) == entries_of(book.records)
        annotation = ledger.annotation("Main Account/trade/2")
        assert annotation is not None
        assert annotation.label == "kept"
        assert ledger.prove(book).holds


def test_a_file_size_limit_is_told_and_loses_nothing(folder: Path) -> None:
    """The system refuses to make the file longer, as a full disk does."""
    place = folder / "limited.db"
    code = f"""
import resource, signal
from bitstamp_ledger.ledger import Ledger, LedgerError
from tests.ledger import postgres
from tests.ledger.books import Book, trade
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
with Ledger.open({str(place)!r}) as ledger:
    book = Book([trade(number) for number in range(1, 101)])
    ledger.sync(book)
    resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))
    book.records += [trade(number) for number in range(101, 4_001)]
    try:
        ledger.sync(book)
    except LedgerError as error:
        print(error)
"""
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    assert "What was committed before is kept." in done.stdout
    with Ledger.open(place) as ledger:
        book = Book([trade(number) for number in range(1, 4_001)])
        assert len(list(ledger.entries())) >= 100
        ledger.sync(book)
        assert list(ledger.entries()) == entries_of(book.records)


def test_a_file_that_cannot_be_written_is_told(new_place: Callable[[], str]) -> None:
    """What it holds can be read, and is untouched."""
    place = new_place()
    book = Book([deposit(1), trade(2)])
    with Ledger.open(place) as ledger:
        ledger.sync(book)
    before = Path(place).read_bytes()
    with Ledger.open(f"sqlite:///file:{place}?mode=ro&uri=true") as ledger:
        assert list(ledger.entries()) == entries_of(book.records)
        with pytest.raises(LedgerError, match="read but not written"):
            ledger.annotate("Main Account/trade/2", label="x")
        with pytest.raises(LedgerError, match="read but not written"):
            ledger.sync(book)
        with pytest.raises(LedgerError, match="read but not written"):
            ledger.import_file(statement(book.records))
    assert Path(place).read_bytes() == before


def test_what_is_no_ledger_is_refused(folder: Path) -> None:
    """Another file, a folder that is not there, another kind of database."""
    text = folder / "notes.txt"
    text.write_text("not a database, but long enough to have a header" * 100)
    with pytest.raises(LedgerError, match="no database"):
        Ledger.open(text)
    with pytest.raises(LedgerError, match="cannot be opened"):
        Ledger.open(folder / "missing" / "ledger.db")
    with pytest.raises(LedgerError, match="cannot be kept in mysql"):
        Ledger.open("mysql://user:secret@host/db")
    with pytest.raises(LedgerError, match="not the address"):
        Ledger.open("postgresql://user:secret@host:port/db")


def test_a_password_is_never_shown(folder: Path) -> None:
    """Neither in the name of a ledger nor in what goes wrong."""
    del folder
    with pytest.raises(LedgerError) as caught:
        Ledger.open("postgresql://user:hunter2@127.0.0.1:1/db")
    assert "hunter2" not in f"{caught.value!r} {caught.value} {caught.value.__cause__!r}"


def test_a_first_sync_that_ends_early_misses_no_lower_id(ledger: Ledger) -> None:
    """Ids need not rise with time: what comes after the first page may have a lower one."""
    book = Book([deposit(40, minute=1), trade(20, minute=2), trade(60, minute=3)])
    ledger._page_records = 1

    def stop(_: object) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        ledger.sync(book, progress=stop)
    ledger.sync(book)

    assert [entry.transaction_id for entry in ledger.entries()] == [40, 20, 60]
