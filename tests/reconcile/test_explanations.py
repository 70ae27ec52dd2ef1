"""What a person reads about a match, letter by letter."""

import decimal
from pathlib import Path

import attrs

from bitstamp_ledger import Decision, Reconciliation, Verdict, read_statement
from bitstamp_ledger.reconcile import reconcile
from tests.reconcile.builders import Happened, g1, g1_lines, g1_row, g2, g2_row, g2_text, records

A = Happened()


def explained(result: Reconciliation) -> str:
    """Return the explanation of the only match."""
    (match,) = (*result.matches, *result.file_matches)
    return match.explain()


def lines(*text: str) -> str:
    """Join lines."""
    return "\n".join(text)


def test_a_match_by_id() -> None:
    """The file's seconds are an interval; what is equal is shown without any slack."""
    assert explained(reconcile(records([A]), [g2(A)])) == lines(
        "row 1 of the statement is API record 163402118: same exchange id, same content (certain).",
        "                the row states                      the record states",
        "  account       Main Account                        Main Account                equal",
        "  time          2021-03-28 00:41:36 up to 00:41:37  2021-03-28 00:41:36.482917  within",
        "  base amount   0.04219875 BTC                      0.04219875 BTC              equal",
        "  quote amount  -1996.79 EUR                        -1996.79 EUR                equal",
        "  fee           9.98393 EUR                         9.98393 EUR                 equal",
    )


def test_a_weak_match_whose_numbers_are_rounded() -> None:
    """Where numbers differ, each is shown with what it can stand for."""
    row = g1_row(attrs.evolve(A, fee=None)).replace("1996.79 EUR", "1996.78661573 EUR")
    assert explained(reconcile(records([A]), [g1_lines(row)])) == lines(
        "row 1 of the statement is API record 163402118: same content within what the row states "
        "(weak).",
        "                the row states                      the record states",
        "  account       Main Account                        Main Account                equal",
        "  time          2021-03-28 00:41:00 up to 00:42:00  2021-03-28 00:41:36.482917  within",
        "  base amount   0.04219875 BTC                      0.04219875 BTC              equal",
        "  quote amount  -1996.78661573 EUR ± 0.000000005    -1996.79 EUR ± 0.005        within",
        "  fee           not stated                          9.98393 EUR                 not "
        "compared",
    )


def test_a_person_may_confirm_what_differs() -> None:
    """The explanation does not flatter."""
    api = records([A])
    file = g1(attrs.evolve(A, amount="0.05", fee="1.00", account="Bot", time="2021-03-28 23:59:00"))
    said = Decision(verdict=Verdict.CONFIRM, record_id=api[0].id, row_id=file.entries[0].id)
    assert explained(reconcile(api, [file], decisions=[said])) == lines(
        "row 1 of the statement is API record 163402118: a person's decision (certain).",
        "                the row states                                 the record states",
        "  account       Bot                                            Main Account"
        "                differs",
        "  time          2021-03-28 23:59:00 up to 2021-03-29 00:00:00  2021-03-28 00:41:36.482917"
        "  differs",
        "  base amount   0.05 BTC                                       0.04219875 BTC"
        "              differs",
        "  quote amount  -2365.93 EUR ± 0.005                           -1996.79 EUR ± 0.005"
        "        differs",
        "  fee           1.00 EUR ± 0.01                                9.98393 EUR ± 0.000005"
        "      differs",
    )


def test_rows_of_two_files_are_told_apart() -> None:
    """Neither is a record; files are named where they have a name."""
    text = explained(reconcile([], [g1(A), g2(A)])).splitlines()
    assert text[0] == (
        "row 1 of the statement is row 1 of another statement: "
        "same content within what the row states (strong)."
    )
    assert text[1].endswith("  the other row states")


def test_a_file_is_named(tmp_path: Path) -> None:
    """By the path that the caller gave."""
    path = tmp_path / "2021.csv"
    path.write_bytes(g2_text([g2_row(A)]))
    text = explained(reconcile(records([A]), [read_statement(path)]))
    assert text.startswith(f"row 1 of {path} is API record 163402118: ")


def test_the_host_programs_decimal_context_plays_no_part() -> None:
    """Neither in what is said nor in what is decided."""
    row = g1_row(A).replace("1996.79 EUR", "1996.78661573 EUR")
    api, file = records([A]), g1_lines(row)
    expected = explained(reconcile(api, [file]))
    with decimal.localcontext() as context:
        context.prec = 3
        context.traps[decimal.Inexact] = True
        assert explained(reconcile(api, [file])) == expected
