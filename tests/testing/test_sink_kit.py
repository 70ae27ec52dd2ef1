"""The kit itself: right sinks pass all of it, and each wrong one fails exactly its rule."""

import inspect
import itertools
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bitstamp_ledger.testing import SinkContract
from tests.testing.wrong_sinks import (
    WRONG,
    ContractOfPages,
    ContractOfTables,
    PageSink,
    TableSink,
)

RULES = sorted(name for name, _ in inspect.getmembers(SinkContract) if name.startswith("test_"))


@pytest.fixture
def new_place(tmp_path: Path) -> Iterator[Callable[[], Path]]:
    numbers = itertools.count()

    def make() -> Path:
        made = tmp_path / str(next(numbers))
        made.mkdir()
        return made

    yield make
    TableSink.targets.clear()


def failing(contract: SinkContract, new_place: Callable[[], Path]) -> dict[str, BaseException]:
    """Try every rule, and return those that are broken."""
    found: dict[str, BaseException] = {}
    for rule in RULES:
        try:
            getattr(contract, rule)(new_place())
        except Exception as exc:  # noqa: BLE001 - whatever it is, the rule is broken
            found[rule] = exc
    return found


@pytest.mark.parametrize("contract", [ContractOfTables(), ContractOfPages()])
def test_a_right_sink_keeps_every_rule(
    contract: SinkContract, new_place: Callable[[], Path]
) -> None:
    """Else the kit would ask for more than the contract."""
    assert failing(contract, new_place) == {}


@pytest.mark.parametrize("kind", WRONG, ids=lambda kind: kind.__name__)
def test_a_wrong_sink_breaks_exactly_its_rule(kind: Any, new_place: Callable[[], Path]) -> None:
    """A rule that no wrong sink breaks tests nothing; one that breaks with others is not one."""
    contract = ContractOfPages if issubclass(kind, PageSink) else ContractOfTables

    assert list(failing(contract(kind), new_place)) == [kind.breaks]


def test_every_rule_has_a_wrong_sink() -> None:
    """So that the list of wrong sinks is complete."""
    assert {kind.breaks for kind in WRONG} == set(RULES)


def test_the_kit_imports_no_pytest() -> None:
    """It is part of the package, whose users need not have it."""
    code = "import sys, bitstamp_ledger.testing; assert 'pytest' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])  # noqa: S603 - ours


def test_pytest_finds_the_rules_of_a_subclass(tmp_path: Path) -> None:
    """As an author of a sink uses it: a class in a file of tests, and nothing else."""
    (tmp_path / "test_mine.py").write_text(
        "from bitstamp_ledger.sinks.jsonl import JsonLinesSink\n"
        "from bitstamp_ledger.testing import SinkContract, StoredRow\n"
        "import json\n"
        "class TestMine(SinkContract):\n"
        "    def make(self, place): return JsonLinesSink(place / 'out.jsonl')\n"
        "    def stored(self, place):\n"
        "        path = place / 'out.jsonl'\n"
        "        text = path.read_text() if path.exists() else ''\n"
        "        return [StoredRow(id=json.loads(line)['id']) for line in text.splitlines()]\n"
    )
    done = subprocess.run(  # noqa: S603 - ours
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", tmp_path],
        check=False,
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )

    assert f"{len(RULES)} passed" in done.stdout, done.stdout
