"""Importing the package changes nothing around it, and its door shows what it says."""

import subprocess
import sys

import pytest

import bitstamp_ledger

WHAT_A_HOST_OWNS = """
import decimal, json, locale, logging, os, signal, sys, threading, warnings
import httpx, attrs, cattrs, msgspec

def state():
    context = decimal.getcontext()
    return {
        "decimal": repr(context),
        "default decimal": repr(decimal.DefaultContext),
        "handlers": [repr(handler) for handler in logging.root.handlers],
        "level": logging.root.level,
        "last resort": repr(logging.lastResort),
        "own handlers": [
            repr(handler)
            for name in list(logging.root.manager.loggerDict)
            if name.startswith("bitstamp_ledger")
            for handler in logging.getLogger(name).handlers
            if not isinstance(handler, logging.NullHandler)
        ],
        "warnings": [repr(entry) for entry in warnings.filters],
        "showwarning": repr(warnings.showwarning),
        "environ": dict(os.environ),
        "cwd": os.getcwd(),
        "path": list(sys.path),
        "meta path": [repr(finder) for finder in sys.meta_path],
        "hooks": [repr(sys.excepthook), repr(sys.displayhook), repr(threading.excepthook)],
        "threads": threading.active_count(),
        "locale": locale.setlocale(locale.LC_ALL),
        "signals": [repr(signal.getsignal(signal.SIGINT)), repr(signal.getsignal(signal.SIGTERM))],
        "recursion": sys.getrecursionlimit(),
        "digits": sys.get_int_max_str_digits(),
        "switch": sys.getswitchinterval(),
    }

decimal.getcontext().prec = 7
warnings.simplefilter("error")
before = state()
from bitstamp_ledger import *
after = state()
print(json.dumps({name: [before[name], after[name]] for name in before if before[name] != after[name]}))
"""  # noqa: E501 - a program in a program

STAY_OUT = (
    "anyio",
    "asyncio",
    "click",
    "coverage",
    "ctypes.util",
    "curses",
    "hypothesis",
    "IPython",
    "jinja2",
    "keyring",
    "markupsafe",
    "matplotlib",
    "multiprocessing",
    "numpy",
    "openpyxl",
    "pandas",
    "polars",
    "psycopg",
    "pyarrow",
    "pytest",
    "requests",
    "respx",
    "rich",
    "sqlalchemy",
    "starlette",
    "tkinter",
    "trio",
    "unittest",
    "uvicorn",
)
"""Optional, slow, or somebody else's.  They are blocked, so that even a try would show."""

OWN_BUT_OPTIONAL = ("bitstamp_ledger.cli", "bitstamp_ledger.sandbox", "bitstamp_ledger.__main__")


def _run(program: str) -> str:
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout.strip()


def test_importing_changes_nothing_in_the_host_program() -> None:
    """Decimal context, logging, warnings, environment, hooks, signals: all belong to the host."""
    assert _run(WHAT_A_HOST_OWNS) == "{}"


def test_importing_needs_none_of_the_optional_packages() -> None:
    """Whoever embeds the library pays only for what it uses."""
    program = (
        f"import sys\nfor name in {STAY_OUT!r}: sys.modules[name] = None\n"
        "from bitstamp_ledger import *\n"
        f"print([name for name in {OWN_BUT_OPTIONAL!r} if name in sys.modules])"
    )
    assert _run(program) == "[]"


@pytest.mark.parametrize("package", ["model", "api", "files", "reconcile", "errors"])
def test_the_core_can_be_used_without_the_http_library(package: str) -> None:
    """Pure functions for whoever has the data already, where no socket is wanted.

    The door itself needs httpx, since it shows the clients; the modules below do not.
    """
    program = (
        "import importlib, pathlib, sys, types\n"
        "sys.modules['httpx'] = None\n"
        "spec = importlib.util.find_spec('bitstamp_ledger')\n"
        "door = types.ModuleType('bitstamp_ledger')\n"
        "door.__path__ = list(spec.submodule_search_locations)\n"
        "sys.modules['bitstamp_ledger'] = door\n"
        f"importlib.import_module('bitstamp_ledger.{package}')\n"
        "print('socket' in sys.modules, 'ssl' in sys.modules)"
    )
    assert (
        "True"
        not in _run(program.replace("import importlib,", "import importlib.util,")).split()[1:]
    )


def test_the_door_shows_exactly_its_public_names() -> None:
    """What type checkers read is what the door opens to; nothing else can be reached by name."""
    import ast  # noqa: PLC0415 - only here
    from importlib.resources import files  # noqa: PLC0415 - only here

    stub = ast.parse(files("bitstamp_ledger").joinpath("__init__.pyi").read_text())
    assigned = next(node for node in stub.body if isinstance(node, ast.Assign))
    assert sorted(ast.literal_eval(assigned.value)) == sorted(bitstamp_ledger.__all__)
    by_name = ["AsyncLedger", "Ledger"]
    assert sorted(dir(bitstamp_ledger)) == sorted([*bitstamp_ledger.__all__, *by_name])


def test_the_list_of_public_names_is_sorted_and_has_no_name_twice() -> None:
    """One place to look at."""
    assert list(bitstamp_ledger.__all__) == sorted(set(bitstamp_ledger.__all__))


def test_the_function_keeps_its_name_when_its_package_is_imported() -> None:
    """`reconcile` names both; in whatever order a program imports them, the call works."""
    program = (
        "import bitstamp_ledger as bl, bitstamp_ledger.reconcile\n"
        "from bitstamp_ledger.reconcile import Match\n"
        "print(bl.reconcile([], []).entries)"
    )
    assert _run(program) == "()"


def test_importing_the_package_waits_for_nothing() -> None:
    """Each name is imported when it is first used."""
    program = (
        "import sys, bitstamp_ledger\n"
        "print([name for name in ('httpx', 'attrs', 'asyncio') if name in sys.modules])"
    )
    assert _run(program) == "[]"


@pytest.mark.parametrize("name", sorted(bitstamp_ledger.__all__))
def test_every_public_name_is_there_and_explains_itself(name: str) -> None:
    """`help()` is the first page of the documentation."""
    thing = getattr(bitstamp_ledger, name)
    assert name in {"MAIN_ACCOUNT", "__version__"} or thing.__doc__


def test_the_package_is_typed() -> None:
    """Type checkers of the host look for this file."""
    from importlib.resources import files  # noqa: PLC0415 - only here

    assert files("bitstamp_ledger").joinpath("py.typed").is_file()
