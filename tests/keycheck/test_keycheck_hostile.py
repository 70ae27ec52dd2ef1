"""A server that misbehaves: the verdict is never better than the evidence."""

import itertools
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bitstamp_ledger as bl
from tests.keycheck.players import (
    DENIED,
    READS,
    Answer,
    Check,
    Exchange,
    check_against,
    grants,
)

PROBED = [
    "withdrawal/status/",
    "cancel_order/",
    "earn/subscribe/",
    "transfer-to-main/",
    "buy/btceur/",
    "sell/btceur/",
    "buy/instant/btceur/",
    "sell/instant/btceur/",
    "buy/market/btceur/",
    "sell/market/btceur/",
    "withdrawal/open/",
    "btc_withdrawal/",
    "eth_withdrawal/",
]

NOT_DENIALS: list[tuple[int, Any]] = [
    (403, {"status": "error", "reason": "Invalid signature", "code": "API0005"}),
    (403, {"status": "error", "reason": "API key not found", "code": "API0001"}),
    (403, {"status": "error", "reason": "Missing amount", "code": "API0003"}),
    (403, {"status": "error", "reason": "No permission found", "code": "API0004"}),
    (500, {"status": "error", "reason": "No permission found", "code": "API0003"}),
    (429, {"status": "error", "reason": "No permission found", "code": "API0003"}),
    (302, {"status": "error", "reason": "No permission found", "code": "API0003"}),
    (403, b"<html>No permission found</html>"),
    (403, b"No permission found"),
    (403, {"message": "Forbidden"}),
    (403, {"code": "API5506", "message": "Trade account does not support derivatives."}),
    (403, {"code": "API5999", "message": "No permission found", "field": "x"}),
    (403, {"error": "No permission found, or was it?"}),
    (403, ["No permission found"]),
    (403, "No permission found"),
    (401, {"message": "Unauthorized"}),
    (404, b"<html>404 Not Found</html>"),
    (404, b""),
    (400, {"error": {"__all__": ["Something else."]}}),
    (400, {"status": "error", "reason": "User not verified"}),
    (400, {"status": "error", "reason": "Your withdrawals are currently disabled"}),
    (400, {"status": "error", "reason": "Rate limit exceeded", "response_code": "400.002"}),
    (400, {"status": "error", "reason": "Odd.", "response_code": "400.001"}),
    (503, b"<html>Service Unavailable</html>"),
    (200, {"error": "Bitstamp.net is under scheduled maintenance. We'll be back soon."}),
]
"""None of these proves that a permission is missing."""

COMPLAINTS: list[tuple[str, int, Any]] = [
    ("withdrawal/status/", 400, {"status": "error", "reason": "Missing parameters: ['id']"}),
    ("cancel_order/", 200, {"error": "Missing id POST param."}),
    ("cancel_order/", 400, {"status": "error", "reason": "?", "response_code": "400.035"}),
    (
        "earn/subscribe/",
        400,
        {"code": "API5900", "message": "This field is required.", "field": "currency"},
    ),
    (
        "transfer-to-main/",
        400,
        {"status": "error", "reason": {"amount": ["This field is required."]}},
    ),
    (
        "buy/btceur/",
        400,
        {"status": "error", "reason": "Missing amount and/or price POST parameters"},
    ),
    (
        "sell/btceur/",
        200,
        {"status": "error", "reason": {"__all__": ["This field is required."]}},
    ),
    ("buy/market/btceur/", 400, {"error": {"amount": ["This field is required."]}}),
    ("withdrawal/open/", 400, {"iban": 1, "error": {"iban": "This field is required."}}),
    (
        "btc_withdrawal/",
        404,
        {"status": "error", "reason": "Missing amount and/or address POST parameters"},
    ),
    ("eth_withdrawal/", 400, {"status": "error", "reason": "?", "response_code": "400.004"}),
]


class TestAnswersToAProbe:
    @pytest.mark.parametrize("path", ["withdrawal/status/", "buy/btceur/", "eth_withdrawal/"])
    @pytest.mark.parametrize(("status", "content"), NOT_DENIALS)
    def test_what_is_no_denial_proves_nothing(
        self, path: str, status: int, content: object
    ) -> None:
        """Whatever comes in its place; the law below does this at every probe."""
        exchange = Exchange(answers={path: (status, content)})
        report = check_against(exchange)

        assert report.state is bl.KeyState.UNPROVEN
        assert [said for said in grants(report).values() if said == "UNKNOWN"]
        assert exchange.paths.count(path) == 1

    @pytest.mark.parametrize(("path", "status", "content"), COMPLAINTS)
    def test_a_complaint_about_missing_content_is_presence(
        self, path: str, status: int, content: object, check: Check
    ) -> None:
        """In each shape that it has been seen in; nothing is asked after it."""
        exchange = Exchange(answers={path: (status, content)})
        report = check_against(exchange, check=check)

        assert report.state is bl.KeyState.OVERPRIVILEGED
        assert exchange.paths[-1] == path

    @pytest.mark.parametrize("path", ["cancel_order/", "withdrawal/open/", "btc_withdrawal/"])
    @pytest.mark.parametrize("content", [{"id": 1}, [], {"status": "ok"}, b"", {"data": None}])
    def test_success_is_an_alarm(self, path: str, content: object) -> None:
        """It cannot have done anything, and still somebody must look."""
        exchange = Exchange(answers={path: (200, content)})
        report = check_against(exchange)

        assert report.state is bl.KeyState.UNPROVEN
        assert report.condition is bl.KeyCondition.PROBE_ACCEPTED
        assert report.severity is bl.Severity.CRITICAL
        assert exchange.paths[-1] == path

    def test_success_of_the_probe_that_reads_is_presence(self, check: Check) -> None:
        """Reads are proved by success."""
        exchange = Exchange(answers={"withdrawal/status/": (200, {"status": "Done"})})

        assert check_against(exchange, check=check).state is bl.KeyState.OVERPRIVILEGED

    @pytest.mark.parametrize("path", PROBED)
    def test_a_page_of_html_with_status_200_proves_nothing(self, path: str) -> None:
        """A portal of the network answers in the exchange's place."""
        report = check_against(Exchange(answers={path: (200, b"<html>Welcome</html>")}))

        assert report.state is bl.KeyState.UNPROVEN
        assert report.grant_of(bl.KeyPermission.BUY_LIMIT_ORDER) is not bl.Grant.GRANTED

    def test_a_bare_403_of_earn_is_no_surprise_and_no_proof(self, check: Check) -> None:
        """It means no permission as well as no such product: the others are asked all the same."""
        exchange = Exchange(answers={"earn/subscribe/": (403, {"message": "Not available"})})
        report = check_against(exchange, check=check)

        assert report.state is bl.KeyState.UNPROVEN
        assert exchange.paths[-1] == "eth_withdrawal/"

    @pytest.mark.parametrize("path", ["withdrawal/status/", "sell/btceur/", "eth_withdrawal/"])
    @pytest.mark.parametrize(
        "loss", [httpx.ReadTimeout("slow"), httpx.ConnectError("gone"), httpx.ReadError("cut")]
    )
    def test_a_lost_answer_is_not_asked_for_again(
        self, path: str, loss: Exception, check: Check
    ) -> None:
        """The request may have arrived: it goes out once, and the check ends."""
        exchange = Exchange(answers={path: loss})
        report = check_against(exchange, check=check)

        assert report.condition is bl.KeyCondition.PROBE_INTERRUPTED
        assert exchange.paths.count(path) == 1
        assert exchange.paths[-1] == path

    def test_a_forged_seal_is_not_believed(self) -> None:
        """A denial with a wrong signature is from somebody else."""
        exchange = Exchange()

        def forge(request: httpx.Request) -> httpx.Response:
            response = exchange.answer(request)
            if response.status_code == 403:
                response.headers["X-Server-Auth-Signature"] = "0" * 64
            return response

        credentials = bl.Credentials(key="k" * 32, secret="CanarySecret00000000000000abcd00")
        with bl.Client(
            credentials, base_url="https://exchange.example", transport=httpx.MockTransport(forge)
        ) as client:
            report = bl.check_key(client)

        assert report.condition is bl.KeyCondition.NOT_GENUINE


class TestGrantsForSomeAssets:
    HELD = (
        200,
        [
            {"currency": "btc", "total": "0", "available": "0", "reserved": "0"},
            {"currency": "eur", "total": "5", "available": "5", "reserved": "0"},
            {"currency": "sol", "total": "1", "available": "0", "reserved": "1"},
        ],
    )

    def test_a_coin_that_is_held_is_asked_about(self, check: Check) -> None:
        """The permission may be given for it alone."""
        complaint = {"error": "Missing amount and/or address POST parameters"}
        exchange = Exchange(
            answers={"account_balances/": self.HELD, "sol_withdrawal/": (400, complaint)}
        )
        report = check_against(exchange, check=check)

        assert report.state is bl.KeyState.OVERPRIVILEGED
        assert report.grant_of(bl.KeyPermission.CRYPTO_WITHDRAWAL, "SOL") is bl.Grant.GRANTED
        assert report.grant_of(bl.KeyPermission.CRYPTO_WITHDRAWAL, "BTC") is bl.Grant.DENIED

    def test_coins_that_were_not_asked_about_are_not_claimed(self) -> None:
        """Money of states leaves by bank, and has no such endpoint."""
        exchange = Exchange(answers={"account_balances/": self.HELD})
        report = check_against(exchange)

        assert report.state is bl.KeyState.READ_ONLY
        assert any("other than BTC, ETH, SOL" in str(each) for each in report.not_probed)
        assert "eur_withdrawal/" not in exchange.paths

    @pytest.mark.parametrize(
        "name", ["../revoke_all_api_keys/?", "X/Y", "a b", "é", "", "x" * 30, "cancel_all_orders"]
    )
    def test_a_currency_that_is_none_makes_no_path(self, name: str) -> None:
        """The server chooses these names; a held coin left out keeps the verdict open."""
        balance = {"currency": name, "total": "1", "available": "1", "reserved": "0"}
        exchange = Exchange(answers={"account_balances/": (200, [balance])})
        report = check_against(exchange)

        assert report.state is bl.KeyState.UNPROVEN
        assert set(exchange.paths) <= {*READS, *PROBED}


class TestOrder:
    def test_probes_go_out_one_at_a_time_the_most_harmless_first(self, check: Check) -> None:
        """Reads first; the probe that only reads before those that write."""
        exchange = Exchange()
        report = check_against(exchange, check=check)

        assert report.state is bl.KeyState.READ_ONLY
        assert exchange.paths == [*READS, *PROBED]

    def test_no_probe_carries_anything(self, check: Check) -> None:
        """No query, no body; only the endpoint that takes JSON gets an empty object."""
        exchange = Exchange()
        check_against(exchange, check=check)
        sent = {
            path: (request.url.query, request.content, request.headers.get("content-type"))
            for path, request in zip(exchange.paths, exchange.asked, strict=True)
            if path in PROBED
        }

        assert sent.pop("earn/subscribe/") == (b"", b"{}", "application/json")
        assert set(sent.values()) == {(b"", b"", None)}

    def test_answers_in_a_wrong_order_prove_nothing(self) -> None:
        """Each reply belongs to the question before: complaints do not fit their probes."""
        known: dict[str, Answer] = {
            "cancel_order/": (400, {"error": "Missing parameters: ['iban']"}),
            "transfer-to-main/": (400, {"error": "Missing id POST param."}),
        }
        for path, answer in known.items():
            report = check_against(Exchange(answers={path: answer}))

            assert report.state is bl.KeyState.UNPROVEN

    def test_a_key_that_is_refused_midway_is_not_proved(self, check: Check) -> None:
        """It was deleted while it was checked."""
        refusal: Answer = (
            403,
            {"status": "error", "reason": "API key not found", "code": "API0001"},
        )
        exchange = Exchange(answers={"sell/btceur/": refusal})
        report = check_against(exchange, check=check)

        assert report.state is bl.KeyState.UNPROVEN
        assert exchange.paths[-1] == "sell/btceur/"

    @pytest.mark.parametrize(
        "needed", [["account_balances/"], ["user_transactions/"], [*READS][:2]]
    )
    def test_writes_are_asked_about_even_where_reads_are_denied(self, needed: list[str]) -> None:
        """A key that cannot read may still withdraw, which matters more."""
        complaint = (400, {"error": "Missing amount and/or address POST parameters"})
        answers: dict[str, Answer | Exception] = dict.fromkeys(needed, DENIED)
        exchange = Exchange(answers={**answers, "eth_withdrawal/": complaint})

        assert check_against(exchange).state is bl.KeyState.OVERPRIVILEGED


contents = st.one_of(
    st.sampled_from([content for _, content in NOT_DENIALS]),
    st.sampled_from([content for _, _, content in COMPLAINTS]),
    st.just(DENIED[1]),
    st.just({"error": "No permission found"}),
    st.binary(max_size=20),
    st.recursive(
        st.none() | st.booleans() | st.integers(0, 9) | st.text(max_size=10),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["status", "reason", "code", "error", "message", "response_code"]),
                inner,
                max_size=4,
            )
        ),
        max_leaves=6,
    ),
)
statuses = st.sampled_from([200, 201, 204, 302, 400, 401, 403, 404, 405, 429, 500, 503])
answers = st.one_of(st.just(DENIED), st.tuples(statuses, contents))


def is_denial(answer: Answer) -> bool:
    return answer[0] < 500 and answer[1] in (DENIED[1], {"error": "No permission found"})


@settings(max_examples=150, deadline=None)
@given(
    reads=st.lists(st.one_of(st.none(), answers), min_size=5, max_size=5),
    probes=st.lists(st.one_of(st.just(DENIED), answers), min_size=13, max_size=13),
)
def test_the_verdict_is_never_better_than_the_evidence(
    reads: list[Answer | None], probes: list[Answer]
) -> None:
    """Whatever the server says: READ_ONLY only after two reads and nothing but denials."""
    said: dict[str, Answer | Exception] = {
        path: answer for path, answer in zip(READS, reads, strict=True) if answer is not None
    }
    said |= dict(zip(PROBED, probes, strict=True))
    exchange = Exchange(answers=said)
    report = check_against(exchange)

    if report.state is bl.KeyState.READ_ONLY:
        assert all(is_denial(answer) for answer in probes)
        for path, answer in itertools.islice(zip(READS, reads, strict=True), 2):
            assert answer is None or (answer[0] == 200 and isinstance(answer[1], list)), path
    assert all(exchange.paths.count(path) <= 1 for path in PROBED)
    assert set(exchange.paths) <= {*READS, *PROBED}
    assert bl.KeyReport.from_json(report.to_json()) == report
