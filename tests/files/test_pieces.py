"""A plain file is split piece by piece; the seams do not show."""

import pytest

from bitstamp_ledger.files import Table, read_statement_text
from bitstamp_ledger.files._table import PlainLines
from tests.files.samples import G2_HEADER

ROWS = 1_200


def row(number: int, *, amount: str = "1.5", kind: str = "Market") -> str:
    return (
        f"{number},Main Account,{kind},Buy,2021-03-28T00:41:36Z,{amount},BTC,30.00,EUR,20.00,EUR,"
        f"0.10,EUR,{number}"
    )


def printed(*rows: str) -> str:
    return "\n".join([G2_HEADER, *rows, ""])


def test_rows_are_numbered_through() -> None:
    """Entries in the order of the file, each with its row."""
    statement = read_statement_text(printed(*map(row, range(1, ROWS + 1))))

    assert [entry.source.row for entry in statement.entries] == list(range(1, ROWS + 1))
    assert [entry.transaction_id for entry in statement.entries] == list(range(1, ROWS + 1))
    assert statement.counts.kept == ROWS
    assert statement.counts.balanced


def test_equal_rows_count_across_pieces() -> None:
    """The identity of the how-manieth."""
    statement = read_statement_text(printed(*[row(7)] * ROWS))

    numbers = [int(entry.id.rpartition("-")[2]) for entry in statement.entries]
    assert numbers == list(range(1, ROWS + 1))


@pytest.mark.parametrize("at", [1, 500, 501, 1_000, ROWS])
def test_a_bad_row_is_found_where_it_stands(at: int) -> None:
    """Its number, its text, and nothing else."""
    rows = [row(number) for number in range(1, ROWS + 1)]
    rows[at - 1] = row(at, amount="1.2.3")
    (problem,) = read_statement_text(printed(*rows)).problems

    assert (problem.row, problem.column, problem.text) == (at, "Amount", "1.2.3")
    assert problem.raw["ID"] == str(at)


@pytest.mark.parametrize("at", [1, 501, ROWS])
def test_quotes_and_short_rows_change_nothing_else(at: int) -> None:
    """A file with one such row is not plain, and is read all at once."""
    rows = [row(number) for number in range(1, ROWS + 1)]
    plain = read_statement_text(printed(*rows))
    for damaged in (rows[at - 1].replace("Market", '"Market"'), f"{rows[at - 1]},"):
        other = read_statement_text(printed(*rows[: at - 1], damaged, *rows[at:]))
        assert other.entries == plain.entries


def test_a_decimal_comma_at_the_end_is_heard_by_all_rows() -> None:
    """The second look goes through all pieces."""
    rows = [row(number, amount="1") for number in range(1, ROWS)]
    rows = [text.replace(",", ";").replace("30.00", "3.000") for text in rows]
    last = row(ROWS).replace(",", ";").replace("30.00", "3,5").replace("1.5", "1,5")
    header = G2_HEADER.replace(",", ";")
    statement = read_statement_text("\n".join([header, *rows, last, ""]))

    assert str(statement.entries[-1].legs[1].value) == "-3.5"
    assert len(statement.problems) == ROWS - 1  # Their 3.000 can mean both.


def test_a_table_splits_its_lines_once() -> None:
    """All its rows are there for formats that need the whole."""
    table = Table(columns=("a", "b"), rows=PlainLines(["1,2\n", "3,4"], ","), first=5)

    assert list(table.each) == [["1", "2"], ["3", "4"]]
    assert table.rows == [["1", "2"], ["3", "4"]]
    assert table.rows is table.rows
    assert table.numbers == range(5, 7)
    assert [list(piece.numbers) for piece in table.pieces()] == [[5, 6]]
