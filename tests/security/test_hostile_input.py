"""What strangers put into files, names and addresses changes nothing but what it should."""

import contextlib
import datetime as dt
import io
import sqlite3
import zipfile
from decimal import Decimal
from pathlib import Path

import attrs
import pytest

import bitstamp_ledger as bl
from bitstamp_ledger import sinks
from bitstamp_ledger.errors import SinkError, StatementError
from tests.files.samples import G2_GOLDEN
from tests.sinks.examples import deposit

QUOTES = "'; DROP TABLE entries; --"
HOSTILE = (
    QUOTES,
    '"; DROP TABLE entries; --',
    "Robert'); DELETE FROM entries; --",
    "%s %(a)s ? :a $1 {a} \\",
    "../../../etc/passwd",
)


def everything_below(folder: Path) -> set[str]:
    """Return the names of all files."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", ["sqlite:///", "duckdb:"])
def test_text_in_an_entry_is_no_sql(name: str, tmp_path: Path) -> None:
    """Values are bound: what looks like a statement comes back as the text that it is."""
    pytest.importorskip("duckdb" if name == "duckdb:" else "sqlalchemy")
    place = tmp_path / "out.db"
    entries = [
        attrs.evolve(deposit(), id=f"{text}#{number}", account=text, code=text)
        for number, text in enumerate(HOSTILE)
    ]
    with sinks.open(f"{name}{place}") as out:
        out.write(entries)
    if name == "duckdb:":
        import duckdb  # noqa: PLC0415 - optional

        found = duckdb.connect(str(place)).execute("SELECT account, id FROM entries").fetchall()
    else:
        with sqlite3.connect(place) as connection:
            found = connection.execute("SELECT account, id FROM entries").fetchall()
        connection.close()
    assert sorted(found) == sorted((text, f"{text}#{at}") for at, text in enumerate(HOSTILE))


@pytest.mark.parametrize("name", ["sqlite:///", "duckdb:"])
@pytest.mark.parametrize("table", [*HOSTILE, 'a"b', "a;b", "", "a b"])
def test_the_name_of_a_table_is_no_sql(name: str, table: str, tmp_path: Path) -> None:
    """Names cannot be bound; so only letters, digits and underscores are names."""
    pytest.importorskip("duckdb" if name == "duckdb:" else "sqlalchemy")
    with pytest.raises(SinkError, match="name of a table"):
        sinks.open(f"{name}{tmp_path / 'out.db'}", table=table)
    assert everything_below(tmp_path) == set()


def test_what_a_person_says_is_no_sql(tmp_path: Path) -> None:
    """Labels, notes and authors are kept as they were typed."""
    pytest.importorskip("sqlalchemy")
    (tmp_path / "export.csv").write_text(G2_GOLDEN)
    with bl.Ledger.open(tmp_path / "history.db") as ledger:
        ledger.import_file(tmp_path / "export.csv")
        entry, *others = ledger.entries()
        for text in HOSTILE:
            ledger.annotate(entry.id, label=text, note=text, author=text)
            said = ledger.annotation(entry.id)
            assert said is not None
            assert (said.label, said.note) == (text, text)
            assert ledger.annotation(text) is None
        assert [each.id for each in ledger.entries()] == [entry.id, *(one.id for one in others)]


@pytest.mark.parametrize(
    "member",
    ["../../evil.csv", "/evil.csv", "..\\evil.csv", "C:\\evil.csv", "a/../../evil.csv"],
)
def test_a_member_of_an_archive_is_written_nowhere(
    member: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is read in memory; wherever its name leads, no file is made."""
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    monkeypatch.chdir(inner)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(member, G2_GOLDEN)
    (inner / "export.zip").write_bytes(packed.getvalue())
    with contextlib.suppress(StatementError):  # Hidden files are no tables; that is fine too.
        assert bl.read_statement("export.zip").entries
    assert everything_below(tmp_path) == {"a/b/export.zip"}
    assert not Path("/evil.csv").exists()


def test_no_text_of_an_entry_chooses_a_file(tmp_path: Path) -> None:
    """A sink writes below the path that its caller gave, and nowhere else."""
    pytest.importorskip("pyarrow")
    out = tmp_path / "a" / "out"
    out.parent.mkdir()
    entries = [
        attrs.evolve(deposit(), id=f"{text}#{number}", account="../../evil", code="/evil")
        for number, text in enumerate(HOSTILE)
    ]
    with sinks.open("parquet", path=out, partition_by="year") as handle:
        handle.write(entries)
    written = everything_below(tmp_path)
    assert written
    assert all(name.startswith("a/out/year=") for name in written)


def test_the_examples_are_deposits_of_money() -> None:
    """What the tests above change is an entry as any other."""
    entry = deposit()
    assert entry.legs[0].value > Decimal(0)
    assert entry.time.tzinfo is dt.UTC
