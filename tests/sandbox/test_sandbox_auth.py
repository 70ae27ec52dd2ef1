"""Who gets in, and with which words the others are kept out."""

import json

import attrs
import pytest

from bitstamp_ledger.sandbox import Flag, Sandbox
from tests.sandbox.signed_calls import ask, call_for, code_of, headers_for, reason_of

UNKNOWN = "U" * 32
STALE = "1764633449000"  # 151 s before the server's time
JUST_IN_TIME = "1764633450000"


def test_the_checks_come_in_the_documented_order() -> None:
    """A call that is wrong in every way learns about one thing after the other."""
    sandbox = Sandbox(seed=1, transactions=10, clock=lambda: 1_764_633_600.0)
    key = sandbox.add_key(permissions=[], flags=[Flag.IP_REFUSED, Flag.FROZEN])
    good = headers_for(
        "POST",
        "/api/v2/user_transactions/",
        key=key.key,
        secret=key.secret,
        body="limit=0",
        nonce="a" * 36,
    )
    stale = headers_for(
        "POST",
        "/api/v2/user_transactions/",
        key=key.key,
        secret=key.secret,
        body="limit=0",
        nonce="b" * 36,
    )
    call = call_for(sandbox, "POST", "user_transactions/", body="limit=0")
    headers: dict[str, str] = {}
    seen = []

    def knock() -> None:
        reply = sandbox._exchange.handle(attrs.evolve(call, headers=dict(headers))).reply
        seen.append(code_of(reply))

    knock()
    for name, value in (
        ("x-auth", "Basic nonsense"),
        ("x-auth-signature", "wrong"),
        ("x-auth-nonce", "short"),
        ("x-auth-timestamp", "yesterday"),
        ("x-auth-version", "v1"),
    ):
        headers[name] = value
        knock()
    headers["x-auth-version"] = "v2"
    knock()
    headers["x-auth"] = f"BITSTAMP {UNKNOWN}"
    knock()
    headers["x-auth"] = f"BITSTAMP {key.key}"
    knock()
    sandbox.set_flags(key.key, Flag.FROZEN)
    knock()
    headers["x-auth-timestamp"] = STALE
    knock()
    headers["x-auth-timestamp"] = good["x-auth-timestamp"]
    knock()
    headers["x-auth-nonce"] = "c" * 36
    knock()
    headers["content-type"] = "application/x-www-form-urlencoded; charset=utf-8"
    headers["x-auth-nonce"] = "d" * 36
    knock()
    headers["content-type"] = good["content-type"]
    headers["x-auth-nonce"] = "e" * 36
    knock()
    headers = dict(good)
    knock()
    sandbox.set_flags(key.key)
    headers = dict(stale)
    knock()
    sandbox.set_permissions(key.key, "user_transactions")
    seen.append(
        code_of(
            ask(
                sandbox,
                "POST",
                "user_transactions/",
                body="limit=0",
                key=key.key,
                secret=key.secret,
            )
        )
    )

    assert seen == [
        "API0012",
        "API0013",
        "API0014",
        "API0015",
        "API0016",
        "API0010",
        "API0011",
        "API0001",
        "API0002",
        "API0018",
        "API0017",
        "API0004",
        "API0019",
        "API0019",
        "API0005",
        "API0006",
        "API0003",
        "400.011",
    ]


@pytest.mark.parametrize(
    ("flag", "code"),
    [
        (Flag.NOT_ACTIVATED, "API0001"),
        (Flag.DELETED, "API0001"),
        (Flag.IP_REFUSED, "API0002"),
        (Flag.NO_CUSTOMER, "API0008"),
        (Flag.FROZEN, "API0006"),
        (Flag.FATCA_MISSING, "API0009"),
    ],
)
def test_each_flag_has_its_refusal_and_can_be_lifted(
    sandbox: Sandbox, flag: Flag, code: str
) -> None:
    """A rehearsal breaks a key and repairs it."""
    sandbox.set_flags(sandbox.key, flag)
    broken = ask(sandbox, "POST", "account_balances/")
    sandbox.set_flags(sandbox.key)
    repaired = ask(sandbox, "POST", "account_balances/")

    assert (broken.status, code_of(broken)) == (403, code)
    assert repaired.status == 200


def test_a_refusal_has_the_documented_shape(sandbox: Sandbox) -> None:
    """Status, reason, code: nothing else, and never a signature."""
    reply = ask(sandbox, "POST", "account_balances/", secret="w" * 32)

    assert json.loads(reply.body) == {
        "status": "error",
        "reason": "Invalid signature",
        "code": "API0005",
    }
    assert "X-Server-Auth-Signature" not in dict(reply.headers)


def test_a_nonce_is_good_once(sandbox: Sandbox) -> None:
    """Even when its first use was refused: a retry needs a new one."""
    call = call_for(sandbox, "POST", "account_balances/")
    first = sandbox._exchange.handle(call).reply
    second = sandbox._exchange.handle(call).reply

    assert first.status == 200
    assert code_of(second) == "API0004"


def test_a_nonce_may_be_used_again_by_another_key(sandbox: Sandbox) -> None:
    """Nonces belong to keys."""
    other = sandbox.add_key()
    nonce = "0" * 36
    replies = []
    for key in (sandbox._default, other):
        headers = headers_for(
            "POST", "/api/v2/account_balances/", key=key.key, secret=key.secret, nonce=nonce
        )
        call = attrs.evolve(call_for(sandbox, "POST", "account_balances/"), headers=headers)
        replies.append(sandbox._exchange.handle(call).reply.status)

    assert replies == [200, 200]


def test_signatures_in_capitals_are_accepted(sandbox: Sandbox) -> None:
    """The official Java sample sends capitals, the Python sample does not."""
    call = call_for(sandbox, "POST", "account_balances/")
    headers = dict(call.headers)
    headers["x-auth-signature"] = headers["x-auth-signature"].upper()

    assert sandbox._exchange.handle(attrs.evolve(call, headers=headers)).reply.status == 200


def test_the_query_is_signed_with_its_question_mark(sandbox: Sandbox) -> None:
    """docs/facts/exchange.md, "Signing": the form of the official prose."""
    with_mark = ask(sandbox, "GET", "earn/transactions/", query="limit=1&offset=0")
    headers = headers_for(
        "GET",
        "/api/v2/earn/transactions/limit=1&offset=0",
        key=sandbox.key,
        secret=sandbox.secret,
    )
    call = call_for(sandbox, "GET", "earn/transactions/", query="limit=1&offset=0")
    without_mark = sandbox._exchange.handle(attrs.evolve(call, headers=headers)).reply

    assert with_mark.status == 200
    assert code_of(without_mark) == "API0005"


def test_an_empty_post_needs_no_content_type(sandbox: Sandbox) -> None:
    """And must not have one."""
    clean = ask(sandbox, "POST", "account_balances/")
    dressed = ask(
        sandbox,
        "POST",
        "account_balances/",
        changes={"content-type": "application/x-www-form-urlencoded"},
    )
    dummy = ask(sandbox, "POST", "account_balances/", body="foo=bar")

    assert clean.status == 200
    assert code_of(dressed) == "API0020"
    assert dummy.status == 200


def test_a_url_is_at_most_2000_characters_long(sandbox: Sandbox) -> None:
    """docs/facts/exchange.md, "Errors"."""
    long = "currency=" + "A" * 2_000

    assert code_of(ask(sandbox, "GET", "earn/transactions/", query=long)) == "API0021"


def test_the_clock_that_counts_is_the_servers(sandbox: Sandbox) -> None:
    """150 seconds either way; the offset of a server is a fault like others."""
    seen = []
    for offset in (0, 150, 151, -150, -151):
        sandbox.faults.clock_offset_s = offset
        seen.append(ask(sandbox, "POST", "account_balances/").status)

    assert seen == [200, 200, 403, 200, 403]


def test_a_missing_permission_can_be_said_in_the_older_way(sandbox: Sandbox) -> None:
    """Some endpoints answer without a code."""
    sandbox.set_permissions(sandbox.key)
    sandbox.faults.denial_in_words = True
    reply = ask(sandbox, "POST", "account_balances/")

    assert (reply.status, json.loads(reply.body)) == (403, {"error": "No permission found"})


def test_keys_and_secrets_show_in_no_repr_or_log(sandbox: Sandbox) -> None:
    """What is printed by a failing test must not hold a secret."""
    key = sandbox.add_key()
    ask(sandbox, "POST", "account_balances/", body="key=abc&signature=def&foo=bar")
    shown = repr(sandbox) + repr(key) + repr(sandbox.requests)

    assert sandbox.secret not in shown
    assert key.secret not in shown
    assert sandbox.requests[-1].parameters == {"foo": "bar"}


def test_an_unknown_permission_name_is_refused(sandbox: Sandbox) -> None:
    """A typo would silently deny."""
    with pytest.raises(ValueError, match="no such permission"):
        sandbox.add_key(permissions=["account_balanse"])


def test_a_wrong_content_type_says_so_first(sandbox: Sandbox) -> None:
    """Before the signature, which is wrong too then."""
    reply = ask(
        sandbox,
        "POST",
        "user_transactions/",
        body="limit=1",
        changes={"content-type": "application/json"},
    )

    assert reason_of(reply) == "Content-Type header is not accepted"


def test_the_window_ends_at_150_seconds(sandbox: Sandbox) -> None:
    """One second more is out of boundaries."""
    inside = ask(sandbox, "POST", "account_balances/", changes={"x-auth-timestamp": JUST_IN_TIME})
    outside = ask(sandbox, "POST", "account_balances/", changes={"x-auth-timestamp": STALE})

    assert code_of(inside) == "API0005"  # in time, though signed for another instant
    assert code_of(outside) == "API0017"
