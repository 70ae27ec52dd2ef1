"""Parquet: the columns of `bitstamp_ledger.sinks.arrow` in one file, or one file a year.

1. Row groups have a fixed number of rows, whatever the batches were, so that the same entries give
   the same bytes with the same version of pyarrow.
2. With ``partition_by="year"`` the path is a folder of ``year=2021/entries.parquet``, as DuckDB,
   polars and others read it; the year is that of the time in UTC.  The whole folder is replaced;
   one that holds anything else is refused.

Needs the extra ``arrow``.
"""

import contextlib
import os
import re
import secrets
import shutil
from collections.abc import Iterator, Sequence
from io import BufferedWriter
from pathlib import Path
from typing import ClassVar, Final, Literal, Protocol

from bitstamp_ledger.errors import SinkError
from bitstamp_ledger.model import Entry
from bitstamp_ledger.sinks._columns import RecordBatch, arrow_module, record_batch, schema
from bitstamp_ledger.sinks._contract import (
    Batch,
    Capabilities,
    Checkpoint,
    Outcome,
    Receipt,
    RunInfo,
)
from bitstamp_ledger.sinks._file_sink import ReplacingSink
from bitstamp_ledger.sinks._replacement import Replacement

ROW_GROUP_ROWS: Final = 131_072

WRITER_OPTIONS: Final = {
    "compression": "snappy",
    # Columns that a dictionary makes smaller.  In the others nearly all values differ: a dictionary
    # of them takes as long as the rest of the writing, and is thrown away when it has grown too
    # large.
    "use_dictionary": [
        *("kind", "account", "side", "base_currency", "quote_currency", "currency"),
        *("fee_currency", "legs.list.element.currency", "self_trade", "counterparty", "code"),
        *("reason", "source_endpoint", "source_path", "time_step_us"),
    ],
}
"""How pyarrow is told to write."""

_FILE: Final = "entries.parquet"
_is_year: Final = re.compile(r"year=[0-9]{4}").fullmatch


class _Output(Protocol):
    def write(self, content: bytes, /) -> object:
        """Add bytes."""


class _Stream:
    """What pyarrow writes to; it counts, since a file that is appended to knows no place."""

    closed = False
    mode = "wb"

    def __init__(self, output: _Output) -> None:
        self._output: _Output | None = output
        self._written = 0

    def cut(self) -> None:
        """Let what is written from now on vanish."""
        self._output = None

    def write(self, content: object) -> int:
        data = bytes(content)  # type: ignore[call-overload]  # a buffer
        if self._output is not None:
            self._output.write(data)
        self._written += len(data)
        return len(data)

    def tell(self) -> int:
        return self._written

    def flush(self) -> None:
        """Do nothing: what follows is written in one go."""

    def close(self) -> None:
        """Do nothing: the file is closed by whoever opened it."""

    def readable(self) -> bool:
        return False

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False


class _Rows:
    """One Parquet file being written, in row groups of a fixed size."""

    def __init__(self, output: _Output) -> None:
        pq = arrow_module(module="pyarrow.parquet")
        self._stream = _Stream(output)
        self._writer = pq.ParquetWriter(self._stream, schema(), **WRITER_OPTIONS)
        self._waiting: list[RecordBatch] = []
        self._rows = 0

    def add(self, batch: RecordBatch) -> None:
        """Take a record batch."""
        self._waiting.append(batch)
        self._rows += batch.num_rows
        if self._rows >= ROW_GROUP_ROWS:
            self._flush(whole_groups_only=True)

    def finish(self) -> None:
        """Write what waits, and the end of the file."""
        self._flush(whole_groups_only=False)
        self._writer.close()

    def give_up(self) -> None:
        """End without a file: a writer that is left open ends it by itself, later and anywhere."""
        self._stream.cut()
        self._waiting.clear()
        self._writer.close()

    def _flush(self, *, whole_groups_only: bool) -> None:
        pa = arrow_module()
        table = pa.Table.from_batches(self._waiting, schema=schema())
        end = self._rows - self._rows % ROW_GROUP_ROWS if whole_groups_only else self._rows
        for start in range(0, end, ROW_GROUP_ROWS):
            rows = min(ROW_GROUP_ROWS, end - start)
            # In one piece, since the places of pieces would show in the file.
            piece = table.slice(start, rows).combine_chunks()
            self._writer.write_table(piece, row_group_size=ROW_GROUP_ROWS)
        rest = table.slice(end)
        self._waiting = rest.to_batches() if rest.num_rows else []
        self._rows = rest.num_rows


class _OneFile:
    """The file at the path."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._replacement = Replacement(path, sink=ParquetSink.name)
        self._rows = _Rows(self._replacement)

    def add(self, entries: Sequence[Entry], batch: RecordBatch) -> tuple[str, ...]:
        del entries
        self._rows.add(batch)
        return (self._path,)

    def commit(self) -> None:
        self._rows.finish()
        self._replacement.commit()

    def abandon(self) -> None:
        self._rows.give_up()
        self._replacement.abandon()


class _YearFolder:
    """A folder with a file for each year; it takes its place when it is complete."""

    def __init__(self, path: str) -> None:
        self._target = Path(os.path.realpath(path))
        self._require_own()
        self._part = self._target.parent / f".bitstamp-ledger-{secrets.token_hex(8)}.part"
        self._years: dict[int, tuple[_Rows, BufferedWriter]] = {}
        self._part.mkdir()

    def add(self, entries: Sequence[Entry], batch: RecordBatch) -> tuple[str, ...]:
        pa = arrow_module()
        by_year: dict[int, list[int]] = {}
        for place, entry in enumerate(entries):
            by_year.setdefault(entry.time.year, []).append(place)
        for year, places in sorted(by_year.items()):
            rows = batch if len(by_year) == 1 else batch.take(pa.array(places, pa.int64()))
            self._year(year).add(rows)
        return tuple(str(self._target / _name(year) / _FILE) for year in sorted(by_year))

    def commit(self) -> None:
        for rows, file in self._years.values():
            rows.finish()
            file.flush()
            os.fsync(file.fileno())
            file.close()
        self._require_own()
        before = self._part.with_suffix(".old")
        if self._target.exists():
            self._target.rename(before)
        try:
            self._part.rename(self._target)
        except OSError:
            if before.exists():
                before.rename(self._target)
            raise
        shutil.rmtree(before, ignore_errors=True)

    def abandon(self) -> None:
        for rows, file in self._years.values():
            rows.give_up()
            with contextlib.suppress(OSError):
                file.close()
        shutil.rmtree(self._part, ignore_errors=True)

    def _year(self, year: int) -> _Rows:
        if year not in self._years:
            folder = self._part / _name(year)
            folder.mkdir()
            file = (folder / _FILE).open("wb")
            self._years[year] = (_Rows(file), file)
        return self._years[year][0]

    def _require_own(self) -> None:
        """Refuse to replace what this sink did not write.

        Raises:
            SinkError: the path is a file, or a folder that holds something else.
        """
        if not self._target.exists():
            return
        strange = next(_strangers(self._target), None)
        if strange is not None:
            raise SinkError(
                f"{self._target} is not replaced: {strange} is no part of an earlier export.",
                sink=ParquetSink.name,
                hint="Name a path that is free, or move that away.",
            )


def _name(year: int) -> str:
    return f"year={year:04}"


def _strangers(folder: Path) -> Iterator[Path]:
    if not folder.is_dir():
        yield folder
        return
    for each in sorted(folder.iterdir()):
        if not _is_year(each.name) or not each.is_dir():
            yield each
        else:
            yield from (file for file in sorted(each.iterdir()) if file.name != _FILE)


class ParquetSink(ReplacingSink[_OneFile | _YearFolder]):
    """Writes entries to a Parquet file, or to a folder with one for each year, anew in every run.

    Args:
        path: the file, or the folder.
        partition_by: ``"year"`` for a file of each year; one file unless given.

    Raises:
        MissingExtraError: the packages of the extra ``arrow`` are not installed.
    """

    name: ClassVar[str] = "parquet"
    capabilities = Capabilities(decimals="exact")

    def __init__(
        self, path: str | os.PathLike[str], *, partition_by: Literal["year"] | None = None
    ) -> None:
        arrow_module("A Parquet file")
        if partition_by not in {None, "year"}:
            raise SinkError(
                f"Entries cannot be partitioned by {partition_by!r}.",
                sink=self.name,
                hint="Pass 'year', or nothing for one file.",
            )
        super().__init__(path)
        self._kind = _OneFile if partition_by is None else _YearFolder

    def open(self, run: RunInfo) -> Checkpoint | None:
        """Begin anew; what stands there stays until the run completes."""
        with self._said():
            return super().open(run)

    def write(self, batch: Batch) -> Receipt:
        """Add the entries of ``batch``, or none of them."""
        with self._said():
            return super().write(batch)

    def close(self, outcome: Outcome) -> None:
        """Put it in its place, or remove what was written of it."""
        with self._said():
            super().close(outcome)

    def _begun(self) -> _OneFile | _YearFolder:
        return self._kind(self._path)

    def _add(
        self, replacement: _OneFile | _YearFolder, entries: tuple[Entry, ...]
    ) -> tuple[str, ...]:
        return replacement.add(entries, record_batch(entries, sink=self.name))

    @contextlib.contextmanager
    def _said(self) -> Iterator[None]:
        """Say what a disk that is full, or a folder that is not there, means for the user."""
        try:
            yield
        except OSError as exc:
            raise SinkError(
                f"Cannot write {self._path}: {exc.strerror or type(exc).__name__}.",
                sink=self.name,
                hint="Nothing was changed there; make room, or try another path.",
            ) from exc
