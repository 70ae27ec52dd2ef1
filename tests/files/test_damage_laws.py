"""The law of damage: the same entries or a reported problem, never a silently different number."""

from collections.abc import Callable
from decimal import Decimal

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitstamp_ledger.files import Statement, read_statement
from bitstamp_ledger.files._table import SHORT_ROW
from bitstamp_ledger.model import Entry, Trade, UnknownEntry
from tests.files.damages import (
    OF_DATES,
    OF_NUMBERS,
    OTHERS,
    Damage,
    File,
    undecidable,
)
from tests.files.renderers import WRITERS, Style, fit_for, states, trades
from tests.files.renderers_b import MORE_WRITERS
from tests.files.samples import G1_HEADER, G2_HEADER, Fill
from tests.files.test_tool_laws import styles

TOOLS = WRITERS | MORE_WRITERS
FORMATS = ("bitstamp-g1", "bitstamp-g2", *TOOLS)
names = pytest.mark.parametrize("name", FORMATS)

# Numbers that can be read in two ways once their zeros are gone or their points have moved.
_AMOUNTS = ("1250", "1.25", "12.345", "123.456", "1000000", "9765625", "0.001", "1.001", "2500.5")
_VALUES = ("1250", "9765625", "1.5", "2500.55", "1000", "123456.7", "0.1")
risky = st.builds(
    lambda fill, amount, value, fee: attrs.evolve(
        fill,
        amount=Decimal(amount).quantize(Decimal("1e-8")),
        value=Decimal(value).quantize(Decimal("0.01")),
        rate=Decimal(value).quantize(Decimal("0.01")),
        fee=None if fee is None else Decimal(fee).quantize(Decimal("1e-5")),
    ),
    trades,
    st.sampled_from(_AMOUNTS),
    st.sampled_from(_VALUES),
    st.sampled_from([None, "0.05", "0.001"]),
)
with_long_ids = trades.map(
    lambda fill: attrs.evolve(fill, order_id=10**15 + fill.order_id % (9 * 10**15))
)
usual = trades | with_long_ids
histories = st.lists(usual, min_size=1, max_size=6) | st.lists(risky, min_size=1, max_size=3)


@st.composite
def files(draw: st.DrawFn, name: str, history: list[Fill]) -> tuple[File, str | None]:
    """Print a history in a format; return the file, and the zone where it does not state one."""
    if name in TOOLS:
        writer = TOOLS[name]
        style = draw(styles(writer))
        rows = [tuple(writer.row(fill, style)) for fill in history]
        form = attrs.evolve(
            _file(
                writer.columns,
                rows,
                numbers=writer.numbers,
                times=writer.times,
                history=history,
                style=style,
            ),
            delimiter=writer.delimiter,
        )
        if name == "divly":  # Its date and its time of day are two cells.
            form = attrs.evolve(form, times=None)
        return form, str(style.zone) if writer.local else None
    rows = [tuple(fill.g1() if name == "bitstamp-g1" else fill.g2()) for fill in history]
    columns = tuple((G1_HEADER if name == "bitstamp-g1" else G2_HEADER).split(","))
    file = _file(
        columns,
        rows,
        numbers=("Amount", "Value", "Rate", "Fee"),
        times="Datetime",
        history=history,
        style=Style(clock=str),
    )
    return file, None


def _file(
    columns: tuple[str, ...],
    rows: list[tuple[str, ...]],
    *,
    numbers: tuple[str, ...],
    times: str,
    history: list[Fill],
    style: Style,
) -> File:
    def where(fits: Callable[[Fill, str], bool]) -> frozenset[int]:
        return frozenset(
            at
            for row, fill in zip(rows, history, strict=True)
            for at, text in enumerate(row)
            if fits(fill, text)
        )

    at_numbers = frozenset(columns.index(column) for column in numbers)
    return File(
        columns=columns,
        rows=tuple(rows),
        truths=tuple(history),
        numbers=at_numbers,
        times=columns.index(times),
        clock=lambda fill, clock: attrs.evolve(style, clock=clock).time(fill),
        ids=where(lambda fill, text: text in {str(fill.transaction_id), str(fill.order_id)}),
        codes=where(lambda fill, text: text.rpartition(" ")[2] in {fill.base, fill.quote}),
        fees=frozenset(
            at
            for at in at_numbers
            if columns[at].casefold().replace("_", " ").startswith(("fee", "frais"))
        ),
        exchanges=where(lambda _fill, text: "bitstamp" in text.casefold()),
    )


def assert_true(statement: Statement, file: File) -> None:
    """Each true row is stated as it was, or reported; each other row ends somewhere."""
    readings = [statement, *statement.alternatives]
    assert any(_is_true(reading, file) for reading in readings), [
        (entry, entry.source.precision) for entry in statement.entries
    ]


def _is_true(statement: Statement, file: File) -> bool:
    entries = {entry.source.row: entry for entry in statement.entries}
    unreadable = {problem.row for problem in statement.problems}
    aside = {row.row: row.reason for row in statement.set_aside}
    assert statement.counts.balanced
    assert statement.counts.rows == len(file.rows)
    for number, (row, truth) in enumerate(zip(file.rows, file.truths, strict=True), 1):
        if truth is None:
            assert number in unreadable or number in aside or number in entries
        elif number in aside:
            assert not any(row[:1]), (row, aside[number])
        elif number not in unreadable and not _states(entries[number], truth, statement, row, file):
            return False
    return True


def _states(
    entry: Entry, truth: Fill, statement: Statement, row: tuple[str, ...], file: File
) -> bool:
    if isinstance(entry, UnknownEntry):
        return True
    if not isinstance(entry, Trade):  # Half of it was cut off, and that is reported.
        return len(row) < len(file.columns) and any(
            repair.what == SHORT_ROW for repair in statement.repairs
        )
    return (
        states(entry, truth)
        and entry.transaction_id in {None, truth.transaction_id}
        and entry.order_id in {None, truth.order_id}
    )


def assert_read(file: File, name: str, zone: str | None) -> None:
    statement = read_statement(file.content, timezone=zone)
    assert statement.format == name
    if any("thousands" in doubt for doubt in statement.doubts):
        assert undecidable(file)
        return
    assert_true(statement, file)


def assert_survives(name: str, history: list[Fill], data: st.DataObject) -> None:
    history = [fit_for(name, fill) for fill in history]
    file, zone = data.draw(files(name, history))
    for damage in data.draw(accidents()):
        file = damage(data.draw, file)
    assert_read(file, name, zone)


def accidents() -> st.SearchStrategy[list[Damage]]:
    """Return what happens to one file: to its numbers, to its dates, and else."""
    return st.tuples(
        st.lists(st.sampled_from(list(OF_NUMBERS.values())), max_size=1),
        st.lists(st.sampled_from(list(OF_DATES.values())), max_size=1),
        st.lists(st.sampled_from(list(OTHERS.values())), max_size=3),
    ).map(lambda drawn: [damage for several in drawn for damage in several])


@names
@settings(max_examples=15)
@given(history=histories, data=st.data())
def test_damage_is_undone_or_reported(name: str, history: list[Fill], data: st.DataObject) -> None:
    """Whatever two or three programs and a person did to the file, one after the other."""
    history = [fit_for(name, fill) for fill in history]
    file, zone = data.draw(files(name, history))
    for damage in data.draw(accidents()):
        file = damage(data.draw, file)

    assert_read(file, name, zone)


EVERY = {**OF_NUMBERS, **OF_DATES, **OTHERS}


@pytest.mark.parametrize("damage", EVERY)
@settings(max_examples=8)
@given(name=st.sampled_from(FORMATS), history=histories, data=st.data())
def test_each_damage_alone(
    damage: str, name: str, history: list[Fill], data: st.DataObject
) -> None:
    """In some format each: the header is still known, and every row is accounted for."""
    history = [fit_for(name, fill) for fill in history]
    file, zone = data.draw(files(name, history))
    file = EVERY[damage](data.draw, file)
    assert_read(file, name, zone)
