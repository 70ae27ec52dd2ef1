"""Coins that came in and went out, as the two endpoints beside the history tell it.

Money never comes from here: amounts are in the history.  What these add is where coins went:
address, network, hash (docs/facts/exchange.md, "Crypto transactions" and "Withdrawal requests").
"""

import datetime as dt
import enum
from collections.abc import Hashable, Mapping
from decimal import Decimal
from itertools import chain
from typing import Final

import attrs

from bitstamp_ledger.api._catalogue import Call, Endpoint
from bitstamp_ledger.api._exchange import Manners
from bitstamp_ledger.api._paged import PAGE_LIMIT, Opened, Page, open_pages, page_of
from bitstamp_ledger.api._readings import (
    NOT_ON_THE_WIRE,
    Reading,
    capitals,
    json_name,
    payload_of,
    read_rows,
    structure,
    unreadable,
    wire,
)

FIRST_PAGE: Final[Mapping[str, str]] = {"limit": str(PAGE_LIMIT), "offset": "0"}
"""``withdrawal-requests`` takes the two only together; the others do not mind."""


class CryptoKind(enum.Enum):
    """Which of the three lists a crypto transaction stands in."""

    DEPOSIT = "deposit"
    WITHDRAWAL = "withdrawal"
    IOU = "iou"
    """A credit on the XRP ledger that moved; in which direction is not always said."""


@attrs.frozen(kw_only=True)
class CryptoTransaction(Reading):
    """A deposit or a withdrawal of coins, with where it came from or went to.

    Source: docs/facts/exchange.md, "Crypto transactions".
    """

    kind: CryptoKind = attrs.field(default=CryptoKind.DEPOSIT, metadata=NOT_ON_THE_WIRE)
    """Which of the lists it stands in."""

    currency: str = attrs.field(metadata=wire(read_by=capitals))
    """In capitals."""

    amount: Decimal
    """Positive; for a withdrawal with its fee.  The wire prints it through a binary float, so more
    than 15 digits are not reliable: never book it."""

    time: dt.datetime = attrs.field(metadata=wire("datetime"))
    """UTC, in whole seconds; up to an hour from the time in the history."""

    chain_hash: str | None = attrs.field(default=None, metadata=wire("txid"))
    """The transaction on the chain."""

    address: str | None = attrs.field(
        default=None,
        metadata=wire("destinationAddress", "destination_address", "desitnationAddress"),
    )
    """Where the coins went; for a deposit, the account's own address.  May hold a tag."""

    network: str | None = None
    """Such as ``bitcoin``; old rows lack it."""

    id: int | None = None
    """The exchange's id of a deposit, in a number space of its own."""

    status: str | None = None
    """Of a deposit: ``PENDING``, ``FINALIZED``, ``REJECTED``, …; others may come."""

    pending_reason: str | None = None
    originator_address: str | None = None


@attrs.frozen(kw_only=True)
class WithdrawalRequest(Reading):
    """A request to withdraw coins or money, whatever became of it.

    Source: docs/facts/exchange.md, "Withdrawal requests".
    """

    id: int
    """The request's id, in a number space of its own."""

    time: dt.datetime = attrs.field(metadata=wire("datetime"))
    """UTC, in whole seconds."""

    amount: Decimal
    """Positive.  Whether it holds the fee is not known."""

    currency: str | None = attrs.field(default=None, metadata=wire(read_by=capitals))
    """In capitals; old rows lack it."""

    type: int | None = None
    """A number for the way: 0 SEPA, 2 wire transfer, the others a coin each."""

    status: int | None = None
    """0 open, 1 in process, 2 finished, 3 cancelled, 4 failed, 11 reversed; there are others."""

    internal_id: int | None = attrs.field(default=None, metadata=wire("txid"))
    """A number of the exchange's own; perhaps the ``transaction_id`` of the history."""

    address: str | None = None
    """Of the coins, with a tag as ``?dt=…``; for money a text about the bank account."""

    network: str | None = None
    chain_hash: str | None = attrs.field(default=None, metadata=wire("transaction_id"))
    """The transaction on the chain; None for money, and while there is none."""


ARRAYS: Final[Mapping[str, CryptoKind]] = {
    "deposits": CryptoKind.DEPOSIT,
    "withdrawals": CryptoKind.WITHDRAWAL,
    "ripple_iou_transactions": CryptoKind.IOU,
}


def open_crypto_transactions(
    manners: Manners, *, include_ious: bool = True
) -> Opened[CryptoTransaction]:
    """Read ``crypto-transactions`` whole; main account keys only."""
    parameters = {**FIRST_PAGE, "include_ious": "True"} if include_ious else FIRST_PAGE
    call = Call(endpoint=Endpoint.CRYPTO_TRANSACTIONS, parameters=parameters)
    return open_pages(call, read_crypto_transactions, _key_of_crypto, manners)


def open_crypto_deposits(
    manners: Manners, *, status: str | None = None
) -> Opened[CryptoTransaction]:
    """Read ``crypto-transactions/deposits`` whole."""
    parameters = {**FIRST_PAGE, "status": status} if status else FIRST_PAGE
    call = Call(endpoint=Endpoint.CRYPTO_DEPOSITS, parameters=parameters)
    return open_pages(call, _read_deposits, _key_of_crypto, manners)


def open_withdrawal_requests(manners: Manners) -> Opened[WithdrawalRequest]:
    """Read ``withdrawal-requests`` whole."""
    call = Call(endpoint=Endpoint.WITHDRAWAL_REQUESTS, parameters=FIRST_PAGE)
    return open_pages(call, _read_requests, _key_of_request, manners)


def read_crypto_transactions(body: bytes) -> Page[CryptoTransaction]:
    """Parse a page of ``crypto-transactions``: an object of up to three arrays.

    Raises:
        UnreadableReplyError: it is none, or a row lacks currency, amount or time.
    """
    endpoint = Endpoint.CRYPTO_TRANSACTIONS.label
    payload = payload_of(body, endpoint=endpoint)
    if not isinstance(payload, dict) or not payload.keys() & ARRAYS.keys():
        raise unreadable(endpoint, f"{json_name(payload)} where three arrays belong")
    arrays = [
        [
            attrs.evolve(row, kind=kind)
            for row in structure(payload[name], CryptoTransaction, endpoint=endpoint)
        ]
        for name, kind in ARRAYS.items()
        if name in payload
    ]
    return Page(rows=tuple(chain(*arrays)), longest=max(map(len, arrays)))


def _read_deposits(body: bytes) -> Page[CryptoTransaction]:
    return page_of(read_rows(body, CryptoTransaction, endpoint=Endpoint.CRYPTO_DEPOSITS.label))


def _read_requests(body: bytes) -> Page[WithdrawalRequest]:
    return page_of(read_rows(body, WithdrawalRequest, endpoint=Endpoint.WITHDRAWAL_REQUESTS.label))


def _key_of_crypto(row: CryptoTransaction) -> Hashable:
    if row.id is not None:
        return row.id  # Its status may change between two pages.
    return row.kind, row.chain_hash, row.currency, row.amount, row.time, row.address


def _key_of_request(row: WithdrawalRequest) -> Hashable:
    return row.id
