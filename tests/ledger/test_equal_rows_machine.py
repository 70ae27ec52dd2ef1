"""Random lives of files with equal rows of unknown zones, against a model of a few lines."""

import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import attrs
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

import bitstamp_ledger as bl
from bitstamp_ledger.ledger import Ledger
from bitstamp_ledger.model import split_row_name
from tests.ledger import postgres
from tests.ledger.tool_rows import number_of, tool_file

EXAMPLES = int(os.environ.get("LEDGER_EXAMPLES", "8"))
STEPS = 16

FILES = {
    "a": tool_file(1, 2),
    "a, saved again": tool_file(1, 2) + b"\n",
    "b": tool_file(1, 3),
    "longer": tool_file(1, 2, 4),
    "twice": tool_file(1, 1),
}
ROWS = {name: name.partition(",")[0] for name in FILES}
"""By file, what stands for its rows: equal for a file that was saved again."""


@attrs.define
class Said:
    """One decision."""

    id: int
    rows: str
    """Of which rows; see `ROWS`."""

    word: str | bool
    """A label; or whether it is hidden."""


@attrs.define
class Model:
    """What the first row of each file should show."""

    numbers: dict[str, int] = attrs.field(factory=dict)
    """By file that was ever imported."""

    present: set[str] = attrs.field(factory=set)
    met: set[frozenset[str]] = attrs.field(factory=set)
    said: list[Said] = attrs.field(factory=list)

    def bring(self, name: str, number: int) -> None:
        """Add a file, unless its rows are there."""
        if ROWS[name] in {ROWS[each] for each in self.present}:
            return
        self.numbers[name] = number
        self.met |= {frozenset((ROWS[name], ROWS[each])) for each in self.present}
        self.present.add(name)

    def meant(self, rows: str) -> str | None:
        """Return the file whose row a decision is about now."""
        oldest_first = sorted(self.present, key=self.numbers.__getitem__)
        own = [each for each in oldest_first if ROWS[each] == rows]
        heirs = [each for each in oldest_first if frozenset((ROWS[each], rows)) not in self.met]
        return next(iter([*own, *heirs]), None)

    def word(self, name: str, kind: type[object]) -> str | bool | None:
        """Return the last word of a kind on the row of a file."""
        words = [
            each.word
            for each in self.said
            if type(each.word) is kind and self.meant(each.rows) == name
        ]
        return words[-1] if words else None


class Life(RuleBasedStateMachine):
    """One life."""

    new_place: Callable[[], str]

    def __init__(self) -> None:
        super().__init__()
        self.place = self.new_place()
        self.ledger = Ledger.open(self.place)
        self.model = Model()

    def teardown(self) -> None:
        self.ledger.close()

    @rule(name=st.sampled_from(sorted(FILES)))
    def bring(self, name: str) -> None:
        report = self.ledger.import_file(FILES[name])
        assert report.counts.adds_up
        self.model.bring(name, report.file_id)

    @precondition(lambda self: self.model.present)
    @rule(data=st.data())
    def take_away(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.model.present)), label="file")
        self.ledger.remove_import(self.model.numbers[name])
        self.model.present.remove(name)

    @precondition(lambda self: self.model.present)
    @rule(data=st.data(), word=st.sampled_from(("x", "y", True, False)), by_name=st.booleans())
    def say(self, data: st.DataObject, word: str | bool, by_name: bool) -> None:
        name = data.draw(st.sampled_from(sorted(self.model.present)), label="file")
        shown = self.twins[name].id
        if by_name:
            shown = f"{split_row_name(shown)[0]}@{self.digits(name)}"
        if isinstance(word, str):
            made = self.ledger.annotate(shown, label=word)
        else:
            made = (self.ledger.hide if word else self.ledger.unhide)(shown)
        assert made.entry_id == f"{split_row_name(shown)[0]}@{self.digits(name)}"
        self.model.said.append(Said(made.id, ROWS[name], word))

    @precondition(lambda self: self.model.said)
    @rule(data=st.data())
    def undo(self, data: st.DataObject) -> None:
        said = data.draw(st.sampled_from(self.model.said), label="decision")
        self.ledger.undo(said.id)
        self.model.said.remove(said)

    @rule()
    def rebuild(self) -> None:
        self.ledger.rebuild()

    @rule()
    def open_again(self) -> None:
        self.ledger.close()
        self.ledger = Ledger.open(self.place)

    @invariant()
    def every_row_is_an_entry_with_its_own_identity(self) -> None:
        everything = list(self.ledger.reconcile().entries)
        rows = [number for name in self.model.present for number in NUMBERS[name]]
        assert sorted(map(number_of, everything)) == sorted(rows)
        assert len({entry.id for entry in everything}) == len(everything)

    @invariant()
    def each_row_shows_what_was_said_of_it(self) -> None:
        visible = list(self.ledger.entries())
        ids = {entry.id for entry in visible}
        for name, entry in self.twins.items():
            annotation = self.ledger.annotation(entry.id)
            label = None if annotation is None else annotation.label
            assert label == self.model.word(name, str)
            assert (entry.id not in ids) is (self.model.word(name, bool) is True)
        assert self.ledger.balances() == bl.replay(visible)
        assert self.ledger.counts().kept == len(visible)

    @property
    def twins(self) -> dict[str, bl.Entry]:
        """The first row of each present file."""
        file_of = {f"file {self.model.numbers[name]}": name for name in self.model.present}
        firsts = [entry for entry in self.ledger.reconcile().entries if entry.source.row == 1]
        return {file_of[str(entry.source.path)]: entry for entry in firsts}

    def digits(self, name: str) -> str:
        return bl.read_statement(FILES[name]).rows_digest[:12]


NUMBERS = {"a": (1, 2), "a, saved again": (1, 2), "b": (1, 3), "longer": (1, 2, 4), "twice": (1, 1)}


def live(new_place: Callable[[], str], examples: int) -> None:
    machine = type("LifeHere", (Life,), {"new_place": staticmethod(new_place)})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def numbered(folder: Path) -> Iterator[str]:
    """Yield fresh places."""
    return (str(folder / f"{number}.db") for number in itertools.count())


@pytest.mark.thorough
def test_equal_rows_live_apart_on_sqlite(folder: Path) -> None:
    """Import, remove, save again, label, hide, undo, rebuild, in any order."""
    places = numbered(folder)
    live(lambda: next(places), EXAMPLES)


@pytest.mark.thorough
@pytest.mark.usefixtures("server")
def test_equal_rows_live_apart_on_postgresql(server: postgres.Server) -> None:
    """The same code on another database."""
    live(server.new_place, max(EXAMPLES // 4, 1))
