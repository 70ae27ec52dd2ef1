"""dlt: a resource and a sink, into a real DuckDB."""

import warnings
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs
import duckdb
import pytest

from bitstamp_ledger import sinks
from bitstamp_ledger.errors import SinkError
from bitstamp_ledger.model import Amount
from bitstamp_ledger.sinks import Batch, Retract, RunInfo, Upsert
from tests.sinks.examples import TRADE, deposit

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Its own imports warn.
    dlt: Any = pytest.importorskip("dlt", reason="dlt is not installed (extra dlt)")

# What it and its parts warn of when they run is theirs to repair.
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture
def pipeline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A pipeline that keeps its state beside its data, and tells nobody."""
    monkeypatch.setenv("RUNTIME__DLTHUB_TELEMETRY", "false")
    monkeypatch.setenv("DLT_DATA_DIR", str(tmp_path / "dlt"))
    return dlt.pipeline(
        pipeline_name="ledger",
        pipelines_dir=str(tmp_path / "pipelines"),
        destination=dlt.destinations.duckdb(str(tmp_path / "out.duckdb")),
        dataset_name="bitstamp",
    )


def rows_in(tmp_path: Path) -> dict[str, tuple[object, object]]:
    with duckdb.connect(tmp_path / "out.duckdb", read_only=True) as connection:
        rows = connection.execute("SELECT id, amount, base_amount FROM bitstamp.entries")
        return {entry_id: (amount, base) for entry_id, amount, base in rows.fetchall()}


def test_a_ledger_is_merged_and_what_is_taken_back_is_deleted(
    pipeline: Any, tmp_path: Path
) -> None:
    """Digits exact, an entry once, in three loads."""
    from bitstamp_ledger.sinks.dlt import DltSink, entries_resource  # noqa: PLC0415 - needs dlt

    pipeline.run(entries_resource([TRADE, deposit(1)])).raise_on_failed_jobs()
    assert rows_in(tmp_path) == {
        TRADE.id: (None, Decimal("0.00000001")),
        deposit(1).id: (Decimal("0.10"), None),
    }

    sink = DltSink(pipeline)
    sink.open(RunInfo(sink="dlt"))
    changed = attrs.evolve(deposit(1), legs=(Amount("0.000000000000000001", "BTC"),))
    batch = Batch(operations=(Upsert(changed, revision=2), Retract(TRADE.id, "hidden", revision=2)))
    receipts = {sink.write(batch), sink.write(batch)}
    assert len(receipts) == 1
    assert rows_in(tmp_path) == {deposit(1).id: (Decimal("0.000000000000000001"), None)}


def test_more_digits_than_the_column_has_are_refused(pipeline: Any) -> None:
    """Never rounded."""
    from bitstamp_ledger.sinks.dlt import DltSink  # noqa: PLC0415 - needs dlt

    with (
        pytest.raises(SinkError, match="more digits than this database keeps"),
        sinks.handle_for(DltSink(pipeline)) as out,
    ):
        out.write([deposit(1, "1e-19")])
