"""Whether two keys read one account."""

import datetime as dt

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitstamp_ledger import SameAccount, same_account
from bitstamp_ledger.model import UTC, Amount, Deposit, Entry, Transfer
from tests.strategies import entries

START = dt.datetime(2024, 1, 1, tzinfo=UTC)


def deposits(*ids: int, account: str = "Main Account", amount: str = "1.00") -> list[Entry]:
    return [
        Deposit(
            id=f"{account}/deposit/{number}",
            transaction_id=number,
            time=START + dt.timedelta(seconds=number),
            legs=(Amount(amount, "EUR"),),
            account=account,
            code="0",
        )
        for number in ids
    ]


@pytest.mark.parametrize(
    ("ids_a", "ids_b", "verdict", "counts"),
    [
        ((1, 2, 3), (1, 2, 3), SameAccount.YES, (3, 0, 0)),
        ((1, 2, 3), (3, 4, 5), SameAccount.YES, (1, 0, 0)),
        ((1, 3, 5), (2, 4, 6), SameAccount.NO, (0, 2, 2)),
        ((1, 9), (4, 5), SameAccount.NO, (0, 0, 2)),
        ((1, 2), (3, 4), SameAccount.NOT_KNOWN, (0, 0, 0)),
        ((), (1, 2), SameAccount.NOT_KNOWN, (0, 0, 0)),
        ((), (), SameAccount.NOT_KNOWN, (0, 0, 0)),
        ((1, 2, 3, 4), (1, 4), SameAccount.YES, (2, 2, 0)),
    ],
)
def test_the_verdict_follows_from_the_ids(
    ids_a: tuple[int, ...],
    ids_b: tuple[int, ...],
    verdict: SameAccount,
    counts: tuple[int, int, int],
) -> None:
    """One record in common is enough; a range that both reach, and nothing in common, is too."""
    found = same_account(deposits(*ids_a), deposits(*ids_b, account="savings"))
    assert (found.verdict, (found.shared, found.only_a, found.only_b)) == (verdict, counts)


def test_the_two_sides_of_a_transfer_are_two_accounts() -> None:
    """They may share an id, and differ in the sign."""
    (came,) = deposits(7)
    there, back = (
        Transfer(
            id=f"{name}/transfer/7",
            transaction_id=7,
            time=came.time,
            legs=(Amount(value, "EUR"),),
            code="14",
        )
        for name, value in (("a", "5"), ("b", "-5"))
    )
    assert same_account([there], [back]).verdict is SameAccount.NO
    assert same_account([there], [there]).verdict is SameAccount.YES


def test_another_type_under_the_same_id_is_another_record() -> None:
    """Ids are shared between types."""
    (one,) = deposits(7)
    other = attrs.evolve(one, code="27")
    assert same_account([one], [other]).shared == 0


def test_the_answer_can_be_read_aloud() -> None:
    """It says how many records it rests on."""
    found = same_account(deposits(1, 2), deposits(2))
    assert str(found) == "the same account: 1 records in common, 0 and 0 of one alone"


@given(st.lists(entries(), max_size=6), st.lists(entries(), max_size=6))
def test_swapping_the_two_swaps_the_counts(one: list[Entry], other: list[Entry]) -> None:
    """And the verdict stays."""
    found, mirrored = same_account(one, other), same_account(other, one)
    assert found.verdict is mirrored.verdict
    assert (found.shared, found.only_a, found.only_b) == (
        mirrored.shared,
        mirrored.only_b,
        mirrored.only_a,
    )


@given(st.lists(entries(), max_size=6), st.integers(0, 6))
def test_an_account_is_never_taken_for_another_than_itself(records: list[Entry], cut: int) -> None:
    """Nor is a part of its history that begins or ends elsewhere."""
    ordered = sorted(
        {(each.code, each.transaction_id): each for each in records}.values(),
        key=lambda each: each.transaction_id or 0,
    )
    assert same_account(ordered, ordered[cut:]).verdict is not SameAccount.NO
    assert same_account(ordered, ordered[:cut]).verdict is not SameAccount.NO
