"""The exchange's export files as the sandbox writes them (docs/facts/files.md)."""

import csv
import datetime as dt
import io
from decimal import Decimal

import pytest

from bitstamp_ledger.sandbox import LeftOut, generate_account, render_g1, render_g2

BUY = {
    "id": 163402118,
    "order_id": 1342211907391488,
    "type": "2",
    "datetime": "2021-03-28 00:41:36.482917",
    "btc": "0.04219875",
    "eur": "-1996.79",
    "btc_eur": Decimal("47318.62"),
    "usd": Decimal("0.0"),
    "fee": "9.98393",
}
SELL = {
    "id": 164187355,
    "order_id": 1344409265987584,
    "type": "2",
    "datetime": "2021-05-03 12:20:09",
    "eth": "-0.83310000",
    "btc": "0.04927267",
    "eth_btc": Decimal("0.05914377"),
    "fee": "0.00019709",
}
DEPOSIT = {
    "id": 163398704,
    "type": "0",
    "datetime": "2021-03-27 21:05:12",
    "eur": "2500.00",
    "btc_usd": "0.00",
    "fee": "0.00",
}
WITHDRAWAL = {
    "id": 171560023,
    "type": "1",
    "datetime": "2021-06-01 10:14:40",
    "eur": "-120.00",
    "fee": "3.00",
}
TRANSFER = {
    "id": 171901177,
    "type": "14",
    "datetime": "2021-06-03 06:30:00",
    "btc": "-0.01000000",
    "fee": "0.00",
}
SIMPLE = {
    "id": 171901178,
    "type": "36",
    "datetime": "2021-06-03 06:30:00",
    "btc": "0.01",
    "eur": "-400.00",
    "btc_eur": "40000",
    "fee": "0.00",
}
RECORDS = [SIMPLE, TRANSFER, WITHDRAWAL, DEPOSIT, SELL, BUY]


def test_g1_is_written_as_the_exchange_does() -> None:
    """Minutes cut, months with a dot, amounts unsigned, no ids."""
    export = render_g1(RECORDS, counterparty="Bot")

    assert export.text == (
        "Type,Datetime,Account,Amount,Value,Rate,Fee,Sub Type\n"
        'Deposit,"Mar. 27, 2021, 09:05 PM",Main Account,2500.00 EUR,,,,\n'
        'Market,"Mar. 28, 2021, 12:41 AM",Main Account,0.04219875 BTC,1996.79 EUR,47318.62 EUR,'
        "9.98393 EUR,Buy\n"
        'Market,"May. 03, 2021, 12:20 PM",Main Account,0.83310000 ETH,0.04927267 BTC,'
        "0.05914377 BTC,0.00019709 BTC,Sell\n"
        'Withdrawal,"Jun. 01, 2021, 10:14 AM",Main Account,120.00 EUR,,,3.00 EUR,\n'
        'Sub Account Transfer,"Jun. 03, 2021, 06:30 AM",Main Account,0.01000000 BTC,'
        "Main Account -> Bot,,,\n"
    )
    assert export.left_out == (LeftOut(171901178, "36"),)


def test_g2_is_written_as_the_exchange_does() -> None:
    """Seconds cut, ids kept, order ids for trades only."""
    export = render_g2(RECORDS, counterparty="Bot")

    assert export.text == (
        "ID,Account,Type,Subtype,Datetime,Amount,Amount currency,Value,Value currency,Rate,"
        "Rate currency,Fee,Fee currency,Order ID\n"
        "163398704,Main Account,Deposit,,2021-03-27T21:05:12Z,2500.00,EUR,,,,,,,\n"
        "163402118,Main Account,Market,Buy,2021-03-28T00:41:36Z,0.04219875,BTC,1996.79,EUR,"
        "47318.62,EUR,9.98393,EUR,1342211907391488\n"
        "164187355,Main Account,Market,Sell,2021-05-03T12:20:09Z,0.83310000,ETH,0.04927267,BTC,"
        "0.05914377,BTC,0.00019709,BTC,1344409265987584\n"
        "171560023,Main Account,Withdrawal,,2021-06-01T10:14:40Z,120.00,EUR,,,,,3.00,EUR,\n"
        "171901177,Main Account,Sub Account Transfer,,2021-06-03T06:30:00Z,0.01000000,BTC,"
        "Main Account -> Bot,,,,,,\n"
    )


def test_a_range_of_time_includes_its_start_only() -> None:
    """So that two halves make a whole."""
    middle = dt.datetime(2021, 5, 3, 12, 20, 9, tzinfo=dt.UTC)
    whole = render_g2(RECORDS).text.splitlines()
    first = render_g2(RECORDS, end=middle).text.splitlines()
    second = render_g2(RECORDS, start=middle).text.splitlines()

    assert len(first) == 3
    assert first + second[1:] == whole


@pytest.mark.parametrize("render", [render_g1, render_g2])
def test_every_record_is_written_or_named(render: type[object]) -> None:
    """Nothing is dropped in silence."""
    records = generate_account(4, 500).records
    export = render(records)  # type: ignore[call-arg]
    rows = list(csv.DictReader(io.StringIO(export.text)))  # type: ignore[attr-defined]
    left_out = export.left_out  # type: ignore[attr-defined]

    assert len(rows) + len(left_out) == 500
    assert {row.type for row in left_out} == {
        *("33", "36", "53", "55", "57", "58", "59", "60", "61"),
    }


def test_zero_fees_are_mostly_empty() -> None:
    """Both habits occur: readers must not take an empty cell for a fact."""
    rows = list(csv.DictReader(io.StringIO(render_g1(generate_account(4, 500).records).text)))
    fees = {row["Fee"] for row in rows if row["Type"] == "Market"}

    assert "" in fees
    assert "0.00000 EUR" in fees
    assert any(len(fee.split()[0].partition(".")[2]) == 8 for fee in fees if fee)
