"""The short way for plain trades gives what the long way gives, digit by digit."""

import copy
import json
import pickle
import weakref
from decimal import Decimal
from typing import Any

import attrs
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bitstamp_ledger.api import parse_user_transactions
from bitstamp_ledger.api._decode import _decode_any, records_in
from bitstamp_ledger.api._plain_trades import _layouts, trade_of
from bitstamp_ledger.model import UTC, Amount, Entry, Source, Trade, exact, plain_number

PLAIN: dict[str, str] = {
    "id": "310000777",
    "datetime": '"2025-06-03 16:20:05.118200"',
    "type": '"2"',
    "order_id": "1870000000000555",
    "eth": '"0.40000000"',
    "eur": '"-880.20"',
    "eth_eur": "2200.50",
    "fee": '"3.52080"',
    "usd": "0.0",
    "btc": "0",
    "self_trade": "false",
    "self_trade_order_id": "null",
}
"""By key, the JSON text of the value."""


def _record(members: dict[str, str]) -> dict[str, object]:
    text = ", ".join(f"{json.dumps(key)}: {value}" for key, value in members.items())
    (record,) = records_in(f"[{{{text}}}]")
    return record


def _short_way(record: dict[str, object]) -> Trade | None:
    return trade_of(record, "Main Account", "user_transactions")


def _long_way(record: dict[str, object]) -> Entry:
    return _decode_any(record, "Main Account", "user_transactions")


def _told(entry: Entry) -> tuple[type, str, object]:
    """Return all that an entry holds: equal Decimals may differ in their digits."""
    return type(entry), repr(entry), entry.source.raw


# -- the law

MEMBERS = st.one_of(
    st.sampled_from(
        [
            "0", "0.0", "-0.0", "1", "2", "-1", "1.50", "-2e-8", "1e999", "1e-70", "null", "true",
            "false", "[]", "{}", '"0.00"', '"-0.00"', '"1.00000000"', '"-1.00000000"', '"NaN"',
            '"sNaN"', '"-Infinity"', '"1_0"', '"1e999"', '"0e-999"', '"None"', '""', '" 1"', '"1 "',
            '"+1"', '"\N{ARABIC-INDIC DIGIT ONE}"', '"2025-06-03 16:20:05"', '"2"', '"0"', '"36"',
            '"eur"', '"1' + "0" * 130 + '"', '"1.' + "0" * 130 + '"', '"' + "9" * 119 + '.90"',
        ]
    ),
    st.decimals(allow_nan=False, allow_infinity=False).map(lambda value: f'"{value}"'),
    st.decimals(-(10**9), 10**9, places=8).map(str),
    st.text(max_size=4).map(json.dumps),
)  # fmt: skip
KEYS = st.one_of(
    st.sampled_from(
        [*PLAIN, "eur_eth", "btc_usd", "usd_eur", "fee_currency", "btc-perp", "", "_", "€", "€_eur",
         "eur_€", "EUR", "trade_uti"]
    ),
    st.text(max_size=4),
)  # fmt: skip
CHANGES = st.dictionaries(KEYS, MEMBERS, max_size=4)
LEFT_OUT = st.sets(st.sampled_from(sorted(PLAIN)), max_size=2)


@given(CHANGES, LEFT_OUT, st.randoms(use_true_random=False))
@example({"€": '"1"', "€_eur": "2.0"}, {"eth", "eth_eur"}, None)
@example({"eur_eth": "0.5"}, set(), None)
@example({"eth_eur": "-2200.50"}, set(), None)
@example({"fee": '"-0.00"'}, set(), None)
@example({"self_trade": "0"}, set(), None)
@example({"type": "2.0"}, set(), None)
def test_both_ways_agree_on_every_record(
    changes: dict[str, str], left_out: set[str], random: Any
) -> None:
    """The short way may leave a record to the long way, and never differ from it."""
    members = {key: value for key, value in PLAIN.items() if key not in left_out} | changes
    keys = list(members)
    if random is not None:
        random.shuffle(keys)
    record = _record({key: members[key] for key in keys})
    trade = _short_way(record)
    assert trade is None or _told(trade) == _told(_long_way(record))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"type": "2", "usd": '"0.00"', "btc": '"0.00"', "eth_eur": '"2200.50"'},
        {"order_id": "null"},
        {"self_trade": "null"},
        {"eth": '"-0.40000000"', "eur": '"880.20"'},
        {"eth_eur": "null", "eur_eth": "0.00045"},
        {"fee": '"0.00"'},
        {"fee": '"None"'},
        {"eth_eur": '"0.00"'},
    ],
)
def test_the_trades_of_every_age_take_the_short_way(changes: dict[str, str]) -> None:
    """Else it would be of no use, and the law above would say nothing."""
    record = _record({**PLAIN, **changes})
    trade = _short_way(record)
    assert trade is not None
    assert _told(trade) == _told(_long_way(record))


@pytest.mark.parametrize(
    "changes",
    [
        {"type": '"36"'},
        {"doge": '"1"'},
        {"eur": '"0.00"'},
        {"eur": '"880.20"'},
        {"fee": '"-1"'},
        {"fee_currency": '"usdc"'},
        {"self_trade": "true"},
        {"id": "null"},
        {"datetime": '"soon"'},
        {"eth_eur": "null"},
        {"€": '"1"', "€_eur": "2.0", "eth": "0"},
    ],
)
def test_what_is_not_plain_takes_the_long_way(changes: dict[str, str]) -> None:
    """Each of these needs a rule that only the long way knows, wherever it stands."""
    members = {**PLAIN, **changes}
    assert _short_way(_record(members)) is None
    assert _short_way(_record(dict(reversed(members.items())))) is None


@given(
    st.one_of(
        st.text(max_size=12),
        st.decimals().map(str),
        st.decimals(),
        st.from_regex(r"[+-]?[0-9]{0,130}(\.[0-9]{0,130})?([eE][+-]?[0-9]{1,4})?", fullmatch=True),
    )
)
@example("1_0")
@example(" 1")
@example("\N{ARABIC-INDIC DIGIT ONE}")
@example("1." + "0" * 130)
@example("0E-300")
@example("NaN")
@example(Decimal("1E+999"))
@example(Decimal("0E-999"))
def test_a_plain_number_is_the_exact_number(stated: object) -> None:
    """It is trusted where `exact` would have been asked."""
    number = plain_number(stated)
    assert number is None or repr(number) == repr(exact(stated))


@pytest.mark.parametrize("stated", ["1_0", " 1", "1 ", "\N{ARABIC-INDIC DIGIT ONE}", "0E-300"])
def test_what_python_reads_but_the_exchange_never_writes_is_not_plain(stated: str) -> None:
    """A leg in such a text is none, or one that the long way must look at."""
    assert plain_number(stated) is None


@pytest.mark.parametrize("stated", [None, True, 1, 1.5, b"1", [1], (0, (1,), 0), {}])
def test_only_text_and_decimals_are_plain_numbers(stated: object) -> None:
    """A decimal context would read a tuple, a float and a bool as well."""
    assert plain_number(stated) is None


def test_what_is_remembered_of_keys_is_bounded() -> None:
    """A server that makes up keys must not fill the memory."""
    before = len(_layouts)
    assert _short_way(_record({**PLAIN, "x" * 33: "0"})) is not None
    assert _short_way(_record({**PLAIN, **{f"x{number}": "0" for number in range(40)}})) is not None
    assert len(_layouts) == before


def test_which_rate_holds_is_seen_anew_where_the_keys_do_not_tell() -> None:
    """Two records of one set of keys, each with the other's rate."""
    for stated, null in (("eth_eur", "eur_eth"), ("eur_eth", "eth_eur"), ("eth_eur", "eur_eth")):
        record = _record({**PLAIN, stated: "2.5", null: "null"})
        trade = _short_way(record)
        assert trade is not None
        assert _told(trade) == _told(_long_way(record))
    assert _short_way(_record({**PLAIN, "eth_eur": "2.5", "eur_eth": "0.4"})) is None


# -- values that no constructor made


def _made() -> tuple[Trade, Trade]:
    """Return a trade of the short way, and the same made by constructors."""
    page = json.dumps([{key: json.loads(value) for key, value in PLAIN.items()}])
    (trade,) = parse_user_transactions(page)
    assert isinstance(trade, Trade)
    built = Trade(
        id="Main Account/trade/310000777",
        transaction_id=310000777,
        time=trade.time,
        legs=(Amount("0.40000000", "ETH"), Amount("-880.20", "EUR")),
        fee=Amount("3.52080", "EUR"),
        code="2",
        source=Source(endpoint="user_transactions", raw=trade.source.raw),
        price=Decimal("2200.5"),
        order_id=1870000000000555,
        self_trade=False,
    )
    return trade, built


def test_a_trade_of_the_short_way_is_like_any_other() -> None:
    """In its types, fields, equality, hash and text."""
    trade, built = _made()
    assert (type(trade), type(trade.source), type(trade.legs)) == (Trade, Source, tuple)
    assert trade.fee is not None
    assert {type(amount) for amount in (*trade.legs, trade.fee)} == {Amount}
    assert (trade, hash(trade), repr(trade)) == (built, hash(built), repr(built))
    assert attrs.asdict(trade) == attrs.asdict(built)
    assert trade.time.tzinfo is UTC


def test_a_trade_of_the_short_way_can_be_copied_changed_and_sent() -> None:
    """All that attrs promises of a value with slots."""
    trade, built = _made()
    assert pickle.loads(pickle.dumps(trade)) == built  # noqa: S301 - our own
    assert pickle.dumps(trade.legs[0]) == pickle.dumps(built.legs[0])
    assert copy.deepcopy(trade) == built
    assert attrs.evolve(trade, code="x") == attrs.evolve(built, code="x")
    assert weakref.ref(trade)() is trade


@pytest.mark.parametrize("field", ["id", "legs", "price", "nonsense"])
def test_a_trade_of_the_short_way_is_frozen(field: str) -> None:
    """The draft could be changed; the value cannot."""
    trade, _ = _made()
    assert trade.fee is not None
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        setattr(trade, field, None)
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        delattr(trade, field)
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        trade.fee.value = Decimal(0)  # type: ignore[misc]  # that is the test
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        trade.source.row = 1  # type: ignore[misc]  # that is the test
