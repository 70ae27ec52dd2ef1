"""The type codes of ``user_transactions``: what each means, and which legs it must have.

Codes, meanings and how sure they are: docs/facts/exchange.md, "Record types".
"""

import enum
from collections.abc import Mapping
from typing import Final

import attrs

from bitstamp_ledger.model import (
    Conversion,
    Deposit,
    Entry,
    Reward,
    Settlement,
    StakingMovement,
    Trade,
    Transfer,
    Withdrawal,
)


class Legs(enum.Enum):
    """Which non-zero legs a record may have."""

    ONE_IN = "one positive"
    ONE_OUT = "one negative"
    ONE = "one, of either sign"
    TWO = "two, of opposite signs"
    ONE_OUT_OR_TWO = "one negative, or two of opposite signs"
    ONE_OR_TWO = "one of either sign, or two of opposite signs"


class Evidence(enum.Enum):
    """How sure the meaning and the legs of a code are."""

    DOCUMENTED = "documented by the exchange"
    LEGS_INFERRED = "documented by the exchange; the legs are inferred from the name"
    SINGLE_SOURCE = "seen in one client only"


@attrs.frozen(kw_only=True)
class RecordType:
    """What a type code stands for."""

    meaning: str
    kind: type[Entry]
    family: str
    """Part of the identity: records of two families may share an id."""

    legs: Legs
    evidence: Evidence


_D, _I, _S = Evidence.DOCUMENTED, Evidence.LEGS_INFERRED, Evidence.SINGLE_SOURCE


def _type(
    meaning: str, kind: type[Entry], family: str, legs: Legs, evidence: Evidence
) -> RecordType:
    return RecordType(meaning=meaning, kind=kind, family=family, legs=legs, evidence=evidence)


RECORD_TYPES: Final[Mapping[str, RecordType]] = {
    "0": _type("deposit", Deposit, "deposit", Legs.ONE_IN, _D),
    "1": _type("withdrawal", Withdrawal, "withdrawal", Legs.ONE_OUT, _D),
    "2": _type("market trade", Trade, "trade", Legs.TWO, _D),
    "3": _type("XRPL withdrawal", Withdrawal, "xrpl-withdrawal", Legs.ONE_OUT, _S),
    "4": _type("XRPL deposit", Deposit, "xrpl-deposit", Legs.ONE_IN, _S),
    "14": _type("sub-account transfer", Transfer, "sub-account-transfer", Legs.ONE, _D),
    "25": _type("credited with staked assets", StakingMovement, "staking-credit", Legs.ONE, _I),
    "26": _type("sent assets to staking", StakingMovement, "staking-sent", Legs.ONE, _I),
    "27": _type("staking reward", Reward, "staking-reward", Legs.ONE_IN, _D),
    "32": _type("referral reward", Reward, "referral-reward", Legs.ONE_IN, _D),
    "33": _type("settlement transfer", Transfer, "settlement-transfer", Legs.ONE, _D),
    "35": _type("inter-account transfer", Transfer, "inter-account-transfer", Legs.ONE, _D),
    "36": _type("simple buy", Conversion, "simple-buy", Legs.TWO, _D),
    "53": _type("small-balance conversion", Conversion, "small-balance", Legs.TWO, _I),
    "55": _type(
        "small-balance conversion", Conversion, "small-balance-55", Legs.ONE_OUT_OR_TWO, _I
    ),
    "58": _type("periodic settlement", Settlement, "periodic-settlement", Legs.ONE, _D),
    "59": _type("insurance fund claim", Settlement, "insurance-claim", Legs.ONE, _D),
    "60": _type("insurance fund premium", Settlement, "insurance-premium", Legs.ONE, _D),
    "61": _type("collateral liquidation", Settlement, "collateral", Legs.ONE_OR_TWO, _I),
}
"""By code, as text.  A code that is not here gives an UnknownEntry."""


def family_of(code: str | None) -> str:
    """Return the kind family of a code, known or not."""
    known = RECORD_TYPES.get(code) if code is not None else None
    return known.family if known else f"type-{code or 'none'}"
