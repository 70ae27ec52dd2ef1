"""A fresh place to keep a ledger: a SQLite file, and a database of a real PostgreSQL server."""

import itertools
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bitstamp_ledger.ledger import Ledger
from tests.ledger import postgres

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def server() -> Iterator[postgres.Server]:
    """A PostgreSQL server, started once."""
    with postgres.running() as running:
        yield running


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder in memory where the system has one: a disk confirms each commit slowly."""
    memory = Path("/dev/shm")  # noqa: S108 - a folder of its own is made inside
    made = Path(tempfile.mkdtemp(prefix="ledger-", dir=memory if memory.is_dir() else None))
    yield made
    shutil.rmtree(made)


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, folder: Path) -> str:
    """Where a new ledger can be kept."""
    if request.param == "sqlite":
        return str(folder / f"ledger{next(_numbers)}.db")
    started: postgres.Server = request.getfixturevalue("server")
    return started.new_place()


@pytest.fixture
def ledger(place: str) -> Iterator[Ledger]:
    """An empty ledger, in both kinds of database."""
    with Ledger.open(place) as opened:
        yield opened


@pytest.fixture
def new_place(folder: Path) -> Callable[[], str]:
    """Places for further SQLite ledgers of one test."""
    return lambda: str(folder / f"further{next(_numbers)}.db")
