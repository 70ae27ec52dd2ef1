"""Which format a header belongs to; and where it belongs to none, what comes near.

Facts: docs/facts/files.md, "Recognition".
"""

from collections.abc import Iterable
from typing import Final

import attrs

from bitstamp_ledger.errors import StatementError, UnknownFormatError
from bitstamp_ledger.files._content import name_of
from bitstamp_ledger.files._format import Shape, StatementFormat
from bitstamp_ledger.files._grids import Grid, Opened
from bitstamp_ledger.files._json_rows import JSON_STARTS
from bitstamp_ledger.files._registry import formats
from bitstamp_ledger.files._table import Layout

_COLUMNS_SHOWN: Final = 30
_NEAREST_SHOWN: Final = 3
_MAPPING: Final = (
    "Any other table is read by naming its columns: read_statement(path, columns={'time': ..., "
    "'pair': ..., 'side': ..., 'amount': ..., 'total': ...}); see "
    "docs/how-to/read-another-table.md."
)


@attrs.frozen(kw_only=True)
class Recognised:
    """What is read, and as what."""

    form: StatementFormat
    grid: Grid
    layout: Layout
    unread: tuple[str, ...] = ()
    """The sheets that no format knows."""


def recognise(opened: Opened, candidates: Iterable[StatementFormat]) -> Recognised:
    """Return the first format one of whose shapes the header of a grid has.

    Raises:
        UnknownFormatError: there is none.
        StatementError: several sheets hold a history, and only one can be meant.
    """
    forms = list(candidates) if len(opened.grids) > 1 else candidates
    headers = [(grid, list(grid.layouts())) for grid in opened.grids]
    tried: list[StatementFormat] = []
    found: list[Recognised] = []
    for form in forms:
        tried.append(form)
        for grid, layouts in headers:
            if any(known.grid is grid for known in found):
                continue
            layout = _fitting(form, layouts)
            if layout is not None:
                found.append(Recognised(form=form, grid=grid, layout=layout))
        if found and len(headers) == 1:
            break
    if not found:
        raise _unknown(opened, headers, tried)
    if len(found) > 1:
        sheets = ", ".join(f"{known.grid.part!r} ({known.form.name})" for known in found)
        raise StatementError(
            f"{name_of(opened.path)} holds several histories: {sheets}.",
            path=opened.path,
            hint="Name one of the sheets with part=, and read each on its own.",
        )
    (one,) = found
    unread = [grid.part for grid in opened.grids if grid is not one.grid]
    return attrs.evolve(one, unread=tuple(part for part in unread if part is not None))


def _fitting(form: StatementFormat, layouts: list[Layout]) -> Layout | None:
    for layout in layouts:
        if any(shape.fits(layout.columns) for shape in form.shapes):
            return layout
    return None


def _unknown(
    opened: Opened,
    headers: list[tuple[Grid, list[Layout]]],
    tried: list[StatementFormat],
) -> UnknownFormatError:
    grid = max(headers, key=lambda each: _width(each[1]))[0]
    layouts = next(found for known, found in headers if known is grid)
    header = max((layout.columns for layout in layouts), key=len, default=(grid.opening.strip(),))
    shown = ", ".join(_clipped(name) for name in header[:_COLUMNS_SHOWN]) or "nothing"
    if len(header) > _COLUMNS_SHOWN:
        shown += f" and {len(header) - _COLUMNS_SHOWN} more"
    known = formats() if len(tried) != 1 else (tried[0].name,)
    place = "" if grid.part is None or len(headers) == 1 else f" in the sheet {grid.part!r}"
    return UnknownFormatError(
        f"{name_of(opened.path)} begins with no header that is known; found{place}: {shown}.",
        header=header,
        known=known,
        path=opened.path,
        hint=f"{_likeness(grid.opening, header, tried)}{_MAPPING} "
        f"Known formats: {', '.join(known)}.",
    )


def _width(layouts: list[Layout]) -> int:
    return max((len(layout.columns) for layout in layouts), default=0)


def _likeness(opening: str, header: tuple[str, ...], tried: list[StatementFormat]) -> str:
    opening = opening.lstrip()
    if opening.startswith("<"):
        return "It looks like a web page, perhaps saved in place of the export. "
    kind = "It is JSON. " if opening.startswith(JSON_STARTS) else ""
    return kind + _nearest(header, tried)


def _nearest(header: tuple[str, ...], tried: list[StatementFormat]) -> str:
    """Say which formats come nearest, and what speaks against each."""
    ranked: dict[str, tuple[int, Shape]] = {}
    for form in tried:
        for shape in form.shapes:
            distance = len(shape.missing(header)) + len(shape.surplus(header))
            near = any(name in header for name in shape.required)
            if near and distance < ranked.get(form.name, (len(header) * 9, shape))[0]:
                ranked[form.name] = distance, shape
    if not ranked:
        return ""
    best = sorted(ranked, key=lambda name: ranked[name][0])[:_NEAREST_SHOWN]
    shown = ", ".join(f"{name} ({_against(ranked[name][1], header)})" for name in best)
    return f"Nearest: {shown}. "


def _against(shape: Shape, header: tuple[str, ...]) -> str:
    parts = []
    if missing := shape.missing(header):
        parts.append(f"missing {', '.join(missing)}")
    if surplus := shape.surplus(header):
        parts.append(f"surplus {', '.join(map(_clipped, surplus[:_COLUMNS_SHOWN]))}")
    return "; ".join(parts)


def _clipped(name: str, limit: int = 40) -> str:
    shown = name if len(name) <= limit else name[:limit] + "..."
    return shown if shown.isprintable() else ascii(shown)
