"""Addresses, networks and hashes for deposits and withdrawals, joined from other endpoints.

1. Facts only: an entry is never changed, and no amount is taken from here.
2. A row belongs to an entry if currency and direction agree, the amounts agree with or without the
   fee, and the times are within an hour (docs/facts/exchange.md, "Crypto transactions").
3. One row to one entry.  Where several could be meant, a number or a hash that both state decides;
   otherwise nothing is joined, and all of them are reported.  Rows that say the same are as good as
   one another.
"""

import datetime as dt
import enum
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Context, Decimal
from types import MappingProxyType
from typing import Final, Generic, TypeVar

import attrs

from bitstamp_ledger.api._movements import CryptoKind, CryptoTransaction, WithdrawalRequest
from bitstamp_ledger.api._not_available import NotAvailable
from bitstamp_ledger.model import Deposit, Entry, Withdrawal, exact_difference

Row = CryptoTransaction | WithdrawalRequest
RowT = TypeVar("RowT", CryptoTransaction, WithdrawalRequest)

APART_MAX: Final = dt.timedelta(hours=1)
"""docs/facts/exchange.md, "Crypto transactions"."""

FLOAT_STEP: Final = Decimal("2.3E-16")
"""A number printed through a binary float stands for all within this part of it."""

_WIDE: Final = Context(prec=200)

ROUNDS: Final = 2
"""What one kind of rows decides can decide for the other; once more is enough for both."""


class AmountRule(enum.Enum):
    """What of an entry the amount of a row is."""

    LEG = "the leg, the fee apart"
    EFFECT = "what the balance changed by, the fee included"


@attrs.frozen(kw_only=True)
class ChainDetails:
    """Where the coins of one entry came from or went to, and who says so."""

    entry_id: str
    address: str | None
    network: str | None
    chain_hash: str | None
    crypto_transaction: CryptoTransaction | None = attrs.field(default=None, repr=False)
    crypto_rule: AmountRule | None = None
    withdrawal_request: WithdrawalRequest | None = attrs.field(default=None, repr=False)
    request_rule: AmountRule | None = None
    contradictions: tuple[str, ...] = ()
    """Names of the details that the two rows state differently; these are None."""


@attrs.frozen(kw_only=True)
class AmbiguousJoin:
    """Entries and rows that fit each other in more than one way; nothing was joined."""

    entries: tuple[Entry, ...]
    rows: tuple[Row, ...]


@attrs.frozen(kw_only=True)
class Enrichment:
    """What was joined, and what was not.

    Every row is in exactly one place: in ``details``, in ``ambiguous`` or in ``rows_left``.
    """

    details: Mapping[str, ChainDetails]
    """By ``Entry.id``."""

    ambiguous: tuple[AmbiguousJoin, ...]
    entries_left: tuple[Entry, ...]
    """Deposits and withdrawals that no row fits, in currencies that some row names."""

    rows_left: tuple[Row, ...]
    """Rows that fit no entry: pending, rejected, of a time that was not read, or not understood."""

    not_available: tuple[NotAvailable, ...]
    """Endpoints that could not be read; their rows are missing here."""

    def __str__(self) -> str:
        return (
            f"{len(self.details)} joined, {len(self.ambiguous)} ambiguous, "
            f"{len(self.entries_left)} entries and {len(self.rows_left)} rows left"
        )


def enrich(
    entries: Iterable[Entry],
    crypto_transactions: Iterable[CryptoTransaction] | NotAvailable = (),
    withdrawal_requests: Iterable[WithdrawalRequest] | NotAvailable = (),
) -> Enrichment:
    """Join address, network and chain hash to deposits and withdrawals.

    Args:
        entries: of one account; everything but deposits and withdrawals is passed over.
        crypto_transactions: what the client's method of that name returned.
        withdrawal_requests: what the client's method of that name returned.

    Returns:
        What was joined and what was not; the entries themselves stay as they are.
    """
    given = (crypto_transactions, withdrawal_requests)
    refused = tuple(each for each in given if isinstance(each, NotAvailable))
    cryptos = _rows_of(crypto_transactions)
    requests = _rows_of(withdrawal_requests)
    movements = list({each.id: each for each in entries if _is_movement(each)}.values())
    crypto_join = _Join(rows=cryptos, edges=_edges(movements, cryptos))
    request_join = _Join(rows=requests, edges=_edges(movements, requests))
    request_join.settle(_names_the_record)
    for _ in range(ROUNDS):
        crypto_join.settle(_same_hash(request_join))
        request_join.settle(_same_hash(crypto_join))
    return _result(movements, crypto_join, request_join, refused)


def _rows_of(rows: Iterable[RowT] | NotAvailable) -> list[RowT]:
    return [] if isinstance(rows, NotAvailable) else list(rows)


def _is_movement(entry: Entry) -> bool:
    return isinstance(entry, Deposit | Withdrawal) and len(entry.legs) == 1


@attrs.frozen(kw_only=True)
class _Edge:
    """An entry and a row that could belong together."""

    entry: Entry
    row_index: int
    rule: AmountRule


@attrs.define(kw_only=True)
class _Join(Generic[RowT]):
    """Which rows of one kind belong to which entries."""

    rows: list[RowT]
    edges: list[_Edge]
    joined: dict[str, tuple[RowT, AmountRule]] = attrs.field(factory=dict, init=False)
    """By the entry's id."""

    taken: set[int] = attrs.field(factory=set, init=False)
    """Indices of the rows that are joined."""

    def settle(self, proves: Callable[[Entry, Row], bool]) -> None:
        """Join what is certain, given that ``proves`` shows which belong together."""
        self._drop_disproved(proves)
        for group in self.groups():
            for edge in _certain(group, self.rows):
                self.joined[edge.entry.id] = self.rows[edge.row_index], edge.rule
                self.taken.add(edge.row_index)
        self.edges = list(self._open_edges())

    def groups(self) -> Iterator[list[_Edge]]:
        """Return what is undecided, apart where nothing connects it."""
        return _connected(self.edges)

    def _drop_disproved(self, proves: Callable[[Entry, Row], bool]) -> None:
        proved = [edge for edge in self.edges if proves(edge.entry, self.rows[edge.row_index])]
        entries = {edge.entry.id for edge in proved}
        rows = {edge.row_index for edge in proved}
        self.edges = proved + [
            edge
            for edge in self.edges
            if edge.entry.id not in entries and edge.row_index not in rows
        ]

    def _open_edges(self) -> Iterator[_Edge]:
        return (
            edge
            for edge in self.edges
            if edge.entry.id not in self.joined and edge.row_index not in self.taken
        )


def _names_the_record(entry: Entry, row: Row) -> bool:
    """Say whether a request names the record; that its number is the record's is not certain.

    By chance it would not be, with the same amount within the same hour.
    """
    return (
        isinstance(row, WithdrawalRequest)
        and row.internal_id is not None
        and row.internal_id == entry.transaction_id
    )


def _same_hash(other: "_Join[RowT]") -> Callable[[Entry, Row], bool]:
    hashes = {entry_id: row.chain_hash for entry_id, (row, _) in other.joined.items()}

    def proves(entry: Entry, row: Row) -> bool:
        return row.chain_hash is not None and row.chain_hash == hashes.get(entry.id)

    return proves


def _edges(entries: Sequence[Entry], rows: Sequence[Row]) -> list[_Edge]:
    by_currency: dict[str, list[tuple[dt.datetime, int]]] = {}
    for index, row in enumerate(rows):
        if row.currency is not None:
            by_currency.setdefault(row.currency, []).append((row.time, index))
    for times in by_currency.values():
        times.sort()
    edges = []
    for entry in entries:
        times = by_currency.get(entry.legs[0].currency, [])
        first = bisect_left(times, (entry.time - APART_MAX, 0))
        last = bisect_right(times, (entry.time + APART_MAX, len(rows)))
        for _, index in times[first:last]:
            rule = _rule_of(entry, rows[index])
            if rule is not None:
                edges.append(_Edge(entry=entry, row_index=index, rule=rule))
    return edges


def _rule_of(entry: Entry, row: Row) -> AmountRule | None:
    """Return how the amounts agree; None where they do not, or where the directions differ."""
    if not _may_go_with(entry, row):
        return None
    (leg,) = entry.legs
    if _agree(leg.value, row):
        return AmountRule.LEG
    return AmountRule.EFFECT if _agree(entry.effect[leg.currency], row) else None


def _may_go_with(entry: Entry, row: Row) -> bool:
    if isinstance(row, WithdrawalRequest):
        return isinstance(entry, Withdrawal)
    match row.kind:
        case CryptoKind.DEPOSIT:
            return isinstance(entry, Deposit)
        case CryptoKind.WITHDRAWAL:
            return isinstance(entry, Withdrawal)
        case CryptoKind.IOU:
            return True


def _agree(booked: Decimal, row: Row) -> bool:
    """Say whether a row can mean a booked amount: exactly, unless a float printed the row's."""
    booked, stated = booked.copy_abs(), row.amount.copy_abs()
    if isinstance(row, WithdrawalRequest):
        return stated == booked
    apart = exact_difference(stated, booked).copy_abs()
    return apart <= _WIDE.multiply(booked, FLOAT_STEP)


def _connected(edges: Sequence[_Edge]) -> Iterator[list[_Edge]]:
    """Yield the edges in groups that share no entry and no row, in the order of their entries."""
    group_of_entry: dict[str, list[_Edge]] = {}
    group_of_row: dict[int, list[_Edge]] = {}
    for edge in edges:
        found = group_of_entry.get(edge.entry.id) or []
        other = group_of_row.get(edge.row_index) or []
        merged = [*found, *(other if other is not found else []), edge]
        for each in merged:
            group_of_entry[each.entry.id] = group_of_row[each.row_index] = merged
    seen: set[int] = set()
    for group in group_of_entry.values():
        if id(group) not in seen:
            seen.add(id(group))
            yield group


def _certain(group: Sequence[_Edge], rows: Sequence[Row]) -> list[_Edge]:
    """Return the edges of a group that must be right; none where several assignments differ.

    Rows that state the same are as good as one another, if there are enough of them.
    """
    edge_at = {(edge.entry.id, edge.row_index): edge for edge in group}
    entry_ids = list(dict.fromkeys(edge.entry.id for edge in group))
    indices = list(dict.fromkeys(edge.row_index for edge in group))
    one_story = len({_story(rows[index]) for index in indices}) == 1
    complete = len(edge_at) == len(entry_ids) * len(indices)
    if not (one_story and complete and len(entry_ids) <= len(indices)):
        return []
    return [edge_at[pair] for pair in zip(entry_ids, indices, strict=False)]


def _story(row: Row) -> tuple[str | None, ...]:
    return row.address, row.network, row.chain_hash


def _result(
    movements: Sequence[Entry],
    crypto_join: _Join[CryptoTransaction],
    request_join: _Join[WithdrawalRequest],
    not_available: tuple[NotAvailable, ...],
) -> Enrichment:
    details = {}
    for entry in movements:
        crypto = crypto_join.joined.get(entry.id)
        request = request_join.joined.get(entry.id)
        if crypto or request:
            details[entry.id] = _details(entry, crypto, request)
    ambiguous = (*_ambiguous(crypto_join), *_ambiguous(request_join))
    doubtful = {entry.id for join in ambiguous for entry in join.entries}
    currencies: set[str | None] = {row.currency for row in crypto_join.rows}
    currencies.update(row.currency for row in request_join.rows)
    return Enrichment(
        details=MappingProxyType(details),
        ambiguous=ambiguous,
        entries_left=tuple(
            entry
            for entry in movements
            if entry.id not in details
            and entry.id not in doubtful
            and entry.legs[0].currency in currencies
        ),
        rows_left=(*_left(crypto_join), *_left(request_join)),
        not_available=not_available,
    )


def _details(
    entry: Entry,
    crypto: tuple[CryptoTransaction, AmountRule] | None,
    request: tuple[WithdrawalRequest, AmountRule] | None,
) -> ChainDetails:
    crypto_row, crypto_rule = crypto or (None, None)
    request_row, request_rule = request or (None, None)
    facts: dict[str, str | None] = {}
    contradictions = []
    for name in ("address", "network", "chain_hash"):
        stated = {
            value
            for row in (crypto_row, request_row)
            if (value := getattr(row, name, None)) is not None
        }
        facts[name] = stated.pop() if len(stated) == 1 else None
        if stated:
            contradictions.append(name)
    return ChainDetails(
        entry_id=entry.id,
        address=facts["address"],
        network=facts["network"],
        chain_hash=facts["chain_hash"],
        crypto_transaction=crypto_row,
        crypto_rule=crypto_rule,
        withdrawal_request=request_row,
        request_rule=request_rule,
        contradictions=tuple(contradictions),
    )


def _ambiguous(join: _Join[RowT]) -> tuple[AmbiguousJoin, ...]:
    return tuple(
        AmbiguousJoin(
            entries=tuple({edge.entry.id: edge.entry for edge in group}.values()),
            rows=tuple(
                join.rows[index] for index in dict.fromkeys(edge.row_index for edge in group)
            ),
        )
        for group in join.groups()
    )


def _left(join: _Join[RowT]) -> Iterator[Row]:
    doubtful = {edge.row_index for edge in join.edges}
    for index, row in enumerate(join.rows):
        if index not in join.taken and index not in doubtful:
            yield row
