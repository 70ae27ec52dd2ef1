"""Results whose every part is filled, and whose files were named and written by an enemy."""

import html.parser
from pathlib import Path

import attrs

import bitstamp_ledger as bl
from bitstamp_ledger import Balance, Reconciliation, Statement, prove, read_statement
from bitstamp_ledger.reconcile import reconcile
from tests.reconcile.builders import Happened, g1_row, g1_text, g2_row, g2_text, records

HOSTILE = "<img src=x onerror=alert(1)></script></style><script>alert(2)</script>\"'&{{7*7}}\u202e"
HOSTILE_NAME = "<img src=x onerror=alert(3)>'\"&.csv"

A = Happened()
B = attrs.evolve(A, id=7, time="2021-03-28 00:44:01")
CONFLICTING = attrs.evolve(A, id=9, amount="0.6", time="2021-03-28 00:50:00")
LATE = attrs.evolve(A, id=10, time="2021-03-30 09:00:00")


def statements(folder: Path, name: str = "old.csv") -> list[Statement]:
    """Write two exports and read them: a match, a suspect, a conflict, a problem, new rows."""
    edited = g1_row(B).replace("9.98393", "9.10")
    broken = g1_row(A).replace("Mar. 28", "Mar. 99")
    unknown = g1_row(A).replace("Market", HOSTILE.replace('"', ""), 1)
    old = folder / name
    old.write_bytes(g1_text([g1_row(A), edited, g1_row(LATE), broken, unknown]))
    new = folder / "new.csv"
    hostile_account = attrs.evolve(A, id=77, account=HOSTILE.replace('"', ""))
    rows = (attrs.evolve(CONFLICTING, amount="0.5"), LATE, hostile_account)
    new.write_bytes(g2_text([g2_row(each) for each in rows]))
    return [read_statement(old), read_statement(new)]


def a_result(read: list[Statement]) -> Reconciliation:
    """Reconcile them with an API that holds three of the trades."""
    return reconcile(records([A, B, CONFLICTING]), read)


def a_proof() -> bl.Proof:
    """Compare one trade with balances that lack a satoshi."""
    stated = {"BTC": "0.04219874", "EUR": "-2006.77393"}
    return prove(
        records([A]),
        [
            Balance(currency=code, total=total, available=total, reserved="0")
            for code, total in stated.items()
        ],
    )


@attrs.define
class Element:
    """An element of a page, with its text and that of what it holds."""

    tag: str
    attributes: dict[str, str | None]
    text: str = ""


class Page(html.parser.HTMLParser):
    """What a parser makes of a page."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[Element] = []
        self._open: list[Element] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        element = Element(tag, dict(attributes))
        self.elements.append(element)
        if tag not in {"meta", "input", "img", "link", "br"}:
            self._open.append(element)

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop().tag != tag:
            pass

    def handle_data(self, data: str) -> None:
        for element in self._open:
            element.text += data

    def all(self, tag: str) -> list[Element]:
        """Return the elements of a tag."""
        return [each for each in self.elements if each.tag == tag]

    @property
    def tags(self) -> set[str]:
        """The tags that occur."""
        return {each.tag for each in self.elements}
