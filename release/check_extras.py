"""Whether an installed wheel works with one extra alone, and says how to get the others.

    python check_extras.py cli

Run by `nox -s package`, each time in an environment that has that extra and nothing else.
"""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

NEEDS: Mapping[str, str] = {
    "arrow": "import bitstamp_ledger as bl; bl.sinks.open('parquet', path='out.parquet')",
    "cli": "import sys; from bitstamp_ledger.__main__ import main; sys.argv[1:] = ['formats']; "
    "raise SystemExit(main())",
    "fleet": "import bitstamp_ledger.fleet as fleet; "
    "fleet.SharedRate(redis='redis://127.0.0.1:1').budget('Main Account').take()",
    "dlt": "import bitstamp_ledger.sinks.dlt",
    "duckdb": "import bitstamp_ledger as bl; bl.sinks.open('duckdb:out.duckdb')",
    "keyring": "import bitstamp_ledger as bl; bl.Credentials.from_keyring('nobody')",
    "ledger": "import bitstamp_ledger as bl; bl.Ledger.open('history.db').close()",
    "postgres": "import bitstamp_ledger as bl; "
    "bl.Ledger.open('postgresql+psycopg://nobody@127.0.0.1:1/none')",
    "mariadb": "import bitstamp_ledger as bl\n"
    "with bl.sinks.open('mariadb://nobody@127.0.0.1:1/none'): pass",
    "plot": "import bitstamp_ledger.report.plot as plot; plot.balances_over_time([])",
    "report": "import bitstamp_ledger as bl; bl.reconcile([], []).to_html('report.html')",
    "sql": "import bitstamp_ledger as bl; bl.sinks.open('sqlite:///out.db')",
    "sandbox": "from bitstamp_ledger.sandbox import Sandbox\nwith Sandbox(seed=1): pass",
}
"""By extra: a use that asks for the extra if, and only if, its packages are not there."""

TYPED = ("py.typed", "__init__.pyi")

BRINGS: Mapping[str, frozenset[str]] = {
    "dlt": frozenset({"cli", "duckdb"}),
    "mariadb": frozenset({"ledger", "sql"}),
    "postgres": frozenset({"ledger", "sql"}),
    "ledger": frozenset({"sql"}),
    "sql": frozenset({"ledger"}),
    "fleet": frozenset({"ledger", "postgres", "sql"}),
    "all": frozenset(NEEDS),
}
"""Extras that bring others, or the packages of others."""


def said_by(code: str, folder: str) -> str:
    """Run ``code`` in a process of its own, and return what it wrote."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=folder,
        env={**os.environ, "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr


def main() -> None:
    """Try every extra."""
    installed = sys.argv[1] if len(sys.argv) > 1 else ""
    there = {installed} | BRINGS.get(installed, frozenset())
    with TemporaryDirectory() as folder:
        Path(folder, "export.csv").write_text("Type,Datetime\n")
        core = said_by(
            "import bitstamp_ledger as bl; print(dir(bl), bl.formats()); print(bl.__file__)", folder
        )
        if "Traceback" in core:
            raise SystemExit(f"the core does not import: {core}")
        package = Path(core.splitlines()[-1]).parent
        if absent := [name for name in TYPED if not (package / name).is_file()]:
            raise SystemExit(f"for type checkers, the wheel lacks {absent}")
        for extra, code in NEEDS.items():
            said = said_by(code, folder)
            hinted = "pip install 'bitstamp-ledger[" in said
            lacks = "ModuleNotFoundError" in said or "ImportError" in said
            if lacks or hinted == (extra in there):
                raise SystemExit(f"with [{installed}], a use of [{extra}] said:\n{said}")
            print(f"[{installed}] {extra}: {'works' if extra in there else 'says how to get it'}")


if __name__ == "__main__":
    main()
