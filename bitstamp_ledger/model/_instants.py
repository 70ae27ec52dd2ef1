"""Instants: aware, UTC, and the half-open intervals that printed times stand for."""

import datetime as dt

import attrs

UTC = dt.UTC

TIME_NOT_STATED = dt.datetime(1970, 1, 1, tzinfo=UTC)
"""Stands where a record that could not be understood states no readable time."""


def utc(instant: dt.datetime) -> dt.datetime:
    """Return ``instant`` in UTC.

    Raises:
        ValueError: it has no offset; a naive time does not say which instant it means.
    """
    if instant.tzinfo is UTC:
        return instant
    if instant.utcoffset() is None:
        raise ValueError(f"a time without zone does not say which instant it means: {instant!r}")
    return instant.astimezone(UTC)


@attrs.frozen
class TimeInterval:
    """All instants that a printed time can stand for: ``start <= instant < end``."""

    start: dt.datetime = attrs.field(converter=utc)
    end: dt.datetime = attrs.field(converter=utc)

    def __attrs_post_init__(self) -> None:
        if self.start >= self.end:
            raise ValueError(f"an interval must end after it begins: {self.start} >= {self.end}")

    def __contains__(self, instant: dt.datetime) -> bool:
        return self.start <= instant < self.end

    def overlaps(self, other: "TimeInterval") -> bool:
        """Say whether some instant lies in both."""
        return self.start < other.end and other.start < self.end
