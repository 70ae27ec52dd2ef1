"""Fees that a file prints in rows of their own: a record is a trade's row and a fee's row.

Drawn from few values, so that trades, minutes and fees collide.
"""

import datetime as dt
import zoneinfo
from collections.abc import Callable, Sequence

import attrs
from hypothesis import given
from hypothesis import strategies as st

from bitstamp_ledger import Decision, Reconciliation, Statement, Verdict
from bitstamp_ledger.reconcile import reconcile
from tests.reconcile.builders import Happened, canonical, g2, ledger, records
from tests.reconcile.test_reconcile_laws import happenings, parts
from tests.reconcile.verdicts import COINTRACKING, KOINLY, Run, table

PARIS = zoneinfo.ZoneInfo("Europe/Paris")
STATED = ("0.10000", "0.10001", "0.20000")
FEES = (None, *STATED)

Printed = tuple[str, str | None]
"""A trade's row, and its fee's."""


def tracked(trade: Happened, zone: dt.tzinfo = dt.UTC) -> Printed:
    """Print a trade as CoinTracking does, to the minute."""
    time = f"{trade.instant.astimezone(zone):%d.%m.%Y %H:%M}"
    base, quote = f'"{trade.amount}","{trade.base}"', f'"{trade.value}","{trade.quote}"'
    legs = f"{base},{quote}" if trade.side == "Buy" else f"{quote},{base}"
    end = f'"Bitstamp","","","{time}"'
    fee = (
        None
        if trade.fee is None
        else f'"Other Fee","","","{trade.fee}","{trade.quote}","","",{end}'
    )
    return f'"Trade",{legs},"","",{end}', fee


def koinly(trade: Happened, zone: dt.tzinfo = dt.UTC) -> Printed:
    """Print a trade as Koinly does, to the second."""
    time = f"{trade.instant.astimezone(zone):%Y-%m-%d %H:%M:%S} UTC"
    base, quote = f"{trade.amount},{trade.base}", f"{trade.value},{trade.quote}"
    legs = f"{quote},{base}" if trade.side == "Buy" else f"{base},{quote}"
    fee = None if trade.fee is None else f"{time},{trade.fee},{trade.quote},,,,,,,cost,,"
    return f"{time},{legs},,,,,,,", fee


Layout = tuple[str, Callable[[Happened, dt.tzinfo], Printed]]
LAYOUTS: tuple[Layout, ...] = ((COINTRACKING, tracked), (KOINLY, koinly))


def lines_of(layout: Layout, trades: Sequence[Happened]) -> list[str]:
    """Print trades, each as one row or two."""
    printed = [layout[1](trade, dt.UTC) for trade in trades]
    return [line for rows in printed for line in rows if line is not None]


def file_of(layout: Layout, lines: Sequence[str]) -> Statement:
    """Read rows of a layout."""
    return table(layout[0], *lines, timezone="UTC")


def of_one_account(
    fees: Sequence[str | None] = FEES, *, max_size: int = 6
) -> st.SearchStrategy[list[Happened]]:
    """Trades of the main account, since these tools name none."""
    return happenings(fees=fees, max_size=max_size).map(
        lambda trades: [attrs.evolve(trade, account="Main Account") for trade in trades]
    )


def new_rows(result: Reconciliation) -> list[str]:
    """What the rows call themselves that are no second witness."""
    return [row.code or "" for row in result.new]


@given(st.data(), of_one_account(), st.sampled_from(LAYOUTS))
def test_a_history_with_its_fees_apart_adds_nothing(
    data: st.DataObject, trades: list[Happened], layout: Layout
) -> None:
    """Whatever the order of the rows; every row has one place, and is told of in a match."""
    api = records(trades)
    lines = data.draw(st.permutations(lines_of(layout, trades)))
    run = Run(api, file_of(layout, lines))
    assert len(run.result.matches) == len(trades)
    assert set(run.said) <= {"matches"}
    assert sum(len(match.file) for match in run.result.matches) == len(lines)
    assert run.result.counts.witnessed == len(lines)
    for match in run.result.matches:
        fees = [abs(row.legs[0]) for row in match.file[1:]]
        assert fees == [fee for fee in (match.api[0].fee,) if fee is not None]


@given(st.data(), of_one_account(STATED), st.sampled_from(LAYOUTS), st.sampled_from("12"))
def test_a_fee_of_another_value_is_kept_and_shown(
    data: st.DataObject, trades: list[Happened], layout: Layout, digit: str
) -> None:
    """By any digit, the last one too; all others are witnesses as ever."""
    lines = lines_of(layout, trades)
    fees = [number for number, line in enumerate(lines) if '"Other Fee"' in line or "cost" in line]
    if not fees:
        return
    edited = data.draw(st.sampled_from(fees))
    before = next(fee for fee in STATED if fee in lines[edited])
    lines[edited] = lines[edited].replace(before, f"0.3000{digit}")
    run = Run(records(trades), file_of(layout, lines))
    assert run.said["new"] == [str(edited + 1)]
    assert len(run.result.matches) == len(trades)
    (suspect,) = run.result.suspects
    assert suspect.field == "fee"
    assert f"may be the fee of API record {suspect.near.transaction_id}" in suspect.explain()
    assert run.result.counts.witnessed == len(lines) - 1


@given(st.data(), of_one_account(), st.sampled_from(LAYOUTS))
def test_trades_that_the_api_lacks_keep_their_fees(
    data: st.DataObject, trades: list[Happened], layout: Layout
) -> None:
    """A fee goes only with its trade: of every kept trade, its fee is kept as well."""
    held = data.draw(parts(trades))
    result = reconcile(records(held), [file_of(layout, lines_of(layout, trades))])
    lacking = len(trades) - len(held)
    kept = [row for row in result.new if row.kind == "trade"]
    disputed = [row for conflict in result.conflicts for row in conflict.file]
    assert lacking <= len(kept) <= lacking + len(disputed)
    stated = sum(trade.fee is not None for trade in trades)
    taken = sum(len(match.file) - 1 for match in result.matches)
    assert len(result.new) - len(kept) == stated - taken
    assert taken <= sum(trade.fee is not None for trade in held)
    assert result.counts.adds_up


@given(st.data(), of_one_account(), st.sampled_from(LAYOUTS))
def test_the_order_of_rows_that_stand_apart_does_not_matter(
    data: st.DataObject, trades: list[Happened], layout: Layout
) -> None:
    """Nor does whether pairs are found the short way: nobody decided, or on something else."""
    held = records(data.draw(parts(trades)))
    lines = lines_of(layout, data.draw(parts(trades)))
    one = reconcile(held, [file_of(layout, lines)])
    two = reconcile(held[::-1], [file_of(layout, data.draw(st.permutations(lines)))])
    assert canonical(one) == canonical(two)
    said = [Decision(verdict=Verdict.REJECT, record_id="nobody", row_id="nothing")]
    assert canonical(one) == canonical(reconcile(held, [file_of(layout, lines)], decisions=said))


@given(st.data(), of_one_account(), st.sampled_from(LAYOUTS))
def test_the_same_file_twice_changes_nothing(
    data: st.DataObject, trades: list[Happened], layout: Layout
) -> None:
    """The copy's fees are fees of the same records, or rows that are known cell by cell."""
    held = records(data.draw(parts(trades)))
    file = file_of(layout, lines_of(layout, trades))
    assert ledger(reconcile(held, [file])) == ledger(reconcile(held, [file, file]))


def test_the_fees_in_another_file_than_the_trades_are_kept_and_shown() -> None:
    """Rows of two files say nothing of each other."""
    trade = Happened()
    row, fee = tracked(trade)
    assert fee is not None
    run = Run(
        records([trade]),
        table(COINTRACKING, row, timezone="UTC"),
        table(COINTRACKING, fee, timezone="UTC"),
    )
    assert run.said == {
        "matches": ["A1 is #163402118 (intervals, weak)"],
        "new": ["B1"],
        "suspects": ["B1 near #163402118: kind"],
    }


def test_a_fee_may_be_that_of_a_row_of_another_file() -> None:
    """Where the API holds neither: the export states the fee, this file prints it apart."""
    trade = Happened()
    row, fee = koinly(trade)
    assert fee is not None
    run = Run([], g2(trade, with_ids=False), table(KOINLY, row, fee))
    assert run.said == {"matches": ["B1 + B2 is A1 (intervals, strong)"], "new": ["A1"]}
    assert [line.split()[-1] for line in run.result.file_matches[0].explain().splitlines()[2:]] == [
        "compared", "equal", "equal", "equal", "equal",
    ]  # fmt: skip


def test_fees_apart_in_a_zone_that_nobody_states() -> None:
    """The trades tell the zone, for their fees as well."""
    times = (
        *("2021-01-11 08:10:09", "2021-02-02 11:41:36", "2021-03-03 20:17:51"),
        *("2021-06-11 05:30:00", "2021-07-09 17:59:59", "2021-08-20 23:20:07"),
    )
    trades = [
        Happened(id=n, time=time, amount=f"0.0{n}219875", fee=f"1.00{n}93")
        for n, time in enumerate(times, 1)
    ]
    lines = [line for trade in trades for line in tracked(trade, PARIS) if line is not None]
    run = Run(records(trades), table(COINTRACKING, *lines))
    assert run.zones == ["Europe/Paris"]
    assert run.said == {
        "matches": [f"{2 * n - 1} + {2 * n} is #{n} (intervals, strong)" for n in range(1, 7)]
    }
    unsure = Run(records(trades), table(COINTRACKING, *lines[:4]))
    assert unsure.said == {
        "new": ["1", "2", "3", "4"],
        "api only": [f"#{n}" for n in range(1, 7)],
        "suspects": [
            "1 near #1: time zone",
            "2 near #1: time zone",
            "3 near #2: time zone",
            "4 near #2: time zone",
        ],
    }


def test_a_fee_in_an_unknown_zone_is_shown_beside_the_nearest_that_cost_as_much() -> None:
    """Two trades cost the same that day; whichever is nearer in time is the one to look at."""
    trades = [
        Happened(id=n, time=f"2021-03-27 {hour}:41:36", amount=f"0.0{n}219875")
        for n, hour in ((1, "08"), (2, "13"))
    ]
    for hour, nearest in ((9, 1), (12, 2)):
        _, fee = tracked(Happened(time=f"2021-03-27 {hour:02}:41:00"))
        assert fee is not None
        run = Run(records(trades), table(COINTRACKING, fee))
        assert run.said["suspects"] == [f"1 near #{nearest}: time zone"]


def test_fees_go_to_the_trades_of_which_people_said_so() -> None:
    """Whichever pair comes first, and though one of the fees was said to be another's as well."""
    trades = [Happened(id=n, time=f"2021-03-28 00:4{n}:36", amount=f"0.0{n}219875") for n in (1, 2)]
    rows = [tracked(trade)[0] for trade in trades]
    fees = [tracked(Happened(time=f"2021-03-28 05:0{n}:00"))[1] or "" for n in (1, 2)]
    file = table(COINTRACKING, *rows, *fees, timezone="UTC")
    api = records(trades)
    assert Run(api, file).said["new"] == ["3", "4"]
    said = [
        Decision(verdict=Verdict.CONFIRM, record_id=api[trade].id, row_id=file.entries[2 + fee].id)
        for trade, fee in ((1, 0), (0, 0), (0, 1))
    ]
    assert Run(api, file, decisions=said).said == {
        "matches": [
            "1 + 4 is #1 (intervals, strong)",
            "2 + 3 is #2 (intervals, strong)",
        ]
    }
