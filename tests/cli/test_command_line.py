"""The command line, as a person runs it: in a process of its own."""

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bitstamp_ledger import Reconciliation

PAGE_2013 = """[
  {"usd": "-11.37", "btc": "0.08650000", "btc_usd": "131.50", "order_id": 6877187, "fee": "0.06",
   "type": 2, "id": 1296712, "datetime": "2013-09-02 13:17:49"},
  {"usd": "11.37", "btc": "0.08650000", "btc_usd": "-131.50", "order_id": 6877187, "fee": "0.06",
   "type": 2, "id": 1296712, "datetime": "2013-09-02 13:17:49"},
  {"usd": "367.65", "btc": "0.00000000", "btc_usd": "0.00", "order_id": null, "fee": "0.00",
   "type": 0, "id": 35460, "datetime": "2012-07-10 12:14:30"}
]"""

EXPORT = """\
Type,Datetime,Account,Amount,Value,Rate,Fee,Sub Type
Deposit,"Jul. 10, 2012, 12:14 PM",Main Account,367.65 USD,,,,
Market,"Sep. 02, 2013, 01:17 PM",Main Account,0.08650000 BTC,11.37 USD,131.50 USD,0.06 USD,Buy
Market,"Sep. 03, 2013, 01:17 PM",Main Account,0.10000000 BTC,13.00 USD,130.00 USD,0.07 USD,Buy
"""

COINTRACKING = """\
"Type","Buy","Cur.","Sell","Cur.","Fee","Cur.","Exchange","Group","Comment","Date"
"Trade","0.0865","BTC","11.43","USD","0.06","USD","Bitstamp","","","9/2/2013 13:17"
"""


def run(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-W", "error", "-m", "bitstamp_ledger", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "page.json").write_text(PAGE_2013)
    (tmp_path / "export.csv").write_text(EXPORT)
    return tmp_path


class TestReconcile:
    def test_lists_every_record_and_the_contradicting_pair_as_a_conflict(
        self, folder: Path
    ) -> None:
        """One id with contradicting legs: nothing is lost, and nothing is booked twice."""
        done = run("reconcile", "--api", "page.json", cwd=folder)

        assert done.returncode == 0
        assert "Ledger: 3" in done.stdout
        assert "Conflicts, all of them kept: 1" in done.stdout
        assert "the exchange sent record" in done.stdout
        assert "3 received = 2 kept + 0 witnessed + 1 quarantined" in done.stdout

    def test_tells_witnesses_from_new_rows(self, folder: Path) -> None:
        """Machines get the whole result, which the library reads again."""
        done = run("reconcile", "--api", "page.json", "--file", "export.csv", "--json", cwd=folder)
        result = Reconciliation.from_json(done.stdout)

        assert {match.file[0].source.row for match in result.matches} == {1, 2}
        assert [row.source.row for row in result.new] == [3]
        assert len(result.entries) == 4
        assert result.counts.adds_up
        assert json.loads(done.stdout)["schema"] == 1

    def test_explains_its_matches(self, folder: Path) -> None:
        """In words, with the interval that the row stands for."""
        done = run(
            "reconcile", "--api", "page.json", "--file", "export.csv", "--explain", cwd=folder
        )

        assert "row 2 of export.csv is API record 1296712" in done.stdout
        assert "2013-09-02 13:17:00 up to 13:18:00" in done.stdout

    def test_explains_what_matched_nothing_and_each_file(self, folder: Path) -> None:
        """The nearest record, with the fields that excluded it; and how the file was read."""
        done = run(
            "reconcile", "--api", "page.json", "--file", "export.csv", "--explain", cwd=folder
        )

        assert "row 3 of export.csv is kept as new" in done.stdout
        assert "excluded by time, base amount, quote amount" in done.stdout
        assert "export.csv (bitstamp-g1)\n  zone: UTC" in done.stdout

    def test_shows_how_each_file_was_read(self, folder: Path) -> None:
        """Its zone, its fee, its dates and its ids, with what speaks for each."""
        (folder / "table.csv").write_text(COINTRACKING)
        done = run("reconcile", "--api", "page.json", "--file", "table.csv", cwd=folder)
        shown = [
            [cell.strip() for cell in line.strip("│").split("│")]
            for line in done.stdout.splitlines()
            if line.startswith("│ table.csv")
        ]

        assert [cells[:3] for cells in shown] == [
            ["table.csv", "zone", "undecided"],
            ["table.csv", "date order", "undecided"],
            ["table.csv", "fee", "undecided"],
            ["table.csv", "ids", "not proven"],
        ]
        assert all(cells[3] for cells in shown)

    def test_lists_no_more_than_asked_for(self, folder: Path) -> None:
        """And says how many there are."""
        done = run("reconcile", "--api", "page.json", "--limit", "1", cwd=folder)

        assert "Ledger: 3" in done.stdout
        assert "… and 2 more; --limit 0 lists all." in done.stdout
        assert (
            "more;" not in run("reconcile", "--api", "page.json", "--limit", "0", cwd=folder).stdout
        )

    def test_an_empty_ledger_is_shown_as_empty(self, folder: Path) -> None:
        """Rather than not at all."""
        (folder / "page.json").write_text("[]")
        done = run("reconcile", "--api", "page.json", cwd=folder)

        assert "Ledger: 0" in done.stdout
        assert "Conflicts" not in done.stdout
        assert "0 received = 0 kept" in done.stdout

    @pytest.mark.parametrize("name", ["ledger.csv", "ledger.jsonl"])
    def test_writes_the_ledger(self, folder: Path, name: str) -> None:
        """The sink is chosen by the name's ending."""
        done = run("reconcile", "--api", "page.json", "--out", name, cwd=folder)

        assert done.returncode == 0, done.stderr
        assert "1296712" in (folder / name).read_text()

    def test_a_page_that_is_not_json_is_one_message(self, folder: Path) -> None:
        """With the next step, and an exit code that is not 0."""
        (folder / "page.json").write_text("<html>maintenance</html>")
        done = run("reconcile", "--api", "page.json", "--out", "ledger.csv", cwd=folder)

        assert done.returncode == 3
        assert "page.json is no page of user_transactions" in done.stderr
        assert "What to do:" in done.stderr
        assert "Traceback" not in done.stderr
        assert not (folder / "ledger.csv").exists()

    def test_a_file_that_is_no_statement_is_one_message(self, folder: Path) -> None:
        """It shows the header that was found."""
        (folder / "export.csv").write_text("name,colour\nroof,red\n")
        done = run("reconcile", "--api", "page.json", "--file", "export.csv", cwd=folder)

        assert done.returncode == 3
        assert "colour" in done.stderr
        assert "Traceback" not in done.stderr

    def test_a_ledger_that_cannot_be_written_leaves_nothing_behind(self, folder: Path) -> None:
        """The folder does not exist."""
        done = run("reconcile", "--api", "page.json", "--out", "missing/ledger.csv", cwd=folder)

        assert done.returncode == 3
        assert "What to do:" in done.stderr
        assert not (folder / "missing").exists()

    def test_a_missing_page_is_one_message(self, folder: Path) -> None:
        """It names the file."""
        done = run("reconcile", "--api", "nowhere.json", cwd=folder)

        assert done.returncode == 3
        assert "nowhere.json" in done.stderr


class TestRead:
    def test_shows_what_the_file_states_and_loses(self, folder: Path) -> None:
        """A person sees the rows, their precision, and what is lost."""
        done = run("read", "export.csv", cwd=folder)

        assert done.returncode == 0
        assert "bitstamp-g1" in done.stdout
        assert "Times are cut to the minute" in done.stdout
        assert "0.08650000 BTC" in done.stdout

    def test_shows_rows_that_cannot_be_read(self, folder: Path) -> None:
        """Row, column, text and reason; the other rows count."""
        (folder / "export.csv").write_text(EXPORT.replace("0.10000000 BTC", "much BTC"))
        said = json.loads(run("read", "export.csv", "--json", cwd=folder).stdout)

        assert [problem["row"] for problem in said["problems"]] == [3]
        assert said["problems"][0]["column"] == "Amount"
        assert len(said["entries"]) == 2


class TestDemo:
    def test_walks_the_whole_road(self, tmp_path: Path) -> None:
        """Read, import, reconcile, prove, write: every count is there, and it proves."""
        done = run("demo", "--transactions", "300", "--out", "out", "--json", cwd=tmp_path)
        said = json.loads(done.stdout)

        assert done.returncode == 0
        assert said["records"] == 300
        assert said["proof"]["holds"] is True
        assert said["counts"]["adds_up"] is True
        assert said["unexplained"] == 0
        assert said["new"] > 0
        assert said["file_matches"] > 0
        assert {match["rule"] for match in said["matches"]} == {
            "same exchange id, same content",
            "same content within what the row states",
        }
        assert said["written"][-1] == str(Path("out", "report.html"))
        assert "<title>" in (tmp_path / "out" / "report.html").read_text()
        assert len((tmp_path / "out" / "ledger.jsonl").read_text().splitlines()) == said["entries"]

    def test_tells_a_person_what_it_did(self, tmp_path: Path) -> None:
        """Without --json, in words."""
        done = run("demo", "--transactions", "100", "--out", "out", cwd=tmp_path)

        assert done.returncode == 0
        assert "Proof holds" in done.stdout
        assert "Where the time went" in done.stdout

    def test_a_folder_that_cannot_be_written_is_one_message(self, tmp_path: Path) -> None:
        """A file stands where the folder should be."""
        (tmp_path / "out").write_text("")
        done = run("demo", "--transactions", "100", "--out", "out/deeper", cwd=tmp_path)

        assert done.returncode == 3
        assert "cannot be written" in done.stderr
        assert "Traceback" not in done.stderr


class TestSandbox:
    def test_prints_how_to_reach_it_and_answers(self, tmp_path: Path) -> None:
        """A program in any language can rehearse against it."""
        import httpx  # noqa: PLC0415 - only here

        with sandbox_running(tmp_path, "--transactions", "50") as said:
            answer = httpx.get(f"{said['url']}/api/v2/eur_usd/", trust_env=False)

        assert set(said) == {"url", "key", "secret"}
        assert answer.status_code == 200

    def test_is_as_slow_and_as_strict_as_it_is_told(self, tmp_path: Path) -> None:
        """So that a program in any language can rehearse a slow exchange and its limits."""
        import httpx  # noqa: PLC0415 - only here

        options = ["--latency-ms", "150", "--per-ten-minutes", "2", "--derivatives"]
        with sandbox_running(tmp_path, "--transactions", "50", *options) as said:
            before = time.monotonic()
            answers = [
                httpx.get(f"{said['url']}/api/v2/eur_usd/", trust_env=False) for _ in range(3)
            ]
            took = time.monotonic() - before

        assert [answer.status_code for answer in answers] == [200, 200, 400]
        assert took >= 3 * 0.15


@contextlib.contextmanager
def sandbox_running(folder: Path, *options: str) -> Iterator[dict[str, str]]:
    """Run the command; give what it says about how to reach it."""
    with subprocess.Popen(  # noqa: S603 - our own words
        [sys.executable, "-m", "bitstamp_ledger", "sandbox", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=folder,
    ) as running:
        try:
            assert running.stdout is not None
            yield dict(running.stdout.readline().split() for _ in range(3))
        finally:
            running.terminate()


def test_a_command_that_does_not_exist_is_a_usage_error(tmp_path: Path) -> None:
    """With exit code 2, as everywhere."""
    assert run("trade", cwd=tmp_path).returncode == 2
