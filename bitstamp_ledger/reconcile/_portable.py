"""A result as JSON that keeps every digit, and back again.

An object with these keys, always in this order:

====================  ============================================================================
``kind``, ``schema``  ``reconciliation``, and 1; raised when a key changes its meaning
``precisions``        how precisely rows state their facts, each once
``records``           every entry that the result speaks of, each once
``result``            the parts of `Reconciliation` under their own names
====================  ============================================================================

In ``result`` an entry is its place in ``records``, and in a record's ``source`` a precision is its
place in ``precisions``; both count from 0.  Everything else is written by the rules of
`bitstamp_ledger.model.as_json`.

Bytes that somebody else may have written are safe to read: anything that is not such an object is
one `BitstampLedgerError`.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import attrs
import cattrs
import msgspec

from bitstamp_ledger.errors import BitstampLedgerError
from bitstamp_ledger.model import Precision
from bitstamp_ledger.model.as_json import (
    UnportableError,
    encoded,
    entry_reader,
    entry_writer,
    is_entry,
    json_converter,
    list_of,
    reader_of,
    shortened,
    writer_of,
)
from bitstamp_ledger.reconcile._result import Reconciliation

KIND: Final = "reconciliation"
SCHEMA: Final = 1

_KEYS: Final = ("kind", "schema", "precisions", "records", "result")
_PROBLEMS_SHOWN: Final = 3


def to_json(result: Reconciliation) -> bytes:
    """Return a result as JSON; the same bytes for the same result.

    Raises:
        BitstampLedgerError: a record as received holds what no JSON value stands for.
    """
    tables = _Tables()
    try:
        parts = _converter(tables).unstructure(result)
        return encoded(
            {
                "kind": KIND,
                "schema": SCHEMA,
                "precisions": tables.precisions.rows,
                "records": tables.records.rows,
                "result": parts,
            }
        )
    except UnportableError as exc:
        raise _unportable(str(exc)) from exc
    except (RecursionError, ValueError) as exc:
        raise _unportable("a record as received is nested too deeply, or too large") from exc


def from_json(raw: bytes | str) -> Reconciliation:
    """Read what `to_json` wrote.

    Entries and precisions that the result shares are shared again.

    Raises:
        BitstampLedgerError: it is something else, damaged, or of a later version.
    """
    document = _document(raw)
    tables = _Tables()
    converter = _converter(tables)
    try:
        read_precision = reader_of(converter, Precision)
        for row in list_of(document["precisions"]):
            tables.precisions.known.append(read_precision(row))
        read_entry = entry_reader(converter)
        for row in list_of(document["records"]):
            tables.records.known.append(read_entry(row))
        return converter.structure(document["result"], Reconciliation)
    except (cattrs.BaseValidationError, RecursionError, ValueError, TypeError) as exc:
        raise _damaged("; ".join(_told(exc))) from exc


# -- the whole document


def _document(raw: bytes | str) -> Mapping[str, Any]:
    try:
        document = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as exc:
        raise _damaged(f"this is no JSON: {exc}") from exc
    if not isinstance(document, dict) or document.get("kind") != KIND:
        raise _damaged("the object does not say that it is a reconciliation")
    schema = document.get("schema")
    if schema != SCHEMA or isinstance(schema, bool):
        raise BitstampLedgerError(
            f"A reconciliation of schema {shortened(schema)}; this version reads schema {SCHEMA}.",
            hint="Read it with the version of bitstamp_ledger that wrote it, or a later one.",
        )
    if set(document) != set(_KEYS):
        raise _damaged(f"it must have the keys {', '.join(_KEYS)} and no others")
    return document


def _damaged(what: str) -> BitstampLedgerError:
    return BitstampLedgerError(
        f"The saved reconciliation cannot be read: {what}.",
        hint="Reconcile again and save the result anew; nothing else depends on the saved one.",
    )


def _unportable(what: str) -> BitstampLedgerError:
    return BitstampLedgerError(
        f"The result cannot be written as JSON: {what}.",
        hint="Entries that the library's own readers made can; see where this one came from.",
    )


def _told(exc: BaseException) -> list[str]:
    """Say what is wrong and where, a few problems at most."""
    if isinstance(exc, cattrs.BaseValidationError):
        found = cattrs.transform_error(exc, path="", format_exception=_in_words)
        more = len(found) - _PROBLEMS_SHOWN
        told = [shortened(each.removeprefix(" @ ")) for each in found[:_PROBLEMS_SHOWN]]
        return [*told, f"and {more} more"] if more > 0 else told
    return [_in_words(exc, None)]


def _in_words(exc: BaseException, _: object) -> str:
    match exc:
        case KeyError():
            return f"{exc.args[0]} is missing"
        case cattrs.ForbiddenExtraKeysError():
            return f"unknown keys: {', '.join(sorted(map(repr, exc.extra_fields)))}"
        case RecursionError():
            return "it is nested too deeply"
        case _:
            return str(exc)


# -- entries and precisions, each once


@attrs.define
class _Table:
    """Values that are spelled out once, and a number everywhere else."""

    what: str
    rows: list[object] = attrs.field(factory=list)
    """As they are written."""

    known: list[Any] = attrs.field(factory=list)
    """As they were read."""

    _seen: dict[int, int] = attrs.field(factory=dict)
    _by_text: dict[bytes, int] = attrs.field(factory=dict)
    _kept: list[object] = attrs.field(factory=list)
    """What `_seen` knows by its address, which is no other's as long as it is kept."""

    def number_of(self, value: object, spelled_out: Callable[[Any], object]) -> int:
        """Return the place of a value; those that are written alike have one."""
        number = self._seen.get(id(value))
        if number is None:
            row = spelled_out(value)
            number = self._by_text.setdefault(encoded(row), len(self.rows))
            if number == len(self.rows):
                self.rows.append(row)
            self._seen[id(value)] = number
            self._kept.append(value)
        return number

    def at(self, number: object) -> Any:  # noqa: ANN401 - of whatever type the table holds
        """Return the value at a place."""
        if type(number) is not int or not 0 <= number < len(self.known):
            raise ValueError(f"there is no {self.what} {shortened(number)}")
        return self.known[number]


@attrs.define
class _Tables:
    records: _Table = attrs.field(factory=lambda: _Table("record"))
    precisions: _Table = attrs.field(factory=lambda: _Table("precision"))


def _converter(tables: _Tables) -> cattrs.Converter:
    """Return what turns a result into JSON and back; entries through the tables."""
    converter = json_converter()
    spell_entry, spell_precision = entry_writer(converter), writer_of(converter, Precision)

    converter.register_unstructure_hook_func(
        is_entry, lambda entry: tables.records.number_of(entry, spell_entry)
    )
    converter.register_structure_hook_func(is_entry, lambda number, _: tables.records.at(number))
    converter.register_unstructure_hook(
        Precision,
        lambda each: tables.precisions.number_of(each, spell_precision),
    )
    converter.register_structure_hook(Precision, lambda number, _: tables.precisions.at(number))
    return converter
