"""A signed query with and without its question mark: whichever the exchange takes is found."""

import hashlib
import hmac
from typing import Any

import anyio
import httpx
import pytest

import bitstamp_ledger as bl
from bitstamp_ledger.api import (
    Call,
    Endpoint,
    Manners,
    NotAvailable,
    RetryPolicy,
    SigningKey,
    open_earn_transactions,
    open_withdrawal_requests,
    read_earn_subscriptions,
    sign,
)
from bitstamp_ledger.errors import KeyRefusedError
from tests.api.scripts import answer, good, play, script
from tests.client.exchange import SECRET, credentials, signed_reply

MANNERS = Manners(retry=RetryPolicy(attempts_max=3, delay_first_s=0.0))
WRONG = answer(403, {"status": "error", "reason": "Invalid signature", "code": "API0005"})
ROW = {"datetime": "2025-01-01T00:00:00+00:00", "currency": "ADA", "amount": 1.5}


def test_the_query_is_signed_without_its_mark_where_the_call_says_so() -> None:
    """Docs/facts/exchange.md, "Signing": the address that is asked stays the same."""
    key = SigningKey(
        key="ExampleKey0000000000000000000001", secret="ExampleSecret0000000000000000002"
    )
    call = Call(
        endpoint=Endpoint.EARN_TRANSACTIONS,
        parameters={"limit": "100", "offset": "0"},
        query_mark_signed=False,
    )
    sent = sign(
        call,
        key,
        host="www.bitstamp.net",
        nonce="01234567-89ab-4cde-8f01-23456789abcd",
        timestamp_ms=1764633600000,
    )
    assert sent.target == "/api/v2/earn/transactions/?limit=100&offset=0"
    assert sent.headers["X-Auth-Signature"] == (
        "c5c18ce3814e1b585a2d2017ce5b17ffc6686b71d81c6ef7807b11b0dc3590ae"
    )


def marks(calls: list[Call]) -> list[bool]:
    return [call.query_mark_signed for call in calls]


def test_what_worked_once_is_used_for_the_pages_that_follow() -> None:
    """One page is asked for twice, and no other."""
    page = [ROW | {"amount": number} for number in range(3)]
    opening = play(open_earn_transactions(None, None, MANNERS), script(WRONG, good(page)))
    assert marks(opening.calls) == [True, False]
    rest = play(opening.result, script(good(page[2:]), good([])))
    assert marks(rest.calls) == [False]
    assert len(rest.emitted) == 3


def test_a_wrong_secret_is_told_after_one_more_try() -> None:
    """And not taken for a matter of question marks."""
    with pytest.raises(KeyRefusedError) as refused:
        play(open_earn_transactions(None, None, MANNERS), script(WRONG, WRONG))
    assert refused.value.code == "API0005"


def test_a_refusal_of_another_kind_after_the_second_try_is_what_counts() -> None:
    """The signature was good then."""
    denied = answer(403, {"status": "error", "reason": "No permission found", "code": "API0003"})
    played = play(open_earn_transactions(None, None, MANNERS), script(WRONG, denied))
    assert isinstance(played.result, NotAvailable)


@pytest.mark.parametrize(
    "flow", [open_withdrawal_requests(MANNERS), read_earn_subscriptions(MANNERS)]
)
def test_a_call_without_a_query_is_not_tried_again(flow: Any) -> None:
    """There is no question mark to leave out."""
    with pytest.raises(KeyRefusedError):
        play(flow, script(WRONG))


def test_another_refusal_is_not_tried_again() -> None:
    """The clock has nothing to do with it."""
    frozen = answer(403, {"status": "error", "reason": "x", "code": "API0006"})
    with pytest.raises(KeyRefusedError):
        play(open_earn_transactions(None, None, MANNERS), script(frozen))


class Unmarked:
    """Takes only signatures over a query without its question mark."""

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        headers = request.headers
        message = "".join(
            (
                headers["X-Auth"],
                request.method,
                headers["Host"],
                request.url.raw_path.decode().replace("?", ""),
                headers["X-Auth-Nonce"],
                headers["X-Auth-Timestamp"],
                "v2",
            )
        )
        signature = hmac.new(SECRET.encode(), message.encode(), hashlib.sha256).hexdigest()
        if headers["X-Auth-Signature"] != signature:
            return httpx.Response(403, json={"reason": "Invalid signature", "code": "API0005"})
        offset = int(request.url.params["offset"])
        return signed_reply(request, [ROW][offset:])


@pytest.mark.parametrize("colour", ["blocking", "async"])
def test_an_exchange_of_the_other_reading_is_read_as_well(colour: str) -> None:
    """Through the whole client, with a fresh nonce for the second try."""
    exchange = Unmarked()
    transport = httpx.MockTransport(exchange)

    def blocking() -> list[bl.EarnTransaction]:
        with bl.Client(credentials(), transport=transport) as client:
            rows = client.earn_transactions()
            assert not isinstance(rows, NotAvailable)
            return list(rows)

    async def asynchronous() -> list[bl.EarnTransaction]:
        async with bl.AsyncClient(credentials(), transport=transport) as client:
            rows = await client.earn_transactions()
            assert not isinstance(rows, NotAvailable)
            return [row async for row in rows]

    rows = blocking() if colour == "blocking" else anyio.run(asynchronous)
    assert [row.currency for row in rows] == ["ADA"]
    assert len({request.headers["X-Auth-Nonce"] for request in exchange.requests}) == 3
    assert {request.url.query.startswith(b"limit=1000") for request in exchange.requests} == {True}
