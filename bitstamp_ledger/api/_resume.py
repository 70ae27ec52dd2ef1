"""Going on with a history where an earlier reading stopped.

1. What was read last is shown again: the largest ids, with digests of what they held.  So records
   that turned up late, records that changed and records that vanished are found, within that
   overlap; nothing older is looked at.
2. An overlap is chosen by id, since ``since_id`` is what the exchange can be asked for, and holds
   every record read from its lowest id on (docs/facts/exchange.md, "Paging").
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import length_hint
from typing import Final, Self

import attrs

from bitstamp_ledger.api._walk import FIRST_ID
from bitstamp_ledger.errors import CheckpointError
from bitstamp_ledger.model import MAIN_ACCOUNT, Entry, digest_of

OVERLAP_RECORDS: Final = 200
"""How many records a resumed reading shows again, at least; a page holds five times as many."""

VERSION: Final = 1


@attrs.frozen(kw_only=True)
class HistoryCheckpoint:
    """Up to where a history was read.  `HistoryCheckpoint.to_json` is how to keep it."""

    account: str = MAIN_ACCOUNT
    market: str | None = None
    """As it stands in paths; None where all markets were read."""

    since_id: int | None = None
    """The first exchange id to read again; None where nothing was read yet."""

    seen: Mapping[str, tuple[str, ...]] = attrs.field(factory=dict, repr=False)
    """Of the records from there on: digests of what was stated, by the entry's identity."""

    newest_id: int | None = None
    """The largest exchange id read."""

    def to_json(self) -> str:
        """Write it as JSON text."""
        return json.dumps({"version": VERSION, **attrs.asdict(self)}, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what `to_json` wrote.

        Raises:
            CheckpointError: it is something else, or written by a later version.
        """
        try:
            stated = json.loads(text)
            if stated.pop("version") != VERSION:
                raise _unreadable("it was written by another version")
            checkpoint = cls(**stated)
            seen = {
                str(identity): tuple(map(str, digests))
                for identity, digests in checkpoint.seen.items()
            }
        except (ValueError, TypeError, AttributeError, KeyError, RecursionError) as exc:
            raise _unreadable(f"{type(exc).__name__}: {exc}") from exc
        ids: tuple[object, ...] = (checkpoint.since_id, checkpoint.newest_id)
        names: tuple[object, ...] = (checkpoint.account, checkpoint.market or "")
        if not all(each is None or type(each) is int for each in ids) or not all(
            isinstance(each, str) for each in names
        ):
            raise _unreadable("a field is of another type")
        return attrs.evolve(checkpoint, seen=seen)


def _unreadable(why: str) -> CheckpointError:
    return CheckpointError(
        f"This is no checkpoint of a history: {why}.",
        hint="Read the history from its beginning; nothing is lost by that.",
    )


def first_of_overlap(ids: Iterable[int], records: int = OVERLAP_RECORDS) -> int | None:
    """Return the id that a later reading begins with, so that it shows some records again.

    Args:
        ids: of the records that were read last; a record that turns up late may have a lower id.
        records: how many of the largest are to be shown again.
    """
    ordered = sorted(ids)
    return ordered[-records:][0] if ordered else None


@attrs.define
class HistoryProgress:
    """Follows a reading: what of it is new, and where a later one can go on.

    Args:
        after: where an earlier reading stopped; None at the beginning.
        account: the account that is read.
        market: the only market that is read, as it stands in paths; None for all.
        overlap_records: how many records a checkpoint remembers, at least.
        begins_at: the first id that is asked for, where no earlier reading says it.

    Raises:
        CheckpointError: the checkpoint is of another account or market.
    """

    after: HistoryCheckpoint | None = None
    account: str = MAIN_ACCOUNT
    market: str | None = None
    overlap_records: int = OVERLAP_RECORDS
    begins_at: int = FIRST_ID
    changed: list[Entry] = attrs.field(factory=list, init=False)
    """Records that state something else than before; they were delivered again."""

    late: list[Entry] = attrs.field(factory=list, init=False)
    """Records that were not there before, although their ids are below the newest read then."""

    _again: set[str] = attrs.field(factory=set, init=False)
    _kept: list[Entry] = attrs.field(factory=list, init=False)
    _page: Sequence[Entry] = attrs.field(default=(), init=False)
    _left: Iterator[Entry] = attrs.field(factory=lambda: iter(()), init=False)
    """What is left of ``_page``."""

    _overlap_passed: bool = attrs.field(default=False, init=False)
    _ended: bool = attrs.field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        if self.after is None:
            return
        for what, then, now in (
            ("account", self.after.account, self.account),
            ("market", self.after.market, self.market),
        ):
            if then != now:
                raise CheckpointError(
                    f"This checkpoint is of the {what} {then!r}, and {now!r} is to be read.",
                    hint="Keep one checkpoint for each account and market.",
                )

    @property
    def since_id(self) -> int | None:
        """The first exchange id to ask for."""
        return self.after.since_id if self.after is not None else None

    def pass_on(self, page: Sequence[Entry]) -> Iterator[Entry]:
        """Return those of a page that are to be delivered; what was taken from it is noted.

        The page before must have been used up.
        """
        if self.after is not None:
            return (entry for entry in page if self.take(entry))
        self._note_page()
        # All of it is delivered.  How much was taken is told by what is left, so that a million
        # entries need not be noted one by one.
        self._page, self._left = page, iter(page)
        return self._left

    def take(self, entry: Entry) -> bool:
        """Note a record; say whether it is to be delivered: it is new, or it changed."""
        self._keep((entry,))
        return self.after is None or self._is_news(entry, self.after)

    def end(self) -> None:
        """Note that all of the history was read."""
        self._ended = True

    @property
    def vanished(self) -> tuple[str, ...]:
        """Identities that were there before, and are no more; known once all was read."""
        return self._not_shown_again() if self._ended else ()

    @property
    def checkpoint(self) -> HistoryCheckpoint:
        """Where a later reading can go on, as far as records were taken."""
        self._note_page()
        earlier = self.after or HistoryCheckpoint(account=self.account, market=self.market)
        # Ids need not rise with time.  Until an overlap was passed, records below the ids that were
        # taken may still come: it begins where this reading did, and all that was taken is known.
        goes_back = not (self._ended or self._overlap_passed)
        kept = self._kept if goes_back else self._overlap()
        ids = [entry.transaction_id for entry in kept if entry.transaction_id is not None]
        if not ids:
            return earlier
        since_id = min(ids)
        if goes_back:
            start = self.begins_at if earlier.since_id is None else earlier.since_id
            since_id = min(since_id, start)
        seen: dict[str, tuple[str, ...]] = {}
        if not self._ended:
            seen.update((identity, earlier.seen[identity]) for identity in self._not_shown_again())
        for entry in kept:
            digest = _digest(entry)
            known = seen.get(entry.id, ())
            if digest not in known:
                seen[entry.id] = (*known, digest)
        return HistoryCheckpoint(
            account=self.account,
            market=self.market,
            since_id=since_id,
            seen=seen,
            newest_id=max(*ids, earlier.newest_id or 0),
        )

    def _note_page(self) -> None:
        taken = len(self._page) - length_hint(self._left)
        self._keep(self._page[:taken])
        self._page = self._page[taken:]

    def _keep(self, entries: Sequence[Entry]) -> None:
        self._kept.extend(entries)
        if len(self._kept) >= 2 * self.overlap_records:
            self._kept = self._overlap()
            self._overlap_passed = True

    def _is_news(self, entry: Entry, after: HistoryCheckpoint) -> bool:
        number = entry.transaction_id
        digests = after.seen.get(entry.id)
        if digests is None:
            if number is not None and after.newest_id is not None and number < after.newest_id:
                self.late.append(entry)
            return True
        self._again.add(entry.id)
        if _digest(entry) in digests:
            return False
        self.changed.append(entry)
        return True

    def _not_shown_again(self) -> tuple[str, ...]:
        if self.after is None:
            return ()
        return tuple(identity for identity in self.after.seen if identity not in self._again)

    def _overlap(self) -> list[Entry]:
        """Return the records of the largest ids: all that were taken from some id on.

        Records without an id are few, and belong to every overlap.
        """
        kept = self._kept
        ids = (entry.transaction_id for entry in kept if entry.transaction_id is not None)
        lowest = first_of_overlap(ids, self.overlap_records)
        return [
            entry
            for entry in kept
            if lowest is None or entry.transaction_id is None or entry.transaction_id >= lowest
        ]


def _digest(entry: Entry) -> str:
    return digest_of(entry.source.raw or {})
