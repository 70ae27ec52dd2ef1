"""How a G2 export is read: our time against a bare loop and BittyTax, growth, and memory.

Every run is a fresh interpreter that reads the file once and reports its own processor time, so
that none inherits a heap from another; the readers alternate.  What a reader imports is not in its
time.  BittyTax is left out where it is not installed.
"""

import argparse
import csv
import datetime as dt
import importlib
import importlib.util
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path
from typing import Any

import attrs

SEED = 1
ROWS = 100_000
SMALL, LARGE = ROWS // 10, ROWS * 10
ROUNDS = 3
BARE_GOAL = 3.0
BITTYTAX_GOAL = 6.0
GROWTH_GOAL = 1.3
MEMORY_GOAL = 32
"""What tells equal rows apart takes 8 bytes in a table that doubles; an entry takes 1,500."""
BITTYTAX_VERSION = "0.6.0"


def ours(path: str) -> int:
    """Read the file with `read_statement`; return the number of rows."""
    from bitstamp_ledger import read_statement, read_statement_text  # noqa: PLC0415

    # Imports are not in the other readers' time; a format is imported when its header is met.
    with open(path, encoding="utf-8") as file:  # noqa: PTH123 - as in `bare`
        read_statement_text(file.readline())
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


def streamed(path: str) -> int:
    """Read the file with `iter_statement`; print its peak of memory, return the number of rows."""
    from bitstamp_ledger import iter_statement  # noqa: PLC0415 - not in the other readers' time

    before = _peak()
    with iter_statement(path) as stream:
        for _ in stream:
            pass
        rows = stream.counts.rows
    print(_peak() - before)
    return rows


def _peak() -> int:
    """Return the most kilobytes of memory that this process has had."""
    status = Path("/proc/self/status")
    if status.exists():  # The other answer includes what the parent had when it started us.
        lines = status.read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


READERS = {"ours": ours, "bare loop": bare, "BittyTax": bittytax, "streamed": streamed}


def _report(began: float) -> None:
    print(time.process_time() - began)


def run(reader: str, path: Path) -> float:
    """Return what one run in a fresh interpreter prints: processor time, or kilobytes."""
    done = subprocess.run(
        [sys.executable, __file__, "--reader", reader, "--file", str(path)],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "HOME": str(path.parent)},  # BittyTax writes its settings there.
    )
    return float(done.stdout)


def best(readers: list[str], path: Path, rounds: int) -> dict[str, float]:
    """Return the best time of each reader; they alternate.

    The best and not the median: what else the machine does can only lengthen a run.
    """
    taken: dict[str, list[float]] = {reader: [] for reader in readers}
    for _ in range(rounds):
        for reader, times in taken.items():
            times.append(run(reader, path))
    return {reader: min(times) for reader, times in taken.items()}


def write_exports(folder: str) -> dict[int, Path]:
    """Write an account's G2 export in three sizes; return the paths by the number of rows.

    The largest repeats the account ten times under other ids, since no account is that large.
    """
    from bitstamp_ledger import sandbox  # noqa: PLC0415 - not part of what is timed

    export = sandbox.render_g2(sandbox.generate_account(SEED, ROWS).records)
    header, *rows = export.text.splitlines()
    ids = [row.partition(",") for row in rows]
    again = [f"{int(id_) + copy * 10**9},{rest}" for copy in range(10) for id_, _, rest in ids]
    paths = {}
    for size, lines in ((SMALL, rows[:SMALL]), (ROWS, rows), (LARGE, again)):
        paths[size] = Path(folder, f"g2-{size}.csv")
        paths[size].write_text("\n".join([header, *lines, ""]), encoding="utf-8", newline="")
    return paths


def line(what: str, ratio: float, goal: float, *, at_most: bool) -> str:
    """Return a row of the table."""
    met = ratio <= goal if at_most else ratio >= goal
    sign = "at most" if at_most else "at least"
    return f"| {what} | {ratio:.2f} | {sign} {goal:g} | {'met' if met else 'NOT MET'} |"


def has_bittytax() -> bool:
    """Say whether BittyTax can be measured here."""
    if importlib.util.find_spec("bittytax") is None:
        print(f"BittyTax is not installed: left out (pip install BittyTax=={BITTYTAX_VERSION})")
        return False
    return True


def measure(folder: str) -> None:
    """Run every reader, and print the table."""
    paths = write_exports(folder)
    readers = ["ours", "bare loop", *(["BittyTax"] if has_bittytax() else [])]
    took = best(readers, paths[ROWS], ROUNDS)
    small = best(["ours"], paths[SMALL], ROUNDS)["ours"]
    large = best(["ours"], paths[LARGE], 2)["ours"]
    memory = {size: run("streamed", paths[size]) for size in (ROWS, LARGE)}
    lines = [line("ours / bare loop", took["ours"] / took["bare loop"], BARE_GOAL, at_most=True)]
    if "BittyTax" in took:
        name = f"BittyTax {version('BittyTax')} / ours"
        lines.append(line(name, took["BittyTax"] / took["ours"], BITTYTAX_GOAL, at_most=False))
    growth = f"time a row, {LARGE:,} rows / {SMALL:,} rows"
    lines.append(line(growth, large / small / (LARGE / SMALL), GROWTH_GOAL, at_most=True))
    further = (memory[LARGE] - memory[ROWS]) * 1024 / (LARGE - ROWS)
    flat = f"bytes that iter_statement needs for each row from {ROWS:,} to {LARGE:,}"
    lines.append(line(flat, further, MEMORY_GOAL, at_most=True))
    print(f"{ROWS:,} rows of a G2 export, seed {SEED}; best of {ROUNDS}, each a fresh process;")
    print(f"processor time; Python {platform.python_version()}, attrs {version('attrs')}.\n")
    print("| what | figure | goal | |\n| --- | --- | --- | --- |", *lines, sep="\n")
    each = ", ".join(f"{name} {seconds / ROWS * 1e6:.1f}" for name, seconds in took.items())
    peaks = " and ".join(f"{kilobytes / 1024:.0f}" for kilobytes in memory.values())
    print(f"\nMicroseconds a row: {each}.  Peaks of iter_statement: {peaks} MiB.")


def main() -> None:
    """Print ratios, and whether the goals are met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reader", choices=READERS, help=argparse.SUPPRESS)
    parser.add_argument("--file", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.reader:
        READERS[options.reader](options.file)
        return
    with tempfile.TemporaryDirectory() as folder:
        measure(folder)


if __name__ == "__main__":
    main()
