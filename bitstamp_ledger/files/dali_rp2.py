"""dali-rp2's manual CSV files: one for what came in, one for what went out, one for own moves.

Rules:

1. A fiat amount without fee is a leg of a buy or a sale only; elsewhere it is a valuation.
2. Of the two columns for a fee, the crypto one is what was paid where it states something; the fiat
   one then repeats its value.
3. Makers differ in whether the fiat amount of a sale is before or after its fee: the price tells.
   Where it does not, it is before, as the columns are documented.
4. A move between own wallets is a deposit or a withdrawal, by which end is this exchange.  What is
   less at its other end is the exchange's fee; but not of a deposit that says where it came from.

Facts: docs/facts/files.md, "dali-rp2".
"""

import datetime as dt
from collections.abc import Callable, Mapping
from decimal import Context, Decimal, localcontext
from typing import Final

import attrs

from bitstamp_ledger.files._currencies import is_bitstamp
from bitstamp_ledger.files._entries import (
    DEPOSIT,
    MAYBE_FEE,
    MOVEMENT,
    REWARD,
    TRADE,
    WITHDRAWAL,
    EntryBuilder,
    Kinds,
    Legs,
    labels,
)
from bitstamp_ledger.files._format import (
    Reading,
    RowSetAside,
    Shape,
    StatementFormat,
    precision_for,
)
from bitstamp_ledger.files._moments import MomentReader
from bitstamp_ledger.files._sent_received import AS_MADE
from bitstamp_ledger.files._statement import ZoneBasis
from bitstamp_ledger.files._table import Table
from bitstamp_ledger.model import Amount, Entry, exact_difference, exact_sum

_START: Final = (
    *("unique_id", "timestamp", "asset", "exchange", "holder", "transaction_type", "spot_price"),
)
IN_COLUMNS: Final = (
    *_START,
    *("crypto_in", "crypto_fee", "fiat_in_no_fee", "fiat_in_with_fee", "fiat_fee", "fiat_ticker"),
    "notes",
)
OUT_COLUMNS: Final = (
    *_START,
    *("crypto_out_no_fee", "crypto_fee", "crypto_out_with_fee", "fiat_out_no_fee", "fiat_fee"),
    *("fiat_ticker", "notes"),
)
INTRA_COLUMNS: Final = (
    *("unique_id", "timestamp", "asset", "from_exchange", "from_holder", "to_exchange"),
    *("to_holder", "spot_price", "crypto_sent", "crypto_received", "notes"),
)

UNKNOWN: Final = "__unknown"
"""The tool's own word for what it shall look up."""

_NUMBERS: Final = frozenset(
    name
    for name in (*IN_COLUMNS, *OUT_COLUMNS, *INTRA_COLUMNS)
    if name.startswith(("spot_", "crypto_", "fiat_")) and name != "fiat_ticker"
)

_IN: Final = labels(
    {
        TRADE: "buy",
        DEPOSIT: "airdrop, hardfork, gift, donate, mining, wages",
        REWARD: "income, interest, staking",
    }
)
_OUT: Final = labels({TRADE: "sell", WITHDRAWAL: "gift, donate, lost", MAYBE_FEE: "fee"})

_PRECISION: Final = attrs.evolve(
    AS_MADE, time_step=dt.timedelta(microseconds=1), orientation_open=False, exchange_ids=True
)
_PRODUCTS: Final = Context(prec=200)
_CENT: Final = Decimal("0.01")
_NOTES: Final = (
    "Fiat amounts may have been computed from a price by whoever made the file.",
    "A trade of one crypto currency for another is two rows in two files, each with a fiat value.",
)


class _Cells:
    """The cells of one row, read by column."""

    def __init__(self, builder: EntryBuilder, columns: tuple[str, ...], cells: list[str]) -> None:
        self.decimals: int | None = None
        """How many decimals of a leg say anything, where a fee was taken out of it."""

        self._builder = builder
        self._cells = dict(zip(columns, cells, strict=False))

    def text(self, name: str) -> str:
        text = self._cells.get(name, "").strip()
        return "" if text == UNKNOWN else text

    def crypto(self, name: str) -> Amount | None:
        return self._builder.amount(self.text(name), self.text("asset"), name, "asset")

    def fiat(self, name: str) -> Amount | None:
        return self._builder.amount(self.text(name), self.text("fiat_ticker"), name, "fiat_ticker")

    def price(self) -> Decimal | None:
        return self._builder.number(self.text("spot_price"), "spot_price")

    def fee(self) -> Amount | None:
        crypto = self.crypto("crypto_fee")
        return crypto if crypto is not None and crypto.value else self.fiat("fiat_fee")

    def without(self, whole: Amount | None, fee: Amount | None) -> Amount | None:
        """Take a fee out of an amount that contains it."""
        if whole is None or fee is None or fee.currency != whole.currency:
            return whole
        self.decimals = min(-int(each.value.as_tuple().exponent) for each in (whole, fee))
        return Amount(exact_difference(whole.value, fee.value), whole.currency)


def _in_legs(cells: _Cells) -> Legs:
    fee = cells.fee()
    paid = cells.fiat("fiat_in_no_fee")
    if paid is None:
        paid = cells.without(cells.fiat("fiat_in_with_fee"), fee)
    return Legs(sent=paid, received=cells.crypto("crypto_in"), fee=fee)


def _out_legs(cells: _Cells) -> Legs:
    fee = cells.fee()
    sent = cells.crypto("crypto_out_no_fee")
    if sent is None:
        sent = cells.without(cells.crypto("crypto_out_with_fee"), fee)
    received = cells.fiat("fiat_out_no_fee")
    if sent is not None and received is not None and fee is not None:
        received = before_fee(sent, received, fee, cells.price())
    return Legs(sent=sent, received=received, fee=fee)


def before_fee(sent: Amount, received: Amount, fee: Amount, price: Decimal | None) -> Amount:
    """Return what a sale brought, its fee not yet taken, as the price of one unit tells.

    A price says no more than its digits do.  The amount has its fee added only where the price, as
    it is printed, rules the amount out as it stands, and allows it with the fee.
    """
    if price is None or fee.currency != received.currency:
        return received
    whole = Amount(exact_sum(received.value, fee.value), received.currency)
    with localcontext(_PRODUCTS):
        worth, unsure = (abs(sent.value) * each for each in (price, _last_digit(price)))
        error, error_of_whole = abs(worth - received.value), abs(worth - whole.value)
        is_ruled_out = error > unsure + min(_CENT, _last_digit(received.value.normalize()))
        # What a trade brings is rounded to a cent at most.
        is_after = is_ruled_out and error_of_whole <= unsure + _CENT and error_of_whole * 2 < error
    return whole if is_after else received


def _last_digit(number: Decimal) -> Decimal:
    """Return one unit of the last place of a finite number."""
    return Decimal(1).scaleb(int(number.as_tuple().exponent))


def _moved_legs(cells: _Cells) -> Legs:
    sent, received = cells.crypto("crypto_sent"), cells.crypto("crypto_received")
    fee = None
    if sent is not None and received is not None and sent.value > received.value:
        fee = Amount(exact_difference(sent.value, received.value), sent.currency)
    if is_bitstamp(cells.text("from_exchange")):
        return Legs(sent=received or sent, fee=fee)
    if cells.text("from_exchange"):
        return Legs(received=received or sent)
    return Legs(received=sent or received, fee=fee)


@attrs.frozen(kw_only=True)
class _Half:
    """What differs between the two files."""

    kinds: Mapping[str, Kinds]
    legs: Callable[[_Cells], Legs]
    valued: str
    """Which leg is no more than a valuation, unless the row is a trade."""

    def computed(self, entry: Entry, decimals: int) -> Entry:
        """Say of an entry that a leg was computed, and how many decimals of it count."""
        precision = entry.source.precision or _PRECISION
        coarser = precision_for(
            precision,
            time_step=precision.time_step,
            base_decimals_max=decimals if self.valued == "received" else None,
            quote_decimals_max=decimals if self.valued == "sent" else None,
        )
        return attrs.evolve(entry, source=attrs.evolve(entry.source, precision=coarser))


_HALVES: Final = (
    _Half(kinds=_IN, legs=_in_legs, valued="sent"),
    _Half(kinds=_OUT, legs=_out_legs, valued="received"),
)


def _reader(half: _Half) -> Callable[[Table, Reading], None]:
    def read(table: Table, reading: Reading) -> None:
        builder, moments, at = _begun(table, reading)

        def read_row(row: int, cells: list[str]) -> Entry:
            named = _Cells(builder, table.columns, cells)
            builder.require_bitstamp(named.text("exchange"))
            kind = named.text("transaction_type")
            kinds = half.kinds.get(kind.casefold())
            legs = half.legs(named)
            if kinds is None or kinds.both is None:
                legs = attrs.evolve(legs, **{half.valued: None})
            entry = builder.entry(
                row,
                cells,
                moments.read(cells[at]),
                legs,
                kinds,
                code=kind,
                base=builder.currency(named.text("asset"), "asset"),
                price=named.price() if kinds is TRADE else None,
                transaction_id=builder.identifier(named.text("unique_id")),
            )
            return entry if named.decimals is None else half.computed(entry, named.decimals)

        reading.each_row(table, read_row)

    return read


def _begun(table: Table, reading: Reading) -> tuple[EntryBuilder, MomentReader, int]:
    """Look over a whole file; return also the place of its times."""
    builder = EntryBuilder(reading, table.columns)
    at = table.columns.index("timestamp")
    numbers = [place for place, name in enumerate(table.columns) if name in _NUMBERS]
    builder.weigh_numbers(cells[place] for cells in table.rows for place in numbers)
    times = [cells[at] for cells in table.rows]
    return builder, MomentReader(reading, times, times, column="timestamp"), at


def _read_moves(table: Table, reading: Reading) -> None:
    builder, moments, at = _begun(table, reading)

    def read_row(row: int, cells: list[str]) -> Entry:
        named = _Cells(builder, table.columns, cells)
        ends = named.text("from_exchange"), named.text("to_exchange")
        builder.require_bitstamp(*ends)
        if all(map(is_bitstamp, ends)):
            raise RowSetAside("a move between two accounts of this exchange")
        return builder.entry(
            row,
            cells,
            moments.read(cells[at]),
            _moved_legs(named),
            MOVEMENT,
            code="",
            transaction_id=builder.identifier(named.text("unique_id")),
        )

    reading.each_row(table, read_row)


IN: Final = StatementFormat(
    name="dali-rp2-in",
    title="dali-rp2 manual file of what came in",
    shapes=(Shape(required=IN_COLUMNS[:-1], optional=frozenset({"notes"})),),
    precision=_PRECISION,
    zone=ZoneBasis.STATED,
    notes=_NOTES,
    read=_reader(_HALVES[0]),
)

OUT: Final = StatementFormat(
    name="dali-rp2-out",
    title="dali-rp2 manual file of what went out",
    shapes=(Shape(required=OUT_COLUMNS[:-1], optional=frozenset({"notes"})),),
    precision=_PRECISION,
    zone=ZoneBasis.STATED,
    notes=_NOTES,
    read=_reader(_HALVES[1]),
)

INTRA: Final = StatementFormat(
    name="dali-rp2-intra",
    title="dali-rp2 manual file of moves between own wallets",
    shapes=(Shape(required=INTRA_COLUMNS[:-1], optional=frozenset({"notes", "fiat_ticker"})),),
    precision=_PRECISION,
    zone=ZoneBasis.STATED,
    notes=("The other end of a move may be another person's, if the owner did not say so.",),
    read=_read_moves,
)
