"""Where an entry came from, the record as received, and how precisely it states its facts."""

import datetime as dt
import enum
import functools
from collections.abc import Callable, Mapping
from typing import Any, Final, cast

import attrs
import msgspec


class Rounding(enum.Enum):
    """What a printed number says about the exact one."""

    EXACT = "exact"
    """The printed number is the number; missing trailing digits are zeros."""

    NEAREST = "nearest"
    """Within half a unit of the last printed digit, ties either way."""

    UNIT = "unit"
    """Rounded or cut, it is not known which: within one unit of the last printed digit."""


class RowGrain(enum.Enum):
    """What one row of a file stands for."""

    FILL = "fill"
    ORDER = "order"


class FeePlace(enum.Enum):
    """Where a format puts the fee of a trade."""

    APART = "apart"
    """In a field of its own, on top of the amounts."""

    FOLDED = "folded"
    """Inside the amounts, and told again in a field of its own."""

    OPEN = "open"
    """Folded by the format's rule, which many who write such files ignore."""


@attrs.frozen(kw_only=True)
class Precision:
    """How precisely the rows of a file state their facts; written once, next to the parser.

    A format declares one, and every entry of a file points at the one that holds for its row.
    """

    time_step: dt.timedelta
    """Printed times are cut to this step: a time ``t`` stands for ``[t, t + time_step)``."""

    base: Rounding = Rounding.EXACT
    """The first leg of a trade, and the only leg of anything else."""

    quote: Rounding = Rounding.NEAREST
    """The second leg of a trade."""

    quote_decimals_min: int = 2
    """Digits after the point to which a quote was rounded at the coarsest; fewer printed digits
    mean that zeros were left out."""

    fee: Rounding = Rounding.UNIT
    fee_decimals_min: int = 2
    """As ``quote_decimals_min``, for the fee."""

    exchange_ids: bool = False
    """Whether ``transaction_id`` claims to be the exchange's own id of the record."""

    account_stated: bool = True
    """Whether the row itself names its account."""

    grain: RowGrain = RowGrain.FILL

    fee_place: FeePlace = FeePlace.APART
    """Entries never hold the fee in their legs: where it was folded, it was taken out.  Where the
    place is open, the other reading is that the printed amounts were without it."""

    zone_open: bool = False
    """Whether nothing says in which zone the times were printed; they were read as if in UTC."""

    orientation_open: bool = False
    """Whether the row says only what was sent and received, not which of the two is the base."""

    base_decimals_max: int | None = None
    """Digits after the point beyond which the base says nothing, where it was computed from a
    printed amount and a fee of which one has fewer digits; None where it is as printed."""

    quote_decimals_max: int | None = None
    """As ``base_decimals_max``, for the quote."""


@attrs.frozen(kw_only=True)
class Source:
    """Where an entry came from.

    Exactly one of ``endpoint`` and ``row`` is set: a record of the API, or a row of a file.
    """

    endpoint: str | None = None
    """The endpoint that sent the record, by its name in the catalogue."""

    path: str | None = None
    """The file as it was given; None for the API, and for text that had no file."""

    row: int | None = None
    """1-based number of the data row in the file, the header not counted."""

    raw: Mapping[str, object] = attrs.field(factory=dict, hash=False, repr=False)
    """The record as received: JSON numbers with a fraction as Decimals of the same text; for a
    row of a file, the cells by column name."""

    precision: Precision | None = attrs.field(default=None, repr=False)
    """How precisely the row states its facts; None where it states them exactly."""

    other_time: dt.datetime | None = attrs.field(default=None, repr=False)
    """The second instant that the printed time can start at, where its zone showed that hour twice,
    as in autumn; the entry's time is the first.  Both stand for a ``time_step``."""


RAW_SLOT: Final[Any] = Source.raw
"""Where a source keeps its ``raw``: a mapping, or what `cells_under` has made of a row."""


def _raw(source: Source) -> Mapping[str, object]:
    """Return the record as received; for a row of a file, the cells by column name."""
    raw = RAW_SLOT.__get__(source)
    if isinstance(raw, msgspec.Struct):
        raw = msgspec.to_builtins(raw)
        RAW_SLOT.__set__(source, raw)  # Two threads may do so at once: they set the same.
    return cast("Mapping[str, object]", raw)


Source.raw = property(_raw, RAW_SLOT.__set__)  # type: ignore[assignment]  # else as a field


@functools.lru_cache(maxsize=256)
def cells_under(columns: tuple[str, ...]) -> Callable[..., Mapping[str, object]]:
    """Return what makes the ``raw`` of a row of a file; it takes as many cells as columns.

    It may be given to a `Source` only, which makes a dict of it when somebody looks.  Few rows are
    looked at, and a dict takes four times the memory and three times the time.  Whoever reads the
    slots past the class, as msgspec does to encode an entry, finds the same names and cells.

    Args:
        columns: Their names; none is there twice.
    """
    try:
        row = msgspec.defstruct(
            "Row",
            [f"cell_{at}" for at in range(len(columns))],
            rename={f"cell_{at}": name for at, name in enumerate(columns)},
            gc=False,
        )
    except ValueError:  # No field can be renamed to some names, such as those with quotes.
        return lambda *cells: dict(zip(columns, cells, strict=True))
    return cast("Callable[..., Mapping[str, object]]", row)
