"""From what was sent and what was received to an entry, for the formats that state no more.

A format in this layout is nearly all data:

    FORMAT = StatementFormat(..., read=reader(SentReceived(columns={...}, labels={...})))

One whose rows need more than that builds its entries with `EntryBuilder` itself.

Rules:

1. Two legs are a trade, one leg is a deposit, withdrawal or reward, as the row's label says.  A
   label that is not known, or that the legs contradict, makes an `UnknownEntry` with the legs as
   printed.
2. Which leg of a trade is the base follows a convention, which precision marks as open
   (docs/facts/files.md, "Base and quote").
3. A fee of 0 is not stated: tools print it where they know none.
4. Amounts are unsigned; the column gives the direction.  A printed minus is refused.
"""

import datetime as dt
import enum
import functools
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

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
from bitstamp_ledger.files._currencies import (
    CURRENCY_ALIAS,
    REWARD_ALIASES,
    is_bitstamp,
    quote_of,
    read_currency,
)
from bitstamp_ledger.files._format import Reading, RowError, RowSetAside
from bitstamp_ledger.files._numbers import (
    DECIMAL_COMMA,
    FLOAT_NOISE,
    is_plain,
    plain_text,
    read_number,
    without_float_noise,
)
from bitstamp_ledger.files._statement import ZoneBasis
from bitstamp_ledger.files._table import Table
from bitstamp_ledger.model import (
    Amount,
    Conversion,
    Deposit,
    Entry,
    FeePlace,
    Precision,
    Reward,
    Rounding,
    Source,
    StakingMovement,
    Trade,
    UnknownEntry,
    Withdrawal,
    exact_difference,
    exact_sum,
)

AS_MADE: Final = Precision(
    time_step=dt.timedelta(seconds=1),
    base=Rounding.UNIT,
    quote=Rounding.UNIT,
    account_stated=False,
    orientation_open=True,
)
"""What a tool's file can be trusted with: its numbers may be rounded, cut or recomputed."""

ZERO_FEE_NOTE: Final = (
    "An empty fee, or one of 0, is either no fee or a fee that the tool did not know."
)
NO_EXCHANGE_NOTE: Final = (
    "No column names the exchange, so rows of other exchanges cannot be told apart."
)
AS_MADE_NOTE: Final = (
    "A row may be one execution or a whole order, as whoever made the file had it."
)

DATES_REORDERED: Final = "dates written in another order than the format's"
ZEROED_ID: Final = "id altered by a spreadsheet, left out"
ID_AS_DECIMAL: Final = "id written as a decimal number"

_NUMBER_ADVICE: Final = (
    "Correct the number, or export the file again and do not open it in a spreadsheet."
)
_DATE_ADVICE: Final = (
    "Correct the time, or pass date_order='day-first' or 'month-first' where the two are mixed."
)
_ABSENT: Final = frozenset({"", "-", "\u2013", "\u2014"})
_LONG_ID_DIGITS: Final = 16
_EXACT_FLOAT_MAX: Final = 2**53
_is_decimal_comma: Final = re.compile(
    r"\s*-?(?:[0-9. \u00a0\u2009\u202f'\u2019]*[0-9])?,(?:[0-9]{1,2}|[0-9]{4,})\s*|\s*-?0,[0-9]+\s*"
).fullmatch
_is_decimal_point: Final = re.compile(r"\s*-?[0-9, ]*\.(?:[0-9]{1,2}|[0-9]{4,})\s*").fullmatch
_may_be_thousands: Final = re.compile(r"-?[1-9][0-9]{0,2}[.,][0-9]{3}").fullmatch
_is_id: Final = re.compile(r"[0-9]{1,19}").fullmatch
_is_padded_id: Final = re.compile(r"([0-9]{1,16})[.,]0+").fullmatch
_is_mangled_id: Final = re.compile(r"[0-9][.,][0-9]+[eE]\+?[0-9]+").fullmatch


class Field(enum.Enum):
    """What a column of a sent-and-received layout holds."""

    TIME = "time"
    ZONE = "zone"
    LABEL = "label"
    TAG = "tag"
    SENT = "sent"
    SENT_CODE = "sent currency"
    RECEIVED = "received"
    RECEIVED_CODE = "received currency"
    FEE = "fee"
    FEE_CODE = "fee currency"
    EXCHANGE = "exchange"
    ID = "id"
    ORDER_ID = "order id"

    # That of Enum is written in Python, and a row asks for some twenty fields.
    __hash__ = object.__hash__


@attrs.frozen(kw_only=True)
class Kinds:
    """What a label makes of the legs that a row has; None where they contradict the label."""

    both: type[Entry] | None = None
    received: type[Entry] | None = None
    sent: type[Entry] | None = None
    reason: str = ""
    """Why a row with this label is not understood, where it never is."""


UNLABELLED: Final = Kinds(both=Trade, received=Deposit, sent=Withdrawal)
TRADE: Final = Kinds(both=Trade)
CONVERSION: Final = Kinds(both=Conversion)
DEPOSIT: Final = Kinds(received=Deposit)
WITHDRAWAL: Final = Kinds(sent=Withdrawal)
MOVEMENT: Final = Kinds(received=Deposit, sent=Withdrawal)
REWARD: Final = Kinds(received=Reward)
STAKING: Final = Kinds(received=StakingMovement, sent=StakingMovement)
MAYBE_FEE: Final = Kinds(reason="It may be a fee of another row, so it is not counted as a loss.")
_UNKNOWN_LABEL: Final = Kinds(reason="This version does not know the type.")


@attrs.frozen(kw_only=True)
class Legs:
    """What a row states to have moved; amounts unsigned, None where it states nothing."""

    sent: Amount | None = None
    received: Amount | None = None
    fee: Amount | None = None


@attrs.frozen(kw_only=True)
class Moment:
    """When a row says it happened."""

    time: dt.datetime
    other_time: dt.datetime | None
    printed: str
    step: dt.timedelta
    zone_open: bool


@attrs.frozen(kw_only=True)
class SentReceived:
    """What a layout's columns are and how its rows are to be read."""

    columns: Mapping[Field, tuple[str, ...]]
    """For each field, the names that its column has had; the first that a header has is read."""

    labels: Mapping[str, Kinds]
    """By the label, case folded.  The empty label too, where it can be empty."""

    tags: Mapping[str, Kinds] = MappingProxyType({})
    """By the text of a second column, which goes before the label where it is known."""

    beside: Mapping[Field, Field] = MappingProxyType({})
    """Fields whose column has no name of its own: it stands to the right of another's."""

    joined: bool = False
    """Whether number and currency are in one cell, as in ``2.5 BTC``."""

    read_clock: ClockReader = read_clock
    date_order: DateOrder | None = None
    """The order of day and month that the format is known to print."""

    fee_places: Mapping[type[Entry], FeePlace] = MappingProxyType({})
    """Where the fee is in entries of some kinds, unlike in trades."""


@functools.lru_cache(maxsize=4096)
def precision_for(
    precision: Precision,
    *,
    time_step: dt.timedelta,
    zone_open: bool = False,
    orientation_open: bool | None = None,
    fee_place: FeePlace | None = None,
    base_decimals_max: int | None = None,
    quote_decimals_max: int | None = None,
) -> Precision:
    """Return ``precision`` for rows that state less; the same object for the same arguments."""
    return attrs.evolve(
        precision,
        time_step=time_step,
        zone_open=zone_open,
        orientation_open=(
            precision.orientation_open if orientation_open is None else orientation_open
        ),
        fee_place=precision.fee_place if fee_place is None else fee_place,
        base_decimals_max=base_decimals_max,
        quote_decimals_max=quote_decimals_max,
    )


class EntryBuilder:
    """Makes the entries of one file."""

    def __init__(
        self,
        reading: Reading,
        columns: Sequence[str],
        fee_places: Mapping[type[Entry], FeePlace] = MappingProxyType({}),
    ) -> None:
        """Prepare for one file.

        Args:
            reading: The file being read.
            columns: All column names, in the order of the cells.
            fee_places: Where the fee is in entries of some kinds; elsewhere as precision says.
        """
        self.reading = reading
        self.zero_fee_stated = False
        """Whether a fee of 0 is a statement, as in the exchange's own files."""

        self._commas = False
        self._points = False
        self._fee_places = fee_places
        self._columns = columns
        self._codes: dict[str, str] = {}
        self._zeroed_ids = False

    def amount(self, text: str, code: str, column: str, code_column: str) -> Amount | None:
        """Read an unsigned amount; None where the cell is empty, a dash, or 0 of no currency.

        Raises:
            RowError: it is printed and not clear, negative, or lacks its currency.
        """
        value = self.number(text, column)
        if value is None:
            return None
        if code.strip() in _ABSENT:
            if not value:
                return None
            raise RowError(code_column, "the currency is missing")
        return Amount(value, self.currency(code, code_column))

    def number(self, text: str, column: str) -> Decimal | None:
        """Read an unsigned number; None where the cell is empty or a dash.

        Raises:
            RowError: it is printed and not clear, or negative.
        """
        value = self.signed(text, column)
        if value is None or not value.is_signed():
            return value
        if value:
            raise RowError(
                column,
                "a minus where the format has none",
                "Check the row; the column gives the direction.",
            )
        return value.copy_abs()

    def signed(self, text: str, column: str) -> Decimal | None:
        """Read a number of either sign; None where the cell is empty or a dash.

        Raises:
            RowError: it is printed and not clear.
        """
        if text.strip() in _ABSENT:
            return None
        try:
            return self._value(text)
        except ValueError as exc:
            raise RowError(column, str(exc), _NUMBER_ADVICE) from exc

    def weigh_numbers(self, texts: Iterable[str]) -> None:
        """Look at all numbers of the file for what their commas and points mean."""
        for text in texts:
            if not self._commas and _is_decimal_comma(text):
                self._commas = True
            elif not self._points and _is_decimal_point(text):
                self._points = True

    def _value(self, text: str) -> Decimal:
        if self._commas and _may_be_thousands(text.strip()):
            if "." in text or self._points:
                raise ValueError("the comma or point can mean thousands or decimals")
            self.reading.repaired(DECIMAL_COMMA)
            return Decimal(text.strip().replace(",", "."))
        value = Decimal(text) if is_plain(text) else read_number(text, self.reading.repaired)
        exact = without_float_noise(value)
        if exact is not value:
            self.reading.repaired(FLOAT_NOISE)
        return exact

    def currency(self, text: str, column: str) -> str:
        """Read a currency by any of its names.

        Raises:
            RowError: it is none.
        """
        known = self._codes.get(text)
        if known is not None:
            return known
        try:
            code, repairs = read_currency(text)
        except ValueError as exc:
            raise RowError(column, str(exc)) from exc
        for repair in repairs:
            self.reading.repaired(repair)
        if not repairs:
            self._codes[text] = code
        return code

    def distrust_zeroed_ids(self, texts: Iterable[str]) -> None:
        """Look for long ids that a spreadsheet has cut to 15 digits, over the whole column."""
        long = {text for text in texts if len(text) == _LONG_ID_DIGITS and _is_id(text)}
        # Other than in the exchange's own exports, a single one is suspicious: most files in these
        # layouts went through a spreadsheet, and an order's id is a help here, not a proof.
        self._zeroed_ids = bool(long) and all(text[-1] == "0" for text in long)

    def identifier(self, text: str) -> int | None:
        """Return an id that is a plain integer; None for any other, such as a hash.

        One that a spreadsheet has altered is left out, and that is reported.
        """
        text = text.strip()
        if _is_id(text):
            if self._zeroed_ids and len(text) == _LONG_ID_DIGITS:
                self.reading.repaired(ZEROED_ID)
                return None
            return int(text)
        if (match := _is_padded_id(text)) is not None and int(match[1]) <= _EXACT_FLOAT_MAX:
            self.reading.repaired(ID_AS_DECIMAL)
            return int(match[1])
        if match is not None or _is_mangled_id(text) is not None:
            self.reading.repaired(ZEROED_ID)
        return None

    def require_bitstamp(self, *names: str) -> None:
        """Let a row pass that names this exchange, or none.

        Raises:
            RowSetAside: it names another one.
        """
        stated = [name.strip() for name in names if name.strip() not in _ABSENT]
        if not stated:
            self.reading.doubts["Some rows name no exchange; they were read as if of this one."] = (
                None
            )
        elif not any(map(is_bitstamp, stated)):
            raise RowSetAside(f"of another exchange: {stated[0][:60]}")

    def entry(
        self,
        row: int,
        cells: Sequence[str],
        moment: Moment,
        legs: Legs,
        kinds: Kinds | None,
        *,
        code: str,
        base: str | None = None,
        transaction_id: int | None = None,
        order_id: int | None = None,
        price: Decimal | None = None,
        account: str = "",
    ) -> Entry:
        """Make the entry of one row.

        Args:
            row: The row's number.
            cells: Its cells, for the raw record.
            moment: When.
            legs: What moved.
            kinds: What its label stands for; None where the label is not known.
            code: The label as printed.
            base: The currency of the base, where the row states it; by convention otherwise.
            transaction_id: The id that may be the exchange's.
            order_id: The order, where it is stated.
            price: The price, where it is stated.
            account: The account's cell; empty where there is none.

        Raises:
            RowError: nothing moved.
        """
        kind, reason, legs = _kind_of(legs, kinds or _UNKNOWN_LABEL)
        if kind is Reward:
            legs = self._renamed_reward(legs)
        fee = legs.fee
        if fee is not None and not fee.value and not self.zero_fee_stated:
            fee = None
        legs, fee_place, known_decimals = self._without_fee(kind, legs, fee)
        signed = _signed(legs, base if issubclass(kind, Trade | Conversion) else "")
        if not any(leg.value for leg in signed) and (kind is not UnknownEntry or not code):
            raise RowError(None, "it states no amount")
        facts: dict[str, Any] = {}
        if reason:
            facts["reason"] = reason
        elif kind is Trade:
            facts |= {"price": price, "order_id": order_id}
        elif kind is Conversion:
            facts["price"] = price
        name = self.reading.account_of(account)
        content = (
            moment.printed,
            " ".join(code.split()).casefold(),
            *(f"{plain_text(leg.value)} {leg.currency}" for leg in signed),
            "" if fee is None else f"{plain_text(fee.value)} {fee.currency}",
            str(transaction_id),
            str(order_id),
        )
        return kind(
            id=self.reading.identity(name, kind.kind, "|".join(content)),
            transaction_id=transaction_id,
            time=moment.time,
            legs=signed,
            fee=fee,
            account=name,
            code=code or None,
            source=Source(
                path=self.reading.path,
                row=row,
                raw=dict(zip(self._columns, cells, strict=True)),
                precision=precision_for(
                    self.reading.precision,
                    time_step=moment.step,
                    zone_open=moment.zone_open,
                    orientation_open=None if base is None else False,
                    fee_place=fee_place,
                    **_decimals_max(signed, fee, known_decimals),
                ),
                other_time=moment.other_time,
            ),
            **facts,
        )

    def _renamed_reward(self, legs: Legs) -> Legs:
        """Give a staking reward the currency's usual name, as the exchange's own exports get it."""
        received = legs.received
        if received is None or received.currency not in REWARD_ALIASES:
            return legs
        self.reading.repaired(CURRENCY_ALIAS)
        return attrs.evolve(
            legs, received=Amount(received.value, REWARD_ALIASES[received.currency])
        )

    def _without_fee(
        self, kind: type[Entry], legs: Legs, fee: Amount | None
    ) -> tuple[Legs, FeePlace, int | None]:
        """Take a fee that is inside the amounts out of them; nothing is rounded.

        Returns:
            The legs, where the fee was, and how many decimals of the legs say anything, where one
            was computed.
        """
        place = self._fee_places.get(kind, self.reading.precision.fee_place)
        if fee is None or place is FeePlace.APART:
            return legs, place, None
        if legs.sent is not None and legs.sent.currency == fee.currency:
            printed = legs.sent.value
            value = exact_difference(printed, fee.value)
            if value <= 0:  # It cannot have been inside.
                return legs, FeePlace.APART, None
            legs = attrs.evolve(legs, sent=Amount(value, fee.currency))
            return legs, place, _coarser(printed, fee)
        if legs.received is not None and legs.received.currency == fee.currency:
            printed = legs.received.value
            value = exact_sum(printed, fee.value)
            legs = attrs.evolve(legs, received=Amount(value, fee.currency))
            return legs, place, _coarser(printed, fee)
        return legs, place, None


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
        if zone is None and zone_text.strip() not in _ABSENT:
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


def labels(table: Mapping[Kinds, str]) -> Mapping[str, Kinds]:
    """Return the kinds by label; the table lists labels in one text, separated by commas."""
    return MappingProxyType(
        {
            name.strip().casefold(): kinds
            for kinds, names in table.items()
            for name in names.split(",")
        }
    )


def reader(layout: SentReceived) -> Callable[[Table, Reading], None]:
    """Return the ``read`` of a format whose rows are in ``layout``."""

    def read(table: Table, reading: Reading) -> None:
        places = places_of(layout, table.columns)
        builder = EntryBuilder(reading, table.columns, layout.fee_places)

        def cell(cells: Sequence[str], field: Field) -> str:
            at = places.get(field)
            return cells[at] if at is not None and at < len(cells) else ""

        def name(field: Field) -> str:
            at = places.get(field)
            return field.value if at is None else table.columns[at]

        exchange = Field.EXCHANGE in places
        moments = MomentReader(
            reading,
            [cell(cells, Field.TIME) for cells in table.rows],
            [
                cell(cells, Field.TIME)
                for cells in table.rows
                if not exchange or _may_be_ours(cell(cells, Field.EXCHANGE))
            ],
            column=name(Field.TIME),
            read=layout.read_clock,
            date_order=layout.date_order,
        )
        builder.distrust_zeroed_ids(cell(cells, Field.ORDER_ID) for cells in table.rows)

        builder.weigh_numbers(
            split_amount(cell(cells, field))[0] if layout.joined else cell(cells, field)
            for field in (Field.SENT, Field.RECEIVED, Field.FEE)
            for cells in table.rows
        )

        def amount(cells: Sequence[str], value: Field, code: Field) -> Amount | None:
            if layout.joined:
                number, currency = split_amount(cell(cells, value))
                return builder.amount(number, currency, name(value), name(value))
            return builder.amount(cell(cells, value), cell(cells, code), name(value), name(code))

        def read_row(row: int, cells: list[str]) -> Entry:
            if exchange and not table.is_header(cells):
                builder.require_bitstamp(cell(cells, Field.EXCHANGE))
            moment = moments.read(
                cell(cells, Field.TIME), cell(cells, Field.ZONE), name(Field.ZONE)
            )
            label = " ".join(cell(cells, Field.LABEL).split())
            tag = " ".join(cell(cells, Field.TAG).split())
            return builder.entry(
                row,
                cells,
                moment,
                Legs(
                    sent=amount(cells, Field.SENT, Field.SENT_CODE),
                    received=amount(cells, Field.RECEIVED, Field.RECEIVED_CODE),
                    fee=amount(cells, Field.FEE, Field.FEE_CODE),
                ),
                layout.tags.get(tag.casefold()) or layout.labels.get(label.casefold()),
                code=label or tag,
                transaction_id=builder.identifier(cell(cells, Field.ID)),
                order_id=builder.identifier(cell(cells, Field.ORDER_ID)),
            )

        reading.each_row(table, read_row)

    return read


def places_of(layout: SentReceived, header: Sequence[str]) -> dict[Field, int]:
    """Return where each field stands, for the fields that the header has."""
    places = {}
    for field, names in layout.columns.items():
        found = next((name for name in names if name in header), None)
        if found is not None:
            places[field] = header.index(found)
    for field, neighbour in layout.beside.items():
        if neighbour in places:
            places[field] = places[neighbour] + 1
    return places


def split_amount(cell: str) -> tuple[str, str]:
    """Split ``NUMBER CODE``; the number itself may hold blanks."""
    number, _, code = " ".join(cell.split()).rpartition(" ")
    return (number, code) if number else (code, "")


def _may_be_ours(name: str) -> bool:
    return name.strip() in _ABSENT or is_bitstamp(name)


def _kind_of(legs: Legs, kinds: Kinds) -> tuple[type[Entry], str, Legs]:
    """Return the kind, the reason where it is not understood, and the legs that count.

    A leg of 0 beside the only leg that the label asks for is a tool's way to print nothing.
    """
    if kinds.reason:
        return UnknownEntry, kinds.reason, legs
    sent, received = legs.sent, legs.received
    two = sent is not None and received is not None and sent.currency != received.currency
    only_sent = sent is not None and (received is None or not received.value)
    only_received = received is not None and (sent is None or not sent.value)
    readings = (
        (kinds.both, two, legs),
        (kinds.sent, only_sent, attrs.evolve(legs, received=None)),
        (kinds.received, only_received, attrs.evolve(legs, sent=None)),
    )
    for kind, fits, kept in readings:
        if kind is not None and fits:
            return kind, "", kept
    if sent is None and received is None:
        return UnknownEntry, "It states neither what was sent nor what was received.", legs
    if sent is None or received is None:
        return UnknownEntry, "One side is missing, which does not fit its type.", legs
    return UnknownEntry, "It sends and receives, which does not fit its type.", legs


def _signed(legs: Legs, base: str | None) -> tuple[Amount, ...]:
    """Return the legs with their signs; of two, the base first.

    Args:
        legs: Unsigned.
        base: The base's currency; None for the convention, empty to keep sent before received.
    """
    sent = None if legs.sent is None else -legs.sent
    if sent is not None and not sent.value:
        sent = abs(sent)
    pair = tuple(leg for leg in (sent, legs.received) if leg is not None)
    if sent is None or legs.received is None or base == "":
        return pair
    received = legs.received
    if base is None:
        quote = quote_of(sent.currency, received.currency)
        return (received, sent) if quote == sent.currency else (sent, received)
    return (received, sent) if base == received.currency else (sent, received)


def _coarser(printed: Decimal, fee: Amount) -> int:
    """Return the decimals of whichever of two numbers was printed with fewer."""
    return min(_decimals(printed), _decimals(fee.value))


def _decimals(value: Decimal) -> int:
    return -int(value.as_tuple().exponent)


def _decimals_max(
    legs: tuple[Amount, ...], fee: Amount | None, known: int | None
) -> dict[str, int | None]:
    """Return how many decimals say anything of the leg that was computed with the fee."""
    if fee is None or known is None:
        return {}
    names = ("base_decimals_max", "quote_decimals_max")
    return {
        name: known
        for name, leg in zip(names, legs, strict=False)
        if leg.currency == fee.currency and _decimals(leg.value) > known
    }
