"""What the cells of the exchange's own exports state: numbers, currencies, ids.

Rules:

1. Printed numbers are unsigned.  A printed minus is refused, except where the caller asks for it.
2. Empty is None.  An amount, fee or rate that is printed but not clear makes the row a problem.
3. An id that a spreadsheet may have altered is dropped and reported; the row is read without it.

Facts: docs/facts/files.md, "Fees", "Ids" and "Numbers".
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Final

from bitstamp_ledger.files._format import Reading, RowError, SecondLook
from bitstamp_ledger.files._numbers import (
    FLOAT_NOISE,
    OPEN_POINT,
    NumberStyle,
    noise_removed,
    shows_comma,
)
from bitstamp_ledger.files._vocabulary import CURRENCY_ALIASES, REWARD_ALIASES
from bitstamp_ledger.model import Amount

# What one row holds, in this order; cells that a generation does not have are empty.
FIELDS: Final = 14
(
    ID,
    ACCOUNT,
    TYPE,
    SUBTYPE,
    DATETIME,
    AMOUNT,
    AMOUNT_CODE,
    VALUE,
    VALUE_CODE,
    RATE,
    RATE_CODE,
    FEE,
    FEE_CODE,
    ORDER_ID,
) = range(FIELDS)

CODE_ALIAS: Final = "currency under another name"
CODE_CASE: Final = "currency code not in capitals"
ID_DISTRUSTED: Final = "id altered by a spreadsheet, left out"
ID_AS_DECIMAL: Final = "id written as a decimal number"

# Only ids of this many digits have a digit beyond the 15 that spreadsheets keep.
_LONG_ID_DIGITS: Final = 16
# So many different long ids that all end in 0 are no chance: 1 in 10,000.
_ZEROED_IDS_MIN: Final = 4
_EXACT_FLOAT_MAX: Final = 2**53

_is_digits: Final = re.compile(r"[0-9]{1,19}").fullmatch
_is_padded_digits: Final = re.compile(r"([0-9]{1,16})[.,]0+").fullmatch
_is_code: Final = re.compile(r"[A-Z0-9][A-Z0-9._-]{0,19}").fullmatch

_NUMBER_ADVICE: Final = (
    "Correct the number, or export the file again and do not open it in a spreadsheet."
)


class ExportCells:
    """Reads the cells of one file."""

    def __init__(self, reading: Reading, names: Sequence[str]) -> None:
        """Prepare for one file.

        Args:
            reading: The file being read.
            names: For each field, the column that a problem with it is reported under.
        """
        self.reading = reading
        self.names = names
        self.codes: dict[str, str] = {}
        """Currency codes that need no repair, for any type of row."""

        self.zeroed_ids = False
        """Whether long ids were cut to 15 digits, over the whole file."""

        self.style = NumberStyle()
        self.unsure = False
        """Whether a number of the current row may be less exact than exports print it."""

    def weigh_numbers(self, texts: Iterable[str]) -> None:
        """Look for what commas and points mean, in as many numbers as it takes.

        Exports print decimal points, so that the first number tells; only what another program
        has saved is looked at to its end.
        """
        style = self.style
        style.weigh(texts, to_the_end=self.reading.second_look)
        if style.commas or not style.points:
            self.reading.second_look = True
        if style.open is not None:
            self.reading.doubts[OPEN_POINT.format(text=style.open.strip()[:40])] = None

    def require_points(self, texts: Sequence[str]) -> None:
        """Look at the numbers of a row for what would change the meaning of the rows before it.

        Raises:
            SecondLook: one shows a decimal comma, after others that were taken to show points.
        """
        numbers = (texts[AMOUNT], texts[VALUE], texts[RATE], texts[FEE])
        if not self.reading.second_look and any(map(shows_comma, numbers)):
            raise SecondLook

    def distrust_zeroed_ids(self, order_ids: Iterable[str], numbers: Iterable[str]) -> None:
        """Look for long order ids that a spreadsheet has cut to 15 digits, over the whole file.

        Where few ids end in 0 it may be chance, but then numbers show the zeros at their ends,
        which a spreadsheet drops.
        """
        long: set[str] = set()
        for text in order_ids:
            if len(text) == _LONG_ID_DIGITS:
                if text[-1] != "0":
                    return  # One that was not cut speaks for all.
                if len(long) < _ZEROED_IDS_MIN:
                    long.add(text)
        self.zeroed_ids = len(long) >= _ZEROED_IDS_MIN or (
            bool(long) and not any("." in text and text.endswith("0") for text in numbers)
        )

    def money(
        self,
        field: int,
        texts: Sequence[str],
        sign: int,
        aliases: Mapping[str, str] = CURRENCY_ALIASES,
    ) -> Amount:
        """Read an unsigned amount and give it ``sign``; with 0, read it signed as printed.

        Raises:
            RowError: it is missing or not clear, or has a minus of its own.
        """
        value = self._number(field, texts[field])
        if sign and value.is_signed():
            if value:
                raise RowError(
                    self.names[field],
                    "a minus where the export prints none",
                    "Check the row; the type of the row gives the direction.",
                )
            value = value.copy_abs()
        if sign < 0 and value:
            value = value.copy_negate()  # Unary minus would round to the host's context.
        code = texts[field + 1]
        return Amount(value, self.codes.get(code) or self._code(field + 1, code, aliases))

    def fee(self, texts: Sequence[str], *, lenient: bool) -> Amount | None:
        """Read the fee; None where there is none, or where it is lenient and not clear.

        Raises:
            RowError: it is not clear.
        """
        if not texts[FEE].strip():
            return None
        try:
            return self.money(FEE, texts, 1)
        except RowError:
            if lenient:  # The entry is kept whole in its raw cells, and marked as not understood.
                return None
            raise

    def price(self, texts: Sequence[str], quote_currency: str) -> Decimal | None:
        """Read the rate, which is in the currency of the value.

        Raises:
            RowError: it is not clear, negative, or in another currency.
        """
        text = texts[RATE]
        if not text.strip():
            return None
        price = self._number(RATE, text)
        if price.is_signed() and price:
            raise RowError(self.names[RATE], "a rate cannot be negative")
        code = texts[RATE_CODE]
        if code.strip() and code != quote_currency:
            currency = self.codes.get(code) or self._code(RATE_CODE, code, CURRENCY_ALIASES)
            if currency != quote_currency:
                raise RowError(self.names[RATE_CODE], "the rate is not in the value's currency")
        return price

    def printed_legs(self, texts: Sequence[str]) -> tuple[Amount, ...]:
        """Return the amounts of a row that is not understood, as far as they can be read."""
        legs = []
        for field in (AMOUNT, VALUE):
            try:
                legs.append(self.money(field, texts, 0))
            except RowError:
                continue
        return tuple(legs)

    def identifier(self, field: int, text: str) -> int | None:
        """Read an id; None where there is none, or where a spreadsheet may have altered it."""
        if _is_digits(text):
            if field == ORDER_ID and self.zeroed_ids and len(text) == _LONG_ID_DIGITS:
                self.reading.repaired(ID_DISTRUSTED)
                return None
            return int(text)
        text = text.strip()
        if not text:
            return None
        if _is_digits(text):
            return self.identifier(field, text)
        match = _is_padded_digits(text)
        if match is None or int(match[1]) > _EXACT_FLOAT_MAX:
            self.reading.repaired(ID_DISTRUSTED)
            return None
        self.reading.repaired(ID_AS_DECIMAL)
        return self.identifier(field, match[1])

    def _number(self, field: int, text: str) -> Decimal:
        if not text.strip():
            raise RowError(self.names[field], "the number is missing")
        try:
            value = self.style.read(text, self.reading.repaired)
        except ValueError as exc:
            raise RowError(self.names[field], str(exc), _NUMBER_ADVICE) from exc
        exact = noise_removed(value)
        if exact is not value:
            self.reading.repaired(FLOAT_NOISE)
            self.unsure = True
        return exact

    def _code(self, field: int, text: str, aliases: Mapping[str, str]) -> str:
        code = text.strip()
        if code.isascii() and code != code.upper():
            self.reading.repaired(CODE_CASE)
            code = code.upper()
        if not _is_code(code):
            reason = "not a currency code" if code else "the currency is missing"
            raise RowError(self.names[field], reason)
        if code in aliases:
            self.reading.repaired(CODE_ALIAS)
            return aliases[code]
        if code == text and code not in REWARD_ALIASES:
            self.codes[text] = code
        return code
