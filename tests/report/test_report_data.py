"""A page is data before it is a page: what it says, where, and what it leaves out."""

from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

import bitstamp_ledger as bl
from bitstamp_ledger.ledger import Ledger
from bitstamp_ledger.reconcile import reconcile
from bitstamp_ledger.report import EntryTable, Mood, Report, Section, Table, show
from tests.ledger import books
from tests.reconcile.builders import g1, g2, records
from tests.reconcile.verdicts import COINTRACKING
from tests.reconcile.verdicts import table as tracked
from tests.report.samples import A, a_proof, a_result, statements


def part(report: Report, name: str) -> Section:
    """Return the section of a name."""
    (found,) = (each for each in report.sections if each.name == name)
    return found


def table(section: Section, name: str) -> Table:
    """Return the table of a name."""
    (found,) = (each for each in section.tables if each.name == name)
    return found


@pytest.fixture
def told(tmp_path: Path) -> Report:
    """A page of which every part is filled."""
    read = statements(tmp_path)
    return a_result(read).report(also=[*read, a_proof()])


def test_a_page_tells_the_gist_first_and_each_part_where_it_belongs(told: Report) -> None:
    """The proof behind the counts, the reading of each file behind the files."""
    assert [each.name for each in told.sections] == [
        *("counts", "proof", "look", "files", "file", "file 2", "time", "same", "one source"),
        "ledger",
    ]


def test_the_cards_say_what_is_good_and_what_to_look_at(told: Report) -> None:
    """A reader who sees only them has seen what matters."""
    cards = [each.card for each in told.sections if each.card]
    assert [(card.title, card.figure, card.mood) for card in cards] == [
        ("Every input accounted for", "Yes", Mood.GOOD),
        ("Balances explained", "No", Mood.BAD),
        ("To be looked at", "4", Mood.LOOK),
        ("Files", "2", Mood.PLAIN),
        ("Rows of old.csv", "5", Mood.BAD),
        ("Rows of new.csv", "3", Mood.GOOD),
        ("Rows recognised as known events", "2", Mood.PLAIN),
        ("Entries in the ledger", "8", Mood.PLAIN),
    ]
    assert cards[2].text == "1 conflict, 2 suspects, 1 further unexplained row"


def test_counts_that_do_not_add_up_are_bad(told: Report) -> None:
    """The page cannot look fine then."""
    counts = bl.Counts(received=5, kept=1, witnessed=1, quarantined=1)
    card = counts.section().card
    assert card is not None
    assert (card.figure, card.mood) == ("No", Mood.BAD)
    assert "DO NOT ADD UP" in card.text
    assert table(part(told, "counts"), "counts").rows[0][:2] == ("received", "11")


def test_suspects_and_conflicts_stand_side_by_side_with_what_differs_marked(told: Report) -> None:
    """So that a person sees at once what to decide."""
    conflict, other, suspect = part(told, "look").comparisons
    assert conflict.title == "Conflict 1"
    assert conflict.right == "API record 9"
    assert [(each.name, each.left, each.right) for each in conflict.facts if each.differs] == [
        ("base amount", "0.5 BTC", "0.6 BTC"),
        ("quote amount", "-23659.31 EUR ± 0.005", "-28391.17 EUR ± 0.005"),
    ]
    assert [each.name for each in other.facts if each.differs] == ["account"]
    assert suspect.title == "Suspect 2: the fee"
    assert "the fee differs" in suspect.text
    assert [each.name for each in suspect.facts if each.differs] == ["fee"]


@pytest.mark.parametrize(
    "time", ['"28.03.2021 01:41"', '"28.03.2021 00:41"'], ids=["apart", "equal if in UTC"]
)
def test_a_time_of_an_unknown_zone_is_marked_as_such(time: str) -> None:
    """It is called neither different nor equal."""
    row = '"Trade","0.04219875","BTC","2006.77393","EUR","9.98393","EUR","Bitstamp","","",'
    result = reconcile(records([A]), [tracked(COINTRACKING, row + time)])
    (pair,) = part(result.report(), "look").comparisons
    assert pair.title == "Suspect 1: the time zone"
    marked = [(fact.name, fact.verdict) for fact in pair.facts if fact.differs]
    assert marked == [("time", "not known")]


def test_a_repeated_row_is_marked_by_its_number() -> None:
    """Two exports that were pasted into one differ in nothing else."""
    result = reconcile(records([A]), [g2(A, A)])
    (pair,) = part(result.report(), "look").comparisons
    assert [(fact.name, fact.left, fact.right) for fact in pair.facts if fact.differs] == [
        ("row number", "2", "1")
    ]


def test_what_is_not_listed_is_counted_and_said() -> None:
    """Nothing is cut in silence."""
    held = records([attrs.evolve(A, id=number) for number in range(1, 31)])
    report = reconcile(held, []).report(limit=10)
    entries = table(part(report, "ledger"), "ledger")
    assert len(entries.rows) == 10
    assert entries.heading == "Entries: 30"
    assert entries.note == "Listed: the first 10. Only counted: the other 20."
    card = part(report, "ledger").card
    assert card is not None
    assert card.figure == "30"
    assert table(part(reconcile(held, []).report(limit=None), "ledger"), "ledger").note == ""


def test_pairs_beyond_the_first_are_listed_in_a_table() -> None:
    """A thousand suspects would make a page that no browser opens."""
    trades = [
        attrs.evolve(A, id=n, time=f"2021-03-{1 + n // 24:02} {n % 24:02}:41:36")
        for n in range(300)
    ]
    rows = [attrs.evolve(each, fee="9.10") for each in trades]
    look = part(reconcile(records(trades), [g1(*rows)]).report(), "look")
    assert (len(look.comparisons), look.comparisons_left_out) == (250, 50)
    assert table(look, "suspects").total == 300


def test_the_chart_counts_every_entry_once(told: Report) -> None:
    """By month, months without anything included."""
    chart = part(told, "time").chart
    assert chart is not None
    assert chart.labels == ("2021-03",)
    assert sum(sum(numbers) for _, numbers in chart.series) == 8
    apart = [A, attrs.evolve(A, id=2, time="2021-06-01 00:00:00")]
    later = part(reconcile(records(apart), []).report(), "time").chart
    assert later is not None
    assert later.labels == ("2021-03", "2021-04", "2021-05", "2021-06")
    assert dict(later.series)["in the API only"] == (1, 0, 0, 1)
    assert later.table().rows[0] == ("2021-03", "0", "1", "0", "0")


def test_long_histories_are_told_by_year() -> None:
    """A bar must be wide enough to be seen."""
    apart = [A, attrs.evolve(A, id=2, time="2041-06-01 00:00:00")]
    chart = part(reconcile(records(apart), []).report(), "time").chart
    assert chart is not None
    assert (chart.unit, chart.labels[0], chart.labels[-1]) == ("year", "2021", "2041")


def test_nothing_at_all_makes_a_page_too() -> None:
    """With a sentence in the place of each list."""
    report = reconcile([], []).report()
    assert part(report, "look").empty == "Nothing: no conflict, no suspect, no unexplained row."
    assert not any(each.rows for each in part(report, "ledger").tables)


# -- proofs


def test_a_proof_says_currency_by_currency_what_is_off() -> None:
    """Exactly, and with a sign."""
    section = a_proof().section()
    rows = table(section, "proof").rows
    assert rows == (
        ("BTC", "0.04219875", "0.04219874", "-0.00000001", "differs"),
        ("EUR", "-2006.77393", "-2006.77393", "0", "equal"),
    )
    assert section.card is not None
    assert section.card.text == "1 entry does not add up to what the exchange states, in BTC."


def test_a_proof_of_balances_that_moved_does_not_claim_a_difference() -> None:
    """It says why it does not hold."""
    proof = attrs.evolve(a_proof(), differences=(), steady=False)
    assert "moved while the entries were read" in proof.section().text


# -- kept ledgers


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """A ledger of an account that was read, a file, a label and a hidden entry."""
    with Ledger.open(tmp_path / "l.db") as opened:
        book = books.Book([books.trade(number) for number in range(1, 6)])
        opened.sync(book)
        opened.import_file(books.statement([books.trade(1), books.trade(50)]))
        first, second, *_ = opened.entries()
        opened.annotate(first.id, label="savings", note="a gift", author="Ann")
        opened.hide(second.id)
        yield opened


def test_a_ledger_tells_what_people_decided_and_what_it_shows(ledger: Ledger) -> None:
    """Hidden entries are counted, and are not among the entries."""
    report = ledger.report()
    assert [each.name for each in report.sections] == [
        *("counts", "proof 1", "look", "files", "time", "same", "one source"),
        *("ledger", "decisions", "accounts"),
    ]
    entries = table(part(report, "ledger"), "ledger")
    assert entries.total == len(entries.rows) == 5
    assert [row[-2:] for row in entries.rows][:2] == [("savings", "a gift"), ("", "")]
    assert table(part(report, "counts"), "counts").rows[-1][:2] == ("+ suppressed", "1")
    decided = table(part(report, "decisions"), "decisions").rows
    assert [(row[2], row[5]) for row in decided] == [("annotate", "Ann"), ("hide", "not stated")]


def test_a_ledger_proves_itself_against_the_last_balances(ledger: Ledger) -> None:
    """Here a row of a file is one too many and a hidden entry one too few: nothing is off but fees.

    Both are trades of the same size, at the same price.
    """
    card = part(ledger.report(), "proof 1").card
    assert card is not None
    assert (card.title, card.figure) == ("Balances of Main Account explained", "Yes")


def test_a_ledger_counts_what_it_does_not_list(ledger: Ledger) -> None:
    """Of the entries as they are shown, not of what came in."""
    entries = table(part(ledger.report(limit=2), "ledger"), "ledger")
    assert (len(entries.rows), entries.total, entries.left_out) == (2, 5, 3)


def test_an_empty_ledger_makes_a_page_too(tmp_path: Path) -> None:
    """With no proof, since no balance is known."""
    with Ledger.open(tmp_path / "l.db") as empty:
        assert "proof 1" not in [each.name for each in empty.report().sections]
        page = empty.report(tmp_path / "page.html")
        assert (tmp_path / "page.html").read_text() == page.to_html()


# -- entries


def test_any_entries_can_be_shown_as_a_table() -> None:
    """An iterator is read to its end, and counted."""
    held = records([attrs.evolve(A, id=number) for number in range(1, 31)])
    shown = show(iter(held), limit=2)
    assert shown == EntryTable(entries=tuple(held[:2]), total=30)
    same = "2021-03-28 00:41:36  trade  +0.04219875 BTC  -1996.79 EUR  9.98393 EUR  Main Account"
    assert str(shown).splitlines() == [
        "Entries: 30",
        f"time (UTC){'':11}kind   amounts{'':24}fee{'':10}account{'':7}source",
        f"{same}  API record 1",
        f"{same}  API record 2",
        "Listed: the first 2. Only counted: the other 28.",
    ]
    assert str(show([])).splitlines()[0] == "Entries: 0"
