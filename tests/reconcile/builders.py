"""Histories of trades, and how the exchange's API and its two exports would show them.

Written from docs/facts only, apart from the library's own readers: a mistake of theirs must not
cancel itself out here.
"""

import datetime as dt
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_UP, Decimal

import attrs

from bitstamp_ledger import (
    Entry,
    Statement,
    Trade,
    parse_user_transactions,
    read_statement,
)
from bitstamp_ledger.reconcile import Reconciliation

G1_HEADER = "Type,Datetime,Account,Amount,Value,Rate,Fee,Sub Type"
G2_HEADER = (
    "ID,Account,Type,Subtype,Datetime,Amount,Amount currency,Value,Value currency,"
    "Rate,Rate currency,Fee,Fee currency,Order ID"
)
MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
COINS = {"BTC", "ETH"}


@attrs.frozen(kw_only=True)
class Happened:
    """A trade as it really happened."""

    id: int = 163402118
    time: str = "2021-03-28 00:41:36.482917"
    side: str = "Buy"
    base: str = "BTC"
    quote: str = "EUR"
    amount: str = "0.04219875"
    price: str = "47318.62"
    fee: str | None = "9.98393"
    account: str = "Main Account"
    order: int | None = 1342211907391488

    @property
    def value(self) -> str:
        """The quote amount as the exchange rounds it."""
        places = Decimal("1e-8") if self.quote in COINS else Decimal("0.01")
        exact = Decimal(self.amount) * Decimal(self.price)
        return f"{exact.quantize(places, ROUND_HALF_UP):f}"

    @property
    def instant(self) -> dt.datetime:
        """When it happened."""
        return dt.datetime.fromisoformat(self.time).replace(tzinfo=dt.UTC)


def record(trade: Happened) -> dict[str, object]:
    """Show a trade as one JSON object of the API."""
    sign = "" if trade.side == "Buy" else "-"
    other = "-" if trade.side == "Buy" else ""
    base, quote = trade.base.lower(), trade.quote.lower()
    shown: dict[str, object] = {
        "id": trade.id,
        "order_id": trade.order,
        "type": "2",
        "datetime": trade.time,
        base: sign + trade.amount,
        quote: other + trade.value,
        f"{base}_{quote}": trade.price,
    }
    if trade.fee is not None:
        shown["fee"] = trade.fee
    return shown


def records(trades: Iterable[Happened]) -> list[Entry]:
    """Show trades as the API would, each under its account."""
    return [
        entry
        for trade in trades
        for entry in parse_user_transactions(json.dumps([record(trade)]), account=trade.account)
    ]


def raw_records(*shown: dict[str, object]) -> list[Entry]:
    """Read JSON objects as a page of the API."""
    return parse_user_transactions(json.dumps(shown))


def g1_minute(time: dt.datetime) -> str:
    """Print a time as the old export does."""
    half = "AM" if time.hour < 12 else "PM"
    hour = time.hour % 12 or 12
    month = MONTHS[time.month - 1]
    return f"{month}. {time.day:02d}, {time.year}, {hour:02d}:{time.minute:02d} {half}"


def g1_row(trade: Happened) -> str:
    """Show a trade as a line of the old export."""
    fee = "" if trade.fee is None else f"{trade.fee} {trade.quote}"
    return (
        f'Market,"{g1_minute(trade.instant)}",{trade.account},{trade.amount} {trade.base},'
        f"{trade.value} {trade.quote},{trade.price} {trade.quote},{fee},{trade.side}"
    )


def g2_row(trade: Happened, *, with_id: bool = True) -> str:
    """Show a trade as a line of the newer export."""
    fee = "," if trade.fee is None else f"{trade.fee},{trade.quote}"
    order = "" if trade.order is None else trade.order
    return (
        f"{trade.id if with_id else ''},{trade.account},Market,{trade.side},"
        f"{trade.instant:%Y-%m-%dT%H:%M:%SZ},{trade.amount},{trade.base},"
        f"{trade.value},{trade.quote},{trade.price},{trade.quote},{fee},{order}"
    )


def g1_text(rows: Sequence[str]) -> bytes:
    """Put lines under the old export's header."""
    return "\n".join([G1_HEADER, *rows, ""]).encode()


def g2_text(rows: Sequence[str]) -> bytes:
    """Put lines under the newer export's header."""
    return "\n".join([G2_HEADER, *rows, ""]).encode()


def g1(*trades: Happened) -> Statement:
    """Export trades in the old format, and read them."""
    return read_statement(g1_text([g1_row(trade) for trade in trades]))


def g2(*trades: Happened, with_ids: bool = True) -> Statement:
    """Export trades in the newer format, and read them."""
    return read_statement(g2_text([g2_row(trade, with_id=with_ids) for trade in trades]))


def g1_lines(*rows: str) -> Statement:
    """Read lines of the old format."""
    return read_statement(g1_text(rows))


def g2_lines(*rows: str) -> Statement:
    """Read lines of the newer format."""
    return read_statement(g2_text(rows))


def facts(entry: Entry) -> tuple[object, ...]:
    """What an entry states, wherever it stands: no row number, no path, no occurrence."""
    return (
        entry.kind,
        entry.time,
        entry.account,
        entry.transaction_id,
        tuple((leg.currency, leg.value.normalize()) for leg in entry.legs),
        None if entry.fee is None else (entry.fee.currency, entry.fee.value.normalize()),
        entry.source.row is None,
        entry.price if isinstance(entry, Trade) else None,
    )


def ledger(result: Reconciliation) -> Counter[tuple[object, ...]]:
    """The resulting entries, as facts with counts."""
    return Counter(map(facts, result.entries))


def canonical(result: Reconciliation) -> tuple[object, ...]:
    """Everything a result says that does not depend on where a row stands."""
    return (
        ledger(result),
        Counter(
            (
                tuple(map(facts, match.api)),
                tuple(map(facts, match.file)),
                match.rule,
                match.grade,
            )
            for match in (*result.matches, *result.file_matches)
        ),
        Counter(map(facts, result.api_only)),
        Counter(map(facts, result.new)),
        Counter(
            (
                frozenset(Counter(map(facts, each.api)).items()),
                frozenset(Counter(map(facts, each.file)).items()),
            )
            for each in result.conflicts
        ),
        Counter((facts(each.row), facts(each.near), each.field) for each in result.suspects),
        result.counts,
    )
