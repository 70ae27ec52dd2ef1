"""A sink of one's own: a table in Markdown, one row for each entry, written whole in every run.

Only the minute and the amounts are shown, so the sink calls itself lossy and says what it loses:
whoever opens it must agree.
"""

import os
from pathlib import Path

from bitstamp_ledger.errors import SinkError
from bitstamp_ledger.model import Entry
from bitstamp_ledger.sinks import (
    Batch,
    Capabilities,
    Checkpoint,
    Completed,
    Loss,
    Outcome,
    Receipt,
    RunInfo,
)

HEAD = "| id | time (UTC) | account | amounts | fee |\n| --- | --- | --- | --- | --- |\n"


class MarkdownSink:
    """Writes a table in Markdown.

    Args:
        path: the file; it appears, or is replaced, when the run completes.
    """

    name = "markdown"
    capabilities = Capabilities(
        decimals="text",
        times="lossy",
        losses=(
            Loss("time", "seconds are cut off"),
            Loss("raw", "the record as received is not there"),
        ),
    )

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = Path(path)
        self._rows: dict[str, list[str]] = {}
        self.target = str(self._path.absolute())

    def open(self, run: RunInfo) -> Checkpoint | None:
        """Begin a new table."""
        run.require_schema(1)  # The number is the one that this code was written for.
        self._rows = {}
        return None

    def write(self, batch: Batch) -> Receipt:
        """Add the rows of a batch; the same batch again adds nothing."""
        if batch.retractions:
            raise SinkError(
                "A table cannot take entries back.", sink=self.name, hint="Export anew."
            )
        self._rows[batch.id] = [_row(entry) for entry in batch.entries]
        return Receipt(
            batch_id=batch.id, rows=len(batch.entries), durable=False, places=(self.target,)
        )

    def close(self, outcome: Outcome) -> None:
        """Put the table in its place, by one rename; after a failure leave what stood there."""
        rows, self._rows = self._rows, {}
        if not isinstance(outcome, Completed):
            return
        part = self._path.with_name(f".{self._path.name}.part")
        try:
            part.write_text(HEAD + "".join(row for some in rows.values() for row in some), "utf-8")
            part.replace(self._path)
        except OSError as exc:
            raise SinkError(f"Cannot write {self._path}: {exc.strerror}.", sink=self.name) from exc


def _row(entry: Entry) -> str:
    cells = (
        entry.id,
        f"{entry.time:%Y-%m-%d %H:%M}",
        entry.account,
        ", ".join(map(str, entry.legs)),
        "" if entry.fee is None else str(entry.fee),
    )
    return f"| {' | '.join(map(_cell, cells))} |\n"


def _cell(text: str) -> str:
    """Write a text so that it stays in its cell, and can be read back."""
    escaped = text.replace("\\", "\\\\").replace("|", "\\|")
    return escaped.replace("\r", "&#13;").replace("\n", "&#10;")
