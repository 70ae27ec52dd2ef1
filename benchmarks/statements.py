"""How long a G2 export takes to read: ours, a bare loop, and BittyTax's own parser of that format.

Every run is a fresh interpreter that reads the file once and reports its own processor time, so
that none inherits a heap from another; the readers alternate.  BittyTax is left out where it is not
installed.
"""

import argparse
import csv
import datetime as dt
import importlib
import importlib.metadata
import importlib.util
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs

SEED = 1
ROWS = 100_000
RUNS = 5
BARE_GOAL = 3.0
BITTYTAX_GOAL = 6.0
GROWTH_GOAL = 1.3
BITTYTAX_VERSION = "0.6.0"


def ours(path: str) -> int:
    """Read the file with `read_statement`; return the number of rows."""
    from bitstamp_ledger import read_statement  # noqa: PLC0415 - not in the other readers' time

    began = time.process_time()
    statement = read_statement(path)
    _report(began)
    if statement.problems:
        raise RuntimeError(statement.problems[0])
    return statement.rows


@attrs.frozen(kw_only=True)
class BareRow:
    """The cells of one row, its numbers and its time parsed, and nothing checked."""

    id: int | None
    account: str
    type: str
    subtype: str
    time: dt.datetime
    amount: Decimal
    amount_currency: str
    value: Decimal | None
    value_currency: str
    rate: Decimal | None
    rate_currency: str
    fee: Decimal | None
    fee_currency: str
    order_id: int | None


def bare(path: str) -> int:
    """Read the file with csv, Decimal and one attrs object a row; return the number of rows."""
    began = time.process_time()
    rows = []
    with open(path, newline="", encoding="utf-8") as file:  # noqa: PTH123 - as anyone writes it
        reader = csv.reader(file)
        next(reader)
        for cells in reader:
            (id_, account, type_, subtype, when, amount, code, *value, fee, fee_code, order) = cells
            is_text = type_ == "Sub Account Transfer"  # Its value is no number.
            rows.append(
                BareRow(
                    id=int(id_) if id_ else None,
                    account=account,
                    type=type_,
                    subtype=subtype,
                    time=dt.datetime.fromisoformat(when),
                    amount=Decimal(amount),
                    amount_currency=code,
                    value=Decimal(value[0]) if value[0] and not is_text else None,
                    value_currency=value[1],
                    rate=Decimal(value[2]) if value[2] else None,
                    rate_currency=value[3],
                    fee=Decimal(fee) if fee else None,
                    fee_currency=fee_code,
                    order_id=int(order) if order else None,
                )
            )
    _report(began)
    return len(rows)


def bittytax(path: str) -> int:
    """Read the file as BittyTax's converter does, up to its records; return the number of rows."""
    settings: Any = importlib.import_module("bittytax.config")
    settings.config.config["data_source_fiat"] = []  # Else it asks for prices when imported.
    importlib.import_module("bittytax.conv.parsers.bitstamp")
    data_file: Any = importlib.import_module("bittytax.conv.datafile")
    began = time.process_time()
    with open(path, newline="", encoding="utf-8-sig") as file:  # noqa: PTH123 - as it does
        reader = csv.reader(file)
        read = data_file.DataFile(data_file.DataFile.get_parser(reader), reader)
        # What DataFile.parse() does, without a warning for each type that it does not know.
        for row in read.data_rows:
            row.parse(read.parser, filename=path, unconfirmed=False, cryptoasset="")
    _report(began)
    refused = sum(row.failure is not None for row in read.data_rows)
    print(f"{refused} rows refused", file=sys.stderr)
    return len(read.data_rows)


READERS = {"ours": ours, "bare loop": bare, "BittyTax": bittytax}


def _report(began: float) -> None:
    print(time.process_time() - began)


def seconds(reader: str, path: Path, home: str) -> float:
    """Return the processor time of one run in a fresh interpreter."""
    run = subprocess.run(
        [sys.executable, __file__, "--reader", reader, "--file", str(path)],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "HOME": home},  # BittyTax writes its settings there.
    )
    return float(run.stdout)


def medians(readers: list[str], path: Path, home: str, runs: int) -> dict[str, float]:
    """Return the median time of each reader; they alternate."""
    taken: dict[str, list[float]] = {reader: [] for reader in readers}
    for _ in range(runs):
        for reader, times in taken.items():
            times.append(seconds(reader, path, home))
    return {reader: statistics.median(times) for reader, times in taken.items()}


def write_export(folder: str, records: int) -> Path:
    """Write an account's G2 export; return its path."""
    from bitstamp_ledger import sandbox  # noqa: PLC0415 - not part of what is timed

    path = Path(folder, f"g2-{records}.csv")
    export = sandbox.render_g2(sandbox.generate_account(SEED, records).records)
    path.write_text(export.text, encoding="utf-8", newline="")
    return path


def verdict(ratio: float, goal: float, *, at_most: bool) -> str:
    """Say whether a goal is met."""
    met = ratio <= goal if at_most else ratio >= goal
    return f"goal at {'most' if at_most else 'least'} {goal:g}: {'met' if met else 'NOT MET'}"


def has_bittytax() -> bool:
    """Say whether BittyTax can be measured here."""
    if importlib.util.find_spec("bittytax") is None:
        print(f"BittyTax is not installed: left out (pip install BittyTax=={BITTYTAX_VERSION})")
        return False
    print(f"BittyTax {importlib.metadata.version('BittyTax')}")
    return True


def main() -> None:
    """Print medians and ratios, and whether the goals are met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--large", action="store_true", help="grow to 1,000,000 rows as well")
    parser.add_argument("--reader", choices=READERS, help=argparse.SUPPRESS)
    parser.add_argument("--file", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.reader:
        READERS[options.reader](options.file)
        return
    print(f"Python {platform.python_version()}, attrs {importlib.metadata.version('attrs')}")
    readers = [name for name in READERS if name != "BittyTax" or has_bittytax()]
    with tempfile.TemporaryDirectory() as folder:
        path = write_export(folder, ROWS)
        took = medians(readers, path, folder, RUNS)
        print(f"{ROWS:,} records, seed {SEED}; medians of {RUNS} fresh processes")
        for name, median in took.items():
            print(f"{name}: {median:.2f} s, {median / ROWS * 1e6:.1f} µs a row")
        ratio = took["ours"] / took["bare loop"]
        print(f"ours / bare loop: {ratio:.2f}, {verdict(ratio, BARE_GOAL, at_most=True)}")
        if "BittyTax" in took:
            ratio = took["BittyTax"] / took["ours"]
            print(f"BittyTax / ours: {ratio:.2f}, {verdict(ratio, BITTYTAX_GOAL, at_most=False)}")
        small = medians(["ours"], write_export(folder, ROWS // 10), folder, RUNS)["ours"]
        growths = {ROWS: took["ours"] / small / 10}
        if options.large:
            large = medians(["ours"], write_export(folder, ROWS * 10), folder, 1)["ours"]
            growths[ROWS * 10] = large / took["ours"] / 10
        for rows, growth in growths.items():
            goal = verdict(growth, GROWTH_GOAL, at_most=True)
            print(f"{rows:,} rows / ten times {rows // 10:,}: {growth:.2f}, {goal}")


if __name__ == "__main__":
    main()
