"""Identities of rows: a digest of what a row states, and the how-manieth of that content it is.

They are stored in ledgers, so they never change.
"""

from collections.abc import Callable
from hashlib import sha256
from typing import Final, Protocol

from bitstamp_ledger.model import row_identity

_DIGEST_DIGITS: Final = 20

IdentityMaker = Callable[[str, str], str]
"""Takes the account, and a text that holds all that a row states."""


class Occurrences(Protocol):
    """How often each content was met; a dict is one."""

    def get(self, digest: str, default: int, /) -> int:
        """Return how often it was met."""
        ...

    def __setitem__(self, digest: str, count: int, /) -> None: ...


def identities_of(family: str, occurrences: Occurrences | None) -> IdentityMaker:
    """Return what makes the identities of rows of one kind family.

    Args:
        family: Such as ``trade``.
        occurrences: Where equal contents are counted; None for a dict, whose keys are identities
            that are kept in any case.
    """
    if occurrences is not None:
        return _counted_apart(family, occurrences)
    repeats: dict[str, int] = {}

    def identity(account: str, text: str) -> str:
        digest = sha256(text.encode()).hexdigest()[:_DIGEST_DIGITS]
        first = row_identity(account, family, digest, 1)
        if first not in repeats:
            repeats[first] = 1
            return first
        repeats[first] = occurrence = repeats[first] + 1
        return row_identity(account, family, digest, occurrence)

    return identity


def _counted_apart(family: str, occurrences: Occurrences) -> IdentityMaker:
    def identity(account: str, text: str) -> str:
        digest = sha256(text.encode()).hexdigest()[:_DIGEST_DIGITS]
        occurrence = occurrences.get(digest, 0) + 1
        occurrences[digest] = occurrence
        return row_identity(account, family, digest, occurrence)

    return identity
