"""Every way in which the exchange says no becomes the right exception."""

import json
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitstamp_ledger.api import REFUSALS, Reply, refusal_of
from bitstamp_ledger.errors import (
    ApiError,
    ExchangeUnavailableError,
    InvalidCallError,
    KeyRefusedError,
    PermissionDeniedError,
    RateLimitedError,
)
from tests.api.scripts import answer


def _refusal(reply: Reply) -> ApiError:
    error = refusal_of(reply, endpoint="user_transactions")
    assert error is not None
    return error


KEY = KeyRefusedError
CALL = InvalidCallError
LATER = ExchangeUnavailableError
CODES: dict[str, type[ApiError]] = {
    **{f"API00{number:02}": KEY for number in (1, 2, *range(4, 21))},
    "API0003": PermissionDeniedError,
    "API0021": CALL,
    **{f"API50{number:02}": CALL for number in (1, 2, 3, 4, 6, 7, 8, 9, 10, 12)},
    **{f"API55{number:02}": CALL for number in (1, 3, 4, 5, 6, 7, 8, 9, 10)},
    **dict.fromkeys(("API5005", "API5011", "API5502"), LATER),
    **dict.fromkeys(("400.002", "400.067", "400.068"), RateLimitedError),
    **dict.fromkeys(("400.001", "400.004", "400.007", "400.010", "400.011", "400.012"), CALL),
    **dict.fromkeys(("400.013", "400.018", "400.034", "400.061", "405.001", "410.001"), CALL),
    **dict.fromkeys(("400.014", "400.015", "400.016", "400.017", "400.035", "400.036"), CALL),
    **{f"400.0{number}": CALL for number in (72, 73, *range(78, 86))},
    **dict.fromkeys(("404.001", "404.002", "404.003", "404.006", "404.007", "404.008"), CALL),
    **dict.fromkeys(("403.001", "403.002", "403.003", "403.004", "404.004"), KEY),
    **{f"403.0{number:02}": CALL for number in range(5, 11)},
    **dict.fromkeys(("500.001", "500.002", "500.007", "500.009", "500.016"), LATER),
}
"""docs/facts/exchange.md, "Errors" and "Authentication errors"."""


def test_every_published_code_is_known() -> None:
    """And nobody adds one without saying here what it means."""
    assert {code: refusal.raises for code, refusal in REFUSALS.items()} == CODES


@pytest.mark.parametrize(("code", "raises"), CODES.items())
@pytest.mark.parametrize("key", ["code", "response_code"])
@pytest.mark.parametrize("status", [200, 400, 403, 503])
def test_the_code_decides_before_the_status(
    code: str, raises: type[ApiError], key: str, status: int
) -> None:
    """The HTTP status does not always fit the code, and a 200 can be a refusal."""
    error = _refusal(answer(status, {"status": "error", "reason": "some text", key: code}))
    assert type(error) is raises
    assert (error.code, error.status, error.reason) == (code, status, "some text")
    assert error.endpoint == "user_transactions"
    assert error.hint
    assert code in str(error)


@pytest.mark.parametrize("code", CODES)
def test_every_hint_is_a_sentence(code: str) -> None:
    """People read them."""
    hint = REFUSALS[code].hint
    assert hint[0].isupper()
    assert hint.endswith(".")


PAGE = "<html><head><title>403</title></head><body>Incapsula incident 4711</body></html>"

SHAPES: list[tuple[str, int, Any, type[ApiError], str]] = [
    ("a", 403, {"status": "error", "reason": "Invalid signature", "code": "API0005"}, KEY,
     "Invalid signature"),
    ("b", 400, {"status": "error", "reason": "Invalid offset"}, CALL, "Invalid offset"),
    ("b", 404, {"status": "error", "reason": "Order not found"}, CALL, "Order not found"),
    ("c", 400, {"status": "error", "reason": {"__all__": ["Not now."], "amount": ["Too low."]}},
     CALL, "Not now.; amount: Too low"),
    ("c", 400, {"status": "error", "reason": {"amount": "Too low"}}, CALL, "amount: Too low"),
    ("d", 400, {"status": "error", "reason": "No", "response_code": "400.002"}, RateLimitedError,
     "No"),
    ("d", 500, {"status": "error", "reason": "", "response_code": "500.001",
                "response_explanation": "Broken"}, LATER, "Broken"),
    ("e", 403, {"error": "No permission found"}, PermissionDeniedError, "No permission found"),
    ("e", 404, {"error": {"__all__": ["Gone"]}}, CALL, "Gone"),
    ("f", 400, {"code": "API5506", "message": "No derivatives", "field": "x"}, CALL,
     "No derivatives"),
    ("f", 400, {"code": "API5506", "message": "No derivatives"}, CALL, "No derivatives"),
    ("g", 401, {"message": "Unauthorized"}, KEY, "Unauthorized"),
    ("g", 404, {"message": "Not found."}, CALL, "Not found"),
    ("h", 400, "POST Only Endpoint", CALL, "POST Only Endpoint"),
    ("i", 404, PAGE, CALL, ""),
    ("i", 403, PAGE, LATER, ""),
    ("i", 502, PAGE, LATER, ""),
    ("i", 503, PAGE, LATER, ""),
    ("j", 503, {"error": "Bitstamp.net is under scheduled maintenance."}, LATER,
     "Bitstamp.net is under scheduled maintenance"),
    ("k", 404, b"", CALL, ""),
    ("k", 503, b"", LATER, ""),
    ("rate", 429, b"", RateLimitedError, ""),
    ("rate", 429, PAGE, RateLimitedError, ""),
    ("rate", 400, {"status": "error", "reason": "Invalid limit exceeded"}, RateLimitedError,
     "Invalid limit exceeded"),
    ("forbidden", 403, {"status": "error", "reason": "No"}, PermissionDeniedError, "No"),
    ("timeout", 408, b"", LATER, ""),
]  # fmt: skip


@pytest.mark.parametrize(("shape", "status", "payload", "raises", "reason"), SHAPES)
def test_every_shape_is_understood(
    shape: str, status: int, payload: object, raises: type[ApiError], reason: str
) -> None:
    """docs/facts/exchange.md, "Errors" has the list of shapes."""
    error = _refusal(answer(status, payload))
    assert (type(error), error.reason, error.status) == (raises, reason, status), shape


@pytest.mark.parametrize(
    ("payload", "raises"),
    [
        ({"status": "error", "reason": "Invalid limit"}, CALL),
        ({"status": "error", "reason": {"__all__": ["x"]}}, CALL),
        ({"error": "Order not found"}, CALL),
        ({"error": "Bitstamp.net is under scheduled maintenance. We'll be back soon."}, LATER),
        ({"code": "API5506", "message": "x"}, CALL),
        ({"error": "No permission found"}, PermissionDeniedError),
    ],
)
def test_a_refusal_with_status_200_is_a_refusal(payload: object, raises: type[ApiError]) -> None:
    """Older endpoints send it so; read as data it would be an empty history."""
    assert type(_refusal(answer(200, payload))) is raises


@pytest.mark.parametrize(
    "payload",
    [b"", b"[]", b"{}", b"nonsense", b'{"code":"API0000","status":"ok"}', b'{"reason":"x"}', PAGE],
)
def test_what_is_no_refusal_is_left_to_the_reader(payload: bytes | str) -> None:
    """Whether it is data is not decided here."""
    assert refusal_of(answer(200, payload), endpoint="x") is None


@pytest.mark.parametrize(
    "body",
    [
        PAGE,
        f"  \n\t{PAGE}",
        f"\N{BYTE ORDER MARK}{PAGE}",
        f"Error 15 {PAGE}",
        f"<!DOCTYPE html>{PAGE}",
        json.dumps({"error": PAGE}),
        json.dumps({"status": "error", "reason": [PAGE]}),
        json.dumps({"status": "error", "reason": {"<b>x</b>": "y"}}),
    ],
)
@pytest.mark.parametrize("status", [403, 404, 503])
def test_html_is_never_quoted(body: str, status: int) -> None:
    """It says nothing to people, and may be shown by a browser."""
    error = _refusal(answer(status, body))
    assert "<" not in str(error) + error.reason
    assert "Incapsula" not in str(error)


def test_a_smaller_sign_is_no_html() -> None:
    """A reason with a comparison stays whole."""
    error = _refusal(answer(400, {"error": "amount < 10"}))
    assert error.reason == "amount < 10"


def test_what_a_terminal_would_obey_is_not_passed_on() -> None:
    """A reason is printed; escape sequences and line breaks in it would be obeyed."""
    error = _refusal(answer(400, {"error": "a\x1b[2Jb\r\nc\u202ed\u0007", "code": "X\x1b]0;t"}))
    assert str(error).isprintable()
    assert error.reason == "a [2Jb c d"


@pytest.mark.parametrize(
    ("status", "code", "raises"),
    [
        (403, "API0099", KeyRefusedError),
        (403, "403.999", KeyRefusedError),
        (400, "500.999", ExchangeUnavailableError),
        (400, "API5999", InvalidCallError),
        (400, "400.999", InvalidCallError),
        (503, "NEW", ExchangeUnavailableError),
        (400, "NEW", InvalidCallError),
    ],
)
def test_an_unknown_code_is_kept_and_never_called_a_missing_permission(
    status: int, code: str, raises: type[ApiError]
) -> None:
    """The exchange adds codes; a wrong hint would send people the wrong way."""
    error = _refusal(answer(status, {"status": "error", "reason": "?", "code": code}))
    assert (type(error), error.code) == (raises, code)


def test_a_code_sent_as_a_number_is_read() -> None:
    """As text of the same digits: 400.010 is not 400.01."""
    error = _refusal(answer(400, b'{"status":"error","reason":"x","response_code":400.010}'))
    assert error.code == "400.010"


def test_the_known_one_of_two_codes_is_taken() -> None:
    """A new code beside an old one does not hide it."""
    payload = {"status": "error", "code": "E7", "response_code": "400.002"}
    assert isinstance(_refusal(answer(400, payload)), RateLimitedError)


@pytest.mark.parametrize(
    ("stated", "seconds"),
    [("7", 7.0), (" 0 ", 0.0), ("", None), ("Wed, 21 Oct 2015 07:28:00 GMT", None), ("-1", None),
     ("²", None), ("1e9", None)],
)  # fmt: skip
def test_the_time_asked_for_is_read_where_it_is_seconds(stated: str, seconds: float | None) -> None:
    """A date would need a clock, which this layer does not have."""
    assert _refusal(answer(429, b"", retry_after=stated)).retry_after_s == seconds


def test_a_reason_as_deep_as_json_may_be_is_no_crash() -> None:
    """Nested lists must not exhaust the stack."""
    body = b'{"error":' + b"[" * 500 + b"]" * 500 + b"}"
    assert isinstance(_refusal(answer(400, body)), InvalidCallError)


def test_a_long_reason_is_cut() -> None:
    """A message is one line, not a page."""
    assert len(_refusal(answer(400, {"error": "x" * 9999})).reason) == 300


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["status", "error", "reason", "code", "message", "response_code", "x"]),
            inner | st.sampled_from(["error", "API0003", "400.002"]),
        )
    ),
)


@given(st.integers(100, 599), st.one_of(st.binary(), JSON.map(lambda x: json.dumps(x).encode())))
def test_any_answer_is_a_refusal_or_not_but_never_an_accident(status: int, body: bytes) -> None:
    """From 400 on it is always one, and its text is always fit to be shown."""
    error = refusal_of(answer(status, body), endpoint="x")
    if status >= 400:
        assert error is not None
    if error is not None:
        assert str(error).isprintable()
        again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
        assert (type(again), vars(again), str(again)) == (type(error), vars(error), str(error))
