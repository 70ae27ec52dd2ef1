"""A result as tables of text: plain data, which a terminal, a page and a notebook show alike."""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from bitstamp_ledger._page import (
    ENTRY_COLUMNS,
    WHEN,
    Table,
    amounts_of,
    entry_cells,
    entry_table,
    fee_of,
    name_of,
    plain,
    time_of,
)
from bitstamp_ledger.model import Entry

if TYPE_CHECKING:
    from bitstamp_ledger.reconcile._result import Match, Reconciliation


def tables_of(result: "Reconciliation", limit: int | None) -> tuple[Table, ...]:
    """Return a result as tables; what a person must look at comes first."""
    unexplained = result.unexplained
    known = set(map(id, unexplained))
    new = [row for row in result.new if id(row) not in known]
    return (
        _summary(result),
        _statements(result),
        _conflicts(result, limit),
        _suspects(result, limit),
        entry_table(
            "unexplained",
            "Rows that the API should hold, and does not",
            unexplained,
            limit,
        ),
        _matches("matches", "Rows that are records of the API", result.matches, limit),
        _matches("repeats", "Rows that repeat a row of another file", result.file_matches, limit),
        entry_table("new", "New rows, of times that the API was not read for", new, limit),
        entry_table("api only", "Records that no row witnesses", result.api_only, limit),
        entry_table("ledger", "Ledger", result.entries, limit),
    )


# -- the tables


def _summary(result: "Reconciliation") -> Table:
    counts = result.counts
    lines: list[tuple[str, int]] = []
    by_rule = Counter((match.rule, match.grade) for match in result.matches)
    for (rule, grade), number in sorted(
        by_rule.items(), key=lambda item: (item[0][0].value, item[0][1].value)
    ):
        lines.append((f"rows matched to records: {rule.value} ({grade.value})", number))
    if result.file_matches:
        lines.append(("rows that repeat another file's row", len(result.file_matches)))
    lines += [
        ("records that no row witnesses", len(result.api_only)),
        ("rows that the API does not hold (new)", len(result.new)),
        ("of these unexplained", len(result.unexplained)),
        ("conflicts", len(result.conflicts)),
        ("suspects", len(result.suspects)),
        ("entries in the ledger", len(result.entries)),
        ("received", counts.received),
        ("= kept", counts.kept),
        ("+ witnessed a second time", counts.witnessed),
        ("+ quarantined, not understood", counts.quarantined),
        ("+ suppressed by a person", counts.suppressed),
    ]
    if not counts.adds_up:
        lines.append(("THE COUNTS DO NOT ADD UP, by", counts.received - _accounted(result)))
    return Table(
        name="summary",
        title="Reconciliation",
        columns=("what", "how many"),
        rows=tuple((what, f"{number:,}") for what, number in lines),
        numeric=frozenset({"how many"}),
    )


def _accounted(result: "Reconciliation") -> int:
    counts = result.counts
    return counts.kept + counts.witnessed + counts.quarantined + counts.suppressed


def _statements(result: "Reconciliation") -> Table:
    """What was decided for each statement as a whole, a line for each question."""
    lines = [
        *((each.path, "zone", each.zone, each.evidence) for each in result.zones),
        *((each.path, each.question, each.answer, each.evidence) for each in result.readings),
        *(
            (each.path, "ids", "the exchange's" if each.trusted else "not proven", each.explanation)
            for each in result.ids
        ),
    ]
    place = {path: number for number, path in enumerate(dict.fromkeys(line[0] for line in lines))}
    lines.sort(key=lambda line: place[line[0]])
    return Table(
        name="statements",
        title="How each file was read",
        columns=("file", "what", "reading", "evidence"),
        rows=tuple(
            (plain(path or "statement"), what, plain(answer), plain(evidence))
            for path, what, answer, evidence in lines
        ),
    )


def _conflicts(result: "Reconciliation", limit: int | None) -> Table:
    """Every entry of a conflict on a line of its own, the reason on the first."""
    rows: list[tuple[str, ...]] = []
    for conflict in result.conflicts[:limit]:
        for place, entry in enumerate((*conflict.api, *conflict.file)):
            rows.append(("" if place else plain(conflict.reason), *entry_cells(entry)))
    total = len(result.conflicts)
    return Table(
        name="conflicts",
        title="Conflicts, all of them kept",
        columns=("reason", *ENTRY_COLUMNS),
        rows=tuple(rows),
        total=total,
        left_out=_left_out(total, limit),
        numeric=frozenset({"fee"}),
    )


def _left_out(total: int, limit: int | None) -> int:
    return 0 if limit is None else max(total - limit, 0)


def _suspects(result: "Reconciliation", limit: int | None) -> Table:
    return Table(
        name="suspects",
        title="Suspects, which may be the same and are kept",
        columns=("differs in", "row", WHEN, "amounts", "fee", "near", "its time (UTC)", "its fee"),
        rows=tuple(
            (
                each.field,
                _place(each.row),
                time_of(each.row),
                amounts_of(each.row),
                fee_of(each.row),
                _place(each.near),
                time_of(each.near),
                fee_of(each.near),
            )
            for each in result.suspects[:limit]
        ),
        total=len(result.suspects),
        left_out=_left_out(len(result.suspects), limit),
        numeric=frozenset({"fee", "its fee"}),
        choices=frozenset({"differs in"}),
    )


def _matches(name: str, title: str, matches: Sequence["Match"], limit: int | None) -> Table:
    return Table(
        name=name,
        title=title,
        columns=(WHEN, "amounts", "entry", "row", "rule", "grade"),
        rows=tuple(map(_match_cells, matches[:limit])),
        total=len(matches),
        left_out=_left_out(len(matches), limit),
        choices=frozenset({"rule", "grade"}),
    )


def _match_cells(match: "Match") -> tuple[str, ...]:
    known, rows = (match.api, match.file) if match.api else (match.file[:1], match.file[1:])
    return (
        time_of(known[0]),
        amounts_of(rows[0] if len(known) > 1 else known[0]),
        ", ".join(map(_place, known)),
        ", ".join(map(_place, rows)),
        match.rule.value,
        match.grade.value,
    )


# -- cells


def _place(entry: Entry) -> str:
    return plain(name_of(entry))
