"""Counting requests in sliding windows, as the exchange does.

Source: docs/facts/exchange.md, "Rate limits".
"""

import collections
import threading
from typing import Final

PER_SECOND_MAX: Final = 400
PER_TEN_MINUTES_MAX: Final = 10_000


class Limits:
    """Both documented limits, and the most that was ever seen in either window.

    Args:
        per_1s: requests allowed in any second.
        per_600s: requests allowed in any ten minutes.
        status: HTTP status of the refusal; the documentation says 400, some report 429.
        response_code: its code: ``400.002``, ``400.067`` or ``400.068``.
        retry_after_s: what its ``Retry-After`` says; None for none, as has been seen.
    """

    def __init__(
        self,
        *,
        per_1s: int = PER_SECOND_MAX,
        per_600s: int = PER_TEN_MINUTES_MAX,
        status: int = 400,
        response_code: str = "400.002",
        retry_after_s: int | None = None,
    ) -> None:
        self.per_1s = per_1s
        self.per_600s = per_600s
        self.status = status
        self.response_code = response_code
        self.retry_after_s = retry_after_s
        self.peak_1s = 0
        self.peak_600s = 0
        self._lock = threading.Lock()
        self._second: collections.deque[float] = collections.deque()
        self._ten_minutes: collections.deque[float] = collections.deque()

    def count(self, now_s: float) -> bool:
        """Count a request at ``now_s``, which never goes back; say whether it is within both.

        A refused request counts too: it was sent.
        """
        with self._lock:
            last_1s = _arrive(self._second, now_s, 1.0)
            last_600s = _arrive(self._ten_minutes, now_s, 600.0)
            self.peak_1s = max(self.peak_1s, last_1s)
            self.peak_600s = max(self.peak_600s, last_600s)
            return last_1s <= self.per_1s and last_600s <= self.per_600s

    def reset(self) -> None:
        """Forget what was counted, and the peaks."""
        with self._lock:
            self._second.clear()
            self._ten_minutes.clear()
            self.peak_1s = self.peak_600s = 0


def _arrive(window: collections.deque[float], now_s: float, length_s: float) -> int:
    """Add an arrival to ``window``; return how many it holds within ``length_s`` up to now."""
    window.append(now_s)
    while window[0] <= now_s - length_s:
        window.popleft()
    return len(window)
