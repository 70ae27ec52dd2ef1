"""What people said: written down one after the other, and folded into what holds now.

1. A decision names an entry by its identity, and so outlives keys, files, syncs and views.
2. What is said of one side of a pair holds for the other: an entry is looked up under its own
   identity and under those that it was recognised by.
3. A pair that was found once stays known, so that a label survives the removal of its file.  It
   does not count while both sides stand in the ledger apart, or a person said that they are two.
"""

import datetime as dt
import json
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Final

import attrs
import sqlalchemy as sa

from bitstamp_ledger.errors import LedgerError
from bitstamp_ledger.ledger._instants import from_text, to_text
from bitstamp_ledger.ledger._schema import aliases, decisions, view_pairs, view_rows
from bitstamp_ledger.ledger._store import allocate
from bitstamp_ledger.ledger._values import Annotation, DecisionKind, RecordedDecision
from bitstamp_ledger.model import Amount, exact
from bitstamp_ledger.reconcile import Decision, Verdict

PAIR_KINDS: Final = {
    DecisionKind.CONFIRM: Verdict.CONFIRM,
    DecisionKind.MERGE: Verdict.CONFIRM,
    DecisionKind.REJECT: Verdict.REJECT,
    DecisionKind.SPLIT: Verdict.REJECT,
}
"""Decisions about pairs, and what they mean to a reconciliation."""

HOPS_MAX: Final = 8
"""How many files may stand between a row and a record: A repeats B, which repeats C..."""


@attrs.frozen(kw_only=True)
class Saying:
    """A decision that is about to be written down."""

    kind: DecisionKind
    entry_id: str | None
    other_id: str | None = None
    content: Mapping[str, object] = attrs.field(factory=dict)
    author: str | None = None
    reason: str | None = None
    undoes: int | None = None


def record(connection: sa.Connection, saying: Saying, at: dt.datetime) -> RecordedDecision:
    """Write a decision down."""
    number = allocate(connection, "decisions")
    connection.execute(
        sa.insert(decisions).values(
            id=number,
            kind=saying.kind.value,
            entry_id=saying.entry_id,
            other_id=saying.other_id,
            content=json.dumps(saying.content) if saying.content else None,
            at=to_text(at),
            author=saying.author,
            reason=saying.reason,
            undoes=saying.undoes,
        )
    )
    return load(connection, sa.and_(decisions.c.id == number))[0]


def load(connection: sa.Connection, where: sa.ColumnElement[bool]) -> list[RecordedDecision]:
    """Return decisions, oldest first."""
    undoing = decisions.alias()
    undone = sa.exists().where(undoing.c.undoes == decisions.c.id)
    rows = connection.execute(
        sa.select(decisions, undone.label("undone")).where(where).order_by(decisions.c.id)
    )
    return [
        RecordedDecision(
            id=row.id,
            kind=DecisionKind(row.kind),
            entry_id=row.entry_id,
            other_id=row.other_id,
            content=json.loads(row.content) if row.content else {},
            at=from_text(row.at),
            author=row.author,
            reason=row.reason,
            undoes=row.undoes,
            undone=bool(row.undone),
        )
        for row in rows
    ]


def one(connection: sa.Connection, number: int) -> RecordedDecision:
    """Return a decision by its id.

    Raises:
        LedgerError: there is none.
    """
    found = load(connection, decisions.c.id == number)
    if not found:
        raise LedgerError(
            f"There is no decision {number}.", hint="history() tells the decisions on an entry."
        )
    return found[0]


def about(connection: sa.Connection, entry_ids: Sequence[str]) -> list[RecordedDecision]:
    """Return all decisions on these identities, oldest first."""
    own = sa.or_(decisions.c.entry_id.in_(entry_ids), decisions.c.other_id.in_(entry_ids))
    found = load(connection, own)
    numbers = [each.id for each in found]
    return sorted(
        [*found, *(load(connection, decisions.c.undoes.in_(numbers)) if numbers else ())],
        key=lambda each: each.id,
    )


def is_pair(saying: RecordedDecision | Saying) -> bool:
    """Say whether a decision is about a pair, so that views depend on it."""
    return saying.kind in PAIR_KINDS


# -- pairs


def pair_verdicts(connection: sa.Connection) -> dict[tuple[str, str], Verdict]:
    """Return the last word on every pair that people spoke about."""
    kinds = [kind.value for kind in PAIR_KINDS]
    said = load(connection, decisions.c.kind.in_(kinds))
    return {
        _pair(str(each.entry_id), str(each.other_id)): PAIR_KINDS[each.kind]
        for each in said
        if not each.undone
    }


def for_reconciliation(verdicts: Mapping[tuple[str, str], Verdict]) -> tuple[Decision, ...]:
    """Return verdicts as a reconciliation takes them; which side it calls the record is open."""
    return tuple(
        Decision(verdict=verdict, record_id=one_id, row_id=other_id)
        for pair, verdict in verdicts.items()
        for one_id, other_id in (pair, pair[::-1])
    )


def _pair(one_id: str, other_id: str) -> tuple[str, str]:
    return (one_id, other_id) if one_id <= other_id else (other_id, one_id)


# -- identities


@attrs.frozen(kw_only=True)
class Kin:
    """Looks up under which other identities an entry is known."""

    connection: sa.Connection
    rejected: frozenset[tuple[str, str]]

    @classmethod
    def of(cls, connection: sa.Connection) -> "Kin":
        """Begin to look up, in one state of the ledger."""
        verdicts = pair_verdicts(connection)
        return cls(
            connection=connection,
            rejected=frozenset(
                pair for pair, verdict in verdicts.items() if verdict is Verdict.REJECT
            ),
        )

    def ids_of(self, entry_id: str) -> list[str]:
        """Return the identity and all others of the same entry.

        A record of the API reached through a row is taken along, but nothing is looked for beyond
        it: a row that is a whole order joins its executions to itself, not to each other.
        """
        found = {entry_id: None}
        edge = [entry_id]
        for _ in range(HOPS_MAX):
            reached = self._neighbours(edge)
            fresh = [each for each in reached if each not in found]
            if not is_row(entry_id):
                fresh = [each for each in fresh if is_row(each)]
            found |= dict.fromkeys(fresh)
            edge = [each for each in fresh if is_row(each)]
            if not edge:
                break
        return list(found)

    def _neighbours(self, ids: Sequence[str]) -> list[str]:
        links: list[tuple[str, str]] = []
        for table in (view_pairs, aliases):
            rows = self.connection.execute(
                sa.select(table.c.row_id, table.c.known_id)
                .where(sa.or_(table.c.row_id.in_(ids), table.c.known_id.in_(ids)))
                .order_by(table.c.row_id, table.c.known_id)
            ).all()
            pairs = [(row.row_id, row.known_id) for row in rows]
            links.extend(pairs if table is view_pairs else self._still_meant(pairs))
        start = set(ids)
        ends = [b if a in start else a for a, b in links if _pair(a, b) not in self.rejected]
        return list(dict.fromkeys(ends))

    def _still_meant(self, pairs: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
        """Leave out pairs of old whose row stands in the ledger as an entry of its own."""
        if not pairs:
            return []
        rows = self.connection.execute(
            sa.select(view_rows.c.entry_id).where(
                view_rows.c.entry_id.in_([row_id for row_id, _ in pairs]), view_rows.c.kept == 1
            )
        )
        apart = {row.entry_id for row in rows}
        return [pair for pair in pairs if pair[0] not in apart]


def is_row(entry_id: str) -> bool:
    """Say whether an identity is that of a row of a file."""
    return entry_id.rpartition("/")[2].startswith("row-")


def note_aliases(
    connection: sa.Connection, pairs: Iterable[Mapping[str, str]], at: dt.datetime
) -> None:
    """Remember for good which identities were found to be one entry."""
    known = {
        (row.row_id, row.known_id)
        for row in connection.execute(sa.select(aliases.c.row_id, aliases.c.known_id))
    }
    fresh = [
        {**pair, "found_at": to_text(at)}
        for pair in pairs
        if (pair["row_id"], pair["known_id"]) not in known
    ]
    if fresh:
        connection.execute(sa.insert(aliases), fresh)


# -- what holds now


def annotation_of(connection: sa.Connection, entry_id: str) -> Annotation | None:
    """Fold all decisions on an entry; None where nobody said anything that holds."""
    kin = Kin.of(connection).ids_of(entry_id)
    return folded(about(connection, kin), frozenset(kin))


def folded(said: Iterable[RecordedDecision], ids: frozenset[str]) -> Annotation | None:
    """Return the last word on each part."""
    annotation = Annotation()
    for each in said:
        if each.undone or each.entry_id not in ids:
            continue
        match each.kind:
            case DecisionKind.ANNOTATE:
                annotation = _said(annotation, each.content)
            case DecisionKind.HIDE | DecisionKind.UNHIDE:
                annotation = attrs.evolve(annotation, hidden=each.kind is DecisionKind.HIDE)
            case _:
                continue
        annotation = attrs.evolve(annotation, decisions=(*annotation.decisions, each.id))
    return annotation if annotation.decisions else None


def _said(annotation: Annotation, content: Mapping[str, object]) -> Annotation:
    for name, value in content.items():
        match name:
            case "label":
                annotation = attrs.evolve(annotation, label=str(value))
            case "note":
                annotation = attrs.evolve(annotation, note=str(value))
            case "price":
                annotation = attrs.evolve(annotation, price=price_of(value))
            case _:
                continue  # Said to a newer release.
    return annotation


def hidden_ids(connection: sa.Connection) -> frozenset[str]:
    """Return every identity that is hidden, those of the other side of its pairs included."""
    kinds = [DecisionKind.HIDE.value, DecisionKind.UNHIDE.value]
    said = [each for each in load(connection, decisions.c.kind.in_(kinds)) if not each.undone]
    if not said:
        return frozenset()
    kin = Kin.of(connection)
    hidden: set[str] = set()
    for each in said:  # Oldest first: the last word holds, whichever side it was said of.
        ids = kin.ids_of(str(each.entry_id))
        (hidden.update if each.kind is DecisionKind.HIDE else hidden.difference_update)(ids)
    return frozenset(hidden)


def price_content(price: Decimal | Amount | int | str) -> object:
    """Return a price as JSON holds it, digit by digit."""
    if isinstance(price, Amount):
        return {"value": str(price.value), "currency": price.currency}
    return str(exact(price))


def price_of(content: object) -> Decimal | Amount | None:
    """Read what `price_content` returned."""
    if isinstance(content, dict):
        return Amount(Decimal(content["value"]), content["currency"])
    return None if content is None else Decimal(str(content))
