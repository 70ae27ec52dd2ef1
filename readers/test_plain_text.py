"""Beancount, hledger and Ledger check a whole history, and add up what the exchange states."""

import pytest

from readers.conftest import History
from tests.sinks.accounting_programs import SINKS, text_of, verdict_on


@pytest.mark.parametrize("name", SINKS)
def test_a_program_takes_the_books_and_agrees_with_the_proof(name: str, history: History) -> None:
    """Strictly: every account and commodity declared, every assertion exact."""
    verdict = verdict_on(name, text_of(name, history.entries, balances=history.proof))

    held = {
        commodity: value
        for account, sums in verdict.balances.items()
        if account.startswith("Assets:Bitstamp:")
        for commodity, value in sums.items()
    }
    assert verdict.complaints == ""
    assert held == history.balances
