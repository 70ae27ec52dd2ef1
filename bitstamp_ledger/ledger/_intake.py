"""Taking in the pages of a sync: what is new is stored, what is held is compared."""

import hashlib
from collections.abc import Sequence
from itertools import repeat
from typing import Final

import attrs
import msgspec
import sqlalchemy as sa

from bitstamp_ledger.api import encode_user_transactions
from bitstamp_ledger.ledger._instants import micros
from bitstamp_ledger.ledger._records import (
    AccountRef,
    Version,
    delete_place,
    entry_of,
    forget_sums,
    key_of,
    note_sighting,
    present_version,
    same_content,
    versions_by_key,
)
from bitstamp_ledger.ledger._schema import changes, pages, records, view_records
from bitstamp_ledger.ledger._store import allocate, insert_many
from bitstamp_ledger.model import Entry, Trade

_DIGEST_BYTES: Final = 16

_raws_of: Final = msgspec.json.Decoder(list[msgspec.Raw]).decode


@attrs.define
class Seen:
    """Which of the records that were held before have been read in this sync; a bit for each."""

    _bits: bytearray = attrs.field(factory=bytearray)

    def add(self, record_id: int) -> None:
        """Note a record."""
        at = record_id >> 3
        if at >= len(self._bits):
            self._bits.extend(bytes(at + 1 - len(self._bits) + (len(self._bits) >> 2)))
        self._bits[at] |= 1 << (record_id & 7)

    def __contains__(self, record_id: int) -> bool:
        at = record_id >> 3
        return at < len(self._bits) and bool(self._bits[at] & (1 << (record_id & 7)))


@attrs.define(kw_only=True)
class Intake:
    """What the pages of one sync have brought so far."""

    account: AccountRef
    run_id: int
    gone: set[int]
    """Records that the exchange had ceased to list."""

    high: int
    """No record held before has a higher exchange id."""

    seen: Seen = attrs.field(factory=Seen)
    page_count: int = 0


@attrs.frozen(kw_only=True)
class PageOutcome:
    """What became of the records of one page, in order."""

    added: int
    known: frozenset[int]
    """Places on the page of records that were held already."""

    changed: tuple[tuple[Entry, Entry], ...]
    returned: tuple[str, ...]


def raw_page(entries: Sequence[Entry]) -> list[bytes]:
    """Return the raw records of a page, digit by digit."""
    return list(map(bytes, _raws_of(encode_user_transactions(entries))))


def take_page(
    connection: sa.Connection, intake: Intake, entries: Sequence[Entry], times: Sequence[int]
) -> PageOutcome:
    """Store one page; records that are held already are only noted as seen.

    Args:
        connection: a writing transaction.
        intake: the sync that the page belongs to.
        entries: the page, which holds at least one record.
        times: when they happened, in microseconds.
    """
    account = intake.account
    raws = raw_page(entries)
    digests = [hashlib.sha256(raw).digest()[:_DIGEST_BYTES] for raw in raws]
    start = len(account.name) + 1
    keys = [
        entry.id[start:] if type(entry) is Trade else key_of(entry, account.name)
        for entry in entries
    ]
    repeated = len(set(keys)) < len(keys)
    numbers = [entry.transaction_id or 0 for entry in entries]
    doubtful: set[str] = set()
    if repeated or min(numbers) <= intake.high:
        doubtful.update(
            key
            for key, number in zip(keys, numbers, strict=True)
            if repeated or number <= intake.high
        )
    held = versions_by_key(connection, account, doubtful)
    writer = _PageWriter(connection, intake)
    known: set[int] = set()
    next_id = allocate(connection, "records", sum(key not in held for key in keys))
    if doubtful:
        for at, (key, entry) in enumerate(zip(keys, entries, strict=True)):
            if key not in held:
                held[key] = [Version(next_id, digests[at])]
                writer.add_all(next_id, [key], [digests[at]], [raws[at]])
                writer.place(next_id, [entry], [times[at]])
                next_id += 1
            elif not writer.compare(held[key], _Fact(key, digests[at], raws[at], entry)):
                known.add(at)
    else:
        writer.add_all(next_id, keys, digests, raws)
        writer.place(next_id, entries, times)
    writer.flush()
    intake.high = max(intake.high, *numbers)
    _note_page(connection, intake, keys, digests, writer.added)
    return PageOutcome(
        added=writer.added,
        known=frozenset(known),
        changed=tuple(writer.changed),
        returned=tuple(writer.returned),
    )


@attrs.frozen
class _Fact:
    """A record as received."""

    key: str
    digest: bytes
    raw: bytes
    entry: Entry


@attrs.define
class _PageWriter:
    """Collects the rows of a page, so that they are inserted at once."""

    connection: sa.Connection
    intake: Intake
    added: int = 0
    changed: list[tuple[Entry, Entry]] = attrs.field(factory=list)
    returned: list[str] = attrs.field(factory=list)
    _facts: list[tuple[object, ...]] = attrs.field(factory=list)
    _places: list[tuple[object, ...]] = attrs.field(factory=list)

    def add_all(
        self,
        first_id: int,
        keys: Sequence[str],
        digests: Sequence[bytes],
        raws: Sequence[bytes],
        *,
        version: int = 0,
    ) -> None:
        """Store contents none of which is held, under ids that follow each other."""
        account_id, run_id = self.intake.account.id, self.intake.run_id
        ids = range(first_id, first_id + len(keys))
        self.added += len(keys)
        self._facts.extend(
            zip(
                *(ids, repeat(account_id), repeat(run_id), keys, repeat(version), digests, raws),
                strict=False,  # What is repeated never ends.
            )
        )

    def place(self, first_id: int, entries: Sequence[Entry], times: Sequence[int]) -> None:
        """Let versions hold, whose ids follow each other."""
        account_id = self.intake.account.id
        self._places.extend(
            [
                (account_id, at, entry.transaction_id or 0, record_id, entry.kind)
                for record_id, (entry, at) in enumerate(zip(entries, times, strict=True), first_id)
            ]
        )

    def compare(self, versions: list[Version], fact: _Fact) -> bool:
        """Take a record of which a version is held; say whether it says something new."""
        present = present_version(self.connection, [each.record_id for each in versions])
        same = next((each for each in versions if each.digest == fact.digest), None)
        if same is None or same.record_id != present:
            self.flush()
            current = entry_of(self.connection, self.intake.account, present)
            if not same_content(current, fact.entry):
                self._replace(present, current, same or self._add_version(versions, fact), fact)
                self.changed.append((current, fact.entry))
                return True
        self.intake.seen.add(present)
        if present in self.intake.gone:
            self.intake.gone.discard(present)
            self.returned.append(fact.entry.id)
            note_sighting(self.connection, self.intake.run_id, [present], listed=True)
        return False

    def _add_version(self, versions: list[Version], fact: _Fact) -> Version:
        new = Version(allocate(self.connection, "records"), fact.digest)
        self.add_all(
            new.record_id,
            [fact.key],
            [fact.digest],
            [fact.raw],
            version=len(versions),
        )
        versions.append(new)
        return new

    def _replace(self, present: int, current: Entry, version: Version, fact: _Fact) -> None:
        """Let another version hold from now on."""
        account = self.intake.account
        delete_place(self.connection, account, present, current)
        self.place(version.record_id, [fact.entry], [micros(fact.entry.time)])
        self.flush()
        self.connection.execute(
            sa.insert(changes).values(
                id=allocate(self.connection, "changes"),
                record_id=version.record_id,
                replaced_id=present,
                run_id=self.intake.run_id,
            )
        )
        forget_sums(self.connection, account)
        self.intake.seen.add(version.record_id)
        self.intake.seen.add(present)

    def flush(self) -> None:
        """Insert what was collected."""
        if self._facts:
            insert_many(self.connection, records, self._facts)
            self._facts = []
        if self._places:
            insert_many(self.connection, view_records, self._places)
            self._places = []


def _note_page(
    connection: sa.Connection,
    intake: Intake,
    keys: Sequence[str],
    digests: Sequence[bytes],
    added: int,
) -> None:
    intake.page_count += 1
    digest = hashlib.sha256(b"".join(digests)).hexdigest()
    page = (intake.run_id, intake.page_count, len(keys), added, keys[0], keys[-1], digest)
    insert_many(connection, pages, [page])
