"""What Koinly gives back: the report of all transactions, and the export for bulk edits.

Both name a wallet on either side, and join a withdrawal and a deposit to one transfer.

Facts: docs/facts/files.md, "Koinly".
"""

from collections.abc import Callable, Sequence
from typing import Final

import attrs

from bitstamp_ledger.files._currencies import is_bitstamp
from bitstamp_ledger.files._entries import (
    DEPOSIT,
    TRADE,
    WITHDRAWAL,
    EntryBuilder,
    Kinds,
    Legs,
    labels,
)
from bitstamp_ledger.files._format import Reading, RowSetAside, Shape, StatementFormat
from bitstamp_ledger.files._moments import MomentReader
from bitstamp_ledger.files._sent_received import AS_MADE, ZERO_FEE_NOTE
from bitstamp_ledger.files._statement import ZoneBasis
from bitstamp_ledger.files._table import Table
from bitstamp_ledger.files.koinly import TAGS
from bitstamp_ledger.model import Amount, Entry

_TYPES: Final = labels(
    {
        TRADE: "buy, sell, exchange, trade, swap",
        DEPOSIT: "deposit, fiat_deposit, fiat deposit, crypto_deposit, crypto deposit, receive",
        WITHDRAWAL: "withdrawal, fiat_withdrawal, fiat withdrawal, crypto_withdrawal, "
        "crypto withdrawal, send",
    }
)
_TRANSFER: Final = "transfer"
_TAG_COLUMNS: Final = ("Label", "Tag")
_NOT_DELETED: Final = frozenset({"", "false", "no", "0", "n"})

_OWN_TRANSFER: Final = Kinds(
    reason="It moves between two wallets, both of this exchange or unnamed."
)


@attrs.frozen(kw_only=True)
class _Layout:
    """The names of the columns that the two exports call differently."""

    date: tuple[str, ...]
    sent: tuple[str, str]
    received: tuple[str, str]
    from_wallet: str
    to_wallet: str


_REPORT: Final = _Layout(
    date=("Date", "Date (UTC)"),
    sent=("Sent Amount", "Sent Currency"),
    received=("Received Amount", "Received Currency"),
    from_wallet="Sending Wallet",
    to_wallet="Receiving Wallet",
)
_BULK_EDIT: Final = _Layout(
    date=("Date (UTC)",),
    sent=("From Amount", "From Currency"),
    received=("To Amount", "To Currency"),
    from_wallet="From Wallet (read-only)",
    to_wallet="To Wallet (read-only)",
)
_FEE: Final = ("Fee Amount", "Fee Currency")


def _reader(layout: _Layout) -> Callable[[Table, Reading], None]:
    def read(table: Table, reading: Reading) -> None:
        columns = table.columns
        builder = EntryBuilder(reading, columns)

        def text(cells: Sequence[str], *names: str) -> str:
            return next((cells[columns.index(name)] for name in names if name in columns), "")

        def amount(cells: Sequence[str], names: tuple[str, str]) -> Amount | None:
            return builder.amount(text(cells, names[0]), text(cells, names[1]), *names)

        def wallets(cells: Sequence[str]) -> tuple[str, str]:
            return text(cells, layout.from_wallet), text(cells, layout.to_wallet)

        builder.weigh_numbers(
            text(cells, name)
            for cells in table.rows
            for name in (layout.sent[0], layout.received[0], _FEE[0])
        )
        date = next(name for name in layout.date if name in columns)
        moments = MomentReader(
            reading,
            [text(cells, date) for cells in table.rows],
            [
                text(cells, date)
                for cells in table.rows
                if any(map(is_bitstamp, wallets(cells))) or not any(wallets(cells))
            ],
            column=date,
        )

        def read_row(row: int, cells: list[str]) -> Entry:
            if not table.is_header(cells):
                if text(cells, "Deleted").strip().casefold() not in _NOT_DELETED:
                    raise RowSetAside("deleted in Koinly")
                builder.require_bitstamp(*wallets(cells))
            moment = moments.read(text(cells, date))
            type_ = " ".join(text(cells, "Type").split())
            tag = " ".join(text(cells, *_TAG_COLUMNS).split())
            legs = Legs(
                sent=amount(cells, layout.sent),
                received=amount(cells, layout.received),
                fee=amount(cells, _FEE),
            )
            kinds = TAGS.get(tag.casefold()) or _TYPES.get(type_.casefold())
            if type_.casefold() == _TRANSFER:
                legs, kinds = _seen_from_here(legs, *map(is_bitstamp, wallets(cells)))
            return builder.entry(row, cells, moment, legs, kinds, code=type_ or tag)

        reading.each_row(table, read_row)

    return read


def _seen_from_here(legs: Legs, ours_sent: bool, ours_received: bool) -> tuple[Legs, Kinds]:
    """Return this exchange's half of a transfer: what left it for the receiver, or what came."""
    if ours_sent and not ours_received:
        return Legs(sent=legs.received or legs.sent, fee=legs.fee), WITHDRAWAL
    if ours_received and not ours_sent:
        return Legs(received=legs.received or legs.sent), DEPOSIT
    return legs, _OWN_TRANSFER


_NOTES: Final = (
    "A row may be one execution, or several of them that Koinly has joined.",
    ZERO_FEE_NOTE,
    "Of a transfer to or from another wallet, only this exchange's half is read.",
)

REPORT: Final = StatementFormat(
    name="koinly-export",
    title="Koinly report of transactions",
    shapes=tuple(
        Shape(
            required=(
                *(date, "Type"),
                *("Sending Wallet", *_REPORT.sent),
                *("Receiving Wallet", *_REPORT.received),
            ),
            optional=frozenset(
                {
                    *_TAG_COLUMNS,
                    *_FEE,
                    *("Sent Cost Basis", "Received Cost Basis"),
                    *("TxSrc", "TxDest", "TxHash", "Description"),
                }
            ),
            patterns=(r"(?:Gain|Net Value|Fee Value) \([A-Za-z]{3,5}\)",),
        )
        for date in _REPORT.date
    ),
    precision=AS_MADE,
    zone=ZoneBasis.DOCUMENTED,
    notes=_NOTES,
    read=_reader(_REPORT),
)

BULK_EDIT: Final = StatementFormat(
    name="koinly-bulk-edit",
    title="Koinly export for bulk edits",
    shapes=(
        Shape(
            required=(
                *("ID (read-only)", "Date (UTC)", "Type"),
                *("From Wallet (read-only)", *_BULK_EDIT.sent),
                *("To Wallet (read-only)", *_BULK_EDIT.received),
            ),
            others=True,
        ),
    ),
    precision=AS_MADE,
    zone=ZoneBasis.DOCUMENTED,
    notes=_NOTES,
    read=_reader(_BULK_EDIT),
)
