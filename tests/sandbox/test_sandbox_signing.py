"""The vectors of docs/facts/exchange.md, "Signing", against the server's own signing."""

import pytest

from bitstamp_ledger.sandbox._auth import message_of, sign_message, sign_reply
from bitstamp_ledger.sandbox._calls import Call

KEY = "ExampleKey0000000000000000000001"
SECRET = "ExampleSecret0000000000000000002"
NONCE = "01234567-89ab-4cde-8f01-23456789abcd"
TIMESTAMP = "1764633600000"
FORM = "application/x-www-form-urlencoded"


def call(method: str, path: str, *, query: str = "", body: bytes = b"") -> Call:
    headers = {
        "x-auth": f"BITSTAMP {KEY}",
        "x-auth-nonce": NONCE,
        "x-auth-timestamp": TIMESTAMP,
        "x-auth-version": "v2",
    }
    return Call(
        method=method,
        path=path,
        query=query,
        host="www.bitstamp.net",
        headers=headers | ({"content-type": FORM} if body else {}),
        body=body,
    )


VECTORS = {
    "A: POST without body": (
        call("POST", "/api/v2/account_balances/"),
        137,
        "bfb5f78a41b9d6ddba1a55659322ffba99ef64d413ab8c47739ebc79fb6d1ae4",
    ),
    "B: POST with body": (
        call("POST", "/api/v2/user_transactions/", body=b"limit=1000&sort=asc&since_id=1"),
        201,
        "6d64a03ad51be7a722dfb8608d2c3c2b2e8d09fcc72564928c3e85e3fa9ca013",
    ),
    "C: GET without query": (
        call("GET", "/api/v2/earn/subscriptions/"),
        138,
        "858c179dfd6ebff403480222f2b2941796ab83e09e1afe4fe4b7bc18001fc8bd",
    ),
    "D: GET with query": (
        call("GET", "/api/v2/earn/transactions/", query="limit=100&offset=0"),
        156,
        "58493da6eecd41fea266f468d86377545d97ff20ec9137ec5907aa8080d5e022",
    ),
    "E: POST with a dummy body": (
        call("POST", "/api/v2/account_balances/", body=b"foo=bar"),
        177,
        "dd29ef58428c732424eaf986bc55e4a65e6018fcda276251fb25c8236b7d8b8c",
    ),
}


@pytest.mark.parametrize("name", VECTORS)
def test_a_request_is_signed_as_documented(name: str) -> None:
    """Every vector that independent clients agree on."""
    request, length, signature = VECTORS[name]

    assert len(message_of(request)) == length
    assert sign_message(SECRET, message_of(request)) == signature


@pytest.mark.parametrize(
    ("content_type", "body", "signature"),
    [
        (
            "application/json",
            b"[]",
            "a99862736d923f18e4a9c746dfaa235c7c00718ae342f00d941dfdebe94e4247",
        ),
        (
            "application/json",
            b'[{"id": 1, "type": "2", "fee": "0.50"}]',
            "806691cb8d55199dc5af9c5c3efcdb0a785c8ad41405ee07b9779b9572a2d196",
        ),
        (
            "application/json; charset=utf-8",
            b'[{"id": 1, "type": "2", "fee": "0.50"}]',
            "ecb269913e129991a4d8945d66408035709234a75ed5cfcc27ecdd19fd458162",
        ),
    ],
)
def test_a_reply_is_signed_as_documented(content_type: str, body: bytes, signature: str) -> None:
    """The Content-Type counts verbatim, charset included."""
    signed = sign_reply(
        SECRET, nonce=NONCE, timestamp=TIMESTAMP, content_type=content_type, body=body
    )

    assert signed == signature


@pytest.mark.parametrize(
    ("body", "signature"),
    [
        (b"", "eb84d115027532cba9ebab8c692c488284c54551ab4601aa9ce6280187dc9c86"),
        (
            b"limit=1000&since_id=1&sort=asc&offset=0",
            "29728913d776144f0c8d522a58e77bb6c4492b25dbf7b3ebd41c4eb64c28cf0c",
        ),
    ],
)
def test_another_clients_own_vectors_hold(body: bytes, signature: str) -> None:
    """Fixed values in the tests of a client that has talked to the exchange for years."""
    headers = {
        "x-auth": "BITSTAMP 123456",
        "x-auth-nonce": "hijklm",
        "x-auth-timestamp": "1606996800000",
        "x-auth-version": "v2",
    }
    request = Call(
        method="POST",
        path="/api/v2/balance/",
        host="www.bitstamp.net",
        headers=headers | ({"content-type": FORM} if body else {}),
        body=body,
    )

    assert sign_message("abcdefg", message_of(request)) == signature
