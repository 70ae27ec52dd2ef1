"""Check a key: the drivers of the flow that probes.

Only these two drivers sign probes and open the gate for them; see `bitstamp_ledger.api._probes` for
what is asked, and why it cannot take effect.
"""

import datetime as dt
import uuid
from collections.abc import Coroutine
from typing import Any, overload

import attrs

from bitstamp_ledger.api import (
    KeyCheckFlow,
    KeyReport,
    KeySubject,
    NoReply,
    ProbeCall,
    Probes,
    Reply,
    SendProbe,
    SignedCall,
    TellTime,
    check_key_flow,
    sign_probe,
)
from bitstamp_ledger.client._async import AsyncClient
from bitstamp_ledger.client._credentials import Credentials
from bitstamp_ledger.client._shell import Shell
from bitstamp_ledger.client._sync import Client
from bitstamp_ledger.errors import ForbiddenCallError

# The drivers belong to the clients, and stand apart so that no method of a client can probe.
# ruff: noqa: SLF001


@overload
def check_key(
    client: Client,
    probes: Probes = Probes.EMPTY_WRITES,
    *,
    worked_before: bool | None = None,
    earlier: KeyReport | None = None,
) -> KeyReport: ...


@overload
def check_key(
    client: AsyncClient,
    probes: Probes = Probes.EMPTY_WRITES,
    *,
    worked_before: bool | None = None,
    earlier: KeyReport | None = None,
) -> Coroutine[Any, Any, KeyReport]: ...


def check_key(
    client: Client | AsyncClient,
    probes: Probes = Probes.EMPTY_WRITES,
    *,
    worked_before: bool | None = None,
    earlier: KeyReport | None = None,
) -> KeyReport | Coroutine[Any, Any, KeyReport]:
    """Find out whether a key reads, and nothing else.

    The exchange has no endpoint for this.  Reads are tried.  Writes are asked about by signed
    requests without any content, which cannot take effect; they go out one at a time, none is
    repeated, and the first permission to write that shows up, or the first odd answer, ends them.
    The exchange may log them as attempted calls, and may tell the account's owner: ask first.

    Args:
        client: whose key; with an `AsyncClient` the result is awaited.
        probes: how much to ask about writing.  With `Probes.NONE` and `Probes.READS` nothing is
            sent to an endpoint that writes, and the best verdict is UNPROVEN.
        worked_before: whether the key has ever worked, where you know it: the exchange gives one
            answer for a key that was never activated and for one that was deleted, and the advice
            differs.
        earlier: the report of an earlier check of the same key.  It tells a key that was narrowed
            from one that never could, and a dead key from one that failed once.

    Returns:
        The verdict with its evidence.  What the exchange or the network refuse is a verdict too,
        not an exception.

    Raises:
        ForbiddenCallError: the client has no credentials.

    Source: docs/facts/exchange.md, "Key check".
    """
    shell = client._shell
    flow = check_key_flow(
        _subject(shell),
        probes,
        # A wrong clock is a finding here, not something to be made up for.
        manners=attrs.evolve(shell.manners, clock_corrected=False),
        worked_before=worked_before,
        earlier=earlier,
    )
    if isinstance(client, AsyncClient):
        return _drive_async(client, flow)
    return _drive_blocking(client, flow)


def _credentials(shell: Shell) -> Credentials:
    if shell.credentials is None:
        raise ForbiddenCallError(
            "A client without credentials has no key to check.", hint="Give the client credentials."
        )
    return shell.credentials


def _subject(shell: Shell) -> KeySubject:
    credentials = _credentials(shell)

    def hide(text: str) -> str:
        return text.replace(credentials.key, credentials.masked_key)

    return KeySubject(
        key=credentials.masked_key,
        account=shell.account,
        exchange=shell.base_url.netloc.decode("ascii"),
        hide=hide,
    )


def _signed(shell: Shell, call: ProbeCall) -> SignedCall:
    return sign_probe(
        call,
        _credentials(shell),
        host=shell.base_url.netloc.decode("ascii"),
        nonce=str(uuid.uuid4()),
        timestamp_ms=shell.clock.now_ms(),
    )


def _drive_blocking(client: Client, flow: KeyCheckFlow[KeyReport]) -> KeyReport:
    answer: Reply | NoReply | dt.datetime | None = None
    while True:
        try:
            effect = flow.send(answer)
        except StopIteration as finished:
            report: KeyReport = finished.value
            return report
        if isinstance(effect, TellTime):
            answer = dt.datetime.now(dt.UTC)
        elif isinstance(effect, SendProbe):
            answer = _probe_blocking(client, effect.call)
        else:
            answer = client._perform(effect)


def _probe_blocking(client: Client, call: ProbeCall) -> Reply | NoReply:
    shell = client._shell
    sent = _signed(shell, call)
    request = shell.request(sent)
    with shell.gate.opened_for(request):
        return client._exchange(call.probe.label, sent, request)


async def _drive_async(client: AsyncClient, flow: KeyCheckFlow[KeyReport]) -> KeyReport:
    answer: Reply | NoReply | dt.datetime | None = None
    while True:
        try:
            effect = flow.send(answer)
        except StopIteration as finished:
            report: KeyReport = finished.value
            return report
        if isinstance(effect, TellTime):
            answer = dt.datetime.now(dt.UTC)
        elif isinstance(effect, SendProbe):
            answer = await _probe_async(client, effect.call)
        else:
            answer = await client._perform(effect)


async def _probe_async(client: AsyncClient, call: ProbeCall) -> Reply | NoReply:
    shell = client._shell
    sent = _signed(shell, call)
    request = shell.request(sent)
    with shell.gate.opened_for(request):
        return await client._exchange(call.probe.label, sent, request)
