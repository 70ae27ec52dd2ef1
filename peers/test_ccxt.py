"""An independent client against the sandbox: ccxt's bitstamp classes, blocking and async.

What they sign is accepted, and what they read is what the sandbox holds.  ccxt signs the address
without ``https://`` and knows no other scheme, so the exchange's address is put in after signing.
"""

import asyncio
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import ccxt
import ccxt.async_support
import pytest

from bitstamp_ledger.sandbox import Sandbox

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
    # Its largest page holds records of coins that are not listed any more, on which ccxt fails.
    with Sandbox(seed=2, transactions=90) as running:
        yield running


CALLS = ("fetch_balance", "fetch_my_trades", "fetch_deposits_withdrawals", "fetch_open_orders")


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
    assert {trade["id"] for trade in answers["fetch_my_trades"]} == {
        str(record["id"]) for record in trades
    }
    assert len(answers["fetch_open_orders"]) > 0
    assert sandbox.writes == []
    assert {request.status for request in sandbox.requests} == {200}


def test_the_blocking_class_is_served(sandbox: Sandbox) -> None:
    """Every signed call is accepted."""
    exchange = Blocking(settings(sandbox))
    answers = {name: getattr(exchange, name)() for name in CALLS}

    checked(sandbox, answers)


def test_the_async_class_is_served(sandbox: Sandbox) -> None:
    """Every signed call is accepted."""

    async def ask() -> dict[str, Any]:
        exchange = Async(settings(sandbox))
        try:
            return {name: await getattr(exchange, name)() for name in CALLS}
        finally:
            await exchange.close()

    checked(sandbox, asyncio.run(ask()))


def test_a_wrong_secret_is_refused_in_ccxts_terms(sandbox: Sandbox) -> None:
    """The refusal has the documented shape, so ccxt recognises it."""
    exchange = Blocking({**settings(sandbox), "secret": "wrong"})

    with pytest.raises(ccxt.AuthenticationError):
        exchange.fetch_balance()
