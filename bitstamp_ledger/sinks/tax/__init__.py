"""Files that tax tools import: one declared table for each tool, and one way to write them all.

A tool's module declares its columns and labels (`bitstamp_ledger.sinks.tax.koinly` is the shortest
example); which rows an entry becomes is decided in one place for all.  The names of columns are
those of the readers in `bitstamp_ledger.files`.

Rules that hold for every tool:

1. The rows of an entry add up to its effect on the balances, exactly.
2. One entry is one row where its legs allow it: two legs that face each other, or one leg.  Others
   become one row for each leg, and say so.
3. What the tool has no type for (transfers, staking, settlements, records that are not
   understood) is written as plainly coming in or going out, so that the tool counts it and asks.
4. Where there is a column for free text, it states the entry in full: kind, id, exact time, order,
   price.  What the tool's own columns cannot hold is listed in the sink's ``beside``.
5. What cannot be written truly is refused, never left out: an entry without any amount, or
   without a time, and a currency code that no tool would read.
"""
