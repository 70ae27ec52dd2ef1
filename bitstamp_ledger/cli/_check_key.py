"""``check-key``: is this key safe to hold?

Exit codes: 0 the key is proved read-only; 10 it can do more than read; 11 it cannot read all that
the history needs; 12 the evidence does not decide; 13 key, account or clock do not work until
somebody acts; 14 the exchange cannot be reached at present.  2 and 3 mean what they always mean.
"""

import sys
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import click
from rich.text import Text

from bitstamp_ledger.api import KeyReport, KeyState, Probes, Severity, planned
from bitstamp_ledger.cli import _show
from bitstamp_ledger.cli._options import (
    JSON_OPTION,
    LEDGER_VARIABLE,
    key_options,
    opened,
    without_password,
)
from bitstamp_ledger.client import Client, check_key

EXIT_CODES: Final[Mapping[KeyState, int]] = MappingProxyType(
    {
        KeyState.READ_ONLY: 0,
        KeyState.OVERPRIVILEGED: 10,
        KeyState.INSUFFICIENT: 11,
        KeyState.UNPROVEN: 12,
        KeyState.NOT_FOUND: 13,
        KeyState.IP_REFUSED: 13,
        KeyState.BAD_SECRET: 13,
        KeyState.CLOCK_SKEW: 13,
        KeyState.FROZEN: 13,
        KeyState.PROFILE_INCOMPLETE: 13,
        KeyState.API_ACCESS_OFF: 13,
        KeyState.UNREACHABLE: 14,
    }
)
"""By verdict."""

_COLOURS: Final[Mapping[Severity, str]] = MappingProxyType(
    {
        Severity.OK: "bold green",
        Severity.NOTICE: "bold yellow",
        Severity.WARNING: "bold red",
        Severity.CRITICAL: "bold red",
    }
)


@click.command(name="check-key")
@click.option(
    "--probes",
    "probes_name",
    type=click.Choice([each.value for each in Probes]),
    default=Probes.EMPTY_WRITES.value,
    show_default=True,
    help="How much to ask about writing; 'none' only reads, and proves less.",
)
@click.option(
    "--ledger",
    "place",
    envvar=LEDGER_VARIABLE,
    show_envvar=True,
    default=None,
    callback=without_password,
    help="Remember the verdict in this ledger, for its syncs.",
)
@key_options
@JSON_OPTION
def check_key_command(
    *,
    client: Client,
    probes_name: str,
    place: str | None,
    as_json: bool,
) -> int:
    """Say whether a key reads the history, and can do nothing else.

    The key comes from the environment (BITSTAMP_API_KEY and BITSTAMP_API_SECRET), the keyring or
    a file, and never from the command line.

    \b
    Exit codes: 0 proved read-only; 10 it can do more than read; 11 a needed
    read is denied; 12 not proved; 13 key, account or clock do not work until
    somebody acts; 14 the exchange cannot be reached at present.

    \b
    Example:
      bitstamp-ledger check-key --credentials-file key.json
    """  # noqa: D301 - \b is click's mark for a paragraph that keeps its lines
    probes = Probes(probes_name)
    _announce(probes, click.get_current_context().params["base_url"])
    if place is None:
        report = check_key(client, probes)
    else:
        with opened(place) as ledger:
            report = ledger.check_key(client, probes)
    if as_json:
        sys.stdout.write(report.to_json() + "\n")
    else:
        _print(report)
    return EXIT_CODES[report.state]


def _announce(probes: Probes, base_url: str) -> None:
    """Say what will be sent, before anything is; to the error stream, as all progress."""
    say = _show.progress_console()
    say.print(Text(f"Checking the key at {base_url}: reads first."))
    calls = planned(probes)
    if not calls:
        say.print(Text("Nothing is sent to an endpoint that could write."))
        return
    say.print(
        Text(
            "Then, one at a time and each at most once, until the first permission to write or odd "
            "answer shows. The exchange may log them as attempts, and may tell the account's owner:"
        ),
        soft_wrap=True,
    )
    for call in calls:
        say.print(Text(f"  {call}"), soft_wrap=True)
    if any(call.asset for call in calls):
        say.print(Text("  ... and the last in the same way for each other coin that is held."))


def _print(report: KeyReport) -> None:
    head, *lines = str(report).splitlines()
    out = _show.console()
    out.print(Text(head, style=_COLOURS[report.severity]))
    for line in lines:
        out.print(Text(line))
