"""dali-rp2's manual files, for rp2: one of what came in, one of what went out.

Rules:

1. What was paid or brought in government money is the row's fiat amount; any other trade is two
   rows, one in each file, as the tool wants it.
2. A fee is in the row where it is of the row's own asset or its fiat; else it is a row of its own.
3. The price is the trade's own where it is in the row's fiat; the tool looks up what is unknown.

Facts: docs/facts/files.md, "dali-rp2".
"""

import datetime as dt
from types import MappingProxyType
from typing import ClassVar, Final

import attrs

from bitstamp_ledger.files._named_columns import FIAT
from bitstamp_ledger.files._sent_received import Field
from bitstamp_ledger.files.dali_rp2 import IN_COLUMNS, OUT_COLUMNS, UNKNOWN
from bitstamp_ledger.model import Amount, Trade
from bitstamp_ledger.sinks._contract import Loss
from bitstamp_ledger.sinks._row import decimal_text
from bitstamp_ledger.sinks.tax._lines import EXCHANGES, Line, What
from bitstamp_ledger.sinks.tax._sink import TaxSink
from bitstamp_ledger.sinks.tax._tables import Cell, Content, Table, Tool, base_of, code_of, quote_of

_OUTGOING: Final = frozenset(
    {
        What.SELL,
        What.WITHDRAWAL,
        What.TRANSFER_OUT,
        What.STAKED,
        What.SETTLED_OUT,
        What.FEE,
        What.OTHER_OUT,
    }
)


def _shaped(line: Line) -> tuple[Line, ...]:
    """Return the rows of one asset each that ``line`` becomes."""
    first, *more = _of_one_asset(line)
    fee = first.fee
    if fee is None or fee.currency in {_asset(first), _fiat_of(first)}:
        return (first, *more)
    apart = Line(entry=line.entry, what=What.FEE, sent=fee)
    return (attrs.evolve(first, fee=None), *more, apart)


def _of_one_asset(line: Line) -> tuple[Line, ...]:
    sent, received = line.sent, line.received
    if line.what not in EXCHANGES or sent is None or received is None:
        return (line,)
    paid, brought = sent.currency in FIAT, received.currency in FIAT
    if paid and not (brought and line.what is What.SELL):
        return (attrs.evolve(line, what=What.BUY),)
    if brought:
        return (attrs.evolve(line, what=What.SELL),)
    return (
        attrs.evolve(line, what=What.SELL, received=None),
        attrs.evolve(line, what=What.BUY, sent=None, fee=None),
    )


def _asset(line: Line) -> str:
    return code_of(base_of(line))


def _fiat_of(line: Line) -> str:
    """Return the one currency of the row's fiat columns; nothing where they are empty."""
    amount = quote_of(line)
    if amount is None and line.fee is not None and line.fee.currency in FIAT:
        amount = line.fee
    return "" if amount is None or line.what is What.FEE else code_of(amount)


def _ticker(line: Line) -> str:
    return _fiat_of(line) if _asset(line) != _fiat_of(line) else ""


def _holder(line: Line) -> str:
    del line
    return "me"


def _price(line: Line) -> str:
    entry = line.entry
    if isinstance(entry, Trade) and entry.price is not None and quote_of(line) is not None:
        return decimal_text(entry.price) if entry.base.currency == _asset(line) else UNKNOWN
    return UNKNOWN


def _text(amount: Amount | None) -> str:
    return "" if amount is None else decimal_text(amount.value)


def _crypto_fee(line: Line) -> str:
    if line.what is What.FEE:
        return _text(line.sent)
    inside = line.fee is not None and line.fee.currency == _asset(line)
    return _text(line.fee) if inside else ""


def _crypto_fee_or_nought(line: Line) -> str:
    return _crypto_fee(line) or "0"  # The tool insists on a number here.


def _fiat_fee(line: Line) -> str:
    return "" if _crypto_fee(line) else _text(line.fee)


def _went(line: Line) -> str:
    """Return what left beside the fee; a row that is a fee has nothing else."""
    return "0" if line.what is What.FEE else _text(line.sent)


_CELLS: Final[MappingProxyType[str, Content]] = MappingProxyType(
    {
        "unique_id": Field.ID,
        "timestamp": Field.TIME,
        "asset": Cell.BASE_CODE,
        "exchange": Field.EXCHANGE,
        "holder": _holder,
        "transaction_type": Field.LABEL,
        "spot_price": _price,
        "crypto_in": Cell.BASE,
        "crypto_fee": _crypto_fee,
        "fiat_in_no_fee": Cell.QUOTE,
        "fiat_in_with_fee": Cell.EMPTY,
        "crypto_out_no_fee": _went,
        "crypto_out_with_fee": Cell.EMPTY,
        "fiat_out_no_fee": Cell.QUOTE,
        "fiat_fee": _fiat_fee,
        "fiat_ticker": _ticker,
        "notes": Cell.NOTE,
    }
)


def _with_offset(time: dt.datetime) -> str:
    """``2022-03-05 19:09:31.123456+00:00``."""
    return time.isoformat(sep=" ", timespec="microseconds")


TOOL: Final = Tool(
    name="dali",
    title="dali-rp2",
    tables=(
        Table(
            columns=tuple((name, _CELLS[name]) for name in IN_COLUMNS),
            labels=MappingProxyType(
                {What.BUY: "buy", What.REWARD: "income", What.OTHER_IN: "gift"}
            ),
            clock=_with_offset,
            shape=_shaped,
            takes=frozenset(What) - _OUTGOING,
        ),
        Table(
            columns=tuple(
                (name, _crypto_fee_or_nought if name == "crypto_fee" else _CELLS[name])
                for name in OUT_COLUMNS
            ),
            labels=MappingProxyType({What.SELL: "sell", What.FEE: "fee", What.OTHER_OUT: "gift"}),
            clock=_with_offset,
            shape=_shaped,
            takes=_OUTGOING,
            suffix="-out",
        ),
    ),
    beside=(
        Loss("transaction_type", "deposits, withdrawals and moves are gifts; none has a type"),
        Loss("asset", "a trade of one crypto currency for another is two rows in two files"),
        Loss("fiat_ticker", "releases up to 0.6 take every fiat amount for the native currency"),
    ),
)


class DaliSink(TaxSink):
    """Writes dali-rp2's manual file of what came in to ``path``, and of what went out beside it.

    The second file has ``-out`` behind its stem: ``dali.csv`` and ``dali-out.csv``.
    """

    tool: ClassVar[Tool] = TOOL
