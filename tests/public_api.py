"""Describes every public name in lines of text; ``python -m tests.public_api`` writes them down.

Parameters are shown by name and kind, since those are what callers write; a change shows in review
as a changed line of ``tests/public_api.txt``.
"""

import enum
import importlib
import inspect
from collections.abc import Iterator
from pathlib import Path

import bitstamp_ledger as bl

SNAPSHOT = Path(__file__).with_suffix(".txt")
DOORS = (
    *("api", "client", "files", "fleet", "model", "reconcile", "report", "report.plot"),
    *("sandbox", "sinks", "testing"),
)
"""Packages that are imported from by name; what the main door shows is listed there."""

BY_NAME = ("AsyncLedger", "Ledger")
"""Public, but not part of ``import *``: they need an extra."""


def public() -> Iterator[tuple[str, object]]:
    """Yield every public name and what it stands for."""
    for name in sorted({*bl.__all__, *BY_NAME} - {"__version__", "sinks"}):
        yield f"bitstamp_ledger.{name}", getattr(bl, name)
    shown = {id(getattr(bl, name)) for name in (*bl.__all__, *BY_NAME)}
    for door in DOORS:
        package = importlib.import_module(f"bitstamp_ledger.{door}")
        for name in sorted(package.__all__):
            thing = getattr(package, name)
            if not inspect.ismodule(thing) and (door == "sinks" or id(thing) not in shown):
                yield f"bitstamp_ledger.{door}.{name}", thing


def members(thing: type) -> Iterator[tuple[str, object]]:
    """Yield what a class of ours offers, inherited from our own classes or not."""
    seen: dict[str, object] = {}
    for base in reversed(thing.__mro__):
        if base.__module__.startswith("bitstamp_ledger"):
            seen |= vars(base)
    yield from sorted((name, value) for name, value in seen.items() if not name.startswith("_"))


def described() -> Iterator[str]:
    """Yield the lines of the snapshot."""
    for name, thing in public():
        if isinstance(thing, type):
            yield f"{name}({', '.join(base.__name__ for base in thing.__bases__)})"
            for member, value in members(thing):
                yield f"{name}.{member}{_told(thing, member, value)}"
        else:
            yield f"{name}{_parameters(thing) if callable(thing) else ''}"


def _told(owner: type, member: str, value: object) -> str:
    if isinstance(owner, enum.EnumMeta) and member in owner.__members__:
        return ""
    value = getattr(value, "__func__", value)
    return _parameters(value) if inspect.isfunction(value) else ""


def _parameters(function: object) -> str:
    try:
        signature = inspect.signature(function)  # type: ignore[arg-type]  # whatever is callable
    except (TypeError, ValueError):
        return ""
    empty = inspect.Parameter.empty
    shown = [
        parameter.replace(annotation=empty, default=empty if parameter.default is empty else ...)
        for parameter in signature.parameters.values()
    ]
    bare = signature.replace(parameters=shown, return_annotation=inspect.Signature.empty)
    return str(bare).replace("Ellipsis", "...")


if __name__ == "__main__":
    SNAPSHOT.write_text("\n".join(described()) + "\n")
