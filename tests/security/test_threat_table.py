"""Each threat that the documentation names is held off by tests that exist, and says which."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "explanation" / "security.md"
TEST = re.compile(r"`(tests/[\w/]+\.py)::([\w:]+)`")


def rows() -> dict[str, str]:
    """Return the last cell of each threat's row."""
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]
    return {row[0]: row[2] for row in cells}


def names_in(path: Path) -> set[str]:
    """Return the tests of a file, those of classes as ``Class::test``."""
    found: set[str] = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ClassDef):
            found.update(
                f"{node.name}::{each.name}"
                for each in node.body
                if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)
            )
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found.add(node.name)
    return found


def test_the_table_is_found() -> None:
    """A search through nothing finds nothing."""
    assert len(rows()) >= 20


@pytest.mark.parametrize("threat", rows())
def test_each_threat_names_tests_that_exist(threat: str) -> None:
    """A test that is renamed or removed leaves a threat without an answer."""
    named = TEST.findall(rows()[threat])
    assert named
    for path, name in named:
        assert name in names_in(ROOT / path), f"{path}::{name}"
