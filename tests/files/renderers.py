"""Writers of other tools' layouts: true trades in, the rows that such a tool prints out.

Each writer knows its layout only; how clocks and numbers are printed comes from a `Style`, so that
a test can print one history as a tool, a spreadsheet or a person would.
"""

import datetime as dt
import zoneinfo
from collections.abc import Callable, Sequence
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Context, Decimal
from types import MappingProxyType
from typing import Final

import attrs
from hypothesis import strategies as st

from bitstamp_ledger.model import Entry, FeePlace, Precision, Rounding, Trade
from tests.files.samples import Fill, cell, fills

UTC = dt.UTC
PARIS = zoneinfo.ZoneInfo("Europe/Paris")
_EXACT = Context(prec=60)


def iso(t: dt.datetime) -> str:
    """``2022-03-05 19:09:31``."""
    return f"{t.year}-{t.month:02}-{t.day:02} {t.hour:02}:{t.minute:02}:{t.second:02}"


def iso_minute(t: dt.datetime) -> str:
    """``2022-03-05 19:09``."""
    return iso(t)[:-3]


def iso_utc(t: dt.datetime) -> str:
    """``2022-03-05 19:09:31 UTC``."""
    return iso(t) + " UTC"


def iso_micro(t: dt.datetime) -> str:
    """``2022-03-05T19:09:31.123456 UTC``."""
    return iso(t).replace(" ", "T") + f".{t.microsecond:06} UTC"


def dotted(t: dt.datetime) -> str:
    """``05.03.2022 19:09``."""
    return f"{t.day:02}.{t.month:02}.{t.year} {t.hour:02}:{t.minute:02}"


def dotted_short(t: dt.datetime) -> str:
    """``05.03.22 19:09``."""
    return f"{t.day:02}.{t.month:02}.{t.year % 100:02} {t.hour:02}:{t.minute:02}"


def french(t: dt.datetime) -> str:
    """``05/03/2022 19:09:31``."""
    return f"{t.day:02}/{t.month:02}/{t.year} {t.hour:02}:{t.minute:02}:{t.second:02}"


def american(t: dt.datetime) -> str:
    """``03/05/2022 19:09:31``."""
    return f"{t.month:02}/{t.day:02}/{t.year} {t.hour:02}:{t.minute:02}:{t.second:02}"


def american_sheet(t: dt.datetime) -> str:
    """``3/5/2022 19:09``, as an American spreadsheet shows a date."""
    return f"{t.month}/{t.day}/{t.year} {t.hour}:{t.minute:02}"


def british_sheet(t: dt.datetime) -> str:
    """``5/3/2022 19:09``, as spreadsheets of other countries do."""
    return f"{t.day}/{t.month}/{t.year} {t.hour}:{t.minute:02}"


def spoken(t: dt.datetime) -> str:
    """``Mar 5, 2022 7:09 PM``."""
    month = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
    half = "AM" if t.hour < 12 else "PM"
    return f"{month[t.month - 1]} {t.day}, {t.year} {t.hour % 12 or 12}:{t.minute:02} {half}"


def epoch(t: dt.datetime) -> str:
    """Milliseconds since 1970, cut."""
    return str(
        (t.replace(tzinfo=UTC) - dt.datetime(1970, 1, 1, tzinfo=UTC)) // dt.timedelta(0, 0, 1000)
    )


Clock = Callable[[dt.datetime], str]
"""Prints a naive time."""


@attrs.frozen(kw_only=True)
class Style:
    """How a maker of files prints clocks and numbers."""

    clock: Clock
    zone: dt.tzinfo = UTC
    base_decimals: int = 8
    fee_decimals: int = 5
    rounding: str = ROUND_HALF_EVEN
    strip_zeros: bool = False

    def time(self, fill: Fill) -> str:
        return self.clock(fill.time.astimezone(self.zone).replace(tzinfo=None))

    def number(self, value: Decimal, decimals: int, rounding: str | None = None) -> str:
        unit = Decimal(1).scaleb(-decimals)
        text = format(value.quantize(unit, rounding or self.rounding, _EXACT), "f")
        return text.rstrip("0").rstrip(".") if self.strip_zeros and "." in text else text

    def amount(self, fill: Fill) -> str:
        return self.number(fill.amount, self.base_decimals)

    def value(self, fill: Fill) -> str:
        return self.number(fill.value, 2)

    def fee(self, fill: Fill) -> str:
        return "" if fill.fee is None else self.number(fill.fee, self.fee_decimals)


@attrs.frozen(kw_only=True)
class Writer:
    """A layout, and how a trade is printed in it."""

    columns: tuple[str, ...]
    row: Callable[[Fill, Style], Sequence[str]]
    clocks: tuple[Clock, ...]
    """How its makers print times."""

    local: bool = False
    """Whether times may be in a zone that the file does not state."""

    numbers: tuple[str, ...]
    """The columns that hold numbers and nothing else, by their place among repeated names."""

    times: str
    """The column of times."""

    delimiter: str = ","

    def text(self, rows: Sequence[Sequence[str]], delimiter: str | None = None) -> str:
        """Print a file of finished rows."""
        delimiter = delimiter or self.delimiter
        lines = [self.columns, *rows]
        return "".join(
            delimiter.join(cell(text, delimiter) for text in row) + "\n" for row in lines
        )


def _legs(fill: Fill, style: Style) -> tuple[str, str, str, str]:
    """Return sent, its currency, received, its currency."""
    base, quote = (style.amount(fill), fill.base), (style.value(fill), fill.quote)
    return (*quote, *base) if fill.buy else (*base, *quote)


def _fee(fill: Fill, style: Style) -> tuple[str, str]:
    return ("", "") if fill.fee is None else (style.fee(fill), fill.quote)


def _folded(fill: Fill, style: Style) -> tuple[str, str, str, str]:
    """Return received, its currency, sent, its currency, with the fee inside."""
    fee = fill.fee or Decimal(0)
    total = fill.value + fee if fill.buy else fill.value - fee
    printed = style.number(total, max(2, style.fee_decimals), ROUND_HALF_EVEN)
    base, quote = (style.amount(fill), fill.base), (printed, fill.quote)
    return (*base, *quote) if fill.buy else (*quote, *base)


def _g0(fill: Fill, style: Style) -> list[str]:
    sign = 1 if fill.buy else -1
    price = format(fill.rate, "f")
    fee = "0" if fill.fee is None else style.fee(fill)
    base, quote = f"{sign * fill.amount:f}", f"{-sign * fill.value:f}"
    return ["2", style.time(fill), base, quote, price, fee]


def _g3(fill: Fill, style: Style) -> list[str]:
    side = "Buy" if fill.buy else "Sell"
    pair = f"{fill.base}/{fill.quote}"
    amounts = (f"{fill.rate:f}", f"{fill.amount:f}", f"{fill.value:f}")
    return [side, pair, *amounts, style.time(fill)]


def _koinly(fill: Fill, style: Style) -> list[str]:
    return [style.time(fill), *_legs(fill, style), *_fee(fill, style), *[""] * 5]


def _koinly_trades(fill: Fill, style: Style) -> list[str]:
    side = "Buy" if fill.buy else "Sell"
    pair = f"{fill.base}-{fill.quote}"
    amounts = (style.amount(fill), style.value(fill), *_fee(fill, style))
    return [style.time(fill), pair, side, *amounts, str(fill.order_id), str(fill.transaction_id)]


def _koinly_export(fill: Fill, style: Style) -> list[str]:
    sent, sent_code, received, received_code = _legs(fill, style)
    return [
        *(style.time(fill), "buy" if fill.buy else "sell", ""),
        *("Bitstamp", sent, sent_code, ""),
        *("Bitstamp", received, received_code, ""),
        *_fee(fill, style),
        *[""] * 7,
    ]


def _koinly_bulk(fill: Fill, style: Style) -> list[str]:
    sent, sent_code, received, received_code = _legs(fill, style)
    fee, fee_code = _fee(fill, style)
    return [
        *("A1", "", style.time(fill), "exchange", ""),
        *("Bitstamp", "W1", sent, f"{sent_code};12"),
        *("Bitstamp", "W1", received, f"{received_code};1"),
        *(fee, fee_code and f"{fee_code};12", "false"),
    ]


def _cointracking(fill: Fill, style: Style) -> list[str]:
    end = ["Bitstamp", "", "", style.time(fill)]
    return ["Trade", *_folded(fill, style), *_fee(fill, style), *end]


def _cointracking_export(fill: Fill, style: Style) -> list[str]:
    fee = ("-", "") if fill.fee is None else _fee(fill, style)
    return ["Trade", *_folded(fill, style), *fee, "BITSTAMP", "", "", style.time(fill)]


def _web_table(fill: Fill, style: Style) -> list[str]:
    received, received_code, sent, sent_code = _folded(fill, style)
    fee, fee_code = _fee(fill, style)
    joined = (f"{received} {received_code}", f"{sent} {sent_code}", f"{fee} {fee_code}".strip())
    return ["Trade", *(text.replace(".", ",") for text in joined), style.time(fill)]


def _waltio(fill: Fill, style: Style) -> list[str]:
    sent, sent_code, received, received_code = _legs(fill, style)
    return [
        *("Échange", style.time(fill), "GMT", received, received_code, sent, sent_code),
        *(*_fee(fill, style), "BITSTAMP", *[""] * 7, str(fill.transaction_id)),
    ]


def _rotki(fill: Fill, style: Style) -> list[str]:
    sent, sent_code, received, received_code = _legs(fill, style)
    legs = (sent_code, received_code, received, sent)
    return ["bitstamp", *legs, *_fee(fill, style), "", style.time(fill)]


def _bittytax(fill: Fill, style: Style) -> list[str]:
    sent, sent_code, received, received_code = _legs(fill, style)
    fee, fee_code = _fee(fill, style)
    legs = (received, received_code, "", sent, sent_code, "", fee, fee_code, "")
    return ["Trade", *legs, "Bitstamp", style.time(fill), ""]


def _cointracker(fill: Fill, style: Style) -> list[str]:
    sent, sent_code, received, received_code = _legs(fill, style)
    return [style.time(fill), received, received_code, sent, sent_code, *_fee(fill, style), ""]


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split(","))


_G0 = "Type,Datetime,BTC,USD,BTC Price,FEE"
_CT_EXPORT = "Type,Buy,Cur.,Sell,Cur.,Fee,Cur.,Exchange,Group,Comment,Date"
_SENT = ("Sent Amount", "Received Amount", "Fee Amount")

WRITERS: Final = MappingProxyType(
    {
        "bitstamp-g0a": Writer(
            columns=_names(_G0),
            row=_g0,
            clocks=(iso,),
            local=True,
            numbers=("BTC", "USD", "FEE"),
            times="Datetime",
        ),
        "bitstamp-g0b": Writer(
            columns=_names(_G0 + ",Sub Type"),
            row=lambda fill, style: [*_g0(fill, style), "Buy" if fill.buy else "Sell", ""],
            clocks=(iso,),
            local=True,
            numbers=("BTC", "USD", "FEE"),
            times="Datetime",
        ),
        "bitstamp-g3": Writer(
            columns=_names("Order Type,Pair,Price,Amount,Value,Closed"),
            row=_g3,
            clocks=(iso,),
            local=True,
            numbers=("Amount", "Value"),
            times="Closed",
        ),
        "koinly": Writer(
            columns=_names(
                "Date,Sent Amount,Sent Currency,Received Amount,Received Currency,Fee Amount,"
                "Fee Currency,Net Worth Amount,Net Worth Currency,Label,Description,TxHash"
            ),
            row=_koinly,
            clocks=(iso_utc, iso, iso_minute),
            numbers=_SENT,
            times="Date",
        ),
        "koinly-trades": Writer(
            columns=_names(
                "Koinly Date,Pair,Side,Amount,Total,Fee Amount,Fee Currency,Order ID,Trade ID"
            ),
            row=_koinly_trades,
            clocks=(iso_utc, iso_minute),
            numbers=("Amount", "Total", "Fee Amount"),
            times="Koinly Date",
        ),
        "koinly-export": Writer(
            columns=_names(
                "Date,Type,Tag,Sending Wallet,Sent Amount,Sent Currency,Sent Cost Basis,"
                "Receiving Wallet,Received Amount,Received Currency,Received Cost Basis,"
                "Fee Amount,Fee Currency,Gain (CHF),Net Value (CHF),Fee Value (CHF),"
                "TxSrc,TxDest,TxHash,Description"
            ),
            row=_koinly_export,
            clocks=(iso_utc, iso),
            numbers=_SENT,
            times="Date",
        ),
        "koinly-bulk-edit": Writer(
            columns=_names(
                "ID (read-only),Parent ID (read-only),Date (UTC),Type,Tag,"
                "From Wallet (read-only),From Wallet ID,From Amount,From Currency,"
                "To Wallet (read-only),To Wallet ID,To Amount,To Currency,"
                "Fee Amount,Fee Currency,Deleted"
            ),
            row=_koinly_bulk,
            clocks=(iso,),
            numbers=("From Amount", "To Amount", "Fee Amount"),
            times="Date (UTC)",
        ),
        "cointracking-import": Writer(
            columns=_names(
                "Type,Buy Amount,Buy Currency,Sell Amount,Sell Currency,Fee,Fee Currency,"
                "Exchange,Trade-Group,Comment,Date"
            ),
            row=_cointracking,
            clocks=(iso, dotted, spoken),
            local=True,
            numbers=("Buy Amount", "Sell Amount", "Fee"),
            times="Date",
        ),
        "cointracking-export": Writer(
            columns=_names(_CT_EXPORT),
            row=_cointracking_export,
            clocks=(dotted, iso, spoken),
            local=True,
            numbers=("Buy", "Sell", "Fee"),
            times="Date",
        ),
        "cointracking-web-de": Writer(
            columns=_names("Typ,Kauf,Verkauf,Gebühr,Trade Datum"),
            row=_web_table,
            clocks=(dotted_short,),
            local=True,
            numbers=(),
            times="Trade Datum",
            delimiter=";",
        ),
        "waltio": Writer(
            columns=_names(
                "Type,Date,Fuseau horaire,Montant reçu,Monnaie ou jeton reçu,Montant envoyé,"
                "Monnaie ou jeton envoyé,Frais,Monnaie ou jeton des frais,"
                "Exchange / Plateforme,Description,Label,Prix du jeton du montant envoyé,"
                "Prix du jeton du montant recu,Prix du jeton des frais,Adresse,"
                "Transaction hash,ID Externe"
            ),
            row=_waltio,
            clocks=(french,),
            numbers=("Montant reçu", "Montant envoyé", "Frais"),
            times="Date",
        ),
        "rotki": Writer(
            columns=_names(
                "Location,Spend Currency,Receive Currency,Receive Amount,Spend Amount,Fee,"
                "Fee Currency,Description,Timestamp"
            ),
            row=_rotki,
            clocks=(epoch,),
            numbers=("Receive Amount", "Spend Amount", "Fee"),
            times="Timestamp",
        ),
        "bittytax": Writer(
            columns=_names(
                "Type,Buy Quantity,Buy Asset,Buy Value in GBP,Sell Quantity,Sell Asset,"
                "Sell Value in GBP,Fee Quantity,Fee Asset,Fee Value in GBP,Wallet,Timestamp,Note"
            ),
            row=_bittytax,
            clocks=(iso_micro, iso_utc),
            numbers=("Buy Quantity", "Sell Quantity", "Fee Quantity"),
            times="Timestamp",
        ),
        "cointracker": Writer(
            columns=_names(
                "Date,Received Quantity,Received Currency,Sent Quantity,Sent Currency,"
                "Fee Amount,Fee Currency,Tag"
            ),
            row=_cointracker,
            clocks=(american,),
            numbers=("Received Quantity", "Sent Quantity", "Fee Amount"),
            times="Date",
        ),
    }
)

ZONES: Final = ("Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu")
"""Summer time in both halves of the year, by an hour and by half of one, and none."""

_EDGES: Final = (
    dt.datetime(2021, 3, 28, 1, tzinfo=UTC),
    dt.datetime(2021, 10, 31, 1, tzinfo=UTC),
    dt.datetime(2021, 11, 7, 6, tzinfo=UTC),
    dt.datetime(2021, 4, 3, 15, tzinfo=UTC),
    dt.datetime(2021, 10, 2, 15, 30, tzinfo=UTC),
)
_near_edges = st.builds(
    lambda edge, microseconds: edge + dt.timedelta(microseconds=microseconds),
    st.sampled_from(_EDGES),
    st.integers(-(2 * 3600 * 10**6), 2 * 3600 * 10**6),
)


def _with_fee(fill: Fill, share: int | None, time: dt.datetime | None) -> Fill:
    """Give a trade a fee that its value can bear, and perhaps a time at a change of clocks."""
    fee = None if share is None else fill.value * share / 10_000
    quantum = Decimal("0.00001")
    return attrs.evolve(
        fill,
        fee=None if fee is None else fee.quantize(quantum, ROUND_DOWN, _EXACT),
        time=fill.time if time is None else time,
    )


trades = st.builds(_with_fee, fills, st.none() | st.integers(1, 500), st.none() | _near_edges)
"""True trades; a third of them about when some country's clocks change."""


def fit_for(name: str, fill: Fill) -> Fill:
    """Return the trade as a format can hold it: the oldest know bitcoin and dollars only."""
    return attrs.evolve(fill, base="BTC", quote="USD") if "g0" in name else fill


def _interval_holds(
    printed: Decimal, true: Decimal, rounding: Rounding, least: int, most: int | None
) -> bool:
    if rounding is Rounding.EXACT:
        return printed == true
    decimals = -int(printed.as_tuple().exponent)
    decimals = max(least, decimals if most is None else min(decimals, most))
    slack = Decimal(1).scaleb(-decimals)
    if rounding is Rounding.NEAREST:
        slack /= 2
    return abs(printed - true) <= slack


def _amounts_hold(entry: Trade, fill: Fill, shift: Decimal) -> bool:
    """Say whether the legs can be the trade's, the quote lessened by ``shift``."""
    precision = entry.source.precision
    assert precision is not None
    for at, leg in enumerate(entry.legs):
        sign = 1 if (leg.currency == fill.base) == fill.buy else -1
        true = sign * (fill.amount if leg.currency == fill.base else fill.value)
        printed = leg.value - (shift if leg.currency == fill.quote else 0)
        rounding, least, most = (
            (precision.quote, precision.quote_decimals_min, precision.quote_decimals_max)
            if at
            else (precision.base, 0, precision.base_decimals_max)
        )
        shown = -int(leg.value.as_tuple().exponent)  # The shift adds none.
        most = shown if most is None else min(shown, most)
        if not _interval_holds(printed, true, rounding, least, most):
            return False
    return True


def _time_holds(entry: Entry, fill: Fill, precision: Precision) -> bool:
    starts = (entry.time, entry.source.other_time)
    return any(
        start is not None and start <= fill.time < start + precision.time_step for start in starts
    )


def states(entry: Entry, fill: Fill) -> bool:
    """Say whether the true trade lies in everything that an entry states."""
    precision = entry.source.precision
    assert precision is not None
    if not isinstance(entry, Trade) or {leg.currency for leg in entry.legs} != {
        fill.base,
        fill.quote,
    }:
        return False
    fee = entry.fee
    if fee is not None and (
        fee.currency != fill.quote
        or not _interval_holds(
            fee.value, fill.fee or Decimal(0), precision.fee, precision.fee_decimals_min, None
        )
    ):
        return False
    shifts = [Decimal(0)]
    if fee is None and fill.fee is not None and precision.fee_place is FeePlace.OPEN:
        shifts.append(-fill.fee)  # The file has lost the fee that its amounts still contain.
    return any(_amounts_hold(entry, fill, shift) for shift in shifts) and _time_holds(
        entry, fill, precision
    )
