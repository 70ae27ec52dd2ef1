"""How well rows are recognised on invented histories, against rules that others use.

Run from the top of the repository: ``python -m benchmarks.reconcile_quality [first-seed] [seeds]``.
"""

import datetime as dt
import sys
from collections import Counter
from collections.abc import Iterable

import attrs

from bitstamp_ledger import Entry, Reconciliation
from bitstamp_ledger.reconcile import reconcile
from tests.reconcile.histories import History, history, score

WINDOW = dt.timedelta(hours=2)


def cells(entry: Entry) -> object:
    """Return all that an entry states."""
    legs = tuple((leg.currency, leg.value.normalize()) for leg in entry.legs)
    fee = entry.fee and (entry.fee.currency, entry.fee.value.normalize())
    return entry.time, legs, fee


def set_logic(true: History) -> list[Entry]:
    """Keep one of all entries whose cells are equal, wherever they stand."""
    return list({cells(entry): entry for entry in _all(true)}.values())


def two_hours(true: History) -> list[Entry]:
    """Drop rows within two hours of an entry with the same amount of the same coin."""
    kept: dict[object, list[dt.datetime]] = {}
    entries = []
    for entry in _all(true):
        key = tuple(sorted((leg.currency, leg.value.normalize()) for leg in entry.legs[:1]))
        times = kept.setdefault(key, [])
        if entry.source.row is None or all(abs(entry.time - time) > WINDOW for time in times):
            entries.append(entry)
            times.append(entry.time)
    return entries


def _all(true: History) -> Iterable[Entry]:
    yield from true.api
    for file in true.files:
        yield from file.statement.entries


def main() -> None:
    """Print, for each rule, the true trades lost and the repeats found."""
    first, count, *_ = (*map(int, sys.argv[1:3]), *(1, 300)[len(sys.argv) - 1 :])
    totals: dict[str, Counter[str]] = {}
    for seed in range(first, first + count):
        true = history(seed)
        ours = reconcile(true.api, [file.statement for file in true.files])
        results = {
            "bitstamp_ledger": ours,
            "all cells equal, as a set": _as_result(ours, set_logic(true)),
            "two hours, equal amount": _as_result(ours, two_hours(true)),
        }
        for name, result in results.items():
            scored = score(true, result)
            totals.setdefault(name, Counter()).update(attrs.asdict(scored))
    print(f"seeds {first} to {first + count - 1}")
    for name, total in totals.items():
        recall = 1 - total["left"] / total["repeated"]
        print(
            f"{name:26} {total['rows']} rows, {total['repeated']} repeats: "
            f"{total['lost']} true trades lost, recall {recall:.4f}, "
            f"{total['left']} repeats left of which {total['unshown']} not shown"
        )


def _as_result(ours: Reconciliation, entries: list[Entry]) -> Reconciliation:
    return attrs.evolve(ours, entries=tuple(entries), suspects=(), conflicts=())


if __name__ == "__main__":
    main()
