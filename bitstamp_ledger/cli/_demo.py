"""The whole road once, on a made-up account: read, import, reconcile, prove, write."""

import datetime as dt
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import attrs
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from bitstamp_ledger import sinks
from bitstamp_ledger.cli import _show
from bitstamp_ledger.client import Client, Credentials
from bitstamp_ledger.errors import MissingExtraError, SinkError
from bitstamp_ledger.files import Statement, read_statement
from bitstamp_ledger.ledger import Proof, prove
from bitstamp_ledger.model import MAIN_ACCOUNT, Balance, Entry
from bitstamp_ledger.reconcile import Reconciliation, reconcile
from bitstamp_ledger.report import HasSection

OTHER_ACCOUNT: Final = "Trading"
OTHER_ACCOUNT_RECORDS: Final = 40
"""A sub-account that the key cannot read: its trades are in the files only."""


@attrs.frozen(kw_only=True)
class Reading:
    """What was read over HTTP: balances, entries, balances."""

    before: tuple[Balance, ...]
    entries: tuple[Entry, ...]
    after: tuple[Balance, ...]

    @property
    def steady(self) -> bool:
        """Whether nothing moved while the entries were read."""
        return self.before == self.after


@attrs.frozen(kw_only=True)
class DemoReport:
    """All that the demo found."""

    reading: Reading
    statements: tuple[Statement, ...]
    result: Reconciliation
    proof: Proof
    """Of the account that the key reads; the files also hold trades of another."""

    written: tuple[Path, ...]
    seconds: Mapping[str, float] = attrs.field(hash=False)
    """How long each step took."""


class _Clock:
    """Times the steps and shows which one is running."""

    def __init__(self, *, quiet: bool) -> None:
        self.seconds: dict[str, float] = {}
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            TextColumn("{task.fields[count]}"),
            TimeElapsedColumn(),
            console=_show.progress_console(),
            transient=True,
            disable=quiet,
        )

    @contextmanager
    def step(self, name: str) -> Iterator["_Counter"]:
        task = self._progress.add_task(name, total=None, count="")
        self._progress.start()
        began = time.perf_counter()
        try:
            yield _Counter(self._progress, task)
        finally:
            self.seconds[name] = time.perf_counter() - began
            self._progress.stop()
            self._progress.remove_task(task)


@attrs.define
class _Counter:
    _progress: Progress
    _task: object

    def counted(self, entries: Iterator[Entry], *, every: int = 500) -> Iterator[Entry]:
        """Pass entries on, and show how many there were."""
        for number, entry in enumerate(entries, start=1):
            if number % every == 0:
                self._progress.update(self._task, count=f"{number:,}")  # type: ignore[arg-type]
            yield entry


def walk(*, transactions: int, seed: int, out: Path, quiet: bool) -> DemoReport:
    """Walk the road.

    Args:
        transactions: how many records the made-up account has.
        seed: makes it the same again.
        out: the folder for files and ledger; made if it is missing.
        quiet: show no progress.

    Raises:
        BitstampLedgerError: see `bitstamp_ledger.errors`.
    """
    from bitstamp_ledger.sandbox import (  # noqa: PLC0415 - optional packages
        Sandbox,
        generate_account,
        render_g1,
        render_g2,
    )

    _make_folder(out)
    clock = _Clock(quiet=quiet)
    with clock.step("make up an account and start the exchange"):
        sandbox = Sandbox(seed=seed, transactions=transactions)
        other = generate_account(seed + 1, OTHER_ACCOUNT_RECORDS).records
        records = sandbox.records
        early, late = _overlapping_spans(records)
        g2_text = render_g2(records, start=late, counterparty=OTHER_ACCOUNT).text
        g1_text = render_g1(records, end=early, counterparty=OTHER_ACCOUNT).text
        g2_text += _without_header(
            render_g2(other, account=OTHER_ACCOUNT, counterparty=MAIN_ACCOUNT).text
        )
        g1_text += _without_header(
            render_g1(other, account=OTHER_ACCOUNT, counterparty=MAIN_ACCOUNT).text
        )
        files = (out / "new-export.csv", out / "old-export.csv")
        for path, text in zip(files, (g2_text, g1_text), strict=True):
            _write(path, text)
        sandbox.start()
    try:
        with clock.step("read the account over HTTP") as counter:
            reading = _read(sandbox.url, sandbox.key, sandbox.secret, counter)
    finally:
        sandbox.stop()
    with clock.step("read two files"):
        statements = tuple(read_statement(path) for path in files)
    with clock.step("reconcile"):
        result = reconcile(reading.entries, statements)
    with clock.step("prove"):
        read_accounts = {entry.account for entry in reading.entries}
        proof = prove(
            (each for each in result.entries if each.account in read_accounts), reading.after
        )
    with clock.step("write the ledger"):
        written: tuple[Path, ...] = (out / "ledger.jsonl", out / "ledger.csv")
        for path in written:
            with sinks.open(path.suffix.removeprefix("."), path=path) as handle:
                handle.write(result.entries)
    with clock.step("write a page"):
        if page := _page(result, (*statements, proof), out / "report.html"):
            written = (*written, page)
    return DemoReport(
        reading=reading,
        statements=statements,
        result=result,
        proof=proof,
        written=(*files, *written),
        seconds=clock.seconds,
    )


def _page(result: Reconciliation, also: Iterable[HasSection], path: Path) -> Path | None:
    """Write all of it as a page for a browser; None without the extra ``report``."""
    try:
        result.to_html(path, also=also)
    except MissingExtraError:
        return None
    return path


def _read(url: str, key: str, secret: str, counter: _Counter) -> Reading:
    with Client(Credentials(key=key, secret=secret), base_url=url) as client:
        before = client.balances()
        entries = tuple(counter.counted(client.entries()))
        return Reading(before=before, entries=entries, after=client.balances())


def _overlapping_spans(records: list[dict[str, object]]) -> tuple[dt.datetime, dt.datetime]:
    """Return where the old export ends and where the new one begins, some way before that."""
    times = sorted(str(record["datetime"]) for record in records)
    end, start = times[len(times) * 6 // 10], times[len(times) * 4 // 10]
    return tuple(  # type: ignore[return-value]  # two of two
        dt.datetime.fromisoformat(each).replace(tzinfo=dt.UTC) for each in (end, start)
    )


def _without_header(text: str) -> str:
    return text.split("\n", 1)[1]


def _make_folder(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise _not_writable(out, exc) from exc


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8", newline="")
    except OSError as exc:
        raise _not_writable(path, exc) from exc


def _not_writable(path: Path, exc: OSError) -> SinkError:
    return SinkError(
        f"{path} cannot be written: {exc.strerror or exc}.",
        sink="demo",
        hint="Choose another folder with --out.",
    )


def show(report: DemoReport) -> None:
    """Print what the demo found, step by step."""
    out = _show.console()
    result = report.result
    out.print(Text("The whole road, on a made-up account", style="bold"))
    out.print(
        Text(
            f"1. Read over HTTP: {len(report.reading.entries):,} records, "
            f"{len(report.reading.after)} balances."
        )
    )
    out.print(Text("2. Files imported:"))
    for statement in report.statements:
        out.print(Text(f"   {statement}"))
    out.print(Text("3. Reconciled:"))
    out.print(_matches_table(result))
    _show.counts_line(result.counts)
    out.print(Text("4. Proved against the balances that the exchange states:"))
    _show.proof(report.proof)
    if not report.reading.steady:
        out.print(Text("The balances moved while the entries were read; read again to be sure."))
    out.print(Text("5. Written:"))
    for path in report.written:
        out.print(Text(f"   {path}  ({path.stat().st_size:,} bytes)"))
    page = report.written[-1]
    if page.suffix == ".html":
        out.print(Text(f"Open {page} in a browser: it tells all of this, and needs no server."))
    else:
        out.print(Text("With the extra `report`, all of this is written as a page as well."))
    out.print(_seconds_table(report.seconds))


def _matches_table(result: Reconciliation) -> Table:
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 3))
    table.add_column("what")
    table.add_column("how many", justify="right")
    for (rule, grade), number in _by_rule(result).items():
        table.add_row(f"rows that are API records, by {rule} ({grade})", f"{number:,}")
    table.add_row("rows that repeat a row of the other file", f"{len(result.file_matches):,}")
    table.add_row("records that no file holds", f"{len(result.api_only):,}")
    table.add_row("new: rows that the API does not hold", f"{len(result.new):,}")
    table.add_row("   of them unexplained", f"{len(result.unexplained):,}")
    table.add_row("conflicts", f"{len(result.conflicts):,}")
    table.add_row("suspects", f"{len(result.suspects):,}")
    table.add_row("entries in the ledger", f"{len(result.entries):,}")
    return table


def _by_rule(result: Reconciliation) -> Mapping[tuple[str, str], int]:
    return Counter((match.rule.value, match.grade.value) for match in result.matches)


def _seconds_table(seconds: Mapping[str, float]) -> Table:
    table = Table(title="Where the time went", title_justify="left", show_header=False)
    table.add_column("step")
    table.add_column("seconds", justify="right")
    for step, taken in seconds.items():
        table.add_row(step, f"{taken:.2f}")
    table.add_row("all", f"{sum(seconds.values()):.2f}")
    return table


def as_document(report: DemoReport) -> Mapping[str, object]:
    """Return the report as JSON values."""
    result = report.result
    return {
        "records": len(report.reading.entries),
        "balances_steady": report.reading.steady,
        "files": [
            {
                "path": each.path,
                "format": each.format,
                "rows": each.rows,
                "problems": len(each.problems),
            }
            for each in report.statements
        ],
        "matches": [
            {"rule": rule, "grade": grade, "rows": number}
            for (rule, grade), number in _by_rule(result).items()
        ],
        "file_matches": len(result.file_matches),
        "api_only": len(result.api_only),
        "new": len(result.new),
        "unexplained": len(result.unexplained),
        "conflicts": len(result.conflicts),
        "suspects": len(result.suspects),
        "entries": len(result.entries),
        "counts": _show.counts_document(result.counts),
        "proof": _show.proof_document(report.proof),
        "written": [str(path) for path in report.written],
        "seconds": {step: f"{taken:.3f}" for step, taken in report.seconds.items()},
    }
