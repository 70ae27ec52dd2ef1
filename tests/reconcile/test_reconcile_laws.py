"""What holds for any records and any files.

Everything is drawn from few values, so that rows collide: that is where trades get lost.
"""

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from functools import partial

import attrs
from hypothesis import assume, given
from hypothesis import strategies as st

from bitstamp_ledger import Decision, Entry, Reconciliation, Rule, Statement, Verdict
from bitstamp_ledger.reconcile import reconcile
from tests.reconcile.builders import (
    Happened,
    canonical,
    facts,
    g1,
    g2,
    ledger,
    records,
)

MINUTE = ("2021-05-14 09:12:05", "2021-05-14 09:12:05.5", "2021-05-14 09:12:59.999999")
NEXT = "2021-05-14 09:13:00"
TIMES = (*MINUTE, NEXT)
FEES = (None, "0.10000", "0.10001", "0.20000")
"""The middle two are within one unit of each other."""

Export = partial[Statement]


@st.composite
def happenings(
    draw: st.DrawFn, *, max_size: int = 6, fees: Sequence[str | None] = FEES
) -> list[Happened]:
    """Trades with ids of their own, in the order of time, as the exchange numbers them."""
    drawn = draw(
        st.lists(
            st.builds(
                Happened,
                time=st.sampled_from(TIMES),
                side=st.sampled_from(("Buy", "Sell")),
                quote=st.sampled_from(("EUR", "USD")),
                amount=st.sampled_from(("0.10000000", "0.20000000")),
                price=st.sampled_from(("100", "100.10")),
                fee=st.sampled_from(fees),
                account=st.sampled_from(("Main Account", "Main Account", "Bot")),
            ),
            max_size=max_size,
        )
    )
    drawn.sort(key=lambda trade: trade.time)
    return [attrs.evolve(trade, id=number) for number, trade in enumerate(drawn, 1)]


def exports() -> st.SearchStrategy[Export]:
    """Each layout, the newer one with ids and without."""
    return st.sampled_from((partial(g1), partial(g2), partial(g2, with_ids=False)))


@attrs.frozen
class Drawn:
    """A file, shown by hypothesis as what it was made of."""

    export: Export
    rows: list[Happened]
    read: Statement = attrs.field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "read", self.export(*self.rows))


def statements() -> st.SearchStrategy[Drawn]:
    """Files of trades that may have nothing to do with the records."""
    return st.builds(Drawn, exports(), happenings())


@st.composite
def parts(draw: st.DrawFn, trades: Sequence[Happened]) -> list[Happened]:
    """Some of the trades, in their order."""
    taken = draw(st.lists(st.booleans(), min_size=len(trades), max_size=len(trades)))
    return [trade for trade, is_taken in zip(trades, taken, strict=True) if is_taken]


def fees_left_out(data: st.DataObject, trades: list[Happened]) -> list[Happened]:
    """The same trades, the fees of some of them not stated."""
    left_out = data.draw(st.sets(st.integers(1, 8)))
    return [attrs.evolve(trade, fee=None) if trade.id in left_out else trade for trade in trades]


@st.composite
def shuffled(draw: st.DrawFn, trades: Sequence[Happened]) -> list[Happened]:
    """The same trades in another order."""
    return draw(st.permutations(trades))


def rows_of(result: Reconciliation) -> list[Entry]:
    """Every row that a result says is a second witness."""
    return [
        *(row for match in result.matches for row in match.file),
        *(match.file[1] for match in result.file_matches),
    ]


@given(happenings(), st.lists(statements(), max_size=3))
def test_every_record_and_every_row_has_one_place(
    trades: list[Happened], drawn: list[Drawn]
) -> None:
    """Records and rows are kept, or witnesses, never both and never neither; counts agree."""
    files = [each.read for each in drawn]
    api = records(trades)
    result = reconcile(api, files)
    places = Counter(map(id, result.entries))
    places.update(map(id, rows_of(result)))
    assert places == Counter(map(id, [*api, *(row for file in files for row in file.entries)]))
    kept = {id(entry) for entry in result.entries}
    assert all(id(entry) in kept for entry in api)
    assert {id(row) for row in result.new} == kept - set(map(id, api))
    counts = result.counts
    assert counts.adds_up
    assert counts.received == len(api) + sum(len(file.entries) for file in files)
    assert counts.kept == len(result.entries)
    assert counts.witnessed == len(result.matches) + len(result.file_matches)


@given(happenings(), st.lists(statements(), max_size=3))
def test_no_statement_uses_an_entry_twice(trades: list[Happened], drawn: list[Drawn]) -> None:
    """Within one statement pairs are one-to-one; several statements may share a record."""
    files = [each.read for each in drawn]
    result = reconcile(records(trades), files)
    for file in files:
        own = set(map(id, file.entries))
        known = Counter(
            id(entry)
            for match in (*result.matches, *result.file_matches)
            if id(match.file[-1]) in own
            for entry in (*match.api, *match.file[:-1])
        )
        assert set(known.values()) <= {1}
    assert set(Counter(map(id, rows_of(result))).values()) <= {1}


@given(st.data())
def test_the_order_of_the_input_does_not_matter(data: st.DataObject) -> None:
    """Not that of the records, of the statements, or of the rows inside one."""
    trades = data.draw(happenings())
    files = data.draw(st.lists(st.tuples(exports(), happenings()), max_size=3))
    other = data.draw(st.permutations(files))
    one = reconcile(records(trades), [export(*rows) for export, rows in files])
    two = reconcile(
        records(data.draw(shuffled(trades))),
        [export(*data.draw(shuffled(rows))) for export, rows in other],
    )
    assert canonical(one) == canonical(two)


@given(happenings(), st.lists(statements(), max_size=2), statements())
def test_another_statement_removes_no_record(
    trades: list[Happened], drawn: list[Drawn], further: Drawn
) -> None:
    """What the API sent is the ledger's, whatever files say."""
    files = [each.read for each in drawn]
    api = records(trades)
    kept = {id(entry) for entry in reconcile(api, [*files, further.read]).entries}
    assert all(id(entry) in kept for entry in api)


@given(
    st.integers(0, 6),
    st.integers(0, 6),
    st.sampled_from((partial(g1), partial(g2, with_ids=False))),
)
def test_equal_ones_make_as_many_pairs_as_the_fewer(held: int, rows: int, export: Export) -> None:
    """min(k, m): neither set logic, which eats repeats, nor equality, which keeps duplicates."""
    trades = [Happened(id=number) for number in range(max(held, rows))]
    result = reconcile(records(trades[:held]), [export(*trades[:rows])])
    assert len(result.matches) == min(held, rows)
    assert len(result.entries) == max(held, rows)
    assert not result.conflicts
    assert not result.suspects


@given(happenings(), exports())
def test_a_file_of_the_records_adds_nothing(trades: list[Happened], export: Export) -> None:
    """The commonest case of all: both sources hold the same history."""
    api = records(trades)
    result = reconcile(api, [export(*trades)])
    assert len(result.matches) == len(trades)
    assert Counter(map(id, result.entries)) == Counter(map(id, api))
    for part in (result.conflicts, result.suspects, result.new, result.api_only):
        assert not part


@given(st.data())
def test_a_file_with_ids_may_come_in_two_parts(data: st.DataObject) -> None:
    """Cut anywhere, as long as some id proves that they are the exchange's."""
    trades = data.draw(happenings(max_size=8))
    held, rows = data.draw(parts(trades)), data.draw(parts(trades))
    assume({trade.id for trade in held} & {trade.id for trade in rows})
    cut = data.draw(st.integers(0, len(rows)))
    whole = reconcile(records(held), [g2(*rows)])
    split = reconcile(records(held), [g2(*rows[:cut]), g2(*rows[cut:])])
    assert ledger(whole) == ledger(split)
    assert len(whole.matches) == len(split.matches)


@given(st.data())
def test_a_file_without_ids_may_be_cut_between_minutes(data: st.DataObject) -> None:
    """A row before the cut and a row after it must not be able to be one event.

    They cannot where their minutes differ.  A cut inside a minute turns m equal rows into two
    files of fewer, and of overlapping files the larger count is taken: that is what
    `test_an_export_cut_inside_a_minute_gives_the_larger_count` is about.
    """
    held, rows = data.draw(happenings()), data.draw(happenings(max_size=8))
    cut = sum(trade.time < NEXT for trade in rows)
    whole = reconcile(records(held), [g1(*rows)])
    split = reconcile(records(held), [g1(*rows[:cut]), g1(*rows[cut:])])
    assert ledger(whole) == ledger(split)
    assert len(whole.matches) == len(split.matches)


@given(st.data())
def test_reading_every_statement_twice_changes_nothing(data: st.DataObject) -> None:
    """Nor does asking again.

    The files are of one history, each with what it left out: files whose ids name different
    trades contradict one another, and their copies take part in the dispute.
    """
    truth = data.draw(happenings(max_size=8))
    held = data.draw(parts(truth))
    files = [
        data.draw(exports())(*fees_left_out(data, data.draw(parts(truth))))
        for _ in range(data.draw(st.integers(0, 3)))
    ]
    once = reconcile(records(held), files)
    assert once == reconcile(records(held), files)
    assert ledger(once) == ledger(reconcile(records(held), [*files, *files]))


@given(st.data())
def test_what_a_person_said_is_obeyed(data: st.DataObject) -> None:
    """Rejected pairs are never made; confirmed ones always, unless the pair is also rejected."""
    trades, rows = data.draw(happenings()), data.draw(happenings())
    assume(trades and rows)
    api, file = records(trades), data.draw(exports())(*rows)
    pairs = st.tuples(st.sampled_from(api), st.sampled_from(file.entries))
    rejected = {(one.id, row.id) for one, row in data.draw(st.lists(pairs, max_size=8))}
    confirmed = {
        (one.id, row.id)
        for one, row in data.draw(
            st.lists(
                pairs, max_size=3, unique_by=(lambda pair: pair[0].id, lambda pair: pair[1].id)
            )
        )
    }
    result = reconcile(
        api,
        [file],
        decisions=[
            *(Decision(verdict=Verdict.CONFIRM, record_id=a, row_id=b) for a, b in confirmed),
            *(Decision(verdict=Verdict.REJECT, record_id=a, row_id=b) for a, b in rejected),
        ],
    )
    made = {(match.api[0].id, match.file[0].id) for match in result.matches}
    assert not made & rejected
    assert confirmed - rejected <= made
    assert result.counts.adds_up


@given(happenings())
def test_a_rejected_pair_does_not_stop_its_twins(trades: list[Happened]) -> None:
    """Of k equal records and k equal rows one pair is ruled out: k pairs remain, for k > 1."""
    twins = [Happened(id=number) for number in range(len(trades))]
    api, file = records(twins), g1(*twins)
    said = [
        Decision(verdict=Verdict.REJECT, record_id=api[0].id, row_id=row.id)
        for row in file.entries[:1]
    ]
    pairs = len(twins) if len(twins) > 1 else 0
    assert len(reconcile(api, [file], decisions=said).matches) == pairs


# -- against an oracle


def can_be_one(record: Happened, row: Happened, *, digits: int) -> bool:
    """Say whether a row printed with so many digits of the time may be the record."""
    shown = ("account", "side", "base", "quote", "amount", "value")
    same = all(getattr(record, name) == getattr(row, name) for name in shown)
    fees_differ = (
        record.fee is not None
        and row.fee is not None
        and abs(Decimal(record.fee) - Decimal(row.fee)) > Decimal("0.00001")
    )
    return same and not fees_differ and record.time[:digits] == row.time[:digits]


def most_pairs(held: Sequence[Happened], rows: Sequence[Happened], *, digits: int) -> int:
    """Try every assignment."""
    if not rows:
        return 0
    row, rest = rows[0], rows[1:]
    best = most_pairs(held, rest, digits=digits)
    for position, record in enumerate(held):
        if can_be_one(record, row, digits=digits):
            others = [*held[:position], *held[position + 1 :]]
            best = max(best, 1 + most_pairs(others, rest, digits=digits))
    return best


@given(
    happenings(),
    happenings(),
    st.sampled_from(
        (("2021-05-14 09:12", g1), ("2021-05-14 09:12:05", partial(g2, with_ids=False)))
    ),
)
def test_as_many_pairs_are_made_as_can_be(
    held: list[Happened], rows: list[Happened], layout: tuple[str, Export]
) -> None:
    """Greedy pairing would leave duplicates; only a conflict may make fewer, and is shown."""
    shown, export = layout
    result = reconcile(records(held), [export(*rows)])
    most = most_pairs(held, rows, digits=len(shown))
    disputed = sum(len(conflict.file) for conflict in result.conflicts)
    assert len(result.matches) <= most
    if disputed:
        assert len(rows) > most
        assert len(result.matches) + disputed > most
    else:
        assert len(result.matches) == most


@given(happenings(fees=FEES[1:]), happenings(fees=FEES[1:]))
def test_a_row_left_over_is_not_the_better_one(held: list[Happened], rows: list[Happened]) -> None:
    """With every fee stated, no row is kept whose twin in print is a record left alone."""
    result = reconcile(records(held), [g1(*rows)])

    def shown(entry: Entry) -> tuple[object, ...]:
        minute = entry.time.replace(second=0, microsecond=0)
        return entry.account, minute, entry.legs, entry.fee

    assert not Counter(map(shown, result.new)) & Counter(map(shown, result.api_only))


# -- the truth

Class = tuple[object, ...]


def old_row(trade: Happened) -> Class:
    """What the old export shows of a trade, its fee aside, which it may leave out."""
    return (
        trade.time[:16],
        trade.account,
        trade.side,
        trade.base,
        trade.quote,
        trade.amount,
        trade.value,
    )


def old_rows(result: Reconciliation) -> Counter[Class]:
    """The same of the entries of a ledger."""
    return Counter(
        (
            f"{entry.time:%Y-%m-%d %H:%M}",
            entry.account,
            "Buy" if entry.legs[0].value > 0 else "Sell",
            *(leg.currency for leg in entry.legs),
            *(str(abs(leg.value)) for leg in entry.legs),
        )
        for entry in result.entries
    )


@given(st.data())
def test_no_trade_of_any_source_is_lost(data: st.DataObject) -> None:
    """Of trades that the old export cannot tell apart, the ledger holds as many as any source.

    More cannot be asked: that one record and one row of equal content are two trades, of which
    each source lacks one, is not to be seen in them.
    """
    truth = data.draw(happenings(max_size=8, fees=FEES[1:]))
    held = data.draw(parts(truth))
    sources = [
        (data.draw(exports()), data.draw(parts(truth))) for _ in range(data.draw(st.integers(1, 3)))
    ]
    result = reconcile(records(held), [export(*rows) for export, rows in sources])
    kept = old_rows(result)
    for rows in (held, *(rows for _, rows in sources)):
        assert Counter(map(old_row, rows)) <= kept


@given(st.data())
def test_sources_that_hold_whole_minutes_give_the_truth(data: st.DataObject) -> None:
    """Each source holds a minute or does not: every trade that one of them holds stands once."""
    truth = data.draw(happenings(max_size=8, fees=FEES[1:]))

    def some_minutes() -> list[Happened]:
        minutes = data.draw(st.sets(st.sampled_from(sorted({time[:16] for time in TIMES}))))
        return [trade for trade in truth if trade.time[:16] in minutes]

    held = some_minutes()
    sources = [(data.draw(exports()), some_minutes()) for _ in range(data.draw(st.integers(1, 3)))]
    result = reconcile(
        records(held), [export(*fees_left_out(data, rows)) for export, rows in sources]
    )
    seen = {trade.id for rows in (held, *(rows for _, rows in sources)) for trade in rows}
    assert old_rows(result) == Counter(old_row(trade) for trade in truth if trade.id in seen)
    assert result.conflicts == ()


# -- ids


@given(st.data())
def test_two_ids_of_one_kind_are_two_events(data: st.DataObject) -> None:
    """Whatever the content: once one id of a file has proved itself, none is paired with another.

    The histories are full of equal trades, so content alone would pair them.
    """
    trades = data.draw(happenings(max_size=8))
    held, rows = data.draw(parts(trades)), data.draw(parts(trades))
    shared = {trade.id for trade in held} & {trade.id for trade in rows}
    assume(shared)
    result = reconcile(records(held), [g2(*rows)])
    assert {match.api[0].transaction_id for match in result.matches} == shared
    assert all(
        match.api[0].transaction_id == match.file[0].transaction_id for match in result.matches
    )
    assert {row.transaction_id for row in result.new} == {trade.id for trade in rows} - shared


@given(st.data())
def test_one_id_with_two_contents_is_a_conflict(data: st.DataObject) -> None:
    """Both stay, whatever else the content fits; the other rows are paired by their ids."""
    trades = data.draw(happenings(max_size=8))
    assume(len(trades) > 2)
    changed = data.draw(st.sampled_from(trades))
    rows = [
        attrs.evolve(trade, amount="0.30000000") if trade is changed else trade for trade in trades
    ]
    result = reconcile(records(trades), [g2(*rows)])
    assert {entry.transaction_id for entry in result.new} == {changed.id}
    (conflict,) = result.conflicts
    assert [entry.transaction_id for entry in (*conflict.api, *conflict.file)] == [changed.id] * 2
    assert {match.rule for match in result.matches} == {Rule.EXCHANGE_ID}
    assert len(result.matches) == len(trades) - 1


@given(st.sets(st.integers(0, 59), min_size=3, max_size=8), st.integers(1000, 10**9))
def test_ids_of_another_kind_switch_the_rule_off(minutes: set[int], shift: int) -> None:
    """Trades at three different times whose contents agree and whose ids do not."""
    trades = [
        Happened(id=number, time=f"2021-05-14 09:{minute:02}:05")
        for number, minute in enumerate(sorted(minutes), 1)
    ]
    rows = [attrs.evolve(trade, id=trade.id + shift) for trade in trades]
    result = reconcile(records(trades), [g2(*rows)])
    assert {match.rule for match in result.matches} == {Rule.INTERVALS}
    assert len(result.matches) == len(trades)
    assert not result.ids[0].trusted
    assert "not the exchange's ids" in result.ids[0].explanation


@given(st.sets(st.integers(0, 59), min_size=3, max_size=8), st.integers(1, 7))
def test_ids_that_contradict_throughout_switch_the_rule_off(minutes: set[int], by: int) -> None:
    """Every id is that of another record: a tool's own numbers, which happen to be low as well."""
    trades = [
        Happened(id=number, time=f"2021-05-14 09:{minute:02}:05")
        for number, minute in enumerate(sorted(minutes), 1)
    ]
    assume(by % len(trades))
    rows = [attrs.evolve(trade, id=1 + (trade.id - 1 + by) % len(trades)) for trade in trades]
    result = reconcile(records(trades), [g2(*rows)])
    assert {match.rule for match in result.matches} == {Rule.INTERVALS}
    assert len(result.matches) == len(trades)
    assert result.conflicts == ()
    assert not result.ids[0].trusted


# -- what a further statement may change


def witnessed(result: Reconciliation, of: Statement) -> Counter[object]:
    """Which records have a row of this file for a witness."""
    own = set(map(id, of.entries))
    return Counter(
        facts(match.api[0]) for match in result.matches if any(id(row) in own for row in match.file)
    )


def kept(result: Reconciliation, of: Statement) -> int:
    """How many rows of this file are in the ledger."""
    own = set(map(id, of.entries))
    return sum(id(row) in own for row in result.new)


@given(st.data())
def test_another_statement_takes_no_witness_away(data: st.DataObject) -> None:
    """Every record keeps its witness, and no row that was one is kept as a trade of its own."""
    truth = data.draw(happenings(max_size=8, fees=FEES[1:]))
    api = records(data.draw(parts(truth)))
    files = [
        data.draw(exports())(*data.draw(parts(truth))) for _ in range(data.draw(st.integers(1, 2)))
    ]
    further = data.draw(exports())(*data.draw(parts(truth)))
    before, after = reconcile(api, files), reconcile(api, [*files, further])
    assert {id(entry) for entry in before.entries if entry.source.row is None} <= set(
        map(id, after.entries)
    )
    for file in files:
        assert witnessed(before, file) == witnessed(after, file)
        assert kept(after, file) <= kept(before, file)


def test_a_row_is_the_witness_of_a_record_rather_than_of_a_row() -> None:
    """It fits both: what the record lost to another file would look as if nobody had seen it."""
    held = Happened(fee="0.10001")
    silent = attrs.evolve(held, fee=None)
    other = attrs.evolve(held, fee="0.10000")
    result = reconcile(records([held]), [g2(held, other, with_ids=False), g1(silent)])
    assert [len(match.file) for match in result.matches] == [1, 1]
    assert result.file_matches == ()


@given(st.data())
def test_a_decision_outlives_a_further_statement(data: st.DataObject) -> None:
    """Confirmed and rejected pairs of one file, whatever the next one says."""
    trades, rows = data.draw(happenings()), data.draw(happenings())
    assume(trades and rows)
    api, file = records(trades), data.draw(exports())(*rows)
    record, row = data.draw(st.sampled_from(api)), data.draw(st.sampled_from(file.entries))
    verdict = data.draw(st.sampled_from(Verdict))
    said = [Decision(verdict=verdict, record_id=record.id, row_id=row.id)]
    further = data.draw(statements()).read
    result = reconcile(api, [file, further], decisions=said)
    own = {(match.api[0].id, match.file[0].id) for match in result.matches}
    assert ((record.id, row.id) in own) is (verdict is Verdict.CONFIRM)


@given(happenings(), statements())
def test_a_decision_on_others_changes_nothing(trades: list[Happened], drawn: Drawn) -> None:
    """Nor does the way that is gone: plain pairs are found a shorter way where nobody decided."""
    api, file = records(trades), drawn.read
    said = [Decision(verdict=Verdict.REJECT, record_id="nobody", row_id="nothing")]
    assert canonical(reconcile(api, [file])) == canonical(reconcile(api, [file], decisions=said))


@given(happenings(max_size=8), st.lists(statements(), min_size=2, max_size=2))
def test_a_decision_on_others_changes_nothing_of_two_files(
    trades: list[Happened], drawn: list[Drawn]
) -> None:
    """The second file meets what the short way has left."""
    api, files = records(trades), [each.read for each in drawn]
    said = [Decision(verdict=Verdict.REJECT, record_id="nobody", row_id="nothing")]
    assert canonical(reconcile(api, files)) == canonical(reconcile(api, files, decisions=said))
