"""Whatever bytes come from outside, only our own errors come out."""

from pathlib import Path

import pytest
from hypothesis import strategies as st

from bitstamp_ledger.ledger import Ledger, LedgerError
from fuzz.__main__ import feed
from fuzz._targets import TARGETS, Target
from tests.ledger.books import Book, deposit

INPUTS = {"sink-urls": 10, "statements": 30, "ledger-urls": 25}
"""Fewer where one takes longer."""


@pytest.mark.parametrize("name", TARGETS)
def test_damaged_bytes_are_refused_in_our_own_words(name: str) -> None:
    """A few inputs; ``python -m fuzz`` looks for longer."""
    feed(TARGETS[name], INPUTS.get(name, 100), 5)


def test_fuzzing_notices_an_error_that_is_not_ours() -> None:
    """One that cannot fail would be a defect."""

    def breaks(content: bytes) -> None:
        content.decode("ascii")

    with pytest.raises(UnicodeDecodeError):
        feed(Target(inputs=st.binary(max_size=20), check=breaks), 200, 1)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("history\0.db", "not the address of a database"),
        ("sqlite+nosuch:///history.db", "cannot be kept in sqlite"),
        ("sqlite+aiosqlite:///history.db", "cannot be kept in sqlite"),
        ("sqlite:///history.db?plugin=nosuch", "not the address of a database"),
        ("sqlite:///history.db?timeout=soon", "not the address of a database"),
        ("postgresql+nosuch://127.0.0.1:1/db", "not the address of a database"),
    ],
)
def test_an_address_that_no_driver_takes_is_refused(
    address: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Found by fuzzing: the errors of drivers came out as they were."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(LedgerError, match=said):
        Ledger.open(address)


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://127.0.0.1:1/db?user=me&password=hunter2-hunter2",
        "postgresql:/me:hunter2-hunter2@127.0.0.1:1/db",
    ],
)
def test_a_password_in_an_odd_place_of_an_address_is_not_told(address: str) -> None:
    """Found by fuzzing: only one before the host of a sound address was hidden."""
    with pytest.raises(LedgerError) as caught:
        Ledger.open(address)
    assert "hunter2" not in f"{caught.value!r} {caught.value} {caught.value.__cause__!r}"


def test_a_ledger_in_memory_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By either name: a lock file called ``:memory:-sync-...`` lay beside it."""
    monkeypatch.chdir(tmp_path)
    for place in (":memory:", "sqlite://"):
        with Ledger.open(place) as ledger:
            ledger.sync(Book([deposit(1)]))
            assert len(list(ledger.entries())) == 1
    assert list(tmp_path.iterdir()) == []
