"""Run every benchmark and write what they print to ``docs/benchmarks.md``.

    python benchmarks/run.py                          all of them
    python benchmarks/run.py decode --runs 3          one of them, three times
    python benchmarks/run.py --collect                none: only the table at the top is made anew
    python benchmarks/run.py decode --against REV     on two revisions in turn; writes nothing

With ``--against`` the programs of this tree measure both: only the package (and the tests' helpers)
are those of the other revision.  The exit code is 1 where a figure is worse beyond the noise.
"""

import argparse
import datetime as dt
import io
import os
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent
sys.path.insert(0, str(ROOT))

from benchmarks import figures  # noqa: E402 - the tree is on the path only now

PAGE = ROOT / "docs" / "benchmarks.md"
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

WHOLE = dict.fromkeys(("reconcile_speed", "sinks", "sinks_parquet"), ("--full",))
"""What asks a program for everything, where it would else stop short of the largest size."""

RUNS_AGAINST = 5
"""Of each side; that all five of one are above all of the other by chance is one in 252."""

MEASURED_WITH = (
    *("attrs", "cattrs", "httpx", "msgspec", "pyarrow", "sqlalchemy", "psycopg"),
    *("ccxt", "BittyTax", "beangulp"),
)

HEAD = """\
# Benchmarks

Written by `nox -s bench`, which runs the programs in `benchmarks/`.
Each figure is a ratio against a named peer or floor, measured in one run; absolute times say
nothing, since other work may share the machine.
Goals that are not met are said to be so.
`nox -s bench -- --against REV` measures two revisions in turn and names what became worse.

## All figures

Collected from the sections below.  Where a program was run several times, the median counts, and
the lowest and the highest stand beside it.  What has to be "flat" or "the same" is given a number
here, which is ours.  The scale of a fleet is no ratio: see [capacity](explanation/capacity.md).

"""


def main() -> int:
    """Run the programs named on the command line, or all; return how many failed.

    What was not run again stays on the page as it is.
    """
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(SCRIPTS)}")
    parser.add_argument("--against", metavar="REV", help="compare with another revision")
    parser.add_argument("--runs", type=int, help="how often each program is run")
    parser.add_argument("--collect", action="store_true", help="run nothing")
    chosen = parser.parse_args()
    if unknown := set(chosen.names) - set(SCRIPTS):
        parser.error(f"no such program: {', '.join(sorted(unknown))}")
    names = chosen.names or SCRIPTS
    if chosen.against:
        return _against(chosen.against, names, chosen.runs or RUNS_AGAINST)
    sections = sections_of(PAGE.read_text() if PAGE.exists() else "")
    failed = 0
    for name in () if chosen.collect else names:
        runs = [_run(name, ROOT) for _ in range(chosen.runs or 1)]
        failed += sum(not done for done, _ in runs)
        blocks = "\n".join(f"```text\n{printed}```\n" for _, printed in runs)
        sections[name] = f"{_where()}\n\n{blocks}"
    PAGE.write_text(page_of(sections))
    return failed


def page_of(sections: Mapping[str, str]) -> str:
    """Return the page: the table of all figures, and a section for each program."""
    shown = [f"## {_title(name)}\n\n{sections[name]}" for name in SCRIPTS if name in sections]
    return "\n".join([f"{HEAD}{figures.table(sections)}\n\n{_runs(sections)}\n", *shown])


def sections_of(page: str) -> dict[str, str]:
    """Return what stands on the page, by program."""
    names = {_title(name): name for name in SCRIPTS}
    parts = (part.partition("\n") for part in page.split("\n## ")[1:])
    return {names[title]: text.strip("\n") + "\n" for title, _, text in parts if title in names}


def _runs(sections: Mapping[str, str]) -> str:
    """Return a table of when and where each program was run, and with which seeds."""
    rows = ["| program | run | seeds |", "| --- | --- | --- |"]
    for name in SCRIPTS:
        if name not in sections:
            continue
        first, _, rest = sections[name].partition("\n")
        seeds = re.search(r"\bseeds? (\d+(?: to \d+)?)", rest)
        rows.append(f"| {name} | {first.removeprefix('Run on ')} | {seeds[1] if seeds else '-'} |")
    return "\n".join(rows)


def _against(revision: str, names: Sequence[str], runs: int) -> int:
    """Measure both revisions in turn; return 1 where this one is worse beyond the noise."""
    before: dict[str, list[str]] = defaultdict(list)
    now: dict[str, list[str]] = defaultdict(list)
    failed = 0
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        other = _tree_of(revision, Path(folder))
        for turn in range(runs):
            # A machine that warms up, or that others begin to use, favours neither.
            sides = ((other, before), (ROOT, now))
            for name in names:
                for tree, said in sides if turn % 2 else sides[::-1]:
                    done, printed = _run(name, tree)
                    said[name].append(printed)
                    failed += not done
    changes, absent = figures.compare(before, now)
    print(f"\nAgainst {revision}, {runs} runs of each in turn; {_where()}")
    for change in changes:
        print(change)
    for figure in absent:
        print(f"not comparable: {figure.what} was not printed by both")
    if failed:
        # Also a program that only misses its goal ends so: what it printed was compared.
        print(f"{failed} runs ended with an error or missed a goal of their own")
    return any(change.verdict == "WORSE" for change in changes) or not changes


def _tree_of(revision: str, folder: Path) -> Path:
    """Unpack a revision; nothing of the repository is changed, and nothing stays behind."""
    git = shutil.which("git") or "git"
    packed = subprocess.run(
        [git, "archive", "--format=tar", revision], cwd=ROOT, check=True, capture_output=True
    ).stdout
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        archive.extractall(folder, filter="data")
    shutil.rmtree(folder / "benchmarks", ignore_errors=True)
    shutil.copytree(HERE, folder / "benchmarks", ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def _run(name: str, tree: Path) -> tuple[bool, str]:
    """Run one program on the package of ``tree``; return whether it ended well, and its output."""
    print(f"-- {name}{'' if tree == ROOT else ', the other revision'}", flush=True)
    done = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{name}", *WHOLE.get(name, ())],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": str(tree)},
        check=False,
        capture_output=True,
        text=True,
    )
    print(f"{done.stdout}{done.stderr}", flush=True)
    return done.returncode == 0, done.stdout


def _title(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _where() -> str:
    today = dt.datetime.now(dt.UTC).date()  # noqa: TID251 - a shell: it says when it was run
    machine = f"Python {platform.python_version()} on {platform.machine()}, {os.cpu_count()} cores"
    return f"Run on {today}, {machine}, {platform.system()}; {', '.join(_versions())}."


def _versions() -> Iterator[str]:
    for name in MEASURED_WITH:
        try:
            yield f"{name} {version(name)}"
        except PackageNotFoundError:
            yield f"no {name}"


if __name__ == "__main__":
    sys.exit(main())
