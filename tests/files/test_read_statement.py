"""What the door takes, what it refuses, and how it says so."""

import io
import os
import zoneinfo
from pathlib import Path

import pytest

from bitstamp_ledger.errors import PluginError, StatementError, UnknownFormatError
from bitstamp_ledger.files import formats, read_statement, read_statement_text
from tests.files.samples import G1_GOLDEN, G1_HEADER, G2_GOLDEN, G2_HEADER, g1_with


class TestSources:
    def test_every_kind_of_source_reads_the_same(self, tmp_path: Path) -> None:
        """A path as text or object, the bytes, a binary file, a text file, the text."""
        path = tmp_path / "export.csv"
        path.write_text(G2_GOLDEN, encoding="utf-8", newline="")
        with path.open("rb") as binary, path.open(encoding="utf-8", newline="") as text:
            statements = [
                read_statement(str(path)),
                read_statement(path),
                read_statement(G2_GOLDEN.encode()),
                read_statement(binary),
                read_statement(text),
                read_statement_text(G2_GOLDEN),
            ]

        assert len({tuple(e.id for e in statement.entries) for statement in statements}) == 1
        assert len({statement.digest for statement in statements}) == 1
        assert [statement.path for statement in statements] == [str(path), str(path), *[None] * 4]
        assert statements[0].entries[0].source.path == str(path)

    def test_a_missing_file_says_so(self, tmp_path: Path) -> None:
        """With the path, and no exception of the system as the type."""
        with pytest.raises(StatementError, match="There is no file") as caught:
            read_statement(tmp_path / "missing.csv")

        assert caught.value.path == str(tmp_path / "missing.csv")
        assert caught.value.hint

    def test_text_in_place_of_a_path_is_pointed_out(self) -> None:
        """The usual slip in a notebook."""
        with pytest.raises(StatementError, match="read_statement_text"):
            read_statement(G1_GOLDEN)

    def test_a_folder_is_refused(self, tmp_path: Path) -> None:
        """On every system in words."""
        with pytest.raises(StatementError):
            read_statement(tmp_path)

    @pytest.mark.skipif(os.name == "nt", reason="rights of files are POSIX")
    def test_a_forbidden_file_is_refused(self, tmp_path: Path) -> None:
        """The hint is about rights.  Root may read everything: it is nobody for a moment."""
        path = tmp_path / "export.csv"
        path.write_text(G1_GOLDEN)
        path.chmod(0)
        user, nobody = os.geteuid(), 65534
        os.seteuid(nobody if user == 0 else user)
        try:
            with pytest.raises(StatementError, match="may not be read"):
                read_statement(path)
        finally:
            os.seteuid(user)

    def test_a_path_with_a_nul_is_refused(self) -> None:
        """The system raises ValueError for it, not OSError."""
        with pytest.raises(StatementError):
            read_statement("a\0b")

    def test_a_closed_file_is_refused(self) -> None:
        """Reading it raises ValueError."""
        file = io.BytesIO(b"")
        file.close()

        with pytest.raises(StatementError, match="cannot be read"):
            read_statement(file)

    @pytest.mark.parametrize(
        ("content", "words"),
        [
            (b"", "empty"),
            (b"\xef\xbb\xbf \n\n", "empty"),
            (b"PK\x03\x04rest", "spreadsheet"),
            (b"%PDF-1.7", "PDF"),
            (b"\x1f\x8b\x08", "compressed"),
            (b"Type\0Datetime", "NUL"),
            (b"\x81\x8d\x8f", "encoding"),
            (b"\xff\xfea", "encoding"),
        ],
    )
    def test_what_is_not_text_is_named(self, content: bytes, words: str) -> None:
        """People attach the wrong file."""
        with pytest.raises(StatementError, match=words):
            read_statement(content)


class TestRecognition:
    """docs/facts/files.md, "Recognition"."""

    def test_the_built_in_formats_are_known(self) -> None:
        """Without installed metadata."""
        assert {"bitstamp-g1", "bitstamp-g2"} <= set(formats())

    def test_an_unknown_header_is_shown_with_the_formats_known(self) -> None:
        """So that a bug report can consist of the message."""
        with pytest.raises(UnknownFormatError, match="found: Date, Sent, Received") as caught:
            read_statement_text("Date,Sent,Received\n1,2,3\n")

        assert caught.value.header == ("Date", "Sent", "Received")
        assert {"bitstamp-g1", "bitstamp-g2"} <= set(caught.value.known)

    def test_the_nearest_format_is_named_with_what_differs(self) -> None:
        """A renamed or dropped column is the usual reason."""
        header = G1_HEADER.replace("Fee", "Fees")

        with pytest.raises(UnknownFormatError, match="missing Fee; surplus Fees"):
            read_statement_text(header + "\n")

    def test_case_is_kept(self) -> None:
        """`Subtype` and `Sub Type` tell the generations apart; sloppiness would blur that."""
        with pytest.raises(UnknownFormatError):
            read_statement_text(G2_HEADER.lower() + "\n")

    @pytest.mark.parametrize(
        ("text", "words"), [('[{"id": 1}]', "JSON"), ("<html><body>Log in", "web page")]
    )
    def test_other_kinds_of_text_are_named(self, text: str, words: str) -> None:
        """A login page saved under the export's name, for one."""
        with pytest.raises(UnknownFormatError, match=words):
            read_statement_text(text)

    def test_a_named_format_is_not_guessed(self) -> None:
        """The error speaks of the one that was asked for."""
        assert read_statement_text(G1_GOLDEN, format="bitstamp-g1").format == "bitstamp-g1"
        with pytest.raises(UnknownFormatError) as caught:
            read_statement_text(G1_GOLDEN, format="bitstamp-g2")

        assert caught.value.known == ("bitstamp-g2",)

    def test_a_format_nobody_has_is_refused(self) -> None:
        """With those that there are."""
        with pytest.raises(PluginError, match="bitstamp-g1"):
            read_statement_text(G1_GOLDEN, format="koinli")

    @pytest.mark.parametrize("zone", ["Europe/Pari", "", "../etc", "a\0b"])
    def test_an_unknown_zone_is_refused(self, zone: str) -> None:
        """Before the file is judged."""
        with pytest.raises(StatementError, match="time zone"):
            read_statement_text(G1_GOLDEN, timezone=zone)

    def test_a_zone_may_be_an_object(self) -> None:
        """As datetime users have it at hand."""
        named = read_statement_text(G1_GOLDEN, timezone="Europe/Paris")
        given = read_statement_text(G1_GOLDEN, timezone=zoneinfo.ZoneInfo("Europe/Paris"))

        assert given == named

    def test_an_export_without_rows_is_an_empty_statement(self) -> None:
        """A new account has no history."""
        statement = read_statement_text(G2_HEADER)

        assert (statement.rows, statement.entries, statement.span) == (0, (), None)


class TestDamage:
    def test_a_bad_row_does_not_stop_the_others(self) -> None:
        """The problem says where, what and why."""
        text = G1_GOLDEN.replace("0.03150000 BTC", "lots BTC")
        statement = read_statement_text(text)
        (problem,) = statement.problems

        assert len(statement.entries) == 4
        assert str(problem).startswith("row 2, Amount: not a number: 'lots BTC'.")

    def test_an_open_quote_spoils_one_line_only(self) -> None:
        """The rest of the file is not swallowed."""
        text = G1_GOLDEN.replace('12:07 AM"', "12:07 AM")
        statement = read_statement_text(text)

        assert [problem.row for problem in statement.problems] == [2]
        assert [entry.source.row for entry in statement.entries] == [1, 3, 4, 5]

    def test_a_giant_cell_spoils_one_row_only(self) -> None:
        """The csv module has a limit, which belongs to the host program."""
        giant = g1_with(Account="x" * 200_000).splitlines()[1]
        statement = read_statement_text(G1_GOLDEN + giant + "\n")

        assert [problem.row for problem in statement.problems] == [6]
        assert len(statement.entries) == 5

    def test_a_line_quoted_whole_is_read(self) -> None:
        """A single one among others, too (docs/facts/files.md, "Recognition")."""
        lines = G1_GOLDEN.splitlines()
        lines[2] = '"' + lines[2].replace('"', '""') + '"'
        statement = read_statement_text("\n".join(lines))

        assert [e.id for e in statement.entries] == [
            e.id for e in read_statement_text(G1_GOLDEN).entries
        ]
        assert [(repair.count, repair.row) for repair in statement.repairs] == [(1, 2)]

    @pytest.mark.parametrize("separator", [";", "\t", ","])
    def test_a_line_that_states_the_separator_is_no_header(self, separator: str) -> None:
        """Spreadsheets write it, and obey it; a tab is a blank too."""
        rows = [line.replace(",", separator) for line in G2_GOLDEN.splitlines()]
        statement = read_statement_text("\n".join([f"sep={separator}", *rows, ""]))

        assert statement.counts == read_statement_text(G2_GOLDEN).counts
        assert "separator line of a spreadsheet" in {each.what for each in statement.repairs}

    def test_blank_rows_are_counted_and_set_aside(self) -> None:
        """Row numbers stay those of the file."""
        lines = G1_GOLDEN.splitlines()
        lines[2:2] = ["", ",,,,,,,"]
        statement = read_statement_text("\n".join(lines))

        assert [aside.row for aside in statement.set_aside] == [2, 3]
        assert [entry.source.row for entry in statement.entries] == [1, 4, 5, 6, 7]

    def test_surplus_cells_are_a_problem(self) -> None:
        """A decimal comma without quotes moves every later cell."""
        text = G1_GOLDEN.replace("1039.50 EUR", "1039,50 EUR")
        (problem,) = read_statement_text(text).problems

        assert problem.column is None
        assert "9 cells under 8" in problem.reason

    def test_a_row_that_ends_as_a_problem_takes_no_number(self) -> None:
        """Else the identity of the next equal row would depend on it."""
        lines = G1_GOLDEN.splitlines()
        bad = lines[2].replace("33000.00 EUR", "33000.00 USD")
        statement = read_statement_text("\n".join([lines[0], bad, lines[2]]))

        assert statement.entries[0].id.endswith("-1")
