"""Entries as cells of a table."""

from collections.abc import Sequence
from typing import Final

from bitstamp_ledger._page._values import Table, plain
from bitstamp_ledger.model import Entry, UnknownEntry

WHEN: Final = "time (UTC)"
NOT_STATED: Final = "not stated"
ENTRY_COLUMNS: Final = (WHEN, "kind", "amounts", "fee", "account", "source")


def entry_table(name: str, title: str, entries: Sequence[Entry], limit: int | None) -> Table:
    """Return entries as a table.

    Args:
        name: for programs.
        title: for people.
        entries: all of them.
        limit: list at most so many; None lists all.
    """
    total = len(entries)
    return Table(
        name=name,
        title=title,
        columns=ENTRY_COLUMNS,
        rows=tuple(map(entry_cells, entries[:limit])),
        total=total,
        left_out=0 if limit is None else max(total - limit, 0),
        numeric=frozenset({"fee"}),
        choices=frozenset({"kind", "account"}),
    )


def entry_cells(entry: Entry) -> tuple[str, ...]:
    """Return the cells of `ENTRY_COLUMNS`."""
    amounts = amounts_of(entry)
    if isinstance(entry, UnknownEntry):
        amounts = f"{amounts}  ({plain(entry.reason)})".lstrip()
    return (
        time_of(entry),
        entry.kind,
        amounts,
        fee_of(entry),
        plain(entry.account),
        plain(name_of(entry)),
    )


def time_of(entry: Entry) -> str:
    """Return when it happened, to the second."""
    return f"{entry.time:%Y-%m-%d %H:%M:%S}"


def amounts_of(entry: Entry) -> str:
    """Return its legs with their signs, the fee not included."""
    return "  ".join(f"{leg.value:+f} {leg.currency}" for leg in entry.legs)


def fee_of(entry: Entry) -> str:
    """Return its fee, or that none was stated."""
    return NOT_STATED if entry.fee is None else str(entry.fee)


def name_of(entry: Entry) -> str:
    """Name an entry by its place: a record by its id, a row by file and number."""
    if entry.source.row is not None:
        return f"row {entry.source.row} of {entry.source.path or 'the statement'}"
    known_id = entry.transaction_id if entry.transaction_id is not None else entry.id
    return f"API record {known_id}"
