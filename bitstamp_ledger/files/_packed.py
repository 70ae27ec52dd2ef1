"""Unpack gzip and ZIP in memory; nothing is ever written to disk, so no member's path matters.

Facts: docs/facts/files.md, "Containers".
"""

import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from typing import Final

import attrs

from bitstamp_ledger.errors import StatementError
from bitstamp_ledger.files._limits import (
    MEMBERS_MAX,
    NESTED_MAX,
    RATIO_FREE,
    RATIO_MAX,
    UNPACKED_MAX,
)

GZIP: Final = b"\x1f\x8b"
ZIP: Final = b"PK\x03\x04"
_EMPTY_ZIP: Final = b"PK\x05\x06"

_TABLES: Final = (
    *(".csv", ".tsv", ".txt", ".json", ".jsonl", ".ndjson"),
    *(".xlsx", ".xlsm", ".ods", ".gz", ".zip"),
)
_CHUNK: Final = 2**16
_GZIP_HEADER_TOO: Final = 16 + zlib.MAX_WBITS
_ENCRYPTED_FLAG: Final = 0x1
_METHODS: Final = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})

DAMAGED: Final = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    KeyError,
    ValueError,
    RuntimeError,  # Covers NotImplementedError and a missing password.
    OverflowError,
)
"""What the standard library raises while it reads an archive that is not sound."""


@attrs.frozen
class Unpacked:
    """What is inside all containers."""

    data: bytes
    part: str | None
    """The name of the archive's member; None where there was no archive."""

    workbook: "Archive | None" = None
    """Set where ``data`` is a workbook."""


class Archive:
    """A ZIP archive whose members are read within limits."""

    def __init__(self, data: bytes, name: str, path: str | None) -> None:
        self.name = name
        """How messages call it."""

        self.path = path
        self._size = len(data)
        self._read = 0
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data))
            self.members = [info for info in self._zip.infolist() if not info.is_dir()]
        except DAMAGED as exc:
            raise self.damaged(exc) from exc
        if len(self.members) > MEMBERS_MAX:
            raise self.refused(f"holds {len(self.members)} files", "Pack only the export.")

    def __contains__(self, member: str) -> bool:
        return any(info.filename == member for info in self.members)

    def chunks(self, member: str) -> Iterator[bytes]:
        """Yield what ``member`` holds, piece by piece.

        Raises:
            StatementError: it is encrypted, damaged, or unpacks to more than is sensible.
        """
        try:
            info = self._zip.getinfo(member)
            if info.flag_bits & _ENCRYPTED_FLAG:
                raise self.refused("is encrypted", "Unpack it with its password first.")
            if info.compress_type not in _METHODS:
                raise self.refused(
                    "is packed by a method other than deflate", "Unpack it yourself first."
                )
            # No more than the declared size is ever read, so a bomb need not go off to be seen.
            check_size(self._read + info.file_size, self._size, self.name, self.path)
            with self._zip.open(info) as file:
                while chunk := file.read(_CHUNK):
                    self._read += len(chunk)
                    check_size(self._read, self._size, self.name, self.path)
                    yield chunk
        except DAMAGED as exc:
            raise self.damaged(exc) from exc

    def read(self, member: str) -> bytes:
        """Return what ``member`` holds."""
        return b"".join(self.chunks(member))

    def damaged(self, exc: Exception) -> StatementError:
        """Return the error for an archive that is not sound."""
        return self.refused(
            f"is a ZIP archive or a spreadsheet, and damaged ({type(exc).__name__})",
            "Download it again, or unpack it yourself.",
        )

    def refused(self, why: str, hint: str) -> StatementError:
        """Return the error for an archive that is not read."""
        return StatementError(f"{self.name} {why}.", path=self.path, hint=hint)


def unpack(
    data: bytes,
    *,
    name: str,
    path: str | None,
    part: str | None,
    is_workbook: Callable[[Archive], bool],
) -> Unpacked:
    """Open containers until something is found that is none.

    Args:
        data: The file.
        name: How messages call it.
        path: The file's path, for errors.
        part: The member that the caller wants, where there are several.
        is_workbook: Tells a spreadsheet, which is a ZIP archive too, from other archives.

    Raises:
        StatementError: damaged, encrypted, too large, or more than one table is inside.
    """
    found: str | None = None
    for _ in range(NESTED_MAX + 1):
        if data.startswith(GZIP):
            data = _gunzip(data, name, path)
        elif data.startswith((ZIP, _EMPTY_ZIP)):
            archive = Archive(data, name, path)
            if is_workbook(archive):
                return Unpacked(data, found, archive)
            found = _chosen(archive, part)
            data = archive.read(found)
            name = f"{found!r} in {name}"
        else:
            return Unpacked(data, found)
    raise StatementError(
        f"{name} is packed more than {NESTED_MAX} times.", path=path, hint="Unpack it first."
    )


def check_size(size: int, packed: int, name: str, path: str | None) -> None:
    """Refuse what unpacks to more than a history can be.

    Raises:
        StatementError: it does.
    """
    if size > UNPACKED_MAX:
        why = f"more than {UNPACKED_MAX // 2**20} MiB"
    elif size > RATIO_FREE and size > RATIO_MAX * packed:
        why = f"more than {RATIO_MAX} times its size"
    else:
        return
    raise StatementError(
        f"{name} unpacks to {why}.",
        path=path,
        hint="If it is your own export, unpack it first and read the CSV file.",
    )


def _gunzip(data: bytes, name: str, path: str | None) -> bytes:
    unpacked = io.BytesIO()
    rest = data
    try:
        while rest.startswith(GZIP):
            inflate = zlib.decompressobj(wbits=_GZIP_HEADER_TOO)
            while not inflate.eof:
                chunk = inflate.decompress(rest, _CHUNK)
                rest = inflate.unconsumed_tail
                if not chunk and not rest and not inflate.eof:
                    raise EOFError
                unpacked.write(chunk)
                check_size(unpacked.tell(), len(data), name, path)
            rest = inflate.unused_data.lstrip(b"\0")
    except DAMAGED as exc:
        raise StatementError(
            f"{name} is a compressed file, and damaged ({type(exc).__name__}).",
            path=path,
            hint="Download it again, or unpack it yourself.",
        ) from exc
    return unpacked.getvalue()


def _chosen(archive: Archive, part: str | None) -> str:
    names = [info.filename for info in archive.members]
    if part is not None and part in names:
        return part
    tables = [name for name in names if _is_table(name)]
    match tables:
        case [one]:
            return one
        case []:
            raise archive.refused(
                f"holds no table (files: {_listed(names)})",
                f"A table's name ends in one of: {', '.join(_TABLES)}.",
            )
        case several:
            raise archive.refused(
                f"holds {len(several)} tables: {_listed(several)}",
                "Name one of them with part=, and read each on its own.",
            )


def _is_table(name: str) -> bool:
    *folders, last = name.split("/")
    # The second is what macOS adds about every file.
    return last.lower().endswith(_TABLES) and not last.startswith(".") and "__MACOSX" not in folders


def _listed(names: list[str], limit: int = 20) -> str:
    shown = ", ".join(ascii(name[:80]) for name in names[:limit]) or "none"
    return shown if len(names) <= limit else f"{shown} and {len(names) - limit} more"
