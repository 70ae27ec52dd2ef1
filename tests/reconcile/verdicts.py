"""What a result says, in words short enough to be written down as literals."""

from io import BytesIO
from typing import Any

from bitstamp_ledger import Entry, Match, Reconciliation, Statement, read_statement
from bitstamp_ledger import reconcile as reconcile_all
from tests.reconcile.builders import Happened, g1_row, g1_text, g2_row, g2_text

Verdicts = dict[str, list[str]]

COINTRACKING = '"Type","Buy","Cur.","Sell","Cur.","Fee","Cur.","Exchange","Group","Comment","Date"'
KOINLY = (
    "Date,Sent Amount,Sent Currency,Received Amount,Received Currency,Fee Amount,Fee Currency,"
    "Net Worth Amount,Net Worth Currency,Label,Description,TxHash"
)
BLOCKPIT = (
    "Blockpit ID;Timestamp;Source Type;Source Name;Integration;Transaction Type;Outgoing Asset;"
    "Outgoing Amount;Incoming Asset;Incoming Amount;Fee Asset;Fee Amount;Transaction ID;Note;"
    "Merge ID"
)
DELTA = (
    "Date,Way,Base amount,Base currency (name),Base type,Quote amount,Quote currency,Exchange,"
    "Sent/Received from,Sent to,Fee amount,Fee currency (name),Broker,Notes"
)
ROTKI = (
    "Location,Spend Currency,Receive Currency,Receive Amount,Spend Amount,Fee,Fee Currency,"
    "Description,Timestamp"
)
COINTRACKER = (
    "Date,Received Quantity,Received Currency,Sent Quantity,Sent Currency,Fee Amount,"
    "Fee Currency,Tag"
)
CRYPTOTAXCALCULATOR = (
    "Timestamp (UTC),Type,Base Currency,Base Amount,Quote Currency (Optional),"
    "Quote Amount (Optional),Fee Currency (Optional),Fee Amount (Optional),From (Optional),"
    "To (Optional),Blockchain (Optional),ID (Optional),Description (Optional),"
    "Reference Price Per Unit (Optional),Reference Price Currency (Optional)"
)
BULK_EDIT = (
    "ID (read-only),Parent ID (read-only),Date (UTC),Type,Tag,From Wallet (read-only),"
    "From Wallet ID,From Amount,From Currency,To Wallet (read-only),To Wallet ID,To Amount,"
    "To Currency,Fee Amount,Fee Currency,Deleted"
)
ORDERS = "Order Type,Pair,Price,Amount,Value,Closed"


def read(data: bytes, **settings: Any) -> Statement:
    """Read the bytes of an open file; all of its rows must be readable."""
    statement = read_statement(BytesIO(data), **settings)
    assert not statement.problems, statement.problems[0]
    return statement


def table(header: str, *rows: str, **settings: Any) -> Statement:
    """Read rows under a header."""
    return read("\n".join([header, *rows, ""]).encode(), **settings)


def g1_file(*rows: Happened | str, **settings: Any) -> Statement:
    """Read trades, or lines, of the old export."""
    return read(g1_text([row if isinstance(row, str) else g1_row(row) for row in rows]), **settings)


def g2_file(*rows: Happened | str, with_id: bool = True) -> Statement:
    """Read trades, or lines, of the newer export."""
    return read(
        g2_text([row if isinstance(row, str) else g2_row(row, with_id=with_id) for row in rows])
    )


class Run:
    """One reconciliation; entries go by short names.

    A record is ``#`` and its id.  A row is its number, behind the letter of its file where there
    are several files.
    """

    def __init__(self, api: list[Entry], *statements: Statement, **settings: Any) -> None:
        """Reconcile, and make sure of what holds whatever the outcome."""
        self.result: Reconciliation = reconcile_all(api, statements, **settings)
        self._names: dict[int, str] = {}
        for letter, statement in zip("ABCD", statements, strict=False):
            prefix = letter if len(statements) > 1 else ""
            for reading in (statement, *statement.alternatives):
                for row in reading.entries:
                    self._names[id(row.source.raw)] = f"{prefix}{row.source.row}"
        self._every_input_is_in_one_place(api, statements)

    def name(self, entry: Entry) -> str:
        """Return the short name of an entry."""
        if entry.source.row is None:
            return f"#{entry.transaction_id}"
        return self._names[id(entry.source.raw)]

    def names(self, entries: tuple[Entry, ...]) -> str:
        """Return the short names of entries."""
        return " + ".join(map(self.name, entries))

    def _pair(self, match: Match) -> str:
        known, rows = (match.api, match.file) if match.api else (match.file[:1], match.file[1:])
        how = f"{match.rule.name.lower().replace('_', ' ')}, {match.grade.value}"
        return f"{self.names(rows)} is {self.names(known)} ({how})"

    @property
    def said(self) -> Verdicts:
        """What the result says of every record and row, and nothing that it does not say."""
        result = self.result
        verdicts = {
            "matches": list(map(self._pair, (*result.matches, *result.file_matches))),
            "new": list(map(self.name, result.new)),
            "api only": list(map(self.name, result.api_only)),
            "suspects": [
                f"{self.name(each.row)} near {self.name(each.near)}: {each.field}"
                for each in result.suspects
            ],
            "conflicts": [
                f"{self.names(each.api)} / {self.names(each.file)}" for each in result.conflicts
            ],
        }
        return {part: said for part, said in verdicts.items() if said}

    @property
    def zones(self) -> list[str]:
        """The zone of each statement."""
        return [each.zone for each in self.result.zones]

    @property
    def readings(self) -> dict[str, str]:
        """What else was open, and how it was decided."""
        return {each.question: each.answer for each in self.result.readings}

    @property
    def because(self) -> dict[str, str]:
        """What the explanation of the only match says of each fact: its last column."""
        (match,) = (*self.result.matches, *self.result.file_matches)
        reasons: dict[str, str] = {}
        for line in match.explain().splitlines()[2:]:
            fact, *_, verdict = (part.strip() for part in line.strip().split("  ") if part.strip())
            reasons[fact] = verdict
        return reasons

    def _every_input_is_in_one_place(
        self, api: list[Entry], statements: tuple[Statement, ...]
    ) -> None:
        result = self.result
        assert result.counts.adds_up
        assert result.counts.received == len(api) + sum(len(each.entries) for each in statements)
        assert len(result.entries) == len(api) + len(result.new)
        kept = {self.name(entry) for entry in result.entries}
        witnesses = {
            self.name(row)
            for match in (*result.matches, *result.file_matches)
            for row in (match.file if match.api else match.file[1:])
        }
        assert not kept & witnesses
        assert set(self._names.values()) <= kept | witnesses


ALIKE = {
    "account": "equal",
    "time": "within",
    "base amount": "equal",
    "quote amount": "equal",
    "fee": "equal",
}
"""What is said of a row that states all that the record does, at its own resolution of time."""

ALIKE_BUT_ACCOUNT = ALIKE | {"account": "not compared"}
"""The same for formats that state no account."""
