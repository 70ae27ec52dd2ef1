"""A page needs nothing else, hides nothing, and does nothing that a file tells it to."""

import base64
import hashlib
import itertools
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitstamp_ledger import BitstampLedgerError
from bitstamp_ledger.report import (
    Card,
    ComparedFact,
    Comparison,
    Report,
    Section,
    Table,
)
from tests.report.samples import HOSTILE, HOSTILE_NAME, Page, a_proof, a_result, statements


@pytest.fixture
def text(tmp_path: Path) -> str:
    """A page of hostile files."""
    read = statements(tmp_path, HOSTILE_NAME)
    return a_result(read).report(also=[*read, a_proof()]).to_html()


def a_report(words: str) -> Report:
    """Put one text into every place of a page."""
    table = Table(
        name="t",
        title=words,
        columns=(words, "amounts", "kind", "fee (UTC)"),
        # What can be chosen is offered where values differ: they do, whatever the text is.
        rows=((words, words, words, words), (f"{words}a",) * 4),
        total=2,
        choices=frozenset({words, "kind"}),
        numeric=frozenset({words}),
    )
    fact = ComparedFact(name=words, left=words, right=words, verdict=words, differs=True)
    section = Section(
        name=words,
        title=words,
        short=words,
        text=words,
        card=Card(title=words, figure=words, text=words),
        comparisons=(Comparison(title=words, text=words, left=words, right=words, facts=(fact,)),),
        tables=(table,),
    )
    return Report(title=words, subject=words, sections=(section,), words=((words, words),))


SHAPE = [element.tag for element in Page(a_report("x").to_html()).elements]


@given(st.text(min_size=1) | st.sampled_from([HOSTILE, "</title>", "-->", "]]>", "{{ 1 }}", "`"]))
def test_no_text_changes_what_a_page_is_made_of(words: str) -> None:
    """Whatever a file, a label or a cell says, it is text: no element comes or goes."""
    page = Page(a_report(words).to_html())
    assert [element.tag for element in page.elements] == SHAPE


@given(st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1))
def test_a_text_stands_on_the_page_as_it_is(words: str) -> None:
    """Nothing is lost by making it safe."""
    page = Page(a_report(words).to_html())
    assert page.all("title")[0].text == words
    assert page.all("mark")[0].text == words


def test_what_is_not_printable_is_spelled_out() -> None:
    """A mark that turns the reading direction could make a row say something else."""
    text = a_report("a\u202eb\x1b[2J").to_html()
    assert "\u202e" not in text
    assert "a\\u202eb\\x1b[2J" in text


def test_the_only_script_is_ours_and_is_named_by_its_digest(text: str) -> None:
    """A browser runs no other, even where escaping had failed."""
    page = Page(text)
    (script,), (style,) = page.all("script"), page.all("style")
    assert script.attributes == {}
    policy = next(
        each.attributes["content"]
        for each in page.all("meta")
        if each.attributes.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy == (
        f"default-src 'none'; style-src '{digest(style.text)}'; "
        f"script-src '{digest(script.text)}'; base-uri 'none'; form-action 'none'"
    )


def digest(text: str) -> str:
    """Return what a content security policy names a text by."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def test_the_script_makes_no_html_of_what_it_reads(text: str) -> None:
    """It sets text, and evaluates nothing."""
    (script,) = Page(text).all("script")
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacent|document\.write|eval|Function\(|fetch|XMLHttp|import\(",
        script.text,
    )


def test_a_page_loads_nothing(text: str) -> None:
    """No address of anything, but places of the page itself."""
    page = Page(text)
    attributes = [pair for each in page.elements for pair in each.attributes.items()]
    assert not {name for name, _ in attributes} & {"src", "srcset", "action", "style", "data"}
    assert not [name for name, _ in attributes if name.startswith("on")]
    assert {str(value)[:1] for name, value in attributes if name == "href"} == {"#"}
    assert not page.tags & {"img", "iframe", "link", "object", "form", "base", "embed"}
    assert "url(" not in page.all("style")[0].text
    assert "@import" not in page.all("style")[0].text


def test_every_place_that_is_pointed_to_exists_once(text: str) -> None:
    """Links, labels and names of regions."""
    page = Page(text)
    ids = [each.attributes["id"] for each in page.elements if "id" in each.attributes]
    assert len(ids) == len(set(ids))
    pointed = [
        str(each.attributes[name]).removeprefix("#")
        for each in page.elements
        for name in ("href", "for", "aria-labelledby")
        if name in each.attributes
    ]
    assert set(pointed) <= set(ids)


def test_a_page_can_be_read_without_seeing_it(text: str) -> None:
    """Its language, its parts, one first heading, and a scope for every header."""
    page = Page(text)
    assert page.all("html")[0].attributes["lang"] == "en"
    assert {"header", "nav", "main", "footer"} <= page.tags
    assert len(page.all("h1")) == 1
    levels = [int(each.tag[1]) for each in page.elements if re.fullmatch("h[1-6]", each.tag)]
    assert all(low <= high + 1 for high, low in itertools.pairwise(levels))
    assert {each.attributes.get("scope") for each in page.all("th")} == {"col", "row"}
    assert len(page.all("table")) > 5


def test_hostile_names_are_still_readable(text: str) -> None:
    """A person must be able to find the file."""
    cells = [each.text for each in Page(text).all("td")]
    assert any(cell.endswith(HOSTILE_NAME) for cell in cells)
    assert HOSTILE_NAME not in text


def test_a_page_says_what_it_does_not_list(tmp_path: Path) -> None:
    """At the top, and at each table; and that nothing is missing where nothing is."""
    result = a_result(statements(tmp_path))
    assert "Nothing is left out of this page." in result.report().to_html()
    text = result.report(limit=1).to_html()
    assert "Nothing is left out" not in text
    assert text.count("Listed: the first 1. Only counted: the other 7.") == 2


def test_the_same_result_makes_the_same_bytes(tmp_path: Path) -> None:
    """So that two pages can be compared; the file has the line ends that the digests are of."""
    result = a_result(statements(tmp_path))
    result.to_html(tmp_path / "one.html")
    assert (tmp_path / "one.html").read_bytes() == result.report().to_html().encode()
    assert b"\r" not in (tmp_path / "one.html").read_bytes()


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """As an error of this package."""
    with pytest.raises(BitstampLedgerError, match=r"no folder.page\.html cannot be written: No"):
        a_report("x").write(tmp_path / "no folder" / "page.html")


def test_without_jinja_only_the_page_is_missed() -> None:
    """Data and notebook cells need nothing; the error says what to install."""
    program = (
        "import sys; sys.modules['jinja2'] = None\n"
        "import bitstamp_ledger as bl\n"
        "result = bl.reconcile([], [])\n"
        "print(len(result.report().sections), len(result._repr_html_()) > 100)\n"
        "try: result.to_html('page.html')\n"
        "except bl.MissingExtraError as error: print(error.extra, error.hint)\n"
    )
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=False
    )
    assert (done.stdout.splitlines(), done.stderr) == (
        ["7 True", "report Run: pip install 'bitstamp-ledger[report]'"],
        "",
    )
