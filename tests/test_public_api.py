"""The public names: written down, documented, and typed."""

import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.public_api import SNAPSHOT, described, members, public

ROOT = Path(__file__).parents[1]

WORDS_MIN = 2
FILLERS = frozenset(
    re.findall(r"\w+", "all an and are as at be by for from http in is it its of or return the to")
)
"""Words that tell nothing; the endings of plurals are taken off."""

pytest.importorskip("sqlalchemy", reason="a ledger that is kept needs the extra ledger")


def is_code(thing: object) -> bool:
    """Aliases of types have no docstring of their own."""
    return isinstance(thing, type) or inspect.isfunction(thing)


def test_a_change_of_the_public_names_is_seen_in_review() -> None:
    """Run ``python -m tests.public_api`` where the change is meant."""
    assert SNAPSHOT.read_text().splitlines() == list(described())


def called(thing: object) -> Iterator[tuple[str, object]]:
    """Yield what can be called or asked of a name, and the name itself as ""."""
    yield "", thing
    if isinstance(thing, type):
        for member, value in members(thing):
            if isinstance(value, property) or inspect.isfunction(_plain(value)):
                yield member, value


def says_something(name: str, said: str | None) -> bool:
    """Return whether a docstring is a sentence with two words that its name does not have.

    "The HTTP method." of ``method``, and "Return the balances." of ``balances``, are none.
    """
    sentence = (said or "").partition("\n\n")[0].rstrip()
    known = {each.lower().rstrip("s") for each in re.findall(r"[A-Z]?[a-z]+|[A-Z]+", name)}
    words = {each.rstrip("s") for each in re.findall(r"[a-z]{2,}", (said or "").lower())}
    return sentence.endswith((".", ":", "?")) and len(words - known - FILLERS) >= WORDS_MIN


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("balances", None),
        ("balances", ""),
        ("balances", "Return the balances."),
        ("read_fees", "Read all fees"),
        ("method", "The HTTP method."),
        ("KeyReport", "KeyReport(state, findings)"),
    ],
)
def test_an_echo_is_no_documentation(name: str, said: str | None) -> None:
    """The rule below would be worth nothing if it let everything pass."""
    assert not says_something(name, said)


CODE = [pytest.param(*each, id=each[0]) for each in public() if is_code(each[1])]


@pytest.mark.parametrize(("name", "thing"), CODE)
def test_whatever_can_be_called_says_what_it_does(name: str, thing: object) -> None:
    """The reference is made of docstrings; a name without one is a hole in it."""
    own = name.rpartition(".")[2]
    assert [
        (member, said)
        for member, value in called(thing)
        # A class must not pass by what its base says.
        for said in [value.__doc__ if value is thing else inspect.getdoc(value)]
        if not says_something(member or own, inspect.cleandoc(said or ""))
    ] == []


def test_whatever_can_be_called_is_typed() -> None:
    """With every parameter and what it returns: editors and type checkers rely on it."""
    bare = []
    each = ((name, *more) for name, thing in public() if is_code(thing) for more in called(thing))
    for name, member, value in each:
        function = value.fget if isinstance(value, property) else _plain(value)
        if not inspect.isfunction(function):
            continue
        first = {"self", "cls"} if member else set()
        typed = inspect.get_annotations(function)
        bare += [
            f"{name} {member}({parameter})"
            for parameter in [*inspect.signature(function).parameters, "return"]
            if parameter not in typed and parameter not in first
        ]
    assert bare == []


def _plain(value: object) -> object:
    return getattr(value, "__func__", value)


def test_every_public_name_has_its_place_in_the_reference() -> None:
    """The pages name packages, whose public names are documented one by one."""
    pages = "\n".join(page.read_text() for page in ROOT.glob("docs/reference/*.md"))
    packages = re.findall(r"\{public-names\} (\w+)", pages)
    homes = tuple(f"bitstamp_ledger.{package}." for package in packages)
    doors = {"sinks", *re.findall(r"\{door-names\} ([\w.]+)", pages)}
    told = {
        id(thing) for name, thing in public() if name.split(".", 1)[1].rpartition(".")[0] in doors
    }
    homeless = [
        name
        for name, thing in public()
        if id(thing) not in told
        if not (name.count(".") == 1 and f"{getattr(thing, '__module__', '')}.".startswith(homes))
        if name.rpartition(".")[2] not in pages
    ]

    assert homeless == []
