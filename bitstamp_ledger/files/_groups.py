"""Formats in which one entry is spread over several rows."""

from collections.abc import Callable

import attrs

from bitstamp_ledger.files._format import Reading, RowError, RowSetAside, less_sure, too_wide
from bitstamp_ledger.files._table import Table
from bitstamp_ledger.model import Entry


@attrs.frozen
class Group:
    """The rows of one entry, in the order of the file."""

    numbers: tuple[int, ...]
    rows: tuple[list[str], ...]

    @property
    def row(self) -> int:
        """The number of the first row, which the entry names as its source."""
        return self.numbers[0]

    @property
    def first(self) -> list[str]:
        """The cells of the first row."""
        return self.rows[0]


def each_group(
    reading: Reading,
    table: Table,
    key: Callable[[list[str]], str],
    read_group: Callable[[Group], Entry],
) -> None:
    """Read group by group; all rows of a group end in the same place.

    Args:
        reading: The file being read.
        table: Its rows.
        key: Names the group of a row; a row with an empty name is a group of its own.
        read_group: Makes the entry; raises `RowError` where the group cannot be read.
    """
    for group in _groups(reading, table, key):
        reading.row = group.row
        try:
            entry = read_group(group)
        except RowSetAside as exc:
            for row in group.numbers:
                reading.set_aside(row, str(exc))
        except RowError as exc:
            for row in group.numbers:
                reading.problem(row, table, exc)
        except (ValueError, ArithmeticError) as exc:
            # The model refused a value that the format let through.
            for row in group.numbers:
                reading.problem(row, table, RowError(None, str(exc)))
        else:
            if table.cut.intersection(group.numbers[1:]):
                entry = less_sure(entry)
            reading.keep(_with_all_cells(entry, group, table), *group.numbers[1:])
    reading.row = None


def _groups(reading: Reading, table: Table, key: Callable[[list[str]], str]) -> list[Group]:
    width = len(table.columns)
    found: dict[str, list[int]] = {}
    for row, cells in enumerate(table.rows, 1):
        if not any(cells):
            reading.set_aside(row, "blank")
        elif len(cells) != width:
            reading.problem(row, table, too_wide(len(cells), width))
        elif table.is_header(cells):
            reading.set_aside(row, "the header again")
        else:
            found.setdefault(key(cells) or f"\0{row}", []).append(row)
    return [
        Group(tuple(rows), tuple(table.rows[row - 1] for row in rows)) for rows in found.values()
    ]


def _with_all_cells(entry: Entry, group: Group, table: Table) -> Entry:
    """Keep the cells of the further rows too, under their column and row number."""
    if len(group.rows) == 1:
        return entry
    raw = dict(entry.source.raw)
    for row, cells in zip(group.numbers[1:], group.rows[1:], strict=True):
        for name, cell in zip(table.columns, cells, strict=True):
            raw[f"{name} (row {row})"] = cell
    return attrs.evolve(entry, source=attrs.evolve(entry.source, raw=raw))
