"""The exchange's own exports, row by row."""

import datetime as dt
from decimal import Decimal

import pytest

from bitstamp_ledger.files import Statement, ZoneBasis, read_statement_text
from bitstamp_ledger.model import (
    Amount,
    Conversion,
    Deposit,
    Entry,
    Reward,
    Side,
    StakingMovement,
    Trade,
    Transfer,
    UnknownEntry,
    Withdrawal,
)
from tests.files.samples import G1_GOLDEN, G2_GOLDEN, G2_HEADER, g1_with, g2_with


def only(text: str) -> Entry:
    statement = read_statement_text(text)
    assert statement.problems == ()
    (entry,) = statement.entries
    return entry


def trade(text: str) -> Trade:
    entry = only(text)
    assert isinstance(entry, Trade)
    return entry


def repairs(statement: Statement) -> dict[str, int]:
    return {repair.what: repair.count for repair in statement.repairs}


def at(*fields: int) -> dt.datetime:
    return dt.datetime(*fields, tzinfo=dt.UTC)  # type: ignore[misc, arg-type]


class TestGoldenG1:
    """An export of the old format, every cell."""

    def test_rows_become_entries_in_file_order(self) -> None:
        """The order inside a minute is the order of execution."""
        statement = read_statement_text(G1_GOLDEN)

        assert [type(entry) for entry in statement.entries] == [
            Deposit,
            Trade,
            Trade,
            Trade,
            Withdrawal,
        ]
        assert [entry.source.row for entry in statement.entries] == [1, 2, 3, 4, 5]
        assert statement.problems == ()
        assert statement.repairs == ()

    def test_a_buy_gains_the_base_and_pays_the_quote(self) -> None:
        """The file is unsigned; the side gives the signs."""
        buy = read_statement_text(G1_GOLDEN).entries[1]

        assert isinstance(buy, Trade)
        assert buy.time == at(2022, 2, 4, 0, 7)
        assert buy.legs == (
            Amount(Decimal("0.03150000"), "BTC"),
            Amount(Decimal("-1039.50"), "EUR"),
        )
        assert buy.fee == Amount(Decimal("5.19750"), "EUR")
        assert (buy.price, buy.order_id, buy.transaction_id) == (Decimal(33000), None, None)
        assert buy.account == "Main Account"
        assert buy.source.raw["Datetime"] == "Feb. 04, 2022, 12:07 AM"

    def test_a_sale_pays_the_base_and_gains_the_quote(self) -> None:
        """And its empty fee is not stated, which is not zero."""
        sale = read_statement_text(G1_GOLDEN).entries[2]

        assert isinstance(sale, Trade)
        assert sale.side is Side.SELL
        assert sale.legs == (Amount(Decimal("-0.75"), "ETH"), Amount(Decimal("0.0565125"), "BTC"))
        assert sale.fee is None
        assert sale.account == "Bot"
        assert sale.time == at(2022, 5, 6, 12, 30)

    def test_a_withdrawal_leaves_with_its_fee_on_top(self) -> None:
        """docs/facts/files.md, "Fees"."""
        withdrawal = read_statement_text(G1_GOLDEN).entries[4]

        assert withdrawal.legs == (Amount(Decimal(-100), "EUR"),)
        assert withdrawal.fee == Amount(Decimal(3), "EUR")
        assert withdrawal.effect == {"EUR": Decimal(-103)}

    def test_the_statement_says_what_it_is(self) -> None:
        """Format, precision, zone and accounts are for people and for reconciliation."""
        statement = read_statement_text(G1_GOLDEN)

        assert statement.format == "bitstamp-g1"
        assert statement.precision.time_step == dt.timedelta(minutes=1)
        assert not statement.precision.exchange_ids
        assert (statement.zone.name, statement.zone.basis) == ("UTC", ZoneBasis.DOCUMENTED)
        assert statement.accounts == ("Main Account", "Bot")
        assert statement.span == (at(2022, 2, 3, 20, 55), at(2022, 12, 24, 6, 0))
        assert any("minute" in sentence for sentence in statement.lossy)
        assert any("No id" in sentence for sentence in statement.lossy)


class TestGoldenG2:
    """An export of the newer format, every cell."""

    def test_a_trade_carries_its_ids(self) -> None:
        """Ids are what makes this generation the better one."""
        buy = read_statement_text(G2_GOLDEN).entries[1]

        assert isinstance(buy, Trade)
        assert (buy.transaction_id, buy.order_id) == (204001133, 1451239907391483)
        assert buy.time == at(2022, 2, 4, 0, 7, 59)
        assert buy.effect == {"BTC": Decimal("0.0315"), "EUR": Decimal("-1044.6975")}
        assert buy.price == Decimal(33000)

    def test_an_empty_fee_is_not_stated(self) -> None:
        """Zero or unknown; the file does not say."""
        assert read_statement_text(G2_GOLDEN).entries[2].fee is None

    def test_a_transfer_text_gives_direction_and_counterparty(self) -> None:
        """`Value` holds words instead of a number (docs/facts/files.md, "Type vocabulary")."""
        transfer = read_statement_text(G2_GOLDEN).entries[4]

        assert isinstance(transfer, Transfer)
        assert transfer.legs == (Amount(Decimal("-0.01"), "BTC"),)
        assert transfer.counterparty == "Bot"

    def test_the_statement_says_what_it_is(self) -> None:
        """Its cells state UTC and the exchange's ids."""
        statement = read_statement_text(G2_GOLDEN, timezone="Europe/Paris")

        assert statement.format == "bitstamp-g2"
        assert statement.precision.time_step == dt.timedelta(seconds=1)
        assert statement.precision.exchange_ids
        assert (statement.zone.name, statement.zone.basis) == ("UTC", ZoneBasis.STATED)
        assert statement.entries[0].time == at(2022, 2, 3, 20, 55, 41)
        assert statement.entries[0].source.precision is statement.precision


class TestTimes:
    """docs/facts/files.md, "G1 columns and times" and "G2 columns"."""

    @pytest.mark.parametrize(
        ("cell", "hour", "minute"),
        [
            ("Feb. 04, 2022, 12:00 AM", 0, 0),
            ("Feb. 04, 2022, 12:07 PM", 12, 7),
            ("Feb. 04, 2022, 01:07 PM", 13, 7),
            ("Feb. 04, 2022, 13:07 PM", 13, 7),
            ("Feb 4, 2022, 1:07 p.m.", 13, 7),
            ("Feb. 04, 2022, 11:59 AM", 11, 59),
        ],
    )
    def test_the_twelve_hour_clock(self, cell: str, hour: int, minute: int) -> None:
        """Midnight and noon are the two hours that are easy to swap."""
        assert trade(g1_with(Datetime=cell)).time == at(2022, 2, 4, hour, minute)

    @pytest.mark.parametrize(
        ("cell", "month"), [("May. 09, 2021, 08:02 AM", 5), ("Sept. 09, 2021, 08:02 AM", 9)]
    )
    def test_months_with_and_without_custom_spelling(self, cell: str, month: int) -> None:
        """May has a dot although nothing is cut off."""
        assert trade(g1_with(Datetime=cell)).time == at(2021, month, 9, 8, 2)

    @pytest.mark.parametrize(
        "cell",
        [
            "",
            "Mai. 09, 2021, 08:02 AM",
            "Feb. 30, 2021, 08:02 AM",
            "Feb. 03, 2021, 13:02 AM",
            "Feb. 03, 2021, 00:02 PM",
            "03/02/2021 08:02",
            "Feb. 03, 0000, 08:02 AM",
        ],
    )
    def test_any_other_text_is_a_problem_of_its_row(self, cell: str) -> None:
        """A guessed time would be worse than none."""
        (problem,) = read_statement_text(g1_with(Datetime=cell)).problems

        assert (problem.row, problem.column, problem.text) == (1, "Datetime", cell)

    def test_a_given_zone_holds_for_times_that_state_none(self) -> None:
        """A tool may have shifted an old export; summer time is obeyed."""
        statement = read_statement_text(
            g1_with(Datetime="Jul. 04, 2022, 01:07 AM"), timezone="Europe/Paris"
        )

        assert statement.entries[0].time == at(2022, 7, 3, 23, 7)
        assert (statement.zone.name, statement.zone.basis) == ("Europe/Paris", ZoneBasis.GIVEN)

    def test_a_row_keeps_its_identity_in_another_zone(self) -> None:
        """What a person decided about a row must not depend on how its time is read."""
        text = g1_with()
        here, there = (read_statement_text(text, timezone=zone) for zone in ("UTC", "Asia/Tokyo"))

        assert here.entries[0].id == there.entries[0].id
        assert here.entries[0].time != there.entries[0].time

    def test_a_time_the_clocks_skipped_is_a_problem(self) -> None:
        """It shows that the zone is not the file's."""
        statement = read_statement_text(
            g1_with(Datetime="Mar. 27, 2022, 02:30 AM"), timezone="Europe/Paris"
        )

        assert statement.problems[0].column == "Datetime"

    @pytest.mark.parametrize(
        ("cell", "expected", "repair"),
        [
            ("2022-02-04 00:07:59Z", at(2022, 2, 4, 0, 7, 59), None),
            ("2022-02-04T00:07:59.250Z", at(2022, 2, 4, 0, 7, 59, 250_000), None),
            ("2022-02-04T01:07:59+01:00", at(2022, 2, 4, 0, 7, 59), None),
            ("2022-02-04T00:07:59", at(2022, 2, 4, 0, 7, 59), "zone missing from a time"),
            ("2022-02-04 00:07Z", at(2022, 2, 4, 0, 7), "seconds dropped from a time"),
        ],
    )
    def test_variants_of_the_newer_time(
        self, cell: str, expected: dt.datetime, repair: str | None
    ) -> None:
        """What spreadsheets make of it can mean one instant only."""
        statement = read_statement_text(g2_with(Datetime=cell))

        assert statement.entries[0].time == expected
        assert repairs(statement) == ({} if repair is None else {repair: 1})

    def test_dropped_seconds_make_the_row_less_precise(self) -> None:
        """Such a row stands for a whole minute."""
        entry = only(g2_with(Datetime="2022-02-04T00:07Z"))

        assert entry.source.precision is not None
        assert entry.source.precision.time_step == dt.timedelta(minutes=1)


class TestNumbers:
    """docs/facts/files.md, "Numbers"."""

    @pytest.mark.parametrize(
        ("cell", "value"),
        [
            ("1039.50", "1039.50"),
            ("1039,50", "1039.50"),
            ("1 996,79", "1996.79"),
            ("1\u00a0996,79", "1996.79"),
            ("1\u202f996,79", "1996.79"),
            ("1,996.79", "1996.79"),
            ("1.996,79", "1996.79"),
            ("1,234,567", "1234567"),
            ("0,042", "0.042"),
            ("6E-06", "0.000006"),
            ("6,5E-06", "0.0000065"),
            ("9.983930000000001", "9.98393"),
            (" 12.5 ", "12.5"),
            ("+12.5", "12.5"),
        ],
    )
    @pytest.mark.parametrize("form", ["g1", "g2"])
    def test_numbers_with_one_meaning_are_read(self, cell: str, value: str, form: str) -> None:
        """Even when a spreadsheet has been at them."""
        text = g2_with(Value=cell) if form == "g2" else g1_with(Value=f"{cell} EUR")

        assert trade(text).quote == Amount(Decimal(value), "EUR")

    @pytest.mark.parametrize(
        "cell",
        [
            "1,996",
            "12,34,56",
            "1 99,5",
            "NaN",
            "Infinity",
            "1_000",
            "0x10",
            "\u0661",
            "1E+999",
            "9" * 60,
            "12 EUR x",
            "--1",
        ],
    )
    def test_others_are_problems_that_name_the_cell(self, cell: str) -> None:
        """A guess would be money."""
        (problem,) = read_statement_text(g2_with(Value=cell)).problems

        assert (problem.row, problem.column, problem.text) == (1, "Value", cell)
        assert problem.raw["Order ID"] == "1451239907391483"

    @pytest.mark.parametrize("column", ["Amount", "Value", "Fee", "Rate"])
    def test_a_minus_is_refused_where_exports_print_none(self, column: str) -> None:
        """The side gives the signs; a second sign contradicts it, or means another file."""
        (problem,) = read_statement_text(g2_with(**{column: "-1.5"})).problems

        assert problem.column == column

    def test_repairs_are_counted(self) -> None:
        """The user learns that a spreadsheet has been at the file."""
        statement = read_statement_text(g2_with(Value="1 039,50", Fee="5,1975"))

        assert repairs(statement) == {"thousands separated": 1, "decimal comma": 2}
        assert statement.repairs[0].row == 1

    def test_another_name_of_bitcoin(self) -> None:
        """`XBT` is the code that ISO-like lists use."""
        statement = read_statement_text(g2_with(Amount_currency="XBT"))

        assert statement.entries[0].legs[0].currency == "BTC"
        assert repairs(statement) == {"currency under another name": 1}

    @pytest.mark.parametrize(
        ("column", "text"),
        [
            ("Amount", ""),
            ("Amount currency", ""),
            ("Value", ""),
            ("Value currency", "€"),
            ("Subtype", ""),
            ("Subtype", "Hold"),
            ("Type", " "),
            ("Fee currency", ""),
            ("Rate currency", "USD"),
        ],
    )
    def test_a_trade_that_lacks_a_part_is_a_problem(self, column: str, text: str) -> None:
        """Each names its column."""
        (problem,) = read_statement_text(g2_with(**{column: text})).problems

        assert (problem.column, problem.text) == (column, text)

    def test_a_value_that_rounds_to_nothing_is_still_a_trade(self) -> None:
        """A dust trade's quote may be below a cent; zero has no sign."""
        buy = trade(g2_with(Amount="0.00000001", Value="0.00", Fee="", Fee_currency=""))

        assert buy.side is Side.BUY
        assert str(buy.legs[1]) == "0.00 EUR"

    def test_a_trade_of_nothing_has_no_side(self) -> None:
        """So it cannot be an entry."""
        assert read_statement_text(g2_with(Amount="0", Value="0")).problems[0].column == "Amount"


class TestIds:
    """docs/facts/files.md, "Ids"."""

    @pytest.mark.parametrize("cell", ["1.34221E+15", "1,34221E+15", "abc", "1" * 30])
    def test_a_mangled_order_id_is_left_out(self, cell: str) -> None:
        """The row is good without it."""
        statement = read_statement_text(g2_with(Order_ID=cell))
        (entry,) = statement.entries

        assert isinstance(entry, Trade)
        assert (entry.order_id, entry.transaction_id) == (None, 204001133)
        assert repairs(statement) == {"id altered by a spreadsheet, left out": 1}

    def test_an_id_written_as_a_decimal_is_whole(self) -> None:
        """Data frames turn a column with gaps into floats; below 2^53 no digit is lost."""
        assert trade(g2_with(Order_ID="1451239907391483.0")).order_id == 1451239907391483

    def zeroed(self, last_digits: str) -> Statement:
        row = G2_GOLDEN.splitlines()[2].removesuffix("1451239907391483")
        rows = [f"{row}145123990739{at:03}{digit}" for at, digit in enumerate(last_digits)]
        return read_statement_text("\n".join([G2_HEADER, *rows]))

    def test_long_ids_that_all_end_in_zero_were_cut(self) -> None:
        """Spreadsheets keep 15 digits; four such ids are no chance."""
        entries = self.zeroed("0000").entries

        assert [entry.order_id for entry in entries if isinstance(entry, Trade)] == [None] * 4

    def test_fewer_are_too_where_numbers_have_lost_their_zeros(self) -> None:
        """A spreadsheet that cuts ids shows no zeros at the end of numbers either."""
        row = g2_with(
            Amount="0.0315", Value="1039.5", Rate="33000", Fee="5.1975", Order_ID="1451239907391480"
        )

        assert trade(row).order_id is None

    @pytest.mark.parametrize("digits", ["000", "0003"])
    def test_fewer_or_mixed_ends_are_believed(self, digits: str) -> None:
        """One id in ten ends in zero by itself."""
        entries = self.zeroed(digits).entries

        assert all(entry.order_id for entry in entries if isinstance(entry, Trade))


class TestVocabulary:
    """docs/facts/files.md, "Type vocabulary"."""

    def row(self, type_: str, **cells: str) -> Entry:
        empty = {"Value": "", "Value_currency": "", "Rate": "", "Rate_currency": "", "Subtype": ""}
        return only(g2_with(**({"Type": type_, "Fee": "", "Fee_currency": ""} | empty | cells)))

    @pytest.mark.parametrize(
        ("type_", "kind", "value"),
        [
            ("Deposit", Deposit, "0.0315"),
            ("Card Deposit", Deposit, "0.0315"),
            ("Ripple deposit", Deposit, "0.0315"),
            ("Withdrawal", Withdrawal, "-0.0315"),
            ("Ripple payment", Withdrawal, "-0.0315"),
            ("Inter Account Transfer", Transfer, "0.0315"),
            ("Staked assets", StakingMovement, "-0.0315"),
            ("Started generating rewards", StakingMovement, "0.0315"),
            ("Staking reward", Reward, "0.0315"),
            ("Referral reward", Reward, "0.0315"),
            ("Earn interest", Reward, "0.0315"),
        ],
    )
    def test_each_type_has_a_kind_and_a_sign(
        self, type_: str, kind: type[Entry], value: str
    ) -> None:
        """One leg, signed by the type."""
        entry = self.row(type_)

        assert type(entry) is kind
        assert entry.legs == (Amount(Decimal(value), "BTC"),)

    def test_an_inter_account_transfer_is_signed_as_printed(self) -> None:
        """The one type whose minus is documented."""
        entry = self.row("Inter Account Transfer", Amount="-0.5")

        assert isinstance(entry, Transfer)
        assert entry.legs == (Amount(Decimal("-0.5"), "BTC"),)

    def test_a_staking_reward_in_its_own_currency_is_renamed(self) -> None:
        """And the raw cell keeps what was printed."""
        entry = self.row("Staking reward", Amount_currency="ETH2R")

        assert entry.legs[0].currency == "ETH2"
        assert entry.source.raw["Amount currency"] == "ETH2R"

    def test_a_trade_of_that_currency_is_not_renamed(self) -> None:
        """It had a market of its own."""
        assert trade(g2_with(Amount_currency="ETH2R")).base.currency == "ETH2R"

    @pytest.mark.parametrize(
        ("account", "text", "value", "other"),
        [
            ("Main Account", "Main Account -> Bot", "-0.0315", "Bot"),
            ("Bot", "Main Account -> Bot", "0.0315", "Main Account"),
            ("main account", "Bot->MAIN ACCOUNT", "0.0315", "Bot"),
        ],
    )
    def test_a_sub_account_transfer_seen_from_its_account(
        self, account: str, text: str, value: str, other: str
    ) -> None:
        """The account named first pays."""
        entry = self.row("Sub Account Transfer", Account=account, Value=text)

        assert isinstance(entry, Transfer)
        assert entry.legs == (Amount(Decimal(value), "BTC"),)
        assert entry.counterparty == other

    @pytest.mark.parametrize("text", ["", "Main Account", "A -> B", "Main Account -> Main Account"])
    def test_a_transfer_without_direction_is_not_understood(self, text: str) -> None:
        """It is kept, with the reason."""
        entry = self.row("Sub Account Transfer", Value=text)

        assert isinstance(entry, UnknownEntry)
        assert entry.code == "Sub Account Transfer"
        assert entry.reason

    def test_the_old_format_holds_the_transfer_text_too(self) -> None:
        """Its cell is not a number and a currency."""
        entry = only(g1_with(Type="Sub Account Transfer", Value="Main Account -> Bot", Rate=""))

        assert isinstance(entry, Transfer)
        assert entry.counterparty == "Bot"

    def test_an_unknown_type_is_kept_with_what_it_states(self) -> None:
        """Expect more types than are known today."""
        statement = read_statement_text(g2_with(Type="Something new"))
        (entry,) = statement.entries

        assert isinstance(entry, UnknownEntry)
        assert entry.code == "Something new"
        assert entry.legs == (
            Amount(Decimal("0.0315"), "BTC"),
            Amount(Decimal("1039.5"), "EUR"),
        )
        assert entry.fee == Amount(Decimal("5.1975"), "EUR")
        assert (statement.counts.kept, statement.counts.quarantined) == (0, 1)

    def test_a_reverted_deposit_keeps_its_minus(self) -> None:
        """Its kind is not known, its effect on the balance is."""
        entry = self.row("Deposit reverted", Amount="-20.00", Amount_currency="EUR")

        assert isinstance(entry, UnknownEntry)
        assert entry.effect == {"EUR": Decimal(-20)}

    def test_a_conversion_needs_two_directions(self) -> None:
        """Two unsigned amounts do not say which came in."""
        cells = {"Value": "2", "Value_currency": "ETH"}
        clear = self.row("Converted assets", Subtype="Sell", **cells)
        vague = self.row("Converted assets", **cells)

        assert isinstance(clear, Conversion)
        assert clear.effect == {"BTC": Decimal("-0.0315"), "ETH": Decimal(2)}
        assert isinstance(vague, UnknownEntry)

    def test_printed_signs_make_a_conversion_clear(self) -> None:
        """One minus is a direction."""
        entry = self.row("Converted assets", Amount="-1", Value="2", Value_currency="ETH")

        assert isinstance(entry, Conversion)
        assert entry.effect == {"BTC": Decimal(-1), "ETH": Decimal(2)}


class TestAccounts:
    """docs/facts/files.md, "Accounts"."""

    def test_the_callers_account_is_for_rows_that_state_none(self) -> None:
        """What a row states wins."""
        assert read_statement_text(g1_with(), account="Bot").accounts == ("Main Account",)
        assert read_statement_text(g1_with(Account=""), account="Bot").accounts == ("Bot",)
        assert read_statement_text(g1_with(Account="")).accounts == ("Main Account",)

    def test_the_main_account_has_one_name(self) -> None:
        """However it is spelled."""
        assert trade(g1_with(Account=" main  account")).account == "Main Account"
