"""The short way from a row to a trade gives what the long way gives."""

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitstamp_ledger.files import Statement, read_statement_text
from tests.files.samples import G1_HEADER, G2_HEADER, Fill, fills, g2_with, printed

CELLS = (
    *("", " ", "0", "0.0", "00.5", "007", ".5", "5.", "1.50", "-1", "+1", "1_0", "NaN", "1E-3"),
    *("1,5", "1.234.567", "1 234", "12345678.12345678", "123456789.12000002", "9.30000000001"),
    *("\u0661", "\u00b2", "EUR", "eur", "XBT", "CHF", "Buy", "SELL", "Market", "market", "7.0"),
    *(
        "2021-03-28T00:41:36Z",
        "2021-03-28T00:41Z",
        "2021-03-28 00:41:36",
        "2021-13-28T00:41:36Z",
    ),
    *("2021-03-28T004136.5Z", "2021-W12-7T00:41:36Z", "1451239907391480", "1.34221E+15"),
)


def stated(statement: Statement, row: int) -> object:
    """Return everything that is said about a row, but for where it stands."""
    for entry in statement.entries:
        if entry.source.row == row:
            alike = attrs.evolve(entry.source, row=1)
            content = entry.id.rpartition("-")[0]  # Without how often it was met.
            return attrs.evolve(entry, id=content, source=alike), entry.source.raw
    for problem in statement.problems:
        if problem.row == row:
            return attrs.evolve(problem, row=1), problem.raw
    return "set aside"


def assert_same_behind(header: str, before: list[str], row: list[str]) -> None:
    """The first row of a file always goes the long way, and a like one behind it the short way."""
    alone = read_statement_text(printed(header, [row]))
    behind = read_statement_text(printed(header, [before, row]))
    repeats = [entry.id.rpartition("-")[0] for entry in behind.entries]

    assert stated(behind, 2) == stated(alone, 1), row
    if len(repeats) == 2:
        assert behind.entries[1].id.endswith("-2" if repeats[0] == repeats[1] else "-1")


@pytest.mark.parametrize("column", G2_HEADER.split(","))
def test_no_cell_is_taken_for_granted(column: str) -> None:
    """Each cell of a usual row, replaced by whatever else can stand there."""
    before, usual = (g2_with(ID=id_).splitlines()[1].split(",") for id_ in ("70", "80"))
    at = G2_HEADER.split(",").index(column)
    for text in CELLS:
        assert_same_behind(G2_HEADER, before, [*usual[:at], text, *usual[at + 1 :]])


@settings(max_examples=150)
@given(
    first=fills,
    second=fills,
    form=st.sampled_from(["g1", "g2"]),
    changes=st.dictionaries(st.integers(0, 13), st.sampled_from(CELLS), max_size=3),
)
def test_a_row_says_the_same_after_others(
    first: Fill, second: Fill, form: str, changes: dict[int, str]
) -> None:
    """Whatever is in some of its cells."""
    header = G1_HEADER if form == "g1" else G2_HEADER
    second = attrs.evolve(second, base=first.base, quote=first.quote)
    before, row = (fill.g1() if form == "g1" else fill.g2() for fill in (first, second))
    for at, text in changes.items():
        row[at % len(row)] = text
    assert_same_behind(header, before, row)


@given(fill=fills, sells=st.booleans())
def test_a_value_of_nothing_has_no_sign(fill: Fill, sells: bool) -> None:
    """Amounts too small for two decimals are printed as 0."""
    row = attrs.evolve(fill, buy=not sells, value=fill.value * 0).g2()
    statement = read_statement_text(printed(G2_HEADER, [row, row]))

    assert {str(entry.legs[1].value) for entry in statement.entries} == {"0.00"}


@pytest.mark.parametrize("cell", ["main", " Main Account", "", "Savings"])
def test_an_account_is_kept_as_it_was_printed(cell: str) -> None:
    """Its one name is that of the entry; the cells are those of the row."""
    texts = [g2_with(ID=str(number), Account=cell).splitlines()[1] for number in (70, 80, 90)]
    statement = read_statement_text("\n".join([G2_HEADER, *texts, ""]))

    assert [entry.source.raw["Account"] for entry in statement.entries] == [cell] * 3
