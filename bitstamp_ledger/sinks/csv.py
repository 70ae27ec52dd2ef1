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

6. What people said follows in ``label``, ``note``, ``given_price`` and ``given_price_currency``;
   these columns are there only where anything was said in the ledger.

The record as received and the precision of a file's rows are not here; JSON Lines has them.
Spreadsheets show at most 15 digits of a number: import the columns as text where more matter.
"""

import os
import re
from collections.abc import Sequence
from typing import ClassVar, Final

from bitstamp_ledger.errors import SinkError
from bitstamp_ledger.model import Conversion, Entry, Trade, Transfer, UnknownEntry
from bitstamp_ledger.sinks._annotations import Annotations
from bitstamp_ledger.sinks._contract import (
    Batch,
    Capabilities,
    Checkpoint,
    Completed,
    Outcome,
    Receipt,
    RunInfo,
)
from bitstamp_ledger.sinks._file_sink import FileSink
from bitstamp_ledger.sinks._row import decimal_text, path_text, time_text

# OWASP, "CSV Injection": signs, tab, CR and LF, and the wide forms of the signs, which East Asian
# spreadsheets read as the same.  The apostrophe is ours: without it rule 4 could not be undone.
_GUARDED: Final = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20'")


_needs_nothing: Final = re.compile(r'[A-Za-z0-9][^",\r\n]*').fullmatch
_needs_quotes: Final = re.compile(r'[",\r\n]').search


def _cell(value: str) -> str:
    """Write a text as `csv.writer` would, guarded; that one asks every letter of every cell."""
    if _needs_nothing(value):
        return value
    guarded = f"'{value}" if value.startswith(_GUARDED) or not value else value
    if _needs_quotes(guarded):
        return '"' + guarded.replace('"', '""') + '"'
    return guarded


class _Texts(dict[str | None, str]):
    """Cells of texts that come again and again: accounts, currencies, codes."""

    def __missing__(self, value: str | None) -> str:
        cell = "" if value is None else _cell(value)
        if len(self) < _TEXTS_MAX:
            self[value] = cell
        return cell


_TEXTS_MAX: Final = 10_000
_NO_TRADE: Final = ("", "", "", "", "")
_NO_AMOUNT: Final = ("", "")
_YES_NO: Final = {None: "", True: "yes", False: "no"}

ANNOTATIONS: Final = ("label", "note", "given_price", "given_price_currency")
"""Further columns, where people said anything about the entries of a ledger."""

_NOTHING_SAID: Final = ("", "", "", "")

COLUMNS: Final = (
    *("id", "kind", "time", "account", "side", "base_amount", "base_currency", "quote_amount"),
    *("quote_currency", "amount", "currency", "fee_amount", "fee_currency", "price", "legs"),
    *("order_id", "transaction_id", "self_trade", "counterparty", "code", "reason"),
    *("source_endpoint", "source_path", "source_row"),
)
"""The header, and the order of the cells."""


def _line(cells: Sequence[str]) -> bytes:
    return f"{','.join(cells)}\r\n".encode()


class CsvSink(FileSink):
    """Writes one row per entry under the columns ``id`` to ``source_row``, a header first.

    ``base_*`` and ``quote_*`` are unsigned and of trades; ``amount`` and ``currency`` are the
    signed leg of entries that have exactly one.  Of a ledger in which people said something,
    ``label`` to ``given_price_currency`` follow.
    """

    name: ClassVar[str] = "csv"
    capabilities = Capabilities(annotations=True, decimals="text")

    def __init__(self, path: str | os.PathLike[str]) -> None:
        super().__init__(path)
        self._texts = _Texts()
        self._columns: tuple[str, ...] = ()
        self._said: Annotations = {}

    def open(self, run: RunInfo) -> Checkpoint | None:
        """Begin anew; what stands there stays until the run completes."""
        self._columns = ()
        return super().open(run)

    def write(self, batch: Batch) -> Receipt:
        """Add the entries of ``batch``, or none of them."""
        if self._columns == COLUMNS and batch.annotations:
            raise SinkError(
                f"{self._path} was begun without columns for what people said.",
                sink=self.name,
                hint="Export the ledger first, before anything else is written to this file.",
            )
        self._said = batch.annotations or {}
        if not self._columns:
            annotated = batch.annotations is not None
            self._columns = (*COLUMNS, *ANNOTATIONS) if annotated else COLUMNS
            self._opened().write(_line(self._columns))
        return super().write(batch)

    def close(self, outcome: Outcome) -> None:
        """Put it in its place, or remove what was written of it."""
        if not self._columns and isinstance(outcome, Completed):
            self._opened().write(_line(COLUMNS))
        super().close(outcome)

    def _head(self) -> bytes:
        return b""  # What columns there are is known with the first batch.

    def _encoded(self, entry: Entry) -> bytes:
        texts, legs, fee, source = self._texts, entry.legs, entry.fee, entry.source
        amounts: tuple[str, ...]
        order_id = self_trade = counterparty = reason = ""
        stated_price = None
        if isinstance(entry, Trade):
            base, quote = legs
            base_text, quote_text = decimal_text(base.value), decimal_text(quote.value)
            sold = base_text[0] == "-"
            amounts = (
                # A base of zero says nothing; the quote may.
                ("sell" if sold else "buy") if base.value else entry.side.value,
                base_text[1:] if sold else base_text,
                texts[base.currency],
                quote_text[1:] if quote_text[0] == "-" else quote_text,
                texts[quote.currency],
                *_NO_AMOUNT,
            )
            legs_text = f"{base.currency} {base_text}; {quote.currency} {quote_text}"
            order_id = "" if entry.order_id is None else str(entry.order_id)
            self_trade = _YES_NO[entry.self_trade]
            stated_price = entry.price
        else:
            values = [decimal_text(leg.value) for leg in legs]
            single = (values[0], texts[legs[0].currency]) if len(legs) == 1 else _NO_AMOUNT
            amounts = (*_NO_TRADE, *single)
            pairs = zip(legs, values, strict=True)
            legs_text = "; ".join([f"{leg.currency} {value}" for leg, value in pairs])
            if isinstance(entry, Conversion):
                stated_price = entry.price
            elif isinstance(entry, Transfer):
                counterparty = texts[entry.counterparty]
            elif isinstance(entry, UnknownEntry):
                reason = texts[entry.reason]
        return _line(
            (
                _cell(entry.id),
                texts[entry.kind],
                time_text(entry.time),
                texts[entry.account],
                *amounts,
                "" if fee is None else decimal_text(fee.value),
                "" if fee is None else texts[fee.currency],
                "" if stated_price is None else decimal_text(stated_price),
                _cell(legs_text) if legs_text else "",
                order_id,
                "" if entry.transaction_id is None else str(entry.transaction_id),
                self_trade,
                counterparty,
                texts[entry.code],
                reason,
                texts[source.endpoint],
                "" if source.path is None else texts[path_text(source.path)],
                "" if source.row is None else str(source.row),
                *(self._said_of(entry) if len(self._columns) > len(COLUMNS) else ()),
            )
        )

    def _said_of(self, entry: Entry) -> tuple[str, ...]:
        said = self._said.get(entry.id)
        if said is None:
            return _NOTHING_SAID
        return (
            "" if said.label is None else _cell(said.label),
            "" if said.note is None else _cell(said.note),
            "" if said.price_value is None else decimal_text(said.price_value),
            "" if said.price_currency is None else _cell(said.price_currency),
        )
