"""Read a Bitstamp history safely; recognise the same trades in files; prove the ledger.

    import bitstamp_ledger as bl

    with bl.Client(bl.Credentials.from_env()) as client:
        result = bl.reconcile(client.entries(), [bl.read_statement("export.csv")])
        proof = bl.prove(result.entries, client.balances())

The library reads.  It never trades, withdraws or changes anything, and cannot.
"""

import sys
import types

import lazy_loader

# Whoever only reads a file should not wait for a client: a name is imported when it is first used.
__getattr__, __dir__, _names = lazy_loader.attach_stub(__name__, __file__)

# ``import *`` must not ask for what an extra brings; these two are asked for by name.
__all__ = [name for name in _names if name not in {"AsyncLedger", "Ledger"}]


class _Door(types.ModuleType):
    """This package, where the function `reconcile` and the package of that name meet."""

    def __setattr__(self, name: str, value: object) -> None:
        # Importing the package would put it in the place of the function.
        if name != "reconcile" or not isinstance(value, types.ModuleType):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Door
