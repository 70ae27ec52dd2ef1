"""Places that entries are written to: the contract, the names, and a handle that drives them.

A sink's own module (``bitstamp_ledger.sinks.csv``) is imported when it is asked for by name.
"""

from bitstamp_ledger.sinks._callables import EntriesFunction
from bitstamp_ledger.sinks._contract import (
    Batch,
    Capabilities,
    Checkpoint,
    Completed,
    Failed,
    Loss,
    Operation,
    Outcome,
    Receipt,
    Retract,
    RunInfo,
    Sink,
    Upsert,
)
from bitstamp_ledger.sinks._engine import SinkHandle, SinkReport, handle_for, open  # noqa: A004
from bitstamp_ledger.sinks._registry import GROUP, SinkFactory, load, names
from bitstamp_ledger.sinks._row import SCHEMA_VERSION, document_of

__all__ = [
    "GROUP",
    "SCHEMA_VERSION",
    "Batch",
    "Capabilities",
    "Checkpoint",
    "Completed",
    "EntriesFunction",
    "Failed",
    "Loss",
    "Operation",
    "Outcome",
    "Receipt",
    "Retract",
    "RunInfo",
    "Sink",
    "SinkFactory",
    "SinkHandle",
    "SinkReport",
    "Upsert",
    "document_of",
    "handle_for",
    "load",
    "names",
    "open",
]
