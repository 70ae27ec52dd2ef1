"""What is written states exactly the entry: read back, digit by digit and letter by letter."""

import csv
import datetime as dt
import io
import json
import tempfile
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from bitstamp_ledger import sinks
from bitstamp_ledger.model import (
    Amount,
    Conversion,
    Entry,
    Trade,
    Transfer,
    UnknownEntry,
)
from bitstamp_ledger.sinks.jsonl import json_schema
from tests import strategies
from tests.sinks.examples import TRADE, deposit

TRADE_LINE = (
    '{"schema":1,"id":"Main Account/trade/458264332","kind":"trade",'
    '"time":"2024-03-01T00:41:37.512000Z","account":"Main Account","transaction_id":458264332,'
    '"order_id":1458532827766784,"self_trade":null,"side":"buy",'
    '"base":{"currency":"BTC","value":"0.00000001"},"quote":{"currency":"EUR","value":"0.0004"},'
    '"price":"40000","legs":[{"currency":"BTC","value":"0.00000001"},'
    '{"currency":"EUR","value":"-0.0004"}],"fee":{"currency":"EUR","value":"0.00"},'
    '"counterparty":null,"code":null,"reason":null,'
    '"source":{"endpoint":"user_transactions","path":null,"row":null,"precision":null},'
    '"raw":{"btc":"1E-8","type":"2"}}\n'
)

TRADE_ROW = (
    "Main Account/trade/458264332,trade,2024-03-01T00:41:37.512000Z,Main Account,buy,"
    "0.00000001,BTC,0.0004,EUR,,,0.00,EUR,40000,BTC 0.00000001; EUR -0.0004,"
    "1458532827766784,458264332,,,,,user_transactions,,\r\n"
)

HEADER = (
    "id,kind,time,account,side,base_amount,base_currency,quote_amount,quote_currency,"
    "amount,currency,fee_amount,fee_currency,price,legs,order_id,transaction_id,self_trade,"
    "counterparty,code,reason,source_endpoint,source_path,source_row\r\n"
)


def written(name: str, entries: list[Entry]) -> str:
    """The file's text, its line ends as they are."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "ledger")
        with sinks.open(name, path=path) as out:
            out.write(entries)
        return path.read_bytes().decode()


def lines_of(entries: list[Entry]) -> list[dict[str, object]]:
    text = written("jsonl", entries)
    return [json.loads(line) for line in text.split("\n")[:-1]]


def rows_of(entries: list[Entry]) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(written("csv", entries), newline="")))


def amount_text(amount: Amount | None) -> object:
    """An amount as JSON Lines should have it, by another road than the code under test."""
    if amount is None:
        return None
    return {"value": positional(amount.value), "currency": amount.currency}


def positional(value: Decimal) -> str:
    sign, digits, exponent = value.as_tuple()
    assert isinstance(exponent, int)
    text = "".join(map(str, digits)) + "0" * max(exponent, 0)
    if int(text) == 0 and exponent > 0:
        text = "0"
    if exponent < 0:
        text = text.zfill(1 - exponent)
        text = f"{text[:exponent]}.{text[exponent:]}"
    return f"-{text}" if sign else text


def instant(text: object) -> dt.datetime:
    return dt.datetime.strptime(str(text), "%Y-%m-%dT%H:%M:%S.%f%z")


def unguarded(cell: str) -> str | None:
    """A text cell as documented: nothing is None, one leading apostrophe is not the text's."""
    return cell.removeprefix("'") if cell else None


def received(value: object) -> object:
    """A raw value as JSON Lines should have it."""
    match value:
        case Decimal():
            return str(value)
        case list():
            return [received(one) for one in value]
        case Mapping():
            return {key: received(one) for key, one in value.items()}
        case _:
            return value


class TestJsonLines:
    def test_a_trade_is_this_line(self) -> None:
        """The schema, byte by byte: another program's parser depends on it."""
        assert written("jsonl", [TRADE]) == TRADE_LINE

    def test_the_schema_is_one(self) -> None:
        """It is published: other programs make their readers of it."""
        Draft202012Validator.check_schema(json_schema())

    @given(history=strategies.histories(max_size=2))
    def test_every_line_keeps_the_published_schema(self, history: list[Entry]) -> None:
        """No key more, no key less, and no number as a number."""
        validator = Draft202012Validator(json_schema())

        for line in lines_of(history):
            assert [error.message for error in validator.iter_errors(line)] == []

    @given(history=strategies.histories(max_size=2))
    def test_lines_state_exactly_the_entries(self, history: list[Entry]) -> None:
        """Decimals to the last zero, times to the microsecond, ids and texts as they are."""
        lines = lines_of(history)

        assert len(lines) == len(history)
        for line, entry in zip(lines, history, strict=True):
            assert line["schema"] == 1
            assert line["id"] == entry.id
            assert line["kind"] == entry.kind
            assert instant(line["time"]) == entry.time
            assert line["account"] == entry.account
            assert line["transaction_id"] == entry.transaction_id
            assert line["legs"] == [amount_text(leg) for leg in entry.legs]
            assert line["fee"] == amount_text(entry.fee)
            assert line["raw"] == received(entry.source.raw)
            source = line["source"]
            assert isinstance(source, dict)
            assert source["endpoint"] == entry.source.endpoint
            assert source["path"] == entry.source.path
            assert source["row"] == entry.source.row
            assert (source["precision"] is None) == (entry.source.precision is None)

    @given(history=strategies.histories(max_size=2))
    def test_fields_of_one_kind_are_null_for_others(self, history: list[Entry]) -> None:
        """Every line has the same keys; what a kind does not have is not made up."""
        for line, entry in zip(lines_of(history), history, strict=True):
            trade = entry if isinstance(entry, Trade) else None
            priced = entry.price if isinstance(entry, Trade | Conversion) else None
            unknown = entry if isinstance(entry, UnknownEntry) else None

            assert line["side"] == (trade and trade.side.value)
            assert line["base"] == (trade and amount_text(trade.base))
            assert line["quote"] == (trade and amount_text(trade.quote))
            assert line["order_id"] == (trade and trade.order_id)
            assert line["self_trade"] == (trade and trade.self_trade)
            assert line["price"] == (None if priced is None else positional(priced))
            assert line["code"] == entry.code
            assert line["reason"] == (unknown and unknown.reason)
            transfer = entry if isinstance(entry, Transfer) else None
            assert line["counterparty"] == (transfer and transfer.counterparty)

    @given(history=strategies.histories(max_size=2))
    def test_a_file_row_says_how_precise_it_is(self, history: list[Entry]) -> None:
        """00:41 written as 00:41:00.000000 would otherwise claim to be exact."""
        for line, entry in zip(lines_of(history), history, strict=True):
            source = line["source"]
            assert isinstance(source, dict)
            if (precision := entry.source.precision) is not None:
                assert source["precision"] == {
                    "time_step_us": round(precision.time_step.total_seconds() * 1_000_000),
                    "base": precision.base.value,
                    "quote": precision.quote.value,
                    "quote_decimals_min": precision.quote_decimals_min,
                    "fee": precision.fee.value,
                    "fee_decimals_min": precision.fee_decimals_min,
                    "exchange_ids": precision.exchange_ids,
                    "account_stated": precision.account_stated,
                    "grain": precision.grain.value,
                }

    def test_a_path_that_is_no_unicode_does_not_stop_an_export(self) -> None:
        """Names of files are bytes; such a letter is written as an escape."""
        (line,) = lines_of([deposit(path="bad\udcff.csv")])

        assert line["source"] == {
            "endpoint": None,
            "path": "bad\\udcff.csv",
            "row": 1,
            "precision": None,
        }


class TestCsv:
    def test_a_trade_is_this_row(self) -> None:
        """The columns, byte by byte: people build sheets on their places."""
        assert written("csv", [TRADE]) == HEADER + TRADE_ROW

    @given(history=strategies.histories(max_size=2))
    def test_rows_state_exactly_the_entries(self, history: list[Entry]) -> None:
        """The apostrophes come off again, and line breaks inside a cell stay inside."""
        rows = rows_of(history)

        assert len(rows) == len(history)
        for row, entry in zip(rows, history, strict=True):
            assert unguarded(row["id"]) == entry.id
            assert row["kind"] == entry.kind
            assert instant(row["time"]) == entry.time
            assert unguarded(row["account"]) == entry.account
            assert row["legs"] == "; ".join(
                f"{leg.currency} {positional(leg.value)}" for leg in entry.legs
            )
            assert row["fee_amount"] == ("" if entry.fee is None else positional(entry.fee.value))
            assert row["fee_currency"] == ("" if entry.fee is None else entry.fee.currency)
            assert row["transaction_id"] == str(entry.transaction_id or "")
            assert unguarded(row["source_endpoint"]) == entry.source.endpoint
            assert unguarded(row["source_path"]) == entry.source.path
            assert row["source_row"] == str(entry.source.row or "")

    @given(
        account=st.text(st.sampled_from("a=',\"\r\n ;é"), max_size=4),
        history=strategies.histories(max_size=2),
    )
    def test_cells_are_in_quotes_where_the_csv_module_puts_them(
        self, account: str, history: list[Entry]
    ) -> None:
        """Written without it, for speed: the bytes are the same."""
        text = written("csv", [*history, deposit(account=account)])
        again = io.StringIO()
        csv.writer(again, lineterminator="\r\n").writerows(
            csv.reader(io.StringIO(text, newline=""))
        )
        assert text == again.getvalue()

    @given(history=strategies.histories(max_size=2))
    def test_columns_of_one_kind_are_empty_for_others(self, history: list[Entry]) -> None:
        """An empty cell is "not stated"; a zero is a zero."""
        for row, entry in zip(rows_of(history), history, strict=True):
            amounts = [row[f"{side}_{what}"] for side in ("base", "quote") for what in PARTS]
            if isinstance(entry, Trade):
                base, quote = entry.base, entry.quote
                assert amounts == [
                    positional(base.value),
                    base.currency,
                    positional(quote.value),
                    quote.currency,
                ]
                assert row["side"] == entry.side.value
                assert row["order_id"] == str(entry.order_id or "")
                assert row["self_trade"] == {None: "", True: "yes", False: "no"}[entry.self_trade]
            else:
                assert amounts == ["", "", "", ""]
                assert row["side"] == row["order_id"] == row["self_trade"] == ""
            priced = entry.price if isinstance(entry, Trade | Conversion) else None
            assert row["price"] == ("" if priced is None else positional(priced))
            unknown = entry if isinstance(entry, UnknownEntry) else None
            assert unguarded(row["code"]) == entry.code
            assert unguarded(row["reason"]) == (unknown and unknown.reason)
            transfer = entry if isinstance(entry, Transfer) else None
            assert unguarded(row["counterparty"]) == (transfer and transfer.counterparty)

    @given(history=strategies.histories(max_size=2))
    def test_the_amount_column_is_for_entries_of_one_leg(self, history: list[Entry]) -> None:
        """Of two legs neither is *the* amount."""
        for row, entry in zip(rows_of(history), history, strict=True):
            if len(entry.legs) == 1:
                assert row["amount"] == positional(entry.legs[0].value)
                assert row["currency"] == entry.legs[0].currency
            else:
                assert row["amount"] == row["currency"] == ""

    @given(history=strategies.histories(max_size=2))
    def test_no_text_cell_can_be_run(self, history: list[Entry]) -> None:
        """A counterparty's name must not be a formula on an accountant's machine."""
        numbers = {"base_amount", "quote_amount", "amount", "fee_amount", "price"}
        for row in rows_of(history):
            texts = [cell for column, cell in row.items() if column not in numbers]

            assert not [
                cell
                for cell in texts
                if cell.startswith(tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"))
            ]

    @pytest.mark.parametrize(
        ("account", "cell"),
        [
            ("=1+1", "'=1+1"),
            ("+41", "'+41"),
            ("-0.5", "'-0.5"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\tx", "'\tx"),
            ("\rx", "'\rx"),
            ("\uff1d1", "'\uff1d1"),
            ("'quoted", "''quoted"),
            ("", "'"),
            ('Zürich\r\n2, "Süd"', 'Zürich\r\n2, "Süd"'),
            ("💶\u2028", "💶\u2028"),
        ],
    )
    def test_an_account_is_this_cell(self, account: str, cell: str) -> None:
        """Guarded where a spreadsheet would run it, left alone where not."""
        (row,) = rows_of([deposit(account=account)])

        assert row["account"] == cell

    def test_a_negative_amount_stays_a_number(self) -> None:
        """An apostrophe would turn it into text, and the sum of the column would be wrong."""
        (row,) = rows_of([attrs.evolve(deposit(), legs=(-deposit().legs[0],))])

        assert row["amount"] == "-0.10"


PARTS = ("amount", "currency")
