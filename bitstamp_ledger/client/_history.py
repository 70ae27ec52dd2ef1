"""What `Client.entries` returns: an iterator that knows how to be gone on with."""

import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator
from typing import Self

from bitstamp_ledger.api import (
    FIRST_ID,
    Endpoint,
    HistoryCheckpoint,
    HistoryProgress,
    StreamFlow,
    market_path,
    walk_user_transactions,
)
from bitstamp_ledger.client._shell import Shell
from bitstamp_ledger.model import Entry


def begin_history(
    shell: Shell,
    *,
    since_id: int | None,
    market: str | None,
    after: HistoryCheckpoint | None,
) -> tuple[HistoryProgress, Endpoint, StreamFlow[Entry]]:
    """Return what follows the reading, what is read, and how.  See `Client.entries`."""
    if since_id is not None and after is not None:
        raise ValueError("since_id and after both say where to begin; give one of them")
    path = market_path(market) if market is not None else None
    progress = HistoryProgress(
        after,
        account=shell.account,
        market=path,
        begins_at=FIRST_ID if since_id is None else since_id,
    )
    flow = walk_user_transactions(
        since_id=since_id if after is None else progress.since_id,
        market=path,
        account=shell.account,
        manners=shell.manners,
    )
    if path is None:
        return progress, Endpoint.USER_TRANSACTIONS, flow
    return progress, Endpoint.USER_TRANSACTIONS_OF_MARKET, flow


class _Told:
    """What both kinds of history tell."""

    def __init__(self, progress: HistoryProgress) -> None:
        self._progress = progress

    @property
    def checkpoint(self) -> HistoryCheckpoint:
        """Where a later reading can go on: after the last entry that was handed out.

        Give it to ``entries(after=...)``.  The records just before it are read again then, so that
        late, changed and vanished ones are found.
        """
        return self._progress.checkpoint

    @property
    def changed(self) -> tuple[Entry, ...]:
        """Entries handed out again, since their records state something else than before."""
        return tuple(self._progress.changed)

    @property
    def late(self) -> tuple[Entry, ...]:
        """Entries that were not there before, although their ids are below those read then."""
        return tuple(self._progress.late)

    @property
    def vanished(self) -> tuple[str, ...]:
        """Identities of entries that the exchange showed before and does not show any more.

        Known once the iteration has ended.
        """
        return self._progress.vanished


class History(_Told, Iterator[Entry]):
    """The entries of an account, read as they are asked for.

    Closing it, or dropping it, gives up what is on its way.
    """

    def __init__(
        self, pages: Generator[tuple[Entry, ...], None, None], progress: HistoryProgress
    ) -> None:
        super().__init__(progress)
        self._entries = self._news(pages)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Entry:
        return next(self._entries)

    def close(self) -> None:
        """Stop reading."""
        self._entries.close()

    def _news(
        self, pages: Generator[tuple[Entry, ...], None, None]
    ) -> Generator[Entry, None, None]:
        with contextlib.closing(pages):
            for page in pages:
                yield from self._progress.pass_on(page)
        self._progress.end()


class AsyncHistory(_Told, AsyncIterator[Entry]):
    """The entries of an account, read as they are asked for.

    Close it by `aclose` when it is left before its end.
    """

    def __init__(
        self, pages: AsyncGenerator[tuple[Entry, ...], None], progress: HistoryProgress
    ) -> None:
        super().__init__(progress)
        self._entries = self._news(pages)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Entry:
        return await anext(self._entries)

    async def aclose(self) -> None:
        """Stop reading."""
        await self._entries.aclose()

    async def _news(
        self, pages: AsyncGenerator[tuple[Entry, ...], None]
    ) -> AsyncGenerator[Entry, None]:
        async with contextlib.aclosing(pages):
            async for page in pages:
                for entry in self._progress.pass_on(page):
                    yield entry
        self._progress.end()
