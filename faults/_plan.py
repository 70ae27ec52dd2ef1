"""What will go wrong, drawn from a seed.

A run is a few lives of one program.  Each life meets faults at moments that are counted in what the
program does (statements, commits, answers), not in seconds: a busy machine would die elsewhere.
"""

import datetime as dt
import random
import signal
from collections import Counter
from collections.abc import Callable
from typing import Final

import attrs

from bitstamp_ledger.sandbox import Faults, Flag, Sandbox

LIVES_MIN, LIVES_MAX = 2, 4
RECORDS_MIN, RECORDS_MAX = 40, 160
LAST_MOMENT: Final = 420
"""A life without faults has about as many."""

DAYS: Final = {
    "a usual day": dt.datetime(2026, 6, 17, 12, 0, tzinfo=dt.UTC),
    "an hour left out": dt.datetime(2026, 3, 29, 0, 59, 58, tzinfo=dt.UTC),
    "an hour twice": dt.datetime(2026, 10, 25, 0, 59, 58, tzinfo=dt.UTC),
    "leap day begins": dt.datetime(2028, 2, 28, 23, 59, 58, tzinfo=dt.UTC),
    "leap day ends": dt.datetime(2028, 2, 29, 23, 59, 58, tzinfo=dt.UTC),
    "a year ends": dt.datetime(2026, 12, 31, 23, 59, 58, tzinfo=dt.UTC),
}
ZONES: Final = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe")
JUMPS_S: Final = (-86_400 * 366, -86_400, -3_600, -200, -2, 2, 200, 3_600, 86_400, 86_400 * 366)

Spoil = Callable[[Faults, random.Random], object]

ANSWERS: Final[dict[str, Spoil]] = {
    "cut": lambda f, d: f.cut_next(d.randrange(1_500), count=d.randint(1, 6)),
    "reset": lambda f, d: f.reset_next(d.randrange(1_500), count=d.randint(1, 6)),
    "stall": lambda f, d: f.stall_next(0.4, count=d.randint(1, 2)),
    "stall in mid-body": lambda f, d: f.stall_next(0.4, after_bytes=200, count=d.randint(1, 2)),
    "html": lambda f, d: f.html_next(d.choice((200, 403, 500, 502, 503)), count=d.randint(1, 6)),
    "429": lambda f, d: f.too_many_next(retry_after_s=0, count=d.randint(1, 6)),
    "rate limit": lambda f, d: f.rate_limit_next(
        d.choice(("400.002", "400.067", "400.068")), count=d.randint(1, 6)
    ),
    "server error": lambda f, d: f.server_error_next(
        d.choice(("500.001", "500.002", "500.007", "500.009")), count=d.randint(1, 6)
    ),
    "no body": lambda f, d: f.empty_next(count=d.randint(1, 6)),
    "maintenance": lambda f, d: f.maintenance_next(
        status=d.choice((200, 503)), count=d.randint(1, 6)
    ),
    "half a body": lambda f, d: f.truncate_next(count=d.randint(1, 6)),
    "no JSON": lambda f, d: f.invalid_json_next(count=d.randint(1, 6)),
    "a row twice": lambda f, d: f.repeat_next(count=d.randint(1, 6), path="user_transactions"),
    "an object": lambda f, d: f.object_next(count=d.randint(1, 6)),
    "a list": lambda f, d: f.list_next(count=d.randint(1, 6)),
    "unsigned": lambda f, d: f.unsigned_next(count=d.randint(1, 6)),
    "wrong signature": lambda f, d: f.wrong_signature_next(count=d.randint(1, 6)),
}


def _share_an_id(sandbox: Sandbox) -> None:
    """Add a deposit with the id of a trade: only rows of different kinds share one."""
    records = sandbox.records
    used = Counter(str(record["id"]) for record in records)
    for index in range(len(records) - 1, -1, -1):
        if str(records[index]["type"]) == "2" and used[str(records[index]["id"])] == 1:
            sandbox.insert_same_id(index)
            return


EXCHANGE: Final[dict[str, Callable[[Sandbox], object]]] = {
    "refuses connections": lambda s: s.refuse_connections(),
    "the key is frozen": lambda s: s.set_flags(s.key, Flag.FROZEN),
    "the key is not active": lambda s: s.set_flags(s.key, Flag.NOT_ACTIVATED),
    "the key may less": lambda s: s.set_permissions(s.key),
    "its clock is an hour off": lambda s: setattr(s.faults, "clock_offset_s", 3_600),
    "rows arrive with each page": lambda s: setattr(s.faults, "rows_appended_per_page", 1),
    "rows arrive late": lambda s: setattr(s.faults, "late_rows_per_page", 1),
    "new rows": lambda s: s.append_deposits(7),
    "a row of the same id": _share_an_id,
}

OLD_ROWS: Final = frozenset({"rows arrive late", "a row of the same id"})
"""After these only a full sync finds everything; after all others one that resumes does."""

SIGNALS: Final = (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT)


@attrs.frozen(kw_only=True)
class Event:
    """Something that happens in the program itself, at a moment of its life."""

    at: int
    what: str
    """``signal``, ``clock``, ``full disk``, ``space again`` or ``locked``."""

    value: int = 0


@attrs.frozen(kw_only=True)
class Life:
    """One life of the program, and all that happens to it."""

    events: tuple[Event, ...] = ()
    spoilt: tuple[tuple[str, int, int], ...] = ()
    """Spoilt answers: how, after how many good ones, and a seed for the details."""

    exchange: tuple[str, ...] = ()
    zone: str = "UTC"
    skew_s: int = 0
    read_only: bool = False
    torn: bool = False
    """Whether half a page stands behind what was written, when the life is over."""

    def told(self) -> str:
        """Return what happens, for a journal."""
        events = [f"{each.what} {each.value} at {each.at}" for each in self.events]
        answers = [f"{name} after {good}" for name, good, _ in self.spoilt]
        marks = [name for name in ("read_only", "torn") if getattr(self, name)]
        clock = f"{self.zone}{self.skew_s:+}s"
        return "; ".join([clock, *events, *answers, *self.exchange, *marks])


@attrs.frozen(kw_only=True)
class Plan:
    """A whole run."""

    seed: int
    records: int
    page: int
    day: str
    lives: tuple[Life, ...]


def plan(seed: int) -> Plan:
    """Draw a run."""
    draw = random.Random(f"faults/{seed}")  # noqa: S311 - repeatable on purpose
    return Plan(
        seed=seed,
        records=draw.randint(RECORDS_MIN, RECORDS_MAX),
        page=draw.choice((7, 20, 50)),
        day=draw.choice([*DAYS]),
        lives=tuple(_life(draw) for _ in range(draw.randint(LIVES_MIN, LIVES_MAX))),
    )


def _life(draw: random.Random) -> Life:
    events: list[Event] = []
    events += [
        Event(at=_moment(draw), what="clock", value=draw.choice(JUMPS_S))
        for _ in range(draw.choice((0, 1, 1, 2)))
    ]
    if draw.random() < 0.3:  # noqa: PLR2004 - as often as seems good; so below
        full = _moment(draw)
        events.append(Event(at=full, what="full disk", value=draw.randrange(8, 400)))
        if draw.random() < 0.5:  # noqa: PLR2004
            events.append(Event(at=full + draw.randint(5, 100), what="space again"))
    if draw.random() < 0.25:  # noqa: PLR2004
        events.append(Event(at=_moment(draw), what="locked", value=draw.randint(20, 200)))
    if draw.random() < 0.75:  # noqa: PLR2004
        events.append(Event(at=_moment(draw), what="signal", value=draw.choice(SIGNALS)))
    names = [*ANSWERS]
    spoilt = tuple(
        (draw.choice(names), draw.choice((0, draw.randint(1, 60))), draw.getrandbits(32))
        for _ in range(draw.randint(0, 3))
    )
    exchange = tuple(draw.sample([*EXCHANGE], draw.choice((0, 0, 1, 2))))
    return Life(
        events=tuple(sorted(events, key=lambda event: event.at)),
        spoilt=spoilt,
        exchange=exchange,
        zone=draw.choice(ZONES),
        skew_s=draw.choice((0, 0, 0, *JUMPS_S)),
        read_only=draw.random() < 0.1,  # noqa: PLR2004
        torn=draw.random() < 0.3,  # noqa: PLR2004
    )


def _moment(draw: random.Random) -> int:
    return draw.randint(1, LAST_MOMENT)
