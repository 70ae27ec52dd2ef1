"""Laws of other tools' layouts: what is read contains what happened, whatever the file met."""

import datetime as dt
import math
import zoneinfo
from collections.abc import Callable
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Decimal

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitstamp_ledger.files import Statement, read_statement, read_statement_text
from bitstamp_ledger.model import Trade
from tests.files.renderers import (
    WRITERS,
    ZONES,
    Style,
    Writer,
    american_sheet,
    british_sheet,
    dotted,
    fit_for,
    iso_minute,
    states,
    trades,
)
from tests.files.samples import Fill

names = pytest.mark.parametrize("name", WRITERS)
histories = st.lists(trades, min_size=1, max_size=5)


@st.composite
def styles(draw: st.DrawFn, writer: Writer) -> Style:
    """How a maker of such files may print: any of the format's clocks, more or fewer digits."""
    zone = zoneinfo.ZoneInfo(draw(st.sampled_from(ZONES))) if writer.local else dt.UTC
    return Style(
        clock=draw(st.sampled_from(writer.clocks)),
        zone=zone,
        base_decimals=draw(st.sampled_from([8, 8, 6])),
        fee_decimals=draw(st.sampled_from([5, 5, 2])),
        rounding=draw(st.sampled_from([ROUND_HALF_EVEN, ROUND_DOWN])),
        strip_zeros=draw(st.booleans()),
    )


def zone_name(writer: Writer, style: Style) -> str | None:
    return str(style.zone) if writer.local else None


def assert_accounts_for(statement: Statement, history: list[Fill], rows: range) -> None:
    """Every trade is stated by its row's entry, or its row is a problem."""
    entries = {entry.source.row: entry for entry in statement.entries}
    unreadable = {problem.row for problem in statement.problems}
    assert statement.counts.balanced
    for row, fill in zip(rows, history, strict=True):
        if row in unreadable:
            continue
        entry = entries[row]
        assert not isinstance(entry, Trade) or states(entry, fill), (entry, fill)


@names
@settings(max_examples=20, deadline=None)
@given(history=histories, data=st.data())
def test_what_is_read_contains_what_happened(
    name: str, history: list[Fill], data: st.DataObject
) -> None:
    """Every amount in its interval, every time in its step, for all zones and changes of clocks."""
    writer = WRITERS[name]
    style = data.draw(styles(writer))
    history = [fit_for(name, fill) for fill in history]
    text = writer.text([writer.row(fill, style) for fill in history])

    statement = read_statement_text(text, timezone=zone_name(writer, style))

    assert statement.format == name
    assert statement.problems == ()
    assert len(statement.entries) == len(history)
    for entry, fill in zip(statement.entries, history, strict=True):
        assert states(entry, fill), (entry, entry.source.precision, fill)
    precisions = [entry.source.precision for entry in statement.entries]
    assert len({id(precision) for precision in precisions}) == len(set(precisions))


Damage = Callable[[str], str]


def comma(text: str) -> str:
    """``1996,79``."""
    return text.replace(".", ",")


def grouped(blank: str) -> Damage:
    """``1 996,79`` with some kind of blank."""

    def damage(text: str) -> str:
        whole, point, fraction = text.lstrip("-").partition(".")
        groups: list[str] = []
        while len(whole) > 3:
            groups.insert(0, whole[-3:])
            whole = whole[:-3]
        sign = "-" if text.startswith("-") else ""
        return sign + blank.join([whole, *groups]) + point.replace(".", ",") + fraction

    return damage


def english(text: str) -> str:
    """``1,996.79``."""
    return grouped("\0")(text).replace(",", ".").replace("\0", ",")


def german(text: str) -> str:
    """``1.996,79``."""
    return grouped(".")(text)


def exponent(text: str) -> str:
    """``6.00E-06``."""
    return f"{Decimal(text):E}" if text and text != "-" else text


def noisy(text: str) -> str:
    """``9.983930000000001``: what arithmetic on binary numbers leaves."""
    return repr(math.nextafter(float(text), math.inf)) if text and text != "-" else text


def formula(text: str) -> str:
    """``=12.5`` and the like; nothing is ever evaluated."""
    return f"={text}" if text else text


NUMBER_DAMAGES = {
    "comma": comma,
    "blanks": grouped(" "),
    "no-break blanks": grouped("\u00a0"),
    "narrow blanks": grouped("\u202f"),
    "apostrophes": grouped("'"),
    "english": english,
    "german": german,
    "exponent": exponent,
    "noise": noisy,
    "formula": formula,
}


@names
@settings(max_examples=30, deadline=None)
@given(history=histories, damage=st.sampled_from(sorted(NUMBER_DAMAGES)), data=st.data())
def test_no_number_is_silently_another(
    name: str, history: list[Fill], damage: str, data: st.DataObject
) -> None:
    """What a spreadsheet does to numbers is undone, or the row is a problem."""
    writer = WRITERS[name]
    style = data.draw(styles(writer))
    history = [fit_for(name, fill) for fill in history]
    places = [writer.columns.index(column) for column in writer.numbers]
    rows = [list(writer.row(fill, style)) for fill in history]
    for row in rows:
        for at in places:
            row[at] = NUMBER_DAMAGES[damage](row[at])
    text = writer.text(rows, data.draw(st.sampled_from([",", ";", "\t"])))

    statement = read_statement_text(text, timezone=zone_name(writer, style))

    assert_accounts_for(statement, history, range(1, len(rows) + 1))
    if damage == "formula":
        assert len(statement.problems) == (len(rows) if places else 0)


@names
@settings(max_examples=20, deadline=None)
@given(
    history=histories,
    clock=st.sampled_from([american_sheet, british_sheet, dotted, iso_minute]),
    data=st.data(),
)
def test_a_reformatted_date_is_decided_or_said_to_be_open(
    name: str,
    history: list[Fill],
    clock: Callable[[dt.datetime], str],
    data: st.DataObject,
) -> None:
    """By evidence for the whole file; without any, the other reading is at hand."""
    writer = WRITERS[name]
    style = attrs.evolve(data.draw(styles(writer)), clock=clock)
    history = [fit_for(name, fill) for fill in history]
    text = writer.text([writer.row(fill, style) for fill in history])
    rows = range(1, len(history) + 1)

    statement = read_statement_text(text, timezone=zone_name(writer, style))

    if not statement.alternatives:
        assert_accounts_for(statement, history, rows)
        return
    assert any("date_order=" in doubt for doubt in statement.doubts)
    readings = [statement, *statement.alternatives]
    settled = read_statement_text(
        text,
        timezone=zone_name(writer, style),
        date_order="month-first" if clock is american_sheet else "day-first",
    )
    assert settled.alternatives == ()
    assert_accounts_for(settled, history, rows)
    times = [[entry.time for entry in reading.entries] for reading in readings]
    assert [entry.time for entry in settled.entries] in times


@names
@settings(max_examples=12, deadline=None)
@given(history=histories, data=st.data())
def test_rows_cut_short_or_joined_lose_nothing_in_silence(
    name: str, history: list[Fill], data: st.DataObject
) -> None:
    """Cells cut off at the end, the header again, a line of sums, blank lines."""
    writer = WRITERS[name]
    style = data.draw(styles(writer))
    history = [fit_for(name, fill) for fill in history]
    cut = data.draw(st.integers(0, len(writer.columns) - 1))
    width = len(writer.columns)
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
    if cut and rows[0][-1:] and statement.entries:
        assert statement.repairs


@settings(max_examples=20, deadline=None)
@given(history=histories, zeroed=st.booleans(), data=st.data())
def test_an_altered_id_is_left_out(history: list[Fill], zeroed: bool, data: st.DataObject) -> None:
    """Fifteen digits are kept by a spreadsheet; the sixteenth becomes a zero, or an exponent."""
    writer = WRITERS["koinly-trades"]
    style = data.draw(styles(writer))
    at = writer.columns.index("Order ID")
    rows = []
    for fill in history:
        row = list(writer.row(attrs.evolve(fill, order_id=10**15 + fill.order_id % 10**15), style))
        row[at] = row[at][:-1] + "0" if zeroed else f"{int(row[at]):.5E}"
        rows.append(row)

    statement = read_statement_text(writer.text(rows))

    assert [entry.order_id for entry in statement.entries if isinstance(entry, Trade)] == [
        None
    ] * len(rows)
    assert [repair.count for repair in statement.repairs if "id" in repair.what] == [len(rows)]


@settings(max_examples=20, deadline=None)
@given(history=histories, data=st.data())
def test_an_encoding_of_windows_changes_nothing(history: list[Fill], data: st.DataObject) -> None:
    """Accents in the header are how this layout is known."""
    writer = WRITERS["waltio"]
    text = writer.text([writer.row(fill, data.draw(styles(writer))) for fill in history])

    plain, windows = read_statement_text(text), read_statement(text.encode("cp1252"))

    assert [entry.id for entry in plain.entries] == [entry.id for entry in windows.entries]
    assert windows.format == "waltio"
