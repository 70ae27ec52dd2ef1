"""Tables of no known format, read by the columns that the caller names."""

import datetime as dt
from decimal import Context, Decimal
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitstamp_ledger.errors import StatementError, UnknownFormatError
from bitstamp_ledger.files import ZoneBasis, read_statement, read_statement_text
from bitstamp_ledger.model import Deposit, Reward, Side, Trade, UnknownEntry, Withdrawal
from tests.files.renderers import Style, french, iso, iso_micro, states, trades
from tests.files.samples import Fill, printed

HEADER = "Quand,Marché,Sens,Quantité,Prix,Montant,Frais,Devise,Compte,Réf,Ordre,Où"
COLUMNS: dict[str, Any] = {
    "time": "Quand",
    "dates": "day-first",
    "timezone": "UTC",
    "pair": "Marché",
    "side": "Sens",
    "words": {"Achat": "buy", "Vente": "sell", "Dépôt": "deposit", "Retrait": "withdrawal"},
    "amount": "Quantité",
    "price": "Prix",
    "total": "Montant",
    "fee": "Frais",
    "fee_currency": "Devise",
    "account": "Compte",
    "id": "Réf",
    "order_id": "Ordre",
    "exchange": "Où",
}


def french_row(fill: Fill, style: Style) -> list[str]:
    return [
        *(style.time(fill), f"{fill.base}/{fill.quote}", "Achat" if fill.buy else "Vente"),
        *(style.amount(fill), f"{fill.rate:f}", style.value(fill)),
        *(("", "") if fill.fee is None else (style.fee(fill), fill.quote)),
        *(fill.account, str(fill.transaction_id), str(fill.order_id), "Bitstamp"),
    ]


def signed_row(fill: Fill, style: Style) -> list[str]:
    sign = 1 if fill.buy else -1
    return [
        *(style.time(fill), fill.base, f"{sign * fill.amount:f}", fill.quote),
        *(f"{-sign * fill.value:f}", "" if fill.fee is None else style.fee(fill)),
    ]


def legs_row(fill: Fill, style: Style) -> list[str]:
    date, _, clock = style.time(fill).partition(" ")
    base, quote = (style.amount(fill), fill.base), (style.value(fill), fill.quote)
    legs = (*quote, *base) if fill.buy else (*base, *quote)
    return [date, clock, *legs, "" if fill.fee is None else style.fee(fill), fill.quote]


LAYOUTS: dict[str, tuple[str, Any, Any, dict[str, Any]]] = {
    "by side": (HEADER, french_row, french, COLUMNS),
    "by sign": (
        "Time,Coin,Amount,Money,Total,Fee",
        signed_row,
        iso_micro,
        {
            "time": "Time",
            "amount": "Amount",
            "amount_currency": "Coin",
            "fee": "Fee",
            "total": "Total",
            "total_currency": "Money",
            "timezone": "UTC",
        },
    ),
    "by legs": (
        "Day,Clock,Out,Out code,In,In code,Fee,Fee code",
        legs_row,
        iso,
        {
            "time": ["Day", "Clock"],
            "sent": "Out",
            "sent_currency": "Out code",
            "received": "In",
            "received_currency": "In code",
            "fee": "Fee",
            "fee_currency": "Fee code",
            "timezone": "UTC",
        },
    ),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@settings(max_examples=20)
@given(history=st.lists(trades, min_size=1, max_size=5))
def test_what_is_read_contains_what_happened(layout: str, history: list[Fill]) -> None:
    """Whether sides are named, signed, or told by columns."""
    header, row, clock, columns = LAYOUTS[layout]
    style = Style(clock=clock)
    text = printed(header, [row(fill, style) for fill in history])
    statement = read_statement_text(text, columns=columns)

    assert statement.format == "mapping"
    assert statement.problems == ()
    for entry, fill in zip(statement.entries, history, strict=True):
        assert states(entry, fill), (entry, entry.source.precision, fill)
        assert isinstance(entry, Trade)
        if layout != "by legs":
            assert entry.side is (Side.BUY if fill.buy else Side.SELL)
            assert (entry.fee.value if entry.fee else Decimal(0)) == (fill.fee or Decimal(0))
        if layout == "by side":
            assert (entry.transaction_id, entry.order_id) == (fill.transaction_id, fill.order_id)
            assert (entry.price, entry.account) == (fill.rate, fill.account)


def french_text(*rows: str) -> str:
    return "\n".join([HEADER, *rows])


def test_every_kind_of_row() -> None:
    """Rows of another exchange are set aside, unknown words kept as not understood."""
    statement = read_statement_text(
        french_text(
            "28/03/2021 00:41:36,,Dépôt,100,,,,,,,,Bitstamp",
            "29/03/2021 00:41:36,,Dépôt,1,,,,,,,,Kraken",
        ),
        columns={**COLUMNS, "fixed": {"amount_currency": "EUR"}},
    )

    assert [type(entry) for entry in statement.entries] == [Deposit]
    assert [aside.reason for aside in statement.set_aside] == ["of another exchange: Kraken"]


def test_a_word_may_mean_any_kind() -> None:
    """In a column of types, beside one of sides."""
    text = (
        "When,What,Side,Amount,Code,Total,Money\n"
        "2021-03-28 00:41:36,spot,sell,2,BTC,80,EUR\n"
        "2021-03-28 00:41:37,in,,3,ETH,,\n"
        "2021-03-28 00:41:38,out,,4,ETH,,\n"
        "2021-03-28 00:41:39,gain,,5,ETH,,\n"
        "2021-03-28 00:41:40,what,,6,ETH,,\n"
    )
    columns = {
        "time": "When",
        "type": "What",
        "side": "Side",
        "amount": "Amount",
        "amount_currency": "Code",
        "total": "Total",
        "total_currency": "Money",
        "words": {"spot": "trade", "in": "deposit", "out": "withdrawal", "gain": "reward"},
    }
    entries = read_statement_text(text, columns=columns, timezone="UTC").entries

    assert [(type(entry), *map(str, entry.legs)) for entry in entries] == [
        (Trade, "-2 BTC", "80 EUR"),
        (Deposit, "3 ETH"),
        (Withdrawal, "-4 ETH"),
        (Reward, "5 ETH"),
        (UnknownEntry, "6 ETH"),
    ]


def test_a_total_that_is_missing_is_computed() -> None:
    """Rounded as the exchange rounds it, and reported."""
    text = "T,P,S,A,R\n2021-03-28 00:41:36,BTC/EUR,buy,0.04219875,47318.62\n"
    columns = {"time": "T", "pair": "P", "side": "S", "amount": "A", "price": "R"}
    statement = read_statement_text(text, columns=columns, timezone="UTC")
    (entry,) = statement.entries

    assert str(entry.legs[1]) == "-1996.79 EUR"
    assert [repair.what for repair in statement.repairs] == ["total computed from price and amount"]


@given(fill=trades, decimals=st.integers(0, 3))
def test_a_computed_total_is_known_as_well_as_its_price(fill: Fill, decimals: int) -> None:
    """A price of few digits times a large amount may be off by hundreds."""
    rate = fill.value / fill.amount
    price = format(rate.quantize(Decimal(1).scaleb(-decimals), context=Context(prec=60)), "f")
    row = ["2021-03-28", f"{fill.base}/{fill.quote}", "buy", f"{fill.amount:f}", price]
    true = attrs.evolve(fill, buy=True, time=dt.datetime(2021, 3, 28, tzinfo=dt.UTC), fee=None)
    columns = {"time": "T", "pair": "P", "side": "S", "amount": "A", "price": "R"}
    statement = read_statement_text(printed("T,P,S,A,R", [row]), columns=columns, timezone="UTC")

    assert [states(entry, true) for entry in statement.entries] == [True]


def test_zones_and_orders_of_dates() -> None:
    """The mapping's own; what the caller says to `read_statement` goes before it."""
    text = "T,P,S,A,Q\n03/04/2021 12:00:00,BTC/EUR,buy,1,2\n"
    columns = {
        "time": "T",
        "pair": "P",
        "side": "S",
        "amount": "A",
        "total": "Q",
        "dates": "month-first",
        "timezone": "Europe/Paris",
    }
    first = read_statement_text(text, columns=columns)
    second = read_statement_text(text, columns=columns, timezone="UTC", date_order="day-first")

    assert first.entries[0].time == dt.datetime(2021, 3, 4, 11, tzinfo=dt.UTC)
    assert second.entries[0].time == dt.datetime(2021, 4, 3, 12, tzinfo=dt.UTC)
    assert first.zone.basis is ZoneBasis.GIVEN
    assert (first.alternatives, second.alternatives) == ((), ())


def test_milliseconds_since_1970() -> None:
    """As programs write them; their zone is known."""
    text = "T,P,S,A,Q\n1616892096482,BTC-EUR,SELL,1,2\n"
    columns = {"time": "T", "pair": "P", "side": "S", "amount": "A", "total": "Q", "dates": "epoch"}
    (entry,) = read_statement_text(text, columns=columns).entries

    assert entry.time == dt.datetime(2021, 3, 28, 0, 41, 36, 482_000, tzinfo=dt.UTC)


def test_a_mapping_may_be_a_file(tmp_path: Path) -> None:
    """TOML, to be kept beside the table."""
    mapping = tmp_path / "mapping.toml"
    mapping.write_text(
        'time = "T"\npair = "P"\nside = "S"\namount = "A"\ntotal = "Q"\n'
        'timezone = "UTC"\n[words]\n"+" = "buy"\n',
        encoding="utf-8",
    )
    table = tmp_path / "table.csv"
    table.write_text("T,P,S,A,Q\n2021-03-28 00:41:36,BTC/EUR,+,1,2\n", encoding="utf-8")

    assert len(read_statement(table, columns=mapping).entries) == 1
    assert len(read_statement(str(table), columns=str(mapping)).entries) == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"amuont": "A"}, "no key 'amuont'; did you mean 'amount'"),
        ({"x": "A"}, "no key 'x'; known: "),
        ({"time": None}, "'time'"),
        ({"time": []}, "'time' must be a column's name or a list"),
        ({"time": ["T", 3]}, "'time' must be a column's name or a list"),
        ({"amount": None}, "either 'amount', or 'sent' and 'received'"),
        ({"sent": "A"}, "either 'amount', or 'sent' and 'received'"),
        ({"side": 3}, "'side' must be a text, not 3"),
        ({"dates": "american"}, "'dates' must be one of iso, day-first"),
        ({"fee_place": "inside"}, "'fee_place' must be one of apart"),
        ({"words": {"Kauf": "purchase"}}, "'Kauf' can mean buy, sell"),
        ({"words": "buy"}, "'words' must be a table"),
        ({"words": {"Kauf": 1}}, "'words' must be a table"),
        ({"fixed": {"price": "EUR"}}, "'fixed' can hold amount_currency"),
        ({"pair": None}, "which currency 'amount' is in"),
        ({"timezone": "Paris"}, "There is no time zone 'Paris'"),
    ],
)
def test_a_mapping_that_is_not_right_says_why(change: dict[str, Any], words: str) -> None:
    """Before the file is judged."""
    columns = {"time": "T", "pair": "P", "side": "S", "amount": "A", "total": "Q"} | change

    with pytest.raises(StatementError, match=words):
        read_statement_text("T,P,S,A,Q\n", columns=columns)


def test_other_mistakes(tmp_path: Path) -> None:
    """A file that is missing or no TOML, a format beside it, a column that the table lacks."""
    broken = tmp_path / "broken.toml"
    broken.write_text("time = ", encoding="utf-8")
    columns = {"time": "T", "pair": "P", "side": "S", "amount": "A", "total": "Q"}

    with pytest.raises(StatementError, match="is no TOML"):
        read_statement_text("T\n", columns=broken)
    with pytest.raises(StatementError, match="cannot be read"):
        read_statement_text("T\n", columns=tmp_path / "missing.toml")
    with pytest.raises(StatementError, match="exclude each other"):
        read_statement_text("T\n", columns=columns, format="koinly")
    with pytest.raises(UnknownFormatError, match="missing Q"):
        read_statement_text("T,P,S,A\n", columns=columns)
