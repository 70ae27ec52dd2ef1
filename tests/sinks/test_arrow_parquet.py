"""The Parquet sink: the columns of Arrow in one file, or in one of each year."""

import datetime as dt
import json
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings

from bitstamp_ledger import sinks
from bitstamp_ledger.api import parse_user_transactions
from bitstamp_ledger.errors import MissingExtraError, SinkError
from bitstamp_ledger.model import UTC, Amount, Deposit, Entry
from bitstamp_ledger.sandbox import generate_account
from bitstamp_ledger.sinks import _columns
from bitstamp_ledger.sinks import parquet as parquet_module
from bitstamp_ledger.sinks.arrow import arrow
from bitstamp_ledger.sinks.parquet import ParquetSink
from tests import strategies

pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
pq = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")


def whole_account(size: int = 300) -> list[Entry]:
    account = generate_account(1, size)
    return parse_user_transactions(json.dumps(account.records, default=str).encode())


def deposit(value: str = "1", *, year: int = 2024) -> Deposit:
    return Deposit(
        id=f"odd {value} {year}",
        time=dt.datetime(year, 12, 31, 23, 59, tzinfo=UTC),
        legs=(Amount(value, "BTC"),),
    )


def write(path: Path, entries: list[Entry], *, rows: int = 1_000, **options: object) -> None:
    """Write by hand, in batches of so many rows."""
    sink = ParquetSink(path, **options)  # type: ignore[arg-type]  # one test passes nonsense
    sink.open(sinks.RunInfo(sink="parquet"))
    for start in range(0, len(entries), rows):
        sink.write(sinks.Batch.of(entries[start : start + rows]))
    sink.close(sinks.Completed())


class TestOneFile:
    def test_it_holds_the_columns_of_arrow(self, tmp_path: Path) -> None:
        """Nothing more, nothing less, and readers find types and time zone in it."""
        entries = whole_account()
        with sinks.handle_for(ParquetSink(tmp_path / "history.parquet")) as out:
            out.write(entries)

        table = pq.read_table(tmp_path / "history.parquet")
        assert table.equals(pa.table(arrow(entries)))
        assert table.schema.equals(pa.schema(arrow([])))
        assert out.report.rows == 300
        assert out.report.paths == (str(tmp_path / "history.parquet"),)

    @settings(max_examples=20)
    @given(history=strategies.histories(max_size=3))
    def test_any_history_comes_back(
        self, history: list[Entry], tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        """All kinds, all texts."""
        path = tmp_path_factory.mktemp("any") / "history.parquet"
        fit = [
            entry
            for entry in history
            if all(abs(leg.value) < 10**20 for leg in (*entry.legs, *filter(None, [entry.fee])))
            and abs(getattr(entry, "price", None) or 0) < 10**20
        ]
        write(path, fit)

        assert pq.read_table(path).to_pylist() == pa.table(arrow(fit)).to_pylist()

    def test_the_same_entries_give_the_same_bytes(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """However they came in batches: row groups have a size of their own."""
        monkeypatch.setattr(parquet_module, "ROW_GROUP_ROWS", 64)
        entries = whole_account()
        for name, rows in (("a", 1_000), ("b", 1), ("c", 64), ("d", 77)):
            write(tmp_path / name, entries, rows=rows)

        contents = {name: (tmp_path / name).read_bytes() for name in "abcd"}
        assert len(set(contents.values())) == 1
        groups = pq.ParquetFile(tmp_path / "a").metadata
        assert [groups.row_group(at).num_rows for at in range(groups.num_row_groups)] == [
            *[64] * 4,
            44,
        ]

    def test_a_history_without_entries_is_a_file_with_columns(self, tmp_path: Path) -> None:
        """A reader must not fail on a new account."""
        with sinks.handle_for(ParquetSink(tmp_path / "none.parquet")) as out:
            out.write([])

        assert pq.read_table(tmp_path / "none.parquet").num_rows == 0

    def test_a_run_that_fails_leaves_what_was_there(self, tmp_path: Path) -> None:
        """And no part of the new file."""
        path = tmp_path / "history.parquet"
        write(path, whole_account())
        before = path.read_bytes()

        with pytest.raises(SinkError, match="does not fit"):  # noqa: SIM117
            with sinks.handle_for(ParquetSink(path)) as out:
                out.write([deposit(), deposit("1E-19")])

        assert path.read_bytes() == before
        assert [file.name for file in tmp_path.iterdir()] == ["history.parquet"]

    def test_a_batch_is_in_the_file_once(self, tmp_path: Path) -> None:
        """Sent again after a doubt; and a batch that was refused leaves nothing."""
        sink = ParquetSink(tmp_path / "once.parquet")
        batch = sinks.Batch.of([deposit()])
        sink.open(sinks.RunInfo(sink="parquet"))

        assert sink.write(batch) == sink.write(batch)
        with pytest.raises(SinkError, match="does not fit"):
            sink.write(sinks.Batch.of([deposit("2"), deposit("1E-19")]))
        sink.close(sinks.Completed())

        assert pq.read_table(tmp_path / "once.parquet").num_rows == 1

    def test_entries_are_not_taken_back(self, tmp_path: Path) -> None:
        """It is written anew instead."""
        sink = ParquetSink(tmp_path / "history.parquet")
        sink.open(sinks.RunInfo(sink="parquet"))

        with pytest.raises(SinkError, match="cannot take entries back"):
            sink.write(sinks.Batch(operations=(sinks.Retract("a", "why"),)))
        with pytest.raises(SinkError, match="written already"):
            sink.open(sinks.RunInfo(sink="parquet"))
        sink.close(sinks.Failed("that is all"))
        with pytest.raises(SinkError, match="is not open"):
            sink.write(sinks.Batch.of([]))

        assert list(tmp_path.iterdir()) == []

    def test_without_pyarrow_the_extra_is_named(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Before a file is opened."""
        monkeypatch.setitem(sys.modules, "pyarrow", None)
        _columns.arrow_module.cache_clear()

        with pytest.raises(MissingExtraError, match="A Parquet file"):
            ParquetSink(tmp_path / "history.parquet")

        _columns.arrow_module.cache_clear()


class TestYears:
    def test_each_year_has_a_file(self, tmp_path: Path) -> None:
        """As readers of partitioned data sets expect it; the last second of a year is its own."""
        entries = [deposit(year=2023), deposit(year=2024), deposit("2", year=2023)]
        with sinks.handle_for(ParquetSink(tmp_path / "all", partition_by="year")) as out:
            out.write(entries)

        files = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*.parquet"))
        assert list(map(str, files)) == [
            "all/year=2023/entries.parquet",
            "all/year=2024/entries.parquet",
        ]
        assert [pq.ParquetFile(tmp_path / file).metadata.num_rows for file in files] == [2, 1]
        assert sorted(out.report.paths) == [str(tmp_path / file) for file in files]

    def test_it_is_read_back_as_one_table(self, tmp_path: Path) -> None:
        """With the year as a column of its own, behind the others."""
        entries = whole_account()
        write(tmp_path / "all", entries, partition_by="year")

        table = pq.read_table(tmp_path / "all")
        assert table.column_names[-1] == "year"
        rows = table.drop_columns(["year"]).to_pylist()
        assert sorted(rows, key=lambda row: row["id"]) == sorted(
            pa.table(arrow(entries)).to_pylist(), key=lambda row: row["id"]
        )

    def test_a_year_that_is_gone_is_gone(self, tmp_path: Path) -> None:
        """The folder is replaced whole, so that nothing of an earlier export stays in it."""
        write(tmp_path / "all", [deposit(year=2023), deposit(year=2024)], partition_by="year")
        write(tmp_path / "all", [deposit(year=2024)], partition_by="year")

        assert [path.name for path in (tmp_path / "all").iterdir()] == ["year=2024"]
        assert [path.name for path in tmp_path.iterdir()] == ["all"]

    @pytest.mark.parametrize("strange", ["notes.txt", "year=2024/other.parquet"])
    def test_what_others_put_there_is_not_removed(self, strange: str, tmp_path: Path) -> None:
        """A folder with anything else in it is refused before anything is written."""
        write(tmp_path / "all", [deposit(year=2024)], partition_by="year")
        (tmp_path / "all" / strange).write_text("mine")

        with pytest.raises(SinkError, match=f"{strange} is no part of an earlier export"):
            write(tmp_path / "all", [deposit(year=2023)], partition_by="year")

        assert (tmp_path / "all" / strange).read_text() == "mine"
        assert [path.name for path in tmp_path.iterdir()] == ["all"]

    def test_a_run_that_fails_leaves_what_was_there(self, tmp_path: Path) -> None:
        """And no part of the new folder."""
        write(tmp_path / "all", [deposit(year=2024)], partition_by="year")

        with pytest.raises(SinkError, match="does not fit"):  # noqa: SIM117
            with sinks.handle_for(ParquetSink(tmp_path / "all", partition_by="year")) as out:
                out.write([deposit(year=2023), deposit("1E-19")])

        assert [path.name for path in (tmp_path / "all").iterdir()] == ["year=2024"]
        assert [path.name for path in tmp_path.iterdir()] == ["all"]

    def test_a_folder_that_cannot_be_made_is_said(self, tmp_path: Path) -> None:
        """With the path that the caller gave."""
        with pytest.raises(SinkError, match=r"Cannot write .*: No such file or directory"):
            write(tmp_path / "nowhere" / "all", [], partition_by="year")

    def test_there_are_partitions_by_year_only(self, tmp_path: Path) -> None:
        """A word that is not known is said."""
        with pytest.raises(SinkError, match="partitioned by 'month'"):
            ParquetSink(tmp_path / "all", partition_by="month")  # type: ignore[arg-type]
