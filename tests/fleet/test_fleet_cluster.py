"""A cluster of worker processes, a Redis and a PostgreSQL: the whole, and what is killed."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from bitstamp_ledger import Client, Credentials, fleet
from bitstamp_ledger.ledger import Ledger
from bitstamp_ledger.sandbox import Limits, Sandbox, generate_account, render_g2
from tests.fleet import fleets
from tests.fleet.conftest import RedisServer
from tests.fleet.coordinator import Order
from tests.ledger import postgres

ROOT = Path(__file__).parents[2]
ACCOUNTS = 500
pytestmark = [
    pytest.mark.lengthy,
    # Dask and what it stands on warn of themselves, and leave sockets to the collector.
    pytest.mark.filterwarnings("ignore"),
]


@pytest.fixture
def cluster(folder: Path) -> Iterator[Any]:
    """Three worker processes with two threads each."""
    distributed = pytest.importorskip("dask.distributed", reason="Dask is not installed")
    with distributed.LocalCluster(
        n_workers=3,
        threads_per_worker=2,
        processes=True,
        dashboard_address=None,
        local_directory=str(folder / "dask"),
        memory_limit=0,
    ) as started:
        yield started


@pytest.fixture
def dask_client(cluster: Any) -> Iterator[Any]:
    """A client of the cluster."""
    distributed = pytest.importorskip("dask.distributed")
    with distributed.Client(cluster, set_as_default=False) as client:
        yield client


def wait_for(count: int, place: str) -> int:
    """Wait until so many accounts are done; return how many are."""
    until = time.monotonic() + 600
    while time.monotonic() < until:
        with fleet.Journal.open(place, "the run") as journal:
            done = len(journal.finished("Prove"))
        if done >= count:
            return done
        time.sleep(0.1)
    raise AssertionError(f"not even {count} are done")


def test_500_accounts_survive_a_worker_and_a_coordinator_that_are_killed(
    folder: Path,
    redis_server: RedisServer,
    server: postgres.Server,
    dask_client: Any,
) -> None:
    """Every ledger proves, no window is exceeded, and the state is what it would have been."""
    database = server.url.render_as_string(hide_password=False)
    place = fleet.own_schema(database, "five_hundred")
    journal = fleet.own_schema(database, "journal")
    fleet.prepare([place, journal])
    limits = Limits(per_1s=200, per_600s=4_000)
    with fleets.running(folder, ACCOUNTS, records=6, limits=limits) as made:
        order = Order(
            scheduler=dask_client.scheduler.address,
            jobs=tuple(made.jobs(place)),
            vault=made.vault,
            rate=fleet.SharedRate(
                redis=redis_server.url, per_second=140, per_ten_minutes=3_900, workers=3
            ),
            base_url=made.sandbox.url,
            journal=journal,
            in_flight_max=18,
        )
        order.write(folder / "order")
        coordinator = subprocess.Popen(  # noqa: S603 - our own program
            [
                sys.executable,
                "-W",
                "ignore",
                "-m",
                "tests.fleet.coordinator",
                str(folder / "order"),
            ],
            cwd=ROOT,
        )
        try:
            wait_for(ACCOUNTS // 8, journal)
            victim = min(dask_client.run(os.getpid).values())
            os.kill(victim, signal.SIGKILL)
            wait_for(ACCOUNTS // 3, journal)
        finally:
            coordinator.kill()
            coordinator.wait()
        done = wait_for(ACCOUNTS // 3, journal)
        assert done < ACCOUNTS

        report = order.carried_out()
        assert report.ok, (str(report), report.troubled[:3])
        assert report.statuses[fleet.Status.ALREADY] >= done
        assert sum(report.statuses.values()) == ACCOUNTS

        truth = {name: made.sandbox._exchange.accounts[name].balances for name in made.names}
        with Ledger.open(place) as ledger:
            assert {each.name for each in ledger.accounts()} == set(made.names)
            for name in made.names:
                held = {each: total for each, total in truth[name].items() if total}
                assert ledger.balances(account=name) == held, name
        assert made.refused == 0
        assert made.sandbox.limits.peak_1s <= 200
        assert made.sandbox.limits.peak_600s <= 4_000
        assert made.sandbox.writes == []
        served = redis_server.client.zcard("bitstamp_ledger:{bitstamp/default}:address")
        # A worker that is killed may have counted a request for each thread that never left.
        assert 0 <= served - len(made.sandbox.requests) <= 4


def template(folder: Path, seed: int) -> tuple[Path, Path]:
    """Make a ledger that holds a history and the file of it; with some rows that differ."""
    account = generate_account(seed, 12)
    place = folder / f"template{seed}.db"
    export = folder / f"template{seed}.csv"
    export.write_text(render_g2(account.records).text)
    with Sandbox(seed=1, account=account) as sandbox:
        key = Credentials(key=sandbox.key, secret=sandbox.secret)
        with Client(key, base_url=sandbox.url) as client, Ledger.open(place) as ledger:
            ledger.sync(client)
            ledger.import_file(export)
    return place, export


def test_a_thousand_reconciliations_are_equal_on_every_executor(
    folder: Path,
    dask_client: Any,
    pool: Executor,
    record_property: Callable[[str, object], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Threads, processes and a cluster; how long each took is told."""
    templates = [template(folder, seed)[0] for seed in range(20)]
    jobs = []
    for number in range(1_000):
        place = folder / f"ledger{number:04}.db"
        shutil.copyfile(templates[number % len(templates)], place)
        jobs.append(fleet.Job(account="Main Account", ledger=str(place)))
    executors: dict[str, Executor] = {
        "threads": ThreadPoolExecutor(2),
        "processes": pool,
        "dask": dask_client.get_executor(),
    }
    outcomes, seconds = {}, {}
    for name, executor in executors.items():
        results = fleet.run(jobs, fleet.Reconcile(), executor=executor)
        told = list(results)
        assert results.report.ok, (name, results.report.troubled[:3])
        outcomes[name] = {
            result.job.key: (result.value.digest, dict(result.value.counts))
            for result in told
            if isinstance(result.value, fleet.Summary)
        }
        seconds[name] = round(results.report.seconds, 1)
        record_property(name, seconds[name])
    executors["threads"].shutdown()
    with capsys.disabled():
        sys.stdout.write(f"\n1,000 reconciliations, seconds: {seconds}\n")
    assert len(outcomes["threads"]) == 1_000
    assert len({digest for digest, _ in outcomes["threads"].values()}) == 20
    assert all(counts["matches"] for _, counts in outcomes["threads"].values())
    assert outcomes["processes"] == outcomes["threads"]
    assert outcomes["dask"] == outcomes["threads"]
