"""The core asks for few packages, and for no other than it uses."""

import re
import sys
import tomllib
from pathlib import Path

import bitstamp_ledger

PACKAGE = Path(bitstamp_ledger.__file__).parent
METADATA = tomllib.loads((PACKAGE.parent / "pyproject.toml").read_text())["project"]

CORE = {"attrs", "cattrs", "httpx", "lazy-loader", "msgspec", "pyrate-limiter"}
"""Each further package is further code that sees a key: it needs a reason, and a line here."""

IMPORT = re.compile(r"^(?:import|from) (\w+)", re.MULTILINE)
MODULES = {name.replace("-", "_") for name in CORE}


def name_of(requirement: str) -> str:
    """Return the name of the distribution that a requirement asks for."""
    return requirement.partition(">")[0].partition("[")[0]


def imported_at_the_top(path: Path) -> set[str]:
    """Return what importing a module needs for certain; what is tried or in a function is not."""
    return set(IMPORT.findall(path.read_text()))


def test_the_core_asks_for_these_packages_only() -> None:
    """A package more is a decision, and not an accident."""
    assert {name_of(each) for each in METADATA["dependencies"]} == CORE


def test_every_requirement_has_a_lowest_release() -> None:
    """`nox -s lowest` tests with exactly these."""
    extras = METADATA["optional-dependencies"].values()
    stated = [*METADATA["dependencies"], *(each for extra in extras for each in extra)]
    foreign = [each for each in stated if not each.startswith("bitstamp-ledger[")]
    assert foreign
    assert [each for each in foreign if ">=" not in each] == []


def test_the_core_imports_nothing_else() -> None:
    """What an environment happens to hold beside must not be needed."""
    places = ("errors.py", "_collector.py", "model", "api", "files", "reconcile", "client")
    paths = [
        path
        for name in places
        for path in ([PACKAGE / name] if name.endswith(".py") else (PACKAGE / name).rglob("*.py"))
    ]
    foreign = {
        (str(path.relative_to(PACKAGE)), name)
        for path in paths
        for name in imported_at_the_top(path)
        if name not in sys.stdlib_module_names | MODULES | {"bitstamp_ledger"}
    }
    assert foreign == set()
