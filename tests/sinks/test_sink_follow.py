"""Following: a sink is sent what changed since, and what is no longer shown is taken back."""

import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import anyio
import anyio.lowlevel
import anyio.to_thread
import attrs
import pytest
import sqlalchemy as sa
from hypothesis import given

from bitstamp_ledger.errors import LedgerBusyError, SinkError
from bitstamp_ledger.ledger import AsyncLedger, Ledger
from bitstamp_ledger.ledger._following import sink_lock
from bitstamp_ledger.ledger._sink_memory import Pending
from bitstamp_ledger.model import Entry
from bitstamp_ledger.sinks import (
    AsyncSink,
    Batch,
    BatchSink,
    Capabilities,
    Checkpoint,
    Completed,
    Delivery,
    Operation,
    Outcome,
    Receipt,
    Retract,
    RunInfo,
    SinkHandle,
    Upsert,
)
from bitstamp_ledger.sinks.memory import ListSink
from tests import strategies
from tests.ledger.books import Book, deposit, statement, trade
from tests.sinks.receivers import Receiver


@pytest.fixture
def book() -> Book:
    return Book([deposit(1), *(trade(number) for number in range(2, 31))])


@pytest.fixture
def ledger(folder: Path, book: Book) -> Iterator[Ledger]:
    """A ledger that has read the book."""
    with Ledger.open(folder / "ledger.db") as opened:
        opened.sync(book)
        yield opened


def shown(ledger: Ledger) -> dict[str, Entry]:
    return {entry.id: entry for entry in ledger.entries()}


def test_only_what_changed_is_sent(ledger: Ledger, book: Book) -> None:
    """First everything, then nothing, then what was added."""
    receiver = Receiver()

    first = ledger.follow(receiver.sink)
    nothing = ledger.follow(receiver.sink)
    book.records.append(trade(31))
    ledger.sync(book)
    added = ledger.follow(receiver.sink)

    assert (first.upserts, first.anew) == (30, True)
    assert (nothing.upserts, nothing.batches) == (0, 0)
    assert (added.upserts, added.anew) == (1, False)
    assert receiver.held == shown(ledger)


def test_what_is_hidden_is_taken_back_with_its_reason_and_comes_back(ledger: Ledger) -> None:
    """As the ledger itself shows it."""
    receiver = Receiver()
    ledger.follow(receiver.sink)

    ledger.hide("Main Account/trade/7")
    hidden = ledger.follow(receiver.sink)
    (retraction,) = receiver.batches[-1].retractions
    ledger.unhide("Main Account/trade/7")
    back = ledger.follow(receiver.sink)

    assert (hidden.upserts, hidden.retractions) == (0, 1)
    assert (retraction.entry_id, retraction.reason) == ("Main Account/trade/7", "a person hid it")
    assert (back.upserts, back.retractions) == (1, 0)
    assert receiver.held == shown(ledger)


def test_a_record_that_is_stated_differently_replaces_itself(ledger: Ledger, book: Book) -> None:
    """Under the same identity."""
    receiver = Receiver()
    ledger.follow(receiver.sink)

    book.change(5, fee="0.77")
    ledger.sync(book, "full")
    changed = ledger.follow(receiver.sink)

    assert (changed.upserts, changed.retractions) == (1, 0)
    assert receiver.held == shown(ledger)


def test_rows_of_files_come_and_go(ledger: Ledger, book: Book) -> None:
    """A row that is recognised as a record is taken back; so are those of a removed file."""
    receiver = Receiver()
    rows = statement([*book.records, trade(40), trade(41)])
    file_id = ledger.import_file(rows).file_id
    ledger.follow(receiver.sink)
    assert len(receiver.held) == 32

    book.records.append(trade(40))
    ledger.sync(book)
    recognised = ledger.follow(receiver.sink)
    assert (recognised.upserts, recognised.retractions) == (1, 1)
    assert "second witness" in receiver.batches[-1].retractions[0].reason
    ledger.remove_import(file_id)
    removed = ledger.follow(receiver.sink)

    assert (removed.upserts, removed.retractions) == (0, 1)
    assert receiver.held == shown(ledger)


def test_a_sealed_year_stays_as_it_is(ledger: Ledger, book: Book) -> None:
    """What was added to it later is not shown, and so not sent."""
    receiver = Receiver()
    ledger.follow(receiver.sink)
    ledger.seal(2021)

    book.records.append(trade(31))
    ledger.sync(book)
    report = ledger.follow(receiver.sink)

    assert report.upserts == 0
    assert receiver.held == shown(ledger)


def test_a_batch_of_unknown_fate_is_sent_again_exactly(ledger: Ledger, book: Book) -> None:
    """The program died between the sink's doing and the ledger's noting it."""

    class Dies(BaseException):
        pass

    def dies(batch: Batch) -> None:
        receiver(batch)
        raise Dies

    receiver = Receiver()
    with pytest.raises(Dies):
        ledger.follow(BatchSink(dies, name="receiver", target="a receiver"))
    book.change(5, fee="0.77")  # What is sent again must not change meanwhile.
    ledger.sync(book, "full")
    report = ledger.follow(receiver.sink)

    assert report.resent
    assert receiver.batches[0].id == receiver.batches[1].id
    assert receiver.batches[0].operations == receiver.batches[1].operations
    assert receiver.held == shown(ledger)


def test_after_a_failure_nothing_is_believed_of_the_batch(ledger: Ledger) -> None:
    """It was stored, but the answer was lost; then an entry of it was hidden."""
    receiver = Receiver()
    receiver.fails = True
    with pytest.raises(SinkError):
        ledger.follow(receiver.sink)

    receiver.fails = False
    ledger.hide("Main Account/trade/7")
    report = ledger.follow(receiver.sink)

    assert (report.upserts, report.retractions) == (29, 1)
    assert receiver.held == shown(ledger)


def test_a_target_that_was_emptied_is_filled_anew(ledger: Ledger, folder: Path) -> None:
    """It keeps the checkpoint itself, and so knows that it holds nothing."""
    url = f"sqlite:///{folder}/out.db"
    ledger.follow(url)
    ledger.hide("Main Account/trade/7")
    (folder / "out.db").unlink()
    report = ledger.follow(url)

    assert report.anew
    assert ids_in(folder / "out.db") == sorted(shown(ledger))


def test_a_target_from_a_backup_is_brought_up_to_date(ledger: Ledger, folder: Path) -> None:
    """What was taken back after the backup is taken back again."""
    out = folder / "out.db"
    ledger.follow(f"sqlite:///{out}")
    backup = out.read_bytes()
    ledger.hide("Main Account/trade/7")
    ledger.follow(f"sqlite:///{out}")
    out.write_bytes(backup)
    ledger.follow(f"sqlite:///{out}")

    assert ids_in(out) == sorted(shown(ledger))


def ids_in(path: Path) -> list[str]:
    engine = sa.create_engine(f"sqlite:///{path}", poolclass=sa.NullPool)
    with engine.connect() as connection:
        return sorted(connection.exec_driver_sql("SELECT id FROM entries").scalars())


def test_two_sinks_are_remembered_apart(ledger: Ledger, folder: Path) -> None:
    """One that is behind gets what it lacks; the other gets nothing twice."""
    ledger.follow(f"sqlite:///{folder}/one.db")
    ledger.hide("Main Account/trade/7")
    two = ledger.follow(f"sqlite:///{folder}/two.db")
    one = ledger.follow(f"sqlite:///{folder}/one.db")

    assert (two.upserts, two.retractions) == (29, 0)
    assert (one.upserts, one.retractions) == (0, 1)


def test_one_of_several_that_fails_holds_nobody_up(ledger: Ledger, folder: Path) -> None:
    """The others are up to date, and the error names the one that is not."""
    broken = Receiver()
    broken.fails = True
    with pytest.raises(SinkError, match=r"1 of 2 sinks failed\. receiver: "):
        ledger.follow_all([broken.sink, f"sqlite:///{folder}/out.db"])

    assert ids_in(folder / "out.db") == sorted(shown(ledger))


def test_a_file_is_written_whole(ledger: Ledger, folder: Path) -> None:
    """It has no place for a change."""
    path = folder / "out.jsonl"
    first = ledger.follow(f"jsonl:{path}")
    before = path.read_bytes()
    ledger.follow(f"jsonl:{path}")

    assert (first.upserts, first.anew, first.places) == (30, True, (str(path),))
    assert path.read_bytes() == before
    assert [json.loads(line)["id"] for line in before.splitlines()] == list(shown(ledger))


def test_steps_apply_and_are_looked_at_in_every_run(ledger: Ledger) -> None:
    """A step that lets less through than before takes the rest back."""
    receiver = Receiver()

    def only_trades(entry: Entry) -> Entry | None:
        return entry if entry.kind == "trade" else None

    def only_some(entry: Entry) -> Entry | None:
        return entry if entry.id.endswith("0") else None

    first = ledger.follow(receiver.sink, steps=[only_trades])
    second = ledger.follow(receiver.sink, steps=[only_trades])
    third = ledger.follow(receiver.sink, steps=[only_some])

    assert (first.upserts, first.left_out) == (29, 1)
    assert (second.upserts, second.retractions) == (0, 0)
    assert third.retractions == 26
    assert sorted(receiver.held) == [f"Main Account/trade/{number}" for number in (10, 20, 30)]


def test_a_ledger_that_changes_meanwhile_loses_nothing(ledger: Ledger, book: Book) -> None:
    """What was read before a change is not taken back on its word."""
    receiver = Receiver()
    changed = False

    def interferes(batch: Batch) -> None:
        nonlocal changed
        receiver(batch)
        if not changed:
            changed = True
            # From where is not read yet to where is read already.
            book.change(1_090, datetime="2021-01-01 00:00:00")
            ledger.sync(book, "full")

    book.records += [trade(number) for number in range(31, 1_101)]  # More than a page.
    ledger.sync(book)
    ledger.follow(receiver.sink)
    book.change(2, fee="0.77")
    ledger.sync(book, "full")
    sink = BatchSink(interferes, name="receiver", target="a receiver")
    handle = SinkHandle(sink, name="receiver", delivery=Delivery(batch_rows=1))
    report = ledger.follow(handle)

    assert report.settled
    assert report.retractions == 0
    assert receiver.held == shown(ledger)


def test_a_sink_that_cannot_take_back_says_so(ledger: Ledger) -> None:
    """In silence it would go on showing what a person has hidden."""
    seen: list[tuple[Entry, ...]] = []
    ledger.follow(seen.append, known_as="a list")
    ledger.hide("Main Account/trade/7")

    with pytest.raises(SinkError, match="cannot take 'Main Account/trade/7' back"):
        ledger.follow(seen.append, known_as="a list")


def test_a_sink_that_nothing_tells_from_others_needs_a_name(ledger: Ledger) -> None:
    """Two functions of one name would share one memory, and the second would get nothing."""
    with pytest.raises(SinkError, match="Pass known_as="):
        ledger.follow(print)


def test_a_sink_that_does_not_make_batches_durable_is_refused(ledger: Ledger) -> None:
    """The ledger would note as held what a crash can still take away."""

    class Lax(ListSink):
        def write(self, batch: Batch) -> Receipt:
            return attrs.evolve(super().write(batch), durable=False)

    with pytest.raises(SinkError, match="does not make each batch durable"):
        ledger.follow(Lax())


def test_a_sink_is_brought_up_to_date_by_one_at_a_time(ledger: Ledger) -> None:
    """Two would send each other's batches again."""
    receiver = Receiver()
    with (
        sink_lock(ledger.store, "receiver a receiver", wait_s=0),
        pytest.raises(LedgerBusyError, match="is being brought up to date already"),
    ):
        ledger.follow(receiver.sink)


def test_no_password_is_remembered(ledger: Ledger, folder: Path) -> None:
    """The ledger's file is copied and sent around."""
    with pytest.raises(SinkError):
        ledger.follow("postgresql://user:hunter2@127.0.0.1:1/db")

    assert all(b"hunter2" not in path.read_bytes() for path in folder.iterdir())


def test_export_takes_whatever_is_a_sink(ledger: Ledger, folder: Path) -> None:
    """A name with its option, a sink, a function, an open handle."""
    kept = ListSink()
    seen: list[tuple[Entry, ...]] = []

    by_name = ledger.export(f"csv:{folder}/out.csv")
    ledger.export(kept, kinds="deposit")
    ledger.export(seen.append)

    assert by_name is not None
    assert by_name.rows == 30
    assert [entry.id for entry in kept.entries] == ["Main Account/deposit/1"]
    assert [len(entries) for entries in seen] == [30]


class AwaitedList:
    """A list whose methods are awaited."""

    capabilities = Capabilities(upsert=True, retract=True, decimals="exact")
    target = "an awaited list"

    def __init__(self) -> None:
        self.kept = ListSink()

    async def open(self, run: RunInfo) -> Checkpoint | None:
        await anyio.lowlevel.checkpoint()
        self.kept.open(run)
        return None

    async def write(self, batch: Batch) -> Receipt:
        await anyio.lowlevel.checkpoint()
        return self.kept.write(batch)

    async def close(self, outcome: Outcome) -> None:
        await anyio.lowlevel.checkpoint()
        assert outcome == Completed()
        self.kept.close(outcome)


def test_an_awaited_sink_is_followed_and_exported_to(ledger: Ledger) -> None:
    """By the async face, in the same way."""
    followed, exported = AwaitedList(), AwaitedList()

    async def main() -> tuple[int, int]:
        face = AsyncLedger(ledger)
        first = await face.follow(followed)
        await face.export(exported)
        second = await face.follow(followed)
        return first.upserts, second.upserts

    assert anyio.run(main) == (30, 0)
    assert followed.kept.entries == exported.kept.entries == list(ledger.entries())


def test_awaited_and_other_sinks_are_followed_at_once(ledger: Ledger, folder: Path) -> None:
    """Each has a checkpoint of its own, and one that fails holds nobody up."""
    awaited, broken = AwaitedList(), Receiver()
    outs: list[AsyncSink | BatchSink | str]
    outs = [awaited, broken.sink, f"sqlite:///{folder}/out.db"]
    face = AsyncLedger(ledger)

    broken.fails = True
    with pytest.raises(SinkError, match=r"1 of 3 sinks failed\. receiver: "):
        anyio.run(face.follow_all, outs)
    assert awaited.kept.entries == list(ledger.entries())
    assert ids_in(folder / "out.db") == sorted(shown(ledger))

    broken.fails = False
    reports = anyio.run(face.follow_all, outs)
    assert [report.upserts for report in reports] == [0, 30, 0]
    assert broken.held == shown(ledger)


def test_many_sinks_at_once_do_not_wait_for_each_other(ledger: Ledger) -> None:
    """More than the pool of threads has: each works in one thread, and is waited for in another."""
    receivers = [Receiver() for _ in range(3)]
    outs = [BatchSink(receiver, target=f"receiver {at}") for at, receiver in enumerate(receivers)]

    async def main() -> None:
        anyio.to_thread.current_default_thread_limiter().total_tokens = 2
        with anyio.fail_after(60):
            await AsyncLedger(ledger).follow_all(outs)

    anyio.run(main)
    assert all(receiver.held == shown(ledger) for receiver in receivers)


@pytest.mark.parametrize("batch_rows", [1, 7, 1000])
def test_the_size_of_batches_changes_nothing(ledger: Ledger, batch_rows: int) -> None:
    """Neither what is held nor how often anything is sent."""
    receiver = Receiver()

    def handle() -> SinkHandle:
        delivery = Delivery(batch_rows=batch_rows)
        return SinkHandle(receiver.sink, name="receiver", delivery=delivery)

    follow: Callable[[], object] = lambda: ledger.follow(handle())  # noqa: E731 - said once
    follow()
    ledger.hide("Main Account/trade/7")
    follow()

    assert sum(len(batch.operations) for batch in receiver.batches) == 31
    assert receiver.held == shown(ledger)


@given(history=strategies.histories(max_size=3))
def test_a_batch_on_its_way_is_noted_exactly(history: list[Entry]) -> None:
    """Digit by digit, records as received included: the same batch, by the same id."""
    operations: list[Operation] = [
        *(Upsert(entry, revision=3) for entry in history if _is_plain(entry.source.raw)),
        Retract("x/1", "hidden", revision=3),
    ]
    noted = Pending(position=3, held=(("x/1", None), ("y", b"12")), operations=tuple(operations))

    read = Pending.from_bytes(noted.to_bytes())

    assert read == noted
    assert read.batch.id == noted.batch.id


def _is_plain(value: object) -> bool:
    """Whether JSON tells its numbers apart: a Decimal without a fraction reads as an integer."""
    match value:
        case Decimal():
            return not str(value).lstrip("-").isdigit()
        case list():
            return all(map(_is_plain, value))
        case dict():
            return all(map(_is_plain, value.values()))
        case _:
            return True
