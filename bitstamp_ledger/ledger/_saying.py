"""What people say: annotations, hiding, pairs, and taking it back."""

from decimal import Decimal

import attrs
import sqlalchemy as sa

from bitstamp_ledger.errors import LedgerError
from bitstamp_ledger.ledger import _decisions, _matching
from bitstamp_ledger.ledger._base import LedgerBase
from bitstamp_ledger.ledger._lookup import is_known
from bitstamp_ledger.ledger._names import Names, is_row
from bitstamp_ledger.ledger._values import Annotation, DecisionKind, RecordedDecision
from bitstamp_ledger.model import Amount
from bitstamp_ledger.reconcile import Match


class Saying(LedgerBase):
    """The part of a ledger that people decide in."""

    def annotate(
        self,
        entry_id: str,
        *,
        label: str | None = None,
        note: str | None = None,
        price: Decimal | Amount | int | str | None = None,
        author: str | None = None,
        reason: str | None = None,
    ) -> RecordedDecision:
        """Say something about an entry; what is not said stays as it was.

        Raises:
            LedgerError: the ledger has never heard of this entry.
            ValueError: nothing is said, or the price is no exact number.
        """
        said: dict[str, object] = {}
        if label is not None:
            said["label"] = label
        if note is not None:
            said["note"] = note
        if price is not None:
            said["price"] = _decisions.price_content(price)
        if not said:
            raise ValueError("say a label, a note or a price")
        return self._decide(
            _decisions.Saying(
                kind=DecisionKind.ANNOTATE,
                entry_id=entry_id,
                content=said,
                author=author,
                reason=reason,
            )
        )

    def annotation(self, entry_id: str) -> Annotation | None:
        """Return what people said about an entry, under whatever identity they said it."""
        self._refresh()
        with self._store.read() as connection:
            return _decisions.annotation_of(connection, entry_id)

    def hide(
        self, entry_id: str, *, author: str | None = None, reason: str | None = None
    ) -> RecordedDecision:
        """Leave an entry out of entries and balances; it is counted as suppressed, and stays so.

        Raises:
            LedgerError: the ledger has never heard of this entry.
        """
        return self._decide(
            _decisions.Saying(
                kind=DecisionKind.HIDE, entry_id=entry_id, author=author, reason=reason
            )
        )

    def unhide(
        self, entry_id: str, *, author: str | None = None, reason: str | None = None
    ) -> RecordedDecision:
        """Show an entry again.

        Raises:
            LedgerError: the ledger has never heard of this entry.
        """
        return self._decide(
            _decisions.Saying(
                kind=DecisionKind.UNHIDE, entry_id=entry_id, author=author, reason=reason
            )
        )

    def confirm(
        self, match: Match, *, author: str | None = None, reason: str | None = None
    ) -> tuple[RecordedDecision, ...]:
        """Say that a match is right, whatever rules may say later; one decision for each pair."""
        return self._decide_pairs(DecisionKind.CONFIRM, match, author, reason)

    def reject(
        self, match: Match, *, author: str | None = None, reason: str | None = None
    ) -> tuple[RecordedDecision, ...]:
        """Say that a match is wrong; its entries are never joined again."""
        return self._decide_pairs(DecisionKind.REJECT, match, author, reason)

    def merge(
        self,
        entry_id: str,
        row_id: str,
        *,
        author: str | None = None,
        reason: str | None = None,
    ) -> RecordedDecision:
        """Say that a row of a file is this entry, although no rule found it.

        Raises:
            LedgerError: one of them is not known, or ``row_id`` is not that of a row.
        """
        return self._decide_pair(DecisionKind.MERGE, entry_id, row_id, author, reason)

    def split(
        self,
        entry_id: str,
        row_id: str,
        *,
        author: str | None = None,
        reason: str | None = None,
    ) -> RecordedDecision:
        """Say that a row of a file is not this entry, although a rule may find so.

        Raises:
            LedgerError: one of them is not known, or ``row_id`` is not that of a row.
        """
        return self._decide_pair(DecisionKind.SPLIT, entry_id, row_id, author, reason)

    def undo(
        self,
        decision: int | RecordedDecision,
        *,
        author: str | None = None,
        reason: str | None = None,
    ) -> RecordedDecision:
        """Take a decision back; both stay in the history.

        Raises:
            LedgerError: there is no such decision, it was undone before, or it is an undoing.
        """
        number = decision if isinstance(decision, int) else decision.id
        with self._store.write() as connection:
            known = _decisions.one(connection, number)
            if known.undone or known.kind is DecisionKind.UNDO:
                state = "was undone before" if known.undone else "undoes another"
                raise LedgerError(
                    f"Decision {number} {state}.", hint="To say it again, decide anew."
                )
            saying = _decisions.Saying(
                kind=DecisionKind.UNDO,
                entry_id=None,
                undoes=number,
                author=author,
                reason=reason,
            )
            made = _decisions.record(connection, saying, self._clock())
            if _decisions.is_pair(known):
                _matching.mark_stale(connection)
        return made

    def decisions(self) -> tuple[RecordedDecision, ...]:
        """Return everything that people said, oldest first, undone or not."""
        with self._store.read() as connection:
            return tuple(_decisions.load(connection, sa.true()))

    def _decide(self, saying: _decisions.Saying) -> RecordedDecision:
        self._refresh()
        with self._store.write() as connection:
            entry_id, other_id = (
                None if each is None else _written_down(connection, each)
                for each in (saying.entry_id, saying.other_id)
            )
            if entry_id == other_id:
                raise LedgerError(
                    f"The entry {entry_id!r} cannot be one with itself, nor two.",
                    hint="Take the ids of two entries.",
                )
            saying = attrs.evolve(saying, entry_id=entry_id, other_id=other_id)
            made = _decisions.record(connection, saying, self._clock())
            if _decisions.is_pair(saying):
                _matching.mark_stale(connection)
        return made

    def _decide_pair(
        self,
        kind: DecisionKind,
        entry_id: str,
        row_id: str,
        author: str | None,
        reason: str | None,
    ) -> RecordedDecision:
        if not is_row(row_id):
            raise LedgerError(
                f"{row_id!r} is not a row of a file that could be another entry.",
                hint="Name the record or the kept row first, the other row second.",
            )
        return self._decide(
            _decisions.Saying(
                kind=kind, entry_id=entry_id, other_id=row_id, author=author, reason=reason
            )
        )

    def _decide_pairs(
        self, kind: DecisionKind, match: Match, author: str | None, reason: str | None
    ) -> tuple[RecordedDecision, ...]:
        self._refresh()
        known = match.api or match.file[:1]
        rows = match.file if match.api else match.file[1:]
        with self._store.read() as connection:
            names = _matching.names_of_rows(connection, (*known, *rows))
        return tuple(
            self._decide_pair(
                kind, names.get(id(one), one.id), names.get(id(row), row.id), author, reason
            )
            for one in known
            for row in rows
        )


def _written_down(connection: sa.Connection, entry_id: str) -> str:
    """Return what a decision calls the entry that a person named.

    Raises:
        LedgerError: the ledger has never heard of it.
    """
    if not is_known(connection, entry_id):
        raise LedgerError(
            f"The ledger has never heard of the entry {entry_id!r}.",
            hint="Take the id of an entry that entries() yields.",
        )
    return Names(connection).canonical(entry_id)
