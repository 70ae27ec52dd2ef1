"""A result as tables of text, and what it says in words of whatever matched nothing."""

import html.parser

import attrs
import pytest

from bitstamp_ledger import (
    BitstampLedgerError,
    Counts,
    Decision,
    Reconciliation,
    Statement,
    Verdict,
    reconcile,
)
from bitstamp_ledger.reconcile import Table, to_html_tables
from tests.reconcile.builders import (
    Happened,
    g1,
    g1_lines,
    g1_row,
    g2,
    g2_lines,
    raw_records,
    records,
)
from tests.reconcile.verdicts import COINTRACKING, table

A = Happened()
B = attrs.evolve(A, id=7, time="2021-03-28 00:44:01")
LATE = attrs.evolve(A, time="2021-03-28 09:00:00")


def called(name: str, statement: Statement) -> Statement:
    """Return a statement as if it had been read from a file of this name."""
    rows = tuple(
        attrs.evolve(row, source=attrs.evolve(row.source, path=name)) for row in statement.entries
    )
    return attrs.evolve(statement, path=name, entries=rows)


def a_result() -> Reconciliation:
    """Return a result of which every table has rows."""
    edited = g1_row(B).replace("9.98393", "9.10")
    first = called("a.csv", g1_lines(g1_row(A), edited, g1_row(LATE)))
    second = called("b.csv", g2(attrs.evolve(A, id=9, amount="0.5"), attrs.evolve(LATE, id=10)))
    held = [A, B, attrs.evolve(A, id=9, amount="0.6", time="2021-03-28 00:50:00")]
    return reconcile(records(held), [first, second])


def of(result: Reconciliation, name: str, *, limit: int | None = None) -> Table:
    """Return the table of a name."""
    (found,) = (each for each in result.tables(limit=limit) if each.name == name)
    return found


def lines(*text: str) -> str:
    """Join lines."""
    return "\n".join(text)


# -- tables


def test_what_a_person_must_look_at_comes_first() -> None:
    """The names are for programs, and stay."""
    assert [each.name for each in a_result().tables()] == [
        *("summary", "statements", "conflicts", "suspects", "unexplained", "matches", "repeats"),
        *("new", "api only", "ledger"),
    ]


def test_the_summary_counts_everything() -> None:
    """What matched, by rule and grade, and where every input went."""
    assert of(a_result(), "summary").rows == (
        ("rows matched to records: same content within what the row states (strong)", "1"),
        ("rows that repeat another file's row", "1"),
        ("records that no row witnesses", "2"),
        ("rows that the API does not hold (new)", "3"),
        ("of these unexplained", "2"),
        ("conflicts", "1"),
        ("suspects", "1"),
        ("entries in the ledger", "6"),
        ("received", "8"),
        ("= kept", "6"),
        ("+ witnessed a second time", "2"),
        ("+ quarantined, not understood", "0"),
        ("+ suppressed by a person", "0"),
    )


def test_counts_that_do_not_add_up_are_shouted() -> None:
    """It would be a fault of ours, and the sort that must not hide."""
    counts = Counts(received=5, kept=1, witnessed=1, quarantined=1)
    assert ("THE COUNTS DO NOT ADD UP, by", "2") in of(
        attrs.evolve(a_result(), counts=counts), "summary"
    ).rows
    assert "THE COUNTS" not in str(of(a_result(), "summary"))


def test_every_reading_of_a_file_is_shown_beside_it() -> None:
    """Its zone, where the fee is, the order of dates, the ids; with what speaks for each."""
    row = '"Trade","0.04219875","BTC","2006.77393","EUR","9.98393","EUR","Bitstamp","","",'
    statement = called("ct.csv", table(COINTRACKING, row + '"4/3/2021 17:20"'))
    result = reconcile(records([A]), [statement, called("g2.csv", g2(A))])
    shown = of(result, "statements")
    assert shown.columns == ("file", "what", "reading", "evidence")
    assert [cells[:3] for cells in shown.rows] == [
        ("g2.csv", "zone", "UTC"),
        ("g2.csv", "ids", "the exchange's"),
        ("ct.csv", "zone", "undecided"),
        ("ct.csv", "date order", "undecided"),
        ("ct.csv", "fee", "undecided"),
        ("ct.csv", "ids", "not proven"),
    ]
    assert all(evidence for *_, evidence in shown.rows)
    assert reconcile([], [g2(A)]).tables()[1].rows[0][0] == "statement"


def test_conflicts_list_all_that_contradict_each_other() -> None:
    """The reason stands once."""
    shown = of(a_result(), "conflicts")
    assert shown.heading == "Conflicts, all of them kept: 1"
    assert [(row[0][:39], row[-1]) for row in shown.rows] == [
        ("the same exchange id, but other content", "API record 9"),
        ("", "row 1 of b.csv"),
    ]


def test_suspects_show_both_sides() -> None:
    """And the field."""
    (row,) = of(a_result(), "suspects").rows
    assert row == (
        "fee",
        "row 2 of a.csv",
        "2021-03-28 00:44:00",
        "+0.04219875 BTC  -1996.79 EUR",
        "9.10 EUR",
        "API record 7",
        "2021-03-28 00:44:01",
        "9.98393 EUR",
    )


def test_new_rows_and_unexplained_ones_are_kept_apart() -> None:
    """Inside the span of the API a row needs an explanation; outside it does not."""
    result = a_result()
    assert [row[-1] for row in of(result, "unexplained").rows] == [
        "row 1 of b.csv",
        "row 2 of a.csv",
    ]
    assert [row[-1] for row in of(result, "new").rows] == ["row 2 of b.csv"]
    assert len(result.new) == 3


def test_matches_name_both_sides() -> None:
    """Of repeats, the row that is kept stands first."""
    result = a_result()
    assert of(result, "matches").rows == (
        (
            "2021-03-28 00:41:36",
            "+0.04219875 BTC  -1996.79 EUR",
            "API record 163402118",
            "row 1 of a.csv",
            "same content within what the row states",
            "strong",
        ),
    )
    assert [row[2:4] for row in of(result, "repeats").rows] == [
        ("row 2 of b.csv", "row 3 of a.csv")
    ]


def test_an_order_is_shown_with_its_sum() -> None:
    """And with each of its executions."""
    fills = [
        attrs.evolve(A, id=1, order=5, amount="0.01", price="100", fee="0.10"),
        attrs.evolve(A, id=2, order=5, amount="0.02", price="100", fee="0.20"),
    ]
    row = '"Trade","0.03","BTC","3.30","EUR","0.30","EUR","Bitstamp","","","2021-03-28 00:41:36"'
    result = reconcile(records(fills), [table(COINTRACKING, row, timezone="UTC")])
    (cells,) = of(result, "matches").rows
    assert cells[1] == "+0.03 BTC  -3.00 EUR"
    assert cells[2] == "API record 1, API record 2"


def test_what_was_not_understood_says_why() -> None:
    """Its amounts, and the reason."""
    unknown = raw_records({"id": 9, "type": "99", "datetime": "2021-06-03 06:30:00", "btc": "0.01"})
    (row,) = of(reconcile(unknown, []), "ledger").rows
    assert row[1] == "unknown"
    assert row[2].startswith("+0.01 BTC  (")
    assert row[3] == "not stated"


@pytest.mark.parametrize(("limit", "shown"), [(None, 3), (3, 3), (2, 2), (0, 0)])
def test_only_so_many_are_shown(limit: int | None, shown: int) -> None:
    """The heading still says how many there are, and the rest is counted."""
    result = reconcile(records([attrs.evolve(A, id=n) for n in (1, 2, 3)]), [])
    ledger = of(result, "ledger", limit=limit)
    assert ledger.heading == "Ledger: 3"
    assert len(ledger.rows) == shown
    assert ledger.left_out == 3 - shown


def test_each_row_has_a_cell_for_each_column() -> None:
    """And every cell is plain text."""
    for each in a_result().tables():
        assert each.numeric <= set(each.columns)
        for row in each.rows:
            assert len(row) == len(each.columns)
            assert all(type(cell) is str for cell in row)


HOSTILE = "<script>alert(1)</script>\x1b[2J\n\u202e\udce9\"'&"


def hostile() -> Reconciliation:
    """Return a result of a file that was made to do harm."""
    trade = attrs.evolve(A, account=HOSTILE)
    entry = attrs.evolve(records([A])[0], account=HOSTILE)
    statement = called(HOSTILE, g1(A))
    return reconcile([*records([trade]), entry], [statement])


def test_nothing_in_a_cell_moves_a_cursor() -> None:
    """Control characters, line breaks and turns of direction are shown, not obeyed."""
    for each in hostile().tables():
        assert all(cell.isprintable() for row in each.rows for cell in row)
    assert "\\x1b[2J\\n\\u202e\\udce9" in of(hostile(), "statements").rows[0][0]


class Reader(html.parser.HTMLParser):
    """Collects tags and text."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.cells: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Remember a tag."""
        assert {name for name, _ in attrs} <= {"style", "scope"}
        self.open.append(tag)
        self.tags.add(tag)

    def handle_endtag(self, tag: str) -> None:
        """Close a tag."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Remember a text."""
        self.cells.append(data)


@pytest.mark.parametrize("result", [a_result(), hostile()], ids=["plain", "hostile"])
def test_html_is_well_formed_and_escaped(result: Reconciliation) -> None:
    """Whatever the files hold, no tag but those of tables."""
    text = to_html_tables(result.tables())
    reader = Reader()
    reader.feed(text)
    reader.close()
    assert reader.open == []
    assert reader.tags == {"table", "caption", "strong", "thead", "tbody", "tr", "th", "td"}
    wanted = {cell for each in result.tables() for row in each.rows for cell in row if cell}
    assert wanted <= set(reader.cells)
    assert text.encode()


def test_html_leaves_out_empty_tables() -> None:
    """And says how many rows are not shown."""
    result = reconcile(records([attrs.evolve(A, id=n) for n in (1, 2, 3)]), [])
    text = to_html_tables(result.tables(limit=1))
    assert "Suspects" not in text
    assert "Ledger: 3, 2 of them not shown" in text
    assert "not shown" not in to_html_tables(result.tables())
    assert to_html_tables([]) == ""


# -- reasons


def test_a_row_that_matched_nothing_tells_what_it_came_nearest_to() -> None:
    """And which fields excluded each; the nearest is compared in full."""
    row = attrs.evolve(A, fee="9.10")
    result = reconcile(records([A, B]), [called("a.csv", g1(row, B))])
    (new,) = result.new
    assert result.explain(new) == lines(
        "row 1 of a.csv is kept, and unexplained: no record of the API is this event, though the "
        "API was read for its account and time. It may have been edited, or belong to another "
        "account or exchange.",
        "It is a suspect: it may be API record 163402118; the fee differs, and nothing else that "
        "is stated.",
        "Nearest to it:",
        "- API record 163402118: excluded by fee",
        "                the row states                      the record states",
        "  account       Main Account                        Main Account                equal",
        "  time          2021-03-28 00:41:00 up to 00:42:00  2021-03-28 00:41:36.482917  within",
        "  base amount   0.04219875 BTC                      0.04219875 BTC              equal",
        "  quote amount  -1996.79 EUR                        -1996.79 EUR                equal",
        "  fee           9.10 EUR ± 0.01                     9.98393 EUR ± 0.000005      differs",
        "- API record 7: excluded by time, fee; it is already row 2 of a.csv",
    )


def test_a_record_in_no_file_tells_the_same() -> None:
    """From its own side."""
    result = reconcile(records([A]), [called("a.csv", g1(attrs.evolve(A, fee="9.10")))])
    text = result.explain(result.api_only[0]).splitlines()
    assert text[:4] == [
        "API record 163402118 is in no file: no row is a second witness of it.",
        "Row 1 of a.csv may be it; the fee differs, and nothing else that is stated.",
        "Nearest to it:",
        "- row 1 of a.csv: excluded by fee",
    ]
    assert text[4].split() == ["the", "row", "states", "the", "record", "states"]


def test_an_entry_of_a_match_tells_its_match() -> None:
    """Both of its sides do."""
    result = reconcile(records([A]), [g1(A)])
    (match,) = result.matches
    assert result.explain(match.api[0]) == result.explain(match.file[0]) == match.explain()


def test_a_row_of_another_id_names_the_id() -> None:
    """Where ids have proved themselves, two ids are two events."""
    held = [A, *(attrs.evolve(A, id=n, time=f"2021-03-28 01:{n}:05") for n in (10, 20, 30))]
    statement = called("b.csv", g2(attrs.evolve(A, id=5), *held[1:]))
    result = reconcile(records(held), [statement])
    (new,) = result.new
    assert "- API record 163402118: excluded by exchange id" in result.explain(new)


def test_a_row_that_a_person_told_apart_differs_in_nothing() -> None:
    """The explanation does not invent a field."""
    (record,), statement = records([A]), g1(A)
    said = Decision(verdict=Verdict.REJECT, record_id=record.id, row_id=statement.entries[0].id)
    result = reconcile([record], [statement], decisions=[said])
    assert "- API record 163402118: nothing that is stated differs" in result.explain(result.new[0])


def test_a_row_of_an_unknown_zone_says_so() -> None:
    """Its time is not called different, since nobody knows it."""
    row = '"Trade","0.04219875","BTC","2006.77393","EUR","9.98393","EUR","Bitstamp","","",'
    result = reconcile(records([A]), [table(COINTRACKING, row + '"28.03.2021 01:41"')])
    text = result.explain(result.new[0])
    assert (
        "- API record 163402118: nothing that is stated differs; in which zone the time was "
        "printed is not known"
    ) in text
    assert "it may be API record 163402118; in which zone its time was printed is not" in text


def test_a_date_alone_says_too_little() -> None:
    """All is equal, and nothing is proved."""
    header = "Date,Received Quantity,Received Currency,Sent Quantity,Sent Currency,Fee Amount,"
    row = "03/28/2021,0.04219875,BTC,1996.79,EUR,9.98393,EUR,"
    result = reconcile(records([A]), [table(header + "Fee Currency,Tag", row)])
    text = result.explain(result.new[0])
    assert "- API record 163402118: nothing that is stated differs; too little is stated" in text


def test_equal_amounts_at_another_time_are_candidates_too() -> None:
    """However much lies between: a date may be wrong by months."""
    crowd = [
        attrs.evolve(A, id=n, amount=f"0.{n:08}", time=f"2021-06-01 00:{n // 60:02}:{n % 60:02}")
        for n in range(1, 300)
    ]
    moved = attrs.evolve(A, time="2021-06-01 00:02:30")
    result = reconcile(records([A, *crowd]), [g1(moved)])
    assert "- API record 163402118: excluded by time" in result.explain(result.new[0])


def test_rows_of_one_file_are_no_candidates_for_each_other() -> None:
    """Equal rows of one file are real trades."""
    result = reconcile([], [called("a.csv", g1(A, A))])
    text = result.explain(result.new[0])
    assert text == lines(
        "row 1 of a.csv is kept as new: no record of the API is this event.",
        "Nothing of these currencies is near it.",
    )
    other = reconcile([], [called("a.csv", g1(A)), called("b.csv", g1(B))])
    assert "- row 1 of " in other.explain(other.new[0])


def test_an_unexplained_row_says_what_may_have_happened() -> None:
    """The API was read for its time and account, and does not hold it."""
    result = reconcile(records([A, LATE]), [g1(B)])
    assert result.explain(result.new[0]).splitlines()[0] == (
        "row 1 of the statement is kept, and unexplained: no record of the API is this event, "
        "though the API was read for its account and time. It may have been edited, or belong to "
        "another account or exchange."
    )


def test_a_conflict_is_part_of_the_reasons() -> None:
    """On both sides."""
    result = reconcile(records([A]), [called("b.csv", g2(attrs.evolve(A, amount="0.5")))])
    sentence = (
        "It is part of a conflict: the same exchange id, but other content: API record 163402118."
    )
    assert sentence in result.explain(result.new[0])
    assert sentence in result.explain(result.api_only[0])


def test_what_was_not_understood_is_said() -> None:
    """With the reason that the reader gave."""
    row = "9,Main Account,Something new,,2021-06-03T06:30:00Z,0.01000000,BTC,,,,,,,"
    result = reconcile([], [g2_lines(row)])
    assert "\nIt was not understood: " in result.explain(result.new[0])


def test_an_entry_of_another_result_is_refused() -> None:
    """Rather than explained away."""
    entry = records([A])[0]
    with pytest.raises(BitstampLedgerError, match="API record 163402118 is no part of this"):
        reconcile([], []).explain(entry)
    stranger = attrs.evolve(entry, id="x")
    with pytest.raises(BitstampLedgerError):
        reconcile([entry], []).explain(stranger)


def test_a_suspect_explains_itself() -> None:
    """One sentence, and both sides."""
    row = g1_row(A).replace("1996.79 EUR", "1996.80 EUR")
    result = reconcile(records([A]), [called("a.csv", g1_lines(row))])
    (suspect,) = result.suspects
    text = suspect.explain().splitlines()
    assert text[0] == (
        "row 1 of a.csv may be API record 163402118: the quote amount differs, and nothing else "
        "that is stated. Both are kept."
    )
    assert [line.split()[-1] for line in text[2:]] == [
        *("equal", "within", "equal", "differs", "equal")
    ]


def test_a_repeated_id_explains_itself() -> None:
    """Two exports pasted into one."""
    result = reconcile(records([A]), [called("b.csv", g2(A, A))])
    (suspect,) = result.suspects
    assert suspect.explain().splitlines()[0] == (
        "row 2 of b.csv may be row 1 of b.csv: they have one id and one content, but are two rows "
        "of one file. Both are kept."
    )


def test_a_statement_tells_how_it_was_read_and_what_became_of_its_rows() -> None:
    """Each row in one place."""
    result = a_result()
    assert result.explain_statement("a.csv") == lines(
        "a.csv (bitstamp-g1)",
        "  zone: UTC (the file does not state it; its format is in this zone)",
        "  ids: no row showed whether its id is the exchange's",
        "  records of the API, same content within what the row states (strong): 1 row",
        "  repeats of another file, same content within what the row states (strong): 1 row",
        "  kept, and to be looked at by a person: 1 row",
    )
    assert result.explain_statement("b.csv").splitlines()[3:] == [
        "  kept, and to be looked at by a person: 1 row",
        "  kept as new: 1 row",
    ]


def test_statements_without_a_name_are_told_together() -> None:
    """They cannot be told apart."""
    result = reconcile(records([A, LATE]), [g1(A, B), g2(LATE)])
    assert result.explain_statement().splitlines()[-3:] == [
        "  records of the API, same exchange id, same content (certain): 1 row",
        "  records of the API, same content within what the row states (strong): 1 row",
        "  kept and unexplained, since the API covers their time and does not hold them: 1 row",
    ]


def test_a_statement_that_is_not_there_is_named() -> None:
    """With those that are."""
    with pytest.raises(BitstampLedgerError) as caught:
        a_result().explain_statement("c.csv")
    assert str(caught.value) == "This result is not about c.csv. It is about a.csv, b.csv."
    with pytest.raises(BitstampLedgerError, match="about no statement at all"):
        reconcile([], []).explain_statement()
