"""Both clients against the sandbox, over real HTTP: what a program that embeds us relies on."""

from collections.abc import AsyncIterator, Callable, Iterator
from decimal import Decimal
from typing import Protocol

import anyio
import pytest

import bitstamp_ledger as bl
from bitstamp_ledger.sandbox import ExportFile, Sandbox, render_g1, render_g2

RECORDS = 2_300  # More than two pages.


class Reader(Protocol):
    """One client of either colour, driven to the end."""

    def __call__(
        self, sandbox: Sandbox, *, secret: str | None = None, since_id: int | None = None
    ) -> tuple[list[bl.Entry], tuple[bl.Balance, ...]]: ...


def credentials(sandbox: Sandbox, secret: str | None) -> bl.Credentials:
    return bl.Credentials(key=sandbox.key, secret=secret or sandbox.secret)


QUICK = bl.RetryPolicy(attempts_max=3, delay_first_s=0.01)


def read_blocking(
    sandbox: Sandbox, *, secret: str | None = None, since_id: int | None = None
) -> tuple[list[bl.Entry], tuple[bl.Balance, ...]]:
    with bl.Client(credentials(sandbox, secret), base_url=sandbox.url, retry=QUICK) as client:
        return list(client.entries(since_id)), client.balances()


def read_async(
    sandbox: Sandbox, *, secret: str | None = None, since_id: int | None = None
) -> tuple[list[bl.Entry], tuple[bl.Balance, ...]]:
    async def read() -> tuple[list[bl.Entry], tuple[bl.Balance, ...]]:
        key = credentials(sandbox, secret)
        async with bl.AsyncClient(key, base_url=sandbox.url, retry=QUICK) as client:
            entries: AsyncIterator[bl.Entry] = client.entries(since_id)
            return [entry async for entry in entries], await client.balances()

    return anyio.run(read)


@pytest.fixture(params=[read_blocking, read_async], ids=["blocking", "async"])
def read(request: pytest.FixtureRequest) -> Reader:
    reader: Reader = request.param
    return reader


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(seed=3, transactions=RECORDS) as running:
        yield running


def test_the_whole_history_is_read_oldest_first_each_record_once(
    sandbox: Sandbox, read: Reader
) -> None:
    """Pages overlap, since the cursor is inclusive; the walk leaves out what it has delivered."""
    entries, _ = read(sandbox)

    assert len(entries) == RECORDS
    assert len({entry.id for entry in entries}) == RECORDS
    assert [entry.time for entry in entries] == sorted(entry.time for entry in entries)


def test_every_record_is_the_one_that_was_sent(sandbox: Sandbox, read: Reader) -> None:
    """The record as received is kept whole, whatever became of it."""
    entries, _ = read(sandbox)

    assert sorted(str(entry.source.raw["id"]) for entry in entries) == sorted(
        str(record["id"]) for record in sandbox.records
    )


def test_the_entries_prove_the_balances(sandbox: Sandbox, read: Reader) -> None:
    """The sandbox computes its balances on its own; unknown types take part."""
    entries, balances = read(sandbox)
    proof = bl.prove(entries, balances)

    assert proof.differences == ()
    assert proof.holds
    assert proof.unknown > 0


def test_a_missing_record_breaks_the_proof(sandbox: Sandbox, read: Reader) -> None:
    """And the difference is exactly what the record did."""
    entries, balances = read(sandbox)
    deposit = next(entry for entry in entries if isinstance(entry, bl.Deposit))
    proof = bl.prove([entry for entry in entries if entry is not deposit], balances)

    assert not proof.holds
    assert {each.currency: each.amount for each in proof.differences} == {
        currency: change for currency, change in deposit.effect.items() if change
    }


def test_reading_on_from_an_id_brings_that_record_and_all_later_ones(
    sandbox: Sandbox, read: Reader
) -> None:
    """``since_id`` is inclusive."""
    everything, _ = read(sandbox)
    middle = everything[RECORDS // 2]
    assert middle.transaction_id is not None

    later, _ = read(sandbox, since_id=middle.transaction_id)

    assert {entry.id for entry in later} == {
        entry.id for entry in everything if (entry.transaction_id or 0) >= middle.transaction_id
    }


def test_a_wrong_secret_is_one_clear_error(sandbox: Sandbox, read: Reader) -> None:
    """It names the code, the endpoint and the next step, and not the secret."""
    with pytest.raises(bl.KeyRefusedError) as refused:
        read(sandbox, secret="not-the-secret")

    assert refused.value.code == "API0005"
    assert refused.value.endpoint == "user_transactions"
    assert "secret" in str(refused.value.hint)
    assert "not-the-secret" not in str(refused.value)


def test_an_exchange_that_is_not_there_is_one_clear_error() -> None:
    """After a few tries, with the endpoint and the number of tries."""
    key = bl.Credentials(key="k", secret="s")
    with (
        bl.Client(key, base_url="http://127.0.0.1:9", retry=QUICK) as client,
        pytest.raises(bl.NoAnswerError) as failed,
    ):
        client.balances()

    assert failed.value.attempts == 3


@pytest.mark.parametrize("render", [render_g1, render_g2], ids=["old export", "new export"])
def test_an_export_of_the_same_history_adds_nothing(
    sandbox: Sandbox, render: Callable[[list[dict[str, object]]], ExportFile]
) -> None:
    """Every row of a full export is a witness of a record, and the ledger is the API's."""
    entries, _ = read_blocking(sandbox)
    export = render(sandbox.records)
    statement = bl.read_statement(export.text.encode())
    result = bl.reconcile(entries, [statement])

    assert statement.problems == ()
    assert result.new == ()
    assert len(result.matches) == len(statement.entries) > 2_000
    assert result.entries == tuple(
        sorted(entries, key=lambda entry: (entry.time, entry.transaction_id or 0))
    )
    assert result.counts.adds_up


def test_no_amount_has_passed_through_a_float(sandbox: Sandbox, read: Reader) -> None:
    """Every number is a Decimal of the text that was sent."""
    entries, balances = read(sandbox)

    assert all(type(leg.value) is Decimal for entry in entries for leg in entry.legs)
    assert all(type(balance.total) is Decimal for balance in balances)
