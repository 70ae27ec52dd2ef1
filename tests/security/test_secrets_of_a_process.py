"""What others on the machine, and tools for crashes, get to see of a process that holds a key."""

import ast
import io
import os
import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from rich.console import Console
from rich.traceback import Traceback

import bitstamp_ledger as bl
from bitstamp_ledger.client import Client
from tests.client.canary import KEY, SECRET, forms_of, found_in
from tests.client.exchange import Exchange, refused

PACKAGE = Path(bl.__file__).parent

HOLDS_A_KEY = """
import faulthandler, sys
import bitstamp_ledger as bl

faulthandler.enable()
client = bl.Client(bl.Credentials.from_file(sys.argv[1]))
print("ready", flush=True)
sys.stdin.read()
faulthandler.dump_traceback()
"""


def shown_by_rich(error: BaseException) -> bytes:
    """Render a traceback as rich does, with the variables of every frame."""
    page = Console(file=io.StringIO(), width=4_000)
    page.print(
        Traceback.from_exception(
            type(error), error, error.__traceback__, show_locals=True, locals_max_string=10_000
        )
    )
    assert isinstance(page.file, io.StringIO)
    return page.file.getvalue().encode()


def test_a_traceback_with_all_variables_says_nothing() -> None:
    """Rich is the most talkative of the tools that programs install."""
    transport = httpx.MockTransport(Exchange(first=[refused("API0005")]))
    credentials = bl.Credentials(key=KEY, secret=SECRET)
    with (
        Client(credentials, transport=transport) as client,
        pytest.raises(bl.BitstampLedgerError) as caught,
    ):
        client.balances()
    shown = shown_by_rich(caught.value)
    assert b"Credentials(key=" in shown  # The variables are there.
    assert list(found_in(shown, forms_of(SECRET))) == []


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="needs /proc")
def test_a_running_process_shows_no_secret_to_others(tmp_path: Path) -> None:
    """Its command line can be read by every user; its environment is inherited by children."""
    stored = tmp_path / "credentials.toml"
    stored.write_text(f'key = "{KEY}"\nsecret = "{SECRET}"\n')
    stored.chmod(0o600)
    with subprocess.Popen(  # noqa: S603 - our own program
        (sys.executable, "-c", HOLDS_A_KEY, str(stored)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=PACKAGE.parent,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        listed = Path(f"/proc/{process.pid}")
        seen = (listed / "cmdline").read_bytes() + (listed / "environ").read_bytes()
        said = b"".join(process.communicate(b""))
    assert b"most recent call first" in said  # What faulthandler writes.
    for secret in (KEY, SECRET):
        assert list(found_in(seen + said, forms_of(secret))) == []


def test_no_command_takes_a_secret_as_a_word() -> None:
    """A word on a command line is in the shell's history and in every list of processes."""
    click = pytest.importorskip("click")
    from bitstamp_ledger.cli._app import app  # noqa: PLC0415 - needs the extra

    assert isinstance(app, click.Group)
    options = {
        option
        for command in app.commands.values()
        for parameter in command.params
        for option in parameter.opts
    }
    assert {"check-key", "sync", "export"} <= set(app.commands)
    assert "--credentials-file" in options
    for word in ("secret", "password", "token", "api-key", "--key"):
        assert [option for option in options if word in option] == []


def test_making_credentials_leaves_the_environment_as_it_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Children of the program would inherit what was put there."""
    monkeypatch.setenv("BITSTAMP_API_KEY", KEY)
    monkeypatch.setenv("BITSTAMP_API_SECRET", SECRET)
    before = dict(os.environ)
    bl.Credentials.from_env()
    stored = tmp_path / "credentials"
    stored.write_text(f"key={KEY}\nsecret={SECRET}\n")
    stored.chmod(0o600)
    bl.Credentials.from_file(stored)
    assert dict(os.environ) == before


def test_the_library_starts_no_process_of_its_own() -> None:
    """So there is no child that could inherit a secret, or leave it in a core file."""
    starters = {"subprocess", "multiprocessing", "pty", "_posixsubprocess"}
    calls = {"fork", "forkpty", "system", "popen", "posix_spawn", "execv", "execve", "spawnv"}
    found = []
    words = re.compile("|".join(starters | calls))
    for path in PACKAGE.rglob("*.py"):
        text = path.read_text()
        for node in ast.walk(ast.parse(text)) if words.search(text) else ():
            match node:
                case ast.Import(names=names):
                    used = {each.name.partition(".")[0] for each in names} & starters
                case ast.ImportFrom(module=str(module)):
                    used = {module.partition(".")[0]} & starters
                case ast.Attribute(value=ast.Name(id="os"), attr=attribute):
                    used = {attribute} & calls
                case _:
                    used = set()
            found += [(path.name, each) for each in used]
    assert found == []
