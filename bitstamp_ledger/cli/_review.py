"""``review``: a person decides on what rules could not, in the terminal or on a local page."""

import getpass
import sys
from collections.abc import Callable
from typing import Final

import attrs
import click
from rich.table import Table
from rich.text import Text

from bitstamp_ledger.cli import _show
from bitstamp_ledger.cli._options import JSON_OPTION, LEDGER_OPTION, opened
from bitstamp_ledger.cli._questions import NoLongerOpenError, Question, Review, document
from bitstamp_ledger.reconcile import Verdict

KEYS: Final = "y one event · n two events · s skip · u undo the last · q quit"
_VERDICTS: Final = {"y": Verdict.CONFIRM, "n": Verdict.REJECT}
_ENDS: Final = frozenset({"q", "\x04", "\x1a", ""})
"""What ends the walk: q, and the ends of input of terminals."""

_MARK: Final = "bold black on yellow"


@click.command()
@LEDGER_OPTION
@click.option("--author", default=None, help="Who decides; your name on this machine if not given.")
@click.option(
    "--reason", default=None, help="Why, for all decisions; asked each time if not given."
)
@click.option(
    "--browser",
    is_flag=True,
    help="Decide on a page of this machine, which only its address opens (extras sandbox, report).",
)
@JSON_OPTION
def review(
    *, place: str, author: str | None, reason: str | None, browser: bool, as_json: bool
) -> None:
    """Decide which suspects and conflicts are the same event, one after the other.

    Shows both entries side by side, with what differs marked. Each answer is written down at once,
    with who gave it and why, and can be taken back with `undo`. --json lists what is open.

    \b
    Example:
      bitstamp-ledger review --ledger history.db
    """  # noqa: D301 - \b is click's mark for a paragraph that keeps its lines
    with opened(place) as ledger:
        walk = Review(ledger, author or _login())
        left = walk.open()
        if as_json:
            _show.as_json({"open": [document(each) for each in left]})
        elif not left:
            _show.note("Nothing is open: no suspect and no conflict waits for a decision.")
        elif browser:
            from bitstamp_ledger.cli._review_page import serve  # noqa: PLC0415 - optional packages

            serve(walk, announce=_show.review_page)
        elif not (sys.stdin.isatty() and sys.stdout.isatty()):
            raise click.UsageError(
                f"{len(left):,} questions are open, and nobody can be asked: this is no terminal. "
                "--json lists them; --browser asks on a page."
            )
        else:
            Walk(walk, reason=reason, key=_key, ask=_ask).through()


@attrs.define
class Walk:
    """Asks one question after the other."""

    review: Review
    reason: str | None
    key: Callable[[], str]
    """Returns the key that a person presses."""

    ask: Callable[[], str]
    """Returns the reason that a person types."""

    skipped: set[str] = attrs.field(factory=set)

    def through(self) -> None:
        """Ask until nothing is left or the person has had enough; say what was done in any case."""
        try:
            while (question := self._next()) is not None:
                _show_question(question, self._number(), len(self.review.open()))
                if not self._answered(question):
                    break
        finally:
            decided, left = len(self.review.made), len(self.review.open())
            _show.note(f"Decided: {decided:,}. Still open: {left:,}.")

    def _next(self) -> Question | None:
        return next((q for q in self.review.open() if q.key not in self.skipped), None)

    def _number(self) -> int:
        return len(self.skipped & {each.key for each in self.review.open()}) + 1

    def _answered(self, question: Question) -> bool:
        """Wait for a key that means something; return whether to go on."""
        while True:
            pressed = self.key().lower()
            if pressed in _ENDS:
                return False
            if pressed == "s":
                self.skipped.add(question.key)
                return True
            if pressed == "u" and self.review.made:
                self._take_back()
                return True
            if pressed in _VERDICTS and question.can_be_decided:
                self._decide(question, _VERDICTS[pressed])
                return True
            _show.note(f"Press {_keys_of(question)}.")

    def _decide(self, question: Question, verdict: Verdict) -> None:
        reason = self.reason if self.reason is not None else self.ask()
        try:
            made = self.review.answer(question.key, verdict, reason.strip() or None)
        except NoLongerOpenError as settled:
            _show.note(str(settled.args[0]))
            return
        what = "one event" if verdict is Verdict.CONFIRM else "two events"
        numbers = " ".join(str(each.id) for each in made)
        _show.note(f"Decision {numbers}: {what}. `undo {made[0].id}` takes it back.")

    def _take_back(self) -> None:
        _, _, made = self.review.made[-1]
        for each in made:
            self.review.undo(each.id)
            _show.note(f"Decision {each.id} is undone.")


def _show_question(question: Question, number: int, left: int) -> None:
    shown, out = question.shown, _show.console()
    out.print(Text(f"\n{number:,} of {left:,} open. {shown.title}", style="bold"))
    out.print(Text(shown.text))
    table = Table()
    for name in ("fact", shown.left, shown.right, "verdict"):
        table.add_column(Text(name), overflow="fold")
    for fact in shown.facts:
        style = _MARK if fact.differs else ""
        mark = "≠ " if fact.differs else ""
        table.add_row(
            Text(fact.name),
            Text(fact.left, style=style),
            Text(fact.right, style=style),
            # The mark is a sign as well: some terminals have no colours, and some eyes.
            Text(f"{mark}{fact.verdict}"),
        )
    out.print(table)
    out.print(Text(_keys_of(question)))


def _keys_of(question: Question) -> str:
    if question.can_be_decided:
        return KEYS
    return "s skip · q quit (two records of the exchange: `hide` the wrong one, or leave both)"


def _key() -> str:
    try:
        return click.getchar()
    except EOFError:
        return "q"


def _ask() -> str:
    answer: str = click.prompt("Why? (Enter: what was shown)", default="", show_default=False)
    return answer


def _login() -> str | None:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return None  # A container may run under a number without a name.
