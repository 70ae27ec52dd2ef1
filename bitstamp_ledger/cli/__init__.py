"""The command line.  Each command is a few lines around the library; all printing is in ``_show``.

Exit codes: 0 done; 1 done, but the balances do not agree; 2 the command was not understood;
3 an input, the exchange or the disk stopped it, and nothing was half-written; 10 to 14 the verdict
of check-key; 130 interrupted.
"""

from bitstamp_ledger.cli._app import run

__all__ = ["run"]
