"""CSV: one row an entry, under fixed columns, for people and spreadsheets.

Rules of the file:

1. UTF-8 without a byte order mark, comma, rows ended by CR LF: that is RFC 4180's only row end,
   and a writer that ends rows so also quotes a lone CR or LF inside a cell.
2. An empty cell was not stated, or the kind does not have it.  Zero is ``0``.
3. Numbers are digits with a point, never with an exponent.  A minus is the number's own.
4. A text that a spreadsheet would run as a formula gets an apostrophe in front.  To read a text
   back, remove one leading apostrophe; a text that began with one has two, and a stated empty text
   is a single one.
5. ``legs`` holds all signed amounts of any kind: ``BTC 0.5; EUR -100``, the currency first, so
   that the cell does not begin with a minus.

The record as received and the precision of a file's rows are not here; JSON Lines has them.
Spreadsheets show at most 15 digits of a number: import the columns as text where more matter.
"""

import csv
import io
from collections.abc import Callable
from typing import ClassVar, Final

from bitstamp_ledger.model import Amount, Entry
from bitstamp_ledger.sinks._contract import Capabilities
from bitstamp_ledger.sinks._file_sink import FileSink
from bitstamp_ledger.sinks._row import Row, decimal_text, path_text, row_of, time_text

# OWASP, "CSV Injection": signs, tab, CR and LF, and the wide forms of the signs, which East Asian
# spreadsheets read as the same.  The apostrophe is ours: without it rule 4 could not be undone.
_GUARDED: Final = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20'")


def _text(value: str | None) -> str:
    if value is None:
        return ""
    return f"'{value}" if value.startswith(_GUARDED) or not value else value


def _integer(value: int | None) -> str:
    return "" if value is None else str(value)


def _value(amount: Amount | None) -> str:
    return "" if amount is None else decimal_text(amount.value)


def _currency(amount: Amount | None) -> str:
    return "" if amount is None else _text(amount.currency)


def _legs(legs: tuple[Amount, ...]) -> str:
    cell = "; ".join(f"{leg.currency} {decimal_text(leg.value)}" for leg in legs)
    return _text(cell or None)


def _yes_no(value: bool | None) -> str:
    return "" if value is None else ("yes" if value else "no")


_COLUMNS: Final[dict[str, Callable[[Row], str]]] = {
    "id": lambda row: _text(row.id),
    "kind": lambda row: _text(row.kind),
    "time": lambda row: time_text(row.time),
    "account": lambda row: _text(row.account),
    "side": lambda row: "" if row.side is None else row.side.value,
    "base_amount": lambda row: _value(row.base),
    "base_currency": lambda row: _currency(row.base),
    "quote_amount": lambda row: _value(row.quote),
    "quote_currency": lambda row: _currency(row.quote),
    "amount": lambda row: _value(row.only_leg),
    "currency": lambda row: _currency(row.only_leg),
    "fee_amount": lambda row: _value(row.fee),
    "fee_currency": lambda row: _currency(row.fee),
    "price": lambda row: "" if row.price is None else decimal_text(row.price),
    "legs": lambda row: _legs(row.legs),
    "order_id": lambda row: _integer(row.order_id),
    "transaction_id": lambda row: _integer(row.transaction_id),
    "self_trade": lambda row: _yes_no(row.self_trade),
    "counterparty": lambda row: _text(row.counterparty),
    "code": lambda row: _text(row.code),
    "reason": lambda row: _text(row.reason),
    "source_endpoint": lambda row: _text(row.source.endpoint),
    "source_path": lambda row: _text(
        None if row.source.path is None else path_text(row.source.path)
    ),
    "source_row": lambda row: _integer(row.source.row),
}


class CsvSink(FileSink):
    """Writes one row per entry under the columns ``id`` to ``source_row``, a header first.

    ``base_*`` and ``quote_*`` are unsigned and of trades; ``amount`` and ``currency`` are the
    signed leg of entries that have exactly one.
    """

    name: ClassVar[str] = "csv"
    capabilities = Capabilities(decimals="text")

    def _head(self) -> bytes:
        return _line(list(_COLUMNS))

    def _encoded(self, entry: Entry) -> bytes:
        row = row_of(entry)
        return _line([cell(row) for cell in _COLUMNS.values()])


def _line(cells: list[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerow(cells)
    return text.getvalue().encode()
