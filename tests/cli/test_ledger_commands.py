"""The commands on a ledger, as a person types them."""

import email.utils
import http.server
import json
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

from bitstamp_ledger import Reconciliation
from bitstamp_ledger.cli import run
from bitstamp_ledger.sandbox import Sandbox, render_g2

pytest.importorskip("sqlalchemy", reason="a ledger that is kept needs the extra ledger")


@pytest.fixture(scope="module")
def exchange() -> Iterator[Sandbox]:
    with Sandbox(seed=3, transactions=120) as running:
        yield running


@attrs.frozen
class Done:
    returncode: int
    stdout: str
    stderr: str


class Shell:
    """Types commands in one folder, with key and ledger in the environment."""

    def __init__(
        self,
        exchange: Sandbox,
        folder: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        self.folder = folder
        self.url = exchange.url
        self.secrets = (exchange.key, exchange.secret)
        self._monkeypatch = monkeypatch
        self._capsys = capsys
        monkeypatch.chdir(folder)
        monkeypatch.setenv("BITSTAMP_API_KEY", exchange.key)
        monkeypatch.setenv("BITSTAMP_API_SECRET", exchange.secret)
        monkeypatch.setenv("BITSTAMP_LEDGER", "history.db")

    def run(self, *words: str) -> Done:
        self._monkeypatch.setattr(sys, "argv", ["bitstamp-ledger", *words])
        code = run()
        said = self._capsys.readouterr()
        return Done(code, said.out, said.err)

    def ok(self, *words: str) -> str:
        done = self.run(*words)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def sync(self) -> str:
        return self.ok("sync", "--base-url", self.url)


@pytest.fixture
def shell(
    exchange: Sandbox,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Shell:
    (tmp_path / "export.csv").write_text(render_g2(exchange.records).text)
    return Shell(exchange, tmp_path, monkeypatch, capsys)


def test_the_road_from_a_key_and_a_file_to_a_proof_and_an_export(shell: Shell) -> None:
    """What the README promises to people who do not program."""
    checked = shell.ok("check-key", "--base-url", shell.url, "--json")
    assert json.loads(checked)["state"] == "READ_ONLY"

    synced = json.loads(shell.ok("sync", "--base-url", shell.url, "--json"))
    assert synced["new"] == 120
    assert synced["notices"] == []  # The verdict of the check was remembered.

    imported = json.loads(shell.ok("import", "export.csv", "--json"))["imports"][0]
    assert imported["counts"]["witnessed"] == imported["counts"]["received"]
    assert "nothing changed" in shell.ok("import", "export.csv")

    assert "Proof holds" in shell.ok("prove", "--base-url", shell.url)
    assert "every input is accounted for" in shell.ok("status")

    assert "120 rows written" in shell.ok("export", "--out", "ledger.jsonl")
    written = (shell.folder / "ledger.jsonl").read_text().splitlines()
    listed = shell.ok("entries", "--limit", "0", "--json").splitlines()
    assert [json.loads(line)["id"] for line in written] == [
        json.loads(line)["id"] for line in listed
    ]


def test_what_a_person_says_is_kept_shown_and_taken_back(shell: Shell) -> None:
    """By the numbers and identities that the commands print themselves."""
    shell.sync()
    entry_id = json.loads(shell.ok("entries", "--kind", "trade", "--limit", "1", "--json"))["id"]

    shell.ok("label", entry_id, "a gift", "--price", "12.50 EUR", "--author", "me")
    assert "a gift" in shell.ok("entries", "--kind", "trade", "--limit", "1")
    assert "me" in shell.ok("history", entry_id)

    before = shell.ok("balances")
    number = shell.ok("hide", entry_id).split()[1].rstrip(":")
    assert shell.ok("balances") != before
    assert entry_id in shell.ok("entries", "--state", "suppressed")
    shell.ok("undo", number)
    assert shell.ok("balances") == before


def test_balances_that_do_not_agree_are_exit_code_1(shell: Shell) -> None:
    """A script must notice without reading what is printed."""
    shell.sync()
    entry_id = json.loads(shell.ok("entries", "--kind", "deposit", "--limit", "1", "--json"))["id"]
    shell.ok("hide", entry_id)

    done = shell.run("prove", "--base-url", shell.url)

    assert done.returncode == 1
    assert entry_id in done.stdout  # The cause that explains the difference names it.


def test_a_password_on_the_command_line_is_refused(shell: Shell) -> None:
    """Every user of the machine can read the command lines of all processes."""
    for place in ("postgresql+psycopg://me:hunter2@host/db", "postgresql://h/db?password=hunter2"):
        done = shell.run("status", "--ledger", place)

        assert done.returncode == 2
        assert "BITSTAMP_LEDGER" in done.stderr
        assert "hunter2" not in done.stderr + done.stdout


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["label", "Main Account/trade/1", "x"], 3, "never heard"),
        (["label", "Main Account/trade/1"], 2, "Give a label"),
        (["label", "Main Account/trade/1", "--price", "twelve"], 2, "no price"),
        (["export", "--out", "ledger.docx"], 2, "no sink"),
        (["remove", "7"], 3, "7"),
        (["import", "missing.csv"], 3, "missing.csv"),
    ],
)
def test_mistakes_are_told_in_words(shell: Shell, words: list[str], code: int, said: str) -> None:
    """One line that says what is wrong, and an exit code that says whose fault it is."""
    done = shell.run(*words)

    assert done.returncode == code
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_doctor_shows_what_is_installed_and_nothing_secret(shell: Shell) -> None:
    """Its output goes into bug reports."""
    private = shell.folder / "key.json"
    private.write_text("{}")
    private.chmod(0o644)

    said = shell.ok("doctor", "--credentials-file", "key.json", "--online", "--base-url", shell.url)

    assert not any(secret in said for secret in shell.secrets)
    assert "BITSTAMP_API_SECRET: set" in said
    assert "chmod 600 key.json" in said
    assert f"{shell.url}: reached" in said


def test_a_file_with_the_key_can_be_named_by_the_environment(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its name is no secret; doctor looks at it as well."""
    private = shell.folder / "key.txt"
    private.write_text("key = {}\nsecret = {}\n".format(*shell.secrets))
    private.chmod(0o600)
    monkeypatch.setenv("BITSTAMP_CREDENTIALS_FILE", "key.txt")

    two = shell.run("sync", "--base-url", shell.url)
    assert two.returncode == 2
    assert "names two keys" in two.stderr

    monkeypatch.delenv("BITSTAMP_API_KEY")
    monkeypatch.delenv("BITSTAMP_API_SECRET")
    assert "120 of them new" in shell.sync()
    said = json.loads(shell.ok("doctor", "--json"))
    assert said["credentials file"] == {"key.txt": "only you may use it"}
    assert said["environment"]["BITSTAMP_CREDENTIALS_FILE"] == "set"

    private.chmod(0o644)
    assert shell.run("sync", "--base-url", shell.url).returncode == 3
    assert "chmod 600 key.txt" in shell.ok("doctor")


def test_formats_and_sinks_are_listed(shell: Shell) -> None:
    """Plug-ins as well: what is listed can be named in --format and --sink."""
    assert "bitstamp-g2" in json.loads(shell.ok("formats", "--json"))["formats"]
    assert "jsonl" in json.loads(shell.ok("sinks", "--json"))["sinks"]


def test_a_ledger_tells_what_matched(shell: Shell) -> None:
    """The whole result, which the library reads again; pages and files go another way."""
    shell.sync()
    shell.ok("import", "export.csv")

    result = Reconciliation.from_json(shell.ok("reconcile", "--json"))
    assert (len(result.entries), result.counts.received) == (120, 228)
    assert result.counts.witnessed == len(result.matches) == 108
    assert "every input is accounted for" in shell.ok("reconcile", "--html", "page.html")
    assert (shell.folder / "page.html").exists()

    mixed = shell.run("reconcile", "--ledger", "history.db", "--file", "export.csv")
    assert (mixed.returncode, "not both" in mixed.stderr) == (2, True)
    assert shell.run("reconcile", "--file", "export.csv").returncode == 2


def test_what_changes_a_ledger_says_so_as_json(shell: Shell) -> None:
    """A script can undo what it did, by the number that it reads."""
    shell.sync()
    entry_id = json.loads(shell.ok("entries", "--limit", "1", "--json"))["id"]

    made = json.loads(shell.ok("hide", entry_id, "--reason", "twice", "--json"))
    assert (made["kind"], made["entry"], made["reason"]) == ("hide", entry_id, "twice")
    undone = json.loads(shell.ok("undo", str(made["decision"]), "--json"))
    assert undone["undoes"] == made["decision"]
    told = json.loads(shell.ok("history", entry_id, "--json"))["events"]
    assert [each["what"] for each in told] == ["received", "hide", "undo"]
    assert json.loads(shell.ok("export", "--out", "l.csv", "--json"))["rows"] == 120
    number = json.loads(shell.ok("import", "export.csv", "--json"))["imports"][0]["file"]
    assert json.loads(shell.ok("remove", str(number), "--json")) == {"removed": number}


def test_doctor_compares_the_clock_only_when_asked(shell: Shell) -> None:
    """It must work without a network, and says what it did not look at."""
    offline = json.loads(shell.ok("doctor", "--json"))
    assert offline["clock"] == {"against the exchange": "not checked; see --online"}
    assert offline["ledger"] == {"history.db": "not there yet; `sync` makes it"}

    refused = shell.ok("doctor", "--json", "--online", "--base-url", "http://example.org")
    (told,) = json.loads(refused)["exchange"].values()
    assert told.startswith("not reached: http://example.org would send")

    asked = json.loads(shell.ok("doctor", "--json", "--online", "--base-url", "http://127.0.0.1:1"))
    assert asked["clock"]["against the exchange"].startswith("not checked: no reply")


@pytest.mark.parametrize(
    ("off_s", "said"),
    [
        (0, "agrees to the second"),
        (-40, "40 s ahead of the exchange"),
        (400, "400 s behind the exchange; requests are refused beyond 150 s: set the clock"),
    ],
)
def test_doctor_says_how_far_the_clock_is_off(shell: Shell, off_s: int, said: str) -> None:
    """The exchange shows its own in each reply."""

    class Answer(http.server.BaseHTTPRequestHandler):
        def date_time_string(self, timestamp: float | None = None) -> str:
            del timestamp
            return email.utils.formatdate(time.time() + off_s, usegmt=True)

        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"buy": "1.1", "sell": "1.0"}')

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        found = json.loads(shell.ok("doctor", "--json", "--online", "--base-url", url))
        server.shutdown()
    told = found["clock"]["against the exchange"]
    near = {said.replace(str(abs(off_s)), str(abs(off_s) + more), 1) for more in (-1, 0, 1)}
    assert told in (near if off_s else {said})
