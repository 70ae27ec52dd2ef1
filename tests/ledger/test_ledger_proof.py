"""The proof of a ledger: it holds on whole histories, and finds what is wrong with others."""

import itertools
import json
from collections.abc import Callable
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import bitstamp_ledger as bl
from bitstamp_ledger.ledger import CauseKind, Ledger, Proof
from bitstamp_ledger.sandbox import generate_account
from tests.ledger.books import Book, Record, deposit, entries_of, movement, trade

NewPlace = Callable[[], str]


def generated(seed: int, count: int) -> list[Record]:
    """Return a made-up history with every type of entry."""
    stored = json.loads(generate_account(seed, count).dump(), parse_float=Decimal)
    records: list[Record] = stored["records"]
    return records


def raw(records: list[Record]) -> list[Record]:
    """Return records with numbers that JSON can hold."""
    return [
        {key: str(value) if isinstance(value, Decimal) else value for key, value in record.items()}
        for record in records
    ]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_it_holds_on_made_up_accounts(ledger: Ledger, seed: int) -> None:
    """With entries of every type that there is."""
    book = Book(raw(generated(seed, 400)))
    proof = ledger.prove(book)
    assert proof.holds
    assert proof.differences == ()
    assert proof.entries == 400
    assert {each.currency: each.replayed for each in proof.currencies if each.replayed} == (
        bl.replay(entries_of(book.records))
    )


def test_a_proof_is_a_value(ledger: Ledger) -> None:
    """It can be written down, read back and compared."""
    book = Book([deposit(1), trade(2)])
    proof = ledger.prove(book)
    assert Proof.from_json(proof.to_json()) == proof
    assert ledger.prove(book) == proof
    book.truth = [deposit(1)]
    other = ledger.prove(book)
    assert other != proof
    assert Proof.from_json(other.to_json()) == other
    with pytest.raises(bl.BitstampLedgerError, match="Not a proof"):
        Proof.from_json("{}")


def test_balances_that_move_are_read_again(ledger: Ledger) -> None:
    """And a proof that never got two equal readings does not hold."""
    book = Book([deposit(1)])

    def another() -> None:
        number = len(book.records) + 1
        if number < limit:
            book.records.append(deposit(number))

    limit = 3
    book.before_balances = another
    assert ledger.prove(book).holds
    limit = 1_000
    proof = ledger.prove(book)
    assert (proof.steady, proof.holds) == (False, False)


TAMPERED = ("dropped", "altered", "invented")


@settings(max_examples=25, suppress_health_check=list(HealthCheck))
@given(
    seed=st.integers(0, 50),
    cuts=st.lists(st.integers(1, 59), min_size=1, max_size=4, unique=True).map(sorted),
    at=st.integers(0, 59),
    how=st.sampled_from(TAMPERED),
)
def test_a_single_wrong_record_is_detected_and_located(
    new_place: NewPlace, seed: int, cuts: list[int], at: int, how: str
) -> None:
    """Wherever it is: between the two syncs that it lies between."""
    truth = raw(generated(seed, 60))
    victim = truth[at]
    (entry,) = entries_of([victim])
    effect = {currency: change for currency, change in entry.effect.items() if change}
    if not effect:
        return
    twin = victim | {"id": 10**12}
    shown = {
        "dropped": [record for record in truth if record is not victim],
        "altered": [record | _doubled(record) if record is victim else record for record in truth],
        "invented": [*truth[: at + 1], twin, *truth[at + 1 :]],
    }[how]
    wrong_ids = {str(record["id"]) for record in truth[at : at + 1]} | {str(10**12)}
    proofs: list[Proof] = []
    with Ledger.open(new_place()) as ledger:
        for end in (*cuts, 60):
            upto = {str(record["id"]) for record in truth[:end]}
            visible = upto | (wrong_ids if at < end else set())
            book = Book([record for record in shown if str(record["id"]) in visible])
            book.truth = truth[:end]
            proofs.append(ledger.prove(book))
            assert proofs[-1].holds is (at >= end)
    proof = proofs[-1]
    found = {each.currency: each.amount for each in proof.differences}
    sign = 1 if how == "dropped" else -1
    assert found == {currency: sign * change for currency, change in effect.items()}
    located = {each.currency: each for each in proof.located}
    assert located.keys() == effect.keys()
    for each in located.values():
        first = max((end for end in cuts if end <= at), default=0)
        last = min(end for end in (*cuts, 60) if end > at)
        assert (each.since is None) == (first == 0)
        newest = entries_of(truth[:first])[-1].time if first else None
        assert newest == each.entries_since
        # None where the only record was the one that is missing.
        assert each.entries_until is None or (
            each.entries_until <= entries_of(truth[:last])[-1].time
        )
    assert {cause.currency for cause in proof.causes} == effect.keys()
    if how == "invented":
        kinds = {cause.kind for cause in proof.causes}
        assert CauseKind.EXTRA_ENTRY in kinds


def _doubled(record: Record) -> Record:
    """Return what makes a record state twice as much."""
    (entry,) = entries_of([record])
    doubled: Record = {}
    for leg in entry.legs:
        doubled[leg.currency.lower()] = f"{leg.value * 2:f}"
    if entry.fee is not None:
        doubled["fee"] = f"{entry.fee.value * 2:f}"
    return doubled


def causes_of(ledger: Ledger, records: list[Record], truth: list[Record]) -> dict[CauseKind, str]:
    """Return why a ledger of these records does not agree with these balances."""
    book = Book(records, truth=truth)
    proof = ledger.prove(book)
    assert not proof.holds
    return {cause.kind: cause.text for cause in proof.causes}


def test_an_unstated_fee_fits(ledger: Ledger) -> None:
    """A trade whose fee the exchange took and did not state."""
    silent = trade(2)
    del silent["fee"]
    causes = causes_of(ledger, [deposit(1), silent], [deposit(1), trade(2, fee="0.07")])
    assert "0.07 EUR" in causes[CauseKind.UNSTATED_FEE]


def test_funds_in_earn_fit(ledger: Ledger) -> None:
    """Coins that went into staking, if the exchange still counts them."""
    held = [movement(1, "0", "eth", "5.0"), movement(2, "26", "eth", "-2.0")]
    causes = causes_of(ledger, held, held[:1])
    assert CauseKind.EARN in causes
    assert CauseKind.EXTRA_ENTRY in causes


def test_a_transfer_between_accounts_fits(ledger: Ledger) -> None:
    """One that is listed on the wrong side."""
    held = [deposit(1), movement(2, "14", "eur", "-30.00")]
    assert CauseKind.SUB_ACCOUNT_TRANSFER in causes_of(ledger, held, held[:1])


def test_an_unknown_type_fits(ledger: Ledger) -> None:
    """What is not understood may mean the opposite."""
    held = [deposit(1), movement(2, "99", "eur", "30.00")]
    assert CauseKind.UNKNOWN_TYPE in causes_of(ledger, held, held[:1])


def test_a_missing_deposit_is_named_with_its_moment(ledger: Ledger) -> None:
    """Nobody can spend what never came in."""
    truth = [deposit(1, "5.00"), deposit(2, "50.00"), trade(3), trade(4)]
    book = Book([truth[0], *truth[2:]], truth=truth)
    proof = ledger.prove(book)
    (located,) = proof.located
    assert located.first_negative == entries_of(truth)[2].time
    assert "Main Account/trade/3" in located.nearby
    assert {cause.kind for cause in proof.causes} == {CauseKind.MISSING_DEPOSIT}


def test_a_hidden_entry_and_a_strange_row_fit(ledger: Ledger) -> None:
    """What people and files did to the ledger is named as well."""
    from tests.ledger.books import statement  # noqa: PLC0415 - only here

    book = Book([deposit(1), trade(2), trade(3)])
    ledger.sync(book)
    hidden = ledger.hide("Main Account/trade/2")
    proof = ledger.prove(book)
    assert CauseKind.HIDDEN in {cause.kind for cause in proof.causes}
    ledger.undo(hidden)
    ledger.import_file(statement([trade(300)]))
    proof = ledger.prove(book)
    assert CauseKind.FILE_ROW in {cause.kind for cause in proof.causes}


def test_an_account_that_was_never_read_is_named(ledger: Ledger) -> None:
    """Known from a file only."""
    from tests.ledger.books import statement  # noqa: PLC0415 - only here

    ledger.import_file(statement([deposit(900)]).replace(b"Main Account", b"Trading"))
    held = [deposit(1), movement(2, "14", "eur", "-30.00")]
    assert "'Trading'" in causes_of(ledger, held, held[:1])[CauseKind.UNREAD_SUB_ACCOUNT]


def test_a_late_record_moves_the_blame_to_nobody(ledger: Ledger) -> None:
    """A difference that was made good is no difference, and locates nothing."""
    truth = [deposit(1), trade(2), trade(3)]
    book = Book([truth[0], truth[2]], truth=truth)
    assert not ledger.prove(book).holds
    book.records.insert(1, truth[1])
    assert ledger.prove(book).holds
    book.records.append(trade(4))
    proof = ledger.prove(book)
    assert [each.since is None for each in proof.located] == [False, False]


class Moving(Book):
    """An account that is traded on while it is read."""

    def balances(self) -> tuple[bl.Balance, ...]:
        now = Decimal(next(MOMENTS))
        return (bl.Balance(currency="EUR", total=now, available=now, reserved=Decimal(0)),)


MOMENTS = itertools.count(1)


def test_balances_that_move_while_entries_are_read_prove_nothing(ledger: Ledger) -> None:
    """They belong to no moment that the entries could add up to, so they are not kept."""
    proof = ledger.prove(Moving([deposit(1, "1.00")]))
    assert not proof.holds
    assert not proof.steady
    assert proof.read_at is None
    assert proof.currencies[0].stated is None
