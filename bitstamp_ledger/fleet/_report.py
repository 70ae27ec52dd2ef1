"""What a run adds up to, while it runs and afterwards."""

import time
from collections import Counter
from collections.abc import Mapping
from typing import Final

import attrs

from bitstamp_ledger.fleet._jobs import Result, Status, Summary

TROUBLED_MAX: Final = 100


@attrs.frozen(kw_only=True)
class RunReport:
    """A run so far.  Holds no amount, no record and no secret."""

    task: str
    total: int
    """How many jobs the run knows of."""

    running: int
    statuses: Mapping[Status, int] = attrs.field(hash=False)
    seconds: float
    requests: int
    waited_s: float
    """How long requests waited for the rate budget, all jobs taken together."""

    refusals: int
    """How often the exchange found requests too fast."""

    slowest: float
    """The least part of the rate budget that refusals left meanwhile; 1 where there were none."""

    counts: Mapping[str, int] = attrs.field(hash=False)
    """The sums of what the tasks counted."""

    failures: Mapping[str, int] = attrs.field(hash=False)
    """How many jobs failed, by the class of the error."""

    key_states: Mapping[str, int] = attrs.field(hash=False)
    """How many keys are to blame, by their state: what to alert by."""

    not_good: int
    """How many were done, and found something wrong: a proof that does not hold."""

    troubled: tuple[Result, ...] = attrs.field(repr=False)
    """The first results that a person should look at."""

    notices: tuple[str, ...] = ()
    """What the workers, and the run itself, said of their own condition."""

    @property
    def finished(self) -> int:
        """How many jobs have a result."""
        return sum(self.statuses.values())

    @property
    def left(self) -> int:
        """How many have none yet."""
        return self.total - self.finished

    @property
    def ok(self) -> bool:
        """Whether every account is finished, and good."""
        fine = self.statuses.get(Status.DONE, 0) + self.statuses.get(Status.ALREADY, 0)
        return fine == self.total and not self.not_good

    def __str__(self) -> str:
        parts = [f"{self.finished:,} of {self.total:,} accounts"]
        parts += [f"{count:,} {status.value}" for status, count in self.statuses.items() if count]
        if self.not_good:
            parts.append(f"{self.not_good:,} with a finding")
        parts += [f"{count:,} keys {state}" for state, count in self.key_states.items()]
        told = f"{self.task}: {', '.join(parts)}; {self.requests:,} requests, {self.seconds:.1f} s"
        if self.slowest < 1:
            told += f"; too fast {self.refusals:,} times, slowed to {self.slowest:.0%}"
        return told


@attrs.define(kw_only=True)
class Tally:
    """Adds results up."""

    task: str
    total: int = 0
    running: int = 0
    _began: float = attrs.field(factory=time.monotonic)
    _ended: float | None = None
    _statuses: Counter[Status] = attrs.field(factory=Counter)
    _counts: Counter[str] = attrs.field(factory=Counter)
    _failures: Counter[str] = attrs.field(factory=Counter)
    _key_states: Counter[str] = attrs.field(factory=Counter)
    _requests: int = 0
    _waited_s: float = 0.0
    _refusals: int = 0
    _slowest: float = 1.0
    _not_good: int = 0
    _troubled: list[Result] = attrs.field(factory=list)
    _notices: dict[str, None] = attrs.field(factory=dict)

    def add(self, result: Result) -> None:
        """Take in one result."""
        self._statuses[result.status] += 1
        self._requests += result.requests
        self._waited_s += result.waited_s
        self._refusals += result.refusals
        self._slowest = min(self._slowest, result.slowest)
        if isinstance(result.value, Summary):
            self._counts.update(result.value.counts)
            self._not_good += not result.value.good
        if result.failure is not None:
            self._failures[result.failure.kind] += 1
            if result.failure.key_state is not None:
                self._key_states[result.failure.key_state] += 1
        if not result.ok and len(self._troubled) < TROUBLED_MAX:
            self._troubled.append(result)
        for notice in result.notices:
            self.notice(notice)

    def notice(self, text: str) -> None:
        """Take in what somebody says of his own condition; each once, and not without end."""
        if len(self._notices) < TROUBLED_MAX:
            self._notices[text] = None

    def end(self) -> None:
        """Stop the clock."""
        self._ended = time.monotonic()

    def report(self) -> RunReport:
        """Return what it adds up to now."""
        return RunReport(
            task=self.task,
            total=self.total,
            running=self.running,
            statuses=dict(self._statuses),
            seconds=(self._ended or time.monotonic()) - self._began,
            requests=self._requests,
            waited_s=self._waited_s,
            refusals=self._refusals,
            slowest=self._slowest,
            counts=dict(self._counts),
            failures=dict(self._failures),
            key_states=dict(self._key_states),
            not_good=self._not_good,
            troubled=tuple(self._troubled),
            notices=tuple(self._notices),
        )
