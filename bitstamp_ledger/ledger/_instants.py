"""Instants as the database holds them: text for what is shown, microseconds for what is sorted."""

import datetime as dt
from typing import Final

from bitstamp_ledger.model import UTC, utc

_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=UTC)
_US: Final = dt.timedelta(microseconds=1)


def micros(instant: dt.datetime) -> int:
    """Return the microseconds since 1970, exactly."""
    since = instant - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def from_micros(value: int) -> dt.datetime:
    """Return the instant that `micros` was given."""
    return _EPOCH + value * _US


def to_text(instant: dt.datetime) -> str:
    """Write an instant so that texts sort as instants do."""
    return utc(instant).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def from_text(text: str) -> dt.datetime:
    """Read what `to_text` wrote."""
    return dt.datetime.fromisoformat(text)


def year_span(year: int) -> tuple[int, int]:
    """Return where a calendar year begins and ends, in UTC: microseconds, the end exclusive."""
    return micros(dt.datetime(year, 1, 1, tzinfo=UTC)), micros(
        dt.datetime(year + 1, 1, 1, tzinfo=UTC)
    )
