"""The files for tax tools keep the contract of sinks, each row read from its note."""

import csv
import datetime as dt
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

import pytest

from bitstamp_ledger.errors import SinkError
from bitstamp_ledger.model import UTC
from bitstamp_ledger.sinks import Batch, Checkpoint, Outcome, Receipt, RunInfo, Sink
from bitstamp_ledger.testing import SinkContract, StoredRow
from tests.sinks.tax_tools import TOOLS, sink_of

WITH_NOTES = [tool.name for tool in TOOLS if tool.name != "cointracker"]
"""CoinTracker's has no place for an id, by which the contract tells entries apart."""

_NOTE: Final = re.compile(r"Bitstamp [a-z]+; (?P<id>[^;]+); (?P<time>[0-9T:.-]+Z)").match


class _Contract(SinkContract):
    """What differs from other sinks, for every tool."""

    ordered = False  # Some tools have several files.

    def crash(self, sink: Sink) -> None:
        """Only the warning about a file that is never closed is avoided."""
        tax: Any = sink
        for sheet in tax._sheets:
            sheet._replacement._file.close()

    def test_records_that_nobody_understood_are_stored(self, tmp_path: Path) -> None:
        """One without any amount is no row of any tool: it is refused, not left out."""
        with pytest.raises(SinkError, match="it states no amount"):
            super().test_records_that_nobody_understood_are_stored(tmp_path)


@pytest.mark.parametrize("tool", WITH_NOTES, indirect=True)
class TestTaxFiles(_Contract):
    @pytest.fixture(autouse=True)
    def tool(self, request: pytest.FixtureRequest) -> None:
        self.name: str = request.param

    def make(self, place: Path) -> Sink:
        sink: Sink = sink_of(self.name, place / "out.csv")
        return sink

    def stored(self, place: Path) -> Iterable[StoredRow]:
        for path in sorted(place.glob("out*.csv")):
            with path.open(newline="", encoding="utf-8") as file:
                for cells in csv.reader(file):
                    for note in cells:
                        if found := _NOTE(note):
                            time = dt.datetime.fromisoformat(found["time"])
                            yield StoredRow(id=unquote(found["id"]), time=time)


class _Remembering:
    """CoinTracker's sink, and which row is of which entry, which the file cannot say."""

    def __init__(self, path: Path, rows: dict[bytes, str]) -> None:
        self._sink = sink_of("cointracker", path)
        self._sheets = self._sink._sheets
        self._rows = rows
        self.capabilities = self._sink.capabilities

    def open(self, run: RunInfo) -> Checkpoint | None:
        position: Checkpoint | None = self._sink.open(run)
        return position

    def write(self, batch: Batch) -> Receipt:
        receipt: Receipt = self._sink.write(batch)
        for entry in batch.entries:
            row = self._sink.tool.tables[0].rows(entry, wallet="Bitstamp", zone=UTC)
            assert self._rows.setdefault(row, entry.id) == entry.id  # The kit's all differ.
        return receipt

    def close(self, outcome: Outcome) -> None:
        self._sink.close(outcome)


class TestCoinTracker(_Contract):
    """Its rows are known by all that they state."""

    @pytest.fixture(autouse=True)
    def rows(self) -> None:
        self._rows: dict[bytes, str] = {}

    def make(self, place: Path) -> Sink:
        return _Remembering(place / "out.csv", self._rows)

    def stored(self, place: Path) -> Iterable[StoredRow]:
        path = place / "out.csv"
        if path.exists():
            for row in path.read_bytes().splitlines(keepends=True)[1:]:
                yield StoredRow(id=self._rows[row])
