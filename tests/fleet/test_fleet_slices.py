"""Long syncs are set aside, and a run that is given up leaves nothing running."""

import asyncio
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa

from bitstamp_ledger import fleet
from bitstamp_ledger.ledger import Ledger, _migrations
from bitstamp_ledger.ledger._schema import SCHEMA_VERSION
from bitstamp_ledger.ledger._store import lock_views
from bitstamp_ledger.sandbox import generate_account
from tests.fleet import fleets
from tests.ledger import postgres


def add_large(made: fleets.Fleet, records: int = 2_400) -> fleet.Job:
    """Add an account of several pages; return its job."""
    made.sandbox.add_account("large", generate_account(99, records))
    fleets.add_key(made.sandbox, made.folder, "large")
    return fleet.Job(account="large", ledger=str(made.folder / "large.db"))


@pytest.mark.parametrize(
    "task", [fleet.Sync(), pytest.param(fleet.Prove(), marks=pytest.mark.thorough)]
)
def test_a_long_sync_gives_its_place_to_those_that_wait(folder: Path, task: fleet.Task) -> None:
    """One place, and the large account first in the line: the small ones are whole before it."""
    with fleets.running(folder, 4) as made, ThreadPoolExecutor(1) as pool:
        large = add_large(made)
        run = fleet.run(
            [large, *made.jobs()],
            task,
            executor=pool,
            in_flight_max=1,
            slice_records=1_000,
            credentials=made.vault,
            base_url=made.sandbox.url,
        )
        told = {result.job.account: result for result in run}
        assert run.report.ok, run.report.troubled
        assert list(told) == [*made.names, "large"]
        assert [told[name].slices for name in told] == [1, 1, 1, 1, 3]
        assert run.report.requests == len(made.sandbox.requests)
        with Ledger.open(large.ledger) as ledger:
            assert len(list(ledger.entries())) == 2_400
            noted = [(each.outcome, (each.reason or "")[:9]) for each in ledger.runs()]
            assert noted[:3] == [("stopped", "Set aside"), ("stopped", "Set aside"), ("done", "")]
        value = told["large"].value
        assert isinstance(value, fleet.Summary)
        assert value.counts.get("new", 2_400) == 2_400


def test_a_person_is_served_between_two_slices(folder: Path) -> None:
    """Also where the long sync came first and all others of its class wait behind it."""
    with fleets.running(folder, 2) as made, ThreadPoolExecutor(1) as pool:
        person, routine = made.jobs()
        run = fleet.run(
            [add_large(made), routine],
            fleet.Sync(),
            executor=pool,
            in_flight_max=1,
            slice_records=1_000,
            credentials=made.vault,
            base_url=made.sandbox.url,
        )
        first = fleet.Job(
            account=person.account, ledger=person.ledger, priority=fleet.Priority.PERSON
        )
        order = [next(run).job.account]
        run.add(first)
        order += [result.job.account for result in run]
    assert order == [routine.account, person.account, "large"]


def test_no_slice_is_empty(folder: Path) -> None:
    """It would never end."""
    with ThreadPoolExecutor(1) as pool, pytest.raises(ValueError, match="at least one record"):
        fleet.run([], fleet.Sync(), executor=pool, slice_records=0)
    assert folder.is_dir()


# -- asyncio


def test_results_are_iterated_without_blocking_the_loop(folder: Path) -> None:
    """The loop turns meanwhile, and a cancelled wait loses no result."""
    go_on = threading.Event()

    def wait_for(context: fleet.Context) -> str:
        assert go_on.wait(10)
        return context.job.account

    async def main(pool: ThreadPoolExecutor) -> list[object]:
        jobs = [fleet.Job(account=f"a{number}", ledger=str(folder / "l.db")) for number in range(3)]
        async with fleet.AsyncRun(fleet.run(jobs, wait_for, executor=pool)) as results:
            for _ in range(2):
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(anext(results), 0.02)
            go_on.set()
            told = [result.value async for result in results]
            assert (await results.finish()).ok
            return told

    with ThreadPoolExecutor(2) as pool:
        assert Counter(asyncio.run(main(pool))) == {"a0": 1, "a1": 1, "a2": 1}


def test_cancellation_leaves_nothing_running(folder: Path) -> None:
    """Long syncs end at their next page, and can be gone on with; the pool is the caller's."""
    with fleets.running(folder, 3) as made, ThreadPoolExecutor(2) as pool:
        jobs = [add_large(made), *made.jobs()]

        def run() -> fleet.Run:
            return fleet.run(
                jobs,
                fleet.Prove(),
                executor=pool,
                credentials=made.vault,
                base_url=made.sandbox.url,
                # So slow that it cannot end by itself while the test runs.
                rate=fleet.SharedRate(per_second=5, per_ten_minutes=12, exchange=str(folder)),
            )

        async def main() -> None:
            async with fleet.AsyncRun(run()) as results:
                async for _ in results:
                    raise AssertionError("there is no budget to end anything")

        async def cancelled() -> None:
            task = asyncio.create_task(main())
            while len(made.sandbox.requests) < 2:  # noqa: ASYNC110 - the sandbox tells nobody
                await asyncio.sleep(0.01)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            sent = len(made.sandbox.requests)
            await asyncio.sleep(0.1)
            assert len(made.sandbox.requests) == sent

        asyncio.run(cancelled())
        assert pool.submit(int).result(timeout=1) == 0
    assert not [each for each in threading.enumerate() if "bitstamp_ledger" in each.name]


# -- migrations


def as_of_schema_1(server: postgres.Server, schema: str) -> None:
    """Take away what the step to schema 2 adds."""
    server.run(
        f"DROP TABLE {schema}.ledger_sink_entries",
        f"DROP TABLE {schema}.ledger_sinks",
        f"DELETE FROM {schema}.ledger_counters WHERE name = 'sinks'",  # noqa: S608 - our own
        f"DELETE FROM {schema}.ledger_meta WHERE key = 'ledger_id'",  # noqa: S608 - our own
        f"UPDATE {schema}.ledger_meta SET value = '1' WHERE key = 'schema_version'",  # noqa: S608 - our own
    )


def a_step_to_the_next_schema(place: str) -> None:
    """Migrate as a later release would: a column more in a table that everybody writes."""

    def add_a_column(connection: sa.Connection) -> None:
        connection.exec_driver_sql("ALTER TABLE ledger_records ADD COLUMN later BIGINT")

    with Ledger.open(place) as ledger:
        version = ledger.schema_version
        with ledger.store.write() as connection:
            lock_views(connection)
            steps = {version: add_a_column}
            _migrations.prepare(connection, steps=steps, version=version + 1)


def test_a_ledger_is_migrated_while_workers_read_into_it(
    folder: Path, server: postgres.Server
) -> None:
    """From an older schema by workers and `prepare` at once; then to a later one, under way.

    Whoever began ends as it began; whoever comes later is told; nothing is lost, nothing waits
    for ever.
    """
    database = server.url.render_as_string(hide_password=False)
    schema = "migrated"
    place = fleet.own_schema(database, schema)
    fleet.prepare([place])
    as_of_schema_1(server, schema)
    with fleets.running(folder, 12) as made, ThreadPoolExecutor(6) as pool:

        def run(jobs: list[fleet.Job]) -> fleet.Run:
            return fleet.run(
                jobs,
                fleet.Prove(),
                executor=pool,
                in_flight_max=4,
                credentials=made.vault,
                base_url=made.sandbox.url,
            )

        jobs = made.jobs(place)
        preparing = pool.submit(fleet.prepare, [place])
        early = run(jobs[:4]).finish()
        assert preparing.result(timeout=20) == 1
        assert early.ok, early.troubled

        during = run(jobs[4:])
        first = next(during)
        pool.submit(a_step_to_the_next_schema, place).result(timeout=20)
        late = [first, *during]
        assert {result.status for result in late} <= {fleet.Status.DONE, fleet.Status.FAILED}
        refused = [each.failure.message for each in late if each.failure is not None]
        assert refused
        assert all("newer release wrote this ledger" in message for message in refused), refused

        # Back again, as if these were workers of the later release.
        as_of = f"UPDATE {schema}.ledger_meta SET value = '{SCHEMA_VERSION}'"  # noqa: S608 - our own
        server.run(f"{as_of} WHERE key = 'schema_version'")
        assert run(jobs).finish().ok
        with Ledger.open(place) as ledger:
            for name in made.names:
                truth = made.sandbox._exchange.accounts[name].balances
                held = {each: total for each, total in truth.items() if total}
                assert ledger.balances(account=name) == held, name
                records = len(made.sandbox._exchange.accounts[name].records)
                assert len(list(ledger.entries(account=name))) == records
    fleet.close_idle()


def test_connections_to_a_database_are_bounded(server: postgres.Server) -> None:
    """Two for each job that runs, whatever the number of accounts; idle ledgers are closed."""
    database = server.url.render_as_string(hide_password=False)
    place = fleet.own_schema(database, "bounded")
    fleet.prepare([place])
    most = 0

    def count(context: fleet.Context) -> None:
        nonlocal most
        assert context.ledger.balances(account="nobody") == {}
        engine = sa.create_engine(server.url, poolclass=sa.NullPool)
        with engine.connect() as connection:
            query = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"
            found = connection.exec_driver_sql(query).scalar_one()
        most = max(most, found)

    jobs_at_once = 3
    jobs = [fleet.Job(account=f"a{number}", ledger=place) for number in range(30)]
    with ThreadPoolExecutor(jobs_at_once) as pool:
        assert fleet.run(jobs, count, executor=pool).finish().ok
    fleet.close_idle()
    # Two of each job, and the one that each job counts with.
    assert most <= 3 * jobs_at_once
