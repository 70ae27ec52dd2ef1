"""Entries for polars, pandas, DuckDB and whatever else takes Arrow.

    pl.DataFrame(bl.arrow(entries))
    duckdb.from_arrow(bl.arrow(reconciliation))
    pl.DataFrame(ledger)

They are handed over through the Arrow PyCapsule interface, in record batches, so that no more than
a batch of entries is held besides what the receiver keeps.  Needs the extra ``arrow``.

=====================  ============================  ==============================================
column                 type                          what
=====================  ============================  ==============================================
``id``, ``kind``       string                        never null
``time``               timestamp[us, UTC]            never null
``account``            string                        never null
``side``               string                        ``buy`` or ``sell``; trades only
``base_amount``        decimal128(38, 18)            unsigned; trades only
``base_currency``      string
``quote_amount``       decimal128(38, 18)            unsigned, without the fee; trades only
``quote_currency``     string
``amount``             decimal128(38, 18)            the signed leg of entries that have exactly one
``currency``           string
``fee_amount``         decimal128(38, 18)            null where no fee is stated
``fee_currency``       string
``price``              decimal128(38, 18)            as stated; trades and conversions
``legs``               list<struct<currency, value>> all signed amounts of any kind
``order_id``           int64
``transaction_id``     int64
``self_trade``         bool
``counterparty``       string
``code``               string                        the type as the source states it
``reason``             string                        why it was not understood
``source_endpoint``    string
``source_path``        string
``source_row``         int64
``time_step_us``       int64                         how precise the time of a file's row is
=====================  ============================  ==============================================

The names are those of the CSV sink.  Numbers keep their value, not their zeros; one that does not
fit is refused.  The record as received is not here: JSON Lines have it.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Protocol, TypeAlias, runtime_checkable

from bitstamp_ledger.errors import SinkError
from bitstamp_ledger.model import Entry
from bitstamp_ledger.sinks._columns import arrow_module, record_batches, schema

__all__ = ["ArrowEntries", "EntriesSource", "arrow"]


@runtime_checkable
class _HoldsEntries(Protocol):
    """A statement or a reconciliation."""

    @property
    def entries(self) -> Iterable[Entry]:
        """The entries."""


@runtime_checkable
class _ReadsEntries(Protocol):
    """A ledger or a client."""

    def entries(self) -> Iterable[Entry]:
        """Read the entries."""


EntriesSource: TypeAlias = Iterable[Entry] | _HoldsEntries | _ReadsEntries
"""What entries can be taken from: themselves, a ledger, a client, a statement, a reconciliation."""


class ArrowEntries:
    """Entries behind the Arrow PyCapsule interface; made by `arrow`."""

    def __init__(self, source: EntriesSource) -> None:
        self._source = source
        self._spent = False

    def __repr__(self) -> str:
        return f"<ArrowEntries of a {type(self._source).__name__}>"

    def __arrow_c_schema__(self) -> object:
        """Return the schema as a capsule."""
        capsule: object = schema().__arrow_c_schema__()
        return capsule

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Return the record batches as a capsule.

        Args:
            requested_schema: a capsule of the schema that the receiver would like.

        Raises:
            SinkError: an iterator was handed over before, and gives its entries only once.
        """
        pyarrow = arrow_module()
        batches = record_batches(self._entries())
        reader = pyarrow.RecordBatchReader.from_batches(schema(), batches)
        capsule: object = reader.__arrow_c_stream__(requested_schema)
        return capsule

    def _entries(self) -> Iterator[Entry]:
        found: Any = getattr(self._source, "entries", self._source)
        entries: Iterable[Entry] = found() if callable(found) else found
        if iter(entries) is entries and entries is self._source:
            if self._spent:
                raise SinkError(
                    "These entries were handed over before, and their iterator gives them once.",
                    sink="arrow",
                    hint="Pass a list, or call arrow() anew with a new iterator.",
                )
            self._spent = True
        return iter(entries)


def arrow(entries: EntriesSource) -> ArrowEntries:
    """Return entries as an object that data frames and databases take.

    Args:
        entries: entries, or what holds some: a ledger, a statement, a reconciliation, a client.

    Returns:
        Something with the method ``__arrow_c_stream__``.  Entries are read when it is called, and
        in each call; an iterator can be handed over once.

    Raises:
        MissingExtraError: the packages of the extra ``arrow`` are not installed.
        TypeError: it holds no entries.

    Example:
        >>> import polars as pl  # doctest: +SKIP
        >>> pl.DataFrame(arrow(entries))  # doctest: +SKIP
    """
    arrow_module()
    if not (isinstance(entries, Iterable) or hasattr(entries, "entries")):
        raise TypeError(f"a {type(entries).__name__} holds no entries")
    return ArrowEntries(entries)
