"""An entry's facts under the names that every sink shows them by.

Rules of the file:

1. Nothing is computed: what an entry does not state is None here, and empty or null in a sink.
2. Numbers become text digit by digit; no arithmetic, so no decimal context can round them.
3. A change to the names or their meaning raises ``SCHEMA_VERSION``.
"""

import datetime as dt
import operator
from collections.abc import Callable, Mapping
from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, Context, Decimal
from typing import Final

import attrs
import msgspec

from bitstamp_ledger.model import (
    ENTRY_KINDS,
    Amount,
    Conversion,
    Entry,
    Precision,
    Trade,
    Transfer,
    UnknownEntry,
    digest_of,
)
from bitstamp_ledger.sinks._annotations import EntryAnnotation

SCHEMA_VERSION: Final = 1
"""The version of the field names below; batches and JSON lines carry it."""

_PLACES_MAX: Final = 1000  # A zero may have any exponent: "0E-999999999" would fill the memory.

_CONTENT: Final = msgspec.json.Encoder(order="deterministic")

_STATED: Final[Mapping[type[Entry], Callable[[Entry], object]]] = {
    kind: operator.attrgetter(
        *(each.name for each in attrs.fields(kind) if each.name not in {"id", "source"})
    )
    for kind in ENTRY_KINDS
}
"""Reads off what an entry states, by its kind."""

_WITHOUT_ROUNDING: Final = Context(prec=MAX_PREC, Emax=MAX_EMAX, Emin=MIN_EMIN)


_encode_line: Final = msgspec.json.Encoder().encode

_WHOLE_SECOND_CHARS: Final = len('"2024-03-01T00:41:37Z"')


def decimal_text(value: Decimal) -> str:
    """Write all digits of ``value`` without an exponent: ``0.00000001``, never ``1E-8``.

    Raises:
        ValueError: it would take more than a thousand digits before or after the point.
    """
    text = str(value)
    if "E" not in text:  # Most are written so already.
        return text
    if abs(value.adjusted()) > _PLACES_MAX:
        raise ValueError(f"{value} has too many places to be written without an exponent")
    return f"{value:f}"


def time_text(instant: dt.datetime) -> str:
    """Write a UTC time as ISO 8601, always with six decimals: ``2024-03-01T00:41:37.512000Z``."""
    text = _encode_line(instant).decode()  # Several times as fast as isoformat().
    if len(text) == _WHOLE_SECOND_CHARS:
        return f"{text[1:-2]}.000000Z"
    return text[1:-1]


def document_of(
    entry: Entry,
    *,
    number: Callable[[Decimal], str] = decimal_text,
    raw_number: Callable[[Decimal], str] = str,
    annotation: EntryAnnotation | None = None,
) -> dict[str, object]:
    """Return everything that ``entry`` states as JSON-like values, under fixed keys.

    Args:
        entry: the entry.
        number: how to write amounts and prices.
        raw_number: how to write the numbers of the record as received.
        annotation: what a person said about it: the last key, ``annotation``, where there is one.
    """
    document = _document(entry, number, _jsonable(entry.source.raw, raw_number))
    return document if annotation is None else document | _annotation(annotation, number)


def json_line(entry: Entry, annotation: EntryAnnotation | None = None) -> bytes:
    """Write `document_of` as one line of JSON.

    Raises:
        ValueError: a text is no valid Unicode, or a number would take a thousand digits.
    """
    raw = msgspec.Raw(raw_json(entry.source.raw))
    document = _document(entry, decimal_text, raw)
    if annotation is not None:
        document |= _annotation(annotation, decimal_text)
    return _encode_line(document) + b"\n"


def _annotation(said: EntryAnnotation, number: Callable[[Decimal], str]) -> dict[str, object]:
    value = said.price_value
    price = None if value is None else {"currency": said.price_currency, "value": number(value)}
    return {"annotation": {"label": said.label, "note": said.note, "price": price}}


def _document(entry: Entry, number: Callable[[Decimal], str], raw: object) -> dict[str, object]:
    trade = entry if isinstance(entry, Trade) else None
    price = entry.price if isinstance(entry, Trade | Conversion) else None
    source, fee = entry.source, entry.fee
    return {
        "schema": SCHEMA_VERSION,
        "id": entry.id,
        "kind": entry.kind,
        "time": time_text(entry.time),
        "account": entry.account,
        "transaction_id": entry.transaction_id,
        "order_id": None if trade is None else trade.order_id,
        "self_trade": None if trade is None else trade.self_trade,
        "side": None if trade is None else trade.side.value,
        "base": None if trade is None else _unsigned(trade.legs[0], number),
        "quote": None if trade is None else _unsigned(trade.legs[1], number),
        "price": None if price is None else number(price),
        "legs": [{"currency": leg.currency, "value": number(leg.value)} for leg in entry.legs],
        "fee": None if fee is None else {"currency": fee.currency, "value": number(fee.value)},
        "counterparty": entry.counterparty if isinstance(entry, Transfer) else None,
        "code": entry.code,
        "reason": entry.reason if isinstance(entry, UnknownEntry) else None,
        "source": {
            "endpoint": source.endpoint,
            "path": None if source.path is None else path_text(source.path),
            "row": source.row,
            "precision": _precision(source.precision),
        },
        "raw": raw,
    }


def _unsigned(amount: Amount, number: Callable[[Decimal], str]) -> dict[str, object]:
    return {"currency": amount.currency, "value": number(amount.value.copy_abs())}


def content_digest(entry: Entry) -> str:
    """Return a digest of what ``entry`` states, the same for ``1.0`` and ``1.00``.

    The path and the row number are left out: a moved file states the same as before.

    Raises:
        ValueError: a text is no valid Unicode.
    """
    content = exact_content(entry)
    source = content["source"]
    if isinstance(source, dict):
        content["source"] = {k: v for k, v in source.items() if k not in {"path", "row"}}
    return digest_of(content)


def content_bytes(entry: Entry) -> bytes:
    """Write everything that ``entry`` states, the same bytes on every machine.

    Raises:
        ValueError: a text is no valid Unicode.
    """
    try:
        return _CONTENT.encode((entry.kind, entry))
    except UnicodeError:  # The name of a file need not be Unicode.
        return _CONTENT.encode(exact_content(entry))


def content_hash(entry: Entry) -> int:
    """Return a hash of what ``entry`` states, the same for ``1.0`` and ``1.00``, within a process.

    As with `content_digest`, the path and the row number are left out.
    """
    raw = entry.source.raw
    try:
        received = hash(raw and frozenset(raw.items()))
    except TypeError:  # A record that holds a list.
        received = hash(digest_of([_jsonable(raw, _one_spelling)]))
    stated = _STATED[type(entry)](entry)
    return hash((entry.kind, stated, entry.source.endpoint, entry.source.precision, received))


def exact_content(entry: Entry) -> dict[str, object]:
    """Return everything that ``entry`` states, with one spelling for equal numbers."""
    return document_of(entry, number=_one_spelling, raw_number=_one_spelling)


def path_text(path: str) -> str:
    """Return ``path`` as valid Unicode; names of files need not be."""
    return path.encode("utf-8", "backslashreplace").decode("utf-8")


_PLAIN: Final = frozenset({str, int, bool, type(None), Decimal})


def raw_json(raw: Mapping[str, object]) -> bytes:
    """Write a record as received as JSON: numbers with a fraction as text, keys sorted."""
    if type(raw) is dict and _PLAIN.issuperset(map(type, raw.values())):
        return _CONTENT.encode(raw)  # What is left of it is faster, and gives the same.
    return msgspec.json.encode(_jsonable(raw, str))


def _one_spelling(value: Decimal) -> str:
    return str(value.normalize(_WITHOUT_ROUNDING)) if value else "0"


def _precision(precision: Precision | None) -> dict[str, object] | None:
    if precision is None:
        return None
    return {
        "time_step_us": precision.time_step // dt.timedelta(microseconds=1),
        "base": precision.base.value,
        "quote": precision.quote.value,
        "quote_decimals_min": precision.quote_decimals_min,
        "fee": precision.fee.value,
        "fee_decimals_min": precision.fee_decimals_min,
        "exchange_ids": precision.exchange_ids,
        "account_stated": precision.account_stated,
        "grain": precision.grain.value,
    }


def _jsonable(value: object, number: Callable[[Decimal], str]) -> object:
    """Return a raw value as JSON; keys are sorted, since equal mappings may differ in their order.

    A received number with a fraction becomes text of the same digits (``1E-8`` stays one).
    """
    match value:
        case None | bool() | int() | str():
            return value
        case Decimal():
            return number(value)
        case Mapping():
            return {str(key): _jsonable(value[key], number) for key in sorted(value, key=str)}
        case list() | tuple():
            return [_jsonable(item, number) for item in value]
        case _:
            return str(value)
