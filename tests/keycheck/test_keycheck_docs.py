"""The page that an account's owner is shown says what is sent, and is complete."""

from pathlib import Path

import pytest

from bitstamp_ledger.api import BANNED, KEY_PERMISSIONS, KeyState, Probe
from bitstamp_ledger.cli._check_key import EXIT_CODES

DOCS = Path(__file__).parents[2] / "docs"
WHY = (DOCS / "explanation" / "what-a-key-check-proves.md").read_text()
HOW = (DOCS / "how-to" / "check-a-key.md").read_text()


def test_every_probe_stands_in_the_order_of_sending() -> None:
    """With method and path, so that a log at the exchange can be read by it."""
    places = [WHY.index(f"`{probe.value.method} {probe.value.path}`") for probe in Probe]

    assert places == sorted(places)


def test_every_ban_is_named() -> None:
    """By a path that the ban list really stops."""
    listed = WHY[WHY.index("A ban list") : WHY.index("A probe whose answer")].split("`")[1::2]
    examples = [each.replace("{currency}", "btc").replace("{id}", "1") for each in listed]

    for ban in BANNED:
        assert any(ban.path.fullmatch(each) for each in examples), ban.path.pattern


@pytest.mark.parametrize("state", KeyState, ids=lambda state: state.value)
def test_every_verdict_is_explained_with_its_exit_code(state: KeyState) -> None:
    """In the guide that people are sent to."""
    assert f"| `{state.value}` |" in HOW
    assert f"| {EXIT_CODES[state]} |" in HOW


def test_what_cannot_be_probed_is_named() -> None:
    """Nothing is left to be assumed."""
    unprobed = [fact for fact in KEY_PERMISSIONS.values() if fact.why_not_probed is not None]

    assert len(unprobed) == 6
    assert "deposit addresses, deciding on deposits,\n  derivatives, travel-rule contacts" in WHY
