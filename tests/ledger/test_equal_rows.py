"""Two files print two trades alike: whatever is said of one row never falls on the other."""

import csv
import itertools
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

import bitstamp_ledger as bl
from bitstamp_ledger.ledger import EntryState, Ledger, LedgerError
from bitstamp_ledger.model import split_row_name
from tests.ledger.books import Book, statement, trade
from tests.ledger.tool_rows import number_of, paths_of, tool_file

FILES = {"a.csv": (1, 2), "b.csv": (1, 3)}


def bring(ledger: Ledger, folder: Path, name: str, trades: tuple[int, ...] = ()) -> int:
    """Import a file; return its number."""
    path = folder / name
    path.write_bytes(tool_file(*(trades or FILES[name])))
    return ledger.import_file(path).file_id


def twins(ledger: Ledger) -> dict[str, bl.Entry]:
    """Return the equal rows by the name of their file."""
    return {
        Path(str(entry.source.path)).name: entry
        for entry in ledger.entries(state=set(EntryState))
        if number_of(entry) == 1
    }


def labels(ledger: Ledger) -> dict[str, str | None]:
    """Return what was said of the equal rows, by the name of their file."""
    said = {name: ledger.annotation(entry.id) for name, entry in twins(ledger).items()}
    return {name: None if each is None else each.label for name, each in said.items()}


def shown(ledger: Ledger) -> list[str]:
    """Return the rows that are not hidden."""
    return sorted(Path(each).name for each in paths_of(ledger.entries()))


@pytest.mark.parametrize("order", list(itertools.permutations(FILES)))
def test_both_rows_are_entries_and_reach_a_file(
    ledger: Ledger, folder: Path, order: tuple[str, ...]
) -> None:
    """A sink skips an identity that repeats: with one identity, a trade would be lost."""
    for name in order:
        bring(ledger, folder, name)
    ids = [entry.id for entry in ledger.entries()]
    assert len(set(ids)) == len(ids) == 4
    out = folder / "out.csv"
    with bl.sinks.open("csv", path=str(out)) as sink:
        ledger.export(sink)
    with out.open(newline="") as rows:
        written = list(csv.DictReader(rows))
    assert [row["id"] for row in written] == ids
    assert bl.replay(ledger.entries()) == ledger.balances()


@pytest.mark.parametrize("order", list(itertools.permutations(FILES)))
@pytest.mark.parametrize("labelled", FILES)
def test_a_label_stays_on_its_row_while_the_other_comes_and_goes(
    ledger: Ledger, folder: Path, order: tuple[str, ...], labelled: str
) -> None:
    """Whichever came first, and whichever is shown under the plain identity."""
    numbers = {name: bring(ledger, folder, name) for name in order}
    (other,) = set(FILES) - {labelled}
    ledger.annotate(twins(ledger)[labelled].id, label="mine")
    expected = {labelled: "mine", other: None}
    assert labels(ledger) == expected

    ledger.remove_import(numbers[other])
    assert labels(ledger) == {labelled: "mine"}
    assert bring(ledger, folder, other) == numbers[other]
    assert labels(ledger) == expected

    ledger.remove_import(numbers[labelled])
    assert labels(ledger) == {other: None}
    bring(ledger, folder, labelled)
    assert labels(ledger) == expected


@pytest.mark.parametrize("first", FILES)
def test_a_label_said_before_the_other_came_does_not_jump(
    ledger: Ledger, folder: Path, first: str
) -> None:
    """The other may take the plain identity, under which the row was labelled."""
    bring(ledger, folder, first)
    plain = twins(ledger)[first].id
    assert split_row_name(plain) == (plain, None)
    ledger.annotate(plain, label="mine")
    (other,) = set(FILES) - {first}
    bring(ledger, folder, other)
    assert labels(ledger) == {first: "mine", other: None}


@pytest.mark.parametrize("hidden", FILES)
def test_hiding_one_never_hides_the_other(ledger: Ledger, folder: Path, hidden: str) -> None:
    """Not while both are there, and not when the file of the hidden one is removed."""
    numbers = {name: bring(ledger, folder, name) for name in FILES}
    (other,) = set(FILES) - {hidden}
    ledger.hide(twins(ledger)[hidden].id)
    rest = ["a.csv:2", "b.csv:3"]
    assert shown(ledger) == sorted([f"{other}:1", *rest])
    assert ledger.balances() == bl.replay(ledger.entries())
    assert ledger.counts().suppressed == 1
    assert [number_of(each) for each in ledger.entries(state=EntryState.SUPPRESSED)] == [1]

    ledger.remove_import(numbers[hidden])
    assert shown(ledger) == [f"{other}:1", next(each for each in rest if each.startswith(other))]
    bring(ledger, folder, hidden)
    assert shown(ledger) == sorted([f"{other}:1", *rest])
    assert ledger.balances() == bl.replay(ledger.entries())


def test_a_label_survives_in_a_file_that_is_longer(ledger: Ledger, folder: Path) -> None:
    """The next export of the tool holds the row as well; the older one was removed before."""
    number = bring(ledger, folder, "a.csv")
    ledger.annotate(twins(ledger)["a.csv"].id, label="mine")
    ledger.remove_import(number)
    bring(ledger, folder, "longer.csv", (1, 2, 4))
    assert labels(ledger) == {"longer.csv": "mine"}
    # And of two such files only one can be the row that was meant.
    bring(ledger, folder, "b.csv")
    assert labels(ledger) == {"longer.csv": "mine", "b.csv": None}


def test_a_row_answers_to_its_file_as_well(ledger: Ledger, folder: Path) -> None:
    """The name that decisions are written down with can be used wherever an identity can."""
    for name in FILES:
        bring(ledger, folder, name)
    for name, entry in twins(ledger).items():
        made = ledger.annotate(entry.id, label=name)
        assert made.entry_id is not None
        identity, digits = split_row_name(made.entry_id)
        assert identity == split_row_name(entry.id)[0]
        assert digits is not None
        for called in (entry.id, made.entry_id):
            annotation = ledger.annotation(called)
            assert annotation is not None
            assert annotation.label == name
            assert [event.what for event in ledger.history(called)] == ["imported", "annotate"]
        ledger.undo(made)
        assert ledger.annotation(entry.id) is None
        assert ledger.annotation(made.entry_id) is None
        ledger.hide(made.entry_id)
        ledger.unhide(entry.id)
    assert len(shown(ledger)) == 4
    unknown = f"{split_row_name(twins(ledger)['a.csv'].id)[0]}@0123456789ab"
    with pytest.raises(LedgerError, match="never heard"):
        ledger.hide(unknown)


def test_equal_rows_can_be_made_one_and_two_again(ledger: Ledger, folder: Path) -> None:
    """They are suspects of each other; a person knows."""
    for name in FILES:
        bring(ledger, folder, name)
    (suspect,) = ledger.reconcile().suspects
    made = ledger.merge(suspect.near.id, suspect.row.id)
    assert len(shown(ledger)) == 3
    assert ledger.reconcile().suspects == ()
    ledger.annotate(twins(ledger)["a.csv"].id, label="both")
    assert labels(ledger) == {"a.csv": "both", "b.csv": "both"}
    ledger.undo(made)
    assert len(shown(ledger)) == 4
    assert sorted(map(str, labels(ledger).values())) == ["None", "both"]


def test_a_match_of_two_equal_rows_can_be_rejected(ledger: Ledger, folder: Path) -> None:
    """Two exports of the exchange overlap; a person says that they do not."""
    records = [trade(number) for number in (1, 2, 3)]
    for name, part in (("a.csv", records[:2]), ("b.csv", records[1:])):
        (folder / name).write_bytes(statement(part))
        ledger.import_file(folder / name)
    assert len(list(ledger.entries())) == 3
    (match,) = ledger.reconcile().file_matches
    assert match.file[0].id == match.file[1].id
    (made,) = ledger.reject(match)
    assert len({entry.id for entry in ledger.entries()}) == 4
    assert ledger.reconcile().file_matches == ()
    ledger.undo(made)
    assert len(list(ledger.entries())) == 3
    (confirmed,) = ledger.confirm(match)
    (match,) = ledger.reconcile().file_matches
    assert match.grade.value == "certain"
    assert confirmed.entry_id != confirmed.other_id


def test_a_judgement_on_a_row_holds_for_its_copy(ledger: Ledger, folder: Path) -> None:
    """Where the zone is known, an equal row of a file that overlaps is the same trade."""
    records = [trade(number) for number in (1, 2, 3)]
    ledger.sync(Book(records))
    (folder / "a.csv").write_bytes(statement(records[:2]))
    ledger.import_file(folder / "a.csv")
    match = next(each for each in ledger.reconcile().matches if each.api[0].transaction_id == 2)
    ledger.reject(match)
    assert len(list(ledger.entries())) == 4
    (folder / "b.csv").write_bytes(statement(records[1:]))
    ledger.import_file(folder / "b.csv")
    assert len(list(ledger.entries())) == 4
    ledger.remove_import(1)
    assert len(list(ledger.entries())) == 4


def test_a_decision_of_an_earlier_release_is_about_the_oldest_file(
    folder: Path, new_place: Callable[[], str]
) -> None:
    """It calls the row by its identity alone."""
    place = new_place()
    with Ledger.open(place) as ledger:
        for name in FILES:
            bring(ledger, folder, name)
        made = ledger.hide(twins(ledger)["b.csv"].id)
    with sqlite3.connect(place) as connection:
        connection.execute(
            "UPDATE ledger_decisions SET entry_id = ? WHERE id = ?",
            (split_row_name(str(made.entry_id))[0], made.id),
        )
    connection.close()
    with Ledger.open(place) as ledger:
        assert shown(ledger) == ["a.csv:2", "b.csv:1", "b.csv:3"]
        ledger.remove_import(1)
        assert shown(ledger) == ["b.csv:3"]
        bring(ledger, folder, "a.csv")
        assert shown(ledger) == ["a.csv:2", "b.csv:1", "b.csv:3"]


def test_a_sealed_year_keeps_its_rows_apart(folder: Path, new_place: Callable[[], str]) -> None:
    """The second file comes after the seal, and may take the identity that the seal shows."""
    for first, second in itertools.permutations(FILES):
        with Ledger.open(new_place()) as ledger:
            number = bring(ledger, folder, first)
            ledger.seal(2021)
            bring(ledger, folder, second)
            assert len(shown(ledger)) == 2
            changes = ledger.sealed_changes()
            assert [change.kind.value for change in changes] == ["added", "added"]
            (sealed,) = [each for each in ledger.entries() if number_of(each) == 1]
            ledger.hide(sealed.id)
            assert [number_of(each) for each in ledger.entries()] == [int(FILES[first][1])]
            ledger.remove_import(number)
            assert [number_of(each) for each in ledger.entries()] == [int(FILES[first][1])]
            ledger.accept(2021)
            assert shown(ledger) == sorted(f"{second}:{each}" for each in FILES[second])


def test_a_file_is_not_doubled_by_another_reading(ledger: Ledger, folder: Path) -> None:
    """The zone was forgotten the first time: the file is removed first, and labels stay."""
    path = folder / "a.csv"
    path.write_bytes(tool_file(1, 2))
    number = ledger.import_file(path).file_id
    ledger.annotate(twins(ledger)["a.csv"].id, label="mine")
    for zone in ("UTC", "Europe/Berlin"):
        with pytest.raises(LedgerError, match="another way") as caught:
            ledger.import_file(path, timezone=zone)
        assert f"remove_import({number})" in str(caught.value)
    assert ledger.import_file(path, format="cointracking-export").already
    ledger.remove_import(number)
    number = ledger.import_file(path, timezone="Europe/Berlin").file_id
    assert labels(ledger) == {"a.csv": "mine"}
    assert ledger.import_file(path, timezone="Europe/Berlin").already
    assert len(shown(ledger)) == 2
