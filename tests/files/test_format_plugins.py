"""Formats of other packages: found by entry point, judged by what they account for."""

import datetime as dt
import sys
from collections.abc import Callable
from pathlib import Path

import attrs
import pytest

from bitstamp_ledger.errors import PluginError
from bitstamp_ledger.files import (
    Reading,
    Shape,
    StatementFormat,
    Table,
    ZoneBasis,
    formats,
    read_statement_text,
)
from bitstamp_ledger.files.bitstamp_g2 import FORMAT as G2
from bitstamp_ledger.model import Deposit, Precision, Source

PLUGIN = """
import datetime as dt
from bitstamp_ledger.files import Shape, StatementFormat, ZoneBasis
from bitstamp_ledger.model import Deposit, Precision, Source

def read(table, reading):
    def read_row(row, cells):
        account = reading.account_of("")
        return Deposit(
            id=reading.identity(account, "deposit", "|".join(cells)),
            time=reading.instant(dt.datetime.fromisoformat(cells[0])),
            account=account,
            source=Source(row=row),
        )
    reading.each_row(table, read_row)

FORMAT = StatementFormat(
    name="{name}",
    title="Example",
    shapes=(Shape(required=("When", "What"), optional=frozenset({{"Note"}})),),
    precision=Precision(time_step=dt.timedelta(days=1), account_stated=False),
    zone=ZoneBasis.ASSUMED,
    read=read,
)
"""

Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Return a function that puts a distribution with one format on the path."""

    def add(distribution: str, name: str, source: str | None = None) -> None:
        root = tmp_path / distribution
        info = root / f"{distribution}-1.0.dist-info"
        info.mkdir(parents=True)
        module = f"plugin_{distribution}"
        text = PLUGIN.format(name=name) if source is None else source
        (root / f"{module}.py").write_text(text, encoding="utf-8")
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\n")
        (info / "entry_points.txt").write_text(
            f"[bitstamp_ledger.statements]\n{name} = {module}:FORMAT\n"
        )
        monkeypatch.syspath_prepend(root)
        monkeypatch.delitem(sys.modules, module, raising=False)

    return add


def test_an_installed_format_is_recognised(install: Install) -> None:
    """Its optional column may be there or not."""
    install("example", "example")

    assert "example" in formats()
    for header in ("When,What", "What,When,Note"):
        cells = "2022-01-02,x" if header == "When,What" else "2022-01-02,2022-01-02,x"
        statement = read_statement_text(f"{header}\n{cells}\n", account="Bot")
        assert statement.format == "example"
        assert statement.accounts == ("Bot",)
        assert statement.zone.basis is ZoneBasis.ASSUMED
        assert any("do not name" in sentence for sentence in statement.lossy)


def test_its_name_is_listed_without_importing_it(install: Install) -> None:
    """A broken plug-in must not break the list."""
    install("broken", "broken", "raise RuntimeError('no')")

    assert "broken" in formats()
    assert read_statement_text(",".join(G2.shapes[0].required)).format == "bitstamp-g2"


def test_one_that_does_not_load_is_named(install: Install) -> None:
    """When it is asked for."""
    install("broken", "broken", "raise RuntimeError('no')")

    with pytest.raises(PluginError, match="'broken' does not load: no") as caught:
        read_statement_text("a,b", format="broken")

    assert caught.value.name == "broken"


def test_one_that_is_no_format_is_named(install: Install) -> None:
    """The contract is a StatementFormat of the registered name."""
    install("wrong", "wrong", "FORMAT = 3")

    with pytest.raises(PluginError, match="not a StatementFormat"):
        read_statement_text("a,b", format="wrong")


@pytest.mark.parametrize("name", ["example", "bitstamp-g1"])
def test_a_name_claimed_twice_is_an_error(install: Install, name: str) -> None:
    """First come, first served would depend on the order of the path."""
    install("one", name)
    install("two", name)

    with pytest.raises(PluginError, match="claimed more than once") as caught:
        read_statement_text("a,b", format=name)

    assert "one" in str(caught.value.hint)
    assert "two" in str(caught.value.hint)


def _twice(table: Table, reading: Reading) -> None:
    for row in range(1, len(table.rows) + 1):
        reading.set_aside(row, "first")
        reading.set_aside(row, "again")


def _never(_table: Table, _reading: Reading) -> None:
    return


@pytest.mark.parametrize(
    ("read", "words"), [(_twice, "used more than once: 1, 2"), (_never, "rows lost: 1, 2")]
)
def test_a_format_must_account_for_every_row_once(
    read: Callable[[Table, Reading], None], words: str
) -> None:
    """Nothing is dropped in silence, not even by others' code."""
    form = attrs.evolve(G2, read=read)
    table = Table(columns=("ID",), rows=[["1"], ["2"]])
    reading = Reading(form)
    form.read(table, reading)

    with pytest.raises(PluginError, match=words):
        reading.statement(table, digest="")


def test_an_entry_may_end_several_rows() -> None:
    """As in files that print one row for each leg."""
    form = StatementFormat(
        name="legs",
        title="Legs",
        shapes=(Shape(required=("ID",)),),
        precision=Precision(time_step=dt.timedelta(seconds=1)),
        zone=ZoneBasis.ASSUMED,
        read=_never,
    )
    reading = Reading(form)
    time = dt.datetime(2022, 1, 1, tzinfo=dt.UTC)
    reading.keep(Deposit(id="x", time=time, source=Source(row=1)), 2)
    statement = reading.statement(Table(columns=("ID",), rows=[["1"], ["2"]]), digest="")

    assert (statement.counts.rows, statement.counts.kept, len(statement.entries)) == (2, 2, 1)
    assert statement.counts.balanced
