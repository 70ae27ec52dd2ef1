"""All figures are collected from what the benchmarks print, and a regression is seen."""

from pathlib import Path

from benchmarks import figures, run

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"
PRINTED = "ours / bare {}, goal at most 6.0: met\nccxt / ours {}, goal at least 6.0: met\n"


def printed(*pairs: tuple[float, float]) -> dict[str, list[str]]:
    """Return what runs of one program would have printed."""
    return {"decode": [PRINTED.format(*pair) for pair in pairs]}


def test_the_page_is_collected_from_its_sections() -> None:
    """Whoever measures anew cannot forget the table at the top."""
    page = PAGE.read_text()

    assert run.page_of(run.sections_of(page)) == page


def test_every_program_that_is_on_the_page_gives_its_figures() -> None:
    """A program that prints otherwise than before would drop out of the table in silence."""
    sections = run.sections_of(PAGE.read_text())

    empty = [
        figure.what
        for figure in figures.FIGURES
        if figure.program in sections and not figure.values_in(sections[figure.program])
    ]
    assert sections
    assert empty == []


def test_the_median_of_several_runs_counts_and_the_spread_is_shown() -> None:
    """One lucky run is no figure."""
    said = {name: "".join(runs) for name, runs in printed((5, 7), (7, 5), (6.5, 6.5)).items()}
    rows = figures.table(said).splitlines()

    assert "| 3 | decoding: ours / bare msgspec | ≤ 6 | 6.5 | 5 to 7, 3 | NOT MET |" in rows
    assert "| 3 | decoding: ccxt / ours | ≥ 6 | 6.5 | 5 to 7, 3 | met |" in rows


def test_a_limit_of_the_exchange_counts_in_every_run() -> None:
    """Of a bound that must never be passed, the median says nothing."""
    line = "ours: 2.45 s, 121 requests, at most {} in a second and 121 in ten minutes\n"
    rows = figures.table({"sync": line.format(78) * 2 + line.format(401)})

    assert "| ≤ 400 | 78 | 78 to 401, 3 | NOT MET |" in rows


def test_what_was_not_measured_is_said() -> None:
    """An absent figure is no figure that is met."""
    rows = figures.table({}).splitlines()[2:]

    assert len(rows) == len(figures.FIGURES)
    assert all(row.endswith("| not measured |") for row in rows)


def test_a_change_beyond_the_noise_is_named_in_its_direction() -> None:
    """Lower is better for one figure, and worse for the other."""
    before = printed((4.0, 8.0), (4.1, 8.1), (4.2, 8.2))
    changes, absent = figures.compare(before, printed((5.0, 9.0), (5.1, 9.1), (5.2, 9.2)))
    verdicts = {change.figure.what: change.verdict for change in changes}

    assert absent == []
    assert verdicts == {
        "decoding: ours / bare msgspec": "WORSE",
        "decoding: ccxt / ours": "better",
    }


def test_a_change_within_the_noise_is_none() -> None:
    """Neither within the spread of the runs, nor a few hundredths of quiet ones."""
    loud = printed((4.0, 8.0), (5.0, 9.0), (4.4, 8.6))
    quiet = printed((4.0, 8.0), (4.0, 8.0))

    for before, now in ((loud, printed((4.6, 8.2), (5.2, 8.0))), (quiet, printed((4.1, 7.9)))):
        changes, _ = figures.compare(before, now)
        assert {change.verdict for change in changes} == {"the same"}


def test_a_figure_that_one_revision_does_not_print_is_named() -> None:
    """Nothing is compared with nothing."""
    changes, absent = figures.compare({"decode": ["an error\n"]}, printed((4.0, 8.0)))

    assert changes == []
    assert len(absent) == 2
