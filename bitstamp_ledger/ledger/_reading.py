"""Reading accounts: syncs, key checks and proofs."""

import contextlib
import itertools
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Final, Protocol

import attrs

from bitstamp_ledger.api import KeyReport, Probes
from bitstamp_ledger.client import Client, check_key
from bitstamp_ledger.errors import LedgerError
from bitstamp_ledger.ledger import _accounts, _keys, _locate
from bitstamp_ledger.ledger._base import LedgerBase
from bitstamp_ledger.ledger._checkpoints import checkpoints_of, stated_totals
from bitstamp_ledger.ledger._locks import account_lock
from bitstamp_ledger.ledger._proof import Proof, compared
from bitstamp_ledger.ledger._reports import SyncProgress, SyncReport
from bitstamp_ledger.ledger._sync import SyncJob, SyncMode
from bitstamp_ledger.ledger._view import sums_of
from bitstamp_ledger.model import Balance, Entry

ATTEMPTS_STEADY: Final = 3
"""How often a proof reads again when the balances moved while it read."""

Progress = Callable[[SyncProgress], object]


class HistoryReader(Protocol):
    """What a sync needs of a client."""

    @property
    def account(self) -> str:
        """The name of the account that it reads."""

    def balances(self) -> tuple[Balance, ...]:
        """What the account holds now."""

    def entries(self, since_id: int | None = None) -> Iterator[Entry]:
        """The history from an id on, oldest first."""


class Reading(LedgerBase):
    """The part of a ledger that reads accounts."""

    def sync(
        self,
        client: HistoryReader,
        mode: SyncMode = "resume",
        progress: Progress | None = None,
        *,
        require_checked: bool = False,
        allow_overprivileged: bool = False,
        wait_s: float = 0.0,
    ) -> SyncReport:
        """Read an account, and commit page by page; a sync that ends early loses nothing.

        Nothing is written to the exchange, and nothing is probed: what a key may do is known from
        the last `check_key`.

        Args:
            client: reads the account.
            mode: ``resume`` goes on where the last sync ended, with an overlap that is compared;
                ``full`` reads everything again.  Both end in the same ledger.
            progress: called after each commit.
            require_checked: refuse a key that was never checked.
            allow_overprivileged: use a key although it can do more than read.
            wait_s: how long to wait for another sync of the same account.

        Raises:
            OverprivilegedKeyError: the last check found that the key can do more than read.
            UnprovenKeyError: the key was never checked, and should have been.
            LedgerBusyError: another sync of this account runs.
            KeyRefusedError: the key does not work; the account is paused until a sync succeeds.
            BitstampLedgerError: see `bitstamp_ledger.errors`; what was committed stays.
        """
        rules = _keys.KeyRules(
            require_checked=require_checked, allow_overprivileged=allow_overprivileged
        )
        with account_lock(self._store, client.account, wait_s=wait_s):
            return self._sync(client, mode, progress, rules)

    def _sync(
        self,
        client: HistoryReader,
        mode: SyncMode,
        progress: Progress | None,
        rules: _keys.KeyRules,
    ) -> SyncReport:
        job = self.begin_sync(client, mode, rules)
        try:
            sent = requests_of(client)
            before = stated_totals(client.balances())
            with _closed(client.entries(since_id=job.since_id)) as reading:
                while page := list(itertools.islice(reading, self._page_records)):
                    job.take(page)
                    if progress is not None:
                        progress(job.progress)
            after = stated_totals(client.balances())
            return self.finish_sync(job, before, after, requests_between(sent, requests_of(client)))
        except BaseException as error:
            self.fail_sync(job, error)
            raise

    def begin_sync(self, client: object, mode: SyncMode, rules: _keys.KeyRules) -> SyncJob:
        """Begin a sync whose pages somebody else reads; for `AsyncLedger`."""
        if mode not in {"resume", "full"}:
            raise ValueError(f"a sync is 'resume' or 'full', not {mode!r}")
        self._refresh()
        return SyncJob.begin(
            self._store,
            str(client.account),  # type: ignore[attr-defined]  # every reader has one
            mode,
            self._clock(),
            fingerprint=_keys.fingerprint_of(client),
            rules=rules,
        )

    def finish_sync(
        self,
        job: SyncJob,
        before: Mapping[str, Decimal],
        after: Mapping[str, Decimal],
        requests: int | None,
    ) -> SyncReport:
        """End a sync well."""
        report = job.finish(before, after, self._clock(), requests=requests)
        self._refresh()
        return attrs.evolve(report, sealed_changes=self.sealed_changes())

    def fail_sync(self, job: SyncJob, error: BaseException) -> None:
        """End a sync that failed."""
        # The first error is the one to see; a disk that is full takes no note of it either.
        with contextlib.suppress(LedgerError):
            job.fail(error, self._clock())

    def check_key(self, client: Client, probes: Probes = Probes.EMPTY_WRITES) -> KeyReport:
        """Check a key as `bitstamp_ledger.check_key` does, and remember the verdict.

        This is the only method that probes; see there for what is sent, and ask the account's
        owner first.

        Raises:
            ForbiddenCallError: the client has no credentials.
        """
        report = check_key(client, probes, earlier=self.last_check(client))
        self.remember_check(client, report)
        return report

    def last_check(self, client: object) -> KeyReport | None:
        """Return the last verdict on a client's key; None where it was never checked."""
        with self._store.read() as connection:
            return _keys.last_report(connection, _keys.fingerprint_of(client))

    def remember_check(self, client: object, report: KeyReport) -> None:
        """Remember the verdict of a check of a client's key that was made elsewhere.

        Raises:
            LedgerError: the client has no key.
        """
        fingerprint = _keys.fingerprint_of(client)
        if fingerprint is None:
            raise LedgerError(
                "A client without a key has no verdict to remember.",
                hint="Give the client credentials.",
            )
        with self._store.write() as connection:
            _keys.remember(connection, fingerprint, report)

    def prove(self, client: HistoryReader, *, wait_s: float = 0.0) -> Proof:
        """Read balances, resume the sync, read balances again, and compare to the last digit.

        Args:
            client: reads the account.
            wait_s: how long to wait for another sync of the same account.

        Raises:
            BitstampLedgerError: as `sync` does.
        """
        report = self.sync(client, wait_s=wait_s)
        for _ in range(ATTEMPTS_STEADY - 1):
            if report.balances_steady:
                break
            report = self.sync(client, wait_s=wait_s)
        return self.proof_of(report.account, steady=report.balances_steady)

    def proof_of(self, account_name: str, *, steady: bool) -> Proof:
        """Compare what is held with the last balances that were kept."""
        hidden = self._hidden_now()
        with self._store.write() as connection:
            account = _accounts.ensure_account(connection, account_name)
            sums = sums_of(connection, account, hidden)
            kept = checkpoints_of(connection, account)
            stated = kept[-1].totals if kept else {}
            proof = compared(
                sums.shown,
                stated,
                entries=sums.entries,
                without_fee=sums.without_fee,
                unknown=sums.unknown,
            )
            located, causes = _locate.explain(
                connection,
                account,
                {each.currency: each.amount for each in proof.differences},
                kept if proof.differences else (),
                hidden,
            )
        return attrs.evolve(
            proof,
            holds=proof.holds and steady and bool(kept),
            account=account_name,
            steady=steady,
            located=located,
            causes=causes,
            read_at=kept[-1].read_at if kept else None,
        )


@contextlib.contextmanager
def _closed(reading: Iterator[Entry]) -> Iterator[Iterator[Entry]]:
    """Stop requests that are still under way when the reading ends early."""
    try:
        yield iter(reading)
    finally:
        close = getattr(reading, "close", None)
        if close is not None:
            close()


def requests_of(client: object) -> int | None:
    """Return how many requests a client has sent, where it counts them."""
    count = getattr(getattr(client, "counts", None), "requests", None)
    return count if isinstance(count, int) else None


def requests_between(before: int | None, after: int | None) -> int | None:
    """Return how many requests lie between two counts, where both are known."""
    return None if before is None or after is None else after - before
