"""What a row of the exchange's own exports means.  Both generations share it.

Rules:

1. The type of a row gives the signs of its amounts, except where the vocabulary says that the row
   is signed.
2. A type that is not in the vocabulary is kept as an `UnknownEntry`, with what it states.

Facts: docs/facts/files.md, "Type vocabulary" and "Accounts".
"""

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, TypeAlias

from bitstamp_ledger.files._export_cells import (
    ACCOUNT,
    AMOUNT,
    DATETIME,
    ID,
    ORDER_ID,
    SUBTYPE,
    TYPE,
    VALUE,
    ExportCells,
)
from bitstamp_ledger.files._format import Reading, RowError, less_sure
from bitstamp_ledger.files._numbers import plain_text
from bitstamp_ledger.files._row_trades import trades_first
from bitstamp_ledger.files._vocabulary import SIDES, UNKNOWN_TYPE, VOCABULARY, Meaning, Sign
from bitstamp_ledger.model import (
    Account,
    Amount,
    Conversion,
    Entry,
    Precision,
    Source,
    Trade,
    Transfer,
    UnknownEntry,
    cells_under,
)

TRANSFER_ARROW: Final = "->"

TimeReader = Callable[[str], tuple[dt.datetime, str, Precision]]
"""Returns the instant, the time as printed, and the precision; raises ValueError."""


_Frame: TypeAlias = tuple[dt.datetime, str, str, Source]
"""What a row of any type states: its instant, the time as printed, the account, the source."""


class ExportReader:
    """Turns the texts of one row into an entry."""

    def __init__(
        self,
        reading: Reading,
        *,
        names: Sequence[str],
        read_time: TimeReader,
        iso_precision: Precision | None = None,
        columns: tuple[str, ...],
        numbers: Callable[[], Iterable[str]],
        order_ids: Iterable[str] = (),
    ) -> None:
        """Prepare for one file.

        Args:
            reading: The file being read.
            names: For each field, the column that a problem with it is reported under.
            read_time: Reads the cell of `DATETIME`.
            iso_precision: As for `trades_first`.
            columns: The names of all columns, in the order of the cells.
            numbers: Returns all cells of the file that hold numbers.
            order_ids: All cells of the file that hold ids of orders.
        """
        self._reading = reading
        self._names = names
        self._read_time = read_time
        self._raw_of = cells_under(columns)
        self._meanings: dict[str, Meaning] = {}
        self._market_types: dict[str, str] = {}
        self._cells = ExportCells(reading, names)
        self._cells.weigh_numbers(numbers())
        self._cells.distrust_zeroed_ids(order_ids, numbers())
        self.read = trades_first(
            self._cells,
            self._any_row,
            market_types=self._market_types,
            read_time=read_time,
            iso_precision=iso_precision,
            raw_of=self._raw_of,
        )

    def _any_row(self, row: int, cells: list[str], texts: Sequence[str] | None = None) -> Entry:
        texts = cells if texts is None else texts
        self._cells.require_points(texts)
        meaning = self._meanings.get(texts[TYPE]) or self._meaning(texts[TYPE])
        account = self._reading.account_of(texts[ACCOUNT])
        try:
            time, printed, precision = self._read_time(texts[DATETIME])
        except ValueError as exc:
            raise RowError(self._names[DATETIME], str(exc)) from exc
        source = Source(
            path=self._reading.path, row=row, raw=self._raw_of(*cells), precision=precision
        )
        frame = (time, printed, account, source)
        self._cells.unsure = False
        entry = (
            self._trade(texts, frame)
            if meaning.kind is Trade
            else self._other(texts, meaning, frame)
        )
        return less_sure(entry) if self._cells.unsure else entry

    def _trade(self, texts: Sequence[str], frame: _Frame) -> Trade:
        time, printed, account, source = frame
        sign = SIDES.get(texts[SUBTYPE]) or self._side(texts[SUBTYPE])
        base = self._cells.money(AMOUNT, texts, sign)
        quote = self._cells.money(VALUE, texts, -sign)
        if not base.value and not quote.value:
            raise RowError(self._names[AMOUNT], "a trade of nothing for nothing")
        fee = self._cells.fee(texts, lenient=False)
        transaction_id = self._cells.identifier(ID, texts[ID])
        order_id = self._cells.identifier(ORDER_ID, texts[ORDER_ID])
        price = self._cells.price(texts, quote.currency)
        content = "|".join(
            (
                printed,
                *_stated(abs(base)),
                *_stated(abs(quote)),
                *_stated(fee),
                "" if price is None else plain_text(price),
                str(sign),
                "" if order_id is None else str(order_id),
                "" if transaction_id is None else str(transaction_id),
            )
        )
        return Trade(
            id=self._reading.identity(account, Trade.kind, content),
            transaction_id=transaction_id,
            time=time,
            legs=(base, quote),
            fee=fee,
            account=account,
            source=source,
            price=price,
            order_id=order_id,
        )

    def _other(self, texts: Sequence[str], meaning: Meaning, frame: _Frame) -> Entry:
        time, printed, account, source = frame
        legs, counterparty, reason = self._legs(texts, meaning, account)
        kind = meaning.kind if reason is None else UnknownEntry
        facts: dict[str, Any] = {}
        if reason is not None:
            facts = {"code": texts[TYPE].strip(), "reason": reason}
        elif kind is Transfer:
            facts = {"counterparty": counterparty}
        elif kind is Conversion:
            facts = {"price": self._cells.price(texts, legs[1].currency)}
        fee = self._cells.fee(texts, lenient=reason is not None)
        transaction_id = self._cells.identifier(ID, texts[ID])
        content = "|".join(
            (
                printed,
                repr(" ".join(texts[TYPE].split()).casefold()),
                *(text for leg in legs for text in _stated(leg)),
                *_stated(fee),
                repr(counterparty),
                str(transaction_id),
            )
        )
        return kind(
            id=self._reading.identity(account, kind.kind, content),
            transaction_id=transaction_id,
            time=time,
            legs=legs,
            fee=fee,
            account=account,
            source=source,
            **facts,
        )

    def _legs(
        self, texts: Sequence[str], meaning: Meaning, account: str
    ) -> tuple[tuple[Amount, ...], str | None, str | None]:
        """Return the legs, the other account, and why the row is not understood."""
        match meaning.sign:
            case Sign.IN:
                return (self._cells.money(AMOUNT, texts, 1, meaning.aliases),), None, None
            case Sign.OUT:
                return (self._cells.money(AMOUNT, texts, -1, meaning.aliases),), None, None
            case Sign.PRINTED:
                return (self._cells.money(AMOUNT, texts, 0, meaning.aliases),), None, None
            case Sign.BY_VALUE_TEXT:
                return self._transfer(texts, account)
            case Sign.BY_SIDE:
                return self._conversion(texts, meaning)
            case Sign.NOT_KNOWN:
                return self._cells.printed_legs(texts), None, meaning.reason

    def _meaning(self, text: str) -> Meaning:
        name = " ".join(text.split())
        if not name:
            raise RowError(self._names[TYPE], "the type is missing")
        meaning = VOCABULARY.get(name.casefold(), UNKNOWN_TYPE)
        self._meanings[text] = meaning
        if meaning.kind is Trade:
            self._market_types[text] = text
        return meaning

    def _side(self, text: str) -> int:
        sign = SIDES.get(text.strip().capitalize())
        if sign is None:
            raise RowError(self._names[SUBTYPE], "a trade is 'Buy' or 'Sell'")
        return sign

    def _transfer(
        self, texts: Sequence[str], account: str
    ) -> tuple[tuple[Amount, ...], str | None, str | None]:
        """Return leg, other account, and why the direction is not known."""
        sender, arrow, receiver = texts[VALUE].partition(TRANSFER_ARROW)
        if not arrow or not sender.strip() or not receiver.strip():
            reason = f"Its value is not a text like 'FROM {TRANSFER_ARROW} TO'."
            return self._cells.printed_legs(texts), None, reason
        ends = Account(sender).name, Account(receiver).name
        if ends[0] == ends[1] or account not in ends:
            reason = f"It runs from {ends[0]!r} to {ends[1]!r}, but the row is of {account!r}."
            return self._cells.printed_legs(texts), None, reason
        outgoing = ends[0] == account
        leg = self._cells.money(AMOUNT, texts, -1 if outgoing else 1)
        return (leg,), ends[outgoing], None

    def _conversion(
        self, texts: Sequence[str], meaning: Meaning
    ) -> tuple[tuple[Amount, ...], str | None, str | None]:
        """Return both legs where their directions are clear, else what is printed and why not."""
        sign = SIDES.get(texts[SUBTYPE].strip().capitalize())
        printed = self._cells.printed_legs(texts)
        both = len(printed) == 2 and printed[0].currency != printed[1].currency  # noqa: PLR2004
        if both and sign is not None and not any(leg.value.is_signed() for leg in printed):
            return (
                (self._cells.money(AMOUNT, texts, sign), self._cells.money(VALUE, texts, -sign)),
                None,
                None,
            )
        if both and printed[0].value * printed[1].value < 0:
            return printed, None, None
        return printed, None, meaning.reason


def _stated(amount: Amount | None) -> tuple[str, str]:
    return ("", "") if amount is None else (plain_text(amount.value), amount.currency)
