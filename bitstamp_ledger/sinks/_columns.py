"""Entries as columns of Arrow, under a fixed schema; the only module that builds Arrow arrays.

What an entry does not state, and what its kind does not have, is null.  Decimals have 38 digits, 18
of them behind the point, whatever was printed: ``1.50`` and ``1.5`` are the same there.  What does
not fit is refused, never rounded.
"""

import datetime as dt
import functools
import importlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, chain, islice
from types import ModuleType, SimpleNamespace
from typing import Any, Final, TypeAlias

from bitstamp_ledger.errors import MissingExtraError, SinkError
from bitstamp_ledger.model import (
    UTC,
    Conversion,
    Entry,
    Precision,
    Trade,
    Transfer,
    UnknownEntry,
)
from bitstamp_ledger.sinks._row import path_text

# pyarrow has no types; these names say what is meant.
Schema: TypeAlias = Any
DataType: TypeAlias = Any
Array: TypeAlias = Any
RecordBatch: TypeAlias = Any

DIGITS: Final = 38
DECIMALS: Final = 18

BATCH_ROWS: Final = 16_384
"""Entries to a record batch: enough that the cost of a batch does not count."""

_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = dt.timedelta(microseconds=1)
_UNPRICED: Final = SimpleNamespace(price=None, order_id=None, self_trade=None)
"""Stands for entries whose kind has none of these."""

_LARGEST: Final = 10 ** (DIGITS - DECIMALS)
_INTEGER_MAX: Final = 2**63 - 1


@functools.cache
def arrow_module(needed_for: str = "Arrow", module: str = "pyarrow") -> ModuleType:
    """Return ``pyarrow``, or a module of it.

    Args:
        needed_for: what the user asked for.
        module: the module's name.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError:
        raise MissingExtraError(needed_for, extra="arrow") from None


@functools.cache
def schema() -> Schema:
    """Return the schema, version 1, as the field ``schema`` of its metadata says."""
    pa = arrow_module()
    text, number, integer = pa.string(), pa.decimal128(DIGITS, DECIMALS), pa.int64()
    leg = pa.struct(
        [pa.field("currency", text, nullable=False), pa.field("value", number, nullable=False)]
    )
    stated = {"id": text, "kind": text, "time": pa.timestamp("us", tz="UTC"), "account": text}
    optional = {
        "side": text,
        "base_amount": number,
        "base_currency": text,
        "quote_amount": number,
        "quote_currency": text,
        "amount": number,
        "currency": text,
        "fee_amount": number,
        "fee_currency": text,
        "price": number,
    }
    legs = pa.list_(pa.field("leg", leg, nullable=False))
    last = {
        "order_id": integer,
        "transaction_id": integer,
        "self_trade": pa.bool_(),
        "counterparty": text,
        "code": text,
        "reason": text,
        "source_endpoint": text,
        "source_path": text,
        "source_row": integer,
        "time_step_us": integer,
    }
    fields = [pa.field(name, kind, nullable=False) for name, kind in stated.items()]
    fields += [pa.field(name, kind) for name, kind in optional.items()]
    fields.append(pa.field("legs", legs, nullable=False))
    fields += [pa.field(name, kind) for name, kind in last.items()]
    return pa.schema(fields, metadata={"bitstamp_ledger.schema": "1"})


def record_batches(
    entries: Iterable[Entry], *, rows: int = BATCH_ROWS, sink: str = "arrow"
) -> Iterator[RecordBatch]:
    """Yield ``entries`` as record batches of ``rows`` rows; the last may be shorter."""
    source = iter(entries)
    while some := list(islice(source, rows)):
        yield record_batch(some, sink=sink)


def record_batch(entries: Sequence[Entry], *, sink: str = "arrow") -> RecordBatch:
    """Return ``entries`` as one record batch.

    Raises:
        SinkError: one of them does not fit; the error names it.
        TypeError: something among them is no entry.
    """
    pa = arrow_module()
    try:
        return pa.RecordBatch.from_arrays(_arrays(entries), schema=schema())
    except (pa.ArrowException, ValueError, OverflowError, AttributeError) as exc:
        for entry in entries:
            _require_fit(entry, sink)
        raise SinkError(
            f"Entries cannot be written as Arrow: {exc}.",
            sink=sink,
            hint="Please report this: it should have been said which entry, and why.",
        ) from exc


def _arrays(entries: Sequence[Entry]) -> list[Array]:
    """Return the columns in the order of the schema.

    A history is nearly all trades, and a million of them: each column is one comprehension without
    a call, and what a single kind has is not looked for where there is none of it.
    """
    pa, pc = arrow_module(), arrow_module(module="pyarrow.compute")
    text, number, integer = pa.string(), pa.decimal128(DIGITS, DECIMALS), pa.int64()
    count = len(entries)
    kinds = [type(entry) for entry in entries]

    def of_few(kind: type[Entry], name: str, arrow_type: DataType) -> Array:
        if kind not in present:
            return pa.nulls(count, arrow_type)
        return pa.array([getattr(entry, name, None) for entry in entries], arrow_type)

    present = set(kinds)
    legs = [entry.legs for entry in entries]
    flat = list(chain.from_iterable(legs))
    values = pa.array([leg.value for leg in flat], number)
    codes = pa.array([leg.currency for leg in flat], text)
    starts = [0, *accumulate(map(len, legs))]
    traded: list[Any]
    priced: list[Any]
    if present == {Trade}:  # Of two legs each: no place has to be looked for.
        bases, quotes, alone = _every_other(0, count), _every_other(1, count), None
        traded = priced = list(entries)
    else:
        found = list(zip(starts, entries, kinds, strict=False))
        bases = pa.array([at if each is Trade else None for at, _, each in found], integer)
        quotes = pc.add(bases, 1)
        alone = pa.array([at if len(entry.legs) == 1 else None for at, entry, _ in found], integer)
        traded = [entry if each is Trade else _UNPRICED for _, entry, each in found]
        priced = [
            entry if each is Trade or each is Conversion else _UNPRICED for _, entry, each in found
        ]
    base_values = values.take(bases)
    fees = [entry.fee for entry in entries]
    sources = [entry.source for entry in entries]
    times = pa.array([entry.time - _EPOCH for entry in entries], pa.duration("us"))
    legs_type = schema().field("legs").type
    return [
        pa.array([entry.id for entry in entries], text),
        _of_few([each.kind for each in kinds], text),
        times.view(schema().field("time").type),
        _of_few([entry.account for entry in entries], text),
        _sides(traded, base_values) if alone is None else _sides_of_any(traded),
        pc.abs(base_values),
        codes.take(bases),
        pc.abs(values.take(quotes)),
        codes.take(quotes),
        pa.nulls(count, number) if alone is None else values.take(alone),
        pa.nulls(count, text) if alone is None else codes.take(alone),
        pa.array([None if fee is None else fee.value for fee in fees], number),
        pa.array([None if fee is None else fee.currency for fee in fees], text),
        pa.array([each.price for each in priced], number),
        pa.ListArray.from_arrays(
            pa.array(starts, pa.int32()),
            pa.StructArray.from_arrays([codes, values], fields=list(legs_type.value_type)),
            type=legs_type,
        ),
        pa.array([each.order_id for each in traded], integer),
        pa.array([entry.transaction_id for entry in entries], integer),
        pa.array([each.self_trade for each in traded], pa.bool_()),
        of_few(Transfer, "counterparty", text),
        _of_few([entry.code for entry in entries], text),
        of_few(UnknownEntry, "reason", text),
        _of_few([source.endpoint for source in sources], text),
        pa.array([source.path and path_text(source.path) for source in sources], text),
        _of_few([source.row for source in sources], integer),
        _of_few([_step_us(source.precision) for source in sources], integer),
    ]


def _of_few(values: list[Any], arrow_type: DataType) -> Array:
    """Make a column whose values are often all the same."""
    pa = arrow_module()
    if len(set(values)) == 1:
        return pa.repeat(pa.scalar(values[0], arrow_type), len(values))
    return pa.array(values, arrow_type)


def _step_us(precision: Precision | None) -> int | None:
    return None if precision is None else precision.time_step // _MICROSECOND


def _sides(trades: Sequence[Trade], base_values: Array) -> Array:
    """Make the column of what `Trade.side` says, from the signs where no base is zero."""
    pa, pc = arrow_module(), arrow_module(module="pyarrow.compute")
    signs = pc.sign(base_values)
    if pc.any(pc.equal(signs, 0)).as_py():
        return _sides_of_any(trades)
    return pc.if_else(pc.less(signs, 0), pa.scalar("sell"), pa.scalar("buy"))


def _sides_of_any(trades: Sequence[Any]) -> Array:
    pa = arrow_module()
    return pa.array([_side(each) for each in trades], pa.string())


def _side(trade: Any) -> str | None:  # noqa: ANN401 - or what stands for another kind
    """Return what `Trade.side` says, without its cost where the base tells it."""
    if trade is _UNPRICED:
        return None
    base = trade.legs[0].value
    if base:
        return "sell" if base.is_signed() else "buy"
    return str(trade.side.value)


@functools.lru_cache(maxsize=4)
def _every_other(start: int, count: int) -> Array:
    return arrow_module().array(range(start, start + 2 * count, 2))


def _require_fit(entry: object, sink: str) -> None:
    """Say what of an entry does not fit.

    Raises:
        SinkError: something does not.
        TypeError: it is no entry.
    """
    if not isinstance(entry, Entry):
        raise TypeError(f"Arrow columns take entries, not {type(entry).__name__}")
    amounts = [*entry.legs, *([] if entry.fee is None else [entry.fee])]
    price = getattr(entry, "price", None)
    numbers = [(str(amount), amount.value) for amount in amounts]
    numbers += [] if price is None else [(f"price {price:f}", price)]
    for name, value in numbers:
        exponent = value.normalize().as_tuple().exponent
        if isinstance(exponent, int) and -exponent > DECIMALS:
            raise _misfit(entry, f"{name} has more than {DECIMALS} digits behind its point", sink)
        if abs(value) >= _LARGEST:
            raise _misfit(
                entry, f"{name} has more than {DIGITS - DECIMALS} digits before its point", sink
            )
    for name in ("transaction_id", "order_id"):
        number = getattr(entry, name, None)
        if number is not None and abs(number) > _INTEGER_MAX:
            raise _misfit(entry, f"{name} {number} is no integer of 64 bits", sink)
    for name in ("id", "account", "code", "counterparty", "reason"):
        text = getattr(entry, name, None) or ""
        if text.encode("utf-8", "replace").decode() != text:
            raise _misfit(entry, f"its {name} is no valid Unicode", sink)


def _misfit(entry: Entry, reason: str, sink: str) -> SinkError:
    return SinkError(
        f"Entry {entry.id!r} does not fit into Arrow columns: {reason}.",
        sink=sink,
        hint="Leave that entry out, or write JSON Lines, which hold all digits.",
    )
