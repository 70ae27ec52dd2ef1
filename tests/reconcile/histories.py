"""Invented histories of which the truth is known, told by the API in part and by files in part.

What the files do to a trade is drawn at random from what formats, tools and people do to trades,
as far as it can be undone (docs/facts/files.md, "Differences").
"""

import datetime as dt
import json
import random
import zoneinfo
from collections import Counter
from collections.abc import Iterable, Sequence
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal

import attrs

from bitstamp_ledger import Entry, Statement, parse_user_transactions, read_statement
from bitstamp_ledger.reconcile import Reconciliation
from tests.files.renderers import WRITERS, Style, Writer
from tests.files.renderers_b import MORE_WRITERS
from tests.files.samples import G1_HEADER, G2_HEADER, Fill, printed

UTC = dt.UTC
START = dt.datetime(2021, 1, 4, tzinfo=UTC)
DAYS = 420
ZONES = (
    *("UTC", "Europe/Paris", "Europe/London", "America/New_York", "Australia/Lord_Howe"),
    *("Asia/Kathmandu", "Asia/Tokyo", "America/Havana"),
)
ALL_WRITERS = {**WRITERS, **MORE_WRITERS}
EXPORTS = ("bitstamp-g1", "bitstamp-g2")
ORDERS = "bitstamp-g3"
NAMES = (*EXPORTS, *(name for name in ALL_WRITERS if "g0" not in name))


@attrs.frozen(kw_only=True)
class File:
    """A statement, and which trades its rows are."""

    name: str
    statement: Statement
    truth: dict[int, Fill]
    """By the row's number."""

    zone: str


@attrs.frozen(kw_only=True)
class History:
    """What happened, and who tells of it."""

    fills: list[Fill]
    told: set[int]
    """Ids that the API tells."""

    api: list[Entry]
    files: list[File]


@attrs.frozen(kw_only=True)
class Score:
    """How a result compares with the truth."""

    rows: int
    repeated: int
    """Rows that tell again what the API or another file tells."""

    lost: int
    """True trades that are missing in the result."""

    left: int
    """Rows that are in the result though another entry tells the same."""

    undecidable: int
    """Of those, at least so many rows of which nothing tells in which zone they were printed."""

    unshown: int
    """Of the rows left, those that are neither suspects nor in conflicts."""


def _money(value: Decimal, places: str = "0.01") -> Decimal:
    return value.quantize(Decimal(places), ROUND_HALF_UP)


def _fills(draw: random.Random, count: int) -> list[Fill]:
    """Invent trades: single ones, orders of several executions, bots, repeats in one minute."""
    fills: list[Fill] = []
    number = draw.randrange(10_000_000, 90_000_000)

    def fill(time: dt.datetime, buy: bool, amount: Decimal, rate: Decimal, order: int) -> None:
        nonlocal number
        number += draw.randrange(1, 400)
        value = _money(amount * rate)
        fills.append(
            Fill(
                transaction_id=number,
                order_id=order,
                account="Main Account",
                time=time,
                buy=buy,
                amount=amount,
                base=base,
                value=value,
                quote=quote,
                rate=rate,
                fee=_money(value * draw.choice((3, 4, 5)) / 1000, "0.00001"),
            )
        )

    while len(fills) < count:
        base, quote = draw.choice((("BTC", "EUR"), ("ETH", "EUR"), ("BTC", "USD")))
        time = START + dt.timedelta(microseconds=draw.randrange(DAYS * 86_400 * 10**6))
        buy = draw.random() < 0.5
        rate = _money(Decimal(draw.randrange(1_500_00, 60_000_00)) / 100)
        amount = Decimal(draw.randrange(1_000_000, 300_000_000)).scaleb(-8)
        order = draw.randrange(10**14, 10**15) * 10 + 7
        kind = draw.random()
        if kind < 0.70:
            fill(time, buy, amount, rate, order)
        elif kind < 0.85:
            for _ in range(draw.randrange(2, 5)):
                time += dt.timedelta(microseconds=draw.randrange(1, 900_000))
                amount = Decimal(draw.randrange(1_000_000, 90_000_000)).scaleb(-8)
                fill(time, buy, amount, rate, order)
        elif kind < 0.93:
            step = draw.choice((900, 1800, 3600, 86_400))
            for _ in range(draw.randrange(3, 25)):
                time += dt.timedelta(seconds=step)
                fill(time, buy, Decimal("0.01000000"), rate, draw.randrange(10**14) * 10 + 7)
        else:
            for _ in range(draw.randrange(2, 6)):
                time += dt.timedelta(microseconds=draw.randrange(1, 9_000_000))
                fill(time, buy, amount, rate, draw.randrange(10**14) * 10 + 7)
    return sorted(fills, key=lambda each: each.time)


def _record(fill: Fill) -> dict[str, object]:
    sign, other = ("", "-") if fill.buy else ("-", "")
    base, quote = fill.base.lower(), fill.quote.lower()
    return {
        "id": fill.transaction_id,
        "order_id": fill.order_id,
        "type": "2",
        "datetime": f"{fill.time:%Y-%m-%d %H:%M:%S.%f}",
        base: f"{sign}{fill.amount:f}",
        quote: f"{other}{fill.value:f}",
        f"{base}_{quote}": f"{fill.rate:f}",
        "fee": f"{fill.fee:f}",
    }


def _part(draw: random.Random, fills: Sequence[Fill]) -> list[Fill]:
    """Take a span, and leave some orders out of it: other keys, cut exports, deleted rows."""
    first = draw.choice((0.0, 0.0, draw.random() * 0.5))
    last = draw.choice((1.0, 1.0, first + (1 - first) * draw.uniform(0.3, 1)))
    begin = START + dt.timedelta(days=DAYS * first)
    end = START + dt.timedelta(days=DAYS * last)
    holes = draw.choice((0.0, 0.02, 0.3))
    dropped = {fill.order_id for fill in fills if draw.random() < holes}
    return [fill for fill in fills if begin <= fill.time < end and fill.order_id not in dropped]


def _joined(fills: Iterable[Fill]) -> list[Fill]:
    """Add up the executions of each order."""
    orders: dict[int, list[Fill]] = {}
    for fill in fills:
        orders.setdefault(fill.order_id, []).append(fill)
    return [
        attrs.evolve(
            each[-1],
            amount=sum((fill.amount for fill in each), Decimal(0)),
            value=sum((fill.value for fill in each), Decimal(0)),
            fee=sum((fill.fee or Decimal(0) for fill in each), Decimal(0)),
        )
        for each in orders.values()
    ]


def _file(draw: random.Random, name: str, fills: list[Fill]) -> File:
    zone = "UTC"
    if name in EXPORTS:
        header, rows = G1_HEADER, [fill.g1() for fill in fills]
        if name == "bitstamp-g2":
            header, rows = G2_HEADER, [fill.g2() for fill in fills]
            if draw.random() < 0.5:
                rows = [["", *row[1:]] for row in rows]
        text = printed(header, rows)
    else:
        writer: Writer = ALL_WRITERS[name]
        clock = draw.choice(writer.clocks)
        if writer.local:
            zone = draw.choice(ZONES)
        style = Style(
            clock=clock,
            zone=UTC if zone == "UTC" else zoneinfo.ZoneInfo(zone),
            base_decimals=8,
            fee_decimals=draw.choice((2, 5, 8)),
            rounding=draw.choice((ROUND_HALF_EVEN, ROUND_DOWN)),
            strip_zeros=draw.random() < 0.3,
        )
        if name == ORDERS or ("koinly-export" in name and draw.random() < 0.5):
            fills = _joined(fills)
        without_fee = draw.random() < 0.2 and "cointracking" not in name
        shown = [attrs.evolve(fill, fee=None) if without_fee else fill for fill in fills]
        if "cointracking" in name and draw.random() < 0.4:
            shown = fills
            rows = [_not_folded(writer, fill, style) for fill in shown]
        else:
            rows = [list(writer.row(fill, style)) for fill in shown]
        text = writer.text(rows)
    statement = read_statement(text.encode())
    assert not statement.problems, (name, statement.problems[0])
    return File(name=name, statement=statement, truth=dict(enumerate(fills, 1)), zone=zone)


def _not_folded(writer: Writer, fill: Fill, style: Style) -> list[str]:
    """Print a row as makers do who ignore that the fee belongs inside the amounts."""
    fee = fill.fee or Decimal(0)
    apart = fill.value - fee if fill.buy else fill.value + fee
    return list(writer.row(attrs.evolve(fill, value=apart), style))


def history(seed: int, *, trades: int = 120, files: int = 2) -> History:
    """Invent a history and its sources; the same for the same seed."""
    draw = random.Random(seed)  # noqa: S311 - not for secrets
    fills = _fills(draw, trades)
    told = _part(draw, fills)
    api = parse_user_transactions(json.dumps([_record(fill) for fill in told]))
    names = [draw.choice(NAMES) for _ in range(files)]
    return History(
        fills=fills,
        told={fill.transaction_id for fill in told},
        api=list(api),
        files=[_file(draw, name, _part(draw, fills)) for name in names],
    )


def _class(fill: Fill) -> tuple[object, ...]:
    """Return what trades share that no row tells apart."""
    return (*_content(fill), fill.time.replace(second=0, microsecond=0))


def _content(fill: Fill) -> tuple[object, ...]:
    return fill.base, fill.quote, fill.buy, fill.amount


class _Truth:
    """What happened and was told, by what no row tells apart."""

    def __init__(self, true: History) -> None:
        by_id = {fill.transaction_id: fill for fill in true.fills}
        told_by_api = [by_id[number] for number in sorted(true.told)]
        orders_told = {fill.order_id for fill in told_by_api}
        sources = [told_by_api]
        precise = [told_by_api]
        for file in true.files:
            # An order whose executions are known is no trade of its own.
            fills = [
                fill
                for fill in file.truth.values()
                if fill.amount == by_id[fill.transaction_id].amount
                or fill.order_id not in orders_told
            ]
            sources.append(fills)
            if file.statement.precision.time_step < dt.timedelta(minutes=1):
                precise.append(fills)
        self.most: Counter[object] = Counter()
        """As often as it happened, as far as anyone tells."""
        told = {(each.transaction_id, each.amount): each for fills in sources for each in fills}
        for fill in told.values():
            self.most[_class(fill)] += 1
        self.least: Counter[object] = Counter()
        """As often as the sources tell apart."""
        for fills in sources:
            self.least |= Counter(map(_class, fills))
        by_second: Counter[tuple[object, object]] = Counter()
        for fills in precise:
            by_second |= Counter((_class(fill), fill.time.replace(microsecond=0)) for fill in fills)
        seconds: Counter[object] = Counter()
        for (key, _), number in by_second.items():
            seconds[key] += number
        self.least |= seconds


def _undecidable(true: History, file: File) -> set[int]:
    """Return the rows of a file whose zone cannot be told.

    It takes three different trades that are known elsewhere, in that half of the year: with a
    zone, and with nothing like them within the reach of a clock.
    """
    if not (file.statement.precision.zone_open or file.statement.alternatives):
        return set()
    elsewhere = set(true.told)
    for other in true.files:
        if other is not file and not other.statement.precision.zone_open:
            elsewhere.update(fill.transaction_id for fill in other.truth.values())
    times: dict[object, list[dt.datetime]] = {}
    for fill in true.fills:
        times.setdefault(_content(fill), []).append(fill.time)
    zone = UTC if file.zone == "UTC" else zoneinfo.ZoneInfo(file.zone)

    def season(fill: Fill) -> object:
        # Some zones have one time in summer and differ in winter, others the other way about.
        local = fill.time.astimezone(zone)
        return local.utcoffset(), 4 <= local.month <= 10

    witnesses: dict[object, set[object]] = {}
    for fill in file.truth.values():
        reach = dt.timedelta(hours=15)
        alone = sum(abs(time - fill.time) < reach for time in times.get(_content(fill), ())) == 1
        if fill.transaction_id in elsewhere and alone:
            witnesses.setdefault(season(fill), set()).add(_content(fill))
    return {
        number for number, fill in file.truth.items() if len(witnesses.get(season(fill), ())) < 3
    }


def score(true: History, result: Reconciliation) -> Score:
    """Hold a result against the truth."""
    truth = _Truth(true)
    by_id = {fill.transaction_id: fill for fill in true.fills}
    of_row: dict[int, tuple[Fill, bool]] = {}
    for file in true.files:
        undecidable = _undecidable(true, file)
        for entry in file.statement.entries:
            number = entry.source.row or 0
            of_row[id(entry.source.raw)] = file.truth[number], number in undecidable
    shown = {id(each.row.source.raw) for each in result.suspects}
    shown |= {id(row.source.raw) for each in result.conflicts for row in each.file}
    got: Counter[object] = Counter()
    in_sight: Counter[object] = Counter()
    excused: Counter[object] = Counter()
    for entry in result.entries:
        if entry.source.row is None:
            got[_class(by_id[entry.transaction_id or 0])] += 1
            continue
        fill, undecidable_row = of_row[id(entry.source.raw)]
        key = _class(fill)
        got[key] += 1
        in_sight[key] += id(entry.source.raw) in shown
        excused[key] += undecidable_row
    rows = sum(len(file.truth) for file in true.files)
    left = got - truth.most
    return Score(
        rows=rows,
        repeated=rows + len(true.told) - sum(truth.most.values()),
        lost=sum((truth.least - got).values()),
        left=sum(left.values()),
        undecidable=sum(min(number, excused[key]) for key, number in left.items()),
        unshown=sum((left - in_sight).values()),
    )
