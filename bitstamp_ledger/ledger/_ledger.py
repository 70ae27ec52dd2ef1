"""The ledger as callers use it."""

from bitstamp_ledger.ledger._telling import Telling


class Ledger(Telling):
    """The history of one or more accounts, what people said about it, and what follows from both.

    Facts (records of the API, rows of files) and decisions are only ever added.  What entries and
    balances show is made of them and can be made again.  Use it as a context manager, or close it.
    One ledger may be used from several threads, and opened by several processes.

    Open one with `Ledger.open`.
    """
