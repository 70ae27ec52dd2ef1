"""Which rows state a fee and nothing else, and what known entries cost together."""

import datetime as dt

import pytest

from bitstamp_ledger.model import Amount, Entry, Source, UnknownEntry, Withdrawal
from bitstamp_ledger.reconcile._fee_rows import known_fee, stated_fee

TIME = dt.datetime(2021, 3, 28, 0, 41, 36, tzinfo=dt.UTC)
ROW = Source(endpoint="cointracking", raw={"Type": "Other Fee"}, path="fees.csv", row=3)
RECORD = Source(endpoint="user_transactions", raw={"type": "2"})


def euros(value: str) -> Amount:
    return Amount(value, "EUR")


def row(
    *legs: str, code: str | None = "Other Fee", fee: str | None = None, source: Source = ROW
) -> Entry:
    return UnknownEntry(
        id="one",
        time=TIME,
        legs=tuple(map(euros, legs)),
        fee=None if fee is None else euros(fee),
        code=code,
        source=source,
        reason="a fee",
    )


@pytest.mark.parametrize(
    ("entry", "fee"),
    [
        (row("-5.00"), "5.00"),
        (row("-5.00", fee="0"), "5.00"),
        (row("0", fee="2.50"), "2.50"),
        (row(fee="2.50"), "2.50"),
        (row("-5.00", code=" FEE "), "5.00"),
        # What came in is no fee, nor is nothing; of two amounts nobody knows which one is.
        (row("5.00"), None),
        (row("0.50"), None),
        (row("0"), None),
        (row(), None),
        (row("-5.00", "-3.00"), None),
        (row("-5.00", fee="2.50"), None),
        # Another kind of fee, none at all, and a record of the exchange.
        (row("-5.00", code="Loan Fee"), None),
        (row("-5.00", code=None), None),
        (row("-5.00", source=RECORD), None),
    ],
)
def test_a_row_that_is_a_fee_states_one_amount_that_left(entry: Entry, fee: str | None) -> None:
    assert stated_fee(entry) == (None if fee is None else euros(fee))


def test_an_entry_that_is_understood_is_no_row_of_a_fee() -> None:
    """Whatever its maker called it."""
    taken_out = Withdrawal(id="one", time=TIME, legs=(euros("-5.00"),), code="fee", source=ROW)
    assert stated_fee(taken_out) is None


@pytest.mark.parametrize(
    ("fees", "together"),
    [
        (["1.00", "2.50"], "3.50"),
        (["1.00", "0"], "1.00"),
        (["0", "0"], None),
        (["1.00", None], None),
        ([None], None),
        ([], None),
    ],
)
def test_entries_cost_what_each_of_them_states(
    fees: list[str | None], together: str | None
) -> None:
    """Where one does not say, nobody knows; and a fee of nothing is none that has a row."""
    known = [row("-9.00", fee=fee) for fee in fees]
    assert known_fee(known) == (None if together is None else euros(together))


def test_fees_of_two_currencies_are_not_added() -> None:
    coins = UnknownEntry(
        id="two", time=TIME, legs=(), fee=Amount("0.1", "BTC"), source=ROW, reason="a fee"
    )
    assert known_fee([row("-9.00", fee="1.00"), coins]) is None
