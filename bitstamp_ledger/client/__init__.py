"""`Client` and `AsyncClient`: drivers around the flows of `bitstamp_ledger.api`."""

from bitstamp_ledger.client._async import AsyncClient
from bitstamp_ledger.client._check import check_key
from bitstamp_ledger.client._credentials import Credentials
from bitstamp_ledger.client._shell import PRODUCTION_URL
from bitstamp_ledger.client._sync import Client

__all__ = ["PRODUCTION_URL", "AsyncClient", "Client", "Credentials", "check_key"]
