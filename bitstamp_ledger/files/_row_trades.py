"""The short way from a row of the exchange's own exports to a trade.

Nearly all rows are trades whose cells are exactly as the exchange prints them.  They give what
`ExportReader` makes of them the long way, in a third of the time:

1. One expression checks all numbers and ids of the row.
2. The constructor of a frozen value converts and checks each field and sets it past its lock, and a
   trade is made of five such values.  Here the five are drafts while their fields are set.
3. All is in one function, since a call costs as much as making a number.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from bitstamp_ledger.files._export_cells import DATETIME, ExportCells
from bitstamp_ledger.files._format import RowError
from bitstamp_ledger.files._vocabulary import SIDES
from bitstamp_ledger.model import Amount, Source, Trade

# Up to 15 digits: longer numbers are looked at for the noise of binary arithmetic.  Without
# backtracking (++), which takes a third of the time.
_NUMBER: Final = r"(?:0|[1-9][0-9]{0,6}+)(?:\.[0-9]{1,8}+)?+"
_ID: Final = r"(?:0|[1-9][0-9]{0,18}+)?+"
# Amount, value, rate, fee, id, order id.
_is_plain_trade: Final = re.compile(
    rf"{_NUMBER} {_NUMBER} {_NUMBER} (?:{_NUMBER})?+ {_ID} {_ID}"
).fullmatch

TradeReader = Callable[[int, list[str], Sequence[str]], Trade | None]
"""Takes the row's number, its cells, and its texts by field; None where the long way is needed."""


def _draft_of(kind: type[object]) -> type[Any]:
    """Return a class with the fields of ``kind``, which can be set, and no constructor.

    The two have one layout in memory, so that a draft becomes the value by taking its class.
    """
    unlocked = {
        "__slots__": (),
        "__init__": object.__init__,
        "__setattr__": object.__setattr__,
        "__delattr__": object.__delattr__,
    }
    return type(f"_{kind.__name__}Draft", (kind,), unlocked)


_AmountDraft: Final = _draft_of(Amount)
_SourceDraft: Final = _draft_of(Source)
_TradeDraft: Final = _draft_of(Trade)


def trimmed(text: str) -> str:
    """Return a plain number as `plain_text` would write it."""
    return text.rstrip("0").rstrip(".") if "." in text else text


def usual_trades(  # noqa: C901, PLR0915 - see rule 3
    cells: ExportCells,
    *,
    market_types: set[str],
    read_time: Callable[[str], Any],
    raw_of: Callable[[list[str]], Mapping[str, object]],
) -> TradeReader:
    """Return what reads the usual trades of one file.

    Args:
        cells: Of the file.  Its ids and numbers have been weighed.
        market_types: The types, as printed, that are known to be trades; it may still grow.
        read_time: Reads the cell of `DATETIME`.
        raw_of: Returns the cells of a row by column name.
    """
    reading = cells.reading
    account_of, identity, path = reading.account_of, reading.identity, reading.path
    codes = cells.codes
    sides = dict(SIDES)
    when_column = cells.names[DATETIME]
    trustworthy = not cells.zeroed_ids and not cells.style.commas

    def read(  # noqa: C901, PLR0915 - see rule 3
        row: int, cells: list[str], texts: Sequence[str]
    ) -> Trade | None:
        (
            id_,
            account_cell,
            type_,
            side,
            when,
            amount,
            base_code,
            value,
            quote_code,
            rate,
            rate_code,
            fee,
            fee_code,
            order,
        ) = texts
        if (
            type_ not in market_types
            or side not in sides
            or rate_code != quote_code
            or (fee_code != quote_code and fee)
            or base_code not in codes
            or quote_code not in codes
            or not _is_plain_trade(f"{amount} {value} {rate} {fee} {id_} {order}")
        ):
            return None
        base = Decimal(amount)
        quote = Decimal(value)
        sign = sides[side]
        if not base:
            return None
        if sign < 0:
            base = base.copy_negate()
        elif quote:  # A quote too small for its decimals is printed as 0.
            quote = quote.copy_negate()
        try:  # Last, since it can report a repair, which a second look would report again.
            time, printed, precision = read_time(when)
        except ValueError as exc:
            raise RowError(when_column, str(exc)) from exc
        account = account_of(account_cell)

        base_leg = _AmountDraft()
        base_leg.value = base
        base_leg.currency = base_code
        base_leg.__class__ = Amount

        quote_leg = _AmountDraft()
        quote_leg.value = quote
        quote_leg.currency = quote_code
        quote_leg.__class__ = Amount

        if fee:
            paid = _AmountDraft()
            paid.value = Decimal(fee)
            paid.currency = quote_code
            paid.__class__ = Amount
            if fee[-1] == "0":
                fee = trimmed(fee)
        else:
            paid = None
            fee_code = ""

        source = _SourceDraft()
        source.endpoint = source.other_time = None
        source.path = path
        source.row = row
        source.raw = raw_of(cells)
        source.precision = precision
        source.__class__ = Source

        trade = _TradeDraft()
        trade.transaction_id = int(id_) if id_ else None
        trade.time = time
        trade.legs = (base_leg, quote_leg)
        trade.fee = paid
        trade.account = account
        trade.code = trade.self_trade = None
        trade.source = source
        trade.price = Decimal(rate)
        trade.order_id = int(order) if order else None
        if amount[-1] == "0":
            amount = trimmed(amount)
        if value[-1] == "0":
            value = trimmed(value)
        if rate[-1] == "0":
            rate = trimmed(rate)
        trade.id = identity(
            account,
            "trade",
            f"{printed}|{amount}|{base_code}|{value}|{quote_code}|{fee}|{fee_code}|{rate}|{sign}|"
            f"{order}|{id_}",
        )
        trade.__class__ = Trade
        return trade  # type: ignore[no-any-return]  # a trade, since the line above

    return read if trustworthy else lambda _row, _cells, _texts: None
