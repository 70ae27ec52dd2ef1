"""dlt: a resource and a sink, into a real DuckDB."""

import datetime as dt
import json
import warnings
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs
import duckdb
import pytest

from bitstamp_ledger import sinks
from bitstamp_ledger.errors import SinkError
from bitstamp_ledger.model import Amount
from bitstamp_ledger.sinks import Batch, Retract, RunInfo, Sink, Upsert
from bitstamp_ledger.testing import SinkContract, StoredRow
from tests.sinks.examples import TRADE, deposit

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Its own imports warn.
    dlt: Any = pytest.importorskip("dlt", reason="dlt is not installed (extra dlt)")

# What it and its parts warn of when they run is theirs to repair.
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(autouse=True)
def _quiet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is told, and nothing is written to the user's own folders."""
    monkeypatch.setenv("RUNTIME__DLTHUB_TELEMETRY", "false")
    monkeypatch.setenv("DLT_DATA_DIR", str(tmp_path / "dlt"))


def pipeline_in(place: Path) -> Any:
    """Return a pipeline that keeps its state beside its data."""
    return dlt.pipeline(
        pipeline_name="ledger",
        pipelines_dir=str(place / "pipelines"),
        destination=dlt.destinations.duckdb(str(place / "out.duckdb")),
        dataset_name="bitstamp",
    )


@pytest.fixture
def pipeline(tmp_path: Path) -> Any:
    return pipeline_in(tmp_path)


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


only_in_order = pytest.mark.xfail(
    strict=True, reason="across loads the last word holds, as the sink says: one writer, in order"
)


@pytest.mark.lengthy
class TestDltContract(SinkContract):
    """All rules but those on words that arrive out of order: a load knows nothing of earlier ones.

    Each batch is a load of its own, which takes a good part of a second.
    """

    ordered = False

    def make(self, place: Path) -> Sink:
        from bitstamp_ledger.sinks.dlt import DltSink  # noqa: PLC0415 - needs dlt

        return DltSink(pipeline_in(place))

    def stored(self, place: Path) -> Iterable[StoredRow]:
        path = place / "out.duckdb"
        if not path.exists():
            return
        with duckdb.connect(path) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            try:
                rows = connection.execute(
                    "SELECT id, account, time, legs, amount FROM bitstamp.entries"
                )
            except duckdb.CatalogException:
                return
            for entry_id, account, time, legs, amount in rows.fetchall():
                amounts = tuple(Decimal(leg["value"]) for leg in json.loads(legs))
                if len(amounts) == 1:
                    assert isinstance(amount, Decimal)
                    amounts = (amount,)
                yield StoredRow(
                    id=entry_id, amounts=amounts, account=account, time=time.astimezone(dt.UTC)
                )

    @only_in_order
    def test_the_higher_revision_holds_in_whatever_order(self, tmp_path: Path) -> None:
        super().test_the_higher_revision_holds_in_whatever_order(tmp_path)

    @only_in_order
    def test_an_old_word_does_not_revive_what_was_taken_back(self, tmp_path: Path) -> None:
        super().test_an_old_word_does_not_revive_what_was_taken_back(tmp_path)
