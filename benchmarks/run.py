"""Run every benchmark and write what they print to ``docs/benchmarks.md``."""

import datetime as dt
import os
import platform
import subprocess
import sys
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
)

HEAD = """\
# Benchmarks

Written by `nox -s bench`, which runs the scripts in `benchmarks/`.
Each figure is a ratio against a named peer or floor, measured in one run; absolute times say
nothing, since other work may share the machine.
Goals that are not met are said to be so.
"""


def main() -> int:
    """Run the scripts named on the command line, or all; return how many failed."""
    chosen = sys.argv[1:] or [name for name in SCRIPTS if (HERE / f"{name}.py").exists()]
    machine = f"Python {platform.python_version()} on {platform.machine()}, {os.cpu_count()} cores"
    today = dt.datetime.now(dt.UTC).date()  # noqa: TID251 - a shell: it says when it was run
    parts = [HEAD, f"Last run: {today}, {machine}.\n"]
    failed = 0
    for name in chosen:
        done = subprocess.run(
            [sys.executable, HERE / f"{name}.py"], check=False, capture_output=True, text=True
        )
        print(f"-- {name}\n{done.stdout}{done.stderr}")
        failed += done.returncode != 0
        parts.append(f"## {name.replace('_', ' ').capitalize()}\n\n```text\n{done.stdout}```\n")
    PAGE.write_text("\n".join(parts))
    return failed


if __name__ == "__main__":
    sys.exit(main())
