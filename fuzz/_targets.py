"""What is fed: each target makes inputs out of sound ones, and says which errors may come out."""

import contextlib
import datetime as dt
import re
import tempfile
import warnings
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import attrs
from hypothesis import strategies as st
from sqlalchemy.exc import SAWarning

import bitstamp_ledger as bl
from bitstamp_ledger.api import Reply, refusal_of
from bitstamp_ledger.errors import BitstampLedgerError
from bitstamp_ledger.files._numbers import read_number
from bitstamp_ledger.files._times import (
    in_zone,
    read_iso,
    read_iso_second,
    read_printed_minute,
    zone_of,
)
from bitstamp_ledger.ledger import Ledger
from fuzz import fuzz_statements

SECRET: Final = "hunter2-hunter2"  # noqa: S105 - made up, and looked for in every error


@attrs.frozen(kw_only=True)
class Target:
    """Something that takes bytes from outside."""

    inputs: st.SearchStrategy[bytes]
    check: Callable[[bytes], None]
    """Raises what is none of ours, or AssertionError where the outcome is wrong."""


def damaged(seeds: list[bytes], pieces: list[bytes]) -> st.SearchStrategy[bytes]:
    """Return sound inputs that met with an accident or two."""

    @st.composite
    def made(draw: st.DrawFn) -> bytes:
        data = draw(st.sampled_from(seeds))
        for _ in range(draw(st.integers(0, 4))):
            at = draw(st.integers(0, len(data)))
            end = draw(st.integers(at, min(len(data), at + 20)))
            piece = draw(st.sampled_from(pieces) | st.binary(max_size=8))
            data = data[:at] + piece + data[draw(st.sampled_from([at, end])) :]
        return data

    return made() | st.binary(max_size=200)


RECORD: Final = (
    b'{"id": 1, "datetime": "2024-02-29 23:59:59.123456", "type": "2", "fee": "0.10",'
    b' "btc": "0.5", "eur": "-20000.00", "btc_eur": 40000.0, "order_id": 7}'
)
PAGES: Final = [
    b"[" + RECORD + b"]",
    b"[" + RECORD + b", " + RECORD.replace(b'"2"', b'"0"') + b"]",
    b'[{"id": 2, "datetime": "2024-03-31 02:30:00", "type": 14, "eur": "5", "fee": "0"}]',
    b'[{"currency": "btc", "total": "1.5", "available": "1.0", "reserved": "0.5"}]',
    b'{"error": "no", "code": "API0005"}',
    b'{"status": "error", "reason": {"__all__": ["x"]}, "response_code": "400.002"}',
    b"<html><title>Bad gateway</title></html>",
]
JSON_PIECES: Final = [
    *(b"", b"null", b"NaN", b"Infinity", b"1e999", b"-0", b'""', b"[", b"{", b"}", b"]", b'"'),
    *(b"1e400000000", b"9" * 400, b"[" * 500, b"true", b"\\ud800", b"\xff", b"\xef\xbb\xbf"),
    *(b'"eur": "1e99"', b"0000-00-00", b"9999-12-31 23:59:60", b",", b":", b"\x00", b"0.1E-9999"),
]


def pages(content: bytes) -> None:
    """Read a page of records and a list of balances, and write what was read."""
    for account in ("Main Account", ""):
        with ours():
            entries = bl.parse_user_transactions(content, account=account)
            for entry in entries:
                _whole(entry)
    with ours():
        for balance in bl.parse_balances(content):
            _finite(balance.total)


def _whole(entry: bl.Entry) -> None:
    if entry.time.tzinfo is not dt.UTC:
        raise AssertionError(f"not UTC: {entry.time!r}")
    for amount in (*entry.legs, *([entry.fee] if entry.fee else [])):
        _finite(amount.value)


def _finite(value: Decimal | None) -> None:
    if value is not None and not value.is_finite():
        raise AssertionError(f"not a number: {value}")


def refusals(content: bytes) -> None:
    """Say what an answer refuses; the first byte is its status, a header may be damaged as well."""
    status = 100 + (content[:1] or b"\0")[0] * 2
    head = content[1:12].decode("latin-1")
    for headers in ({}, {"retry-after": head}, {"content-type": head, "date": head}):
        reply = Reply(status=status, headers=headers, body=content[1:])
        error = refusal_of(reply, endpoint="user_transactions")
        if error is not None:
            _silent(error)
            str(error.hint)


def numbers_and_times(content: bytes) -> None:
    """Read a cell as everything that a cell can be."""
    text = content.decode("utf-8", errors="surrogateescape")
    with ours(ValueError):
        _finite(read_number(text, lambda _: None))
    for read in (read_printed_minute, read_iso, read_iso_second):
        with ours(ValueError):
            read(text)
    with ours(ValueError):
        in_zone(dt.datetime(2024, 3, 31, 2, 30), zone_of(text))  # noqa: DTZ001 - a wall clock


def sink_urls(content: bytes) -> None:
    """Name a sink; nothing is opened, so no file is made."""
    text = content.decode("utf-8", errors="surrogateescape")
    secret = _has_a_secret(text)
    asked: list[tuple[str, dict[str, Any]]] = [
        (text, {}),
        ("sql", {"url": text}),
        ("webhook", {"url": text}),
    ]
    for name, options in asked:
        with ours(TypeError, secret=secret):
            bl.sinks.open(name, **options)


def ledger_urls(content: bytes) -> None:
    """Open a ledger; files are made in a folder that goes away, and no server is asked."""
    text = content.decode("utf-8", errors="surrogateescape")
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder, contextlib.chdir(folder):
        if not _stays(text):
            return
        with ours(secret=_has_a_secret(text)), warnings.catch_warnings():
            warnings.simplefilter("ignore", SAWarning)  # Of arguments that nobody knows.
            Ledger.open(text).close()


def _stays(text: str) -> bool:
    """Say whether an address leads neither out of the folder nor to a server."""
    scheme, found, rest = text.partition("://")
    if not found:
        return not Path(text).is_absolute() and ".." not in text
    if not scheme.startswith("postgres"):
        path = rest.partition("/")[2]
        return not path.startswith("/") and "file:/" not in path and ".." not in path
    return rest.rpartition("@")[2].startswith("127.0.0.1:1/") and "host" not in rest


def _has_a_secret(text: str) -> bool:
    """Say whether damage left the secret where one can be told from anything else."""
    return bool(re.search(rf":{SECRET}@|\b(password|token)={SECRET}($|[&#])", text))


def _silent(error: BaseException) -> None:
    shown = f"{error!r} {error} {error.__cause__!r} {getattr(error, 'hint', '')}"
    if SECRET in shown:
        raise AssertionError(f"a secret is told by {type(error).__name__}")


@contextlib.contextmanager
def ours(*also: type[Exception], secret: bool = True) -> Iterator[None]:
    """Take our own errors, which tell no secret, and those that a contract names."""
    expected: tuple[type[Exception], ...] = (BitstampLedgerError, *also)
    try:
        yield
    except expected as exc:
        if secret:
            _silent(exc)


NUMBERS: Final = [
    b"1,234.56",
    b"1.234,56",
    b"(12)",
    b"-1e-7",
    "\u22125\u00a0000,1".encode(),
    b"0.1 BTC",
]
TIMES: Final = [
    b"Mar. 31, 2024, 02:30 AM",
    b"Feb. 29, 2024, 11:59 PM",
    b"2024-02-29T23:59:59Z",
    b"2024-10-27 02:30:00+02:00",
    b"Europe/Berlin",
    b"+05:45",
]
CELL_PIECES: Final = [
    *(b"", b"-", b"+", b".", b",", b"e", b"E9999999999", b"NaN", b"sNaN1", b"Inf", b"\xd9\xa1"),
    *(b"9" * 500, b"0000", b"99999", b"24:00", b"23:59:60", b"\x00", b"../", b"/etc/localtime"),
    *("\u2212".encode(), "\u00a0".encode(), "٣".encode(), b"T", b"Z", b"'", b"_", b" "),
]
SECRET_BYTES: Final = SECRET.encode()
URLS: Final = [
    b"csv:out.csv",
    b"sqlite:///out.db",
    b"sqlite:///file:out.db?mode=ro&uri=true",
    b"postgresql://user:" + SECRET_BYTES + b"@127.0.0.1:1/db",
    b"postgresql+psycopg://user@127.0.0.1:1/db?password=" + SECRET_BYTES,
    b"mysql+pymysql://user:" + SECRET_BYTES + b"@127.0.0.1:1/db",
    b"webhook:https://user:" + SECRET_BYTES + b"@example.org/x",
    b"https://example.org/x?token=" + SECRET_BYTES,
    b"history.db",
]
URL_PIECES: Final = [
    *(b"", b":", b"/", b"//", b"@", b"?", b"#", b"%", b"%00", b"%zz", b"[", b"]", b"\x00", b"\n"),
    *(b":99999", b":port", b"[::1]", b"sqlite", b"file:", b"mode=memory&", b"=", b"&", b" "),
    *(b"x" * 300, b"\xff", "é".encode(), b"+", b"+nosuch", b"oracle://", b"duckdb:", b"jsonl:"),
]

TARGETS: Final[dict[str, Target]] = {
    "pages": Target(inputs=damaged(PAGES, JSON_PIECES), check=pages),
    "refusals": Target(inputs=damaged(PAGES, JSON_PIECES), check=refusals),
    "cells": Target(inputs=damaged([*NUMBERS, *TIMES], CELL_PIECES), check=numbers_and_times),
    "sink-urls": Target(inputs=damaged(URLS, URL_PIECES), check=sink_urls),
    "ledger-urls": Target(inputs=damaged(URLS, URL_PIECES), check=ledger_urls),
    "statements": Target(
        inputs=fuzz_statements.files() | st.binary(max_size=300), check=fuzz_statements.check
    ),
}
