"""The exchange's small answers -> typed values, by one strict converter.

1. A field without default is needed: where it is absent or cannot be read, the reply is unreadable,
   and the error names the path.
2. A field with a default is not: absent, null and empty are None; what is stated but cannot be read
   is None too, and named in ``unread``.  Nothing is lost: ``raw`` holds all that came.
3. The wire says numbers as text or as numbers, and times in four forms; each is read in one place,
   below, and none passes through a binary float (docs/facts/exchange.md, "Quirks of the wire").
"""

import datetime as dt
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import cache, partial
from types import UnionType
from typing import Any, Final, TypeVar, Union, get_args, get_origin

import attrs
import cattrs
from cattrs import transform_error
from cattrs.errors import (
    AttributeValidationNote,
    ClassValidationError,
    IterableValidationError,
    IterableValidationNote,
)

from bitstamp_ledger.api._wire import parse_json
from bitstamp_ledger.errors import UnreadableReplyError
from bitstamp_ledger.model import UTC, Side, exact

R = TypeVar("R", bound="Reading")

WIRE_NAMES: Final = "bitstamp_ledger.wire_names"
READ_BY: Final = "bitstamp_ledger.read_by"
NOT_ON_THE_WIRE: Final = {"bitstamp_ledger.not_on_the_wire": True}
"""Metadata of a field that is filled by whoever reads."""

_DIGITS_MAX: Final = 19
_UNIX_MILLIS_FROM: Final = 10**11
_UNIX_MICROS_FROM: Final = 10**14
_SIDES: Final = {"0": Side.BUY, "1": Side.SELL, "buy": Side.BUY, "sell": Side.SELL}
_FLAGS: Final = {"true": True, "false": False}


def wire(*names: str, read_by: Callable[[object], object] | None = None) -> dict[str, object]:
    """Return the metadata of a field that has other names on the wire, or a reader of its own.

    Args:
        names: where the field is looked for, in this order; its own name if there is none.  A dot
            leads into an object: ``fees.maker``.
        read_by: turns what is stated into the value; raises TypeError or ValueError.
    """
    return {WIRE_NAMES: names, READ_BY: read_by}


@attrs.frozen(kw_only=True)
class Reading:
    """What the exchange stated in one object of a reply."""

    raw: Mapping[str, object] = attrs.field(
        factory=dict, hash=False, repr=False, metadata=NOT_ON_THE_WIRE
    )
    """The object as received: JSON numbers with a fraction as Decimals of the same text."""

    unread: tuple[str, ...] = attrs.field(default=(), repr=False, metadata=NOT_ON_THE_WIRE)
    """Names of attributes that are None although something was stated: it could not be read."""


def capitals(stated: object) -> str:
    """Read a currency's code; the wire has it in either case."""
    return _text(stated).upper()


def number_or_none(stated: object) -> Decimal | None:
    """Return a JSON value as an exact number; None when it is none."""
    try:
        return _number(stated)
    except (TypeError, ValueError):
        return None


def payload_of(body: bytes, *, endpoint: str) -> object:
    """Parse a reply, and take it out of the wrapping that some endpoints put round it.

    Raises:
        UnreadableReplyError: it is not JSON.

    Source: docs/facts/exchange.md, "Wrapped replies".
    """
    try:
        payload = parse_json(body)
    except ValueError as exc:
        raise unreadable(endpoint, f"not JSON: {exc}") from exc
    if isinstance(payload, dict) and isinstance(payload.get("data"), list | dict):
        return payload["data"]
    return payload


def read_rows(body: bytes, row: type[R], *, endpoint: str) -> tuple[R, ...]:
    """Parse a reply that must be an array of objects.

    Raises:
        UnreadableReplyError: it is none, or an object lacks a needed field.
    """
    return structure(payload_of(body, endpoint=endpoint), row, endpoint=endpoint)


def read_one(body: bytes, kind: type[R], *, endpoint: str) -> R:
    """Parse a reply that must be an object; an array of one object is taken for it.

    Raises:
        UnreadableReplyError: it is none, or lacks a needed field.
    """
    payload = payload_of(body, endpoint=endpoint)
    rows = payload if isinstance(payload, list) else [payload]
    found = structure(rows, kind, endpoint=endpoint)
    if len(found) != 1:
        raise unreadable(endpoint, f"{len(found)} objects where one belongs")
    return found[0]


def structure(rows: object, row: type[R], *, endpoint: str) -> tuple[R, ...]:
    """Turn parsed JSON into values.

    Raises:
        UnreadableReplyError: not an array of objects, or an object lacks a needed field.
    """
    try:
        found: tuple[R, ...] = _converter().structure(
            rows,
            tuple[row, ...],  # type: ignore[valid-type]  # the type is made here, at run time
        )
    except (cattrs.BaseValidationError, TypeError) as exc:
        problems = transform_error(exc, format_exception=lambda error, _: str(error))
        raise unreadable(endpoint, *problems) from exc
    return found


def unreadable(endpoint: str, *problems: str) -> UnreadableReplyError:
    """Return the error for a reply in an unknown shape."""
    return UnreadableReplyError(
        f"{endpoint}: the reply has an unknown shape ({problems[0]}).",
        endpoint=endpoint,
        problems=problems,
        hint="Nothing of it was used.",
    )


def json_name(value: object) -> str:
    """Name the kind of a JSON value."""
    names = {dict: "an object", list: "an array", str: "a text", type(None): "null"}
    return names.get(type(value), "a number" if not isinstance(value, bool) else "a boolean")


@cache
def _converter() -> cattrs.Converter:
    converter = cattrs.Converter()
    for kind, reader in _READERS.items():
        converter.register_structure_hook(kind, _hook(reader))
    converter.register_structure_hook_factory(_is_rows, lambda kind: _rows_hook(kind, converter))
    converter.register_structure_hook_factory(
        _is_reading, lambda kind: _reading_hook(kind, converter)
    )
    return converter


def _hook(reader: Callable[[object], object]) -> Callable[[object, object], Any]:
    return lambda stated, _: reader(stated)


def _is_reading(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, Reading)


def _is_rows(kind: object) -> bool:
    return get_origin(kind) is tuple


def _rows_hook(kind: Any, converter: cattrs.Converter) -> Callable[[object, object], Any]:  # noqa: ANN401 - a parametrised tuple has no type of its own
    row = get_args(kind)[0]

    def structure_rows(stated: object, _: object) -> tuple[object, ...]:
        # cattrs takes whatever can be iterated for an array: an object would become its keys.
        if not isinstance(stated, list):
            raise TypeError(f"{json_name(stated)} where an array belongs")
        rows, problems = [], []
        for position, each in enumerate(stated):
            try:
                rows.append(converter.structure(each, row))
            except (TypeError, ValueError, cattrs.BaseValidationError) as exc:
                exc.add_note(IterableValidationNote("an element", position, row))
                problems.append(exc)
        if problems:
            raise IterableValidationError("unreadable elements", problems, tuple)
        return tuple(rows)

    return structure_rows


@attrs.frozen(kw_only=True)
class _Field:
    name: str
    kind: Any
    wire_names: tuple[str, ...]
    needed: bool
    read: Callable[[object], object]


def _fields_of(kind: type[Reading], converter: cattrs.Converter) -> tuple[_Field, ...]:
    attrs.resolve_types(kind)
    return tuple(
        _field_of(each, converter)
        for each in attrs.fields(kind)
        if not each.metadata.keys() & NOT_ON_THE_WIRE
    )


def _field_of(field: "attrs.Attribute[Any]", converter: cattrs.Converter) -> _Field:
    kind = field.type
    if get_origin(kind) in {Union, UnionType}:
        kind = next(each for each in get_args(kind) if each is not type(None))
    return _Field(
        name=field.name,
        kind=kind,
        wire_names=field.metadata.get(WIRE_NAMES) or (field.name,),
        needed=field.default is attrs.NOTHING,
        read=field.metadata.get(READ_BY) or partial(_structure_as, converter, kind),
    )


def _structure_as(converter: cattrs.Converter, kind: Any, stated: object) -> object:  # noqa: ANN401 - as above
    return converter.structure(stated, kind)


def _reading_hook(
    kind: type[Reading], converter: cattrs.Converter
) -> Callable[[object, object], Any]:
    fields = _fields_of(kind, converter)

    def structure_reading(stated: object, _: object) -> Reading:
        if not isinstance(stated, dict):
            raise TypeError(f"{json_name(stated)} where an object belongs")
        values: dict[str, Any] = {}
        unread: list[str] = []
        problems: list[Exception] = []
        for field in fields:
            found = _stated(stated, field.wire_names)
            if found is None and not field.needed:
                continue
            try:
                values[field.name] = _needed(found, field)
            except (TypeError, ValueError, cattrs.BaseValidationError) as exc:
                if not field.needed:
                    unread.append(field.name)
                    continue
                exc.add_note(AttributeValidationNote("a field", field.wire_names[0], field.kind))
                problems.append(exc)
        if problems:
            raise ClassValidationError("unreadable fields", problems, kind)
        return kind(**values, raw=stated, unread=tuple(unread))

    return structure_reading


def _stated(record: Mapping[str, object], names: tuple[str, ...]) -> object:
    """Return what stands under the first of these names that states anything."""
    for name in names:
        stated: object = record
        for key in name.split("."):
            stated = stated.get(key) if isinstance(stated, dict) else None
        if not _states_nothing(stated):
            return stated
    return None


def _states_nothing(stated: object) -> bool:
    # The exchange writes "None" where its programs had no value ("Quirks of the wire").
    return stated is None or stated in ("", "None")


def _needed(stated: object, field: _Field) -> object:
    if stated is None:
        raise ValueError("needed, and not there")
    return field.read(stated)


def _text(stated: object) -> str:
    if isinstance(stated, str):
        return stated
    if type(stated) is int:
        return str(stated)
    raise TypeError(f"not a text: {stated!r}")


def _number(stated: object) -> Decimal:
    if isinstance(stated, str) and not (stated.isascii() and stated == stated.strip()):
        raise ValueError(f"not a number: {stated!r}")
    return exact(stated)


def _whole_number(stated: object) -> int:
    if isinstance(stated, str) and len(stated) <= _DIGITS_MAX and stated.isascii():
        stated = int(stated) if stated.isdigit() else stated
    if type(stated) is not int:
        raise TypeError(f"not a whole number: {stated!r}")
    return stated


def _flag(stated: object) -> bool:
    found = _FLAGS.get(stated.casefold()) if isinstance(stated, str) else stated
    if not isinstance(found, bool):
        raise TypeError(f"neither true nor false: {stated!r}")
    return found


def _side(stated: object) -> Side:
    found = _SIDES.get(_text(stated).casefold())
    if found is None:
        raise ValueError(f"not a side: {stated!r}")
    return found


def _moment(stated: object) -> dt.datetime:
    """Read a time: text that is UTC unless it says otherwise, or Unix time as number or digits.

    Unix times come in seconds and in microseconds; no time since 2001 can be mistaken for one of
    another unit (docs/facts/exchange.md, "Times").
    """
    if isinstance(stated, str) and not stated.isdigit():
        moment = dt.datetime.fromisoformat(stated)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    unix = _whole_number(stated)
    if unix >= _UNIX_MICROS_FROM:
        micros = unix
    else:
        micros = unix * (1_000 if unix >= _UNIX_MILLIS_FROM else 1_000_000)
    try:
        return dt.datetime(1970, 1, 1, tzinfo=UTC) + dt.timedelta(microseconds=micros)
    except OverflowError as exc:
        raise ValueError(f"not a time: {stated!r}") from exc


_READERS: Final[Mapping[type, Callable[[object], object]]] = {
    str: _text,
    int: _whole_number,
    bool: _flag,
    Decimal: _number,
    Side: _side,
    dt.datetime: _moment,
}
