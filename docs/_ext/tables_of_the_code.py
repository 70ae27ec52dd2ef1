"""Directives that show what the code says of itself, so that no page repeats it.

``public-names``: the documentation of every public name of one package.
``door-names``: the documentation of what else is imported from a package by name.
``code-table``: one of the code's own tables of facts.
"""

import contextlib
import importlib
import inspect
import sys
from collections.abc import Callable, Iterable, Sequence

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.errors import PycodeError
from sphinx.pycode import ModuleAnalyzer
from sphinx.util.docutils import SphinxDirective

import bitstamp_ledger as bl
from bitstamp_ledger import errors, files
from bitstamp_ledger.api import Endpoint
from bitstamp_ledger.api._key_permissions import KEY_PERMISSIONS
from bitstamp_ledger.api._record_types import RECORD_TYPES
from bitstamp_ledger.files._lossy import losses
from bitstamp_ledger.files._registry import load
from bitstamp_ledger.model import ENTRY_KINDS

Rows = Iterable[Sequence[str]]

BY_NAME = ("AsyncLedger", "Ledger")
"""Public, but not part of ``import *``: they need an extra."""


def names_of(package: str) -> list[str]:
    """Return the public names that a package of ours defines, in the order of the alphabet."""
    prefix = f"bitstamp_ledger.{package}"
    return [
        name
        for name in sorted({*bl.__all__, *BY_NAME})
        if (module := getattr(getattr(bl, name), "__module__", "")) == prefix
        or module.startswith(prefix + ".")
    ]


class PublicNames(SphinxDirective):
    """``{public-names} client``: document each public name of that package."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Hand each name to autodoc."""
        lines: list[str] = []
        for name in names_of(self.arguments[0]):
            thing = getattr(bl, name)
            if isinstance(thing, type) and issubclass(thing, BaseException):
                lines += [f".. autoexception:: bitstamp_ledger.{name}", ""]
            elif isinstance(thing, type):
                lines += [f".. autoclass:: bitstamp_ledger.{name}", ""]
            else:
                lines += [f".. autofunction:: bitstamp_ledger.{name}", ""]
        return parsed(self, lines)


class DoorNames(SphinxDirective):
    """``{door-names} fleet``: document what is imported from that package by name.

    What `bitstamp_ledger` shows itself is left out: that stands where ``public-names`` is.
    """

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Hand classes and functions to autodoc; of values, show what is written below them."""
        door = f"bitstamp_ledger.{self.arguments[0]}"
        package = importlib.import_module(door)
        shown = {id(getattr(bl, name)) for name in (*bl.__all__, *BY_NAME)}
        lines: list[str] = []
        for name in sorted(package.__all__):
            thing = getattr(package, name)
            if inspect.ismodule(thing) or id(thing) in shown:
                continue
            if isinstance(thing, type):
                lines += [f".. autoclass:: {door}.{name}", ""]
            elif inspect.isroutine(thing) or inspect.isfunction(inspect.unwrap(thing)):
                lines += [f".. autofunction:: {door}.{name}", ""]
            else:
                told = said_of_value(door, name)
                lines += [f".. py:data:: {door}.{name}", "", *(f"   {each}" for each in told), ""]
        return parsed(self, lines)


def said_of_value(door: str, name: str) -> list[str]:
    """Return what is written below a value, in whichever module of the package it is made."""
    for module in [each for each in sys.modules if f"{each}.".startswith(f"{door}.")]:
        with contextlib.suppress(PycodeError):
            if said := ModuleAnalyzer.for_module(module).find_attr_docs().get(("", name)):
                return said
    return []


class CodeTable(SphinxDirective):
    """``{code-table} endpoints``: one of the tables below."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Write it as a list table."""
        header, rows = TABLES[self.arguments[0]]
        lines = [".. list-table::", "   :header-rows: 1", ""]
        for row in (header, *rows()):
            first, *rest = (str(cell).replace("\n", " ") or " " for cell in row)
            lines += [f"   * - {first}", *(f"     - {cell}" for cell in rest)]
        return parsed(self, lines)


def parsed(directive: SphinxDirective, lines: Iterable[str]) -> list[nodes.Node]:
    """Parse reStructuredText, which docstrings are written in, inside of a Markdown page."""
    text = "\n".join(["````{eval-rst}", *lines, "````"])
    return directive.parse_text_to_nodes(text, allow_section_headings=True)


def endpoints() -> Rows:
    """Every endpoint that can be asked."""
    for endpoint in Endpoint:
        spec = endpoint.value
        permission = "none" if spec.permission is None else spec.permission.value
        yield f"``{spec.method} /api/v2/{spec.path}``", spec.scope.value, permission


def permissions() -> Rows:
    """Every right that a key can have."""
    for permission, fact in KEY_PERMISSIONS.items():
        yield f"``{permission.value}``", fact.label, fact.kind.value, fact.allows, fact.certainty


def record_types() -> Rows:
    """Every type code of the history."""
    for code, known in RECORD_TYPES.items():
        legs, evidence = known.legs.value, known.evidence.value
        yield f"``{code}``", known.meaning, f"``{known.kind.__name__}``", legs, evidence


def entry_kinds() -> Rows:
    """Every kind of entry."""
    for kind in ENTRY_KINDS:
        summary = (kind.__doc__ or "").strip().splitlines()[0]
        yield f"``{kind.kind}``", f"``{kind.__name__}``", summary


def error_types() -> Rows:
    """Every exception, and what it derives from."""
    for name in names_of("errors"):
        error = getattr(errors, name)
        summary = (error.__doc__ or "").strip().splitlines()[0]
        yield f"``{name}``", f"``{error.__bases__[0].__name__}``", summary


def statement_formats() -> Rows:
    """Every file format, and what it loses."""
    for name in files.formats():
        form = load(name)
        yield f"``{name}``", form.title, " ".join(losses(form.precision, form.notes))


TABLES: dict[str, tuple[Sequence[str], Callable[[], Rows]]] = {
    "endpoints": (("request", "whose data", "permission"), endpoints),
    "permissions": (("permission", "its name", "kind", "allows", "how sure"), permissions),
    "record-types": (("code", "meaning", "entry", "amounts", "how sure"), record_types),
    "entry-kinds": (("kind", "entry", "what it is"), entry_kinds),
    "errors": (("error", "is a", "when"), error_types),
    "formats": (("format", "what it is", "what it keeps and loses"), statement_formats),
}


_COLON, _STAND_IN = ":", "\ue000"
_NO_TYPE_FIRST = {"attribute", "data", "property"}


def hide_colon(_: Sphinx, what: str, *further: object) -> None:
    """Hide colons from napoleon, which takes what stands before one for the type of a value."""
    _replace(what, further[-1], _COLON, _STAND_IN)


def show_colon(_: Sphinx, what: str, *further: object) -> None:
    """Put them back."""
    _replace(what, further[-1], _STAND_IN, _COLON)


def _replace(what: str, lines: object, old: str, new: str) -> None:
    if what in _NO_TYPE_FIRST and isinstance(lines, list):
        lines[:1] = [line.replace(old, new) for line in lines[:1]]


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directives."""
    app.add_directive("public-names", PublicNames)
    app.add_directive("door-names", DoorNames)
    app.add_directive("code-table", CodeTable)
    app.connect("autodoc-process-docstring", hide_colon, priority=499)
    app.connect("autodoc-process-docstring", show_colon, priority=501)
    return {"parallel_read_safe": True}
