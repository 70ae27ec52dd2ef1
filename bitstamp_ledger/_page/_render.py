"""A report as one HTML document.

1. The only script and the only style are those of this package.  The page names their digests in
   its content security policy, so that a browser runs no other.
2. No data stands in a script, a style, a URL or an attribute that does anything.
"""

import base64
import functools
import hashlib
import re
from collections.abc import Iterator
from importlib import resources
from typing import Final

import attrs

from bitstamp_ledger._page._values import Chart, Report, ReviewPage, Table, plain
from bitstamp_ledger._version import __version__
from bitstamp_ledger.errors import MissingExtraError

try:
    import jinja2
    from markupsafe import Markup
except ModuleNotFoundError:
    raise MissingExtraError("A report as a page", extra="report") from None

TEMPLATE: Final = "page.html.jinja"
REVIEW: Final = "review.html.jinja"
CHOICES_MAX: Final = 40
"""More different cells are no choice, but a search."""

LABELS_MAX: Final = 14
"""So many labels fit below a chart."""


def render(report: Report) -> str:
    """Return a report as one HTML document that needs nothing else."""
    style, script = (_own(name) for name in ("page.css", "page.js"))
    page = _templates().get_template(TEMPLATE)
    return page.render(
        report=report,
        style=style,
        script=script,
        policy=_policy(style, script),
        version=__version__,
        left_out=[
            table for section in report.sections for table in section.tables if table.left_out
        ],
    )


def render_review(page: ReviewPage) -> tuple[str, str]:
    """Return a page of questions as HTML, and the content security policy to send with it.

    It has no script: all that it does is to send forms to where it came from.
    """
    style = _own("page.css")
    policy = (
        f"default-src 'none'; style-src '{_digest(style)}'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    )
    return _templates().get_template(REVIEW).render(page=page, style=style), policy


@functools.cache
def _templates() -> jinja2.Environment:
    templates = jinja2.Environment(
        autoescape=True,
        loader=jinja2.FunctionLoader(_own),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        # A second line of defence: what is not printable is not printed, wherever it came from.
        finalize=lambda value: plain(value) if type(value) is str else value,
    )
    templates.filters["slug"] = _slug
    templates.filters["choices"] = _choices
    templates.filters["drawing"] = _drawing
    return templates


@functools.cache
def _own(name: str) -> Markup:
    """Return the text of a file of this package."""
    place = resources.files("bitstamp_ledger._page") / "templates" / name
    # A checkout may have turned "\n" into "\r\n", which a browser turns back before it digests.
    return Markup(place.read_text(encoding="utf-8").replace("\r\n", "\n"))  # noqa: S704 - our own


def _policy(style: str, script: str) -> str:
    return (
        f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"


def _slug(name: str) -> str:
    """Return a name that can be an id."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "part"


def _choices(table: Table) -> Iterator[tuple[int, str, list[str]]]:
    """Yield the columns by which rows can be chosen: place, name, different cells."""
    for place, name in enumerate(table.columns):
        if name in table.choices:
            cells = sorted({row[place] for row in table.rows})
            if 1 < len(cells) <= CHOICES_MAX:
                yield place, name, cells


# -- charts


@attrs.frozen(kw_only=True)
class Bar:
    """A part of one column of a chart, in the units of the drawing."""

    series: int
    x: float
    y: float
    width: float
    height: float


@attrs.frozen(kw_only=True)
class Column:
    """All parts of one label."""

    told: str
    """What the column says, as text."""

    bars: tuple[Bar, ...]


@attrs.frozen(kw_only=True)
class Drawing:
    """A chart as places on a canvas."""

    width: int
    height: int
    base: int
    """Where the columns stand."""

    columns: tuple[Column, ...]
    labels: tuple[tuple[float, str], ...]
    """Where below the columns, and what."""

    lines: tuple[tuple[float, str], ...]
    """Heights with a number beside them."""


WIDTH, HEIGHT, BASE, LEFT = 960, 250, 220, 52
TOP: Final = 14


def _drawing(chart: Chart) -> Drawing:
    sums = [sum(numbers) for numbers in zip(*(n for _, n in chart.series), strict=True)]
    top = _round_up(max(sums, default=0))
    step = (WIDTH - LEFT) / max(len(chart.labels), 1)
    columns = tuple(_columns(chart, step, top))
    every = -(-len(chart.labels) // LABELS_MAX)
    return Drawing(
        width=WIDTH,
        height=HEIGHT,
        base=BASE,
        columns=columns,
        labels=tuple(
            (round(LEFT + (place + 0.5) * step, 1), label)
            for place, label in enumerate(chart.labels)
            if place % max(every, 1) == 0
        ),
        lines=tuple(
            (round(_height(number, top), 1), f"{number:,}") for number in {0, top // 2, top}
        ),
    )


def _columns(chart: Chart, step: float, top: int) -> Iterator[Column]:
    gap = min(step * 0.2, 6)
    for place, label in enumerate(chart.labels):
        numbers = [(name, each[place]) for name, each in chart.series]
        bars, below = [], 0
        for series, (_, number) in enumerate(numbers):
            if number:
                upper, lower = _height(below + number, top), _height(below, top)
                bars.append(
                    Bar(
                        series=series,
                        x=round(LEFT + place * step + gap / 2, 2),
                        y=round(upper, 2),
                        width=round(step - gap, 2),
                        height=round(max(lower - upper, 1), 2),
                    )
                )
            below += number
        parts = ", ".join(f"{number:,} {name}" for name, number in numbers if number)
        yield Column(told=f"{label}: {parts or 'nothing'}", bars=tuple(bars))


def _height(number: int, top: int) -> float:
    return BASE - (BASE - TOP) * number / top


def _round_up(number: int) -> int:
    """Return an even, round number that is not smaller."""
    size = int("1" + "0" * (len(str(number)) - 1))
    return next(each * size for each in (2, 4, 6, 8, 10) if each * size >= number)
