"""Entries for data frames and databases: exact, streamed, and refused where they do not fit."""

import datetime as dt
import json
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings

from bitstamp_ledger.api import parse_user_transactions
from bitstamp_ledger.errors import MissingExtraError, SinkError
from bitstamp_ledger.ledger import AsyncLedger, Ledger, replay
from bitstamp_ledger.model import (
    UTC,
    Amount,
    Conversion,
    Deposit,
    Entry,
    Source,
    Trade,
    Transfer,
    UnknownEntry,
)
from bitstamp_ledger.reconcile import reconcile
from bitstamp_ledger.sandbox import generate_account, render_g2
from bitstamp_ledger.sinks import _columns
from bitstamp_ledger.sinks.arrow import arrow
from tests import strategies

pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed")

SCHEMA = """\
id: string not null
kind: string not null
time: timestamp[us, tz=UTC] not null
account: string not null
side: string
base_amount: decimal128(38, 18)
base_currency: string
quote_amount: decimal128(38, 18)
quote_currency: string
amount: decimal128(38, 18)
currency: string
fee_amount: decimal128(38, 18)
fee_currency: string
price: decimal128(38, 18)
legs: list<leg: struct<currency: string not null, value: decimal128(38, 18) not null> not null> \
not null
  child 0, leg: struct<currency: string not null, value: decimal128(38, 18) not null> not null
      child 0, currency: string not null
      child 1, value: decimal128(38, 18) not null
order_id: int64
transaction_id: int64
self_trade: bool
counterparty: string
code: string
reason: string
source_endpoint: string
source_path: string
source_row: int64
time_step_us: int64"""


def deposit(value: str = "1", **more: Any) -> Deposit:
    facts: dict[str, Any] = {
        "id": "odd",
        "time": dt.datetime(2024, 5, 6, 7, 8, 9, 10, tzinfo=UTC),
        "legs": (Amount(value, "BTC"),),
    }
    return Deposit(**(facts | more))


def fits(entry: Entry) -> bool:
    """Whether all numbers have 20 digits before and 18 behind the point."""
    price = getattr(entry, "price", None)
    fee = [] if entry.fee is None else [entry.fee.value]
    numbers = [leg.value for leg in entry.legs] + fee + ([] if price is None else [price])
    return all(abs(number) < 10**20 for number in numbers)


def row_of(entry: Entry) -> dict[str, object]:
    """The row as documented, by another road than the code under test."""
    trade = entry if isinstance(entry, Trade) else None
    alone = entry.legs[0] if len(entry.legs) == 1 else None
    source = entry.source
    return {
        "id": entry.id,
        "kind": entry.kind,
        "time": entry.time,
        "account": entry.account,
        "side": trade and trade.side.value,
        "base_amount": trade and trade.base.value,
        "base_currency": trade and trade.base.currency,
        "quote_amount": trade and trade.quote.value,
        "quote_currency": trade and trade.quote.currency,
        "amount": alone and alone.value,
        "currency": alone and alone.currency,
        "fee_amount": entry.fee and entry.fee.value,
        "fee_currency": entry.fee and entry.fee.currency,
        "price": entry.price if isinstance(entry, Trade | Conversion) else None,
        "legs": [{"currency": leg.currency, "value": leg.value} for leg in entry.legs],
        "order_id": trade and trade.order_id,
        "transaction_id": entry.transaction_id,
        "self_trade": trade and trade.self_trade,
        "counterparty": entry.counterparty if isinstance(entry, Transfer) else None,
        "code": entry.code,
        "reason": entry.reason if isinstance(entry, UnknownEntry) else None,
        "source_endpoint": source.endpoint,
        "source_path": source.path,
        "source_row": source.row,
        "time_step_us": source.precision
        and round(source.precision.time_step.total_seconds() * 1_000_000),
    }


def whole_account() -> list[Entry]:
    account = generate_account(1, 300, derivatives=True)
    return parse_user_transactions(json.dumps(account.records, default=str).encode())


class TestColumns:
    def test_the_schema_is_this(self) -> None:
        """Other programs depend on names and types."""
        schema = pa.table(arrow([])).schema

        assert schema.to_string(show_schema_metadata=False) == SCHEMA
        assert schema.metadata == {b"bitstamp_ledger.schema": b"1"}
        assert pa.schema(arrow([])) == schema

    @settings(max_examples=20)
    @given(history=strategies.histories(max_size=3))
    def test_rows_state_exactly_the_entries(self, history: list[Entry]) -> None:
        """Every number to its last digit, times to the microsecond, null where not stated."""
        history = [entry for entry in history if fits(entry)]
        rows = pa.table(arrow(history)).to_pylist()

        assert rows == [row_of(entry) for entry in history]

    def test_all_digits_that_fit_are_held(self) -> None:
        """20 before the point, 18 behind it; zeros beyond them are no digits."""
        values = ["99999999999999999999.999999999999999999", "-0.000000000000000001", "1E+19"]
        values.append("1." + "0" * 30)
        rows = pa.table(arrow([deposit(value) for value in values])).to_pylist()

        assert [row["amount"] for row in rows] == list(map(Decimal, values))

    @pytest.mark.parametrize(
        ("entry", "reason"),
        [
            (deposit("1E-19"), "0.0000000000000000001 BTC has more than 18 digits behind"),
            (deposit("-1E+20"), "-100000000000000000000 BTC has more than 20 digits before"),
            (deposit(fee=Amount("1E-19", "EUR")), "0.0000000000000000001 EUR has more than 18"),
            (deposit(transaction_id=2**63), "transaction_id 9223372036854775808 is no integer"),
            (deposit(code="\udcff"), "its code is no valid Unicode"),
            (
                Conversion(
                    id="odd",
                    time=dt.datetime(2024, 1, 1, tzinfo=UTC),
                    legs=(Amount(1, "BTC"), Amount(-1, "EUR")),
                    price=Decimal("1E-19"),
                ),
                "price 0.0000000000000000001 has more than 18",
            ),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_what_does_not_fit_is_refused(self, entry: Entry, reason: str) -> None:
        """It is never rounded; the error names entry and number, also through a data frame."""
        with pytest.raises(SinkError, match="'odd' does not fit") as caught:
            _columns.record_batch([deposit(), entry])
        assert reason in str(caught.value)

        with pytest.raises(pa.ArrowInvalid, match="'odd' does not fit"):
            pa.table(arrow([deposit(), entry]))

    def test_what_is_no_entry_is_refused(self) -> None:
        """Said as such, not as a missing attribute."""
        with pytest.raises(TypeError, match="take entries, not str"):
            _columns.record_batch(["entry"])  # type: ignore[list-item]

    def test_a_path_that_is_no_unicode_does_not_stop_an_export(self) -> None:
        """Names of files are bytes; such a letter is written as an escape, as in other sinks."""
        source = Source(path="bad\udcff.csv", row=1)

        (row,) = pa.table(arrow([deposit(source=source)])).to_pylist()

        assert row["source_path"] == "bad\\udcff.csv"


class TestSources:
    def test_they_are_entries_or_hold_entries(self) -> None:
        """A list, a reconciliation or statement, and what reads them when called."""
        entries = whole_account()
        ledger = SimpleNamespace(entries=lambda: iter(entries))
        expected = pa.table(arrow(entries))

        assert pa.table(arrow(tuple(entries))).equals(expected)
        assert pa.table(arrow(ledger)).equals(expected)
        assert pa.table(arrow(reconcile(entries, []))).num_rows == len(entries)

    def test_a_ledger_is_a_frame_by_itself(self, tmp_path: Path) -> None:
        """Without a word of Arrow, blocking or not."""
        path = tmp_path / "export.csv"
        path.write_text(render_g2(generate_account(1, 300).records).text)
        with Ledger.open(tmp_path / "history.db") as ledger:
            ledger.import_file(path)
            expected = pa.table(arrow(list(ledger.entries())))

            assert expected.num_rows > 200
            assert pa.table(ledger).equals(expected)
            assert pa.table(AsyncLedger(ledger)).equals(expected)

    def test_an_iterator_is_handed_over_once(self) -> None:
        """A second, empty frame would look like an empty history."""
        once = arrow(iter(whole_account()))
        often = arrow(whole_account())

        assert pa.table(once).num_rows == 300
        with pytest.raises(SinkError, match="handed over before"):
            pa.table(once)
        assert pa.table(often).num_rows == pa.table(often).num_rows == 300

    def test_entries_are_read_a_batch_at_a_time(self) -> None:
        """A history of millions is never held here as a whole."""
        given_out = 0

        def history() -> Iterator[Entry]:
            nonlocal given_out
            for number in range(50_000):
                given_out += 1
                yield deposit(id=str(number))

        reader = pa.RecordBatchReader.from_stream(arrow(history()))
        assert given_out == 0

        first = reader.read_next_batch()

        assert first.num_rows == given_out == 16_384
        reader.close()

    def test_what_holds_no_entries_is_refused(self) -> None:
        """At once, not when the frame is made."""
        with pytest.raises(TypeError, match="a int holds no entries"):
            arrow(3)  # type: ignore[arg-type]

    def test_without_pyarrow_the_extra_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The answer is a command to run."""
        monkeypatch.setitem(sys.modules, "pyarrow", None)
        _columns.arrow_module.cache_clear()

        with pytest.raises(MissingExtraError) as caught:
            arrow([])

        _columns.arrow_module.cache_clear()
        assert caught.value.extra == "arrow"


class TestReceivers:
    def test_polars_adds_up_what_replay_does(self) -> None:
        """Exact decimals on both sides."""
        pl = pytest.importorskip("polars", reason="polars is not installed")
        entries = whole_account()
        frame = pl.DataFrame(arrow(entries))

        sums: dict[str, Decimal] = {}
        for leg in frame["legs"].explode().drop_nulls().to_list():
            sums[leg["currency"]] = sums.get(leg["currency"], Decimal(0)) + leg["value"]
        paid = frame.group_by("fee_currency").agg(pl.col("fee_amount").sum())
        for currency, value in paid.iter_rows():
            if currency is not None:
                sums[currency] -= value

        assert {code: value for code, value in sums.items() if value} == replay(entries)

    def test_duckdb_adds_up_what_replay_does(self) -> None:
        """In SQL, over the nested legs."""
        duckdb = pytest.importorskip("duckdb", reason="duckdb is not installed")
        entries = whole_account()
        history = duckdb.from_arrow(arrow(entries))
        rows = history.query(
            "history",
            """
            select currency, sum(value) from (
                select unnest(legs, recursive := true) from history
                union all
                select fee_currency, -fee_amount from history where fee_amount is not null
            ) group by currency having sum(value) <> 0
            """,
        ).fetchall()

        assert dict(rows) == replay(entries)

    def test_pandas_has_decimals(self) -> None:
        """Not floats."""
        pd = pytest.importorskip("pandas", reason="pandas is not installed")
        frame = pd.DataFrame.from_arrow(arrow([deposit("0.1"), deposit("0.2")]))

        assert frame["amount"].sum() == Decimal("0.3")
        assert str(frame["time"].dt.tz) == "UTC"


def test_the_side_of_a_trade_whose_base_is_zero_is_that_of_its_quote() -> None:
    """Among trades alone the signs of a whole column tell the sides, and zero has none."""
    records = [
        {"id": at, "datetime": "2021-01-01 00:00:00", "type": "2", "btc": base, "eur": quote}
        | {"btc_eur": "1", "fee": "0", "order_id": at}
        for at, (base, quote) in enumerate(
            [("1", "-1"), ("0.00", "-0.01"), ("0.00", "0.01"), ("-0.00000001", "0.01")], 1
        )
    ]
    sides = _columns.record_batch(parse_user_transactions(json.dumps(records))).column("side")
    assert sides.to_pylist() == ["buy", "buy", "sell", "sell"]
