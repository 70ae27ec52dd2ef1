"""Beancount, hledger and Ledger files keep the contract of sinks, read as text."""

import datetime as dt
import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitstamp_ledger.sinks import Sink
from bitstamp_ledger.sinks._one_line import escaped
from bitstamp_ledger.testing import SinkContract, StoredRow
from tests.sinks.accounting_programs import SINKS, sink_of

_FACT: Final = re.compile(r' +(?:; )?(id|account|time): ("?)(.*)\2').fullmatch
_HELD: Final = re.compile(r" +Assets:Bitstamp:\S+  (\S+) .*").fullmatch
_NO_AMOUNT: Final = re.compile(r"; States no amount: id ([^;]+); time ([^;]+); .*").fullmatch


def rows_in(text: str) -> Iterator[StoredRow]:
    """Transactions and comments, in the order of the file."""
    for block in text.split("\n\n"):
        lines = block.splitlines()
        facts = {found[1]: found[3] for line in lines if (found := _FACT(line))}
        comment = _NO_AMOUNT(lines[-1]) if lines else None
        if comment:
            time = dt.datetime.fromisoformat(comment[2])
            yield StoredRow(id=unquote(comment[1]), amounts=(), time=time)
        elif facts:
            account = facts["account"].replace('\\"', '"').replace("\\\\", "\\")
            yield StoredRow(
                id=unquote(facts["id"]),
                amounts=tuple(Decimal(found[1]) for line in lines if (found := _HELD(line))),
                account=unquote(account),
                time=dt.datetime.fromisoformat(facts["time"]),
            )


@pytest.mark.parametrize("program", SINKS, indirect=True)
class TestAccountingFiles(SinkContract):
    @pytest.fixture(autouse=True)
    def program(self, request: pytest.FixtureRequest) -> None:
        self.name: str = request.param

    def make(self, place: Path) -> Sink:
        sink: Sink = sink_of(self.name, place / "books")
        return sink

    def stored(self, place: Path) -> Iterable[StoredRow]:
        path = place / "books"
        return rows_in(path.read_text("utf-8")) if path.exists() else ()

    def crash(self, sink: Sink) -> None:
        """Only the warning about a file that is never closed is avoided."""
        books: Any = sink
        books._replacement._file.close()


@given(text=st.text(st.characters(exclude_categories=())))
def test_any_text_comes_back_from_one_line(text: str) -> None:
    """Without what separates values, at whose edges programs remove spaces."""
    line = escaped(text)

    assert unquote(line, errors="surrogatepass") == text
    assert line.isprintable()
    assert line == " ".join(line.split())
    assert not set(";,[]") & set(line)


@pytest.mark.parametrize("text", ["Main Account/trade/163402118", "Zürich 東京", "=1+1", 'a"b|c'])
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    """People read it, and search for it."""
    assert escaped(text) == text
