"""Who may read a ledger: its owner, unless somebody else decided that before."""

import os
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("sqlalchemy", reason="a ledger that is kept needs the extra ledger")

from bitstamp_ledger.cli import _doctor
from bitstamp_ledger.errors import LedgerError
from bitstamp_ledger.ledger import Ledger
from tests.ledger import books

pytestmark = pytest.mark.skipif(os.name != "posix", reason="modes are kept there")


def modes(folder: Path) -> dict[str, str]:
    return {
        each.name: f"{stat.S_IMODE(each.stat().st_mode):o}"
        for each in folder.iterdir()
        if "-sync-" not in each.name
    }


@pytest.fixture(autouse=True)
def generous() -> Iterator[None]:
    """What the system would give a new file without us: others may read it."""
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.mark.parametrize(
    "address", ["{}/l.db", "sqlite:///{}/l.db", "sqlite:///file:{}/l.db?uri=true"]
)
def test_a_new_ledger_is_its_owners_alone(tmp_path: Path, address: str) -> None:
    """With what SQLite keeps beside it, from the first moment on; doctor agrees."""
    with Ledger.open(address.format(tmp_path)) as ledger:
        ledger.sync(books.Book([books.trade(1)]))
        assert modes(tmp_path) == {"l.db": "600", "l.db-shm": "600", "l.db-wal": "600"}
    assert _doctor.rights(tmp_path / "l.db") == "only you may use it"


def test_a_ledger_that_was_shared_stays_shared_and_doctor_says_so(tmp_path: Path) -> None:
    """A group may work on it; opening it must not lock them out."""
    place = tmp_path / "l.db"
    Ledger.open(place).close()
    place.chmod(0o660)
    with Ledger.open(place) as ledger:
        ledger.sync(books.Book([books.trade(1)]))
        assert modes(tmp_path) == {"l.db": "660", "l.db-shm": "660", "l.db-wal": "660"}
    assert _doctor.rights(place) == f"others may use it (660): chmod 600 {place}"


def test_a_link_to_a_new_ledger_is_followed(tmp_path: Path) -> None:
    """The file that it leads to is the private one."""
    (tmp_path / "link.db").symlink_to(tmp_path / "l.db")
    Ledger.open(tmp_path / "link.db").close()
    assert modes(tmp_path)["l.db"] == "600"


def test_nothing_is_made_where_the_address_says_so(tmp_path: Path) -> None:
    """A ledger to be read only, and one in memory."""
    with pytest.raises(LedgerError):
        Ledger.open(f"sqlite:///file:{tmp_path}/no.db?mode=ro&uri=true")
    with Ledger.open(":memory:") as ledger:
        ledger.sync(books.Book([books.trade(1)]))
        assert ledger.counts().received == 1
    assert modes(tmp_path) == {}
    assert not list(Path().glob(":memory:*"))


def test_many_that_open_a_new_ledger_at_once_all_find_it(tmp_path: Path) -> None:
    """Making the file must not take away the locks of one who already writes."""
    failed: list[BaseException] = []

    def work() -> None:
        try:
            Ledger.open(tmp_path / "l.db").close()
        except BaseException as exc:  # noqa: BLE001 - told below
            failed.append(exc)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert modes(tmp_path) == {"l.db": "600"}
