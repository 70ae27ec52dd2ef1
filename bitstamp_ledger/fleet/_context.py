"""What a task is given: the account's ledger and client, opened when first asked for."""

import contextlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TypeAlias
from urllib.parse import quote

import attrs

from bitstamp_ledger.api import RetryPolicy
from bitstamp_ledger.client import PRODUCTION_URL, Client, Credentials
from bitstamp_ledger.errors import CredentialsError
from bitstamp_ledger.fleet._budget import BudgetCounts, SharedBudget, SharedRate
from bitstamp_ledger.fleet._jobs import Job
from bitstamp_ledger.fleet._ledgers import borrowed
from bitstamp_ledger.fleet._slices import SetAsideError, check
from bitstamp_ledger.ledger import Ledger, SyncProgress
from bitstamp_ledger.ledger._locks import account_lock

CredentialsProvider: TypeAlias = Callable[[Job], Credentials]
"""Fetches an account's key where the job is done.  It is pickled, so it must hold no secret."""


@attrs.frozen
class CredentialFiles:
    """A provider that reads one file for each account, as vaults mount them.

    The file is named like ``Job.reference``, or the account; characters other than letters,
    digits, spaces and ``_.-~`` are written as in a URL (``%2F``).  See ``Credentials.from_file``
    for what it holds.
    """

    folder: str = attrs.field(converter=str)

    def __call__(self, job: Job) -> Credentials:
        """Read the file."""
        name = quote(job.credentials_name, safe=" ")
        if not name.strip(". "):
            raise CredentialsError(
                f"{name!r} cannot be the name of a file.", hint="Give the job a reference."
            )
        return Credentials.from_file(Path(self.folder) / name)


@attrs.frozen(kw_only=True)
class Setup:
    """What all jobs of a run have in common; pickled to the workers with each."""

    credentials: CredentialsProvider | None
    rate: SharedRate
    base_url: str = PRODUCTION_URL
    retry: RetryPolicy = attrs.field(factory=RetryPolicy)
    in_flight_max: int = 4
    """How many pages of one account may be asked for at once: in a fleet, accounts side by side
    are what keeps the line busy."""

    wait_s: float = 30.0
    """How long to wait for another worker that holds the account."""

    slice_records: int | None = None
    """After how many new records a sync is set aside; None for never."""

    run: str = ""
    """A name for this one run of a coordinator, by which it is given up."""


class Context:
    """One account at work.  Valid while the task runs."""

    def __init__(self, job: Job, setup: Setup) -> None:
        self.job = job
        self._setup = setup
        self._open = contextlib.ExitStack()
        self._ledger: Ledger | None = None
        self._client: Client | None = None
        self._budget: SharedBudget | None = None

    def __repr__(self) -> str:
        return f"<Context of {self.job.key}>"

    @property
    def wait_s(self) -> float:
        """How long to wait for another sync of the account."""
        return self._setup.wait_s

    @property
    def ledger(self) -> Ledger:
        """The ledger that holds the account."""
        if self._ledger is None:
            self._ledger = self._open.enter_context(borrowed(self.job.ledger))
        return self._ledger

    @property
    def client(self) -> Client:
        """A client for the account, within the fleet's rate budget.

        Raises:
            CredentialsError: the run was given no provider, or the provider failed.
        """
        if self._client is None:
            self._client = self._open.enter_context(self._new_client())
        return self._client

    def after_page(self, progress: SyncProgress) -> None:
        """Let others have their turn, where it is time; pass it to ``Ledger.sync``.

        What it raises must go through the task: the job is begun again later, and its next sync
        goes on after the last page.
        """
        check(self._setup.run)
        most = self._setup.slice_records
        if most is not None and progress.added >= most:
            raise SetAsideError(progress.records, progress.added)

    def page_of_full(self, _: SyncProgress) -> None:
        """Do the same for a sync that begins at the beginning each time: it is not set aside."""
        check(self._setup.run)

    @property
    def budget(self) -> BudgetCounts:
        """What the account's requests met so far."""
        return BudgetCounts() if self._budget is None else self._budget.counts

    @property
    def requests(self) -> int:
        """How many requests were sent."""
        return 0 if self._client is None else self._client.counts.requests

    @property
    def notices(self) -> tuple[str, ...]:
        """What a person should hear of how the requests were counted."""
        return () if self._budget is None else self._budget.notices

    @contextlib.contextmanager
    def holding(self) -> Iterator[None]:
        """Hold the account: no other worker of any fleet works on it meanwhile.

        Raises:
            LedgerBusyError: another one does, and did not end in time.
        """
        with self._open:
            # A name of its own, since a sync locks the account by itself.
            name = f"fleet {self.job.key}"
            with account_lock(self.ledger.store, name, wait_s=self._setup.wait_s):
                yield

    def _new_client(self) -> Client:
        setup = self._setup
        if setup.credentials is None:
            raise CredentialsError(
                "This task reads the exchange, and the run has no provider of credentials.",
                hint="Pass credentials= to fleet.run.",
            )
        credentials = _fetched(setup.credentials, self.job)
        self._budget = setup.rate.budget(
            self.job.key,
            egress=self.job.egress,
            priority=self.job.priority,
            key=credentials.fingerprint,
        )
        self._budget.interrupted = partial(check, setup.run)
        return Client(
            credentials,
            base_url=setup.base_url,
            account=self.job.account,
            retry=setup.retry,
            in_flight_max=setup.in_flight_max,
            budget=self._budget,
        )


def _fetched(provider: CredentialsProvider, job: Job) -> Credentials:
    try:
        return provider(job)
    except CredentialsError:
        raise
    except Exception as exc:  # noqa: BLE001 - anything that a vault's client may raise
        raise CredentialsError(
            f"The provider of credentials failed ({type(exc).__name__}).",
            hint="See the log of the vault; what the provider said is left out here.",
        ) from None
