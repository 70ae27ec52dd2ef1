"""The vocabulary of the exchange's own exports: what each `Type` stands for.

Facts: docs/facts/files.md, "Type vocabulary".
"""

import enum
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import attrs

from bitstamp_ledger.model import (
    Conversion,
    Deposit,
    Entry,
    Reward,
    StakingMovement,
    Trade,
    Transfer,
    UnknownEntry,
    Withdrawal,
)

CURRENCY_ALIASES: Final = MappingProxyType({"XBT": "BTC"})
REWARD_ALIASES: Final = MappingProxyType({"ETH2R": "ETH2"})
"""Names that staking rewards are printed under (docs/facts/files.md, "Type vocabulary")."""


class Sign(enum.Enum):
    """How the sign of the printed amount follows from the row."""

    IN = "in"
    OUT = "out"
    PRINTED = "printed"
    BY_SIDE = "by side"
    BY_VALUE_TEXT = "by value text"
    NOT_KNOWN = "not known"


@attrs.frozen(kw_only=True)
class Meaning:
    """What a `Type` stands for."""

    kind: type[Entry]
    sign: Sign
    reason: str = ""
    """For an `UnknownEntry`: why it is one."""

    aliases: Mapping[str, str] = CURRENCY_ALIASES


_REVERTED: Final = (
    "A deposit that was taken back is known from one program only; how the exchange books it "
    "by API is not known."
)
_NO_DIRECTION: Final = (
    "The row does not say which of its currencies came in and which went out, or it may repeat a "
    "Market row."
)

_VOCABULARY: Final[Mapping[str, Meaning]] = MappingProxyType(
    {
        "Market": Meaning(kind=Trade, sign=Sign.BY_SIDE),
        "Deposit": Meaning(kind=Deposit, sign=Sign.IN),
        "Card Deposit": Meaning(kind=Deposit, sign=Sign.IN),
        "Ripple deposit": Meaning(kind=Deposit, sign=Sign.IN),
        "Withdrawal": Meaning(kind=Withdrawal, sign=Sign.OUT),
        "Ripple payment": Meaning(kind=Withdrawal, sign=Sign.OUT),
        "Sub Account Transfer": Meaning(kind=Transfer, sign=Sign.BY_VALUE_TEXT),
        "Inter Account Transfer": Meaning(kind=Transfer, sign=Sign.PRINTED),
        "Staked assets": Meaning(kind=StakingMovement, sign=Sign.OUT),
        "Started generating rewards": Meaning(kind=StakingMovement, sign=Sign.IN),
        "Staking reward": Meaning(
            kind=Reward, sign=Sign.IN, aliases=CURRENCY_ALIASES | REWARD_ALIASES
        ),
        "Referral reward": Meaning(kind=Reward, sign=Sign.IN),
        "Earn interest": Meaning(kind=Reward, sign=Sign.IN),
        "Converted assets": Meaning(kind=Conversion, sign=Sign.BY_SIDE, reason=_NO_DIRECTION),
        "Crypto currency purchase": Meaning(
            kind=Conversion, sign=Sign.BY_SIDE, reason=_NO_DIRECTION
        ),
        "Deposit reverted": Meaning(kind=UnknownEntry, sign=Sign.NOT_KNOWN, reason=_REVERTED),
    }
)

VOCABULARY: Final[Mapping[str, Meaning]] = MappingProxyType(
    {name.casefold(): meaning for name, meaning in _VOCABULARY.items()}
)
"""By the `Type` as printed, case folded."""

UNKNOWN_TYPE: Final = Meaning(
    kind=UnknownEntry,
    sign=Sign.NOT_KNOWN,
    reason="This version does not know the type.",
)

SIDES: Final = MappingProxyType({"Buy": 1, "Sell": -1})
"""The sign of the base, by the side of a trade as printed."""
