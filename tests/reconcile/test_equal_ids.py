"""Rows of several statements that print alike: each kept entry has an identity of its own."""

import itertools

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

import bitstamp_ledger as bl
from bitstamp_ledger.reconcile import Decision, Reconciliation, Verdict
from tests.ledger.tool_rows import number_of, paths_of, tool_file

A, B, C = ((1, 2), (1, 3), (1, 2, 4))


def read(name: str, *trades: int) -> bl.Statement:
    """Read a file of a tool that states no zone."""
    statement = bl.read_statement(tool_file(*trades))
    return attrs.evolve(
        statement,
        path=name,
        entries=tuple(
            attrs.evolve(row, source=attrs.evolve(row.source, path=name))
            for row in statement.entries
        ),
    )


def ids_of(result: Reconciliation) -> dict[str, str]:
    """Return the identities of the kept rows by file and trade."""
    return {paths_of([entry])[0]: entry.id for entry in result.entries}


def test_equal_rows_of_unknown_zones_are_two_entries_with_two_identities() -> None:
    """Else whatever keeps entries by identity would lose one of two real trades."""
    result = bl.reconcile([], [read("a", *A), read("b", *B)])
    ids = ids_of(result)
    assert sorted(ids) == ["a:1", "a:2", "b:1", "b:3"]
    assert len(set(ids.values())) == 4
    first, second = sorted((ids["a:1"], ids["b:1"]), key=len)
    assert second.startswith(f"{first}@")
    (suspect,) = result.suspects
    assert {suspect.row.id, suspect.near.id} == {first, second}
    assert suspect.row in result.entries
    assert suspect.near in result.entries


def test_the_identity_names_the_file_by_its_rows() -> None:
    """So it is the same for a file that was saved again under another name."""
    statements = [read("a", *A), read("b", *B)]
    result = bl.reconcile([], statements)
    lowest, other = sorted(statements, key=lambda each: each.rows_digest)
    ids = ids_of(result)
    plain = read("x", 1).entries[0].id
    assert ids[f"{lowest.path}:1"] == plain
    assert ids[f"{other.path}:1"] == f"{plain}@{other.rows_digest[:12]}"


@given(st.permutations([("a", A), ("b", B), ("c", C)]))
def test_identities_do_not_depend_on_the_order(files: list[tuple[str, tuple[int, ...]]]) -> None:
    """Nor does anything else of the result."""
    result = bl.reconcile([], [read(name, *trades) for name, trades in files])
    expected = bl.reconcile([], [read("a", *A), read("b", *B), read("c", *C)])
    assert ids_of(result) == ids_of(expected)
    assert result == expected


def test_a_further_statement_changes_no_identity_of_others() -> None:
    """Nothing in the ledger of yesterday gets another name because of an unrelated file."""
    before = ids_of(bl.reconcile([], [read("a", *A), read("b", *B)]))
    after = ids_of(bl.reconcile([], [read("a", *A), read("b", *B), read("d", 7, 8)]))
    assert {name: after[name] for name in before} == before


def test_a_result_survives_json_and_explains_every_entry() -> None:
    """All parts speak of the entries under their final identities."""
    result = bl.reconcile([], [read("a", *A), read("b", *B), read("c", *C)])
    assert Reconciliation.from_json(result.to_json()) == result
    for entry in result.entries:
        assert str(entry.source.path) in result.explain(entry)
    assert all(table.rows is not None for table in result.tables())


def test_a_copy_that_people_split_off_three_times_has_three_identities() -> None:
    """The same rows under three names, which a person declared different: a counter helps."""
    statements = [read(name, 1) for name in "abc"]
    row_id = statements[0].entries[0].id
    apart = Decision(verdict=Verdict.REJECT, record_id=row_id, row_id=row_id)
    for order in itertools.permutations(statements):
        ids = ids_of(bl.reconcile([], order, decisions=[apart]))
        digits = statements[0].rows_digest[:12]
        assert ids == {
            "a:1": row_id,
            "b:1": f"{row_id}@{digits}",
            "c:1": f"{row_id}@{digits}-2",
        }


RECORD = b"""[{"id": 5, "type": "2", "datetime": "2021-03-01 09:00:01", "btc": "0.01000000",
    "eur": "-100.00", "btc_eur": "10000.00", "fee": "0.00"}]"""
"""Its second fits none of the rows, so that only a person can say which of them it is."""


@pytest.mark.parametrize("name", ["a", "b"])
def test_a_decision_on_one_of_two_equal_rows_leaves_the_other(name: str) -> None:
    """It calls the row by its file; either row can be called so, whatever the result shows."""
    statements = {"a": read("a", *A), "b": read("b", *B)}
    called = f"{statements[name].entries[0].id}@{statements[name].rows_digest[:12]}"
    record_id = bl.parse_user_transactions(RECORD)[0].id
    said = Decision(verdict=Verdict.CONFIRM, record_id=record_id, row_id=called)
    records = bl.parse_user_transactions(RECORD)
    result = bl.reconcile(records, statements.values(), decisions=[said])
    (match,) = result.matches
    assert paths_of(match.file) == [f"{name}:1"]
    assert match.file[0].id == statements[name].entries[0].id
    other = {"a": "b", "b": "a"}[name]
    assert paths_of(result.new) == sorted([f"{other}:1", "a:2", "b:3"])
    assert all("@" not in row.id for row in result.new)


def test_a_decision_can_make_equal_rows_one() -> None:
    """Both sides are rows, called as the result shows them."""
    statements = [read("a", *A), read("b", *B)]
    (suspect,) = bl.reconcile([], statements).suspects
    said = Decision(verdict=Verdict.CONFIRM, record_id=suspect.near.id, row_id=suspect.row.id)
    for decision in (said, attrs.evolve(said, record_id=said.row_id, row_id=said.record_id)):
        result = bl.reconcile([], statements, decisions=[decision])
        assert sorted(map(number_of, result.entries)) == [1, 2, 3]
        assert len(result.file_matches) == 1
        assert result.suspects == ()


def test_copies_are_still_known_when_a_decision_names_one_of_their_rows() -> None:
    """A file of unknown zone that is a copy of another repeats it, decision or not."""
    statements = [read("a", *A), read("copy", *A)]
    called = f"{statements[0].entries[0].id}@{statements[0].rows_digest[:12]}"
    said = Decision(verdict=Verdict.REJECT, record_id="Main Account/trade/5", row_id=called)
    result = bl.reconcile(bl.parse_user_transactions(RECORD), statements, decisions=[said])
    assert sorted(map(number_of, result.new)) == [1, 2]
    assert len(result.file_matches) == 2
