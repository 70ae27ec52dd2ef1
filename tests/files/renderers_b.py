"""Writers of further layouts: templates and exports of tax tools, dumps of ccxt, workbooks."""

import datetime as dt
import io
import json
from collections.abc import Callable, Sequence
from types import MappingProxyType
from typing import Final

import openpyxl
from odf.opendocument import OpenDocumentSpreadsheet  # type: ignore[import-untyped]
from odf.table import Table as OdsTable  # type: ignore[import-untyped]
from odf.table import TableCell, TableRow
from odf.text import P  # type: ignore[import-untyped]

from tests.files.renderers import (
    Style,
    Writer,
    american,
    dotted,
    iso,
    iso_micro,
    iso_utc,
)
from tests.files.samples import Fill


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split(","))


def dotted_second(t: dt.datetime) -> str:
    """``05.03.2022 19:09:31``."""
    return f"{dotted(t)}:{t.second:02}"


def iso_millisecond(t: dt.datetime) -> str:
    """``2022-03-05T19:09:31.000``, the milliseconds always 0."""
    return iso(t).replace(" ", "T") + ".000"


def iso_offset(t: dt.datetime) -> str:
    """``2022-03-05 19:09:31.123456+00:00``."""
    return f"{iso(t)}.{t.microsecond:06}+00:00"


def rfc(t: dt.datetime) -> str:
    """``Sat, 05 Mar 2022 19:09:31 +0000``."""
    days = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
    months = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
    month = months[t.month - 1]
    return f"{days[t.weekday()]}, {t.day:02} {month} {t.year} {iso(t)[11:]} +0000"


def _legs(fill: Fill, style: Style) -> tuple[str, str, str, str]:
    """Return sent, its currency, received, its currency."""
    base, quote = (style.amount(fill), fill.base), (style.value(fill), fill.quote)
    return (*quote, *base) if fill.buy else (*base, *quote)


def _fee(fill: Fill, style: Style) -> tuple[str, str]:
    return ("", "") if fill.fee is None else (style.fee(fill), fill.quote)


def _side(fill: Fill) -> str:
    return "buy" if fill.buy else "sell"


def _coinledger(fill: Fill, style: Style) -> list[str]:
    sent, sent_code, received, received_code = _legs(fill, style)
    fee, fee_code = _fee(fill, style)
    legs = [sent_code, sent, received_code, received, fee_code, fee]
    return [style.time(fill), "Bitstamp", *legs, "Trade", "", ""]


def _ctc(fill: Fill, style: Style) -> list[str]:
    fee, fee_code = _fee(fill, style)
    ends = ["", "Bitstamp"] if fill.buy else ["Bitstamp", ""]
    return [
        *(style.time(fill), _side(fill), fill.base, style.amount(fill)),
        *(fill.quote, style.value(fill), fee_code, fee),
        *ends,
        *("", str(fill.transaction_id), "", "", ""),
    ]


def _delta_old(fill: Fill, style: Style) -> list[str]:
    return [
        *(style.time(fill), _side(fill).upper(), "Bitstamp", style.amount(fill), fill.base),
        *(style.value(fill), fill.quote, *_fee(fill, style)),
        *[""] * 6,
    ]


def _delta_new(fill: Fill, style: Style) -> list[str]:
    return [
        *(style.time(fill), _side(fill).upper(), style.amount(fill), f"{fill.base} (A coin)"),
        *("CRYPTO", style.value(fill), fill.quote, "Bitstamp", "", "", *_fee(fill, style)),
        *("", ""),
    ]


def _accointing(fill: Fill, style: Style) -> list[str]:
    sent, sent_code, received, received_code = _legs(fill, style)
    return [
        *("order", style.time(fill), received, received_code, sent, sent_code),
        *(*_fee(fill, style), "", str(fill.transaction_id), ""),
    ]


def _accointing_export(fill: Fill, style: Style) -> list[str]:
    sent, sent_code, received, received_code = _legs(fill, style)
    fee, fee_code = _fee(fill, style)
    return [
        *(style.time(fill), "order", received, received_code, "12", sent, sent_code, "7"),
        *(fee, fee_code, "", "", "Bitstamp Wallet", "bitstamp", "", "a1", ""),
    ]


def _blockpit_import(fill: Fill, style: Style) -> list[str]:
    sent, sent_code, received, received_code = _legs(fill, style)
    fee, fee_code = _fee(fill, style)
    legs = [sent_code, sent, received_code, received, fee_code, fee]
    return [style.time(fill), "Bitstamp", "Trade", *legs, "", str(fill.transaction_id)]


def _blockpit_export(fill: Fill, style: Style) -> list[str]:
    sent, sent_code, received, received_code = _legs(fill, style)
    fee, fee_code = _fee(fill, style)
    legs = [sent_code, sent, received_code, received, fee_code, fee]
    start = ["163402118", style.time(fill), "API", "Bitstamp", "Bitstamp Depot", "Trade"]
    return [*start, *legs, "", "spot", ""]


def _coinpanda(fill: Fill, style: Style) -> list[str]:
    return [style.time(fill), "Trade", *_legs(fill, style), *_fee(fill, style), *[""] * 5]


def _bitcoin_tax(fill: Fill, style: Style) -> list[str]:
    total = style.value(fill)
    start = [style.time(fill) + " +0000", _side(fill).upper(), "Bitstamp", fill.base]
    return [*start, style.amount(fill), fill.quote, "", total, *_fee(fill, style), "a memo"]


def _divly(fill: Fill, style: Style) -> list[str]:
    date, _, clock = style.time(fill).partition(" ")
    return [date, clock, "TRADE", "", *_legs(fill, style), *_fee(fill, style), "", ""]


def _taxbit(fill: Fill, style: Style) -> list[str]:
    sent, sent_code, received, received_code = _legs(fill, style)
    return [
        *(style.time(fill), _side(fill).title(), sent, sent_code, "Bitstamp"),
        *(received, received_code, "Bitstamp", *_fee(fill, style), str(fill.transaction_id), ""),
    ]


def _zenledger(fill: Fill, style: Style) -> list[str]:
    sent, sent_code, received, received_code = _legs(fill, style)
    legs = [received, received_code, sent, sent_code]
    return [style.time(fill), "trade", *legs, *_fee(fill, style), "Bitstamp", "no"]


def _tokentax(fill: Fill, style: Style) -> list[str]:
    sent, sent_code, received, received_code = _legs(fill, style)
    legs = [received, received_code, sent, sent_code]
    return ["Trade", *legs, *_fee(fill, style), "Bitstamp", "", "", style.time(fill)]


def _recap(fill: Fill, style: Style) -> list[str]:
    sent, sent_code, received, received_code = _legs(fill, style)
    legs = [received, received_code, sent, sent_code]
    return ["Trade", style.time(fill), *legs, *_fee(fill, style)]


MORE_WRITERS: Final = MappingProxyType(
    {
        "coinledger": Writer(
            columns=_names(
                "Date (UTC),Platform (Optional),Asset Sent,Amount Sent,Asset Received,"
                "Amount Received,Fee Currency (Optional),Fee Amount (Optional),Type,"
                "Description (Optional),TxHash (Optional)"
            ),
            row=_coinledger,
            clocks=(american,),
            numbers=("Amount Sent", "Amount Received", "Fee Amount (Optional)"),
            times="Date (UTC)",
        ),
        "cryptotaxcalculator": Writer(
            columns=_names(
                "Timestamp (UTC),Type,Base Currency,Base Amount,Quote Currency (Optional),"
                "Quote Amount (Optional),Fee Currency (Optional),Fee Amount (Optional),"
                "From (Optional),To (Optional),Blockchain (Optional),ID (Optional),"
                "Description (Optional),Reference Price Per Unit (Optional),"
                "Reference Price Currency (Optional)"
            ),
            row=_ctc,
            clocks=(iso,),
            numbers=("Base Amount", "Quote Amount (Optional)", "Fee Amount (Optional)"),
            times="Timestamp (UTC)",
        ),
        "delta-old": Writer(
            columns=_names(
                "Date,Type,Exchange,Base amount,Base currency,Quote amount,Quote currency,Fee,"
                "Fee currency,Costs/Proceeds,Costs/Proceeds currency,Sync Holdings,"
                "Sent/Received from,Sent to,Notes"
            ),
            row=_delta_old,
            clocks=(iso,),
            local=True,
            numbers=("Base amount", "Quote amount", "Fee"),
            times="Date",
        ),
        "delta-new": Writer(
            columns=_names(
                "Date,Way,Base amount,Base currency (name),Base type,Quote amount,Quote currency,"
                "Exchange,Sent/Received from,Sent to,Fee amount,Fee currency (name),Broker,Notes"
            ),
            row=_delta_new,
            clocks=(iso_utc, rfc),
            numbers=("Base amount", "Quote amount", "Fee amount"),
            times="Date",
        ),
        "accointing": Writer(
            columns=_names(
                "transactionType,date,inBuyAmount,inBuyAsset,outSellAmount,outSellAsset,"
                "feeAmount (optional),feeAsset (optional),classification (optional),"
                "operationId (optional),comments (optional)"
            ),
            row=_accointing,
            clocks=(american,),
            numbers=("inBuyAmount", "outSellAmount", "feeAmount (optional)"),
            times="date",
        ),
        "accointing-export": Writer(
            columns=_names(
                "timeExecuted,type,boughtQuantity,boughtCurrency,boughtCurrencyId,soldQuantity,"
                "soldCurrency,soldCurrencyId,feeQuantity,feeCurrency,feeCurrencyId,"
                "classification,walletName,walletProvider,txId,id,comments"
            ),
            row=_accointing_export,
            clocks=(american,),
            numbers=("boughtQuantity", "soldQuantity", "feeQuantity"),
            times="timeExecuted",
        ),
        "blockpit-import": Writer(
            columns=_names(
                "Date (UTC),Integration Name,Label,Outgoing Asset,Outgoing Amount,Incoming Asset,"
                "Incoming Amount,Fee Asset (optional),Fee Amount (optional),Comment (optional),"
                "Trx. ID (optional)"
            ),
            row=_blockpit_import,
            clocks=(dotted_second,),
            numbers=("Outgoing Amount", "Incoming Amount", "Fee Amount (optional)"),
            times="Date (UTC)",
        ),
        "blockpit-export": Writer(
            columns=_names(
                "Blockpit ID,Timestamp,Source Type,Source Name,Integration,Transaction Type,"
                "Outgoing Asset,Outgoing Amount,Incoming Asset,Incoming Amount,Fee Asset,"
                "Fee Amount,Transaction ID,Note,Merge ID"
            ),
            row=_blockpit_export,
            clocks=(dotted,),
            local=True,
            numbers=("Outgoing Amount", "Incoming Amount", "Fee Amount"),
            times="Timestamp",
            delimiter=";",
        ),
        "coinpanda": Writer(
            columns=_names(
                "Timestamp (UTC),Type,Sent Amount,Sent Currency,Received Amount,"
                "Received Currency,Fee Amount,Fee Currency,Net Worth Amount,Net Worth Currency,"
                "Label,Description,TxHash"
            ),
            row=_coinpanda,
            clocks=(iso, iso_utc),
            numbers=("Sent Amount", "Received Amount", "Fee Amount"),
            times="Timestamp (UTC)",
        ),
        "divly": Writer(
            columns=_names(
                "date,time (UTC),transaction_type,label,sent_amount,sent_currency,"
                "received_amount,received_currency,fee_amount,fee_currency,custom_description,"
                "tx_hash"
            ),
            row=_divly,
            clocks=(iso,),
            numbers=("sent_amount", "received_amount", "fee_amount"),
            times="date",
        ),
        "taxbit": Writer(
            columns=_names(
                "Date and Time,Transaction Type,Sent Quantity,Sent Currency,Sending Source,"
                "Received Quantity,Received Currency,Receiving Destination,Fee,Fee Currency,"
                "Exchange Transaction ID,Blockchain Transaction Hash"
            ),
            row=_taxbit,
            clocks=(iso_micro,),
            numbers=("Sent Quantity", "Received Quantity", "Fee"),
            times="Date and Time",
        ),
        "zenledger": Writer(
            columns=_names(
                "Timestamp,Type,IN Amount,IN Currency,Out Amount,Out Currency,Fee Amount,"
                "Fee Currency,Exchange(optional),US Based"
            ),
            row=_zenledger,
            clocks=(american,),
            local=True,
            numbers=("IN Amount", "Out Amount", "Fee Amount"),
            times="Timestamp",
        ),
        "tokentax": Writer(
            columns=_names(
                "Type,BuyAmount,BuyCurrency,SellAmount,SellCurrency,FeeAmount,FeeCurrency,"
                "Exchange,Group,Comment,Date"
            ),
            row=_tokentax,
            clocks=(american,),
            local=True,
            numbers=("BuyAmount", "SellAmount", "FeeAmount"),
            times="Date",
        ),
        "bitcoin-tax": Writer(
            columns=_names(
                "Date,Action,Account,Symbol,Volume,Currency,Price,Total,Fee,FeeCurrency,Memo"
            ),
            row=_bitcoin_tax,
            clocks=(iso,),
            numbers=("Volume", "Total", "Fee"),
            times="Date",
        ),
        "recap": Writer(
            columns=_names(
                "Type,Date,InOrBuyAmount,InOrBuyCurrency,OutOrSellAmount,OutOrSellCurrency,"
                "FeeAmount,FeeCurrency"
            ),
            row=_recap,
            clocks=(iso,),
            local=True,
            numbers=("InOrBuyAmount", "OutOrSellAmount", "FeeAmount"),
            times="Date",
        ),
    }
)


COINLEDGER_EXPORT: Final = (
    "Timestamp (UTC),Type,Internal Id,Platform,Account Name,Platform Id,Blockchain Id,"
    "Record Type,Asset,Amount,Description"
)


def coinledger_export(fill: Fill, style: Style, group: str) -> list[list[str]]:
    """Print one row for each leg of a trade, and one for its fee."""
    sent, sent_code, received, received_code = _legs(fill, style)
    legs = [("Debit", sent_code, f"-{sent}"), ("Credit", received_code, received)]
    if fill.fee is not None:
        legs.append(("Platform Fee", fill.quote, f"-{style.fee(fill)}"))
    start = [iso_millisecond(fill.time), "Trade", group, "Bitstamp", "My account"]
    return [[*start, str(fill.transaction_id), "", *leg, ""] for leg in legs]


DALI_IN: Final = (
    "unique_id,timestamp,asset,exchange,holder,transaction_type,spot_price,crypto_in,crypto_fee,"
    "fiat_in_no_fee,fiat_in_with_fee,fiat_fee,fiat_ticker,notes"
)
DALI_OUT: Final = (
    "unique_id,timestamp,asset,exchange,holder,transaction_type,spot_price,crypto_out_no_fee,"
    "crypto_fee,crypto_out_with_fee,fiat_out_no_fee,fiat_fee,fiat_ticker,notes"
)


def dali(fill: Fill, *, totals: bool) -> list[str]:
    """Print a row of the file for its side.

    Args:
        fill: The trade.
        totals: Whether the maker states amounts with fee in place of those without, where a column
            for them exists.
    """
    fee = fill.fee
    kind = "Buy" if fill.buy else "Sell"
    when = iso_offset(fill.time)
    start = [str(fill.transaction_id), when, fill.base, "Bitstamp", "me", kind, f"{fill.rate:f}"]
    fee_text = "" if fee is None else f"{fee:f}"
    if fill.buy:
        whole = fill.value + (fee or 0)
        paid = ["", f"{whole:f}"] if totals else [f"{fill.value:f}", f"{whole:f}"]
        return [*start, f"{fill.amount:f}", "", *paid, fee_text, fill.quote, ""]
    sold = ["", "", f"{fill.amount:f}"] if totals else [f"{fill.amount:f}", "", ""]
    return [*start, *sold, f"{fill.value:f}", fee_text, fill.quote, ""]


def ccxt_record(fill: Fill, *, info: bool, extras: Sequence[str] = ()) -> dict[str, object]:
    """Return a trade as ccxt holds it: through floats, cut to milliseconds."""
    since = fill.time - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    milliseconds = since // dt.timedelta(milliseconds=1)
    fee = None if fill.fee is None else {"cost": float(fill.fee), "currency": fill.quote}
    raw: dict[str, object] = {}
    if info:
        sign = 1 if fill.buy else -1
        raw = {
            "id": fill.transaction_id,
            "datetime": f"{iso(fill.time)}.{fill.time.microsecond:06}",
            "type": "2",
            "fee": "0.00" if fill.fee is None else f"{fill.fee:f}",
            "order_id": fill.order_id,
            fill.base.lower(): f"{sign * fill.amount:f}",
            fill.quote.lower(): f"{-sign * fill.value:f}",
            f"{fill.base}_{fill.quote}".lower(): float(fill.rate),
        }
    return {
        "info": raw,
        "id": str(fill.transaction_id),
        "order": str(fill.order_id),
        "timestamp": milliseconds,
        "datetime": f"{iso(fill.time).replace(' ', 'T')}.{fill.time.microsecond // 1000:03}Z",
        "symbol": f"{fill.base}/{fill.quote}",
        "type": None,
        "side": _side(fill),
        "takerOrMaker": None,
        "price": float(fill.rate),
        "amount": float(fill.amount),
        "cost": float(fill.value),
        "fee": fee,
        **dict.fromkeys(extras),
    }


def ccxt_dump(records: Sequence[dict[str, object]], *, lines: bool) -> str:
    """Print records as JSON, in an array or one a line."""
    if lines:
        return "".join(json.dumps(record) + "\n" for record in records)
    return json.dumps(records, indent=1)


Cell = str | float | int | dt.datetime | None
Saver = Callable[[Sequence[Sequence[Cell]], str], bytes]


def xlsx(rows: Sequence[Sequence[Cell]], sheet: str = "Sheet1") -> bytes:
    """Write a workbook as spreadsheet programs do: numbers as floats, dates as days."""
    book = openpyxl.Workbook(write_only=True)
    page = book.create_sheet(sheet)
    for row in rows:
        page.append(list(row))
    saved = io.BytesIO()
    book.save(saved)
    return saved.getvalue()


def ods(rows: Sequence[Sequence[Cell]], sheet: str = "Sheet1") -> bytes:
    """Write the other kind of workbook."""
    book = OpenDocumentSpreadsheet()
    page = OdsTable(name=sheet)
    for row in rows:
        line = TableRow()
        for value in row:
            line.addElement(_ods_cell(value))
        page.addElement(line)
    book.spreadsheet.addElement(page)
    saved = io.BytesIO()
    book.save(saved)
    return saved.getvalue()


def _ods_cell(value: Cell) -> TableCell:
    match value:
        case None | "":
            return TableCell()
        case float() | int():
            return TableCell(valuetype="float", value=repr(value))
        case dt.datetime():
            return TableCell(valuetype="date", datevalue=value.isoformat())
        case str():
            cell = TableCell(valuetype="string")
            cell.addElement(P(text=value))
            return cell
