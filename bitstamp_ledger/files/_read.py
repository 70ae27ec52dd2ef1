"""Read a file: load, recognise, hand the rows to the format, close the books."""

import datetime as dt
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Literal

import attrs

from bitstamp_ledger._collector import collector_paused
from bitstamp_ledger.errors import StatementError
from bitstamp_ledger.files._clock import DateOrder
from bitstamp_ledger.files._content import StatementSource
from bitstamp_ledger.files._format import Reading, SecondLook, StatementFormat
from bitstamp_ledger.files._grids import Opened, open_source, open_text
from bitstamp_ledger.files._recognise import recognise
from bitstamp_ledger.files._registry import in_order
from bitstamp_ledger.files._registry import load as load_format
from bitstamp_ledger.files._statement import Statement
from bitstamp_ledger.files._times import zone_of

if TYPE_CHECKING:
    from bitstamp_ledger.files._mapping import ColumnMapping


def read_statement(
    path: StatementSource,
    *,
    format: str | None = None,  # noqa: A002 - the word of the field, and of `Statement.format`
    timezone: str | dt.tzinfo | None = None,
    account: str | None = None,
    date_order: Literal["day-first", "month-first"] | None = None,
    part: str | None = None,
    columns: "ColumnMapping | None" = None,
) -> Statement:
    """Read a trade file: delimited text, a workbook (XLSX, ODS) or JSON, plain, gzip or ZIP.

    A row that cannot be read does not stop the others: it is in ``problems``, with its row number,
    column, text and reason.  A row whose type is not known is an `UnknownEntry`.

    Args:
        path: The file's path (str or path-like), its content (bytes), or an open file, which is
            read to its end and left open.
        format: The name of the format, where it should not be recognised by its header.
        timezone: The zone of printed times that do not state one: an IANA name such as
            ``Europe/Paris``, or a tzinfo.  The exchange's own exports are in UTC, so they need it
            only after another program has shifted them.
        account: The account of rows that do not state one.  What a row states wins.
        date_order: Which comes first in dates like ``03/04/2021``, where the file does not show
            it: see ``alternatives`` of the result.
        part: The file in a ZIP archive, or the sheet of a workbook, where several hold a history.
        columns: For a table of no known format: which of its columns is what, as a dict or the path
            of a TOML file (docs/how-to/read-another-table.md).

    Raises:
        UnknownFormatError: its header is that of no known format, or not that of ``format``.
        StatementError: it cannot be opened, is empty, or is not text; or the zone is not known.
        PluginError: ``format`` names no format, or a plug-in does not load.
    """
    settings = settings_of(format, timezone, account, date_order, columns)
    return read_opened(open_source(path, part), settings)


def read_statement_text(
    text: str,
    *,
    format: str | None = None,  # noqa: A002 - as in `read_statement`
    timezone: str | dt.tzinfo | None = None,
    account: str | None = None,
    date_order: Literal["day-first", "month-first"] | None = None,
    columns: "ColumnMapping | None" = None,
) -> Statement:
    """Read a trade file whose text is at hand, as `read_statement` does.

    Raises:
        StatementError: as `read_statement`.
        PluginError: as `read_statement`.
    """
    settings = settings_of(format, timezone, account, date_order, columns)
    return read_opened(open_text(text), settings)


@attrs.frozen(kw_only=True)
class Settings:
    """What the caller said about a file."""

    candidates: Callable[[], Iterable[StatementFormat]]
    timezone: dt.tzinfo | None
    account: str | None
    date_order: DateOrder | None


def settings_of(
    name: str | None,
    timezone: str | dt.tzinfo | None,
    account: str | None,
    date_order: str | None,
    columns: "ColumnMapping | None",
) -> Settings:
    """Check what the caller said.

    Raises:
        StatementError: a zone, an order of dates or a mapping that is not known.
        PluginError: ``name`` names no format.
    """
    if columns is None:
        form = None if name is None else load_format(name)
        return Settings(
            candidates=in_order if form is None else lambda: [form],
            timezone=None if timezone is None else zone_of(timezone),
            account=account,
            date_order=_date_order(date_order),
        )
    if name is not None:
        raise StatementError(
            "A format and a mapping of columns exclude each other.",
            hint="Pass either format= or columns=.",
        )
    from bitstamp_ledger.files._mapping import mapped  # noqa: PLC0415 - few readers need it

    mapping = mapped(columns)
    zone = mapping.timezone if timezone is None else timezone
    return Settings(
        candidates=lambda: [mapping.form],
        timezone=None if zone is None else zone_of(zone),
        account=account,
        date_order=mapping.date_order if date_order is None else _date_order(date_order),
    )


def read_opened(opened: Opened, settings: Settings) -> Statement:
    """Read what was opened."""
    known = recognise(opened, settings.candidates())
    form = known.form

    def read_in(
        order: DateOrder | None, *, second_look: bool = False
    ) -> tuple[Statement, DateOrder | None]:
        reading = Reading(
            form,
            path=opened.path,
            timezone=settings.timezone,
            account=settings.account,
            date_order=order,
            second_look=second_look,
        )
        for repair in opened.repairs:
            reading.repaired(repair)
        for sheet in known.unread:
            reading.doubts[f"The sheet {sheet!r} was not read: no format has its header."] = None
        table = known.grid.table(known.layout, reading.repaired)
        try:
            form.read(table, reading)
        except SecondLook:
            return read_in(order, second_look=True)
        statement = reading.statement(table, digest=opened.digest)
        return attrs.evolve(statement, part=known.grid.part), reading.date_order_used

    with collector_paused():
        statement, guessed = read_in(settings.date_order)
        if guessed is None:
            return statement
        other, _ = read_in(guessed.other)
        return attrs.evolve(statement, alternatives=(other,))


def _date_order(name: str | None) -> DateOrder | None:
    try:
        return None if name is None else DateOrder(name)
    except ValueError as exc:
        raise StatementError(
            f"There is no order of dates {name!r}.",
            hint=f"Known: {', '.join(order.value for order in DateOrder)}.",
        ) from exc
