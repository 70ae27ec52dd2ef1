"""The ledger: what entries add up to, the proof that they are complete, and a place to keep them.

`prove` and `replay` need nothing but entries.  `Ledger` and `AsyncLedger` keep a history in a
database and need the extra ``ledger``; they are imported when they are first asked for.
"""

from typing import TYPE_CHECKING

from bitstamp_ledger.errors import LedgerBusyError, LedgerError, MissingExtraError
from bitstamp_ledger.ledger._proof import (
    Cause,
    CauseKind,
    CurrencyProof,
    Difference,
    Located,
    Proof,
    prove,
    replay,
)
from bitstamp_ledger.ledger._values import (
    AccountCondition,
    Annotation,
    DecisionKind,
    EntryState,
    HistoryEvent,
    ImportedFile,
    LedgerAccount,
    PageManifest,
    RecordedDecision,
    Run,
    SealedChange,
    SealedChangeKind,
)

if TYPE_CHECKING:
    from bitstamp_ledger.ledger._async import AsyncLedger
    from bitstamp_ledger.ledger._ledger import Ledger
    from bitstamp_ledger.ledger._reports import (
        ChangedRecord,
        FollowReport,
        ImportReport,
        SyncProgress,
        SyncReport,
    )

__all__ = [
    "AccountCondition",
    "Annotation",
    "AsyncLedger",
    "Cause",
    "CauseKind",
    "ChangedRecord",
    "CurrencyProof",
    "DecisionKind",
    "Difference",
    "EntryState",
    "FollowReport",
    "HistoryEvent",
    "ImportReport",
    "ImportedFile",
    "Ledger",
    "LedgerAccount",
    "LedgerBusyError",
    "LedgerError",
    "Located",
    "PageManifest",
    "Proof",
    "RecordedDecision",
    "Run",
    "SealedChange",
    "SealedChangeKind",
    "SyncProgress",
    "SyncReport",
    "prove",
    "replay",
]

_HOMES = {
    "AsyncLedger": "_async",
    "ChangedRecord": "_reports",
    "FollowReport": "_reports",
    "ImportReport": "_reports",
    "Ledger": "_ledger",
    "SyncProgress": "_reports",
    "SyncReport": "_reports",
}


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib  # noqa: PLC0415 - only here

    try:
        module = importlib.import_module(f"{__name__}.{home}")
    except ModuleNotFoundError as exc:
        if exc.name != "sqlalchemy":
            raise
        raise MissingExtraError("A ledger that is kept", extra="ledger") from None
    return getattr(module, name)
