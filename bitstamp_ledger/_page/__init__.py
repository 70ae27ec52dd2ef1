"""What values look like to people: tables of text, and pages and notebook cells made of them.

1. Everything is text before it becomes HTML, and is escaped: files hold what anybody wrote.
2. Nothing that is shown points to another place: no picture, font, style or script is fetched.
3. What is left out is counted, and said.

Whatever is to be shown describes itself in these plain values, in its own layer.
"""

from bitstamp_ledger._page._entries import (
    ENTRY_COLUMNS,
    NOT_STATED,
    WHEN,
    amounts_of,
    entry_cells,
    entry_table,
    fee_of,
    name_of,
    time_of,
)
from bitstamp_ledger._page._notebook import to_html_tables, to_notebook
from bitstamp_ledger._page._values import (
    LISTED,
    AskedPair,
    Card,
    Chart,
    ComparedFact,
    Comparison,
    HasSection,
    MadeHere,
    Mood,
    PathName,
    Report,
    ReviewPage,
    Section,
    Table,
    plain,
)

__all__ = [
    "ENTRY_COLUMNS",
    "LISTED",
    "NOT_STATED",
    "WHEN",
    "AskedPair",
    "Card",
    "Chart",
    "ComparedFact",
    "Comparison",
    "HasSection",
    "MadeHere",
    "Mood",
    "PathName",
    "Report",
    "ReviewPage",
    "Section",
    "Table",
    "amounts_of",
    "entry_cells",
    "entry_table",
    "fee_of",
    "name_of",
    "plain",
    "time_of",
    "to_html_tables",
    "to_notebook",
]
