"""The whole road on both databases: sync, resume, import, decide, prove, seal."""

import datetime as dt
import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

import bitstamp_ledger as bl
from bitstamp_ledger.ledger import (
    AccountCondition,
    EntryState,
    Ledger,
    LedgerError,
    SealedChangeKind,
)
from bitstamp_ledger.model import Amount
from tests.ledger.books import Book, Record, deposit, entries_of, movement, statement, trade


def book_of(count: int) -> Book:
    """Return an account with a deposit and then trades."""
    return Book([deposit(1, "1000.00"), *(trade(number) for number in range(2, count + 1))])


def ids(ledger: Ledger, state: EntryState | None = None) -> list[str]:
    return [entry.id for entry in ledger.entries(state=state)]


def test_a_sync_keeps_the_history_as_it_was_read(ledger: Ledger) -> None:
    """Entry by entry, the raw record included."""
    book = book_of(2_300)
    report = ledger.sync(book)
    assert (report.counts.received, report.counts.kept, report.pages) == (2_300, 2_300, 3)
    assert list(ledger.entries()) == entries_of(book.records)
    assert [entry.source.raw for entry in ledger.entries()] == [
        entry.source.raw for entry in entries_of(book.records)
    ]
    assert ledger.balances() == bl.replay(ledger.entries())


def test_a_second_sync_changes_nothing(ledger: Ledger) -> None:
    """Neither a resume, which reads an overlap again, nor a full one."""
    book = book_of(1_500)
    ledger.sync(book)
    before = list(ledger.entries())
    for mode in ("resume", "full"):
        report = ledger.sync(book, mode)
        assert report.new == 0
        assert report.counts.witnessed == report.counts.received
        assert list(ledger.entries()) == before


def test_a_resume_reads_the_overlap_and_what_is_new(ledger: Ledger) -> None:
    """And no more, however long the history is."""
    book = book_of(3_000)
    ledger.sync(book)
    book.read = 0
    book.records += [trade(number) for number in range(3_001, 3_011)]
    report = ledger.sync(book)
    assert report.new == 10
    assert book.read < 1_000
    assert len(ids(ledger)) == 3_010


def test_a_changed_record_is_reported_and_both_versions_are_kept(ledger: Ledger) -> None:
    """The last word of the exchange counts; the first stays readable."""
    book = book_of(5)
    ledger.sync(book)
    book.change(3, eur="-12.00")
    report = ledger.sync(book, "full")
    (changed,) = report.changed
    assert changed.entry_id == "Main Account/trade/3"
    assert changed.before.legs[1] == Amount("-10.00", "EUR")
    assert changed.after.legs[1] == Amount("-12.00", "EUR")
    assert len(ids(ledger)) == 5
    (old,) = ledger.entries(state=EntryState.SUPERSEDED)
    assert old.legs[1] == Amount("-10.00", "EUR")
    assert [event.what for event in ledger.history("Main Account/trade/3")] == [
        "received",
        "received",
        "changed",
    ]
    assert ledger.prove(book).holds
    book.change(3, eur="-10.00")
    assert len(ledger.sync(book, "full").changed) == 1
    assert ledger.balances() == bl.replay(entries_of(book.records))
    assert ledger.counts().adds_up


def test_the_same_content_in_other_words_is_no_change(ledger: Ledger) -> None:
    """Zeros of currencies come and go on the wire, and keys come in any order."""
    book = book_of(4)
    ledger.sync(book)
    book.change(3, usd="0.00", xrp=0)
    report = ledger.sync(book)
    assert (report.changed, report.new) == ((), 0)


def test_a_vanished_record_is_reported_once_and_stays(ledger: Ledger) -> None:
    """Whether the exchange forgot it or took it back, a person decides."""
    book = book_of(6)
    ledger.sync(book)
    gone = book.records[3]
    book.withdraw(4)
    assert ledger.sync(book).vanished == ("Main Account/trade/4",)
    assert ledger.sync(book, "full").vanished == ()
    assert "Main Account/trade/4" in ids(ledger)
    proof = ledger.prove(book)
    assert not proof.holds
    assert {cause.kind.name for cause in proof.causes} >= {"VANISHED"}
    book.records.append(gone)
    assert ledger.sync(book).returned == ("Main Account/trade/4",)
    assert ledger.prove(book).holds


def test_an_imported_file_is_recognised_and_can_be_removed(ledger: Ledger, tmp_path: Path) -> None:
    """Removing restores exactly what was there before."""
    book = book_of(50)
    ledger.sync(book)
    before = list(ledger.entries())
    path = tmp_path / "export.csv"
    path.write_bytes(statement([*book.records[:30], trade(400)]))
    report = ledger.import_file(path)
    assert (report.counts.received, report.counts.witnessed, report.counts.kept) == (31, 30, 1)
    assert [entry.source.row for entry in report.new] == [31]
    assert len(ids(ledger)) == 51
    assert len(ids(ledger, EntryState.WITNESSED)) == 30
    assert ledger.counts().adds_up
    assert ledger.import_file(path).already
    other = tmp_path / "again.csv"
    other.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert ledger.import_file(other).already
    ledger.remove_import(report.file_id)
    assert list(ledger.entries()) == before
    with pytest.raises(LedgerError, match="no file"):
        ledger.remove_import(report.file_id)


def test_a_label_on_a_row_is_found_on_the_record_that_it_becomes(
    ledger: Ledger, tmp_path: Path
) -> None:
    """And stays there when the file is removed, imported again, or the cache was emptied."""
    book = book_of(20)
    path = tmp_path / "export.csv"
    path.write_bytes(statement(book.records))
    file_id = ledger.import_file(path).file_id
    row = next(iter(ledger.entries(kinds=["trade"])))
    ledger.annotate(row.id, label="rent", price="12.50", author="me")
    ledger.sync(book)
    record_id = "Main Account/trade/2"
    for _ in range(2):
        for entry_id in (row.id, record_id):
            annotation = ledger.annotation(entry_id)
            assert annotation is not None
            assert (annotation.label, annotation.price) == ("rent", Decimal("12.50"))
        ledger.remove_import(file_id)
        assert ledger.annotation(record_id) is not None
        ledger.import_file(path)
        ledger.rebuild()
    assert {"received", "imported", "removed", "matched", "annotate"} == {
        event.what for event in ledger.history(record_id)
    }


def test_a_hidden_row_stays_hidden_as_a_record(ledger: Ledger, tmp_path: Path) -> None:
    """And is counted as suppressed."""
    book = book_of(10)
    path = tmp_path / "export.csv"
    path.write_bytes(statement(book.records))
    ledger.import_file(path)
    row = next(iter(ledger.entries(kinds=["trade"])))
    hidden = ledger.hide(row.id, reason="a test")
    report = ledger.sync(book)
    assert report.counts.received == 10
    ledger.sync(book, "full")
    assert "Main Account/trade/2" not in ids(ledger)
    assert ids(ledger, EntryState.SUPPRESSED) == ["Main Account/trade/2"]
    assert ledger.counts().suppressed == 1
    assert ledger.sync(book).counts.suppressed == 1
    ledger.undo(hidden)
    assert "Main Account/trade/2" in ids(ledger)


def test_what_was_one_entry_and_is_two_is_labelled_apart(ledger: Ledger) -> None:
    """The exchange corrects a record, and the row of the file is its witness no more."""
    book = book_of(5)
    (match, *_) = imported(ledger, book)
    ledger.annotate("Main Account/trade/3", label="x")
    row_id = next(
        match.file[0].id
        for match in ledger.reconcile().matches
        if match.api[0].id == "Main Account/trade/3"
    )
    assert ledger.annotation(row_id) is not None
    assert match.rule is bl.Rule.INTERVALS
    book.change(3, eur="-12.00")
    ledger.sync(book)
    assert row_id in ids(ledger)
    assert ledger.annotation(row_id) is None
    assert ledger.annotation("Main Account/trade/3") is not None


def imported(ledger: Ledger, book: Book) -> tuple[bl.Match, ...]:
    """Sync an account and import its export."""
    ledger.sync(book)
    ledger.import_file(statement(book.records))
    return ledger.reconcile().matches


def test_a_resume_compares_its_overlap_and_a_full_sync_everything(ledger: Ledger) -> None:
    """So a correction of long ago is found by the latter only."""
    book = book_of(2_000)
    ledger.sync(book)
    book.change(1_950, eur="-11.00")
    book.change(50, eur="-11.00")
    book.withdraw(1_960)
    book.withdraw(60)
    report = ledger.sync(book)
    assert [each.entry_id for each in report.changed] == ["Main Account/trade/1950"]
    assert report.vanished == ("Main Account/trade/1960",)
    report = ledger.sync(book, "full")
    assert [each.entry_id for each in report.changed] == ["Main Account/trade/50"]
    assert report.vanished == ("Main Account/trade/60",)
    assert report.counts.adds_up


def test_a_rejected_match_makes_two_entries_and_undoing_makes_one(
    ledger: Ledger, tmp_path: Path
) -> None:
    """A person's word stands above every rule."""
    book = book_of(10)
    ledger.sync(book)
    path = tmp_path / "export.csv"
    path.write_bytes(statement(book.records))
    ledger.import_file(path)
    match = ledger.reconcile().matches[4]
    (decision,) = ledger.reject(match, reason="bought twice")
    assert len(ids(ledger)) == 11
    ledger.rebuild()
    assert len(ids(ledger)) == 11
    ledger.undo(decision.id)
    assert len(ids(ledger)) == 10
    with pytest.raises(LedgerError, match="undone before"):
        ledger.undo(decision.id)


def test_entries_that_no_rule_joins_can_be_merged(ledger: Ledger, tmp_path: Path) -> None:
    """A file whose owner typed another amount."""
    book = book_of(5)
    ledger.sync(book)
    path = tmp_path / "export.csv"
    path.write_bytes(statement([trade(3, cents=1_111)]))
    (row,) = ledger.import_file(path).new
    assert len(ids(ledger)) == 6
    decision = ledger.merge("Main Account/trade/3", row.id, author="me")
    assert len(ids(ledger)) == 5
    ledger.undo(decision)
    assert len(ids(ledger)) == 6
    with pytest.raises(LedgerError, match="not a row"):
        ledger.merge(row.id, "Main Account/trade/3")


def test_entries_are_filtered(ledger: Ledger) -> None:
    """By time, kind, currency and account."""
    book = book_of(100)
    ledger.sync(book)
    sub = Book([movement(7, "14", "xrp", "5.00")], account="Trading")
    ledger.sync(sub)
    everything = list(ledger.entries())
    assert len(everything) == 101
    middle = everything[50].time
    assert list(ledger.entries(since=middle)) == everything[50:]
    assert list(ledger.entries(until=middle)) == everything[:50]
    assert len(list(ledger.entries(kinds=[bl.Trade]))) == 99
    assert len(list(ledger.entries(kinds="deposit"))) == 1
    with pytest.raises(ValueError, match="no kind of entry: trades"):
        ledger.entries(kinds=["trades"])
    assert len(list(ledger.entries(currency="btc"))) == 99
    assert [entry.id for entry in ledger.entries(account="Trading")] == [
        "Trading/sub-account-transfer/7"
    ]
    assert ledger.balances(account="Trading") == {"XRP": Decimal("5.00")}
    assert ledger.balances(at=everything[0].time) == {"EUR": Decimal("1000.00")}
    assert [account.name for account in ledger.accounts()] == ["Main Account", "Trading"]


def test_what_is_not_understood_is_quarantined_and_counted(ledger: Ledger) -> None:
    """It takes part in the proof."""
    book = Book([deposit(1), movement(2, "99", "xrp", "5.00")])
    ledger.sync(book)
    (unknown,) = ledger.entries(state=EntryState.QUARANTINED)
    assert isinstance(unknown, bl.UnknownEntry)
    assert ledger.counts().quarantined == 1
    assert ledger.prove(book).holds
    assert ledger.prove(book).unknown == 1


def test_records_without_an_id_are_known_by_their_content(ledger: Ledger) -> None:
    """Also where there are no others."""
    odd: Record = {"datetime": "2021-01-01 00:00:00", "type": "0", "eur": "1.00", "id": None}
    book = Idless([odd, odd | {"eur": "2.00"}])
    assert ledger.sync(book).new == 2
    for mode in ("resume", "full"):
        assert ledger.sync(book, mode).new == 0
    assert ledger.counts().quarantined == 2
    assert ledger.prove(book).holds


class Idless(Book):
    """An account whose records have no ids, so that none can be asked for."""

    def entries(self, since_id: int | None = None) -> Iterator[bl.Entry]:
        del since_id
        yield from bl.parse_user_transactions(json.dumps(self.records))

    def balances(self) -> tuple[bl.Balance, ...]:
        total = Decimal("3.00")
        return (bl.Balance(currency="EUR", total=total, available=total, reserved=Decimal(0)),)


def test_a_sealed_year_only_reports_what_would_change(ledger: Ledger, tmp_path: Path) -> None:
    """Until a person accepts it."""
    book = book_of(10)
    ledger.sync(book)
    assert ledger.seal(2021, author="me") == ()
    frozen = list(ledger.entries())
    book.change(5, eur="-11.00")
    book.records.append(trade(11))
    report = ledger.sync(book, "full")
    assert [(change.entry_id, change.kind) for change in report.sealed_changes] == [
        ("Main Account/trade/11", SealedChangeKind.ADDED),
        ("Main Account/trade/5", SealedChangeKind.ALTERED),
    ]
    path = tmp_path / "export.csv"
    path.write_bytes(statement([trade(600)]))
    assert len(ledger.import_file(path).sealed_changes) == 3
    assert list(ledger.entries()) == frozen
    assert ledger.balances() == bl.replay(frozen)
    assert len(ledger.accept(2021)) == 3
    assert ledger.sealed_changes() == ()
    assert len(ids(ledger)) == 12
    assert ledger.seals() == (2021,)
    with pytest.raises(LedgerError, match="cannot be sealed"):
        ledger.seal(dt.datetime.now(dt.UTC).year)  # noqa: TID251 - the test needs this year


def test_views_can_be_dropped_and_rebuilt_to_the_same_bytes(ledger: Ledger, tmp_path: Path) -> None:
    """They hold nothing of their own."""
    book = book_of(60)
    ledger.sync(book)
    book.change(7, eur="-9.00")
    path = tmp_path / "export.csv"
    path.write_bytes(statement([*book.records[:40], trade(700)]))
    ledger.import_file(path)
    ledger.sync(book, "full")
    ledger.balances()
    before = view_bytes(ledger)
    ledger.rebuild()
    ledger.balances()
    assert view_bytes(ledger) == before


def view_bytes(ledger: Ledger) -> list[tuple[object, ...]]:
    """Return every row of every view."""
    from bitstamp_ledger.ledger._schema import VIEWS  # noqa: PLC0415 - needs SQLAlchemy

    with ledger.store.read() as connection:
        return sorted(
            (table.name, *map(repr, row))
            for table in VIEWS
            for row in connection.execute(table.select())
        )


def test_the_manifest_of_every_run_is_kept(ledger: Ledger, tmp_path: Path) -> None:
    """Pages with their ranges and digests, versions, and what became of the run."""
    book = book_of(1_200)
    ledger.sync(book)
    path = tmp_path / "export.csv"
    path.write_bytes(statement(book.records[:3]))
    ledger.import_file(path)
    sync, imported = ledger.runs()
    assert (sync.kind, sync.mode, sync.outcome, sync.account) == (
        "sync",
        "resume",
        "done",
        "Main Account",
    )
    assert [(page.records, page.added, page.first, page.last) for page in sync.pages] == [
        (1_000, 1_000, "deposit/1", "trade/1000"),
        (200, 200, "trade/1001", "trade/1200"),
    ]
    assert sync.counts["received"] == 1_200
    assert sync.versions["bitstamp_ledger"] == bl.__version__
    assert (imported.kind, imported.counts["rows"]) == ("import", 3)


def test_a_ledger_can_be_exported(ledger: Ledger, tmp_path: Path) -> None:
    """To any sink."""
    ledger.sync(book_of(5))
    path = tmp_path / "out.jsonl"
    with bl.sinks.open("jsonl", path=str(path)) as out:
        ledger.export(out, kinds=["trade"])
    assert len(path.read_text().splitlines()) == 4


def test_an_unknown_entry_cannot_be_decided_on(ledger: Ledger) -> None:
    """A typing error must not become a decision on nothing."""
    with pytest.raises(LedgerError, match="never heard"):
        ledger.annotate("Main Account/trade/1", label="x")
    with pytest.raises(ValueError, match="say a label"):
        ledger.annotate("Main Account/trade/1")
    with pytest.raises(LedgerError, match="no decision"):
        ledger.undo(7)


def test_a_broken_key_pauses_the_account(ledger: Ledger) -> None:
    """Everything stays readable, and the next sync continues."""
    book = book_of(10)
    ledger.sync(book)
    refusal = bl.KeyRefusedError(
        "user_transactions: the exchange said: API key not found (API0001).",
        code="API0001",
        endpoint="user_transactions",
        status=403,
        reason="API key not found",
    )

    def refuse() -> None:
        raise refusal

    book.before_balances = refuse
    with pytest.raises(bl.KeyRefusedError):
        ledger.sync(book)
    (account,) = ledger.accounts()
    assert account.condition is AccountCondition.PAUSED
    assert str(account.reason).startswith("NOT_FOUND")
    assert account.advice
    assert len(ids(ledger)) == 10
    assert ledger.runs()[-1].outcome == "failed"
    book.before_balances = lambda: None
    ledger.sync(book)
    assert ledger.accounts()[0].condition is AccountCondition.ACTIVE
