"""Koinly's import templates: the universal one, the one for trades, and the simple one.

Facts: docs/facts/files.md, "Koinly".
"""

from types import MappingProxyType
from typing import Final

import attrs

from bitstamp_ledger.files._entries import (
    DEPOSIT,
    MAYBE_FEE,
    REWARD,
    TRADE,
    UNLABELLED,
    WITHDRAWAL,
    EntryBuilder,
    Legs,
    labels,
)
from bitstamp_ledger.files._format import Reading, RowError, Shape, StatementFormat
from bitstamp_ledger.files._moments import MomentReader
from bitstamp_ledger.files._sent_received import (
    AS_MADE,
    AS_MADE_NOTE,
    NO_EXCHANGE_NOTE,
    ZERO_FEE_NOTE,
    Field,
    SentReceived,
    reader,
)
from bitstamp_ledger.files._statement import ZoneBasis
from bitstamp_ledger.files._table import Table
from bitstamp_ledger.files.bitstamp_g3 import exchanged, side_of
from bitstamp_ledger.model import Amount, Entry

TAGS: Final = labels(
    {
        REWARD: "reward, staking, staking reward, income, other income, lending interest, "
        "loan interest, interest, cashback, referral",
        DEPOSIT: "airdrop, fork, mining, salary",
        WITHDRAWAL: "gift, lost, donation, payment, stolen",
        MAYBE_FEE: "cost, fee, loan fee, margin fee",
        TRADE: "swap",
    }
)
"""By Koinly's labels, which newer versions call tags."""

_DATES: Final = ("Koinly Date", "Date", "Date (UTC)")
_TAG_COLUMNS: Final = ("Label", "Tag")
_NET_WORTH: Final = ("Net Worth Amount", "Net Worth Currency")


def _shapes(required: tuple[str, ...], optional: frozenset[str]) -> tuple[Shape, ...]:
    return tuple(Shape(required=(date, *required), optional=optional) for date in _DATES)


LAYOUT: Final = SentReceived(
    columns=MappingProxyType(
        {
            Field.TIME: _DATES,
            Field.SENT: ("Sent Amount",),
            Field.SENT_CODE: ("Sent Currency",),
            Field.RECEIVED: ("Received Amount",),
            Field.RECEIVED_CODE: ("Received Currency",),
            Field.FEE: ("Fee Amount",),
            Field.FEE_CODE: ("Fee Currency",),
            Field.LABEL: _TAG_COLUMNS,
        }
    ),
    labels=MappingProxyType({"": UNLABELLED, **TAGS}),
)

UNIVERSAL: Final = StatementFormat(
    name="koinly",
    title="Koinly universal template",
    shapes=_shapes(
        ("Sent Amount", "Sent Currency", "Received Amount", "Received Currency"),
        frozenset(
            {"Fee Amount", "Fee Currency", *_NET_WORTH, *_TAG_COLUMNS, "Description", "TxHash"}
        ),
    ),
    precision=AS_MADE,
    zone=ZoneBasis.DOCUMENTED,
    notes=(AS_MADE_NOTE, ZERO_FEE_NOTE, NO_EXCHANGE_NOTE),
    read=reader(LAYOUT),
)


def _read_trades(table: Table, reading: Reading) -> None:
    columns = table.columns
    builder = EntryBuilder(reading, columns)

    def column(*names: str) -> int | None:
        return next((columns.index(name) for name in names if name in columns), None)

    date = next(name for name in _DATES if name in columns)
    at = {name: columns.index(name) for name in ("Pair", "Side", "Amount", "Total")}
    fee, fee_code = column("Fee Amount"), column("Fee Currency")
    order, trade = column("Order ID"), column("Trade ID")
    times = [cells[columns.index(date)] for cells in table.rows]
    moments = MomentReader(reading, times, times, column=date)
    builder.weigh_numbers(
        cells[place]
        for cells in table.rows
        for place in (at["Amount"], at["Total"], fee)
        if place is not None
    )
    builder.distrust_zeroed_ids("" if order is None else cells[order] for cells in table.rows)

    def read_row(row: int, cells: list[str]) -> Entry:
        def optional(place: int | None) -> str:
            return "" if place is None else cells[place]

        moment = moments.read(cells[columns.index(date)])
        side = cells[at["Side"]]
        legs, base = exchanged(
            builder,
            pair=(cells[at["Pair"]], "Pair"),
            amount=(cells[at["Amount"]], "Amount"),
            value=(cells[at["Total"]], "Total"),
            buy=side_of(side, "Side"),
        )
        return builder.entry(
            row,
            cells,
            moment,
            attrs.evolve(
                legs,
                fee=builder.amount(optional(fee), optional(fee_code), "Fee Amount", "Fee Currency"),
            ),
            TRADE,
            code=side.strip(),
            base=base,
            transaction_id=builder.identifier(optional(trade)),
            order_id=builder.identifier(optional(order)),
        )

    reading.each_row(table, read_row)


TRADES: Final = StatementFormat(
    name="koinly-trades",
    title="Koinly template for trades",
    shapes=_shapes(
        ("Pair", "Side", "Amount", "Total"),
        frozenset({"Fee Amount", "Fee Currency", "Order ID", "Trade ID", *_TAG_COLUMNS}),
    ),
    precision=attrs.evolve(AS_MADE, orientation_open=False, exchange_ids=True),
    zone=ZoneBasis.DOCUMENTED,
    notes=(AS_MADE_NOTE, ZERO_FEE_NOTE, NO_EXCHANGE_NOTE),
    read=_read_trades,
)


def _read_simple(table: Table, reading: Reading) -> None:
    columns = table.columns
    builder = EntryBuilder(reading, columns)
    date = next(name for name in _DATES if name in columns)
    when, amount, currency = (columns.index(name) for name in (date, "Amount", "Currency"))
    label = next((columns.index(name) for name in _TAG_COLUMNS if name in columns), None)
    times = [cells[when] for cells in table.rows]
    moments = MomentReader(reading, times, times, column=date)
    builder.weigh_numbers(cells[amount] for cells in table.rows)
    known = {"": UNLABELLED, **TAGS}

    def read_row(row: int, cells: list[str]) -> Entry:
        moment = moments.read(cells[when])
        value = builder.signed(cells[amount], "Amount")
        if value is None:
            raise RowError("Amount", "the number is missing")
        leg = Amount(value, builder.currency(cells[currency], "Currency"))
        tag = "" if label is None else " ".join(cells[label].split())
        legs = Legs(sent=abs(leg)) if leg.value < 0 else Legs(received=leg)
        return builder.entry(row, cells, moment, legs, known.get(tag.casefold()), code=tag)

    reading.each_row(table, read_row)


SIMPLE: Final = StatementFormat(
    name="koinly-simple",
    title="Koinly simple template",
    shapes=_shapes(
        ("Amount", "Currency"), frozenset({*_TAG_COLUMNS, *_NET_WORTH, "Description", "TxHash"})
    ),
    precision=attrs.evolve(AS_MADE, orientation_open=False),
    zone=ZoneBasis.DOCUMENTED,
    notes=("It cannot hold trades, and states no fee.", NO_EXCHANGE_NOTE),
    read=_read_simple,
)
