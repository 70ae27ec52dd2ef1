"""The simulation by turns: held against the one that plays each request."""

from pathlib import Path

import pytest

pytest.importorskip("simpy", reason="SimPy is not installed")
from simulations import fleet as simulation
from simulations import turns


def test_turns_agree_with_requests_that_are_played_one_by_one() -> None:
    """On a fleet that is small enough to play both ways."""
    played = simulation.simulate(simulation.Setting(accounts=1_000, per_ten_minutes=9_000))
    turned = simulation.by_turns(1_000)
    for part in (0.5, 0.95, 1.0):
        assert turned.when(part) == pytest.approx(played.when(part), rel=0.1)
    assert turned.requests == played.sent


def test_the_pace_fills_a_window_and_waits_for_it() -> None:
    """Ninety in a second until the ten minutes are full."""
    pace = turns.budget_pace(100, 9_000, 0.9)
    assert [pace.at(number) for number in (0, 90, 8_099, 8_100, 8_190)] == pytest.approx(
        [0.0, 1.0, 89.99, 600.0, 601.0], abs=0.01
    )


def test_large_accounts_that_hold_all_places_keep_small_ones_waiting() -> None:
    """And do not where they are set aside: counted in requests, one a second."""
    pace = turns.Pace(per_second=1, per_ten_minutes=600)
    requests = [1_000, 1_000, *[4] * 50]
    held = turns.play(requests, pace, slots=2, small=4)
    sliced = turns.play(requests, pace, slots=2, small=4, slice_requests=50)
    assert held.small_when(0) >= 1_998
    assert sliced.small_when(1) <= 100 + 50 * 4
    assert held.requests == 2_200
    assert 2_200 < sliced.requests < 2_400


def test_a_table_is_put_where_the_page_marks_its_place(tmp_path: Path) -> None:
    """In place of the one that was there; a page without a place is refused."""
    page = tmp_path / "page.md"
    page.write_text(
        "a\n<!-- table one: written by its command -->\n\nold\n<!-- end of table -->\nb\n"
    )
    for _ in range(2):
        simulation.write_table("one", "| new |\n", page)
    assert page.read_text() == (
        "a\n<!-- table one: written by its command -->\n\n| new |\n\n<!-- end of table -->\nb\n"
    )
    with pytest.raises(ValueError, match="no place for the table two"):
        simulation.write_table("two", "", page)


def test_the_page_has_a_place_for_each_table() -> None:
    """Or the command would end half-way."""
    page = simulation.PAGE.read_text("utf-8")
    names = ("steady", "load", "scopes", "compared", "scale", "slices", "policies", "executors")
    assert [page.count(f"<!-- table {name}: written by its command -->") for name in names] == [
        1
    ] * len(names)
