"""Laws of further layouts: what is read contains what happened, whatever the file met."""

import datetime as dt
from collections.abc import Callable, Sequence

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitstamp_ledger.files import read_statement, read_statement_text
from bitstamp_ledger.model import Amount, Trade
from tests.files.renderers import WRITERS, Style, Writer, iso, states, trades
from tests.files.renderers_b import (
    COINLEDGER_EXPORT,
    DALI_IN,
    DALI_OUT,
    MORE_WRITERS,
    Cell,
    ccxt_dump,
    ccxt_record,
    coinledger_export,
    dali,
    ods,
    xlsx,
)
from tests.files.samples import Fill, printed
from tests.files.test_tool_laws import (
    NUMBER_DAMAGES,
    assert_accounts_for,
    histories,
    styles,
    zone_name,
)

names = pytest.mark.parametrize("name", MORE_WRITERS)


@names
@settings(max_examples=12)
@given(history=histories, data=st.data())
def test_what_is_read_contains_what_happened(
    name: str, history: list[Fill], data: st.DataObject
) -> None:
    """Every amount in its interval, every time in its step, for all zones and changes of clocks."""
    writer = MORE_WRITERS[name]
    style = data.draw(styles(writer))
    text = writer.text([writer.row(fill, style) for fill in history])

    statement = read_statement_text(text, timezone=zone_name(writer, style))

    assert statement.format == name
    assert statement.problems == ()
    assert len(statement.entries) == len(history)
    for entry, fill in zip(statement.entries, history, strict=True):
        assert states(entry, fill), (entry, entry.source.precision, fill)
        assert entry.transaction_id in {None, fill.transaction_id}
    precisions = [entry.source.precision for entry in statement.entries]
    assert len({id(precision) for precision in precisions}) == len(set(precisions))


@names
@settings(max_examples=12)
@given(history=histories, damage=st.sampled_from(sorted(NUMBER_DAMAGES)), data=st.data())
def test_no_number_is_silently_another(
    name: str, history: list[Fill], damage: str, data: st.DataObject
) -> None:
    """What a spreadsheet does to numbers is undone, or the row is a problem."""
    writer = MORE_WRITERS[name]
    style = data.draw(styles(writer))
    rows = [list(writer.row(fill, style)) for fill in history]
    for row in rows:
        for column in writer.numbers:
            at = writer.columns.index(column)
            row[at] = NUMBER_DAMAGES[damage](row[at])
    text = writer.text(rows, data.draw(st.sampled_from([",", ";", "\t"])))

    statement = read_statement_text(text, timezone=zone_name(writer, style))

    assert_accounts_for(statement, history, range(1, len(rows) + 1))


@names
@settings(max_examples=6)
@given(history=histories, data=st.data())
def test_rows_cut_short_or_joined_lose_nothing_in_silence(
    name: str, history: list[Fill], data: st.DataObject
) -> None:
    """Cells cut off at the end, the header again, a line of sums, blank lines."""
    writer = MORE_WRITERS[name]
    style = data.draw(styles(writer))
    width = len(writer.columns)
    cut = data.draw(st.integers(0, width - 1))
    rows = [list(writer.row(fill, style))[: width - cut] for fill in history]
    sums = ["Total", *["12.5"] * (width - 1)]
    text = writer.text([*rows, list(writer.columns), sums, [""] * width, rows[0]])

    statement = read_statement_text(text, timezone=zone_name(writer, style))

    again = len(rows)
    assert_accounts_for(statement, history, range(1, again + 1))
    aside = {each.row: each.reason for each in statement.set_aside}
    assert aside[again + 1] == "the header again"
    assert again + 2 in {problem.row for problem in statement.problems} | aside.keys()
    assert aside[again + 3] == "blank"


sheet_trades = st.lists(trades, min_size=1, max_size=4)
savers = st.sampled_from([xlsx, xlsx, ods])


def in_cells(
    writer: Writer, rows: Sequence[Sequence[str]], history: list[Fill]
) -> list[list[Cell]]:
    """Put numbers and times into cells of their own kinds, as a person would have them."""
    numbers = {writer.columns.index(column.removesuffix(" (2)")) for column in writer.numbers}
    when = writer.columns.index(writer.times)
    sheet: list[list[Cell]] = [list(writer.columns)]
    for row, fill in zip(rows, history, strict=True):
        cells: list[Cell] = [*row]
        for at in numbers:
            if row[at]:
                cells[at] = float(row[at])
        cells[when] = fill.time.replace(tzinfo=None, microsecond=0)
        sheet.append(cells)
    return sheet


WITHOUT_SHEETS = {"divly", "bitcoin-tax", "delta-new", "taxbit", "rotki"}
"""Those whose times are in two cells, or say a zone that a date's cell cannot hold."""


@settings(max_examples=30)
@given(
    name=st.sampled_from([name for name in MORE_WRITERS if name not in WITHOUT_SHEETS]),
    history=sheet_trades,
    save=savers,
    data=st.data(),
)
def test_a_workbook_states_what_happened(
    name: str,
    history: list[Fill],
    save: Callable[[Sequence[Sequence[Cell]]], bytes],
    data: st.DataObject,
) -> None:
    """Its numbers are binary floats and may have been cut to 15 digits; its times have no zone."""
    writer = MORE_WRITERS[name]
    style = attrs.evolve(data.draw(styles(writer)), zone=dt.UTC)
    rows = [writer.row(fill, style) for fill in history]

    statement = read_statement(save(in_cells(writer, rows, history)), timezone="UTC")

    assert statement.format == name
    assert statement.problems == ()
    for entry, fill in zip(statement.entries, history, strict=True):
        assert states(entry, fill), (entry, entry.source.precision, fill)


@settings(max_examples=25)
@given(history=histories, data=st.data())
def test_legs_in_rows_of_their_own_come_together(history: list[Fill], data: st.DataObject) -> None:
    """Whatever their order in the file."""
    style = Style(clock=iso)
    rows = [
        (at, row)
        for at, fill in enumerate(history)
        for row in coinledger_export(fill, style, f"group-{at}")
    ]
    rows = data.draw(st.permutations(rows))
    statement = read_statement_text(printed(COINLEDGER_EXPORT, [row for _, row in rows]))

    order = list(dict.fromkeys(at for at, _ in rows))
    assert statement.format == "coinledger-export"
    assert statement.problems == ()
    assert statement.counts.kept == len(rows)
    assert len(statement.entries) == len(history)
    for entry, at in zip(statement.entries, order, strict=True):
        assert states(entry, history[at])
        assert entry.transaction_id == history[at].transaction_id
        amounts = [value for name, value in entry.source.raw.items() if name.startswith("Amount")]
        assert len(amounts) == (2 if history[at].fee is None else 3)


@settings(max_examples=25)
@given(history=histories, buy=st.booleans(), totals=st.booleans())
def test_both_files_of_dali_state_what_happened(
    history: list[Fill], buy: bool, totals: bool
) -> None:
    """With the amounts without fee, or only with those that contain it."""
    history = [attrs.evolve(fill, buy=buy) for fill in history]
    header = DALI_IN if buy else DALI_OUT
    statement = read_statement_text(
        printed(header, [dali(fill, totals=totals) for fill in history])
    )

    assert statement.problems == ()
    assert statement.format == ("dali-rp2-in" if buy else "dali-rp2-out")
    for entry, fill in zip(statement.entries, history, strict=True):
        assert states(entry, fill), (entry, fill)
        assert entry.transaction_id == fill.transaction_id
        assert entry.time == fill.time


@settings(max_examples=30)
@given(history=histories, info=st.booleans(), lines=st.booleans(), extra=st.booleans())
def test_a_dump_of_ccxt_states_what_happened(
    history: list[Fill], info: bool, lines: bool, extra: bool
) -> None:
    """By the exchange's own record where it was kept, else by floats and milliseconds."""
    records = [ccxt_record(fill, info=info, extras=["fees"] * extra) for fill in history]
    statement = read_statement_text(ccxt_dump(records, lines=lines))

    assert statement.format == "ccxt"
    assert statement.problems == ()
    for entry, fill in zip(statement.entries, history, strict=True):
        assert states(entry, fill), (entry, entry.source.precision, fill)
        assert isinstance(entry, Trade)
        assert (entry.transaction_id, entry.order_id) == (fill.transaction_id, fill.order_id)
        assert entry.legs[0].currency == fill.base
        if info:
            assert entry.time == fill.time
            assert abs(entry.legs[1].value) == fill.value
            # The exchange says 0.00 where there was none, and that is a statement.
            assert entry.fee == Amount(fill.fee or 0, fill.quote)


def test_no_two_formats_claim_one_header() -> None:
    """The first would always win, and the second be dead."""
    texts = {
        **{name: writer.text([]) for name, writer in (WRITERS | MORE_WRITERS).items()},
        "coinledger-export": COINLEDGER_EXPORT,
        "dali-rp2-in": DALI_IN,
        "dali-rp2-out": DALI_OUT,
    }

    assert {name: read_statement_text(text).format for name, text in texts.items()} == {
        name: name for name in texts
    }
