"""Random lives of a ledger against a plain model in memory, on both databases."""

import contextlib
import os
import shutil
import tempfile
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
from bitstamp_ledger.ledger import EntryState, Ledger
from bitstamp_ledger.reconcile import Decision, Reconciliation, reconcile
from tests.ledger import postgres
from tests.ledger.books import Book, Record, statement, trade

EXAMPLES = int(os.environ.get("LEDGER_EXAMPLES", "10"))
"""How many lives; more of them find more, and take longer."""

STEPS = 18
Name = tuple[int, int | None]
"""A record, by its number; or a row, by number and cents."""


def match_nothing(
    api: list[bl.Entry], statements: list[bl.Statement], *, decisions: tuple[Decision, ...] = ()
) -> Reconciliation:
    """Stand in for another rule: no row is ever a record."""
    records = reconcile(api, (), decisions=decisions)
    rows = reconcile((), statements, decisions=decisions)
    entries = sorted([*records.entries, *rows.entries], key=lambda entry: (entry.time, entry.id))
    return attrs.evolve(
        rows, entries=tuple(entries), api_only=records.api_only, counts=records.counts + rows.counts
    )


@attrs.define
class Said:
    """One decision, as the model remembers it."""

    id: int
    kind: str
    about: Name
    value: str = ""
    other: Name | None = None


@attrs.define
class Model:
    """What the ledger should show, kept in dictionaries."""

    held: dict[int, int] = attrs.field(factory=dict)
    """Cents by number of record."""

    files: dict[int, dict[int, int]] = attrs.field(factory=dict)
    said: list[Said] = attrs.field(factory=list)
    aliases: set[tuple[int, Name]] = attrs.field(factory=set)
    matching: bool = True

    @property
    def rows(self) -> set[Name]:
        """All rows of all files, each once."""
        return {name for rows in self.files.values() for name in rows.items()}

    def rejected(self, number: int, row: Name) -> bool:
        """Say whether the last word on a pair is that it is none."""
        words = [each for each in self.said if each.other == row and each.about == (number, None)]
        return bool(words) and words[-1].kind == "reject"

    def joined(self, row: Name) -> bool:
        """Say whether a row is a second witness now."""
        number, cents = row
        if self.held.get(number) is None or self.rejected(number, row):
            return False
        confirmed = any(
            each.kind == "confirm" and each.other == row and each.about == (number, None)
            for each in self.said
        )
        if not self.matching:
            return False
        return self.held[number] == cents or confirmed

    def observe(self) -> None:
        """Remember pairs for good, as the ledger does whenever it matches."""
        self.aliases |= {(row[0], row) for row in self.rows if self.joined(row)}

    def kept_rows(self) -> set[Name]:
        """Rows that are entries of their own."""
        return {row for row in self.rows if not self.joined(row)}

    def kin(self, name: Name) -> set[Name]:
        """All identities of one entry."""
        apart = self.kept_rows()
        links = {
            pair
            for pair in self.aliases
            if (pair[1] not in apart) and not self.rejected(pair[0], pair[1])
        }
        if name[1] is None:
            return {name, *(row for number, row in links if number == name[0])}
        return {name, *((number, None) for number, row in links if row == name)}

    def label(self, name: Name) -> str | None:
        """The last label on an entry."""
        ids = self.kin(name)
        labels = [each.value for each in self.said if each.kind == "label" and each.about in ids]
        return labels[-1] if labels else None

    def hidden(self) -> set[Name]:
        """Everything that is hidden."""
        hidden: set[Name] = set()
        for each in self.said:
            if each.kind == "hide":
                hidden |= self.kin(each.about)
            elif each.kind == "unhide":
                hidden -= self.kin(each.about)
        return hidden

    def shown(self) -> list[Name]:
        """All entries that are not hidden."""
        everything: set[Name] = {(number, None) for number in self.held} | self.kept_rows()
        return sorted(everything - self.hidden(), key=repr)


class Life(RuleBasedStateMachine):
    """One life of a ledger."""

    new_place: Callable[[], str]

    def __init__(self) -> None:
        super().__init__()
        self.place = self.new_place()
        self.ledger = Ledger.open(self.place)
        self.book = Book()
        self.model = Model()
        self.number = 0
        self.ids: dict[Name, str] = {}

    def teardown(self) -> None:
        self.ledger.close()

    # -- the exchange

    @rule(count=st.integers(1, 4))
    def trade_on(self, count: int) -> None:
        for _ in range(count):
            self.number += 1
            self.book.records.append(trade(self.number, cents=1_000 + self.number))

    @precondition(lambda self: self.book.records)
    @rule(data=st.data())
    def change_a_record(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(self.numbers), label="number")
        cents = data.draw(st.sampled_from((1_000 + number, 9_000 + number)), label="cents")
        self.book.records[number - 1] = trade(number, cents=cents)

    @rule(mode=st.sampled_from(("resume", "full")), key=st.sampled_from((None, "a", "b")))
    def sync(self, mode: str, key: str | None) -> None:
        self.book.key_fingerprint = key
        before = dict(self.model.held)
        now = {int(str(record["id"])): cents_of(record) for record in self.book.records}
        report = self.ledger.sync(self.book, mode)  # type: ignore[arg-type]
        self.model.held = now
        assert {each.entry_id for each in report.changed} == {
            self.name_of((number, None)) for number in before if before[number] != now[number]
        }
        assert report.counts.adds_up
        assert report.vanished == ()

    # -- files

    @precondition(lambda self: self.book.records)
    @rule(data=st.data())
    def import_a_file(self, data: st.DataObject) -> None:
        chosen = data.draw(
            st.lists(st.sampled_from(self.numbers), min_size=1, max_size=6, unique=True),
            label="rows",
        )
        records = [self.book.records[number - 1] for number in sorted(chosen)]
        report = self.ledger.import_file(statement(records))
        rows = {int(str(record["id"])): cents_of(record) for record in records}
        assert report.already == (rows in self.model.files.values())
        assert report.counts.adds_up
        self.model.files[report.file_id] = rows
        for entry in self.ledger.entries(state=set(EntryState)):
            if entry.source.row is not None:
                self.ids[row_name(entry)] = entry.id

    @precondition(lambda self: self.model.files)
    @rule(data=st.data())
    def remove_a_file(self, data: st.DataObject) -> None:
        file_id = data.draw(st.sampled_from(sorted(self.model.files)), label="file")
        self.ledger.remove_import(file_id)
        del self.model.files[file_id]

    # -- people

    @precondition(lambda self: self.known)
    @rule(data=st.data(), word=st.sampled_from("abc"))
    def label(self, data: st.DataObject, word: str) -> None:
        name = self.draw_name(data)
        made = self.ledger.annotate(self.name_of(name), label=word)
        self.model.said.append(Said(id=made.id, kind="label", about=name, value=word))

    @precondition(lambda self: self.known)
    @rule(data=st.data(), hidden=st.booleans())
    def hide(self, data: st.DataObject, hidden: bool) -> None:
        name = self.draw_name(data)
        entry_id = self.name_of(name)
        made = self.ledger.hide(entry_id) if hidden else self.ledger.unhide(entry_id)
        kind = "hide" if hidden else "unhide"
        self.model.said.append(Said(id=made.id, kind=kind, about=name))

    @precondition(lambda self: self.pairs)
    @rule(data=st.data(), kind=st.sampled_from(("confirm", "reject")))
    def judge(self, data: st.DataObject, kind: str) -> None:
        row = data.draw(st.sampled_from(self.pairs), label="row")
        match = next(
            match
            for match in self.ledger.reconcile().matches
            if any(each.id == self.name_of(row) for each in match.file)
        )
        (made,) = self.ledger.confirm(match) if kind == "confirm" else self.ledger.reject(match)
        about: Name = (row[0], None)
        self.model.said.append(Said(id=made.id, kind=kind, about=about, other=row))

    @precondition(lambda self: self.model.said)
    @rule(data=st.data())
    def undo(self, data: st.DataObject) -> None:
        said = data.draw(st.sampled_from(self.model.said), label="decision")
        self.ledger.undo(said.id)
        self.model.said.remove(said)

    # -- releases, crashes

    @rule()
    def change_the_rule(self) -> None:
        self.model.matching = not self.model.matching
        self.set_rule()
        self.ledger.rebuild()

    @rule()
    def rebuild(self) -> None:
        self.ledger.rebuild()

    @rule()
    def open_again(self) -> None:
        self.ledger.close()
        self.ledger = Ledger.open(self.place)
        self.set_rule()

    def set_rule(self) -> None:
        self.ledger._matcher = reconcile if self.model.matching else match_nothing

    # -- what must hold

    @invariant()
    def the_ledger_shows_what_the_model_shows(self) -> None:
        self.model.observe()
        entries = list(self.ledger.entries())
        assert sorted(map(name_of_entry, entries), key=repr) == self.model.shown()
        assert self.ledger.balances() == bl.replay(entries)
        counts = self.ledger.counts()
        assert counts.adds_up
        assert counts.kept == len(entries)
        for entry in entries:
            annotation = self.ledger.annotation(entry.id)
            label = None if annotation is None else annotation.label
            assert label == self.model.label(name_of_entry(entry))

    # -- help

    @property
    def numbers(self) -> list[int]:
        return [int(str(record["id"])) for record in self.book.records]

    @property
    def known(self) -> list[Name]:
        heard_of = {
            *((number, None) for number in self.model.held),
            *self.model.rows,
            *(row for _, row in self.model.aliases),
            *(each.about for each in self.model.said),
        }
        return sorted(heard_of, key=repr)

    @property
    def pairs(self) -> list[Name]:
        return sorted(row for row in self.model.rows if self.model.joined(row))

    def draw_name(self, data: st.DataObject) -> Name:
        name: Name = data.draw(st.sampled_from(self.known), label="entry")
        return name

    def name_of(self, name: Name) -> str:
        return f"Main Account/trade/{name[0]}" if name[1] is None else self.ids[name]


def cents_of(record: Record) -> int:
    return int(str(record["eur"]).removeprefix("-").replace(".", ""))


def row_name(entry: bl.Entry) -> Name:
    minutes = (entry.time.replace(second=0) - START).total_seconds() / 60
    return int(minutes), int(abs(entry.legs[1].value) * 100)


def name_of_entry(entry: bl.Entry) -> Name:
    if entry.source.row is None:
        return int(entry.transaction_id or 0), None
    return row_name(entry)


START = bl.parse_user_transactions(b'[{"id": 1, "datetime": "2021-01-01 00:00:00"}]')[0].time


@contextlib.contextmanager
def places_in_memory() -> Iterator[Callable[[], str]]:
    memory = Path("/dev/shm")  # noqa: S108 - a folder of its own is made inside
    made = Path(tempfile.mkdtemp(prefix="ledger-", dir=memory if memory.is_dir() else None))
    count = iter(range(10**9))
    yield lambda: str(made / f"{next(count)}.db")
    shutil.rmtree(made)


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


@pytest.mark.thorough
def test_any_life_on_sqlite_is_that_of_the_model() -> None:
    """Sync, resume, import, remove, label, hide, judge, undo, new keys, new rules, rebuild."""
    with places_in_memory() as new_place:
        live(new_place, EXAMPLES)


@pytest.mark.thorough
@pytest.mark.usefixtures("server")
def test_any_life_on_postgresql_is_that_of_the_model(server: postgres.Server) -> None:
    """The same code on another database."""
    live(server.new_place, max(EXAMPLES // 4, 1))
