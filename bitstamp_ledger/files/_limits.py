"""How much a file may ask for.  A file is input from a stranger; a history fits many times over.

What was packed is measured unpacked, before it is parsed: a few kilobytes can hold gigabytes.
"""

from typing import Final

UNPACKED_MAX: Final = 128 * 2**20
"""Bytes of all that is read out of one container: a million rows of the widest export."""

RATIO_MAX: Final = 250
"""Unpacked bytes for one packed.  Exports reach 5 to 30, deflate ends at about 1,000."""

RATIO_FREE: Final = 8 * 2**20
"""Up to this size, the ratio is not looked at: a short file of equal rows packs very well."""

NESTED_MAX: Final = 3
"""Containers inside containers: a workbook in an archive that a mail program has compressed."""

MEMBERS_MAX: Final = 10_000
"""Files in one archive; what a person packs, or a workbook holds, is far below."""

LINE_MAX: Final = 2**20
"""Characters of one line; a spreadsheet's cell holds 32,767, and the widest export 60 cells."""

COLUMNS_MAX: Final = 1_000
"""Cells of one row; the widest export has about 60."""

CELLS_MAX: Final = 3_000_000
"""Cells of one workbook, blank ones between others included: 200,000 rows of 15 columns."""

ELEMENTS_MAX: Final = 10_000_000
"""XML elements of one workbook; a cell takes two or three.  Half a minute of work."""

ROWS_MAX: Final = 2**20
"""Rows of one sheet: what spreadsheet programs can hold."""
