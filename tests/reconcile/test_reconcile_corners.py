"""What mutation testing found that no other test noticed (docs/mutation.md)."""

import datetime as dt
from decimal import Decimal

import attrs
import pytest

from bitstamp_ledger import Decision, Grade, Rule, Statement, Verdict, reconcile
from bitstamp_ledger.reconcile import StatementZone
from tests.reconcile.builders import Happened, g1, g2, g2_lines, raw_records, records
from tests.reconcile.verdicts import COINTRACKING, DELTA, ORDERS, Run, table

A = Happened()
WITH_ID = COINTRACKING + ',"Tx-ID"'
PRINTED = ("11.01.2021 09:10", "02.02.2021 12:41", "03.03.2021 21:17", "11.04.2021 07:30")


def different(*times: str) -> list[Happened]:
    """Return trades of different amounts at these times."""
    return [
        attrs.evolve(A, id=n, time=time, amount=f"0.0{n}219875", fee=f"1.{n:03}93")
        for n, time in enumerate(times, 1)
    ]


def line(trade: Happened, printed: str, *, fee: str | None = None, more: str = "") -> str:
    """Print a trade as CoinTracking does, the fee inside or apart as ``fee`` says."""
    stated = trade.fee or ""
    total = Decimal(trade.value) + (Decimal(stated or 0) if fee is None else Decimal(fee))
    fee_cells = f'"{stated}","{trade.quote}"' if stated else '"",""'
    return (
        f'"Trade","{trade.amount}","{trade.base}","{total}","{trade.quote}",{fee_cells},'
        f'"Bitstamp","","","{printed}"{more}'
    )


def of_tool(*rows: str) -> Statement:
    """Read rows of which nobody states the zone."""
    return table(COINTRACKING, *rows)


# -- several files of one tool, in a zone that nobody knows


FIVE = different(
    *("2021-01-11 08:10:09", "2021-02-02 11:41:36", "2021-03-03 20:17:51", "2021-04-11 05:30:00"),
    "2021-04-12 05:30:00",
)
FIVE_PRINTED = (*PRINTED, "12.04.2021 07:30")


def test_sparse_tables_of_one_tool_that_overlap_are_shown() -> None:
    """D33 without any zone: months apart, four rows say nothing of the weeks in between."""
    rows = list(map(line, FIVE, FIVE_PRINTED))
    run = Run([], of_tool(*rows[:4]), of_tool(*rows))
    assert len(run.result.entries) == 9
    assert [suspect.field for suspect in run.result.suspects] == ["time zone"] * 4
    assert run.zones == ["undecided", "undecided"]


def test_two_rows_in_common_do_not_show_that_the_clocks_agree() -> None:
    """Somebody may have set the tool to another zone in between; nothing is dropped."""
    rows = list(map(line, FIVE, FIVE_PRINTED))
    run = Run([], of_tool(*rows[:3]), of_tool(*rows[1:]))
    assert len(run.result.entries) == 7


def test_a_bot_that_two_tables_show_at_different_hours_is_not_dropped() -> None:
    """One content again and again is one witness, however often it is printed."""
    hours = [f"03.05.2021 {hour:02}:00" for hour in range(9, 19)]
    run = Run(
        [],
        of_tool(*(line(A, hour) for hour in hours[:7])),
        of_tool(*(line(A, hour) for hour in hours[3:])),
    )
    assert len(run.result.entries) == 14


# -- fees on top of the amounts


ON_TOP = different(
    *("2021-01-11 08:10:09", "2021-02-02 11:41:36", "2021-03-03 20:17:51"),
    *("2021-03-04 10:00:00", "2021-03-05 10:00:00", "2021-03-06 10:00:00"),
)
UTC_PRINTED = (
    *("11.01.2021 08:10", "02.02.2021 11:41", "03.03.2021 20:17"),
    *("04.03.2021 10:00", "05.03.2021 10:00", "06.03.2021 10:00"),
)


def test_a_file_with_its_fees_on_top_is_read_so_row_by_row() -> None:
    """Rows without a fee stay as they are; so do those whose fee is in a third currency."""
    silent = attrs.evolve(ON_TOP[3], fee=None)
    third = line(ON_TOP[4], UTC_PRINTED[4], fee="0").replace(
        f'"{ON_TOP[4].fee}","EUR"', '"0.5","USD"'
    )
    sale = (
        f'"Trade","{ON_TOP[5].value}","EUR","{ON_TOP[5].amount}","BTC","{ON_TOP[5].fee}","EUR",'
        f'"Bitstamp","","","{UTC_PRINTED[5]}"'
    )
    rows = (
        *(line(*each, fee="0") for each in zip(ON_TOP[:3], UTC_PRINTED[:3], strict=True)),
        line(silent, UTC_PRINTED[3], fee="0"),
        third,
        sale,
    )
    run = Run(records(ON_TOP[:3]), of_tool(*rows))
    assert run.readings["fee"] == "on top of the amounts"
    assert run.said["new"] == ["4", "5", "6"]
    facts = [([str(leg.value) for leg in row.legs], str(row.fee)) for row in run.result.new]
    assert facts == [
        (["0.04219875", "-1996.79"], "None"),
        (["0.05219875", "-2469.97"], "0.5 USD"),
        (["-0.06219875", "2943.16000"], "1.00693 EUR"),
    ]


def test_a_fee_larger_than_its_amount_is_not_turned_round() -> None:
    """Read as on top, the amount would change its sign: such a row stays as it was read."""
    rows = [line(*each, fee="0") for each in zip(ON_TOP[:3], UTC_PRINTED[:3], strict=True)]
    tiny = '"Trade","0.00000001","BTC","0.01","EUR","0.05","EUR","Bitstamp","","",'
    run = Run(records(ON_TOP[:3]), of_tool(*rows, f'{tiny}"{UTC_PRINTED[3]}"'))
    assert run.readings["fee"] == "on top of the amounts"
    assert run.said["new"] == ["4"]
    assert run.result.counts.adds_up


def test_rows_read_with_the_fee_on_top_are_as_exact_as_printed() -> None:
    """Nothing was computed: a quote printed in full may not stray by a unit."""
    trades = [*ON_TOP[:3], attrs.evolve(ON_TOP[3], amount="0.50000000", price="100", fee="0.1")]
    rows = [line(*each, fee="0") for each in zip(trades, UTC_PRINTED, strict=False)]
    rows[3] = rows[3].replace('"50.00","EUR"', '"50.04","EUR"')
    run = Run(records(trades), of_tool(*rows))
    assert run.said["new"] == ["4"]


# -- ids, where time or kind are open


def with_id(trade: Happened, printed: str, number: int) -> Statement:
    """Read one row that states an id, of a tool that states no zone."""
    return table(WITH_ID, line(trade, printed, more=f',"{number}"'))


@pytest.mark.parametrize("printed", ["28.03.2021 05:11", "27.03.2021 10:42", "28.03.2021 14:40"])
def test_an_id_holds_in_whatever_zone_the_time_was_printed(printed: str) -> None:
    """As far as clocks go: fourteen hours."""
    run = Run(records([A]), with_id(A, printed, A.id))
    assert run.said == {"matches": ["1 is #163402118 (exchange id, certain)"]}


@pytest.mark.parametrize("printed", ["28.03.2021 14:43", "27.03.2021 10:40", "28.04.2021 00:41"])
def test_an_id_at_a_time_that_no_clock_shows_is_a_conflict(printed: str) -> None:
    """A minute or two further than any clock is off."""
    run = Run(records([A]), with_id(A, printed, A.id))
    assert run.said["conflicts"] == ["#163402118 / 1"]
    assert run.said["new"] == ["1"]


def test_an_id_with_another_amount_is_a_conflict_in_any_zone() -> None:
    """The open time excuses nothing else."""
    run = Run(records([A]), with_id(attrs.evolve(A, amount="0.5"), "28.03.2021 01:41", A.id))
    assert run.said["conflicts"] == ["#163402118 / 1"]


UNKNOWN = "9,Main Account,Something new,,2021-06-03T06:30:00Z,0.01000000,BTC,,,,,,,"


@pytest.mark.parametrize(
    ("kind", "amount", "time", "same"),
    [
        ("99", "0.01", "06:30:00.5", True),
        ("0", "0.01", "06:30:00.5", True),
        ("99", "0.02", "06:30:00.5", False),
        ("99", "0.01", "06:31:00.5", False),
    ],
)
def test_what_one_side_does_not_understand_is_compared_by_amount_and_time(
    kind: str, amount: str, time: str, *, same: bool
) -> None:
    """Under one id; both of the two must hold."""
    shown = {"id": 9, "type": kind, "datetime": f"2021-06-03 {time}", "btc": amount, "fee": "0.00"}
    run = Run(raw_records(shown), g2_lines(UNKNOWN))
    assert bool(run.result.matches) is same


# -- what is said


def test_a_conflict_names_all_that_contradict_each_other() -> None:
    """In one sentence."""
    versions = raw_records(
        *(
            {"id": 5, "type": "2", "datetime": A.time, "order_id": 1, "btc": btc, "eur": "-9.00"}
            | {"btc_eur": "1", "fee": "0.00"}
            for btc in ("0.1", "0.2")
        )
    )
    result = reconcile(versions, [g2(attrs.evolve(A, id=5))])
    (conflict,) = (each for each in result.conflicts if each.file)
    assert conflict.reason == (
        "the same exchange id, but other content: API record 5, API record 5"
    )


def test_a_zone_that_is_known_is_told_with_its_file() -> None:
    """And who says so."""
    statement = attrs.evolve(g1(A), path="old.csv")
    assert reconcile([], [statement]).zones == (
        StatementZone(
            path="old.csv",
            format="bitstamp-g1",
            zone="UTC",
            evidence="the file does not state it; its format is in this zone",
        ),
    )


def test_dates_that_were_read_rightly_are_told_so() -> None:
    """With the rows that speak for it, and the file."""
    trades = different(
        *("2021-04-03 17:20:09", "2021-05-06 08:00:01", "2021-07-02 11:11:11"),
        "2021-09-08 12:34:56",
    )
    printed = ("3/4/2021 17:20", "6/5/2021 8:00", "2/7/2021 11:11", "8/9/2021 12:34")
    statement = table(COINTRACKING, *map(line, trades, printed))
    (other,) = statement.alternatives
    as_read = statement.entries[0].time.month == 4
    named = attrs.evolve(
        statement if as_read else other,
        path="dates.csv",
        alternatives=(other if as_read else statement,),
    )
    result = reconcile(records(trades), [named])
    assert len(result.matches) == 4
    (said,) = (each for each in result.readings if each.question == "date order")
    assert (said.path, said.answer, said.evidence) == (
        "dates.csv",
        "as read",
        "4 rows fit as read, 0 with days and months exchanged",
    )


# -- orders that take long


def test_an_order_that_took_an_hour_tells_no_offset() -> None:
    """Its row may stand at any of its minutes, so it is no witness of a zone, but a suspect."""
    fills = [
        attrs.evolve(A, id=n, order=5, amount=amount, price="100", fee="0.10", time=time)
        for n, amount, time in (
            (1, "0.10000000", "2021-03-03 10:00:00"),
            (2, "0.20000000", "2021-03-03 10:50:00"),
        )
    ]
    row = "Buy,BTC/EUR,100,0.30000000,30.00,2021-03-03 10:50:00"
    known = reconcile(records(fills), [table(ORDERS, row, timezone="UTC")])
    assert [(match.rule, match.grade) for match in known.matches] == [(Rule.ORDERS, Grade.WEAK)]
    open_zone = reconcile(records(fills), [table(ORDERS, row)])
    assert open_zone.matches == ()
    assert [row.time for row in open_zone.new] == [dt.datetime(2021, 3, 3, 10, 50, tzinfo=dt.UTC)]


def test_an_undecided_zone_is_told_with_its_file() -> None:
    """And so are its fee, and its ids, with the rows that speak for each."""
    trades = FIVE[:3]
    statement = attrs.evolve(of_tool(*map(line, trades, PRINTED)), path="tool.csv")
    result = reconcile(records(trades), [statement])
    (zone,), (fee,), (ids,) = result.zones, result.readings, result.ids
    assert (zone.path, zone.format) == ("tool.csv", "cointracking-export")
    assert (fee.path, fee.question, fee.answer, fee.evidence) == (
        "tool.csv",
        "fee",
        "inside the amounts",
        "3 rows fit with the fee inside the amounts, 0 with the fee on top",
    )
    assert ids.path == "tool.csv"


def test_the_trust_in_ids_says_how_many_rows_agree() -> None:
    """And how many contradict; each row once, though API and another file hold it."""
    held = [A, *(attrs.evolve(A, id=n, time=f"2021-03-28 01:{n}:05") for n in (10, 20, 30))]
    changed = attrs.evolve(held[3], amount="0.5")
    first = attrs.evolve(g2(*held[:3], changed), path="a.csv")
    second = attrs.evolve(g2(*held[:3]), path="b.csv")
    trusts = {each.path: each for each in reconcile(records(held), [first, second]).ids}
    assert (trusts["a.csv"].trusted, trusts["a.csv"].agreeing) == (True, 3)
    assert (trusts["b.csv"].trusted, trusts["b.csv"].agreeing) == (True, 3)
    assert trusts["a.csv"].contradicting == 1
    assert trusts["b.csv"].contradicting == 0


# -- rows that state more than others of their file


def test_rows_that_state_their_zone_need_no_other() -> None:
    """One row states it, the next does not: the first is sure, the second is shown."""
    rows = [
        f"{time},BUY,{trade.amount},BTC (Bitcoin),CRYPTO,{trade.value},EUR,Bitstamp,,,"
        f"{trade.fee},EUR,,"
        for time, trade in zip(
            ("2021-01-11 09:10:09+01:00", "2021-02-02 12:41:36", "2021-03-03 21:17:51+01:00"),
            FIVE,
            strict=False,
        )
    ]
    run = Run(records(FIVE[:3]), table(DELTA, *rows))
    assert run.said["matches"] == ["1 is #1 (intervals, strong)", "3 is #3 (intervals, strong)"]
    assert run.said["new"] == ["2"]


def test_a_date_that_reads_alike_both_ways_is_sure() -> None:
    """The fifth of the fifth, in a file of which the order of dates stays open."""
    trades = different("2021-05-05 08:10:09", "2021-04-03 11:41:36")
    rows = list(map(line, trades, ("5/5/2021 8:10", "4/3/2021 11:41")))
    run = Run(records(trades), table(COINTRACKING, *rows, timezone="UTC"))
    assert run.readings["date order"] == "undecided"
    assert run.said == {
        "matches": ["1 is #1 (intervals, strong)"],
        "new": ["2"],
        "api only": ["#2"],
        "suspects": ["2 near #2: date order"],
    }


# -- what people said


def test_decisions_on_what_is_gone_are_passed_over() -> None:
    """On a record or a row that is not there any more; those that follow still hold."""
    edited = attrs.evolve(A, amount="0.5")
    (record,), (row,) = records([A]), g1(edited).entries
    confirmed = [
        Decision(verdict=Verdict.CONFIRM, record_id=one, row_id=other)
        for one, other in (("gone", row.id), (record.id, "gone"), (record.id, row.id))
    ]
    run = Run(records([A]), g1(edited), decisions=confirmed)
    assert run.said == {"matches": ["1 is #163402118 (decision, certain)"]}


def test_a_rejection_does_not_stop_the_confirmations_after_it() -> None:
    """Each decision is of its own pair."""
    trades = different("2021-03-28 00:41:36", "2021-03-28 00:45:10")
    edited = [attrs.evolve(each, price="1", fee=None) for each in trades]
    api, rows = records(trades), g1(*edited).entries
    said = [
        Decision(verdict=Verdict.REJECT, record_id=api[0].id, row_id=rows[0].id),
        *(
            Decision(verdict=Verdict.CONFIRM, record_id=one.id, row_id=other.id)
            for one, other in zip(api, rows, strict=True)
        ),
    ]
    run = Run(api, g1(*edited), decisions=said)
    assert run.said["matches"] == ["2 is #2 (decision, certain)"]


def test_of_equal_rows_the_one_that_was_rejected_stays() -> None:
    """Equal rows are interchangeable until a person tells them apart."""
    twins = g1(A, A)
    (record,) = records([A])
    for number, kept in ((0, "1"), (1, "2")):
        said = Decision(
            verdict=Verdict.REJECT, record_id=record.id, row_id=twins.entries[number].id
        )
        run = Run([record], twins, decisions=[said])
        assert run.said["new"] == [kept]
        assert len(run.result.matches) == 1


# -- ids


def test_ids_that_contradict_all_contents_are_no_ids() -> None:
    """Three rows of which each carries another record's id: compared by content, no conflict."""
    held = [attrs.evolve(A, id=n, time=f"2021-03-28 01:{n}:05") for n in (10, 20, 30)]
    rows = [attrs.evolve(each, id=held[n - 1].id) for n, each in enumerate(held)]
    run = Run(records(held), g2(*rows))
    assert run.said == {"matches": [f"{n} is #{n}0 (intervals, strong)" for n in (1, 2, 3)]}
    assert not run.result.ids[0].trusted


def test_each_row_that_contradicts_its_id_is_a_conflict_of_its_own() -> None:
    """Two of them, where other ids agree."""
    held = [attrs.evolve(A, id=n, time=f"2021-03-28 01:{n}:05") for n in (10, 20, 30, 40, 50)]
    changed = [attrs.evolve(each, amount="0.5") for each in held[:2]]
    run = Run(records(held), g2(*changed, *held[2:]))
    assert run.said["conflicts"] == ["#10 / 1", "#20 / 2"]
    assert run.result.ids[0].contradicting == 2


def test_one_row_whose_id_agrees_does_not_save_the_others() -> None:
    """Where ids are of another kind, one that happens to fit is no better witness."""
    held = [attrs.evolve(A, id=n, time=f"2021-03-28 01:{n}:05") for n in (10, 20, 30, 40, 50)]
    rows = [*(attrs.evolve(each, id=held[n - 1].id) for n, each in enumerate(held[:4])), held[4]]
    rows[0] = attrs.evolve(held[0], id=40)
    run = Run(records(held), g2(*rows))
    assert {match.rule for match in run.result.matches} == {Rule.INTERVALS}
    assert len(run.result.matches) == 5


def test_records_of_two_kinds_may_share_an_id() -> None:
    """A deposit's 5 says nothing of a trade's 5."""
    deposit = raw_records(
        {"id": 5, "type": "0", "datetime": "2021-03-27 21:05:12", "eur": "9.00", "fee": "0.00"}
    )
    run = Run(deposit, g2(attrs.evolve(A, id=5)))
    assert run.said == {"new": ["1"], "api only": ["#5"]}


def test_one_id_on_two_pairs_is_a_conflict() -> None:
    """Whichever way they went; only both sides of one pair are a trade with oneself."""
    run = Run(records([A]), g2(attrs.evolve(A, base="ETH", side="Sell")))
    assert run.said["conflicts"] == ["#163402118 / 1"]


# -- what becomes of a row whose zone was decided


def test_a_new_row_at_an_hour_that_came_twice_knows_both() -> None:
    """Its zone is told by the others; which of the two hours it was, nobody can tell."""
    trades = different(
        *("2021-01-11 08:10:09", "2021-02-02 11:41:36", "2021-03-03 20:17:51"),
        *("2021-04-11 05:30:00", "2021-06-09 17:59:59", "2021-08-20 23:20:07"),
    )
    printed = (*PRINTED, "09.06.2021 19:59", "21.08.2021 01:20")
    autumn = attrs.evolve(A, amount="0.77000000")
    rows = [*map(line, trades, printed), line(autumn, "31.10.2021 02:30")]
    run = Run(records(trades), of_tool(*rows))
    (new,) = run.result.new
    assert new.time == dt.datetime(2021, 10, 31, 0, 30, tzinfo=dt.UTC)
    assert new.source.other_time == dt.datetime(2021, 10, 31, 1, 30, tzinfo=dt.UTC)
    assert new.source.precision is not None
    assert new.source.precision.zone_open is False
    assert all(
        match.file[0].source.precision is not None
        and match.file[0].source.precision.zone_open is False
        for match in run.result.matches
    )


def test_clocks_that_agree_in_winter_need_not_agree_in_summer() -> None:
    """Winter rows in common; a bot's summer hours, alike in both files, may be two days'."""
    winter = different("2021-01-11 08:10:09", "2021-02-02 11:41:36", "2021-03-03 20:17:51")
    bot = [line(A, f"09.06.2021 {hour}:00") for hour in (10, 11)]
    rows = [*map(line, winter, PRINTED), *bot]
    more = line(attrs.evolve(A, amount="0.88000000"), "04.03.2021 10:00")
    run = Run([], of_tool(*rows), of_tool(*rows, more))
    assert run.result.file_matches == ()
    assert [suspect.field for suspect in run.result.suspects] == ["time zone"] * 5


def test_dates_that_fit_in_both_orders_prove_neither() -> None:
    """One row fits as read, one in the other order: both are shown, and none is merged."""
    trades = different("2021-03-04 08:10:00", "2021-04-03 11:41:36")
    rows = list(map(line, trades, ("4/3/2021 8:10", "4/3/2021 11:41")))
    run = Run(records(trades), table(COINTRACKING, *rows, timezone="UTC"))
    assert run.readings["date order"] == "undecided"
    assert run.said["new"] == ["1", "2"]
    assert "matches" not in run.said


def test_a_row_whose_minute_holds_the_first_record_is_unexplained() -> None:
    """The minute began before the record did; the API covers the rest of it."""
    held = [A, attrs.evolve(A, id=8, time="2021-03-28 00:50:00")]
    before = attrs.evolve(A, amount="0.5", time="2021-03-28 00:40:59")
    other = attrs.evolve(A, amount="0.5")
    run = Run(records(held), g1(before, other))
    assert [run.name(row) for row in run.result.unexplained] == ["2"]


# -- suspects that another file clears up, and those that it does not

NEXT_MINUTE = attrs.evolve(A, id=5, time="2021-03-28 00:42:10")


def test_a_file_that_tells_both_apart_clears_a_suspicion() -> None:
    """D41: a row a minute off is a trade of its own once one file holds it beside the other."""
    alone, both = g1(NEXT_MINUTE), g1(A, NEXT_MINUTE)
    assert Run(records([A]), alone).said["suspects"] == ["1 near #163402118: time"]
    for files in ((alone, both), (both, alone)):
        run = Run(records([A]), *files)
        assert run.result.suspects == ()
        assert len(run.result.entries) == 2


def test_a_file_that_tells_one_of_two_clears_nothing() -> None:
    """The row may have been edited in the one file, and not in the other: it would count twice."""
    edited, untouched = g1(attrs.evolve(A, fee="9.98100")), g2(A, with_ids=False)
    for files in ((edited, untouched), (untouched, edited)):
        run = Run(records([A]), *files)
        (suspect,) = run.result.suspects
        assert run.name(suspect.near) == "#163402118"
        assert suspect.field == "fee"


def test_a_copy_of_a_file_clears_nothing_up() -> None:
    """It repeats what was edited, and not what was there before."""
    edited = attrs.evolve(A, fee="9.98100")
    run = Run(records([A]), g1(edited), g1(edited))
    assert [suspect.field for suspect in run.result.suspects] == ["fee"]
