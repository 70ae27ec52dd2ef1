"""A few entries to write, and sinks that misbehave or remember."""

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal

from bitstamp_ledger.model import UTC, Amount, Deposit, Source, Trade
from bitstamp_ledger.sinks import (
    Batch,
    Capabilities,
    Checkpoint,
    Outcome,
    Receipt,
    RunInfo,
)


def deposit(
    number: int = 1,
    value: str = "0.10",
    *,
    account: str = "Main Account",
    raw: Mapping[str, object] | None = None,
    path: str | None = None,
) -> Deposit:
    source = Source(raw=raw or {}, path=path, row=None if path is None else number)
    return Deposit(
        id=f"Main Account/deposit/{number}",
        transaction_id=number,
        time=dt.datetime(2024, 3, 1, 0, 41, 37, 512, tzinfo=UTC),
        legs=(Amount(Decimal(value), "BTC"),),
        account=account,
        source=source,
    )


TRADE = Trade(
    id="Main Account/trade/458264332",
    transaction_id=458264332,
    order_id=1458532827766784,
    time=dt.datetime(2024, 3, 1, 0, 41, 37, 512000, tzinfo=UTC),
    legs=(Amount(Decimal("1E-8"), "BTC"), Amount(Decimal("-0.0004"), "EUR")),
    fee=Amount(Decimal("0.00"), "EUR"),
    price=Decimal("4E+4"),
    source=Source(endpoint="user_transactions", raw={"type": "2", "btc": Decimal("1E-8")}),
)


class MemorySink:
    """Keeps what it is told, in the order of the calls; fails where it is told to."""

    def __init__(
        self,
        *,
        capabilities: Capabilities | None = None,
        fails_in: str = "",
        error: Exception | None = None,
    ) -> None:
        self.capabilities = capabilities or Capabilities(upsert=True, decimals="exact")
        self.calls: list[object] = []
        self._fails_in = fails_in
        self._error = error or ConnectionError("the line is dead")

    def open(self, run: RunInfo) -> Checkpoint | None:
        self._note("open", run)
        return None

    def write(self, batch: Batch) -> Receipt:
        self._note("write", batch)
        return Receipt(batch_id=batch.id, rows=len(batch.entries), durable=True)

    def close(self, outcome: Outcome) -> None:
        self._note("close", outcome)

    @property
    def batches(self) -> list[Batch]:
        return [call for call in self.calls if isinstance(call, Batch)]

    def _note(self, step: str, what: object) -> None:
        self.calls.append(what)
        if step == self._fails_in:
            raise self._error
