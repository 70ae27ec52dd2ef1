"""The files for tax tools keep the contract of sinks, each row read from its note."""

import csv
import datetime as dt
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import pytest

from bitstamp_ledger.errors import SinkError
from bitstamp_ledger.sinks import Sink
from bitstamp_ledger.testing import SinkContract, StoredRow
from tests.sinks.tax_tools import TOOLS, sink_of

WITH_NOTES = [tool.name for tool in TOOLS if tool.name != "cointracker"]
"""CoinTracker's has no place for an id, by which the contract tells entries apart."""

_NOTE: Final = re.compile(r"Bitstamp [a-z]+; (?P<id>[^;]+); (?P<time>[0-9T:.-]+Z)").match


@pytest.mark.parametrize("tool", WITH_NOTES, indirect=True)
class TestTaxFiles(SinkContract):
    ordered = False  # Some tools have two files.

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
                            yield StoredRow(id=found["id"], time=time)

    def crash(self, sink: Sink) -> None:
        """Only the warning about a file that is never closed is avoided."""
        tax: Any = sink
        for sheet in tax._sheets:
            sheet._replacement._file.close()

    def test_records_that_nobody_understood_are_stored(self, tmp_path: Path) -> None:
        """One without any amount is no row of any tool: it is refused, not left out."""
        with pytest.raises(SinkError, match="it states no amount"):
            super().test_records_that_nobody_understood_are_stored(tmp_path)

    def test_ids_that_differ_in_case_or_a_space_are_kept_apart(self, tmp_path: Path) -> None:
        """A space at the end of an id is not in the note; the row is there all the same."""
        with pytest.raises(AssertionError, match="these ids are stored") as caught:
            super().test_ids_that_differ_in_case_or_a_space_are_kept_apart(tmp_path)

        assert str(caught.value).count("'Savings/deposit/1'") == 3  # Wanted once, found twice.
