"""The tax tools under test, and what each keeps of an entry when its own reader reads it back."""

import datetime as dt
import importlib
import tempfile
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs
from hypothesis import strategies as st

from bitstamp_ledger import sinks
from bitstamp_ledger.files import Statement, read_statement
from bitstamp_ledger.model import (
    UTC,
    Amount,
    Conversion,
    Deposit,
    Entry,
    Reward,
    Settlement,
    StakingMovement,
    Trade,
    Transfer,
    UnknownEntry,
    Withdrawal,
)

MICROSECOND = dt.timedelta(microseconds=1)
SECOND = dt.timedelta(seconds=1)


@attrs.frozen(kw_only=True)
class Kept:
    """What a tool keeps, as its format is documented: an oracle of its own."""

    name: str
    sink: str
    formats: tuple[str, ...]
    step: dt.timedelta = SECOND
    ids: bool = False
    staking: bool = False
    fees_known: bool = False
    """Whether a row that is a fee and nothing else is told from other expenses."""


TOOLS = (
    Kept(name="koinly", sink="KoinlySink", formats=("koinly",), fees_known=True),
    Kept(
        name="cointracking",
        sink="CoinTrackingSink",
        formats=("cointracking-import",),
        ids=True,
        fees_known=True,
    ),
    Kept(name="waltio", sink="WaltioSink", formats=("waltio",), ids=True),
    Kept(name="bittytax", sink="BittyTaxSink", formats=("bittytax",), step=MICROSECOND),
    Kept(
        name="rotki",
        sink="RotkiSink",
        formats=("rotki", "rotki-events"),
        step=dt.timedelta(milliseconds=1),
    ),
    Kept(name="cointracker", sink="CoinTrackerSink", formats=("cointracker",)),
    Kept(name="coinledger", sink="CoinLedgerSink", formats=("coinledger",)),
    Kept(
        name="cryptotaxcalculator",
        sink="CryptoTaxCalculatorSink",
        formats=("cryptotaxcalculator",),
        ids=True,
        staking=True,
        fees_known=True,
    ),
    Kept(
        name="blockpit",
        sink="BlockpitSink",
        formats=("blockpit-import",),
        ids=True,
        fees_known=True,
    ),
    Kept(
        name="dali",
        sink="DaliSink",
        formats=("dali-rp2-in", "dali-rp2-out", "dali-rp2-intra"),
        step=MICROSECOND,
        ids=True,
    ),
)
BY_NAME = {tool.name: tool for tool in TOOLS}


def sink_of(name: str, path: Path, **options: object) -> Any:
    """The sink as its entry point makes it."""
    module = importlib.import_module(f"bitstamp_ledger.sinks.tax.{name}")
    return getattr(module, BY_NAME[name].sink)(path, **options)


def write(name: str, path: Path, entries: Sequence[Entry], **options: object) -> tuple[Path, ...]:
    """Write entries and return the files."""
    handle = sinks.handle_for(sink_of(name, path, **options), name=name, lossy=True)
    with handle as out:
        out.write(entries)
    return tuple(map(Path, handle.report.paths))


def texts_of(name: str, entries: Sequence[Entry], **options: object) -> list[str]:
    """The text of each file, line ends as they are."""
    with tempfile.TemporaryDirectory() as folder:
        paths = write(name, Path(folder, "out.csv"), entries, **options)
        return [path.read_bytes().decode() for path in paths]


def read_back(name: str, entries: Sequence[Entry], **options: object) -> list[Statement]:
    """What our own reader makes of the files; the zone of CoinTracking's is told to it."""
    timezone = str(options.get("timezone", "UTC")) if name == "cointracking" else None
    with tempfile.TemporaryDirectory() as folder:
        paths = write(name, Path(folder, "out.csv"), entries, **options)
        return [read_statement(path, timezone=timezone) for path in paths]


EDGES = (
    dt.datetime(2021, 3, 28, 1, tzinfo=UTC),
    dt.datetime(2021, 10, 31, 1, tzinfo=UTC),
    dt.datetime(2024, 2, 29, 0, tzinfo=UTC),
    dt.datetime(2021, 12, 31, 23, tzinfo=UTC),
)

instants = st.one_of(
    st.datetimes(
        dt.datetime(2011, 8, 1),  # noqa: DTZ001 - hypothesis wants naive bounds
        dt.datetime(2040, 1, 1),  # noqa: DTZ001
        timezones=st.just(UTC),
    ),
    st.builds(
        lambda edge, micros: edge + dt.timedelta(microseconds=micros),
        st.sampled_from(EDGES),
        st.integers(-(2 * 3600 * 10**6), 2 * 3600 * 10**6),
    ),
)

# Seven digits: sums with a fee have 15 at most, beyond which readers see noise of binary floats.
values = st.builds(
    lambda digits, places: Decimal(digits).scaleb(-places),
    st.integers(1, 10**7 - 1),
    st.integers(0, 8),
)
codes = st.sampled_from(("BTC", "EUR", "USD", "1INCH", "SHIB", "ETH"))
accounts = st.sampled_from(("Main Account", "Bot", "=Bot", "@ home"))
ids = st.none() | st.integers(1, 2**63 - 1)


def _legs(signs: Sequence[int]) -> st.SearchStrategy[tuple[Amount, ...]]:
    currencies = st.lists(codes, min_size=len(signs), max_size=len(signs), unique=True)
    return st.builds(
        lambda numbers, names: tuple(
            Amount(sign * number, name)
            for sign, number, name in zip(signs, numbers, names, strict=True)
        ),
        st.lists(values, min_size=len(signs), max_size=len(signs)),
        currencies,
    )


def _entries(
    kind: Callable[..., Entry], signs: Sequence[Sequence[int]], **more: st.SearchStrategy[object]
) -> st.SearchStrategy[Entry]:
    return st.builds(
        kind,
        id=st.integers(1, 10**9).map(lambda number: f"Main Account/any/{number}"),
        transaction_id=ids,
        time=instants,
        legs=st.sampled_from(signs).flatmap(_legs),
        fee=st.none() | st.builds(Amount, values | st.just(Decimal(0)), codes),
        account=accounts,
        **more,
    )


_EITHER = ((1,), (-1,))
_FACING = ((1, -1), (-1, 1))

simple_entries: st.SearchStrategy[Entry] = st.one_of(
    _entries(Trade, _FACING, order_id=ids),
    _entries(Conversion, _FACING),
    _entries(Deposit, ((1,),)),
    _entries(Withdrawal, ((-1,),)),
    _entries(Transfer, _EITHER, counterparty=st.none() | accounts),
    _entries(StakingMovement, _EITHER),
    _entries(Reward, ((1,),)),
    _entries(Settlement, _EITHER),
    _entries(UnknownEntry, _EITHER, reason=st.just("=its type is not known")),
)
"""Entries that are one row, but for a fee that the amount cannot hold."""

odd_entries: st.SearchStrategy[Entry] = st.one_of(
    _entries(Trade, ((1, 1), (-1, -1))),
    _entries(Conversion, ((1,), (-1,), (1, 1), (1, -1, 1))),
    _entries(Deposit, ((-1,), (1, 1))),
    _entries(Withdrawal, ((1,),)),
    _entries(Reward, ((-1,),)),
    _entries(Settlement, ((1, -1), (1, 1, -1))),
    _entries(UnknownEntry, ((1, -1), (1, 1, -1)), reason=st.just("odd")),
)
"""Entries that no tool has a row for."""


def histories(
    entries: st.SearchStrategy[Entry], *, max_size: int = 5
) -> st.SearchStrategy[list[Entry]]:
    """Some entries, no two with one id."""
    return st.lists(entries, min_size=1, max_size=max_size, unique_by=lambda entry: entry.id)
