"""One test for each way in which an export shows a trade differently from the API.

Source: docs/facts/files.md, "Differences".
"""

from collections.abc import Callable

import attrs
import pytest

from bitstamp_ledger import (
    Decision,
    Deposit,
    Grade,
    Reconciliation,
    Rule,
    Statement,
    Trade,
    UnknownEntry,
    Verdict,
    read_statement,
)
from bitstamp_ledger.reconcile import reconcile
from tests.reconcile.builders import (
    G1_HEADER,
    Happened,
    g1,
    g1_lines,
    g1_row,
    g1_text,
    g2,
    g2_lines,
    g2_row,
    raw_records,
    records,
)
from tests.reconcile.verdicts import COINTRACKING, table

A = Happened()


def later(trade: Happened, time: str, *, id: int | None = None) -> Happened:  # noqa: A002
    """Return the same trade at another time, under another id."""
    return attrs.evolve(trade, time=time, id=trade.id + 1 if id is None else id)


def repeats(count: int, *, first_id: int = 163402118) -> list[Happened]:
    """Return fills that no row of the old export tells apart."""
    return [attrs.evolve(A, id=first_id + number) for number in range(count)]


def reconciled(api: list[Happened], *statements: Statement) -> Reconciliation:
    """Reconcile, and make sure of what holds whatever the outcome."""
    result = reconcile(records(api), statements)
    assert result.counts.adds_up
    assert len(result.entries) == len(api) + len(result.new)
    return result


# -- time


def test_the_minute_of_the_old_export_is_cut_off() -> None:
    """D1: a row says the minute in which it happened, never the next."""
    result = reconciled([A], g1(A))
    assert [(match.rule, match.grade) for match in result.matches] == [
        (Rule.INTERVALS, Grade.STRONG)
    ]
    assert result.new == ()
    assert result.api_only == ()


def test_the_first_instant_of_the_next_minute_is_another_trade() -> None:
    """D41: the interval is half-open; it is not a tolerance around the minute."""
    edge = attrs.evolve(A, time="2021-03-28 00:42:00.000000")
    result = reconciled([edge], g1(A))
    assert result.matches == ()
    assert len(result.new) == len(result.api_only) == 1
    assert [suspect.field for suspect in result.suspects] == ["time"]


def test_the_last_microsecond_of_the_minute_before_is_another_trade() -> None:
    """D41, at the other end."""
    edge = attrs.evolve(A, time="2021-03-28 00:40:59.999999")
    assert reconciled([edge], g1(A)).matches == ()


def test_the_last_microsecond_of_the_minute_belongs_to_it() -> None:
    """D1: the other end of the same interval."""
    edge = attrs.evolve(A, time="2021-03-28 00:41:59.999999")
    assert len(reconciled([edge], g1(A)).matches) == 1


@pytest.mark.parametrize(
    ("time", "printed"),
    [
        ("2021-03-28 00:00:59.9", "Mar. 28, 2021, 12:00 AM"),
        ("2021-03-28 12:07:01", "Mar. 28, 2021, 12:07 PM"),
        ("2021-05-09 08:02:51", "May. 09, 2021, 08:02 AM"),
        ("2021-03-28 23:59:59.999999", "Mar. 28, 2021, 11:59 PM"),
        ("2021-12-31 13:00:00", "Dec. 31, 2021, 01:00 PM"),
    ],
)
def test_midnight_noon_and_months_are_read_as_printed(time: str, printed: str) -> None:
    """Twelve o'clock is where 12-hour clocks go wrong; May carries a dot though it is whole."""
    happened = attrs.evolve(A, time=time)
    row = g1_row(happened)
    assert printed in row
    assert len(reconciled([happened], g1_lines(row)).matches) == 1


def test_the_second_of_the_newer_export_is_cut_off() -> None:
    """D2, where the row has lost its id."""
    row = g2_row(A, with_id=False)
    assert "2021-03-28T00:41:36Z" in row
    result = reconciled([A], g2_lines(row))
    assert [match.rule for match in result.matches] == [Rule.INTERVALS]


def test_a_row_without_id_one_second_off_is_kept_and_shown() -> None:
    """A second is a second; what is off by one may still be the same, so a person is told."""
    result = reconciled([A], g2_lines(g2_row(later(A, "2021-03-28 00:41:37"), with_id=False)))
    assert result.matches == ()
    assert [suspect.field for suspect in result.suspects] == ["time"]


# -- amounts and fee


def test_signs_of_the_api_are_the_sides_of_the_file() -> None:
    """D10: exports print no signs."""
    sale = attrs.evolve(A, side="Sell")
    assert len(reconciled([sale], g1(sale)).matches) == 1
    assert len(reconciled([sale], g2(sale)).matches) == 1


def test_the_rate_plays_no_part() -> None:
    """D14: both amounts agree, so a rounded or averaged rate proves nothing."""
    rounded = g1_row(A).replace("47318.62 EUR", "47318.6 EUR")
    assert len(reconciled([A], g1_lines(rounded)).matches) == 1


def test_a_quote_printed_with_more_digits_is_within_the_rounded_one() -> None:
    """D11: the file holds 0.04219875 x 47318.62, of which the API shows the cents."""
    unrounded = g1_row(A).replace("1996.79 EUR", "1996.78661573 EUR")
    assert len(reconciled([A], g1_lines(unrounded)).matches) == 1


def test_a_quote_that_is_a_cent_off_is_another() -> None:
    """Two roundings to cents that differ are two numbers, though both touch the tie between."""
    other = g1_row(A).replace("1996.79 EUR", "1996.80 EUR")
    result = reconciled([A], g1_lines(other))
    assert result.matches == ()
    assert [suspect.field for suspect in result.suspects] == ["quote amount"]


@pytest.mark.parametrize("printed", ["9.98392", "9.98394"])
def test_the_last_digit_of_the_fee_may_be_rounded_or_cut(printed: str) -> None:
    """The exchange computes it from the unrounded quote; one unit is allowed."""
    assert len(reconciled([A], g1_lines(g1_row(A).replace("9.98393", printed))).matches) == 1


@pytest.mark.parametrize("printed", ["9.98391", "9.98395", "0.00000"])
def test_another_fee_is_another_trade(printed: str) -> None:
    """A fee that is printed counts; zero is a fee that was stated."""
    result = reconciled([A], g1_lines(g1_row(A).replace("9.98393", printed)))
    assert result.matches == ()
    assert [suspect.field for suspect in result.suspects] == ["fee"]


def test_an_empty_fee_agrees_with_any_but_proves_less() -> None:
    """D16: an empty cell is no fee or an unknown one."""
    result = reconciled([A], g1(attrs.evolve(A, fee=None)))
    assert [match.grade for match in result.matches] == [Grade.WEAK]


def test_the_row_that_states_the_fee_is_the_better_witness() -> None:
    """Of two rows that fit one record, the one that leaves nothing unstated is its witness."""
    result = reconciled([A], g1(attrs.evolve(A, fee=None), A))
    assert [match.grade for match in result.matches] == [Grade.STRONG]
    assert [row.fee for row in result.new] == [None]


def test_the_row_that_is_printed_alike_is_the_better_witness() -> None:
    """A row whose fee differs within its last digit is kept, not the one that is equal."""
    near = g1_row(A).replace("9.98393", "9.98394")
    result = reconciled([A], g1_lines(near, g1_row(A)))
    assert len(result.matches) == 1
    assert [str(row.fee) for row in result.new] == ["9.98394 EUR"]
    assert result.conflicts == ()


@pytest.mark.parametrize("value", ["1 996,79", "1\u00a0996,79", "1\u202f996,79", "1996,79"])
def test_a_decimal_comma_and_spaces_between_thousands_are_read(value: str) -> None:
    """D19: a spreadsheet of another country saved the file."""
    row = f'Market;"Mar. 28, 2021, 12:41 AM";Main Account;0,04219875 BTC;{value} EUR;'
    text = f"{G1_HEADER.replace(',', ';')}\n{row}47318,62 EUR;9,98393 EUR;Buy\n"
    result = reconciled([A], read_statement(text.encode()))
    assert [match.grade for match in result.matches] == [Grade.STRONG]


@pytest.mark.parametrize("noise", ["9.983930000000001", "9.983929999999999"])
def test_noise_of_binary_floats_is_within_the_last_digit(noise: str) -> None:
    """D15: a program computed with floats, and printed all of their digits."""
    result = reconciled([A], g1_lines(g1_row(A).replace("9.98393", noise)))
    assert [match.grade for match in result.matches] == [Grade.STRONG]


@pytest.mark.parametrize(
    ("side", "legs"),
    [
        ("Buy", '"0.04219875","BTC","2006.77393","EUR"'),
        ("Sell", '"1986.80607","EUR","0.04219875","BTC"'),
    ],
)
def test_a_fee_that_was_folded_into_the_quote_is_taken_out(side: str, legs: str) -> None:
    """D17: 1996.79 and a fee of 9.98393, as CoinTracking prints them."""
    row = f'"Trade",{legs},"9.98393","EUR","Bitstamp","","","28.03.2021 00:41"'
    result = reconciled([attrs.evolve(A, side=side)], table(COINTRACKING, row, timezone="UTC"))
    assert [match.grade for match in result.matches] == [Grade.STRONG]


def test_the_night_in_which_summer_time_begins() -> None:
    """D5: 00:41 and 01:05 were 01:41 and 03:05 in Paris; no single shift fits both."""
    trades = [A, later(A, "2021-03-28 01:05:10")]
    rows = (
        '"Trade","0.04219875","BTC","2006.77393","EUR","9.98393","EUR","Bitstamp","","",'
        f'"28.03.2021 {time}"'
        for time in ("01:41", "03:05")
    )
    result = reconciled(trades, table(COINTRACKING, *rows, timezone="Europe/Paris"))
    assert [match.grade for match in result.matches] == [Grade.STRONG] * 2


# -- repeats


@pytest.mark.parametrize(
    ("held", "rows", "pairs"), [(3, 3, 3), (3, 2, 2), (2, 3, 2), (1, 3, 1), (3, 1, 1)]
)
def test_repeats_are_paired_one_to_one(held: int, rows: int, pairs: int) -> None:
    """D28, D29, D30: equal rows are real trades; min(k, m) pairs, and nothing is lost."""
    result = reconciled(repeats(held), g1(*repeats(rows)))
    assert len(result.matches) == pairs
    assert len(result.api_only) == held - pairs
    assert len(result.new) == rows - pairs
    assert result.conflicts == ()


def test_repeats_are_paired_in_the_order_of_time_and_of_the_file() -> None:
    """Which is paired with which does not matter, and so it should be what a person expects."""
    result = reconciled(repeats(12, first_id=1), g1(*repeats(12)))
    pairs = [(each.api[0].transaction_id, each.file[0].source.row) for each in result.matches]
    assert sorted(pairs) == [(number, number) for number in range(1, 13)]


def test_a_row_deleted_by_hand_leaves_its_record_alone() -> None:
    """D35: ten records, nine rows."""
    trades = [later(A, f"2021-03-28 00:{minute}:05", id=minute) for minute in range(10, 20)]
    result = reconciled(trades, g1(*trades[:4], *trades[5:]))
    assert len(result.matches) == 9
    assert [entry.transaction_id for entry in result.api_only] == [14]


def test_an_hourly_bot_matches_itself_only_at_its_hours() -> None:
    """The same order every hour: the third hour is not in the file."""
    hours = [later(A, f"2021-03-28 {hour}:00:05", id=hour) for hour in (10, 11, 12)]
    result = reconciled(hours, g1(*hours[:2]))
    assert len(result.matches) == 2
    assert [entry.transaction_id for entry in result.api_only] == [12]


# -- what tells trades apart


@pytest.mark.parametrize(
    "other",
    [
        attrs.evolve(A, side="Sell"),
        attrs.evolve(A, quote="USD"),
        attrs.evolve(A, base="ETH"),
        attrs.evolve(A, account="Bot"),
        attrs.evolve(A, amount="0.04219876"),
    ],
    ids=["opposite sides", "two pairs", "two coins", "sub-account", "another amount"],
)
def test_a_trade_that_differs_in_one_fact_is_another(other: Happened) -> None:
    """D38, D42, D44: same minute and numbers are not enough."""
    result = reconciled([A], g1(other))
    assert result.matches == ()
    assert len(result.entries) == 2
    shown = {suspect.field for suspect in result.suspects}
    assert shown <= {"account", "base amount", "quote amount"}


def test_a_deposit_is_never_a_trade() -> None:
    """D43: same coin, amount and minute."""
    deposit = 'Deposit,"Mar. 28, 2021, 12:41 AM",Main Account,0.04219875 BTC,,,,'
    result = reconciled([A], g1_lines(deposit))
    assert result.matches == ()
    assert [type(row) for row in result.new] == [Deposit]


def test_a_reward_is_never_a_trade() -> None:
    """D47: staking rewards that a file shows with an empty second side."""
    rewards = raw_records(
        {"id": 5, "type": "27", "datetime": "2021-03-28 00:41:36", "eth": "0.01", "fee": "0.00"}
    )
    row = 'Market,"Mar. 28, 2021, 12:41 AM",Main Account,0.01 ETH,1996.79 EUR,1 EUR,,Buy'
    result = reconcile(rewards, [g1_lines(row)])
    assert result.matches == ()
    assert len(result.entries) == 2


def test_deposits_and_withdrawals_are_recognised_too() -> None:
    """A withdrawal's fee is stated on both sides; a deposit has none in the file."""
    api = raw_records(
        {"id": 1, "type": "0", "datetime": "2021-03-27 21:05:12", "eur": "2500.00", "fee": "0.00"},
        {"id": 2, "type": "1", "datetime": "2021-06-01 10:14:40", "eur": "-120.00", "fee": "3.00"},
    )
    rows = (
        'Deposit,"Mar. 27, 2021, 09:05 PM",Main Account,2500.00 EUR,,,,',
        'Withdrawal,"Jun. 01, 2021, 10:14 AM",Main Account,120.00 EUR,,,3.00 EUR,',
    )
    result = reconcile(api, [g1_lines(*rows)])
    assert [match.grade for match in result.matches] == [Grade.WEAK, Grade.STRONG]
    assert result.new == ()


def test_one_event_under_two_kinds_is_shown() -> None:
    """An airdrop is a plain deposit in the export, and may be a reward by API: a person decides."""
    api = raw_records(
        {"id": 5, "type": "27", "datetime": "2021-03-28 00:41:36", "eth": "0.01", "fee": "0.00"}
    )
    row = 'Deposit,"Mar. 28, 2021, 12:41 AM",Main Account,0.01 ETH,,,,'
    result = reconcile(api, [g1_lines(row)])
    assert result.matches == ()
    assert [suspect.field for suspect in result.suspects] == ["kind"]


# -- ids


def test_equal_id_and_content_is_certain() -> None:
    """The strongest rule."""
    result = reconciled([A], g2(A))
    assert [(match.rule, match.grade) for match in result.matches] == [
        (Rule.EXCHANGE_ID, Grade.CERTAIN)
    ]


def test_an_unlike_id_is_another_trade_where_other_ids_match() -> None:
    """Ids of one kind that differ name two trades, though every cell is the same."""
    others = [later(A, f"2021-03-28 01:{minute}:00", id=minute) for minute in (10, 11)]
    twin = attrs.evolve(A, id=163402119)
    result = reconciled([A, *others], g2(twin, *others))
    assert len(result.matches) == 2
    assert [row.transaction_id for row in result.new] == [163402119]
    assert result.ids[0].trusted


def test_ids_of_another_kind_give_way_to_contents() -> None:
    """Twenty rows of equal content whose ids are all unlike: compared by content, with notice."""
    trades = [later(A, f"2021-03-28 00:{minute}:36.5", id=minute) for minute in range(10, 30)]
    unlike = [attrs.evolve(trade, id=trade.id + 900_000) for trade in trades]
    result = reconciled(trades, g2(*unlike))
    assert len(result.matches) == 20
    assert {match.rule for match in result.matches} == {Rule.INTERVALS}
    (notice,) = result.ids
    assert not notice.trusted
    assert notice.explanation == (
        "ids and contents disagree throughout, so these are not the exchange's ids; "
        "rows were compared by content"
    )


def test_a_burst_of_unlike_ids_is_no_evidence() -> None:
    """Fills of one order within one second, of which the API has some and the file the others."""
    result = reconciled(repeats(3), g2(*repeats(3, first_id=900)))
    assert result.matches == ()
    assert len(result.entries) == 6
    assert len(result.suspects) == 3


def test_two_unlike_ids_are_too_few_to_doubt_ids() -> None:
    """Nothing is merged on a guess; both rows are kept and shown."""
    trades = [later(A, f"2021-03-28 00:{minute}:36", id=minute) for minute in (10, 11)]
    result = reconciled(trades, g2(*(attrs.evolve(each, id=each.id + 900) for each in trades)))
    assert result.matches == ()
    assert [suspect.field for suspect in result.suspects] == ["exchange id", "exchange id"]


def test_an_equal_id_with_another_amount_is_a_conflict() -> None:
    """Both are kept, and a person must look."""
    result = reconciled([A], g2(attrs.evolve(A, amount="0.05219875")))
    assert result.matches == ()
    assert len(result.entries) == 2
    (conflict,) = result.conflicts
    assert [entry.transaction_id for entry in (*conflict.api, *conflict.file)] == [163402118] * 2


def test_an_id_in_conflict_is_not_matched_by_content_either() -> None:
    """The row that contradicts its id must not eat another trade of equal content."""
    twin = attrs.evolve(A, id=7, amount="0.05219875")
    result = reconciled([A, twin], g2(attrs.evolve(A, amount="0.05219875")))
    assert result.matches == ()
    assert len(result.entries) == 3


def test_both_sides_of_a_self_trade_are_two_trades() -> None:
    """D39: one id, bought by the main account and sold by the bot."""
    bought = attrs.evolve(A, id=7)
    sold = attrs.evolve(A, id=7, side="Sell", account="Bot")
    result = reconciled([bought], g2(sold))
    assert result.matches == ()
    assert len(reconciled([bought, sold], g2(sold, bought)).matches) == 2


def test_both_sides_within_one_account_are_two_trades() -> None:
    """D39 within one account: the side is part of the key."""
    both = raw_records(
        *(
            {
                "id": 7,
                "type": "2",
                "datetime": "2021-03-28 00:41:36.1",
                "btc": amount,
                "eur": value,
                "btc_eur": "100",
                "fee": "0.10",
                "order_id": 1,
                "self_trade": True,
            }
            for amount, value in (("0.1", "-10.00"), ("-0.1", "10.00"))
        )
    )
    trade = Happened(id=7, amount="0.1", price="100", fee="0.10", order=1)
    result = reconcile(both, [g2(trade, attrs.evolve(trade, side="Sell"))])
    assert len(result.matches) == 2
    assert result.conflicts == ()


def test_an_order_id_that_a_spreadsheet_mangled_does_not_matter() -> None:
    """D21: the record's id is intact, and the order's plays no part."""
    row = g2_row(A).replace("1342211907391488", '"1,34221E+15"')
    result = reconciled([A], g2_lines(row))
    assert [match.grade for match in result.matches] == [Grade.CERTAIN]


def test_a_row_that_repeats_an_id_of_its_own_file_is_shown() -> None:
    """Two exports pasted into one: nothing inside a file is merged, so a person is told."""
    for result in (reconciled([A], g2(A, A)), reconciled([], g2(A, A))):
        assert [suspect.field for suspect in result.suspects] == ["row number"]


def test_rows_without_id_are_paired_before_ids_are_doubted() -> None:
    """A row that has lost its id must not lose its record to a row of another id."""
    stranger = attrs.evolve(A, id=5)
    result = reconciled([A], g2_lines(g2_row(stranger), g2_row(A, with_id=False)))
    assert [match.file[0].transaction_id for match in result.matches] == [None]


@pytest.mark.parametrize("second", range(10, 20))
def test_ids_proven_on_one_export_hold_for_its_other_part(second: int) -> None:
    """Three fills that the API lacks equal three that it has; only the other file shows ids.

    Whichever file is read first, hence the ten times.
    """
    held = [
        later(A, f"2021-03-28 00:{minute}:{second}", id=minute * 100) for minute in (10, 20, 30)
    ]
    lacking = [attrs.evolve(each, id=each.id + 1) for each in held]
    result = reconciled(held, g2(*lacking), g2(*held))
    assert [row.transaction_id for row in result.new] == [1001, 2001, 3001]


def test_of_twins_under_ids_of_another_kind_the_same_one_is_kept_in_any_order() -> None:
    """Where rows differ in nothing but such an id, their place in the file decides nothing."""
    trades = minutes(10, 20, 30)
    rows = [attrs.evolve(each, id=each.id + 900) for each in trades]
    twin = attrs.evolve(rows[0], id=911)
    for order in ([*rows, twin], [twin, *rows]):
        result = reconciled(trades, g2(*order))
        assert [row.transaction_id for row in result.new] == [911]


def test_a_conflict_that_is_read_again_is_the_same_conflict() -> None:
    """The copy of the row that contradicts the record is a witness of that row."""
    changed = attrs.evolve(A, amount="0.05219875")
    result = reconciled([A], g2(changed), g2(changed))
    assert len(result.entries) == 2
    assert len(result.conflicts) == len(result.file_matches) == 1


def test_ids_of_two_files_are_compared_without_the_api() -> None:
    """The files share one id, so ids that differ name different trades, equal as they look."""
    first = [later(A, f"2021-03-28 00:{minute}:36", id=minute) for minute in (10, 20, 30, 40)]
    second = [attrs.evolve(each, id=each.id + 1) for each in first[:3]]
    result = reconciled([], g2(*first), g2(*second, first[3]))
    assert len(result.file_matches) == 1
    assert len(result.entries) == 7


def test_a_rejection_outweighs_an_id() -> None:
    """Even the strongest rule; both are kept."""
    api, file = records([A]), g2(A)
    said = Decision(verdict=Verdict.REJECT, record_id=api[0].id, row_id=file.entries[0].id)
    result = reconcile(api, [file], decisions=[said])
    assert result.matches == ()
    assert len(result.entries) == 2


# -- vocabulary


def test_a_pair_in_the_other_orientation_is_the_same() -> None:
    """D25: sold ETH for BTC, or bought BTC with ETH."""
    sale = Happened(
        base="ETH",
        quote="BTC",
        side="Sell",
        amount="0.83310000",
        price="0.05914377",
        fee="0.00019709",
    )
    assert sale.value == "0.04927267"
    swapped = (
        'Market,"Mar. 28, 2021, 12:41 AM",Main Account,0.04927267 BTC,0.83310000 ETH,'
        "16.9079516 ETH,0.00019709 BTC,Buy"
    )
    assert len(reconciled([sale], g1_lines(swapped)).matches) == 1


def test_xbt_is_btc() -> None:
    """D26."""
    assert len(reconciled([A], g1_lines(g1_row(A).replace("BTC", "XBT"))).matches) == 1


def test_a_transfer_is_no_trade() -> None:
    """Its value is a text."""
    row = (
        "171901177,Main Account,Sub Account Transfer,,2021-06-03T06:30:00Z,0.01000000,BTC,"
        "Main Account -> Bot,,,,,,"
    )
    result = reconciled([A], g2_lines(row))
    assert [entry.kind for entry in result.new] == ["transfer"]


def test_an_unknown_type_is_kept_and_counted() -> None:
    """Never guessed, never dropped."""
    row = "9,Main Account,Something new,,2021-06-03T06:30:00Z,0.01000000,BTC,,,,,,,"
    result = reconciled([A], g2_lines(row))
    assert [type(entry) for entry in result.new] == [UnknownEntry]
    assert result.counts.quarantined == 1


def test_a_type_that_the_api_does_not_explain_is_recognised_by_its_id() -> None:
    """Not understood on both sides, but the same id, amount and time."""
    api = raw_records(
        {"id": 9, "type": "99", "datetime": "2021-06-03 06:30:00.5", "btc": "0.01", "fee": "0.00"}
    )
    row = "9,Main Account,Something new,,2021-06-03T06:30:00Z,0.01000000,BTC,,,,,,,"
    result = reconcile(api, [g2_lines(row)])
    assert [match.grade for match in result.matches] == [Grade.CERTAIN]


def test_a_type_that_is_not_understood_is_shown_where_its_amount_is_known() -> None:
    """Without id nothing proves it, but the balance would count it twice."""
    api = raw_records(
        {"id": 9, "type": "99", "datetime": "2021-06-03 06:30:00.5", "btc": "0.01", "fee": "0.00"}
    )
    row = 'Something new,"Jun. 03, 2021, 06:30 AM",Main Account,0.01000000 BTC,,,,'
    result = reconcile(api, [g1_lines(row)])
    assert result.matches == ()
    assert [suspect.field for suspect in result.suspects] == ["kind"]


def test_lines_wrapped_in_quotes_whole_are_read() -> None:
    """What some browsers made of the old export."""
    wrapped = '"' + g1_row(A).replace('"', '""') + '"'
    assert len(reconciled([A], g1_lines(wrapped)).matches) == 1


# -- several files


def minutes(*numbers: int) -> list[Happened]:
    """Return one trade for each minute."""
    return [later(A, f"2021-03-28 00:{number}:36.5", id=number) for number in numbers]


@pytest.mark.parametrize("export", [g1, g2])
def test_the_same_file_twice_adds_nothing(export: Callable[..., Statement]) -> None:
    """D31, with repeats inside it, with the API and without."""
    rows = [*repeats(3), *minutes(50, 51)]
    twice = reconciled([], export(*rows), export(*rows))
    assert len(twice.entries) == 5
    assert len(twice.file_matches) == 5
    assert len(reconciled(rows, export(*rows), export(*rows)).entries) == 5


def test_a_file_saved_again_adds_nothing() -> None:
    """D32: other bytes, same rows."""
    rows = [g1_row(trade) for trade in (*repeats(2), *minutes(50))]
    saved = b"\xef\xbb\xbf" + g1_text(rows).replace(b"\n", b"\r\n")
    result = reconciled([], g1_lines(*rows), g1(*repeats(2), *minutes(50)))
    assert len(result.entries) == 3
    assert len(reconciled([], g1_lines(*rows), read_statement(saved)).entries) == 3


@pytest.mark.parametrize("export", [g1, g2])
def test_exports_that_overlap_count_each_trade_once(export: Callable[..., Statement]) -> None:
    """D33."""
    first, second = minutes(10, 11, 12, 13), minutes(12, 13, 14)
    result = reconciled([], export(*first), export(*second))
    assert len(result.entries) == 5
    assert len(result.file_matches) == 2


def test_an_export_cut_inside_a_minute_gives_the_larger_count() -> None:
    """D34: two of four in the first file, all four in the second: four, in any order."""
    first, second = g1(*repeats(2)), g1(*repeats(4))
    for statements in ((first, second), (second, first)):
        assert len(reconciled([], *statements).entries) == 4
        assert len(reconciled(repeats(4), *statements).entries) == 4
        assert len(reconciled(repeats(3), *statements).entries) == 4
        assert len(reconciled(repeats(1), *statements).entries) == 4


def test_both_generations_of_one_history_are_one_history() -> None:
    """The old format, the new one, and the API overlap in parts; every trade stands once."""
    trades = [*repeats(3), *minutes(50, 51, 52, 53)]
    result = reconciled(trades[:5], g1(*trades[:6]), g2(*trades[2:]))
    assert sorted(entry.transaction_id or 0 for entry in result.entries) == sorted(
        trade.id for trade in trades
    )
    assert {type(entry) for entry in result.entries} == {Trade}


@pytest.mark.parametrize("minute", range(10, 20))
def test_rows_that_exclude_each_other_are_not_one_event(minute: int) -> None:
    """A row without fee must not glue together two trades whose fees differ.

    Which of the three files is read first depends on what they state, hence the ten times.
    """
    silent = attrs.evolve(A, time=f"2021-03-28 00:{minute}:36", fee=None)
    cheap, dear = attrs.evolve(silent, fee="1.00000"), attrs.evolve(silent, fee="2.00000")
    result = reconciled([], g1(silent), g1(cheap), g1(dear))
    assert len(result.entries) == 2


def test_rows_that_differ_and_outnumber_the_records_are_a_conflict() -> None:
    """Which of the two is the record's cannot be told, and matters: all three are kept."""
    rows = [g1_row(A).replace("1996.79 EUR", f"{value} EUR") for value in ("1996.788", "1996.792")]
    result = reconciled([A], g1_lines(*rows))
    assert result.matches == ()
    assert len(result.entries) == 3
    (conflict,) = result.conflicts
    assert len(conflict.api) == 1
    assert len(conflict.file) == 2


def test_rows_that_are_not_understood_are_recognised_by_their_cells() -> None:
    """The same export again must not count them twice; nothing else proves them equal."""
    row = 'Something new,"Jun. 03, 2021, 06:30 AM",Main Account,0.01000000 BTC,,,,'
    result = reconciled([], g1_lines(row), g1_lines(row, g1_row(A)))
    assert len(result.entries) == 2
    assert [match.rule for match in result.file_matches] == [Rule.SAME_CELLS]
    other = row.replace("0.01000000 BTC,,", "0.01000000 BTC,to whom,")
    assert len(reconciled([], g1_lines(row), g1_lines(other)).entries) == 2


# -- hostile input


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_times_at_the_end_of_the_calendar_do_no_harm(time: str) -> None:
    """Arithmetic on them overflows."""
    row = g2_row(A, with_id=False).replace("2021-03-28T00:41:36Z", time)
    edge = attrs.evolve(A, time=time.replace("T", " ").replace("Z", ".999999"))
    result = reconciled([edge], g2_lines(row))
    assert result.counts.adds_up
