"""What a sink is, and what passes between it and the engine.

Rules that hold for every sink:

1. ``open`` comes first, ``close`` last and exactly once; ``close`` is not called when ``open``
   raised.  Whatever raises cleans up after itself.
2. ``write`` is all or nothing, and the same batch again gives the same result.
3. What is stored exists for others once ``close(Completed())`` returned, or earlier where the
   receipt says ``durable``.  After ``close(Failed(...))`` nothing exists that was not durable.
4. A sink is sent only what its capabilities name: no ``Retract`` without ``retract``, and no id
   twice in one run without ``upsert``.
5. A sink raises ``SinkError``; it never meets a credential of the exchange, and keeps its own
   out of every message.
"""

import functools
import hashlib
from collections.abc import Iterable
from typing import Literal, Protocol, TypeAlias, runtime_checkable

import attrs
import msgspec

from bitstamp_ledger.model import Entry
from bitstamp_ledger.sinks._row import SCHEMA_VERSION, content_bytes


@attrs.frozen
class Loss:
    """One thing that a sink's format cannot hold."""

    column: str

    what: str
    """In words for a person: ``"seconds are cut off"``."""

    def __str__(self) -> str:
        return f"{self.column}: {self.what}"


@attrs.frozen(kw_only=True)
class Capabilities:
    """What a sink can do.  The engine reads it once, before ``open``."""

    upsert: bool = False
    """An entry whose id is stored already replaces what is stored."""

    retract: bool = False
    """An entry can be taken back by its id."""

    stores_checkpoint: bool = False
    """Rows and checkpoint become durable together, and ``open`` returns the last one."""

    append_only: bool = False
    """A run adds to what earlier runs stored.  A sink with neither this nor ``upsert`` replaces
    its whole target in every run."""

    decimals: Literal["exact", "text", "lossy"]
    """A type of its own for decimals; text that reads back as the same digits; or neither."""

    times: Literal["exact", "lossy"] = "exact"
    """Whether microseconds survive."""

    losses: tuple[Loss, ...] = ()
    """What is lost, column by column: required of a lossy sink, forbidden to any other."""

    def __attrs_post_init__(self) -> None:
        if self.lossy != bool(self.losses):
            raise ValueError("a sink is lossy exactly when it says per column what it loses")

    @property
    def lossy(self) -> bool:
        """Whether the caller must have agreed to a loss."""
        return "lossy" in {self.decimals, self.times}


@attrs.frozen
class Checkpoint:
    """How far the writer had come; its text means something to the writer only."""

    position: str


@attrs.frozen(kw_only=True)
class RunInfo:
    """What a sink learns before the first batch."""

    sink: str
    """The name that the sink was asked for by."""

    schema_version: int = SCHEMA_VERSION

    ledger: str | None = None
    """Which ledger the entries come from, so that checkpoints of two are not mixed up; None for
    loose entries, which have no checkpoints."""


@attrs.frozen
class Upsert:
    """Store this entry."""

    entry: Entry


@attrs.frozen
class Retract:
    """Take the entry with this id back; nothing happens when it is not stored."""

    entry_id: str

    reason: str
    """Why, in words for a person."""


Operation: TypeAlias = Upsert | Retract


@attrs.frozen(kw_only=True)
class Batch:
    """Operations that become stored together, in this order.  It may hold none."""

    operations: tuple[Operation, ...]

    checkpoint: Checkpoint | None = None
    """The one that holds once this batch is stored; None where the writer keeps none."""

    schema_version: int = SCHEMA_VERSION

    @functools.cached_property
    def id(self) -> str:
        """A digest of the content: the same batch sent again is known by it."""
        position = None if self.checkpoint is None else self.checkpoint.position
        digest = hashlib.sha256(msgspec.json.encode([self.schema_version, position]))
        for operation in self.operations:
            digest.update(_content_of(operation))
        return digest.hexdigest()[:20]

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The entries to store, in order."""
        return tuple(one.entry for one in self.operations if isinstance(one, Upsert))

    @classmethod
    def of(cls, entries: Iterable[Entry]) -> "Batch":
        """Return a batch that stores ``entries``."""
        return cls(operations=tuple(Upsert(entry) for entry in entries))


def _content_of(operation: Operation) -> bytes:
    match operation:
        case Upsert(entry):
            return content_bytes(entry)
        case Retract(entry_id, reason):
            return msgspec.json.encode(["retract", entry_id, reason])


@attrs.frozen(kw_only=True)
class Receipt:
    """A sink's word on one batch."""

    batch_id: str

    rows: int
    """How many rows this batch accounts for; the same when it is sent again."""

    durable: bool
    """Whether the batch survives a crash from now on; if not, it does after ``close``."""

    places: tuple[str, ...] = ()
    """Where a person finds it, such as the path of a file; never with a password inside."""


@attrs.frozen
class Completed:
    """The writer has sent everything: make it durable."""


@attrs.frozen
class Failed:
    """The writer gave up: leave the target as the last durable batch left it."""

    reason: str
    """In words for a person."""


Outcome: TypeAlias = Completed | Failed


@runtime_checkable
class Sink(Protocol):
    """A place that entries are written to."""

    @property
    def capabilities(self) -> Capabilities:
        """What this sink can do; a plain attribute will do."""

    def open(self, run: RunInfo) -> Checkpoint | None:
        """Begin a run; return the last checkpoint that this sink made durable, if it keeps any."""

    def write(self, batch: Batch) -> Receipt:
        """Take one batch."""

    def close(self, outcome: Outcome) -> None:
        """End the run."""
