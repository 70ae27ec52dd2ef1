"""Ledger entries: one frozen class per kind.

Rules that hold for every kind:

1. ``legs`` are signed from the account holder's side, and never contain the fee.
2. The effect on the balances is the legs minus the fee (docs/facts/exchange.md, "Balance effect").
3. What was not stated is None, never zero.
"""

import datetime as dt
import enum
import hashlib
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import ClassVar, Final

import attrs
import msgspec

from bitstamp_ledger.model._accounts import MAIN_ACCOUNT
from bitstamp_ledger.model._amounts import Amount, exact, exact_difference, exact_sum
from bitstamp_ledger.model._instants import utc
from bitstamp_ledger.model._sources import Source


class Side(enum.Enum):
    """Which way a trade went, seen from its base currency."""

    BUY = "buy"
    SELL = "sell"


def _optional_exact(value: object) -> Decimal | None:
    return None if value is None else exact(value)


def _not_negative(_: object, attribute: "attrs.Attribute[Amount | None]", fee: object) -> None:
    if isinstance(fee, Amount) and fee.value < 0:
        raise ValueError(f"{attribute.name} must not be negative: {fee}")


@attrs.frozen(kw_only=True)
class Entry:
    """One event that changed the account, as one source states it.

    Not built directly: every entry is one of the kinds below.
    """

    kind: ClassVar[str] = "entry"
    """The kind's name in exports and reports."""

    id: str
    """Stable identity, independent of the API key and of when it was read."""

    transaction_id: int | None = None
    """The exchange's own id, where the source states it."""

    time: dt.datetime = attrs.field(converter=utc)
    """UTC; for a row that is less precise than its event, the start of what it states."""

    legs: tuple[Amount, ...] = ()
    """Signed amounts, the fee not included."""

    fee: Amount | None = attrs.field(default=None, validator=_not_negative)
    """Positive or zero, paid on top of the legs; None where it was not stated."""

    account: str = MAIN_ACCOUNT
    """The main account or the sub-account's name."""

    code: str | None = None
    """The type as the source states it: ``"2"`` by the API, ``"Market"`` in a file."""

    source: Source = attrs.field(factory=Source)

    @property
    def effect(self) -> dict[str, Decimal]:
        """What the entry did to the balances, by currency: its legs minus its fee."""
        total: dict[str, Decimal] = {}
        for leg in self.legs:
            total[leg.currency] = exact_sum(total.get(leg.currency, Decimal(0)), leg.value)
        if self.fee is not None:
            currency = self.fee.currency
            total[currency] = exact_difference(total.get(currency, Decimal(0)), self.fee.value)
        return total

    def __str__(self) -> str:
        parts = [f"{self.time:%Y-%m-%d %H:%M:%S}", self.kind, *map(str, self.legs)]
        if self.fee is not None:
            parts.append(f"fee {self.fee}")
        return "  ".join(parts)


@attrs.frozen(kw_only=True)
class Trade(Entry):
    """One execution of an order.  Its legs are the base, then the quote."""

    kind: ClassVar[str] = "trade"

    price: Decimal | None = attrs.field(default=None, converter=_optional_exact)
    """So much of the quote currency for one of the base, as stated; never recomputed."""

    order_id: int | None = None
    """The order that was filled; several trades may share it."""

    self_trade: bool | None = None
    """Whether the exchange says that both sides were this user's; None where it does not say."""

    legs: tuple[Amount, ...] = attrs.field()

    @legs.validator
    def _two_legs(self, attribute: "attrs.Attribute[tuple[Amount, ...]]", legs: object) -> None:
        if not isinstance(legs, tuple) or len(legs) != 2:  # noqa: PLR2004 - the rule itself
            raise ValueError(f"{attribute.name} of a trade are base and quote, not {legs!r}")

    @property
    def side(self) -> Side:
        """Whether the base was bought or sold."""
        base, quote = self.legs
        bought = base.value > 0 or (base.value == 0 and quote.value < 0)
        return Side.BUY if bought else Side.SELL

    @property
    def base(self) -> Amount:
        """How much was bought or sold, unsigned."""
        return abs(self.legs[0])

    @property
    def quote(self) -> Amount:
        """What it cost or brought, unsigned, without the fee."""
        return abs(self.legs[1])


@attrs.frozen(kw_only=True)
class Deposit(Entry):
    """Money or coins that came in.  The leg is gross; a fee is on top."""

    kind: ClassVar[str] = "deposit"


@attrs.frozen(kw_only=True)
class Withdrawal(Entry):
    """Money or coins that went out.  The leg is what left for the receiver; a fee is on top."""

    kind: ClassVar[str] = "withdrawal"


@attrs.frozen(kw_only=True)
class Transfer(Entry):
    """A move between accounts of one owner; the sign of the leg is the direction."""

    kind: ClassVar[str] = "transfer"

    counterparty: str | None = None
    """The other account's name, where the source states it."""


@attrs.frozen(kw_only=True)
class StakingMovement(Entry):
    """Coins that went into staking or came back; the sign of the leg is the direction."""

    kind: ClassVar[str] = "staking"


@attrs.frozen(kw_only=True)
class Reward(Entry):
    """Coins or money given by the exchange: staking rewards, referral rewards."""

    kind: ClassVar[str] = "reward"


@attrs.frozen(kw_only=True)
class Conversion(Entry):
    """One currency turned into another without an order: simple buys, small balances."""

    kind: ClassVar[str] = "conversion"

    price: Decimal | None = attrs.field(default=None, converter=_optional_exact)
    """The stated rate, where there is one."""


@attrs.frozen(kw_only=True)
class Settlement(Entry):
    """A settlement of derivatives: profit or loss, insurance fund, collateral."""

    kind: ClassVar[str] = "settlement"


@attrs.frozen(kw_only=True)
class UnknownEntry(Entry):
    """A record that this version does not understand, kept whole in ``source.raw``.

    Its legs are what the record states, so they take part in the balance proof.
    """

    kind: ClassVar[str] = "unknown"

    reason: str
    """Why it was not understood, in words."""


ENTRY_KINDS: tuple[type[Entry], ...] = (
    Trade,
    Deposit,
    Withdrawal,
    Transfer,
    StakingMovement,
    Reward,
    Conversion,
    Settlement,
    UnknownEntry,
)


# Decimals as numbers: 1.5e1 is written again as 15, and must have the same digest when read again.
_CANONICAL: Final = msgspec.json.Encoder(decimal_format="number", order="deterministic")


def digest_of(content: Mapping[str, object] | list[object]) -> str:
    """Return a short digest of JSON-like ``content`` that does not depend on the order of keys."""
    return hashlib.sha256(_CANONICAL.encode(content)).hexdigest()[:20]


def record_identity(account: str, family: str, transaction_id: int) -> str:
    """Return the identity of a record of the exchange.

    Args:
        account: the account's name.
        family: the kind family, such as ``trade``; records of different families may share an id.
        transaction_id: the exchange's id.
    """
    return f"{account}/{family}/{transaction_id}"


def row_identity(account: str, family: str, digest: str, occurrence: int) -> str:
    """Return the identity of a row of a file.

    Args:
        account: the account's name.
        family: the kind family, such as ``trade``.
        digest: of the row's content, so that it survives a re-saved or renamed file.
        occurrence: 1 for the first row of this content in its file, 2 for its first repeat.
    """
    return f"{account}/{family}/row-{digest}-{occurrence}"


NAME_DIGITS: Final = 12
"""So many digits of a file's digest tell its rows from equal rows of other files."""

_specific: Final = re.compile(
    rf"(.*/row-[0-9a-f]+-[0-9]+)@([0-9a-f]{{{NAME_DIGITS}}})(?:-[0-9]+)?", re.DOTALL
).fullmatch


def row_name(identity: str, rows_digest: str) -> str:
    """Return the name of one row among equal rows of several files: ``<identity>@<digits>``.

    Args:
        identity: what `row_identity` returned, or a name like this one.
        rows_digest: of all rows of its file; see ``Statement.rows_digest``.
    """
    return f"{split_row_name(identity)[0]}@{rows_digest[:NAME_DIGITS]}"


def split_row_name(name: str) -> tuple[str, str | None]:
    """Return the identity that equal rows share, and the digits of the file that it names, if any.

    What is no name of a row is returned as it is.
    """
    if "@" not in name:
        return name, None
    found = _specific(name)
    return (name, None) if found is None else (found[1], found[2])
