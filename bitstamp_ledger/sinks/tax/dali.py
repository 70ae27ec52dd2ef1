"""dali-rp2's manual files, for rp2: what came in, what went out, what moved between own wallets.

Rules:

1. What was paid or brought in government money is the row's fiat amount; any other trade is two
   rows, one in each file, as the tool wants it.
2. A fee is in the row where it is of the row's own asset or its fiat; else it is a row of its own.
   What a sale brought is stated after its fee, as the tool's own plug-ins do: rp2 computes the gain
   from that amount alone.
3. The price is the trade's own where it is in the row's fiat; the tool looks up what is unknown.
4. A deposit, a withdrawal, a transfer and staking are moves between own wallets whose other end the
   exchange does not know.  The tool completes such a row from one with the same id and asset, or
   makes a gift or an income of it by a transaction hint; rp2 refuses what nobody has explained.

Facts: docs/facts/files.md, "dali-rp2".
"""

import datetime as dt
from decimal import Context, Decimal
from types import MappingProxyType
from typing import ClassVar, Final

import attrs

from bitstamp_ledger.files._named_columns import FIAT
from bitstamp_ledger.files._sent_received import Field
from bitstamp_ledger.files.dali_rp2 import (
    IN_COLUMNS,
    INTRA_COLUMNS,
    OUT_COLUMNS,
    UNKNOWN,
    before_fee,
)
from bitstamp_ledger.model import Amount, Conversion, Trade, exact_difference, exact_sum
from bitstamp_ledger.sinks._contract import Loss
from bitstamp_ledger.sinks._row import decimal_text
from bitstamp_ledger.sinks.tax._lines import EXCHANGES, Line, What
from bitstamp_ledger.sinks.tax._sink import TaxSink
from bitstamp_ledger.sinks.tax._tables import (
    WALLET,
    Cell,
    Content,
    Table,
    Tool,
    base_of,
    code_of,
    quote_of,
    reference_of,
)

_FIFTEEN_DIGITS: Final = Context(prec=15)
"""Numbers with more are taken for noise of binary floats by readers."""

_OUTGOING: Final = frozenset(
    {
        What.SELL,
        What.SETTLED_OUT,
        What.FEE,
        What.OTHER_OUT,
    }
)
_MOVES: Final = frozenset(
    {
        What.DEPOSIT,
        What.WITHDRAWAL,
        What.TRANSFER_IN,
        What.TRANSFER_OUT,
        What.STAKED,
        What.UNSTAKED,
    }
)


def _shaped(line: Line) -> tuple[Line, ...]:
    """Return the rows of one asset each that ``line`` becomes."""
    first, *more = _of_one_asset(line)
    fee = first.fee
    if fee is None or _holds(first, fee):
        return (first, *more)
    apart = Line(entry=line.entry, what=What.FEE, sent=fee)
    return (attrs.evolve(first, fee=None), *more, apart)


def _holds(line: Line, fee: Amount) -> bool:
    """Say whether the row itself can state its fee."""
    if line.what in _MOVES:
        inside = line.received is None or fee.value < line.received.value
        return inside and fee.currency == _asset(line)
    if _is_taken(line):
        return _after_fee(line) is not None
    return fee.currency in {_asset(line), _fiat_of(line)}


def _is_taken(line: Line) -> bool:
    """Say whether the fee was taken out of what a sale brought."""
    fee, brought = line.fee, line.received
    if line.what is not What.SELL or fee is None or brought is None:
        return False
    return fee.currency == brought.currency


def _after_fee(line: Line) -> tuple[Amount, Decimal] | None:
    """Return what is left of a sale, and the price by which a reader knows that it is.

    That is the trade's own unless rounding outweighs the fee.  None where there is no such price,
    or nothing is left.
    """
    sent, brought, fee = line.sent, line.received, line.fee
    if sent is None or brought is None or fee is None or not sent.value:
        return None
    left = Amount(exact_difference(brought.value, fee.value), brought.currency)
    if left.value <= 0:
        return None
    stated = line.entry.price if isinstance(line.entry, Trade | Conversion) else None
    for price in (stated, _in_full(brought.value, sent.value)):
        if price is None or len(price.as_tuple().digits) > _FIFTEEN_DIGITS.prec:
            continue
        if before_fee(sent, left, fee, price) == brought:
            return left, price
    return None


def _in_full(amount: Decimal, of: Decimal) -> Decimal:
    """Return a price with all its digits, zeros too: they say how sure it is."""
    price = _FIFTEEN_DIGITS.divide(amount, of)
    last_digit = Decimal(1).scaleb(price.adjusted() - _FIFTEEN_DIGITS.prec + 1)
    return _FIFTEEN_DIGITS.quantize(price, last_digit)


def _of_one_asset(line: Line) -> tuple[Line, ...]:
    sent, received = line.sent, line.received
    if line.what not in EXCHANGES or sent is None or received is None:
        return (line,)
    paid, brought = sent.currency in FIAT, received.currency in FIAT
    if paid and not (brought and line.what is What.SELL):
        return (attrs.evolve(line, what=What.BUY),)
    if brought:
        return (attrs.evolve(line, what=What.SELL),)
    sale = attrs.evolve(line, what=What.SELL, received=None)
    purchase = attrs.evolve(line, what=What.BUY, sent=None)
    # The tool refuses an amount of nothing, which is what a tiny one was rounded to.
    if not sent.value:
        return (purchase,)
    if not received.value:
        return (sale,)
    return (sale, attrs.evolve(purchase, fee=None))


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
    taken = _after_fee(line) if _is_taken(line) else None
    if taken is not None:
        return decimal_text(taken[1])
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


def _fiat(line: Line) -> str:
    """Return what was paid or brought; a price of nothing is none that the tool takes."""
    taken = _after_fee(line) if _is_taken(line) else None
    amount = quote_of(line) if taken is None else taken[0]
    return "" if amount is None or not amount.value else _text(amount)


def _joining_id(line: Line) -> str:
    """Return the name of a move, by which the tool joins its two ends; it insists on one."""
    name = reference_of(line)
    is_exchanges = line.entry.transaction_id is not None or not name.isdecimal()
    return name if is_exchanges else f"{WALLET} {name}"


def _from_holder(line: Line) -> str:
    return "" if line.sent is None else _holder(line)


def _to_holder(line: Line) -> str:
    return "" if line.received is None else _holder(line)


def _left(line: Line) -> str:
    """Return what left its wallet; of a deposit that is known where a fee was taken from it."""
    if line.sent is None:
        return "" if line.fee is None else _text(line.received)
    total = line.sent if line.fee is None else _sum(line.sent, line.fee)
    return _text(total)


def _arrived(line: Line) -> str:
    """Return what arrived; of a withdrawal that is known where a fee was taken beside it."""
    if line.received is None:
        return "" if line.fee is None else _text(line.sent)
    return _text(line.received if line.fee is None else _sum(line.received, -line.fee))


def _sum(amount: Amount, other: Amount) -> Amount:
    return Amount(exact_sum(amount.value, other.value), amount.currency)


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
        "fiat_in_no_fee": _fiat,
        "fiat_in_with_fee": Cell.EMPTY,
        "crypto_out_no_fee": _went,
        "crypto_out_with_fee": Cell.EMPTY,
        "fiat_out_no_fee": _fiat,
        "fiat_fee": _fiat_fee,
        "fiat_ticker": _ticker,
        "from_exchange": Cell.FROM,
        "from_holder": _from_holder,
        "to_exchange": Cell.TO,
        "to_holder": _to_holder,
        "crypto_sent": _left,
        "crypto_received": _arrived,
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
            takes=frozenset(What) - _OUTGOING - _MOVES,
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
        Table(
            columns=tuple(
                (name, _joining_id if name == "unique_id" else _CELLS[name])
                for name in INTRA_COLUMNS
            ),
            labels=MappingProxyType({}),
            clock=_with_offset,
            shape=_shaped,
            takes=_MOVES,
            suffix="-intra",
        ),
    ),
    beside=(
        Loss("transaction_type", "settlements and unknown records are gifts; none has a type"),
        Loss("from_exchange", "transfers and staking are told from other moves in the notes only"),
        Loss("to_exchange", "as before; the other end of a move is for you to complete"),
        Loss("asset", "a trade of one crypto currency for another is two rows in two files"),
        Loss("fiat_ticker", "releases up to 0.6 take every fiat amount for the native currency"),
    ),
)


class DaliSink(TaxSink):
    """Writes dali-rp2's manual file of what came in to ``path``, and the two others beside it.

    They have ``-out`` and ``-intra`` behind their stems: ``dali.csv``, ``dali-out.csv`` and
    ``dali-intra.csv``, which are for ``in_csv_file``, ``out_csv_file`` and ``intra_csv_file``.
    """

    tool: ClassVar[Tool] = TOOL
