"""The public names: written down, documented, and typed."""

import inspect
import re
from pathlib import Path

import pytest

from tests.public_api import SNAPSHOT, described, members, public

ROOT = Path(__file__).parents[1]

pytest.importorskip("sqlalchemy", reason="a ledger that is kept needs the extra ledger")


def is_code(thing: object) -> bool:
    """Aliases of types have no docstring of their own."""
    return isinstance(thing, type) or inspect.isfunction(thing)


def test_a_change_of_the_public_names_is_seen_in_review() -> None:
    """Run ``python -m tests.public_api`` where the change is meant."""
    assert SNAPSHOT.read_text().splitlines() == list(described())


@pytest.mark.parametrize(
    ("name", "thing"), [pytest.param(*each, id=each[0]) for each in public() if is_code(each[1])]
)
def test_whatever_can_be_called_says_what_it_does(name: str, thing: object) -> None:
    """The reference is made of docstrings; a name without one is a hole in it."""
    assert inspect.getdoc(thing), name
    if isinstance(thing, type):
        nameless = [
            member
            for member, value in members(thing)
            if isinstance(value, property) or inspect.isfunction(_plain(value))
            if not inspect.getdoc(value)
        ]
        assert nameless == []


def _plain(value: object) -> object:
    return getattr(value, "__func__", value)


def test_every_public_name_has_its_place_in_the_reference() -> None:
    """The pages name packages, whose public names are documented one by one."""
    pages = "\n".join(page.read_text() for page in ROOT.glob("docs/reference/*.md"))
    packages = re.findall(r"\{public-names\} (\w+)", pages)
    homes = tuple(f"bitstamp_ledger.{package}." for package in packages)
    homeless = [
        name
        for name, thing in public()
        if not name.startswith("bitstamp_ledger.sinks.")
        if not f"{getattr(thing, '__module__', '')}.".startswith(homes)
        if name.rpartition(".")[2] not in pages
    ]

    assert homeless == []
