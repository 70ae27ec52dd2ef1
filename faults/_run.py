"""One run: a storm drawn from a seed, then calm weather, then the reckoning."""

import contextlib
import json
import os
import random
import selectors
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, Self

import attrs

from bitstamp_ledger.sandbox import READ_PERMISSIONS, Faults, Limits, Sandbox, render_g1, render_g2
from faults._plan import ANSWERS, DAYS, EXCHANGE, OLD_ROWS, Life, Plan, plan
from faults._truth import wrong_at_the_end, wrong_between, wrong_words

LIFE_SECONDS_MAX: Final = 240
"""Rows that arrive with each page make a history of hundreds; one that takes longer hangs."""

LOSSES: Final = ("", "ledger", "sink")
"""What the harness can lose on purpose, to show that it notices."""

TORN_BYTES: Final = 5_000


class HangError(Exception):
    """A life did not end."""


@attrs.frozen(kw_only=True)
class Result:
    """How a run ended."""

    seed: int
    wrong: tuple[str, ...]
    journal: tuple[str, ...]
    seconds: float
    lives: int
    killed: int
    refused: int
    """Steps that ended in one of our own errors."""

    entries: int

    def line(self) -> str:
        """Return the run in one line."""
        verdict = "FAILED" if self.wrong else "sound"
        return (
            f"seed {self.seed}: {verdict}; {self.lives} lives, {self.killed} ended by a signal,"
            f" {self.refused} steps refused, {self.entries} records, {self.seconds:.1f} s"
        )


class Workers:
    """Starts the program's lives, and sees them end."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "faults.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[1],
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._process as process:
            if process.stdin is not None:
                process.stdin.close()

    def life(self, task: dict[str, Any]) -> int:
        """Let a life begin and end; return its exit code, negative for a signal.

        Raises:
            HangError: it had to be ended from here.
        """
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            raise RuntimeError("pipes were asked for")
        stdin.write(f"{json.dumps(task)}\n")
        stdin.flush()
        child = int(stdout.readline())
        with selectors.DefaultSelector() as selector:
            selector.register(stdout, selectors.EVENT_READ)
            if selector.select(LIFE_SECONDS_MAX):
                return int(stdout.readline())
        os.kill(child, 9)
        stdout.readline()
        raise HangError(f"no end after {LIFE_SECONDS_MAX} s")


@attrs.define(kw_only=True)
class _Storm:
    """A run that goes on."""

    plan: Plan
    sandbox: Sandbox
    folder: Path
    place: str
    file: Path | None
    """Where the ledger lies, if it is a file."""

    files: dict[str, int]
    lose: str
    workers: Workers
    journal: list[str] = attrs.field(factory=list)
    wrong: list[str] = attrs.field(factory=list)
    annotated: set[str] = attrs.field(factory=set)
    killed: int = 0
    refused: int = 0

    def live(self, number: int, life: Life, *, calm: bool = False) -> None:
        """Let one life happen, and look at what is left."""
        name = "calm" if calm else f"life {number}"
        self.journal.append(f"{name}: {life.told()}")
        self._spoil(life)
        log = self.folder / f"{number}.log"
        place = self.place
        if life.read_only and self.file is not None and self.file.exists():
            place = f"sqlite:///file:{self.file}?mode=ro&uri=true"
        code = self.workers.life(
            {
                "url": self.sandbox.url,
                "key": self.sandbox.key,
                "secret": self.sandbox.secret,
                "place": place,
                "file": None if self.file is None else str(self.file),
                "folder": str(self.folder),
                "files": [*self.files],
                "log": str(log),
                "page": self.plan.page,
                "now": self.now() + life.skew_s,
                "zone": life.zone,
                "events": [attrs.asdict(event) for event in life.events],
                "calm": calm,
                "mode": "full" if calm and self._old_rows_came() else "resume",
                "lose": self.lose,
            }
        )
        self._calm()
        self._hear(name, code, log, calm=calm)
        if life.torn and code < 0 and self.file is not None:
            self._tear()
        if not calm:
            self._note(f"after {name}", wrong_between(self.place))

    def _old_rows_came(self) -> bool:
        """Say whether rows came that may lie behind the overlap of a sync that resumes."""
        return any(OLD_ROWS & {*life.exchange} for life in self.plan.lives)

    def now(self) -> float:
        """Return the time at the exchange."""
        return self.sandbox._exchange.now()  # noqa: SLF001 - its clock is ours

    def _spoil(self, life: Life) -> None:
        faults = self.sandbox.faults
        for name, good, seed in life.spoilt:
            if good:
                faults.pass_next(count=good)
            ANSWERS[name](faults, random.Random(seed))  # noqa: S311 - repeatable on purpose
        for name in life.exchange:
            EXCHANGE[name](self.sandbox)

    def _calm(self) -> None:
        sandbox = self.sandbox
        sandbox.accept_connections()
        sandbox.set_flags(sandbox.key)
        sandbox.set_permissions(sandbox.key, *READ_PERMISSIONS)
        faults = sandbox.faults
        faults.clear()
        faults.clock_offset_s = 0
        faults.rows_appended_per_page = faults.late_rows_per_page = 0

    def _hear(self, name: str, code: int, log: Path, *, calm: bool) -> None:
        text = log.read_text(encoding="utf-8") if log.exists() else ""
        words = [json.loads(line) for line in text.splitlines() if line.endswith("}")]
        self.killed += code < 0 or any(word["step"] == "left" for word in words)
        self.refused += sum("refused" in word for word in words)
        self.annotated |= {
            word["entry"] for word in words if word["step"] == "annotate" and "entry" in word
        }
        steps = [f"{word['step']}{'!' if 'refused' in word else ''}" for word in words]
        self.journal.append(f"{name}: ended with {code} after {', '.join(steps) or 'nothing'}")
        self.journal += [
            f"  {word['step']}: {word['refused']}" for word in words if "refused" in word
        ]
        self._note(name, wrong_words(words, calm=calm))
        if code > 0 or (calm and (code or not words or words[-1]["step"] != "end")):
            self.wrong.append(f"{name}: ended with {code}, {words[-1:]}")

    def _note(self, where: str, wrong: Iterator[str]) -> None:
        try:
            self.wrong += [f"{where}: {each}" for each in wrong]
        except Exception as exc:  # noqa: BLE001 - whatever it is, it is a finding
            self.wrong.append(f"{where}: {exc!r}")

    def _tear(self) -> None:
        """Leave half of a page behind what a killed program wrote."""
        log = Path(f"{self.file}-wal")
        if log.exists():
            draw = random.Random(log.stat().st_size)  # noqa: S311 - repeatable on purpose
            with log.open("ab") as torn:
                torn.write(draw.randbytes(draw.randrange(1, TORN_BYTES)))

    def reckon(self) -> None:
        """Look at everything, once it is calm again."""
        found = wrong_at_the_end(
            self.place, self.sandbox, self.folder, annotated=self.annotated, files=self.files
        )
        self._note("at the end", found)


def run(
    seed: int,
    workers: Workers,
    *,
    lose: str = "",
    new_place: Callable[[], str] | None = None,
    lives_max: int | None = None,
) -> Result:
    """Do one run.

    Args:
        seed: everything is drawn from it.
        workers: starts the lives.
        lose: what to lose on purpose, one of `LOSSES`.
        new_place: returns the address of an empty database; a new file unless given.
        lives_max: end the storm after so many lives.
    """
    began = time.monotonic()
    planned = plan(seed)
    planned = attrs.evolve(planned, lives=planned.lives[:lives_max])
    folder = Path(tempfile.mkdtemp(prefix="ledger-faults-"))
    start = DAYS[planned.day].timestamp()
    try:
        with _sandbox(planned, lambda: start + time.monotonic() - began) as sandbox:
            file = None if new_place else folder / "ledger.db"
            storm = _Storm(
                plan=planned,
                sandbox=sandbox,
                folder=folder,
                place=new_place() if new_place else str(file),
                file=file,
                files=_exports(sandbox, folder),
                lose=lose,
                workers=workers,
            )
            storm.journal.append(f"{planned.day}; {planned.records} records, {planned.page} a page")
            _weather(storm)
            return Result(
                seed=seed,
                wrong=tuple(storm.wrong),
                journal=tuple(storm.journal),
                seconds=time.monotonic() - began,
                lives=len(planned.lives),
                killed=storm.killed,
                refused=storm.refused,
                entries=len(sandbox.records),
            )
    finally:
        shutil.rmtree(folder)


def _weather(storm: _Storm) -> None:
    try:
        for number, life in enumerate(storm.plan.lives, 1):
            storm.live(number, life)
        storm.live(0, Life(), calm=True)
    except HangError as exc:
        storm.wrong.append(f"hangs: {exc}")
        return
    storm.reckon()


@contextlib.contextmanager
def _sandbox(planned: Plan, clock: Callable[[], float]) -> Iterator[Sandbox]:
    limits = Limits(per_1s=10**6, per_600s=10**6)
    with Sandbox(
        seed=planned.seed,
        transactions=planned.records,
        faults=Faults(limit_cap=planned.page),
        limits=limits,
        clock=clock,
    ) as sandbox:
        yield sandbox


def _exports(sandbox: Sandbox, folder: Path) -> dict[str, int]:
    """Write the exchange's own files of the account; return how many rows each has."""
    written = {}
    records = sandbox.records
    # A person has the old file of old years, and the new file of all.
    for name, export in (
        ("old.csv", render_g1(records[: len(records) // 2])),
        ("new.csv", render_g2(records)),
    ):
        path = folder / name
        path.write_text(export.text, encoding="utf-8")
        written[str(path)] = export.text.count("\n") - 1
    return written
