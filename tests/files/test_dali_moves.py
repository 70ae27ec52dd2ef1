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
    ("sold", "fiat", "fee", "price", "brought"),
    [
        ("0.04219875", "1996.79", "9.98393", "47318.62", "1996.79"),
        ("0.04219875", "1986.80607", "9.98393", "47318.62", "1996.79000"),
        # A price in cents says so little of a thousand that both would fit...
        ("1000", "1996.00", "4.00", "2.00", "1996.00"),
        # ...and one with a digit more says enough.
        ("1000", "1996.00", "4.00", "2.000", "2000.00"),
        # Nor does a price of something else make an amount of it, however near it comes.
        ("1", "100.00", "10.00", "108.00", "100.00"),
        ("0.04219875", "1986.80607", "9.98393", "51000.00", "1986.80607"),
        ("0.04219875", "1986.80607", "9.98393", "__unknown", "1986.80607"),
        ("0.04219875", "1986.80607", "9.98393", "", "1986.80607"),
    ],
)
def test_the_price_of_a_sale_tells_whether_its_fee_was_taken(
    sold: str, fiat: str, fee: str, price: str, brought: str
) -> None:
    """Makers differ; where no price tells, it is as the column is documented."""
    header = (
        "unique_id,timestamp,asset,exchange,holder,transaction_type,spot_price,crypto_out_no_fee,"
        "crypto_fee,crypto_out_with_fee,fiat_out_no_fee,fiat_fee,fiat_ticker,notes\n"
    )
    row = f"{START}Bitstamp,me,sell,{price},{sold},0,,{fiat},{fee},EUR,\n"

    (entry,) = read_statement_text(header + row).entries

    assert str(entry).endswith(f"trade  -{sold} BTC  {brought} EUR  fee {fee} EUR")
