"""Rows out of JSON: an array of objects, or one object a line.

Numbers keep the text that they have in the file; they never become floats.  What is nested stays
JSON in its cell, for the format to read.

Facts: docs/facts/files.md, "Containers".
"""

import json
from collections.abc import Iterable, Mapping
from typing import Final, NoReturn

from bitstamp_ledger.errors import StatementError
from bitstamp_ledger.files._limits import CELLS_MAX, COLUMNS_MAX
from bitstamp_ledger.files._table import Table

JSON_STARTS: Final = ("[", "{")


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


def load_json(text: str) -> object:
    """Parse JSON; numbers become `Number`.

    Raises:
        ValueError: it is no JSON, or nested too deeply.
    """
    try:
        return json.loads(text, parse_float=Number, parse_int=Number, parse_constant=_no_constant)
    except RecursionError as exc:
        raise ValueError("it is nested too deeply") from exc


class Number(str):
    """A JSON number as the text that it has in the file."""

    __slots__ = ()


def json_table(text: str, *, name: str, path: str | None) -> Table:
    """Return the objects as rows; the columns are their keys, in the order of first use.

    Raises:
        StatementError: it is no JSON, or not a list of objects.
    """
    try:
        records = _records(text)
    except ValueError as exc:
        raise StatementError(
            f"{name} begins like JSON, but cannot be read as such: {_short(exc)}.",
            path=path,
            hint="Dump the trades again, as one array or as one object a line.",
        ) from exc
    columns: dict[str, None] = {}
    for row, record in enumerate(records, 1):
        if not isinstance(record, dict):
            raise StatementError(
                f"{name} is JSON, but its item {row} is no object.",
                path=path,
                row=row,
                hint="Dump a list of trades, each an object.",
            )
        columns.update(dict.fromkeys(record))
        if len(columns) > COLUMNS_MAX or len(columns) * row > CELLS_MAX:
            raise StatementError(
                f"{name} has more keys than a list of trades can have.", path=path, row=row
            )
    return Table(
        columns=tuple(columns),
        rows=[[_cell(record.get(key)) for key in columns] for record in _mappings(records)],
    )


def _mappings(records: Iterable[object]) -> Iterable[Mapping[str, object]]:
    return (record for record in records if isinstance(record, dict))


def _records(text: str) -> list[object]:
    text = text.strip()
    if text.startswith("["):
        found = load_json(text)
        if not isinstance(found, list):
            raise ValueError("it is no array")
        return found
    lines = text.splitlines()
    try:
        return [load_json(line) for line in lines if line.strip()]
    except ValueError:
        return [load_json(text)]  # One object over several lines.


def _cell(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case str():
            return str(value)
        case _:
            return json_text(value)


def json_text(value: object) -> str:
    """Write a parsed value as JSON again, its numbers as they were."""
    match value:
        case dict():
            inner = (f"{json.dumps(key)}:{json_text(item)}" for key, item in value.items())
            return "{" + ",".join(inner) + "}"
        case list():
            return "[" + ",".join(map(json_text, value)) + "]"
        case Number():
            return str(value)
        case _:
            return json.dumps(value, ensure_ascii=False)


def _short(exc: ValueError) -> str:
    return str(exc)[:200].rstrip(".")
