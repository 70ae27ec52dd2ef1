"""Refusals that are an answer: this endpoint is not for this key, or not there for this account.

Such a refusal ends neither a sync nor a program: it is handed back as a value.  Which ones count is
the table below; every other refusal is raised (docs/facts/exchange.md, "Optional endpoints").
"""

from collections.abc import Mapping
from typing import Final

import attrs

from bitstamp_ledger.api._catalogue import Call
from bitstamp_ledger.api._effects import Flow, T
from bitstamp_ledger.errors import ApiError, PermissionDeniedError

_NO_DERIVATIVES: Final = "This account has no derivatives; nothing needs to be done."
_NO_EARN: Final = "Earn is not offered to this account, or not in use; nothing needs to be done."

CODES: Final[Mapping[str, str]] = {
    "API5004": _NO_EARN,
    "API5006": _NO_EARN,
    "API5007": _NO_EARN,
    "API5009": _NO_EARN,
    "API5506": _NO_DERIVATIVES,
    "API5507": _NO_DERIVATIVES,
    "403.005": _NO_DERIVATIVES,
    "403.006": _NO_DERIVATIVES,
    "403.007": _NO_DERIVATIVES,
    "403.008": _NO_DERIVATIVES,
    "403.009": _NO_DERIVATIVES,
    "403.010": _NO_DERIVATIVES,
    "410.001": "The exchange has withdrawn this endpoint; look for a newer version of the library.",
}
"""Codes that say so whatever was asked, with what a person can do."""

_MAIN_ONLY: Final = "Only a key of the main account can read this."
_MAIN_ONLY_TEXTS: Final = ("sub account", "sub-account", "subaccount", "main account")
_ABSENT: Final = "The exchange offers this no more, or not to this account."
_ABSENT_STATUSES: Final = frozenset({404, 405})
_ABSENT_CODES: Final = frozenset({None, "404.001", "405.001"})


@attrs.frozen(kw_only=True)
class NotAvailable:
    """The exchange does not show this to this key.

    Returned in place of what was asked, so that whoever reads several things can go on with the
    others; ``isinstance(answer, NotAvailable)`` tells the two apart.
    """

    endpoint: str
    """The endpoint's name in the catalogue, such as ``"withdrawal_requests"``."""

    reason: str
    """The exchange's own words; empty where it had none."""

    code: str | None = None
    """``"API0003"``, ``"API5506"``, or None where the exchange sent none."""

    hint: str | None = None
    """What a person can do about it, if it matters to them."""

    def __str__(self) -> str:
        said = self.reason or "no reason was given"
        return f"{self.endpoint} is not available: {said}{f' ({self.code})' if self.code else ''}."


def if_available(call: Call, flow: Flow[T]) -> Flow[T | NotAvailable]:
    """Do ``flow``; where the exchange does not show what ``call`` asks for, say so by a value.

    Raises:
        ApiError: it was refused for another reason.
    """
    try:
        return (yield from flow)
    except ApiError as refused:
        hint = _hint_of(refused, call)
        if hint is None:
            raise
        return NotAvailable(
            endpoint=refused.endpoint, reason=refused.reason, code=refused.code, hint=hint
        )


def _hint_of(refused: ApiError, call: Call) -> str | None:
    """Return what to do about a refusal that is an answer; None for one that is not."""
    if isinstance(refused, PermissionDeniedError):
        return refused.hint
    if refused.retryable:
        return None
    if refused.code is not None and refused.code in CODES:
        return CODES[refused.code]
    reason = refused.reason.casefold()
    if refused.code is None and any(text in reason for text in _MAIN_ONLY_TEXTS):
        return _MAIN_ONLY
    if refused.status in _ABSENT_STATUSES and refused.code in _ABSENT_CODES and not _names(call):
        return _ABSENT
    return None


def _names(call: Call) -> bool:
    """Say whether a call names an object, which may be what is not there."""
    return bool(call.path_values or call.parameters.keys() & {"id", "client_order_id", "order_id"})
