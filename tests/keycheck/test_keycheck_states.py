"""Every state that a key, its account or the exchange can be in, by both clients."""

import datetime as dt
import email.utils
import socket
import time

import attrs
import httpx
import pytest

import bitstamp_ledger as bl
from bitstamp_ledger.sandbox import READ_PERMISSIONS, Account, Flag, Sandbox
from tests.keycheck.players import Check, Exchange, check_against


def of(sandbox: Sandbox, check: Check, *, secret: str | None = None) -> bl.KeyReport:
    return check(base_url=sandbox.url, key=sandbox.key, secret=secret or sandbox.secret)


class TestKeyAndAccount:
    @pytest.mark.parametrize(
        ("flag", "state", "words"),
        [
            (Flag.NOT_ACTIVATED, "NOT_FOUND", "Activate"),
            (Flag.DELETED, "NOT_FOUND", "deleted or revoked"),
            (Flag.NO_CUSTOMER, "NOT_FOUND", "No account stands behind"),
            (Flag.IP_REFUSED, "IP_REFUSED", "Add the address"),
            (Flag.FROZEN, "FROZEN", "support"),
            (Flag.FATCA_MISSING, "PROFILE_INCOMPLETE", "FATCA"),
        ],
    )
    def test_a_refused_key_is_told_apart(
        self, sandbox: Sandbox, check: Check, flag: Flag, state: str, words: str
    ) -> None:
        """One question, no second: a key that does not work is asked nothing else."""
        sandbox.set_flags(sandbox.key, flag)
        report = of(sandbox, check)

        assert report.state.value == state
        assert words in report.advice
        assert report.severity is bl.Severity.WARNING
        assert report.actor is bl.Actor.OWNER
        assert report.data_usable
        assert len(sandbox.requests) == 1

    def test_a_wrong_secret_is_told(self, sandbox: Sandbox, check: Check) -> None:
        """Whoever copied it can mend it; the account's owner need not act."""
        report = of(sandbox, check, secret="x" * 32)

        assert report.state is bl.KeyState.BAD_SECRET
        assert report.actor is bl.Actor.OPERATOR

    def test_a_malformed_key_is_not_found(self, sandbox: Sandbox, check: Check) -> None:
        """It was not copied whole."""
        report = check(base_url=sandbox.url, key="short", secret="x" * 32)

        assert report.state is bl.KeyState.NOT_FOUND
        assert "Copy the key again" in report.advice

    @pytest.mark.parametrize(("offset_s", "side"), [(3600, "behind"), (-3600, "ahead of")])
    def test_a_wrong_clock_is_measured(
        self, sandbox: Sandbox, check: Check, offset_s: int, side: str
    ) -> None:
        """The refusing reply carries the exchange's own time."""
        sandbox.faults.clock_offset_s = offset_s
        report = of(sandbox, check)

        assert report.state is bl.KeyState.CLOCK_SKEW
        assert report.clock_skew_s == pytest.approx(-offset_s, abs=5)
        assert side in report.advice
        assert report.actor is bl.Actor.OPERATOR

    def test_a_clock_cannot_be_measured_without_a_date(self, check: Check) -> None:
        """Then the advice does without the figure."""
        exchange = Exchange(
            answers={
                "account_balances/": (
                    403,
                    {"status": "error", "reason": "out of bounds", "code": "API0017"},
                )
            },
            date="yesterday",
        )
        report = check_against(exchange, check=check)

        assert report.state is bl.KeyState.CLOCK_SKEW
        assert report.clock_skew_s is None
        assert "seconds behind" not in report.advice

    def test_the_clock_is_measured_on_every_check(self, check: Check) -> None:
        """Before it refuses anything."""
        stated = time.time() - 100
        exchange = Exchange(date=email.utils.formatdate(stated, usegmt=True))
        report = check_against(exchange, check=check)

        assert report.state is bl.KeyState.READ_ONLY
        assert report.clock_skew_s == pytest.approx(100, abs=5)

    @pytest.mark.parametrize(
        ("refusal", "state"),
        [
            ({"error": "API access disabled. Check your user settings."}, "API_ACCESS_OFF"),
            ({"error": "API key not found"}, "NOT_FOUND"),
            ({"status": "error", "reason": "User not verified"}, "PROFILE_INCOMPLETE"),
            (
                {"status": "error", "reason": "Not verified", "response_code": "403.001"},
                "PROFILE_INCOMPLETE",
            ),
            (
                {"status": "error", "reason": "No trade account", "response_code": "404.004"},
                "NOT_FOUND",
            ),
            ({"error": ""}, "UNPROVEN"),
            ({"status": "error", "reason": "Odd", "code": "API0099"}, "UNPROVEN"),
            ({"status": "error", "reason": "Invalid nonce", "code": "API0004"}, "UNPROVEN"),
            ({"message": "Unauthorized"}, "UNPROVEN"),
            ({"code": "API5506", "message": "No derivatives."}, "UNPROVEN"),
        ],
    )
    def test_other_refusals_of_a_needed_read(
        self, check: Check, refusal: dict[str, str], state: str
    ) -> None:
        """By code, then by text; what is not known decides nothing."""
        report = check_against(Exchange(answers={"account_balances/": (403, refusal)}), check=check)

        assert report.state.value == state
        assert report.state.value in str(report)

    def test_a_sub_account_key_is_told(self, sandbox: Sandbox, check: Check) -> None:
        """It is read-only like any other, and reads its own account only."""
        sandbox.add_account("Savings", Account())
        key = sandbox.add_key(account="Savings")
        report = check(base_url=sandbox.url, key=key.key, secret=key.secret)

        assert report.state is bl.KeyState.READ_ONLY
        assert report.bound_to is bl.KeyScope.SUB_ACCOUNT
        assert "bound to a sub-account" in report.advice

    def test_a_main_account_key_is_told(self, sandbox: Sandbox, check: Check) -> None:
        """A main-only endpoint answers it."""
        assert of(sandbox, check).bound_to is bl.KeyScope.MAIN

    def test_a_bank_answer_about_sub_accounts_decides_nothing(
        self, sandbox: Sandbox, check: Check
    ) -> None:
        """It may come before or after the permission is looked at; the other questions go on."""
        sandbox.add_account("Savings", Account())
        key = sandbox.add_key(
            account="Savings", permissions=READ_PERMISSIONS | {"bank_withdrawal", "buy_limit_order"}
        )
        report = check(base_url=sandbox.url, key=key.key, secret=key.secret)

        assert report.grant_of(bl.KeyPermission.BANK_WITHDRAWAL) is bl.Grant.UNKNOWN
        assert report.state is bl.KeyState.OVERPRIVILEGED

    def test_nothing_permitted_at_all(self, sandbox: Sandbox, check: Check) -> None:
        """Activation is named first, since a new key may look like this."""
        sandbox.set_permissions(sandbox.key)
        report = of(sandbox, check)

        assert report.state is bl.KeyState.INSUFFICIENT
        assert report.condition is bl.KeyCondition.NOTHING_PERMITTED
        assert "press Activate" in report.advice

    def test_one_needed_read_is_missing(self, sandbox: Sandbox, check: Check) -> None:
        """It is named."""
        sandbox.set_permissions(sandbox.key, *(READ_PERMISSIONS - {"user_transactions"}))
        report = of(sandbox, check)

        assert report.state is bl.KeyState.INSUFFICIENT
        assert "Missing: view your transactions." in report.advice


class TestExchange:
    def test_nobody_listens(self, check: Check) -> None:
        """The operator can look at the network."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        report = check(base_url=f"http://127.0.0.1:{port}")

        assert report.state is bl.KeyState.UNREACHABLE
        assert report.condition is bl.KeyCondition.NO_ANSWER
        assert report.actor is bl.Actor.OPERATOR
        assert report.findings[0].evidence.status is None

    @pytest.mark.parametrize("how", ["html", "note"])
    def test_maintenance(self, sandbox: Sandbox, check: Check, how: str) -> None:
        """A page of HTML, or a note with HTTP 200; nobody here need act."""
        if how == "html":
            sandbox.faults.html_next(503, count=None)
        else:
            sandbox.faults.maintenance_next(count=None)
        report = of(sandbox, check)

        assert report.state is bl.KeyState.UNREACHABLE
        assert report.condition is bl.KeyCondition.MAINTENANCE
        assert report.actor is bl.Actor.EXCHANGE
        assert report.retry_after_s == 900

    @pytest.mark.parametrize("how", ["429", "400.002"])
    def test_throttled(self, sandbox: Sandbox, check: Check, how: str) -> None:
        """By status or by code."""
        if how == "429":
            sandbox.faults.too_many_next(count=None)
        else:
            sandbox.faults.rate_limit_next(count=None)
        report = of(sandbox, check)

        assert report.state is bl.KeyState.UNREACHABLE
        assert report.condition is bl.KeyCondition.THROTTLED

    def test_a_passing_fault_of_a_read_is_survived(self, sandbox: Sandbox, check: Check) -> None:
        """Reads are repeated."""
        sandbox.faults.html_next(502)

        assert of(sandbox, check).state is bl.KeyState.READ_ONLY

    @pytest.mark.parametrize("how", ["unsigned", "wrong signature"])
    def test_replies_that_are_not_the_exchanges(
        self, sandbox: Sandbox, check: Check, how: str
    ) -> None:
        """Nothing proves anything then, and what was stored is in doubt as well."""
        if how == "unsigned":
            sandbox.faults.unsigned_next(count=None)
        else:
            sandbox.faults.wrong_signature_next(count=None)
        report = of(sandbox, check)

        assert report.state is bl.KeyState.UNPROVEN
        assert report.condition is bl.KeyCondition.NOT_GENUINE
        assert report.severity is bl.Severity.CRITICAL
        assert not report.data_usable

    def test_unreadable_replies(self, sandbox: Sandbox, check: Check) -> None:
        """Half a page of JSON is no success."""
        sandbox.faults.truncate_next(count=None)

        assert of(sandbox, check).condition is bl.KeyCondition.UNREADABLE


class TestNotFound:
    """One code for never activated and deleted: what is known beside it chooses the advice."""

    def refused(self, sandbox: Sandbox) -> None:
        sandbox.set_flags(sandbox.key, Flag.DELETED)

    def check(
        self,
        sandbox: Sandbox,
        check: Check,
        *,
        worked_before: bool | None = None,
        earlier: bl.KeyReport | None = None,
    ) -> bl.KeyReport:
        return check(
            base_url=sandbox.url,
            key=sandbox.key,
            secret=sandbox.secret,
            worked_before=worked_before,
            earlier=earlier,
        )

    @pytest.mark.parametrize(
        ("worked_before", "condition", "first_words"),
        [
            (None, "unknown_key", "never activated, or it was deleted"),
            (False, "never_worked", "most likely it was not activated"),
            (True, "worked_before", "most likely it was deleted"),
        ],
    )
    def test_the_caller_may_know_more(
        self,
        sandbox: Sandbox,
        check: Check,
        worked_before: bool | None,
        condition: str,
        first_words: str,
    ) -> None:
        """Activation first for a key that never worked, deletion for one that did."""
        self.refused(sandbox)
        report = self.check(sandbox, check, worked_before=worked_before)

        assert report.condition.value == condition
        assert first_words in report.advice
        assert report.retry_after_s == 3600

    def test_an_earlier_report_knows_it_too(self, sandbox: Sandbox, check: Check) -> None:
        """It read once, so it was deleted; one failure does not make it dead."""
        earlier = self.check(sandbox, check)
        self.refused(sandbox)
        report = self.check(sandbox, check, earlier=earlier)

        assert report.condition is bl.KeyCondition.WORKED_BEFORE

    @pytest.mark.parametrize(("hours", "condition"), [(0, "worked_before"), (2, "gone")])
    def test_only_two_failures_apart_in_time_make_it_dead(
        self, sandbox: Sandbox, check: Check, hours: int, condition: str
    ) -> None:
        """The exchange has lost keys for minutes before."""
        self.refused(sandbox)
        first = self.check(sandbox, check, worked_before=True)
        first = attrs.evolve(first, checked_at=first.checked_at - dt.timedelta(hours=hours))
        second = self.check(sandbox, check, earlier=first)

        assert second.condition.value == condition

    def test_a_dead_key_stays_dead(self, sandbox: Sandbox, check: Check) -> None:
        """However soon it is checked again."""
        self.refused(sandbox)
        gone = attrs.evolve(self.check(sandbox, check), condition=bl.KeyCondition.GONE)

        assert self.check(sandbox, check, earlier=gone).condition is bl.KeyCondition.GONE

    def test_a_report_on_another_key_is_not_considered(
        self, sandbox: Sandbox, check: Check
    ) -> None:
        """It says nothing about this one."""
        earlier = attrs.evolve(self.check(sandbox, check), key="…0000")
        self.refused(sandbox)

        assert self.check(sandbox, check, earlier=earlier).condition.value == "unknown_key"


def test_a_narrowed_key_is_told_from_one_that_never_could(sandbox: Sandbox, check: Check) -> None:
    """With the help of an earlier report, whose difference names the permission."""
    earlier = of(sandbox, check)
    sandbox.set_permissions(sandbox.key, *(READ_PERMISSIONS - {"account_balance"}))
    report = check(base_url=sandbox.url, key=sandbox.key, secret=sandbox.secret, earlier=earlier)

    assert report.condition is bl.KeyCondition.NARROWED
    assert "view account balances: GRANTED -> DENIED (narrowed)" in map(str, report.diff(earlier))


def test_a_widened_key_is_named(sandbox: Sandbox, check: Check) -> None:
    """Somebody ticked a box since the last check."""
    earlier = of(sandbox, check)
    sandbox.set_permissions(sandbox.key, *READ_PERMISSIONS, "cancel_order")
    report = of(sandbox, check)

    assert [str(change) for change in report.diff(earlier)] == [
        "verdict: READ_ONLY -> OVERPRIVILEGED (changed)",
        "cancel orders: DENIED -> GRANTED (widened)",
    ]


def test_a_client_without_credentials_has_no_key_to_check() -> None:
    """That is a mistake of the program, not a state of a key."""
    with bl.Client() as client, pytest.raises(bl.ForbiddenCallError, match="no key to check"):
        bl.check_key(client)


def test_a_lost_answer_to_a_read_is_no_answer(check: Check) -> None:
    """It is a verdict, and no exception of another package."""
    exchange = Exchange(answers={"user_transactions/": httpx.ReadTimeout("too slow")})
    report = check_against(exchange, check=check)

    assert report.condition is bl.KeyCondition.NO_ANSWER
    assert exchange.paths == ["account_balances/", "user_transactions/", "user_transactions/"]
