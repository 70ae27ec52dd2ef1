"""Rules that hold for every command, so that a new one cannot forget them."""

from pathlib import Path

import click
import pytest

from bitstamp_ledger.cli import _app
from bitstamp_ledger.cli._check_key import EXIT_CODES
from bitstamp_ledger.cli._ledger import EXIT_UNPROVED

pytest.importorskip("sqlalchemy", reason="a ledger that is kept needs the extra ledger")

PAGE = Path(__file__).parents[2] / "docs/reference/commands.md"
COMMANDS = sorted(_app.app.commands.items())
EVERY = pytest.mark.parametrize(("name", "command"), [pytest.param(*c, id=c[0]) for c in COMMANDS])

NO_RESULT = {"sandbox"}
"""Commands that run until Ctrl-C, and have nothing to print as JSON."""

SECRET = ("key", "secret", "password", "token")


def help_of(command: click.Command) -> str:
    with click.Context(command, info_name=command.name) as context:
        return command.get_help(context)


@EVERY
def test_its_help_says_what_it_does_with_an_example(name: str, command: click.Command) -> None:
    """The example is a line that can be pasted, of options that it has."""
    said = help_of(command)
    examples = [
        line.split() for line in said.splitlines() if line.startswith("    bitstamp-ledger")
    ]
    assert examples, said
    known = {opt for parameter in command.params for opt in parameter.opts}
    for words in examples:
        assert words[1] == name
        assert {word for word in words if word.startswith("--")} <= known
    assert (command.help or "").splitlines()[0].strip().endswith((".", ":"))


@EVERY
def test_it_prints_json(name: str, command: click.Command) -> None:
    """A script reads every command the same way."""
    flags = {opt for parameter in command.params for opt in parameter.opts}
    assert ("--json" in flags) == (name not in NO_RESULT)


@EVERY
def test_it_takes_no_secret(name: str, command: click.Command) -> None:
    """Whatever stands on a command line can be read by every user of the machine."""
    for parameter in command.params:
        for opt in parameter.opts:
            assert not set(opt.strip("-").split("-")) & set(SECRET), (name, opt)


@EVERY
def test_each_choice_is_explained_or_named_by_its_values(name: str, command: click.Command) -> None:
    """An option without a word of help is one that a person must guess."""
    for parameter in command.params:
        if isinstance(parameter, click.Option) and not isinstance(parameter.type, click.Choice):
            assert parameter.help, (name, parameter.opts)


@EVERY
def test_it_is_on_the_page_of_commands(name: str, command: click.Command) -> None:
    """With the first sentence of its help."""
    del command
    assert f"`{name}`" in PAGE.read_text()


def test_every_exit_code_is_in_the_one_table() -> None:
    """And no other."""
    told = {
        int(line.split("|")[1].strip(" `"))
        for line in PAGE.read_text().splitlines()
        if line.startswith("| `") and line.split("|")[1].strip(" `").isdigit()
    }
    used = {0, EXIT_UNPROVED, click.UsageError.exit_code, *EXIT_CODES.values()}
    assert told == used | {_app.EXIT_STOPPED, _app.EXIT_INTERRUPTED}
