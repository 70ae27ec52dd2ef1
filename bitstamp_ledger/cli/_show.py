"""What the commands print: tables for people, JSON for machines.  Nothing is decided here."""

import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, TypeVar

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bitstamp_ledger.errors import BitstampLedgerError
from bitstamp_ledger.files import Statement
from bitstamp_ledger.ledger import Proof
from bitstamp_ledger.model import Entry, UnknownEntry
from bitstamp_ledger.reconcile import Counts, Reconciliation
from bitstamp_ledger.reconcile import Table as DataTable
from bitstamp_ledger.sinks import document_of

WIDTH_WHEN_PIPED: Final = 160
SENTENCE_WIDTH: Final = 30
LEDGER: Final = "ledger"

T = TypeVar("T")


def console() -> Console:
    """Return where people read; wide enough for whole rows when it is no terminal."""
    if sys.stdout.isatty():
        return Console(highlight=False)
    return Console(highlight=False, width=WIDTH_WHEN_PIPED)


def progress_console() -> Console:
    """Return where progress is shown: the error stream, so that output can be piped."""
    return Console(stderr=True, highlight=False)


def error(problem: BitstampLedgerError) -> None:
    """Print what went wrong and what to do next, to the error stream."""
    errors = Console(stderr=True, highlight=False, soft_wrap=True)
    errors.print(Text.assemble(("Error: ", "bold red"), str(problem.args[0])))
    if problem.hint:
        errors.print(Text.assemble(("What to do: ", "bold"), problem.hint))


def note(text: str) -> None:
    """Print one line."""
    console().print(Text(text))


def as_json(document: Mapping[str, object] | bytes) -> None:
    """Print a document, or what already is JSON; decimals as text."""
    raw = document if isinstance(document, bytes) else msgspec.json.encode(document)
    sys.stdout.write(msgspec.json.format(raw, indent=2).decode() + "\n")


def sandbox(url: str, key: str, secret: str) -> None:
    """Print how to reach a running sandbox.  Its key and secret are worth nothing elsewhere."""
    sys.stdout.write(f"url    {url}\nkey    {key}\nsecret {secret}\nStop it with Ctrl-C.\n")
    sys.stdout.flush()


def review_page(url: str) -> None:
    """Print the address of a page for decisions.  It is not handed to a browser.

    That would put it on a command line, where every user of the machine could read it.
    """
    sys.stdout.write(f"Open this address in a browser on this machine:\n  {url}\n")
    sys.stdout.write("It is yours alone: do not pass it on. Ctrl-C or its last button ends it.\n")
    sys.stdout.flush()


# -- statements


def statement(read: Statement, *, limit: int) -> None:
    """Print what a file states."""
    out = console()
    statement_summary(read)
    if read.span is not None:
        first, last = read.span
        out.print(Text(f"  from {first:%Y-%m-%d %H:%M:%S} to {last:%Y-%m-%d %H:%M:%S} UTC"))
    out.print(Text(f"  read in zone {read.zone}; accounts: {', '.join(read.accounts) or 'none'}"))
    out.print(Text(f"  rows by kind: {_kinds(read.entries)}"))
    for sentence in read.lossy:
        out.print(Text(f"  · {sentence}"))
    for doubt in read.doubts:
        out.print(Text.assemble(("  doubt: ", "yellow"), str(doubt)))
    for reason, number in Counter(each.reason for each in read.set_aside).items():
        out.print(Text(f"  set aside: {number:,} rows, {reason}"))
    for repair in read.repairs:
        out.print(Text(f"  repaired: {repair}"))
    out.print(_entry_table("Rows", read.entries, limit=limit))
    _problems(read, limit=limit)


def statement_summary(read: Statement) -> None:
    """Print one line on a file, and its problems if there are any."""
    console().print(Text(str(read), style="bold"))


def _problems(read: Statement, *, limit: int) -> None:
    if not read.problems:
        return
    table = Table(title="Rows that could not be read", title_justify="left")
    for name in ("row", "column", "text", "reason", "what to do"):
        table.add_column(name, overflow="fold")
    for problem in _some(read.problems, limit):
        table.add_row(
            str(problem.row),
            Text(problem.column or ""),
            Text(problem.text),
            Text(problem.reason),
            Text(problem.advice),
        )
    console().print(table)
    _and_more(read.problems, limit)


def statement_document(read: Statement) -> Mapping[str, object]:
    """Return a statement as JSON values."""
    counts = read.counts
    return {
        "path": read.path,
        "format": read.format,
        "digest": read.digest,
        "zone": {"name": read.zone.name, "basis": read.zone.basis.value},
        "accounts": read.accounts,
        "span": [f"{time.isoformat()}" for time in read.span] if read.span else None,
        "lossy": read.lossy,
        "counts": {
            "rows": counts.rows,
            "kept": counts.kept,
            "quarantined": counts.quarantined,
            "unreadable": counts.unreadable,
            "set_aside": counts.set_aside,
        },
        "doubts": [str(doubt) for doubt in read.doubts],
        "set_aside": [{"row": each.row, "reason": each.reason} for each in read.set_aside],
        "repairs": [str(repair) for repair in read.repairs],
        "problems": [
            {
                "row": problem.row,
                "column": problem.column,
                "text": problem.text,
                "reason": problem.reason,
                "advice": problem.advice,
            }
            for problem in read.problems
        ],
        "entries": [document_of(entry) for entry in read.entries],
    }


# -- reconciliation


def reconciliation(result: Reconciliation, *, limit: int, explain: bool) -> None:
    """Print which rows are which records, what is new, and what a person should look at."""
    out = console()
    for table in reversed(result.tables(limit=limit or None)):
        # What a person must look at is printed last, where the eye is when all has scrolled by.
        if table.rows or table.name == LEDGER:
            out.print(_rich_table(table))
            _not_shown(table.left_out)
    if explain:
        for text in _explanations(result, limit):
            out.print(Text(text))
    counts_line(result.counts)


def _explanations(result: Reconciliation, limit: int) -> Iterator[str]:
    """Yield the reasons of each match, of what matched nothing, and of each statement."""
    for match in _some([*result.matches, *result.file_matches], limit):
        yield match.explain()
    yield from result.explain_each(_some(result.new, limit))
    for path in dict.fromkeys(zone.path for zone in result.zones):
        yield result.explain_statement(path)


def _rich_table(shown: DataTable) -> Table:
    table = Table(title=shown.heading, title_justify="left")
    for name in shown.columns:
        table.add_column(
            name,
            justify="right" if name in shown.numeric else "left",
            no_wrap=name in {"time (UTC)", "kind"},
            min_width=SENTENCE_WIDTH if name == "reason" else None,
            overflow="fold",
        )
    for row in shown.rows:
        table.add_row(*map(Text, row))
    return table


def counts_line(counts: Counts) -> None:
    """Print where everything went."""
    verdict = "every input is accounted for" if counts.adds_up else "THE COUNTS DO NOT ADD UP"
    console().print(
        Text(
            f"{counts.received:,} received = {counts.kept:,} kept + {counts.witnessed:,} witnessed"
            f" + {counts.quarantined:,} quarantined + {counts.suppressed:,} suppressed: {verdict}"
        )
    )


def counts_document(counts: Counts) -> Mapping[str, object]:
    """Return conservation counts as JSON values."""
    return {
        "received": counts.received,
        "kept": counts.kept,
        "witnessed": counts.witnessed,
        "quarantined": counts.quarantined,
        "suppressed": counts.suppressed,
        "adds_up": counts.adds_up,
    }


# -- proof


def proof(proved: Proof) -> None:
    """Print whether the entries explain the balances."""
    out = console()
    if proved.holds:
        currencies = len(proved.balances)
        out.print(
            Text.assemble(
                ("Proof holds: ", "bold green"),
                f"{proved.entries:,} entries add up to the stated balances "
                f"of {currencies} currencies, to the last digit.",
            )
        )
        return
    out.print(Text("The balances do not agree:", style="bold red"))
    table = Table()
    for name in ("currency", "stated", "replayed", "difference"):
        table.add_column(name, justify="left" if name == "currency" else "right")
    for each in proved.differences:
        stated = "not stated" if each.stated is None else f"{each.stated:f}"
        table.add_row(each.currency, stated, f"{each.replayed:f}", f"{each.amount:+f}")
    out.print(table)
    if proved.without_fee:
        out.print(Text(f"{proved.without_fee:,} entries do not state their fee."))


def proof_document(proved: Proof) -> Mapping[str, object]:
    """Return a proof as JSON values."""
    return {
        "holds": proved.holds,
        "entries": proved.entries,
        "without_fee": proved.without_fee,
        "unknown": proved.unknown,
        "balances": {currency: f"{total:f}" for currency, total in proved.balances.items()},
        "differences": [
            {
                "currency": each.currency,
                "stated": None if each.stated is None else f"{each.stated:f}",
                "replayed": f"{each.replayed:f}",
                "amount": f"{each.amount:f}",
            }
            for each in proved.differences
        ],
    }


# -- shared


def _entry_table(title: str, entries: Sequence[Entry], *, limit: int) -> Table:
    table = Table(title=f"{title}: {len(entries):,}", title_justify="left")
    table.add_column("time (UTC)", no_wrap=True)
    table.add_column("kind", no_wrap=True)
    table.add_column("amounts", overflow="fold")
    table.add_column("fee", justify="right")
    table.add_column("account")
    table.add_column("source", overflow="fold")
    for entry in _some(entries, limit):
        amounts = "  ".join(f"{leg.value:+f} {leg.currency}" for leg in entry.legs)
        if isinstance(entry, UnknownEntry):
            amounts = f"{amounts}  ({entry.reason})"
        table.add_row(
            f"{entry.time:%Y-%m-%d %H:%M:%S}",
            entry.kind,
            Text(amounts),
            "not stated" if entry.fee is None else str(entry.fee),
            Text(entry.account),
            Text(_where(entry)),
        )
    return table


def _where(entry: Entry) -> str:
    if entry.source.row is not None:
        return f"{entry.source.path or 'statement'} row {entry.source.row}"
    return f"API {entry.transaction_id if entry.transaction_id is not None else '(no id)'}"


def _kinds(entries: Iterable[Entry]) -> str:
    counted = Counter(entry.kind for entry in entries)
    return ", ".join(f"{number:,} {kind}" for kind, number in counted.most_common()) or "none"


def _some(items: Sequence[T], limit: int) -> Sequence[T]:
    return items[:limit] if limit else items


def _and_more(items: Sequence[object], limit: int) -> None:
    if limit:
        _not_shown(len(items) - limit)


def _not_shown(number: int) -> None:
    if number > 0:
        console().print(Text(f"… and {number:,} more; --limit 0 lists all."))
