"""Every built-in sink keeps the contract."""

import csv
import datetime as dt
import json
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
import sqlalchemy as sa

from bitstamp_ledger.model import UTC
from bitstamp_ledger.sinks import Sink
from bitstamp_ledger.sinks._file_sink import FileSink
from bitstamp_ledger.sinks.csv import CsvSink
from bitstamp_ledger.sinks.duckdb import DuckDbSink
from bitstamp_ledger.sinks.jsonl import JsonLinesSink
from bitstamp_ledger.sinks.memory import ListSink
from bitstamp_ledger.sinks.sql import SqlSink
from bitstamp_ledger.testing import SinkContract, StoredRow
from tests.ledger import postgres
from tests.testing import mariadb


class FileContract(SinkContract):
    """A program that dies leaves its temporary file; only the warning about it is avoided."""

    def crash(self, sink: Sink) -> None:
        assert isinstance(sink, FileSink)
        assert sink._replacement is not None
        assert sink._replacement._file is not None
        sink._replacement._file.close()


class TestCsv(FileContract):
    def make(self, place: Path) -> Sink:
        return CsvSink(place / "out.csv")

    def stored(self, place: Path) -> Iterable[StoredRow]:
        path = place / "out.csv"
        if not path.exists():
            return
        with path.open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                legs = row["legs"].removeprefix("'")
                yield StoredRow(
                    id=row["id"].removeprefix("'"),
                    amounts=tuple(Decimal(leg.split()[-1]) for leg in legs.split("; ") if leg),
                    account=row["account"].removeprefix("'"),
                    time=dt.datetime.fromisoformat(row["time"]),
                )


class TestJsonLines(FileContract):
    def make(self, place: Path) -> Sink:
        return JsonLinesSink(place / "out.jsonl")

    def stored(self, place: Path) -> Iterable[StoredRow]:
        path = place / "out.jsonl"
        if not path.exists():
            return
        for line in path.read_bytes().splitlines():
            stated = json.loads(line)
            yield StoredRow(
                id=stated["id"],
                amounts=tuple(Decimal(leg["value"]) for leg in stated["legs"]),
                account=stated["account"],
                time=dt.datetime.fromisoformat(stated["time"]),
            )


class TestList(SinkContract):
    """A list has no place on a disk: one for each folder stands for it."""

    @pytest.fixture(autouse=True)
    def _lists(self) -> None:
        self.sinks: dict[Path, ListSink] = {}

    def make(self, place: Path) -> Sink:
        return self.sinks.setdefault(place, ListSink())

    def stored(self, place: Path) -> Iterable[StoredRow]:
        for entry in self.sinks.get(place, ListSink()).entries:
            yield StoredRow(
                id=entry.id,
                amounts=tuple(leg.value for leg in entry.legs),
                account=entry.account,
                time=entry.time,
            )


class DatabaseContract(SinkContract):
    """What is read back is what SQL says, not what the sink thinks."""

    ordered = False
    urls: dict[Path, str]

    def new_url(self, place: Path) -> str:
        raise NotImplementedError

    def url(self, place: Path) -> str:
        if place not in self.urls:
            self.urls[place] = self.new_url(place)
        return self.urls[place]

    def make(self, place: Path) -> Sink:
        return SqlSink(self.url(place))

    def driver_url(self, place: Path) -> str:
        return self.url(place)

    def crash(self, sink: Sink) -> None:
        assert isinstance(sink, SqlSink)
        sink._dispose()  # The system closes the connections of the dead.

    def stored(self, place: Path) -> Iterable[StoredRow]:
        engine = sa.create_engine(self.driver_url(place), poolclass=sa.NullPool)
        with engine.connect() as connection:
            if not sa.inspect(connection).has_table("entries"):
                return
            rows = connection.exec_driver_sql("SELECT id, account, time, legs, amount FROM entries")
            for row in rows.all():
                yield self.row(row)

    def row(self, row: Any) -> StoredRow:
        legs = tuple(Decimal(leg["value"]) for leg in json.loads(row.legs))
        if len(legs) == 1:
            assert not isinstance(row.amount, float)
            legs = (Decimal(row.amount),)  # The column of the type in question.
        return StoredRow(id=row.id, amounts=legs, account=row.account, time=self.time(row.time))

    def time(self, value: Any) -> dt.datetime:
        return dt.datetime.fromisoformat(value)


class TestSqlite(DatabaseContract):
    @pytest.fixture(autouse=True)
    def _places(self) -> None:
        self.urls = {}

    def new_url(self, place: Path) -> str:
        return f"sqlite:///{place}/out.db"


class TestPostgreSql(DatabaseContract):
    @pytest.fixture(autouse=True)
    def _places(self, postgres_server: postgres.Server) -> None:
        self.urls = {}
        self.server = postgres_server

    def new_url(self, place: Path) -> str:
        del place  # A server has its own.
        return self.server.new_place()

    def time(self, value: Any) -> dt.datetime:
        assert isinstance(value, dt.datetime)
        return value.astimezone(UTC)


class TestMariaDb(DatabaseContract):
    @pytest.fixture(autouse=True)
    def _places(self, mariadb_server: mariadb.Server) -> None:
        self.urls = {}
        self.server = mariadb_server

    def new_url(self, place: Path) -> str:
        del place  # A server has its own.
        return self.server.new_place()

    def driver_url(self, place: Path) -> str:
        return self.url(place).replace("mariadb://", "mysql+pymysql://")

    def time(self, value: Any) -> dt.datetime:
        assert isinstance(value, dt.datetime)
        return value.replace(tzinfo=UTC)


class TestDuckDb(SinkContract):
    ordered = False

    def make(self, place: Path) -> Sink:
        return DuckDbSink(place / "out.duckdb")

    def stored(self, place: Path) -> Iterable[StoredRow]:
        path = place / "out.duckdb"
        if not path.exists():
            return
        with duckdb.connect(path) as connection:
            rows = connection.execute("SELECT id, account, time, legs, amount FROM entries")
            for entry_id, account, time, legs, amount in rows.fetchall():
                amounts = tuple(Decimal(leg["value"]) for leg in json.loads(legs))
                if len(amounts) == 1:
                    assert isinstance(amount, Decimal)
                    amounts = (amount,)
                yield StoredRow(
                    id=entry_id, amounts=amounts, account=account, time=time.replace(tzinfo=UTC)
                )
