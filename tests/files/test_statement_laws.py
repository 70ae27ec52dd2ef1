"""Laws of reading: they hold for every file."""

import codecs
from collections import Counter
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitstamp_ledger.errors import BitstampLedgerError, StatementError
from bitstamp_ledger.files import Statement, read_statement, read_statement_text
from bitstamp_ledger.model import Side, Trade, UnknownEntry
from tests.files.samples import (
    G1_HEADER,
    G2_HEADER,
    Fill,
    cell,
    fills,
    printed,
)

histories = st.lists(fills, max_size=5)
forms = st.sampled_from(["g1", "g2"])


def rows_of(history: list[Fill], form: str) -> tuple[str, list[list[str]]]:
    if form == "g1":
        return G1_HEADER, [fill.g1() for fill in history]
    return G2_HEADER, [fill.g2() for fill in history]


def facts(statement: Statement) -> list[object]:
    """Everything an entry states but for where it stands in which file."""
    return [
        (e.id, e.time, e.legs, e.fee, e.account, e.transaction_id, type(e))
        for e in statement.entries
    ]


def assert_balanced(statement: Statement) -> None:
    counts = statement.counts
    unknown = sum(isinstance(entry, UnknownEntry) for entry in statement.entries)
    ended = Counter(entry.source.row for entry in statement.entries)
    ended.update(problem.row for problem in statement.problems)
    ended.update(aside.row for aside in statement.set_aside)

    assert counts.balanced
    assert counts.quarantined == unknown
    assert counts.kept == len(statement.entries) - unknown
    assert counts.unreadable == len(statement.problems)
    assert ended == Counter(range(1, counts.rows + 1))


@given(history=histories, form=forms)
def test_what_was_printed_is_what_is_read(history: list[Fill], form: str) -> None:
    """Amounts, sides, ids and the floor of the time are exactly those of the trade."""
    statement = read_statement_text(printed(*rows_of(history, form)))

    assert statement.format == f"bitstamp-{form}"
    assert statement.problems == ()
    assert statement.repairs == ()
    assert len(statement.entries) == len(history)
    for entry, fill in zip(statement.entries, history, strict=True):
        assert isinstance(entry, Trade)
        floor = {"second": 0, "microsecond": 0} if form == "g1" else {"microsecond": 0}
        assert entry.time == fill.time.replace(**floor)  # type: ignore[arg-type]
        assert entry.side is (Side.BUY if fill.buy else Side.SELL)
        assert (entry.base.value, entry.base.currency) == (fill.amount, fill.base)
        assert (entry.quote.value, entry.quote.currency) == (fill.value, fill.quote)
        assert entry.effect[fill.base] == (fill.amount if fill.buy else -fill.amount)
        cost = -fill.value if fill.buy else fill.value
        assert entry.effect[fill.quote] == cost - (fill.fee or Decimal(0))
        assert (entry.fee is None) == (fill.fee is None)
        assert entry.price == fill.rate
        assert entry.account == fill.account
        if form == "g2":
            assert (entry.transaction_id, entry.order_id) == (fill.transaction_id, fill.order_id)


def wrapped(text: str) -> str:
    """Wrap every line in quotes, as some browsers do."""
    return "".join('"' + line.replace('"', '""') + '"\n' for line in text.splitlines())


def trailing(text: str) -> str:
    """Put a comma behind every data row."""
    header, *rows = text.splitlines()
    return "\n".join([header, *(row + "," for row in rows)])


def quoted(header: str, rows: list[list[str]]) -> str:
    """Quote every cell."""
    lines = [header.split(","), *rows]
    return "\n".join(",".join('"' + text.replace('"', '""') + '"' for text in row) for row in lines)


def padded(header: str, rows: list[list[str]]) -> str:
    """Put blanks around every cell, which sends each through the slower path."""
    return "\n".join([header, *(",".join(cell(f" {text} ") for text in row) for row in rows)])


@settings(max_examples=40)  # Each example reads a dozen files.
@given(history=histories, form=forms)
def test_saving_a_file_again_changes_nothing(history: list[Fill], form: str) -> None:
    """Line ends, mark, quotes, delimiters and encoding are not what a file says."""
    header, rows = rows_of(history, form)
    text = printed(header, rows)
    original = facts(read_statement_text(text))
    variants = [
        text.replace("\n", "\r\n").encode(),
        text.replace("\n", "\r").encode(),
        codecs.BOM_UTF8 + text.encode(),
        text.encode("utf-16"),
        text.encode("cp1252"),
        text.rstrip("\n").encode(),
        ("\n\n" + text + "\n\n").encode(),
        wrapped(text).encode(),
        trailing(text).encode(),
        quoted(header, rows).encode(),
        padded(header, rows).encode(),
        printed(header, rows, ";").encode(),
        printed(header, rows, "\t").encode(),
        ("sep=;\n" + printed(header, rows, ";")).encode(),
    ]

    for variant in variants:
        again = read_statement(variant)

        assert facts(again) == original, variant
        assert again.problems == ()


@given(history=st.lists(fills, min_size=1, max_size=3), form=forms, data=st.data())
def test_the_order_of_columns_changes_nothing(
    history: list[Fill], form: str, data: st.DataObject
) -> None:
    """Columns are read by their names."""
    header, rows = rows_of(history, form)
    order = data.draw(st.permutations(range(len(rows[0]))))
    names = header.split(",")
    moved = printed(
        ",".join(names[at] for at in order), [[row[at] for at in order] for row in rows]
    )

    assert facts(read_statement_text(moved)) == facts(read_statement_text(printed(header, rows)))


@given(fill=fills, form=forms, copies=st.integers(2, 4))
def test_equal_rows_stay_separate(fill: Fill, form: str, copies: int) -> None:
    """They are fills of one order, not duplicates (docs/facts/files.md, "Equal rows")."""
    statement = read_statement_text(printed(*rows_of([fill] * copies, form)))

    assert len({entry.id for entry in statement.entries}) == copies


@given(first=fills, second=fills, form=forms)
def test_an_identity_does_not_depend_on_other_rows(first: Fill, second: Fill, form: str) -> None:
    """Overlapping exports give one row one identity, wherever it stands."""
    both = read_statement_text(printed(*rows_of([first, second], form))).entries
    alone = read_statement_text(printed(*rows_of([second], form))).entries

    assert both[1].id == alone[0].id or rows_of([first], form) == rows_of([second], form)


@given(history=st.lists(fills, max_size=4), form=forms, data=st.data())
def test_every_row_ends_in_exactly_one_place(
    history: list[Fill], form: str, data: st.DataObject
) -> None:
    """Whatever a person or a program did to single cells."""
    header, rows = rows_of(history, form)
    junk = st.sampled_from(["", " ", "-1", "x", "1,5", "1,996", '"', "a\nb", "Market", "A -> B"])
    for row in rows:
        for at in data.draw(st.sets(st.integers(0, len(row) - 1), max_size=2)):
            row[at] = data.draw(junk | st.text(max_size=5))
        row[data.draw(st.integers(1, len(row))) :] = data.draw(st.lists(junk, max_size=2))
    lines = printed(header, rows).splitlines(keepends=True)
    lines.insert(
        data.draw(st.integers(1, len(lines))), data.draw(st.sampled_from(["\n", ",,\n", '"\n']))
    )
    text = "".join(lines)
    try:
        statement = read_statement_text(text)
    except BitstampLedgerError:
        return  # NUL bytes and the like, drawn as text.

    assert_balanced(statement)


def assert_read_or_refused(content: bytes) -> None:
    try:
        statement = read_statement(content)
    except BitstampLedgerError:
        return
    assert_balanced(statement)


@given(content=st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_no_content_raises_anything_but_our_errors(content: bytes) -> None:
    """No exception of csv, codecs or the model crosses the door."""
    assert_read_or_refused(content)
    assert_read_or_refused(G1_HEADER.encode() + b"\n" + content)
    assert_read_or_refused(G2_HEADER.encode() + b"\n" + content)


@given(rows=st.lists(st.lists(st.text(max_size=8), max_size=16), max_size=4), form=forms)
def test_no_cells_raise_anything_but_our_errors(rows: list[list[str]], form: str) -> None:
    """Control characters and digits of other scripts included."""
    assert_read_or_refused(printed(G1_HEADER if form == "g1" else G2_HEADER, rows).encode())


def test_half_a_surrogate_pair_is_refused() -> None:
    """No file can hold it, so no digest of the file exists."""
    with pytest.raises(StatementError):
        read_statement_text(G1_HEADER + "\n\ud800")
