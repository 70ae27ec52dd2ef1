"""What all sinks that write files have in common: the whole target, anew, in every run."""

import abc
import os
from typing import ClassVar, Generic, Protocol, TypeVar

from bitstamp_ledger.errors import SinkError
from bitstamp_ledger.model import Entry
from bitstamp_ledger.sinks._contract import (
    Batch,
    Capabilities,
    Checkpoint,
    Completed,
    Failed,
    Outcome,
    Receipt,
    RunInfo,
)
from bitstamp_ledger.sinks._replacement import Replacement


class Successor(Protocol):
    """What takes the place of a target once it is complete."""

    def commit(self) -> None:
        """Put it in its place."""

    def abandon(self) -> None:
        """Remove it and leave the target alone; a second call does nothing."""


SuccessorT = TypeVar("SuccessorT", bound=Successor)


class ReplacingSink(abc.ABC, Generic[SuccessorT]):
    """Writes entries to a target that appears, or is replaced, when the run completes.

    Args:
        path: the target.
    """

    name: ClassVar[str]
    capabilities: Capabilities

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = os.fspath(path)
        self.target = os.path.abspath(self._path)  # noqa: PTH100 - a link stays one
        self._replacement: SuccessorT | None = None
        self._receipts: dict[str, Receipt] = {}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._path!r})"

    @abc.abstractmethod
    def _begun(self) -> SuccessorT:
        """Begin the next content of the target."""

    @abc.abstractmethod
    def _add(self, replacement: SuccessorT, entries: tuple[Entry, ...]) -> tuple[str, ...]:
        """Add all entries, or none, and return where they will be found."""

    def open(self, run: RunInfo) -> Checkpoint | None:
        """Begin anew; what stands there stays until the run completes."""
        run.require_schema(1)
        if self._replacement is not None:
            raise SinkError(
                f"{self._path} is being written already.", sink=self.name, hint="Close it first."
            )
        self._receipts = {}
        self._replacement = self._begun()
        return None

    def write(self, batch: Batch) -> Receipt:
        """Add the entries of ``batch``, or none of them."""
        replacement = self._opened()
        if batch.id in self._receipts:
            return self._receipts[batch.id]
        entries = batch.entries
        if len(entries) != len(batch.operations):
            raise SinkError(
                f"A {self.name} file cannot take entries back.",
                sink=self.name,
                hint="Write it anew without them.",
            )
        places = self._add(replacement, entries)
        receipt = Receipt(batch_id=batch.id, rows=len(entries), durable=False, places=places)
        self._receipts[batch.id] = receipt
        return receipt

    def close(self, outcome: Outcome) -> None:
        """Put it in its place, or remove what was written of it."""
        replacement = self._opened()
        self._replacement = None
        match outcome:
            case Completed():
                try:
                    replacement.commit()
                except BaseException:
                    replacement.abandon()
                    raise
            case Failed():
                replacement.abandon()

    def _opened(self) -> SuccessorT:
        if self._replacement is None:
            raise SinkError(f"{self._path} is not open.", sink=self.name, hint="Open it first.")
        return self._replacement


class FileSink(ReplacingSink[Replacement]):
    """Writes entries to one file, which appears, or is replaced, when the run completes.

    The same entries in the same order give the same bytes: no clock, no random names, no order
    of a hash.

    Args:
        path: the file; it appears, or is replaced, when the run completes.
    """

    @abc.abstractmethod
    def _head(self) -> bytes:
        """What stands before the first entry."""

    @abc.abstractmethod
    def _encoded(self, entry: Entry) -> bytes:
        """One entry, its line end included.  Raises ValueError where it cannot be written."""

    def _begun(self) -> Replacement:
        replacement = Replacement(self._path, sink=self.name)
        replacement.write(self._head())
        return replacement

    def _add(self, replacement: Replacement, entries: tuple[Entry, ...]) -> tuple[str, ...]:
        # All are encoded before the first is written, so that one bad entry leaves no others.
        replacement.write(self._lines(entries))
        return (self._path,)

    def _lines(self, entries: tuple[Entry, ...]) -> bytes:
        try:
            return b"".join(map(self._encoded, entries))
        except ValueError:
            # Once more, to say which: asking beforehand for each would take its time.
            return b"".join(map(self._line, entries))

    def _line(self, entry: Entry) -> bytes:
        try:
            return self._encoded(entry)
        except ValueError as exc:
            raise SinkError(
                f"Entry {entry.id!r} cannot be written to {self._path}: {exc}.",
                sink=self.name,
                hint="Leave that entry out, and report it: no real record should look like this.",
            ) from exc
