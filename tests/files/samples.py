"""Invented rows, and exports printed from them as the exchange prints them."""

import datetime as dt
from decimal import Decimal
from pathlib import Path

import attrs
from hypothesis import strategies as st

G1_HEADER = "Type,Datetime,Account,Amount,Value,Rate,Fee,Sub Type"
G2_HEADER = (
    "ID,Account,Type,Subtype,Datetime,Amount,Amount currency,Value,Value currency,"
    "Rate,Rate currency,Fee,Fee currency,Order ID"
)

_GOLDEN = Path(__file__).with_name("golden")
G1_GOLDEN = (_GOLDEN / "bitstamp-g1.csv").read_text(encoding="utf-8")
G2_GOLDEN = (_GOLDEN / "bitstamp-g2.csv").read_text(encoding="utf-8")

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@attrs.frozen(kw_only=True)
class Fill:
    """A trade as it happened, and what a file may say about it."""

    transaction_id: int
    order_id: int
    account: str
    time: dt.datetime
    buy: bool
    amount: Decimal
    base: str
    value: Decimal
    quote: str
    rate: Decimal
    fee: Decimal | None

    def g1(self) -> list[str]:
        """Print the row of the old format."""
        t = self.time
        half = "AM" if t.hour < 12 else "PM"
        clock = f"{t.hour % 12 or 12:02}:{t.minute:02} {half}"
        return [
            "Market",
            f"{MONTHS[t.month - 1]}. {t.day:02}, {t.year}, {clock}",
            self.account,
            f"{self.amount:f} {self.base}",
            f"{self.value:f} {self.quote}",
            f"{self.rate:f} {self.quote}",
            "" if self.fee is None else f"{self.fee:f} {self.quote}",
            "Buy" if self.buy else "Sell",
        ]

    def g2(self) -> list[str]:
        """Print the row of the newer format."""
        t = self.time
        return [
            str(self.transaction_id),
            self.account,
            "Market",
            "Buy" if self.buy else "Sell",
            f"{t.year}-{t.month:02}-{t.day:02}T{t.hour:02}:{t.minute:02}:{t.second:02}Z",
            f"{self.amount:f}",
            self.base,
            f"{self.value:f}",
            self.quote,
            f"{self.rate:f}",
            self.quote,
            "" if self.fee is None else f"{self.fee:f}",
            "" if self.fee is None else self.quote,
            str(self.order_id),
        ]


def _decimals(places: int, largest: int = 10**12) -> st.SearchStrategy[Decimal]:
    return st.integers(1, largest).map(
        lambda n: Decimal(f"{n // 10**places}.{n % 10**places:0{places}}")
    )


fills = st.builds(
    Fill,
    transaction_id=st.integers(30_000, 999_999_999),
    order_id=st.integers(1, 10**15 - 1).map(lambda n: n * 10 + 7),
    account=st.sampled_from(["Main Account", "Bot", "Épargne, long terme"]),
    time=st.integers(1_315_000_000_000_000, 2_145_000_000_000_000).map(
        lambda microseconds: (
            dt.datetime.fromtimestamp(0, dt.UTC) + dt.timedelta(microseconds=microseconds)
        )
    ),
    buy=st.booleans(),
    amount=_decimals(8),
    base=st.sampled_from(["BTC", "ETH", "1INCH"]),
    value=_decimals(2),
    quote=st.sampled_from(["EUR", "USD", "USDC"]),
    rate=_decimals(2),
    fee=st.none() | _decimals(5),
)
"""Trades with any time of day, both sides, and a fee or none."""


def cell(text: str, delimiter: str = ",") -> str:
    """Quote a cell where it needs it."""
    return '"' + text.replace('"', '""') + '"' if delimiter in text or '"' in text else text


def printed(header: str, rows: list[list[str]], delimiter: str = ",") -> str:
    """Print a file."""
    lines = [header.replace(",", delimiter)]
    lines += [delimiter.join(cell(text, delimiter) for text in row) for row in rows]
    return "\n".join(lines) + "\n"


def g2_with(**cells: str) -> str:
    """Print a G2 file of one trade in which some cells are replaced, by column name."""
    names = G2_HEADER.split(",")
    row = dict(zip(names, G2_GOLDEN.splitlines()[2].split(","), strict=True))
    row |= {name.replace("_", " "): text for name, text in cells.items()}
    return printed(G2_HEADER, [[row[name] for name in names]])


def g1_with(**cells: str) -> str:
    """Print a G1 file of one trade in which some cells are replaced, by column name."""
    names = G1_HEADER.split(",")
    row = {
        "Type": "Market",
        "Datetime": "Feb. 04, 2022, 12:07 AM",
        "Account": "Main Account",
        "Amount": "0.03150000 BTC",
        "Value": "1039.50 EUR",
        "Rate": "33000.00 EUR",
        "Fee": "5.19750 EUR",
        "Sub Type": "Buy",
    }
    row |= {name.replace("_", " "): text for name, text in cells.items()}
    return printed(G1_HEADER, [[row[name] for name in names]])
