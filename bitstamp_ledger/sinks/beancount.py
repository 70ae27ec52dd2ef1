"""Beancount: one transaction an entry, with metadata and links.

Beancount's own rules:

1. A commodity begins with a letter.  Codes that do not get an ``X`` in front, as does every code
   that would then be the same (``1INCH`` is ``X1INCH``, and ``X1INCH`` would be ``XX1INCH``).  The
   exchange's code is the ``name`` of the commodity directive.
2. Each transaction has the links ``^bitstamp-<id>`` and, of trades, ``^bitstamp-order-<order id>``.
3. What was exchanged has its total price (``@@``).  There are no lots: add cost and booking by a
   plug-in of Beancount if you need them, or prices by ``beancount.plugins.implicit_prices``.
4. Beancount computes with 28 digits, and a total price becomes a unit price that it rounds.  An
   amount with more than 25 digits is refused, and one that something is priced in has a digit
   behind its point, since Beancount takes its tolerance from there.

Facts: beancount.github.io, "Beancount Language Syntax".
"""

import datetime as dt
import re
from collections.abc import Mapping
from typing import ClassVar, Final

from bitstamp_ledger.model import Amount
from bitstamp_ledger.sinks._bookings import Accounts, Booking, Posting
from bitstamp_ledger.sinks._plain_text import PlainTextSink
from bitstamp_ledger.sinks._row import decimal_text

__all__ = ["Accounts", "BeancountSink"]

_BEFORE_ALL: Final = "1970-01-01"
_DIGITS_MAX: Final = 25

_needs_x: Final = re.compile(r"X*[0-9].*").fullmatch
_is_odd: Final = re.compile(r".*[._-]").fullmatch


class BeancountSink(PlainTextSink):
    """Writes a file for Beancount 3."""

    name: ClassVar[str] = "beancount"

    def _head(self) -> bytes:
        return b""

    def _commodity(self, currency: str) -> str:
        if _is_odd(currency):
            raise ValueError(f"Beancount has no commodity named {currency!r}")
        return f"X{currency}" if _needs_x(currency) else currency

    def _commodity_lines(self, currency: str) -> str:
        name = self._commodity(currency)
        return f"{_BEFORE_ALL} commodity {name}\n  name: {_quoted(currency)}\n"

    def _account_lines(self, account: str) -> str:
        return f"{_BEFORE_ALL} open {account}\n"

    def _transaction(self, booking: Booking) -> str:
        links = [
            f"^bitstamp-{prefix}{booking.facts[name]}"
            for name, prefix in (("transaction-id", ""), ("order-id", "order-"))
            if name in booking.facts
        ]
        mark = "!" if booking.pending else "*"
        head = " ".join([f"{booking.date} {mark}", _quoted(booking.text), *links])
        facts = [f"  {name}: {_quoted(value)}" for name, value in booking.facts.items()]
        amounts = [self._amounts(each) for each in booking.postings]
        if any(each.total is not None for each in booking.postings):
            amounts = [_pointed(amount) for amount in amounts]
        postings = [
            f"  {each.account}  {amount}"
            for each, amount in zip(booking.postings, amounts, strict=True)
        ]
        return "\n".join([head, *facts, *postings, ""])

    def _assertions(self, date: dt.date, stated: Mapping[str, Amount]) -> str:
        lines = []
        for account, amount in stated.items():
            number, _, commodity = self._amount(amount).partition(" ")
            # Without a tolerance of its own, an assertion allows one unit of its last digit.
            lines.append(f"{date} balance {account}  {number} ~ 0 {commodity}\n")
        return "".join(lines)

    def _amounts(self, posting: Posting) -> str:
        amount = self._amount(posting.amount)
        return amount if posting.total is None else f"{amount} @@ {self._amount(posting.total)}"

    def _amount(self, amount: Amount) -> str:
        if len(amount.value.as_tuple().digits) > _DIGITS_MAX:
            raise ValueError(
                f"Beancount computes with 28 digits, and {amount} leaves none to spare"
            )
        return f"{decimal_text(amount.value)} {self._commodity(amount.currency)}"


def _pointed(amount: str) -> str:
    number, _, commodity = amount.partition(" ")
    return amount if "." in number else f"{number}.0 {commodity}"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
