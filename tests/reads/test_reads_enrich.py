"""Addresses and hashes joined to deposits and withdrawals: what is certain, and nothing else."""

import datetime as dt
from collections import Counter
from decimal import Decimal
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitstamp_ledger import (
    AmountRule,
    CryptoKind,
    CryptoTransaction,
    Enrichment,
    NotAvailable,
    WithdrawalRequest,
    enrich,
)
from bitstamp_ledger.model import UTC, Amount, Deposit, Entry, Trade, Withdrawal
from tests.strategies import entries

NOON = dt.datetime(2024, 5, 1, 12, tzinfo=UTC)
MINUTE = dt.timedelta(minutes=1)


def came(number: int, value: str, *, fee: str | None = "0", minutes: float = 0) -> Deposit:
    return Deposit(
        id=f"deposit/{number}",
        transaction_id=number,
        time=NOON + minutes * MINUTE,
        legs=(Amount(value, "BTC"),),
        fee=None if fee is None else Amount(fee, "BTC"),
    )


def went(number: int, value: str, *, fee: str | None = "0", minutes: float = 0) -> Withdrawal:
    return Withdrawal(
        id=f"withdrawal/{number}",
        transaction_id=number,
        time=NOON + minutes * MINUTE,
        legs=(Amount(value, "BTC"),),
        fee=None if fee is None else Amount(fee, "BTC"),
    )


def coins(
    kind: CryptoKind, amount: str, *, minutes: float = 0, name: str = "a", **more: Any
) -> CryptoTransaction:
    facts: dict[str, Any] = {
        "currency": "BTC",
        "network": "bitcoin",
        "address": f"bc1{name}",
        "chain_hash": f"hash-{name}",
    }
    return CryptoTransaction(
        kind=kind, amount=Decimal(amount), time=NOON + minutes * MINUTE, **(facts | more)
    )


def request(
    number: int, amount: str, *, minutes: float = 0, name: str = "a", **more: Any
) -> WithdrawalRequest:
    facts: dict[str, Any] = {
        "currency": "BTC",
        "network": "bitcoin",
        "address": f"bc1{name}",
        "chain_hash": f"hash-{name}",
    }
    return WithdrawalRequest(
        id=number, amount=Decimal(amount), time=NOON + minutes * MINUTE, **(facts | more)
    )


IN, OUT, IOU = CryptoKind.DEPOSIT, CryptoKind.WITHDRAWAL, CryptoKind.IOU


@pytest.mark.parametrize(
    ("entry", "row", "rule"),
    [
        (came(1, "0.5"), coins(IN, "0.5"), AmountRule.LEG),
        (came(1, "0.5", fee="0.1"), coins(IN, "0.5"), AmountRule.LEG),
        (came(1, "0.5", fee="0.1"), coins(IN, "0.4"), AmountRule.EFFECT),
        (came(1, "0.5", fee="0.1"), coins(IN, "0.6"), None),
        (went(1, "-0.1895", fee="0.0005"), coins(OUT, "0.1900"), AmountRule.EFFECT),
        (went(1, "-0.1895", fee="0.0005"), coins(OUT, "0.1895"), AmountRule.LEG),
        (went(1, "-0.1895", fee="0.0005"), coins(OUT, "0.1890"), None),
        (went(1, "-0.1895", fee=None), coins(OUT, "0.1895"), AmountRule.LEG),
        (went(1, "-0.1895"), coins(OUT, "0.1895001"), None),
        (came(1, "0.5"), coins(OUT, "0.5"), None),
        (went(1, "-0.5"), coins(IN, "0.5"), None),
        (came(1, "0.5"), coins(IOU, "0.5"), AmountRule.LEG),
        (went(1, "-0.5"), coins(IOU, "-0.5"), AmountRule.LEG),
        (came(1, "0.5"), coins(IN, "0.5", currency="ETH"), None),
        (came(1, "0.5"), coins(IN, "0.5", minutes=60), AmountRule.LEG),
        (came(1, "0.5"), coins(IN, "0.5", minutes=-60), AmountRule.LEG),
        (came(1, "0.5"), coins(IN, "0.5", minutes=60.1), None),
        (came(1, "0.5"), coins(IN, "0.5", minutes=-60.1), None),
        # Printed through a binary float: the digits beyond the 16th are not the exchange's.
        (came(1, "123456789.123456789012"), coins(IN, "123456789.12345679"), AmountRule.LEG),
        (came(1, "123456789.123456789012"), coins(IN, "123456789.12345699"), None),
    ],
)
def test_a_row_goes_with_an_entry_by_amount_direction_currency_and_hour(
    entry: Entry, row: CryptoTransaction, rule: AmountRule | None
) -> None:
    """Docs/facts/exchange.md, "Crypto transactions"."""
    found = enrich([entry], [row])
    if rule is None:
        assert found.details == {}
        assert found.rows_left == (row,)
        return
    details = found.details[entry.id]
    assert (details.address, details.network, details.chain_hash) == ("bc1a", "bitcoin", "hash-a")
    assert (details.crypto_rule, details.crypto_transaction) == (rule, row)
    assert (found.ambiguous, found.rows_left, found.entries_left) == ((), (), ())


def test_a_request_states_its_amount_exactly() -> None:
    """It is text there: no digit is a float's."""
    entry = went(1, "-123456789.123456789012")
    assert enrich([entry], [], [request(5, "123456789.12345679")]).details == {}
    assert enrich([entry], [], [request(5, "123456789.123456789012")]).details.keys() == {entry.id}


def test_a_request_is_never_a_deposit() -> None:
    """Whatever its amount."""
    assert enrich([came(1, "0.5")], [], [request(5, "0.5")]).details == {}


def test_two_withdrawals_of_one_amount_within_the_hour_are_reported_not_guessed() -> None:
    """Nearness in time decides nothing."""
    entries = [went(1, "-0.5"), went(2, "-0.5", minutes=30)]
    rows = [coins(OUT, "0.5", name="a"), coins(OUT, "0.5", name="b", minutes=30)]
    found = enrich(entries, rows)

    assert found.details == {}
    (doubt,) = found.ambiguous
    assert doubt.entries == tuple(entries)
    assert Counter(row.address for row in doubt.rows) == Counter(["bc1a", "bc1b"])
    assert (found.rows_left, found.entries_left) == ((), ())


def test_rows_that_say_the_same_are_as_good_as_one_another() -> None:
    """What cannot change the outcome is not ambiguous."""
    entries = [went(1, "-0.5"), went(2, "-0.5", minutes=30)]
    rows = [coins(OUT, "0.5"), coins(OUT, "0.5", minutes=30)]
    found = enrich(entries, rows)

    assert {details.chain_hash for details in found.details.values()} == {"hash-a"}
    assert len(found.details) == 2
    assert found.ambiguous == ()


def test_too_few_equal_rows_are_ambiguous() -> None:
    """Which of the two has no address is not known."""
    found = enrich([went(1, "-0.5"), went(2, "-0.5")], [coins(OUT, "0.5")])
    assert found.details == {}
    assert len(found.ambiguous) == 1


def test_the_number_of_a_request_decides_and_its_hash_decides_the_rest() -> None:
    """Two of one amount are told apart once one kind of rows names the record."""
    entries = [went(1, "-0.5", fee="0.1"), went(2, "-0.5", fee="0.1", minutes=5)]
    requests = [
        request(8, "0.5", name="b", internal_id=2),
        request(7, "0.5", name="a", internal_id=1),
    ]
    rows = [coins(OUT, "0.6", name="b"), coins(OUT, "0.6", name="a")]
    found = enrich(entries, rows, requests)

    assert found.ambiguous == ()
    for entry, name in zip(entries, "ab", strict=True):
        details = found.details[entry.id]
        assert details.chain_hash == f"hash-{name}"
        assert (details.request_rule, details.crypto_rule) == (AmountRule.LEG, AmountRule.EFFECT)


def test_a_number_that_names_one_record_frees_the_other() -> None:
    """What is left over belongs together."""
    entries = [went(1, "-0.5"), went(2, "-0.5")]
    requests = [request(7, "0.5", name="a", internal_id=1), request(8, "0.5", name="b")]
    found = enrich(entries, [], requests)
    assert {key: each.address for key, each in found.details.items()} == {
        "withdrawal/1": "bc1a",
        "withdrawal/2": "bc1b",
    }


def test_a_number_that_is_the_records_by_chance_joins_nothing() -> None:
    """Amount and hour must fit as well."""
    assert enrich([went(1, "-0.5")], [], [request(7, "9", internal_id=1)]).details == {}


def test_rows_that_contradict_each_other_are_named() -> None:
    """Neither is believed."""
    entry = went(1, "-0.5")
    found = enrich([entry], [coins(OUT, "0.5", name="a")], [request(7, "0.5", name="b")])
    details = found.details[entry.id]
    assert details.contradictions == ("address", "chain_hash")
    assert (details.address, details.network, details.chain_hash) == (None, "bitcoin", None)


def test_what_one_row_lacks_the_other_fills() -> None:
    """Old rows have no network."""
    entry = went(1, "-0.5")
    row = coins(OUT, "0.5", network=None, chain_hash=None)
    details = enrich([entry], [row], [request(7, "0.5")]).details[entry.id]
    assert (details.network, details.chain_hash) == ("bitcoin", "hash-a")
    assert details.contradictions == ()


def test_what_could_not_be_read_is_reported() -> None:
    """And everything else is joined all the same."""
    refused = NotAvailable(endpoint="crypto_transactions", reason="x", code="API0003")
    entry = went(1, "-0.5")
    found = enrich([entry], refused, iter([request(7, "0.5")]))
    assert found.not_available == (refused,)
    assert found.details[entry.id].address == "bc1a"
    assert str(found) == "1 joined, 0 ambiguous, 0 entries and 0 rows left"


def test_entries_are_left_only_in_currencies_that_rows_name() -> None:
    """Money of states is in none of the two; it would drown what is missing."""
    left = came(2, "7", minutes=600)
    euros = attrs.evolve(came(3, "5"), id="deposit/eur", legs=(Amount("5", "EUR"),), fee=None)
    found = enrich([came(1, "0.5"), left, euros], [coins(IN, "0.5")])
    assert found.entries_left == (left,)


def rows() -> st.SearchStrategy[CryptoTransaction]:
    return st.builds(
        coins,
        st.sampled_from(CryptoKind),
        st.sampled_from(("0.5", "0.6", "0.4")),
        minutes=st.sampled_from((0, 30, 59, 61)),
        name=st.sampled_from("ab"),
    )


def requests() -> st.SearchStrategy[WithdrawalRequest]:
    return st.builds(
        request,
        st.integers(1, 99),
        st.sampled_from(("0.5", "0.6")),
        minutes=st.sampled_from((0, 30)),
        name=st.sampled_from("ab"),
        internal_id=st.none() | st.integers(1, 9),
    )


def movements() -> st.SearchStrategy[Entry]:
    fees = st.sampled_from(("0", "0.1", None))
    minutes = st.sampled_from((0, 30))
    numbers = st.integers(1, 9)
    return st.one_of(
        st.builds(came, numbers, st.sampled_from(("0.5", "0.4")), fee=fees, minutes=minutes),
        st.builds(went, numbers, st.sampled_from(("-0.5", "-0.4")), fee=fees, minutes=minutes),
    )


def places_of(found: Enrichment) -> Counter[int]:
    """Count in how many places of the result each row stands, by its identity."""
    joined = [
        row
        for details in found.details.values()
        for row in (details.crypto_transaction, details.withdrawal_request)
        if row is not None
    ]
    doubtful = [row for doubt in found.ambiguous for row in doubt.rows]
    return Counter(map(id, [*joined, *doubtful, *found.rows_left]))


HISTORIES = st.lists(movements(), max_size=6, unique_by=lambda entry: entry.id)


@given(HISTORIES, st.lists(rows(), max_size=6), st.lists(requests(), max_size=6))
def test_every_row_is_in_exactly_one_place(
    history: list[Entry], cryptos: list[CryptoTransaction], asked: list[WithdrawalRequest]
) -> None:
    """Nothing is lost, and nothing is used twice."""
    found = enrich(history, cryptos, asked)
    assert places_of(found) == Counter(map(id, [*cryptos, *asked]))


@given(HISTORIES, st.lists(rows(), max_size=6), st.lists(requests(), max_size=6), st.randoms())
def test_the_order_of_the_inputs_changes_no_detail(
    history: list[Entry],
    cryptos: list[CryptoTransaction],
    asked: list[WithdrawalRequest],
    chance: Any,
) -> None:
    """Pages come in an order of their own."""
    found = enrich(history, cryptos, asked)
    for each in (history, cryptos, asked):
        chance.shuffle(each)
    again = enrich(history, cryptos, asked)

    def told(enrichment: Enrichment) -> dict[str, tuple[str | None, ...]]:
        return {
            key: (each.address, each.network, each.chain_hash, *each.contradictions)
            for key, each in enrichment.details.items()
        }

    assert told(found) == told(again)


@given(st.lists(entries(), max_size=6), st.lists(rows(), max_size=4))
def test_nothing_but_deposits_and_withdrawals_is_touched(
    history: list[Entry], cryptos: list[CryptoTransaction]
) -> None:
    """Any history at all goes through, and no entry is changed."""
    before = list(history)
    found = enrich(history, cryptos)
    assert history == before
    by_id = {entry.id: entry for entry in history if isinstance(entry, Deposit | Withdrawal)}
    assert found.details.keys() <= by_id.keys()
    assert not any(isinstance(entry, Trade) for entry in found.entries_left)
