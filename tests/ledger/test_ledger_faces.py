"""Both faces of the ledger offer the same."""

import inspect

from bitstamp_ledger import AsyncLedger, Ledger

ONLY_BLOCKING = {"begin_sync", "finish_sync", "fail_sync", "proof_of"}
"""What the async ledger does its own work with."""


def test_both_ledgers_have_the_same_methods_and_parameters() -> None:
    """Whoever moves from one to the other looks nothing up."""

    def face(kind: type) -> dict[str, list[str]]:
        return {
            name: list(inspect.signature(member).parameters)
            for name, member in inspect.getmembers(kind)
            if not name.startswith("_") and callable(member)
        }

    blocking, waiting = face(Ledger), face(AsyncLedger)
    assert {name: blocking[name] for name in blocking.keys() - ONLY_BLOCKING} == waiting
