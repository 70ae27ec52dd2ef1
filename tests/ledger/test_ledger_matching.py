"""The ledger matches files as `reconcile` does with everything in memory, though it reads less."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import bitstamp_ledger as bl
from bitstamp_ledger.ledger import Ledger
from tests.ledger.books import Book, Record, entries_of, statement, trade

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


def g2_file(path: Path, records: list[Record], *, ids: bool) -> Path:
    """Write a file of the exchange, with or without its ids."""
    header, *lines = statement(records).decode().splitlines()
    numbers = [str(entry.transaction_id) for entry in entries_of(records)]
    if ids:
        lines = [f"{number}{line}" for number, line in zip(numbers, lines, strict=True)]
    path.write_text("\n".join([header, *lines, ""]))
    return path


@pytest.mark.parametrize("synced_first", [True, False])
def test_a_row_of_an_old_id_at_another_time_is_a_conflict(
    ledger: Ledger, tmp_path: Path, *, synced_first: bool
) -> None:
    """However far off: the record is looked up by its id, and a sync that brings it is noticed."""
    book = Book([trade(number, minute=number * 3_000) for number in range(1, 60)])
    path = g2_file(
        tmp_path / "a.csv", [trade(2, minute=100_000), trade(40, minute=121_000)], ids=True
    )
    if synced_first:
        ledger.sync(book)
    ledger.import_file(path)
    ledger.sync(book)
    whole = bl.reconcile(book.entries(), [bl.read_statement(path)])
    assert len(whole.conflicts) == 2
    assert ledger.reconcile() == whole


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_a_ledger_reconciles_as_if_everything_were_read(data: st.DataObject) -> None:
    """Whatever the files hold, and whenever they came: between syncs, or after all of them."""
    days = st.integers(0, 200).map(lambda day: day * 1_440)
    minutes = data.draw(st.lists(days, min_size=1, max_size=12), label="days")
    records = [trade(number, minute=at) for number, at in enumerate(minutes, 1)]
    with (
        tempfile.TemporaryDirectory() as folder,
        Ledger.open("sqlite://") as ledger,
    ):
        paths = []
        for name in "ab":
            chosen = data.draw(st.lists(st.sampled_from(records), max_size=5), label="rows")
            rows = [
                record if kept else trade(int(str(record["id"])), cents=cents, minute=at)
                for record in chosen
                for kept in [data.draw(st.booleans())]
                for cents in [data.draw(st.sampled_from((1_000, 1_001)))]
                for at in [data.draw(days)]
            ]
            path = Path(folder) / f"{name}.csv"
            paths.append(g2_file(path, rows, ids=data.draw(st.booleans())))
        steps = data.draw(st.permutations(["sync", *paths]), label="steps")
        for step in steps:
            if isinstance(step, Path):
                ledger.import_file(step)
            else:
                ledger.sync(Book(records))
            ledger.reconcile()
        here = [bl.read_statement(path) for path in paths]
        if here[0].rows_digest == here[1].rows_digest:
            here = here[:1] if steps.index(paths[0]) < steps.index(paths[1]) else here[1:]
        assert ledger.reconcile() == bl.reconcile(entries_of(records), here)


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
