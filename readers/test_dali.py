"""dali-rp2 takes its manual files, and what it reads, and rp2 computes, adds up to the proof."""

import csv
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from decimal import Context, Decimal
from pathlib import Path
from typing import Any

import pytest

from bitstamp_ledger import Amount, Entry, Trade
from readers.conftest import History
from tests.sinks.tax_tools import write
from tests.sinks.test_tax_files import SELL

pytest.importorskip("dali", reason="dali-rp2 is not installed")

FIAT = {"EUR", "USD", "GBP"}

NO_NETWORK = """
import json, socket, sys
from decimal import Decimal

def refuse(*arguments, **options):
    raise AssertionError("it asked the network")

socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse
from dali.plugin.input.csv.manual import InputPlugin
"""

# Sums of what its own objects hold.  It keeps the text of each amount.  This release knows no
# ticker: it takes the column for the notes, which is how the currency of a fiat amount is told.
# What it calls a sale's amount is after the fee, and is all that was received.
SUMS = """
sums = {}

def add(currency, sign, text):
    if text and text != "__unknown":
        sums[currency] = sums.get(currency, Decimal(0)) + sign * Decimal(text)

loaded = InputPlugin(*sys.argv[1:4]).load(None)
for each in loaded:
    traded = each.transaction_type in ("Buy", "Sell") if hasattr(each, "transaction_type") else None
    match type(each).__name__:
        case "InTransaction":
            add(each.asset, 1, each.crypto_in)
            add(each.notes, -1, traded and each.fiat_in_no_fee)
            add(each.asset, -1, each.crypto_fee)
            add(each.notes, -1, each.fiat_fee)
        case "OutTransaction":
            add(each.asset, -1, each.crypto_out_no_fee)
            add(each.notes, 1, traded and each.fiat_out_no_fee)
            add(each.asset, -1, each.crypto_fee)
            add(each.notes, -1, not traded and each.fiat_fee)
        case "IntraTransaction" if each.from_exchange == "__unknown":
            add(each.asset, 1, each.crypto_received)
        case "IntraTransaction":
            add(each.asset, -1, each.crypto_sent)
print(json.dumps([len(loaded), {currency: str(value) for currency, value in sums.items()}]))
"""

# The tools' own steps, in their order, up to the reports, which are what takes time.  Their
# programs as a whole import every plug-in for prices, and so every package for those.
RP2 = """
from dali.configuration import DEFAULT_CONFIGURATION
from dali.configuration_generator import generate_configuration_file
from dali.ods_generator import generate_input_file
from dali.transaction_resolver import resolve_transactions
from prezzemolo.avl_tree import AVLTree
from rp2.accounting_engine import AccountingEngine
from rp2.configuration import Configuration, MIN_DATE
from rp2.ods_parser import open_ods, parse_ods
from rp2.plugin.accounting_method.fifo import AccountingMethod
from rp2.plugin.country.us import US
from rp2.tax_engine import compute_tax

loaded = InputPlugin(*sys.argv[1:4]).load(US())
loaded += InputPlugin(sys.argv[4], None, sys.argv[5]).load(US())
options = {"native_fiat": "USD", "historical_pair_converters": [], **DEFAULT_CONFIGURATION}
resolved = resolve_transactions(loaded, options, False)
generate_configuration_file("./", "", "rp2.ini", resolved, options)
generate_input_file("./", "", "rp2.ods", resolved, options)

settings = Configuration("rp2.ini", US(), allow_negative_balances=True)
methods = AVLTree()
methods.insert_node(MIN_DATE.year, AccountingMethod())
file = open_ods(configuration=settings, input_file_path="rp2.ods")
balances, gains = {}, {}
for asset in settings.assets:
    data = parse_ods(configuration=settings, asset=asset, input_file_handle=file)
    done = compute_tax(settings, AccountingEngine(methods), data)
    gains[asset] = str(sum((each.fiat_gain for each in done.gain_loss_set), Decimal(0)))
    for each in done.balance_set:
        balances.setdefault(each.exchange, {})[asset] = str(each.final_balance)
print(json.dumps([balances, gains]))
"""


def run(script: str, *arguments: Path, home: Path) -> list[Any]:
    """Run a script without network, where the tools may keep their logs; return what it prints."""
    done = subprocess.run(  # noqa: S603 - this Python
        [sys.executable, "-c", NO_NETWORK + script, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        cwd=home,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr
    answer: list[Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def completed(paths: Sequence[Path], folder: Path) -> tuple[Path, Path]:
    """What a person has to add: any price that is missing, and a wallet at the other ends.

    Returns:
        The file of what that wallet acquired, and the file of its ends of the moves.
    """
    for path in paths:
        path.write_text(path.read_text("utf-8").replace("__unknown", "1"), "utf-8")
    with paths[2].open(encoding="utf-8", newline="") as file:
        header, *moves = csv.reader(file)
    ends = []
    for name, time, asset, source, _, _, _, price, sent, received, _ in moves:
        if source:
            ends.append([name, time, asset, "", "", "Wallet", "me", price, "", received or sent])
        else:
            ends.append([name, time, asset, "Wallet", "me", "", "", price, sent or received, ""])
    assets = sorted({move[2] for move in moves})
    start = ["", "2010-01-01 00:00:00+00:00"]
    lot = ["Wallet", "me", "buy", "1", "1000000000", *[""] * 6]
    bought = [[*start, asset, *lot] for asset in assets]
    for name, rows in (("bought", [[""] * 14, *bought]), ("ends", [header, *ends])):
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([*row, ""] for row in rows)
    return folder / "bought.csv", folder / "ends.csv"


def test_what_it_reads_adds_up_to_the_proof(history: History, tmp_path: Path) -> None:
    """Every row is taken, without a price being looked up; the sums are exact."""
    paths = write("dali", tmp_path / "dali.csv", history.entries)

    taken, sums = run(SUMS, *paths, home=tmp_path)

    assert taken == sum(len(path.read_text("utf-8").splitlines()) - 1 for path in paths)
    assert {code: Decimal(value) for code, value in sums.items() if Decimal(value)} == (
        history.balances
    )


def test_rp2_computes_the_balances_of_the_proof(history: History, tmp_path: Path) -> None:
    """Once a person has completed the moves: each is joined, nothing is refused or taken twice."""
    paths = write("dali", tmp_path / "dali.csv", history.entries)

    balances, _ = run(RP2, *paths, *completed(paths, tmp_path), home=tmp_path)

    # Government money is in the columns for prices, so its sheets tell a part only.
    found = {code: Decimal(value) for code, value in balances["Bitstamp"].items()}
    held = {code: value for code, value in history.balances.items() if code not in FIAT}
    assert len(held) > 5
    assert set(balances) == {"Bitstamp", "Wallet"}
    # Its table holds binary floats, which is said of it in its own code.
    digits = Context(prec=15)
    assert {code: digits.plus(value) for code, value in found.items() if code in held} == {
        code: digits.plus(value) for code, value in held.items()
    }
    assert not [code for code, value in found.items() if code not in {*held, *FIAT} and value]


@pytest.mark.parametrize("fee", ["9.98393", "0"])
def test_rp2_takes_a_fee_from_the_gain_of_a_sale(fee: str, tmp_path: Path) -> None:
    """It has no other deduction for one that was paid in government money."""
    bought = Amount("0.04219875", "BTC"), Amount("-1000.00", "USD")
    sold = Amount("-0.04219875", "BTC"), Amount("1996.79", "USD")
    times = {"transaction_id": 1, "time": SELL.time.replace(year=2020)}
    entries: list[Entry] = [
        Trade(id="Main Account/trade/1", legs=bought, fee=Amount("1.00", "USD"), **times),  # type: ignore[arg-type]  # each has its own type
        Trade(id="Main Account/trade/2", time=SELL.time, legs=sold, fee=Amount(fee, "USD")),
    ]
    paths = write("dali", tmp_path / "dali.csv", entries)

    _, gains = run(RP2, *paths, *completed(paths, tmp_path), home=tmp_path)

    gain = Decimal("1996.79") - Decimal(fee) - Decimal("1001.00")
    assert round(Decimal(gains["BTC"]), 5) == gain
