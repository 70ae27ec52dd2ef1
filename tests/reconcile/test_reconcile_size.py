"""Thousands of entries in one minute are no trouble: no step compares all with all."""

import datetime as dt
import random
import time
from decimal import Decimal

import attrs
import pytest

from bitstamp_ledger import Entry, Statement, Trade
from bitstamp_ledger.model import UTC, Amount, Source
from bitstamp_ledger.reconcile import reconcile
from tests.reconcile.builders import Happened, g1

SIZE = 4_000
MINUTE = dt.datetime(2024, 5, 14, 9, 12, tzinfo=UTC)
TEMPLATE = g1(Happened())


def crowded(kind: str) -> tuple[list[Entry], Statement]:
    """Return records, and rows of the old export, all in one minute.

    Args:
        kind: ``equal`` - all of them; ``few values`` - a hundred amounts by a hundred values;
            ``all different`` - one amount, each with its value; ``near misses`` - the same, and
            every row has twice the amount of its record.
    """
    draws = random.Random(7)  # noqa: S311 - not for secrets
    api: list[Entry] = []
    rows: list[Entry] = []
    template = TEMPLATE.entries[0]
    for number in range(SIZE):
        base, quote = Decimal("0.01"), Decimal("642.11")
        if kind == "few values":
            base, quote = (Decimal(draws.randrange(1, 100)).scaleb(-2) for _ in range(2))
        elif kind != "equal":
            quote = Decimal(number * 3 + 1).scaleb(-2)
        legs = Amount(base, "BTC"), Amount(quote.copy_negate(), "EUR")
        fee = Amount(Decimal("2.56842"), "EUR")
        api.append(
            Trade(
                id=f"Main Account/trade/{number}",
                transaction_id=number,
                time=MINUTE + dt.timedelta(milliseconds=number),
                legs=legs,
                fee=fee,
                source=Source(endpoint="user_transactions"),
            )
        )
        if kind == "near misses":
            legs = Amount(2 * base, "BTC"), legs[1]
        rows.append(
            attrs.evolve(
                template,
                id=f"Main Account/trade/row-{number}-1",
                time=MINUTE,
                legs=legs,
                fee=fee,
                source=attrs.evolve(template.source, row=number + 1),
            )
        )
    draws.shuffle(rows)
    counts = attrs.evolve(TEMPLATE.counts, rows=SIZE, kept=SIZE)
    return api, attrs.evolve(TEMPLATE, entries=tuple(rows), counts=counts)


@pytest.mark.parametrize(
    ("kind", "pairs"),
    [("equal", SIZE), ("few values", SIZE), ("all different", SIZE), ("near misses", 0)],
)
def test_a_crowded_minute_takes_linear_time(kind: str, pairs: int) -> None:
    """All with all would be sixteen million comparisons: a minute, not a second."""
    api, statement = crowded(kind)
    began = time.process_time()
    result = reconcile(api, [statement])
    assert time.process_time() - began < 10
    assert len(result.matches) == pairs
    assert len(result.suspects) == SIZE - pairs
    assert result.counts.adds_up
