"""Names of sinks: found without importing, loaded when asked for, never guessed."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bitstamp_ledger import sinks
from bitstamp_ledger.errors import PluginError
from bitstamp_ledger.sinks import GROUP


class Installer:
    """Makes distributions in a folder that is on the import path."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, distribution: str, **registered: str) -> None:
        info = self.folder / f"{distribution.replace('-', '_')}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n"
        )
        lines = [f"{name} = {value}" for name, value in registered.items()]
        (info / "entry_points.txt").write_text("\n".join([f"[{GROUP}]", *lines, ""]))


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installer]:
    before = set(sys.modules)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield Installer(tmp_path)
    for name in set(sys.modules) - before:
        if name.startswith("plugged"):
            del sys.modules[name]


def test_our_own_need_no_metadata() -> None:
    """An editable installation's metadata is as old as its last installation."""
    assert {"csv", "jsonl", "list"} <= set(sinks.names())


def test_our_own_metadata_is_not_believed(install: Installer) -> None:
    """Stale metadata of this package neither clashes with the table nor adds to it."""
    install("Bitstamp_Ledger", csv="gone.away:Csv", papyrus="gone.away:Papyrus")

    assert sinks.load("csv").__name__ == "CsvSink"
    assert "papyrus" not in sinks.names()


def test_names_and_the_door_import_no_sink() -> None:
    """A broken or heavy plug-in costs nothing until it is asked for."""
    script = (
        "import sys, bitstamp_ledger.sinks as s; s.names();"
        "assert not {'bitstamp_ledger.sinks.csv', 'bitstamp_ledger.sinks.jsonl'}"
        " & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True, cwd=Path(__file__).parents[2])  # noqa: S603 - ours


def test_names_are_sorted_and_hold_plug_ins(install: Installer) -> None:
    """People read the list; a plug-in that cannot be imported is on it all the same."""
    before = sinks.names()
    install("a-plug-in", aaa="not_there:Sink", zzz="not_there:Sink")

    assert before == tuple(sorted(before))
    assert sinks.names() == ("aaa", *before, "zzz")


def test_a_plug_in_is_loaded_by_its_name(install: Installer) -> None:
    """That is what the group is for."""
    (install.folder / "plugged.py").write_text("class Mine: ...\n")
    install("a-plug-in", mine="plugged:Mine")

    assert sinks.load("mine").__name__ == "Mine"


def test_two_distributions_with_one_name_are_an_error_that_names_both(install: Installer) -> None:
    """Which one is found first depends on the import path: nobody chose it."""
    install("first-plug-in", mine="plugged_first:Mine")
    install("second-plug-in", mine="plugged_second:Mine")

    with pytest.raises(PluginError) as caught:
        sinks.load("mine")

    assert "first-plug-in (plugged_first:Mine)" in str(caught.value)
    assert "second-plug-in (plugged_second:Mine)" in str(caught.value)
    assert (caught.value.group, caught.value.name) == (GROUP, "mine")
    assert sinks.names().count("mine") == 1


def test_nobody_can_take_the_name_of_a_built_in_sink(install: Installer) -> None:
    """Neither by coming first on the path nor by coming last."""
    install("taker", csv="plugged:Csv")

    with pytest.raises(PluginError, match=r"bitstamp-ledger \(.*CsvSink\), taker \(plugged:Csv\)"):
        sinks.load("csv")


def test_an_unknown_name_lists_the_known_ones() -> None:
    """The usual cause is a typing mistake."""
    with pytest.raises(PluginError, match=r"no sink named 'cvs'") as caught:
        sinks.load("cvs")

    assert ", ".join(sinks.names()) in str(caught.value.hint)


@pytest.mark.parametrize(
    ("module", "says"),
    [
        ("import not_there_at_all\n", "cannot be imported: ModuleNotFoundError"),
        ("1 / 0\n", "cannot be imported: ZeroDivisionError"),
        ("", "cannot be imported: AttributeError"),
        ("Mine = 3\n", "is no class or function"),
    ],
)
def test_a_broken_plug_in_is_named_with_its_owner(
    install: Installer, module: str, says: str
) -> None:
    """The person must know whom to write to; the traceback would name only our loader."""
    (install.folder / "plugged.py").write_text(module)
    install("broken-plug-in", mine="plugged:Mine")

    with pytest.raises(PluginError, match=says) as caught:
        sinks.load("mine")

    assert "broken-plug-in" in str(caught.value)


def test_what_makes_no_sink_is_refused_when_opened(install: Installer) -> None:
    """Its missing methods would otherwise show in the middle of a run."""
    (install.folder / "plugged.py").write_text("class Mine: ...\n")
    install("a-plug-in", mine="plugged:Mine")

    with pytest.raises(PluginError, match="makes a Mine, which is no sink"):
        sinks.open("mine")
