"""What people look at: pages as data, entries as a table, plots, and how far a run has come.

`Reconciliation.report`, `Reconciliation.to_html` and `Ledger.report` make pages, of the parts that
each value describes itself in.  Pages need the extra ``report``, and plots, in the module ``plot``,
the extra of that name; data and notebook cells need nothing.
"""

from bitstamp_ledger._page import (
    Card,
    Chart,
    ComparedFact,
    Comparison,
    HasSection,
    Mood,
    Report,
    Section,
    Table,
    to_html_tables,
)
from bitstamp_ledger.report import plot
from bitstamp_ledger.report._entry_table import EntryTable, show
from bitstamp_ledger.report._progress import ProgressBar

__all__ = [
    "Card",
    "Chart",
    "ComparedFact",
    "Comparison",
    "EntryTable",
    "HasSection",
    "Mood",
    "ProgressBar",
    "Report",
    "Section",
    "Table",
    "plot",
    "show",
    "to_html_tables",
]
