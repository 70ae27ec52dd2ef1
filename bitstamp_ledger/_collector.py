"""The cycle collector, paused while entries are made.

It would search every new entry for cycles again and again, which is a third of the time of reading
a large file; entries hold none.  It belongs to the whole process, so that:

1. It is paused by its threshold and not by `gc.disable`: what other threads enable, disable or
   collect meanwhile stays as they want it.
2. A threshold that somebody else sets meanwhile is kept.
3. The first of several readers pauses it and the last one sets it going, in whatever threads.
4. After a large file it would at once search all entries, and twice again while they are young.
   They go to the oldest generation instead, where what has come to stay belongs.
"""

import contextlib
import gc
import threading
from collections.abc import Iterator
from typing import Final

_NEVER: Final = 0
"""As the first threshold: no collection starts by itself."""

_LARGE: Final = 50_000
"""So many new objects are a large file; less is searched in a few milliseconds."""

_lock: Final = threading.Lock()
_threshold: tuple[int, int, int] | None = None
_readers = 0


@contextlib.contextmanager
def collector_paused() -> Iterator[None]:
    """Start no collection by itself until the block ends."""
    _pause()
    try:
        yield
    finally:
        _resume()


def _pause() -> None:
    global _threshold, _readers  # noqa: PLW0603 - the collector is one for the process, too
    with _lock:
        _readers += 1
        if _readers == 1 and (before := gc.get_threshold())[0] != _NEVER:
            _threshold = before
            gc.set_threshold(_NEVER, *before[1:])


def _resume() -> None:
    global _threshold, _readers  # noqa: PLW0603 - as above
    with _lock:
        _readers -= 1
        if _readers or _threshold is None:
            return
        before, _threshold = _threshold, None
        if gc.get_threshold() == (_NEVER, *before[1:]):
            if gc.isenabled() and gc.get_count()[0] > _LARGE:
                _make_old()
            gc.set_threshold(*before)


def _make_old() -> None:
    """Move all objects to the oldest generation, at no cost.

    Not where the host has frozen some, as before a fork: those would be thawed.
    """
    if not gc.get_freeze_count():
        gc.freeze()
        gc.unfreeze()
