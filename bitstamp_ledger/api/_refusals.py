"""Every error envelope and code of the exchange -> one exception with a hint.

The order is code, then text, then HTTP status; an HTTP 200 can be an error
(docs/facts/exchange.md, "Errors").
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Final, NamedTuple

from bitstamp_ledger.api._effects import Reply
from bitstamp_ledger.api._signing import CLOCK_BOUND_S
from bitstamp_ledger.api._wire import parse_json
from bitstamp_ledger.errors import (
    ApiError,
    ExchangeUnavailableError,
    InvalidCallError,
    KeyRefusedError,
    PermissionDeniedError,
    RateLimitedError,
)

REASON_LENGTH_MAX: Final = 300
HTTP_ERRORS_FROM: Final = 400
HTTP_FORBIDDEN: Final = 403
HTTP_TOO_MANY: Final = 429
HTTP_SERVER_ERRORS_FROM: Final = 500
HTTP_UNAUTHORIZED: Final = 401
HTTP_REQUEST_TIMEOUT: Final = 408
MARKUP: Final = re.compile(r"<[A-Za-z!/?]")
NESTING_MAX: Final = 8
"""Reasons are nested twice at most; what goes deeper is not meant for people."""


class Refusal(NamedTuple):
    """What a code means to us."""

    raises: type[ApiError]
    hint: str


_BUG: Final = "This looks like a fault of this library; please report it with the code."
_LATER: Final = "Try again later; what was read so far stays."
_SUPPORT: Final = "Only the exchange's support can lift this; what was read so far stays usable."
_DERIVATIVES: Final = "This account has no such product; nothing needs to be done."

REFUSALS: Final[Mapping[str, Refusal]] = {
    # Authentication and key, docs/facts/exchange.md, "Authentication errors".
    "API0001": Refusal(
        KeyRefusedError,
        "The exchange does not know this key: activate it in the settings and by the e-mail link, "
        "or make a new one if it was deleted.",
    ),
    "API0002": Refusal(
        KeyRefusedError,
        "Add this machine's address to the key's address list, or use the key "
        "from an address that is on it.",
    ),
    "API0003": Refusal(PermissionDeniedError, "Tick the missing read permission for this key."),
    "API0004": Refusal(KeyRefusedError, "A nonce was used twice. " + _BUG),
    "API0005": Refusal(
        KeyRefusedError, "Check the secret: it belongs to another key, or was not copied whole."
    ),
    "API0006": Refusal(KeyRefusedError, "The account is frozen. " + _SUPPORT),
    "API0007": Refusal(KeyRefusedError, _BUG),
    "API0008": Refusal(KeyRefusedError, "No customer stands behind this key; make a new one."),
    "API0009": Refusal(
        KeyRefusedError, "Complete the profile (FATCA data) on the exchange's site, then go on."
    ),
    "API0010": Refusal(KeyRefusedError, _BUG),
    "API0011": Refusal(KeyRefusedError, "Check the key: it was not copied whole."),
    "API0012": Refusal(KeyRefusedError, _BUG),
    "API0013": Refusal(KeyRefusedError, _BUG),
    "API0014": Refusal(KeyRefusedError, _BUG),
    "API0015": Refusal(KeyRefusedError, _BUG),
    "API0016": Refusal(KeyRefusedError, _BUG),
    "API0017": Refusal(
        KeyRefusedError, f"Set this machine's clock; it is more than {CLOCK_BOUND_S} seconds off."
    ),
    "API0018": Refusal(KeyRefusedError, _BUG),
    "API0019": Refusal(KeyRefusedError, _BUG),
    "API0020": Refusal(KeyRefusedError, _BUG),
    "API0021": Refusal(InvalidCallError, _BUG),
    # Earn.
    **{
        f"API50{number:02}": Refusal(InvalidCallError, "The Earn product does not allow this.")
        for number in (1, 2, 3, 4, 6, 7, 8, 9, 10, 12)
    },
    "API5005": Refusal(ExchangeUnavailableError, _LATER),
    "API5011": Refusal(ExchangeUnavailableError, _LATER),
    # Derivatives.
    **{
        f"API55{number:02}": Refusal(InvalidCallError, _DERIVATIVES)
        for number in (1, 3, 4, 5, 6, 7, 8, 9, 10)
    },
    "API5502": Refusal(ExchangeUnavailableError, _LATER),
    # Rate limits.
    "400.002": Refusal(RateLimitedError, _LATER),
    "400.067": Refusal(RateLimitedError, _LATER),
    "400.068": Refusal(RateLimitedError, _LATER),
    # Requests that the exchange found wanting.
    **{
        code: Refusal(InvalidCallError, _BUG)
        for code in (
            "400.001",
            "400.004",
            "400.007",
            "400.010",
            "400.011",
            "400.012",
            "400.013",
            "400.018",
            "400.034",
            "400.061",
            *(f"400.0{number}" for number in range(78, 86)),
            "405.001",
        )
    },
    **{
        code: Refusal(InvalidCallError, "No such order, pair, currency or market.")
        for code in (
            "400.014",
            "400.015",
            "400.016",
            "400.017",
            "400.035",
            "400.036",
            "400.072",
            "400.073",
            "404.001",
            "404.002",
            "404.003",
            "404.006",
            "404.007",
            "404.008",
        )
    },
    "410.001": Refusal(InvalidCallError, "The exchange has withdrawn this endpoint. " + _BUG),
    # Account states.
    "403.001": Refusal(KeyRefusedError, "Finish the verification of the account."),
    "403.002": Refusal(KeyRefusedError, _SUPPORT),
    "403.003": Refusal(KeyRefusedError, _SUPPORT),
    "403.004": Refusal(KeyRefusedError, _SUPPORT),
    **{f"403.0{number:02}": Refusal(InvalidCallError, _DERIVATIVES) for number in range(5, 11)},
    "404.004": Refusal(KeyRefusedError, "No account stands behind this key; make a new one."),
    # The exchange's side.
    "500.001": Refusal(ExchangeUnavailableError, _LATER),
    "500.002": Refusal(ExchangeUnavailableError, _LATER),
    "500.007": Refusal(ExchangeUnavailableError, _LATER),
    "500.009": Refusal(ExchangeUnavailableError, _LATER),
    "500.016": Refusal(ExchangeUnavailableError, _LATER),
}
"""By code.  An unknown code is decided by its family, then by text and status."""

_UNKNOWN: Final = "This version does not know the code; look at the key and the account's settings."

FAMILIES: Final[tuple[tuple[str, Refusal], ...]] = (
    ("API00", Refusal(KeyRefusedError, _UNKNOWN)),
    ("API5", Refusal(InvalidCallError, _UNKNOWN)),
    ("403.", Refusal(KeyRefusedError, _UNKNOWN)),
    ("500.", Refusal(ExchangeUnavailableError, _LATER)),
)
"""By how an unknown code begins, where the text says nothing either."""

TEXTS: Final[tuple[tuple[str, Refusal], ...]] = (
    ("no permission found", REFUSALS["API0003"]),
    ("api access disabled", Refusal(KeyRefusedError, "Switch API access on in the settings.")),
    ("api key not found", REFUSALS["API0001"]),
    ("ip address not allowed", REFUSALS["API0002"]),
    ("invalid signature", REFUSALS["API0005"]),
    ("invalid nonce", REFUSALS["API0004"]),
    ("account is frozen", REFUSALS["API0006"]),
    ("fatca", REFUSALS["API0009"]),
    ("rate limit", REFUSALS["400.002"]),
    ("limit exceeded", REFUSALS["400.002"]),
    ("maintenance", Refusal(ExchangeUnavailableError, "The exchange is under maintenance.")),
)
"""By a part of the reason, in lower case, where no code decides."""


def refusal_of(reply: Reply, *, endpoint: str) -> ApiError | None:
    """Return the exception that a reply amounts to, or None when it is no refusal.

    Args:
        reply: any reply; its signature is not looked at.
        endpoint: the endpoint's label, for the message.
    """
    payload = _object_in(reply.body)
    envelope = payload is not None and (
        payload.get("status") == "error" or "error" in payload or _is_coded(payload)
    )
    if reply.status < HTTP_ERRORS_FROM and not envelope:
        return None
    reason = _reason(payload) if payload is not None else _page_text(reply.body)
    code = _code(payload) if payload is not None else None
    refusal = (
        _by_code(code)
        or _by_text(reason)
        or _by_family(code)
        or _by_status(reply.status, payload is not None)
    )
    said = f"said: {reason}" if reason else f"answered with HTTP status {reply.status}"
    error = refusal.raises(
        f"{endpoint}: the exchange {said}{f' ({code})' if code else ''}.",
        code=code,
        endpoint=endpoint,
        status=reply.status,
        reason=reason,
        hint=refusal.hint,
    )
    error.retry_after_s = _retry_after_s(reply.headers)
    return error


def _object_in(body: bytes) -> Mapping[str, object] | None:
    if not body.lstrip().startswith(b"{"):
        return None  # A page of a thousand records is not read twice to learn that.
    try:
        payload = parse_json(body)
    except ValueError:
        return None
    return payload if isinstance(payload, dict) else None


def _is_coded(payload: Mapping[str, object]) -> bool:
    return "code" in payload and "message" in payload


def _code(payload: Mapping[str, object]) -> str | None:
    stated = (payload.get(key) for key in ("code", "response_code"))
    codes = [
        _one_line(str(code))
        for code in stated
        if isinstance(code, str | int | Decimal) and not isinstance(code, bool)
    ]
    return next((code for code in codes if code in REFUSALS), codes[0] if codes else None)


def _reason(payload: Mapping[str, object]) -> str:
    for key in ("reason", "error", "message", "response_explanation"):
        if payload.get(key):
            return _one_line(_flat(payload[key]))
    return ""


def _flat(reason: object, depth: int = 0) -> str:
    """Return a reason as text; the exchange sends text, lists and maps of lists."""
    if depth > NESTING_MAX:
        return "…"
    if isinstance(reason, dict):
        parts = (
            _flat(value, depth + 1) if field == "__all__" else f"{field}: {_flat(value, depth + 1)}"
            for field, value in reason.items()
        )
        return "; ".join(parts)
    if isinstance(reason, list):
        return " ".join(_flat(part, depth + 1) for part in reason)
    return str(reason)


def _page_text(body: bytes) -> str:
    return _one_line(body[:REASON_LENGTH_MAX].decode("utf-8", "replace"))


def _one_line(text: str) -> str:
    """Return what may be shown to people: no HTML, and nothing that a terminal would obey."""
    text = MARKUP.split(text, maxsplit=1)[0]
    printable = "".join(char if char.isprintable() else " " for char in text)
    return " ".join(printable.split())[:REASON_LENGTH_MAX].rstrip(".")


def _by_code(code: str | None) -> Refusal | None:
    return REFUSALS.get(code) if code else None


def _by_text(reason: str) -> Refusal | None:
    folded = reason.casefold()
    return next((refusal for part, refusal in TEXTS if part in folded), None)


def _by_family(code: str | None) -> Refusal | None:
    if code is None:
        return None
    return next((refusal for start, refusal in FAMILIES if code.startswith(start)), None)


def _by_status(status: int, is_json: bool) -> Refusal:
    if status == HTTP_TOO_MANY:
        return REFUSALS["400.002"]
    if status >= HTTP_SERVER_ERRORS_FROM or status == HTTP_REQUEST_TIMEOUT:
        return Refusal(ExchangeUnavailableError, _LATER)
    if status == HTTP_UNAUTHORIZED:
        return REFUSALS["API0001"]
    if status == HTTP_FORBIDDEN:
        # The newer JSON endpoints say so without a code; a page of HTML is the edge's block.
        if is_json:
            return REFUSALS["API0003"]
        return Refusal(ExchangeUnavailableError, "The exchange's edge turned the request away.")
    return Refusal(InvalidCallError, "The exchange did not accept the request.")


def _retry_after_s(headers: Mapping[str, str]) -> float | None:
    text = headers.get("retry-after", "").strip()
    return float(text) if text.isascii() and text.isdigit() else None
