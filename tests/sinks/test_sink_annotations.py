"""What people said about entries: beside the rows of the sinks that have a place for it."""

import csv
import json
import zlib
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import anyio
import jsonschema
import pytest

from bitstamp_ledger import sinks
from bitstamp_ledger.errors import SinkError
from bitstamp_ledger.ledger import AsyncLedger, Ledger
from bitstamp_ledger.ledger._sink_memory import Pending
from bitstamp_ledger.model import Amount, Entry
from bitstamp_ledger.sinks import Batch, BatchSink, Capabilities, EntryAnnotation
from bitstamp_ledger.sinks.jsonl import json_schema
from bitstamp_ledger.sinks.memory import ListSink
from tests.ledger.books import Book, deposit, trade
from tests.ledger.tool_rows import tool_file
from tests.sinks.examples import TRADE, MemorySink
from tests.sinks.examples import deposit as loose
from tests.sinks.receivers import Receiver

SEVENTH = "Main Account/trade/7"
SAID = EntryAnnotation(
    label="=gift", note='from "A",\nin cash', price=Amount(Decimal("1E-8"), "EUR")
)


@pytest.fixture
def ledger(folder: Path) -> Iterator[Ledger]:
    """A ledger that has read a book."""
    with Ledger.open(folder / "ledger.db") as opened:
        opened.sync(Book([deposit(1), *(trade(number) for number in range(2, 13))]))
        yield opened


def say(ledger: Ledger) -> None:
    ledger.annotate(SEVENTH, label=SAID.label, note=SAID.note, price=SAID.price)


class TestExport:
    def test_json_lines_carry_it_where_something_was_said(
        self, ledger: Ledger, folder: Path
    ) -> None:
        """Under a key of its own, and the schema knows it."""
        before, after = folder / "before.jsonl", folder / "after.jsonl"
        ledger.export(f"jsonl:{before}")
        say(ledger)
        ledger.export(f"jsonl:{after}")

        lines = [json.loads(line) for line in after.read_bytes().splitlines()]
        (said,) = [line for line in lines if "annotation" in line]
        assert said["id"] == SEVENTH
        assert said.pop("annotation") == {
            "label": "=gift",
            "note": 'from "A",\nin cash',
            "price": {"currency": "EUR", "value": "0.00000001"},
        }
        assert lines == [json.loads(line) for line in before.read_bytes().splitlines()]
        for line in after.read_bytes().splitlines():
            jsonschema.validate(json.loads(line), json_schema())

    def test_a_schema_that_is_strict_stays_strict(self) -> None:
        """An annotation has three keys, and no others."""
        document = sinks.document_of(TRADE, annotation=SAID)
        document["annotation"] = {"label": None, "note": None, "price": None, "more": 1}

        with pytest.raises(jsonschema.ValidationError, match="more"):
            jsonschema.validate(document, json_schema())

    def test_csv_has_further_columns_where_something_was_said(
        self, ledger: Ledger, folder: Path
    ) -> None:
        """Guarded as all text is; everything before them is as it was."""
        before, after = folder / "before.csv", folder / "after.csv"
        ledger.export(f"csv:{before}")
        say(ledger)
        ledger.export(f"csv:{after}")

        with before.open(newline="") as old, after.open(newline="") as new:
            old_rows, rows = list(csv.reader(old)), list(csv.reader(new))
        assert rows[0][24:] == ["label", "note", "given_price", "given_price_currency"]
        assert [row[:24] for row in rows] == old_rows
        said = {row[0]: row[24:] for row in rows[1:]}
        assert said.pop(SEVENTH) == ["'=gift", 'from "A",\nin cash', "0.00000001", "EUR"]
        assert {*map(tuple, said.values())} == {("", "", "", "")}

    @pytest.mark.parametrize("name", ["csv", "jsonl"])
    def test_where_nothing_is_said_the_bytes_are_the_same(
        self, ledger: Ledger, folder: Path, name: str
    ) -> None:
        """Also where what was said is undone, or hides."""
        before, after = folder / "before", folder / "after"
        ledger.export(f"{name}:{before}")
        ledger.undo(ledger.annotate(SEVENTH, label="gift"))
        ledger.unhide(SEVENTH)
        ledger.export(f"{name}:{after}")

        assert before.read_bytes() == after.read_bytes()

    def test_a_csv_file_of_no_batch_has_a_header(self, folder: Path) -> None:
        """A sink that is driven by hand need not be sent one."""
        sink = sinks.open(f"csv:{folder}/out.csv").sink
        sink.open(sinks.RunInfo(sink="csv"))
        sink.close(sinks.Completed())

        assert (folder / "out.csv").read_bytes().startswith(b"id,kind,time,")

    def test_a_csv_file_that_was_begun_without_the_columns_is_refused(self, folder: Path) -> None:
        """Nothing is dropped in silence; before the first batch, there is time yet."""
        more = [loose(number) for number in range(1500)]
        with (  # noqa: PT012
            pytest.raises(SinkError, match="begun without columns"),
            sinks.open(f"csv:{folder}/out.csv") as out,
        ):
            out.write(more)
            out.write([TRADE], annotations={TRADE.id: SAID})
        with sinks.open(f"csv:{folder}/out.csv") as out:
            out.write(more[:10])
            out.write([TRADE], annotations={TRADE.id: SAID})

        assert out.report.rows == 11

    def test_a_list_has_them_beside(self, ledger: Ledger) -> None:
        """Of a plain ledger and of an awaited one, in a handle that is open or not."""
        say(ledger)
        plain, opened, awaited = ListSink(), ListSink(), ListSink()
        ledger.export(plain)
        with sinks.handle_for(opened) as out:
            ledger.export(out)
        anyio.run(AsyncLedger(ledger).export, awaited)

        assert plain.annotations == opened.annotations == awaited.annotations == {SEVENTH: SAID}
        assert plain.entries == awaited.entries == list(ledger.entries())

    def test_a_price_may_be_without_a_currency(self, ledger: Ledger, folder: Path) -> None:
        """Then none is made up."""
        ledger.annotate(SEVENTH, price="12.50")
        ledger.export(f"jsonl:{folder}/out.jsonl")

        lines = map(json.loads, (folder / "out.jsonl").read_bytes().splitlines())
        (said,) = [line["annotation"] for line in lines if "annotation" in line]
        price = {"currency": None, "value": "12.50"}
        assert said == {"label": None, "note": None, "price": price}

    def test_a_renamed_or_changed_entry_keeps_its_own(self) -> None:
        """A step gives it another id; the ledger said it of the first one."""
        kept = ListSink()

        def shortened(entry: Entry) -> Entry:
            return loose(9) if entry.id == TRADE.id else entry

        with sinks.handle_for(kept, steps=[shortened]) as out:
            out.write([loose(1), TRADE], annotations={TRADE.id: SAID})

        assert kept.annotations == {loose(9).id: SAID}

    def test_who_has_no_place_for_it_is_not_told(self) -> None:
        """The rule of all capabilities."""
        sink = MemorySink(capabilities=Capabilities(upsert=True, decimals="exact"))
        with sinks.handle_for(sink) as out:
            out.write([TRADE], annotations={TRADE.id: SAID})

        assert sink.batches == [Batch.of([TRADE])]


class TestFollow:
    def test_a_changed_label_is_a_new_word_on_its_entry(self, ledger: Ledger) -> None:
        """With a higher revision, and nothing else is sent; undone, it is gone."""
        receiver, kept = Receiver(), ListSink()
        for sink in (receiver.sink, kept):
            ledger.follow(sink)
        decision = ledger.annotate(SEVENTH, label="gift")
        labelled = [ledger.follow(sink).upserts for sink in (receiver.sink, kept)]
        assert kept.annotations == {SEVENTH: EntryAnnotation(label="gift")}
        again = [ledger.follow(sink).upserts for sink in (receiver.sink, kept)]
        ledger.undo(decision)
        undone = [ledger.follow(sink).upserts for sink in (receiver.sink, kept)]

        assert (labelled, again, undone) == ([1, 1], [0, 0], [1, 1])
        assert kept.annotations == {}
        first, second, third = receiver.batches
        assert [batch.annotations for batch in (first, second, third)] == [
            None,
            {SEVENTH: EntryAnnotation(label="gift")},
            None,
        ]
        (one,), (other,) = second.operations, third.operations
        assert first.operations[0].revision < one.revision < other.revision

    def test_who_has_no_place_for_it_is_sent_nothing(self, ledger: Ledger) -> None:
        """Else a sink that only appends would fail over a label."""
        seen: list[Entry] = []
        ledger.follow(seen.extend, known_as="mine")
        say(ledger)

        assert ledger.follow(seen.extend, known_as="mine").upserts == 0

    def test_what_was_said_before_a_sink_could_hold_it_is_sent(self, ledger: Ledger) -> None:
        """It was brought up to date by a release that did not know of annotations."""
        say(ledger)
        kept = Receiver()
        blind = BatchSink(kept, target="a receiver", name="receiver")
        blind.capabilities = Capabilities(  # As it was then.
            upsert=True, retract=True, decimals="exact"
        )
        ledger.follow(blind)

        assert ledger.follow(kept.sink).upserts == 1
        assert kept.batches[-1].annotations == {SEVENTH: SAID}

    def test_a_batch_of_unknown_fate_is_sent_with_it_again(self, ledger: Ledger) -> None:
        """By the same id: else it would not be the same batch."""
        receiver = Receiver()
        ledger.follow(receiver.sink)
        say(ledger)
        receiver.fails = True
        with pytest.raises(SinkError):
            ledger.follow(receiver.sink)
        receiver.fails = False
        ledger.follow(receiver.sink)

        assert receiver.batches[-1].annotations == {SEVENTH: SAID}

    def test_a_file_is_written_with_it(self, ledger: Ledger, folder: Path) -> None:
        """As an export is."""
        say(ledger)
        ledger.export(f"jsonl:{folder}/exported.jsonl")
        ledger.follow(f"jsonl:{folder}/followed.jsonl")

        assert (folder / "followed.jsonl").read_bytes() == (folder / "exported.jsonl").read_bytes()


class TestWhose:
    def test_of_equal_rows_and_of_pairs_it_is_what_the_ledger_says(
        self, ledger: Ledger, folder: Path
    ) -> None:
        """Under whatever identity it was said, through removals and files that are saved anew."""
        kept = ListSink()

        def agree() -> dict[str, str | None]:
            ledger.follow(kept)
            said = {entry.id: ledger.annotation(entry.id) for entry in ledger.entries()}
            labels = {key: each.label for key, each in said.items() if each is not None}
            assert {key: each.label for key, each in kept.annotations.items()} == labels
            return labels

        numbers = []
        for name, trades in (("a.csv", (1, 2)), ("b.csv", (1, 3))):
            (folder / name).write_bytes(tool_file(*trades))
            numbers.append(ledger.import_file(folder / name).file_id)
        rows = [entry.id for entry in ledger.entries() if entry.source.path]
        for number, entry_id in enumerate(rows):
            ledger.annotate(entry_id, label=f"row {number}")
        assert agree() == {entry_id: f"row {number}" for number, entry_id in enumerate(rows)}
        assert len(rows) == 4

        ledger.remove_import(numbers[0])
        assert sorted(map(str, agree().values())) != sorted(f"row {at}" for at in range(4))
        ledger.import_file(folder / "a.csv")
        assert sorted(map(str, agree().values())) == sorted(f"row {at}" for at in range(4))

        ledger.merge(SEVENTH, rows[0])
        assert SEVENTH in agree()


class TestBatches:
    def test_what_was_said_is_part_of_the_id(self) -> None:
        """Two batches that store different things must not pass for one."""
        plain = Batch.of([TRADE])
        said = Batch(operations=plain.operations, annotations={TRADE.id: SAID})
        other = Batch(operations=plain.operations, annotations={TRADE.id: EntryAnnotation()})

        assert len({plain.id, said.id, other.id}) == 3

    def test_its_id_is_the_one_that_a_sink_finds(self) -> None:
        """The engine computes it on the way, from what it has written already."""
        receiver = Receiver()
        with sinks.handle_for(receiver.sink) as out:
            out.write([TRADE], annotations={TRADE.id: SAID})

        (batch,) = receiver.batches
        assert batch.id == Batch(operations=batch.operations, annotations={TRADE.id: SAID}).id

    def test_one_on_its_way_is_noted_exactly(self) -> None:
        """Digit by digit."""
        batch = Batch(
            operations=(sinks.Upsert(TRADE, revision=3),),
            checkpoint=sinks.Checkpoint("3"),
            annotations={TRADE.id: SAID, "other": EntryAnnotation(price=Decimal("1.50"))},
        )
        pending = Pending(
            position=3,
            held=((TRADE.id, b"1"),),
            operations=batch.operations,
            annotations=batch.annotations,
        )

        again = Pending.from_bytes(pending.to_bytes()).batch

        assert again == batch
        assert again.id == batch.id

    def test_one_that_an_earlier_release_noted_is_understood(self) -> None:
        """Three parts, without a place for what people said."""
        data = zlib.compress(b'[3,[["an id","MQ=="]],[["retract","hidden","an id",{}]]]')

        pending = Pending.from_bytes(data)

        assert pending.operations == (sinks.Retract("an id", "hidden", revision=3),)
        assert (pending.held, pending.annotations) == ((("an id", b"1"),), None)
