"""Records of every shape become entries, exactly; what is odd becomes an UnknownEntry."""

import datetime as dt
import decimal
import json
from collections import Counter
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bitstamp_ledger.api import (
    RECORD_TYPES,
    Legs,
    encode_user_transactions,
    parse_balances,
    parse_user_transactions,
)
from bitstamp_ledger.errors import UnreadableReplyError
from bitstamp_ledger.model import (
    TIME_NOT_STATED,
    UTC,
    Amount,
    Balance,
    Conversion,
    Deposit,
    Entry,
    Reward,
    Settlement,
    Side,
    StakingMovement,
    Trade,
    Transfer,
    UnknownEntry,
    Withdrawal,
)


def decode(record: str | dict[str, Any], **changes: Any) -> Entry:
    """Parse one record; a change to ``...`` leaves the key out."""
    if isinstance(record, str):
        (entry,) = parse_user_transactions(f"[{record}]")
        return entry
    changed = {key: value for key, value in {**record, **changes}.items() if value is not ...}
    (entry,) = parse_user_transactions(json.dumps([changed]))
    return entry


def amounts(entry: Entry) -> list[str]:
    """Return the legs as text, digit by digit."""
    return [str(leg) for leg in entry.legs]


BUY = {
    "id": 310000777,
    "datetime": "2025-06-03 16:20:05.118200",
    "type": "2",
    "order_id": 1870000000000555,
    "eth": "0.40000000",
    "eur": "-880.20",
    "eth_eur": 2200.5,
    "fee": "3.52080",
    "usd": 0.0,
    "btc": 0.0,
    "self_trade": False,
    "self_trade_order_id": None,
}
DEPOSIT = {
    "usd": "3000.00",
    "btc_usd": "0.00",
    "datetime": "2018-02-05 13:10:09",
    "fee": "7.50",
    "btc": 0.0,
    "type": "0",
    "id": 48000777,
    "eur": 0.0,
}
WITHDRAWAL = {
    "id": 104000777,
    "datetime": "2020-03-11 21:04:10.338140",
    "type": "1",
    "fee": "0.00050000",
    "btc": "-0.20950000",
    "btc_usd": "0.00",
    "usd": 0.0,
    "eur": 0.0,
}
CONVERSION = {
    "id": 458000777,
    "datetime": "2025-10-07 09:31:12.204518",
    "type": "36",
    "fee": "0.000000",
    "eur": "-43.00",
    "usdc": "50.000000",
    "usdc_eur": 0.86,
    "usd": 0.0,
    "btc": 0.0,
}


# -- shapes that were seen on the wire


def test_a_buy_is_base_and_quote_with_its_fee_in_the_quote() -> None:
    """The current shape of a trade."""
    entry = decode(BUY)
    assert isinstance(entry, Trade)
    assert amounts(entry) == ["0.40000000 ETH", "-880.20 EUR"]
    assert entry.fee == Amount(Decimal("3.52080"), "EUR")
    assert (entry.price, entry.order_id) == (Decimal("2200.5"), 1870000000000555)
    assert (entry.side, entry.self_trade, entry.code) == (Side.BUY, False, "2")
    assert entry.time == dt.datetime(2025, 6, 3, 16, 20, 5, 118200, tzinfo=UTC)
    assert entry.transaction_id == 310000777
    assert entry.id == "Main Account/trade/310000777"
    assert entry.source.endpoint == "user_transactions"
    assert (entry.source.path, entry.source.row) == (None, None)


def test_a_sell_of_the_older_style_has_no_fraction_and_any_order_of_keys() -> None:
    """The quote comes first here; the rate names the base."""
    entry = decode(
        '{"usd": "2677.50", "btc_usd": 10710.0, "order_id": 824000777,'
        ' "datetime": "2018-02-06 11:40:02", "fee": "6.70", "btc": "-0.25000000",'
        ' "type": "2", "id": 49000777, "eur": 0.0}'
    )
    assert isinstance(entry, Trade)
    assert amounts(entry) == ["-0.25000000 BTC", "2677.50 USD"]
    assert (entry.side, entry.self_trade) == (Side.SELL, None)
    assert str(entry.fee) == "6.70 USD"
    assert str(entry.price) == "10710.0"


def test_a_record_of_the_oldest_style_is_read() -> None:
    """Type and id as numbers, order_id null, zeros and rate as text."""
    entry = decode(
        '{"usd": "-55.00", "btc": "11.00000000", "btc_usd": "5.00", "order_id": null,'
        ' "datetime": "2012-08-13 08:20:14", "fee": "0.28", "type": 2, "id": 1293777}'
    )
    assert isinstance(entry, Trade)
    assert amounts(entry) == ["11.00000000 BTC", "-55.00 USD"]
    assert (entry.code, entry.order_id, str(entry.price)) == ("2", None, "5.00")


def test_a_deposit_is_gross_with_its_fee_beside_it() -> None:
    """The dummy btc_usd names no leg."""
    entry = decode(DEPOSIT)
    assert isinstance(entry, Deposit)
    assert amounts(entry) == ["3000.00 USD"]
    assert str(entry.fee) == "7.50 USD"
    assert entry.effect == {"USD": Decimal("2992.50")}


def test_a_withdrawal_is_net_with_its_fee_in_the_moved_currency() -> None:
    """What left the account is the leg and the fee together."""
    entry = decode(WITHDRAWAL)
    assert isinstance(entry, Withdrawal)
    assert amounts(entry) == ["-0.20950000 BTC"]
    assert entry.effect == {"BTC": Decimal("-0.21000000")}


def test_a_deposit_of_another_coin_ignores_the_dummy_rate() -> None:
    """All three zero legs are integers here."""
    entry = decode(
        '{"fee": "0.00000000", "btc_usd": "0.00", "id": 40000777, "usd": 0, "btc": 0,'
        ' "datetime": "2018-10-03 07:15:44", "type": "0", "xrp": "75.50000000", "eur": 0}'
    )
    assert isinstance(entry, Deposit)
    assert amounts(entry) == ["75.50000000 XRP"]
    assert str(entry.fee) == "0.00000000 XRP"


def test_a_simple_buy_is_a_conversion_without_order() -> None:
    """Its legs keep the order of the record; the fee is in the quote of the rate."""
    entry = decode(CONVERSION)
    assert isinstance(entry, Conversion)
    assert amounts(entry) == ["-43.00 EUR", "50.000000 USDC"]
    assert (str(entry.price), str(entry.fee)) == ("0.86", "0.000000 EUR")


def test_a_staking_reward_may_lack_the_eur_key() -> None:
    """Nothing may rely on the three zero legs."""
    entry = decode(
        '{"usd": 0.0, "btc": 0.0, "btc_usd": "0.00", "fee": "0.00000000",'
        ' "algo": "0.06750250", "type": "27", "id": 209000777,'
        ' "datetime": "2021-12-01 09:00:31.607012"}'
    )
    assert isinstance(entry, Reward)
    assert amounts(entry) == ["0.06750250 ALGO"]


# -- every code

ONE = {"id": 7, "datetime": "2024-01-02 03:04:05", "fee": "0.00", "usd": 0.0, "btc": 0.0}
TWO = {**ONE, "eth_eur": 2000.0}
IN, OUT = {"eth": "1.5"}, {"eth": "-1.5"}
OPPOSITE, OPPOSITE_TOO = {"eth": "1.5", "eur": "-3000.00"}, {"eth": "-1.5", "eur": "3000.00"}
SAME = {"eth": "1.5", "eur": "3000.00"}
SHAPES = {"in": IN, "out": OUT, "two": OPPOSITE, "two back": OPPOSITE_TOO, "same": SAME, "none": {}}

KINDS: dict[str, tuple[type[Entry], str, str]] = {
    "0": (Deposit, "deposit", "in"),
    "1": (Withdrawal, "withdrawal", "out"),
    "2": (Trade, "trade", "two, two back"),
    "3": (Withdrawal, "xrpl-withdrawal", "out"),
    "4": (Deposit, "xrpl-deposit", "in"),
    "14": (Transfer, "sub-account-transfer", "in, out"),
    "25": (StakingMovement, "staking-credit", "in, out"),
    "26": (StakingMovement, "staking-sent", "in, out"),
    "27": (Reward, "staking-reward", "in"),
    "32": (Reward, "referral-reward", "in"),
    "33": (Transfer, "settlement-transfer", "in, out"),
    "35": (Transfer, "inter-account-transfer", "in, out"),
    "36": (Conversion, "simple-buy", "two, two back"),
    "53": (Conversion, "small-balance", "two, two back"),
    "55": (Conversion, "small-balance-55", "out, two, two back"),
    "58": (Settlement, "periodic-settlement", "in, out"),
    "59": (Settlement, "insurance-claim", "in, out"),
    "60": (Settlement, "insurance-premium", "in, out"),
    "61": (Settlement, "collateral", "in, out, two, two back"),
}
"""By code: the kind, the family in the identity, and the legs that are accepted."""


def test_every_published_code_is_in_the_table() -> None:
    """A new code is a decision; the families are part of identities and never change."""
    table = {code: (rule.kind, rule.family) for code, rule in RECORD_TYPES.items()}
    assert table == {code: (kind, family) for code, (kind, family, _) in KINDS.items()}


def test_no_two_codes_share_a_family() -> None:
    """Records of different codes may share an id, and must not share an identity."""
    assert max(Counter(rule.family for rule in RECORD_TYPES.values()).values()) == 1


@pytest.mark.parametrize("legs", SHAPES)
@pytest.mark.parametrize("code", KINDS)
def test_a_code_takes_its_legs_and_no_other(code: str, legs: str) -> None:
    """What has other legs is not that event, or not all of it; it is kept, and said."""
    kind, family, accepted = KINDS[code]
    entry = decode({**TWO, **SHAPES[legs]}, type=code)
    assert (entry.code, entry.transaction_id) == (code, 7)
    assert {leg.currency: leg.value for leg in entry.legs} == {
        key.upper(): Decimal(value) for key, value in SHAPES[legs].items()
    } or isinstance(entry, Trade)
    if legs in accepted.split(", "):
        assert type(entry) is kind
        assert entry.id == f"Main Account/{family}/7"
    elif code == "2" and legs in {"in", "out"}:
        assert isinstance(entry, UnknownEntry)  # The rate names eur, which the record lacks.
    else:
        assert isinstance(entry, UnknownEntry)
        assert entry.reason
        assert entry.id.startswith(f"Main Account/{family}/7/")


@pytest.mark.parametrize("code", ["5", "57", "99", "-1", "02", " 2", "2.0", "deposit"])
def test_an_unknown_code_keeps_its_legs_and_is_said(code: str) -> None:
    """The exchange has unpublished codes; a guess would put money where it is not."""
    entry = decode({**TWO, **OPPOSITE}, type=code)
    assert isinstance(entry, UnknownEntry)
    assert entry.reason == f"type {code} is not known"
    assert amounts(entry) == ["1.5 ETH", "-3000.00 EUR"]
    assert entry.id == f"Main Account/type-{code}/7"
    assert str(entry.fee) == "0.00 EUR"
    assert entry.code == code


# -- quirks


@pytest.mark.parametrize(
    ("text", "value"),
    [("1e-8", "0.00000001"), ("1E-8", "0.00000001"), ("1.25e+2", "125"), ("2e3", "2000")],
)
def test_numbers_in_exponent_form_keep_their_value(text: str, value: str) -> None:
    """The exchange prints floats so; as a rate and, in principle, as a leg."""
    entry = decode(
        '{"id": 1, "datetime": "2024-01-02 03:04:05", "type": "2", "shib": '
        f'{text}, "eur": "-1.00", "shib_eur": {text}, "fee": {text}}}'
    )
    assert isinstance(entry, Trade)
    assert entry.price == entry.base.value == Decimal(value)
    assert entry.fee is not None
    assert entry.fee.value == Decimal(value)


def test_no_digit_of_a_rate_is_lost() -> None:
    """A float would end after seventeen of them."""
    entry = decode(
        '{"id": 1, "datetime": "2024-01-02 03:04:05", "type": "2", "eth": "1", "eur": "-1",'
        ' "eth_eur": 1.000000000000000000000000000000000000000000000000001, "fee": "0"}'
    )
    assert isinstance(entry, Trade)
    assert str(entry.price) == "1.000000000000000000000000000000000000000000000000001"


@pytest.mark.parametrize("zero", ["0", "0.0", "-0.0", "0e5", '"0"', '"0.00000000"', '"-0.00"'])
def test_a_zero_is_no_leg_however_it_is_written(zero: str) -> None:
    """Number and text on the same key, in every age of the exchange."""
    entry = decode(
        f'{{"usd": {zero}, "btc": {zero}, "eur": {zero}, "btc_usd": {zero}, "xlm": "5",'
        ' "id": 1, "datetime": "2024-01-02 03:04:05", "type": "0", "fee": "0"}'
    )
    assert amounts(entry) == ["5 XLM"]


def test_keys_with_underscores_before_the_rate_are_no_rates() -> None:
    """Other clients take the first key with an underscore, and fall for these."""
    first = {
        "self_trade": True,
        "self_trade_order_id": 5,
        "trade_uti": "X1",
        "trade-uti": "X1",
        "margin_mode": "CROSS",
        "leverage_rate": "2.0",
        "client_order_id": "77",
        "btc_usd": "0.00",
    }
    entry = decode({**first, **BUY, "self_trade": False})
    assert isinstance(entry, Trade)
    assert amounts(entry) == ["0.40000000 ETH", "-880.20 EUR"]


@pytest.mark.parametrize("code", ["1inch", "eth2", "eth2r", "eurcv", "usdc"])
def test_a_code_may_hold_digits_or_another_code(code: str) -> None:
    """The halves of the rate are compared whole."""
    record = {**BUY, "eth": ..., "eth_eur": ..., code: "0.5", f"{code}_eur": 3}
    entry = decode(record)
    assert isinstance(entry, Trade)
    assert amounts(entry) == [f"0.5 {code.upper()}", "-880.20 EUR"] or (
        amounts(entry) == ["0.5 EURCV", "-880.20 EUR"]
    )
    assert entry.price == Decimal(3)


@pytest.mark.parametrize("fee", ["None", None, ...])
def test_a_fee_that_is_not_stated_is_none(fee: object) -> None:
    """Not zero: nobody said so."""
    for record in (BUY, DEPOSIT):
        assert decode(record, fee=fee).fee is None


def test_a_fee_in_a_named_currency_is_in_that_currency() -> None:
    """Seen once; it outranks what is inferred from the pair."""
    assert str(decode(BUY, fee_currency="usdc").fee) == "3.52080 USDC"


def test_a_trade_too_small_for_its_quote_is_still_a_trade() -> None:
    """Quotes were rounded to cents; the rate still names the pair."""
    entry = decode(BUY, eth="0.00000100", eur="0.00", fee="0.00000")
    assert isinstance(entry, Trade)
    assert amounts(entry) == ["0.00000100 ETH", "0 EUR"]
    assert (entry.side, str(entry.fee)) == (Side.BUY, "0.00000 EUR")


def test_a_trade_too_small_for_its_base_is_still_a_trade() -> None:
    """Then the quote says which side it was."""
    entry = decode(BUY, eth=0.0, eur="-0.01")
    assert isinstance(entry, Trade)
    assert amounts(entry) == ["0 ETH", "-0.01 EUR"]
    assert entry.side is Side.BUY


@pytest.mark.parametrize("half", ["abc", "1_0", "", None, [], True, ...])
def test_half_a_trade_that_cannot_be_read_is_no_small_trade(half: object) -> None:
    """Only what is stated as zero was rounded to zero."""
    entry = decode(BUY, eth=half)
    assert isinstance(entry, UnknownEntry)
    assert amounts(entry) == ["-880.20 EUR"]


def test_the_price_of_a_small_trade_keeps_every_digit() -> None:
    """Whatever precision the host program computes with."""
    with decimal.localcontext(prec=3):
        entry = decode(BUY, eur="0.00", eth_eur="2200.123456789")
    assert isinstance(entry, Trade)
    assert str(entry.price) == "2200.123456789"


def test_a_host_that_traps_nothing_changes_nothing() -> None:
    """A text that is no number must not become a NaN in somebody else's context."""
    with decimal.localcontext(decimal.Context(prec=2, traps=[])):
        entry = decode(BUY, note="some text", eth="0.123456789")
    assert amounts(entry) == ["0.123456789 ETH", "-880.20 EUR"]


def test_a_dummy_rate_between_both_legs_is_no_price() -> None:
    """Non-trades carry btc_usd 0.00; a conversion of just these two must not cost nothing."""
    legs = {"btc": "0.1", "usd": "-900.00", "btc_usd": "0.00", "eur": 0.0}
    entry = decode({**ONE, **legs}, type="53")
    assert isinstance(entry, Conversion)
    assert entry.price is None
    trade = decode({**ONE, **legs}, type="2")
    assert isinstance(trade, Trade)
    assert trade.price is None


def test_a_conversion_without_rate_is_kept_while_its_fee_is_zero() -> None:
    """Nothing says then in which currency the fee would be."""
    free = decode(CONVERSION, usdc_eur=...)
    assert (type(free), free.fee) == (Conversion, None)
    paid = decode(CONVERSION, usdc_eur=..., fee="0.10")
    assert isinstance(paid, UnknownEntry)
    assert "nothing says in which currency" in paid.reason


@pytest.mark.parametrize(
    ("legs", "identities"),
    [
        ([("0.4", "-880.20"), ("-0.4", "880.20")], {"trade-buy", "trade-sell"}),
        ([(0.0, "-0.01"), (0.0, "0.01")], {"trade-buy", "trade-sell"}),
    ],
)
def test_both_records_of_a_self_trade_are_kept(
    legs: list[tuple[object, object]], identities: set[str]
) -> None:
    """They may share an id; how the exchange shows them is not known."""
    entries = [decode(BUY, self_trade=True, eth=eth, eur=eur) for eth, eur in legs]
    assert {entry.id for entry in entries} == {
        f"Main Account/{family}/310000777" for family in identities
    }


# -- odd records


@pytest.mark.parametrize("stated", [..., None, "", "x", "1.0", 1.5, True, [], -1, "9" * 5000,
                                    2**63, 10**30, "²"])  # fmt: skip
def test_a_record_without_a_readable_id_is_kept_by_its_content(stated: object) -> None:
    """Twice the same is one identity, another content is another."""
    entry, again = decode(BUY, id=stated), decode(BUY, id=stated)
    assert isinstance(entry, UnknownEntry)
    assert (entry.reason, entry.transaction_id) == ("the record has no id", None)
    assert entry.id == again.id
    assert entry.id.startswith("Main Account/trade/")
    assert decode(BUY, id=stated, fee="1").id != entry.id
    assert amounts(entry) == ["0.40000000 ETH", "-880.20 EUR"]


@pytest.mark.parametrize("stated", [..., None, 2.0, True, [2], {"type": 2}])
def test_a_record_without_a_readable_type_is_kept(stated: object) -> None:
    """Numbers are read, since the oldest records had them; nothing else is."""
    entry = decode(BUY, type=stated)
    assert isinstance(entry, UnknownEntry)
    assert (entry.reason, entry.code) == ("the record has no type", None)
    assert entry.id == "Main Account/type-none/310000777"


@pytest.mark.parametrize(
    "stated",
    [..., None, "", "soon", 1700000000, "1700000000", "2025-13-01 00:00:00", "2025-01-01",
     "2025-02-30 00:00:00", "2025-01-01 25:00:00", "0001-01-01 00:00:00+14:00",
     "9999-12-31 23:59:59-14:00", "2025-01-01 00:00:00 UTC", [], {}],
)  # fmt: skip
def test_a_record_without_a_readable_time_is_kept(stated: object) -> None:
    """Its legs count in the proof; its place in time is not invented."""
    entry = decode(BUY, datetime=stated)
    assert isinstance(entry, UnknownEntry)
    assert entry.time == TIME_NOT_STATED
    assert entry.reason.startswith("the time cannot be read")
    assert entry.transaction_id == 310000777


@pytest.mark.parametrize(
    ("stated", "time"),
    [
        ("2025-01-02 03:04:05", dt.datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("2025-01-02 03:04:05.1", dt.datetime(2025, 1, 2, 3, 4, 5, 100000, tzinfo=UTC)),
        ("2025-01-02T03:04:05+00:00", dt.datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("2025-01-02T03:04:05+02:00", dt.datetime(2025, 1, 2, 1, 4, 5, tzinfo=UTC)),
        ("2025-01-02T03:04:05Z", dt.datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC)),
    ],
)
def test_times_are_utc_unless_they_say_otherwise(stated: str, time: dt.datetime) -> None:
    """Other endpoints state an offset, and this one may begin to."""
    assert decode(BUY, datetime=stated).time == time


@pytest.mark.parametrize(
    "stated", ["NaN", "sNaN", "Infinity", "-inf", "1e999", "1e-999", "1" * 200]
)
def test_a_leg_beyond_all_money_is_said_and_the_others_are_kept(stated: str) -> None:
    """Whatever comes first in the record."""
    for record in ({"zzz": stated, **BUY}, {**BUY, "zzz": stated}):
        entry = decode(record)
        assert isinstance(entry, UnknownEntry)
        assert "'zzz'" in entry.reason
        assert amounts(entry) == ["0.40000000 ETH", "-880.20 EUR"]


@pytest.mark.parametrize(
    "stated",
    [
        "NaN",
        "sNaN",
        "-Infinity",
        "1e999",
        "-1",
        "-0.01",
        "x",
        "",
        "1_0",
        "\N{ARABIC-INDIC DIGIT ONE}",
        True,
        [],
        {},
    ],
)
def test_a_senseless_fee_makes_an_unknown_entry(stated: object) -> None:
    """The legs stand, the fee is not invented."""
    entry = decode(BUY, fee=stated)
    assert isinstance(entry, UnknownEntry)
    assert entry.fee is None
    assert amounts(entry) == ["0.40000000 ETH", "-880.20 EUR"]


@pytest.mark.parametrize("stated", ["NaN", "sNaN", "inf", "1e999", "x", "1_0", None, True, [], ...])
def test_a_trade_without_a_readable_rate_is_unknown(stated: object) -> None:
    """Nothing else says which leg is the base."""
    for eur in ("-880.20", "0.00"):
        entry = decode(BUY, eth_eur=stated, eur=eur)
        assert isinstance(entry, UnknownEntry)
        assert Amount(Decimal("0.40000000"), "ETH") in entry.legs


def test_text_under_an_unknown_key_is_no_leg() -> None:
    """New fields come; only numbers can be money."""
    entry = decode(BUY, note="settled", counterparty="bank", tags=["a"], more={"x": "1"})
    assert isinstance(entry, Trade)


def test_a_number_under_an_unknown_key_is_taken_for_money_and_said() -> None:
    """Better a question too many than a currency that was overlooked."""
    entry = decode(BUY, doge="12.5")
    assert isinstance(entry, UnknownEntry)
    assert entry.reason == "a trade has two legs, this has 3"


# -- pages


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        ("", "not JSON"),
        ("[", "not JSON"),
        ('[{"id": 1}', "not JSON"),
        ("<html>", "not JSON"),
        (b"\xff", "not JSON"),
        ("[" * 100_000 + "]" * 100_000, "not JSON"),
        ("[" + "9" * 5000 + "]", "not JSON"),
        ("[1e99999999999999999999]", "not JSON"),
        ("[NaN]", "not JSON"),
        ("{}", "an object where an array belongs"),
        ('{"reason": "Invalid offset"}', "an array belongs: Invalid offset"),
        ("null", "null where an array belongs"),
        ('"x"', "a text where an array belongs"),
        ("true", "a boolean where an array belongs"),
        ("1.5", "a number where an array belongs"),
        ("[{}, 1]", "a number where an object belongs, element 1"),
        ("[null]", "null where an object belongs, element 0"),
        ("[[]]", "an array where an object belongs, element 0"),
    ],
)
def test_a_page_that_is_no_page_is_refused_whole(raw: str | bytes, problem: str) -> None:
    """Only what is no record at all makes a reply unreadable."""
    with pytest.raises(UnreadableReplyError) as caught:
        parse_user_transactions(raw)
    assert problem in caught.value.problems[0]
    assert caught.value.endpoint == "user_transactions"


@pytest.mark.parametrize("depth", range(940, 1010, 2))
def test_a_page_as_deep_as_the_stack_is_read_or_refused(depth: int) -> None:
    """There is a depth that decoding still reads and that a digest no longer does."""
    page = '[{"type": "99", "x": ' + "[" * depth + "]" * depth + "}]"
    try:
        (entry,) = parse_user_transactions(page)
    except UnreadableReplyError:
        return
    assert isinstance(entry, UnknownEntry)


def test_an_empty_page_is_no_entries() -> None:
    """The last page of a walk."""
    assert parse_user_transactions(b" [] ") == []


def test_a_page_keeps_its_order_and_its_account() -> None:
    """Nothing is sorted, dropped or merged here."""
    page = json.dumps([WITHDRAWAL, BUY, BUY, DEPOSIT])
    entries = parse_user_transactions(page, account="savings")
    assert [entry.id for entry in entries] == [
        "savings/withdrawal/104000777",
        "savings/trade/310000777",
        "savings/trade/310000777",
        "savings/deposit/48000777",
    ]
    assert {entry.account for entry in entries} == {"savings"}


def _row(number: int, code: str, **amounts: str) -> dict[str, Any]:
    zeros = {"usd": 0.0, "btc": 0.0, "eur": 0.0, "btc_usd": "0.00"}
    time = f"2018-02-{number:02} 10:00:00"
    return {**zeros, "id": number, "datetime": time, "type": code, **amounts}


ACCOUNT = [
    _row(1, "0", usd="5000.00", fee="7.50"),
    _row(2, "2", btc="0.30000000", usd="-3000.00", btc_usd="10000.00", fee="7.50"),
    _row(3, "2", btc="0.19700000", usd="-1980.05", btc_usd="10051.02", fee="4.95"),
    _row(4, "1", btc="-0.49650000", fee="0.00050000"),
    _row(5, "0", usd="2000.00", fee="7.50"),
    _row(6, "2", btc="0.20000000", usd="-1987.53", btc_usd="9937.65", fee="4.97"),
    _row(7, "1", btc="-0.19950000", fee="0.00050000"),
]
"""Deposit, buys, withdrawal, twice; each time nothing is left."""


def test_the_legs_minus_the_fees_leave_an_emptied_account_empty() -> None:
    """docs/facts/exchange.md, "Balance effect": a recorded account behaves like this one."""
    total: dict[str, Decimal] = {}
    for entry in parse_user_transactions(json.dumps(ACCOUNT)):
        for currency, change in entry.effect.items():
            total[currency] = total.get(currency, Decimal(0)) + change
    assert total == {"USD": Decimal("0.00"), "BTC": Decimal("0E-8")}


# -- laws

MEMBERS = st.one_of(
    st.sampled_from(
        [
            "0", "0.0", "-0.0", "1", "-1", "1.50", "1E-8", "-2e-8", "1e999", "-1e999", "null",
            "true", "false", "[]", "{}", "[1.5]", '{"a": 1e5}', '"0.00"', '"1.00000000"',
            '"-1.00000000"', '"NaN"', '"sNaN"', '"-Infinity"', '"1_0"', '"1e999"', '"None"',
            '""', '" 1"', '"2025-06-03 16:20:05"', '"2"', '"36"', '"0"', '"57"',
            "123456789012345678901234567890",
        ]
    ),
    st.integers().map(str),
    st.integers(0, 70).map(lambda code: f'"{code}"'),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.decimals(allow_nan=False, allow_infinity=False).map(lambda value: f'"{value}"'),
    st.text(max_size=8).map(json.dumps),
)  # fmt: skip
KEYS = st.one_of(
    st.sampled_from(
        ["id", "datetime", "type", "fee", "order_id", "self_trade", "fee_currency", "usd", "btc",
         "eur", "eth", "btc_usd", "eth_eur", "usd_btc", "eur_", "_eur", "", "_", "id_eur",
         "btc-perp"]
    ),
    st.text(max_size=6),
)  # fmt: skip
TYPICAL = {
    "id": "7",
    "datetime": '"2025-06-03 16:20:05"',
    "type": '"2"',
    "eth": '"1.0"',
    "eur": '"-2000.00"',
    "eth_eur": "2000.0",
    "fee": '"1.00"',
}


def _record(members: dict[str, str]) -> str:
    return "{" + ", ".join(f"{json.dumps(key)}: {member}" for key, member in members.items()) + "}"


RECORDS = st.one_of(
    st.dictionaries(KEYS, MEMBERS, max_size=10),
    st.dictionaries(KEYS, MEMBERS, max_size=3).map(lambda changes: {**TYPICAL, **changes}),
).map(_record)
PAGES = st.lists(RECORDS, max_size=4).map(lambda records: f"[{', '.join(records)}]")


def _holds_a_float(value: object) -> bool:
    if isinstance(value, dict):
        return any(map(_holds_a_float, value.values()))
    if isinstance(value, list):
        return any(map(_holds_a_float, value))
    return isinstance(value, float)


@given(PAGES)
def test_any_objects_are_entries_one_for_one_and_exact(page: str) -> None:
    """No record is dropped, none raises, and no number was ever a float."""
    entries = parse_user_transactions(page)
    assert len(entries) == len(json.loads(page))
    for entry in entries:
        assert entry.time.tzinfo is UTC
        assert not _holds_a_float(dict(entry.source.raw))
        assert all(leg.value for leg in entry.legs) or isinstance(entry, Trade)
        price = getattr(entry, "price", None)
        assert price is None or (type(price) is Decimal and price > 0)
        expected: dict[str, Decimal] = {}
        with decimal.localcontext(prec=400):
            for leg in entry.legs:
                expected[leg.currency] = expected.get(leg.currency, Decimal(0)) + leg.value
            if entry.fee is not None:
                held = expected.get(entry.fee.currency, Decimal(0))
                expected[entry.fee.currency] = held - entry.fee.value
        assert entry.effect == expected
        assert isinstance(entry, UnknownEntry) == hasattr(entry, "reason")


@given(PAGES)
@example('[{"id": 4.0930150155716024e+16}]')
@example('[{"id": 7, "type": 2e0}]')
@example('[{"id": 0, "type": -1.0263421467338292e+16}]')
@example('[{"id": 0, "type": 4.1e25}]')
@example('[{"id": 0, "type": -123456789012345678901234567890}]')
@example('[{"id": 7e1, "type": 1.4e1, "order_id": 3e999}]')
def test_a_page_written_again_parses_to_the_same_entries(page: str) -> None:
    """So a stored history can be read again by a later version."""
    entries = parse_user_transactions(page)
    written = encode_user_transactions(entries)
    assert parse_user_transactions(written) == entries
    assert encode_user_transactions(parse_user_transactions(written)) == written


def test_a_page_is_written_digit_by_digit() -> None:
    """Text stays text, a number keeps its digits."""
    page = (
        b'[{"id":7,"eth":"1.50","eth_eur":2200.50,"usd":0.0,"btc":0,"x":null,"self_trade":false}]'
    )
    assert encode_user_transactions(parse_user_transactions(page)) == page


@given(st.permutations(list(BUY.items())))
def test_the_order_of_keys_changes_nothing_of_a_trade(items: list[tuple[str, Any]]) -> None:
    """The exchange sends them in any."""
    assert decode(dict(items)) == decode(BUY)


# -- balances


def test_balances_are_exact_in_capitals_and_keep_their_zeros() -> None:
    """Hundreds of them are zero; whether to hide those is not decided here."""
    raw = (
        '[{"currency": "btc", "total": "0.61250000", "available": "0.60000000",'
        ' "reserved": "0.01250000", "new": 1},'
        ' {"currency": "1inch", "total": "0.00", "available": 0, "reserved": 0.0}]'
    )
    assert parse_balances(raw) == (
        Balance(
            currency="BTC",
            total=Decimal("0.61250000"),
            available=Decimal("0.60000000"),
            reserved=Decimal("0.01250000"),
        ),
        Balance(
            currency="1INCH", total=Decimal("0.00"), available=Decimal(0), reserved=Decimal("0.0")
        ),
    )


@pytest.mark.parametrize(
    "change",
    [
        {"total": ...},
        {"total": None},
        {"total": "x"},
        {"total": "1_0"},
        {"total": "NaN"},
        {"total": "1e999"},
        {"total": True},
        {"total": []},
        {"currency": ...},
        {"currency": None},
        {"currency": ""},
        {"currency": 7},
        {"currency": "ß€"},
    ],
)
def test_a_balance_that_cannot_be_read_makes_the_reply_unreadable(change: dict[str, Any]) -> None:
    """A ledger proved against half the balances is not proved."""
    row = {"currency": "btc", "total": "1", "available": "1", "reserved": "0", **change}
    rows = [{key: value for key, value in row.items() if value is not ...}]
    with pytest.raises(UnreadableReplyError, match="account_balances") as caught:
        parse_balances(json.dumps(rows))
    assert caught.value.problems


@pytest.mark.parametrize("raw", ["", "{}", "[1]", "[[]]", '{"reason": "x"}'])
def test_balances_that_are_none_are_refused(raw: str) -> None:
    """An object where an array belongs is how errors come with status 200."""
    with pytest.raises(UnreadableReplyError):
        parse_balances(raw)


def test_the_table_of_legs_is_complete() -> None:
    """Every pattern is used, so none is dead."""
    assert {rule.legs for rule in RECORD_TYPES.values()} == set(Legs)
