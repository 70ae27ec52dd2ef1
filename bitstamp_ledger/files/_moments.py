"""When a row says that it happened, after a look at the times of all rows."""

import datetime as dt
from collections.abc import Sequence
from typing import Final

import attrs

from bitstamp_ledger.files._clock import (
    MINUTE,
    ClockReader,
    Clocks,
    DateOrder,
    Printed,
    read_clock,
    read_zone,
)
from bitstamp_ledger.files._format import Reading, RowError, precision_for
from bitstamp_ledger.files._numbers import (
    ABSENT,
)
from bitstamp_ledger.files._statement import ZoneBasis

DATES_REORDERED: Final = "dates written in another order than the format's"

_DATE_ADVICE: Final = (
    "Correct the time, or pass date_order='day-first' or 'month-first' where the two are mixed."
)


@attrs.frozen(kw_only=True)
class Moment:
    """When a row says it happened."""

    time: dt.datetime
    other_time: dt.datetime | None
    printed: str
    step: dt.timedelta
    zone_open: bool


class MomentReader:
    """Reads the times of one file, after a look at all of them."""

    def __init__(
        self,
        reading: Reading,
        texts: Sequence[str],
        own: Sequence[str],
        *,
        column: str,
        read: ClockReader = read_clock,
        date_order: DateOrder | None = None,
    ) -> None:
        """Decide what only the whole column can tell.

        Args:
            reading: The file being read; its precision and doubts are settled here.
            texts: Every cell of the column.
            own: The cells of the rows that are this exchange's.
            column: The column's name.
            read: Reads one cell.
            date_order: The order of day and month that the format is known to print.
        """
        self._reading = reading
        self._column = column
        self._clocks = clocks = Clocks(
            texts, read=read, documented=date_order, given=reading.date_order
        )
        self._zone_open = reading.format.zone is ZoneBasis.ASSUMED and reading.timezone is None
        whole_minutes = clocks.whole_minutes(own)
        self._step_min = MINUTE if whole_minutes else dt.timedelta()
        if whole_minutes:
            reading.doubts[
                "All seconds are 0, so times are taken as the minute in which it happened."
            ] = None
        zone_open = self._zone_open and not clocks.all_have_zones(own)
        if zone_open:
            reading.doubts[
                "Nothing says in which time zone the times are; they were read as UTC. "
                "Pass timezone= to settle it."
            ] = None
        if clocks.reordered:
            reading.repaired(DATES_REORDERED, None)
        if clocks.undecided:
            used = date_order or DateOrder.DAY_FIRST
            reading.date_order_used = used
            reading.doubts[
                f"Nothing shows whether days or months come first in its dates; they were read "
                f"{used.value}. The other reading is among the alternatives; pass date_order= "
                f"to settle it."
            ] = None
        coarsest = clocks.coarsest(own) or reading.precision.time_step
        reading.precision = precision_for(
            reading.precision,
            time_step=max(coarsest, self._step_min),
            zone_open=zone_open,
        )

    def read(self, text: str, zone_text: str = "", zone_column: str | None = None) -> Moment:
        """Read one cell, and the zone where a cell of its own states it.

        Raises:
            RowError: it is no time, or the zone's clocks never showed it.
        """
        try:
            printed = self._clocks.read(text)
        except ValueError as exc:
            raise RowError(self._column, str(exc), _DATE_ADVICE) from exc
        zone = printed.zone
        if zone is None and zone_text.strip() not in ABSENT:
            try:
                zone = read_zone(zone_text)
            except ValueError as exc:
                raise RowError(zone_column, str(exc)) from exc
        return self.moment(printed, zone)

    def moment(self, printed: Printed, zone: dt.tzinfo | None) -> Moment:
        """Place a printed time on the line of instants.

        Raises:
            RowError: the zone's clocks never showed it.
        """
        try:
            time, other = self._reading.instants(printed.naive, zone)
        except (ValueError, OverflowError) as exc:
            raise RowError(self._column, str(exc)) from exc
        return Moment(
            time=time,
            other_time=other,
            printed=printed.naive.isoformat(),
            step=max(printed.step, self._step_min),
            zone_open=self._zone_open and zone is None,
        )
