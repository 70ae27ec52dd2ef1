"""Walk ``user_transactions`` page by page, from an id to the newest record.

The plain way, for servers that do not take offsets together with ``since_id``; see ``_pages``.

1. Whatever decides which call comes next, or whether the walk is done, lives in this file.
2. This file never waits and never retries; see ``_exchange``.

``since_id`` is inclusive: a page begins with records that the previous one ended with.  The
exchange sorts by time while the cursor is an id, and the two can disagree by a few records; so a
page begins some records early, and what was delivered before is left out.  A short page proves
nothing, because a server may send fewer records than it was asked for: the walk ends with a page
that brings nothing new (docs/facts/exchange.md, "Paging").
"""

from collections.abc import Mapping
from functools import partial
from typing import Final

from bitstamp_ledger.api._catalogue import Call, Endpoint
from bitstamp_ledger.api._decode import parse_user_transactions
from bitstamp_ledger.api._effects import Emit, StreamFlow
from bitstamp_ledger.api._exchange import Manners, ask
from bitstamp_ledger.model import MAIN_ACCOUNT, Entry

PAGE_LIMIT: Final = 1000
"""The most records that the exchange sends at once, and what it sends with ``since_id``."""

OVERLAP_RECORDS: Final = 10
"""How many records at the end of a page the next one shows again."""

FIRST_ID: Final = 1
"""Begins at the account's first record."""


def walk_by_cursor(
    *,
    since_id: int | None = None,
    market: str | None = None,
    account: str = MAIN_ACCOUNT,
    manners: Manners,
) -> StreamFlow[Entry]:
    """Emit every record from ``since_id`` (inclusive) on, oldest first, each once.

    Args:
        since_id: the first id wanted; None for the whole history.
        market: as it stands in paths; only the records of this market, which are its trades.
        account: the account that the key reads.
        manners: how to talk to the exchange.
    """
    read = partial(parse_user_transactions, account=account)
    cursor: int | None = FIRST_ID if since_id is None else since_id
    before: dict[str, Entry] = {}
    longest_page = 0
    while cursor is not None:
        call = page_call(market, {"sort": "asc", "limit": str(PAGE_LIMIT), "since_id": str(cursor)})
        page = yield from ask(call, read, manners)
        fresh = _not_delivered(page, before)
        if fresh:
            yield Emit(tuple(fresh))
        elif len(page) < longest_page:
            return  # Not cut off by the server, and nothing new in it: this was the end.
        cursor = _next_cursor(page, cursor, brought_fresh=bool(fresh))
        longest_page = max(longest_page, len(page))


def page_call(market: str | None, parameters: Mapping[str, str]) -> Call:
    """Return the call for one page, of all markets or of one."""
    if market is None:
        return Call(endpoint=Endpoint.USER_TRANSACTIONS, parameters=parameters)
    return Call(
        endpoint=Endpoint.USER_TRANSACTIONS_OF_MARKET,
        parameters=parameters,
        path_values={"market": market},
    )


def _not_delivered(page: list[Entry], before: dict[str, Entry]) -> list[Entry]:
    """Return what the last page did not hold; remember this one in ``before``."""
    fresh = []
    shown: dict[str, Entry] = {}
    for entry in page:
        if shown.get(entry.id) != entry and before.get(entry.id) != entry:
            fresh.append(entry)
        shown[entry.id] = entry
    before.clear()
    before.update(shown)
    return fresh


def _next_cursor(page: list[Entry], cursor: int, *, brought_fresh: bool) -> int | None:
    """Return the id to go on from, or None when there is no further page."""
    ids = [entry.transaction_id for entry in page if entry.transaction_id is not None]
    if not ids:
        return None
    overlapping = min(ids[-OVERLAP_RECORDS:])
    if brought_fresh and overlapping > cursor:
        return overlapping
    # Whatever the server sends, the cursor moves up or the walk ends.
    newest = max(ids)
    if newest > cursor:
        return newest
    # A full page of records that share one id would show itself again for ever.
    return cursor + 1 if newest == cursor and len(page) >= PAGE_LIMIT else None
