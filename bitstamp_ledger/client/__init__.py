"""`Client` and `AsyncClient`: drivers around the flows of `bitstamp_ledger.api`."""

from bitstamp_ledger.client._async import AsyncClient
from bitstamp_ledger.client._budget import Budget, RateBudget
from bitstamp_ledger.client._check import check_key
from bitstamp_ledger.client._credentials import Credentials
from bitstamp_ledger.client._history import AsyncHistory, History
from bitstamp_ledger.client._shell import PRODUCTION_URL
from bitstamp_ledger.client._sync import Client
from bitstamp_ledger.client._watching import (
    ClientCounts,
    ClientEvent,
    Observer,
    PageRead,
    RequestDone,
)

__all__ = [
    "PRODUCTION_URL",
    "AsyncClient",
    "AsyncHistory",
    "Budget",
    "Client",
    "ClientCounts",
    "ClientEvent",
    "Credentials",
    "History",
    "Observer",
    "PageRead",
    "RateBudget",
    "RequestDone",
    "check_key",
]
