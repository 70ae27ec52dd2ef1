"""Refusals that are an answer, and refusals that are not."""

from typing import Any

import attrs
import pytest

import bitstamp_ledger as bl
from bitstamp_ledger.api import (
    Manners,
    NotAvailable,
    RetryPolicy,
    open_crypto_transactions,
    open_earn_transactions,
    open_withdrawal_requests,
    read_balance,
    read_earn_subscriptions,
    read_open_orders,
    read_order_status,
    read_trading_fees,
)
from bitstamp_ledger.sandbox import Flag, Sandbox, generate_account
from tests.api.scripts import answer, good, play, script
from tests.reads.readers import Read

MANNERS = Manners(retry=RetryPolicy(attempts_max=2, delay_first_s=0.0))

NEEDS = {
    "crypto_transactions": "user_transactions",
    "crypto_deposits": "crypto_deposits",
    "withdrawal_requests": "withdrawal_requests",
    "open_orders": "open_orders",
    "trading_fees": "fees",
    "withdrawal_fees": "fees",
    "my_markets": "fees",
    "earn_subscriptions": "earn_view",
    "earn_transactions": "earn_view",
    "position_history": "derivatives_view",
    "position_settlements": "derivatives_view",
    "open_positions": "derivatives_view",
    "margin_info": "derivatives_view",
}
DERIVATIVES = [method for method, right in NEEDS.items() if right == "derivatives_view"]


@pytest.mark.parametrize("in_words", [False, True], ids=["code", "words"])
@pytest.mark.parametrize("method", NEEDS)
def test_a_right_that_the_key_lacks_is_a_value(
    sandbox: Sandbox, read: Read, method: str, *, in_words: bool
) -> None:
    """It must not end a sync that reads other things as well."""
    sandbox.faults.denial_in_words = in_words
    sandbox.set_permissions(sandbox.key, "account_balance")

    answered = read(sandbox, method)
    assert isinstance(answered, bl.NotAvailable)
    assert answered.endpoint == method.replace("trading_fees", "fees_trading").replace(
        "withdrawal_fees", "fees_withdrawal"
    )
    assert answered.reason == "No permission found"
    assert answered.code == (None if in_words else "API0003")
    assert answered.hint == "Tick the missing read permission for this key."
    assert len(sandbox.requests) == 1


def test_each_half_of_the_fees_is_refused_for_itself(sandbox: Sandbox, read: Read) -> None:
    """The whole is always a value of one type."""
    sandbox.set_permissions(sandbox.key, "account_balance")
    fees = read(sandbox, "fees")
    assert isinstance(fees.trading, bl.NotAvailable)
    assert isinstance(fees.withdrawal, bl.NotAvailable)


@pytest.mark.parametrize("method", ["balances", "entries"])
def test_what_a_ledger_cannot_do_without_is_an_error(
    sandbox: Sandbox, read: Read, method: str
) -> None:
    """A history that is silently absent would be a wrong one."""
    sandbox.set_permissions(sandbox.key, "open_orders")
    with pytest.raises(bl.PermissionDeniedError):
        read(sandbox, method)


@pytest.mark.parametrize("method", DERIVATIVES)
def test_an_account_without_derivatives_says_so(sandbox: Sandbox, read: Read, method: str) -> None:
    """API5506 is no fault of anybody."""
    sandbox.account.derivatives = False
    answered = read(sandbox, method)
    assert isinstance(answered, bl.NotAvailable)
    assert (answered.code, answered.reason) == (
        "API5506",
        "Trade account does not support derivatives",
    )
    assert str(answered) == (
        f"{method} is not available: Trade account does not support derivatives (API5506)."
    )


@pytest.mark.parametrize("method", ["earn_subscriptions", "earn_transactions"])
@pytest.mark.parametrize(
    ("refusal", "code"),
    [("403", None), ("API5004", "API5004"), ("API5007", "API5007"), ("API5009", "API5009")],
)
def test_an_account_without_earn_says_so(
    sandbox: Sandbox, read: Read, method: str, refusal: str, code: str | None
) -> None:
    """By a code of its own, or by a bare 403."""
    sandbox.faults.earn_refusal = refusal
    answered = read(sandbox, method)
    assert isinstance(answered, bl.NotAvailable)
    assert (answered.code, answered.endpoint) == (code, method)


def test_earn_that_is_down_for_a_while_is_no_answer(sandbox: Sandbox, read: Read) -> None:
    """API5005 may be over when asked again, so it must not look like an account without Earn."""
    sandbox.faults.earn_refusal = "API5005"
    with pytest.raises(bl.ExchangeUnavailableError):
        read(sandbox, "earn_transactions")


@pytest.mark.parametrize("refusal", ["API5507", "403.005", "403.010"])
def test_derivatives_may_be_refused_in_other_ways(
    sandbox: Sandbox, read: Read, refusal: str
) -> None:
    """The older form comes with status 403."""
    sandbox.account.derivatives = False
    sandbox.faults.derivatives_refusal = refusal
    answered = read(sandbox, "margin_info")
    assert isinstance(answered, bl.NotAvailable)
    assert answered.code == refusal


def test_an_api_that_is_switched_off_is_an_error_with_a_hint(read: Read) -> None:
    """It concerns everything that the key could read."""
    with Sandbox(seed=5, transactions=30) as sandbox:
        sandbox.set_flags(sandbox.key, Flag.API_ACCESS_OFF)
        for method in ("balances", "withdrawal_requests"):
            with pytest.raises(bl.KeyRefusedError) as refused:
                read(sandbox, method)
            assert refused.value.hint == "Switch API access on in the settings."


def test_a_sub_account_key_cannot_read_what_is_for_main_keys(read: Read) -> None:
    """It is told in words, without a code."""
    with Sandbox(seed=5, transactions=30) as sandbox:
        sandbox.add_account("savings", generate_account(6, 30))
        made = sandbox.add_key(account="savings")
        key = bl.Credentials(key=made.key, secret=made.secret)
        for method in ("crypto_transactions", "crypto_deposits"):
            answered = read(sandbox, method, key=key)
            assert isinstance(answered, bl.NotAvailable)
            assert answered.hint == "Only a key of the main account can read this."
        assert read(sandbox, "withdrawal_requests", key=key) is not None


def test_a_missing_secret_is_still_an_error(sandbox: Sandbox, read: Read) -> None:
    """What is wrong with the key itself concerns everything."""
    wrong = bl.Credentials(key=sandbox.key, secret="wrong")
    with pytest.raises(bl.KeyRefusedError):
        read(sandbox, "withdrawal_requests", key=wrong)


@attrs.frozen
class Case:
    status: int
    payload: Any
    hint: str = ""


NOT_AVAILABLE = {
    "bare 403 of the newer endpoints": Case(403, {"message": "Forbidden"}, "permission"),
    "403 without a word": Case(403, {}, "permission"),
    "not found": Case(404, {"message": "Not found."}, "offers this no more"),
    "empty 404": Case(404, b"", "offers this no more"),
    "HTML 404": Case(404, b"<html>404 Not Found</html>", "offers this no more"),
    "generic 404": Case(404, {"status": "error", "reason": "x", "response_code": "404.001"}, "no"),
    "withdrawn": Case(410, {"status": "error", "reason": "x", "response_code": "410.001"}, "with"),
    "derivatives": Case(400, {"code": "API5506", "message": "x", "field": "y"}, "derivatives"),
    "no trade account": Case(400, {"code": "API5507", "message": "x"}, "derivatives"),
    "earn unavailable": Case(400, {"code": "API5007", "message": "x"}, "Earn"),
    "not opted in": Case(400, {"code": "API5009", "message": "x"}, "Earn"),
    "main only": Case(
        400,
        {"status": "error", "reason": "X with sub account API keys is not supported."},
        "main account",
    ),
    "main only, status 200": Case(
        200, {"status": "error", "reason": {"__all__": ["Sub-account keys cannot"]}}, "main account"
    ),
}


@pytest.mark.parametrize("case", NOT_AVAILABLE.values(), ids=NOT_AVAILABLE)
def test_a_refusal_that_is_an_answer_is_handed_back(case: Case) -> None:
    """From one reply: asking again would change nothing."""
    for flow in (
        read_earn_subscriptions(MANNERS),
        open_crypto_transactions(MANNERS),
        open_earn_transactions(None, None, MANNERS),
    ):
        played = play(flow, lambda _: answer(case.status, case.payload))
        assert isinstance(played.result, NotAvailable)
        assert len(played.calls) == 1
        assert case.hint in str(played.result.hint)


RAISED: dict[str, tuple[Case, type[bl.BitstampLedgerError]]] = {
    "wrong secret": (Case(403, {"reason": "x", "code": "API0005"}), bl.KeyRefusedError),
    "frozen": (Case(403, {"reason": "x", "code": "API0006"}), bl.KeyRefusedError),
    "no account behind": (
        Case(404, {"status": "error", "response_code": "404.004"}),
        bl.KeyRefusedError,
    ),
    "unauthorized": (Case(401, {"message": "Unauthorized"}), bl.KeyRefusedError),
    "edge": (Case(403, b"<html>blocked</html>"), bl.ExchangeUnavailableError),
    "maintenance": (Case(503, b"<html></html>"), bl.ExchangeUnavailableError),
    "maintenance of main accounts": (
        Case(200, {"error": "Main accounts are under maintenance"}),
        bl.ExchangeUnavailableError,
    ),
    "earn for a while": (Case(400, {"code": "API5005", "message": "x"}), bl.ApiError),
    "limits": (Case(400, {"status": "error", "response_code": "400.002"}), bl.ApiError),
    "bad parameter": (
        Case(400, {"status": "error", "reason": "Invalid limit", "response_code": "400.011"}),
        bl.InvalidCallError,
    ),
}


@pytest.mark.parametrize(("case", "raises"), RAISED.values(), ids=RAISED)
def test_every_other_refusal_is_raised(case: Case, raises: type[bl.BitstampLedgerError]) -> None:
    """Whoever syncs must hear of it."""
    with pytest.raises(raises):
        play(read_earn_subscriptions(MANNERS), lambda _: answer(case.status, case.payload))
    with pytest.raises(raises):
        play(open_withdrawal_requests(MANNERS), lambda _: answer(case.status, case.payload))


@pytest.mark.parametrize(
    ("flow", "body"),
    [
        (read_order_status(7, None, MANNERS), {"error": "Order not found"}),
        (read_open_orders("xyzeur", MANNERS), {"status": "error", "reason": "no such pair"}),
        (read_trading_fees("xyzeur", MANNERS), b""),
        (read_balance("xyz", MANNERS), {"status": "error", "reason": "no such currency"}),
    ],
)
def test_a_404_for_what_was_named_is_about_the_name(flow: Any, body: object) -> None:
    """The endpoint is there."""
    with pytest.raises(bl.InvalidCallError):
        play(flow, lambda _: answer(404, body))


def test_a_refusal_after_the_first_page_is_raised() -> None:
    """Half a list must not look like a whole one."""
    opened = play(open_withdrawal_requests(MANNERS), lambda _: good(ROWS)).result
    denied = {"status": "error", "reason": "No permission found", "code": "API0003"}
    with pytest.raises(bl.PermissionDeniedError):
        play(opened, script(answer(403, denied)))


ROWS = [{"id": 1, "datetime": "2025-01-01 00:00:00", "amount": "1.50"}]


def test_an_unavailable_endpoint_is_a_plain_value() -> None:
    """Equal by content, usable in sets, and safe to print."""
    one = NotAvailable(endpoint="margin_info", reason="")
    assert one == NotAvailable(endpoint="margin_info", reason="")
    assert len({one, one}) == 1
    assert str(one) == "margin_info is not available: no reason was given."


def test_a_list_that_nobody_iterates_leaves_nothing_behind(sandbox: Sandbox, read: Read) -> None:
    """The first page is read to know whether there is one; no thread and no task waits for more."""
    with bl.Client(
        bl.Credentials(key=sandbox.key, secret=sandbox.secret), base_url=sandbox.url
    ) as client:
        assert not isinstance(client.withdrawal_requests(), bl.NotAvailable)
    assert len(sandbox.requests) == 1
    assert read(sandbox, "withdrawal_requests")
