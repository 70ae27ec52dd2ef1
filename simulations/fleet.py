"""A fleet of accounts behind one public address, by discrete simulation (SimPy).

    python -m simulations.fleet            # the tables of docs/explanation/capacity.md
    python -m simulations.fleet --write    # and put them there
    python -m simulations.fleet --quick    # small fleets only, in seconds

What is simulated is one address: accounts are spread evenly over addresses, so a fleet of a million
behind a hundred addresses is ten thousand behind each.  The policies are:

``naive``
    A few workers take accounts as they come, whoever waits for them, and send as fast as answers
    come, one page at a time; a refused request is repeated after a pause that doubles, up to a
    minute.
``fleet``
    The budget of `bitstamp_ledger.fleet`: never above its windows, accounts take turns, a person
    goes before routine work.
"""

import argparse
import math
import random
import statistics
import sys
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import attrs
import simpy

from simulations import turns

SECOND_S: Final = 1.0
TEN_MINUTES_S: Final = 600.0
DOCUMENTED: Final = (400, 10_000)
"""Requests in a second and in ten minutes (docs/facts/exchange.md, "Rate limits")."""

PAGE_RECORDS: Final = 1_000
PAGE_OVERLAP: Final = 100
REQUESTS_BESIDE_PAGES: Final = 3
"""Balances before and after, and the page that says that there is no more."""

REQUESTS_TO_REFRESH: Final = 4
"""Measured against the sandbox: two balances, a page, and the end."""

Process = Generator[Any, Any, None]


@attrs.frozen(kw_only=True)
class Class:
    """A part of the accounts, and how many records one of them has."""

    share: float
    least: int
    most: int

    def draw(self, rng: random.Random) -> int:
        """Draw a size; sizes are even on a logarithmic scale."""
        return round(math.exp(rng.uniform(math.log(self.least), math.log(self.most))))


MIX: Final = (
    Class(share=0.700, least=10, most=1_000),
    Class(share=0.220, least=1_000, most=10_000),
    Class(share=0.070, least=10_000, most=100_000),
    Class(share=0.009, least=100_000, most=500_000),
    Class(share=0.001, least=500_000, most=1_500_000),
)
"""An assumption: no exchange publishes such figures.  Change it to yours."""


@attrs.frozen(kw_only=True)
class Setting:
    """What is simulated."""

    accounts: int
    policy: str = "fleet"
    per_second: int = 100
    per_ten_minutes: int = 6_000
    """The budget of the policy ``fleet``."""

    slots: int = 256
    """How many accounts are worked on at once."""

    in_flight: int = 4
    """How many pages of one account are asked for at once."""

    latency_s: float = 0.1
    smallest_first: bool = False
    person_every_s: float | None = None
    """How often somebody asks for his account to be refreshed, on average."""

    seed: int = 1

    def sizes(self) -> list[int]:
        """Draw how many records each account has."""
        rng = random.Random(self.seed)  # noqa: S311 - a simulation must be the same each time
        kinds = rng.choices(MIX, weights=[each.share for each in MIX], k=self.accounts)
        sizes = [kind.draw(rng) for kind in kinds]
        return sorted(sizes) if self.smallest_first else sizes


NAIVE: Final = Setting(accounts=0, policy="naive", slots=32, in_flight=1)
"""Careful enough to end: with 256 accounts and 16 pages of each at once, the repetitions alone,
which count as well, are more than the exchange allows, and nobody is ever whole."""


def requests_for(records: int) -> int:
    """Return how many requests a first full sync takes."""
    return REQUESTS_BESIDE_PAGES + math.ceil(records / (PAGE_RECORDS - PAGE_OVERLAP))


@attrs.define(kw_only=True)
class Outcome:
    """What came of it; times are seconds since the beginning."""

    finished: list[tuple[int, float]] = attrs.field(factory=list)
    """Requests that each account needed, and when it was whole."""

    person_waits: list[float] = attrs.field(factory=list)
    sent: int = 0
    refused: int = 0
    peak_1s: int = 0
    peak_600s: int = 0

    @property
    def whole_s(self) -> float:
        """When the last account was whole."""
        return max(at for _, at in self.finished)

    def when(self, part: float, *, requests_at_most: int | None = None) -> float:
        """Return when this part of the accounts, or of the small ones, was whole."""
        times = sorted(
            at
            for requests, at in self.finished
            if requests_at_most is None or requests <= requests_at_most
        )
        return times[max(0, math.ceil(part * len(times)) - 1)]

    def person_wait(self, part: float) -> float:
        """Return how long this part of the people waited at most."""
        waits = sorted(self.person_waits)
        return waits[max(0, math.ceil(part * len(waits)) - 1)]


@attrs.define
class Window:
    """Requests within the last so many seconds."""

    length_s: float
    limit: int
    times: deque[float] = attrs.field(factory=deque)

    def drop(self, now: float) -> None:
        """Forget what has left the window."""
        while self.times and self.times[0] <= now - self.length_s:
            self.times.popleft()

    def free_at(self, now: float, limit: int) -> float:
        """Return when there is room for one more, below ``limit``."""
        self.drop(now)
        if len(self.times) < limit:
            return now
        return self.times[len(self.times) - limit] + self.length_s


@attrs.define
class Exchange:
    """The other side: both documented windows, in which refused requests count as well."""

    outcome: Outcome
    windows: tuple[Window, Window] = attrs.field(
        factory=lambda: (
            Window(SECOND_S, DOCUMENTED[0]),
            Window(TEN_MINUTES_S, DOCUMENTED[1]),
        )
    )

    def answers(self, now: float) -> bool:
        """Take a request; say whether it is answered."""
        good = True
        for window in self.windows:
            window.drop(now)
            window.times.append(now)
            good &= len(window.times) <= window.limit
        short, long = self.windows
        self.outcome.sent += 1
        self.outcome.refused += not good
        self.outcome.peak_1s = max(self.outcome.peak_1s, len(short.times))
        self.outcome.peak_600s = max(self.outcome.peak_600s, len(long.times))
        return good


@attrs.define(eq=False)
class Customer:
    """An account under way: what it still needs, and which of its lanes wait for a turn."""

    left: int
    person: bool = False
    lanes: deque[simpy.Event] = attrs.field(factory=deque)
    in_line: bool = False
    whole: simpy.Event | None = None
    """Comes when a person's account is done; None where nobody waits for that."""


class Turns:
    """The budget: accounts take turns; people first, but each tenth turn is for the others."""

    def __init__(self, env: simpy.Environment, setting: Setting) -> None:
        self._env = env
        self._windows = (
            Window(SECOND_S, setting.per_second),
            Window(TEN_MINUTES_S, setting.per_ten_minutes),
        )
        self._lines: tuple[deque[Customer], deque[Customer]] = (deque(), deque())
        self._turn = 0
        self._wake: simpy.Event = env.event()
        env.process(self._grant())

    def wait(self, customer: Customer) -> simpy.Event:
        """Return an event that comes when the customer may send one request."""
        event = self._env.event()
        customer.lanes.append(event)
        if not customer.in_line:
            customer.in_line = True
            self._lines[0 if customer.person else 1].append(customer)
        if not self._wake.triggered:
            self._wake.succeed()
        return event

    def _grant(self) -> Process:
        people, others = self._lines
        while True:
            if not people and not others:
                self._wake = self._env.event()
                yield self._wake
            now = self._env.now
            # Others may fill nine tenths of a window, so that a person finds room.
            part = 1.0 if people else 0.9
            free_at = max(each.free_at(now, int(each.limit * part)) for each in self._windows)
            if free_at > now:
                # Whoever comes meanwhile may be a person, who may go at once.
                yield self._env.timeout(min(free_at - now, 0.05))
                continue
            last = self._turn % 10 == 9 and others  # noqa: PLR2004 - each tenth
            line = others if last or not people else people
            self._turn += 1
            customer = line.popleft()
            for window in self._windows:
                window.times.append(now)
            customer.lanes.popleft().succeed()
            customer.in_line = bool(customer.lanes)
            if customer.lanes:
                line.append(customer)


class _Simulation:
    """One run of one setting."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.outcome = Outcome()
        self._env = simpy.Environment()
        self._exchange = Exchange(self.outcome)
        self._turns = Turns(self._env, setting) if setting.policy == "fleet" else None
        self._rng = random.Random(setting.seed)  # noqa: S311 - must be the same each time
        self._waiting = deque(Customer(left=requests_for(size)) for size in setting.sizes())
        self._total = len(self._waiting)
        self._done = self._env.event()

    def run(self) -> Outcome:
        """Go on until the last account is whole."""
        for _ in range(min(self.setting.slots, self._total)):
            self._env.process(self._slot())
        if self.setting.person_every_s is not None:
            self._env.process(self._people(self.setting.person_every_s))
        self._env.run(until=self._done)
        return self.outcome

    def _slot(self) -> Process:
        while self._waiting:
            customer = self._waiting.popleft()
            needed = customer.left
            lanes = min(self.setting.in_flight, needed)
            yield self._env.all_of([self._env.process(self._lane(customer)) for _ in range(lanes)])
            if customer.whole is not None:
                customer.whole.succeed()
                continue
            self.outcome.finished.append((needed, self._env.now))
            if len(self.outcome.finished) == self._total:
                self._done.succeed()

    def _lane(self, customer: Customer) -> Process:
        while customer.left > 0:
            customer.left -= 1
            if self._turns is not None:
                yield self._turns.wait(customer)
                self._exchange.answers(self._env.now)
            else:
                yield from self._stubborn()
            yield self._env.timeout(self._latency_s())

    def _stubborn(self) -> Process:
        pause_s = 0.5
        while not self._exchange.answers(self._env.now):
            yield self._env.timeout(self._latency_s() + pause_s * self._rng.uniform(0.5, 1.0))
            pause_s = min(pause_s * 2, 60.0)

    def _latency_s(self) -> float:
        return self.setting.latency_s * self._rng.uniform(0.8, 1.2)

    def _people(self, every_s: float) -> Process:
        while True:
            yield self._env.timeout(self._rng.expovariate(1 / every_s))
            self._env.process(self._person())

    def _person(self) -> Process:
        began = self._env.now
        customer = Customer(left=REQUESTS_TO_REFRESH, person=True)
        if self._turns is not None:
            yield self._env.process(self._lane(customer))
        else:  # One queue for all.
            customer.whole = self._env.event()
            self._waiting.append(customer)
            yield customer.whole
        self.outcome.person_waits.append(self._env.now - began)


def simulate(setting: Setting) -> Outcome:
    """Let all accounts be read for the first time."""
    return _Simulation(setting).run()


# -- the tables of the page

SMALL: Final = requests_for(1_000)
SLICE_REQUESTS: Final = requests_for(50_000)
PAGE: Final = Path(__file__).parents[1] / "docs" / "explanation" / "capacity.md"
FASTER: Final = 9_000
"""The budget of ten minutes that leaves a tenth to what else leaves by the address."""

Rows = Iterable[Sequence[str]]


def told(seconds: float) -> str:
    """Write a span for people."""
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:,.1f} {unit}"
    return f"{seconds:.1f} s"


def table(head: Sequence[str], rows: Rows) -> str:
    """Return a table in Markdown."""
    lines = (head, ["---"] * len(head), *rows)
    return "".join(f"| {' | '.join(row)} |\n" for row in lines)


def policies(sizes: Sequence[int]) -> str:
    """Compare the policies, with people who ask meanwhile."""
    head = ["accounts", "policy", "half whole", "95 % whole", "all whole", "small ones, 95 %"]
    head += ["a person waits, median / 95 %", "refused", "most in ten minutes"]

    naive = attrs.evolve(NAIVE, person_every_s=20.0)
    usual = Setting(accounts=0, person_every_s=20.0)
    faster = attrs.evolve(usual, per_ten_minutes=FASTER)
    settings = {
        "naive": naive,
        "fleet, 6,000": usual,
        "fleet, 9,000": faster,
        "fleet, 9,000, small first": attrs.evolve(faster, smallest_first=True),
    }

    def rows() -> Iterator[list[str]]:
        for accounts in sizes:
            for name, setting in settings.items():
                found = simulate(attrs.evolve(setting, accounts=accounts))
                waits = (statistics.median(found.person_waits), found.person_wait(0.95))
                yield [
                    f"{accounts:,}",
                    name,
                    told(found.when(0.5)),
                    told(found.when(0.95)),
                    told(found.whole_s),
                    told(found.when(0.95, requests_at_most=SMALL)),
                    " / ".join(map(told, waits)),
                    f"{found.refused / found.sent:.1%}",
                    f"{found.peak_600s:,}",
                ]

    return table(head, rows())


def naive_pace() -> turns.Pace:
    """Return how fast a naive queue comes on, when it has run into the limits for long."""
    found = simulate(attrs.evolve(NAIVE, accounts=5_000))
    return turns.Pace(
        per_second=320, per_ten_minutes=DOCUMENTED[1] * (1 - found.refused / found.sent)
    )


def needed(accounts: int) -> list[int]:
    """Draw how many requests each account needs."""
    return [requests_for(size) for size in Setting(accounts=accounts).sizes()]


def by_turns(accounts: int, *, slices: bool = False) -> turns.Whole:
    """Play first syncs behind one address, with the budget of 9,000."""
    return turns.play(
        needed(accounts),
        turns.budget_pace(100, FASTER, 0.9),
        slots=Setting(accounts=0).slots,
        small=SMALL,
        slice_requests=SLICE_REQUESTS if slices else None,
    )


def scale(sizes: Sequence[int], addresses: Sequence[int]) -> str:
    """Say when fleets are whole, turn by turn, against the naive queue."""
    pace = naive_pace()
    head = ["accounts", "addresses", "customers to each", "fleet: half whole", "95 %", "all"]
    head += ["naive: half whole", "all", "a person waits in it, median"]
    played: dict[int, tuple[turns.Whole, turns.Whole]] = {}

    def rows() -> Iterator[list[str]]:
        for accounts in sizes:
            for each in addresses:
                behind = accounts // each
                if behind not in played:
                    slots = NAIVE.slots
                    naive = turns.play(needed(behind), pace, slots=slots, small=SMALL)
                    played[behind] = by_turns(behind, slices=True), naive
                fleet, naive = played[behind]
                yield [
                    f"{accounts:,}",
                    f"{each}",
                    f"{behind:,}",
                    told(fleet.when(0.5)),
                    told(fleet.when(0.95)),
                    told(fleet.when(1)),
                    told(naive.when(0.5)),
                    told(naive.when(1)),
                    # Who comes in the middle waits for all who came before: the other half.
                    told(naive.when(1) / 2),
                ]

    return table(head, rows())


def sliced(sizes: Sequence[int]) -> str:
    """Say what it brings to set large accounts aside."""
    head = ["accounts", "places", "half whole", "small ones, 95 %", "all whole", "requests"]

    def rows() -> Iterator[list[str]]:
        for accounts in sizes:
            for name, slices in (("held to the end", False), ("given up after a slice", True)):
                found = by_turns(accounts, slices=slices)
                times = (found.when(0.5), found.small_when(0.95), found.when(1))
                yield [f"{accounts:,}", name, *map(told, times), f"{found.requests:,}"]

    return table(head, rows())


def compared(sizes: Sequence[int]) -> str:
    """Hold the turns against the requests that were played one by one."""
    head = ["accounts", "", "half whole", "95 %", "all"]

    def rows() -> Iterator[list[str]]:
        for accounts in sizes:
            found = simulate(Setting(accounts=accounts, per_ten_minutes=FASTER))
            yield [f"{accounts:,}", "each request", *(told(found.when(x)) for x in (0.5, 0.95, 1))]
            turned = by_turns(accounts)
            yield [f"{accounts:,}", "turns", *(told(turned.when(x)) for x in (0.5, 0.95, 1))]

    return table(head, rows())


def steady() -> str:
    """Say how many accounts an address serves for good."""
    spans = (("hour", 3_600), ("day", 86_400), ("week", 604_800))

    def served(budget: int, length: int) -> str:
        return f"{0.9 * budget / TEN_MINUTES_S * length / REQUESTS_TO_REFRESH:,.0f}"

    return table(
        ["refreshed every", "budget 6,000", "budget 9,000"],
        ([name, served(6_000, length), served(FASTER, length)] for name, length in spans),
    )


def load(sizes: Sequence[int]) -> str:
    """Say how much of an address a fleet takes for good."""
    rate = 0.9 * FASTER / TEN_MINUTES_S
    spans = (("hourly", 3_600), ("daily", 86_400), ("weekly", 604_800))

    def cell(accounts: int, length: int) -> str:
        asked = accounts * REQUESTS_TO_REFRESH / length
        return f"{asked:,.2f}/s: {asked / rate:,.0%} of one, {math.ceil(asked / rate)}"

    return table(
        ["accounts", *(name for name, _ in spans)],
        ([f"{accounts:,}", *(cell(accounts, length) for _, length in spans)] for accounts in sizes),
    )


def scopes(accounts: int) -> str:
    """Say what follows for the largest fleet from what the limits count by."""
    setting = Setting(accounts=accounts)
    requests = needed(accounts)
    total, largest = sum(requests), max(requests)
    bound = total / (0.9 * FASTER / TEN_MINUTES_S)
    # Pages of an account side by side, accounts side by side, and nothing else in the way.
    free = total * setting.latency_s / (setting.slots * setting.in_flight)
    per_key = f"{largest:,} requests of the largest account, of 10,000"
    free_told = f"{told(free)}, if workers and database keep up: {total / free:,.0f} requests/s"
    return table(
        ["the limits count by", "what binds", f"first full sync of {accounts:,}, one address"],
        [
            ["address", f"{total:,} requests by the budget of the address", told(bound)],
            ["key", per_key, free_told],
            ["customer", "the same, all keys of one customer together", free_told],
            ["all of them, or not known", "the address", told(bound)],
        ],
    )


def tables(*, quick: bool) -> Iterator[tuple[str, str]]:
    """Yield each table with its name, as the page marks it."""
    sizes = [1_000, 3_000] if quick else [1_000, 10_000, 100_000, 1_000_000]
    yield "steady", steady()
    yield "load", load(sizes)
    yield "scopes", scopes(sizes[-1])
    yield "compared", compared([300] if quick else [1_000, 10_000])
    yield "scale", scale(sizes, [1, 10] if quick else [1, 10, 100])
    yield "slices", sliced(sizes[:2] if quick else sizes[1:])
    yield "policies", policies([300] if quick else [1_000, 10_000])


def write_table(name: str, text: str, page: Path = PAGE) -> None:
    """Put a table where the page marks its place."""
    begin, end = f"<!-- table {name}: written by its command -->\n", "<!-- end of table -->"
    before, mark, rest = page.read_text("utf-8").partition(begin)
    _, closing, after = rest.partition(end)
    if not mark or not closing:
        raise ValueError(f"{page.name} has no place for the table {name}")
    page.write_text(f"{before}{begin}\n{text}\n{closing}{after}", "utf-8")


def main() -> None:
    """Write all tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="only what takes seconds")
    parser.add_argument("--write", action="store_true", help="put them into capacity.md")
    options = parser.parse_args()
    for name, text in tables(quick=options.quick):
        sys.stdout.write(f"{name}\n\n{text}\n")
        sys.stdout.flush()
        if options.write:
            write_table(name, text)


if __name__ == "__main__":
    main()
