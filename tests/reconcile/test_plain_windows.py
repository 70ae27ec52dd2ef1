"""The short way through a history, window by window, leads to where the long one does.

Windows are of a few records here, so that nearly every trade stands at the edge of one.
"""

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Sequence

import attrs
from hypothesis import given
from hypothesis import strategies as st

from bitstamp_ledger import Decision, Entry, Match, Statement, Verdict
from bitstamp_ledger.reconcile import reconcile
from bitstamp_ledger.reconcile._plain import plain_pairs
from tests.reconcile.builders import Happened, facts, g1, records
from tests.reconcile.verdicts import COINTRACKING, Run, table

TIMES = tuple(
    f"2021-05-14 09:{minute}:{second}" for minute in (12, 13, 14) for second in ("05", "40")
)
NOBODY = [Decision(verdict=Verdict.REJECT, record_id="nobody", row_id="nothing")]
"""A decision about nothing, which makes everything go the long way."""


def histories() -> st.SearchStrategy[list[Happened]]:
    """Trades of three minutes, of few amounts and fees."""
    drawn = st.lists(
        st.builds(
            Happened,
            time=st.sampled_from(TIMES),
            amount=st.sampled_from(("0.10000000", "0.20000000", "0.30000000")),
            price=st.just("100"),
            fee=st.sampled_from(("0.10000", "0.20000", None)),
        ),
        max_size=8,
    )
    return drawn.map(
        lambda trades: [
            attrs.evolve(trade, id=number)
            for number, trade in enumerate(sorted(trades, key=lambda each: each.time), 1)
        ]
    )


def late(statement: Statement, seconds: Sequence[int]) -> Statement:
    """Let rows begin within a minute: then what they stand for reaches into the next one."""
    rows = [
        attrs.evolve(row, time=row.time + dt.timedelta(seconds=seconds[number % len(seconds)]))
        for number, row in enumerate(statement.entries)
    ]
    return attrs.evolve(statement, entries=tuple(rows))


def pairs(matches: Iterable[Match]) -> Counter[object]:
    """What is paired, wherever it stands."""
    return Counter(
        (*map(facts, (*match.api, *match.file)), match.rule, match.grade) for match in matches
    )


@given(
    histories(),
    histories(),
    st.lists(st.sampled_from((0, 0, 1, 30, 59)), min_size=1, max_size=4),
    st.integers(0, 3),
)
def test_windows_change_nothing(
    trades: list[Happened], others: list[Happened], seconds: list[int], window: int
) -> None:
    """Nothing is lost, nothing is there twice, and what is left over is paired as ever."""
    api, statement = records(trades), late(g1(*others, *trades[::2]), seconds)
    plain = plain_pairs(api, statement.entries, window=window)
    assert plain is not None
    rows = [*plain.rows, *(row for match in plain.matches for row in match.file)]
    assert Counter(map(id, rows)) == Counter(map(id, statement.entries))
    known = [*plain.records, *(one for match in plain.matches for one in match.api)]
    assert Counter(map(id, known)) == Counter(map(id, api))
    assert [match.file[0].time for match in plain.matches] == sorted(
        match.file[0].time for match in plain.matches
    )
    assert [each.time for each in plain.records] == sorted(each.time for each in plain.records)
    rest = reconcile(
        plain.records, [attrs.evolve(statement, entries=tuple(plain.rows))], decisions=NOBODY
    )
    whole = reconcile(api, [statement], decisions=NOBODY)
    assert pairs([*plain.matches, *rest.matches]) == pairs(whole.matches)
    assert Counter(map(facts, rest.new)) == Counter(map(facts, whole.new))


def test_a_row_at_the_edge_of_a_window_belongs_to_neither() -> None:
    """It begins in the last minute of one, and may be a record of the next."""
    early, next_one = (
        Happened(id=n, time=f"2021-05-14 09:{minute}:50", amount="0.10000000")
        for n, minute in ((1, 12), (2, 13))
    )
    api = records([early, next_one])
    crossing = late(g1(attrs.evolve(early, time="2021-05-14 09:12:00")), [55])
    assert crossing.entries[0].time == dt.datetime(2021, 5, 14, 9, 12, 55, tzinfo=dt.UTC)
    (row,) = crossing.entries
    alone: list[Entry] = [*api]
    for window in (0, 1, 8):
        plain = plain_pairs(alone, [row], window=window)
        assert plain is not None
        assert plain.matches == ([] if window < 2 else plain.matches)
    result = reconcile(api, [crossing])
    assert [match.api[0].transaction_id for match in result.matches] == [2]


def test_a_history_of_one_minute_is_one_window() -> None:
    """No edge lies within a minute."""
    trades = [
        Happened(id=n, time=f"2021-05-14 09:12:{n:02}", amount=f"0.0{n}") for n in range(10, 40)
    ]
    plain = plain_pairs(records(trades), g1(*trades).entries, window=4)
    assert plain is not None
    assert len(plain.matches) == 30


def test_a_row_at_an_edge_goes_to_the_record_that_fits_it_best() -> None:
    """Though that is in the next window: one that states the fee before one that does not."""
    silent = Happened(id=1, time="2021-05-14 09:12:58", fee=None)
    stating = Happened(id=2, time="2021-05-14 09:13:10")
    crossing = late(g1(attrs.evolve(stating, time="2021-05-14 09:12:00")), [55])
    api = records([silent, stating])
    plain = plain_pairs(api, crossing.entries, window=0)
    assert plain is not None
    assert plain.matches == []
    assert [match.api[0].transaction_id for match in reconcile(api, [crossing]).matches] == [2]


def test_a_trade_with_its_fee_in_a_row_of_its_own_goes_the_long_way() -> None:
    """Where amounts are exact, so that a trade without a fee could go the short one."""
    trade = Happened()
    tracked = table(
        COINTRACKING,
        '"Trade","0.04219875","BTC","1996.79","EUR","","","Bitstamp","","","28.03.2021 00:41"',
        '"Other Fee","","","9.98393","EUR","","","Bitstamp","","","28.03.2021 00:41"',
        timezone="UTC",
    )
    precision = attrs.evolve(g1(trade).precision, account_stated=False)
    exact = attrs.evolve(
        tracked,
        precision=precision,
        entries=tuple(
            attrs.evolve(row, source=attrs.evolve(row.source, precision=precision))
            for row in tracked.entries
        ),
    )
    assert Run(records([trade]), exact).said == {
        "matches": ["1 + 2 is #163402118 (intervals, strong)"]
    }
