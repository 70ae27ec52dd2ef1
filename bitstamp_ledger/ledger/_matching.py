"""The view of the files: which rows are entries of their own, and which are witnesses.

1. It is a function of the facts and the decisions, computed by `bitstamp_ledger.reconcile`.
2. Whatever could change it marks it stale in the same transaction; whoever reads makes it anew
   first.  So a process that is killed in between leaves nothing wrong behind.
3. Records far from every row of every file cannot be their partners: they are not even read.
"""

import datetime as dt
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

import attrs
import msgspec
import sqlalchemy as sa

from bitstamp_ledger._version import __version__
from bitstamp_ledger.files import Statement
from bitstamp_ledger.ledger import _decisions, _files
from bitstamp_ledger.ledger._accounts import account_refs, ensure_account
from bitstamp_ledger.ledger._instants import micros
from bitstamp_ledger.ledger._lookup import held_by_id
from bitstamp_ledger.ledger._records import (
    PAGE_RECORDS,
    AccountRef,
    Held,
    held_pages,
    rebuild_places,
)
from bitstamp_ledger.ledger._schema import files, view_pairs, view_rows
from bitstamp_ledger.ledger._store import Store, lock_views, note, put_note
from bitstamp_ledger.model import ENTRY_KINDS, Entry, UnknownEntry
from bitstamp_ledger.reconcile import Counts, Decision, Reconciliation, Verdict, reconcile

VIEW_VERSION: Final = f"{__version__}/1"
"""Another version of the package may read or match by other rules: views of it are made anew."""

REACH_US: Final = 3 * 86_400 * 1_000_000
"""So far from a row its record may lie: a day and a bit for zones, and the rest for safety."""

_STALE: Final = "views_stale"
_VERSION: Final = "views_version"
_GENERATION: Final = "views_generation"
_COUNTS: Final = "views_file_counts"
_KINDS: Final = {kind.kind: kind for kind in ENTRY_KINDS}
_encode: Final = msgspec.json.Encoder(order="sorted").encode

Matcher = Callable[..., Reconciliation]
"""`bitstamp_ledger.reconcile.reconcile`, or another rule with its signature."""


def mark_stale(connection: sa.Connection) -> None:
    """Have the views of the files made anew before they are read next."""
    put_note(connection, _STALE, "1")


def is_fresh(connection: sa.Connection) -> bool:
    """Say whether the views are those of the facts and decisions, by this version's rules."""
    return note(connection, _STALE) is None and note(connection, _VERSION) == VIEW_VERSION


def generation(connection: sa.Connection) -> str | None:
    """Return a mark that differs after every change of the views of the files."""
    return note(connection, _GENERATION)


def refresh(store: Store, now: dt.datetime, matcher: Matcher = reconcile) -> "Matched | None":
    """Make the views anew if they are stale; return the outcome if so and if there is a file."""
    with store.read() as connection:
        if is_fresh(connection):
            return None
    with store.write() as connection:
        lock_views(connection)
        if is_fresh(connection):
            return None
        if note(connection, _VERSION) != VIEW_VERSION:
            rebuild_places(connection, account_refs(connection))
        return match_files(connection, now, matcher)


def match_files(
    connection: sa.Connection, now: dt.datetime, matcher: Matcher = reconcile
) -> "Matched | None":
    """Reconcile, and store the outcome; None where there is no file."""
    # First of all: who brings something new from now on waits, and marks the views stale again.
    put_note(connection, _STALE, None)
    connection.execute(sa.delete(view_rows))
    connection.execute(sa.delete(view_pairs))
    matched = reconciled(connection, matcher)
    counts = Counts(received=0, kept=0, witnessed=0, quarantined=0)
    if matched is not None:
        _store_outcome(connection, matched, now)
        counts = matched.file_counts
    put_note(connection, _COUNTS, json.dumps(attrs.asdict(counts)))
    put_note(connection, _VERSION, VIEW_VERSION)
    put_note(connection, _GENERATION, str(int(note(connection, _GENERATION) or 0) + 1))
    return matched


def file_counts(connection: sa.Connection) -> Counts:
    """Return where the rows of all files ended."""
    text = note(connection, _COUNTS)
    if text is None:
        return Counts(received=0, kept=0, witnessed=0, quarantined=0)
    return Counts(**json.loads(text))


@attrs.frozen(kw_only=True)
class Matched:
    """A reconciliation of the files with the records near them."""

    outcome: Reconciliation
    file_ids: dict[str | None, int]
    """By the name under which each file was read."""

    records: int
    """How many records were read for it."""

    def name_of(self, file_id: int) -> str | None:
        """Return the name under which a file was read."""
        return next((name for name, each in self.file_ids.items() if each == file_id), None)

    @property
    def file_counts(self) -> Counts:
        """Where the rows of the files ended; the records that were read are taken off."""
        counts = self.outcome.counts
        unknown = sum(
            isinstance(entry, UnknownEntry) and entry.source.row is None
            for entry in self.outcome.entries
        )
        return attrs.evolve(
            counts,
            received=counts.received - self.records,
            kept=counts.kept - (self.records - unknown),
            quarantined=counts.quarantined - unknown,
        )


def reconciled(connection: sa.Connection, matcher: Matcher = reconcile) -> Matched | None:
    """Reconcile all files with the records near their rows; None where there is no file."""
    statements = dict(_statements(connection))
    if not statements:
        return None
    windows = _windows(statements.values())
    verdicts = _decisions.pair_verdicts(connection)
    api = list(_near(connection, windows, verdicts))
    outcome = matcher(
        api, list(statements.values()), decisions=_decisions.for_reconciliation(verdicts)
    )
    return Matched(
        outcome=outcome,
        file_ids={statement.path: file_id for file_id, statement in statements.items()},
        records=len(api),
    )


def whole(connection: sa.Connection, matcher: Matcher = reconcile) -> Reconciliation:
    """Return the reconciliation of everything, records far from all files included."""
    matched = reconciled(connection, matcher)
    if matched is None:
        everything = [held.entry for held in all_held(connection)]
        decisions: tuple[Decision, ...] = ()
        return matcher(everything, [], decisions=decisions)
    near = {entry.id for entry in matched.outcome.entries if entry.source.row is None}
    far = [held.entry for held in all_held(connection) if held.entry.id not in near]
    unknown = sum(isinstance(entry, UnknownEntry) for entry in far)
    beyond = Counts(received=len(far), kept=len(far) - unknown, witnessed=0, quarantined=unknown)
    return attrs.evolve(
        matched.outcome,
        entries=tuple(sorted([*matched.outcome.entries, *far], key=sort_key)),
        api_only=tuple(sorted([*matched.outcome.api_only, *far], key=sort_key)),
        counts=matched.outcome.counts + beyond,
    )


def all_held(connection: sa.Connection) -> Iterator[Held]:
    """Yield the present version of every record, account by account."""
    for account in account_refs(connection):
        yield from held_between(connection, account)


def sort_key(entry: Entry) -> tuple[object, ...]:
    """Return what entries are sorted by, in every list of a ledger."""
    return entry.time, entry.transaction_id or 0, entry.source.row or 0, entry.id


def held_between(
    connection: sa.Connection,
    account: AccountRef,
    since_us: int | None = None,
    until_us: int | None = None,
) -> Iterator[Held]:
    """Yield the records of an account within a span, in the order of time."""
    page = held_pages(connection, account, since_us=since_us, until_us=until_us)
    while page:
        yield from page
        if len(page) < PAGE_RECORDS:
            return
        page = held_pages(
            connection, account, after=page[-1].place, since_us=since_us, until_us=until_us
        )


def touches_files(connection: sa.Connection, since_us: int, until_us: int) -> bool:
    """Say whether records of this span could be partners of a row of some file."""
    reach = {"until": until_us + REACH_US, "since": since_us - REACH_US}
    return connection.execute(_FILES_NEAR, reach).scalar() is not None


_FILES_NEAR: Final = (
    sa.select(files.c.id)
    .where(files.c.first_us <= sa.bindparam("until"), files.c.last_us >= sa.bindparam("since"))
    .limit(1)
)


def row_entry(kind: str, data: bytes) -> Entry:
    """Read a row of the view."""
    return msgspec.json.decode(data, type=_KINDS[kind])


def _statements(connection: sa.Connection) -> Iterator[tuple[int, Statement]]:
    """Read the files again, each under a name of its own."""
    taken: set[str] = set()
    for each in _files.imported(connection):
        if not each.present:
            continue
        name = each.name or f"file {each.id}"
        if name in taken:
            name = f"{name} (file {each.id})"
        taken.add(name)
        yield each.id, _files.statement_of(connection, each.id, name=name)


def _windows(statements: Iterable[Statement]) -> tuple[tuple[int, int], ...]:
    """Return the spans in which partners of rows can lie, in order, none touching another."""
    spans = sorted(
        (first - REACH_US, last + REACH_US)
        for statement in statements
        for first, last in _files.spans_of(statement)
    )
    joined: list[tuple[int, int]] = []
    for first, last in spans:
        if joined and first <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], last))
        else:
            joined.append((first, last))
    return tuple(joined)


def _near(
    connection: sa.Connection,
    windows: Sequence[tuple[int, int]],
    verdicts: dict[tuple[str, str], Verdict],
) -> Iterator[Entry]:
    """Yield the records within the windows, and those that people named."""
    seen: set[str] = set()
    for account in account_refs(connection):
        for first, last in windows:
            for held in held_between(connection, account, first, last + 1):
                seen.add(held.entry.id)
                yield held.entry
    named = sorted({each for pair in verdicts for each in pair} - seen)
    for entry_id in named:
        found = held_by_id(connection, entry_id)
        if found is not None:
            yield found.entry


def _store_outcome(connection: sa.Connection, matched: Matched, now: dt.datetime) -> None:
    outcome = matched.outcome
    accounts: dict[str, int] = {}

    def row_of(entry: Entry, *, kept: bool) -> dict[str, object]:
        if entry.account not in accounts:
            accounts[entry.account] = ensure_account(connection, entry.account).id
        return {
            "entry_id": entry.id,
            "file_id": matched.file_ids[entry.source.path],
            "row": entry.source.row or 0,
            "account_id": accounts[entry.account],
            "time_us": micros(entry.time),
            "exchange_id": entry.transaction_id or 0,
            "kind": entry.kind,
            "kept": int(kept),
            "data": _encode(entry),
        }

    rows = [row_of(entry, kept=True) for entry in outcome.new]
    pairs: list[dict[str, str]] = []
    for match in (*outcome.matches, *outcome.file_matches):
        known = match.api or match.file[:1]
        witnesses = match.file if match.api else match.file[1:]
        rows.extend(row_of(row, kept=False) for row in witnesses)
        pairs.extend(
            {
                "row_id": row.id,
                "known_id": each.id,
                "rule": match.rule.name,
                "grade": match.grade.name,
            }
            for row in witnesses
            for each in known
            if each.id != row.id
        )
    rows.sort(key=lambda each: (each["file_id"], each["row"], str(each["entry_id"])))
    distinct = {(each["row_id"], each["known_id"]): each for each in pairs}
    ordered = [distinct[pair] for pair in sorted(distinct)]
    if rows:
        connection.execute(sa.insert(view_rows), rows)
    if ordered:
        connection.execute(sa.insert(view_pairs), ordered)
        _decisions.note_aliases(connection, ordered, now)
