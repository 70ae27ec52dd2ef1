"""Bitstamp's export of orders: the sum of an order's executions, without fee, id or account.

Facts: docs/facts/files.md, "G3".
"""

import datetime as dt
import re
from typing import Final

from bitstamp_ledger.files._entries import TRADE, EntryBuilder, Legs
from bitstamp_ledger.files._format import Reading, RowError, Shape, StatementFormat
from bitstamp_ledger.files._moments import MomentReader
from bitstamp_ledger.files._statement import ZoneBasis
from bitstamp_ledger.files._table import Table
from bitstamp_ledger.model import Amount, Entry, Precision, Rounding, RowGrain

COLUMNS: Final = ("Order Type", "Pair", "Price", "Amount", "Value", "Closed")

PRECISION: Final = Precision(
    time_step=dt.timedelta(seconds=1),
    base=Rounding.EXACT,
    quote=Rounding.UNIT,
    account_stated=False,
    grain=RowGrain.ORDER,
    zone_open=True,
)

_side: Final = re.compile(r"(?:.* )?(buy|sell)", re.IGNORECASE).fullmatch
pair_of: Final = re.compile(r" *([A-Za-z0-9.]+) *[/_-] *([A-Za-z0-9.]+) *").fullmatch
"""Match ``BTC/EUR``, however it is spelled."""


def side_of(text: str, column: str) -> bool:
    """Say whether ``Buy``, ``Sell``, ``Limit buy`` and the like is a buy.

    Raises:
        RowError: it is neither.
    """
    match = _side(" ".join(text.split()))
    if match is None:
        raise RowError(column, "neither a buy nor a sale")
    return match[1].lower() == "buy"


def exchanged(
    builder: EntryBuilder,
    *,
    pair: tuple[str, str],
    amount: tuple[str, str],
    value: tuple[str, str],
    buy: bool,
) -> tuple[Legs, str]:
    """Return the legs of a trade told as pair, amount and value, and the base's currency.

    Args:
        builder: Of the file.
        pair: The cell and its column; so for the others.
        amount: Of the base.
        value: Of the quote.
        buy: Whether the base came in.

    Raises:
        RowError: a cell is missing or not clear.
    """
    match = pair_of(pair[0])
    if match is None:
        raise RowError(pair[1], "not a pair of currencies like BTC/EUR")
    amounts = []
    for (text, column), code in zip((amount, value), match.groups(), strict=True):
        number = builder.number(text, column)
        if number is None:
            raise RowError(column, "the number is missing")
        amounts.append(Amount(number, builder.currency(code, pair[1])))
    base, quote = amounts
    legs = Legs(sent=quote, received=base) if buy else Legs(sent=base, received=quote)
    return legs, base.currency


def _read(table: Table, reading: Reading) -> None:
    places = [table.columns.index(name) for name in COLUMNS]
    builder = EntryBuilder(reading, table.columns)
    builder.weigh_numbers(cells[at] for cells in table.rows for at in places[2:5])
    times = [cells[places[-1]] for cells in table.rows]
    moments = MomentReader(reading, times, times, column="Closed")

    def read_row(row: int, cells: list[str]) -> Entry:
        type_, pair, price, amount, value, closed = (cells[at] for at in places)
        moment = moments.read(closed)
        legs, base = exchanged(
            builder,
            pair=(pair, "Pair"),
            amount=(amount, "Amount"),
            value=(value, "Value"),
            buy=side_of(type_, "Order Type"),
        )
        return builder.entry(
            row,
            cells,
            moment,
            legs,
            TRADE,
            code=type_.strip(),
            base=base,
            price=builder.number(price, "Price"),
        )

    reading.each_row(table, read_row)


FORMAT: Final = StatementFormat(
    name="bitstamp-g3",
    title="Bitstamp orders",
    shapes=(Shape(required=COLUMNS),),
    precision=PRECISION,
    zone=ZoneBasis.ASSUMED,
    notes=(
        "No fee is stated.",
        "The price is the average of the order's executions, and the time that of its end.",
    ),
    read=_read,
)
