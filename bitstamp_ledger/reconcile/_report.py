"""A reconciliation as a page for people who keep books, and as a notebook cell."""

import datetime as dt
import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final, TypeVar

import attrs

from bitstamp_ledger._page import (
    LISTED,
    Card,
    Chart,
    ComparedFact,
    Comparison,
    HasSection,
    Mood,
    Report,
    Section,
    Table,
    name_of,
    plain,
    to_notebook,
)
from bitstamp_ledger.model import Entry
from bitstamp_ledger.reconcile._explain import compared_facts
from bitstamp_ledger.reconcile._reasons import fates

if TYPE_CHECKING:
    from bitstamp_ledger.reconcile._result import Conflict, Counts, Reconciliation, Suspect

T = TypeVar("T")

CELL_ROWS: Final = 10
"""So many rows of a table a notebook cell lists."""

COMPARED_MAX: Final = 250
"""So many pairs of each kind are set side by side; the tables list further ones."""

BARS_MAX: Final = 144
"""More months than these are told as years."""

ROW_NUMBER: Final = "row number"

WORDS: Final = (
    ("API record", "An event as the exchange itself reports it today."),
    ("Row", "A line of a file: an export of the exchange, or of another program."),
    ("Kept", "Counted in the ledger, once."),
    (
        "Witnessed",
        (
            "A second source of an event that is in the ledger already. Counting it again would "
            "double the event."
        ),
    ),
    (
        "Quarantined",
        "Could be read, but not understood. It is kept as received and needs a person.",
    ),
    ("Suppressed", "Left out because a person said so. The decision can be undone."),
    (
        "Certain, strong, weak",
        (
            "How sure a match is. Certain: the exchange's own id, or a person's word. Strong: "
            "everything agrees, the fee included. Weak: all that is stated agrees, but one side "
            "does not state the fee."
        ),
    ),
    (
        "Suspect",
        (
            "A row that would be a known event, if one field did not differ. Both are kept, so the "
            "event may be counted twice until a person decides."
        ),
    ),
    ("Conflict", "Sources that contradict each other. Nothing was merged."),
    (
        "Unexplained",
        (
            "A row of a time that the API was read for, which the API does not hold. It may have "
            "been edited, or belong to another account or exchange."
        ),
    ),
    (
        "Within",
        (
            "The one side is printed less precisely; what it prints can stand for what the other "
            "side states."
        ),
    ),
    ("Not stated", "The source is silent. That is not the same as zero."),
)


def report_of(
    result: "Reconciliation",
    *,
    also: Iterable[HasSection] = (),
    limit: int | None = LISTED,
    made_at: dt.datetime | None = None,
) -> Report:
    """Return a result as a page; what a person must look at comes first."""
    tables = {table.name: table for table in result.tables(limit=limit)}
    files = {zone.path for zone in result.zones}
    records = sum(entry.source.row is None for entry in result.entries)
    report = Report(
        title="Reconciliation",
        subject=(
            f"{_number(records, 'record')} of the exchange's API and "
            f"{_number(result.counts.received - records, 'row')} of {_number(len(files), 'file')}: "
            "which of them are the same events."
        ),
        sections=(
            counts_section(result.counts),
            _to_look_at(result, tables),
            _files(result, tables),
            _over_time(result),
            _matched(result, tables),
            _unmatched(tables),
            _ledger(result, tables),
        ),
        words=WORDS,
        made_at=made_at,
    )
    return report.plus(each.section() for each in also)


def notebook_of(result: "Reconciliation") -> str:
    """Return a result as a notebook cell: the counts, and the first rows of each kind."""
    return to_notebook([counted(result.counts)], result.tables(limit=CELL_ROWS))


def counted(counts: "Counts") -> str:
    """Say in one sentence where everything went."""
    verdict = "every input is accounted for" if counts.adds_up else "THE COUNTS DO NOT ADD UP"
    return (
        f"{counts.received:,} received = {counts.kept:,} kept + {counts.witnessed:,} witnessed + "
        f"{counts.quarantined:,} quarantined + {counts.suppressed:,} suppressed: {verdict}"
    )


def counts_section(counts: "Counts") -> Section:
    """Say where every input has gone."""
    parts = (
        ("kept", counts.kept, "in the ledger, each once"),
        ("witnessed", counts.witnessed, "second sources of events that are in the ledger already"),
        ("quarantined", counts.quarantined, "not understood, kept as received"),
        ("suppressed", counts.suppressed, "left out because a person said so"),
    )
    return Section(
        name="counts",
        title="Where everything went",
        short="Counts",
        text="Each record and each row that came in is in exactly one of these.",
        card=Card(
            title="Every input accounted for",
            figure="Yes" if counts.adds_up else "No",
            text=counted(counts),
            mood=Mood.GOOD if counts.adds_up else Mood.BAD,
        ),
        tables=(
            Table(
                name="counts",
                title="Conservation of records and rows",
                columns=("what", "how many", "meaning"),
                rows=(
                    ("received", f"{counts.received:,}", "records of the API and rows of files"),
                    *(
                        (f"= {what}" if not n else f"+ {what}", f"{number:,}", meaning)
                        for n, (what, number, meaning) in enumerate(parts)
                    ),
                ),
                numeric=frozenset({"how many"}),
            ),
        ),
    )


# -- what a person must look at


def _to_look_at(result: "Reconciliation", tables: Mapping[str, Table]) -> Section:
    suspects = [_suspect(number, each) for number, each in _first(result.suspects)]
    conflicts = [
        pair for number, each in _first(result.conflicts) for pair in _conflict(number, each)
    ]
    both = {"conflicts": result.conflicts, "suspects": result.suspects}
    doubtful = {id(each.row) for each in result.suspects}
    doubtful |= {id(row) for each in result.conflicts for row in each.file}
    further = sum(id(row) not in doubtful for row in result.unexplained)
    number = len(result.suspects) + len(result.conflicts) + further
    parts = (
        _number(len(result.conflicts), "conflict"),
        _number(len(result.suspects), "suspect"),
        _number(further, "further unexplained row"),
    )
    return Section(
        name="look",
        title="What a person should look at",
        short="To look at",
        text=(
            "Nothing here was merged or left out; all of it is in the ledger. What keeps two "
            "entries from being taken for one event is marked."
        ),
        card=Card(
            title="To be looked at",
            figure=f"{number:,}",
            text=", ".join(parts),
            mood=Mood.LOOK if number else Mood.GOOD,
        ),
        comparisons=(*conflicts, *suspects),
        comparisons_left_out=sum(max(len(all_of) - COMPARED_MAX, 0) for all_of in both.values()),
        tables=(
            # What stands side by side need not be told twice.
            *(tables[name] for name, all_of in both.items() if len(all_of) > COMPARED_MAX),
            tables["unexplained"],
        ),
        empty="Nothing: no conflict, no suspect, no unexplained row.",
    )


def _first(each: Sequence[T]) -> Iterator[tuple[int, T]]:
    return enumerate(each[:COMPARED_MAX], start=1)


def _suspect(number: int, suspect: "Suspect") -> Comparison:
    return Comparison(
        title=f"Suspect {number}: the {plain(suspect.field)}",
        text=plain(suspect.explain().splitlines()[0]),
        left=plain(name_of(suspect.row)),
        right=plain(name_of(suspect.near)),
        facts=(*_places(suspect), *compared_facts(suspect.near, suspect.row, field=suspect.field)),
    )


def _places(suspect: "Suspect") -> Iterator[ComparedFact]:
    """Yield the row numbers, where nothing else keeps the two apart."""
    if suspect.field == ROW_NUMBER:
        yield ComparedFact(
            name=ROW_NUMBER,
            left=str(suspect.row.source.row),
            right=str(suspect.near.source.row),
            verdict="differs",
            differs=True,
        )


def _ids(known: Entry, row: Entry) -> Iterator[ComparedFact]:
    """Yield the exchange's ids, as far as they are stated."""
    ids = (row.transaction_id, known.transaction_id)
    if any(each is not None for each in ids):
        left, right = ("not stated" if each is None else str(each) for each in ids)
        verdict = "not compared" if None in ids else "equal" if left == right else "other"
        yield ComparedFact(name="exchange id", left=left, right=right, verdict=verdict)


def _conflict(number: int, conflict: "Conflict") -> Iterator[Comparison]:
    """Yield each record beside each row; without records or rows, the first beside the others."""
    everything = (*conflict.api, *conflict.file)
    pairs: Iterable[tuple[Entry, Entry]] = itertools.product(conflict.api, conflict.file)
    if not (conflict.api and conflict.file):
        pairs = ((everything[0], each) for each in everything[1:])
    reason = plain(conflict.reason)
    for known, row in pairs:
        yield Comparison(
            title=f"Conflict {number}",
            text=f"{reason[:1].upper()}{reason[1:]}.",
            left=plain(name_of(row)),
            right=plain(name_of(known)),
            facts=(*_ids(known, row), *compared_facts(known, row)),
        )


# -- files


def _files(result: "Reconciliation", tables: Mapping[str, Table]) -> Section:
    paths = dict.fromkeys(zone.path for zone in result.zones)
    became = [
        (plain(path or "statement"), what, f"{number:,}")
        for path in paths
        for what, number in fates(result, path).items()
    ]
    undecided = sum(each.zone == "undecided" for each in result.zones) + sum(
        each.answer == "undecided" for each in result.readings
    )
    text = f"{_number(undecided, 'question')} left open" if undecided else "all questions decided"
    return Section(
        name="files",
        title="The files, and how each was read",
        short="Files",
        text=(
            "Files leave things open: in which zone their times were printed, where the fee "
            "stands, whether ids are the exchange's. What was decided, and which rows speak for it."
        ),
        card=Card(
            title="Files",
            figure=f"{len(paths):,}",
            text=text,
            mood=Mood.LOOK if undecided else Mood.PLAIN,
        ),
        tables=(
            tables["statements"],
            Table(
                name="fates",
                title="What became of the rows of each file",
                columns=("file", "what", "rows"),
                rows=tuple(became),
                numeric=frozenset({"rows"}),
                choices=frozenset({"file"}),
            ),
        ),
        empty="No file was given.",
    )


# -- over time


def _over_time(result: "Reconciliation") -> Section:
    chart = _chart(result) if result.entries else None
    return Section(
        name="time",
        title="Over time",
        short="Over time",
        text="Where the API and the files overlap, and where only one of them has anything.",
        chart=chart,
        tables=(chart.table(),) if chart else (),
        empty="There is no entry.",
    )


def _chart(result: "Reconciliation") -> Chart:
    both = {id(entry) for match in result.matches for entry in match.api}
    unexplained = set(map(id, result.unexplained))
    names = ("in the API and in a file", "in the API only", "in files only", "unexplained")
    kinds = [(entry.time, _fate(entry, both, unexplained)) for entry in result.entries]
    first, last = kinds[0][0], kinds[-1][0]
    by_month = (last.year - first.year) * 12 + last.month - first.month < BARS_MAX
    form = "%Y-%m" if by_month else "%Y"
    numbers = Counter((time.strftime(form), kind) for time, kind in kinds)
    labels = tuple(_labels(first, last, by_month=by_month))
    unit = "month" if by_month else "year"
    return Chart(
        title=f"Entries of the ledger per {unit}",
        text=(
            f"Bars per {unit} from {labels[0]} to {labels[-1]}; the table below the chart holds "
            "the same numbers."
        ),
        unit=unit,
        labels=labels,
        series=tuple(
            (name, tuple(numbers[label, kind] for label in labels))
            for kind, name in enumerate(names)
        ),
    )


def _fate(entry: Entry, both: set[int], unexplained: set[int]) -> int:
    if entry.source.row is None:
        return 0 if id(entry) in both else 1
    return 3 if id(entry) in unexplained else 2


def _labels(first: dt.datetime, last: dt.datetime, *, by_month: bool) -> Iterator[str]:
    if not by_month:
        yield from (f"{year:04}" for year in range(first.year, last.year + 1))
        return
    for number in range(first.year * 12 + first.month - 1, last.year * 12 + last.month):
        yield f"{number // 12:04}-{number % 12 + 1:02}"


# -- lists


def _matched(result: "Reconciliation", tables: Mapping[str, Table]) -> Section:
    rows = sum(len(match.file) for match in result.matches)
    rows += sum(len(match.file) - 1 for match in result.file_matches)
    grades = Counter(each.grade.value for each in (*result.matches, *result.file_matches))
    return Section(
        name="same",
        title="Rows that are events known already",
        short="Known events",
        text="Counting them again would double the event; each is kept as a second witness.",
        card=Card(
            title="Rows recognised as known events",
            figure=f"{rows:,}",
            text=", ".join(f"{number:,} {grade}" for grade, number in grades.items()) or "none",
        ),
        tables=(tables["matches"], tables["repeats"]),
        empty="No row is an event that another source holds.",
    )


def _unmatched(tables: Mapping[str, Table]) -> Section:
    return Section(
        name="one source",
        title="What only one source holds",
        short="One source only",
        text=(
            "Most of it is only older or younger than what the other source covers. All of it is "
            "in the ledger."
        ),
        tables=(tables["new"], tables["api only"]),
        empty="Everything is held by two sources.",
    )


def _ledger(result: "Reconciliation", tables: Mapping[str, Table]) -> Section:
    span = "no entry"
    if result.entries:
        span = f"{result.entries[0].time:%Y-%m-%d} to {result.entries[-1].time:%Y-%m-%d}"
    return Section(
        name="ledger",
        title="The ledger",
        short="Ledger",
        text="Every event once, in the order of time.",
        card=Card(title="Entries in the ledger", figure=f"{len(result.entries):,}", text=span),
        tables=(attrs.evolve(tables["ledger"], title="Entries"),),
        empty="There is no entry.",
    )


def _number(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"
