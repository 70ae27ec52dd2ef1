"""Frames, databases and checkers of files: each reads a whole history, exactly."""

import json
import subprocess
import sys
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path

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

    assert report.valid, report.flatten(["rowNumber", "fieldName", "message"])
    assert report.tasks[0].stats["rows"] == len(history.entries)


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
