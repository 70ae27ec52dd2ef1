"""The handle: batches, identities, consent, and runs that fail."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitstamp_ledger import sinks
from bitstamp_ledger.errors import SinkError
from bitstamp_ledger.model import Entry
from bitstamp_ledger.sinks import Batch, Capabilities, Completed, Failed, Loss, Receipt, RunInfo
from bitstamp_ledger.sinks._identities import Identities
from tests import strategies
from tests.sinks.examples import TRADE, MemorySink, deposit

LOSSY = Capabilities(
    decimals="lossy", losses=(Loss("amount", "8 decimals"), Loss("time", "seconds are cut off"))
)


class TestARun:
    def test_is_open_then_batches_then_close(self) -> None:
        """The order that the contract promises to every sink."""
        sink = MemorySink()

        with sinks.handle_for(sink, name="mine") as out:
            out.write([TRADE])

        assert sink.calls == [RunInfo(sink="mine"), Batch.of([TRADE]), Completed()]

    def test_splits_entries_into_batches_across_calls(self) -> None:
        """One commit a batch; what is left over waits for the next call."""
        sink = MemorySink()

        with sinks.handle_for(sink) as out:
            out.write(deposit(number) for number in range(1500))
            out.write(deposit(number) for number in range(1500, 2001))

        assert [len(batch.entries) for batch in sink.batches] == [1000, 1000, 1]
        assert [one.transaction_id for batch in sink.batches for one in batch.entries] == list(
            range(2001)
        )

    def test_streams(self) -> None:
        """The first batch is stored before the last entry is asked for."""
        sink = MemorySink()
        stored: list[int] = []

        def history() -> Iterator[Entry]:
            yield from (deposit(number) for number in range(1000))
            stored.append(len(sink.batches))
            yield deposit(1000)

        with sinks.handle_for(sink) as out:
            out.write(history())

        assert stored == [1]

    def test_without_entries_still_sends_one_batch(self) -> None:
        """So that the report of an empty export names its file."""
        sink = MemorySink()

        with sinks.handle_for(sink) as out:
            pass

        assert [batch.entries for batch in sink.batches] == [()]
        assert out.report.rows == 0

    def test_serves_once(self) -> None:
        """The ids of the first run would make the second one skip everything."""
        with sinks.handle_for(MemorySink()) as out:
            pass

        with pytest.raises(SinkError, match="open another"), out:
            pass

    def test_has_a_report_only_at_its_end(self) -> None:
        """Rows that are not durable yet are not written."""
        with sinks.handle_for(MemorySink()) as out, pytest.raises(SinkError, match="is open"):
            _ = out.report

    def test_writes_only_inside_its_block(self) -> None:
        """A forgotten ``with`` must not look like an export."""
        with pytest.raises(SinkError, match="Write inside the with block"):
            sinks.handle_for(MemorySink()).write([TRADE])

    def test_refuses_what_is_no_entry(self) -> None:
        """A dict of the exchange instead of an entry would fail far away, inside a sink."""
        with (
            pytest.raises(TypeError, match="takes entries, not str"),
            sinks.handle_for(MemorySink()) as out,
        ):
            out.write("text")  # type: ignore[arg-type]  # the mistake under test


class TestIdentities:
    def test_an_equal_repeat_is_skipped_and_counted(self) -> None:
        """Two walks over one history overlap; the trade happened once."""
        sink = MemorySink()

        with sinks.handle_for(sink) as out:
            out.write([TRADE, deposit()])
            out.write([TRADE])

        assert [batch.entries for batch in sink.batches] == [(TRADE, deposit())]
        assert (out.report.rows, out.report.repeats, out.report.conflicts) == (2, 1, 0)

    def test_a_repeat_from_a_moved_file_is_a_repeat(self) -> None:
        """Where it was read is no part of what it states; twice would double the money."""
        sink = MemorySink()

        with sinks.handle_for(sink) as out:
            out.write([deposit(path="a.csv"), deposit(path="copy of a.csv")])

        assert (out.report.rows, out.report.repeats) == (1, 1)

    def test_a_repeat_with_other_trailing_zeros_is_a_repeat(self) -> None:
        """``0.1`` and ``0.10`` are one number."""
        sink = MemorySink()

        with sinks.handle_for(sink) as out:
            out.write([deposit(value="0.1"), deposit(value="0.10"), deposit(value="1E-1")])

        assert (out.report.rows, out.report.repeats) == (1, 2)

    @pytest.mark.parametrize("zero", ["0", "0.00", "-0", "0E+3"])
    def test_every_spelling_of_zero_is_one_number(self, zero: str) -> None:
        """They compare equal, so the second one is a repeat."""
        with sinks.handle_for(MemorySink()) as out:
            out.write([deposit(value="0.0"), deposit(value=zero)])

        assert (out.report.rows, out.report.repeats) == (1, 1)

    def test_a_contradiction_is_kept_beside(self) -> None:
        """The later one must not overwrite the earlier one: a person has to look."""
        sink = MemorySink()
        second = deposit(value="0.2")

        with sinks.handle_for(sink) as out:
            out.write([deposit(value="0.1"), second, second, deposit(value="0.1")])

        first, beside = sink.batches[0].entries
        assert first == deposit(value="0.1")
        assert beside.id == "Main Account/deposit/1~4251fdb4f8a036616119"
        assert attrs.evolve(beside, id=second.id) == second
        assert (out.report.rows, out.report.repeats, out.report.conflicts) == (2, 2, 1)

    @pytest.mark.parametrize(
        "other",
        [
            deposit(account="Savings"),
            deposit(raw={"fee": Decimal("0.1")}),
            attrs.evolve(deposit(), fee=attrs.evolve(deposit().legs[0], value="0")),
            attrs.evolve(deposit(), transaction_id=None),
        ],
    )
    def test_every_fact_counts_as_content(self, other: Entry) -> None:
        """Not stated is not zero, and a record's other fields may be what matters."""
        with sinks.handle_for(MemorySink()) as out:
            out.write([deposit(), other])

        assert out.report.conflicts == 1

    @given(history=strategies.histories(max_size=3), again=strategies.histories(max_size=3))
    def test_every_entry_is_a_row_or_a_repeat_and_no_id_is_written_twice(
        self, history: list[Entry], again: list[Entry]
    ) -> None:
        """Conservation: what was given is what is counted."""
        sink = MemorySink()

        with sinks.handle_for(sink) as out:
            out.write([*history, *again, *history])

        written = [one.id for batch in sink.batches for one in batch.entries]
        report = out.report
        assert len(set(written)) == len(written) == report.rows
        assert report.rows + report.repeats == 2 * len(history) + len(again)
        assert report.repeats >= len(history)
        assert report.conflicts == len(set(written) - {one.id for one in [*history, *again]})


class TestConsent:
    def test_a_lossy_sink_is_refused_and_says_what_it_loses(self) -> None:
        """Nobody should find out next year that the satoshis are gone."""
        with pytest.raises(SinkError) as caught:
            sinks.handle_for(MemorySink(capabilities=LOSSY), name="old-tool")

        assert str(caught.value) == (
            "The sink 'old-tool' cannot hold everything that entries state. "
            "It loses amount: 8 decimals; time: seconds are cut off. "
            "Pass lossy=True if you agree to that."
        )

    def test_a_lossy_sink_is_used_when_the_caller_agrees(self) -> None:
        """Some tools take nothing better."""
        sink = MemorySink(capabilities=LOSSY)

        with sinks.handle_for(sink, lossy=True) as out:
            out.write([TRADE])

        assert out.report.rows == 1


class TestFailure:
    def test_an_exception_in_the_block_gives_the_run_up(self) -> None:
        """The reason is the kind of error: its text may hold a secret."""
        sink = MemorySink()

        with pytest.raises(RuntimeError), sinks.handle_for(sink) as out:  # noqa: PT012
            out.write([TRADE])
            raise RuntimeError("token=hunter2")

        assert sink.calls[1:] == [Failed("RuntimeError")]
        with pytest.raises(SinkError, match="was given up"):
            _ = out.report

    @pytest.mark.parametrize("step", ["open", "write", "close"])
    def test_a_foreign_exception_of_a_sink_becomes_ours(self, step: str) -> None:
        """Callers catch one tree; the cause stays attached."""
        sink = MemorySink(fails_in=step)

        with (
            pytest.raises(SinkError, match=r"'mine' failed: ConnectionError: the line") as caught,
            sinks.handle_for(sink, name="mine") as out,
        ):
            out.write([TRADE])

        assert caught.value.sink == "mine"
        assert isinstance(caught.value.__cause__, ConnectionError)

    @pytest.mark.parametrize(("step", "closes"), [("open", 0), ("write", 1), ("close", 1)])
    def test_close_is_called_exactly_once_after_open(self, step: str, closes: int) -> None:
        """A sink need not guard against a second close."""
        sink = MemorySink(fails_in=step)

        with pytest.raises(SinkError), sinks.handle_for(sink) as out:
            out.write([TRADE])

        assert len([one for one in sink.calls if isinstance(one, Completed | Failed)]) == closes

    def test_going_on_after_a_failed_write_does_not_complete_the_run(self) -> None:
        """Half a history must not pass for a whole one because an exception was passed over."""
        sink = MemorySink()

        def interrupted() -> Iterator[Entry]:
            yield TRADE
            raise TimeoutError

        with (  # noqa: PT012
            pytest.raises(SinkError, match="failed earlier"),
            sinks.handle_for(sink) as out,
        ):
            with pytest.raises(TimeoutError):
                out.write(interrupted())
            with pytest.raises(SinkError, match="failed earlier"):
                out.write([deposit()])

        assert len(sink.calls) == 2
        assert isinstance(sink.calls[-1], Failed)

    def test_a_failing_close_does_not_hide_the_first_error(self) -> None:
        """The first error is the cause; the second one is a note on it."""
        with (
            pytest.raises(RuntimeError) as caught,
            sinks.handle_for(MemorySink(fails_in="close"), name="mine"),
        ):
            raise RuntimeError

        assert caught.value.__notes__ == ["Giving up the sink 'mine' failed too: ConnectionError."]

    def test_a_sink_that_confirms_another_batch_is_not_believed(self) -> None:
        """A receipt is the word that rows are stored; for which rows must be sure."""

        class Confused(MemorySink):
            def write(self, batch: Batch) -> Receipt:
                return attrs.evolve(super().write(batch), batch_id="another")

        with (
            pytest.raises(SinkError, match="did not confirm the batch"),
            sinks.handle_for(Confused()) as out,
        ):
            out.write([TRADE])

    def test_text_that_is_no_unicode_names_its_entry(self) -> None:
        """The message must say which of a million it is."""
        broken = deposit(account="half \ud800")

        with (
            pytest.raises(SinkError, match=r"Entry 'Main Account/deposit/1' cannot be written"),
            sinks.handle_for(MemorySink()) as out,
        ):
            out.write([broken])


class TestFunctionsAsSinks:
    def test_a_function_gets_tuples_of_entries(self) -> None:
        """The smallest plug-in there is."""
        seen: list[tuple[Entry, ...]] = []

        with sinks.handle_for(seen.append) as out:
            out.write([TRADE, deposit()])

        assert seen == [(TRADE, deposit())]
        assert (out.report.rows, out.report.paths) == (2, ())

    def test_a_function_is_not_called_for_nothing(self) -> None:
        """An empty call would have to be handled by every such function."""
        seen: list[tuple[Entry, ...]] = []

        with sinks.handle_for(seen.append):
            pass

        assert seen == []

    @pytest.mark.parametrize("wrong", [MemorySink, "csv", None])
    def test_neither_sink_nor_function_is_refused(self, wrong: object) -> None:
        """A class has the methods, too, but is not one sink; a name belongs into ``open``."""
        with pytest.raises(TypeError, match="neither a sink nor a function"):
            sinks.handle_for(wrong)  # type: ignore[arg-type]  # the mistake under test


class TestOptions:
    def test_a_wrong_option_lists_the_right_ones(self, tmp_path: Path) -> None:
        """Options differ between sinks, and their values are not repeated: they may be secret."""
        with pytest.raises(SinkError) as caught:
            sinks.open("csv", file=tmp_path / "secret.csv")

        assert caught.value.hint == "Its options are: path."
        assert "secret" not in str(caught.value)

    def test_a_missing_option_lists_them_too(self) -> None:
        """``open("csv")`` is everybody's first try."""
        with pytest.raises(SinkError, match=r"Its options are: path\."):
            sinks.open("csv")


class TestALongRun:
    """The ids of a long history do not stay in memory; what they are for still holds."""

    @given(
        numbers=st.lists(st.integers(0, 12), max_size=40),
        other=st.lists(st.booleans(), min_size=40, max_size=40),
        in_memory_max=st.integers(1, 9),
    )
    def test_knows_repeats_and_contradictions_wherever_they_are_kept(
        self, numbers: list[int], other: list[bool], in_memory_max: int
    ) -> None:
        """Whether an id is still in memory or already in the file changes nothing."""
        entries = [
            deposit(number, value="0.2" if changed else "0.1")
            for number, changed in zip(numbers, other, strict=False)
        ]
        small, large = Identities(in_memory_max=in_memory_max), Identities()
        assert list(map(small.admit, entries)) == list(map(large.admit, entries))
        assert (small.repeats, small.conflicts) == (large.repeats, large.conflicts)
        small.forget()
