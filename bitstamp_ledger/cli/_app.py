"""The commands."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import click
from click.core import ParameterSource

from bitstamp_ledger import sinks
from bitstamp_ledger._version import __version__
from bitstamp_ledger.api import parse_user_transactions
from bitstamp_ledger.cli import _catalogues, _demo, _doctor, _ledger, _review, _show
from bitstamp_ledger.cli._check_key import check_key_command
from bitstamp_ledger.cli._options import (
    INPUT_FILE,
    JSON_OPTION,
    LEDGER_VARIABLE,
    LIST_OPTION,
    opened,
    without_password,
)
from bitstamp_ledger.cli._output import quiet_when_unread
from bitstamp_ledger.errors import BitstampLedgerError, StatementError
from bitstamp_ledger.files import Statement, formats, read_statement
from bitstamp_ledger.model import MAIN_ACCOUNT, Entry
from bitstamp_ledger.reconcile import Reconciliation, reconcile

EXIT_STOPPED = 3
EXIT_INTERRUPTED = 130


def run() -> int:
    """Run the command line; return its exit code, with every error as one message."""
    with quiet_when_unread():
        return _run()


def _run() -> int:
    try:
        result = app.main(standalone_mode=False)
    except click.exceptions.Abort:
        return EXIT_INTERRUPTED
    except click.ClickException as usage:
        usage.show()
        return usage.exit_code
    except BitstampLedgerError as error:
        _show.error(error)
        return EXIT_STOPPED
    return result if isinstance(result, int) else 0


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="bitstamp-ledger")
def app() -> None:
    """Read a Bitstamp history, recognise the same trades in files, prove the ledger.

    Nothing here trades or withdraws. A key and its secret are never taken from the command line.

    \b
    Exit codes: 0 done; 1 done, but the balances do not agree; 2 the command was
    not understood; 3 an input, the exchange or the disk stopped it; 10 to 14
    the verdict of check-key (see its help).

    \b
    Completion: eval "$(_BITSTAMP_LEDGER_COMPLETE=bash_source bitstamp-ledger)",
    and likewise for zsh and fish.

    \b
    Example:
      bitstamp-ledger demo
    """  # noqa: D301 - \b is click's mark for a paragraph that keeps its lines


@app.command()
@click.option(
    "--transactions",
    type=click.IntRange(20, 1_000_000),
    default=2_000,
    show_default=True,
    help="How many records the account has.",
)
@click.option(
    "--seed", type=int, default=1, show_default=True, help="The same seed makes the same account."
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("demo"),
    show_default=True,
    help="Folder to write files and ledger into.",
)
@JSON_OPTION
def demo(transactions: int, seed: int, out: Path, *, as_json: bool) -> int:
    """Walk the whole road on a made-up account.

    Starts a local exchange, reads an account over HTTP, imports two files that overlap it,
    recognises the duplicates, proves the balances and writes the ledger.

    \b
    Example:
      bitstamp-ledger demo --out demo
    """  # noqa: D301 - \b is click's mark for a paragraph that keeps its lines
    report = _demo.walk(transactions=transactions, seed=seed, out=out, quiet=as_json)
    if as_json:
        _show.as_json(_demo.as_document(report))
    else:
        _demo.show(report)
    return 0 if report.proof.holds else _ledger.EXIT_UNPROVED


@app.command()
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    show_default=True,
    help="Loopback port; 0 takes any free one.",
)
@click.option(
    "--seed",
    type=int,
    default=1,
    show_default=True,
    help="The same seed makes the same account, key and secret.",
)
@click.option(
    "--transactions",
    type=click.IntRange(0),
    default=2_000,
    show_default=True,
    help="How many records the account has.",
)
@click.option(
    "--account",
    "account_file",
    type=INPUT_FILE,
    default=None,
    help="Load the account from this JSON file instead.",
)
@click.option("--derivatives", is_flag=True, help="Make up an account that has derivatives.")
@click.option(
    "--latency-ms",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="Wait so long before every reply.",
)
@click.option(
    "--per-second",
    type=click.IntRange(1),
    default=None,
    help="Requests allowed in any second; as documented unless given.",
)
@click.option(
    "--per-ten-minutes",
    type=click.IntRange(1),
    default=None,
    help="Requests allowed in any ten minutes; as documented unless given.",
)
def sandbox(
    *,
    port: int,
    seed: int,
    transactions: int,
    account_file: Path | None,
    latency_ms: int,
    per_second: int | None,
    per_ten_minutes: int | None,
    derivatives: bool,
) -> None:
    """Run a local exchange that speaks the documented protocol, until Ctrl-C.

    \b
    Example:
      bitstamp-ledger sandbox --port 8000 --transactions 500
    """  # noqa: D301 - \b is click's mark for a paragraph that keeps its lines
    from bitstamp_ledger.sandbox import Faults, Limits, serve  # noqa: PLC0415 - optional packages

    limits = Limits()
    limits.per_1s = per_second or limits.per_1s
    limits.per_600s = per_ten_minutes or limits.per_600s
    serve(
        port=port,
        seed=seed,
        transactions=transactions,
        account_file=account_file,
        derivatives=derivatives,
        faults=Faults(latency_s=latency_ms / 1000),
        limits=limits,
        announce=lambda running: _show.sandbox(running.url, running.key, running.secret),
    )


@app.command()
@click.argument("file", type=INPUT_FILE)
@click.option(
    "--format",
    "format_name",
    type=click.Choice(formats()),
    default=None,
    help="Take this format instead of recognising it by the header.",
)
@click.option("--timezone", default=None, help="Zone of the printed times, such as Europe/Paris.")
@click.option("--account", default=None, help="Account of rows that do not name one.")
@click.option(
    "--date-order",
    type=click.Choice(["day-first", "month-first"]),
    default=None,
    help="Where the file itself does not show whether the day or the month comes first.",
)
@click.option("--part", default=None, help="The member of an archive, or the sheet, to read.")
@click.option(
    "--columns",
    type=INPUT_FILE,
    default=None,
    help="A TOML file that says what the columns of an unknown table mean.",
)
@LIST_OPTION
@JSON_OPTION
def read(  # noqa: PLR0917 - click passes by keyword
    file: Path,
    format_name: str | None,
    timezone: str | None,
    account: str | None,
    date_order: Literal["day-first", "month-first"] | None,
    part: str | None,
    columns: Path | None,
    limit: int,
    *,
    as_json: bool,
) -> None:
    """Show what a trade file states, what it loses, and which rows cannot be read.

    \b
    Example:
      bitstamp-ledger read export.csv
    """  # noqa: D301 - \b is click's mark for a paragraph that keeps its lines
    statement = read_statement(
        file,
        format=format_name,
        timezone=timezone,
        account=account,
        date_order=date_order,
        part=part,
        columns=columns,
    )
    if as_json:
        _show.as_json(_show.statement_document(statement))
    else:
        _show.statement(statement, limit=limit)


@app.command(name="reconcile")
@click.option(
    "--ledger",
    "place",
    envvar=LEDGER_VARIABLE,
    show_envvar=True,
    default=None,
    callback=without_password,
    help="Tell all that this ledger holds, in place of pages and files.",
)
@click.option(
    "--api",
    "pages",
    type=INPUT_FILE,
    multiple=True,
    help="A saved page of user_transactions (JSON). May be given several times.",
)
@click.option(
    "--file",
    "files",
    type=INPUT_FILE,
    multiple=True,
    help="A trade file. May be given several times.",
)
@click.option(
    "--account",
    default=MAIN_ACCOUNT,
    show_default=True,
    help="The account that the pages belong to.",
)
@click.option(
    "--explain",
    is_flag=True,
    help="Give the reasons: of each match, of each row that matched nothing, of each file.",
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    default=None,
    help="Write the ledger to this file (.csv or .jsonl).",
)
@click.option(
    "--html",
    "page",
    type=click.Path(dir_okay=False, path_type=Path),
    default=None,
    help="Write all of it as one page that a browser opens without a server.",
)
@LIST_OPTION
@JSON_OPTION
def reconcile_command(  # noqa: PLR0917 - click passes by keyword
    place: str | None,
    pages: tuple[Path, ...],
    files: tuple[Path, ...],
    account: str,
    out: Path | None,
    page: Path | None,
    *,
    limit: int,
    explain: bool,
    as_json: bool,
) -> None:
    """Recognise which rows of files are records: of saved API pages, or of a ledger.

    A ledger is kept matched; this tells what matched, what is new or unexplained, and what waits
    for `review`. --api and --file go before a ledger that the environment names.
    With --json the whole result is printed; Reconciliation.from_json reads it again.

    \b
    Examples:
      bitstamp-ledger reconcile --ledger history.db --html ledger.html
      bitstamp-ledger reconcile --api page.json --file export.csv --out ledger.csv
    """  # noqa: D301 - as above
    sink = _sink_for(out)
    statements = [read_statement(path) for path in files]
    result = (
        _of_ledger(place)
        if not pages and not files and place is not None
        else _of_files(place, pages, statements, account)
    )
    if out is not None and sink is not None:
        with sinks.open(sink, path=out) as handle:
            handle.write(result.entries)
    if page is not None:
        result.to_html(page, also=statements)
    if as_json:
        _show.as_json(result.to_json())
        return
    for statement in statements:
        _show.statement_summary(statement)
    _show.reconciliation(result, limit=limit, explain=explain)
    if out is not None:
        _show.note(f"Ledger written to {out}")
    if page is not None:
        _show.note(f"Page written to {page}")


def _of_ledger(place: str) -> Reconciliation:
    with opened(place) as ledger:
        return ledger.reconcile()


def _of_files(
    place: str | None, pages: tuple[Path, ...], statements: list[Statement], account: str
) -> Reconciliation:
    source = click.get_current_context().get_parameter_source("place")
    if place is not None and source is ParameterSource.COMMANDLINE:
        raise click.UsageError("Give --ledger, or --api and --file, not both.")
    if not pages:
        raise click.UsageError("Give --ledger, or --api with a saved page of user_transactions.")
    records = [record for page in pages for record in _read_page(page, account)]
    return reconcile(records, statements)


def _sink_for(out: Path | None) -> str | None:
    """Choose the sink by the file's name, before any work is done."""
    if out is None:
        return None
    name = out.suffix.removeprefix(".")
    if name not in sinks.names():
        known = ", ".join(f".{each}" for each in sinks.names())
        raise click.BadParameter(f"the name must end in one of {known}", param_hint="--out")
    return name


def _read_page(path: Path, account: str) -> Iterator[Entry]:
    try:
        text = path.read_bytes()
    except OSError as exc:
        raise StatementError(
            f"{path} cannot be read: {exc.strerror or exc}.",
            path=str(path),
            hint="Check the name, and that the file may be read.",
        ) from exc
    try:
        yield from parse_user_transactions(text, account=account)
    except BitstampLedgerError as exc:
        raise StatementError(
            f"{path} is no page of user_transactions: {exc.args[0]}",
            path=str(path),
            hint="Save the reply of the exchange as it came, a JSON array of records.",
        ) from exc


for _command in (
    check_key_command,
    *_ledger.commands(),
    _review.review,
    _catalogues.formats_command,
    _catalogues.sinks_command,
    _doctor.doctor,
):
    app.add_command(_command)
