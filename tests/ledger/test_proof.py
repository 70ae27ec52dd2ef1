"""The proof is a plain sum, exact, and notices every entry."""

import datetime as dt
import decimal
from collections import defaultdict
from decimal import Decimal
from fractions import Fraction

import attrs
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bitstamp_ledger import Amount, Balance, Deposit, Entry, Trade, UnknownEntry, prove, replay
from bitstamp_ledger.model import UTC
from tests import strategies

START = dt.datetime(2024, 1, 1, tzinfo=UTC)
LARGE = Decimal(12345678901234567890123456789012345678)


def kinds(
    kind: type[Entry], legs_max: int, **more: st.SearchStrategy[str]
) -> st.SearchStrategy[Entry]:
    """Entries of one kind with what counts here: legs and a fee."""
    legs = st.lists(strategies.amounts(), min_size=min(legs_max, 2), max_size=legs_max)
    return st.builds(
        kind,
        id=st.just("x"),
        time=st.just(START),
        legs=legs.map(tuple),
        fee=strategies.fees(),
        **more,
    )


def entries_of_some_kinds() -> st.SearchStrategy[Entry]:
    """Trades, movements, and what is not understood, with any number of legs."""
    return st.one_of(
        kinds(Trade, 2), kinds(Deposit, 1), kinds(UnknownEntry, 3, reason=st.just("?"))
    )


def histories() -> st.SearchStrategy[list[Entry]]:
    """A few entries of any kind."""
    return st.lists(entries_of_some_kinds(), max_size=5)


def balances_of(totals: dict[str, Decimal]) -> list[Balance]:
    """State totals as the exchange would, nothing reserved."""
    return [
        Balance(currency=currency, total=total, available=total, reserved=Decimal(0))
        for currency, total in totals.items()
    ]


def summed(entries: list[Entry]) -> dict[str, Fraction]:
    """Add up legs and take off fees, in fractions, which cannot round."""
    totals: dict[str, Fraction] = defaultdict(Fraction)
    for entry in entries:
        for leg in entry.legs:
            totals[leg.currency] += Fraction(leg.value)
        if entry.fee is not None:
            totals[entry.fee.currency] -= Fraction(entry.fee.value)
    return {currency: total for currency, total in totals.items() if total}


def deposit(value: Decimal | str, currency: str = "EUR", fee: str | None = None) -> Deposit:
    """Return a deposit, as short as can be."""
    return Deposit(
        id=f"{value} {currency}",
        time=START,
        legs=(Amount(Decimal(value), currency),),
        fee=None if fee is None else Amount(Decimal(fee), currency),
    )


@given(histories())
def test_a_replay_is_the_sum_of_legs_minus_fees(entries: list[Entry]) -> None:
    """For entries of every kind, not understood ones included."""
    replayed = replay(entries)
    assert {currency: Fraction(total) for currency, total in replayed.items()} == summed(entries)
    assert list(replayed) == sorted(replayed)


@given(histories())
def test_entries_prove_their_own_sum(entries: list[Entry]) -> None:
    """And say how much of it rests on what was not stated or not understood."""
    proof = prove(entries, balances_of(replay(entries)))
    assert proof.holds
    assert proof.differences == ()
    assert proof.entries == len(entries)
    assert proof.without_fee == sum(entry.fee is None for entry in entries)
    assert proof.unknown == sum(isinstance(entry, UnknownEntry) for entry in entries)


@given(st.data())
def test_a_dropped_entry_is_missed_to_the_last_digit(data: st.DataObject) -> None:
    """In each currency that it moved, by as much as it moved."""
    entries = data.draw(histories())
    assume(entries)
    dropped = data.draw(st.sampled_from(entries))
    proof = prove(
        [entry for entry in entries if entry is not dropped], balances_of(replay(entries))
    )
    assert {each.currency: Fraction(each.amount) for each in proof.differences} == summed([dropped])
    assert proof.holds is (not summed([dropped]))


@given(histories(), entries_of_some_kinds())
def test_an_invented_entry_is_noticed(entries: list[Entry], invented: Entry) -> None:
    """The difference is negative: the entries hold too much."""
    proof = prove([*entries, invented], balances_of(replay(entries)))
    assert {each.currency: -Fraction(each.amount) for each in proof.differences} == summed(
        [invented]
    )


@given(histories(), kinds(Trade, 2), strategies.decimals())
def test_an_altered_amount_is_noticed(entries: list[Entry], trade: Entry, slip: Decimal) -> None:
    """By as much as it was altered."""
    assume(slip)
    base, quote = trade.legs
    altered = attrs.evolve(trade, legs=(Amount(base.value, base.currency), quote))
    assert prove([*entries, altered], balances_of(replay([*entries, trade]))).holds
    wrong = attrs.evolve(trade, fee=None, legs=(*trade.legs[:1], Amount(slip, quote.currency)))
    right = attrs.evolve(wrong, legs=(*trade.legs[:1], Amount(Decimal(0), quote.currency)))
    (difference,) = prove([*entries, wrong], balances_of(replay([*entries, right]))).differences
    assert difference.currency == quote.currency
    assert Fraction(difference.amount) == -Fraction(slip)


def test_a_difference_says_what_is_stated_and_what_was_replayed() -> None:
    """A fee of a cent that no entry states."""
    proof = prove(
        [deposit("100.00"), deposit("1", "BTC")],
        balances_of({"EUR": Decimal("99.99"), "BTC": Decimal(1)}),
    )
    assert not proof.holds
    (difference,) = proof.differences
    assert difference.currency == "EUR"
    assert difference.stated == Decimal("99.99")
    assert difference.replayed == Decimal("100.00")
    assert difference.amount == Decimal("-0.01")


def test_a_currency_that_the_exchange_does_not_list_must_be_zero() -> None:
    """Not stated is not zero: it is told apart, though it is compared with nothing."""
    proof = prove([deposit("1", "BTC")], [])
    assert [(each.currency, each.stated) for each in proof.differences] == [("BTC", None)]
    assert prove([deposit("1", "BTC"), deposit("-1", "BTC")], []).holds


def test_a_balance_without_entries_is_a_difference() -> None:
    """What the exchange states and no entry explains."""
    (difference,) = prove([], balances_of({"EUR": Decimal("0.01")})).differences
    assert difference.amount == Decimal("0.01")


def test_several_rows_of_one_currency_are_added() -> None:
    """Nothing says that a reply lists a currency once."""
    twice = [*balances_of({"EUR": Decimal(1)}), *balances_of({"EUR": Decimal(2)})]
    assert prove([deposit("3")], twice).holds


@pytest.mark.parametrize("precision", [5, 1])
def test_numbers_of_38_digits_are_exact_whatever_the_host_program_computes_with(
    precision: int,
) -> None:
    """The decimal context belongs to the host program and must not reach in, nor be changed."""
    cent = Decimal("0.01")
    with decimal.localcontext() as context:
        context.prec = precision
        context.traps[decimal.Inexact] = True
        context.clear_flags()
        entries = [deposit(LARGE), deposit(cent), deposit("1", fee="0.00000001")]
        proof = prove(entries, balances_of({"EUR": LARGE}))
        assert not context.flags[decimal.Inexact]
        assert context.prec == precision
    (difference,) = proof.differences
    assert difference.amount == Decimal("-1.00999999")
    assert proof.balances["EUR"] == Decimal("12345678901234567890123456789012345679.00999999")
