"""The same reconciliations on threads, processes and a Dask cluster: equal results, and times.

    python -m simulations.executors            # a thousand accounts
    python -m simulations.executors --write    # and put the table into capacity.md
    python -m simulations.executors --accounts 40

The accounts are sandbox histories with their own exports; wall time says how long one waits, and
depends on what else the machine does.
"""

import argparse
import contextlib
import multiprocessing
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import attrs

from bitstamp_ledger import Client, Credentials, fleet
from bitstamp_ledger.ledger import Ledger
from bitstamp_ledger.sandbox import Sandbox, generate_account, render_g2
from simulations.fleet import table, write_table

TEMPLATES: Final = 20
RECORDS: Final = 12
WORKERS: Final = 2


@attrs.frozen(kw_only=True)
class Outcome:
    """What one executor brought."""

    seconds: float
    digests: Mapping[str, tuple[str, tuple[tuple[str, int], ...]]] = attrs.field(hash=False)
    """By account: what came out, and its counts."""


def template(folder: Path, seed: int) -> Path:
    """Make a ledger that holds a history and the file of it."""
    account = generate_account(seed, RECORDS)
    place, export = folder / f"template{seed}.db", folder / f"template{seed}.csv"
    export.write_text(render_g2(account.records).text)
    with Sandbox(seed=1, account=account) as sandbox:
        key = Credentials(key=sandbox.key, secret=sandbox.secret)
        with Client(key, base_url=sandbox.url) as client, Ledger.open(place) as ledger:
            ledger.sync(client)
            ledger.import_file(export)
    return place


def jobs_in(folder: Path, accounts: int) -> list[fleet.Job]:
    """Give each account a ledger of its own."""
    templates = [template(folder, seed) for seed in range(min(TEMPLATES, accounts))]
    jobs = []
    for number in range(accounts):
        place = folder / f"ledger{number:04}.db"
        shutil.copyfile(templates[number % len(templates)], place)
        jobs.append(fleet.Job(account="Main Account", ledger=str(place)))
    return jobs


def reconciled(jobs: list[fleet.Job], executor: Executor) -> Outcome:
    """Reconcile them all.

    Raises:
        RuntimeError: one did not end well.
    """
    digests = {}
    with fleet.run(jobs, fleet.Reconcile(), executor=executor) as results:
        for result in results:
            if not isinstance(result.value, fleet.Summary):
                raise RuntimeError(f"{result.job.key}: {result.failure}")  # noqa: TRY004 - of the work
            counts = tuple(sorted(result.value.counts.items()))
            digests[result.job.key] = result.value.digest, counts
    return Outcome(seconds=results.report.seconds, digests=digests)


@contextlib.contextmanager
def dask_executor(folder: Path) -> Iterator[Executor]:
    """Start a cluster of worker processes with one thread each."""
    from dask import distributed  # noqa: PLC0415 - only where it is needed

    made: Any = distributed
    with (
        made.LocalCluster(
            n_workers=WORKERS,
            threads_per_worker=1,
            processes=True,
            dashboard_address=None,
            local_directory=str(folder),
            memory_limit=0,
        ) as cluster,
        made.Client(cluster, set_as_default=False) as client,
    ):
        yield client.get_executor()


@contextlib.contextmanager
def executors(folder: Path) -> Iterator[dict[str, Executor]]:
    """Start one of each kind, with as many workers."""
    context = multiprocessing.get_context("forkserver")
    # Imported once, not by each worker while the clock runs.
    context.set_forkserver_preload(["simulations.executors", "bitstamp_ledger.reconcile"])
    with (
        ThreadPoolExecutor(WORKERS) as threads,
        ProcessPoolExecutor(WORKERS, mp_context=context) as processes,
        dask_executor(folder) as dask,
    ):
        yield {"threads": threads, "processes": processes, "Dask, processes": dask}


def measured(folder: Path, accounts: int) -> dict[str, Outcome]:
    """Let each executor do the same work.

    Raises:
        RuntimeError: the results differ.
    """
    jobs = jobs_in(folder, accounts)
    found: dict[str, Outcome] = {}
    with executors(folder / "dask") as kinds:
        for name, executor in kinds.items():
            found[name] = reconciled(jobs, executor)
            fleet.close_idle()
    first, *others = found.values()
    if any(each.digests != first.digests for each in others):
        raise RuntimeError("the executors do not agree")
    return found


def main() -> None:
    """Measure, compare and tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=1_000)
    parser.add_argument("--write", action="store_true", help="put it into capacity.md")
    options = parser.parse_args()
    memory = Path("/dev/shm")  # noqa: S108 - a folder of its own is made inside
    base = memory if memory.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="executors-", dir=base) as folder:
        found = measured(Path(folder), options.accounts)
    text = table(
        ["executor", "workers", "accounts", "seconds", "each", "results"],
        (
            [
                name,
                f"{WORKERS}",
                f"{options.accounts:,}",
                f"{each.seconds:.1f}",
                f"{each.seconds / options.accounts * 1_000:.0f} ms",
                f"{len({digest for digest, _ in each.digests.values()})} kinds, equal",
            ]
            for name, each in found.items()
        ),
    )
    sys.stdout.write(f"{text}\n{os.cpu_count()} cores\n")
    if options.write:
        write_table("executors", text)


if __name__ == "__main__":
    main()
