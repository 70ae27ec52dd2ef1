"""What each followed sink holds, as far as the ledger knows: ids, and a digest of each content.

1. A batch is noted as pending before it is sent, and as held once the sink confirmed it.  So at
   any moment the sink holds what is noted, or that and the pending batch.
2. The batches of one sink are numbered; the number is the position of the checkpoint and the
   revision of every operation, so that no older word can overwrite a newer one.
"""

import hashlib
import json
import secrets
import zlib
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Final, Self

import attrs
import msgspec
import sqlalchemy as sa

from bitstamp_ledger.ledger import _matching
from bitstamp_ledger.ledger._records import PAGE_RECORDS
from bitstamp_ledger.ledger._schema import counters, sink_entries, sinks
from bitstamp_ledger.ledger._store import Store, allocate, insert_many, lock_views, note, put_note
from bitstamp_ledger.model import ENTRY_KINDS, Entry
from bitstamp_ledger.sinks import (
    Annotations,
    Batch,
    Checkpoint,
    EntryAnnotation,
    Operation,
    Retract,
    Upsert,
)
from bitstamp_ledger.sinks._row import content_bytes

_LEVEL: Final = 1
_DIGEST_BYTES: Final = 12
NOT_KNOWN: Final = b""
"""The digest of what a sink may hold or not: neither equals any entry's."""

_encode: Final = msgspec.json.Encoder(order="deterministic").encode
_DECODERS: Final = {kind.kind: msgspec.json.Decoder(kind) for kind in ENTRY_KINDS}

# A record as received has numbers beside text: they must come back as what they were.
_encode_raw: Final = msgspec.json.Encoder(decimal_format="number", order="deterministic").encode
_RAW_DECODER: Final = msgspec.json.Decoder(dict[str, object], float_hook=Decimal)


def content_digest(entry: Entry, said: EntryAnnotation | None = None) -> bytes:
    """Return a digest of all that an entry states and a person said, the same on every machine.

    Raises:
        ValueError: a text is no valid Unicode.
    """
    content = content_bytes(entry) + (b"" if said is None else _encode(said))
    return hashlib.blake2b(content, digest_size=_DIGEST_BYTES).digest()


@attrs.frozen
class Mark:
    """A state of the ledger: equal marks, equal entries."""

    rest: str
    """All that changes or removes what is shown; records that are merely added do not."""

    records: int
    """The number that the next record will have."""

    sealed: bool

    @classmethod
    def of(cls, connection: sa.Connection, *, also: str) -> Self:
        """Read it.

        Args:
            connection: any transaction.
            also: what else the outcome depends on.
        """
        rows = connection.execute(sa.select(counters.c.name, counters.c.next))
        counted = {row.name: int(row.next) for row in rows}
        names = ("decisions", "changes", "sightings", "seals", "imports", "files")
        rest = [counted[name] for name in names]
        generation = _matching.generation(connection)
        return cls(
            json.dumps([rest, generation, _matching.VIEW_VERSION, also]),
            counted["records"],
            counted["seals"] > 1,
        )

    def to_json(self) -> str:
        """Write it."""
        return json.dumps(attrs.astuple(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what `to_json` wrote."""
        return cls(*json.loads(text))


@attrs.frozen(kw_only=True)
class Change:
    """One operation, and what the sink holds after it."""

    operation: Operation
    content: bytes | None
    annotation: EntryAnnotation | None = None

    @property
    def entry_id(self) -> str:
        """Whose."""
        match self.operation:
            case Upsert(entry):
                return entry.id
            case Retract(entry_id):
                return entry_id


@attrs.frozen(kw_only=True)
class Pending:
    """A batch that is on its way."""

    position: int
    held: tuple[tuple[str, bytes | None], ...]
    """What the sink will hold: ids and contents."""

    operations: tuple[Operation, ...] | None
    """None where the sink itself will know whether it has it."""

    annotations: Annotations | None = None

    @property
    def batch(self) -> Batch:
        """The batch again, exactly as it was."""
        return Batch(
            operations=self.operations or (),
            checkpoint=Checkpoint(str(self.position)),
            annotations=self.annotations,
        )

    def to_bytes(self) -> bytes:
        """Write it."""
        operations = None
        if self.operations is not None:
            operations = [_operation_parts(each) for each in self.operations]
        annotations = None if operations is None else self.annotations
        parts = [self.position, self.held, operations, annotations]
        return zlib.compress(_encode(parts), _LEVEL)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read what `to_bytes` wrote."""
        parts = msgspec.json.decode(zlib.decompress(data), type=_PendingParts)
        operations = None
        if parts.operations is not None:
            operations = tuple(_operation(each, parts.position) for each in parts.operations)
        return cls(
            position=parts.position,
            held=parts.held,
            operations=operations,
            annotations=parts.annotations,
        )


_OperationParts = tuple[str, str, msgspec.Raw, msgspec.Raw]


class _PendingParts(msgspec.Struct, array_like=True):
    position: int
    held: tuple[tuple[str, bytes | None], ...]
    operations: tuple[_OperationParts, ...] | None
    annotations: dict[str, EntryAnnotation] | None = None
    """Not there in what an earlier release wrote."""


def _operation_parts(operation: Operation) -> _OperationParts:
    match operation:
        case Upsert(entry):
            raw = msgspec.Raw(_encode_raw(entry.source.raw))
            return "upsert", entry.kind, msgspec.Raw(_encode(entry)), raw
        case Retract(entry_id, reason):
            return "retract", reason, msgspec.Raw(_encode(entry_id)), msgspec.Raw(b"{}")


def _operation(parts: _OperationParts, revision: int) -> Operation:
    what, text, data, raw = parts
    if what != "upsert":
        return Retract(msgspec.json.decode(data, type=str), text, revision=revision)
    entry: Entry = _DECODERS[text].decode(data)
    received = _RAW_DECODER.decode(raw)
    entry = attrs.evolve(entry, source=attrs.evolve(entry.source, raw=received))
    return Upsert(entry, revision=revision)


class SinkMemory:
    """What one sink holds."""

    def __init__(self, store: Store, key: str) -> None:
        self._store = store
        with store.write() as connection:
            lock_views(connection)  # Two that begin must not both make the row.
            row = connection.execute(sa.select(sinks).where(sinks.c.key == key)).one_or_none()
            if row is None:
                number = allocate(connection, "sinks")
                connection.execute(sa.insert(sinks).values(id=number, key=key, position=0))
                row = connection.execute(sa.select(sinks).where(sinks.c.id == number)).one()
            self.ledger_id = note(connection, "ledger_id") or secrets.token_hex(8)
            put_note(connection, "ledger_id", self.ledger_id)
        self._id = int(row.id)
        self.position = int(row.position)
        self.mark = None if row.mark is None else Mark.from_json(row.mark)
        self.pending = None if row.pending is None else Pending.from_bytes(bytes(row.pending))

    def contents(self, ids: Sequence[str]) -> dict[str, bytes | None]:
        """Return what is held under these ids; one that never was is not among them."""
        columns = sink_entries.c
        with self._store.read() as connection:
            rows = connection.execute(
                sa.select(columns.entry_id, columns.content).where(
                    columns.sink_id == self._id, columns.entry_id.in_(ids)
                )
            )
            return {row.entry_id: _bytes_of(row.content) for row in rows}

    def held_ids(self) -> Iterator[list[str]]:
        """Yield the ids of all that the sink holds or may hold, a page at a time."""
        columns = sink_entries.c
        after = ""
        while True:
            with self._store.read() as connection:
                rows = connection.execute(
                    sa.select(columns.entry_id)
                    .where(
                        columns.sink_id == self._id,
                        columns.entry_id > after,
                        columns.content.is_not(None),
                    )
                    .order_by(columns.entry_id)
                    .limit(PAGE_RECORDS)
                ).all()
            if not rows:
                return
            yield [row.entry_id for row in rows]
            after = rows[-1].entry_id

    def send(self, changes: Sequence[Change], *, with_content: bool) -> Pending:
        """Note a batch as on its way."""
        self.pending = Pending(
            position=self.position + 1,
            held=tuple((change.entry_id, change.content) for change in changes),
            operations=tuple(change.operation for change in changes),
            annotations={
                change.entry_id: change.annotation
                for change in changes
                if change.annotation is not None
            }
            or None,
        )
        kept = self.pending if with_content else attrs.evolve(self.pending, operations=None)
        self._update(pending=kept.to_bytes())
        return self.pending

    def confirm(self) -> None:
        """Note that the sink holds the pending batch."""
        if self.pending is None:
            return
        self.position = self.pending.position
        held = self.pending.held
        with self._store.write() as connection:
            ids = [entry_id for entry_id, _ in held]
            connection.execute(
                sa.delete(sink_entries).where(
                    sink_entries.c.sink_id == self._id, sink_entries.c.entry_id.in_(ids)
                )
            )
            insert_many(connection, sink_entries, [(self._id, *each) for each in held])
            connection.execute(self._updating(position=self.position, pending=None))
        self.pending = None

    def drop(self) -> None:
        """Note that the sink does not hold the pending batch."""
        self._update(pending=None)
        self.pending = None

    def doubt(self) -> None:
        """Note that the sink may hold the pending batch, or not."""
        if self.pending is None:
            return
        doubtful = tuple((entry_id, NOT_KNOWN) for entry_id, _ in self.pending.held)
        self.pending = attrs.evolve(self.pending, held=doubtful)
        self.confirm()

    def reset(self, position: int) -> None:
        """Note that nobody knows what the sink holds, and that it may have come to ``position``."""
        ahead = 0 if self.pending is None else self.pending.position
        self.position = max(position, self.position, ahead)
        self.mark = self.pending = None
        with self._store.write() as connection:
            connection.execute(
                sa.update(sink_entries)
                .where(sink_entries.c.sink_id == self._id)
                .values(content=NOT_KNOWN)
            )
            connection.execute(self._updating(position=self.position, mark=None, pending=None))

    def settle(self, mark: Mark) -> None:
        """Note that the sink holds this state of the ledger, all of it."""
        if mark != self.mark:
            self._update(mark=mark.to_json())
            self.mark = mark

    def _update(self, **values: object) -> None:
        with self._store.write() as connection:
            connection.execute(self._updating(**values))

    def _updating(self, **values: object) -> sa.Update:
        return sa.update(sinks).where(sinks.c.id == self._id).values(**values)


def _bytes_of(value: object) -> bytes | None:
    return bytes(value) if isinstance(value, bytes | memoryview) else None
