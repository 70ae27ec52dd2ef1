"""Hypothesis strategies for the model, in one place: everything that a valid entry can be.

Values are drawn from few as well as from many: collisions are where the mistakes are.
"""

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal

from hypothesis import strategies as st

from bitstamp_ledger.model import (
    MAIN_ACCOUNT,
    TIME_NOT_STATED,
    UTC,
    Amount,
    Conversion,
    Deposit,
    Entry,
    Precision,
    Reward,
    Rounding,
    RowGrain,
    Settlement,
    Source,
    StakingMovement,
    Trade,
    Transfer,
    UnknownEntry,
    Withdrawal,
)

LARGEST = 10**38 - 1
"""38 digits: what SQL's widest common decimals hold."""


def decimals(*, negative: bool = True) -> st.SearchStrategy[Decimal]:
    """Finite decimals: usual ones, satoshis, 38 digits, trailing zeros, exponents, minus zero."""
    coefficients = st.one_of(st.integers(0, 1000), st.integers(0, LARGEST))
    spelled = st.builds(
        lambda sign, digits, exponent: Decimal(f"{sign}{digits}E{exponent}"),
        st.sampled_from(("", "-") if negative else ("",)),
        coefficients,
        st.integers(-18, 6),
    )
    usual = st.sampled_from(("0", "0.00", "1", "1.00", "0.00000001", "1E-8", "1E+3", "42.42"))
    return st.one_of(usual.map(Decimal), spelled)


def currencies() -> st.SearchStrategy[str]:
    """Codes in capitals, with digits anywhere."""
    known = st.sampled_from(("BTC", "EUR", "USD", "1INCH", "ETH2R"))
    return known | st.text("ABCXYZ0129", min_size=1, max_size=10)


def amounts(*, negative: bool = True) -> st.SearchStrategy[Amount]:
    """Amounts of any sign, or of none."""
    return st.builds(Amount, decimals(negative=negative), currencies())


def fees() -> st.SearchStrategy[Amount | None]:
    """Not stated, zero, or positive."""
    return st.none() | amounts(negative=False)


def instants() -> st.SearchStrategy[dt.datetime]:
    """UTC times to the microsecond, round ones among them."""
    since = dt.datetime(2011, 8, 1)  # noqa: DTZ001 - hypothesis wants naive bounds
    until = dt.datetime(2100, 1, 1)  # noqa: DTZ001
    any_time = st.datetimes(since, until, timezones=st.just(UTC))
    return st.one_of(
        any_time,
        any_time.map(lambda time: time.replace(second=0, microsecond=0)),
        st.just(TIME_NOT_STATED),
    )


def texts(*, min_size: int = 0) -> st.SearchStrategy[str]:
    """Unicode text, with line breaks, quotes and what a spreadsheet takes for a formula."""
    awkward = (
        "=1+1",
        "+41",
        "-0.5",
        "@SUM(A1)",
        "\tx",
        "\rx",
        "'quoted",
        "a\r\nb",
        'a"b,c',
        "Zürich",
    )
    return st.sampled_from(awkward) | st.text(min_size=min_size, max_size=20)


def accounts() -> st.SearchStrategy[str]:
    """The main account, or a sub-account by any name."""
    return st.just(MAIN_ACCOUNT) | texts(min_size=1)


def ids() -> st.SearchStrategy[int | None]:
    """The exchange's ids, of records and of orders; or none stated."""
    return st.none() | st.integers(1, 2**63 - 1)


def raw_records() -> st.SearchStrategy[Mapping[str, object]]:
    """JSON objects as decoded: numbers with a fraction are Decimals."""
    leaves = st.none() | st.booleans() | st.integers() | decimals() | texts()
    values = st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts(), inner, max_size=3),
        max_leaves=4,
    )
    return st.dictionaries(texts(), values, max_size=4)


def precisions() -> st.SearchStrategy[Precision]:
    """What the rows of some file keep and lose."""
    return st.builds(
        Precision,
        time_step=st.sampled_from((dt.timedelta(microseconds=1), dt.timedelta(minutes=1))),
        base=st.sampled_from(Rounding),
        quote=st.sampled_from(Rounding),
        quote_decimals_min=st.integers(0, 8),
        fee=st.sampled_from(Rounding),
        fee_decimals_min=st.integers(0, 8),
        exchange_ids=st.booleans(),
        account_stated=st.booleans(),
        grain=st.sampled_from(RowGrain),
    )


def sources() -> st.SearchStrategy[Source]:
    """A record of the API, or a row of a file or of a text that had none."""
    record = st.builds(
        Source,
        endpoint=st.sampled_from(("user_transactions", "crypto_transactions")),
        raw=raw_records(),
    )
    row = st.builds(
        Source,
        path=st.none() | texts(min_size=1),
        row=st.integers(1, 10**6),
        raw=raw_records(),
        precision=st.none() | precisions(),
    )
    return record | row


def entry_ids() -> st.SearchStrategy[str]:
    """Identities: few, so that entries share them, or as odd as an account's name makes them."""
    few = st.integers(1, 3).map(lambda number: f"{MAIN_ACCOUNT}/trade/{number}")
    return few | texts(min_size=1)


def trades() -> st.SearchStrategy[Trade]:
    """Trades of either side, self-trades among them; amounts and price need not fit."""
    return st.builds(
        Trade,
        id=entry_ids(),
        transaction_id=ids(),
        time=instants(),
        legs=st.tuples(amounts(), amounts()),
        fee=fees(),
        account=accounts(),
        code=st.none() | texts(),
        source=sources(),
        price=st.none() | decimals(negative=False),
        order_id=ids(),
        self_trade=st.none() | st.booleans(),
    )


def _movements(
    kind: type[Entry],
    *,
    legs_min: int = 1,
    legs_max: int = 1,
    **more: st.SearchStrategy[object],
) -> st.SearchStrategy[Entry]:
    return st.builds(
        kind,
        id=entry_ids(),
        transaction_id=ids(),
        time=instants(),
        legs=st.lists(amounts(), min_size=legs_min, max_size=legs_max).map(tuple),
        fee=fees(),
        account=accounts(),
        code=st.none() | texts(),
        source=sources(),
        **more,
    )


def unknown_entries() -> st.SearchStrategy[Entry]:
    """Records that were not understood, with any number of legs."""
    return _movements(UnknownEntry, legs_min=0, legs_max=3, reason=texts())


def entries() -> st.SearchStrategy[Entry]:
    """Entries of every kind."""
    return st.one_of(
        trades(),
        _movements(Deposit),
        _movements(Withdrawal),
        _movements(Transfer, counterparty=st.none() | texts()),
        _movements(StakingMovement),
        _movements(Reward),
        _movements(Conversion, legs_min=2, legs_max=2, price=st.none() | decimals(negative=False)),
        _movements(Settlement, legs_min=0, legs_max=2),
        unknown_entries(),
    )


def histories(*, max_size: int = 6) -> st.SearchStrategy[list[Entry]]:
    """Some entries, no two with one id."""
    return st.lists(entries(), max_size=max_size, unique_by=lambda entry: entry.id)
