"""Double entry in plain text: which accounts an entry moves, for every program that reads such.

Rules that hold for all of them:

1. Every entry is one transaction that balances by itself, in each currency.  What two facing legs
   exchange is balanced by the total price (``@@``) of the base, never by a rounded unit price.
2. What was held is the sum of the holding accounts, exactly: nothing is rounded or left to the
   program to infer.
3. A record that is not understood is marked with ``!`` and booked against an account of its own.
   An entry without any amount is a comment.
4. Programs keep dates only, so each transaction states its exact time, id and the rest as metadata.
5. Accounts and commodities are declared where they first occur, for the programs' strict checks.
"""

import abc
import datetime as dt
import os
import re
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Final, Protocol, TypeAlias, runtime_checkable

import attrs

from bitstamp_ledger.errors import SinkError
from bitstamp_ledger.model import (
    MAIN_ACCOUNT,
    UTC,
    Account,
    Amount,
    Conversion,
    Deposit,
    Entry,
    Reward,
    Settlement,
    Side,
    StakingMovement,
    Trade,
    Transfer,
    UnknownEntry,
    Withdrawal,
    digest_of,
)
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
from bitstamp_ledger.sinks._row import decimal_text, time_text

_is_account: Final = re.compile(
    r"(Assets|Liabilities|Equity|Income|Expenses)(:[A-Z0-9][A-Za-z0-9-]*)+"
).fullmatch
"""What all programs take for the name of an account."""

_is_component: Final = re.compile(r"[A-Z0-9][A-Za-z0-9-]*").fullmatch
_is_code: Final = re.compile(r"[A-Z0-9][A-Z0-9._-]{0,19}").fullmatch


@attrs.frozen(kw_only=True)
class Accounts:
    """The accounts that entries are booked to.

    Each may hold ``{account}``, the account at the exchange, and ``{currency}``.  Names have the
    shape that all programs take: ``Assets``, ``Liabilities``, ``Equity``, ``Income`` or
    ``Expenses``, then parts of letters, digits and hyphens that begin with a capital or a digit.
    """

    holdings: str = "Assets:Bitstamp:{account}:{currency}"
    """What the exchange holds for you.  Must tell accounts and currencies apart."""

    fees: str = "Expenses:Bitstamp:Fees"
    rewards: str = "Income:Bitstamp:Rewards"
    staking: str = "Assets:Bitstamp-Staking:{account}"
    """Where coins are that went into staking."""

    outside: str = "Equity:Bitstamp:Transfers"
    """Where deposits come from and withdrawals go to."""

    outside_of: Mapping[str, str] = MappingProxyType({})
    """The same for single currencies: ``{"EUR": "Assets:Bank:Checking"}``."""

    between: str = "Equity:Bitstamp:Between-Accounts"
    """Where transfers between accounts at the exchange meet."""

    settlements: str = "Income:Bitstamp:Derivatives"
    unknown: str = "Equity:Bitstamp:Unknown"
    """For what is not understood, and for legs that nothing faces."""

    def __attrs_post_init__(self) -> None:
        patterns = [value for value in attrs.asdict(self).values() if isinstance(value, str)]
        for pattern in (*patterns, *self.outside_of.values()):
            if not _is_account(_filled(pattern, "Main", "BTC")):
                raise ValueError(f"{pattern!r} is no name that all programs take for an account")
        for word in ("{account}", "{currency}"):
            if word not in self.holdings:
                raise ValueError(f"holdings must contain {word}: {self.holdings!r}")


def _filled(pattern: str, account: str, currency: str) -> str:
    return pattern.replace("{account}", account).replace("{currency}", currency)


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


@attrs.frozen(kw_only=True)
class Posting:
    """One line of a transaction."""

    account: str
    amount: Amount
    total: Amount | None = None
    """What it was exchanged for, unsigned."""


@attrs.frozen(kw_only=True)
class Booking:
    """One transaction."""

    date: dt.date
    pending: bool
    """Whether a person should look at it."""

    text: str
    facts: Mapping[str, str]
    """Metadata: names in small letters, values in one line."""

    entry: Entry
    postings: tuple[Posting, ...]


class Books:
    """Turns entries into bookings."""

    def __init__(
        self, accounts: Accounts, zone: dt.tzinfo, commodity: Callable[[str], str]
    ) -> None:
        self._accounts = accounts
        self._zone = zone
        self._commodity = commodity

    def holding(self, account: str, currency: str) -> str:
        """Return the account in which an amount is held."""
        return self._named(self._accounts.holdings, account, currency)

    def booking(self, entry: Entry) -> Booking:
        """Return the transaction of ``entry``; without postings where it states no amount.

        Raises:
            ValueError: a currency has a code that no program takes.
        """
        return Booking(
            date=entry.time.astimezone(self._zone).date(),
            pending=isinstance(entry, UnknownEntry),
            text=_text_of(entry),
            facts=_facts_of(entry),
            entry=entry,
            postings=tuple(self._postings(entry)),
        )

    def _postings(self, entry: Entry) -> Iterator[Posting]:
        exchanged = _exchanged(entry)
        if exchanged is not None:
            base, quote = exchanged
            yield self._held(entry, base, total=abs(quote))
            yield self._held(entry, quote)
        else:
            for leg in entry.legs:
                if leg.value:
                    yield self._held(entry, leg)
                    yield Posting(account=self._counter(entry, leg), amount=-leg)
        fee = entry.fee
        if fee is not None and fee.value:
            yield self._held(entry, -fee)
            account = self._named(self._accounts.fees, entry.account, fee.currency)
            yield Posting(account=account, amount=fee)

    def _held(self, entry: Entry, amount: Amount, *, total: Amount | None = None) -> Posting:
        account = self.holding(entry.account, amount.currency)
        return Posting(account=account, amount=amount, total=total)

    def _counter(self, entry: Entry, leg: Amount) -> str:
        accounts = self._accounts
        match entry:
            case Deposit() | Withdrawal():
                pattern = accounts.outside_of.get(leg.currency, accounts.outside)
            case Transfer():
                pattern = accounts.between
            case StakingMovement():
                pattern = accounts.staking
            case Reward():
                pattern = accounts.rewards
            case Settlement():
                pattern = accounts.settlements
            case _:
                pattern = accounts.unknown
        return self._named(pattern, entry.account, leg.currency)

    def _named(self, pattern: str, account: str, currency: str) -> str:
        if _is_code(currency) is None:
            raise ValueError(f"{currency!r} is no currency code that a program takes")
        return _filled(pattern, component_of(account), _component(self._commodity(currency)))


def _exchanged(entry: Entry) -> tuple[Amount, Amount] | None:
    """Return two legs that face each other, the first to be priced by the second."""
    if not isinstance(entry, Trade | Conversion) or len(entry.legs) != len(("base", "quote")):
        return None
    base, quote = entry.legs
    if isinstance(entry, Conversion) and base.value < 0 < quote.value:
        base, quote = quote, base  # What was bought is priced.
    faces = base.value < 0 <= quote.value or quote.value <= 0 < base.value
    return (base, quote) if faces and base.currency != quote.currency else None


def component_of(account: str) -> str:
    """Return an account's name as a part of a name; other names give other parts."""
    name = Account(account).name
    return "Main" if name == MAIN_ACCOUNT else _component(name)


def _component(name: str) -> str:
    """Return ``name``, or what can be written of it and a digest."""
    if _is_component(name):
        return name
    kept = re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-")[:20]
    return f"X-{kept}-{digest_of([name])[:6]}"


def one_line(text: str) -> str:
    """Return ``text`` in one line of valid Unicode, without what only a terminal understands."""
    valid = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return " ".join("".join(char if char.isprintable() else " " for char in valid).split())


def _text_of(entry: Entry) -> str:
    if isinstance(entry, Trade):
        word = "Buy" if entry.side is Side.BUY else "Sell"
        return f"{word} {entry.base} for {entry.quote}"
    legs = ", ".join(map(str, entry.legs))
    return f"{entry.kind.capitalize()} {legs}".rstrip()


def _facts_of(entry: Entry) -> dict[str, str]:
    facts = {
        "id": entry.id,
        "time": time_text(entry.time),
        "kind": entry.kind,
        "account": entry.account,
        "transaction-id": _optional(entry.transaction_id),
        "type": entry.code or "",
    }
    precision = entry.source.precision
    if precision is not None and precision.time_step > dt.timedelta(microseconds=1):
        facts["time-step"] = f"{precision.time_step.total_seconds():g} s"
    if isinstance(entry, Trade):
        facts["order-id"] = _optional(entry.order_id)
    if isinstance(entry, Trade | Conversion) and entry.price is not None:
        facts["stated-price"] = decimal_text(entry.price)
    if isinstance(entry, Transfer):
        facts["counterparty"] = entry.counterparty or ""
    if entry.fee is not None and not entry.fee.value:
        facts["fee"] = str(entry.fee)
    if isinstance(entry, UnknownEntry):
        facts["reason"] = entry.reason
    lines = {name: one_line(value) for name, value in facts.items()}
    return {name: value for name, value in lines.items() if value}


def _optional(value: int | None) -> str:
    return "" if value is None else str(value)


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
    codes = [leg.currency for leg in entry.legs if leg.value or _exchanged(entry) is not None]
    return codes if entry.fee is None or not entry.fee.value else [*codes, entry.fee.currency]


def _zone_of(name: str) -> dt.tzinfo:
    # Here, since a file whose dates are in UTC needs none of the formats that are read.
    from bitstamp_ledger.files import zone_of  # noqa: PLC0415

    return zone_of(name)
