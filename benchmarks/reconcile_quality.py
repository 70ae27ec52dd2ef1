"""How well rows are recognised on invented histories, against rules that others use.

Run from the top of the repository: ``python -m benchmarks.reconcile_quality [first-seed] [seeds]``.
beangulp's comparator takes part where it is installed.
"""

import datetime as dt
import importlib
import importlib.util
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import attrs

from bitstamp_ledger import Entry, Reconciliation
from bitstamp_ledger.reconcile import reconcile
from tests.reconcile.histories import History, history, score

FIRST, SEEDS = 1, 60
TWO_HOURS = dt.timedelta(hours=2, seconds=1)
RECALL_GOAL = 0.995


def _sources(true: History) -> Iterator[list[Entry]]:
    yield list(true.api)
    for file in true.files:
        yield list(file.statement.entries)


def cells(entry: Entry) -> object:
    """Return all that an entry states."""
    legs = tuple((leg.currency, leg.value.normalize()) for leg in entry.legs)
    fee = entry.fee and (entry.fee.currency, entry.fee.value.normalize())
    return entry.time, legs, fee


def set_logic(true: History) -> list[Entry]:
    """Drop rows equal in all cells to a row of an earlier source; repeats inside one stay."""
    kept: list[Entry] = []
    seen: set[object] = set()
    for source in _sources(true):
        new = [entry for entry in source if cells(entry) not in seen]
        seen.update(map(cells, source))
        kept.extend(new)
    return kept


def two_hours(true: History) -> list[Entry]:
    """Drop rows of which an earlier source has the same amount of the coin within two hours."""
    kept: list[Entry] = []
    times: dict[object, list[dt.datetime]] = {}
    for source in _sources(true):
        new = [
            entry
            for entry in source
            if all(abs(entry.time - time) > TWO_HOURS for time in times.get(_coin(entry), ()))
        ]
        for entry in new:
            times.setdefault(_coin(entry), []).append(entry.time)
        kept.extend(new)
    return kept


def _coin(entry: Entry) -> object:
    """Return the amounts that are no money; the quote of none of these histories is a coin."""
    return tuple(
        (leg.currency, leg.value.normalize())
        for leg in entry.legs
        if leg.currency not in {"EUR", "USD"}
    )


def nearest(within: dt.timedelta) -> Callable[[History], list[Entry]]:
    """Return a join with the nearest entry in time of the same pair, side and base amount."""

    def rule(true: History) -> list[Entry]:
        kept: list[Entry] = []
        known: dict[object, list[dt.datetime]] = {}
        for source in _sources(true):
            new: list[Entry] = []
            for entry in source:
                times = known.get(_base(entry), [])
                closest = min(times, key=lambda time: abs(time - entry.time), default=None)
                if closest is None or abs(closest - entry.time) > within:
                    new.append(entry)
            for entry in new:
                known.setdefault(_base(entry), []).append(entry.time)
            kept.extend(new)
        return kept

    return rule


def _base(entry: Entry) -> object:
    base, quote = entry.legs
    return base.currency, quote.currency, base.value


def beangulp(true: History) -> list[Entry]:
    """Drop rows that beangulp's comparator flags: two days, and amounts within five per cent."""
    similar: Any = importlib.import_module("beangulp.similar")
    kept: list[Entry] = []
    existing: list[Any] = []
    for source in _sources(true):
        transactions = [_transaction(entry, number) for number, entry in enumerate(source)]
        found = similar.find_similar_entries(transactions, existing)
        flagged = {id(transaction) for transaction, _ in found}
        for entry, transaction in zip(source, transactions, strict=True):
            if id(transaction) not in flagged:
                kept.append(entry)
                existing.append(transaction)
        existing.sort(key=lambda transaction: transaction.date)
        similar.amounts_map_cached.cache_clear()
    return kept


def _transaction(entry: Entry, number: int) -> object:
    """Return an entry as one would book it; the fee belongs to the money that was paid."""
    data: Any = importlib.import_module("beancount.core.data")
    amount: Any = importlib.import_module("beancount.core.amount")
    legs = [(f"Assets:Bitstamp:{leg.currency}", leg.value, leg.currency) for leg in entry.legs]
    if entry.fee is not None:
        account, value, currency = legs[1]
        if currency == entry.fee.currency:
            legs[1] = account, value - entry.fee.value, currency
        legs.append(("Expenses:Fees", entry.fee.value, entry.fee.currency))
    postings = [
        data.Posting(account, amount.Amount(Decimal(value), currency), None, None, None, None)
        for account, value, currency in legs
    ]
    meta = data.new_metadata("history", number)
    date = entry.time.date()
    return data.Transaction(meta, date, "*", None, "", frozenset(), frozenset(), postings)


RULES: dict[str, Callable[[History], list[Entry]]] = {
    "all cells equal to a row of an earlier source (BittyTax)": set_logic,
    "2 h 1 s, equal crypto amounts (CryptoFiscaFacile)": two_hours,
    "beangulp's comparator, as it is set up": beangulp,
    "nearest in time within a minute, equal base": nearest(dt.timedelta(minutes=1)),
    "nearest in time within 14 hours, equal base": nearest(dt.timedelta(hours=14)),
}


def main() -> None:
    """Print, for each rule, the true trades lost and the repeats found."""
    first, count, *_ = (*map(int, sys.argv[1:3]), *(FIRST, SEEDS)[len(sys.argv) - 1 :])
    rules = dict(RULES)
    if importlib.util.find_spec("beangulp") is None:
        print("beangulp is not installed: left out (pip install beangulp)")
        rules = {name: rule for name, rule in rules.items() if rule is not beangulp}
    totals: dict[str, Counter[str]] = {}
    for seed in range(first, first + count):
        true = history(seed)
        ours = reconcile(true.api, [file.statement for file in true.files])
        results = {"bitstamp_ledger": ours} | {
            name: _as_result(ours, rule(true)) for name, rule in rules.items()
        }
        for name, result in results.items():
            total = totals.setdefault(name, Counter())
            total.update(attrs.asdict(score(true, result)))
            total["told"] += len(true.api)
            total["kept"] += len(result.entries)
    _report(first, count, totals)


def _as_result(ours: Reconciliation, entries: list[Entry]) -> Reconciliation:
    return attrs.evolve(ours, entries=tuple(entries), suspects=(), conflicts=())


def _report(first: int, count: int, totals: dict[str, Counter[str]]) -> None:
    ours = totals["bitstamp_ledger"]
    print(
        f"seeds {first} to {first + count - 1}: {ours['told']} records and {ours['rows']} rows of "
        f"files in all layouts, in zones that most do not state; {ours['repeated']} repeats"
    )
    print()
    print(
        "| rule | precision | true trades dropped | recall | recall of what can be told "
        "| repeats left | of these not shown |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for name, total in totals.items():
        dropped = total["told"] + total["rows"] - total["kept"]
        print(
            f"| {name} | {1 - total['lost'] / max(dropped, 1):.4f} | {total['lost']} "
            f"| {_recall(total, total['left']):.4f} "
            f"| {_recall(total, total['left'] - total['undecidable']):.4f} "
            f"| {total['left']} | {total['unshown']} |"
        )
    print()
    met = not ours["lost"] and not ours["unshown"] and _recall(ours, ours["left"]) >= RECALL_GOAL
    print(
        "goal: no true trade dropped, recall at least 0.995, every repeat left is a suspect or in "
        f"a conflict: {'met' if met else 'NOT MET'}"
    )
    print(
        "What cannot be told: rows of a file whose zone is not stated, in a half of the year in "
        "which fewer than three other trades of it are known."
    )


def _recall(total: Counter[str], left: int) -> float:
    return 1 - left / total["repeated"]


if __name__ == "__main__":
    main()
