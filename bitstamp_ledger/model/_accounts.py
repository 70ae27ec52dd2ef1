"""Accounts: the main account, or a sub-account, by name."""

from typing import Final

import attrs

MAIN_ACCOUNT: Final = "Main Account"
"""The main account's name, as Bitstamp's own exports write it (docs/facts/files.md, "Accounts")."""


def _canonical(name: str) -> str:
    name = " ".join(name.split())
    return MAIN_ACCOUNT if name.casefold() in {"", "main", MAIN_ACCOUNT.casefold()} else name


@attrs.frozen
class Account:
    """One account at the exchange.  An API key reads exactly one.

    The main account has one name however it is spelled (``main``, ``MAIN ACCOUNT``, empty);
    a sub-account keeps the name that its owner gave it.
    """

    name: str = attrs.field(default=MAIN_ACCOUNT, converter=_canonical)

    @property
    def is_main(self) -> bool:
        """Whether it is the account itself, and no sub-account."""
        return self.name == MAIN_ACCOUNT

    def __str__(self) -> str:
        return self.name
