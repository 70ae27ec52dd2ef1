"""What a page says, as data: every text can be printed as it is."""

import datetime as dt
import enum
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final, Protocol, TypeAlias, runtime_checkable

import attrs

from bitstamp_ledger.errors import BitstampLedgerError

LISTED: Final = 1_000
"""So many rows of a table a page lists unless told otherwise; a browser stays quick."""

PathName: TypeAlias = str | os.PathLike[str]


def plain(text: str) -> str:
    """Return text in which nothing moves a cursor, breaks a line or turns the reading direction."""
    if text.isprintable():
        return text
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode()
        for letter in text
    )


@attrs.frozen(kw_only=True)
class Table:
    """A table of text; every cell can be printed as it is."""

    name: str
    """A short name for programs, such as ``suspects``; it never changes."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...] = ()
    """As many as were asked for."""

    total: int | None = None
    """How many of its kind there are in all; None for a table that lists no kind of things."""

    left_out: int = 0
    """How many of them are not in ``rows``, since only so many were asked for."""

    numeric: frozenset[str] = frozenset()
    """The columns of numbers, to be set to the right."""

    choices: frozenset[str] = frozenset()
    """The columns of few different cells, by which a reader may want to choose rows."""

    @property
    def heading(self) -> str:
        """The title, and how many there are."""
        return self.title if self.total is None else f"{self.title}: {self.total:,}"

    @property
    def note(self) -> str:
        """What is not listed, in words; empty where everything is."""
        if not self.left_out:
            return ""
        listed = (self.total or 0) - self.left_out
        return f"Listed: the first {listed:,}. Only counted: the other {self.left_out:,}."


class Mood(enum.Enum):
    """What a reader should make of something."""

    PLAIN = "plain"
    GOOD = "good"
    LOOK = "look"
    """A person should look at it."""

    BAD = "bad"


@attrs.frozen(kw_only=True)
class Card:
    """The gist of a section, for the top of a page."""

    title: str
    figure: str
    """A number or one or two words."""

    text: str
    mood: Mood = Mood.PLAIN


@attrs.frozen(kw_only=True)
class ComparedFact:
    """One fact as two sources state it."""

    name: str
    left: str
    right: str
    verdict: str
    """In a word or two: ``equal``, ``within``, ``differs``, ``not known``, ``not compared``."""

    differs: bool = False
    """Whether this is what keeps the two from being taken for one event."""


@attrs.frozen(kw_only=True)
class Comparison:
    """Two entries side by side."""

    title: str
    text: str
    left: str
    """Which entry stands to the left."""

    right: str
    facts: tuple[ComparedFact, ...]


@attrs.frozen(kw_only=True)
class Chart:
    """Numbers of things over time, one bar for each label, stacked of the series."""

    title: str
    text: str
    """What can be seen in it, for whoever cannot see it."""

    unit: str
    """What a label stands for: ``month`` or ``year``."""

    labels: tuple[str, ...]
    series: tuple[tuple[str, tuple[int, ...]], ...]
    """Names, each with a number for every label."""

    def table(self) -> Table:
        """Return the same as a table."""
        rows = zip(self.labels, *(numbers for _, numbers in self.series), strict=True)
        names = tuple(name for name, _ in self.series)
        return Table(
            name="chart",
            title=f"{self.title}, as numbers",
            columns=(self.unit, *names),
            rows=tuple((label, *(f"{each:,}" for each in numbers)) for label, *numbers in rows),
            numeric=frozenset(names),
        )


@attrs.frozen(kw_only=True)
class Section:
    """A part of a page."""

    name: str
    """A short name for programs and links; it never changes."""

    title: str
    short: str
    """The title in one or two words, to lead to it."""

    after: str = ""
    """The name of the section that it stands behind on somebody else's page."""

    text: str = ""
    card: Card | None = None
    chart: Chart | None = None
    comparisons: tuple[Comparison, ...] = ()
    comparisons_left_out: int = 0
    """How many more there are."""

    tables: tuple[Table, ...] = ()
    empty: str = ""
    """What to say where there is nothing to list."""


@runtime_checkable
class HasSection(Protocol):
    """What can be a part of somebody else's page: a proof, a statement."""

    def section(self) -> Section:
        """Return it as a part of a page."""
        ...


def _is_before(other: Section, section: Section) -> bool:
    """Say whether another section stands before one that is added: its like came before it."""
    return section.after != "" and section.after in {other.name, other.after}


@attrs.frozen(kw_only=True)
class Report:
    """A whole page, as data."""

    title: str
    subject: str
    """What it is about, in one sentence."""

    sections: tuple[Section, ...]
    words: tuple[tuple[str, str], ...] = ()
    """What the words mean that are used in it."""

    made_at: dt.datetime | None = None

    def plus(self, sections: Iterable[Section]) -> "Report":
        """Return the report with more sections, each where it says, or else at the end.

        Names stay unique: those that are taken get a number.
        """
        told = list(self.sections)
        for each in sections:
            taken = {other.name for other in told}
            same = [each.name, *(f"{each.name} {number}" for number in range(2, len(told) + 3))]
            name = next(name for name in same if name not in taken)
            places = [place for place, other in enumerate(told, 1) if _is_before(other, each)]
            told.insert(max(places, default=len(told)), attrs.evolve(each, name=name))
        return attrs.evolve(self, sections=tuple(told))

    def to_html(self) -> str:
        """Return the page as one HTML document that needs nothing else.

        Raises:
            MissingExtraError: the extra ``report`` is not installed.
        """
        from bitstamp_ledger._page._render import render  # noqa: PLC0415 - an optional package

        return render(self)

    def write(self, path: PathName) -> Path:
        """Write the page to a file, and return its path.

        Raises:
            BitstampLedgerError: the file cannot be written.
            MissingExtraError: the extra ``report`` is not installed.
        """
        text = self.to_html()
        target = Path(path)
        try:
            # Always "\n": the page names the digests of its script and style, byte by byte.
            target.write_text(text, encoding="utf-8", newline="\n")
        except OSError as exc:
            raise BitstampLedgerError(
                f"{target} cannot be written: {exc.strerror or exc}.",
                hint="Choose another place, or make the folder first.",
            ) from exc
        return target


@attrs.frozen(kw_only=True)
class AskedPair:
    """One question of a page on which a person decides."""

    key: str
    """By which the answer names it."""

    shown: Comparison
    can_be_decided: bool


@attrs.frozen(kw_only=True)
class MadeHere:
    """One answer that was given on a page, and can be taken back."""

    numbers: str
    """Those of its decisions, with spaces between them."""

    text: str


@attrs.frozen(kw_only=True)
class ReviewPage:
    """A page on which a person decides."""

    title: str
    subject: str
    notice: str = ""
    """What became of the last answer."""

    open: int = 0
    """How many questions there are, on the page or not."""

    questions: tuple[AskedPair, ...] = ()
    made: tuple[MadeHere, ...] = ()
    ended: bool = False
