"""What a ledger tells of its entries and of what people said about them."""

import datetime as dt
import enum
from collections.abc import Mapping
from decimal import Decimal

import attrs

from bitstamp_ledger.model import Amount


class EntryState(enum.Enum):
    """Where an entry stands in the ledger."""

    KEPT = "kept"
    QUARANTINED = "quarantined"
    """Kept, and counted, but not understood: an `UnknownEntry`."""

    WITNESSED = "witnessed"
    """A row of a file that is a second witness of another entry."""

    SUPPRESSED = "suppressed"
    """Hidden by a person."""

    SUPERSEDED = "superseded"
    """A version of a record that the exchange has since replaced by another."""


VISIBLE = frozenset({EntryState.KEPT, EntryState.QUARANTINED})
"""What makes up the ledger."""


class DecisionKind(enum.Enum):
    """What a person can say."""

    ANNOTATE = "annotate"
    """A label, a note, a price."""

    HIDE = "hide"
    UNHIDE = "unhide"
    CONFIRM = "confirm"
    REJECT = "reject"
    MERGE = "merge"
    """Two entries are one, whether or not a rule thinks so."""

    SPLIT = "split"
    """Two entries are two, whether or not a rule thinks so."""

    UNDO = "undo"


@attrs.frozen(kw_only=True)
class RecordedDecision:
    """One thing that a person said; never changed, but it can be undone."""

    id: int
    kind: DecisionKind
    entry_id: str | None
    """What it is about; None where it undoes another decision."""

    other_id: str | None = None
    """The row of a file, where it is about a pair."""

    content: Mapping[str, object] = attrs.field(factory=dict, hash=False)
    """What was said: ``label``, ``note``, ``price``."""

    at: dt.datetime
    author: str | None = None
    reason: str | None = None
    undoes: int | None = None
    """The decision that this one undoes."""

    undone: bool = False


@attrs.frozen(kw_only=True)
class Annotation:
    """What people said about one entry, the last word on each."""

    label: str | None = None
    note: str | None = None
    price: Decimal | Amount | None = None
    hidden: bool = False
    decisions: tuple[int, ...] = ()
    """Which decisions it comes from, oldest first."""


class AccountCondition(enum.Enum):
    """Whether an account can be read."""

    ACTIVE = "active"
    PAUSED = "paused"
    """The key does not work.  What is held stays readable; the next sync tries again."""


@attrs.frozen(kw_only=True)
class LedgerAccount:
    """One account that the ledger has heard of."""

    name: str
    condition: AccountCondition
    reason: str | None = None
    """Why it is paused: a `KeyState` and the exchange's words."""

    advice: str | None = None
    since: dt.datetime | None = None
    synced_at: dt.datetime | None = None
    """When its last sync ended well; None for an account that is known from files only."""


@attrs.frozen(kw_only=True)
class ImportedFile:
    """One file that the ledger holds."""

    id: int
    name: str | None
    format: str
    digest: str
    """SHA-256 of its bytes."""

    imported_at: dt.datetime
    present: bool
    """False once it was removed; it can be imported again."""


@attrs.frozen(kw_only=True)
class PageManifest:
    """One stretch of records that was committed at once."""

    number: int
    records: int
    added: int
    """How many of them were new, or new versions."""

    first: str
    last: str
    digest: str
    """SHA-256 over the digests of the raw records, in order."""


@attrs.frozen(kw_only=True)
class Run:
    """The manifest of a sync, an import or a removal."""

    id: int
    kind: str
    account: str | None
    mode: str | None
    started_at: dt.datetime
    finished_at: dt.datetime | None
    outcome: str
    """``done``, ``failed``, ``stopped`` on purpose between two pages, or ``running``, which a
    process that was killed leaves behind."""

    reason: str | None
    versions: Mapping[str, str] = attrs.field(hash=False)
    counts: Mapping[str, int] = attrs.field(hash=False)
    pages: tuple[PageManifest, ...] = attrs.field(default=(), repr=False)


@attrs.frozen(kw_only=True)
class HistoryEvent:
    """One step in the story of an entry."""

    at: dt.datetime
    what: str
    """In one word: ``received``, ``changed``, ``vanished``, ``returned``, ``imported``,
    ``removed``, ``matched``, or the kind of a decision."""

    text: str
    """In words for a person."""

    run_id: int | None = None
    decision_id: int | None = None
    author: str | None = None
    raw: Mapping[str, object] | None = attrs.field(default=None, hash=False, repr=False)
    """The record as received, where the step is one."""


class SealedChangeKind(enum.Enum):
    """What would have changed in a sealed year."""

    ADDED = "added"
    REMOVED = "removed"
    ALTERED = "altered"


@attrs.frozen(kw_only=True)
class SealedChange:
    """One difference between a sealed year and what the facts say now."""

    year: int
    entry_id: str
    kind: SealedChangeKind
    reason: str
