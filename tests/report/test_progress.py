"""Progress is shown where somebody sees it, and nowhere else."""

import contextlib
import sys
import types
from pathlib import Path
from typing import Any

import attrs
import pytest

from bitstamp_ledger.errors import MissingExtraError
from bitstamp_ledger.ledger import SyncProgress
from bitstamp_ledger.report import ProgressBar
from bitstamp_ledger.sinks import SinkProgress
from tests.report.samples import HOSTILE_NAME

READ = SyncProgress(account="Main Account", records=1_500, added=12)


@attrs.define
class Notebook:
    """What IPython offers to a cell; keeps what was displayed, first and last."""

    shown: list[dict[str, str]] = attrs.field(factory=list)
    changed: list[dict[str, str]] = attrs.field(factory=list)
    kernel: object = None

    def get_ipython(self) -> "Notebook":
        return self

    @property
    def display(self) -> types.SimpleNamespace:
        return types.SimpleNamespace(display=self._display)

    def _display(self, bundle: dict[str, str], **how: Any) -> types.SimpleNamespace:
        assert how == {"raw": True, "display_id": True}
        self.shown.append(bundle)
        return types.SimpleNamespace(update=lambda new, **_: self.changed.append(new))


@pytest.fixture
def notebook(monkeypatch: pytest.MonkeyPatch) -> Notebook:
    made = Notebook()
    monkeypatch.setitem(sys.modules, "IPython", made)
    return made


def as_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")


def test_in_a_pipe_nothing_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """Nor does it need anything to be installed."""
    with ProgressBar() as bar:
        bar(READ)
        assert list(bar.each(["a.csv", "b.csv"])) == ["a.csv", "b.csv"]
    assert capsys.readouterr() == ("", "")


def test_in_a_terminal_it_goes_to_the_error_stream(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Output can be piped meanwhile; no name of a file is obeyed."""
    as_terminal(monkeypatch)
    with ProgressBar() as bar:
        assert list(bar.each([Path("x/[red]\x1b]0;evil.csv")])) == [Path("x/[red]\x1b]0;evil.csv")]
        bar(READ)
    said = capsys.readouterr()
    assert said.out == ""
    assert "1,500 records read, 12 new" in said.err
    assert "\x1b]0;evil" not in said.err


def test_hidden_it_is_hidden_everywhere(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A program that prints JSON shows no bar, whatever its error stream is."""
    as_terminal(monkeypatch)
    with ProgressBar(hidden=True) as bar:
        bar(READ)
    assert capsys.readouterr() == ("", "")


def test_a_terminal_without_rich_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the work begins."""
    as_terminal(monkeypatch)
    monkeypatch.setitem(sys.modules, "rich", None)
    with pytest.raises(MissingExtraError) as missing, ProgressBar():
        pass
    assert missing.value.extra == "cli"


def test_in_a_notebook_one_line_is_changed_in_place(notebook: Notebook) -> None:
    """The last state stays in the cell, even if it came at once after another."""
    with ProgressBar() as bar:
        for rows in (1, 2, 3):
            bar(SinkProgress(sink="csv", batches=1, rows=rows))
    assert [each["text/plain"] for each in notebook.shown] == ["1 rows written"]
    assert notebook.changed[-1] == {
        "text/plain": "3 rows written",
        "text/html": "<p>3 rows written</p>",
    }


def test_files_are_counted_and_their_names_are_text(notebook: Notebook) -> None:
    """A hostile name runs nothing."""
    with ProgressBar() as bar:
        for name in bar.each([HOSTILE_NAME, "b.csv"]):
            assert name
    (first,) = notebook.shown
    assert first["text/html"].startswith("<p>1 of 2: ")
    assert first["text/html"].endswith('<progress value="0" max="2">0 of 2</progress>')
    assert "<img" not in first["text/html"]
    assert notebook.changed[-1]["text/html"] == "<p>2 of 2</p>"


def test_an_error_inside_leaves_the_last_state(notebook: Notebook) -> None:
    """So that one sees how far it came."""
    with contextlib.suppress(KeyError), ProgressBar() as bar:
        bar(READ)
        raise KeyError
    assert notebook.shown[-1]["text/plain"] == "1,500 records read, 12 new"
