"""BittyTax takes its transaction records, and its audit agrees with the proof."""

import json
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from readers.conftest import History
from tests.sinks.tax_tools import write

pytest.importorskip("bittytax", reason="BittyTax is not installed")

NO_NETWORK = """
import socket

def refuse(*arguments, **options):
    raise SystemExit("it asked the network")

socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse
"""
AUDIT = """
import json, sys
from bittytax.audit import AuditRecords
from bittytax.import_records import ImportRecords
records = ImportRecords()
with open(sys.argv.pop(), newline="", encoding="utf-8") as file:
    records.import_csv(file)
audit = AuditRecords(records.get_records())
totals = {asset: str(totals.total) for asset, totals in audit.totals.items()}
print(json.dumps([records.success_cnt, records.failure_cnt, totals]), file=sys.stderr)
"""
PROGRAM = """
import runpy
runpy.run_module("bittytax.bittytax", run_name="__main__", alter_sys=True)
"""


def run(home: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run it with a configuration of its own."""
    environment = {**os.environ, "HOME": str(home), "PYTHONIOENCODING": "utf-8"}
    return subprocess.run(  # noqa: S603 - this Python
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env=environment,
        cwd=home,  # It writes its audit log where it stands.
        encoding="utf-8",
    )


def test_the_audit_adds_up_to_the_proof(history: History, tmp_path: Path) -> None:
    """Every row is taken; the totals by asset are the balances, to the last digit."""
    (path,) = write("bittytax", tmp_path / "records.csv", history.entries)

    done = run(tmp_path, "-c", NO_NETWORK + AUDIT, str(path))

    assert done.returncode == 0, done.stderr
    taken, refused, totals = json.loads(done.stderr.splitlines()[-1])
    assert refused == 0
    assert taken >= len(history.entries)
    assert {asset: Decimal(total) for asset, total in totals.items() if Decimal(total)} == (
        history.balances
    )


def test_the_program_itself_takes_the_file(history: History, tmp_path: Path) -> None:
    """As a user runs it, audit only: no prices are looked up, nor anything else."""
    (path,) = write("bittytax", tmp_path / "records.csv", history.entries)

    done = run(tmp_path, "-c", NO_NETWORK + PROGRAM, "--audit", "--nopdf", str(path))

    assert done.returncode == 0, done.stdout + done.stderr
    assert "failure=0" in done.stdout
