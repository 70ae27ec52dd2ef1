"""From what moved to an entry, for the formats of other tools.

Rules:

1. Two legs are a trade, one leg is a deposit, withdrawal or reward, as the row's label says.  A
   label that is not known, or that the legs contradict, makes an `UnknownEntry` with the legs as
   printed.
2. Which leg of a trade is the base follows a convention, which precision marks as open
   (docs/facts/files.md, "Base and quote").
3. A fee of 0 is not stated: tools print it where they know none.
4. Amounts are unsigned; the column gives the direction.  A printed minus is refused.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

import attrs

from bitstamp_ledger.files._currencies import (
    CURRENCY_ALIAS,
    REWARD_ALIASES,
    is_bitstamp,
    quote_of,
    read_currency,
)
from bitstamp_ledger.files._format import Reading, RowError, RowSetAside, less_sure, precision_for
from bitstamp_ledger.files._moments import Moment
from bitstamp_ledger.files._numbers import (
    ABSENT,
    FLOAT_NOISE,
    OPEN_POINT,
    NumberStyle,
    noise_removed,
    plain_text,
    without_float_noise,
)
from bitstamp_ledger.model import (
    Amount,
    Conversion,
    Deposit,
    Entry,
    FeePlace,
    Reward,
    Rounding,
    Source,
    StakingMovement,
    Trade,
    UnknownEntry,
    Withdrawal,
    cells_under,
    exact_difference,
    exact_sum,
)

ZEROED_ID: Final = "id altered by a spreadsheet, left out"
ID_AS_DECIMAL: Final = "id written as a decimal number"


_NUMBER_ADVICE: Final = (
    "Correct the number, or export the file again and do not open it in a spreadsheet."
)
_LONG_ID_DIGITS: Final = 16
_EXACT_FLOAT_MAX: Final = 2**53
_is_id: Final = re.compile(r"[0-9]{1,19}").fullmatch
_is_padded_id: Final = re.compile(r"([0-9]{1,16})[.,]0+").fullmatch
_is_mangled_id: Final = re.compile(r"[0-9][.,][0-9]+[eE]\+?[0-9]+").fullmatch


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


def labels(table: Mapping[Kinds, str]) -> Mapping[str, Kinds]:
    """Return the kinds by label; the table lists labels in one text, separated by commas."""
    return MappingProxyType(
        {
            name.strip().casefold(): kinds
            for kinds, names in table.items()
            for name in names.split(",")
        }
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

        self._style = NumberStyle()
        self._unsure = False
        self._fee_places = fee_places
        self._raw_of = cells_under(tuple(columns))
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
        if code.strip() in ABSENT:
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
        if text.strip() in ABSENT:
            return None
        try:
            return self._value(text)
        except ValueError as exc:
            raise RowError(column, str(exc), _NUMBER_ADVICE) from exc

    def weigh_numbers(self, texts: Iterable[str]) -> None:
        """Look at all numbers of the file for what their commas and points mean."""
        self._style.weigh(texts)
        if self._style.open is not None:
            self.reading.doubts[OPEN_POINT.format(text=self._style.open.strip()[:40])] = None

    def _value(self, text: str) -> Decimal:
        value = self._style.read(text, self.reading.repaired)
        is_export = self.reading.precision.base is Rounding.EXACT
        short = noise_removed(value) if is_export else without_float_noise(value)
        if short is not value:
            self.reading.repaired(FLOAT_NOISE)
            self._unsure = is_export  # The others never are sure of their last digit.
        return short

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
        stated = [name.strip() for name in names if name.strip() not in ABSENT]
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
        unsure, self._unsure = self._unsure, False
        name = self.reading.account_of(account)
        content = (
            moment.printed,
            " ".join(code.split()).casefold(),
            *(f"{plain_text(leg.value)} {leg.currency}" for leg in signed),
            "" if fee is None else f"{plain_text(fee.value)} {fee.currency}",
            str(transaction_id),
            str(order_id),
        )
        made = kind(
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
                raw=self._raw_of(*cells),
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
        return less_sure(made) if unsure else made

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
