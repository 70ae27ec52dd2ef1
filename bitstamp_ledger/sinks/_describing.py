"""What a sink takes and keeps, for people who choose one."""

import inspect
import re
from collections.abc import Iterator
from typing import Final

import attrs

from bitstamp_ledger.sinks._contract import Capabilities
from bitstamp_ledger.sinks._registry import SinkFactory, load, owner_of

_INDENT: Final = 4
_HEAD: Final = re.compile(r"^([ \t]*)Args:[ \t]*$", re.MULTILINE)


@attrs.frozen(kw_only=True)
class SinkOption:
    """One option of a sink, as `open` takes it."""

    name: str
    type: str
    """As it is written in Python; empty where the sink does not say."""

    required: bool
    default: str | None = None
    """As it is written in Python; None where there is none."""

    doc: str = ""


@attrs.frozen(kw_only=True)
class SinkDescription:
    """What is known of a sink before it is opened."""

    name: str
    summary: str
    """The first line of what its author wrote."""

    options: tuple[SinkOption, ...]
    """In the order of its signature; the first one is what an address states."""

    capabilities: Capabilities | None
    """With what it loses, per column; None where they depend on the options."""

    distribution: str
    """Whose it is."""


def describe(name: str) -> SinkDescription:
    """Describe the sink registered as ``name``, without making one.

    Raises:
        PluginError: nobody or several registered it, or it cannot be imported.
        MissingExtraError: it needs packages that are not installed.
    """
    factory = load(name)
    stated: object = inspect.getattr_static(factory, "capabilities", None)
    return SinkDescription(
        name=name,
        summary=(inspect.getdoc(factory) or "").partition("\n")[0],
        options=tuple(_options(factory)),
        capabilities=stated if isinstance(stated, Capabilities) else None,
        distribution=owner_of(name),
    )


def _options(factory: SinkFactory) -> Iterator[SinkOption]:
    docs = _argument_docs(factory)
    for parameter in inspect.signature(factory).parameters.values():
        if parameter.kind in {parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD}:
            continue
        stated = parameter.annotation is not parameter.empty
        required = parameter.default is parameter.empty
        yield SinkOption(
            name=parameter.name,
            type=inspect.formatannotation(parameter.annotation) if stated else "",
            required=required,
            default=None if required else repr(parameter.default),
            doc=docs.get(parameter.name, ""),
        )


def _argument_docs(factory: SinkFactory) -> dict[str, str]:
    """Read the sections ``Args:`` of a class, its bases and its ``__init__``, or of a function."""
    places: list[object] = [getattr(factory, "__init__", None), factory]
    if isinstance(factory, type):
        places[1:] = factory.__mro__
    found: dict[str, str] = {}
    for text in map(_doc_of, places):
        found = {**_section(text), **found}  # The nearest word on an option holds.
    return found


def _doc_of(place: object) -> str:
    return inspect.cleandoc(str(getattr(place, "__doc__", None) or ""))


def _section(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    head = _HEAD.search(text)
    if head is None:
        return found
    name = ""
    for line in text[head.end() :].splitlines():
        if not line.strip():
            if found:
                break
            continue
        indent = len(line) - len(line.lstrip())
        if indent <= len(head[1]):
            break
        named = re.match(r"\s*\**(\w+)(?: \([^)]*\))?:\s*(.*)", line)
        if named and indent == len(head[1]) + _INDENT:
            name, found[named[1]] = named[1], named[2]
        elif name:
            found[name] += f" {line.strip()}"
    return found
