"""Records that the API sends twice, or in contradictory versions."""

import pytest

from bitstamp_ledger import Entry
from bitstamp_ledger.reconcile import reconcile
from tests.reconcile.builders import Happened, g2, raw_records, record, records

A = Happened()


def test_a_record_that_two_pages_share_stands_once() -> None:
    """Pages overlap when records arrive while they are read."""
    result = reconcile(records([A, A, A]), [])
    assert len(result.entries) == 1
    assert result.conflicts == ()
    assert result.counts.received == 3
    assert result.counts.witnessed == 2
    assert result.counts.adds_up


@pytest.mark.parametrize("reverse", [False, True])
def test_versions_that_contradict_each_other_are_all_kept(*, reverse: bool) -> None:
    """One id, two contents: a conflict, under identities of their own, in any order."""
    versions = raw_records(record(A), record(A) | {"btc": "0.05"})
    result = reconcile(reversed(versions) if reverse else versions, [])
    assert len({entry.id for entry in result.entries}) == 2
    (conflict,) = result.conflicts
    assert conflict.reason == "the exchange sent record 163402118 with 2 different contents"
    assert {entry.id for entry in result.entries} == {entry.id for entry in conflict.api}


def test_both_records_of_a_self_trade_are_kept() -> None:
    """They carry one id, and are no conflict."""
    bought = record(A) | {"self_trade": True}
    sold = bought | {"btc": "-0.04219875", "eur": "1996.79"}
    result = reconcile(raw_records(bought, sold), [])
    assert len(result.entries) == 2
    assert result.conflicts == ()


def test_a_row_is_compared_with_every_version() -> None:
    """It is the second witness of the one that it fits."""
    versions: list[Entry] = raw_records(record(A), record(A) | {"btc": "0.05"})
    result = reconcile(versions, [g2(A)])
    (match,) = result.matches
    assert str(match.api[0].legs[0]) == "0.04219875 BTC"
    assert len(result.entries) == 2
