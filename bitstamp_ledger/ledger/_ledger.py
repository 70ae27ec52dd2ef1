"""The ledger as callers use it."""

from bitstamp_ledger.ledger._importing import Importing
from bitstamp_ledger.ledger._reading import Reading
from bitstamp_ledger.ledger._saying import Saying
from bitstamp_ledger.ledger._showing import Showing


class Ledger(Reading, Importing, Saying, Showing):
    """The history of one or more accounts, what people said about it, and what follows from both.

    Facts (records of the API, rows of files) and decisions are only ever added.  What entries and
    balances show is made of them and can be made again.  Use it as a context manager, or close it.
    One ledger may be used from several threads, and opened by several processes.

    Open one with `Ledger.open`.
    """
