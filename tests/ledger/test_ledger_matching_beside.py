"""Matching files takes long: others go on meanwhile, and what they bring is not missed."""

from collections.abc import Callable
from pathlib import Path

import attrs

import bitstamp_ledger as bl
from bitstamp_ledger.ledger import Ledger, _matching
from bitstamp_ledger.reconcile import Decision, Reconciliation, reconcile
from tests.ledger.books import Book, statement, trade


@attrs.define
class Interrupted:
    """The usual rules, and something that happens while they are at work."""

    meanwhile: list[Callable[[], object]] = attrs.field(factory=list)
    calls: int = 0

    def __call__(
        self,
        api: list[bl.Entry],
        statements: list[bl.Statement],
        *,
        decisions: tuple[Decision, ...] = (),
    ) -> Reconciliation:
        self.calls += 1
        if self.meanwhile:
            self.meanwhile.pop(0)()
        return reconcile(api, statements, decisions=decisions)


RECORDS = [trade(number) for number in range(1, 9)]


def write(path: Path, *numbers: int) -> Path:
    path.write_bytes(statement([RECORDS[number - 1] for number in numbers]))
    return path


def test_others_can_write_while_files_are_matched(ledger: Ledger, place: str, folder: Path) -> None:
    """A sync of another program need not wait for a large file, nor for its parser."""
    matcher = Interrupted()
    ledger._matcher = matcher
    with Ledger.open(place) as other:
        ledger.sync(Book(RECORDS))
        matcher.meanwhile = [lambda: other.sync(Book([trade(1)], account="Trading"))]
        ledger.import_file(write(folder / "a.csv", 1, 2))
        assert matcher.meanwhile == []
        assert {account.name for account in ledger.accounts()} == {"Main Account", "Trading"}


class Killed(Ledger):
    """A program that is killed after each commit, before it looks at files again."""

    def _refresh(self) -> None:
        return None


def test_what_comes_while_files_are_matched_is_not_missed(
    ledger: Ledger, place: str, folder: Path
) -> None:
    """Records, another file, a person's word, a file that goes: each makes the outcome stale."""
    matcher = Interrupted()
    with Killed.open(place) as other:
        ledger._matcher = matcher

        def bring(name: str, *numbers: int) -> int:
            return ledger.import_file(write(folder / name, *numbers)).file_id

        def shown() -> list[str]:
            assert matcher.meanwhile == []
            return sorted(
                f"{'API' if entry.source.row is None else 'row'} {entry.time.minute}"
                for entry in ledger.entries()
            )

        ledger.rebuild()  # The first views of a ledger are made by whoever opens it.
        matcher.meanwhile = [lambda: other.sync(Book(RECORDS[:6]))]
        first = bring("a.csv", 1, 2, 7)
        records = [f"API {number}" for number in range(1, 7)]
        assert shown() == [*records, "row 7"]

        matcher.meanwhile = [lambda: other.import_file(write(folder / "b.csv", 3, 8))]
        bring("c.csv", 4)
        assert shown() == [*records, "row 7", "row 8"]

        match = next(each for each in ledger.reconcile().matches if each.api[0].transaction_id == 1)
        matcher.meanwhile = [lambda: other.reject(match)]
        bring("d.csv", 5)
        assert shown() == [*records, "row 1", "row 7", "row 8"]

        matcher.meanwhile = [lambda: other.remove_import(first)]
        bring("e.csv", 6)
        assert shown() == [*records, "row 8"]


def test_a_record_of_an_id_in_a_file_that_came_during_the_sync_is_compared(
    ledger: Ledger, place: str, folder: Path
) -> None:
    """The sync looked the stated ids up before the file was there."""
    rows = statement([trade(2_900, minute=900_000)]).decode().splitlines()
    path = folder / "a.csv"
    path.write_text("\n".join([rows[0], f"2900{rows[1]}", ""]))
    book = Book([trade(number, minute=number * 100) for number in range(1, 3_001)])
    with Ledger.open(place) as other:

        def bring(entry: bl.Entry) -> None:
            if entry.transaction_id == 1_500:
                other.import_file(path)

        generations: list[str | None] = []
        book.before_each = bring
        ledger.sync(book, progress=lambda _: generations.append(generation_of(ledger)))
    # Made anew after the import, and once more for the record.
    assert generations[-1] != generation_of(ledger)
    assert len(ledger.reconcile().conflicts) == 1


def generation_of(ledger: Ledger) -> str | None:
    with ledger.store.read() as connection:
        return _matching.generation(connection)
