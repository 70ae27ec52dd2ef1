"""What a client tells of its work: events for progress bars, counters, and the log.

Nothing here holds a key, a signature or an amount.
"""

import logging
import threading
from collections.abc import Callable

import attrs

log = logging.getLogger("bitstamp_ledger.client")


@attrs.frozen(kw_only=True)
class RequestDone:
    """One request has been answered, or has failed."""

    endpoint: str
    status: int | None
    """The HTTP status; None where no whole answer came."""

    seconds: float


@attrs.frozen(kw_only=True)
class PageRead:
    """One page has been delivered."""

    endpoint: str
    records: int


ClientEvent = RequestDone | PageRead
Observer = Callable[[ClientEvent], object]


@attrs.frozen(kw_only=True)
class ClientCounts:
    """What a client has done so far."""

    requests: int
    failed: int
    """Requests without a whole answer, or answered with an error status."""

    records: int


class Watch:
    """Counts, logs, and tells the observer.  Used from several threads."""

    def __init__(self, observer: Observer | None) -> None:
        self._observer = observer
        self._lock = threading.Lock()
        self._requests = self._failed = self._records = 0

    @property
    def counts(self) -> ClientCounts:
        """What was counted so far."""
        with self._lock:
            return ClientCounts(requests=self._requests, failed=self._failed, records=self._records)

    def request_done(self, endpoint: str, status: int | None, seconds: float) -> None:
        """Note a request."""
        with self._lock:
            self._requests += 1
            self._failed += status is None or status >= 400  # noqa: PLR2004 - HTTP's own line
        log.debug("%s: %s in %.3f s", endpoint, status or "no answer", seconds)
        self._tell(RequestDone(endpoint=endpoint, status=status, seconds=seconds))

    def page_read(self, endpoint: str, records: int) -> None:
        """Note a page."""
        with self._lock:
            self._records += records
        log.info("%s: %d records", endpoint, records)
        self._tell(PageRead(endpoint=endpoint, records=records))

    def _tell(self, event: ClientEvent) -> None:
        if self._observer is not None:
            self._observer(event)
