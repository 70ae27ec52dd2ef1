"""The cycle collector belongs to the host program: reading pauses it and leaves it as it was."""

import gc
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from bitstamp_ledger._collector import collector_patient, collector_paused
from bitstamp_ledger.errors import BitstampLedgerError
from bitstamp_ledger.files import read_statement_text
from tests.files.samples import G1_GOLDEN


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    before, enabled = gc.get_threshold(), gc.isenabled()
    yield
    gc.set_threshold(*before)
    (gc.enable if enabled else gc.disable)()


def test_it_is_paused_and_set_going_again() -> None:
    """Also when reading fails."""
    before = gc.get_threshold()
    with collector_paused():
        assert gc.get_threshold()[0] == 0
        assert gc.isenabled()
    assert gc.get_threshold() == before

    with pytest.raises(BitstampLedgerError):
        read_statement_text("no,such\nheader,here\n")
    read_statement_text(G1_GOLDEN)
    assert gc.get_threshold() == before


def test_what_the_host_does_meanwhile_stays() -> None:
    """A collector that it disables stays disabled, and a threshold that it sets stays set."""
    with collector_paused():
        gc.disable()
    assert not gc.isenabled()

    with collector_paused():
        gc.set_threshold(123, 4, 5)
    assert gc.get_threshold() == (123, 4, 5)


def test_one_that_never_ran_never_runs() -> None:
    """Threshold 0 is how a host stops it for good."""
    gc.set_threshold(0, 4, 5)
    with collector_paused():
        pass

    assert gc.get_threshold() == (0, 4, 5)


def test_the_last_of_several_readers_sets_it_going() -> None:
    """In whatever order and in whatever threads they end."""
    before = gc.get_threshold()
    started, finish = threading.Event(), threading.Event()

    def read_slowly() -> None:
        with collector_paused():
            started.set()
            finish.wait(10)

    thread = threading.Thread(target=read_slowly)
    with collector_paused():
        thread.start()
        started.wait(10)
    assert gc.get_threshold()[0] == 0

    finish.set()
    thread.join(10)
    assert gc.get_threshold() == before


def test_what_a_stream_hands_out_is_not_searched_at_once() -> None:
    """And the collector is as it was when the stream has ended, or another reader came between."""
    before = gc.get_threshold()
    with collector_patient() as paused:
        for _ in range(3):
            with paused():
                page: list[list[int]] = [[] for _ in range(3_000)]
                assert gc.get_threshold()[0] == 0
            assert gc.get_threshold()[0] >= before[0] + len(page)
        with collector_paused():
            pass
        assert gc.get_threshold() == before
        with paused():
            pass
    assert gc.get_threshold() == before


def test_a_stream_keeps_what_the_host_sets() -> None:
    with collector_patient() as paused:
        with paused():
            pass
        gc.set_threshold(123, 4, 5)
        with paused():
            pass
        assert gc.get_threshold()[0] >= 123
    assert gc.get_threshold() == (123, 4, 5)


LARGE_FILE = """
import gc
from bitstamp_ledger._collector import collector_paused

with collector_paused():
    kept = [[] for _ in range(60_000)]
assert any(each is kept[-1] for each in gc.get_objects(generation=2))

gc.freeze()
with collector_paused():
    more = [[] for _ in range(60_000)]
assert gc.get_freeze_count() > len(more)
"""


def test_entries_of_a_large_file_are_not_young() -> None:
    """They would be searched at once; a host's frozen objects stay frozen.

    In a process of its own: what else runs in this one may be reading, too.
    """
    subprocess.run([sys.executable, "-c", LARGE_FILE], check=True, timeout=60)  # noqa: S603
