"""From a difference to the window in which it came about; what would explain it: see `_causes`.

Every steady sync left the balances that the exchange stated, and which records were held then.  The
difference at each of those moments is computed by the rules of today; where it changes, and does
not change back, something is missing, altered or too much.
"""

import itertools
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Final

import sqlalchemy as sa

from bitstamp_ledger.ledger._accounts import account_refs
from bitstamp_ledger.ledger._causes import CauseCollector, Item, Step
from bitstamp_ledger.ledger._checkpoints import BalanceCheckpoint
from bitstamp_ledger.ledger._lookup import held_by_id
from bitstamp_ledger.ledger._matching import held_between, row_entry, sort_key
from bitstamp_ledger.ledger._names import Hidden
from bitstamp_ledger.ledger._proof import Cause, Located
from bitstamp_ledger.ledger._records import (
    AccountRef,
    entry_of,
    gone_records,
    record_pages,
    superseded_ids,
)
from bitstamp_ledger.ledger._schema import changes, imports, runs, view_rows
from bitstamp_ledger.model import Entry, exact_difference, exact_sum

_NOTHING: Final = Decimal(0)


def explain(
    connection: sa.Connection,
    account: AccountRef,
    differences: Mapping[str, Decimal],
    checkpoints: Sequence[BalanceCheckpoint],
    hidden: Hidden,
) -> tuple[tuple[Located, ...], tuple[Cause, ...]]:
    """Locate differences, and say what would explain them.

    Args:
        connection: any transaction.
        account: whose balances do not agree.
        differences: stated minus replayed, by currency.
        checkpoints: all balances that were stated so far, the last ones included.
        hidden: what people have hidden.
    """
    if not checkpoints:
        return (), ()
    items = list(_rows(connection, account, hidden))
    arrivals = (
        arrival for arrival in _arrivals(connection, account) if not hidden.hides(arrival[1].id)
    )
    residues = _residues(arrivals, checkpoints, set(differences), items)
    steps = [
        step
        for currency in sorted(differences)
        for step in _steps(currency, [each[currency] for each in residues], checkpoints)
    ]
    collector = CauseCollector(steps, gone=gone_records(connection))
    for item in _in_time(connection, account, items, hidden):
        collector.take(item)
    collector.end()
    collector.take_hidden(
        held.entry for each in hidden.records if (held := held_by_id(connection, each)) is not None
    )
    unread = _unread_accounts(connection)
    causes = [cause for step in steps for cause in collector.causes(step, unread)]
    return tuple(step.located for step in steps), tuple(causes)


# -- where


def _residues(
    arrivals: Iterable[tuple[int, Entry, int]],
    checkpoints: Sequence[BalanceCheckpoint],
    currencies: set[str],
    rows: Sequence[Item],
) -> list[dict[str, Decimal]]:
    """Return the difference at each checkpoint, by today's rules."""
    sums = dict.fromkeys(currencies, _NOTHING)
    found: list[dict[str, Decimal]] = []
    waiting = deque(checkpoints)

    def pass_until(record_id: int | None) -> None:
        while waiting and (record_id is None or waiting[0].record_high < record_id):
            found.append(_residue(waiting.popleft(), sums, rows))

    for record_id, entry, sign in arrivals:
        pass_until(record_id)
        _add(sums, entry, sign)
    pass_until(None)
    return found


def _residue(
    checkpoint: BalanceCheckpoint, sums: Mapping[str, Decimal], rows: Sequence[Item]
) -> dict[str, Decimal]:
    totals = dict(sums)
    for item in rows:
        if item.held_at(checkpoint):
            _add(totals, item.entry, 1)
    return {
        currency: exact_difference(checkpoint.totals.get(currency, _NOTHING), total)
        for currency, total in totals.items()
    }


def _add(sums: dict[str, Decimal], entry: Entry, sign: int) -> None:
    for currency, change in entry.effect.items():
        if currency in sums:
            combine = exact_sum if sign > 0 else exact_difference
            sums[currency] = combine(sums[currency], change)


def _arrivals(connection: sa.Connection, account: AccountRef) -> Iterator[tuple[int, Entry, int]]:
    """Yield what came in, in that order: entries to add, and replaced ones to take off."""
    replaced = superseded_ids(connection)
    successors: dict[int, int] = {}
    for row in connection.execute(sa.select(changes.c.record_id, changes.c.replaced_id)):
        if row.record_id > row.replaced_id:
            successors[row.record_id] = row.replaced_id
    # What was replaced by an older version again counts as if it had never been.
    outlived = set(successors.values())
    for page in record_pages(connection, account):
        for record_id, entry in page:
            if record_id in replaced and record_id not in outlived:
                continue
            if record_id in successors:
                yield record_id, entry_of(connection, account, successors[record_id]), -1
            yield record_id, entry, 1


def _steps(
    currency: str, residues: Sequence[Decimal], checkpoints: Sequence[BalanceCheckpoint]
) -> Iterator[Step]:
    """Yield the changes of a difference that lasted."""
    lasting: list[tuple[Decimal, int]] = [(_NOTHING, -1)]
    for at, value in enumerate(residues):
        if any(value == each for each, _ in lasting):
            while lasting[-1][0] != value:
                lasting.pop()
        else:
            lasting.append((value, at))
    for (before, _), (value, at) in itertools.pairwise(lasting):
        yield Step(
            currency=currency,
            amount=exact_difference(value, before),
            before=checkpoints[at - 1] if at else None,
            after=checkpoints[at],
        )


# -- what counts


def _rows(connection: sa.Connection, account: AccountRef, hidden: Hidden) -> Iterator[Item]:
    first_run = sa.select(imports.c.file_id, sa.func.max(imports.c.run_id).label("run_id"))
    came = {
        row.file_id: row.run_id
        for row in connection.execute(
            first_run.where(imports.c.present == 1).group_by(imports.c.file_id)
        )
    }
    rows = connection.execute(
        sa.select(view_rows).where(view_rows.c.account_id == account.id, view_rows.c.kept == 1)
    )
    for row in rows:
        if not hidden.hides(row.entry_id, row.file_id):
            yield Item(
                entry=row_entry(row.kind, row.data), record_id=None, run_id=came[row.file_id]
            )


def _in_time(
    connection: sa.Connection, account: AccountRef, rows: Sequence[Item], hidden: Hidden
) -> Iterator[Item]:
    """Yield all that counts, in the order of time."""
    waiting = deque(sorted(rows, key=lambda item: sort_key(item.entry)))
    for held in held_between(connection, account):
        while waiting and sort_key(waiting[0].entry) <= sort_key(held.entry):
            yield waiting.popleft()
        if not hidden.hides(held.entry.id):
            yield Item(entry=held.entry, record_id=held.record_id)
    yield from waiting


def _unread_accounts(connection: sa.Connection) -> list[str]:
    read = {
        row.account_id
        for row in connection.execute(
            sa.select(runs.c.account_id).where(runs.c.kind == "sync", runs.c.outcome == "done")
        )
    }
    return [each.name for each in account_refs(connection) if each.id not in read]
