"""An entry as the intervals that it states, and what two entries' intervals say of each other.

A record of the API is precise in time and rounded in its quote; a row of a file is rounded in most
of its fields, as its format declares.  Two entries can be the same event exactly when, field by
field, some value lies in both intervals.  What one of them does not state says nothing.
"""

import datetime as dt
import enum
import functools
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Final

import attrs

from bitstamp_ledger.model import (
    UTC,
    Amount,
    Conversion,
    DecimalInterval,
    Entry,
    Precision,
    Rounding,
    StakingMovement,
    Trade,
    exact_difference,
    exact_sum,
)

API_PRECISION: Final = Precision(
    time_step=dt.timedelta(microseconds=1),
    base=Rounding.EXACT,
    quote=Rounding.NEAREST,
    quote_decimals_min=2,
    fee=Rounding.NEAREST,
    fee_decimals_min=2,
    exchange_ids=True,
)
"""The exchange's own records round the quote, and the fee (docs/facts/exchange.md, "Legs and
rates")."""

EXCHANGED: Final = "exchange"
"""The family of whatever turns one currency into another: a file may call a conversion a trade."""

GROUPS_CACHED_MAX: Final = 4096
LAST_INSTANT: Final = dt.datetime.max.replace(tzinfo=UTC)


class Field(enum.Enum):
    """What is compared, in the order in which it is told."""

    ACCOUNT = "account"
    KIND = "kind"
    CURRENCIES = "currencies"
    TIME = "time"
    BASE = "base amount"
    QUOTE = "quote amount"
    AMOUNT = "amount"
    FEE = "fee"


@attrs.frozen(kw_only=True, cache_hash=True)
class Group:
    """What must be equal, not merely close, for two entries to be compared at all."""

    family: str
    currencies: tuple[str, ...]
    """In alphabetical order, so that the orientation of a pair does not matter."""

    received: str
    """The currency that came in; for something that only went out, empty."""


@attrs.frozen(eq=False)
class Observation:
    """What one entry states.  Its numbers are kept as printed; intervals are made when needed."""

    entry: Entry
    group: Group
    account: str | None
    """None where the source does not name one."""

    start: dt.datetime
    end: dt.datetime
    amounts: tuple[Decimal, ...]
    """Unsigned, as printed, in the order of ``group.currencies``."""

    base: int
    """Which of the amounts is the base, or the only one."""

    precision: Precision
    witnesses: "tuple[Observation, ...]" = ()
    """Rows that were paired with this entry and state something that it does not."""

    @property
    def content(self) -> tuple[object, ...]:
        """Equal for entries that nothing but their place and time tells apart."""
        fee = self.entry.fee
        stated_fee = None if fee is None else (fee.currency, fee.value)
        legs = self.entry.legs
        return (
            self.group,
            self.account,
            self.amounts,
            self.base,
            stated_fee,
            legs[0].value.is_signed() if legs else None,
            id(self.precision),  # One object for all rows alike: a format declares it once.
            id(self) if self.witnesses else None,
        )

    def interval(self, position: int) -> DecimalInterval:
        """Return all values that the amount at ``position`` can stand for."""
        precision = self.precision
        if position == self.base:
            return _interval(self.amounts[position], precision.base, 0)
        return _interval(self.amounts[position], precision.quote, precision.quote_decimals_min)

    def is_exact(self, position: int) -> bool:
        """Say whether the amount at ``position`` can stand for itself only."""
        precision = self.precision
        rounding = precision.base if position == self.base else precision.quote
        return rounding is Rounding.EXACT

    def fee_interval(self, fee: Amount) -> DecimalInterval:
        """Return all values that the stated fee can stand for."""
        return _interval(fee.value, self.precision.fee, self.precision.fee_decimals_min)

    def witnessed_by(self, row: "Observation") -> "Observation":
        """Return this event as it is known once ``row`` is part of it.

        What contradicts a witness contradicts the event: without that, a row that leaves much
        unstated would let two rows that exclude each other pass for one event.
        """
        mine, theirs = self.entry.fee, row.entry.fee
        adds_fee = theirs is not None and (mine is None or mine != theirs)
        if not adds_fee and self.amounts == row.amounts and _contains(row, self):
            return self
        return attrs.evolve(self, witnesses=(*self.witnesses, row))


def _contains(wide: Observation, narrow: Observation) -> bool:
    return wide.start <= narrow.start and narrow.end <= wide.end


def precision_of(entry: Entry) -> Precision:
    """Return how precisely an entry states its facts."""
    return entry.source.precision or API_PRECISION


def observe(entry: Entry) -> Observation:
    """Read an entry as what it states."""
    precision = entry.source.precision or API_PRECISION
    legs = entry.legs
    group, order = _group(
        entry.kind,
        tuple([leg.currency for leg in legs]),
        tuple([_sign(leg.value) for leg in legs]),
    )
    time = entry.time
    return Observation(
        entry,
        group,
        entry.account if precision.account_stated else None,
        time,
        _later(time, precision.time_step),
        tuple([legs[position].value.copy_abs() for position in order]),
        order.index(0) if order else 0,
        precision,
    )


def _sign(value: Decimal) -> int:
    return (value > 0) - (value < 0)


def _later(time: dt.datetime, step: dt.timedelta) -> dt.datetime:
    try:
        return time + step
    except OverflowError:  # A hostile file may state the last minute of the year 9999.
        return LAST_INSTANT


@functools.lru_cache(maxsize=GROUPS_CACHED_MAX)
def _group(
    kind: str, currencies: Sequence[str], signs: Sequence[int]
) -> tuple[Group, tuple[int, ...]]:
    """Return the group of an entry, and in which order its legs stand there."""
    positions = {currency: position for position, currency in enumerate(currencies)}
    ordered = tuple(sorted(positions))
    exchanged = kind in {Trade.kind, Conversion.kind} and len(ordered) > 1
    group = Group(
        family=EXCHANGED if exchanged else kind,
        currencies=ordered,
        # Which staking label of a file is which direction is inferred (docs/facts/files.md, "Type
        # vocabulary"), so the direction is not held against a pair; the record's own is kept.
        received="" if kind == StakingMovement.kind else _received(currencies, signs),
    )
    return group, tuple(positions[currency] for currency in ordered)


def _received(currencies: Sequence[str], signs: Sequence[int]) -> str:
    """Return which currency came in; a leg that was rounded to zero is told by the other one."""
    for currency, sign in zip(currencies, signs, strict=True):
        if sign > 0:
            return currency
    given = {currency for currency, sign in zip(currencies, signs, strict=True) if sign < 0}
    return next((currency for currency in currencies if currency not in given), "")


def _interval(value: Decimal, rounding: Rounding, decimals_min: int) -> DecimalInterval:
    if rounding is Rounding.EXACT:
        return DecimalInterval(value, value)
    exponent = value.as_tuple().exponent
    printed = -exponent if isinstance(exponent, int) else 0
    decimals = max(printed, decimals_min)
    slack = (5, -decimals - 1) if rounding is Rounding.NEAREST else (1, -decimals)
    width = Decimal((0, slack[:1], slack[1]))
    return DecimalInterval(exact_difference(value, width), exact_sum(value, width))


def differences(one: Observation, other: Observation) -> Iterator[Field]:
    """Yield every field in which two observations contradict each other."""
    yield from differences_but_time(one, other)
    if not (one.start < other.end and other.start < one.end):
        yield Field.TIME


def differences_but_time(one: Observation, other: Observation) -> Iterator[Field]:
    """Yield every field but the time in which two observations contradict each other.

    Amounts are told one by one only where the currencies agree.
    """
    mine, theirs = one.account, other.account
    if mine != theirs and mine is not None and theirs is not None:
        yield Field.ACCOUNT
    if one.group is not other.group and one.group != other.group:
        yield Field.KIND if one.group.family != other.group.family else Field.CURRENCIES
    if one.group.currencies == other.group.currencies and one.amounts != other.amounts:
        for position in range(len(one.amounts)):
            if not amounts_agree(one, other, position):
                yield amount_field(one, position)
    if not fees_agree(one, other):
        yield Field.FEE


def amounts_agree(one: Observation, other: Observation, position: int) -> bool:
    """Say whether two amounts of one currency can be the same."""
    return one.amounts[position] == other.amounts[position] or _overlap(
        one.interval(position), other.interval(position)
    )


def _overlap(mine: DecimalInterval, theirs: DecimalInterval) -> bool:
    """Say whether two different printed numbers can stand for one value.

    Two roundings that meet only at the tie between them do not: the exchange rounds one value one
    way (docs/facts/files.md, "Rounding"), so they are neighbours, not spellings of one number.
    """
    if mine.low == mine.high or theirs.low == theirs.high:
        return mine.overlaps(theirs)
    return mine.low < theirs.high and theirs.low < mine.high


def amount_field(observation: Observation, position: int) -> Field:
    """Return what the amount at ``position`` is called."""
    if len(observation.amounts) == 1:
        return Field.AMOUNT
    return Field.BASE if position == observation.base else Field.QUOTE


def fees_agree(one: Observation, other: Observation) -> bool:
    """Say whether two fees can be the same; one that is not stated can be any."""
    mine, theirs = one.entry.fee, other.entry.fee
    if mine is None or theirs is None:
        return True
    if mine.currency == theirs.currency and mine.value == theirs.value:
        return True
    my_interval, their_interval = one.fee_interval(mine), other.fee_interval(theirs)
    if mine.currency != theirs.currency:
        return my_interval.low <= 0 and their_interval.low <= 0
    return _overlap(my_interval, their_interval)


class Fit(enum.IntEnum):
    """How well two observations that contradict each other in nothing fit; the best first."""

    SAME = 0
    """Both state a fee, and every number is printed alike."""

    WITHIN = 1
    """Both state a fee, and every number is within what the other can stand for."""

    SILENT = 2
    """One of them does not state the fee."""


def fit_of(one: Observation, other: Observation) -> Fit:
    """Say how well two observations fit that contradict each other in nothing."""
    mine, theirs = one.entry.fee, other.entry.fee
    if mine is None or theirs is None:
        return Fit.SILENT
    same = one.amounts == other.amounts and mine.value == theirs.value
    return Fit.SAME if same and _same_direction(one, other) else Fit.WITHIN


def _same_direction(one: Observation, other: Observation) -> bool:
    """Say whether movements go one way, for those of whose direction the group says nothing."""
    return len(one.amounts) != 1 or one.entry.legs[0].value == other.entry.legs[0].value
