"""The sample under ``examples/statement-plugin`` is found once it is installed."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path
from shutil import copy

SAMPLE = Path(__file__).parents[2] / "examples" / "statement-plugin"

CODE = """
from bitstamp_ledger.files import formats, read_statement_text
statement = read_statement_text("Day,Deal,Coins,Paid\\n2021-03-28,bought BTC,0.5,20\\nx,y,z,0\\n")
print("trading-notebook" in formats(), statement.format, *statement.entries, *statement.problems)
"""


def install(target: Path) -> None:
    """Put into a folder what installing the sample would; no build backend is needed for it."""
    project = tomllib.loads((SAMPLE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for module in SAMPLE.glob("*.py"):
        copy(module, target)
    info = target / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir()
    metadata = f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    (info / "METADATA").write_text(metadata, encoding="utf-8")
    groups = [
        f"[{group}]\n" + "".join(f"{name} = {place}\n" for name, place in entries.items())
        for group, entries in project["entry-points"].items()
    ]
    (info / "entry_points.txt").write_text("\n".join(groups), encoding="utf-8")


def test_the_sample_plugin_is_installed_and_found(tmp_path: Path) -> None:
    """By its metadata only: nobody names its module."""
    install(tmp_path)
    run = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", CODE],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        cwd=SAMPLE.parents[1],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert run.stdout.strip() == (
        "True trading-notebook 2021-03-28 00:00:00  trade  0.5 BTC  -20 EUR "
        "row 2, Deal: it begins with neither 'bought' nor 'sold': 'y'. "
        "Correct the cell, or export the file again."
    ), run.stderr
