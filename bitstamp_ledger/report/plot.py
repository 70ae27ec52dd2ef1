"""Plots of entries and of a reconciliation; extra ``plot``.

1. Each function draws on the axes that it is given, or on new ones, and returns them.
2. Sums are exact; only what is drawn is a float, which no number is read back from.
3. What is told apart by colour is told apart by shape or hatching as well.
"""

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Final, Literal

from bitstamp_ledger.errors import MissingExtraError
from bitstamp_ledger.model import ENTRY_KINDS, Entry, exact_sum
from bitstamp_ledger.reconcile import Reconciliation

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "balance_over_time",
    "balances_over_time",
    "entries_per_month",
    "fees_per_year",
    "reconciliation_map",
]

_COLOURS: Final = ("#2f7f6f", "#4c86c0", "#d9a441", "#b5443c", "#7a5ea8", "#8a8f98")
_HATCHES: Final = ("", "//", "..", "xx", "--", "\\\\")
_API: Final = "API"

_SUSPECT: Final = "suspect or in conflict"

_MARKS: Final = {
    "matched": ("|", _COLOURS[0]),
    "in one source only": (".", _COLOURS[5]),
    "new": ("^", _COLOURS[2]),
    _SUSPECT: ("X", _COLOURS[3]),
}
"""Shape and colour of what a reconciliation says of an entry."""

_SIZES: Final = {"|": 120, ".": 30, "^": 70, "X": 70}
"""What is rare stands out; what is common makes a band."""


def balance_over_time(
    entries: Iterable[Entry], currency: str, *, ax: "Axes | None" = None
) -> "Axes":
    """Draw what entries add up to in one currency, from their first effect on.

    Args:
        entries: in any order.
        currency: the code.
        ax: where to draw.

    Raises:
        MissingExtraError: the extra ``plot`` is not installed.
    """
    changes = _changes(entries)
    axes = _new_axes() if ax is None else ax
    _draw_balance(axes, currency.upper(), changes.get(currency.upper(), []))
    return axes


def balances_over_time(
    entries: Iterable[Entry], currencies: Iterable[str] | None = None
) -> "Figure":
    """Draw what entries add up to, a plot for each currency, one below the other.

    Args:
        entries: in any order.
        currencies: these only, in this order; without it, all that occur, by name.

    Raises:
        MissingExtraError: the extra ``plot`` is not installed.
    """
    changes = _changes(entries)
    shown = sorted(changes) if currencies is None else [each.upper() for each in currencies]
    rows = max(len(shown), 1)
    figure, grid = _new_grid(rows, (8.0, 1.9 * rows))
    for axes, currency in zip(grid, shown, strict=False):
        _draw_balance(axes, currency, changes.get(currency, []))
    return figure


def entries_per_month(
    entries: Iterable[Entry],
    *,
    by: Literal["kind", "source"] = "kind",
    ax: "Axes | None" = None,
) -> "Axes":
    """Draw how many entries there are in each month, stacked by kind or by source.

    Args:
        entries: in any order.
        by: ``kind``, or ``source``: the API, or the file by its path.
        ax: where to draw.

    Raises:
        MissingExtraError: the extra ``plot`` is not installed.
    """
    numbers: Counter[tuple[str, str]] = Counter()
    for entry in entries:
        numbers[entry.kind if by == "kind" else _source(entry), f"{entry.time:%Y-%m}"] += 1
    months = _months({month for _, month in numbers})
    names = sorted({name for name, _ in numbers}, key=_rank)
    axes = _new_axes() if ax is None else ax
    _stack(axes, months, {name: [numbers[name, month] for month in months] for name in names})
    axes.set_title(f"Entries per month by {by}")
    axes.set_ylabel("entries")
    return axes


def fees_per_year(entries: Iterable[Entry], currency: str, *, ax: "Axes | None" = None) -> "Axes":
    """Draw the fees that entries state in one currency, year by year.

    The title says how many entries state no fee: what they cost is not in the bars.

    Args:
        entries: in any order.
        currency: the code.
        ax: where to draw.

    Raises:
        MissingExtraError: the extra ``plot`` is not installed.
    """
    code = currency.upper()
    sums: dict[str, Decimal] = {}
    silent = 0
    for entry in entries:
        if entry.fee is None:
            silent += 1
        elif entry.fee.currency == code:
            year = f"{entry.time:%Y}"
            sums[year] = exact_sum(sums.get(year, Decimal(0)), entry.fee.value)
    axes = _new_axes() if ax is None else ax
    years = [f"{year}" for year in _range(sums)]
    bars = axes.bar(years, [float(sums.get(year, Decimal(0))) for year in years], color=_COLOURS[1])
    axes.bar_label(bars, [f"{sums.get(year, Decimal(0)):f}" for year in years], fontsize="small")
    axes.set_title(f"Fees per year in {code} ({silent:,} entries state none)")
    axes.set_ylabel(code)
    return axes


def reconciliation_map(result: Reconciliation, *, ax: "Axes | None" = None) -> "Axes":
    """Draw the API and each file on one time line: what matched, what is new, what is not sure.

    Args:
        result: of `bitstamp_ledger.reconcile`, or of `Ledger.reconcile`.
        ax: where to draw.

    Raises:
        MissingExtraError: the extra ``plot`` is not installed.
    """
    points: dict[str, list[tuple[dt.datetime, str]]] = defaultdict(list)
    for source, time, what in _fates(result):
        points[what].append((time, source))
    files = sorted({source for each in points.values() for _, source in each} - {_API})
    lines = [*reversed(files), _API]
    axes = _new_axes() if ax is None else ax
    for what, (marker, colour) in _MARKS.items():
        if found := points.get(what):
            times, sources = zip(*found, strict=True)
            axes.scatter(
                times,
                [lines.index(source) for source in sources],
                marker=marker,
                s=_SIZES[marker],
                color=colour,
                label=f"{what} ({len(found):,})",
            )
    axes.set_yticks(range(len(lines)), [_literal(line) for line in lines])
    axes.set_ylim(-0.6, len(lines) - 0.4)
    axes.grid(axis="y", alpha=0.3)
    axes.set_title("Reconciliation map")
    _legend(axes, bool(points))
    return axes


# -- what is drawn


def _changes(entries: Iterable[Entry]) -> dict[str, list[tuple[dt.datetime, Decimal]]]:
    """Return every change of a balance by currency, in the order of time."""
    found: dict[str, list[tuple[dt.datetime, Decimal]]] = defaultdict(list)
    for entry in sorted(entries, key=lambda each: each.time):
        for currency, change in entry.effect.items():
            found[currency].append((entry.time, change))
    return dict(found)


def _fates(result: Reconciliation) -> Iterable[tuple[str, dt.datetime, str]]:
    """Yield source, time and fate of every record and every row."""
    suspects = {id(each.row) for each in result.suspects}
    suspects |= {id(row) for each in result.conflicts for row in each.file}
    for match in (*result.matches, *result.file_matches):
        for entry in (*match.api, *match.file):
            yield _source(entry), entry.time, "matched"
    for entry in result.api_only:
        yield _source(entry), entry.time, "in one source only"
    for row in result.new:
        yield _source(row), row.time, _SUSPECT if id(row) in suspects else "new"


def _source(entry: Entry) -> str:
    if entry.source.row is None:
        return _API
    return entry.source.path or "a statement"


def _rank(name: str) -> tuple[int, str]:
    """Order kinds as the model does, the API before files, and files by name."""
    known = [_API, *(kind.kind for kind in ENTRY_KINDS)]
    return known.index(name) if name in known else len(known), name


def _months(found: Iterable[str]) -> list[str]:
    """Return all months from the first to the last, those without anything as well."""
    numbers = [int(month[:4]) * 12 + int(month[5:]) - 1 for month in found]
    if not numbers:
        return []
    span = range(min(numbers), max(numbers) + 1)
    return [f"{number // 12:04}-{number % 12 + 1:02}" for number in span]


def _range(years: Iterable[str]) -> range:
    numbers = [int(year) for year in years]
    return range(min(numbers), max(numbers) + 1) if numbers else range(0)


# -- how it is drawn


def _draw_balance(
    axes: "Axes", currency: str, changes: Sequence[tuple[dt.datetime, Decimal]]
) -> None:
    totals, total = [], Decimal(0)
    for _, change in changes:
        total = exact_sum(total, change)
        totals.append(float(total))
    times = [time for time, _ in changes]
    axes.step(times, totals, where="post", color=_COLOURS[0])  # type: ignore[arg-type]  # takes times
    axes.axhline(0, color=_COLOURS[5], linewidth=0.8)
    axes.set_ylabel(_literal(currency))
    axes.set_title(f"{_literal(currency)}: {total:f}", loc="left", fontsize="medium")


def _stack(axes: "Axes", labels: Sequence[str], series: Mapping[str, Sequence[int]]) -> None:
    below = [0] * len(labels)
    for number, (name, heights) in enumerate(series.items()):
        axes.bar(
            range(len(labels)),
            heights,
            bottom=below,
            label=f"{_literal(name)} ({sum(heights):,})",
            color=_COLOURS[number % len(_COLOURS)],
            hatch=_HATCHES[(number + number // len(_COLOURS)) % len(_HATCHES)],
            edgecolor="white",
            linewidth=0,
        )
        below = [one + other for one, other in zip(below, heights, strict=True)]
    step = max(len(labels) // 12, 1)
    axes.set_xticks(range(0, len(labels), step), labels[::step], rotation=45, ha="right")
    _legend(axes, bool(series))


def _legend(axes: "Axes", anything: bool) -> None:
    if anything:
        axes.legend(fontsize="small", loc="upper left", bbox_to_anchor=(1.0, 1.0))


def _literal(text: str) -> str:
    """Return text that is drawn as it is: a dollar sign would begin a formula."""
    return text.replace("$", r"\$")


def _new_axes() -> "Axes":
    _, (axes,) = _new_grid(1, (8.0, 4.0))
    return axes


def _new_grid(rows: int, size: tuple[float, float]) -> "tuple[Figure, list[Axes]]":
    try:
        import matplotlib.pyplot as plt  # noqa: PLC0415 - an optional package
    except ModuleNotFoundError:
        raise MissingExtraError("A plot", extra="plot") from None
    figure, grid = plt.subplots(
        rows, squeeze=False, sharex=True, figsize=size, layout="constrained"
    )
    return figure, list(grid[:, 0])
