"""What commands do with their two streams: a reader may leave early, as `head` does."""

import errno
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bitstamp_ledger.cli import _output
from tests.cli.test_command_line import EXPORT


@pytest.mark.skipif(os.name != "posix", reason="a pipe without a reader is made there")
@pytest.mark.parametrize(
    ("words", "code"),
    [
        pytest.param("read export.csv --limit 0", 0, id="tables"),
        pytest.param("--help", 0, id="help"),
        pytest.param("reconcile --api nowhere.json", 3, id="an error"),
    ],
)
def test_a_closed_pipe_is_quiet_and_leaves_the_exit_code(
    tmp_path: Path, words: str, code: int
) -> None:
    """1 would say that balances do not agree; whoever prints (we, rich, click), the rule holds."""
    (tmp_path / "export.csv").write_text(EXPORT)
    reader, writer = os.pipe()
    os.close(reader)
    fails = code != 0
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-W", "error", "-m", "bitstamp_ledger", *words.split()],
        cwd=tmp_path,
        stdout=subprocess.PIPE if fails else writer,
        stderr=writer if fails else subprocess.PIPE,
        text=True,
        check=False,
        timeout=120,
    )
    os.close(writer)

    assert done.returncode == code
    assert {done.stdout, done.stderr} <= {None, ""}


class Gone(io.StringIO):
    """A stream whose file cannot be written to."""

    def __init__(self, why: int) -> None:
        super().__init__()
        self.why = why

    def write(self, text: str) -> int:
        raise OSError(self.why, text)


def test_long_lists_end_when_nobody_reads(tmp_path: Path) -> None:
    """A million entries are not written for nobody."""
    with (tmp_path / "out").open("w") as target:
        gone = Gone(errno.EPIPE)
        gone.fileno = target.fileno  # type: ignore[method-assign]  # where the rest goes
        output = _output.Output(gone)
        before = output.is_read
        output.writelines(["a", "b"])
        assert (before, output.is_read) == (True, False)
    assert (tmp_path / "out").read_text() == ""


def test_a_full_disk_is_still_an_error() -> None:
    """Only a reader that left is passed over."""
    with pytest.raises(OSError, match="text"):
        _output.Output(Gone(errno.ENOSPC)).write("text")


def test_the_streams_are_given_back() -> None:
    """The command line may be called by a program that goes on."""
    before = sys.stdout, sys.stderr
    with _output.quiet_when_unread():
        assert _output.is_read()
        assert sys.stdout is not before[0]
    assert (sys.stdout, sys.stderr) == before
