"""Plain-text accounting: what Beancount, hledger and Ledger themselves make of the files."""

import datetime as dt
import json
import re
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitstamp_ledger import sinks
from bitstamp_ledger.api import parse_user_transactions
from bitstamp_ledger.errors import SinkError
from bitstamp_ledger.ledger import prove, replay
from bitstamp_ledger.model import (
    TIME_NOT_STATED,
    UTC,
    Amount,
    Balance,
    Conversion,
    Deposit,
    Entry,
    Reward,
    Settlement,
    StakingMovement,
    Trade,
    Transfer,
    UnknownEntry,
    Withdrawal,
)
from bitstamp_ledger.sandbox import generate_account
from bitstamp_ledger.sinks.beancount import Accounts, BeancountSink
from tests.sinks.accounting_programs import SINKS, sink_of, text_of, verdict_on
from tests.sinks.tax_tools import histories, odd_entries, simple_entries

every_program = pytest.mark.parametrize("name", SINKS)

BUY = Trade(
    id="Main Account/trade/163402118",
    transaction_id=163402118,
    order_id=1342211907391488,
    time=dt.datetime(2021, 3, 28, 0, 41, 36, 482917, tzinfo=UTC),
    legs=(Amount("150.5", "1INCH"), Amount("-421.37", "EUR")),
    fee=Amount("2.10685", "EUR"),
    price=Decimal("2.79980"),
    code="2",
)

BEANCOUNT = """\
1970-01-01 commodity X1INCH
  name: "1INCH"
1970-01-01 commodity EUR
  name: "EUR"
1970-01-01 open Assets:Bitstamp:Main:X1INCH
1970-01-01 open Assets:Bitstamp:Main:EUR
1970-01-01 open Expenses:Bitstamp:Fees

2021-03-28 * "Buy 150.5 1INCH for 421.37 EUR" ^bitstamp-163402118 ^bitstamp-order-1342211907391488
  id: "Main Account/trade/163402118"
  time: "2021-03-28T00:41:36.482917Z"
  kind: "trade"
  account: "Main Account"
  transaction-id: "163402118"
  type: "2"
  order-id: "1342211907391488"
  stated-price: "2.79980"
  Assets:Bitstamp:Main:X1INCH  150.5 X1INCH @@ 421.37 EUR
  Assets:Bitstamp:Main:EUR  -421.37 EUR
  Assets:Bitstamp:Main:EUR  -2.10685 EUR
  Expenses:Bitstamp:Fees  2.10685 EUR

"""
JOURNAL = """\
commodity "1INCH"
commodity EUR
account Assets:Bitstamp:Main:1INCH
account Assets:Bitstamp:Main:EUR
account Expenses:Bitstamp:Fees

2021-03-28 * (163402118) Buy 150.5 1INCH for 421.37 EUR
    ; id: Main Account/trade/163402118
    ; time: 2021-03-28T00:41:36.482917Z
    ; kind: trade
    ; account: Main Account
    ; transaction-id: 163402118
    ; type: 2
    ; order-id: 1342211907391488
    ; stated-price: 2.79980
    Assets:Bitstamp:Main:1INCH  150.5 "1INCH" @@ 421.37 EUR
    Assets:Bitstamp:Main:EUR  -421.37 EUR
    Assets:Bitstamp:Main:EUR  -2.10685 EUR
    Expenses:Bitstamp:Fees  2.10685 EUR

"""


def movement(kind: type[Entry], *legs: str, fee: str | None = None, **more: object) -> Entry:
    """An entry whose amounts are written ``-1.5 BTC``."""
    facts: dict[str, object] = {
        "id": f"Main Account/{kind.kind}/7",
        "time": dt.datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC),
        "legs": tuple(Amount(*leg.split()) for leg in legs),
        "fee": None if fee is None else Amount(*fee.split()),
    }
    if kind is UnknownEntry:
        facts["reason"] = "its type is not known"
    return kind(**(facts | more))  # type: ignore[arg-type]  # each field has its own type


def accounts_in(name: str, entry: Entry, **options: object) -> list[str]:
    """The accounts of the only transaction, in order."""
    text = text_of(name, [entry], **options)
    return re.findall(r"^ +([A-Z][A-Za-z0-9:-]+:[A-Za-z0-9:-]+)  ", text, re.MULTILINE)


def whole_account() -> list[Entry]:
    """An account with every documented type, and one that is documented nowhere."""
    account = generate_account(1, 400, derivatives=True)
    return parse_user_transactions(json.dumps(account.records, default=str).encode())


def held(entries: Sequence[Entry]) -> dict[str, dict[str, Decimal]]:
    """What each account of the exchange holds."""
    names = sorted({entry.account for entry in entries})
    return {
        name: sums
        for name in names
        if (sums := replay(entry for entry in entries if entry.account == name))
    }


class TestFiles:
    def test_a_trade_is_this_transaction_in_beancount(self) -> None:
        """Commodities may not begin with a digit there; the directive has the exchange's code."""
        assert text_of("beancount", [BUY]) == BEANCOUNT

    def test_a_trade_is_this_transaction_in_journals(self) -> None:
        """What is after the head is the same for hledger and Ledger."""
        assert text_of("hledger", [BUY]) == "decimal-mark .\n\n" + JOURNAL
        assert text_of("ledger-cli", [BUY]).endswith("tag reason\n\n" + JOURNAL)

    @pytest.mark.parametrize(
        ("entry", "counter"),
        [
            (movement(Deposit, "5 EUR"), "Equity:Bitstamp:Transfers"),
            (movement(Withdrawal, "-5 BTC"), "Equity:Bitstamp:Transfers"),
            (movement(Transfer, "-5 EUR"), "Equity:Bitstamp:Between-Accounts"),
            (movement(StakingMovement, "-5 ETH"), "Assets:Bitstamp-Staking:Main"),
            (movement(Reward, "5 ETH"), "Income:Bitstamp:Rewards"),
            (movement(Settlement, "-5 EUR"), "Income:Bitstamp:Derivatives"),
            (movement(UnknownEntry, "5 EUR"), "Equity:Bitstamp:Unknown"),
            (movement(Conversion, "-5 EUR"), "Equity:Bitstamp:Unknown"),
        ],
        ids=lambda value: value.kind if isinstance(value, Entry) else None,
    )
    @every_program
    def test_each_kind_has_its_counter_account(self, name: str, entry: Entry, counter: str) -> None:
        """So that income is not a deposit, and what is not understood stands apart."""
        assert accounts_in(name, entry)[1] == counter

    @every_program
    def test_accounts_can_be_named(self, name: str) -> None:
        """By account, by currency, and for deposits of one currency by where they come from."""
        accounts = {
            "holdings": "Assets:Exchanges:{currency}:B-{account}",
            "fees": "Expenses:Fees:{currency}",
            "outside": "Equity:Coins",
            "outside_of": {"EUR": "Assets:Bank"},
        }
        sub = movement(Deposit, "5 EUR", fee="1 EUR", account="Bot")

        assert accounts_in(name, sub, accounts=accounts) == [
            "Assets:Exchanges:EUR:B-Bot",
            "Assets:Bank",
            "Assets:Exchanges:EUR:B-Bot",
            "Expenses:Fees:EUR",
        ]
        coins = movement(Deposit, "5 BTC")
        assert accounts_in(name, coins, accounts=Accounts(**accounts))[1] == "Equity:Coins"  # type: ignore[arg-type]  # a mapping of all types

    @pytest.mark.parametrize(
        "accounts",
        [
            {"fees": "Costs:Fees"},
            {"fees": "Expenses"},
            {"fees": "Expenses:fees"},
            {"fees": "Expenses:Fees; or not"},
            {"outside_of": {"EUR": "Bank"}},
            {"holdings": "Assets:Bitstamp:{currency}"},
            {"wages": "Income:Wages"},
        ],
    )
    def test_names_that_no_program_takes_are_refused_at_once(
        self, accounts: dict[str, object], tmp_path: Path
    ) -> None:
        """Not after a history was written."""
        with pytest.raises(SinkError, match="accounts cannot be used"):
            sink_of("hledger", tmp_path / "books", accounts=accounts)

    @every_program
    def test_what_is_not_understood_is_marked(self, name: str) -> None:
        """All three programs can list what is marked with an exclamation mark."""
        text = text_of(name, [movement(UnknownEntry, "5 EUR")])

        assert "2024-05-06 ! " in text

    @every_program
    def test_an_entry_without_amounts_is_a_comment(self, name: str) -> None:
        """It moves nothing, and it is not dropped."""
        text = text_of(name, [movement(UnknownEntry, time=TIME_NOT_STATED), BUY])

        assert "; States no amount: id Main Account/unknown/7; time 1970-01-01T" in text
        assert "reason its type is not known\n" in text
        assert verdict_on(name, text).complaints == ""

    @every_program
    def test_dates_are_those_of_the_zone(self, name: str) -> None:
        """Programs keep dates only: late in the evening it is tomorrow elsewhere."""
        late = movement(Deposit, "5 EUR", time=dt.datetime(2024, 5, 6, 22, 30, tzinfo=UTC))

        assert "\n2024-05-06 *" in text_of(name, [late])
        assert "\n2024-05-07 *" in text_of(name, [late], timezone="Europe/Paris")
        assert "time: 2024-05-06T22:30" in text_of(name, [late], timezone="Europe/Paris").replace(
            '"', ""
        )

    @every_program
    def test_the_same_entries_give_the_same_bytes(self, name: str) -> None:
        """So that a file under version control changes where the history did."""
        entries = whole_account()

        assert text_of(name, entries) == text_of(name, entries)


class TestPrograms:
    @every_program
    @settings(max_examples=10)
    @given(history=histories(simple_entries | odd_entries, max_size=12))
    def test_a_program_adds_up_what_the_entries_do(self, name: str, history: list[Entry]) -> None:
        """Every kind, any number of legs, any account: taken, balanced, and the same sums."""
        verdict = verdict_on(name, text_of(name, history))

        assert verdict.complaints == ""
        assert sorted(
            sorted(sums.items()) for sums in by_component(verdict.balances).values()
        ) == sorted(sorted(sums.items()) for sums in held(history).values())

    @every_program
    def test_a_whole_account_adds_up_to_its_proof(self, name: str) -> None:
        """All documented types; the program itself checks the balances that are stated."""
        entries = whole_account()
        stated = [
            Balance(currency=code, total=value, available=value, reserved=Decimal(0))
            for code, value in replay(entries).items()
        ]
        proof = attrs.evolve(prove(entries, stated), read_at=dt.datetime(2026, 1, 2, 3, tzinfo=UTC))
        assert proof.holds

        text = text_of(name, entries, balances=proof)

        verdict = verdict_on(name, text)
        assert "2026-01-03 " in text
        assert verdict.complaints == ""
        assert by_component(verdict.balances) == {"Main": dict(proof.balances)}

    @every_program
    @pytest.mark.parametrize(
        "stated",
        [
            {"1INCH": Decimal("150.5"), "EUR": Decimal("-423.47684")},
            {"1INCH": Decimal("150.5")},
            {"1INCH": Decimal("150.5"), "EUR": Decimal("-423.47685"), "BTC": Decimal(1)},
        ],
        ids=["a digit off", "none stated", "one too many"],
    )
    def test_a_program_notices_balances_that_differ(
        self, name: str, stated: dict[str, Decimal]
    ) -> None:
        """Also of a currency that the proof does not list, which must be zero."""
        text = text_of(name, [BUY], balances=stated)

        assert verdict_on(name, text).complaints != ""

    @every_program
    def test_balances_of_a_sub_account_are_checked_there(self, name: str) -> None:
        """A proof says whose balances it is about."""
        entries = [BUY, movement(Deposit, "5 EUR", account="Bot")]
        proof = attrs.evolve(prove(entries[1:], []), account="Bot", balances={"EUR": Decimal(5)})

        text = text_of(name, entries, balances=proof)

        assert verdict_on(name, text).complaints == ""
        assert "Assets:Bitstamp:Bot:EUR" in text.rstrip().splitlines()[-1]

    @every_program
    def test_any_text_is_only_text(self, name: str) -> None:
        """Quotes, brackets that look like dates, tags inside tags, lines inside lines."""
        odd = movement(
            UnknownEntry,
            "5 EUR",
            reason='a "b" \\ c, date:2001-01-01 [2001-02-03] ; x\n2020-01-01 * "y"\n\u2028 :t:',
            account='x: y  z "',
            code="a::b",
        )
        verdict = verdict_on(name, text_of(name, [odd, BUY]))

        assert verdict.complaints == ""
        assert by_component(verdict.balances)["Main"] == {
            "1INCH": Decimal("150.5"),
            "EUR": Decimal("-423.47685"),
        }

    @every_program
    @pytest.mark.parametrize(
        "legs",
        [
            ("-0.5 SHIB", "0.00 EUR"),
            ("0 SHIB", "-0.01 EUR"),
            ("1 BTC", "1 BTC"),
            ("1 BTC", "-2 BTC"),
            ("129 BTC", "-2 EUR"),
            ("3 SHIB", "-1234567890123456.123456789 EUR"),
        ],
    )
    def test_a_trade_that_is_hardly_one_balances_too(
        self, name: str, legs: tuple[str, ...]
    ) -> None:
        """Tiny fills have their quote rounded to nothing; and no unit price holds two 129ths."""
        verdict = verdict_on(name, text_of(name, [movement(Trade, *legs)]))

        assert verdict.complaints == ""

    @every_program
    def test_a_batch_that_fails_takes_its_declarations_along(
        self, name: str, tmp_path: Path
    ) -> None:
        """Else the next batch would use accounts that nothing declares."""
        sink = sink_of(name, tmp_path / "books")
        sink.open(sinks.RunInfo(sink=name))

        with pytest.raises(SinkError, match="no currency code that a program takes"):
            sink.write(sinks.Batch.of([BUY, movement(Deposit, "5 =1+1")]))
        sink.write(sinks.Batch.of([BUY]))
        sink.close(sinks.Completed())

        assert verdict_on(name, (tmp_path / "books").read_text()).complaints == ""

    @pytest.mark.parametrize("name", ["hledger", "ledger-cli"])
    def test_38_digits_are_nothing_to_journals(self, name: str) -> None:
        """Both programs compute with as many digits as there are."""
        value = "123456789012345678901234567890.12345678"
        verdict = verdict_on(name, text_of(name, [movement(Deposit, f"{value} SHIB")]))

        assert by_component(verdict.balances) == {"Main": {"SHIB": Decimal(value)}}


class TestRefusals:
    def test_beancount_is_not_given_what_it_would_round(self) -> None:
        """It computes with 28 digits; the transaction would not balance."""
        with pytest.raises(SinkError, match="leaves none to spare"):
            text_of("beancount", [movement(Deposit, "12345678901234567890123456789 SHIB")])

    def test_balances_of_a_currency_that_cannot_be_written_are_refused(
        self, tmp_path: Path
    ) -> None:
        """And no file appears."""
        sink = sink_of("hledger", tmp_path / "books", balances={"=1+1": Decimal(1)})

        with pytest.raises(SinkError, match="balances cannot be written"):  # noqa: SIM117
            with sinks.handle_for(sink, name="hledger") as out:
                out.write([BUY])

        assert list(tmp_path.iterdir()) == []

    def test_balances_are_balances(self, tmp_path: Path) -> None:
        """Said before anything is written."""
        with pytest.raises(SinkError, match="A list states no balances"):
            sink_of("hledger", tmp_path / "books", balances=[])

    @given(codes=st.lists(st.text("X0129A", min_size=1, max_size=5), min_size=2, unique=True))
    def test_beancount_has_a_commodity_for_each_code(self, codes: list[str]) -> None:
        """However they begin, no two of them become one."""
        sink = BeancountSink("unused")
        names = [sink._commodity(code) for code in codes]

        assert len(set(names)) == len(codes)
        assert all(re.fullmatch(r"[A-Z][A-Z0-9]*", name) for name in names)


def by_component(balances: object) -> dict[str, dict[str, Decimal]]:
    """The holdings by what their accounts are called in the file."""
    assert isinstance(balances, dict)
    found: dict[str, dict[str, Decimal]] = {}
    for account, sums in balances.items():
        if account.startswith("Assets:Bitstamp:"):
            found.setdefault(account.split(":")[2], {}).update(sums)
    return found
