"""The Parquet sink keeps the contract of sinks, as one file and as one of each year."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from bitstamp_ledger.sinks import Sink
from bitstamp_ledger.sinks.parquet import ParquetSink, _OneFile, _YearFolder
from bitstamp_ledger.testing import SinkContract, StoredRow

pq = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")


class TestOneFileContract(SinkContract):
    def make(self, place: Path) -> Sink:
        return ParquetSink(place / "out")

    def stored(self, place: Path) -> Iterable[StoredRow]:
        path = place / "out"
        if not path.exists():
            return
        for row in pq.read_table(path).to_pylist():
            yield StoredRow(
                id=row["id"],
                amounts=tuple(leg["value"] for leg in row["legs"]),
                account=row["account"],
                time=row["time"],
            )

    def crash(self, sink: Sink) -> None:
        """Let go of what a dead program would: the temporary file stays."""
        assert isinstance(sink, ParquetSink)
        assert isinstance(sink._replacement, _OneFile)
        sink._replacement._rows.give_up()
        assert sink._replacement._replacement._file is not None
        sink._replacement._replacement._file.close()


class TestYearsContract(TestOneFileContract):
    ordered = False

    def make(self, place: Path) -> Sink:
        return ParquetSink(place / "out", partition_by="year")

    def crash(self, sink: Sink) -> None:
        assert isinstance(sink, ParquetSink)
        assert isinstance(sink._replacement, _YearFolder)
        for rows, file in sink._replacement._years.values():
            rows.give_up()
            file.close()
