"""Runs over many accounts: threads, processes, failures, journals, one worker an account."""

import itertools
import logging
import pickle
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import attrs
import pytest

import bitstamp_ledger as bl
from bitstamp_ledger import fleet
from bitstamp_ledger.ledger import Ledger
from bitstamp_ledger.sandbox import Flag, generate_account
from tests.fleet import fleets
from tests.fleet.conftest import RedisServer
from tests.fleet.fleets import processes
from tests.ledger import postgres


def threads(_: ProcessPoolExecutor) -> Executor:
    return ThreadPoolExecutor(4)


def shared(pool: ProcessPoolExecutor) -> Executor:
    return pool


@pytest.mark.parametrize("kind", [threads, shared])
def test_every_account_of_a_fleet_is_proved(
    folder: Path, pool: ProcessPoolExecutor, kind: Callable[[ProcessPoolExecutor], Executor]
) -> None:
    """Whatever executor does the work, over real HTTP."""
    with fleets.running(folder, 20) as made:
        results = fleet.run(
            made.jobs(),
            fleet.Prove(),
            executor=kind(pool),
            credentials=made.vault,
            base_url=made.sandbox.url,
            retry=fleets.PATIENT,
        )
        told = list(results)
        assert {result.job.account for result in told} == set(made.names)
        assert [result.failure for result in told if not result.ok] == []
        report = results.report
        assert report.ok
        assert report.counts == {"held": 20, "differences": 0}
        assert report.requests == len(made.sandbox.requests)
        assert made.sandbox.writes == []
        assert str(report).startswith("Prove: 20 of 20 accounts, 20 done; ")


def test_many_accounts_share_one_postgresql_database(folder: Path, server: postgres.Server) -> None:
    """All in one ledger, or each in a schema of its own; both are made by `prepare`."""
    database = server.url.render_as_string(hide_password=False)
    one = fleet.own_schema(database, "all_of_them")
    with fleets.running(folder, 6) as made:
        apart = [
            attrs.evolve(job, ledger=fleet.own_schema(database, f"of_{job.account}"))
            for job in made.jobs()[:3]
        ]
        jobs = [*apart, *made.jobs(one)[3:]]
        assert fleet.prepare(job.ledger for job in jobs) == 4
        with ThreadPoolExecutor(4) as pool:
            report = fleet.run(
                jobs,
                fleet.Prove(),
                executor=pool,
                credentials=made.vault,
                base_url=made.sandbox.url,
            ).finish()
        assert report.ok, report.troubled
        with Ledger.open(one) as ledger:
            assert {each.name for each in ledger.accounts()} == {"c0003", "c0004", "c0005"}
    fleet.close_idle()


def test_one_accounts_failure_is_a_result(folder: Path) -> None:
    """The others go on; the report counts keys by their state, as alerts want it."""
    with fleets.running(folder, 5) as made:
        wrong = made.sandbox.add_key(account="c0002", flags=[Flag.FROZEN])
        (folder / "keys" / "c0002").write_text(f"key={wrong.key}\nsecret={wrong.secret}\n")
        (folder / "keys" / "c0004").unlink()
        with ThreadPoolExecutor(2) as pool:
            results = fleet.run(
                made.jobs(),
                fleet.Sync(),
                executor=pool,
                credentials=made.vault,
                base_url=made.sandbox.url,
            )
            told = {result.job.account: result for result in results}
    assert [name for name, result in told.items() if not result.ok] == ["c0002", "c0004"]
    frozen = told["c0002"].failure
    assert frozen is not None
    assert (frozen.kind, frozen.key_state, frozen.retryable) == ("KeyRefusedError", "FROZEN", False)
    assert results.report.failures == {"KeyRefusedError": 1, "CredentialsError": 1}
    assert results.report.key_states == {"FROZEN": 1}
    assert not results.report.ok


def test_a_task_can_be_a_users_own_function(folder: Path, pool: ProcessPoolExecutor) -> None:
    """It is given a context, and what it returns is the result's value."""
    with fleets.running(folder, 3) as made:
        told = list(
            fleet.run(
                made.jobs(),
                fleets.balances_of,
                executor=pool,
                credentials=made.vault,
                base_url=made.sandbox.url,
            )
        )
    assert all(isinstance(result.value, dict) and result.value for result in told)
    assert all(result.requests == 1 for result in told)


def test_errors_of_others_are_told_by_their_class_alone(
    folder: Path, pool: ProcessPoolExecutor, caplog: pytest.LogCaptureFixture
) -> None:
    """Their text may hold a secret, as it does here."""
    caplog.set_level(logging.DEBUG)
    jobs = [
        fleet.Job(account=f"c{number:04}", ledger=str(folder / f"{number}.db")) for number in (2, 3)
    ]
    for executor in (pool, ThreadPoolExecutor(1)):
        told = list(fleet.run(jobs, fleets.failing, executor=executor))
        failed = [result for result in told if result.failure is not None]
        assert [result.job.account for result in failed] == ["c0003"]
        assert "RuntimeError" in str(failed[0].failure)
        assert "hunter2" not in repr(told) + caplog.text
        assert b"hunter2" not in pickle.dumps(told)


def test_no_secret_is_in_anything_that_travels_or_stays(folder: Path) -> None:
    """Jobs, results, the journal, the log and the ledgers: none holds a key or its secret."""
    with fleets.running(folder, 3) as made, ThreadPoolExecutor(2) as pool:
        place = str(folder / "journal.db")
        with fleet.Journal.open(place, "first") as journal:
            told = list(
                fleet.run(
                    made.jobs(),
                    fleet.Sync(),
                    executor=pool,
                    credentials=made.vault,
                    base_url=made.sandbox.url,
                    journal=journal,
                )
            )
        fleet.close_idle()
        assert all(result.ok for result in told)
        stored = b"".join(path.read_bytes() for path in folder.glob("*.db*"))
        kept = stored + pickle.dumps((told, made.vault)) + repr(told).encode()
        assert all(secret.encode() not in kept for secret in made.keys.values())


def test_a_job_with_a_password_is_refused() -> None:
    """It would be pickled, logged and written down; the message does not repeat it."""
    for place in (
        "postgresql+psycopg://me:hunter2@host/ledgers",
        "postgresql+psycopg://host/ledgers?user=me&password=hunter2",
    ):
        with pytest.raises(ValueError, match="holds a password") as caught:
            fleet.Job(account="a", ledger=place)
        assert "hunter2" not in str(caught.value)
        with pytest.raises(ValueError, match="holds a password"):
            fleet.SharedRate(redis="redis://:hunter2@host")


def test_results_stream_while_others_are_under_way(folder: Path) -> None:
    """The first is there before the last has begun; leaving early gives up the rest."""
    begun: list[str] = []

    def note(context: fleet.Context) -> None:
        begun.append(context.job.account)

    jobs = [fleet.Job(account=f"a{number}", ledger=str(folder / "l.db")) for number in range(30)]
    with (
        ThreadPoolExecutor(1) as pool,
        fleet.run(jobs, note, executor=pool, in_flight_max=2) as results,
    ):
        assert next(results).ok
    assert len(begun) < 10
    assert results.report.left > 20


def test_two_jobs_of_one_account_never_run_at_once(folder: Path) -> None:
    """Within a run the second waits for the first, and across runs for the lock in the ledger."""
    job = fleet.Job(account="a", ledger=str(folder / "l.db"))
    fleet.prepare([job.ledger])
    with ThreadPoolExecutor(8) as pool:
        runs = [
            fleet.run([job, job], fleets.in_the_middle, executor=pool, wait_s=10) for _ in range(2)
        ]
        with ThreadPoolExecutor(2) as coordinators:
            halves: list[list[fleet.Result]] = list(coordinators.map(list, runs))
        told = [*halves[0], *halves[1]]
    spans = sorted(result.value for result in told if isinstance(result.value, tuple))
    assert len(spans) == 4
    assert all(first[1] <= second[0] for first, second in itertools.pairwise(spans))


def test_an_account_that_stays_held_is_busy_and_not_failed(folder: Path) -> None:
    """Nothing is wrong with it: the next run takes it."""
    job = fleet.Job(account="a", ledger=str(folder / "l.db"))
    held, go_on = threading.Event(), threading.Event()

    def hold(_: fleet.Context) -> None:
        held.set()
        assert go_on.wait(10)

    with ThreadPoolExecutor(2) as pool:
        first = fleet.run([job], hold, executor=pool)
        waiting = pool.submit(first.finish)
        assert held.wait(10)
        with ThreadPoolExecutor(1) as other:
            report = fleet.run([job], hold, executor=other, wait_s=0).finish()
        go_on.set()
        assert waiting.result().ok
    assert report.statuses == {fleet.Status.BUSY: 1}
    assert not report.ok


def test_a_person_goes_before_what_waits(folder: Path) -> None:
    """Also one who comes when the run has begun; within a class, who came first."""
    order: list[str] = []
    go_on = threading.Event()

    def note(context: fleet.Context) -> None:
        assert go_on.wait(10)
        order.append(context.job.account)

    def job(name: str, priority: fleet.Priority) -> fleet.Job:
        return fleet.Job(account=name, ledger=str(folder / "l.db"), priority=priority)

    jobs = [
        job("bulk", fleet.Priority.BULK),
        job("routine 1", fleet.Priority.ROUTINE),
        job("routine 2", fleet.Priority.ROUTINE),
    ]
    with ThreadPoolExecutor(1) as pool:
        run = fleet.run(jobs, note, executor=pool, in_flight_max=1)
        go_on.set()
        next(run)
        run.add(job("person", fleet.Priority.PERSON))
        run.finish()
    assert order == ["routine 1", "person", "routine 2", "bulk"]
    assert run.report.total == 4


def test_a_run_goes_on_where_another_coordinator_was_broken_off(folder: Path) -> None:
    """By the journal's name; what failed is tried again, what is done is not."""
    place = str(folder / "journal.db")
    with fleets.running(folder, 8) as made, ThreadPoolExecutor(2) as pool:
        jobs = made.jobs()
        (folder / "keys" / "c0000").rename(folder / "away")

        def started(run: str) -> fleet.Run:
            return fleet.run(
                jobs,
                fleet.Prove(),
                executor=pool,
                credentials=made.vault,
                base_url=made.sandbox.url,
                journal=fleet.Journal.open(place, run),
                in_flight_max=2,
            )

        with started("weekly") as first:
            told = [next(first) for _ in range(4)]
        done = {result.job.account for result in told if result.ok}
        (folder / "away").rename(folder / "keys" / "c0000")

        second = started("weekly")
        again = {result.job.account: result.status for result in second}
        assert {name for name, status in again.items() if status is fleet.Status.ALREADY} >= done
        assert again["c0000"] is fleet.Status.DONE
        assert second.report.ok
        assert started("the week after").finish().statuses == {fleet.Status.DONE: 8}
    with fleet.Journal.open(place, "weekly") as journal:
        lines = list(journal.lines())
    assert {line.failure for line in lines} == {None, "CredentialsError"}
    assert all(line.job not in made.names for line in lines)


def test_an_account_that_is_named_twice_is_done_once_where_a_journal_says_so(folder: Path) -> None:
    """Without a journal, twice and one after the other."""
    job = fleet.Job(account="a", ledger=str(folder / "l.db"))
    with ThreadPoolExecutor(2) as pool, fleet.Journal.open(str(folder / "j.db"), "one") as journal:
        noted = fleet.run([job, job], fleets.in_the_middle, executor=pool, journal=journal).finish()
        twice = fleet.run([job, job], fleets.in_the_middle, executor=pool).finish()
    assert noted.statuses == {fleet.Status.DONE: 1, fleet.Status.ALREADY: 1}
    assert twice.statuses == {fleet.Status.DONE: 2}


def test_a_pool_that_broke_is_replaced_and_the_account_done_again(folder: Path) -> None:
    """A worker that the system kills takes its pool with it; a function makes a new one."""
    jobs = [
        fleet.Job(
            account=f"c{number:04}",
            ledger=str(folder / f"{number}.db"),
            options={"folder": str(folder)},
        )
        for number in range(4)
    ]
    with fleet.run(jobs, fleets.dying, executor=processes, in_flight_max=2) as results:
        told = [result.value for result in results]
    assert sorted(map(str, told)) == ["c0000", "c0001", "c0002", "c0003"]
    assert (folder / "died").exists()


def test_a_broken_executor_ends_the_run_and_not_the_program(folder: Path) -> None:
    """Without a way to make another, what is left is left, and the report says so."""
    jobs = [
        fleet.Job(account="c0001", ledger=str(folder / "l.db"), options={"folder": str(folder)})
    ]
    with processes(1) as broken:
        report = fleet.run(jobs, fleets.dying, executor=broken).finish()
    assert (report.finished, report.left) == (0, 1)
    assert "takes no more jobs" in report.notices[0]


def test_what_cannot_be_sent_back_is_a_failure(folder: Path, pool: ProcessPoolExecutor) -> None:
    """It is not tried again: the next time would be the same."""
    jobs = [fleet.Job(account="a", ledger=str(folder / "l.db"))]
    (told,) = fleet.run(jobs, fleets.unreturnable, executor=pool)
    assert told.failure is not None
    assert "cannot be sent between processes" in told.failure.message


def test_files_are_imported_reconciled_and_exported(folder: Path) -> None:
    """The whole road for several accounts, by the built-in tasks."""
    with fleets.running(folder, 3, records=30) as made, ThreadPoolExecutor(2) as pool:
        jobs = [
            attrs.evolve(
                job,
                account="Main Account",  # as its files say; the ledger is the customer's own
                reference=job.account,
                files=(
                    fleets.exported(
                        made.sandbox._exchange.accounts[job.account], folder / f"{job.account}.csv"
                    ),
                ),
            )
            for job in made.jobs()
        ]

        def done(task: fleet.Task) -> fleet.RunReport:
            return fleet.run(
                jobs, task, executor=pool, credentials=made.vault, base_url=made.sandbox.url
            ).finish()

        assert done(fleet.Sync()).counts["new"] == 30 + 31 + 32
        imported = done(fleet.Import())
        assert imported.ok
        assert imported.counts["files"] == 3
        assert imported.counts["witnessed"] == imported.counts["rows"] > 0
        assert done(fleet.Import()).counts["already"] == 3
        reconciled = done(fleet.Reconcile())
        assert reconciled.counts["matches"] == imported.counts["rows"]
        assert reconciled.counts["new"] == 0
        assert done(fleet.Prove()).counts["held"] == 3
        out = str(folder / "out-{key}.jsonl")
        assert done(fleet.Export(sink="jsonl", options={"path": out})).ok
        lines = [len(path.read_text().splitlines()) for path in folder.glob("out-*")]
        assert sorted(lines) == [30, 31, 32]
        wrong = done(fleet.Export(sink="jsonl", options={"path": "one"}))
        assert wrong.failures == {"LedgerError": 3}


def test_a_ledger_that_was_migrated_meanwhile_is_not_written_by_older_workers(folder: Path) -> None:
    """A worker keeps ledgers open between jobs; it looks at their version each time."""
    job = fleet.Job(account="a", ledger=str(folder / "l.db"))
    with ThreadPoolExecutor(1) as pool:
        assert fleet.run([job], fleets.in_the_middle, executor=pool).finish().ok
        with sqlite3.connect(job.ledger) as newer:
            newer.execute("UPDATE ledger_meta SET value = '99' WHERE key = 'schema_version'")
        newer.close()
        (told,) = fleet.run([job], fleets.in_the_middle, executor=pool)
    assert told.failure is not None
    assert "newer release wrote this ledger" in told.failure.message


def test_the_credentials_of_an_account_do_not_lead_out_of_their_folder(folder: Path) -> None:
    """Account names come from customers."""
    vault = fleet.CredentialFiles(folder / "keys")
    for name in ("../outside", "..", ".", "a/b"):
        job = fleet.Job(account="a", reference=name, ledger="l.db")
        with pytest.raises(bl.CredentialsError) as caught:
            vault(job)
        assert "outside" not in str(caught.value) or "..%2F" in str(caught.value)


def test_progress_is_told_after_each_result(folder: Path) -> None:
    """With the same numbers as the report in the end."""
    told: list[int] = []
    jobs = [fleet.Job(account=f"a{number}", ledger=str(folder / "l.db")) for number in range(3)]
    with ThreadPoolExecutor(2) as pool:
        fleet.run(
            jobs,
            fleets.failing,
            executor=pool,
            progress=lambda report: told.append(report.finished),
        ).finish()
    assert told == [1, 2, 3]


@pytest.mark.thorough
def test_a_large_account_and_a_person_share_the_line_with_small_ones(
    folder: Path, redis_server: RedisServer
) -> None:
    """Over real HTTP: the small are whole before the large one, and the person before all."""
    with fleets.running(folder, 9) as made, ThreadPoolExecutor(12) as pool:
        made.sandbox.add_account("large", generate_account(99, 8_000))
        fleets.add_key(made.sandbox, folder, "large")
        jobs = [
            fleet.Job(account=name, ledger=str(folder / f"{name}.db"))
            for name in ("large", *made.names)
        ]
        jobs[-1] = attrs.evolve(jobs[-1], priority=fleet.Priority.PERSON)
        results = fleet.run(
            jobs,
            fleet.Prove(),
            executor=pool,
            credentials=made.vault,
            rate=fleet.SharedRate(redis=redis_server.url, per_second=20),
            base_url=made.sandbox.url,
        )
        order = [result.job.account for result in results]
        assert results.report.ok, results.report.troubled
        assert made.requests_of("large") > 8
    assert order[-1] == "large"
    assert order.index(jobs[-1].account) <= 2


def test_an_executor_that_the_run_made_ends_with_it(folder: Path) -> None:
    """One that was handed in is the caller's, and stays."""
    made: list[ThreadPoolExecutor] = []

    def make() -> ThreadPoolExecutor:
        made.append(ThreadPoolExecutor(1))
        return made[-1]

    jobs = [fleet.Job(account="a", ledger=str(folder / "l.db"))]
    assert fleet.run(jobs, fleets.failing, executor=make).finish().ok
    with pytest.raises(RuntimeError, match="after shutdown"):
        made[0].submit(int)
    with ThreadPoolExecutor(1) as own:
        assert fleet.run(jobs, fleets.failing, executor=own).finish().ok
        assert own.submit(int).result() == 0


def test_what_is_no_database_is_refused_clearly(folder: Path) -> None:
    """Before anything is begun."""
    with pytest.raises(bl.LedgerError, match="not the address of a database"):
        fleet.Journal.open("nothing://", "run")
    with pytest.raises(bl.LedgerError, match="cannot be used"):
        fleet.Journal.open(str(folder / "missing" / "j.db"), "run")
    with pytest.raises(ValueError, match="no name of a schema"):
        fleet.own_schema("postgresql://host/d", "a; DROP SCHEMA b")
