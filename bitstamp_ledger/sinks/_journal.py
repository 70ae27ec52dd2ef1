"""What hledger and Ledger have in common: the journal format."""

import datetime as dt
from collections.abc import Mapping
from typing import Final

from bitstamp_ledger.model import Amount
from bitstamp_ledger.sinks._bookings import Booking, Posting
from bitstamp_ledger.sinks._plain_text import PlainTextSink
from bitstamp_ledger.sinks._row import decimal_text

# A comma ends the value of a tag, and what is in brackets would be read as another date.
_TAG_SAFE: Final = str.maketrans(",[]", ";()")
# A semicolon begins a comment, a bar ends the payee.
_TEXT_SAFE: Final = str.maketrans(";|", ",/")


class JournalSink(PlainTextSink):
    """Writes transactions with tags as comments, and commodities with digits in quotes."""

    def _commodity(self, currency: str) -> str:
        return currency

    def _commodity_lines(self, currency: str) -> str:
        return f"commodity {_symbol(currency)}\n"

    def _account_lines(self, account: str) -> str:
        return f"account {account}\n"

    def _transaction(self, booking: Booking) -> str:
        mark = "!" if booking.pending else "*"
        number = booking.facts.get("transaction-id")
        code = "" if number is None else f"({number}) "
        facts = [
            f"    ; {name}: {value.translate(_TAG_SAFE)}" for name, value in booking.facts.items()
        ]
        postings = [f"    {each.account}  {_amounts(each)}" for each in booking.postings]
        return "\n".join(
            [
                f"{booking.date} {mark} {code}{booking.text.translate(_TEXT_SAFE)}",
                *facts,
                *postings,
                "",
            ]
        )

    def _assertions(self, date: dt.date, stated: Mapping[str, Amount]) -> str:
        lines = [
            f"    {account}  0 {_symbol(amount.currency)} = {_amount(amount)}"
            for account, amount in stated.items()
        ]
        return "\n".join([f"{date} * Balances as the exchange states them", *lines, ""])


def _amounts(posting: Posting) -> str:
    amount = _amount(posting.amount)
    return amount if posting.total is None else f"{amount} @@ {_amount(posting.total)}"


def _amount(amount: Amount) -> str:
    return f"{decimal_text(amount.value)} {_symbol(amount.currency)}"


def _symbol(currency: str) -> str:
    return currency if currency.isalpha() else f'"{currency}"'
