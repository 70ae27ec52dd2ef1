"""The layouts of other tools, row by row: golden files of our own invention, and the odd cases."""

import datetime as dt
from decimal import Decimal
from pathlib import Path

import pytest

from bitstamp_ledger.errors import StatementError
from bitstamp_ledger.files import Statement, ZoneBasis, read_statement, read_statement_text
from bitstamp_ledger.model import (
    Amount,
    FeePlace,
    Precision,
    RowGrain,
    Trade,
    UnknownEntry,
)
from tests.files.renderers import WRITERS
from tests.files.samples import cell

GOLDEN = Path(__file__).with_name("golden")

# What each golden file says, in the order of its rows.
EXPECTED = {
    "bitstamp-g0a": (
        "2012-09-11 08:15:02  deposit  250.00 USD  fee 0.00 USD",
        "2012-09-11 09:40:37  trade  12.50000000 BTC  -140.63 USD  fee 0.71 USD",
        "2012-09-14 21:03:55  trade  -4.00000000 BTC  46.80 USD  fee 0.24 USD",
        "2012-09-20 12:00:10  withdrawal  -8.00000000 BTC  fee 0.00 USD",
    ),
    "bitstamp-g0b": (
        "2013-03-02 17:22:41  trade  1.75000000 BTC  -59.50 USD  fee 0.30 USD",
        "2013-03-09 06:11:08  trade  -0.50000000 BTC  23.45 USD  fee 0.12 USD",
    ),
    "bitstamp-g3": (
        "2024-06-03 15:40:02  trade  -0.80000000 ETH  2496.36 EUR",
        "2024-05-30 07:12:59  trade  0.04000000 BTC  -2350.01 USD",
    ),
    "koinly": (
        "2022-02-03 18:20:00  deposit  1500.00 EUR",
        "2022-02-04 00:07:12  trade  0.03150000 BTC  -1039.50 EUR  fee 5.19750 EUR",
        "2022-02-05 10:44:03  trade  -0.62000000 ETH  0.04402000 BTC  fee 0.00008804 BTC",
        "2022-02-10 06:00:00  reward  0.00120000 ETH2",
        "2022-02-11 06:00:00  withdrawal  -0.01 BTC  fee 0.0005 BTC",
        "2022-02-12 06:00:00  unknown  -0.02 BTC",
    ),
    "koinly-trades": (
        "2022-02-04 00:07:12  trade  0.03150000 BTC  -1039.50 EUR  fee 5.19750 EUR",
        "2022-02-05 10:44:03  trade  -0.62000000 ETH  0.04402000 BTC  fee 0.00008804 BTC",
    ),
    "koinly-simple": (
        "2022-02-03 18:20:00  deposit  1500.00 EUR",
        "2022-02-11 06:00:00  withdrawal  -0.25 BTC",
        "2022-02-12 06:00:00  reward  0.0012 ETH",
    ),
    "koinly-export": (
        "2022-02-04 00:07:12  trade  0.03150000 BTC  -1039.50 EUR  fee 5.19750 EUR",
        "2022-02-06 14:00:31  withdrawal  -0.02 BTC  fee 0.0005 BTC",
        "2022-02-07 14:00:31  deposit  0.0099 BTC",
        "2022-02-10 06:00:00  reward  0.00120000 ETH",
    ),
    "koinly-bulk-edit": (
        "2022-02-04 00:07:12  trade  0.03150000 BTC  -1039.50 EUR  fee 5.19750 EUR",
    ),
    "cointracking-import": (
        "2022-02-03 19:20:44  deposit  1500.00 EUR",
        "2022-02-04 01:07:12  trade  0.03150000 BTC  -1039.5000 EUR  fee 5.1975 EUR",
        "2022-02-05 11:44:03  trade  -0.62000000 ETH  0.04402000 BTC  fee 0.00008804 BTC",
        "2022-02-10 07:00:05  reward  0.00120000 ETH2",
        "2022-02-11 07:00:05  unknown  -1.50 EUR",
    ),
    "cointracking-export": (
        "2022-02-03 19:20:00  deposit  1500.00000000 EUR",
        "2022-02-04 01:07:00  trade  0.03150000 BTC  -1039.50000000 EUR  fee 5.19750000 EUR",
        "2022-02-05 11:44:00  trade  -0.62000000 ETH  0.04402000 BTC  fee 0.00008804 BTC",
        "2022-02-06 15:00:00  withdrawal  -0.02000000 BTC  fee 0.00050000 BTC",
    ),
    "cointracking-web-de": (
        "2022-02-03 19:20:00  deposit  1500.00 EUR",
        "2022-02-04 01:07:00  trade  0.03150000 BTC  -1039.50 EUR  fee 5.20 EUR",
    ),
    "waltio": (
        "2022-02-03 18:20:44  deposit  1500.00 EUR",
        "2022-02-04 00:07:12  trade  0.03150000 BTC  -1039.50 EUR  fee 5.19750 EUR",
        "2022-02-06 15:00:31  withdrawal  -0.02 BTC  fee 0.0005 BTC",
    ),
    "rotki": (
        "2022-02-04 00:07:12  trade  0.03150000 BTC  -1039.50 EUR  fee 5.19750 EUR",
        "2022-02-05 10:44:03  trade  -0.62000000 ETH  0.04402000 BTC  fee 0.00008804 BTC",
    ),
    "rotki-events": (
        "2022-02-03 18:20:44  deposit  1500.00 EUR",
        "2022-02-06 14:00:31  withdrawal  -0.02 BTC  fee 0.0005 BTC",
        "2022-02-10 06:00:05  reward  0.00120000 ETH2",
    ),
    "bittytax": (
        "2022-02-04 00:07:12  trade  0.03150000 BTC  -1039.50 EUR  fee 5.19750 EUR",
        "2022-07-05 10:44:03  trade  -0.62000000 ETH  0.04402000 BTC  fee 0.00008804 BTC",
        "2022-02-10 06:00:05  reward  0.00120000 ETH",
        "2022-02-06 14:00:31  withdrawal  -0.02 BTC  fee 0.0005 BTC",
    ),
    "cointracker": (
        "2022-02-04 00:07:12  trade  0.03150000 BTC  -1039.50 EUR  fee 5.19750 EUR",
        "2022-02-06 14:00:31  withdrawal  -0.0200 BTC  fee 0.0005 BTC",
        "2022-02-10 06:00:05  reward  0.00120000 ETH",
    ),
}
SET_ASIDE = {
    "koinly-export": (2, "of another exchange: Kraken"),
    "koinly-bulk-edit": (2, "deleted in Koinly"),
    "cointracking-import": (4, "of another exchange: Kraken"),
    "waltio": (3, "of another exchange: BINANCE"),
    "rotki": (3, "of another exchange: kraken"),
}


def at(*fields: int) -> dt.datetime:
    return dt.datetime(*fields, tzinfo=dt.UTC)  # type: ignore[misc, arg-type]


def precision(statement: Statement, position: int = 0) -> Precision:
    found = statement.entries[position].source.precision
    assert found is not None
    return found


def trade(statement: Statement, position: int = 0) -> Trade:
    assert statement.problems == ()
    entry = statement.entries[position]
    assert isinstance(entry, Trade)
    return entry


def repairs(statement: Statement) -> dict[str, int]:
    return {repair.what: repair.count for repair in statement.repairs}


def file_of(name: str, *rows: dict[str, str]) -> str:
    """Print rows in a layout, all other cells empty."""
    columns = WRITERS[name].columns
    lines = [columns, *([row.get(column, "") for column in columns] for row in rows)]
    return "".join(",".join(map(cell, line)) + "\n" for line in lines)


def koinly(**cells: str) -> str:
    """Print a purchase in Koinly's universal template, some cells replaced."""
    row = {
        "Date": "2022-02-04 00:07:12 UTC",
        "Sent Amount": "1039.50",
        "Sent Currency": "EUR",
        "Received Amount": "0.0315",
        "Received Currency": "BTC",
    }
    return file_of("koinly", row | {name.replace("_", " "): text for name, text in cells.items()})


def cointracking(*rows: tuple[str, ...]) -> str:
    """Print rows of CoinTracking's trade table: bought, sold, fee, exchange, date."""
    header = '"Type","Buy","Cur.","Sell","Cur.","Fee","Cur.","Exchange","Group","Comment","Date"\n'
    lines = []
    for bought, sold, fee, exchange, date in rows:
        cells = [text for amount in (bought, sold, fee) for text in (amount.split() or ["", ""])]
        lines.append(",".join(["Trade", *cells, exchange, "", "", date]) + "\n")
    return header + "".join(lines)


class TestGoldenFiles:
    @pytest.mark.parametrize("name", EXPECTED)
    def test_every_row_is_what_it_was(self, name: str) -> None:
        """One file for each format, with the kinds of rows that it can hold."""
        statement = read_statement(GOLDEN / f"{name}.csv")

        assert statement.format == name
        assert tuple(map(str, statement.entries)) == EXPECTED[name]
        assert statement.problems == ()
        assert statement.alternatives == ()
        aside = [(each.row, each.reason) for each in statement.set_aside]
        assert aside == ([SET_ASIDE[name]] if name in SET_ASIDE else [])

    def test_ids_are_kept_where_the_format_has_them(self) -> None:
        """And claimed to be the exchange's, which comparing has to prove."""
        statement = read_statement(GOLDEN / "koinly-trades.csv")

        assert statement.precision.exchange_ids
        assert trade(statement).transaction_id == 219004417
        assert trade(statement).order_id == 1453006821744641
        assert read_statement(GOLDEN / "waltio.csv").entries[1].transaction_id == 219004417
        assert trade(read_statement(GOLDEN / "rotki.csv")).transaction_id is None

    def test_orders_are_marked_as_such(self) -> None:
        """They can equal a sum of executions, never one of several."""
        statement = read_statement(GOLDEN / "bitstamp-g3.csv")

        assert statement.precision.grain is RowGrain.ORDER
        assert precision(statement).grain is RowGrain.ORDER
        assert statement.zone.basis is ZoneBasis.ASSUMED
        assert trade(statement).price == Decimal("3120.45")

    def test_the_oldest_exports_keep_a_fee_of_zero(self) -> None:
        """The exchange states it; other tools print it where they know none."""
        fee = read_statement(GOLDEN / "bitstamp-g0a.csv").entries[0].fee

        assert fee == Amount(Decimal("0.00"), "USD")
        assert (
            read_statement_text(koinly(Fee_Amount="0", Fee_Currency="EUR")).entries[0].fee is None
        )

    def test_milliseconds_and_microseconds_are_kept(self) -> None:
        """Each row at the step that it prints."""
        rotki = read_statement(GOLDEN / "rotki.csv")
        bittytax = read_statement(GOLDEN / "bittytax.csv")

        assert rotki.entries[0].time == at(2022, 2, 4, 0, 7, 12, 418000)
        assert precision(rotki).time_step == dt.timedelta(milliseconds=1)
        assert bittytax.entries[0].time == at(2022, 2, 4, 0, 7, 12, 418093)
        assert precision(bittytax).time_step == dt.timedelta(microseconds=1)
        assert precision(bittytax, 1).time_step == dt.timedelta(seconds=1)

    def test_the_older_waltio_layout_is_known(self) -> None:
        """It has no zone, no address, no hash and no id, and decimal commas in quotes."""
        statement = read_statement_text(
            "Type,Date,Montant reçu,Monnaie ou jeton reçu,Montant envoyé,Monnaie ou jeton envoyé,"
            "Frais,Monnaie ou jeton des frais,Exchange / Plateforme,Description,Label,"
            "Prix du jeton du montant envoyé,Prix du jeton du montant recu,"
            "Prix du jeton des frais\n"
            'Echange,04/02/2022 00:07:12,"0,0315",BTC,"1039,5",EUR,"5,1975",EUR,Bitstamp,,,,,\n'
        )

        assert statement.format == "waltio"
        assert trade(statement).legs == (
            Amount(Decimal("0.0315"), "BTC"),
            Amount(Decimal("-1039.5"), "EUR"),
        )
        assert repairs(statement) == {"decimal comma": 3}


class TestLegs:
    @pytest.mark.parametrize(
        ("sent", "received", "base"),
        [
            ("EUR", "BTC", "BTC"),
            ("BTC", "EUR", "BTC"),
            ("USD", "EUR", "EUR"),
            ("EUR", "USD", "EUR"),
            ("GBP", "EUR", "GBP"),
            ("USDC", "EUR", "USDC"),
            ("USDC", "BTC", "BTC"),
            ("ETH", "BTC", "ETH"),
            ("XRP", "ETH", "XRP"),
            ("XRP", "LTC", "LTC"),
            ("LTC", "XRP", "XRP"),
        ],
    )
    def test_the_base_follows_a_convention(self, sent: str, received: str, base: str) -> None:
        """The more quote-like currency is the quote; of two others, the one that was sent."""
        statement = read_statement_text(koinly(Sent_Currency=sent, Received_Currency=received))

        assert trade(statement).base.currency == base
        assert trade(statement).effect[received] == Decimal("0.0315")
        assert trade(statement).effect[sent] == Decimal("-1039.50")
        assert precision(statement).orientation_open

    def test_a_stated_pair_leaves_nothing_open(self) -> None:
        """Whatever the currencies."""
        statement = read_statement_text(
            "Koinly Date,Pair,Side,Amount,Total\n2022-02-04 00:07:12,USD/EUR,Sell,10.5,9.10\n"
        )

        assert trade(statement).base == Amount(Decimal("10.5"), "USD")
        assert not precision(statement).orientation_open

    @pytest.mark.parametrize(
        ("printed", "code"),
        [
            ("XBT", "BTC"),
            ("BTC (Bitcoin)", "BTC"),
            ("BTC;1", "BTC"),
            ("USDC.e", "USDC"),
            ("btc", "BTC"),
            ("1INCH", "1INCH"),
            ("ETH2R", "ETH2R"),
        ],
    )
    def test_currencies_have_one_name(self, printed: str, code: str) -> None:
        """The cell as printed stays in the raw record."""
        entry = trade(read_statement_text(koinly(Received_Currency=printed)))

        assert entry.legs[0].currency == code
        assert entry.source.raw["Received Currency"] == printed

    def test_a_contract_is_read_as_its_token(self) -> None:
        """One tool names tokens by their contract."""
        name = "eip155:1/erc20:0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48"
        row = {"Location": "bitstamp", "Timestamp": "1643933232418"}
        row |= {"Spend Currency": name, "Spend Amount": "5"}
        row |= {"Receive Currency": "BTC", "Receive Amount": "0.1"}

        assert trade(read_statement_text(file_of("rotki", row))).quote == Amount(Decimal(5), "USDC")

    @pytest.mark.parametrize(
        ("cells", "reason"),
        [
            ({"Label": "Liquidity In"}, "does not know the type"),
            ({"Label": "Reward"}, "does not fit its type"),
            ({"Label": "Swap", "Sent Amount": "", "Sent Currency": ""}, "side is missing"),
            ({"Received Currency": "EUR"}, "does not fit its type"),
            ({"Label": "cost"}, "may be a fee"),
        ],
    )
    def test_a_row_that_is_not_understood_is_kept(self, cells: dict[str, str], reason: str) -> None:
        """With its legs as printed, and why."""
        (entry,) = read_statement_text(koinly(**cells)).entries

        assert isinstance(entry, UnknownEntry)
        assert reason in entry.reason
        assert entry.legs[-1].value == Decimal("0.0315")

    @pytest.mark.parametrize(
        ("cells", "column", "reason"),
        [
            ({"Sent Amount": "-1039.50"}, "Sent Amount", "minus"),
            ({"Sent Amount": "1,996"}, "Sent Amount", "comma can mean"),
            ({"Received Currency": ""}, "Received Currency", "missing"),
            ({"Received Currency": "bit coin"}, "Received Currency", "not a currency"),
            ({"Date": "44596.005"}, "Date", "not a time"),
            ({"Date": "2022-02-30 00:07"}, "Date", "no such day"),
            ({"Date": "2022-02-04 00:07 PST"}, "Date", "not a known time zone"),
            ({"Sent Amount": "=1+1"}, "Sent Amount", "not a number"),
        ],
    )
    def test_what_is_not_clear_is_a_problem(
        self, cells: dict[str, str], column: str, reason: str
    ) -> None:
        """With the row, the column and the reason."""
        statement = read_statement_text(koinly(**cells))

        (problem,) = statement.problems
        assert (problem.row, problem.column) == (1, column)
        assert reason in problem.reason
        assert statement.entries == ()

    def test_decimal_commas_elsewhere_decide_what_a_comma_means(self) -> None:
        """And make a point before three digits doubtful."""
        rows = [
            {"Date": f"2022-02-0{day} 00:07:12", "Sent Amount": sent, "Sent Currency": "EUR"}
            for day, sent in ((1, "12,5"), (2, "1,996"), (3, "2.006"))
        ]
        statement = read_statement_text(file_of("koinly", *rows))

        assert [leg.value for entry in statement.entries for leg in entry.legs] == [
            Decimal("-12.5"),
            Decimal("-1.996"),
        ]
        (problem,) = statement.problems
        assert (problem.row, problem.column) == (3, "Sent Amount")

    def test_noise_of_binary_arithmetic_is_undone(self) -> None:
        """Reported, since digits were dropped."""
        statement = read_statement_text(koinly(Fee_Amount="9.983930000000001", Fee_Currency="EUR"))

        assert statement.entries[0].fee == Amount(Decimal("9.98393"), "EUR")
        assert repairs(statement) == {"noise of binary arithmetic in the last digits": 1}


class TestFolded:
    """Amounts that contain the fee."""

    def test_a_purchase_is_lessened_and_a_sale_increased(self) -> None:
        """By exact arithmetic; the trade is the one that the exchange states."""
        statement = read_statement_text(
            cointracking(
                ("0.0315 BTC", "1044.6975 EUR", "5.1975 EUR", "Bitstamp", "04.02.2022 01:07"),
                ("2167.6446 EUR", "0.05 BTC", "8.7054 EUR", "Bitstamp", "04.02.2022 01:09"),
                ("0.999 BTC", "30000 EUR", "0.001 BTC", "Bitstamp", "04.02.2022 01:10"),
            )
        )

        assert [trade(statement, row).quote.value for row in range(3)] == [
            Decimal("1039.5"),
            Decimal("2176.35"),
            Decimal(30000),
        ]
        assert trade(statement, 2).base.value == Decimal(1)
        assert statement.precision.fee_place is FeePlace.OPEN
        assert precision(statement).fee_place is FeePlace.OPEN

    def test_the_coarser_number_says_how_far_the_result_can_be_trusted(self) -> None:
        """Of the leg that was computed; the other one is as printed."""
        statement = read_statement_text(
            cointracking(
                ("0.0315 BTC", "1044.70 EUR", "5.1975 EUR", "Bitstamp", "04.02.2022 01:07"),
            )
        )

        assert trade(statement).quote.value == Decimal("1039.5025")
        assert precision(statement).quote_decimals_max == 2
        assert precision(statement).base_decimals_max is None

    def test_a_fee_that_cannot_be_inside_is_apart(self) -> None:
        """Such a row shows that its maker did not follow the rule."""
        statement = read_statement_text(
            cointracking(("1 XRP", "0.5 EUR", "0.9 EUR", "Bitstamp", "04.02.2022 01:07"))
        )

        assert trade(statement).quote.value == Decimal("0.5")
        assert precision(statement).fee_place is FeePlace.APART

    def test_currencies_belong_to_the_amount_on_their_left(self) -> None:
        """Three columns have one name."""
        statement = read_statement_text(
            "Type,Sell,Cur.,Buy,Cur.,Fee,Cur.,Exchange,Date\n"
            "Trade,1044.6975,EUR,0.0315,BTC,5.1975,EUR,Bitstamp,04.02.2022 01:07\n"
        )

        assert trade(statement).quote == Amount(Decimal("1039.5000"), "EUR")

    def test_only_sends_contain_the_fee_in_cointracker(self) -> None:
        """Its trades do not."""
        statement = read_statement(GOLDEN / "cointracker.csv")

        assert precision(statement).fee_place is FeePlace.APART
        assert precision(statement, 1).fee_place is FeePlace.FOLDED


class TestExchanges:
    @pytest.mark.parametrize(
        "name", ["Bitstamp", "bitstamp", "BITSTAMP", "Bitstamp.net", "Bitstamp EUR", "My Bitstamp"]
    )
    def test_the_exchange_has_many_names(self, name: str) -> None:
        """All of them mean this one."""
        statement = read_statement_text(
            cointracking(("1 XRP", "0.5 EUR", "", name, "04.02.2022 01:07"))
        )

        assert len(statement.entries) == 1

    def test_rows_of_others_are_set_aside_and_counted(self) -> None:
        """With the name that they give."""
        statement = read_statement_text(
            cointracking(
                ("1 XRP", "0.5 EUR", "", "Kraken", "04.02.2022 01:07"),
                ("1 XRP", "0.5 EUR", "", "Rabbitstamp", "04.02.2022 01:08"),
                ("1 XRP", "0.5 EUR", "", "Bitstamp", "04.02.2022 01:09"),
            )
        )

        assert statement.counts.set_aside == 2
        assert [each.reason for each in statement.set_aside] == [
            "of another exchange: Kraken",
            "of another exchange: Rabbitstamp",
        ]

    def test_a_row_that_names_none_is_read_and_said_to_be_doubtful(self) -> None:
        """It may be of any exchange."""
        statement = read_statement_text(
            cointracking(("1 XRP", "0.5 EUR", "", "", "04.02.2022 01:07"))
        )

        assert len(statement.entries) == 1
        assert any("name no exchange" in doubt for doubt in statement.doubts)

    def test_a_format_without_such_a_column_says_so(self) -> None:
        """It cannot tell rows of other exchanges apart."""
        assert any(
            "No column names the exchange" in note for note in read_statement_text(koinly()).lossy
        )


class TestTimes:
    def test_an_unknown_zone_is_open_until_the_caller_names_it(self) -> None:
        """Rows keep their identities, since times count as printed."""
        text = cointracking(("1 XRP", "0.5 EUR", "", "Bitstamp", "04.07.2022 01:07"))
        open_, given = read_statement_text(text), read_statement_text(text, timezone="Europe/Paris")

        assert precision(open_).zone_open
        assert open_.zone.basis is ZoneBasis.ASSUMED
        assert any("time zone" in doubt for doubt in open_.doubts)
        assert not precision(given).zone_open
        assert given.entries[0].time == at(2022, 7, 3, 23, 7)
        assert open_.entries[0].id == given.entries[0].id

    def test_an_hour_that_was_shown_twice_has_two_readings(self) -> None:
        """Both start a minute in which it can have happened."""
        text = cointracking(
            ("1 XRP", "0.5 EUR", "", "Bitstamp", "31.10.2021 02:42"),
            ("1 XRP", "0.5 EUR", "", "Bitstamp", "31.10.2021 03:00"),
        )
        twice, once = read_statement_text(text, timezone="Europe/Paris").entries

        assert (twice.time, twice.source.other_time) == (
            at(2021, 10, 31, 0, 42),
            at(2021, 10, 31, 1, 42),
        )
        assert (once.time, once.source.other_time) == (at(2021, 10, 31, 2), None)

    def test_an_hour_that_was_never_shown_is_a_problem(self) -> None:
        """The zone is wrong, or the cell."""
        text = cointracking(("1 XRP", "0.5 EUR", "", "Bitstamp", "28.03.2021 02:42"))

        (problem,) = read_statement_text(text, timezone="Europe/Paris").problems
        assert "never showed" in problem.reason

    def test_a_zone_in_the_cell_wins(self) -> None:
        """Over what the caller names."""
        entry = read_statement_text(koinly(), timezone="Asia/Kathmandu").entries[0]

        assert entry.time == at(2022, 2, 4, 0, 7, 12)

    @pytest.mark.parametrize(
        ("printed", "minute"),
        [
            ("28.03.2021 01:41", 41),
            ("2021-03-28 01:41:00", 41),
            ("3/28/2021 1:41", 41),
            ("28/03/21 01:41", 41),
            ('"Mar 28, 2021 1:41 AM"', 41),
            ("28 Mar 2021 01:41", 41),
            ('"Sun, 28 Mar 2021 02:41:00 +0100"', 41),
            ("2021-03-28T01:41:00.000", 41),
        ],
    )
    def test_clocks_of_many_shapes(self, printed: str, minute: int) -> None:
        """One date in each."""
        text = cointracking(("1 XRP", "0.5 EUR", "", "Bitstamp", printed))
        entry = read_statement_text(text).entries[0]

        assert entry.time == at(2021, 3, 28, 1, minute)

    def test_seconds_that_are_always_zero_were_not_kept(self) -> None:
        """So the time stands for a minute, and the statement says so."""
        rows = [
            ("1 XRP", "0.5 EUR", "", exchange, f"2021-03-28 01:4{minute}:{second}")
            for minute, second, exchange in (
                (1, "00", "Bitstamp"),
                (2, "00", "Bitstamp"),
                (3, "17", "Kraken"),
            )
        ]
        minutes = read_statement_text(cointracking(*rows))
        seconds = read_statement_text(
            cointracking(*rows, ("1 XRP", "0.5 EUR", "", "Bitstamp", "2021-03-28 01:49:17"))
        )

        assert precision(minutes).time_step == dt.timedelta(minutes=1)
        assert any("All seconds are 0" in doubt for doubt in minutes.doubts)
        assert precision(seconds).time_step == dt.timedelta(seconds=1)

    def test_rows_with_and_without_seconds_have_their_own_steps(self) -> None:
        """The statement's is the wider one."""
        statement = read_statement_text(
            file_of(
                "koinly",
                {"Date": "2022-02-04 00:07:12", "Sent Amount": "1", "Sent Currency": "BTC"},
                {"Date": "2022-02-04 00:08", "Sent Amount": "1", "Sent Currency": "BTC"},
            )
        )

        assert precision(statement).time_step == dt.timedelta(seconds=1)
        assert precision(statement, 1).time_step == dt.timedelta(minutes=1)
        assert statement.precision.time_step == dt.timedelta(minutes=1)


def slashes(*dates: str) -> str:
    return cointracking(*(("1 XRP", "0.5 EUR", "", "Bitstamp", date) for date in dates))


class TestDateOrder:
    def test_one_day_above_twelve_decides_for_the_file(self) -> None:
        """In either order."""
        day = read_statement_text(slashes("3/4/2021 1:41", "28/3/2021 1:41"))
        month = read_statement_text(slashes("3/4/2021 1:41", "3/28/2021 1:41"))

        assert [day.entries[0].time, month.entries[0].time] == [
            at(2021, 4, 3, 1, 41),
            at(2021, 3, 4, 1, 41),
        ]
        assert day.alternatives == month.alternatives == ()

    def test_without_evidence_both_readings_are_at_hand(self) -> None:
        """And a sentence says what settles it."""
        text = slashes("3/4/2021 1:41", "5/4/2021 1:41")
        statement = read_statement_text(text)

        (other,) = statement.alternatives
        assert statement.entries[0].time == at(2021, 4, 3, 1, 41)
        assert other.entries[0].time == at(2021, 3, 4, 1, 41)
        assert any("date_order=" in doubt for doubt in statement.doubts)
        assert other.digest == statement.digest

    @pytest.mark.parametrize(("order", "month"), [("day-first", 4), ("month-first", 3)])
    def test_the_caller_can_settle_it(self, order: str, month: int) -> None:
        """Then nothing is open."""
        statement = read_statement_text(slashes("3/4/2021 1:41"), date_order=order)  # type: ignore[arg-type]

        assert statement.entries[0].time.month == month
        assert statement.alternatives == ()
        assert not any("date_order=" in doubt for doubt in statement.doubts)

    def test_an_order_that_does_not_exist_is_refused(self) -> None:
        """With those that do."""
        with pytest.raises(StatementError, match="day-first, month-first"):
            read_statement_text(slashes("3/4/2021 1:41"), date_order="year-first")  # type: ignore[arg-type]

    def test_a_day_that_equals_its_month_needs_no_order(self) -> None:
        """It reads the same both ways."""
        assert read_statement_text(slashes("4/4/2021 1:41")).alternatives == ()

    def test_contradicting_evidence_leaves_the_ambiguous_rows_out(self) -> None:
        """Rows that are clear by themselves are read."""
        statement = read_statement_text(
            slashes("28/3/2021 1:41", "3/28/2021 1:41", "3/4/2021 1:41")
        )

        assert [entry.time.day for entry in statement.entries] == [28, 28]
        (problem,) = statement.problems
        assert problem.row == 3
        assert "date_order" in problem.advice

    def test_points_and_slashes_are_decided_apart(self) -> None:
        """One file can hold both; nobody writes months first with points."""
        statement = read_statement_text(
            slashes("3/28/2021 1:41", "3/4/2021 1:41", "03.04.2021 01:41")
        )

        assert [entry.time.month for entry in statement.entries] == [3, 3, 4]

    def test_evidence_beats_what_the_format_prints(self) -> None:
        """A spreadsheet has written the dates anew, which is reported."""
        row = {"Sent Quantity": "1", "Sent Currency": "BTC"}
        statement = read_statement_text(
            file_of("cointracker", {"Date": "28/03/2021 01:41:05"} | row)
        )

        assert statement.entries[0].time == at(2021, 3, 28, 1, 41, 5)
        assert repairs(statement) == {"dates written in another order than the format's": 1}
