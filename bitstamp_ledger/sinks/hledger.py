"""hledger: one transaction an entry, everything declared for ``hledger check --strict``.

1. A commodity with a digit in its code is in quotes: ``"1INCH"``.
2. The exchange's id is the transaction's code; the rest are tags.  A comma would end a value, and
   brackets would be a date: they are written as semicolon and parentheses.
3. Numbers have a decimal point, and the file says so (``decimal-mark``).

Facts: hledger.org, "Journal".
"""

from typing import ClassVar

from bitstamp_ledger.sinks._bookings import Accounts
from bitstamp_ledger.sinks._journal import JournalSink

__all__ = ["Accounts", "HledgerSink"]


class HledgerSink(JournalSink):
    """Writes a journal for hledger."""

    name: ClassVar[str] = "hledger"

    def _head(self) -> bytes:
        return b"decimal-mark .\n\n"
