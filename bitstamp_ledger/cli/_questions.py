"""What a ledger leaves for a person to decide, one pair of entries at a time.

1. A question is asked only while it is open: before an answer is written down, the ledger is looked
   at again, since a sync, an import or somebody else may have settled it meanwhile.
2. A question is known by what was shown: if one digit of it changes, it is another question.
3. A pair that somebody decided is not asked about again, until that decision is undone.
"""

import hashlib
import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

import attrs
import msgspec

from bitstamp_ledger._page import Comparison, plain
from bitstamp_ledger.errors import LedgerError
from bitstamp_ledger.ledger import DecisionKind, RecordedDecision
from bitstamp_ledger.model import Entry, split_row_name
from bitstamp_ledger.reconcile import (
    Conflict,
    Counts,
    Grade,
    Match,
    Reconciliation,
    Rule,
    Suspect,
    Verdict,
)

if TYPE_CHECKING:
    from bitstamp_ledger.ledger import Ledger

_OF_PAIRS: Final = frozenset(
    {DecisionKind.CONFIRM, DecisionKind.MERGE, DecisionKind.REJECT, DecisionKind.SPLIT}
)
_NOTHING: Final = Counts(received=0, kept=0, witnessed=0, quarantined=0)

Pair = frozenset[str]
"""The identities of two entries."""


class NoLongerOpenError(LedgerError):
    """A question was settled, or became another one, before it was answered."""


@attrs.frozen(kw_only=True)
class Question:
    """Are these two entries one event?"""

    kind: str
    """``suspect`` or ``conflict``."""

    known: Entry
    row: Entry
    shown: Comparison
    """Both side by side, as text that can be printed as it is."""

    @property
    def key(self) -> str:
        """What it is known by: the same only while the same would be shown."""
        seen = msgspec.json.encode(
            [self.kind, self.known.id, self.row.id, attrs.astuple(self.shown)]
        )
        return hashlib.sha256(seen).hexdigest()[:16]

    @property
    def can_be_decided(self) -> bool:
        """Whether a decision can settle it: two records of the exchange stay two."""
        return self.row.source.row is not None

    @property
    def match(self) -> Match:
        """The claim that a person confirms or rejects."""
        from_api = self.known.source.row is None
        return Match(
            api=(self.known,) if from_api else (),
            file=(self.row,) if from_api else (self.known, self.row),
            rule=Rule.DECISION,
            grade=Grade.CERTAIN,
        )


class Review:
    """The open questions of a ledger, and the decisions that answer them.

    Args:
        ledger: an open ledger.
        author: who decides.
    """

    def __init__(self, ledger: "Ledger", author: str | None) -> None:
        self.author = author
        self.made: list[tuple[Question, Verdict, tuple[RecordedDecision, ...]]] = []
        """What was decided here and not undone here, in order."""

        self._ledger = ledger
        self._mark: object = None
        self._open: tuple[Question, ...] = ()

    def open(self) -> tuple[Question, ...]:
        """Return what is open now, conflicts first."""
        mark = self._state()
        if mark != self._mark:
            decided = frozenset(_pairs_of(self._ledger.decisions()))
            result = self._ledger.reconcile()
            self._open = tuple(each for each in questions(result) if _pair_of(each) not in decided)
            self._mark = mark
        return self._open

    def answer(
        self, key: str, verdict: Verdict, reason: str | None = None
    ) -> tuple[RecordedDecision, ...]:
        """Write an answer down.

        Args:
            key: that of the question as it was shown.
            verdict: whether the two are one event.
            reason: why; what was shown, if nobody says.

        Raises:
            NoLongerOpenError: the ledger has changed, and the question is settled or another.
            LedgerError: the question cannot be decided, or the ledger not be written.
        """
        question = next((each for each in self.open() if each.key == key), None)
        if question is None:
            raise NoLongerOpenError(
                "This question is no longer open: the ledger has changed meanwhile.",
                hint="Nothing was decided. Look at what is open now.",
            )
        if not question.can_be_decided:
            raise LedgerError(
                "Two records of the exchange cannot be made one, nor told apart.",
                hint="Hide the one that is wrong, or leave both.",
            )
        say = self._ledger.confirm if verdict is Verdict.CONFIRM else self._ledger.reject
        made = say(
            question.match, author=self.author, reason=reason or f"seen: {question.shown.text}"
        )
        self.made.append((question, verdict, made))
        return made

    def undo(self, number: int) -> RecordedDecision:
        """Take a decision back, whoever made it.

        Raises:
            LedgerError: there is no such decision, or it was undone before.
        """
        undone = self._ledger.undo(number, author=self.author)
        self.made = [each for each in self.made if number not in [one.id for one in each[2]]]
        return undone

    def _state(self) -> object:
        """Return what differs after every change of what could be open."""
        runs = self._ledger.runs()
        last = (runs[-1].id, runs[-1].outcome) if runs else None
        return len(self._ledger.decisions()), len(runs), last


def questions(result: Reconciliation) -> Iterator[Question]:
    """Yield all that a result leaves to a person, one pair after the other."""
    for conflict in result.conflicts:
        pairs = _pairs_in(conflict)
        for (known, row), shown in zip(pairs, _side_by_side(result, conflict), strict=True):
            yield Question(kind="conflict", known=known, row=row, shown=shown)
    for suspect in result.suspects:
        (shown,) = _side_by_side(result, suspect)
        yield Question(kind="suspect", known=suspect.near, row=suspect.row, shown=shown)


def document(question: Question) -> Mapping[str, object]:
    """Return a question as JSON values."""
    shown = question.shown
    return {
        "key": question.key,
        "kind": question.kind,
        "text": shown.text,
        "entry": question.known.id,
        "row": question.row.id,
        "can_be_decided": question.can_be_decided,
        "left": shown.left,
        "right": shown.right,
        "facts": [attrs.asdict(fact) for fact in shown.facts],
    }


def _pairs_in(conflict: Conflict) -> list[tuple[Entry, Entry]]:
    """Return the pairs of a conflict as they stand side by side, what is known first."""
    if conflict.api and conflict.file:
        return list(itertools.product(conflict.api, conflict.file))
    first, *others = (*conflict.api, *conflict.file)
    return [(first, each) for each in others]


def _side_by_side(result: Reconciliation, part: Conflict | Suspect) -> Sequence[Comparison]:
    """Return what the report of a result shows of one part of it."""
    alone = attrs.evolve(
        result,
        entries=(),
        matches=(),
        file_matches=(),
        api_only=(),
        new=(),
        conflicts=(part,) if isinstance(part, Conflict) else (),
        suspects=(part,) if isinstance(part, Suspect) else (),
        zones=(),
        ids=(),
        counts=_NOTHING,
        readings=(),
    )
    title = "Conflict" if isinstance(part, Conflict) else f"Suspect: the {plain(part.field)}"
    (look,) = (each for each in alone.report().sections if each.name == "look")
    return [attrs.evolve(each, title=title) for each in look.comparisons]


def _pair_of(question: Question) -> Pair:
    return frozenset({question.known.id, question.row.id})


def _pairs_of(decisions: Sequence[RecordedDecision]) -> Iterator[Pair]:
    for each in decisions:
        if each.kind in _OF_PAIRS and not each.undone and each.entry_id and each.other_id:
            yield frozenset(split_row_name(name)[0] for name in (each.entry_id, each.other_id))
