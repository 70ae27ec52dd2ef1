"""``doctor``: what is installed here, and what would go wrong; nothing secret."""

import os
import platform
import re
import stat
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Final

import click

from bitstamp_ledger._version import __version__
from bitstamp_ledger.api import CLOCK_BOUND_S, RetryPolicy
from bitstamp_ledger.cli import _show
from bitstamp_ledger.cli._options import (
    CREDENTIALS_FILE_VARIABLE,
    INPUT_FILE,
    JSON_OPTION,
    KEY_VARIABLES,
    LEDGER_VARIABLE,
    without_password,
)
from bitstamp_ledger.client import PRODUCTION_URL, Client
from bitstamp_ledger.errors import BitstampLedgerError

DISTRIBUTION: Final = "bitstamp-ledger"
_REQUIREMENT: Final = re.compile(r"^([A-Za-z0-9._-]+).*?(?:extra == ['\"]([^'\"]+)['\"])?$")

NOT_CHECKED: Final = "not checked; see --online"

Findings = dict[str, str]


@click.command()
@click.option("--online", is_flag=True, help="Ask the exchange a public question, without a key.")
@click.option("--base-url", default=PRODUCTION_URL, show_default=True, help="The exchange.")
@click.option(
    "--credentials-file",
    type=INPUT_FILE,
    envvar=CREDENTIALS_FILE_VARIABLE,
    show_envvar=True,
    default=None,
    help="Look at the rights of this file. It is not read.",
)
@click.option(
    "--ledger",
    "place",
    envvar=LEDGER_VARIABLE,
    show_envvar=True,
    default=None,
    callback=without_password,
    help="Look at the rights of this ledger, where it is a file. It is not opened.",
)
@JSON_OPTION
def doctor(
    *,
    online: bool,
    base_url: str,
    credentials_file: Path | None,
    place: str | None,
    as_json: bool,
) -> None:
    """Show versions, extras and file rights; nothing secret, so it fits a bug report.

    \b
    Example:
      bitstamp-ledger doctor --ledger history.db
    """  # noqa: D301 - \b is click's mark for a paragraph that keeps its lines
    findings: dict[str, Findings] = {
        "versions": {
            "bitstamp_ledger": __version__,
            "python": sys.version.split()[0],
            "system": platform.platform(),
        },
        "extras": dict(_extras()),
        "environment": {
            name: "set" if os.environ.get(name) else "not set"
            for name in (*KEY_VARIABLES, CREDENTIALS_FILE_VARIABLE, LEDGER_VARIABLE)
        },
    }
    if credentials_file is not None:
        findings["credentials file"] = {str(credentials_file): rights(credentials_file)}
    if place is not None:
        findings["ledger"] = _ledger_rights(place)
    reached, clock = _asked(base_url) if online else ("not asked; see --online", NOT_CHECKED)
    findings["exchange"] = {base_url: reached}
    findings["clock"] = {"against the exchange": clock}
    if as_json:
        _show.as_json(findings)
        return
    for heading, found in findings.items():
        _show.note(f"{heading}:")
        for name, text in found.items():
            _show.note(f"  {name}: {text}")


def _extras() -> Iterator[tuple[str, str]]:
    """Say of each extra whether its packages are there."""
    try:
        needed = metadata.requires(DISTRIBUTION) or []
    except metadata.PackageNotFoundError:
        return  # Run from a source tree: there is nothing that names the extras.
    missing: dict[str, list[str]] = {}
    for requirement in needed:
        found = _REQUIREMENT.match(requirement)
        if found is None or found[2] is None or found[1].lower() == DISTRIBUTION:
            continue
        lacking = missing.setdefault(found[2], [])
        if not _is_installed(found[1]):
            lacking.append(found[1])
    for extra, lacking in sorted(missing.items()):
        lacks = f"lacks {', '.join(lacking)}: pip install '{DISTRIBUTION}[{extra}]'"
        yield extra, lacks if lacking else "installed"


def _is_installed(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def _ledger_rights(place: str) -> Findings:
    """Say who may use a ledger; the address of a server may hold a password, and is not shown."""
    if "://" in place and not place.startswith("sqlite:///"):
        return {"a server": "its rights are the server's; not looked at"}
    path = Path(place.removeprefix("sqlite:///"))
    return {str(path): rights(path) if path.exists() else "not there yet; `sync` makes it"}


def rights(path: Path) -> str:
    """Say in words who may use a file."""
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError as exc:
        return f"cannot be looked at: {exc.strerror}"
    if os.name == "posix" and mode & 0o077:
        return f"others may use it ({mode:o}): chmod 600 {path}"
    return "only you may use it"


def _asked(base_url: str) -> tuple[str, str]:
    """Ask the exchange something public; say whether it answered, and what its clock shows."""
    reached, behind_s = "reached", None
    try:
        with Client(base_url=base_url, retry=RetryPolicy(attempts_max=2)) as client:
            try:
                client.eur_usd()
            finally:
                behind_s = client.clock_behind_s
    except BitstampLedgerError as error:
        reached = f"not reached: {error.args[0]}"
    return reached, _clock(behind_s)


def _clock(behind_s: float | None) -> str:
    if behind_s is None:
        return "not checked: no reply states a time"
    off = round(abs(behind_s))
    if off <= 1:  # Replies state whole seconds.
        return "agrees to the second"
    way = "behind" if behind_s > 0 else "ahead of"
    bad = f"; requests are refused beyond {CLOCK_BOUND_S} s: set the clock"
    return f"{off} s {way} the exchange{bad if off > CLOCK_BOUND_S else ''}"
