"""A result as JSON that keeps every digit, and back again.

An object with these keys, always in this order:

====================  ============================================================================
``kind``, ``schema``  ``reconciliation``, and 1; raised when a key changes its meaning
``precisions``        how precisely rows state their facts, each once
``records``           every entry that the result speaks of, each once
``result``            the parts of `Reconciliation` under their own names
====================  ============================================================================

In ``result`` an entry is its place in ``records``, and in a record's ``source`` a precision is its
place in ``precisions``; both count from 0.  Rules:

1. A decimal is text with all of its digits, zeros included: how many are printed is what a row
   states.
2. A time is ISO 8601 in UTC with six decimals; a length of time is a whole number of microseconds.
3. A member of an enumeration is its name in small letters; what is not stated is null.
4. The record as received keeps the order of its keys.  What JSON cannot hold in it is an object of
   one key: ``{"$decimal": "0.10"}``, and ``{"$pairs": [["key", 1]]}`` for an object with a key
   that begins with ``$``.
5. Text that is no valid Unicode, as names of files need not be, is ``{"$utf8": "edb280"}``.

Bytes that somebody else may have written are safe to read: anything that is not such an object is
one `BitstampLedgerError`.
"""

import datetime as dt
import enum
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final, TypeVar, get_args, get_origin

import attrs
import cattrs
import msgspec
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn

from bitstamp_ledger.errors import BitstampLedgerError
from bitstamp_ledger.model import ENTRY_KINDS, Entry, Precision
from bitstamp_ledger.reconcile._result import Reconciliation

KIND: Final = "reconciliation"
SCHEMA: Final = 1

_KEYS: Final = ("kind", "schema", "precisions", "records", "result")
_KINDS: Final = {kind.kind: kind for kind in ENTRY_KINDS}
_PROBLEMS_SHOWN: Final = 3
_WIDTH_SHOWN: Final = 200
_MICROSECOND: Final = dt.timedelta(microseconds=1)
_LENGTH_MAX_US: Final = dt.timedelta(days=366) // _MICROSECOND

_decimal_text: Final = re.compile(r"-?[0-9]+(\.[0-9]+)?(E[+-]?[0-9]{1,9})?", re.ASCII).fullmatch
_time_text: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z", re.ASCII
).fullmatch

T = TypeVar("T")


def to_json(result: Reconciliation) -> bytes:
    """Return a result as JSON; the same bytes for the same result.

    Raises:
        BitstampLedgerError: a record as received holds what no JSON value stands for.
    """
    tables = _Tables()
    try:
        parts = _converter(tables).unstructure(result)
        return _encoded(
            {
                "kind": KIND,
                "schema": SCHEMA,
                "precisions": tables.precisions.rows,
                "records": tables.records.rows,
                "result": parts,
            }
        )
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
        read_precision = _structure_of(converter, Precision)
        for row in _list(document["precisions"]):
            tables.precisions.known.append(read_precision(row))
        readers: dict[str, Callable[[object], Entry]] = {}
        for row in _list(document["records"]):
            tables.records.known.append(_entry(converter, readers, row))
        return converter.structure(document["result"], Reconciliation)
    except (cattrs.BaseValidationError, RecursionError, ValueError, TypeError) as exc:
        raise _damaged("; ".join(_told(exc))) from exc


# -- the whole document


def _encoded(document: object) -> bytes:
    try:
        return msgspec.json.encode(document)
    except UnicodeEncodeError:
        return msgspec.json.encode(_with_odd_text(document))


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
            f"A reconciliation of schema {_short(schema)}; this version reads schema {SCHEMA}.",
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
        told = [_short(each.removeprefix(" @ ")) for each in found[:_PROBLEMS_SHOWN]]
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


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= _WIDTH_SHOWN else f"{text[:_WIDTH_SHOWN]}…"


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
            number = self._by_text.setdefault(_encoded(row), len(self.rows))
            if number == len(self.rows):
                self.rows.append(row)
            self._seen[id(value)] = number
            self._kept.append(value)
        return number

    def at(self, number: object) -> Any:  # noqa: ANN401 - of whatever type the table holds
        """Return the value at a place."""
        if type(number) is not int or not 0 <= number < len(self.known):
            raise ValueError(f"there is no {self.what} {_short(number)}")
        return self.known[number]


@attrs.define
class _Tables:
    records: _Table = attrs.field(factory=lambda: _Table("record"))
    precisions: _Table = attrs.field(factory=lambda: _Table("precision"))


def _entry(
    converter: cattrs.Converter, readers: dict[str, Callable[[object], Entry]], row: object
) -> Entry:
    """Read an entry that is spelled out; ``readers`` remembers how each kind is read."""
    fields = dict(_object(row))
    kind = fields.pop("kind", None)
    if not isinstance(kind, str) or kind not in _KINDS:
        raise ValueError(f"there is no kind of entry {_short(kind)}")
    if kind not in readers:
        readers[kind] = _structure_of(converter, _KINDS[kind])
    return readers[kind](fields)


# -- the hooks, one for each type


def _converter(tables: _Tables) -> cattrs.Converter:
    """Return what turns values into JSON and back; entries through the tables."""
    converter = cattrs.Converter()
    converter.register_structure_hook_factory(attrs.has, lambda kind: _object_of(converter, kind))
    _register_plain(converter)  # First: what is made below remembers the hooks of its fields.
    writes: dict[type[Entry], Callable[[Any], dict[str, Any]]] = {}

    def spell_entry(entry: Entry) -> object:
        kind = type(entry)
        if kind not in writes:
            writes[kind] = make_dict_unstructure_fn(kind, converter)
        return {"kind": kind.kind, **writes[kind](entry)}

    spell_precision = make_dict_unstructure_fn(Precision, converter)

    converter.register_unstructure_hook_func(
        _is_entry, lambda entry: tables.records.number_of(entry, spell_entry)
    )
    converter.register_structure_hook_func(_is_entry, lambda number, _: tables.records.at(number))
    converter.register_unstructure_hook(
        Precision,
        lambda each: tables.precisions.number_of(each, spell_precision),
    )
    converter.register_structure_hook(Precision, lambda number, _: tables.precisions.at(number))
    return converter


def _register_plain(converter: cattrs.Converter) -> None:
    converter.register_unstructure_hook(Decimal, str)
    converter.register_structure_hook(Decimal, lambda value, _: _decimal(value))
    converter.register_unstructure_hook(dt.datetime, _time_as_text)
    converter.register_structure_hook(dt.datetime, lambda value, _: _time(value))
    converter.register_unstructure_hook(dt.timedelta, lambda value: value // _MICROSECOND)
    converter.register_structure_hook(dt.timedelta, lambda value, _: _length(value))
    converter.register_unstructure_hook_func(_is_enum, lambda member: member.name.lower())
    converter.register_structure_hook_func(_is_enum, _member)
    converter.register_structure_hook(int, lambda value, _: _whole(value))
    converter.register_structure_hook(bool, lambda value, _: _flag(value))
    converter.register_structure_hook(str, lambda value, _: _text(value))
    converter.register_unstructure_hook_func(_is_record, _received_as_json)
    converter.register_structure_hook_func(_is_record, lambda value, _: _object(_received(value)))
    converter.register_structure_hook_factory(_is_tuple, lambda kind: _tuple_of(converter, kind))


def _structure_of(converter: cattrs.Converter, kind: type[T]) -> Callable[[object], T]:
    """Return what reads an attrs class field by field, whatever hook stands for it elsewhere."""
    read = _object_of(converter, kind)
    return lambda value: read(value, kind)


def _object_of(converter: cattrs.Converter, kind: type[T]) -> Callable[[object, object], T]:
    read = make_dict_structure_fn(kind, converter, _cattrs_forbid_extra_keys=True)
    # cattrs asks whatever it gets for its keys.
    return lambda value, _: read(_object(value), kind)


def _is_entry(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, Entry)


def _is_enum(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, enum.Enum)


def _is_record(kind: object) -> bool:
    return get_origin(kind) is Mapping


def _is_tuple(kind: object) -> bool:
    return get_origin(kind) is tuple


def _tuple_of(
    converter: cattrs.Converter, kind: type[tuple[Any, ...]]
) -> Callable[[object, object], tuple[Any, ...]]:
    item = get_args(kind)[0]
    structure = converter.get_structure_hook(list[item])  # type: ignore[valid-type]
    # A text has items as well, and would do for a list of them.
    return lambda value, _: tuple(structure(_list(value), list[item]))  # type: ignore[valid-type]


# -- what JSON values mean; nothing is converted that was not written so


def _object(value: object) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise TypeError(f"an object is wanted, not {_short(value)}")
    return value


def _list(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError(f"a list is wanted, not {_short(value)}")
    return value


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, dict) and list(value) == ["$utf8"]:
        return bytes.fromhex(_text(value["$utf8"])).decode("utf-8", "surrogatepass")
    raise TypeError(f"text is wanted, not {_short(value)}")


def _whole(value: object) -> int:
    if type(value) is not int:
        raise TypeError(f"a whole number is wanted, not {_short(value)}")
    return value


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"true or false is wanted, not {_short(value)}")
    return value


def _member(value: object, kind: type[enum.Enum]) -> enum.Enum:
    for member in kind:
        if member.name.lower() == value:
            return member
    known = ", ".join(member.name.lower() for member in kind)
    raise ValueError(f"{_short(value)} is none of {known}")


def _decimal(value: object) -> Decimal:
    if not isinstance(value, str) or _decimal_text(value) is None:
        raise ValueError(f"a decimal is wanted, as text, not {_short(value)}")
    return Decimal(value)


def _time_as_text(time: dt.datetime) -> str:
    return time.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def _time(value: object) -> dt.datetime:
    if not isinstance(value, str) or _time_text(value) is None:
        raise ValueError(f"a time in UTC with six decimals is wanted, not {_short(value)}")
    return dt.datetime.fromisoformat(value)


def _length(value: object) -> dt.timedelta:
    if not 0 < _whole(value) <= _LENGTH_MAX_US:
        raise ValueError(f"no row is as imprecise as {_short(value)} microseconds")
    return _whole(value) * _MICROSECOND


# -- the record as received


def _received_as_json(value: object) -> object:
    match value:
        case None | bool() | int() | str():
            return value
        case Decimal():
            return {"$decimal": str(value)}
        case Mapping():
            shown = {_key(key): _received_as_json(each) for key, each in value.items()}
            if any(key.startswith("$") for key in shown):
                return {"$pairs": list(shown.items())}
            return shown
        case list() | tuple():
            return [_received_as_json(each) for each in value]
        case _:
            raise _unportable(f"a record as received holds a {type(value).__name__}")


def _key(key: object) -> str:
    if not isinstance(key, str):
        raise _unportable(f"a record as received has the key {_short(repr(key))}")
    return key


def _received(value: object) -> object:
    match value:
        case {"$decimal": text, **others} if not others:
            return _decimal(text)
        case {"$pairs": pairs, **others} if not others:
            return dict(_pair(each) for each in _list(pairs))
        case {"$utf8": _, **others} if not others:
            return _text(value)
        case dict():
            return {key: _received(each) for key, each in value.items()}
        case list():
            return [_received(each) for each in value]
        case None | bool() | int() | str():
            return value
        case _:
            raise ValueError(f"{_short(value)} is nothing that a record holds")


def _pair(value: object) -> tuple[str, object]:
    match value:
        case [key, each]:
            return _text(key), _received(each)
        case _:
            raise ValueError(f"a key and a value are wanted, not {_short(value)}")


def _with_odd_text(value: object) -> object:
    """Return a document whose texts are all valid Unicode."""
    match value:
        case str() if _is_odd(value):
            return {"$utf8": value.encode("utf-8", "surrogatepass").hex()}
        case dict() if any(map(_is_odd, value)):
            # Only a record as received has keys of its own.
            return {"$pairs": [list(map(_with_odd_text, pair)) for pair in value.items()]}
        case dict():
            return {key: _with_odd_text(each) for key, each in value.items()}
        case list() | tuple():
            return [_with_odd_text(each) for each in value]
        case _:
            return value


def _is_odd(text: str) -> bool:
    return not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text)
