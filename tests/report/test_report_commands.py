"""The commands that write pages, and the async ledger, which offers them too."""

import asyncio
import json
import sys
from pathlib import Path

import pytest

from bitstamp_ledger.cli import run
from bitstamp_ledger.ledger import AsyncLedger, Ledger
from tests.ledger import books
from tests.reconcile.builders import record
from tests.report.samples import CONFLICTING, A, B, Page, statements


@pytest.fixture
def typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> "Typed":
    """A shell in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return Typed(monkeypatch, capsys)


class Typed:
    """Types commands, and returns what they print."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch = monkeypatch
        self._capsys = capsys

    def __call__(self, *words: str) -> str:
        self._monkeypatch.setattr(sys, "argv", ["bitstamp-ledger", *words])
        assert run() == 0
        return self._capsys.readouterr().out


def test_a_reconciliation_is_written_as_a_page(typed: Typed, tmp_path: Path) -> None:
    """With what the reader of each file has to say."""
    statements(tmp_path)
    Path("page.json").write_text(json.dumps([record(each) for each in (A, B, CONFLICTING)]))
    files = ("--file", "old.csv", "--file", "new.csv")
    said = typed("reconcile", "--api", "page.json", *files, "--html", "page.html")
    assert said.splitlines()[-1] == "Page written to page.html"
    headings = [each.text for each in Page(Path("page.html").read_text()).all("h2")]
    assert headings[:6] == [
        "At a glance",
        "Where everything went",
        "What a person should look at",
        "The files, and how each was read",
        "Reading old.csv",
        "Reading new.csv",
    ]


def test_a_ledger_is_written_as_a_page(typed: Typed) -> None:
    """The limit is that of the lists; 0 lists everything."""
    with Ledger.open("l.db") as ledger:
        ledger.sync(books.Book([books.trade(number) for number in range(1, 6)]))
    typed("report", "--ledger", "l.db", "--out", "some.html", "--limit", "2")
    typed("report", "--ledger", "l.db", "--out", "all.html", "--limit", "0")
    assert "Listed: the first 2. Only counted: the other 3." in Path("some.html").read_text()
    assert "Nothing is left out of this page." in Path("all.html").read_text()


def test_the_async_ledger_writes_the_same_page(tmp_path: Path) -> None:
    """In a thread of its own."""

    async def write() -> None:
        async with await AsyncLedger.open(tmp_path / "l.db") as ledger:
            report = await ledger.report(tmp_path / "page.html")
            assert (tmp_path / "page.html").read_text() == report.to_html()

    asyncio.run(write())
