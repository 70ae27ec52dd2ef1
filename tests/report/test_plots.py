"""Plots draw what the entries say, on the axes that they are given."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import pytest

from bitstamp_ledger import parse_user_transactions
from bitstamp_ledger.report import plot
from tests.reconcile.builders import records
from tests.report.samples import A, a_result, statements

matplotlib = pytest.importorskip("matplotlib", reason="the extra plot is not installed")
if TYPE_CHECKING or matplotlib:
    import matplotlib.pyplot as plt
    import numpy as np
    from matplotlib.axes import Axes

TWO = [A, attrs.evolve(A, id=2, time="2022-06-01 00:00:00", amount="0.1", price="100", fee="0.50")]


@pytest.fixture(autouse=True)
def _no_window() -> Iterator[None]:
    """Draw into memory."""
    plt.switch_backend("agg")
    yield
    plt.close("all")


@pytest.fixture
def ax() -> Axes:
    """Axes of the caller."""
    return plt.subplots()[1]


def test_a_balance_steps_with_every_effect(ax: Axes) -> None:
    """Legs minus fees; the title has the exact sum."""
    assert plot.balance_over_time(reversed(records(TWO)), "eur", ax=ax) is ax
    (line, _) = ax.lines
    assert [round(float(y), 5) for y in np.asarray(line.get_ydata())] == [-2006.77393, -2017.27393]
    assert ax.get_title(loc="left") == "EUR: -2017.27393"


def test_all_balances_stand_below_each_other() -> None:
    """One plot for each currency, since their scales have nothing in common."""
    figure = plot.balances_over_time(records(TWO))
    assert [each.get_ylabel() for each in figure.axes] == ["BTC", "EUR"]
    assert [each.get_ylabel() for each in plot.balances_over_time([], ["xrp"]).axes] == ["XRP"]
    assert len(plot.balances_over_time([]).axes) == 1


@pytest.mark.parametrize(
    ("by", "names"),
    [("kind", ["trade (7)", "unknown (1)"]), ("source", ["API (3)", "new.csv (3)", "old.csv (2)"])],
)
def test_entries_are_counted_by_month(by: str, names: list[str], tmp_path: Path, ax: Axes) -> None:
    """The legend has the sums."""
    entries = a_result(statements(tmp_path)).entries
    plot.entries_per_month(entries, by=by, ax=ax)  # type: ignore[arg-type]  # one of both
    legend = ax.get_legend()
    assert legend is not None
    assert [each.get_text().rpartition("/")[2] for each in legend.get_texts()] == names


def test_months_without_entries_are_not_left_out(ax: Axes) -> None:
    """A gap in a history is what one looks for."""
    plot.entries_per_month(records(TWO), ax=ax)
    assert len(ax.patches) == 16
    assert next(bar.get_height() for bar in ax.patches) == 1  # type: ignore[attr-defined]
    assert not plot.entries_per_month([]).patches


def test_fees_are_summed_exactly_and_silence_is_counted(ax: Axes) -> None:
    """An entry that states no fee is not one of zero."""
    silent = parse_user_transactions(
        '[{"id": 5, "type": "2", "datetime": "2022-01-01 00:00:00", "btc": "1", "eur": "-1", '
        '"btc_eur": "1"}]'
    )
    plot.fees_per_year([*records(TWO), *silent], "EUR", ax=ax)
    assert ax.get_title() == "Fees per year in EUR (1 entries state none)"
    assert [each.get_text() for each in ax.texts] == ["9.98393", "0.50"]
    assert [each.get_text() for each in plot.fees_per_year([], "EUR").texts] == []


def test_the_map_shows_every_source_on_a_line(tmp_path: Path, ax: Axes) -> None:
    """And every record and row once."""
    result = a_result(statements(tmp_path, "cost$5$.csv"))
    plot.reconciliation_map(result, ax=ax)
    names = [each.get_text().rpartition("/")[2] for each in ax.get_yticklabels()]
    assert names == ["new.csv", r"cost\$5\$.csv", "API"]
    legend = ax.get_legend()
    assert legend is not None
    assert [each.get_text() for each in legend.get_texts()] == [
        *("matched (4)", "in one source only (2)", "new (2)", "suspect or in conflict (3)"),
    ]
    ax.figure.canvas.draw()  # names with dollars are no formulas
    plot.reconciliation_map(result)


def test_without_matplotlib_only_plots_are_missed() -> None:
    """Importing them costs nothing; the error says what to install."""
    program = (
        "import sys; sys.modules['matplotlib'] = None\n"
        "from bitstamp_ledger import MissingExtraError\n"
        "from bitstamp_ledger.report import plot\n"
        "try: plot.fees_per_year([], 'EUR')\n"
        "except MissingExtraError as error: print(error.extra)\n"
    )
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("plot\n", "")
