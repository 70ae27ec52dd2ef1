"""Run every benchmark and write what they print to ``docs/benchmarks.md``."""

import datetime as dt
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "benchmarks.md"
SCRIPTS = (
    "import_time",
    "decode",
    "sync",
    "growth",
    "statements",
    "reconcile_quality",
    "reconcile_speed",
    "ledger",
    "sinks",
    "sinks_parquet",
)

WHOLE = {"reconcile_speed": ("--full",)}
"""What asks a program for everything, where it would else stop short of the largest size."""

HEAD = """\
# Benchmarks

Written by `nox -s bench`, which runs the programs in `benchmarks/`.
Each figure is a ratio against a named peer or floor, measured in one run; absolute times say
nothing, since other work may share the machine.
Goals that are not met are said to be so.
"""


def main() -> int:
    """Run the programs named on the command line, or all; return how many failed.

    What was not run again stays on the page as it is.
    """
    sections = dict(_sections(PAGE.read_text() if PAGE.exists() else ""))
    failed = 0
    for name in sys.argv[1:] or SCRIPTS:
        print(f"-- {name}", flush=True)
        done = subprocess.run(
            [sys.executable, "-m", f"benchmarks.{name}", *WHOLE.get(name, ())],
            cwd=HERE.parent,
            check=False,
            capture_output=True,
            text=True,
        )
        print(f"{done.stdout}{done.stderr}", flush=True)
        failed += done.returncode != 0
        sections[name] = f"{_where()}\n\n```text\n{done.stdout}```\n"
    shown = [f"## {_title(name)}\n\n{sections[name]}" for name in SCRIPTS if name in sections]
    PAGE.write_text("\n".join([HEAD, *shown]))
    return failed


def _sections(page: str) -> Iterator[tuple[str, str]]:
    names = {_title(name): name for name in SCRIPTS}
    for part in page.split("\n## ")[1:]:
        title, _, text = part.partition("\n")
        if title in names:
            yield names[title], text.strip("\n") + "\n"


def _title(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _where() -> str:
    today = dt.datetime.now(dt.UTC).date()  # noqa: TID251 - a shell: it says when it was run
    machine = f"Python {platform.python_version()} on {platform.machine()}, {os.cpu_count()} cores"
    return f"Run on {today}, {machine}."


if __name__ == "__main__":
    sys.exit(main())
