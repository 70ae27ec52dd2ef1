"""The exchange without HTTP: a call in, a reply out, everything written down."""

import email.utils
import threading
import time
from collections.abc import Callable, Mapping
from typing import Final

import attrs

from bitstamp_ledger.model import MAIN_ACCOUNT
from bitstamp_ledger.sandbox._account import Account
from bitstamp_ledger.sandbox._auth import Gate, SandboxKey, sign_reply
from bitstamp_ledger.sandbox._calls import Call, Reply, html_reply, json_reply
from bitstamp_ledger.sandbox._faults import Fault, Faults
from bitstamp_ledger.sandbox._limits import Limits
from bitstamp_ledger.sandbox._permissions import Endpoint, find_endpoint
from bitstamp_ledger.sandbox._private import READ_ANSWERS, Question
from bitstamp_ledger.sandbox._public import answer_public
from bitstamp_ledger.sandbox._refusals import (
    RefusedCall,
    invalid,
    rate_limited,
    refused,
    refused_in_words,
)
from bitstamp_ledger.sandbox._writes import READS_AMONG_WRITES, WRITE_ATTEMPTS

_ROOT: Final = "/api/v2/"
_SECRET_FIELDS: Final = frozenset({"key", "signature", "nonce", "secret"})  # of the first version
_NO_FAULT: Final = Fault(name="")


@attrs.frozen(kw_only=True)
class RequestLog:
    """What was asked, and how it was answered.  Holds no secret and no signature."""

    method: str
    path: str
    parameters: Mapping[str, str]
    status: int | None
    """None where the connection was left without an answer."""

    account: str | None
    """Whose key signed it; None for public calls and for refused signatures."""

    fault: str | None
    """The fault that spoilt the reply."""


@attrs.frozen(kw_only=True)
class WriteAttempt:
    """A call that would have changed something."""

    method: str
    path: str
    parameters: Mapping[str, str]
    account: str


@attrs.frozen(kw_only=True)
class Outcome:
    """A reply, signed, and how to spoil its delivery."""

    reply: Reply
    fault: Fault


class Exchange:
    """Keys, accounts and endpoints.

    Args:
        clock: the true time in Unix seconds; the server's own may be off (`Faults`).
        faults: what goes wrong.
        limits: how many requests are allowed.
        on_page: called after each page of user_transactions with the account that was read.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float],
        faults: Faults,
        limits: Limits,
        on_page: Callable[[Account], None],
    ) -> None:
        self.faults = faults
        self.limits = limits
        self.accounts: dict[str, Account] = {}
        self.keys: dict[str, SandboxKey] = {}
        self.requests: list[RequestLog] = []
        self.writes: list[WriteAttempt] = []
        self._clock = clock
        self._on_page = on_page
        self._gate = Gate(self.keys.get, self.now, lambda: self.faults.query_mark_signed)
        self._lock = threading.RLock()

    def now(self) -> float:
        """Return the server's time, in Unix seconds."""
        return self._clock() + self.faults.clock_offset_s

    def handle(self, call: Call) -> Outcome:
        """Answer ``call``."""
        with self._lock:
            key: SandboxKey | None = None
            if self.limits.count(time.monotonic()):
                reply, key = self._answer(call)
            else:
                reply = rate_limited(
                    self.limits.response_code,
                    status=self.limits.status,
                    retry_after_s=self.limits.retry_after_s,
                )
            fault = self.faults.take(call.path) or _NO_FAULT
            reply = self._with_headers(call, fault.spoil(reply), key, fault)
            self._log(call, reply, key, fault)
        return Outcome(reply=reply, fault=fault)

    def _answer(self, call: Call) -> tuple[Reply, SandboxKey | None]:
        if not call.path.startswith(_ROOT):
            return html_reply(404), None
        path = call.path.removeprefix(_ROOT)
        try:
            reply = answer_public(path, call, self.now())
        except RefusedCall as refusal:
            return refusal.reply, None
        if reply is not None:
            return reply, None
        found = find_endpoint(path, call.method)
        if found is None:
            return html_reply(404), None
        return self._answer_private(call, *found)

    def _answer_private(
        self, call: Call, endpoint: Endpoint, parts: dict[str, str]
    ) -> tuple[Reply, SandboxKey | None]:
        if call.method not in endpoint.methods:
            return _wrong_method(call), None
        key: SandboxKey | None = None
        try:
            key = self._gate.admit(call, json_body=endpoint.json_body)
            return self._answer_signed(call, endpoint, parts, key), key
        except RefusedCall as refusal:
            return refusal.reply, key

    def _answer_signed(
        self, call: Call, endpoint: Endpoint, parts: dict[str, str], key: SandboxKey
    ) -> Reply:
        account = self.accounts[key.account]
        question = Question(
            account=account,
            parts=parts,
            form=call.parameters,
            now=self.now(),
            faults=self.faults,
        )
        permitted = endpoint.permits(key.permissions, parts)
        if not permitted and not endpoint.checks_first:
            raise self._denied()
        if endpoint.main_only and account.name != MAIN_ACCOUNT:
            raise invalid("Crypto transactions with sub account API keys are not supported.")
        if call.method == "POST" and call.query:
            raise invalid("GET parameters are not allowed.", "400.018")
        if endpoint.handler in READ_ANSWERS:
            reply = READ_ANSWERS[endpoint.handler](question)
            if endpoint.handler == "user_transactions":
                self._on_page(account)
            return reply
        reply = WRITE_ATTEMPTS[endpoint.handler](question)
        if not permitted:
            raise self._denied()
        self._note_write(call, endpoint, account)
        return reply

    def _denied(self) -> RefusedCall:
        return (refused_in_words if self.faults.denial_in_words else refused)("API0003")

    def _note_write(self, call: Call, endpoint: Endpoint, account: Account) -> None:
        if endpoint.handler not in READS_AMONG_WRITES:
            self.writes.append(
                WriteAttempt(
                    method=call.method,
                    path=call.path,
                    parameters=call.parameters,
                    account=account.name,
                )
            )

    def _with_headers(
        self, call: Call, reply: Reply, key: SandboxKey | None, fault: Fault
    ) -> Reply:
        # The date comes from the server's clock: clients measure their own against it.
        headers = [*reply.headers, ("Date", email.utils.formatdate(self.now(), usegmt=True))]
        if key is not None and reply.status == 200 and fault.signed:  # noqa: PLR2004 - OK
            signature = fault.signature or sign_reply(
                key.secret,
                nonce=call.headers["x-auth-nonce"],
                timestamp=call.headers["x-auth-timestamp"],
                content_type=reply.content_type,
                body=reply.body,
            )
            headers.append(("X-Server-Auth-Signature", signature))
        return attrs.evolve(reply, headers=tuple(headers))

    def _log(self, call: Call, reply: Reply, key: SandboxKey | None, fault: Fault) -> None:
        parameters = {
            name: value for name, value in call.parameters.items() if name not in _SECRET_FIELDS
        }
        self.requests.append(
            RequestLog(
                method=call.method,
                path=call.path,
                parameters=parameters,
                status=None if fault.says_nothing else reply.status,
                account=key.account if key else None,
                fault=fault.name or None,
            )
        )


def _wrong_method(call: Call) -> Reply:
    if call.method == "GET":
        return Reply(status=400, body=b"POST Only Endpoint", content_type="text/plain")
    body = {"status": "error", "reason": "Method not allowed.", "response_code": "405.001"}
    return json_reply(body, status=405)
