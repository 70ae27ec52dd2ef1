"""What single rows state: the cases that comparing files with the API stands and falls with."""

import datetime as dt
from decimal import Decimal

import pytest

from bitstamp_ledger.files import Statement, read_statement_text
from bitstamp_ledger.model import (
    Amount,
    Entry,
    FeePlace,
    Rounding,
    RowGrain,
    Side,
    Trade,
    Transfer,
    UnknownEntry,
)
from tests.files.samples import G1_GOLDEN, g1_with, g2_with, printed

COINTRACKING = (
    "Type,Buy Amount,Buy Currency,Sell Amount,Sell Currency,Fee,Fee Currency,Exchange,Trade-Group,"
    "Comment,Date"
)
G3 = "Order Type,Pair,Price,Amount,Value,Closed"


def only(statement: Statement) -> Entry:
    (entry,) = statement.entries
    assert statement.problems == ()
    return entry


def trade(text: str) -> Trade:
    entry = only(read_statement_text(text))
    assert isinstance(entry, Trade)
    return entry


def holds(entry: Entry, moment: str) -> bool:
    """Say whether the printed time can stand for a moment in UTC."""
    assert entry.source.precision is not None
    end = entry.time + entry.source.precision.time_step
    return entry.time <= dt.datetime.fromisoformat(moment + "+00:00") < end


@pytest.mark.parametrize(
    ("case", "printed_time", "moment", "held"),
    [
        ("minute floor", "Mar. 28, 2021, 12:41 AM", "2021-03-28 00:41:36.482917", True),
        ("minute edge", "Mar. 28, 2021, 12:41 AM", "2021-03-28 00:42:00.000000", False),
        ("minute before", "Mar. 28, 2021, 12:41 AM", "2021-03-28 00:40:59.999999", False),
        ("midnight", "Mar. 28, 2021, 12:00 AM", "2021-03-28 00:00:59.900000", True),
        ("noon", "Mar. 28, 2021, 12:07 PM", "2021-03-28 12:07:01.000000", True),
        ("May with dot", "May. 09, 2021, 08:02 AM", "2021-05-09 08:02:51.000000", True),
    ],
)
def test_a_minute_holds_its_seconds(case: str, printed_time: str, moment: str, held: bool) -> None:
    """From its first to the one before the next; the clock is one of twelve hours."""
    assert holds(trade(g1_with(Datetime=printed_time)), moment) is held, case


def test_a_second_holds_its_microseconds() -> None:
    """And no other."""
    entry = trade(g2_with(Datetime="2021-03-28T00:41:36Z"))

    assert holds(entry, "2021-03-28 00:41:36.999999")
    assert not holds(entry, "2021-03-28 00:41:37.000000")


def test_an_empty_fee_says_nothing() -> None:
    """Neither that there was one nor that there was none."""
    assert trade(g1_with(Fee="")).fee is None
    assert trade(g1_with(Fee="0.00 EUR")).fee == Amount("0.00", "EUR")


@pytest.mark.parametrize("count", [2, 3])
def test_repeats_are_as_many_trades(count: int) -> None:
    """Equal rows of one file are fills of one order."""
    header, row = g1_with().splitlines()
    entries = read_statement_text("\n".join([header, *[row] * count])).entries

    assert len({entry.id for entry in entries}) == count


def test_sides_pairs_and_accounts_tell_rows_apart() -> None:
    """Rows that are equal but for one of them have nothing to do with each other."""
    rows = [g1_with(), g1_with(Sub_Type="Sell"), g1_with(Account="Bot")]
    rows.append(g1_with(Value="1039.50 USD", Rate="33000.00 USD", Fee="5.19750 USD"))
    entries = [trade(text) for text in rows]

    assert len({entry.id.rpartition("-")[0] for entry in entries}) == 4
    assert [entry.side for entry in entries[:2]] == [Side.BUY, Side.SELL]
    assert entries[2].account == "Bot"


def test_ids_are_the_exchanges_own() -> None:
    """With the account and the side they name a trade."""
    entry = trade(g2_with(ID="163402118", Order_ID="1342211907391488"))

    assert (entry.transaction_id, entry.order_id) == (163402118, 1342211907391488)


def cointracking(*rows: str, timezone: str | None = None) -> Statement:
    table = [row.split(",") for row in rows]
    return read_statement_text(printed(COINTRACKING, table), timezone=timezone)


def test_a_folded_fee_is_taken_out() -> None:
    """What was paid contains it; the quote is that of the exchange, to the last digit."""
    row = "Trade,0.04219875,BTC,2006.77393,EUR,9.98393,EUR,Bitstamp,,,2021-03-28 00:41:36"
    entry = only(cointracking(row))

    assert entry.legs[1] == Amount("-1996.79000", "EUR")
    assert entry.fee == Amount("9.98393", "EUR")
    assert entry.source.precision is not None
    assert entry.source.precision.fee_place is FeePlace.OPEN


def test_summer_time_is_that_of_the_zone() -> None:
    """The clocks go on by an hour between two rows, and by two against UTC."""
    rows = [
        f"Trade,0.1,BTC,{at}.5,EUR,,,Bitstamp,,,28.03.2021 {clock}"
        for at, clock in enumerate(["01:41", "03:05"], 1)
    ]
    entries = cointracking(*rows, timezone="Europe/Paris").entries

    assert [f"{entry.time:%H:%M}" for entry in entries] == ["00:41", "01:05"]


def test_an_order_is_more_than_a_fill() -> None:
    """The sum of its fills: no single one of them can be compared with it."""
    entry = trade(
        printed(G3, [["Buy", "BTC/EUR", "64210.80", "0.1", "6421.08", "2024-05-14 09:12:47"]])
    )

    assert entry.source.precision is not None
    assert entry.source.precision.grain is RowGrain.ORDER


@pytest.mark.parametrize("cell", ["1 996,79", "1\u00a0996,79", "1.996,79", "1996,79", "1,996.79"])
def test_a_decimal_comma_is_read(cell: str) -> None:
    """With what stands between thousands."""
    assert trade(g2_with(Value=cell)).quote == Amount("1996.79", "EUR")
    assert trade(g1_with(Value=f"{cell} EUR")).quote == Amount("1996.79", "EUR")


@pytest.mark.parametrize(
    "text",
    [
        g1_with(Amount="0.031500000000000004 BTC"),
        g2_with(Amount="0.031500000000000004"),
        printed(G3, [["Buy", "BTC/EUR", "9.5", "0.031500000000000004", "0.3", "2024-05-14 09:12"]]),
    ],
)
def test_float_noise_is_undone(text: str) -> None:
    """And the numbers of the row are no longer taken for exact."""
    entry = trade(text)

    assert entry.base.value == Decimal("0.0315")
    assert entry.source.precision is not None
    assert entry.source.precision.base is Rounding.UNIT


def test_a_fee_with_float_noise_is_the_fee() -> None:
    """What arithmetic on binary numbers leaves is no statement."""
    assert trade(g2_with(Fee="9.983930000000001")).fee == Amount("9.98393", "EUR")


@pytest.mark.parametrize("amount", ["12345678.12345678", "123456789.12345678"])
def test_a_long_amount_of_the_exchange_is_no_noise(amount: str) -> None:
    """Coins of little worth are traded by the million, with eight decimals."""
    entry = trade(g2_with(Amount=amount))

    assert entry.base.value == Decimal(amount)
    assert entry.source.precision is not None
    assert entry.source.precision.base is Rounding.EXACT


def test_a_swapped_pair_has_one_orientation() -> None:
    """What was sent and received is a sale of ETH for BTC, not a purchase of BTC with ETH."""
    row = "Trade,0.04927267,BTC,0.8331,ETH,,,Bitstamp,,,2021-04-03 17:20:09"
    entry = only(cointracking(row))

    assert [str(leg) for leg in entry.legs] == ["-0.8331 ETH", "0.04927267 BTC"]
    assert entry.source.precision is not None
    assert entry.source.precision.orientation_open


def test_another_name_of_a_currency_is_the_currency() -> None:
    """XBT is BTC."""
    assert trade(g2_with(Amount_currency="XBT")).base.currency == "BTC"


def test_a_mangled_order_id_is_distrusted_and_the_id_is_not() -> None:
    """A spreadsheet keeps 15 digits, and the id has 9."""
    statement = read_statement_text(g2_with(ID="163402118", Order_ID="1,34221E+15"))
    entry = only(statement)

    assert isinstance(entry, Trade)
    assert (entry.transaction_id, entry.order_id) == (163402118, None)
    assert [repair.row for repair in statement.repairs] == [1]


def test_a_line_quoted_whole_is_a_line() -> None:
    """As some browsers save it."""
    header, *rows = G1_GOLDEN.splitlines()
    wrapped = ['"' + row.replace('"', '""') + '"' for row in rows]
    plain = read_statement_text(G1_GOLDEN)
    statement = read_statement_text("\n".join([header, *wrapped]))

    assert [entry.id for entry in statement.entries] == [entry.id for entry in plain.entries]


def test_a_transfer_is_no_trade() -> None:
    """Its value is a text."""
    entry = only(
        read_statement_text(
            g2_with(
                Type="Sub Account Transfer",
                Subtype="",
                Value="Main Account -> Bot",
                Value_currency="",
                Rate="",
                Rate_currency="",
                Fee="",
                Fee_currency="",
            )
        )
    )

    assert isinstance(entry, Transfer)
    assert entry.counterparty == "Bot"


def test_an_unknown_type_is_kept_and_reported() -> None:
    """Never guessed, never dropped."""
    statement = read_statement_text(g2_with(Type="Something new"))
    entry = only(statement)

    assert isinstance(entry, UnknownEntry)
    assert (entry.code, statement.counts.quarantined) == ("Something new", 1)


class TestWhatPointsMean:
    """One number can tell what the points and commas of all others mean."""

    def values(self, *cells: str) -> list[Decimal | None]:
        """Return the values of G2 rows as read; None for a row that is a problem."""
        rows = [g2_with(Value=cell).splitlines()[1] for cell in cells]
        header = g2_with().splitlines()[0]
        # Without the zeros at their ends, the other numbers tell nothing.
        text = "\n".join([header, *rows]).replace("0.03150000", "2").replace("33000.00", "33000")
        text = text.replace("5.19750", "5")
        statement = read_statement_text(text)
        read = {e.source.row: e.quote.value for e in statement.entries if isinstance(e, Trade)}
        return [read.get(row) for row in range(1, len(cells) + 1)]

    @pytest.mark.parametrize("witness", ["9.765.625", "1.996,79", "0,5", "12,5", "12345,678"])
    def test_a_comma_anywhere_makes_points_doubtful(self, witness: str) -> None:
        """Before it and behind it: the file is looked at again from its start."""
        before, seen, after = self.values("1.250", witness, "1.250")

        assert (before, after) == (None, None)
        assert seen is not None

    @pytest.mark.parametrize("witness", ["12.5", "1,996.79", "0.5", "9,765,625", "12345.678"])
    def test_a_point_anywhere_makes_commas_doubtful(self, witness: str) -> None:
        """Points then stand before decimals."""
        assert self.values("1.250", witness, "1,250")[::2] == [Decimal("1.250"), None]

    def test_a_comma_makes_other_commas_decimal(self) -> None:
        """Even before three digits."""
        assert self.values("1,250", "12,5") == [Decimal("1.250"), Decimal("12.5")]

    def test_a_late_witness_is_heard(self) -> None:
        """Though numbers before it seemed to show points."""
        assert self.values("12.5", "1.250", "12,5")[1] is None

    def test_without_a_witness_the_doubt_is_told(self) -> None:
        """The number is read as exports print it."""
        text = g2_with(Value="1.250", Amount="2", Rate="33000", Fee="5")
        statement = read_statement_text(text)

        assert trade(text).quote.value == Decimal("1.250")
        assert [doubt for doubt in statement.doubts if "'1.250'" in doubt]
