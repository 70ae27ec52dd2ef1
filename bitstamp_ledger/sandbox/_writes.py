"""Endpoints that would change something: they check what they are given, and change nothing.

They exist so that a key check can meet the real refusals, and so that a test can see that nothing
was ever written: whatever gets past all checks is recorded in ``Sandbox.writes``.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from bitstamp_ledger.model import MAIN_ACCOUNT
from bitstamp_ledger.sandbox._calls import Reply, json_reply
from bitstamp_ledger.sandbox._listing import CURRENCIES, MARKETS
from bitstamp_ledger.sandbox._private import Question
from bitstamp_ledger.sandbox._records import decode_record
from bitstamp_ledger.sandbox._refusals import invalid, required

Attempt = Callable[[Question], Reply]
"""Raises RefusedCall for what is missing or wrong; a reply means that it would have worked."""

_PROTOCOL_NAMES: Final = frozenset({"ripple", "bitcoin", "instant_convert"})


def _need(question: Question, *fields: str) -> None:
    missing = [field for field in fields if not question.form.get(field)]
    if missing:
        raise required(*missing)


def _need_market(question: Question) -> None:
    if question.parts.get("market", "btceur") not in MARKETS:
        raise invalid("Currency pair not found", "404.003", status=404)


def _need_currency(question: Question) -> None:
    if question.parts["currency"] not in CURRENCIES.keys() | _PROTOCOL_NAMES:
        raise invalid("Currency not found", "404.006", status=404)


def _order_reply(question: Question) -> Reply:
    market = MARKETS[question.parts["market"]]
    return json_reply(
        {
            "id": "1",
            "market": market.name,
            "datetime": "2000-01-01 00:00:00.000000",
            "type": "0",
            "price": question.form.get("price", "0"),
            "amount": question.form["amount"],
            "client_order_id": question.form.get("client_order_id", ""),
        }
    )


def limit_order(question: Question) -> Reply:
    """Need an amount and a price."""
    _need_market(question)
    if not (question.form.get("amount") and question.form.get("price")):
        raise invalid("Missing amount and/or price POST parameters", "400.004")
    return _order_reply(question)


def market_order(question: Question) -> Reply:
    """Need an amount."""
    _need_market(question)
    _need(question, "amount")
    return _order_reply(question)


def cancel_order(question: Question) -> Reply:
    """Need an order."""
    order_id = question.form.get("id")
    if not order_id:
        raise invalid("Missing id POST param.", "400.035")
    for raw in question.account.open_orders:
        if decode_record(raw).get("id") == order_id:
            return json_reply({"id": int(order_id), "status": "Canceled"})
    raise invalid("Order not found", "404.002", status=404)


def replace_order(question: Question) -> Reply:
    """Need an order, and what to put in its place."""
    if not question.form.get("id"):
        raise invalid("Missing id POST param.", "400.035")
    _need(question, "amount", "price")
    return cancel_order(question)


def cancel_all_orders(question: Question) -> Reply:
    """Need nothing: an empty call cancels everything."""
    _need_market(question)
    return json_reply({"canceled": [], "success": True})


def crypto_withdrawal(question: Question) -> Reply:
    """Need an amount and an address."""
    _need_currency(question)
    if not (question.form.get("amount") and question.form.get("address")):
        raise invalid("Missing amount and/or address POST parameters", "400.004")
    return json_reply({"id": 1})


def _no_sub_account(question: Question, what: str) -> None:
    if question.account.name != MAIN_ACCOUNT:
        raise invalid(f"{what} with sub account API keys is not supported.")


def bank_withdrawal_status(question: Question) -> Reply:
    """Need an id.  It reads, but shares its permission with opening (a read, so never a write)."""
    _no_sub_account(question, "Bank withdrawal status")
    if not question.form.get("id"):
        raise invalid("Missing parameters: ['id']", "400.004")
    raise invalid("Withdrawal request not found", "404.001", status=404)


def bank_withdrawal_open(question: Question) -> Reply:
    """Need everything that a bank wants to know."""
    _no_sub_account(question, "Opening a bank withdrawal")
    _need(question, *_BANK_FIELDS)
    return json_reply({"id": 1})


def bank_withdrawal_cancel(question: Question) -> Reply:
    """Need an id."""
    _no_sub_account(question, "Cancelling a bank withdrawal")
    if not question.form.get("id"):
        raise invalid("Missing parameters: ['id']", "400.004")
    return json_reply({"id": question.form["id"], "status": "Canceled"})


def deposit_address(question: Question) -> Reply:
    """Need nothing: an empty call may allot an address."""
    _need_currency(question)
    return json_reply({"address": "sandbox-address-of-nobody"})


def transfer_to_main(question: Question) -> Reply:
    """Need an amount and a currency."""
    _need(question, "amount", "currency")
    return _transfer(question)


def transfer_from_main(question: Question) -> Reply:
    """Need an amount, a currency and a sub-account."""
    _need(question, "amount", "currency", "subAccount")
    return _transfer(question)


def _transfer(question: Question) -> Reply:
    other = question.form.get("subAccount")
    if other is not None:
        raise invalid(f'Sub account with identifier "{other}" does not exist.')
    return json_reply({"status": "ok"})


def earn_change(question: Question) -> Reply:
    """Need a currency, a type and an amount."""
    _need(question, "currency", "yield_type", "amount")
    return json_reply({"status": "ok"})


def derivatives_change(question: Question) -> Reply:
    """Need nothing: an empty call closes everything."""
    if not question.account.derivatives:
        raise invalid("Trade account does not support derivatives.", "403.005")
    return json_reply({"closed": []})


def travel_rule_contacts(_: Question) -> Reply:
    """Send no contacts (a read, though of personal data)."""
    return json_reply({"data": [], "pagination": {"page": 1, "size": 0, "count": 0}})


def websockets_token(_: Question) -> Reply:
    """Need nothing: an empty call issues a credential."""
    return json_reply({"token": "sandbox-token-for-nothing", "valid_sec": 60, "user_id": 1})


def revoke_all_api_keys(_: Question) -> Reply:
    """Need nothing: an empty call would end every key."""
    return json_reply({"revoked_api_keys": []})


_BANK_FIELDS: Final = (
    "amount",
    "account_currency",
    "name",
    "iban",
    "bic",
    "address",
    "postal_code",
    "city",
    "country",
    "type",
)

READS_AMONG_WRITES: Final = frozenset({"bank_withdrawal_status", "travel_rule_contacts"})
"""Need a permission that no reader has, and still change nothing."""

WRITE_ATTEMPTS: Final[Mapping[str, Attempt]] = MappingProxyType(
    {
        attempt.__name__: attempt
        for attempt in (
            bank_withdrawal_cancel,
            bank_withdrawal_open,
            bank_withdrawal_status,
            cancel_all_orders,
            cancel_order,
            crypto_withdrawal,
            deposit_address,
            derivatives_change,
            earn_change,
            limit_order,
            market_order,
            replace_order,
            revoke_all_api_keys,
            transfer_from_main,
            transfer_to_main,
            travel_rule_contacts,
            websockets_token,
        )
    }
)
