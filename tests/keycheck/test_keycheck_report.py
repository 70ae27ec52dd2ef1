"""Reports are values: they compare, survive JSON, and cannot claim more than they found."""

import datetime as dt
import json
import pickle

import attrs
import pytest

import bitstamp_ledger as bl
from bitstamp_ledger.api import (
    DIAGNOSES,
    KEY_GUIDE,
    KEY_PERMISSIONS,
    PermissionKind,
    Probe,
)
from tests.keycheck.players import DENIED, Exchange, check_against

COMPLAINT = (400, {"error": "Missing id POST param."})


@pytest.fixture
def good() -> bl.KeyReport:
    return check_against(Exchange())


@pytest.fixture
def bad() -> bl.KeyReport:
    return check_against(Exchange(answers={"cancel_order/": COMPLAINT}))


class TestTables:
    def test_every_condition_has_its_row(self) -> None:
        """With a sentence for each thing that a person wants to know."""
        assert set(DIAGNOSES) == set(bl.KeyCondition)
        for row in DIAGNOSES.values():
            assert row.summary.endswith(".")
            assert row.next_step.endswith(".")
            assert row.retry.endswith(".")

    def test_every_state_of_the_contract_is_reached_by_a_condition(self) -> None:
        """No state exists only on paper."""
        assert {row.state for row in DIAGNOSES.values()} == set(bl.KeyState)

    def test_every_permission_has_its_row(self) -> None:
        """What cannot be probed says why; what can is probed or read."""
        probed = {probe.value.permission for probe in Probe}

        assert set(KEY_PERMISSIONS) == set(bl.KeyPermission)
        for permission, fact in KEY_PERMISSIONS.items():
            if fact.kind is PermissionKind.WRITE:
                assert (permission in probed) == (fact.why_not_probed is None), permission
            else:
                assert permission not in probed

    def test_the_guide_tells_how_to_make_a_safe_key(self) -> None:
        """Which boxes, the address list, and activation."""
        for words in (
            "view account balances",
            "view your transactions",
            "address list",
            "Activate",
        ):
            assert words in KEY_GUIDE


class TestOverstating:
    """A report that claims more than it found cannot be built, nor read from JSON."""

    def test_read_only_needs_every_denial(self, good: bl.KeyReport) -> None:
        """Leaving out any finding about a write, or a needed read, is refused."""
        for position, finding in enumerate(good.findings):
            fewer = good.findings[:position] + good.findings[position + 1 :]
            if finding.permission in {
                bl.KeyPermission.OPEN_ORDERS,
                bl.KeyPermission.WITHDRAWAL_REQUESTS,
            }:
                continue
            if finding.permission is bl.KeyPermission.BANK_WITHDRAWAL:
                continue  # Asked twice.
            with pytest.raises(ValueError, match="does not follow"):
                attrs.evolve(good, findings=fewer)

    def test_read_only_bears_no_doubt(self, good: bl.KeyReport) -> None:
        """One finding that is not a denial is too much."""
        for position, finding in enumerate(good.findings):
            if KEY_PERMISSIONS[finding.permission].kind is PermissionKind.USEFUL_READ:
                continue
            doubtful = attrs.evolve(finding, grant=bl.Grant.UNKNOWN)
            with pytest.raises(ValueError, match="does not follow"):
                attrs.evolve(
                    good,
                    findings=(
                        *good.findings[:position],
                        doubtful,
                        *good.findings[position + 1 :],
                    ),
                )

    def test_a_second_finding_does_not_paint_over_the_first(self, good: bl.KeyReport) -> None:
        """Two answers about one permission must both be denials."""
        first = attrs.evolve(good.findings[-1], grant=bl.Grant.UNKNOWN)
        with pytest.raises(ValueError, match="UNKNOWN"):
            attrs.evolve(good, findings=(first, *good.findings))

    def test_a_permission_to_write_cannot_be_played_down(self, bad: bl.KeyReport) -> None:
        """Not even to UNPROVEN."""
        with pytest.raises(ValueError, match="a write is granted"):
            attrs.evolve(bad, condition=bl.KeyCondition.PROBE_UNDECIDED)

    @pytest.mark.parametrize("probes", [bl.Probes.NONE, bl.Probes.READS])
    def test_fewer_probes_cannot_prove(self, good: bl.KeyReport, probes: bl.Probes) -> None:
        """Their best verdict is UNPROVEN."""
        with pytest.raises(ValueError, match="not asked about"):
            attrs.evolve(good, probes=probes)

    def test_json_that_claims_more_than_it_holds_is_refused(self, bad: bl.KeyReport) -> None:
        """Somebody edited the file."""
        document = json.loads(bad.to_json()) | {"condition": "read_only"}

        with pytest.raises(bl.BitstampLedgerError, match="does not follow"):
            bl.KeyReport.from_json(json.dumps(document))

    def test_the_words_of_json_are_not_believed(self, bad: bl.KeyReport) -> None:
        """State and advice follow from the findings."""
        document = json.loads(bad.to_json()) | {"state": "READ_ONLY", "advice": "All is well."}
        read = bl.KeyReport.from_json(json.dumps(document))

        assert read == bad
        assert read.state is bl.KeyState.OVERPRIVILEGED


class TestValues:
    def test_reports_of_two_times_are_equal(self, good: bl.KeyReport) -> None:
        """When it was found, and how far the clocks were apart, is no finding."""
        again = check_against(Exchange())

        assert again == good
        assert hash(again) == hash(good)
        assert str(again) == str(good)
        assert again.checked_at >= good.checked_at

    def test_json_reads_back(self, good: bl.KeyReport, bad: bl.KeyReport) -> None:
        """With the times."""
        for report in (good, bad):
            read = bl.KeyReport.from_json(report.to_json())

            assert read == report
            assert read.checked_at == report.checked_at
            assert read.findings[0].evidence.time == report.findings[0].evidence.time

    @pytest.mark.parametrize("text", ["", "[]", "{}", '{"condition": "fine"}', "\xff", "[" * 9999])
    def test_what_is_no_report_is_one_error(self, text: str) -> None:
        """Of this package."""
        with pytest.raises(bl.BitstampLedgerError, match="Not the report"):
            bl.KeyReport.from_json(text)

    def test_a_time_without_zone_is_refused(self, good: bl.KeyReport) -> None:
        """It would not say which instant it means."""
        document = json.loads(good.to_json()) | {"checked_at": "2026-01-01T00:00:00"}

        with pytest.raises(bl.BitstampLedgerError, match="zone"):
            bl.KeyReport.from_json(json.dumps(document))

    def test_a_report_can_go_to_another_process(self, bad: bl.KeyReport) -> None:
        """So can the error that carries it."""
        assert pickle.loads(pickle.dumps(bad)) == bad  # noqa: S301 - our own bytes
        with pytest.raises(bl.OverprivilegedKeyError) as caught:
            bad.require_read_only()
        there = pickle.loads(pickle.dumps(caught.value))  # noqa: S301 - our own bytes

        assert there.report == bad
        assert str(there) == str(caught.value)

    def test_the_text_is_stable(self, bad: bl.KeyReport) -> None:
        """Literally this, so that a change is noticed."""
        lines = str(bad).splitlines()

        assert (
            lines[0] == "Key …xyz0 of Main Account at exchange.example: OVERPRIVILEGED (critical)"
        )
        assert lines[1].startswith(
            "This key can do more than read. It has the permission: cancel orders (cancel or "
            "replace open orders). Do not use this key."
        )
        assert lines[-1] == "  revoke all API keys: an empty request ends every key"
        evidence = 'POST /api/v2/cancel_order/: HTTP 400 "Missing id POST param"'
        assert f"  GRANTED: cancel orders ({evidence})" in lines

    def test_the_html_is_escaped(self) -> None:
        """What the exchange says, and what the caller named the account, is text."""
        exchange = Exchange(
            answers={"cancel_order/": (400, {"error": "Missing id & \"x\" 'y' onload=1"})}
        )
        report = attrs.evolve(check_against(exchange), account="<script>alert(1)</script>")
        shown = report._repr_html_()

        assert "<script>" not in shown
        assert "&lt;script&gt;" in shown
        assert "Missing id &amp; &quot;x&quot;" in shown
        assert "<table " in shown

    def test_the_exchanges_words_cannot_steer_a_terminal(self) -> None:
        """Escape sequences and line breaks are taken out, also of stored reports."""
        words = "Missing id\x1b[2J\r\n\x07 here" + "x" * 1000
        report = check_against(Exchange(answers={"cancel_order/": (400, {"error": words})}))
        stored = json.loads(report.to_json())
        stored["findings"][-1]["evidence"]["text"] = words
        for shown in (str(report), str(bl.KeyReport.from_json(json.dumps(stored)))):
            assert "\x1b" not in shown
            assert "\x07" not in shown
            assert max(map(len, shown.splitlines())) < 1000


class TestRequireReadOnly:
    def test_a_proved_key_passes(self, good: bl.KeyReport) -> None:
        """Without a word."""
        good.require_read_only()

    @pytest.mark.parametrize(
        ("path", "answer", "error", "permission"),
        [
            ("cancel_order/", COMPLAINT, bl.OverprivilegedKeyError, "cancel_order"),
            ("user_transactions/", DENIED, bl.InsufficientKeyError, "user_transactions"),
            ("cancel_order/", (400, {"error": "?"}), bl.UnprovenKeyError, "cancel_order"),
            (
                "account_balances/",
                (403, {"status": "error", "reason": "x", "code": "API0006"}),
                bl.UnusableKeyError,
                "account_balance",
            ),
        ],
    )
    def test_any_other_raises_with_the_finding(
        self,
        path: str,
        answer: tuple[int, object],
        error: type[bl.KeyNotSafeError],
        permission: str,
    ) -> None:
        """The program gets what it needs, the person a sentence."""
        report = check_against(Exchange(answers={path: answer}))
        with pytest.raises(bl.KeyNotSafeError) as caught:
            report.require_read_only()

        assert type(caught.value) is error
        assert caught.value.permission == permission
        assert caught.value.state == report.state.value
        assert caught.value.report is report
        assert path in str(caught.value)
        assert report.advice in str(caught.value)

    def test_a_key_that_was_not_asked_about_writing_raises_too(self) -> None:
        """There is no finding to name then."""
        report = check_against(Exchange(), probes=bl.Probes.NONE)
        with pytest.raises(bl.UnprovenKeyError) as caught:
            report.require_read_only()

        assert caught.value.permission is None


class TestDiff:
    def test_equal_reports_differ_in_nothing(self, good: bl.KeyReport) -> None:
        """However far apart."""
        assert (
            good.diff(attrs.evolve(good, checked_at=dt.datetime(2020, 1, 1, tzinfo=dt.UTC))) == ()
        )

    def test_what_was_not_asked_again_is_no_change(
        self, good: bl.KeyReport, bad: bl.KeyReport
    ) -> None:
        """The check stopped early: nothing new is known of the rest."""
        assert [str(change) for change in bad.diff(good)] == [
            "verdict: READ_ONLY -> OVERPRIVILEGED (changed)",
            "cancel orders: DENIED -> GRANTED (widened)",
        ]

    def test_what_is_asked_for_the_first_time_is_named(
        self, good: bl.KeyReport, bad: bl.KeyReport
    ) -> None:
        """It was not known before."""
        changes = [str(change) for change in good.diff(bad)]

        assert "cancel orders: GRANTED -> DENIED (narrowed)" in changes
        assert "sell at market: not asked -> DENIED (changed)" in changes
