"""Frames, databases and checkers of files: each reads a whole history, exactly."""

import json
import subprocess
import sys
import warnings
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import bitstamp_ledger as bl
from bitstamp_ledger import sinks
from bitstamp_ledger.sinks.arrow import arrow
from bitstamp_ledger.sinks.jsonl import json_schema
from bitstamp_ledger.sinks.parquet import ParquetSink
from readers.conftest import History

SUMS = """
    select currency, sum(value) from (
        select unnest(legs, recursive := true) from history
        union all
        select fee_currency, -fee_amount from history where fee_amount is not null
    ) group by currency having sum(value) <> 0
"""


LOADED_SUMS = """
    select currency, sum(value) from (
        select base_currency as currency,
               case side when 'buy' then base_amount else -base_amount end as value
        from bitstamp.entries where side is not null
        union all
        select quote_currency, case side when 'buy' then -quote_amount else quote_amount end
        from bitstamp.entries where side is not null
        union all
        select currency, amount from bitstamp.entries where amount is not null
        union all
        select leg.currency, leg.value from (
            select unnest(from_json(
                legs, '[{"currency": "VARCHAR", "value": "DECIMAL(38, 18)"}]'
            )) as leg
            from bitstamp.entries where side is null and amount is null
        )
        union all
        select fee_currency, -fee_amount from bitstamp.entries where fee_amount is not null
    ) group by currency having sum(value) <> 0
"""
"""By the typed columns, and by the legs of what is neither a trade nor a single movement."""


def written(name: str, path: Path, entries: Iterable[bl.Entry]) -> Path:
    """Write a file by the name of its sink."""
    with sinks.open(name, path=path) as out:
        out.write(entries)
    return path


def added(amounts: Iterable[tuple[str, Decimal]]) -> dict[str, Decimal]:
    """Add up amounts by currency, zeros left out."""
    sums: dict[str, Decimal] = {}
    for currency, value in amounts:
        sums[currency] = sums.get(currency, Decimal(0)) + value
    return {currency: value for currency, value in sums.items() if value}


def signed_amounts(rows: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, Decimal]]:
    """What rows of the CSV move, by the numbers that a program made of its columns."""
    for row in rows:
        if row["side"] is not None:
            sign = 1 if row["side"] == "buy" else -1
            yield row["base_currency"], sign * row["base_amount"]
            yield row["quote_currency"], -sign * row["quote_amount"]
        elif row["amount"] is not None:
            yield row["currency"], row["amount"]
        else:
            for leg in (row["legs"] or "").split("; "):
                currency, _, value = leg.partition(" ")
                yield currency, Decimal(value or 0)
        if row["fee_amount"] is not None:
            yield row["fee_currency"], -row["fee_amount"]


def test_duckdb_agrees_on_arrow_and_on_parquet(history: History, tmp_path: Path) -> None:
    """In SQL; the years are one table."""
    duckdb = pytest.importorskip("duckdb", reason="duckdb is not installed")
    with sinks.handle_for(ParquetSink(tmp_path / "all", partition_by="year")) as out:
        out.write(history.entries)

    handed = duckdb.from_arrow(arrow(history.entries)).query("history", SUMS).fetchall()
    stored = duckdb.read_parquet(str(tmp_path / "all/*/*.parquet")).query("history", SUMS)

    assert dict(handed) == history.balances
    assert dict(stored.fetchall()) == history.balances


def test_polars_agrees_on_arrow_and_on_parquet(history: History, tmp_path: Path) -> None:
    """The two frames are equal, and add up to the proof."""
    pl = pytest.importorskip("polars", reason="polars is not installed")
    with sinks.handle_for(ParquetSink(tmp_path / "all.parquet")) as out:
        out.write(history.entries)

    frame = pl.DataFrame(arrow(history.entries))
    legs = [(leg["currency"], leg["value"]) for leg in frame["legs"].explode().drop_nulls()]
    fees = frame.select("fee_currency", "fee_amount").drop_nulls().iter_rows()

    assert frame.equals(pl.read_parquet(tmp_path / "all.parquet"))
    assert added([*legs, *((currency, -value) for currency, value in fees)]) == history.balances


def test_frictionless_finds_no_fault_in_csv(history: History, tmp_path: Path) -> None:
    """RFC 4180, one width, every number a number and every time a time."""
    frictionless = pytest.importorskip("frictionless", reason="frictionless is not installed")
    path = written("csv", tmp_path / "history.csv", history.entries)
    numbers = ("base_amount", "quote_amount", "amount", "fee_amount", "price")
    names = path.read_text().splitlines()[0].split(",")
    schema = frictionless.Schema.from_descriptor(
        {
            "fields": [
                {"name": name, "type": "number" if name in numbers else "string"} for name in names
            ]
        }
    )

    resource = frictionless.Resource(path=path.name, basepath=str(tmp_path), schema=schema)
    report = resource.validate()
    rows = resource.read_rows()

    assert report.valid, report.flatten(["rowNumber", "fieldName", "message"])
    assert report.tasks[0].stats["rows"] == len(history.entries)
    assert added(signed_amounts(rows)) == history.balances


def test_csvkit_reads_all_rows(history: History, tmp_path: Path) -> None:
    """With the columns in their places."""
    pytest.importorskip("csvkit", reason="csvkit is not installed")
    path = written("csv", tmp_path / "history.csv", history.entries)

    done = subprocess.run(  # noqa: S603 - this Python
        [sys.executable, "-m", "csvkit.utilities.csvjson", "-I", str(path)],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )

    rows = json.loads(done.stdout)
    legs = [leg.split(" ") for row in rows if row["legs"] for leg in row["legs"].split("; ")]
    fees = [(row["fee_currency"], -Decimal(row["fee_amount"])) for row in rows if row["fee_amount"]]
    assert added([*((code, Decimal(value)) for code, value in legs), *fees]) == history.balances


def test_the_table_of_csvkit_agrees(history: History, tmp_path: Path) -> None:
    """It finds out by itself which columns are numbers, and keeps their digits.

    Its command for sums prints three decimals, and its SQL is SQLite's, which computes in floats.
    """
    agate = pytest.importorskip("agate", reason="csvkit is not installed")
    path = written("csv", tmp_path / "history.csv", history.entries)

    table = agate.Table.from_csv(str(path))

    assert len(table.rows) == len(history.entries)
    assert added(signed_amounts(table.rows)) == history.balances


def test_dlt_loads_a_history_into_duckdb(
    history: History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twice, in batches, and each entry is there once; DuckDB's exact sums are the proof's."""
    duckdb = pytest.importorskip("duckdb", reason="duckdb is not installed")
    monkeypatch.setenv("RUNTIME__DLTHUB_TELEMETRY", "false")
    monkeypatch.setenv("DLT_DATA_DIR", str(tmp_path / "dlt"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Its own parts warn, when they are imported and later.
        dlt = pytest.importorskip("dlt", reason="dlt is not installed")
        from bitstamp_ledger.sinks.dlt import DltSink  # noqa: PLC0415 - needs dlt

        pipeline = dlt.pipeline(
            pipeline_name="ledger",
            pipelines_dir=str(tmp_path / "pipelines"),
            destination=dlt.destinations.duckdb(str(tmp_path / "out.duckdb")),
            dataset_name="bitstamp",
        )
        for _ in range(2):
            with sinks.handle_for(DltSink(pipeline)) as out:
                out.write(history.entries)

    with duckdb.connect(tmp_path / "out.duckdb", read_only=True) as connection:
        (count,) = connection.execute("select count(*) from bitstamp.entries").fetchone()
        sums = connection.execute(LOADED_SUMS).fetchall()
    assert count == len(history.entries)
    assert dict(sums) == history.balances


def test_json_lines_keep_to_their_schema(history: History, tmp_path: Path) -> None:
    """The one that ships with the package; the amounts add up to the proof."""
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")
    path = written("jsonl", tmp_path / "history.jsonl", history.entries)
    validator = jsonschema.Draft202012Validator(json_schema())

    lines = [json.loads(line) for line in path.read_text().splitlines()]
    for line in lines:
        validator.validate(line)

    legs = [(leg["currency"], Decimal(leg["value"])) for line in lines for leg in line["legs"]]
    fees = [line["fee"] for line in lines if line["fee"] is not None]
    paid = [(fee["currency"], -Decimal(fee["value"])) for fee in fees]
    assert added([*legs, *paid]) == history.balances
