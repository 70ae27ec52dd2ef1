"""Values as notebook cells: small, safe, and readable in any theme."""

from pathlib import Path

import pytest

from bitstamp_ledger.ledger import Ledger
from bitstamp_ledger.report import show
from tests.ledger import books
from tests.report.samples import HOSTILE, HOSTILE_NAME, Page, a_proof, a_result, statements

SAFE = {"p", "strong", "table", "caption", "thead", "tbody", "tr", "th", "td"}


@pytest.fixture
def cells(tmp_path: Path) -> dict[str, str]:
    """Every value that has a cell, made of hostile files."""
    read = statements(tmp_path, HOSTILE_NAME)
    result = a_result(read)
    with Ledger.open(tmp_path / "l.db") as ledger:
        values = {
            "sync": ledger.sync(books.Book([books.trade(1)], account=HOSTILE)),
            "import": ledger.import_file(tmp_path / HOSTILE_NAME),
            "import again": ledger.import_file(tmp_path / HOSTILE_NAME),
            "ledger": ledger,
            "reconciliation": result,
            "proof": a_proof(),
            "statement": read[0],
            "entries": show(result.entries),
            "no entries": show([]),
        }
        return {name: value._repr_html_() for name, value in values.items()}  # type: ignore[attr-defined]


def test_a_cell_is_nothing_but_text_and_tables(cells: dict[str, str]) -> None:
    """Whatever the file says."""
    for name, text in cells.items():
        page = Page(text)
        assert page.tags <= SAFE, name
        attributes = {key for each in page.elements for key in each.attributes}
        assert attributes <= {"style", "scope"}, name
    assert any(HOSTILE_NAME in each.text for each in Page(cells["reconciliation"]).all("td"))


def test_a_cell_takes_on_the_colours_around_it(cells: dict[str, str]) -> None:
    """Notebooks are dark or light by settings of their own; lines are a shade between."""
    styles = {
        part.split(":")[0]
        for text in cells.values()
        for each in Page(text).elements
        for part in str(each.attributes.get("style", "")).split(";")
        if part
    }
    assert styles == {
        *("border-collapse", "border-bottom", "font", "margin", "padding", "text-align"),
    }


def test_a_cell_stays_small(cells: dict[str, str]) -> None:
    """It stands in a file that people keep."""
    assert max(map(len, cells.values())) < 40_000


def test_a_cell_says_what_matters_first(cells: dict[str, str]) -> None:
    """In a sentence."""
    first = {name: Page(text).elements[0].text for name, text in cells.items()}
    assert first["proof"] == "Proof does not hold"
    assert first["reconciliation"] == (
        "11 received = 7 kept + 2 witnessed + 2 quarantined + 0 suppressed: "
        "every input is accounted for"
    )
    assert first["import again"].endswith("was there already; nothing changed")
    assert "1 records read, 1 of them new." in first["sync"]
    assert first["no entries"] == "Entries: 0"
