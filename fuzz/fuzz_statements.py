"""Feed damaged files to `read_statement`: ``python -m fuzz.fuzz_statements --seconds 60``.

Fails on any exception that is not ours, on a statement whose rows do not add up, on an input that
takes longer than a few seconds, and on one that needs more memory than a machine can spare.  Ends
with exit code 0 and the number of inputs tried.
"""

import argparse
import faulthandler
import gzip
import io
import json
import secrets
import sys
import time
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from bitstamp_ledger.errors import BitstampLedgerError
from bitstamp_ledger.files import Statement, formats, iter_statement, read_statement
from bitstamp_ledger.files._registry import load

GOLDEN: Final = Path(__file__).parents[1] / "tests" / "files" / "golden"
BATCH: Final = 200
"""Inputs between two looks at the clock."""

SECONDS_A_FILE: Final = 20
MEMORY: Final = 3 * 2**30


def _packed(**members: bytes) -> bytes:
    saved = io.BytesIO()
    with zipfile.ZipFile(saved, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "."), content)
    return saved.getvalue()


def _sheet(cells: bytes) -> bytes:
    """Return a workbook of these cells, its XML not packed, so that damage reaches the parser."""
    saved = io.BytesIO()
    with zipfile.ZipFile(saved, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr(
            "xl/workbook.xml",
            '<workbook xmlns:r="r"><sheets><sheet name="S" r:id="r1"/></sheets></workbook>',
        )
        archive.writestr(
            "xl/_rels/workbook.xml.rels",
            '<Relationships><Relationship Id="r1" Target="s.xml"/></Relationships>',
        )
        archive.writestr("xl/s.xml", cells)
    return saved.getvalue()


def seeds() -> list[bytes]:
    """Return files that are sound, or nearly."""
    found = [path.read_bytes() for path in sorted(GOLDEN.iterdir()) if path.is_file()]
    for name in formats():
        for shape in load(name).shapes:
            header = ",".join(shape.required)
            found.append(f"{header}\n{',' * (len(shape.required) - 1)}\n".encode())
    record = {"id": "1", "timestamp": 1616892096482, "datetime": "", "symbol": "BTC/EUR"}
    record |= {"side": "buy", "price": 1.5, "amount": 2.5, "cost": 3.75, "info": {"type": "2"}}
    found.append(json.dumps([record]).encode())
    first = found[0]
    found += [gzip.compress(first), _packed(a__csv=first), _packed(a__csv=first, b__csv=first)]
    cell = b"<c r='A1' t='inlineStr'><is><t>Type</t></is></c>"
    found.append(_sheet(b"<worksheet><sheetData><row r='1'>" + cell * 3 + b"</row></sheetData>"))
    return found


SEEDS: Final = seeds()
PIECES: Final = (
    *(b"", b'"', b"\n", b"\r", b"\0", b",", b";", b"-", b"=", b"1e9", b"NaN", b"\xff\xfe"),
    *(b"\xef\xbb\xbf", b"\xe9", "\u00a0".encode(), b"PK\x03\x04", b"\x1f\x8b", b"[", b"{"),
    *(b"<", b"&a;", b"<!DOCTYPE x>", b"9" * 40, b"Infinity", b"sep=;", b"0000-00-00"),
)


@st.composite
def files(draw: st.DrawFn) -> bytes:
    """Return a file that met with an accident or two."""
    data = draw(st.sampled_from(SEEDS))
    for _ in range(draw(st.integers(0, 6))):
        at = draw(st.integers(0, len(data)))
        end = draw(st.integers(at, min(len(data), at + 40)))
        piece = draw(st.sampled_from(PIECES) | st.binary(max_size=12))
        data = data[:at] + piece + data[draw(st.sampled_from([at, end])) :]
    return data


def check(content: bytes) -> None:
    """Read a content in both ways.

    Raises:
        AssertionError: the statement does not add up, or the stream says something else.
    """
    faulthandler.dump_traceback_later(SECONDS_A_FILE, exit=True)
    try:
        whole = _attempt(content)
        streamed = _stream_attempt(content)
    finally:
        faulthandler.cancel_dump_traceback_later()
    if whole is None or streamed is None:
        if (whole is None) != (streamed is None):
            raise AssertionError("only one of stream and statement refuses the file")
        return
    if not whole.counts.balanced:
        raise AssertionError(f"rows do not add up: {whole.counts}")
    if whole.counts != streamed.counts:
        raise AssertionError(f"the stream counts {streamed.counts}, not {whole.counts}")


def _attempt(content: bytes) -> Statement | None:
    try:
        return read_statement(content)
    except BitstampLedgerError:
        return None


def _stream_attempt(content: bytes) -> Statement | None:
    try:
        stream = iter_statement(content)
        for _ in stream:
            pass
    except BitstampLedgerError:
        return None
    return stream.statement


def run(seconds: float, start: int) -> int:
    """Try inputs until the time is up; return how many were tried."""
    tried = 0
    end = time.monotonic() + seconds

    while time.monotonic() < end:

        @seed(start + tried)
        @settings(
            max_examples=BATCH,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(content=files() | st.binary(max_size=300))
        def batch(content: bytes) -> None:
            check(content)

        batch()
        tried += BATCH
    return tried


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=60, help="how long to look")
    parser.add_argument("--seed", type=int, help="to repeat a run; else another one each time")
    options = parser.parse_args(arguments)
    start = secrets.randbelow(10**9) if options.seed is None else options.seed
    limit_memory()
    sys.stdout.write(f"seed {start}\n")
    tried = run(options.seconds, start)
    sys.stdout.write(f"{tried} inputs, no surprise\n")
    return 0


def limit_memory() -> None:
    """Let an input that asks for too much memory fail, in place of the machine."""
    try:
        import resource  # noqa: PLC0415 - not on Windows
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


if __name__ == "__main__":
    raise SystemExit(main())
