"""A full run, as talkative as can be: started by a test in a process of its own.

Everything that it prints or writes lands in the first folder it is given.  What must not be there
is told to the test by files in the second folder.
"""

import asyncio
import contextlib
import copy
import inspect
import json
import logging
import os
import pickle
import pprint
import subprocess
import sys
import traceback
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from decimal import Decimal, InvalidOperation
from multiprocessing.reduction import ForkingPickler
from pathlib import Path
from typing import Any, TextIO

import attrs
import httpx
import rich.console
import rich.pretty
import rich.traceback

import bitstamp_ledger as bl
from bitstamp_ledger.sandbox import Sandbox, render_g2
from tests.client.canary import KEY, SECRET

ONCE = bl.RetryPolicy(attempts_max=1)
QUICK = bl.RetryPolicy(attempts_max=4, delay_first_s=0.001)
AMOUNT_DIGITS_MIN = 5

READS: tuple[tuple[str, tuple[Any, ...]], ...] = (
    ("balances", ()),
    ("balance", ("eur",)),
    ("entries", ()),
    ("crypto_transactions", ()),
    ("crypto_deposits", ()),
    ("withdrawal_requests", ()),
    ("open_orders", ()),
    ("order_status", (1,)),
    ("fees", ()),
    ("my_markets", ()),
    ("earn_subscriptions", ()),
    ("earn_transactions", ()),
    ("trade_history", ("btcusd-perp",)),
    ("position_history", ()),
    ("position_settlements", ()),
    ("open_positions", ()),
    ("margin_info", ()),
    ("currencies", ()),
    ("markets", ()),
    ("ticker", ("btceur",)),
    ("eur_usd", ()),
)

FAULTS: tuple[Callable[[Sandbox], object], ...] = (
    lambda s: s.faults.reset_next(10),
    lambda s: s.faults.cut_next(10),
    lambda s: s.faults.stall_next(0.3),
    lambda s: s.faults.html_next(503),
    lambda s: s.faults.html_next(403),
    lambda s: s.faults.too_many_next(retry_after_s=0),
    lambda s: s.faults.rate_limit_next(),
    lambda s: s.faults.server_error_next(),
    lambda s: s.faults.maintenance_next(),
    lambda s: s.faults.truncate_next(),
    lambda s: s.faults.invalid_json_next(),
    lambda s: s.faults.empty_next(),
    lambda s: s.faults.object_next(),
    lambda s: s.faults.unsigned_next(),
    lambda s: s.faults.wrong_signature_next(),
)

ASKED_FOR = {"key", "_key"}
"""Attributes of credentials that hold the key, for those who ask for it by name."""

SENT_BY_ACCIDENT: list[str] = []
"""Nonce and signature of a request that never reached the sandbox."""

SHOWN_BY_RICH: set[type[BaseException]] = set()

log = logging.getLogger("canary")


def main() -> None:
    out, private = Path(sys.argv[1]), Path(sys.argv[2])
    begin_logs(out)
    if "--leak" in sys.argv:
        logging.getLogger("bitstamp_ledger.client").debug("signing with %s", SECRET)
        return
    # The commands have an exchange to themselves: on the other one, faults are planned meanwhile.
    with a_sandbox() as sandbox, a_sandbox() as calm:
        sent = [overheard(sandbox), overheard(calm)]
        try:
            with (out / "shown.txt").open("w") as shown:
                commands = started(calm, out, private)
                everything_of_both_clients(sandbox, shown)
                everything_of_a_ledger(sandbox, out, shown)
                for name, command in commands.items():
                    said, _ = command.communicate(timeout=60)
                    (out / f"{name}.txt").write_bytes(said)
                    log.info("%s ended with %s", name, command.returncode)
                shown.write(f"{sandbox!r} {sandbox} {sandbox.requests!r} {sandbox.faults!r}")
        finally:
            tell(private / "sent.json", [*sent[0], *sent[1], *SENT_BY_ACCIDENT])
        tell(private / "amounts.json", sorted(amounts_of(sandbox)))


def a_sandbox() -> Sandbox:
    return Sandbox(seed=11, transactions=400, derivatives=True, key=KEY, secret=SECRET)


def tell(path: Path, what: object) -> None:
    path.write_text(json.dumps(what))


def begin_logs(out: Path) -> None:
    """Write everything from debug level on to one file, and what is above it to two others."""
    logging.raiseExceptions = True
    logging.captureWarnings(capture=True)
    warnings.simplefilter("always")
    places = (("", "debug.log", logging.DEBUG), ("", "info.log", logging.INFO))
    for name, file, level in (*places, ("bitstamp_ledger", "library.log", logging.INFO)):
        handler = logging.FileHandler(out / file)
        handler.setLevel(level)
        handler.setFormatter(logging.Formatter("%(name)s %(levelname)s %(message)s"))
        logging.getLogger(name).addHandler(handler)
    for name in ("", "bitstamp_ledger", "httpx", "httpcore", "uvicorn", "asyncio"):
        logging.getLogger(name).setLevel(logging.DEBUG)


def overheard(sandbox: Sandbox) -> list[str]:
    """Return a list that grows by nonce and signature, in turn, of each signed request."""
    sent: list[str] = []
    answer = sandbox._exchange.handle

    def handle(call: Any) -> Any:
        if "x-auth-nonce" in call.headers:
            sent.extend(call.headers[name] for name in ("x-auth-nonce", "x-auth-signature"))
        return answer(call)

    sandbox._exchange.handle = handle  # type: ignore[method-assign]
    return sent


def amounts_of(sandbox: Sandbox) -> set[str]:
    """Return what the account states, as far as no other number looks like it."""
    stated = {str(value) for record in sandbox.records for value in record.values()}
    stated |= {str(total) for total in sandbox.balances.values()}
    return {text.lstrip("-") for text in stated if is_telling(text)}


def is_telling(text: str) -> bool:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return False
    return number != 0 and "." in text and len(number.as_tuple().digits) >= AMOUNT_DIGITS_MIN


def show(thing: object, file: TextIO) -> None:
    """Write all that Python and its tools say of a thing."""
    seen: list[object] = [repr(thing), str(thing), f"{thing}", pprint.pformat(thing)]
    with contextlib.suppress(TypeError):
        seen.append(pprint.pformat(vars(thing)))
    for name in sorted(set(dir(thing)) - ASKED_FOR):
        with contextlib.suppress(Exception):  # Whatever cannot be looked at shows nothing.
            seen.append((name, repr(inspect.getattr_static(thing, name))))
            if not callable(getattr(thing, name)):
                seen.append((name, repr(getattr(thing, name))))
    with contextlib.suppress(Exception):
        seen.append(repr(attrs.asdict(thing)))  # type: ignore[arg-type]  # some are none
    for take in (pickle.dumps, ForkingPickler.dumps, copy.deepcopy, copy.copy, json.dumps):
        try:
            seen.append(repr(take(thing)))
        except Exception as refused:  # noqa: BLE001 - what it says is what is looked for
            seen.append(repr(refused))
    with contextlib.suppress(AttributeError):
        seen.append(thing._repr_html_())  # type: ignore[attr-defined]
    console = rich.console.Console(file=file, width=300, highlight=False)
    console.print(rich.pretty.Pretty(thing, max_length=20, max_depth=6, max_string=1_000))
    file.write("\n".join(map(str, seen)) + "\n")


def show_error(error: BaseException, file: TextIO) -> None:
    """Write an error in every way that a program may."""
    log.error("%s", error, exc_info=error)
    with contextlib.suppress(AttributeError):  # A client that was never finished has no repr.
        told = traceback.TracebackException.from_exception(error, capture_locals=True)
        file.writelines(told.format())
    extracted = rich.traceback.Traceback.extract(
        type(error), error, error.__traceback__, show_locals=True, locals_max_string=1_000
    )
    for stack in extracted.stacks:
        for frame in stack.frames:
            file.writelines(f"{name} = {value}\n" for name, value in (frame.locals or {}).items())
    if not SHOWN_BY_RICH:
        SHOWN_BY_RICH.add(type(error))  # Once in full: painting it takes seconds.
        console = rich.console.Console(file=file, width=300, highlight=False)
        console.print(rich.traceback.Traceback(extracted, extra_lines=0))
    show(error, file)


def everything_of_both_clients(sandbox: Sandbox, file: TextIO) -> None:
    key = bl.Credentials(key=KEY, secret=SECRET)
    events: list[object] = []
    settings: dict[str, Any] = {
        "base_url": sandbox.url,
        "observer": events.append,
        "retry": QUICK,
        "timeout_s": 0.2,
    }
    with bl.Client(key, **settings) as client:
        results = [read(client, method, args, file) for method, args in READS]
        for fault in FAULTS:
            fault(sandbox)
        for method, args in READS:
            read(client, method, args, file)
        sandbox.faults.clear()
        for thing in (key, client, client._shell, client._http, client.counts, *results):
            show(thing, file)
        report = bl.check_key(client)
        show(report, file)
        file.write(report.to_json())
        client_errors(sandbox, file)
    asyncio.run(everything_of_the_async_client(sandbox, key, settings, file))
    for event in events:
        show(event, file)
    mistakes(sandbox, file)


def read(client: bl.Client, method: str, args: tuple[Any, ...], file: TextIO) -> object:
    try:
        answer = getattr(client, method)(*args)
        if not isinstance(answer, Iterator):
            return answer
        rows = list(answer)
        show(answer, file)
        return rows[:5]
    except bl.BitstampLedgerError as error:
        show_error(error, file)
        return error


async def everything_of_the_async_client(
    sandbox: Sandbox, key: bl.Credentials, settings: dict[str, Any], file: TextIO
) -> None:
    async with bl.AsyncClient(key, **settings) as client:
        for faults in ((), FAULTS):
            for fault in faults:
                fault(sandbox)
            for method, args in READS:
                await read_async(client, method, args, file)
        sandbox.faults.clear()
        show(await bl.check_key(client), file)
        for thing in (client, client._shell, client._http):
            show(thing, file)
    async with bl.AsyncClient(key, **{**settings, "retry": ONCE}) as client:
        for fault in FAULTS:
            fault(sandbox)
            try:
                await client.balances()
            except bl.BitstampLedgerError as error:
                show_error(error, file)


async def read_async(
    client: bl.AsyncClient, method: str, args: tuple[Any, ...], file: TextIO
) -> None:
    try:
        answer = getattr(client, method)(*args)
        if isinstance(answer, Awaitable):
            answer = await answer
        if isinstance(answer, AsyncIterator):
            show([row async for row in answer][:2], file)
        show(answer, file)
    except bl.BitstampLedgerError as error:
        show_error(error, file)


def client_errors(sandbox: Sandbox, file: TextIO) -> None:
    """Provoke one error of each kind, by a client that tries once."""
    key = bl.Credentials(key=KEY, secret=SECRET)
    with bl.Client(key, base_url=sandbox.url, retry=ONCE, timeout_s=0.2) as client:
        for fault in FAULTS:
            fault(sandbox)
            try:
                client.balances()
            except bl.BitstampLedgerError as error:
                show_error(error, file)


class Accident(httpx.BaseTransport):
    """Fails in a way that nobody planned, so that its exception goes through all frames."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.read()
        SENT_BY_ACCIDENT.extend(
            request.headers[name] for name in ("X-Auth-Nonce", "X-Auth-Signature")
        )
        raise KeyError("accident")


def an_accident(url: str) -> None:
    key = bl.Credentials(key=KEY, secret=SECRET)
    with bl.Client(key, base_url=url, transport=Accident()) as client:
        client.balances()


def mistakes(sandbox: Sandbox, file: TextIO) -> None:
    """Do wrong what people do wrong when they hold a key and a secret."""
    url = sandbox.url
    wrong: tuple[Callable[[], object], ...] = (
        lambda: bl.Credentials(key="", secret=SECRET),
        lambda: bl.Credentials(key=KEY, secret=f"{SECRET}\n"),
        lambda: bl.Credentials(key=f" {SECRET}", secret=KEY),
        lambda: bl.Credentials(key=KEY, secret=[SECRET]),  # type: ignore[arg-type]
        lambda: bl.Client(bl.Credentials(key=KEY, secret=SECRET), base_url="http://example.org"),
        lambda: bl.Client(bl.Credentials(key=KEY, secret=SECRET), base_url=f"{url}/x"),
        lambda: bl.Client(bl.Credentials(key=KEY, secret=SECRET[::-1]), base_url=url).balances(),
        lambda: bl.Client(bl.Credentials(key=KEY, secret=SECRET), base_url=url).ticker("no/such"),
        lambda: pickle.dumps(bl.Client(bl.Credentials(key=KEY, secret=SECRET), base_url=url)),
        lambda: an_accident(url),
        lambda: hash(bl.Credentials(key=KEY, secret=SECRET)),
    )
    for mistake in wrong:
        try:
            mistake()
        except Exception as error:  # noqa: BLE001 - whatever it is, it is shown
            # The frame of this very file holds the secret as a name, and not as a value.
            show_error(error, file)
        else:
            raise RuntimeError("a mistake went through")


def everything_of_a_ledger(sandbox: Sandbox, out: Path, file: TextIO) -> None:
    """Keep a history, and let every step of it fail as well; the database lies with the rest."""
    sandbox.faults.clear()
    place = out / "history.db"
    (out / "export.csv").write_text(render_g2(sandbox.records).text)
    key = bl.Credentials(key=KEY, secret=SECRET)
    with (
        bl.Client(key, base_url=sandbox.url, retry=ONCE, timeout_s=0.2) as client,
        bl.Ledger.open(place) as ledger,
    ):
        results: list[object] = [
            ledger.sync(client),
            ledger.check_key(client),
            ledger.import_file(out / "export.csv"),
            ledger.prove(client),
        ]
        result = ledger.reconcile()
        entry = result.entries[-1]
        ledger.annotate(entry.id, label="seen", author="me")
        ledger.hide(entry.id)
        for name in ("csv", "jsonl"):
            with bl.sinks.open(name, path=str(out / f"ledger.{name}")) as sink:
                ledger.export(sink)
                results.append(sink)
        (out / "result.json").write_bytes(result.to_json())
        failing(sandbox, lambda: ledger.sync(client, "full", print), file)
        failing(sandbox, lambda: ledger.prove(client), file)
        asyncio.run(everything_of_an_async_ledger(sandbox, place, file))
        wrong = bl.Credentials(key=KEY, secret=SECRET[::-1])
        with bl.Client(wrong, base_url=sandbox.url, retry=ONCE) as refused:
            failing(sandbox, lambda: ledger.sync(refused), file, faults=(lambda _: None,))
        (account,) = ledger.accounts()
        file.write(f"the account is {account.condition.value}\n")
        results += [ledger, ledger.store, ledger.history(entry.id), *ledger.accounts()]
        results += [*ledger.runs()[-3:], *ledger.decisions(), ledger.last_check(client)]
        for thing in results:
            show(thing, file)
    for nowhere in (out, out / "none" / "history.db", f"sqlite:///{out}", f"mysql://me:{KEY}@x/y"):
        try:
            bl.Ledger.open(nowhere)
        except bl.BitstampLedgerError as error:
            show(error, file)


def failing(
    sandbox: Sandbox,
    call: Callable[[], object],
    file: TextIO,
    faults: tuple[Callable[[Sandbox], object], ...] = FAULTS,
) -> None:
    """Call while the exchange has each of the faults in turn."""
    for fault in faults:
        fault(sandbox)
        try:
            call()
        except bl.BitstampLedgerError as error:
            show_error(error, file)
    sandbox.faults.clear()


async def everything_of_an_async_ledger(sandbox: Sandbox, place: Path, file: TextIO) -> None:
    key = bl.Credentials(key=KEY, secret=SECRET)
    async with (
        bl.AsyncClient(key, base_url=sandbox.url, retry=ONCE, timeout_s=0.2) as client,
        await bl.AsyncLedger.open(place) as ledger,
    ):
        for thing in (ledger, await ledger.sync(client), await ledger.prove(client)):
            show(thing, file)
        for fault in FAULTS:
            fault(sandbox)
            try:
                await ledger.sync(client, "full")
            except bl.BitstampLedgerError as error:
                show_error(error, file)
        sandbox.faults.clear()


TEST_OF_A_PROGRAM = """
import os
import bitstamp_ledger as bl

def test_that_fails_with_a_client_at_hand():
    key = bl.Credentials.from_env()
    client = bl.Client(key, base_url=os.environ["EXCHANGE"], retry=bl.RetryPolicy(attempts_max=1))
    entries = list(client.entries())
    shell = client._shell
    client.balance("nonesuch")
"""


def started(sandbox: Sandbox, out: Path, private: Path) -> dict[str, "subprocess.Popen[bytes]"]:
    """Start the command line in all its forms, and a test that fails with a client at hand."""
    stored = private / "credentials.toml"
    stored.write_text(f'key = "{KEY}"\nsecret = "{SECRET}"\n')
    stored.chmod(0o600)
    program = out / "test_program.py"
    program.write_text(TEST_OF_A_PROGRAM)
    ours = ("-m", "bitstamp_ledger")
    to = ("--base-url", sandbox.url)
    commands = {
        "check-key": (*ours, "check-key", *to),
        "check-key-json": (*ours, "check-key", "--json", "--credentials-file", str(stored), *to),
        "demo": (*ours, "demo", "--transactions", "200", "--out", str(out / "demo")),
        "pytest": ("-m", "pytest", "-lvv", "--tb=long", "-p", "no:cacheprovider", str(program)),
    }
    environment = {
        **os.environ,
        "BITSTAMP_API_KEY": KEY,
        "BITSTAMP_API_SECRET": SECRET,
        "EXCHANGE": sandbox.url,
        "COLUMNS": "1000",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    return {
        name: subprocess.Popen(  # noqa: S603 - our own commands
            (sys.executable, *command),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment,
        )
        for name, command in commands.items()
    }


if __name__ == "__main__":
    main()
