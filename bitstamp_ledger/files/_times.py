"""Times as the exchange's exports print them.  No strptime: its month names follow the locale.

Facts: docs/facts/files.md, "G1 columns and times" and "G2 columns".
"""

import datetime as dt
import re
from types import MappingProxyType
from typing import Final

from bitstamp_ledger.errors import StatementError
from bitstamp_ledger.model import UTC

MONTHS: Final = MappingProxyType(
    {
        "jan": 1,
        "feb": 2,
        "mar": 3,
        "apr": 4,
        "may": 5,
        "jun": 6,
        "jul": 7,
        "aug": 8,
        "sep": 9,
        "sept": 9,
        "oct": 10,
        "nov": 11,
        "dec": 12,
    }
)

ISO_LENGTH: Final = 20
ISO_SIGNS: Final = "--T::Z"
"""Of a time like ``2021-03-28T00:41:36Z``, every third sign from the first dash on."""

_PRINTED: Final = re.compile(
    r"([A-Za-z]{3,4})\.? +([0-9]{1,2}), *([0-9]{4}), *([0-9]{1,2}):([0-9]{2})"
    r" *([AaPp])\.?[Mm]\.?"
).fullmatch
_ISO: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(?:\.[0-9]{1,6})?)?"
    r"(Z|[+-][0-9]{2}:[0-9]{2})?"
).fullmatch
_is_iso_second: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z"
).fullmatch

_NOON: Final = 12


def read_printed_minute(text: str) -> dt.datetime:
    """Read ``Mar. 28, 2021, 12:41 AM`` as a naive time.

    Raises:
        ValueError: it is no such time; the message is the reason.
    """
    match = _PRINTED(" ".join(text.split()))
    if match is None:
        raise ValueError("not a time like 'Mar. 28, 2021, 12:41 AM'")
    month, day, year, hour, minute, half = match.groups()
    number = MONTHS.get(month.lower())
    if number is None:
        raise ValueError("not an English month")
    clock = _hour(int(hour), half.lower())
    try:
        return dt.datetime(int(year), number, int(day), clock, int(minute))  # noqa: DTZ001
    except ValueError as exc:
        raise ValueError("no such day or time") from exc


def _hour(hour: int, half: str) -> int:
    if half == "a":
        if hour > _NOON:
            raise ValueError("an hour after noon marked AM")
        return hour % _NOON
    if hour == 0:
        raise ValueError("an hour before noon marked PM")
    # One published sample prints a 24-hour clock followed by PM.
    return hour if hour >= _NOON else hour + _NOON


def read_iso_second(text: str) -> dt.datetime | None:
    """Read exactly ``2021-03-28T00:41:36Z``; None for every other spelling.

    Raises:
        ValueError: so spelled, but no such day or time.
    """
    return dt.datetime.fromisoformat(text) if _is_iso_second(text) else None


def read_iso(text: str) -> tuple[dt.datetime, bool]:
    """Read a variant of ``2021-03-28T00:41:36Z``; naive where no zone is stated.

    Returns:
        The time, and whether seconds are stated.

    Raises:
        ValueError: it is no such time; the message is the reason.
    """
    match = _ISO(text.strip())
    if match is None:
        raise ValueError("not a time like '2021-03-28T00:41:36Z'")
    try:
        return dt.datetime.fromisoformat(match.group()), match.group(1) is not None
    except ValueError as exc:
        raise ValueError("no such day or time") from exc


def zone_of(timezone: str | dt.tzinfo) -> dt.tzinfo:
    """Return the zone called ``timezone``.

    Raises:
        StatementError: no such zone is known here.
    """
    if isinstance(timezone, dt.tzinfo):
        return timezone
    if timezone == "UTC":
        return UTC  # Known without a zone database.
    import zoneinfo  # noqa: PLC0415 - slow to import, and most files need no zone

    try:
        return zoneinfo.ZoneInfo(timezone)
    except (KeyError, ValueError, OSError) as exc:
        raise StatementError(
            f"There is no time zone {timezone!r}.",
            hint="Use a name like 'Europe/Paris'; where none is known, install tzdata.",
        ) from exc


def zone_name(zone: dt.tzinfo) -> str:
    """Return what the zone is called."""
    return str(getattr(zone, "key", zone))


def in_zone(naive: dt.datetime, zone: dt.tzinfo) -> dt.datetime:
    """Read a printed time in ``zone``; of a repeated hour in autumn, the first.

    Raises:
        ValueError: the clocks of the zone never showed this time.
    """
    try:
        instant = naive.replace(tzinfo=zone).astimezone(UTC)
        shown = instant.astimezone(zone).replace(tzinfo=None)
    except OverflowError as exc:
        raise ValueError("no such day or time") from exc
    if shown != naive:
        raise ValueError(f"the clocks never showed this time in {zone_name(zone)}")
    return instant
