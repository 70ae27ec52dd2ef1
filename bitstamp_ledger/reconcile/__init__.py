"""Which rows of files are which records of the API; pure, without clock or I/O."""

from bitstamp_ledger._page import Table, to_html_tables
from bitstamp_ledger.reconcile._reconcile import reconcile
from bitstamp_ledger.reconcile._result import (
    Conflict,
    Counts,
    Decision,
    Grade,
    IdTrust,
    Match,
    Reconciliation,
    Rule,
    StatementReading,
    StatementZone,
    Suspect,
    Verdict,
)

__all__ = [
    "Conflict",
    "Counts",
    "Decision",
    "Grade",
    "IdTrust",
    "Match",
    "Reconciliation",
    "Rule",
    "StatementReading",
    "StatementZone",
    "Suspect",
    "Table",
    "Verdict",
    "reconcile",
    "to_html_tables",
]
