"""Lists by offset against a model server of unknown rules: every row comes, each once, and it ends.

The model counts limit and offset in each of three arrays or in all of them merged, sends fewer rows
than asked for, may ignore the offset, and may grow at its head while it is read.
"""

import json
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitstamp_ledger.api import (
    Call,
    CryptoKind,
    Manners,
    NotAvailable,
    Reply,
    RetryPolicy,
    Seal,
    open_crypto_deposits,
    open_crypto_transactions,
    open_earn_transactions,
    open_position_history,
    open_trade_history,
    open_withdrawal_requests,
)
from bitstamp_ledger.errors import InvalidCallError
from tests.api.scripts import Played, answer, play

MANNERS: Final = Manners(retry=RetryPolicy(attempts_max=1))
NAMES: Final = {
    CryptoKind.DEPOSIT: "deposits",
    CryptoKind.WITHDRAWAL: "withdrawals",
    CryptoKind.IOU: "ripple_iou_transactions",
}
Row = tuple[CryptoKind, int]


def json_reply(payload: object) -> Reply:
    return Reply(status=200, headers={}, body=json.dumps(payload).encode(), seal=Seal.VALID)


@attrs.define
class Arrays:
    """Rows of three kinds in one order; equal rows are different movements."""

    rows: list[Row]
    cap: int = 1000
    merged: bool = False
    takes_offset: bool = True
    calls: list[Call] = attrs.field(factory=list)

    def __call__(self, call: Call) -> Reply:
        self.calls.append(call)
        limit = min(int(call.parameters["limit"]), self.cap)
        start = int(call.parameters["offset"]) if self.takes_offset else 0
        if self.merged:
            shown = self.rows[start : start + limit]
        else:
            shown = [
                row
                for kind in CryptoKind
                for row in [row for row in self.rows if row[0] is kind][start : start + limit]
            ]
        return json_reply(
            {name: [_wire(row) for row in shown if row[0] is kind] for kind, name in NAMES.items()}
        )


def _wire(row: Row) -> dict[str, object]:
    kind, number = row
    wire: dict[str, object] = {"currency": "BTC", "amount": number + 1, "datetime": 1_700_000_000}
    # Newer deposits have an id, older ones and all withdrawals do not.
    return wire | ({"id": number} if kind is CryptoKind.DEPOSIT and number % 2 else {})


def whole(opening: Any, server: Callable[[Call], Any]) -> list[Any]:
    opened = play(opening, server).result
    assert not isinstance(opened, NotAvailable)
    return play(opened, server, Played()).emitted


def rows_of(emitted: list[Any]) -> Counter[Row]:
    return Counter((row.kind, int(row.amount) - 1) for row in emitted)


@st.composite
def some_rows(draw: st.DrawFn) -> list[Row]:
    """Rows of which no more than two are equal, and those only where they have no id."""
    kinds = st.sampled_from(CryptoKind)
    rows: list[Row] = draw(
        st.lists(st.tuples(kinds, st.integers(0, 200)), max_size=40, unique=True)
    )
    twins = [row for row in rows if row[0] is not CryptoKind.DEPOSIT or row[1] % 2 == 0]
    doubled = draw(st.booleans())
    if twins and doubled:
        twin = draw(st.sampled_from(twins))
        rows.insert(rows.index(twin), twin)
    return rows


@given(rows=some_rows(), cap=st.integers(2, 12), merged=st.booleans())
def test_every_row_of_three_arrays_comes_once_however_they_are_counted(
    rows: list[Row], *, cap: int, merged: bool
) -> None:
    """Twins are two, wherever a page is cut."""
    server = Arrays(rows, cap=cap, merged=merged)
    emitted = whole(open_crypto_transactions(MANNERS), server)

    assert rows_of(emitted) == Counter(rows)
    assert len(server.calls) <= 2 * len(rows) + 3


@given(rows=some_rows(), cap=st.integers(1, 12), merged=st.booleans())
def test_a_server_that_does_not_look_at_the_offset_is_left_in_the_end(
    rows: list[Row], *, cap: int, merged: bool
) -> None:
    """An endless list must not make an endless walk; what was shown came once."""
    server = Arrays(rows, cap=cap, merged=merged, takes_offset=False)
    first_page = rows_of(whole(open_crypto_transactions(MANNERS), server))

    assert len(server.calls) <= 5
    assert not first_page - Counter(rows)


@given(
    rows=st.lists(st.integers(0, 1000), unique=True, max_size=40),
    new=st.lists(st.integers(1001, 2000), unique=True, max_size=10),
    at_call=st.integers(1, 6),
    cap=st.integers(2, 12),
)
def test_rows_that_appear_at_the_head_hide_none_of_the_others(
    rows: list[int], new: list[int], at_call: int, cap: int
) -> None:
    """They push known rows into the next page, where they are recognised."""
    listed = [*rows]
    calls = 0

    def server(call: Call) -> Reply:
        nonlocal calls
        calls += 1
        if calls == at_call + 1:
            listed[:0] = new
        start = int(call.parameters["offset"])
        page = listed[start : start + cap]
        return json_reply(
            [{"id": number, "datetime": "2025-01-01 00:00:00", "amount": "1"} for number in page]
        )

    emitted = [row.id for row in whole(open_withdrawal_requests(MANNERS), server)]
    assert len(set(emitted)) == len(emitted)
    # A page that only shows known rows is passed over, but not for ever.
    if len(new) <= cap:
        assert set(rows) <= set(emitted)


def test_a_list_that_keeps_growing_at_its_head_is_read_to_its_end() -> None:
    """Pages without anything new are only counted in a row."""
    listed = list(range(60))
    calls = 0

    def server(call: Call) -> Reply:
        nonlocal calls
        calls += 1
        if calls % 2 == 0:
            listed[:0] = range(1000 * calls, 1000 * calls + 5)
        start = int(call.parameters["offset"])
        page = listed[start : start + 10]
        return json_reply(
            [{"id": number, "datetime": "2025-01-01 00:00:00", "amount": "1"} for number in page]
        )

    emitted = [row.id for row in whole(open_withdrawal_requests(MANNERS), server)]
    assert emitted == list(range(60))


def test_a_deposit_that_changes_while_it_is_read_comes_once() -> None:
    """Its id stays when its hash and its status come."""
    row: dict[str, object] = {"id": 7, "currency": "BTC", "amount": 1, "datetime": 1_700_000_000}
    pages = [[row | {"id": 8}, row], [row | {"txid": "aa", "status": "FINALIZED"}], []]
    rest = iter(pages)

    emitted = whole(open_crypto_deposits(MANNERS), lambda _: json_reply(next(rest)))
    assert [each.id for each in emitted] == [8, 7]


def paged(rows: list[dict[str, object]], cap: int) -> Callable[[Call], Reply]:
    def server(call: Call) -> Reply:
        start, limit = int(call.parameters["offset"]), int(call.parameters["limit"])
        return json_reply(rows[start : start + min(cap, limit)])

    return server


@given(count=st.integers(0, 40), cap=st.integers(1, 12))
def test_each_list_by_offset_is_read_whole(count: int, cap: int) -> None:
    """Requests, deposits, Earn, positions: one walk for all."""
    rows: list[dict[str, object]] = [
        {
            "id": number,
            "market": "BTC/USD-PERP",
            "datetime": "2025-01-01 00:00:00",
            "amount": number,
            "currency": "BTC",
        }
        for number in range(count)
    ]
    server = paged(rows, cap)
    for opening in (
        open_withdrawal_requests(MANNERS),
        open_crypto_deposits(MANNERS),
        open_earn_transactions("btc", "eur", MANNERS),
        open_position_history(MANNERS),
    ):
        assert [row.raw for row in whole(opening, server)] == rows


@given(
    rows=st.lists(st.integers(0, 3), max_size=30).map(sorted),
    cap=st.integers(8, 12),
)
def test_equal_rewards_are_as_many_as_they_are(rows: list[int], cap: int) -> None:
    """Two subscriptions of one coin can pay the same amount at the same second."""
    rewards: list[dict[str, object]] = [
        {"datetime": "2025-01-01T00:00:00+00:00", "currency": "ADA", "amount": number}
        for number in rows
        if rows.count(number) <= 4
    ]
    emitted = whole(open_earn_transactions(None, None, MANNERS), paged(rewards, cap))
    assert Counter(row.raw["amount"] for row in emitted) == Counter(
        row["amount"] for row in rewards
    )


def test_a_thousand_rows_and_one_take_three_requests() -> None:
    """A full page, the rest, and one look that nothing follows."""
    rows: list[dict[str, object]] = [
        {"id": number, "datetime": "2025-01-01 00:00:00", "amount": "1"} for number in range(1001)
    ]
    calls: list[Call] = []

    def server(call: Call) -> Reply:
        calls.append(call)
        return paged(rows, 1000)(call)

    assert len(whole(open_withdrawal_requests(MANNERS), server)) == 1001
    assert [(call.parameters["limit"], call.parameters["offset"]) for call in calls] == [
        ("1000", "0"),
        ("1000", "990"),
        ("1000", "996"),
    ]


def test_an_offset_beyond_the_limit_is_refused_aloud() -> None:
    """What cannot be read is not passed over in silence."""
    rows: list[dict[str, object]] = [
        {"id": number, "datetime": "2025-01-01 00:00:00", "amount": "1"} for number in range(9000)
    ]

    def server(call: Call) -> Any:
        if int(call.parameters["offset"]) > 5000:
            return answer(400, {"status": "error", "reason": "Invalid offset"})
        return paged(rows, 1000)(call)

    with pytest.raises(InvalidCallError, match="Invalid offset"):
        whole(open_withdrawal_requests(MANNERS), server)


@given(ids=st.lists(st.integers(1, 500), unique=True, max_size=40), cap=st.integers(2, 12))
def test_trades_of_derivatives_are_walked_by_their_ids(ids: list[int], cap: int) -> None:
    """``after_id`` is taken as inclusive; were it not, the walk would be none the worse."""
    ordered = sorted(ids)

    def server(inclusive: bool) -> Callable[[Call], Reply]:
        def respond(call: Call) -> Reply:
            assert call.parameters["sort"] == "asc"
            after = int(call.parameters.get("after_id", "0"))
            page = [n for n in ordered if n > after or (inclusive and n == after)][:cap]
            return json_reply(
                [
                    {"trade_id": str(n), "price": "1", "amount": "1", "datetime": 1_700_000_000}
                    for n in page
                ]
            )

        return respond

    for inclusive in (True, False):
        emitted = whole(open_trade_history("btcusd-perp", None, MANNERS), server(inclusive))
        assert [int(row.trade_id) for row in emitted] == ordered


def test_ious_are_asked_for_unless_unwanted() -> None:
    """They are part of an account's history."""
    server = Arrays([])
    whole(open_crypto_transactions(MANNERS), server)
    whole(open_crypto_transactions(MANNERS, include_ious=False), server)
    asked = [call.parameters.get("include_ious") for call in server.calls]
    assert (asked[0], asked[-1]) == ("True", None)
