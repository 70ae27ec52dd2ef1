"""What a sink is, and what passes between it and the engine.

Rules that hold for every sink:

1. ``open`` comes first, ``close`` last and exactly once; ``close`` is not called when ``open``
   raised.  Whatever raises cleans up after itself.
2. ``write`` is all or nothing, and the same batch again gives the same result.
3. What is stored exists for others once ``close(Completed())`` returned, or earlier where the
   receipt says ``durable``.  After ``close(Failed(...))`` nothing exists that was not durable.
4. A sink is sent only what its capabilities name: no ``Retract`` without ``retract``, no id twice
   in one run without ``upsert``, and nothing that people said without ``annotations``.
5. A sink raises ``SinkError``; it never meets a credential of the exchange, and keeps its own
   out of every message.  One with ``retryable=True`` has it called again after a pause: ``open``
   and ``write``, never ``close``.
6. Of two operations on one id that state a revision, the higher holds, in whatever order they come;
   of equal ones, and of those that state none (0), the one that comes last.
7. ``open`` refuses a ``schema_version`` that it does not know: see `RunInfo.require_schema`.
8. A sink may have ``name`` and ``target``, both text without a secret.  ``target`` says where it
   writes, and is the same for the same place: a ledger that follows knows the sink by it.
"""

import functools
import hashlib
from collections.abc import Awaitable, Iterable
from typing import Literal, Protocol, TypeAlias, runtime_checkable

import attrs
import msgspec

from bitstamp_ledger.errors import SinkError
from bitstamp_ledger.model import Entry
from bitstamp_ledger.sinks._annotations import Annotations, annotations_bytes
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

    annotations: bool = False
    """It stores what people said about entries.  Others are not told of it, and not sent an entry
    again because of it."""

    losses: tuple[Loss, ...] = ()
    """What is lost, column by column: required of a lossy sink, forbidden to any other."""

    def __attrs_post_init__(self) -> None:
        if self.lossy != bool(self.losses):
            raise ValueError("a sink is lossy exactly when it says per column what it loses")

    @property
    def replaces(self) -> bool:
        """Whether every run writes the whole target anew, as files do."""
        return not (self.upsert or self.append_only)

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

    def require_schema(self, known: int) -> None:
        """Refuse names that are newer than those that a sink was written for.

        Args:
            known: the schema version that the sink knows, as a literal number in its code.

        Raises:
            SinkError: the entries come under a newer one.
        """
        if self.schema_version > known:
            raise SinkError(
                f"The sink {self.sink!r} knows schema {known}, and the entries come in schema "
                f"{self.schema_version}.",
                sink=self.sink,
                hint="Update the distribution that the sink comes from.",
            )


@attrs.frozen
class Upsert:
    """Store this entry."""

    entry: Entry

    revision: int = attrs.field(default=0, kw_only=True)
    """Which of several words on this id it is; 0 where the writer does not count."""


@attrs.frozen
class Retract:
    """Take the entry with this id back; nothing happens when it is not stored."""

    entry_id: str

    reason: str
    """Why, in words for a person."""

    revision: int = attrs.field(default=0, kw_only=True)
    """As for `Upsert`."""


Operation: TypeAlias = Upsert | Retract


@attrs.frozen(kw_only=True)
class Batch:
    """Operations that become stored together, in this order.  It may hold none."""

    operations: tuple[Operation, ...]

    checkpoint: Checkpoint | None = None
    """The one that holds once this batch is stored; None where the writer keeps none."""

    schema_version: int = SCHEMA_VERSION

    annotations: Annotations | None = None
    """What people said, by the id of the entry, for a sink with ``annotations``.  An entry to store
    that is not here has none (any more).  None where nothing was said in the whole ledger."""

    @functools.cached_property
    def id(self) -> str:
        """A digest of the content: the same batch sent again is known by it."""
        position = None if self.checkpoint is None else self.checkpoint.position
        head = msgspec.json.encode([self.schema_version, position])
        said = b"" if self.annotations is None else annotations_bytes(self.annotations)
        return _digest(head, (*map(_content_of, self.operations), said))

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The entries to store, in order."""
        return tuple(one.entry for one in self.operations if isinstance(one, Upsert))

    @property
    def retractions(self) -> tuple[Retract, ...]:
        """What to take back, in order."""
        return tuple(one for one in self.operations if isinstance(one, Retract))

    @classmethod
    def of(cls, entries: Iterable[Entry]) -> "Batch":
        """Return a batch that stores ``entries``."""
        return cls(operations=tuple(Upsert(entry) for entry in entries))


def batch_of(
    entries: Iterable[Entry], contents: Iterable[bytes], annotations: Annotations | None = None
) -> Batch:
    """Return what `Batch.of` does.

    Args:
        entries: what to store.
        contents: what `content_bytes` gives for each; it takes as long as all the rest.
        annotations: what people said about them.
    """
    operations = tuple(Upsert(entry) for entry in entries)
    batch = Batch(operations=operations, annotations=annotations)
    if annotations is not None:
        contents = (*contents, annotations_bytes(annotations))
    _set_id(batch, _digest(msgspec.json.encode([SCHEMA_VERSION, None]), contents))
    return batch


def _digest(head: bytes, contents: Iterable[bytes]) -> str:
    return hashlib.sha256(head + b"".join(contents)).hexdigest()[:20]


# A frozen class forbids assignment; the slot of what is computed once can be filled beforehand.
_set_id = Batch.id.__set__  # type: ignore[attr-defined]  # a slot, to the interpreter


def _content_of(operation: Operation) -> bytes:
    match operation:
        case Upsert(entry, revision=revision):
            content = content_bytes(entry)
            return b"%d%b" % (revision, content) if revision else content
        case Retract(entry_id, reason, revision=revision):
            return msgspec.json.encode(["retract", entry_id, reason, revision])


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


@runtime_checkable
class AsyncSink(Protocol):
    """A sink whose methods are awaited; for the handles of `open_async` and `async_handle_for`.

    A sink with plain methods will do there, too: it then works in a thread.
    """

    @property
    def capabilities(self) -> Capabilities:
        """What this sink can do."""

    def open(self, run: RunInfo) -> Awaitable[Checkpoint | None]:
        """As `Sink.open`."""

    def write(self, batch: Batch) -> Awaitable[Receipt]:
        """As `Sink.write`."""

    def close(self, outcome: Outcome) -> Awaitable[None]:
        """As `Sink.close`."""
