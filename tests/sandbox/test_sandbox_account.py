"""Made-up histories and account files: laws over seeds, and the quirks that must be there."""

import json
import pathlib
import random
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitstamp_ledger.errors import StatementError
from bitstamp_ledger.sandbox import Account, Sandbox, generate_account, replay
from bitstamp_ledger.sandbox._generate import _Simulation
from bitstamp_ledger.sandbox._records import effect_of, event_of
from bitstamp_ledger.sandbox._units import decimal
from tests.sandbox.signed_calls import ask, clock

seeds = st.integers(0, 10_000)
sizes = st.integers(1, 80)


@given(seed=seeds, size=sizes)
def test_replaying_the_wire_gives_the_generators_own_book(seed: int, size: int) -> None:
    """The generator counts in whole units while it plays; the reader sees only JSON."""
    simulation = _Simulation(random.Random(f"account/{seed}"), size)  # noqa: S311 - a history
    account = Account(simulation.run())
    book = {code.upper(): decimal(total) for code, total in simulation.book.items() if total}

    assert {code: total for code, total in account.balances.items() if total} == book
    assert len(account) == size


@given(seed=seeds, size=sizes)
def test_nothing_is_spent_that_is_not_there(seed: int, size: int) -> None:
    """At no moment is a balance negative."""
    book: dict[str, Decimal] = {}
    for record in generate_account(seed, size).records:
        for currency, change in effect_of(record):
            book[currency] = book.get(currency, Decimal(0)) + change
        assert all(total >= 0 for total in book.values())


@given(seed=seeds, size=sizes)
def test_the_same_seed_is_the_same_account(seed: int, size: int) -> None:
    """Byte for byte."""
    assert generate_account(seed, size).dump() == generate_account(seed, size).dump()


@given(seed=seeds, size=sizes)
def test_stated_balances_are_the_replay_and_events_agree(seed: int, size: int) -> None:
    """Two readings of a record, one fast and one full, have the same effect."""
    account = generate_account(seed, size)
    total: dict[str, Decimal] = {}
    for event in account.truth.events:
        for currency, change in event.effect.items():
            total[currency] = total.get(currency, Decimal(0)) + change

    stated = {code: value for code, value in account.balances.items() if value}
    assert {code: value for code, value in total.items() if value} == stated


def test_other_seeds_are_other_accounts() -> None:
    """And other keys."""
    first, second = Sandbox(seed=1, transactions=5), Sandbox(seed=2, transactions=5)

    assert first.records != second.records
    assert first.key != second.key
    assert first.secret != second.secret


def test_credentials_are_new_unless_there_is_a_seed() -> None:
    """32 letters and digits either way."""
    same = [Sandbox(seed=1, transactions=1) for _ in range(2)]
    new = [Sandbox(transactions=1) for _ in range(2)]

    assert same[0].key == same[1].key
    assert same[0].secret == same[1].secret
    assert new[0].key != new[1].key
    for sandbox in (*same, *new):
        assert len(sandbox.key) == len(sandbox.secret) == 32
        assert (sandbox.key + sandbox.secret).isalnum()


EXACT = generate_account(7, 3_000)
ROWS = [json.loads(row.json) for row in EXACT._timeline.rows]


class TestHistory:
    """One history of 3,000 records holds everything that a reader must survive."""

    def test_every_documented_type_and_an_unknown_one(self) -> None:
        """57 is documented nowhere; 3 and 4 only in old clients."""
        types = {int(row["type"]) for row in ROWS}

        assert types == {
            *(0, 1, 2, 3, 4, 14, 25, 26, 27, 32, 33, 35, 36),
            *(53, 55, 57, 58, 59, 60, 61),
        }

    def test_it_spans_years_and_ends_before_a_fixed_date(self) -> None:
        """Tests must not depend on today."""
        assert ROWS[0]["datetime"] < "2017-04"
        assert "2025-11" < ROWS[-1]["datetime"] < "2025-11-30"

    def test_ids_ascend_with_gaps_and_times_tie(self) -> None:
        """Ids order what times cannot."""
        ids = [row["id"] for row in ROWS]
        times = [row["datetime"] for row in ROWS]

        assert ids == sorted(set(ids))
        assert ids[-1] - ids[0] > 10 * len(ids)
        assert len(set(times)) < len(times)

    def test_orders_have_several_fills_and_some_are_twins(self) -> None:
        """Equal in everything but their ids, within one second."""

        def content(row: dict[str, object]) -> str:
            kept = {key: value for key, value in row.items() if key != "id"}
            kept["datetime"] = str(kept["datetime"])[:19]
            return json.dumps(kept, sort_keys=True)

        trades = [row for row in ROWS if str(row["type"]) == "2"]
        orders = {row["order_id"] for row in trades}

        assert len(orders) < len(trades) / 2
        assert len({content(row) for row in trades}) < len(trades)

    def test_pairs_quoted_in_coins_and_codes_with_digits(self) -> None:
        """Not everything is EUR, and not every code is letters."""
        markets = {event.pair for event in EXACT.truth.events if event.pair}

        assert {("ETH", "BTC"), ("1INCH", "EUR"), ("EUR", "USD")} <= markets

    def test_dust_rounds_its_quote_to_nothing(self) -> None:
        """A trade with one leg that is not zero."""
        dust = [
            event for event in EXACT.truth.events if event.type == "2" and event.legs[1].value == 0
        ]

        assert dust
        assert all(event.legs[0].value and event.rate for event in dust)

    def test_zero_legs_are_numbers_and_others_are_text(self) -> None:
        """On one and the same key; in the oldest rows all of them are text."""
        kinds = {(type(row["eur"]), float(row["eur"]) == 0) for row in ROWS if "eur" in row}

        assert kinds == {(str, False), (float, True), (int, True), (str, True)}

    def test_rates_are_printed_floats_with_exponents(self) -> None:
        """``1e-05`` is a JSON number on this wire."""
        assert any("e-0" in row.json.decode() for row in EXACT._timeline.rows)

    def test_the_small_habits(self) -> None:
        """One row each is enough."""
        assert any(row["fee"] == "None" for row in ROWS)
        assert any(next(iter(row)) == "self_trade" for row in ROWS)
        assert any(row.get("self_trade") is True for row in ROWS)
        assert any(isinstance(row["type"], int) for row in ROWS)
        assert any("order_id" in row and row["order_id"] is None for row in ROWS)
        assert any("." not in row["datetime"] for row in ROWS[1_500:])
        assert all("eur" not in row for row in ROWS if row["type"] == "27")
        assert any(row.get("btc_usd") == "0.00" for row in ROWS if row["type"] != "2")
        assert len({tuple(row) for row in ROWS}) > 1_000

    def test_quotes_are_rounded_and_fees_come_from_before(self) -> None:
        """The quote has 2 or 8 decimals, the fee 5 or 8."""
        for event in EXACT.truth.events:
            if event.type != "2" or event.rate is None or event.pair is None:
                continue
            base, quote = event.legs
            digits = 2 if event.pair[1] in {"EUR", "USD"} else 8
            assert abs(abs(base.value * event.rate) - abs(quote.value)) <= Decimal(5).scaleb(
                -digits - 1
            )


def test_a_file_is_sent_as_it_was_written(tmp_path: pathlib.Path) -> None:
    """Numbers keep their spelling, keys their order."""
    row = (
        '{"id": 5, "eth_eur": 1e-05, "datetime": "2020-01-01 00:00:00", "eth": "100000.0", '
        '"eur": "-1.00", "type": "2", "fee": "None"}'
    )
    path = tmp_path / "account.json"
    path.write_text(f'{{"records": [{row}], "balances": {{"eur": "12.50"}}}}')
    sandbox = Sandbox(account_file=path, clock=clock)

    assert ask(sandbox, "POST", "user_transactions/").body == f"[{row}]".encode()
    assert sandbox.balances == {"EUR": Decimal("12.50")}
    assert replay(sandbox.records) == {"ETH": Decimal("100000.0"), "EUR": Decimal("-1.00")}


def test_a_file_may_be_a_bare_list(tmp_path: pathlib.Path) -> None:
    """As a saved page of the API is."""
    path = tmp_path / "page.json"
    path.write_text('[{"id": 1, "datetime": "2020-01-01 00:00:00", "type": "0", "eur": "2"}]')

    assert Account.load(path).balances == {"EUR": Decimal(2)}


@given(seed=seeds)
def test_a_dumped_account_loads_as_the_same(
    seed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """So a rehearsal can be kept."""
    account = generate_account(seed, 30)
    path = tmp_path_factory.mktemp("dumped") / "account.json"
    path.write_bytes(account.dump())

    assert Account.load(path).dump() == account.dump()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("no json", "no account file"),
        ('{"rows": []}', "no account file"),
        ('[{"datetime": "2020-01-01 00:00:00"}]', "record 1: a record needs a whole number as id"),
        ('[{"id": 1}]', "record 1: a record needs a datetime as text"),
        ('[{"id": 1, "datetime": "soon"}]', "record 1"),
        (
            '[{"id": 1, "datetime": "2020-01-01 00:00:00", "fee": "1", "eur": 1, "usd": -1}]',
            "the currency of its fee cannot be told",
        ),
    ],
)
def test_a_bad_file_says_what_is_wrong_and_where(
    tmp_path: pathlib.Path, content: str, words: str
) -> None:
    """With the number of the record."""
    path = tmp_path / "account.json"
    path.write_text(content)

    with pytest.raises(StatementError) as caught:
        Account.load(path)

    assert words in str(caught.value)


def test_a_copy_with_both_legs_positive_is_kept() -> None:
    """Such a row exists in an old recording; it is sent like any other."""
    record = {
        "usd": "11.37",
        "btc": "0.08650000",
        "btc_usd": "-131.50",
        "order_id": 6877187,
        "fee": "0.06",
        "type": 2,
        "id": 1296712,
        "datetime": "2013-09-02 13:17:49",
    }
    event = event_of(record)

    assert event.effect == {"BTC": Decimal("0.08650000"), "USD": Decimal("11.31")}


class TestRunTimeChanges:
    def test_new_rows_move_the_balances(self, sandbox: Sandbox) -> None:
        """What is stated is what is replayed, always."""
        before = sandbox.balances["EUR"]
        sandbox.append_deposits(3)

        assert sandbox.balances["EUR"] == before + 3
        assert len(sandbox.records) == 303

    def test_balances_follow_whatever_happens(self, sandbox: Sandbox) -> None:
        """The running sum is the sum of all records, after any mixture of changes."""
        sandbox.append_deposits(2)
        sandbox.insert_late_row()
        sandbox.change(sandbox.append_deposits()[0]["id"], eur="7.5")  # type: ignore[arg-type]
        sandbox.append({"id": 1, "datetime": "2016-01-01 00:00:00", "type": "57", "new": "-3"})

        assert sandbox.balances == replay(sandbox.records)
        assert sandbox.balances["NEW"] == -3

    def test_a_late_row_has_a_lower_id_than_the_last(self, sandbox: Sandbox) -> None:
        """It shows up behind a cursor that has passed it."""
        late = sandbox.insert_late_row()
        ids = [record["id"] for record in sandbox.records]

        assert late["id"] in ids
        assert ids.index(late["id"]) < len(ids) - 1

    def test_a_record_can_change(self, sandbox: Sandbox) -> None:
        """Same id, other content."""
        target = sandbox.records[10]["id"]
        assert isinstance(target, int)
        sandbox.change(target, fee="1.23")

        assert sandbox.records[10]["fee"] == "1.23"

    def test_rows_can_arrive_while_pages_are_read(self, sandbox: Sandbox) -> None:
        """After each page, so that offsets shift under the reader."""
        sandbox.faults.rows_appended_per_page = 2
        ask(sandbox, "POST", "user_transactions/")
        ask(sandbox, "POST", "user_transactions/")

        assert len(sandbox.records) == 304

    def test_changing_what_is_not_there_is_an_error(self, sandbox: Sandbox) -> None:
        """A test that means another record must hear of it."""
        with pytest.raises(KeyError):
            sandbox.change(1)
