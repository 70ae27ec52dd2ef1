"""Options that several commands share, and what is made of them."""

import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar
from urllib.parse import parse_qs, urlsplit

import click
from click.core import ParameterSource

from bitstamp_ledger.client import PRODUCTION_URL, Client, Credentials
from bitstamp_ledger.model import MAIN_ACCOUNT

if TYPE_CHECKING:
    from bitstamp_ledger.ledger import Ledger

R = TypeVar("R")

LEDGER_VARIABLE: Final = "BITSTAMP_LEDGER"
KEY_VARIABLES: Final = ("BITSTAMP_API_KEY", "BITSTAMP_API_SECRET")
CREDENTIALS_FILE_VARIABLE: Final = "BITSTAMP_CREDENTIALS_FILE"

INPUT_FILE: Final = click.Path(dir_okay=False, path_type=Path)
MOMENT: Final = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"])

JSON_OPTION = click.option("--json", "as_json", is_flag=True, help="Print JSON, for machines.")
LIST_OPTION = click.option(
    "--limit",
    type=click.IntRange(min=0),
    default=100,
    show_default=True,
    help="List at most so many rows of each kind; 0 lists all.",
)
PAGE_LIMIT_OPTION = click.option(
    "--limit",
    type=click.IntRange(min=0),
    default=1_000,
    show_default=True,
    help="List at most so many rows of each table; all are counted. 0 lists all.",
)
AUTHOR_OPTION = click.option("--author", default=None, help="Who says so.")


def without_password(
    context: click.Context, option: click.Parameter, place: str | None
) -> str | None:
    """Let no password stand on a command line, where every user of the machine can read it."""
    typed = context.get_parameter_source(str(option.name)) is ParameterSource.COMMANDLINE
    address = urlsplit(place) if place and "://" in place else None
    if typed and address and (address.password or "password" in parse_qs(address.query)):
        raise click.BadParameter(
            "a password on the command line can be read by everybody on this machine; "
            f"put the address into the environment variable {LEDGER_VARIABLE}",
            context,
            option,
        )
    return place


LEDGER_OPTION = click.option(
    "--ledger",
    "place",
    envvar=LEDGER_VARIABLE,
    show_envvar=True,
    required=True,
    callback=without_password,
    help="The ledger: a file, made if it is missing, or the address of a database.",
)


def key_options(command: Callable[..., R]) -> Callable[..., R]:
    """Add the options that say which key is used; the command is given a ``client``.

    The key comes from the environment, the keyring or a file: never from the command line.
    """

    @click.option("--profile", default=None, help="Take the key from the keyring, under this name.")
    @click.option(
        "--credentials-file",
        type=INPUT_FILE,
        envvar=CREDENTIALS_FILE_VARIABLE,
        show_envvar=True,
        default=None,
        help="Take the key from this file, which only you may read.",
    )
    @click.option("--base-url", default=PRODUCTION_URL, show_default=True, help="The exchange.")
    @click.option(
        "--account",
        default=MAIN_ACCOUNT,
        show_default=True,
        help="The account that the key is bound to.",
    )
    @functools.wraps(command)
    def with_client(
        *,
        profile: str | None,
        credentials_file: Path | None,
        base_url: str,
        account: str,
        **options: object,
    ) -> R:
        credentials = _credentials(profile, credentials_file)
        with Client(credentials, base_url=base_url, account=account) as client:
            return command(client=client, **options)

    return with_client


def _credentials(profile: str | None, file: Path | None) -> Credentials:
    context = click.get_current_context()
    if context.get_parameter_source("credentials_file") is ParameterSource.ENVIRONMENT:
        if profile is not None:
            return Credentials.from_keyring(profile)
        if any(map(os.environ.get, KEY_VARIABLES)):
            raise click.UsageError(
                f"The environment names two keys: {CREDENTIALS_FILE_VARIABLE}, and "
                f"{' and '.join(KEY_VARIABLES)}. Unset one; they may belong to two accounts."
            )
    if profile is not None and file is not None:
        raise click.UsageError("Give --profile or --credentials-file, not both.")
    if profile is not None:
        return Credentials.from_keyring(profile)
    return Credentials.from_env() if file is None else Credentials.from_file(file)


def opened(place: str) -> "Ledger":
    """Open a ledger for one command.

    Raises:
        MissingExtraError: the extra ``ledger`` is not installed.
        LedgerError: it cannot be opened.
    """
    from bitstamp_ledger.ledger import Ledger  # noqa: PLC0415 - optional packages

    return Ledger.open(place)
