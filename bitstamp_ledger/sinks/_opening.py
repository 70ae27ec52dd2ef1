"""From a name, an address, an object or a function to a handle."""

import inspect
from collections.abc import Callable, Iterable
from typing import Any, Final, TypeAlias

import attrs

from bitstamp_ledger.errors import PluginError, SinkError
from bitstamp_ledger.sinks._callables import CallableSink, EntriesFunction
from bitstamp_ledger.sinks._contract import AsyncSink, Capabilities, Sink
from bitstamp_ledger.sinks._engine import (
    AsyncSinkHandle,
    Delivery,
    EntryStep,
    Progress,
    SinkHandle,
)
from bitstamp_ledger.sinks._flows import Retries, translated
from bitstamp_ledger.sinks._registry import GROUP, SinkFactory, load
from bitstamp_ledger.sinks._secrets import masked, secrets_in

AnySink: TypeAlias = Sink | EntriesFunction
"""What a handle can be made for: a sink, or a function that takes entries."""

DATABASES: Final = frozenset({"sqlite", "postgresql", "mysql", "mariadb"})
"""Schemes of addresses that the sink ``sql`` takes whole."""


@attrs.frozen(kw_only=True)
class _Place:
    """Which sink is meant, and the one option that an address states."""

    name: str
    stated: str | None = None


@attrs.frozen(kw_only=True)
class _Made:
    """A sink that was found and agreed to: all that is needed for a handle of either kind."""

    sink: Sink | AsyncSink
    name: str
    delivery: Delivery
    secrets: tuple[str, ...] = attrs.field(default=(), repr=False)

    def plain(self) -> SinkHandle:
        """Return a handle for ``with``.

        Raises:
            SinkError: the sink's methods are awaited.
        """
        sink = self.sink
        methods = (sink.open, sink.write, sink.close)
        if any(inspect.iscoroutinefunction(method) for method in methods):
            raise SinkError(
                f"The sink {self.name!r} must be awaited.",
                sink=self.name,
                hint="Use open_async() or async_handle_for(), and async with.",
            )
        return SinkHandle(
            sink,  # type: ignore[arg-type]  # its methods were looked at
            name=self.name,
            delivery=self.delivery,
            secrets=self.secrets,
        )

    def awaited(self) -> AsyncSinkHandle:
        """Return a handle for ``async with``."""
        return AsyncSinkHandle(
            self.sink, name=self.name, delivery=self.delivery, secrets=self.secrets
        )


def open(  # noqa: A001 - read as sinks.open
    name: str,
    /,
    *,
    lossy: bool = False,
    steps: Iterable[EntryStep] = (),
    progress: Progress | None = None,
    retries: Retries | None = None,
    **options: object,
) -> SinkHandle:
    """Return a handle on the sink registered as ``name``.  Nothing is opened before ``with``.

    Args:
        name: one of ``names()``; or an address: a name, a colon, and what the sink's first option
            is to be (``csv:out.csv``), or that of a database (``sqlite:///out.db``).
        lossy: agree to a sink that cannot hold all digits or the seconds.
        steps: change each entry on its way, or leave it out.
        progress: called after each batch.
        retries: how often to ask again a sink that says that it may succeed later.
        options: what the sink itself needs, such as ``path``; `describe` lists them.

    Raises:
        PluginError: nobody or several registered the name, or what they registered is no sink.
        SinkError: the sink does not know these options, or is lossy and nobody agreed.

    Example:
        >>> with open("csv", path="ledger.csv") as out:  # doctest: +SKIP
        ...     out.write(entries)
        >>> out.report.rows  # doctest: +SKIP
        2
    """
    return _named(name, options, _delivery(steps, progress, retries), lossy=lossy).plain()


def open_async(
    name: str,
    /,
    *,
    lossy: bool = False,
    steps: Iterable[EntryStep] = (),
    progress: Progress | None = None,
    retries: Retries | None = None,
    **options: object,
) -> AsyncSinkHandle:
    """Return what `open` does, for ``async with``."""
    return _named(name, options, _delivery(steps, progress, retries), lossy=lossy).awaited()


def handle_for(
    sink: AnySink,
    *,
    name: str | None = None,
    lossy: bool = False,
    steps: Iterable[EntryStep] = (),
    progress: Progress | None = None,
    retries: Retries | None = None,
) -> SinkHandle:
    """Return a handle on a sink that the caller made, or on a function that takes entries.

    Args:
        sink: a sink, not its class; or a function, called with a tuple of entries at a time.
        name: how errors call it; its class's or its own name unless given.
        lossy: agree to a sink that cannot hold all digits or the seconds.
        steps: change each entry on its way, or leave it out.
        progress: called after each batch.
        retries: how often to ask again a sink that says that it may succeed later.

    Raises:
        TypeError: it is neither.
        SinkError: it is lossy and nobody agreed, or its methods are awaited.
    """
    return _given(sink, name, _delivery(steps, progress, retries), lossy=lossy).plain()


def async_handle_for(
    sink: AnySink | AsyncSink,
    *,
    name: str | None = None,
    lossy: bool = False,
    steps: Iterable[EntryStep] = (),
    progress: Progress | None = None,
    retries: Retries | None = None,
) -> AsyncSinkHandle:
    """Return what `handle_for` does, for ``async with``; the sink may be an awaited one."""
    return _given(sink, name, _delivery(steps, progress, retries), lossy=lossy).awaited()


def handle_of(
    out: SinkHandle | AnySink | str,
    *,
    lossy: bool = False,
    steps: Iterable[EntryStep] = (),
    progress: Progress | None = None,
    retries: Retries | None = None,
) -> SinkHandle:
    """Return a handle on whatever a caller calls a sink: a handle, a name, a sink, a function.

    Raises:
        PluginError: a name that is registered by nobody or several.
        SinkError: it is lossy and nobody agreed, or needs options.
        TypeError: it is none of these, or a handle whose steps were settled when it was made.
    """
    delivery = _delivery(steps, progress, retries)
    if isinstance(out, SinkHandle):
        _require_unstated(delivery)
        return out
    return _meant(out, delivery, lossy=lossy).plain()


def async_handle_of(
    out: AsyncSinkHandle | AnySink | AsyncSink | str,
    *,
    lossy: bool = False,
    steps: Iterable[EntryStep] = (),
    progress: Progress | None = None,
    retries: Retries | None = None,
) -> AsyncSinkHandle:
    """Return what `handle_of` does, for ``async with``."""
    delivery = _delivery(steps, progress, retries)
    if isinstance(out, AsyncSinkHandle):
        _require_unstated(delivery)
        return out
    return _meant(out, delivery, lossy=lossy).awaited()


def _delivery(
    steps: Iterable[EntryStep], progress: Progress | None, retries: Retries | None
) -> Delivery:
    return Delivery(steps=(*steps,), progress=progress, retries=retries or Retries())


def _require_unstated(delivery: Delivery) -> None:
    if delivery != Delivery():
        raise TypeError("a handle has its steps, progress and retries: state them there")


def _meant(out: AnySink | AsyncSink | str, delivery: Delivery, *, lossy: bool) -> _Made:
    if isinstance(out, str):
        return _named(out, {}, delivery, lossy=lossy)
    return _given(out, None, delivery, lossy=lossy)


def _place(text: str) -> _Place:
    scheme, colon, rest = text.partition(":")
    if not colon:
        return _Place(name=text)
    if scheme.partition("+")[0] in DATABASES:
        return _Place(name="sql", stated=text)
    return _Place(name=scheme, stated=rest)


def _named(text: str, options: dict[str, object], delivery: Delivery, *, lossy: bool) -> _Made:
    place = _place(text)
    factory = load(place.name)
    if place.stated is not None:
        first = _first_option(place.name, factory)
        if first in options:
            raise SinkError(
                f"The address of the sink {place.name!r} states {first}, and so does an option.",
                sink=place.name,
                hint="Say it once.",
            )
        options = {first: place.stated, **options}
    secrets = secrets_in(options)
    sink = _made(place.name, factory, options, secrets)
    _require_consent(sink.capabilities, name=place.name, lossy=lossy)
    return _Made(sink=sink, name=place.name, delivery=delivery, secrets=secrets)


def _first_option(name: str, factory: SinkFactory) -> str:
    for option in inspect.signature(factory).parameters.values():
        if option.kind in {option.POSITIONAL_OR_KEYWORD, option.KEYWORD_ONLY}:
            return option.name
    raise SinkError(
        f"The sink {name!r} has no option that an address could state.",
        sink=name,
        hint=f'Open it as sinks.open("{name}").',
    )


def _given(
    sink: AnySink | AsyncSink, name: str | None, delivery: Delivery, *, lossy: bool
) -> _Made:
    if isinstance(sink, type) or not (isinstance(sink, Sink) or callable(sink)):
        raise TypeError(f"neither a sink nor a function that takes entries: {sink!r}")
    if not name:
        name = str(getattr(sink, "name", "") or getattr(sink, "__name__", type(sink).__name__))
    made = sink if isinstance(sink, Sink) else CallableSink(sink)
    _require_consent(made.capabilities, name=name, lossy=lossy)
    return _Made(sink=made, name=name, delivery=delivery)


def _made(
    name: str, factory: SinkFactory, options: dict[str, object], secrets: tuple[str, ...]
) -> Sink:
    _require_options(name, factory, options)
    sink = _called(factory, options, name, secrets)
    if isinstance(sink, Sink):
        return sink
    raise PluginError(
        f"What is registered as the sink {name!r} makes a {type(sink).__name__}, which is no sink.",
        group=GROUP,
        name=name,
        hint="A sink has capabilities, open, write and close.",
    )


def _called(
    factory: Callable[..., Any], options: dict[str, object], name: str, secrets: tuple[str, ...]
) -> object:
    try:
        return factory(**options)
    except Exception as exc:  # noqa: BLE001 - a plug-in raises anything
        error = translated(exc, name=name, secrets=secrets)
    raise error


def _require_options(name: str, factory: SinkFactory, options: dict[str, object]) -> None:
    try:
        signature = inspect.signature(factory)
    except (TypeError, ValueError):  # Written in C; its own complaint has to do.
        return
    try:
        signature.bind(**options)
    except TypeError as exc:
        known = ", ".join(signature.parameters) or "none"
        raise SinkError(
            f"The sink {name!r} cannot be made with these options: {masked(str(exc))}.",
            sink=name,
            hint=f"Its options are: {known}.",
        ) from exc


def _require_consent(capabilities: Capabilities, *, name: str, lossy: bool) -> None:
    if lossy or not capabilities.lossy:
        return
    losses = "; ".join(map(str, capabilities.losses))
    raise SinkError(
        f"The sink {name!r} cannot hold everything that entries state. It loses {losses}.",
        sink=name,
        hint="Pass lossy=True if you agree to that.",
    )
