"""A program that keeps a sink up to date may be killed at any moment."""

import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest
import sqlalchemy as sa

from bitstamp_ledger.ledger import Ledger
from tests.ledger import postgres
from tests.sinks.killed_follow import change, follow

KILLS = [12, pytest.param(40, marks=pytest.mark.lengthy)]
MOMENTS = 70
"""About as many as a run has."""

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="workers are forked")

Rows = dict[str, str]
"""What a target holds: ids, and the amounts as text."""


@attrs.define
class Killer:
    """Starts workers and kills them."""

    process: "subprocess.Popen[str]"

    def life(self, **task: str) -> None:
        """Let a worker work until it kills itself."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{json.dumps(task)}\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline().strip() == str(-signal.SIGKILL)


@pytest.fixture
def killer() -> Iterator[Killer]:
    """The program that forks workers."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.sinks.killed_follow"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    with process:
        yield Killer(process)
        assert process.stdin is not None
        process.stdin.close()


@pytest.fixture(params=["sqlite", "postgresql", "a receiver without checkpoints"])
def target(request: pytest.FixtureRequest, folder: Path) -> str:
    """Where the rows go."""
    if request.param == "sqlite":
        return f"sqlite:///{folder}/out.db"
    if request.param == "postgresql":
        server: postgres.Server = request.getfixturevalue("postgres_server")
        return server.new_place()
    return str(folder / "log.jsonl")


@pytest.mark.thorough
@pytest.mark.parametrize("kills", KILLS)
def test_nothing_is_lost_or_doubled(killer: Killer, folder: Path, target: str, kills: int) -> None:
    """After each kill one more run suffices, and it sends what is missing, not everything."""
    draw = random.Random(11)  # noqa: S311 - moments, not secrets
    place = str(folder / "ledger.db")
    sent_anew = cut_short = 0
    shown: Rows = {}
    with Ledger.open(place) as ledger:
        follow(ledger, target)
        for _ in range(kills):
            change(ledger, draw)
            killer.life(place=place, target=target, moments=str(draw.randrange(MOMENTS)))
            report = follow(ledger, target)
            sent_anew += report.anew
            cut_short += bool(report.batches)
            shown = {entry.id: str(entry.legs) for entry in ledger.entries()}
            assert rows_of(target) == shown
    assert len(shown) > 2 * kills
    assert sent_anew == 0
    assert cut_short > kills / 3


def rows_of(target: str) -> Rows:
    """Read a target as anybody would."""
    if "://" not in target:
        return _rows_of_log(Path(target))
    url = sa.make_url(target)
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT id, legs FROM entries").all()
    return {row.id: _legs(row.legs) for row in rows}


def _legs(text: str) -> str:
    stated = [
        f"Amount(value=Decimal('{leg['value']}'), currency='{leg['currency']}')"
        for leg in json.loads(text)
    ]
    return f"({', '.join(stated)}{',' if len(stated) == 1 else ''})"


def _rows_of_log(path: Path) -> Rows:
    """Replay a log: a batch that came twice is the same both times, and no old word wins."""
    batches: dict[str, object] = {}
    rows: Rows = {}
    revisions: dict[str, int] = {}
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        batch_id, operations = json.loads(line)
        assert batches.setdefault(batch_id, operations) == operations
        for what, entry_id, revision, text in operations:
            assert revision >= revisions.get(entry_id, 0)
            revisions[entry_id] = revision
            if what == "upsert":
                rows[entry_id] = text
            else:
                rows.pop(entry_id, None)
    return rows
