"""A file that takes its place only when it is complete.

The content goes to a temporary name in the same folder, so that the last step is one rename: at
any moment the target is the old file or the new one, whole.
"""

import contextlib
import errno
import os
import secrets
import stat
from pathlib import Path
from typing import BinaryIO, Final

from bitstamp_ledger.errors import SinkError

_HINTS: Final = {
    errno.ENOENT: "Create its folder first, or name another path.",
    errno.ENOTDIR: "A part of the path is a file; name another path.",
    errno.EACCES: "Choose a folder that you may write to, and close programs that use the file.",
    errno.EPERM: "Choose a folder that you may write to, and close programs that use the file.",
    errno.EROFS: "That folder is read-only; choose another.",
    errno.ENOSPC: "The disk is full; make room and run it again.",
    errno.EDQUOT: "Your disk quota is used up; make room and run it again.",
    errno.EFBIG: "Files cannot grow that large there; choose another disk.",
    errno.ENAMETOOLONG: "Choose a shorter name.",
}

_OPEN_FLAGS: Final = os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_BINARY", 0)


class Replacement:
    """The next content of ``path``, until ``commit`` or ``abandon``.

    A link is followed: what it points at is replaced, not the link.  An existing file keeps its
    permissions.

    Raises:
        SinkError: the path is a folder or a device, or its folder cannot be written.
    """

    def __init__(self, path: str, *, sink: str) -> None:
        self._path = path
        self._sink = sink
        self._target = Path(os.path.realpath(path))  # Path.resolve() raises on a loop of links.
        self._part = self._target.parent / f".bitstamp-ledger-{secrets.token_hex(8)}.part"
        self._file: BinaryIO | None = None
        try:
            mode = self._mode_of_target()
            descriptor = os.open(self._part, _OPEN_FLAGS, 0o666)  # Less the user's umask.
            self._file = os.fdopen(descriptor, "wb")
            if mode is not None:
                self._part.chmod(mode)
        except OSError as exc:
            self.abandon()
            raise self._error(exc) from exc

    def write(self, content: bytes) -> None:
        """Add ``content``.  After a failure nothing can be added or committed any more."""
        file = self._opened()
        try:
            file.write(content)
        except OSError as exc:
            self.abandon()
            raise self._error(exc) from exc

    def commit(self) -> None:
        """Put the file in its place; it survives a power cut from then on."""
        file = self._opened()
        try:
            file.flush()
            os.fsync(file.fileno())
            file.close()
            self._part.replace(self._target)
        except OSError as exc:
            self.abandon()
            raise self._error(exc) from exc
        except BaseException:  # An interrupt by the user, between two of the lines above.
            self.abandon()
            raise
        self._file = None
        self._sync_folder()

    def abandon(self) -> None:
        """Remove what was written and leave the target alone; a second call does nothing."""
        if self._file is None:
            return
        with contextlib.suppress(OSError):  # Closing writes the buffer, and the disk may be full.
            self._file.close()
        self._file = None
        with contextlib.suppress(OSError):
            self._part.unlink()

    def _opened(self) -> BinaryIO:
        if self._file is None:
            raise SinkError(
                f"{self._path} was given up after an earlier failure.",
                sink=self._sink,
                hint="Begin a new run.",
            )
        return self._file

    def _mode_of_target(self) -> int | None:
        try:
            mode = self._target.stat().st_mode
        except FileNotFoundError:
            return None
        if stat.S_ISREG(mode):
            return stat.S_IMODE(mode)
        what = "a folder" if stat.S_ISDIR(mode) else "not an ordinary file"
        raise SinkError(
            f"{self._path} is {what}.", sink=self._sink, hint="Name a file, or a path that is free."
        )

    def _sync_folder(self) -> None:
        if os.name == "nt":  # Folders cannot be opened there.
            return
        # Not every file system can do it, and the rename has already happened.
        with contextlib.suppress(OSError):
            descriptor = os.open(self._target.parent, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def _error(self, exc: OSError) -> SinkError:
        reason = exc.strerror or type(exc).__name__
        return SinkError(
            f"Cannot write {self._path}: {reason}.",
            sink=self._sink,
            hint=_HINTS.get(exc.errno or 0, "Nothing was changed there; try another path."),
        )
