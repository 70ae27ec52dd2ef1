"""Trades as the ccxt library dumps them: a JSON array, or one object a line.

Rules:

1. ``info`` holds the exchange's own record where it was kept.  Then amounts, time and ids are taken
   from it, since ccxt's own fields went through binary floats and milliseconds.
2. Without it, ccxt's fields are read: cut to milliseconds, the cost a product of floats.

Facts: docs/facts/files.md, "ccxt".
"""

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Final

import attrs

from bitstamp_ledger.files._clock import read_clock, read_epoch
from bitstamp_ledger.files._entries import TRADE, EntryBuilder, Legs
from bitstamp_ledger.files._format import (
    Reading,
    RowError,
    Shape,
    StatementFormat,
    less_sure,
)
from bitstamp_ledger.files._json_rows import Number, load_json
from bitstamp_ledger.files._moments import Moment
from bitstamp_ledger.files._statement import ZoneBasis
from bitstamp_ledger.files._table import Table
from bitstamp_ledger.model import UTC, Amount, Entry, Precision, Rounding

REQUIRED: Final = ("id", "timestamp", "datetime", "symbol", "side", "price", "amount", "cost")
_EXCHANGES: Final = ("exchange", "exchangeId")
OPTIONAL: Final = frozenset({"order", "type", "takerOrMaker", "fee", "fees", "info", *_EXCHANGES})

PRECISION: Final = Precision(
    time_step=dt.timedelta(milliseconds=1),
    base=Rounding.EXACT,
    quote=Rounding.UNIT,
    exchange_ids=True,
    account_stated=False,
)
_RAW: Final = attrs.evolve(
    PRECISION, time_step=dt.timedelta(microseconds=1), quote=Rounding.NEAREST
)
_FLOAT_DIGITS: Final = 15
_TRADE_TYPE: Final = "2"


def _read(table: Table, reading: Reading) -> None:
    builder = EntryBuilder(reading, table.columns)

    def read_row(row: int, cells: list[str]) -> Entry:
        return _Record(builder, reading, dict(zip(table.columns, cells, strict=True))).entry(
            row, cells
        )

    reading.each_row(table, read_row)
    reading.precision = PRECISION  # Of the file: what its least precise row may state.


class _Record:
    """One trade of the dump."""

    def __init__(self, builder: EntryBuilder, reading: Reading, cells: Mapping[str, str]) -> None:
        self._builder = builder
        self._reading = reading
        self._cells = cells
        self._noise = False

    def entry(self, row: int, cells: list[str]) -> Entry:
        named = [self._cells[key] for key in _EXCHANGES if self._cells.get(key)]
        if named:
            self._builder.require_bitstamp(*named)
        base, quote = self._pair()
        buy = self._is_buy()
        raw = self._info(base, quote)
        self._take_as(_RAW if raw else PRECISION)
        amounts = self._raw_amounts(raw, base, quote) if raw else None
        if raw is None or amounts is None:
            raw = {}
            self._take_as(PRECISION)
            amounts = self._amount("amount", base), self._amount("cost", quote)
        fee = self._raw_fee(raw, quote) if raw else self._fee()
        first, second = amounts
        legs = (
            Legs(sent=second, received=first, fee=fee)
            if buy
            else Legs(sent=first, received=second, fee=fee)
        )
        entry = self._builder.entry(
            row,
            cells,
            self._moment(raw),
            legs,
            TRADE,
            code=self._cells["side"],
            base=base,
            price=self._number("price") if self._cells["price"] else None,
            transaction_id=self._builder.identifier(_text(raw.get("id")) or self._cells["id"]),
            order_id=self._builder.identifier(
                _text(raw.get("order_id")) or self._cells.get("order", "")
            ),
        )
        return less_sure(entry) if self._noise and not raw else entry

    def _take_as(self, precision: Precision) -> None:
        """Read what follows as the exchange's own words, or as what ccxt made of them."""
        self._reading.precision = precision
        self._builder.zero_fee_stated = precision is _RAW

    def _pair(self) -> tuple[str, str]:
        symbol = self._cells["symbol"]
        base, slash, quote = symbol.partition(":")[0].partition("/")
        if not slash:
            raise RowError("symbol", "not a pair of currencies like BTC/EUR")
        return self._builder.currency(base, "symbol"), self._builder.currency(quote, "symbol")

    def _is_buy(self) -> bool:
        side = self._cells["side"].strip().lower()
        if side not in {"buy", "sell"}:
            raise RowError("side", "neither a buy nor a sale")
        return side == "buy"

    def _info(self, base: str, quote: str) -> Mapping[str, object] | None:
        """Return the exchange's own record where it is all there."""
        try:
            info = load_json(self._cells.get("info") or "null")
        except ValueError:
            return None
        if not isinstance(info, dict) or _text(info.get("type")) != _TRADE_TYPE:
            return None
        whole = {"id", "datetime", base.lower(), quote.lower()} <= info.keys()
        return info if whole else None

    def _raw_amounts(
        self, raw: Mapping[str, object], base: str, quote: str
    ) -> tuple[Amount, Amount] | None:
        amounts = []
        for code in (base, quote):
            text = _text(raw[code.lower()]).strip().lstrip("-")
            amount = self._builder.amount(text, code, "info", "symbol")
            if amount is None:
                return None
            amounts.append(amount)
        return amounts[0], amounts[1]

    def _raw_fee(self, raw: Mapping[str, object], quote: str) -> Amount | None:
        return self._builder.amount(_text(raw.get("fee")), quote, "info", "symbol")

    def _amount(self, column: str, code: str) -> Amount:
        return Amount(self._number(column), code)

    def _number(self, column: str) -> Decimal:
        text = self._cells[column]
        value = self._builder.number(text, column)
        if value is None:
            raise RowError(column, "the number is missing")
        # What fills all digits of a float may have had more.
        self._noise |= len(Decimal(value).as_tuple().digits) >= _FLOAT_DIGITS
        return value

    def _fee(self) -> Amount | None:
        for column in ("fee", "fees"):
            try:
                fee = load_json(self._cells.get(column) or "null")
            except ValueError as exc:
                raise RowError(column, "not readable as JSON") from exc
            if isinstance(fee, list):
                fee = fee[0] if len(fee) == 1 else None
            if isinstance(fee, dict) and fee.get("cost") is not None:
                code = _text(fee.get("currency"))
                return self._builder.amount(_text(fee["cost"]), code, column, column)
        return None

    def _moment(self, raw: Mapping[str, object]) -> Moment:
        text = _text(raw.get("datetime")) or self._cells["timestamp"]
        try:
            printed = (
                read_clock(text)
                if raw
                else read_epoch(text)
                if text
                else read_clock(self._cells["datetime"])
            )
        except ValueError as exc:
            column = "info" if raw else "timestamp" if text else "datetime"
            raise RowError(column, str(exc)) from exc
        return Moment(
            time=printed.naive.replace(tzinfo=UTC),
            other_time=None,
            printed=printed.naive.isoformat(),
            step=printed.step,
            zone_open=False,
        )


def _text(value: object) -> str:
    return str(value) if isinstance(value, Number | str) else ""


FORMAT: Final = StatementFormat(
    name="ccxt",
    title="ccxt trades (JSON)",
    shapes=(Shape(required=REQUIRED, optional=OPTIONAL),),
    precision=PRECISION,
    zone=ZoneBasis.STATED,
    notes=(
        "Where the exchange's own record was kept in it, times are exact and amounts as sent.",
        "A fee of 0 is either no fee or a fee that is not known.",
    ),
    read=_read,
)
