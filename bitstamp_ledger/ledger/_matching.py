"""The view of the files: which rows are entries of their own, and which are witnesses.

1. It is a function of the facts and the decisions, computed by `bitstamp_ledger.reconcile`.
2. Whatever could change it marks it stale in the same transaction; whoever reads makes it anew
   first.  So a process that is killed in between leaves nothing wrong behind.
3. Records far from every row of every file, with an id that no row states, cannot be their partners
   and contradict none: they are not even read.
"""

import datetime as dt
import json
import secrets
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
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
from bitstamp_ledger.ledger._names import NamedRow, Names, digits_of_files, is_row
from bitstamp_ledger.ledger._records import (
    PAGE_RECORDS,
    AccountRef,
    Held,
    entries_by_number,
    held_pages,
    rebuild_places,
)
from bitstamp_ledger.ledger._schema import meta, view_pairs, view_rows
from bitstamp_ledger.ledger._store import Store, lock_views, note, put_note
from bitstamp_ledger.model import (
    ENTRY_KINDS,
    Entry,
    Rounding,
    RowGrain,
    UnknownEntry,
    row_name,
    split_row_name,
)
from bitstamp_ledger.reconcile import Counts, Decision, Reconciliation, reconcile

VIEW_VERSION: Final = f"{__version__}/2"
"""Another version of the package may read or match by other rules: views of it are made anew."""

REACH_US: Final = 3 * 86_400 * 1_000_000
"""So far from a row its record may lie: a day and a bit for zones, and the rest for safety."""

ORDER_REACH_US: Final = 92 * 86_400 * 1_000_000
"""So far from a row that stands for an order an execution of it may lie, while the order rests."""

_STALE: Final = "views_stale"
_VERSION: Final = "views_version"
_GENERATION: Final = "views_generation"
_FILES: Final = "views_file_counts"
_KINDS: Final = {kind.kind: kind for kind in ENTRY_KINDS}
_encode: Final = msgspec.json.Encoder(order="sorted").encode

Matcher = Callable[..., Reconciliation]
"""`bitstamp_ledger.reconcile.reconcile`, or another rule with its signature."""


def mark_stale(connection: sa.Connection) -> None:
    """Have the views of the files made anew before they are read next."""
    put_note(connection, _STALE, "stale")


def is_fresh(connection: sa.Connection) -> bool:
    """Say whether the views are those of the facts and decisions, by this version's rules."""
    return note(connection, _STALE) is None and note(connection, _VERSION) == VIEW_VERSION


def generation(connection: sa.Connection) -> str | None:
    """Return a mark that differs after every change of the views of the files."""
    return note(connection, _GENERATION)


def refresh(store: Store, now: dt.datetime, matcher: Matcher = reconcile) -> "Matched | None":
    """Make the views anew if they are stale; return the outcome if so and if there is a file.

    Files are read and compared while others may write; only the outcome is stored alone.  If
    somebody brought something new in between, it is made again, and the others wait.
    """
    with store.read() as connection:
        if is_fresh(connection):
            return None
    begun = secrets.token_hex(8)
    with store.write() as connection:
        lock_views(connection)
        if is_fresh(connection):
            return None
        if note(connection, _VERSION) != VIEW_VERSION:
            rebuild_places(connection, account_refs(connection))
            return match_files(connection, now, matcher)
        put_note(connection, _STALE, begun)
    statements: dict[int, Statement] = {}
    with store.read() as connection:
        matched = reconciled(connection, matcher, statements)
    with store.write() as connection:
        lock_views(connection)
        if is_fresh(connection):
            return None
        if note(connection, _STALE) != begun:
            matched = reconciled(connection, matcher, statements)
        _store_views(connection, matched, now)
    return matched


def match_files(
    connection: sa.Connection, now: dt.datetime, matcher: Matcher = reconcile
) -> "Matched | None":
    """Reconcile, and store the outcome; None where there is no file."""
    # First of all: who brings something new from now on waits, and marks the views stale again.
    put_note(connection, _STALE, None)
    matched = reconciled(connection, matcher)
    _store_views(connection, matched, now)
    return matched


def _store_views(connection: sa.Connection, matched: "Matched | None", now: dt.datetime) -> None:
    put_note(connection, _STALE, None)
    connection.execute(sa.delete(view_rows))
    connection.execute(sa.delete(view_pairs))
    noted = None
    if matched is not None:
        _store_outcome(connection, matched, now)
        counts = attrs.asdict(matched.file_counts)
        noted = json.dumps({"counts": counts, "windows": matched.windows})
    put_note(connection, _FILES, noted)
    put_note(connection, _VERSION, VIEW_VERSION)
    put_note(connection, _GENERATION, str(int(note(connection, _GENERATION) or 0) + 1))


def file_counts(connection: sa.Connection) -> Counts:
    """Return where the rows of all files ended."""
    text = note(connection, _FILES)
    if text is None:
        return Counts(received=0, kept=0, witnessed=0, quarantined=0)
    return Counts(**json.loads(text)["counts"])


@attrs.frozen(kw_only=True)
class Matched:
    """A reconciliation of the files with the records near them."""

    outcome: Reconciliation
    file_ids: dict[str | None, int]
    """By the name under which each file was read."""

    records: int
    """How many records were read for it."""

    windows: tuple[tuple[int, int], ...]
    """Where they were read, in microseconds."""

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


def reconciled(
    connection: sa.Connection,
    matcher: Matcher = reconcile,
    read: dict[int, Statement] | None = None,
) -> Matched | None:
    """Reconcile all files with the records near their rows; None where there is no file.

    Args:
        connection: any transaction.
        matcher: by which rules.
        read: files that were read before, by number; those that are read now are added.
    """
    statements = dict(_statements(connection, {} if read is None else read))
    if not statements:
        return None
    windows = _windows(statements.values())
    said = _decisions.said_of_pairs(connection)
    named = {name for each in said for name in (each.entry_id, each.other_id) if name is not None}
    api = list(_concerned(connection, windows, named, _stated_ids(statements.values())))
    rows = _rows_named(connection, statements, named)
    decisions = _decisions.for_reconciliation(said, rows)
    outcome = matcher(api, list(statements.values()), decisions=decisions)
    return Matched(
        outcome=outcome,
        file_ids={statement.path: file_id for file_id, statement in statements.items()},
        records=len(api),
        windows=windows,
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


@attrs.frozen(kw_only=True)
class FilesHeld:
    """What a sync must know of the files, to tell whether their views depend on a page."""

    fresh: bool
    """Whether it is known what the views are made of."""

    generation: str | None
    windows: list[tuple[int, int]]
    """Where partners of rows can lie."""

    @classmethod
    def now(cls, connection: sa.Connection) -> "FilesHeld":
        """Look it up, at once: each page of a sync asks."""
        rows = connection.execute(_OF_FILES)
        said = {row.key: row.value for row in rows}
        return cls(
            fresh=not said[_STALE] and said[_VERSION] == VIEW_VERSION,
            generation=said[_GENERATION] or None,
            windows=json.loads(said[_FILES])["windows"] if said[_FILES] else [],
        )

    def are_near(self, since_us: int, until_us: int) -> bool:
        """Say whether records of this span could be partners of a row of some file."""
        return any(first <= until_us and since_us <= last for first, last in self.windows)


_OF_FILES: Final = sa.select(meta.c.key, meta.c.value).where(
    meta.c.key.in_([_STALE, _VERSION, _GENERATION, _FILES])
)


def row_entry(kind: str, data: bytes) -> Entry:
    """Read a row of the view."""
    return msgspec.json.decode(data, type=_KINDS[kind])


def _file_names(connection: sa.Connection) -> dict[str, int]:
    """Return the files that are there, each under a name of its own."""
    names: dict[str, int] = {}
    for each in _files.imported(connection):
        if each.present:
            name = each.name or f"file {each.id}"
            while name in names:
                name = f"{name} (file {each.id})"
            names[name] = each.id
    return names


def _statements(
    connection: sa.Connection, read: dict[int, Statement]
) -> Iterator[tuple[int, Statement]]:
    """Read the files again."""
    for name, file_id in _file_names(connection).items():
        if file_id not in read or read[file_id].path != name:
            read[file_id] = _files.statement_of(connection, file_id, name=name)
        yield file_id, read[file_id]


def _rows_named(
    connection: sa.Connection, statements: Mapping[int, Statement], names: Iterable[str]
) -> Names:
    """Look up names in files that were read; of the view, nothing is known yet."""
    wanted = {split_row_name(name)[0] for name in names if is_row(name)}
    digits = digits_of_files(connection)
    found: dict[str, list[NamedRow]] = defaultdict(list)
    for file_id, statement in sorted(statements.items()) if wanted else ():
        is_open = statement.precision.zone_open or bool(statement.alternatives)
        for row in statement.entries:
            if row.id in wanted:
                found[row.id].append(
                    NamedRow(
                        name=row_name(row.id, digits[file_id]),
                        file_id=file_id,
                        shown=row.id,
                        kept=False,
                        time=None if is_open else row.time,
                    )
                )
    return Names(connection, lambda identity: found.get(identity, ()))


def names_of_rows(connection: sa.Connection, entries: Iterable[Entry]) -> dict[int, str]:
    """Return the names of the rows among entries that `reconciled` returned, by their `id`."""
    files_here = _file_names(connection)
    names = Names(connection)
    found: dict[int, str] = {}
    for entry in entries:
        file_id = files_here.get(entry.source.path or "")
        if entry.source.row is None or file_id is None:
            continue
        name = names.name_of(entry.id, file_id)
        if any(row.name == name for row in names.rows(split_row_name(name)[0])):
            found[id(entry)] = name
    return found


def _windows(statements: Iterable[Statement]) -> tuple[tuple[int, int], ...]:
    """Return the spans in which partners of rows can lie, in order, none touching another."""
    spans = sorted(
        (first - reach, last + reach)
        for statement in statements
        for reach in [_reach_us(statement)]
        for first, last in _files.spans_of(statement)
    )
    joined: list[tuple[int, int]] = []
    for first, last in spans:
        if joined and first <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], last))
        else:
            joined.append((first, last))
    return tuple(joined)


def _reach_us(statement: Statement) -> int:
    precision = statement.precision
    of_orders = precision.grain is RowGrain.ORDER or precision.base is not Rounding.EXACT
    return ORDER_REACH_US if of_orders else REACH_US


def _stated_ids(statements: Iterable[Statement]) -> dict[str, set[int]]:
    """Return the exchange's ids that rows state, by account."""
    stated: dict[str, set[int]] = defaultdict(set)
    for statement in statements:
        if statement.precision.exchange_ids:
            for row in statement.entries:
                if row.transaction_id is not None:
                    stated[row.account].add(row.transaction_id)
    return stated


def _concerned(
    connection: sa.Connection,
    windows: Sequence[tuple[int, int]],
    named: Iterable[str],
    stated: Mapping[str, set[int]],
) -> Iterator[Entry]:
    """Yield the records within the windows, those of stated ids, and those that people named."""
    seen: set[str] = set()
    for account in account_refs(connection):
        numbers: set[int | None] = set()
        for first, last in windows:
            for held in held_between(connection, account, first, last + 1):
                seen.add(held.entry.id)
                numbers.add(held.entry.transaction_id)
                yield held.entry
        for entry in entries_by_number(
            connection, account, stated.get(account.name, set()) - numbers
        ):
            seen.add(entry.id)
            yield entry
    for entry_id in sorted(set(named) - seen):
        found = held_by_id(connection, entry_id)
        if found is not None:
            yield found.entry


def numbers_stated(connection: sa.Connection, account: AccountRef) -> frozenset[int]:
    """Return the exchange's ids that rows of an account in the view state."""
    columns = view_rows.c
    rows = connection.execute(
        sa.select(columns.exchange_id).where(
            columns.account_id == account.id, columns.exchange_id != 0
        )
    )
    return frozenset(row.exchange_id for row in rows)


def _store_outcome(connection: sa.Connection, matched: Matched, now: dt.datetime) -> None:
    outcome = matched.outcome
    accounts: dict[str, int] = {}
    digits = digits_of_files(connection)

    def name_of(entry: Entry) -> str:
        if entry.source.row is None:
            return entry.id
        return row_name(entry.id, digits[matched.file_ids[entry.source.path]])

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
                "row_id": name_of(row),
                "known_id": name_of(each),
                "rule": match.rule.name,
                "grade": match.grade.name,
            }
            for row in witnesses
            for each in known
        )
    rows.sort(key=lambda each: (each["file_id"], each["row"], str(each["entry_id"])))
    distinct = {(each["row_id"], each["known_id"]): each for each in pairs}
    ordered = [distinct[pair] for pair in sorted(distinct)]
    if rows:
        connection.execute(sa.insert(view_rows), rows)
    if ordered:
        connection.execute(sa.insert(view_pairs), ordered)
        _decisions.note_aliases(connection, ordered, now)
