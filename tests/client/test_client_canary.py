"""One full run with a canary for a secret: nothing that it prints or writes may hold it.

The run is a process of its own (``canary_run``), logs everything, shows every value in every way,
provokes every error, runs the command line and a failing test.  The canary is looked for in what
all of them said, in many disguises.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import attrs
import pytest

from tests.client.canary import KEY, SECRET, forms_of, found_in, leaks_below, named


@attrs.frozen
class Run:
    """What a run left behind."""

    out: Path
    """All that it said."""

    nonces: list[str]
    """Of all its requests; of those that never reached the exchange as well."""

    signatures: list[str]

    amounts: list[str]
    """What the account states."""

    def said_in(self, name: str) -> bytes:
        return (self.out / name).read_bytes()


def talk(folder: Path, *arguments: str) -> Path:
    """Start the run; return the folder with all that it said."""
    out, private = folder / "out", folder / "private"
    out.mkdir()
    private.mkdir(mode=0o700)
    done = subprocess.run(  # noqa: S603 - our own program
        (sys.executable, "-m", "tests.client.canary_run", str(out), str(private), *arguments),
        check=False,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONWARNINGS": "always", "COLUMNS": "300"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    (out / "printed.txt").write_bytes(done.stdout)
    assert done.returncode == 0, done.stdout.decode().replace(SECRET, "THE SECRET")
    return out


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The full run, once for all tests."""
    folder = tmp_path_factory.mktemp("canary")
    out = talk(folder)
    private = folder / "private"
    sent = json.loads((private / "sent.json").read_text())
    return Run(
        out=out,
        nonces=sent[::2],
        signatures=sent[1::2],
        amounts=json.loads((private / "amounts.json").read_text()),
    )


def test_the_run_was_a_full_one(run: Run) -> None:
    """A search through nothing finds nothing."""
    assert b"user_transactions" in run.said_in("debug.log")
    assert b"receive_response_headers" in run.said_in("debug.log")
    assert run.said_in("debug.log").count(b"Traceback") > 20
    assert run.said_in("shown.txt").count(b"Credentials(key=") > 10
    assert b"READ_ONLY" in run.said_in("check-key-json.txt") or (
        b"read_only" in run.said_in("check-key-json.txt").lower()
    )
    assert b"entries in the ledger" in run.said_in("demo.txt")
    assert b"1 failed" in run.said_in("pytest.txt")
    assert b"client     = Client(127.0.0.1" in run.said_in("pytest.txt")
    assert (run.out / "demo" / "ledger.jsonl").stat().st_size > 1_000
    assert run.said_in("history.db").startswith(b"SQLite format 3")
    assert (run.out / "history.db").stat().st_size > 100_000
    assert run.said_in("ledger.csv").count(b"\n") > 300
    assert b"the account is paused" in run.said_in("shown.txt")
    assert b"SyncReport(" in run.said_in("shown.txt")
    assert b"Proof(" in run.said_in("shown.txt")
    assert b"ended with 3" not in run.said_in("info.log")
    assert len(set(run.nonces)) == len(set(run.signatures)) > 100
    assert len(run.amounts) > 100


def test_the_secret_is_nowhere(run: Run) -> None:
    """Not whole, not by half, not in any disguise; no file, no name of a file."""
    assert leaks_below(run.out, forms_of(SECRET)) == []


def test_the_key_is_nowhere(run: Run) -> None:
    """People tell their keys apart by the last four characters; nobody is shown more."""
    needles = {"key": KEY.encode(), "half of it": KEY[:16].encode(), "the rest": KEY[16:].encode()}

    assert leaks_below(run.out, needles) == []


def test_no_signature_of_a_request_is_anywhere(run: Run) -> None:
    """Not even where a tool shows the variables of all frames."""
    assert leaks_below(run.out, named(run.signatures, "signature")) == []


def test_no_nonce_of_a_request_is_logged(run: Run) -> None:
    """At no level, and in no output of a command."""
    leaks = leaks_below(run.out, named(run.nonces, "nonce"))

    assert [where for where, _ in leaks if where != "shown.txt"] == []


def test_no_nonce_of_a_request_is_anywhere(run: Run) -> None:
    """Not even where a tool shows the variables of all frames."""
    assert leaks_below(run.out, named(run.nonces, "nonce")) == []


def test_no_amount_is_logged_above_debug_level(run: Run) -> None:
    """The run met every fault and was logged with all its errors; logs are sent to others."""
    needles = named(run.amounts, "amount")

    for name in ("library.log", "info.log"):
        assert list(found_in(run.said_in(name), needles)) == []
    assert run.said_in("library.log").count(b"records") > 20


def test_a_secret_that_is_logged_is_found(tmp_path: Path) -> None:
    """The search works: one line at debug level is enough."""
    out = talk(tmp_path, "--leak")

    assert ("debug.log", "plain") in leaks_below(out, forms_of(SECRET))


@pytest.mark.parametrize("form", forms_of(SECRET))
def test_every_disguise_is_seen_through(tmp_path: Path, form: str) -> None:
    """In the middle of a line, broken over two lines, in a frame, in the name of a file."""
    content = forms_of(SECRET)[form]
    needles = {form: content}
    half = len(content) // 2

    assert list(found_in(b"before " + content + b" after", needles)) == [form]
    if not form.startswith("UTF"):
        broken = content[:half] + b"  \xe2\x94\x82\n\xe2\x94\x82 \x1b[33m" + content[half:]
        assert list(found_in(broken, needles)) == [form]
    assert list(found_in(b"nothing of the kind", needles)) == []
    if form == "hex":
        (tmp_path / content.decode()).mkdir()
        assert leaks_below(tmp_path, needles)
