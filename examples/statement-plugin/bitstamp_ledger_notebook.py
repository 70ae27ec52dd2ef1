"""A format of one's own: a table that a trader kept by hand, one line for each trade.

    Day,Deal,Coins,Paid
    2021-03-28,bought BTC,0.04219875,1996.79

Everything is in euros, the fee is not noted, and only the day is known.  A format says such things
once, in `FORMAT`; reconciling then asks no more of its rows than they can state.
"""

import datetime as dt
from decimal import Decimal, InvalidOperation
from typing import Final

from bitstamp_ledger.files import (
    Reading,
    RowError,
    Shape,
    StatementFormat,
    Table,
    ZoneBasis,
)
from bitstamp_ledger.model import Amount, Precision, Rounding, Source, Trade

COLUMNS: Final = ("Day", "Deal", "Coins", "Paid")

PRECISION: Final = Precision(
    time_step=dt.timedelta(days=1),
    base=Rounding.EXACT,
    quote=Rounding.NEAREST,
    account_stated=False,
)
_SIGNS: Final = {"bought": 1, "sold": -1}


def read(table: Table, reading: Reading) -> None:
    """Read every row; what cannot be read becomes a problem of the statement."""

    def read_row(row: int, cells: list[str]) -> Trade:
        named = dict(zip(table.columns, cells, strict=True))
        verb, _, coin = named["Deal"].partition(" ")
        sign = _SIGNS.get(verb)
        if sign is None:
            raise RowError("Deal", "it begins with neither 'bought' nor 'sold'")
        account = reading.account_of("")
        return Trade(
            # What the row states, so that the same row has the same identity in another file.
            id=reading.identity(account, Trade.kind, "|".join(cells)),
            time=reading.instant(_day(named["Day"])),
            legs=(
                Amount(_number(named, "Coins") * sign, coin.upper()),
                Amount(_number(named, "Paid") * -sign, "EUR"),
            ),
            account=account,
            source=Source(path=reading.path, row=row, raw=named, precision=PRECISION),
        )

    reading.each_row(table, read_row)


def _day(text: str) -> dt.datetime:
    try:
        return dt.datetime.fromisoformat(text)
    except ValueError as exc:
        raise RowError("Day", "not a day like 2021-03-28") from exc


def _number(cells: dict[str, str], column: str) -> Decimal:
    try:
        return Decimal(cells[column])
    except InvalidOperation as exc:
        raise RowError(column, "not a number") from exc


FORMAT: Final = StatementFormat(
    name="trading-notebook",
    title="A trader's notebook",
    shapes=(Shape(required=COLUMNS),),
    precision=PRECISION,
    zone=ZoneBasis.ASSUMED,
    notes=("No fee is stated.",),
    read=read,
)
