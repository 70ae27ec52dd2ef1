"""From a path, bytes or an open file to text.  No exception of the system crosses this module."""

import hashlib
import os
import re
from collections.abc import Callable
from typing import IO, Final, NamedTuple, TypeAlias

import attrs

from bitstamp_ledger.errors import StatementError

StatementSource: TypeAlias = str | os.PathLike[str] | bytes | IO[bytes] | IO[str]
"""A str is a path; bytes are the content itself."""

WINDOWS_ENCODING: Final = "text in Windows-1252 instead of UTF-8"
UTF16_ENCODING: Final = "text in UTF-16 instead of UTF-8"
BYTE_ORDER_MARK: Final = "byte order mark"


class _Signature(NamedTuple):
    start: bytes
    what: str
    hint: str


_SAVE_AS_CSV: Final = "Open it and save the sheet as CSV, or export it again as CSV."

_SIGNATURES: Final = (
    _Signature(b"\xd0\xcf\x11\xe0", "an old spreadsheet, not text", _SAVE_AS_CSV),
    _Signature(b"%PDF", "a PDF document, not text", "Export the history again as CSV."),
)

# How an encrypted XLSX workbook begins: as an old spreadsheet, with this name in its folder.
_OLD_CONTAINER: Final = b"\xd0\xcf\x11\xe0"
_ENCRYPTED: Final = "EncryptedPackage".encode("utf-16-le")

# UTF-32 before UTF-16: its little-endian mark begins with that of UTF-16.
_MARKS: Final = (
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)


@attrs.frozen(kw_only=True)
class Content:
    """The text of a file, and what had to be undone to get it."""

    text: str
    path: str | None
    digest: str
    repairs: tuple[str, ...]


def decode(data: bytes, *, path: str | None) -> Content:
    """Decode ``data``: UTF-8, UTF-16 with a byte order mark, else Windows-1252."""
    name = name_of(path)
    if data.startswith(_OLD_CONTAINER) and _ENCRYPTED in data:
        raise StatementError(
            f"{name} is an encrypted workbook.",
            path=path,
            hint="Open it and save it without a password, or as CSV.",
        )
    for signature in _SIGNATURES:
        if data.startswith(signature.start):
            raise StatementError(f"{name} is {signature.what}.", path=path, hint=signature.hint)
    text, repairs = _text_of(data, path)
    if text.startswith("\ufeff"):
        text = text[1:]
        repairs = (*repairs, BYTE_ORDER_MARK)
    if "\0" in text:
        raise StatementError(
            f"{name} holds NUL bytes, so it is not text (or UTF-16 without its mark).",
            path=path,
            hint="Export it again as CSV, or save it as UTF-8.",
        )
    if not text or text.isspace():
        raise StatementError(
            f"{name} is empty.", path=path, hint="Export the history again; check the download."
        )
    digest = hashlib.sha256(data).hexdigest()
    return Content(text=text, path=path, digest=digest, repairs=repairs)


def name_of(path: str | None) -> str:
    """Return how messages call the file."""
    return "The content" if path is None else f"{path!r}"


def encode(text: str) -> bytes:
    """Encode text that was given as text.

    Raises:
        StatementError: it holds halves of surrogate pairs, which no file can hold.
    """
    try:
        return text.encode()
    except UnicodeEncodeError as exc:
        raise StatementError(
            "The text holds characters that cannot be encoded.",
            hint="Pass the bytes of the file, or its path, instead of decoded text.",
        ) from exc


def _text_of(data: bytes, path: str | None) -> tuple[str, tuple[str, ...]]:
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _decoded(data, encoding, path), (UTF16_ENCODING,)
    try:
        return data.decode(), ()
    except UnicodeDecodeError as exc:
        _require_one_encoding(data, exc.start, path)
        return _decoded(data, "cp1252", path), (WINDOWS_ENCODING,)


# Letters beyond ASCII as UTF-8 writes them, two and three bytes long.  Read as Windows-1252 each
# would be two or three letters that no word has in a row.
_has_utf8: Final = re.compile(
    rb"[\xc3-\xdf][\x80-\xbf](?![\x80-\xbf])|[\xe0-\xef][\x80-\xbf]{2}(?![\x80-\xbf])"
).search


def _require_one_encoding(data: bytes, start: int, path: str | None) -> None:
    """Refuse text in two encodings, of which one would be read as other letters.

    Raises:
        StatementError: some of it is UTF-8, and some is not.
    """
    if not _has_utf8(data):
        return
    line = data.count(b"\n", 0, start) + 1
    raise StatementError(
        f"{name_of(path)} mixes two encodings: some of it is UTF-8, but line {line} is not.",
        path=path,
        hint="Two files may have been joined; export again, or save it as UTF-8.",
    )


def _decoded(data: bytes, encoding: str, path: str | None) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as exc:
        raise StatementError(
            f"{name_of(path)} is not text in any encoding that exports are written in.",
            path=path,
            hint="Export it again as CSV, or save it as UTF-8.",
        ) from exc


def bytes_of(source: StatementSource) -> tuple[bytes, str | None]:
    """Read ``source`` completely; return its bytes, and its path where it has one.

    Raises:
        StatementError: it cannot be opened or read.
    """
    if isinstance(source, bytes | bytearray | memoryview):
        return bytes(source), None
    if isinstance(source, str | os.PathLike):
        path = os.fsdecode(source)
        return _file_bytes(path), path
    if callable(getattr(source, "read", None)):
        return _handle_bytes(source.read), None
    raise TypeError(f"not a path, bytes or an open file: {source!r}")


def _handle_bytes(read: Callable[[], bytes | str]) -> bytes:
    try:
        content = read()
    except (OSError, ValueError) as exc:  # ValueError: closed, or text that does not decode.
        raise StatementError(
            f"The open file cannot be read: {exc}.", hint="Open it in binary mode, and only once."
        ) from exc
    return encode(content) if isinstance(content, str) else bytes(content)


def _file_bytes(path: str) -> bytes:
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - Path() would alter how the path is spelled
            return file.read()
    except FileNotFoundError as exc:
        raise StatementError(
            f"There is no file {_short(path)}.", path=path, hint=_missing_hint(path)
        ) from exc
    except IsADirectoryError as exc:
        raise StatementError(
            f"{path!r} is a folder.", path=path, hint="Name one of the files in it."
        ) from exc
    except PermissionError as exc:
        raise StatementError(
            f"{path!r} may not be read by this user.",
            path=path,
            hint="Check who owns the file, and whether another program has it open.",
        ) from exc
    except (OSError, ValueError) as exc:  # ValueError: a NUL in the path.
        raise StatementError(
            f"{_short(path)} cannot be opened: {exc}.", path=path, hint=_missing_hint(path)
        ) from exc


def _short(path: str, limit: int = 120) -> str:
    return repr(path if len(path) <= limit else path[:limit] + "...")


def _missing_hint(path: str) -> str:
    if "\n" in path or "," in path:
        return "A str is a path; to read text that you hold, call read_statement_text()."
    return "Check the spelling; a relative path starts at the current folder."
