"""The sample package in `examples/sink-plugin`: it keeps the contract, and is found by its name."""

import importlib
import sys
import tomllib
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from bitstamp_ledger import sinks
from bitstamp_ledger.errors import SinkError
from bitstamp_ledger.sinks import GROUP, Sink
from bitstamp_ledger.testing import SinkContract, StoredRow
from tests.sinks.examples import TRADE

EXAMPLE = Path(__file__).parents[2] / "examples" / "sink-plugin"
MODULE = "bitstamp_ledger_markdown"


@pytest.fixture(autouse=True)
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Install the package as its metadata says."""
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text())["project"]
    folder = tmp_path_factory.mktemp("site")
    info = folder / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    )
    points = project["entry-points"][GROUP]
    lines = [f"[{GROUP}]", *(f"{name} = {value}" for name, value in points.items()), ""]
    (info / "entry_points.txt").write_text("\n".join(lines))
    (folder / f"{MODULE}.py").write_text((EXAMPLE / f"{MODULE}.py").read_text())
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    yield
    sys.path.remove(str(folder))
    sys.modules.pop(MODULE, None)


def test_it_is_opened_by_its_name_once_its_losses_are_agreed_to(tmp_path: Path) -> None:
    """As a user of the package would."""
    assert "markdown" in sinks.names()
    with pytest.raises(SinkError, match="It loses time: seconds are cut off"):
        sinks.open("markdown", path=tmp_path / "out.md")

    with sinks.open(f"markdown:{tmp_path}/out.md", lossy=True) as out:
        out.write([TRADE])

    assert (tmp_path / "out.md").read_text() == (
        "| id | time (UTC) | account | amounts | fee |\n"
        "| --- | --- | --- | --- | --- |\n"
        "| Main Account/trade/458264332 | 2024-03-01 00:41 | Main Account "
        "| 0.00000001 BTC, -0.0004 EUR | 0.00 EUR |\n"
    )


def test_it_describes_itself() -> None:
    """With what it loses, before anybody opens it."""
    found = sinks.describe("markdown")

    assert found.distribution == "bitstamp-ledger-markdown"
    assert found.capabilities is not None
    assert [loss.column for loss in found.capabilities.losses] == ["time", "raw"]


class TestMarkdown(SinkContract):
    """The rules of every sink."""

    def make(self, place: Path) -> Sink:
        return sinks.load("markdown")(path=place / "out.md")

    def stored(self, place: Path) -> Iterable[StoredRow]:
        path = place / "out.md"
        if not path.exists():
            return
        for line in path.read_text("utf-8").split("\n")[2:-1]:
            cells = [_plain(cell) for cell in _cells(line)]
            amounts = [amount for amount in cells[3].split(", ") if amount]
            yield StoredRow(
                id=cells[0],
                account=cells[2],
                amounts=tuple(Decimal(amount.split()[0]) for amount in amounts),
            )


def _cells(line: str) -> list[str]:
    whole = line.removeprefix("| ").removesuffix(" |")
    marked = whole.replace("\\\\", "\0").replace("\\|", "\1").split(" | ")
    return [cell.replace("\1", "|").replace("\0", "\\") for cell in marked]


def _plain(cell: str) -> str:
    return cell.replace("&#13;", "\r").replace("&#10;", "\n")
