"""How long reconciling takes without ids, against a plain dict join of the same typed entries.

The join groups the records by pair, side, base amount and minute, and takes for each row the next
record of its group.  That is the least that any matching has to do; it knows nothing of rounding,
fees, zones, or of what is left over.  Both run in one process, in turn, and are compared by
processor time; every size is a fresh process of its own.

Run from the top of the repository: ``python -m benchmarks.reconcile_speed [--full]``.
"""

import argparse
import datetime as dt
import gc
import random
import resource
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import attrs

from bitstamp_ledger import Entry, Statement, Trade
from bitstamp_ledger.files import RowCounts, Zone, ZoneBasis
from bitstamp_ledger.model import UTC, Amount, Precision, Source
from bitstamp_ledger.reconcile import reconcile

SEED = 1
SIZES = (10_000, 100_000)
FULL = 1_000_000
HOSTILE = 100_000
RATIO_GOAL = 4.0
GROWTH_GOAL = 1.3
MEMORY_GOAL = 1.5
OPEN_ZONE_GOAL = 5.0
START = dt.datetime(2018, 1, 1, tzinfo=UTC)
MINUTE = dt.timedelta(minutes=1)
YEARS_S = 6 * 365 * 86_400
COINS = (("BTC", "EUR"), ("ETH", "EUR"), ("BTC", "USD"), ("XRP", "EUR"))


def trades(count: int, *, crowded: bool = False) -> tuple[list[Entry], list[Entry]]:
    """Invent trades as the API and as a file to the minute would state them.

    Args:
        count: how many.
        crowded: all within one minute, of a hundred amounts, a thousand times each.
    """
    draw = random.Random(SEED)  # noqa: S311 - not for secrets
    precision = Precision(time_step=MINUTE)
    cent = Decimal("0.01")
    records: list[Entry] = []
    rows: list[Entry] = []
    moments = sorted(draw.randrange(60 if crowded else YEARS_S) for _ in range(count))
    for number, second in enumerate(moments):
        time = START + dt.timedelta(seconds=second, microseconds=draw.randrange(10**6))
        base, quote = COINS[0] if crowded else draw.choice(COINS)
        amount = Decimal(number % 100 + 1 if crowded else draw.randrange(1, 10**9)).scaleb(-8)
        # A good part of a history are bots, which trade round amounts again and again.
        if not crowded and draw.random() < 0.2:  # noqa: PLR2004 - a fifth
            amount = Decimal("0.01000000")
        price = Decimal(draw.randrange(100_000, 6_000_000)).scaleb(-2)
        value = (amount * price).quantize(cent, ROUND_HALF_UP)
        if crowded:
            value = cent
        if draw.random() < 0.5:  # noqa: PLR2004 - one half
            amount, value = -amount, -value
        legs = Amount(amount, base), Amount(-value, quote)
        fee = Amount((abs(value) * Decimal("0.004")).quantize(Decimal("0.00001")), quote)
        records.append(
            Trade(
                id=f"Main Account/trade/{number}",
                transaction_id=number,
                time=time,
                legs=legs,
                fee=fee,
                price=price,
                order_id=number,
                code="2",
                source=Source(endpoint="user_transactions"),
            )
        )
        rows.append(
            Trade(
                id=f"Main Account/trade/row-{draw.randrange(16**20):020x}-1",
                time=time.replace(second=0, microsecond=0),
                legs=(Amount(amount, base), Amount(-value, quote)),
                fee=Amount(fee.value, quote),
                price=price,
                code="Market",
                source=Source(row=number + 1, precision=precision),
            )
        )
    return records, rows


def statement_of(rows: list[Entry], *, zone_open: bool = False) -> Statement:
    """Return rows as a statement."""
    precision = rows[0].source.precision or Precision(time_step=MINUTE)
    if zone_open:
        precision = attrs.evolve(precision, zone_open=True)
        rows = [
            attrs.evolve(row, source=attrs.evolve(row.source, precision=precision)) for row in rows
        ]
    return Statement(
        entries=tuple(rows),
        counts=RowCounts(rows=len(rows), kept=len(rows), quarantined=0, unreadable=0, set_aside=0),
        format="bitstamp-g1",
        precision=precision,
        zone=Zone("UTC", ZoneBasis.ASSUMED if zone_open else ZoneBasis.DOCUMENTED),
        digest="0" * 64,
    )


def plain_join(records: list[Entry], rows: list[Entry]) -> list[tuple[Entry, Entry]]:
    """Pair rows with records of the same pair, side, base amount and minute."""
    groups: dict[object, list[Entry]] = defaultdict(list)
    for record in records:
        groups[_key(record)].append(record)
    pairs = []
    for row in rows:
        waiting = groups.get(_key(row))
        if waiting:
            pairs.append((waiting.pop(), row))
    return pairs


def _key(entry: Entry) -> object:
    if not isinstance(entry, Trade):
        return None
    base, quote = entry.base, entry.quote
    minute = entry.time.replace(second=0, microsecond=0)
    return base.currency, quote.currency, entry.side, base.value, minute


def _leanest_join(records: list[Entry], rows: list[Entry]) -> int:
    """Do the same past all conveniences of the typed entries, for comparison."""
    groups: dict[object, list[Entry]] = defaultdict(list)
    for record in records:
        base, quote = record.legs
        minute = record.time.replace(second=0, microsecond=0)
        groups[base.currency, quote.currency, base.value, minute].append(record)
    found = 0
    for row in rows:
        base, quote = row.legs
        minute = row.time.replace(second=0, microsecond=0)
        waiting = groups.get((base.currency, quote.currency, base.value, minute))
        if waiting:
            waiting.pop()
            found += 1
    return found


def seconds(run: Callable[[], object]) -> float:
    """Return the processor time that a call takes, the release of its result not counted."""
    gc.collect()
    began = time.process_time()
    result = run()
    took = time.process_time() - began
    del result
    return took


def measure(size: int, runs: int) -> None:
    """Print the times of ours, the join, and the leanest join; the best of several runs each."""
    records, rows = trades(size)
    draw = random.Random(SEED)  # noqa: S311 - not for secrets
    draw.shuffle(rows)
    statement = statement_of(rows)
    contenders: dict[str, Callable[[], object]] = {
        "ours": lambda: reconcile(records, [statement]),
        "join": lambda: plain_join(records, rows),
        "leanest": lambda: _leanest_join(records, rows),
    }
    best = dict.fromkeys(contenders, float("inf"))
    for _ in range(runs):
        for name, run in contenders.items():
            best[name] = min(best[name], seconds(run))
    print(*best.values())


def measure_memory(size: int) -> None:
    """Print by how much the process grew for one run, in KB per entry."""
    records, rows = trades(size)
    statement = statement_of(rows)
    gc.collect()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    result = reconcile(records, [statement])
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print((after - before) / (2 * size), len(result.matches))


def measure_others(size: int) -> None:
    """Print the times of a closed and an open zone, and of the hostile minute."""
    records, rows = trades(size)
    closed, opened = statement_of(rows), statement_of(rows, zone_open=True)
    runs: list[Callable[[], object]] = [
        lambda: reconcile(records, [closed]),
        lambda: reconcile(records, [opened]),
    ]
    took = [min(seconds(run) for _ in range(2)) for run in runs]
    crowd, crowded = trades(HOSTILE, crowded=True)
    took.append(seconds(lambda: reconcile(crowd, [statement_of(crowded)])))
    print(*took)


def _in_a_fresh_process(what: str, size: int, runs: int = 1) -> list[float]:
    done = subprocess.run(
        [sys.executable, __file__, "--measure", what, "--size", str(size), "--runs", str(runs)],
        check=True,
        capture_output=True,
        text=True,
        cwd=Path(__file__).parent.parent,
    )
    return [float(number) for number in done.stdout.split()]


def _verdict(value: float, goal: float) -> str:
    return f"{value:.2f} (goal at most {goal:g}: {'met' if value <= goal else 'NOT MET'})"


def main() -> None:
    """Print ratios, and whether the goals are met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="1,000,000 + 1,000,000 as well")
    parser.add_argument("--measure", choices=("time", "memory", "others"), help=argparse.SUPPRESS)
    parser.add_argument("--size", type=int, default=SIZES[-1], help=argparse.SUPPRESS)
    parser.add_argument("--runs", type=int, default=1, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure == "time":
        measure(options.size, options.runs)
    elif options.measure == "memory":
        measure_memory(options.size)
    elif options.measure == "others":
        measure_others(options.size)
    else:
        _report([*SIZES, *([FULL] if options.full else [])])


def _report(sizes: list[int]) -> None:
    print(f"seed {SEED}; records without ids in a file to the minute, processor time")
    print()
    print(
        "| records + rows | µs per entry | plain join | ours / plain join | ours / leanest join |"
    )
    print("| --- | --- | --- | --- | --- |")
    per_entry: dict[int, float] = {}
    joined: dict[int, float] = {}
    leanly: dict[int, float] = {}
    for size in sizes:
        runs = max(2, min(5, 300_000 // size))
        ours, join, leanest = _in_a_fresh_process("time", size, runs)
        per_entry[size], joined[size] = ours / (2 * size), join / (2 * size)
        leanly[size] = leanest / (2 * size)
        print(
            f"| {size:,} + {size:,} | {per_entry[size] * 1e6:.1f} | {joined[size] * 1e6:.1f} "
            f"| {_verdict(ours / join, RATIO_GOAL)} | {ours / leanest:.1f} |"
        )
    print()
    first, *_, last = sizes
    growth, of_join, of_leanest = (took[last] / took[first] for took in (per_entry, joined, leanly))
    print(
        f"growth from {first:,} to {last:,}, of linear: {_verdict(growth, GROWTH_GOAL)}; "
        f"the plain join's own: {of_join:.2f}, the leanest join's: {of_leanest:.2f}"
    )
    memory, _ = _in_a_fresh_process("memory", sizes[-1])
    print(f"memory above the input, KB per entry: {_verdict(memory, MEMORY_GOAL)}")
    closed, opened, hostile = _in_a_fresh_process("others", SIZES[-1])
    join = joined[SIZES[-1]] * 2 * SIZES[-1]
    print(
        f"zone not stated, {SIZES[-1]:,} rows, against the plain join: "
        f"{_verdict(opened / join, OPEN_ZONE_GOAL)}; "
        f"against the same with the zone stated: {opened / closed:.1f}"
    )
    print(
        f"{HOSTILE:,} rows in one minute, a thousand for each of a hundred amounts: {hostile:.1f} s"
    )


if __name__ == "__main__":
    main()
