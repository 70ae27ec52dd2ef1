"""Reading entry by entry: the same entries, in memory that does not grow."""

import codecs
import gzip
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitstamp_ledger.errors import BitstampLedgerError, StatementError, UnknownFormatError
from bitstamp_ledger.files import Statement, iter_statement, read_statement
from bitstamp_ledger.files._stream import CompactCounts
from tests.files.renderers import WRITERS, Style, iso
from tests.files.samples import G1_GOLDEN, G1_HEADER, G2_GOLDEN, G2_HEADER, Fill, fills, printed

ROWS = G2_GOLDEN.splitlines()[1:]


def read_both(content: bytes) -> None:
    """Compare the stream of a content with reading it whole."""
    try:
        whole: Statement | None = read_statement(content)
    except BitstampLedgerError:
        whole = None
    if whole is None:
        with pytest.raises(BitstampLedgerError):
            list(iter_statement(content))
        return
    stream = iter_statement(content)
    entries = tuple(stream)
    assert entries == whole.entries
    assert attrs.evolve(stream.statement, entries=whole.entries) == whole


@settings(max_examples=60)
@given(
    history=st.lists(fills, max_size=6),
    form=st.sampled_from(["g1", "g2"]),
    damage=st.sampled_from(["none", "bom", "utf-16", "cr", "semicolons", "gzip", "cp1252", "sep"]),
    data=st.data(),
)
def test_the_stream_is_the_statement(
    history: list[Fill], form: str, damage: str, data: st.DataObject
) -> None:
    """With its problems, repairs, blank rows, counts and digest."""
    header = G1_HEADER if form == "g1" else G2_HEADER
    rows = [fill.g1() if form == "g1" else fill.g2() for fill in history]
    lines = printed(header, rows, ";" if damage in {"semicolons", "sep"} else ",").splitlines()
    junk = st.sampled_from(["", '"', "x,y", lines[-1] + ",", '"' + lines[-1] + '"', lines[-1]])
    for line in data.draw(st.lists(junk, max_size=3)):
        lines.insert(data.draw(st.integers(1, len(lines))), line)
    text = "\n".join(["sep=;", *lines] if damage == "sep" else lines)
    match damage:
        case "bom":
            content = codecs.BOM_UTF8 + text.encode()
        case "utf-16":
            content = text.encode("utf-16")
        case "cr":
            content = text.replace("\n", "\r\n").encode()
        case "gzip":
            content = gzip.compress(text.encode())
        case "cp1252":
            content = text.encode("cp1252")
        case _:
            content = text.encode()
    read_both(content)


@given(content=st.binary(max_size=100))
def test_no_content_tells_them_apart(content: bytes) -> None:
    """Nor raises anything but our errors."""
    read_both(content)
    read_both(G2_HEADER.encode() + b"\n" + content)


def long_file(rows: int) -> Iterator[str]:
    """Yield the lines of a file whose rows all differ."""
    yield G2_HEADER
    start, _, rest = ROWS[1].partition(",")
    for at in range(rows):
        yield f"{int(start) + at},{rest}"


def test_pieces_join(tmp_path: Path) -> None:
    """Rows are numbered through, and equal rows told apart, beyond one piece."""
    lines = [*long_file(5_000), ROWS[1], '"open', "", ROWS[1], ""]
    path = tmp_path / "export.csv"
    path.write_text("\n".join(lines), encoding="utf-8")

    read_both(path.read_bytes())
    stream = iter_statement(path)
    entries = list(stream)
    assert entries[-1].id.endswith("-3")
    assert stream.counts.rows == 5_004
    assert [problem.row for problem in stream.problems] == [5_002]


def test_memory_does_not_grow(tmp_path: Path) -> None:
    """But for what tells equal rows apart."""

    def peak(rows: int) -> int:
        path = tmp_path / f"{rows}.csv"
        path.write_text("\n".join(long_file(rows)), encoding="utf-8")
        tracemalloc.start()
        try:
            assert sum(1 for _ in iter_statement(path)) == rows
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(2_100)
    small, large = peak(2_100), peak(6_000)

    assert large < small + 3_900 * 150  # An entry with its row takes a kilobyte and more.


@settings(max_examples=20)
@given(history=st.lists(fills, max_size=3))
def test_a_format_that_needs_all_rows_is_read_whole(history: list[Fill]) -> None:
    """Days and months cannot be told apart from one row."""
    writer = WRITERS["koinly"]
    style = Style(clock=iso)

    read_both(writer.text([writer.row(fill, style) for fill in history]).encode())


def test_errors_come_at_once(tmp_path: Path) -> None:
    """Not when the first entry is asked for."""
    with pytest.raises(StatementError, match="There is no file"):
        iter_statement(tmp_path / "missing.csv")
    with pytest.raises(UnknownFormatError):
        iter_statement(b"a,b,c\n")
    with pytest.raises(StatementError, match="empty"):
        iter_statement(b"")


def test_a_stream_can_be_left(tmp_path: Path) -> None:
    """The file is closed then; pytest makes a warning of one that is not an error."""
    path = tmp_path / "export.csv"
    path.write_text(G1_GOLDEN, encoding="utf-8")
    with iter_statement(path) as stream:
        first = next(stream)
    whole = read_statement(path)

    assert first == whole.entries[0]
    assert list(stream) == []
    assert iter_statement(path).statement.format == "bitstamp-g1"


@given(digests=st.lists(st.integers(0, 30), max_size=300))
def test_compact_counts_are_those_of_a_dict(digests: list[int]) -> None:
    """Growing and repeats included; 0 is a digest like any other."""
    compact, plain = CompactCounts(), dict[str, int]()
    for number in digests:
        digest = f"{number * 2**59:020x}"[-20:]
        count = plain.get(digest, 0) + 1
        assert compact.get(digest, 0) + 1 == count
        compact[digest] = plain[digest] = count


def test_compact_counts_grow() -> None:
    """Every digest is found again afterwards."""
    compact = CompactCounts()
    digests = [f"{at * 0x9E3779B97F4A7C15 % 2**80:020x}" for at in range(1, 5_000)]
    for digest in digests:
        compact[digest] = 1

    assert all(compact.get(digest, 0) == 1 for digest in digests)
    assert compact.get(f"{7 * 2**70:020x}", 0) == 0
