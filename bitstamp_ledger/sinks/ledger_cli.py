"""Ledger CLI: one transaction an entry, everything declared for ``ledger --pedantic``.

1. A commodity with a digit in its code is in quotes: ``"1INCH"``.
2. The exchange's id is the transaction's code; the rest is metadata.
3. Amounts that were exchanged get lots from their total price; reports add them up unless asked to
   show lots.

Facts: ledger-cli.org, "Ledger 3".
"""

from typing import ClassVar, Final

from bitstamp_ledger.sinks._bookings import Accounts
from bitstamp_ledger.sinks._journal import JournalSink

__all__ = ["Accounts", "LedgerCliSink"]

_TAGS: Final = (
    *("id", "time", "kind", "account", "transaction-id", "type", "time-step", "order-id"),
    *("stated-price", "counterparty", "fee", "reason"),
)


class LedgerCliSink(JournalSink):
    """Writes a journal for Ledger 3."""

    name: ClassVar[str] = "ledger-cli"

    def _head(self) -> bytes:
        return "".join([*(f"tag {name}\n" for name in _TAGS), "\n"]).encode()
