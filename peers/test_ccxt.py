"""An independent client against the sandbox: ccxt's bitstamp classes, blocking and async.

What they sign is accepted, and what they read is what the sandbox holds.  ccxt signs the address
without ``https://`` and knows no other scheme, so the exchange's address is put in after signing.
"""

import asyncio
import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import ccxt
import ccxt.async_support
import pytest

from bitstamp_ledger.sandbox import Account, Sandbox, generate_account

Signed = dict[str, Any]


class _OverHttp:
    """Signs for https, as ccxt must, and sends to the sandbox."""

    sandbox_url: str

    def sign(self, path: str, *args: Any, **kwargs: Any) -> Signed:
        signed: Signed = super().sign(path, *args, **kwargs)  # type: ignore[misc]  # a mixin
        signed["url"] = signed["url"].replace("https://", "http://", 1)
        return signed


class Blocking(_OverHttp, ccxt.bitstamp):
    pass


class Async(_OverHttp, ccxt.async_support.bitstamp):
    pass


def settings(sandbox: Sandbox) -> dict[str, Any]:
    address = sandbox.url.replace("http://", "https://", 1)
    return {
        "apiKey": sandbox.key,
        "secret": sandbox.secret,
        "enableRateLimit": False,
        "urls": {"api": {"public": f"{address}/api", "private": f"{address}/api"}},
    }


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """Serve a history of listed coins, since ccxt fails on others; its newest rows are of today."""
    made_up = generate_account(2, 90)
    listed = [record for record in made_up.records if "sgb" not in record]
    rows = [json.dumps(record, default=float).encode() for record in listed]
    account = Account(rows, open_orders=made_up.open_orders)
    with Sandbox(seed=2, account=account) as running:
        running.fill_order(fills=2)
        today = running.records[-1]["datetime"]
        for number, (kind, leg) in enumerate((("0", "0.5"), ("1", "-0.25"))):
            running.append(
                {
                    "id": 900_000_000 + number,
                    "datetime": today,
                    "type": kind,
                    "fee": "0.00050000",
                    "btc": leg,
                    "btc_usd": "0.00",
                }
            )
        yield running


@pytest.fixture(autouse=True)
def only_what_this_test_asks(sandbox: Sandbox) -> None:
    sandbox._exchange.requests.clear()


CALLS = (
    "fetch_balance",
    "fetch_my_trades",
    "fetch_ledger",
    "fetch_transactions",
    "fetch_deposits_withdrawals",
    "fetch_withdrawals",
    "fetch_open_orders",
    "fetch_trading_fees",
    "fetch_deposit_withdraw_fees",
)
"""What ccxt can ask of an account; it has no ``fetch_deposits`` for this exchange."""

SIGNED = {
    "/api/v2/account_balances/",
    "/api/v2/user_transactions/",
    "/api/v2/withdrawal-requests/",
    "/api/v2/open_orders/all/",
    "/api/v2/order_status/",
    "/api/v2/fees/trading/",
    "/api/v2/fees/withdrawal/",
}


def checked(sandbox: Sandbox, answers: dict[str, Any]) -> None:
    held = {currency: total for currency, total in sandbox.balances.items() if total}
    seen = {
        currency: Decimal(str(total))
        for currency, total in answers["fetch_balance"]["total"].items()
        if total
    }
    # ccxt reads amounts as floats.
    assert {currency: float(total) for currency, total in held.items()} == {
        currency: float(total) for currency, total in seen.items()
    }
    # Records of the exchange's first years have numbers for types; ccxt passes over those.
    trades = [record for record in sandbox.records if record["type"] == "2"]
    moves = [record for record in sandbox.records if record["type"] in {"0", "1"}]
    assert ids(answers["fetch_my_trades"]) == {str(record["id"]) for record in trades}
    assert ids(answers["fetch_ledger"]) >= {str(record["id"]) for record in trades + moves}
    assert ids(answers["fetch_deposits_withdrawals"]) == {str(record["id"]) for record in moves}
    assert ids(answers["fetch_transactions"]) == ids(answers["fetch_deposits_withdrawals"])
    kinds = {move["type"] for move in answers["fetch_deposits_withdrawals"]}
    assert kinds == {"deposit", "withdrawal"}
    # Asked for by age, so that only the newest is among them.
    (withdrawal,) = answers["fetch_withdrawals"]
    assert (withdrawal["currency"], withdrawal["amount"], withdrawal["status"]) == (
        "BTC",
        0.25,
        "ok",
    )
    assert len(answers["fetch_open_orders"]) == len(sandbox.account.open_orders) > 0
    assert answers["order"]["status"] == "closed"
    assert len(answers["order"]["trades"]) == 2
    assert "BTC/EUR" in answers["fetch_trading_fees"]
    assert "BTC" in answers["fetch_deposit_withdraw_fees"]
    assert sandbox.writes == []
    assert {request.status for request in sandbox.requests} == {200}
    asked = [request for request in sandbox.requests if request.account is not None]
    assert {request.path for request in asked} == SIGNED


def ids(rows: list[dict[str, Any]]) -> set[str]:
    return {row["id"] for row in rows}


def filled_order(sandbox: Sandbox) -> str:
    return str(next(r["order_id"] for r in reversed(sandbox.records) if "order_id" in r))


def test_the_blocking_class_is_served(sandbox: Sandbox) -> None:
    """Every signed call is accepted."""
    exchange = Blocking(settings(sandbox))
    answers = {name: getattr(exchange, name)() for name in CALLS}
    answers["order"] = exchange.fetch_order(filled_order(sandbox))

    checked(sandbox, answers)


def test_the_async_class_is_served(sandbox: Sandbox) -> None:
    """Every signed call is accepted."""

    async def ask() -> dict[str, Any]:
        exchange = Async(settings(sandbox))
        try:
            answers = {name: await getattr(exchange, name)() for name in CALLS}
            answers["order"] = await exchange.fetch_order(filled_order(sandbox))
            return answers
        finally:
            await exchange.close()

    checked(sandbox, asyncio.run(ask()))


def test_a_wrong_secret_is_refused_in_ccxts_terms(sandbox: Sandbox) -> None:
    """The refusal has the documented shape, so ccxt recognises it."""
    exchange = Blocking({**settings(sandbox), "secret": "wrong"})

    with pytest.raises(ccxt.AuthenticationError):
        exchange.fetch_balance()
