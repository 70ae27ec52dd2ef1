"""A ledger that several programs, threads and tasks use at once; and keys that it refuses."""

import datetime as dt
import sqlite3
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import anyio
import pytest
import sqlalchemy as sa

import bitstamp_ledger as bl
from bitstamp_ledger.api import KeyCondition, KeyReport, Probes
from bitstamp_ledger.ledger import (
    AsyncLedger,
    EntryState,
    Ledger,
    LedgerBusyError,
    LedgerError,
    SyncReport,
    _migrations,
)
from bitstamp_ledger.ledger._locks import account_lock
from bitstamp_ledger.ledger._schema import SCHEMA_VERSION, metadata, verdicts
from bitstamp_ledger.ledger._store import lock_views
from bitstamp_ledger.sandbox import READ_PERMISSIONS, Sandbox
from tests.ledger import postgres
from tests.ledger.books import Book, deposit, entries_of, statement, trade

OLD_LEDGER = Path(__file__).parent / "schema-1.db"


def book_of(count: int) -> Book:
    return Book([deposit(1), *(trade(number) for number in range(2, count + 1))])


# -- two syncs at once


def test_a_second_sync_of_an_account_is_refused_or_waits(ledger: Ledger, place: str) -> None:
    """Clearly, and another account is not held up."""
    book = book_of(5)
    started, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        started.set()
        assert go_on.wait(10)

    slow = Book(list(book.records))
    slow.before_balances = hold
    with ThreadPoolExecutor() as pool:
        first = pool.submit(ledger.sync, slow)
        assert started.wait(10)
        with Ledger.open(place) as other:
            with pytest.raises(LedgerBusyError, match="being synced already"):
                other.sync(book)
            other.sync(Book([deposit(1)], account="Trading"))
            waiting = pool.submit(other.sync, book, wait_s=10)
            go_on.set()
            assert first.result().new == 5
            assert waiting.result().new == 0


def test_a_lock_dies_with_its_process(new_place: Callable[[], str]) -> None:
    """A sync that was killed holds nobody up."""
    place = new_place()
    code = f"""
import os
from bitstamp_ledger.ledger import Ledger
from tests.ledger.books import Book, deposit
book = Book([deposit(1)])
book.before_balances = lambda: os.kill(os.getpid(), 9)
Ledger.open({place!r}).sync(book)
"""
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", code], check=False, cwd=Path(__file__).parents[2]
    )
    assert done.returncode == -9
    with Ledger.open(place) as ledger:
        assert ledger.sync(book_of(3)).new == 3
        assert [run.outcome for run in ledger.runs()] == ["running", "done"]


def test_threads_can_do_everything_at_once(ledger: Ledger) -> None:
    """Read, import and decide while an account is synced."""
    book = book_of(400)
    ledger.sync(book)
    book.records += [trade(number) for number in range(401, 801)]
    ledger._page_records = 50
    files = [statement(book.records[at : at + 20]) for at in range(0, 200, 50)]
    with ThreadPoolExecutor(8) as pool:
        sync = pool.submit(ledger.sync, book)
        imports = [pool.submit(ledger.import_file, content) for content in files]
        labels = [
            pool.submit(ledger.annotate, f"Main Account/trade/{number}", label="x")
            for number in range(2, 30)
        ]
        lists = [pool.submit(lambda: len(list(ledger.entries()))) for _ in range(5)]
        assert sync.result().new == 400
        assert all(400 <= each.result() <= 800 for each in lists)
        assert all(each.result().counts.adds_up for each in imports)
        assert len({each.result().id for each in labels}) == 28
    assert list(ledger.entries()) == entries_of(book.records)
    assert ledger.counts().adds_up


def test_a_ledger_in_memory_serves_several_threads() -> None:
    """For notebooks and tests."""
    with Ledger.open("sqlite://") as ledger:
        book = book_of(300)
        with ThreadPoolExecutor(4) as pool:
            pool.submit(ledger.sync, book).result()
            counts = [pool.submit(lambda: len(list(ledger.entries()))) for _ in range(4)]
            assert [each.result() for each in counts] == [300] * 4


def test_entries_can_be_read_while_others_write(ledger: Ledger) -> None:
    """An iterator that is put aside locks nothing and stays good."""
    book = book_of(2_500)
    ledger.sync(book)
    reading = ledger.entries()
    first = [next(reading) for _ in range(10)]
    book.records.append(trade(2_501))
    ledger.sync(book)
    ledger.hide("Main Account/trade/2400")
    assert [*first, *reading] == entries_of(book.records)


# -- async


class AsyncBook:
    """A book that is awaited."""

    def __init__(self, book: Book) -> None:
        self.book = book
        self.account = book.account

    async def balances(self) -> tuple[bl.Balance, ...]:
        return self.book.balances()

    async def entries(self, since_id: int | None = None) -> AsyncIterator[bl.Entry]:
        for entry in self.book.entries(since_id):
            yield entry


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_the_async_ledger_is_the_same(new_place: Callable[[], str], backend: str) -> None:
    """On either event loop, with every method."""
    book = book_of(1_200)
    place = new_place()

    async def use() -> tuple[SyncReport, list[bl.Entry], bool]:
        async with await AsyncLedger.open(place) as ledger:
            told: list[int] = []
            report = await ledger.sync(
                AsyncBook(book), progress=lambda progress: told.append(progress.records)
            )
            assert told == [1_000, 1_200]
            found = [entry async for entry in ledger.entries(kinds=["trade"])]
            proof = await ledger.prove(AsyncBook(book))
            imported = await ledger.import_file(statement(book.records[:5]))
            assert imported.counts.witnessed == 5
            row_id = (await ledger.reconcile()).matches[0].file[0].id
            await ledger.split("Main Account/deposit/1", row_id)
            decision = await ledger.merge("Main Account/deposit/1", row_id)
            await ledger.undo(decision)
            match = (await ledger.reconcile()).matches[0]
            await ledger.confirm(match)
            await ledger.reject(match)
            await ledger.annotate(found[0].id, label="x")
            await ledger.hide(found[0].id)
            await ledger.unhide(found[0].id)
            annotation = await ledger.annotation(found[0].id)
            assert annotation is not None
            assert annotation.label == "x"
            assert len(await ledger.history(found[0].id)) >= 4
            assert len(await ledger.decisions()) == 8
            await ledger.remove_import(imported.file_id)
            assert len(await ledger.imports()) == 1
            assert (await ledger.accounts())[0].synced_at is not None
            assert len(await ledger.runs()) == 4
            assert await ledger.seal(2021) == ()
            assert await ledger.sealed_changes() == await ledger.accept(2021) == ()
            await ledger.rebuild()
            assert (await ledger.counts()).adds_up
            assert await ledger.balances() == bl.replay(entries_of(book.records))
            return report, found, proof.holds

    report, found, holds = anyio.run(use, backend=backend)
    assert report.new == 1_200
    assert found == entries_of(book.records)[1:]
    assert holds


def test_a_cancelled_sync_lets_go(new_place: Callable[[], str]) -> None:
    """What was committed stays, and the next sync is not refused."""
    place = new_place()
    book = book_of(10)

    class Endless(AsyncBook):
        async def balances(self) -> tuple[bl.Balance, ...]:
            await anyio.sleep_forever()
            return ()

    async def use() -> None:
        async with await AsyncLedger.open(place) as ledger:
            with anyio.move_on_after(0.2):
                await ledger.sync(Endless(book))
            assert (await ledger.sync(AsyncBook(book))).new == 10
            assert [run.outcome for run in await ledger.runs()] == ["failed", "done"]

    anyio.run(use)


# -- keys


def report_of(condition: KeyCondition) -> KeyReport:
    """Return the report of a check."""
    return KeyReport(
        condition=condition,
        probes=Probes.NONE,
        key="…WXYZ",
        account="Main Account",
        exchange="localhost",
        checked_at=dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
    )


def test_an_overprivileged_key_is_refused_unless_allowed(ledger: Ledger) -> None:
    """By what the last explicit check said; a sync itself never probes."""
    with Sandbox(seed=1, transactions=20) as sandbox:
        made = sandbox.add_key(permissions=[*READ_PERMISSIONS, "buy_limit_order"])
        key = bl.Credentials(key=made.key, secret=made.secret)
        with bl.Client(key, base_url=sandbox.url) as client:
            with pytest.raises(bl.UnprovenKeyError, match="never checked"):
                ledger.sync(client, require_checked=True)
            assert "never checked" in ledger.sync(client).notices[0]
            assert sandbox.writes == []
            assert ledger.check_key(client).state is bl.KeyState.OVERPRIVILEGED
            probes = len(sandbox.writes)
            with pytest.raises(bl.OverprivilegedKeyError, match="can do more"):
                ledger.sync(client)
            report = ledger.sync(client, allow_overprivileged=True)
            assert "allowed by name" in report.notices[0]
            assert len(sandbox.writes) == probes
        good = bl.Credentials(key=sandbox.key, secret=sandbox.secret)
        with bl.Client(good, base_url=sandbox.url) as client:
            assert ledger.check_key(client).state is bl.KeyState.READ_ONLY
            assert ledger.sync(client, require_checked=True).notices == ()
            assert len(list(ledger.entries())) == 20
        with ledger.store.read() as connection:
            stored = str(connection.execute(verdicts.select()).all())
        for secret in (made.key, made.secret, sandbox.key, sandbox.secret):
            assert secret not in stored


def test_other_verdicts_are_told(ledger: Ledger) -> None:
    """A key whose writes nobody asked about may be used, with a notice."""
    book = book_of(2)
    book.key_fingerprint = "f"
    ledger.remember_check(book, report_of(KeyCondition.WRITES_NOT_ASKED))
    assert "UNPROVEN" in ledger.sync(book, require_checked=True).notices[0]
    with pytest.raises(LedgerError, match="without a key"):
        ledger.remember_check(book_of(1), report_of(KeyCondition.WRITES_NOT_ASKED))


# -- other releases


def test_a_ledger_of_the_first_schema_opens(new_place: Callable[[], str]) -> None:
    """With all that was kept in it."""
    place = new_place()
    Path(place).write_bytes(OLD_LEDGER.read_bytes())
    with Ledger.open(place) as ledger:
        assert ledger.schema_version == SCHEMA_VERSION
        assert len(list(ledger.entries())) == 13
        annotation = ledger.annotation("Main Account/trade/2")
        assert annotation is not None
        assert annotation.label == "the first"
        assert [entry.id for entry in ledger.entries(state=EntryState.SUPPRESSED)] == [
            "Main Account/trade/3"
        ]
        assert ledger.counts().adds_up
        book = book_of(15)
        assert ledger.prove(book).entries == 14
        ledger.rebuild()
        assert len(list(ledger.entries())) == 14


def test_steps_lead_from_version_to_version(new_place: Callable[[], str]) -> None:
    """All of them or none."""
    place = new_place()
    Ledger.open(place).close()
    engine = sa.create_engine(f"sqlite:///{place}")

    def add_a_column(connection: sa.Connection) -> None:
        connection.exec_driver_sql("ALTER TABLE ledger_files ADD COLUMN size BIGINT")

    with engine.begin() as connection:
        with pytest.raises(LedgerError, match="No step leads"):
            _migrations.prepare(connection, steps={}, version=SCHEMA_VERSION + 1)
        steps = {SCHEMA_VERSION: add_a_column}
        _migrations.prepare(connection, steps=steps, version=SCHEMA_VERSION + 1)
        assert _migrations.version_of(connection) == SCHEMA_VERSION + 1
    engine.dispose()
    with pytest.raises(LedgerError, match="newer release"):
        Ledger.open(place)
    with sqlite3.connect(place) as connection_:
        connection_.execute("DELETE FROM ledger_meta")
    connection_.close()
    with pytest.raises(LedgerError, match="no schema version"):
        Ledger.open(place)


def test_the_tables_are_those_of_the_kept_ledger() -> None:
    """Whoever changes a table must raise the version and write a step."""
    engine = sa.create_engine(f"sqlite:///file:{OLD_LEDGER}?mode=ro&immutable=1&uri=true")
    found = {
        name: {column["name"] for column in sa.inspect(engine).get_columns(name)}
        for name in sa.inspect(engine).get_table_names()
    }
    engine.dispose()
    declared = {
        table.name: {column.name for column in table.columns} for table in metadata.sorted_tables
    }
    assert SCHEMA_VERSION > 1 or found == declared


def test_the_light_parts_need_no_database(folder: Path) -> None:
    """`prove` and `replay` work without SQLAlchemy; `Ledger` says what to install."""
    (folder / "sqlalchemy.py").write_text("raise ModuleNotFoundError(name='sqlalchemy')")
    code = """
import sys
import bitstamp_ledger as bl
from bitstamp_ledger import ledger
assert bl.prove([], []).holds and bl.replay([]) == {}
assert "sqlalchemy" not in sys.modules
try:
    ledger.Ledger
except bl.MissingExtraError as error:
    print(error.extra)
"""
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
        env={"PYTHONPATH": str(folder)},
    )
    assert done.stdout.strip() == "ledger"


def test_ledgers_in_schemas_of_one_database_do_not_wait_for_each_other(
    server: postgres.Server,
) -> None:
    """Each customer's ledger may have a schema of its own, and each has a "Main Account"."""
    with (
        Ledger.open(server.new_place()) as one,
        Ledger.open(server.new_place()) as other,
        account_lock(one.store, "Main Account", wait_s=0),
    ):
        with account_lock(other.store, "Main Account", wait_s=0):
            pass
        with (
            pytest.raises(LedgerBusyError),
            account_lock(one.store, "Main Account", wait_s=0),
        ):
            pass
        with one.store.write() as here, other.store.write() as there:
            lock_views(here)
            lock_views(there)  # Would wait for ever.


def test_a_new_ledger_can_be_opened_by_several_at_once(folder: Path) -> None:
    """SQLite refuses one of two that turn a new file over at once, without waiting."""
    together = threading.Barrier(4)

    def open_it(place: Path) -> None:
        together.wait(30)
        Ledger.open(place).close()

    with ThreadPoolExecutor(4) as pool:
        for number in range(60):
            list(pool.map(open_it, [folder / f"{number}.db"] * 4))
