"""A pair in words: what agrees, within which interval, and what was not stated."""

import datetime as dt
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Final

import attrs

from bitstamp_ledger._page import ComparedFact, name_of, plain
from bitstamp_ledger.model import Amount, DecimalInterval, Entry, exact_difference
from bitstamp_ledger.reconcile._fee_rows import stated_fee
from bitstamp_ledger.reconcile._observe import (
    Field,
    Observation,
    amount_field,
    amounts_agree,
    canonical,
    differences,
    fees_agree,
    observe,
)
from bitstamp_ledger.reconcile._orders import orders

EQUAL: Final = "equal"
WITHIN: Final = "within"
DIFFERS: Final = "differs"
NOT_STATED: Final = "not stated"
NOT_KNOWN: Final = "not known"
NOT_COMPARED: Final = "not compared"


@attrs.frozen
class _Line:
    """One fact as both sides state it."""

    fact: str
    row: str
    known: str
    verdict: str


def explain(api: Sequence[Entry], file: Sequence[Entry], heading: str) -> str:
    """Say in words why these entries are held to be the same events.

    Args:
        api: the records; may be empty, then the rows are compared with the first of them.
        file: the rows.
        heading: the rule and the grade.
    """
    known, rows = (api, file) if api else (file[:1], file[1:])
    other = "the record states" if api else "the other row states"
    names = " + ".join(_name_of_other(entry, rows) for entry in known)
    witnesses = " + ".join(name_of(row) for row in rows)
    texts = [f"{witnesses} is {names}: {heading}."]
    for row in _with_fees(rows):
        lines = [
            _Line("", "the row states" if len(rows) == 1 else "the rows state", other, ""),
            *_compared(_as_one(known), observe(row)),
        ]
        texts.extend(_aligned(lines))
    return "\n".join(texts)


def _with_fees(rows: Sequence[Entry]) -> list[Entry]:
    """Return the rows of one event, a fee of its own row as that of the others."""
    fees = [fee for row in rows if (fee := stated_fee(row)) is not None]
    others = [row for row in rows if stated_fee(row) is None]
    if not (fees and others):
        return list(rows)
    return [attrs.evolve(row, fee=fees[0]) if row.fee is None else row for row in others]


def compared_facts(
    known: Entry, row: Entry, *, field: str | None = None
) -> tuple[ComparedFact, ...]:
    """Return what two entries state side by side, the row first.

    Args:
        known: the one entry.
        row: the other.
        field: what keeps the two apart, where that is known and may be no difference of values.
    """
    marked = Field.TIME.value if field in {Field.ZONE.value, Field.DATE_ORDER.value} else field
    return tuple(
        ComparedFact(
            name=line.fact,
            left=plain(line.row),
            right=plain(line.known),
            verdict=NOT_KNOWN if line.fact == marked != field else line.verdict,
            differs=line.verdict == DIFFERS or line.fact == marked,
        )
        for line in _compared(observe(known), observe(row))
    )


def _as_one(known: Sequence[Entry]) -> Observation:
    """Return an entry, or several executions as the order that they are."""
    observed = [observe(entry) for entry in known]
    return next(iter(orders(observed)), observed[0])


def _name_of_other(entry: Entry, rows: Sequence[Entry]) -> str:
    """Name an entry beside rows of another file, which may have no name either."""
    if entry.source.row is None or any(row.source.path is not None for row in rows):
        return name_of(entry)
    return f"row {entry.source.row} of {entry.source.path or 'another statement'}"


def _aligned(lines: Sequence[_Line]) -> Iterator[str]:
    fact, row, known = (
        max(len(text) for text in column)
        for column in (
            [line.fact for line in lines],
            [line.row for line in lines],
            [line.known for line in lines],
        )
    )
    for line in lines:
        text = f"  {line.fact:<{fact}}  {line.row:<{row}}  {line.known:<{known}}  {line.verdict}"
        yield text.rstrip()


def _compared(known: Observation, row: Observation) -> Iterator[_Line]:
    yield _account(known, row)
    if known.group.family != row.group.family:
        yield _Line(Field.KIND.value, row.group.family, known.group.family, DIFFERS)
    yield _time(known, row)
    if known.group.currencies == row.group.currencies:
        for position in _as_in_the_record(known):
            yield _amount(known, row, position)
    else:
        yield _Line(Field.CURRENCIES.value, _legs(row), _legs(known), DIFFERS)
    yield _fee(known, row)


def _account(known: Observation, row: Observation) -> _Line:
    stated, recorded = row.account or NOT_STATED, known.account or NOT_STATED
    verdict = EQUAL if stated == recorded else DIFFERS
    if NOT_STATED in {stated, recorded}:
        verdict = NOT_COMPARED
    return _Line(Field.ACCOUNT.value, stated, recorded, verdict)


def _time(known: Observation, row: Observation) -> _Line:
    verdict = DIFFERS if Field.TIME in differences(known, row) else WITHIN
    if (known.start, known.end) == (row.start, row.end):
        verdict = EQUAL
    return _Line(Field.TIME.value, _time_in_words(row), _time_in_words(known), verdict)


def _as_in_the_record(known: Observation) -> list[int]:
    """Return the positions of the amounts, the base first."""
    positions = range(len(known.amounts))
    return sorted(positions, key=lambda position: position != known.base)


def _amount(known: Observation, row: Observation, position: int) -> _Line:
    equal = known.amounts[position] == row.amounts[position]
    agree = amounts_agree(known, row, position)
    stated, recorded = (
        str(_leg(each, position))
        if equal
        else _with_slack(_leg(each, position), each.interval(position, each.base_beside(other)))
        for each, other in ((row, known), (known, row))
    )
    verdict = EQUAL if equal else WITHIN if agree else DIFFERS
    return _Line(amount_field(known, position).value, stated, recorded, verdict)


def _legs(observation: Observation) -> str:
    return ", ".join(map(str, observation.entry.legs))


def _leg(observation: Observation, position: int) -> Amount:
    currency = observation.group.currencies[position]
    entry = observation.entry
    return next(leg for leg in entry.legs if canonical(leg.currency, entry.kind) == currency)


def _fee(known: Observation, row: Observation) -> _Line:
    stated, recorded = row.entry.fee, known.entry.fee
    if stated is None or recorded is None:
        shown, known_fee = (str(fee or NOT_STATED) for fee in (stated, recorded))
        return _Line(Field.FEE.value, shown, known_fee, NOT_COMPARED)
    if stated == recorded:
        return _Line(Field.FEE.value, str(stated), str(recorded), EQUAL)
    return _Line(
        Field.FEE.value,
        _with_slack(stated, row.fee_interval(stated)),
        _with_slack(recorded, known.fee_interval(recorded)),
        WITHIN if fees_agree(known, row) else DIFFERS,
    )


def _time_in_words(observed: Observation) -> str:
    if observed.end - observed.start <= dt.timedelta(microseconds=1):
        return _instant(observed.start)
    same_day = observed.start.date() == observed.end.date()
    end = f"{observed.end:%H:%M:%S}" if same_day else _instant(observed.end)
    return f"{_instant(observed.start)} up to {end}"


def _instant(time: dt.datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M:%S.%f}".removesuffix(".000000")


def _with_slack(amount: Amount, interval: DecimalInterval) -> str:
    slack = exact_difference(interval.high, amount.value.copy_abs())
    return f"{amount} ± {_plain(slack)}" if slack else str(amount)


def _plain(value: Decimal) -> str:
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
