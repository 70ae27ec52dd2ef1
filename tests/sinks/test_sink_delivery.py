"""How entries are brought to sinks: retries, steps, progress, several at once, awaited ones."""

import json
import threading
import traceback
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import anyio
import anyio.lowlevel
import attrs
import pytest

from bitstamp_ledger import sinks
from bitstamp_ledger.errors import PluginError, SinkError
from bitstamp_ledger.model import Entry
from bitstamp_ledger.sinks import (
    Batch,
    Capabilities,
    Checkpoint,
    Completed,
    Delivery,
    Failed,
    Outcome,
    Receipt,
    Retries,
    RunInfo,
    SinkHandle,
    SinkReport,
)
from bitstamp_ledger.sinks.memory import ListSink
from tests.sinks.examples import TRADE, MemorySink, deposit


class Flaky(MemorySink):
    """Fails so many times in one step, then works."""

    def __init__(self, step: str, times: int, *, asked_s: float | None = None) -> None:
        super().__init__()
        self.step, self.times, self.asked_s = step, times, asked_s

    def _note(self, step: str, what: object) -> None:
        if step == self.step and self.times:
            self.times -= 1
            raise SinkError("busy", sink="flaky", retryable=True, retry_after_s=self.asked_s)
        super()._note(step, what)


def handle(sink: MemorySink, pauses: list[float], retries: Retries | None = None) -> SinkHandle:
    delivery = Delivery(retries=retries or Retries())
    return SinkHandle(sink, name="flaky", delivery=delivery, sleep=pauses.append)


class TestRetries:
    @pytest.mark.parametrize("step", ["open", "write"])
    def test_what_passes_by_itself_is_tried_again_after_growing_pauses(self, step: str) -> None:
        """And the report says how often."""
        pauses: list[float] = []
        with handle(Flaky(step, 3), pauses) as out:
            out.write([TRADE])

        assert pauses == [0.5, 1.0, 2.0]
        assert (out.report.rows, out.report.retries) == (1, 3)

    def test_a_sink_that_asks_for_time_gets_it_within_limits(self) -> None:
        """Nobody waits for an hour because a server said so."""
        pauses: list[float] = []
        with handle(Flaky("write", 1, asked_s=7.0), pauses) as out:
            out.write([TRADE])
        with handle(Flaky("write", 1, asked_s=7000.0), pauses) as out:
            out.write([TRADE])

        assert pauses == [7.0, 30.0]

    def test_after_the_last_attempt_the_run_is_given_up(self) -> None:
        """With the sink's own error."""
        pauses: list[float] = []
        sink = Flaky("write", 9)
        with (
            pytest.raises(SinkError, match="busy"),
            handle(sink, pauses, Retries(attempts=2)) as out,
        ):
            out.write([TRADE])

        assert pauses == [0.5]
        assert isinstance(sink.calls[-1], Failed)

    def test_what_a_person_must_repair_is_not_tried_again(self) -> None:
        """A wrong password does not become right."""
        pauses: list[float] = []
        with pytest.raises(SinkError), handle(MemorySink(fails_in="write"), pauses) as out:
            out.write([TRADE])

        assert pauses == []

    def test_the_end_is_never_repeated(self) -> None:
        """Close is called exactly once, whatever it says."""
        pauses: list[float] = []
        with pytest.raises(SinkError), handle(Flaky("close", 1), pauses):
            pass

        assert pauses == []


class TestStepsAndProgress:
    def test_steps_change_entries_and_leave_them_out(self) -> None:
        """In their order; what is left out is counted, not lost from the report."""

        def only_trades(entry: Entry) -> Entry | None:
            return entry if entry.kind == "trade" else None

        def renamed(entry: Entry) -> Entry:
            return attrs.evolve(entry, account="Renamed")

        sink = MemorySink()
        with sinks.handle_for(sink, steps=[only_trades, renamed]) as out:
            out.write([TRADE, deposit(), TRADE])

        assert sink.batches[0].entries == (attrs.evolve(TRADE, account="Renamed"),)
        assert (out.report.rows, out.report.repeats, out.report.left_out) == (1, 1, 1)

    def test_a_step_that_returns_something_else_is_named(self) -> None:
        """A forgotten `return` would leave everything out; anything else is a mistake."""
        steps: list[Callable[[Entry], Entry | None]] = [lambda entry: entry.id]  # type: ignore[return-value,list-item]
        with (
            pytest.raises(TypeError, match="a step returns an entry or None, not str"),
            sinks.handle_for(MemorySink(), steps=steps) as out,
        ):
            out.write([TRADE])

    def test_progress_is_told_after_each_batch(self) -> None:
        """What the sink confirmed, not what was read."""
        told: list[tuple[int, int]] = []
        with sinks.handle_for(
            MemorySink(), progress=lambda at: told.append((at.batches, at.rows))
        ) as out:
            out.write(deposit(number) for number in range(2500))

        assert told == [(1, 1000), (2, 2000), (3, 2500)]


class AwaitedSink:
    """Keeps what it is told; its methods are awaited."""

    capabilities = Capabilities(upsert=True, decimals="exact")

    def __init__(self) -> None:
        self.calls: list[object] = []
        self.threads: set[int] = set()

    async def open(self, run: RunInfo) -> Checkpoint | None:
        await self._note(run)
        return None

    async def write(self, batch: Batch) -> Receipt:
        await self._note(batch)
        return Receipt(batch_id=batch.id, rows=len(batch.entries), durable=True)

    async def close(self, outcome: Outcome) -> None:
        await self._note(outcome)

    async def _note(self, what: object) -> None:
        await anyio.lowlevel.checkpoint()
        self.threads.add(threading.get_ident())
        self.calls.append(what)


class BrokenAwaitedSink(AwaitedSink):
    """Fails in one step."""

    def __init__(self, fails_in: str) -> None:
        super().__init__()
        self._fails_in = fails_in

    async def _note(self, what: object) -> None:
        await super()._note(what)
        step = {RunInfo: "open", Batch: "write"}.get(type(what), "close")
        if step == self._fails_in:
            raise ConnectionError("the line is dead")


class TestAwaitedSinks:
    def test_a_sink_and_entries_may_be_awaited(self) -> None:
        """On the event loop, in batches."""
        sink = AwaitedSink()

        async def history() -> AsyncIterator[Entry]:
            for number in range(1500):
                yield deposit(number)

        async def main() -> int:
            async with sinks.async_handle_for(sink, name="mine") as out:
                await out.write([TRADE])
                await out.write(history())
            return out.report.rows

        assert anyio.run(main) == 1501
        assert sink.calls[0] == RunInfo(sink="mine")
        assert [len(call.entries) for call in sink.calls if isinstance(call, Batch)] == [1000, 501]
        assert sink.calls[-1] == Completed()
        assert sink.threads == {threading.get_ident()}

    def test_a_plain_sink_works_in_a_thread(self, tmp_path: Path) -> None:
        """A slow disk must not hold up a server."""

        async def main() -> None:
            async with sinks.open_async(f"jsonl:{tmp_path}/out.jsonl") as out:
                await out.write([TRADE])

        anyio.run(main)
        assert json.loads((tmp_path / "out.jsonl").read_bytes())["id"] == TRADE.id

    def test_a_run_that_is_cancelled_is_closed(self) -> None:
        """Else a database would stay locked."""
        sink = AwaitedSink()

        async def main() -> None:
            with anyio.move_on_after(0.05):
                async with sinks.async_handle_for(sink) as out:
                    await out.write([TRADE])
                    await anyio.sleep(60)

        anyio.run(main)
        assert isinstance(sink.calls[-1], Failed)

    def test_a_plain_handle_refuses_it(self) -> None:
        """Its methods would return without having done anything."""
        with pytest.raises(SinkError, match="must be awaited"):
            sinks.handle_for(AwaitedSink())  # type: ignore[arg-type]  # the mistake under test


class TestSeveralAtOnce:
    def test_each_gets_everything(self, tmp_path: Path) -> None:
        """In its order, with a report of its own."""
        kept = ListSink()
        entries = [deposit(number) for number in range(2500)]
        with sinks.fan_out(
            sinks.open(f"jsonl:{tmp_path}/out.jsonl"), sinks.handle_for(kept)
        ) as out:
            out.write(iter(entries))

        assert kept.entries == entries
        assert [report and report.rows for report in out.reports] == [2500, 2500]

    @pytest.mark.parametrize("step", ["open", "write", "close"])
    def test_a_broken_one_holds_nobody_up(self, step: str) -> None:
        """The others are completed; then the error says which failed."""
        broken, kept = MemorySink(fails_in=step), ListSink()
        entries = [deposit(number) for number in range(20_000)]
        with (
            pytest.raises(SinkError, match=r"1 of 2 sinks failed\. broken: ") as caught,
            sinks.fan_out(
                sinks.handle_for(broken, name="broken"), sinks.handle_for(kept), batches_ahead=1
            ) as out,
        ):
            out.write(entries)

        assert len(kept.entries) == 20_000
        assert [error.sink for error in caught.value.failures] == ["broken"]
        assert out.reports[0] is None

    def test_a_slow_one_makes_the_reader_wait_only_when_far_behind(self) -> None:
        """Memory stays flat: what is read and not yet written is a few batches."""
        may_go = threading.Event()
        read = 0

        class Slow(ListSink):
            def write(self, batch: Batch) -> Receipt:
                may_go.wait(10)
                return super().write(batch)

        def history() -> list[Entry]:
            nonlocal read
            read += 1000
            if read == 4000:
                may_go.set()
            return [deposit(number) for number in range(read - 1000, read)]

        slow, quick = Slow(), ListSink()
        with sinks.fan_out(sinks.handle_for(slow), sinks.handle_for(quick), batches_ahead=2) as out:
            for _ in range(8):
                out.write(history())

        assert len(slow.entries) == len(quick.entries) == 8000

    def test_an_exception_in_the_block_gives_all_up(self) -> None:
        """Half a history must not pass for a whole one."""
        targets = [MemorySink(), MemorySink()]
        with (  # noqa: PT012
            pytest.raises(KeyError),
            sinks.fan_out(*(sinks.handle_for(target) for target in targets)) as out,
        ):
            out.write([TRADE])
            raise KeyError

        assert all(isinstance(target.calls[-1], Failed) for target in targets)

    def test_a_reader_that_fails_gives_all_up(self) -> None:
        """Also where the caller passes it over."""
        target = MemorySink()
        with (  # noqa: PT012
            pytest.raises(SinkError, match="failed earlier"),
            sinks.fan_out(sinks.handle_for(target)) as out,
        ):
            with pytest.raises(ZeroDivisionError):
                out.write(deposit(number // 0) for number in range(3))
            with pytest.raises(SinkError, match="failed earlier"):
                out.write([TRADE])

        assert isinstance(target.calls[-1], Failed)


class TestSeveralAwaitedAtOnce:
    """The laws of several plain ones, awaited and plain sinks side by side."""

    def test_each_gets_everything(self, tmp_path: Path) -> None:
        """Awaited, in memory and a file, from entries that are awaited or not."""
        awaited, kept = AwaitedSink(), ListSink()
        path = tmp_path / "out.jsonl"
        entries = [deposit(number) for number in range(2500)]

        async def rest() -> AsyncIterator[Entry]:
            for entry in entries[1100:]:
                yield entry

        async def main() -> tuple[SinkReport | None, ...]:
            async with sinks.async_fan_out(
                sinks.async_handle_for(awaited),
                sinks.async_handle_for(kept),
                sinks.open_async(f"jsonl:{path}"),
            ) as out:
                await out.write(entries[:1100])
                await out.write(rest())
            return out.reports

        reports = anyio.run(main)

        assert [report and report.rows for report in reports] == [2500, 2500, 2500]
        assert kept.entries == entries
        batches = [call for call in awaited.calls if isinstance(call, Batch)]
        assert [entry for batch in batches for entry in batch.entries] == entries
        assert awaited.calls[-1] == Completed()
        lines = path.read_bytes().splitlines()
        assert [json.loads(line)["transaction_id"] for line in lines] == [*range(2500)]

    @pytest.mark.parametrize("step", ["open", "write", "close"])
    @pytest.mark.parametrize("kind", [MemorySink, BrokenAwaitedSink])
    def test_a_broken_one_holds_nobody_up(
        self, kind: Callable[..., MemorySink | BrokenAwaitedSink], step: str
    ) -> None:
        """The others are completed; then the error says which failed."""
        broken, kept, awaited = kind(fails_in=step), ListSink(), AwaitedSink()
        entries = [deposit(number) for number in range(6000)]
        fan = sinks.async_fan_out(
            sinks.async_handle_for(broken, name="broken"),
            sinks.async_handle_for(kept),
            sinks.async_handle_for(awaited),
            batches_ahead=1,
        )

        async def main() -> None:
            async with fan as out:
                await out.write(entries)

        with pytest.raises(SinkError, match=r"1 of 3 sinks failed\. broken: ") as caught:
            anyio.run(main)

        assert len(kept.entries) == 6000
        assert awaited.calls[-1] == Completed()
        assert [error.sink for error in caught.value.failures] == ["broken"]
        assert [report and report.rows for report in fan.reports] == [None, 6000, 6000]

    def test_a_slow_one_makes_the_reader_wait_only_when_far_behind(self) -> None:
        """Memory stays flat: what is read and not yet written is a few batches."""
        read: list[int] = []
        read_when_let_go: list[int] = []

        class Slow(AwaitedSink):
            async def write(self, batch: Batch) -> Receipt:
                if not read_when_let_go:
                    await anyio.wait_all_tasks_blocked()  # The reader, too.
                    read_when_let_go.append(len(read))
                return await super().write(batch)

        async def main() -> None:
            async with sinks.async_fan_out(
                sinks.async_handle_for(Slow()),
                sinks.async_handle_for(AwaitedSink()),
                batches_ahead=2,
            ) as out:
                for start in range(0, 8000, 1000):
                    read.append(start)
                    await out.write([deposit(number) for number in range(start, start + 1000)])

        anyio.run(main)

        assert len(read) == 8
        # One in its hands, two that wait for it, and the one that the reader cannot hand over.
        assert read_when_let_go == [4]

    def test_an_exception_in_the_block_gives_all_up(self) -> None:
        """Half a history must not pass for a whole one; and the exception is the caller's own."""
        plain, awaited = MemorySink(), AwaitedSink()

        async def main() -> None:
            async with sinks.async_fan_out(
                sinks.async_handle_for(plain), sinks.async_handle_for(awaited)
            ) as out:
                await out.write([TRADE])
                raise KeyError

        with pytest.raises(KeyError):
            anyio.run(main)

        assert isinstance(plain.calls[-1], Failed)
        assert isinstance(awaited.calls[-1], Failed)

    def test_a_reader_that_fails_gives_all_up(self) -> None:
        """Also where the caller passes it over."""
        target = AwaitedSink()

        async def history() -> AsyncIterator[Entry]:
            yield TRADE
            raise ZeroDivisionError

        async def main() -> None:
            async with sinks.async_fan_out(sinks.async_handle_for(target)) as out:
                with pytest.raises(ZeroDivisionError):
                    await out.write(history())
                with pytest.raises(SinkError, match="failed earlier"):
                    await out.write([TRADE])

        with pytest.raises(SinkError, match="failed earlier"):
            anyio.run(main)

        assert isinstance(target.calls[-1], Failed)

    @pytest.mark.parametrize("where", ["write", "sleep", "end"])
    def test_a_block_that_is_cancelled_gives_all_up(self, where: str) -> None:
        """While it writes, waits, or is being completed: nothing is left open, nothing hangs."""
        plain = MemorySink()

        class Stuck(AwaitedSink):
            async def write(self, batch: Batch) -> Receipt:
                if where != "sleep":
                    await anyio.sleep_forever()
                return await super().write(batch)

        stuck = Stuck()

        async def main() -> bool:
            with anyio.move_on_after(0.1) as scope:
                async with sinks.async_fan_out(
                    sinks.async_handle_for(plain), sinks.async_handle_for(stuck), batches_ahead=1
                ) as out:
                    for start in range(0, 6000 if where == "write" else 1000, 1000):
                        await out.write([deposit(number) for number in range(start, start + 1000)])
                    if where == "sleep":
                        await anyio.sleep_forever()
            return scope.cancelled_caught

        assert anyio.run(main)
        assert isinstance(stuck.calls[-1], Failed)
        # At the end, it may have been completed by then: it had everything.
        assert isinstance(plain.calls[-1], Completed | Failed if where == "end" else Failed)

    def test_it_serves_one_run(self) -> None:
        """As each of its handles does."""
        fan = sinks.async_fan_out(sinks.async_handle_for(AwaitedSink(), name="mine"))

        async def main() -> None:
            with pytest.raises(SinkError, match="fan-out to mine has not been entered"):
                await fan.write([TRADE])
            async with fan:
                pass
            async with fan:
                pass

        with pytest.raises(SinkError, match="serves one run"):
            anyio.run(main)

    def test_of_none_is_refused(self) -> None:
        """Nothing would be written, and nobody told."""
        with pytest.raises(ValueError, match="at least one"):
            sinks.async_fan_out()


class TestAddresses:
    def test_a_name_and_its_first_option(self, tmp_path: Path) -> None:
        """As it stands in a configuration file."""
        with sinks.open(f"csv:{tmp_path}/out.csv") as out:
            out.write([TRADE])

        assert out.report.paths == (f"{tmp_path}/out.csv",)

    def test_that_of_a_database(self, tmp_path: Path) -> None:
        """The same that the ledger itself takes."""
        with sinks.open(f"sqlite:///{tmp_path}/out.db", table="mine") as out:
            out.write([TRADE])

        assert out.report.paths == (f"sqlite:///{tmp_path}/out.db mine",)

    def test_said_twice_is_refused(self) -> None:
        """Which one is meant cannot be guessed."""
        with pytest.raises(SinkError, match="states path, and so does an option"):
            sinks.open("csv:out.csv", path="other.csv")

    def test_an_unknown_one_is_an_unknown_name(self) -> None:
        """A path of Windows, or a typing mistake."""
        with pytest.raises(PluginError, match="no sink named 'C'"):
            sinks.open("C:\\out.csv")


class TestSecrets:
    @pytest.mark.parametrize(
        "url",
        [
            "postgresql://user:hunter2@127.0.0.1:1/db",
            "mariadb://user:hunter2@127.0.0.1:1/db",
            "postgresql://user:hunter%322@127.0.0.1:1/db",
            "postgresql://user:hunter2@host:port/db",
            "sql:oracle://user:hunter2@host/db",
        ],
    )
    def test_a_password_in_an_address_is_shown_nowhere(self, url: str) -> None:
        """Not in the handle, the error, its traceback, or what it came from."""
        with pytest.raises(SinkError) as caught:  # noqa: PT012
            out = sinks.open(url, retries=Retries(attempts=1))
            assert "hunter" not in repr(out)
            assert "hunter" not in repr(out.sink)
            with out:
                pass

        shown = "".join(traceback.format_exception(caught.value))
        assert "hunter" not in f"{shown}{caught.value!r}{caught.value.__context__!r}"

    @pytest.mark.parametrize(
        "text",
        [
            "cannot reach https://user:hunter2@host/x",
            "connection to host with password=hunter2 refused",
            "401 for Authorization: Bearer hunter2",
            '{"api_key": "hunter2"}',
        ],
    )
    @pytest.mark.parametrize("step", ["open", "write", "close"])
    def test_the_text_of_a_foreign_exception_is_masked(self, step: str, text: str) -> None:
        """A driver repeats what it was given; then even its traceback must go."""
        sink = MemorySink(fails_in=step, error=OSError(text))
        with pytest.raises(SinkError, match=r"OSError: .*\*\*\*") as caught, sinks.handle_for(sink):
            pass

        assert "hunter2" not in "".join(traceback.format_exception(caught.value))


class TestDescriptions:
    def test_options_come_with_types_defaults_and_words(self) -> None:
        """For a form, or for `--help`."""
        found = sinks.describe("sql")

        assert [option.name for option in found.options] == ["url", "table"]
        table = found.options[1]
        assert (table.type, table.required, table.default) == ("str", False, "'entries'")
        assert table.doc == "the table's name; made if there is none."
        assert found.capabilities is not None
        assert found.capabilities.stores_checkpoint
        assert found.distribution == "bitstamp-ledger"

    @pytest.mark.parametrize("name", sinks.names())
    def test_every_built_in_sink_describes_itself(self, name: str) -> None:
        """A summary, and a word on every option."""
        found = sinks.describe(name)

        assert found.summary.endswith(".")
        assert all(option.doc for option in found.options)
