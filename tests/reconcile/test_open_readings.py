"""What a statement leaves open is decided once, from all of its rows, or left open.

Source: docs/facts/files.md, "Differences".
"""

import datetime as dt
import zoneinfo
from collections.abc import Iterable, Sequence
from decimal import Decimal

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitstamp_ledger import (
    Decision,
    Entry,
    Grade,
    Reconciliation,
    Rule,
    Statement,
    Verdict,
    read_statement,
)
from bitstamp_ledger.reconcile import reconcile
from tests.reconcile.builders import (
    Happened,
    g1_lines,
    g1_row,
    g2_row,
    g2_text,
    raw_records,
    records,
)

A = Happened()
COINTRACKING = '"Type","Buy","Cur.","Sell","Cur.","Fee","Cur.","Exchange","Group","Comment","Date"'
ORDERS = "Order Type,Pair,Price,Amount,Value,Closed"


def cointracking(
    *trades: Happened,
    zone: str = "UTC",
    folded: bool = True,
    clock: str = "%d.%m.%Y %H:%M",
    timezone: str | None = None,
) -> Statement:
    """Print trades as CoinTracking's trade table, and read it."""
    rows = [COINTRACKING]
    for trade in trades:
        fee = Decimal(trade.fee or 0)
        quote = Decimal(trade.value)
        if folded:
            quote += fee if trade.side == "Buy" else -fee
        base, total = f'"{trade.amount}","{trade.base}"', f'"{quote}","{trade.quote}"'
        legs = f"{base},{total}" if trade.side == "Buy" else f"{total},{base}"
        local = trade.instant.astimezone(zoneinfo.ZoneInfo(zone))
        rows.append(
            f'"Trade",{legs},"{fee}","{trade.quote}","Bitstamp","","","{local.strftime(clock)}"'
        )
    return read_statement("\n".join([*rows, ""]).encode(), timezone=timezone)


def orders(*rows: str, timezone: str | None = "UTC") -> Statement:
    """Read an export of orders."""
    return read_statement("\n".join([ORDERS, *rows, ""]).encode(), timezone=timezone)


def at(*times: str, first: int = 1) -> list[Happened]:
    """Return trades of different amounts at these times."""
    return [
        attrs.evolve(
            A, id=first + n, time=time, amount=f"0.0{first + n}219875", fee=f"1.{first + n:03}93"
        )
        for n, time in enumerate(times)
    ]


def hourly(*hours: int) -> list[Happened]:
    """Return what a bot does every hour."""
    return [
        attrs.evolve(A, id=hour, time=f"2021-05-03 {hour:02}:00:05", order=hour) for hour in hours
    ]


def fields(result: Reconciliation) -> list[str]:
    """What the suspects miss by."""
    return [suspect.field for suspect in result.suspects]


WINTER = ("2021-01-11 08:10:09", "2021-02-02 11:41:36", "2021-03-03 20:17:51")
SUMMER = ("2021-04-11 05:30:00", "2021-06-09 17:59:59", "2021-08-20 23:20:07")
ZONES = ["Europe/Paris", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "UTC"]


# -- zones


@pytest.mark.parametrize("zone", ZONES)
def test_the_zone_is_told_by_all_rows_together(zone: str) -> None:
    """D4, D5: summer time included, so no single shift would do."""
    trades = at(*WINTER, *SUMMER)
    result = reconcile(records(trades), [cointracking(*trades, zone=zone)])
    assert len(result.matches) == 6
    assert result.new == ()
    assert {match.grade for match in result.matches} == {Grade.STRONG}
    assert result.zones[0].evidence == "6 of 6 rows that tell it agree"


def test_summer_time_begins_within_a_night() -> None:
    """D5, the worked pair: an hour ahead at 00:41, two at 01:05."""
    night = at("2021-03-28 00:41:36", "2021-03-28 01:05:10", first=7)
    trades = [*at(*WINTER), *SUMMER_TRADES, *night]
    statement = cointracking(*trades, zone="Europe/Paris")
    assert [str(row.time)[:16] for row in statement.entries[-2:]] == [
        "2021-03-28 01:41",
        "2021-03-28 03:05",
    ]
    result = reconcile(records(trades), [statement])
    assert len(result.matches) == 8
    assert result.zones[0].zone == "Europe/Paris"


SUMMER_TRADES = at(*SUMMER, first=4)


def test_a_zone_that_the_caller_named_needs_no_evidence() -> None:
    """D5 with two rows: too few to tell, so somebody has to."""
    trades = at("2021-03-28 00:41:36", "2021-03-28 01:05:10")
    named = cointracking(*trades, zone="Europe/Paris", timezone="Europe/Paris")
    assert len(reconcile(records(trades), [named]).matches) == 2
    unnamed = reconcile(records(trades), [cointracking(*trades, zone="Europe/Paris")])
    assert unnamed.matches == ()
    assert unnamed.zones[0].zone == "undecided"
    assert fields(unnamed) == ["time zone", "time zone"]


def test_new_rows_get_the_time_of_the_zone_that_was_decided() -> None:
    """Their clock was an hour ahead; the ledger holds UTC."""
    trades = at(*WINTER)
    more = at("2021-01-20 10:00:00", first=7)
    result = reconcile(records(trades), [cointracking(*trades, *more, zone="Europe/Paris")])
    (new,) = result.new
    assert new.time == dt.datetime(2021, 1, 20, 10, tzinfo=dt.UTC)


def test_rows_on_which_the_zones_that_are_left_differ_stay_open() -> None:
    """Winter alone does not tell whether the clocks went forward; nothing is guessed."""
    trades = at(*WINTER)
    more = at("2021-06-09 17:59:59", first=7)
    result = reconcile(records(trades), [cointracking(*trades, *more, zone="Europe/Paris")])
    (new,) = result.new
    assert new.time == dt.datetime(2021, 6, 9, 19, 59, tzinfo=dt.UTC)
    assert result.zones[0].evidence == (
        "3 of 3 rows that tell it agree; 1 of 4 rows stays open, as the file prints them"
    )


def test_an_hour_that_the_clocks_showed_twice_is_both() -> None:
    """D6: 02:30 in Paris was 00:30 and 01:30; two rows for two records."""
    twice = [
        attrs.evolve(A, id=70, time="2021-10-31 00:30:00"),
        attrs.evolve(A, id=71, time="2021-10-31 01:30:00"),
    ]
    trades = [*at(*WINTER), *SUMMER_TRADES, *twice]
    result = reconcile(records(trades), [cointracking(*trades, zone="Europe/Paris")])
    assert len(result.matches) == 8
    one = [*trades[:-2], trades[-1]]
    assert len(reconcile(records(one), [cointracking(*trades, zone="Europe/Paris")]).new) == 1


def test_an_hourly_bot_never_matches_itself() -> None:
    """Hours row by row would explain every row of it; the file says the first two hours."""
    api = hourly(9, 10, 11)
    utc = g1_lines(*(g1_row(each) for each in hourly(9, 10)))
    assert len(reconcile(records(api), [utc]).matches) == 2


@pytest.mark.parametrize("zone", ["UTC", "Europe/Paris"])
def test_an_hourly_bot_says_nothing_of_its_zone(zone: str) -> None:
    """Many shifts fit many rows, so none is taken: nothing is dropped, and a person is told."""
    api, rows = hourly(*range(4, 15)), hourly(*range(2, 12))
    result = reconcile(records(api), [cointracking(*rows, zone=zone)])
    assert result.matches == ()
    assert len(result.new) == 10
    assert result.zones[0].zone == "undecided"


def test_a_record_that_several_rows_may_be_is_evidence_for_none() -> None:
    """One of the bot's hours is known; which of its rows that is depends on the zone."""
    result = reconcile(records(hourly(10)), [cointracking(*hourly(9, 10, 11))])
    assert result.matches == ()
    assert len(result.new) == 3


def test_rows_of_a_bot_do_not_disturb_the_others() -> None:
    """Its hours are decided by the trades beside it."""
    bot = hourly(9, 10, 11)
    trades = [*at(*WINTER), *SUMMER_TRADES, *bot]
    statement = cointracking(*[*trades[:-1], *hourly(8)], zone="Europe/Paris")
    result = reconcile(records(trades), [statement])
    assert len(result.matches) == 8
    assert [row.time.hour for row in result.new] == [8]


def test_the_same_undecided_file_twice_adds_nothing() -> None:
    """D31: its rows are recognised by their cells, though nobody knows their hour."""
    statement = cointracking(*hourly(9, 10, 11), zone="Europe/Paris")
    assert len(reconcile([], [statement, statement]).entries) == 3


@pytest.mark.parametrize("year", ["0001", "9999"])
def test_times_at_the_ends_of_the_calendar_do_no_harm(year: str) -> None:
    """A hostile file may print any year."""
    row = f'"Trade","1","BTC","10","EUR","","","Bitstamp","","","{year}-12-31 23:59:59"'
    statement = read_statement(f"{COINTRACKING}\n{row}\n".encode())
    trades = at(*WINTER)
    both = attrs.evolve(statement, entries=(*cointracking(*trades).entries, *statement.entries))
    assert len(reconcile(records(trades), [both]).matches) == 3


# -- fees


@pytest.mark.parametrize("side", ["Buy", "Sell"])
def test_a_fee_inside_the_amount_is_taken_out(side: str) -> None:
    """D17: trade A as CoinTracking prints it, 2006.77393 paid or 1986.80607 received."""
    trade = attrs.evolve(A, side=side)
    result = reconcile(records([trade]), [cointracking(trade, timezone="UTC")])
    assert [match.rule for match in result.matches] == [Rule.INTERVALS]
    assert result.readings[0].answer == "undecided"


@pytest.mark.parametrize(
    ("folded", "answer"), [(True, "inside the amounts"), (False, "on top of the amounts")]
)
def test_where_the_fee_is_holds_for_the_whole_file(*, folded: bool, answer: str) -> None:
    """D17: makers of such files who ignore the rule ignore it in every row."""
    trades = [*at(*WINTER), *SUMMER_TRADES]
    more = at("2021-01-20 10:00:00", first=7)
    result = reconcile(records(trades), [cointracking(*trades, *more, folded=folded)])
    assert len(result.matches) == 6
    assert result.readings[0].answer == answer
    (new,) = result.new
    assert new.legs[1].value == Decimal("-3416.35")


def test_one_row_does_not_tell_where_the_fee_is() -> None:
    """It is read by the format's rule, and what misses by the quote is shown."""
    result = reconcile(records([A]), [cointracking(A, folded=False)])
    assert result.matches == ()
    assert result.readings[0].answer == "undecided"
    assert len(result.new) == 1


# -- orientation and names


def test_a_pair_that_was_only_sent_and_received_is_the_same() -> None:
    """D25: a sale of ETH for BTC, which the reader may take for a purchase of BTC with ETH."""
    sale = attrs.evolve(
        A, side="Sell", base="ETH", quote="BTC", amount="0.83310000", price="0.05914377", fee=None
    )
    trades = [sale]
    result = reconcile(records(trades), [cointracking(sale, timezone="UTC")])
    assert len(result.matches) == 1


def test_a_quote_in_coins_is_known_to_eight_digits() -> None:
    """0.05 BTC is 0.05000000: a record is never as wide as its zeros that were left out."""
    api = raw_records(
        {
            "id": 5,
            "order_id": 6,
            "type": "2",
            "datetime": A.time,
            "eth": "1.00000000",
            "btc": "-0.05",
            "eth_btc": "0.05",
            "fee": "0.00",
        }
    )
    row = 'Market,"Mar. 28, 2021, 12:41 AM",Main Account,1.00000000 ETH,0.05400000 BTC,0.054 BTC,,'
    result = reconcile(api, [g1_lines(row + "Buy")])
    assert result.matches == ()
    assert fields(result) == ["quote amount"]


def test_a_staking_reward_has_two_names() -> None:
    """D26: eth2r by the API, ETH2 in files; rewards only."""
    api = raw_records({"id": 9, "type": "27", "datetime": "2021-06-09 17:59:59", "eth2r": "0.01"})
    row = 'Staking reward,"Jun. 09, 2021, 05:59 PM",Main Account,0.01000000 ETH2R,,,,'
    assert len(reconcile(api, [g1_lines(row)]).matches) == 1


# -- what proves too little


KOINLY = (
    "Date,Sent Amount,Sent Currency,Received Amount,Received Currency,Fee Amount,Fee Currency,"
    "Net Worth Amount,Net Worth Currency,Label,Description,TxHash"
)


def koinly(cells: str) -> Statement:
    """Read one row of a tool that states UTC."""
    return read_statement(f"{KOINLY}\n{cells},,,,Bitstamp,\n".encode())


def test_a_rounded_base_needs_the_fee_for_a_second_proof() -> None:
    """D13: 0.0422 for 0.04219875."""
    row = "2021-03-28 00:41:36 UTC,1996.79,EUR,0.0422,BTC,{}"
    proved = reconcile(records([A]), [koinly(row.format("9.98393,EUR"))])
    assert [match.grade for match in proved.matches] == [Grade.WEAK]
    unproved = reconcile(records([A]), [koinly(row.format(","))])
    assert unproved.matches == ()
    assert fields(unproved) == ["base amount"]


def test_a_date_alone_is_shown_and_not_merged() -> None:
    """D9: too many things happen in a day."""
    rows = "Date,Received Quantity,Received Currency,Sent Quantity,Sent Currency,Fee Amount,"
    rows += "Fee Currency,Tag\n03/28/2021,0.04219875,BTC,1996.79,EUR,9.98393,EUR,\n"
    result = reconcile(records([A]), [read_statement(rows.encode())])
    assert result.matches == ()
    assert fields(result) == ["time"]


@pytest.mark.parametrize("amount", ["42.19875", "4219875"])
def test_a_slip_of_units_is_no_match(amount: str) -> None:
    """D46: millibitcoins and satoshis."""
    row = f"2021-03-28 00:41:36 UTC,1996.79,EUR,{amount},BTC,9.98393,EUR"
    result = reconcile(records([A]), [koinly(row)])
    assert result.matches == ()
    assert fields(result) == ["base amount"]


def test_a_time_that_was_rounded_up_is_shown() -> None:
    """D3: 00:42 for 00:41:36."""
    up = attrs.evolve(A, time="2021-03-28 00:42:00")
    result = reconcile(records([A]), [g1_lines(g1_row(up))])
    assert result.matches == ()
    assert fields(result) == ["time"]


# -- order of dates


SWAPPED = (
    "2021-04-03 17:20:09",
    "2021-05-06 08:00:01",
    "2021-07-02 11:11:11",
    "2021-09-08 12:34:56",
)


def test_days_and_months_are_told_apart_by_all_rows() -> None:
    """D7: nothing in the file says which come first, but the records do."""
    trades = at(*SWAPPED)
    statement = cointracking(*trades, clock="%-m/%-d/%Y %H:%M")
    assert statement.alternatives
    result = reconcile(records(trades), [statement])
    assert len(result.matches) == 4
    assert [each.answer for each in result.readings if each.question == "date order"] == [
        "the other order"
    ]


def test_one_row_does_not_tell_days_from_months() -> None:
    """D7: shown, and not merged on one row's word."""
    (trade,) = at(SWAPPED[0])
    result = reconcile(records([trade]), [cointracking(trade, clock="%-m/%-d/%Y %H:%M")])
    assert result.matches == ()
    assert fields(result) == ["date order"]


# -- orders


def order(number: int, *, first: int, time: str = "2024-05-14 09:12") -> list[Happened]:
    """Return the three executions of the worked example."""
    facts = (
        ("05.101", "0.01730000", "64210.5", "4.44337"),
        ("05.350", "0.02270000", "64210.5", "5.83031"),
        ("41.002", "0.06000000", "64211", "15.41064"),
    )
    return [
        attrs.evolve(
            A,
            id=first + n,
            order=number,
            time=f"{time}:{second}",
            amount=amount,
            price=price,
            fee=fee,
        )
        for n, (second, amount, price, fee) in enumerate(facts)
    ]


ROW = "Buy,BTC/EUR,64210.8,0.10000000,6421.08,2024-05-14 09:12:41"


@pytest.mark.parametrize("second", ["05", "30", "41", "42"])
def test_a_row_may_be_all_executions_of_an_order(second: str) -> None:
    """D24: at its first execution, its last, between, or as the order is closed."""
    api = records(order(7, first=1))
    result = reconcile(api, [orders(ROW.replace(":41", f":{second}"))])
    (match,) = result.matches
    assert match.rule is Rule.ORDERS
    assert [entry.transaction_id for entry in match.api] == [1, 2, 3]
    assert result.api_only == ()
    assert result.new == ()
    assert result.counts.adds_up
    assert "0.10000000 BTC" in match.explain()


@pytest.mark.parametrize(
    "changed",
    [
        ROW.replace("0.10000000", "0.10000001"),
        ROW.replace("6421.08", "6421.12"),
        ROW.replace("Buy", "Sell"),
        ROW.replace("EUR", "USD"),
        ROW.replace("09:12:41", "09:12:44"),
        ROW.replace("09:12:41", "09:12:03"),
    ],
)
def test_an_order_that_differs_in_one_fact_is_another(changed: str) -> None:
    """The base is exact, and quotes are off by no more than all roundings together."""
    result = reconcile(records(order(7, first=1)), [orders(changed)])
    assert result.matches == ()
    assert len(result.new) == 1


def test_of_two_equal_orders_one_row_is_one() -> None:
    """D24: three records are left over, whichever."""
    api = records([*order(7, first=1), *order(8, first=11)])
    result = reconcile(api, [orders(ROW)])
    assert [entry.transaction_id for entry in result.matches[0].api] == [1, 2, 3]
    assert [entry.transaction_id for entry in result.api_only] == [11, 12, 13]
    assert len(reconcile(api, [orders(ROW, ROW)]).matches) == 2
    assert len(reconcile(api, [orders(ROW, ROW, ROW)]).new) == 1


def test_executions_are_not_summed_freely() -> None:
    """Two of three make the sum of nothing; neither do those of two orders."""
    fills = order(7, first=1)
    two = ROW.replace("0.10000000", "0.04000000").replace("6421.08", "2568.42")
    assert reconcile(records(fills), [orders(two)]).matches == ()
    apart = [attrs.evolve(each, order=each.id) for each in fills]
    assert reconcile(records(apart), [orders(ROW)]).matches == ()


def test_an_order_is_not_one_execution_of_another() -> None:
    """A row of orders stands for all of one; an equal execution is a part."""
    row = "Buy,BTC/EUR,64211,0.06000000,3852.66,2024-05-14 09:12:41"
    result = reconcile(records(order(7, first=1)), [orders(row)])
    assert result.matches == ()


def test_an_order_of_one_execution_is_that_execution() -> None:
    """Most orders are."""
    row = "Buy,BTC/EUR,47318.62,0.04219875,1996.79,2021-03-28 00:41:36"
    (match,) = reconcile(records([A]), [orders(row)]).matches
    assert match.rule is Rule.INTERVALS


def test_a_tool_may_have_joined_executions() -> None:
    """D24 in a tool's file, with the sum of the fees."""
    row = "2024-05-14 09:12:41 UTC,6421.08,EUR,0.10000000,BTC,25.68432,EUR"
    result = reconcile(records(order(7, first=1)), [koinly(row)])
    assert [(match.rule, match.grade) for match in result.matches] == [(Rule.ORDERS, Grade.STRONG)]


def test_a_file_of_orders_tells_its_zone_too() -> None:
    """Each order is one witness, however many executions it has."""

    def shown(trades: Sequence[Happened]) -> list[str]:
        zone = zoneinfo.ZoneInfo("America/New_York")
        return [
            f"Buy,BTC/EUR,1,{trade.amount},{trade.value},"
            f"{trade.instant.astimezone(zone):%Y-%m-%d %H:%M:%S}"
            for trade in trades
        ]

    single = [attrs.evolve(each, order=each.id) for each in (*at(*WINTER), *SUMMER_TRADES)]
    api: list[Entry] = records([*single, *order(777, first=21)])
    joined = ROW.replace("09:12:41", "05:12:41")
    result = reconcile(api, [orders(*shown(single), joined, timezone=None)])
    assert len(result.matches) == 7
    assert result.zones[0].zone == "America/New_York"


# -- laws


def bot(hours: Iterable[int]) -> list[Happened]:
    """Return the trades of these hours of a week; the bot's are all alike."""
    return [
        attrs.evolve(A, id=100 + hour, time=f"2021-05-{3 + hour // 24:02} {hour % 24:02}:00:05")
        for hour in sorted(hours)
    ]


def bots_in(result: Reconciliation) -> list[Entry]:
    """Return what the bot did, in the one week that it ran."""
    return [
        entry
        for entry in result.entries
        if entry.legs[0].value == Decimal(A.amount)
        and (entry.time.year, entry.time.month) == (2021, 5)
    ]


HOURS = st.sets(st.integers(0, 47), max_size=6)


@given(st.data())
@settings(max_examples=40)
def test_no_trade_of_a_bot_is_lost_in_a_zone_that_nobody_states(data: st.DataObject) -> None:
    """The API holds some hours, each file others, in zones of their own; some trades tell them.

    Whatever is paired, the ledger has at least as many trades as there were.
    """
    witnesses = [*at(*WINTER), *SUMMER_TRADES][: data.draw(st.integers(0, 6))]
    held = data.draw(HOURS)
    told = set(held)
    files = []
    # In two layouts: files that are the same to the last cell are held to be one.
    for clock in ("%d.%m.%Y %H:%M", "%d.%m.%Y %H:%M:%S")[: data.draw(st.integers(1, 2))]:
        hours, zone = data.draw(HOURS), data.draw(st.sampled_from(ZONES))
        told |= hours
        files.append(cointracking(*witnesses, *bot(hours), zone=zone, clock=clock))
    result = reconcile(records([*witnesses, *bot(held)]), files)
    assert len(bots_in(result)) >= len(told)
    assert result.counts.adds_up


@given(st.data())
def test_a_row_is_an_order_only_if_it_is_all_of_it(data: st.DataObject) -> None:
    """One unit more, or one execution left out, and it is something else."""
    units = data.draw(st.lists(st.integers(1, 10**6), min_size=2, max_size=5))
    fills = [
        attrs.evolve(
            A,
            id=number,
            order=7,
            time=f"2024-05-14 09:12:{number:02}.5",
            amount=f"{Decimal(unit).scaleb(-8):.8f}",
            price="100000.00",
            fee="0.10000",
        )
        for number, unit in enumerate(units, 1)
    ]
    total = sum(units)
    value = sum((Decimal(fill.value) for fill in fills), Decimal(0))
    row = f"Buy,BTC/EUR,1,{Decimal(total).scaleb(-8):.8f},{value},2024-05-14 09:12:01"
    whole = reconcile(records(fills), [orders(row)])
    assert [len(match.api) for match in whole.matches] == [len(fills)]
    assert whole.new == whole.api_only == ()
    more = f"Buy,BTC/EUR,1,{Decimal(total + 1).scaleb(-8):.8f},{value},2024-05-14 09:12:01"
    assert reconcile(records(fills), [orders(more)]).matches == ()
    lacking = data.draw(st.sampled_from(fills))
    left = [fill for fill in fills if fill is not lacking]
    assert reconcile(records(left), [orders(row)]).matches == ()


FEBRUARY = ("2021-02-02 08:10:09", "2021-02-06 11:41:36", "2021-02-09 20:17:51")
MAY = ("2021-04-28 05:30:00", "2021-05-02 17:59:59", "2021-05-07 23:20:07")


@pytest.mark.parametrize("zone", ["UTC", "Europe/Paris"])
def test_two_files_of_one_clock_are_compared_without_a_zone(zone: str) -> None:
    """Nothing is known of their zone but that it is one: three trades of those weeks say so."""
    trades = at(*MAY)
    first = cointracking(*trades, *hourly(9, 10), zone=zone)
    second = cointracking(*trades, *hourly(10, 11), zone=zone, clock="%d.%m.%Y %H:%M:%S")
    result = reconcile([], [first, second])
    assert len(result.entries) == 6
    assert [each.zone for each in result.zones] == ["undecided", "undecided"]


def test_two_files_of_two_clocks_are_not_taken_for_one() -> None:
    """The same history in two zones: the bot's hours overlap as printed, and are other hours."""
    trades = [*at(*WINTER), *SUMMER_TRADES]
    first = cointracking(*trades, *hourly(9, 10), zone="UTC")
    second = cointracking(*trades, *hourly(7, 8), zone="Europe/Paris")
    assert len(bots_in(reconcile([], [first, second]))) == 4


def test_clocks_that_agree_in_winter_may_differ_in_summer() -> None:
    """Paris and Lagos: one shows eleven at nine, the other at ten."""
    trades = at(*FEBRUARY)
    first = cointracking(*trades, *hourly(9), zone="Europe/Paris")
    clock = "%d.%m.%Y %H:%M:%S"  # Else they would be one file, saved twice, to the last cell.
    second = cointracking(*trades, *hourly(10), zone="Africa/Lagos", clock=clock)
    result = reconcile([], [first, second])
    assert len(result.entries) == 5
    assert len(bots_in(result)) == 2


def test_two_clocks_that_are_an_hour_apart_are_not_taken_for_one() -> None:
    """All three trades of those weeks say so: the bot's hours are alike only as printed."""
    first = cointracking(*at(*MAY), *hourly(9, 10), zone="UTC")
    second = cointracking(*at(*MAY), *hourly(8, 9), zone="Africa/Lagos", clock="%d.%m.%Y %H:%M:%S")
    assert len(bots_in(reconcile([], [first, second]))) == 4


def test_a_copy_in_between_does_not_hide_the_clocks_after_it() -> None:
    """All rows of the copy are of another file's clock, so of its own there are none to compare."""
    seconds = "%d.%m.%Y %H:%M:%S"
    # Of fewest rows first: both of one clock are read before those of the other.
    ours, others = at(*FEBRUARY), at(*MAY, "2021-05-09 10:10:10", first=4)
    files = [
        cointracking(*ours, zone="Europe/Paris"),
        cointracking(*ours, zone="Europe/Paris", clock=seconds),
        cointracking(*others, zone="Asia/Kathmandu"),
        cointracking(*others, zone="Asia/Kathmandu", clock=seconds),
    ]
    for statements in (files, files[::-1]):
        assert len(reconcile([], statements).entries) == 7


def test_a_bot_is_one_witness_however_often_it_trades() -> None:
    """At ten by the API, at eleven by a file that is in UTC: four days tell no more than one."""
    days = [
        attrs.evolve(A, id=day, time=f"2021-05-{day:02} 10:00:05", order=day) for day in range(3, 7)
    ]
    rows = [attrs.evolve(each, time=each.time.replace(" 10", " 11")) for each in days]
    result = reconcile(records(days), [cointracking(*rows)])
    assert result.matches == ()
    assert fields(result) == ["time zone"] * 4


def test_files_that_stay_open_wait_for_those_that_tell() -> None:
    """The first file shares nothing with the API, but three trades with the second, which does."""
    ours = at(*WINTER)
    others = at("2021-01-05 05:00:00", "2021-02-06 06:00:00", "2021-03-04 07:00:00", first=4)
    # The more precise one is read first, when nothing tells its zone yet.
    first = cointracking(*others, *hourly(9), zone="Europe/Paris", clock="%d.%m.%Y %H:%M:%S")
    second = cointracking(*ours, *others, zone="Asia/Kathmandu")
    for statements in ((first, second), (second, first)):
        result = reconcile(records(ours), statements)
        assert len(result.entries) == 7


@pytest.mark.parametrize("hour", [8, 9, 10])
def test_one_row_of_an_unknown_zone_is_shown_and_kept(hour: int) -> None:
    """Even where it fits as printed: it may be the bot's trade of another hour."""
    row = attrs.evolve(A, time=f"2021-05-03 {hour:02}:00:05")
    result = reconcile(records(hourly(10)), [cointracking(row)])
    assert result.matches == ()
    assert fields(result) == ["time zone"]


def test_a_row_of_an_unknown_zone_that_may_be_an_order_is_shown() -> None:
    """All executions together, two hours off."""
    result = reconcile(
        records(order(7, first=1)), [orders(ROW.replace(" 09:", " 11:"), timezone=None)]
    )
    assert result.matches == ()
    assert fields(result) == ["time zone"]
    first, *_ = records(order(7, first=1))
    said = Decision(verdict=Verdict.REJECT, record_id=first.id, row_id=result.suspects[0].row.id)
    again = reconcile(
        records(order(7, first=1)),
        [orders(ROW.replace(" 09:", " 11:"), timezone=None)],
        decisions=[said],
    )
    assert fields(again) == []


def with_ids(*trades: Happened, timezone: str | None = None) -> Statement:
    """Print trades as CoinTracking does, with a column of ids."""
    lines = [COINTRACKING + ',"Tx-ID"']
    for trade in trades:
        total = Decimal(trade.value) + Decimal(trade.fee or 0)
        lines.append(
            f'"Trade","{trade.amount}","BTC","{total}","EUR","{trade.fee}","EUR","Bitstamp","","",'
            f'"{trade.instant:%d.%m.%Y %H:%M}","{trade.id}"'
        )
    return read_statement("\n".join([*lines, ""]).encode(), timezone=timezone)


def test_an_unlike_id_is_told_though_the_zone_is_open_as_well() -> None:
    """Of two events with two ids it is not the zone that says they are two."""
    unlike = attrs.evolve(A, id=A.id + 1)
    for timezone in (None, "UTC"):
        result = reconcile(records([A]), [with_ids(unlike, timezone=timezone)])
        assert [suspect.field for suspect in result.suspects] == ["exchange id"]
        assert "the exchange id differs" in result.suspects[0].explain()


def test_an_unlike_id_beside_proven_ones_is_another_trade_in_any_zone() -> None:
    """As where the zone is known: once ids have proved themselves, two ids are two events."""
    known = [attrs.evolve(A, id=n, time=f"2021-03-2{n} 00:41:36") for n in (1, 2)]
    rows = [known[0], attrs.evolve(known[1], id=7)]
    for timezone in (None, "UTC"):
        result = reconcile(records(known), [with_ids(*rows, timezone=timezone)])
        assert [match.rule for match in result.matches] == [Rule.EXCHANGE_ID]
        assert result.suspects == ()
        assert [row.transaction_id for row in result.new] == [7]


def test_ids_of_another_kind_do_not_hide_that_the_zone_is_open() -> None:
    """Where ids contradict contents throughout, they say nothing of any row."""
    known = [attrs.evolve(A, id=n, time=f"2021-03-2{n} 00:41:36") for n in (1, 2, 3, 4)]
    wrong = [attrs.evolve(each, id=each.id % 4 + 1) for each in known[:3]]
    rows = [*wrong, attrs.evolve(known[3], id=9)]
    result = reconcile(records(known), [with_ids(*rows)])
    assert result.matches == ()
    assert [suspect.field for suspect in result.suspects] == ["time zone"] * 4


def test_the_evidence_is_told_in_whole_sentences() -> None:
    """Of nothing there is nothing to count."""
    nobody = reconcile([], [cointracking(A)])
    (undecided,) = nobody.zones
    assert undecided.zone == "undecided"
    assert undecided.evidence == (
        "no row shares all but its time with one known entry only, so none tells the zone; "
        "1 of 1 row stays open, as the file prints them"
    )
    assert [(each.question, each.evidence) for each in nobody.readings] == [
        ("fee", "no row fits a known entry in one reading only")
    ]
    (one,) = reconcile(records([A]), [cointracking(A)]).zones
    assert one.evidence.startswith("only 1 of 1 row that tells it agree, too few to be sure; ")


@pytest.mark.parametrize(
    ("statement", "evidence"),
    [
        (g1_lines(g1_row(A)), "the file does not state it; its format is in this zone"),
        (cointracking(A, timezone="Asia/Tokyo"), "named by whoever read the file"),
        (
            read_statement(g2_text([g2_row(A)])),
            "the file states it",
        ),
    ],
)
def test_who_says_in_which_zone_a_statement_is(statement: Statement, evidence: str) -> None:
    """In words that need no glossary."""
    assert [zone.evidence for zone in reconcile([], [statement]).zones] == [evidence]


@pytest.mark.parametrize("turned", [False, True], ids=["as the exchange does", "the other way"])
def test_orders_of_several_executions_tell_their_zone(*, turned: bool) -> None:
    """No execution is as large as its order; and a pair may have been turned round."""
    fills: list[Happened] = []
    rows: list[str] = []
    for order, (time, price) in enumerate(
        [
            ("2021-03-01 10:11:12.500000", "0.03123456"),
            ("2021-03-05 17:45:01.100000", "0.03234560"),
            ("2021-03-09 03:22:45.900000", "0.03334560"),
        ]
    ):
        parts = [
            Happened(
                id=200 + 2 * order + number,
                time=time,
                base="ETH",
                quote="BTC",
                amount=amount,
                price=price,
                fee=None,
                order=9_100 + order,
            )
            for number, amount in enumerate([f"0.{order + 1}3456789", f"1.{order + 4}2345678"])
        ]
        fills += parts
        amount = sum(Decimal(each.amount) for each in parts)
        value = sum(Decimal(each.value) for each in parts)
        closed = f"{parts[0].instant - dt.timedelta(hours=5):%Y-%m-%d %H:%M:%S}"
        if turned:
            rows.append(f"Sell,BTC/ETH,32.0,{value},{amount},{closed}")
        else:
            rows.append(f"Buy,ETH/BTC,{price},{amount},{value},{closed}")

    result = reconcile(records(fills), [orders(*rows, timezone=None)])

    assert [zone.zone for zone in result.zones] == ["UTC-05:00"]
    assert [len(match.api) for match in result.matches] == [2, 2, 2]
    assert result.new == ()
