"""One call with retries: what is tried again, how long it waits, and what is raised in the end."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitstamp_ledger.api import (
    Call,
    Endpoint,
    Manners,
    NoReply,
    Pause,
    Reply,
    RetryPolicy,
    Seal,
    ask,
    parse_user_transactions,
)
from bitstamp_ledger.errors import (
    ApiError,
    BitstampLedgerError,
    ExchangeUnavailableError,
    InvalidCallError,
    KeyRefusedError,
    NoAnswerError,
    PermissionDeniedError,
    RateLimitedError,
    ReplySignatureError,
    UnreadableReplyError,
)
from bitstamp_ledger.model import Entry
from tests.api.scripts import Answer, Played, answer, good, play, script

CALL = Call(endpoint=Endpoint.USER_TRANSACTIONS)
MANNERS = Manners(retry=RetryPolicy(attempts_max=4, delay_first_s=1.0, delay_max_s=10.0))


def asked(*answers: Answer, manners: Manners = MANNERS, played: Played | None = None) -> Played:
    """Play one call against these answers."""
    return play(ask(CALL, parse_user_transactions, manners), script(*answers), played)


PAGE = "<html>We'll be back soon</html>"
PASSING: dict[str, tuple[Answer, type[BitstampLedgerError]]] = {
    "no reply": (NoReply("connect timeout"), NoAnswerError),
    "429": (answer(429), RateLimitedError),
    "400.002": (
        answer(400, {"status": "error", "reason": "x", "response_code": "400.002"}),
        RateLimitedError,
    ),
    "503": (answer(503), ExchangeUnavailableError),
    "HTML 503": (answer(503, PAGE), ExchangeUnavailableError),
    "HTML 403 of the edge": (answer(403, PAGE), ExchangeUnavailableError),
    "HTML 200": (good(PAGE), UnreadableReplyError),
    "maintenance with 200": (
        answer(200, {"error": "Bitstamp.net is under scheduled maintenance."}),
        ExchangeUnavailableError,
    ),
    "half a page": (good('[{"id": 1, "dat'), UnreadableReplyError),
    "empty": (good(b""), UnreadableReplyError),
    "object instead of array": (good({"x": 1}), UnreadableReplyError),
    "204": (answer(204, seal=Seal.VALID), UnreadableReplyError),
    "unsigned": (good([], seal=Seal.ABSENT), ReplySignatureError),
    "wrongly signed": (good([], seal=Seal.WRONG), ReplySignatureError),
}
FINAL: dict[str, tuple[Reply, type[ApiError]]] = {
    code: (answer(403, {"status": "error", "reason": "x", "code": code}), raises)
    for code, raises in {
        "API0001": KeyRefusedError,
        "API0003": PermissionDeniedError,
        "API0005": KeyRefusedError,
        "API0017": KeyRefusedError,
    }.items()
} | {"400.011": (answer(400, {"response_code": "400.011", "error": "x"}), InvalidCallError)}


@pytest.mark.parametrize("name", PASSING)
def test_what_may_pass_is_tried_again(name: str) -> None:
    """One bad minute must not end a sync of an hour."""
    bad, _ = PASSING[name]
    played = asked(bad, bad, good([]))
    assert played.result == []
    assert played.calls == [CALL, CALL, CALL]
    assert len(played.pauses) == 2


@pytest.mark.parametrize("name", PASSING)
def test_when_the_attempts_are_used_up_the_last_error_is_raised(name: str) -> None:
    """And no pause follows the last attempt."""
    bad, raises = PASSING[name]
    played = Played()
    with pytest.raises(raises) as caught:
        asked(bad, bad, bad, bad, played=played)
    assert type(caught.value) is raises
    assert (len(played.calls), len(played.pauses)) == (4, 3)
    assert caught.value.hint
    assert "user_transactions" in str(caught.value)
    assert "<" not in str(caught.value)
    assert getattr(caught.value, "attempts", 4) == 4


def test_the_last_of_several_errors_is_the_one_raised() -> None:
    """The newest state of affairs, not the first."""
    with pytest.raises(RateLimitedError):
        asked(NoReply("x"), answer(503), good("["), answer(429))


@pytest.mark.parametrize("name", FINAL)
def test_what_cannot_pass_is_raised_at_once(name: str) -> None:
    """Asking again with a refused key can only get an address blocked."""
    bad, raises = FINAL[name]
    played = Played()
    with pytest.raises(raises) as caught:
        asked(bad, played=played)
    assert type(caught.value) is raises
    assert (len(played.calls), played.pauses) == (1, [])
    assert caught.value.code == name


@pytest.mark.parametrize("seal", Seal)
@pytest.mark.parametrize("name", FINAL)
def test_a_refusal_is_told_whatever_its_seal(name: str, seal: Seal) -> None:
    """With a wrong secret no signature fits; the owner must hear of the secret, not of a forger."""
    bad, raises = FINAL[name]
    sealed = Reply(status=bad.status, headers=bad.headers, body=bad.body, seal=seal)
    with pytest.raises(raises):
        asked(sealed)


def test_unsigned_replies_can_be_allowed_and_wrong_ones_never() -> None:
    """A proxy of one's own may strip the header; nobody may change the body."""
    lenient = Manners(retry=RetryPolicy(attempts_max=1), signed_replies_required=False)
    assert asked(good([], seal=Seal.ABSENT), manners=lenient).result == []
    with pytest.raises(ReplySignatureError):
        asked(good([], seal=Seal.WRONG), manners=lenient)


def test_a_public_reply_needs_no_signature() -> None:
    """Nothing was signed, so nothing can be."""
    assert asked(good([], seal=Seal.NOT_EXPECTED)).result == []


def test_the_pauses_double_up_to_the_longest() -> None:
    """Each is drawn from half to all of its bound."""
    manners = Manners(retry=RetryPolicy(attempts_max=7, delay_first_s=1.0, delay_max_s=10.0))
    played = asked(*[NoReply("x")] * 6, good([]), manners=manners)
    assert played.pauses == [
        Pause(0.5, 1.0),
        Pause(1.0, 2.0),
        Pause(2.0, 4.0),
        Pause(4.0, 8.0),
        Pause(5.0, 10.0),
        Pause(5.0, 10.0),
    ]


@pytest.mark.parametrize(
    ("asked_for", "pause"),
    [
        ("0", Pause(0.5, 1.0)),
        ("7", Pause(7.0, 7.0)),
        ("soon", Pause(0.5, 1.0)),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
def test_the_time_that_the_exchange_asks_for_is_kept(
    status: int, asked_for: str, pause: Pause
) -> None:
    """Up to the longest pause that the caller accepts."""
    played = asked(answer(status, retry_after=asked_for), good([]))
    assert played.pauses == [pause]


def test_a_redirect_is_neither_followed_nor_asked_for_again() -> None:
    """A signed request goes to one address; another one will not become right by asking twice."""
    with pytest.raises(InvalidCallError, match="redirects elsewhere") as caught:
        asked(answer(302, location="https://elsewhere"), good([]))
    assert caught.value.status == 302


@pytest.mark.parametrize("asked_for", ["11", "600", "9" * 500])
@pytest.mark.parametrize("status", [429, 503])
def test_a_longer_time_than_the_caller_accepts_ends_the_call(status: int, asked_for: str) -> None:
    """Asking again sooner would be rude; the error says how long the exchange wants."""
    with pytest.raises(ApiError) as caught:
        asked(answer(status, retry_after=asked_for), good([]))
    assert caught.value.retry_after_s == float(asked_for)


@given(
    st.integers(1, 2000),
    st.floats(0, 1e6),
    st.floats(0, 1e6),
)
def test_any_pause_is_between_nothing_and_the_longest(
    attempt: int, first: float, longest: float
) -> None:
    """Late attempts must not overflow, and no pause is endless."""
    policy = RetryPolicy(delay_first_s=first, delay_max_s=longest)
    pause = policy.pause(attempt, asked_for_s=None)
    assert 0 <= pause.seconds_min <= pause.seconds_max <= longest


@pytest.mark.parametrize(
    "change", [{"attempts_max": 0}, {"delay_first_s": -1}, {"delay_max_s": -1}]
)
def test_a_policy_that_cannot_work_is_refused(change: dict[str, int]) -> None:
    """Zero attempts would ask nothing and return nothing."""
    with pytest.raises(ValueError, match="must be"):
        RetryPolicy(**change)


@given(
    st.lists(
        st.one_of(
            st.sampled_from([bad for bad, _ in [*PASSING.values(), *FINAL.values()]]),
            st.builds(
                answer,
                st.integers(100, 599),
                st.binary(max_size=20) | st.just(b"[]") | st.just(json.dumps({"error": "x"})),
                seal=st.sampled_from(Seal),
            ),
        ),
        min_size=4,
        max_size=4,
    )
)
def test_any_answers_end_in_a_result_or_in_one_of_our_errors(answers: list[Answer]) -> None:
    """Within the attempts, and never in an exception that is not ours."""
    played = Played()
    with contextlib.suppress(BitstampLedgerError):
        asked(*answers, played=played)
        result: list[Entry] = played.result
        assert isinstance(result, list)
    assert 1 <= len(played.calls) <= 4
    assert len(played.pauses) == len(played.calls) - 1
