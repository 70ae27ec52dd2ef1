"""The programs under ``examples`` that embed the library, each run against the sandbox."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bitstamp_ledger.sandbox import READ_PERMISSIONS, Flag, Sandbox, render_g2

pytest.importorskip("sqlalchemy", reason="a ledger that is kept needs the extra ledger")

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def exchange() -> Iterator[Sandbox]:
    with Sandbox(seed=4, transactions=80) as running:
        yield running


def run(code: str, folder: Path, **variables: str) -> str:
    done = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", code],
        cwd=folder,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_ten_lines_are_enough(exchange: Sandbox, tmp_path: Path) -> None:
    """The shortest road from a key and a file to a proved ledger."""
    (tmp_path / "export.csv").write_text(render_g2(exchange.records).text)
    script = (EXAMPLES / "ten_lines.py").read_text()
    here = script.replace("from_env())", f"from_env(), base_url={exchange.url!r})")
    assert here != script

    said = run(
        f"import sys; sys.argv = ['ten_lines.py', 'export.csv']\n{here}",
        tmp_path,
        BITSTAMP_API_KEY=exchange.key,
        BITSTAMP_API_SECRET=exchange.secret,
    )

    assert said == "proved: True\n"
    assert len((tmp_path / "ledger.csv").read_text().splitlines()) == 81


WEB = """
import asyncio, os, sys
sys.path.insert(0, os.environ["EXAMPLE"])
import httpx
from app import app

async def visit():
    transport = httpx.ASGITransport(app)
    as_ann = {"x-user": "ann"}
    async with httpx.AsyncClient(transport=transport, base_url="http://app", headers=as_ann) as web:
        async def tell(reply):
            print(reply.status_code, reply.json())

        bad = {"key": os.environ["WRITING_KEY"], "secret": os.environ["WRITING_SECRET"]}
        good = {"key": os.environ["READING_KEY"], "secret": os.environ["READING_SECRET"]}
        await tell(await web.post("/files", files={"file": b"no,table"}))
        refused = await web.put("/key", json=bad)
        print(refused.status_code, bad["secret"] in refused.text)
        await tell(await web.put("/key", json=good))
        await tell(await web.post("/sync"))
        await tell(await web.get("/status"))
        await tell(await web.post("/files", files={"file": open("export.csv", "rb")}))
        file = await web.get("/download/csv")
        print(file.status_code, len(file.text.splitlines()))

asyncio.run(visit())
"""


def test_the_web_application_connects_syncs_imports_and_hands_out_a_file(
    exchange: Sandbox, tmp_path: Path
) -> None:
    """A key that can trade is refused before it is kept, and its secret shows nowhere."""
    pytest.importorskip("fastapi", reason="FastAPI is not installed")
    (tmp_path / "export.csv").write_text(render_g2(exchange.records).text)
    writing = exchange.add_key(permissions=[*READ_PERMISSIONS, "buy_limit_order"])

    said = run(
        WEB,
        tmp_path,
        EXAMPLE=str(EXAMPLES / "web-app"),
        EXCHANGE_URL=exchange.url,
        READING_KEY=exchange.key,
        READING_SECRET=exchange.secret,
        WRITING_KEY=writing.key,
        WRITING_SECRET=writing.secret,
    ).splitlines()

    assert said[0].startswith("400 {'message': ")
    assert said[1] == "400 False"
    assert said[2] == "200 {'state': 'READ_ONLY'}"
    assert said[3] == "202 {'see': '/status'}"
    assert "'state': 'active'" in said[4]
    assert said[5] == "200 {'new': 0, 'witnessed': 69, 'to look at': 0}"
    assert said[6] == "200 81"


DJANGO = """
import os, sys
sys.path[:0] = [os.environ["EXAMPLE"], "."]
import django
from django.conf import settings
from django.core.management import CommandError, call_command
settings.configure(
    INSTALLED_APPS=["histories"],
    HISTORIES={"LEDGER": "all.db", "KEYS": "vault.keys", "EXCHANGE": os.environ["EXCHANGE_URL"]},
)
django.setup()
try:
    call_command("sync_histories")
except CommandError as error:
    print(error)
"""


def test_the_django_command_reads_all_accounts_and_names_those_that_fail(
    exchange: Sandbox, tmp_path: Path
) -> None:
    """One user's deleted key must not keep the others from being read."""
    pytest.importorskip("django", reason="Django is not installed")
    gone = exchange.add_key(flags=[Flag.DELETED])
    (tmp_path / "vault.py").write_text(
        "import bitstamp_ledger as bl\n"
        "def keys():\n"
        f"    yield 'ann', bl.Credentials(key={gone.key!r}, secret={gone.secret!r})\n"
        f"    yield 'bob', bl.Credentials(key={exchange.key!r}, secret={exchange.secret!r})\n"
    )

    said = run(
        DJANGO, tmp_path, EXAMPLE=str(EXAMPLES / "django-command"), EXCHANGE_URL=exchange.url
    ).splitlines()

    assert said == ["bob: 80 new records", "1 accounts were not read: ann"]
