"""One file of each further layout, written by hand in the documented shape."""

from pathlib import Path

import pytest

from bitstamp_ledger.files import read_statement, read_statement_text
from bitstamp_ledger.model import Rounding

GOLDEN = Path(__file__).with_name("golden")
TRADE = "2021-03-28 00:41:36  trade  0.04219875 BTC  -1996.79 EUR  fee 9.98393 EUR"
SALE = "2021-04-02 17:20:09  trade  -1.5 ETH  2611.05 EUR  fee 6.52763 EUR"
DEPOSIT = "2021-04-02 18:00:00  deposit  500 EUR"
REWARD = "2021-05-14 09:12:05  reward  0.0021 ETH"
SENT = "2021-05-15 09:12:05  withdrawal  -0.01 BTC  fee 0.0005 BTC"
LATER = "2021-04-22 18:00:00  deposit  500 EUR"

FILES = {
    "coinledger.csv": (
        "coinledger",
        [TRADE, SALE, DEPOSIT, REWARD, "2021-05-16 09:12:05  unknown  -0.01 BTC"],
    ),
    "coinledger-export.csv": (
        "coinledger-export",
        [TRADE, DEPOSIT, "2021-05-16 09:12:05  withdrawal  -0.01 BTC  fee 0.0005 BTC"],
    ),
    "cryptotaxcalculator.csv": (
        "cryptotaxcalculator",
        [
            TRADE,
            "2021-04-02 17:20:09  trade  -1.5 ETH  0.04927267 BTC  fee 0.00012318 BTC",
            DEPOSIT,
            REWARD,
            SENT,
            "2021-05-16 09:12:05  unknown  0.01 BTC",
        ],
    ),
    "cryptotaxcalculator-12.csv": ("cryptotaxcalculator", [TRADE]),
    "delta-old.csv": (
        "delta-old",
        [TRADE, SALE, DEPOSIT, "2021-05-14 09:12:05  withdrawal  -0.01 BTC"],
    ),
    "delta-new.csv": (
        "delta-new",
        [TRADE, SALE, "2021-04-02 18:00:00  withdrawal  -0.01 BTC  fee 0.0005 BTC"],
    ),
    "accointing.csv": (
        "accointing",
        [TRADE, SALE.replace("04-02", "04-22"), LATER, REWARD, SENT],
    ),
    "accointing-export.csv": ("accointing-export", [TRADE, LATER]),
    "blockpit-import.csv": ("blockpit-import", [TRADE, DEPOSIT, REWARD]),
    "blockpit-export.csv": (
        "blockpit-export",
        [
            TRADE.replace("41:36", "41:00"),
            SALE.replace("20:09", "20:00"),
            "2021-04-02 18:00:00  withdrawal  -0.01 BTC  fee 0.0005 BTC",
        ],
    ),
    "coinpanda.csv": ("coinpanda", [TRADE, DEPOSIT, REWARD, SENT]),
    "divly.csv": ("divly", [TRADE, DEPOSIT, SENT]),
    "dali-rp2-in.csv": (
        "dali-rp2-in",
        [
            TRADE,
            "2021-03-28 00:00:00  trade  0.001 BTC  -47.32 EUR  fee 0.00001 BTC",
            REWARD,
        ],
    ),
    "dali-rp2-out.csv": (
        "dali-rp2-out",
        [SALE, "2021-04-02 17:20:10  withdrawal  -0.498 ETH  fee 0.002 ETH"],
    ),
    "ccxt.json": ("ccxt", [TRADE, SALE.replace("1.5", "1.50000000")]),
    "taxbit.csv": ("taxbit", [TRADE, DEPOSIT]),
    "zenledger.csv": ("zenledger", [TRADE, REWARD]),
    "tokentax.csv": ("tokentax", [TRADE, LATER]),
    "recap.csv": ("recap", [TRADE, SENT]),
    "bitcoin-tax.csv": (
        "bitcoin-tax",
        [TRADE, SALE, REWARD, "2021-05-16 09:12:05  unknown  -30.00 EUR  0.01 ETH"],
    ),
}


@pytest.mark.parametrize("name", FILES)
def test_a_golden_file_is_read(name: str) -> None:
    """Every row ends as an entry, set aside, or as the one problem that is put there."""
    form, entries = FILES[name]
    statement = read_statement(GOLDEN / name)

    assert statement.format == form
    assert [str(entry) for entry in statement.entries] == entries
    assert len(statement.problems) == (name == "ccxt.json")


def test_rows_of_other_exchanges_are_set_aside() -> None:
    """All rows of a transaction, where it has several."""
    aside = {name: [each.row for each in read_statement(GOLDEN / name).set_aside] for name in FILES}

    assert {name: rows for name, rows in aside.items() if rows} == {
        "bitcoin-tax.csv": [3],
        "coinledger.csv": [5],
        "coinledger-export.csv": [5, 6],
        "accointing-export.csv": [3],
        "blockpit-export.csv": [4],
        "dali-rp2-in.csv": [4],
    }


def test_microseconds_are_kept_where_they_are_stated() -> None:
    """By dali-rp2, and by the exchange's own record inside a dump of ccxt."""
    dali = read_statement(GOLDEN / "dali-rp2-in.csv").entries[0]
    cut, exact = read_statement(GOLDEN / "ccxt.json").entries

    assert [entry.time.microsecond for entry in (dali, cut, exact)] == [482_917, 482_000, 120_345]


def test_nothing_says_the_zone_of_these() -> None:
    """Where a cell states an offset, it does for that row."""
    old = read_statement(GOLDEN / "delta-old.csv").entries
    blockpit = read_statement(GOLDEN / "blockpit-export.csv").entries
    precisions = [entry.source.precision for entry in (*old[:2], blockpit[0])]

    assert [precision and precision.zone_open for precision in precisions] == [False, True, True]


def coinledger_rows(*legs: str) -> str:
    header = (GOLDEN / "coinledger-export.csv").read_text(encoding="utf-8").splitlines()[0]
    start = "2021-05-16T09:12:05.000,Trade,7f1c,Bitstamp,Main,1,"
    return "\n".join([header, *(f"{start},{leg}," for leg in legs)])


def test_legs_of_one_side_are_added() -> None:
    """An order that was filled twice, told as one transaction."""
    text = coinledger_rows("Debit,EUR,-20", "Debit,EUR,-10.5", "Credit,BTC,0.5", "Credit,BTC,0.25")
    (entry,) = read_statement_text(text).entries

    assert [str(leg) for leg in entry.legs] == ["0.75 BTC", "-30.5 EUR"]


@pytest.mark.parametrize(
    ("leg", "reason"),
    [
        ("Debit,USD,-1", "one side of the transaction is in two currencies"),
        ("Refund,EUR,1", "neither a credit, a debit nor a fee"),
        ("Debit,EUR,", "the number is missing"),
    ],
)
def test_a_leg_that_is_not_clear_spoils_its_transaction(leg: str, reason: str) -> None:
    """All of its rows, since none of them means anything without the others."""
    statement = read_statement_text(coinledger_rows("Debit,EUR,-20", "Credit,BTC,0.5", leg))

    assert statement.entries == ()
    assert [(each.row, each.reason) for each in statement.problems] == [
        (row, reason) for row in (1, 2, 3)
    ]


@pytest.mark.parametrize(
    ("amount", "rounding"),
    [("12345678.1234567", Rounding.UNIT), ("1234567.1234567", Rounding.EXACT)],
)
def test_a_float_that_is_full_may_have_had_more_digits(amount: str, rounding: Rounding) -> None:
    """Fifteen are all that one surely holds."""
    text = (GOLDEN / "ccxt.json").read_text(encoding="utf-8").replace("0.04219875", amount)
    entry = read_statement_text(text).entries[0]

    assert entry.source.precision is not None
    assert entry.source.precision.base is rounding
