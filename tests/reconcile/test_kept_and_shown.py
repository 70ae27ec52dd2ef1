"""What is kept and shown is not merged in the same breath, and what is told is told once.

Each of these was noticed by no other test (docs/mutation.md).
"""

import datetime as dt
import zoneinfo

import attrs
import pytest

from bitstamp_ledger import Decision, Statement, Verdict, reconcile
from bitstamp_ledger.model import FeePlace, Rounding
from tests.reconcile.builders import (
    Happened,
    g1,
    g1_lines,
    g1_row,
    g2,
    g2_lines,
    g2_row,
    records,
)
from tests.reconcile.verdicts import BLOCKPIT, COINTRACKING, DELTA, KOINLY, Run, table

A = Happened()
MONTHS_FIRST = "%-m/%-d/%Y %H:%M"
SECONDS = "%d.%m.%Y %H:%M:%S"


def tracked(trade: Happened, *, zone: str = "UTC", clock: str = SECONDS, tx: str = "") -> str:
    """Print a trade as CoinTracking does, without its fee, in the clocks of a zone."""
    local = trade.instant.astimezone(zoneinfo.ZoneInfo(zone))
    base, quote = f'"{trade.amount}","{trade.base}"', f'"{trade.value}","{trade.quote}"'
    legs = f"{base},{quote}" if trade.side == "Buy" else f"{quote},{base}"
    return f'"Trade",{legs},"","","Bitstamp","","","{local.strftime(clock)}"{tx}'


def delta(trade: Happened, *, zone: str = "UTC", stated: str = "") -> str:
    """Print a trade as Delta does, in the clocks of a zone, which it states or not."""
    local = trade.instant.astimezone(zoneinfo.ZoneInfo(zone))
    return (
        f"{local:%Y-%m-%d %H:%M:%S}{stated},BUY,{trade.amount},BTC (Bitcoin),CRYPTO,{trade.value},"
        "EUR,Bitstamp,,,,,,"
    )


def different(*times: str, first: int = 1) -> list[Happened]:
    """Return trades of different amounts at these times, of no fee."""
    return [
        attrs.evolve(A, id=number, time=time, amount=f"0.0{number}219875", fee=None)
        for number, time in enumerate(times, first)
    ]


# -- ids


THREE = ("2021-03-28 00:41:36", "2021-03-29 01:42:37", "2021-03-30 02:43:38")


def test_trades_of_two_files_with_two_ids_stay_two_once_ids_have_proved_themselves() -> None:
    """Three equal contents look systematic, but the API has shown what these ids are worth."""
    ours, theirs = different(*THREE), different(*THREE)
    more_precise = g2(*(attrs.evolve(each, id=each.id + 10) for each in ours))
    proved = Happened(id=5, time="2021-03-01 10:00:00", fee=None)
    rows = [tracked(each, tx=f',"{each.id + 20}"') for each in theirs]
    other = table(COINTRACKING + ',"Tx-ID"', tracked(proved, tx=',"5"'), *rows, timezone="UTC")
    run = Run(records([proved]), more_precise, other)
    assert run.said == {
        "matches": ["B1 is #5 (exchange id, certain)"],
        "new": ["A1", "B2", "A2", "B3", "A3", "B4"],
    }


def test_a_row_that_repeats_an_id_is_shown_after_rows_without_one() -> None:
    """D42 in a file of which some cells of ids are empty."""
    before = attrs.evolve(A, time="2021-03-27 00:00:00")
    run = Run([], g2_lines(g2_row(before, with_id=False), g2_row(A), g2_row(A)))
    assert run.said["suspects"] == ["3 near 2: row number"]


# -- orders and fees


FILLS = [
    attrs.evolve(A, id=number, order=7, amount=amount, price="100.00", fee=None)
    for number, amount in ((1, "0.10000000"), (2, "0.20000000"))
]
WHOLE = attrs.evolve(A, id=9, amount="0.30000000", price="100.00", fee=None)


@pytest.mark.parametrize("file", [g1(WHOLE), g2(WHOLE, with_ids=False)])
def test_an_execution_as_large_as_an_order_is_not_that_order(file: Statement) -> None:
    """The exchange's exports state executions: this one is not of the API's records."""
    run = Run(records(FILLS), file)
    assert run.said["new"] == ["1"]
    assert "matches" not in run.said


def test_a_row_that_is_shown_beside_a_record_is_not_merged_with_an_order() -> None:
    """Its id differs from that of the one trade like it; the next best is no better."""
    row = "1,6E+13;28.03.2021 00:41;API;Bitstamp;B;Trade;EUR;30.00;BTC;0.3;;;99;spot;"
    file = table(BLOCKPIT, row, timezone="UTC")
    run = Run(records([*FILLS, WHOLE]), file)
    assert run.said["new"] == ["1"]
    assert run.said["suspects"] == ["1 near #9: exchange id"]


def test_a_row_of_an_amount_and_a_fee_is_not_the_fee_of_a_trade() -> None:
    """It would leave the ledger, and its amount with it."""
    time = "2021-03-28 00:41:36 UTC"
    trade = f"{time},1996.79,EUR,0.04219875,BTC,,,,,,,"
    cost = f"{time},5.00,EUR,,,9.98393,EUR,,,cost,,"
    run = Run(records([A]), table(KOINLY, trade, cost))
    assert run.said["new"] == ["2"]
    assert run.said["matches"] == ["1 is #163402118 (intervals, weak)"]


# -- the order of dates


SWAPPED = Happened(time="2021-04-03 17:20:09", fee=None)


def test_a_row_that_fits_in_the_other_order_of_dates_is_told_once() -> None:
    """It fits wherever its fee is, since it states none."""
    file = table(COINTRACKING, tracked(SWAPPED, clock=MONTHS_FIRST), timezone="UTC")
    assert file.alternatives
    run = Run(records([SWAPPED]), file)
    assert run.said["suspects"] == ["1 near #163402118: date order"]


def test_a_row_at_another_hour_does_not_fit_in_the_other_order_of_dates() -> None:
    """The zone is known, so an hour is no matter of dates."""
    later = attrs.evolve(SWAPPED, time="2021-04-03 18:20:09")
    file = table(COINTRACKING, tracked(later, clock=MONTHS_FIRST), timezone="UTC")
    assert Run(records([SWAPPED]), file).said == {"new": ["1"], "api only": ["#163402118"]}


def test_a_fee_alone_in_an_open_order_of_dates_is_shown_for_its_dates() -> None:
    """The third of the third, or of a day beside it: read as it stands, its zone is known."""
    fee = '"Other Fee","","","9.98393","EUR","","","Bitstamp","","","{}"'
    trade = attrs.evolve(A, time="2021-03-04 00:41:36")
    file = table(COINTRACKING, fee.format("4/3/2021 0:41"), timezone="UTC")
    assert file.alternatives
    run = Run(records([trade]), file)
    assert run.said["suspects"] == ["1 near #163402118: date order"]


# -- zones


def test_rows_that_stay_open_are_counted_in_words() -> None:
    """Two stay, where one stays."""
    rows = different(*THREE[:2])
    (zone,) = reconcile([], [table(COINTRACKING, *map(tracked, rows))]).zones
    assert zone.evidence == (
        "no row shares all but its time with one known entry only, so none tells the zone; "
        "2 of 2 rows stay open, as the file prints them"
    )


def test_rows_that_say_neither_zone_nor_base_tell_the_zone() -> None:
    """BTC against ETH, which would rather be called ETH against BTC: only the amounts are sure."""
    times = ("2021-01-11 08:10:09", "2021-02-02 11:41:36", "2021-03-03 20:17:51")
    trades = [attrs.evolve(each, quote="ETH", price="20.00000000") for each in different(*times)]
    file = table(COINTRACKING, *(tracked(each, zone="Europe/Paris") for each in trades))
    sure = attrs.evolve(file.precision, base=Rounding.EXACT, base_decimals_max=None)
    exact = attrs.evolve(
        file,
        entries=tuple(
            attrs.evolve(row, source=attrs.evolve(row.source, precision=sure))
            for row in file.entries
        ),
    )
    result = reconcile(records(trades), [exact])
    assert len(result.matches) == 3
    assert result.new == ()


WINTER = ("2015-01-12 08:10:09", "2015-02-03 11:41:36", "2015-03-03 20:17:51")
MAY = ("2015-05-18 05:30:00", "2015-05-20 17:59:59", "2015-05-22 23:20:07")


def bot(*hours: int, day: str = "2015-09-15") -> list[Happened]:
    """Return what a bot does every hour of a day."""
    return [Happened(id=90 + hour, time=f"{day} {hour:02}:00:05", fee=None) for hour in hours]


def test_zones_that_either_file_rules_out_do_not_keep_their_rows_apart() -> None:
    """An hour ahead in winter: so not Windhoek, which alone went forward between these trades.

    What is left, as Paris and Lagos, is one hour ahead in May or two, and the same in September.
    """
    winter, may = different(*WINTER), different(*MAY, first=4)
    files = [
        table(
            COINTRACKING,
            *(tracked(each, zone="Europe/Paris", clock=clock) for each in (*winter, *may, *day)),
        )
        for clock, day in ((SECONDS, bot(9, 10)), ("%d.%m.%Y %H:%M", bot(10, 11)))
    ]
    result = reconcile(records(winter), files)
    assert len(result.entries) == 3 + 3 + 3


def test_rows_that_state_their_zone_say_nothing_of_the_others() -> None:
    """Ten rows in UTC beside three an hour ahead: the three alone tell their zone."""
    open_ones = different("2021-01-11 08:10:09", "2021-02-02 11:41:36", "2021-03-03 20:17:51")
    stated = different(*(f"2021-01-{day} 12:00:01" for day in range(12, 22)), first=11)
    rows = [delta(each, zone="Africa/Lagos") for each in open_ones]
    rows += [delta(each, stated="+00:00") for each in stated]
    run = Run(records([*open_ones, *stated]), table(DELTA, *rows))
    assert len(run.result.matches) == len(rows)
    assert run.zones == ["UTC+01:00"]


COLUMNS = {
    "time": "Date",
    "pair": "Market",
    "side": "Side",
    "amount": "Quantity",
    "total": "Total",
    "fee": "Fee",
}


def test_an_open_order_of_dates_is_told_where_nothing_else_is_open() -> None:
    """In a table that the caller described, where zone and fee are as named."""
    file = table(
        "Date,Market,Side,Quantity,Total,Fee",
        f"4/3/2021 17:20:09,BTC/EUR,Buy,{A.amount},{A.value},0",
        columns=COLUMNS,
        timezone="UTC",
    )
    assert file.alternatives
    run = Run(records([SWAPPED]), attrs.evolve(file, path="own.csv"))
    assert run.said["suspects"] == ["1 near #163402118: date order"]
    assert [(each.path, each.question) for each in run.result.readings] == [
        ("own.csv", "date order")
    ]


def test_a_row_whose_zone_was_decided_is_not_said_to_be_of_an_open_one() -> None:
    """Beside a row of another file, of which only the order of dates is open."""
    winter = different("2021-01-11 08:10:09", "2021-02-02 11:41:36", "2021-03-03 20:17:51")
    more = attrs.evolve(A, time="2021-03-04 08:00:00", fee=None)
    decided = table(COINTRACKING, *(tracked(each, zone="Africa/Lagos") for each in (*winter, more)))
    dates = table(
        "Date,Market,Side,Quantity,Total,Fee",
        f"4/3/2021 8:00:00,BTC/EUR,Buy,{A.amount},{A.value},",
        columns=COLUMNS,
        timezone="UTC",
    )
    run = Run(records(winter), decided, dates)
    assert run.zones == ["UTC+01:00", "UTC"]
    assert run.said["suspects"] == ["B1 near A4: date order"]


def test_one_row_that_fits_as_read_is_told_in_one_sentence() -> None:
    """One fits, where several fit."""
    file = table(COINTRACKING, tracked(SWAPPED, clock="%-d/%-m/%Y %H:%M"), timezone="UTC")
    dates, _ = reconcile(records([SWAPPED]), [file]).readings
    assert dates.evidence == "1 row fits as read, 0 with days and months exchanged"


def test_which_of_two_rows_is_kept_does_not_depend_on_where_they_stand() -> None:
    """They differ in nothing that is compared, but in a rate that somebody rounded."""
    rows = [g1_row(A), g1_row(A).replace("47318.62 EUR", "47319.00 EUR")]
    kept = [reconcile(records([A]), [g1_lines(*each)]).new for each in (rows, rows[::-1])]
    assert [len(each) for each in kept] == [1, 1]
    assert kept[0][0].source.raw == kept[1][0].source.raw


def test_rows_of_two_files_in_which_days_and_months_are_open_are_two() -> None:
    """One file may print days first and the other months: printed alike is not the same day."""
    described = table(
        "Date,Market,Side,Quantity,Total,Fee",
        f"4/3/2021 17:20:09,BTC/EUR,Buy,{A.amount},{A.value},",
        columns=COLUMNS,
        timezone="UTC",
    )
    printed = tracked(A, clock="4/3/2021 17:20:09")
    run = Run([], described, table(COINTRACKING, printed, timezone="UTC"))
    assert sorted(run.said["new"]) == ["A1", "B1"]
    assert "matches" not in run.said


def test_a_row_with_the_id_of_a_record_and_of_another_row_is_one_of_them() -> None:
    """A person said that the other row is not the record, so both are known under one id."""
    api, other = records([A]), g2(A)
    said = Decision(verdict=Verdict.REJECT, record_id=api[0].id, row_id=other.entries[0].id)
    file = table(COINTRACKING + ',"Tx-ID"', tracked(A, tx=f',"{A.id}"'), timezone="UTC")
    run = Run(api, other, file, decisions=[said])
    assert run.said["matches"] == ["B1 is #163402118 (exchange id, certain)"]
    assert run.said["new"] == ["A1"]


def test_the_row_with_the_id_is_the_record_though_an_equal_one_comes_first() -> None:
    """An id says more than equal cells."""
    run = Run(records([A]), g2_lines(g2_row(A, with_id=False), g2_row(A)))
    assert run.said == {"matches": ["2 is #163402118 (exchange id, certain)"], "new": ["1"]}


def test_the_same_trade_on_the_day_before_does_not_hide_the_zone() -> None:
    """No clock is so far off that a row could be either."""
    trades = different("2021-01-11 08:10:09", "2021-02-02 11:41:36", "2021-03-03 20:17:51")
    before = [
        attrs.evolve(each, id=each.id + 10, time=time)
        for each, time in zip(
            trades,
            ("2021-01-10 12:10:09", "2021-02-01 15:41:36", "2021-03-03 00:17:51"),
            strict=True,
        )
    ]
    file = table(COINTRACKING, *(tracked(each, zone="Africa/Lagos") for each in trades))
    run = Run(records([*trades, *before]), file)
    assert run.zones == ["UTC+01:00"]
    assert len(run.result.matches) == 3


def test_a_row_in_a_conflict_is_not_called_a_near_miss_as_well() -> None:
    """Two rows fit one record; that one of them just misses another record is no news."""
    time = "2021-05-14 09:{}"
    trades = [Happened(id=1, time=time.format("13:10")), Happened(id=2, time=time.format("14:30"))]
    (own,) = g1(Happened(time=time.format("13:00"))).entries
    early = attrs.evolve(own, time=own.time - dt.timedelta(seconds=5))
    result = reconcile(records(trades), [attrs.evolve(g1(), entries=(early, own))])
    (conflict,) = result.conflicts
    assert conflict.reason == (
        "more rows fit than there are entries, and they differ: API record 1"
    )
    assert result.suspects == ()


def test_a_new_row_says_where_its_fee_was_found_to_be() -> None:
    """For whoever reads the entry later: it is on top, and that is no longer open."""
    trades = [
        attrs.evolve(each, fee=f"1.00{each.id}93")
        for each in different("2021-01-11 08:10:09", "2021-02-02 11:41:36", "2021-03-03 20:17:51")
    ]
    more = Happened(time="2021-01-20 10:00:00", side="Sell", amount="0.00001000", fee="0.10")
    rows = [tracked(each).replace('"","",', f'"{each.fee}","EUR",', 1) for each in (*trades, more)]
    run = Run(records(trades), table(COINTRACKING, *rows, timezone="UTC"))
    assert run.readings["fee"] == "on top of the amounts"
    (new,) = run.result.new
    assert new.source.precision is not None
    assert new.source.precision.fee_place is FeePlace.APART
    assert [str(leg) for leg in new.legs] == ["-0.00001000 BTC", "0.47 EUR"]
