"""What travels between the coordinator and the workers: jobs out, results back.

All of it is frozen, pickles, and may be logged: no secret, no amount, no record of an account.
"""

import datetime as dt
import enum
import hashlib
import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

import attrs

from bitstamp_ledger.api import KeyState, condition_of
from bitstamp_ledger.errors import ApiError, BitstampLedgerError, LedgerBusyError
from bitstamp_ledger.model import Account

_PASSWORD: Final = re.compile(r"[?&]password=", re.IGNORECASE)


class Priority(enum.IntEnum):
    """Who is served first when the exchange's limits are what everybody waits for."""

    PERSON = 0
    """Somebody is looking at the screen."""

    ROUTINE = 1
    """The regular refresh."""

    BULK = 2
    """First syncs and backfills, which nobody waits for."""


def no_password(address: str, what: str) -> str:
    """Return ``address``, unless it holds a password.

    Raises:
        ValueError: it does.  The address itself is not quoted.
    """
    try:
        parts = urlsplit(address)
        secret = bool(parts.password) or _PASSWORD.search(address) is not None
    except ValueError:
        secret = True  # What cannot be read cannot be shown to be harmless.
    if "://" in address and secret:
        raise ValueError(
            f"the address of {what} holds a password, and would be sent and written down with each "
            "job; give workers the password by their environment (PGPASSFILE, PGPASSWORD, or the "
            "variable that SharedRate.password_variable names)"
        )
    return address


def _ledger_place(place: object) -> str:
    return no_password(str(place), "the ledger")


def _account_name(account: str | Account) -> str:
    return (account if isinstance(account, Account) else Account(account)).name


@attrs.frozen(kw_only=True)
class Job:
    """One account, and where its ledger is kept.  Never a secret.

    Two jobs are about the same account if ``account`` and ``ledger`` are equal; such jobs never
    run at the same time.
    """

    account: str = attrs.field(converter=_account_name)
    """The name under which the ledger keeps the account."""

    ledger: str = attrs.field(converter=_ledger_place)
    """A path, or the address of a database without a password; see ``Ledger.open``."""

    reference: str = ""
    """What the credentials provider finds the account's key by; ``account`` if empty."""

    priority: Priority = Priority.ROUTINE
    egress: str = "default"
    """A name for the public address that requests of this account leave from."""

    files: tuple[str, ...] = ()
    """Trade files of this account, where workers find them."""

    options: Mapping[str, str] = attrs.field(factory=dict, hash=False)
    """Whatever a task of your own wants to know of this account."""

    @property
    def key(self) -> str:
        """What this account is known by in journals: a digest, which names nobody."""
        stated = f"{self.ledger}\n{self.account}".encode()
        return hashlib.sha256(stated).hexdigest()[:24]

    @property
    def credentials_name(self) -> str:
        """What the provider finds the key by."""
        return self.reference or self.account


class Status(enum.Enum):
    """How a job ended."""

    DONE = "done"
    FAILED = "failed"
    BUSY = "busy"
    """Another worker held the account all the time; nothing is wrong with it."""

    SET_ASIDE = "set aside"
    """Broken off between two pages, to go on later: a run begins such a job again by itself, and
    hands out only what comes of it in the end."""

    ALREADY = "already"
    """An earlier run with the same journal had finished it."""


@attrs.frozen(kw_only=True)
class Summary:
    """What a built-in task says: numbers that can be added up, and nothing private."""

    task: str
    counts: Mapping[str, int] = attrs.field(factory=dict, hash=False)
    good: bool = True
    """Whether all is as it should be: for a proof, whether it holds."""

    digest: str = ""
    """Equal for equal outcomes, where the task has one."""

    notes: tuple[str, ...] = ()
    """What a person should hear of this account, in words."""


@attrs.frozen(kw_only=True)
class Failure:
    """Why a job failed."""

    kind: str
    """The class of the error."""

    message: str
    """In words.  Of errors that are not ours only the class: their text may hold secrets."""

    key_state: str | None = None
    """Where the key is to blame: a ``KeyState``, to count and to alert by."""

    retryable: bool = False
    """Whether the same job can succeed later without anybody acting."""

    @classmethod
    def of(cls, error: BaseException) -> "Failure":
        """Describe an error."""
        kind = type(error).__name__
        if not isinstance(error, BitstampLedgerError):
            return cls(kind=kind, message=f"The task raised {kind}; the worker's log says more.")
        state = None
        if isinstance(error, ApiError):
            found = condition_of(error).diagnosis.state
            state = None if found is KeyState.UNPROVEN else found.value
        elif isinstance(stated := getattr(error, "state", None), str):
            state = stated
        transient = isinstance(error, LedgerBusyError) or (
            kind == "NoAnswerError" or bool(getattr(error, "retryable", False))
        )
        return cls(kind=kind, message=str(error), key_state=state, retryable=transient)


@attrs.frozen(kw_only=True)
class Result:
    """What came of one job.  A failure is a result as well."""

    job: Job
    status: Status
    value: object = None
    """What the task returned: a `Summary` for the built-in ones.  None unless it was done now."""

    failure: Failure | None = None
    began_at: dt.datetime | None = None
    seconds: float = 0.0
    requests: int = 0
    """How many requests this job sent to the exchange."""

    waited_s: float = 0.0
    """How long this job's requests waited for the rate budget, taken together."""

    refusals: int = 0
    """How often the exchange found this job's requests too fast."""

    slowest: float = 1.0
    """The least part of the rate budget that refusals, whoever met them, left to this job."""

    slices: int = 1
    """In how many parts a long sync was done, with others between."""

    worker: str = ""
    """Which process did it: host and number."""

    notices: tuple[str, ...] = ()
    """What the worker says of itself, such as that the shared budget was away."""

    @property
    def ok(self) -> bool:
        """Whether the job is finished and its outcome is good."""
        if self.status is Status.ALREADY:
            return True
        good = not isinstance(self.value, Summary) or self.value.good
        return self.status is Status.DONE and good
