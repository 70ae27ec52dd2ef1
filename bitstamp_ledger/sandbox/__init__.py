"""A local exchange for tests and rehearsals: Bitstamp's documented protocol over real HTTP.

    with Sandbox(seed=1, transactions=500) as sandbox:
        ...  # talk to sandbox.url with sandbox.key and sandbox.secret
    assert sandbox.writes == []

It knows nothing of the clients of this package, so that a mistake on one side cannot hide one on
the other.  Making accounts and export files needs no optional package; serving needs the extra
``sandbox``.
"""

from bitstamp_ledger.sandbox._account import Account, Truth, replay
from bitstamp_ledger.sandbox._auth import Flag, SandboxKey
from bitstamp_ledger.sandbox._derivatives import Derivatives
from bitstamp_ledger.sandbox._exchange import RequestLog, WriteAttempt
from bitstamp_ledger.sandbox._exports import ExportFile, LeftOut, render_g1, render_g2
from bitstamp_ledger.sandbox._faults import Fault, Faults
from bitstamp_ledger.sandbox._generate import generate_account
from bitstamp_ledger.sandbox._limits import Limits
from bitstamp_ledger.sandbox._permissions import READ_PERMISSIONS, WRITE_PERMISSIONS
from bitstamp_ledger.sandbox._records import Event
from bitstamp_ledger.sandbox._runner import Sandbox, serve

__all__ = [
    "READ_PERMISSIONS",
    "WRITE_PERMISSIONS",
    "Account",
    "Derivatives",
    "Event",
    "ExportFile",
    "Fault",
    "Faults",
    "Flag",
    "LeftOut",
    "Limits",
    "RequestLog",
    "Sandbox",
    "SandboxKey",
    "Truth",
    "WriteAttempt",
    "generate_account",
    "render_g1",
    "render_g2",
    "replay",
    "serve",
]
