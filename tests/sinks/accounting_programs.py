"""Beancount, hledger and Ledger themselves: do they take a file, and what do they add up?"""

import csv
import importlib
import io
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs
import pytest

from bitstamp_ledger import sinks
from bitstamp_ledger.model import Entry

SINKS = {
    "beancount": ("beancount", "BeancountSink"),
    "hledger": ("hledger", "HledgerSink"),
    "ledger-cli": ("ledger_cli", "LedgerCliSink"),
}


@attrs.frozen
class Verdict:
    """What a program says of a file."""

    complaints: str
    balances: Mapping[str, Mapping[str, Decimal]]
    """By account and commodity, zeros left out."""


def sink_of(name: str, path: Path, **options: object) -> Any:
    """The sink as its entry point makes it."""
    module, kind = SINKS[name]
    return getattr(importlib.import_module(f"bitstamp_ledger.sinks.{module}"), kind)(
        path, **options
    )


def text_of(name: str, entries: Sequence[Entry], **options: object) -> str:
    """The file that is written."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "books")
        with sinks.handle_for(sink_of(name, path, **options), name=name) as out:
            out.write(entries)
        return path.read_bytes().decode()


def verdict_on(name: str, text: str) -> Verdict:
    """Let the program check a file as strictly as it can, and add it up."""
    return {"beancount": _beancount, "hledger": _hledger, "ledger-cli": _ledger}[name](text)


def _beancount(text: str) -> Verdict:
    loader = pytest.importorskip("beancount.loader", reason="beancount is not installed")
    entries, errors, _ = loader.load_string(text)
    names = {
        each.currency: each.meta["name"] for each in entries if type(each).__name__ == "Commodity"
    }
    sums: dict[tuple[str, str], Decimal] = {}
    for each in entries:
        if type(each).__name__ == "Transaction":
            for posting in each.postings:
                key = (posting.account, names[posting.units.currency])
                sums[key] = sums.get(key, Decimal(0)) + posting.units.number
    return Verdict("\n".join(str(error.message) for error in errors), _nested(sums))


def _hledger(text: str) -> Verdict:
    checked = _run("hledger", text, "-f", "-", "check", "--strict")
    if checked.returncode:
        return Verdict(checked.stderr or "refused", {})
    shown = _run(
        *("hledger", text, "-f", "-", "balance", "--flat", "--no-total"),
        *("--output-format=csv", "--layout=bare"),
    )
    rows = csv.DictReader(io.StringIO(shown.stdout))
    return Verdict(
        "", _nested({(row["account"], row["commodity"]): Decimal(row["balance"]) for row in rows})
    )


def _ledger(text: str) -> Verdict:
    shown = _run(
        *("ledger", text, "--init-file=/dev/null", "--pedantic", "-f", "-"),
        *("balance", "--flat", "--no-total", "--no-color"),
    )
    if shown.returncode:
        return Verdict(shown.stderr or "refused", {})
    # Several amounts of one account are lines of their own; the account is on the last.
    sums: dict[tuple[str, str], Decimal] = {}
    waiting: list[tuple[str, Decimal]] = []
    for line in shown.stdout.splitlines():
        amount, _, account = line.strip().partition("  ")
        value, _, code = amount.partition(" ")
        waiting.append((code.strip('"'), Decimal(value)))
        if account:
            sums |= {(account.strip(), code): value for code, value in waiting}
            waiting = []
    return Verdict("", _nested(sums))


def _run(program: str, text: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    path = shutil.which(program)
    if path is None:
        pytest.skip(f"{program} is not installed")
    environment = {"LANG": "C.UTF-8", "HOME": "/nonexistent", "PATH": "/usr/bin:/bin"}
    return subprocess.run(  # noqa: S603 - a program that was just looked up
        [path, *arguments],
        input=text,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env=environment,
        encoding="utf-8",
    )


def _nested(sums: Mapping[tuple[str, str], Decimal]) -> dict[str, dict[str, Decimal]]:
    nested: dict[str, dict[str, Decimal]] = {}
    for (account, commodity), value in sums.items():
        if value:
            nested.setdefault(account, {})[commodity] = value
    return nested
