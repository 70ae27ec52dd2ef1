"""How the exchange says no: shapes, codes and texts (docs/facts/exchange.md, "Errors")."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import attrs

from bitstamp_ledger.sandbox._calls import Reply, json_reply

REASONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "API0001": "API key not found",
        "API0002": "IP address not allowed",
        "API0003": "No permission found",
        "API0004": "Invalid nonce",
        "API0005": "Invalid signature",
        "API0006": "Your account is frozen",
        "API0008": "Authentication failed",
        "API0009": "Please update your profile with your FATCA information, before using API.",
        "API0010": "Invalid version",
        "API0011": "Wrong API key format",
        "API0012": "X-Auth header is required",
        "API0013": "X-Auth-Signature header is required",
        "API0014": "X-Auth-Nonce header is required",
        "API0015": "X-Auth-Timestamp header is required",
        "API0016": "X-Auth-Version header is required",
        "API0017": "X-Auth-Timestamp header is out of boundaries",
        "API0018": "X-Auth-Timestamp header is invalid",
        "API0019": "Content-Type header is not accepted",
        "API0020": "Content-Type header should not be present",
        "API0021": "Please make sure url query string is not too long",
    }
)
REQUIRED: Final = "This field is required."
API_ACCESS_OFF: Final = "API access disabled. Check your user settings."
"""An old text; which form it has today is not known (docs/facts/exchange.md, "Errors")."""

EARN_REFUSALS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "403": "",
        "API5004": "Earn is not supported for this account.",
        "API5005": "Earn is temporarily unavailable.",
        "API5006": "Personal data is missing.",
        "API5007": "Earn is unavailable. Please contact support.",
        "API5009": "You have not opted in.",
    }
)
DERIVATIVES_REFUSALS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "API5506": "Trade account does not support derivatives.",
        "API5507": "Trade account not found.",
        **{f"403.{number:03}": "Derivatives are not available." for number in range(5, 11)},
    }
)


class RefusedCall(Exception):  # noqa: N818 - not an error of ours: the exchange's answer
    """Ends the handling of a call with a reply."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply


def refused(code: str) -> RefusedCall:
    """Refuse a key or its request as such."""
    return RefusedCall(
        json_reply({"status": "error", "reason": REASONS[code], "code": code}, status=403)
    )


def refused_in_words(code: str) -> RefusedCall:
    """Refuse in the older shape, without the code."""
    return RefusedCall(json_reply({"error": REASONS[code]}, status=403))


def invalid(
    reason: str | Mapping[str, list[str]], response_code: str | None = None, status: int = 400
) -> RefusedCall:
    """Refuse what the request asks for."""
    body: dict[str, object] = {"status": "error", "reason": reason}
    if response_code is not None:
        body["response_code"] = response_code
    return RefusedCall(json_reply(body, status=status))


def required(*fields: str) -> RefusedCall:
    """Refuse a form that lacks these fields."""
    return invalid({field: [REQUIRED] for field in fields}, "400.004")


def unavailable(code: str, message: str, field: str | None = None) -> RefusedCall:
    """Refuse in the shape of the newer endpoints."""
    body = {"code": code, "message": message}
    if field is not None:
        body["field"] = field
    return RefusedCall(json_reply(body, status=400))


def derivatives_refused(code: str) -> RefusedCall:
    """Refuse an account that has no derivatives, in the shape that goes with the code."""
    reason = DERIVATIVES_REFUSALS[code]
    if code.startswith("API"):
        return unavailable(code, reason)
    return invalid(reason, code, status=403)


def earn_refused(code: str) -> RefusedCall:
    """Refuse an account that is not offered Earn; ``403`` stands for one without a code."""
    if code == "403":
        return RefusedCall(json_reply({"message": "Forbidden"}, status=403))
    return unavailable(code, EARN_REFUSALS[code])


def access_off() -> RefusedCall:
    """Refuse a user who has switched the API off."""
    return RefusedCall(json_reply({"status": "error", "reason": API_ACCESS_OFF}, status=403))


def rate_limited(
    response_code: str = "400.002", *, status: int = 400, retry_after_s: int | None = None
) -> Reply:
    """Return the answer to too many requests."""
    body = {"status": "error", "reason": "Request rate limit exceeded.", "response_code": ""}
    body["response_code"] = response_code
    advice = () if retry_after_s is None else (("Retry-After", str(retry_after_s)),)
    return attrs.evolve(json_reply(body, status=status), headers=advice)
