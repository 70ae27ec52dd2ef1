"""Read the cells of XLSX and ODS workbooks: stored values only, no formula is ever evaluated."""

from xml.parsers import expat

from bitstamp_ledger.files._ods import is_ods, sheets_of_ods
from bitstamp_ledger.files._packed import Archive
from bitstamp_ledger.files._sheets import Sheet
from bitstamp_ledger.files._xlsx import is_xlsx, sheets_of_xlsx


def is_workbook(archive: Archive) -> bool:
    """Say whether a ZIP archive is a spreadsheet."""
    return is_xlsx(archive) or is_ods(archive)


def sheets_of(archive: Archive) -> list[Sheet]:
    """Return every sheet that has a cell.

    Raises:
        StatementError: encrypted, damaged, of a kind that is not read, or too large.
    """
    try:
        return sheets_of_xlsx(archive) if is_xlsx(archive) else sheets_of_ods(archive)
    except expat.ExpatError as exc:
        raise archive.damaged(exc) from exc
