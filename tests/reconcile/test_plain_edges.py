"""What stands at the edge of a window is looked at from both sides, and disturbs nothing else."""

import datetime as dt
from collections.abc import Sequence

import attrs
import pytest

from bitstamp_ledger import Entry, Grade, Statement
from bitstamp_ledger.model import FeePlace, RowGrain
from bitstamp_ledger.reconcile import reconcile
from bitstamp_ledger.reconcile._plain import is_plain, plain_pairs
from tests.reconcile.builders import (
    Happened,
    g1,
    g1_lines,
    g1_row,
    g2,
    raw_records,
    record,
    records,
)

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


ORDINARY = g1(Happened())
PRECISION = ORDINARY.precision


@pytest.mark.parametrize(
    "statement",
    [
        attrs.evolve(ORDINARY, alternatives=(ORDINARY,)),
        attrs.evolve(ORDINARY, precision=attrs.evolve(PRECISION, zone_open=True)),
        attrs.evolve(ORDINARY, precision=attrs.evolve(PRECISION, fee_place=FeePlace.OPEN)),
        attrs.evolve(ORDINARY, precision=attrs.evolve(PRECISION, grain=RowGrain.ORDER)),
    ],
)
def test_a_statement_that_leaves_something_open_goes_the_long_way(statement: Statement) -> None:
    """One such thing is enough."""
    assert is_plain(ORDINARY)
    assert not is_plain(statement)


def test_entries_that_are_not_as_the_short_way_needs_them_all_go_the_long_way() -> None:
    """Not even those before them are paired: an id, or an hour that came twice, comes first."""
    api, (entry,) = records([Happened()]), ORDINARY.entries
    source = entry.source
    later = entry.time + dt.timedelta(hours=1)
    assert plain_pairs(api, [entry]) is not None
    for last in (
        *g2(Happened()).entries,
        attrs.evolve(entry, source=attrs.evolve(source, other_time=later)),
        attrs.evolve(entry, source=attrs.evolve(source, precision=None)),
    ):
        assert plain_pairs(api, [entry, last]) is None
    assert plain_pairs([*api, entry], [entry]) is None


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


def test_what_is_not_understood_is_not_paired_the_short_way() -> None:
    """Whatever its amounts: of what kind it is, nobody knows."""
    api = records([Happened()])
    (strange,) = g1_lines(g1_row(Happened()).replace("Market", "Something new")).entries
    plain = plain_pairs(api, [attrs.evolve(strange, legs=api[0].legs)])
    assert plain is not None
    assert plain.matches == []
    unknown = raw_records(record(Happened()) | {"type": "99"})
    plain = plain_pairs(unknown, [attrs.evolve(ORDINARY.entries[0], legs=unknown[0].legs)])
    assert plain is not None
    assert plain.matches == []


def test_pairs_that_are_stated_both_ways_round_go_the_long_way() -> None:
    """The base of the one is no base of the other."""
    turned = Happened(base="ETH", quote="BTC", price="0.05")
    assert (
        plain_pairs(records([Happened(quote="ETH", price="20.00000000")]), g1(turned).entries)
        is None
    )


def test_a_currency_by_another_name_is_as_sure() -> None:
    """It is the same currency, and all else is equal."""
    (entry,) = ORDINARY.entries
    base, quote = entry.legs
    renamed = attrs.evolve(entry, legs=(attrs.evolve(base, currency="XBT"), quote))
    plain = plain_pairs(records([Happened()]), [renamed])
    assert plain is not None
    assert [match.grade for match in plain.matches] == [Grade.STRONG]


def test_an_amount_of_the_same_value_in_another_currency_is_another_trade() -> None:
    """Though the fee is the same, to its currency."""
    (entry,) = ORDINARY.entries
    base, quote = entry.legs
    dollars = attrs.evolve(entry, legs=(base, attrs.evolve(quote, currency="USD")))
    plain = plain_pairs(records([Happened()]), [dollars])
    assert plain is not None
    assert plain.matches == []


def test_rows_after_one_that_is_not_understood_are_paired_all_the_same() -> None:
    """It is passed over."""
    (strange,) = g1_lines(g1_row(Happened()).replace("Market", "Something new")).entries
    plain = plain_pairs(records([Happened()]), [strange, *ORDINARY.entries])
    assert plain is not None
    assert [match.file for match in plain.matches] == [ORDINARY.entries]
