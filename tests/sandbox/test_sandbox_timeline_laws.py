"""Laws of paging: a page is what a plain scan of all rows would give."""

from hypothesis import given
from hypothesis import strategies as st

from bitstamp_ledger.sandbox._timeline import Row, Selection, Timeline

# Few values, so that times tie, ids repeat, and ids run against time.
rows_of_few_values = st.lists(
    st.builds(
        Row,
        micros=st.integers(0, 5),
        id=st.integers(1, 6),
        json=st.integers(0, 9).map(lambda number: str(number).encode()),
    ),
    max_size=12,
)
selections = st.builds(
    Selection,
    since_id=st.none() | st.integers(0, 7),
    since_micros=st.none() | st.integers(-1, 6),
    until_micros=st.none() | st.integers(-1, 6),
    offset=st.integers(0, 5),
    limit=st.integers(1, 5),
    newest_first=st.booleans(),
)


@given(rows=rows_of_few_values, selection=selections)
def test_a_page_is_what_a_scan_would_give(rows: list[Row], selection: Selection) -> None:
    """Filters first, then the order of time and id, then offset and limit."""
    ordered = sorted(rows, key=lambda row: (row.micros, row.id))
    if selection.newest_first:
        ordered.reverse()
    fitting = [
        row.json
        for row in ordered
        if (selection.since_id is None or row.id >= selection.since_id)
        and (selection.since_micros is None or row.micros >= selection.since_micros)
        and (selection.until_micros is None or row.micros <= selection.until_micros)
    ]

    page = Timeline(rows).page(selection)

    assert page == fitting[selection.offset : selection.offset + selection.limit]


@given(rows=rows_of_few_values, limit=st.integers(1, 4))
def test_walking_by_offset_gives_every_row_once(rows: list[Row], limit: int) -> None:
    """As long as nothing changes."""
    timeline = Timeline(rows)
    walked: list[bytes] = []
    for offset in range(0, 13, limit):
        walked += timeline.page(Selection(offset=offset, limit=limit, newest_first=False))

    assert walked == [row.json for row in timeline.rows]
