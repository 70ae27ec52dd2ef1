"""Plain pairs: a record and a row that fit each other, and that nothing else is anywhere near.

Nearly all of a history are such.  They are found by one look at the base amount, before anything is
made of the entries; what is left goes the long way, which would have paired these alike: nothing
that fits either of the two is taken from it.
"""

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Final, TypeVar

import attrs

from bitstamp_ledger.files import Statement
from bitstamp_ledger.model import (
    Conversion,
    Entry,
    FeePlace,
    Precision,
    Rounding,
    RowGrain,
    Trade,
)
from bitstamp_ledger.reconcile._observe import Fit, canonical, differences, fit_of, observe
from bitstamp_ledger.reconcile._result import Grade, Match, Rule

MINUTE: Final = dt.timedelta(minutes=1)


@attrs.frozen
class Plain:
    """What is paired the short way, and what is left for the long one."""

    matches: list[Match]
    records: list[Entry]
    rows: list[Entry]


@attrs.define
class _Several:
    """Entries of one base amount, in whatever pairs of currencies: none that may fit is missing."""

    records: list[Entry]
    rows: list[Entry] = attrs.field(factory=list)


_Key = TypeVar("_Key")
_Found = Entry | Match | _Several
"""What there is of one base amount: a record, that and the one row, or all of either."""


def is_plain(statement: Statement) -> bool:
    """Say whether rows of a statement can be paired the short way, as far as its format tells."""
    precision = statement.precision
    return not (
        precision.zone_open
        or statement.alternatives
        or precision.fee_place is FeePlace.OPEN
        or precision.grain is RowGrain.ORDER
    )


def plain_pairs(records: Sequence[Entry], rows: Sequence[Entry]) -> Plain | None:
    """Pair what is alone with what it fits.

    Args:
        records: what the API sent.
        rows: of one statement, for which `is_plain` holds.

    Returns:
        The pairs and the rest, each in the order of the input; None where the rows, or the
        records, are not all as simple as this needs.
    """
    precisions: dict[int, Precision] = {}
    pairs_of_currencies: set[tuple[str, str]] = set()
    found: dict[Decimal, _Found] = {}
    for record in records:
        if record.source.precision is not None:
            return None
        kind = type(record)
        if (kind is not Trade and kind is not Conversion) or len(record.legs) != 2:  # noqa: PLR2004
            continue
        base, quote = record.legs
        pairs_of_currencies.add((base.currency, quote.currency))
        _add_record(found, base.value, record)
    for row in rows:
        source = row.source
        precision = source.precision
        if precision is None or source.other_time is not None:
            return None
        precisions[id(precision)] = precision
        if row.transaction_id is not None and precision.exchange_ids:
            return None
        kind = type(row)
        if (kind is not Trade and kind is not Conversion) or len(row.legs) != 2:  # noqa: PLR2004
            continue
        base, quote = row.legs
        pairs_of_currencies.add((base.currency, quote.currency))
        _add_row(found, base.value, row)
    if not (all(map(_is_simple, precisions.values())) and _one_way(pairs_of_currencies)):
        return None
    return _sorted_out(found.values(), records, rows)


def _is_simple(precision: Precision) -> bool:
    """Say whether a base amount stands for itself, and a time for no more than a minute."""
    return (
        precision.base is Rounding.EXACT
        and precision.base_decimals_max is None
        and precision.fee_place is not FeePlace.OPEN
        and precision.grain is RowGrain.FILL
        and not precision.orientation_open
        and not precision.zone_open
        and precision.time_step <= MINUTE
    )


def _one_way(pairs: Iterable[tuple[str, str]]) -> bool:
    """Say whether no two currencies are stated both ways round: then the base is the base."""
    known = {(canonical(base, ""), canonical(quote, "")) for base, quote in pairs}
    return all((quote, base) not in known for base, quote in known)


def _sorted_out(found: Iterable[_Found], records: Sequence[Entry], rows: Sequence[Entry]) -> Plain:
    matches: list[Match] = []
    for each in found:
        if isinstance(each, Match):
            matches.append(each)
        elif isinstance(each, _Several) and each.rows:
            matches.extend(_alone_in_their_minute(each))
    return Plain(
        matches,
        _others(records, [match.api[0] for match in matches]),
        _others(rows, [match.file[0] for match in matches]),
    )


def _others(entries: Sequence[Entry], done: Sequence[Entry]) -> list[Entry]:
    if len(done) == len(entries):
        return []
    known = set(map(id, done))
    return [entry for entry in entries if id(entry) not in known]


def _alone_in_their_minute(several: _Several) -> Iterator[Match]:
    found: dict[dt.datetime, _Found] = {}
    for record in several.records:
        _add_record(found, record.time.replace(second=0, microsecond=0), record)
    for row in several.rows:
        time = row.time
        minute = time.replace(second=0, microsecond=0)
        precision = row.source.precision
        if time != minute and precision is not None and _crosses(time, precision.time_step):
            found[minute] = found[minute + MINUTE] = _Several([])
        _add_row(found, minute, row)
    for each in found.values():
        if isinstance(each, Match):
            yield each


def _add_record(found: dict[_Key, _Found], key: _Key, record: Entry) -> None:
    first = found.setdefault(key, record)
    if first is record:
        return
    if isinstance(first, _Several):
        first.records.append(record)
    elif isinstance(first, Entry):
        found[key] = _Several([first, record])


def _add_row(found: dict[_Key, _Found], key: _Key, row: Entry) -> None:
    other = found.get(key)
    if other is None:
        return
    if isinstance(other, _Several):
        other.rows.append(row)
    elif isinstance(other, Match):
        found[key] = _Several(list(other.api), [*other.file, row])
    else:
        found[key] = _match(other, row) or _Several([other], [row])


def _crosses(time: dt.datetime, step: dt.timedelta) -> bool:
    """Say whether a time and all that it stands for are not in one minute."""
    since = dt.timedelta(seconds=time.second, microseconds=time.microsecond)
    return since + step > MINUTE


def _match(record: Entry, row: Entry) -> Match | None:
    """Return two entries of one base amount as one event, if nothing contradicts it."""
    (base, quote), (row_base, row_quote) = record.legs, row.legs
    precision = row.source.precision
    start = row.time
    if (
        precision is None
        or not base.value
        or not start <= record.time
        or not record.time - start < precision.time_step
    ):
        return None
    fee, row_fee = record.fee, row.fee
    if (
        quote.value == row_quote.value
        and base.currency == row_base.currency
        and quote.currency == row_quote.currency
        and (record.account == row.account or not precision.account_stated)
        and fee is not None
        and row_fee is not None
        and fee.value == row_fee.value
        and fee.currency == row_fee.currency
    ):
        sure = True
    else:
        known, observed = observe(record), observe(row)
        if next(differences(known, observed), None) is not None:
            return None
        fit = fit_of(known, observed)
        if fit is Fit.UNPROVEN:
            return None
        sure = fit <= Fit.WITHIN
    grade = Grade.STRONG if sure else Grade.WEAK
    return Match(api=(record,), file=(row,), rule=Rule.INTERVALS, grade=grade)
