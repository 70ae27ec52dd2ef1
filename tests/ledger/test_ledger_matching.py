"""The ledger matches files as `reconcile` does with everything in memory, though it reads less."""

from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

import bitstamp_ledger as bl
from bitstamp_ledger.ledger import Ledger

HEADER = '"Type","Buy","Cur.","Sell","Cur.","Fee","Cur.","Exchange","Group","Comment","Date"\n'
DAYS = ("2021-03-04 08:10:00", "2021-05-04 11:41:00", "2021-07-04 17:20:00", "2021-09-04 09:05:00")
MONTH_FIRST = ("3/4/2021 8:10", "5/4/2021 11:41", "7/4/2021 17:20", "9/4/2021 9:05")


@attrs.frozen
class Account:
    """Reads records that stand in memory."""

    raw: bytes
    account: str = "Main Account"

    def balances(self) -> tuple[bl.Balance, ...]:
        return ()

    def entries(self, since_id: int | None = None) -> Iterator[bl.Entry]:
        entries = bl.parse_user_transactions(self.raw)
        return (entry for entry in entries if (entry.transaction_id or 0) >= (since_id or 0))


def test_records_of_the_other_date_order_are_looked_at(ledger: Ledger, tmp_path: Path) -> None:
    """A file of 4/3 and 4/5: what it states may lie months from where it was first read."""
    records = ",".join(
        f'{{"id": {number}, "type": "2", "datetime": "{time}", "btc": "0.0{number}000000",'
        f' "eur": "-{number}00.00", "btc_eur": "10000.00", "fee": "0.00"}}'
        for number, time in enumerate(DAYS, 1)
    )
    rows = "\n".join(
        f'"Trade","0.0{number}000000","BTC","{number}00.00","EUR","0","EUR","Bitstamp","","","{printed}"'
        for number, printed in enumerate(MONTH_FIRST, 1)
    )
    path = tmp_path / "swapped.csv"
    path.write_text(f"{HEADER}{rows}\n")
    client = Account(f"[{records}]".encode())
    ledger.sync(client)
    ledger.import_file(path, timezone="UTC")

    whole = bl.reconcile(client.entries(), [bl.read_statement(path, timezone="UTC")])
    assert len(whole.matches) == 4
    assert ledger.balances() == bl.replay(whole.entries)
    assert len(ledger.reconcile().matches) == 4


def test_a_sync_that_breaks_closes_the_reading(ledger: Ledger) -> None:
    """Requests that are on their way belong to nobody then."""
    closed: list[bool] = []

    @attrs.define
    class Reading(Iterator[bl.Entry]):
        def __next__(self) -> bl.Entry:
            raise bl.NoAnswerError("no answer", endpoint="user_transactions", attempts=1)

        def close(self) -> None:
            closed.append(True)

    class Broken(Account):
        def entries(self, since_id: int | None = None) -> Iterator[bl.Entry]:
            assert since_id is None
            return Reading()

    with pytest.raises(bl.NoAnswerError):
        ledger.sync(Broken(b"[]"))
    assert closed == [True]
