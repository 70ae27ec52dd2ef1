"""dali-rp2's file of moves between own wallets: which end is this exchange, and what it took."""

import pytest

from bitstamp_ledger.files import read_statement_text

HEADER = (
    "unique_id,timestamp,asset,from_exchange,from_holder,to_exchange,to_holder,spot_price,"
    "crypto_sent,crypto_received,notes\n"
)
START = "163402118,2021-03-28 00:41:36.482917+00:00,BTC,"


@pytest.mark.parametrize(
    ("cells", "entry"),
    [
        ("Bitstamp,me,,,,0.5,,", "withdrawal  -0.5 BTC"),
        ("Bitstamp,me,__unknown,__unknown,__unknown,0.5,__unknown,", "withdrawal  -0.5 BTC"),
        ("Bitstamp,me,Trezor,me,41952.11,0.5,0.49,", "withdrawal  -0.49 BTC  fee 0.01 BTC"),
        ("Bitstamp,me,Trezor,me,,0.5,0.5,", "withdrawal  -0.5 BTC"),
        (",,Bitstamp,me,,,0.5,", "deposit  0.5 BTC"),
        (",,Bitstamp Bot,me,,0.5,0.49,", "deposit  0.5 BTC  fee 0.01 BTC"),
        # What was lost on the way was the other wallet's to pay.
        ("Trezor,me,Bitstamp,me,,0.5,0.49,a note", "deposit  0.49 BTC"),
    ],
)
def test_a_move_is_what_it_is_to_this_exchange(cells: str, entry: str) -> None:
    """A row may state one end, as it was written here, or both, as the owner completed it."""
    statement = read_statement_text(f"{HEADER}{START}{cells}\n")

    assert statement.format == "dali-rp2-intra"
    assert statement.problems == ()
    (found,) = statement.entries
    assert str(found).endswith(entry)
    assert found.transaction_id == 163402118
    assert found.time.microsecond == 482917


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ("Trezor,me,Kraken,me,,0.5,0.49,", "of another exchange: Trezor"),
        (
            "Bitstamp,me,Bitstamp Bot,me,,0.5,0.5,",
            "a move between two accounts of this exchange",
        ),
    ],
)
def test_moves_that_say_nothing_of_a_balance_here_are_set_aside(cells: str, reason: str) -> None:
    """Of other wallets, and of two accounts that are one history in these files."""
    statement = read_statement_text(f"{HEADER}{START}{cells}\n")

    assert statement.entries == ()
    assert [each.reason for each in statement.set_aside] == [reason]


@pytest.mark.parametrize(
    ("fiat", "price", "brought"),
    [
        ("1996.79", "47318.62", "1996.79"),
        ("1986.80607", "47318.62", "1996.79000"),
        # A price in whole hundreds allows both, so it stays as the column is documented.
        ("1986.80607", "4.73E+4", "1986.80607"),
        # Nor does a price of something else make an amount of it.
        ("1986.80607", "51000.00", "1986.80607"),
        ("1986.80607", "__unknown", "1986.80607"),
        ("1986.80607", "", "1986.80607"),
    ],
)
def test_the_price_of_a_sale_tells_whether_its_fee_was_taken(
    fiat: str, price: str, brought: str
) -> None:
    """Makers differ; where no price tells, it is as the column is documented."""
    header = (
        "unique_id,timestamp,asset,exchange,holder,transaction_type,spot_price,crypto_out_no_fee,"
        "crypto_fee,crypto_out_with_fee,fiat_out_no_fee,fiat_fee,fiat_ticker,notes\n"
    )
    row = f"{START}Bitstamp,me,sell,{price},0.04219875,0,,{fiat},9.98393,EUR,\n"

    (entry,) = read_statement_text(header + row).entries

    assert str(entry).endswith(f"trade  -0.04219875 BTC  {brought} EUR  fee 9.98393 EUR")
