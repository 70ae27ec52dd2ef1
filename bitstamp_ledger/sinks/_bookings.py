"""Which accounts an entry moves, by double entry, before any program's own spelling.

Rules:

1. Every entry is one transaction that balances by itself, in each currency.  What two facing legs
   exchange is balanced by the total price of the base, never by a rounded unit price.
2. What was held is the sum of the holding accounts, exactly: nothing is rounded or left to the
   program to infer.
3. A record that is not understood is booked against an account of its own.
4. Programs keep dates only, so each transaction states its exact time, id and the rest as facts.
"""

import datetime as dt
import re
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Final

import attrs

from bitstamp_ledger.model import (
    MAIN_ACCOUNT,
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
from bitstamp_ledger.sinks._one_line import escaped, plain
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
        exchanged = exchanged_in(entry)
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


def exchanged_in(entry: Entry) -> tuple[Amount, Amount] | None:
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


def _text_of(entry: Entry) -> str:
    if isinstance(entry, Trade):
        word = "Buy" if entry.side is Side.BUY else "Sell"
        return f"{word} {entry.base} for {entry.quote}"
    legs = ", ".join(map(str, entry.legs))
    return f"{entry.kind.capitalize()} {legs}".rstrip()


def _facts_of(entry: Entry) -> dict[str, str]:
    facts = {
        "id": escaped(entry.id),
        "time": time_text(entry.time),
        "kind": entry.kind,
        "account": escaped(entry.account),
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
        facts["counterparty"] = escaped(entry.counterparty or "")
    if entry.fee is not None and not entry.fee.value:
        facts["fee"] = str(entry.fee)
    if isinstance(entry, UnknownEntry):
        facts["reason"] = entry.reason
    lines = {name: plain(value) for name, value in facts.items()}
    return {name: value for name, value in lines.items() if value}


def _optional(value: int | None) -> str:
    return "" if value is None else str(value)
