"""What people said: written down one after the other, and folded into what holds now.

1. A decision names an entry by its identity, a row by that of its file too, and so outlives keys,
   files, syncs and views; `_names` says which entry is meant.
2. What is said of one side of a pair holds for the other: an entry is looked up under its own
   identity and under those that it was recognised by.
3. A pair that was found once stays known, so that a label survives the removal of its file.  It
   does not count while both sides stand in the ledger apart, or a person said that they are two.
"""

import datetime as dt
import itertools
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Final

import attrs
import sqlalchemy as sa

from bitstamp_ledger.errors import LedgerError
from bitstamp_ledger.ledger._instants import from_text, to_text
from bitstamp_ledger.ledger._names import Hidden, Names, is_row, pairs_with
from bitstamp_ledger.ledger._schema import aliases, decisions, view_pairs
from bitstamp_ledger.ledger._store import allocate
from bitstamp_ledger.ledger._values import Annotation, DecisionKind, RecordedDecision
from bitstamp_ledger.model import Amount, exact, split_row_name
from bitstamp_ledger.reconcile import Decision, Verdict
from bitstamp_ledger.sinks import EntryAnnotation

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


def about(connection: sa.Connection, names: Sequence[str]) -> list[RecordedDecision]:
    """Return all decisions that call an entry by one of these names, oldest first."""
    own = sa.or_(decisions.c.entry_id.in_(names), decisions.c.other_id.in_(names))
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


def said_of_pairs(connection: sa.Connection) -> list[RecordedDecision]:
    """Return what people said about pairs and did not take back, oldest first."""
    kinds = [kind.value for kind in PAIR_KINDS]
    return [each for each in load(connection, decisions.c.kind.in_(kinds)) if not each.undone]


def for_reconciliation(said: Iterable[RecordedDecision], names: Names) -> tuple[Decision, ...]:
    """Return the last word on each pair of entries that are there, as a reconciliation takes it.

    What was said of a row holds for its copies in other files: equal rows of a time that is known.

    Args:
        said: what people said about pairs, oldest first.
        names: looks up the rows that are there.
    """
    verdicts: dict[tuple[str, str], Verdict] = {}
    copies: list[RecordedDecision] = []
    others: list[RecordedDecision] = []
    for each in said:
        (copies if _is_of_one_identity(each) else others).append(each)
    for each in copies:
        one, other = (names.meant(name) for name in _sides(each))
        if one is not None and other is not None and one != other:
            verdicts[_pair(one.name, other.name)] = PAIR_KINDS[each.kind]
    apart = {pair for pair, verdict in verdicts.items() if verdict is Verdict.REJECT}

    def all_meant(name: str) -> list[str]:
        if not is_row(name):
            return [name]
        row = names.meant(name)
        if row is None:
            return []
        equal = names.rows(split_row_name(name)[0])
        return [row.name] + [
            each.name
            for each in equal
            if each != row
            and each.time is not None
            and each.time == row.time
            and _pair(each.name, row.name) not in apart
        ]

    for each in others:
        for pair in itertools.product(*map(all_meant, _sides(each))):
            verdicts[_pair(*pair)] = PAIR_KINDS[each.kind]
    # Which side a reconciliation calls the record is open.
    return tuple(
        Decision(verdict=verdict, record_id=record_id, row_id=row_id)
        for pair, verdict in verdicts.items()
        for record_id, row_id in (pair, pair[::-1])
    )


def _sides(said: RecordedDecision) -> tuple[str, str]:
    return str(said.entry_id), str(said.other_id)


def _is_of_one_identity(said: RecordedDecision) -> bool:
    one, other = (split_row_name(name)[0] for name in _sides(said))
    return one == other


def _pair(one_id: str, other_id: str) -> tuple[str, str]:
    return (one_id, other_id) if one_id <= other_id else (other_id, one_id)


# -- identities


@attrs.frozen(kw_only=True)
class Kin:
    """Looks up under which other names an entry is known."""

    connection: sa.Connection
    names: Names
    said: Mapping[tuple[str, str], Sequence[RecordedDecision]]
    """What people said about pairs, oldest first, by the identities of both sides."""

    @classmethod
    def of(cls, connection: sa.Connection) -> "Kin":
        """Begin to look up, in one state of the ledger."""
        said: dict[tuple[str, str], list[RecordedDecision]] = defaultdict(list)
        for each in said_of_pairs(connection):
            said[_identities(*_sides(each))].append(each)
        return cls(connection=connection, names=Names(connection), said=said)

    def names_of(self, name: str) -> list[str]:
        """Return the name and all others of the same entry.

        A record of the API reached through a row is taken along, but nothing is looked for beyond
        it: a row that is a whole order joins its executions to itself, not to each other.
        """
        found = dict.fromkeys(self.names.same(name))
        edge = list(found)
        for _ in range(HOPS_MAX):
            reached = self._neighbours(edge)
            if not is_row(name):
                reached = [each for each in reached if is_row(each)]
            same = (other for each in reached for other in self.names.same(each))
            fresh = [each for each in dict.fromkeys(same) if each not in found]
            found |= dict.fromkeys(fresh)
            edge = [each for each in fresh if is_row(each)]
            if not edge:
                break
        return list(found)

    def _neighbours(self, names: Sequence[str]) -> list[str]:
        links: list[tuple[str, str]] = []
        for table in (view_pairs, aliases):
            rows = pairs_with(self.connection, table, names)
            links.extend(
                (row.row_id, row.known_id)
                for row in rows
                if table is view_pairs or self._is_still_meant(row.row_id)
            )
        start = set(names)
        ends = [b if a in start else a for a, b in links if not self._is_rejected(a, b)]
        return list(dict.fromkeys(ends))

    def _is_still_meant(self, row_name: str) -> bool:
        """Say whether a pair of old holds: not where its row is now an entry of its own."""
        row = self.names.meant(row_name)
        return row is None or not row.kept

    def _is_rejected(self, one: str, other: str) -> bool:
        """Say whether the last word on a pair is that it is none."""
        said = self.said.get(_identities(one, other), ())
        for each in reversed(said):
            for this, that in (_sides(each), _sides(each)[::-1]):
                if self._is_called(one, this) and self._is_called(other, that):
                    return PAIR_KINDS[each.kind] is Verdict.REJECT
        return False

    def _is_called(self, name: str, called: str) -> bool:
        """Say whether a decision that calls an entry so is about this one, or a copy of it."""
        return (
            self.names.are_one(name, called) or self.names.are_linked(name, called)
            if is_row(name) and is_row(called)
            else name == called
        )


def _identities(one: str, other: str) -> tuple[str, str]:
    return _pair(split_row_name(one)[0], split_row_name(other)[0])


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
    kin = Kin.of(connection)
    names = kin.names_of(kin.names.canonical(entry_id))
    return folded(about(connection, names), frozenset(names))


def annotations_now(connection: sa.Connection) -> dict[str, EntryAnnotation]:
    """Return what `annotation_of` gives for every entry that anything was said of, by shown id."""
    kind = decisions.c.kind == DecisionKind.ANNOTATE.value
    said = [each for each in load(connection, kind) if not each.undone]
    if not said:
        return {}
    kin = Kin.of(connection)
    shown: dict[str, None] = {}
    for each in said:
        for name in kin.names_of(str(each.entry_id)):
            identity, _ = split_row_name(name)
            rows = kin.names.rows(identity) if is_row(name) else ()
            shown |= dict.fromkeys([identity, *(row.shown for row in rows)])
    found: dict[str, EntryAnnotation] = {}
    for entry_id in shown:
        names = kin.names_of(kin.names.canonical(entry_id))
        all_said = folded(about(connection, names), frozenset(names)) or Annotation()
        told = EntryAnnotation(label=all_said.label, note=all_said.note, price=all_said.price)
        if told != EntryAnnotation():
            found[entry_id] = told
    return found


def folded(said: Iterable[RecordedDecision], names: frozenset[str]) -> Annotation | None:
    """Return the last word on each part."""
    annotation = Annotation()
    for each in said:
        if each.undone or each.entry_id not in names:
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


def hidden_now(connection: sa.Connection) -> Hidden:
    """Return what is hidden, under every name, those of the other side of its pairs included."""
    kinds = [DecisionKind.HIDE.value, DecisionKind.UNHIDE.value]
    said = [each for each in load(connection, decisions.c.kind.in_(kinds)) if not each.undone]
    if not said:
        return Hidden()
    kin = Kin.of(connection)
    hidden: set[str] = set()
    for each in said:  # Oldest first: the last word holds, whichever side it was said of.
        names = kin.names_of(str(each.entry_id))
        (hidden.update if each.kind is DecisionKind.HIDE else hidden.difference_update)(names)
    return Hidden(frozenset(hidden), kin.names.digits)


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
