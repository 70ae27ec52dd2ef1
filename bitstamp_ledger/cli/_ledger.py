"""Commands on a ledger that is kept: sync, import, look, decide, prove, export."""

import datetime as dt
import itertools
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Final

import click

from bitstamp_ledger import sinks
from bitstamp_ledger.cli import _show, _show_ledger
from bitstamp_ledger.cli._options import (
    AUTHOR_OPTION,
    INPUT_FILE,
    JSON_OPTION,
    LEDGER_OPTION,
    LIST_OPTION,
    MOMENT,
    PAGE_LIMIT_OPTION,
    key_options,
    opened,
)
from bitstamp_ledger.cli._output import is_read
from bitstamp_ledger.client import Client
from bitstamp_ledger.files import formats
from bitstamp_ledger.ledger import EntryState
from bitstamp_ledger.model import ENTRY_KINDS, Amount
from bitstamp_ledger.report import ProgressBar

EXIT_UNPROVED: Final = 1

ENTRY_ID = click.argument("entry_id", metavar="ENTRY")
REASON_OPTION = click.option("--reason", default=None, help="Why.")


@click.command()
@LEDGER_OPTION
@click.option("--full", is_flag=True, help="Read everything again, not only what is new.")
@click.option("--require-checked", is_flag=True, help="Refuse a key that was never checked.")
@click.option(
    "--allow-overprivileged", is_flag=True, help="Use a key although it can do more than read."
)
@key_options
@JSON_OPTION
def sync(
    *,
    client: Client,
    place: str,
    full: bool,
    require_checked: bool,
    allow_overprivileged: bool,
    as_json: bool,
) -> None:
    """Read an account into the ledger: all of it at first, what is new from then on.

    Nothing is written to the exchange. A sync that is interrupted loses nothing; call it again.

    \b
    Example:
      bitstamp-ledger sync --ledger history.db
    """  # noqa: D301 - \b is click's mark for a paragraph that keeps its lines
    with opened(place) as ledger, ProgressBar(hidden=as_json) as progress:
        report = ledger.sync(
            client,
            "full" if full else "resume",
            progress,
            require_checked=require_checked,
            allow_overprivileged=allow_overprivileged,
        )
    if as_json:
        _show.as_json(_show_ledger.sync_document(report))
    else:
        _show_ledger.sync(report)


@click.command(name="import")
@LEDGER_OPTION
@click.argument("files", type=INPUT_FILE, nargs=-1, required=True)
@click.option("--format", "format_name", type=click.Choice(formats()), default=None)
@click.option("--timezone", default=None, help="The zone of printed times that state none.")
@click.option("--account", default=None, help="The account of rows that state none.")
@LIST_OPTION
@JSON_OPTION
def import_files(
    *,
    place: str,
    files: tuple[Path, ...],
    format_name: str | None,
    timezone: str | None,
    account: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """Take trade files into the ledger; rows that it knows already become second witnesses.

    The same file twice changes nothing.

    \b
    Example:
      bitstamp-ledger import --ledger history.db export.csv
    """  # noqa: D301 - as above
    with opened(place) as ledger, ProgressBar(hidden=as_json) as progress:
        reports = [
            ledger.import_file(path, format=format_name, timezone=timezone, account=account)
            for path in progress.each(files)
        ]
    if as_json:
        _show.as_json({"imports": [_show_ledger.import_document(each) for each in reports]})
        return
    for report in reports:
        _show_ledger.imported(report, limit=limit)


@click.command()
@LEDGER_OPTION
@JSON_OPTION
def status(*, place: str, as_json: bool) -> None:
    """Show accounts, files, and where everything that came in has gone.

    \b
    Example:
      bitstamp-ledger status --ledger history.db
    """  # noqa: D301 - as above
    with opened(place) as ledger:
        accounts, files, counts = ledger.accounts(), ledger.imports(), ledger.counts()
        sealed = ledger.seals()
    if as_json:
        _show.as_json(_show_ledger.status_document(accounts, files, counts, sealed))
    else:
        _show_ledger.status(accounts, files, counts, sealed)


@click.command()
@LEDGER_OPTION
@click.argument("file_id", type=int, metavar="FILE-ID")
@JSON_OPTION
def remove(*, place: str, file_id: int, as_json: bool) -> None:
    """Take the rows of a file out again, by its number in `status`.

    \b
    Example:
      bitstamp-ledger remove --ledger history.db 2
    """  # noqa: D301 - as above
    with opened(place) as ledger:
        ledger.remove_import(file_id)
    if as_json:
        _show.as_json({"removed": file_id})
        return
    _show.note(f"File {file_id} is out of the ledger; import it again to bring it back.")


@click.command()
@LEDGER_OPTION
@click.option("--since", type=MOMENT, default=None, help="Not before this (UTC).")
@click.option("--until", type=MOMENT, default=None, help="Before this (UTC).")
@click.option(
    "--kind",
    "kinds",
    type=click.Choice([each.kind for each in ENTRY_KINDS]),
    multiple=True,
)
@click.option("--currency", default=None, help="With a leg or a fee in it.")
@click.option("--account", default=None, help="Of this account only.")
@click.option(
    "--state",
    type=click.Choice([each.value for each in EntryState]),
    default=None,
    help="What makes up the ledger, if not given.",
)
@LIST_OPTION
@click.option("--json", "as_json", is_flag=True, help="Print JSON Lines, for machines.")
def entries(
    *,
    place: str,
    since: dt.datetime | None,
    until: dt.datetime | None,
    kinds: tuple[str, ...],
    currency: str | None,
    account: str | None,
    state: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """List entries in the order of time, with what people said about them.

    \b
    Example:
      bitstamp-ledger entries --ledger history.db --kind trade --since 2024-01-01
    """  # noqa: D301 - as above
    with opened(place) as ledger:
        found = ledger.entries(
            since=_utc(since),
            until=_utc(until),
            kinds=kinds or None,
            currency=currency,
            account=account,
            state=None if state is None else EntryState(state),
        )
        some = itertools.islice(found, limit) if limit else found
        if as_json:
            for entry in itertools.takewhile(lambda _: is_read(), some):
                _show_ledger.entry_line(entry)
            return
        _show_ledger.entries((entry, ledger.annotation(entry.id)) for entry in some)
        _show_ledger.left_out(sum(1 for _ in found))


@click.command()
@LEDGER_OPTION
@click.option("--at", type=MOMENT, default=None, help="At this moment (UTC); now if not given.")
@click.option("--account", default=None, help="Of this account only.")
@JSON_OPTION
def balances(*, place: str, at: dt.datetime | None, account: str | None, as_json: bool) -> None:
    """Show what the entries add up to.

    \b
    Example:
      bitstamp-ledger balances --ledger history.db --at 2025-01-01
    """  # noqa: D301 - as above
    with opened(place) as ledger:
        totals = ledger.balances(_utc(at), account=account)
    if as_json:
        _show.as_json({currency: f"{total:f}" for currency, total in totals.items()})
    else:
        _show_ledger.totals(totals)


@click.command()
@LEDGER_OPTION
@key_options
@JSON_OPTION
def prove(*, client: Client, place: str, as_json: bool) -> int:
    """Compare the ledger with the balances that the exchange states, to the last digit.

    Reads what is new first. Exit code 1 says that they do not agree, or moved while they were read.

    \b
    Example:
      bitstamp-ledger prove --ledger history.db
    """  # noqa: D301 - as above
    with opened(place) as ledger:
        proof = ledger.prove(client)
    if as_json:
        _show.as_json(proof.to_json().encode())
    else:
        _show_ledger.proof(proof)
    return 0 if proof.holds else EXIT_UNPROVED


@click.command()
@LEDGER_OPTION
@ENTRY_ID
@click.argument("text", metavar="LABEL", required=False)
@click.option("--note", default=None, help="Anything else worth keeping.")
@click.option("--price", default=None, help="What it was worth, such as '12.50 EUR'.")
@AUTHOR_OPTION
@REASON_OPTION
@JSON_OPTION
def label(
    *,
    place: str,
    entry_id: str,
    text: str | None,
    note: str | None,
    price: str | None,
    author: str | None,
    reason: str | None,
    as_json: bool,
) -> None:
    """Say something about an entry; it stays through every sync, new key and removed file.

    \b
    Example:
      bitstamp-ledger label --ledger history.db 'Main Account/trade/1296712' 'a gift'
    """  # noqa: D301 - as above
    if text is None and note is None and price is None:
        raise click.UsageError("Give a label, --note or --price.")
    with opened(place) as ledger:
        decision = ledger.annotate(
            entry_id,
            label=text,
            note=note,
            price=None if price is None else _price(price),
            author=author,
            reason=reason,
        )
    _show_ledger.decided(decision, as_json=as_json)


@click.command()
@LEDGER_OPTION
@ENTRY_ID
@AUTHOR_OPTION
@REASON_OPTION
@JSON_OPTION
def hide(
    *, place: str, entry_id: str, author: str | None, reason: str | None, as_json: bool
) -> None:
    """Leave an entry out of entries and balances; it stays counted as suppressed.

    \b
    Example:
      bitstamp-ledger hide --ledger history.db 'Main Account/trade/1296712' --reason 'sent twice'
    """  # noqa: D301 - as above
    with opened(place) as ledger:
        decision = ledger.hide(entry_id, author=author, reason=reason)
    _show_ledger.decided(decision, as_json=as_json)


@click.command()
@LEDGER_OPTION
@click.argument("decision_id", type=int, metavar="DECISION")
@AUTHOR_OPTION
@REASON_OPTION
@JSON_OPTION
def undo(
    *, place: str, decision_id: int, author: str | None, reason: str | None, as_json: bool
) -> None:
    """Take a decision back, by the number that was printed when it was made.

    \b
    Example:
      bitstamp-ledger undo --ledger history.db 7
    """  # noqa: D301 - as above
    with opened(place) as ledger:
        decision = ledger.undo(decision_id, author=author, reason=reason)
    _show_ledger.decided(decision, as_json=as_json)


@click.command()
@LEDGER_OPTION
@ENTRY_ID
@JSON_OPTION
def history(*, place: str, entry_id: str, as_json: bool) -> None:
    """Tell an entry's whole story: sources, matches, decisions, when and by whom.

    \b
    Example:
      bitstamp-ledger history --ledger history.db 'Main Account/trade/1296712'
    """  # noqa: D301 - as above
    with opened(place) as ledger:
        events = ledger.history(entry_id)
    if as_json:
        _show.as_json(_show_ledger.history_document(events))
    else:
        _show_ledger.history(events)


@click.command()
@LEDGER_OPTION
@click.option("--sink", "name", default=None, help="The sink; by the ending of --out if not given.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    help="The file to write.",
)
@click.option("--since", type=MOMENT, default=None, help="Not before this (UTC).")
@click.option("--until", type=MOMENT, default=None, help="Before this (UTC).")
@click.option("--lossy", is_flag=True, help="Agree to a format that cannot hold everything.")
@JSON_OPTION
def export(
    *,
    place: str,
    name: str | None,
    out: Path,
    since: dt.datetime | None,
    until: dt.datetime | None,
    lossy: bool,
    as_json: bool,
) -> None:
    """Write the ledger to a file: CSV, JSON Lines, or what a tax tool reads (see `sinks`).

    \b
    Example:
      bitstamp-ledger export --ledger history.db --out ledger.csv
    """  # noqa: D301 - as above
    name = name or out.suffix.removeprefix(".")
    if name not in sinks.names():
        raise click.BadParameter(
            f"{name!r} is no sink; known: {', '.join(sinks.names())}", param_hint="--sink"
        )
    with opened(place) as ledger, sinks.open(name, path=out, lossy=lossy) as handle:
        handle.write(ledger.entries(since=_utc(since), until=_utc(until)))
    if as_json:
        _show.as_json({"out": str(out), "sink": name, "rows": handle.report.rows})
        return
    _show.note(f"{handle.report.rows:,} rows written to {out}")


@click.command()
@LEDGER_OPTION
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="The page to write (.html).",
)
@PAGE_LIMIT_OPTION
@JSON_OPTION
def report(*, place: str, out: Path, limit: int, as_json: bool) -> None:
    """Write all that is held as one page that a browser opens without a server.

    \b
    Example:
      bitstamp-ledger report --ledger history.db --out ledger.html
    """  # noqa: D301 - as above
    with opened(place) as ledger:
        ledger.report(out, limit=limit or None)
    if as_json:
        _show.as_json({"out": str(out)})
        return
    _show.note(f"Page written to {out}")


def commands() -> Iterator[click.Command]:
    """Yield the commands on a ledger, in the order in which a person needs them."""
    yield from (sync, import_files, status, entries, balances, prove)
    yield from (label, hide, undo, history, remove, export, report)


def _utc(moment: dt.datetime | None) -> dt.datetime | None:
    return None if moment is None else moment.replace(tzinfo=dt.UTC)


def _price(text: str) -> Amount | Decimal:
    number, _, currency = text.strip().partition(" ")
    try:
        return Amount(number, currency.strip()) if currency else Decimal(number)
    except (ValueError, ArithmeticError) as exc:
        raise click.BadParameter(
            f"{text!r} is no price; write it as '12.50 EUR'", param_hint="--price"
        ) from exc
