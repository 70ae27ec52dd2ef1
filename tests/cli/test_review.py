"""Deciding on suspects and conflicts: the questions, the walk in a terminal, and what is listed."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import attrs
import pytest

from bitstamp_ledger.cli import _review, run
from bitstamp_ledger.cli._questions import NoLongerOpenError, Review, questions
from bitstamp_ledger.reconcile import Verdict, reconcile
from tests.ledger import books
from tests.reconcile.builders import record, records
from tests.report.samples import CONFLICTING, HOSTILE_NAME, A, B, statements

pytest.importorskip("sqlalchemy", reason="a ledger that is kept needs the extra ledger")
from bitstamp_ledger.ledger import DecisionKind, Ledger


def a_ledger(folder: Path) -> Ledger:
    """Return a ledger with one conflict and two suspects; one file has an evil name."""
    for each in statements(folder, HOSTILE_NAME):
        assert each.path is not None
    ledger = Ledger.open(folder / "l.db")
    ledger.sync(books.Book([record(each) for each in (A, B, CONFLICTING)]))
    for name in (HOSTILE_NAME, "new.csv"):
        ledger.import_file(folder / name)
    return ledger


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with a_ledger(tmp_path) as opened:
        yield opened


def typed(ledger: Ledger, keys: str, reason: str | None = "looked") -> _review.Walk:
    """Walk through with these keys; Ctrl-C comes when they are used up."""
    pressed = iter(keys)

    def key() -> str:
        try:
            return next(pressed)
        except StopIteration:
            raise KeyboardInterrupt from None

    walk = _review.Walk(Review(ledger, "Ada"), reason=reason, key=key, ask=lambda: "asked")
    walk.through()
    return walk


class TestQuestions:
    @pytest.mark.parametrize("verdict", list(Verdict))
    def test_an_answer_settles_its_question_and_undoing_opens_it_again(
        self, ledger: Ledger, verdict: Verdict
    ) -> None:
        """Each kind of question, both answers: facts stay, and nothing is lost on the way back."""
        review = Review(ledger, "Ada")
        asked = review.open()
        assert [each.kind for each in asked] == ["conflict", "suspect", "suspect"]
        before = ledger.counts()
        for question in asked:
            (made,) = review.answer(question.key, verdict, "looked")
            assert question.key not in [each.key for each in review.open()]
            assert (made.author, made.reason) == ("Ada", "looked")
            merged = int(verdict is Verdict.CONFIRM)
            assert ledger.counts().witnessed == before.witnessed + merged
            review.undo(made.id)
            assert [each.key for each in review.open()] == [each.key for each in asked]
            assert ledger.counts() == before

    def test_without_a_reason_what_was_shown_is_kept(self, ledger: Ledger) -> None:
        """A year later, somebody asks why."""
        review = Review(ledger, None)
        (made,) = review.answer(review.open()[0].key, Verdict.REJECT)
        assert made.reason == "seen: The same exchange id, but other content: API record 9."

    def test_a_question_that_somebody_else_settled_is_not_answered_twice(
        self, ledger: Ledger
    ) -> None:
        """Nor one whose entries changed since it was shown."""
        one, other = Review(ledger, "Ada"), Review(ledger, "Bob")
        key = one.open()[0].key
        other.answer(key, Verdict.REJECT)
        with pytest.raises(NoLongerOpenError):
            one.answer(key, Verdict.CONFIRM)
        ledger.remove_import(2)
        for question in (each for each in one.open() if each.row.source.path == "new.csv"):
            pytest.fail(f"{question} is of a file that was removed")
        assert len(ledger.decisions()) == 1

    def test_two_records_of_the_exchange_are_shown_and_not_decided(self) -> None:
        """No decision could make them one; they are told, so that somebody looks."""
        other = attrs.evolve(A, amount="0.9")
        (question,) = questions(reconcile(records([A, other]), []))
        assert not question.can_be_decided


class TestWalk:
    def test_keys_confirm_reject_skip_and_undo(
        self, ledger: Ledger, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """What is skipped is not asked again, and stays open."""
        typed(ledger, "ynus?q")
        said = capsys.readouterr().out
        kinds = [(each.kind, each.undone) for each in ledger.decisions()]
        assert kinds == [
            (DecisionKind.CONFIRM, False),
            (DecisionKind.REJECT, True),
            (DecisionKind.UNDO, False),
        ]
        assert "Decision 1: one event. `undo 1` takes it back." in said
        assert "Decision 2 is undone." in said
        assert "Press y one event" in said
        assert said.splitlines()[-1] == "Decided: 1. Still open: 2."

    def test_both_entries_stand_side_by_side_with_the_difference_marked(
        self, ledger: Ledger, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """By a sign as well as by colour."""
        typed(ledger, "ssq")
        said = capsys.readouterr().out
        assert "1 of 3 open. Conflict" in said
        assert "3 of 3 open. Suspect: the fee" in said
        (fee,) = [line for line in said.splitlines() if "9.98393" in line and "≠" in line]
        assert "9.10" in fee

    def test_it_ends_when_nothing_is_left(
        self, ledger: Ledger, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """Without another key."""
        typed(ledger, "nnn", reason=None)
        assert {each.reason for each in ledger.decisions()} == {"asked"}
        assert capsys.readouterr().out.splitlines()[-1] == "Decided: 3. Still open: 0."

    def test_ctrl_c_keeps_what_was_decided(
        self, ledger: Ledger, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """Each answer is durable before the next question."""
        with pytest.raises(KeyboardInterrupt):
            typed(ledger, "n")
        assert len(ledger.decisions()) == 1
        assert capsys.readouterr().out.splitlines()[-1] == "Decided: 1. Still open: 2."

    def test_a_question_that_vanishes_while_it_is_shown_is_told(
        self, ledger: Ledger, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """A sync may run beside it."""
        review = Review(ledger, "Ada")

        def ask() -> str:
            if not ledger.decisions():
                question = review.open()[0]
                ledger.reject(question.match)
            return ""

        keys = iter("yq")
        _review.Walk(review, reason=None, key=lambda: next(keys), ask=ask).through()
        assert "no longer open" in capsys.readouterr().out
        assert len(ledger.decisions()) == 1

    def test_no_text_of_a_file_moves_the_cursor_or_sets_a_colour(
        self, ledger: Ledger, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """Escape sequences, bidirectional marks and rich's own markup are shown, not obeyed."""
        (tmp_path / "[red]\x1b[2Jevil\u202e.csv").write_bytes(
            (tmp_path / HOSTILE_NAME).read_bytes() + b"\n"
        )
        ledger.remove_import(1)
        ledger.import_file(tmp_path / "[red]\x1b[2Jevil\u202e.csv")
        typed(ledger, "sssq")
        said = capsys.readouterr().out
        assert "[red]\\x1b[2Jevil\\u202e.csv" in said.replace("\n", "")
        assert not any(letter in said for letter in "\x1b\u202e")


class TestCommand:
    @pytest.fixture
    def place(self, tmp_path: Path) -> Path:
        a_ledger(tmp_path).close()
        return tmp_path / "l.db"

    def command(self, monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
        monkeypatch.setattr(sys, "argv", ["bitstamp-ledger", *words])
        return run()

    def test_json_lists_what_is_open_and_asks_nothing(
        self, place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """The differing field is marked there as well."""
        assert self.command(monkeypatch, "review", "--ledger", str(place), "--json") == 0
        listed = json.loads(capsys.readouterr().out)["open"]
        assert [each["kind"] for each in listed] == ["conflict", "suspect", "suspect"]
        differing = [[f["name"] for f in each["facts"] if f["differs"]] for each in listed]
        assert differing[1:] == [["account"], ["fee"]]
        assert all(each["can_be_decided"] for each in listed)

    def test_where_nobody_can_be_asked_it_says_so(
        self, place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """A cron job must not take silence for an answer."""
        assert self.command(monkeypatch, "review", "--ledger", str(place)) == 2
        assert "3 questions are open" in capsys.readouterr().err

    def test_where_nothing_is_open_it_says_so(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """In a terminal or not."""
        assert self.command(monkeypatch, "review", "--ledger", str(tmp_path / "new.db")) == 0
        assert capsys.readouterr().out.startswith("Nothing is open")

    @pytest.mark.skipif(os.name != "posix", reason="pseudo-terminals are made there")
    def test_in_a_real_terminal(self, place: Path) -> None:
        """One process on a pseudo-terminal: a key at a time, a typed reason, then Ctrl-C."""
        code, said = in_terminal(
            ["review", "--ledger", str(place), "--author", "Ada"],
            [("u undo", b"n"), ("Why?", b"not mine\n"), ("2 open", b""), ("u undo", b"\x03")],
        )
        assert code == 130
        assert "Decided: 1. Still open: 2." in said
        with Ledger.open(place) as ledger:
            (made,) = ledger.decisions()
        assert (made.author, made.reason) == ("Ada", "not mine")


def in_terminal(words: Sequence[str], talk: Sequence[tuple[str, bytes]]) -> tuple[int, str]:
    """Run the command on a pseudo-terminal; answer each text, once it shows, with keys."""
    import pty  # noqa: PLC0415 - not on every system

    ours, theirs = pty.openpty()
    process = subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-m", "bitstamp_ledger", *words],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "COLUMNS": "120"},
        start_new_session=True,
    )
    os.close(theirs)
    late = threading.Timer(90, process.kill)
    late.start()
    said, seen, left = "", 0, list(talk)
    try:
        while True:
            while left and (found := said.find(left[0][0], seen)) >= 0:
                seen = found + len(left[0][0])
                # What is typed before the program waits for a key is thrown away, by its terminal.
                time.sleep(0.3)
                os.write(ours, left.pop(0)[1])
            said += os.read(ours, 4096).decode("utf-8", "replace")
    except OSError:
        pass  # So a terminal says that its last user is gone.
    finally:
        late.cancel()
        os.close(ours)
    return process.wait(), said
