"""The cycle collector, paused while entries are made.

It would search every new entry for cycles again and again, which is a third of the time of reading
a large file; entries hold none.  It belongs to the whole process, so that:

1. It is paused by its threshold and not by `gc.disable`: what other threads enable, disable or
   collect meanwhile stays as they want it.
2. A threshold that somebody else sets meanwhile is kept.
3. The first of several readers pauses it and the last one sets it going, in whatever threads.
4. After a large file it would at once search all entries, and twice again while they are young.
   They go to the oldest generation instead, where what has come to stay belongs.
5. A stream hands out a page and goes on later.  What is handed out is mostly dropped soon, so it
   is not searched then: the threshold is higher by as much until the stream goes on or ends.
"""

import contextlib
import gc
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Final

_NEVER: Final = 0
"""As the first threshold: no collection starts by itself."""

_LARGE: Final = 50_000
"""So many new objects are a large file; less is searched in a few milliseconds."""

_FROZEN_BY_PYTHON: Final = 1_000
"""Python 3.12 begins with some hundreds; who freezes all that a program has made, freezes more."""

_Threshold = tuple[int, int, int]

_lock: Final = threading.Lock()
_threshold: _Threshold | None = None
_patient: tuple[_Threshold, _Threshold] | None = None
"""The threshold as a stream has raised it, and as it was before."""

_readers = 0


@contextlib.contextmanager
def collector_paused() -> Iterator[None]:
    """Start no collection by itself until the block ends."""
    _pause()
    try:
        yield
    finally:
        _resume(patient=False)


@contextlib.contextmanager
def collector_patient() -> Iterator[Callable[[], AbstractContextManager[None]]]:
    """Give a stream what to make each page in; see rule 5."""
    try:
        yield _paused_for_a_page
    finally:
        _lose_patience()


@contextlib.contextmanager
def _paused_for_a_page() -> Iterator[None]:
    _pause()
    try:
        yield
    finally:
        _resume(patient=True)


def _pause() -> None:
    global _threshold, _readers  # noqa: PLW0603 - the collector is one for the process, too
    with _lock:
        _readers += 1
        if _readers == 1:
            _as_it_was()
            if (before := gc.get_threshold())[0] != _NEVER:
                _threshold = before
                gc.set_threshold(_NEVER, *before[1:])


def _resume(*, patient: bool) -> None:
    global _threshold, _patient, _readers  # noqa: PLW0603 - as above
    with _lock:
        _readers -= 1
        if _readers or _threshold is None:
            return
        before, _threshold = _threshold, None
        if gc.get_threshold() != (_NEVER, *before[1:]):
            return
        young = gc.get_count()[0]
        if patient:
            if young <= _LARGE:
                _patient = (before[0] + young, *before[1:]), before
                gc.set_threshold(*_patient[0])
                return
        elif gc.isenabled() and young > _LARGE:
            _make_old()
        gc.set_threshold(*before)


def _lose_patience() -> None:
    with _lock:
        _as_it_was()


def _as_it_was() -> None:
    """Set the threshold that was there before a stream raised it, unless somebody set another."""
    global _patient  # noqa: PLW0603 - as above
    if _patient is not None:
        raised, before = _patient
        _patient = None
        if gc.get_threshold() == raised:
            gc.set_threshold(*before)


def _make_old() -> None:
    """Move all objects to the oldest generation, at no cost.

    Not where the host has frozen some, as before a fork: those would be thawed.
    """
    if gc.get_freeze_count() <= _FROZEN_BY_PYTHON:
        gc.freeze()
        gc.unfreeze()
