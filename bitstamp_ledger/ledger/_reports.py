"""What a sync, an import and a followed sink report."""

import datetime as dt

import attrs

from bitstamp_ledger.ledger._shown import import_notebook, sync_notebook
from bitstamp_ledger.ledger._values import SealedChange
from bitstamp_ledger.model import Entry
from bitstamp_ledger.reconcile import Conflict, Counts, Match, Suspect


@attrs.frozen(kw_only=True)
class ChangedRecord:
    """A record that the exchange now states differently.  Both versions are kept."""

    before: Entry
    after: Entry

    @property
    def entry_id(self) -> str:
        """The identity of the record."""
        return self.after.id


@attrs.frozen(kw_only=True)
class SyncReport:
    """What a sync did.  ``counts`` adds up to the records that were read."""

    account: str
    mode: str
    run_id: int
    started_at: dt.datetime
    finished_at: dt.datetime
    counts: Counts
    """Kept and quarantined are new; witnessed were held already; suppressed are hidden."""

    pages: int
    requests: int | None
    """How many requests the client sent; None where it does not count them."""

    changed: tuple[ChangedRecord, ...] = ()
    vanished: tuple[str, ...] = ()
    """Entries that the exchange lists no more.  They stay until a person hides them."""

    returned: tuple[str, ...] = ()
    """Entries that had vanished and are listed again."""

    sealed_changes: tuple[SealedChange, ...] = ()
    """What was not changed in sealed years; see ``Ledger.accept``."""

    balances_steady: bool
    """Whether the balances were the same before and after; only then are they a checkpoint."""

    notices: tuple[str, ...] = ()

    @property
    def new(self) -> int:
        """How many records were not held before."""
        return self.counts.received - self.counts.witnessed - self.counts.suppressed

    def _repr_html_(self) -> str:
        return sync_notebook(self)


@attrs.frozen(kw_only=True)
class ImportReport:
    """What an import did.  ``counts`` adds up to the rows of the file."""

    file_id: int
    run_id: int | None
    """None where nothing was done."""

    name: str | None
    format: str
    already: bool
    """Whether the file, or another with the same rows, was there already; nothing changed then."""

    counts: Counts
    matches: tuple[Match, ...] = attrs.field(default=(), repr=False)
    new: tuple[Entry, ...] = attrs.field(default=(), repr=False)
    conflicts: tuple[Conflict, ...] = attrs.field(default=(), repr=False)
    suspects: tuple[Suspect, ...] = attrs.field(default=(), repr=False)
    problems: tuple[str, ...] = ()
    """Rows that could not be read, in words."""

    doubts: tuple[str, ...] = ()
    sealed_changes: tuple[SealedChange, ...] = ()

    def _repr_html_(self) -> str:
        return import_notebook(self)


@attrs.frozen(kw_only=True)
class SyncProgress:
    """What a caller's ``progress`` is told after each commit."""

    account: str
    records: int
    """Read so far."""

    added: int
    """Of them, new."""


@attrs.frozen(kw_only=True)
class FollowReport:
    """What a sink was sent so that it holds what the ledger shows."""

    sink: str
    upserts: int = 0
    retractions: int = 0
    batches: int = 0
    left_out: int = 0
    """Entries that a step left out."""

    retries: int = 0
    resent: bool = False
    """Whether the last batch of an earlier run was sent again, since nobody knew its fate."""

    anew: bool = False
    """Whether everything was sent: a first run, a target that is written whole or was replaced."""

    settled: bool = True
    """False where the ledger kept changing: something may still have to be taken back."""

    places: tuple[str, ...] = ()
