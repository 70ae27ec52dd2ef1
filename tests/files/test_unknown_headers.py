"""What a person is told about a table that no format knows."""

import pytest

from bitstamp_ledger.errors import UnknownFormatError
from bitstamp_ledger.files import formats, read_statement_text
from tests.files.renderers_b import MORE_WRITERS


def told(text: str) -> str:
    with pytest.raises(UnknownFormatError) as caught:
        read_statement_text(text)
    return str(caught.value)


def test_the_nearest_formats_are_compared_column_by_column() -> None:
    """The best first, three at most; a column that was renamed is both missing and surplus."""
    columns = list(MORE_WRITERS["coinpanda"].columns)
    columns[3] = "Sent Coin"
    message = told(",".join(columns))

    assert "Nearest: coinpanda (missing Sent Currency; surplus Sent Coin), " in message
    assert message.count("missing") == 3


def test_how_to_write_a_mapping_is_told() -> None:
    """With the page that tells every key."""
    message = told("When,What\n")

    assert "found: When, What." in message
    assert "read_statement(path, columns={'time':" in message
    assert "docs/how-to/read-another-table.md" in message
    assert all(name in message for name in formats())


def test_a_header_of_a_thousand_long_names_is_clipped() -> None:
    """The message stays readable."""
    message = told(",".join(f"{at}{'x' * 500}" for at in range(900)) + "\n")

    assert "and 870 more" in message
    assert len(message) < 5_000


def test_keys_of_json_are_shown_like_columns() -> None:
    """With the kind of file, since another one may have been meant."""
    message = told('[{"txid": "k", "pair": "BTC/EUR"}]')

    assert "found: txid, pair." in message
    assert "It is JSON. " in message
