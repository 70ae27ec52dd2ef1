"""One transaction an entry, for every program that reads double entry in plain text.

What a transaction is (`bitstamp_ledger.sinks._bookings`) is the same for all.  Here:

1. A record that is not understood is marked with ``!``.  An entry without any amount is a comment.
2. Accounts and commodities are declared where they first occur, for the programs' strict checks.
"""

import abc
import datetime as dt
import os
from collections.abc import Mapping
from decimal import Decimal
from typing import Protocol, TypeAlias, runtime_checkable

import attrs

from bitstamp_ledger.errors import SinkError
from bitstamp_ledger.model import MAIN_ACCOUNT, UTC, Account, Amount, Entry
from bitstamp_ledger.sinks._bookings import Accounts, Booking, Books, exchanged_in
from bitstamp_ledger.sinks._contract import (
    Batch,
    Capabilities,
    Checkpoint,
    Completed,
    Outcome,
    Receipt,
    RunInfo,
)
from bitstamp_ledger.sinks._file_sink import FileSink


@runtime_checkable
class StatesBalances(Protocol):
    """What a proof is here: balances by currency, of one account, read at an instant."""

    @property
    def balances(self) -> Mapping[str, Decimal]:
        """What is held, zeros left out."""

    @property
    def account(self) -> str | None:
        """Whose; None for the main account."""

    @property
    def read_at(self) -> dt.datetime | None:
        """When."""


Balances: TypeAlias = Mapping[str, Decimal] | StatesBalances
"""What an account holds at the end: by currency, or a `bitstamp_ledger.Proof`."""


@attrs.frozen
class _Declared:
    """What was declared so far, and until when entries go; replaced, never changed."""

    accounts: frozenset[str] = frozenset()
    commodities: frozenset[str] = frozenset()
    holdings: tuple[tuple[str, str], ...] = ()
    """The accounts and currencies that were held, in the order of their appearance."""

    newest: dt.date | None = None


class PlainTextSink(FileSink):
    """Writes one transaction an entry, anew in every run.

    Args:
        path: the file.
        accounts: where entries are booked.
        timezone: the zone whose dates the transactions bear: its name, or the zone itself.
        balances: what the account holds at the end, such as a proof.  The program then checks
            every currency in the file against it, and reports what differs.

    Raises:
        SinkError: an account or a zone has no usable name, or balances are no balances.
    """

    capabilities = Capabilities(decimals="text")

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        accounts: Accounts | Mapping[str, object] | None = None,
        timezone: str | dt.tzinfo = UTC,
        balances: Balances | None = None,
    ) -> None:
        super().__init__(path)
        self._accounts = self._accounts_of(accounts)
        zone = timezone if isinstance(timezone, dt.tzinfo) else _zone_of(timezone)
        self._books = Books(self._accounts, zone, self._commodity)
        self._zone = zone
        if balances is not None and not isinstance(balances, Mapping | StatesBalances):
            raise SinkError(
                f"A {type(balances).__name__} states no balances.",
                sink=self.name,
                hint="Pass a proof, or a mapping of currencies to amounts.",
            )
        self._balances = balances
        self._declared = _Declared()

    def _accounts_of(self, given: Accounts | Mapping[str, object] | None) -> Accounts:
        if isinstance(given, Accounts):
            return given
        try:
            return Accounts(**(given or {}))  # type: ignore[arg-type]  # it checks them
        except (TypeError, ValueError, AttributeError) as exc:
            raise SinkError(
                f"These accounts cannot be used: {exc}.",
                sink=self.name,
                hint="See bitstamp_ledger.sinks.beancount.Accounts for what there is.",
            ) from exc

    @abc.abstractmethod
    def _commodity(self, currency: str) -> str:
        """The program's name of a currency."""

    @abc.abstractmethod
    def _commodity_lines(self, currency: str) -> str:
        """Declare a currency."""

    @abc.abstractmethod
    def _account_lines(self, account: str) -> str:
        """Declare an account."""

    @abc.abstractmethod
    def _transaction(self, booking: Booking) -> str:
        """One transaction."""

    @abc.abstractmethod
    def _assertions(self, date: dt.date, stated: Mapping[str, Amount]) -> str:
        """Check balances by account, at the beginning of ``date`` or at its end."""

    def open(self, run: RunInfo) -> Checkpoint | None:
        """Begin a new file."""
        self._declared = _Declared()
        return super().open(run)

    def write(self, batch: Batch) -> Receipt:
        """Add the entries of ``batch``, or none of them."""
        before = self._declared
        try:
            return super().write(batch)
        except BaseException:
            self._declared = before
            raise

    def close(self, outcome: Outcome) -> None:
        """Add what is to be checked, and put the file in its place."""
        if isinstance(outcome, Completed) and self._balances is not None:
            self._add_checks(self._balances)
        super().close(outcome)

    def _add_checks(self, balances: Balances) -> None:
        replacement = self._opened()
        try:
            replacement.write(self._checks(balances).encode())
        except BaseException as exc:
            self._replacement = None
            replacement.abandon()
            if not isinstance(exc, ValueError):
                raise
            raise SinkError(
                f"The balances cannot be written to {self._path}: {exc}.",
                sink=self.name,
                hint="Leave that currency out of balances=.",
            ) from exc

    def _encoded(self, entry: Entry) -> bytes:
        booking = self._books.booking(entry)
        if not booking.postings:
            facts = "; ".join(f"{name} {value}" for name, value in booking.facts.items())
            return f"; States no amount: {facts}\n\n".encode()
        declared = self._declared
        codes = {
            amount.currency: None
            for posting in booking.postings
            for amount in (posting.amount, posting.total)
            if amount is not None
        }
        held = [(entry.account, code) for code in _held_codes(entry)]
        text = self._declarations([each.account for each in booking.postings], list(codes))
        self._declared = attrs.evolve(
            self._declared,
            holdings=tuple(dict.fromkeys([*declared.holdings, *held])),
            newest=max(booking.date, declared.newest or booking.date),
        )
        return f"{text}{self._transaction(booking)}\n".encode()

    def _declarations(self, accounts: list[str], codes: list[str]) -> str:
        declared = self._declared
        new_codes = [code for code in codes if code not in declared.commodities]
        new_accounts = [name for name in dict.fromkeys(accounts) if name not in declared.accounts]
        if not new_codes and not new_accounts:
            return ""
        self._declared = attrs.evolve(
            declared,
            accounts=declared.accounts.union(new_accounts),
            commodities=declared.commodities.union(new_codes),
        )
        lines = [self._commodity_lines(code) for code in new_codes]
        lines += [self._account_lines(name) for name in new_accounts]
        return "".join([*lines, "\n"])

    def _checks(self, balances: Balances) -> str:
        if isinstance(balances, StatesBalances):
            stated, account, read_at = balances.balances, balances.account, balances.read_at
        else:
            stated, account, read_at = balances, None, None
        own = Account(account or MAIN_ACCOUNT).name
        held = [code for name, code in self._declared.holdings if Account(name).name == own]
        codes = sorted({*held, *stated})
        if not codes:
            return ""
        dates = [self._declared.newest, read_at and read_at.astimezone(self._zone).date()]
        known = [date for date in dates if date is not None]
        date = max(known) if known else dt.date(1970, 1, 1)
        amounts = {
            self._books.holding(own, code): Amount(stated.get(code, Decimal(0)), code)
            for code in codes
        }
        return self._declarations(list(amounts), codes) + self._assertions(
            date + dt.timedelta(days=1), amounts
        )


def _held_codes(entry: Entry) -> list[str]:
    codes = [leg.currency for leg in entry.legs if leg.value or exchanged_in(entry) is not None]
    return codes if entry.fee is None or not entry.fee.value else [*codes, entry.fee.currency]


def _zone_of(name: str) -> dt.tzinfo:
    # Here, since a file whose dates are in UTC needs none of the formats that are read.
    from bitstamp_ledger.files import zone_of  # noqa: PLC0415

    return zone_of(name)
