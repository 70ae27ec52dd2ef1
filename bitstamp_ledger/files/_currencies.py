"""Names of currencies and of the exchange, as other tools write them; which currency is a quote.

Facts: docs/facts/files.md, "Names of currencies" and "Base and quote".
"""

import re
from types import MappingProxyType
from typing import Final

ALIASES: Final = MappingProxyType(
    {
        "XBT": "BTC",
        "XXBT": "BTC",
        "USDC.E": "USDC",
        "USDT.E": "USDT",
    }
)
"""Other names of a currency, in capitals."""

REWARD_ALIASES: Final = MappingProxyType({"ETH2R": "ETH2"})
"""Names under which only staking rewards are printed; elsewhere it was a currency of its own."""

_CHAIN_NAMES: Final = MappingProxyType(
    {
        "eip155:1/erc20:0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48": "USDC",
        "eip155:1/erc20:0xdac17f958d2ee523a2206206994597c13d831ec7": "USDT",
        "eip155:1/erc20:0x6b175474e89094c44da98b954eedeac495271d0f": "DAI",
        "eip155:1/erc20:0x514910771af9ca656af840dff83e8264ecf986ca": "LINK",
    }
)
"""Tokens that some tools name by their contract instead of their ticker."""

QUOTES: Final = (
    *("USD", "EUR", "GBP", "CHF", "JPY", "CAD", "AUD", "SGD"),
    *("USDT", "USDC", "PAX", "USDP", "GUSD", "DAI", "PYUSD", "RLUSD", "EURC", "EURT", "EURCV"),
    *("BTC", "ETH"),
)
"""The most quote-like currency first."""

CURRENCY_ALIAS: Final = "currency under another name"
CURRENCY_CASE: Final = "currency code not in capitals"

_QUOTE_RANKS: Final = MappingProxyType({code: rank for rank, code in enumerate(QUOTES)})
_is_code: Final = re.compile(r"[A-Z0-9][A-Z0-9._-]{0,19}").fullmatch
# "BTC;1" carries a number of the tool; "BTC (Bitcoin)" and "USDC [Base]" carry a name.
_decorated: Final = re.compile(
    r"([A-Za-z0-9][A-Za-z0-9._-]{0,19})(?:;[0-9]+| ?[(\[].*[)\]])"
).fullmatch
_names_bitstamp: Final = re.compile(r"(?<![^\W\d_])bitstamp", re.IGNORECASE).search


def read_currency(text: str) -> tuple[str, tuple[str, ...]]:
    """Read a currency's name.

    Returns:
        The one code that it has here, and which repairs that took.

    Raises:
        ValueError: it is no currency; the message is the reason.
    """
    text = text.strip()
    if not text:
        raise ValueError("the currency is missing")
    if (code := _CHAIN_NAMES.get(text.casefold())) is not None:
        return code, (CURRENCY_ALIAS,)
    decorated = _decorated(text)
    plain = text if decorated is None else decorated.group(1)
    capitals = plain.upper()
    if not capitals.isascii() or _is_code(capitals) is None:
        raise ValueError("not a currency code")
    code = ALIASES.get(capitals, capitals)
    if decorated is not None or code != capitals:
        return code, (CURRENCY_ALIAS,)
    return code, () if code == plain else (CURRENCY_CASE,)


def quote_of(sent: str, received: str) -> str:
    """Return which of two exchanged currencies is the quote, by convention.

    The more quote-like of the two; where neither is, the one that was sent, so that the row reads
    as a buy.
    """
    ranks = _QUOTE_RANKS
    last = len(QUOTES)
    return received if ranks.get(received, last) < ranks.get(sent, last) else sent


def is_bitstamp(name: str) -> bool:
    """Say whether the name of an exchange, wallet or platform means this one."""
    return _names_bitstamp(name) is not None
