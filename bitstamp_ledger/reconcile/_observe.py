"""An entry as the intervals that it states, and what two entries' intervals say of each other.

A record of the API is precise in time and rounded in its quote; a row of a file is rounded in most
of its fields, as its format declares.  Two entries can be the same event exactly when, field by
field, some value lies in both intervals.  What one of them does not state says nothing.
"""

import datetime as dt
import enum
import functools
import itertools
import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from types import MappingProxyType
from typing import Final, TypeVar

import attrs

from bitstamp_ledger.model import (
    UTC,
    Amount,
    Conversion,
    DecimalInterval,
    Entry,
    Precision,
    Reward,
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

COIN_QUOTES: Final = frozenset({"BTC", "ETH"})
COIN_DECIMALS: Final = 8
"""The exchange rounds a quote to cents, or, where it is one of these coins, to so many digits; of
those fewer are printed only where the rest are zeros."""

ALIASES: Final = MappingProxyType({"XBT": "BTC", "XXBT": "BTC", "USDC.E": "USDC", "USDT.E": "USDT"})
"""Other names of a currency; for comparison only, an entry keeps what its source says."""

REWARD_ALIASES: Final = MappingProxyType({"ETH2R": "ETH2"})
"""Names that mean the same in staking rewards only; elsewhere both were traded
(docs/facts/files.md, "Names of currencies")."""

COARSE_DECIMALS: Final = 6
"""A base that was rounded to fewer digits proves little."""

UTC_CLOCK: Final = 0
OPEN_CLOCK: Final = -1
"""A clock of which not even the statement is told, since nothing is compared with it yet."""

SURE_STEP: Final = dt.timedelta(minutes=1)
"""A row that states its time less precisely, such as a date alone, proves little."""

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
    ZONE = "time zone"
    DATE_ORDER = "date order"


@attrs.frozen(kw_only=True, cache_hash=True)
class Group:
    """What must be equal, not merely close, for two entries to be compared at all."""

    family: str
    currencies: tuple[str, ...]
    """In alphabetical order, so that the orientation of a pair does not matter."""

    received: str
    """The currency that came in; for something that only went out, empty."""


@attrs.define(eq=False)  # Not frozen, which takes twice as long; nothing changes one.
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

    other_start: dt.datetime | None = None
    """Where the clocks showed an hour twice: the second instant that the time can start at."""

    fills: "tuple[Observation, ...]" = ()
    """The executions that this order is the sum of; empty for everything else."""

    clock: int = UTC_CLOCK
    """Whose clock printed the time: `UTC_CLOCK`, or the number of a statement of which nobody knows
    the zone, or in which order it prints days and months.  Times of one clock can be compared."""

    @property
    def settled(self) -> bool:
        """Whether it is known which instant the printed time means."""
        return self.clock == UTC_CLOCK

    @property
    def printed(self) -> dt.datetime:
        """What the clock showed, where it is not settled which instant that was."""
        return self.start.replace(tzinfo=None)

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
            id(self) if self.witnesses or self.fills or self.other_start else None,
            self.clock,
        )

    @property
    def knows_base(self) -> bool:
        """Whether the source says which of two amounts is the base."""
        return not self.precision.orientation_open or len(self.amounts) < len(("base", "quote"))

    @property
    def windows(self) -> tuple[tuple[dt.datetime, dt.datetime], ...]:
        """All instants that the time can stand for: one span, or two."""
        if self.other_start is None:
            return ((self.start, self.end),)
        other_end = _later(self.other_start, self.end - self.start)
        return (self.start, self.end), (self.other_start, other_end)

    def base_beside(self, other: "Observation") -> int | None:
        """Return which amount to take for the base: one's own word counts, then the other's."""
        if self.knows_base:
            return self.base
        return other.base if other.knows_base else None

    def interval(self, position: int, base: int | None) -> DecimalInterval:
        """Return all values that the amount at ``position`` can stand for.

        Args:
            position: which amount.
            base: which amount is the base; None where nobody knows.
        """
        if self.fills:
            intervals = [each.interval(position, base) for each in self.fills]
            return DecimalInterval(
                functools.reduce(exact_sum, (each.low for each in intervals)),
                functools.reduce(exact_sum, (each.high for each in intervals)),
            )
        precision = self.precision
        # What was computed is known by its place in the row, whatever the base.
        own_base = position == self.base
        decimals_max = precision.base_decimals_max if own_base else precision.quote_decimals_max
        return _interval(
            self.amounts[position],
            self._rounding(position, base),
            0 if base is None or position == base else self._quote_decimals_min(position),
            decimals_max,
        )

    def _rounding(self, position: int, base: int | None) -> Rounding:
        precision = self.precision
        if base is None:
            return max(precision.base, precision.quote, key=_LOOSENESS.index)
        return precision.base if position == base else precision.quote

    def _quote_decimals_min(self, position: int) -> int:
        """Return the digits after the point to which a quote was rounded at the coarsest.

        For a coin that is 8 where the exchange printed it: reading 0.05 BTC as anything up to
        0.055 would be wider than the format can justify.  A tool may have rounded it to two.
        """
        precision = self.precision
        if (
            precision.quote is Rounding.NEAREST
            and self.group.currencies[position] in COIN_QUOTES
            and precision.quote_decimals_max is None
        ):
            return max(COIN_DECIMALS, precision.quote_decimals_min)
        return precision.quote_decimals_min

    def is_exact(self, position: int, base: int | None) -> bool:
        """Say whether the amount at ``position`` can stand for itself only."""
        return self._rounding(position, base) is Rounding.EXACT

    def fee_interval(self, fee: Amount) -> DecimalInterval:
        """Return all values that the stated fee can stand for."""
        if self.fills:
            intervals = [each.fee_interval(each.entry.fee) for each in self.fills if each.entry.fee]
            return DecimalInterval(
                functools.reduce(exact_sum, (each.low for each in intervals)),
                functools.reduce(exact_sum, (each.high for each in intervals)),
            )
        return _interval(fee.value, self.precision.fee, self.precision.fee_decimals_min, None)

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


_LOOSENESS: Final = (Rounding.EXACT, Rounding.NEAREST, Rounding.UNIT)


def in_order(observations: Iterable[Observation]) -> list[Observation]:
    """Return observations by time, in an order that does not depend on that of the input.

    Nor on where a row stands in its file: an identity says what a row states.
    """
    return sorted_by_time(
        observations, lambda observation: place(observation.entry), lambda each: each.entry.time
    )


_T = TypeVar("_T")


def sorted_by_time(
    things: Iterable[_T],
    place_of: Callable[[_T], tuple[object, ...]],
    time_of: Callable[[_T], dt.datetime] = operator.attrgetter("time"),
) -> list[_T]:
    """Sort by a key that begins with the time; it is made only for things of one time."""
    ordered = list(things)
    times = list(map(time_of, ordered))
    if not all(map(operator.le, times, itertools.islice(times, 1, None))):
        numbers = sorted(range(len(ordered)), key=times.__getitem__)
        ordered = [ordered[number] for number in numbers]
        times = [times[number] for number in numbers]
    equal = map(operator.eq, times, itertools.islice(times, 1, None))
    end = 0
    for first in list(itertools.compress(itertools.count(), equal)):
        if first < end:
            continue
        end = first + 2
        while end < len(times) and times[end] == times[first]:
            end += 1
        ordered[first:end] = sorted(ordered[first:end], key=place_of)
    return ordered


def place(entry: Entry) -> tuple[object, ...]:
    """Return what entries are sorted by."""
    return entry.time, entry.transaction_id or 0, entry.id, entry.source.path or ""


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
        other_start=entry.source.other_time,
        clock=OPEN_CLOCK if precision.zone_open else UTC_CLOCK,
    )


def canonical(currency: str, kind: str) -> str:
    """Return the one name under which a currency is compared."""
    if kind == Reward.kind:
        currency = REWARD_ALIASES.get(currency, currency)
    return ALIASES.get(currency, currency)


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
    currencies = [canonical(currency, kind) for currency in currencies]
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


def _interval(
    value: Decimal, rounding: Rounding, decimals_min: int, decimals_max: int | None
) -> DecimalInterval:
    if rounding is Rounding.EXACT and decimals_max is None:
        return DecimalInterval(value, value)
    printed = decimals_of(value)
    if decimals_max is not None:
        # Computed from two printed numbers: both had their last digit rounded or cut.
        printed, rounding = min(printed, decimals_max), Rounding.UNIT
    decimals = max(printed, decimals_min)
    slack = (5, -decimals - 1) if rounding is Rounding.NEAREST else (1, -decimals)
    width = Decimal((0, slack[:1], slack[1]))
    return DecimalInterval(exact_difference(value, width), exact_sum(value, width))


def decimals_of(value: Decimal) -> int:
    """Return how many digits after the point are printed."""
    exponent = value.as_tuple().exponent
    return -exponent if isinstance(exponent, int) else 0


def differences(one: Observation, other: Observation) -> Iterator[Field]:
    """Yield every field in which two observations contradict each other."""
    yield from differences_but_time(one, other)
    if not times_meet(one, other):
        yield Field.TIME


def times_meet(one: Observation, other: Observation) -> bool:
    """Say whether some instant lies in what both state."""
    if one.other_start is None and other.other_start is None:
        return one.start < other.end and other.start < one.end
    return any(
        start < other_end and other_start < end
        for start, end in one.windows
        for other_start, other_end in other.windows
    )


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
        one.interval(position, one.base_beside(other)),
        other.interval(position, other.base_beside(one)),
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
    same_currency = canonical(mine.currency, "") == canonical(theirs.currency, "")
    if same_currency and mine.value == theirs.value:
        return True
    my_interval, their_interval = one.fee_interval(mine), other.fee_interval(theirs)
    if not same_currency:
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

    ROUNDED = 3
    """The base was rounded to a few digits; the fee agrees."""

    UNPROVEN = 4
    """Nothing is contradicted, and nothing is proved either: a base of a few digits without a fee,
    or a date without a time of day.  Never enough for a pair."""


def fit_of(one: Observation, other: Observation) -> Fit:
    """Say how well two observations fit that contradict each other in nothing."""
    mine, theirs = one.entry.fee, other.entry.fee
    silent = mine is None or theirs is None
    if one.precision.time_step > SURE_STEP or other.precision.time_step > SURE_STEP:
        return Fit.UNPROVEN
    if one.amounts != other.amounts and _is_coarse(one, other):
        return Fit.UNPROVEN if silent else Fit.ROUNDED
    if silent:
        return Fit.SILENT
    same = (
        one.amounts == other.amounts
        and mine is not None
        and theirs is not None
        and mine.value == theirs.value
    )
    return Fit.SAME if same and _same_direction(one, other) else Fit.WITHIN


def _is_coarse(one: Observation, other: Observation) -> bool:
    """Say whether the bases differ, and one of them was printed with a few digits only.

    Where nobody knows the base, one amount that does not makes up for the other.
    """
    base = one.base_beside(other)
    positions = range(len(one.amounts)) if base is None else (base,)
    return all(
        one.amounts[position] != other.amounts[position]
        and min(decimals_of(one.amounts[position]), decimals_of(other.amounts[position]))
        < COARSE_DECIMALS
        for position in positions
    )


def _same_direction(one: Observation, other: Observation) -> bool:
    """Say whether movements go one way, for those of whose direction the group says nothing."""
    return len(one.amounts) != 1 or one.entry.legs[0].value == other.entry.legs[0].value
