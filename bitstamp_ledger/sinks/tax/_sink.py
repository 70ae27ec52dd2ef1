"""Writes the files of one tool."""

import datetime as dt
import os
from pathlib import PurePath
from typing import ClassVar

from bitstamp_ledger.errors import SinkError
from bitstamp_ledger.model import UTC, Entry
from bitstamp_ledger.sinks._contract import (
    Batch,
    Capabilities,
    Checkpoint,
    Failed,
    Loss,
    Outcome,
    Receipt,
    RunInfo,
)
from bitstamp_ledger.sinks._file_sink import FileSink
from bitstamp_ledger.sinks._one_line import plain
from bitstamp_ledger.sinks.tax._tables import WALLET, Table, Tool, refused


class _Sheet(FileSink):
    """One file of a tool."""

    def __init__(
        self, path: str, *, tool: Tool, table: Table, wallet: str, zone: dt.tzinfo
    ) -> None:
        super().__init__(path)
        self.name = tool.name  # type: ignore[misc]  # as many as there are tools
        self._tool = tool
        self._table = table
        self._wallet = wallet
        self._zone = zone

    def _head(self) -> bytes:
        return self._table.header()

    def _encoded(self, entry: Entry) -> bytes:
        try:
            return self._table.rows(entry, wallet=self._wallet, zone=self._zone)
        except ValueError as exc:
            raise refused(entry, exc, tool=self._tool, path=self._path) from exc

    def check(self, entry: Entry) -> None:
        """Raise where the entry cannot be written."""
        self._encoded(entry)


class TaxSink:
    """Writes entries to the files that one tool imports, anew in every run.

    The same entries in the same order give the same bytes.  A tool with several files has the
    first at ``path`` and the others beside it, with a word behind its stem; each file is replaced
    whole, one after the other.

    Args:
        path: the file.
        wallet: what the tool calls the main account; a sub-account has its own name behind.  Our
            own readers know rows by ``Bitstamp`` in it.
    """

    tool: ClassVar[Tool]
    beside: ClassVar[tuple[Loss, ...]]
    """What the tool's own columns cannot hold although the file does, in its note."""

    capabilities: Capabilities

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.beside = cls.tool.beside
        cls.capabilities = Capabilities(
            decimals="lossy" if cls.tool.losses else "text",
            times="lossy" if cls.tool.losses else "exact",
            losses=cls.tool.losses,
        )

    def __init__(self, path: str | os.PathLike[str], *, wallet: str = WALLET) -> None:
        self._make(path, wallet=wallet, zone=UTC)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._sheets[0]!r})"

    @property
    def name(self) -> str:
        """The name that the sink is registered under."""
        return self.tool.name

    @property
    def target(self) -> str:
        """Where the first file is."""
        return self._sheets[0].target

    def _make(self, path: str | os.PathLike[str], *, wallet: str, zone: dt.tzinfo) -> None:
        if not wallet[:1].isalnum() or wallet != plain(wallet):
            raise SinkError(
                f"{wallet!r} is no name for a wallet.",
                sink=self.tool.name,
                hint="Begin it with a letter or a digit; spreadsheets run what begins with a sign.",
            )
        whole = PurePath(os.fspath(path))
        self._sheets = tuple(
            _Sheet(
                str(whole.with_name(f"{whole.stem}{table.suffix}{whole.suffix}")),
                tool=self.tool,
                table=table,
                wallet=wallet,
                zone=zone,
            )
            for table in self.tool.tables
        )

    def open(self, run: RunInfo) -> Checkpoint | None:
        """Begin new files; the old ones stay until the run completes."""
        opened: list[_Sheet] = []
        try:
            for sheet in self._sheets:
                sheet.open(run)
                opened.append(sheet)
        except BaseException:
            for sheet in opened:
                sheet.close(Failed("another file could not be opened"))
            raise
        return None

    def write(self, batch: Batch) -> Receipt:
        """Add the entries of ``batch``, or none of them."""
        for entry in batch.entries:
            for sheet in self._sheets[1:]:  # The first checks by itself, before it writes.
                sheet.check(entry)
        receipts = [sheet.write(batch) for sheet in self._sheets]
        return Receipt(
            batch_id=batch.id,
            rows=receipts[0].rows,
            durable=False,
            places=tuple(place for receipt in receipts for place in receipt.places),
        )

    def close(self, outcome: Outcome) -> None:
        """Put the files in their places, or remove what was written of them."""
        first: BaseException | None = None
        for sheet in self._sheets:
            try:
                sheet.close(outcome if first is None else Failed("another file failed"))
            except BaseException as exc:  # noqa: BLE001 - raised below, once all are closed
                first = first or exc
        if first is not None:
            raise first
