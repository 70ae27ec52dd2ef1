"""What a person reads about a match, letter by letter."""

import decimal
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

from bitstamp_ledger import (
    BitstampLedgerError,
    Decision,
    Entry,
    Reconciliation,
    Verdict,
    read_statement,
)
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


def test_many_entries_are_explained_as_each_alone() -> None:
    """Only faster: a file of a hundred thousand rows has as many reasons."""
    trades = [
        attrs.evolve(A, id=n, time=f"2021-03-28 00:{n:02}:10", fee=f"9.{n:02}393")
        for n in range(10, 40)
    ]
    edited = [attrs.evolve(trade, fee="1.00000") for trade in trades[::2]]
    result = reconcile(records(trades), [g1(*edited, *trades[1::4])])
    everything = [*result.entries, *(row for match in result.matches for row in match.file)]
    said = list(result.explain_each(everything))
    assert said == [result.explain(entry) for entry in everything]
    assert list(result.explain_each([])) == []
    with pytest.raises(BitstampLedgerError, match="is no part of this result"):
        next(result.explain_each(records([attrs.evolve(A, id=99)])))


def test_the_whole_result_is_looked_through_once_for_many_entries() -> None:
    """Else a hundred thousand rows would take a hundred thousand times as long."""

    class Counting(tuple[Entry, ...]):
        __slots__ = ()

        def __iter__(self) -> Iterator[Entry]:
            looked_through.append(len(self))
            return super().__iter__()

    looked_through: list[int] = []
    trades = [attrs.evolve(A, id=n, time=f"2021-03-28 00:{n:02}:10") for n in range(10, 40)]
    result = reconcile([], [g1(*trades)])
    result = attrs.evolve(result, entries=Counting(result.entries))
    once = len(list(result.explain_each(result.new[:1]))), len(looked_through)
    many = len(list(result.explain_each(result.new))), len(looked_through)
    assert (once[0], many[0]) == (1, 30)
    assert many[1] == 2 * once[1]
