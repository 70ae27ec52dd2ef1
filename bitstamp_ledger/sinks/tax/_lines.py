"""Which rows an entry becomes, before any tool's own columns."""

import enum
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Final

import attrs

from bitstamp_ledger.model import (
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
    Withdrawal,
    exact_difference,
    exact_sum,
)


class What(enum.Enum):
    """What a row is, for tools to put their labels to."""

    BUY = "buy"
    SELL = "sell"
    CONVERSION = "conversion"
    DEPOSIT = "deposit"
    WITHDRAWAL = "withdrawal"
    TRANSFER_IN = "transfer in"
    TRANSFER_OUT = "transfer out"
    STAKED = "staked"
    UNSTAKED = "unstaked"
    REWARD = "reward"
    SETTLED_IN = "settlement in"
    SETTLED_OUT = "settlement out"
    FEE = "fee"
    OTHER_IN = "other, in"
    OTHER_OUT = "other, out"


EXCHANGES: Final = frozenset({What.BUY, What.SELL, What.CONVERSION})
"""What sends and receives in one row."""

_DIRECTED: Final[dict[type[Entry], tuple[What, What]]] = {
    Deposit: (What.DEPOSIT, What.OTHER_OUT),
    Withdrawal: (What.OTHER_IN, What.WITHDRAWAL),
    Transfer: (What.TRANSFER_IN, What.TRANSFER_OUT),
    StakingMovement: (What.UNSTAKED, What.STAKED),
    Reward: (What.REWARD, What.OTHER_OUT),
    Settlement: (What.SETTLED_IN, What.SETTLED_OUT),
}
"""By the kind of entry: what a leg that came in is, and one that went out."""


class FeeFolding(enum.Enum):
    """Whether a tool wants the fee inside the amount of its currency."""

    NEVER = "never"
    ALWAYS = "always"
    SENDS = "in what is sent, unless it is exchanged"


@attrs.frozen(kw_only=True)
class Line:
    """One row of a tool's file.  Amounts are unsigned; None where nothing is stated."""

    entry: Entry
    what: What
    sent: Amount | None = None
    received: Amount | None = None
    fee: Amount | None = None
    part: int = 1
    parts: int = 1


def lines_of(
    entry: Entry,
    folding: FeeFolding = FeeFolding.NEVER,
    shape: Callable[[Line], Sequence[Line]] | None = None,
) -> tuple[Line, ...]:
    """Return the rows that ``entry`` becomes; none where it states no amount.

    Args:
        entry: the entry.
        folding: where the tool wants the fee; it is taken into an amount only where the tool can
            take it out again, and is a row of its own where it cannot be told apart otherwise.
        shape: makes rows that a tool takes of one that it does not.
    """
    lines = _moved(entry)
    fee = entry.fee
    if fee is not None and fee.value:
        first = attrs.evolve(lines[0], fee=fee) if lines else None
        folded = None if first is None else _folded(first, folding)
        if folded is None:
            lines = [*lines, Line(entry=entry, what=What.FEE, sent=fee)]
        else:
            lines[0] = folded
    if shape is not None:
        lines = [shaped for line in lines for shaped in shape(line)]
    return tuple(
        attrs.evolve(line, part=part, parts=len(lines)) for part, line in enumerate(lines, 1)
    )


def _moved(entry: Entry) -> list[Line]:
    exchange = _exchange(entry)
    if exchange is not None:
        return [exchange]
    came, went = _DIRECTED.get(type(entry), (What.OTHER_IN, What.OTHER_OUT))
    return [
        Line(entry=entry, what=came, received=leg)
        if leg.value > 0
        else Line(entry=entry, what=went, sent=-leg)
        for leg in entry.legs
        if leg.value
    ]


def _exchange(entry: Entry) -> Line | None:
    """Return the one row of two legs that face each other; None where there are no such."""
    facing: tuple[Amount, Amount] | None = None
    what = What.CONVERSION
    if isinstance(entry, Trade):
        base, quote = entry.legs
        bought = entry.side is Side.BUY
        what, facing = (What.BUY, (base, quote)) if bought else (What.SELL, (quote, base))
    elif isinstance(entry, Conversion):
        facing = _facing(entry.legs)
    if facing is None or facing[0].currency == facing[1].currency:
        return None
    came, went = facing
    # One of the two may have been rounded to nothing, which leaves a trade a trade.
    if came.value < 0 or went.value > 0 or not (came.value or went.value):
        return None
    return Line(entry=entry, what=what, sent=abs(went), received=abs(came))


def _facing(legs: Sequence[Amount]) -> tuple[Amount, Amount] | None:
    """Return which of two legs came and which went; None where they do not face each other."""
    came = [leg for leg in legs if leg.value > 0]
    went = [leg for leg in legs if leg.value < 0]
    return (came[0], went[0]) if len(came) == len(went) == 1 and len(legs) == 2 else None  # noqa: PLR2004 - the two


def _folded(line: Line, folding: FeeFolding) -> Line | None:
    """Take the fee into the amount of its currency, where the tool wants it there.

    Returns:
        The row, or None where the amount cannot hold it.
    """
    fee, sent, received = line.fee, line.sent, line.received
    if fee is None or folding is FeeFolding.NEVER:
        return line
    if folding is FeeFolding.SENDS and line.what in EXCHANGES:
        return line
    if sent is not None and sent.currency == fee.currency:
        total = exact_sum(sent.value, fee.value)
        # A reader takes an amount that is no larger than the fee for one without it.
        return attrs.evolve(line, sent=Amount(total, fee.currency)) if sent.value else None
    if folding is FeeFolding.SENDS or received is None or received.currency != fee.currency:
        return line
    left = exact_difference(received.value, fee.value)
    return attrs.evolve(line, received=Amount(left, fee.currency)) if left > Decimal(0) else None
