"""The proof: replaying every leg and every fee must give the balances that the exchange states."""

import datetime as dt
import enum
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Self

import attrs
import msgspec

from bitstamp_ledger._page import Section
from bitstamp_ledger.errors import BitstampLedgerError
from bitstamp_ledger.ledger._shown import proof_notebook, proof_section
from bitstamp_ledger.model import (
    Balance,
    Entry,
    UnknownEntry,
    exact_difference,
    exact_sum,
)


@attrs.frozen(kw_only=True)
class Difference:
    """One currency in which the replay and the exchange disagree."""

    currency: str
    stated: Decimal | None
    """What the exchange states; None where it states nothing for this currency."""

    replayed: Decimal
    amount: Decimal
    """Stated minus replayed: what the entries lack, or, if negative, hold too much."""


class CauseKind(enum.Enum):
    """What can be behind a difference."""

    UNSTATED_FEE = "a fee that no entry states"
    MISSING_DEPOSIT = "something that came in is missing"
    MISSING_WITHDRAWAL = "something that went out is missing"
    EARN = "funds in Earn"
    SUB_ACCOUNT_TRANSFER = "a transfer between accounts"
    UNREAD_SUB_ACCOUNT = "an account that was never read"
    UNKNOWN_TYPE = "a record that is not understood"
    EXTRA_ENTRY = "an entry too many"
    WRONG_SIGN = "an entry the wrong way round"
    FILE_ROW = "a row of a file that the exchange does not know"
    HIDDEN = "an entry that was hidden"
    VANISHED = "an entry that the exchange lists no more"


@attrs.frozen(kw_only=True)
class Cause:
    """One thing that would explain a difference to the last digit."""

    kind: CauseKind
    currency: str
    amount: Decimal
    """How much of the difference it would explain."""

    entries: tuple[str, ...] = ()
    """Entries to look at, by identity; no more than a handful."""

    text: str
    """In words for a person."""


@attrs.frozen(kw_only=True)
class Located:
    """Between which two moments a difference came about."""

    currency: str
    amount: Decimal
    """How much of it came about here."""

    since: dt.datetime | None
    """When the balances were last known without it; None where they never were."""

    until: dt.datetime
    """When the balances were first known with it."""

    entries_since: dt.datetime | None
    """The newest entry that was held at ``since``; what is wrong hardly lies before it."""

    entries_until: dt.datetime | None
    """The newest entry that was held at ``until``."""

    first_negative: dt.datetime | None = None
    """When the entries first add up to less than nothing, which no account can hold."""

    nearby: tuple[str, ...] = ()
    """Entries around that moment, or else the last ones of the window, by identity."""


@attrs.frozen(kw_only=True)
class CurrencyProof:
    """One currency: what was replayed, what is stated, and the residue."""

    currency: str
    replayed: Decimal
    stated: Decimal | None
    residue: Decimal
    """Stated minus replayed."""


@attrs.frozen(kw_only=True)
class Proof:
    """Whether the entries explain the balances, exactly.

    Two proofs are equal if they found the same; when does not count.
    """

    holds: bool
    differences: tuple[Difference, ...]
    balances: Mapping[str, Decimal] = attrs.field(hash=False)
    """What the replay gives, by currency, zeros left out."""

    entries: int
    """How many entries were replayed."""

    without_fee: int
    """How many of them do not state a fee; a fee that was paid and not stated would show as a
    difference."""

    unknown: int
    """How many of them are not understood; their legs were replayed as stated."""

    account: str | None = None
    """Whose balances; None where loose entries were compared."""

    steady: bool = True
    """Whether the balances were the same before and after the entries were read; a proof that
    could not get that does not hold."""

    currencies: tuple[CurrencyProof, ...] = ()
    located: tuple[Located, ...] = ()
    """Where each difference came about; known where a ledger kept earlier balances."""

    causes: tuple[Cause, ...] = ()
    """What would explain it; several can fit."""

    read_at: dt.datetime | None = attrs.field(default=None, eq=False)
    """When the balances were read."""

    def section(self) -> Section:
        """Return the proof as a part of a page: what was compared, and what would explain it."""
        return proof_section(self)

    def _repr_html_(self) -> str:
        return proof_notebook(self)

    def to_json(self) -> str:
        """Return the proof as JSON; `from_json` reads it back."""
        return msgspec.json.encode(self, order="sorted").decode()

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Read what `to_json` wrote.

        Raises:
            BitstampLedgerError: it is no proof.
        """
        try:
            return msgspec.json.decode(text, type=cls)
        except (msgspec.DecodeError, UnicodeError, ValueError, RecursionError) as exc:
            raise BitstampLedgerError(
                f"Not a proof: {exc}.", hint="Give what Proof.to_json() wrote."
            ) from None


def replay(entries: Iterable[Entry]) -> dict[str, Decimal]:
    """Return what entries add up to, by currency, exactly; zeros are left out.

    Source: docs/facts/exchange.md, "Balance effect".
    """
    totals: dict[str, Decimal] = {}
    for entry in entries:
        for currency, change in entry.effect.items():
            totals[currency] = exact_sum(totals.get(currency, Decimal(0)), change)
    return {currency: total for currency, total in sorted(totals.items()) if total}


def prove(entries: Iterable[Entry], balances: Iterable[Balance]) -> Proof:
    """Compare the replay of ``entries`` with the balances that the exchange states.

    There is no tolerance.  Balances and entries are read at different instants; a proof means most
    when the balances were the same before and after the entries were read.

    Args:
        entries: the whole history of one account, from its first record on.
        balances: what the exchange states for that account; a currency that it does not list must
            come out as zero, and one that it lists twice counts twice.
    """
    replayed_entries = tuple(entries)
    stated: dict[str, Decimal] = {}
    for balance in balances:
        before = stated.get(balance.currency, Decimal(0))
        stated[balance.currency] = exact_sum(before, balance.total)
    return compared(
        replay(replayed_entries),
        stated,
        entries=len(replayed_entries),
        without_fee=sum(entry.fee is None for entry in replayed_entries),
        unknown=sum(isinstance(entry, UnknownEntry) for entry in replayed_entries),
    )


def compared(
    replayed: Mapping[str, Decimal],
    stated: Mapping[str, Decimal],
    *,
    entries: int,
    without_fee: int,
    unknown: int,
) -> Proof:
    """Compare what entries add up to with what is stated, currency by currency."""
    found = []
    for currency in sorted(stated.keys() | replayed.keys()):
        mine, theirs = replayed.get(currency, Decimal(0)), stated.get(currency)
        gap = exact_difference(theirs if theirs is not None else Decimal(0), mine)
        if mine or theirs:
            found.append(
                CurrencyProof(currency=currency, replayed=mine, stated=theirs, residue=gap)
            )
    differences = tuple(
        Difference(
            currency=each.currency, stated=each.stated, replayed=each.replayed, amount=each.residue
        )
        for each in found
        if each.residue
    )
    return Proof(
        holds=not differences,
        differences=differences,
        balances=dict(replayed),
        entries=entries,
        without_fee=without_fee,
        unknown=unknown,
        currencies=tuple(found),
    )
