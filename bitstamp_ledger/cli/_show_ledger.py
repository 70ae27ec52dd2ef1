"""What the commands on a ledger print.  Nothing is decided here."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

import msgspec
from rich.table import Table
from rich.text import Text

from bitstamp_ledger.cli import _show
from bitstamp_ledger.ledger import (
    AccountCondition,
    Annotation,
    HistoryEvent,
    ImportedFile,
    ImportReport,
    LedgerAccount,
    Located,
    Proof,
    RecordedDecision,
    SealedChange,
    SyncReport,
)
from bitstamp_ledger.model import Entry
from bitstamp_ledger.reconcile import Counts
from bitstamp_ledger.sinks import document_of

# -- sync and import


def sync(report: SyncReport) -> None:
    """Print what a sync brought."""
    took = (report.finished_at - report.started_at).total_seconds()
    requests = "" if report.requests is None else f" in {report.requests:,} requests"
    _show.note(
        f"{report.account}: {report.counts.received:,} records read{requests}, "
        f"{report.new:,} of them new ({took:.1f} s)"
    )
    for changed in report.changed:
        _show.note(f"  changed at the exchange: {changed.entry_id} (both versions are kept)")
    for entry_id in report.vanished:
        _show.note(f"  no longer listed by the exchange: {entry_id} (kept)")
    for entry_id in report.returned:
        _show.note(f"  listed again by the exchange: {entry_id}")
    _sealed(report.sealed_changes)
    for notice in report.notices:
        _show.note(f"  notice: {notice}")


def sync_document(report: SyncReport) -> Mapping[str, object]:
    """Return what a sync brought as JSON values."""
    return {
        "account": report.account,
        "mode": report.mode,
        "run": report.run_id,
        "started_at": report.started_at.isoformat(),
        "finished_at": report.finished_at.isoformat(),
        "counts": _show.counts_document(report.counts),
        "new": report.new,
        "requests": report.requests,
        "changed": [changed.entry_id for changed in report.changed],
        "vanished": report.vanished,
        "returned": report.returned,
        "sealed_changes": _sealed_documents(report.sealed_changes),
        "balances_steady": report.balances_steady,
        "notices": report.notices,
    }


def imported(report: ImportReport, *, limit: int) -> None:
    """Print where the rows of a file went."""
    name = report.name or f"file {report.file_id}"
    if report.already:
        _show.note(f"{name}: was there already; nothing changed")
        return
    _show.note(f"{name} ({report.format}, file {report.file_id}):")
    _show.counts_line(report.counts)
    for suspect in report.suspects[: limit or None]:
        _show.note(f"  look at this: {suspect.explain()}")
    for conflict in report.conflicts[: limit or None]:
        _show.note(f"  conflict: {conflict.reason}")
    for problem in report.problems[: limit or None]:
        _show.note(f"  could not be read: {problem}")
    for doubt in report.doubts:
        _show.note(f"  doubt: {doubt}")
    _sealed(report.sealed_changes)


def import_document(report: ImportReport) -> Mapping[str, object]:
    """Return where the rows of a file went as JSON values."""
    return {
        "file": report.file_id,
        "name": report.name,
        "format": report.format,
        "already": report.already,
        "counts": _show.counts_document(report.counts),
        "new": [entry.id for entry in report.new],
        "suspects": [suspect.explain() for suspect in report.suspects],
        "conflicts": [conflict.reason for conflict in report.conflicts],
        "problems": report.problems,
        "doubts": report.doubts,
        "sealed_changes": _sealed_documents(report.sealed_changes),
    }


def _sealed(changes: Sequence[SealedChange]) -> None:
    for change in changes:
        _show.note(
            f"  sealed year {change.year} stays as it is; would be {change.kind.value}: "
            f"{change.entry_id} ({change.reason})"
        )


def _sealed_documents(changes: Sequence[SealedChange]) -> list[Mapping[str, object]]:
    return [
        {
            "year": change.year,
            "entry": change.entry_id,
            "kind": change.kind.value,
            "reason": change.reason,
        }
        for change in changes
    ]


# -- what is held


def status(
    accounts: Sequence[LedgerAccount],
    files: Sequence[ImportedFile],
    counts: Counts,
    sealed: Sequence[int],
) -> None:
    """Print accounts, files and counts."""
    out = _show.console()
    table = _table("Accounts", "account", "state", "last sync (UTC)", "what to do")
    for account in accounts:
        paused = account.condition is AccountCondition.PAUSED
        state = f"paused: {account.reason}" if paused else account.condition.value
        synced = f"{account.synced_at:%Y-%m-%d %H:%M}" if account.synced_at else "never"
        table.add_row(*map(Text, (account.name, state, synced, account.advice or "")))
    out.print(table)
    table = _table("Files", "number", "name", "format", "imported (UTC)", "present")
    for file in files:
        table.add_row(
            *map(
                Text,
                (
                    str(file.id),
                    file.name or "",
                    file.format,
                    f"{file.imported_at:%Y-%m-%d %H:%M}",
                    "yes" if file.present else "removed",
                ),
            )
        )
    out.print(table)
    if sealed:
        _show.note(f"Sealed years: {', '.join(map(str, sealed))}")
    _show.counts_line(counts)


def status_document(
    accounts: Sequence[LedgerAccount],
    files: Sequence[ImportedFile],
    counts: Counts,
    sealed: Sequence[int],
) -> Mapping[str, object]:
    """Return accounts, files and counts as JSON values."""
    return {
        "accounts": [
            {
                "name": account.name,
                "state": account.condition.value,
                "reason": account.reason,
                "advice": account.advice,
                "synced_at": account.synced_at.isoformat() if account.synced_at else None,
            }
            for account in accounts
        ],
        "files": [
            {
                "id": file.id,
                "name": file.name,
                "format": file.format,
                "digest": file.digest,
                "imported_at": file.imported_at.isoformat(),
                "present": file.present,
            }
            for file in files
        ],
        "sealed_years": sealed,
        "counts": _show.counts_document(counts),
    }


def entry_line(entry: Entry) -> None:
    """Print an entry as one line of JSON."""
    sys.stdout.write(msgspec.json.encode(document_of(entry)).decode() + "\n")


def entries(rows: Iterable[tuple[Entry, Annotation | None]]) -> None:
    """Print entries, each with its identity and label, by which commands name it."""
    table = _table("Entries", "time (UTC)", "kind", "amounts", "fee", "label", "entry")
    for entry, said in rows:
        table.add_row(
            f"{entry.time:%Y-%m-%d %H:%M:%S}",
            entry.kind,
            Text("  ".join(f"{leg.value:+f} {leg.currency}" for leg in entry.legs)),
            "not stated" if entry.fee is None else str(entry.fee),
            Text((said.label if said else None) or ""),
            Text(entry.id),
        )
    _show.console().print(table)


def left_out(number: int) -> None:
    """Say how many more there are."""
    if number:
        _show.note(f"… and {number:,} more; --limit 0 lists all.")


def totals(sums: Mapping[str, Decimal]) -> None:
    """Print an amount per currency."""
    table = _table("Balances", "currency")
    table.add_column("amount", justify="right")
    for currency, total in sums.items():
        table.add_row(currency, f"{total:f}")
    _show.console().print(table)


def proof(proved: Proof) -> None:
    """Print whether the entries explain the balances, and if not, where and why."""
    if proved.steady is False:
        _show.note("The balances moved while the entries were read, which proves nothing.")
    _show.proof(proved)
    for located in proved.located:
        _show.note(f"  {_where(located)}")
    for cause in proved.causes:
        _show.note(f"  would explain {cause.amount:+f} {cause.currency}: {cause.text}")
        for entry_id in cause.entries:
            _show.note(f"    {entry_id}")


def _where(located: Located) -> str:
    since = "the beginning" if located.since is None else f"{located.since:%Y-%m-%d %H:%M:%S}"
    told = (
        f"{located.amount:+f} {located.currency} came about between {since} and "
        f"{located.until:%Y-%m-%d %H:%M:%S} UTC"
    )
    if located.first_negative is not None:
        told += f"; the entries go below zero at {located.first_negative:%Y-%m-%d %H:%M:%S} UTC"
    return told


# -- decisions


def decided(decision: RecordedDecision, *, as_json: bool) -> None:
    """Print the number of a decision, by which it can be undone."""
    if as_json:
        _show.as_json(decision_document(decision))
        return
    _show.note(
        f"Decision {decision.id}: {decision.kind.value}. `undo {decision.id}` takes it back."
    )


def decision_document(decision: RecordedDecision) -> Mapping[str, object]:
    """Return a decision as JSON values."""
    return {
        "decision": decision.id,
        "kind": decision.kind.value,
        "entry": decision.entry_id,
        "row": decision.other_id,
        "content": decision.content,
        "at": decision.at.isoformat(),
        "author": decision.author,
        "reason": decision.reason,
        "undoes": decision.undoes,
    }


def history_document(events: Sequence[HistoryEvent]) -> Mapping[str, object]:
    """Return the story of an entry as JSON values."""
    return {
        "events": [
            {
                "at": event.at.isoformat(),
                "what": event.what,
                "text": event.text,
                "run": event.run_id,
                "decision": event.decision_id,
                "author": event.author,
            }
            for event in events
        ]
    }


def history(events: Sequence[HistoryEvent]) -> None:
    """Print the story of an entry."""
    table = _table("History", "when (UTC)", "what", "in words", "by")
    for event in events:
        table.add_row(
            f"{event.at:%Y-%m-%d %H:%M:%S}", event.what, Text(event.text), Text(event.author or "")
        )
    _show.console().print(table)


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left")
    for name in columns:
        table.add_column(name, overflow="fold", no_wrap=name.endswith("(UTC)"))
    return table
