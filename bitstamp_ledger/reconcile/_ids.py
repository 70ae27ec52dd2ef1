"""What the ids of a statement are worth, shown by holding them against known entries."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Final

import attrs

from bitstamp_ledger.model import Entry, UnknownEntry
from bitstamp_ledger.reconcile._index import REACH
from bitstamp_ledger.reconcile._observe import (
    Field,
    Observation,
    differences,
    differences_but_time,
)
from bitstamp_ledger.reconcile._result import IdTrust

SYSTEMATIC: Final = 3
"""So many disagreements between ids and contents are no accident: the ids are of another kind.

Equal fills of one order, some of which the API lacks, disagree too, all at one moment; so
agreeing contents count once for each time.
"""

ExchangeId = tuple[str, int]


@attrs.define
class Evidence:
    """What the ids of a statement say when they are held against known entries."""

    agreeing: list[tuple[Observation, Observation]] = attrs.field(factory=list)
    """Known entries and rows with one id and one content."""

    contradicting: list[tuple[Observation, list[Observation]]] = attrs.field(factory=list)
    """Rows, and the known entries of the same id that are of other content."""

    @property
    def unlike(self) -> bool:
        """Whether the ids are of two kinds."""
        return len(self.contradicting) >= max(SYSTEMATIC, len(self.agreeing) + 1)

    @property
    def trusted(self) -> bool:
        """Whether the ids are of one kind."""
        return bool(self.agreeing) and not self.unlike


KnownById = Mapping[ExchangeId | None, list[Observation]]


def known_by_id(known: Iterable[Observation], rows: Iterable[Observation]) -> KnownById:
    """Return the known entries whose id some row carries, by id."""
    wanted = {exchange_id(row) for row in rows} - {None}
    found: dict[ExchangeId | None, list[Observation]] = defaultdict(list)
    for each in known if wanted else ():
        identity = exchange_id(each)
        if identity in wanted:
            found[identity].append(each)
    return found


def evidence_of(
    rows: Iterable[Observation],
    by_id: KnownById,
    is_rejected: Callable[[Observation, Observation], bool],
    *,
    from_api: bool,
) -> Evidence:
    """Compare every row with the entries of its id, of the API or of other files."""
    evidence = Evidence()
    taken: set[int] = set()
    for row in rows if by_id else ():
        candidates = [
            known
            for known in by_id.get(exchange_id(row), ())
            if is_from_api(known) is from_api
            and id(known) not in taken
            and not is_rejected(known, row)
        ]
        fitting = [known for known in candidates if same_content(known, row)]
        if fitting:
            taken.add(id(fitting[0]))
            evidence.agreeing.append((fitting[0], row))
        elif clashing := [known for known in candidates if _same_place(known, row)]:
            evidence.contradicting.append((row, clashing))
    return evidence


def is_from_api(observation: Observation) -> bool:
    """Say whether this is a record of the API, and no row of a file."""
    return observation.entry.source.row is None


def exchange_id(observation: Observation) -> ExchangeId | None:
    """Return what claims to be the exchange's own id; within one account it names one event."""
    entry = observation.entry
    if entry.transaction_id is None or not observation.precision.exchange_ids:
        return None
    return entry.account, entry.transaction_id


def ids_differ(one: Observation, other: Observation) -> bool:
    """Say whether both claim to know the exchange's id, and name two."""
    mine, theirs = exchange_id(one), exchange_id(other)
    return mine is not None and theirs is not None and mine != theirs


def same_content(known: Observation, row: Observation) -> bool:
    """Say whether two entries of one id are one event."""
    if isinstance(known.entry, UnknownEntry) or isinstance(row.entry, UnknownEntry):
        # What one side does not understand is compared by its amounts alone.
        return _sizes(known.entry) == _sizes(row.entry) and Field.TIME not in differences(
            known, row
        )
    if not (known.settled and row.settled):
        # Nobody knows the hour; a clock is never further off than this.
        near = abs(known.start - row.start) <= REACH + (row.end - row.start)
        return near and next(differences_but_time(known, row), None) is None
    return next(differences(known, row), None) is None


def _sizes(entry: Entry) -> list[tuple[str, object]]:
    return sorted((leg.currency, abs(leg.value)) for leg in entry.legs)


def _same_place(known: Observation, row: Observation) -> bool:
    """Say whether one id can only mean one event.

    Records of two kinds may share an id, and so do both sides of a trade
    (docs/facts/exchange.md, "Ids").
    """
    return known.group.family == row.group.family and (
        known.group.received == row.group.received or known.group.currencies != row.group.currencies
    )


def trust_of(
    path: str | None, agreeing: int, contradicting: int, *, trusted: bool, unlike: bool
) -> IdTrust:
    """Return the verdict on the ids of a statement, in words."""
    if unlike:
        explanation = (
            "ids and contents disagree throughout, so these are not the exchange's ids; "
            "rows were compared by content"
        )
    elif trusted:
        explanation = f"{agreeing} rows have both the id and the content of a known entry"
    else:
        explanation = "no row showed whether its id is the exchange's"
    return IdTrust(
        path=path,
        trusted=trusted,
        agreeing=agreeing,
        contradicting=contradicting,
        explanation=explanation,
    )
