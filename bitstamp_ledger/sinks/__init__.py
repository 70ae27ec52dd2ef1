"""Places that entries are written to: the contract, the names, and a handle that drives them.

A sink's own module (``bitstamp_ledger.sinks.csv``) is imported when it is asked for by name.
"""

from bitstamp_ledger.sinks._annotations import Annotations, EntryAnnotation
from bitstamp_ledger.sinks._callables import BatchFunction, BatchSink, EntriesFunction
from bitstamp_ledger.sinks._contract import (
    AsyncSink,
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
from bitstamp_ledger.sinks._describing import SinkDescription, SinkOption, describe
from bitstamp_ledger.sinks._engine import (
    AsyncSinkHandle,
    Delivery,
    EntryStep,
    Progress,
    SinkHandle,
    SinkProgress,
    SinkReport,
)
from bitstamp_ledger.sinks._fan_out import AsyncFanOut, FanOut, async_fan_out, fan_out
from bitstamp_ledger.sinks._flows import Retries
from bitstamp_ledger.sinks._opening import (
    AnySink,
    async_handle_for,
    handle_for,
    open,  # noqa: A004
    open_async,
)
from bitstamp_ledger.sinks._registry import GROUP, SinkFactory, load, names
from bitstamp_ledger.sinks._row import SCHEMA_VERSION, document_of

__all__ = [
    "GROUP",
    "SCHEMA_VERSION",
    "Annotations",
    "AnySink",
    "AsyncFanOut",
    "AsyncSink",
    "AsyncSinkHandle",
    "Batch",
    "BatchFunction",
    "BatchSink",
    "Capabilities",
    "Checkpoint",
    "Completed",
    "Delivery",
    "EntriesFunction",
    "EntryAnnotation",
    "EntryStep",
    "Failed",
    "FanOut",
    "Loss",
    "Operation",
    "Outcome",
    "Progress",
    "Receipt",
    "Retract",
    "Retries",
    "RunInfo",
    "Sink",
    "SinkDescription",
    "SinkFactory",
    "SinkHandle",
    "SinkOption",
    "SinkProgress",
    "SinkReport",
    "Upsert",
    "async_fan_out",
    "async_handle_for",
    "describe",
    "document_of",
    "fan_out",
    "handle_for",
    "load",
    "names",
    "open",
    "open_async",
]
