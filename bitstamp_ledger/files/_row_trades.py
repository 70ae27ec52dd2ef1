"""The short way from a row of the exchange's own exports to a trade.

Nearly all rows are trades whose cells are exactly as the exchange prints them.  They give what
`ExportReader` makes of them the long way, in a third of the time:

1. One expression checks all numbers and ids of the row.
2. The constructor of a frozen value converts and checks each field and sets it past its lock, and a
   trade is made of five such values.  Here the five are drafts while their fields are set.
3. All is in one function, since a call costs as much as making a number.
"""

import datetime as dt
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, Protocol

from bitstamp_ledger.files._export_cells import DATETIME, ExportCells
from bitstamp_ledger.files._format import RowError
from bitstamp_ledger.files._numbers import noise_removed
from bitstamp_ledger.files._times import ISO_LENGTH, ISO_SIGNS
from bitstamp_ledger.files._vocabulary import SIDES
from bitstamp_ledger.model import RAW_SLOT, Amount, Entry, Precision, Source, Trade

# Without backtracking (++), which takes a third of the time.
_NUMBER: Final = r"(?:0|[1-9][0-9]{0,6}+)(?:\.[0-9]{1,8}+)?+"
_AMOUNT: Final = r"(?:0|[1-9][0-9]{0,11}+)(?:\.[0-9]{1,8}+)?+"
_ID: Final = r"(?:0|[1-9][0-9]{0,18}+)?+"
# Amount, value, rate, fee, id, order id.
_is_plain_trade: Final = re.compile(
    rf"{_AMOUNT} {_NUMBER} {_NUMBER} (?:{_NUMBER})?+ {_ID} {_ID}"
).fullmatch

_AMOUNT_SURE: Final = 16
"""Up to 15 digits and a point: longer numbers are looked at for the noise of binary arithmetic."""


class AnyReader(Protocol):
    """Reads a row of any type."""

    def __call__(self, row: int, cells: list[str], texts: Sequence[str] | None = None, /) -> Entry:
        """Return what the row states.

        Args:
            row: Its number.
            cells: All its cells.
            texts: What it holds, by field; empty where a generation does not have a field.  None
                where its cells are that.

        Raises:
            RowError: it cannot be read.
        """
        ...


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
_SourceDraft.raw = RAW_SLOT
_TradeDraft: Final = _draft_of(Trade)


def trimmed(text: str) -> str:
    """Return a plain number as `plain_text` would write it."""
    return text.rstrip("0").rstrip(".") if "." in text else text


def trades_first(  # noqa: C901, PLR0915 - see rule 3
    cells: ExportCells,
    any_row: AnyReader,
    *,
    market_types: Mapping[str, str],
    read_time: Callable[[str], Any],
    iso_precision: Precision | None,
    raw_of: Callable[..., Mapping[str, object]],
) -> AnyReader:
    """Return what reads the rows of one file: usual trades here, others by ``any_row``.

    Args:
        cells: Of the file.  Its ids and numbers have been weighed.
        any_row: The long way.
        market_types: The types, as printed, that are known to be trades; it may still grow.
        read_time: Reads the cell of `DATETIME`.
        iso_precision: The precision of a time like ``2021-03-28T00:41:36Z``, which ``read_time``
            would return as it is; None where the generation prints no such times.
        raw_of: Returns the cells of a row by column name.
    """
    if cells.zeroed_ids or cells.style.commas:
        return any_row
    reading = cells.reading
    accounts, codes, path = reading.known_accounts, cells.codes, reading.path
    identity_of_trade = reading.identities(Trade.kind)
    start = reading.identity_start(Trade.kind)
    fromisoformat = dt.datetime.fromisoformat
    when_column = cells.names[DATETIME]

    def read(  # noqa: C901, PLR0912, PLR0915 - see rule 3
        row: int, cells: list[str], texts: Sequence[str] | None = None
    ) -> Entry:
        # fmt: off
        (
            id_, account_cell, type_, side, when, amount, base_code,
            value, quote_code, rate, rate_code, fee, fee_code, order,
        ) = cells if texts is None else texts
        # fmt: on
        if (
            rate_code != quote_code
            or (fee_code != quote_code and fee)
            or not _is_plain_trade(f"{amount} {value} {rate} {fee} {id_} {order}")
        ):
            return any_row(row, cells, texts)
        try:  # One text for all rows that print it, since the cells are kept.
            type_ = market_types[type_]
            account = accounts[account_cell]
            base_code = codes[base_code]
            quote_code = codes[quote_code]
            sign = SIDES[side]
        except KeyError:
            return any_row(row, cells, texts)
        base = Decimal(amount)
        quote = Decimal(value)
        if not base or (len(amount) > _AMOUNT_SURE and noise_removed(base) is not base):
            return any_row(row, cells, texts)
        if sign < 0:
            base = base.copy_negate()
            side = "Sell"
        else:
            side = "Buy"
            if quote:  # A quote too small for its decimals is printed as 0.
                quote = quote.copy_negate()
        try:  # Last, since it can report a repair, which a second look would report again.
            if iso_precision is not None and len(when) == ISO_LENGTH and when[4::3] == ISO_SIGNS:
                time, printed, precision = fromisoformat(when), when, iso_precision
            else:
                time, printed, precision = read_time(when)
        except ValueError as exc:
            raise RowError(when_column, str(exc)) from exc
        if texts is None:
            # fmt: off
            raw = raw_of(
                id_, account if account == account_cell else account_cell, type_, side, when,
                amount, base_code, value, quote_code, rate, quote_code,
                fee, quote_code if fee else fee_code, order,
            )
            # fmt: on
        else:
            raw = raw_of(*cells)

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
        source.raw = raw
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
        trade.id = identity_of_trade(
            account,
            f"{start}{printed}|{amount}|{base_code}|{value}|{quote_code}|{fee}|{fee_code}|{rate}|"
            f"{sign}|{order}|{id_}|{account}",
        )
        trade.__class__ = Trade
        return trade  # type: ignore[no-any-return]  # a trade, since the line above

    return read
