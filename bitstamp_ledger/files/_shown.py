"""A statement as a part of a page, and as a notebook cell."""

from collections import Counter
from pathlib import PurePath
from typing import TYPE_CHECKING, Final

from bitstamp_ledger._page import (
    Card,
    Mood,
    Section,
    Table,
    entry_table,
    plain,
    to_notebook,
)

if TYPE_CHECKING:
    from bitstamp_ledger.files._statement import Statement

CELL_ROWS: Final = 10
"""So many rows a notebook cell lists."""

PROBLEMS_LISTED: Final = 1_000


def section_of(read: "Statement") -> Section:
    """Return how a file was read, and which rows could not be, as a part of a page."""
    unreadable = len(read.problems)
    name = plain(PurePath(read.path).name if read.path else "statement")
    return Section(
        name="file",
        title=f"Reading {name}",
        short=name,
        after="files",
        text=plain(f"{read}. Times were read in zone {read.zone}. SHA-256 {read.digest}."),
        card=Card(
            title=f"Rows of {name}",
            figure=f"{read.rows:,}",
            text=f"{unreadable:,} could not be read" if unreadable else "all could be read",
            mood=Mood.BAD if unreadable else Mood.GOOD,
        ),
        tables=(_problems(read, PROBLEMS_LISTED), _doubts(read), _notes(read)),
        empty="Every row was read, and nothing is open.",
    )


def notebook_of(read: "Statement") -> str:
    """Return a statement as a notebook cell: what it is, what is open, its first rows."""
    rows = entry_table("rows", "Rows", read.entries, CELL_ROWS)
    return to_notebook([plain(str(read))], (_problems(read, CELL_ROWS), _doubts(read), rows))


def _problems(read: "Statement", limit: int) -> Table:
    total = len(read.problems)
    return Table(
        name="problems",
        title="Rows that could not be read",
        columns=("row", "column", "text", "reason", "what to do"),
        rows=tuple(
            (
                str(each.row),
                plain(each.column or "whole row"),
                plain(each.text),
                plain(each.reason),
                plain(each.advice),
            )
            for each in read.problems[:limit]
        ),
        total=total,
        left_out=max(total - limit, 0),
        numeric=frozenset({"row"}),
        choices=frozenset({"column", "reason"}),
    )


def _doubts(read: "Statement") -> Table:
    return Table(
        name="doubts",
        title="What is not certain about this file",
        columns=("doubt",),
        rows=tuple((plain(str(each)),) for each in read.doubts),
    )


def _notes(read: "Statement") -> Table:
    aside = Counter(each.reason for each in read.set_aside)
    loses = " ".join(read.lossy)
    notes = [
        *(("repaired", str(each)) for each in read.repairs),
        *(("set aside", f"{number:,} rows: {reason}") for reason, number in aside.items()),
        *(("the format", loses) for _ in read.lossy[:1]),
    ]
    return Table(
        name="notes",
        title="What was done to read it, and what the format loses",
        columns=("what", "in words"),
        rows=tuple((what, plain(text)) for what, text in notes),
    )
