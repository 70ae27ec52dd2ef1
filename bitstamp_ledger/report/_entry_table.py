"""Any iterable of entries, as a table in a notebook or a terminal."""

from collections.abc import Iterable

import attrs

from bitstamp_ledger._page import Table, entry_table, to_html_tables
from bitstamp_ledger.model import Entry

TITLE = "Entries"


@attrs.frozen(kw_only=True)
class EntryTable:
    """The first entries of an iterable, and how many there were."""

    entries: tuple[Entry, ...]
    """The first ones."""

    total: int
    """All of them."""

    def table(self) -> Table:
        """Return it as plain data."""
        listed = entry_table("entries", TITLE, self.entries, None)
        return attrs.evolve(listed, total=self.total, left_out=self.total - len(self.entries))

    def _repr_html_(self) -> str:
        return to_html_tables([self.table()]) or f"<p>{TITLE}: 0</p>"

    def __str__(self) -> str:
        table = self.table()
        cells = [table.columns, *table.rows]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = [
            "  ".join(f"{text:<{width}}" for text, width in zip(row, widths, strict=True)).rstrip()
            for row in cells
        ]
        return "\n".join(filter(None, [table.heading, *lines, table.note]))


def show(entries: Iterable[Entry], *, limit: int = 20) -> EntryTable:
    """Show entries as a table; all are read and counted, only the first are kept.

    Args:
        entries: a tuple of them, a reading such as `Ledger.entries`, or any other iterable.
        limit: list so many.
    """
    first = []
    total = 0
    for entry in entries:
        if total < limit:
            first.append(entry)
        total += 1
    return EntryTable(entries=tuple(first), total=total)
