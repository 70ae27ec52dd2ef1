"""Fleets to test with: a sandbox that holds many accounts, their keys in files, and their jobs."""

import contextlib
import multiprocessing
import os
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import attrs

from bitstamp_ledger import fleet
from bitstamp_ledger.api import RetryPolicy
from bitstamp_ledger.sandbox import Account, Limits, Sandbox, generate_account, render_g2

PATIENT = RetryPolicy(attempts_max=6, delay_first_s=0.05, delay_max_s=0.5)


def processes(workers: int = 2) -> ProcessPoolExecutor:
    """Start worker processes."""
    # A fork of a process with threads can hang; what is forked here has none.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.fleet.fleets"])
    return ProcessPoolExecutor(workers, mp_context=context)


@attrs.frozen
class Fleet:
    """Accounts at a sandbox that runs."""

    sandbox: Sandbox
    folder: Path
    names: tuple[str, ...]
    keys: Mapping[str, str] = attrs.field(repr=False)

    @property
    def vault(self) -> fleet.CredentialFiles:
        """The provider of the accounts' credentials."""
        return fleet.CredentialFiles(self.folder / "keys")

    def jobs(self, place: str | None = None) -> list[fleet.Job]:
        """One job an account: all in the ledger at ``place``, or each in a file of its own."""
        return [
            fleet.Job(account=name, ledger=place or str(self.folder / f"{name}.db"))
            for name in self.names
        ]

    def requests_of(self, name: str) -> int:
        """How many requests for an account the sandbox has seen."""
        return sum(request.account == name for request in self.sandbox.requests)

    @property
    def refused(self) -> int:
        """How many requests came too fast."""
        return sum(
            request.status == self.sandbox.limits.status for request in self.sandbox.requests
        )


@contextlib.contextmanager
def running(
    folder: Path, accounts: int, *, records: int = 12, limits: Limits | None = None
) -> Iterator[Fleet]:
    """Serve so many accounts; each has a few records more or less than the others."""
    sandbox = Sandbox(seed=1, transactions=1, limits=limits)
    names = tuple(f"c{number:04}" for number in range(accounts))
    (folder / "keys").mkdir(mode=0o700)
    keys = {}
    for number, name in enumerate(names):
        sandbox.add_account(name, generate_account(number, records + number % 5))
        keys[name] = add_key(sandbox, folder, name)
    with sandbox:
        yield Fleet(sandbox, folder, names, keys)


def add_key(sandbox: Sandbox, folder: Path, account: str) -> str:
    """Make a key and write it where `Fleet.vault` looks for it; return the secret."""
    key = sandbox.add_key(account=account)
    path = folder / "keys" / account
    path.touch(mode=0o600)
    path.write_text(f"key = {key.key}\nsecret = {key.secret}\n")
    return key.secret


def exported(account: Account, path: Path) -> str:
    """Write the exchange's own export of an account; return its path."""
    path.write_text(render_g2(account.records).text)
    return str(path)


def balances_of(context: fleet.Context) -> dict[str, str]:
    """A task of a user's own: what the exchange states."""
    return {each.currency: f"{each.total:f}" for each in context.client.balances()}


def failing(context: fleet.Context) -> str:
    """A task that fails for one account, and says its secret while doing so."""
    if context.job.account == "c0003":
        raise RuntimeError("secret=hunter2")
    return context.job.account


def in_the_middle(context: fleet.Context) -> tuple[float, float]:
    """Take a moment; return when it began and ended."""
    began = time.monotonic()
    time.sleep(0.05)
    assert context.ledger is not None
    return began, time.monotonic()


def dying(context: fleet.Context) -> str:
    """Kill the process once for one account, as a lack of memory does."""
    mark = Path(context.job.options["folder"]) / "died"
    if context.job.account == "c0001" and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), 9)
    return context.job.account


def unreturnable(_: fleet.Context) -> object:
    """Return what cannot be sent between processes."""
    return lambda: None
