"""An exchange in memory: records that tests add, change and withdraw, and what they add up to."""

import datetime as dt
import json
from collections.abc import Callable, Iterator
from decimal import Decimal

import attrs

import bitstamp_ledger as bl
from bitstamp_ledger.model import MAIN_ACCOUNT, UTC, Balance, Entry

START = dt.datetime(2021, 1, 1, tzinfo=UTC)

Record = dict[str, object]


def trade(
    number: int, *, cents: int = 1_000, fee: str = "0.05", minute: int | None = None
) -> Record:
    """Return a purchase of 0.001 BTC, one minute after the one before it."""
    return {
        "id": number,
        "datetime": moment(number if minute is None else minute),
        "type": "2",
        "btc": "0.00100000",
        "eur": f"-{Decimal(cents) / 100:.2f}",
        "btc_eur": f"{Decimal(cents) * 10:.2f}",
        "fee": fee,
        "usd": 0.0,
        "order_id": 900_000 + number,
    }


def deposit(number: int, euros: str = "100.00", *, minute: int | None = None) -> Record:
    """Return a deposit of euros."""
    return {
        "id": number,
        "datetime": moment(number if minute is None else minute),
        "type": "0",
        "eur": euros,
        "fee": "0.00",
        "btc": 0.0,
        "btc_usd": "0.00",
    }


def movement(number: int, code: str, currency: str, amount: str) -> Record:
    """Return a record of any type with one leg."""
    return {
        "id": number,
        "datetime": moment(number),
        "type": code,
        currency: amount,
        "fee": "0.00",
    }


def moment(minute: int) -> str:
    """Return a time as the exchange writes it."""
    at = START + dt.timedelta(minutes=minute, seconds=minute % 60)
    return f"{at:%Y-%m-%d %H:%M:%S}"


def entries_of(records: list[Record]) -> list[Entry]:
    """Return what the records mean, in the order of time."""
    ordered = sorted(records, key=lambda record: (str(record["datetime"]), int(str(record["id"]))))
    return bl.parse_user_transactions(json.dumps(ordered))


@attrs.define
class Book:
    """One account; stands in for a client that reads it."""

    records: list[Record] = attrs.field(factory=list)
    account: str = MAIN_ACCOUNT
    key_fingerprint: str | None = None
    truth: list[Record] | None = None
    """What the balances are made of, where it is not what is shown."""

    read: int = 0
    """How many records were handed over."""

    before_each: Callable[[Entry], object] = attrs.field(default=lambda _: None)
    """Called with each entry before it is handed over; may raise."""

    before_balances: Callable[[], object] = attrs.field(default=lambda: None)

    def entries(self, since_id: int | None = None) -> Iterator[Entry]:
        """Yield what has at least this id, oldest first."""
        shown = [
            record
            for record in self.records
            if since_id is None or int(str(record["id"])) >= since_id
        ]
        for entry in entries_of(shown):
            self.before_each(entry)
            self.read += 1
            yield attrs.evolve(entry, account=self.account, id=self._id(entry))

    def _id(self, entry: Entry) -> str:
        return self.account + entry.id.removeprefix(MAIN_ACCOUNT)

    def balances(self) -> tuple[Balance, ...]:
        """State what the true records add up to."""
        self.before_balances()
        totals = bl.replay(entries_of(self.records if self.truth is None else self.truth))
        return tuple(
            Balance(currency=currency, total=total, available=total, reserved=Decimal(0))
            for currency, total in totals.items()
        )

    def change(self, number: int, **fields: object) -> None:
        """State a record differently from now on."""
        for at, record in enumerate(self.records):
            if record["id"] == number:
                self.records[at] = record | fields

    def withdraw(self, number: int) -> None:
        """List a record no more."""
        self.records = [record for record in self.records if record["id"] != number]


def statement(records: list[Record]) -> bytes:
    """Write trades and deposits as the exchange's own G2 export does, without ids."""
    header = (
        "ID,Account,Type,Subtype,Datetime,Amount,Amount currency,Value,Value currency,"
        "Rate,Rate currency,Fee,Fee currency,Order ID"
    )
    lines = [header, *map(_line, entries_of(records))]
    return "\n".join([*lines, ""]).encode()


def _line(entry: Entry) -> str:
    time = f"{entry.time:%Y-%m-%dT%H:%M:%SZ}"
    if isinstance(entry, bl.Trade):
        kind, subtype = "Market", "Buy"
        value, value_currency = f"{entry.quote.value:f}", entry.quote.currency
        rate, rate_currency = f"{entry.price:f}", entry.quote.currency
    else:
        kind, subtype, value, value_currency, rate, rate_currency = "Deposit", "", "", "", "", ""
    fee = entry.fee
    cells = (
        "",
        entry.account,
        kind,
        subtype,
        time,
        f"{abs(entry.legs[0]).value:f}",
        entry.legs[0].currency,
        value,
        value_currency,
        rate,
        rate_currency,
        "" if fee is None or not fee.value else f"{fee.value:f}",
        "" if fee is None or not fee.value else fee.currency,
        "",
    )
    return ",".join(cells)
