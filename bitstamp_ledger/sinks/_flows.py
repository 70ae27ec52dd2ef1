"""What is asked of a sink, as data; who asks need not know whether it is waited for.

A flow yields what is to be done and is sent what came of it.  The plain handle and the awaited one
drive the same flows.  No clock is here: a pause is one more thing to be done.
"""

import inspect
from collections.abc import Awaitable, Callable, Generator
from contextlib import AbstractContextManager
from typing import Any, Final, TypeAlias, TypeVar

import attrs

from bitstamp_ledger.errors import BitstampLedgerError, SinkError
from bitstamp_ledger.sinks._contract import (
    AsyncSink,
    Batch,
    Outcome,
    RunInfo,
    Sink,
)
from bitstamp_ledger.sinks._secrets import masked, tells

S = TypeVar("S")
T = TypeVar("T")


@attrs.frozen
class OpenSink:
    """Begin a run; the answer is the sink's checkpoint."""

    run: RunInfo


@attrs.frozen
class WriteBatch:
    """Write a batch; the answer is its receipt."""

    batch: Batch


@attrs.frozen
class CloseSink:
    """End the run."""

    outcome: Outcome


@attrs.frozen
class Pause:
    """Let some time pass."""

    seconds: float


Call: TypeAlias = OpenSink | WriteBatch | CloseSink
Step: TypeAlias = Call | Pause
Flow: TypeAlias = Generator[Step, Any, T]


@attrs.frozen(kw_only=True)
class Retries:
    """How often, and after what pauses, a sink is asked again that says that it may succeed later.

    A pause is ``first_s``, and each further one ``factor`` times as long, up to ``longest_s``; a
    sink that says how long it wants to be left alone is left alone for so long, at most
    ``longest_s``.  There is no chance in it: whoever wants some has the ``sleep`` of the handle
    add it.
    """

    attempts: int = attrs.field(default=5, validator=attrs.validators.ge(1))
    first_s: float = attrs.field(default=0.5, validator=attrs.validators.ge(0))
    factor: float = attrs.field(default=2.0, validator=attrs.validators.ge(1))
    longest_s: float = attrs.field(default=30.0, validator=attrs.validators.ge(0))

    def pause_s(self, attempt: int, asked_s: float | None = None) -> float:
        """Return how long to wait after the ``attempt``-th failure, counted from 1."""
        planned = self.first_s * self.factor ** (attempt - 1)
        return min(max(planned, asked_s or 0.0), self.longest_s)


NO_RETRIES: Final = Retries(attempts=1)


def persistent(
    step: OpenSink | WriteBatch, retries: Retries, note: Callable[[], None]
) -> Flow[Any]:
    """Ask again while the sink says that it may succeed later, and there are attempts left.

    Args:
        step: what is asked.
        retries: how often.
        note: called before each further attempt.
    """
    attempt = 1
    while True:
        try:
            answer = yield step
        except SinkError as error:
            if not error.retryable or attempt >= retries.attempts:
                raise
            pause = retries.pause_s(attempt, error.retry_after_s)
        else:
            return answer
        attempt += 1
        note()
        yield Pause(pause)


def drive(flow: Generator[S, Any, T], perform: Callable[[S], object]) -> T:
    """Do what a flow asks for until it returns."""
    try:
        step = next(flow)
        while True:
            try:
                answer = perform(step)
            except BaseException as error:  # noqa: BLE001 - the flow decides, and cleans up
                step = flow.throw(error)
            else:
                step = flow.send(answer)
    except StopIteration as done:
        result: T = done.value
        return result


async def drive_async(flow: Generator[S, Any, T], perform: Callable[[S], Awaitable[object]]) -> T:
    """Do what a flow asks for, waiting for it, until it returns."""
    try:
        step = next(flow)
        while True:
            try:
                answer = await perform(step)
            except BaseException as error:  # noqa: BLE001 - as above; a cancellation, too
                step = flow.throw(error)
            else:
                step = flow.send(answer)
    except StopIteration as done:
        result: T = done.value
        return result


# Who writes to a plain sink needs no event loop, and should not wait for one to be imported.


async def sleep_async(seconds: float) -> None:
    """Let other tasks run for so long."""
    import anyio  # noqa: PLC0415 - see above

    await anyio.sleep(seconds)


def shielded() -> AbstractContextManager[object]:
    """Return a block that a cancellation waits for."""
    import anyio  # noqa: PLC0415 - see above

    return anyio.CancelScope(shield=True)


async def _in_thread(method: Callable[[Any], object], argument: object) -> object:
    import anyio.to_thread  # noqa: PLC0415 - see above

    return await anyio.to_thread.run_sync(method, argument)


@attrs.frozen(kw_only=True)
class Caller:
    """Calls the methods of one sink, and lets none of its foreign exceptions out."""

    sink: Sink | AsyncSink
    name: str
    secrets: tuple[str, ...] = attrs.field(default=(), repr=False)

    def perform(self, step: Call) -> object:
        """Do one thing."""
        method, argument = self._call_of(step)
        try:
            return method(argument)
        except Exception as exc:  # noqa: BLE001 - a sink's drivers raise anything
            error = self.translated(exc)
        raise error  # Out here: the other one, whose text may hold a secret, is not its context.

    async def perform_async(self, step: Call) -> object:
        """Do one thing; what is not awaited is done in a thread."""
        method, argument = self._call_of(step)
        try:
            if inspect.iscoroutinefunction(method):
                return await method(argument)
            answer = await _in_thread(method, argument)
            return await answer if inspect.isawaitable(answer) else answer
        except Exception as exc:  # noqa: BLE001 - as above
            error = self.translated(exc)
        raise error

    def _call_of(self, step: Call) -> tuple[Callable[..., Any], object]:
        match step:
            case OpenSink(run):
                return self.sink.open, run
            case WriteBatch(batch):
                return self.sink.write, batch
            case CloseSink(outcome):
                return self.sink.close, outcome

    def translated(self, exc: Exception) -> BitstampLedgerError:
        """Return an error of ours, without a secret: callers know no sink's drivers."""
        return translated(exc, name=self.name, secrets=self.secrets)


def translated(exc: Exception, *, name: str, secrets: tuple[str, ...]) -> BitstampLedgerError:
    """Return an error of ours that says what a sink raised, without a secret."""
    telling = tells(exc, secrets)
    if isinstance(exc, BitstampLedgerError):
        if not telling:
            return exc
        return SinkError(
            masked(str(exc.args[0]), secrets),
            sink=name,
            hint=exc.hint and masked(exc.hint, secrets),
            retryable=getattr(exc, "retryable", False),
            retry_after_s=getattr(exc, "retry_after_s", None),
        )
    error = SinkError(
        f"The sink {name!r} failed: {type(exc).__name__}: {masked(str(exc), secrets)}.",
        sink=name,
        hint="Run it again once the cause is repaired.",
    )
    if not telling:
        error.__cause__ = exc
    return error
