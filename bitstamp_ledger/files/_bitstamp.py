"""What a row of the exchange's own exports means.  Both generations share it.

Rules:

1. Printed numbers are unsigned; the row's type gives the sign.  A printed minus is refused, except
   where the vocabulary says that the row is signed.
2. Empty is None.  An amount, fee or rate that is printed but not clear makes the row a problem.
3. An id that a spreadsheet may have altered is dropped and reported; the row is read without it.
4. A type that is not in the vocabulary is kept as an `UnknownEntry`, with what it states.

Facts: docs/facts/files.md, "Type vocabulary", "Fees", "Ids" and "Accounts".
"""

import datetime as dt
import enum
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final, TypeAlias

import attrs

from bitstamp_ledger.files._format import Reading, RowError
from bitstamp_ledger.files._numbers import is_plain, plain_text, read_number
from bitstamp_ledger.files._row_trades import row_trade
from bitstamp_ledger.model import (
    Account,
    Amount,
    Conversion,
    Deposit,
    Entry,
    Precision,
    Reward,
    Source,
    StakingMovement,
    Trade,
    Transfer,
    UnknownEntry,
    Withdrawal,
)

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

CURRENCY_ALIASES: Final = MappingProxyType({"XBT": "BTC"})
REWARD_ALIASES: Final = MappingProxyType({"ETH2R": "ETH2"})
"""Names that staking rewards are printed under (docs/facts/files.md, "Type vocabulary")."""

TRANSFER_ARROW: Final = "->"


class Sign(enum.Enum):
    """How the sign of the printed amount follows from the row."""

    IN = "in"
    OUT = "out"
    PRINTED = "printed"
    BY_SIDE = "by side"
    BY_VALUE_TEXT = "by value text"
    NOT_KNOWN = "not known"


@attrs.frozen(kw_only=True)
class Meaning:
    """What a `Type` stands for."""

    kind: type[Entry]
    sign: Sign
    reason: str = ""
    """For an `UnknownEntry`: why it is one."""

    aliases: Mapping[str, str] = CURRENCY_ALIASES


_REVERTED: Final = (
    "A deposit that was taken back is known from one program only; how the exchange books it "
    "by API is not known."
)
_NO_DIRECTION: Final = (
    "The row does not say which of its currencies came in and which went out, or it may repeat a "
    "Market row."
)

_VOCABULARY: Final[Mapping[str, Meaning]] = MappingProxyType(
    {
        "Market": Meaning(kind=Trade, sign=Sign.BY_SIDE),
        "Deposit": Meaning(kind=Deposit, sign=Sign.IN),
        "Card Deposit": Meaning(kind=Deposit, sign=Sign.IN),
        "Ripple deposit": Meaning(kind=Deposit, sign=Sign.IN),
        "Withdrawal": Meaning(kind=Withdrawal, sign=Sign.OUT),
        "Ripple payment": Meaning(kind=Withdrawal, sign=Sign.OUT),
        "Sub Account Transfer": Meaning(kind=Transfer, sign=Sign.BY_VALUE_TEXT),
        "Inter Account Transfer": Meaning(kind=Transfer, sign=Sign.PRINTED),
        "Staked assets": Meaning(kind=StakingMovement, sign=Sign.OUT),
        "Started generating rewards": Meaning(kind=StakingMovement, sign=Sign.IN),
        "Staking reward": Meaning(
            kind=Reward, sign=Sign.IN, aliases=CURRENCY_ALIASES | REWARD_ALIASES
        ),
        "Referral reward": Meaning(kind=Reward, sign=Sign.IN),
        "Earn interest": Meaning(kind=Reward, sign=Sign.IN),
        "Converted assets": Meaning(kind=Conversion, sign=Sign.BY_SIDE, reason=_NO_DIRECTION),
        "Crypto currency purchase": Meaning(
            kind=Conversion, sign=Sign.BY_SIDE, reason=_NO_DIRECTION
        ),
        "Deposit reverted": Meaning(kind=UnknownEntry, sign=Sign.NOT_KNOWN, reason=_REVERTED),
    }
)

VOCABULARY: Final[Mapping[str, Meaning]] = MappingProxyType(
    {name.casefold(): meaning for name, meaning in _VOCABULARY.items()}
)
"""By the `Type` as printed, case folded."""

_UNKNOWN_TYPE: Final = Meaning(
    kind=UnknownEntry,
    sign=Sign.NOT_KNOWN,
    reason="This version does not know the type.",
)

_SIDES: Final = MappingProxyType({"Buy": 1, "Sell": -1})

# Only ids of this many digits have a digit beyond the 15 that spreadsheets keep.
_LONG_ID_DIGITS: Final = 16
# So many different long ids that all end in 0 are no chance: 1 in 10,000.
_ZEROED_IDS_MIN: Final = 4
_EXACT_FLOAT_MAX: Final = 2**53

_is_digits: Final = re.compile(r"[0-9]{1,19}").fullmatch
_is_padded_digits: Final = re.compile(r"([0-9]{1,16})[.,]0+").fullmatch
_is_code: Final = re.compile(r"[A-Z0-9][A-Z0-9._-]{0,19}").fullmatch

_PLAIN: Final = r"(?:0|[1-9][0-9]{0,23})(?:\.[0-9]{1,30})?"
_ID: Final = r"(?:0|[1-9][0-9]{0,18})?"
# Amount, value, rate, fee, id, order id.
_is_plain_trade: Final = re.compile(
    rf"{_PLAIN} {_PLAIN} {_PLAIN} (?:{_PLAIN})? {_ID} {_ID}"
).fullmatch

_NUMBER_ADVICE: Final = (
    "Correct the number, or export the file again and do not open it in a spreadsheet."
)

TimeReader = Callable[[str], tuple[dt.datetime, str, Precision]]
"""Returns the instant, the time as printed, and the precision; raises ValueError."""


_Frame: TypeAlias = tuple[dt.datetime, str, str, Source]
"""What a row of any type states: its instant, the time as printed, the account, the source."""


class ExportReader:
    """Turns the texts of one row into an entry."""

    def __init__(
        self,
        reading: Reading,
        *,
        columns: Sequence[str],
        names: Sequence[str],
        read_time: TimeReader,
    ) -> None:
        """Prepare for one file.

        Args:
            reading: The file being read.
            columns: All column names, in the order of the cells.
            names: For each field, the column that a problem with it is reported under.
            read_time: Reads the cell of `DATETIME`.
        """
        self._reading = reading
        self._columns = columns
        self._no_cells = dict.fromkeys(columns, "")
        self._names = names
        self._read_time = read_time
        self._meanings: dict[str, Meaning] = {}
        self._market_types: set[str] = set()
        self._codes: dict[str, str] = {}
        self._zeroed_ids = False

    def distrust_zeroed_ids(self, order_ids: Iterable[str]) -> None:
        """Look for long order ids that a spreadsheet has cut to 15 digits, over the whole file."""
        long: set[str] = set()
        for text in order_ids:
            if len(text) == _LONG_ID_DIGITS:
                if text[-1] != "0":
                    return  # One that was not cut speaks for all.
                if len(long) < _ZEROED_IDS_MIN:
                    long.add(text)
        self._zeroed_ids = len(long) >= _ZEROED_IDS_MIN

    def read(self, row: int, cells: list[str], texts: Sequence[str]) -> Entry:
        """Return what the row states.

        Raises:
            RowError: it cannot be read.
        """
        return self._usual_trade(row, cells, texts) or self._any_row(row, cells, texts)

    def _any_row(self, row: int, cells: list[str], texts: Sequence[str]) -> Entry:
        meaning = self._meanings.get(texts[TYPE]) or self._meaning(texts[TYPE])
        account = self._reading.account_of(texts[ACCOUNT])
        try:
            time, printed, precision = self._read_time(texts[DATETIME])
        except ValueError as exc:
            raise RowError(self._names[DATETIME], str(exc)) from exc
        source = Source(
            path=self._reading.path,
            row=row,
            raw=dict(zip(self._columns, cells, strict=True)),
            precision=precision,
        )
        frame = (time, printed, account, source)
        if meaning.kind is not Trade:
            return self._other(texts, meaning, frame)
        return self._trade(texts, frame)

    def _usual_trade(self, row: int, cells: list[str], texts: Sequence[str]) -> Trade | None:
        """Build a trade whose cells are exactly as exports print them, which nearly all are.

        Gives what `_any_row` gives, in half the time; None for a row that needs a second look.
        """
        (
            id_,
            account_cell,
            type_,
            side,
            when,
            amount,
            base_code,
            value,
            quote_code,
            rate,
            rate_code,
            fee,
            fee_code,
            (order),
        ) = texts
        sign = _SIDES.get(side)
        codes = self._codes
        if (
            sign is None
            or type_ not in self._market_types
            or rate_code != quote_code
            or (fee_code != quote_code and fee)
            or base_code not in codes
            or quote_code not in codes
            or not _is_plain_trade(f"{amount} {value} {rate} {fee} {id_} {order}")
            or self._zeroed_ids
        ):
            return None
        base = Decimal(amount)
        quote = Decimal(value)
        if not base or not quote:
            return None
        if sign > 0:
            quote = quote.copy_negate()
        else:
            base = base.copy_negate()
        reading = self._reading
        account = reading.account_of(account_cell)
        try:  # Last, since it can report a repair, which a second look would report again.
            time, printed, precision = self._read_time(when)
        except ValueError as exc:
            raise RowError(self._names[DATETIME], str(exc)) from exc
        raw = self._no_cells.copy()  # Faster than a new dict, which has to grow.
        raw.update(zip(self._columns, cells, strict=True))
        content = (
            f"{printed}|{amount if amount[-1] != '0' else _trimmed(amount)}|{base_code}|"
            f"{value if value[-1] != '0' else _trimmed(value)}|{quote_code}|"
            f"{fee if fee[-1:] != '0' else _trimmed(fee)}|{fee_code if fee else ''}|"
            f"{rate if rate[-1] != '0' else _trimmed(rate)}|{sign}|{order}|{id_}"
        )
        return row_trade(
            identity=reading.identity(account, "trade", content),
            transaction_id=int(id_) if id_ else None,
            time=time,
            base=base,
            base_currency=base_code,
            quote=quote,
            quote_currency=quote_code,
            fee=Decimal(fee) if fee else None,
            account=account,
            price=Decimal(rate),
            order_id=int(order) if order else None,
            path=reading.path,
            row=row,
            raw=raw,
            precision=precision,
        )

    def _trade(self, texts: Sequence[str], frame: _Frame) -> Trade:
        time, printed, account, source = frame
        sign = _SIDES.get(texts[SUBTYPE]) or self._side(texts[SUBTYPE])
        base = self._money(AMOUNT, texts, sign)
        quote = self._money(VALUE, texts, -sign)
        if not base.value and not quote.value:
            raise RowError(self._names[AMOUNT], "a trade of nothing for nothing")
        fee = self._fee(texts, lenient=False)
        transaction_id = self._identifier(ID, texts[ID])
        order_id = self._identifier(ORDER_ID, texts[ORDER_ID])
        price = self._price(texts, quote.currency) if texts[RATE].strip() else None
        content = "|".join(
            (
                printed,
                *_stated(abs(base)),
                *_stated(abs(quote)),
                *_stated(fee),
                "" if price is None else plain_text(price),
                str(sign),
                "" if order_id is None else str(order_id),
                "" if transaction_id is None else str(transaction_id),
            )
        )
        return Trade(
            id=self._reading.identity(account, Trade.kind, content),
            transaction_id=transaction_id,
            time=time,
            legs=(base, quote),
            fee=fee,
            account=account,
            source=source,
            price=price,
            order_id=order_id,
        )

    def _other(self, texts: Sequence[str], meaning: Meaning, frame: _Frame) -> Entry:
        time, printed, account, source = frame
        legs, counterparty, reason = self._legs(texts, meaning, account)
        kind = meaning.kind if reason is None else UnknownEntry
        facts: dict[str, Any] = {}
        if reason is not None:
            facts = {"code": texts[TYPE].strip(), "reason": reason}
        elif kind is Transfer:
            facts = {"counterparty": counterparty}
        elif kind is Conversion and texts[RATE].strip():
            facts = {"price": self._price(texts, legs[1].currency)}
        fee = self._fee(texts, lenient=reason is not None)
        transaction_id = self._identifier(ID, texts[ID])
        content = "|".join(
            (
                printed,
                repr(" ".join(texts[TYPE].split()).casefold()),
                *(text for leg in legs for text in _stated(leg)),
                *_stated(fee),
                repr(counterparty),
                str(transaction_id),
            )
        )
        return kind(
            id=self._reading.identity(account, kind.kind, content),
            transaction_id=transaction_id,
            time=time,
            legs=legs,
            fee=fee,
            account=account,
            source=source,
            **facts,
        )

    def _legs(
        self, texts: Sequence[str], meaning: Meaning, account: str
    ) -> tuple[tuple[Amount, ...], str | None, str | None]:
        """Return the legs, the other account, and why the row is not understood."""
        match meaning.sign:
            case Sign.IN:
                return (self._money(AMOUNT, texts, 1, meaning.aliases),), None, None
            case Sign.OUT:
                return (self._money(AMOUNT, texts, -1, meaning.aliases),), None, None
            case Sign.PRINTED:
                return (self._money(AMOUNT, texts, 0, meaning.aliases),), None, None
            case Sign.BY_VALUE_TEXT:
                return self._transfer(texts, account)
            case Sign.BY_SIDE:
                return self._conversion(texts, meaning)
            case Sign.NOT_KNOWN:
                return self._printed_legs(texts), None, meaning.reason

    def _meaning(self, text: str) -> Meaning:
        name = " ".join(text.split())
        if not name:
            raise RowError(self._names[TYPE], "the type is missing")
        meaning = VOCABULARY.get(name.casefold(), _UNKNOWN_TYPE)
        self._meanings[text] = meaning
        if meaning.kind is Trade:
            self._market_types.add(text)
        return meaning

    def _side(self, text: str) -> int:
        sign = _SIDES.get(text.strip().capitalize())
        if sign is None:
            raise RowError(self._names[SUBTYPE], "a trade is 'Buy' or 'Sell'")
        return sign

    def _money(
        self,
        field: int,
        texts: Sequence[str],
        sign: int,
        aliases: Mapping[str, str] = CURRENCY_ALIASES,
    ) -> Amount:
        """Read an unsigned amount and give it ``sign``; with 0, read it signed as printed."""
        text = texts[field]
        value = Decimal(text) if is_plain(text) else self._number(field, text)
        if sign and value.is_signed():
            if value:
                raise RowError(
                    self._names[field],
                    "a minus where the export prints none",
                    "Check the row; the type of the row gives the direction.",
                )
            value = value.copy_abs()
        if sign < 0 and value:
            value = value.copy_negate()  # Unary minus would round to the host's context.
        code = texts[field + 1]
        return Amount(value, self._codes.get(code) or self._code(field + 1, code, aliases))

    def _number(self, field: int, text: str) -> Decimal:
        if not text.strip():
            raise RowError(self._names[field], "the number is missing")
        try:
            return read_number(text, self._reading.repaired)
        except ValueError as exc:
            raise RowError(self._names[field], str(exc), _NUMBER_ADVICE) from exc

    def _code(self, field: int, text: str, aliases: Mapping[str, str]) -> str:
        code = text.strip()
        if code.isascii() and code != code.upper():
            self._reading.repaired(CODE_CASE)
            code = code.upper()
        if not _is_code(code):
            reason = "not a currency code" if code else "the currency is missing"
            raise RowError(self._names[field], reason)
        if code in aliases:
            self._reading.repaired(CODE_ALIAS)
            return aliases[code]
        if code == text and code not in REWARD_ALIASES:
            self._codes[text] = code  # What needs no repair, for any type of row.
        return code

    def _price(self, texts: Sequence[str], quote_currency: str) -> Decimal:
        text = texts[RATE]
        price = Decimal(text) if is_plain(text) else self._number(RATE, text)
        if price.is_signed() and price:
            raise RowError(self._names[RATE], "a rate cannot be negative")
        code = texts[RATE_CODE]
        if code.strip() and code != quote_currency:
            currency = self._codes.get(code) or self._code(RATE_CODE, code, CURRENCY_ALIASES)
            if currency != quote_currency:
                raise RowError(self._names[RATE_CODE], "the rate is not in the value's currency")
        return price

    def _fee(self, texts: Sequence[str], *, lenient: bool) -> Amount | None:
        if not texts[FEE].strip():
            return None
        try:
            return self._money(FEE, texts, 1)
        except RowError:
            if lenient:  # The entry is kept whole in its raw cells, and marked as not understood.
                return None
            raise

    def _printed_legs(self, texts: Sequence[str]) -> tuple[Amount, ...]:
        """Return the amounts of a row that is not understood, as far as they can be read."""
        legs = []
        for field in (AMOUNT, VALUE):
            try:
                legs.append(self._money(field, texts, 0))
            except RowError:
                continue
        return tuple(legs)

    def _transfer(
        self, texts: Sequence[str], account: str
    ) -> tuple[tuple[Amount, ...], str | None, str | None]:
        """Return leg, other account, and why the direction is not known."""
        sender, arrow, receiver = texts[VALUE].partition(TRANSFER_ARROW)
        if not arrow or not sender.strip() or not receiver.strip():
            reason = f"Its value is not a text like 'FROM {TRANSFER_ARROW} TO'."
            return self._printed_legs(texts), None, reason
        ends = Account(sender).name, Account(receiver).name
        if ends[0] == ends[1] or account not in ends:
            reason = f"It runs from {ends[0]!r} to {ends[1]!r}, but the row is of {account!r}."
            return self._printed_legs(texts), None, reason
        outgoing = ends[0] == account
        leg = self._money(AMOUNT, texts, -1 if outgoing else 1)
        return (leg,), ends[outgoing], None

    def _conversion(
        self, texts: Sequence[str], meaning: Meaning
    ) -> tuple[tuple[Amount, ...], str | None, str | None]:
        """Return both legs where their directions are clear, else what is printed and why not."""
        sign = _SIDES.get(texts[SUBTYPE].strip().capitalize())
        printed = self._printed_legs(texts)
        both = len(printed) == 2 and printed[0].currency != printed[1].currency  # noqa: PLR2004
        if both and sign is not None and not any(leg.value.is_signed() for leg in printed):
            return (
                (self._money(AMOUNT, texts, sign), self._money(VALUE, texts, -sign)),
                None,
                None,
            )
        if both and printed[0].value * printed[1].value < 0:
            return printed, None, None
        return printed, None, meaning.reason

    def _identifier(self, field: int, text: str) -> int | None:
        if _is_digits(text):
            if field == ORDER_ID and self._zeroed_ids and len(text) == _LONG_ID_DIGITS:
                self._reading.repaired(ID_DISTRUSTED)
                return None
            return int(text)
        text = text.strip()
        if not text:
            return None
        if _is_digits(text):
            return self._identifier(field, text)
        match = _is_padded_digits(text)
        if match is None or int(match[1]) > _EXACT_FLOAT_MAX:
            self._reading.repaired(ID_DISTRUSTED)
            return None
        self._reading.repaired(ID_AS_DECIMAL)
        return self._identifier(field, match[1])


def _trimmed(text: str) -> str:
    """Return a plain number as `plain_text` would write it."""
    return text.rstrip("0").rstrip(".") if "." in text else text


def _stated(amount: Amount | None) -> tuple[str, str]:
    return ("", "") if amount is None else (plain_text(amount.value), amount.currency)
