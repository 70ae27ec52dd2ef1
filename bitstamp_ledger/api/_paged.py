"""Lists by limit and offset, one page after the other, whatever the server does to them.

1. Pages overlap: each begins some rows before the end of the one before, so that equal rows, of
   which several can be real, are seen side by side and counted.
2. Where one page holds several arrays, it is not known whether limit and offset count in each array
   or in all of them merged (docs/facts/exchange.md, "Crypto transactions").  The next page begins
   behind the longest array: too early in the second case, and never too late.
3. A short page proves nothing, because a server may send fewer rows than it was asked for.  The
   walk ends with an empty page, or with a page that brings nothing new and is shorter than another
   was, or after some pages without anything new.
4. Rows that appear at the head of the list while it is read push known rows into the next page,
   where they are recognised.
"""

from collections import Counter
from collections.abc import Callable, Hashable
from functools import partial
from typing import Final, Generic

import attrs

from bitstamp_ledger.api._catalogue import Call
from bitstamp_ledger.api._effects import Emit, Flow, StreamFlow, T
from bitstamp_ledger.api._exchange import Manners, ask
from bitstamp_ledger.api._not_available import NotAvailable, if_available
from bitstamp_ledger.errors import KeyRefusedError

PAGE_LIMIT: Final = 1000
"""The most rows that any paged endpoint sends at once."""

OVERLAP_ROWS: Final = 10
"""How many rows at the end of a page the next one shows again."""

FRUITLESS_MAX: Final = 3
"""How many full pages without a new row are looked at; a server may not look at the offset."""

WRONG_SIGNATURE: Final = "API0005"

Opened = Flow[StreamFlow[T] | NotAvailable]
"""A flow that reads the first page and ends with the flow for all of it, or with why not."""


@attrs.frozen(kw_only=True)
class Page(Generic[T]):
    """Rows of one reply."""

    rows: tuple[T, ...]
    longest: int
    """How many rows the longest array of the reply had."""


def page_of(rows: tuple[T, ...]) -> Page[T]:
    """Return the page of a reply that is a single array."""
    return Page(rows=rows, longest=len(rows))


@attrs.define
class Asker:
    """Asks, and remembers how a query has to be signed.

    Sources contradict each other on whether the question mark before a query is part of what is
    signed (docs/facts/exchange.md, "Signing").  With it comes first; where the exchange then calls
    the signature wrong, the call is made once more without it, which a read can afford.
    """

    manners: Manners
    query_mark_signed: bool = True

    def ask(self, call: Call, read: Callable[[bytes], T]) -> Flow[T]:
        """Send ``call`` until it is answered; see `bitstamp_ledger.api.ask`."""
        if not self.query_mark_signed:
            call = attrs.evolve(call, query_mark_signed=False)
        try:
            return (yield from ask(call, read, self.manners))
        except KeyRefusedError as refused:
            has_query = call.method == "GET" and call.parameters
            if refused.code != WRONG_SIGNATURE or not has_query or not self.query_mark_signed:
                raise
        call = attrs.evolve(call, query_mark_signed=False)
        answer = yield from ask(call, read, self.manners)
        self.query_mark_signed = False
        return answer


def open_pages(
    first: Call,
    read: Callable[[bytes], Page[T]],
    key_of: Callable[[T], Hashable],
    manners: Manners,
) -> Opened[T]:
    """Read the first page of a list; end with a flow that emits the whole list, each row once.

    Args:
        first: the call for the first page; further ones differ in ``offset``.
        read: parses a page.
        key_of: what tells rows apart; equal keys on one page are different rows.
        manners: how to talk to the exchange.
    """
    asker = Asker(manners)
    page = yield from if_available(first, asker.ask(first, read))
    if isinstance(page, NotAvailable):
        return page
    return _all_pages(first, page, partial(asker.ask, read=read), key_of)


def _all_pages(
    first: Call,
    page: Page[T],
    ask_page: Callable[[Call], Flow[Page[T]]],
    key_of: Callable[[T], Hashable],
) -> StreamFlow[T]:
    emitted: Counter[Hashable] = Counter()
    offset = fullest = fruitless = 0
    while page.rows:
        fresh = _fresh(page.rows, key_of, emitted)
        if fresh:
            fruitless = 0
            yield Emit(fresh)
        elif len(page.rows) < fullest or fruitless == FRUITLESS_MAX:
            return
        else:
            fruitless += 1
        fullest = max(fullest, len(page.rows))
        offset += page.longest - min(OVERLAP_ROWS, page.longest // 2)
        page = yield from ask_page(_with(first, "offset", str(offset)))


def _fresh(
    rows: tuple[T, ...], key_of: Callable[[T], Hashable], emitted: "Counter[Hashable]"
) -> tuple[T, ...]:
    """Return the rows of a page that were not emitted; m equal ones on one page are m rows."""
    on_page: Counter[Hashable] = Counter()
    fresh = []
    for row in rows:
        key = key_of(row)
        on_page[key] += 1
        if on_page[key] > emitted[key]:
            emitted[key] += 1
            fresh.append(row)
    return tuple(fresh)


def _with(call: Call, name: str, value: str) -> Call:
    return attrs.evolve(call, parameters={**call.parameters, name: value})


def open_by_cursor(
    first: Call,
    read: Callable[[bytes], tuple[T, ...]],
    id_of: Callable[[T], str],
    manners: Manners,
    *,
    cursor: str,
) -> Opened[T]:
    """Read the first page of a list; end with a flow that emits the whole list by its ids.

    Args:
        first: the call for the first page, oldest first.
        read: parses a page.
        id_of: the id of a row.
        manners: how to talk to the exchange.
        cursor: the parameter that takes the id of the first row wanted, inclusive.
    """
    asker = Asker(manners)
    page = yield from if_available(first, asker.ask(first, read))
    if isinstance(page, NotAvailable):
        return page
    return _all_by_cursor(first, page, partial(asker.ask, read=read), id_of, cursor)


def _all_by_cursor(
    first: Call,
    page: tuple[T, ...],
    ask_page: Callable[[Call], Flow[tuple[T, ...]]],
    id_of: Callable[[T], str],
    cursor: str,
) -> StreamFlow[T]:
    emitted: set[str] = set()
    while fresh := tuple(row for row in page if id_of(row) not in emitted):
        yield Emit(fresh)
        emitted.update(map(id_of, fresh))
        page = yield from ask_page(_with(first, cursor, id_of(page[-1])))
