"""Places and servers that sinks are tried on."""

from tests.ledger.conftest import folder
from tests.testing.conftest import mariadb_server, postgres_server

__all__ = ["folder", "mariadb_server", "postgres_server"]
