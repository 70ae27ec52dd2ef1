"""A file is input from a stranger: each attack ends in a clear error, in little memory and time."""

import gzip
import io
import subprocess
import sys
import time
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bitstamp_ledger.errors import StatementError
from bitstamp_ledger.files import iter_statement, read_statement
from bitstamp_ledger.files._packed import check_size
from tests.files.samples import G1_GOLDEN, G1_HEADER, G2_GOLDEN, G2_HEADER

SECONDS_MAX = 10
MEBIBYTE = 2**20


@contextmanager
def bounded(mebibytes: int) -> Iterator[None]:
    """Fail if the block takes long, or allocates more than ``mebibytes`` at once."""
    started = time.process_time()
    tracemalloc.start()
    try:
        yield
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert time.process_time() - started < SECONDS_MAX
    assert peak < mebibytes * MEBIBYTE


def archive(**members: bytes) -> bytes:
    """Pack files; ``__`` in a name stands for a dot."""
    saved = io.BytesIO()
    with zipfile.ZipFile(saved, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as packed:
        for name, content in members.items():
            packed.writestr(name.replace("__", "."), content)
    return saved.getvalue()


def gzip_of_zeros(mebibytes: int) -> bytes:
    """Return a gzip file of as many zeros, made without holding them."""
    pack = zlib.compressobj(9, wbits=31)
    piece = b"0" * MEBIBYTE
    return b"".join([*(pack.compress(piece) for _ in range(mebibytes)), pack.flush()])


CONTENT_TYPES = b"<Types/>"
BOOK = b'<workbook xmlns:r="r"><sheets><sheet name="S" r:id="r1"/></sheets></workbook>'
RELATIONS = b'<Relationships><Relationship Id="r1" Target="sheet1.xml"/></Relationships>'


def workbook(sheet: bytes, **parts: bytes) -> bytes:
    """Return an XLSX file with one sheet of this XML."""
    return archive(
        **{
            "[Content_Types]__xml": CONTENT_TYPES,
            "xl/workbook__xml": BOOK,
            "xl/_rels/workbook__xml__rels": RELATIONS,
            "xl/sheet1__xml": sheet,
            **{f"xl/{name}": content for name, content in parts.items()},
        }
    )


def table(rows: bytes) -> bytes:
    """Return an ODS file with one sheet of these rows."""
    return archive(
        mimetype=b"application/vnd.oasis.opendocument.spreadsheet",
        content__xml=b"<document-content><table name='S'>" + rows + b"</table></document-content>",
    )


LAUGHS = (
    b'<!DOCTYPE x [<!ENTITY a "ha">'
    + b"".join(b'<!ENTITY %c "%s">' % (97 + at, b"&%c;" % (96 + at) * 20) for at in range(1, 20))
    + b"]><x>&t;</x>"
)
EXTERNAL = b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><x>&a;</x>'
CELL = b"<row><c r='A1' t='str'><v>x</v></c><c r='XFD1' t='str'><v>x</v></c></row>"
FAR_ROW = b"<row r='2000000000'><c r='A2000000000'><v>1</v></c></row>"
ODS_CELL = b"<table-cell value-type='float' value='1'%s/>"


ATTACKS: dict[str, tuple[Callable[[], bytes], str]] = {
    "gzip bomb": (lambda: gzip_of_zeros(20), "unpacks to more than"),
    "zip bomb": (lambda: archive(export__csv=b"0" * (10 * MEBIBYTE)), "unpacks to more than"),
    "zip in zip in zip": (
        lambda: archive(a__zip=archive(b__zip=archive(c__zip=archive(d__csv=b"x")))),
        "packed more than 3 times",
    ),
    "many members": (
        lambda: archive(**{f"{at}__csv": b"" for at in range(10_001)}),
        "holds 10001 files",
    ),
    "workbook bomb": (
        lambda: workbook(b"<x><row>" + b"<c/>" * (3 * MEBIBYTE) + b"</row></x>"),
        "unpacks to more than",
    ),
    "wide sheet": (lambda: workbook(b"<x>" + CELL + b"</x>"), "more columns"),
    "far row": (lambda: workbook(b"<x>" + FAR_ROW + b"</x>"), "more rows"),
    "repeated rows": (
        lambda: table(
            b"<table-row number-rows-repeated='999999999'>" + ODS_CELL % b"" + b"</table-row>"
        ),
        "more rows",
    ),
    "repeated columns": (
        lambda: table(
            b"<table-row>" + ODS_CELL % b" number-columns-repeated='999999999'" + b"</table-row>"
        ),
        "more columns",
    ),
    "repeated cells": (
        lambda: table(
            b"<table-row number-rows-repeated='900000'>"
            + ODS_CELL % b" number-columns-repeated='900'"
            + b"</table-row>"
        ),
        "more cells",
    ),
    "counted blanks": (
        lambda: table(
            b"<table-row><table-cell value-type='string'><p>"
            + b"<s c='1000000'/>" * 9
            + b"</p></table-cell></table-row>"
        ),
        "longer cell",
    ),
    "entities in a sheet": (lambda: workbook(LAUGHS), "document type"),
    "entities in the texts": (
        lambda: workbook(b"<x/>", sharedStrings__xml=LAUGHS),
        "document type",
    ),
    "entities in a table": (
        lambda: (
            table(b"")
            and archive(
                mimetype=b"application/vnd.oasis.opendocument.spreadsheet", content__xml=LAUGHS
            )
        ),
        "document type",
    ),
    "external entity": (lambda: workbook(EXTERNAL), "document type"),
    "giant cell": (
        lambda: G1_GOLDEN.encode() + b"x" * 10_000_000 + b",1\n",
        "more than any table has",
    ),
    "giant cell in a sheet": (
        lambda: workbook(b"<x><row><c t='str'><v>" + b"ab" * MEBIBYTE + b"</v></c></row></x>"),
        "longer cell",
    ),
    "many cells": (
        lambda: G1_GOLDEN.encode() + b"x," * 400_000 + b"\n",
        "more than any table has",
    ),
    "deep JSON": (lambda: b"[" * 1_000_000, "cannot be read"),
    "long JSON number": (
        lambda: b'[{"id": ' + b"9" * MEBIBYTE + b"}]",
        "no header that is known",
    ),
    "NUL bytes": (lambda: G2_GOLDEN.encode().replace(b"Main", b"Ma\0n"), "NUL"),
    "NUL bytes throughout": (lambda: b"\0" * MEBIBYTE, "NUL"),
    "two encodings": (
        lambda: (
            G1_GOLDEN.replace("Main", "Épargne").encode()
            + G1_GOLDEN.replace("Main", "Épargne").encode("cp1252")
        ),
        "mixes two encodings",
    ),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_ends_in_a_clear_error(name: str) -> None:
    """Within a few times the size of what was unpacked, and with what to do."""
    make, words = ATTACKS[name]
    content = make()
    with bounded(150), pytest.raises(StatementError, match=words) as caught:
        read_statement(content)

    assert caught.value.hint
    assert len(str(caught.value)) < 6_000


@pytest.mark.parametrize("name", ATTACKS)
def test_a_stream_is_attacked_in_vain_too(name: str) -> None:
    """It has limits of its own; a packed file of zeros is one line."""
    make, words = ATTACKS[name]
    content = make()
    with bounded(150), pytest.raises(StatementError, match=f"{words}|more than|holds no"):
        list(iter_statement(content))


def test_a_line_without_an_end_is_not_held(tmp_path: Path) -> None:
    """Neither by the stream, from a packed file."""
    path = tmp_path / "export.csv.gz"
    header = gzip.compress(f"{G2_HEADER}\n".encode())
    path.write_bytes(header + gzip_of_zeros(40))
    with bounded(40), pytest.raises(StatementError, match="more than"):
        list(iter_statement(path))


def test_an_open_quote_on_every_line_stays_linear() -> None:
    """Each would swallow the rest of the file, and be read again from the next line."""
    content = (G1_HEADER + "\n" + '"a\n' * 10_000).encode()
    with bounded(100):
        statement = read_statement(content)

    assert statement.counts.unreadable == 10_000


def test_no_attack_needs_the_file_system() -> None:
    """An archive's names lead nowhere; the audit sees every file that is opened."""
    code = f"""
import sys, io, zipfile
from bitstamp_ledger.files import read_statement
saved = io.BytesIO()
with zipfile.ZipFile(saved, "w") as packed:
    packed.writestr("../../evil.csv", {G2_GOLDEN!r})
read_statement(saved.getvalue())
def audit(event, arguments):
    if event in ("open", "os.mkdir", "os.rename"):
        raise SystemExit(f"{{event}} {{arguments}}")
sys.addaudithook(audit)
print(len(read_statement(saved.getvalue()).entries))
"""
    run = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )

    assert run.stdout.strip() == "5", run.stderr


@pytest.mark.parametrize(
    ("size", "packed", "refused"),
    [
        (128 * MEBIBYTE, 64 * MEBIBYTE, False),
        (128 * MEBIBYTE + 1, 64 * MEBIBYTE, True),
        (8 * MEBIBYTE, 10, False),
        (8 * MEBIBYTE + 1, 10, True),
    ],
)
def test_size_and_ratio_are_limited(size: int, packed: int, refused: bool) -> None:
    """A short file of equal rows packs very well, and is no attack."""
    if not refused:
        check_size(size, packed, "'x'", None)
        return
    with pytest.raises(StatementError, match="unpacks to more than"):
        check_size(size, packed, "'x'", None)
