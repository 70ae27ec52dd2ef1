"""One account of the exchange: its records, what they add up to, and how they change while read.

An account file is JSON: either a list of records as the API sends them, or an object with

    {"records": [...],                    records of user_transactions, in any order
     "balances": {"eur": "12.50"},        optional: what to state instead of the replayed sums
     "open_orders": [...],                optional: rows of open_orders, as sent
     "derivatives": false}                optional: whether the account has derivatives, or an
                                          object with lists of their rows as sent: "trades",
                                          "positions", "open_positions", "settlements", and the
                                          object "margin"
"""

import datetime as dt
import functools
import pathlib
import threading
from collections.abc import Iterable, Mapping
from decimal import Decimal, localcontext
from typing import Final, Self

import attrs
import msgspec

from bitstamp_ledger.errors import StatementError
from bitstamp_ledger.model import MAIN_ACCOUNT, UTC
from bitstamp_ledger.sandbox._derivatives import Derivatives
from bitstamp_ledger.sandbox._fills import fills_of
from bitstamp_ledger.sandbox._records import (
    Event,
    WireRecord,
    decode_record,
    effect_of,
    encode_record,
    event_of,
    id_of,
    market_of,
    micros_of,
)
from bitstamp_ledger.sandbox._timeline import Row, Selection, Timeline

_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = dt.timedelta(microseconds=1)
_DIGITS: Final = 60  # Sums of printed numbers; far more than any history needs, so never rounded.


@attrs.frozen(kw_only=True)
class Truth:
    """What an account's records say, read by the sandbox itself."""

    events: tuple[Event, ...]
    """In the order of time."""

    balances: Mapping[str, Decimal]
    """The sum of all legs minus all fees, by currency in capitals."""


def replay(records: Iterable[WireRecord]) -> dict[str, Decimal]:
    """Return the sum of all legs minus all fees, by currency in capitals."""
    book: dict[str, Decimal] = {}
    with localcontext(prec=_DIGITS):
        for record in records:
            for currency, change in effect_of(record):
                book[currency] = book.get(currency, Decimal(0)) + change
    return {currency.upper(): total for currency, total in book.items()}


class _DerivativesInFile(msgspec.Struct, omit_defaults=True):
    trades: list[Mapping[str, object]] = []
    positions: list[Mapping[str, object]] = []
    open_positions: list[Mapping[str, object]] = []
    settlements: list[Mapping[str, object]] = []
    margin: Mapping[str, object] | None = None


class _AccountFile(msgspec.Struct):
    records: list[msgspec.Raw]
    balances: dict[str, str] | None = None
    open_orders: list[msgspec.Raw] = []
    derivatives: bool | _DerivativesInFile = False


class Account:
    """Records of one account, which may grow and change while clients read them.

    Args:
        rows: JSON of each record, as it will be sent.
        name: the main account's or a sub-account's name.
        balances: totals to state instead of the replayed ones, by currency.
        open_orders: rows of ``open_orders`` as JSON.
        derivatives: whether the account has derivatives, or what they are.
    """

    def __init__(
        self,
        rows: Iterable[bytes] = (),
        *,
        name: str = MAIN_ACCOUNT,
        balances: Mapping[str, Decimal] | None = None,
        open_orders: Iterable[bytes] = (),
        derivatives: bool | Derivatives = False,
    ) -> None:
        self.name = name
        self.derivatives = derivatives is not False
        """Whether the account has derivatives; can be changed at any time."""

        self.derivatives_rows = (
            derivatives if isinstance(derivatives, Derivatives) else Derivatives()
        )
        self._order_names: dict[str, int] = {}
        self.open_orders = tuple(open_orders)
        self._stated = None if balances is None else _in_capitals(balances)
        self._lock = threading.RLock()
        self._timeline = Timeline(map(_row_of, rows))

    @classmethod
    def load(cls, path: str | pathlib.Path, *, name: str = MAIN_ACCOUNT) -> Self:
        """Read an account file (its shape is at the top of this module).

        Raises:
            StatementError: the file is missing, no JSON, or a record lacks an id or a time.
        """
        try:
            raw = pathlib.Path(path).read_bytes()
            stored = _decode_file(raw)
        except (OSError, msgspec.DecodeError) as exc:
            raise StatementError(
                f"{path} is no account file: {exc}",
                path=str(path),
                hint="It is JSON: a list of records, or an object with a list 'records'.",
            ) from exc
        rows = [bytes(record) for record in stored.records]
        _check_rows(rows, str(path))
        return cls(
            rows,
            name=name,
            balances=_exact_balances(stored.balances),
            open_orders=map(bytes, stored.open_orders),
            derivatives=_derivatives_in(stored.derivatives),
        )

    def dump(self) -> bytes:
        """Return the account as the bytes of an account file."""
        with self._lock:
            stored = _AccountFile(
                records=[msgspec.Raw(row.json) for row in self._timeline.rows],
                balances=_printed(self._stated),
                open_orders=[msgspec.Raw(order) for order in self.open_orders],
                derivatives=self._derivatives_to_store(),
            )
        return msgspec.json.encode(stored)

    def _derivatives_to_store(self) -> bool | _DerivativesInFile:
        rows = self.derivatives_rows
        if not self.derivatives or rows == Derivatives():
            return self.derivatives
        return _DerivativesInFile(
            trades=list(rows.trades),
            positions=list(rows.positions),
            open_positions=list(rows.open_positions),
            settlements=list(rows.settlements),
            margin=rows.margin,
        )

    def __len__(self) -> int:
        return len(self._timeline.rows)

    @property
    def records(self) -> list[dict[str, object]]:
        """All records, oldest first, numbers exact; changing them changes nothing here."""
        return [decode_record(row.json) for row in self._timeline.rows]

    @property
    def balances(self) -> dict[str, Decimal]:
        """What ``account_balances`` states, by currency in capitals."""
        with self._lock:
            return dict(self._replayed if self._stated is None else self._stated)

    @property
    def truth(self) -> Truth:
        """What the records mean; read anew at each call."""
        records = self.records
        return Truth(events=tuple(map(event_of, records)), balances=replay(records))

    def page(self, selection: Selection, *, market: str | None = None) -> list[bytes]:
        """Return rows of ``user_transactions``, encoded; those of one market if it is named."""
        with self._lock:
            timeline = self._timeline if market is None else self._markets.get(market)
            return [] if timeline is None else timeline.page(selection)

    def events(self, *types: str) -> tuple[Event, ...]:
        """Return what the records of these types mean, oldest first."""
        with self._lock:
            return tuple(event for event in self._movements if event.type in types)

    def fills(self, order_id: int) -> tuple[Event, ...]:
        """Return the fills of one order, oldest first."""
        needle = str(order_id).encode()
        with self._lock:
            rows = [row for row in self._timeline.rows if needle in row.json]
        events = (event_of(decode_record(row.json)) for row in rows)
        return tuple(event for event in events if event.order_id == order_id)

    def order_named(self, client_order_id: str) -> int | None:
        """Return the id of a filled order by the name that its maker gave it."""
        return self._order_names.get(client_order_id)

    def name_of_order(self, order_id: int) -> str:
        """Return the name that the maker of a filled order gave it; empty for none."""
        names = (name for name, number in self._order_names.items() if number == order_id)
        return next(names, "")

    def fill_order(
        self, order_id: int | None, at: dt.datetime, *, fills: int
    ) -> list[dict[str, object]]:
        """Take an order out of the book; add its fills to the records and return them.

        Args:
            order_id: which; the first of all if None.
            at: the time of the last fill; just after the newest record if that is later.
            fills: how many.

        Raises:
            KeyError: no such order is open.
        """
        with self._lock:
            raw = self._open_order_with(order_id)
            order = decode_record(raw)
            rows = self._timeline.rows
            micros = (at - _EPOCH) // _MICROSECOND
            records = fills_of(
                order,
                newest_id=max((row.id for row in rows), default=0),
                micros=max(micros, rows[-1].micros + fills) if rows else micros,
                fills=fills,
            )
            self.open_orders = tuple(other for other in self.open_orders if other is not raw)
            if name := str(order.get("client_order_id") or ""):
                self._order_names[name] = int(str(order["id"]))
            self.append(*records)
        return records

    def _open_order_with(self, order_id: int | None) -> bytes:
        for raw in self.open_orders:
            if order_id is None or str(decode_record(raw).get("id")) == str(order_id):
                return raw
        raise KeyError(order_id)

    def append(self, *records: WireRecord) -> None:
        """Add records, wherever their times and ids put them.

        The balances follow, unless the account states balances of its own.
        """
        added = [_row_of(encode_record(record)) for record in records]
        with self._lock:
            replayed = self._replayed
            self._replace([*self._timeline.rows, *added])
            # A long history takes a second to replay; what is new is all that changes.
            self.__dict__["_replayed"] = _sum_of(replayed, replay(records))

    def change(self, record_id: int, **fields: object) -> None:
        """Overwrite fields of the first record with this id; a value of None writes ``null``.

        Raises:
            KeyError: no record has this id.
        """
        with self._lock:
            rows = list(self._timeline.rows)
            for at, row in enumerate(rows):
                if row.id == record_id:
                    rows[at] = _row_of(encode_record(decode_record(row.json) | fields))
                    return self._replace(rows)
        raise KeyError(record_id)

    def last(self) -> dict[str, object] | None:
        """Return the newest record."""
        rows = self._timeline.rows
        return decode_record(rows[-1].json) if rows else None

    def free_id_before(self, index: int) -> tuple[int, int]:
        """Return an unused id just below that of the row at ``index``, and the row's time.

        Args:
            index: a place in the order of time, negative from the end.
        """
        with self._lock:
            row = self._timeline.rows[index]
            taken = {other.id for other in self._timeline.rows}
        number = row.id - 1
        while number in taken:
            number -= 1
        return number, row.micros

    def _replace(self, rows: list[Row]) -> None:
        self._timeline = Timeline(rows)
        for cache in ("_markets", "_movements", "_replayed"):
            self.__dict__.pop(cache, None)

    @functools.cached_property
    def _replayed(self) -> dict[str, Decimal]:
        return replay(decode_record(row.json) for row in self._timeline.rows)

    @functools.cached_property
    def _markets(self) -> dict[str, Timeline]:
        rows: dict[str, list[Row]] = {}
        for row in self._timeline.rows:
            if (market := market_of(decode_record(row.json))) is not None:
                rows.setdefault(market, []).append(row)
        return {market: Timeline(found) for market, found in rows.items()}

    @functools.cached_property
    def _movements(self) -> tuple[Event, ...]:
        records = (decode_record(row.json) for row in self._timeline.rows)
        return tuple(event_of(record) for record in records if str(record.get("type")) != "2")


def _sum_of(left: Mapping[str, Decimal], right: Mapping[str, Decimal]) -> dict[str, Decimal]:
    with localcontext(prec=_DIGITS):
        return {
            currency: left.get(currency, Decimal(0)) + right.get(currency, Decimal(0))
            for currency in [*left, *(code for code in right if code not in left)]
        }


def _derivatives_in(stored: bool | _DerivativesInFile) -> bool | Derivatives:
    if isinstance(stored, bool):
        return stored
    return Derivatives(
        trades=tuple(stored.trades),
        positions=tuple(stored.positions),
        open_positions=tuple(stored.open_positions),
        settlements=tuple(stored.settlements),
        margin=stored.margin,
    )


def _row_of(raw: bytes) -> Row:
    record = decode_record(raw)
    return Row(micros=micros_of(record), id=id_of(record), json=raw)


def _decode_file(raw: bytes) -> _AccountFile:
    if raw.lstrip()[:1] == b"[":
        return _AccountFile(records=msgspec.json.decode(raw, type=list[msgspec.Raw]))
    return msgspec.json.decode(raw, type=_AccountFile)


def _check_rows(rows: list[bytes], path: str) -> None:
    for number, raw in enumerate(rows, start=1):
        try:
            event_of(decode_record(raw))
            _row_of(raw)
        except (ValueError, TypeError, msgspec.DecodeError) as exc:
            raise StatementError(
                f"{path}, record {number}: {exc}",
                path=path,
                row=number,
                hint="Records are written as user_transactions sends them.",
            ) from exc


def _exact_balances(stated: Mapping[str, str] | None) -> dict[str, Decimal] | None:
    return None if stated is None else {code: Decimal(total) for code, total in stated.items()}


def _printed(book: Mapping[str, Decimal] | None) -> dict[str, str] | None:
    return None if book is None else {code: format(total, "f") for code, total in book.items()}


def _in_capitals(book: Mapping[str, Decimal]) -> dict[str, Decimal]:
    return {currency.upper(): total for currency, total in book.items()}
