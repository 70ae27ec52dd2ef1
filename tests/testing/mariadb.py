"""A MariaDB server of the system, for the length of a test session."""

import contextlib
import itertools
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest
import sqlalchemy as sa

WAIT_S = 30


@attrs.define
class Server:
    """A running server, reached by its socket."""

    socket: Path
    _numbers: Iterator[int] = attrs.field(factory=lambda: itertools.count(1))

    def url(self, database: str) -> str:
        return f"mariadb://root@localhost/{database}?unix_socket={self.socket}"

    def run(self, *statements: str) -> None:
        """Run statements outside of transactions."""
        url = f"mysql+pymysql://root@localhost/?unix_socket={self.socket}"
        engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
        with engine.connect() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)

    def new_place(self) -> str:
        """Make an empty database; return its address."""
        name = f"sink{next(self._numbers)}"
        self.run(f"CREATE DATABASE {name}")
        return self.url(name)


@contextlib.contextmanager
def running() -> Iterator[Server]:
    """Start a server; skip the tests that need it where there is none."""
    pytest.importorskip("pymysql", reason="PyMySQL is not installed (extra mariadb)")
    program = shutil.which("mariadbd") or shutil.which("mysqld")
    install = shutil.which("mariadb-install-db") or shutil.which("mysql_install_db")
    if program is None or install is None:
        pytest.skip("no MariaDB server here: install the package mariadb-server")
    # Short, and not that of the user's own: a socket's path has at most 107 letters.
    folder = Path(tempfile.mkdtemp(prefix="sink-mariadb-"))
    folder.chmod(0o755)
    user = _user(folder)
    options = [f"--datadir={folder}/data", f"--user={user}"]
    try:
        subprocess.run(  # noqa: S603 - a program of the system
            [install, "--no-defaults", *options, "--auth-root-authentication-method=normal"],
            check=True,
            capture_output=True,
        )
        process = subprocess.Popen(  # noqa: S603 - a program of the system
            [
                *(program, "--no-defaults", *options, "--skip-networking"),
                *(f"--socket={folder}/socket", f"--pid-file={folder}/pid"),
                "--innodb-flush-log-at-trx-commit=0",  # No test pulls the plug.
                "--innodb-buffer-pool-size=32M",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            server = Server(folder / "socket")
            _wait_for(server, process)
            yield server
        finally:
            process.kill()
            process.wait()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _user(folder: Path) -> str:
    """Return whom the server runs as: it refuses root, where there is anybody else."""
    if os.geteuid() != 0:
        return pwd.getpwuid(os.geteuid()).pw_name
    try:
        mysql = pwd.getpwnam("mysql")
    except KeyError:
        return "root"
    os.chown(folder, mysql.pw_uid, mysql.pw_gid)
    return "mysql"


def _wait_for(server: Server, process: "subprocess.Popen[bytes]") -> None:
    """Try by a plain socket: the driver leaves its own open when it is refused."""
    deadline = time.monotonic() + WAIT_S
    while not _answers(server.socket):
        if process.poll() is not None or time.monotonic() > deadline:
            pytest.fail("the MariaDB server does not start")
        time.sleep(0.05)


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as tried:
        try:
            tried.connect(str(path))
        except OSError:
            return False
        return bool(tried.recv(1))  # It greets whom it lets in.
