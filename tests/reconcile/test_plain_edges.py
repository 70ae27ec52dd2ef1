"""What stands at the edge of a window is looked at from both sides, and disturbs nothing else."""

import datetime as dt
from collections.abc import Sequence

import attrs
import pytest

from bitstamp_ledger import Entry
from bitstamp_ledger.reconcile import reconcile
from bitstamp_ledger.reconcile._plain import plain_pairs
from tests.reconcile.builders import Happened, g1, g1_lines, g1_row, records

AMOUNT = "0.10000000"
LATE = dt.timedelta(seconds=55)
"""A row that begins so late in a minute stands for most of the next one as well."""


def happened(number: int, time: str, amount: str = AMOUNT) -> Happened:
    """Return a trade of a morning; all are alike but for their time and, perhaps, amount."""
    return Happened(id=number, time=f"2021-05-14 09:{time}", amount=amount)


def row(time: str, *, late: bool = False) -> Entry:
    """Return a row of a minute, of the amount that collides."""
    (entry,) = g1(happened(0, f"{time}:00")).entries
    return attrs.evolve(entry, time=entry.time + LATE) if late else entry


def paired(
    trades: Sequence[Happened], rows: Sequence[Entry], *, window: int
) -> list[tuple[int | None, dt.datetime]]:
    """Return which records are paired the short way, and when their rows begin."""
    plain = plain_pairs(records(trades), rows, window=window)
    assert plain is not None
    return [(match.api[0].transaction_id, match.file[0].time) for match in plain.matches]


@pytest.mark.parametrize("window", [0, 1, 8])
def test_a_row_of_the_window_before_may_be_the_record_of_another_row(window: int) -> None:
    """Two rows fit one record and differ in their time, so it is nobody's, in one window or two."""
    trades = [
        happened(0, "12:10", "0.50000000"),
        happened(1, "12:20", "0.50000000"),
        happened(2, "13:10"),
        happened(3, "14:30"),
    ]
    early, own, later = row("12", late=True), row("13"), row("14")
    assert paired(trades, [early, own, later], window=window) == [(3, later.time)]
    result = reconcile(records(trades), [attrs.evolve(g1(), entries=(early, own))])
    assert result.matches == ()
    assert [conflict.api[0].transaction_id for conflict in result.conflicts] == [2]


@pytest.mark.parametrize("doubtful_first", [True, False])
def test_a_row_that_may_be_of_the_next_window_leaves_other_minutes_alone(
    *, doubtful_first: bool
) -> None:
    """What is alone in an earlier minute of this window is paired, whichever row comes first."""
    trades = [happened(1, "12:10"), happened(2, "13:20", "0.50000000"), happened(3, "15:10")]
    plain_row, doubtful = row("12"), row("13", late=True)
    rows = [doubtful, plain_row] if doubtful_first else [plain_row, doubtful]
    assert paired(trades, rows, window=1) == [(1, plain_row.time)]


@pytest.mark.parametrize("doubtful_first", [True, False])
def test_a_record_that_a_doubtful_row_fits_as_well_is_not_paired(*, doubtful_first: bool) -> None:
    """Not with the row of its minute either: which of the two is left over is open."""
    trades = [happened(1, "13:57"), happened(2, "15:10")]
    own, doubtful = row("13"), row("13", late=True)
    rows = [doubtful, own] if doubtful_first else [own, doubtful]
    assert paired(trades, rows, window=0) == []


def test_a_doubtful_row_joins_those_that_already_collide() -> None:
    """Of two records of one amount, that of its minute is nobody's, and the other is paired."""
    trades = [happened(1, "12:10"), happened(2, "13:57"), happened(3, "15:10")]
    first, own, doubtful = row("12"), row("13"), row("13", late=True)
    assert paired(trades, [first, own, doubtful], window=1) == [(1, first.time)]


def test_a_doubtful_row_that_no_record_is_like_is_left_over() -> None:
    """There is nothing that it could disturb."""
    trades = [happened(1, "12:10", "0.50000000"), happened(2, "14:10", "0.50000000")]
    assert paired(trades, [row("12", late=True)], window=0) == []


def test_a_fee_of_the_same_value_in_another_currency_is_another_fee() -> None:
    """All else being equal, which is no trade of the record's."""
    trade = Happened()
    edited = g1_lines(g1_row(trade).replace("9.98393 EUR", "9.98393 USD"))
    plain = plain_pairs(records([trade]), edited.entries)
    assert plain is not None
    assert plain.matches == []
