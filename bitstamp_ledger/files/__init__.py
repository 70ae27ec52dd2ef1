"""Trade files: recognise them, read them, and say what each format keeps and loses.

To add a format, write a module with a `StatementFormat` and register it under the entry-point
group ``bitstamp_ledger.statements``; `bitstamp_ledger.files.bitstamp_g2` is the shortest example.
"""

from bitstamp_ledger.files._content import StatementSource, bytes_of
from bitstamp_ledger.files._format import GROUP, Reading, RowError, Shape, StatementFormat
from bitstamp_ledger.files._read import read_statement, read_statement_text
from bitstamp_ledger.files._registry import formats
from bitstamp_ledger.files._statement import (
    Problem,
    Repair,
    RowCounts,
    SetAside,
    Statement,
    Zone,
    ZoneBasis,
)
from bitstamp_ledger.files._stream import StatementStream, iter_statement
from bitstamp_ledger.files._table import Table
from bitstamp_ledger.files._times import zone_name, zone_of

__all__ = [
    "GROUP",
    "Problem",
    "Reading",
    "Repair",
    "RowCounts",
    "RowError",
    "SetAside",
    "Shape",
    "Statement",
    "StatementFormat",
    "StatementSource",
    "StatementStream",
    "Table",
    "Zone",
    "ZoneBasis",
    "bytes_of",
    "formats",
    "iter_statement",
    "read_statement",
    "read_statement_text",
    "zone_name",
    "zone_of",
]
