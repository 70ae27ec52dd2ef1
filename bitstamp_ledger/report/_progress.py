"""How far a long run has come, where somebody can see it: in a terminal, or in a notebook."""

import contextlib
import html
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol, Self, TypeVar

from bitstamp_ledger._page import plain
from bitstamp_ledger.errors import MissingExtraError

if TYPE_CHECKING:
    from bitstamp_ledger.ledger import SyncProgress
    from bitstamp_ledger.sinks import SinkProgress

T = TypeVar("T")

_SHOWN_EVERY_S: Final = 0.2
"""More often nobody sees, and a notebook would keep every message."""


class _Display(Protocol):
    def show(self, text: str, done: int, total: int | None) -> None: ...
    def close(self) -> None: ...


class ProgressBar:
    """Shows how far a sync, an export or a number of imports has come.

    In a terminal it is a line on the error stream (extra ``cli``), which goes when it is done; in a
    notebook a line in the cell, which stays.  Anywhere else, as in a log or a pipe, it is nothing::

        with ProgressBar() as bar:
            ledger.sync(client, progress=bar)
            for path in bar.each(paths):
                ledger.import_file(path)

    Args:
        hidden: show nothing, wherever it is.

    Raises:
        MissingExtraError: it would be shown in a terminal, and the extra ``cli`` is not installed.
    """

    def __init__(self, *, hidden: bool = False) -> None:
        self._make: Callable[[], _Display] | None = None if hidden else _place()
        self._display: _Display | None = None
        self._pending: tuple[str, int, int | None] | None = None
        self._shown_at = float("-inf")

    def __enter__(self) -> Self:
        if self._make is not None:
            self._display = self._make()
        return self

    def __exit__(self, *_: object) -> None:
        if self._display is not None:
            self._flush()
            self._display.close()
            self._display = None

    def __call__(self, state: "SyncProgress | SinkProgress") -> None:
        """Show what a sync or a sink tells; pass the bar itself as ``progress=``."""
        records = getattr(state, "records", None)
        if records is None:
            rows: int = getattr(state, "rows", 0)
            self._show(f"{rows:,} rows written", rows, None)
        else:
            self._show(
                f"{records:,} records read, {getattr(state, 'added', 0):,} new", records, None
            )

    def each(self, items: Sequence[T]) -> Iterator[T]:
        """Yield items, such as paths of files, and show which of them is being worked on."""
        for number, item in enumerate(items):
            name = Path(item).name if isinstance(item, (str, os.PathLike)) else f"{item}"
            self._show(f"{number + 1:,} of {len(items):,}: {plain(name)}", number, len(items))
            yield item
        self._show(f"{len(items):,} of {len(items):,}", len(items), len(items))

    def _show(self, text: str, done: int, total: int | None) -> None:
        self._pending = (text, done, total)
        if time.monotonic() - self._shown_at >= _SHOWN_EVERY_S:
            self._flush()

    def _flush(self) -> None:
        if self._display is not None and self._pending is not None:
            self._display.show(*self._pending)
            self._pending, self._shown_at = None, time.monotonic()


class _Terminal:
    def __init__(self) -> None:
        try:
            from rich import progress  # noqa: PLC0415 - an optional package
            from rich.console import Console  # noqa: PLC0415 - an optional package
        except ModuleNotFoundError:
            raise MissingExtraError("A progress bar", extra="cli") from None
        self._bar = progress.Progress(
            progress.SpinnerColumn(),
            progress.BarColumn(bar_width=20),
            progress.TextColumn("{task.description}", markup=False),
            console=Console(stderr=True, highlight=False),
            transient=True,
        )
        self._task = self._bar.add_task("", total=None)
        self._bar.start()

    def show(self, text: str, done: int, total: int | None) -> None:
        self._bar.update(self._task, description=text, completed=done, total=total)

    def close(self) -> None:
        self._bar.stop()


class _Cell:
    """A line in a notebook's cell, changed in place."""

    def __init__(self, display: Callable[..., Any]) -> None:
        self._display = display
        self._handle: Any = None

    def show(self, text: str, done: int, total: int | None) -> None:
        line = f"<p>{html.escape(text)}</p>"
        if total is not None and done < total:
            line += f'<progress value="{done}" max="{total}">{done} of {total}</progress>'
        bundle = {"text/html": line, "text/plain": text}
        if self._handle is None:
            self._handle = self._display(bundle, raw=True, display_id=True)
        else:
            self._handle.update(bundle, raw=True)

    def close(self) -> None:
        """Leave the line: it says what was done."""


def _place() -> Callable[[], _Display] | None:
    """Return what shows it here; None where nobody would see it."""
    if (ipython := sys.modules.get("IPython")) is not None:
        with contextlib.suppress(AttributeError):
            if hasattr(ipython.get_ipython(), "kernel"):
                return lambda: _Cell(ipython.display.display)
    return _Terminal if sys.stderr is not None and sys.stderr.isatty() else None
