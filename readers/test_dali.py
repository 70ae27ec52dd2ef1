"""dali-rp2 takes its manual files, and what it read adds up to the proof."""

import json
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from readers.conftest import History
from tests.sinks.tax_tools import write

pytest.importorskip("dali", reason="dali-rp2 is not installed")

# Sums of what its own objects hold.  It keeps the text of each amount.  This release knows no
# ticker: it takes the column for the notes, which is how the currency of a fiat amount is told.
SUMS = """
import json, socket, sys
from decimal import Decimal

def refuse(*arguments, **options):
    raise AssertionError("it asked the network")

socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse
from dali.plugin.input.csv.manual import InputPlugin

sums = {}

def add(currency, sign, text):
    if text:
        sums[currency] = sums.get(currency, Decimal(0)) + sign * Decimal(text)

loaded = InputPlugin(in_csv_file=sys.argv[1], out_csv_file=sys.argv[2]).load(None)
for each in loaded:
    traded = each.transaction_type in ("Buy", "Sell")
    if type(each).__name__ == "InTransaction":
        add(each.asset, 1, each.crypto_in)
        add(each.notes, -1, traded and each.fiat_in_no_fee)
    else:
        add(each.asset, -1, each.crypto_out_no_fee)
        add(each.notes, 1, traded and each.fiat_out_no_fee)
    add(each.asset, -1, each.crypto_fee)
    add(each.notes, -1, each.fiat_fee)
print(json.dumps([len(loaded), {currency: str(value) for currency, value in sums.items()}]))
"""


def test_what_it_reads_adds_up_to_the_proof(history: History, tmp_path: Path) -> None:
    """Every row is taken, without a price being looked up; the sums are exact."""
    paths = write("dali", tmp_path / "dali.csv", history.entries)

    done = subprocess.run(  # noqa: S603 - this Python
        [sys.executable, "-c", SUMS, *map(str, paths)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        cwd=tmp_path,  # It keeps its log where it stands.
        encoding="utf-8",
    )

    assert done.returncode == 0, done.stderr
    taken, sums = json.loads(done.stdout.splitlines()[-1])
    assert taken == sum(len(path.read_text("utf-8").splitlines()) - 1 for path in paths)
    assert {code: Decimal(value) for code, value in sums.items() if Decimal(value)} == (
        history.balances
    )
