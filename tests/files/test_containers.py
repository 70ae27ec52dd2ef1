"""Archives, workbooks and JSON: what is inside is read as if it had come alone."""

import codecs
import csv
import datetime as dt
import gzip
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitstamp_ledger.errors import StatementError, UnknownFormatError
from bitstamp_ledger.files import Statement, read_statement, read_statement_text
from bitstamp_ledger.files._sheets import date_text, number_text
from bitstamp_ledger.model import Rounding, Trade
from tests.files.renderers_b import Cell, ods, xlsx
from tests.files.samples import G1_GOLDEN, G2_GOLDEN, G2_HEADER, g2_with

savers = pytest.mark.parametrize("save", [xlsx, ods])
Save = Callable[..., bytes]


def zipped(**members: Any) -> bytes:
    """Pack files; ``__`` in a name stands for a dot."""
    saved = io.BytesIO()
    with zipfile.ZipFile(saved, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "."), content)
    return saved.getvalue()


def cells_of(text: str) -> list[list[Cell]]:
    """Return a CSV file as a spreadsheet opens it: numbers become numbers."""

    def cell(text: str) -> Cell:
        try:
            return int(text) if text.isdigit() else float(text)
        except ValueError:
            return text or None

    return [[cell(text) for text in row] for row in csv.reader(io.StringIO(text))]


def ids(statement: Statement) -> list[str]:
    return [entry.id for entry in statement.entries]


PLAIN = read_statement_text(G2_GOLDEN)


class TestPacked:
    """docs/facts/files.md, "Containers"."""

    @pytest.mark.parametrize(
        "packed",
        [
            gzip.compress(G2_GOLDEN.encode()),
            gzip.compress(G2_GOLDEN[:300].encode()) + gzip.compress(G2_GOLDEN[300:].encode()),
            gzip.compress(G2_GOLDEN.encode()) + b"\0" * 20,
            zipped(export__csv=G2_GOLDEN),
            zipped(export__csv__gz=gzip.compress(G2_GOLDEN.encode())),
            gzip.compress(zipped(export__csv=G2_GOLDEN)),
            zipped(
                **{"__MACOSX/._export__csv": b"\0\1", "a/export__csv": G2_GOLDEN, "a/b__pdf": "x"}
            ),
            zipped(export__txt=codecs.BOM_UTF16_LE + G2_GOLDEN.encode("utf-16-le")),
        ],
        ids=["gzip", "two members", "padded", "zip", "gzip in zip", "zip in gzip", "mac", "utf-16"],
    )
    def test_what_is_packed_is_read(self, packed: bytes) -> None:
        """Bytes tell it, not the name."""
        statement = read_statement(packed)

        assert ids(statement) == ids(PLAIN)
        assert statement.problems == ()

    def test_a_packed_file_is_the_same_file(self) -> None:
        """So importing both is noticed."""
        assert read_statement(gzip.compress(G2_GOLDEN.encode())).digest == PLAIN.digest
        statement = read_statement(zipped(export__csv=G2_GOLDEN))

        assert (statement.digest, statement.part) == (PLAIN.digest, "export.csv")

    def test_several_tables_are_named_and_one_can_be_chosen(self) -> None:
        """Guessing would drop the others."""
        packed = zipped(a__csv=G1_GOLDEN, b__csv=G2_GOLDEN)

        with pytest.raises(StatementError, match=r"holds 2 tables: 'a\.csv', 'b\.csv'"):
            read_statement(packed)
        assert read_statement(packed, part="a.csv").format == "bitstamp-g1"
        assert ids(read_statement(packed, part="b.csv")) == ids(PLAIN)

    def test_an_archive_without_a_table_says_what_it_holds(self) -> None:
        """A photo instead of the export, for one."""
        with pytest.raises(StatementError, match=r"no table \(files: 'photo.jpg'\)"):
            read_statement(zipped(photo__jpg="x"))

    @pytest.mark.parametrize(
        "content",
        [
            gzip.compress(G2_GOLDEN.encode())[:-9],
            gzip.compress(G2_GOLDEN.encode())[:40] + b"garbage" * 9,
            zipped(export__csv=G2_GOLDEN)[:-30],
            zipped(export__csv=G2_GOLDEN).replace(b"export.csv", b"expxrt.csv", 1),
            b"PK\x05\x06" + b"\0" * 18,
        ],
    )
    def test_what_is_damaged_says_so(self, content: bytes) -> None:
        """Half a download is the usual reason."""
        with pytest.raises(StatementError, match=r"damaged|holds no table"):
            read_statement(content)

    def test_an_encrypted_archive_says_so(self) -> None:
        """No password is asked for."""
        packed = bytearray(zipped(export__csv=G2_GOLDEN))
        at = packed.index(b"PK\x01\x02")
        packed[at + 8] |= 1
        packed[6] |= 1

        with pytest.raises(StatementError, match="encrypted"):
            read_statement(bytes(packed))


class TestWorkbooks:
    """docs/facts/files.md, "Spreadsheets"."""

    @savers
    def test_an_export_saved_as_a_workbook_is_read(self, save: Save) -> None:
        """With numbers for numbers, long ids among them."""
        statement = read_statement(save(cells_of(G2_GOLDEN)))

        assert ids(statement) == ids(PLAIN)
        assert (statement.problems, statement.part) == ((), "Sheet1")

    @savers
    def test_a_number_with_all_fifteen_digits_is_less_sure(self, save: Save) -> None:
        """What was behind them is lost."""
        row = cells_of(g2_with(Amount="1234567.12345678"))
        row[1][5] = 1234567.12345678
        entry = read_statement(save(row)).entries[0]
        assert isinstance(entry, Trade)
        assert entry.source.precision is not None
        statement = read_statement(save(row))

        assert entry.base.value.as_tuple().digits == tuple(map(int, "123456712345678"))
        assert entry.source.precision.base is Rounding.UNIT
        assert [(repair.what, repair.row) for repair in statement.repairs] == [
            ("number in a spreadsheet cell that may have been cut to 15 digits", 1)
        ]

    def test_the_sheet_with_a_history_is_found(self) -> None:
        """And that others were not read is said."""
        sheets: dict[str, list[list[Cell]]] = {
            "Notes": [["Hello"]],
            "Trades": cells_of(G2_GOLDEN),
            "Empty": [],
        }
        statement = read_statement(workbook(sheets))

        assert ids(statement) == ids(PLAIN)
        assert statement.part == "Trades"
        assert statement.doubts == ("The sheet 'Notes' was not read: no format has its header.",)

    def test_two_histories_in_one_workbook_are_named(self) -> None:
        """Each is a statement of its own, with a digest of its own."""
        book = workbook({"2020": cells_of(G2_GOLDEN), "2021": cells_of(g2_with(Amount="2"))})

        with pytest.raises(StatementError, match=r"'2020' \(bitstamp-g2\), '2021'"):
            read_statement(book)
        first, second = (read_statement(book, part=part) for part in ("2020", "2021"))
        assert ids(first) == ids(PLAIN)
        assert first.digest != second.digest

    @savers
    def test_dates_formulas_and_gaps(self, save: Save) -> None:
        """A formula's last result is a value; blank rows keep their numbers."""
        header = ["Koinly Date", "Pair", "Side", "Amount", "Total", "Fee Amount", "Fee Currency"]
        row: list[Cell] = [dt.datetime(2021, 3, 28, 0, 41, 36), "BTC-EUR", "Buy", 0.5, 20.25]  # noqa: DTZ001
        statement = read_statement(save([[], header, row, [], [*row, 0.1, "EUR"]]))

        assert statement.format == "koinly-trades"
        assert [entry.source.row for entry in statement.entries] == [1, 3]
        assert [str(entry) for entry in statement.entries] == [
            "2021-03-28 00:41:36  trade  0.5 BTC  -20.25 EUR",
            "2021-03-28 00:41:36  trade  0.5 BTC  -20.25 EUR  fee 0.1 EUR",
        ]

    def test_a_formula_is_not_evaluated(self) -> None:
        """Written by a program, it has no result yet; then the cell states nothing."""
        cells = cells_of(g2_with())
        cells[1][5] = "=1+1"
        (problem,) = read_statement(xlsx(cells)).problems

        assert (problem.column, problem.reason) == ("Amount", "the number is missing")

    def test_texts_with_marks_line_ends_and_blanks(self) -> None:
        """As a word processor's habits leave them in a cell."""
        content = (
            "<office:document-content xmlns:office='o' xmlns:table='t' xmlns:text='x'>"
            "<table:table table:name='S'>{}</table:table></office:document-content>"
        )
        cell = "<table:table-cell office:value-type='string'><text:p>{}</text:p></table:table-cell>"
        header = "".join(cell.format(name) for name in G2_HEADER.split(","))
        values = g2_with().splitlines()[1].split(",")
        values[1] = (
            "My<text:s text:c='2'/><text:span>account</text:span>"
            "</text:p><office:annotation><text:p>note</text:p></office:annotation><text:p>"
        )
        row = "".join(cell.format(value) for value in values)
        blank = "<table:table-row table:number-rows-repeated='{}'/>"
        rows = f"<table:table-row>{row}</table:table-row>"
        body = f"<table:table-row>{header}</table:table-row>{blank.format(2)}{rows}"
        book = zipped(
            mimetype="application/vnd.oasis.opendocument.spreadsheet",
            content__xml=content.format(body + blank.format(1_048_000)),
        )
        statement = read_statement(book)

        assert statement.accounts == ("My account",)
        assert [aside.row for aside in statement.set_aside] == [1, 2]

    @pytest.mark.parametrize(
        ("content", "words"),
        [
            (b"\xd0\xcf\x11\xe0" + "EncryptedPackage".encode("utf-16-le"), "encrypted workbook"),
            (
                zipped(
                    **{
                        "mimetype": "application/vnd.oasis.opendocument.spreadsheet",
                        "content__xml": "x",
                        "META-INF/manifest__xml": "<manifest:encryption-data/>",
                    }
                ),
                "encrypted",
            ),
            (
                zipped(mimetype="application/vnd.oasis.opendocument.text", content__xml="x"),
                "no spr",
            ),
            (zipped(**{"[Content_Types]__xml": "x", "xl/workbook__bin": "x"}), "binary format"),
            (zipped(**{"[Content_Types]__xml": "x", "xl/workbook__xml": "<a>"}), "damaged"),
            (xlsx([]), "without a cell"),
        ],
    )
    def test_what_is_no_readable_workbook_says_so(self, content: bytes, words: str) -> None:
        """With what it is instead."""
        with pytest.raises(StatementError, match=words):
            read_statement(content)

    def test_an_unknown_sheet_is_shown(self) -> None:
        """As for text."""
        with pytest.raises(UnknownFormatError, match="found in the sheet 'B': When, What, Sum"):
            read_statement(workbook({"A": [["x"]], "B": [["When", "What", "Sum"]]}))


def workbook(sheets: dict[str, list[list[Cell]]]) -> bytes:
    """Write several sheets."""
    import openpyxl  # noqa: PLC0415 - only here

    book = openpyxl.Workbook(write_only=True)
    for name, rows in sheets.items():
        page = book.create_sheet(name)
        for row in rows:
            page.append(row)
    saved = io.BytesIO()
    book.save(saved)
    return saved.getvalue()


class TestCells:
    @given(digits=st.integers(-(10**14) + 1, 10**14 - 1), places=st.integers(0, 12))
    def test_a_decimal_of_fourteen_digits_comes_back(self, digits: int, places: int) -> None:
        """A binary float holds that many, and its shortest text is the decimal."""
        text, cut = number_text(repr(float(f"{digits}e-{places}")))

        assert not cut
        assert float(text) == float(f"{digits}e-{places}")
        assert "e" not in text.lower()

    @pytest.mark.parametrize(
        ("stored", "text", "cut"),
        [
            ("9.9839300000000009", "9.98393", False),
            ("9.983930000000002", "9.98393000000000", True),
            ("0.30000000000000004", "0.300000000000000", True),
            ("1.2345678901234567E-3", "0.00123456789012346", True),
            ("6.0E-6", "0.000006", False),
            ("40000", "40000", False),
            ("1342211907391490", "1342211907391490", False),
            ("1e999", "1e999", False),
            ("abc", "abc", False),
        ],
    )
    def test_noise_ends_at_the_fifteenth_digit(self, stored: str, text: str, cut: bool) -> None:
        """And the zeros before it are kept: they say how far the number is known."""
        assert number_text(stored) == (text, cut)

    @settings(max_examples=200)
    @given(
        moment=st.datetimes(dt.datetime(2011, 1, 1), dt.datetime(2100, 1, 1)),  # noqa: DTZ001
        step=st.sampled_from([1, 1_000, 1_000_000]),
    )
    def test_a_date_comes_back(self, moment: dt.datetime, step: int) -> None:
        """Days as a float are good to a microsecond, and to a second when it was typed so."""
        moment = moment.replace(microsecond=moment.microsecond // step * step % 1_000_000)
        epoch = dt.datetime(1899, 12, 30)  # noqa: DTZ001
        days = (moment - epoch) / dt.timedelta(days=1)
        text = date_text(days, epoch, has_date=True, has_time=True)
        assert text is not None

        assert abs(dt.datetime.fromisoformat(text) - moment) <= dt.timedelta(microseconds=10)
        if step == 1_000_000:
            assert dt.datetime.fromisoformat(text) == moment

    @pytest.mark.parametrize(
        ("days", "has_date", "has_time", "text"),
        [
            (44283.0, True, False, "2021-03-28"),
            (44283.5, True, False, "2021-03-28 12:00:00"),
            (0.75, False, True, "18:00:00"),
            (1e9, True, True, None),
        ],
    )
    def test_what_a_cell_shows_is_what_is_kept(
        self, days: float, has_date: bool, has_time: bool, text: str | None
    ) -> None:
        """A date alone, a time of day alone; beyond the calendar it is a number."""
        epoch = dt.datetime(1899, 12, 30)  # noqa: DTZ001
        assert date_text(days, epoch, has_date=has_date, has_time=has_time) == text


class TestJson:
    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("[1, 2]", "item 1 is no object"),
            ('[{"id": 1', "cannot be read as such"),
            ("[" * 100_000, "cannot be read as such"),
            ('{"a": NaN}', "NaN is no number"),
            (json.dumps([{f"key-{at}": 1} for at in range(2_000)]), "more keys"),
        ],
    )
    def test_what_is_no_list_of_records_says_so(self, text: str, words: str) -> None:
        """Cut off, nested to exhaust the stack, or built to."""
        with pytest.raises(StatementError, match=words):
            read_statement_text(text)

    def test_a_number_keeps_its_text(self) -> None:
        """It never was a float here."""
        record = {
            "id": "1",
            "timestamp": 1616892096482,
            "datetime": "",
            "symbol": "BTC/EUR",
            "side": "buy",
            "price": "0",
            "amount": "0",
            "cost": "0",
            "info": {},
        }
        text = json.dumps(record).replace('"amount": "0"', '"amount": 0.10000000')
        text = text.replace('"cost": "0"', '"cost": 1e2')
        entry = read_statement_text(text).entries[0]

        assert entry.source.raw["amount"] == "0.10000000"
        assert str(entry.legs[0].value) == "0.10000000"
        assert str(entry.legs[1].value) == "-100"


def test_a_path_may_lie(tmp_path: Path) -> None:
    """Browsers name files as they like."""
    path = tmp_path / "export.csv"
    path.write_bytes(xlsx(cells_of(G2_GOLDEN)))

    assert ids(read_statement(path)) == ids(PLAIN)


def test_nothing_is_ever_unpacked_to_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So a member's name is only a name."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "in" / "export.zip"
    path.parent.mkdir()
    path.write_bytes(zipped(**{"../../evil__csv": G2_GOLDEN}))

    statement = read_statement(path)

    assert statement.part == "../../evil.csv"
    assert sorted(found.name for found in tmp_path.rglob("*")) == ["export.zip", "in"]
