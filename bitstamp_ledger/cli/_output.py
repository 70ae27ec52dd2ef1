"""Output that nobody reads any more, as of a pipe into ``head``: not an error, and said nowhere.

1. A command goes on to its end and to its own exit code; what it does besides printing is done.
2. All printing goes through the two streams, whichever package does it: one rule for all of it.
"""

import contextlib
import errno
import os
import sys
from collections.abc import Iterable, Iterator
from typing import Any, Final, TextIO, cast

_NOBODY_READS: Final = {errno.EPIPE, *([errno.EINVAL] if os.name == "nt" else [])}


class Output:
    """A stream of text that swallows what is written after its reader went away."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.is_read = True
        """False once the reader is known to be gone."""

    def write(self, text: str) -> int:
        """Write text, or drop it."""
        with self._quietly():
            self._stream.write(text)
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write texts, or drop them."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Hand on what was written, or drop it."""
        with self._quietly():
            self._stream.flush()

    @contextlib.contextmanager
    def _quietly(self) -> Iterator[None]:
        try:
            yield
        except OSError as gone:
            if gone.errno not in _NOBODY_READS:
                raise
            self.is_read = False
            # What the stream still holds must go somewhere, or the interpreter complains later.
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the stream has
        return getattr(self._stream, name)


@contextlib.contextmanager
def quiet_when_unread() -> Iterator[None]:
    """Let both streams swallow what nobody reads, and bring out what they hold at the end."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (cast("TextIO", Output(each)) for each in before)
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        sys.stdout, sys.stderr = before


def is_read() -> bool:
    """Return whether anybody can still read what is printed."""
    return getattr(sys.stdout, "is_read", True)
