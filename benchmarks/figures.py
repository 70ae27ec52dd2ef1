"""The figures that the benchmarks reach for: where each is printed, and what it must be."""

import re
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

import attrs

NUMBER: Final = r"([\d,]*\.?\d+)"

Read = Callable[[Sequence[float]], float]


def only(found: Sequence[float]) -> float:
    """Take the one number that is printed."""
    return found[0]


def last_by_first(found: Sequence[float]) -> float:
    """Say how many times the first the last is."""
    return found[-1] / found[0]


@attrs.frozen(kw_only=True)
class Figure:
    """One figure: what an issue asks for, and how it is read from what a program prints."""

    issue: str
    what: str
    program: str
    pattern: str
    """Matches a line; its groups are numbers."""

    at_most: float | None = None
    at_least: float | None = None
    stated: str = ""
    """The goal in words, where the issue gives no number."""

    read: Read = only

    every_run: bool = False
    """A bound that no run may break; elsewhere the median counts."""

    @property
    def goal(self) -> str:
        """The goal as text."""
        number = f"≤ {self.at_most:g}" if self.at_most is not None else f"≥ {self.at_least:g}"
        return f"{self.stated}: {number}" if self.stated else number

    def met(self, value: float) -> bool:
        """Say whether a value reaches the goal."""
        if self.at_most is not None:
            return value <= self.at_most
        return self.at_least is None or value >= self.at_least

    def values_in(self, printed: str) -> list[float]:
        """Return the figure of each run whose output stands in ``printed``."""
        return [
            self.read([float(number.replace(",", "")) for number in found.groups()])
            for found in re.finditer(self.pattern, printed, re.MULTILINE)
        ]


def _quality(group: int) -> str:
    cells = [r"[\d.]+"] * 6
    cells[group] = NUMBER
    return r"^\| bitstamp_ledger \| " + r" \| ".join(cells) + r" \|"


def _sink(name: str) -> str:
    return rf"^{name} .* {NUMBER} times \(goal"


FIGURES: Final = (
    Figure(
        issue="design",
        what="`import bitstamp_ledger` / importing what it is built on",
        program="import_time",
        pattern=rf"^ratio {NUMBER}, goal",
        at_most=1.3,
    ),
    Figure(
        issue="3",
        what="decoding: ccxt / ours",
        program="decode",
        pattern=rf"^ccxt / ours {NUMBER}, goal",
        at_least=6,
    ),
    Figure(
        issue="3",
        what="decoding: ours / bare msgspec",
        program="decode",
        pattern=rf"^ours / bare {NUMBER}, goal",
        at_most=6,
    ),
    Figure(
        issue="3",
        what="sync of 100,000 records at 80 ms: one page at a time / ours",
        program="sync",
        pattern=rf"^one page at a time: median .* {NUMBER} times ours",
        at_least=5,
    ),
    Figure(
        issue="3",
        what="the same: ccxt / ours",
        program="sync",
        pattern=rf"^ccxt: median .* {NUMBER} times ours",
        at_least=10,
    ),
    Figure(
        issue="3",
        what="most requests of ours in a second, counted by the server",
        program="sync",
        pattern=rf"^ours(?:, async)?: .* at most {NUMBER} in a second",
        at_most=400,
        every_run=True,
    ),
    Figure(
        issue="3",
        what="the same in ten minutes",
        program="sync",
        pattern=rf"^ours(?:, async)?: .* second and {NUMBER} in ten minutes",
        at_most=10_000,
        every_run=True,
    ),
    Figure(
        issue="3",
        what="time a record, 1,000,000 / 100,000 records",
        program="growth",
        pattern=rf"^time per record grows by {NUMBER}, goal",
        at_most=1.2,
    ),
    Figure(
        issue="3",
        what="peak of memory while streaming, 1,000,000 / 100,000 records",
        program="growth",
        pattern=rf"^ *100,000 records .* at most {NUMBER} MiB\n1,000,000 .* {NUMBER} MiB",
        at_most=1.5,
        stated="flat, taken as",
        read=last_by_first,
    ),
    Figure(
        issue="5",
        what="reading an export: BittyTax / ours",
        program="statements",
        pattern=rf"^\| BittyTax \S+ / ours \| {NUMBER} \|",
        at_least=6,
    ),
    Figure(
        issue="5",
        what="reading an export: ours / a bare loop",
        program="statements",
        pattern=rf"^\| ours / bare loop \| {NUMBER} \|",
        at_most=3,
    ),
    Figure(
        issue="5",
        what="time a row, 1,000,000 / 10,000 rows",
        program="statements",
        pattern=rf"^\| time a row, .* \| {NUMBER} \| at most",
        at_most=1.3,
    ),
    Figure(
        issue="5",
        what="bytes that `iter_statement` needs for each further row",
        program="statements",
        pattern=rf"^\| bytes that iter_statement .* \| {NUMBER} \| at most",
        at_most=32,
        stated="flat, taken as",
    ),
    Figure(
        issue="6",
        what="reconciling 1,000,000 + 1,000,000: ours / a plain join",
        program="reconcile_speed",
        pattern=rf"^\| 1,000,000 \+ 1,000,000 \| .* \| {NUMBER} \(goal",
        at_most=4,
    ),
    Figure(
        issue="6",
        what="time an entry, 1,000,000 / 10,000",
        program="reconcile_speed",
        pattern=rf"^growth from 10,000 to 1,000,000, of linear: {NUMBER} ",
        at_most=1.3,
    ),
    Figure(
        issue="6",
        what="memory above the input, KB an entry",
        program="reconcile_speed",
        pattern=rf"^memory above the input, KB per entry: {NUMBER} ",
        at_most=1.5,
    ),
    Figure(
        issue="6",
        what="100,000 rows in one minute, a thousand candidates each: seconds",
        program="reconcile_speed",
        pattern=rf"^100,000 rows in one minute.*: {NUMBER} s$",
        at_most=10,
        stated="seconds, taken as",
    ),
    Figure(
        issue="6",
        what="precision",
        program="reconcile_quality",
        pattern=_quality(0),
        at_least=1,
    ),
    Figure(
        issue="6",
        what="true trades dropped",
        program="reconcile_quality",
        pattern=_quality(1),
        at_most=0,
    ),
    Figure(
        issue="6",
        what="recall",
        program="reconcile_quality",
        pattern=_quality(2),
        at_least=0.995,
    ),
    Figure(
        issue="6",
        what="repeats left that are not shown",
        program="reconcile_quality",
        pattern=_quality(5),
        at_most=0,
    ),
    Figure(
        issue="7",
        what="sync into a ledger / `sqlite3.executemany`",
        program="ledger",
        pattern=rf"^sync of 100,000 .*: {NUMBER} x sqlite3",
        at_most=5,
    ),
    Figure(
        issue="7",
        what="view from cold / decoding the raw records",
        program="ledger",
        pattern=rf"^view of 100,000 .*: {NUMBER} x decoding",
        at_most=3,
    ),
    Figure(
        issue="7",
        what="resume with nothing new, 1,000,000 / 10,000 records held",
        program="ledger",
        pattern=rf"^resume with nothing new .*; {NUMBER} x from the first",
        at_most=1.3,
        stated="the same, taken as",
    ),
    Figure(
        issue="7",
        what="peak of memory, 1,000,000 / 10,000 records held",
        program="ledger",
        pattern=rf"^peak memory .*: {NUMBER} MB, .* {NUMBER} MB \(goal",
        at_most=1.5,
        stated="flat, taken as",
        read=last_by_first,
    ),
    *(
        Figure(
            issue="8",
            what=f"sink {name} / {peer}",
            program="sinks",
            pattern=_sink(name),
            at_most=goal,
        )
        for name, peer, goal in (
            ("csv", "the csv module", 2),
            ("jsonl", "msgspec", 2),
            ("sqlite", "the driver", 3),
            ("postgresql", "the driver", 3),
        )
    ),
    Figure(
        issue="8",
        what="sink parquet / pyarrow with the table ready",
        program="sinks_parquet",
        pattern=rf"^Parquet of .* {NUMBER}x \(goal",
        at_most=4,
    ),
    *(
        Figure(
            issue="8",
            what=f"peak of memory, 1,000,000 / 100,000 entries, {program}",
            program=program,
            pattern=rf"^peak memory, .* {NUMBER} times \(goal",
            at_most=1.5,
            stated="flat, taken as",
        )
        for program in ("sinks", "sinks_parquet")
    ),
)


def table(printed: Mapping[str, str]) -> str:
    """Return all figures as a table: goal, median and spread of the runs, and the verdict.

    Args:
        printed: by program, what it printed, one run after the other.
    """
    rows = [
        "| issue | figure | goal | measured | of several runs | |",
        "| --- | --- | --- | --- | --- | --- |",
        *(_row(figure, figure.values_in(printed.get(figure.program, ""))) for figure in FIGURES),
    ]
    return "\n".join(rows)


def _row(figure: Figure, values: list[float]) -> str:
    head = f"| {figure.issue} | {figure.what} | {figure.goal} |"
    if not values:
        return f"{head} | | not measured |"
    median = statistics.median(values)
    spread = f"{min(values):.4g} to {max(values):.4g}, {len(values)}" if len(values) > 1 else "one"
    judged = values if figure.every_run else [median]
    verdict = "met" if all(map(figure.met, judged)) else "NOT MET"
    return f"{head} {median:.4g} | {spread} | {verdict} |"


NOISE_AT_LEAST: Final = 0.05
"""A smaller change of a median says nothing, whatever the spread."""


@attrs.frozen(kw_only=True)
class Change:
    """A figure on two revisions, each measured several times in turn."""

    figure: Figure
    before: list[float]
    now: list[float]

    @property
    def noise(self) -> float:
        """By how much medians may differ without meaning anything."""
        spreads = (max(side) - min(side) for side in (self.before, self.now))
        return max(*spreads, NOISE_AT_LEAST * abs(statistics.median(self.before)))

    @property
    def worse_by(self) -> float:
        """How far the median moved away from the goal."""
        moved = statistics.median(self.now) - statistics.median(self.before)
        return moved if self.figure.at_most is not None else -moved

    @property
    def verdict(self) -> str:
        """What the change is: beyond the noise, or within."""
        if self.worse_by > self.noise:
            return "WORSE"
        return "better" if -self.worse_by > self.noise else "the same"

    def __str__(self) -> str:
        before, now = (statistics.median(side) for side in (self.before, self.now))
        return (
            f"{self.verdict}: {self.figure.what} (goal {self.figure.goal}): "
            f"{before:.4g} before, {now:.4g} now, noise {self.noise:.2g}"
        )


def compare(
    before: Mapping[str, Iterable[str]], now: Mapping[str, Iterable[str]]
) -> tuple[list[Change], list[Figure]]:
    """Return the changes, and the figures that one of the two sides did not print.

    Args:
        before: by program, what each run of it printed on the other revision.
        now: the same on this one.
    """
    changes, absent = [], []
    for figure in FIGURES:
        if figure.program not in now:
            continue
        sides = [
            figure.values_in("\n".join(runs.get(figure.program, ()))) for runs in (before, now)
        ]
        if all(sides):
            changes.append(Change(figure=figure, before=sides[0], now=sides[1]))
        else:
            absent.append(figure)
    return changes, absent
