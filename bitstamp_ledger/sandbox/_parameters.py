"""Parameters of private endpoints: what is accepted, and how the rest is refused.

Texts and limits are from docs/facts/exchange.md, "Requesting user_transactions" and the sections
of the other endpoints.  Unknown fields are ignored, as the exchange does.
"""

import datetime as dt
from collections.abc import Mapping
from typing import Final

import attrs

from bitstamp_ledger.model import UTC
from bitstamp_ledger.sandbox._refusals import invalid
from bitstamp_ledger.sandbox._timeline import Selection

OFFSET_MAX: Final = 200_000
LIMIT_DEFAULT: Final = 100
LIMIT_MAX: Final = 1_000
TIMESTAMP_AGE_MAX_S: Final = 30 * 24 * 3_600
TIMEDELTA_MAX_S: Final = 50_000_000


@attrs.frozen(kw_only=True)
class Slice:
    """Which part of a list a caller asks for."""

    offset: int = 0
    limit: int = LIMIT_DEFAULT
    since_s: int | None = None
    until_s: int | None = None


def _digits(value: str) -> int | None:
    # int() alone would take " 7 ", "+7", "1_000" and digits of other scripts.
    return int(value) if value.isascii() and value.isdigit() else None


def offset_of(form: Mapping[str, str]) -> int:
    """Return the ``offset``, 0 if there is none."""
    number = _digits(form.get("offset", "0"))
    if number is None or number > OFFSET_MAX:
        raise invalid("Invalid offset", "400.010")
    return number


def limit_of(form: Mapping[str, str]) -> int:
    """Return the ``limit``, 100 if there is none."""
    number = _digits(form.get("limit", str(LIMIT_DEFAULT)))
    if not number:
        raise invalid("Invalid limit", "400.011")
    if number > LIMIT_MAX:
        raise invalid("Limit too large", "400.011")
    return number


def newest_first_of(form: Mapping[str, str]) -> bool:
    """Return whether ``sort`` asks for the newest rows first, which is the default."""
    sort = form.get("sort", "desc")
    if sort not in {"asc", "desc"}:
        raise invalid("Invalid sort parameter", "400.012")
    return sort == "desc"


def timestamp_of(form: Mapping[str, str], name: str, now: float) -> int | None:
    """Return a Unix second that is at most 30 days old, or None if it was not sent."""
    stated = form.get(name)
    if stated is None:
        return None
    code = "400.013" if name == "since_timestamp" else "400.034"
    second = _digits(stated)
    if second is None:
        raise invalid(f"Invalid {name} parameter", code)
    try:
        dt.datetime.fromtimestamp(second, UTC)
    except (OverflowError, ValueError, OSError) as exc:
        raise invalid(f"Failed to convert {name} parameter", code) from exc
    oldest = int(now) - TIMESTAMP_AGE_MAX_S
    if second < oldest:
        raise invalid(f"{name} parameter must be higher than {oldest}", code)
    return second


def second_of(form: Mapping[str, str], name: str) -> int | None:
    """Return a Unix second of any age, or None if it was not sent."""
    stated = form.get(name)
    if stated is None:
        return None
    second = _digits(stated)
    if second is None:
        code = "400.013" if name == "since_timestamp" else "400.034"
        raise invalid(f"Invalid {name} parameter", code)
    return second


def selection_of(form: Mapping[str, str], *, now: float, limit_cap: int | None) -> Selection:
    """Return the rows of ``user_transactions`` that a form asks for.

    Args:
        form: the fields sent.
        now: the server's clock.
        limit_cap: the server sends no more than this, whatever was asked for.
    """
    offset = offset_of(form)
    limit = limit_of(form)
    newest_first = newest_first_of(form)
    since_s = timestamp_of(form, "since_timestamp", now)
    until_s = timestamp_of(form, "until_timestamp", now)
    since_id = id_of_form(form, "since_id")
    if since_id is not None:
        limit = LIMIT_MAX
    return Selection(
        since_id=since_id,
        since_micros=None if since_s is None else since_s * 1_000_000,
        until_micros=None if until_s is None else until_s * 1_000_000,
        offset=offset,
        limit=limit if limit_cap is None else min(limit, limit_cap),
        newest_first=newest_first,
    )


def id_of_form(form: Mapping[str, str], name: str) -> int | None:
    """Return an id, or None if it was not sent."""
    if name not in form:
        return None
    number = _digits(form[name])
    if number is None:
        raise invalid(f"Invalid {name} parameter", "400.001")
    return number


def slice_of(form: Mapping[str, str], *, now: float) -> Slice:
    """Return the part of a list that is cut by offset, limit and the two timestamps."""
    return Slice(
        offset=offset_of(form),
        limit=limit_of(form),
        since_s=timestamp_of(form, "since_timestamp", now),
        until_s=timestamp_of(form, "until_timestamp", now),
    )


@attrs.frozen(kw_only=True)
class WithdrawalQuery:
    """Which withdrawal requests a caller asks for."""

    id: int | None = None
    age_max_s: int | None = None
    offset: int = 0
    limit: int = LIMIT_MAX


def withdrawal_query_of(form: Mapping[str, str]) -> WithdrawalQuery:
    """Return which withdrawal requests a form asks for; ``limit`` and ``offset`` go together."""
    if ("limit" in form) != ("offset" in form):
        raise invalid("Both limit and offset must be present")
    if "id" in form and form.keys() & {"limit", "offset", "timedelta"}:
        raise invalid("Too many parameters")
    if "id" in form:
        return WithdrawalQuery(id=_positive(form, "id", "Invalid id"))
    age = _digits(form["timedelta"]) if "timedelta" in form else None
    if "timedelta" in form and age is None:
        raise invalid("Invalid timedelta")
    if age is not None and age > TIMEDELTA_MAX_S:
        raise invalid("Timedelta too large")
    if "limit" not in form:
        return WithdrawalQuery(age_max_s=age)
    limit = _positive(form, "limit", "Invalid limit")
    if limit > LIMIT_MAX:
        raise invalid("Invalid limit", "400.011")
    return WithdrawalQuery(age_max_s=age, limit=limit, offset=offset_of(form))


def _positive(form: Mapping[str, str], name: str, refusal: str) -> int:
    number = _digits(form[name])
    if not number:
        raise invalid(refusal, "400.001")
    return number
