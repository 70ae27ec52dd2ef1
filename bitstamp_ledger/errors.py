"""Every exception that this package raises on purpose.

    BitstampLedgerError             anything below
    ├── CredentialsError            no key, no secret, or not readable
    ├── ApiError                    the exchange answered, and the answer was no
    │   ├── KeyRefusedError         key, secret, address, clock or account state
    │   ├── PermissionDeniedError   the key works but lacks this right
    │   ├── RateLimitedError        too many calls
    │   ├── ExchangeUnavailableError  maintenance, or a fault on the exchange's side
    │   └── InvalidCallError        the exchange did not like the request itself
    ├── NoAnswerError               nothing usable came back
    ├── UnreadableReplyError        an answer in a shape that this version does not know
    ├── ReplySignatureError         an answer that the exchange did not sign
    ├── CheckpointError             what should say where a history was left does not
    ├── ForbiddenCallError          a request outside the catalogue; it was not sent
    ├── KeyNotSafeError             a key check did not prove the key read-only
    │   ├── OverprivilegedKeyError  ... because it can do more than read
    │   ├── InsufficientKeyError    ... because it cannot read all that is needed
    │   ├── UnprovenKeyError        ... because the evidence does not decide
    │   └── UnusableKeyError        ... because key, account or exchange do not work at present
    ├── StatementError              a file cannot be read
    │   └── UnknownFormatError      ... because its header is none that we know
    ├── SinkError                   a place to write to cannot take the ledger
    ├── LedgerError                 the kept ledger cannot do what it was asked
    │   └── LedgerBusyError         ... because another sync of the account is running
    ├── PluginError                 an entry point did not load, or breaks its contract
    └── MissingExtraError           an optional dependency is not installed

Doubt is not an error: conflicts, suspects, unknown type codes and unreadable rows are parts of a
result.
"""

from typing import Any, Self


class BitstampLedgerError(Exception):
    """Base of all; ``hint`` is a sentence on what a person can do now."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint

    def __str__(self) -> str:
        message = str(self.args[0])
        return f"{message} {self.hint}" if self.hint else message

    def __reduce__(self) -> tuple[Any, ...]:
        # The default calls cls(*args) and so cannot rebuild keyword-only fields; process pools
        # and notebooks pickle exceptions.
        return self._rebuild, (self.args, self.__dict__.copy())

    @classmethod
    def _rebuild(cls, args: tuple[object, ...], fields: dict[str, Any]) -> Self:
        error = cls.__new__(cls, *args)
        error.__dict__.update(fields)
        return error


class CredentialsError(BitstampLedgerError):
    """No usable key and secret."""


class ApiError(BitstampLedgerError):
    """The exchange refused a call.

    Attributes:
        code: ``"API0003"``, ``"400.002"``, or None when the exchange sent none.
        endpoint: the endpoint's name in the catalogue, such as ``"user_transactions"``.
        status: the HTTP status.
        reason: the exchange's own words, as one line of text.
        retryable: whether the same call can succeed later without anybody acting.
        retry_after_s: how long the exchange asked to be left alone, where it said so.
    """

    retryable = False

    def __init__(
        self,
        message: str,
        *,
        code: str | None,
        endpoint: str,
        status: int,
        reason: str = "",
        hint: str | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.code = code
        self.endpoint = endpoint
        self.status = status
        self.reason = reason
        self.retry_after_s: float | None = None


class KeyRefusedError(ApiError):
    """The key as such does not work: unknown key, wrong secret, address, clock, account state."""


class PermissionDeniedError(ApiError):
    """The key works, but lacks the permission for this endpoint."""


class RateLimitedError(ApiError):
    """Too many calls; the exchange wants to be left alone for a while."""

    retryable = True


class ExchangeUnavailableError(ApiError):
    """Maintenance, an edge page, or a fault on the exchange's side."""

    retryable = True


class InvalidCallError(ApiError):
    """The exchange refused the request itself: a parameter, a path, an object that is not there."""


class NoAnswerError(BitstampLedgerError):
    """Nothing usable came back within the allowed attempts.

    Attributes:
        endpoint: the endpoint's name in the catalogue.
        attempts: how often it was tried.
    """

    def __init__(
        self, message: str, *, endpoint: str, attempts: int, hint: str | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.endpoint = endpoint
        self.attempts = attempts


class UnreadableReplyError(BitstampLedgerError):
    """An answer in a shape that this version does not know.

    Attributes:
        endpoint: the endpoint's name in the catalogue.
        problems: what is wrong and where, one sentence each.
    """

    def __init__(
        self,
        message: str,
        *,
        endpoint: str,
        problems: tuple[str, ...] = (),
        hint: str | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.endpoint = endpoint
        self.problems = problems


class ReplySignatureError(BitstampLedgerError):
    """An answer without the exchange's signature, or with a wrong one.

    Attributes:
        endpoint: the endpoint's name in the catalogue.
    """

    def __init__(self, message: str, *, endpoint: str, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.endpoint = endpoint


class CheckpointError(BitstampLedgerError):
    """A checkpoint cannot be read, or belongs to another account or market."""


class ForbiddenCallError(BitstampLedgerError):
    """A request that this library must never make.  It was not sent."""


class KeyNotSafeError(BitstampLedgerError):
    """A key check did not prove that the key only reads.

    Attributes:
        state: the verdict, such as ``"OVERPRIVILEGED"``.
        permission: the permission that decided it, such as ``"crypto_withdrawal"``; None where no
            single one did.
        report: the whole `KeyReport`.
    """

    def __init__(
        self,
        message: str,
        *,
        state: str,
        permission: str | None = None,
        report: Any = None,  # noqa: ANN401 - a KeyReport, which lies above this module
        hint: str | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.state = state
        self.permission = permission
        self.report = report


class OverprivilegedKeyError(KeyNotSafeError):
    """The key can do more than read."""


class InsufficientKeyError(KeyNotSafeError):
    """The key cannot read all that the history needs."""


class UnprovenKeyError(KeyNotSafeError):
    """The evidence does not decide whether the key only reads."""


class UnusableKeyError(KeyNotSafeError):
    """The key, its account or the exchange does not work at present."""


class StatementError(BitstampLedgerError):
    """A file cannot be read.

    Attributes:
        path: the file, as given; None for text or bytes.
        row: 1-based data row, where one row is to blame.
        column: the column's name, where one cell is to blame.
    """

    def __init__(
        self,
        message: str,
        *,
        path: str | None = None,
        row: int | None = None,
        column: str | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.path = path
        self.row = row
        self.column = column


class UnknownFormatError(StatementError):
    """The file's header is none that we know.

    Attributes:
        header: the column names found.
        known: the names of the formats that were tried.
    """

    def __init__(
        self,
        message: str,
        *,
        header: tuple[str, ...],
        known: tuple[str, ...],
        path: str | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message, path=path, hint=hint)
        self.header = header
        self.known = known


class LedgerError(BitstampLedgerError):
    """The ledger cannot be opened, read or written, or was asked for what it does not hold."""


class LedgerBusyError(LedgerError):
    """Another sync of the same account is running, here or in another process."""


class SinkError(BitstampLedgerError):
    """A place to write to cannot take the ledger.

    Attributes:
        sink: the sink's name.
        retryable: whether the same batch can succeed later without anybody acting; whoever drives
            the sink then sends it again.
        retry_after_s: how long the place asked to be left alone, where it said so.
        failures: the errors of each sink, where several were written to at once.
    """

    def __init__(
        self,
        message: str,
        *,
        sink: str,
        hint: str | None = None,
        retryable: bool = False,
        retry_after_s: float | None = None,
        failures: tuple["SinkError", ...] = (),
    ) -> None:
        super().__init__(message, hint=hint)
        self.sink = sink
        self.retryable = retryable
        self.retry_after_s = retry_after_s
        self.failures = failures


class PluginError(BitstampLedgerError):
    """An entry point did not load, is claimed twice, or breaks its contract.

    Attributes:
        group: the entry-point group.
        name: the name asked for.
    """

    def __init__(self, message: str, *, group: str, name: str, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.group = group
        self.name = name


class MissingExtraError(BitstampLedgerError):
    """An optional dependency is not installed.

    Attributes:
        extra: the extra that brings it: ``pip install 'bitstamp-ledger[extra]'``.
    """

    def __init__(self, needed_for: str, *, extra: str) -> None:
        super().__init__(
            f"{needed_for} needs packages that are not installed.",
            hint=f"Run: pip install 'bitstamp-ledger[{extra}]'",
        )
        self.extra = extra
