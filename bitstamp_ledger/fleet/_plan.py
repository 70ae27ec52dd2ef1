"""When each account is due: regularly, and never all at once.

No clock and no state: an account's times follow from its key and the period alone, so that every
coordinator, and one that was started anew, sees the same plan.
"""

import datetime as dt
import hashlib
from collections.abc import Iterable, Iterator
from typing import Final

import attrs

from bitstamp_ledger.fleet._jobs import Job

_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND: Final = dt.timedelta(microseconds=1)
_PARTS: Final = 1 << 64


@attrs.frozen(kw_only=True)
class Due:
    """A job, and when it should begin."""

    at: dt.datetime
    job: Job


@attrs.frozen(kw_only=True)
class Plan:
    """A schedule; see `plan`."""

    jobs: tuple[Job, ...] = attrs.field(repr=False)
    every: dt.timedelta
    jitter: float

    def between(self, since: dt.datetime, until: dt.datetime) -> tuple[Due, ...]:
        """Return what is due from ``since`` on and before ``until``, in the order of time.

        Call it with stretches that join, and each round of each account comes exactly once.

        Raises:
            ValueError: a time without zone.
        """
        first_us, last_us = _micros(since), _micros(until)
        found = [
            Due(at=_EPOCH + at_us * _MICROSECOND, job=job)
            for job in self.jobs
            for at_us in self._times(job, first_us, last_us)
        ]
        return tuple(sorted(found, key=lambda due: (due.at, due.job.priority, due.job.key)))

    def requests_per_second(self, requests_each: int) -> float:
        """Return the steady load, for so many requests to an account and round."""
        return len(self.jobs) * requests_each / self.every.total_seconds()

    def _times(self, job: Job, first_us: int, last_us: int) -> Iterator[int]:
        every_us = self.every // _MICROSECOND
        phase_us = _drawn(job.key, "phase", every_us)
        around_us = int(every_us * self.jitter)
        # A time may lie half the jitter to either side of its place.
        round_number = (first_us - around_us - phase_us) // every_us
        while (place_us := round_number * every_us + phase_us) < last_us + around_us:
            drawn_us = _drawn(job.key, str(round_number), around_us) if around_us else 0
            at_us = place_us + drawn_us - around_us // 2
            if first_us <= at_us < last_us:
                yield at_us
            round_number += 1


def plan(jobs: Iterable[Job], *, every: dt.timedelta, jitter: float = 0.1) -> Plan:
    """Spread the accounts over a period.

    Each has a place of its own in the period, which stays the same, and comes a little earlier or
    later each time, so that no pattern of load builds up.

    Args:
        jobs: the accounts.
        every: how often each is due.
        jitter: by which part of the period the times of an account vary, from 0 to below 1.

    Raises:
        ValueError: no period, or a jitter out of range.
    """
    if every <= dt.timedelta(0):
        raise ValueError("a plan needs a period")
    if not 0 <= jitter < 1:
        raise ValueError("jitter is a part of the period, from 0 to below 1")
    return Plan(jobs=tuple(jobs), every=every, jitter=jitter)


def _micros(at: dt.datetime) -> int:
    if at.tzinfo is None:
        raise ValueError("a plan needs times with a zone")
    return (at - _EPOCH) // _MICROSECOND


def _drawn(key: str, what: str, below: int) -> int:
    """Return a number that looks drawn, and is always the same for the same account and round."""
    digest = hashlib.sha256(f"{key}/{what}".encode()).digest()
    return int.from_bytes(digest[:8], "big") * below // _PARTS
