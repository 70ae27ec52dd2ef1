"""Every state that a key, its account or the exchange can be in, and what a person does about it.

Source: docs/facts/exchange.md, "Key check".
"""

import enum
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import attrs

from bitstamp_ledger.api._signing import CLOCK_BOUND_S
from bitstamp_ledger.errors import (
    ApiError,
    BitstampLedgerError,
    ExchangeUnavailableError,
    NoAnswerError,
    RateLimitedError,
    ReplySignatureError,
    UnreadableReplyError,
)


class KeyState(enum.Enum):
    """The verdict on a key, for programs."""

    READ_ONLY = "READ_ONLY"
    """Both needed reads succeeded, and every write that was asked is denied."""

    OVERPRIVILEGED = "OVERPRIVILEGED"
    """It can do more than read."""

    INSUFFICIENT = "INSUFFICIENT"
    """A read that the history needs is denied."""

    UNPROVEN = "UNPROVEN"
    """The evidence does not decide."""

    NOT_FOUND = "NOT_FOUND"
    """Never activated, deleted, or not copied whole: the exchange says the same of all."""

    IP_REFUSED = "IP_REFUSED"
    BAD_SECRET = "BAD_SECRET"  # noqa: S105 - a state, no secret
    CLOCK_SKEW = "CLOCK_SKEW"
    FROZEN = "FROZEN"
    PROFILE_INCOMPLETE = "PROFILE_INCOMPLETE"
    API_ACCESS_OFF = "API_ACCESS_OFF"
    UNREACHABLE = "UNREACHABLE"
    """Nobody answers, or only to say that nothing can be answered now."""


class KeyCondition(enum.Enum):
    """The precise finding behind a `KeyState`."""

    READ_ONLY = "read_only"
    OVERPRIVILEGED = "overprivileged"
    PROBE_ACCEPTED = "probe_accepted"
    READ_DENIED = "read_denied"
    NOTHING_PERMITTED = "nothing_permitted"
    NARROWED = "narrowed"
    WRITES_NOT_ASKED = "writes_not_asked"
    PROBE_UNDECIDED = "probe_undecided"
    PROBE_INTERRUPTED = "probe_interrupted"
    UNKNOWN_KEY = "unknown_key"
    NEVER_WORKED = "never_worked"
    WORKED_BEFORE = "worked_before"
    GONE = "gone"
    MALFORMED = "malformed"
    NO_ACCOUNT = "no_account"
    IP_REFUSED = "ip_refused"
    BAD_SECRET = "bad_secret"  # noqa: S105 - a state, no secret
    CLOCK_SKEW = "clock_skew"
    FROZEN = "frozen"
    PROFILE_INCOMPLETE = "profile_incomplete"
    NOT_VERIFIED = "not_verified"
    API_ACCESS_OFF = "api_access_off"
    MAINTENANCE = "maintenance"
    THROTTLED = "throttled"
    NO_ANSWER = "no_answer"
    NOT_GENUINE = "not_genuine"
    UNREADABLE = "unreadable"
    REFUSED_OTHERWISE = "refused_otherwise"

    @property
    def diagnosis(self) -> "Diagnosis":
        """What it means, and for whom."""
        return DIAGNOSES[self]


class Severity(enum.Enum):
    """How much it matters."""

    OK = "ok"
    NOTICE = "notice"
    """Reading goes on, or will by itself."""

    WARNING = "warning"
    """Reading stopped until somebody acts."""

    CRITICAL = "critical"
    """Money may be at risk."""


class Actor(enum.Enum):
    """Who must act."""

    NOBODY = "nobody"
    OWNER = "the account's owner"
    OPERATOR = "whoever runs this program"
    EXCHANGE = "the exchange"


@attrs.frozen(kw_only=True)
class Diagnosis:
    """One row of the table of conditions."""

    state: KeyState
    severity: Severity
    actor: Actor
    summary: str
    next_step: str
    retry: str
    """When to check again, in words."""

    retry_after_s: int | None = None
    """After how long a check without anybody acting makes sense; None: only after they acted."""

    data_usable: bool = True
    """Whether what was stored before stays good.  A key says nothing about records already read,
    so this is False only where replies may not have come from the exchange."""


SETTINGS: Final = "the exchange's settings, under API access"

HOW_TO_TICK: Final = (
    "A key for reading has exactly these boxes ticked: view account balances; view your "
    "transactions. Listing withdrawal requests and open orders may be added. Nothing under orders, "
    "withdrawals (other than listing) or transfers."
)
HOW_TO_ACTIVATE: Final = (
    "A new key works only after it was activated: press Activate next to it, then follow the link "
    "in the e-mail that comes some minutes later."
)
KEY_GUIDE: Final = (
    f"Make the key in {SETTINGS}. {HOW_TO_TICK} An address list is welcome: name the addresses "
    f"from which the key will be used. {HOW_TO_ACTIVATE} The secret is shown only once."
)
"""What an account's owner needs to know to make a key that is safe to hand out."""

_REPLACE: Final = (
    f"Do not use this key. Delete it in {SETTINGS}, and make one that only reads. {HOW_TO_TICK}"
)
_ONCE_ACTED: Final = "As soon as that is done."
_LATER: Final = "Later, by itself."
_SECOND_LOOK_S: Final = 3600


def _unproven(
    summary: str,
    next_step: str,
    retry: str,
    *,
    severity: Severity = Severity.NOTICE,
    actor: Actor = Actor.OPERATOR,
    retry_after_s: int | None = None,
    data_usable: bool = True,
) -> Diagnosis:
    return Diagnosis(
        state=KeyState.UNPROVEN,
        severity=severity,
        actor=actor,
        summary=summary,
        next_step=next_step,
        retry=retry,
        retry_after_s=retry_after_s,
        data_usable=data_usable,
    )


def _broken(
    state: KeyState,
    summary: str,
    next_step: str,
    *,
    retry: str = _ONCE_ACTED,
    actor: Actor = Actor.OWNER,
    retry_after_s: int | None = None,
) -> Diagnosis:
    return Diagnosis(
        state=state,
        severity=Severity.WARNING,
        actor=actor,
        summary=summary,
        next_step=next_step,
        retry=retry,
        retry_after_s=retry_after_s,
    )


def _passing(summary: str, next_step: str, after_s: int, *, actor: Actor) -> Diagnosis:
    return Diagnosis(
        state=KeyState.UNREACHABLE,
        severity=Severity.NOTICE,
        actor=actor,
        summary=summary,
        next_step=next_step,
        retry=_LATER,
        retry_after_s=after_s,
    )


DIAGNOSES: Final[Mapping[KeyCondition, Diagnosis]] = MappingProxyType(
    {
        KeyCondition.READ_ONLY: Diagnosis(
            state=KeyState.READ_ONLY,
            severity=Severity.OK,
            actor=Actor.NOBODY,
            summary="This key reads, and every write that was asked about is denied to it.",
            next_step="Nothing needs to be done. What was not asked is listed, and not claimed.",
            retry="Whenever the key's settings may have changed.",
        ),
        KeyCondition.OVERPRIVILEGED: Diagnosis(
            state=KeyState.OVERPRIVILEGED,
            severity=Severity.CRITICAL,
            actor=Actor.OWNER,
            summary="This key can do more than read.",
            next_step=_REPLACE,
            retry="With the new key.",
        ),
        KeyCondition.PROBE_ACCEPTED: _unproven(
            "The exchange answered a request without any content with success, where it should "
            "have complained.",
            "Do not use this key. Look at orders, transfers and withdrawals on the exchange's site "
            "for anything that you did not do, delete the key, and report this answer to us.",
            "Not with this key.",
            severity=Severity.CRITICAL,
            actor=Actor.OWNER,
        ),
        KeyCondition.READ_DENIED: _broken(
            KeyState.INSUFFICIENT,
            "A permission that reading the history needs is missing.",
            f"Tick it in {SETTINGS}, or make a new key. {HOW_TO_TICK}",
        ),
        KeyCondition.NOTHING_PERMITTED: _broken(
            KeyState.INSUFFICIENT,
            "Nothing that was asked is permitted to this key.",
            f"If the key is new: {HOW_TO_ACTIVATE} Otherwise no box is ticked. {HOW_TO_TICK}",
        ),
        KeyCondition.NARROWED: _broken(
            KeyState.INSUFFICIENT,
            "A permission that this key had at an earlier check has been taken away.",
            f"Tick it again in {SETTINGS}, unless taking it away was meant. {HOW_TO_TICK}",
        ),
        KeyCondition.WRITES_NOT_ASKED: _unproven(
            "This key reads. Whether it can also write was not asked, or only in part.",
            "Check it again with the probes EMPTY_WRITES, if the account's owner agrees.",
            "When the owner has agreed.",
        ),
        KeyCondition.PROBE_UNDECIDED: _unproven(
            "This key reads. To one question about writing the answer was neither a denial nor a "
            "complaint about the missing content, so it proves nothing.",
            f"Look at the key's boxes in {SETTINGS} yourself: the finding names the one in doubt.",
            "After a change of the key's settings.",
            actor=Actor.OWNER,
        ),
        KeyCondition.PROBE_INTERRUPTED: _unproven(
            "This key reads. An answer about writing was lost, or the exchange was busy; the check "
            "stopped there and repeated nothing.",
            "Check it again later.",
            _LATER,
            actor=Actor.NOBODY,
            retry_after_s=600,
        ),
        KeyCondition.UNKNOWN_KEY: _broken(
            KeyState.NOT_FOUND,
            "The exchange does not know this key: it was never activated, or it was deleted; the "
            "exchange says the same of both.",
            f"If the key never worked: {HOW_TO_ACTIVATE} If it worked before, it was deleted or "
            "revoked: check once more after an hour, then make a new one.",
            retry="Once more after an hour: a single refusal is no proof that a key is dead.",
            retry_after_s=_SECOND_LOOK_S,
        ),
        KeyCondition.NEVER_WORKED: _broken(
            KeyState.NOT_FOUND,
            "The exchange does not know this key, and it has never worked: most likely it was not "
            "activated.",
            f"{HOW_TO_ACTIVATE} If it was activated: check that the key was copied whole.",
            retry="After it was activated.",
            retry_after_s=_SECOND_LOOK_S,
        ),
        KeyCondition.WORKED_BEFORE: _broken(
            KeyState.NOT_FOUND,
            "The exchange no longer knows this key: most likely it was deleted or revoked.",
            "Check once more after an hour; if the answer is the same, make a new key. "
            "What was read stays, and a new key of the same account goes on where this one ended.",
            retry="Once more after an hour: a single refusal is no proof that a key is dead.",
            retry_after_s=_SECOND_LOOK_S,
        ),
        KeyCondition.GONE: _broken(
            KeyState.NOT_FOUND,
            "The exchange has refused this key at two checks apart in time, after it had worked: "
            "it was deleted or revoked.",
            "Make a new key; what was read stays, and the new key goes on where this one ended. "
            + KEY_GUIDE,
            retry="With the new key.",
        ),
        KeyCondition.MALFORMED: _broken(
            KeyState.NOT_FOUND,
            "What was given as a key is none.",
            "Copy the key again, whole and without blanks.",
            actor=Actor.OPERATOR,
        ),
        KeyCondition.NO_ACCOUNT: _broken(
            KeyState.NOT_FOUND,
            "No account stands behind this key.",
            "Make a new key. " + KEY_GUIDE,
        ),
        KeyCondition.IP_REFUSED: _broken(
            KeyState.IP_REFUSED,
            "The key may not be used from this machine's address.",
            "Add the address to the key's list, or use the key from an address on it. The list is "
            "a good protection: do not switch it off.",
        ),
        KeyCondition.BAD_SECRET: _broken(
            KeyState.BAD_SECRET,
            "The secret does not belong to this key.",
            "Copy the secret again; if it is lost, make a new key, since it is shown only once.",
            actor=Actor.OPERATOR,
        ),
        KeyCondition.CLOCK_SKEW: _broken(
            KeyState.CLOCK_SKEW,
            f"This machine's clock is too far from the exchange's; {CLOCK_BOUND_S} seconds are "
            "allowed.",
            "Set the clock, and let the system keep it by NTP. The key is not at fault.",
            actor=Actor.OPERATOR,
        ),
        KeyCondition.FROZEN: _broken(
            KeyState.FROZEN,
            "The exchange has frozen the account.",
            "Contact the exchange's support; only they can lift it. A new key does not help.",
        ),
        KeyCondition.PROFILE_INCOMPLETE: _broken(
            KeyState.PROFILE_INCOMPLETE,
            "The exchange wants the profile completed (FATCA data) before the API may be used.",
            "Complete the profile on the exchange's site. The key itself can stay.",
        ),
        KeyCondition.NOT_VERIFIED: _broken(
            KeyState.PROFILE_INCOMPLETE,
            "The account's owner is not verified yet.",
            "Finish the verification on the exchange's site. The key itself can stay.",
        ),
        KeyCondition.API_ACCESS_OFF: _broken(
            KeyState.API_ACCESS_OFF,
            "API access is switched off for this user.",
            f"Switch it on in {SETTINGS}.",
        ),
        KeyCondition.MAINTENANCE: _passing(
            "The exchange is under maintenance, or has trouble of its own.",
            "Wait. Neither the key nor this program is at fault.",
            900,
            actor=Actor.EXCHANGE,
        ),
        KeyCondition.THROTTLED: _passing(
            "The exchange wants fewer requests for a while.",
            "Wait, and see whether other programs use the same key or address.",
            600,
            actor=Actor.NOBODY,
        ),
        KeyCondition.NO_ANSWER: _passing(
            "No answer came from the exchange.",
            "Check this machine's network and the address of the exchange.",
            60,
            actor=Actor.OPERATOR,
        ),
        KeyCondition.NOT_GENUINE: _unproven(
            "An answer was not signed by the exchange; it was not believed.",
            "Find out what stands between this machine and the exchange, such as a proxy. If "
            "signatures were not required before, do not trust what was read meanwhile.",
            "After the way to the exchange was checked.",
            severity=Severity.CRITICAL,
            data_usable=False,
        ),
        KeyCondition.UNREADABLE: _unproven(
            "The exchange answered in a way that this version does not understand.",
            "Check that the address is the exchange's; then look for a newer version.",
            _LATER,
            severity=Severity.WARNING,
            retry_after_s=900,
        ),
        KeyCondition.REFUSED_OTHERWISE: _unproven(
            "The exchange refused a read for a reason that says nothing about permissions.",
            "Look at the finding: it quotes the exchange. If it does not help, report it to us.",
            _ONCE_ACTED,
            severity=Severity.WARNING,
            actor=Actor.OWNER,
        ),
    }
)

_BY_CODE: Final[Mapping[str, KeyCondition]] = MappingProxyType(
    {
        "API0001": KeyCondition.UNKNOWN_KEY,
        "API0002": KeyCondition.IP_REFUSED,
        "API0005": KeyCondition.BAD_SECRET,
        "API0006": KeyCondition.FROZEN,
        "API0008": KeyCondition.NO_ACCOUNT,
        "API0009": KeyCondition.PROFILE_INCOMPLETE,
        "API0011": KeyCondition.MALFORMED,
        "API0017": KeyCondition.CLOCK_SKEW,
        "403.001": KeyCondition.NOT_VERIFIED,
        "404.004": KeyCondition.NO_ACCOUNT,
    }
)

_BY_TEXT: Final = (
    ("api access disabled", KeyCondition.API_ACCESS_OFF),
    ("api key not found", KeyCondition.UNKNOWN_KEY),
    ("ip address not allowed", KeyCondition.IP_REFUSED),
    ("invalid signature", KeyCondition.BAD_SECRET),
    ("account is frozen", KeyCondition.FROZEN),
    ("fatca", KeyCondition.PROFILE_INCOMPLETE),
    ("x-auth-timestamp header is out of boundaries", KeyCondition.CLOCK_SKEW),
    ("user not verified", KeyCondition.NOT_VERIFIED),
)
"""By a part of the reason, in lower case, where the exchange sent no code."""

_BY_ERROR: Final[tuple[tuple[type[BitstampLedgerError], KeyCondition], ...]] = (
    (RateLimitedError, KeyCondition.THROTTLED),
    (ExchangeUnavailableError, KeyCondition.MAINTENANCE),
    (NoAnswerError, KeyCondition.NO_ANSWER),
    (ReplySignatureError, KeyCondition.NOT_GENUINE),
    (UnreadableReplyError, KeyCondition.UNREADABLE),
)


def condition_of(error: BitstampLedgerError) -> KeyCondition:
    """Return what kept a read from succeeding, other than a missing permission."""
    if isinstance(error, ApiError):
        if error.code is not None and error.code in _BY_CODE:
            return _BY_CODE[error.code]
        if error.code is None:
            folded = error.reason.casefold()
            for part, condition in _BY_TEXT:
                if part in folded:
                    return condition
    for kind, condition in _BY_ERROR:
        if isinstance(error, kind):
            return condition
    return KeyCondition.REFUSED_OTHERWISE
