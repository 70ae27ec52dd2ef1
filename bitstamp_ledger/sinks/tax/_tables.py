"""What a tool's file looks like, as data: columns, labels, clocks."""

import csv
import datetime as dt
import enum
import io
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Context, Decimal
from types import MappingProxyType
from typing import Final, TypeAlias

import attrs

from bitstamp_ledger.errors import SinkError
from bitstamp_ledger.files._named_columns import FIAT
from bitstamp_ledger.files._sent_received import Field, SentReceived
from bitstamp_ledger.model import (
    TIME_NOT_STATED,
    UTC,
    Account,
    Amount,
    Conversion,
    Entry,
    Trade,
    Transfer,
    UnknownEntry,
)
from bitstamp_ledger.sinks._contract import Loss
from bitstamp_ledger.sinks._one_line import escaped, plain
from bitstamp_ledger.sinks._row import decimal_text, time_text
from bitstamp_ledger.sinks.tax._lines import EXCHANGES, FeeFolding, Line, What, lines_of

WALLET: Final = "Bitstamp"

Clock: TypeAlias = Callable[[dt.datetime], str]
"""Prints a time, which is in the zone to print."""

_is_code: Final = re.compile(r"[A-Z0-9][A-Z0-9._-]{0,19}").fullmatch
_ROUNDING: Final = Context(prec=200, rounding=ROUND_HALF_EVEN)


class Cell(enum.Enum):
    """What stands in a column, beyond what `Field` names."""

    BASE = "base"
    """What was bought or sold; of other rows what moved."""

    BASE_CODE = "base currency"
    QUOTE = "quote"
    QUOTE_CODE = "quote currency"
    FROM = "from"
    """The wallet, where something left it."""

    TO = "to"
    """The wallet, where something came to it."""

    REFERENCE = "reference"
    """Names the row, so that a tool does not take two equal executions for one."""

    NOTE = "note"
    """Everything that the entry states and the other columns may not, in words."""

    EMPTY = "empty"


Content: TypeAlias = Field | Cell | Callable[[Line], str]
"""What stands in a column; a function is what only one tool has."""

Column: TypeAlias = tuple[str, Content]
"""A header, and what stands under it."""


CODES_FIRST: Final = (
    *(Field.SENT_CODE, Field.SENT, Field.RECEIVED_CODE, Field.RECEIVED),
    *(Field.FEE_CODE, Field.FEE),
)
"""The columns of tools that have each amount behind its currency."""


def columns_of(layout: SentReceived, *columns: Field | Column) -> tuple[Column, ...]:
    """Return columns under the names that ``layout`` reads them by.

    Args:
        layout: of the tool's reader.
        columns: in order; a field stands for its name in ``layout``, others bring their own.
    """
    return tuple(
        (layout.columns[each][0], each) if isinstance(each, Field) else each for each in columns
    )


def iso(time: dt.datetime) -> str:
    """``2022-03-05 19:09:31``."""
    return f"{time.year:04}-{time.month:02}-{time.day:02} {_clock(time)}"


def iso_utc(time: dt.datetime) -> str:
    """``2022-03-05 19:09:31 UTC``."""
    return f"{iso(time)} UTC"


def iso_micro_utc(time: dt.datetime) -> str:
    """``2022-03-05T19:09:31.123456 UTC``."""
    return f"{time.year:04}-{time.month:02}-{time.day:02}T{_clock(time)}.{time.microsecond:06} UTC"


def day_first(time: dt.datetime) -> str:
    """``05/03/2022 19:09:31``."""
    return f"{time.day:02}/{time.month:02}/{time.year:04} {_clock(time)}"


def month_first(time: dt.datetime) -> str:
    """``03/05/2022 19:09:31``."""
    return f"{time.month:02}/{time.day:02}/{time.year:04} {_clock(time)}"


def dotted(time: dt.datetime) -> str:
    """``05.03.2022 19:09:31``."""
    return f"{time.day:02}.{time.month:02}.{time.year:04} {_clock(time)}"


def epoch_ms(time: dt.datetime) -> str:
    """Milliseconds since 1970, cut."""
    since = time.astimezone(UTC) - TIME_NOT_STATED
    return str(since // dt.timedelta(milliseconds=1))


def _clock(time: dt.datetime) -> str:
    return f"{time.hour:02}:{time.minute:02}:{time.second:02}"


@attrs.frozen(kw_only=True)
class Table:
    """One file of a tool."""

    columns: tuple[Column, ...]
    labels: Mapping[What, str]
    """What is not named is written as ``OTHER_IN`` or ``OTHER_OUT``, by its direction."""

    tags: Mapping[What, str] = MappingProxyType({})
    """What stands in the column of `Field.TAG`, beside the label."""

    fiat_labels: Mapping[What, str] = MappingProxyType({})
    """Goes before ``labels`` where government money moved."""

    clock: Clock
    folding: FeeFolding = FeeFolding.NEVER
    shape: Callable[[Line], Sequence[Line]] | None = None
    """Makes rows that the tool takes of one that it does not; None where it takes all."""

    wallet: Callable[[str], str] = str
    """Spells the wallet's name as the tool wants it."""

    decimals_max: int | None = None
    """Digits after the point to which amounts are rounded; None where all are written."""

    all_quoted: bool = False
    takes: frozenset[What] = frozenset(What)
    """What is written to this file; the tool has another for the rest."""

    suffix: str = ""
    """What comes behind the stem of the path that was asked for, in a tool's further files."""

    def header(self) -> bytes:
        """Return the line of column names."""
        return self._line([name for name, _ in self.columns])

    def rows(self, entry: Entry, *, wallet: str, zone: dt.tzinfo) -> bytes:
        """Return the rows of ``entry`` in this file, line ends included.

        Raises:
            ValueError: it cannot be written; the message is the reason.
        """
        lines = lines_of(entry, self.folding, self.shape)
        if not lines:
            raise ValueError("it states no amount")
        if entry.time == TIME_NOT_STATED:
            raise ValueError("it states no time")
        printed = self.clock(entry.time.astimezone(zone))
        name = wallet_of(wallet, entry.account)
        return b"".join(
            self._line([self._cell(what, line, printed, name) for _, what in self.columns])
            for line in lines
            if line.what in self.takes
        )

    def _label(self, line: Line) -> str:
        what = line.what
        moved = base_of(line)
        if what in self.fiat_labels and moved is not None and moved.currency in FIAT:
            return self.fiat_labels[what]
        return self.labels[what if what in self.labels else _neutral(line)]

    def _cell(self, what: Content, line: Line, printed: str, wallet: str) -> str:  # noqa: C901, PLR0911, PLR0912 - one case for each column
        if not isinstance(what, Field | Cell):
            return what(line)
        match what:
            case Field.TIME:
                return printed
            case Field.ZONE:
                return "GMT"
            case Field.LABEL:
                return self._label(line)
            case Field.TAG:
                return self.tags.get(line.what, "")
            case Field.SENT:
                return self._value(line.sent)
            case Field.SENT_CODE:
                return code_of(line.sent)
            case Field.RECEIVED:
                return self._value(line.received)
            case Field.RECEIVED_CODE:
                return code_of(line.received)
            case Field.FEE:
                return self._value(line.fee)
            case Field.FEE_CODE:
                return code_of(line.fee)
            case Field.EXCHANGE:
                return self.wallet(wallet)
            case Field.ID:
                identity = line.entry.transaction_id
                return "" if identity is None or line.part > 1 else str(identity)
            case Field.ORDER_ID:
                order = line.entry.order_id if isinstance(line.entry, Trade) else None
                return "" if order is None else str(order)
            case Cell.BASE:
                return self._value(base_of(line))
            case Cell.BASE_CODE:
                return code_of(base_of(line))
            case Cell.QUOTE:
                return self._value(quote_of(line))
            case Cell.QUOTE_CODE:
                return code_of(quote_of(line))
            case Cell.FROM:
                return "" if line.received is not None else self.wallet(wallet)
            case Cell.TO:
                return "" if line.received is None else self.wallet(wallet)
            case Cell.REFERENCE:
                return reference_of(line)
            case Cell.NOTE:
                return note_of(line)
            case Cell.EMPTY:
                return ""

    def _value(self, amount: Amount | None) -> str:
        if amount is None:
            return ""
        value = amount.value
        decimals = -int(value.as_tuple().exponent)
        if self.decimals_max is not None and decimals > self.decimals_max:
            step = Decimal(1).scaleb(-self.decimals_max)
            value = value.quantize(step, context=_ROUNDING)
        return decimal_text(value)

    def _line(self, cells: list[str]) -> bytes:
        text = io.StringIO()
        if self.all_quoted:
            csv.writer(text, lineterminator="\r\n", quoting=csv.QUOTE_ALL).writerow(cells)
        else:
            csv.writer(text, lineterminator="\r\n").writerow(cells)
        return text.getvalue().encode()


def _neutral(line: Line) -> What:
    return What.OTHER_OUT if line.received is None else What.OTHER_IN


def code_of(amount: Amount | None) -> str:
    """Return the currency's code.

    Raises:
        ValueError: it is none that a tool would read, or a spreadsheet would run it.
    """
    if amount is None:
        return ""
    if _is_code(amount.currency) is None:
        raise ValueError(f"{amount.currency!r} is no currency code that a tool reads")
    return amount.currency


def base_of(line: Line) -> Amount | None:
    """Return what was bought or sold; of other rows what moved."""
    if line.what is What.SELL:
        return line.sent
    return line.sent if line.received is None else line.received


def quote_of(line: Line) -> Amount | None:
    """Return what was paid or brought in exchange; None where nothing was exchanged."""
    if line.what not in EXCHANGES:
        return None
    return line.received if line.what is What.SELL else line.sent


def wallet_of(wallet: str, account: str) -> str:
    """Return the wallet's name: one for each account."""
    if Account(account).is_main:
        return wallet
    return f"{wallet} {plain(account)}"


def reference_of(line: Line) -> str:
    """Return a short name of the row: the exchange's id, or the row's own identity."""
    entry = line.entry
    name = entry.id.rpartition("/")[2] if entry.transaction_id is None else entry.transaction_id
    reference = f"{name}" if line.part == 1 else f"{name}-{line.part}"
    # An identity can hold any text, and this one begins the cell.
    return reference if reference[:1].isalnum() else f"Bitstamp {plain(reference)}".rstrip()


def note_of(line: Line) -> str:
    """Return everything that the entry states and a tool's columns may not, in words."""
    entry = line.entry
    parts = [f"{WALLET} {entry.kind}", escaped(entry.id), time_text(entry.time)]
    precision = entry.source.precision
    if precision is not None and precision.time_step > dt.timedelta(microseconds=1):
        parts.append(f"known to {precision.time_step.total_seconds():g} s")
    if isinstance(entry, Trade) and entry.order_id is not None:
        parts.append(f"order {entry.order_id}")
    if isinstance(entry, Trade | Conversion) and entry.price is not None:
        parts.append(f"price {decimal_text(entry.price)}")
    if isinstance(entry, Transfer) and entry.counterparty:
        parts.append(f"other account {escaped(entry.counterparty)}")
    if entry.fee is not None and not entry.fee.value:
        parts.append("no fee")
    if isinstance(entry, UnknownEntry):
        parts.append(f"type {plain(entry.code or 'not stated')}, not understood")
        parts.append(plain(entry.reason))
    if line.parts > 1:
        parts.append(f"part {line.part} of {line.parts}: {line.what.value}")
    return "; ".join(filter(None, parts))


@attrs.frozen(kw_only=True)
class Tool:
    """One tool: its files, and what they cannot hold."""

    name: str
    title: str
    tables: tuple[Table, ...]
    beside: tuple[Loss, ...]
    """What the tool's own columns cannot hold although the file does: it is in the note only."""

    losses: tuple[Loss, ...] = ()
    """What is not in the file at all."""


def refused(entry: Entry, exc: ValueError, *, tool: Tool, path: str) -> SinkError:
    """Return the error for an entry that a tool's file cannot hold."""
    return SinkError(
        f"Entry {entry.id!r} cannot be written to {path} for {tool.title}: {exc}.",
        sink=tool.name,
        hint="Leave that entry out, and enter it in the tool by hand.",
    )
