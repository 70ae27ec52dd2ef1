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
import os
from collections.abc import Callable, Sequence
from typing import ClassVar, Final

from bitstamp_ledger.model import Conversion, Entry, Trade, Transfer, UnknownEntry
from bitstamp_ledger.sinks._contract import Capabilities
from bitstamp_ledger.sinks._file_sink import FileSink
from bitstamp_ledger.sinks._row import decimal_text, path_text, time_text

# OWASP, "CSV Injection": signs, tab, CR and LF, and the wide forms of the signs, which East Asian
# spreadsheets read as the same.  The apostrophe is ours: without it rule 4 could not be undone.
_GUARDED: Final = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20'")


def _text(value: str) -> str:
    return f"'{value}" if value.startswith(_GUARDED) or not value else value


class _Texts(dict[str | None, str]):
    """Cells of texts that come again and again: accounts, currencies, codes."""

    def __missing__(self, value: str | None) -> str:
        cell = "" if value is None else _text(value)
        if len(self) < _TEXTS_MAX:
            self[value] = cell
        return cell


_TEXTS_MAX: Final = 10_000
_NO_TRADE: Final = ("", "", "", "", "")
_NO_AMOUNT: Final = ("", "")
_YES_NO: Final = {None: "", True: "yes", False: "no"}

COLUMNS: Final = (
    *("id", "kind", "time", "account", "side", "base_amount", "base_currency", "quote_amount"),
    *("quote_currency", "amount", "currency", "fee_amount", "fee_currency", "price", "legs"),
    *("order_id", "transaction_id", "self_trade", "counterparty", "code", "reason"),
    *("source_endpoint", "source_path", "source_row"),
)
"""The header, and the order of the cells."""


class _Bytes:
    """What `csv.writer` takes for a file: it returns what this does, the row as bytes."""

    write = staticmethod(str.encode)


_as_line: Final[Callable[[Sequence[object]], bytes]] = csv.writer(
    _Bytes(),
    lineterminator="\r\n",
).writerow


class CsvSink(FileSink):
    """Writes one row per entry under the columns ``id`` to ``source_row``, a header first.

    ``base_*`` and ``quote_*`` are unsigned and of trades; ``amount`` and ``currency`` are the
    signed leg of entries that have exactly one.
    """

    name: ClassVar[str] = "csv"
    capabilities = Capabilities(decimals="text")

    def __init__(self, path: str | os.PathLike[str]) -> None:
        super().__init__(path)
        self._texts = _Texts()

    def _head(self) -> bytes:
        return _as_line(COLUMNS)

    def _encoded(self, entry: Entry) -> bytes:
        return _as_line(self._cells(entry))

    def _cells(self, entry: Entry) -> Sequence[object]:
        texts, legs, fee, source = self._texts, entry.legs, entry.fee, entry.source
        trade: tuple[object, ...]
        if isinstance(entry, Trade):
            base, quote = legs
            base_text, quote_text = decimal_text(base.value), decimal_text(quote.value)
            sold = base_text[0] == "-"
            trade = (
                # A base of zero says nothing; the quote may.
                ("sell" if sold else "buy") if base.value else entry.side.value,
                base_text[1:] if sold else base_text,
                texts[base.currency],
                quote_text[1:] if quote_text[0] == "-" else quote_text,
                texts[quote.currency],
                *_NO_AMOUNT,
            )
            legs_text = f"{base.currency} {base_text}; {quote.currency} {quote_text}"
        else:
            values = [decimal_text(leg.value) for leg in legs]
            single = (values[0], texts[legs[0].currency]) if len(legs) == 1 else _NO_AMOUNT
            trade = (*_NO_TRADE, *single)
            pairs = zip(legs, values, strict=True)
            legs_text = "; ".join([f"{leg.currency} {value}" for leg, value in pairs])
        price = entry.price if isinstance(entry, Trade | Conversion) else None
        return (
            _text(entry.id),
            texts[entry.kind],
            time_text(entry.time),
            texts[entry.account],
            *trade,
            "" if fee is None else decimal_text(fee.value),
            "" if fee is None else texts[fee.currency],
            "" if price is None else decimal_text(price),
            _text(legs_text) if legs_text else "",
            entry.order_id if isinstance(entry, Trade) else "",
            entry.transaction_id,
            _YES_NO[entry.self_trade] if isinstance(entry, Trade) else "",
            texts[entry.counterparty] if isinstance(entry, Transfer) else "",
            texts[entry.code],
            texts[entry.reason] if isinstance(entry, UnknownEntry) else "",
            texts[source.endpoint],
            "" if source.path is None else texts[path_text(source.path)],
            source.row,
        )
