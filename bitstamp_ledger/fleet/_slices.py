"""Where a job may be broken off: after any page, since ledgers commit page by page.

1. A long sync is set aside after so many new records, and waits again behind the others.
2. A run that was given up stops its jobs in this process at the next page or request.
"""

import os
from typing import Final

from bitstamp_ledger.ledger._runs import StoppedError

_given_up: Final[dict[str, int]] = {}
"""Runs of this process that were given up, and by which process: a fork must not inherit them."""

REMEMBERED: Final = 1_024


class SetAsideError(StoppedError):
    """A sync was broken off between two pages, so that others have their turn."""

    def __init__(self, records: int, added: int) -> None:
        super().__init__(
            f"Set aside after {added:,} new records, so that other accounts have their turn.",
            hint="It goes on by itself.",
        )
        self.records = records
        self.added = added


class GivenUpError(StoppedError):
    """The run that this job belongs to was closed."""

    def __init__(self) -> None:
        super().__init__(
            "The run was closed while this account was read.",
            hint="What was committed stays; the next run goes on from there.",
        )


def give_up(run: str) -> None:
    """Let the jobs of a run in this process end soon."""
    _given_up[run] = os.getpid()
    while len(_given_up) > REMEMBERED:
        del _given_up[next(iter(_given_up))]


def check(run: str) -> None:
    """Return, unless the run was given up.

    Raises:
        GivenUpError: it was.
    """
    if _given_up.get(run) == os.getpid():
        raise GivenUpError
