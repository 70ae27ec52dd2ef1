"""Times as other tools and spreadsheets print them, and what a whole column of them says.

Rules:

1. A cell is read by its shape; nothing depends on the locale.
2. ``03/04/2021`` is read where the file decides whether days or months come first: by a number
   above 12, by the format's own rule as long as the cells have exactly its shape, or by the
   caller.  Else the file is read one way, says so, and carries its other reading.
3. A time stands for all instants that print like it.  Seconds that are 0 in every row of a file
   were not kept, so the step is the minute.

Facts: docs/facts/files.md, "Times of other tools".
"""

import datetime as dt
import enum
import functools
import re
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Final

import attrs

from bitstamp_ledger.errors import StatementError
from bitstamp_ledger.files._times import MONTHS, zone_of
from bitstamp_ledger.model import UTC

MINUTE: Final = dt.timedelta(minutes=1)
SECOND: Final = dt.timedelta(seconds=1)
MILLISECOND: Final = dt.timedelta(milliseconds=1)
MICROSECOND: Final = dt.timedelta(microseconds=1)
DAY: Final = dt.timedelta(days=1)

_FRACTION_DIGITS: Final = 6
_MONTHS_A_YEAR: Final = 12
_NOON: Final = 12
_CENTURY: Final = 2000


class DateOrder(enum.Enum):
    """Which of the two numbers before the year is the day."""

    DAY_FIRST = "day-first"
    MONTH_FIRST = "month-first"

    @property
    def other(self) -> "DateOrder":
        """The opposite order."""
        return DateOrder.MONTH_FIRST if self is DateOrder.DAY_FIRST else DateOrder.DAY_FIRST


@attrs.frozen(kw_only=True)
class Printed:
    """A time as printed: the clock that was shown, to which step, and in which zone if stated."""

    naive: dt.datetime
    step: dt.timedelta
    zone: dt.tzinfo | None = None
    swapped: dt.datetime | None = None
    """The same cell read month-first, where ``naive`` is its day-first reading and both exist."""

    only: DateOrder | None = None
    """The only order in which the cell is a date; None where it does not matter or both are."""

    separator: str = ""
    """What stands between day and month, where their order has to be decided."""

    padded: bool = True
    """Whether it is spelled out as programs do: two digits each, four for the year, and seconds
    behind a clock."""


_TIME: Final = (
    r"(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})"
    r"(?:[.,](?P<fraction>[0-9]{1,9}))?)?(?: ?(?P<half>[AaPp])\.?[Mm]\.?)?"
)
_TAIL: Final = rf"(?:(?:T|,? +){_TIME})?(?: *(?P<zone>[A-Za-z+-][A-Za-z0-9+:/_-]*))?"
_WEEKDAY: Final = r"(?:[A-Za-z]{3,9}\.?,? )?"
_MONTH: Final = r"(?P<month_name>[A-Za-z]{3,9})\.?"
_year_first: Final = re.compile(
    rf"(?P<year>[0-9]{{4}})[-/.](?P<month>[0-9]{{1,2}})[-/.](?P<day>[0-9]{{1,2}}){_TAIL}"
).fullmatch
_year_last: Final = re.compile(
    rf"(?P<one>[0-9]{{1,2}})(?P<separator>[-/.])(?P<two>[0-9]{{1,2}})(?P=separator)"
    rf"(?P<year>[0-9]{{4}}|[0-9]{{2}}){_TAIL}"
).fullmatch
_day_month_name: Final = re.compile(
    rf"{_WEEKDAY}(?P<day>[0-9]{{1,2}})[ -]{_MONTH},?[ -](?P<year>[0-9]{{4}}){_TAIL}"
).fullmatch
_month_name_day: Final = re.compile(
    rf"{_WEEKDAY}{_MONTH} (?P<day>[0-9]{{1,2}}),? (?P<year>[0-9]{{4}}){_TAIL}"
).fullmatch
_epoch: Final = re.compile(r"([0-9]{9,10}|[0-9]{12,13})(?:\.0*)?").fullmatch
_SECONDS_DIGITS: Final = 10
_MONTHS_LONG: Final = MappingProxyType(
    dict(
        zip(
            (
                *("january", "february", "march", "april", "may", "june", "july"),
                *("august", "september", "october", "november", "december"),
            ),
            range(1, _MONTHS_A_YEAR + 1),
            strict=True,
        )
    )
)
_offset: Final = re.compile(
    r"(?:UTC|GMT)?(?P<sign>[+-])(?P<hours>[0-9]{1,2})(?::?(?P<minutes>[0-9]{2}))?", re.IGNORECASE
).fullmatch
_ZONES: Final[Mapping[str, dt.tzinfo]] = MappingProxyType(
    {
        "utc": UTC,
        "gmt": UTC,
        "z": UTC,
        "bst": dt.timezone(dt.timedelta(hours=1), "BST"),
        "cet": dt.timezone(dt.timedelta(hours=1), "CET"),
        "cest": dt.timezone(dt.timedelta(hours=2), "CEST"),
    }
)
"""Zones that are known by letters; others mean different things in different countries."""

_NOT_A_TIME: Final = "not a time in a known shape"
_HOURS_MAX: Final = 24


@functools.lru_cache(maxsize=256)
def read_zone(text: str) -> dt.tzinfo:
    """Read the name of a zone: ``UTC``, ``GMT+2``, ``+01:00``, ``Europe/Paris``.

    Raises:
        ValueError: no zone is known by this name; the message is the reason.
    """
    text = text.strip()
    known = _ZONES.get(text.casefold())
    if known is not None:
        return known
    if (match := _offset(text)) is not None:
        minutes = int(match["hours"]) * 60 + int(match["minutes"] or 0)
        if minutes >= _HOURS_MAX * 60:
            raise ValueError("not an offset from UTC")
        return dt.timezone(dt.timedelta(minutes=minutes if match["sign"] == "+" else -minutes))
    if "/" in text:
        try:
            return zone_of(text)
        except StatementError as exc:
            raise ValueError("not a known time zone") from exc
    raise ValueError("not a known time zone")


def read_clock(text: str) -> Printed:
    """Read a printed date and time of any known shape.

    Raises:
        ValueError: it is no such time; the message is the reason.
    """
    text = " ".join(text.split())
    if (match := _year_first(text)) is not None:
        return _printed(match, int(match["year"]), int(match["month"]), int(match["day"]))
    if (match := _year_last(text)) is not None:
        return _year_last_printed(match)
    match = _day_month_name(text) or _month_name_day(text)
    if match is None:
        raise ValueError(_NOT_A_TIME)
    name = match["month_name"].lower()
    month = MONTHS.get(name) or _MONTHS_LONG.get(name)
    if month is None:
        raise ValueError("not an English month")
    return _printed(match, int(match["year"]), month, int(match["day"]))


def read_epoch(text: str) -> Printed:
    """Read seconds or milliseconds since 1970.

    Raises:
        ValueError: it is no such number, or one that a spreadsheet has shortened.
    """
    match = _epoch(text.strip())
    if match is None:
        raise ValueError("not a whole number of seconds or milliseconds since 1970")
    digits = match[1]
    if len(digits) <= _SECONDS_DIGITS:
        moment, step = dt.timedelta(seconds=int(digits)), SECOND
    else:
        moment, step = dt.timedelta(milliseconds=int(digits)), MILLISECOND
        if not int(digits) % 1000:
            step = SECOND
    naive = dt.datetime(1970, 1, 1) + moment  # noqa: DTZ001 - the zone is a field of its own
    return Printed(naive=naive, step=step, zone=UTC)


def _year_last_printed(match: re.Match[str]) -> Printed:
    one, two, year = int(match["one"]), int(match["two"]), int(match["year"])
    short = len(match["year"]) == len("21")
    padded = not short and len(match["one"]) == len(match["two"]) == len("03")
    if match["hour"] is not None:  # Spreadsheets of some countries pad dates, but drop seconds.
        padded = padded and len(match["hour"]) == len("03") and match["second"] is not None
    if short:
        year += _CENTURY
    separator = match["separator"]
    if one > _MONTHS_A_YEAR >= two:
        printed = _printed(match, year, two, one)
        return attrs.evolve(printed, only=DateOrder.DAY_FIRST, separator=separator, padded=padded)
    if two > _MONTHS_A_YEAR >= one:
        printed = _printed(match, year, one, two)
        return attrs.evolve(printed, only=DateOrder.MONTH_FIRST, separator=separator, padded=padded)
    printed = _printed(match, year, two, one)
    if one == two:
        return printed
    other = _printed(match, year, one, two)
    return attrs.evolve(printed, swapped=other.naive, separator=separator, padded=padded)


def _printed(match: re.Match[str], year: int, month: int, day: int) -> Printed:
    zone = None if match["zone"] is None else read_zone(match["zone"])
    try:
        if match["hour"] is None:
            return Printed(
                naive=dt.datetime(year, month, day),  # noqa: DTZ001 - as printed
                step=DAY,
                zone=zone,
            )
        fraction = match["fraction"] or ""
        naive = dt.datetime(  # noqa: DTZ001 - as printed
            year,
            month,
            day,
            _hour(int(match["hour"]), match["half"]),
            int(match["minute"]),
            int(match["second"] or 0),
            int(fraction[:_FRACTION_DIGITS].ljust(_FRACTION_DIGITS, "0")),
        )
    except ValueError as exc:
        raise ValueError("no such day or time") from exc
    return Printed(naive=naive, step=_step(match["second"], fraction), zone=zone)


def _hour(hour: int, half: str | None) -> int:
    if half is None:
        return hour
    if not 1 <= hour <= _NOON:
        raise ValueError("an hour that no clock of twelve shows")
    return hour % _NOON + (_NOON if half.lower() == "p" else 0)


def _step(second: str | None, fraction: str) -> dt.timedelta:
    if second is None:
        return MINUTE
    if not fraction.strip("0"):
        # Tools print ".000" behind whole seconds; the wider step holds either way.
        return SECOND
    return dt.timedelta(microseconds=10 ** (_FRACTION_DIGITS - min(len(fraction), 6)))


ClockReader = Callable[[str], Printed]


class Clocks:
    """A column of times: what all of its cells together say about each of them."""

    def __init__(
        self,
        texts: Iterable[str],
        *,
        read: ClockReader = read_clock,
        documented: DateOrder | None = None,
        given: DateOrder | None = None,
    ) -> None:
        """Look at every cell of the column once.

        Args:
            texts: All cells, those of rows that are set aside included; repeats are welcome.
            read: Reads one cell.
            documented: The order that the format is known to print.
            given: The order that the caller named, for what nothing else decides.
        """
        self._read = read
        self._known: dict[str, Printed | str] = {}
        for text in texts:
            if text not in self._known:
                self._known[text] = self._attempt(text)
        cells = [cell for cell in self._known.values() if isinstance(cell, Printed)]
        self.undecided = False
        """Whether nothing decides the order of at least one cell."""

        self.reordered = False
        """Whether the order is not the one that the format is known to print."""

        self._orders = {
            separator: self._order(
                [cell for cell in cells if cell.separator == separator],
                documented=DateOrder.DAY_FIRST if separator == "." else documented,
                always=separator == ".",  # Nobody writes month.day.year.
                given=given,
            )
            for separator in sorted({cell.separator for cell in cells} - {""})
        }

    def whole_minutes(self, texts: Iterable[str]) -> bool:
        """Say whether cells print seconds, and all of them 0: then seconds were not kept."""
        found = [self._known[text] for text in texts if text in self._known]
        steps = [cell for cell in found if isinstance(cell, Printed) and cell.step < MINUTE]
        return bool(steps) and not any(
            cell.naive.second or cell.naive.microsecond for cell in steps
        )

    def coarsest(self, texts: Iterable[str]) -> dt.timedelta | None:
        """Return the widest step among cells; None where none of them is a time."""
        found = [self._known[text] for text in set(texts) if text in self._known]
        return max((cell.step for cell in found if isinstance(cell, Printed)), default=None)

    def all_have_zones(self, texts: Iterable[str]) -> bool:
        """Say whether each of these cells that is a time states its zone."""
        found = [self._known[text] for text in texts if text in self._known]
        times = [cell for cell in found if isinstance(cell, Printed)]
        return bool(times) and all(cell.zone is not None for cell in times)

    def read(self, text: str) -> Printed:
        """Return what a cell says, its order decided.

        Raises:
            ValueError: it is no time, or can be two; the message is the reason.
        """
        cell = self._known.get(text) or self._attempt(text)
        if isinstance(cell, str):
            raise ValueError(cell)  # noqa: TRY004 - the cell is bad, not a type
        if not cell.separator or cell.only is not None:
            return cell
        order = self._orders.get(cell.separator)
        if order is None:
            raise ValueError(
                "day and month can be swapped, and other rows of the file have them in both orders"
            )
        if order is DateOrder.MONTH_FIRST and cell.swapped is not None:
            return attrs.evolve(cell, naive=cell.swapped)
        return cell

    def _attempt(self, text: str) -> Printed | str:
        """Return what a cell says, or why it is no time."""
        try:
            return self._read(text)
        except ValueError as exc:
            return str(exc)

    def _order(
        self,
        cells: list[Printed],
        *,
        documented: DateOrder | None,
        always: bool,
        given: DateOrder | None,
    ) -> DateOrder | None:
        """Return the order of the cells of one separator; None where they contradict each other."""
        seen = {cell.only for cell in cells if cell.only is not None}
        if len(seen) > 1:
            return given
        if seen:
            (order,) = seen
            self.reordered |= documented is not None and order is not documented
            return order
        if given is not None:
            return given
        if documented is not None and (always or all(cell.padded for cell in cells)):
            return documented
        self.undecided = True
        return documented or DateOrder.DAY_FIRST
