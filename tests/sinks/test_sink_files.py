"""What all sinks that write a file promise: whole or not at all, and the same bytes again."""

import contextlib
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import attrs
import pytest
from hypothesis import given

from bitstamp_ledger import sinks
from bitstamp_ledger.errors import SinkError
from bitstamp_ledger.model import Entry
from bitstamp_ledger.sinks import Batch, Completed, Failed, Retract, RunInfo
from bitstamp_ledger.sinks.csv import CsvSink
from bitstamp_ledger.sinks.jsonl import JsonLinesSink
from tests import strategies
from tests.sinks.examples import TRADE, deposit

NOBODY = 65534


@pytest.fixture(params=["csv", "jsonl"])
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=[CsvSink, JsonLinesSink])
def kind(request: pytest.FixtureRequest) -> type[CsvSink | JsonLinesSink]:
    chosen: type[CsvSink | JsonLinesSink] = request.param
    return chosen


def names_in(folder: Path | str) -> list[str]:
    """All names, the hidden ones of temporary files among them."""
    return sorted(found.name for found in Path(folder).iterdir())


@contextlib.contextmanager
def without_privileges() -> Iterator[None]:
    """Let permissions count even where the suite runs as root."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


class TestACompleteRun:
    def test_leaves_exactly_the_file(self, name: str, tmp_path: Path) -> None:
        """No temporary name remains, and the report says where the file is."""
        path = tmp_path / "ledger"

        with sinks.open(name, path=path) as out:
            out.write([TRADE, deposit()])

        assert names_in(tmp_path) == ["ledger"]
        assert (out.report.rows, out.report.paths) == (2, (str(path),))

    def test_replaces_what_stood_there(self, name: str, tmp_path: Path) -> None:
        """An export is the ledger as it is now, not an addition."""
        path = tmp_path / "ledger"
        path.write_text("old")
        path.chmod(0o640)

        with sinks.open(name, path=path) as out:
            out.write([TRADE])

        assert b"old" not in path.read_bytes()
        assert path.stat().st_mode & 0o777 == 0o640

    def test_replaces_what_a_link_points_at(self, name: str, tmp_path: Path) -> None:
        """People link an export into a synchronised folder."""
        (tmp_path / "elsewhere").mkdir()
        link = tmp_path / "ledger"
        link.symlink_to(tmp_path / "elsewhere" / "real")

        with sinks.open(name, path=link) as out:
            out.write([TRADE])

        assert link.is_symlink()
        assert (tmp_path / "elsewhere" / "real").stat().st_size > 0

    def test_of_no_entries_is_a_file_too(self, name: str, tmp_path: Path) -> None:
        """No file would look like a run that failed."""
        path = tmp_path / "ledger"

        with sinks.open(name, path=path) as out:
            pass

        assert path.exists()
        assert (out.report.rows, out.report.paths) == (0, (str(path),))

    @given(history=strategies.histories(max_size=2))
    def test_again_gives_the_same_bytes(self, history: list[Entry]) -> None:
        """Exports can be compared and signed."""
        for name in ("csv", "jsonl"):
            with tempfile.TemporaryDirectory() as folder:
                paths = [Path(folder, "first"), Path(folder, "second")]
                for path in paths:
                    with sinks.open(name, path=path) as out:
                        out.write(history)

                assert paths[0].read_bytes() == paths[1].read_bytes()

    def test_does_not_depend_on_the_order_of_a_record_s_keys(
        self, name: str, tmp_path: Path
    ) -> None:
        """Equal entries are equal lines."""
        for raw in ({"a": 1, "b": {"c": 2, "d": 3}}, {"b": {"d": 3, "c": 2}, "a": 1}):
            with sinks.open(name, path=tmp_path / "-".join(raw)) as out:
                out.write([deposit(raw=raw)])

        assert (tmp_path / "a-b").read_bytes() == (tmp_path / "b-a").read_bytes()

    def test_does_not_disturb_another_in_the_same_folder(self, name: str, tmp_path: Path) -> None:
        """Two accounts are exported at once; what a killed run left behind is in nobody's way."""
        with (
            sinks.open(name, path=tmp_path / "one") as one,
            sinks.open(name, path=tmp_path / "two") as two,
        ):
            one.write([deposit(1)])
            two.write([deposit(2)])

        assert names_in(tmp_path) == ["one", "two"]
        assert "deposit/1" in (tmp_path / "one").read_text()
        assert "deposit/2" in (tmp_path / "two").read_text()


class TestARunThatFails:
    def test_leaves_the_target_untouched(self, name: str, tmp_path: Path) -> None:
        """Yesterday's export is better than half of today's."""
        path = tmp_path / "ledger"
        path.write_text("old")

        with pytest.raises(RuntimeError), sinks.open(name, path=path) as out:  # noqa: PT012
            out.write(deposit(number) for number in range(2500))
            raise RuntimeError

        assert path.read_text() == "old"
        assert names_in(tmp_path) == ["ledger"]

    def test_leaves_nothing_where_nothing_was(self, name: str, tmp_path: Path) -> None:
        """Also when the user interrupts it."""
        with pytest.raises(KeyboardInterrupt), sinks.open(name, path=tmp_path / "x") as out:  # noqa: PT012
            out.write([TRADE])
            raise KeyboardInterrupt

        assert names_in(tmp_path) == []

    def test_a_killed_process_leaves_the_target_untouched(self, name: str, tmp_path: Path) -> None:
        """Nobody can clean up after a kill; the target is whole all the same."""
        path = tmp_path / "ledger"
        path.write_text("old")
        script = (
            "import os, sys; from bitstamp_ledger import sinks;"
            "from tests.sinks.examples import deposit\n"
            "with sinks.open(sys.argv[1], path=sys.argv[2]) as out:\n"
            "    out.write(deposit(number) for number in range(2500))\n"
            "    os.kill(os.getpid(), 9)\n"
        )

        done = subprocess.run(  # noqa: S603 - ours
            [sys.executable, "-c", script, name, path],
            check=False,
            cwd=Path(__file__).parents[2],
        )

        assert done.returncode == -9
        assert path.read_text() == "old"

    def test_a_full_disk_says_so_and_leaves_nothing(self, name: str, tmp_path: Path) -> None:
        """A limit on the size of files stands for the disk: both fail in the middle of a write."""
        path = tmp_path / "ledger"
        path.write_text("old")
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)

        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limits[1]))
        try:
            with (
                pytest.raises(SinkError, match=r"Cannot write .*: File too large") as caught,
                sinks.open(name, path=path) as out,
            ):
                out.write(deposit(number) for number in range(2500))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)

        assert "another disk" in str(caught.value.hint)
        assert path.read_text() == "old"
        assert names_in(tmp_path) == ["ledger"]

    def test_a_disk_that_fills_up_at_the_end_leaves_nothing(
        self, name: str, tmp_path: Path
    ) -> None:
        """Few rows stay in the buffer until the file is closed."""
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)

        resource.setrlimit(resource.RLIMIT_FSIZE, (10, limits[1]))
        try:
            with (
                pytest.raises(SinkError, match="File too large"),
                sinks.open(name, path=tmp_path / "ledger") as out,
            ):
                out.write([TRADE])
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)

        assert names_in(tmp_path) == []


class TestAPathThatCannotBeWritten:
    def test_a_missing_folder(self, name: str, tmp_path: Path) -> None:
        """Folders are not made: a mistyped path would go unnoticed."""
        with (
            pytest.raises(SinkError, match="Create its folder first") as caught,
            sinks.open(name, path=tmp_path / "missing" / "ledger"),
        ):
            pass

        assert caught.value.sink == name
        assert names_in(tmp_path) == []

    def test_a_folder(self, name: str, tmp_path: Path) -> None:
        """Giving the folder alone is a usual slip."""
        with pytest.raises(SinkError, match="is a folder"), sinks.open(name, path=tmp_path):
            pass

        assert names_in(tmp_path) == []

    def test_a_thing_that_is_no_ordinary_file(self, name: str, tmp_path: Path) -> None:
        """Renaming a file onto /dev/null would break the machine.

        A pipe of our own stands for the device: were the code wrong, the real one would be gone.
        """
        pipe = tmp_path / "pipe"
        os.mkfifo(pipe)

        with pytest.raises(SinkError, match="is not an ordinary file"), sinks.open(name, path=pipe):
            pass

        assert pipe.is_fifo()
        assert names_in(tmp_path) == ["pipe"]

    def test_a_file_in_the_place_of_a_folder(self, name: str, tmp_path: Path) -> None:
        """``ledger.csv/ledger.csv`` happens to people who complete paths."""
        (tmp_path / "file").write_text("old")

        with (
            pytest.raises(SinkError, match="A part of the path is a file"),
            sinks.open(name, path=tmp_path / "file" / "ledger"),
        ):
            pass

        assert (tmp_path / "file").read_text() == "old"

    def test_a_name_too_long(self, name: str, tmp_path: Path) -> None:
        """Refused before anything is written, not at the final rename."""
        with (
            pytest.raises(SinkError, match="Choose a shorter name"),
            sinks.open(name, path=tmp_path / ("x" * 300)),
        ):
            pass

    def test_a_folder_without_permission(self, name: str) -> None:
        """The hint also names the other usual cause, an open spreadsheet."""
        with tempfile.TemporaryDirectory() as folder:
            Path(folder).chmod(0o555)
            with (
                pytest.raises(SinkError, match=r"Permission denied.*that you may write to"),
                without_privileges(),
                sinks.open(name, path=Path(folder, "ledger")),
            ):
                pass

            assert names_in(folder) == []


class TestASinkByItself:
    """Without the engine: the contract holds for other callers, too."""

    def test_the_same_batch_again_adds_nothing(
        self, kind: type[CsvSink | JsonLinesSink], tmp_path: Path
    ) -> None:
        """After a crash the last batch is sent again."""
        sink = kind(tmp_path / "once")
        sink.open(RunInfo(sink="mine"))
        first = sink.write(Batch.of([TRADE]))
        second = sink.write(Batch.of([TRADE]))
        sink.close(Completed())
        with sinks.handle_for(kind(tmp_path / "engine")) as out:
            out.write([TRADE])

        assert first == second
        assert (tmp_path / "once").read_bytes() == (tmp_path / "engine").read_bytes()

    def test_a_batch_with_one_bad_entry_adds_none_of_it(
        self, kind: type[CsvSink | JsonLinesSink], tmp_path: Path
    ) -> None:
        """All or nothing, whatever is wrong with one of them."""

        class Picky(kind):  # type: ignore[misc,valid-type]  # one of two, by parameter
            def _encoded(self, entry: Entry) -> bytes:
                if entry.id.endswith("deposit/2"):
                    raise ValueError("it cannot be written")
                encoded: bytes = super()._encoded(entry)
                return encoded

        sink = Picky(tmp_path / "ledger")

        sink.open(RunInfo(sink="mine"))
        with pytest.raises(SinkError, match=r"deposit/2.* it cannot be written"):
            sink.write(Batch.of([TRADE, deposit(2)]))
        sink.write(Batch.of([deposit(3)]))
        sink.close(Completed())

        content = (tmp_path / "ledger").read_text()
        assert "deposit/3" in content
        assert "trade/458264332" not in content

    def test_cannot_take_back(self, kind: type[CsvSink | JsonLinesSink], tmp_path: Path) -> None:
        """A retraction that is passed over would leave a wrong row in the file."""
        sink = kind(tmp_path / "ledger")

        sink.open(RunInfo(sink="mine"))
        with pytest.raises(SinkError, match="cannot take entries back"):
            sink.write(Batch(operations=(Retract(TRADE.id, "gone"),)))
        sink.close(Failed("gone"))

        assert names_in(tmp_path) == []

    def test_steps_out_of_order_are_refused(
        self, kind: type[CsvSink | JsonLinesSink], tmp_path: Path
    ) -> None:
        """Each would lose a file in silence."""
        sink = kind(tmp_path / "ledger")

        with pytest.raises(SinkError, match="is not open"):
            sink.write(Batch.of([TRADE]))
        with pytest.raises(SinkError, match="is not open"):
            sink.close(Completed())
        sink.open(RunInfo(sink="mine"))
        with pytest.raises(SinkError, match="is being written already"):
            sink.open(RunInfo(sink="mine"))
        sink.close(Failed("done"))


def test_a_conflict_is_two_rows_in_the_file(name: str, tmp_path: Path) -> None:
    """The law of the engine, seen where a person sees it."""
    path = tmp_path / "ledger"

    with sinks.open(name, path=path) as out:
        out.write([TRADE, attrs.evolve(TRADE, price=Decimal(1)), TRADE])

    assert path.read_text().count("Main Account/trade/458264332") == 2
    assert path.read_text().count("Main Account/trade/458264332~") == 1
    assert out.report.conflicts == 1
