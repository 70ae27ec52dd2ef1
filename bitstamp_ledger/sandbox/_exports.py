"""The exchange's own export files of an account, as a person downloads them.

G1 ("Old format") states minutes and no ids, G2 ("RFC 4180") states seconds and ids; both cut times
and leave out the sign of amounts (docs/facts/files.md, "G1 columns and times", "G2 columns").
Records whose spelling in files nobody has documented are left out, and named.
"""

import csv
import datetime as dt
import io
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Final, NamedTuple

import attrs

from bitstamp_ledger.model import MAIN_ACCOUNT, Amount
from bitstamp_ledger.sandbox._records import Event, WireRecord, event_of, time_of

G1_HEADER: Final = ("Type", "Datetime", "Account", "Amount", "Value", "Rate", "Fee", "Sub Type")
G2_HEADER: Final = (
    "ID",
    "Account",
    "Type",
    "Subtype",
    "Datetime",
    "Amount",
    "Amount currency",
    "Value",
    "Value currency",
    "Rate",
    "Rate currency",
    "Fee",
    "Fee currency",
    "Order ID",
)

# docs/facts/files.md, "Type vocabulary"; codes that are missing have no known spelling in files.
SPELLINGS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "0": "Deposit",
        "1": "Withdrawal",
        "2": "Market",
        "3": "Ripple payment",
        "4": "Ripple deposit",
        "14": "Sub Account Transfer",
        "25": "Started generating rewards",
        "26": "Staked assets",
        "27": "Staking reward",
        "32": "Referral reward",
        "35": "Inter Account Transfer",
    }
)
_SIGNED: Final = frozenset({"35"})
_WITH_FEE: Final = frozenset({"1", "2"})
_MONTHS: Final = (
    "Jan",
    "Feb",
    "Mar",
    "Apr",
    "May",
    "Jun",
    "Jul",
    "Aug",
    "Sep",
    "Oct",
    "Nov",
    "Dec",
)
_NOON: Final = 12


class LeftOut(NamedTuple):
    """A record that has no place in an export file."""

    id: int
    type: str


@attrs.frozen(kw_only=True)
class ExportFile:
    """A trade file as the exchange would write it, and what has no place in one."""

    text: str
    """UTF-8 without BOM when written; lines end with LF."""

    left_out: tuple[LeftOut, ...]
    """Records within the time range that have no documented spelling."""


@attrs.frozen(kw_only=True)
class _Line:
    event: Event
    account: str
    counterparty: str

    @property
    def type(self) -> str:
        return SPELLINGS[self.event.type]

    @property
    def subtype(self) -> str:
        if self.event.type != "2":
            return ""
        return "Buy" if self.event.legs[0].value > 0 else "Sell"

    @property
    def amount(self) -> Amount:
        leg = self.event.legs[0]
        return leg if self.event.type in _SIGNED else abs(leg)

    @property
    def value(self) -> Amount | None:
        return abs(self.event.legs[1]) if self.event.type == "2" else None

    @property
    def direction(self) -> str:
        """What sub-account transfers state instead of a value."""
        if self.event.type != "14":
            return ""
        ends = (self.account, self.counterparty)
        return " -> ".join(ends if self.event.legs[0].value < 0 else reversed(ends))

    @property
    def rate(self) -> Amount | None:
        if self.event.type != "2" or self.event.rate is None or self.event.pair is None:
            return None
        return Amount(self.event.rate, self.event.pair[1])

    @property
    def fee(self) -> Amount | None:
        """Absent where it is zero, on most rows: both habits have been seen."""
        fee = self.event.fee
        if fee is None or self.event.type not in _WITH_FEE:
            return None
        return None if fee.value == 0 and self.event.id % 4 else fee


def render_g1(
    records: Iterable[WireRecord],
    *,
    account: str = MAIN_ACCOUNT,
    counterparty: str = "Trading",
    start: dt.datetime | None = None,
    end: dt.datetime | None = None,
) -> ExportFile:
    """Write the "Old format": minutes, ``NUMBER CODE`` cells, no ids.

    Args:
        records: as ``Sandbox.records`` gives them, in any order.
        account: the name in the Account column.
        counterparty: the other account of sub-account transfers.
        start: leave out what happened before.
        end: leave out what happened then or later.
    """
    return _render(
        records, G1_HEADER, _g1_cells, account=account, counterparty=counterparty, span=(start, end)
    )


def render_g2(
    records: Iterable[WireRecord],
    *,
    account: str = MAIN_ACCOUNT,
    counterparty: str = "Trading",
    start: dt.datetime | None = None,
    end: dt.datetime | None = None,
) -> ExportFile:
    """Write the "RFC 4180" format: seconds, apart numbers and codes, ids.

    Args:
        records: as ``Sandbox.records`` gives them, in any order.
        account: the name in the Account column.
        counterparty: the other account of sub-account transfers.
        start: leave out what happened before.
        end: leave out what happened then or later.
    """
    return _render(
        records, G2_HEADER, _g2_cells, account=account, counterparty=counterparty, span=(start, end)
    )


def _render(
    records: Iterable[WireRecord],
    header: tuple[str, ...],
    cells_of: Callable[[_Line], tuple[str, ...]],
    *,
    account: str,
    counterparty: str,
    span: tuple[dt.datetime | None, dt.datetime | None],
) -> ExportFile:
    events = sorted(
        (event_of(record) for record in records if _within(time_of(record), *span)),
        key=lambda event: (event.time, event.id),
    )
    left_out = []
    target = io.StringIO()
    writer = csv.writer(target, lineterminator="\n")
    writer.writerow(header)
    for event in events:
        if event.type not in SPELLINGS or not event.legs:
            left_out.append(LeftOut(event.id, event.type))
            continue
        line = _Line(event=event, account=account, counterparty=counterparty)
        writer.writerow(cells_of(line))
    return ExportFile(text=target.getvalue(), left_out=tuple(left_out))


def _within(time: dt.datetime, start: dt.datetime | None, end: dt.datetime | None) -> bool:
    return (start is None or start <= time) and (end is None or time < end)


def _g1_cells(line: _Line) -> tuple[str, ...]:
    return (
        line.type,
        _g1_time(line.event.time),
        line.account,
        _joined(line.amount),
        line.direction or _joined(line.value),
        _joined(_trimmed(line.rate)),
        _joined(line.fee),
        line.subtype,
    )


def _g1_time(time: dt.datetime) -> str:
    """Print ``Mar. 28, 2021, 12:41 AM``, whatever the locale of this process."""
    hour = time.hour % _NOON or _NOON
    half = "AM" if time.hour < _NOON else "PM"
    month = _MONTHS[time.month - 1]
    return f"{month}. {time.day:02d}, {time.year}, {hour:02d}:{time.minute:02d} {half}"


def _joined(amount: Amount | None) -> str:
    return "" if amount is None else f"{amount.value:f} {amount.currency}"


def _g2_cells(line: _Line) -> tuple[str, ...]:
    value, value_currency = _apart(line.value)
    order_id = line.event.order_id if line.event.type == "2" else None
    return (
        str(line.event.id),
        line.account,
        line.type,
        line.subtype,
        f"{line.event.time:%Y-%m-%dT%H:%M:%SZ}",
        *_apart(line.amount),
        line.direction or value,
        value_currency,
        *_apart(_trimmed(line.rate)),
        *_apart(line.fee),
        "" if order_id is None else str(order_id),
    )


def _apart(amount: Amount | None) -> tuple[str, str]:
    return ("", "") if amount is None else (f"{amount.value:f}", amount.currency)


def _trimmed(rate: Amount | None) -> Amount | None:
    """Drop zeros at the end, as both formats do with rates."""
    if rate is None:
        return None
    whole = rate.value == rate.value.to_integral_value()
    value = rate.value.quantize(Decimal(1)) if whole else rate.value.normalize()
    return Amount(value, rate.currency)
