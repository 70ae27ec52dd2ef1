"""Read ``user_transactions`` with several pages in flight, gap-proof by construction.

1. Within one ``since_id`` the pages are told apart by their offset, oldest first.  Each page begins
   with the record that the one before ended with; a page that does not proves that something moved,
   and nothing after it is believed.
2. What moved is found by comparing offsets with what stood there, and read again.  So a record that
   shows up late, anywhere in what was read, is found, however low its id.
3. Offsets end at 200,000 (docs/facts/exchange.md, "Paging"); there the next segment begins at an id
   low enough to show the last page again.  Before the walk ends, each segment is looked at once
   more.
4. A server that does not take offsets together with ``since_id`` is read page by page, by the
   cursor alone (``_walk``).

Offsets count records in the order of time; ids need not rise with it, and several records may share
one instant.
"""

import enum
from array import array
from collections.abc import Sequence
from typing import Final

import attrs

from bitstamp_ledger.api._decode import entries_of, records_in
from bitstamp_ledger.api._effects import Answer, Emit, EmittingFlow, Flow, StreamFlow
from bitstamp_ledger.api._exchange import Manners, ask
from bitstamp_ledger.api._pool import Pool
from bitstamp_ledger.api._walk import FIRST_ID, PAGE_LIMIT, page_call, walk_by_cursor
from bitstamp_ledger.errors import InvalidCallError
from bitstamp_ledger.model import MAIN_ACCOUNT, Entry

OFFSET_MAX: Final = 200_000
"""docs/facts/exchange.md, "Paging"."""

SETTLE_ATTEMPTS: Final = 20
"""How many late records are looked for at one place before the offsets are given up."""

WAITING_PAGES: Final = 2
"""For each page on its way, how many that came too early may wait for an earlier one.  Were none
allowed, one slow answer would keep the line idle."""

WIDTH_STEP: Final = 4
"""So many more pages are asked for at once after each that was full; trouble halves them.

Pages beyond the end are asked for in vain, so a short history must not cost many."""

Record = dict[str, object]

Key = int
"""What tells records apart within an account: type and id in one number."""

TYPES_MAX: Final = 1_000
ID_MAX: Final = 2**52
KEY_MASK: Final = 2**62 - 1

_TYPE_NUMBERS: Final[dict[str | None, int]] = {str(each): each for each in range(TYPES_MAX)}
"""By the type as a record states it."""


def walk_user_transactions(
    *,
    since_id: int | None = None,
    market: str | None = None,
    account: str = MAIN_ACCOUNT,
    manners: Manners,
    offset_max: int = OFFSET_MAX,
) -> StreamFlow[Entry]:
    """Emit every record from ``since_id`` (inclusive) on, each once.

    Oldest first, but for records that show up late while the others are read.

    Args:
        since_id: the first id wanted; None for the whole history.
        market: as it stands in paths; only the records of this market, which are its trades.
        account: the account that the key reads.
        manners: how to talk to the exchange, and how many requests may be in flight.
        offset_max: the largest offset that the exchange takes.
    """
    reader = _Reader(market=market, account=account, manners=manners, offset_max=offset_max)
    first = FIRST_ID if since_id is None else since_id
    base: int | None = first
    while base is not None:
        base = yield from reader.read_segment(base)
    if not reader.offsets_refused:
        yield from reader.look_again()
    if reader.offsets_refused:
        yield from reader.read_by_cursor(first)


class _Verdict(enum.Enum):
    """What became of a page, or of a run of pages."""

    FITS = "it continues what was read"
    RESIZED = "the server sent another number of records than expected; offsets are planned anew"
    UNFIT = "it does not begin where the last page ended"
    END = "nothing comes after it"
    REFUSED = "the server does not take offsets, or does not look at them"
    EXHAUSTED = "the offsets are used up"


@attrs.define
class _Segment:
    """What stands behind one ``since_id``, by offset."""

    base: int
    delivered: frozenset[Key] = frozenset()
    """Records that earlier segments have shown."""

    keys: "array[int]" = attrs.field(factory=lambda: array("q"))

    @property
    def end(self) -> int:
        """The offset of the last record, where the next page begins."""
        return max(len(self.keys) - 1, 0)


@attrs.define
class _Reader:
    market: str | None
    account: str
    manners: Manners
    offset_max: int
    offsets_refused: bool = False
    segments: list[_Segment] = attrs.field(factory=list)
    pool: Pool[int, list[Record]] = attrs.field(factory=Pool)
    last_page: list[Entry] = attrs.field(factory=list)
    longest_page: int = 0
    """How many records the server has sent at once; a page of fewer was not cut off."""

    page_size: int = PAGE_LIMIT
    """How many records a page is expected to have."""

    width: int = 1
    """How many pages are asked for at once; grows while all goes well."""

    cut_off: bool = True
    """Whether the last page may have been cut off by the server, so that more follows."""

    def read_segment(self, base: int) -> EmittingFlow[int | None]:
        """Emit what stands behind ``base``; return where the next segment begins, if any."""
        segment = _Segment(base, self._delivered_from(base))
        self.segments.append(segment)
        while True:
            try:
                verdict = yield from self._read_on(segment)
                if verdict is _Verdict.UNFIT and not (yield from self._settle(segment)):
                    verdict = _Verdict.REFUSED
            except InvalidCallError:
                if not segment.keys:
                    raise
                verdict = _Verdict.REFUSED
            finally:
                self.pool.forget()
            match verdict:
                case _Verdict.END:
                    return None
                case _Verdict.EXHAUSTED:
                    return self._next_base(segment)
                case _Verdict.REFUSED:
                    self.offsets_refused = True
                    return None
                case _:
                    continue

    def look_again(self) -> EmittingFlow[None]:
        """Look for records that showed up late in segments that were left behind."""
        for segment in self.segments[:-1]:
            if not (yield from self._settle(segment)):
                self.offsets_refused = True

    def read_by_cursor(self, since_id: int) -> EmittingFlow[None]:
        """Emit what was not delivered yet, without the help of offsets."""
        ids = _ids(self.last_page)
        cursor = min(ids) if ids else since_id
        delivered = self._delivered_from(cursor)
        flow = walk_by_cursor(
            since_id=cursor, market=self.market, account=self.account, manners=self.manners
        )
        answer: Answer = None
        while True:
            try:
                effect = flow.send(answer)
            except StopIteration:
                return
            if isinstance(effect, Emit):
                effect = Emit(tuple(each for each in effect.items if _key(each) not in delivered))
            answer = yield effect

    def _read_on(self, segment: _Segment) -> EmittingFlow[_Verdict]:
        """Emit pages while they fit; say why that ended."""
        if self.page_size == 1:
            return (yield from self._read_singly(segment))
        pool = self.pool
        waiting: dict[int, list[Record]] = {}
        first_offset = next_offset = segment.end
        last_offset = self.offset_max
        if not self.cut_off:
            last_offset = min(first_offset, last_offset)  # Perhaps nothing follows: one look tells.
        while True:
            while (
                len(pool) < self.width
                and len(waiting) < self.width * WAITING_PAGES
                and next_offset <= last_offset
            ):
                yield from pool.start(next_offset, self._records(segment, next_offset))
                next_offset += self.page_size - 1
            if not pool:
                return _Verdict.EXHAUSTED
            done = yield from pool.wait()
            if done is None:
                continue
            offset, records = done
            waiting[offset] = records
            if pool.troubled:
                self.width, pool.troubled = max(1, self.width // 2), False
            while segment.end in waiting:
                asked_last = segment.end == first_offset
                page = entries_of(waiting.pop(segment.end), account=self.account)
                verdict = yield from self._deliver(segment, page, asked_last=asked_last)
                if verdict is not _Verdict.FITS:
                    return verdict
                self.width = min(self.width + WIDTH_STEP, self.manners.in_flight_max)
                last_offset = self.offset_max

    def _deliver(
        self, segment: _Segment, page: list[Entry], *, asked_last: bool
    ) -> EmittingFlow[_Verdict]:
        """Emit a page if it fits.

        Args:
            segment: where it belongs.
            page: begins with the last record delivered, if there is one.
            asked_last: whether it was asked for after everything before it had come; only then
                does a page that was not cut off show that there is no more.
        """
        known = bool(segment.keys)
        if known and not _begins_with(page, segment.keys[-1]):
            return _Verdict.UNFIT
        fresh = page[1:] if known else page
        if fresh:
            yield from self._append(segment, fresh, before=page[0] if known else None)
            self.last_page = page
        self.cut_off = len(page) >= self.longest_page
        self.longest_page = max(self.longest_page, len(page))
        if not page or (known and asked_last and not self.cut_off):
            return _Verdict.END
        if len(page) == self.page_size:
            return _Verdict.FITS
        self.page_size = max(len(page), 1)
        return _Verdict.RESIZED

    def _read_singly(self, segment: _Segment) -> EmittingFlow[_Verdict]:
        """Read from a server that has shown no page of two: pages cannot overlap.

        That what follows the last record does so is seen by looking at the last one once more.
        """
        while True:
            page = yield from self._page(segment, len(segment.keys))
            last = yield from self._page(segment, segment.end)
            if not _begins_with(last, segment.keys[-1]):
                return _Verdict.UNFIT
            if len(page) > 1 or len(last) > 1:
                self.page_size = PAGE_LIMIT
                return _Verdict.RESIZED
            if not page:
                return _Verdict.END
            if _begins_with(page, segment.keys[-1]):
                return _Verdict.REFUSED
            yield from self._append(segment, page)
            self.last_page = page

    def _settle(self, segment: _Segment) -> EmittingFlow[bool]:
        """Find what moved in a segment, emit what is new, and say whether all fits again."""
        fruitless = 0
        for _ in range(SETTLE_ATTEMPTS):
            last = segment.end
            page = yield from self._page(segment, last)
            if _begins_with(page, segment.keys[last]):
                return True
            if _begins_with(page, segment.keys[0]):
                first = yield from self._page(segment, 0)
                if _begins_with(first, segment.keys[0]):
                    return False  # The server does not look at the offset.
            fits = yield from self._last_that_fits(segment, last)
            fresh = yield from self._read_again(segment, fits)
            if fresh:
                yield from _emit(segment, fresh, [_key(entry) for entry in fresh])
            elif fruitless:
                return False
            else:
                fruitless += 1  # Something may have moved while we looked for it.
        return False

    def _last_that_fits(self, segment: _Segment, unfit: int) -> EmittingFlow[int]:
        """Return the last offset before ``unfit`` where the server shows what it showed; or -1."""
        fits = -1
        while unfit - fits > 1:
            middle = (fits + unfit) // 2
            page = yield from self._page(segment, middle)
            if _begins_with(page, segment.keys[middle]):
                fits = middle
            else:
                unfit = middle
        return fits

    def _read_again(self, segment: _Segment, fits: int) -> EmittingFlow[list[Entry]]:
        """Put what the server shows after ``fits`` in its place; return what was not there."""
        start = max(fits, 0)
        page = yield from self._page(segment, start)
        if fits >= 0 and not _begins_with(page, segment.keys[fits]):
            return []  # It moved again.
        if len(page) == 1:
            start = fits + 1
            page = yield from self._page(segment, start)
        return _merge(segment, start, page)

    def _append(
        self, segment: _Segment, entries: list[Entry], *, before: Entry | None = None
    ) -> EmittingFlow[None]:
        """Emit what comes after all that was read of the segment."""
        keys = [_key(entry) for entry in entries]
        yield from _emit(segment, entries, keys, before=before)
        segment.keys.extend(keys)

    def _page(self, segment: _Segment, offset: int) -> Flow[list[Entry]]:
        records = yield from self._records(segment, offset)
        return entries_of(records, account=self.account)

    def _records(self, segment: _Segment, offset: int) -> Flow[list[Record]]:
        # Pages that wait for their turn wait as records: a tenth of the objects.
        parameters = {"sort": "asc", "limit": str(PAGE_LIMIT), "since_id": str(segment.base)}
        if offset:
            parameters["offset"] = str(offset)
        return ask(page_call(self.market, parameters), records_in, self.manners)

    def _next_base(self, segment: _Segment) -> int | None:
        ids = _ids(self.last_page)
        if ids and min(ids) > segment.base:
            return min(ids)
        self.offsets_refused = True
        return None

    def _delivered_from(self, base: int) -> frozenset[Key]:
        """Return the records delivered so far that a page from ``base`` on could show again."""
        return frozenset(
            key
            for segment in self.segments
            for key in segment.keys
            if key < 0 or key // TYPES_MAX >= base
        )


def _emit(
    segment: _Segment,
    entries: list[Entry],
    keys: Sequence[Key],
    *,
    before: Entry | None = None,
) -> EmittingFlow[None]:
    """Emit those of the ``entries`` that no earlier segment has shown.

    A server may send a record twice in a row; the same record again is no other record.
    """
    shown = entries
    repeats = len(set(keys)) < len(keys) or (before is not None and _key(before) in keys)
    if segment.delivered or repeats:
        alike: dict[Key, list[Entry]] = {} if before is None else {_key(before): [before]}
        shown = []
        for entry, key in zip(entries, keys, strict=True):
            if key not in segment.delivered and entry not in alike.setdefault(key, []):
                alike[key].append(entry)
                shown.append(entry)
    if shown:
        yield Emit(tuple(shown))


def _begins_with(page: list[Entry], key: Key) -> bool:
    return bool(page) and _key(page[0]) == key


def _merge(segment: _Segment, offset: int, page: list[Entry]) -> list[Entry]:
    """Put what the server now shows from ``offset`` on in the place of what it showed before.

    Returns:
        The records that were not there before.
    """
    shown = [_key(entry) for entry in page]
    known = segment.keys[offset:]
    on_page = set(shown)
    still_there = [position for position, key in enumerate(known) if key in on_page]
    rest = known[still_there[-1] + 1 :] if still_there else known
    merged = array("q", [*shown, *rest])
    before = set(segment.keys)
    segment.keys = segment.keys[:offset] + merged
    return [entry for entry in page if _key(entry) not in before]


def _ids(page: list[Entry]) -> list[int]:
    return [entry.transaction_id for entry in page if entry.transaction_id is not None]


def _key(entry: Entry) -> Key:
    number, transaction_id = _TYPE_NUMBERS.get(entry.code), entry.transaction_id
    if number is None or transaction_id is None or transaction_id > ID_MAX:
        return -1 - (hash(entry.id) & KEY_MASK)
    return transaction_id * TYPES_MAX + number
