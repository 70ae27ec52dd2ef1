"""Layouts with a base and a quote, two columns for the time, or several for the exchange.

The plain sent-and-received layouts are read by `reader` of ``_sent_received``; this module serves
those that need more, and the tables whose columns a caller names.  What a row then means is decided
by the same `EntryBuilder`.

Rules:

1. With a base and a quote, the label says which way the base went; where a layout has no label, the
   sign of the amount does.
2. A total that is not stated is price times amount, rounded as the exchange rounds it
   (docs/facts/files.md, "Rounding"), and known as well as the two are.

Facts: docs/facts/files.md, "Formats with base and quote".
"""

import enum
import functools
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext
from types import MappingProxyType
from typing import Final

import attrs

from bitstamp_ledger.files._clock import ClockReader, DateOrder, read_clock
from bitstamp_ledger.files._currencies import is_bitstamp
from bitstamp_ledger.files._entries import DEPOSIT, WITHDRAWAL, EntryBuilder, Kinds, Legs
from bitstamp_ledger.files._format import Reading, RowError
from bitstamp_ledger.files._moments import MomentReader
from bitstamp_ledger.files._table import Table
from bitstamp_ledger.model import (
    Amount,
    Conversion,
    Entry,
    FeePlace,
    Precision,
    Rounding,
    Trade,
)

QUOTE_COMPUTED: Final = "total computed from price and amount"

FIAT: Final = frozenset({"USD", "EUR", "GBP", "CHF", "JPY", "CAD", "AUD", "SGD"})
_FIAT_STEP: Final = Decimal("0.01")
_CRYPTO_STEP: Final = Decimal("0.00000001")
# Holds every digit of a product of two numbers that a file can state.
_PRODUCT: Final = Context(prec=200, rounding=ROUND_HALF_EVEN)

_NO_DIRECTION: Final = Kinds(reason="It does not say whether it left this exchange or came to it.")

_pair: Final = re.compile(r" *([A-Za-z0-9.]{1,12}) *[/_:-] *([A-Za-z0-9.]{1,12}) *").fullmatch


class Way(enum.Enum):
    """Which way the base of a row went."""

    IN = "in"
    OUT = "out"
    BY_SIGN = "by sign"
    """The printed sign says it: plus in, minus out."""


@attrs.frozen(kw_only=True)
class Place:
    """An amount's columns; the currency's is None where a pair states it."""

    amount: str | None = None
    currency: str | None = None


@attrs.frozen(kw_only=True)
class NamedColumns:
    """Which column holds what; None where a layout has no such column."""

    time: tuple[str, ...]
    """One column, or date and time of day."""

    zone: str | None = None
    label: str | None = None
    tag: str | None = None
    sent: Place = Place()
    received: Place = Place()
    base: Place = Place()
    quote: Place = Place()
    pair: str | None = None
    price: str | None = None
    fee: Place = Place()
    exchange: tuple[str, ...] = ()
    ends: tuple[str, str] | None = None
    """From where and to where a transfer went."""

    account: str | None = None
    id: str | None = None
    order_id: str | None = None


@attrs.frozen(kw_only=True)
class NamedLayout:
    """How the rows under such columns are to be read."""

    columns: NamedColumns
    kinds: Mapping[str, Kinds]
    """By the label, case folded."""

    ways: Mapping[str, Way] = MappingProxyType({})
    """By the label too; for layouts with a base."""

    transfers: frozenset[str] = frozenset()
    """The labels of transfers, whose way the two ends tell."""

    tags: Mapping[str, Kinds] = MappingProxyType({})
    """By the text of a second column, which goes before the label where it is known."""

    tag_decides: bool = False
    """Whether a row with a tag that is not known is not understood, whatever its label."""

    read_clock: ClockReader = read_clock
    date_order: DateOrder | None = None
    is_ours: Callable[[str], bool] = is_bitstamp
    fee_places: Mapping[type[Entry], FeePlace] = MappingProxyType({})
    fixed: Mapping[str, str] = MappingProxyType({})
    """Currencies that no column states, by the field: ``quote``, ``fee`` and so on."""


def named_reader(layout: NamedLayout) -> Callable[[Table, Reading], None]:
    """Return the ``read`` of a format whose rows are in ``layout``."""

    def read(table: Table, reading: Reading) -> None:
        rows = _Rows(layout, table, reading)
        reading.each_row(table, rows.read)

    return read


class _Rows:
    """Reads the rows of one file."""

    def __init__(self, layout: NamedLayout, table: Table, reading: Reading) -> None:
        self._layout = layout
        self._table = table
        self._reading = reading
        self._at = {name: at for at, name in enumerate(table.columns)}
        self._builder = EntryBuilder(reading, table.columns, layout.fee_places)
        self._computed_to: int | None = None
        """The decimals that a total of the current row can be trusted with, if it was computed."""

        columns = layout.columns
        places = (columns.sent, columns.received, columns.base, columns.quote, columns.fee)
        self._builder.weigh_numbers(
            self._text(cells, name)
            for cells in table.rows
            for name in (*(place.amount for place in places), columns.price)
        )
        self._moments = MomentReader(
            reading,
            [self._time(cells) for cells in table.rows],
            [self._time(cells) for cells in table.rows if self._is_ours(cells)],
            column=columns.time[0],
            read=layout.read_clock,
            date_order=layout.date_order,
        )
        self._builder.distrust_zeroed_ids(
            self._text(cells, columns.order_id) for cells in table.rows
        )

    def read(self, row: int, cells: list[str]) -> Entry:
        """Return what the row states."""
        layout, columns = self._layout, self._layout.columns
        if columns.exchange and not self._table.is_header(cells):
            self._require_ours(cells)
        moment = self._moments.read(
            self._time(cells), self._text(cells, columns.zone), columns.zone
        )
        label = " ".join(self._text(cells, columns.label).split())
        tag = " ".join(self._text(cells, columns.tag).split())
        kinds = layout.tags.get(tag.casefold())
        if kinds is None and not (tag and layout.tag_decides):
            kinds = layout.kinds.get(label.casefold())
        price = None
        base = None
        self._computed_to = None
        if columns.base.amount is None:
            legs = Legs(
                sent=self._amount(cells, columns.sent, "sent"),
                received=self._amount(cells, columns.received, "received"),
            )
        else:
            way = self._layout.ways.get(label.casefold())
            if label.casefold() in layout.transfers:
                way, kinds = self._transfer(cells)
            legs, base, price = self._of_pair(cells, way, kinds)
        entry = self._builder.entry(
            row,
            cells,
            moment,
            attrs.evolve(legs, fee=self._fee(cells, legs, base)),
            kinds,
            code=label or tag,
            base=base,
            price=price,
            transaction_id=self._builder.identifier(self._text(cells, columns.id)),
            order_id=self._builder.identifier(self._text(cells, columns.order_id)),
            account=self._text(cells, columns.account),
        )
        return self._as_known(entry)

    def _as_known(self, entry: Entry) -> Entry:
        decimals = self._computed_to
        return entry if decimals is None else _with_total_to(entry, decimals)

    def _text(self, cells: Sequence[str], name: str | None) -> str:
        at = None if name is None else self._at.get(name)
        return cells[at] if at is not None and at < len(cells) else ""

    def _time(self, cells: Sequence[str]) -> str:
        return " ".join(
            filter(None, (self._text(cells, name) for name in self._layout.columns.time))
        )

    def _names(self, cells: Sequence[str]) -> list[str]:
        return [self._text(cells, name).strip() for name in self._layout.columns.exchange]

    def _is_ours(self, cells: Sequence[str]) -> bool:
        stated = [name for name in self._names(cells) if name]
        return not stated or any(map(self._layout.is_ours, stated))

    def _require_ours(self, cells: Sequence[str]) -> None:
        names = self._names(cells)
        if not any(self._layout.is_ours(name) for name in names if name):
            self._builder.require_bitstamp(*names)

    def _amount(self, cells: Sequence[str], place: Place, field: str) -> Amount | None:
        if place.amount is None:
            return None
        code = self._layout.fixed.get(field) or self._text(cells, place.currency)
        return self._builder.amount(
            self._text(cells, place.amount), code, place.amount, place.currency or place.amount
        )

    def _fee(self, cells: Sequence[str], legs: Legs, base: str | None) -> Amount | None:
        place = self._layout.columns.fee
        if place.amount is None or place.currency is not None or "fee" in self._layout.fixed:
            return self._amount(cells, place, "fee")
        # No column states its currency: it is the quote's, or that of the only leg.
        value = self._builder.number(self._text(cells, place.amount), place.amount)
        stated = [leg for leg in (legs.sent, legs.received) if leg is not None]
        quotes = [leg.currency for leg in stated if leg.currency != base] or [
            leg.currency for leg in stated
        ]
        if value is None or not quotes or (len(stated) > 1 and base is None):
            return None
        return Amount(value, quotes[0])

    def _of_pair(
        self, cells: Sequence[str], way: Way | None, kinds: Kinds | None
    ) -> tuple[Legs, str | None, Decimal | None]:
        """Return legs, the base's currency and the price of a row with base and quote."""
        columns = self._layout.columns
        base_code, quote_code = self._codes(cells)
        if columns.label is None:
            way = Way.BY_SIGN
        elif (
            way is None and kinds is not None and kinds.sent and not (kinds.received or kinds.both)
        ):
            way = Way.OUT
        text = self._text(cells, columns.base.amount)
        if way is Way.BY_SIGN:
            way, text = (
                (Way.OUT, text.strip().lstrip("-\u2212"))
                if text.strip().startswith(("-", "\u2212"))
                else (Way.IN, text)
            )
        price = self._builder.number(self._text(cells, columns.price), columns.price or "")
        base = self._builder.amount(
            text,
            base_code,
            columns.base.amount or "",
            columns.base.currency or columns.pair or columns.base.amount or "",
        )
        two = kinds is None or kinds.both is not None
        quote = self._quote(cells, quote_code, base, price) if two and base is not None else None
        if way is Way.OUT:
            return Legs(sent=base, received=quote), _code(base), price
        return Legs(sent=quote, received=base), _code(base), price

    def _transfer(self, cells: Sequence[str]) -> tuple[Way | None, Kinds]:
        """Return which way a transfer went, seen from this exchange, and what it is."""
        ends = self._layout.columns.ends or ("", "")
        left, came = (self._layout.is_ours(self._text(cells, end)) for end in ends)
        if left == came:
            return None, _NO_DIRECTION
        return (Way.OUT, WITHDRAWAL) if left else (Way.IN, DEPOSIT)

    def _codes(self, cells: Sequence[str]) -> tuple[str, str]:
        columns, fixed = self._layout.columns, self._layout.fixed
        base = fixed.get("base") or self._text(cells, columns.base.currency)
        quote = fixed.get("quote") or self._text(cells, columns.quote.currency)
        pair = self._text(cells, columns.pair)
        if columns.pair is None or not pair.strip():
            return base, quote
        match = _pair(pair)
        if match is None:
            if base:
                return base, quote
            raise RowError(columns.pair, "not a pair of currencies like BTC/EUR")
        return match[1], match[2]

    def _quote(
        self, cells: Sequence[str], code: str, base: Amount, price: Decimal | None
    ) -> Amount | None:
        columns = self._layout.columns
        place = columns.quote
        text = self._text(cells, place.amount)
        # The sign of a total repeats the way, or tells it from the other side.
        text = text.strip().lstrip("-\u2212") if columns.label is None else text
        where = place.currency or columns.pair or place.amount or ""
        stated = self._builder.amount(text, code, place.amount or "", where)
        if stated is not None or price is None or not code.strip():
            return stated
        currency = self._builder.currency(code, where)
        step = _FIAT_STEP if currency in FIAT else _CRYPTO_STEP
        self._reading.repaired(QUOTE_COMPUTED)
        product = _PRODUCT.multiply(price, base.value)
        self._computed_to = _decimals_known(price, base.value, step)
        return Amount(product.quantize(step, context=_PRODUCT), currency)


def _decimals_known(price: Decimal, amount: Decimal, step: Decimal) -> int:
    """Return to how many decimals a product is known whose factors may be rounded or cut.

    Args:
        price: One factor, as printed.
        amount: The other.
        step: To which the product was rounded.
    """
    with localcontext(_PRODUCT):
        doubt = _unit(price) * amount + price * _unit(amount) + _unit(price) * _unit(amount)
        doubt += step / 2
    return -(doubt.adjusted() + 1)


def _unit(value: Decimal) -> Decimal:
    return Decimal(1).scaleb(value.as_tuple().exponent)  # type: ignore[arg-type]  # it is finite


def _with_total_to(entry: Entry, decimals: int) -> Entry:
    """Return an entry whose total is known to so many decimals only, even if they are negative."""
    precision = entry.source.precision
    if precision is None or not isinstance(entry, Trade | Conversion):
        return entry
    return attrs.evolve(
        entry, source=attrs.evolve(entry.source, precision=_total_to(precision, decimals))
    )


@functools.lru_cache(maxsize=1024)
def _total_to(precision: Precision, decimals: int) -> Precision:
    return attrs.evolve(
        precision,
        quote=Rounding.UNIT,
        quote_decimals_min=min(precision.quote_decimals_min, decimals),
        quote_decimals_max=decimals,
    )


def _code(amount: Amount | None) -> str | None:
    return None if amount is None else amount.currency
