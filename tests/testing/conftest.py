"""Servers that sinks are tried on, each started once, and only if a test needs it."""

from collections.abc import Iterator

import pytest

from tests.ledger import postgres
from tests.testing import mariadb


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[postgres.Server]:
    with postgres.running() as running:
        yield running


@pytest.fixture(scope="session")
def mariadb_server() -> Iterator[mariadb.Server]:
    with mariadb.running() as running:
        yield running
