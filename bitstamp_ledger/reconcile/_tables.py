"""A result as tables of text: plain data, which a terminal, a page and a notebook show alike."""

import html
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

import attrs

from bitstamp_ledger.model import Entry, UnknownEntry
from bitstamp_ledger.reconcile._explain import name_of

if TYPE_CHECKING:
    from bitstamp_ledger.reconcile._result import Match, Reconciliation

WHEN: Final = "time (UTC)"
NOT_STATED: Final = "not stated"

_ENTRY_COLUMNS: Final = (WHEN, "kind", "amounts", "fee", "account", "source")


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

    @property
    def heading(self) -> str:
        """The title, and how many there are."""
        return self.title if self.total is None else f"{self.title}: {self.total:,}"


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
        _entries(
            "unexplained",
            "Rows that the API should hold, and does not",
            unexplained,
            limit,
        ),
        _matches("matches", "Rows that are records of the API", result.matches, limit),
        _matches("repeats", "Rows that repeat a row of another file", result.file_matches, limit),
        _entries("new", "New rows, of times that the API was not read for", new, limit),
        _entries("api only", "Records that no row witnesses", result.api_only, limit),
        _entries("ledger", "Ledger", result.entries, limit),
    )


def to_html_tables(tables: Iterable[Table]) -> str:
    """Return tables as HTML that needs nothing else, and can stand within any page.

    Empty tables are left out.  All text is escaped: files hold what anybody wrote.
    """
    return "".join(_html_table(table) for table in tables if table.rows)


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
            (_plain(path or "statement"), what, _plain(answer), _plain(evidence))
            for path, what, answer, evidence in lines
        ),
    )


def _conflicts(result: "Reconciliation", limit: int | None) -> Table:
    """Every entry of a conflict on a line of its own, the reason on the first."""
    rows: list[tuple[str, ...]] = []
    for conflict in result.conflicts[:limit]:
        for place, entry in enumerate((*conflict.api, *conflict.file)):
            rows.append(("" if place else _plain(conflict.reason), *_entry_cells(entry)))
    total = len(result.conflicts)
    return Table(
        name="conflicts",
        title="Conflicts, all of them kept",
        columns=("reason", *_ENTRY_COLUMNS),
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
                _time(each.row),
                _amounts(each.row),
                _fee(each.row),
                _place(each.near),
                _time(each.near),
                _fee(each.near),
            )
            for each in result.suspects[:limit]
        ),
        total=len(result.suspects),
        left_out=_left_out(len(result.suspects), limit),
        numeric=frozenset({"fee", "its fee"}),
    )


def _matches(name: str, title: str, matches: Sequence["Match"], limit: int | None) -> Table:
    return Table(
        name=name,
        title=title,
        columns=(WHEN, "amounts", "entry", "row", "rule", "grade"),
        rows=tuple(map(_match_cells, matches[:limit])),
        total=len(matches),
        left_out=_left_out(len(matches), limit),
    )


def _match_cells(match: "Match") -> tuple[str, ...]:
    known, rows = (match.api, match.file) if match.api else (match.file[:1], match.file[1:])
    return (
        _time(known[0]),
        _amounts(rows[0] if len(known) > 1 else known[0]),
        ", ".join(map(_place, known)),
        ", ".join(map(_place, rows)),
        match.rule.value,
        match.grade.value,
    )


def _entries(name: str, title: str, entries: Sequence[Entry], limit: int | None) -> Table:
    return Table(
        name=name,
        title=title,
        columns=_ENTRY_COLUMNS,
        rows=tuple(map(_entry_cells, entries[:limit])),
        total=len(entries),
        left_out=_left_out(len(entries), limit),
        numeric=frozenset({"fee"}),
    )


# -- cells


def _entry_cells(entry: Entry) -> tuple[str, ...]:
    amounts = _amounts(entry)
    if isinstance(entry, UnknownEntry):
        amounts = f"{amounts}  ({_plain(entry.reason)})".lstrip()
    return (_time(entry), entry.kind, amounts, _fee(entry), _plain(entry.account), _place(entry))


def _time(entry: Entry) -> str:
    return f"{entry.time:%Y-%m-%d %H:%M:%S}"


def _amounts(entry: Entry) -> str:
    return "  ".join(f"{leg.value:+f} {leg.currency}" for leg in entry.legs)


def _fee(entry: Entry) -> str:
    return NOT_STATED if entry.fee is None else str(entry.fee)


def _place(entry: Entry) -> str:
    return _plain(name_of(entry))


def _plain(text: str) -> str:
    """Return text in which nothing moves a cursor, breaks a line or turns the reading direction."""
    if text.isprintable():
        return text
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode()
        for letter in text
    )


# -- HTML

_TABLE_STYLE: Final = "border-collapse:collapse;margin:0 0 1.5em;font:0.9em/1.4 sans-serif"
_CELL_STYLE: Final = "border-bottom:1px solid #8884;padding:0.15em 0.6em;text-align:"


def _html_table(table: Table) -> str:
    aligned = ["right" if name in table.numeric else "left" for name in table.columns]
    head = "".join(
        f'<th scope="col" style="{_CELL_STYLE}{side}">{html.escape(name)}</th>'
        for name, side in zip(table.columns, aligned, strict=True)
    )
    body = "".join(
        "<tr>"
        + "".join(
            f'<td style="{_CELL_STYLE}{side}">{html.escape(cell)}</td>'
            for cell, side in zip(row, aligned, strict=True)
        )
        + "</tr>"
        for row in table.rows
    )
    more = f", {table.left_out:,} of them not shown" if table.left_out else ""
    caption = html.escape(f"{table.heading}{more}")
    return (
        f'<table style="{_TABLE_STYLE}"><caption style="text-align:left">'
        f"<strong>{caption}</strong></caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    )
