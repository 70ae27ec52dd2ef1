"""What tax tools are given: the rows, the refusals, and what our own readers make of them."""

import csv
import datetime as dt
import io
import json
from decimal import Decimal
from pathlib import Path

import attrs
import pytest
from hypothesis import given, settings

from bitstamp_ledger import sinks
from bitstamp_ledger.api import parse_user_transactions
from bitstamp_ledger.errors import SinkError
from bitstamp_ledger.ledger import replay
from bitstamp_ledger.model import (
    TIME_NOT_STATED,
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
from bitstamp_ledger.reconcile import reconcile
from bitstamp_ledger.sandbox import generate_account
from tests.sinks.tax_tools import (
    BY_NAME,
    TOOLS,
    Kept,
    histories,
    odd_entries,
    read_back,
    simple_entries,
    sink_of,
    texts_of,
    write,
)

every_tool = pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)

BUY = Trade(
    id="Main Account/trade/163402118",
    transaction_id=163402118,
    order_id=1342211907391488,
    time=dt.datetime(2021, 3, 28, 0, 41, 36, 482917, tzinfo=UTC),
    legs=(Amount("0.04219875", "BTC"), Amount("-1996.79", "EUR")),
    fee=Amount("9.98393", "EUR"),
    price=Decimal("47318.62"),
)
SELL = attrs.evolve(
    BUY,
    id="Main Account/trade/163402119",
    transaction_id=163402119,
    legs=(Amount("-0.04219875", "BTC"), Amount("1996.79", "EUR")),
)
NOTE = (
    "Bitstamp trade; Main Account/trade/163402118; 2021-03-28T00:41:36.482917Z; "
    "order 1342211907391488; price 47318.62"
)
ROWS = {
    "koinly": f"2021-03-28 00:41:36 UTC,1996.79,EUR,0.04219875,BTC,9.98393,EUR,,,,{NOTE},163402118",
    "cointracking": '"Trade","0.04219875","BTC","2006.77393","EUR","9.98393","EUR","Bitstamp","",'
    f'"{NOTE}","2021-03-28 00:41:36","163402118"',
    "waltio": "Échange,28/03/2021 00:41:36,GMT,0.04219875,BTC,1996.79,EUR,9.98393,EUR,BITSTAMP,"
    f"{NOTE},,,,,,,163402118",
    "bittytax": "Trade,0.04219875,BTC,,1996.79,EUR,,9.98393,EUR,,Bitstamp,"
    f"2021-03-28T00:41:36.482917 UTC,{NOTE}",
    "rotki": f"bitstamp,EUR,BTC,0.04219875,1996.79,9.98393,EUR,{NOTE},1616892096482",
    "cointracker": "03/28/2021 00:41:36,0.04219875,BTC,1996.79,EUR,9.98393,EUR,",
    "coinledger": "03/28/2021 00:41:36,Bitstamp,EUR,1996.79,BTC,0.04219875,EUR,9.98393,Trade,"
    f"{NOTE},163402118",
    "cryptotaxcalculator": "2021-03-28 00:41:36,buy,BTC,0.04219875,EUR,1996.79,EUR,9.98393,,"
    f"Bitstamp,,163402118,{NOTE},,",
    "blockpit": "28.03.2021 00:41:36,Bitstamp,Trade,EUR,1996.79,BTC,0.04219875,EUR,9.98393,"
    f"{NOTE},163402118",
    "dali": "163402118,2021-03-28 00:41:36.482917+00:00,BTC,Bitstamp,me,buy,47318.62,0.04219875,,"
    f"1996.79,,9.98393,EUR,{NOTE}",
}
HEADERS = {
    "koinly": "Date,Sent Amount,Sent Currency,Received Amount,Received Currency,Fee Amount,"
    "Fee Currency,Net Worth Amount,Net Worth Currency,Label,Description,TxHash",
    "cointracking": '"Type","Buy Amount","Buy Currency","Sell Amount","Sell Currency","Fee",'
    '"Fee Currency","Exchange","Trade-Group","Comment","Date","Tx-ID"',
    "waltio": "Type,Date,Fuseau horaire,Montant reçu,Monnaie ou jeton reçu,Montant envoyé,"
    "Monnaie ou jeton envoyé,Frais,Monnaie ou jeton des frais,Exchange / Plateforme,Description,"
    "Label,Prix du jeton du montant envoyé,Prix du jeton du montant recu,Prix du jeton des frais,"
    "Adresse,Transaction hash,ID Externe",
    "bittytax": "Type,Buy Quantity,Buy Asset,Buy Value in GBP,Sell Quantity,Sell Asset,"
    "Sell Value in GBP,Fee Quantity,Fee Asset,Fee Value in GBP,Wallet,Timestamp,Note",
    "rotki": "Location,Spend Currency,Receive Currency,Receive Amount,Spend Amount,Fee,"
    "Fee Currency,Description,Timestamp",
    "cointracker": "Date,Received Quantity,Received Currency,Sent Quantity,Sent Currency,"
    "Fee Amount,Fee Currency,Tag",
    "coinledger": "Date (UTC),Platform (Optional),Asset Sent,Amount Sent,Asset Received,"
    "Amount Received,Fee Currency (Optional),Fee Amount (Optional),Type,Description (Optional),"
    "TxHash (Optional)",
    "cryptotaxcalculator": "Timestamp (UTC),Type,Base Currency,Base Amount,"
    "Quote Currency (Optional),Quote Amount (Optional),Fee Currency (Optional),"
    "Fee Amount (Optional),From (Optional),To (Optional),Blockchain (Optional),ID (Optional),"
    "Description (Optional),Reference Price Per Unit (Optional),"
    "Reference Price Currency (Optional)",
    "blockpit": "Date (UTC),Integration Name,Label,Outgoing Asset,Outgoing Amount,Incoming Asset,"
    "Incoming Amount,Fee Asset (optional),Fee Amount (optional),Comment (optional),"
    "Trx. ID (optional)",
    "dali": "unique_id,timestamp,asset,exchange,holder,transaction_type,spot_price,crypto_in,"
    "crypto_fee,fiat_in_no_fee,fiat_in_with_fee,fiat_fee,fiat_ticker,notes",
}


def movement(kind: type[Entry], *legs: str, fee: str | None = None, **more: object) -> Entry:
    """An entry whose amounts are written ``-1.5 BTC``."""
    facts: dict[str, object] = {
        "id": f"Main Account/{kind.kind}/7",
        "transaction_id": 7,
        "time": dt.datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC),
        "legs": tuple(Amount(*leg.split()) for leg in legs),
        "fee": None if fee is None else Amount(*fee.split()),
    }
    if kind is UnknownEntry:
        facts["reason"] = "its type is not known"
    return kind(**(facts | more))  # type: ignore[arg-type]  # each field has its own type


def cells_of(name: str, *entries: Entry, file: int = 0, **options: object) -> list[dict[str, str]]:
    """The rows of a file by column, empty cells left out."""
    text = texts_of(name, entries, **options)[file]
    rows = csv.DictReader(io.StringIO(text, newline=""))
    return [{column: cell for column, cell in row.items() if cell} for row in rows]


class TestRows:
    @every_tool
    def test_a_trade_is_this_row(self, tool: Kept) -> None:
        """Header and cells as the tool documents them (docs/facts/files.md)."""
        text = texts_of(tool.name, [BUY])[0]

        assert text == f"{HEADERS[tool.name]}\r\n{ROWS[tool.name]}\r\n"

    def test_a_sale_that_has_its_fee_inside_brings_less(self) -> None:
        """CoinTracking's rule; the sums are exact."""
        (row,) = cells_of("cointracking", SELL)

        assert (row["Buy Amount"], row["Buy Currency"]) == ("1986.80607", "EUR")
        assert (row["Sell Amount"], row["Sell Currency"]) == ("0.04219875", "BTC")
        assert row["Fee"] == "9.98393"

    def test_a_withdrawal_that_has_its_fee_inside_takes_more(self) -> None:
        """CoinTracker wants what left the wallet, CoinTracking too; what is sold stays."""
        sent = movement(Withdrawal, "-120.00 EUR", fee="3.00 EUR")

        (tracker,) = cells_of("cointracker", sent)
        (tracking,) = cells_of("cointracking", sent)
        (koinly,) = cells_of("koinly", sent)

        assert (tracker["Sent Quantity"], tracker["Fee Amount"]) == ("123.00", "3.00")
        assert (tracking["Sell Amount"], tracking["Fee"]) == ("123.00", "3.00")
        assert (koinly["Sent Amount"], koinly["Fee Amount"]) == ("120.00", "3.00")

    def test_a_fee_that_an_amount_cannot_hold_is_a_row_of_its_own(self) -> None:
        """A sale for less than its fee would else bring less than nothing."""
        rows = cells_of("cointracking", movement(Trade, "-1 SHIB", "0.01 EUR", fee="0.02 EUR"))

        assert [(row["Type"], row.get("Buy Amount"), row["Sell Amount"]) for row in rows] == [
            ("Trade", "0.01", "1"),
            ("Other Fee", None, "0.02"),
        ]
        assert "Fee" not in rows[0]

    @pytest.mark.parametrize(
        ("legs", "fee"),
        [(("1 SHIB", "0.00 EUR"), "0.01 EUR"), (("-1 SHIB", "0.02 EUR"), "0.02 EUR")],
    )
    def test_a_fee_that_would_be_all_of_an_amount_is_not_inside(
        self, legs: tuple[str, ...], fee: str
    ) -> None:
        """Readers take an amount that is no larger than its fee for one without it."""
        trade, cost = cells_of("cointracking", movement(Trade, *legs, fee=fee))

        assert "Fee" not in trade
        assert (cost["Type"], f"{cost['Sell Amount']} {cost['Sell Currency']}") == (
            "Other Fee",
            fee,
        )

    def test_a_trade_of_one_currency_is_two_movements(self) -> None:
        """No tool takes it for a trade, and no exchange makes one."""
        rows = cells_of("bittytax", movement(Trade, "1 BTC", "-2 BTC"))

        assert [row["Type"] for row in rows] == ["Deposit", "Withdrawal"]

    def test_times_of_cointracking_are_in_the_zone_of_its_account(self) -> None:
        """Eighteen minutes before the clocks of Paris went forward, and after."""
        later = attrs.evolve(BUY, id="b", time=dt.datetime(2021, 3, 28, 1, 5, 10, tzinfo=UTC))

        rows = cells_of("cointracking", BUY, later, timezone="Europe/Paris")

        assert [row["Date"] for row in rows] == ["2021-03-28 01:41:36", "2021-03-28 03:05:10"]
        assert "2021-03-28T00:41:36.482917Z" in rows[0]["Comment"]

    @pytest.mark.parametrize(
        ("entry", "label"),
        [
            (movement(Deposit, "1 BTC"), None),
            (movement(Withdrawal, "-1 BTC"), None),
            (movement(Transfer, "-1 BTC"), None),
            (movement(StakingMovement, "-1 ETH"), None),
            (movement(Reward, "1 ETH2"), "reward"),
            (movement(Settlement, "-3 EUR"), None),
            (movement(UnknownEntry, "3 EUR"), None),
            (movement(Conversion, "1 BTC", "-2 EUR"), None),
        ],
        ids=lambda value: value.kind if isinstance(value, Entry) else None,
    )
    def test_koinly_labels_only_what_it_has_a_label_for(
        self, entry: Entry, label: str | None
    ) -> None:
        """What it does not know comes in or goes out, and the description names it."""
        (row,) = cells_of("koinly", entry)

        assert row.get("Label") == label
        assert row["Description"].startswith(f"Bitstamp {entry.kind}; ")

    def test_an_unknown_record_says_so(self) -> None:
        """A person has to decide what it is for the tax office."""
        (row,) = cells_of("koinly", movement(UnknownEntry, "3 EUR", code="57"))

        assert row["Description"].endswith("type 57, not understood; its type is not known")

    def test_legs_that_do_not_face_each_other_are_rows_of_their_own(self) -> None:
        """Three legs of one settlement, numbered; the fee goes with the first."""
        entry = movement(Settlement, "1 BTC", "0 EUR", "-3 USD", "2 ETH", fee="0.5 EUR")
        rows = cells_of("koinly", entry)

        assert [
            (row.get("Received Amount"), row.get("Sent Amount"), row.get("Fee Amount"))
            for row in rows
        ] == [("1", None, "0.5"), (None, "3", None), ("2", None, None)]
        assert [row["TxHash"] for row in rows] == ["7", "7-2", "7-3"]
        assert rows[1]["Description"].endswith("part 2 of 3: settlement out")

    def test_an_entry_that_is_a_fee_and_nothing_else_is_one_row(self) -> None:
        """Such as one for keeping an account; it is no withdrawal."""
        (row,) = cells_of("koinly", movement(UnknownEntry, fee="2 EUR"))

        assert (row["Sent Amount"], row["Sent Currency"], row["Label"]) == ("2", "EUR", "cost")

    def test_a_trade_of_dust_keeps_its_side(self) -> None:
        """The exchange rounds the quote of a tiny fill to nothing."""
        (row,) = cells_of("koinly", movement(Trade, "-0.5 SHIB", "0.00 EUR"))

        assert (row["Sent Amount"], row["Received Amount"]) == ("0.5", "0.00")
        assert (row["Sent Currency"], row["Received Currency"]) == ("SHIB", "EUR")

    def test_equal_executions_are_told_apart(self) -> None:
        """Koinly drops a row that is equal to another in time, amounts and TxHash."""
        twin = attrs.evolve(BUY, id="Main Account/trade/163402120", transaction_id=163402120)
        row = attrs.evolve(BUY, id="Main Account/trade/row-0123abcd-1", transaction_id=None)

        rows = cells_of("koinly", BUY, twin, row, attrs.evolve(row, id=row.id[:-1] + "2"))

        assert [each["TxHash"] for each in rows] == [
            "163402118",
            "163402120",
            "row-0123abcd-1",
            "row-0123abcd-2",
        ]

    def test_money_of_governments_is_labelled_as_such_where_the_tool_asks(self) -> None:
        """CryptoTaxCalculator has types of its own for them, and for staking."""
        rows = cells_of(
            "cryptotaxcalculator",
            movement(Deposit, "5 EUR"),
            attrs.evolve(movement(Deposit, "5 BTC"), id="b"),
            attrs.evolve(movement(Withdrawal, "-5 EUR"), id="c"),
            movement(StakingMovement, "-5 ETH"),
        )

        assert [row["Type"] for row in rows] == [
            "fiat-deposit",
            "receive",
            "fiat-withdrawal",
            "staking-deposit",
        ]
        assert [(row.get("From (Optional)"), row.get("To (Optional)")) for row in rows] == [
            (None, "Bitstamp"),
            (None, "Bitstamp"),
            ("Bitstamp", None),
            ("Bitstamp", None),
        ]

    def test_each_account_is_a_wallet(self) -> None:
        """Else a transfer between two of them would go from a wallet to itself."""
        (row,) = cells_of("bittytax", attrs.evolve(BUY, account="Bot  1"))
        (own,) = cells_of("bittytax", attrs.evolve(BUY, account="Bot"), wallet="Bitstamp EU")

        assert row["Wallet"] == "Bitstamp Bot 1"
        assert own["Wallet"] == "Bitstamp EU Bot"

    def test_what_is_no_trade_goes_to_a_second_file_of_rotki(self) -> None:
        """It has two imports, and neither knows the other's rows."""
        (row,) = cells_of("rotki", BUY, movement(Deposit, "5 EUR"), file=1)

        assert row == {
            "Type": "Deposit",
            "Location": "bitstamp",
            "Currency": "EUR",
            "Amount": "5",
            "Description": "Bitstamp deposit; Main Account/deposit/7; 2024-05-06T07:08:09.000000Z",
            "Timestamp": "1714979289000",
        }

    def test_only_cointracker_rounds(self) -> None:
        """It takes eight decimals; half of a unit goes to the even digit."""
        entry = movement(Deposit, "0.123456785 BTC")

        assert cells_of("cointracker", entry)[0]["Received Quantity"] == "0.12345678"
        assert cells_of("koinly", entry)[0]["Received Amount"] == "0.123456785"


class TestDali:
    """What rp2 makes of a row depends on the file that it is in."""

    @pytest.mark.parametrize(
        ("entry", "ends"),
        [
            (movement(Deposit, "5 BTC"), ["", "", "Bitstamp", "me", "", "5"]),
            (
                movement(Deposit, "5 BTC", fee="0.1 BTC"),
                ["", "", "Bitstamp", "me", "5", "4.9"],
            ),
            (movement(Withdrawal, "-5 BTC"), ["Bitstamp", "me", "", "", "5", ""]),
            (
                movement(Withdrawal, "-5 BTC", fee="0.1 BTC", account="Bot"),
                ["Bitstamp Bot", "me", "", "", "5.1", "5"],
            ),
            (movement(Transfer, "-5 BTC"), ["Bitstamp", "me", "", "", "5", ""]),
            (movement(StakingMovement, "5 ETH"), ["", "", "Bitstamp", "me", "", "5"]),
        ],
        ids=lambda value: str(value) if isinstance(value, Entry) else "",
    )
    def test_moves_have_one_end_and_are_no_gifts(self, entry: Entry, ends: list[str]) -> None:
        """A gift is taxed; the exchange does not know whose the other end is."""
        came, went, moved = texts_of("dali", [entry])

        (cells,) = list(csv.reader(io.StringIO(moved, newline="")))[1:]
        assert [len(text.splitlines()) for text in (came, went)] == [1, 1]
        assert cells[:1] + cells[2:3] == ["7", entry.legs[0].currency]
        assert [*cells[3:7], *cells[8:10]] == ends

    @pytest.mark.parametrize(
        ("entry", "name"),
        [
            (movement(Deposit, "5 BTC", transaction_id=None), "Bitstamp 7"),
            (movement(Deposit, "5 BTC", "6 ETH"), "7-2"),
        ],
    )
    def test_each_move_has_a_name_and_only_the_exchange_gives_numbers(
        self, entry: Entry, name: str
    ) -> None:
        """The tool refuses one without, and joins those of one name."""
        assert cells_of("dali", entry, file=2)[-1]["unique_id"] == name

    @pytest.mark.parametrize(
        ("entry", "brought", "price"),
        [
            (SELL, "1986.80607", "47318.62"),
            (attrs.evolve(SELL, price=None), "1986.80607", "47318.7001984656"),
            # A price of 50,000 is nearer to what is left than to what was brought.
            (
                movement(Trade, "-0.00000099 BTC", "0.05 EUR", fee="0.00025 EUR", price="50000"),
                "0.04975",
                "50505.0505050505",
            ),
        ],
        ids=["stated", "not stated", "rounded"],
    )
    def test_what_a_sale_brought_is_after_its_fee(
        self, entry: Entry, brought: str, price: str
    ) -> None:
        """The tool computes the gain from that amount, and takes no fee from it."""
        (row,) = cells_of("dali", entry, file=1)
        (found,) = read_back("dali", [entry])[1].entries

        assert (row["fiat_out_no_fee"], row["spot_price"]) == (brought, price)
        assert row["fiat_fee"] == str(entry.fee and entry.fee.value)
        assert (found.legs, found.fee) == (entry.legs, entry.fee)

    @pytest.mark.parametrize(
        ("legs", "rows"),
        [
            (("-0.5 SHIB", "0.00 BTC"), (0, 1)),
            (("0.5 SHIB", "0.00 BTC"), (1, 0)),
            (("-0.5 SHIB", "0.00 EUR"), (0, 1)),
            (("0.5 SHIB", "0.00 EUR"), (1, 0)),
        ],
    )
    def test_nothing_is_no_amount(self, legs: tuple[str, ...], rows: tuple[int, int]) -> None:
        """The exchange rounds the quote of a tiny fill to nothing; rp2 stops at one of 0."""
        trade = movement(Trade, *legs, fee="0.01 ETH")
        came, went = (cells_of("dali", trade, file=file) for file in (0, 1))

        trades = [[row for row in half if row["asset"] != "ETH"] for half in (came, went)]
        assert tuple(map(len, trades)) == rows
        assert [row["crypto_fee"] for row in went if row["asset"] == "ETH"] == ["0.01"]
        for row in (*came, *went):
            assert not {"fiat_in_no_fee", "fiat_out_no_fee"} & set(row)

    def test_a_sale_for_no_more_than_its_fee_has_it_apart(self) -> None:
        """Else it would have brought less than nothing."""
        sale, fee = cells_of("dali", movement(Trade, "-1 SHIB", "0.01 EUR", fee="0.02 EUR"), file=1)

        assert (sale["fiat_out_no_fee"], sale.get("fiat_fee")) == ("0.01", None)
        assert (fee["asset"], fee["transaction_type"], fee["crypto_fee"]) == ("EUR", "fee", "0.02")


class TestReadBack:
    @every_tool
    @settings(max_examples=20)
    @given(history=histories(simple_entries))
    def test_our_reader_gets_what_the_format_keeps(self, tool: Kept, history: list[Entry]) -> None:
        """Kind, amounts, fee and time, to the step that the tool keeps."""
        statements = read_back(tool.name, history)

        found = [entry for statement in statements for entry in statement.entries]
        assert [statement.format for statement in statements] == list(tool.formats)
        assert [statement.problems for statement in statements] == [()] * len(statements)
        assert sorted(map(stated, found)) == sorted(
            row for entry in history for row in expected(tool, entry)
        )

    @every_tool
    @settings(max_examples=20)
    @given(history=histories(simple_entries | odd_entries))
    def test_nothing_is_lost_of_the_balances(self, tool: Kept, history: list[Entry]) -> None:
        """Whatever kind, however many legs: the rows add up to the entries' effect."""
        statements = read_back(tool.name, history)

        found = [entry for statement in statements for entry in statement.entries]
        assert replay(found) == replay(history)

    @settings(max_examples=20)
    @given(history=histories(simple_entries, max_size=3))
    def test_a_local_time_is_one_of_two_at_most(self, history: list[Entry]) -> None:
        """In the hour that autumn repeats, a reader has both instants; elsewhere the one."""
        (statement,) = read_back("cointracking", history, timezone="Europe/Paris")

        true = {cut(entry.time, dt.timedelta(seconds=1)) for entry in history}
        assert not statement.problems
        for entry in statement.entries:
            assert {entry.time, entry.source.other_time} & true

    @every_tool
    def test_a_whole_account_comes_back(self, tool: Kept) -> None:
        """All types that the exchange documents, and one that it does not."""
        entries = whole_account()
        statements = read_back(tool.name, entries)

        found = [entry for statement in statements for entry in statement.entries]
        result = reconcile(entries, statements)
        assert replay(found) == replay(entries)
        assert not result.conflicts
        assert not [row for row in result.new if isinstance(row, Trade | Reward)]


class TestRefusals:
    @every_tool
    @pytest.mark.parametrize(
        ("entry", "reason"),
        [
            (movement(UnknownEntry), "it states no amount"),
            (movement(Deposit, "0 EUR", fee="0 EUR"), "it states no amount"),
            (movement(Deposit, "5 EUR", time=TIME_NOT_STATED), "it states no time"),
            (movement(Deposit, "5 =1+1"), "'=1+1' is no currency code that a tool reads"),
            (movement(Deposit, "5 EUR", fee="1 @A"), "'@A' is no currency code that a tool reads"),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_what_cannot_be_written_truly_is_refused(
        self, tool: Kept, entry: Entry, reason: str, tmp_path: Path
    ) -> None:
        """An error that names the entry, and the files that stood there are as they were."""
        path = tmp_path / "out.csv"
        before = [file.read_bytes() for file in write(tool.name, path, [BUY])]

        with pytest.raises(SinkError, match="cannot be written") as caught:
            write(tool.name, path, [SELL, attrs.evolve(entry, id="odd"), BUY])

        assert reason in str(caught.value)
        assert "'odd'" in str(caught.value)
        assert "by hand" in str(caught.value.hint)
        assert sorted(file.read_bytes() for file in tmp_path.iterdir()) == sorted(before)

    def test_a_batch_that_one_file_refuses_is_in_no_file(self, tmp_path: Path) -> None:
        """Two files, one promise: all or nothing."""
        sink = sink_of("rotki", tmp_path / "rotki.csv")
        sink.open(sinks.RunInfo(sink="rotki"))
        bad = movement(Deposit, "5 =1+1")

        with pytest.raises(SinkError):
            sink.write(sinks.Batch.of([BUY, bad]))
        sink.write(sinks.Batch.of([SELL]))
        sink.close(sinks.Completed())

        trades = (tmp_path / "rotki.csv").read_text()
        assert "163402119" in trades
        assert "163402118" not in trades

    def test_one_file_that_cannot_be_opened_leaves_none(self, tmp_path: Path) -> None:
        """The first is given up when the second fails."""
        (tmp_path / "rotki-events.csv").mkdir()

        with pytest.raises(SinkError, match="a folder"):
            write("rotki", tmp_path / "rotki.csv", [BUY])

        assert [path.name for path in tmp_path.iterdir()] == ["rotki-events.csv"]

    @pytest.mark.parametrize("wallet", ["", "=Bitstamp", "-", "Bitstamp\n2"])
    def test_a_wallet_is_a_name(self, wallet: str, tmp_path: Path) -> None:
        """It begins cells, which spreadsheets would run."""
        with pytest.raises(SinkError, match="no name for a wallet"):
            sink_of("bittytax", tmp_path / "out.csv", wallet=wallet)


class TestCells:
    @every_tool
    @settings(max_examples=20)
    @given(history=histories(simple_entries | odd_entries, max_size=3))
    def test_no_cell_is_a_formula_or_a_second_line(self, tool: Kept, history: list[Entry]) -> None:
        """Names of accounts and reasons are anyone's text; spreadsheets run what begins so."""
        awkward = [
            attrs.evolve(
                entry,
                id=f"=a\nb\x1b/{number}" if number else "=a\u2028b",
                transaction_id=None,
                account="=cmd|' /C calc'!A1\r\n\tx\u2028",
                code='"@SUM(A1)',
            )
            for number, entry in enumerate(history)
        ]
        for text in texts_of(tool.name, awkward):
            rows = list(csv.reader(io.StringIO(text, newline="")))
            assert len(rows) == text.count("\r\n")
            assert not [
                cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@", "'"))
            ]
            assert not [cell for row in rows for cell in row if not cell.isprintable()]

    @every_tool
    def test_all_digits_are_written(self, tool: Kept) -> None:
        """38 of them, without exponent; CoinTracker says that it rounds."""
        value = "123456789012345678901234567890.12345678"
        (text, *more) = texts_of(tool.name, [movement(Deposit, f"{value} SHIB")])

        assert value in text + "".join(more)

    @every_tool
    def test_the_same_entries_give_the_same_bytes(self, tool: Kept) -> None:
        """So that a file that is written again is the same file."""
        entries = whole_account()

        assert texts_of(tool.name, entries) == texts_of(tool.name, entries)


class TestConsent:
    def test_koinly_needs_none(self, tmp_path: Path) -> None:
        """Its description holds what its columns do not."""
        with sinks.handle_for(sink_of("koinly", tmp_path / "out.csv")) as out:
            out.write([BUY])

        assert "2021-03-28T00:41:36.482917Z" in (tmp_path / "out.csv").read_text()

    def test_cointracker_needs_it(self, tmp_path: Path) -> None:
        """It has no column for what it cannot hold."""
        with pytest.raises(SinkError, match="digits behind the eighth decimal are rounded"):
            sinks.handle_for(sink_of("cointracker", tmp_path / "out.csv"))

    @every_tool
    def test_each_says_what_its_columns_cannot_hold(self, tool: Kept, tmp_path: Path) -> None:
        """Column by column: lost, or in the note only; each names a column that there is."""
        sink = sink_of(tool.name, tmp_path / "out.csv")
        columns = {name for table in sink.tool.tables for name, _ in table.columns} | {
            "(no column)"
        }

        told = (*sink.capabilities.losses, *sink.beside)
        assert told
        assert {loss.column for loss in told} <= columns


def cut(time: dt.datetime, step: dt.timedelta) -> dt.datetime:
    epoch = dt.datetime(1970, 1, 1, tzinfo=UTC)
    return epoch + (time - epoch) // step * step


Row = tuple[str, tuple[str, ...], str, dt.datetime, int]


def printed(amounts: tuple[Amount, ...]) -> tuple[str, ...]:
    return tuple(sorted(f"{leg.value.normalize():f} {leg.currency}" for leg in amounts))


def stated(entry: Entry) -> Row:
    """What a row says, whichever of two legs is the base."""
    step = entry.source.precision.time_step if entry.source.precision else dt.timedelta(0)
    assert step <= dt.timedelta(minutes=1)
    fee = "" if entry.fee is None else printed((entry.fee,))[0]
    return (entry.kind, printed(entry.legs), fee, entry.time, entry.transaction_id or 0)


def expected(tool: Kept, entry: Entry) -> list[Row]:
    """What the tool keeps of an entry of one row, from what is documented of it."""
    fee = entry.fee if entry.fee is not None and entry.fee.value else None
    kind = {
        "conversion": "trade",
        "transfer": "deposit" if entry.legs[0].value > 0 else "withdrawal",
        "settlement": "deposit" if entry.legs[0].value > 0 else "withdrawal",
        "unknown": "deposit" if entry.legs[0].value > 0 else "withdrawal",
        "staking": "deposit" if entry.legs[0].value > 0 else "withdrawal",
    }.get(entry.kind, entry.kind)
    if tool.staking and entry.kind == "staking":
        kind = "staking"
    time = cut(entry.time, tool.step)
    number = (entry.transaction_id or 0) if tool.ids else 0
    rows: list[Row] = []
    if tool.name == "dali":
        return expected_of_dali(kind, entry, fee, number)
    if fee is not None and tool.name == "cointracking" and fee_is_all_of(entry, fee):
        rows.append(("unknown", printed((-fee,)), "", time, 0))
        fee = None
    paid = "" if fee is None else printed((fee,))[0]
    return [(kind, printed(entry.legs), paid, time, number), *rows]


def expected_of_dali(kind: str, entry: Entry, fee: Amount | None, number: int) -> list[Row]:
    """One row for each asset, unless government money was paid or came for it."""
    legs, fiat = entry.legs, {"EUR", "USD"}
    halves: list[tuple[Amount, ...]] = [legs]
    asset = {leg.currency for leg in legs}
    if len(legs) > 1 and not asset & fiat:
        kind = "unknown"
        halves = sorted(((leg,) for leg in legs), key=lambda half: half[0].value)
        asset = {halves[0][0].currency}
    free = not any(len(legs) > 1 and leg.currency in fiat for leg in legs)
    inside = fee is not None and (fee.currency in asset or (free and fee.currency in fiat))
    if fee is not None and entry.kind in {"deposit", "withdrawal", "transfer", "staking"}:
        inside = fee.currency in asset and not fee_is_all_of(entry, fee)
    if fee is not None and len(legs) > 1 and sells_for(entry) == fee.currency and inside:
        inside = not fee_is_all_of(entry, fee)
    paid = printed((fee,))[0] if fee is not None and inside else ""
    rows: list[Row] = [(kind, printed(halves[0]), paid, entry.time, number)]
    rows += [(kind, printed(half), "", entry.time, 0) for half in halves[1:]]
    if fee is not None and not inside:
        nothing = Amount(Decimal(0), fee.currency)
        rows.append(("unknown", printed((nothing,)), printed((fee,))[0], entry.time, 0))
    return rows


def sells_for(entry: Entry) -> str:
    """The government money that an exchange of two currencies brought; nothing of a buy."""
    (came,) = (leg for leg in entry.legs if leg.value > 0)
    (went,) = (leg for leg in entry.legs if leg.value < 0)
    fiat = {"EUR", "USD"}
    is_sale = isinstance(entry, Trade) and entry.legs[0].value < 0
    sells = came.currency in fiat and (went.currency not in fiat or is_sale)
    return came.currency if sells else ""


def fee_is_all_of(entry: Entry, fee: Amount) -> bool:
    """Say whether what came in is no more than its fee, which leaves nothing to state."""
    same = [leg.value for leg in entry.legs if leg.currency == fee.currency]
    return bool(same) and same[0] > 0 and same[0] <= fee.value


def whole_account() -> list[Entry]:
    """An account with every documented type, without amounts that readers take for noise."""
    account = generate_account(1, 250, derivatives=True)
    entries = parse_user_transactions(json.dumps(account.records, default=str).encode())
    return [
        entry
        for entry in entries
        if all(len(leg.value.normalize().as_tuple().digits) <= 15 for leg in entry.legs)
    ]


def test_the_tools_under_test_are_all() -> None:
    """A tool that is added comes under these laws."""
    folder = Path(sinks.__file__).parent / "tax"
    modules = {path.stem for path in folder.glob("[a-z]*.py")}

    assert modules == set(BY_NAME)
