"""Entries as JSON values that keep every digit, and back again; whatever is made of them as well.

Rules:

1. An entry is an object: ``kind``, then its fields under their own names.
2. A decimal is text with all of its digits, zeros included: how many are printed is what a row
   states.
3. A time is ISO 8601 in UTC with six decimals; a length of time is a whole number of microseconds.
4. A member of an enumeration is its name in small letters; what is not stated is null.
5. The record as received keeps the order of its keys.  What JSON cannot hold in it is an object of
   one key: ``{"$decimal": "0.10"}``, and ``{"$pairs": [["key", 1]]}`` for an object with a key
   that begins with ``$``.
6. Text that is no valid Unicode, as names of files need not be, is ``{"$utf8": "edb280"}``.

Nothing is converted that was not written so: what somebody else may have made up is safe to read,
and is refused with ValueError, TypeError or `cattrs.BaseValidationError`.

A door of its own: `bitstamp_ledger.model` does not import it, since most programs need no cattrs.
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

from bitstamp_ledger.model._entries import ENTRY_KINDS, Entry

__all__ = [
    "UnportableError",
    "encoded",
    "entry_reader",
    "entry_writer",
    "is_entry",
    "json_converter",
    "list_of",
    "reader_of",
    "shortened",
    "writer_of",
]

_KINDS: Final = {kind.kind: kind for kind in ENTRY_KINDS}
_WIDTH_SHOWN: Final = 200
_MICROSECOND: Final = dt.timedelta(microseconds=1)
_LENGTH_MAX_US: Final = dt.timedelta(days=366) // _MICROSECOND

_decimal_text: Final = re.compile(r"-?[0-9]+(\.[0-9]+)?(E[+-]?[0-9]{1,9})?", re.ASCII).fullmatch
_time_text: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z", re.ASCII
).fullmatch

T = TypeVar("T")


class UnportableError(ValueError):
    """A record as received holds what no JSON value stands for."""


def shortened(value: object) -> str:
    """Return a value in words, cut where a hostile one would fill the screen."""
    text = str(value)
    return text if len(text) <= _WIDTH_SHOWN else f"{text[:_WIDTH_SHOWN]}…"


def encoded(document: object) -> bytes:
    """Return JSON values as bytes, those of rule 6 included."""
    try:
        return msgspec.json.encode(document)
    except UnicodeEncodeError:
        return msgspec.json.encode(_with_odd_text(document))


def json_converter() -> cattrs.Converter:
    """Return what turns entries, and attrs classes that hold them, into JSON values and back.

    Hooks that are registered later for `Entry` or a part of it hold inside of entries too, as long
    as nothing was converted before.
    """
    converter = cattrs.Converter()
    converter.register_structure_hook_factory(attrs.has, lambda kind: _object_of(converter, kind))
    _register_plain(converter)  # First: what is made below remembers the hooks of its fields.
    write, read = entry_writer(converter), entry_reader(converter)
    converter.register_unstructure_hook_func(is_entry, write)
    converter.register_structure_hook_func(is_entry, lambda value, _: read(value))
    return converter


def entry_writer(converter: cattrs.Converter) -> Callable[[Entry], dict[str, Any]]:
    """Return what spells an entry out, whatever hook stands for entries elsewhere."""
    writers: dict[type[Entry], Callable[[Any], dict[str, Any]]] = {}

    def write(entry: Entry) -> dict[str, Any]:
        kind = type(entry)
        if kind not in writers:
            writers[kind] = writer_of(converter, kind)
        return {"kind": kind.kind, **writers[kind](entry)}

    return write


def entry_reader(converter: cattrs.Converter) -> Callable[[object], Entry]:
    """Return what reads an entry that is spelled out, whatever stands for entries elsewhere."""
    readers: dict[str, Callable[[object], Entry]] = {}

    def read(value: object) -> Entry:
        fields = dict(_object(value))
        kind = fields.pop("kind", None)
        if not isinstance(kind, str) or kind not in _KINDS:
            raise ValueError(f"there is no kind of entry {shortened(kind)}")
        if kind not in readers:
            readers[kind] = reader_of(converter, _KINDS[kind])
        return readers[kind](fields)

    return read


def writer_of(converter: cattrs.Converter, kind: type[T]) -> Callable[[T], dict[str, Any]]:
    """Return what writes an attrs class field by field, whatever hook stands for it elsewhere."""
    return make_dict_unstructure_fn(kind, converter)


def reader_of(converter: cattrs.Converter, kind: type[T]) -> Callable[[object], T]:
    """Return what reads an attrs class field by field, whatever hook stands for it elsewhere."""
    read = _object_of(converter, kind)
    return lambda value: read(value, kind)


def _object_of(converter: cattrs.Converter, kind: type[T]) -> Callable[[object, object], T]:
    read = make_dict_structure_fn(kind, converter, _cattrs_forbid_extra_keys=True)
    # cattrs asks whatever it gets for its keys.
    return lambda value, _: read(_object(value), kind)


def is_entry(kind: object) -> bool:
    """Say whether a type is that of an entry, or of all of them."""
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
    return lambda value, _: tuple(structure(list_of(value), list[item]))  # type: ignore[valid-type]


# -- the hooks, one for each type


def _register_plain(converter: cattrs.Converter) -> None:
    converter.register_unstructure_hook(Decimal, str)
    converter.register_structure_hook(Decimal, lambda value, _: _decimal(value))
    converter.register_unstructure_hook(dt.datetime, _time_as_text)
    converter.register_structure_hook(dt.datetime, lambda value, _: _time(value))
    converter.register_unstructure_hook(dt.timedelta, lambda value: value // _MICROSECOND)
    converter.register_structure_hook(dt.timedelta, lambda value, _: _length(value))
    converter.register_unstructure_hook_func(_is_enum, lambda member: member.name.lower())
    converter.register_structure_hook(enum.Enum, _member)
    converter.register_structure_hook(int, lambda value, _: _whole(value))
    converter.register_structure_hook(bool, lambda value, _: _flag(value))
    converter.register_structure_hook(str, lambda value, _: _text(value))
    converter.register_unstructure_hook_func(_is_record, _received_as_json)
    converter.register_structure_hook_func(_is_record, lambda value, _: _object(_received(value)))
    converter.register_structure_hook_factory(_is_tuple, lambda kind: _tuple_of(converter, kind))


# -- what JSON values mean; nothing is converted that was not written so


def _object(value: object) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise TypeError(f"an object is wanted, not {shortened(value)}")
    return value


def list_of(value: object) -> list[Any]:
    """Return a value that must be a list."""
    if not isinstance(value, list):
        raise TypeError(f"a list is wanted, not {shortened(value)}")
    return value


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, dict) and list(value) == ["$utf8"]:
        return bytes.fromhex(_text(value["$utf8"])).decode("utf-8", "surrogatepass")
    raise TypeError(f"text is wanted, not {shortened(value)}")


def _whole(value: object) -> int:
    if type(value) is not int:
        raise TypeError(f"a whole number is wanted, not {shortened(value)}")
    return value


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"true or false is wanted, not {shortened(value)}")
    return value


def _member(value: object, kind: type[enum.Enum]) -> enum.Enum:
    for member in kind:
        if member.name.lower() == value:
            return member
    known = ", ".join(member.name.lower() for member in kind)
    raise ValueError(f"{shortened(value)} is none of {known}")


def _decimal(value: object) -> Decimal:
    if not isinstance(value, str) or _decimal_text(value) is None:
        raise ValueError(f"a decimal is wanted, as text, not {shortened(value)}")
    return Decimal(value)


def _time_as_text(time: dt.datetime) -> str:
    return time.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def _time(value: object) -> dt.datetime:
    if not isinstance(value, str) or _time_text(value) is None:
        raise ValueError(f"a time in UTC with six decimals is wanted, not {shortened(value)}")
    return dt.datetime.fromisoformat(value)


def _length(value: object) -> dt.timedelta:
    if not 0 < _whole(value) <= _LENGTH_MAX_US:
        raise ValueError(f"no row is as imprecise as {shortened(value)} microseconds")
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
            raise UnportableError(f"a record as received holds a {type(value).__name__}")


def _key(key: object) -> str:
    if not isinstance(key, str):
        raise UnportableError(f"a record as received has the key {shortened(repr(key))}")
    return key


def _received(value: object) -> object:
    match value:
        case {"$decimal": text, **others} if not others:
            return _decimal(text)
        case {"$pairs": pairs, **others} if not others:
            return dict(_pair(each) for each in list_of(pairs))
        case {"$utf8": _, **others} if not others:
            return _text(value)
        case dict():
            return {key: _received(each) for key, each in value.items()}
        case list():
            return [_received(each) for each in value]
        case None | bool() | int() | str():
            return value
        case _:
            raise ValueError(f"{shortened(value)} is nothing that a record holds")


def _pair(value: object) -> tuple[str, object]:
    match value:
        case [key, each]:
            return _text(key), _received(each)
        case _:
            raise ValueError(f"a key and a value are wanted, not {shortened(value)}")


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
