"""Why a row is what the result says it is, in words: for one entry, and for a whole statement."""

import datetime as dt
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

import attrs

from bitstamp_ledger._page import name_of
from bitstamp_ledger.errors import BitstampLedgerError
from bitstamp_ledger.model import Entry, UnknownEntry
from bitstamp_ledger.reconcile._explain import explain
from bitstamp_ledger.reconcile._fee_rows import stated_fee
from bitstamp_ledger.reconcile._observe import Field, Fit, differences, fit_of, observe

if TYPE_CHECKING:
    from bitstamp_ledger.reconcile._result import Conflict, Match, Reconciliation, Suspect

CANDIDATES_SHOWN: Final = 3
LOOKED_AT: Final = 100
"""So many entries before a row and after it, in time, are compared with it."""

ALIKE_MAX: Final = 20
"""Of those that share its amounts at any time, so many."""

EXCHANGE_ID: Final = "exchange id"
NO_PATH: Final = "the statement"
NOTHING_DIFFERS: Final = "nothing that is stated differs"


# -- one entry


def explain_entry(result: "Reconciliation", entry: Entry) -> str:
    """Say what became of an entry and why; for one that matched nothing, what it came nearest to.

    Raises:
        BitstampLedgerError: the result does not speak of this entry.
    """
    return Reasons(result).of(entry)


class Reasons:
    """The reasons of one result, looked up once for however many entries."""

    def __init__(self, result: "Reconciliation") -> None:
        """Sort out what a result says, by the entry that it says it of."""
        self._entries = result.entries
        self._kept = set(map(_key, result.entries))
        self._unexplained = set(map(_key, result.unexplained))
        self._matches: dict[object, list[Match]] = defaultdict(list)
        for match in _matches(result):
            for entry in (*match.api, *match.file):
                self._matches[_key(entry)].append(match)
        self._conflicts: dict[object, list[Conflict]] = defaultdict(list)
        for conflict in result.conflicts:
            for key in dict.fromkeys(map(_key, (*conflict.api, *conflict.file))):
                self._conflicts[key].append(conflict)
        self._suspects: dict[object, list[Suspect]] = defaultdict(list)
        for suspect in result.suspects:
            for key in dict.fromkeys(map(_key, (suspect.row, suspect.near))):
                self._suspects[key].append(suspect)
        self._alike: dict[frozenset[object], list[Entry]] = defaultdict(list)
        for entry in result.entries:
            self._alike[_amounts(entry)].append(entry)

    def of(self, entry: Entry) -> str:
        """Say what became of an entry and why.

        Raises:
            BitstampLedgerError: the result does not speak of this entry.
        """
        key = _key(entry)
        if key in self._matches:
            return "\n".join(match.explain() for match in self._matches[key])
        if key not in self._kept:
            raise BitstampLedgerError(
                f"{_capital(name_of(entry))} is no part of this result.",
                hint="Pass an entry that the result itself holds.",
            )
        return "\n".join([*self._standing(entry), *self._nearest(entry)])

    def _standing(self, entry: Entry) -> Iterator[str]:
        """Yield what the result says of an entry that is no part of a match."""
        name, key = name_of(entry), _key(entry)
        if entry.source.row is None:
            yield f"{name} is in no file: no row is a second witness of it."
        elif key in self._unexplained:
            yield (
                f"{name} is kept, and unexplained: no record of the API is this event, though the "
                "API was read for its account and time. It may have been edited, or belong to "
                "another account or exchange."
            )
        else:
            yield f"{name} is kept as new: no record of the API is this event."
        if isinstance(entry, UnknownEntry):
            yield f"It was not understood: {entry.reason}"
        for conflict in self._conflicts.get(key, ()):
            yield f"It is part of a conflict: {conflict.reason}."
        for suspect in self._suspects.get(key, ()):
            if _key(suspect.row) == key:
                what = _what_it_may_be(suspect)
                yield f"It is a suspect: it may be {what}; {_obstacle(suspect)}."
            else:
                it = "it" if stated_fee(suspect.row) is None else "its fee"
                yield f"{_capital(name_of(suspect.row))} may be {it}; {_obstacle(suspect)}."

    def _nearest(self, entry: Entry) -> Iterator[str]:
        candidates = sorted(_candidates(self._near(entry), entry), key=lambda each: each.rank)
        if not candidates:
            yield "Nothing of these currencies is near it."
            return
        yield "Nearest to it:"
        for place, each in enumerate(candidates[:CANDIDATES_SHOWN]):
            why = [f"excluded by {', '.join(each.fields)}" if each.fields else NOTHING_DIFFERS]
            why += each.doubts
            for match in self._matches.get(_key(each.entry), ())[-1:]:
                why.append(f"it is already {_partners(match, each.entry)}")
            yield f"- {name_of(each.entry)}: {'; '.join(why)}"
            if place == 0:
                pair = (each.entry, entry) if entry.source.row is not None else (entry, each.entry)
                yield from _compared(*pair)

    def _near(self, entry: Entry) -> Iterator[Entry]:
        """Yield what is near an entry in time, and what shares its amounts, of other sources."""
        near = _about(self._entries, entry, LOOKED_AT)
        alike = list(_about(self._alike.get(_amounts(entry), ()), entry, ALIKE_MAX))
        alike.sort(key=lambda each: abs(each.time - entry.time))
        seen = {_key(entry)}
        for each in (*near, *alike[:ALIKE_MAX]):
            if _key(each) not in seen and _other_source(each, entry):
                seen.add(_key(each))
                yield each


def _about(entries: Sequence[Entry], entry: Entry, number: int) -> Sequence[Entry]:
    """Return so many entries before another and after it; they are in the order of time."""
    here = bisect_left(entries, entry.time, key=lambda each: each.time)
    return entries[max(here - number, 0) : here + number]


def explain_suspect(suspect: "Suspect") -> str:
    """Say what a row has in common with the entry that it misses, and what not."""
    sentence = (
        f"{name_of(suspect.row)} may be {_what_it_may_be(suspect)}: {_obstacle(suspect)}. "
        "Both are kept."
    )
    if stated_fee(suspect.row) is not None:
        return sentence
    return "\n".join([sentence, *_compared(suspect.near, suspect.row)])


def _what_it_may_be(suspect: "Suspect") -> str:
    near = _name_beside(suspect.near, suspect.row)
    return near if stated_fee(suspect.row) is None else f"the fee of {near}"


def _obstacle(suspect: "Suspect") -> str:
    fee = stated_fee(suspect.row)
    match suspect.field:
        case Field.FEE.value if fee is not None:
            return f"it states {fee}, and {suspect.near.fee} is known"
        case Field.KIND.value if fee is not None:
            return "it states what is known, but no row of that event without a fee is beside it"
        case Field.ZONE.value:
            return "in which zone its time was printed is not known"
        case Field.DATE_ORDER.value:
            return "whether the day or the month comes first in its date is not known"
        case "row number":
            return "they have one id and one content, but are two rows of one file"
        case _:
            return f"the {suspect.field} differs, and nothing else that is stated"


# -- candidates


@attrs.frozen
class _Candidate:
    """Another entry, and what speaks against its being the same event."""

    entry: Entry
    fields: tuple[str, ...]
    """What differs."""

    doubts: tuple[str, ...]
    """What else forbids to take the two for one, each a clause."""

    distance: dt.timedelta

    @property
    def rank(self) -> tuple[object, ...]:
        return len(self.fields) + len(self.doubts), self.distance, self.entry.id


def _candidates(others: Iterable[Entry], entry: Entry) -> Iterator[_Candidate]:
    mine = observe(entry)
    for other in others:
        theirs = observe(other)
        if not set(mine.group.currencies) & set(theirs.group.currencies):
            continue
        differing = set(differences(theirs, mine))
        fields = [field.value for field in Field if field in differing]
        doubts = []
        if _ids_differ(entry, other):
            fields.append(EXCHANGE_ID)
        if not fields and fit_of(theirs, mine) is Fit.UNPROVEN:
            doubts.append("too little is stated precisely")
        if not (mine.settled and theirs.settled):
            fields = [field for field in fields if field != Field.TIME.value]
            doubts.append("in which zone the time was printed is not known")
        yield _Candidate(
            other, tuple(fields), tuple(doubts), distance=abs(theirs.start - mine.start)
        )


def _amounts(entry: Entry) -> frozenset[object]:
    return frozenset(abs(leg.value) for leg in entry.legs)


def _other_source(one: Entry, other: Entry) -> bool:
    """Say whether two entries may be one event told twice: never two rows of one file."""
    if one.source.row is None or other.source.row is None:
        return one.source.row is not other.source.row
    return one.source.path != other.source.path


def _ids_differ(one: Entry, other: Entry) -> bool:
    ids = [
        each.transaction_id
        for each in (one, other)
        if each.source.precision is None or each.source.precision.exchange_ids
    ]
    return len(ids) == len((one, other)) and None not in ids and ids[0] != ids[1]


def _compared(known: Entry, row: Entry) -> list[str]:
    """Return both sides' facts in lines, without the sentence above them."""
    _, *lines = explain([known], [row], "").split("\n")
    return lines


def _partners(match: "Match", entry: Entry) -> str:
    others = [each for each in (*match.api, *match.file) if _key(each) != _key(entry)]
    return " and ".join(map(name_of, others))


def _name_beside(near: Entry, row: Entry) -> str:
    """Name an entry beside a row of a file that has no name."""
    if near.source.row is None or near.source.path is not None:
        return name_of(near)
    same = near.source.path == row.source.path
    return name_of(near).replace("the statement", "a statement") if same else name_of(near)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _matches(result: "Reconciliation") -> Iterator["Match"]:
    yield from result.matches
    yield from result.file_matches


def _key(entry: Entry) -> tuple[object, ...]:
    return entry.id, entry.source.path, entry.source.row, entry.time


# -- a statement


def explain_statement(result: "Reconciliation", path: str | None) -> str:
    """Say how a statement was read, and what became of its rows.

    Statements without a path are told together.

    Raises:
        BitstampLedgerError: there was no such statement.
    """
    zones = [each for each in result.zones if each.path == path]
    if not zones:
        known = ", ".join(sorted({each.path or NO_PATH for each in result.zones}))
        raise BitstampLedgerError(
            f"This result is not about {path or 'a statement without a path'}.",
            hint=f"It is about {known}." if known else "It is about no statement at all.",
        )
    formats = ", ".join(dict.fromkeys(zone.format for zone in zones))
    lines = [f"{path or _capital(NO_PATH)} ({formats})"]
    lines += [f"  zone: {zone.zone} ({zone.evidence})" for zone in zones]
    lines += [
        f"  {each.question}: {each.answer} ({each.evidence})"
        for each in result.readings
        if each.path == path
    ]
    lines += [f"  ids: {each.explanation}" for each in result.ids if each.path == path]
    lines += [
        f"  {what}: {number:,} {'row' if number == 1 else 'rows'}"
        for what, number in fates(result, path).items()
    ]
    return "\n".join(lines)


def fates(result: "Reconciliation", path: str | None) -> Counter[str]:
    """Count what became of the rows of a statement; each row in one place."""

    def own(entries: Iterable[Entry]) -> int:
        return sum(each.source.row is not None and each.source.path == path for each in entries)

    fates: Counter[str] = Counter()
    for match in result.matches:
        what = f"records of the API, {match.rule.value} ({match.grade.value})"
        fates[what] += own(match.file)
    for match in result.file_matches:
        what = f"repeats of another file, {match.rule.value} ({match.grade.value})"
        fates[what] += own(match.file[1:])
    open_to_doubt = {_key(each.row) for each in result.suspects}
    open_to_doubt |= {_key(row) for conflict in result.conflicts for row in conflict.file}
    doubtful = [row for row in result.new if _key(row) in open_to_doubt]
    plain = [row for row in result.new if _key(row) not in open_to_doubt]
    unexplained = {_key(row) for row in result.unexplained}
    fates["kept, and to be looked at by a person"] = own(doubtful)
    fates["kept and unexplained, since the API covers their time and does not hold them"] = own(
        row for row in plain if _key(row) in unexplained
    )
    fates["kept as new"] = own(row for row in plain if _key(row) not in unexplained)
    return +fates
