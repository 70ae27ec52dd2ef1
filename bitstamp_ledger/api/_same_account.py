"""Whether two keys read the same account, by what they brought.

No endpoint says which account a key belongs to (docs/facts/exchange.md, "Endpoints"); the records
do.
"""

import enum
from collections.abc import Iterable, Mapping

import attrs

from bitstamp_ledger.model import Entry


class SameAccount(enum.Enum):
    """What the records of two keys say about their accounts."""

    YES = "the same account"
    NO = "different accounts"
    NOT_KNOWN = "nothing that both could hold tells them apart"


@attrs.frozen(kw_only=True)
class AccountComparison:
    """What two keys have in common."""

    verdict: SameAccount
    shared: int
    """How many records both hold: same type, same id, same time, same amounts."""

    only_a: int
    """How many records within the ids that both reach are the first key's alone."""

    only_b: int
    """The same of the second key."""

    def __str__(self) -> str:
        return (
            f"{self.verdict.value}: {self.shared} records in common, "
            f"{self.only_a} and {self.only_b} of one alone"
        )


_Record = tuple[str | None, int]


def same_account(entries_a: Iterable[Entry], entries_b: Iterable[Entry]) -> AccountComparison:
    """Say whether the records of two keys show that both read one account.

    One record in common shows it: ids are the exchange's, and both sides of a trade or of a
    transfer, which may share an id, differ in their signs.  Without one, the accounts are different
    if each holds records where the other, had it been the same, would hold them too.

    Args:
        entries_a: what one key read; the names of the accounts do not matter.
        entries_b: what the other read; either may be a part of its history.
    """
    records_a, records_b = _records(entries_a), _records(entries_b)
    shared = {record for record in records_a if records_a[record] == records_b.get(record)}
    low, high = _common_range(records_a, records_b)
    only_a, only_b = (
        sum(low <= record[1] <= high for record in records if record not in shared)
        for records in (records_a, records_b)
    )
    if shared:
        verdict = SameAccount.YES
    elif only_a or only_b:
        verdict = SameAccount.NO
    else:
        verdict = SameAccount.NOT_KNOWN
    return AccountComparison(verdict=verdict, shared=len(shared), only_a=only_a, only_b=only_b)


def _records(entries: Iterable[Entry]) -> Mapping[_Record, object]:
    return {
        (entry.code, entry.transaction_id): (entry.time, entry.legs)
        for entry in entries
        if entry.transaction_id is not None
    }


def _common_range(
    records_a: Mapping[_Record, object], records_b: Mapping[_Record, object]
) -> tuple[int, int]:
    """Return the lowest and the highest id that both reach; an empty range if there is none."""
    if not records_a or not records_b:
        return 1, 0
    ids_a, ids_b = ([number for _, number in records] for records in (records_a, records_b))
    return max(min(ids_a), min(ids_b)), min(max(ids_a), max(ids_b))
