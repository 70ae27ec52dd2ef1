"""What a format keeps and loses, in sentences, from its declared precision."""

import datetime as dt
from types import MappingProxyType
from typing import Final

from bitstamp_ledger.model import FeePlace, Precision, Rounding, RowGrain

_STEPS: Final = MappingProxyType(
    {
        dt.timedelta(days=1): "day",
        dt.timedelta(minutes=1): "minute",
        dt.timedelta(seconds=1): "second",
        dt.timedelta(milliseconds=1): "millisecond",
        dt.timedelta(microseconds=1): "microsecond",
    }
)

_ROUNDED: Final = MappingProxyType(
    {
        Rounding.NEAREST: "rounded to the nearest of its last printed digit",
        Rounding.UNIT: "rounded or cut, so known only within one unit of its last printed digit",
    }
)


def losses(precision: Precision, notes: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Return one plain sentence for each fact that the format keeps or loses."""
    return (
        _time(precision.time_step),
        _number("The first amount", precision.base, None),
        _number("The quote amount of a trade", precision.quote, precision.quote_decimals_min),
        _number("The fee", precision.fee, precision.fee_decimals_min),
        _ids(precision),
        _account(precision),
        _grain(precision),
        *_open(precision),
        *notes,
    )


def _time(step: dt.timedelta) -> str:
    unit = _STEPS.get(step, f"step of {step}")
    return f"Times are cut to the {unit}; the printed time is where the {unit} begins."


def _number(what: str, rounding: Rounding, decimals: int | None) -> str:
    if rounding is Rounding.EXACT:
        return f"{what} is exact."
    least = "" if decimals is None else f", with {decimals} decimals or more"
    return f"{what} is {_ROUNDED[rounding]}{least}."


def _ids(precision: Precision) -> str:
    if precision.exchange_ids:
        return "The exchange's own id of each record is kept."
    return "No id of the exchange is kept; equal rows are told apart by their number only."


def _account(precision: Precision) -> str:
    if precision.account_stated:
        return "Each row names its account."
    return "Rows do not name their account."


def _grain(precision: Precision) -> str:
    match precision.grain:
        case RowGrain.FILL:
            return "A row is one execution of an order."
        case RowGrain.ORDER:
            return "A row is a whole order, which may be several executions."


def _open(precision: Precision) -> tuple[str, ...]:
    """Return what the format leaves open, and nothing where it leaves nothing open."""
    sentences = []
    match precision.fee_place:
        case FeePlace.APART:
            pass
        case FeePlace.FOLDED:
            sentences.append("Printed amounts contain the fee, which is taken out.")
        case FeePlace.OPEN:
            sentences.append("Printed amounts may or may not contain the fee.")
    if precision.zone_open:
        sentences.append("The time zone is not stated.")
    if precision.orientation_open:
        sentences.append("Rows state what was sent and received, not which is the base.")
    return tuple(sentences)
