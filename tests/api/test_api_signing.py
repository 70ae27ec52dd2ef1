"""Signing and verifying: literals that were checked with other people's clients, and laws."""

import copy
import pickle
from collections.abc import Callable
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitstamp_ledger.api import Call, Endpoint, Seal, SigningKey, sign, unsigned, verify
from bitstamp_ledger.errors import CredentialsError

NONCE = "01234567-89ab-4cde-8f01-23456789abcd"
TIMESTAMP_MS = 1764633600000
KEY = SigningKey(key="ExampleKey0000000000000000000001", secret="ExampleSecret0000000000000000002")

BALANCES = Call(endpoint=Endpoint.ACCOUNT_BALANCES)
TRANSACTIONS = Call(
    endpoint=Endpoint.USER_TRANSACTIONS,
    parameters={"limit": "1000", "sort": "asc", "since_id": "1"},
)
SUBSCRIPTIONS = Call(endpoint=Endpoint.EARN_SUBSCRIPTIONS)
EARNINGS = Call(endpoint=Endpoint.EARN_TRANSACTIONS, parameters={"limit": "100", "offset": "0"})
OF_NOTHING = "a99862736d923f18e4a9c746dfaa235c7c00718ae342f00d941dfdebe94e4247"
"""Signs ``[]`` of the type ``application/json``, in answer to `SENT`."""

SENT = sign(BALANCES, KEY, host="www.bitstamp.net", nonce=NONCE, timestamp_ms=TIMESTAMP_MS)


@pytest.mark.parametrize(
    ("call", "signature", "target", "body"),
    [
        pytest.param(
            BALANCES,
            "bfb5f78a41b9d6ddba1a55659322ffba99ef64d413ab8c47739ebc79fb6d1ae4",
            "/api/v2/account_balances/",
            b"",
            id="POST without body",
        ),
        pytest.param(
            TRANSACTIONS,
            "6d64a03ad51be7a722dfb8608d2c3c2b2e8d09fcc72564928c3e85e3fa9ca013",
            "/api/v2/user_transactions/",
            b"limit=1000&sort=asc&since_id=1",
            id="POST with a form",
        ),
        pytest.param(
            SUBSCRIPTIONS,
            "858c179dfd6ebff403480222f2b2941796ab83e09e1afe4fe4b7bc18001fc8bd",
            "/api/v2/earn/subscriptions/",
            b"",
            id="GET without query",
        ),
        pytest.param(
            EARNINGS,
            "58493da6eecd41fea266f468d86377545d97ff20ec9137ec5907aa8080d5e022",
            "/api/v2/earn/transactions/?limit=100&offset=0",
            b"",
            id="GET with a query, its question mark signed",
        ),
    ],
)
def test_a_call_is_signed_as_the_exchange_wants_it(
    call: Call, signature: str, target: str, body: bytes
) -> None:
    """Docs/facts/exchange.md, "Signing": one wrong byte and every call ends in API0005."""
    sent = sign(call, KEY, host="www.bitstamp.net", nonce=NONCE, timestamp_ms=TIMESTAMP_MS)
    assert sent.headers["X-Auth-Signature"] == signature
    assert (sent.target, sent.body) == (target, body)
    assert sent.headers["X-Auth"] == "BITSTAMP ExampleKey0000000000000000000001"
    assert sent.headers["X-Auth-Nonce"] == NONCE
    assert sent.headers["X-Auth-Timestamp"] == "1764633600000"
    assert sent.headers["X-Auth-Version"] == "v2"


@pytest.mark.parametrize(
    ("key", "secret", "message", "signature"),
    [
        pytest.param(
            "ExampleKey0000000000000000000001",
            "ExampleSecret0000000000000000002",
            b"BITSTAMP ExampleKey0000000000000000000001POSTwww.bitstamp.net"
            b"/api/v2/account_balances/application/x-www-form-urlencoded"
            b"01234567-89ab-4cde-8f01-23456789abcd1764633600000v2foo=bar",
            "dd29ef58428c732424eaf986bc55e4a65e6018fcda276251fb25c8236b7d8b8c",
            id="a form that no call of ours can have",
        ),
        pytest.param(
            "123456",
            "abcdefg",
            b"BITSTAMP 123456POSTwww.bitstamp.net/api/v2/balance/hijklm1606996800000v2",
            "eb84d115027532cba9ebab8c692c488284c54551ab4601aa9ce6280187dc9c86",
            id="rotki's vector without body",
        ),
        pytest.param(
            "123456",
            "abcdefg",
            b"BITSTAMP 123456POSTwww.bitstamp.net/api/v2/balance/application/"
            b"x-www-form-urlencodedhijklm1606996800000v2"
            b"limit=1000&since_id=1&sort=asc&offset=0",
            "29728913d776144f0c8d522a58e77bb6c4492b25dbf7b3ebd41c4eb64c28cf0c",
            id="rotki's vector with a form",
        ),
    ],
)
def test_the_keyed_hash_is_the_one_of_other_clients(
    key: str, secret: str, message: bytes, signature: str
) -> None:
    """The catalogue cannot express these calls, so only the hash under them is checked."""
    assert SigningKey(key=key, secret=secret).sign(message) == signature


def test_an_empty_body_announces_no_content_type() -> None:
    """The exchange refuses it with API0020."""
    assert "content-type" not in {name.lower() for name in SENT.headers}


def test_a_form_announces_exactly_the_type_that_is_signed() -> None:
    """A charset behind it is refused with API0019."""
    sent = sign(TRANSACTIONS, KEY, host="h", nonce=NONCE, timestamp_ms=TIMESTAMP_MS)
    assert sent.headers["Content-Type"] == "application/x-www-form-urlencoded"


def test_a_port_that_is_not_the_default_is_signed() -> None:
    """The exchange signs the Host header, and so does a sandbox on a port of its own."""
    one, other = (
        sign(BALANCES, KEY, host=host, nonce=NONCE, timestamp_ms=TIMESTAMP_MS)
        for host in ("localhost", "localhost:8080")
    )
    assert one.headers["X-Auth-Signature"] != other.headers["X-Auth-Signature"]


def test_a_public_call_carries_nothing_of_the_key() -> None:
    """It goes to endpoints that ask for no key."""
    sent = unsigned(Call(endpoint=Endpoint.TICKER, path_values={"market": "btceur"}))
    assert (sent.method, sent.target, dict(sent.headers), sent.body) == (
        "GET",
        "/api/v2/ticker/btceur/",
        {},
        b"",
    )


RECORDS = b'[{"id": 1, "type": "2", "fee": "0.50"}]'


@pytest.mark.parametrize(
    ("content_type", "body", "signature"),
    [
        (
            "application/json",
            b"[]",
            OF_NOTHING,
        ),
        (
            "application/json",
            RECORDS,
            "806691cb8d55199dc5af9c5c3efcdb0a785c8ad41405ee07b9779b9572a2d196",
        ),
        (
            "application/json; charset=utf-8",
            RECORDS,
            "ecb269913e129991a4d8945d66408035709234a75ed5cfcc27ecdd19fd458162",
        ),
    ],
)
@pytest.mark.parametrize("spelled", [str.lower, str.upper, "  {} ".format])
def test_a_reply_signed_by_the_exchange_is_valid(
    content_type: str, body: bytes, signature: str, spelled: Callable[[str], str]
) -> None:
    """The content type belongs to the message word for word; hex digits may be of either case."""
    headers = {"content-type": content_type, "x-server-auth-signature": spelled(signature)}
    assert verify(SENT, KEY, headers=headers, body=body) is Seal.VALID


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        pytest.param({"content-type": "application/json"}, b"[1]", id="body changed"),
        pytest.param({"content-type": "application/json;"}, b"[]", id="type changed"),
        pytest.param({}, b"[]", id="type missing"),
    ],
)
def test_a_changed_reply_is_wrong(headers: dict[str, str], body: bytes) -> None:
    """Nothing that a man in the middle can reach may be left out of the message."""
    signature = OF_NOTHING
    signed = {**headers, "x-server-auth-signature": signature}
    assert verify(SENT, KEY, headers=signed, body=body) is Seal.WRONG


@pytest.mark.parametrize(
    "claimed", ["", "0", "é", "a" * 64, "\N{FULLWIDTH LATIN CAPITAL LETTER A}" * 64]
)
def test_a_senseless_signature_is_wrong_and_no_exception(claimed: str) -> None:
    """`hmac.compare_digest` raises for text beyond ASCII."""
    headers = {"content-type": "application/json", "x-server-auth-signature": claimed}
    assert verify(SENT, KEY, headers=headers, body=b"[]") is Seal.WRONG


def test_a_reply_without_signature_is_absent_not_wrong() -> None:
    """Whether every reply carries one is not known."""
    assert verify(SENT, KEY, headers={}, body=b"[]") is Seal.ABSENT


def test_the_signature_belongs_to_one_sending() -> None:
    """An old reply, played again, must not pass for the answer to a new call."""
    later = sign(BALANCES, KEY, host="www.bitstamp.net", nonce=NONCE[::-1], timestamp_ms=1)
    headers = {
        "content-type": "application/json",
        "x-server-auth-signature": OF_NOTHING,
    }
    assert verify(later, KEY, headers=headers, body=b"[]") is Seal.WRONG


@given(st.binary(), st.text("abc/;= ", max_size=8))
def test_what_the_key_signed_verifies(body: bytes, content_type: str) -> None:
    """The law behind the literals."""
    signature = KEY.sign(f"{NONCE}{TIMESTAMP_MS}{content_type}".encode() + body)
    headers = {"content-type": content_type, "x-server-auth-signature": signature}
    assert verify(SENT, KEY, headers=headers, body=body) is Seal.VALID
    assert verify(SENT, KEY, headers=headers, body=body + b" ") is Seal.WRONG


@pytest.mark.parametrize("refuse", [pickle.dumps, copy.deepcopy, hash])
def test_a_key_cannot_be_pickled_copied_or_hashed(refuse: Callable[[SigningKey], object]) -> None:
    """Each would put what signs into places that nobody watches."""
    with pytest.raises(TypeError):
        refuse(KEY)


def test_keys_are_equal_when_both_halves_are() -> None:
    """A program may ask whether a profile has changed."""
    key, secret = "ExampleKey0000000000000000000001", "ExampleSecret0000000000000000002"
    assert SigningKey(key=key, secret=secret) == KEY
    assert SigningKey(key=key, secret="another") != KEY
    assert SigningKey(key="another", secret=secret) != KEY
    assert KEY != "ExampleKey0000000000000000000001"


@pytest.mark.parametrize("key", ["ab", "12345678"])
def test_a_short_key_is_masked_whole(key: str) -> None:
    """Four characters of eight would be half of it."""
    assert SigningKey(key=key, secret="s").masked_key == "…"


@pytest.mark.parametrize("odd", ["", " ", "a b", "a\n", "\ta", "é", "\udcff", None, 7, b"a"])
@pytest.mark.parametrize("name", ["key", "secret"])
def test_what_was_not_copied_whole_is_refused_at_once(name: str, odd: object) -> None:
    """It would end in API0005, API0011, or a header that the HTTP library quotes in its error."""
    both = {"key": "abcdefgh1", "secret": "abcdefgh2", name: odd}
    with pytest.raises(CredentialsError, match=f"API {name}") as caught:
        SigningKey(**both)  # type: ignore[arg-type]  # the point of the test
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_verify_reads_any_mapping() -> None:
    """Headers need not be a dict."""
    assert verify(SENT, KEY, headers=MappingProxyType({}), body=b"") is Seal.ABSENT
