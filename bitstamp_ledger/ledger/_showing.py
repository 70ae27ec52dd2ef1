"""What a ledger shows: entries, balances, counts, stories; and years that are sealed."""

import datetime as dt
from collections.abc import Iterable, Iterator
from decimal import Decimal
from functools import partial

from bitstamp_ledger.errors import LedgerError
from bitstamp_ledger.ledger import _accounts, _decisions, _following, _matching, _runs, _seals
from bitstamp_ledger.ledger._base import LedgerBase
from bitstamp_ledger.ledger._history import history_of
from bitstamp_ledger.ledger._instants import micros
from bitstamp_ledger.ledger._proof import replay
from bitstamp_ledger.ledger._records import rebuild_places
from bitstamp_ledger.ledger._reports import FollowReport
from bitstamp_ledger.ledger._store import lock_views
from bitstamp_ledger.ledger._values import (
    VISIBLE,
    EntryState,
    HistoryEvent,
    LedgerAccount,
    Run,
    SealedChange,
)
from bitstamp_ledger.ledger._view import (
    Filter,
    Sums,
    counts_of,
    current_seals,
    iter_entries,
    sums_of,
)
from bitstamp_ledger.model import ENTRY_KINDS, Account, Entry, utc
from bitstamp_ledger.reconcile import Counts
from bitstamp_ledger.sinks import Annotations, AnySink, EntryStep, SinkHandle, SinkReport
from bitstamp_ledger.sinks import Progress as SinkProgressCallback
from bitstamp_ledger.sinks._opening import handle_of
from bitstamp_ledger.sinks.arrow import arrow


class Showing(LedgerBase):
    """The part of a ledger that shows what is held."""

    def entries(
        self,
        *,
        since: dt.datetime | None = None,
        until: dt.datetime | None = None,
        kinds: Iterable[str | type[Entry]] | str | type[Entry] | None = None,
        currency: str | None = None,
        account: str | None = None,
        state: EntryState | Iterable[EntryState] | None = None,
    ) -> Iterator[Entry]:
        """Yield entries in the order of time, a page at a time.

        Args:
            since: not what happened before.
            until: nor what happened then or later.
            kinds: only this kind or these, by name (``"trade"``) or class.
            currency: only entries with a leg or a fee in it.
            account: only those of this account.
            state: only entries in this state, or one of these; without it, what makes up the
                ledger: kept and quarantined.

        Raises:
            ValueError: there is no such kind.
        """
        self._refresh()
        return iter_entries(
            self._store,
            Filter(
                since_us=None if since is None else micros(utc(since)),
                until_us=None if until is None else micros(utc(until)),
                kinds=None if kinds is None else _kind_names(kinds),
                currency=None if currency is None else currency.upper(),
                account=None if account is None else Account(account).name,
                states=_states(state),
                hidden=self._hidden_now(),
            ),
        )

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Hand the entries to a data frame: ``polars.DataFrame(ledger)``.  See `arrow`."""
        return arrow(self).__arrow_c_stream__(requested_schema)

    def balances(
        self, at: dt.datetime | None = None, *, account: str | None = None
    ) -> dict[str, Decimal]:
        """Return what the entries add up to, by currency; zeros are left out.

        Args:
            at: up to and including this instant; None for all there is.
            account: of this account only.
        """
        self._refresh()
        hidden = self._hidden_now()
        with self._store.read() as connection:
            sealed = current_seals(connection)
        if at is not None or sealed:
            until = None if at is None else utc(at) + dt.timedelta(microseconds=1)
            return replay(self.entries(until=until, account=account))
        wanted = None if account is None else Account(account).name
        totals = Sums()
        with self._store.write() as connection:
            for each in _accounts.account_refs(connection):
                if wanted in {None, each.name}:
                    totals = totals.joined(sums_of(connection, each, hidden))
        return totals.shown

    def counts(self) -> Counts:
        """Say where every record and every row has gone; the parts add up to what came in.

        A version of a record that was replaced counts as a witness of the one that holds.
        """
        self._refresh()
        hidden = self._hidden_now()
        with self._store.write() as connection:
            return counts_of(connection, hidden)

    def accounts(self) -> tuple[LedgerAccount, ...]:
        """Return the accounts that the ledger has heard of, and whether they can be read."""
        with self._store.read() as connection:
            return _accounts.described(connection)

    def runs(self) -> tuple[Run, ...]:
        """Return the manifests of all syncs, imports and removals."""
        with self._store.read() as connection:
            return _runs.listed(connection)

    def history(self, entry_id: str) -> tuple[HistoryEvent, ...]:
        """Tell an entry's whole story: sources, matches, decisions, when and by whom."""
        self._refresh()
        with self._store.read() as connection:
            return history_of(connection, entry_id)

    def seal(
        self, year: int, *, author: str | None = None, reason: str | None = None
    ) -> tuple[SealedChange, ...]:
        """Freeze a calendar year (UTC) as it shows now.

        Later syncs and imports only report what would change in it; `accept` lets it change.
        Sealing a sealed year again does nothing but return what would change.

        Raises:
            LedgerError: the year has not ended.
        """
        self._refresh()
        with self._store.write() as connection:
            if year not in current_seals(connection):
                _seals.seal_year(connection, year, self._clock(), author=author, reason=reason)
            return _seals.changes_in(connection, year)

    def seals(self) -> tuple[int, ...]:
        """Return the sealed years."""
        with self._store.read() as connection:
            return tuple(sorted(current_seals(connection)))

    def accept(
        self, year: int, *, author: str | None = None, reason: str | None = None
    ) -> tuple[SealedChange, ...]:
        """Let a sealed year show what the facts say now, and seal that; return what changed.

        Raises:
            LedgerError: the year is not sealed.
        """
        self._refresh()
        with self._store.write() as connection:
            if year not in current_seals(connection):
                raise LedgerError(f"The year {year} is not sealed.", hint="Call seal(year) first.")
            changed = _seals.changes_in(connection, year)
            if changed:
                _seals.seal_year(connection, year, self._clock(), author=author, reason=reason)
            return changed

    def export(
        self,
        out: SinkHandle | AnySink | str,
        *,
        lossy: bool = False,
        steps: Iterable[EntryStep] = (),
        progress: SinkProgressCallback | None = None,
        **filters: object,
    ) -> SinkReport | None:
        """Write the ledger to a sink: ``ledger.export("csv:out.csv")``.

        Args:
            out: a name or address as for `sinks.open`, a sink, a function, or a handle.
            lossy: agree to a sink that cannot hold all digits or the seconds.
            steps: change each entry on its way, or leave it out.
            progress: called after each batch.
            filters: as for `entries`.

        Returns:
            What was written; None where ``out`` is a handle inside its ``with`` block, which has
            the report at its end.
        """
        entries = partial(self.entries, **filters)  # type: ignore[arg-type]  # it checks them
        return _following.export(
            handle_of(out, lossy=lossy, steps=steps, progress=progress),
            entries,
            self.followed.annotations,
        )

    def follow(
        self,
        out: SinkHandle | AnySink | str,
        *,
        lossy: bool = False,
        steps: Iterable[EntryStep] = (),
        progress: SinkProgressCallback | None = None,
        known_as: str | None = None,
        anew: bool = False,
        wait_s: float = 0.0,
    ) -> FollowReport:
        """Bring a sink up to date: send what changed since, and take back what is not shown now.

        Args:
            out: as for `export`; a handle must not have been entered.
            lossy: agree to a sink that cannot hold all digits or the seconds.
            steps: pure functions; with any, every entry is looked at in every run.
            progress: called after each batch.
            known_as: what the ledger remembers the sink by, unless name and target say it.
            anew: send everything, whatever the sink is known to hold.
            wait_s: how long to wait for another program that brings the same sink up to date.

        Raises:
            LedgerBusyError: another program still does so.
            SinkError: it cannot take the ledger, or cannot replace or take back what it holds.
        """
        handle = handle_of(out, lossy=lossy, steps=steps, progress=progress)
        return _following.bring_up_to_date(
            self.followed, handle, known_as=known_as, anew=anew, wait_s=wait_s
        )

    def follow_all(
        self, outs: Iterable[SinkHandle | AnySink | str], *, wait_s: float = 0.0
    ) -> tuple[FollowReport, ...]:
        """Bring several sinks up to date at once; each reads for itself, in a thread of its own.

        Raises:
            SinkError: some failed, as its ``failures`` say; the others are up to date.
        """
        return _following.bring_all_up_to_date(
            self.followed, [handle_of(out) for out in outs], wait_s=wait_s
        )

    @property
    def followed(self) -> _following.Source:
        """What following asks of this ledger; for the rest of this package."""
        return _following.Source(
            store=self._store,
            entries=self.entries,
            refresh=self._refresh,
            annotations=self._annotations,
        )

    def _annotations(self) -> Annotations:
        self._refresh()
        with self._store.read() as connection:
            return _decisions.annotations_now(connection)

    def rebuild(self) -> None:
        """Drop all views and make them again, from facts and decisions alone."""
        with self._store.write() as connection:
            lock_views(connection)
            rebuild_places(connection, _accounts.account_refs(connection))
            _matching.match_files(connection, self._clock(), self._matcher)


def _kind_names(kinds: Iterable[str | type[Entry]] | str | type[Entry]) -> frozenset[str]:
    stated = [kinds] if isinstance(kinds, str | type) else kinds
    names = frozenset(each if isinstance(each, str) else each.kind for each in stated)
    if unknown := names - {kind.kind for kind in ENTRY_KINDS}:
        known = ", ".join(kind.kind for kind in ENTRY_KINDS)
        raise ValueError(f"no kind of entry: {', '.join(sorted(unknown))}; known: {known}")
    return names


def _states(state: EntryState | Iterable[EntryState] | None) -> frozenset[EntryState]:
    if state is None:
        return VISIBLE
    return frozenset({state}) if isinstance(state, EntryState) else frozenset(state)
