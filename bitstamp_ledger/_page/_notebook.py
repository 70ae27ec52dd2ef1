"""Tables as HTML that stands within any page: a notebook cell, dark or light.

It sets no colour of its own, so that it takes on those of the page around it.
"""

import html
from collections.abc import Iterable, Sequence
from typing import Final

from bitstamp_ledger._page._values import Table

_TABLE_STYLE: Final = "border-collapse:collapse;margin:0 0 1.5em;font:0.9em/1.4 sans-serif"
_CELL_STYLE: Final = "border-bottom:1px solid #8884;padding:0.15em 0.6em;text-align:"


def to_html_tables(tables: Iterable[Table]) -> str:
    """Return tables as HTML that needs nothing else, and can stand within any page.

    Empty tables are left out.  All text is escaped: files hold what anybody wrote.
    """
    return "".join(_html_table(table) for table in tables if table.rows)


def to_notebook(sentences: Sequence[str], tables: Iterable[Table] = ()) -> str:
    """Return sentences, the first of them as a heading, and tables."""
    first, *more = sentences
    return (
        f"<p><strong>{html.escape(first)}</strong></p>"
        + "".join(f"<p>{html.escape(each)}</p>" for each in more)
        + to_html_tables(tables)
    )


def _html_table(table: Table) -> str:
    aligned = ["right" if name in table.numeric else "left" for name in table.columns]
    head = "".join(
        f'<th scope="col" style="{_CELL_STYLE}{side}">{html.escape(name)}</th>'
        for name, side in zip(table.columns, aligned, strict=True)
    )
    body = "".join(
        "<tr>"
        + "".join(
            f'<td style="{_CELL_STYLE}{side}">{html.escape(cell)}</td>'
            for cell, side in zip(row, aligned, strict=True)
        )
        + "</tr>"
        for row in table.rows
    )
    more = f", {table.left_out:,} of them not shown" if table.left_out else ""
    caption = html.escape(f"{table.heading}{more}")
    return (
        f'<table style="{_TABLE_STYLE}"><caption style="text-align:left">'
        f"<strong>{caption}</strong></caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    )
