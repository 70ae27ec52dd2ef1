"""The catalogue of differences between a record and a row, D1 to D47, each with its verdict.

Every test goes from the bytes of a file and a page of the API to the result.  Of a row that may be
either, the result must say that it is not sure; nothing is dropped in any of them.

Source: docs/facts/files.md, "Differences".
"""

from decimal import Decimal

import attrs
import pytest

from bitstamp_ledger import Decision, Statement, Verdict
from tests.reconcile.builders import (
    Happened,
    g1_row,
    g1_text,
    g2_row,
    raw_records,
    records,
)
from tests.reconcile.verdicts import (
    ALIKE,
    ALIKE_BUT_ACCOUNT,
    BLOCKPIT,
    BULK_EDIT,
    COINTRACKER,
    COINTRACKING,
    CRYPTOTAXCALCULATOR,
    DELTA,
    KOINLY,
    ORDERS,
    ROTKI,
    Run,
    g1_file,
    g2_file,
    read,
    table,
)

A = Happened()
SOLD_FOR_BTC = Happened(
    base="ETH",
    quote="BTC",
    side="Sell",
    amount="0.83310000",
    price="0.05914377",
    fee="0.00012318",
)
"""Its quote is 0.04927267 BTC."""

PAIR = "1 is #163402118 (intervals, strong)"
PAIR_WEAK = "1 is #163402118 (intervals, weak)"
APART = {"new": ["1"], "api only": ["#163402118"]}

TEN = Happened(
    amount="0.01000000", price="64210.5", fee="2.56844", time="2024-05-14 09:12:05.101", id=1
)
"""A bot's fill, 642.11 EUR; it has many that are equal."""

WINTER = ("2021-01-11 08:10:09", "2021-02-02 11:41:36", "2021-03-03 20:17:51")
SUMMER = ("2021-04-11 05:30:00", "2021-06-09 17:59:59", "2021-08-20 23:20:07")
IN_PARIS = (
    *("11.01.2021 09:10", "02.02.2021 12:41", "03.03.2021 21:17"),
    *("11.04.2021 07:30", "09.06.2021 19:59", "21.08.2021 01:20"),
)


def at(*times: str, first: int = 1) -> list[Happened]:
    """Return trades of different amounts at these times."""
    return [
        attrs.evolve(
            A, id=first + n, time=time, amount=f"0.0{first + n}219875", fee=f"1.{first + n:03}93"
        )
        for n, time in enumerate(times)
    ]


def minutes(*numbers: int) -> list[Happened]:
    """Return equal trades, each in a minute of its own, which is also its id."""
    return [attrs.evolve(A, id=number, time=f"2021-03-28 00:{number}:36.5") for number in numbers]


def bot(*seconds: str) -> list[Happened]:
    """Return fills that only their place tells apart."""
    return [
        attrs.evolve(TEN, id=n, order=n, time=f"2024-05-14 09:12:{second}")
        for n, second in enumerate(seconds, 1)
    ]


def folded(trade: Happened, printed: str) -> str:
    """Print a trade as CoinTracking does, which puts the fee inside the amounts."""
    fee = Decimal(trade.fee or 0)
    total = Decimal(trade.value) + (fee if trade.side == "Buy" else -fee)
    base, quote = f'"{trade.amount}","{trade.base}"', f'"{total}","{trade.quote}"'
    legs = f"{base},{quote}" if trade.side == "Buy" else f"{quote},{base}"
    return f'"Trade",{legs},"{fee}","{trade.quote}","Bitstamp","","","{printed}"'


def tracked(*rows: str) -> Statement:
    """Read rows of CoinTracking's table; so few say nothing of the zone, so it is named."""
    return table(COINTRACKING, *rows, timezone="UTC")


def koinly(legs: str, time: str = "2021-03-28 00:41:36 UTC", *, label: str = "") -> str:
    """Print a row of Koinly's layout: sent, received and fee, each with its currency."""
    return f"{time},{legs},,,{label},,"


def page(**record: str) -> dict[str, object]:
    """Return a record that is no trade, at the instant of trade A."""
    return {"id": 5, "datetime": A.time, "fee": "0.00", **record}


# -- time


def test_d01_time_cut_to_the_minute() -> None:
    """The exchange's old export, and two tools: the minute is an interval."""
    exported = Run(records([A]), g1_file(A))
    assert exported.said == {"matches": [PAIR]}
    assert exported.because == ALIKE
    blockpit = "1,6E+13;28.03.2021 00:41;API;Bitstamp;B;Trade;EUR;1996.79;BTC;0.04219875;EUR;"
    for header, row in (
        (BLOCKPIT, blockpit + "9.98393;;spot;"),
        (COINTRACKING, folded(A, "28.03.2021 00:41")),
    ):
        assert Run(records([A]), table(header, row, timezone="UTC")).said == {"matches": [PAIR]}
        # One row does not tell in which zone such a tool printed it.
        unsure = Run(records([A]), table(header, row))
        assert unsure.said == APART | {"suspects": ["1 near #163402118: time zone"]}


def test_d02_time_cut_to_the_second() -> None:
    """G2 without its ids, and a tool."""
    for statement in (
        g2_file(A, with_id=False),
        table(KOINLY, koinly("1996.79,EUR,0.04219875,BTC,9.98393,EUR")),
    ):
        run = Run(records([A]), statement)
        assert run.said == {"matches": [PAIR]}
        assert run.because["time"] == "within"


def test_d03_time_rounded_to_the_next_minute() -> None:
    """Nothing says that a tool rounds up, and a bot's next trade looks the same: not sure."""
    row = folded(A, "28.03.2021 00:42")
    run = Run(records([A]), tracked(row))
    assert run.said == APART | {"suspects": ["1 near #163402118: time"]}


def test_d04_local_time_with_a_fixed_offset() -> None:
    """Three rows, all an hour ahead, tell the zone of the file."""
    trades = at(*WINTER)
    run = Run(records(trades), table(COINTRACKING, *map(folded, trades, IN_PARIS[:3])))
    assert run.said == {"matches": [f"{n} is #{n} (intervals, strong)" for n in (1, 2, 3)]}
    assert run.zones == ["UTC+01:00"]


def test_d04_one_row_that_is_shifted_is_no_zone() -> None:
    """Only the whole file can be an hour ahead; rows that disagree tell nothing, and are shown."""
    trades = at(*WINTER)
    printed = ("11.01.2021 08:10", "02.02.2021 12:41", "03.03.2021 20:17")
    run = Run(records(trades), table(COINTRACKING, *map(folded, trades, printed)))
    assert run.said == {
        "new": ["1", "2", "3"],
        "api only": ["#1", "#2", "#3"],
        "suspects": [f"{n} near #{n}: time zone" for n in (1, 2, 3)],
    }
    assert run.zones == ["undecided"]


def test_d05_local_time_with_summer_time() -> None:
    """Paris: an hour ahead at 00:41, two hours at 01:05 of the same night."""
    night = at("2021-03-28 00:41:36", "2021-03-28 01:05:10", first=7)
    trades = [*at(*WINTER, *SUMMER), *night]
    printed = (*IN_PARIS, "28.03.2021 01:41", "28.03.2021 03:05")
    run = Run(records(trades), table(COINTRACKING, *map(folded, trades, printed)))
    assert run.said == {
        "matches": [f"{n} is #{n} (intervals, strong)" for n in (1, 2, 3, 7, 8, 4, 5, 6)]
    }
    assert run.zones == ["Europe/Paris"]


def test_d05_two_rows_alone_need_a_person() -> None:
    """They do not tell the zone; with its name they are sure."""
    night = at("2021-03-28 00:41:36", "2021-03-28 01:05:10", first=7)
    rows = [*map(folded, night, ("28.03.2021 01:41", "28.03.2021 03:05"))]
    unsure = Run(records(night), table(COINTRACKING, *rows))
    assert unsure.said == {
        "new": ["1", "2"],
        "api only": ["#7", "#8"],
        "suspects": ["1 near #7: time zone", "2 near #8: time zone"],
    }
    told = Run(records(night), table(COINTRACKING, *rows, timezone="Europe/Paris"))
    assert told.said == {"matches": ["1 is #7 (intervals, strong)", "2 is #8 (intervals, strong)"]}


def test_d06_the_hour_that_clocks_show_twice() -> None:
    """02:30 in Paris on 31 October was 00:30 and 01:30: two for two."""
    twice = [
        attrs.evolve(A, id=70, time="2021-10-31 00:30:00"),
        attrs.evolve(A, id=71, time="2021-10-31 01:30:00"),
    ]
    rows = [folded(each, "31.10.2021 02:30") for each in twice]
    told = Run(records(twice), table(COINTRACKING, *rows, timezone="Europe/Paris"))
    assert told.said == {
        "matches": ["1 is #70 (intervals, strong)", "2 is #71 (intervals, strong)"]
    }
    trades = at(*WINTER, *SUMMER)
    found = Run(
        records([*trades, *twice]),
        table(COINTRACKING, *map(folded, trades, IN_PARIS), *rows),
    )
    assert found.said == {
        "matches": [
            *(f"{n} is #{n} (intervals, strong)" for n in range(1, 7)),
            "7 is #70 (intervals, strong)",
            "8 is #71 (intervals, strong)",
        ]
    }


def test_d07_day_and_month_swapped() -> None:
    """One row does not tell; the whole file does."""
    trades = at(
        *("2021-04-03 17:20:09", "2021-05-06 08:00:01", "2021-07-02 11:11:11"),
        "2021-09-08 12:34:56",
    )
    printed = ("4/3/2021 17:20", "5/6/2021 8:00", "7/2/2021 11:11", "9/8/2021 12:34")
    alone = Run(records(trades[:1]), table(COINTRACKING, folded(trades[0], printed[0])))
    assert alone.said == {
        "new": ["1"],
        "api only": ["#1"],
        "suspects": ["1 near #1: date order"],
    }
    assert alone.readings["date order"] == "undecided"
    whole = Run(records(trades), table(COINTRACKING, *map(folded, trades, printed)))
    assert whole.said == {"matches": [f"{n} is #{n} (intervals, strong)" for n in (1, 2, 3, 4)]}
    assert whole.readings["date order"] == "the other order"


def test_d08_seconds_dropped_by_a_spreadsheet() -> None:
    """17:20 for 17:20:09, in a format that has seconds."""
    trade = attrs.evolve(A, time="2021-04-02 17:20:09")
    saved = g2_row(trade, with_id=False).replace("2021-04-02T17:20:09Z", "2021-04-02 17:20")
    for statement in (
        g2_file(saved),
        table(KOINLY, koinly("1996.79,EUR,0.04219875,BTC,9.98393,EUR", "2021-04-02 17:20 UTC")),
    ):
        assert Run(records([trade]), statement).said == {"matches": [PAIR]}


def test_d09_a_date_alone() -> None:
    """Too many things happen in a day: shown, and not merged."""
    trade = attrs.evolve(A, time="2021-04-13 17:20:09")
    row = "04/13/2021,0.04219875,BTC,1996.79,EUR,9.98393,EUR,"
    run = Run(records([trade]), table(COINTRACKER, row))
    assert run.said == APART | {"suspects": ["1 near #163402118: time"]}


# -- numbers


def test_d10_signs() -> None:
    """The API signs; files say buy and sell."""
    trades = [A, attrs.evolve(A, id=7, side="Sell", time="2021-03-28 00:45:10")]
    run = Run(records(trades), g1_file(*trades))
    assert run.said == {"matches": [PAIR, "2 is #7 (intervals, strong)"]}


def test_d11_the_quote_recomputed() -> None:
    """0.04219875 x 47318.62 unrounded lies within half a cent of 1996.79."""
    run = Run(
        records([A]),
        table(KOINLY, koinly("1996.786615725,EUR,0.04219875,BTC,9.98393,EUR")),
    )
    assert run.said == {"matches": [PAIR]}
    assert run.because == ALIKE_BUT_ACCOUNT | {"quote amount": "within"}
    inside = '"Trade","0.04219875","BTC","2006.770545725","EUR","9.98393","EUR","Bitstamp","",""'
    run = Run(records([A]), tracked(inside + ',"28.03.2021 00:41"'))
    assert run.said == {"matches": [PAIR]}


@pytest.mark.parametrize("printed", ["0.04927", "0.0492", "0.0493", "0.049272"])
def test_d12_the_quote_rounded_or_cut(printed: str) -> None:
    """Of 0.04927267; which of the two a tool does is not known."""
    row = koinly(f"0.83310000,ETH,{printed},BTC,0.00012318,BTC")
    run = Run(records([SOLD_FOR_BTC]), table(KOINLY, row))
    assert run.said == {"matches": [PAIR]}
    assert run.because["quote amount"] == "within"


@pytest.mark.parametrize("printed", ["0.04926", "0.04929", "0.0491"])
def test_d12_a_quote_that_is_neither_rounded_nor_cut(printed: str) -> None:
    """More than a unit of its last digit away: another trade, or an edited one."""
    row = koinly(f"0.83310000,ETH,{printed},BTC,0.00012318,BTC")
    run = Run(records([SOLD_FOR_BTC]), table(KOINLY, row))
    assert run.said == APART | {"suspects": ["1 near #163402118: quote amount"]}


def test_d13_the_base_rounded() -> None:
    """0.0422 for 0.04219875 proves little: with the fee it is weak, without it is not sure."""
    proved = Run(records([A]), table(KOINLY, koinly("1996.79,EUR,0.0422,BTC,9.98393,EUR")))
    assert proved.said == {"matches": [PAIR_WEAK]}
    assert proved.because == ALIKE_BUT_ACCOUNT | {"base amount": "within"}
    unproved = Run(records([A]), table(KOINLY, koinly("1996.79,EUR,0.0422,BTC,,")))
    assert unproved.said == APART | {"suspects": ["1 near #163402118: base amount"]}
    # The exchange itself never rounds the base.
    exported = Run(records([A]), g1_file(g1_row(A).replace("0.04219875", "0.0422")))
    assert exported.said == APART | {"suspects": ["1 near #163402118: base amount"]}


@pytest.mark.parametrize("rate", ["47318.6", "47319", "47318.620000"])
def test_d14_the_rate_rounded(rate: str) -> None:
    """Both amounts agree, so it proves nothing."""
    run = Run(records([A]), g1_file(g1_row(A).replace("47318.62 EUR", f"{rate} EUR")))
    assert run.said == {"matches": [PAIR]}
    assert "rate" not in run.because


def test_d15_noise_of_binary_floats() -> None:
    """In the fee, and in every number."""
    for legs in (
        "1996.79,EUR,0.04219875,BTC,9.983930000000001,EUR",
        "1996.7900000000002,EUR,0.042198750000000004,BTC,9.983930000000001,EUR",
    ):
        run = Run(records([A]), table(KOINLY, koinly(legs)))
        assert run.said == {"matches": [PAIR]}
        assert "differs" not in run.because.values()


def test_d16_the_fee_is_missing_on_one_side() -> None:
    """Empty, a zero that a tool writes for nothing, or a record without: weak."""
    for statement in (
        g1_file(attrs.evolve(A, fee=None)),
        table(KOINLY, koinly("1996.79,EUR,0.04219875,BTC,,")),
        table(KOINLY, koinly("1996.79,EUR,0.04219875,BTC,0,EUR")),
        tracked(
            '"Trade","0.04219875","BTC","1996.79","EUR","-","","Bitstamp","","","28.03.2021 00:41"'
        ),
    ):
        run = Run(records([A]), statement)
        assert run.said == {"matches": [PAIR_WEAK]}
        assert run.because["fee"] == "not compared"
    silent = Run(records([attrs.evolve(A, fee=None)]), g1_file(A))
    assert silent.said == {"matches": [PAIR_WEAK]}


def test_d16_a_zero_that_the_exchange_prints_is_a_fee() -> None:
    """Its own export states a fee of nothing: another trade, or an edited one."""
    run = Run(records([A]), g1_file(g1_row(A).replace("9.98393", "0.00000")))
    assert run.said == APART | {"suspects": ["1 near #163402118: fee"]}


def test_d17_the_fee_inside_the_quote() -> None:
    """2006.77393 paid, or 1986.80607 received."""
    for trade, total in ((A, "2006.77393"), (attrs.evolve(A, side="Sell"), "1986.80607")):
        row = folded(trade, "28.03.2021 00:41")
        assert f'"{total}"' in row
        run = Run(records([trade]), tracked(row))
        assert run.said == {"matches": [PAIR]}
        assert run.because == ALIKE_BUT_ACCOUNT


def test_d17_one_reading_of_the_fee_for_the_whole_file() -> None:
    """Three rows tell where the fee is, and a fourth that the API lacks is read the same way."""
    trades = at(*WINTER, "2021-03-09 10:00:00")
    apart = [
        f'"Trade","{each.amount}","BTC","{each.value}","EUR","{each.fee}","EUR","Bitstamp","","",'
        f'"{printed}"'
        for each, printed in zip(
            trades,
            ("11.01.2021 08:10", "02.02.2021 11:41", "03.03.2021 20:17", "09.03.2021 10:00"),
            strict=True,
        )
    ]
    run = Run(records(trades[:3]), table(COINTRACKING, *apart))
    assert run.said == {
        "matches": [f"{n} is #{n} (intervals, strong)" for n in (1, 2, 3)],
        "new": ["4"],
    }
    assert run.readings["fee"] == "on top of the amounts"
    assert run.result.new[0].legs[1].value == Decimal("-1996.79")


FEE_APART = {
    "CoinTracking": (
        COINTRACKING,
        '"Trade","0.04219875","BTC","1996.79","EUR","","","Bitstamp","","","28.03.2021 00:41"',
        '"Other Fee","","","9.98393","EUR","","","Bitstamp","","","28.03.2021 00:41"',
    ),
    "Koinly": (
        KOINLY,
        koinly("1996.79,EUR,0.04219875,BTC,,"),
        koinly("9.98393,EUR,,,,", label="cost"),
    ),
}


@pytest.mark.parametrize("tool", FEE_APART)
def test_d18_the_fee_as_a_row_of_its_own(tool: str) -> None:
    """One record, two rows: both are witnesses, else the fee would count twice."""
    run = Run(records([A]), table(*FEE_APART[tool], timezone="UTC"))
    assert run.said == {"matches": ["1 + 2 is #163402118 (intervals, strong)"]}
    assert run.because == ALIKE_BUT_ACCOUNT
    assert run.result.counts.witnessed == 2


@pytest.mark.parametrize("tool", FEE_APART)
@pytest.mark.parametrize("other", ["9.98394", "9.98", "99.8393"])
def test_d18_a_row_of_another_fee_is_kept(tool: str, other: str) -> None:
    """It may be a fee of something else."""
    header, *rows = (line.replace("9.98393", other) for line in FEE_APART[tool])
    run = Run(records([A]), table(header, *rows, timezone="UTC"))
    assert run.said == {
        "matches": [PAIR_WEAK],
        "new": ["2"],
        "suspects": ["2 near #163402118: fee"],
    }
    assert run.result.suspects[0].explain() == (
        f"row 2 of the statement may be the fee of API record 163402118: it states {other} EUR, "
        "and 9.98393 EUR is known. Both are kept."
    )


def test_d18_a_fee_of_another_minute_or_currency_is_no_fee_of_the_trade() -> None:
    """Neither is searched for: a minute that the clock shows is what ties the two rows."""
    header, trade, fee = FEE_APART["CoinTracking"]
    for other in (fee.replace("00:41", "00:42"), fee.replace("EUR", "USD")):
        run = Run(records([A]), table(header, trade, other, timezone="UTC"))
        assert run.said == {"matches": [PAIR_WEAK], "new": ["2"]}


def test_d18_a_spending_of_the_size_of_the_fee_is_no_fee() -> None:
    """Only a row that calls itself a fee is one; what left the account did leave it."""
    header, trade, fee = FEE_APART["CoinTracking"]
    for kind in ("Withdrawal", "Lost", "Spend", "Margin Fee"):
        statement = table(header, trade, fee.replace("Other Fee", kind), timezone="UTC")
        run = Run(records([A]), statement)
        assert run.said["matches"] == [PAIR_WEAK]
        assert run.said["new"] == ["2"]


def test_d18_a_fee_without_its_trade_is_kept_and_shown() -> None:
    """The trade's row may have been cut off, or it states the fee as well."""
    header, trade, fee = FEE_APART["CoinTracking"]
    alone = Run(records([A]), table(header, fee, timezone="UTC"))
    assert alone.said == {
        "new": ["1"],
        "api only": ["#163402118"],
        "suspects": ["1 near #163402118: kind"],
    }
    stated = trade.replace('"1996.79","EUR","",""', '"2006.77393","EUR","9.98393","EUR"')
    twice = Run(records([A]), table(header, stated, fee, timezone="UTC"))
    assert twice.said == {
        "matches": [PAIR],
        "new": ["2"],
        "suspects": ["2 near #163402118: kind"],
    }
    assert twice.result.explain(twice.result.new[0]).splitlines()[2] == (
        "It is a suspect: it may be the fee of API record 163402118; it states what is known, but "
        "no row of that event without a fee is beside it."
    )


def test_d18_fees_apart_are_counted() -> None:
    """Two records, three trades and three fees, all alike: a trade and its fee are kept."""
    twins = [A, attrs.evolve(A, id=163402119, time="2021-03-28 00:41:40.000001")]
    header, *rows = FEE_APART["CoinTracking"]
    run = Run(records(twins), table(header, *rows, *rows, *rows, timezone="UTC"))
    assert run.said == {
        "matches": [
            "1 + 2 is #163402118 (intervals, strong)",
            "3 + 4 is #163402119 (intervals, strong)",
        ],
        "new": ["5", "6"],
    }


def test_d18_the_sum_of_an_order_and_its_fee() -> None:
    """A row for the whole order, and one for what all of its executions cost."""
    rows = (
        '"Trade","0.10000000","BTC","6421.08","EUR","","","Bitstamp","","","14.05.2024 09:12"',
        '"Other Fee","","","25.68432","EUR","","","Bitstamp","","","14.05.2024 09:12"',
    )
    run = Run(records(order_of_three()), tracked(*rows))
    assert run.said == {"matches": ["1 + 2 is #1 + #2 + #3 (orders, strong)"]}
    assert run.because["fee"] == "equal"


def test_d18_a_person_who_says_whose_a_fee_is_or_is_not() -> None:
    """A word on the row of the fee leaves the trade's own pair alone."""
    header, trade, fee = FEE_APART["CoinTracking"]
    apart = table(header, trade, fee, timezone="UTC")
    first, second = apart.entries

    def said(row_id: str, verdict: Verdict, statement: Statement = apart) -> dict[str, list[str]]:
        api = records([A])
        word = Decision(verdict=verdict, record_id=api[0].id, row_id=row_id)
        return Run(api, statement, decisions=[word]).said

    both = {"matches": ["1 + 2 is #163402118 (intervals, strong)"]}
    assert said(second.id, Verdict.CONFIRM) == both
    assert said(first.id, Verdict.CONFIRM) == {
        "matches": ["1 + 2 is #163402118 (decision, certain)"]
    }
    assert said(second.id, Verdict.REJECT) == {"matches": [PAIR_WEAK], "new": ["2"]}
    assert said(first.id, Verdict.REJECT)["new"] == ["1", "2"]
    other = table(header, trade, fee.replace("9.98393", "9.98"), timezone="UTC")
    assert said(other.entries[1].id, Verdict.CONFIRM, other) == both
    alone = table(header, fee, timezone="UTC")
    assert said(alone.entries[0].id, Verdict.CONFIRM, alone) == {
        "matches": ["1 is #163402118 (decision, certain)"]
    }


def test_d19_decimal_commas_and_thousands() -> None:
    """Semicolons between cells; spaces, no-break and narrow ones, between thousands."""
    newer = (
        g2_row(A, with_id=False)
        .replace("1996.79", '"1\u202f996,79"')
        .replace("47318.62", '"47\u00a0318,62"')
        .replace("0.04219875", '"0,04219875"')
        .replace("9.98393", '"9,98393"')
    )
    older = (
        "Type;Datetime;Account;Amount;Value;Rate;Fee;Sub Type\n"
        'Market;"Mar. 28, 2021, 12:41 AM";Main Account;0,04219875 BTC;1 996,79 EUR;'
        "47 318,62 EUR;9,98393 EUR;Buy\n"
    )
    for statement in (g2_file(newer), read(older.encode())):
        run = Run(records([A]), statement)
        assert run.said == {"matches": [PAIR]}
        assert run.because == ALIKE
    row = '"Trade";"0,04219875";"BTC";"2 006,77393";"EUR";"9,98393";"EUR";"Bitstamp";"";"";'
    run = Run(
        records([A]),
        table(COINTRACKING.replace(",", ";"), f'{row}"28.03.2021 00:41"', timezone="UTC"),
    )
    assert run.said == {"matches": [PAIR]}


def test_d20_scientific_notation() -> None:
    """6E-06 is 0.000006."""
    trade = attrs.evolve(A, amount="0.00000600", fee="0.00142")
    assert trade.value == "0.28"
    for statement in (
        table(KOINLY, koinly("0.28,EUR,6E-06,BTC,1.42E-03,EUR")),
        g2_file(g2_row(trade, with_id=False).replace("0.00000600", "6E-06")),
    ):
        run = Run(records([trade]), statement)
        assert run.said == {"matches": [PAIR]}
        assert run.because["base amount"] == run.because["fee"] == "equal"


# -- ids


@pytest.mark.parametrize("order", ['"1,34221E+15"', "1.34221E+15", "1342211907391480"])
def test_d21_an_order_id_mangled_by_a_spreadsheet(order: str) -> None:
    """The id of the trade is short enough to survive it, and the order's plays no part."""
    run = Run(records([A]), g2_file(g2_row(A).replace("1342211907391488", order)))
    assert run.said == {"matches": ["1 is #163402118 (exchange id, certain)"]}


def test_d21_an_id_mangled_by_a_spreadsheet() -> None:
    """It is no id any more; the amounts decide."""
    run = Run(records([A]), g2_file(g2_row(A).replace("163402118", '"1,63402E+08"')))
    assert run.said == {"matches": [PAIR]}


def test_d22_no_id() -> None:
    """The old export has none."""
    assert Run(records([A]), g1_file(A)).said == {"matches": [PAIR]}


@pytest.mark.parametrize("other", ["k9f3a1", "700001", "6f1c9c1e-8f5a-4b52-9f43-0d0d7d1f3a11"])
def test_d23_an_id_of_another_kind(other: str) -> None:
    """A hash, a tool's own number, a uuid: never held against the exchange's."""
    row = koinly("1996.79,EUR,0.04219875,BTC,9.98393,EUR") + other
    run = Run(records([A]), table(KOINLY, row))
    assert run.said == {"matches": [PAIR]}


def test_d23_ids_that_claim_to_be_the_exchanges_and_are_not() -> None:
    """Three rows whose ids agree with nothing while their contents do; one row is not sure."""
    trades = minutes(10, 20, 30)
    rows = [attrs.evolve(each, id=each.id + 700_000) for each in trades]
    run = Run(records(trades), g2_file(*rows))
    assert run.said == {
        "matches": [f"{n} is #{n}0 (intervals, strong)" for n in (1, 2, 3)],
    }
    alone = Run(records(trades[:1]), g2_file(rows[0]))
    assert alone.said == {
        "new": ["1"],
        "api only": ["#10"],
        "suspects": ["1 near #10: exchange id"],
    }


# -- what one row stands for


def order_of_three() -> list[Happened]:
    """Return 0.0173 + 0.0227 + 0.06 BTC, the executions of one order."""
    facts = (
        ("05.101", "0.01730000", "64210.5", "4.44337"),
        ("05.350", "0.02270000", "64210.5", "5.83031"),
        ("41.002", "0.06000000", "64211", "15.41064"),
    )
    return [
        attrs.evolve(
            TEN,
            id=n,
            order=7,
            time=f"2024-05-14 09:12:{second}",
            amount=amount,
            price=price,
            fee=fee,
        )
        for n, (second, amount, price, fee) in enumerate(facts, 1)
    ]


def test_d24_executions_joined_per_order() -> None:
    """One row is three records; the exchange's own list of orders states no fee."""
    fills = order_of_three()
    listed = "Buy,BTC/EUR,64210.8,0.10000000,6421.08,2024-05-14 09:12:41"
    weak = Run(records(fills), table(ORDERS, listed, timezone="UTC"))
    assert weak.said == {"matches": ["1 is #1 + #2 + #3 (orders, weak)"]}
    assert weak.because["base amount"] == "equal"
    calculated = "2024-05-14 09:12:41,buy,BTC,0.1,EUR,6421.08,EUR,25.68432,,Bitstamp,,,,,"
    for statement in (
        table(KOINLY, koinly("6421.08,EUR,0.10000000,BTC,25.68432,EUR", "2024-05-14 09:12:41 UTC")),
        table(CRYPTOTAXCALCULATOR, calculated),
    ):
        run = Run(records(fills), statement)
        assert run.said == {"matches": ["1 is #1 + #2 + #3 (orders, strong)"]}
        assert run.because["fee"] == "equal"


def test_d24_never_a_free_sum() -> None:
    """Two of the three executions, or three of different orders, are nobody's row."""
    fills = order_of_three()
    two = koinly("2568.42,EUR,0.04000000,BTC,10.27368,EUR", "2024-05-14 09:12:05 UTC")
    assert Run(records(fills), table(KOINLY, two)).said == {
        "new": ["1"],
        "api only": ["#1", "#2", "#3"],
    }
    apart = [attrs.evolve(each, order=each.id) for each in fills]
    three = koinly("6421.08,EUR,0.10000000,BTC,25.68432,EUR", "2024-05-14 09:12:41 UTC")
    assert Run(records(apart), table(KOINLY, three)).said == {
        "new": ["1"],
        "api only": ["#1", "#2", "#3"],
    }


def test_d25_base_and_quote_swapped() -> None:
    """A sale of ETH for BTC that reads as a purchase of BTC with ETH."""
    received = '"Trade","0.04914949","BTC","0.83310000","ETH","0.00012318","BTC","Bitstamp","","",'
    run = Run(records([SOLD_FOR_BTC]), tracked(received + '"28.03.2021 00:41"'))
    assert run.said == {"matches": [PAIR]}
    for statement in (
        table(KOINLY, koinly("0.83310000,ETH,0.04927267,BTC,0.00012318,BTC")),
        table(ROTKI, "bitstamp,ETH,BTC,0.04927267,0.83310000,0.00012318,BTC,,1616892096482"),
    ):
        run = Run(records([SOLD_FOR_BTC]), statement)
        assert run.said == {"matches": [PAIR]}
        assert run.because == ALIKE_BUT_ACCOUNT


@pytest.mark.parametrize("name", ["BTC", "XBT", "XXBT"])
def test_d26_a_currency_renamed(name: str) -> None:
    """By other exchanges' names."""
    row = koinly(f"1996.79,EUR,0.04219875,{name},9.98393,EUR")
    run = Run(records([A]), table(KOINLY, row))
    assert run.said == {"matches": [PAIR]}
    assert run.because == ALIKE_BUT_ACCOUNT


def test_d26_a_currency_decorated() -> None:
    """With its full name, a tool's number, or its chain; and eth2r, which rewards were paid in."""
    delta = "2021-03-28 00:41:36+00:00,BUY,0.04219875,BTC (Bitcoin),CRYPTO,1996.79,EUR,Bitstamp"
    bulk = "A1,,2021-03-28 00:41:36,exchange,,Bitstamp,W1,1996.79,EUR;12,Bitstamp,W1,0.04219875"
    for statement in (
        table(DELTA, f"{delta},,,9.98393,EUR,,"),
        table(BULK_EDIT, f"{bulk},BTC;1,9.98393,EUR;12,false"),
    ):
        assert Run(records([A]), statement).said == {"matches": [PAIR]}
    dollars = attrs.evolve(A, base="USDC", amount="100.00000000", price="0.84", fee="0.42")
    row = koinly("84.00,EUR,100.0,USDC.e,0.42,EUR")
    assert Run(records([dollars]), table(KOINLY, row)).said == {"matches": [PAIR]}
    reward = raw_records(page(type="27", eth2r="0.01"))
    line = 'Staking reward,"Mar. 28, 2021, 12:41 AM",Main Account,0.01000000 ETH2,,,,'
    assert Run(reward, g1_file(line)).said == {"matches": ["1 is #5 (intervals, weak)"]}


@pytest.mark.parametrize("name", ["Bitstamp", "Bitstamp.net", "BITSTAMP", "Bitstamp EUR"])
def test_d27_the_exchange_renamed(name: str) -> None:
    """Whatever the owner called it; rows of other exchanges are set aside while reading."""
    row = folded(A, "28.03.2021 00:41")
    other = row.replace("Bitstamp", "Kraken")
    statement = tracked(row.replace("Bitstamp", name), other)
    assert statement.counts.set_aside == 1
    assert Run(records([A]), statement).said == {"matches": [PAIR]}


# -- repeats, and several files


def test_d28_true_repeats() -> None:
    """Three records, three equal rows: three pairs, all stay once."""
    fills = bot("05.101", "05.350", "41.002")
    run = Run(records(fills), g1_file(*fills))
    assert run.said == {"matches": [f"{n} is #{n} (intervals, strong)" for n in (1, 2, 3)]}
    assert len(run.result.entries) == 3


def test_d29_the_file_has_fewer_repeats() -> None:
    """Two pairs, and the third record stands alone."""
    fills = bot("05.101", "05.350", "41.002")
    assert Run(records(fills), g1_file(*fills[:2])).said == {
        "matches": ["1 is #1 (intervals, strong)", "2 is #2 (intervals, strong)"],
        "api only": ["#3"],
    }


def test_d30_the_file_has_more_repeats() -> None:
    """Two pairs, and the third row is kept."""
    fills = bot("05.101", "05.350", "41.002")
    assert Run(records(fills[:2]), g1_file(*fills)).said == {
        "matches": ["1 is #1 (intervals, strong)", "2 is #2 (intervals, strong)"],
        "new": ["3"],
    }


def test_d31_the_same_file_twice() -> None:
    """Nothing is added, with the API or without."""
    fills = bot("05.101", "05.350", "41.002")
    assert Run([], g1_file(*fills), g1_file(*fills)).said == {
        "matches": [f"B{n} is A{n} (intervals, strong)" for n in (1, 2, 3)],
        "new": ["A1", "A2", "A3"],
    }
    assert Run(records(fills), g1_file(*fills), g1_file(*fills)).said == {
        "matches": [f"{file}{n} is #{n} (intervals, strong)" for file in "AB" for n in (1, 2, 3)]
    }


def test_d32_the_same_export_saved_again() -> None:
    """A byte order mark, CRLF and more quotes are not more trades."""
    lines = [g1_row(fill) for fill in bot("05.101", "05.350", "41.002")]
    quoted = g1_text([line.replace("Market", '"Market"') for line in lines])
    saved = read(b"\xef\xbb\xbf" + quoted.replace(b"\n", b"\r\n"))
    run = Run([], g1_file(*lines), saved)
    assert len(run.result.entries) == 3
    assert len(run.result.file_matches) == 3


def test_d33_two_exports_overlap() -> None:
    """Minutes 10 to 13, and 12 to 14: the overlap counts once."""
    first, second = minutes(10, 11, 12, 13), minutes(12, 13, 14)
    assert Run([], g1_file(*first), g1_file(*second)).said == {
        "matches": ["A3 is B1 (intervals, strong)", "A4 is B2 (intervals, strong)"],
        "new": ["A1", "A2", "B1", "B2", "B3"],
    }
    assert Run([], g2_file(*first), g2_file(*second)).said == {
        "matches": ["A3 is B1 (exchange id, certain)", "A4 is B2 (exchange id, certain)"],
        "new": ["A1", "A2", "B1", "B2", "B3"],
    }


def test_d33_repeats_in_the_overlap_take_the_larger_count() -> None:
    """Two and three equal rows of one minute are three trades, not five and not one."""
    first, second = bot("05", "06"), bot("05", "06", "07")
    for statements in (
        (g1_file(*first), g1_file(*second)),
        (g1_file(*second), g1_file(*first)),
    ):
        run = Run([], *statements)
        assert len(run.result.entries) == 3
        assert len(run.result.file_matches) == 2


def test_d34_an_export_cut_inside_a_minute() -> None:
    """Two of four in the first file, all four in the second: four trades."""
    four = bot("05", "06", "07", "08")
    assert Run([], g1_file(*four[:2]), g1_file(*four)).said == {
        "matches": ["B1 is A1 (intervals, strong)", "B2 is A2 (intervals, strong)"],
        "new": ["A1", "A2", "B3", "B4"],
    }
    assert Run(records(four), g1_file(*four[:2]), g1_file(*four)).said == {
        "matches": [
            *(f"A{n} is #{n} (intervals, strong)" for n in (1, 2)),
            *(f"B{n} is #{n} (intervals, strong)" for n in (1, 2, 3, 4)),
        ]
    }
    assert Run([], g2_file(*four[:2]), g2_file(*four)).said == {
        "matches": ["B1 is A1 (exchange id, certain)", "B2 is A2 (exchange id, certain)"],
        "new": ["A1", "A2", "B3", "B4"],
    }


def test_d35_rows_deleted_by_hand() -> None:
    """Ten records, nine rows: nine pairs, and no row slips into the gap."""
    ten = minutes(*range(10, 20))
    assert Run(records(ten), g1_file(*ten[:4], *ten[5:])).said == {
        "matches": [
            f"{row} is #{number} (intervals, strong)"
            for row, number in enumerate((10, 11, 12, 13, 15, 16, 17, 18, 19), 1)
        ],
        "api only": ["#14"],
    }


def test_d36_a_decision_outlives_what_is_read_again() -> None:
    """The API is read anew, with more records, and the file as well: identities stay."""
    more = attrs.evolve(A, id=7, time="2021-03-28 00:50:00")
    (record,), (row,) = records([A]), g1_file(A).entries
    said = Decision(verdict=Verdict.REJECT, record_id=record.id, row_id=row.id)
    again = Run(records([more, A]), g1_file(more, A), decisions=[said])
    assert again.said == {
        "matches": ["1 is #7 (intervals, strong)"],
        "new": ["2"],
        "api only": ["#163402118"],
    }


# -- edited, and others' trades


def test_d37_a_row_edited_by_hand() -> None:
    """0.0421 for 0.04219875 is shown; once a person has confirmed it, it is the record."""
    edited = g1_file(g1_row(A).replace("0.04219875", "0.0421"))
    unsure = Run(records([A]), edited)
    assert unsure.said == APART | {"suspects": ["1 near #163402118: base amount"]}
    suspect = unsure.result.suspects[0]
    said = Decision(verdict=Verdict.CONFIRM, record_id=suspect.near.id, row_id=suspect.row.id)
    confirmed = Run(records([A]), edited, decisions=[said])
    assert confirmed.said == {"matches": ["1 is #163402118 (decision, certain)"]}
    assert confirmed.because == ALIKE | {"base amount": "differs"}


def test_d37_a_comment_is_nothing_to_compare() -> None:
    """What a person wrote beside a trade does not make it another."""
    row = koinly("1996.79,EUR,0.04219875,BTC,9.98393,EUR").removesuffix(",") + "mine,"
    assert Run(records([A]), table(KOINLY, row)).said == {"matches": [PAIR]}


def test_d38_a_file_of_several_accounts() -> None:
    """The key is of the main account; rows of Bot are other trades."""
    both = Run(records([A]), g1_file(A, attrs.evolve(A, account="Bot")))
    assert both.said == {"matches": [PAIR], "new": ["2"]}
    only = Run(records([A]), g1_file(attrs.evolve(A, account="Bot")))
    assert only.said == APART | {"suspects": ["1 near #163402118: account"]}
    with_id = Run(records([A]), g2_file(attrs.evolve(A, account="Bot", id=9)))
    assert with_id.said == APART | {"suspects": ["1 near #163402118: account"]}


def test_d39_a_trade_between_own_accounts() -> None:
    """One id, bought by the main account and sold by Bot: two trades."""
    bought = attrs.evolve(A, id=5)
    sold = attrs.evolve(A, id=5, side="Sell", account="Bot")
    assert Run(records([bought]), g2_file(bought, sold)).said == {
        "matches": ["1 is #5 (exchange id, certain)"],
        "new": ["2"],
    }
    assert Run(records([bought]), g2_file(sold)).said == {"new": ["1"], "api only": ["#5"]}


def test_d40_one_account_under_two_names() -> None:
    """A blank account is not guessed: shown, until the caller or a person says which it is."""
    api = records([attrs.evolve(A, account="Test1")])
    blank = g1_file(attrs.evolve(A, account=""))
    unsure = Run(api, blank)
    assert unsure.said == APART | {"suspects": ["1 near #163402118: account"]}
    suspect = unsure.result.suspects[0]
    said = Decision(verdict=Verdict.CONFIRM, record_id=suspect.near.id, row_id=suspect.row.id)
    assert Run(api, blank, decisions=[said]).said == {
        "matches": ["1 is #163402118 (decision, certain)"]
    }
    named = g1_file(attrs.evolve(A, account=""), account="Test1")
    assert Run(api, named).said == {"matches": [PAIR]}
    # A format that has no accounts states none.
    silent = table(KOINLY, koinly("1996.79,EUR,0.04219875,BTC,9.98393,EUR"))
    assert Run(api, silent).said == {"matches": [PAIR]}


def test_d41_different_trades_that_look_close() -> None:
    """08:02:51 is not in 08:03, nor 08:03:00.1 in 08:02: the floor is no tolerance."""
    trade = attrs.evolve(
        A, amount="0.00250000", price="61853", fee="0.61853", time="2021-05-09 08:02:51"
    )
    for held, printed in (("08:02:51", "08:03:00"), ("08:03:00.100", "08:02:51")):
        api = records([attrs.evolve(trade, time=f"2021-05-09 {held}")])
        run = Run(api, g1_file(attrs.evolve(trade, time=f"2021-05-09 {printed}")))
        assert run.said == APART | {"suspects": ["1 near #163402118: time"]}


D = attrs.evolve(A, amount="0.10000000", time="2024-05-14 09:12:05")


def test_d42_equal_amounts_both_ways() -> None:
    """Bought and sold in one minute."""
    sold = attrs.evolve(D, side="Sell")
    assert Run(records([D]), g1_file(sold)).said == APART
    assert Run(records([D]), g1_file(D, sold)).said == {"matches": [PAIR], "new": ["2"]}


def test_d43_a_movement_of_the_same_amount() -> None:
    """A trade is no deposit and no withdrawal, on either side."""
    rows = [
        f'{kind},"May. 14, 2024, 09:12 AM",Main Account,0.10000000 BTC,,,,'
        for kind in ("Deposit", "Withdrawal")
    ]
    assert Run(records([D]), g1_file(*rows)).said == {
        "new": ["1", "2"],
        "api only": ["#163402118"],
    }
    deposit = raw_records(page(type="0", btc="0.10000000") | {"datetime": D.time})
    assert Run(deposit, g1_file(D)).said == {"new": ["1"], "api only": ["#5"]}


def test_d44_the_same_amounts_on_two_pairs() -> None:
    """BTC/EUR is not BTC/USD."""
    dollars = attrs.evolve(D, quote="USD")
    assert Run(records([D]), g1_file(dollars)).said == APART
    assert Run(records([D]), g2_file(dollars, with_id=False)).said == APART


def test_d45_the_same_trade_on_two_exchanges() -> None:
    """Sold here, bought there at once: the row of the other exchange is set aside, and told."""
    sold = attrs.evolve(D, side="Sell")
    statement = tracked(
        folded(D, "14.05.2024 09:12").replace("Bitstamp", "Kraken"),
        folded(sold, "14.05.2024 09:12"),
    )
    assert [each.row for each in statement.set_aside] == [1]
    assert Run(records([sold]), statement).said == {
        "matches": ["2 is #163402118 (intervals, strong)"]
    }


@pytest.mark.parametrize("amount", ["42.19875", "4219875"])
def test_d46_a_slip_of_units(amount: str) -> None:
    """Millibitcoins, satoshis: shown, with the field that differs."""
    row = koinly(f"1996.79,EUR,{amount},BTC,9.98393,EUR")
    run = Run(records([A]), table(KOINLY, row))
    assert run.said == APART | {"suspects": ["1 near #163402118: base amount"]}


def test_d47_a_reward_typed_as_a_trade() -> None:
    """An empty second side: never matched as a trade, and shown."""
    reward = raw_records(page(type="27", eth="0.01"))
    for statement in (
        tracked('"Trade","0.01000000","ETH","","","","","Bitstamp","","","28.03.2021 00:41"'),
        table(KOINLY, koinly(",,0.01,ETH,,")),
    ):
        assert Run(reward, statement).said == {
            "new": ["1"],
            "api only": ["#5"],
            "suspects": ["1 near #5: kind"],
        }
    for nothing in ('"0","EUR"', '"0.00000000","BTC"', '"0",""'):
        row = f'"Trade","0.01000000","ETH",{nothing},"","","Bitstamp","","","28.03.2021 00:41"'
        assert Run(reward, tracked(row)).said == {
            "new": ["1"],
            "api only": ["#5"],
            "suspects": ["1 near #5: kind"],
        }
    other = '"Trade","0.02000000","ETH","0","EUR","","","Bitstamp","","","28.03.2021 00:41"'
    assert Run(reward, tracked(other)).said == {"new": ["1"], "api only": ["#5"]}
    labelled = table(KOINLY, koinly(",,0.01,ETH,,", label="reward"))
    assert Run(reward, labelled).said == {"matches": ["1 is #5 (intervals, weak)"]}
